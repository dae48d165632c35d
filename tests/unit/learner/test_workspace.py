"""A place of one's own: made once, never overwritten, one exercise given back, state that survives damage."""

from __future__ import annotations

import json
import subprocess
import sys
import threading

import pytest
from click.testing import CliRunner

from lessonkit import notes
from lessonkit.learner import cli, hinting, keep, outline, plan, progress, reset, shelf, state, workspace
from lessonkit.learner.errors import CourseError
from tests.unit.learner.conftest import CHAPTER, STUB, read, solve, write

MINE = "def total(x):\n    return sum(x)"


@pytest.fixture
def run(made, monkeypatch):
    """Return a function that runs `course …` in the workspace."""
    monkeypatch.chdir(made.folder)

    def call(*arguments: str):
        return CliRunner().invoke(cli.main, list(arguments), catch_exceptions=False)

    return call


def test_start_never_touches_what_is_there(made, course):
    solve(made, "total", MINE)
    again = workspace.start(made.folder, "sums_course")
    assert next(c["source"] for c in read(again)["cells"] if c["id"] == "total") == MINE


def test_start_refuses_the_courses_own_folder(course, tmp_path):
    (tmp_path / "clone" / "release").mkdir(parents=True)
    (tmp_path / "clone" / "course.toml").write_text("")
    with pytest.raises(CourseError, match="folder of your own"):
        workspace.start(tmp_path / "clone" / "release", "sums_course")


def test_no_course_installed_says_what_to_type(monkeypatch):
    monkeypatch.setattr(shelf, "entry_points", lambda group: [])
    with pytest.raises(CourseError, match="pip install"):
        shelf.course()


def test_reset_gives_one_exercise_back_with_its_deleted_checks_and_undo_works(made, run):
    solve(made, "total", "def total(x): return 7")
    solve(made, "mean", "def mean(x): return 2")
    found = read(made)
    found["cells"] = [c for c in found["cells"] if c["id"] != "total__values"]
    write(made, found)
    done = run("reset", "total")
    assert done.exit_code == 0
    cells = {c["id"]: c["source"] for c in read(made)["cells"]}
    assert cells["total"] == STUB.format("total")
    assert cells["mean"] == "def mean(x): return 2"
    assert [c["id"] for c in read(made)["cells"]][1:3] == ["total", "total__values"]
    assert run("undo").exit_code == 0
    assert next(c["source"] for c in read(made)["cells"] if c["id"] == "total") == "def total(x): return 7"


def test_a_second_undo_goes_further_back(made):
    exercises = outline.of(made)[0].exercises
    for text in ("one", "two"):
        solve(made, "total", text)
        reset.reset(made, exercises[:1])
    keep.undo(made.folder)
    assert next(c["source"] for c in read(made)["cells"] if c["id"] == "total") == "two"
    keep.undo(made.folder)
    assert next(c["source"] for c in read(made)["cells"] if c["id"] == "total") == "one"
    with pytest.raises(CourseError, match="nothing to undo"):
        keep.undo(made.folder)


def test_an_unknown_exercise_gets_a_guess(run):
    done = run("reset", "totl")
    assert done.exit_code == 1
    assert "Did you mean 'total'?" in done.output


def test_the_overview_names_the_next_exercise_and_its_minutes(run, made):
    assert "next: total in 01_sums, about 10 minutes" in run().output
    with state.change(made.inside) as now:
        now.of(CHAPTER, "total").passed = state.now()
    shown = run().output
    assert "1 of  2 exercises" in shown
    assert "next: mean" in shown
    assert "10 minutes of exercises are left" in shown


def test_outside_a_workspace_the_next_command_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(cli.main, [])
    assert done.exit_code == 1
    assert "course start" in done.output


def test_hints_stay_open_and_hold_the_recognised_mistake(made):
    (exercise, _) = outline.of(made)[0].exercises
    assert hinting.climb(made, exercise).steps == ["look"]
    with state.change(made.inside) as now:
        now.of(CHAPTER, "total").mistake = "off"
    ladder = hinting.climb(made, exercise)
    assert ladder.steps[1] == "What your result looks like: you are off by one"
    assert ladder.total == 3
    assert hinting.climb(made, exercise, more=False).steps == ladder.steps


