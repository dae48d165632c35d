"""Which cell of a chapter is which of an older text of it, under another name: by what it says and what stands above it.

The older text is read from a graded notebook and from the gradebook, which keep it. A guess is made only where one
cell fits one other and nothing else does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from autograder.course import chapter as ch
from autograder.errors import BadNotebook

if TYPE_CHECKING:
    from nbformat import NotebookNode

#: How alike (from 0 to 1) a cell has to be to an older one to be taken for it: on the mean, and in each of both.
ALIKE, EACH = 0.75, 0.6


@dataclass(frozen=True)
class Look:
    """What a cell is recognised by: its kind (`grade`, `solution`, `grade solution`, `task`), its text, the prose above it."""

    name: str
    kind: str
    text: str
    above: str | None


def pairs(old: Iterable[Look], new: Iterable[Look]) -> dict[str, str]:
    """Return new names by old ones, each for the one cell that fits best and better than any other."""
    old, new = list(old), list(new)
    ranked = sorted(((_alike(a, b), a.name, b.name) for a in old for b in new), reverse=True)
    best = {(a, b): score for score, a, b in ranked if score}
    found: dict[str, str] = {}
    for (a, b), score in best.items():
        rivals = [other for (c, d), other in best.items() if (c == a) != (d == b) and c not in found and d not in found.values()]
        if a not in found and b not in found.values() and all(other < score for other in rivals):
            found[a] = b
    return found


def _alike(old: Look, new: Look) -> float:
    """Return how alike two cells are, their own names aside; 0 where that is not enough."""
    if old.kind != new.kind:
        return 0.0
    own = _ratio(_nameless(old.text, old.name), _nameless(new.text, new.name))
    if old.above is None or new.above is None:  # only tests say enough by themselves: an empty answer is like any other
        return own if own >= ALIKE and old.kind == "grade" else 0.0
    above = _ratio(_nameless(old.above, old.name), _nameless(new.above, new.name))
    return (own + above) / 2 if min(own, above) >= EACH and own + above >= 2 * ALIKE else 0.0


def _ratio(a: str, b: str) -> float:
    return SequenceMatcher(None, a, b, autojunk=False).ratio()


def _nameless(text: str, name: str) -> str:
    for one in (name, name.partition("__")[0]):
        text = re.sub(rf"\b{re.escape(one)}\b", "·", text)
    return text[:4_000]


def prose_above(cells: Iterable[NotebookNode]) -> dict[str, str]:
    """Return, by grade id, the course's own text that stands above each cell."""
    found, above = {}, ""
    for cell in cells:
        if name := ch.grade_id_of(cell):
            found[name] = above
        elif cell.cell_type == "markdown":
            above = str(cell.source)
    return found


def prose_of_older(chapter: ch.Chapter) -> Mapping[str, str] | None:
    """Return what stood above each cell when the chapter was graded last; None where no graded notebook tells."""
    places = (chapter.root / "autograded").glob(f"*/{chapter.name}/{chapter.notebook}.ipynb")
    for path in sorted(places, key=lambda path: path.stat().st_mtime, reverse=True)[:3]:
        try:
            return prose_above(ch.read_trusted(path).cells)
        except (BadNotebook, OSError):
            continue
    return None
