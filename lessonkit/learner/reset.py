"""Give one exercise back as it was released: its stub, its checks, in their places. What stood there is kept."""

from __future__ import annotations

import copy
from pathlib import Path

from lessonkit.learner import keep, state
from lessonkit.learner.files import Notebook, exercise_of, is_answer, key, read_notebook, write_notebook
from lessonkit.learner.outline import Exercise
from lessonkit.learner.workspace import Workspace


def reset(made: Workspace, exercises: list[Exercise], what: str = "reset") -> Path:
    """Put exercises of one chapter back, locked cells that were deleted too; return the folder with the old file."""
    chapter = exercises[0].chapter
    path = made.notebook(chapter)
    notebook = read_notebook(path)
    released = read_notebook(made.released / chapter / f"{chapter}.ipynb")
    for exercise in exercises:
        notebook = with_exercise(notebook, released, exercise.id)
    names = ", ".join(exercise.id for exercise in exercises)
    kept = keep.keep(made.folder, [path], f"{what} of {names}")
    write_notebook(path, notebook)
    with state.change(made.inside) as now:
        for exercise in exercises:
            progress = now.of(chapter, exercise.id)
            progress.passed, progress.cells, progress.again = "", {}, False
    return kept


def with_exercise(notebook: Notebook, released: Notebook, exercise: str) -> Notebook:
    """Return a notebook in which the cells of one exercise are those of the release, missing ones back in place."""
    made = copy.deepcopy(notebook)
    order = [key(cell) for cell in released["cells"]]
    for index, cell in enumerate(released["cells"]):
        if exercise_of(cell) != exercise:
            continue
        places = [i for i, mine in enumerate(made["cells"]) if key(mine) == key(cell)]
        fresh = copy.deepcopy(cell)
        if places:
            made["cells"][places[0]] = fresh
            for spare in reversed(places[1:]):  # copies of an answer would still run
                if is_answer(cell):
                    del made["cells"][spare]
            continue
        before = [i for i, mine in enumerate(made["cells"]) if key(mine) in order[:index]]
        made["cells"].insert(before[-1] + 1 if before else 0, fresh)
    return made
