"""Attacks: none earns what it should not, none harms another's result, none outlives its run."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest

from autograder.books import gradebook, store
from autograder.course import chapter as ch
from autograder.intake import door as intake
from autograder.judge import reference as references
from autograder.sandbox import bwrap, trial
from autograder.sandbox.levels import level
from tests.e2e import attacks
from tests.e2e.classroom import cell_of, code

#: Minutes in all: in `make test-all`.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(trial.missing() is not None, reason=f"no sandbox here: {trial.missing()}"),
]


def with_attack(classroom, attack, solution=attacks.WRONG):
    notebook = classroom.notebook(classroom.right | {"relu": attack.get("solution", solution)})
    if "before" in attack:
        notebook["cells"].insert(cell_of(notebook, "relu__forward"), code(attack["before"]))
    if "first" in attack:
        notebook["cells"].insert(0, code(attack["first"]))
    return notebook


def record_of(result):
    result.student = "x"
    return store.to_record(result)


@pytest.fixture
def short(monkeypatch):
    """Cells may run 3 s instead of 20, so that attacks that wait do not make the suite wait."""
    monkeypatch.setattr(references, "CELL_SECONDS", 3.0)
    real = ch.exercises_of
    monkeypatch.setattr(
        ch, "exercises_of",
        lambda nb, settings: {n: replace(e, settings=replace(e.settings, seconds=3.0)) for n, e in real(nb, settings).items()},
    )  # fmt: skip


def test_forged_verdicts_earn_nothing_and_harm_nobody(classroom, grade):
    mark = Path("/tmp/PWNED")  # what a grader that unpickles would write; inside the wall /tmp is another
    mark.unlink(missing_ok=True)
    classroom.submit("a_before")
    classroom.submit("z_after")
    for name, attack in attacks.FORGED.items():
        classroom.submit(f"m_{name}", with_attack(classroom, attack))
    started = time.monotonic()
    results = grade(classroom)
    print(f"{len(results)} submissions in {time.monotonic() - started:.1f} s")
    earned = {s: (r.status, r.exercises["relu"].score) for s, r in results.items() if s.startswith("m_")}
    assert earned == {f"m_{name}": ("graded", 0.0) for name in attacks.FORGED}
    honest = [results.pop("a_before"), results.pop("z_after")]
    assert [r.score for r in honest] == [32.0, 32.0]
    assert record_of(honest[0]) == record_of(honest[1])
    assert not mark.exists()


def test_what_a_notebook_claims_about_itself_plays_no_part(classroom, grade):
    def tests(nb):
        return [
            i
            for i, c in enumerate(nb["cells"])
            if c["metadata"].get("nbgrader", {}).get("grade") and not c["metadata"]["nbgrader"]["solution"]
        ]

    def each(change):
        def mutate(nb):
            for i in tests(nb):
                change(nb["cells"][i])

        return mutate  # fmt: skip

    def reorder(nb):
        found = set(tests(nb))
        nb["cells"] = [nb["cells"][i] for i in sorted(found)] + [
            c for i, c in enumerate(nb["cells"]) if i not in found
        ]

    def duplicate(nb):
        nb["cells"].append(json.loads(json.dumps(nb["cells"][tests(nb)[0]])) | {"id": "dup1"})

    def delete(nb):
        for i in reversed(tests(nb)):
            del nb["cells"][i]

    mutations = {
        "skip_tag": each(lambda c: c["metadata"].update(tags=["skip-execution"])),
        "points": each(lambda c: c["metadata"]["nbgrader"].update(points=9999)),
        "stripped": each(lambda c: c["metadata"].pop("nbgrader")),
        "unlocked": each(lambda c: c["metadata"]["nbgrader"].update(locked=False, grade=False)),
        "emptied": each(lambda c: c.update(source="pass")),
        "typed": each(lambda c: c.update(cell_type="markdown")),
        "schema": each(lambda c: c["metadata"]["nbgrader"].update(schema_version=99)),
        "renamed": each(lambda c: c["metadata"]["nbgrader"].update(grade_id="nothing")),
        "outputs": each(lambda c: c.update(outputs=[{"output_type": "execute_result", "data": {"text/plain": "100"}, "metadata": {}, "execution_count": 1}])),
        "weird_meta": each(lambda c: c["metadata"].update(nbgrader=[1, 2])),
        "reordered": reorder,
        "duplicated": duplicate,
        "deleted": delete,
    }  # fmt: skip
    for name, mutate in mutations.items():
        for student, solution in ((f"w_{name}", attacks.WRONG), (f"r_{name}", attacks.RIGHT)):
            notebook = classroom.notebook(classroom.right | {"relu": solution})
            mutate(notebook)
            classroom.submit(student, notebook)
    results = grade(classroom)
    assert {s: r.exercises["relu"].score for s, r in results.items() if s.startswith("w_")} == {
        f"w_{n}": 0.0 for n in mutations
    }
    assert {s: r.score for s, r in results.items() if s.startswith("r_")} == {
        f"r_{n}": 32.0 for n in mutations
    }


def test_a_resubmission_never_inherits_an_older_score(classroom, grade):
    classroom.submit("ada")
    assert grade(classroom)["ada"].score == 32
    notebook = classroom.notebook()
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade") and cell["cell_type"] == "code":
            del cell["metadata"]["nbgrader"]
    classroom.submit("ada", notebook)
    assert grade(classroom)["ada"].score == 0
    classroom.submit("ada", b"broken")
    assert grade(classroom)["ada"].status == "rejected"
    with gradebook.open_gradebook(classroom.root) as books:
        assert set(gradebook.scores(books, classroom.chapter, "ada").values()) == {0.0}


@pytest.mark.parametrize("name", attacks.SLOW)
def test_what_never_ends_is_stopped_with_a_reason_and_keeps_earlier_points(classroom, grade, short, name):
    classroom.submit("ada", with_attack(classroom, attacks.SLOW[name]))
    started = time.monotonic()
    result = grade(classroom)["ada"]
    took = time.monotonic() - started
    assert result.status == "graded"
    assert result.exercises["relu"].score == 0
    assert result.exercises["linear_forward"].outcome == "pass"
    assert result.exercises["numeric_gradient"].outcome == "pass", result.exercises["numeric_gradient"]
    busy = os.getloadavg()[0] > 2 * (os.cpu_count() or 1)  # then it runs again alone, with more patience
    assert took < (600 if busy else 60)
    assert _left_over() == []


def _left_over():
    """Return processes of runs that should be gone: anything below a template's child."""
    found = subprocess.run(["ps", "-eo", "pid,ppid,args"], capture_output=True, text=True).stdout
    return [line for line in found.splitlines() if "import time" in line and "ps -eo" not in line]


