"""Nobody is lost on the way in: people told apart, the newest attempt counted, every file accounted for."""

from __future__ import annotations

import io
import json
import unicodedata
import zipfile
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from autograder.errors import AutograderError
from autograder.intake import collected, identity
from autograder.intake.collect import collect
from autograder.intake.identity import Name, People, plain, read, without_common_folder

CHAPTERS = ["01_sums", "02_means"]
STUB = "def total(x):\n    raise NotImplementedError"


@cache
def notebook(answer: str = STUB, chapter: str = "01_sums") -> bytes:
    """Return a notebook of a chapter with one exercise."""
    meta = {"grade_id": f"{chapter}-total", "solution": True, "grade": False, "locked": False, "schema_version": 3}
    test = {"grade_id": f"{chapter}-total__values", "solution": False, "grade": True, "locked": True, "points": 1, "schema_version": 3}
    cells = [new_code_cell(answer, metadata={"nbgrader": meta}), new_code_cell("assert total([1]) == 1", metadata={"nbgrader": test})]
    return json.dumps(new_notebook(cells=cells)).encode()


@pytest.fixture
def root(tmp_path):
    for room in ("source", "release"):
        for chapter in CHAPTERS:
            (tmp_path / room / chapter).mkdir(parents=True)
            (tmp_path / room / chapter / f"{chapter}.ipynb").write_bytes(notebook(chapter=chapter))
    return tmp_path


def archive(root: Path, files: dict[str, bytes], name: str = "class.zip", when: dict[str, datetime] | None = None) -> Path:
    path = root / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for member, data in files.items():
            info = zipfile.ZipInfo(member, (when or {}).get(member, datetime(2026, 11, 1, 10, 0)).timetuple()[:6])
            made.writestr(info, data)
    return path


def students(root: Path) -> list[str]:
    return sorted(path.name for path in (root / "submitted").iterdir()) if (root / "submitted").is_dir() else []


def mine(n: int) -> bytes:
    return notebook(f"def total(x):\n    return {n}")


def kept_by(root: Path, student: str) -> bytes:
    return (root / "submitted" / student / "01_sums" / "01_sums.ipynb").read_bytes()


@pytest.mark.parametrize(
    ("members", "wanted"),
    [
        (["submissions/ada/01_sums.ipynb", "submissions/bob/01_sums.ipynb"], ["ada", "bob"]),
        (["01_sums_ada.ipynb", "01_sums_bob.ipynb"], ["ada", "bob"]),
        (["ps1_hacker_attempt_2016-01-30-20-30-10_01.ipynb", "ps1_bitdiddle_attempt_2016-01-30-20-30-10_01.ipynb"], ["bitdiddle", "hacker"]),
        (["assignment_9_export/submission_1/x.ipynb", "assignment_9_export/submission_2/x.ipynb"], ["submission_1", "submission_2"]),
        (["Anna Schmidt_1001_assignsubmission_file_/01.ipynb", "Anna Schmidt_1002_assignsubmission_file_/01.ipynb"], ["Anna_Schmidt", "Anna_Schmidt_1002"]),
        (["schmidtanna_111_222_x.ipynb", "schmidtanna_333_444_x.ipynb"], ["schmidtanna", "schmidtanna_333"]),
        (["Ana Müller_11_assignsubmission_file_/x.ipynb", "Ana Möller_12_assignsubmission_file_/x.ipynb"], ["Ana_Moller", "Ana_Muller"]),
        (["王伟_13_assignsubmission_file_/x.ipynb", "Łukasz Nowak_14_assignsubmission_file_/x.ipynb"], ["Lukasz_Nowak", "WangWei"]),
        (["Ada Lovelace_1234_assignsubmission_file_01_sums.ipynb"], ["Ada_Lovelace"]),
        (["müllerjürgen_12345_67890_01_sums.ipynb"], ["mullerjurgen"]),
        (["12345-67890 - Ada Lovelace - Nov 1, 2026 1000 AM/x.ipynb", "12345-99999 - Bob Ross - Nov 2, 2026 1100 AM/x.ipynb"], ["Ada_Lovelace", "Bob_Ross"]),
        (["Ada Lovelace - 01_sums.ipynb", "Bob Ross - 01_sums.ipynb"], ["Ada_Lovelace", "Bob_Ross"]),
        (["Gruppe 1-Ada Lovelace_12_assignsubmission_file_/x.ipynb"], ["Ada_Lovelace"]),
        (["ada/01_sums/01_sums.ipynb"], ["ada"]),
        (["lovelaceada_LATE_1_2_01_sums.ipynb"], ["lovelaceada"]),
    ],
)
def test_one_id_a_person(root, members, wanted):
    list(collect(root, archive(root, {name: mine(n) for n, name in enumerate(members)})))
    assert students(root) == wanted


