"""Inputs for checks, from generators of the check's own.

A right solution may draw as many random numbers as it likes from NumPy's or torch's global state, so nothing
here reads that state. In a notebook the numbers are the same every time; the grader sets another base seed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

_default_rng = np.random.default_rng
_base = [0]


def set_base_seed(seed: int) -> None:
    """Make every later `rng`, `array` and `tensor` draw from another family of streams."""
    _base[0] = int(seed)


def rng(seed: int) -> np.random.Generator:
    """Return a NumPy Generator of the check's own; `seed` tells the inputs of one check from another's."""
    return _default_rng([_base[0], int(seed)])


def array(seed: int, *shape: int, dtype: str = "float64", away_from: float | None = None) -> np.ndarray:
    """Return standard normal numbers of the given shape.

    With `away_from`, every entry keeps a distance of at least 0.05 from that value: a kink such as ReLU's at
    0 is never probed by accident.
    """
    values = rng(seed).standard_normal(shape)
    if away_from is not None:
        gap = values - away_from
        values = np.where(np.abs(gap) < 0.05, away_from + np.where(gap < 0, -0.05, 0.05) * 2, values)
    return values.astype(dtype)


def tensor(
    seed: int,
    *shape: int,
    dtype: str = "float32",
    away_from: float | None = None,
    requires_grad: bool = False,
    strided: bool = False,
) -> Any:
    """Return `array(...)` as a torch tensor; with `strided`, the same numbers in non-contiguous memory."""
    import torch

    made = torch.from_numpy(array(seed, *shape, away_from=away_from)).to(getattr(torch, dtype))
    if strided and made.ndim >= 2:
        made = made.transpose(-1, -2).contiguous().transpose(-1, -2)
    elif strided:
        made = torch.stack([made, made], dim=-1)[..., 0]
    return made.requires_grad_(requires_grad)


def integers(seed: int, low: int, high: int, *shape: int, kind: str = "numpy") -> Any:
    """Return int64 numbers from `low` to `high` - 1 as a NumPy array, or as a tensor with `kind="torch"`."""
    values = rng(seed).integers(low, high, size=shape, dtype=np.int64)
    if kind == "numpy":
        return values
    import torch

    return torch.from_numpy(np.asarray(values))
