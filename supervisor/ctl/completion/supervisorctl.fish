# fish completion for supervisorctl. Load it with
#   supervisorctl completion fish | source

function __supervisorctl_names
    set -l globals
    set -l words (commandline -opc)
    set -l i 2
    while test $i -le (count $words)
        switch $words[$i]
            case -c -s -u -p --configuration --serverurl --username --password
                set -a globals $words[$i] $words[(math $i + 1)]
                set i (math $i + 2)
            case '-*'
                set -a globals $words[$i]
                set i (math $i + 1)
            case '*'
                break
        end
    end
    supervisorctl $globals status 2>/dev/null </dev/null |
        awk '$2 ~ /^[A-Z]+$/ && $2 != "ERROR" { print $1; if (sub(/:.*/, ":*", $1) && !seen[$1]++) print $1 }'
end

function __supervisorctl_groups
    __supervisorctl_names | string replace -r ':.*' '' | sort -u
end

set -l actions add avail clear completion exit fg help maintail open pid quit reload remove reread \
    restart shutdown signal start status stop tail update version

complete -c supervisorctl -f
complete -c supervisorctl -n "not __fish_seen_subcommand_from $actions" -a "$actions"
complete -c supervisorctl -s c -l configuration -r -F -d 'Configuration file'
complete -c supervisorctl -s s -l serverurl -x -d 'URL of the server'
complete -c supervisorctl -s u -l username -x -d 'User name'
complete -c supervisorctl -s p -l password -x -d Password
complete -c supervisorctl -s r -l history_file -r -F -d 'History file'
complete -c supervisorctl -s i -l interactive -d 'Ask before a shutdown'
complete -c supervisorctl -s h -l help -d 'Print a help text'
complete -c supervisorctl -n '__fish_seen_subcommand_from help' -a "$actions"
complete -c supervisorctl -n '__fish_seen_subcommand_from completion' -a 'bash zsh fish'
complete -c supervisorctl -n '__fish_seen_subcommand_from clear fg pid restart signal start status stop tail' \
    -a '(__supervisorctl_names)'
complete -c supervisorctl -n '__fish_seen_subcommand_from add remove update' -a '(__supervisorctl_groups)'
complete -c supervisorctl -n '__fish_seen_subcommand_from signal' -a 'HUP INT QUIT TERM KILL USR1 USR2 CONT STOP'
complete -c supervisorctl -n '__fish_seen_subcommand_from status avail reread update version' -l json -d 'Print JSON'
complete -c supervisorctl -n '__fish_seen_subcommand_from status' -l wait -x \
    -a 'STOPPED STARTING RUNNING BACKOFF STOPPING EXITED FATAL' -d 'Wait for a state'
complete -c supervisorctl -n '__fish_seen_subcommand_from status' -l timeout -x -d 'Longest wait'
complete -c supervisorctl -n '__fish_seen_subcommand_from tail' -a 'stdout stderr'
