"""What the rehearsal makes of what it has tried, and the forks that it tries things in."""

from __future__ import annotations

import os
import time

import pytest

from autograder.author import forks
from autograder.author.trials import Figures, apart, figures, told
from autograder.author.tryout import Shown, Tried
from autograder.course.solutions import NamedSolution

KNOWN = [
    NamedSolution("f", "doubled", "", "You double."),
    NamedSolution("f", "twice", "", "You double."),
    NamedSolution("f", "halved", "", "You halve."),
    NamedSolution("f", "late", "", "Too late.", hidden_only="only a long run shows it"),
]


def tried(name: str, desk: Shown, graded: Shown, **more: object) -> Tried:
    return Tried("f", "mistake", name, {"f__x": desk}, {"f__x": graded}, **more)


PASS = Shown("pass")


def not_yet(help: str = "", hidden: bool = False, refused: bool = False) -> Shown:
    return Shown("not yet", "it is right", help, None, hidden, refused)


@pytest.mark.parametrize(
    ("one", "lines"),
    [
        (tried("doubled", not_yet("You double."), not_yet("You double.")), []),
        (tried("doubled", PASS, PASS, accepted=True), ["is accepted"]),
        (tried("doubled", not_yet("You halve."), not_yet("You double.")), ["foreign help at the desk in f__x: halved", "own help is never shown at the desk"]),
        (tried("doubled", not_yet("You double."), not_yet("You halve.")), ["foreign help when graded in f__x: halved", "own help is never shown when graded"]),
        (tried("doubled", not_yet(), not_yet("You double.")), ["own help is never shown at the desk"]),
        (tried("doubled", PASS, not_yet("You double.", hidden=True)), ["no visible check fails"]),
        (tried("late", PASS, not_yet("Too late.", hidden=True)), []),
        (tried("late", not_yet("Too late."), not_yet("Too late.")), ["fails a visible check, so it is not hidden_only"]),
        (tried("halved", not_yet("You halve."), not_yet("You halve."), hurts={"g__y": "NaN"}), ["costs g__y too: NaN"]),
    ],
)
def test_what_is_not_as_it_should_be_is_said(one, lines):
    found = told(one, KNOWN)
    assert len(found) == len(lines)
    assert all(line.startswith(start) for line, start in zip(found, lines, strict=True))


def test_right_solutions_are_accepted_and_others_are_not():
    right = Tried("f", "variant", "odd", {"f__x": PASS}, {"f__x": PASS}, accepted=True)
    assert told(right, []) == []
    assert "not accepted at the desk" in told(Tried("f", "right", "r", {"f__x": not_yet()}, {}, accepted=True), [])[0]
    assert told(Tried("f", "refused", "r", accepted=True), []) == ["is accepted"]
    assert told(Tried("f", "refused", "r"), []) == []
    assert told(Tried("f", "refused", "r", unnamed="torch.relu"), []) == ["is refused by a message that does not name torch.relu"]
    assert "holds the answer" in told(Tried("f", "expected", "e", accepted=True, note="x @ w"), [])[0]


@pytest.mark.parametrize(
    ("desk", "graded", "differs"),
    [
        (PASS, PASS, False),
        (not_yet(), not_yet(), False),
        (PASS, not_yet(hidden=True), False),
        (PASS, not_yet(), True),
        (not_yet(), PASS, True),
        (not_yet(), not_yet(hidden=True), True),
        (not_yet(refused=True), not_yet(refused=True), False),
        (PASS, not_yet(refused=True), True),
        (not_yet(refused=True), PASS, True),
    ],
)
def test_two_paths_one_verdict(desk, graded, differs):
    assert bool(apart(tried("doubled", desk, graded, refused=graded.refused))) == differs


def test_figures():
    found = figures(
        [
            tried("doubled", not_yet("You double."), not_yet("You double.")),
            tried("halved", not_yet("You double."), not_yet("You halve.")),
            tried("late", PASS, not_yet("Too late.", hidden=True)),
        ],
        KNOWN,
    )
    assert found == Figures(mistakes=3, own=2, foreign=1, hidden_only=1)


def test_forks_say_what_they_said_in_order_whatever_becomes_of_them():
    def dies(emit):
        emit({"said": 1})
        os.kill(os.getpid(), 9)

    def loops(emit):
        emit({"said": "x" * 200_000})
        with forks.limit(0.2):
            while True:
                pass

    def sleeps(emit):
        time.sleep(0.3)
        emit({"said": 3})

    found = forks.each([dies, loops, sleeps, lambda emit: emit({"said": 4})], jobs=3)
    assert [one.frames[0]["said"] for one in found] == [1, "x" * 200_000, 3, 4]
    assert [one.died for one in found] == ["killed by signal 9", "stopped: an endless loop?", "", ""]
