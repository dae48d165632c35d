"""Simulated results of a chapter: what the grader's books get, without anybody's code being run."""

from __future__ import annotations

import json
from dataclasses import replace

from autograder.course import chapter as ch
from autograder.intake.submission import Submission, match, parse
from autograder.judge.result import ExerciseResult, Result


def result(chapter: ch.Chapter, student: str, wrong: int = -1) -> Result:
    """Return a graded result with everything right but the exercise at place `wrong`."""
    found = Result(student, chapter.key, "graded", isolation="simulated")
    for place, (name, exercise) in enumerate(chapter.exercises.items()):
        passes = place != wrong
        for cell, points in exercise.points.items():
            fields = [] if passes else [["expected", "float 1"], ["actual", "float 2"], ["where", "at [0]"], ["help", "look at the sign"]]
            found.cells[cell] = {
                "outcome": "pass" if passes else "not yet", "score": points if passes else 0.0, "behaviour": "it does what it says",
                "passed": ["it does what it says"] if passes else [], "hidden": False, "fields": fields, "seen": "" if passes else "k",
            }  # fmt: skip
        score = exercise.max_score if passes else 0.0
        found.exercises[name] = ExerciseResult(score, exercise.max_score, "pass" if passes else "not yet", "" if passes else "not yet  it does what it says", None)
    found.score = sum(one.score for one in found.exercises.values())
    found.max_score = sum(one.max_score for one in found.exercises.values())
    return found


def submission(chapter: ch.Chapter) -> Submission:
    """Return a submission with every answer the chapter's own, the written ones too."""
    cells = json.dumps({"cells": chapter.source.cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode()
    return match(parse(cells), chapter.source)


def of(chapter: ch.Chapter, templates: list[Result], number: int) -> Result:
    """Return one of `templates` as the result of student `number`."""
    return replace(templates[number % len(templates)], student=f"s{number:06d}")
