"""What the README shows first is what a student is told, to the letter."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import yaml

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


def test_every_picture_of_the_readme_is_there_light_and_dark_small_and_has_alt_text():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = re.findall(r'<source media="\(prefers-color-scheme: dark\)" srcset="([^"]+)-dark\.webp">\s*<img src="([^"]+)-light\.webp" alt="([^"]{40,})"', readme)
    assert len(shown) == readme.count("<picture>") >= 3
    for dark, light, _ in shown:
        assert dark == light
        for scheme in ("light", "dark"):
            file = ROOT / f"{light}-{scheme}.webp"
            assert file.is_file(), f"{file.name} is missing: make pictures"
            assert file.stat().st_size < 200_000


def test_workflows_name_targets_folders_and_chapters_that_exist():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    seen = set()
    for path in (ROOT / ".github" / "workflows").glob("*.yml"):
        text = path.read_text(encoding="utf-8")
        assert yaml.safe_load(text)["jobs"]
        seen |= set(re.findall(r"run: make ([a-z-]+)", text))
        for named in re.findall(r"(?:check|pytest) ((?:release|tests)/\w+)", text):
            assert (ROOT / named).is_dir(), (path.name, named)
    assert seen <= targets
    assert {"demo", "test", "lint", "book", "wheels"} <= seen
