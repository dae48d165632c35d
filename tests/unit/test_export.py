"""Grades go back to the system they came from: by its ids, into its own table, in a few statements."""

from __future__ import annotations

import csv
import io
from contextlib import closing

import pytest
from click.testing import CliRunner
from openpyxl import load_workbook
from sqlalchemy import event

from autograder.books import export, gradebook, lms, roster, tables
from autograder.cli import main
from autograder.errors import AutograderError
from autograder.intake import collected
from tests.unit import tiny_course

CANVAS = """Student,ID,SIS User ID,SIS Login ID,Section,01 Tiny (4711),Final Score
,,,,,Manual Posting,
    Points Possible,,,,,10,(read only)
"Lovelace, Ada",12345,,al1,S1,,7
"Möller, Bo",777,,bo,S1,,7
"Hopper, Grace",999,,gh,S1,3,7
"Student, Test",1,,x,S1,,
"""
MOODLE = """Identifier,Full name,Email address,Grade,Maximum Grade,Feedback comments
Participant 55,Ada Lovelace,,,2.00,
Participant 56,Bo Möller,BO@example.org,,2.00,"=keep, this"
Participant 57,Grace Hopper,g@example.org,1.00,2.00,
"""


def row(student: str, system: str, number: str, shown: str) -> collected.Row:
    return collected.Row(student, shown, system, number, tiny_course.NAME, "a.zip", f"{shown}_{number}_x.ipynb", "", 0, "", True)


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    root = tiny_course.make(tmp_path_factory.mktemp("course"), {"lovelaceada": 2.0, "bo": 0.0})
    table = root / "students.csv"
    table.write_bytes("id;first_name;last_name;email\nbo;Bo;Möller;bo@example.org\nlate;Lia;=1+1;\n".encode("cp1252"))
    roster.read_into(root, table)
    collected.add(root, row("lovelaceada", "canvas", "12345", "lovelaceada"))
    collected.add(root, row("lovelaceada", "moodle", "55", "Ada Lovelace"))
    return root


def run(course, *arguments: object):
    return CliRunner().invoke(main, ["export", *map(str, arguments), "--root", str(course)])


def read(path) -> dict[str, list[str]]:
    raw = path.read_bytes()
    assert raw.startswith(b"\xef\xbb\xbf"), "Excel knows UTF-8 by its mark"
    return {line[0]: line for line in csv.reader(io.StringIO(raw.decode("utf-8-sig")))}


def test_canvas_own_table_is_filled_by_its_numbers(course, tmp_path):
    table = tmp_path / "canvas.csv"
    table.write_text(CANVAS, encoding="utf-8-sig")
    done = run(course, "01", "--into", table)
    assert done.exit_code == 0, done.output
    found = read(tmp_path / "canvas-filled.csv")
    assert found["Lovelace, Ada"][5] == "2"
    assert found["Möller, Bo"][5] == "0"
    assert found["Hopper, Grace"] == ["Hopper, Grace", "999", "", "gh", "S1", "3", "7"], "nobody's row is left as it was"
    assert found["    Points Possible"][5] == "10"
    assert table.read_text(encoding="utf-8-sig") == CANVAS
    said = done.stderr
    assert "line 6: Hopper, Grace (999) has no grade here" in said
    assert "not in canvas.csv: late" in said
    assert "counts 5 points here and 10 there" in said


def test_moodles_worksheet_is_filled_by_participant_address_and_name(course, tmp_path):
    table = tmp_path / "moodle.csv"
    table.write_text(MOODLE, encoding="utf-8")
    assert run(course, "01", "--into", table, "--to", tmp_path / "out.csv").exit_code == 0
    found = read(tmp_path / "out.csv")
    assert [found[f"Participant {n}"][3] for n in (55, 56, 57)] == ["2", "0", "1.00"]
    assert found["Participant 56"][5] == "=keep, this", "what the system wrote goes back as it was"


def test_who_cannot_be_told_apart_is_not_filled(tmp_path):
    table = tmp_path / "m.csv"
    table.write_text("Identifier,Full name,Grade\nParticipant 1,Ana Díaz,\nParticipant 2,Ana Díaz,\n")
    two = [{"student_id": i, "first_name": "Ana", "last_name": "Díaz", "email": ""} for i in ("a", "b")]
    scores = [export.Column("01_x", "01_x", 2.0, {"a": 1.0, "b": 2.0})]
    filled = lms.fill(table, lms.People.of(tmp_path, two), scores)
    assert filled.count == 0
    assert "may be a or b" in filled.said[0]
    filled = lms.fill(table, lms.People.of(tmp_path, two[:1]), [export.Column("01_x", "01_x", 2.0, {"a": 1.0})])
    assert filled.count == 0
    assert "lines 2, 3 all seem to be a" in filled.said[0]


