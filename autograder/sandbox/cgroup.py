"""Limits that the kernel itself keeps on a template and all its runs together: a cgroup v2 scope from systemd-run.

rlimits hold for one process and the watchdog looks ten times a second; a scope holds for all of them at any time.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path

from autograder.sandbox import remedies

_ROOT = Path("/sys/fs/cgroup")
#: What a trial scope is given, and has to find when it looks.
_TRIAL_MEMORY, _TRIAL_TASKS = 64 * 2**20, 17
#: A healthy systemd answers in a tenth of a second; one without a session never does.
_TRIAL_SECONDS = 6


def wrap(command: list[str], memory: int, tasks: int) -> list[str]:
    """Return the command that starts `command` in a scope of at most `memory` bytes and `tasks` threads.

    Where the memory is used up the kernel ends one process, a student's own, and the others go on. All of them
    together have one processor.
    """
    whose = [] if os.geteuid() == 0 else ["--user"]
    limits = [f"MemoryMax={memory}", "MemorySwapMax=0", f"TasksMax={tasks}", "OOMPolicy=continue", "CPUAccounting=yes", "CPUQuota=100%"]
    asked = [word for limit in limits for word in ("-p", limit)]
    return ["systemd-run", *whose, "--scope", "--quiet", "--collect", *asked, "--", *command]


def folder_of(pid: int | str) -> Path | None:
    """Return the folder of a process's cgroup, None where there is no cgroup v2 or no such process."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
            if line.startswith("0::") and (_ROOT / "cgroup.controllers").is_file():
                return _ROOT / line[3:].lstrip("/")
    return None


def limits_of(pid: int | str) -> tuple[str, str]:
    """Return what the kernel keeps a process's cgroup to: bytes and threads, as it writes them."""
    folder = folder_of(pid)
    return _read(folder, "memory.max"), _read(folder, "pids.max")


def killed_for_memory(pid: int) -> int:
    """Return how many processes of a process's cgroup were ended because its memory was used up."""
    for line in _read(folder_of(pid), "memory.events").splitlines():
        if line.startswith("oom_kill "):
            return int(line.split()[1])
    return 0


def cpu_seconds(pid: int) -> float:
    """Return the processor time that all processes of a process's cgroup have used, those that ended too."""
    for line in _read(folder_of(pid), "cpu.stat").splitlines():
        if line.startswith("usage_usec "):
            return int(line.split()[1]) / 1e6
    return 0.0


def _read(folder: Path | None, name: str) -> str:
    with suppress(OSError):
        return (folder / name).read_text().strip() if folder else ""
    return ""


@cache
def missing() -> str | None:
    """Return why no such scope can be had on this machine and what helps, None where a trial one has its limits."""
    why_not = _refused()
    return None if why_not is None else remedies.explain(why_not, remedies.SCOPES)


def _refused() -> str | None:
    if sys.platform != "linux":
        return f"{sys.platform} has no cgroups"
    if not (_ROOT / "cgroup.controllers").is_file():
        return "no cgroup v2 at /sys/fs/cgroup"
    if shutil.which("systemd-run") is None:
        return "systemd-run is not installed"
    if os.geteuid() != 0 and not _session():
        return "no session"
    look = "from autograder.sandbox.cgroup import limits_of; print(*limits_of('self'))"
    trial = wrap([sys.executable, "-c", look], _TRIAL_MEMORY, _TRIAL_TASKS)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    try:
        done = subprocess.run(trial, capture_output=True, text=True, timeout=_TRIAL_SECONDS, env=environment)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"systemd-run does not answer: {error}"
    if done.returncode != 0:
        return f"systemd-run makes no scope: {(done.stderr.strip() or '?').splitlines()[0][:200]}"
    if done.stdout.split() != [str(_TRIAL_MEMORY), str(_TRIAL_TASKS)]:
        return f"a scope has other limits than it was given: {done.stdout.strip()[:100]}"
    return None


def _session() -> bool:
    """Return True where the user's own systemd can be reached: without its socket, systemd-run waits long in vain."""
    runtime = os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}"
    return bool(os.environ.get("DBUS_SESSION_BUS_ADDRESS")) or any(
        (Path(runtime) / name).exists() for name in ("bus", "systemd/private")
    )
