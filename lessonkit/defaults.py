"""Checks run with PyTorch's and NumPy's own defaults, whatever a cell above has switched.

`torch.set_default_dtype(torch.float64)` in an experiment would make every right answer further down a wrong one. The
switch is turned back while a check runs, in the notebook and in grading alike, and is as it was afterwards.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from types import ModuleType

import numpy as np


@contextmanager
def restored() -> Iterator[None]:
    """Turn default dtype, default device, recording of gradients and NumPy's error state to what they are in a fresh Python."""
    with ExitStack() as stack:
        stack.enter_context(np.errstate(divide="warn", over="warn", under="ignore", invalid="warn"))
        if torch := sys.modules.get("torch"):
            _of_torch(torch, stack)
        yield


def _of_torch(torch: ModuleType, stack: ExitStack) -> None:
    """Turn PyTorch's switches back where they were moved, and have them moved again when the stack is left."""
    usual: list[tuple[Callable[[], object], Callable[[object], object], object]] = [
        (torch.get_default_dtype, torch.set_default_dtype, torch.float32),
        (torch.is_grad_enabled, torch.set_grad_enabled, True),
        (torch.get_default_device, torch.set_default_device, torch.device("cpu")),
    ]
    for get, put, default in usual:
        try:
            before = get()
            if before != default:
                put(default)
                stack.callback(put, before)
        except Exception:  # replaced by a student's own: their checks say what comes of it
            continue
