"""Why a name is not there: the cell that was to define it stopped, keeps its names to itself, or stands further down.

A check that ends with "name 'helper' is not defined" tells a student nothing that they can see at home, where the
kernel knows the name. What is said here is read from the texts of the cells and from how each of them ended.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from autograder.course.cell_text import KEEPS_NAMES, names_bound, python_of
from autograder.judge.verdict import CellVerdict
from autograder.sandbox.inside import Cell
from lessonkit.plain_text import one_line

_NAME = re.compile(r"^NameError: name '(\w{1,80})' is not defined")
#: How it ends where a name has another value than the code that uses it takes for granted.
_OF_ANOTHER = re.compile(r"^(?:TypeError|AttributeError): '")
_MODULE = re.compile(r"^ModuleNotFoundError: No module named '([\w.]{1,80})'")
_FILE = "FileNotFoundError"
#: Characters of a cell that are looked at for what it defines.
MAX_TEXT = 100_000


def reasons(cells: Sequence[Cell], frames: Mapping[str, dict[str, Any]]) -> dict[str, str]:
    """Return, by name, why it is not there; {} where no check and no cell missed a name."""
    if not any(_misses(frame) for frame in frames.values()):
        return {}
    found: dict[str, str] = {}
    good: set[str] = set()
    for cell in (one for one in cells if one.role == "student"):
        names, error = names_bound(cell.source[:MAX_TEXT]), (frames.get(cell.id) or {}).get("error")
        if magic := KEEPS_NAMES.match(cell.source):
            said = f"it stands in a cell that begins with `%%{magic[1]}`, which keeps its names to itself: take that line out"
        elif error:
            said = f"the cell that defines it stopped with {_error(str(error))}"
        else:
            good |= names
            continue
        for name in names:
            found.setdefault(name, said)
    later = dict.fromkeys(good, "it is defined in a cell further down, and the notebook runs from top to bottom")
    return later | found


def _misses(frame: dict[str, Any]) -> bool:
    """Return True for a frame of a cell, or of a check in it, that ended with a NameError."""
    records = [record for test in frame.get("tests", []) for record in test.get("records", []) if isinstance(record, dict)]
    return str(frame.get("error") or "").startswith("NameError") or any("NameError" in (r.get("raised") or []) for r in records)


def _error(text: str) -> str:
    """Return how a cell ended, with what that means where the notebook alone is graded."""
    said = one_line(text, 160)
    if module := _MODULE.match(text):
        return f"{said}: `{module[1]}` is not installed where this is graded, and a file of that name beside the notebook is not graded with it"
    return f"{said}: files beside the notebook are not graded with it" if text.startswith(_FILE) else said


def explained(verdict: CellVerdict, why: Mapping[str, str], another: str = "") -> CellVerdict:
    """Return a verdict whose message says why the name that it missed is not there, or that one means something else."""
    message = verdict.message
    if message is None:
        return verdict
    if missed := _NAME.match(message.actual):
        reason = why.get(missed[1], "no cell of the notebook defines it when it runs from top to bottom")
    elif another and _OF_ANOTHER.match(message.actual):
        reason = another
    else:
        return verdict
    return replace(verdict, message=replace(message, actual=f"{message.actual}: {reason}"))


def rebound(source: str, texts: Iterable[str], courses: Iterable[str]) -> str:
    """Return which name of Python's or the course's own that an answer uses has another value, by the texts of cells; "" where none.

    `courses` are the texts of the course's imports: `np = None` in an experiment ends every answer that uses NumPy.
    """
    used = {node.id for node in ast.walk(_parsed(source)) if isinstance(node, ast.Name)}
    known = used & {*vars(builtins), *(name for text in courses for name in names_bound(text))}
    for text in texts if known else ():
        for node in _parsed(text).body:
            targets = node.targets if isinstance(node, ast.Assign) else []
            if names := sorted({one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)} & known):
                return f"`{names[0]}` is no longer what it was, a cell of the notebook says `{one_line(ast.unparse(node), 60)}`"
    return ""


def _parsed(text: str) -> ast.Module:
    try:
        return ast.parse(python_of(text[:MAX_TEXT]))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ast.Module([], [])
