"""A part is lent to later exercises and refuses to be the answer to its own, however it was reached."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

from lessonkit import check
from lessonkit.guard import is_library


def no_answer_to(exercise: str) -> Callable[[Any], Any]:
    """Decorate a function or class that does what `exercise` asks for.

    Called by a student's code while that exercise is checked it raises RuntimeError. The checks themselves, and
    other parts, may call it at any time.
    """

    def mark(part: Any) -> Any:
        if not isinstance(part, type):
            return _guarded(part, exercise)
        if isinstance(vars(part).get("forward"), staticmethod):  # an autograd.Function makes no instance
            part.forward = staticmethod(_guarded(part.forward, exercise))
        else:
            part.__init__ = _guarded(part.__init__, exercise)
        return part

    return mark


def _guarded(function: Any, exercise: str) -> Any:
    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        if check.running_exercise() == exercise and _caller() != check.running_file():
            raise RuntimeError(f"this is the course's own part for {exercise}; the answer has to be yours")
        return function(*args, **kwargs)

    del run.__wrapped__  # what it guards is not for taking off
    return run


def _caller() -> str:
    """Return the file name of the nearest calling code that is neither a library's nor the course's."""
    frame = sys._getframe(2)
    while frame.f_back is not None and is_library(frame.f_code.co_filename):
        frame = frame.f_back
    return frame.f_code.co_filename
