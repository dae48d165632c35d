"""The measurements. Each returns rows: what, ours, against, ratio, goal, whether it was met."""

from __future__ import annotations

import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from autograder.books import gradebook
from autograder.course import chapter as ch
from autograder.course import solutions
from autograder.engine import workers
from autograder.grade import Grading, Options
from autograder.sandbox.levels import level
from tests.bench import a_round, house, many_results
from tests.bench.rows import Row, row, seconds
from tests.e2e.classroom import ROOT, Classroom

SUBMISSIONS = 40
MNIST_SUBMISSIONS = 8
LONG_CLASS = 1000


def cores() -> int:
    """Return how many cores this process may use."""
    return workers()


def _class(room: Classroom, size: int) -> list[str]:
    """Hand in a class of right and wrong work; return the students."""
    known = solutions.read(ROOT / "course" / room.name / "mistakes.py")
    names = [f"s{i:04d}" for i in range(size)]
    for i, student in enumerate(names):
        mistake = known[i % len(known)]
        room.submit(student, **({mistake.exercise: mistake.code} if i % 2 else {}))
    return names


def _ours(room: Classroom, jobs: int = 0) -> tuple[list[float], list[float]]:
    """Grade a class in this process; return when each result was saved, in seconds, and the peak memory by then, in MiB."""
    sandboxed, _ = level()
    started, at, peak = time.perf_counter(), [], []
    grading = Grading(room.root, room.name, Options(jobs=jobs, trusting=not sandboxed))
    grading.confirm_isolation()
    for _ in grading.run():
        at.append(time.perf_counter() - started)
        peak.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return at, peak


def _by_command(room: Classroom) -> float:
    """Grade a class as an instructor does, with the command; return the seconds from its start to its end."""
    sandboxed, _ = level()
    command = [sys.executable, "-m", "autograder", "grade", room.name, "--root", str(room.root)]
    return seconds(command + ([] if sandboxed else ["--i-trust-these-students"]))


_STOCK = """
import sys
from pathlib import Path
from autograder.course import nbgrader_api
root, chapter, *students = sys.argv[1:]
api = nbgrader_api.api(Path(root))
for student in students:
    done = api.autograde(chapter, student, force=True, create=True)
    assert done["success"], done
"""


def _stock(rooms: list[Classroom], students: list[list[str]]) -> float:
    """Run stock `nbgrader autograde`, one process a room; return the seconds."""
    for room in rooms:
        shutil.copy(ROOT / "nbgrader_config.py", room.root)
        gradebook.ensure_assignment(room.root, room.chapter)
    started = time.perf_counter()
    running = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", _STOCK, str(room.root), room.name, *names],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        for room, names in zip(rooms, students, strict=True)
    ]  # fmt: skip
    codes = [process.wait() for process in running]
    if any(codes):
        raise RuntimeError(f"stock nbgrader ended with {codes}")
    return time.perf_counter() - started


def _scores(rooms: list[Classroom]) -> dict[str, Any]:
    found = {}
    for room in rooms:
        with gradebook.open_gradebook(room.root) as books:
            found |= {s.id: gradebook.scores(books, room.chapter, s.id) for s in books.students}
    return found


def _warm_records(folder: Path, room: Classroom) -> None:
    """Make what is made once a chapter or once a boot: records of the reference and of mistakes, data, canaries."""
    before = Classroom(folder, room.name)
    before.submit("right")
    wrong = "def {0}(*a, **k):\n    return 'nothing'\n\nclass {0}_:\n    pass\n"
    before.submit("wrong", **{exercise: wrong.format(exercise) for exercise in before.right})
    _ours(before, 1)
    for kept in ("records", "data", "isolation"):
        if (before.root / ".autograder" / kept).is_dir():
            shutil.copytree(before.root / ".autograder" / kept, room.root / ".autograder" / kept)


