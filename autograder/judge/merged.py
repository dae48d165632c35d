"""The results of an assignment's notebooks as one result a student."""

from __future__ import annotations

from autograder.judge.result import Result

#: What a whole assignment is, where its notebooks are several things: the first of these that any of them is.
_WORST = ("error", "rejected", "graded", "missing")


def merged(name: str, notebooks: dict[str, list[Result]]) -> list[Result]:
    """Return one result a student: exercises under `notebook/exercise`, scores added up, every reason kept.

    `notebooks` are the results by notebook. A student who handed in one notebook of two is graded, with the other missing.
    """
    found: dict[str, Result] = {}
    for notebook, results in notebooks.items():
        for one in results:
            whole = found.setdefault(one.student, Result(one.student, name, one.status, isolation=one.isolation))
            whole.status = next(status for status in _WORST if status in (whole.status, one.status))
            reason = f"{notebook}: {one.reason}" if one.reason else None
            whole.reason = "; ".join(filter(None, [whole.reason, reason])) or None
            whole.score, whole.max_score = whole.score + one.score, whole.max_score + one.max_score
            whole.notes += [f"{notebook}: {note}" for note in one.notes]
            whole.exercises |= {f"{notebook}/{exercise}": table for exercise, table in one.exercises.items()}
    return list(found.values())
