"""Chapters and exercises with their minutes and points, read from the notes beside each notebook."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass, field
from pathlib import Path

from lessonkit.learner.errors import CourseError
from lessonkit.learner.state import State
from lessonkit.learner.workspace import Workspace


@dataclass(frozen=True)
class Exercise:
    """One exercise of the outline."""

    chapter: str
    id: str
    minutes: int
    points: float
    #: names it had in earlier editions of the course
    was: tuple[str, ...] = ()


@dataclass(frozen=True)
class Chapter:
    """One chapter of the outline, its exercises in the order of the notebook."""

    name: str
    title: str
    exercises: list[Exercise] = field(default_factory=list)


def of(workspace: Workspace) -> list[Chapter]:
    """Return the workspace's chapters; one whose notes are damaged has no exercises."""
    return [read(workspace.released / name, name) for name in workspace.chapters]


def read(folder: Path, name: str) -> Chapter:
    """Return the outline of a chapter from the notes in its folder; without exercises where they cannot be read."""
    try:
        notes = json.loads((folder / "lessonkit.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return Chapter(name, name)
    exercises = [
        Exercise(name, one, int(table.get("minutes", 0)), float(table.get("points", 0.0)), tuple(table.get("was", ())))
        for one, table in notes.get("exercises", {}).items()
    ]
    order = {one: i for i, one in enumerate(notes.get("order", []))}
    return Chapter(name, str(notes.get("title", name)), sorted(exercises, key=lambda e: order.get(e.id, 0)))


def find(chapters: list[Chapter], name: str) -> Exercise:
    """Return the exercise of that name (`relu`, or `07/relu` where chapters share it); CourseError with a guess."""
    head, _, tail = name.rpartition("/")
    fits = [e for c in chapters if c.name.startswith(head) for e in c.exercises if e.id == tail]
    if len(fits) == 1:
        return fits[0]
    if fits:
        raise CourseError(f"{name} stands in several chapters: {', '.join(f'{e.chapter[:2]}/{e.id}' for e in fits)}. Type one of these.")
    known = [e.id for c in chapters for e in c.exercises]
    near = difflib.get_close_matches(tail, known, n=1)
    raise CourseError(f"there is no exercise {name!r}." + (f" Did you mean {near[0]!r}?" if near else " `course` lists them."))


def chapter(chapters: list[Chapter], name: str) -> Chapter | None:
    """Return the chapter that a name or unique prefix means, None where it means none."""
    fits = [c for c in chapters if c.name == name] or [c for c in chapters if name and c.name.startswith(name)]
    return fits[0] if len(fits) == 1 else None


def following(chapters: list[Chapter], state: State) -> Exercise | None:
    """Return the next exercise that is open, None where everything has passed."""
    for one in (e for c in chapters for e in c.exercises):
        progress = state.of(one.chapter, one.id)
        if not progress.passed or progress.again:
            return one
    return None
