"""How chapter 12's checks and pictures hold a student's own tensors: only by what the contract promises."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np


class Node:
    """The least that has an order: a number, and the nodes it was made from."""

    def __init__(self, number: int, *parents: Node) -> None:
        self.number, self.parents = number, parents

    def __repr__(self) -> str:
        return f"Node({self.number})"


def put(tensor: Any, values: Any) -> Any:
    """Give a tensor of the student's these numbers and return it.

    They go into its array, where whatever looks at it sees them too; where that changes nothing (`.data` may be
    a copy), the tensor gets a new array.
    """
    wanted = np.array(values, dtype=np.float64)
    with contextlib.suppress(TypeError, ValueError):  # a read-only array, or a NumPy number
        tensor.data[...] = wanted
    if not np.array_equal(np.asarray(tensor.data), wanted):
        tensor.data = wanted
    return tensor


def gradient(tensor: Any) -> np.ndarray:
    """Return a copy of a tensor's gradient; none at all is as good as zeros."""
    return np.zeros(tensor.shape) if tensor.grad is None else np.array(tensor.grad)


def numeric_gradients(f: Callable[..., Any], *arrays: np.ndarray, eps: float = 1e-6) -> list[np.ndarray]:
    """Return the central differences of `f(*arrays)`, a number, for every entry of every array."""
    found = []
    for which, array in enumerate(arrays):
        slope = np.zeros(array.shape)
        for index in np.ndindex(array.shape):
            ends = []
            for step in (eps, -eps):
                moved = [np.array(a, dtype=np.float64) for a in arrays]
                moved[which][index] += step
                ends.append(float(f(*moved)))
            slope[index] = (ends[0] - ends[1]) / (2 * eps)
        found.append(slope)
    return found
