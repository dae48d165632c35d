"""The engine: one submission is one pure call, and what needs no run never reaches a worker."""

from __future__ import annotations

import json

import pytest

from autograder import engine
from autograder.errors import NoScheduler
from autograder.judge.result import not_run
from autograder.sandbox.host import SandboxBroke
from autograder.turns import Job


@pytest.fixture
def setup(room):
    yield engine.Setup(str(room.root), room.name, False, "none", reference="r")
    engine.forget_all()


def data(room, **solutions):
    return json.dumps(room.notebook(room.right | solutions)).encode()


def test_a_call_is_pure(room, setup):
    before = (room.root / "gradebook.db").read_bytes()
    first = engine.call(setup, Job("ada", data(room)))
    engine.forget_all()
    assert engine.call(setup, Job("ada", data(room))) == first
    assert (first["student"], first["score"], first["status"]) == ("ada", 6.0, "graded")
    assert (room.root / "gradebook.db").read_bytes() == before
    assert sorted(path.name for path in (room.root / ".autograder").iterdir()) == ["records"]


def test_a_template_that_died_is_replaced_and_the_submission_is_graded(room, setup):
    engine.call(setup, Job("ada", data(room)))
    [template] = engine._templates.values()
    template.process.kill()
    template.process.wait()
    with engine.local(1, setup) as make:
        [(job, found)] = engine.run_all(make, setup, iter([Job("bob", data(room))]), 2)
    assert job.student == "bob"
    assert isinstance(found, dict)
    assert found["score"] == 6.0


def test_what_is_known_passes_by_and_order_is_kept(room, setup, monkeypatch):
    known = {name: not_run(room.chapter, name, "missing", "nothing handed in", "none") for name in ("a", "c")}
    monkeypatch.setattr(engine, "call", lambda setup, job: {"student": job.student})
    jobs = [Job(name, b"x", known=known.get(name)) for name in "abcd"]
    with engine.local(1, setup) as make:
        found = list(engine.run_all(make, setup, iter(jobs), 1))
    assert sorted((job.student, isinstance(one, dict)) for job, one in found) == [("a", False), ("b", True), ("c", False), ("d", True)]
    assert all(one is known[job.student] for job, one in found if job.student in known)


def test_no_worker_starts_where_everything_is_known(room, setup):
    jobs = [Job(name, b"", known=not_run(room.chapter, name, "missing", "", "none")) for name in "ab"]
    found = list(engine.run_all(lambda: pytest.fail("a pool was made"), setup, iter(jobs), 4))
    assert [job.student for job, _ in found] == ["a", "b"]


def test_submissions_are_taken_in_as_they_are_run_and_not_all_at_once(room, setup, monkeypatch):
    monkeypatch.setattr(engine, "call", lambda setup, job: {"student": job.student})
    taken = []

    def arriving():
        for number in range(50):
            taken.append(number)
            yield Job(str(number), b"")

    with engine.local(1, setup) as make:
        running = engine.run_all(make, setup, arriving(), 4)
        next(running)
        assert len(taken) <= 5
        assert len(list(running)) == 49


def test_a_machine_that_fails_every_time_is_an_error_of_this_submission_alone(room, setup, monkeypatch):
    calls = []

    def call(setup, job):
        calls.append(job.student)
        if job.student == "b":
            raise SandboxBroke("the template died")
        return {"student": job.student}

    monkeypatch.setattr(engine, "call", call)
    with engine.local(1, setup) as make:
        found = {job.student: one for job, one in engine.run_all(make, setup, iter([Job(n, b"") for n in "abc"]), 1)}
    assert isinstance(found["b"], SandboxBroke)
    assert calls.count("b") == engine.ATTEMPTS
    assert found["a"] == {"student": "a"}
    assert found["c"] == {"student": "c"}


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:1", "nonsense"])
def test_a_scheduler_that_does_not_answer_is_a_sentence(address, monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr(engine, "SCHEDULER_SECONDS", 0.3)
    with pytest.raises(NoScheduler, match="no Dask scheduler answers at"), engine.dask(address):
        pass
