"""Measure the grader against stock nbgrader and against the physical limits. `make bench` runs all of it."""
