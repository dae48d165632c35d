"""A tiny course on another subject, built once a session, and its class with every outcome, graded once."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from autograder.author import build
from autograder.books import gradebook
from autograder.course.chapter import Chapter
from autograder.grade import Grading, Options
from tests.e2e.classroom import Classroom, code

TINY, NAME = Path(__file__).resolve().parents[1] / "data" / "tiny_course", "01_spread"
NOT_SORTED = "def middle(values):\n    half = len(values) // 2\n    return values[half] if len(values) % 2 else (values[half - 1] + values[half]) / 2\n"
#: student -> what they wrote in the place of the right solution
CLASS = {
    "right": {},
    "mistake": {"middle": NOT_SORTED},
    "forbidden": {"middle": "import statistics\ndef middle(values):\n    return statistics.median(values)\n"},
    "zero": {"spread": "def spread(values):\n    return 0.0\n"},
    "crash": {"spread": "def spread(values):\n    return values.spread()\n"},
}


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """Return the root of the tiny course, built from its text."""
    root = tmp_path_factory.mktemp("tiny") / "course"
    shutil.copytree(TINY, root)
    build.build(root, [NAME])
    gradebook.ensure_assignment(root, Chapter(root, NAME))  # nbgrader takes seconds for a new gradebook
    return root


@pytest.fixture
def room(tiny, tmp_path):
    """Return a copy of the tiny course that a test may do anything with."""
    return Classroom(tmp_path / "course", NAME, tiny)


def graded_here(room, announce=None, **options):
    """Grade a room in this process, without a wall, and return results by student; `announce` as for Grading.run."""
    grading = Grading(room.root, room.name, Options(trusting=True, jobs=1, **options))
    grading.sandbox, grading.isolation = False, "none: the tests' own class"
    return {result.student: result for result in grading.run(announce=announce)}


@pytest.fixture
def grade_here():
    return graded_here


@pytest.fixture(scope="session")
def graded(tiny, tmp_path_factory):
    """Return the room of a class with every outcome, and its results by student."""
    room = Classroom(tmp_path_factory.mktemp("class") / "course", NAME, tiny)
    for student, solutions in CLASS.items():
        room.submit(student, **solutions)
    room.submit("untouched", room.notebook())
    extra = room.notebook(room.right)
    extra["cells"].insert(3, code("print('a note of my own')"))
    room.submit("extra", extra)
    room.submit("broken", b"{")
    students = sorted(path.name for path in (room.root / "submitted").iterdir())
    return room, graded_here(room, students=["missing", *students])
