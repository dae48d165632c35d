"""Every chapter as a product: the reference earns everything, the untouched release nothing, each known mistake
is rejected with its own help, each unusual right solution is accepted."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.author import proof
from autograder.author.desk import Desk
from autograder.author.mutate import mutate
from autograder.author.trials import Figures, apart, figures, told
from autograder.course import chapter as ch

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = ch.names(ROOT, "course")


def named(file: str) -> list:
    return [
        pytest.param(
            name,
            solution,
            id=f"{name[:2]}-{solution.exercise}-{solution.name}",
            # one worker for an exercise: the records of its known mistakes are made once
            marks=pytest.mark.xdist_group(f"{name} {solution.exercise}"),
        )
        for name in CHAPTERS
        for solution in ch.Chapter(ROOT, name).named(file)
    ]


#: Chapters whose named solutions are all tried every day; the others take minutes each, in `make test-all`.
EVERY_DAY = ("01_numpy_backprop",)
#: One worker for a chapter: what it tries is tried once.
BY_CHAPTER = [
    pytest.param(name, marks=[pytest.mark.xdist_group(f"tried {name}"), *([] if name in EVERY_DAY else [pytest.mark.slow])])
    for name in CHAPTERS
]


def test_there_are_chapters():
    assert CHAPTERS
    assert CHAPTERS == ch.names(ROOT, "source") == ch.names(ROOT, "release")


@pytest.mark.parametrize("name", CHAPTERS)
def test_reference_earns_everything(rehearse, name):
    assert [str(line) for line in rehearse(name).reference_lines()] == []


#: From chapter 8 on the course's own cells train; they take minutes, in `make test-all`.
QUICK = [pytest.param(name, marks=[] if name < "08" else [pytest.mark.slow]) for name in CHAPTERS]


@pytest.mark.parametrize("name", QUICK)
def test_untouched_release_earns_nothing(rehearse, name):
    assert [str(line) for line in rehearse(name).untouched_lines()] == []


@pytest.mark.parametrize("name", BY_CHAPTER)
def test_no_mistake_is_accepted_told_anothers_help_or_costs_another_exercise(trials, name):
    known = trials.desk(name).mistakes
    wrong = [one for one in trials.tried(name) if one.kind == "mistake"]
    assert len(wrong) == len(known)
    lines = {f"{one.exercise}: {one.name}: {line}" for one in wrong for line in told(one, known)}
    assert not [line for line in lines if "own help" not in line and "no visible check" not in line]
    assert figures(wrong, known).foreign == 0


@pytest.mark.parametrize("name", BY_CHAPTER)
def test_every_mistake_fails_a_visible_check_and_is_told_its_own_help(trials, name):
    known = trials.desk(name).mistakes
    wrong = [one for one in trials.tried(name) if one.kind == "mistake"]
    assert {f"{one.exercise}: {one.name}": found for one in wrong if (found := told(one, known))} == {}


@pytest.mark.parametrize("name", BY_CHAPTER)
def test_right_solutions_are_accepted_in_any_style_and_refused_ones_are_not(trials, name):
    others = [one for one in trials.tried(name) if one.kind in ("right", "variant", "refused")]
    assert {f"{one.kind} {one.exercise}: {one.name}": found for one in others if (found := told(one, []))} == {}


@pytest.mark.parametrize("name", BY_CHAPTER)
def test_an_exercise_that_is_not_written_costs_no_other(trials, name):
    stubs = [one for one in trials.tried(name) if one.kind == "unwritten"]
    assert {one.exercise: found for one in stubs if (found := told(one, []))} == {}


@pytest.mark.parametrize("name", BY_CHAPTER)
def test_what_a_visible_check_expects_is_not_the_answer(trials, name):
    expected = [one for one in trials.tried(name) if one.kind == "expected"]
    assert {one.exercise: found for one in expected if (found := told(one, []))} == {}


@pytest.mark.parametrize("name", BY_CHAPTER)
def test_the_verdict_at_the_desk_is_the_verdict_in_class(trials, name):
    """Every mistake and every right solution down both paths; what hidden checks find is found in class only."""
    assert {f"{one.kind} {one.exercise}: {one.name}": found for one in trials.tried(name) if (found := apart(one))} == {}


@pytest.mark.parametrize("name", CHAPTERS)
def test_what_the_last_rehearsal_showed_is_of_this_text_and_all_as_it_should_be(name):
    """The figures of the README were measured on the text that stands here; `trials` above measures them again."""
    if not proof.read(ROOT, name)["rehearsed"]:
        pytest.skip(f"{name} was not rehearsed whole yet: autograder dev rehearse {name}")
    stale = proof.stale(Desk(ROOT, name), "rehearsed")
    assert not stale, f"{stale} changed since the last rehearsal: autograder dev rehearse {name}"
    findings = {exercise: one["findings"] for exercise, one in proof.read(ROOT, name)["rehearsed"].items() if one["findings"]}
    assert findings == {}


@pytest.mark.parametrize("name", CHAPTERS)
def test_the_last_mutants_were_of_this_text_and_none_survived_without_a_reason(name):
    if not proof.read(ROOT, name)["mutated"]:
        pytest.skip(f"the mutants of {name} were not tried yet: autograder dev mutate {name}")
    stale = proof.stale(Desk(ROOT, name), "mutated")
    assert not stale, f"{stale} changed since their mutants were tried: autograder dev mutate {name}"
    assert {exercise: one["survive"] for exercise, one in proof.read(ROOT, name)["mutated"].items() if one["survive"]} == {}


@pytest.mark.parametrize("name", BY_CHAPTER)
def test_what_is_kept_of_a_rehearsal_is_what_it_shows(trials, name):
    if not proof.read(ROOT, name)["rehearsed"]:
        pytest.skip(f"nothing is kept of {name} yet: autograder dev rehearse {name}")
    found, known = trials.tried(name), trials.desk(name).mistakes
    kept = proof.read(ROOT, name)["rehearsed"].values()
    assert figures(found, known) == Figures(*(sum(one[key] for one in kept) for key in ("mistakes", "own", "foreign", "hidden_only")))
    assert len(found) == sum(one["tried"] for one in kept)


def test_the_readme_shows_the_figures():
    shown = (ROOT / "README.md").read_text(encoding="utf-8").partition("<!-- diagnosis -->")[2].partition("<!-- /diagnosis -->")[0]
    assert shown.strip() == proof.table(ROOT, CHAPTERS), "autograder dev rehearse --table prints it"


@pytest.mark.slow
@pytest.mark.parametrize(("name", "wrong"), named("mistakes.py"))
def test_mistake_handed_in_is_rejected_with_its_own_help(rehearse, name, wrong):
    assert [str(line) for line in rehearse(name).mistake_lines(wrong)] == []


@pytest.mark.slow
@pytest.mark.parametrize(("name", "unusual"), named("variants.py"))
def test_unusual_right_solution_handed_in_is_accepted(rehearse, name, unusual):
    assert [str(line) for line in rehearse(name).variant_lines(unusual)] == []


@pytest.mark.slow
@pytest.mark.parametrize(("name", "refused"), named("refused.py"))
def test_refused_solution_handed_in_loses_points_by_a_message_that_names_why(rehearse, name, refused):
    assert [str(line) for line in rehearse(name).refused_lines(refused)] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", CHAPTERS)
def test_no_mutant_of_a_reference_survives_without_a_reason(trials, name):
    found = mutate(ROOT, name, trials=trials)
    assert [f"{one.exercise}: {one.was} -> {one.now}" for one in found.holes] == []
    assert found.stale == []


RUN_ALL = """
import sys, time, types, warnings
from autograder.course import chapter as ch
warnings.simplefilter("error")
warnings.filterwarnings("ignore", message=".*torch.jit[.]", category=DeprecationWarning)  # torch's own, on import
module = sys.modules["__main__"] = types.ModuleType("__main__")  # as in a kernel: dynamo looks names up there
space, started = vars(module), time.process_time()
for number, cell in enumerate(ch.read_trusted(__import__("pathlib").Path(sys.argv[1])).cells):
    if cell.cell_type == "code":
        try:
            exec(compile(cell.source, f"<cell {number} {ch.grade_id_of(cell)}>", "exec"), space)
        except BaseException as error:
            sys.exit(f"cell {number} {ch.grade_id_of(cell)}: {type(error).__name__}: {error}")
print("seconds", time.process_time() - started)
"""


@pytest.mark.parametrize("name", CHAPTERS)
def test_the_reference_notebook_runs_judges_itself_right_and_leaves_no_warning(name, tmp_path):
    """Every cell, pictures included, with the judgements in place: expected values have to fit the reference."""
    # in a copy: what a notebook writes beside itself, as chapter 8 does, is no built file
    folder = shutil.copytree(ROOT / "source" / name, tmp_path / name)
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COURSEKIT")}
    environment |= {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "COURSE_OFFLINE": "1", "MPLBACKEND": "Agg"}
    done = subprocess.run(
        [sys.executable, "-c", RUN_ALL, f"{name}.ipynb"], cwd=folder, capture_output=True, text=True, env=environment, timeout=400
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stderr == ""
    assert float(done.stdout.split("seconds")[-1]) < 60
