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
from autograder.intake import handed_in, which
from autograder.intake.archive import is_passed_over
from autograder.intake.submission import (
    ENDINGS,
    LARGEST,
    StudentCell,
    is_like_a_notebook,
    match,
    parse,
    without_outputs,
)
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
    here = _Here(ch.Chapter(folder.parents[2], chapter, notebook), student, source, timestamp)
    exact = folder / f"{notebook}.ipynb"
    if _is_regular(exact):  # whatever else lies there, an environment or a link, is left alone
        return replace(_named(exact, folder, here), odd_time=odd)
    fits, found, problem = _fitting(folder, here)
    return replace(_renamed(fits, found, problem, here), odd_time=odd)


@dataclass(frozen=True)
class _Here:
    """What is looked for, and whose."""

    chapter: ch.Chapter
    student: str
    source: NotebookNode
    timestamp: str | None

    def wanted(self) -> int:
        return len({ch.grade_id_of(c) for c in self.source.cells if ch.nbgrader_of(c)})

    def written(self, data: bytes) -> bool:
        """Return True where somebody wrote in a notebook, or nobody can tell because there is no release."""
        try:
            return which.written(parse(data), self.chapter) > 0
        except BadNotebook:
            return True

    def ready(self, data: bytes, note: str) -> Intake:
        return Intake(self.student, "ready", data, note=note or None, timestamp=self.timestamp)

    def rejected(self, reason: str) -> Intake:
        return Intake(self.student, "rejected", reason=reason)


@dataclass(frozen=True)
class _Fit:
    """A notebook of the chapter under another name."""

    name: str
    data: bytes


def _named(exact: Path, folder: Path, here: _Here) -> Intake:
    """Take the notebook of the right name; a copy beside it that was written in counts where this one is untouched."""
    data, note = without_outputs(read_regular(exact))
    cells = parse(data)
    if match(cells, here.source).matched < ENOUGH * here.wanted() * 0.5:
        return here.rejected(_not_this(cells, here.chapter))
    if not any(path.name != exact.name and _may_be_one(path) and not is_passed_over(path.name) for path in folder.iterdir()):
        return here.ready(data, note)
    others = [one for one in _fitting(folder, here)[0] if one.name != exact.name and one.data != data and here.written(one.data)]
    names = ", ".join(one.name for one in others)
    if not others:
        return here.ready(data, note)
    if here.written(data):
        return here.ready(data, "; ".join(filter(None, [note, f"{names} lies there too and was not graded"])))
    if len(others) == 1:
        return here.ready(others[0].data, f"{exact.name} is untouched; {names}, where something is written, counts")
    return here.rejected(f"{exact.name} is untouched, and several others are not: {names}; keep one, named {exact.name}")


def _may_be_one(path: Path) -> bool:
    """Return True for a file whose name does not say that it is something else than a notebook."""
    return path.name.lower().endswith((*ENDINGS, ".json", ".txt")) or not path.suffix


def _is_regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(os.lstat(path).st_mode)
    except OSError:
        return False


def _not_this(cells: list[StudentCell], chapter: ch.Chapter) -> str:
    """Return why a notebook is not this chapter's: whose it is, where its ids say that."""
    others = [part for name in ch.names(chapter.root) if name != chapter.name for part in ch.parts(chapter.root, name)]
    if others and (found := which.by_ids(cells, others))[1] >= which.ENOUGH:
        return f"this is the notebook of {found[0].notebook}; hand in {chapter.notebook}.ipynb from release/{chapter.name}"
    return f"the notebook holds none of the grade ids of {chapter.notebook}; start again from release/{chapter.name} and hand that in"


def _regular_files(folder: Path) -> tuple[list[Path], str]:
    """Return the regular files below a folder, the nearest first, and what stood in the way of seeing all of them.

    Links are not followed; an environment, what belongs to version control and checkpoints are passed over.
    """
    found: list[Path] = []
    queue, problem = [(folder, 0)], ""
    while queue:
        here, depth = queue.pop(0)
        if depth > MAX_DEPTH:
            return sorted(found), f"folders nested more than {MAX_DEPTH} deep; hand in the notebook alone"
        try:
            names = sorted(os.listdir(here))
        except OSError as error:
            names, problem = [], f"{_shown(here)} cannot be read: {error.strerror}"
        for name in names:
            path = here / name
            if is_passed_over(path.relative_to(folder).as_posix()):
                continue
            mode = os.lstat(path).st_mode
            shown = _shown(path)
            if stat.S_ISLNK(mode):
                problem = f"{shown} is a symbolic link; hand in the file itself"
            elif stat.S_ISDIR(mode):
                queue.append((path, depth + 1))
            elif stat.S_ISREG(mode):
                found.append(path)
            else:
                problem = f"{shown} is a pipe, socket or device; hand in the notebook alone"
            if len(found) + len(queue) > MAX_FILES:
                return sorted(found), f"more than {MAX_FILES} files; hand in the notebook alone"
    return sorted(found), problem


def _shown(path: Path) -> str:
    return ascii(path.name)[1:-1][:80]


def read_regular(path: Path) -> bytes:
    """Read a regular file without following a link that was swapped in, up to one byte past the limit."""
    handle = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise BadNotebook(f"{path.name} is no regular file")
        return file.read(LARGEST + 1)


def _fitting(folder: Path, here: _Here) -> tuple[list[_Fit], list[str], str]:
    """Return the notebooks that are this chapter by the grade ids inside, the names of all notebooks, and what was wrong."""
    # an assignment's other notebooks, under their own names, are not this one
    own = f"{here.chapter.notebook}.ipynb"
    others = {path.name for path in here.chapter.source_path.parent.glob("*.ipynb")} - {own}
    files, problem = _regular_files(folder)
    fits, names = [], []
    for path in (one for one in files if one.name not in others and _may_be_one(one)):
        named = path.name.lower().endswith(ENDINGS)
        try:
            data, _ = without_outputs(read_regular(path))
            if not named and not is_like_a_notebook(data):
                continue
            names.append(_shown(path))
            if match(parse(data), here.source).matched >= ENOUGH * here.wanted():
                fits.append(_Fit(_shown(path), data))
        except BadNotebook as error:
            problem = f"{_shown(path)}: {error.reason}" if named else problem
    return fits, names, problem


def _renamed(fits: list[_Fit], names: list[str], problem: str, here: _Here) -> Intake:
    """Take the one notebook that is this chapter under another name, or the only one of them that was written in."""
    own, chapter = here.chapter.notebook, here.chapter.name
    chosen = fits if len(fits) < 2 else [one for one in fits if here.written(one.data)]
    if len(chosen) == 1:
        note = f"handed in as {chosen[0].name}; recognised by its grade ids"
        untouched = ", ".join(one.name for one in fits if one is not chosen[0])
        return here.ready(chosen[0].data, note + (f"; {untouched} is untouched" if untouched else ""))
    if fits:
        found = ", ".join(one.name for one in fits)
        return here.rejected(f"several notebooks could be {own}: {found}; keep one, named {own}.ipynb")
    if problem:
        return here.rejected(problem)
    if names:
        return here.rejected(f"no notebook of {own} among {', '.join(names[:3])}; hand in {own}.ipynb from the release")
    reason = f"no notebook in submitted/{here.student}/{chapter}; expected {own}.ipynb"
    return Intake(here.student, "missing", reason=reason, timestamp=here.timestamp)
