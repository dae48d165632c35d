"""One submission is one pure call, bytes in and a record out, over any `concurrent.futures.Executor`.

Locally a process pool whose workers each own a warm template; on many machines Dask's executor. Which of them
makes no difference to a record.
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder import cores
from autograder.errors import NoScheduler
from autograder.turns import ATTEMPTS, Job, Turns, UnderLoad

if TYPE_CHECKING:
    from autograder.judge.result import Result


#: How long a Dask scheduler may take to answer.
SCHEDULER_SECONDS = 10


@dataclass(frozen=True)
class Setup:
    """Everything a worker has to know besides a submission. Hashable: workers keep what they made for it."""

    root: str
    chapter: str
    sandbox: bool
    isolation: str
    prepared: str | None = None
    data_line: str = ""
    warm: bool = True
    #: content key of the chapter's reference: a worker that lives on must not judge by an older one
    reference: str = ""
    #: the notebook of the chapter, where its name is another
    notebook: str = ""
    #: one of several workers of this machine: it keeps to a core
    own_core: bool = False
    #: exercises that alone are looked at, with what they need; all where empty
    only: tuple[str, ...] = ()


_references: dict[Setup, Any] = {}
_benches: dict[Setup, Any] = {}
_templates: dict[tuple[bool, bool, str | None, str, tuple[str, ...]], Any] = {}


def call(setup: Setup, job: Job) -> dict[str, Any]:
    """Grade one submission and return its record as plain data. Pure: nothing is written but the caches.

    Raises SandboxBroke where the machine failed, and UnderLoad where a limit of time was met that may not have been
    the submission's doing; what the submission does wrong is part of the record.
    """
    from autograder.intake.submission import match, parse
    from autograder.judge import withheld
    from autograder.judge.grade_one import judge, observe
    from autograder.judge.result import Result
    from autograder.rebuild.cells import for_exercises, submission_cells
    from autograder.sandbox.follow import ALONE, Limits
    from autograder.sandbox.host import SandboxBroke

    reference = _reference(setup)
    try:
        submission = match(parse(job.data), reference.chapter.source)
        cells = for_exercises(submission_cells(reference.chapter.source, submission, reference.stubs), setup.only)
        result = Result(job.student, reference.chapter.key, "graded", isolation=setup.isolation)
        limits = ALONE if job.alone else Limits()
        observed = observe(cells, reference, reference.template, limits)
        if setup.sandbox:  # others' work
            observed = withheld.again(
                observed, cells, submission.texts(), setup.only or reference.chapter.exercises, reference.chapter.course.package,
                reference.course_names,
                lambda some, gone, took: observe(some, reference, reference.template, replace(limits, wall_seconds=max(0.0, limits.wall_seconds - took)), gone),
            )  # fmt: skip
        if observed.contended and not job.alone:
            raise UnderLoad(f"{job.student} met a limit of time while the machine was busy")
        one = _bench(setup, reference).judge if setup.sandbox else None  # one's own code is judged here
        return judge(observed, reference, submission, result, one).to_json(cells=True)
    except (SandboxBroke, OSError):
        forget_all()
        raise
    finally:
        if not setup.warm:
            forget_all()


def healthy(setup: Setup) -> None:
    """Run nobody's code in a fresh template; SandboxBroke where this machine can not even do that."""
    from autograder.sandbox.inside import Cell

    forget_all()
    template = _reference(setup).template
    template.run([Cell("nothing", "setup", "")], seed=0, forbidden={}, seconds=lambda _: 60.0)


def prime(setup: Setup) -> None:
    """Let this process start what its first submission needs, without waiting for it."""
    from autograder.rebuild import cells as plan  # noqa: F401

    with suppress(Exception):  # what is the matter is said by the first call, where it can be answered
        reference = _reference(setup)
        _ = reference.splits, reference.stubs, reference.forbidden
        if setup.sandbox:
            _bench(setup, reference)


def _reference(setup: Setup) -> Any:
    from autograder.course.chapter import Chapter
    from autograder.judge import held_out
    from autograder.judge.reference import Reference

    if setup not in _references:
        for old in [kept for kept in _references if (kept.root, kept.chapter, kept.notebook) == (setup.root, setup.chapter, setup.notebook)]:
            del _references[old]
            if old in _benches:
                _benches.pop(old).close()
        root = Path(setup.root)
        chapter = Chapter(root, setup.chapter, setup.notebook)
        template = _template(setup, chapter)
        template.data_line = setup.data_line
        _references[setup] = Reference(chapter, template, root / ".autograder" / "records", only=setup.only)
        if not setup.sandbox:
            held_out.use(chapter.course.judges, setup.prepared)
    return _references[setup]


