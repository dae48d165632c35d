"""What a student reads, line by line."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lessonkit import check, guard, show
from lessonkit import notes as chapter
from lessonkit.message import Message, to_html, to_text


@pytest.fixture(autouse=True)
def _no_notes(monkeypatch):
    monkeypatch.setattr(chapter, "notes", lambda: {})


def report(body, grade_id="thing__works"):
    """Run a test cell; return its report's lines, or None where it passes."""
    try:
        check.cell(grade_id)(body)
    except check.CheckFailed as failed:
        return str(failed).split("\n")
    return None


def test_a_pass_prints_one_line_a_behaviour(capsys):
    def body():
        check.close("it doubles", lambda: 2.0, expected=2.0)
        check.equal("it names", lambda: ["a", 1, None, True], expected=("a", 1, None, True))

    assert report(body) is None
    assert capsys.readouterr().out == "thing: works\npass        it doubles\npass        it names\n"


def test_shapes_that_differ_are_named_before_numbers():
    lines = report(
        lambda: check.close("w", lambda: np.ones((3, 2)), expected=np.ones((2, 3)), advice="look at shapes")
    )
    assert lines == [
        "thing: works",
        "not yet     w",
        "    expected  NumPy float64[2,3]",
        "    actual    NumPy float64[3,2]",
        "    looks     it is the transpose of what was expected",
        "    try       look at shapes",
    ]


def test_the_worst_entry_is_named_with_both_values():
    wrong = torch.tensor([[1.0, 2.0], [3.0, 9.0]])
    lines = report(lambda: check.close("g", lambda: wrong, expected=torch.tensor([[1.0, 2.0], [3.0, 4.0]])))
    assert "    where     1 of 4 entries differ, most at [1, 1]: expected 4, got 9" in lines
    assert "    expected  float32[2,2]" in lines


@pytest.mark.parametrize(
    ("got", "words"),
    [
        (lambda e: 2 * e, "every entry is 2 times the expected one"),
        (lambda e: -e, "the sign is reversed everywhere"),
        (lambda e: 0 * e, "it is zero everywhere"),
        (lambda e: np.stack([e / 2, e / 2]), "a sum over axis 0 is missing"),
        (lambda e: e * np.nan, "it holds nan: 6 of 6 entries"),
    ],
)
def test_patterns_are_named(got, words):
    want = np.arange(1.0, 7.0).reshape(2, 3)
    lines = report(lambda: check.close("p", lambda: got(want), expected=want))
    assert f"    looks     {words}" in lines


@pytest.mark.parametrize(
    ("value", "expected", "actual"),
    [
        (1, 1.0, "int 1"),
        (np.float32(1), 1.0, "NumPy scalar float32 1"),
        (torch.tensor(1.0), 1.0, "float32[] 1"),
        (np.ones(2), torch.ones(2), "NumPy float64[2]"),
        (torch.ones(2, dtype=torch.float64), torch.ones(2), "float64[2]"),
        (None, 1.0, "None"),
        (object(), 1.0, "an object of type object"),
        ("x" * 200, "y", "'" + "x" * 76 + "..."),
        ((1.0, 2.0), (1.0,), "(float 1, float 2)"),
        ({"a": 1}, {"b": 1}, "keys ['a']"),
    ],
)
def test_another_kind_is_said_plainly(value, expected, actual):
    lines = report(lambda: check.close("k", lambda: value, expected=expected))
    assert f"    actual    {actual}" in lines


def test_later_behaviours_are_not_run_after_one_that_fails():
    ran = []
    report(
        lambda: (
            check.equal("one", lambda: 1, expected=2),
            check.equal("two", lambda: ran.append(1), expected=None),
        )
    )
    assert ran == []


def test_not_written_yet_reads_friendly():
    def stub():
        raise NotImplementedError("write this")

    lines = report(lambda: check.close("s", stub, expected=1.0))
    assert lines[1:3] == ["not yet     s", "    actual    not written yet"]


def test_an_exception_is_an_observation():
    lines = report(lambda: check.close("e", lambda: 1 / 0, expected=1.0))
    assert "    actual    ZeroDivisionError: division by zero" in lines
    lines = report(lambda: check.raises("r", lambda: 1 / 0, ValueError))
    assert "    expected  ValueError raised" in lines
    assert report(lambda: check.raises("r", lambda: int("x"), ValueError)) is None


