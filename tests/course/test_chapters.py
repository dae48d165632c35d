"""Every chapter as a product: the reference earns everything, the untouched release nothing, each known mistake
is rejected with its own help, each unusual right solution is accepted."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder import chapter as ch
from autograder import variants

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = ch.names(ROOT, "course")


def named(file: str) -> list:
    return [
        pytest.param(name, solution, id=f"{name[:2]}-{solution.exercise}-{solution.name}")
        for name in CHAPTERS
        for solution in variants.read(ROOT / "course" / name / file)
    ]


def test_there_are_chapters():
    assert CHAPTERS
    assert CHAPTERS == ch.names(ROOT, "source") == ch.names(ROOT, "release")


@pytest.mark.parametrize("name", CHAPTERS)
def test_reference_earns_everything(rehearse, name):
    assert [str(line) for line in rehearse(name).reference_lines()] == []


@pytest.mark.parametrize("name", CHAPTERS)
def test_untouched_release_earns_nothing(rehearse, name):
    assert [str(line) for line in rehearse(name).untouched_lines()] == []


@pytest.mark.parametrize(("name", "wrong"), named("mistakes.py"))
def test_mistake_is_rejected_with_its_own_help(rehearse, name, wrong):
    assert [str(line) for line in rehearse(name).mistake_lines(wrong)] == []


@pytest.mark.parametrize(("name", "unusual"), named("variants.py"))
def test_unusual_right_solution_is_accepted(rehearse, name, unusual):
    assert [str(line) for line in rehearse(name).variant_lines(unusual)] == []
