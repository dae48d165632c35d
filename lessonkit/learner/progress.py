"""What in-notebook checks write down: which test cells hold, and when an exercise passed."""

from __future__ import annotations

import contextlib
from pathlib import Path

from lessonkit import notes
from lessonkit.learner import state
from lessonkit.learner.errors import CourseError


def record(grade_id: str, passed: bool, mistake: str = "", chapter: str = "", folder: Path | None = None) -> None:
    """Note the outcome of a test cell. Outside a workspace, and where nothing can be written, nothing happens."""
    from lessonkit.learner import workspace

    exercise = grade_id.partition("__")[0]
    name = chapter or notes.chapter_of(exercise)
    with contextlib.suppress(CourseError, OSError, TimeoutError):
        made = workspace.find(folder)
        wanted = notes.exercise_notes(exercise).get("cells", [])
        with state.change(made.inside) as now:
            progress = now.of(name, exercise)
            progress.attempts += 1
            progress.cells[grade_id] = "pass" if passed else "not yet"
            progress.mistake = mistake
            if passed and wanted and all(progress.cells.get(cell) == "pass" for cell in wanted):
                progress.passed = progress.passed or state.now()
                progress.again = False
