"""The learner's verbs inside a notebook: `check("relu")`, `status()`, `next_exercise()`, `solution("relu")`.

They work without running the cells above again, and find the workspace whatever the working folder is.
"""

from __future__ import annotations

from typing import Any

from lessonkit import notes, show
from lessonkit.learner import checking, outline, overview, solutions, state, workspace
from lessonkit.learner.errors import CourseError


def status() -> None:
    """Show where one stands: chapters with bars and points, the next exercise and its minutes."""
    made = workspace.find()
    chapters = outline.of(made)
    show.show(overview.text(chapters, state.read(made.inside)))


def next_exercise() -> None:
    """Say which exercise is open next, and where."""
    made = workspace.find()
    show.show(overview.next_line(outline.of(made), state.read(made.inside)))


def solution(exercise: str, *, give_up: bool = False) -> None:
    """Show the course's solution, the other ways, and one's own beside it; CourseError while it is locked."""
    made = workspace.find()
    show.show(solutions.solution(made, _find(made, exercise), give_up))


def hint(exercise: str, *, start_again: bool = False) -> None:
    """Show the next hint; the same ladder as `course hint`."""
    from lessonkit import hints

    hints.hint(exercise, start_again=start_again)


def reset(exercise: str) -> None:
    """Say how to have one exercise back; a notebook that is open would overwrite it when it is saved."""
    show.show(f"Save and close this notebook, type `course reset {exercise}` in a terminal, and open it again; the old text is kept.")


def check(exercise: str, space: dict[str, Any] | None = None) -> None:
    """Run an exercise's visible checks on what the kernel holds now; an untouched stub answers in one line."""
    made = workspace.find()
    one = _find(made, exercise)
    cells = checking.visible_cells(made, one)
    names = space if space is not None else _kernel_names()
    if not checking.is_written(made, one, names):
        show.show(f"{exercise}: not written yet")
        return
    for cell in cells:
        exec(compile(cell["source"], f"<check {exercise}>", "exec"), names)


def _find(made: workspace.Workspace, name: str) -> outline.Exercise:
    chapters = outline.of(made)
    here = str(notes.notes().get("chapter", ""))
    own = [e for c in chapters if c.name == here for e in c.exercises if e.id == name]
    return own[0] if own else outline.find(chapters, name)


def _kernel_names() -> dict[str, Any]:
    from IPython import get_ipython

    shell = get_ipython()
    if shell is None:
        raise CourseError('check("…") belongs in a notebook; on the command line it is: course check EXERCISE')
    names: dict[str, Any] = shell.user_ns
    return names
