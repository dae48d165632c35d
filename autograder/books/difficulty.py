"""How hard an exercise was for a class, and whether it tells apart those who stand well from those who do not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from autograder.judge.result import Result


@dataclass(frozen=True)
class Item:
    """One exercise in a class.

    `share` is the mean share of its points, from 0 (nobody) to 1. `discrimination` is the point-biserial correlation of
    passing it with the points of all other exercises, from -1 to 1; None where it is not defined: fewer than MIN_CLASS
    students, all alike, or no other exercise.
    """

    name: str
    count: int
    passed: int
    mean: float
    most: float
    share: float
    discrimination: float | None


#: Students from whom on a correlation is shown; of fewer it is noise.
MIN_CLASS = 10


def items(names: Sequence[str], most: dict[str, float], graded: Sequence[Result]) -> list[Item]:
    """Return each exercise of a class, in the order of `names`; `most` has the points of each."""
    found = []
    for name in names:
        took = [r for r in graded if name in r.exercises]
        passed = [r.exercises[name].outcome == "pass" for r in took]
        scores = [r.exercises[name].score for r in took]
        rest = [r.score - score for r, score in zip(took, scores, strict=True)]
        mean = sum(scores) / len(scores) if scores else 0.0
        enough = len(took) >= MIN_CLASS
        share = mean / most[name] if most[name] else 0.0
        found.append(Item(name, len(took), sum(passed), mean, most[name], share, point_biserial(passed, rest) if enough else None))
    return found


def point_biserial(passed: Sequence[bool], scores: Sequence[float]) -> float | None:
    """Return the correlation of a yes or no with a score: (M1 - M0) / s * sqrt(p q), s over all n.

    The formula is Lord and Novick, Statistical Theories of Mental Test Scores (1968), chapter 15. None where everybody
    passed or nobody did, or where all scores are the same.
    """
    n, yes = len(passed), sum(passed)
    if n == 0 or yes in (0, n):
        return None
    mean = sum(scores) / n
    deviation = math.sqrt(sum((score - mean) ** 2 for score in scores) / n)
    if deviation < 1e-12:
        return None
    high = sum(s for p, s in zip(passed, scores, strict=True) if p) / yes
    low = sum(s for p, s in zip(passed, scores, strict=True) if not p) / (n - yes)
    return (high - low) / deviation * math.sqrt(yes / n * (1 - yes / n))


def histogram(graded: Sequence[Result], bins: int = 10) -> list[int]:
    """Return how many students have 0-10 %, 10-20 %, … of the points; the last bin holds the whole."""
    counts = [0] * bins
    for result in graded:
        share = result.score / result.max_score if result.max_score else 0.0
        counts[min(bins - 1, max(0, int(share * bins)))] += 1
    return counts
