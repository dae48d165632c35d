"""Whatever lies in submitted/: a clear row with the next step, the rest of the class graded, nothing lost."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
import zipfile

import pytest

from autograder.books import export
from tests.e2e.classroom import cell_of, code


def bad_submissions(room):
    """student -> words that have to be in the reason."""
    good = room.submit("good").read_bytes()
    name = f"{room.name}.ipynb"
    expected = {}

    def put(student, words, data=None, make=None):
        folder = room.folder(student)
        if data is not None:
            (folder / name).write_bytes(data)
        if make:
            make(folder)
        expected[student] = words

    put("corrupt", "not valid JSON", good[:100])
    put("empty", "empty file", b"")
    put("latin", "UTF-8", '{"cells": "é"}'.encode("latin-1"))
    put("utf16", "UTF-8", good.decode().encode("utf-16"))
    put("a_list", "no notebook", b"[1, 2]")
    put("deep", "nested", b"[" * 200_000)
    put("no_cells", "no list of cells", b'{"nbformat": 4}')
    put("huge", "MiB", b" " * (21 * 2**20) + b"{}")
    put("linked", "symbolic link", make=lambda d: (d / name).symlink_to(f"../../good/{room.name}/{name}"))
    put("dangling", "symbolic link", make=lambda d: (d / "x").symlink_to("/nowhere"))
    put("pipe", "pipe", make=lambda d: os.mkfifo(d / "pipe"))
    put("many", "files", make=lambda d: [(d / f"{i}.txt").write_text("x") for i in range(300)])
    put("other", "hand in", make=lambda d: (d / "other.ipynb").write_text('{"cells": []}'))
    put("twins", "several notebooks", make=lambda d: [(d / f"{i}.ipynb").write_bytes(good) for i in "ab"])
    put("a_folder", "", make=lambda d: (d / name).mkdir())
    return expected


def test_each_bad_submission_is_a_row_with_a_reason(classroom, grade):
    expected = bad_submissions(classroom)
    results = grade(classroom)
    assert set(results) == {*expected, "good"}
    assert results["good"].score == results["good"].max_score > 0
    for student, words in expected.items():
        assert results[student].status in ("rejected", "missing"), student
        assert results[student].score == 0
        assert words in results[student].reason, (student, results[student].reason)
        assert set(results[student].exercises) == set(classroom.chapter.exercises)


def test_hostile_names_are_refused_and_the_rest_is_graded(classroom, grade):
    classroom.submit("ada")
    for name in ["a*", '=HYPERLINK("http:x","a")', 'a,b"c', "<script>x<", "-rf", "..."]:
        classroom.submit(name)
    results = grade(classroom)
    assert results["ada"].score == results["ada"].max_score
    assert {r.status for s, r in results.items() if s != "ada"} == {"rejected"}
    assert all("student id" in r.reason for s, r in results.items() if s != "ada")
    found = {row["student_id"] for row in export.rows(classroom.root, [])}
    assert found == {"ada"}


@pytest.mark.parametrize("name", ["Copy of {}.ipynb", "{} (1).ipynb", "HOMEWORK.IPYNB"])
def test_a_renamed_notebook_is_recognised_by_its_grade_ids(classroom, grade, name):
    path = classroom.submit("ada")
    path.rename(path.with_name(name.format(classroom.name)))
    assert grade(classroom)["ada"].score == 32


def test_a_missing_student_and_an_unknown_chapter(classroom, cli, json_lines):
    classroom.submit("ada")
    found = cli(
        "grade", classroom.name, "--student", "nobody", "--student", "ada", "--json", "--root", classroom.root
    )
    rows = {row["student"]: row for row in json_lines(found.stdout)}
    assert rows["nobody"]["status"] == "missing"
    assert "nobody" in rows["nobody"]["reason"]
    assert rows["ada"]["status"] == "graded"
    unknown = cli("grade", "01_numpy_backprob", "--root", classroom.root)
    assert unknown.exit_code == 2
    assert "Did you mean '01_numpy_backprop'" in unknown.output
    nothing = cli("grade", "01", "--root", classroom.root / "nowhere")
    assert nothing.exit_code == 2
    assert "--root" in nothing.output


def test_benign_oddities_lose_no_points(classroom, grade):
    right = classroom.right

    def variant(student, change):
        notebook = classroom.notebook(right)
        data = change(notebook)
        classroom.submit(student, data if isinstance(data, bytes) else notebook)

    def split(nb):
        i = cell_of(nb, "relu")
        first, second = right["relu"].split("\n\n\n", 1)
        nb["cells"][i]["source"] = first
        nb["cells"].insert(i + 1, json.loads(json.dumps(nb["cells"][i])) | {"id": "s2", "source": second})

    def old_format(nb):
        nb["nbformat_minor"] = 4
        for c in nb["cells"]:
            c.pop("id", None)
            if isinstance(c["source"], str):
                c["source"] = c["source"].replace("\n", "\r\n")
        nb["cells"].append(code("print('my scratch')"))

    def warns(nb):
        i = cell_of(nb, "relu")
        nb["cells"][i]["source"] += (
            "\n_f = relu_forward\ndef relu_forward(h):\n    import sys, warnings\n    warnings.warn('harmless')\n    print('noise', file=sys.stderr)\n    return _f(h)\n"
        )

    def shows_value(nb):
        nb["cells"].insert(cell_of(nb, "relu") + 1, code("float('nan')"))

    def magics(nb):
        nb["cells"].insert(
            3,
            code(
                "%matplotlib inline\n!ls\n%timeit -n1 -r1 1+1\nawait __import__('asyncio').sleep(0)\ndisplay(3)"
            ),
        )

    def locked_copies(nb):
        nb["cells"].append(json.loads(json.dumps(nb["cells"][cell_of(nb, "relu__gradient")])) | {"id": "dup"})

    def untouched_copy(nb):
        stub = classroom.notebook()["cells"][cell_of(classroom.notebook(), "relu")]
        nb["cells"].append(stub | {"id": "stub2"})

    def broken_scratch(nb):
        nb["cells"].insert(5, code("this is no python"))
        nb["cells"].insert(6, code("1/0"))

    cases = {
        "split": split, "old": old_format, "warns": warns, "value": shows_value, "magics": magics,
        "copies": locked_copies, "stub": untouched_copy, "scratch": broken_scratch,
        "bom": lambda nb: b"\xef\xbb\xbf" + json.dumps(nb).encode(),
        "lists": lambda nb: json.dumps(nb | {"cells": [c | {"source": c["source"].splitlines(True)} for c in nb["cells"]]}).encode(),
        "future": lambda nb: nb.update(nbformat_minor=99),
    }  # fmt: skip
    for student, change in cases.items():
        variant(student, change)
    results = grade(classroom)
    assert {s: r.score for s, r in results.items()} == dict.fromkeys(cases, 32.0)


def test_a_read_only_or_full_folder_says_so_and_a_second_run_finishes(classroom, grade, cli, monkeypatch):
    classroom.submit("ada")
    from autograder.books import autograded

    def full(*_):
        raise OSError(28, "No space left on device", str(classroom.root / "autograded"))

    monkeypatch.setattr(autograded, "write_atomically", full)
    failed = cli("grade", "01", "--jobs", "1", "--root", classroom.root)
    assert failed.exit_code == 1
    assert "No space left on device" in failed.output
    assert "run `autograder grade 01_numpy_backprop" in failed.output
    monkeypatch.undo()
    assert grade(classroom)["ada"].score == 32
    assert (classroom.root / "autograded" / "ada" / classroom.name / f"{classroom.name}.ipynb").is_file()


def test_collect_takes_lms_zips_and_refuses_what_leads_outside(classroom, cli, tmp_path):
    data = classroom.submit("template").read_bytes()
    archive = tmp_path / "moodle.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("Ada Lovelace_1234_assignsubmission_file_/homework.ipynb", data)
        made.writestr("../../outside.ipynb", data)
        made.writestr("bob_77_88_01_numpy_backprop.ipynb", data)
        made.writestr("bomb/zeros.ipynb", b"0" * (19 * 2**20))
        link = zipfile.ZipInfo("eve_1_assignsubmission_file_/link.ipynb")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        made.writestr(link, "/etc/passwd")
        made.writestr("inner.zip", b"PK not opened")
    found = cli("collect", archive, "--root", classroom.root)
    assert found.exit_code == 1, found.output  # something was left
    submitted = classroom.root / "submitted"
    assert (submitted / "Ada_Lovelace" / classroom.name / f"{classroom.name}.ipynb").read_bytes() == data
    assert (submitted / "bob" / classroom.name / f"{classroom.name}.ipynb").is_file()
    assert "2 notebook(s) collected, 4 refused" in found.output
    assert not list(tmp_path.rglob("outside.ipynb"))
    again = cli("collect", archive, "--root", classroom.root)
    assert "already there" in again.output
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "bob_77_88_01_numpy_backprop.ipynb").write_bytes(data + b"\n")
    cli("collect", tmp_path / "new", "--root", classroom.root)
    kept = list((classroom.root / ".autograder" / "replaced").rglob("*.ipynb"))
    assert [path.read_bytes() for path in kept] == [data], "the older submission was lost"
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"PK\x03\x04 nothing")
    assert cli("collect", broken, "--root", classroom.root).exit_code == 1


def test_what_lies_beside_the_notebook_is_left_alone(classroom, grade):
    classroom.submit("ada")
    (classroom.folder("ada") / "data.bin").symlink_to("../../../gradebook.db")
    (classroom.folder("ada") / ".venv").mkdir()
    for number in range(300):
        (classroom.folder("ada") / ".venv" / f"{number}.py").touch()
    assert grade(classroom)["ada"].score == 32


def test_a_socket_in_the_place_of_the_notebook_is_refused(classroom, grade, tmp_path):
    classroom.submit("ada").unlink()
    folder = classroom.folder("ada")
    here = os.getcwd()
    os.chdir(folder)
    try:
        with socket.socket(socket.AF_UNIX) as one:
            one.bind("s")
            assert grade(classroom)["ada"].status == "rejected"
    finally:
        os.chdir(here)


def test_the_json_of_grade_is_one_object_a_line_and_nothing_else(classroom, tmp_path):
    classroom.submit("ada")
    classroom.submit("bob", classroom.notebook())
    done = subprocess.run(
        [sys.executable, "-m", "autograder", "grade", "01", "--json", "--root", str(classroom.root)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    rows = {row["student"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert set(rows) == {"ada", "bob"}
    assert set(rows["ada"]) == {
        "student",
        "chapter",
        "status",
        "reason",
        "score",
        "max_score",
        "isolation",
        "exercises",
    }
    assert rows["ada"]["score"] == rows["ada"]["max_score"] == 32
    one = rows["bob"]["exercises"]["relu"]
    assert one["outcome"] == "not yet"
    assert "not written yet" in one["message"]
    assert set(one) == {"score", "max_score", "outcome", "message", "mistake"}
