"""A picture never goes dark: where a student's part is missing or wrong, the course's own stands in and says so.

    relu = stand_in.yours_or_ours("relu_forward", parts.relu_forward, lambda f: f(np.array([-1.0, 2.0])))
    plot.curves({f"{stand_in.whose('relu_forward')} ReLU": relu(line)}, ...)

Pictures only: checks lend parts through `check.lend`, where the student is told nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

from lessonkit import show
from lessonkit.compare import compare
from lessonkit.observe import encode

Part = TypeVar("Part")
#: Names whose course's part is standing in, from the last time each was asked for.
_standing_in: set[str] = set()


def yours_or_ours(name: str, ours: Part, trial: Callable[[Part], Any] | None = None) -> Part:
    """Return what the notebook has under `name` where it passes a tiny trial, else `ours` with a line that says so.

    `trial(part)` uses a part and returns numbers, arrays, tensors, strings, or lists of them; yours passes where
    it gives the same as ours, within the tolerance of the dtype. Without a trial, yours is taken where it is
    written at all. For functions and classes alike.
    """
    return this_or_ours(name, sys._getframe(1).f_globals.get(name), ours, trial)


def this_or_ours(name: str, yours: Any, ours: Part, trial: Callable[[Any], Any] | None = None) -> Part:
    """Return `yours` as `yours_or_ours` does: for parts that go by another name, or several in a tuple."""
    reason = _what_is_off(yours, ours, trial)
    _standing_in.discard(name)
    if not reason:
        return yours  # type: ignore[return-value]  # it passed for one of the kind of `ours`
    _standing_in.add(name)
    if not show.recording():
        show.show(f"In this picture the course's own {name} stands in: {reason}.")
    return ours


def whose(*names: str) -> str:
    """Return "your" where none of `names` is stood in for, else "the course's": for labels, titles, alt text."""
    return "the course's" if _standing_in & set(names) else "your"


def _what_is_off(yours: Any, ours: Any, trial: Callable[[Any], Any] | None) -> str:
    if yours is None:
        return "yours is not defined yet; run its cell"
    if trial is None:
        return "yours is not written yet" if _is_stub(yours) else ""
    try:
        seen = encode(trial(yours))
    except NotImplementedError:
        return "yours, or something that it calls, is not written yet"
    except Exception as error:
        return f"yours raised {type(error).__name__} on a small trial"
    return "" if compare(encode(trial(ours)), seen) is None else "yours gives something else on a small trial"


def _is_stub(part: Any) -> bool:
    """Return True where a function, or a method of a class, is still the line that raises NotImplementedError."""
    held = vars(part).values() if isinstance(part, type) else (part,)
    codes = [getattr(getattr(one, "__func__", one), "__code__", None) for one in held]
    return any(code is not None and "NotImplementedError" in code.co_names for code in codes)
