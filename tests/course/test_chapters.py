"""Every chapter as a product: the reference earns everything, the untouched release nothing, each known mistake
is rejected with its own help, each unusual right solution is accepted."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.course import chapter as ch
from autograder.course import solutions

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
        for solution in solutions.read(ROOT / "course" / name / file)
    ]


def test_there_are_chapters():
    assert CHAPTERS
    assert CHAPTERS == ch.names(ROOT, "source") == ch.names(ROOT, "release")


@pytest.mark.parametrize("name", CHAPTERS)
def test_reference_earns_everything(rehearse, name):
    assert [str(line) for line in rehearse(name).reference_lines()] == []


@pytest.mark.parametrize("name", CHAPTERS)
def test_untouched_release_earns_nothing(rehearse, name):
    assert [str(line) for line in rehearse(name).untouched_lines()] == []


@pytest.mark.parametrize(("name", "wrong"), named("mistakes.py"))
def test_mistake_is_rejected_with_its_own_help(rehearse, name, wrong):
    """The first of each exercise is handed in like a student's work; of the others the records are judged."""
    first = next(m for m in solutions.read(ROOT / "course" / name / "mistakes.py") if m.exercise == wrong.exercise)
    assert [str(line) for line in rehearse(name).mistake_lines(wrong, handed_in=wrong == first)] == []


@pytest.mark.slow
@pytest.mark.parametrize(("name", "wrong"), named("mistakes.py"))
def test_mistake_handed_in_is_rejected_with_its_own_help(rehearse, name, wrong):
    assert [str(line) for line in rehearse(name).mistake_lines(wrong)] == []


@pytest.mark.parametrize(("name", "unusual"), named("variants.py"))
def test_unusual_right_solution_is_accepted(rehearse, name, unusual):
    assert [str(line) for line in rehearse(name).variant_lines(unusual)] == []


RUN_ALL = """
import sys, time, types, warnings
from autograder.course import chapter as ch
warnings.simplefilter("error")
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
def test_the_reference_notebook_runs_judges_itself_right_and_leaves_no_warning(name):
    """Every cell, pictures included, with the judgements in place: expected values have to fit the reference."""
    folder = ROOT / "source" / name
    environment = {k: v for k, v in os.environ.items() if not k.startswith("COURSEKIT")}
    environment |= {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT), "COURSE_OFFLINE": "1", "MPLBACKEND": "Agg"}
    done = subprocess.run(
        [sys.executable, "-c", RUN_ALL, f"{name}.ipynb"], cwd=folder, capture_output=True, text=True, env=environment, timeout=400
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stderr == ""
    assert float(done.stdout.split("seconds")[-1]) < 60
