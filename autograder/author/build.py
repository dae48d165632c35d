"""Build a chapter: text (`course/`) to instructors' notebook (`source/`) to students' notebook (`release/`).

Deterministic to the byte: cell ids come from grade ids, else from chapter and position. A source notebook
carries the hash of what was built, so that an edit by hand is noticed and never overwritten silently.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbformat import NotebookNode

from autograder.author import lint, replaced
from autograder.author.notes import notes_of
from autograder.author.outline import with_outline
from autograder.course import chapter as ch
from autograder.course import nbgrader_api as nb
from autograder.course.settings import read_course, read_exercises
from autograder.errors import AutograderError, EditedSource, LintFailed, StaleBuild, cannot_write
from autograder.files import write_atomically

#: Cell metadata that jupytext needs for the way back and nobody else wants to see.
_TEXT_ONLY = ("lines_to_next_cell", "lines_to_end_of_cell_marker", "cell_marker")

#: What the first text of a released notebook ends with, for whoever opens it alone: in Colab, say.
WITHOUT_PACKAGE = (
    "\n\n*Does the next cell say* `No module named 'lessonkit'`*? Run* `%pip install {install}` *in a cell of its own, "
    "then that cell again.*"
)


@dataclass(frozen=True)
class Built:
    """The files of one chapter, by path relative to the root, as bytes."""

    chapter: str
    files: dict[str, bytes]


def source_notebook(text: str, chapter: str) -> NotebookNode:
    """Return the instructor's notebook of a chapter's text, with stable cell ids and the hash of its content."""
    notebook: NotebookNode = jupytext.reads(text, fmt="py:percent")
    for index, cell in enumerate(notebook.cells):
        cell.id = ch.grade_id_of(cell)[:64] or f"{chapter[:2]}-{index:03d}"
        for name in _TEXT_ONLY:
            cell.metadata.pop(name, None)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        if meta := cell.metadata.get("nbgrader"):
            meta["cell_type"] = cell.cell_type
        if ch.is_test(cell) or ch.PICTURE in ch.tags_of(cell):
            # folded where notebooks are read: between an idea and its exercise stands no page of code
            cell.metadata["jupyter"] = {"source_hidden": True}
    notebook.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.metadata["lessonkit"] = {"chapter": chapter, "built": content_hash(notebook)}
    return notebook


def content_hash(notebook: NotebookNode) -> str:
    """Return the hash of what an author can edit: the cells' order, type, source, tags and nbgrader metadata."""
    cells = [[cell.cell_type, cell.source, ch.nbgrader_of(cell), ch.tags_of(cell)] for cell in notebook.cells]
    return hashlib.sha256(json.dumps(cells, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def was_edited(path: Path) -> bool:
    """Return True where a built source notebook no longer is what was built."""
    if not path.is_file():
        return False
    notebook = ch.read_trusted(path)
    return bool(notebook.metadata.get("lessonkit", {}).get("built") != content_hash(notebook))


def to_bytes(notebook: NotebookNode) -> bytes:
    """Return a notebook as the bytes that are written: sorted keys, LF, a newline at the end."""
    nbformat.validate(notebook)
    return (json.dumps(notebook, sort_keys=True, indent=1, ensure_ascii=False) + "\n").encode("utf-8")


def make(root: Path, chapter: str, afresh: bool = False) -> Built:
    """Build one chapter in memory; LintFailed with every finding where it breaks the rules of the course.

    With `afresh`, the known mistakes are run again even where no text has changed since they last were.
    """
    folder = root / "course" / chapter
    text_path = folder / f"{chapter}.py"
    if not text_path.is_file():
        raise AutograderError(f"{text_path} is missing: a chapter's text has the name of its folder.")
    notebook = source_notebook(text_path.read_text(encoding="utf-8"), chapter)
    files: dict[str, bytes] = {f"source/{chapter}/{chapter}.ipynb": to_bytes(notebook)}
    course = read_course(root)
    if course.lint == "textbook" and (findings := lint.chapter(folder, notebook)):
        raise LintFailed(findings)
    notes = notes_of(folder, notebook, course, None if afresh else _notes_before(root, chapter))
    notes = with_outline(notes, notebook, read_exercises(folder / "exercises.toml"))
    files[f"source/{chapter}/lessonkit.json"] = (
        json.dumps(notes, sort_keys=True, indent=1, ensure_ascii=False) + "\n"
    ).encode()
    for extra in sorted((folder / "img").glob("*")) if (folder / "img").is_dir() else []:
        files[f"source/{chapter}/img/{extra.name}"] = extra.read_bytes()
    files.update(_release(chapter, files, course.install))
    if leaks := lint.release(
        chapter, nbformat.reads(files[f"release/{chapter}/{chapter}.ipynb"].decode(), 4)
    ):
        raise LintFailed(leaks)
    return Built(chapter, files)


def _notes_before(root: Path, chapter: str) -> dict[str, Any] | None:
    try:
        return dict(json.loads((root / "source" / chapter / "lessonkit.json").read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None


def _release(chapter: str, files: dict[str, bytes], install: str) -> dict[str, bytes]:
    """Return the release's files, made from the source's by nbgrader's own generate_assignment.

    The notebook's first text says how to `install` what its first cell imports.
    """
    with tempfile.TemporaryDirectory(prefix="layer-by-layer-") as name:
        root = Path(name)
        for path, content in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content)
        done = nb.api(root).generate_assignment(chapter)
        if not done["success"]:
            raise AutograderError(
                f"nbgrader could not generate {chapter}: {done.get('error') or done.get('log')}"
            )
        made = {}
        for file in sorted((root / "release" / chapter).rglob("*")):
            if file.is_file():
                made[file.relative_to(root).as_posix()] = file.read_bytes()
    key = f"release/{chapter}/{chapter}.ipynb"
    notebook = nbformat.reads(made[key].decode("utf-8"), as_version=4)
    notebook.metadata.pop("lessonkit", None)
    if install and notebook.cells[0].cell_type == "markdown":
        notebook.cells[0].source += WITHOUT_PACKAGE.format(install=install)
    made[key] = to_bytes(notebook)
    return made


def build(root: Path, chapters: list[str], force: bool = False) -> list[Path]:
    """Build chapters and write what changed; return the paths written. EditedSource before anything is lost."""
    written = []
    for chapter in chapters:
        source = root / "source" / chapter / f"{chapter}.ipynb"
        if was_edited(source) and not force:
            raise EditedSource(source, chapter)
        written += write(root, make(root, chapter, afresh=force))
    return written


def write(root: Path, built: Built) -> list[Path]:
    """Write the files of a chapter that differ, each atomically, and remove what is no longer built.

    What somebody did in the release is kept first; those copies are among the paths that are returned.
    """
    written = []
    for path, content in built.files.items():
        target = root / path
        if target.is_file() and target.read_bytes() == content:
            continue
        if path.startswith("release/") and path.endswith(".ipynb") and target.is_file() and replaced.worked_in(target.read_bytes(), content):
            written.append(replaced.keep(root, target))
        try:
            write_atomically(target, content)
        except OSError as error:
            raise cannot_write(target, error, f"autograder build {built.chapter}") from error
        written.append(target)
    for stray in _strays(root, built):
        written.append(replaced.keep(root, stray))
        stray.unlink()
    return written


def _strays(root: Path, built: Built) -> list[Path]:
    folders = [root / room / built.chapter for room in ("source", "release")]
    keep = {root / path for path in built.files}
    return [
        path
        for folder in folders
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path not in keep and ".ipynb_checkpoints" not in path.parts
    ]


def check(root: Path, chapters: list[str]) -> None:
    """Raise StaleBuild naming every file that is not what its text builds."""
    stale: list[tuple[Path, str]] = []
    for chapter in chapters:
        built = make(root, chapter)
        for path, content in built.files.items():
            target = root / path
            if not target.is_file() or target.read_bytes() != content:
                stale.append((target, chapter))
        stale += [(path, chapter) for path in _strays(root, built)]
    if stale:
        raise StaleBuild(stale)


def missing_rooms(root: Path) -> dict[str, Any]:
    """Return the chapters that lie in one room and not in another, for `doctor`."""
    rooms = {room: set(ch.names(root, room)) for room in ("course", "source", "release")}
    everything = set.union(*rooms.values())
    return {room: sorted(everything - found) for room, found in rooms.items() if everything - found}
