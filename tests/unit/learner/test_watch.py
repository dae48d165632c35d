"""`course check --watch` checks again however the notebook was saved, and goes on after one that cannot be read."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time

import pytest

from tests.unit.learner.conftest import CHAPTER, solve

RIGHT, WRONG = "def total(x):\n    return sum(x)", "def total(x):\n    return 4"


@pytest.fixture
def watching(made, course, tmp_path):
    """Yield a function that waits until the command said a line."""
    path = os.pathsep.join([str(course.parents[1]), os.environ.get("PYTHONPATH", ""), os.getcwd()])
    log = tmp_path / "said"
    with log.open("wb") as out:
        command = [sys.executable, "-u", "-m", "lessonkit.learner.cli", "check", "total", "--watch"]
        running = subprocess.Popen(command, cwd=made.folder, env=os.environ | {"PYTHONPATH": path}, stdout=out, stderr=subprocess.STDOUT)

        def wait(line: str, times: int = 1) -> None:
            deadline = time.monotonic() + 60
            while log.read_text().count(line) < times:
                assert running.poll() is None, log.read_text()
                assert time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)

        try:
            yield wait
        finally:
            running.terminate()
            running.wait(20)


def test_every_way_of_saving_is_seen(made, watching):
    notebook = made.notebook(CHAPTER)
    watching("watching; save a notebook")
    time.sleep(0.5)
    solve(made, "total", WRONG)
    watching("total: not yet")
    aside = notebook.with_name("aside")  # by another name and a rename, with an old time
    shutil.copy(notebook, aside)
    aside.write_text(aside.read_text().replace("return 4", "return sum(x)"))
    os.utime(aside, (1, 1))
    os.replace(aside, notebook)
    watching("total: pass")
    whole = notebook.read_text()
    notebook.write_text("{")
    watching("cannot be read as a notebook")
    notebook.unlink()
    time.sleep(0.3)
    notebook.write_text(whole)
    watching("total: pass", 2)
