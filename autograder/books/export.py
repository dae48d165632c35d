"""Grades for spreadsheets and learning-management systems, read from nbgrader's gradebook by a few SQL statements.

A field that a spreadsheet would run as a formula begins with `'`. `nbgrader export --exporter
autograder.books.export.Table` writes the same table.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbgrader.plugins.export import ExportPlugin

from autograder.books import tables
from autograder.books.gradebook import open_gradebook
from autograder.books.lms import People
from autograder.books.tables import Value
from autograder.course import chapter as ch
from autograder.errors import AutograderError
from autograder.files import write_atomically

if TYPE_CHECKING:
    from nbgrader.api import Gradebook

FORMATS = ("csv", "canvas", "moodle", "xlsx")
COLUMNS = ("assignment", "timestamp", "student_id", "last_name", "first_name", "email", "auto_score", "manual_score",
           "late_submission_penalty", "score", "max_score", "needs_manual_grade")  # fmt: skip
_PERSON = ("student_id", "last_name", "first_name", "email")


@dataclass
class Column:
    """One column of scores: its heading, its chapter, the most that can be had, and who has what."""

    heading: str
    chapter: str
    most: float
    scores: dict[str, float] = field(default_factory=dict)


def rows(root: Path, chapters: list[str]) -> list[dict[str, Any]]:
    """Return one row a student and chapter that nbgrader knows of, missing submissions as zero."""
    with closing(open_gradebook(root)) as gradebook:
        return rows_of(gradebook, chapters)


def rows_of(gradebook: Gradebook, chapters: list[str]) -> list[dict[str, Any]]:
    """Return the rows of an open gradebook; four statements, however many students and chapters it has."""
    from nbgrader import api
    from sqlalchemy import Integer, cast, func

    db, submitted, notebook, grade = gradebook.db, api.SubmittedAssignment, api.SubmittedNotebook, api.Grade
    students = db.query(api.Student.id, api.Student.last_name, api.Student.first_name, api.Student.email)
    people = students.order_by(api.Student.last_name, api.Student.first_name, api.Student.id).all()
    assignments = db.query(api.Assignment.id, api.Assignment.name, api.Assignment.max_score).order_by(api.Assignment.name).all()
    sums = (
        db.query(
            submitted.assignment_id, submitted.student_id, submitted.timestamp, func.sum(grade.auto_score),
            func.sum(grade.manual_score), func.sum(grade.score), func.max(cast(grade.needs_manual_grade, Integer)),
        )
        .outerjoin(notebook, notebook.assignment_id == submitted.id)
        .outerjoin(grade, grade.notebook_id == notebook.id)
        .group_by(submitted.id, submitted.assignment_id, submitted.student_id, submitted.timestamp)
    )  # fmt: skip
    handed_in = {(row[0], row[1]): row[2:] for row in sums}
    late = (
        db.query(submitted.assignment_id, submitted.student_id, func.sum(notebook.late_submission_penalty))
        .join(notebook, notebook.assignment_id == submitted.id)
        .group_by(submitted.assignment_id, submitted.student_id)
    )
    penalties = {(row[0], row[1]): row[2] or 0.0 for row in late}
    found = []
    for assignment, name, most in assignments:
        if chapters and name not in chapters:
            continue
        for student, last, first, email in people:
            time, auto, manual, score, waits = handed_in.get((assignment, student), (None, 0.0, 0.0, 0.0, 0))
            penalty = penalties.get((assignment, student), 0.0)
            values = (
                name, str(time or ""), student, last or "", first or "", email or "", auto or 0.0, manual or 0.0,
                penalty, max(0.0, (score or 0.0) - penalty), most, bool(waits),
            )  # fmt: skip
            found.append(dict(zip(COLUMNS, values, strict=True)) | {"handed_in": (assignment, student) in handed_in})
    return found


def without_missing(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows whose scores are empty where nothing was handed in: excused or not yet, and no zero."""
    empty = dict.fromkeys(("auto_score", "manual_score", "late_submission_penalty", "score"), "")
    return [row if row["handed_in"] else row | empty for row in found]


