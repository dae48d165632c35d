"""Grade a class: intake, run and judge every submission, save each as it comes. Stop it anywhere; run it again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

from autograder import engine
from autograder.books import autograded, gradebook, store, withdraw
from autograder.course.chapter import Chapter
from autograder.errors import NoSandbox, cannot_write
from autograder.files import write_atomically
from autograder.intake import door as intake
from autograder.intake.submission import Submission, match, parse
from autograder.judge import keys
from autograder.judge.reference import GRADING_SEED
from autograder.judge.result import Result
from autograder.log import Log
from autograder.sandbox import levels as isolation
from autograder.sandbox.grading_data import prepared
from autograder.sandbox.host import Limits, SandboxBroke, Template


@dataclass
class Options:
    """How to grade. `students` empty means everybody; `jobs` 0 means one a core."""

    students: list[str] = field(default_factory=list)
    jobs: int = 0
    trusting: bool = False
    force: bool = False
    dry_run: bool = False
    warm: bool = True
    dask: bool = False
    scheduler: str | None = None
    #: one of `levels.WALLS`; the weaker one only where it is asked for
    wall: str = "bwrap"


@dataclass
class Change:
    """What applying a result changes in the gradebook: the automatic scores before and after."""

    student: str
    before: float | None
    after: float


class Grading:
    """One run over one chapter of a course root."""

    def __init__(self, root: Path, chapter: str, options: Options, notebook: str = "") -> None:
        self.root, self.chapter, self.options = root, Chapter(root, chapter, notebook), options
        self.store = store.Store(root)
        self.folder, self.data_line = prepared(root, self.chapter)
        self.log = Log(root, f"grade-{chapter}")
        self.sandbox, self.isolation = isolation.level(options.trusting, options.wall)
        if not self.sandbox and not options.trusting:
            raise NoSandbox(self.isolation)
        self.setup = engine.Setup(
            str(root.resolve()), chapter, self.sandbox, self.isolation,
            str(self.folder.resolve()) if self.folder else None, self.data_line, options.warm,
            notebook=notebook,
        )  # fmt: skip
        self.changes: list[Change] = []
        self._keys: dict[str, str] = {}
        #: what is being run, and what has its result without a run
        self._taken: dict[str, intake.Intake] = {}
        self._settled: list[tuple[intake.Intake, Result]] = []
        #: results that change a score already in the gradebook: shown first, then applied
        self._held: list[Result] = []

    def names(self) -> list[str]:
        """Return the students to grade: those asked for, else every folder that handed something in."""
        return self.options.students or intake.students(self.root, self.chapter.name)

    def reference_key(self) -> str:
        """Return the content key of the chapter's reference."""
        return keys.of_chapter(self.chapter, GRADING_SEED, self.data_line)

    def confirm_isolation(self) -> None:
        """Measure the sandbox with canaries before trusting it; SandboxBroke where one gets through."""
        if not self.sandbox:
            return
        key = f"{self.isolation}-{engine.workers()}"
        stamp = self.root / ".autograder" / "isolation" / key
        boot = _boot_id()
        if stamp.is_file() and stamp.read_text() == boot:
            return
        in_cgroup = self.isolation == isolation.IN_CGROUP
        with Template(
            sandbox=True, in_cgroup=in_cgroup, prepared=self.folder, package=self.chapter.course.package,
            proc=self.isolation != isolation.WITHOUT_PROC,
        ) as template:  # fmt: skip
            isolation.confirm(template, self.root)
        try:
            write_atomically(stamp, boot.encode())
        except OSError as error:
            raise cannot_write(stamp, error, f"autograder grade {self.chapter.name}") from error

    def run(
        self,
        started: Callable[[int], None] | None = None,
        announce: Callable[[list[Change], Path | None], None] | None = None,
    ) -> Iterator[Result]:
        """Yield every student's result as it is saved; `started` is told how many there are.

        What changes a score that the gradebook already holds is applied last: `announce` is told every such
        change and the gradebook's backup before the first of them is written.
        """
        names = self.names()
        if started:
            started(len(names))
        self.reference = self.reference_key()
        several = self._jobs(len(names)) > 1 or self.options.dask
        self.setup = replace(self.setup, reference=self.reference, own_core=several)
        with self._engine(len(names)) as make:
            to_run = self._to_run(names)
            first = list(islice(to_run, 1))
            window = 2 * self._jobs(len(names))
            # the workers warm up while this process loads nbgrader and opens the gradebook
            running = engine.run_all(make, self.setup, chain(first, to_run), window) if first else iter(())
            if not self.options.dry_run:
                gradebook.ensure_assignment(self.root, self.chapter)
            with closing(gradebook.open_gradebook(self.root)) as books:
                for result in self._save_all(running, books):
                    if result is not None:
                        yield result
                yield from self._apply_held(books, announce)

    def _engine(self, count: int) -> AbstractContextManager[Any]:
        if self.options.dask:
            return engine.dask(self.options.scheduler)
        return engine.local(self._jobs(count), self.setup)

    def _to_run(self, names: list[str]) -> Iterator[engine.Job]:
        """Take in every student's folder; yield what has to be run, and set aside what has its result already."""
        for name in names:
            arrived = intake.take_in(self.root, self.chapter.name, name, self.chapter.source, self.chapter.notebook)
            result = self._without_running(arrived)
            if result is not None:
                self._settled.append((arrived, result))
                continue
            self._taken[name] = arrived
            yield engine.Job(name, arrived.data)

    def _save_all(
        self, running: Iterator[tuple[engine.Job, dict[str, Any] | Exception]], books: Any
    ) -> Iterator[Result | None]:
        for job, found in running:
            while self._settled:
                yield self._save(books, *self._settled.pop(0))
            yield self._save(books, self._taken.pop(job.student), self._result(job, found))
        while self._settled:
            yield self._save(books, *self._settled.pop(0))

    def _jobs(self, count: int) -> int:
        return max(1, min(self.options.jobs or engine.workers(), count))

    def _without_running(self, arrived: intake.Intake) -> Result | None:
        """Return the result of a submission that needs no run: rejected, missing, or graded before."""
        if arrived.status != "ready":
            return self._nothing(arrived.student, arrived.status, arrived.reason)
        key = self._keys[arrived.student] = store.key_of(
            arrived.data, self.reference, self.isolation, repr(Limits())
        )
        if self.options.force:
            return None
        return self.store.get(self.chapter.key, arrived.student, key)

    def absent(self, student: str) -> Result:
        """Return the row of somebody on the roster who handed in nothing."""
        return self._nothing(student, "missing", "nothing handed in")

    def _nothing(self, student: str, status: str, reason: str | None) -> Result:
        from autograder.judge.result import ExerciseResult

        result = Result(student, self.chapter.key, status, reason, isolation=self.isolation)
        for name, exercise in self.chapter.exercises.items():
            result.exercises[name] = ExerciseResult(
                0.0, exercise.max_score, "not reached", reason or "", None
            )
        result.max_score = sum(e.max_score for e in result.exercises.values())
        return result

    def _result(self, job: engine.Job, found: dict[str, Any] | Exception) -> Result:
        if isinstance(found, dict):
            import json

            return store.from_record(json.dumps(found).encode())
        return self._nothing(job.student, "error", f"needs attention: {self.log.keep(job.student, found)}")

    def _save(self, books: Any, arrived: intake.Intake, result: Result) -> Result | None:
        """Store a result and apply it; None where it would change a score, and waits for the others to be shown.

        The record is written first: a run that is killed anywhere finds it again.
        """
        before = self._before(books, result)
        changes = before is not None and result.status != "error" and abs(before - result.score) > 1e-9
        if changes:
            self.changes.append(Change(result.student, before, result.score))
        if self.options.dry_run:
            return result
        if result.status == "error":
            return self._withdraw(books, arrived, result)
        try:
            if result.status == "graded":
                self.store.put(self._keys[arrived.student], result)
            if not changes:
                return self._apply_one(books, arrived, result)
        except OSError as error:
            raise self._cannot_write(error) from error
        self._held.append(Result(result.student, result.chapter, "graded") if result.status == "graded" else result)
        return None

    def _apply_held(
        self, books: Any, announce: Callable[[list[Change], Path | None], None] | None
    ) -> Iterator[Result]:
        """Show what changes, back the gradebook up, and apply it."""
        if not self._held:
            return
        try:
            kept = gradebook.back_up(self.root, books)
        except OSError as error:
            raise self._cannot_write(error) from error
        if announce:
            announce(self.changes, kept)
        for held in self._held:
            name, result = held.student, held
            arrived = intake.take_in(self.root, self.chapter.name, name, self.chapter.source, self.chapter.notebook)
            if held.status == "graded":
                key = store.key_of(arrived.data, self.reference, self.isolation, repr(Limits()))
                if key != self._keys[name]:
                    continue  # handed in again meanwhile: the next run grades that
                result = store.from_record(self.store.path(self.chapter.key, name, key).read_bytes())
            try:
                result = self._apply_one(books, arrived, result)
            except OSError as error:
                raise self._cannot_write(error) from error
            yield result

    def _apply_one(self, books: Any, arrived: intake.Intake, result: Result) -> Result:
        """Apply a result; whatever goes wrong with it but the disk is a row, and the others are applied."""
        try:
            self._apply(books, arrived, result)
        except OSError:
            raise
        except Exception as error:
            books.db.rollback()
            kept = Log(self.root, "grade").keep(f"the books of {result.student}", error)
            return self._withdraw(books, arrived, self._nothing(result.student, "error", f"needs attention: {kept}"))
        return result

    def _withdraw(self, books: Any, arrived: intake.Intake, result: Result) -> Result:
        """Take an older submission's grade out of view where this one has an error."""
        try:
            return withdraw.older(self.store, self.chapter, books, result, arrived.data)
        except Exception as error:
            books.db.rollback()
            result.reason = f"{result.reason}; {Log(self.root, 'grade').keep(f'the older grade of {result.student}', error)}"
            return result

    def _cannot_write(self, error: OSError) -> Exception:
        command = f"autograder grade {self.chapter.name} --root {self.root}"
        return cannot_write(Path(error.filename or self.root), error, command)

    def _apply(self, books: Any, arrived: intake.Intake, result: Result) -> None:
        """Write a result to the gradebook and `autograded/`; the order makes it safe to be killed."""
        folder = self.root / "submitted" / result.student / self.chapter.name
        if not intake.valid_id(result.student) or (result.status == "missing" and not folder.exists()):
            return
        submission = self._submission(arrived)
        self._to_gradebook(books, result, submission, arrived.timestamp)
        autograded.write(self.root, self.chapter, submission, result)
        self.store.mark_latest(result, self._keys.get(result.student, ""), arrived.data)

    def _submission(self, arrived: intake.Intake) -> Submission | None:
        return match(parse(arrived.data), self.chapter.source) if arrived.status == "ready" else None

    def _to_gradebook(
        self, books: Any, result: Result, submission: Submission | None, timestamp: str | None
    ) -> None:
        """Write to the gradebook; OSError where that cannot be done."""
        from sqlalchemy.exc import OperationalError

        try:
            gradebook.patiently(lambda: gradebook.apply(books, self.chapter, result, submission, timestamp))
        except OperationalError as error:
            raise OSError(
                0, f"the gradebook cannot be written ({error.orig})", str(self.root / "gradebook.db")
            ) from error

    def _before(self, books: Any, result: Result) -> float | None:
        if not intake.valid_id(result.student):
            return None
        try:
            found = gradebook.scores(books, self.chapter, result.student)
        except Exception:
            books.db.rollback()
            return None
        auto = [
            found[i] for e in self.chapter.exercises.values() for i in e.points if found.get(i) is not None
        ]
        return float(sum(auto)) if auto else None


def _boot_id() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        boot = "?"
    return f"{boot} {keys.walls()}"


__all__ = ["Change", "Grading", "Options", "SandboxBroke"]
