"""Judges of properties that are no equality: a law of random numbers, an accuracy, a falling curve.

Each returns None where the property holds, else a finding: a short sentence, the same for the same mistake, so
that findings can be compared. All take plain data (NumPy arrays, numbers, lists).
"""

from __future__ import annotations

import math

import numpy as np

_NAMED = {
    0.5: "half", 2.0: "twice", math.sqrt(2): "√2 times", 1 / math.sqrt(2): "1/√2 of", math.sqrt(3): "√3 times",
    1 / math.sqrt(3): "1/√3 of", math.sqrt(6): "√6 times", 3.0: "three times", 1 / 3: "a third of",
}  # fmt: skip


def ratio_name(ratio: float, tolerance: float = 0.03) -> str:
    """Return `√2 times` and the like for a ratio near a telling constant, else the ratio to one digit."""
    for value, name in _NAMED.items():
        if abs(ratio / value - 1) < tolerance:
            return name
    return f"about {float(f'{ratio:.1g}'):g} times"


def spread(values: np.ndarray, std: float, sigmas: float = 6.0) -> str | None:
    """Judge the standard deviation of zero-mean samples: within `sigmas` standard errors of `std`.

    The standard error is that of a normal law, std/√(2n) (a uniform law's is smaller), so at 6 sigmas a right
    solution is refused less than once in 10 million times.
    """
    n = values.size
    found = float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))
    if not math.isfinite(found) or found == 0:
        return "the values are all zero or not finite"
    if abs(found / std - 1) <= sigmas / math.sqrt(2 * n):
        return None
    return f"the standard deviation is {ratio_name(found / std)} what it should be"


def uniform(values: np.ndarray, bound: float) -> str | None:
    """Judge samples of the uniform law on (-bound, bound): range, centre, spread and shape.

    The shape is judged by the Kolmogorov–Smirnov distance at a false-alarm rate of 2·exp(-2·2.5²) ≈ 7e-6.
    """
    flat = np.sort(values.astype(np.float64).reshape(-1))
    if finding := spread(flat, bound / math.sqrt(3)):
        return finding
    if np.abs(flat).max() > bound * (1 + 1e-6):
        return "values lie outside the bound: not this uniform law"
    law = (flat + bound) / (2 * bound)
    return _kolmogorov(law, "the values are not uniform between the bounds")


def normal(values: np.ndarray, std: float) -> str | None:
    """Judge samples of the normal law with mean 0 and the given standard deviation, as `uniform` does."""
    flat = np.sort(values.astype(np.float64).reshape(-1))
    if finding := spread(flat, std):
        return finding
    law = np.array([0.5 * (1 + math.erf(v / (std * math.sqrt(2)))) for v in flat])
    return _kolmogorov(law, "the values are not normally distributed around 0")


def _kolmogorov(law: np.ndarray, finding: str) -> str | None:
    n = law.size
    steps = np.arange(1, n + 1) / n
    distance = max(float(np.max(steps - law)), float(np.max(law - steps + 1 / n)))
    return finding if distance > 2.5 / math.sqrt(n) else None


def order(seen: list[str], names: list[str], edges: list[list[int]]) -> str | None:
    """Judge a list of node names: does some order of the graph's nodes read so, each before all it points at?

    `names[i]` is the name of node i, `edges` are pairs [from, to] of numbers. Names may repeat, so every way to
    tell the nodes apart is followed; meant for graphs of a dozen nodes.
    """
    if any(seen.count(name) > names.count(name) for name in set(names)):
        return "a node stands there more than once"
    if any(seen.count(name) < names.count(name) for name in set(names)):
        return "a node is missing"
    if len(seen) > len(names):
        return "a name stands there that is no node's"
    above: list[set[int]] = [set() for _ in names]
    for start, end in edges:
        above[end].add(start)
    states: set[frozenset[int]] = {frozenset()}
    for name in seen:
        states = {
            done | {i}
            for done in states
            for i, own in enumerate(names)
            if own == name and i not in done and above[i] <= done
        }
        if not states:
            return "a node stands before one that points at it"
    return None


def at_least(value: float, least: float) -> str | None:
    """Judge a number from below."""
    return None if value >= least else f"it is below {least:g}"


def at_most(value: float, most: float) -> str | None:
    """Judge a number from above."""
    return None if value <= most else f"it is above {most:g}"
