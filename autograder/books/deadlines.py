"""When a chapter is due, who has longer, and who was how late: nbgrader's own fields, filled by command.

nbgrader keeps an extension with a submission. One that is given before anything came waits in `.autograder/extensions.json`
and is put there with the submission.
"""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from autograder.books.gradebook import WAITING_EXTENSIONS, open_gradebook, patiently
from autograder.errors import AutograderError
from autograder.files import read_object, write_atomically


@dataclass(frozen=True)
class Lateness:
    """One submission: when it came, when it was due (UTC, with the extension in it), and what that costs."""

    student: str
    came: datetime
    due: datetime
    extension: timedelta
    late: timedelta
    penalty: float


def read_time(text: str) -> datetime:
    """Return a time in UTC, without a zone, as nbgrader keeps them; one without a zone is this machine's local time.

    Zones as nbgrader reads them: `2026-12-01 23:59 Europe/Berlin`, `… +0100`, `… UTC`, or ISO 8601. AutograderError
    where it is no time.
    """
    from dateutil import parser, tz

    words = text.strip().split(" ")
    try:
        zone: Any = None
        if len(words) == 3:
            zone = _zone(words.pop())
        found: datetime = parser.isoparse(" ".join(words))
    except (ValueError, OverflowError) as error:
        raise AutograderError(f"{text!r} is no time. Say it like '2026-12-01 23:59', with a zone behind it where it is not this machine's: '2026-12-01 23:59 Europe/Berlin'.") from error
    if len(words[0]) <= 10 and len(words) == 1 and "T" not in text:
        raise AutograderError(f"{text!r} says no time of the day. Say it like '{words[0]} 23:59'.")
    if found.tzinfo is None:
        found = found.replace(tzinfo=zone or tz.tzlocal())
    return found.astimezone(UTC).replace(tzinfo=None)


def _zone(name: str) -> Any:
    from dateutil import parser, tz

    if name[:1] in "+-":
        return parser.isoparse(f"2000-01-01T00:00{name}").tzinfo
    if (zone := tz.gettz(name)) is None:
        raise ValueError(name)
    return zone


def due(root: Path, chapter: str) -> datetime | None:
    """Return when a chapter is due (UTC), None where nothing is said."""
    with closing(open_gradebook(root)) as gradebook:
        from nbgrader.api import MissingEntry

        try:
            found: datetime | None = gradebook.find_assignment(chapter).duedate
        except MissingEntry:
            return None
    return found


def shown(when: datetime) -> str:
    """Return a time in UTC as people read it: here, and in UTC."""
    here = when.replace(tzinfo=UTC).astimezone()
    return f"{here:%Y-%m-%d %H:%M %Z} ({when:%Y-%m-%d %H:%M} UTC)"


def days(late: timedelta) -> str:
    """Return a lateness as people say it."""
    minutes = int(late.total_seconds() // 60)
    return f"{minutes // 1440} d {minutes // 60 % 24} h {minutes % 60} min" if late else "not"


def set_due(root: Path, chapter: str, when: datetime | None) -> None:
    """Set when a chapter is due (UTC), or with None that it is not."""
    with closing(open_gradebook(root)) as gradebook:
        patiently(lambda: gradebook.update_or_create_assignment(chapter, duedate=when))


def extend(root: Path, chapter: str, students: list[str], days: float) -> list[str]:
    """Give students `days` after the due date, in all; 0 takes an extension back. Return a line for each.

    AutograderError for somebody whom neither the gradebook nor `submitted/` knows.
    """
    with closing(open_gradebook(root)) as gradebook:
        from nbgrader.api import MissingEntry, Student

        known = {one.id for one in gradebook.db.query(Student.id)}
        if strangers := [s for s in students if s not in known and not (root / "submitted" / s).is_dir()]:
            raise AutograderError(f"nobody is called {', '.join(strangers)}: see `autograder students import`, or the folders of submitted/.")
        waiting, said = read_object(root / WAITING_EXTENSIONS), []
        for student in students:
            try:
                patiently(partial(gradebook.grant_extension, chapter, student, days=days))
                waiting.get(chapter, {}).pop(student, None)
                said.append(f"{student}: {days:g} day(s) more for {chapter}")
            except MissingEntry:
                waiting.setdefault(chapter, {})[student] = days
                said.append(f"{student}: {days:g} day(s) more for {chapter}, from when something is handed in and graded")
    write_atomically(root / WAITING_EXTENSIONS, json.dumps(waiting, sort_keys=True, indent=1).encode())
    return said


def lateness(root: Path, chapter: str) -> list[Lateness]:
    """Return the submissions that have a time and a due date, the latest first."""
    with closing(open_gradebook(root)) as gradebook:
        from nbgrader import api
        from sqlalchemy import func

        rows = (
            gradebook.db.query(api.SubmittedAssignment, func.sum(api.SubmittedNotebook.late_submission_penalty))
            .join(api.Assignment, api.SubmittedAssignment.assignment_id == api.Assignment.id)
            .outerjoin(api.SubmittedNotebook, api.SubmittedNotebook.assignment_id == api.SubmittedAssignment.id)
            .filter(api.Assignment.name == chapter, api.Assignment.duedate.isnot(None), api.SubmittedAssignment.timestamp.isnot(None))
            .group_by(api.SubmittedAssignment.id)
        )  # fmt: skip
        found = [
            Lateness(one.student_id, one.timestamp, one.duedate, one.extension or timedelta(), timedelta(seconds=one.total_seconds_late), float(penalty or 0.0))
            for one, penalty in rows
        ]  # fmt: skip
    return sorted(found, key=lambda one: (-one.late, one.student))
