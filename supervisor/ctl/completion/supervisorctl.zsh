#compdef supervisorctl
# zsh completion for supervisorctl. Put it as _supervisorctl into a folder of
# $fpath, or load it with
#   source <(supervisorctl completion zsh)

_supervisorctl_names() {
    local -a globals names
    local option
    for option in -c -s -u -p --configuration --serverurl --username --password; do
        (( ${+opt_args[$option]} )) && globals+=($option "${(Q)opt_args[$option]}")
    done
    names=(${(f)"$(supervisorctl $globals status 2>/dev/null </dev/null |
        awk '$2 ~ /^[A-Z]+$/ && $2 != "ERROR" { print $1; if (sub(/:.*/, ":*", $1) && !seen[$1]++) print $1 }')"})
    if [[ $1 == groups ]]; then
        names=(${(u)names%%:*})
    fi
    compadd -a names
}

_supervisorctl() {
    local -a actions
    actions=(add avail clear completion exit fg help maintail open pid quit reload remove reread
        restart shutdown signal start status stop tail update version)
    local curcontext=$curcontext state line
    typeset -A opt_args
    _arguments -C -S \
        '(-c --configuration)'{-c,--configuration}'[configuration file]:file:_files' \
        '(-s --serverurl)'{-s,--serverurl}'[URL of the server]:url:' \
        '(-u --username)'{-u,--username}'[user name]:name:' \
        '(-p --password)'{-p,--password}'[password]:password:' \
        '(-r --history_file)'{-r,--history_file}'[history file]:file:_files' \
        '(-i --interactive)'{-i,--interactive}'[ask before a shutdown]' \
        '(-h --help)'{-h,--help}'[print a help text]' \
        '1:action:->action' '*::argument:->argument'
    case $state in
    action) compadd -a actions ;;
    argument)
        case $line[1] in
        help) compadd -a actions ;;
        completion) compadd bash zsh fish ;;
        avail | reread | version) compadd -- --json ;;
        maintail) compadd -- -f ;;
        signal)
            if (( CURRENT == 2 )); then
                compadd HUP INT QUIT TERM KILL USR1 USR2 CONT STOP
            else
                _supervisorctl_names
            fi
            ;;
        add | remove | update) _supervisorctl_names groups ;;
        clear | fg | pid | restart | start | stop) _supervisorctl_names ;;
        status) compadd -- --json --wait --timeout; _supervisorctl_names ;;
        tail) compadd -- -f stdout stderr; _supervisorctl_names ;;
        esac
        ;;
    esac
}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _supervisorctl "$@"
else
    compdef _supervisorctl supervisorctl
fi
