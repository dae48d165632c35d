"""Write results to nbgrader's gradebook through nbgrader's own API: one writer, one transaction a submission.

Manual scores, extra credit and manual comments are never touched. A result replaces every automatic score of
its submission, so that nothing of an older attempt stays behind.
"""

from __future__ import annotations

import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from autograder.books import revision
from autograder.books.store import Store
from autograder.course import chapter as ch
from autograder.course import nbgrader_api as nb
from autograder.errors import AutograderError, BadGradebook
from autograder.files import read_object
from autograder.intake.submission import Submission
from autograder.judge.result import Result

#: How often something is tried while another process holds the gradebook; the waits between double from half a second.
BUSY_TRIES = 6
#: Where copies of the gradebook are kept, below a course root.
BACKUPS = Path(".autograder", "backups")
#: Extensions of students whose submission is not there yet, by chapter and student, in days.
WAITING_EXTENSIONS = Path(".autograder", "extensions.json")


def open_gradebook(root: Path) -> Any:
    """Return nbgrader's Gradebook of a course root, made where there is none; BadGradebook where it cannot be read."""
    url = nb.gradebook_url(root)
    from nbgrader.api import Gradebook

    path = file_of(url)
    if path is not None and path.is_file() and path.stat().st_size == 0 and Store(root).holds_any():
        raise BadGradebook(str(path), "it is empty, though grades were entered", newest_backup(root))
    with readable(url, root):
        return patiently(lambda: Gradebook(url, nb.api(root).coursedir.course_id))


def file_of(url: Any) -> Path | None:
    """Return the file of an SQLite gradebook, None for another database."""
    from sqlalchemy.engine import make_url

    found = make_url(url)
    return Path(found.database) if found.get_backend_name() == "sqlite" and found.database else None


@contextmanager
def readable(url: Any, root: Path) -> Iterator[None]:
    """Make whatever the database says while it is read a BadGradebook, which ends the command with a reason."""
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import SQLAlchemyError

    try:
        yield
    except SQLAlchemyError as error:
        where = file_of(url) or make_url(url).render_as_string()
        found = "a folder of that name stands there" if isinstance(where, Path) and where.is_dir() else str(getattr(error, "orig", error))
        raise BadGradebook(str(where), found, newest_backup(root)) from error


def patiently(call: Callable[[], Any]) -> Any:
    """Return `call()`; where another process holds the gradebook, wait and try again, BUSY_TRIES times in all.

    Raises SQLAlchemy's OperationalError where it stays locked, or where something else is the matter.
    """
    from sqlalchemy.exc import OperationalError

    for attempt in range(BUSY_TRIES - 1):
        try:
            return call()
        except OperationalError as error:
            if "locked" not in str(error):
                raise
        time.sleep(0.5 * 2**attempt)
    return call()


@contextmanager
def one_transaction(gradebook: Any) -> Iterator[None]:
    """Make nbgrader's API calls inside the block one transaction: all of them are written, or none."""
    real = gradebook.db.commit
    gradebook.db.commit = gradebook.db.flush
    try:
        yield
        real()
    except BaseException:
        gradebook.db.rollback()
        raise
    finally:
        del gradebook.db.commit


def ensure_assignment(root: Path, chapter: ch.Chapter) -> bool:
    """Put a chapter into the gradebook where it is missing or differs; return True where something was written.

    nbgrader's own generate_assignment does it, on a copy, so that `release/` stays as it was built. Where something
    was handed in already, the rows are brought into line first, as `books.revision` says.
    """
    with open_gradebook(root) as gradebook, readable(gradebook.engine.url, root):
        db_url = str(gradebook.engine.url.render_as_string(hide_password=False))
        changed = revision.of(gradebook, root, chapter.name)
        if changed is None and _holds(gradebook, chapter.name):
            return False
        if changed is not None and changed.graded:
            patiently(lambda: changed.apply(gradebook))
    with tempfile.TemporaryDirectory(prefix="layer-by-layer-") as name:
        copy = Path(name) / "source" / chapter.name
        copy.mkdir(parents=True)
        for source in sorted(chapter.source_path.parent.glob("*.ipynb")):  # all of an assignment, or the others would go
            (copy / source.name).write_bytes(source.read_bytes())
        done = nb.api(Path(name), CourseDirectory={"db_url": db_url}).generate_assignment(chapter.name)
        if not done["success"]:
            raise AutograderError(
                f"nbgrader could not take in {chapter.name}: {done.get('error') or done.get('log')}"
            )
    return True