def against_nbgrader(folder: Path) -> list[Row]:
    """40 submissions of one chapter: stock nbgrader in one process and in two, and ours."""
    name = "07_module" if "07_module" in ch.names(ROOT) else "01_numpy_backprop"
    ours = Classroom(folder / "ours", name)
    students = _class(ours, SUBMISSIONS)
    _warm_records(folder / "before", ours)
    gradebook.ensure_assignment(ours.root, ours.chapter)
    ours_seconds = _by_command(ours)
    one = Classroom(folder / "one", name)
    _class(one, SUBMISSIONS)
    one_seconds = _stock([one], [students])
    pair = [Classroom(folder / f"pair{i}", name) for i in range(2)]
    for room in pair:
        _class(room, SUBMISSIONS)
    pair_seconds = _stock(pair, [students[::2], students[1::2]])
    same = _scores([ours]) == _scores([one])
    what = f"{SUBMISSIONS} submissions of `{name}`"
    return [
        row(
            f"{what}, one nbgrader process",
            f"{ours_seconds:.1f} s",
            f"{one_seconds:.1f} s",
            one_seconds / ours_seconds,
            "25 times its throughput",
            one_seconds / ours_seconds >= 25,
        ),
        row(
            f"{what}, two nbgrader processes",
            f"{ours_seconds:.1f} s",
            f"{pair_seconds:.1f} s",
            pair_seconds / ours_seconds,
            "-",
            None,
        ),
        row(
            f"{what}: equal scores", str(len(students)), "nbgrader's", 1.0 if same else 0.0, "all equal", same
        ),
    ]


#: The trainings that a submission goes through, as its test cells say them: images, batch size, epochs.
TRAININGS = {
    "train_set.images[:24000], train_set.labels[:24000], 32, 4": (slice(0, 24000), 32, 4),
    "train_set.images[-6000:], relabel[train_set.labels[-6000:]], 32, 2": (slice(-6000, None), 32, 2),
}
#: `overfit_one_batch__by_heart` learns the first 16 digits, once for each of its two checks.
BY_HEART = 2
_TRAIN = """
import json, sys, torch
torch.set_num_threads(1)
from layer_by_layer import data, parts
for line in sys.stdin:
    job = json.loads(line)
    space = {"__name__": "__main__"}
    exec(job["setup"], space)
    for solution in job["solutions"]:
        exec(solution, space)
    train_set, _ = data.mnist()
    for start, stop, batch, epochs in job["trainings"]:
        images, labels = train_set.images[start:stop], train_set.labels[start:stop]
        with parts.quietly():
            space["train"](parts.mnist_classifier(61), parts.shuffled_loader(images, labels, batch, seed=62), epochs=epochs)
    for _ in range(job["by_heart"]):
        space["overfit_one_batch"](parts.mnist_classifier(54), train_set.images[:16], train_set.labels[:16])
    print("done", flush=True)
"""


def mnist(folder: Path) -> list[Row]:
    """8 submissions of 08_mnist against the bare trainings, two at a time in warm interpreters."""
    if "08_mnist" not in ch.names(ROOT):
        return []
    room = Classroom(folder / "room", "08_mnist")
    for i in range(MNIST_SUBMISSIONS):
        room.submit(f"s{i}", train=room.right["train"] + f"\n# submission {i}\n")
    _warm_records(folder / "before", room)
    gradebook.ensure_assignment(room.root, room.chapter)
    ours = _by_command(room)
    bare = _bare_trainings(room)
    what = f"{MNIST_SUBMISSIONS} submissions of `08_mnist`"
    return [
        row(
            what,
            f"{ours:.1f} s",
            f"{bare:.1f} s",
            ours / bare,
            "at most 1.25 times the bare trainings",
            ours / bare <= 1.25,
        )
    ]


