"""Due dates, extensions, late policy and groups by command, on nbgrader's own tables."""

from __future__ import annotations

import shutil
from contextlib import closing
from datetime import datetime, timedelta

import pytest
from click.testing import CliRunner

from autograder.books import deadlines, gradebook, roster, teams
from autograder.books.late import PerDay
from autograder.cli import main
from autograder.errors import AutograderError
from tests.unit import tiny_course
from tests.unit.tiny_course import NAME


def run(root, *arguments, code=0):
    done = CliRunner().invoke(main, [*map(str, arguments), "--root", str(root)])
    assert done.exit_code == code, done.output
    return done.output


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return tiny_course.make(tmp_path_factory.mktemp("made") / "course", {"ada": 2.0})


@pytest.fixture
def root(made, tmp_path):
    shutil.copytree(made, tmp_path / "course")
    return tmp_path / "course"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2026-12-01 23:59 UTC", datetime(2026, 12, 1, 23, 59)),
        ("2026-12-01 23:59 Europe/Berlin", datetime(2026, 12, 1, 22, 59)),
        ("2026-07-01 23:59 Europe/Berlin", datetime(2026, 7, 1, 21, 59)),
        ("2026-12-01 23:59 +0530", datetime(2026, 12, 1, 18, 29)),
        ("2026-12-01T23:59:00+01:00", datetime(2026, 12, 1, 22, 59)),
    ],
)
def test_a_time_is_read_with_its_zone(text, wanted):
    assert deadlines.read_time(text) == wanted


@pytest.mark.parametrize("text", ["tomorrow", "30.11.2026 12:00", "2026-12-01", "2026-13-01 10:00", "2026-12-01 23:59 Nowhere/At_All"])
def test_what_is_no_time_is_refused_with_one_that_is(text):
    with pytest.raises(AutograderError, match=r"\d\d:\d\d|23:59"):
        deadlines.read_time(text)


def test_a_due_date_is_set_shown_and_taken_back(root):
    assert "no due date" in run(root, "students", "due", "01")
    said = run(root, "students", "due", "01", "2026-12-01 12:00 UTC")
    assert "(2026-12-01 12:00 UTC)" in said
    assert "autograder grade 01_tiny" in said
    with closing(gradebook.open_gradebook(root)) as books:
        assert books.find_assignment(NAME).duedate == datetime(2026, 12, 1, 12)
    run(root, "students", "due", "01", "never")
    assert "no due date" in run(root, "students", "due", "01")


def test_an_extension_before_anything_came_counts_when_it_comes(root):
    run(root, "students", "due", "01", "2026-12-01 12:00 UTC")
    assert "nobody is called bo" in run(root, "students", "extend", "01", "bo", "--days", 2, code=1)
    (root / "s.csv").write_text("id\nbo\n")
    roster.read_into(root, root / "s.csv")
    assert "from when something is handed in" in run(root, "students", "extend", "01", "bo", "--days", 2)
    tiny_course.grade(root, "bo", tiny_course.verdict("bo", 2.0))
    with closing(gradebook.open_gradebook(root)) as books:
        assert books.find_submission(NAME, "bo").extension == timedelta(days=2)
    run(root, "students", "extend", "01", "bo", "--days", 0)
    with closing(gradebook.open_gradebook(root)) as books:
        assert books.find_submission(NAME, "bo").extension is None


def test_an_extension_without_a_due_date_is_nobodys_error(root):
    assert "autograder students due 01_tiny" in run(root, "students", "extend", "01", "ada", "--days", 1)
    tiny_course.grade(root, "ada", tiny_course.verdict("ada", 2.0))


def test_who_was_late_by_how_much_and_what_it_cost(root):
    (root / "nbgrader_config.py").write_text('c = get_config()\nc.AssignLatePenalties.plugin_class = "autograder.books.late.PerDay"\nc.PerDay.share = 0.25\n')
    run(root, "students", "due", "01", "2026-12-01 12:00 UTC")
    with closing(gradebook.open_gradebook(root)) as books:
        books.find_submission(NAME, "ada").timestamp = datetime(2026, 12, 2, 13, 30)
        books.db.commit()
    tiny_course.grade(root, "ada", tiny_course.verdict("ada", 2.0))
    assert "ada: 1 d 1 h 30 min late, 1 points taken off" in run(root, "students", "due", "01", "--late")
    run(root, "students", "extend", "01", "ada", "--days", 1)
    tiny_course.grade(root, "ada", tiny_course.verdict("ada", 2.0))
    assert "ada: 0 d 1 h 30 min late, 1 day(s) of extension, 0.5 points taken off" in run(root, "students", "due", "01", "--late")


def test_a_penalty_by_the_day_has_grace_free_days_and_a_most():
    policy = PerDay(share=0.1, most=0.5, grace_minutes=10, free_days=1)
    day = 86_400
    assert [policy.late_submission_penalty("ada", 10.0, s) for s in (0, 600, 601, day + 600, day + 700, 3 * day, 90 * day)] == [
        None, None, None, None, pytest.approx(1.0), pytest.approx(2.0), pytest.approx(5.0),
    ]  # fmt: skip


def submitted(root, student):
    return root / "submitted" / student / NAME / f"{NAME}.ipynb"


def test_what_one_of_a_group_hands_in_counts_for_all_and_nothing_is_lost(root):
    (submitted(root, "ada").parent / "timestamp.txt").write_text("2026-12-01 10:00:00 UTC")
    said = run(root, "students", "group", "01", "ada", "bo", "cy")
    assert "submitted/bo/01_tiny (handed in by ada, for the group)" in said
    assert submitted(root, "cy").read_bytes() == submitted(root, "ada").read_bytes()
    assert (submitted(root, "bo").parent / "timestamp.txt").read_text() == "2026-12-01 10:00:00 UTC"
    submitted(root, "bo").write_text("{}")
    (submitted(root, "bo").parent / "timestamp.txt").write_text("2026-12-01 11:00:00 UTC")
    said = list(teams.share(root, NAME))
    assert len(said) == 2
    assert submitted(root, "ada").read_text() == "{}"
    [kept] = (root / ".autograder" / "replaced" / "ada" / NAME).iterdir()
    assert "tiny" in (kept / f"{NAME}.ipynb").read_text().casefold()
    assert list(teams.share(root, NAME)) == []


def test_groups_come_from_a_table_and_nobody_is_in_two(root):
    table = root / "groups.csv"
    table.write_text("student;group\nada;1\nbo;1\ncy;2\ndi;2\n")
    assert "2 group(s)" in run(root, "students", "group", "01", "--table", table)
    assert teams.of(root, NAME) == [["ada", "bo"], ["cy", "di"]]
    run(root, "students", "group", "01", "bo", "cy")
    assert teams.of(root, NAME) == [["bo", "cy"]], "who moved left a group of one"
    with pytest.raises(AutograderError, match="bo is in two groups"):
        teams.remember(root, NAME, [["ada", "bo"], ["bo", "cy"]])
    table.write_text("name,team\nada,1\n")
    with pytest.raises(AutograderError, match="columns student and group"):
        teams.read(table)
