"""How well a run is walled off on this machine: the levels, and canaries that measure instead of assuming."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from autograder.sandbox import bwrap, cgroup
from autograder.sandbox.host import Limits, SandboxBroke, Template
from autograder.sandbox.inside import Cell

#: From the hardest: limits kept by the kernel on a whole run, limits on each process and a watchdog, no wall.
IN_CGROUP = "bwrap+cgroup"
SANDBOXED = "bwrap+rlimits"
OPEN = "none"

#: Each canary tries something that a walled-off student must not be able to do, and prints what happened.
CANARIES = {
    "reaches the network": """
import socket
try:
    socket.create_connection(("192.0.2.1", 9), 1)
    held = False
except OSError as error:
    held = error.errno in (101, 111, 113)  # unreachable or refused at once: there is no way out at all
""",
    "sees the course and its gradebook": """
import os
held = not any(os.path.exists(os.path.join(home, name)) for home in ROOTS for name in ("source", "gradebook.db", "submitted"))
""",
    "writes where Python lives": """
import sys, os
held = True
for folder in (sys.prefix, os.path.dirname(os.__file__), "/usr", "/etc"):
    try:
        open(os.path.join(folder, "canary"), "w").close()
        held = False
    except OSError:
        pass
""",
    "sees other processes": """
import os
pids = [int(name) for name in os.listdir("/proc") if name.isdigit()] if os.path.isdir("/proc") else []
held = os.getpid() == 1 and all(pid == 1 for pid in pids)
""",
    "keeps files for the next student": """
import os
held = not os.path.exists("/tmp/canary-was-here") and not os.path.exists("/dev/shm/canary-was-here")
for folder in ("/tmp", "/dev/shm"):
    try:
        open(folder + "/canary-was-here", "w").close()
    except OSError:
        pass
""",
    "has capabilities or may gain them": """
status = ""
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
held = libc.mount(b"none", b"/tmp", b"tmpfs", 0, None) != 0 and libc.umount(b"/tmp") != 0
""",
    "makes namespaces of its own": """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
child = os.fork()
if child == 0:
    os._exit(0 if libc.unshare(0x10000000) != 0 else 1)
held = os.waitpid(child, 0)[1] == 0
""",
    "takes all the memory": """
import resource
held = resource.getrlimit(resource.RLIMIT_AS)[1] not in (-1, resource.RLIM_INFINITY)
""",
    "inherits secrets from the environment": """
import os
held = not any(word in name.upper() for name in os.environ for word in ("TOKEN", "SECRET", "PASSWORD", "KEY", "JUPYTER", "COURSE_DATA"))
""",
    "holds descriptors of the grader": """
import os
open_fds = []
for fd in range(3, 256):
    try:
        os.fstat(fd)
        open_fds.append(fd)
    except OSError:
        pass
held = len(open_fds) <= 1  # the one its own results go out by
""",
}


@dataclass(frozen=True)
class Canary:
    """One attempt: what was tried and whether the wall held."""

    attempt: str
    held: bool
    detail: str = ""


def measure(template: Template, root: Path) -> list[Canary]:
    """Send the canaries through a template twice (the second finds what the first left) and report the worse."""
    runs = [_once(template, root) for _ in range(2)]
    worst = []
    for first, second in zip(*runs, strict=True):
        worst.append(first if not first.held else second)
    return [*worst, _limits_of(template)] if template.in_cgroup else worst


def _limits_of(template: Template) -> Canary:
    """Look whether the kernel keeps the template's cgroup to what was asked for."""
    wanted = tuple(str(limit) for limit in template.cgroup_limits())
    found = cgroup.limits_of(template.process.pid) if template.process else ("", "")
    return Canary("outgrows its cgroup", found == wanted, "" if found == wanted else f"its limits are {found}, not {wanted}")


def _once(template: Template, root: Path) -> list[Canary]:
    roots = f"ROOTS = {[str(root.resolve()), str(Path.home()), str(Path.cwd())]!r}\n"
    cells = [
        Cell(attempt, "setup", roots + code + "\nprint('canary', held)") for attempt, code in CANARIES.items()
    ]
    outcome = template.run(
        cells, seed=0, forbidden={}, seconds=lambda _: 10.0, limits=Limits(wall_seconds=60)
    )
    found = []
    for attempt in CANARIES:
        frame = outcome.frames.get(attempt, {})
        held = frame.get("output", "").strip() == "canary True"
        found.append(
            Canary(attempt, held, "" if held else str(frame.get("error") or outcome.reason or "it did"))
        )
    return found


def level(trusting: bool = False) -> tuple[bool, str]:
    """Return whether to use the sandbox, and the name of the level that a template would run at."""
    why_not = bwrap.missing()
    if why_not is None:
        return True, SANDBOXED if cgroup.missing() else IN_CGROUP
    return False, OPEN if trusting else f"{OPEN} ({why_not})"


def confirm(template: Template, root: Path) -> None:
    """Raise SandboxBroke naming every canary that got through, so that no level is claimed that is not there."""
    through = [canary.attempt for canary in measure(template, root) if not canary.held]
    if through:
        raise SandboxBroke("the sandbox does not hold on this machine: code inside " + "; ".join(through))


__all__ = ["CANARIES", "Canary", "confirm", "level", "measure"]
