"""Bring what a learning-management system hands out, zips, folders or clones, into `submitted/`.

Every file gets a line: taken, or why not. The newest attempt of a person counts and the others are kept; an older one
never takes the place of a newer one; a damaged file is its own affair.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from autograder.course import chapter as ch
from autograder.errors import AutograderError, BadNotebook
from autograder.files import write_atomically
from autograder.intake import archive as archives
from autograder.intake import clone, collected, identity, which
from autograder.intake.archive import Member
from autograder.intake.door import valid_id
from autograder.intake.submission import ENDINGS, is_like_a_notebook, parse, what_else
from autograder.log import Log
from lessonkit.plain_text import one_line


@dataclass(frozen=True)
class Collected:
    """One file of an archive: where it went, or why it did not; `note` says what had to be guessed."""

    member: str
    student: str | None
    chapter: str | None
    path: Path | None
    reason: str | None = None
    note: str = ""


@dataclass(frozen=True)
class _Found:
    """A notebook that could be taken: whose it is, of which chapter, and how much of it is written."""

    member: Member
    name: identity.Name
    student: str
    chapter: ch.Chapter
    written: int
    note: str = ""


def collect(root: Path, archive: Path, pattern: str | None = None, roster: Mapping[str, str] | None = None) -> Iterator[Collected]:
    """Yield a line for every file of a zip or folder, after writing what is taken to `submitted/STUDENT/CHAPTER/`.

    Whose a file is comes from `pattern` (a regular expression with a group `student`), else from the ways the usual
    systems name things; the chapter from the grade ids inside. Who is on the `roster` under the name that is shown (ids by
    `identity.key_of`) has the id from there. What is replaced is moved to `.autograder/replaced/`.
    """
    chapters = [part for name in ch.names(root) for part in ch.parts(root, name)]
    if not chapters:
        raise AutograderError(f"no chapters in {root / 'source'}. Run `autograder build` first.")
    if not archive.exists():
        raise AutograderError(f"{archive} does not exist. Give a zip from your LMS or a folder of notebooks.")
    _usable(pattern)
    found: list[_Found] = []
    earlier = [row for row in collected.rows(root) if row.taken]
    people = identity.People([(r.student, r.shown, r.system, r.number, r.chapter) for r in earlier], roster)
    before = {(row.student, row.chapter): row for row in earlier}
    for member in _named(archive, [c.name for c in chapters]):
        try:
            one = _look(member, chapters, people, pattern)
        except Exception as error:  # of this member: the rest is collected
            one = Collected(member.name, None, None, None, Log(root, "collect").keep(one_line(member.name, 120), error))
        if isinstance(one, Collected):
            yield _noted(root, archive, one)
        else:
            found.append(one)
    groups: dict[tuple[str, str], list[_Found]] = {}
    for one in found:
        groups.setdefault((one.student, one.chapter.key), []).append(one)
    alone = len({one.student for one in found}) == 1
    for versions in groups.values():
        yield from _take(root, archive, versions, alone, before.get((versions[0].student, versions[0].chapter.name)))


def _usable(pattern: str | None) -> None:
    try:
        if pattern is None or "student" in re.compile(pattern).groupindex:
            return
        why = "it has no group called student"
    except re.error as error:
        why = f"it is no regular expression: {error}"
    raise AutograderError(f"--pattern {pattern!r}: {why}. Write it like '(?P<student>[a-z]+)_'.")


def _named(archive: Path, chapters: list[str]) -> Iterator[Member]:
    """Yield the members under names without a folder that is around all of them."""
    found = list(archives.members(archive))
    if (archive / ".git").is_dir():  # one clone: its folder is whose it is
        times = clone.times(archive)
        yield from (replace(one, name=f"{archive.resolve().name}/{one.name}", when=times.get(one.name)) for one in found)
        return
    short = dict(zip([one.name for one in found], identity.without_common_folder([one.name for one in found], chapters), strict=True))
    clones: dict[str, clone.Times] = {}
    for one in found:
        head, _, inside = one.name.partition("/")
        if archive.is_dir() and (archive / head / ".git").is_dir():
            if head not in clones:
                clones[head] = clone.times(archive / head)
            one = replace(one, when=clones[head].get(inside))
        yield replace(one, name=short[one.name])


def _look(member: Member, chapters: list[ch.Chapter], people: identity.People, pattern: str | None) -> _Found | Collected:
    """Return what a file is, or why it is not taken."""

    def no(reason: str, student: str | None = None) -> Collected:
        return Collected(member.name, student, None, None, reason)

    if member.reason:
        return no(member.reason)
    shown = member.name.rpartition("/")[2]
    if not shown.lower().endswith(ENDINGS) and not is_like_a_notebook(member.data):
        return no(_no_notebook(shown, member.data))
    name = identity.read(member.name, [c.name for c in chapters], pattern)
    if name is None:
        return no("no student id in its name; say where it stands with --pattern '(?P<student>…)'")
    try:
        cells = parse(member.data)
    except BadNotebook as error:
        fits = [c for c in chapters if c.name in member.name or c.notebook == shown.partition(".")[0]]
        if not fits:
            return no(error.reason)
        student = people.id_of(name, fits[0].name)
        return _Found(member, name, student, fits[0], 0, error.reason) if valid_id(student) else no(error.reason)
    best, share = which.by_everything(cells, chapters)
    if share < which.ENOUGH and best.name not in member.name:
        return no("no chapter's grade ids in it; is it a notebook of this course?")
    student = people.id_of(name, best.name)
    if not valid_id(student):
        return no(f"no student id can be made of {one_line(name.shown, 60)!r}; say it with --pattern '(?P<student>…)'")
    notes = [member.note] if member.note else []
    if not shown.endswith(".ipynb"):
        ending = shown[shown.lower().find(".ipynb") :] if ".ipynb" in shown.lower() else Path(shown).suffix or "nothing"
        notes.append(f"its name ends in {ending}; taken for a notebook")
    return _Found(member, name, student, best, which.written(cells, best), "; ".join(notes))


def _no_notebook(shown: str, data: bytes) -> str:
    return what_else(data) or f"{Path(shown).suffix or 'a file without ending'}, no notebook: ask for the .ipynb"


def _take(root: Path, archive: Path, versions: list[_Found], alone: bool, before: collected.Row | None) -> Iterator[Collected]:
    """Write the newest version of one person's notebook, and say what became of the others.

    `alone`: nobody else has anything in the archive, so that what is taken for a person may be a class's folder.
    """
    if alone and versions[0].name.system == "folder" and len(stems := _stems(versions)) > 1:
        names = ", ".join(sorted(stems))
        for one in versions:
            yield _noted(root, archive, _line(one, None, f"the archive holds one folder with {names} in it: versions of one person, or one of each? Say whose is whose with --pattern '(?P<student>[^/]+)\\.ipynb'"), one)
        return
    whose = {(one.name.shown, one.name.number, one.member.name.rpartition("/")[0]) for one in versions}
    if len({(shown, number) for shown, number, _ in whose}) == 1 and len(whose) > 1 and versions[0].name.system in ("folder", "file"):
        folders = ", ".join(sorted(folder or "the top folder" for *_, folder in whose))
        texts = {one.member.data for one in versions}
        inside = all(one.member.name.startswith(f"{versions[0].name.shown}/") for one in versions)
        if len(texts) > 1 and not inside:
            for one in versions:
                yield _noted(root, archive, _line(one, None, f"two different notebooks for {one.student}, from {folders}; say whose is whose with --pattern"), one)
            return
    # a browser's second download beside the first: the one that somebody wrote in
    written = [one for one in versions if one.written] or versions
    newest = max(written, key=lambda one: (_when(one) or datetime.min, one.name.attempt, one.member.name))
    for one in versions:
        if one is newest:
            continue
        if one.member.data == newest.member.data:
            yield _noted(root, archive, _line(one, None, "the same notebook as another of this person's, handed in once more"), one)
            continue
        kept = _keep(root, one)
        why = "untouched" if not one.written and newest.written else "an older attempt"
        yield _noted(root, archive, _line(one, None, f"{why}: {one_line(newest.member.name, 80)} counts; this one is kept as {kept.relative_to(root)}"), one)
    yield _put(root, archive, newest, before)


def _stems(versions: list[_Found]) -> set[str]:
    """Return what files are called that are neither a chapter's notebook nor a second download of one another."""
    names = {re.sub(r"(?: \(\d+\)|-\d{1,2})$", "", one.member.name.rpartition("/")[2].partition(".")[0]) for one in versions}
    return names if len({one.member.data for one in versions}) > 1 and versions[0].chapter.notebook not in names else set()


