"""Lost metadata, copies, moved and split cells: no answer is lost, and what was guessed is said."""

from __future__ import annotations

import json
from functools import cache

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from autograder.course.chapter import node
from autograder.intake.submission import match, parse

STUB = 'def total(x):\n    raise NotImplementedError("write this")'
MINE = "def total(x):\n    return sum(x)"


def meta(grade_id: str, **more: object) -> dict:
    return {"nbgrader": {"grade_id": grade_id, "solution": False, "grade": False, "locked": False, **more}}


@cache
def _source() -> str:
    cells = [
        new_code_cell("def total(x):\n    return sum(x)", id="total", metadata=meta("total", solution=True)),
        new_code_cell("assert total([1]) == 1", id="total__values", metadata=meta("total__values", grade=True, locked=True, points=1)),
        new_markdown_cell("### Question", id="01-002"),
        new_markdown_cell("model answer", id="why", metadata=meta("why", solution=True, grade=True, points=3)),
        new_markdown_cell("The end.", id="01-004"),
    ]
    return json.dumps(new_notebook(cells=cells))


def found(change):
    notebook = json.loads(_source())
    notebook["cells"][0]["source"] = STUB
    notebook["cells"][3]["source"] = "*Your answer here*"
    change(notebook["cells"])
    return match(parse(json.dumps(notebook).encode()), node(json.loads(_source())))


def test_a_cell_that_lost_its_metadata_is_found_by_its_id():
    def change(cells):
        cells[0] |= {"metadata": {}, "source": MINE}

    seen = found(change)
    assert seen.solution_source("total", STUB) == MINE
    assert "recognised by cell ids" in seen.notes[0]


def test_a_notebook_without_ids_and_metadata_is_read_by_what_it_defines():
    def change(cells):
        cells[0]["source"] = MINE
        for number, cell in enumerate(cells):
            cell["metadata"], cell["id"] = {}, f"x{number}"

    seen = found(change)
    assert seen.solution_source("total", STUB) == MINE
    assert any("by what it defines" in note for note in seen.notes)


def test_the_answer_in_a_new_cell_beside_the_untouched_stub():
    seen = found(lambda cells: cells.insert(0, json.loads(json.dumps(new_code_cell(MINE)))))
    assert seen.solution_source("total", STUB) == MINE


def test_a_broken_copy_does_not_break_the_right_one():
    def change(cells):
        cells[0]["source"] = MINE
        cells.insert(1, {**cells[0], "source": "def total(x:", "id": "copy"})

    assert found(change).solution_source("total", STUB) == MINE


@pytest.mark.parametrize("above", [True, False])
@pytest.mark.parametrize(
    ("copy", "wanted"),
    [
        (f"%%time\n{MINE}", [MINE, MINE]),
        ("%%time\ntotal([1])", [MINE, "total([1])"]),
        ("%%timeit\ntotal([1])", [MINE]),
        (f"%%timeit\n{MINE}", [MINE]),
        ("1/0", [MINE, "1/0"]),
        ("%%bash\nls", [MINE]),
        ("half = 2", [MINE, "half = 2"]),
        ("    return 3", [MINE, "    return 3"]),
    ],
)
def test_an_experiment_in_a_copy_of_the_cell_costs_no_answer(above, copy, wanted):
    def change(cells):
        cells[0]["source"] = MINE
        cells.insert(0 if above else 1, {**cells[0], "source": copy, "id": "copy"})

    seen = found(change).solution_source("total", STUB)
    if above:  # what only evaluates is left out there, and what is no Python does not compile with the rest
        wanted = [copy, MINE] if copy == "half = 2" else [MINE, MINE] if len(wanted) == 2 and wanted[1] == MINE else [MINE]
    assert seen == "\n\n".join(wanted)


def test_a_cell_magic_stays_first_in_its_cell():
    def change(cells):
        cells[0]["source"] = f"%%time\n{MINE}"

    assert found(change).solution_source("total", STUB) == f"%%time\n{MINE}"


def test_a_written_answer_in_a_text_cell_of_its_own_belongs_to_the_question():
    seen = found(lambda cells: cells.insert(4, json.loads(json.dumps(new_markdown_cell("Because of the sum.")))))
    assert "Because of the sum." in seen.manual["why"].source
    assert "The end." not in seen.manual["why"].source


def test_a_written_answer_that_lost_its_id_is_found_under_its_question():
    def change(cells):
        for number, cell in enumerate(cells):
            cell["metadata"], cell["id"] = {}, f"x{number}"
        cells[3]["source"] = "Because of the sum."

    seen = found(change)
    assert seen.manual["why"].source == "Because of the sum."
    assert "1 written answer(s) had lost their ids, found under their questions" in seen.notes

    def deleted(cells):
        change(cells)
        del cells[3]

    assert found(deleted).manual == {}, "the course's own prose is nobody's answer"


def test_scratch_that_defines_nothing_of_an_exercise_stays_scratch():
    seen = found(lambda cells: cells.insert(1, json.loads(json.dumps(new_code_cell("def other(x):\n    return x")))))
    assert [cell.source for _, cell in seen.plain] == ["def other(x):\n    return x"]
    assert seen.notes == []


def test_the_courses_own_cells_are_known_by_their_text():
    def change(cells):
        cells[0]["source"] = MINE
        for number, cell in enumerate(cells):
            cell["metadata"], cell["id"] = {}, f"x{number}"

    seen = found(change)
    assert seen.matched == 3
    assert seen.manual["why"].source == "*Your answer here*"
    assert seen.plain == []
    assert any("recognised by their text" in note for note in seen.notes)


def test_an_answer_under_an_old_name_is_found_by_its_place_and_said():
    def change(cells):
        cells[3]["source"] = "Because."
        cells[3]["metadata"]["nbgrader"]["grade_id"] = cells[3]["id"] = "reason"

    seen = found(change)
    assert seen.manual["why"].source == "Because."
    assert seen.notes == ["the answer to why was found in a cell called reason, by its place"]

    def two(cells):
        change(cells)
        cells.insert(4, json.loads(json.dumps(new_markdown_cell("Or not.", metadata=meta("other", solution=True, grade=True, points=1)))))

    assert "why" not in found(two).manual, "of two nobody can tell"


def test_an_answer_that_was_cut_in_the_middle_is_one_again():
    def change(cells):
        cells[0]["source"] = "def total(x):\n    found = 0"
        cells.insert(1, json.loads(json.dumps(new_code_cell("    for one in x:\n        found += one\n    return found"))))

    seen = found(change)
    assert seen.solution_source("total", STUB).endswith("    return found")
    assert seen.notes == ["the answer to total was cut into two cells, taken together"]
    assert found(lambda cells: cells.insert(1, json.loads(json.dumps(new_code_cell("    total([1])"))))).notes == []


def test_an_answer_that_is_a_value_is_found_by_its_name():
    notebook = json.loads(_source())
    notebook["cells"].insert(2, json.loads(json.dumps(new_code_cell("own = 3", id="own", metadata=meta("own", solution=True)))))
    handed_in = json.loads(json.dumps(notebook))
    for number, cell in enumerate(handed_in["cells"]):
        cell["metadata"], cell["id"] = {}, f"x{number}"
    handed_in["cells"][2]["source"] = "own = 5"
    seen = match(parse(json.dumps(handed_in).encode()), node(notebook))
    assert seen.solution_source("own", "raise NotImplementedError") == "own = 5"
