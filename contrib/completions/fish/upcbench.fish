# SPDX-License-Identifier: ISC
# Made by contrib/completions/generate from the options of the program.

complete -c upcbench -f
complete -c upcbench -f -a '(__fish_print_hostnames)'
complete -c upcbench -l mode -x -a 'ping-pong stream churn idle mixed' \
    -d 'ping-pong, stream, churn, idle or mixed'
complete -c upcbench -l connections -x \
    -d 'this many connections at once'
complete -c upcbench -l streams -x \
    -d 'in mixed: this many more connections, which stream'
complete -c upcbench -l size -x \
    -d 'bytes of a message'
complete -c upcbench -l text -r -F \
    -d 'cut the messages from this text, which is UTF-8'
complete -c upcbench -l depth -x \
    -d 'messages under way at once on a connection of ping-pong'
complete -c upcbench -l time -x \
    -d 'measure for T'
complete -c upcbench -l warm-up -x \
    -d 'run for T before that'
complete -c upcbench -l count -x \
    -d 'end after N messages (connections in churn, bytes in stream) instead of a time, without a warm-up'
complete -c upcbench -l rate -x \
    -d 'messages or connections a second, in all, with latencies from when they were due'
complete -c upcbench -l timeout -x \
    -d 'wait for the server for at most T'
complete -c upcbench -l answer-timeout -x \
    -d 'wait for the whole answer of a message for at most T; 0: as long as it goes on'
complete -c upcbench -l answer -x -a 'upper same' \
    -d 'the answer that is expected: upper, or same from an echo server'
complete -c upcbench -l format -x -a 'text csv json' \
    -d 'of the report: text, csv or json'
complete -c upcbench -l backend -x -a 'epoll kqueue poll' \
    -d 'how to wait for sockets: epoll, kqueue or poll'
complete -c upcbench -l no-progress \
    -d 'never show how far the run has come'
complete -c upcbench -l version -s V \
    -d 'print the version and exit'
complete -c upcbench -l help -s h \
    -d 'print this and exit'
