"""A line of the table of measurements, and the time that a command takes."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any

Row = dict[str, Any]


def row(what: str, ours: str, against: str, ratio: float, goal: str, met: bool | None) -> Row:
    """Return one line of the table."""
    return {"what": what, "ours": ours, "against": against, "ratio": round(ratio, 2), "goal": goal, "met": met}


def seconds(command: list[str], cwd: Path | None = None) -> float:
    """Run a command and return its wall-clock seconds; raises RuntimeError with its last words where it fails."""
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd)
    if done.returncode:
        raise RuntimeError(f"{command[2:5]} ended with {done.returncode}: {done.stderr[-500:]}")
    return time.perf_counter() - started
