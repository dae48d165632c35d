"""Try a chapter's named solutions, right and wrong, at the desk and as graded, in one warm process.

The chapter's own solutions run once, from the top. Where an exercise's solution stands, the process forks a child
for each named solution: there the solution takes the reference's place, and the exercise's checks run, recorded as
for a grade and in IPython as a student runs them, with the notes that the build ships. What others of the chapter
use of it is looked at too. Started as `python -m autograder.author.tryout`: a line of JSON with the modules to
load, then one for each chapter.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from autograder.author import forks, notes
from autograder.author.desk import Desk
from autograder.course.solutions import NamedSolution
from autograder.judge.diagnosis import KnownMistake
from autograder.judge.grade_one import Observed, judge_exercise
from autograder.judge.reference import GRADING_SEED
from autograder.judge.verdict import judge_cell
from autograder.rebuild.split import Split
from autograder.sandbox.inside import Cell, frame_of, seed_everything
from lessonkit import check, guard, inputs, show

Frames = dict[str, dict[str, Any]]
#: Of a reference with one thing changed, or of a solution that hung once, a cell computes no longer.
HASTY_SECONDS = 6.0
_REFUSED = guard.message([]).behaviour


@dataclass
class Shown:
    """What one test cell says of a solution: outcome, the behaviour that does not hold, the help, whose it is."""

    outcome: str
    behaviour: str = ""
    help: str = ""
    mistake: str | None = None
    hidden: bool = False
    refused: bool = False


@dataclass
class Tried:
    """What became of one named solution: by test cell at the desk and when graded, and who else lost by it."""

    exercise: str
    kind: str
    name: str
    desk: dict[str, Shown] = field(default_factory=dict)
    graded: dict[str, Shown] = field(default_factory=dict)
    accepted: bool = False
    refused: bool = False
    hurts: dict[str, str] = field(default_factory=dict)
    #: of an expected value that is tried as an answer: its text
    note: str = ""
    #: of a refused one: what its message had to name and does not
    unnamed: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the plain form that is kept."""
        return asdict(self)

    @staticmethod
    def of(plain: dict[str, Any]) -> Tried:
        """Return what `to_json` gave."""
        cells = {key: {i: Shown(**one) for i, one in plain[key].items()} for key in ("desk", "graded")}
        return Tried(**(plain | cells))


