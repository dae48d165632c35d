"""Run one submission and judge it: the pure middle of the grader, bytes in and a result out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from autograder.course.chapter import SETUP, Chapter, tags_of
from autograder.intake.submission import Submission
from autograder.judge import in_process, undefined
from autograder.judge.diagnosis import Diagnosis, KnownMistake, seen_in
from autograder.judge.forbidden import refuse
from autograder.judge.result import ExerciseResult, Result, exercise_result
from autograder.judge.verdict import CellVerdict, judge_cell, used_in
from autograder.rebuild.split import Split
from autograder.sandbox.follow import Limits, Outcome
from autograder.sandbox.host import Template
from autograder.sandbox.inside import Cell
from lessonkit.check import absent
from lessonkit.guard import message as guard_message
from lessonkit.message import Message
from lessonkit.plain_text import one_line

if TYPE_CHECKING:
    from autograder.judge.reference import Reference

#: A plain cell that took longer is left out when a run starts again: it would take the time of the others once more.
SLOW_SCRATCH = 5.0


@dataclass
class Observed:
    """What the runs of one submission gave: frames by cell, and for cells that ended a run, the reason.

    `contended` says that a limit of time was met while somebody else used the machine; `wall_seconds` is what all took.
    """

    frames: dict[str, dict[str, Any]]
    reasons: dict[str, str]
    contended: bool = False
    wall_seconds: float = 0.0
    #: why a name that was missed is not there
    undefined: dict[str, str] = field(default_factory=dict)


def observe(
    cells: list[Cell], reference: Reference, template: Template, limits: Limits | None = None, withheld: tuple[str, ...] = ()
) -> Observed:
    """Run a submission's cells; where one ends the process, run the rest again in a fresh child without it.

    Every run ends with one cell less, and the limits are those of all runs together. The files of the modules `withheld`
    are out of reach while they run.
    """
    found = _observe(cells, reference, template, limits or Limits(), withheld)
    found.undefined = undefined.reasons(cells, found.frames)
    return found


def _observe(
    cells: list[Cell], reference: Reference, template: Template, limits: Limits, withheld: tuple[str, ...]
) -> Observed:
    found = Observed({}, {})
    left, scratch, wall = list(cells), limits.scratch_seconds, limits.wall_seconds
    while left and wall > 0:
        outcome = template.run(
            left, seed=reference.seed, forbidden=reference.forbidden, seconds=reference.seconds,
            limits=replace(limits, scratch_seconds=scratch, wall_seconds=wall), **({"withheld": withheld} if withheld else {}),
        )  # fmt: skip
        found.frames.update({cell: frame for cell, frame in outcome.frames.items() if cell not in found.frames})
        found.reasons.update(outcome.interrupted)
        found.contended = found.contended or outcome.contended
        wall -= outcome.wall_seconds
        found.wall_seconds += outcome.wall_seconds
        if outcome.stopped_in is None:
            return found
        scratch -= sum(outcome.seconds.get(cell.id, 0.0) for cell in left if cell.plain and _left_out(cell, outcome))
        left = _without(left, outcome, found)
    for cell in left:
        if cell.id not in found.frames:
            found.reasons.setdefault(cell.id, f"stopped: the whole notebook took more than {limits.wall_seconds:.0f} s")
    return found


def _without(left: list[Cell], outcome: Outcome, found: Observed) -> list[Cell]:
    """Return the cells of the next run: without the one that ended this run, and what is known or slow already."""
    guilty = next(cell for cell in left if cell.id == outcome.stopped_in)
    found.reasons[guilty.id] = outcome.reason or "the process ended"
    gone = {guilty.id}
    if guilty.role == "test":
        # its exercise is what hangs or dies; its other checks would only do it again
        gone |= {cell.id for cell in left if cell.role == "test" and cell.exercise == guilty.exercise}
        for cell in gone - set(found.frames):
            found.reasons.setdefault(cell, found.reasons[guilty.id])
    return [
        cell for cell in left
        if cell.id not in gone and not _left_out(cell, outcome) and not (cell.role == "test" and cell.id in found.frames)
    ]  # fmt: skip


def _left_out(cell: Cell, outcome: Outcome) -> bool:
    """Return True for a plain cell that was too slow to be run once more."""
    return cell.plain and (cell.id in outcome.interrupted or outcome.seconds.get(cell.id, 0.0) > SLOW_SCRATCH)


class ReferenceView(Protocol):
    """What judging asks of a reference: `Reference` itself, or what the judging process holds of one."""

    chapter: Chapter

    @property
    def splits(self) -> dict[str, Split]:
        """Every test cell's split."""
    @property
    def stubs(self) -> dict[str, str]:
        """The untouched solution cells."""
    @property
    def frames(self) -> dict[str, Any]:
        """The reference's frames by cell id."""
    def mistakes(self, exercise: str) -> list[KnownMistake]:
        """The frames of an exercise's known mistakes."""


Judge = Callable[[str, str, Observed, list[str]], tuple[ExerciseResult, dict[str, dict[str, Any]]]]


