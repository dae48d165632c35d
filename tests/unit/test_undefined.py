"""A name that is missing: the message says which cell was to define it and what became of that."""

from __future__ import annotations

import pytest

from autograder.judge.undefined import explained, reasons, rebound
from autograder.judge.verdict import CellVerdict
from autograder.sandbox.inside import Cell
from lessonkit.message import Message


def said(*cells: tuple[str, str | None], name: str) -> str:
    """Return the message of a check that missed `name`, after (source, error) cells ran in order."""
    made = [Cell(f"c{i}", "student", source) for i, (source, _) in enumerate(cells)]
    frames = {f"c{i}": {"error": error} for i, (_, error) in enumerate(cells)}
    missed = {"raised": ["NameError", "Exception"], "message": f"name '{name}' is not defined"}
    frames["test"] = {"error": None, "tests": [{"cell": "test", "records": [missed]}]}
    verdict = CellVerdict("test", "not yet", Message("not yet", "it works", actual=f"NameError: name '{name}' is not defined"))
    found = explained(verdict, reasons(made, frames)).message
    return found.actual if found else ""


@pytest.mark.parametrize(
    ("source", "error", "says"),
    [
        ("import seaborn\ndef helper(x): return x", "ModuleNotFoundError: No module named 'seaborn'", "`seaborn` is not installed where this is graded"),
        ("from utils import helper", "ModuleNotFoundError: No module named 'utils'", "beside the notebook is not graded"),
        ("data = open('mine.npy')\nhelper = data.read", "FileNotFoundError: [Errno 2] mine.npy", "files beside the notebook"),
        ("%%timeit\ndef helper(x): return x", None, "begins with `%%timeit`"),
        ("%%writefile helper.py\ndef helper(x): return x", None, "keeps its names to itself"),
        ("def helper(x): return x", None, "further down"),
        ("def helper(x:", "SyntaxError: '(' was never closed", "stopped with SyntaxError"),
        ("x = 1", None, "no cell of the notebook defines it"),
    ],
)
def test_why_a_name_is_not_there(source, error, says):
    assert says in said(("y = 2", None), (source, error), name="helper")


def test_what_says_no_name_is_left_as_it_is():
    verdict = CellVerdict("t", "not yet", Message("not yet", "it works", actual="float 3"))
    assert explained(verdict, {}) is verdict
    assert reasons([Cell("c", "student", "def f(): return 1")], {"c": {"error": None}}) == {}


@pytest.mark.parametrize(
    ("answer", "scratch", "error", "says"),
    [
        ("def f(x): return list(x)", "list = [1]; x = 2", "TypeError: 'list' object is not callable", "`list` is no longer what it was, a cell of the notebook says `list = [1]`"),
        ("def f(x): return np.exp(x)", "np, y = None, 1", "AttributeError: 'NoneType' object has no attribute 'exp'", "`np, y = (None, 1)`"),
        ("def f(x): return max(x)", "def helper():\n    max = 1", "TypeError: 'int' object is not iterable", ""),
        ("def f(x): return abs(x)", "list = [1]", "TypeError: bad operand type for abs(): 'str'", ""),
        ("def f(x): return list(x)", "list = [1]", "float 3", ""),
        ("def f(x:", "list = (", "TypeError: 'list' object is not callable", ""),
    ],
)
def test_a_name_that_was_given_another_meaning_is_said(answer, scratch, error, says):
    verdict = CellVerdict("t", "not yet", Message("not yet", "it works", actual=error))
    seen = explained(verdict, {}, rebound(answer, [answer, scratch], ["import numpy as np"])).message.actual
    assert seen == error if not says else says in seen
