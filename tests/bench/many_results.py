"""The books alone: simulated results of a class of 100,000 written to SQLite and to PostgreSQL, and the grades read out."""

from __future__ import annotations

import contextlib
import resource
import time
from collections.abc import Iterator
from pathlib import Path

from autograder.books import export, gradebook
from tests.bench import simulated
from tests.bench.rows import Row, row
from tests.e2e.classroom import ROOT, Classroom
from tests.e2e.test_scaling import _postgres, postgres

RESULTS = 100_000


def measure(folder: Path, size: int = 0) -> list[Row]:
    """Write results to both databases; the rate and the memory of the last tenth are those of the first."""
    size = size or RESULTS
    rows = []
    for database in ("SQLite", "PostgreSQL"):
        if database == "PostgreSQL" and _postgres() is None:
            continue
        with _room(folder / database, database) as room:
            rows += _written(room, size, database)
    return rows


@contextlib.contextmanager
def _room(folder: Path, database: str) -> Iterator[Classroom]:
    folder.mkdir()
    room = Classroom(folder / "room")
    config = (ROOT / "nbgrader_config.py").read_text()
    with postgres(folder) if database == "PostgreSQL" else contextlib.nullcontext() as url:
        (room.root / "nbgrader_config.py").write_text(config + (f'c.CourseDirectory.db_url = "{url}"\n' if url else ""))
        gradebook.ensure_assignment(room.root, room.chapter)
        yield room


def _written(room: Classroom, size: int, database: str) -> list[Row]:
    templates = [simulated.result(room.chapter, "x", wrong) for wrong in (-1, 0, 1, 2)]
    answers = simulated.submission(room.chapter)
    at, peak = [], []
    started = time.perf_counter()
    with gradebook.open_gradebook(room.root) as books:
        for number in range(size):
            gradebook.write(books, room.chapter, simulated.of(room.chapter, templates, number), answers, None)
            at.append(time.perf_counter() - started)
            peak.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    part = max(2, size // 10)
    first, last = (part - 1) / (at[part - 1] - at[0]), (part - 1) / (at[-1] - at[-part])
    started = time.perf_counter()
    found = export.graded(room.root, [room.name])
    export.content(export.table(room.root, found, "csv", "exercise"), Path("x.csv"), "csv")
    read = time.perf_counter() - started
    what = f"{size} results of `{room.name}` into {database}"
    return [
        row(f"{what}: the last tenth against the first", f"{last:.1f}/s", f"{first:.1f}/s", last / first, "the same rate", last / first >= 0.85),
        row(f"{what}: peak memory at the end against after a tenth", f"{peak[-1]:.0f} MiB", f"{peak[part - 1]:.0f} MiB", peak[-1] / peak[part - 1], "flat: at most 1.1 times", peak[-1] / peak[part - 1] <= 1.1),
        row(f"{what}: the grades read out by exercise", f"{read:.1f} s, {len(found) / read:.0f}/s", "-", 1.0, "-", None),
    ]
