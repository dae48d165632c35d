"""Take a submission in: look at what lies in its folder, follow nothing, believe nothing, run nothing."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.course import chapter as ch
from autograder.errors import BadNotebook
from autograder.intake import handed_in
from autograder.intake.submission import LARGEST, match, parse, without_outputs
from autograder.log import Log

if TYPE_CHECKING:
    from nbformat import NotebookNode

STUDENT_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@+-]{0,63}")
MAX_FILES = 200
MAX_DEPTH = 6
#: Of the locked ids of a chapter, how many a renamed notebook has to carry to be taken for it.
ENOUGH = 0.5


@dataclass(frozen=True)
class Intake:
    """One submission at the door. `status`: `ready`, `rejected` or `missing`; `note` says what was odd."""

    student: str
    status: str
    data: bytes = b""
    reason: str | None = None
    note: str | None = None
    timestamp: str | None = None
    #: why the time of handing in could not be read
    odd_time: str = ""


def students(root: Path, chapter: str) -> list[str]:
    """Return the folders of `submitted/` that hold something for a chapter, sorted; ids are checked later."""
    submitted = root / "submitted"
    if not submitted.is_dir():
        return []
    found = []
    for name in sorted(os.listdir(submitted)):
        if not name.startswith(".") and os.path.lexists(submitted / name / chapter):
            found.append(name)
    return found


def take_in(root: Path, chapter: str, student: str, source: NotebookNode, notebook: str = "") -> Intake:
    """Return a student's submission as bytes, or why it cannot be graded and what to do about it.

    `notebook` is what the file is called, where an assignment's notebooks have names of their own.
    """
    if not valid_id(student):
        return Intake(student, "rejected", reason=_bad_id(student))
    folder = root / "submitted" / student / chapter
    try:
        return _take_in(folder, chapter, student, source, notebook or chapter)
    except BadNotebook as error:
        return Intake(student, "rejected", reason=error.reason)
    except OSError as error:
        return Intake(
            student, "rejected", reason=f"submitted/{student}/{chapter} cannot be read: {error.strerror}"
        )
    except Exception as error:  # what nobody thought of ends this submission, and no other
        return Intake(student, "rejected", reason=Log(root, "intake").keep(f"submitted/{student}/{chapter}", error))


def valid_id(student: str) -> bool:
    """Return True for a student id that is safe in paths, tables and pages."""
    return bool(STUDENT_ID.fullmatch(student)) and ".." not in student


def _bad_id(student: str) -> str:
    shown = ascii(student)[:60]
    return f"{shown} is no student id (letters, digits, _ . @ + -); rename the folder in submitted/"


def _take_in(folder: Path, chapter: str, student: str, source: NotebookNode, notebook: str) -> Intake:
    for path in (folder.parent, folder):
        if path.is_symlink():
            return Intake(
                student,
                "rejected",
                reason=f"{path.name} is a symbolic link; put the folder itself into submitted/",
            )
    if not folder.exists():
        return Intake(student, "missing", reason=f"nothing handed in (no submitted/{student}/{chapter})")
    if not folder.is_dir():
        return Intake(
            student,
            "rejected",
            reason=f"submitted/{student}/{chapter} is a file, not a folder with the notebook",
        )
    timestamp, odd = handed_in.of(folder, read_regular)
    exact = folder / f"{notebook}.ipynb"
    if _is_regular(exact):  # whatever else lies there, an environment or a link, is left alone
        data, note = without_outputs(read_regular(exact))
        wanted = len({ch.grade_id_of(c) for c in source.cells if ch.nbgrader_of(c)})
        if match(parse(data), source).matched < ENOUGH * wanted * 0.5:
            return Intake(student, "rejected", reason=_not_this(chapter, notebook))
        return Intake(student, "ready", data, note=note or None, timestamp=timestamp, odd_time=odd)
    files = _regular_files(folder)
    return replace(_renamed(files, folder, chapter, student, source, timestamp, notebook), odd_time=odd)


def _is_regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False


def _not_this(chapter: str, notebook: str) -> str:
    return f"the notebook holds none of the grade ids of {notebook}; start again from release/{chapter} and hand that in"


def _regular_files(folder: Path) -> list[Path]:
    """Return the regular files below a folder; BadNotebook on anything that is none, or too many of them."""
    found, queue = [], [(folder, 0)]
    while queue:
        here, depth = queue.pop()
        if depth > MAX_DEPTH:
            raise BadNotebook(f"folders nested more than {MAX_DEPTH} deep; hand in the notebook alone")
        for name in os.listdir(here):
            path = here / name
            mode = os.lstat(path).st_mode
            shown = ascii(name)[1:-1][:60]
            if stat.S_ISLNK(mode):
                raise BadNotebook(f"{shown} is a symbolic link; hand in the file itself")
            if stat.S_ISDIR(mode):
                queue.append((path, depth + 1))
            elif stat.S_ISREG(mode):
                found.append(path)
            else:
                raise BadNotebook(f"{shown} is a pipe, socket or device; hand in the notebook alone")
            if len(found) + len(queue) > MAX_FILES:
                raise BadNotebook(f"more than {MAX_FILES} files; hand in the notebook alone")
    return sorted(found)


def read_regular(path: Path) -> bytes:
    """Read a regular file without following a link that was swapped in, up to one byte past the limit."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise BadNotebook(f"{path.name} is no regular file")
        return file.read(LARGEST + 1)


def _renamed(
    files: list[Path], folder: Path, chapter: str, student: str, source: NotebookNode, timestamp: str | None,
    notebook: str,
) -> Intake:  # fmt: skip
    """Find the one notebook that is this chapter under another name, by the grade ids inside."""
    # an assignment's other notebooks, under their own names, are not this one
    others = {path.name for path in (folder.parents[2] / "source" / chapter).glob("*.ipynb")} - {f"{notebook}.ipynb"}
    notebooks = [
        path for path in files
        if path.suffix.lower() == ".ipynb" and ".ipynb_checkpoints" not in path.parts and path.name not in others
    ]  # fmt: skip
    wanted = len({ch.grade_id_of(c) for c in source.cells if ch.nbgrader_of(c)})
    fits = []
    problem: str | None = None
    for path in notebooks:
        try:
            data, _ = without_outputs(read_regular(path))
            if match(parse(data), source).matched >= ENOUGH * wanted:
                fits.append((path, data))
        except BadNotebook as error:
            problem = f"{ascii(path.name)[1:-1][:60]}: {error.reason}"
    if len(fits) == 1:
        path, data = fits[0]
        note = f"handed in as {ascii(path.name)[1:-1][:80]}; recognised by its grade ids"
        return Intake(student, "ready", data, note=note, timestamp=timestamp)
    if len(fits) > 1:
        names = ", ".join(ascii(path.name)[1:-1][:40] for path, _ in fits)
        return Intake(
            student,
            "rejected",
            reason=f"several notebooks could be {notebook}: {names}; keep one, named {notebook}.ipynb",
        )
    if problem:
        return Intake(student, "rejected", reason=problem)
    if notebooks:
        found = ", ".join(ascii(path.name)[1:-1][:40] for path in notebooks[:3])
        return Intake(
            student,
            "rejected",
            reason=f"no notebook of {notebook} among {found}; hand in {notebook}.ipynb from the release",
        )
    return Intake(
        student,
        "missing",
        reason=f"no notebook in submitted/{student}/{chapter}; expected {notebook}.ipynb",
        timestamp=timestamp,
    )
