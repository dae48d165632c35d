"""Staged hints: each call shows one more, from where to look to how to begin, and never the code.

In a workspace (`course start`) the steps that are open are kept: they stay open across restarts, and `course hint`
goes on where the notebook stopped. Elsewhere the kernel remembers them.
"""

from __future__ import annotations

import difflib

from lessonkit import notes as chapter
from lessonkit import show

_shown: dict[str, int] = {}


def hint(exercise: str, *, start_again: bool = False) -> None:
    """Show the next hint of an exercise, with those already seen above it.

    `start_again=True` goes back to the first. Raises LookupError with the nearest name where the exercise
    has no hints, and says so where the chapter's notes are not found.
    """
    if show.recording():
        return
    exercises = chapter.of_chapter(exercise).get("exercises", {})
    if not exercises:
        show.show(
            f"No hints for {exercise}: lessonkit.json is neither beside this notebook nor in an installed course that has "
            "this exercise. Copy it from the release."
        )
        return
    if exercise not in exercises:
        near = difflib.get_close_matches(exercise, exercises, n=1)
        raise LookupError(f"no exercise {exercise!r} here" + (f"; did you mean {near[0]!r}?" if near else ""))
    steps, total = _open(exercise, exercises[exercise].get("hints", []), start_again)
    rest = total - len(steps)
    tail = f"Run this cell again for the next hint ({rest} more)." if rest else "That was the last hint."
    text = "\n".join(f"hint {i + 1} of {total}: {line}" for i, line in enumerate(steps))
    items = "".join(f"<li>{show.prose(line)}</li>" for line in steps)
    show.show(f"{text}\n{tail}", f'<ol style="margin:.2em 0">{items}</ol><p style="opacity:.75">{tail}</p>')


def _open(exercise: str, hints: list[str], start_again: bool) -> tuple[list[str], int]:
    """Open one more step; return those that are open, and how many there are."""
    from lessonkit.learner import hinting, outline, workspace
    from lessonkit.learner.errors import CourseError

    try:
        made = workspace.find()
        here = chapter.chapter_of(exercise)
        found = outline.find(outline.of(made), f"{here}/{exercise}")
        ladder = hinting.climb(made, found, start_again=start_again)
        return ladder.steps, ladder.total
    except (CourseError, OSError, ValueError, TimeoutError):  # no workspace, or one that cannot be written
        if start_again:
            _shown.pop(exercise, None)
        count = _shown[exercise] = min(_shown.get(exercise, 0) + 1, len(hints))
        return hints[:count], len(hints)
