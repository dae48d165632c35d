"""Run an exercise's checks once more without the course's own part for it, where a submission may have reached for that.

Lent parts are code in the process in which a student's code runs, and what is there can be found: in a closure, by
emptying the guard's lists, by running its source, by asking another process. None of it works where the part is not.
Such a run costs what a run costs, so it is made for those submissions only whose text does more than compute.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING

from autograder.course import chapter as ch
from autograder.course.cell_text import python_of
from autograder.judge.grade_one import Observed
from autograder.judge.plain_code import is_plain
from autograder.sandbox import bwrap
from autograder.sandbox.inside import Cell

if TYPE_CHECKING:
    from nbformat import NotebookNode

_MARK = re.compile(r"@no_answer_to\(\s*[\"'](\w+)[\"']")
#: What a course imports for students to draw with, to read data and to be told a hint: looking at it leads nowhere.
_FOR_STUDENTS = {"lessonkit.plot", "lessonkit.hints.hint"}
#: What a test cell uses of the course and needs no part for.
_OF_CHECKS = {"check", "judges"}


@cache
def owners(package: str) -> frozenset[str]:
    """Return the exercises for which a course's package holds a part of its own, from its text alone."""
    folder = bwrap.folder_of(package)
    files = sorted(folder.rglob("*.py")) if folder else []
    return frozenset(name for file in files for name in _MARK.findall(file.read_text(encoding="utf-8")))


@cache
def modules_of(package: str, exercise: str) -> tuple[str, ...]:
    """Return the modules of a course's package that hold its own part for an exercise."""
    folder = bwrap.folder_of(package)
    files = sorted(folder.rglob("*.py")) if folder else []
    marked = [file for file in files if exercise in _MARK.findall(file.read_text(encoding="utf-8"))]
    return tuple(".".join([package, *file.relative_to(folder or file).with_suffix("").parts]).removesuffix(".__init__") for file in marked)


def names_of(notebook: NotebookNode, package: str, data: str = "") -> frozenset[str]:
    """Return the names under which a chapter's set-up cells import what is the course's own or lessonkit's."""
    names: dict[str, str] = {}
    for cell in notebook.cells:
        if cell.cell_type == "code" and ch.SETUP in ch.tags_of(cell):
            for node in ast.walk(ast.parse(python_of(cell.source))):
                if isinstance(node, ast.Import):
                    names |= {alias.asname or alias.name.partition(".")[0]: alias.name for alias in node.names}
                elif isinstance(node, ast.ImportFrom):
                    names |= {alias.asname or alias.name: f"{node.module}.{alias.name}" for alias in node.names}
    own = ("lessonkit", package)
    return frozenset(name for name, full in names.items() if full.partition(".")[0] in own and full not in (*_FOR_STUDENTS, data))


def again(
    observed: Observed, cells: list[Cell], texts: list[str], exercises: Iterable[str], package: str,
    course: frozenset[str], run: Callable[[list[Cell], tuple[str, ...], float], Observed],
) -> Observed:
    """Return what was observed, with the checks of exercises that have a part of their own made again without it.

    `cells` is what ran, `texts` is all that the student wrote, `course` the names of `names_of`, and `run` observes a list
    of cells where the files of some modules are out of reach, after so many seconds of runs before. Only checks that were made at all are made again.
    """
    mine = [name for name in exercises if name in owners(package)]
    if not mine or is_plain(texts, course):
        return observed
    frames, reasons, contended, took = dict(observed.frames), dict(observed.reasons), observed.contended, observed.wall_seconds
    tests = {name: [cell for cell in cells if cell.role == "test" and cell.exercise == name] for name in mine}
    for names in _together({name: of for name, of in tests.items() if any(cell.id in frames for cell in of)}, course):
        kept = [cell for cell in cells if cell.role != "test" or cell.exercise in names]
        setup = [cell for cell in kept if cell.role == "setup"][:1]
        withhold = "".join(f"__import__('lessonkit.lent').lent.withhold({name!r})\n" for name in names)
        gone = tuple(dict.fromkeys(module for name in names for module in modules_of(package, name)))
        alone = run([*setup, Cell("withheld", "setup", withhold), *(cell for cell in kept if cell not in setup)], gone, took)
        contended, took = contended or alone.contended, took + alone.wall_seconds
        for test in (cell.id for name in names for cell in tests[name]):
            frames.pop(test, None)
            if test in alone.frames:
                frames[test] = alone.frames[test]
            elif reason := alone.reasons.get(test) or next(iter(alone.reasons.values()), None):
                reasons.setdefault(test, reason)
    return Observed(frames, reasons, contended, took, observed.undefined)


def _together(tests: dict[str, list[Cell]], course: frozenset[str]) -> list[list[str]]:
    """Return the exercises in groups of one run each: those whose checks use nothing of the course's are one group."""
    alone = {name for name, cells in tests.items() if any(_names(cell.source) & (course - _OF_CHECKS) for cell in cells)}
    return [group for group in ([name for name in tests if name not in alone], *([name] for name in sorted(alone))) if group]


@cache
def _names(source: str) -> frozenset[str]:
    return frozenset(node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name))