@pytest.mark.parametrize(("text", "says"), [("a,b\n1x,2\n", "its columns are a, b"), ("Student,ID,HW 9 (1)\n", "--column '01_tiny=HEADING'"), ("", "empty")])
def test_a_table_that_cannot_be_filled_says_what_to_type(course, tmp_path, text, says):
    table = tmp_path / "t.csv"
    table.write_text(text)
    done = run(course, "01", "--into", table)
    assert done.exit_code == 1
    assert says in done.output


def test_a_heading_can_be_named(course, tmp_path):
    table = tmp_path / "t.csv"
    table.write_text("Student,ID,Homework (1)\nx,12345,\n")
    assert run(course, "01", "--into", table, "--column", "01=Homework").exit_code == 0
    assert read(tmp_path / "t-filled.csv")["x"][2] == "2"


def test_the_plain_formats_carry_the_numbers_that_were_collected(course):
    canvas = list(csv.reader(io.StringIO(run(course, "--format", "canvas").stdout)))
    assert ["Ada Lovelace", "12345", "", "", "2.0"] in canvas
    assert ["Möller, Bo", "", "bo", "", "0.0"] in canvas
    assert any(line[0] == "Participant 55" for line in csv.reader(io.StringIO(run(course, "--format", "moodle").stdout)))


def test_by_exercise_and_as_a_workbook_without_formulas(course, tmp_path):
    found = list(csv.DictReader(io.StringIO(run(course, "--by", "exercise").stdout)))
    assert [(one["student_id"], one["01_tiny/f"], one["01_tiny/q"]) for one in found] == [("bo", "0.0", "0.0"), ("late", "0.0", "0.0"), ("lovelaceada", "2.0", "0.0")]
    assert run(course, "--format", "xlsx").exit_code == 2
    assert run(course, "--format", "xlsx", "--to", tmp_path / "g.xlsx").exit_code == 0
    sheet = load_workbook(tmp_path / "g.xlsx").active
    values = [list(line) for line in sheet.iter_rows(values_only=True)]
    assert values[0] == list(export.COLUMNS)
    assert "'=1+1" in [line[3] for line in values]
    assert {cell.data_type for line in sheet.iter_rows() for cell in line} <= {"s", "inlineStr", "n", "b"}, "no cell is a formula"
    assert load_workbook(io.BytesIO(tables.to_xlsx([["a\x00b"]]))).active["A1"].value == "a?b"


def test_nothing_handed_in_is_zero_or_empty(course):
    def scores(*options: str) -> dict[str, str]:
        return {one["student_id"]: one["score"] for one in csv.DictReader(io.StringIO(run(course, *options).stdout))}

    assert scores()["late"] == "0.0"
    assert scores("--missing", "empty") == {"late": "", "bo": "0.0", "lovelaceada": "2.0"}
    by = csv.DictReader(io.StringIO(run(course, "--missing", "empty", "--by", "exercise").stdout))
    assert {one["student_id"]: one["01_tiny/f"] for one in by}["late"] == ""


def test_no_statement_a_student(course):
    with closing(gradebook.open_gradebook(course)) as books:
        statements: list[str] = []
        event.listen(books.engine, "before_cursor_execute", lambda *a: statements.append(a[2]))
        found = export.rows_of(books, [])
    assert len(found) == 3
    assert len(statements) <= 4


def test_nbgraders_own_export_takes_the_table(course, tmp_path):
    plugin = export.Table(to=str(tmp_path / "g.csv"), student=["bo"])
    with closing(gradebook.open_gradebook(course)) as books:
        plugin.export(books)
    assert list(read(tmp_path / "g.csv")) == ["assignment", tiny_course.NAME]


def test_a_roster_goes_in_once_and_says_what_it_does_not_take(course, tmp_path):
    table = tmp_path / "students.csv"
    table.write_text("id,first_name,last_name,email\nbo,Bo,Möller,\nnew,N,,\n../x,,,\n", encoding="utf-8")
    done = CliRunner().invoke(main, ["students", "import", str(table), "--root", str(course)])
    assert done.exit_code == 1
    assert "1 new student(s), 0 changed, 1 as they were, 1 refused" in done.output
    assert "line 4: '../x'" in done.output
    assert {row["email"] for row in export.rows(course, []) if row["student_id"] == "bo"} == {"bo@example.org"}
    assert roster.absent(course, tiny_course.NAME) == ["late", "new"]
    table.write_text("name\nx\n")
    with pytest.raises(AutograderError, match="no column `id`"):
        roster.read_into(course, table)


def test_an_extension_is_nbgraders_own(course):
    call = ["students", "extend", "01", "bo", "--days", "2", "--root", str(course)]
    assert CliRunner().invoke(main, call).exit_code == 0
    with closing(gradebook.open_gradebook(course)) as books:
        assert books.find_submission(tiny_course.NAME, "bo").extension.days == 2
    call[3] = "late"
    early = CliRunner().invoke(main, call)
    assert early.exit_code == 0
    assert "from when something is handed in and graded" in early.output
