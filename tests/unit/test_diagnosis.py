"""A help line is true or absent: the one rule, in the notebook and when graded."""

from __future__ import annotations

import numpy as np
import pytest

from autograder.judge.diagnosis import Diagnosis, KnownMistake
from autograder.rebuild.split import split
from lessonkit import check, recognise
from lessonkit import notes as chapter
from lessonkit.diagnosis import Candidate, explain
from lessonkit.observe import encode


def one(name: str, telling: str = "value", help: str = "", alike: int = 0, **agrees: bool) -> Candidate:
    return Candidate(name, help or f"help of {name}", telling, agrees, alike)


@pytest.mark.parametrize(
    ("candidates", "told"),
    [
        ([one("a", a=True), one("b", a=False)], "a"),  # one explains the cell
        ([one("a", a=True), one("b", a=True)], None),  # two do
        ([one("a", help="same", a=True), one("b", help="same", a=True)], "a"),  # two that advise the same
        ([one("a", a=True, b=False), one("b", a=True, b=True)], "b"),  # elsewhere they part
        ([one("a", a=True, b=False), one("b", a=True, b=False)], None),
        ([one("a", a=False, b=True)], None),  # what explains other cells only says nothing here
        ([one("a", "", a=True)], None),  # that one is right here
        ([one("a", "exception", a=True, b=False)], None),  # an exception alone is many mistakes' end
        ([one("a", "exception", a=True, b=True)], "a"),
        ([one("a", "finding", a=True), one("b", "finding", a=True)], None),
        ([one("a", "finding", a=True), one("b", "finding", alike=1, a=True)], "b"),
        ([], None),
    ],
)
def test_unique_or_silent(candidates, told):
    found = explain("a", candidates)
    assert (found.name if found else None) == told


CELL = """@check.cell("f__care")
def _():
    check.that("small", lambda: f(1), judge=lambda seen: None if seen < 3 else "too large")
    check.close("two", lambda: f(2), expected=2.0)
"""


def frame(*values: float) -> dict:
    """Return what a run of CELL reports for these two observations."""
    how = [{"given": {"kind": "mapping", "items": []}}, {"rtol": None, "atol": None}]
    records = [
        {"i": i, "site": i, "name": "n", "check": kind, "how": how[i], "value": encode(v)}
        for i, (kind, v) in enumerate(zip(("that", "close"), values, strict=False))
    ]
    return {"tests": [{"cell": "f__care", "records": records}]}


@pytest.mark.parametrize(
    ("mine", "known", "told"),
    [
        ((9.0, 2.0), {"large": (8.0, 2.0)}, "large"),  # a finding that fits one mistake only
        ((9.0, 2.0), {"large": (8.0, 2.0), "larger": (7.0, 2.0)}, None),  # one that fits two says nothing of either
        ((7.0, 2.0), {"large": (8.0, 2.0), "larger": (7.0, 2.0)}, "larger"),  # but for what it was found in
        ((1.0, 7.0), {"seven": (1.0, 7.0), "eight": (1.0, 8.0)}, "seven"),
        ((1.0, 7.0), {"seven": (1.0, 7.0), "seven_too": (1.0, 7.0)}, None),  # values are no exception
        ((1.0, 2.0), {"large": (8.0, 2.0)}, None),
        ((9.0,), {"large": (8.0, 2.0)}, None),  # a record less is another run
    ],
)
def test_the_grader_names_a_mistake_where_one_explains_the_records(mine, known, told):
    mistakes = [KnownMistake(name, f"help of {name}", {"f__care": frame(*values)}) for name, values in known.items()]
    diagnosis = Diagnosis({"f__care": split(CELL)}, {"f__care": frame(1.0, 2.0)}, {"f__care": frame(*mine)}, mistakes)
    seen = diagnosis.explain("f__care")
    assert (seen.name if seen else None) == told


def test_forged_records_are_nobodys_mistake():
    mistakes = [KnownMistake("large", "h", {"f__care": frame(8.0, 2.0)})]
    for forged in ({"raised": 3}, {"value": 3}, {"value": {"kind": "array"}}, {}):
        mine = frame(9.0, 2.0)
        mine["tests"][0]["records"][0] = {"i": 0, "site": 0, **forged}
        diagnosis = Diagnosis({"f__care": split(CELL)}, {"f__care": frame(1.0, 2.0)}, {"f__care": mine}, mistakes)
        assert diagnosis.explain("f__care") is None


