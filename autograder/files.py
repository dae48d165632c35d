"""Write files so that nobody ever sees half of one, and read what was kept as JSON whatever became of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from lessonkit.files import write_atomically

__all__ = ["read_lines", "read_object", "write_atomically"]

Row = TypeVar("Row")


def read_object(path: Path) -> dict[str, Any]:
    """Return the JSON object of a file; {} where there is none, or where it is damaged."""
    try:
        found = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def read_lines(path: Path, make: Callable[..., Row]) -> Iterator[Row]:
    """Yield `make(**line)` for each line of JSON of a file; a line that is damaged is passed over."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        try:
            yield make(**json.loads(line))
        except (ValueError, TypeError):
            continue
