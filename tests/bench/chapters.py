"""What one submission of each chapter costs, in seconds of one core: the figures of docs/scaling.md."""

from __future__ import annotations

import math
from pathlib import Path

from autograder.course import chapter as ch
from autograder.engine import workers
from tests.bench.rows import Row, row
from tests.e2e.classroom import ROOT, Classroom

#: Submissions of a chapter: enough that each core has several.
EACH = 6
CLASSES = (1_000, 10_000, 100_000)


def measure(folder: Path, size: int = 0) -> list[Row]:
    """Grade right submissions of every chapter on all cores; the time between the first result and the last counts."""
    from tests.bench.measurements import _ours, _warm_records

    rows = []
    for name in ch.names(ROOT):
        room = Classroom(folder / name, name)
        first, source = next(iter(room.right.items()))
        for number in range((size or EACH) * workers() // 2 + workers()):
            room.submit(f"s{number:03d}", **{first: f"{source}\n# submission {number}\n"})
        _warm_records(folder / f"{name}-before", room)
        at, _ = _ours(room)
        warm = workers()  # the first of each worker pays for its start
        seconds = (at[-1] - at[warm - 1]) * workers() / (len(at) - warm)
        rows.append(row(f"one submission of `{name}`", f"{seconds:.2f} s of one core", "-", 1.0, "-", None) | {"chapter": name, "seconds": round(seconds, 3)})
    return rows


def table(rows: list[Row], within: float = 3600.0) -> str:
    """Return the Markdown table of cores that grade a class `within` seconds."""
    lines = [f"| chapter | one submission, s of one core | {' | '.join(f'{n:,}' for n in CLASSES)} |", "|---|---|---|---|---|"]
    for one in rows:
        needed = [max(1, math.ceil(n * one["seconds"] / within)) for n in CLASSES]
        lines.append(f"| `{one['chapter']}` | {one['seconds']:g} | {' | '.join(map(str, needed))} |")
    return "\n".join(lines)


if __name__ == "__main__":
    import json

    print(table(json.loads((Path(__file__).parent / "results-chapters.json").read_text(encoding="utf-8"))["rows"]))
