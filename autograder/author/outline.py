"""What a learner's overview shows of a chapter: its title, and for each exercise minutes, points and visible checks."""

from __future__ import annotations

import re
from typing import Any

from nbformat import NotebookNode

from autograder.course import chapter as ch
from autograder.course.settings import ExerciseSettings
from autograder.rebuild.split import hidden_lines
from lessonkit.notes import cell_key

_MINUTES = re.compile(r"^\*difficulty ([123]) of 3 · (\d+) minutes", re.MULTILINE)
_TITLE = re.compile(r"^# \d+ · (.+)$", re.MULTILINE)


def with_outline(notes: dict[str, Any], notebook: NotebookNode, settings: dict[str, ExerciseSettings]) -> dict[str, Any]:
    """Return a chapter's notes with `title`, `order`, and what stands in each exercise's statement."""
    exercises = ch.exercises_of(notebook, settings)
    prose = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    tests = {ch.grade_id_of(cell): cell.source for cell in notebook.cells if ch.is_test(cell)}
    made = {}
    for name, table in notes["exercises"].items():
        statement = next((text for text in prose if re.search(rf"^### Exercise .*`{name}`", text, re.MULTILINE)), "")
        found = _MINUTES.search(statement)
        cells = list(exercises[name].points)
        made[name] = table | {
            "difficulty": int(found[1]) if found else 0,
            "minutes": int(found[2]) if found else 0,
            "points": exercises[name].max_score,
            "cells": cells,
            "hidden": [cell for cell in cells if hidden_lines(tests[cell])],
        } | ({"was": exercises[name].settings.was} if exercises[name].settings.was else {})
    title = next((match[1] for text in prose if (match := _TITLE.search(text))), notes["chapter"])
    own = [cell_key(cell.source) for cell in notebook.cells if cell.cell_type == "code" and not ch.nbgrader_of(cell)]
    return notes | {"cells": own, "title": title, "order": list(exercises), "exercises": made}