def _bench(setup: Setup, reference: Any) -> Any:
    """Return this process's warm judge of a chapter, ready for the next submission."""
    from autograder.judge.bench import Bench

    if setup not in _benches:
        _benches[setup] = bench = Bench(reference, setup.prepared)
        bench.start()
        atexit.register(bench.close)
    _benches[setup].next_submission()
    return _benches[setup]


def _template(setup: Setup, chapter: Any) -> Any:
    """Return this process's warm template; one serves every chapter that wants the same."""
    from autograder.sandbox.host import Template
    from autograder.sandbox.levels import IN_CGROUP, WITHOUT_PROC

    prepared, in_cgroup = Path(setup.prepared) if setup.prepared else None, setup.isolation == IN_CGROUP
    # to warm a process up takes longer than one exercise does
    preload, package = chapter.preload_for(setup.only) if setup.only else chapter.preload, chapter.course.package
    key = (setup.sandbox, in_cgroup, setup.prepared, package, preload)
    if key not in _templates and not hasattr(os, "fork"):
        from autograder.sandbox.cold import ColdRunner

        _templates[key] = ColdRunner(prepared, preload, package)
    if key not in _templates:
        if setup.own_core:
            cores.claim()
        template = Template(
            sandbox=setup.sandbox, in_cgroup=in_cgroup, prepared=prepared, preload=preload, package=package,
            proc=setup.isolation != WITHOUT_PROC,
        )  # fmt: skip
        template.start()
        atexit.register(template.close)
        _templates[key] = template
    return _templates[key]


def forget_all() -> None:
    """Close every template this process made and forget what was computed with them."""
    for template in _templates.values():
        template.close()
    for bench in _benches.values():
        bench.close()
    _benches.clear()
    _templates.clear()
    _references.clear()


class _Here(Executor):
    """Runs calls in this process, one after the other."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def workers() -> int:
    """Return how many submissions this machine grades at once: one a core that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return max(1, len(affinity(0)) if affinity else os.cpu_count() or 1)


@contextmanager
def local(jobs: int, setup: Setup) -> Iterator[Any]:
    """Yield a function that makes the executor and starts its workers, to be called again where a pool broke."""
    made: list[Executor] = []

    def make() -> Executor:
        context = multiprocessing.get_context("spawn")
        pool: Executor = _Here() if jobs == 1 else ProcessPoolExecutor(jobs, mp_context=context)
        made.append(pool)
        for _ in range(jobs):
            pool.submit(prime, setup)
        return pool

    try:
        yield make
    finally:
        for pool in made:
            pool.shutdown(wait=True, cancel_futures=True)


@contextmanager
def dask(scheduler: str | None) -> Iterator[Any]:
    """Yield a function that returns Dask's executor: a scheduler's at `scheduler`, else a local cluster's."""
    with _client(scheduler) as client:
        yield lambda: client.get_executor(pure=False)


def _client(scheduler: str | None) -> Any:
    from distributed import Client

    if not scheduler:
        return Client(processes=True, threads_per_worker=1)  # type: ignore[no-untyped-call]
    try:
        return Client(scheduler, timeout=SCHEDULER_SECONDS)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise NoScheduler(scheduler, str(error)) from error


def run_all(
    make: Callable[[], Executor], setup: Setup, jobs: Iterator[Job], window: int
) -> Iterator[tuple[Job, Result | dict[str, Any] | Exception]]:
    """Yield each job with its record, as they finish, or with why the machine failed every time.

    What needs no run passes by the workers; they are started, before anything is yielded, where something needs one.
    At most `window` submissions are under way, so that memory stays flat however long the class is.
    """
    head: list[Job] = []
    for job in jobs:
        head.append(job)
        if job.known is None:
            turns = Turns(make, partial(call, setup), partial(healthy, setup), window)
            return turns.results(chain(head, jobs))
    return ((job, job.known) for job in head if job.known is not None)


__all__ = ["ATTEMPTS", "Job", "Setup", "UnderLoad", "call", "dask", "healthy", "local", "prime", "run_all", "workers"]
