"""Compare what a submission's checks observed with what the reference's observed, and say what it is worth.

Nothing here was produced by, or can be reached from, the process in which the student's code ran. A record
that is missing, of another form, or from a cell that died earns nothing.
"""

from __future__ import annotations

import importlib
import math
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

import numpy as np

from autograder.rebuild.split import Site, Split
from lessonkit.check import CheckerBroke, find, mismatch_message
from lessonkit.compare import compare
from lessonkit.fingerprint import fingerprint, same
from lessonkit.message import Message
from lessonkit.observe import decode, describe

Record = dict[str, Any]
Frame = dict[str, Any]


@dataclass
class CellVerdict:
    """What one test cell earned: its outcome, the message of the first behaviour that does not hold, and the
    name of the mistake recognised there."""

    grade_id: str
    outcome: Literal["pass", "not yet", "checker broke", "not reached"]
    message: Message | None = None
    mistake: str | None = None
    hidden: bool = False
    passed: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class KnownMistake:
    """A wrong solution's frames by test cell, with its name and help."""

    name: str
    help: str
    frames: dict[str, Frame]
    #: the submission at hand agrees with it in every cell of the exercise
    everywhere: bool = False


def judge_cell(
    grade_id: str, split: Split, reference: Frame, frame: Frame | None, mistakes: list[KnownMistake]
) -> CellVerdict:
    """Return the verdict on one test cell; `frame` is None where the submission's run did not get there."""
    wanted = _records(reference, grade_id)
    if not wanted:
        message = Message("checker broke", grade_id, actual="the reference made no check in this cell")
        return CellVerdict(grade_id, "checker broke", message)
    if frame is None:
        return CellVerdict(grade_id, "not reached", Message("not checked", _plain(wanted[0])))
    if used := used_in(frame, grade_id):
        from lessonkit.guard import message as forbidden_message

        return CellVerdict(grade_id, "not yet", forbidden_message(used))
    found = {int(record.get("i", -1)): record for record in _records(frame, grade_id)}
    passed: list[str] = []
    for record in wanted:
        site = split.sites[record["site"]]
        other = found.get(record["i"])
        try:
            message = _missing(record, frame) if other is None else judge_record(record, other, site)
        except CheckerBroke as broke:
            return CellVerdict(
                grade_id, "checker broke", Message("checker broke", record["name"], actual=str(broke))
            )
        if message is None:
            passed.append(record["name"])
            continue
        known = None if other is None else recognise(grade_id, split, wanted, found, mistakes)
        if known is not None:
            message = _with_help(message, known.help)
        name = None if known is None else known.name
        return CellVerdict(grade_id, "not yet", message, name, site.hidden, passed)
    return CellVerdict(grade_id, "pass", None, None, False, passed)


def judge_record(reference: Record, record: Record, site: Site) -> Message | None:
    """Return None where an observation is right, else the message; judged by the reference's record only."""
    behaviour = reference["name"]
    if site.check == "raises":
        exception = reference["how"]["exception"]
        raised = record.get("raised")
        if isinstance(raised, list) and exception in raised:
            return None
        return Message("not yet", behaviour, f"{exception} raised", _actual(record), try_=site.advice)
    if "value" not in record:
        return _not_a_value(reference, record, site)
    if site.check == "that":
        finding = _finding(reference, record, site)
        if finding is None:
            return None
        return Message(
            "not yet", behaviour, actual=_describe(record["value"]), where=finding, try_=site.advice
        )
    if "value" not in reference:
        raise CheckerBroke(f"the reference raised {reference.get('raised')} at {behaviour!r}")
    mismatch = compare(reference["value"], record["value"], **reference["how"])
    return None if mismatch is None else mismatch_message(behaviour, mismatch, site.advice)


@cache
def _judge_function(source: str, judges: str) -> Any:
    names = {"np": np, "math": math, **({"judges": importlib.import_module(judges)} if judges else {})}
    return eval(source, names)  # the course's own text, from source/


def _finding(reference: Record, record: Record, site: Site) -> str | None:
    given = decode(reference["how"]["given"])
    try:
        return find(_judge_function(site.judge or "None", site.judges), record["value"], given)
    except NameError as error:
        raise CheckerBroke(f"the judge of {reference['name']!r} is not closed: {error}") from error


def _not_a_value(reference: Record, record: Record, site: Site) -> Message:
    raised = record.get("raised")
    if isinstance(raised, list) and raised[:1] == ["NotImplementedError"]:
        return Message("not yet", reference["name"], actual="not written yet")
    expected = _describe(reference["value"]) if "value" in reference else ""
    return Message("not yet", reference["name"], expected, _actual(record), try_=site.advice)


def _describe(plain: Any) -> str:
    try:
        return describe(plain)[:300]
    except Exception:
        return "something that is not plain data"


