"""The atlas of mistakes, for instructors: each known mistake as a change of the reference, what sees it, how often it came up.

Made from `course/`, which only instructors have, and from the gradebook's results where a class was graded. Its pages
hold solutions: they are for no student's eyes, and no part of the book.
"""

from __future__ import annotations

import ast
import difflib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.author.desk import Desk
from autograder.author.trials import Trials
from autograder.author.tryout import Shown, Tried
from autograder.books import report, templating
from autograder.books.store import Store
from autograder.course import chapter as ch
from autograder.course.solutions import NamedSolution
from autograder.errors import AutograderError, cannot_write
from autograder.files import write_atomically


@dataclass(frozen=True)
class Frequency:
    """How often each mistake came up: (exercise, mistake) -> students, out of how many that were graded."""

    counts: Counter[tuple[str, str]]
    graded: int

    @staticmethod
    def of(root: Path, chapter: str) -> Frequency:
        """Return what the gradebook's results say of a chapter; nobody graded where there is no gradebook."""
        if not Store(root).holds_any():
            return Frequency(Counter(), 0)
        graded = [one for one in report.results(root, chapter) if one.status == "graded"]
        found = Counter((name, e.mistake) for one in graded for name, e in one.exercises.items() if e.mistake)
        return Frequency(found, len(graded))


@dataclass(frozen=True)
class Row:
    """One line of the atlas's table of contents."""

    chapter: str
    exercise: str
    page: str
    mistakes: int
    made: int
    graded: int


def change(reference: str, wrong: str) -> list[tuple[str, str]]:
    """Return the lines of a unified diff as (sign, line), sign one of `+`, `-`, `@` and a blank.

    Comments and docstrings take no part: a mistake is seldom written with the reference's own.
    """
    one, other = _bare(reference), _bare(wrong)
    lines = list(difflib.unified_diff(one, other, lineterm="", n=2))[2:]
    return [("@", "…") if line.startswith("@@") else (line[0], line[1:]) for line in lines]


def _bare(code: str) -> list[str]:
    lines = code.rstrip().split("\n")
    told = _docstring_lines(code)
    kept = [line.rstrip() for i, line in enumerate(lines, 1) if i not in told and not line.strip().startswith("#")]
    return [line for i, line in enumerate(kept) if line or (i and kept[i - 1])]


def _docstring_lines(code: str) -> set[int]:
    """Return the numbers of the lines that docstrings stand on; none where the code does not parse."""
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return set()
    found: set[int] = set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and body and ast.get_docstring(node) and len(body) > 1:
            found |= set(range(body[0].lineno, (body[0].end_lineno or body[0].lineno) + 1))
    return found


def write(root: Path, chapter: str, target: Path, only: set[str] | None = None, jobs: int = 2) -> list[Row]:
    """Write a page for each exercise of a chapter (`only` these) below `target`, and return what was written."""
    if not (root / "course" / chapter / f"{chapter}.py").is_file():
        raise AutograderError(
            f"{root / 'course' / chapter} is not here: the atlas is made from the course's text with its answers. Name a clone with --root."
        )
    frequency = Frequency.of(root, chapter)
    root = root.resolve()  # the process that tries them runs elsewhere
    with Trials(root, root / ".autograder" / "rehearsal", jobs) as trials:
        desk = trials.desk(chapter)
        if only and (unknown := only - set(desk.right)):
            raise AutograderError(f"{chapter} has no exercise {', '.join(sorted(unknown))}. There are: {', '.join(desk.right)}.")
        tried = [one for one in trials.tried(chapter, only) if one.kind == "mistake"]
    rows = []
    for exercise in [name for name in desk.right if only is None or name in only]:
        mine = [one for one in tried if one.exercise == exercise]
        page = f"{chapter}/{exercise}.html"
        _put(target / page, _page(desk, exercise, mine, frequency))
        made = sum(frequency.counts[exercise, one.name] for one in mine)
        rows.append(Row(chapter, exercise, page, len(mine), made, frequency.graded))
    return rows


def write_contents(rows: list[Row], target: Path) -> Path:
    """Write the page that leads to all others and return its path."""
    return _put(target / "index.html", templating.page("atlas.html.j2", title="Atlas of mistakes", rows=rows))


def _put(path: Path, text: str) -> Path:
    try:
        write_atomically(path, text.encode("utf-8"))
    except OSError as error:
        raise cannot_write(path, error, "autograder atlas --to FOLDER") from error
    return path


def _page(desk: Desk, exercise: str, tried: list[Tried], frequency: Frequency) -> str:
    known = {one.name: one for one in desk.chapter.named("mistakes.py") if one.exercise == exercise}
    shown = [_mistake(desk.right[exercise], known[one.name], one, frequency) for one in tried]
    shown.sort(key=lambda one: -one["made"])  # a stable sort: where nothing is known, the author's order stays
    return templating.page(
        "atlas_exercise.html.j2",
        title=f"{exercise}: known mistakes", chapter=desk.chapter.name, exercise=exercise, graded=frequency.graded,
        reference=desk.right[exercise].replace("### BEGIN SOLUTION\n", "").replace("### END SOLUTION", "").rstrip(), mistakes=shown,
    )  # fmt: skip


def _mistake(reference: str, known: NamedSolution, tried: Tried, frequency: Frequency) -> dict[str, Any]:
    return {
        "name": known.name,
        "title": known.name.replace("_", " "),
        "help": known.help,
        "hidden_only": known.hidden_only,
        "lines": change(reference, known.code),
        "made": frequency.counts[known.exercise, known.name],
        "cells": [_cell(name, tried.desk.get(name), tried.graded.get(name)) for name in {**tried.graded, **tried.desk}],
    }


def _cell(name: str, desk: Shown | None, graded: Shown | None) -> dict[str, str]:
    """Return what a test cell says: in the student's notebook, and in class where hidden tests look too."""
    return {"name": name, "desk": _said(desk), "graded": _said(graded)}


def _said(shown: Shown | None) -> str:
    if shown is None:
        return "not run"
    if shown.outcome == "pass":
        return "pass"
    where = " (a hidden test)" if shown.hidden else ""
    return f"{shown.outcome}{where}: {shown.behaviour}" if shown.behaviour else f"{shown.outcome}{where}"


def chapters_of(root: Path, named: tuple[str, ...]) -> list[str]:
    """Return the chapters meant, all that have a text where none is named."""
    return [ch.resolve(root, name, "course") for name in named] if named else ch.names(root, "course")
