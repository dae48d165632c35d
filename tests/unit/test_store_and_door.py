"""Records are whole or not there; the door says of everything that it does not take why, and what to do."""

from __future__ import annotations

import json
import os
import stat

import pytest

from autograder.books import store
from autograder.intake import door
from autograder.judge.result import ExerciseResult, Result
from lessonkit import files
from tests.e2e.classroom import code


def result(student="ada", outcome="pass"):
    made = Result(student, "01_spread", "graded", score=2.0, max_score=3.0)
    made.exercises["middle"] = ExerciseResult(2.0, 3.0, outcome, "", None)
    return made


def test_a_record_comes_back_as_it_was(tmp_path):
    kept = store.Store(tmp_path)
    path = kept.put("k1", result())
    assert kept.get("01_spread", "ada", "k1") == result()
    assert path.read_bytes() == store.to_record(result())
    assert kept.get("01_spread", "ada", "k2") is None
    assert not kept.holds_any()
    kept.mark_latest(result(), "k1", b"notebook")
    assert kept.holds_any()
    assert kept.latest("01_spread", "ada") == result()
    assert kept.is_of("01_spread", "ada", b"notebook")
    assert not kept.is_of("01_spread", "ada", b"another")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"student": "ada"}', b"\xff\xfe", b'{"exercises": {"middle": 3}}'])
def test_a_damaged_record_is_as_none(tmp_path, content):
    kept = store.Store(tmp_path)
    kept.put("k1", result()).write_bytes(content)
    assert kept.get("01_spread", "ada", "k1") is None
    (tmp_path / ".autograder" / "results" / "01_spread" / "ada" / "latest.json").write_bytes(content)
    assert kept.latest("01_spread", "ada") is None
    assert not kept.is_of("01_spread", "ada", b"")


def test_a_write_that_fails_leaves_the_old_record_and_nothing_beside_it(tmp_path, monkeypatch):
    kept = store.Store(tmp_path)
    path = kept.put("k1", result())
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        kept.put("k1", result("ada", "not yet"))
    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == ["k1.json"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
def test_a_file_keeps_its_mode_and_a_new_one_gets_what_the_umask_leaves(tmp_path):
    old, new = tmp_path / "old.ipynb", tmp_path / "new.ipynb"
    old.write_text("mine")
    old.chmod(0o604)
    before = os.umask(0o027)
    try:
        for path in (old, new):
            files.write_atomically(path, b"{}")
    finally:
        os.umask(before)
    assert [stat.S_IMODE(path.stat().st_mode) for path in (old, new)] == [0o604, 0o640]


def test_a_broken_checker_is_looked_at_again_next_time(tmp_path):
    kept = store.Store(tmp_path)
    kept.put("k1", result(outcome="checker broke"))
    assert kept.get("01_spread", "ada", "k1") is None


def test_the_key_of_a_record_is_all_that_it_depends_on():
    parts = [b"notebook", "reference", "wall", "limits"]
    keys = {store.key_of(*parts)}
    for index, part in enumerate(parts):
        changed = [*parts[:index], part + (b"x" if isinstance(part, bytes) else "x"), *parts[index + 1 :]]
        keys.add(store.key_of(*changed))
    assert len(keys) == 5
    assert store.key_of(b"a", "bc", "", "") != store.key_of(b"ab", "c", "", "")


def take_in(room, student="ada"):
    return door.take_in(room.root, room.name, student, room.chapter.source)


def test_a_notebook_under_its_name_is_taken_in_with_its_time(room):
    path = room.submit("ada")
    (path.parent / "timestamp.txt").write_text("2026-01-02 10:00:00 UTC")
    found = take_in(room)
    assert (found.status, found.data, found.timestamp) == ("ready", path.read_bytes(), "2026-01-02 10:00:00 UTC")


def test_a_renamed_notebook_is_known_by_its_grade_ids(room):
    path = room.submit("ada")
    path.rename(path.with_name("my homework (2).ipynb"))
    found = take_in(room)
    assert found.status == "ready"
    assert "my homework (2).ipynb; recognised by its grade ids" in (found.note or "")


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"{}.ipynb": "stub", "{} (1).ipynb": "right"}, "{}.ipynb is untouched; {} (1).ipynb, where something is written, counts"),
        ({"{}.ipynb": "right", "{} (1).ipynb": "wrong"}, "{} (1).ipynb lies there too and was not graded"),
        ({"{}.ipynb": "right", "{} (1).ipynb": "stub"}, ""),
        ({"mine.ipynb": "right", "{} (1).ipynb": "stub"}, "handed in as mine.ipynb; recognised by its grade ids; {} (1).ipynb is untouched"),
        ({"{}.ipynb.txt": "right"}, "handed in as {}.ipynb.txt"),
        ({"{}.ipynb.json": "right", "notes.txt": "text"}, "handed in as {}.ipynb.json"),
        ({"mine": "right", "more.json": "text"}, "handed in as mine"),
        ({"mine.ipynb": "right", "._mine.ipynb": "text", ".venv/": "many", "data": "link"}, "handed in as mine.ipynb"),
    ],
)
def test_of_what_lies_there_the_one_that_somebody_wrote_in_counts_and_it_is_said(room, files, says):
    right = json.dumps(room.notebook(room.right)).encode()
    made = {"right": right, "stub": json.dumps(room.notebook()).encode(), "text": b"\0 no notebook",
            "wrong": json.dumps(room.notebook(room.right | {"middle": "def middle(x): return x"})).encode()}  # fmt: skip
    folder = room.folder("ada")
    for name, what in files.items():
        path = folder / name.format(room.name)
        if what == "link":
            path.symlink_to("/tmp")
        elif what == "many":
            path.mkdir()
            for number in range(300):
                (path / f"{number}.txt").touch()
        else:
            path.write_bytes(made[what])
    found = take_in(room)
    assert (found.status, found.data) == ("ready", right)
    assert (found.note or "").startswith(says.replace("{}", room.name)) if says else found.note is None


