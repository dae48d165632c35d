"""Who runs when: only the guilty one is charged, suspects run alone, Python's errors are not repeated."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import BrokenExecutor, CancelledError, Future
from pathlib import Path

import pytest

from autograder.log import Log
from autograder.sandbox.host import SandboxBroke
from autograder.turns import ATTEMPTS, Job, Turns, UnderLoad


class Pool:
    """Runs what was submitted when somebody waits for it; one job that kills its worker takes all of them along."""

    made = 0

    def __init__(self):
        type(self).made += 1
        self.broken = False
        self.open: list[Future] = []

    def submit(self, function, *arguments):
        if self.broken:
            raise BrokenExecutor("broken before")
        future: Future = Future()
        self.open.append(future)
        try:
            result = function(*arguments)
        except SystemExit:
            self.broken = True
            for one in self.open:
                one.set_exception(BrokenExecutor("a worker died")) if not one.done() else None
        except BaseException as error:
            future.set_exception(error)
        else:
            # a result stays on its way until the window is full: a dead worker takes it along
            self.open[-1].later = result
            if len([one for one in self.open if not one.done()]) >= 4:
                self.arrive()
        return future

    def arrive(self):
        for one in self.open:
            if not one.done():
                one.set_result(one.later)


class Class:
    def __init__(self, monkeypatch, behaviour):
        Pool.made = 0
        self.calls: Counter[str] = Counter()
        self.alone: list[str] = []
        self.behaviour = behaviour
        self.pools: list[Pool] = []
        from concurrent import futures

        from autograder import turns

        def wait(running, return_when=None):
            for pool in self.pools:
                pool.arrive() if not pool.broken else None
            return futures.wait(running, timeout=5)

        monkeypatch.setattr(turns, "wait", wait)
        real = turns.error_of

        def error_of(future):
            for pool in self.pools:
                pool.arrive() if not pool.broken else None
            return real(future)

        monkeypatch.setattr(turns, "error_of", error_of)

    def make(self):
        self.pools.append(Pool())
        return self.pools[-1]

    def call(self, job):
        self.calls[job.student] += 1
        if job.alone:
            self.alone.append(job.student)
        do = self.behaviour.get(job.student)
        found = do(self.calls[job.student], job) if do else None
        return found or {"student": job.student}

    def grade(self, names, healthy=lambda: None, window=4):
        turns = Turns(self.make, self.call, healthy, window)
        return {job.student: found for job, found in turns.results(iter(Job(name, b"") for name in names))}


def raising(error, times=99):
    def do(call, job):
        if call <= times:
            raise error

    return do


NAMES = [f"s{n:02d}" for n in range(30)]


def test_everybody_is_graded_once(monkeypatch):
    room = Class(monkeypatch, {})
    assert room.grade(NAMES) == {name: {"student": name} for name in NAMES}
    assert set(room.calls.values()) == {1}
    assert Pool.made == 1


def test_who_kills_workers_is_charged_and_nobody_else(monkeypatch):
    guilty = {"s03", "s04", "s17"}
    room = Class(monkeypatch, dict.fromkeys(guilty, raising(SystemExit())))
    found = room.grade(NAMES)
    assert {name for name, one in found.items() if isinstance(one, Exception)} == guilty
    assert len(found) == len(NAMES)
    for name in guilty:
        assert ATTEMPTS <= room.calls[name] <= ATTEMPTS + 1
    assert max(n for name, n in room.calls.items() if name not in guilty) <= 3
    assert Pool.made <= 1 + len(guilty) * (ATTEMPTS + 1)


def test_a_worker_that_was_killed_once_costs_nobody_anything(monkeypatch):
    room = Class(monkeypatch, {"s05": raising(SystemExit(), times=1)})
    assert all(isinstance(one, dict) for one in room.grade(NAMES).values())
    assert Pool.made == 2


def test_an_error_of_pythons_is_not_repeated_and_a_machines_is(monkeypatch):
    room = Class(
        monkeypatch,
        {"s01": raising(KeyError("i")), "s02": raising(SandboxBroke("gone"), times=2), "s03": raising(OSError("full"))},
    )
    found = room.grade(NAMES)
    assert isinstance(found["s01"], KeyError)
    assert room.calls["s01"] == 1
    assert found["s02"] == {"student": "s02"}
    assert isinstance(found["s03"], OSError)
    assert room.calls["s03"] == ATTEMPTS
    assert sum(isinstance(one, Exception) for one in found.values()) == 2


def test_a_time_out_under_load_runs_again_last_and_alone(monkeypatch):
    def slow(call, job):
        if not job.alone:
            raise UnderLoad("busy")

    room = Class(monkeypatch, {"s00": slow, "s11": slow})
    found = room.grade(NAMES)
    assert all(isinstance(one, dict) for one in found.values())
    assert sorted(list(found)[-2:]) == ["s00", "s11"]
    assert sorted(room.alone) == ["s00", "s11"]


def test_a_class_is_not_spent_on_a_machine_that_runs_nothing(monkeypatch):
    room = Class(monkeypatch, dict.fromkeys(NAMES, raising(SandboxBroke("no more memory"))))

    def ill():
        raise SandboxBroke("not even that")

    found = room.grade(NAMES, healthy=ill)
    assert {str(one) for one in found.values()} <= {"no more memory", "not even that"}
    assert len(found) == len(NAMES)
    assert sum(room.calls.values()) < 20


def test_many_guilty_ones_in_a_row_do_not_end_the_class(monkeypatch):
    guilty = dict.fromkeys(NAMES[:15], raising(SandboxBroke("theirs")))
    found = Class(monkeypatch, guilty).grade(NAMES)
    assert [name for name, one in found.items() if isinstance(one, dict)] == NAMES[15:] or {
        name for name, one in found.items() if isinstance(one, dict)
    } == set(NAMES[15:])


def test_what_a_scheduler_gave_up_is_the_machines(monkeypatch):
    room = Class(monkeypatch, {"s01": raising(CancelledError(), times=1)})
    assert all(isinstance(one, dict) for one in room.grade(NAMES).values())


def test_the_log_keeps_the_traceback_and_the_row_names_the_file(tmp_path):
    log = Log(tmp_path, "grade-01")
    assert not (tmp_path / ".autograder").exists()
    try:
        {}["\udc80i"]
    except KeyError as error:
        said = log.keep("ada", error)
    assert said.startswith("the grader failed on ada: KeyError: ")
    path = tmp_path / said.split("see ")[1]
    assert path.parent == tmp_path / ".autograder" / "log"
    assert "Traceback" in path.read_text(encoding="utf-8")
    log.keep("bob", ValueError("x"))
    assert len(list(path.parent.iterdir())) == 1


def test_a_log_that_cannot_be_written_hides_nothing(tmp_path):
    (tmp_path / ".autograder").write_text("a file")
    assert Log(tmp_path, "grade").keep("ada", ValueError("x\ny")) == "the grader failed on ada: ValueError: x"
    assert Path(tmp_path / ".autograder").read_text() == "a file"


@pytest.mark.parametrize("cores", [1, 4])
def test_two_workers_never_claim_one_core(monkeypatch, cores):
    from autograder import cores as module

    if not hasattr(module.os, "sched_setaffinity"):
        pytest.skip("no such thing here")
    pinned = []
    monkeypatch.setattr(module.os, "sched_getaffinity", lambda _: set(range(1000, 1000 + cores)))
    monkeypatch.setattr(module.os, "sched_setaffinity", lambda _, wanted: pinned.append(wanted))
    held = []
    try:
        for _ in range(cores + 2):
            monkeypatch.setattr(module, "_held", [])
            module.claim()
            held += module._held
        assert sorted(map(min, pinned)) == list(range(1000, 1000 + cores))
    finally:
        for one in held:
            one.close()