def waiting(found: list[dict[str, Any]]) -> list[str]:
    """Return whose score is not final: a person still has to grade something."""
    return sorted({f"{row['student_id']} ({row['assignment']})" for row in found if row["needs_manual_grade"]})


def columns(root: Path, found: list[dict[str, Any]], by: str) -> list[Column]:
    """Return the scores as columns, one a chapter, or with `by="exercise"` one an exercise and written question."""
    made: dict[str, Column] = {}
    for row in found:
        column = made.setdefault(row["assignment"], Column(row["assignment"], row["assignment"], row["max_score"]))
        if row["score"] != "":
            column.scores[row["student_id"]] = row["score"]
    if by == "chapter":
        return list(made.values())
    return _by_exercise(root, made)


def _by_exercise(root: Path, chapters: dict[str, Column]) -> list[Column]:
    """Return the columns of chapters by exercise; a late penalty is the whole chapter's and is in none of them."""
    cells, grades = _graded_cells(root, list(chapters))
    made: dict[str, Column] = {}
    headings: dict[tuple[str, str, str], str] = {}
    for name, chapter in chapters.items():
        mine = [(notebook, cell, most) for assignment, notebook, cell, most in cells if assignment == name]
        several = len({notebook for notebook, _, _ in mine}) > 1
        owner, order = _owners(root, name)
        for notebook, cell, most in sorted(mine, key=lambda one: (one[0], order.get((one[0], one[1]), 0), one[1])):
            exercise = owner.get((notebook, cell)) or cell.partition("__")[0]
            heading = "/".join([name, *([notebook] if several else []), exercise])
            headings[name, notebook, cell] = heading
            made.setdefault(heading, Column(heading, name, 0.0, dict.fromkeys(chapter.scores, 0.0))).most += float(most)
    for student, name, notebook, cell, score in grades:
        heading = headings.get((name, notebook, cell), "")
        if heading and student in made[heading].scores:
            made[heading].scores[student] += score or 0.0
    return list(made.values())


def _graded_cells(root: Path, names: list[str]) -> tuple[list[Any], list[Any]]:
    """Return assignments' graded cells (assignment, notebook, cell, points) and the scores (student, …, score) on them."""
    with closing(open_gradebook(root)) as gradebook:
        from nbgrader import api

        def of(table: Any, *columns: Any) -> Any:
            query = gradebook.db.query(*columns).select_from(table)
            if table is api.Grade:
                query = query.join(api.BaseCell, api.Grade.cell_id == api.BaseCell.id).join(api.Notebook, api.BaseCell.notebook_id == api.Notebook.id)
                query = query.join(api.SubmittedNotebook, api.Grade.notebook_id == api.SubmittedNotebook.id)
                query = query.join(api.SubmittedAssignment, api.SubmittedNotebook.assignment_id == api.SubmittedAssignment.id)
            else:
                query = query.join(api.Notebook, table.notebook_id == api.Notebook.id)
            query = query.join(api.Assignment, api.Notebook.assignment_id == api.Assignment.id)
            return query.filter(api.Assignment.name.in_(names)).all()

        place = (api.Assignment.name, api.Notebook.name)
        cells = [*of(api.GradeCell, *place, api.GradeCell.name, api.GradeCell.max_score), *of(api.TaskCell, *place, api.TaskCell.name, api.TaskCell.max_score)]
        return cells, of(api.Grade, api.SubmittedAssignment.student_id, *place, api.BaseCell.name, api.Grade.score)


def _owners(root: Path, name: str) -> tuple[dict[tuple[str, str], str], dict[tuple[str, str], int]]:
    """Return which exercise each graded cell belongs to, and at which place of the notebook it stands."""
    owner: dict[tuple[str, str], str] = {}
    order: dict[tuple[str, str], int] = {}
    for part in ch.parts(root, name):
        if not part.source_path.is_file():
            continue
        owner |= {(part.notebook, cell): exercise for cell, exercise in ch.tests_of(part.source).items()}
        order |= {(part.notebook, ch.grade_id_of(cell)): place for place, cell in enumerate(part.source.cells)}
    return owner, order


