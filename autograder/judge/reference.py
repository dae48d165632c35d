"""The course's own run of a chapter, and the runs of its known mistakes: computed once, kept on disk as data."""

from __future__ import annotations

import contextlib
import hashlib
import json
from functools import cached_property
from pathlib import Path
from typing import Any

from autograder.course import chapter as ch
from autograder.course import solutions as variants
from autograder.judge.verdict import KnownMistake
from autograder.rebuild.cells import reference_cells, splits_of, stubs_of
from autograder.sandbox import bwrap
from autograder.sandbox.host import Limits, Outcome, SandboxBroke, Template
from autograder.sandbox.inside import Cell

#: The base seed of graded inputs. A notebook's own is 0, so no number a student has seen comes again.
GRADING_SEED = 20_261_121
_TRUSTED = Limits(wall_seconds=900, cpu_seconds=900)


class Reference:
    """A chapter's right records, and the records of its mistakes as they are asked for."""

    def __init__(
        self, chapter: ch.Chapter, template: Template, cache: Path | None, seed: int = GRADING_SEED
    ) -> None:
        self.chapter, self.template, self.seed = chapter, template, seed
        self.cache = cache
        self._mistakes: dict[str, list[KnownMistake]] = {}

    @cached_property
    def key(self) -> str:
        """Return the content key of everything a record depends on: notebook, mistakes, seed, code, versions."""
        parts = [self.chapter.source_path.read_bytes(), versions().encode(), str(self.seed).encode()]
        parts.append(code_hash(self.chapter.course.package).encode())
        notes = self.chapter.source_path.parent / "lessonkit.json"
        parts.append(notes.read_bytes() if notes.is_file() else b"")
        mistakes = self.mistakes_path
        parts.append(mistakes.read_bytes() if mistakes.is_file() else b"")
        parts.append(self.template.data_line.encode())
        return hashlib.sha256(b"\0".join(parts)).hexdigest()[:24]

    @property
    def mistakes_path(self) -> Path:
        """Return where the chapter's mistakes lie: in the course's text."""
        return self.chapter.course_dir / "mistakes.py"

    @cached_property
    def splits(self) -> dict[str, Any]:
        """Return every test cell's split."""
        return splits_of(self.chapter.source, self.chapter.course.judges)

    @cached_property
    def stubs(self) -> dict[str, str]:
        """Return the untouched solution cells."""
        return stubs_of(self.chapter.release)

    @cached_property
    def forbidden(self) -> dict[str, list[str]]:
        """Return each exercise's forbidden names."""
        return {name: e.settings.forbidden for name, e in self.chapter.exercises.items()}

    @cached_property
    def frames(self) -> dict[str, Any]:
        """Return the reference's frames by cell id; SandboxBroke where the reference itself does not run."""
        return self._kept("reference", lambda: self._run(reference_cells(self.chapter.source)))

    def mistakes(self, exercise: str) -> list[KnownMistake]:
        """Return the frames of an exercise's known mistakes."""
        if exercise not in self._mistakes:
            self._mistakes[exercise] = [
                KnownMistake(m.name, m.help, self._kept(f"{exercise}.{m.name}", lambda m=m: self._wrong(m)))
                for m in variants.read(self.mistakes_path)
                if m.exercise == exercise
            ]
        return self._mistakes[exercise]

    def seconds(self, cell: Cell) -> float:
        """Return the wall-clock limit of a cell."""
        exercise = self.chapter.exercises.get(cell.exercise)
        return exercise.settings.seconds if exercise else ch.CELL_SECONDS

    def _wrong(self, mistake: variants.NamedSolution) -> dict[str, Any]:
        cells = reference_cells(self.chapter.source, {mistake.exercise: mistake.code}, {mistake.exercise})
        return self.template.run(
            cells, seed=self.seed, forbidden={}, seconds=self.seconds, limits=_TRUSTED
        ).frames

    def _run(self, cells: list[Cell]) -> dict[str, Any]:
        outcome: Outcome = self.template.run(
            cells, seed=self.seed, forbidden={}, seconds=lambda _: 300.0, limits=_TRUSTED
        )
        if outcome.stopped_in:
            raise SandboxBroke(f"the reference of {self.chapter.name} did not finish: {outcome.reason}")
        return outcome.frames

    def _kept(self, name: str, make: Any) -> dict[str, Any]:
        from autograder.files import write_atomically

        path = self.cache / self.chapter.name / self.key / f"{name}.json" if self.cache else None
        if path is not None and path.is_file():
            try:
                return json.loads(path.read_text(encoding="utf-8"))
            except ValueError:
                pass  # a half-written file of an older tool: make it again
        found = {cell: frame for cell, frame in make().items() if frame.get("tests")}
        if path is not None:
            with contextlib.suppress(OSError):  # the cache only saves time; a read-only root grades as well
                write_atomically(path, json.dumps(found).encode())
        return found


def versions() -> str:
    """Return the versions of everything a record depends on, without importing any of it."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    found = [platform.python_version()]
    for name in ("torch", "numpy", "layer-by-layer", "nbgrader"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"{name} ?")
    return ", ".join(found)


def code_hash(package: str = "") -> str:
    """Return the hash of the code that makes, compares and judges records; `package` is the course's own."""
    top = Path(__file__).parents[2]
    own = bwrap.folder_of(package)
    folders = [top / "autograder", top / "lessonkit", *([own] if own else [])]
    digest = hashlib.sha256()
    for path in sorted(file for folder in folders for file in folder.rglob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()
