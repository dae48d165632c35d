"""When something was handed in: nbgrader's `timestamp.txt`, read as nbgrader reads it, or said why it cannot be."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from autograder.errors import BadNotebook
from lessonkit.plain_text import one_line

FILE = "timestamp.txt"
#: A date, a time of the day, and perhaps a zone: a name, an offset, or what ISO 8601 puts behind the time.
_FORM = re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?P<close>Z|[+-]\d\d:?\d\d)?(?: (?P<zone>[A-Za-z][\w/+-]*|[+-]\d{4}))?")


def read(content: bytes) -> tuple[str | None, str]:
    """Return the time as nbgrader takes it and "", else None and a note that says what is wrong with the file."""
    try:
        text = content.decode("ascii").strip()
    except UnicodeDecodeError:
        return None, _note("is no plain text")
    if not text:
        return None, _note("is empty")
    found = _FORM.fullmatch(text)
    if found is None:
        return None, _note(f"says {one_line(text, 40)!r}")
    if (zone := found["zone"]) and not _is_a_zone(zone):
        return None, _note(f"says the zone {zone!r}, which nobody here knows")
    return (text, "") if _is_a_time(text) else (None, _note(f"says {one_line(text, 40)!r}, which is no time"))


def of(folder: Path, read_file: Callable[[Path], bytes]) -> tuple[str | None, str]:
    """Return `read` of a folder's file, (None, "") where there is none."""
    try:
        content = read_file(folder / FILE)
    except FileNotFoundError:
        return None, ""
    except (OSError, BadNotebook):
        return None, _note("is no file that can be read")
    return read(content[:64])


def _note(what: str) -> str:
    return f"{FILE} {what}: the time of handing in is not used; write it as 2026-11-30 12:00:00 UTC, with UTC, an offset or a name like Europe/Berlin"


def _is_a_zone(zone: str) -> bool:
    from dateutil import tz

    return zone[:1] in "+-" or tz.gettz(zone) is not None


def _is_a_time(text: str) -> bool:
    """Return True where nbgrader can make a time in UTC of it; `2026-99-99` looks like one and is none."""
    from nbgrader.utils import parse_utc

    try:
        return parse_utc(text) is not None
    except Exception:  # dateutil's and Python's own, of many kinds
        return False
