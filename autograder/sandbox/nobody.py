"""Root gives itself up before the wall is built: what runs behind it is no user of this machine, least of all root.

Behind bubblewrap user 1000 stands for whoever started it. Were that root, then a run would own the device nodes and
every file of the system, and only the read-only mounts would stand between. So root starts bubblewrap as a user id that
has no name, one for each template: limits that the kernel counts by user are then nobody else's too.
"""

from __future__ import annotations

import itertools
import os
import sys
from pathlib import Path

#: Ids that no distribution gives to anybody, from the list that systemd keeps (users, groups and containers).
FIRST, COUNT = 0x70000000, 2**27
#: What remains where a container knows few ids.
NOBODY = 65534
_SETGID, _SETUID, _SYS_ADMIN = 6, 7, 21
_BECOME = (
    "import os, sys; n = int(sys.argv[1]); os.setgroups([]); os.setresgid(n, n, n); os.setresuid(n, n, n); "
    "os.execvp(sys.argv[2], sys.argv[2:])"
)
_counter = itertools.count()


def becoming(shown: list[tuple[str, str]]) -> list[str]:
    """Return the start of a command line that makes root somebody else; [] for an ordinary user.

    Where root may mount, it lays out a root folder of the `shown` paths (source, target) first: the new user could
    not walk through a closed home folder to a Python that lies in it.
    """
    user = unnamed()
    if user is None:
        return []
    become = [sys.executable, "-I", "-S", "-c", _BECOME, str(user)]
    if not _capable(_SYS_ADMIN):
        return become
    binds: list[str] = []
    for folder in sorted({str(p) for _, target in shown for p in Path(target).parents} - {"/"}):
        binds += ["--dir", folder]
    for source, target in shown:
        binds += ["--ro-bind", source, target]
    # no option may need more than bubblewrap 0.4; a folder that it makes by itself is closed to others
    return [
        "bwrap", "--dev-bind", "/dev", "/dev", "--bind", "/proc", "/proc", *binds, "--dir", "/tmp", "--die-with-parent",
        "--cap-drop", "ALL", "--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--", *become,
    ]  # fmt: skip


def unnamed() -> int | None:
    """Return the id to become, None where this process is not root or may not become anybody else."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0 or not (_capable(_SETUID) and _capable(_SETGID)):
        return None
    wanted = FIRST + (os.getpid() * 16 + next(_counter) % 16) % COUNT
    return next((n for n in (wanted, NOBODY) if _mapped(n, "uid") and _mapped(n, "gid")), None)


def _capable(capability: int) -> bool:
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return False
    return any(
        line.startswith("CapEff:") and int(line.split()[1], 16) >> capability & 1 for line in status.splitlines()
    )


def _mapped(number: int, kind: str) -> bool:
    try:
        lines = Path(f"/proc/self/{kind}_map").read_text().splitlines()
    except OSError:
        return False
    return any(int(first) <= number < int(first) + int(count) for first, _, count in map(str.split, lines))
