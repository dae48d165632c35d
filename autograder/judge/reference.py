"""The course's own run of a chapter, and the runs of its known mistakes, as they are asked for."""

from __future__ import annotations

from collections.abc import Collection
from functools import cached_property
from pathlib import Path

from autograder.course import chapter as ch
from autograder.course.settings import CELL_SECONDS
from autograder.course.solutions import MISTAKES, NamedSolution
from autograder.judge import withheld
from autograder.judge.diagnosis import KnownMistake
from autograder.judge.records import Frames, Records
from autograder.rebuild.cells import for_exercises, reference_cells, splits_of, stubs_of
from autograder.rebuild.split import Split
from autograder.sandbox.host import Template
from autograder.sandbox.inside import Cell

#: The base seed of graded inputs. A notebook's own is 0, so no number a student has seen comes again.
GRADING_SEED = 20_261_121


class Reference:
    """A chapter's right records, and the records of its mistakes as they are asked for.

    With `only`, the records of these exercises alone, from runs of nothing but what they need.
    """

    def __init__(
        self, chapter: ch.Chapter, template: Template, cache: Path | None, seed: int = GRADING_SEED, only: Collection[str] = ()
    ) -> None:
        self.chapter, self.template, self.seed, self.only = chapter, template, seed, frozenset(only)
        self.records = Records(template, cache, chapter.course.package)
        self._mistakes: dict[str, list[KnownMistake]] = {}

    @cached_property
    def splits(self) -> dict[str, Split]:
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
    def course_names(self) -> frozenset[str]:
        """Return the names under which the set-up cell imports what is the course's own."""
        return withheld.names_of(self.chapter.source, self.chapter.course.package, self.chapter.course.data)

    @cached_property
    def frames(self) -> Frames:
        """Return the reference's frames by cell id; SandboxBroke where the reference itself does not run."""
        if all(split.in_process for split in self.splits.values()):
            return {}  # plain asserts: there is nothing to compare with
        cells = for_exercises(reference_cells(self.chapter.source), self.only)
        return self.records.of(cells, self.seed, lambda _: 300.0, f"the reference of {self.chapter.name}")

    def mistakes(self, exercise: str) -> list[KnownMistake]:
        """Return an exercise's known mistakes with their frames."""
        if exercise not in self._mistakes:
            self._mistakes[exercise] = [
                KnownMistake(m.name, m.help, self._wrong(m)) for m in self._named if m.exercise == exercise
            ]
        return self._mistakes[exercise]

    @cached_property
    def _named(self) -> list[NamedSolution]:
        return self.chapter.named(MISTAKES)

    def seconds(self, cell: Cell) -> float:
        """Return the wall-clock limit of a cell."""
        exercise = self.chapter.exercises.get(cell.exercise)
        return exercise.settings.seconds if exercise else CELL_SECONDS

    def _wrong(self, mistake: NamedSolution) -> Frames:
        cells = reference_cells(self.chapter.source, {mistake.exercise: mistake.code}, {mistake.exercise})
        return self.records.of(for_exercises(cells, self.only), self.seed, self.seconds)