def test_what_one_student_leaves_no_other_student_finds(classroom, grade):
    """Somebody honest before and after each of them, in one worker; nothing is graded as an empty zero."""
    for n, source in enumerate(attacks.OUTLIVE.values()):
        notebook = classroom.notebook(classroom.right)
        notebook["cells"].insert(0, code(source))
        classroom.submit(f"s{n:02d}_evil", notebook)
        classroom.submit(f"s{n:02d}_good")
    results = grade(classroom)
    assert {s: (r.status, r.score) for s, r in results.items() if s.endswith("good")} == {
        s: ("graded", 32.0) for s in results if s.endswith("good")
    }
    assert len({record_of(r) for s, r in results.items() if s.endswith("good")}) == 1
    assert os.stat("/dev").st_mode & 0o777 == 0o755
    assert grade(classroom, force=True)["s00_good"].score == 32.0


@pytest.mark.parametrize("source", ["while True: pass", "import time; time.sleep(2.8)"])
def test_slow_scratch_cells_cost_themselves_only(classroom, grade, short, source):
    notebook = classroom.notebook(classroom.right)
    for _ in range(9):
        notebook["cells"].insert(cell_of(notebook, "relu__forward"), code(source))
    classroom.submit("ada", notebook)
    result = grade(classroom)["ada"]
    assert (result.status, result.score) == ("graded", 32.0)


