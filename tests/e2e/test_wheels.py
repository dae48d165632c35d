"""The three wheels: what students install holds no answer, and a workspace made from the wheels alone works."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ANSWERS = (b"### BEGIN SOLUTION", b"### BEGIN HIDDEN TESTS", b"### BEGIN MARK SCHEME")


@pytest.fixture(scope="module")
def wheels(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    done = subprocess.run([sys.executable, str(ROOT / "tools" / "wheels.py"), str(folder)], capture_output=True, text=True, timeout=550)
    assert done.returncode == 0, done.stderr[-2000:]
    return {path.name.partition("-")[0]: path for path in folder.glob("*.whl")}


@pytest.mark.slow
def test_what_students_install_holds_no_answer(wheels):
    assert set(wheels) == {"lessonkit", "layer_by_layer", "layer_by_layer_answers"}
    for name in ("lessonkit", "layer_by_layer"):
        with zipfile.ZipFile(wheels[name]) as opened:
            names = opened.namelist()
            assert len(names) > 20
            assert not [n for n in names if "mistakes.py" in n or "variants.py" in n or "/source/" in n]
            held = [n for n in names if n.endswith(".ipynb") and any(mark in opened.read(n) for mark in ANSWERS)]
            assert held == []
    with zipfile.ZipFile(wheels["layer_by_layer"]) as opened:
        assert sum(n.endswith(".ipynb") for n in opened.namelist()) == len(list((ROOT / "release").glob("*/*.ipynb")))


@pytest.mark.slow
def test_a_workspace_from_the_wheels_alone(wheels, tmp_path):
    """In an environment of its own, whose other packages are this one's; no clone on any path."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "env")], check=True)
    python = tmp_path / "env" / "bin" / "python"
    site = Path(subprocess.run([python, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])"], capture_output=True, text=True, check=True).stdout.strip())
    for wheel in (wheels["lessonkit"], wheels["layer_by_layer"]):
        with zipfile.ZipFile(wheel) as opened:
            opened.extractall(site)
    (site / "others.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}

    def course(*arguments: str, where: Path) -> subprocess.CompletedProcess:
        command = [python, "-m", "lessonkit.learner.cli", *arguments]
        return subprocess.run(command, cwd=where, env=environment, capture_output=True, text=True, timeout=300)

    assert course("start", "mine", where=tmp_path).returncode == 0
    mine = tmp_path / "mine"
    assert "next: " in course(where=mine).stdout
    assert course("hint", "01/relu", where=mine).stdout.startswith("hint 1 of")
    done = course("solution", "01/relu", "--give-up", where=mine)
    assert done.returncode == 1
    assert "answers" in done.stderr
