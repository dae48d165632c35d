"""Take an older grade out of view where a newer submission could not be graded.

"error" is a state of this submission: nobody knows yet what it is worth, and what the gradebook showed until now was
earned by another. It is shown as older, in the row, on the class page and in the feedback.
"""

from __future__ import annotations

from typing import Any

from autograder.books import autograded, gradebook
from autograder.books.store import Store
from autograder.course.chapter import Chapter
from autograder.judge.result import Result


def older(store: Store, chapter: Chapter, books: Any, result: Result, data: bytes) -> Result:
    """Show a submission's error in the place of an older submission's grade; return the result as it is shown.

    `data` are the bytes that could not be graded. Where the gradebook's grade is of these very bytes (the machine
    failed at grading them again), or where there is none, nothing changes.
    """
    before = store.latest(chapter.key, result.student)
    if before is None or store.is_of(chapter.key, result.student, data):
        return result
    if before.status == "graded":
        was = f"{before.score:g} of {before.max_score:g} points"
        result.reason = f"{result.reason or result.status}; older: {was}, for what was handed in before"
    elif before.status == "error" and "; older: " in (before.reason or ""):
        result.reason = f"{result.reason or result.status}; older: {(before.reason or '').rpartition('; older: ')[2]}"
    gradebook.patiently(lambda: gradebook.apply(books, chapter, result, None, None))
    autograded.write(chapter.root, chapter, None, result)
    store.mark_latest(result, "", data)
    return result
