"""Check exercises from outside a notebook: as in class where the answers are installed, by the visible checks where not."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec

from lessonkit.learner import outline, state
from lessonkit.learner.errors import CourseError
from lessonkit.learner.files import Cell, exercise_of, is_answer, is_locked, key, read_notebook
from lessonkit.learner.outline import Exercise
from lessonkit.learner.workspace import Workspace

#: Seconds after which a check of visible cells is ended.
PATIENCE = 300


@dataclass(frozen=True)
class Verdict:
    """What is said of one exercise. `outcome`: pass, not yet, checker broke, not written."""

    exercise: Exercise
    outcome: str
    text: str


def check(made: Workspace, exercises: list[Exercise]) -> tuple[str, list[Verdict]]:
    """Return how was judged, and a verdict on each exercise of one chapter; the state is written."""
    root = made.course.answers
    if root is not None and find_spec("autograder") is not None:
        how, found = "as in class", _as_in_class(made, exercises)
    else:
        how, found = "by the visible checks", _by_visible(made, exercises)
    with state.change(made.inside) as now:
        for verdict in found:
            progress = now.of(verdict.exercise.chapter, verdict.exercise.id)
            progress.attempts += verdict.outcome != "not written"
            if verdict.outcome == "pass":
                progress.passed, progress.again = progress.passed or state.now(), False
            elif verdict.outcome == "not yet" and how == "as in class":
                progress.passed = ""
    return how, found


def _as_in_class(made: Workspace, exercises: list[Exercise]) -> list[Verdict]:
    command = [sys.executable, "-m", "autograder", "check", str(made.notebook(exercises[0].chapter)), "--json"]
    command += ["--root", str(made.course.answers)]
    if len(exercises) < len(outline.read(made.released / exercises[0].chapter, exercises[0].chapter).exercises):
        command += [part for exercise in exercises for part in ("--exercise", exercise.id)]
    lines = _run(command)
    result = json.loads(lines[-1])["exercises"] if lines else {}
    found = []
    for exercise in exercises:
        one = result.get(exercise.id, {"outcome": "not yet", "message": "it was not reached"})
        found.append(_verdict(exercise, str(one["outcome"]), str(one["message"])))
    return found


def _by_visible(made: Workspace, exercises: list[Exercise]) -> list[Verdict]:
    path = made.notebook(exercises[0].chapter)
    lines = _run([sys.executable, "-m", "lessonkit.learner.visible", str(path), *(e.id for e in exercises)])
    cells = [json.loads(line) for line in lines]
    found = []
    for exercise in exercises:
        mine = [cell for cell in cells if cell["cell"].partition("__")[0] == exercise.id]
        bad = [cell for cell in mine if cell["outcome"] != "pass"]
        outcome = bad[0]["outcome"] if bad else "pass" if mine else "not yet"
        text = bad[0]["text"] if bad else "" if mine else f"its check cells are missing; course reset {exercise.id} brings them back"
        found.append(_verdict(exercise, outcome, text))
    return found


def _verdict(exercise: Exercise, outcome: str, text: str) -> Verdict:
    return Verdict(exercise, "not written" if "not written yet" in text and outcome == "not yet" else outcome, text)


def _run(command: list[str]) -> list[str]:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, encoding="utf-8")
    except subprocess.TimeoutExpired as error:
        raise CourseError(f"the check did not end within {PATIENCE} seconds. A loop that never ends? Look at the cell, then check again.") from error
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        raise CourseError(f"the check did not run: {(done.stderr.strip() or 'no word of why').splitlines()[-1][:300]}")
    return lines


def visible_cells(made: Workspace, exercise: Exercise) -> list[Cell]:
    """Return the released check cells of an exercise."""
    cells = read_notebook(made.released / exercise.chapter / f"{exercise.chapter}.ipynb")["cells"]
    return [cell for cell in cells if exercise_of(cell) == exercise.id and is_locked(cell) and not is_answer(cell)]


def is_written(made: Workspace, exercise: Exercise, names: dict[str, object]) -> bool:
    """Return False where nothing that the exercise's stub defines stands in the kernel's `names`, or only the stub does."""
    cells = read_notebook(made.released / exercise.chapter / f"{exercise.chapter}.ipynb")["cells"]
    stub = next((cell["source"] for cell in cells if key(cell) == exercise.id), "")
    try:
        defined = [node.name for node in ast.parse(stub).body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    except SyntaxError:
        return True
    present = [names[name] for name in defined if name in names]
    return not defined or any("NotImplementedError" not in _constants(one) for one in present)


def _constants(one: object) -> set[str]:
    codes = [getattr(one, "__code__", None)]
    if isinstance(one, type):
        codes = [getattr(member, "__code__", None) for member in vars(one).values()]
    return {name for code in codes if code is not None for name in code.co_names}
