"""The three wheels: what students install holds no answer, and learning and grading work from the wheels alone.

Each environment is a new one. The wheels are installed in it by pip; every other package (torch is gigabytes) comes
from the environment that runs the tests, through a path file. No clone is on any path, and a test looks.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import nbgrader
import pytest

from autograder.course import chapter as ch

ROOT = Path(__file__).resolve().parents[2]
CHAPTER = "01_numpy_backprop"
ANSWERS = (b"### BEGIN SOLUTION", b"### BEGIN HIDDEN TESTS", b"### BEGIN MARK SCHEME")
RELU = "def relu_forward(h):\n    return np.maximum(h, 0)\n\n\ndef relu_backward(grad_out, h):\n    return grad_out * (h > 0)\n"

pytestmark = pytest.mark.slow


@dataclass
class Environment:
    """A virtual environment of its own, in which wheels are installed."""

    folder: Path

    @property
    def bin(self) -> Path:
        return self.folder / ("Scripts" if os.name == "nt" else "bin")

    def install(self, *wheels: Path) -> None:
        command = [self.bin / "python", "-m", "pip", "install", "-q", "--no-deps", "--no-index", *wheels]
        subprocess.run(command, check=True, timeout=300)

    def run(self, *command: str, where: Path, code: int = 0) -> str:
        """Run a program of the environment in a folder and return what it says."""
        clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
        # nbgrader calls alembic by its name, and that is one of the other packages
        clean["PATH"] = os.pathsep.join([str(self.bin), str(Path(sys.executable).parent), clean["PATH"]])
        done = subprocess.run([str(self.bin / command[0]), *command[1:]], cwd=where, env=clean, capture_output=True, text=True, timeout=500)
        assert done.returncode == code, f"{command}: {done.stdout[-1500:]}{done.stderr[-1500:]}"
        return done.stdout + done.stderr

    def site(self) -> Path:
        return Path(self.run("python", "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])", where=self.folder).strip())


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    done = subprocess.run([sys.executable, str(ROOT / "tools" / "wheels.py"), str(folder)], capture_output=True, text=True, timeout=550)
    assert done.returncode == 0, done.stderr[-2000:]
    return {path.name.partition("-")[0]: path for path in folder.glob("*.whl")}


def environment(folder: Path, wheels: Sequence[Path]) -> Environment:
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    made = Environment(folder)
    if wheels:
        made.install(*wheels)
    (made.site() / "others.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return made


def test_what_students_install_holds_no_answer(wheels):
    assert set(wheels) == {"lessonkit", "layer_by_layer", "layer_by_layer_answers"}
    for name in ("lessonkit", "layer_by_layer"):
        with zipfile.ZipFile(wheels[name]) as opened:
            names = opened.namelist()
            assert len(names) > 20
            assert not [n for n in names if "mistakes.py" in n or "variants.py" in n or "/source/" in n or "node_modules" in n]
            held = [n for n in names if n.endswith(".ipynb") and any(mark in opened.read(n) for mark in ANSWERS)]
            assert held == []
    with zipfile.ZipFile(wheels["layer_by_layer"]) as opened:
        assert sum(n.endswith(".ipynb") for n in opened.namelist()) == len(list((ROOT / "release").glob("*/*.ipynb")))


def write(notebook: Path, exercise: str, source: str) -> None:
    found = json.loads(notebook.read_text(encoding="utf-8"))
    next(c for c in found["cells"] if c["metadata"].get("nbgrader", {}).get("grade_id") == exercise)["source"] = source
    notebook.write_text(json.dumps(found), encoding="utf-8")


def test_learning_from_the_wheels_alone(wheels, tmp_path):
    env = environment(tmp_path / "env", [wheels["lessonkit"], wheels["layer_by_layer"]])
    where = env.run("python", "-c", "import lessonkit, layer_by_layer; print(lessonkit.__file__, layer_by_layer.__file__)", where=tmp_path)
    assert where.count(str(env.site())) == 2

    assert f"{len(ch.names(ROOT, 'release'))} chapters" in env.run("course", "start", "mine", where=tmp_path)
    mine = tmp_path / "mine"
    assert "next: linear_forward" in env.run("course", where=mine)
    assert "relu: not written yet" in env.run("course", "check", "01/relu", where=mine, code=1)
    assert env.run("course", "hint", "01/relu", where=mine).startswith("hint 1 of")
    write(mine / CHAPTER / f"{CHAPTER}.ipynb", "relu", RELU.replace("h > 0", "h < 0"))
    assert "relu: not yet" in env.run("course", "check", "01/relu", where=mine, code=1)
    assert "opens after the pass" in env.run("course", "solution", "01/relu", where=mine, code=1)
    write(mine / CHAPTER / f"{CHAPTER}.ipynb", "relu", RELU)
    assert "1 of 1 pass, judged by the visible checks" in env.run("course", "check", "01/relu", where=mine)
    assert 'pip install "layer-by-layer[answers]"' in env.run("course", "solution", "01/relu", where=mine, code=1)

    env.install(wheels["layer_by_layer_answers"])
    assert "1 of 1 pass, judged as in class" in env.run("course", "check", "01/relu", where=mine)
    assert "the mask is a property of the input" in env.run("course", "solution", "01/relu", where=mine)

    newer = env.site() / "layer_by_layer" / "release" / CHAPTER / f"{CHAPTER}.ipynb"
    newer.write_text(newer.read_text(encoding="utf-8").replace("negative entries become 0", "what is negative becomes 0"), encoding="utf-8")
    assert "1 exercise(s) have other checks, run them again: relu" in env.run("course", "update", where=mine)
    kept = (mine / CHAPTER / f"{CHAPTER}.ipynb").read_text(encoding="utf-8")
    assert "np.maximum(h, 0)" in kept
    assert "what is negative becomes 0" in kept
    assert "run them again: 01/relu" in env.run("course", where=mine)


def has_the_panel(env: Environment, where: Path) -> None:
    listed = env.run("python", "-m", "jupyterlab.labextensions", "list", where=where)
    (line,) = [line for line in listed.splitlines() if "lessonkit-panel" in line]
    assert "enabled" in line
    assert "OK" in line
    assert "lessonkit.learner.server" in env.run("python", "-m", "jupyter_server.extension.serverextension", "list", where=where)


def test_the_panel_is_there_in_any_jupyterlab_of_the_environment(wheels, tmp_path):
    has_the_panel(environment(tmp_path / "env", [wheels["lessonkit"]]), tmp_path)


def test_a_clone_brings_the_panel_too(tmp_path):
    """`course lab` after `pip install -e .`, of a copy without this machine's files; building isolated takes setuptools from the index."""
    clone = tmp_path / "clone"
    for name in ("lessonkit", "layer_by_layer", "autograder"):
        shutil.copytree(ROOT / name, clone / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, clone / name)
    env = environment(tmp_path / "env", [])
    subprocess.run([env.bin / "python", "-m", "pip", "install", "-q", "--no-deps", "-e", clone], check=True, timeout=500)
    assert str(clone) in env.run("python", "-c", "import lessonkit; print(lessonkit.__file__)", where=tmp_path)
    brought = "from lessonkit.learner.jupyterlab import LABEXTENSIONS as at; print((at / 'lessonkit-panel' / 'package.json').is_file())"
    assert env.run("python", "-c", brought, where=tmp_path).strip() == "True"  # `course lab` tells JupyterLab of it


