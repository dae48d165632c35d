"""Recognise a known mistake in the notebook, from what the visible checks saw and the chapter's notes.

The notes hold, for each known mistake and visible test cell, the fingerprints of what it gets wrong there. What
an earlier cell of the exercise saw of the same code counts as well: a mistake that fails there is none of a
student's whose code passed there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lessonkit import notes as chapter
from lessonkit.diagnosis import Candidate, Telling, explain
from lessonkit.fingerprint import fingerprint, same

#: What tells most about a mistake comes last.
_ORDER: tuple[Telling, ...] = ("", "exception", "finding", "value")


@dataclass(frozen=True)
class Wrong:
    """What one check saw that is not right; `words` where an exception's words are part of it."""

    seen: Any
    words: bool


@dataclass(frozen=True)
class Seen:
    """What a test cell saw: how many checks observed something, and what was wrong, by the check's number."""

    count: int
    wrong: dict[int, Wrong]


class Evidence:
    """What the visible cells of one exercise have seen of the code that stands in the notebook now."""

    def __init__(self, exercise: str, cell: str, space: dict[str, Any]) -> None:
        notes = chapter.exercise_notes(exercise)
        self.cell = cell
        self.mistakes: list[dict[str, Any]] = notes.get("mistakes", [])
        code = [space.get(name) for name in notes.get("defines", [])]
        before, seen = _kept.get(exercise, ([], {}))
        same_code = len(before) == len(code) and all(a is b for a, b in zip(before, code, strict=True))
        self.cells: dict[str, Seen] = seen if same_code and code else {}
        self.cells.pop(cell, None)
        _kept[exercise] = (code, self.cells)

    def note(self, records: list[dict[str, Any]]) -> None:
        """Take what this cell has seen so far: records of `lessonkit.check`, `wrong` where one is not right."""
        wrong = {record["i"]: _wrong(record) for record in records if record.get("wrong")}
        self.cells[self.cell] = Seen(len(records), wrong)

    def help(self) -> str:
        """Return the help of the known mistake that explains what was seen, "" where nothing is sure."""
        found = explain(self.cell, self._candidates())
        return "" if found is None else found.help

    def explained(self) -> str | None:
        """Return the name of the known mistake that explains what was seen, None where nothing is sure."""
        found = explain(self.cell, self._candidates())
        return None if found is None else found.name

    def undecided(self) -> bool:
        """Return True where looking at the rest of the cell could still tell which known mistake it is."""
        here = [one for one in self._candidates() if one.telling and one.agrees[self.cell]]
        return bool(here) and (self.help() == "" or all(one.telling == "exception" for one in here))

    def _candidates(self) -> list[Candidate]:
        return [self._beside(mistake) for mistake in self.mistakes]

    def _beside(self, mistake: dict[str, Any]) -> Candidate:
        agrees = {cell: _agrees(mistake["at"].get(cell), seen) for cell, seen in self.cells.items()}
        wrong = self.cells[self.cell].wrong.values()
        telling = max((_telling(one.seen) for one in wrong), key=_ORDER.index, default=_ORDER[0])
        alike = sum(_alike(mistake["at"].get(cell), seen) for cell, seen in self.cells.items())
        return Candidate(mistake["name"], mistake["help"], telling, agrees, alike)


#: The objects that the exercise's names stood for, and what its cells saw of them.
_kept: dict[str, tuple[list[Any], dict[str, Seen]]] = {}


def _wrong(record: dict[str, Any]) -> Wrong:
    # which words an exception of the wrong kind says is nobody's mistake
    return Wrong(fingerprint(record), record["check"] != "raises")


def _agrees(known: dict[str, Any] | None, seen: Seen) -> bool:
    """Return True where a cell saw what it sees of a known mistake (`known`, None where that one passes)."""
    if known is None:
        return not seen.wrong
    theirs = dict(known.get("wrong", []))
    ends = known.get("ends", seen.count)
    if seen.count > ends or any(i < seen.count for i in theirs.keys() - seen.wrong.keys()):
        return False
    return all(i in theirs and same(theirs[i], one.seen, one.words) for i, one in seen.wrong.items())


def _alike(known: dict[str, Any] | None, seen: Seen) -> int:
    """Return how many observations with a finding are what was observed of a known mistake."""
    theirs = dict(known.get("wrong", [])) if known else {}
    pairs = [(theirs[i], one.seen) for i, one in seen.wrong.items() if i in theirs]
    return sum(_telling(b) == "finding" == _telling(a) and same(a["in"], b["in"]) for a, b in pairs)


def _telling(seen: Any) -> Telling:
    if isinstance(seen, dict) and "finding" in seen:
        return "finding"
    if isinstance(seen, dict) and "raised" in seen:
        return "" if seen["raised"][:1] == ["NotImplementedError"] else "exception"
    return "value"
