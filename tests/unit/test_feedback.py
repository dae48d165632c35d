"""Feedback pages: what a glance needs on top, only what changed, nobody's failure another's; and the way back to the LMS."""

from __future__ import annotations

import re
import zipfile
from contextlib import closing
from itertools import pairwise

import pytest
from click.testing import CliRunner

from autograder.books import feedback, feedback_page, feedback_zip, formulas, gradebook, pages
from autograder.cli import main
from autograder.errors import AutograderError
from autograder.intake import collected
from tests.unit import tiny_course
from tests.unit.tiny_course import NAME


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    return tiny_course.make(tmp_path_factory.mktemp("course"), {"ada": 2.0, "bo": 0.0})


def page(course, student: str) -> str:
    return (course / "feedback" / student / NAME / f"{NAME}.html").read_text(encoding="utf-8")


def run(course, *arguments: str):
    return CliRunner().invoke(main, ["feedback", "01", *arguments, "--root", str(course)])


def test_only_pages_whose_inputs_changed_are_written(course):
    assert len(list(feedback.write(course, NAME, []))) == 2
    assert list(feedback.write(course, NAME, [])) == []
    with closing(gradebook.open_gradebook(course)) as books:
        grade = books.find_grade("q", NAME, NAME, "ada")
        grade.manual_score, grade.needs_manual_grade = 2.5, False
        books.find_comment("q", NAME, NAME, "ada").manual_comment = "well <argued>"
        books.db.commit()
    assert [path.parent.parent.name for path in feedback.write(course, NAME, [])] == ["ada"]
    shown = page(course, "ada")
    assert "<strong>4.5 of 5 points</strong>" in shown
    assert "well &lt;argued&gt;" in shown
    assert "1 page(s) are as they were" in run(course, "--student", "bo").output
    assert run(course, "--force").output.count("wrote ") == 2


