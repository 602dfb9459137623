// SPDX-License-Identifier: ISC
// Node.js: the socket piped into itself.  It reads at most 64 KiB at a time,
// which a server cannot change.
'use strict';
const net = require('net');

const server = net.createServer({ noDelay: true }, (socket) => {
	socket.on('error', () => socket.destroy());
	socket.pipe(socket);
});
server.listen(
	{ host: '127.0.0.1', port: Number(process.argv[2]), backlog: 4096 },
	() => console.log('ready Node.js', process.versions.node));
