"""Compare an answer's records with those of the exercise's known mistakes, for the rule in `lessonkit.diagnosis`."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from autograder.judge.verdict import finding_of, judge_record, records_of
from autograder.rebuild.split import Site, Split
from lessonkit.check import CheckerBroke
from lessonkit.compare import compare
from lessonkit.diagnosis import Candidate, Telling, explain
from lessonkit.fingerprint import fingerprint, same

Record = dict[str, Any]
Frame = dict[str, Any]


@dataclass(frozen=True)
class KnownMistake:
    """A wrong solution's frames by test cell, with its name and help."""

    name: str
    help: str
    frames: dict[str, Frame]


@dataclass
class Beside:
    """Two runs of one test cell: whether the records are the same, what is wrong about them, and how many of the
    observations that judges look at are the same themselves."""

    agrees: bool
    telling: Telling = ""
    alike: int = 0


class Diagnosis:
    """What an answer to one exercise has in common with each of the exercise's known mistakes.

    `splits` are those of the exercise's test cells; `right` and `found` are the frames of the reference and of the
    answer by test cell.
    """

    def __init__(
        self, splits: dict[str, Split], right: dict[str, Frame], found: dict[str, Frame], known: list[KnownMistake]
    ) -> None:
        self.splits, self.right, self.found, self.known = splits, right, found, known

    @cached_property
    def compared(self) -> list[tuple[KnownMistake, dict[str, Beside]]]:
        """Return each known mistake with how it compares in each test cell."""
        return [(one, {cell: self._beside(cell, one) for cell in self.splits}) for one in self.known]

    def explain(self, cell: str) -> KnownMistake | None:
        """Return the known mistake that explains the answer's records in a test cell, None where nothing is sure."""
        candidates = [
            Candidate(
                one.name, one.help, cells[cell].telling, {i: beside.agrees for i, beside in cells.items()},
                sum(beside.alike for beside in cells.values()),
            )
            for one, cells in self.compared
        ]
        found = explain(cell, candidates)
        return None if found is None else next(one for one in self.known if one.name == found.name)

    def _beside(self, cell: str, mistake: KnownMistake) -> Beside:
        wanted = records_of(self.right.get(cell, {}), cell)
        mine, theirs = self.found.get(cell), mistake.frames.get(cell)
        if mine is None or theirs is None:
            return Beside(mine is theirs)  # neither got there: nothing tells them apart
        one, other = ({record.get("i"): record for record in records_of(f, cell)} for f in (mine, theirs))
        return _agree(self.splits[cell], wanted, one, other)


def _agree(split: Split, wanted: list[Record], found: dict[Any, Record], theirs: dict[Any, Record]) -> Beside:
    """Compare two runs' records; one that neither of the two has tells nothing. The most telling fault counts."""
    beside = Beside(True)
    for record in wanted:
        mine, other = found.get(record["i"]), theirs.get(record["i"])
        if mine is None and other is None:
            continue
        site = split.sites[record["site"]]
        try:
            if mine is None or other is None or not _same_record(site, record, mine, other):
                return Beside(False, beside.telling, beside.alike)
            if beside.telling != "value" and judge_record(record, other, site) is not None:
                beside.telling = _telling(site, other) or beside.telling
            beside.alike += site.check == "that" and _same_value(mine, other)
        except (CheckerBroke, TypeError, KeyError, ValueError, AttributeError):  # records can be forged
            return Beside(False, beside.telling, beside.alike)
    return beside


def seen_in(split: Split, right: Frame, found: Frame | None, cell: str) -> str:
    """Return a short key of what an answer gets wrong in a test cell, "" where that is nothing.

    Answers with the same keys got the same things wrong in the same way (to three digits).
    """
    mine = {record.get("i"): record for record in records_of(found or {}, cell)}
    wrong: list[Any] = []
    for record in records_of(right, cell):
        site, other = split.sites[record["site"]], mine.get(record["i"])
        try:
            message = None if other is None else judge_record(record, other, site)
            if other is None:
                wrong.append([record["i"], "missing"])
            elif message is not None:
                by_finding = site.check == "that" and "value" in other
                wrong.append([record["i"], message.where if by_finding else _coarse(fingerprint(other))])
        except (CheckerBroke, TypeError, KeyError, ValueError, AttributeError):  # records can be forged
            wrong.append([record["i"], "no record"])
    return hashlib.sha256(json.dumps(wrong, default=str).encode()).hexdigest()[:16] if wrong else ""


def _coarse(value: Any) -> Any:
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, list):
        return [_coarse(one) for one in value]
    return value.get("raised", value) if isinstance(value, dict) else value


def _telling(site: Site, record: Record) -> Telling:
    if "value" in record:
        return "finding" if site.check == "that" else "value"
    return "" if record.get("raised", [""])[0] == "NotImplementedError" else "exception"


def _same_record(site: Site, reference: Record, mine: Record, other: Record) -> bool:
    if ("raised" in mine) != ("raised" in other):
        return False
    if site.check == "raises" and judge_record(reference, mine, site) is None:
        return judge_record(reference, other, site) is None  # both are right: the words are each one's own
    if site.check == "raises" and "raised" in mine:
        return bool(mine["raised"][:1] == other["raised"][:1])  # and so they are where both are wrong
    if "raised" in mine:
        return same(fingerprint(mine), fingerprint(other))
    if site.check == "that":
        return finding_of(reference, mine, site) == finding_of(reference, other, site)
    return _same_value(mine, other, reference["how"] if site.check != "raises" else {})


def _same_value(mine: Record, other: Record, how: dict[str, Any] | None = None) -> bool:
    if "value" not in mine or "value" not in other:
        return False
    if _holds_objects(other["value"]):  # nothing to compare but what they are
        return same(fingerprint(mine), fingerprint(other))
    return compare(other["value"], mine["value"], **(how or {}), explain=False) is None


def _holds_objects(plain: Any) -> bool:
    """Return True where an observation holds something that is no plain data."""
    if plain["kind"] == "object":
        return True
    return plain["kind"] == "sequence" and any(_holds_objects(item) for item in plain["items"])