def test_check_of_a_notebook_stands_behind_the_wall_and_says_where_there_is_none(classroom, cli, monkeypatch, tmp_path):
    from autograder import learner

    mark = tmp_path / "touched"
    notebook = classroom.notebook(classroom.right)
    notebook["cells"].insert(0, code(f"open({str(mark)!r}, 'w').close()"))
    path = classroom.submit("ada", notebook)
    done = cli("check", path, "--root", classroom.root)
    assert done.exit_code == 0
    assert "no wall here" not in done.stderr
    assert not mark.exists()
    monkeypatch.setattr(learner.trial, "missing", lambda: "bubblewrap is not installed")
    done = cli("check", path, "--root", classroom.root)
    assert "no wall here: the notebook's code runs as you" in done.stderr
    assert mark.exists()


def test_harmless_but_nosy_code_sees_nothing_and_costs_nothing(classroom, grade):
    for name, source in attacks.HARMLESS.items():
        for student in (f"{name}", f"{name}_again"):
            notebook = classroom.notebook(classroom.right)
            notebook["cells"].insert(cell_of(notebook, "relu__forward"), code(source))
            classroom.submit(student, notebook)
    results = grade(classroom)
    assert {s: r.score for s, r in results.items()} == dict.fromkeys(results, 32.0)
    assert len(results) == 2 * len(attacks.HARMLESS)
    assert _left_over() == []


def test_no_cell_prints_a_leak(classroom):
    from autograder.sandbox.host import Limits, Template
    from autograder.sandbox.inside import Cell

    # each in a run of its own: what one of them starts is visible to itself, and to nobody after it
    with Template(sandbox=True) as template:
        for _ in range(2):
            for name, source in attacks.HARMLESS.items():
                cells = [Cell(name, "student", source)]
                outcome = template.run(cells, seed=0, forbidden={}, seconds=lambda _: 30.0, limits=Limits())
                assert outcome.reason is None, name
                said = outcome.frames[name]["output"]
                assert "LEAK" not in said, (name, said[:200])
                assert len(said) < 30_000


def test_shadow_modules_beside_the_notebook_are_not_imported(classroom, grade):
    classroom.submit("ada", classroom.notebook(classroom.right | {"relu": attacks.WRONG}))
    folder = classroom.folder("ada")
    for module in (
        "torch",
        "numpy",
        "random",
        "json",
        "lessonkit",
        "autograder",
        "sitecustomize",
        "usercustomize",
    ):
        (folder / f"{module}.py").write_text("def __getattr__(n):\n    return lambda *a, **k: True\n")
        (folder / f"{module}_").mkdir()
    (folder / "lessonkit").mkdir()
    (folder / "lessonkit" / "__init__.py").write_text("")
    result = grade(classroom)["ada"]
    assert result.exercises["relu"].score == 0
    assert result.score == 29


