"""What the README shows first is what a student is told, to the letter."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from autograder.course import chapter as ch

ROOT = Path(__file__).resolve().parents[2]
EXERCISE, MISTAKE, CELL = "relu", "mask_from_gradient", "relu__gradient"
PROGRAM = """
import sys
space = {"__name__": "__main__"}
for text in sys.argv[1:-1]:
    exec(text, space)
try:
    exec(sys.argv[-1], space)
except AssertionError as error:
    print(error)
"""


def message() -> str:
    """Return what the visible check says to one wrong answer, run beside the released notebook."""
    chapter = ch.Chapter(ROOT, "01_numpy_backprop")
    cells = {ch.grade_id_of(cell): cell.source for cell in chapter.release.cells}
    wrong = next(m.code for m in chapter.named("mistakes.py") if (m.exercise, m.name) == (EXERCISE, MISTAKE))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, cells["setup"], wrong, cells[CELL]],
        cwd=chapter.release_path.parent, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip()


def test_the_readme_shows_a_real_message():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = readme.split("<!-- message -->\n```\n")[1].split("\n```")[0].strip()
    assert shown == message(), f"put this between the marks in README.md:\n{message()}"
