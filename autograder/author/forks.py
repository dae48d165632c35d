"""Try things in forked children of a warm process, a few at a time, and gather what each of them says."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

#: What a child may take over what its parent has, in bytes.
MEMORY = 3 * 2**30
Emit = Callable[[dict[str, Any]], None]
Task = Callable[[Emit], None]


@dataclass
class Said:
    """What a child said, in order; `died` is how it ended where it did not end by itself, "" where it did."""

    frames: list[dict[str, Any]] = field(default_factory=list)
    died: str = ""


def each(tasks: Iterable[Task], jobs: int, memory: int = MEMORY) -> list[Said]:
    """Run every task in a child of its own, `jobs` at a time, and return what they said in the tasks' order.

    A task calls the `emit` that it is given with JSON-ready frames. A child that dies leaves what it said before.
    `memory` is what a child may take over what its parent has, in bytes; 0 for no limit.
    """
    left = list(enumerate(tasks))[::-1]
    said = {number: Said() for number, _ in left}
    with selectors.DefaultSelector() as ready:
        while left or ready.get_map():
            while left and len(ready.get_map()) < jobs:
                number, task = left.pop()
                pid, pipe = _start(task, memory)
                ready.register(pipe, selectors.EVENT_READ, (number, pid, bytearray()))
            for key, _ in ready.select():
                number, pid, held = key.data
                if data := os.read(key.fd, 1 << 20):
                    held += data
                    continue
                ready.unregister(key.fd)
                os.close(key.fd)
                said[number] = _gathered(bytes(held), os.waitpid(pid, 0)[1])
    return [said[number] for number in sorted(said)]


def _gathered(held: bytes, status: int) -> Said:
    lines = held.split(b"\n")
    frames = [json.loads(line) for line in lines[:-1]]  # after the last newline stands what was cut off
    if not os.WIFSIGNALED(status):
        return Said(frames, "" if status == 0 else "it ended by itself")
    number = os.WTERMSIG(status)
    return Said(frames, "stopped: an endless loop?" if number in (signal.SIGALRM, signal.SIGPROF) else f"killed by signal {number}")


def _start(task: Task, memory: int) -> tuple[int, int]:
    read, write = os.pipe()
    pid = os.fork()
    if pid:
        os.close(write)
        return pid, read
    code = 1
    try:
        os.close(read)
        _limit_memory(memory)
        task(lambda frame: _write(write, json.dumps(frame).encode() + b"\n"))
        code = 0
    except BaseException:
        with contextlib.suppress(BaseException):
            traceback.print_exc(file=sys.__stderr__)
    finally:
        os._exit(code)


def _limit_memory(more: int) -> None:
    import resource

    with contextlib.suppress(ValueError, OSError):
        if more:
            with open("/proc/self/statm") as file:
                have = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
            resource.setrlimit(resource.RLIMIT_AS, (have + more, have + more))


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


@contextlib.contextmanager
def limit(seconds: float) -> Iterator[None]:
    """End this process where the block computes longer, or takes ten times as long on a busy machine."""
    for number in (signal.SIGALRM, signal.SIGPROF):
        signal.signal(number, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, 10 * seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