def table(root: Path, found: list[dict[str, Any]], form: str, by: str = "chapter") -> list[list[Value]]:
    """Return rows as the table of one of FORMATS, headings first."""
    if form in ("csv", "xlsx") and by == "chapter":
        return [list(COLUMNS), *([row[name] for name in COLUMNS] for row in found)]
    scores = columns(root, found, by)
    first = {row["student_id"]: row for row in reversed(found)}
    if form in ("csv", "xlsx"):
        head: list[list[Value]] = [list(_PERSON)]
        start = {student: [row[name] for name in _PERSON] for student, row in first.items()}
    else:
        people = People.of(root, list(first.values()))
        head, start = (_canvas if form == "canvas" else _moodle)(people, first, scores)
    lines: list[list[Value]] = [[*head[0], *(one.heading for one in scores)]]
    lines += [[*more, *(one.most for one in scores)] for more in head[1:]]
    return lines + [[*start[student], *(one.scores.get(student, "") for one in scores)] for student in sorted(first)]


_Start = tuple[list[list[Value]], dict[str, list[Value]]]


def _canvas(people: People, first: dict[str, dict[str, Any]], scores: Sequence[Column]) -> _Start:
    """Return the columns by which Canvas knows people: its own number where the file names said it, else the login."""
    head: list[list[Value]] = [["Student", "ID", "SIS Login ID", "Section"], ["    Points Possible", "", "", ""]]
    start: dict[str, list[Value]] = {}
    for student, row in first.items():
        number = people.number(student, "canvas")
        name = ", ".join(n for n in (row["last_name"], row["first_name"]) if n) or people.shown(student)
        start[student] = [name, number, "" if number else student, ""]
    return head, start


def _moodle(people: People, first: dict[str, dict[str, Any]], scores: Sequence[Column]) -> _Start:
    """Return the columns by which Moodle knows people: `Participant N` where one chapter is exported, else the id.

    Moodle numbers participants for each assignment anew.
    """
    chapters = {one.chapter for one in scores}
    start: dict[str, list[Value]] = {}
    for student, row in first.items():
        number = people.number(student, "moodle", next(iter(chapters))) if len(chapters) == 1 else ""
        full = " ".join(n for n in (row["first_name"], row["last_name"]) if n) or people.shown(student)
        start[student] = [f"Participant {number}" if number else student, full, row["email"]]
    return [["Identifier", "Full name", "Email address"]], start


def to_csv(found: list[dict[str, Any]], form: str, root: Path = Path("."), by: str = "chapter") -> str:
    """Return rows as CSV text in one of FORMATS but the workbook."""
    return tables.to_csv(table(root, found, form, by))


def content(lines: list[list[Value]], target: Path, form: str) -> bytes:
    """Return the bytes of a table's file: a workbook where the format or the file's name says so, else CSV."""
    if form == "xlsx" or target.suffix.lower() == ".xlsx":
        return tables.to_xlsx(lines)
    return tables.for_a_file(tables.to_csv(lines))


def graded(root: Path, chapters: list[str]) -> list[dict[str, Any]]:
    """Return `rows`; AutograderError with the next command where the gradebook holds none."""
    found = rows(root, chapters)
    if not found:
        what = chapters[0] if chapters else "CHAPTER"
        raise AutograderError(f"the gradebook holds no grades yet. Run `autograder grade {what}` first.")
    return found


class Table(ExportPlugin):  # type: ignore[misc]
    """The table as nbgrader's own `export` writes it, CSV or, where `--to` ends in .xlsx, a workbook."""

    def export(self, gradebook: Gradebook) -> None:
        """Write the rows of an open gradebook to `to`, of all students and assignments or those that are named."""
        target = Path(self.to or "grades.csv")
        names = {str(one) for one in self.student}
        found = [row for row in rows_of(gradebook, [str(one) for one in self.assignment]) if not names or row["student_id"] in names]
        lines: list[list[Value]] = [list(COLUMNS), *([row[name] for name in COLUMNS] for row in found)]
        write_atomically(target, content(lines, target, "csv"))
        self.log.info("Exported grades to %s", target)