def test_the_checker_breaking_is_never_the_students_fault():
    with pytest.raises(check.CheckerBroke, match="not your code"):
        report(lambda: check.close("b", lambda: 1.0, expected=lambda: 1 / 0))
    with pytest.raises(check.CheckerBroke, match="made no check"):
        report(lambda: None)
    with pytest.raises(check.CheckerBroke, match="inside a test cell"):
        check.equal("x", lambda: 1, expected=1)


def test_a_changed_input_is_noticed_even_after_another_check_ran_first():
    x = np.array([-1.0, 2.0])

    def clip(values):
        values[values < 0] = 0
        return values

    def body():
        check.close("clipped", lambda: clip(x), expected=np.array([0.0, 2.0]))
        check.unchanged("the input is left alone", lambda: clip(x), x)

    assert "not yet     the input is left alone" in report(body)


def test_a_property_says_its_finding():
    lines = report(
        lambda: check.that("p", lambda: [3, 1], judge=lambda v: None if v[0] < v[1] else "it falls")
    )
    assert "    where     it falls" in lines
    lines = report(lambda: check.that("p", lambda: object(), judge=lambda v: None))
    assert "    where     the result holds object" in lines


def test_help_speaks_only_where_a_mistake_is_recognised(monkeypatch):
    at = {"thing__works": {"wrong": [[0, ["float", 3.0]]]}}
    known = {"mistakes": [{"name": "tripled", "help": "You triple.", "at": at}]}
    monkeypatch.setattr(chapter, "notes", lambda: {"exercises": {"thing": known}})
    assert "    help      You triple." in report(lambda: check.close("d", lambda: 3.0, expected=2.0))
    assert not [
        line for line in report(lambda: check.close("d", lambda: 4.0, expected=2.0)) if "help" in line
    ]


def test_forbidden_calls_that_ran_are_named(monkeypatch):
    monkeypatch.setattr(chapter, "notes", lambda: {"exercises": {"thing": {"forbidden": ["torch.softmax"]}}})
    space = {}
    exec(compile("f = lambda x: x.softmax(-1)", "student.py", "exec"), space)
    lines = report(
        lambda: check.close("s", lambda: space["f"](torch.zeros(2)), expected=torch.tensor([0.5, 0.5]))
    )
    assert "    actual    your code calls torch.softmax" in lines


def test_html_says_the_outcome_in_words_and_escapes():
    page = to_html("t<", [Message("not yet", "a <b>", actual="<script>"), Message("pass", "c")])
    assert "<script>" not in page
    assert "not yet" in page
    assert 'role="status"' in page
    assert 'aria-hidden="true"' in page
    assert to_text("", [Message("pass", "c")]) == "pass        c"


def test_recording_shows_nothing_and_judges_nothing(capsys):
    show.set_recording(True)
    try:
        check.take_finished()
        check.cell("a__b")(lambda: check.close("x", lambda: 1.0))
        check.cell("a__c")(lambda: check.raises("y", lambda: 1 / 0, ValueError))
    finally:
        show.set_recording(False)
    assert capsys.readouterr().out == ""
    first, second = check.take_finished()
    assert first["records"][0]["value"]["kind"] == "float"
    assert second["records"][0]["raised"][0] == "ZeroDivisionError"


def test_code_between_backticks_is_set_as_code_in_advice_and_left_alone_in_what_was_seen():
    page = to_html("", [Message("not yet", "a", actual="`b`", help="see `c < d`", try_="print `e`")])
    assert "`b`" in page
    assert "see <code>c &lt; d</code>" in page
    assert "print <code>e</code>" in page
    assert show.prose("a ` alone") == "a ` alone"


def test_the_longest_outcome_keeps_its_distance_from_the_behaviour():
    shown = to_text("", [Message("checker broke", "it can be checked here"), Message("pass", "it holds")])
    assert shown == "checker broke it can be checked here\npass        it holds"


@pytest.mark.parametrize(
    ("want", "off", "right"),
    [
        (3133.74, 30.0, False),  # an atol of 1e-2 is one hundredth, whatever stands beside it
        (3133.74, 0.3, True),  # rtol 1e-4 of 3133.74
        (3133.74, 0.4, False),
        (1e-6, 0.009, True),
        (1e-6, 0.011, False),
        (0.0, 0.0099, True),
    ],
)
def test_tolerances_mean_what_they_say(want, off, right):
    lines = report(lambda: check.close("t", lambda: want + off, expected=want, rtol=1e-4, atol=1e-2))
    assert (lines is None) == right
    both = np.array([want, 1e5])
    lines = report(lambda: check.close("t", lambda: both + np.array([off, 0.0]), expected=both, rtol=1e-4, atol=1e-2))
    assert (lines is None) == right