class Tryout:
    """One chapter in this process; `run` gives the outcome of every named solution of the exercises asked for."""

    def __init__(
        self, desk: Desk, shell: Any, only: set[str] | None, jobs: int, mutants: list[NamedSolution] | None = None
    ) -> None:
        self.desk, self.shell, self.jobs, self.mutants = desk, shell, jobs, mutants
        self.wanted = {name for name in desk.right if only is None or name in only}
        self.space: dict[str, Any] = shell.user_ns
        self.trusted: dict[str, Any] = {}

    def run(self) -> Iterator[Tried]:
        """Run the reference from the top and try the named solutions where each exercise stands."""
        _record(GRADING_SEED, self.desk.forbidden)
        gc.disable()
        last = max((self.desk.last_test(name) for name in self.wanted), default=-1)
        for index, cell in enumerate(self.desk.cells[: last + 1]):
            if cell.role == "test":
                continue
            if cell.id in self.wanted and self.desk.last_test(cell.id) > index:
                yield from self.exercise(cell.id, index)
            frame_of(cell, self.space, self.trusted, self.shell)

    def exercise(self, name: str, index: int) -> list[Tried]:
        """Return what becomes of each named solution of one exercise, whose solution cell is at `index`.

        Of mutants, where there are any, only what they earn when graded.
        """
        named = self.desk.named(name)
        if self.mutants is not None:
            named = [*named[:1], *(("mutant", one) for one in self.mutants if one.exercise == name)]
            return self._judged(name, named, forks.each((self._recorded(one, index, kind) for kind, one in named), self.jobs))
        recorded = forks.each((self._recorded(one, index, kind) for kind, one in named), self.jobs)
        again = [i for i, one in enumerate(recorded) if one.died and not _visible_frames(one)]
        hung = {i for i, one in enumerate(recorded) if one.died}
        for i, one in zip(again, forks.each((self._visible(named[i][1], index, hasty=True) for i in again), self.jobs), strict=True):
            recorded[i].frames += one.frames
        known = [i for i, (kind, _) in enumerate(named) if kind in ("right", "mistake")]
        shipped = self._notes(name, [named[i][1] for i in known], [_visible_frames(recorded[i]) for i in known])
        with tempfile.TemporaryDirectory(prefix="tryout-") as folder:
            (Path(folder) / "lessonkit.json").write_text(json.dumps(shipped))
            tasks = [self._at_desk(one, index, folder, i in hung) for i, (_, one) in enumerate(named)]
            at_desk = forks.each(tasks, self.jobs)
        tried = self._judged(name, named, recorded)
        for outcome, cells in zip(tried, at_desk, strict=True):
            outcome.desk = {f["cell"]: Shown(**f["shown"]) for f in cells.frames if "shown" in f}
            begun = [f["begin"] for f in cells.frames if "begin" in f]
            if cells.died and begun and begun[-1] not in outcome.desk:
                outcome.desk[begun[-1]] = Shown(cells.died)
        return tried

    def _judged(self, name: str, named: list[tuple[str, NamedSolution]], said: list[forks.Said]) -> list[Tried]:
        records = self.desk.records()
        observed = [_observed(one) for one in said]
        records.frames = observed[0].frames
        records.known[name] = [
            KnownMistake(one.name, one.help, seen.frames)
            for (kind, one), seen in zip(named, observed, strict=True)
            if kind == "mistake"
        ]
        tried = []
        for (kind, one), seen in zip(named, observed, strict=True):
            result, cells = judge_exercise(name, one.code, seen, records)
            shown = {i: _shown(cell) for i, cell in cells.items()}
            hurts = self._hurts(name, seen, observed[0]) if kind in ("mistake", "unwritten") else {}
            accepted = result.outcome == "pass" and result.score == result.max_score
            refused = any(cell.refused for cell in shown.values())
            note, unnamed = one.help if kind == "expected" else "", one.unnamed(result.message) if kind == "refused" else ""
            tried.append(Tried(name, kind, one.name, {}, shown, accepted, refused, hurts, note, unnamed))
        return tried

    def _hurts(self, name: str, seen: Observed, right: Observed) -> dict[str, str]:
        """Return the test cells of other exercises that do not hold with a mistake in place, with what they say."""
        found = {}
        for cell, wanted in right.frames.items():
            if cell.partition("__")[0] == name or not wanted.get("tests"):
                continue
            verdict = judge_cell(cell, self.desk.splits[cell], wanted, seen.frames.get(cell))
            if verdict.outcome != "pass":
                text = verdict.message.actual or verdict.message.where if verdict.message else ""
                found[cell] = seen.reasons.get(cell) or f"{verdict.message.behaviour if verdict.message else ''}: {text}"
        return found

    def _notes(self, name: str, named: list[NamedSolution], frames: list[Frames]) -> dict[str, Any]:
        """Return the notes that the build would ship, of this exercise alone; `frames` are those of visible checks."""
        at = [notes.at(name, self.desk.visible_splits, frames[0], wrong) for wrong in frames[1:]]
        mistakes = [
            {"name": one.name, "help": one.help, "at": seen} for one, seen in zip(named[1:], at, strict=True) if seen
        ]
        settings = self.desk.chapter.exercises[name].settings
        entry = {"mistakes": mistakes, "forbidden": settings.forbidden, "defines": notes.names_defined(self.desk.right[name])}
        chapter = self.desk.chapter
        return {"chapter": chapter.name, "course": chapter.course.to_json(), "exercises": {name: entry}}

    def _following(self, solution: NamedSolution, index: int, more: list[str]) -> Iterator[Cell]:
        """Yield the solution's cell and what comes after it as far as tests of the exercise, or of `more`, go."""
        last = max(self.desk.last_test(name) for name in (solution.exercise, *more))
        yield Cell(solution.exercise, "student", solution.code, solution.exercise)
        for cell in self.desk.cells[index + 1 : last + 1]:
            if cell.role != "test" or cell.exercise in (solution.exercise, *more):
                yield cell

    def _seconds(self, cell: Cell, hasty: bool = False) -> float:
        exercise = self.desk.chapter.exercises.get(cell.exercise)
        seconds = exercise.settings.seconds if exercise else 60.0
        return min(seconds, HASTY_SECONDS) if hasty or self.mutants is not None else seconds

    def _recorded(self, solution: NamedSolution, index: int, kind: str) -> forks.Task:
        """Return the task that records all checks as for a grade, with those of exercises that build on this one,
        and then, for what the notes are made of, the visible checks with a notebook's own inputs."""

        def task(emit: forks.Emit) -> None:
            _record(GRADING_SEED, self.desk.forbidden)
            more = self.desk.dependents(solution.exercise) if kind in ("right", "mistake", "unwritten") else []
            for cell in self._following(solution, index, more):
                self._emit(self._test(cell, self.desk.splits, kind == "right"), emit)
            if self.mutants is None and kind in ("right", "mistake"):
                self._visible(solution, index, kind == "right")(emit)

        return task

    def _visible(self, solution: NamedSolution, index: int, trusted: bool = False, hasty: bool = False) -> forks.Task:
        """Return the task that records the visible checks with a notebook's own inputs."""

        def task(emit: forks.Emit) -> None:
            _record(notes.NOTEBOOK_SEED, {})
            for cell in self._following(solution, index, []):
                self._emit(self._test(cell, self.desk.visible_splits, trusted), lambda f: emit({"visible": f}), hasty)

        return task

    def _test(self, cell: Cell, splits: dict[str, Split], trusted: bool) -> Cell:
        """Return a cell as it is run: of a test cell what observes, with the judges' parameters where `trusted`."""
        if cell.role != "test":
            return cell
        split = splits[cell.id]
        return Cell(cell.id, "test", split.reference if trusted else split.student, cell.exercise)

    def _emit(self, cell: Cell, emit: forks.Emit, hasty: bool = False) -> None:
        emit({"begin": cell.id})
        with forks.limit(self._seconds(cell, hasty)):
            frame = frame_of(cell, self.space, self.trusted, self.shell)
        emit(frame if cell.role == "test" else {"cell": cell.id, "error": frame.get("error")})

    def _at_desk(self, solution: NamedSolution, index: int, folder: str, hasty: bool = False) -> forks.Task:
        """Return the task that runs the cells in IPython as a student does, and says what the checks showed."""

        def task(emit: forks.Emit) -> None:
            os.chdir(folder)
            show.set_recording(False)
            inputs.set_base_seed(notes.NOTEBOOK_SEED)
            seed_everything(notes.NOTEBOOK_SEED)
            for cell in self._following(solution, index, []):
                emit({"begin": cell.id})
                with forks.limit(self._seconds(cell, hasty)), _quiet():
                    source = self.desk.visible[cell.id] if cell.role == "test" else cell.source
                    done = self.shell.run_cell(source, store_history=True)  # the text is looked at too
                if cell.role == "test":
                    shown = _said(done.error_before_exec or done.error_in_exec)
                    emit({"cell": cell.id, "shown": asdict(shown)})

        return task


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        yield


