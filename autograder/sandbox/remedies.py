"""What a machine without a wall says, in a sentence a person can act on: one row for each way it fails.

A row is what the kernel, bubblewrap or systemd writes, what that means, and what helps. The first that fits is taken;
rows that look at the machine as well stand before those that do not.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


def _setting(name: str) -> str:
    try:
        return (Path("/proc/sys") / name).read_text().strip()
    except OSError:
        return ""


def _apparmor() -> bool:
    return _setting("kernel/apparmor_restrict_unprivileged_userns") == "1"


def _no_namespaces() -> bool:
    return _setting("user/max_user_namespaces") == "0"


def _old_switch() -> bool:
    return _setting("kernel/unprivileged_userns_clone") == "0"


@dataclass(frozen=True)
class Remedy:
    """A way to fail: words that are found in it, what may be seen on the machine besides, its meaning, what helps."""

    words: str
    meaning: str
    helps: str
    seen: Callable[[], bool] | None = None


_APPARMOR = (
    "bubblewrap is installed, and AppArmor lets no ordinary program make user namespaces (Ubuntu 23.10 and later)",
    "give bwrap a profile that may: put `abi <abi/4.0>, include <tunables/global> profile bwrap /usr/bin/bwrap "
    "flags=(unconfined) { userns, }` into /etc/apparmor.d/bwrap and run `sudo apparmor_parser -r /etc/apparmor.d/bwrap`, "
    "or `sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0`",
)
_NONE_LEFT = (
    "bubblewrap is installed, and the limit of user namespaces is 0",
    "raise it: `sudo sysctl user.max_user_namespaces=15000`",
)
_CONTAINER = (
    "in Docker: `--security-opt seccomp=unconfined --security-opt apparmor=unconfined`; in Kubernetes: "
    "`seccompProfile: Unconfined`, `appArmorProfile: Unconfined` and `hostUsers: false`"
)

TABLE = [
    Remedy("is not installed", "bubblewrap is not installed", "`sudo apt-get install bubblewrap` (or dnf, pacman, apk)"),
    Remedy("has no bubblewrap", "this system has no bubblewrap", "grade on Linux, or in a Linux container or WSL 2"),
    Remedy(
        r"inside bubblewrap, a run's own walls: (\[Errno \d+\] )?unshare",
        "bubblewrap starts, and namespaces inside its own are refused, which each run needs",
        "on Ubuntu 25.04 and later unload the profile that forbids them: `sudo ln -s /etc/apparmor.d/bwrap-userns-restrict "
        f"/etc/apparmor.d/disable/ && sudo apparmor_parser -R /etc/apparmor.d/bwrap-userns-restrict`; {_CONTAINER}",
    ),
    Remedy(
        "a run could write to",
        "the wall starts with something in it that a run could write to and that is not the run's own",
        "this is a fault of the grader: report it with the line above",
    ),
    Remedy("inside bubblewrap, a run's own walls", "bubblewrap starts, and a run's own mounts in it are refused", _CONTAINER),
    Remedy(
        r"[Cc]an't mount proc|proc.*Operation not permitted",
        "bubblewrap is installed, and this container's /proc is masked, so that no other can be mounted (the default of "
        "Docker and Kubernetes)",
        "in Docker: `--security-opt systempaths=unconfined`; in Kubernetes: `procMount: Unmasked` with `hostUsers: false`; "
        "or take the weaker wall in which runs have no /proc and the template keeps the container's: "
        "`autograder grade --wall bwrap-noproc`",
    ),
    Remedy("No space left on device", *_NONE_LEFT),
    Remedy("user namespace|uid map|namespace failed|No permissions", *_NONE_LEFT, seen=_no_namespaces),
    Remedy("uid map|[Pp]ermission denied|Operation not permitted|No permissions", *_APPARMOR, seen=_apparmor),
    Remedy("uid map: Permission denied|loopback: Failed RTM_NEWADDR", *_APPARMOR),
    Remedy(
        "No permissions to creat|namespace failed|Operation not permitted",
        "bubblewrap is installed, and user namespaces are switched off here",
        "`sudo sysctl kernel.unprivileged_userns_clone=1`",
        seen=_old_switch,
    ),
    Remedy(
        "No permissions to creat|namespace failed|Operation not permitted",
        "bubblewrap is installed, and this machine or container forbids it to make namespaces",
        _CONTAINER,
    ),
    Remedy(
        r"Unknown option|unrecognized option", "bubblewrap is installed, and too old", "install bubblewrap 0.4 or later"
    ),
    Remedy(
        r"bwrap: execvp .*Permission denied|\[Errno 13\]|PermissionError|No module named|can't open file",
        "bubblewrap starts, and the Python in it cannot be read by an ordinary user, whom root becomes for it",
        "make Python, its packages and the course readable for everybody (`chmod -R a+rX FOLDER`)",
    ),
    Remedy(
        "Permission denied", "bubblewrap is installed, and may not be run here", "look at `ls -l $(which bwrap)` and at AppArmor or SELinux"
    ),
    Remedy("timed out", "bubblewrap is installed, and does not come to an end", "type `bwrap --ro-bind / / true` and see"),
]

#: The same for a memory limit that the kernel keeps. Nothing is refused for the want of it.
SCOPES = [
    Remedy("has no cgroups", "this system has no cgroups", "nothing"),
    Remedy("no cgroup v2", "there is no cgroup v2 at /sys/fs/cgroup", "boot with `systemd.unified_cgroup_hierarchy=1`"),
    Remedy("is not installed", "systemd-run is not installed", "nothing in a container; elsewhere install systemd"),
    Remedy(
        "no session", "systemd has no session of this user (cron, sudo -u, ssh without a login)",
        "`sudo loginctl enable-linger $USER`, then log in again",
    ),
    Remedy("timed out", "systemd-run is installed, and does not answer", "look at `systemctl --user status`, or `systemctl status` as root"),
    Remedy("not been booted with systemd", "systemd does not run here", "nothing in a container"),
    Remedy("Failed to connect|bus", "systemd cannot be reached", "`sudo loginctl enable-linger $USER`, then log in again"),
]


def explain(found: str, table: list[Remedy] | None = None) -> str:
    """Return what went wrong with its remedy, and the machine's own words last; only those where no row fits."""
    words = " ".join(found.split())
    for row in TABLE if table is None else table:
        if re.search(row.words, words) and (row.seen is None or row.seen()):
            own = "" if words in row.meaning else f" (it said: {words[:200]})"
            return f"{row.meaning}; what helps: {row.helps}{own}"
    return words
