"""Feedback pages for students, made by nbgrader from `autograded/`: no hidden test, no expected value of one, and
no script of anybody's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from autograder.course import nbgrader_api as nb
from autograder.errors import AutograderError
from autograder.log import Log


def graded_students(root: Path, chapter: str) -> list[str]:
    """Return the students with a graded notebook of a chapter, sorted."""
    folder = root / "autograded"
    if not folder.is_dir():
        return []
    return sorted(path.parent.parent.name for path in folder.glob(f"*/{chapter}/{chapter}.ipynb"))


def write(root: Path, chapter: str, students: list[str]) -> Iterator[Path]:
    """Write each student's page and yield its path; AutograderError with the next command where there is none."""
    found = graded_students(root, chapter)
    if not found:
        raise AutograderError(f"nothing of {chapter} is graded yet. Run `autograder grade {chapter}` first.")
    unknown = sorted(set(students) - set(found))
    if unknown:
        raise AutograderError(
            f"no graded notebook of {', '.join(unknown)}. Run `autograder grade {chapter}` first."
        )
    api = nb.api(root)
    failed, log = [], Log(root, "feedback")
    for student in students or found:
        try:
            done = api.generate_feedback(chapter, student, force=True)
            if not done["success"]:
                raise RuntimeError(str(done.get("error") or done.get("log")))
        except Exception as error:  # one page that cannot be made is one line, and the others are made
            failed.append(log.keep(f"the feedback of {student}", error))
            continue
        yield root / "feedback" / student / chapter / f"{chapter}.html"
    if failed:
        raise AutograderError("\n".join(failed))
