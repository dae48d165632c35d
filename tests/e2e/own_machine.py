"""A machine of its own, for an hour: accounts, homes and settings that end with it, on this one's software.

Mount and process namespaces of the kernel's: /etc is a copy, /home and /srv are empty, and `/srv/hub` is this Python's
environment as a hub's administrator would have installed it, with the wheels in the place of a clone. The network is the
machine's own. Needs root; nothing of it is left when it ends.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path

HUB = Path("/srv/hub")


def missing() -> str:
    """Return what is not there for it, "" where all is."""
    if sys.platform != "linux" or os.geteuid() != 0:
        return "accounts of one's own take root on Linux"
    mounts = "set -e; mount -t tmpfs tmpfs /srv; cd /srv; mkdir up work all; mount -t overlay overlay -o lowerdir=/etc,upperdir=up,workdir=work all"
    tried = subprocess.run(["unshare", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-c", mounts], capture_output=True, text=True)
    return "" if tried.returncode == 0 else f"no mounts of one's own here ({tried.stderr.strip()})"


def prefixes() -> list[Path]:
    """Return the environments that this Python finds packages in, the first one first."""
    here = [Path(path) for path in sys.path if path.endswith("site-packages")]
    return list(dict.fromkeys([Path(sys.prefix), *(path.parents[2] for path in here)]))


def closed(path: Path) -> Path | None:
    """Return the first folder on the way to a path that other accounts may not enter."""
    return next((one for one in reversed([path, *path.parents]) if one.is_dir() and not one.stat().st_mode & 0o001), None)


def script(more: list[Path]) -> str:
    """Return what lays the machine out; `more` are folders that its accounts have to reach."""
    needed = [Path(sys.base_prefix).resolve(), *prefixes(), *more]
    barred = [(path, one) for path in needed if (one := closed(path))]
    lower = ":".join(str(path) for path in prefixes())
    keep = [f"mkdir -p /run/keep/{n}; mount --rbind {path} /run/keep/{n}" for n, (path, _) in enumerate(barred)]
    over = [f"mount -t tmpfs -o mode=755 tmpfs {one}" for one in dict.fromkeys(one for _, one in barred)]
    back = [f"mkdir -p {path}; mount --rbind /run/keep/{n} {path}" for n, (path, _) in enumerate(barred)]
    site = Path(sysconfig.get_paths()["purelib"]).relative_to(sys.prefix)
    return "\n".join([
        "set -e",
        "mount -t tmpfs tmpfs /run", "mkdir /run/keep /run/etc", "cp -a /etc/. /run/etc", "mount --bind /run/etc /etc",
        *(f"mount -t tmpfs -o mode=755 tmpfs {folder}" for folder in ("/home", "/srv", "/var/mail", "/var/log")),
        *keep, *over, *back,
        "mkdir /srv/.upper /srv/.work /srv/hub",
        f"mount -t overlay overlay -o lowerdir={lower},upperdir=/srv/.upper,workdir=/srv/.work /srv/hub",
        # an installed program names its Python in the first line; a clone that is installed is on no path of the hub's
        "for one in /srv/hub/bin/*; do head -c 2 \"$one\" | grep -q '#!' && sed -i '1s|^#!.*/python[0-9.]*|#!/srv/hub/bin/python|' \"$one\"; done",
        f"rm -f /srv/hub/{site}/__editable__*",
        "echo ready; exec sleep infinity",
    ])  # fmt: skip


class OwnMachine:
    """Starts with the `with` block and ends with it."""

    def __init__(self, more: list[Path]) -> None:
        self.more = more

    def __enter__(self) -> OwnMachine:
        command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "bash", "-c", script(self.more)]
        self.outer = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.outer.stdout is not None
        assert self.outer.stdout.readline() == "ready\n", "the machine could not be laid out"
        self.first = int(Path(f"/proc/{self.outer.pid}/task/{self.outer.pid}/children").read_text().split()[0])
        return self

    def __exit__(self, *_: object) -> None:
        self.outer.kill()
        self.outer.communicate()

    def path(self, path: str) -> Path:
        """Return where this process finds a file of the machine's."""
        return Path(f"/proc/{self.first}/root{path}")

    def command(self, text: str, user: str = "root") -> list[str]:
        """Return the command line that runs a shell's text there, as a login of `user` would."""
        inside = f"export PATH={HUB}/bin:/usr/local/bin:/usr/bin:/bin:/usr/sbin; cd ~; {text}"
        to_there = ["nsenter", f"--target={self.first}", "--mount", "--pid", "--", "env", "-i", "LANG=C.UTF-8", "TERM=dumb", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
        return [*to_there, "runuser", "-u", user, "--", "env", f"HOME={'/root' if user == 'root' else f'/home/{user}'}", f"USER={user}", "bash", "-euc", inside]

    def run(self, text: str, user: str = "root", *, fails: bool = False) -> str:
        """Run a shell's text there and return what it printed; with `fails` it has to."""
        done = subprocess.run(self.command(text, user), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=1_500)
        assert (done.returncode != 0) == fails, f"as {user}: {text}\n{done.stdout[-4000:]}"
        return done.stdout

    def write(self, path: str, text: str, user: str = "root") -> None:
        """Write a file there, as `user`."""
        self.run(f"mkdir -p {shlex.quote(str(Path(path).parent))}; printf %s {shlex.quote(text)} > {shlex.quote(path)}", user)
