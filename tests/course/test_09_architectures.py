"""Chapter 9: later exercises stand on their own, and guessing earns nothing."""

from __future__ import annotations

import pytest

CHAPTER = "09_architectures"


@pytest.mark.parametrize("exercise", ["multi_head_attention", "transformer_block", "is_causal"])
def test_a_later_exercise_stands_on_its_own(rehearse, exercise):
    rehearsal = rehearse(CHAPTER)
    result = rehearsal.grade({exercise: rehearsal.right()[exercise]}, {exercise})
    assert result.exercises[exercise].outcome == "pass", result.exercises[exercise].message


@pytest.mark.parametrize("guess", ["True", "length == 1", "random.random() < 0.5"])
def test_answers_that_are_guessed_earn_nothing(rehearse, guess):
    code = f"import random\ndef is_causal(module, length, dim):\n    return {guess}\n"
    assert rehearse(CHAPTER).grade({"is_causal": code}, {"is_causal"}).exercises["is_causal"].score == 0
