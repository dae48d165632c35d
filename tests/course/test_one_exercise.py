"""One exercise by itself: run with nothing but what it needs, and passed with all others unwritten."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autograder.author.notes import wrong_in
from autograder.course import chapter as ch
from autograder.intake.submission import match, parse
from autograder.judge.grade_one import judge_exercise, observe
from autograder.judge.reference import Reference
from autograder.rebuild.cells import for_exercises, submission_cells

ROOT = Path(__file__).resolve().parents[2]
BY_CHAPTER = [pytest.param(name, marks=pytest.mark.slow) for name in ch.names(ROOT, "course")]


@pytest.mark.parametrize("name", BY_CHAPTER)
def test_a_slice_observes_what_the_whole_chapter_does(rehearse, name):
    whole = rehearse(name).reference
    for exercise, settings in whole.chapter.exercises.items():
        alone = Reference(whole.chapter, whole.template, None, only=[exercise])
        wanted = {cell: whole.frames[cell] for cell in settings.points if cell in whole.frames}
        assert alone.frames.keys() == wanted.keys(), exercise
        # judged, not compared to the bit: what is drawn without a seed, and times, are others in every run
        found = {cell: wrong_in(whole.splits[cell], frame, alone.frames[cell], cell) for cell, frame in wanted.items()}
        assert {cell: one for cell, one in found.items() if one} == {}, exercise


@pytest.mark.parametrize("name", BY_CHAPTER)
def test_each_exercise_passes_with_the_others_unwritten(rehearse, name):
    made = rehearse(name)
    right, release = made.right(), made.chapter.release_path.read_bytes()
    outcomes = {}
    for exercise in made.chapter.exercises:
        notebook = json.loads(release)
        for cell in notebook["cells"]:
            if ch.grade_id_of(cell) == exercise:
                cell["source"] = right[exercise]
        submission = match(parse(json.dumps(notebook).encode()), made.chapter.source)
        cells = for_exercises(submission_cells(made.chapter.source, submission, made.reference.stubs), [exercise])
        found, _ = judge_exercise(exercise, right[exercise], observe(cells, made.reference, made.template), made.reference)
        outcomes[exercise] = (found.outcome, found.message)
    assert {name: one for name, one in outcomes.items() if one[0] != "pass"} == {}
