"""Add verdicts on test cells up to scores of exercises and a result of a submission."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from autograder.course.chapter import Chapter, Exercise
from autograder.judge.verdict import CellVerdict
from lessonkit.message import Message, to_text


@dataclass
class ExerciseResult:
    """What one exercise earned, in the form `grade --json` prints."""

    score: float
    max_score: float
    outcome: str
    message: str
    mistake: str | None


@dataclass
class Result:
    """The result of one submission, everything that leaves the grader; JSON through `to_json`."""

    student: str
    chapter: str
    status: str
    reason: str | None = None
    score: float = 0.0
    max_score: float = 0.0
    isolation: str = ""
    exercises: dict[str, ExerciseResult] = field(default_factory=dict)
    cells: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: what had to be guessed about the file that was handed in, a line each
    notes: list[str] = field(default_factory=list)

    def to_json(self, cells: bool = False) -> dict[str, Any]:
        """Return the public object of one line of `grade --json`, its reason with the notes; with `cells`, the stored record."""
        found = asdict(self)
        if not cells:
            found["reason"] = "; ".join(filter(None, [self.reason, *self.notes])) or None
            del found["cells"], found["notes"]
        return found


def not_run(chapter: Chapter, student: str, status: str, reason: str | None, isolation: str) -> Result:
    """Return the result of a submission that was not run, or on which the machine failed: nothing is known of any exercise."""
    result = Result(student, chapter.key, status, reason, isolation=isolation)
    for name, exercise in chapter.exercises.items():
        result.exercises[name] = ExerciseResult(0.0, exercise.max_score, "not reached", reason or "", None)
    result.max_score = sum(e.max_score for e in result.exercises.values())
    return result


def exercise_result(
    exercise: Exercise, verdicts: list[CellVerdict], refused: Message | None
) -> ExerciseResult:
    """Return an exercise's result; `refused` is the message of a forbidden call found in its text."""
    if refused is not None:
        return ExerciseResult(0.0, exercise.max_score, "not yet", to_text("", [refused]), None)
    score = float(sum(exercise.points[v.grade_id] * v.share for v in verdicts))
    outcome = _outcome([v.outcome for v in verdicts])
    worst = next((v for v in verdicts if v.outcome == outcome and v.message), None)
    mistake = next((v.mistake for v in verdicts if v.mistake), None)
    if mistake:
        worst = next(v for v in verdicts if v.mistake)
    message = to_text("", [worst.message]) if worst and worst.message else ""
    return ExerciseResult(score, exercise.max_score, outcome, message, mistake)


def _outcome(outcomes: list[str]) -> str:
    for worst in ("checker broke", "not yet", "not reached"):
        if worst in outcomes:
            return worst
    return "pass" if outcomes else "untested"
