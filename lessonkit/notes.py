"""Find what belongs to the notebook that is open: `lessonkit.json`, built beside each notebook.

The file holds the staged hints, the calls an exercise forbids, and the fingerprints of known mistakes (what
the wrong solutions return on the visible checks). It holds no answer.

The working folder does not decide: an editor may start a kernel anywhere. The file is looked for in the working folder,
then beside the notebook that Jupyter or VS Code says is open, then in the installed course.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from lessonkit import show

FILE = "lessonkit.json"
NOT_FOUND = "the course's notes (lessonkit.json) were not found: forbidden calls are not watched here, and mistakes are not named"


@cache
def _load(path: Path, stamp: int) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


def notes() -> dict[str, Any]:
    """Return the chapter's notes; an empty dictionary where they are not beside the notebook."""
    for folder in _beside():
        if found := _read(folder / FILE):
            return found
    return {}


def exercise_notes(exercise: str) -> dict[str, Any]:
    """Return what the chapter says of one exercise: `hints`, `forbidden`, `mistakes`; empty where unknown."""
    if show.recording():  # nobody is told anything, and every run would read the file anew
        return {}
    return dict(of_chapter(exercise).get("exercises", {}).get(exercise, {}))


def of_chapter(exercise: str) -> dict[str, Any]:
    """Return the notes of the chapter that has an exercise: those beside the notebook, else the installed course's."""
    return notes() or _installed(exercise)


def chapter_of(exercise: str) -> str:
    """Return the chapter whose notebook is open, else the only one of the installed course that has the exercise."""
    return str(of_chapter(exercise).get("chapter", ""))


def cell_key(text: str) -> str:
    """Return what the notes know a cell of the course by."""
    return hashlib.sha256(text.strip().encode("utf-8", "replace")).hexdigest()[:12]


def _read(path: Path) -> dict[str, Any]:
    try:
        return _load(path, path.stat().st_mtime_ns)
    except (OSError, ValueError):
        return {}


def _beside() -> Iterator[Path]:
    yield Path.cwd()
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    named = [shell.user_ns.get("__vsc_ipynb_file__") if shell is not None else None, os.environ.get("JPY_SESSION_NAME")]
    for name in named:
        if isinstance(name, str) and name.endswith(".ipynb"):
            yield Path(name).parent


@cache
def _installed(exercise: str) -> dict[str, Any]:
    """Return the notes of the installed course's only chapter that has an exercise of that name; {} where none or several."""
    from lessonkit.learner import shelf
    from lessonkit.learner.errors import CourseError

    try:
        course = shelf.course()
    except CourseError:
        return {}
    found = [_read(course.release / name / FILE) for name in course.chapters]
    fits = [one for one in found if exercise in one.get("exercises", {})]
    return fits[0] if len(fits) == 1 else {}
