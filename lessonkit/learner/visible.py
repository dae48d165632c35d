"""Run an exercise's visible checks in a process of their own: `python -m lessonkit.learner.visible NOTEBOOK EXERCISE…`.

The learner's cells run in order, errors in them do not stop the rest, pictures stay away. One JSON line a test cell goes
to standard output: its id, its outcome, and what the check says.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

from lessonkit.learner.files import Cell, exercise_of, grade_id, is_answer, is_locked, read_notebook
from lessonkit.learner.needs import needed


def run(path: Path, exercises: list[str]) -> list[dict[str, Any]]:
    """Return what each test cell of the exercises says; `not written yet` in one line where a stub is untouched."""
    from IPython.core.interactiveshell import InteractiveShell

    os.chdir(path.parent)
    shell = InteractiveShell.instance()
    for name in ("showtraceback", "showsyntaxerror"):
        setattr(shell, name, lambda *_, **__: None)
    found = []
    for cell in needed_cells(read_notebook(path)["cells"], exercises):
        if exercise_of(cell) and is_locked(cell) and not is_answer(cell):
            found.append(_check(shell, cell))
        else:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                shell.run_cell(cell["source"], store_history=False)
    return found


def needed_cells(cells: list[Cell], exercises: list[str]) -> list[Cell]:
    """Return the checks that are wanted with the cells that they need: the course's code and the learner's own."""
    code = [cell for cell in cells if cell.get("cell_type") == "code" and "picture" not in cell.get("metadata", {}).get("tags", [])]
    left = [cell for cell in code if exercise_of(cell) in exercises or not _is_check(cell)]
    wanted = {i for i, cell in enumerate(left) if exercise_of(cell) in exercises}
    return [left[i] for i in needed([cell["source"] for cell in left], wanted)]


def _is_check(cell: Cell) -> bool:
    return is_locked(cell) and not is_answer(cell) and "__" in grade_id(cell)


def _check(shell: Any, cell: Cell) -> dict[str, Any]:
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
        result = shell.run_cell(cell["source"], store_history=False)
    error = result.error_before_exec or result.error_in_exec
    said = out.getvalue().strip()
    outcome = "pass" if error is None else "checker broke" if type(error).__name__ == "CheckerBroke" else "not yet"
    text = said if error is None else f"{said}\n{error}".strip()
    unwritten = "not written yet" in text or type(error).__name__ == "NotImplementedError"
    return {"cell": grade_id(cell), "outcome": outcome, "text": "not written yet" if unwritten else text}


if __name__ == "__main__":
    results = sys.stdout
    for line in run(Path(sys.argv[1]).resolve(), sys.argv[2:]):
        print(json.dumps(line), file=results, flush=True)