def test_a_passed_exercise_is_written_by_its_last_check(made, monkeypatch):
    monkeypatch.chdir(made.folder / CHAPTER)
    progress.record("total__values", passed=False)
    assert not state.read(made.inside).of(CHAPTER, "total").passed
    progress.record("total__values", passed=True)
    found = state.read(made.inside).of(CHAPTER, "total")
    assert found.passed
    assert found.attempts == 2
    assert notes.notes()["chapter"] == CHAPTER


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", "could not be read"), ("[]", "something else than a state"), ('{"version": 99, "exercises": {}}', "version 99")],
)
def test_a_damaged_or_newer_state_is_kept_aside_and_said(made, text, said):
    (made.inside / state.FILE).write_text(text)
    found = state.read(made.inside)
    assert said in found.note
    (kept,) = made.inside.glob("state.kept-*.json")
    assert kept.read_text() == text


def test_changes_from_many_sides_at_once_are_all_there(made):
    def attempt() -> None:
        for _ in range(20):
            with state.change(made.inside) as now:
                now.of(CHAPTER, "total").attempts += 1

    threads = [threading.Thread(target=attempt) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert state.read(made.inside).of(CHAPTER, "total").attempts == 80


def test_progress_moves_to_another_machine(made, run, course, tmp_path, monkeypatch):
    with state.change(made.inside) as now:
        now.of(CHAPTER, "total").passed = state.now()
    assert run("export", str(tmp_path / "p.json")).exit_code == 0
    other = workspace.start(tmp_path / "other", "sums_course")
    monkeypatch.chdir(other.folder)
    assert CliRunner().invoke(cli.main, ["import", str(tmp_path / "p.json")]).exit_code == 0
    assert state.read(other.inside).of(CHAPTER, "total").passed
    (tmp_path / "bad.json").write_text("no")
    assert CliRunner().invoke(cli.main, ["import", str(tmp_path / "bad.json")]).exit_code == 1


def test_a_plan_says_ahead_and_behind(made):
    chapters, now = outline.of(made), state.State()
    now.plan = {"start": "2020-01-01T00:00:00+00:00", "days": 10, "minutes": 20}
    assert "20 minutes behind" in plan.standing(chapters, now)
    now.plan = plan.made("6 weeks", chapters, now)
    assert now.plan["days"] == 42
    assert "on time" in plan.standing(chapters, now)
    with pytest.raises(CourseError, match="no time"):
        plan.days_of("soon")


def test_review_puts_back_what_passed_two_days_ago(made, run):
    solve(made, "total", MINE)
    with state.change(made.inside) as now:
        now.of(CHAPTER, "total").passed = "2020-01-01T00:00:00+00:00"
    assert "total (01_sums) is empty again" in run("review").output
    assert next(c["source"] for c in read(made)["cells"] if c["id"] == "total") == STUB.format("total")
    assert state.read(made.inside).of(CHAPTER, "total").interval == 4


def test_visible_checks_judge_without_answers_and_an_untouched_stub_is_one_line(made, run):
    assert "total: not written yet\n" in run("check", "total").output
    solve(made, "total", "def total(x):\n    return 4")
    done = run("check", "total")
    assert done.exit_code == 1
    assert "total: not yet" in done.output
    solve(made, "total", MINE)
    done = run("check", "total")
    assert done.exit_code == 0
    assert "1 of 1 pass, judged by the visible checks" in done.output
    assert state.read(made.inside).of(CHAPTER, "total").passed


def test_a_solution_is_locked_until_the_pass_or_an_explicit_word(made, run, course):
    answers = course.parents[1] / "sums_course_answers"
    (answers / "source" / CHAPTER).mkdir(parents=True)
    (answers / "course" / CHAPTER).mkdir(parents=True)
    (answers / "__init__.py").write_text("")
    found = read(made)
    next(c for c in found["cells"] if c["id"] == "total")["source"] = "import math\n\n\n### BEGIN SOLUTION\ndef total(x):\n    return sum(x)\n### END SOLUTION"
    (answers / "source" / CHAPTER / f"{CHAPTER}.ipynb").write_text(json.dumps(found))
    (answers / "course" / CHAPTER / "variants.py").write_text("# %% total: by_a_loop\ndef total(x):\n    ...\n")
    assert "opens after the pass" in run("solution", "total").output
    shown = run("solution", "total", "--give-up").output
    assert "return sum(x)" in shown
    assert "another way: by a loop" in shown
    assert "SOLUTION" not in shown.split("# beside")[0]
    assert "import math\n\n\ndef total" in shown
    assert state.read(made.inside).of(CHAPTER, "total").gave_up


def test_the_command_loads_neither_torch_nor_the_grader():
    code = "import sys, lessonkit.learner.cli; print([m for m in ('torch', 'numpy', 'autograder', 'nbgrader', 'IPython') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
