"""Right and wrong answers for the exercises in which the student is the judge.

    candidates.backward(seed)                        # [(kind, candidate), ...]: kind is None for a right one
    candidates.backward.verdicts(judge, seed)        # what a student's judge says of each, in that order
    candidates.backward.kinds(seed)                  # the kinds in that order, for the judgement: `given=`

The order is drawn from the seed of the check, so it cannot be known beforehand. One module an exercise.
"""

from layer_by_layer.candidates.linear import backward
from layer_by_layer.candidates.lineup import Candidate, Lineup

__all__ = ["Candidate", "Lineup", "backward"]
