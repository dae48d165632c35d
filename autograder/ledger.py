"""Enter results in the books: what changes a score is shown and backed up before any such change is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.books import autograded, gradebook, store, withdraw
from autograder.books.revision import Revision
from autograder.course.chapter import Chapter
from autograder.errors import AutograderError, cannot_write
from autograder.intake.door import valid_id
from autograder.intake.submission import Submission, match, parse
from autograder.judge.result import Result, not_run
from autograder.log import Log
from autograder.turns import Job


@dataclass(frozen=True)
class Change:
    """What applying a result changes in the gradebook: the automatic scores before and after."""

    student: str
    before: float
    after: float


@dataclass(frozen=True)
class Held:
    """A result that waits until all changes are known. Of a graded one the record is in the store, under `key`."""

    key: str
    result: Result


Announce = Callable[[list[Change], Path | None], None]


class Ledger:
    """The books of one chapter during one run: results go in as they come, and `close` writes what changes a score.

    Where the chapter itself changed under a class that was graded (`revision`), everything waits for `close`.
    """

    def __init__(
        self, root: Path, chapter: Chapter, books: Any, records: store.Store, log: Log, revision: Revision | None = None
    ) -> None:
        self.root, self.chapter, self.books, self.store, self.log = root, chapter, books, records, log
        self.revision = revision
        self.changes: list[Change] = []
        self.held: list[Held] = []

    def enter(self, job: Job, result: Result) -> Iterator[Result]:
        """Keep a result and apply it; yield it, but where it changes a score and waits for `close`.

        The record is written first: a run that is killed anywhere finds it again.
        """
        changes = self.note(result)
        if result.status == "error" and not self.revision:
            yield self._withdraw(job, result)
            return
        if result.status == "graded":
            with self._writing():
                self.store.put(job.key, result)
        if not changes and not self.revision:
            yield self._apply(job, result)
            return
        slim = Result(result.student, result.chapter, "graded") if result.status == "graded" else result
        self.held.append(Held(job.key, slim))

    def note(self, result: Result) -> bool:
        """Note what a result changes in the gradebook; True where it changes a score that is there already."""
        before = self.before(result.student)
        if before is None or result.status == "error" or abs(before - result.score) <= 1e-9:
            return False
        self.changes.append(Change(result.student, before, result.score))
        return True

    def before(self, student: str) -> float | None:
        """Return the automatic score that the gradebook holds, None where it holds none.

        A gradebook that cannot be read ends the run: it must never pass for one without an earlier score.
        """
        if not valid_id(student):
            return None
        found = gradebook.scores(self.books, self.chapter, student)
        if self.revision:
            names = set(found) - self.revision.manual
        else:
            names = {name for exercise in self.chapter.exercises.values() for name in exercise.points}
        scores = [score for name in names if (score := found.get(name)) is not None]
        return float(sum(scores)) if scores else None

    def close(self, arrive: Callable[[str], Job], announce: Announce | None) -> Iterator[Result]:
        """Announce all changes with the gradebook's backup, apply them, and yield the results.

        `arrive` takes a student's submission in once more: what was handed in meanwhile is left to the next run.
        """
        if not self.held and not self.revision:
            return
        with self._writing():
            kept = gradebook.back_up(self.root, self.books)
        self.changes.sort(key=lambda one: one.student)
        if announce:
            announce(self.changes, kept)
        if self.revision:
            self.books.db.rollback()  # nothing of this session's may stand in the way of another's writing
            gradebook.ensure_assignment(self.root, self.chapter)
            self.books.db.expire_all()
        for held in self.held:
            job = arrive(held.result.student)
            if job.key == held.key:
                result = self._read(held)
                yield self._withdraw(job, result) if result.status == "error" else self._apply(job, result)

    def _read(self, held: Held) -> Result:
        if held.result.status != "graded":
            return held.result
        with self._writing():
            return store.from_record(self.store.path(self.chapter.key, held.result.student, held.key).read_bytes())

    def _apply(self, job: Job, result: Result) -> Result:
        """Apply a result; whatever goes wrong with it but the disk is a row, and the others are applied."""
        try:
            with self._writing():
                self._write(job, result)
        except AutograderError:
            raise
        except Exception as error:
            self.books.db.rollback()
            reason = f"needs attention: {self.log.keep(f'the books of {result.student}', error)}"
            return self._withdraw(job, not_run(self.chapter, result.student, "error", reason, result.isolation))
        return result

    def _write(self, job: Job, result: Result) -> None:
        """Write a result to the gradebook and `autograded/`; the order makes it safe to be killed."""
        folder = self.root / "submitted" / result.student / self.chapter.name
        if not valid_id(result.student) or (result.status == "missing" and not folder.exists()):
            return
        submission: Submission | None = match(parse(job.data), self.chapter.source) if job.data else None
        result.notes = [*filter(None, [job.note]), *(submission.notes if submission else [])]
        gradebook.write(self.books, self.chapter, result, submission, job.timestamp)
        autograded.write(self.root, self.chapter, submission, result)
        self.store.mark_latest(result, job.key, job.data)

    def _withdraw(self, job: Job, result: Result) -> Result:
        """Take an older submission's grade out of view where this one has an error."""
        try:
            return withdraw.older(self.store, self.chapter, self.books, result, job.data)
        except Exception as error:
            self.books.db.rollback()
            result.reason = f"{result.reason}; {self.log.keep(f'the older grade of {result.student}', error)}"
            return result

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Say of a file that cannot be written which one, and what to do."""
        try:
            yield
        except OSError as error:
            command = f"autograder grade {self.chapter.name} --root {self.root}"
            raise cannot_write(Path(error.filename or self.root), error, command) from error
