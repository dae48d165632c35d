"""The reference of one exercise, run with nothing but what it needs, observes what it does in the whole chapter."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.course import chapter as ch
from autograder.judge.reference import Reference

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("name", ch.names(ROOT, "course"))
def test_a_slice_observes_what_the_whole_chapter_does(rehearse, name):
    whole = rehearse(name).reference
    for exercise, settings in whole.chapter.exercises.items():
        alone = Reference(whole.chapter, whole.template, None, only=[exercise])
        seen = {cell: frame["tests"] for cell, frame in alone.frames.items()}
        assert seen == {cell: whole.frames[cell]["tests"] for cell in settings.points if cell in whole.frames}, exercise
