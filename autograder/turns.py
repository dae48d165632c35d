"""Who runs when: together as long as all goes well, alone where somebody is under suspicion or was disturbed.

- A worker that dies takes the whole pool with it, and nobody can tell whose submission did it. All that were under
  way run again, one at a time, in one new pool; who breaks that one too is guilty, and only they are charged for it.
- Where a limit of time was met while the machine was busy, the submission runs again when all others are done.
- What the machine does wrong is tried again in a fresh template; an error of Python's comes again, and is not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from autograder.sandbox.host import SandboxBroke

if TYPE_CHECKING:  # a worker starts its template before it loads what judges
    from autograder.judge.result import Result

#: How often the machine may fail on one submission before it is set aside for a person.
ATTEMPTS = 3
#: After so many failures in a row the machine is looked at, before the rest of the class is spent on it.
IN_A_ROW = 9


@dataclass(frozen=True)
class Job:
    """One submission, on its way from the door to the ledger.

    `alone`: nothing else runs, so that its limits of time hold. `known`: its result without a run (rejected, missing,
    or graded before); it passes by the workers.
    """

    student: str
    data: bytes
    alone: bool = False
    #: when it was handed in, as the folder says
    timestamp: str | None = None
    #: content key of its record
    key: str = ""
    known: Result | None = None
    #: what was odd about the file, in a line
    note: str = ""


class UnderLoad(RuntimeError):
    """A limit of time was met while others used the machine: to be run again alone before it costs anything."""


Found = tuple[Job, "Result | dict[str, Any] | Exception"]


class Turns:
    """Runs a class on an executor; `make` gives a new one where it broke, `call` and `healthy` go to its workers."""

    def __init__(
        self, make: Callable[[], Executor], call: Callable[[Job], dict[str, Any]], healthy: Callable[[], None], window: int
    ) -> None:
        self.make, self.call, self.healthy, self.window = make, call, healthy, window
        self.executor = make()
        self.suspects: list[Job] = []
        self.disturbed: list[Job] = []
        self.again: list[Job] = []
        self.failures: dict[str, int] = {}
        self.in_a_row = 0
        self.lost: Exception | None = None

    def results(self, jobs: Iterator[Job]) -> Iterator[Found]:
        """Yield each job with its record, as they finish, or with why the machine failed on it every time."""
        running: dict[Future[Any], Job] = {}
        while True:
            while len(running) < self.window and not self.suspects:
                job = self.again.pop() if self.again else next(jobs, None)
                if job is None:
                    break
                if job.known is not None:
                    yield job, job.known
                elif self.lost:
                    yield job, self.lost
                elif (future := self._submit(job)) is not None:
                    running[future] = job
            if not running and not self.suspects:
                break
            for future in wait(running, return_when=FIRST_COMPLETED).done if running else ():
                yield from self._settle(running.pop(future), future)
            if self.suspects:
                yield from self._clear_suspects(running)
        while self.disturbed:
            yield from self._alone(replace(self.disturbed.pop(0), alone=True))

    def _submit(self, job: Job) -> Future[Any] | None:
        """Hand a job out; None, with the job under suspicion of nothing, where the pool is found broken."""
        try:
            return self.executor.submit(self.call, job)
        except (BrokenExecutor, RuntimeError):
            self.suspects.append(job)
            return None

    def _settle(self, job: Job, future: Future[Any]) -> Iterator[Found]:
        error = error_of(future)
        if error is None:
            self.in_a_row = 0
            yield job, future.result()
        elif isinstance(error, BrokenExecutor):
            self.suspects.append(job)
        elif isinstance(error, UnderLoad):
            self.disturbed.append(job)
        elif self._may_try_again(job, error):
            self.again.append(job)
        else:
            yield job, error

    def _clear_suspects(self, running: dict[Future[Any], Job]) -> Iterator[Found]:
        """Run those that a broken pool took along, each alone in a new one; the others of them are not charged."""
        for future in wait(running).done:
            yield from self._settle(running.pop(future), future)
        self.executor = self.make()
        while self.suspects:
            yield from self._alone(self.suspects.pop(0))

    def _alone(self, job: Job) -> Iterator[Found]:
        """Run one job while nothing else runs, until it has a record or its attempts are used up."""
        while not self.lost:
            future = self._submit(job)
            if future is None:
                self.suspects.remove(job)
                error: Exception | None = BrokenExecutor("the pool of workers broke before it took anything")
            else:
                error = error_of(future)
            if error is None and future is not None:
                self.in_a_row = 0
                yield job, future.result()
                return
            if isinstance(error, UnderLoad):
                job = replace(job, alone=True)
                continue
            if isinstance(error, BrokenExecutor):
                self.executor = self.make()
            if error is not None and not self._may_try_again(job, error):
                yield job, error
                return
        yield job, self.lost

    def _may_try_again(self, job: Job, error: Exception) -> bool:
        """Charge a job with a failure of the machine; True where it has attempts left."""
        if not is_the_machines(error):
            return False
        self.in_a_row += 1
        if self.in_a_row >= IN_A_ROW:
            self._look_at_the_machine()
        self.failures[job.student] = self.failures.get(job.student, 0) + 1
        return self.failures[job.student] < ATTEMPTS and not self.lost

    def _look_at_the_machine(self) -> None:
        """Run nobody's code: where that fails too, the rest of the class is not spent on this machine."""
        self.in_a_row = 0
        try:
            self.lost = error_of(self.executor.submit(self.healthy))
        except (BrokenExecutor, RuntimeError):
            self.executor = self.make()
            self.lost = error_of(self.executor.submit(self.healthy))


def error_of(future: Future[Any]) -> Exception | None:
    """Wait for a future and return what it failed with, None where it did not."""
    try:
        error = future.exception()
    except CancelledError as cancelled:  # Dask's way to say that it lost it
        return SandboxBroke(f"the scheduler gave it up: {cancelled}")
    return error if error is None or isinstance(error, Exception) else RuntimeError(repr(error))


def is_the_machines(error: Exception) -> bool:
    """Return True for what may go well next time: a dead worker or template, the system out of something."""
    return isinstance(error, (SandboxBroke, OSError, BrokenExecutor, CancelledError)) or type(error).__module__.startswith("distributed")
