"""What a rehearsal showed is kept with the text it was made on; a text that changed is seen."""

from __future__ import annotations

import shutil
from pathlib import Path

from autograder.author import proof
from autograder.author.desk import Desk
from autograder.author.trials import Shown, Tried

TINY = Path(__file__).resolve().parents[1] / "data" / "tiny_course"
CHAPTER = "01_spread"


def course(tmp_path):
    root = tmp_path / "course"
    shutil.copytree(TINY, root)
    (root / "source" / CHAPTER).mkdir(parents=True)
    return root, CHAPTER


def test_what_was_tried_is_kept_and_a_change_of_the_text_is_seen(tmp_path):
    root, chapter = course(tmp_path)
    desk = Desk(root, chapter)
    assert proof.stale(desk, "rehearsed") == list(desk.right)
    first, *others = desk.right
    mistakes = [one for one in desk.mistakes if one.exercise == first]
    right = Tried(first, "right", "reference", {}, {}, accepted=True)
    wrong = [Tried(first, "mistake", one.name, {"c": Shown("not yet", help=one.help)}, {"c": Shown("not yet", help=one.help)}) for one in mistakes]
    proof.keep_rehearsed(desk, [right, *wrong])
    proof.keep_mutated(desk, {first: {"tried": 5, "survive": 0, "same": 2}})
    assert proof.stale(desk, "rehearsed") == others
    assert proof.read(root, chapter)["rehearsed"][first]["findings"] == {}
    assert proof.table(root, [chapter]).split("\n")[-1] == f"| all | {len(mistakes)} | {len(mistakes)} | 0 | 0 | 5 | 0 | 2 |"

    text = root / "course" / chapter / "mistakes.py"
    text.write_text(text.read_text(encoding="utf-8").replace(f"# %% {first}:", f"# %% {first}: renamed_", 1).replace(": renamed_ ", ": renamed_"), encoding="utf-8")
    assert proof.stale(Desk(root, chapter), "rehearsed") == [first, *others]
    assert proof.stale(Desk(root, chapter), "mutated") == others, "mutants are of the reference alone"


def test_a_finding_is_kept_by_its_name(tmp_path):
    root, chapter = course(tmp_path)
    desk = Desk(root, chapter)
    first = next(iter(desk.right))
    proof.keep_rehearsed(desk, [Tried(first, "variant", "odd", {}, {"c": Shown("not yet", "no")}, accepted=False)])
    assert list(proof.read(root, chapter)["rehearsed"][first]["findings"]) == ["variant odd"]


def test_a_test_that_changes_makes_stale_its_exercise_and_those_it_depends_on(tmp_path, monkeypatch):
    root, chapter = course(tmp_path)
    monkeypatch.setattr(Desk, "dependents", lambda self, name: {"middle": ["spread"]}.get(name, []))
    desk = Desk(root, chapter)
    for exercise in desk.right:
        proof.keep_rehearsed(desk, [Tried(exercise, "right", "reference", {}, {}, accepted=True)])
    assert proof.stale(desk, "rehearsed") == []
    text = root / "course" / chapter / f"{chapter}.py"
    before = text.read_text(encoding="utf-8")
    for exercise, concerned in (("middle", ["middle"]), ("spread", ["middle", "spread"])):
        text.write_text(before.replace(f'@check.cell("{exercise}__', f'# another test\n@check.cell("{exercise}__', 1), encoding="utf-8")
        assert proof.stale(Desk(root, chapter), "rehearsed") == concerned
    text.write_text(before.replace("half = len(ordered) // 2", "half = len(ordered) // 2  # rounded down", 1), encoding="utf-8")
    assert proof.stale(Desk(root, chapter), "rehearsed") == list(desk.right), "what a solution is, every exercise may meet"
