"""A chapter that changes after hand-ins: grading goes on, and what people gave by hand survives."""

from __future__ import annotations

from contextlib import closing

import pytest

from autograder.author import build
from autograder.books import gradebook, renamed, retired, revision
from autograder.course import chapter as ch
from tests.e2e.classroom import Classroom
from tests.unit.conftest import NAME, NOT_SORTED, graded_here

QUESTION = '''
# %% [markdown]
r"""
### Question · `why`
*{points} points*

Why is the root taken at the end? Two sentences, and what the unit of each number is.
"""

# %% [markdown] nbgrader={{"grade": true, "grade_id": "{name}", "locked": false, "points": {points}, "schema_version": 3, "solution": true}}
r"""
*Your answer here.*
"""
'''
ANSWER = "Because the unit of a square is no length."


def text_of(room):
    return room.root / "course" / NAME / f"{NAME}.py"


def rewrite(room, change):
    """Change the chapter's text as an author does, and build it."""
    path = text_of(room)
    before = path.read_text(encoding="utf-8")
    after = change(before)
    assert after != before
    path.write_text(after, encoding="utf-8")
    build.build(room.root, [NAME], force=True)
    room.chapter = ch.Chapter(room.root, NAME)


def hand_in(room, student, **solutions):
    notebook = room.notebook(room.right | solutions)
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == "why":
            cell["source"] = ANSWER
    room.submit(student, notebook)


@pytest.fixture(scope="module")
def marked(tiny, tmp_path_factory):
    """Return the root of a class that was graded, its written answers and one test by hand, with comments."""
    room = Classroom(tmp_path_factory.mktemp("marked") / "course", NAME, tiny)
    rewrite(room, lambda text: text + QUESTION.format(name="why", points=4))
    hand_in(room, "ada")
    hand_in(room, "bob", middle=NOT_SORTED)
    graded_here(room)
    with gradebook.open_gradebook(room.root) as books:
        for cell, score in (("why", 3.0), ("middle__values", 1.5)):
            grade = books.find_grade(cell, NAME, NAME, "ada")
            grade.manual_score, grade.needs_manual_grade = score, False
        books.find_comment("why", NAME, NAME, "ada").manual_comment = "well said"
        books.find_comment("middle", NAME, NAME, "ada").manual_comment = "a nice way"
        books.db.commit()
    return room.root


@pytest.fixture
def room(marked, tmp_path):
    return Classroom(tmp_path / "course", NAME, marked)


def grade(room, **options):
    """Grade; return results by student, the lines said before anything was written, and the changes."""
    from autograder.grade import Grading, Options

    grading = Grading(room.root, room.name, Options(trusting=True, jobs=1, **options))
    grading.sandbox, grading.isolation = False, "none: the tests' own class"
    said = []

    def announce(changes, kept):
        said.append((grading.revision.lines() if grading.revision else [], sorted((c.student, c.before, c.after) for c in changes), kept, rows(room)))

    results = {result.student: result for result in grading.run(announce=announce)}
    return results, said, grading


def rows(room):
    """Return what the gradebook holds of ada: cell -> (automatic, manual, waits), and her comments."""
    with closing(gradebook.open_gradebook(room.root)) as books:
        notebook = books.find_submission_notebook(NAME, NAME, "ada")
        grades = {g.name: (g.auto_score, g.manual_score, g.needs_manual_grade) for g in notebook.grades}
        return grades, {c.name: c.manual_comment for c in notebook.comments if c.manual_comment}, notebook.max_score


def cut(text, first, last):
    """Return a text without the cells from the one that holds `first` to the one before `last`."""
    cells = text.split("\n# %%")
    start = next(i for i, cell in enumerate(cells) if first in cell)
    end = next((i for i, cell in enumerate(cells) if last and last in cell and i > start), len(cells))
    return "\n# %%".join(cells[:start] + cells[end:])


COMMENTS = {"why": "well said", "middle": "a nice way"}
NEW_TEST = '''# %% nbgrader={"grade": true, "grade_id": "middle__two", "locked": true, "points": 1, "schema_version": 3, "solution": false}
@check.cell("middle__two")
def _():
    check.close("of two it is their mean", lambda: float(middle([2, 1])), expected=1.5, advice="an even count")

'''


