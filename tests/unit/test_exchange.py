"""nbgrader's exchange with our graded notebooks and pages: what was handed in gets its feedback. `make test-hub` has it on a hub."""

from __future__ import annotations

import os

import pytest

from autograder.books import feedback
from autograder.course import nbgrader_api as nb
from tests.unit import tiny_course
from tests.unit.tiny_course import NAME

pytestmark = pytest.mark.skipif(os.name == "nt", reason="nbgrader has no exchange on Windows")


def test_feedback_comes_back_through_the_exchange(tmp_path, monkeypatch):
    from nbgrader.utils import get_username

    root, desk, shelf = tmp_path / "course", tmp_path / "desk", tmp_path / "exchange"
    for folder in (desk, shelf):
        folder.mkdir()
    shelf.chmod(0o777)
    tiny_course.make(root, {})
    monkeypatch.chdir(desk)  # the student's home, where nbgrader fetches to
    api = nb.api(root, Exchange={"root": str(shelf), "cache": str(tmp_path / "cache")}, CourseDirectory={"course_id": "tiny"})

    def do(verb: str) -> None:
        done = getattr(api, verb)(NAME)
        assert done["success"], done

    for verb in ("release_assignment", "fetch_assignment", "submit", "collect"):
        do(verb)
    me = get_username()
    assert (root / "submitted" / me / NAME / "submission_secret.txt").is_file()
    tiny_course.grade(root, me, tiny_course.verdict(me, 2))
    list(feedback.write(root, NAME, []))
    for verb in ("release_feedback", "fetch_feedback"):
        do(verb)
    [page] = (desk / NAME / "feedback").glob(f"*/{NAME}.html")
    assert "2 of 5" in page.read_text(encoding="utf-8")
