# SPDX-License-Identifier: ISC
"""The server of a first lecture on sockets: one client, one text, one recv."""

import platform
import socket
import sys

server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("127.0.0.1", int(sys.argv[1])))
server.listen()
print("ready Python", platform.python_version(), flush=True)
while True:
    client, _ = server.accept()
    text = client.recv(1024).decode()
    client.sendall(text.upper().encode())
    client.close()
