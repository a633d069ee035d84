# bash completion for supervisorctl. Load it with
#   source <(supervisorctl completion bash)

_supervisorctl() {
    local cur words cword line word action i
    # A word may hold colons: group:name.
    line=${COMP_LINE:0:COMP_POINT}
    cur=${line##*[[:space:]]}
    read -r -a words <<< "$line"
    [[ -z $cur ]] && words+=("")
    cword=$((${#words[@]} - 1))

    local -a globals=()
    action=
    for ((i = 1; i < cword; i++)); do
        word=${words[i]}
        case $word in
        -c | -s | -u | -p | -r | --configuration | --serverurl | --username | --password | --history_file)
            globals+=("$word" "${words[i + 1]}")
            ((i++))
            ;;
        -*) globals+=("$word") ;;
        *)
            action=$word
            break
            ;;
        esac
    done

    local candidates=
    if [[ -z $action ]]; then
        case ${words[cword - 1]} in
        -c | -r | --configuration | --history_file)
            COMPREPLY=($(compgen -f -- "$cur"))
            return
            ;;
        -s | -u | -p | --serverurl | --username | --password) return ;;
        esac
        candidates="add avail clear completion exit fg help maintail open pid quit reload remove
            reread restart shutdown signal start status stop tail update version
            --configuration --help --interactive --serverurl --username --password --history_file"
    else
        case $action in
        help) candidates="add avail clear exit fg help maintail open pid quit reload remove reread
            restart shutdown signal start status stop tail update version" ;;
        completion) candidates="bash zsh fish" ;;
        avail | reread | version) candidates="--json" ;;
        maintail) candidates="-f" ;;
        signal)
            if ((cword == i + 1)); then
                candidates="HUP INT QUIT TERM KILL USR1 USR2 CONT STOP"
            else
                candidates=$(_supervisorctl_names)
            fi
            ;;
        add | remove | update) candidates=$(_supervisorctl_names | sed 's/:.*//' | sort -u) ;;
        clear | fg | pid | restart | start | stop) candidates=$(_supervisorctl_names) ;;
        status) candidates="--json --wait --timeout $(_supervisorctl_names)" ;;
        tail) candidates="-f stdout stderr $(_supervisorctl_names)" ;;
        esac
    fi
    COMPREPLY=($(set -f; compgen -W "$candidates" -- "$cur"))
    # readline completes what follows the last colon only.
    if [[ $cur == *:* && $COMP_WORDBREAKS == *:* ]]; then
        local prefix=${cur%"${cur##*:}"}
        COMPREPLY=("${COMPREPLY[@]#"$prefix"}")
    fi
}

# _supervisorctl_names prints the names of processes and groups.
_supervisorctl_names() {
    "${words[0]}" "${globals[@]}" status 2>/dev/null </dev/null |
        awk '$2 ~ /^[A-Z]+$/ && $2 != "ERROR" { print $1; if (sub(/:.*/, ":*", $1) && !seen[$1]++) print $1 }'
}

complete -F _supervisorctl supervisorctl
