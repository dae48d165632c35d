"""A forked child: give it namespaces of its own, close every door behind it, run the cells.

Two processes: the outer one (A) only makes the namespaces, waits and reports; the inner one (B) is process 1 of
its own pid namespace, so that when it ends, whatever it started ends with it.
"""

from __future__ import annotations

import contextlib
import glob
import importlib
import json
import os
import resource
import signal
import sys
from typing import Any

from autograder.sandbox import linux, seccomp, wire


def main(job: dict[str, Any], results: int, status: int, shell: Any, isolate: bool) -> None:
    """Run a job in this forked process and never return. Frames go to `results`, pid and end to `status`."""
    try:
        os.setsid()
        if isolate:
            enter_namespaces()
        inner = os.fork()
        if inner == 0:
            os.close(status)
            _inner(job, results, shell, isolate)
        wire.write(status, {"pid": inner})
        os.close(results)
        _, code = os.waitpid(inner, 0)
        wire.write(
            status, {"exit": code, "user_seconds": resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime}
        )
    except BaseException as error:
        with contextlib.suppress(OSError):
            wire.write(status, {"broken": f"{type(error).__name__}: {error}"})
    finally:
        os._exit(0)


def enter_namespaces() -> None:
    """Leave for user, pid, mount and ipc namespaces of one's own; the next child is process 1 in them."""
    uid, gid = os.getuid(), os.getgid()
    linux.prctl(
        linux.PR_SET_DUMPABLE, 1
    )  # the template is not, and the maps below belong to a dumpable process
    linux.unshare(linux.CLONE_NEWUSER | linux.CLONE_NEWPID | linux.CLONE_NEWNS | linux.CLONE_NEWIPC)
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def _inner(job: dict[str, Any], results: int, shell: Any, isolate: bool) -> None:
    from autograder.sandbox import inside  # the template has it; a trial needs no course

    code = 1
    try:
        linux.prctl(linux.PR_SET_PDEATHSIG, signal.SIGKILL) if sys.platform == "linux" else None
        _first_to_go()
        if isolate:
            own_mounts(job["limits"], files_of(job.get("withheld", [])))
            linux.drop_capabilities()
        _settle(job["limits"], results)
        if isolate:
            seccomp.install(bool(job.get("loopback")))
        inside.run(
            [inside.Cell(**cell) for cell in job["cells"]],
            lambda frame: wire.write(results, frame),
            seed=job["seed"],
            forbidden=job["forbidden"],
            shell=shell,
            interruptible=True,
        )
        code = 0
    except BaseException as error:
        with contextlib.suppress(BaseException):
            wire.write(results, {"died": f"{type(error).__name__}: {error}"[:300]})
    finally:
        os._exit(code)


def files_of(modules: list[str]) -> list[str]:
    """Load modules, and return the files that they were read from: their source, and what Python keeps of it."""
    found = []
    for name in modules:
        source = importlib.import_module(name).__file__ or ""
        folder, stem = os.path.dirname(source), os.path.basename(source).removesuffix(".py")
        found += [source, *glob.glob(os.path.join(glob.escape(folder), "__pycache__", f"{stem}.*.pyc"))]
    return found


def own_mounts(limits: dict[str, int], gone: list[str] | None = None) -> None:
    """Make what was inherited read-only, whatever it is; mount what a run may write to, and nothing else.

    The files that are to be `gone` are empty for this run, whoever opens them. A /proc shows this child's processes only, or nothing at all where the kernel refuses it.
    """
    safe = linux.MS_NOSUID | linux.MS_NODEV
    size = f"size={limits['disk']},nr_inodes={limits['inodes']},mode=1777"
    with open("/proc/self/mountinfo") as mountinfo:
        linux.make_read_only(mountinfo.read)
        linux.mount("tmpfs", "/tmp", "tmpfs", safe, size)
        for path, kept in json.loads(os.environ.pop("SANDBOX_KEEP", "{}")).items():
            os.makedirs(path, exist_ok=True)
            linux.mount(kept, path, "none", linux.MS_BIND | linux.MS_REC, "")
        linux.mount("tmpfs", "/dev/shm", "tmpfs", safe, size)
        linux.mount("devpts", "/dev/pts", "devpts", linux.MS_NOSUID | linux.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=620")
        quiet = safe | linux.MS_NOEXEC | linux.MS_RDONLY
        try:
            linux.mount("proc", "/proc", "proc", quiet, "")
        except OSError:
            linux.mount("tmpfs", "/proc", "tmpfs", quiet, "size=4k")
        for path in gone or ():
            linux.mount("/dev/null", path, "none", linux.MS_BIND, "")
        mountinfo.seek(0)
        writable = sorted(mount.point for mount in linux.mounts(mountinfo.read()) if mount.writable)
    if writable != sorted(linux.OWN):
        raise PermissionError(f"a run could write to {writable}, and only {linux.OWN} are its own")


def _first_to_go() -> None:
    """Where memory runs out, the kernel ends a run before it looks at the template or the grader."""
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")


def _settle(limits: dict[str, int], results: int) -> None:
    """Working folder, descriptors and resource limits of a run."""
    work = os.path.join(os.environ.get("TMPDIR", "/tmp"), "work")
    os.makedirs(work, exist_ok=True)
    os.chdir(work)
    nothing = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(nothing, fd)
    os.closerange(3, results)
    os.closerange(results + 1, 4096)
    _limit("RLIMIT_CORE", 1)  # 0 still starts a program that the machine has for core dumps; 1 starts none
    _limit("RLIMIT_NOFILE", limits["files"])
    _limit("RLIMIT_FSIZE", limits["file_size"])
    _limit("RLIMIT_CPU", limits["cpu_seconds"])
    if sys.platform == "linux":  # elsewhere it counts everything that the person runs
        _limit("RLIMIT_NPROC", limits["threads"] + limits["threads_beside"])
    _limit("RLIMIT_AS", _virtual_size() + limits["memory"])
    for name in ("RLIMIT_MSGQUEUE", "RLIMIT_MEMLOCK", "RLIMIT_RTPRIO", "RLIMIT_NICE"):
        _limit(name, 0)


def _limit(name: str, value: int) -> None:
    which = getattr(resource, name, None)
    if which is None:
        return
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(which, (value, value))


def _virtual_size() -> int:
    try:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return 16 * 2**30
