"""Bring a newer released notebook under a learner's work, cell by cell.

Their own cells win, locked cells are the course's. Three notebooks meet: `base`, the release the learner started
from; `mine`, what they made of it; `theirs`, the newer release. Nothing of the learner's is ever dropped: what has no
place any more stands at the end, under a heading that says so.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

from lessonkit.learner.files import Cell, Notebook, grade_id, is_answer, is_locked, key


@dataclass
class Merged:
    """The new notebook, and what there is to say about it."""

    notebook: Notebook
    #: exercises whose checks are new or other than before: to be run again
    changed: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    retired: list[str] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)


def merge(base: Notebook, mine: Notebook, theirs: Notebook, was: dict[str, str] | None = None) -> Merged:
    """Return the newer notebook with the learner's work in it. `was` maps old names of exercises to new ones."""
    renamed = dict(was or {})
    old = _by_key(base["cells"], renamed)
    own = _by_key(mine["cells"], renamed)
    new = _by_key(theirs["cells"], {})
    extra = _own_cells(mine["cells"], {**old, **new}, renamed)
    cells: list[Cell] = list(extra.pop("", []))
    for cell in theirs["cells"]:
        name = key(cell)
        cells += _chosen(cell, old.get(name), own.get(name))
        cells += extra.pop(name, [])
    gone = _retired(old, own, new)
    left = [cell for found in extra.values() for cell in found]
    if gone or left:
        cells += [_heading(gone), *map(_plain, gone), *left]
    made = {**copy.deepcopy(theirs), "cells": cells, "metadata": {**theirs.get("metadata", {}), **_kept(mine)}}
    before, after, first = _exercises(old), _exercises(new), _exercises(_by_key(base["cells"], {}))
    return Merged(
        made,
        changed=[e for e in after if e in before and _checks(old, e) != _checks(new, e)],
        added=[e for e in after if e not in before],
        retired=[e for e in before if e not in after],
        renamed={one: other for one, other in renamed.items() if other in after and one in first},
    )


def _by_key(cells: list[Cell], renamed: dict[str, str]) -> dict[str, Cell]:
    found: dict[str, Cell] = {}
    for cell in cells:
        found.setdefault(_new_key(cell, renamed), cell)
    return found


def _new_key(cell: Cell, renamed: dict[str, str]) -> str:
    head, sep, tail = key(cell).partition("__")
    return f"{renamed.get(head, head)}{sep}{tail}"


def _chosen(theirs: Cell, base: Cell | None, mine: Cell | None) -> list[Cell]:
    """Return what stands in the place of a cell of the newer release."""
    if is_locked(theirs):
        return [_with_outputs(theirs, mine)]
    if mine is None:
        # deleted by the learner: an answer cell comes back, prose and pictures that they knew stay away
        return [copy.deepcopy(theirs)] if is_answer(theirs) or base is None or base.get("source") != theirs.get("source") else []
    touched = base is not None and mine.get("source") != base.get("source")
    return [_mine(mine, theirs) if touched or base is None else _with_outputs(theirs, mine)]


def _mine(mine: Cell, theirs: Cell) -> Cell:
    """Return the learner's text with the course's own marks on it, lost or not."""
    made = copy.deepcopy(mine)
    made["metadata"] = {**copy.deepcopy(mine.get("metadata", {})), **copy.deepcopy(theirs.get("metadata", {}))}
    if "id" in theirs:
        made["id"] = theirs["id"]
    return made


def _with_outputs(theirs: Cell, mine: Cell | None) -> Cell:
    made = copy.deepcopy(theirs)
    if mine is not None and made.get("cell_type") == "code" and mine.get("source") == made.get("source"):
        made["outputs"], made["execution_count"] = copy.deepcopy(mine.get("outputs", [])), mine.get("execution_count")
    return made


def _own_cells(cells: list[Cell], known: dict[str, Cell], renamed: dict[str, str]) -> dict[str, list[Cell]]:
    """Return the learner's own cells by the course's cell that they stand behind."""
    found: dict[str, list[Cell]] = {}
    anchor, seen = "", set()
    for cell in cells:
        name = _new_key(cell, renamed)
        if name in known and name not in seen:
            anchor = name
            seen.add(name)
        elif str(cell.get("source", "")).strip():
            made = copy.deepcopy(cell)
            if name in seen:  # a duplicate of a course's cell is the learner's own now
                made = _plain(made)
            found.setdefault(anchor, []).append(made)
    return found


def _retired(old: dict[str, Cell], own: dict[str, Cell], new: dict[str, Cell]) -> list[Cell]:
    return [
        cell
        for name, cell in own.items()
        if name in old and name not in new and not is_locked(cell) and cell.get("source") != old[name].get("source")
    ]


def _heading(gone: list[Cell]) -> Cell:
    names = ", ".join(f"`{grade_id(cell)}`" for cell in gone if grade_id(cell))
    text = f"## Kept from an earlier edition\n\nThe course has no place for these cells any more{f' ({names})' if names else ''}. They are yours."
    return {"cell_type": "markdown", "id": "kept-from-before", "metadata": {}, "source": text}


def _plain(cell: Cell) -> Cell:
    made = copy.deepcopy(cell)
    made.get("metadata", {}).pop("nbgrader", None)
    if "id" in made:
        made["id"] = f"own-{made['id']}"[:64]
    return made


def _kept(mine: Notebook) -> dict[str, object]:
    return {name: value for name, value in mine.get("metadata", {}).items() if name in ("kernelspec", "widgets")}


def _exercises(cells: dict[str, Cell]) -> list[str]:
    """Return the exercises among cells by key; a question with points of its own is none."""
    return [name for name, cell in cells.items() if is_answer(cell) and not cell["metadata"]["nbgrader"].get("grade")]


def _checks(cells: dict[str, Cell], exercise: str) -> dict[str, str]:
    return {n: str(c.get("source")) for n, c in cells.items() if is_locked(c) and n.partition("__")[0] == exercise}
