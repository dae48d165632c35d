"""What the grader adds to the work itself: its start, a submission in the middle of a class, the very first verdict,
and a course that is not this one. Rows as in `measurements`."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

from autograder.grade import Grading, Options
from autograder.sandbox.levels import level
from tests.bench.rows import Row, row, seconds
from tests.e2e.classroom import ROOT, Classroom

#: Submissions of the steady state, and how many of them come before it.
STEADY, WARMING_UP = 16, 4
#: Students of nbgrader's own example.
PLAIN = 20


def start_up(folder: Path) -> list[Row]:
    """`autograder grade` for one submission, where the chapter was graded before, against `import torch`."""
    ours, torch_alone = [], []
    room = Classroom(folder / "room")
    room.submit("first")
    grade = [sys.executable, "-m", "autograder", "grade", room.name, "--root", str(room.root), *_trust()]
    seconds(grade)
    for i in range(5):
        student = f"s{i}"
        room.submit(student)
        ours.append(seconds([*grade, "--student", student]))
        torch_alone.append(seconds([sys.executable, "-c", "import torch"]))
    extra = statistics.median(a - b for a, b in zip(ours, torch_alone, strict=True))
    return [
        row(
            "`autograder grade` for one submission of `01_numpy_backprop`", f"{statistics.median(ours):.2f} s",
            f"{statistics.median(torch_alone):.2f} s (import torch)", statistics.median(ours) / statistics.median(torch_alone),
            "at most 1.5 s more", extra <= 1.5,
        )
    ]  # fmt: skip


_BARE = """
import dataclasses, json, sys, time
from pathlib import Path
from autograder.course.chapter import Chapter
from autograder.rebuild.cells import reference_cells, splits_of
from autograder.sandbox import inside
root, name, times = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
notebook = Chapter(root, name).source
splits = splits_of(notebook)
cells = [
    dataclasses.replace(cell, source=splits[cell.id].student) if cell.role == "test" else cell for cell in reference_cells(notebook)
]
import torch
torch.set_num_threads(1)
taken = []
for _ in range(times):
    started = time.perf_counter()
    inside.run(cells, lambda frame: None, seed=1, forbidden={})
    taken.append(time.perf_counter() - started)
print(json.dumps(taken))
"""


def steady(folder: Path) -> list[Row]:
    """A submission in the middle of a class, one worker, against its own cells in an interpreter that is warm."""
    room = Classroom(folder / "room", "07_module")
    name = next(iter(room.right))
    for i in range(STEADY):
        room.submit(f"s{i:02d}", **{name: f"{room.right[name]}\n# {i}\n"})
    grading = Grading(room.root, room.name, Options(jobs=1, trusting=not level()[0]))
    grading.confirm_isolation()
    at = [time.perf_counter() for _ in grading.run()]
    ours = statistics.median(b - a for a, b in zip(at[WARMING_UP - 1 :], at[WARMING_UP:], strict=False))
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", _BARE, str(room.root), room.name, str(STEADY)], capture_output=True, text=True, check=True, env=environment
    )
    bare = statistics.median(json.loads(done.stdout.splitlines()[-1])[WARMING_UP:])
    return [
        row(
            "one submission of `07_module` in the middle of a class, one worker", f"{ours:.3f} s", f"{bare:.3f} s (its cells alone)",
            ours / bare, "at most 1.3 times", ours / bare <= 1.3,
        )
    ]  # fmt: skip


def first_verdict(folder: Path) -> list[Row]:
    """The first `autograder check` and the first `grade` after a clone against the second."""
    rows = []
    for name in ("01_numpy_backprop", "07_module"):
        room = Classroom(folder / name, name)
        room.submit("right")
        target = folder / f"{name}.ipynb"
        target.write_text(json.dumps(room.notebook(room.right)), encoding="utf-8")
        check = [sys.executable, "-m", "autograder", "check", str(target), "--root", str(room.root)]
        grade = [sys.executable, "-m", "autograder", "grade", name, "--root", str(room.root), "--force", *_trust()]
        for verb, command in (("check", check), ("grade", grade)):
            shutil.rmtree(room.root / ".autograder", ignore_errors=True)
            first = seconds(command)
            second = statistics.median(seconds(command) for _ in range(3))
            rows.append(
                row(
                    f"`autograder {verb}` of `{name}`: the first after a clone against the second",
                    f"{first:.1f} s", f"{second:.1f} s", first / second, "at most 1.5 times", first / second <= 1.5,
                )
            )  # fmt: skip
    return rows


def plain_course(folder: Path) -> list[Row]:
    """nbgrader's quickstart course, as it is, against stock `nbgrader autograde`: one process each way."""
    ours, stock = folder / "ours", folder / "stock"
    subprocess.run([sys.executable, "-m", "nbgrader", "quickstart", "ours"], cwd=folder, check=True, capture_output=True)
    for i in range(PLAIN):
        shutil.copytree(ours / "source" / "ps1", ours / "submitted" / f"s{i:02d}" / "ps1")
    shutil.copytree(ours, stock)
    taken = seconds([sys.executable, "-m", "autograder", "grade", "ps1", "--root", str(ours), *_trust()])
    subprocess.run([sys.executable, "-m", "nbgrader", "generate_assignment", "ps1"], cwd=stock, check=True, capture_output=True)
    against = seconds([sys.executable, "-m", "nbgrader", "autograde", "ps1"], cwd=stock)
    return [
        row(
            f"{PLAIN} submissions of nbgrader's quickstart course", f"{taken:.1f} s", f"{against:.1f} s (nbgrader autograde)",
            against / taken, "-", None,
        )
    ]  # fmt: skip


def _trust() -> list[str]:
    return [] if level()[0] else ["--i-trust-these-students"]
