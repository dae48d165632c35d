"""A chapter that changed under a class: which rows of the gradebook are new, go, or belong to a cell by another name.

nbgrader refuses to take in an assignment whose cells changed after something was handed in. Here its rows are brought into
line first: a renamed question keeps its points and comments, and what was given by hand on one that is taken out is kept
in `.autograder/retired.jsonl`, for the day it comes back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.books import renamed, retired
from autograder.books.retired import Retired
from autograder.course import chapter as ch


@dataclass(frozen=True, order=True)
class Cell:
    """One row of a notebook's cells, of kind `grade`, `solution`, `task` or `source`; a written question has three."""

    notebook: str
    kind: str
    name: str


@dataclass
class Revision:
    """What brings the gradebook's rows of an assignment into line with its notebooks."""

    root: Path
    assignment: str
    parts: list[ch.Chapter]
    #: points by row (None where it has none), as they are and as they ought to be
    had: dict[Cell, float | None]
    wanted: dict[Cell, float | None]
    #: how many submissions the gradebook holds
    graded: int
    #: (notebook, old name) -> new name
    names: dict[tuple[str, str], str] = field(default_factory=dict)
    #: a line for each thing that people gave and that moves, goes or comes back
    by_hand: list[str] = field(default_factory=list)

    @property
    def gone(self) -> list[Cell]:
        """Return the rows that no cell has any more."""
        return sorted(cell for cell in self.had if self._now(cell) not in self.wanted)

    @property
    def new(self) -> list[Cell]:
        """Return the rows that are missing."""
        there = {self._now(cell) for cell in self.had}
        return sorted(cell for cell in self.wanted if cell not in there)

    @property
    def manual(self) -> set[str]:
        """Return the names of what people grade, before and after."""
        return {c.name for rows in (self.had, self.wanted) for c in rows if c.kind == "task" or (c.kind == "grade" and Cell(c.notebook, "solution", c.name) in rows)}

    def _now(self, cell: Cell) -> Cell:
        return Cell(cell.notebook, cell.kind, self.names.get((cell.notebook, cell.name), cell.name))

    def lines(self) -> list[str]:
        """Return what changes, a line each."""
        said = []
        before, after = (sum(points or 0.0 for points in rows.values()) for rows in (self.had, self.wanted))
        said += [f"{old} is called {new} now; its points and comments stay" for (_, old), new in sorted(self.names.items())]
        gone, new = self._questions(self.gone, self.had), self._questions(self.new, self.wanted)
        said += [f"taken out: {name}{points}" for name, points in gone.items() if name not in new]
        said += [f"new: {name}{points}" for name, points in new.items() if name not in gone]
        for cell, points in self.had.items():
            now = self.wanted.get(self._now(cell))
            if points is not None and now is not None and points != now:
                said.append(f"{self._now(cell).name}: {points:g} -> {now:g} points")
        if before != after:
            said.append(f"{self.assignment}: {before:g} -> {after:g} points in all")
        return said + self.by_hand

    def _questions(self, rows: list[Cell], of: dict[Cell, float | None]) -> dict[str, str]:
        """Return the cells behind rows, each with its points as they are said."""
        found: dict[str, float | None] = {}
        for cell in rows:
            if cell.kind != "source":
                found[cell.name] = of[cell] if of[cell] is not None else found.get(cell.name)
        return {name: f" ({points:g} points)" if points is not None else "" for name, points in found.items()}

    def look(self, gradebook: Any) -> None:
        """Note, without writing anything, what people gave on rows that go, come back or are worth less now."""
        self.by_hand = list(self._said_of_hands(gradebook))

    def _said_of_hands(self, gradebook: Any) -> Iterator[str]:
        lost: dict[str, list[Retired]] = {}
        for cell in self._going():
            lost.setdefault(cell.name, []).extend(row for row in self._rows_of(gradebook, cell) if row.by_hand)
        for name, rows in lost.items():
            if rows:
                yield f"{name}: {_count(rows)} given by hand; kept in {retired.FILE}"
        kept = retired.kept(self.root)
        back: dict[str, list[Retired]] = {}
        for cell in self.new:
            back.setdefault(cell.name, []).extend(kept.get((self.assignment, cell.notebook, cell.kind, cell.name), []))
        for name, rows in back.items():
            if rows:
                yield f"{name} is back, with {_count(rows)} given by hand"
        for cell, points in self.had.items():
            now = self.wanted.get(self._now(cell))
            if points is not None and now is not None and now < points:
                more = [f"{r.student} ({r.manual_score:g})" for r in self._rows_of(gradebook, cell) if (r.manual_score or 0.0) > now]
                if more:
                    yield f"{self._now(cell).name}: more points by hand than it is worth now: {', '.join(more)}"

    def _going(self) -> list[Cell]:
        """Return the rows that go and have no other row to hand their grades to."""
        return [cell for cell in self.gone if cell.kind != "source" and not self._heirs(cell)]

    def _heirs(self, cell: Cell) -> dict[str, Cell]:
        """Return the rows of the same cell that take grades and comments over, where only the kind of a question changed."""
        wanted = _HEIRS.get(cell.kind, {})
        name = self._now(cell).name
        found = {what: Cell(cell.notebook, kind, name) for what, kind in wanted.items()}
        return {what: heir for what, heir in found.items() if heir in self.new}

    def apply(self, gradebook: Any) -> None:
        """Bring the rows into line, in one transaction; nbgrader's own generate_assignment fills them in afterwards."""
        from autograder.books.gradebook import one_transaction

        lost = [row for cell in self._going() for row in [Retired(self.assignment, cell.notebook, cell.kind, cell.name), *self._by_hand(gradebook, cell)]]
        retired.add(self.root, lost)  # first: a row too many there hurts nobody
        with one_transaction(gradebook):
            gone, new = self.gone, self.new
            heirs = [(cell, what, heir) for cell in gone for what, heir in self._heirs(cell).items()]
            books = {n.name: n for n in gradebook.find_assignment(self.assignment).notebooks}
            for part in self.parts:
                if part.notebook not in books:
                    kernel = json.dumps(part.source.metadata.get("kernelspec", {}))
                    books[part.notebook] = gradebook.add_notebook(part.notebook, self.assignment, kernelspec=kernel)
            for cell in self.had:
                if self._now(cell) != cell and self._now(cell) in self.wanted:
                    _row(gradebook, books[cell.notebook], cell).name = self._now(cell).name
            gradebook.db.flush()
            for cell in new:
                _add(gradebook, books[cell.notebook], cell, self._source_of(cell))
            gradebook.db.flush()
            for cell, what, heir in heirs:
                _hand_over(gradebook, what, _row(gradebook, books[cell.notebook], cell), _row(gradebook, books[heir.notebook], heir))
            for cell in gone:
                _remove(gradebook, _row(gradebook, books[cell.notebook], cell), cell.kind)
            gradebook.db.flush()
            for name in set(books) - {part.notebook for part in self.parts}:
                gradebook.db.expire_all()
                gradebook.remove_notebook(name, self.assignment)
            kept = retired.kept(self.root)
            for cell in new:
                for row in kept.get((self.assignment, cell.notebook, cell.kind, cell.name), []):
                    _bring_back(gradebook, _row(gradebook, books[cell.notebook], cell), row)

    def _source_of(self, cell: Cell) -> Any:
        part = next(part for part in self.parts if part.notebook == cell.notebook)
        return next(one for one in part.source.cells if ch.grade_id_of(one) == cell.name)

    def _by_hand(self, gradebook: Any, cell: Cell) -> list[Retired]:
        return [row for row in self._rows_of(gradebook, cell) if row.by_hand]

    def _rows_of(self, gradebook: Any, cell: Cell) -> list[Retired]:
        """Return what students have on a row: grades, or comments."""
        from nbgrader import api

        table = api.Comment if cell.kind == "solution" else api.Grade
        found = (
            gradebook.db.query(table, api.SubmittedAssignment.student_id)
            .join(api.BaseCell, table.cell_id == api.BaseCell.id).join(api.Notebook, api.BaseCell.notebook_id == api.Notebook.id)
            .join(api.Assignment, api.Notebook.assignment_id == api.Assignment.id)
            .join(api.SubmittedNotebook, table.notebook_id == api.SubmittedNotebook.id)
            .join(api.SubmittedAssignment, api.SubmittedNotebook.assignment_id == api.SubmittedAssignment.id)
            .filter(api.Assignment.name == self.assignment, api.Notebook.name == cell.notebook, api.BaseCell.name == cell.name)
            .filter(api.BaseCell.type == _TYPES[cell.kind]).order_by(api.SubmittedAssignment.student_id)
        )  # fmt: skip
        place = (self.assignment, cell.notebook, cell.kind, cell.name)
        if table is api.Comment:
            return [Retired(*place, student, comment=row.manual_comment) for row, student in found]
        comments = {r.student: r.comment for r in self._comments_of_a_task(gradebook, cell)}
        return [
            Retired(*place, student, row.auto_score, row.manual_score, row.extra_credit, bool(row.needs_manual_grade), comments.get(student))
            for row, student in found
        ]  # fmt: skip

    def _comments_of_a_task(self, gradebook: Any, cell: Cell) -> list[Retired]:
        """Return the comments on a task, which has points and comments on one row."""
        if cell.kind != "task":
            return []
        from nbgrader import api

        row = _row(gradebook, gradebook.find_notebook(cell.notebook, self.assignment), cell)
        found = gradebook.db.query(api.Comment).filter(api.Comment.cell_id == row.id)
        return [Retired("", "", "", "", one.notebook.student.id, comment=one.manual_comment) for one in found]


