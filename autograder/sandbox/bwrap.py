"""The wall: bubblewrap's command line, and what a machine without it offers."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from functools import cache
from pathlib import Path

#: What the process inside may see of its environment. Everything else is cleared.
ENVIRONMENT = {
    "PATH": "/usr/bin:/bin",
    "HOME": "/tmp",
    "TMPDIR": "/tmp",
    "LANG": "C.UTF-8",
    "LC_ALL": "C.UTF-8",
    "TZ": "UTC",
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONNOUSERSITE": "1",
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MPLBACKEND": "Agg",
    "MPLCONFIGDIR": "/tmp/matplotlib",
    "IPYTHONDIR": "/tmp/ipython",
    "COURSE_OFFLINE": "1",
}


def command(control: int, prepared: Path | None, package: str = "", isolate: bool = True) -> list[str]:
    """Return the command that starts a template behind bubblewrap, with the socket `control` inherited.

    Own user, pid, mount, ipc, uts, cgroup and net namespaces; system and Python read-only; nothing of the
    course but the packages that notebooks import (lessonkit, and `package` of its own), and the data folder `prepared` without its held-out images.
    """
    binds: list[str] = []
    keep: dict[str, str] = {}
    for path in _system_paths(package):
        binds += ["--ro-bind", str(path), str(path)]
        if path.is_relative_to("/tmp") or path.is_relative_to("/dev/shm"):
            # a child puts an empty /tmp over this one; what Python needs from there is kept where it can be found
            keep[str(path)] = f"/keep/{len(keep)}"
            binds += ["--ro-bind", str(path), keep[str(path)]]
    binds += ["--setenv", "SANDBOX_KEEP", json.dumps(keep)]
    if prepared is not None:
        for file in sorted(prepared.glob("*_train.npz")):
            binds += ["--ro-bind", str(file), f"/data/{file.name}"]
        binds += ["--setenv", "COURSE_PREPARED", "/data"]
        for hidden in hidden_files(prepared):  # who opens it reads this list
            binds += ["--ro-bind", str(prepared / "hidden.json"), hidden]
    for name, value in ENVIRONMENT.items():
        binds += ["--setenv", name, value]
    return [
        "bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL",
        "--uid", "1000", "--gid", "1000",  # a nested user namespace may not map root without capabilities
        "--hostname", "sandbox", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", *binds,
        "--setenv", "PYTHONPATH", search_path(package), "--remount-ro", "/", "--chdir", "/tmp", "--",
        sys.executable, "-P", "-m", "autograder.sandbox.template", str(control), *(["isolate"] if isolate else []),
    ]  # fmt: skip


def hidden_files(prepared: Path) -> list[str]:
    """Return the files of this machine that a course's data names as not for a run to read."""
    try:
        found = json.loads((prepared / "hidden.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return [name for name in found if isinstance(name, str) and Path(name).is_file()] if isinstance(found, list) else []


def plain_command(control: int) -> list[str]:
    """Return the command that starts a template without any wall (a learner's own code, or macOS)."""
    return [sys.executable, "-P", "-m", "autograder.sandbox.template", str(control)]


def plain_environment(prepared: Path | None, package: str = "") -> dict[str, str]:
    """Return the environment of a template without a wall: the same settings, the person's own paths."""
    keep = (
        "PATH",
        "HOME",
        "LD_LIBRARY_PATH",
        "SYSTEMROOT",
        "TMPDIR",
        "TEMP",
        "COURSE_DATA",
        "COURSE_PREPARED",
    )
    given = {name: os.environ[name] for name in keep if name in os.environ}
    own = {
        name: value
        for name, value in ENVIRONMENT.items()
        if name not in ("PATH", "HOME", "TMPDIR", "MPLCONFIGDIR", "IPYTHONDIR")
    }
    if prepared is not None:
        own["COURSE_PREPARED"] = str(prepared)
    return {**given, **own, "PYTHONPATH": search_path(package)}


def _package_root() -> Path:
    return Path(__file__).resolve().parents[2]


def folder_of(package: str) -> Path | None:
    """Return the folder of an importable package, None where there is none of that name."""
    found = importlib.util.find_spec(package) if package else None
    return Path(found.origin).resolve().parent if found and found.origin else None


def search_path(package: str) -> str:
    """Return where a process of ours finds the engine, lessonkit and a course's own package."""
    own = folder_of(package)
    return os.pathsep.join(dict.fromkeys([str(_package_root()), *([str(own.parent)] if own else [])]))


@cache
def _system_paths(package: str) -> list[Path]:
    """Return what a Python needs to read: the system, this Python, its packages, ours, a course's own."""
    wanted = [
        Path(p) for p in ("/usr", "/bin", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/fonts", "/etc/passwd")
    ]
    wanted += [Path(sys.prefix), Path(sys.base_prefix), Path(sysconfig.get_paths()["purelib"])]
    wanted += [_package_root() / "lessonkit", _package_root() / "autograder", *filter(None, [folder_of(package)])]
    real = []
    for path in wanted:
        if path.exists() and not any(path.is_relative_to(other) for other in real if other != Path("/")):
            real.append(path)
    return real


@cache
def missing() -> str | None:
    """Return why bubblewrap cannot be used on this machine, None where a trial sandbox starts."""
    if sys.platform != "linux":
        return f"{sys.platform} has no bubblewrap"
    if shutil.which("bwrap") is None:
        return "bubblewrap is not installed"
    trial = ["bwrap", "--unshare-all", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "true"]
    try:
        done = subprocess.run(trial, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"bubblewrap does not start: {error}"
    if done.returncode != 0:
        return f"bubblewrap does not start: {done.stderr.strip()[:200]}"
    return None
