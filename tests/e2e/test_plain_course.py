"""nbgrader's own quickstart course, graded without a change to it: the same scores as nbgrader gives."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.rebuild import plain_asserts
from autograder.sandbox import levels

sandboxed = pytest.mark.skipif(not levels.level()[0], reason="no sandbox on this machine")

RIGHT = "def squares(n):\n    if n < 1:\n        raise ValueError('n')\n    return [i ** 2 for i in range(1, n + 1)]\n"
NO_ERROR = "def squares(n):\n    return [i ** 2 for i in range(1, n + 1)]\n"
TUPLE = RIGHT.replace("[i ** 2 for i in range(1, n + 1)]", "tuple(i ** 2 for i in range(1, n + 1))")
#: student -> solutions of problem1, and whether problem2 was handed in
CLASS = {
    "right": ({}, True),
    "half": ({"squares": NO_ERROR}, True),
    "wrong": ({"squares": "def squares(n):\n    return 7\n"}, True),
    "crashing": ({"squares": "import os\ndef squares(n):\n    return 1 / 0\n"}, True),
    "a_tuple": ({"squares": TUPLE}, True),
    "own_formula": ({"sum_of_squares": "%time\ndef sum_of_squares(n):\n    return n * (n + 1) * (2 * n + 1) // 6\n"}, True),
    "one_missing": ({}, False),
}


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """Return nbgrader's quickstart course with a class that handed in both its notebooks."""
    root = tmp_path_factory.mktemp("plain") / "course101"
    made = subprocess.run([sys.executable, "-m", "nbgrader", "quickstart", "course101"], cwd=root.parent, capture_output=True, text=True)
    assert made.returncode == 0, made.stderr
    for student, (solutions, both) in CLASS.items():
        folder = root / "submitted" / student / "ps1"
        folder.mkdir(parents=True)
        for name in ("problem1", *(["problem2"] if both else [])):
            notebook = json.loads((root / "source" / "ps1" / f"{name}.ipynb").read_text())
            for cell in notebook["cells"]:
                grade_id = cell["metadata"].get("nbgrader", {}).get("grade_id")
                if grade_id in solutions:
                    cell["source"] = solutions[grade_id]
            (folder / f"{name}.ipynb").write_text(json.dumps(notebook))
    return root


@pytest.fixture(scope="module")
def graded(course):
    done = subprocess.run(
        [sys.executable, "-m", "autograder", "grade", "ps1", "--root", str(course), "--jobs", "2", "--json"],
        capture_output=True, text=True, timeout=500,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return {line["student"]: line for line in map(json.loads, done.stdout.splitlines())}


@sandboxed
def test_scores_are_those_that_nbgrader_gives(graded):
    # nbgrader autograde gives these (see its determine_grade): 2 cells of a point each, 2 of half a point
    wanted = {"right": 3, "half": 2, "wrong": 0.5, "crashing": 0.5, "a_tuple": 2, "own_formula": 2.5, "one_missing": 3}
    assert {student: line["score"] for student, line in graded.items()} == wanted
    assert {line["status"] for line in graded.values()} == {"graded"}


@sandboxed
def test_exercises_are_solution_cells_and_one_without_tests_is_none_that_passed(graded):
    exercises = graded["right"]["exercises"]
    assert {name: one["max_score"] for name, one in exercises.items()} == {"problem1/squares": 2, "problem1/sum_of_squares": 1}
    assert all(one["outcome"] == "pass" for one in exercises.values())
    assert "problem2" in graded["one_missing"]["reason"]


@sandboxed
def test_a_hidden_expected_value_is_compared_outside(graded):
    message = graded["wrong"]["exercises"]["problem1/squares"]["message"]
    assert "squares(1) == [1]" in message
    assert "int 7" in message


@sandboxed
def test_the_gradebook_is_nbgraders(course, graded):
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{course}/gradebook.db", "course101") as books:
        submission = books.find_submission("ps1", "half")
        assert sorted(notebook.name for notebook in submission.notebooks) == ["problem1", "problem2"]
        assert submission.score == 2
        assert submission.needs_manual_grade
    assert sorted(path.name for path in Path(course, "autograded", "half", "ps1").glob("*.ipynb")) == ["problem1.ipynb", "problem2.ipynb"]


@pytest.mark.slow
@sandboxed
def test_stock_nbgrader_gives_the_same_scores(course, graded, tmp_path):
    import shutil

    other = tmp_path / "course101"
    shutil.copytree(course, other, ignore=shutil.ignore_patterns("gradebook.db*", "autograded", ".autograder"))
    shutil.rmtree(other / "submitted" / "one_missing")
    # nbgrader calls alembic by its name
    env = os.environ | {"PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])}
    for verb in ("generate_assignment", "autograde"):
        done = subprocess.run([sys.executable, "-m", "nbgrader", verb, "ps1"], cwd=other, capture_output=True, text=True, env=env)
        assert done.returncode == 0, done.stderr[-2000:]
    from nbgrader.api import Gradebook

    with Gradebook(f"sqlite:///{other}/gradebook.db", "course101") as books:
        for student, line in graded.items():
            if student != "one_missing":
                assert sum(g.auto_score or 0 for n in books.find_submission("ps1", student).notebooks for g in n.grades) == line["score"], student


def test_what_needs_nothing_of_the_students_is_cut():
    source = '"""doc"""\nassert squares(2) == [1, 4]\nassert 3 == f(x)\nassert f(1) == g(1)\nassert ok\n### BEGIN HIDDEN TESTS\nassert squares(3) == [1, 4, 9]\n### END HIDDEN TESTS\n'
    student, asserts = plain_asserts.cut(source)
    assert [(one.left, one.right, one.hidden) for one in asserts] == [
        ("squares(2)", "[1, 4]", False), ("f(x)", "3", False), ("squares(3)", "[1, 4, 9]", True),
    ]  # fmt: skip
    assert "[1, 4" not in student
    assert "f(1) == g(1)" in student
    assert "assert ok" in student


def test_a_cell_with_magics_is_left_to_ipython():
    source = "%matplotlib inline\nassert f(1) == 1\n"
    assert plain_asserts.cut(source) == (source, ())
