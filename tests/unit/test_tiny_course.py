"""Every step of the grader on a tiny course of another subject: what is run, what is judged, what is said."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from autograder.author.outline import with_outline
from autograder.author.rehearse import Rehearsal, warm
from autograder.course import chapter as ch
from autograder.course import solutions
from autograder.intake.submission import match, parse
from autograder.judge.merged import merged
from autograder.judge.result import Result, not_run
from autograder.rebuild.cells import reference_cells, splits_of, stubs_of, submission_cells
from tests.e2e.classroom import cell_of, code
from tests.unit.conftest import NAME


def as_submission(room, notebook):
    return match(parse(json.dumps(notebook).encode()), room.chapter.source)


def outcome(graded, student, exercise):
    return graded[1][student].exercises[exercise].outcome


@pytest.mark.parametrize(
    ("student", "exercise", "wanted", "score"),
    [
        ("right", "middle", "pass", 3),
        ("right", "spread", "pass", 3),
        ("right", "own", "untested", 0),
        ("mistake", "middle", "not yet", 1),
        ("forbidden", "middle", "not yet", 0),
        ("zero", "spread", "checker broke", 0),
        ("crash", "spread", "not yet", 0),
        ("untouched", "middle", "not yet", 0),
        ("extra", "middle", "pass", 3),
        ("broken", "middle", "not reached", 0),
        ("missing", "spread", "not reached", 0),
    ],
)
def test_every_outcome_and_its_points(graded, student, exercise, wanted, score):
    found = graded[1][student].exercises[exercise]
    assert (found.outcome, found.score) == (wanted, score)


def test_scores_add_up_and_status_is_what_became_of_the_file(graded):
    found = {student: (r.status, r.score) for student, r in graded[1].items()}
    assert found == {
        "right": ("graded", 6.0), "mistake": ("graded", 4.0), "forbidden": ("graded", 3.0), "zero": ("graded", 3.0),
        "crash": ("graded", 3.0), "untouched": ("graded", 0.0), "extra": ("graded", 6.0),
        "broken": ("rejected", 0.0), "missing": ("missing", 0.0),
    }  # fmt: skip
    assert {r.max_score for r in graded[1].values()} == {6.0}


@pytest.mark.parametrize(
    ("student", "exercise", "lines"),
    [
        ("mistake", "middle", ["of three numbers in no order", "expected  float 4", "actual    float 1", "help      this takes the number"]),
        ("forbidden", "middle", ["it is your own work", "your code calls statistics.*", "write it without"]),
        ("untouched", "middle", ["not written yet", '`hint("middle")`']),
        ("crash", "spread", ["AttributeError", "make the call in a cell of your own"]),
        ("zero", "spread", ["checker broke", "is not closed", "forgotten"]),
    ],
)
def test_what_a_message_says(graded, student, exercise, lines):
    message = graded[1][student].exercises[exercise].message
    assert [line for line in lines if line not in message] == []
    assert "1 own mean" not in message


def test_the_mistake_is_named_and_a_broken_checker_waits_for_a_person(graded):
    _, found = graded
    assert found["mistake"].exercises["middle"].mistake == "not_sorted"
    assert (found["zero"].reason or "").startswith("needs attention: spread")
    assert [r.student for r in found.values() if (r.reason or "").startswith("needs attention")] == ["zero"]


def test_a_plain_assert_is_cut_where_it_can_be_and_judged_in_process_where_not(tiny, graded):
    split = splits_of(graded[0].chapter.source)["spread__plain"]
    assert split.in_process
    assert [(one.left, one.right) for one in split.asserts] == [("spread(np.array([1.0, 1.0]))", "0.0")]
    assert "== 0.0" not in split.student
    assert "for step in" in split.student
    assert graded[1]["crash"].cells["spread__plain"]["outcome"] == "not yet"
    assert graded[1]["right"].cells["spread__plain"]["outcome"] == "pass"


def test_a_check_is_split_into_what_runs_and_what_judges(graded):
    split = splits_of(graded[0].chapter.source)["middle__values"]
    assert "expected" not in split.student
    assert [(site.number, site.check, site.hidden) for site in split.sites] == [(0, "close", False), (1, "close", False), (2, "close", True)]
    assert split.sites[0].behaviour == "of three numbers in no order it is the one between"
    assert split.sites[0].advice == "sort first"


def test_a_run_is_made_of_the_sources_cells_in_the_sources_order(room):
    notebook = room.notebook(room.right)
    tests = [cell_of(notebook, "middle__values"), cell_of(notebook, "spread__value")]
    for index in tests:
        notebook["cells"][index]["source"] = "raise SystemExit"
    notebook["cells"].reverse()
    cells = submission_cells(room.chapter.source, as_submission(room, notebook), stubs_of(room.chapter.release))
    cells = [cell for cell in cells if not cell.plain]  # the hints' cells are the student's to run
    assert [cell.id for cell in cells] == [
        "setup", "middle", "middle__values", "middle__list_kept", "spread", "spread__value", "spread__plain", "own"
    ]  # fmt: skip
    assert [cell.role for cell in cells] == ["setup", "student", "test", "test", "student", "test", "assert", "student"]
    assert not any("SystemExit" in cell.source for cell in cells)


def test_a_missing_solution_is_its_stub_and_a_plain_cell_comes_where_it_stood(room):
    notebook = room.notebook(room.right)
    del notebook["cells"][cell_of(notebook, "spread")]
    notebook["cells"].insert(cell_of(notebook, "spread__value"), code("aside = 1"))
    cells = submission_cells(room.chapter.source, as_submission(room, notebook), stubs_of(room.chapter.release))
    assert next(cell.source for cell in cells if cell.id == "spread") == stubs_of(room.chapter.release)["spread"]
    ids = [cell.id for cell in cells]
    assert ids.index("middle__list_kept") < ids.index(next(c.id for c in cells if c.source == "aside = 1")) < ids.index("spread__value")


def test_the_reference_runs_no_plain_asserts_and_takes_another_solution_in(room):
    cells = reference_cells(room.chapter.source, {"middle": "middle = sorted"}, only={"middle"})
    assert [cell.id for cell in cells if cell.role == "test"] == ["middle__values", "middle__list_kept"]
    assert next(cell.source for cell in cells if cell.id == "middle") == "middle = sorted"


def test_the_notes_hold_hints_mistakes_and_the_course_and_no_answer(room):
    notes = room.chapter.notes
    assert notes["course"]["name"] == "Tiny Statistics"
    middle = notes["exercises"]["middle"]
    assert len(middle["hints"]) == 2
    assert middle["forbidden"] == ["statistics.*", "numpy.median"]
    assert [one["name"] for one in middle["mistakes"]] == ["not_sorted", "sorts_in_place"]
    assert "ordered[half" not in json.dumps(notes)


def test_the_outline_lists_what_can_be_earned_in_order(room):
    made = with_outline(room.chapter.notes, room.chapter.source, room.chapter.settings)
    assert (made["title"], made["order"]) == ("Middle and spread", ["middle", "spread", "own"])
    middle = {key: made["exercises"]["middle"][key] for key in ("difficulty", "minutes", "points", "cells", "hidden")}
    assert middle == {
        "difficulty": 1, "minutes": 5, "points": 3.0,
        "cells": ["middle__values", "middle__list_kept"], "hidden": ["middle__values"],
    }  # fmt: skip
    assert made == room.chapter.notes, "the build ships it"


def test_named_solutions_are_read_with_what_they_have_to_name(room):
    found = {(one.exercise, one.name): one.names for one in room.chapter.named(solutions.REFUSED)}
    assert found == {("middle", "by_the_library"): "statistics", ("spread", "of_a_sample"): ""}
    assert room.chapter.named("no_such.py") == []


@pytest.fixture(scope="module")
def rehearsal(tiny, tmp_path_factory):
    with warm() as template_of:
        chapter = ch.Chapter(tiny, NAME)
        yield Rehearsal(tiny, NAME, template_of(chapter), tmp_path_factory.mktemp("records"))


def test_every_named_solution_is_handed_in_and_gets_what_it_has_to(rehearsal):
    named = rehearsal.chapter.named
    assert [rehearsal.mistake_lines(one) for one in named(solutions.MISTAKES)] == [[], [], []]
    assert [rehearsal.variant_lines(one) for one in named(solutions.VARIANTS)] == [[], []]
    assert [rehearsal.refused_lines(one) for one in named(solutions.REFUSED)] == [[], []]


def test_a_refused_solution_that_is_accepted_or_not_named_is_a_finding(rehearsal):
    [library, sample] = rehearsal.chapter.named(solutions.REFUSED)
    [both_ends, _] = rehearsal.chapter.named(solutions.VARIANTS)
    assert [line.finding for line in rehearsal.refused_lines(both_ends)] == ["is accepted"]
    [line] = rehearsal.refused_lines(replace(library, names="numpy.median"))
    assert str(line).startswith("refused middle: by_the_library: is not told of numpy.median: ")
    assert rehearsal.refused_lines(replace(sample, names="grows with the numbers")) == []


def test_notebooks_of_an_assignment_are_one_result_with_every_reason(room):
    one, two = Result("ada", "x@a", "graded", score=2.0, max_score=3.0), not_run(room.chapter, "ada", "missing", "no b", "none")
    [whole] = merged("x", {"a": [one], "b": [two]})
    assert (whole.status, whole.score, whole.max_score, whole.reason) == ("graded", 2.0, 9.0, "b: no b")
    assert set(whole.exercises) == {"b/middle", "b/spread", "b/own"}
