"""Points that nobody earned: whatever a notebook reaches for, its target earns nothing, and the class goes on."""

from __future__ import annotations

import pytest

from autograder.sandbox import trial
from tests.e2e.cheats import CHEATS
from tests.e2e.classroom import Classroom, cell_of, code

pytestmark = pytest.mark.skipif(trial.missing() is not None, reason=f"no sandbox here: {trial.missing()}")
#: One chapter every day, the others with the long gates.
CHAPTERS = [pytest.param(name, marks=[] if name < "02" else [pytest.mark.slow]) for name in CHEATS]


@pytest.mark.parametrize("chapter", CHAPTERS)
def test_a_cheat_earns_nothing_on_its_target(tmp_path, grade, chapter):
    room = Classroom(tmp_path / "course", chapter)
    room.submit("a_honest")
    for name, cheat in CHEATS[chapter].items():
        notebook = room.notebook(room.right | {cheat.target: cheat.solution})
        for text, at in ((cheat.before, cell_of(notebook, next(iter(room.chapter.exercises[cheat.target].points)))), (cheat.first, 0)):
            if text:
                notebook["cells"].insert(at, code(text))
        room.submit(f"m_{name}", notebook)
    results = grade(room)
    earned = {name: results[f"m_{name}"].exercises[cheat.target].score for name, cheat in CHEATS[chapter].items()}
    assert {name: score for name, score in earned.items() if score} == {}
    assert results["a_honest"].score == results["a_honest"].max_score
    assert {r.status for r in results.values()} == {"graded"}
