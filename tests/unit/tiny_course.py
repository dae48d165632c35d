"""A course root with one small assignment in nbgrader's gradebook, and graded submissions made without a grader."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path

from autograder.books import autograded, gradebook
from autograder.books.store import Store
from autograder.course import chapter as ch
from autograder.intake.submission import match, parse
from autograder.judge.result import ExerciseResult, Result

NAME = "01_tiny"
_META = {"schema_version": 3, "locked": False, "solution": False, "grade": False, "task": False}


def _cell(grade_id: str, kind: str, source: str, **meta: object) -> dict:
    found = {"cell_type": kind, "id": grade_id, "source": source, "metadata": {"nbgrader": {**_META, "grade_id": grade_id, **meta}}}
    return found | ({"outputs": [], "execution_count": None} if kind == "code" else {})


def notebook(f: str = "def f(x):\n    return 2 * x\n", answer: str = "*Your answer here*", **more: object) -> dict:
    """Return the notebook with a solution of `f` and a written answer."""
    prose = {"cell_type": "markdown", "id": "prose", "metadata": {}, "source": "# Tiny\n\nThe rule is $\\frac{a}{b} < 1$ and\n\n$$\\sum_i x_i$$"}
    cells = [
        prose,
        _cell("f", "code", f, solution=True),
        _cell("f__care", "code", "assert f(1) == 2\n### BEGIN HIDDEN TESTS\nassert f(41) == 82\n### END HIDDEN TESTS", grade=True, points=2, locked=True),
        _cell("q", "markdown", answer, solution=True, grade=True, points=3),
    ]
    return {"cells": cells, "metadata": {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}, "nbformat": 4, "nbformat_minor": 5, **more}


def release() -> dict:
    """Return the students' form."""
    found = notebook("raise NotImplementedError('write this')")
    found["cells"][2]["source"] = "assert f(1) == 2"
    return found


def verdict(student: str, score: float, mistake: str | None = None, hidden: bool = False) -> Result:
    """Return a graded result of the assignment."""
    outcome = "pass" if score == 2 else "not yet"
    one = Result(student, NAME, "graded", None, score, 2.0, "none")
    one.exercises["f"] = ExerciseResult(score, 2.0, outcome, "" if score == 2 else "not yet  f doubles", mistake)
    fields = [] if score == 2 else [["expected", "82"], ["actual", "83 SECRET" if hidden else "3"]]
    fields += [["help", "multiply, do not add"]] if mistake else []
    one.cells["f__care"] = {
        "outcome": outcome, "score": score, "behaviour": "f doubles", "passed": ["f doubles"], "hidden": hidden, "fields": fields, "seen": "k",
    }  # fmt: skip
    return one


def make(root: Path, scores: dict[str, float], name: str = NAME) -> Path:
    """Make a course root whose students handed in and were graded."""
    for room, content in (("source", notebook()), ("release", release())):
        path = root / room / name / f"{name}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content))
    gradebook.ensure_assignment(root, ch.Chapter(root, name))
    for student, score in scores.items():
        grade(root, student, verdict(student, score, None if score == 2 else "adds"))
    return root


def grade(root: Path, student: str, result: Result, content: dict | None = None) -> None:
    """Hand in for a student and write a result into the books, as the grader does."""
    chapter = ch.Chapter(root, result.chapter)
    data = json.dumps(content or notebook()).encode()
    path = root / "submitted" / student / chapter.name / f"{chapter.name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    submission = match(parse(data), chapter.source)
    result.notes = submission.notes
    with closing(gradebook.open_gradebook(root)) as books:
        gradebook.apply(books, chapter, result, submission, None)
    autograded.write(root, chapter, submission, result)
    Store(root).mark_latest(result, "k", data)
