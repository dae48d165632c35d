"""The atlas of mistakes: each as a change of the reference, with what sees it and how often a class made it."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

from autograder.author import atlas
from autograder.cli import main
from autograder.errors import AutograderError
from tests.unit.conftest import NAME


@pytest.fixture(scope="module")
def pages(graded, tmp_path_factory):
    """Return the atlas of the tiny course, whose class was graded."""
    room, _ = graded
    target = tmp_path_factory.mktemp("atlas")
    rows = atlas.write(room.root, NAME, target, jobs=1)
    atlas.write_contents(rows, target)
    return target, rows


def text(path):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", path.read_text(encoding="utf-8")))


def test_a_page_shows_the_change_the_checks_and_the_help(pages):
    page = text(pages[0] / NAME / "middle.html")
    assert "- ordered = sorted(values)" in page
    assert "+ values.sort()" in page
    assert "not yet: the list stays as it is" in page
    assert "changes the list that came in" in page


def test_it_says_how_often_a_class_made_it(pages):
    target, rows = pages
    middle = next(row for row in rows if row.exercise == "middle")
    assert (middle.made, middle.mistakes) == (1, 2)
    page = text(target / NAME / "middle.html")
    assert page.index("not sorted") < page.index("sorts in place")
    assert f"1 of {middle.graded} students" in page
    assert f"{middle.made} of {middle.graded}" in text(target / "index.html")


def test_where_nobody_was_graded_it_says_so(tiny, tmp_path):
    done = CliRunner().invoke(main, ["atlas", "01", "--exercise", "spread", "--jobs", "1", "--root", str(tiny), "--to", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "no class was graded here yet" in text(tmp_path / NAME / "spread.html")
    assert not (tmp_path / NAME / "middle.html").exists()


def test_an_exercise_that_is_not_there_and_a_root_without_answers_are_named(tiny, tmp_path):
    done = CliRunner().invoke(main, ["atlas", "01", "--exercise", "middel", "--root", str(tiny), "--to", str(tmp_path)])
    assert done.exit_code == 1
    assert "There are: middle, spread, own" in done.output
    with pytest.raises(AutograderError, match="answers"):
        atlas.write(tmp_path, NAME, tmp_path)


def test_comments_and_docstrings_are_no_part_of_a_change():
    reference = 'def f(x):\n    """doubles"""\n    ### BEGIN SOLUTION\n    # twice\n    return 2 * x\n    ### END SOLUTION\n'
    assert [line for line in atlas.change(reference, "def f(x):\n    return x\n") if line[0] in "+-"] == [("-", "    return 2 * x"), ("+", "    return x")]
