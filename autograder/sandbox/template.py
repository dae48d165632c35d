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

from autograder.sandbox import usage, wire
from lessonkit.waiting import waited

POLL_SECONDS = 0.1
#: A chapter that preloads this wants ranks that talk to each other over the loopback interface.
RANKS = "torch.distributed"


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
    _no_backend_but_ours(shell)
    return shell


def _no_backend_but_ours(shell: Any) -> None:
    """Let lines that pick a backend for plots do nothing: there is no screen, and the rest of their cell counts."""
    import matplotlib
    import matplotlib.pyplot

    for magic in ("matplotlib", "pylab", "config"):
        shell.magics_manager.magics["line"][magic] = lambda line: None
    matplotlib.pyplot.switch_backend("Agg")  # loaded now: what stands in its place below loads nothing
    matplotlib.use = lambda *_, **__: None
    matplotlib.pyplot.switch_backend = lambda *_, **__: None


class Template:
    """Serves runs one at a time on a socket."""

    def __init__(self, control: socket.socket, isolate: bool) -> None:
        self.control, self.isolate = control, isolate
        self.shell: Any = None
        self.loopback = False

    def serve(self) -> None:
        """Answer until the other side closes the socket."""
        while True:
            body = _receive(self.control)
            if body is None:
                return
            job, descriptors = body
            if "warm" in job:
                self.shell = warm_up(job["warm"])
                self.loopback = RANKS in job["warm"]
                wire.write(self.control.fileno(), {"ready": os.getpid()})
            elif "cells" in job and descriptors:
                self._run(job, descriptors[0])

    def _run(self, job: dict[str, Any], results: int) -> None:
        job["loopback"] = self.loopback
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
        """Relay the child's pid and end; tell what it uses; kill it on request, or where it takes too much."""
        reader, inner, used = wire.Reader(), 0, usage.Usage(outer, self.isolate)
        sources = [status, self.control.fileno()]
        while True:
            ready, _, _ = select.select(sources, [], [], POLL_SECONDS)
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
            if self.control.fileno() in ready:
                asked = _receive(self.control)
                if asked is not None and "interrupt" in asked[0]:
                    _signal(inner, signal.SIGINT)
                else:
                    _kill_all(outer, inner)
                if asked is None:
                    os._exit(0)
            if reason := used.look(limits):
                wire.write(self.control.fileno(), {"limit": reason})
                _kill_all(outer, inner)
            wire.write(self.control.fileno(), {"cpu": used.seconds, "waited": waited(inner) if inner else 0.0})


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
    for pid in _family(outer)[1:]:
        _signal(pid, signal.SIGKILL)
    _signal(inner, signal.SIGKILL)


def _signal(pid: int, number: int) -> None:
    if pid:
        with contextlib.suppress(OSError):
            os.kill(pid, number)


def _family(root: int) -> list[int]:
    return usage.family_of(root, usage.processes())


def _reap() -> None:
    """Collect orphans that came to us; without a pid namespace of their own they are killed first."""
    deadline = time.monotonic() + 1.0
    while time.monotonic() < deadline:
        for pid in _family(os.getpid())[1:]:
            _signal(pid, signal.SIGKILL)
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
        from autograder.sandbox import linux, seccomp

        seccomp.prepare()
        linux.prctl(linux.PR_SET_CHILD_SUBREAPER, 1)
        linux.prctl(linux.PR_SET_DUMPABLE, 0)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    Template(control, isolate=sys.argv[2:3] == ["isolate"]).serve()


if __name__ == "__main__":
    main()
