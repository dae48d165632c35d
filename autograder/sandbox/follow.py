"""Follow one run from outside: which frames are accepted, how long a cell may take, why a run ended.

Time is fair. What counts against a limit is the processor time of all processes of the run, or the time that has
passed less what its main process spent waiting for a processor, whichever is more. The clock on the wall only bounds.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from autograder.sandbox import wire

if TYPE_CHECKING:
    from autograder.sandbox.inside import Cell

#: What a cell of one's own may still take when those before it used up what they share; and the time to react.
LEAST_SECONDS, GRACE_SECONDS = 1.0, 2.0


@dataclass(frozen=True)
class Limits:
    """What the runs of one submission may take: wall seconds all together, the rest each. Sizes in bytes.

    `patience` is how many times its limit a cell may take by the clock on the wall. `scratch_seconds` are shared by the plain cells of a submission, which belong to no exercise.
    """

    wall_seconds: float = 600.0
    patience: float = 4.0
    scratch_seconds: float = 60.0
    cpu_seconds: int = 300
    memory: int = 3 * 2**30
    disk: int = 256 * 2**20
    inodes: int = 16384
    file_size: int = 128 * 2**20
    processes: int = 64
    threads: int = 256
    files: int = 256


#: With nothing else of ours on the machine: what others do there should not cost a student either.
ALONE = Limits(wall_seconds=1800.0, patience=20.0)


@dataclass
class Outcome:
    """What a run left behind: one frame a finished cell; where it did not finish, the cell and the reason.

    `interrupted` says which plain cells were ended for their time alone, and why; `seconds` what each cell took;
    `wall_seconds` what all took by the clock; `contended` that a time limit was met while others used the machine.
    """

    frames: dict[str, dict[str, Any]] = field(default_factory=dict)
    stopped_in: str | None = None
    reason: str | None = None
    interrupted: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    wall_seconds: float = 0.0
    contended: bool = False


class _Watch:
    """Three clocks since a moment: the wall's, the processor's, and what was spent waiting for a processor."""

    def __init__(self, cpu: float = 0.0, waited: float = 0.0) -> None:
        self.began, self.cpu_then, self.waited_then = time.monotonic(), cpu, waited
        self.cpu = self.waited = 0.0

    def told(self, cpu: float, waited: float) -> None:
        """Take what the run used up to now."""
        self.cpu, self.waited = max(0.0, cpu - self.cpu_then), max(0.0, waited - self.waited_then)

    @property
    def wall(self) -> float:
        """Return the seconds that have passed."""
        return time.monotonic() - self.began

    @property
    def fair(self) -> float:
        """Return the seconds that count."""
        return max(self.cpu, self.wall - self.waited)

    def contended(self) -> bool:
        """Return True where somebody else had the processor: this run waited for it, or the machine is overloaded.

        A run that starves itself, with many processes of its own, used the processor all the while.
        """
        wall = self.wall
        held_up = self.waited > 0.2 * wall and self.cpu < 0.7 * wall
        return held_up or (self.cpu < 0.5 * wall and _overloaded())


def _overloaded() -> bool:
    try:
        return os.getloadavg()[0] > 1.5 * (os.cpu_count() or 1)
    except (OSError, AttributeError):
        return False


class Run:
    """The state of one run as seen from outside."""

    def __init__(self, cells: list[Cell], seconds: Callable[[Cell], float], limits: Limits) -> None:
        self.cells, self.seconds, self.limits = cells, seconds, limits
        self.frames: dict[str, dict[str, Any]] = {}
        self.reader = wire.Reader(read=wire.admit)
        self.position = 0
        self.began = self.ready = False
        self.closed = self.kill_sent = False
        self.reason: str | None = None
        self.broken: str | None = None
        self.exit: int | None = None
        self.cpu = self.waited = 0.0
        self.whole, self.cell = _Watch(), _Watch()
        self.scratch = limits.scratch_seconds
        self.took: dict[str, float] = {}
        self.interrupted: dict[str, str] = {}
        self.interrupted_at: float | None = None
        self.contended = False

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
            self.began = self.ready = True
            self.cell = _Watch(self.cpu, self.waited)
        elif cell is not None and self.began and frame.get("cell") == cell.id:
            self.frames[cell.id] = frame
            self._finished(cell)
        elif "died" in frame:
            self.reason = f"the process ended: {str(frame['died'])[:200]}"
        else:
            self.reason = "sent records out of turn"

    def _finished(self, cell: Cell) -> None:
        self.took[cell.id] = self.cell.fair
        if cell.plain:
            self.scratch -= self.took[cell.id]
        self.position, self.began, self.interrupted_at = self.position + 1, False, None
        self.restart_clock()

    def restart_clock(self) -> None:
        """Let the time of the current cell begin now."""
        self.cell = _Watch(self.cpu, self.waited)

    def told(self, message: dict[str, Any]) -> None:
        """Take what the template says of the run: what it uses, a limit broken, its end, a machine that failed."""
        if "cpu" in message:
            self.cpu, self.waited = float(message["cpu"]), float(message["waited"])
            self.whole.told(self.cpu, self.waited)
            self.cell.told(self.cpu, self.waited)
        if "limit" in message:
            self.reason = self.reason or self._limit_reason(str(message["limit"]))
        if "broken" in message:
            self.broken = str(message["broken"])
        self.exit = message.get("exit", self.exit)

    def _limit_reason(self, which: str) -> str:
        if which == "memory":
            return f"stopped: more than {self.limits.memory / 2**30:.1f} GiB of memory"
        if which == "descriptors":
            return "stopped: more open files than all its processes together may have"
        return f"stopped: more than {self.limits.processes} processes"

    def _allowed(self, cell: Cell) -> float:
        """Return the seconds a cell may take; plain cells share theirs."""
        own = self.seconds(cell)
        return min(own, max(LEAST_SECONDS, self.scratch)) if cell.plain else own

    def time_left(self) -> float:
        """Return the seconds to wait before looking at the clock again."""
        cell = self.current()
        whole = self.limits.wall_seconds - self.whole.wall
        own = self._allowed(cell) - self.cell.fair if cell is not None else 1.0
        return max(0.01, min(whole, own, 1.0)) if not self.kill_sent else 1.0

    def wants(self) -> str | None:
        """Return what to ask of the template now: `interrupt` the plain cell that runs, `kill` the run, or nothing."""
        if self.kill_sent:
            return None
        cell = self.current()
        if not self.reason and cell is not None and cell.plain and self._too_long(cell):
            if self.interrupted_at is None:
                self.interrupted_at, self.contended = time.monotonic(), self.contended or self.cell.contended()
                self.interrupted[cell.id] = _too_long_in(cell, self._allowed(cell))
                return "interrupt"
            if time.monotonic() - self.interrupted_at < GRACE_SECONDS:
                return None
        if self.must_stop():
            self.kill_sent = True
            return "kill"
        return None

    def must_stop(self) -> bool:
        """Return True where the run has to be killed, and note why."""
        if self.reason:
            return True
        cell = self.current()
        if self.whole.wall > self.limits.wall_seconds:
            self.reason = f"stopped after {self.limits.wall_seconds:.0f} s in all"
            self.contended = self.contended or self.whole.contended()
        elif cell is not None and self._too_long(cell):
            self.reason = self.interrupted.get(cell.id) or _too_long_in(cell, self._allowed(cell))
            self.contended = self.contended or self.cell.contended()
        return self.reason is not None

    def _too_long(self, cell: Cell) -> bool:
        allowed = self._allowed(cell)
        return self.cell.fair > allowed or self.cell.wall > self.limits.patience * allowed

    def fault(self) -> str | None:
        """Return why the machine is to blame: it said so, or the run ended before a line of anybody's was reached."""
        if self.broken:
            return self.broken
        if self.cells and not self.ready:
            return f"a run ended before its first cell: {self.reason or self._why_it_ended()}"
        return None

    def outcome(self) -> Outcome:
        """Return what the run left behind."""
        cell = self.current()
        found = Outcome(
            self.frames, interrupted=self.interrupted, seconds=self.took, wall_seconds=self.whole.wall,
            contended=self.contended,
        )  # fmt: skip
        if cell is not None:
            found.stopped_in, found.reason = cell.id, self.reason or self._why_it_ended()
            self.took[cell.id] = self.cell.fair
        return found

    def _why_it_ended(self) -> str:
        current = self.current()
        where = f"in `{current.id}`" if current else ""
        code = self.exit or 0
        if code > 0 and hasattr(os, "WIFSIGNALED") and os.WIFSIGNALED(code):
            number = os.WTERMSIG(code)
            if number == signal.SIGXCPU or number == signal.SIGKILL:
                return f"the process was killed {where} (signal {number}: out of CPU time or memory?)"
            return f"the process crashed {where} (signal {number})"
        return f"the process ended by itself {where} (exit status {code >> 8 if code > 0 else 0})"


def _too_long_in(cell: Cell, seconds: float) -> str:
    return f"stopped after {seconds:.0f} s in `{cell.id}`, an endless loop?"
