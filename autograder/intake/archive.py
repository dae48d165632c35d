"""Every file of a zip, a folder, or a folder of clones, as bytes or with the reason why it is not taken.

Nothing is unpacked to disk, links are not followed, and sizes are bounded before and while reading. A zip inside is
opened one level where it holds exactly one notebook. Twins that Finder packs along, checkpoints, and what belongs to
version control or an environment are nobody's work and passed over.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path, PurePosixPath

from autograder.errors import AutograderError
from autograder.intake.submission import LARGEST, MAX_BYTES, without_outputs
from lessonkit.plain_text import one_line

MAX_MEMBERS = 20_000
MAX_TOTAL = 2 * 2**30
#: Folders of which nothing is anybody's answer.
PASSED_OVER = {"__MACOSX", ".ipynb_checkpoints", ".git", ".venv", "venv", "node_modules", "__pycache__", ".autograder"}
_METHODS = {0: "stored", 8: "deflated", 9: "deflate64", 12: "bzip2", 14: "lzma", 93: "zstandard", 98: "ppmd"}


@dataclass(frozen=True)
class Member:
    """One file: its name in the archive, its bytes or why there are none, and the time the archive gives it."""

    name: str
    data: bytes = b""
    reason: str = ""
    when: datetime | None = None
    note: str = ""


def members(archive: Path) -> Iterator[Member]:
    """Yield the files of an archive; AutograderError where it cannot be read at all."""
    if archive.is_dir():
        yield from _folder(archive)
        return
    try:
        with zipfile.ZipFile(archive) as opened:
            yield from _zip(opened, nested=False)
    except (zipfile.BadZipFile, OSError) as error:
        raise AutograderError(f"{archive} is no zip that can be read ({error}). Download it again.") from error


def is_passed_over(name: str) -> bool:
    """Return True for what is nobody's work."""
    parts = PurePosixPath(name).parts
    return not parts or parts[-1].startswith("._") or parts[-1] in (".DS_Store", "Thumbs.db", "timestamp.txt") or bool(PASSED_OVER & set(parts))


def _folder(archive: Path) -> Iterator[Member]:
    for path in sorted(archive.rglob("*")):
        name = path.relative_to(archive).as_posix()
        if is_passed_over(name):
            continue
        if path.is_symlink():
            yield Member(name, reason="a symbolic link; hand in the file itself")
        elif path.is_file():
            if path.stat().st_size > LARGEST:
                yield Member(name, reason=f"larger than {LARGEST // 2**20} MiB")
            else:
                yield _slim(Member(name, path.read_bytes()))


def _zip(opened: zipfile.ZipFile, nested: bool) -> Iterator[Member]:
    infos = opened.infolist()
    if len(infos) > MAX_MEMBERS:
        raise AutograderError(f"the zip has {len(infos)} members, more than {MAX_MEMBERS}; unpack it and give the folder.")
    room = MAX_TOTAL
    for info in infos:
        name = info.filename.replace("\\", "/")
        if info.is_dir() or is_passed_over(name):
            continue
        one = _zip_member(opened, info, name)
        room -= max(len(one.data), info.file_size if one.data else 0)
        if room < 0:
            one = replace(one, data=b"", reason="the archive unpacks to more than 2 GiB")
        if one.data[:4] == b"PK\x03\x04" and not one.reason:
            one = _inside(one) if not nested else replace(one, data=b"", reason="a zip inside a zip inside the zip; unpack it by hand")
        yield one


def _zip_member(opened: zipfile.ZipFile, info: zipfile.ZipInfo, name: str) -> Member:
    shown = one_line(name, 200)
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or re.match(r"^[A-Za-z]:", name):
        return Member(shown, reason="a path that leads out of the archive")
    if (info.external_attr >> 16) & 0o170000 == 0o120000:
        return Member(shown, reason="a symbolic link")
    if info.flag_bits & 1:
        return Member(shown, reason="it has a password; unpack the archive and give the folder")
    if info.file_size > LARGEST:
        return Member(shown, reason=f"unpacks to {info.file_size / 2**20:.0f} MiB from {info.compress_size} bytes, more than {LARGEST // 2**20}")
    try:
        with opened.open(info) as file:
            data = io.BytesIO(file.read(LARGEST + 1)).getvalue()
    except NotImplementedError:
        method = _METHODS.get(info.compress_type, f"method {info.compress_type}")
        return Member(shown, reason=f"it is packed with {method}, which this Python cannot unpack; unpack the archive and give the folder")
    except Exception as error:  # damaged: this member's own affair
        return Member(shown, reason=f"it is damaged ({one_line(str(error) or type(error).__name__, 80)}); download the archive again")
    if len(data) > info.file_size:
        return Member(shown, reason="larger than it says")
    return _slim(Member(path.as_posix(), data, when=_when(info)))


def _slim(member: Member) -> Member:
    """Return a large notebook without its outputs, which play no part; what is large for another reason is not taken."""
    data, note = without_outputs(member.data)
    if len(data) > MAX_BYTES:
        return replace(member, data=b"", reason=f"{len(data) / 2**20:.0f} MiB, more than {MAX_BYTES // 2**20}")
    return replace(member, data=data, note=note)


def _when(info: zipfile.ZipInfo) -> datetime | None:
    try:
        found = datetime(*info.date_time)
    except ValueError:
        return None
    return found if found.year > 1980 else None  # 1980 is what writers put who know no time


def _inside(outer: Member) -> Member:
    """Return the only notebook of a zip inside, under the outer name; the reason where there is none or several."""
    try:
        with zipfile.ZipFile(io.BytesIO(outer.data)) as opened:
            found = [one for one in _zip(opened, nested=True) if ".ipynb" in one.name.lower()]
    except (zipfile.BadZipFile, AutograderError, OSError):
        return replace(outer, data=b"", reason="a zip that cannot be read")
    if len(found) == 1:
        return replace(found[0], name=f"{outer.name}/{PurePosixPath(found[0].name).name}", when=outer.when)
    return replace(outer, data=b"", reason=f"a zip with {len(found)} notebooks in it; unpack it and collect the folder")
