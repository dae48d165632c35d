"""What the verbs say, for the command line and for the panel in JupyterLab alike."""

from __future__ import annotations

from lessonkit.learner import hinting, keep
from lessonkit.learner import reset as resetting
from lessonkit.learner.outline import Exercise
from lessonkit.learner.workspace import Workspace


def hint(made: Workspace, exercise: Exercise, start_again: bool = False) -> str:
    """Open one more hint and return all that are open, one a line, with how many are left."""
    ladder = hinting.climb(made, exercise, start_again=start_again)
    lines = [f"hint {number} of {ladder.total}: {step}" for number, step in enumerate(ladder.steps, 1)]
    rest = ladder.total - len(ladder.steps)
    return "\n".join([*lines, f"({rest} more)" if rest else f"That was the last one. Stuck? course solution {exercise.id} --give-up"])


def reset(made: Workspace, exercises: list[Exercise]) -> str:
    """Put exercises of one chapter back as they were released and return what became of them."""
    kept = resetting.reset(made, exercises)
    return f"{', '.join(e.id for e in exercises)}: as released. What stood there: {kept}. To have it back: course undo"


def undo(made: Workspace) -> str:
    """Take back the last reset, update or review and return what it was, with one line a file written."""
    what, files = keep.undo(made.folder)
    return "\n".join([f"taken back: {what}", *(f"wrote {file}" for file in files)])
