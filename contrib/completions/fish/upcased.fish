# SPDX-License-Identifier: ISC
# Made by contrib/completions/generate from the options of the program.

complete -c upcased -f
complete -c upcased -l config -r -F \
    -d 'read what is not given here from FILE; none: from no file'
complete -c upcased -l check \
    -d 'only check, and print all that would be in force'
complete -c upcased -l listen -s l -x -a '(__fish_print_hostnames)' \
    -d 'serve on ADDRESS; may be given several times'
complete -c upcased -l workers -s w -x -a 'auto' \
    -d 'serve in N threads; auto: one for each processor'
complete -c upcased -l backend -x -a 'epoll kqueue poll' \
    -d 'wait for clients with NAME; --version lists them'
complete -c upcased -l invalid -x -a 'pass replace close' \
    -d 'what to do with bytes that are not UTF-8: pass, replace or close'
complete -c upcased -l max-connections -x -a 'auto' \
    -d 'serve at most N clients at once; auto: what the limit of descriptors allows'
complete -c upcased -l memory-limit -x -a 'auto' \
    -d 'hold at most SIZE of answers that clients have not taken yet, such as 64M; auto: by the number of connections'
complete -c upcased -l idle-timeout -x \
    -d 'disconnect a client that sends nothing for T'
complete -c upcased -l stall-timeout -x \
    -d 'disconnect a client that takes no answer for T'
complete -c upcased -l drain-timeout -x \
    -d 'when stopped, finish serving within T'
complete -c upcased -l busy-poll -x \
    -d 'poll for up to T, such as 100us, before sleeping'
complete -c upcased -l congestion -x \
    -d 'send with the congestion control NAME'
complete -c upcased -l user -x -a '(__fish_complete_users)' \
    -d 'as root, become NAME before serving'
complete -c upcased -l log -x -a 'stderr syslog' \
    -d 'where to log: stderr or syslog'
complete -c upcased -l log-level -x -a 'error warn info debug' \
    -d 'how much to log: error, warn, info or debug'
complete -c upcased -l log-connections \
    -d 'log a line at the end of each connection'
complete -c upcased -l metrics -x -a '(__fish_print_hostnames)' \
    -d 'serve metrics over HTTP on ADDRESS'
complete -c upcased -l version -s V \
    -d 'print the version and exit'
complete -c upcased -l help -s h \
    -d 'print this and exit'