def _actual(record: Record) -> str:
    raised = record.get("raised")
    if isinstance(raised, list) and raised:
        return f"{str(raised[0])[:80]}: {str(record.get('message', ''))[:300]}"
    return _describe(record.get("value", {}))


def _missing(reference: Record, frame: Frame) -> Message:
    error = frame.get("error") or next((t.get("error") for t in _tests(frame) if t.get("error")), None)
    reason = str(error)[:300] if error else "the check did not report what it saw"
    if reason.startswith("NotImplementedError"):
        reason = "not written yet"
    return Message("not yet", reference["name"], actual=reason)


def _plain(record: Record) -> str:
    return str(record["name"])


def _tests(frame: Frame) -> list[dict[str, Any]]:
    tests = frame.get("tests")
    return [test for test in tests if isinstance(test, dict)] if isinstance(tests, list) else []


def _records(frame: Frame, grade_id: str) -> list[Record]:
    for test in _tests(frame):
        if test.get("cell") == grade_id and isinstance(test.get("records"), list):
            return [record for record in test["records"] if isinstance(record, dict)]
    return []


def used_in(frame: Frame, grade_id: str) -> list[str]:
    """Return the forbidden names that ran in a test cell, as its frame reports them."""
    used: list[str] = []
    for test in _tests(frame):
        if test.get("cell") == grade_id and isinstance(test.get("used"), list):
            used += [str(name)[:100] for name in test["used"]]
    return used


def recognise(
    grade_id: str, split: Split, wanted: list[Record], found: dict[int, Record], mistakes: list[KnownMistake]
) -> KnownMistake | None:
    """Return the known mistake whose observations in this cell are the submission's, where it is a mistake here.

    Exceptions alone tell little, since different mistakes end in the same one: there the two have to agree in
    every other cell too. A judge's finding tells enough where it fits one known mistake only.
    """
    fitting = []
    for mistake in mistakes:
        theirs = {record["i"]: record for record in _records(mistake.frames.get(grade_id, {}), grade_id)}
        agree, telling = _agree(split, wanted, found, theirs)
        if not agree or not telling:
            continue
        if telling == "value" or mistake.everywhere:
            return mistake
        if telling == "finding":
            fitting.append(mistake)
    return fitting[0] if len(fitting) == 1 else None


def same_in_cell(
    grade_id: str, split: Split, reference: Frame, frame: Frame | None, mistake: KnownMistake
) -> bool:
    """Return True where a submission's observations in a cell are a known mistake's, right or wrong."""
    theirs = _records(mistake.frames.get(grade_id, {}), grade_id)
    wanted = _records(reference, grade_id)
    if frame is None or not wanted:
        return False
    mine, other = ({r.get("i"): r for r in records} for records in (_records(frame, grade_id), theirs))
    return _agree(split, wanted, mine, other)[0]


def _agree(
    split: Split, wanted: list[Record], found: dict[int, Record], theirs: dict[int, Record]
) -> tuple[bool, str]:
    """Return whether two runs' records are the same, and by what they show to be wrong: "value", "finding" (a
    judge's sentence), "exception", or "" where they are right. The most telling counts."""
    telling = ""
    for record in wanted:
        mine, other = found.get(record["i"]), theirs.get(record["i"])
        if mine is None or other is None:
            return False, telling
        site = split.sites[record["site"]]
        try:
            if not _same_record(site, record, mine, other):
                return False, telling
            if telling != "value" and judge_record(record, other, site) is not None:
                if "value" not in other:
                    telling = telling or "exception"
                else:
                    telling = "finding" if site.check == "that" else "value"
        except CheckerBroke:
            return False, telling
    return True, telling


def _same_record(site: Site, reference: Record, mine: Record, other: Record) -> bool:
    if ("raised" in mine) != ("raised" in other):
        return False
    if site.check == "raises" and judge_record(reference, mine, site) is None:
        return judge_record(reference, other, site) is None  # both are right: the words are each one's own
    if site.check == "raises" and "raised" in mine:
        return mine["raised"][:1] == other["raised"][:1]  # and so they are where both are wrong
    if "raised" in mine:
        try:
            return same(fingerprint(mine), fingerprint(other))
        except Exception:
            return False
    if site.check == "that":
        return _finding(reference, mine, site) == _finding(reference, other, site)
    how = reference["how"] if site.check != "raises" else {}
    if _holds_objects(other["value"]):  # nothing to compare but what they are
        return same(fingerprint(mine), fingerprint(other))
    return compare(other["value"], mine["value"], **how, explain=False) is None


def _holds_objects(plain: Any) -> bool:
    """Return True where an observation holds something that is no plain data."""
    if plain["kind"] == "object":
        return True
    return plain["kind"] == "sequence" and any(_holds_objects(item) for item in plain["items"])


def _with_help(message: Message, help: str) -> Message:
    return Message(
        message.outcome, message.behaviour, message.expected, message.actual, message.where, message.looks,
        help, message.try_,
    )  # fmt: skip