def test_the_summary_says_what_is_off_which_help_and_where_to_look(course):
    list(feedback.write(course, NAME, []))
    shown = page(course, "bo")
    top = shown[: shown.index('id="notebook"')]
    assert "f doubles: 3" in top
    assert "multiply, do not add" in top
    for target in re.findall(r'href="#([^"]+)"', shown):
        assert f'id="{target}"' in shown, target
    assert "<math" in shown
    assert "<mfrac>" in shown
    assert not re.search(r"<script|https?://(?!www\.w3\.org)|\son\w+=", shown)
    levels = [int(level) for level in re.findall(r"<h(\d)[ >]", shown)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_of_a_hidden_check_the_behaviour_and_nothing_seen(course):
    tiny_course.grade(course, "hid", tiny_course.verdict("hid", 0.0, hidden=True))
    list(feedback.write(course, NAME, ["hid"]))
    shown = page(course, "hid")
    assert "found by a further case" in shown
    assert "SECRET" not in shown
    assert "f(41)" not in shown


def test_what_had_to_be_guessed_is_said(course):
    lost = tiny_course.notebook()
    for cell in lost["cells"]:
        cell["metadata"] = {}
    tiny_course.grade(course, "lost", tiny_course.verdict("lost", 2.0), lost)
    list(feedback.write(course, NAME, ["lost"]))
    assert "recognised by cell ids" in page(course, "lost")


def test_one_page_that_cannot_be_made_is_a_line_and_the_others_are_made(course, monkeypatch):
    real = feedback_page.html
    monkeypatch.setattr(feedback_page, "html", lambda inputs: real(inputs) if inputs.student != "ada" else {}["deep"])
    before = page(course, "ada")
    done = run(course, "--force")
    assert done.exit_code == 1
    assert "the feedback of ada" in done.output
    assert f"bo/{NAME}" in done.output
    assert page(course, "ada") == before, "a page that fails stays as it was, whole"


def test_many_pages_are_made_in_parallel(course, monkeypatch):
    monkeypatch.setattr(feedback, "SEVERAL", 1)
    assert run(course, "--force", "--jobs", "2").output.count("wrote ") >= 2


@pytest.mark.parametrize(
    ("system", "member", "page", "name"),
    [
        ("moodle", "Ada L_55_assignsubmission_file_/x.ipynb", "p.html", "Ada L_55_assignsubmission_file_/p.html"),
        ("moodle", "Ada L_55_assignsubmission_file/x.ipynb", "p.html", "Ada L_55_assignsubmission_file/p.html"),
        ("moodle", "Ada L_55_assignsubmission_file_x.ipynb", "p.html", "Ada L_55_assignsubmission_file_p.html"),
        ("canvas", "lovelaceada_LATE_12_34_x.ipynb", "p.html", "lovelaceada_LATE_12_34_x.html"),
    ],
)
def test_a_page_has_the_name_that_the_system_knows(system, member, page, name):
    assert feedback_zip.name_in(system, member, page) == name


def test_the_zip_holds_who_came_from_the_system_and_says_who_did_not(course):
    with pytest.raises(AutograderError, match="nothing can go back there"):
        feedback_zip.write(course, NAME, "moodle")
    collected.add(course, collected.Row("bo", "Bo", "moodle", "7", NAME, "a.zip", "Bo_7_assignsubmission_file_/x.ipynb", "", 0, "", True))
    done = run(course, "--zip", "moodle")
    assert done.exit_code == 0, done.output
    assert "not in the zip: ada" in done.output
    with zipfile.ZipFile(course / "feedback" / f"{NAME}-moodle.zip") as archive:
        assert archive.namelist() == [f"Bo_7_assignsubmission_file_/{NAME}.html"]


@pytest.mark.parametrize("tex", [r"\text{<b onclick=alert(1)>x</b>}", r"\href{javascript:alert(1)}{x}", r"\style{color:red}{x}", r"\frac{", "x" * 5_000, "{" * 2_000])
def test_a_formula_carries_no_markup_of_anybodys(tex):
    made = formulas.mathml(tex, False)
    assert not re.search(r"<b\b|href=|style=|<[^>]*onclick", re.sub(r' alttext="[^"]*"', "", made))
    shown = pages.shown(f"a ${tex}$ b <script>x</script> formula0n0e")
    assert "<script>" not in shown
    assert "formula0n0e" in shown


@pytest.mark.parametrize("rendered", [pages.shown, lambda text: pages.markdown2html({"cell": {}}, text)])
def test_formulas_in_code_stay_code_and_others_need_no_script(rendered):
    """The second is formgrader's: without a network its MathJax does not come."""
    assert "<math" not in rendered("`$x$` costs 5$")
    assert "<math" in rendered("$$x^2$$")


SENT = {"timestamp.txt": "2026-01-02 10:00:00.123456 UTC", "submission_secret.txt": "5ec3e7" * 20}


def test_feedback_finds_its_way_back_through_the_exchange(tmp_path):
    """nbgrader's release_feedback reads both files beside the page; the secret is of the attempt that was graded."""
    root = tiny_course.make(tmp_path, {"ada": 2, "bo": 0})
    folder = root / "submitted" / "ada" / NAME
    for name, text in SENT.items():
        (folder / name).write_text(text)
    tiny_course.grade(root, "ada", tiny_course.verdict("ada", 2))
    list(feedback.write(root, NAME, []))
    given = root / "feedback" / "ada" / NAME
    assert {name: (given / name).read_text() for name in SENT} == SENT
    assert not (root / "feedback" / "bo" / NAME / "timestamp.txt").exists()
    # handed in again, and not graded yet: the page is still the first attempt's
    (folder / "submission_secret.txt").write_text("another")
    list(feedback.write(root, NAME, []))
    assert (given / "submission_secret.txt").read_text() == SENT["submission_secret.txt"]
    # the same notebook, graded: nothing on the page changes, and it goes to the second attempt all the same
    tiny_course.grade(root, "ada", tiny_course.verdict("ada", 2))
    assert [page.parent.parent.name for page in feedback.write(root, NAME, [])] == ["ada"]
    assert (given / "submission_secret.txt").read_text() == "another"


@pytest.mark.parametrize("break_it", ["link", "huge", "folder"])
def test_what_lies_there_under_the_exchanges_names_is_not_carried(tmp_path, break_it):
    root = tiny_course.make(tmp_path, {"ada": 2})
    odd = root / "submitted" / "ada" / NAME / "timestamp.txt"
    if break_it == "link":
        (tmp_path / "gradebook").write_text("2026")
        odd.symlink_to(tmp_path / "gradebook")
    elif break_it == "huge":
        odd.write_text("2" * 2_000)
    else:
        odd.mkdir()
    tiny_course.grade(root, "ada", tiny_course.verdict("ada", 2))
    assert list(feedback.write(root, NAME, []))
    assert not (root / "autograded" / "ada" / NAME / "timestamp.txt").exists()


class _Breaking(feedback.ProcessPoolExecutor):
    """A pool without processes, which breaks where a page of the guilty one is in it."""

    def __init__(self, jobs, mp_context=None):
        self.broken = False

    def submit(self, call, inputs):
        self.broken = self.broken or inputs.student == "s03"
        future = feedback.Future()
        future.set_exception(feedback.BrokenExecutor("died")) if self.broken else future.set_result(None)
        return future

    def shutdown(self, **_):
        pass


def test_a_page_that_ends_its_process_takes_no_other_along(monkeypatch):
    monkeypatch.setattr(feedback, "ProcessPoolExecutor", _Breaking)
    run = feedback.Run.__new__(feedback.Run)
    run.jobs, run.todo = 2, [feedback.Inputs("root", NAME, NAME, f"s{n:02d}", "x") for n in range(12)]
    made = {inputs.student: error for inputs, error in run._made()}
    assert len(made) == 12
    assert [student for student, error in made.items() if error is not None] == ["s03"]
