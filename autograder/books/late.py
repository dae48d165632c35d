"""A late policy by the day, for nbgrader's own place for one: `c.AssignLatePenalties.plugin_class` in nbgrader_config.py."""

from __future__ import annotations

import math

from nbgrader.plugins import LateSubmissionPlugin
from traitlets import Float


class PerDay(LateSubmissionPlugin):  # type: ignore[misc]
    """Takes a share of what was earned for each day that was begun, after a time of grace.

    In nbgrader_config.py:

        c.AssignLatePenalties.plugin_class = "autograder.books.late.PerDay"
        c.PerDay.share = 0.1
        c.PerDay.grace_minutes = 15
        c.PerDay.free_days = 2
    """

    share = Float(0.1, min=0.0, max=1.0, help="The share of the score that a day costs.").tag(config=True)
    most = Float(1.0, min=0.0, max=1.0, help="The largest share that lateness costs.").tag(config=True)
    grace_minutes = Float(0.0, min=0.0, help="Minutes after the due date that cost nothing.").tag(config=True)
    free_days = Float(0.0, min=0.0, help="Late days of each chapter that cost nothing.").tag(config=True)

    def late_submission_penalty(self, student_id: str, score: float, total_seconds_late: float) -> float | None:
        """Return the points that lateness costs; None where it costs nothing."""
        over = total_seconds_late - 60 * self.grace_minutes
        days = math.ceil(over / 86_400 - 1e-9) - self.free_days if over > 0 else 0.0
        return float(score) * min(self.most, self.share * days) if days > 0 else None
