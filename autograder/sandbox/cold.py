"""Runs without fork, namespaces or descriptors to pass on: a fresh process a run, for Windows.

The process reads one job from standard input and writes frames to standard output. A learner's own code only:
there is no wall here, and the limits are those of the clock.
"""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autograder.sandbox import bwrap, wire
from autograder.sandbox.follow import Limits, Outcome, Run
from autograder.sandbox.host import SandboxBroke
from autograder.sandbox.inside import Cell, run


class ColdRunner:
    """Takes the place of a `Template` where there is no fork; the same calls, the same frames."""

    def __init__(self, prepared: Path | None = None, preload: tuple[str, ...] = (), package: str = "") -> None:
        self.sandbox, self.prepared, self.data_line = False, prepared, ""
        self.preload, self.package = preload, package

    def start(self) -> None:
        """Do nothing: every run starts its own process."""

    def close(self) -> None:
        """Do nothing: no process outlives its run."""

    def run(
        self,
        cells: list[Cell],
        *,
        seed: int,
        forbidden: dict[str, list[str]],
        seconds: Callable[[Cell], float],
        limits: Limits | None = None,
    ) -> Outcome:
        """Run `cells` in a fresh process and return what was observed, as `Template.run` does."""
        limits = limits or Limits()
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "autograder.sandbox.cold"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=bwrap.plain_environment(self.prepared, self.package),
        )
        assert process.stdin is not None
        job = {"cells": [cell.to_json() for cell in cells], "seed": seed, "forbidden": forbidden, "warm": list(self.preload)}
        state = Run(cells, seconds, limits)
        chunks = _chunks(process)
        try:
            wire.write(process.stdin.fileno(), job)
            while not state.closed:
                # the imports of a cold start are not the first cell's time
                if not state.frames and not state.began:
                    state.restart_clock()
                with contextlib.suppress(queue.Empty):
                    state.take(chunks.get(timeout=0.1))
                if state.must_stop():
                    process.kill()
        finally:
            process.kill()
            state.exit = abs(process.wait())
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()
        if fault := state.fault():
            raise SandboxBroke(fault)
        return state.outcome()


def _chunks(process: subprocess.Popen[bytes]) -> queue.Queue[bytes]:
    """Return a queue that a thread fills with what the process writes; b"" at its end."""
    found: queue.Queue[bytes] = queue.Queue()

    def pump() -> None:
        assert process.stdout is not None
        try:
            while data := os.read(process.stdout.fileno(), 1 << 18):
                found.put(data)
        except OSError:
            pass
        found.put(b"")

    threading.Thread(target=pump, daemon=True).start()
    return found


def _read_job() -> dict[str, Any]:
    head = sys.stdin.buffer.read(4)
    return wire.parse(sys.stdin.buffer.read(int.from_bytes(head, "little")))


def main() -> None:
    """Run the job on standard input and write its frames to what was standard output."""
    from autograder.sandbox.template import warm_up

    results = os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    job = _read_job()
    for fd in (0, 1, 2):
        os.dup2(nothing, fd)
    shell = warm_up(job["warm"])
    run(
        [Cell(**cell) for cell in job["cells"]],
        lambda frame: wire.write(results, frame),
        seed=job["seed"],
        forbidden=job["forbidden"],
        shell=shell,
    )
    os._exit(0)


if __name__ == "__main__":
    main()
