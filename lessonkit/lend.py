"""Lend the course's own parts to a student's function while a check runs it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FunctionType
from typing import Any

from lessonkit.guard import is_library

_MISSING = object()


@contextmanager
def lend(function: Callable[..., Any], **parts: Any) -> Iterator[None]:
    """Put the course's own `parts` under the names that a student's `function` (or class) looks them up by.

    An exercise that builds on earlier ones is judged with right ones, so that an earlier mistake costs points
    only once. A name that the cell of `function` defines itself stays: there it means what the student wants it
    to mean. Everything is as before afterwards.
    """
    written = _functions_of(function)
    space = written[0].__globals__ if written else {}
    here = {one.__code__.co_filename for one in written}
    lent = {
        name: part
        for name, part in parts.items()
        if not here & {one.__code__.co_filename for one in _functions_of(space.get(name))}
    }
    before = {name: space.get(name, _MISSING) for name in lent}
    space.update(lent)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is _MISSING:
                space.pop(name, None)
            else:
                space[name] = value


def _functions_of(thing: Any) -> list[FunctionType]:
    """Return the functions in Python, no library's, that a function, a class or a callable object is made of."""
    thing = _bare(thing)
    if isinstance(thing, FunctionType):
        found = [thing]
    else:
        kind = thing if isinstance(thing, type) else type(thing)
        found = [_bare(held) for base in kind.__mro__ for held in vars(base).values()]
    return [
        one for one in found if isinstance(one, FunctionType) and not is_library(one.__code__.co_filename)
    ]


def _bare(thing: Any) -> Any:
    """Return what a partial, a decorator or a binding holds; the thing itself where it is none of them."""
    try:
        thing = inspect.unwrap(getattr(thing, "func", thing))
        return getattr(thing, "__func__", thing)
    except Exception:  # an object that answers every attribute
        return thing
