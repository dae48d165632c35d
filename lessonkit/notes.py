"""Find what belongs to the notebook that is open: `lessonkit.json`, built beside each notebook.

The file holds the staged hints, the calls an exercise forbids, and the fingerprints of known mistakes (what
the wrong solutions return on the visible checks). It holds no answer.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

FILE = "lessonkit.json"


@cache
def _load(path: Path, stamp: int) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))


def notes() -> dict[str, Any]:
    """Return the chapter's notes; an empty dictionary where the notebook was moved away from its file."""
    path = Path.cwd() / FILE
    try:
        return _load(path, path.stat().st_mtime_ns)
    except (OSError, ValueError):
        return {}


def exercise_notes(exercise: str) -> dict[str, Any]:
    """Return what the chapter says of one exercise: `hints`, `forbidden`, `mistakes`; empty where unknown."""
    return notes().get("exercises", {}).get(exercise, {})
