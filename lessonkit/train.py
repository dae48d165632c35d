"""A progress bar for loops that take a while: how far, how fast, how long still.

for images, labels in progress(loader, "epoch 1"):
    ...
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

from lessonkit import show

Item = TypeVar("Item")

#: Seconds between two drawings of the bar, which is drawn by the loop itself: no thread beside training.
_PACE = 0.1


def progress(iterable: Iterable[Item], label: str, total: int | None = None) -> Iterator[Item]:
    """Yield the items of `iterable`, drawing a bar with rate (items a second) and time left.

    `total` is the number of items, by default the iterable's length, unknown where it has none. In a
    notebook and in a terminal there is a bar; where the output goes to a file or a grader's validation there
    is one line at the end; while a grader records there is nothing. A loop that is left early says how far
    it came. Writes to stdout only.
    """
    if show.recording():
        yield from iterable
        return
    if total is None:
        try:
            total = len(iterable)  # type: ignore[arg-type]
        except TypeError:
            total = None
    if show.in_notebook() or _is_terminal():
        yield from _with_bar(iterable, label, total)
    else:
        yield from _with_line(iterable, label, total)


def _is_terminal() -> bool:
    isatty = getattr(sys.stdout, "isatty", None)
    return bool(isatty and isatty())


def _with_line(iterable: Iterable[Item], label: str, total: int | None) -> Iterator[Item]:
    start, count, finished = time.perf_counter(), 0, False
    try:
        for item in iterable:
            yield item
            count += 1
        finished = True
    finally:
        print(_summary(label, count, total, finished, time.perf_counter() - start))


def _summary(label: str, count: int, total: int | None, finished: bool, seconds: float) -> str:
    """Return `epoch 1: 938 in 4.2 s (223 a second)`, or `epoch 1: stopped after 12 of 938 in ...`."""
    rate = f" ({count / seconds:.3g} a second)" if count and seconds > 0 else ""
    if finished:
        return f"{label}: {count:,} in {seconds:.1f} s{rate}"
    of = f" of {total:,}" if total is not None else ""
    return f"{label}: stopped after {count:,}{of} in {seconds:.1f} s{rate}"


def _with_bar(iterable: Iterable[Item], label: str, total: int | None) -> Iterator[Item]:
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    bar = Progress(
        *columns, auto_refresh=False, redirect_stdout=not show.in_notebook(), redirect_stderr=False
    )
    with bar:
        task = bar.add_task(escape(label), total=total, rate="")
        start, drawn, count = time.perf_counter(), 0.0, 0

        def draw() -> None:
            rate = _rate(count, time.perf_counter() - start)
            bar.update(task, completed=count, rate=rate, refresh=True)

        draw()
        try:
            for item in iterable:
                yield item
                count += 1
                if time.perf_counter() - drawn >= _PACE:
                    drawn = time.perf_counter()
                    draw()
        finally:
            draw()


def _rate(count: int, seconds: float) -> str:
    if not count or seconds <= 0:
        return ""
    return f"{count / seconds:.3g}/s" if count >= seconds else f"{seconds / count:.3g} s each"
