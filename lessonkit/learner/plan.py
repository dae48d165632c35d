"""A plan of one's own: the minutes that are left, spread over a time; and passed exercises put back to be tried again."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from lessonkit.learner.errors import CourseError
from lessonkit.learner.outline import Chapter, Exercise
from lessonkit.learner.state import State

_DAYS = {"day": 1, "week": 7, "month": 30}


def days_of(text: str) -> int:
    """Return the days that a text such as "6 weeks" means; CourseError where it means none."""
    found = re.fullmatch(r"\s*(\d+)\s*(day|week|month)s?\s*", text.lower())
    if not found or not int(found[1]):
        raise CourseError(f'{text!r} is no time. Type for example: course plan "6 weeks"')
    return int(found[1]) * _DAYS[found[2]]


def minutes_left(chapters: list[Chapter], state: State) -> int:
    """Return the announced minutes of the exercises that have not passed."""
    return sum(e.minutes for c in chapters for e in c.exercises if not state.of(c.name, e.id).passed)


def made(text: str, chapters: list[Chapter], state: State) -> dict[str, object]:
    """Return a plan from now on: its start, its days, and the minutes it spreads."""
    return {"start": datetime.now(UTC).isoformat(timespec="seconds"), "days": days_of(text), "minutes": minutes_left(chapters, state)}


def standing(chapters: list[Chapter], state: State) -> str:
    """Return one sentence on where one stands in the plan, "" where there is none."""
    try:
        start = datetime.fromisoformat(str(state.plan["start"]))
        days, minutes = int(str(state.plan["days"])), int(str(state.plan["minutes"]))
    except (KeyError, ValueError):
        return ""
    passed = (datetime.now(UTC) - start) / timedelta(days=1)
    done, due = minutes - minutes_left(chapters, state), min(minutes, round(minutes * passed / days))
    a_day = max(1, round(minutes / days))
    if abs(done - due) <= a_day:
        return f"plan: on time, about {a_day} minutes a day"
    way = "ahead" if done > due else "behind"
    return f"plan: {abs(done - due)} minutes {way}, about {a_day} minutes a day"


def due_for_review(chapters: list[Chapter], state: State, count: int = 3) -> list[Exercise]:
    """Return the passed exercises whose turn it is, the longest waiting first.

    An exercise comes back 2 days after its pass, and after each review at twice the distance.
    """
    found = []
    for exercise in (e for c in chapters for e in c.exercises):
        progress = state.of(exercise.chapter, exercise.id)
        if progress.passed:
            due = datetime.fromisoformat(progress.review or progress.passed) + timedelta(days=progress.interval or 2)
            if due <= datetime.now(UTC):
                found.append((due, exercise))
    return [exercise for _, exercise in sorted(found, key=lambda pair: pair[0])[:count]]