def seen(*wrong: tuple[int, object], **more: object) -> dict:
    """Return what the notes say of a mistake in one cell: numbers of checks with what they see."""
    return {"wrong": [[i, ["float", value]] for i, value in wrong], **more}


@pytest.fixture
def told(monkeypatch, capsys):
    """Return a function: known mistakes' notes, a cell, its body and the notebook's names -> the help shown."""

    def run(known: dict[str, dict], cell: str, body, space: dict | None = None, helps: dict | None = None) -> str:
        mistakes = [{"name": n, "help": (helps or {}).get(n, f"help of {n}"), "at": at} for n, at in known.items()]
        monkeypatch.setattr(chapter, "notes", lambda: {"exercises": {"f": {"mistakes": mistakes, "defines": ["f"]}}})
        capsys.readouterr()
        body.__globals__["f"] = (space or {}).get("f")
        try:
            check.cell(cell)(body)
        except check.CheckFailed as failed:
            return next((message.help for message in failed.messages if message.help), "")
        return "passed"

    yield run
    recognise._kept.clear()
    globals().pop("f", None)


def test_the_notebook_says_nothing_where_two_mistakes_explain_a_value(told):
    def body():
        check.close("one", lambda: 3.0, expected=2.0)

    known = {"a": {"f__x": seen((0, 3.0))}, "b": {"f__x": seen((0, 3.0)), "f__y": seen((0, 1.0))}}
    assert told(known, "f__x", body) == ""
    assert told(known, "f__x", body, helps={"a": "both", "b": "both"}) == "both"
    assert told({"a": known["a"]}, "f__x", body) == "help of a"


def test_the_rest_of_a_cell_tells_mistakes_apart(told):
    looked = []

    def body():
        check.close("one", lambda: 3.0, expected=2.0)
        check.close("two", lambda: looked.append(1) or 5.0, expected=2.0)

    apart = {"a": {"f__x": seen((0, 3.0))}, "b": {"f__x": seen((0, 3.0), (1, 5.0))}}
    assert told(apart, "f__x", body) == "help of b"
    assert looked
    looked.clear()
    assert told({"b": apart["b"]}, "f__x", body) == "help of b"
    assert not looked, "one mistake only: the cell ends at what does not hold, as ever"


def test_a_cell_that_passed_rules_out_the_mistakes_that_fail_there(told):
    def passes():
        check.close("one", lambda: 2.0, expected=2.0)

    def fails():
        check.close("one", lambda: 3.0, expected=2.0)

    known = {"a": {"f__y": seen((0, 3.0))}, "b": {"f__x": seen((0, 9.0)), "f__y": seen((0, 3.0))}}

    def mine():
        """The student's function."""

    assert told(known, "f__x", passes, {"f": mine}) == "passed"
    assert told(known, "f__y", fails, {"f": mine}) == "help of a"

    def changed():
        """The student's function, written anew: what the other cell saw is of no account."""

    assert told(known, "f__y", fails, {"f": changed}) == ""


def test_an_exception_and_what_is_not_written_tell_nothing_alone(told):
    def unwritten():
        check.close("one", lambda: (_ for _ in ()).throw(NotImplementedError()), expected=2.0)

    raised = {"wrong": [[0, {"raised": ["NotImplementedError"], "message": ""}]]}
    assert told({"a": {"f__x": raised}}, "f__x", unwritten) == ""

    def breaks():
        check.close("one", lambda: 1 / 0, expected=2.0)
        check.close("two", lambda: 2.0, expected=2.0)

    zero = [0, {"raised": ["ZeroDivisionError"], "message": "division by zero"}]
    assert told({"a": {"f__x": {"wrong": [zero]}}}, "f__x", breaks) == "help of a"
    assert told({"a": {"f__x": {"wrong": [zero, [1, ["float", 7.0]]]}}}, "f__x", breaks) == ""
    assert told({"a": {"f__x": {"wrong": [zero], "ends": 1}}}, "f__x", breaks) == ""


def test_a_finding_is_told_by_what_it_was_found_in(told):
    def body():
        check.that("p", lambda: np.float64(8.0), judge=lambda v: "too large")

    def at(value: float) -> dict:
        return {"f__x": {"wrong": [[0, {"finding": "too large", "in": ["float", value]}]]}}

    assert told({"a": at(8.0), "b": at(9.0)}, "f__x", body) == "help of a"
    assert told({"a": at(7.0), "b": at(9.0)}, "f__x", body) == ""
    assert told({"a": at(7.0)}, "f__x", body) == "help of a"
