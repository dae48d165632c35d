"""Turn a source notebook and a student's cells into the list of cells to run.

The order, the test cells, their ids, points and tags are always the source's. A submission contributes the
sources of its solution cells and plain cells, nothing else.
"""

from __future__ import annotations

from nbformat import NotebookNode

from autograder import chapter as ch
from autograder.run import Cell
from autograder.split import Split, split


def splits_of(notebook: NotebookNode) -> dict[str, Split]:
    """Return the split of every test cell by grade id."""
    return {ch.grade_id_of(cell): split(cell.source) for cell in notebook.cells if ch.is_test(cell)}


def reference_cells(
    notebook: NotebookNode, replace: dict[str, str] | None = None, only: set[str] | None = None
) -> list[Cell]:
    """Return the cells of the course's own run: reference solutions, observations with `given`, no pictures.

    `replace` puts other sources into solution cells by exercise (a known mistake, an unusual solution). With
    `only`, test cells of other exercises are left out.
    """
    splits = splits_of(notebook)
    planned = []
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type != "code" or ch.is_manual(cell) or ch.PICTURE in ch.tags_of(cell):
            continue
        grade_id = ch.grade_id_of(cell)
        if ch.is_test(cell):
            exercise = grade_id.partition("__")[0]
            if only is None or exercise in only:
                planned.append(Cell(grade_id, "test", splits[grade_id].reference, exercise))
        elif ch.is_solution(cell):
            planned.append(Cell(grade_id, "student", (replace or {}).get(grade_id, cell.source), grade_id))
        else:
            role = "setup" if ch.SETUP in ch.tags_of(cell) else "student"
            planned.append(Cell(grade_id or f"cell-{index}", role, cell.source))
    return planned
