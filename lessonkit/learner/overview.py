"""Where a learner stands: chapters with bars and points, the next exercise, the minutes that are left; as text and as data."""

from __future__ import annotations

from lessonkit.learner import outline, plan
from lessonkit.learner.outline import Chapter
from lessonkit.learner.state import Progress, State

_WIDTH = 20


def text(chapters: list[Chapter], state: State) -> str:
    """Return the whole overview."""
    wide = max((len(c.name) for c in chapters), default=0)
    lines = [_chapter(chapter, state, wide) for chapter in chapters]
    lines += ["", next_line(chapters, state), f"{plan.minutes_left(chapters, state)} minutes of exercises are left."]
    again = [f"{e.chapter[:2]}/{e.id}" for c in chapters for e in c.exercises if state.of(c.name, e.id).again]
    if again:
        lines.append(f"{len(again)} passed before their checks changed, run them again: {', '.join(again)}")
    if due := plan.due_for_review(chapters, state):
        lines.append(f"{len(due)} are due for a second look: course review")
    if standing := plan.standing(chapters, state):
        lines.append(standing)
    return "\n".join([*lines, *([state.note] if state.note else [])])


def _chapter(chapter: Chapter, state: State, wide: int) -> str:
    passed = [e for e in chapter.exercises if state.of(chapter.name, e.id).passed]
    share = len(passed) / len(chapter.exercises) if chapter.exercises else 0.0
    bar = "#" * round(_WIDTH * share)
    points, most = sum(e.points for e in passed), sum(e.points for e in chapter.exercises)
    return f"{chapter.name:<{wide}}  [{bar:.<{_WIDTH}}]  {len(passed):>2} of {len(chapter.exercises):>2} exercises  {points:>3g} of {most:g} points"


def table(chapters: list[Chapter], state: State) -> dict[str, object]:
    """Return the same as data, for the panel in JupyterLab: plain dictionaries, lists, numbers and strings."""
    found = outline.following(chapters, state)
    return {
        "chapters": [_row(chapter, state) for chapter in chapters],
        "next": {"chapter": found.chapter, "id": found.id} if found else None,
        "line": next_line(chapters, state),
        "minutes": plan.minutes_left(chapters, state),
        "note": state.note,
    }


def _row(chapter: Chapter, state: State) -> dict[str, object]:
    exercises = [
        {"id": e.id, "minutes": e.minutes, "points": e.points, "state": standing(state.of(chapter.name, e.id))} for e in chapter.exercises
    ]
    return {"name": chapter.name, "title": chapter.title, "exercises": exercises}


def standing(progress: Progress) -> str:
    """Return one word for an exercise: `done`, `again` (its checks changed since), `tried` or `open`."""
    if progress.passed:
        return "again" if progress.again else "done"
    return "tried" if progress.attempts else "open"


def next_line(chapters: list[Chapter], state: State) -> str:
    """Return the line that names the next open exercise."""
    found = outline.following(chapters, state)
    if found is None:
        return "Everything has passed."
    return f"next: {found.id} in {found.chapter}, about {found.minutes} minutes (course next)"
