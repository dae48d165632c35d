"""A released notebook works wherever it is opened: the working folder does not matter, and the notes are found or missed aloud."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from jupyter_client.manager import start_new_kernel

ROOT = Path(__file__).resolve().parents[2]
CHAPTER = "01_numpy_backprop"
WITH_TORCH = "import torch\ndef linear_forward(x, w, b):\n    return (torch.tensor(x) @ torch.tensor(w) + torch.tensor(b)).numpy()\n"
BY_HAND = "def linear_forward(x, w, b):\n    return x @ w + b\n"
#: as where the course is not installed, only its package lies on the path
NO_COURSE = "from lessonkit.learner import shelf\nshelf.entry_points = lambda group: []\n"

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]


@pytest.fixture
def cells():
    found = json.loads((ROOT / "release" / CHAPTER / f"{CHAPTER}.ipynb").read_text(encoding="utf-8"))["cells"]
    return {c["metadata"].get("nbgrader", {}).get("grade_id", ""): "".join(c["source"]) for c in found}


@pytest.fixture
def run(tmp_path):
    """Return a function that runs code in a kernel whose working folder is empty, and returns what it shows."""
    manager, client = start_new_kernel(cwd=str(tmp_path), env={**os.environ, "PYTHONPATH": str(ROOT)})

    def execute(code: str) -> str:
        shown: list[str] = []

        def hook(message: dict) -> None:
            content = message["content"]
            shown.extend([content.get("text", ""), content.get("data", {}).get("text/plain", ""), *content.get("traceback", [])])

        client.execute_interactive(code, timeout=120, output_hook=hook)
        return "\n".join(shown)

    yield execute
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_forbidden_calls_are_watched_in_any_folder(run, cells):
    run(cells["setup"])
    run(WITH_TORCH)
    assert "your code calls torch" in run(cells["linear_forward__values"])
    run(BY_HAND)
    said = run(cells["linear_forward__values"])
    assert "pass" in said
    assert "not found" not in said
    assert "hint 1 of" in run('hint("linear_forward")')


def test_where_the_notes_are_not_found_a_pass_says_so(run, cells):
    run(NO_COURSE + cells["setup"])
    run(BY_HAND)
    assert "were not found: forbidden calls are not watched here" in run(cells["linear_forward__values"])
