"""A chapter straight from its text, before anything is built: what is tried on it, and what its cells are."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from autograder.author import answers, notes
from autograder.course import chapter as ch
from autograder.course.settings import CourseSettings, read_course, read_exercises
from autograder.course.solutions import MISTAKES, REFUSED, VARIANTS, NamedSolution
from autograder.judge.diagnosis import KnownMistake
from autograder.rebuild.cells import reference_cells, splits_of
from autograder.rebuild.split import Split
from autograder.sandbox.inside import Cell
from lessonkit.forbidden import defined

BEGIN_SOLUTION, END_SOLUTION = "### BEGIN SOLUTION", "### END SOLUTION"


class TextChapter(ch.Chapter):
    """A chapter whose notebook is made from `course/` in memory: nothing has to be built first."""

    def __init__(self, root: Path, name: str) -> None:
        from autograder.author.build import source_notebook

        super().__init__(root, name)
        text = (self.course_dir / f"{name}.py").read_text(encoding="utf-8")
        self.__dict__["source"] = source_notebook(text, name)

    @cached_property
    def course(self) -> CourseSettings:
        """Return whose course it is."""
        return read_course(self.root)

    @cached_property
    def settings(self) -> dict[str, Any]:
        """Return what exercises.toml says."""
        return read_exercises(self.course_dir / "exercises.toml")


@dataclass
class Records:
    """What the judge wants to know of a chapter (see judge.reference.Reference), filled in as it is observed."""

    chapter: ch.Chapter
    splits: dict[str, Split]
    stubs: dict[str, str]
    forbidden: dict[str, list[str]]
    frames: dict[str, dict[str, Any]]
    known: dict[str, list[KnownMistake]]

    def mistakes(self, exercise: str) -> list[KnownMistake]:
        """Return the frames of an exercise's known mistakes."""
        return self.known.get(exercise, [])


class Desk:
    """A chapter's cells as they are run at a student's desk and when graded, and the solutions to try on them."""

    def __init__(self, root: Path, name: str) -> None:
        self.chapter = TextChapter(root, name)
        self.notebook = self.chapter.source
        self.mistakes, self.variants, self.refused = (self.chapter.named(file) for file in (MISTAKES, VARIANTS, REFUSED))

    @cached_property
    def cells(self) -> list[Cell]:
        """Return the course's own run: the reference's solutions, and test cells that record."""
        return reference_cells(self.notebook)

    @cached_property
    def splits(self) -> dict[str, Split]:
        """Return every test cell's split."""
        return splits_of(self.notebook, self.chapter.course.judges)

    @cached_property
    def visible_splits(self) -> dict[str, Split]:
        """Return the split of what students see of every test cell."""
        return splits_of(notes.without_hidden(self.notebook), self.chapter.course.judges)

    @cached_property
    def visible(self) -> dict[str, str]:
        """Return every test cell as a student has it."""
        cells = notes.without_hidden(self.notebook).cells
        return {ch.grade_id_of(cell): cell.source for cell in cells if ch.is_test(cell)}

    @cached_property
    def right(self) -> dict[str, str]:
        """Return the reference solutions by exercise."""
        return {ch.grade_id_of(cell): cell.source for cell in self.notebook.cells if ch.is_solution(cell)}

    @cached_property
    def forbidden(self) -> dict[str, list[str]]:
        """Return each exercise's forbidden names."""
        return {name: exercise.settings.forbidden for name, exercise in self.chapter.exercises.items()}

    def records(self) -> Records:
        """Return a judge's view of the chapter with nothing observed yet."""
        return Records(self.chapter, self.splits, self.right, self.forbidden, {}, {})

    def named(self, exercise: str) -> list[tuple[str, NamedSolution]]:
        """Return what is tried on an exercise, with its kind: `right`, then each `mistake`, `variant`, `refused`, what
        visible checks expect, as if it were an answer (`expected`), and the cell as it is handed out (`unwritten`)."""
        own = [("right", NamedSolution(exercise, "reference", self.right[exercise]))]
        own += [("mistake", one) for one in self.mistakes if one.exercise == exercise]
        own += [("variant", one) for one in self.variants if one.exercise == exercise]
        own += [("refused", one) for one in self.refused if one.exercise == exercise]
        tests = [source for i, source in self.visible.items() if i.partition("__")[0] == exercise]
        own.append(("unwritten", NamedSolution(exercise, "stub", unwritten(self.right[exercise]))))
        return own + [("expected", one) for one in answers.in_sight(exercise, self.right[exercise], tests)]

    def last_test(self, exercise: str) -> int:
        """Return the position of an exercise's last test cell, -1 where it has none."""
        return max((i for i, c in enumerate(self.cells) if c.role == "test" and c.exercise == exercise), default=-1)

    def dependents(self, exercise: str) -> list[str]:
        """Return the later exercises whose cells look up what the exercise's solution defines, at any distance."""
        start = next(i for i, cell in enumerate(self.cells) if cell.id == exercise)
        tainted, found = set(defined(self.right[exercise])), []
        for cell in self.cells[start + 1 :]:
            if cell.exercise == exercise or not tainted & _mentioned(cell.source):
                continue
            if cell.role != "test":
                tainted |= _defined(cell.source)
            if cell.exercise and cell.exercise not in found:
                found.append(cell.exercise)
        return found


def unwritten(source: str) -> str:
    """Return a solution cell's source as it is handed out: each solution replaced by `raise NotImplementedError()`."""
    kept, inside = [], False
    for line in source.split("\n"):
        if BEGIN_SOLUTION in line:
            kept.append(line.partition("#")[0] + "raise NotImplementedError()")
            inside = True
        elif not inside:
            kept.append(line)
        inside = inside and END_SOLUTION not in line
    return "\n".join(kept)


def _mentioned(source: str) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}


def _defined(source: str) -> set[str]:
    found = set()
    for node in ast.parse(source).body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        found |= {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return found