@pytest.mark.parametrize(
    ("got", "words"),
    [
        (lambda e: e + 0.25, "every entry is 0.25 too large"),
        (lambda e: e + np.array([0.1, 0.2, 0.4]), "what it is off by depends on axis 1 only, as with a bias"),
        (lambda e: e * (1 + 1e-5 * np.arange(9).reshape(3, 3)), "it is right to about 4 digits"),
        (lambda e: np.where(e == 2, np.nan, e), "it holds nan: 1 of 9 entries"),
    ],
)
def test_what_real_code_gets_wrong_is_said_as_such(got, words):
    want = np.arange(1.0, 10.0).reshape(3, 3)
    lines = "\n".join(report(lambda: check.close("p", lambda: got(want), expected=want)))
    assert f"    looks     {words}" in lines


def test_a_near_miss_is_told_how_exact_it_has_to_be():
    want = np.arange(1.0, 10.0).reshape(3, 3)
    lines = "\n".join(report(lambda: check.close("p", lambda: want + np.where(want == 9, 1e-3, 0), expected=want, rtol=1e-5, atol=1e-6)))
    assert "it is off by 0.001, and 9e-05 is allowed" in " ".join(lines.split())
    assert "allowed" not in "\n".join(report(lambda: check.close("p", lambda: want + 1, expected=want)))


def test_numbers_that_differ_never_look_the_same():
    lines = report(lambda: check.close("n", lambda: 6666.9001, expected=6666.9002, rtol=1e-9))
    assert lines[2:4] == ["    expected  float 6666.9002", "    actual    float 6666.9001"]
    two = np.array([6666.9002, 1.0])
    lines = report(lambda: check.close("n", lambda: two - np.array([1e-3, 0]), expected=two))
    assert "expected 6666.9002, got 6666.8992" in "\n".join(lines)
    lines = report(lambda: check.close("n", lambda: np.float32(6666.9), expected=6666.9))
    assert lines[2:5] == [
        "    expected  float 6666.9",
        "    actual    NumPy scalar float32 6666.9",
        "    looks     the numbers are right, only their type is another one",
    ]


def test_a_text_from_elsewhere_is_cleaned_and_says_where_it_is_cut():
    def coloured():
        raise RuntimeError("\x1b[31mred\x1b[0m " + "word " * 200)

    lines = "\n".join(report(lambda: check.close("c", coloured, expected=1.0)))
    assert "\x1b" not in lines
    assert "RuntimeError: red word" in lines
    assert "… (cut here)" in lines


def test_there_is_always_a_next_step(monkeypatch):
    lines = " ".join(report(lambda: check.close("n", lambda: 1.0, expected=2.0)))
    assert "make the call in a cell of your own and print what comes out" in lines
    assert "hint(" not in lines
    monkeypatch.setattr(chapter, "notes", lambda: {"exercises": {"thing": {"hints": ["look", "there"]}}})
    lines = report(lambda: check.close("n", lambda: 1.0, expected=2.0))
    assert "and print what comes out" in " ".join(lines)
    assert '`hint("thing")` says' in " ".join(lines)
    lines = " ".join(report(lambda: check.close("n", lambda: 1 / 0, expected=2.0)))
    assert "the full error says in which line it is" in lines


def test_a_pass_says_that_more_is_tried_when_graded(monkeypatch, capsys):
    monkeypatch.setattr(chapter, "notes", lambda: {"exercises": {"thing": {"hidden": ["thing__works"]}}})
    report(lambda: check.close("n", lambda: 2.0, expected=2.0))
    assert capsys.readouterr().out.endswith("n\nwhen graded, more cases of the same are tried\n")
    report(lambda: check.close("n", lambda: 2.0, expected=2.0), "thing__else")
    assert "when graded" not in capsys.readouterr().out


def test_a_loop_is_told_as_a_loop():
    where = guard.message(["Python loop"]).where
    assert "one by one" in where
    assert "call" not in where
    assert "that call" in guard.message(["Python loop", "torch.softmax"]).where
