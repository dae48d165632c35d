"""Content keys: what a record depends on, what a verdict depends on, and nothing else.

A record is what the course's own run observed. It depends on the cells that ran, their seed and data, the code
that runs and records them, and the versions of what they compute with. A verdict depends on the records, and on
the code and settings that judge. Prose, pictures and hints play no part in either.
"""

from __future__ import annotations

import ast
import hashlib
import json
import platform
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.course import chapter as ch
from autograder.sandbox import bwrap
from autograder.sandbox.inside import Cell

if TYPE_CHECKING:
    from nbformat import NotebookNode

_TOP = Path(__file__).resolve().parents[2]
#: Modules of lessonkit that only speak, draw or write files: they are silent while a run records.
SILENT = frozenset({"_diagrams", "_figure", "files", "hints", "message", "plot", "show", "train"})
#: What the cells of a course may compute with.
PACKAGES = (
    "ipython", "numpy", "onnx", "onnxruntime", "onnxscript", "safetensors", "scikit-learn", "scipy", "torch", "torchvision",
)  # fmt: skip


def of_records(cells: list[Cell], seed: int, data_line: str, package: str) -> str:
    """Return the key of what a run of trusted cells observes."""
    course = _imported(cells, package)
    parts = [json.dumps([cell.to_json() for cell in cells]), str(seed), data_line, versions(), _hash(recording_code()), _hash(course)]
    return _digest(parts)


def of_chapter(chapter: ch.Chapter, seed: int, data_line: str) -> str:
    """Return the key of everything that a verdict on a submission depends on, besides the submission."""
    rooms = [_cells(room.cells) for room in (chapter.source, chapter.release)]
    settings = {
        name: [e.settings.forbidden, e.settings.seconds, e.settings.needs, e.settings.preload]
        for name, e in chapter.exercises.items()
    }
    mistakes = [[m.exercise, m.name, m.code, m.help] for m in chapter.named("mistakes.py")]
    plain = json.dumps([rooms, settings, mistakes, chapter.course.to_json()], sort_keys=True)
    course = bwrap.folder_of(chapter.course.package)
    own = sorted(course.rglob("*.py")) if course else []
    return _digest([plain, str(seed), data_line, versions(), _hash(judging_code()), _hash(own)])


def of_desk(chapter: ch.Chapter) -> str:
    """Return the key of everything that trying a solution at a student's desk and as graded depends on, but the
    solution itself: the chapter's code, its settings, and all code that runs, records, judges and speaks."""
    kit = sorted((_TOP / "lessonkit").glob("*.py"))
    course = bwrap.folder_of(chapter.course.package)
    own = _hash(sorted(course.rglob("*.py")) if course else [])
    return _digest([_text(chapter), versions(), _hash(judging_code()), _hash(kit), own])


def of_text(chapter: ch.Chapter, exercises: list[str], more: list[str]) -> str:
    """Return the key of what trying a solution on the tests of `exercises` depends on, on any machine and with any
    engine: a chapter's code and settings but for the tests of its other exercises, and `more`."""
    cells = [one for one in chapter.source.cells if not ch.is_test(one) or ch.grade_id_of(one).partition("__")[0] in exercises]
    return _digest([_text(chapter, cells), *more])


def _text(chapter: ch.Chapter, cells: list[NotebookNode] | None = None) -> str:
    settings = {name: str(exercise.settings) for name, exercise in chapter.exercises.items()}
    return json.dumps([_cells(chapter.source.cells if cells is None else cells), settings], sort_keys=True)


def _cells(cells: list[NotebookNode]) -> list[list[object]]:
    """Return what counts of a notebook's cells: its code, and the cells that nbgrader knows."""
    return [
        [cell.cell_type, cell.source, sorted(ch.nbgrader_of(cell).items()), ch.tags_of(cell)]
        for cell in cells
        if (cell.cell_type == "code" and ch.PICTURE not in ch.tags_of(cell)) or ch.nbgrader_of(cell)
    ]


def recording_code() -> list[Path]:
    """Return the files that run cells and record what they observe."""
    kit = [path for path in (_TOP / "lessonkit").glob("*.py") if path.stem not in SILENT]
    return sorted([*kit, *(_TOP / "autograder" / "sandbox").glob("*.py")])


def judging_code() -> list[Path]:
    """Return the files that run, record and judge."""
    rooms = [path for room in ("rebuild", "judge", "intake") for path in (_TOP / "autograder" / room).glob("*.py")]
    return sorted([*recording_code(), *rooms, _TOP / "lessonkit" / "message.py"])


def walls() -> str:
    """Return the key of the code that walls a run off: canaries measured by older code prove nothing."""
    return _hash(sorted((_TOP / "autograder" / "sandbox").glob("*.py")))


def _imported(cells: Iterable[Cell], package: str) -> list[Path]:
    """Return the files of a course's package that cells import, and what those import of it in turn."""
    folder = bwrap.folder_of(package)
    if folder is None:
        return []
    found: set[Path] = set()
    left = {path for cell in cells for path in _files(cell.source, package, folder)}
    while left:
        path = left.pop()
        found.add(path)
        left |= {*_files(path.read_text(encoding="utf-8"), package, folder)} - found
    return sorted(found)


@cache
def _files(source: str, package: str, folder: Path) -> frozenset[Path]:
    try:
        tree = ast.parse(source)
    except SyntaxError:  # magics, or a mistake that is no Python: its own text is part of the key
        return frozenset()
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    found = set()
    for name in names:
        if name == package or name.startswith(f"{package}."):
            path = folder.joinpath(*name.split(".")[1:])
            found |= {file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()}
    return frozenset(found)


@cache
def versions() -> str:
    """Return the versions of everything a record depends on, without importing any of it."""
    found = [platform.python_version()]
    for name in PACKAGES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"{name} ?")
    return ", ".join(found)


def _hash(files: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _digest(parts: list[str]) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(hashlib.sha256(part.encode()).digest())
    return digest.hexdigest()[:32]
