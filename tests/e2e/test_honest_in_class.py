"""Right answers beside a text that does more than compute: checks run again without the course's parts, and still pass."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.course import chapter as ch
from autograder.judge.plain_code import is_plain
from autograder.sandbox import trial
from tests.e2e.classroom import Classroom, code

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(trial.missing() is not None, reason=f"no sandbox here: {trial.missing()}"),
]
NOSY = "import os\nprint(len(os.listdir('.')))\n"


@pytest.mark.parametrize("name", ch.names(ROOT, "course"))
def test_the_reference_beside_a_look_around_earns_everything(tmp_path, grade, name):
    assert not is_plain([NOSY])
    room = Classroom(tmp_path / "course", name)
    notebook = room.notebook(room.right)
    notebook["cells"].append(code(NOSY))
    room.submit("ada", notebook)
    result = grade(room)["ada"]
    assert {exercise: one.message for exercise, one in result.exercises.items() if one.score < one.max_score} == {}
