#!/usr/bin/env python3
# SPDX-License-Identifier: ISC
"""Makes what the fuzzer of headers of proxies begins with: a folder of inputs,
and a dictionary.  Arguments are the folder, and the file for the dictionary."""

import pathlib
import struct
import sys

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
LINES = (b"PROXY TCP4 192.0.2.7 198.51.100.1 12345 5220\r\n",
         b"PROXY TCP6 2001:db8::7 ::ffff:192.0.2.1 0 65535\r\n",
         b"PROXY UNKNOWN\r\n", b"PROXY UNKNOWN some thing\r\n",
         b"PROXY TCP4 192.0.2.7\r\n", b"PROXY UDP4 1 2 3 4\r\n", b"hello\n")
SIZES = {0x00: 0, 0x11: 12, 0x12: 12, 0x21: 36, 0x22: 36, 0x31: 216,
         0x32: 216, 0x41: 1}
VALUES = (b"", b"\4\0\0", b"\2\0\4name\4\0\1x", b"\4\0\5x", b"\4\0")


def binaries():
    for command in (0x20, 0x21, 0x22, 0x11):
        for family, size in SIZES.items():
            for values in VALUES:
                yield (SIGNATURE + struct.pack("!BBH", command, family,
                                               size + len(values))
                       + bytes(range(size)) + values)
    yield SIGNATURE + b"\x21\x11\x0f\xf0" + bytes(4080)
    yield SIGNATURE + b"\x21\x11\x0f\xf1"


def main():
    folder, dictionary = map(pathlib.Path, sys.argv[1:])
    folder.mkdir(exist_ok=True)
    headers = [*LINES, *binaries()]
    inputs = [part for header in headers
              for part in (header, header + b"text", header[:-1])]
    for i, part in enumerate(inputs):
        (folder / f"{i:04}").write_bytes(part)
    words = (SIGNATURE, b"PROXY ", b"TCP4 ", b"TCP6 ", b"UNKNOWN", b"\r\n",
             b"192.0.2.7 ", b"::1 ", b"65535 ", b"\x21\x11\0\x0c", b"\x20\0")
    dictionary.write_text("".join(
        '"{}"\n'.format("".join(f"\\x{byte:02x}" for byte in word))
        for word in words))


if __name__ == "__main__":
    main()
