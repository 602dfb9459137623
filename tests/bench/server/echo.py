# SPDX-License-Identifier: ISC
"""asyncio: streams, or with a size a protocol that reads into one buffer.

Its connections have TCP_NODELAY.
"""

import asyncio
import platform
import sys

USUAL = 4096
BACKLOG = 4096


async def echo(reader, writer):
    try:
        while some := await reader.read(USUAL):
            writer.write(some)
            await writer.drain()
    except ConnectionError:
        pass
    writer.close()


class Echo(asyncio.BufferedProtocol):
    buffer = None

    def connection_made(self, transport):
        self.transport = transport

    def get_buffer(self, hint):
        return self.buffer

    def buffer_updated(self, count):
        # What cannot be sent at once is copied.
        self.transport.write(self.buffer[:count])

    def pause_writing(self):
        self.transport.pause_reading()

    def resume_writing(self):
        self.transport.resume_reading()


async def main():
    how = {"host": "127.0.0.1", "port": int(sys.argv[1]), "backlog": BACKLOG}
    if len(sys.argv) > 2:
        Echo.buffer = memoryview(bytearray(int(sys.argv[2])))
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Echo, **how)
    else:
        server = await asyncio.start_server(echo, **how)
    print("ready Python", platform.python_version(), flush=True)
    await server.serve_forever()


asyncio.run(main())
