"""A line-up of candidates: right and wrong ones mixed in an order that the seed of the check decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lessonkit import check


@dataclass(frozen=True)
class Candidate:
    """One answer that claims to be right: `made` is a function or class, `kind` says what is wrong with it.

    `kind` is None for a right one. What is `shown` belongs to the checks that a student sees; the others are
    kept for the hidden ones.
    """

    kind: str | None
    made: Callable[..., Any]
    shown: bool = False


class Lineup:
    """The candidates of one exercise. `build` makes them afresh, so that none remembers an earlier trial.

    A builder carries `@no_answer_to(exercise)`: asked for by the student's own code it refuses.
    """

    def __init__(self, build: Callable[[], list[Candidate]]) -> None:
        self._build = build

    def __call__(
        self, seed: int, *kinds: str, shown: bool = False
    ) -> list[tuple[str | None, Callable[..., Any]]]:
        """Return `(kind, candidate)` pairs in an order drawn from `seed`; `kind` is None for a right one.

        With `kinds`, the wrong ones are those of these kinds only; the right ones are always all there. `shown`
        takes the few that a visible check uses, else all the others. Raises ValueError for a kind without one.
        """
        every = [one for one in self._build() if one.shown == shown and (one.kind is None or not kinds or one.kind in kinds)]
        if missing := sorted(set(kinds) - {one.kind for one in every}):
            raise ValueError(f"no candidate of the kind {', '.join(missing)}; the kinds stand beside the candidates")
        return [(every[i].kind, every[i].made) for i in check.rng(seed).permutation(len(every))]

    def kinds(self, seed: int, *kinds: str, shown: bool = False) -> list[str | None]:
        """Return what is wrong with each, None where nothing is: the judgement's side, for `given=`."""
        return [kind for kind, _ in self(seed, *kinds, shown=shown)]

    def verdicts(self, judge: Callable[[Any], Any], seed: int, *kinds: str, shown: bool = False) -> list[Any]:
        """Return what `judge` says of each candidate; the name of the exception where it raises instead.

        The kinds are not here while `judge` runs: its caller's frame holds nothing to read them from.
        """
        return [_verdict(judge, made) for made in [made for _, made in self(seed, *kinds, shown=shown)]]


def _verdict(judge: Callable[[Any], Any], made: Callable[..., Any]) -> Any:
    try:
        return judge(made)
    except NotImplementedError:
        raise  # not written yet: no verdict at all
    except Exception as error:
        return f"raised {type(error).__name__}"