#: Which kind of row takes over what a kind of row had, where a question is graded another way than before.
_HEIRS = {"grade": {"grades": "task"}, "solution": {"comments": "task"}, "task": {"grades": "grade", "comments": "solution"}}
_TYPES = {"grade": "GradeCell", "solution": "SolutionCell", "task": "TaskCell"}


def _count(rows: list[Retired]) -> str:
    grades = sum(row.manual_score is not None or row.extra_credit is not None for row in rows)
    comments = sum(row.comment is not None for row in rows)
    return " and ".join(f"{n} {what}{'' if n == 1 else 's'}" for n, what in ((grades, "grade"), (comments, "comment")) if n)


def of(gradebook: Any, root: Path, assignment: str) -> Revision | None:
    """Return how an assignment's cells differ from the gradebook's rows; None where they agree or it is not there yet."""
    from nbgrader.api import MissingEntry, SubmittedAssignment

    try:
        there = gradebook.find_assignment(assignment)
    except MissingEntry:
        return None
    parts = ch.parts(root, assignment)
    had, wanted = _had(there), dict(_wanted(parts))
    if had == wanted:
        return None
    graded = gradebook.db.query(SubmittedAssignment).filter(SubmittedAssignment.assignment_id == there.id).count()
    found = Revision(root, assignment, parts, had, wanted, graded)
    if graded:
        texts = {(n.name, c.name): c.source or "" for n in there.notebooks for c in n.source_cells}
        found.names = dict(_renamed(found, texts))
        found.look(gradebook)
    return found


