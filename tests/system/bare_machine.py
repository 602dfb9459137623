# SPDX-License-Identifier: ISC
"""A Debian of which nothing is there but what a package manager needs.

It is made from the packages of this machine's mirror, in a folder.
"""

import re
import shutil
import subprocess

# What runs in the machine, as its only processes.  Its root is the root of all
# that they see, as on any machine: in a mere chroot there are no name spaces.
ENTER = """
root=$1
shift
mount --make-rprivate / && mount --bind "$root" "$root" && cd "$root" &&
    mount -t proc proc proc && mount --rbind /dev dev &&
    mount -t sysfs -o ro sysfs sys || exit
mount -t cgroup2 cgroup2 sys/fs/cgroup
pivot_root . mnt && cd / && umount -l /mnt || exit
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 "$@"
"""


def make(root, *packages):
    """Whether it could be made, with these packages besides."""
    with open("/etc/os-release", encoding="utf-8") as file:
        name = re.search(r"^VERSION_CODENAME=(\w+)", file.read(), re.M)[1]
    done = subprocess.run(
        ["mmdebstrap", "--quiet", "--variant=minbase",
         *[f"--include={package}" for package in packages], name, root],
        stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        return False
    # Its own resolver and names, as any machine has that was installed.
    shutil.copy("/etc/resolv.conf", f"{root}/etc/resolv.conf")
    with open(f"{root}/etc/hosts", "w", encoding="ascii") as file:
        file.write("127.0.0.1 localhost\n::1 localhost\n")
    return True


def command(root, *words):
    """The command that runs these words in there."""
    return ["unshare", "--mount", "--pid", "--fork", "--kill-child",
            "sh", "-c", ENTER, "sh", root, *words]
