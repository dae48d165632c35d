"""Outside the wall: start a template, hand it runs, read what comes back, keep the limits."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from autograder.sandbox import bwrap, cgroup, wire
from autograder.sandbox.inside import Cell

START_SECONDS = 120.0
#: What the warm process itself may take in a cgroup, over what its runs may.
TEMPLATE_MEMORY, TEMPLATE_TASKS = 2**30, 64


@dataclass(frozen=True)
class Limits:
    """What one run may take. Seconds are wall time; memory, disk and file_size are bytes."""

    wall_seconds: float = 240.0
    cpu_seconds: int = 300
    memory: int = 3 * 2**30
    disk: int = 256 * 2**20
    file_size: int = 128 * 2**20
    processes: int = 64
    files: int = 256


@dataclass
class Outcome:
    """What a run left behind: one frame a finished cell; where it did not finish, the cell and the reason."""

    frames: dict[str, dict[str, Any]] = field(default_factory=dict)
    stopped_in: str | None = None
    reason: str | None = None
    broken: str | None = None


class SandboxBroke(RuntimeError):
    """The machine failed, not the submission: the template died or did not start."""


class Template:
    """A warm process that forks a child for each run. Use as a context manager; restarts itself when it died."""

    def __init__(
        self, *, sandbox: bool, in_cgroup: bool = False, prepared: Path | None = None,
        preload: tuple[str, ...] = (), package: str = "",
    ) -> None:  # fmt: skip
        self.sandbox, self.in_cgroup, self.prepared = sandbox, in_cgroup, prepared
        self.preload, self.package = preload, package
        self.data_line = ""
        self.process: subprocess.Popen[bytes] | None = None
        self.control: socket.socket | None = None

    def __enter__(self) -> Template:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start the process without waiting until it is warm."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        os.set_inheritable(theirs.fileno(), True)
        if self.sandbox:
            command, environment = bwrap.command(theirs.fileno(), self.prepared, self.package), None
            if self.in_cgroup:
                command = cgroup.wrap(command, *self.cgroup_limits())
        else:
            command, environment = (
                bwrap.plain_command(theirs.fileno()),
                bwrap.plain_environment(self.prepared, self.package),
            )
        self.process = subprocess.Popen(
            command, env=environment, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        theirs.close()
        self.control = ours
        self.reader = wire.Reader(2**40)
        self.ready = False
        wire.write(ours.fileno(), {"warm": list(self.preload)})

    def cgroup_limits(self) -> tuple[int, int]:
        """Return what its cgroup is kept to: bytes, and threads."""
        limits = Limits()
        return limits.memory + 2 * limits.disk + TEMPLATE_MEMORY, limits.processes + TEMPLATE_TASKS

    def killed_for_memory(self) -> int:
        """Return how many processes the kernel ended so far because its cgroup's memory was used up."""
        return cgroup.killed_for_memory(self.process.pid) if self.in_cgroup and self.process else 0

    def close(self) -> None:
        """End the process and everything it started."""
        if self.control is not None:
            self.control.close()
            self.control = None
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            if self.process.stderr:
                self.process.stderr.close()
            self.process = None

    def wait_until_warm(self) -> None:
        """Block until the slow imports are done; SandboxBroke with what the process said where it died."""
        if self.control is None:
            self.start()
        deadline = time.monotonic() + START_SECONDS
        while not self.ready:
            if time.monotonic() > deadline:
                raise SandboxBroke(f"the template was not ready after {START_SECONDS:.0f} s")
            for message in self._messages(1.0):
                self.ready = self.ready or "ready" in message

    def _messages(self, timeout: float) -> list[dict[str, Any]]:
        assert self.control is not None
        ready, _, _ = select.select([self.control], [], [], timeout)
        if not ready:
            return []
        try:
            data = self.control.recv(1 << 16)
        except OSError:
            data = b""
        if not data:
            said = b""
            if self.process is not None and self.process.stderr is not None:
                os.set_blocking(self.process.stderr.fileno(), False)
                with contextlib.suppress(OSError):
                    said = self.process.stderr.read() or b""
            self.close()
            raise SandboxBroke("the template died: " + said.decode("utf-8", "replace").strip()[-500:])
        return self.reader.feed(data)

    def run(
        self,
        cells: list[Cell],
        *,
        seed: int,
        forbidden: dict[str, list[str]],
        seconds: Callable[[Cell], float],
        limits: Limits | None = None,
    ) -> Outcome:
        """Run `cells` in a fresh child and return what was observed; `seconds(cell)` is a cell's own limit.

        Frames are accepted only in the order of the cells. SandboxBroke where the machine failed.
        """
        limits = limits or Limits()
        self.wait_until_warm()
        assert self.control is not None
        job = {
            "cells": [cell.to_json() for cell in cells],
            "seed": seed,
            "forbidden": forbidden,
            "limits": asdict(limits),
        }
        read, write = os.pipe()
        try:
            _send(self.control, job, write)
            os.close(write)
            write = -1
            return self._follow(cells, read, seconds, limits)
        finally:
            os.close(read)
            if write >= 0:
                os.close(write)

    def _follow(
        self, cells: list[Cell], results: int, seconds: Callable[[Cell], float], limits: Limits
    ) -> Outcome:
        run = Run(cells, seconds, limits)
        ended, killed_before = False, self.killed_for_memory()
        while not ended:
            ready, _, _ = select.select([results, self.control], [], [], run.time_left())
            if results in ready and not run.closed:
                run.take(os.read(results, 1 << 18))
            elif run.closed and results in ready:
                time.sleep(0.001)
            if self.control in ready:
                for message in self._messages(0):
                    ended = ended or "exit" in message or "broken" in message
                    run.told(message)
            if run.must_stop() and not run.kill_sent:
                run.kill_sent = True
                wire.write(self.control.fileno(), {"kill": True})
        while not run.closed:
            run.take(os.read(results, 1 << 18))
        if self.killed_for_memory() > killed_before:
            run.told({"limit": "memory"})
        return run.outcome()


