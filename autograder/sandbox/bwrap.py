"""The wall: bubblewrap's command line, and the settings of a template without it."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
import sysconfig
from functools import cache
from pathlib import Path

from autograder.sandbox import nobody

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
    # each arena reserves 64 MiB of addresses: a few dozen threads would meet the limit on them with nothing in use
    "MALLOC_ARENA_MAX": "2",
    "MPLBACKEND": "Agg",
    "MPLCONFIGDIR": "/tmp/matplotlib",
    "IPYTHONDIR": "/tmp/ipython",
    "COURSE_OFFLINE": "1",
}


def command(
    control: int, prepared: Path | None, package: str = "", isolate: bool = True, *, proc: bool = True,
    module: str = "autograder.sandbox.template",
) -> list[str]:  # fmt: skip
    """Return the command that starts a template behind bubblewrap, with the socket `control` inherited.

    Own user, pid, mount, ipc, uts, cgroup and net namespaces; system and Python read-only; nothing of the
    course but the packages that notebooks import (lessonkit, and `package` of its own), and the data folder
    `prepared` without its held-out images. Root becomes an ordinary user of no name first, so that no id in there
    is the machine's root. Without `proc`, for a container whose /proc is masked, the template (never a run) keeps
    the container's /proc and its process ids. `module` is what runs in there (a trial takes another).
    """
    shown = [(str(path), str(path)) for path in _system_paths(package)]
    settings = dict(ENVIRONMENT) | {"PYTHONPATH": search_path(package)}
    if prepared is not None:
        shown += [(str(file), f"/data/{file.name}") for file in sorted(prepared.glob("*_train.npz"))]
        settings["COURSE_PREPARED"] = "/data"
        # who opens what a course hides from runs reads the list of what is hidden
        shown += [(str(prepared / "hidden.json"), hidden) for hidden in hidden_files(prepared)]
    # a child puts an empty /tmp over this one; what Python needs from there is kept where it can be found
    keep = {path: f"/keep/{n}" for n, (_, path) in enumerate(shown) if path.startswith(("/tmp/", "/dev/shm/"))}
    settings["SANDBOX_KEEP"] = json.dumps(keep)
    becoming = nobody.becoming(shown)
    binds: list[str] = []
    for source, target in shown:
        source = target if becoming else source
        binds += ["--ro-bind", source, target]
        if target in keep:
            binds += ["--ro-bind", source, keep[target]]
    for name, value in settings.items():
        binds += ["--setenv", name, value]
    return [
        *becoming, "bwrap", *(_NAMESPACES if proc else [n for n in _NAMESPACES if n != "--unshare-pid"]),
        "--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL",
        "--uid", "1000", "--gid", "1000",  # a nested user namespace may not map root without capabilities
        "--hostname", "sandbox", *(["--proc", "/proc"] if proc else ["--bind", "/proc", "/proc"]), "--dev", "/dev",
        # a mapping of /dev/zero is shared memory that nothing counts; /dev/full gives the same zeros and no mapping
        "--dev-bind", "/dev/full", "/dev/zero",
        "--tmpfs", "/tmp", *binds, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp", "--",
        sys.executable, "-P", "-m", module, str(control), *(["isolate"] if isolate else []),
    ]  # fmt: skip


_NAMESPACES = [
    "--unshare-user", "--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try",
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
    if sys.platform == "darwin":  # else Apple's runtime ends a child that is forked after the frameworks are loaded
        own["OBJC_DISABLE_INITIALIZE_FORK_SAFETY"] = "YES"
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
    if Path(sys.executable).resolve().is_relative_to("/nix/store"):
        wanted.append(Path("/nix/store"))  # what this Python is linked with lies beside it, by names of its own
    wanted += [_package_root() / "lessonkit", _package_root() / "autograder", *filter(None, [folder_of(package)])]
    real: list[Path] = []
    for path in wanted:
        if path.exists() and not any(path.is_relative_to(other) for other in real if other != Path("/")):
            real.append(path)
    return real
