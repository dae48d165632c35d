"""Run one submission and judge it: the pure middle of the grader, bytes in and a result out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from autograder.intake.submission import Submission
from autograder.judge.diagnosis import Diagnosis, seen_in
from autograder.judge.forbidden import refuse
from autograder.judge.reference import Reference
from autograder.judge.result import ExerciseResult, Result, exercise_result
from autograder.judge.verdict import CellVerdict, judge_cell, used_in
from autograder.sandbox.host import Limits, Template
from autograder.sandbox.inside import Cell
from lessonkit.check import absent
from lessonkit.guard import message as guard_message
from lessonkit.message import Message

#: How often a run may be started again without the cells that ended it.
MAX_RUNS = 8


@dataclass
class Observed:
    """What the runs of one submission gave: frames by cell, and for cells that ended a run, the reason."""

    frames: dict[str, dict[str, Any]]
    reasons: dict[str, str]


def observe(
    cells: list[Cell], reference: Reference, template: Template, limits: Limits | None = None
) -> Observed:
    """Run a submission's cells; where one ends the process, run the rest again in a fresh child without it."""
    limits = limits or Limits()
    frames: dict[str, dict[str, Any]] = {}
    reasons: dict[str, str] = {}
    left, spent = list(cells), 0.0
    for _ in range(MAX_RUNS):
        outcome = template.run(
            left, seed=reference.seed, forbidden=reference.forbidden, seconds=reference.seconds, limits=limits
        )
        frames.update({cell: frame for cell, frame in outcome.frames.items() if cell not in frames})
        if outcome.broken:
            from autograder.sandbox.host import SandboxBroke

            raise SandboxBroke(outcome.broken)
        if outcome.stopped_in is None:
            break
        guilty = next(cell for cell in left if cell.id == outcome.stopped_in)
        reasons[guilty.id] = outcome.reason or "the process ended"
        spent += sum(float(frame.get("seconds", 0)) for frame in outcome.frames.values())
        if guilty.role == "test":
            # its exercise is what hangs or dies; its other checks would only do it again
            for cell in left:
                if cell.role == "test" and cell.exercise == guilty.exercise and cell.id not in frames:
                    reasons.setdefault(cell.id, reasons[guilty.id])
            left = [c for c in left if not (c.role == "test" and c.exercise == guilty.exercise)]
        else:
            left = [cell for cell in left if cell.id != guilty.id]
    return Observed(frames, reasons)


def judge(observed: Observed, reference: Reference, submission: Submission, result: Result) -> Result:
    """Fill a result with the verdicts on every exercise of the chapter."""
    for name in reference.chapter.exercises:
        source = submission.solution_source(name, reference.stubs.get(name, "")) or ""
        result.exercises[name], cells = judge_exercise(name, source, observed, reference)
        result.cells.update(cells)
    broken = {name: e.message for name, e in result.exercises.items() if e.outcome == "checker broke"}
    if broken:
        result.reason = "needs attention: " + "; ".join(f"{name}: {_one_line(m)}" for name, m in broken.items())
    result.score = sum(e.score for e in result.exercises.values())
    result.max_score = sum(e.max_score for e in result.exercises.values())
    return result


def judge_exercise(
    name: str, source: str, observed: Observed, reference: Reference
) -> tuple[ExerciseResult, dict[str, dict[str, Any]]]:
    """Return the result of one exercise, whose solution reads `source`, and what is stored of its test cells."""
    exercise = reference.chapter.exercises[name]
    refused = refuse(source, exercise.settings.forbidden, reference.stubs.get(name, ""), reference.chapter.course.lent) or _ran_forbidden(exercise.points, observed)
    if missing := absent(exercise.settings.needs):
        verdicts, refused = [_needs_extra(grade_id, missing) for grade_id in exercise.points], None
    else:
        verdicts = [_verdict(grade_id, name, observed, reference) for grade_id in exercise.points]
        verdicts = [one.with_next_step(name) for one in _diagnosed(name, verdicts, observed, reference)]
    cells = {v.grade_id: _stored(v, exercise.points[v.grade_id], refused) for v in verdicts}
    for grade_id, cell in cells.items():
        cell["seen"] = _seen(grade_id, observed, reference) if cell["outcome"] == "not yet" and not refused else ""
    return exercise_result(exercise, verdicts, refused), cells


def _needs_extra(grade_id: str, missing: list[str]) -> CellVerdict:
    """Return the verdict on an exercise that this machine cannot check; the instructor's affair, never a zero."""
    actual = f"this machine lacks the extra `export` ({', '.join(missing)})"
    try_ = "instructor: pip install -c constraints.txt -e '.[export]', then grade again"
    return CellVerdict(grade_id, "checker broke", Message("checker broke", "it can be checked here", actual=actual, try_=try_))


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]


def _ran_forbidden(cells: Iterable[str], observed: Observed) -> Message | None:
    """Return the message about forbidden calls that ran in any test cell of an exercise, None where none did."""
    ran = {name for cell in cells for name in used_in(observed.frames.get(cell, {}), cell)}
    return guard_message(sorted(ran)) if ran else None


def _verdict(grade_id: str, exercise: str, observed: Observed, reference: Reference) -> CellVerdict:
    reason = observed.reasons.get(grade_id) or observed.reasons.get(exercise)
    if reason and grade_id not in observed.frames:
        return CellVerdict(grade_id, "not yet", Message("not yet", "it runs to the end", actual=reason))
    frame = observed.frames.get(grade_id)
    verdict = judge_cell(grade_id, reference.splits[grade_id], reference.frames.get(grade_id, {}), frame)
    if verdict.outcome == "not yet" and reason:
        text = Message("not yet", verdict.message.behaviour if verdict.message else grade_id, actual=reason)
        return CellVerdict(grade_id, "not yet", text)
    return verdict


def _diagnosed(
    exercise: str, verdicts: list[CellVerdict], observed: Observed, reference: Reference
) -> list[CellVerdict]:
    """Return verdicts that name the known mistake where one explains what was observed in the cell."""
    if not any(one.outcome == "not yet" and one.observed for one in verdicts):
        return verdicts
    splits = {one.grade_id: reference.splits[one.grade_id] for one in verdicts}
    diagnosis = Diagnosis(splits, reference.frames, observed.frames, reference.mistakes(exercise))
    told = []
    for one in verdicts:
        known = diagnosis.explain(one.grade_id) if one.outcome == "not yet" and one.observed else None
        told.append(one if known is None else one.told(known.name, known.help))
    return told


def _seen(grade_id: str, observed: Observed, reference: Reference) -> str:
    """Return the key under which answers that are wrong in the same way come together."""
    return seen_in(reference.splits[grade_id], reference.frames.get(grade_id, {}), observed.frames.get(grade_id), grade_id)


def _stored(verdict: CellVerdict, points: float, refused: Message | None) -> dict[str, Any]:
    message = refused or verdict.message
    passed = verdict.outcome == "pass" and refused is None
    return {
        "points": points,
        "score": points if passed else 0.0,
        "outcome": "not yet" if refused else verdict.outcome,
        "behaviour": message.behaviour if message else "",
        "fields": message.fields() if message else [],
        "mistake": None if refused else verdict.mistake,
        "hidden": verdict.hidden,
        "passed": verdict.passed,
    }


__all__ = ["ExerciseResult", "Observed", "judge", "judge_exercise", "observe"]
