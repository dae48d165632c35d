"""The ledger: a change is shown and backed up before it is written, and nothing is written on a book nobody can read."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing

import pytest

from autograder.books import export, gradebook, roster
from autograder.course import nbgrader_api
from autograder.errors import AutograderError, BadGradebook
from tests.e2e.classroom import Classroom
from tests.unit.conftest import NAME, NOT_SORTED, graded_here


def score_of(room, student):
    with gradebook.open_gradebook(room.root) as books:
        return sum(v or 0 for v in gradebook.scores(books, room.chapter, student).values())


@pytest.fixture(scope="module")
def once(tiny, tmp_path_factory):
    room = Classroom(tmp_path_factory.mktemp("entered") / "course", NAME, tiny)
    room.submit("ada")
    room.submit("bob", middle=NOT_SORTED)
    graded_here(room)
    return room.root


@pytest.fixture
def entered(once, tmp_path):
    """Return a room whose gradebook holds ada's six points and bob's four."""
    return Classroom(tmp_path / "entered", NAME, once)


def test_a_change_is_announced_with_a_backup_before_it_is_written(entered, grade_here):
    seen = []

    def announce(changes, kept):
        seen.extend((c.student, c.before, c.after, kept.is_file(), score_of(entered, c.student)) for c in changes)

    entered.submit("ada", middle=NOT_SORTED)
    entered.submit("bob")
    results = grade_here(entered, announce)
    assert seen == [("ada", 6.0, 4.0, True, 6.0), ("bob", 4.0, 6.0, True, 4.0)]
    assert {s: r.score for s, r in results.items()} == {"ada": 4.0, "bob": 6.0}
    assert (score_of(entered, "ada"), score_of(entered, "bob")) == (4.0, 6.0)


def test_what_changes_nothing_is_no_change_and_makes_no_backup(entered, grade_here):
    entered.submit("eve")
    grade_here(entered, lambda *_: pytest.fail("nothing changes"), force=True)
    assert not (entered.root / gradebook.BACKUPS).exists()
    assert score_of(entered, "eve") == 6.0


def test_a_dry_run_writes_nothing(entered, grade_here):
    entered.submit("ada", middle=NOT_SORTED)
    before = (entered.root / "gradebook.db").read_bytes()
    records = sorted((entered.root / ".autograder" / "results").rglob("*.json"))
    assert grade_here(entered, dry_run=True)["ada"].score == 4.0
    assert (entered.root / "gradebook.db").read_bytes() == before
    assert sorted((entered.root / ".autograder" / "results").rglob("*.json")) == records


def test_handed_in_again_while_the_change_was_shown_is_left_to_the_next_run(entered, grade_here):
    entered.submit("ada", middle=NOT_SORTED)
    assert "ada" not in grade_here(entered, lambda *_: entered.submit("ada", middle="def middle(values):\n    return 0\n"))
    assert score_of(entered, "ada") == 6.0


def test_a_manual_grade_is_kept(entered, grade_here):
    with gradebook.open_gradebook(entered.root) as books:
        grade = books.find_grade("middle__values", entered.name, entered.name, "ada")
        grade.manual_score, grade.extra_credit = 1.5, 0.5
        books.db.commit()
    entered.submit("ada", middle=NOT_SORTED)
    grade_here(entered)
    with gradebook.open_gradebook(entered.root) as books:
        grade = books.find_grade("middle__values", entered.name, entered.name, "ada")
        assert (grade.manual_score, grade.extra_credit, grade.auto_score) == (1.5, 0.5, 0.0)
        assert grade.needs_manual_grade
    [row] = [row for row in export.rows(entered.root, []) if row["student_id"] == "ada"]
    assert (row["auto_score"], row["score"]) == (4.0, 6.0), "what a person gave, and extra credit, count where grades go out"


def test_a_fault_with_one_students_books_is_a_row_and_the_others_are_entered(room, grade_here, monkeypatch):
    real = gradebook.apply

    def apply(books, chapter, result, *rest):
        if result.student == "ada" and result.status == "graded":
            raise KeyError("odd")
        real(books, chapter, result, *rest)

    monkeypatch.setattr(gradebook, "apply", apply)
    room.submit("ada")
    room.submit("bob")
    results = grade_here(room)
    assert results["ada"].status == "error"
    assert "see .autograder/log/" in (results["ada"].reason or "")
    assert results["bob"].status == "graded"
    assert score_of(room, "bob") == 6.0


def empty(path):
    path.write_bytes(b"")


def folder(path):
    path.unlink()
    path.mkdir()


def text(path):
    path.write_text("student,score\nada,6\n" * 200)


def damaged(path):
    content = bytearray(path.read_bytes())
    content[4096:] = os.urandom(len(content) - 4096)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [(empty, "it is empty, though grades were entered"), (folder, "a folder of that name stands there"),
     (text, "file is not a database"), (damaged, "malformed")],
)  # fmt: skip
def test_a_gradebook_that_cannot_be_read_stops_the_run_with_a_reason(entered, grade_here, spoil, said):
    path = entered.root / "gradebook.db"
    entered.submit("ada", middle=NOT_SORTED)
    spoil(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(BadGradebook) as stopped:
        grade_here(entered, lambda *_: pytest.fail("nobody knows what changes"))
    message = stopped.value.message
    assert message.startswith(f"{path}: the gradebook cannot be read: ")
    assert said in message
    assert "No score was changed" in message
    assert f"mv {path}" in message
    assert (path.read_bytes() if path.is_file() else None) == before


def test_the_newest_copy_is_named_and_brings_the_grades_back(entered, grade_here):
    with gradebook.open_gradebook(entered.root) as books:
        kept = gradebook.back_up(entered.root, books)
    path = entered.root / "gradebook.db"
    text(path)
    with pytest.raises(BadGradebook, match=f"cp {kept} {path}"):
        grade_here(entered)
    shutil.copy(kept, path)
    grade_here(entered)
    assert score_of(entered, "ada") == 6.0


def test_an_empty_gradebook_before_the_first_grade_is_a_new_one(room, grade_here):
    (room.root / "gradebook.db").write_bytes(b"")
    room.submit("ada")
    grade_here(room)
    assert score_of(room, "ada") == 6.0


def test_a_gradebook_that_stays_locked_names_what_holds_it(entered, grade_here, monkeypatch):
    monkeypatch.setattr(gradebook, "BUSY_TRIES", 1)
    held = sqlite3.connect(entered.root / "gradebook.db", timeout=0, isolation_level=None)
    held.execute("begin exclusive")
    try:
        with pytest.raises(BadGradebook, match=r"locked.*Another program holds it, or it lies on a network drive"):
            grade_here(entered)
    finally:
        held.rollback()
        held.close()


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() == 0, reason="root may write what is read-only")
def test_a_gradebook_that_is_read_only_stops_the_run(entered, grade_here):
    (entered.root / "gradebook.db").chmod(0o444)
    entered.submit("eve")
    with pytest.raises(AutograderError, match=r"gradebook\.db.*rights"):
        grade_here(entered)


def test_the_gradebook_lies_in_the_folder_whatever_that_is_called(tmp_path):
    odd = tmp_path / "Kurs 50% #1 ä &"
    odd.mkdir()
    with closing(gradebook.open_gradebook(odd)):
        assert (odd / "gradebook.db").is_file()


@pytest.mark.parametrize("name", ["what?", "a%41"])
def test_a_folder_whose_name_an_address_cannot_hold_is_said(tmp_path, name):
    root = tmp_path / name
    root.mkdir()
    for call in (gradebook.open_gradebook, roster.by_name):
        with pytest.raises(AutograderError, match="Rename the folder"):
            call(root)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    (root / "nbgrader_config.py").write_text("c = get_config()\nc.CourseDirectory.db_url = 'sqlite:///elsewhere.db'\n")
    assert nbgrader_api.gradebook_url(root) == "sqlite:///elsewhere.db"
