"""What somebody gave by hand on questions that were taken out of a chapter: `.autograder/retired.jsonl`.

It is only ever added to. A question that comes back, under its own name, finds its points and comments here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from autograder.files import read_lines

FILE = Path(".autograder", "retired.jsonl")


@dataclass(frozen=True)
class Retired:
    """One student's row on a cell that was taken out; `student` "" opens a cell's rows, and older ones count no more."""

    assignment: str
    notebook: str
    kind: str
    cell: str
    student: str = ""
    auto_score: float | None = None
    manual_score: float | None = None
    extra_credit: float | None = None
    waits: bool = False
    comment: str | None = None

    @property
    def place(self) -> tuple[str, str, str, str]:
        """Return which cell it is of."""
        return self.assignment, self.notebook, self.kind, self.cell

    @property
    def by_hand(self) -> bool:
        """Return True where a person gave something."""
        return any(value is not None for value in (self.manual_score, self.extra_credit, self.comment))


def add(root: Path, rows: Iterable[Retired]) -> None:
    """Add rows, in one write."""
    text = "".join(json.dumps(asdict(row), ensure_ascii=True) + "\n" for row in rows)
    if not text:
        return
    path = root / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(text)


def kept(root: Path) -> dict[tuple[str, str, str, str], list[Retired]]:
    """Return the rows of each cell that was taken out, as they were the last time it was; damaged lines are passed over."""
    found: dict[tuple[str, str, str, str], list[Retired]] = {}
    for row in read_lines(root / FILE, Retired):
        if row.student:
            found.setdefault(row.place, []).append(row)
        else:
            found[row.place] = []
    return found
