"""The zip of feedback pages that Moodle or Canvas takes back, under the names under which it handed the notebooks out."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

from autograder.books.feedback import graded_students
from autograder.errors import AutograderError
from autograder.files import write_atomically
from autograder.intake import collected

_MOODLE = re.compile(r"^(?P<folder>(?:.*/)?[^/]*_assignsubmission_[a-z]+_?)(?P<slash>/?)")


@dataclass
class Made:
    """The zip that was written, how many pages are in it, and a line for each page that is not."""

    path: Path
    count: int = 0
    said: list[str] = field(default_factory=list)


def write(root: Path, chapter: str, system: str) -> Made:
    """Write `feedback/CHAPTER-SYSTEM.zip`; AutograderError where nothing of the chapter came from the system."""
    newest: dict[str, collected.Row] = {}
    for row in collected.rows(root):
        if row.chapter == chapter and row.taken and row.system == system:
            newest[row.student] = row
    made = Made(root / "feedback" / f"{chapter}-{system}.zip")
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        for student in graded_students(root, chapter):
            pages = sorted((root / "feedback" / student / chapter).glob("*.html"))
            came = newest.get(student)
            if came is None or not pages:
                made.said.append(f"not in the zip: {student} ({'no page' if came else f'no file of theirs came from {system}'})")
                continue
            for page in pages:
                entry = zipfile.ZipInfo(name_in(system, came.member, page.name), (1980, 1, 1, 0, 0, 0))
                entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
                archive.writestr(entry, page.read_bytes())
                made.count += 1
    if not made.count:
        raise AutograderError(f"no notebook of {chapter} was collected from {system}, so nothing can go back there. Hand out the pages in feedback/, or run `autograder collect ARCHIVE` on the zip that {system} made.")
    write_atomically(made.path, held.getvalue())
    return made


def name_in(system: str, member: str, page: str) -> str:
    """Return what a page is called in the zip.

    Moodle knows a student by `Name_number_assignsubmission_file_`, as a folder (since 4.1 without the last underscore) or
    before a file's name; Canvas by the numbers of user and file in `lovelaceada_12345_67890_`, which both have to be its own.
    """
    if system == "moodle" and (found := _MOODLE.match(member)):
        return f"{found['folder']}{found['slash']}{page}"
    last = member.rpartition("/")[2]
    return f"{last.partition('.')[0]}.html" if system == "canvas" else page