def test_a_test_that_is_added_is_graded_for_all_and_shown_before(room):
    rewrite(room, lambda text: text.replace("# %% [markdown]\nr\"\"\"\n## 1.2", NEW_TEST + "# %% [markdown]\nr\"\"\"\n## 1.2"))
    results, [(lines, changes, kept, before)], _ = grade(room)
    assert lines == ["new: middle__two (1 points)", f"{NAME}: 10 -> 11 points in all"]
    assert changes == [("ada", 6.0, 7.0), ("bob", 4.0, 5.0)]
    assert kept.is_file()
    assert "middle__two" not in before[0], "shown before it is written"
    grades, comments, most = rows(room)
    assert results["ada"].score == 7.0
    assert grades["middle__two"] == (1.0, None, False)
    assert grades["why"] == (None, 3.0, False), "an unchanged answer stays marked as done"
    assert grades["middle__values"][1] == 1.5
    assert (comments, most) == (COMMENTS, 11.0)
    assert grade(room)[1] == [], "and then nothing changes any more"


def test_an_exercise_that_is_taken_out_goes_and_what_was_given_by_hand_is_kept_for_its_return(room):
    whole = text_of(room).read_text(encoding="utf-8")
    rewrite(room, lambda text: cut(text, "Exercise 1.1", "## 1.2"))
    results, [(lines, changes, _, _)], _ = grade(room)
    assert "taken out: middle" in lines
    assert "taken out: middle__values (2 points)" in lines
    assert f"middle__values: 1 grade given by hand; kept in {retired.FILE}" in lines
    assert f"middle: 1 comment given by hand; kept in {retired.FILE}" in lines
    assert changes == [("ada", 6.0, 3.0), ("bob", 4.0, 3.0)]
    assert results["bob"].max_score == 3.0
    grades, comments, most = rows(room)
    assert set(grades) == {"spread__value", "spread__plain", "why"}
    assert (grades["why"], comments, most) == ((None, 3.0, False), {"why": "well said"}, 7.0)
    rewrite(room, lambda _: whole)
    _, [(lines, *_)], _ = grade(room)
    assert "middle__values is back, with 1 grade given by hand" in lines
    grades, comments, most = rows(room)
    assert (grades["middle__values"], comments, most) == ((2.0, 1.5, False), COMMENTS, 10.0)


def test_points_that_change_are_shown_and_more_by_hand_than_that_is_said(room):
    rewrite(room, lambda text: text.replace('"points": 4', '"points": 2').replace('"middle__list_kept", "locked": true, "points": 1', '"middle__list_kept", "locked": true, "points": 3'))
    results, [(lines, changes, _, _)], _ = grade(room)
    assert lines == [
        "middle__list_kept: 1 -> 3 points", "why: 4 -> 2 points", "why: more points by hand than it is worth now: ada (3)",
    ]  # fmt: skip
    assert changes == [("ada", 6.0, 8.0), ("bob", 4.0, 6.0)]
    assert results["ada"].max_score == 8.0
    assert rows(room)[0]["why"] == (None, 3.0, False)


def test_a_question_by_another_name_keeps_its_points_and_its_answers(room):
    rewrite(room, lambda text: text.replace('"why"', '"why_the_root"').replace("`why`", "`why_the_root`"))
    _, [(lines, changes, _, _)], _ = grade(room)
    assert lines == ["why is called why_the_root now; its points and comments stay"]
    assert changes == []
    grades, comments, most = rows(room)
    assert grades["why_the_root"] == (None, 3.0, False)
    assert "why" not in grades
    assert (comments, most) == ({"why_the_root": "well said", "middle": "a nice way"}, 10.0)
    shown = ch.read_trusted(room.root / "autograded" / "bob" / NAME / f"{NAME}.ipynb")
    assert next(c.source for c in shown.cells if ch.grade_id_of(c) == "why_the_root") == ANSWER, "handed in under the old name"
    grade(room)
    assert rows(room)[0]["why_the_root"] == (None, 3.0, False)


