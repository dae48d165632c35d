"""Where a learner stands, as text: chapters with bars and points, the next exercise, the minutes that are left."""

from __future__ import annotations

from lessonkit.learner import outline, plan
from lessonkit.learner.outline import Chapter
from lessonkit.learner.state import State

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


def next_line(chapters: list[Chapter], state: State) -> str:
    """Return the line that names the next open exercise."""
    found = outline.following(chapters, state)
    if found is None:
        return "Everything has passed."
    return f"next: {found.id} in {found.chapter}, about {found.minutes} minutes (course next)"