def _had(assignment: Any) -> dict[Cell, float | None]:
    rows: dict[Cell, float | None] = {}
    for notebook in assignment.notebooks:
        rows |= {Cell(notebook.name, "grade", c.name): float(c.max_score) for c in notebook.grade_cells}
        rows |= {Cell(notebook.name, "task", c.name): float(c.max_score) for c in notebook.task_cells}
        rows |= {Cell(notebook.name, "solution", c.name): None for c in notebook.solution_cells}
        # a row that was added and not filled in yet is as good as none
        rows |= {Cell(notebook.name, "source", c.name): None if c.source is not None else -1.0 for c in notebook.source_cells}
    return rows


def _wanted(parts: list[ch.Chapter]) -> Iterator[tuple[Cell, float | None]]:
    """Yield the rows that nbgrader makes of the cells of notebooks, with their points."""
    from nbgrader import utils

    for part in parts:
        for cell in part.source.cells:
            name = ch.grade_id_of(cell)
            is_a = {"grade": utils.is_grade(cell), "solution": utils.is_solution(cell), "task": utils.is_task(cell)}
            for kind in (kind for kind, so in is_a.items() if so):
                yield Cell(part.notebook, kind, name), None if kind == "solution" else float(ch.nbgrader_of(cell)["points"])
            if any(is_a.values()) or utils.is_locked(cell):
                yield Cell(part.notebook, "source", name), None


