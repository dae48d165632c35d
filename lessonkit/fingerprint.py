"""Recognise an observation again from a few rounded numbers, the same on every machine."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from lessonkit.observe import Plain, decode, decode_array

_SAMPLES = 24


def fingerprint(record: dict[str, Any]) -> Any:
    """Return a small JSON value that stands for what a check observed (a record of `lessonkit.check`).

    Where a judge found something, the finding stands beside it.
    """
    if "finding" in record:
        return {"finding": record["finding"], "in": _of(record["value"])}
    if "raised" in record:
        return {"raised": record["raised"][:1], "message": _first_line(record.get("message", ""))}
    return _of(record["value"])


def _first_line(text: str) -> str:
    return re.sub(r"0x[0-9a-fA-F]{6,}", "0x…", text.strip().split("\n")[0])[:120]


def _of(plain: Plain) -> Any:
    kind = plain["kind"]
    if kind == "sequence":
        return ["seq", *(_of(item) for item in plain["items"][:50])]
    if kind == "mapping":
        return ["map", *([key, _of(item)] for key, item in plain["items"][:50])]
    if kind == "float":
        return ["float", _round(decode(plain))]
    if kind in ("array", "tensor", "scalar"):
        flat = decode_array(plain).reshape(-1)
        step = max(1, flat.size // _SAMPLES)
        numbers = [_round(float(v)) for v in flat[::step][:_SAMPLES]]
        return [kind, plain["dtype"], plain["shape"], numbers]
    if kind == "object":
        return ["object", plain.get("type")]
    return [kind, str(plain.get("value"))[:200]]


def _round(value: float) -> float | str:
    return float(f"{value:.5g}") if np.isfinite(value) else repr(float(value))


def same(one: Any, other: Any, words: bool = True) -> bool:
    """Return True where two fingerprints agree to three digits; without `words`, whatever their exceptions say.

    What a judge found the same in is the same, whatever it looked at.
    """
    if isinstance(one, dict) and isinstance(other, dict) and "finding" in one:
        return bool(one["finding"] == other.get("finding"))
    if not words and isinstance(one, dict) and isinstance(other, dict):
        return one.get("raised") == other.get("raised")
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= 1e-3 * max(abs(one), abs(other)) + 1e-9
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return bool(one == other)
