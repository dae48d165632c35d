"""Wrong answers that nobody has named yet come together by what they got wrong."""

from __future__ import annotations

import pytest

from autograder.books.groups import draft, groups
from autograder.errors import AutograderError
from autograder.judge.diagnosis import seen_in
from autograder.judge.result import ExerciseResult, Result
from autograder.rebuild.split import split
from lessonkit.observe import encode

CELL = """@check.cell("f__care")
def _():
    check.that("small", lambda: f(1), judge=lambda seen: None if seen < 3 else "too large")
    check.close("two", lambda: f(2), expected=2.0)
"""


def frame(*values: float) -> dict:
    how = [{"given": {"kind": "mapping", "items": []}}, {"rtol": None, "atol": None}]
    records = [
        {"i": i, "site": i, "name": "n", "check": kind, "how": how[i], "value": encode(v)}
        for i, (kind, v) in enumerate(zip(("that", "close"), values, strict=False))
    ]
    return {"tests": [{"cell": "f__care", "records": records}]}


def seen(*values: float) -> str:
    return seen_in(split(CELL), frame(1.0, 2.0), frame(*values), "f__care")


def test_what_is_wrong_has_a_key_of_its_own():
    assert seen(1.0, 2.0) == ""
    assert seen(1.0, 7.0) == seen(1.5, 7.0000001) != ""  # right in its own way, wrong in the same
    assert seen(8.0, 2.0) == seen(9.0, 2.0)  # one finding
    assert len({seen(1.0, 7.0), seen(1.0, 8.0), seen(9.0, 2.0), seen(9.0), seen(9.0, 7.0)}) == 5
    forged = frame(1.0, 2.0)
    forged["tests"][0]["records"][1] = {"i": 1, "value": 3}
    assert seen_in(split(CELL), frame(1.0, 2.0), forged, "f__care") != ""


def result(student: str, key: str, mistake: str | None = None, actual: str = "float 7") -> Result:
    one = Result(student, "01_x", "graded")
    one.exercises["f"] = ExerciseResult(0.0, 1.0, "not yet", "not yet  two", mistake)
    one.cells["f__care"] = {"outcome": "not yet", "fields": [["actual", actual]], "seen": key}
    return one


def test_groups_come_by_size_without_what_is_named_or_not_written():
    class_ = [result("ada", "k"), result("bo", "other"), result("cy", "other"), result("di", "k", "known")]
    class_ += [result("ed", "k", actual="not written yet"), result("fa", "")]
    found = groups(class_)
    assert [(one.exercise, one.students) for one in found] == [("f", ("bo", "cy")), ("f", ("ada",))]
    assert groups(class_, least=2) == found[:1]


def test_no_group_is_said_with_the_next_command(tmp_path):
    with pytest.raises(AutograderError, match="autograder report 01_x"):
        draft(tmp_path, "01_x", [])


def test_a_draft_is_a_cell_of_mistakes_that_the_author_fills_in(tmp_path):
    from click.testing import CliRunner

    from autograder.cli import main
    from autograder.course import solutions
    from tests.unit import tiny_course

    root = tiny_course.make(tmp_path, {"ada": 2.0})
    odd = tiny_course.notebook("def f(x):\n    return 3 * x\n# %% f: not_a_title\n")
    for student in ("bo", "cy"):
        tiny_course.grade(root, student, tiny_course.verdict(student, 0.0), odd)

    def run(*arguments):
        return CliRunner().invoke(main, ["dev", "mistakes", "01", "--root", str(root), *arguments])

    assert "1  f: 2 answer(s), of bo, cy" in run().output
    assert run("--group", "1").output.startswith("# %% f: name_me\n# help: say what is wrong")
    assert "there are 1" in run("--group", "2").output
    assert run("--group", "1", "--name", "no name").exit_code == 1
    done = run("--group", "1", "--name", "triples", "--write")
    assert done.exit_code == 0, done.output
    [made] = solutions.read(root / "course" / tiny_course.NAME / "mistakes.py")
    assert (made.exercise, made.name) == ("f", "triples")
    assert "return 3 * x" in made.code
    assert "(2 answers: not yet f doubles)" in made.help
    assert "is taken" in run("--group", "1", "--name", "triples").output
