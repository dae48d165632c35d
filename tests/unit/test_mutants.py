"""Mutants: one thing changed at a time, and what comes of them."""

from __future__ import annotations

import pytest

from autograder.author import mutants
from autograder.author.mutate import _is_of, draft, survivors
from autograder.errors import BadSettings

SOURCE = '''
def f(x: int = 3, *, axis=-1):
    """Text 1 + 1."""
    if x < 0 and axis:
        raise ValueError(f"negative {x + 1}")
    total = x.sum(axis=axis, keepdims=True)
    total -= x * 2.5
    return g(total, x) @ x.T.copy()
'''


@pytest.mark.parametrize(
    "line",
    [
        "if x <= 0 and axis:",  # a comparison
        "if x < 1 and axis:",  # a constant
        "if x < 0 or axis:",
        "if not (x < 0 and axis):",
        "pass",  # a statement: the raise
        "total = x.sum(keepdims=True)",  # a keyword
        "total = x.sum(axis=axis, keepdims=False)",
        "total += x * 2.5",
        "total -= x / 2.5",
        "total -= x * 5.0",
        "total -= x",
        "return g(x, total) @ x.T.copy()",  # the order of what is passed
        "return x.T.copy() @ g(total, x)",
        "return g(total, x) @ x.T",  # a call
        "def f(x: int=4, *, axis=-1):",
        "def f(x: int=3, *, axis=1):",
        "def f(x: int=3, *, axis=-2):",
    ],
)
def test_each_kind_of_thing_is_changed(line):
    assert line in {one.now for one in mutants.of("f", SOURCE)}


def test_one_thing_at_a_time_and_never_a_text():
    found = mutants.of("f", SOURCE)
    assert len({one.code for one in found}) == len(found)
    for one in found:
        compile(one.code, "f", "exec")
        assert "Text 1 + 1." in one.code
        assert "x + 1" in one.code or "pass" in one.code
    assert mutants.of("f", "def (") == []


def test_survivors_carry_a_reason(tmp_path):
    path = tmp_path / "survivors.toml"
    assert survivors(path) == []
    path.write_text('[[survivor]]\nexercise = "f"\nwas = "a"\nnow = "b"\nwhy = "the same"\n')
    assert survivors(path)[0]["why"] == "the same"
    path.write_text(draft([mutants.Mutant("f", 'a = "\\n"', "b", "c")]))
    with pytest.raises(BadSettings, match="why"):
        survivors(path)


def test_one_reason_may_stand_for_all_that_a_line_became():
    mutant = mutants.Mutant("f", "a = 1", "a = 2", "")
    reason = {"exercise": "f", "was": "a = 1", "why": "any number will do"}
    assert _is_of(reason | {"now": "a = 2"}, mutant)
    assert _is_of(reason | {"now": "*"}, mutant)
    assert not _is_of(reason | {"now": "a = 0"}, mutant)
    assert not _is_of(reason | {"was": "b = 1", "now": "*"}, mutant)
