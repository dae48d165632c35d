"""Bring what a learning-management system hands out, zips or folders, into `submitted/`."""

from __future__ import annotations

import io
import re
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from autograder.course import chapter as ch
from autograder.errors import AutograderError, BadNotebook
from autograder.files import write_atomically
from autograder.intake.door import valid_id
from autograder.intake.submission import MAX_BYTES, match, parse
from autograder.log import Log
from lessonkit.plain_text import one_line

MAX_MEMBERS = 20_000
MAX_TOTAL = 2 * 2**30
MAX_RATIO = 200
#: Moodle's folders, Canvas's files, and plain `student/…` folders or `student_notebook.ipynb` files, in this order.
PATTERNS = (
    r"^(?P<student>[^/]+?)_\d+_assignsubmission_[a-z]+_?/",
    r"^(?:.*/)?(?P<student>[a-z0-9.@-]+?)(?:_LATE)?_\d+_\d+_[^/]+\.ipynb$",
    r"^(?:submitted/)?(?P<student>[^/]+)/",
    r"^(?P<student>[A-Za-z0-9.@+-]+?)[_-][^/]*\.ipynb$",
)


@dataclass(frozen=True)
class Collected:
    """One file of an archive: where it went, or why it did not."""

    member: str
    student: str | None
    chapter: str | None
    path: Path | None
    reason: str | None = None


def collect(root: Path, archive: Path, pattern: str | None = None) -> Iterator[Collected]:
    """Yield one line a notebook of a zip or folder, after writing it to `submitted/STUDENT/CHAPTER/`.

    The student's id comes from `pattern` (a regular expression with a group `student`), else from the ways the
    usual systems name things; the chapter from the grade ids inside. An older submission is moved to
    `.autograder/replaced/`, never overwritten. Zips inside zips are not opened.
    """
    chapters = [ch.Chapter(root, name) for name in ch.names(root)]
    if not chapters:
        raise AutograderError(f"no chapters in {root / 'source'}. Run `autograder build` first.")
    if not archive.exists():
        raise AutograderError(f"{archive} does not exist. Give a zip from your LMS or a folder of notebooks.")
    for member, data in _members(archive):
        try:
            yield _one(root, chapters, member, data, pattern)
        except Exception as error:  # of this member: the rest is collected
            yield Collected(member, None, None, None, Log(root, "collect").keep(one_line(member, 120), error))


def _members(archive: Path) -> Iterator[tuple[str, bytes | str]]:
    """Yield the notebooks of an archive as (name, bytes), or (name, reason) for one that is refused."""
    if archive.is_dir():
        for path in sorted(archive.rglob("*.ipynb")):
            if ".ipynb_checkpoints" in path.parts:
                continue
            name = path.relative_to(archive).as_posix()
            if path.is_symlink() or not path.is_file():
                yield name, "a symbolic link or no regular file"
            elif path.stat().st_size > MAX_BYTES:
                yield name, f"larger than {MAX_BYTES // 2**20} MiB"
            else:
                yield name, path.read_bytes()
        return
    try:
        with zipfile.ZipFile(archive) as opened:
            yield from _zip_members(opened)
    except zipfile.BadZipFile as error:
        raise AutograderError(
            f"{archive} is no zip that can be read ({error}). Download it again."
        ) from error


def _zip_members(opened: zipfile.ZipFile) -> Iterator[tuple[str, bytes | str]]:
    infos = opened.infolist()
    if len(infos) > MAX_MEMBERS:
        raise AutograderError(
            f"the zip has {len(infos)} members, more than {MAX_MEMBERS}; unpack it and give the folder."
        )
    room = MAX_TOTAL
    for info in infos:
        name = info.filename
        if not name.endswith(".ipynb") or "__MACOSX" in name or ".ipynb_checkpoints" in name:
            continue
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or re.match(r"^[A-Za-z]:", name):
            yield ascii(name)[1:-1], "a path that leads out of the archive"
        elif (info.external_attr >> 16) & 0o170000 == 0o120000:
            yield ascii(name)[1:-1], "a symbolic link"
        elif info.file_size > MAX_BYTES or (
            info.compress_size and info.file_size / info.compress_size > MAX_RATIO
        ):
            yield (
                ascii(name)[1:-1],
                f"unpacks to {info.file_size / 2**20:.0f} MiB from {info.compress_size} bytes",
            )
        else:
            try:
                with opened.open(info) as file:
                    data = io.BytesIO(file.read(MAX_BYTES + 1)).getvalue()
            except Exception as error:  # encrypted, damaged, a method nobody knows: this member's own affair
                yield ascii(name)[1:-1], f"cannot be unpacked ({one_line(str(error) or type(error).__name__, 80)})"
                continue
            room -= len(data)
            if len(data) > MAX_BYTES or room < 0:
                yield ascii(name)[1:-1], "larger than it says, or than a submission may be"
            else:
                yield path.as_posix(), data


def _one(
    root: Path, chapters: list[ch.Chapter], member: str, data: bytes | str, pattern: str | None
) -> Collected:
    if isinstance(data, str):
        return Collected(member, None, None, None, data)
    student = student_of(member, pattern)
    if student is None or not valid_id(student):
        return Collected(
            member, None, None, None, "no student id in its name; say where it stands with --pattern"
        )
    try:
        cells = parse(data)
    except BadNotebook as error:
        fits = [c.name for c in chapters if c.name in member]
        if not fits:
            return Collected(member, student, None, None, error.reason)
        return _put(root, member, student, fits[0], data)
    best = max(chapters, key=lambda c: match(cells, c.source).matched)
    if match(cells, best.source).matched == 0:
        return Collected(member, student, None, None, "no chapter's grade ids in it")
    return _put(root, member, student, best.name, data)


def student_of(member: str, pattern: str | None = None) -> str | None:
    """Return the student id in an archive member's name, None where no pattern fits."""
    for candidate in (pattern,) if pattern else PATTERNS:
        if found := re.search(candidate, member):
            return re.sub(r"[^A-Za-z0-9_.@+-]+", "_", found["student"]).strip("_.")[:64] or None
    return None


def _unused(folder: Path) -> Path:
    """Return the folder itself where there is none yet, else the first with a number after it that is free."""
    tries = (folder if n == 1 else folder.with_name(f"{folder.name}-{n}") for n in range(1, 10_000))
    return next(path for path in tries if not path.exists())


def _put(root: Path, member: str, student: str, chapter: str, data: bytes) -> Collected:
    folder = root / "submitted" / student / chapter
    path = folder / f"{chapter}.ipynb"
    if folder.is_symlink() or folder.parent.is_symlink():
        return Collected(member, student, chapter, None, "submitted/ holds a symbolic link under that name")
    if path.is_file() and path.read_bytes() == data:
        return Collected(member, student, chapter, path)
    stamp = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime()) + " UTC"
    if folder.exists():
        kept = root / ".autograder" / "replaced" / stamp.replace(":", "").replace(" ", "_") / student
        kept.mkdir(parents=True, exist_ok=True)
        folder.rename(_unused(kept / chapter))
    write_atomically(path, data)
    write_atomically(folder / "timestamp.txt", stamp.encode())
    return Collected(member, student, chapter, path)
