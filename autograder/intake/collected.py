"""What was collected, line by line: `.autograder/collected.jsonl`. It is only ever added to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from autograder.files import read_lines

FILE = "collected.jsonl"


@dataclass(frozen=True)
class Row:
    """One file that came: whose, from where, when it was handed in (UTC, "" where unknown), and what became of it."""

    student: str
    shown: str
    system: str
    number: str
    chapter: str
    archive: str
    member: str
    handed_in: str
    attempt: int
    sha256: str
    taken: bool
    reason: str = ""


def rows(root: Path) -> Iterator[Row]:
    """Return what was collected so far; a line that is damaged is passed over."""
    return read_lines(root / ".autograder" / FILE, Row)


def add(root: Path, row: Row) -> None:
    """Add a line."""
    path = root / ".autograder" / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(row), ensure_ascii=True) + "\n")