def _send(control: socket.socket, job: dict[str, Any], descriptor: int) -> None:
    import json

    body = json.dumps(job).encode("ascii")
    socket.send_fds(control, [len(body).to_bytes(4, "little")], [descriptor])
    control.sendall(body)


class Run:
    """The state of one run as seen from outside."""

    def __init__(self, cells: list[Cell], seconds: Callable[[Cell], float], limits: Limits) -> None:
        self.cells, self.seconds, self.limits = cells, seconds, limits
        self.frames: dict[str, dict[str, Any]] = {}
        self.reader = wire.Reader(read=wire.admit)
        self.position = 0
        self.began = False
        self.closed = self.kill_sent = False
        self.reason: str | None = None
        self.broken: str | None = None
        self.exit: int | None = None
        self.started = time.monotonic()
        self.cell_started = self.started

    def current(self) -> Cell | None:
        """Return the cell that runs, None past the last."""
        return self.cells[self.position] if self.position < len(self.cells) else None

    def take(self, data: bytes) -> None:
        """Take bytes from the result pipe; b"" is its end."""
        if not data:
            self.closed = True
            return
        if self.reason:
            return
        try:
            for frame in self.reader.feed(data):
                self._accept(frame)
        except wire.BadFrame as error:
            self.reason = f"sent something unreadable: {error}"

    def _accept(self, frame: dict[str, Any]) -> None:
        cell = self.current()
        if cell is not None and frame.get("begin") == cell.id and not self.began:
            self.began, self.cell_started = True, time.monotonic()
        elif cell is not None and self.began and frame.get("cell") == cell.id:
            self.frames[cell.id] = frame
            self.position, self.began, self.cell_started = self.position + 1, False, time.monotonic()
        elif "died" in frame:
            self.reason = f"the process ended: {str(frame['died'])[:200]}"
        else:
            self.reason = "sent records out of turn"

    def told(self, message: dict[str, Any]) -> None:
        """Take what the template says of the run: a limit broken, its end, a machine that failed."""
        if "limit" in message:
            self.reason = self.reason or self._limit_reason(str(message["limit"]))
        if "broken" in message:
            self.broken = str(message["broken"])
        self.exit = message.get("exit", self.exit)

    def _limit_reason(self, which: str) -> str:
        if which == "memory":
            return f"stopped: more than {self.limits.memory / 2**30:.1f} GiB of memory"
        return f"stopped: more than {self.limits.processes} processes"

    def time_left(self) -> float:
        """Return the seconds to wait before looking at the clock again."""
        cell, now = self.current(), time.monotonic()
        whole = self.started + self.limits.wall_seconds - now
        own = self.cell_started + self.seconds(cell) - now if cell is not None else 5.0
        return max(0.001, min(whole, own, 5.0)) if not self.kill_sent else 1.0

    def must_stop(self) -> bool:
        """Return True where the run has to be killed, and note why."""
        if self.reason:
            return True
        cell, now = self.current(), time.monotonic()
        if now - self.started > self.limits.wall_seconds:
            self.reason = f"stopped after {self.limits.wall_seconds:.0f} s in all"
        elif cell is not None and now - self.cell_started > self.seconds(cell):
            self.reason = f"stopped after {self.seconds(cell):.0f} s in `{cell.id}`, an endless loop?"
        return self.reason is not None

    def outcome(self) -> Outcome:
        """Return what the run left behind."""
        cell = self.current()
        if cell is None:
            return Outcome(self.frames, broken=self.broken)
        reason = self.reason or self._why_it_ended()
        return Outcome(self.frames, cell.id, reason, self.broken)

    def _why_it_ended(self) -> str:
        where = f"in `{self.current().id}`" if self.current() else ""
        code = self.exit or 0
        if code > 0 and hasattr(os, "WIFSIGNALED") and os.WIFSIGNALED(code):
            number = os.WTERMSIG(code)
            if number == signal.SIGXCPU or number == signal.SIGKILL:
                return f"the process was killed {where} (signal {number}: out of CPU time or memory?)"
            return f"the process crashed {where} (signal {number})"
        return f"the process ended by itself {where} (exit status {code >> 8 if code > 0 else 0})"
