"""The warm process inside the wall: loads the slow libraries once, then forks a child for each run.

It never runs a student's code, and no child can reach it: a child has other pid, mount and ipc namespaces, and
this process is not dumpable. It speaks frames over the socket that it inherited: a run comes in with the write
end of its result pipe; `pid` and `exit` go out. Started as `python -m autograder.sandbox.template FD`.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import select
import signal
import socket
import sys
import time
from typing import Any

from autograder.sandbox import wire

POLL_SECONDS = 0.1


def warm_up(modules: list[str]) -> Any:
    """Import what notebooks import, with the `modules` of their course; return the IPython shell for their cells.

    Nothing here may start OpenMP threads: a fork after that can hang.
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot
    import numpy  # noqa: F401
    from IPython.core.interactiveshell import InteractiveShell

    import lessonkit.check
    import lessonkit.hints  # noqa: F401

    for module in modules:
        with contextlib.suppress(ImportError):  # an extra that is not installed
            importlib.import_module(module)
    return _shell(InteractiveShell)


def _shell(kind: Any) -> Any:
    from traitlets.config import Config

    config = Config()
    config.HistoryManager.enabled = False
    config.HistoryAccessor.enabled = False
    shell = kind.instance(config=config)
    # the frame carries the error; formatting a traceback costs time, and memory that a hog has used up
    shell.showtraceback = shell.showsyntaxerror = shell.showindentationerror = lambda *_, **__: None
    return shell


class Template:
    """Serves runs one at a time on a socket."""

    def __init__(self, control: socket.socket, isolate: bool) -> None:
        self.control, self.isolate = control, isolate
        self.shell: Any = None

    def serve(self) -> None:
        """Answer until the other side closes the socket."""
        while True:
            body = _receive(self.control)
            if body is None:
                return
            job, descriptors = body
            if "warm" in job:
                self.shell = warm_up(job["warm"])
                wire.write(self.control.fileno(), {"ready": os.getpid()})
            elif "cells" in job and descriptors:
                self._run(job, descriptors[0])

    def _run(self, job: dict[str, Any], results: int) -> None:
        status_read, status_write = os.pipe()
        outer = os.fork()
        if outer == 0:
            os.close(status_read)
            self.control.close()
            from autograder.sandbox import child

            child.main(job, results, status_write, self.shell, self.isolate)
        os.close(results)
        os.close(status_write)
        self._watch(outer, status_read, job["limits"])
        os.close(status_read)
        with contextlib.suppress(ChildProcessError):
            os.waitpid(outer, 0)
        _reap()

    def _watch(self, outer: int, status: int, limits: dict[str, int]) -> None:
        """Relay the child's pid and end; kill it on request, or where its processes take too much."""
        reader, inner = wire.Reader(), 0
        while True:
            ready, _, _ = select.select([status, self.control], [], [], POLL_SECONDS)
            if status in ready:
                data = os.read(status, 65536)
                if not data:
                    wire.write(self.control.fileno(), {"exit": -1})
                    return
                for frame in reader.feed(data):
                    inner = frame.get("pid", inner)
                    wire.write(self.control.fileno(), frame)
                    if "exit" in frame or "broken" in frame:
                        _kill_all(outer, inner)
                        return
            if self.control in ready:
                if _receive(self.control) is None:
                    _kill_all(outer, inner)
                    os._exit(0)
                _kill_all(outer, inner)
            if reason := _too_much(outer, limits):
                wire.write(self.control.fileno(), {"limit": reason})
                _kill_all(outer, inner)


def _receive(control: socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    head, descriptors, _, _ = socket.recv_fds(control, 4, 1)
    if not head:
        return None
    while len(head) < 4:
        head += control.recv(4 - len(head))
    size = int.from_bytes(head, "little")
    body = bytearray()
    while len(body) < size:
        more = control.recv(min(size - len(body), 1 << 20))
        if not more:
            return None
        body += more
    return wire.parse(bytes(body)), list(descriptors)


def _kill_all(outer: int, inner: int) -> None:
    for pid in _family(outer):
        if pid != outer:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
    if inner:
        with contextlib.suppress(OSError):
            os.kill(inner, signal.SIGKILL)


def _family(root: int) -> list[int]:
    """Return `root` and its descendants, children before their own children."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc") if os.path.isdir("/proc") else []:
        if name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                with open(f"/proc/{name}/stat", "rb") as file:
                    parent = int(file.read().rpartition(b")")[2].split()[1])
                children.setdefault(parent, []).append(int(name))
    found, queue = [], [root]
    while queue:
        pid = queue.pop()
        found.append(pid)
        queue += children.get(pid, [])
    return found


def _too_much(outer: int, limits: dict[str, int]) -> str | None:
    """Return which limit the run's processes break together, if any (each one alone has its rlimits)."""
    family = _family(outer)
    if len(family) > limits["processes"]:
        return "processes"
    pages = 0
    for pid in family[1:]:
        with contextlib.suppress(OSError, ValueError, IndexError), open(f"/proc/{pid}/statm", "rb") as file:
            fields = file.read().split()
            pages += int(fields[1]) - int(fields[2])  # resident minus shared: what it touched itself
    return "memory" if pages * os.sysconf("SC_PAGE_SIZE") > limits["memory"] else None


def _reap() -> None:
    """Collect orphans that came to us; without a pid namespace of their own they are killed first."""
    deadline = time.monotonic() + 1.0
    while time.monotonic() < deadline:
        for pid in _family(os.getpid())[1:]:
            with contextlib.suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            time.sleep(0.005)


def main() -> None:
    """Serve on the inherited socket named by the first argument; `isolate` as the second."""
    control = socket.socket(fileno=int(sys.argv[1]))
    if sys.platform == "linux":
        from autograder.sandbox import linux

        linux.prctl(linux.PR_SET_CHILD_SUBREAPER, 1)
        linux.prctl(linux.PR_SET_DUMPABLE, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Template(control, isolate=sys.argv[2:3] == ["isolate"]).serve()


if __name__ == "__main__":
    main()
