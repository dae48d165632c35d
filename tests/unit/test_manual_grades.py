"""What somebody graded by hand stays done while it stays the same."""

from __future__ import annotations

from contextlib import closing

from autograder.books import gradebook
from tests.unit import tiny_course
from tests.unit.tiny_course import NAME


def waits(root, cell: str) -> bool:
    with closing(gradebook.open_gradebook(root)) as books:
        return books.find_grade(cell, NAME, NAME, "ada").needs_manual_grade


def test_an_unchanged_answer_that_was_graded_stays_graded(tmp_path):
    root = tiny_course.make(tmp_path, {})
    answered = tiny_course.notebook(answer="Because a < b <i>always</i>")
    tiny_course.grade(root, "ada", tiny_course.verdict("ada", 2.0), answered)
    assert waits(root, "q")
    with closing(gradebook.open_gradebook(root)) as books:
        for cell, score in (("q", 2.5), ("f__care", 1.0)):
            grade = books.find_grade(cell, NAME, NAME, "ada")
            grade.manual_score, grade.needs_manual_grade = score, False
        books.db.commit()
    tiny_course.grade(root, "ada", tiny_course.verdict("ada", 2.0), answered)
    assert not waits(root, "q")
    assert not waits(root, "f__care")
    tiny_course.grade(root, "ada", tiny_course.verdict("ada", 0.0), tiny_course.notebook(answer="Something else"))
    assert waits(root, "q"), "another answer is looked at again"
    assert waits(root, "f__care"), "an automatic score changed under a manual one"