def _bare_trainings(room: Classroom) -> float:
    """Run the same trainings as scripts in two interpreters that are warm already; return the seconds."""
    setup = next(c.source for c in room.chapter.source.cells if ch.SETUP in ch.tags_of(c))
    tests = "\n".join(c.source for c in room.chapter.source.cells)
    if lost := [said for said in TRAININGS if said not in tests]:
        raise RuntimeError(f"chapter 8 no longer trains as the bench does: {lost}")
    prepared = next((room.root / ".autograder" / "data").iterdir())
    job = {
        "setup": setup, "solutions": [room.right[name] for name in ("evaluate", "confusion_matrix", "train", "overfit_one_batch")],
        "trainings": [[one.start, one.stop, batch, epochs] for one, batch, epochs in TRAININGS.values()],
        "by_heart": BY_HEART,
    }  # fmt: skip
    environment = os.environ | {
        "COURSE_PREPARED": str(prepared),
        "OMP_NUM_THREADS": "1",
        "PYTHONPATH": str(ROOT),
    }
    running = [
        subprocess.Popen(
            [sys.executable, "-c", _TRAIN],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for _ in range(2)
    ]
    for process in running:
        process.stdin.write(json.dumps(job | {"trainings": [[0, 64, 32, 1]], "by_heart": 1}) + "\n")
        process.stdin.flush()
    for process in running:
        process.stdout.readline()
    started = time.perf_counter()
    for process in running:
        process.stdin.write((json.dumps(job) + "\n") * (MNIST_SUBMISSIONS // 2))
        process.stdin.close()
    for process in running:
        process.stdout.read()
        process.wait()
    return time.perf_counter() - started


def one_learner(folder: Path) -> list[Row]:
    """`autograder check` from a cold start against `import torch`, and `--watch` after a save."""
    target = folder / "01_numpy_backprop.ipynb"
    room = Classroom(folder / "room")
    notebook = json.dumps(room.notebook(room.right))
    target.write_text(notebook, encoding="utf-8")
    check = [sys.executable, "-m", "autograder", "check", str(target), "--root", str(room.root)]
    subprocess.run(check, check=True, capture_output=True)  # the reference's records, once a chapter
    ours, torch_alone = [], []
    for _ in range(5):
        ours.append(seconds(check))
        torch_alone.append(seconds([sys.executable, "-c", "import torch"]))
    extra = statistics.median(a - b for a, b in zip(ours, torch_alone, strict=True))
    saves = _watch(check, target, notebook)
    return [
        row(
            "`autograder check`, cold",
            f"{statistics.median(ours):.2f} s",
            f"{statistics.median(torch_alone):.2f} s (import torch)",
            statistics.median(ours) / statistics.median(torch_alone),
            "at most 1.5 s more",
            extra <= 1.5,
        ),
        row(
            "`--watch`, from a save to the verdict",
            f"{statistics.median(saves):.2f} s",
            "-",
            1.0,
            "within 0.5 s",
            statistics.median(saves) <= 0.5,
        ),
    ]


def _watch(check: list[str], target: Path, notebook: str) -> list[float]:
    process = subprocess.Popen([*check, "--watch"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while "watching" not in process.stderr.readline():
        pass
    _read_verdict(process)
    saves = []
    for i in range(6):
        time.sleep(1.0)
        started = time.perf_counter()
        target.write_text(notebook.replace('"id": "setup"', f'"id": "setup{i}"'), encoding="utf-8")
        _read_verdict(process)
        saves.append(time.perf_counter() - started)
    process.terminate()
    process.communicate()
    return saves[1:]


def _read_verdict(process: subprocess.Popen[str]) -> None:
    while "exercises pass" not in process.stdout.readline():
        pass


def long_class(folder: Path) -> list[Row]:
    """1,000 submissions: the rate of the last 200 is that of the first 200, and the parent's memory stays flat."""
    room = Classroom(folder / "room")
    _class(room, LONG_CLASS)
    at, peak = _ours(room)
    first, last = 200 / (at[299] - at[99]), 200 / (at[-1] - at[-201])
    return [
        row(
            f"{LONG_CLASS} submissions of `01_numpy_backprop`: the last 200 against 200 early ones",
            f"{last:.1f}/s",
            f"{first:.1f}/s",
            last / first,
            "the same rate",
            last / first >= 0.85,
        ),
        row(
            f"{LONG_CLASS} submissions in {at[-1]:.0f} s: the parent's peak memory at the end against after 200",
            f"{peak[-1]:.0f} MiB",
            f"{peak[199]:.0f} MiB",
            peak[-1] / peak[199],
            "flat: at most 1.1 times",
            peak[-1] / peak[199] <= 1.1,
        ),
    ]


ALL = {
    "nbgrader": against_nbgrader, "mnist": mnist, "learner": one_learner, "round": a_round.measure, "long": long_class,
    "books": many_results.measure, "start": house.start_up, "steady": house.steady, "first": house.first_verdict,
    "plain": house.plain_course,
}  # fmt: skip
#: What a run without names leaves out: hours, or the figures of one page.
APART = ("books", "chapters")
#: What takes another number of students: `round=200`.
SIZED = ("round", "books", "chapters")