def test_the_same_name_composed_and_decomposed_is_one_person(root):
    for n, form in enumerate(("NFC", "NFD")):
        member = unicodedata.normalize(form, "José Núñez_5_assignsubmission_file_/x.ipynb")
        list(collect(root, archive(root, {member: mine(1)}, f"{n}.zip")))
    assert students(root) == ["Jose_Nunez"]


def test_two_different_names_that_read_alike_get_two_ids():
    people = People()
    names = ["Ana Müller", "Ana Muller", "Ana  Muller"]
    found = [people.id_of(Name(unicodedata.normalize("NFC", name), "folder"), "01") for name in names]
    assert len(set(found)) == 3
    assert [people.id_of(Name(name, "folder"), "01") for name in names] == found


def test_the_name_of_a_chapter_is_nobodys():
    assert read("01_sums/01_sums.ipynb", CHAPTERS) is None
    assert read("01.ipynb", CHAPTERS) is None
    assert without_common_folder(["ada/01_sums/01_sums.ipynb"], CHAPTERS) == ["ada/01_sums/01_sums.ipynb"]
    assert plain("王") != ""


def test_of_several_versions_the_newest_counts_and_all_are_kept(root):
    folder = "ada_1_assignsubmission_file_/"
    files = {f"{folder}{name}.ipynb": mine(n) for n, name in enumerate("abc")} | {"zoe_2_assignsubmission_file_/a.ipynb": mine(9)}
    when = {f"{folder}b.ipynb": datetime(2026, 11, 2, 10, 0)}
    lines = list(collect(root, archive(root, files, when=when)))
    assert students(root) == ["ada", "zoe"]
    assert kept_by(root, "ada") == mine(1)
    assert sum("older attempt" in (line.reason or "") for line in lines) == 2
    kept = {path.read_bytes() for path in (root / ".autograder" / "replaced" / "ada").rglob("*.ipynb")}
    assert kept == {mine(0), mine(2)}


def test_an_untouched_copy_beside_the_written_one_does_not_count(root):
    files = {"ada_1_assignsubmission_file_/01_sums.ipynb": notebook(), "ada_1_assignsubmission_file_/01_sums (1).ipynb": mine(3)}
    lines = list(collect(root, archive(root, files, when={"ada_1_assignsubmission_file_/01_sums.ipynb": datetime(2026, 11, 9)})))
    assert kept_by(root, "ada") == mine(3)
    assert any("untouched" in (line.reason or "") for line in lines)


@pytest.mark.parametrize("how", ["time", "canvas number"])
def test_an_older_attempt_never_takes_the_place_of_a_newer_one(root, how):
    if how == "time":
        name = "ada_1_assignsubmission_file_/x.ipynb"
        new, old = {name: datetime(2026, 11, 5)}, {name: datetime(2026, 11, 4)}
        list(collect(root, archive(root, {name: mine(2)}, "new.zip", new)))
        (line,) = collect(root, archive(root, {name: mine(1)}, "old.zip", old))
        student = "ada"
    else:
        list(collect(root, archive(root, {"lovelaceada_1_2_01-2.ipynb": mine(2)}, "new.zip")))
        (line,) = collect(root, archive(root, {"lovelaceada_1_3_01-1.ipynb": mine(1)}, "old.zip"))
        student = "lovelaceada"
    assert kept_by(root, student) == mine(2)
    assert "older than what is there" in (line.reason or "")


def test_two_different_notebooks_of_one_name_are_refused_with_both_places(root):
    (root / "in" / "left" / "x").mkdir(parents=True)
    lines = list(collect(root, archive(root, {"ada_left.ipynb": mine(1), "deep/ada_right.ipynb": mine(2)})))
    assert students(root) in ([], ["ada", "deep"])
    assert len(lines) == 2


def test_every_file_that_is_not_taken_gets_a_line(root):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as made:
        made.writestr("homework.ipynb", mine(5))
    files = {
        "ada_1_assignsubmission_file_/01.py": b"x = 1",
        "bob_2_assignsubmission_file_/hw.zip": inner.getvalue(),
        "eve_3_assignsubmission_file_/hw.pdf": b"%PDF-1.7",
        "moe_7_assignsubmission_onlinetext_/onlinetext.html": b"<!DOCTYPE html><p>see attachment",
        "dan_4_assignsubmission_file_/01_sums.IPYNB": mine(1),
        "kim_5_assignsubmission_file_/01_sums.ipynb.txt": mine(2),
        "lea_6_assignsubmission_file_/01_sums.ipynb.json": mine(3),
        "ada_1_assignsubmission_file_/._01_sums.ipynb": b"junk",
        "__MACOSX/ada.ipynb": b"junk",
    }
    lines = {line.member: line for line in collect(root, archive(root, files))}
    assert students(root) == ["bob", "dan", "kim", "lea"]
    assert "no notebook" in lines["ada_1_assignsubmission_file_/01.py"].reason
    assert "PDF" in lines["eve_3_assignsubmission_file_/hw.pdf"].reason
    assert "web page" in lines["moe_7_assignsubmission_onlinetext_/onlinetext.html"].reason
    assert not any("._" in name or "__MACOSX" in name for name in lines)
    assert len(list(collected.rows(root))) == len(lines)


