"""One line of the table of measurements."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]


def row(what: str, ours: str, against: str, ratio: float, goal: str, met: bool | None) -> Row:
    """Return one line of the table."""
    return {"what": what, "ours": ours, "against": against, "ratio": round(ratio, 2), "goal": goal, "met": met}
