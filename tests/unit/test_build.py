"""The build: the same bytes every time, edits never lost, back again without loss, rules with one-line messages."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import nbformat
import pytest
from click.testing import CliRunner

from autograder.author import build, lint, pull
from autograder.cli import main
from autograder.course import chapter as ch

ROOT = Path(__file__).resolve().parents[2]
NAME = "01_numpy_backprop"


@pytest.fixture
def root(tmp_path):
    for room in ("course", "source", "release"):
        shutil.copytree(ROOT / room / NAME, tmp_path / room / NAME)
    shutil.copy(ROOT / "course.toml", tmp_path)
    return tmp_path


def run(*arguments):
    return CliRunner().invoke(main, [str(a) for a in arguments])


def notebook():
    return build.source_notebook((ROOT / "course" / NAME / f"{NAME}.py").read_text(encoding="utf-8"), NAME)


def test_the_same_text_gives_the_same_bytes_and_stable_ids():
    one, other = build.to_bytes(notebook()), build.to_bytes(notebook())
    assert one == other == (ROOT / "source" / NAME / f"{NAME}.ipynb").read_bytes()
    ids = [cell.id for cell in notebook().cells]
    assert len(set(ids)) == len(ids)
    assert "relu__gradient" in ids


@pytest.mark.parametrize("name", ch.names(ROOT))
def test_releases_leak_nothing_and_have_no_outputs(name):
    released = nbformat.read(ROOT / "release" / name / f"{name}.ipynb", 4)
    assert lint.release(name, released) == []
    source = nbformat.read(ROOT / "source" / name / f"{name}.ipynb", 4)
    assert "lessonkit" not in released.metadata
    assert "`%pip install layer-by-layer`" in released.cells[0].source
    answers = {c.id: c.source for c in source.cells if ch.is_solution(c) or ch.is_manual(c)}
    assert answers
    assert not [c.id for c in released.cells if c.source == answers.get(c.id)]
    assert sorted(p.name for p in (ROOT / "release" / name).iterdir() if p.is_file()) == sorted(
        [f"{name}.ipynb", "lessonkit.json"]
    )


@pytest.mark.parametrize("name", ch.names(ROOT, "course"))
def test_every_chapter_keeps_the_rules_and_is_built_from_its_text(name):
    folder = ROOT / "course" / name
    made = build.source_notebook((folder / f"{name}.py").read_text(encoding="utf-8"), name)
    assert lint.chapter(folder, made) == []
    assert build.to_bytes(made) == (ROOT / "source" / name / f"{name}.ipynb").read_bytes(), (
        f"run `autograder build {name}`"
    )


def test_stale_files_are_named_with_the_command_that_mends_them(root):
    text = root / "course" / NAME / f"{NAME}.py"
    text.write_text(
        text.read_text(encoding="utf-8").replace("By the end of this notebook", "At the end"),
        encoding="utf-8",
    )
    (root / "release" / NAME / "stray.txt").write_text("x")
    found = run("build", "--check", "--root", root)
    assert found.exit_code == 1
    lines = [line for line in found.output.split("\n") if "is out of date" in line]
    assert sorted(Path(line.split()[1 if line.startswith("Error") else 0]).name for line in lines) == sorted(
        [f"{NAME}.ipynb", f"{NAME}.ipynb", "lessonkit.json", "lessonkit.json", "stray.txt"]
    )
    assert all(line.endswith(f"Run `autograder build {NAME}`.") for line in lines)


def test_what_somebody_did_in_the_release_is_kept_when_a_build_replaces_it(root):
    release = root / "release" / NAME / f"{NAME}.ipynb"
    solved = json.loads(release.read_text(encoding="utf-8"))
    next(c for c in solved["cells"] if c["id"] == "relu")["source"] = "def relu_forward(h):\n    return h.clip(0)"
    release.write_text(json.dumps(solved), encoding="utf-8")
    (release.parent / "notes.txt").write_text("my own notes")
    done = run("build", NAME, "--root", root)
    assert done.exit_code == 0, done.output
    kept = {path.name: path for path in (root / ".autograder" / "replaced").rglob("*") if path.is_file()}
    assert "h.clip(0)" in kept[f"{NAME}.ipynb"].read_text(encoding="utf-8")
    assert kept["notes.txt"].read_text() == "my own notes"
    assert all(f"wrote {path}" in done.output.replace("\n", "") for path in kept.values())
    assert "h.clip(0)" not in release.read_text(encoding="utf-8")
    assert run("build", NAME, "--root", root).output.count("replaced") == 0


def test_an_edited_source_is_not_overwritten_and_pull_brings_it_back(root):
    path = root / "source" / NAME / f"{NAME}.ipynb"
    edited = json.loads(path.read_text(encoding="utf-8"))
    for cell in edited["cells"]:
        meta = cell["metadata"].get("nbgrader", {})
        if meta.get("grade_id") == "relu__gradient":
            meta["points"] = 7
        if cell["cell_type"] == "markdown" and "By the end of this notebook" in cell["source"]:
            cell["source"] += "\n\nOne more sentence, with `code`, $x^2$ and a \\backslash."
    path.write_text(json.dumps(edited), encoding="utf-8")
    refused = run("build", NAME, "--root", root)
    assert refused.exit_code == 1
    assert f"Keep the edits: `autograder pull {NAME}`" in refused.output
    assert f"Discard them: `autograder build {NAME} --force`" in refused.output
    pulled = run("pull", "01", "--root", root)
    assert pulled.exit_code == 0, pulled.output
    text = (root / "course" / NAME / f"{NAME}.py").read_text(encoding="utf-8")
    before = (ROOT / "course" / NAME / f"{NAME}.py").read_text(encoding="utf-8")
    changed = [line for line in text.split("\n") if line not in before.split("\n")]
    assert [line for line in changed if '"points": 7' in line]
    assert [line for line in changed if "One more sentence" in line]
    again = build.source_notebook(text, NAME)
    assert [c.source for c in again.cells] == [c["source"] for c in edited["cells"]]
    assert [ch.nbgrader_of(c) for c in again.cells] == [
        c["metadata"].get("nbgrader", {}) for c in edited["cells"]
    ]
    assert run("pull", "01", "--root", root).output.strip().endswith("the text already says the same")


def test_text_survives_the_round_trip_unchanged():
    text = (ROOT / "course" / NAME / f"{NAME}.py").read_text(encoding="utf-8")
    back = pull.text_of(build.source_notebook(text, NAME))
    assert [c.source for c in build.source_notebook(back, NAME).cells] == [c.source for c in notebook().cells]


def change(text, old, new):
    assert old in text
    return text.replace(old, new, 1)


@pytest.mark.parametrize(
    ("old", "new", "finding"),
    [
        ('"grade_id": "relu__gradient"', '"grade_id": "cell-0123456789abcdef"', "is random or not a name"),
        ('"grade_id": "relu__gradient"', '"grade_id": "relu__forward"', "stands twice"),
        ('hint("relu")', "pass", 'no cell with hint("relu")'),
        ("*difficulty 1 of 3 · 8 minutes · about 1 line each*", "", "wants its line"),
        ("lambda: relu_backward(upstream, h),", "relu_backward(upstream, h),", "runs outside an observation"),
        (", judge=lambda losses:", ", judge=lambda losses: x if x else", None),
        ('    alt=f"The loss curve', '    label=f"The loss curve', "has no alt text"),
        (
            "rng = np.random.default_rng(4)\n",
            "rng = np.random.default_rng(4)\n" + "a = 1\n" * 26,
            "lines of code",
        ),
        ('"the loss falls",', '"there is one loss for each step",', "give each check its own sentence"),
        ('"points": 2', '"points": 0', "is worth no points"),
    ],
)
def test_rules_have_one_line_messages(tmp_path, old, new, finding):
    folder = tmp_path / NAME
    shutil.copytree(ROOT / "course" / NAME, folder)
    text = (folder / f"{NAME}.py").read_text(encoding="utf-8")
    if finding is None:
        old, new, finding = (
            "judge=lambda losses: (",
            "judge=lambda losses: x and (",
            "a judge is closed",
        )
    made = build.source_notebook(change(text, old, new), NAME)
    found = lint.chapter(folder, made)
    assert [line for line in found if finding in line], found
    assert all("\n" not in line for line in found)


def test_an_exercise_without_hints_or_mistakes_is_a_finding(tmp_path):
    folder = tmp_path / NAME
    shutil.copytree(ROOT / "course" / NAME, folder)
    (folder / "exercises.toml").write_text('[relu]\nhints = ["one"]\n[nothing]\nhints = []\n')
    (folder / "mistakes.py").write_text(
        "# %% relu: one\ndef relu_forward(h): return h\n# %% nope: two\n# help: x\n"
    )
    found = "\n".join(lint.chapter(folder, notebook()))
    assert "relu has 1 hints; at least 2" in found
    assert "relu has 1 named mistakes; at least 5" in found
    assert "relu: one has no `# help:` line" in found
    assert "nope is no exercise" in found
    assert "[nothing], which is no exercise" in found


@pytest.mark.slow
@pytest.mark.parametrize("name", ch.names(ROOT, "course"))
def test_building_afresh_gives_the_committed_files(name):
    made = build.make(ROOT, name, afresh=True)
    for path, content in made.files.items():
        assert (ROOT / path).read_bytes() == content, f"{path}: run `autograder build {name} --force`"


@pytest.mark.parametrize("name", ch.names(ROOT, "course"))
def test_an_unedited_source_notebook_gives_back_its_text_to_the_byte(name):
    text = (ROOT / "course" / name / f"{name}.py").read_text(encoding="utf-8")
    assert pull.text_of(ch.read_trusted(ROOT / "source" / name / f"{name}.ipynb"), text) == text
