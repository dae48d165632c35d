"""A course made by `autograder dev new` builds, rehearses green and is graded end to end, without a change to it."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from autograder.author.trials import Trials, apart, told
from autograder.cli import main
from autograder.course import chapter as ch


def run(*arguments):
    return CliRunner().invoke(main, [str(one) for one in arguments])


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return the root of a new course, built."""
    root = tmp_path_factory.mktemp("new") / "my-course"
    done = run("dev", "new", "course", root)
    assert done.exit_code == 0, done.output
    built = run("build", "--root", root)
    assert built.exit_code == 0, built.output
    return root


def test_it_is_laid_out_as_it_says(made):
    files = {str(path.relative_to(made)) for path in made.rglob("*") if path.is_file()}
    assert {"course.toml", "my_course/__init__.py", "nbgrader_config.py", "course/01_first/01_first.py", "release/01_first/01_first.ipynb"} <= files
    assert run("build", "--check", "--root", made).exit_code == 0
    assert "holds a course already" in run("dev", "new", "course", made).output


def test_its_rehearsal_is_green(made):
    with Trials(made, None, jobs=1) as trials:
        known, tried = trials.desk("01_first").mistakes, trials.tried("01_first")
    assert {one.kind for one in tried} >= {"right", "mistake", "variant"}
    assert {one.name: found for one in tried if (found := told(one, known) + apart(one))} == {}


def test_it_is_graded_end_to_end(made, grade_end_to_end):
    chapter = ch.Chapter(made, "01_first")
    for student, mistake in (("ada", ""), ("bob", "upper_of_two")):
        code = next((one.code for one in chapter.named("mistakes.py") if one.name == mistake), ch.references_of(chapter.source)["middle"])
        notebook = json.loads(chapter.release_path.read_bytes())
        for cell in notebook["cells"]:
            if cell["metadata"].get("nbgrader", {}).get("grade_id") == "middle":
                cell["source"] = code
        folder = made / "submitted" / student / chapter.name
        folder.mkdir(parents=True)
        (folder / f"{chapter.name}.ipynb").write_text(json.dumps(notebook))
    lines = grade_end_to_end(made)
    assert (lines["ada"]["score"], lines["ada"]["max_score"]) == (2.0, 2.0)
    assert lines["bob"]["exercises"]["middle"]["mistake"] == "upper_of_two"
    assert "the upper one of the two in the middle" in " ".join(lines["bob"]["exercises"]["middle"]["message"].split())
    assert "ada" in run("export", "--root", made).output
    assert run("feedback", "01", "--root", made).exit_code == 0


@pytest.fixture
def grade_end_to_end():
    """Grade a root's first chapter by the command line; return its lines by student."""
    from autograder.sandbox.levels import level

    def grade(root):
        trusting = [] if level()[0] else ["--i-trust-these-students"]
        done = run("grade", "01", "--jobs", 1, "--json", "--root", root, *trusting)
        assert done.exit_code == 0, done.output
        return {line["student"]: line for line in map(json.loads, done.stdout.splitlines())}

    return grade


def test_a_new_chapter_stands_beside_the_first(made):
    done = run("dev", "new", "chapter", "02_means", "--root", made)
    assert done.exit_code == 0, done.output
    assert ch.names(made, "course") == ["01_first", "02_means"]
    refused = run("dev", "new", "chapter", "means", "--root", made)
    assert refused.exit_code == 1
    assert "two digits and a topic, for example 02_means" in refused.output


def test_a_package_that_would_hide_one_of_pythons_own_gets_another_name(tmp_path):
    assert run("dev", "new", "course", tmp_path / "statistics").exit_code == 0
    assert (tmp_path / "statistics" / "statistics_course" / "__init__.py").is_file()
    refused = run("dev", "new", "course", tmp_path / "other", "--package", "random")
    assert refused.exit_code == 1
    assert "--package random_course" in refused.output