def _renamed(revision: Revision, texts: dict[tuple[str, str], str]) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield (notebook, old name) and new name of cells that are called otherwise now."""
    for part in revision.parts:
        old, new = _kinds(revision.gone, part.notebook), _kinds(revision.new, part.notebook)
        old = {name: kind for name, kind in old.items() if name not in new}
        if not old or not new:
            continue
        before, after = renamed.prose_of_older(part), renamed.prose_above(part.release.cells)
        texts_now = {ch.grade_id_of(c): c.source for c in part.release.cells} | {ch.grade_id_of(c): c.source for c in part.source.cells if ch.is_test(c)}
        was = [renamed.Look(name, kind, texts.get((part.notebook, name), ""), None if before is None else before.get(name, "")) for name, kind in old.items()]
        now = [renamed.Look(name, kind, texts_now.get(name, ""), after.get(name, "")) for name, kind in new.items() if name not in old]
        for name, called in renamed.pairs(was, now).items():
            yield (part.notebook, name), called


def _kinds(rows: list[Cell], notebook: str) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for cell in rows:
        if cell.notebook == notebook and cell.kind != "source":
            found.setdefault(cell.name, []).append(cell.kind)
    return {name: " ".join(sorted(kinds)) for name, kinds in found.items()}


def _row(gradebook: Any, notebook: Any, cell: Cell) -> Any:
    """Return nbgrader's row of a cell."""
    from nbgrader import api

    table = {"grade": api.GradeCell, "solution": api.SolutionCell, "task": api.TaskCell, "source": api.SourceCell}[cell.kind]
    return gradebook.db.query(table).filter(table.notebook_id == notebook.id, table.name == cell.name).one()


def _add(gradebook: Any, notebook: Any, cell: Cell, source: Any) -> None:
    """Add a row that nbgrader's generate_assignment fills in."""
    from nbgrader import api

    if cell.kind == "grade":
        gradebook.db.add(api.GradeCell(name=cell.name, notebook=notebook, max_score=0.0, cell_type=source.cell_type))
    elif cell.kind == "task":
        gradebook.db.add(api.TaskCell(name=cell.name, notebook=notebook, max_score=0.0, cell_type=source.cell_type))
    elif cell.kind == "solution":
        gradebook.db.add(api.SolutionCell(name=cell.name, notebook=notebook))
    else:
        gradebook.db.add(api.SourceCell(name=cell.name, notebook=notebook, cell_type=source.cell_type))


def _hand_over(gradebook: Any, what: str, old: Any, new: Any) -> None:
    """Let the grades or the comments of a row belong to another."""
    from nbgrader import api

    table = {"grades": api.Grade, "comments": api.Comment}[what]
    gradebook.db.query(table).filter(table.cell_id == old.id).update({"cell_id": new.id}, synchronize_session=False)


def _remove(gradebook: Any, row: Any, kind: str) -> None:
    from nbgrader import api

    if kind != "source":
        for table in (api.Grade, api.Comment):
            gradebook.db.query(table).filter(table.cell_id == row.id).delete(synchronize_session=False)
    gradebook.db.expire(row)
    gradebook.db.delete(row)


def _bring_back(gradebook: Any, cell: Any, row: Retired) -> None:
    """Put what somebody gave by hand back on a cell that came back; nothing where the student has no submission."""
    from nbgrader import api
    from nbgrader.api import MissingEntry

    try:
        notebook = gradebook.find_submission_notebook(row.notebook, row.assignment, row.student)
    except MissingEntry:
        return
    if row.kind != "solution":
        gradebook.db.add(api.Grade(
            cell_id=cell.id, notebook=notebook, auto_score=row.auto_score, manual_score=row.manual_score,
            extra_credit=row.extra_credit, needs_manual_grade=row.waits,
        ))  # fmt: skip
    if row.kind != "grade":
        gradebook.db.add(api.Comment(cell_id=cell.id, notebook=notebook, manual_comment=row.comment))
    gradebook.db.flush()
