"""Turn a source notebook and a student's cells into the list of cells to run.

The order, the test cells, their ids, points and tags are always the source's. A submission contributes the
sources of its solution cells and plain cells, nothing else.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from autograder.course import chapter as ch
from autograder.intake.submission import Submission
from autograder.rebuild.split import Split, split
from autograder.sandbox.inside import PLAIN, Cell
from lessonkit.learner.needs import needed

if TYPE_CHECKING:
    from nbformat import NotebookNode


def splits_of(notebook: NotebookNode, judges: str = "") -> dict[str, Split]:
    """Return the split of every test cell by grade id; `judges` names the course's module of them."""
    return {ch.grade_id_of(cell): split(cell.source, judges) for cell in notebook.cells if ch.is_test(cell)}


def reference_cells(
    notebook: NotebookNode, replace: dict[str, str] | None = None, only: set[str] | None = None
) -> list[Cell]:
    """Return the cells of the course's own run: reference solutions, observations with `given`, no pictures.

    `replace` puts other sources into solution cells by exercise (a known mistake, an unusual solution). With
    `only`, test cells of other exercises are left out.
    """
    splits, exercises = splits_of(notebook), ch.tests_of(notebook)
    planned = []
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type != "code" or ch.is_manual(cell) or ch.PICTURE in ch.tags_of(cell):
            continue
        grade_id = ch.grade_id_of(cell)
        if ch.is_test(cell):
            exercise = exercises[grade_id]
            if (only is None or exercise in only) and not splits[grade_id].in_process:
                planned.append(Cell(grade_id, "test", splits[grade_id].reference, exercise))
        elif ch.is_solution(cell):
            planned.append(Cell(grade_id, "student", (replace or {}).get(grade_id, cell.source), grade_id))
        else:
            role = "setup" if ch.SETUP in ch.tags_of(cell) else "student"
            planned.append(Cell(grade_id or f"cell-{index}", role, cell.source))
    return planned


def submission_cells(notebook: NotebookNode, submission: Submission, stubs: dict[str, str]) -> list[Cell]:
    """Return the cells of a submission's run: the source's order and tests, the student's own code poured in.

    `stubs` are the release's untouched solution cells by exercise; a missing solution cell is filled with its
    stub, so that its checks run and say "not written yet".
    """
    splits, exercises = splits_of(notebook), ch.tests_of(notebook)
    pictures = {cell.source.strip() for cell in notebook.cells if ch.PICTURE in ch.tags_of(cell)}
    after: dict[str, list[Cell]] = {}
    for number, (anchor, cell) in enumerate(submission.plain):
        if cell.source.strip() not in pictures:
            after.setdefault(anchor, []).append(Cell(f"{PLAIN}{number}", "student", cell.source))
    planned = list(after.get("", []))
    for cell in notebook.cells:
        grade_id = ch.grade_id_of(cell)
        if not grade_id:
            continue
        if ch.is_test(cell):
            role = "assert" if splits[grade_id].in_process else "test"
            planned.append(Cell(grade_id, role, splits[grade_id].student, exercises[grade_id]))
        elif ch.is_solution(cell) and cell.cell_type == "code":
            stub = stubs.get(grade_id, "")
            written = submission.solution_source(grade_id, stub)
            planned.append(Cell(grade_id, "student", stub if written is None else written, grade_id))
        elif ch.is_manual(cell) and cell.cell_type == "code":
            answer = submission.manual.get(grade_id)
            planned.append(Cell(grade_id, "student", answer.source if answer else ""))
        elif cell.cell_type == "code":
            planned.append(
                Cell(grade_id, "setup" if ch.SETUP in ch.tags_of(cell) else "student", cell.source)
            )
        planned += after.get(grade_id, [])
    setup = [cell for cell in planned if cell.role == "setup"]
    # the course's imports come first, whatever a student put above them
    return setup[:1] + [cell for cell in planned if cell not in setup[:1]]


def for_exercises(cells: list[Cell], only: Collection[str]) -> list[Cell]:
    """Return the cells that the checks of some exercises need, in order; all of them where `only` is empty."""
    if not only:
        return cells
    left = [cell for cell in cells if cell.role not in ("test", "assert") or cell.exercise in only]
    wanted = {index for index, cell in enumerate(left) if cell.exercise in only}
    return [left[index] for index in needed([cell.source for cell in left], wanted)]


def stubs_of(release: NotebookNode) -> dict[str, str]:
    """Return the untouched solution cells of a release by exercise."""
    return {ch.grade_id_of(cell): cell.source for cell in release.cells if ch.is_solution(cell)}
