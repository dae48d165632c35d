"""Every error a learner is shown ends with the next command to type."""

from __future__ import annotations


class CourseError(Exception):
    """What was found, what was expected, and the next command."""

    def _render_traceback_(self) -> list[str]:
        return str(self).split("\n")
