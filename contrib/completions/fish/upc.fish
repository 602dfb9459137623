# SPDX-License-Identifier: ISC
# Made by contrib/completions/generate from the options of the program.

complete -c upc -F
complete -c upc -l server -s s -x -a '(__fish_print_hostnames)' \
    -d 'the server, such as 127.0.0.1:5220 or name:5220'
complete -c upc -l ipv4 -s 4 \
    -d 'use only IPv4 addresses of the server'
complete -c upc -l ipv6 -s 6 \
    -d 'use only IPv6 addresses of the server'
complete -c upc -l connect-timeout -x \
    -d 'wait for T to look up the server, and then for each address; 0: as long as the system does'
complete -c upc -l timeout -x \
    -d 'give up when the server moves nothing for T; 0: never'
complete -c upc -l answer-timeout -x \
    -d 'give up when the answer has not come to its end T after the last of the text was sent; 0: never'
complete -c upc -l no-progress \
    -d 'never show how far a long text has come'
complete -c upc -l raw \
    -d 'leave control characters of the answer as they are on a terminal, too'
complete -c upc -l file -s f \
    -d 'the words are names of files, whose text is sent; - is standard input'
complete -c upc -l version -s V \
    -d 'print the version and exit'
complete -c upc -l help -s h \
    -d 'print this and exit'