def _holds(gradebook: Any, assignment: str) -> bool:
    from nbgrader.api import MissingEntry

    try:
        return bool(gradebook.find_assignment(assignment).notebooks)
    except MissingEntry:
        return False


def apply(
    gradebook: Any, chapter: ch.Chapter, result: Result, submission: Submission | None, timestamp: str | None
) -> None:
    """Write one result: automatic scores, comments, what a person still has to grade, the late penalty."""
    with one_transaction(gradebook):
        gradebook.update_or_create_student(result.student)
        when = {"timestamp": timestamp} if timestamp and _is_a_time(timestamp) else {}
        with warnings.catch_warnings():
            # SQLAlchemy 2 warns about how nbgrader 0.9 adds a submission; the rows come out right
            warnings.filterwarnings("ignore", message=r"Object of type <Submitted\w+> not in session")
            submitted = gradebook.update_or_create_submission(chapter.name, result.student, **when)
        _grant_waiting(chapter.root, submitted, result.student)
        notebook = _submitted_notebook(gradebook, submitted, chapter)
        _add_missing_rows(gradebook, notebook)
        for grade in notebook.grades:
            _set_grade(grade, result, submission, chapter)
        for comment in notebook.comments:
            comment.auto_comment = _comment(comment.name, result, submission, chapter)
        gradebook.db.flush()
        _late_penalty(chapter.root, submitted, notebook, result.student)


def write(
    gradebook: Any, chapter: ch.Chapter, result: Result, submission: Submission | None, timestamp: str | None
) -> None:
    """Write one result, patiently; OSError where the gradebook cannot be written."""
    from sqlalchemy.exc import OperationalError

    try:
        patiently(lambda: apply(gradebook, chapter, result, submission, timestamp))
    except OperationalError as error:
        where = file_of(gradebook.engine.url) or chapter.root / "gradebook.db"
        raise OSError(0, f"the gradebook cannot be written ({error.orig})", str(where)) from error


def _is_a_time(text: str) -> bool:
    from nbgrader.utils import parse_utc

    try:
        return parse_utc(text) is not None
    except Exception:  # dateutil's and Python's own, of many kinds: no time, and no reason to lose the grade
        return False


def _submitted_notebook(gradebook: Any, submitted: Any, chapter: ch.Chapter) -> Any:
    """Return a submission's row of a notebook; one from before the assignment gained the notebook has none."""
    from nbgrader.api import SubmittedNotebook

    there = next((n for n in submitted.notebooks if n.name == chapter.notebook), None)
    if there is None:
        there = SubmittedNotebook(notebook=gradebook.find_notebook(chapter.notebook, chapter.name), assignment=submitted)
        gradebook.db.add(there)
        gradebook.db.flush()
    return there


def _add_missing_rows(gradebook: Any, notebook: Any) -> None:
    """A submission from before the chapter gained a cell has no row for it."""
    from nbgrader.api import Comment, Grade

    graded = {grade.cell_id for grade in notebook.grades}
    for cell in [*notebook.notebook.grade_cells, *notebook.notebook.task_cells]:
        if cell.id not in graded:
            gradebook.db.add(Grade(cell_id=cell.id, notebook=notebook))
    commented = {comment.cell_id for comment in notebook.comments}
    for cell in [*notebook.notebook.solution_cells, *notebook.notebook.task_cells]:
        if cell.id not in commented:
            gradebook.db.add(Comment(cell_id=cell.id, notebook=notebook))
    gradebook.db.flush()


def _set_grade(grade: Any, result: Result, submission: Submission | None, chapter: ch.Chapter) -> None:
    name = grade.name
    if name in result.cells and result.cells[name]["outcome"] == "checker broke":
        grade.auto_score, grade.needs_manual_grade = None, True  # for a person to settle, and no zero meanwhile
        return
    if name in result.cells:
        score = float(result.cells[name]["score"])
        settled = not grade.needs_manual_grade and grade.auto_score == score  # somebody looked, and nothing changed
        grade.auto_score, grade.needs_manual_grade = score, grade.manual_score is not None and not settled
        return
    if result.status == "error" and any(name in exercise.points for exercise in chapter.exercises.values()):
        grade.auto_score, grade.needs_manual_grade = None, True  # nobody knows yet: an older grade is not this one's
        return
    if any(name in exercise.points for exercise in chapter.exercises.values()):
        grade.auto_score, grade.needs_manual_grade = 0.0, False  # rejected or missing: nothing was earned
        return
    answered = submission is not None and _answered(name, submission, chapter)
    settled = grade.manual_score is not None and not grade.needs_manual_grade and _as_before(name, submission, chapter, result.student)
    grade.auto_score = None if answered else 0.0
    grade.needs_manual_grade = (answered or grade.manual_score is not None) and not settled