def test_of_several_that_were_written_in_beside_an_untouched_one_none_is_taken(room):
    path = room.submit("ada", room.notebook())
    for name in ("a.ipynb", "b.ipynb"):
        path.with_name(name).write_text(json.dumps(room.notebook(room.right)))
    found = take_in(room)
    assert (found.status, found.data) == ("rejected", b"")
    assert "a.ipynb, b.ipynb; keep one" in (found.reason or "")


def test_the_notebook_of_another_chapter_is_called_by_its_name(room):
    other = room.root / "source" / "02_other" / "02_other.ipynb"
    other.parent.mkdir()
    other.write_text(json.dumps(another_chapter(room)))
    room.submit("ada", another_chapter(room))
    assert take_in(room).reason == f"this is the notebook of 02_other; hand in {room.name}.ipynb from release/{room.name}"


@pytest.mark.parametrize(
    ("do", "status", "reason"),
    [
        (lambda room: None, "missing", "nothing handed in (no submitted/ada/01_spread)"),
        (lambda room: room.folder("ada"), "missing", "expected 01_spread.ipynb"),
        (lambda room: room.submit("ada", b"{"), "rejected", "not valid JSON"),
        (lambda room: room.submit("ada", b""), "rejected", "an empty file; save it in JupyterLab"),
        (lambda room: room.submit("ada", another_chapter(room)), "rejected", "holds none of the grade ids of 01_spread; start again from release/01_spread"),
        (lambda room: twice(room), "rejected", "keep one, named 01_spread.ipynb"),
        (lambda room: linked(room), "rejected", "is a symbolic link"),
        (lambda room: a_file(room), "rejected", "is a file, not a folder"),
    ],
)  # fmt: skip
def test_what_is_not_taken_in_says_why_and_what_to_do(room, do, status, reason):
    do(room)
    found = take_in(room)
    assert (found.status, found.data) == (status, b"")
    assert reason in (found.reason or "")


def another_chapter(room):
    of_another = code("def other():\n    return 1\n")
    of_another["metadata"]["nbgrader"] = {"grade_id": "other", "solution": True, "grade": False, "locked": False, "schema_version": 3}
    return room.notebook() | {"cells": [of_another]}


def twice(room):
    path = room.submit("ada")
    for name in ("a.ipynb", "b.ipynb"):
        path.with_name(name).write_bytes(path.read_bytes())
    path.unlink()


def linked(room):
    path = room.submit("eve")
    room.folder("ada").rmdir()
    (room.root / "submitted" / "ada" / room.name).symlink_to(path.parent)


def a_file(room):
    room.folder("ada").rmdir()
    (room.root / "submitted" / "ada" / room.name).write_text("x")


def test_folders_of_others_chapters_are_nobodys_submission(room):
    room.submit("ada")
    (room.root / "submitted" / "bob" / "02_other").mkdir(parents=True)
    (room.root / "submitted" / ".hidden" / room.name).mkdir(parents=True)
    assert door.students(room.root, room.name) == ["ada"]
    assert json.loads(take_in(room).data)["nbformat"] == 4


@pytest.mark.parametrize(
    "text",
    ["2015-02-02 15:58:23.948203 America/Los_Angeles", "2015-02-02 15:58:23.948203 UTC", "2026-11-30 12:00:00 +0100", "2026-11-30T12:00:00+02:00", "2026-11-30T12:00Z"],
)
def test_a_time_is_read_as_nbgrader_reads_it(room, text):
    path = room.submit("ada")
    (path.parent / "timestamp.txt").write_text(text)
    found = take_in(room)
    assert (found.timestamp, found.odd_time) == (text, "")


@pytest.mark.parametrize("text", ["", "30.11.2026 12:00", "2026-11-30 12:00:00 CEST", "2026-99-99 99:99:99 UTC", "yesterday", "\u00e4"])
def test_a_time_that_cannot_be_read_is_said(room, text):
    path = room.submit("ada")
    (path.parent / "timestamp.txt").write_text(text)
    found = take_in(room)
    assert (found.status, found.timestamp) == ("ready", None)
    assert "the time of handing in is not used" in found.odd_time


def test_what_was_guessed_is_part_of_the_reason_in_the_row():
    result = Result("ada", "01_spread", "graded", notes=["metadata lost in 1 cell(s), recognised by cell ids"])
    line = result.to_json()
    assert line["reason"] == "metadata lost in 1 cell(s), recognised by cell ids"
    assert not {"notes", "cells"} & set(line)
    assert result.to_json(cells=True)["notes"] == result.notes
