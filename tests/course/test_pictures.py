"""Pictures never go dark: in the untouched chapter every plain cell runs, with the course's parts standing in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from autograder.author.build import source_notebook
from autograder.course import chapter as ch

COURSE = Path(__file__).resolve().parents[2] / "course"
#: Chapters whose pictures take their parts through `stand_in`; grows chapter by chapter.
LIT = ["01_numpy_backprop", "02_tensors", "03_autograd"]
SOLUTION = re.compile(r"(?ms)^( *)### BEGIN SOLUTION.*?### END SOLUTION")


@pytest.mark.parametrize("name", LIT)
def test_every_picture_of_the_untouched_chapter_is_drawn_and_says_whose_part_it_shows(name, capsys):
    notebook = source_notebook((COURSE / name / f"{name}.py").read_text(encoding="utf-8"), name)
    space: dict[str, object] = {"__name__": "__main__"}
    for number, cell in enumerate(notebook.cells):
        if cell.cell_type != "code" or ch.is_test(cell) or cell.source.startswith("hint("):
            continue
        source = cell.source
        if ch.is_solution(cell):
            source = SOLUTION.sub(r"\1raise NotImplementedError()", source)
        exec(compile(source, f"<cell {number}>", "exec"), space)
    assert "stands in: yours, or something that it calls, is not written yet" in capsys.readouterr().out
