"""Which chapter a notebook is of, and how much of it somebody wrote: by its cells, whatever the file is called."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from autograder.course import chapter as ch
from autograder.intake.submission import StudentCell, match

#: Of a chapter's grade ids, how many a notebook has to carry to be taken for it.
ENOUGH = 0.3


def ids(chapter: ch.Chapter) -> frozenset[str]:
    """Return the grade ids of a chapter."""
    return _ids(chapter.source_path, chapter.source_path.stat().st_mtime_ns)


@lru_cache(maxsize=100)
def _ids(path: Path, _: int) -> frozenset[str]:
    return frozenset(ch.grade_id_of(cell) for cell in ch.read_trusted(path).cells if ch.nbgrader_of(cell))


def by_ids(cells: Iterable[StudentCell], chapters: list[ch.Chapter]) -> tuple[ch.Chapter, float]:
    """Return the chapter most of whose ids the cells carry, and the share of them."""
    cells = list(cells)
    carried = {cell.grade_id for cell in cells} | {cell.cell_id for cell in cells}
    shares = {c.key: len(carried & ids(c)) / max(1, len(ids(c))) for c in chapters}
    best = max(chapters, key=lambda c: shares[c.key])
    return best, shares[best.key]


def by_everything(cells: list[StudentCell], chapters: list[ch.Chapter]) -> tuple[ch.Chapter, float]:
    """Return the chapter that a notebook is most likely of, and the share of its cells that are known in it.

    By the ids that cells carry; only where those say nothing is every cell looked at for every chapter.
    """
    best, share = by_ids(cells, chapters)
    if share >= ENOUGH:
        return best, share
    shares = {c.key: match(cells, c.source).matched / max(1, len(ids(c))) for c in chapters}
    best = max(chapters, key=lambda c: shares[c.key])
    return best, shares[best.key]


def written(cells: list[StudentCell], chapter: ch.Chapter) -> int:
    """Return how many answers differ from the release's."""
    stubs = {ch.grade_id_of(c): c.source.strip() for c in chapter.release.cells if ch.is_solution(c) or ch.is_manual(c)}
    submission = match(cells, chapter.source)
    answers = {name: [part.source for part in parts] for name, parts in submission.solutions.items()}
    answers |= {name: [answer.source] for name, answer in submission.manual.items()}
    return sum(any(text.strip() not in ("", stubs[name]) for text in texts) for name, texts in answers.items() if name in stubs)
