"""The class pages: difficulty, discrimination, mistakes with an answer, who handed in nothing, who needs a person."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from click.testing import CliRunner

from autograder.books import difficulty, feedback, report, roster
from autograder.cli import main
from autograder.judge.result import ExerciseResult, Result
from tests.unit import tiny_course
from tests.unit.tiny_course import NAME


def test_discrimination_is_the_correlation_with_the_rest():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=40)
    passed = scores + rng.normal(size=40) > 0
    assert difficulty.point_biserial(list(passed), list(scores)) == pytest.approx(np.corrcoef(passed, scores)[0, 1])
    assert difficulty.point_biserial([True, True], [1.0, 2.0]) is None
    assert difficulty.point_biserial([True, False], [1.0, 1.0]) is None


def test_an_exercise_is_compared_with_the_others_and_not_with_itself():
    def result(student: str, a: float, b: float) -> Result:
        one = Result(student, "c", "graded", None, a + b, 2.0)
        for name, score in (("a", a), ("b", b)):
            one.exercises[name] = ExerciseResult(score, 1.0, "pass" if score else "not yet", "", None)
        return one

    # those who pass a fail b: with its own points in the total, a would seem to tell nothing
    class_ = [result(f"s{i}", i % 2, 1 - i % 2) for i in range(12)]
    [a, _] = difficulty.items(["a", "b"], {"a": 1.0, "b": 1.0}, class_)
    assert a.discrimination == pytest.approx(-1.0)
    assert a.share == 0.5
    assert difficulty.items(["a"], {"a": 1.0}, class_[:4])[0].discrimination is None
    assert difficulty.histogram(class_) == [0, 0, 0, 0, 0, 12, 0, 0, 0, 0]


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    root = tiny_course.make(tmp_path_factory.mktemp("course"), {"ada": 2.0, "bo": 0.0, "cy": 0.0})
    tiny_course.grade(root, "di", tiny_course.verdict("di", 0.0))
    error = Result("ed", NAME, "error", "needs attention: <the> machine; older: 2 of 2 points, for what was handed in before", 0.0, 2.0)
    error.exercises["f"] = ExerciseResult(0.0, 2.0, "not reached", "", None)
    tiny_course.grade(root, "ed", error)
    table = root / "s.csv"
    table.write_text("id,first_name,last_name,email\nlia,,,\n")
    roster.read_into(root, table)
    list(feedback.write(root, NAME, ["bo"]))
    return root


def test_the_page_says_what_to_teach_tomorrow(course):
    page = report.page(course, report.class_of(course, NAME))
    assert re.search(r"adds</td><td role=\"cell\" class=\"n\" data-is=\"students\" title=\"bo, cy\">2</td>", page)
    assert "the answer of bo</summary>" in page
    assert "def f(x):" in page
    assert "the answer of di</summary>" in page, "a wrong answer that nobody has named"
    assert "&lt;the&gt; machine; older: 2 of 2 points" in page
    assert re.search(r"Handed in nothing</h2>\s*<p>lia</p>", page)
    assert f'href="../feedback/bo/{NAME}/{NAME}.html"' in page
    assert 'aria-label="students by share of the points: 3 with 0 to 10 %, 1 with 90 to 100 %"' in page
    assert not re.search(r"<script|https?://|\son\w+=", page)


def test_without_a_chapter_the_course_has_a_page(course):
    done = CliRunner().invoke(main, ["report", "--root", str(course)])
    assert done.exit_code == 0, done.output
    page = (course / "report" / "index.html").read_text()
    assert f'href="{NAME}.html"' in page
    assert re.search(r'lia</th><td class="n">–', page)
    assert re.search(r'bo</th><td class="n">0 of 2', page)


def test_grade_says_who_handed_in_nothing_and_gives_rows_only_where_asked(course, monkeypatch):
    from autograder import cli, grade

    monkeypatch.setattr(grade.Grading, "confirm_isolation", lambda self: None)

    def graded(grading, each):
        each(tiny_course.verdict("ada", 2.0))
        return [tiny_course.verdict("ada", 2.0)]

    monkeypatch.setattr(cli, "_with_progress", graded)
    call = ["grade", "01", "--json", "--i-trust-these-students", "--root", str(course)]
    done = CliRunner().invoke(main, call)
    assert "1 on the roster handed in nothing: lia" in done.stderr
    assert [json.loads(line)["student"] for line in done.stdout.splitlines()] == ["ada"]
    rows = [json.loads(line) for line in CliRunner().invoke(main, [*call, "--all-students"]).stdout.splitlines()]
    assert [(row["student"], row["status"], row["score"]) for row in rows] == [("ada", "graded", 2.0), ("lia", "missing", 0.0)]
