"""A regrade shows what it changes before it changes it, and what this machine cannot check is no student's zero."""

from __future__ import annotations

import json
import shutil

import pytest

from autograder.books import gradebook
from autograder.sandbox.levels import level
from tests.e2e import attacks

TRUST = [] if level()[0] else ["--i-trust-these-students"]


def scores_of(classroom, student):
    with gradebook.open_gradebook(classroom.root) as books:
        return gradebook.scores(books, classroom.chapter, student)


def test_a_changed_score_is_shown_backed_up_and_can_be_had_back(classroom, cli):
    classroom.submit("ada")
    classroom.submit("bob")
    arguments = ["grade", "01", "--root", classroom.root, "--jobs", 1, *TRUST]
    first = cli(*arguments)
    assert first.exit_code == 0, first.output
    assert "change" not in first.stderr
    before = scores_of(classroom, "ada")
    classroom.submit("ada", relu=attacks.WRONG)
    second = cli(*arguments)
    assert second.exit_code == 0, second.output
    assert "1 score(s) in the gradebook change:\n  ada: 32 -> 29\n" in second.stderr
    [kept] = (classroom.root / ".autograder" / "backups").glob("gradebook-*.db")
    assert f"cp {kept} {classroom.root / 'gradebook.db'}" in second.stderr
    assert scores_of(classroom, "ada") != before
    shutil.copy(kept, classroom.root / "gradebook.db")
    assert scores_of(classroom, "ada") == before


@pytest.fixture
def lacking(classroom):
    """Let the exercise relu need a package that no machine has; returns what takes the need away again."""
    notes = classroom.root / "source" / classroom.name / "lessonkit.json"
    found = json.loads(notes.read_text(encoding="utf-8"))

    def need(modules):
        found["exercises"]["relu"]["needs"] = modules
        notes.write_text(json.dumps(found), encoding="utf-8")

    need(["no_such_package"])
    return lambda: need([])


def test_an_exercise_whose_extra_is_missing_waits_for_the_instructor(classroom, cli, lacking, json_lines):
    classroom.submit("ada")
    arguments = ["grade", "01", "--root", classroom.root, "--jobs", 1, "--json", *TRUST]
    done = cli(*arguments)
    assert done.exit_code == 1
    [line] = json_lines(done.stdout)
    assert line["status"] == "graded"
    assert line["score"] == 29
    relu = line["exercises"]["relu"]
    assert relu["outcome"] == "checker broke"
    assert "no_such_package" in relu["message"]
    assert "pip install" in relu["message"]
    assert "needs attention" in line["reason"]
    assert "not the student" in done.stderr
    with gradebook.open_gradebook(classroom.root) as books:
        notebook = books.find_submission_notebook(classroom.name, classroom.name, "ada")
        waiting = {g.name: g.auto_score for g in notebook.grades if g.name.startswith("relu__")}
        assert set(waiting.values()) == {None}
        assert all(g.needs_manual_grade for g in notebook.grades if g.name in waiting)
    lacking()
    again = cli(*arguments)
    assert again.exit_code == 0, again.stderr
    assert json_lines(again.stdout)[0]["score"] == 32
