"""Write a learner's files so that nobody ever sees half of one, and read notebooks as plain JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lessonkit.files import write_atomically
from lessonkit.learner.errors import CourseError

Notebook = dict[str, Any]
Cell = dict[str, Any]


def write(path: Path, text: str) -> None:
    """Write a text file atomically: a reader sees the old content or the new."""
    write_atomically(path, text.encode("utf-8"))


def read_notebook(path: Path) -> Notebook:
    """Return a notebook as JSON; CourseError where it is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8-sig"))
        cells = found["cells"]
    except FileNotFoundError as error:
        raise CourseError(f"{path} is not there. `course update` brings missing notebooks back.") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CourseError(
            f"{path} cannot be read as a notebook ({error}). It stays as it is; `course reset {path.stem}` puts the released one "
            "beside it."
        ) from error
    for cell in cells:
        if isinstance(cell.get("source"), list):
            cell["source"] = "".join(cell["source"])
    return dict(found)


def write_notebook(path: Path, notebook: Notebook) -> None:
    """Write a notebook as JupyterLab does: one space of indent, LF, a newline at the end."""
    write(path, json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True) + "\n")


def grade_id(cell: Cell) -> str:
    """Return a cell's grade id, "" where it has none."""
    meta = cell.get("metadata", {}).get("nbgrader")
    return str(meta.get("grade_id", "")) if isinstance(meta, dict) else ""


def key(cell: Cell) -> str:
    """Return what a cell is known by across versions: its grade id, else its cell id, else its text."""
    return grade_id(cell) or str(cell.get("id") or cell.get("source", ""))


def is_locked(cell: Cell) -> bool:
    """Return True for a cell that is the course's: a test cell, or one that nbgrader locks."""
    meta = cell.get("metadata", {}).get("nbgrader")
    return isinstance(meta, dict) and bool(meta.get("locked") or (meta.get("grade") and not meta.get("solution")))


def is_answer(cell: Cell) -> bool:
    """Return True for a cell that is there to be written in."""
    meta = cell.get("metadata", {}).get("nbgrader")
    return isinstance(meta, dict) and bool(meta.get("solution"))


def exercise_of(cell: Cell) -> str:
    """Return the exercise that a test or solution cell belongs to, "" for any other cell."""
    return grade_id(cell).partition("__")[0] if is_answer(cell) or is_locked(cell) else ""
