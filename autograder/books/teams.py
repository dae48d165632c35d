"""Several students, one hand-in: what the newest of a group handed in lies in the folder of each of them.

Each is graded, extended and answered as a person of their own from there on. Who works with whom, by chapter, is
kept in `.autograder/teams.json`.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from autograder.books import tables
from autograder.course import chapter as ch
from autograder.errors import AutograderError
from autograder.files import read_object, write_atomically
from autograder.intake.door import valid_id

FILE = Path(".autograder", "teams.json")
_HEADINGS = {"student": ("student", "student_id", "id", "username"), "group": ("group", "team", "gruppe", "groupe", "grupo")}


@dataclass(frozen=True)
class _HandIn:
    """What lies in one student's folder: its notebooks by name, and when they were handed in (UTC)."""

    student: str
    notebooks: dict[str, bytes]
    when: datetime


def read(path: Path) -> list[list[str]]:
    """Return the groups of a CSV with a column of students and one of groups; AutograderError where it is none."""
    rows, known, heads = tables.read_named(path, _HEADINGS)
    if known != set(_HEADINGS):
        raise AutograderError(f"{path} has to have the columns student and group; there are: {', '.join(heads) or 'none'}.")
    found: dict[str, list[str]] = {}
    for values in rows:
        if values.get("student") and values.get("group"):
            found.setdefault(values["group"], []).append(values["student"])
    return list(found.values())


def remember(root: Path, chapter: str, groups: list[list[str]]) -> None:
    """Keep who works with whom on a chapter; a student who was in another group of it leaves that one."""
    wrong = [student for group in groups for student in group if not valid_id(student)]
    twice = sorted({s for group in groups for s in group if sum(s in other for other in groups) > 1})
    if wrong or twice:
        raise AutograderError("; ".join([f"{s!r} is no student id" for s in wrong] + [f"{s} is in two groups" for s in twice]) + ". Mend it and type the command again.")
    everything = read_object(root / FILE)
    moved = {student for group in groups for student in group}
    staying = [[s for s in group if s not in moved] for group in everything.get(chapter, [])]
    everything[chapter] = [group for group in [*staying, *groups] if len(group) > 1]
    write_atomically(root / FILE, json.dumps(everything, indent=1, sort_keys=True).encode())


def of(root: Path, chapter: str) -> list[list[str]]:
    """Return the groups of a chapter."""
    found: list[list[str]] = read_object(root / FILE).get(chapter, [])
    return found


def share(root: Path, chapter: str) -> Iterator[str]:
    """Put the newest hand-in of each group into the folders of its members; yield a line for each that changed."""
    for group in of(root, chapter):
        handed_in = [found for student in group if (found := _hand_in(root, chapter, student))]
        if not handed_in:
            continue
        newest = max(handed_in, key=lambda one: one.when)
        for student in group:
            own = next((one for one in handed_in if one.student == student), None)
            if student != newest.student and (own is None or own.notebooks != newest.notebooks):
                note = f"; what {student} handed in is kept as {_keep(root, chapter, student)}" if own else ""
                _give(root, chapter, newest, student)
                yield f"wrote submitted/{student}/{chapter} (handed in by {newest.student}, for the group{note})"


def _hand_in(root: Path, chapter: str, student: str) -> _HandIn | None:
    folder = root / "submitted" / student / chapter
    if folder.is_symlink() or not folder.is_dir():
        return None
    names = [f"{part.notebook}.ipynb" for part in ch.parts(root, chapter)]
    there = [path for name in names if (path := folder / name).is_file() and not path.is_symlink()]
    if not there:
        return None
    changed = datetime.fromtimestamp(max(path.stat().st_mtime for path in there), UTC).replace(tzinfo=None)
    return _HandIn(student, {path.name: path.read_bytes() for path in there}, _time(folder) or changed)


def _time(folder: Path) -> datetime | None:
    from nbgrader.utils import parse_utc

    try:
        found: datetime | None = parse_utc((folder / "timestamp.txt").read_text(encoding="ascii").strip()[:64])
    except Exception:  # no file, or no time: the file's own has to do
        return None
    return found


def _keep(root: Path, chapter: str, student: str) -> Path:
    """Move what a student handed in aside, and return where it lies."""
    stamp = datetime.now(UTC).strftime("%Y-%m-%d_%H%M%S-%f")
    kept = Path(".autograder", "replaced", student, chapter, stamp)
    (root / kept).parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(root / "submitted" / student / chapter, root / kept, symlinks=True)
    return kept


def _give(root: Path, chapter: str, newest: _HandIn, student: str) -> None:
    folder = root / "submitted" / student / chapter
    for name, data in newest.notebooks.items():
        write_atomically(folder / name, data)
    stamp = root / "submitted" / newest.student / chapter / "timestamp.txt"
    if stamp.is_file() and not stamp.is_symlink():
        write_atomically(folder / "timestamp.txt", stamp.read_bytes())
    else:
        (folder / "timestamp.txt").unlink(missing_ok=True)
