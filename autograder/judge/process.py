"""The process that judges: comparisons, judges' functions and the text rule run here, under limits of its own.

Started as `python -m autograder.judge.process`; it reads frames from standard input and writes frames to standard
output. Whatever a submission makes a judge do (a memory that fills, a loop that does not end, a parser that gives
up) ends this process at most, and `autograder.judge.bench` starts another.
"""

from __future__ import annotations

import contextlib
import os
import resource
from collections.abc import Callable
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

from autograder.course.chapter import Chapter
from autograder.judge import held_out
from autograder.judge.diagnosis import KnownMistake
from autograder.judge.grade_one import Observed, judge_exercise
from autograder.judge.verdict import Frame
from autograder.rebuild.cells import splits_of, stubs_of
from autograder.rebuild.split import Split
from autograder.sandbox import wire

#: CPU seconds that judging one exercise may take, and bytes over what this process needs anyway.
CPU_SECONDS, MEMORY = 20, 2 * 2**30


class HeldReference:
    """A chapter's right records as the judging process holds them; `ask` gets an exercise's known mistakes."""

    def __init__(self, root: str, chapter: str, notebook: str, frames: dict[str, Frame], ask: Callable[[str], list[dict[str, Any]]]) -> None:
        self.chapter, self.frames, self._ask = Chapter(Path(root), chapter, notebook), frames, ask
        self._mistakes: dict[str, list[KnownMistake]] = {}

    @cached_property
    def splits(self) -> dict[str, Split]:
        """Return every test cell's split."""
        return splits_of(self.chapter.source, self.chapter.course.judges)

    @cached_property
    def stubs(self) -> dict[str, str]:
        """Return the untouched solution cells."""
        return stubs_of(self.chapter.release)

    def mistakes(self, exercise: str) -> list[KnownMistake]:
        """Return the frames of an exercise's known mistakes."""
        if exercise not in self._mistakes:
            self._mistakes[exercise] = [KnownMistake(**one) for one in self._ask(exercise)]
        return self._mistakes[exercise]


class Process:
    """Answers one exercise at a time."""

    def __init__(self, receive: int, send: int) -> None:
        self.receive, self.send = receive, send
        self.records: HeldReference | None = None
        self.reader = wire.Reader(2**50)
        self.waiting: list[dict[str, Any]] = []

    def serve(self) -> None:
        """Answer until the other side closes."""
        while (message := self._next()) is not None:
            if "open" in message:
                self.records = HeldReference(**message["open"], ask=self._mistakes_of)
                held_out.use(self.records.chapter.course.judges, message["held_out"])
            else:
                wire.write(self.send, self._judge(message))

    def _judge(self, message: dict[str, Any]) -> dict[str, Any]:
        assert self.records is not None
        _limit_cpu()
        try:
            observed = Observed(message["frames"], message["reasons"], undefined=message.get("undefined", {}))
            result, cells = judge_exercise(message["exercise"], message["source"], observed, self.records, message["beside"])
            return {"result": asdict(result), "cells": cells}
        except Exception as error:  # a MemoryError and a RecursionError too: the row says so, and the class goes on
            return {"broke": f"{type(error).__name__}: {error}"[:300]}

    def _mistakes_of(self, exercise: str) -> list[dict[str, Any]]:
        wire.write(self.send, {"need": exercise})
        answer = self._next()
        if answer is None:
            os._exit(0)
        return list(answer["mistakes"])

    def _next(self) -> dict[str, Any] | None:
        while not self.waiting:
            data = os.read(self.receive, 1 << 20)
            if not data:
                return None
            self.waiting += self.reader.feed(data)
        return self.waiting.pop(0)


def _limit_memory() -> None:
    with contextlib.suppress(OSError, ValueError), open("/proc/self/statm") as file:
        most = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE") + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


def _limit_cpu() -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime) + 1 + CPU_SECONDS
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CPU, (soft, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def main() -> None:
    """Serve on standard input and output, which nothing else may write to."""
    send = os.dup(1)
    os.dup2(2, 1)
    _limit_memory()
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    Process(0, send).serve()


if __name__ == "__main__":
    main()
