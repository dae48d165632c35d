"""Staged hints: each call shows one more, from where to look to how to begin, and never the code."""

from __future__ import annotations

import difflib

from lessonkit import notes as chapter
from lessonkit import show

_shown: dict[str, int] = {}


def hint(exercise: str, *, start_again: bool = False) -> None:
    """Show the next hint of an exercise, with those already seen above it.

    `start_again=True` goes back to the first. Raises LookupError with the nearest name where the exercise
    has no hints, and says so where the chapter's notes are not beside the notebook.
    """
    if show.recording():
        return
    exercises = chapter.notes().get("exercises", {})
    if not exercises:
        show.show("The hints are in lessonkit.json, which is not beside this notebook. Copy it from the release.")
        return
    if exercise not in exercises:
        near = difflib.get_close_matches(exercise, exercises, n=1)
        raise LookupError(f"no exercise {exercise!r} here" + (f"; did you mean {near[0]!r}?" if near else ""))
    hints = exercises[exercise].get("hints", [])
    if start_again:
        _shown.pop(exercise, None)
    count = _shown[exercise] = min(_shown.get(exercise, 0) + 1, len(hints))
    rest = len(hints) - count
    tail = f"Run this cell again for the next hint ({rest} more)." if rest else "That was the last hint."
    text = "\n".join(f"hint {i + 1} of {len(hints)}: {line}" for i, line in enumerate(hints[:count]))
    items = "".join(f"<li>{show.prose(line)}</li>" for line in hints[:count])
    show.show(f"{text}\n{tail}", f'<ol style="margin:.2em 0">{items}</ol><p style="opacity:.75">{tail}</p>')
