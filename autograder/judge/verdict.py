"""Compare what a submission's checks observed with what the reference's observed, and say what it is worth.

Nothing here was produced by, or can be reached from, the process in which the student's code ran. A record
that is missing, of another form, or from a cell that died earns nothing.
"""

from __future__ import annotations

import importlib
import math
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any, Literal

import numpy as np

from autograder.rebuild.split import Site, Split
from lessonkit.check import CheckerBroke, find, mismatch_message
from lessonkit.compare import compare
from lessonkit.message import Message, with_next_step
from lessonkit.observe import decode, describe
from lessonkit.say import clean

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
    #: the behaviour that does not hold was observed, and is not merely missing
    observed: bool = False
    #: the share of its points that a cell of plain asserts earned though not all of it holds
    earned: float = 0.0

    @property
    def share(self) -> float:
        """Return the share of the cell's points that the verdict is worth, from 0 to 1."""
        return 1.0 if self.outcome == "pass" else self.earned

    def with_next_step(self, exercise: str) -> CellVerdict:
        """Return this verdict with a next step in its message, where it has none."""
        return replace(self, message=with_next_step(self.message, exercise)) if self.message else self

    def told(self, name: str, help: str) -> CellVerdict:
        """Return this verdict with a known mistake's name and help."""
        return replace(self, mistake=name, message=replace(self.message, help=help) if self.message else None)


def judge_cell(grade_id: str, split: Split, reference: Frame, frame: Frame | None) -> CellVerdict:
    """Return the verdict on one test cell; `frame` is None where the submission's run did not get there."""
    wanted = records_of(reference, grade_id)
    if not wanted:
        message = Message("checker broke", grade_id, actual="the reference made no check in this cell")
        return CellVerdict(grade_id, "checker broke", message)
    if frame is None:
        return CellVerdict(grade_id, "not reached", Message("not checked", _plain(wanted[0])))
    if used := used_in(frame, grade_id):
        from lessonkit.guard import message as forbidden_message

        return CellVerdict(grade_id, "not yet", forbidden_message(used))
    found = {int(record.get("i", -1)): record for record in records_of(frame, grade_id)}
    passed: list[str] = []
    for record in wanted:
        site = split.sites[record["site"]]
        other = found.get(record["i"])
        try:
            said = _missing(record, frame) if other is None else judge_record(record, other, site)
        except CheckerBroke as broke:
            return CellVerdict(
                grade_id, "checker broke", Message("checker broke", record["name"], actual=str(broke))
            )
        if said is None:
            passed.append(record["name"])
            continue
        return CellVerdict(grade_id, "not yet", said, None, site.hidden, passed, observed=other is not None)
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
        finding = finding_of(reference, record, site)
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


def finding_of(reference: Record, record: Record, site: Site) -> str | None:
    """Return what the judge of a property finds in an observation, None where the property holds."""
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
        return f"{str(raised[0])[:80]}: {clean(str(record.get('message', '')))}"
    return _describe(record.get("value", {}))


def _missing(reference: Record, frame: Frame) -> Message:
    error = frame.get("error") or next((t.get("error") for t in _tests(frame) if t.get("error")), None)
    reason = clean(str(error)) if error else "the check did not report what it saw"
    if reason.startswith("NotImplementedError"):
        reason = "not written yet"
    return Message("not yet", reference["name"], actual=reason)


def _plain(record: Record) -> str:
    return str(record["name"])


def _tests(frame: Frame) -> list[dict[str, Any]]:
    tests = frame.get("tests")
    return [test for test in tests if isinstance(test, dict)] if isinstance(tests, list) else []


def records_of(frame: Frame, grade_id: str) -> list[Record]:
    """Return a test cell's records as its frame holds them; [] where there are none."""
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
