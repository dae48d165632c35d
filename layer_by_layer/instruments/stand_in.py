"""Pictures that never go dark: where a student's part is missing or wrong, the course's stands in and says so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import torch

from lessonkit import show

Part = TypeVar("Part")


def yours_or_ours(name: str, yours: Part, ours: Part, trial: Callable[[Any], Any]) -> Part:
    """Return `yours` where `trial` gives the same tensor with it as with `ours`, else `ours`, and say so in a line.

    `trial(part)` makes a small, deterministic use of the part: it sets weights instead of drawing them.
    """
    try:
        state = torch.get_rng_state()
        fine = torch.allclose(trial(yours).double(), trial(ours).double(), rtol=1e-3, atol=1e-4)
        torch.set_rng_state(state)
    except Exception:
        fine = False
    if fine:
        return yours
    show.show(f"{name} is not right yet: what follows is drawn with the course's own.")
    return ours
