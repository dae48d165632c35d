"""`course update`: a newer course under a learner's work, one chapter after the other, each old file kept."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lessonkit.learner import keep, outline, state, workspace
from lessonkit.learner.files import read_notebook, write_notebook
from lessonkit.learner.merge import Merged, merge
from lessonkit.learner.workspace import Workspace


@dataclass(frozen=True)
class Updated:
    """One chapter: what the merge has to say, where the old file lies; `new` where it was not there before."""

    chapter: str
    merged: Merged | None
    kept: Path | None
    new: bool = False


def update(made: Workspace) -> Iterator[Updated]:
    """Yield every chapter that changed, after it is written. Killed anywhere, run it again: nothing is lost.

    The order makes it safe: the old file is kept, the merged one written, and only then the release that it was
    merged with remembered. A run that was killed between merges once more what is there already.
    """
    course = made.course
    for chapter in course.chapters:
        if not made.notebook(chapter).exists():
            workspace.bring(made, course, chapter)
            yield Updated(chapter, None, None, new=True)
            continue
        released = made.released / chapter
        if _same(course.release / chapter, released):
            continue
        yield _chapter(made, course.release / chapter, chapter)


def _chapter(made: Workspace, newer: Path, chapter: str) -> Updated:
    path, released = made.notebook(chapter), made.released / chapter
    theirs, mine = read_notebook(newer / f"{chapter}.ipynb"), read_notebook(path)
    base = read_notebook(released / f"{chapter}.ipynb") if (released / f"{chapter}.ipynb").is_file() else theirs
    merged = merge(base, mine, theirs, _renamed(newer, chapter))
    kept = keep.keep(made.folder, [path], f"update of {chapter}")
    write_notebook(path, merged.notebook)
    _remember(made, chapter, merged)
    for file in sorted(p for p in newer.rglob("*") if p.is_file()):
        for place in (released, path.parent):
            target = place / file.relative_to(newer)
            if place == released or target != path:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, target)
    return Updated(chapter, merged, kept)


def _same(newer: Path, released: Path) -> bool:
    files = sorted(p.relative_to(newer) for p in newer.rglob("*") if p.is_file())
    return all((released / f).is_file() and (released / f).read_bytes() == (newer / f).read_bytes() for f in files)


def _renamed(newer: Path, chapter: str) -> dict[str, str]:
    found = outline.read(newer, chapter)
    return {old: e.id for e in found.exercises for old in e.was}


def _remember(made: Workspace, chapter: str, merged: Merged) -> None:
    with state.change(made.inside) as now:
        for old, new in merged.renamed.items():
            if f"{chapter}/{old}" in now.exercises:
                now.exercises[f"{chapter}/{new}"] = now.exercises.pop(f"{chapter}/{old}")
        for exercise in merged.changed:
            progress = now.exercises.get(f"{chapter}/{exercise}")
            if progress is not None and progress.passed:
                progress.again = True
