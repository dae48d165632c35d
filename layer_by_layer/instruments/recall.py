"""What a reader expected beside what came out: the questions at the start of a chapter. Nothing is kept or graded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def side_by_side(expected: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    """Print each question of `found` with its answer, beside what `expected` says of it ("?" where nothing)."""
    for question, answer in found.items():
        print(f"{question}\n    you expected: {expected.get(question, '?')}\n    it is:        {answer}")
