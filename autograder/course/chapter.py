"""Read a chapter's notebook into exercises, solution cells and test cells; find chapters by name.

Imports nothing of the grader: build, grade, feedback and the tests all start here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbformat import NotebookNode

from autograder.course import solutions
from autograder.course.settings import (
    CourseSettings,
    ExerciseSettings,
    course_of,
    importable,
    read_course,
    read_exercises,
)
from autograder.course.settings import exercises_of as settings_of
from autograder.course.solutions import NamedSolution
from autograder.errors import BadNotebook, UnknownChapter

#: What an assignment may be called: what nbgrader takes for one, and no hidden folder.
NAME = re.compile(r"[A-Za-z0-9][\w .+-]*")
#: What the build ships beside each notebook: the course, and for each exercise its hints, limits and mistakes.
NOTES = "lessonkit.json"
#: Course cells with this tag only draw or print; no test depends on them, and a grader leaves them out.
PICTURE = "picture"
#: Locked course cells with this tag hold imports and data; their names cannot be shadowed in a test cell.
SETUP = "setup"


def names(root: Path, room: str = "source") -> list[str]:
    """Return the chapters that lie in a room of the course (`course`, `source` or `release`), in order."""
    folder = root / room
    if not folder.is_dir():
        return []
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and NAME.fullmatch(path.name) and _holds_one(path))


def _holds_one(folder: Path) -> bool:
    """Return True for a folder of a chapter's text, or with a notebook in it."""
    return (folder / f"{folder.name}.py").is_file() or any(folder.glob("*.ipynb"))


def parts(root: Path, name: str) -> list[Chapter]:
    """Return the notebooks of an assignment, in order of their names; a chapter of our own making has one."""
    found = sorted(path.stem for path in (root / "source" / name).glob("*.ipynb"))
    return [Chapter(root, name, notebook) for notebook in found] or [Chapter(root, name)]


def resolve(root: Path, name: str, room: str = "source") -> str:
    """Return the chapter that `name` or its unique prefix means; UnknownChapter with a guess where none does."""
    found = names(root, room)
    name = Path(name).name.removesuffix(".ipynb") if name else name
    if name in found:
        return name
    fits = [chapter for chapter in found if name and chapter.startswith(name)]
    if len(fits) == 1:
        return fits[0]
    raise UnknownChapter(name, found, root / room)


def nbgrader_of(cell: NotebookNode) -> dict[str, Any]:
    """Return a cell's nbgrader metadata, {} where it has none."""
    found = cell.get("metadata", {}).get("nbgrader", {})
    return found if isinstance(found, dict) else {}


def grade_id_of(cell: NotebookNode) -> str:
    """Return a cell's grade id, '' where it has none."""
    return str(nbgrader_of(cell).get("grade_id", ""))


def tags_of(cell: NotebookNode) -> list[str]:
    """Return a cell's tags."""
    found = cell.get("metadata", {}).get("tags", [])
    return [str(tag) for tag in found] if isinstance(found, list) else []


def is_test(cell: NotebookNode) -> bool:
    """Return True for an auto-graded test cell."""
    meta = nbgrader_of(cell)
    return bool(meta.get("grade")) and not meta.get("solution") and cell.cell_type == "code"


def is_solution(cell: NotebookNode) -> bool:
    """Return True for a cell that a student writes an auto-graded answer in."""
    meta = nbgrader_of(cell)
    return bool(meta.get("solution")) and not meta.get("grade")


def is_manual(cell: NotebookNode) -> bool:
    """Return True for a manually graded question (answer and points in one cell, or a task)."""
    meta = nbgrader_of(cell)
    return bool((meta.get("solution") and meta.get("grade")) or meta.get("task"))


@dataclass(frozen=True)
class Exercise:
    """One exercise: its id, its test cells with their points, and what exercises.toml says of it."""

    id: str
    points: dict[str, float]
    settings: ExerciseSettings

    @property
    def max_score(self) -> float:
        """Return the sum of its points."""
        return sum(self.points.values())


