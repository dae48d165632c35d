"""Decide which known mistake explains what was observed: one rule for the notebook and for a grader.

A help line is true or absent. It is given where every known mistake that explains the observations of a test cell
gives the same advice. Where several that advise different things explain them alike, the rest of what was seen of
the exercise decides; where that does not, nothing is said. So whoever made a known mistake is never told the help
of another: their own mistake explains everything that was seen of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

#: By what an observation shows a mistake: a wrong value, a judge's finding, an exception, "" where it is right.
Telling = Literal["value", "finding", "exception", ""]


@dataclass(frozen=True)
class Candidate:
    """A known mistake beside an answer.

    `agrees` says, for each test cell that was looked at, whether the answer's observations there are the
    mistake's; `telling` is what shows the mistake to be wrong in the cell at hand. Judges' findings say less than
    what they were found in: `alike` counts the observations with a finding that are the same themselves too.
    """

    name: str
    help: str
    telling: Telling
    agrees: Mapping[str, bool]
    alike: int = 0


def explain(cell: str, candidates: Iterable[Candidate]) -> Candidate | None:
    """Return the known mistake whose help is true of the observations in `cell`, None where nothing is sure.

    Exceptions tell little, since different mistakes end in the same one: there a mistake has to agree with
    everything that was seen. Of several mistakes with one help the one that agrees with most is returned.
    """
    here = [one for one in candidates if one.telling and one.agrees.get(cell)]
    here = [one for one in here if one.telling != "exception" or all(one.agrees.values())]
    if not here:
        return None
    most = max(map(_closeness, here))
    best = [one for one in here if _closeness(one) == most]
    sure = len({one.help for one in here}) == 1 or len({one.help for one in best}) == 1
    return best[0] if sure else None


def _closeness(candidate: Candidate) -> tuple[int, int]:
    return sum(candidate.agrees.values()), candidate.alike
