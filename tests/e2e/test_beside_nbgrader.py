"""Stock nbgrader beside our grader: the same scores on honest work, its other tools on our gradebook."""

from __future__ import annotations

import csv
import io
import shutil

import pytest

from autograder.books import gradebook
from autograder.course import nbgrader_api as nb
from autograder.course import solutions
from tests.e2e.classroom import ROOT, Classroom, cell_of

pytestmark = pytest.mark.filterwarnings(
    "default"
)  # what nbgrader's own kernels and exporters warn of is theirs


def honest_class(room):
    """Hand in honest work of every kind: right, untouched, unusual, wrong, half done, a manual answer."""
    wrong = {m.exercise: m.code for m in solutions.read(ROOT / "course" / room.name / "mistakes.py")}
    unusual = {m.exercise: m.code for m in solutions.read(ROOT / "course" / room.name / "variants.py")}
    room.submit("right")
    room.submit("untouched", room.notebook())
    room.submit("unusual", **unusual)
    room.submit("wrong", **wrong)
    half = room.notebook({name: code for i, (name, code) in enumerate(room.right.items()) if i % 2})
    half["cells"][cell_of(half, "question_derivation")]["source"] = "My derivation."
    room.submit("half", half)


def scores_of(room):
    with gradebook.open_gradebook(room.root) as books:
        return {s.id: gradebook.scores(books, room.chapter, s.id) for s in books.students}


def test_stock_nbgrader_gives_the_same_scores(tmp_path, grade):
    ours, stock = Classroom(tmp_path / "ours"), Classroom(tmp_path / "stock")
    for room in (ours, stock):
        shutil.copy(ROOT / "nbgrader_config.py", room.root)
        honest_class(room)
    grade(ours)
    api = nb.api(stock.root)
    gradebook.ensure_assignment(stock.root, stock.chapter)
    for student in ("right", "untouched", "unusual", "wrong", "half"):
        done = api.autograde(stock.name, student, force=True, create=True)
        assert done["success"], done
    found = scores_of(ours)
    assert found == scores_of(stock)
    assert sum(v or 0 for v in found["right"].values()) == 32
    assert found["half"]["question_derivation"] is None, "an answer waits for a person"
    assert found["untouched"]["question_derivation"] == 0, "no answer is worth nothing"


def test_nbgraders_own_feedback_and_export_work_after_our_grader(classroom, grade, cli):
    shutil.copy(ROOT / "nbgrader_config.py", classroom.root)
    classroom.submit("ada")
    classroom.submit("bob", classroom.notebook())
    grade(classroom)
    api = nb.api(classroom.root)
    assert api.generate_feedback(classroom.name, "ada", force=True)["success"]
    found = api.get_submission(classroom.name, "ada")
    assert found["score"] == 32
    assert found["autograded"]
    assert api.get_submission(classroom.name, "bob")["score"] == 0
    rows = list(csv.DictReader(io.StringIO(cli("export", "--root", classroom.root).stdout)))
    assert {row["student_id"]: float(row["score"]) for row in rows} == {"ada": 32.0, "bob": 0.0}
    for form in ("canvas", "moodle"):
        text = cli("export", "--format", form, "--root", classroom.root).stdout
        assert "ada" in text
        assert "32.0" in text


def test_manual_grades_and_comments_survive_a_regrade(classroom, grade):
    answered = classroom.notebook(classroom.right)
    answered["cells"][cell_of(answered, "question_derivation")]["source"] = "My derivation."
    classroom.submit("ada", answered)
    grade(classroom)
    with gradebook.open_gradebook(classroom.root) as books:
        manual = books.find_grade("question_derivation", classroom.name, classroom.name, "ada")
        assert manual.needs_manual_grade
        manual.manual_score, manual.extra_credit, manual.needs_manual_grade = 2.5, 0.5, False
        over = books.find_grade("relu__gradient", classroom.name, classroom.name, "ada")
        over.manual_score = 1.0
        books.find_comment(
            "question_derivation", classroom.name, classroom.name, "ada"
        ).manual_comment = "Well put."
        books.db.commit()
    grade(classroom, force=True)
    classroom.submit("ada", classroom.notebook(classroom.right | {"relu": "relu_forward = None"}))
    grade(classroom)
    with gradebook.open_gradebook(classroom.root) as books:
        manual = books.find_grade("question_derivation", classroom.name, classroom.name, "ada")
        assert (manual.manual_score, manual.extra_credit) == (2.5, 0.5)
        over = books.find_grade("relu__gradient", classroom.name, classroom.name, "ada")
        assert (over.manual_score, over.auto_score) == (1.0, 0.0)
        assert over.needs_manual_grade, (
            "nbgrader asks again where an automatic score changed under a manual one"
        )
        assert (
            books.find_comment("question_derivation", classroom.name, classroom.name, "ada").comment
            == "Well put."
        )


@pytest.mark.parametrize(("method", "penalty"), [("none", 0.0), ("zero", 32.0)])
def test_a_late_submission_is_noted_and_the_plugin_decides(classroom, grade, method, penalty):
    (classroom.root / "nbgrader_config.py").write_text(f"c = get_config()\nc.LateSubmissionPlugin.penalty_method = {method!r}\n")
    classroom.submit("ada")
    (classroom.folder("ada") / "timestamp.txt").write_text("2026-01-02 10:00:00 UTC")
    classroom.submit("eve")
    (classroom.folder("eve") / "timestamp.txt").write_text("the day before yesterday")
    gradebook.ensure_assignment(classroom.root, classroom.chapter)
    with gradebook.open_gradebook(classroom.root) as books:
        books.update_or_create_assignment(classroom.name, duedate="2026-01-01 10:00:00 UTC")
    results = grade(classroom)
    assert results["eve"].score == 32
    with gradebook.open_gradebook(classroom.root) as books:
        ada, eve = (books.find_submission(classroom.name, student) for student in ("ada", "eve"))
        assert (ada.total_seconds_late, ada.late_submission_penalty) == (86400, penalty)
        assert (eve.total_seconds_late, eve.late_submission_penalty) == (0, 0.0)
        assert (ada.score, eve.score) == (32.0, 32.0), "the penalty stands beside the score"


def test_dry_run_shows_the_difference_and_writes_nothing(classroom, grade, cli):
    classroom.submit("ada")
    grade(classroom)
    classroom.submit("ada", classroom.notebook())
    shown = cli("grade", "01", "--dry-run", "--jobs", "1", "--root", classroom.root)
    assert "ada: 32 -> 0" in shown.output
    assert "Nothing was written" in shown.output
    with gradebook.open_gradebook(classroom.root) as books:
        assert sum(v or 0 for v in gradebook.scores(books, classroom.chapter, "ada").values()) == 32
    applied = cli("grade", "01", "--jobs", "1", "--root", classroom.root)
    assert "ada: 32 -> 0" in applied.output
