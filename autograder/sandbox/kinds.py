"""Which containers a value is made of, told apart where plain data does not: a list is no tuple for `==`."""

from __future__ import annotations

from typing import Any


def kinds(value: Any, depth: int = 0) -> str:
    """Return nested brackets: `[..]` for a list of two values, `(.[.])` for a tuple of a value and a list."""
    if depth < 8 and type(value) in (list, tuple) and len(value) <= 1_000:
        inside = "".join(kinds(one, depth + 1) for one in value)
        return f"[{inside}]" if type(value) is list else f"({inside})"
    return "."
