"""How well a run is walled off on this machine: the levels, and canaries that measure instead of assuming."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from autograder.sandbox import cgroup, trial
from autograder.sandbox.host import Limits, SandboxBroke, Template
from autograder.sandbox.inside import Cell
from autograder.sandbox.linux import OWN

#: From the hardest: limits kept by the kernel on a whole run, limits on each process and a watchdog, no wall.
IN_CGROUP = "bwrap+cgroup"
SANDBOXED = "bwrap+rlimits"
OPEN = "none"
#: The weaker wall of a container whose /proc is masked: runs have no /proc at all, and the template, which never runs
#: a student's code, keeps the container's and its process ids. Only where it is asked for by name.
WITHOUT_PROC = "bwrap-noproc+rlimits"
#: The walls that can be asked for.
WALLS = ("bwrap", "bwrap-noproc")

#: Each canary tries something that a walled-off student must not be able to do, and prints what happened.
CANARIES = {
    "reaches the network": """
import socket
try:
    socket.create_connection(("192.0.2.1", 9), 1)
    held = False
except OSError as error:
    held = error.errno in (97, 101, 111, 113)  # no such socket, unreachable, refused: there is no way out at all
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
held = os.getpid() == 1 and os.getppid() == 0 and all(pid == 1 for pid in pids)
""",
    "keeps files for the next student": """
import os
mounts = ["/tmp", "/dev/shm", "/dev/pts", "/dev", "/", "/proc"]
if os.path.exists("/proc/self/mountinfo"):
    with open("/proc/self/mountinfo") as file:
        mounts = [line.split()[4].encode().decode("unicode_escape") for line in file]
held = True
for mount in dict.fromkeys(mounts):
    path = os.path.join(mount, "canary-was-here")
    held = held and not os.path.lexists(path)
    try:
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY))
        held = held and mount in OWN
    except OSError:
        pass
""",
    "changes what the next student finds": """
import os
held = True
for folder in ("/", "/dev", "/etc", "/usr", "/proc", "/data", os.path.dirname(os.__file__)):
    names = [folder] + [os.path.join(folder, name) for name in (os.listdir(folder) if os.path.isdir(folder) else [])][:200]
    for path in names:
        if path in OWN or os.path.islink(path):
            continue
        try:
            os.chmod(path, os.stat(path).st_mode & 0o7777)  # nothing changes even where it is allowed
            held = False
        except OSError:
            pass
        try:
            os.utime(path)
            held = held and path.startswith("/proc/")
        except OSError:
            pass
""",
    "is root outside": """
import os
held = 0 not in (os.getuid(), os.geteuid()) and os.stat("/dev/null").st_uid != os.getuid()
""",
    "takes memory that nobody counts": """
import ctypes, mmap
libc = ctypes.CDLL(None, use_errno=True)
held = libc.memfd_create(b"x", 0) == -1 and libc.shmget(0, 4096, 0o1600) == -1
try:
    mmap.mmap(-1, 4096)
    held = False
except OSError:
    pass
try:
    with open("/dev/zero", "r+b") as file:
        mmap.mmap(file.fileno(), 4096)
    held = False
except OSError:
    pass
""",
    "opens sockets that lead out": """
import socket
held = True
for family in range(64):
    if family == socket.AF_UNIX:
        continue
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW):
        try:
            socket.socket(family, kind).close()
            held = False
        except OSError:
            pass
""",
    "moves to another core": """
import ctypes
held = ctypes.CDLL(None, use_errno=True).sched_setaffinity(0, 8, ctypes.byref(ctypes.c_ulong(1))) == -1
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
    roots = f"ROOTS = {[str(root.resolve()), str(Path.home()), str(Path.cwd())]!r}\nOWN = {OWN!r}\n"
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


def level(trusting: bool = False, wall: str = "bwrap") -> tuple[bool, str]:
    """Return whether to use the sandbox, and the name of the level that a template would run at.

    `wall` is one of WALLS. The weaker is taken only where it is asked for.
    """
    why_not = trial.missing(proc=wall == "bwrap")
    if why_not is None:
        if wall != "bwrap":
            return True, WITHOUT_PROC
        return True, SANDBOXED if cgroup.missing() else IN_CGROUP
    return False, OPEN if trusting else f"{OPEN} ({why_not})"


def confirm(template: Template, root: Path) -> None:
    """Raise SandboxBroke naming every canary that got through, so that no level is claimed that is not there."""
    through = [canary.attempt for canary in measure(template, root) if not canary.held]
    if through:
        raise SandboxBroke("the sandbox does not hold on this machine: code inside " + "; ".join(through))


__all__ = ["CANARIES", "WALLS", "WITHOUT_PROC", "Canary", "confirm", "level", "measure"]
