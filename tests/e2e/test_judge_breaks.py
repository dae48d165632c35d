"""The judging process breaks in every way there is: a row each, and the other exercises are judged."""

from __future__ import annotations

import os
import signal

import pytest

from autograder.judge import bench as benches
from autograder.judge import process as judging
from autograder.judge.bench import Bench
from autograder.judge.grade_one import Observed

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the judge's limits are Unix's")
#: What a judge does to itself, put in the place of judging one exercise; `relu` is the one that is hit.
WAYS = {
    "burns": "while True: pass",
    "eats": "x = []\n        while True: x.append(bytearray(2**24))",
    "hangs": "__import__('time').sleep(999)",
    "dies": "os._exit(3)",
    "is killed": "os.kill(os.getpid(), 9)",
    "raises": "raise RecursionError('deep')",
}
MAIN = """
import os, sys
from autograder.judge import process
real = process.judge_exercise
process.CPU_SECONDS = {seconds}
def judge_exercise(name, *rest):
    if name == "relu":
        {way}
    return real(name, *rest)
process.judge_exercise = judge_exercise
process.main()
"""


class FakeReference:
    """A chapter whose reference recorded nothing: judging it takes the whole way, and says that the checker broke."""

    def __init__(self, chapter):
        self.chapter, self.frames = chapter, {}

    def mistakes(self, exercise):
        return []


@pytest.fixture
def bench(classroom, monkeypatch):
    made = Bench(FakeReference(classroom.chapter), None)
    yield made
    made.close()


def breaking(monkeypatch, way):
    real = benches.subprocess.Popen

    def popen(command, **how):
        # little time for the one that burns it; the others must not meet that limit on a slow machine
        main = MAIN.replace("{way}", WAYS[way]).replace("{seconds}", "2" if way == "burns" else "60")
        return real([*command[:2], "-c", main], **how)

    monkeypatch.setattr(benches.subprocess, "Popen", popen)


@pytest.mark.parametrize("way", WAYS)
def test_a_judge_that_breaks_is_a_row_and_the_others_are_judged(bench, monkeypatch, way):
    breaking(monkeypatch, way)
    monkeypatch.setattr(benches, "WALL_SECONDS", 20.0)
    result, cells = bench.judge("relu", "x = 1", Observed({}, {}), [])
    assert result.outcome == "checker broke"
    said = {"burns": "CPU time", "eats": "MemoryError", "hangs": "stopped after 20 s", "dies": "ended (3)", "is killed": "killed", "raises": "deep"}
    assert said[way] in result.message
    assert {cell["outcome"] for cell in cells.values()} == {"checker broke"}
    other, _ = bench.judge("linear_forward", "x = 1", Observed({}, {}), [])
    assert "the reference made no check" in other.message  # it was judged, in a process that lives
    assert bench.breaks == 1


def test_a_judge_that_somebody_else_killed_costs_nobody_anything(bench):
    first, _ = bench.judge("relu", "x = 1", Observed({}, {}), [])
    os.kill(bench.process.pid, signal.SIGKILL)
    again, _ = bench.judge("relu", "x = 1", Observed({}, {}), [])
    assert again == first
    assert bench.breaks == 0


def test_one_that_breaks_again_and_again_is_left_to_a_person(bench, monkeypatch):
    breaking(monkeypatch, "dies")
    for _ in range(benches.BREAKS):
        bench.judge("relu", "x = 1", Observed({}, {}), [])
    other, _ = bench.judge("linear_forward", "x = 1", Observed({}, {}), [])
    assert "stopped on other exercises" in other.message
    bench.next_submission()
    assert "the reference made no check" in bench.judge("linear_forward", "x = 1", Observed({}, {}), [])[0].message
    assert judging.CPU_SECONDS == 20