def _as_before(name: str, submission: Submission | None, chapter: ch.Chapter, student: str) -> bool:
    """Return True where a written answer is the one that was graded by hand: the one that `autograded/` shows."""
    from autograder.books.autograded import notebook_path, shown_answer

    try:
        cells = ch.read_trusted(notebook_path(chapter, student)).cells
    except AutograderError:
        return False
    answer = submission.manual.get(name) if submission else None
    if answer is None:
        return False
    known = {ch.grade_id_of(cell) for cell in chapter.source.cells}
    before = [cell.source for cell in cells if ch.grade_id_of(cell) == name]
    renamed = [cell.source for cell in cells if ch.is_manual(cell) and ch.grade_id_of(cell) not in known]
    return shown_answer(answer) in (before or renamed)


def _answered(name: str, submission: Submission, chapter: ch.Chapter) -> bool:
    stub = next((c.source for c in chapter.release.cells if ch.grade_id_of(c) == name), "")
    answer = submission.manual.get(name)
    return answer is not None and answer.source.strip() not in ("", stub.strip())


def _comment(name: str, result: Result, submission: Submission | None, chapter: ch.Chapter) -> str | None:
    from autograder.books.autograded import student_message

    exercise = result.exercises.get(name)
    if exercise is not None:
        if exercise.outcome == "pass":
            return None
        cells = [
            c for i, c in result.cells.items() if i.partition("__")[0] == name and c["outcome"] != "pass"
        ]
        return student_message(cells[0]) if cells else None
    if submission is not None and not _answered(name, submission, chapter):
        return "No response."
    return result.reason if submission is None else None


def _grant_waiting(root: Path, submitted: Any, student: str) -> None:
    """Give a submission the extension that was granted before it came."""
    waiting = read_object(root / WAITING_EXTENSIONS)
    try:
        days = float(waiting.get(submitted.name, {}).get(student, 0.0))
    except (ValueError, TypeError, AttributeError):
        return
    if days and submitted.extension is None:
        submitted.extension = timedelta(days=days)


def _late_penalty(root: Path, submitted: Any, notebook: Any, student: str) -> None:
    """Take off what the course's configured plugin says, within nbgrader's own bounds."""
    from nbgrader.preprocessors import AssignLatePenalties

    notebook.late_submission_penalty = None
    if submitted.assignment.duedate is not None and submitted.total_seconds_late > 0:
        policy = AssignLatePenalties(config=nb.config(root))
        policy.init_plugin()
        penalty = policy.plugin_inst.late_submission_penalty(
            student, notebook.score, submitted.total_seconds_late
        )
        if penalty is not None:
            notebook.late_submission_penalty = policy._check_late_penalty(notebook, penalty)


def back_up(root: Path, gradebook: Any) -> Path | None:
    """Copy an SQLite gradebook to `.autograder/backups/` and return the copy; None for another database.

    SQLite's own backup, so that the copy is whole even while formgrader writes. The ten newest are kept.
    """
    import sqlite3

    if gradebook.engine.url.get_backend_name() != "sqlite":
        return None
    folder = root / BACKUPS
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / f"gradebook-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}.db"
    with closing(sqlite3.connect(gradebook.engine.url.database)) as now, closing(sqlite3.connect(kept)) as copy:
        now.backup(copy)
    for old in sorted(folder.glob("gradebook-*.db"))[:-10]:
        old.unlink()
    return kept


def newest_backup(root: Path) -> Path | None:
    """Return the newest copy that `back_up` made, None where there is none."""
    return max((root / BACKUPS).glob("gradebook-*.db"), default=None)


def scores(gradebook: Any, chapter: ch.Chapter, student: str) -> dict[str, float | None]:
    """Return the automatic scores that the gradebook holds for a submission, {} where there is none.

    Raises BadGradebook where it cannot be read.
    """
    from nbgrader.api import MissingEntry

    with readable(gradebook.engine.url, chapter.root):
        try:
            notebook = patiently(lambda: gradebook.find_submission_notebook(chapter.notebook, chapter.name, student))
        except MissingEntry:
            return {}
        return {grade.name: grade.auto_score for grade in notebook.grades}
