"""The graded notebook as formgrader and feedback pages show it: every cell where the course has it."""

from __future__ import annotations

import copy
from types import SimpleNamespace

import pytest

from autograder.books import autograded
from autograder.course import chapter as ch
from autograder.intake.submission import match, parse
from tests.unit import tiny_course


def prose(text):
    return {"cell_type": "markdown", "id": text.replace(" ", "-"), "metadata": {}, "source": text}


def code(text, name=""):
    return {"cell_type": "code", "id": name or text[:20].replace(" ", "-"), "metadata": {}, "source": text, "outputs": [], "execution_count": None}


def between(notebook):
    """Put prose and code of the course's after the solution cell."""
    found = copy.deepcopy(notebook)
    found["cells"][2:2] = [prose("First"), code("show(1)", "one"), prose("Second"), code("show(2)", "two"), prose("Third")]
    return found


def shown(*extra, changed=None, without=()):
    """Return the texts of a graded notebook between solution and test, where `extra` (index, cell) was added."""
    import json

    sent = between(tiny_course.notebook())
    for cell in sent["cells"]:
        if changed and cell["id"] == changed[0]:
            cell["source"] = changed[1]
    sent["cells"] = [cell for cell in sent["cells"] if cell["id"] not in without]
    for index, cell in extra:
        sent["cells"].insert(index, cell)
    chapter = SimpleNamespace(source=ch.node(between(tiny_course.notebook())), release=between(tiny_course.release()))
    submission = match(parse(json.dumps(sent).encode()), chapter.source)
    cells = [cell.source for cell in autograded.notebook_of(chapter, submission, tiny_course.verdict("ada", 2)).cells]
    return cells[2:-2]


def test_the_courses_own_cells_stand_under_the_prose_that_speaks_of_them():
    assert shown() == ["First", "show(1)", "Second", "show(2)", "Third"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"changed": ("one", "show(9)")}, ["First", "show(9)", "Second", "show(2)", "Third"]),
        ({"without": ("one",)}, ["First", "Second", "show(2)", "Third"]),
        ({"extra": [(4, code("mine"))]}, ["First", "show(1)", "Second", "mine", "show(2)", "Third"]),
        ({"extra": [(7, code("mine"))]}, ["First", "show(1)", "Second", "show(2)", "Third", "mine"]),
    ],
)
def test_a_students_own_cells_keep_their_place_among_them(given, expected):
    assert shown(*given.pop("extra", []), **given) == expected