def _record(seed: int, forbidden: dict[str, list[str]]) -> None:
    show.set_recording(True)
    inputs.set_base_seed(seed)
    seed_everything(seed)
    guard.set_forbidden(forbidden)


def _said(error: BaseException | None) -> Shown:
    """Return what a test cell showed in the notebook."""
    if error is None:
        return Shown("pass")
    if not isinstance(error, check.CheckFailed):
        return Shown("checker broke" if isinstance(error, check.CheckerBroke) else "error", str(error)[:300])
    first = next(one for one in error.messages if one.outcome != "pass")
    help = next((one.help for one in error.messages if one.help), "")
    return Shown("not yet", first.behaviour, help, refused=first.behaviour == _REFUSED)


def _shown(cell: dict[str, Any]) -> Shown:
    """Return what is stored of a test cell when graded."""
    help = next((value for label, value in cell["fields"] if label == "help"), "")
    refused = cell["behaviour"] == _REFUSED
    return Shown(cell["outcome"], cell["behaviour"], help, cell["mistake"], cell["hidden"], refused)


def _observed(said: forks.Said) -> Observed:
    """Return a run's frames; where it died, the reason stands at the cell it was in."""
    frames = {frame["cell"]: frame for frame in said.frames if "cell" in frame and "tests" in frame}
    begun = [frame["begin"] for frame in said.frames if "begin" in frame]
    return Observed(frames, {begun[-1]: said.died} if said.died and begun else {})


def _visible_frames(said: forks.Said) -> Frames:
    """Return what was recorded with a notebook's own inputs."""
    return _observed(forks.Said([frame["visible"] for frame in said.frames if "visible" in frame])).frames


def serve(lines: Callable[[], str]) -> None:
    """Answer requests until there are no more: each chapter in a fork of this process, its outcomes to a file."""
    from autograder.sandbox.template import warm_up

    shell = warm_up(json.loads(lines())["warm"])
    gc.freeze()  # a collection in a child would touch, and so copy, all that it shares with this process
    os.chdir(tempfile.mkdtemp(prefix="tryout-"))
    while line := lines():
        job = json.loads(line)

        def task(emit: forks.Emit, job: dict[str, Any] = job) -> None:
            only = None if job["only"] is None else set(job["only"])
            mutants = None if job["mutants"] is None else [NamedSolution(**one) for one in job["mutants"]]
            for one in Tryout(Desk(Path(job["root"]), job["chapter"]), shell, only, job["jobs"], mutants).run():
                emit(one.to_json())

        said = forks.each([task], 1, memory=0)[0]
        print(json.dumps({"tried": said.frames, "died": said.died}), flush=True)


if __name__ == "__main__":
    serve(sys.stdin.readline)