@pytest.mark.parametrize(("offset", "value", "said"), [(8, 9, "deflate64"), (6, 1, "password")])
def test_what_cannot_be_unpacked_is_said_and_the_others_are_collected(root, offset, value, said):
    path = archive(root, {"ada_1_assignsubmission_file_/x.ipynb": mine(1), "bob_2_assignsubmission_file_/x.ipynb": mine(2)})
    data = bytearray(path.read_bytes())
    central = data.index(b"PK\x01\x02")
    data[offset] = value
    data[central + offset + 2] = value
    path.write_bytes(data)
    lines = list(collect(root, path))
    assert students(root) == ["bob"]
    assert any(said in (line.reason or "") for line in lines)


def test_a_damaged_member_is_its_own_affair(root):
    path = archive(root, {"ada_1_assignsubmission_file_/x.ipynb": mine(1), "bob_2_assignsubmission_file_/x.ipynb": mine(2)})
    data = bytearray(path.read_bytes())
    start = data.index(b"PK\x03\x04") + 30 + len("ada_1_assignsubmission_file_/x.ipynb")
    data[start + 20] ^= 0xFF
    data[start + 21] ^= 0xFF
    path.write_bytes(data)
    lines = list(collect(root, path))
    assert students(root) == ["bob"]
    assert any("damaged" in (line.reason or "") for line in lines)


def test_the_time_on_record_is_that_of_handing_in(root):
    name = "ada_1_assignsubmission_file_/x.ipynb"
    when = datetime(2026, 10, 3, 8, 30)
    list(collect(root, archive(root, {name: mine(1)}, when={name: when})))
    stamp = root / "submitted" / "ada" / "01_sums" / "timestamp.txt"
    assert stamp.read_text() == when.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    list(collect(root, archive(root, {name: mine(1)}, "again.zip", {name: when + timedelta(days=9)})))
    assert stamp.read_text() == when.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def test_a_very_repetitive_notebook_is_no_bomb(root):
    found = json.loads(mine(1))
    found["cells"][0]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "0.0\n" * 2_000_000}]
    list(collect(root, archive(root, {"ada_1_assignsubmission_file_/x.ipynb": json.dumps(found).encode()})))
    assert students(root) == ["ada"]


def test_what_the_lms_calls_people_is_kept(root):
    list(collect(root, archive(root, {"lovelaceada_12345_67890_01.ipynb": mine(1)})))
    (row,) = collected.rows(root)
    assert (row.system, row.number, row.shown, row.student) == ("canvas", "12345", "lovelaceada", "lovelaceada")
    assert row.taken


def test_a_folder_of_clones_is_collected(root, tmp_path):
    import subprocess

    for student in ("ada", "bob"):
        folder = tmp_path / "clones" / student / "01_sums"
        folder.mkdir(parents=True)
        (folder / "01_sums.ipynb").write_bytes(mine(ord(student[0])))
        git = ["git", "-C", str(folder.parent), "-c", "user.name=x", "-c", "user.email=x@example.org"]
        subprocess.run([*git, "init", "-q"], check=True)
        subprocess.run([*git, "add", "."], check=True)
        subprocess.run([*git, "commit", "-qm", "work", "--date", "2026-10-03T08:30:00Z"], check=True)
    list(collect(root, tmp_path / "clones"))
    assert students(root) == ["ada", "bob"]
    assert (root / "submitted" / "ada" / "01_sums" / "timestamp.txt").is_file()
    assert identity.read("ada/01_sums/01_sums.ipynb", CHAPTERS).shown == "ada"


def test_one_folder_around_files_of_other_names_is_no_person(root):
    files = {"hw/01_sums/ada.ipynb": mine(1), "hw/01_sums/bob.ipynb": mine(2)}
    lines = list(collect(root, archive(root, files)))
    assert students(root) == []
    assert all("one folder with ada, bob in it" in line.reason for line in lines)
    assert [line.student for line in collect(root, archive(root, files), r"(?P<student>[^/]+)\.ipynb")] == ["ada", "bob"]
    list(collect(root, archive(root, {"eve/01_sums.ipynb": notebook(), "eve/01_sums (1).ipynb": mine(3)}, "one.zip")))
    assert kept_by(root, "eve") == mine(3), "a second download is the same person's"