def test_another_course_is_graded_by_lessonkit_alone(wheels, tmp_path):
    """nbgrader's quickstart course, where neither torch nor this course can be imported.

    Without the wall: it shows a run this environment, and the other packages lie in another one.
    """
    env = environment(tmp_path / "env", [wheels["lessonkit"]])
    (env.site() / "torch.py").write_text("raise ModuleNotFoundError('no torch is here', name='torch')\n")
    assert "no torch is here" in env.run("python", "-c", "import torch", where=tmp_path, code=1)
    assert "No module named 'layer_by_layer'" in env.run("python", "-c", "import layer_by_layer", where=tmp_path, code=1)
    root = tmp_path / "course101"
    guide = Path(nbgrader.__file__).parent / "docs" / "source" / "user_guide" / "source"
    shutil.copytree(guide / "ps1", root / "source" / "ps1", ignore=shutil.ignore_patterns("*.html"))  # what quickstart copies
    (root / "nbgrader_config.py").write_text('c = get_config()\nc.CourseDirectory.course_id = "course101"\n')
    for student in ("ada", "bob"):
        (root / "submitted" / student / "ps1").mkdir(parents=True)
    for path in (root / "source" / "ps1").glob("*.ipynb"):
        text = path.read_text(encoding="utf-8")
        (root / "submitted" / "ada" / "ps1" / path.name).write_text(text, encoding="utf-8")
        (root / "submitted" / "bob" / "ps1" / path.name).write_text(text.replace("i ** 2 for i", "i ** 3 for i"), encoding="utf-8")
    said = env.run("autograder", "grade", "ps1", "--json", "--i-trust-these-students", where=root)
    lines = {line["student"]: line for line in map(json.loads, (one for one in said.splitlines() if one.startswith("{")))}
    assert lines["ada"]["score"] == lines["ada"]["max_score"] == 3
    assert lines["bob"]["score"] < 3
