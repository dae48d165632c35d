"""What the processes of a run take together, as /proc tells it: processes, processor time, memory, files, descriptors.

An rlimit holds for one process; these sums hold for a run. Memory is all memory: pages of its own and pages shared,
each counted once, and the files in a run's own file systems.
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass, field

_PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096
_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
#: A descriptor may hold a socket's buffer: some 200 kB of the kernel's memory that no process is charged for.
DESCRIPTORS = 2048
#: Where a process hides its descriptors, the worst is taken.
_HIDDEN = 256


@dataclass(frozen=True)
class Process:
    """One process: who started it, seconds of processor it used itself and its ended children used."""

    parent: int
    own: float
    children: float
    started: str


@dataclass
class Usage:
    """Keeps the highest sums seen of the processes below `root`, which itself belongs to the grader.

    `walled`: root has file systems of its own, and what lies in them is the run's.
    """

    root: int
    walled: bool = True
    seconds: float = 0.0
    _seen: dict[tuple[int, str], float] = field(default_factory=dict)

    def look(self, limits: dict[str, int]) -> str | None:
        """Look at the run; return which of its limits it breaks, None where none."""
        everybody = processes()
        family = family_of(self.root, everybody)[1:]
        self._count_time(family, everybody)
        if len(family) > limits["processes"]:
            return "processes"
        if sum(_descriptors(pid) for pid in family) > DESCRIPTORS:
            return "descriptors"
        return "memory" if self._memory(family, limits["memory"]) > limits["memory"] else None

    def _count_time(self, family: list[int], everybody: dict[int, Process]) -> None:
        """Add up processor time; a process that was seen and is gone counts with what it had."""
        for pid in family:
            self._seen[pid, everybody[pid].started] = everybody[pid].own
        alive = {(pid, everybody[pid].started) for pid in family}
        gone = sum(own for key, own in self._seen.items() if key not in alive)
        reaped = sum(everybody[pid].children for pid in family)
        self.seconds = max(self.seconds, sum(everybody[pid].own for pid in family) + max(gone, reaped))

    def _memory(self, family: list[int], limit: int) -> int:
        folders = ("/tmp", "/dev/shm") if self.walled else ()
        files = sum(_file_system(f"/proc/{self.root}/root{folder}") for folder in folders)
        most = files + sum(_resident(pid) for pid in family)
        # every process of a run shows the template's pages too: only a sum that seems too large is worth a closer look
        return most if most <= limit else files + sum(_share(pid) for pid in family)


def processes() -> dict[int, Process]:
    """Return every process that /proc shows."""
    found = {}
    for name in os.listdir("/proc") if os.path.isdir("/proc") else []:
        if name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError), open(f"/proc/{name}/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
                own, ended = int(fields[11]) + int(fields[12]), int(fields[13]) + int(fields[14])
                found[int(name)] = Process(int(fields[1]), own / _TICKS, ended / _TICKS, fields[19].decode())
    return found


def family_of(root: int, everybody: dict[int, Process]) -> list[int]:
    """Return `root` and its descendants, parents before their children."""
    children: dict[int, list[int]] = {}
    for pid, process in everybody.items():
        children.setdefault(process.parent, []).append(pid)
    found, queue = [], [root]
    while queue:
        pid = queue.pop()
        found.append(pid)
        queue += children.get(pid, [])
    return found


def _descriptors(pid: int) -> int:
    try:
        return len(os.listdir(f"/proc/{pid}/fd"))
    except FileNotFoundError:
        return 0
    except OSError:
        return _HIDDEN


def _file_system(folder: str) -> int:
    """Return the bytes of all files in a run's own file system, deleted ones that are still open too."""
    with contextlib.suppress(OSError):
        found = os.statvfs(folder)
        return (found.f_blocks - found.f_bfree) * found.f_frsize
    return 0


def _resident(pid: int) -> int:
    return _sum_of(f"/proc/{pid}/status", (b"RssAnon:", b"RssShmem:"))


def _share(pid: int) -> int:
    """Return the memory of a process with each page divided among those that map it, or all of it where hidden."""
    return _sum_of(f"/proc/{pid}/smaps_rollup", (b"Pss_Anon:", b"Pss_Shmem:")) or _resident(pid)


def _sum_of(path: str, names: tuple[bytes, ...]) -> int:
    # bytes: a process may give itself a name that is no text
    with contextlib.suppress(OSError, ValueError), open(path, "rb") as file:
        return sum(int(line.split()[1]) * 1024 for line in file if line.startswith(names))
    return 0


def threads_beside() -> int:
    """Return how many threads of other programs count towards this user's limit of processes.

    Behind the wall of Linux 5.14 and later a run has a count of its own, and so has the nameless user that root becomes.
    """
    mine, total = os.geteuid() if hasattr(os, "geteuid") else 0, 0
    for name in os.listdir("/proc") if os.path.isdir("/proc") else []:
        with contextlib.suppress(OSError, ValueError, IndexError):
            if name.isdigit() and os.stat(f"/proc/{name}").st_uid == mine:
                with open(f"/proc/{name}/stat", "rb") as file:
                    total += int(file.read().rpartition(b")")[2].split()[17])
    return total
