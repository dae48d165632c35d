"""Feedback pages for students, made from `autograded/` and the gradebook: in parallel, only what changed, each by itself.

No hidden test, no expected value of one, and no script of anybody's is on them.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor, as_completed
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from autograder.books import exchange, feedback_page, templating
from autograder.books.feedback_page import Inputs, Mark
from autograder.books.gradebook import open_gradebook
from autograder.course import chapter as ch
from autograder.errors import AutograderError, cannot_write
from autograder.files import write_atomically
from autograder.log import Log

#: Pages from which on it pays to start further processes.
SEVERAL = 8


def graded_students(root: Path, chapter: str, notebook: str = "") -> list[str]:
    """Return the students with a graded notebook of a chapter (of an assignment's `notebook`), sorted."""
    folder = root / "autograded"
    if not folder.is_dir():
        return []
    return sorted({path.parent.parent.name for path in folder.glob(f"*/{chapter}/{notebook or '*'}.ipynb")})


class Run:
    """One run over a chapter's pages, `jobs` at once: what is out of date is found at the start, `pages` writes it."""

    def __init__(self, root: Path, chapter: str, students: list[str], force: bool = False, jobs: int = 1) -> None:
        found = graded_students(root, chapter)
        if not found:
            raise AutograderError(f"nothing of {chapter} is graded yet. Run `autograder grade {chapter}` first.")
        if unknown := sorted(set(students) - set(found)):
            raise AutograderError(f"no graded notebook of {', '.join(unknown)}. Run `autograder grade {chapter}` first.")
        self.root, self.chapter, self.jobs = root, chapter, jobs
        everything = list(inputs_of(root, chapter, students or found))
        self.todo = [one for one in everything if force or made_from(one.page) != one.key]
        self.unchanged = len(everything) - len(self.todo)
        #: a line for each page that could not be made
        self.failed: list[str] = []

    def pages(self) -> Iterator[Path]:
        """Write the pages that are out of date; yield each that was written. Stop it anywhere and run it again."""
        log = Log(self.root, "feedback")
        for inputs, error in self._made():
            if error is None:
                yield inputs.page
            elif isinstance(error, OSError) and error.filename:
                raise cannot_write(inputs.page, error, f"autograder feedback {self.chapter}") from error
            else:  # one page that cannot be made is one line, and the others are made
                self.failed.append(log.keep(f"the feedback of {inputs.student}", error))

    def _made(self) -> Iterator[tuple[Inputs, BaseException | None]]:
        jobs = min(self.jobs, len(self.todo))
        if jobs <= 1 or len(self.todo) < SEVERAL:
            for inputs in self.todo:
                yield inputs, _tried(inputs)
            return
        broken = []
        for inputs, error in _in_pool(jobs, self.todo):
            if isinstance(error, BrokenExecutor):
                broken.append(inputs)
            else:
                yield inputs, error
        for inputs in broken:  # a page that ends its process takes others along: each alone, and only the guilty one fails
            yield from _in_pool(1, [inputs])


def _tried(inputs: Inputs) -> Exception | None:
    try:
        make(inputs)
    except Exception as error:
        return error
    return None


def _in_pool(jobs: int, todo: list[Inputs]) -> Iterator[tuple[Inputs, BaseException | None]]:
    pool = ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn"))
    try:
        running: dict[Future[None], Inputs] = {}
        for inputs in todo:
            try:
                running[pool.submit(make, inputs)] = inputs
            except BrokenExecutor as error:
                yield inputs, error
        for done in as_completed(running):
            yield running[done], done.exception()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def make(inputs: Inputs) -> None:
    """Write one page, atomically, and beside it what brings it home through nbgrader's exchange."""
    write_atomically(inputs.page, feedback_page.html(inputs).encode("utf-8"))
    exchange.carry(inputs.graded.parent, inputs.page.parent)


def write(root: Path, chapter: str, students: list[str]) -> Iterator[Path]:
    """Write the pages that are out of date and yield their paths; AutograderError at the end where one failed."""
    run = Run(root, chapter, students)
    yield from run.pages()
    if run.failed:
        raise AutograderError("\n".join(run.failed))


def made_from(page: Path) -> str:
    """Return the key of what a page was made from, as it says itself; "" where there is no page of ours."""
    try:
        with page.open("rb") as file:
            head = file.read(1_000).decode("utf-8", errors="replace")
    except OSError:
        return ""
    return head.partition('<meta name="made-from" content="')[2].partition('"')[0]


def inputs_of(root: Path, chapter: str, students: list[str]) -> Iterator[Inputs]:
    """Yield what each page of a chapter is made from, with its key."""
    for part in ch.parts(root, chapter):
        marks, names, penalties = _marks(root, part)
        there = set(graded_students(root, chapter, part.notebook))
        for student in (one for one in students if one in there):
            inputs = Inputs(
                str(root), chapter, part.notebook, student, names.get(student) or student, marks.get(student, {}),
                penalties.get(student, 0.0),
            )  # fmt: skip
            yield replace(inputs, key=_key(inputs, part))


def _key(inputs: Inputs, part: ch.Chapter) -> str:
    latest = Path(inputs.root) / ".autograder" / "results" / part.key / inputs.student / "latest.json"
    digest = hashlib.sha256(templating.stamp(*feedback_page.MODULES).encode())
    for path in (inputs.graded, inputs.submitted, latest, part.source_path):
        try:
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        except OSError:
            digest.update(b"none")
    digest.update(json.dumps(asdict(replace(inputs, root="")), sort_keys=True).encode())
    digest.update(repr(exchange.read(inputs.graded.parent)).encode())
    return digest.hexdigest()[:32]


def _marks(root: Path, part: ch.Chapter) -> tuple[dict[str, dict[str, Mark]], dict[str, str], dict[str, float]]:
    """Return the gradebook's marks, full names and late penalties by student, by three statements."""
    most = {ch.grade_id_of(c): float(ch.nbgrader_of(c)["points"]) for c in part.source.cells if "points" in ch.nbgrader_of(c)}
    with closing(open_gradebook(root)) as gradebook:
        from nbgrader import api

        def of(table: Any, *columns: Any) -> list[tuple[Any, ...]]:
            """Return rows of this notebook: the student, then columns of a table that hangs on a submitted notebook."""
            query = gradebook.db.query(api.SubmittedAssignment.student_id, *columns).select_from(table)
            if table is not api.SubmittedNotebook:
                query = query.join(api.BaseCell, table.cell_id == api.BaseCell.id).join(api.SubmittedNotebook, table.notebook_id == api.SubmittedNotebook.id)
            query = query.join(api.SubmittedAssignment, api.SubmittedNotebook.assignment_id == api.SubmittedAssignment.id)
            query = query.join(api.Notebook, api.SubmittedNotebook.notebook_id == api.Notebook.id)
            query = query.join(api.Assignment, api.Notebook.assignment_id == api.Assignment.id)
            found = query.filter(api.Assignment.name == part.name, api.Notebook.name == part.notebook)
            return [tuple(row) for row in found]

        comments = {(student, cell): text for student, cell, text in of(api.Comment, api.BaseCell.name, api.Comment.manual_comment) if text}
        grades = of(api.Grade, api.BaseCell.name, api.Grade.score, api.Grade.needs_manual_grade)
        penalties = {student: penalty for student, penalty in of(api.SubmittedNotebook, api.SubmittedNotebook.late_submission_penalty) if penalty}
        people = gradebook.db.query(api.Student.id, api.Student.first_name, api.Student.last_name)
        names = {student: " ".join(n for n in (first, last) if n) for student, first, last in people}
    # a comment on an exercise stands with its solution cell, which has no points
    owner = ch.tests_of(part.source)
    first_test = {owner[cell]: cell for cell in reversed(list(owner))}
    marks: dict[str, dict[str, Mark]] = {}
    for student, cell, score, waits in grades:
        theirs = comments.get((student, cell), "")
        if first_test.get(owner.get(cell, "")) == cell:
            theirs = theirs or comments.get((student, owner[cell]), "")
        marks.setdefault(student, {})[cell] = Mark(float(score or 0.0), most.get(cell, 0.0), bool(waits), theirs)
    return marks, names, penalties