def test_a_test_and_an_exercise_by_another_name_keep_theirs(room):
    rewrite(room, lambda text: text.replace("middle__values", "middle__of_some"))
    _, [(lines, *_)], _ = grade(room)
    assert lines == ["middle__values is called middle__of_some now; its points and comments stay"]
    assert rows(room)[0]["middle__of_some"] == (2.0, 1.5, False)
    for name in ("exercises.toml", "mistakes.py", "variants.py", "refused.py"):
        path = room.root / "course" / NAME / name
        path.write_text(path.read_text().replace("[middle]", "[halfway]").replace("%% middle:", "%% halfway:"))
    rewrite(room, lambda text: text.replace('"middle"', '"halfway"').replace("middle__", "halfway__").replace("`middle`", "`halfway`"))
    results, [(lines, changes, *_)], _ = grade(room)
    assert sum("is called" in line for line in lines) == 3
    assert changes == []
    assert results["ada"].score == 6.0
    assert rows(room)[1] == {"why": "well said", "halfway": "a nice way"}


def test_a_question_that_is_added_waits_and_one_in_another_place_is_no_other_ones_heir(room):
    other = QUESTION.format(name="unit", points=5).replace("`why`", "`unit`").replace("Why is the root taken at the end? Two sentences, and what the unit of each number is.", "Name a list of numbers for which middle and mean are far apart, and say which of them you would show.")
    rewrite(room, lambda text: cut(text, "### Question", "") + other)
    _, [(lines, *_)], _ = grade(room)
    assert "taken out: why (4 points)" in lines
    assert "new: unit (5 points)" in lines
    assert f"why: 1 grade and 1 comment given by hand; kept in {retired.FILE}" in lines
    assert rows(room)[0]["unit"] == (None, None, True), "what stands in its place is for a person to read, and no silent zero"


def test_a_question_that_becomes_a_task_keeps_points_and_comment(room):
    rewrite(room, lambda text: text.replace('"grade": true, "grade_id": "why", "locked": false, "points": 4, "schema_version": 3, "solution": true', '"grade": false, "grade_id": "why", "locked": false, "points": 4, "schema_version": 3, "solution": false, "task": true'))
    _, [(_, changes, _, _)], _ = grade(room)
    grades, comments, most = rows(room)
    assert changes == []
    assert (grades["why"][1], comments, most) == (3.0, COMMENTS, 10.0)


def test_a_dry_run_shows_it_and_writes_nothing(room):
    rewrite(room, lambda text: cut(text, "Exercise 1.1", "## 1.2"))
    before = (room.root / "gradebook.db").read_bytes()
    _, said, grading = grade(room, dry_run=True)
    assert said == []
    assert "taken out: middle__values (2 points)" in grading.revision.lines()
    assert sorted((c.student, c.before, c.after) for c in grading.changes) == [("ada", 6.0, 3.0), ("bob", 4.0, 3.0)]
    assert (room.root / "gradebook.db").read_bytes() == before
    assert not (room.root / retired.FILE).exists()


def test_killed_before_the_end_nothing_has_changed_and_the_next_run_does_it(room, monkeypatch):
    rewrite(room, lambda text: cut(text, "Exercise 1.1", "## 1.2"))
    with monkeypatch.context() as stopped:
        stopped.setattr(revision.Revision, "apply", lambda self, books: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            grade(room)
    assert rows(room)[2] == 10.0
    grade(room)
    assert rows(room)[2] == 7.0


def test_who_cannot_be_graded_waits_for_the_change_too(room):
    room.submit("bob", b"{")
    rewrite(room, lambda text: cut(text, "Exercise 1.1", "## 1.2"))
    results, *_ = grade(room)
    assert results["bob"].status == "rejected"
    assert rows(room)[2] == 7.0


def test_only_one_cell_that_fits_one_other_is_taken_for_it():
    look = renamed.Look
    old = [look("a__x", "grade", "check(a(1), 2) and more of it", "Do a."), look("a__y", "grade", "check(a(1), 3) and more of it", "Do a.")]
    assert renamed.pairs(old, [look("a__z", "grade", "check(a(1), 2) and more of it", "Do a.")]) == {"a__x": "a__z"}
    assert renamed.pairs([look("q", "grade solution", "stub", None)], [look("r", "grade solution", "stub", "Why?")]) == {}
    assert renamed.pairs([look("q", "grade solution", "stub", "Why is it so?")], [look("r", "grade solution", "stub", "How many are there in all?")]) == {}