def _when(one: _Found) -> datetime | None:
    return one.name.when or one.member.when


def _line(one: _Found, path: Path | None, reason: str | None = None, note: str = "") -> Collected:
    notes = "; ".join(filter(None, [one.note if path else "", note]))
    return Collected(one.member.name, one.student, one.chapter.name, path, reason, notes)


def _noted(root: Path, archive: Path, line: Collected, one: _Found | None = None) -> Collected:
    """Add a line to the table of what was collected, and return it."""
    row = collected.Row(
        line.student or "", one.name.shown if one else "", one.name.system if one else "", one.name.number if one else "",
        line.chapter or "", archive.name, line.member, _utc(_when(one)) if one else "", one.name.attempt if one else 0,
        hashlib.sha256(one.member.data).hexdigest() if one else "", line.path is not None, line.reason or line.note,
    )  # fmt: skip
    try:
        collected.add(root, row)
    except OSError as error:
        raise AutograderError(f"{root}/.autograder cannot be written ({error.strerror}); make room or change its rights, then collect again.") from error
    return line


def _utc(when: datetime | None) -> str:
    """Return a local time of this machine as nbgrader's time stamp; "" where it is not known."""
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC") if when else ""


def _put(root: Path, archive: Path, one: _Found, before: collected.Row | None) -> Collected:
    folder = root / "submitted" / one.student / one.chapter.name
    path = folder / f"{one.chapter.notebook}.ipynb"
    if folder.is_symlink() or folder.parent.is_symlink():
        return _noted(root, archive, _line(one, None, "submitted/ holds a symbolic link under that name"), one)
    if path.is_file() and path.read_bytes() == one.member.data:
        return _noted(root, archive, _line(one, path, note="already there"), one)
    when = _utc(_when(one))
    if path.is_file() and before and _is_older(when, one.name.attempt, before):
        kept = _keep(root, one)
        said = f"older than what is there (handed in {before.handed_in or f'as attempt {before.attempt}'}); kept as {kept.relative_to(root)}"
        return _noted(root, archive, _line(one, None, said), one)
    note = ""
    if path.is_file():
        note = f"an earlier one is kept as {_keep_old(root, folder, one).relative_to(root)}"
    write_atomically(path, one.member.data)
    if when:
        write_atomically(folder / "timestamp.txt", when.encode())
    elif (folder / "timestamp.txt").is_file():
        os.unlink(folder / "timestamp.txt")  # of the attempt before: no time rather than a wrong one
    if one.name.late:
        note = "; ".join(filter(None, [note, "its name says LATE, without a time: set the time by hand if a penalty is due"]))
    return _noted(root, archive, _line(one, path, note=note), one)


