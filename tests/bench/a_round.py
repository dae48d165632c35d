"""The whole round with a class, by the commands an instructor types: collect, grade, feedback, report, export."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from autograder.books import gradebook
from autograder.sandbox.levels import level
from tests.bench.rows import Row, row
from tests.e2e.classroom import Classroom

STUDENTS = 1000
#: Seconds that the round may take on two cores.
GOAL = 180


@dataclass(frozen=True)
class Took:
    """What a command took: seconds on the clock, seconds of processor time, and the memory of its largest process."""

    seconds: float
    processor: float
    mib: float


#: Runs a command from a small process: what is forked from a large one counts the large one's memory as its own.
_LAUNCH = """
import os, resource, sys, time
started = time.perf_counter()
child = os.spawnv(os.P_NOWAIT, sys.argv[1], sys.argv[1:])
_, status = os.waitpid(child, 0)
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print("took", time.perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024, os.waitstatus_to_exitcode(status))
"""


def command(root: Path, *arguments: str) -> Took:
    """Run a command to its end; RuntimeError where it fails."""
    words = [sys.executable, "-m", "autograder", *arguments, "--root", str(root)]
    done = subprocess.run([sys.executable, "-S", "-c", _LAUNCH, *words], capture_output=True, text=True)
    numbers = [line.split()[1:] for line in done.stdout.splitlines() if line.startswith("took ")]
    if not numbers or numbers[-1][-1] != "0":
        raise RuntimeError(f"autograder {arguments[0]} failed: {done.stderr[-800:]}")
    return Took(*(float(number) for number in numbers[-1][:3]))


def moodles_zip(room: Classroom, students: list[str], target: Path) -> None:
    """Pack what was handed in as Moodle hands it out, and take it out of `submitted/`."""
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for number, student in enumerate(students, 1001):
            path = room.folder(student) / f"{room.name}.ipynb"
            packed.write(path, f"{student}_{number}_assignsubmission_file_/{room.name}.ipynb")
    shutil.rmtree(room.root / "submitted")


def measure(folder: Path, size: int = 0) -> list[Row]:
    """Take a class of chapter 01 through the round; what is made once a chapter is there already."""
    from tests.bench.measurements import _class, _warm_records

    size = size or STUDENTS
    room = Classroom(folder / "room")
    moodles_zip(room, _class(room, size), folder / "moodle.zip")
    _warm_records(folder / "before", room)
    gradebook.ensure_assignment(room.root, room.chapter)
    trusting = [] if level()[0] else ["--i-trust-these-students"]
    steps = {
        "collect": ["collect", str(folder / "moodle.zip")],
        "grade": ["grade", room.name, *trusting],
        "feedback": ["feedback", room.name],
        "report": ["report"],
        "export": ["export", room.name, "--by", "exercise", "--to", str(folder / "grades.xlsx")],
    }
    took = {name: command(room.root, *arguments) for name, arguments in steps.items()}
    rows = [
        row(
            f"{size} students of `{room.name}`: {name}",
            f"{one.seconds:.1f} s, {size / one.seconds:.1f}/s, {one.mib:.0f} MiB",
            f"{one.processor:.1f} s of processor time", one.processor / one.seconds, "-", None,
        )
        for name, one in took.items()
    ]  # fmt: skip
    whole, allowed = sum(one.seconds for one in took.values()), GOAL * max(size, 1) / STUDENTS
    ratio = took["grade"].seconds / took["feedback"].seconds
    return [
        *rows,
        row(f"{size} students of `{room.name}`: feedback against grading", f"{size / took['feedback'].seconds:.1f}/s", f"{size / took['grade'].seconds:.1f}/s", ratio, "half as fast", ratio >= 0.5),
        row(f"{size} students of `{room.name}`: the round", f"{whole:.0f} s", f"{allowed:.0f} s", whole / allowed, f"{GOAL} s for {STUDENTS}, two cores", whole <= allowed),
    ]
