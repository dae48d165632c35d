"""The reference solution of an exercise with the other ways, beside one's own: after the pass, or after giving up."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

from lessonkit.learner import state
from lessonkit.learner.errors import CourseError
from lessonkit.learner.files import key, read_notebook
from lessonkit.learner.outline import Exercise
from lessonkit.learner.workspace import Workspace

_MARKS = re.compile(r"^[ \t]*### (BEGIN|END) SOLUTION[ \t]*\n?", re.MULTILINE)
_TITLE = re.compile(r"^# %% (\w+): (\w+)[ \t]*$", re.MULTILINE)


def solution(made: Workspace, exercise: Exercise, give_up: bool = False) -> str:
    """Return the solution as text; CourseError while the exercise is open, or where the answers are not installed.

    With `give_up` it opens before the pass, and the state says so.
    """
    progress = state.read(made.inside).of(exercise.chapter, exercise.id)
    if not (progress.passed or progress.gave_up or give_up):
        raise CourseError(
            f"{exercise.id} has not passed yet, and its solution opens after the pass. Another hint: course hint {exercise.id}. "
            f"To see it all the same, and have it marked: course solution {exercise.id} --give-up"
        )
    root = made.course.answers
    if root is None:
        raise CourseError(f'the answers are not installed here. Install them: pip install "{made.course.package.replace("_", "-")}[answers]"')
    reference = _reference(root, exercise)
    with state.change(made.inside) as now:
        mine = now.of(exercise.chapter, exercise.id)
        mine.solution_seen = mine.solution_seen or state.now()
        if not mine.passed:
            mine.gave_up = mine.gave_up or state.now()
    parts = [f"# {exercise.id}: the course's solution", reference.strip()]
    if difference := _beside(made, exercise, reference):
        parts += ["# beside your own (- yours, + the course's)", difference]
    for name, code in _other_ways(root, exercise):
        parts += [f"# another way: {name.replace('_', ' ')}", code.strip()]
    return "\n\n".join(parts) + "\n"


def _reference(root: Path, exercise: Exercise) -> str:
    notebook = read_notebook(root / "source" / exercise.chapter / f"{exercise.chapter}.ipynb")
    for cell in notebook["cells"]:
        if key(cell) == exercise.id:
            return _MARKS.sub("", cell["source"])
    raise CourseError(f"the answers installed here are of another edition: they have no {exercise.id}. Update both: pip install -U")


def _beside(made: Workspace, exercise: Exercise, reference: str) -> str:
    cells = read_notebook(made.notebook(exercise.chapter))["cells"]
    mine = next((cell["source"] for cell in cells if key(cell) == exercise.id), "")
    lines = difflib.unified_diff(mine.splitlines(), reference.splitlines(), lineterm="", n=2)
    return "\n".join(line for line in lines if not line.startswith(("---", "+++", "@@")))


def _other_ways(root: Path, exercise: Exercise) -> list[tuple[str, str]]:
    path = root / "course" / exercise.chapter / "variants.py"
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8")
    titles = list(_TITLE.finditer(text))
    ends = [title.start() for title in titles[1:]] + [len(text)]
    return [
        (title[2], text[title.end() : end])
        for title, end in zip(titles, ends, strict=True)
        if title[1] == exercise.id and "\n# from:" not in text[title.end() : end][:200]
    ]