def test_feedback_and_formgrader_carry_no_script_and_no_hidden_test(classroom, grade, cli):
    evil = "<img src=x onerror=\"document.title='XSS'\"><script>document.title='XSS'</script>[x](javascript:alert(1))"
    notebook = classroom.notebook(classroom.right | {"relu": attacks.WRONG + f"\n# {evil}\nprint({evil!r})"})
    notebook["cells"].insert(2, {"cell_type": "markdown", "id": "m", "metadata": {}, "source": evil})
    notebook["cells"][cell_of(notebook, "question_derivation")]["source"] = f"my answer {evil}"
    i = cell_of(notebook, "relu")
    notebook["cells"][i]["outputs"] = [
        {"output_type": "display_data", "metadata": {}, "data": {"text/html": evil, "application/javascript": "alert(1)", "text/plain": evil, "image/svg+xml": f"<svg>{evil}</svg>", "image/png": "not base64"}},
        {"output_type": "stream", "name": "stdout", "text": evil},
        {"output_type": "error", "ename": "E", "evalue": evil, "traceback": [evil]},
    ]  # fmt: skip
    classroom.submit("ada", notebook)
    leaky = "import inspect\ndef relu_forward(h):\n    f = inspect.currentframe().f_back\n    raise ValueError(str(h) + str(f.f_code.co_consts) + inspect.getsource(f))\nrelu_backward = lambda g, h: relu_forward(h)\n"
    classroom.submit("bob", relu=leaky)
    grade(classroom)
    assert cli("feedback", "01", "--root", classroom.root).exit_code == 0
    shown_anyway = "\n".join(cell.source for cell in classroom.chapter.release.cells)
    hidden = [
        line.strip()
        for cell in classroom.chapter.source.cells
        if ch.is_test(cell)
        for line in _hidden_lines(cell.source)
    ]
    hidden = [line for line in hidden if line not in shown_anyway]
    assert len(hidden) > 20
    for student in ("ada", "bob"):
        page = (classroom.root / "feedback" / student / classroom.name / f"{classroom.name}.html").read_text()
        graded = (
            classroom.root / "autograded" / student / classroom.name / f"{classroom.name}.ipynb"
        ).read_text()
        for text in (page, graded):
            assert [line for line in hidden if line in text] == []
        assert not re.search(r"<[^>]*\bonerror\s*=", page)
        assert "<script>document.title" not in page
        assert not re.search(r"href=.javascript:", page)
    shown = _as_formgrader_shows(classroom, "ada")
    assert "my answer" in shown
    assert not re.search(r"<[^>]*\bonerror\s*=", shown)
    assert "<script>document.title" not in shown
    assert not re.search(r"href=.javascript:", shown)


def _as_formgrader_shows(classroom, student):
    """Return formgrader's page of a submission, made by its exporter with its template."""
    from nbconvert.exporters import HTMLExporter
    from nbgrader.server_extensions.formgrader import handlers
    from traitlets.config import Config

    from autograder.course import nbgrader_api as nb

    config = nb.config(classroom.root)
    config.merge(Config(HTMLExporter={"template_name": "formgrade", "extra_template_basedirs": [handlers.template_path]}))
    resources = {
        "assignment_id": classroom.name, "notebook_id": classroom.name, "submission_id": "1", "index": 0, "total": 1,
        "base_url": "", "student": student, "last_name": "", "first_name": student, "notebook_path": "",
    }  # fmt: skip
    path = classroom.root / "autograded" / student / classroom.name / f"{classroom.name}.ipynb"
    return HTMLExporter(config=config).from_filename(str(path), resources=resources)[0]


def _hidden_lines(source):
    from autograder.rebuild.split import hidden_lines

    inside = hidden_lines(source)
    return [line for n, line in enumerate(source.split("\n"), 1) if n in inside and len(line.strip()) > 25]


def test_answers_and_references_never_exist_in_the_students_process(classroom):
    """Neither the cells that are sent nor the packages in the sandbox hold a judgement or a solution."""
    from autograder.rebuild.cells import splits_of

    for grade_id, split in splits_of(classroom.chapter.source).items():
        assert "expected=" not in split.student, grade_id
        assert "judge=" not in split.student, grade_id
        assert "def expected" not in split.student, grade_id
    sandboxed, _ = level()
    assert sandboxed
    command = bwrap.command(3, None)
    bound = [command[i + 1] for i, word in enumerate(command) if word == "--ro-bind"]
    assert not [path for path in bound if Path(path).name in ("course", "source", "tests")]
    root = Path(__file__).resolve().parents[2]
    assert not [path for path in bound if (root / "source").is_relative_to(path)]


def test_student_ids_that_look_like_paths_are_refused():
    for name in ("../x", "a/b", "..", ".", "a..b", "", "a\nb", "a" * 65, "\u202ea", "a b"):
        assert not intake.valid_id(name), name
    for name in ("ada", "a.b@uni.example", "A_1", "12345", "a+b"):
        assert intake.valid_id(name), name