def judge(
    observed: Observed, reference: Reference, submission: Submission, result: Result, one: Judge | None = None
) -> Result:
    """Fill a result with the verdicts on every exercise of the chapter that the reference knows.

    `one` judges a single exercise, in a process of its own where others' code is graded; without it, here.
    """
    beside = {name: reference.stubs.get(name, "") for name in reference.chapter.exercises}
    sources = {name: submission.solution_source(name, stub) or "" for name, stub in beside.items()}
    plain = submission.own_plain()
    for name, source in sources.items():
        if reference.only and name not in reference.only:
            continue
        others = [text for other, text in sources.items() if other != name] + plain
        try:
            if one is not None:
                result.exercises[name], cells = one(name, source, observed, others)
            else:
                result.exercises[name], cells = judge_exercise(name, source, observed, reference, others)
        except Exception as error:  # of this exercise: the others have their verdicts
            result.exercises[name], cells = broke(name, reference.chapter, f"{type(error).__name__}: {error}")
        result.cells.update(cells)
    broken = {name: e.message for name, e in result.exercises.items() if e.outcome == "checker broke"}
    if broken:
        result.reason = one_line("needs attention: " + "; ".join(f"{name}: {one_line(m)}" for name, m in broken.items()), 1_000)
    result.score = sum(e.score for e in result.exercises.values())
    result.max_score = sum(e.max_score for e in result.exercises.values())
    return result


def judge_exercise(
    name: str, source: str, observed: Observed, reference: ReferenceView, beside: Sequence[str] = ()
) -> tuple[ExerciseResult, dict[str, dict[str, Any]]]:
    """Return the result of one exercise, whose solution reads `source`, and what is stored of its test cells.

    `beside` are the texts of the student's other cells: a helper of theirs may stand in any of them.
    """
    exercise = reference.chapter.exercises[name]
    lent, stub = reference.chapter.course.lent, reference.stubs.get(name, "")
    refused = refuse(source, exercise.settings.forbidden, stub, lent, beside) or _ran_forbidden(exercise.points, observed)
    if missing := absent(exercise.settings.needs):
        verdicts, refused = [_needs_extra(grade_id, missing) for grade_id in exercise.points], None
    else:
        verdicts = [_verdict(grade_id, name, observed, reference) for grade_id in exercise.points]
        hinted = name if exercise.settings.hints else ""
        imports = [cell.source for cell in reference.chapter.source.cells if SETUP in tags_of(cell)]
        another = undefined.rebound(source, [source, *beside], imports) if any(one.message for one in verdicts) else ""
        verdicts = [undefined.explained(one, observed.undefined, another) for one in _diagnosed(name, verdicts, observed, reference)]
        verdicts = [one.with_next_step(hinted) for one in verdicts]
    cells = {v.grade_id: _stored(v, exercise.points[v.grade_id], refused) for v in verdicts}
    for grade_id, cell in cells.items():
        cell["seen"] = _seen(grade_id, observed, reference) if cell["outcome"] == "not yet" and not refused else ""
    return exercise_result(exercise, verdicts, refused), cells


def broke(name: str, chapter: Chapter, reason: str) -> tuple[ExerciseResult, dict[str, dict[str, Any]]]:
    """Return the result of an exercise whose judge broke: for a person to look at, and no zero meanwhile."""
    exercise = chapter.exercises[name]
    message = Message("checker broke", "it can be judged", actual=one_line(reason))
    verdicts = [CellVerdict(grade_id, "checker broke", message) for grade_id in exercise.points]
    return exercise_result(exercise, verdicts, None), {v.grade_id: _stored(v, exercise.points[v.grade_id], None) for v in verdicts}


def _needs_extra(grade_id: str, missing: list[str]) -> CellVerdict:
    """Return the verdict on an exercise that this machine cannot check; the instructor's affair, never a zero."""
    actual = f"this machine lacks the extra `export` ({', '.join(missing)})"
    try_ = "instructor: pip install -c constraints.txt -e '.[export]', then grade again"
    return CellVerdict(grade_id, "checker broke", Message("checker broke", "it can be checked here", actual=actual, try_=try_))


def _ran_forbidden(cells: Iterable[str], observed: Observed) -> Message | None:
    """Return the message about forbidden calls that ran in any test cell of an exercise, None where none did."""
    ran = {name for cell in cells for name in used_in(observed.frames.get(cell, {}), cell)}
    return guard_message(sorted(ran)) if ran else None


def _verdict(grade_id: str, exercise: str, observed: Observed, reference: ReferenceView) -> CellVerdict:
    reason = observed.reasons.get(grade_id) or observed.reasons.get(exercise)
    if reason and grade_id not in observed.frames:
        return CellVerdict(grade_id, "not yet", Message("not yet", "it runs to the end", actual=reason))
    frame = observed.frames.get(grade_id)
    split = reference.splits[grade_id]
    if split.in_process:
        verdict = in_process.judge_cell(grade_id, split, frame)
    else:
        verdict = judge_cell(grade_id, split, reference.frames.get(grade_id, {}), frame)
    if verdict.outcome == "not yet" and reason:
        text = Message("not yet", verdict.message.behaviour if verdict.message else grade_id, actual=reason)
        return CellVerdict(grade_id, "not yet", text)
    return verdict


def _diagnosed(
    exercise: str, verdicts: list[CellVerdict], observed: Observed, reference: ReferenceView
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


def _seen(grade_id: str, observed: Observed, reference: ReferenceView) -> str:
    """Return the key under which answers that are wrong in the same way come together, "" where there are no records."""
    if reference.splits[grade_id].in_process:
        return ""
    return seen_in(reference.splits[grade_id], reference.frames.get(grade_id, {}), observed.frames.get(grade_id), grade_id)


def _stored(verdict: CellVerdict, points: float, refused: Message | None) -> dict[str, Any]:
    message = refused or verdict.message
    return {
        "points": points,
        "score": points * verdict.share if refused is None else 0.0,
        "outcome": "not yet" if refused else verdict.outcome,
        "behaviour": message.behaviour if message else "",
        "fields": message.fields() if message else [],
        "mistake": None if refused else verdict.mistake,
        "hidden": verdict.hidden and refused is None,
        "passed": verdict.passed,
    }


__all__ = ["ExerciseResult", "Observed", "judge", "judge_exercise", "observe"]
