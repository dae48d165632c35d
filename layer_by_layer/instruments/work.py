"""Count what a function makes Python do: a loop makes calls for every row, a tensor operation one for all."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

from torch.overrides import TorchFunctionMode

from lessonkit.guard import is_library


class _Counting(TorchFunctionMode):
    """Counts operations on tensors, also those that C code calls, such as `map(torch.dot, a, b)`."""

    count = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += 1
        return func(*args, **(kwargs or {}))


def calls(run: Callable[[], Any]) -> int:
    """Run `run()`, once to warm up and once to count, and return how many operations on tensors and calls of
    functions outside libraries it made.

    Compare two sizes of the same input: the number does not grow where no loop in Python walks over it.
    """
    run()
    counted = 0

    def profile(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal counted
        if event in ("call", "c_call") and not is_library(frame.f_code.co_filename):
            counted += 1

    before = sys.getprofile()
    with _Counting() as mode:
        sys.setprofile(profile)
        try:
            run()
        finally:
            sys.setprofile(before)
    return counted + mode.count