class Chapter:
    """A chapter of a course root, read from its source notebook.

    In a course of nbgrader's own an assignment may hold several notebooks, called as they like: `notebook` names one.
    """

    def __init__(self, root: Path, name: str, notebook: str = "") -> None:
        self.root, self.name, self.notebook = root, name, notebook or name
        self.source_path = root / "source" / name / f"{self.notebook}.ipynb"
        self.release_path = root / "release" / name / f"{self.notebook}.ipynb"
        self.course_dir = root / "course" / name

    @property
    def key(self) -> str:
        """Return the name under which results are kept: the chapter's, with the notebook's where that is another."""
        return self.name if self.notebook == self.name else f"{self.name}@{self.notebook}"

    @cached_property
    def source(self) -> NotebookNode:
        """Return the instructor's notebook: solutions and hidden tests inside."""
        return read_trusted(self.source_path)

    @cached_property
    def release(self) -> NotebookNode:
        """Return the students' notebook; where none was released, the one that nbgrader would release."""
        if self.release_path.is_file():
            return read_trusted(self.release_path)
        from autograder.course.nbgrader_api import released

        return released(self.source_path)

    @cached_property
    def notes(self) -> dict[str, Any]:
        """Return what the build ships beside the source notebook; {} where nothing was built."""
        shipped = self.source_path.parent / NOTES
        return dict(json.loads(shipped.read_text(encoding="utf-8"))) if shipped.is_file() else {}

    @cached_property
    def course(self) -> CourseSettings:
        """Return whose course it is: what the build shipped, else the root's course.toml."""
        return importable(self.root, course_of(self.notes["course"])) if "course" in self.notes else read_course(self.root)

    @cached_property
    def settings(self) -> dict[str, ExerciseSettings]:
        """Return what exercises.toml says, as the build ships it, else as it stands in the course's text."""
        if "exercises" in self.notes:
            return settings_of(self.notes["exercises"], self.source_path.parent / NOTES)
        return read_exercises(self.course_dir / "exercises.toml")

    @cached_property
    def exercises(self) -> dict[str, Exercise]:
        """Return the chapter's exercises by id, in the order of the notebook."""
        return exercises_of(self.source, self.settings)

    def named(self, file: str) -> list[NamedSolution]:
        """Return the named solutions of `mistakes.py`, `variants.py` or `refused.py`; [] where there is no such file."""
        return solutions.read(self.course_dir / file, references_of(self.source))

    @property
    def preload(self) -> tuple[str, ...]:
        """Return the modules that a warm process should have imported before this chapter's cells run."""
        return (*self.course.warm_up, *self.preload_for(self.exercises))

    def preload_for(self, exercises: Iterable[str]) -> tuple[str, ...]:
        """Return the modules that a process must have before the cells of some exercises run, warm or not."""
        own = {module for name in exercises for module in self.exercises[name].settings.preload}
        plain = any(is_test(cell) and "@check.cell(" not in cell.source for cell in self.source.cells)
        return (*sorted(own), *(["autograder.sandbox.in_process"] if plain else []))


def tests_of(notebook: NotebookNode) -> dict[str, str]:
    """Return the exercise that each test cell belongs to, by grade id.

    `relu__forward` belongs to `relu`. In a course that names its cells otherwise, a test cell belongs to the nearest
    solution cell above it, and one with none above it is an exercise by itself.
    """
    solutions = {grade_id_of(c) for c in notebook.cells if is_solution(c)}
    found, above = {}, ""
    for cell in notebook.cells:
        grade_id = grade_id_of(cell)
        if is_solution(cell):
            above = grade_id
        elif is_test(cell):
            prefix, dunder, _ = grade_id.partition("__")
            found[grade_id] = prefix if prefix in solutions or (dunder and not above) else above or grade_id
    return found


def references_of(notebook: NotebookNode) -> dict[str, str]:
    """Return the solutions of a source notebook by exercise."""
    return {grade_id_of(cell): cell.source for cell in notebook.cells if is_solution(cell)}


def exercises_of(notebook: NotebookNode, settings: dict[str, ExerciseSettings]) -> dict[str, Exercise]:
    """Return the exercises of a source notebook, each with its settings."""
    found: dict[str, dict[str, float]] = {grade_id_of(c): {} for c in notebook.cells if is_solution(c)}
    for grade_id, exercise in tests_of(notebook).items():
        cell = next(c for c in notebook.cells if grade_id_of(c) == grade_id)
        found.setdefault(exercise, {})[grade_id] = float(nbgrader_of(cell)["points"])
    return {name: Exercise(name, points, settings.get(name, ExerciseSettings())) for name, points in found.items()}


class Node(dict[str, Any]):
    """A JSON object whose keys are attributes too, as nbformat's NotebookNode, which takes a second to import."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError as error:
            raise AttributeError(name) from error

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value


def node(plain: dict[str, Any]) -> NotebookNode:
    """Return a copy of plain JSON data whose objects are Nodes."""
    made: NotebookNode = json.loads(json.dumps(plain), object_hook=Node)
    return made


def read_trusted(path: Path) -> NotebookNode:
    """Read a notebook of the course itself; BadNotebook with the command that makes it where it is missing."""
    try:
        notebook: NotebookNode = json.loads(path.read_text(encoding="utf-8"), object_hook=Node)
        for cell in notebook.cells:
            if isinstance(cell.source, list):
                cell.source = "".join(cell.source)
        return notebook
    except FileNotFoundError as error:
        raise BadNotebook(f"{path} is missing. Run `autograder build {path.stem}`.") from error
    except (OSError, ValueError, AttributeError) as error:
        raise BadNotebook(
            f"{path} could not be read ({error}). Run `autograder build {path.stem}`."
        ) from error