def test_a_notebook_is_known_by_what_it_holds_whatever_it_is_called(root):
    files = {f"{n}_{i}_assignsubmission_file_/{name}": mine(i) for i, (n, name) in enumerate([("ada", "x.json"), ("bob", "x"), ("cy", "x.txt")])}
    lines = list(collect(root, archive(root, files)))
    assert students(root) == ["ada", "bob", "cy"]
    assert all("taken for a notebook" in line.note for line in lines)


@pytest.mark.parametrize(
    ("data", "says"),
    [(b"<!DOCTYPE html><p>", "a web page"), (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"), (b"%PDF-1.7", "a PDF"),
     (b"bplist00\xd1", "iCloud"), (b"import numpy", "Python script")],
)  # fmt: skip
def test_what_is_no_notebook_is_called_by_its_name(root, data, says):
    [line] = collect(root, archive(root, {"ada_1_assignsubmission_file_/x.ipynb": data}))
    assert says in line.reason


def test_outputs_play_no_part_however_large(root):
    large = json.loads(mine(1))
    large["cells"][0]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x" * (25 * 2**20)}]
    [line] = collect(root, archive(root, {"ada_1_assignsubmission_file_/01_sums.ipynb": json.dumps(large).encode()}))
    assert "its outputs (25 MiB) were left out" in line.note
    assert "return 1" in kept_by(root, "ada").decode()
    large["cells"][0]["source"] = "x" * (25 * 2**20)
    [line] = collect(root, archive(root, {"bob_1_assignsubmission_file_/01_sums.ipynb": json.dumps(large).encode()}, "b.zip"))
    assert "more than 20" in line.reason


@pytest.mark.parametrize("pattern", ["(", "ada"])
def test_a_pattern_that_says_no_student_is_refused(root, pattern):
    with pytest.raises(AutograderError, match="--pattern"):
        list(collect(root, archive(root, {"ada/x.ipynb": mine(1)}), pattern))


def test_nothing_that_a_students_git_folder_names_is_run(root, tmp_path):
    """A folder that was handed in may bring settings of git's; asking for times starts no program of theirs."""
    import subprocess

    folder, mark = tmp_path / "all" / "eve", tmp_path / "ran"
    (folder / "01_sums").mkdir(parents=True)
    (folder / "01_sums" / "01_sums.ipynb").write_bytes(mine(1))
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\ntouch {mark}\necho '[GNUPG:] SIG_CREATED x' >&2\necho '-----BEGIN PGP SIGNATURE-----'\n")
    program.chmod(0o755)
    git = ["git", "-C", str(folder), "-c", "user.name=x", "-c", "user.email=x@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    for name in ("gpg.program", "core.sshCommand", "core.pager", "core.fsmonitor", "diff.external"):
        subprocess.run([*git, "config", name, str(program)], check=True)
    subprocess.run([*git, "config", "log.showSignature", "true"], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-q", "-S", "-m", "work"], check=True)
    mark.unlink()
    list(collect(root, tmp_path / "all"))
    assert students(root) == ["eve"]
    assert (root / "submitted" / "eve" / "01_sums" / "timestamp.txt").is_file()
    assert not mark.exists()


@pytest.mark.parametrize("name", ["Ada Lovelace_7_assignsubmission_file_/x.ipynb", "LOVELACE, Ada_7_assignsubmission_file_/x.ipynb", "lovelaceada_12345_67890_01.ipynb"])
def test_who_is_on_the_roster_has_the_id_from_there(root, name):
    listed = dict.fromkeys(identity.keys_of("Ada", "Lovelace"), "al815")
    list(collect(root, archive(root, {name: mine(1)}), roster=listed))
    assert students(root) == ["al815"]
    other = {"Ada Lovelacé_8_assignsubmission_file_/x.ipynb": mine(2)}
    list(collect(root, archive(root, other, "later.zip"), roster=listed))
    assert len(students(root)) == 2, "an accent makes another name"


def test_a_roster_that_comes_later_takes_nobodys_id_away(root):
    file = {"Ada Lovelace_7_assignsubmission_file_/x.ipynb": mine(1)}
    list(collect(root, archive(root, file)))
    list(collect(root, archive(root, file, "again.zip"), roster=dict.fromkeys(identity.keys_of("Ada", "Lovelace"), "al815")))
    assert students(root) == ["Ada_Lovelace"]
