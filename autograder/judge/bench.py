"""Where a submission is judged: a warm process apart from the one that asks, started again where it breaks."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from typing import Any

from autograder.judge.grade_one import Observed, broke
from autograder.judge.reference import Reference
from autograder.judge.result import ExerciseResult
from autograder.sandbox import bwrap, wire
from lessonkit.waiting import waited

#: Seconds that one exercise may take to be judged, without those in which others had the processor: its CPU seconds
#: decide, these only bound. And how many times as long it may take by the clock.
WALL_SECONDS, PATIENCE = 90.0, 10.0
#: How often the process may break on one submission before the rest of it is left to a person.
BREAKS = 3

Judged = tuple[ExerciseResult, dict[str, dict[str, Any]]]


class JudgeBroke(RuntimeError):
    """The judging process ended, or had to be ended."""


class JudgeLost(JudgeBroke):
    """The judging process was taken away: by a person, a machine without memory, whoever else. It may be nobody's doing."""


class Bench:
    """Judges exercises of one chapter in a process of its own; `held_out` is the folder that only judges read."""

    def __init__(self, reference: Reference, held_out: str | None) -> None:
        self.reference, self.held_out = reference, held_out
        self.process: subprocess.Popen[bytes] | None = None
        self.opened = False
        self.breaks = 0

    def start(self) -> None:
        """Start the process without waiting until its imports are done."""
        course = self.reference.chapter.course
        environment = bwrap.plain_environment(None, course.package)
        environment.pop("COURSE_PREPARED", None)
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "autograder.judge.process"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment,
            start_new_session=True,
        )  # fmt: skip
        self.reader = wire.Reader(2**50)
        self.opened = False

    def close(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            for pipe in (self.process.stdin, self.process.stdout):
                if pipe is not None:
                    pipe.close()
            self.process = None

    def next_submission(self) -> None:
        """Forget how often the process broke on the one before."""
        self.breaks = 0

    def judge(self, name: str, source: str, observed: Observed, beside: list[str]) -> Judged:
        """Return the result of one exercise and what is stored of its cells; never raises for what was handed in.

        `source` is the text of its solution cell and `beside` the texts of the student's other cells, in order.
        """
        if self.breaks >= BREAKS:
            return broke(name, self.reference.chapter, "the judge was stopped on other exercises of this submission")
        cells = self.reference.chapter.exercises[name].points
        question = {
            "exercise": name, "source": source, "beside": beside,
            "frames": {cell: observed.frames[cell] for cell in cells if cell in observed.frames},
            "reasons": {cell: observed.reasons[cell] for cell in (*cells, name) if cell in observed.reasons},
            "undefined": observed.undefined,
        }  # fmt: skip
        for may_be_lost in (True, False):
            try:
                return self._ask(question)
            except JudgeBroke as error:
                self.close()
                if may_be_lost and isinstance(error, JudgeLost):
                    continue  # what kills a judge comes again; what took this one away most likely does not
                self.breaks += 1
                reason = str(error)
                break
        return broke(name, self.reference.chapter, reason)

    def _ask(self, question: dict[str, Any]) -> Judged:
        if self.process is None:
            self.start()
        if not self.opened:
            chapter = self.reference.chapter
            opening = {"root": str(chapter.root), "chapter": chapter.name, "notebook": chapter.notebook, "frames": self.reference.frames}
            self._write({"open": opening, "held_out": self.held_out})
            self.opened = True
        self._write(question)
        assert self.process is not None
        pid = self.process.pid
        patience = _Patience(pid)
        while True:
            answer = self._read(patience)
            if "need" in answer:
                known = self.reference.mistakes(answer["need"])
                self._write({"mistakes": [{"name": m.name, "help": m.help, "frames": m.frames} for m in known]})
                patience = _Patience(pid)
            elif "broke" in answer:
                raise JudgeBroke(f"the judge broke ({answer['broke']})")
            else:
                return ExerciseResult(**answer["result"]), answer["cells"]

    def _write(self, message: dict[str, Any]) -> None:
        assert self.process is not None
        assert self.process.stdin is not None
        try:
            wire.write(self.process.stdin.fileno(), message)
        except OSError as error:
            raise self._ended() from error

    def _read(self, patience: _Patience) -> dict[str, Any]:
        assert self.process is not None
        assert self.process.stdout is not None
        while True:
            ready, _, _ = select.select([self.process.stdout], [], [], 1.0)
            if not ready and patience.is_over():
                raise JudgeBroke(f"the judge was stopped after {WALL_SECONDS:.0f} s")
            if not ready:
                continue
            data = os.read(self.process.stdout.fileno(), 1 << 20)
            if not data:
                raise self._ended()
            if frames := self.reader.feed(data):
                return frames[0]

    def _ended(self) -> JudgeBroke:
        assert self.process is not None
        code = self.process.wait()
        if code == -signal.SIGKILL:
            return JudgeLost("the judge was killed: out of memory?")
        return JudgeBroke(f"the judge was ended by signal {-code}: out of CPU time?" if code < 0 else f"the judge ended ({code})")


class _Patience:
    """How long a judge may still be waited for: what it waited for a processor is no time of its."""

    def __init__(self, pid: int) -> None:
        self.pid, self.began, self.waited = pid, time.monotonic(), waited(pid)

    def is_over(self) -> bool:
        """Return True where there was enough time."""
        wall = time.monotonic() - self.began
        return wall - (waited(self.pid) - self.waited) > WALL_SECONDS or wall > PATIENCE * WALL_SECONDS
