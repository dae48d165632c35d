"""Run a notebook's cells in this process and emit what the checks observed, one frame a cell.

This is the code that runs beside the student's. It holds no expected value and judges nothing; it is the same
for the reference, a known mistake and a submission, in a sandbox or out of it. It imports lessonkit and the
standard library only.
"""

from __future__ import annotations

import builtins
import io
import random
import signal
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import asdict, dataclass
from types import ModuleType
from typing import Any

from lessonkit import check, guard, inputs, show

OUTPUT_LIMIT = 20_000
#: How the ids of a student's own plain cells begin.
PLAIN = "plain-"
Emit = Callable[[dict[str, Any]], None]

# taken before any student's code runs, so that replacing a builtin later changes nothing here
_compile, _exec, _len, _str = builtins.compile, builtins.exec, builtins.len, builtins.str
_take_finished, _set_base_seed, _now = check.take_finished, inputs.set_base_seed, time.monotonic


@dataclass(frozen=True)
class Cell:
    """One cell to run. `role`: `setup` (the course's imports and data), `student`, `test` (checks), `assert` (plain asserts)."""

    id: str
    role: str
    source: str
    exercise: str = ""

    @property
    def plain(self) -> bool:
        """Return True for a cell that neither the course nor an exercise has: a student's own experiment."""
        return self.role == "student" and self.id.startswith(PLAIN)

    def to_json(self) -> dict[str, str]:
        """Return a JSON-ready form."""
        return asdict(self)


class _Bounded(io.TextIOBase):
    """Keeps the first characters written to it and counts the rest: one huge line costs no more than a small one."""

    def __init__(self, limit: int = OUTPUT_LIMIT) -> None:
        self.parts: list[str] = []
        self.room = limit

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if self.room > 0 and isinstance(text, str):
            kept = text[: self.room]
            self.room -= _len(kept)
            self.parts.append(kept)
        return _len(text)

    def text(self) -> str:
        return "".join(self.parts) + ("\n[output cut]" if self.room <= 0 else "")


class _Interrupts:
    """Lets a signal from outside end a cell of the student's own, and nothing else."""

    def __init__(self) -> None:
        self.own = False

    def handle(self, *_: object) -> None:
        if self.own:
            self.own = False
            raise KeyboardInterrupt


def run(
    cells: Iterable[Cell],
    emit: Emit,
    *,
    seed: int,
    forbidden: dict[str, list[str]],
    shell: Any = None,
    interruptible: bool = False,
) -> None:
    """Run `cells` in order, each in the same namespace, and `emit` one frame before and one after each.

    `seed` is the base of every input that a check makes. `shell` is an IPython shell for students' cells
    (magics, top-level await); without one they run as plain Python. An error in a cell is part of its frame
    and never stops the run. `interruptible` lets SIGINT end a plain cell; every other cell ignores it.
    """
    interrupts = _Interrupts()
    if interruptible:
        signal.signal(signal.SIGINT, interrupts.handle)
    show.set_recording(True)
    _set_base_seed(seed)
    guard.set_forbidden(forbidden)
    seed_everything(seed)
    space: dict[str, Any] = _main_module() if shell is None else shell.user_ns
    trusted: dict[str, Any] = {}
    for cell in cells:
        emit({"begin": cell.id})
        interrupts.own = cell.plain
        frame = frame_of(cell, space, trusted, shell)
        interrupts.own = False
        emit(frame)


def _main_module() -> dict[str, Any]:
    """Return the namespace of a fresh `__main__`, registered as IPython registers its own.

    What looks a name up by the module of the code that uses it, as torch's dynamo does, finds the cells' names.
    """
    module = sys.modules["__main__"] = ModuleType("__main__")
    return vars(module)


def frame_of(cell: Cell, space: dict[str, Any], trusted: dict[str, Any], shell: Any = None) -> dict[str, Any]:
    """Run one cell in `space` and return its frame; set-up cells leave their names in `trusted` too."""
    started, output = _now(), _Bounded()
    with redirect_stdout(output), redirect_stderr(output):
        frame = _run_cell(cell, space, trusted, shell)
    frame.update(cell=cell.id, seconds=_now() - started, output=output.text())
    return frame


def seed_everything(seed: int) -> None:
    """Seed the generators that notebooks draw from without one of their own."""
    random.seed(seed)
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed(seed % 2**32)
    if torch := sys.modules.get("torch"):
        torch.manual_seed(seed)


def _run_cell(cell: Cell, space: dict[str, Any], trusted: dict[str, Any], shell: Any) -> dict[str, Any]:
    _take_finished()
    if cell.role == "student" and shell is not None:
        result = shell.run_cell(cell.source, store_history=False)
        error = result.error_before_exec or result.error_in_exec
        return {"error": None if error is None else _say(error)}
    if cell.role == "assert" and shell is not None:
        from autograder.sandbox import in_process  # a warm process of such a course has it loaded

        return in_process.frame_of(cell.id, cell.source, shell)
    # a test cell sees the student's names, but never instead of the course's own
    scope = {**space, **trusted} if cell.role == "test" else space
    before = set(scope)
    try:
        _exec(_compile(cell.source, f"<{cell.role} {cell.id}>", "exec"), scope)
        error = None
    except (Exception, SystemExit, KeyboardInterrupt) as raised:
        error = _say(raised)
    if cell.role == "setup":
        trusted.update({name: scope[name] for name in scope if name not in before and name != "__builtins__"})
    frame: dict[str, Any] = {"error": error}
    if cell.role == "test":
        finished = _take_finished()
        frame["tests"] = [one for one in finished if one["cell"] == cell.id]
    return frame


def _say(error: BaseException) -> str:
    try:
        text = _str(error).strip()[:500]
    except Exception:
        text = ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