def _is_older(when: str, attempt: int, before: collected.Row) -> bool:
    if when and before.handed_in:
        return (when, attempt) < (before.handed_in, before.attempt)
    return bool(before.attempt and attempt and attempt < before.attempt)


def _keep(root: Path, one: _Found) -> Path:
    """Keep a version that does not count, and return where it lies."""
    digest = hashlib.sha256(one.member.data).hexdigest()[:10]
    path = root / ".autograder" / "replaced" / one.student / one.chapter.name / f"{digest}-{one.chapter.notebook}.ipynb"
    write_atomically(path, one.member.data)
    return path


def _keep_old(root: Path, folder: Path, one: _Found) -> Path:
    """Move what was handed in before aside, all of its folder, and return where it lies."""
    stamp = datetime.now(UTC).strftime("%Y-%m-%d_%H%M%S-%f")
    kept = root / ".autograder" / "replaced" / one.student / one.chapter.name / stamp
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(folder, kept, symlinks=True)
    return kept


def summary(root: Path) -> dict[str, list[str]]:
    """Return who is known to have handed in what: student -> chapters."""
    found: dict[str, set[str]] = {}
    for row in collected.rows(root):
        if row.taken:
            found.setdefault(row.student, set()).add(row.chapter)
    return {student: sorted(names) for student, names in sorted(found.items())}


__all__ = ["Collected", "collect", "summary"]
