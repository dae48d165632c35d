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
from dataclasses import asdict
from pathlib import Path
from typing import Any

from autograder.sandbox import bwrap, cgroup, usage, wire
from autograder.sandbox.follow import Limits, Outcome, Run
from autograder.sandbox.inside import Cell

START_SECONDS = 120.0
#: What the warm process itself may take in a cgroup, over what its runs may.
TEMPLATE_MEMORY, TEMPLATE_TASKS = 2**30, 64


class SandboxBroke(RuntimeError):
    """The machine failed, not the submission: the template died or did not start."""


class Template:
    """A warm process that forks a child for each run. Use as a context manager; restarts itself when it died."""

    def __init__(
        self, *, sandbox: bool, in_cgroup: bool = False, prepared: Path | None = None,
        preload: tuple[str, ...] = (), package: str = "", proc: bool = True,
    ) -> None:  # fmt: skip
        self.sandbox, self.in_cgroup, self.prepared, self.proc = sandbox, in_cgroup, prepared, proc
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
            command, environment = bwrap.command(theirs.fileno(), self.prepared, self.package, proc=self.proc), None
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
        return limits.memory + 2 * limits.disk + TEMPLATE_MEMORY, limits.threads + TEMPLATE_TASKS

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
        withheld: tuple[str, ...] = (),
    ) -> Outcome:
        """Run `cells` in a fresh child and return what was observed; `seconds(cell)` is a cell's own limit.

        Modules that are `withheld` are loaded before, and their files are not there any more. Frames are accepted only in the order of the cells. SandboxBroke where the machine failed.
        """
        limits = limits or Limits()
        self.wait_until_warm()
        assert self.control is not None
        job = {
            "cells": [cell.to_json() for cell in cells],
            "seed": seed,
            "forbidden": forbidden,
            "withheld": list(withheld),
            "limits": asdict(limits) | {"threads_beside": self._threads_beside()},
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
        control = self.control
        assert control is not None
        run, sources = Run(cells, seconds, limits), [results, control.fileno()]
        ended, killed_before, seconds_before = False, self.killed_for_memory(), self._cgroup_seconds()
        while not ended:
            ready, _, _ = select.select(sources, [], [], run.time_left())
            if results in ready and not run.closed:
                run.take(os.read(results, 1 << 18))
            elif run.closed and results in ready:
                time.sleep(0.001)
            if control.fileno() in ready:
                for message in self._messages(0):
                    ended = ended or "exit" in message or "broken" in message
                    if self.in_cgroup and "cpu" in message:  # the kernel's own sum, ended processes and all
                        message["cpu"] = self._cgroup_seconds() - seconds_before
                    run.told(message)
            if asked := run.wants():
                with contextlib.suppress(OSError):  # where the template died, the next message says so
                    wire.write(control.fileno(), {asked: True})
        while not run.closed:
            run.take(os.read(results, 1 << 18))
        if self.killed_for_memory() > killed_before:
            run.told({"limit": "memory"})
        if fault := run.fault():
            raise SandboxBroke(fault)
        return run.outcome()

    def _cgroup_seconds(self) -> float:
        return cgroup.cpu_seconds(self.process.pid) if self.in_cgroup and self.process else 0.0

    def _threads_beside(self) -> int:
        """Return what else counts towards the limit of processes: nothing where a user namespace has its own count."""
        return 0 if self.sandbox and (_counts_apart() or os.geteuid() == 0) else usage.threads_beside()


def _counts_apart() -> bool:
    major, minor = (int("".join(filter(str.isdigit, part)) or 0) for part in os.uname().release.split(".")[:2])
    return (major, minor) >= (5, 14)


def _send(control: socket.socket, job: dict[str, Any], descriptor: int) -> None:
    import json

    body = json.dumps(job).encode("ascii")
    socket.send_fds(control, [len(body).to_bytes(4, "little")], [descriptor])
    control.sendall(body)


__all__ = ["Limits", "Outcome", "Run", "SandboxBroke", "Template"]
