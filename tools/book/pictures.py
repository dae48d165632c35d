"""What a chapter's own cells show in a run of the reference: its figures and printed lines, cell by cell.

Kept by content: a chapter is run again where its code, the packages that it imports or the data have changed.
Only course cells are kept. What a solution's cell or a check's cell shows never enters the book.
"""

from __future__ import annotations

import ast
import base64
import hashlib
import html
import io
import json
import os
import re
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from autograder.course import chapter as ch
from autograder.files import write_atomically

#: Seconds that one cell may take; the longest of the course trains a network.
CELL_SECONDS = 900
#: The modules of lessonkit that draw and print; the rest of it checks, and changes no picture.
DRAWING = ("plot", "_figure", "_diagrams", "show", "train", "ranks")
#: Run before the chapter: sliders show their still picture, and a figure says whose part it was drawn with.
PREFACE = """
import importlib, sys
sys.modules["ipywidgets"] = None
try:
    importlib.import_module("{package}.instruments.stand_in").whose = lambda *names: "the course's"
except ImportError:
    pass
"""
#: lessonkit's line in place of a slider; the still picture stands above it.
_SLIDER = re.compile(r"^\(In JupyterLab there are sliders here")
_IMAGE = re.compile(r'<img src="data:image/png;base64,(?P<data>[^"]+)" alt="(?P<alt>[^"]*)" width="(?P<width>\d+)"[^>]*>')
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Shown:
    """One thing that a cell shows: printed text, or a picture (the file's name, its alt text, its width in pixels)."""

    text: str = ""
    picture: str = ""
    alt: str = ""
    width: int = 0


def is_course_cell(cell: NotebookNode) -> bool:
    """Return True for a code cell of the course's own: no exercise, no check, no hint."""
    return cell.cell_type == "code" and not ch.nbgrader_of(cell).get("grade_id") and not cell.source.startswith("hint(")


def shown(chapter: ch.Chapter, cache: Path) -> tuple[dict[str, list[Shown]], Path]:
    """Return what each course cell shows, by cell id, and the folder of its pictures; run the chapter where need be."""
    folder = cache / f"{chapter.name}-{_key(chapter)}"
    record = folder / "shown.json"
    if not record.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        found = {cell.id: _kept(cell, folder) for cell in run(chapter).cells if is_course_cell(cell)}
        plain = {name: [asdict(one) for one in several] for name, several in found.items()}
        write_atomically(record, json.dumps(plain, ensure_ascii=False, indent=1).encode())
    read = json.loads(record.read_text(encoding="utf-8"))
    return {name: [Shown(**one) for one in several] for name, several in read.items()}, folder


def _key(chapter: ch.Chapter) -> str:
    """Return a digest of what a chapter's pictures depend on: its code but for checks, what it imports and draws with, its data."""
    digest = hashlib.sha256(PREFACE.encode())
    code = [cell.source for cell in chapter.source.cells if cell.cell_type == "code" and not ch.is_test(cell)]
    for source in code:
        digest.update(f"{source}\0".encode())
    kit = Path(ch.__file__).resolve().parents[2] / "lessonkit"
    own = _imported(chapter.root, chapter.course.package, code) if chapter.course.package else set()
    for path in [*sorted(own), *(kit / f"{name}.py" for name in DRAWING)]:
        digest.update(path.read_bytes())
    digest.update(repr([bool(os.environ.get(name)) for name in ("COURSE_DATA", "COURSE_OFFLINE")]).encode())
    return digest.hexdigest()[:16]


def _imported(root: Path, package: str, code: list[str]) -> set[Path]:
    """Return the files of a course's package that a notebook's code imports, and those that they import in turn."""
    found: set[Path] = set()
    todo = list(code)
    while todo:
        for name in _names(todo.pop()):
            path = root / name.replace(".", "/")
            for file in (path.with_suffix(".py"), path / "__init__.py"):
                if name.split(".")[0] == package and file.is_file() and file not in found:
                    found.add(file)
                    todo.append(file.read_text(encoding="utf-8"))
    return found


def _names(code: str) -> set[str]:
    """Return every dotted name that a piece of code may import as a module."""
    try:
        tree = ast.parse(code)
    except SyntaxError:  # a cell with a magic line imports nothing of the course's
        return set()
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def run(chapter: ch.Chapter) -> NotebookNode:
    """Return the instructor's notebook, run from top to bottom in a copy of its folder, its checks left out.

    Checks show nothing in the book, and on a busy machine one of them may time out. Raises where another cell does.
    """
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.from_dict(json.loads(json.dumps(chapter.source)))
    for cell in notebook.cells:
        if ch.is_test(cell):
            cell.source = ""
    preface = nbformat.v4.new_code_cell(PREFACE.format(package=chapter.course.package or "no_package"))
    notebook.cells.insert(0, preface)
    with tempfile.TemporaryDirectory() as name:
        folder = shutil.copytree(chapter.source_path.parent, Path(name) / chapter.name)
        environment = dict(os.environ) | {"OMP_NUM_THREADS": "1", "PYTHONPATH": _paths(chapter.root), "MPLBACKEND": "Agg"}
        client = NotebookClient(notebook, timeout=CELL_SECONDS, resources={"metadata": {"path": str(folder)}})
        client.execute(env=environment)
    del notebook.cells[0]
    return notebook


def _paths(root: Path) -> str:
    return os.pathsep.join([str(root.resolve()), str(Path(ch.__file__).resolve().parents[2]), os.environ.get("PYTHONPATH", "")])


def _kept(cell: NotebookNode, folder: Path) -> list[Shown]:
    found: list[Shown] = []
    for output in cell.outputs:
        found += _one(output, cell.id, folder, len(found))
    joined: list[Shown] = []
    for one in found:  # a print a line arrives as several outputs
        if one.text and joined and joined[-1].text:
            joined[-1] = Shown(text=joined[-1].text + one.text)
        else:
            joined.append(one)
    return joined


def _one(output: NotebookNode, cell: str, folder: Path, number: int) -> list[Shown]:
    if output.output_type == "stream":
        return _printed(output.text) if output.name == "stdout" else []
    data: dict[str, Any] = output.get("data", {})
    made = []
    for image in _IMAGE.finditer(data.get("text/html", "")):
        name = f"{cell}-{number + len(made)}.webp"
        _write_picture(base64.b64decode(image["data"]), folder / name)
        made.append(Shown(picture=name, alt=html.unescape(image["alt"]), width=int(image["width"])))
    return made or _printed(data.get("text/plain", "") + "\n")


def _printed(text: str) -> list[Shown]:
    text = _COLOUR.sub("", text)
    return [Shown(text=text)] if text.strip() and not _SLIDER.match(text) else []


def _write_picture(png: bytes, target: Path) -> None:
    """Write a figure as lossless WebP: the same dots in a third of the bytes."""
    from PIL import Image

    Image.open(io.BytesIO(png)).convert("RGB").save(target, lossless=True, quality=60, method=4)
