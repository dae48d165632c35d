"""Stop a function of Python that takes too long: one call that never ends must not take the others with it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, TypeVar

Result = TypeVar("Result")


def within(seconds: float, function: Callable[..., Result], *arguments: Any) -> Result:
    """Return `function(*arguments)`; TimeoutError where its Python code still runs after `seconds` of computing.

    Counted is the time that this thread computes, so that a busy machine stops nobody who is right.
    The clock is looked at before every line of Python below this call: a single call of C code, or a loop that
    never leaves its one line, is not stopped. Works on every platform and in every thread.
    """
    end = time.thread_time() + seconds

    def look(frame: FrameType, event: str, argument: object) -> Any:
        if time.thread_time() > end:
            raise TimeoutError(f"stopped after {seconds:g} seconds of computing")
        return look

    before = sys.gettrace()
    sys.settrace(look)
    try:
        return function(*arguments)
    finally:
        sys.settrace(before)
