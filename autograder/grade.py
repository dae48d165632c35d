"""Grade a class: who runs, on what, and where it ends up. Stop it anywhere; run it again."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from autograder import engine
from autograder.books import gradebook, revision, store
from autograder.course.chapter import Chapter
from autograder.errors import NoSandbox, cannot_write
from autograder.files import write_atomically
from autograder.intake import door
from autograder.judge import keys
from autograder.judge.reference import GRADING_SEED
from autograder.judge.result import Result, not_run
from autograder.ledger import Announce, Change, Ledger
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


class Grading:
    """One run over one chapter of a course root: from the door, through the engine, into the ledger."""

    def __init__(self, root: Path, chapter: str, options: Options, notebook: str = "") -> None:
        self.root, self.chapter, self.options = root, Chapter(root, chapter, notebook), options
        self.store = store.Store(root)
        self.folder, self.data_line = prepared(root, self.chapter)
        self.log = Log(root, f"grade-{chapter}")
        self.sandbox, self.isolation = isolation.level(options.trusting, options.wall)
        if not self.sandbox and not options.trusting:
            raise NoSandbox(self.isolation)
        self.changes: list[Change] = []
        #: how the chapter differs from the one that the gradebook's submissions were graded by; None where it does not
        self.revision: revision.Revision | None = None

    @cached_property
    def reference(self) -> str:
        """The content key of the chapter's reference."""
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

    def names(self) -> list[str]:
        """Return the students to grade: those asked for, else every folder that handed something in."""
        return self.options.students or door.students(self.root, self.chapter.name)

    def run(self, started: Callable[[int], None] | None = None, announce: Announce | None = None) -> Iterator[Result]:
        """Yield every student's result as it is saved; `started` is told how many there are.

        What changes a score that the gradebook already holds is applied last: `announce` is told every such
        change and the gradebook's backup before the first of them is written. So is everything where the chapter's own
        cells changed since (`revision`). Raises BadGradebook where the
        gradebook cannot be read, and AutograderError where something cannot be written.
        """
        names = self.names()
        if started:
            started(len(names))
        jobs = max(1, min(self.options.jobs or engine.workers(), len(names)))
        setup = self._setup(own_core=jobs > 1 or self.options.dask)
        with self._executors(jobs, setup) as make:
            # the workers warm up while this process loads nbgrader and opens the gradebook
            found = engine.run_all(make, setup, map(self.arrive, names), window=2 * jobs)
            self.revision = self._revision()
            if not self.options.dry_run and not self.revision:
                gradebook.ensure_assignment(self.root, self.chapter)
            with closing(gradebook.open_gradebook(self.root)) as books:
                ledger = Ledger(self.root, self.chapter, books, self.store, self.log, self.revision)
                self.changes = ledger.changes
                for job, one in found:
                    result = self._result(job, one)
                    if self.options.dry_run:
                        ledger.note(result)
                        yield result
                    else:
                        yield from ledger.enter(job, result)
                if not self.options.dry_run:
                    yield from ledger.close(self.arrive, announce)

    def _revision(self) -> revision.Revision | None:
        """Return how the chapter changed under the submissions that the gradebook holds."""
        with closing(gradebook.open_gradebook(self.root)) as books, gradebook.readable(books.engine.url, self.root):
            found = revision.of(books, self.root, self.chapter.name)
        return found if found and found.graded else None

    def arrive(self, student: str) -> engine.Job:
        """Take a student's folder in; what is rejected, missing or graded before has its result with it."""
        found = door.take_in(self.root, self.chapter.name, student, self.chapter.source, self.chapter.notebook)
        if found.status != "ready":
            return engine.Job(student, b"", timestamp=found.timestamp, known=self._nothing(student, found.status, found.reason))
        key = store.key_of(found.data, self.reference, self.isolation, repr(Limits()))
        known = None if self.options.force else self.store.get(self.chapter.key, student, key)
        return engine.Job(student, found.data, timestamp=found.timestamp, key=key, known=known, note="; ".join(filter(None, [found.note, found.odd_time])))

    def _setup(self, own_core: bool) -> engine.Setup:
        return engine.Setup(
            str(self.root.resolve()), self.chapter.name, self.sandbox, self.isolation,
            str(self.folder.resolve()) if self.folder else None, self.data_line, self.options.warm,
            reference=self.reference, notebook=self.chapter.notebook, own_core=own_core,
        )  # fmt: skip

    def _executors(self, jobs: int, setup: engine.Setup) -> AbstractContextManager[Any]:
        return engine.dask(self.options.scheduler) if self.options.dask else engine.local(jobs, setup)

    def absent(self, student: str) -> Result:
        """Return the row of somebody on the roster who handed in nothing."""
        return self._nothing(student, "missing", "nothing handed in")

    def _result(self, job: engine.Job, found: Result | dict[str, Any] | Exception) -> Result:
        if isinstance(found, Result):
            return found
        if isinstance(found, dict):
            return store.from_record(json.dumps(found).encode())
        return self._nothing(job.student, "error", f"needs attention: {self.log.keep(job.student, found)}")

    def _nothing(self, student: str, status: str, reason: str | None) -> Result:
        return not_run(self.chapter, student, status, reason, self.isolation)


def _boot_id() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        boot = "?"
    return f"{boot} {keys.walls()}"


__all__ = ["Change", "Grading", "Options", "SandboxBroke"]
