"""One ladder of hints for the notebook and the command line, kept across restarts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from lessonkit.learner import state
from lessonkit.learner.outline import Exercise
from lessonkit.learner.workspace import Workspace


@dataclass(frozen=True)
class Ladder:
    """The steps that are open, the newest last, and how many there are."""

    steps: list[str]
    total: int


def steps_of(notes: dict[str, Any], mistake: str = "") -> list[str]:
    """Return all steps: where to look, the help of a recognised mistake where there is one, how to begin, an example."""
    steps = [str(hint) for hint in notes.get("hints", [])]
    helps = [str(m["help"]) for m in notes.get("mistakes", []) if mistake and m.get("name") == mistake]
    steps[1:1] = [f"What your result looks like: {helps[0]}"] if helps else []
    if example := notes.get("example"):
        steps.append(f"A similar task, worked out:\n{example}")
    return steps


def climb(made: Workspace, exercise: Exercise, more: bool = True, start_again: bool = False) -> Ladder:
    """Open one more step and return those that are open; without `more`, only what is open already."""
    notes = json.loads((made.released / exercise.chapter / "lessonkit.json").read_text(encoding="utf-8"))
    table = notes.get("exercises", {}).get(exercise.id, {})
    with state.change(made.inside) as now:
        progress = now.of(exercise.chapter, exercise.id)
        steps = steps_of(table, progress.mistake)
        progress.hints = 0 if start_again else progress.hints
        progress.hints = min(progress.hints + more, len(steps))
        return Ladder(steps[: progress.hints], len(steps))
