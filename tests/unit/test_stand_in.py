"""A picture uses the student's part where it passes a small trial, else the course's, and says so."""

from __future__ import annotations

import numpy as np
import pytest

from layer_by_layer import parts
from layer_by_layer.instruments import stand_in

TRIAL = "lambda f: f(np.array([-1.0, 2.0]))"


def asked_for(source: str, trial: str = TRIAL):
    space = {"np": np, "parts": parts, "stand_in": stand_in}
    exec(f"{source}\nfound = stand_in.yours_or_ours('relu_forward', parts.relu_forward, {trial})", space)
    return space["found"], space.get("relu_forward")


def test_yours_is_taken_where_it_passes(capsys):
    found, yours = asked_for("def relu_forward(h): return np.maximum(h, 0)")
    assert found is yours
    assert stand_in.whose("relu_forward") == "your"
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("", "yours is not defined yet; run its cell"),
        ("def relu_forward(h): raise NotImplementedError", "yours is not written yet"),
        ("def relu_forward(h): return h[99]", "yours raised IndexError on a small trial"),
        ("def relu_forward(h): return np.abs(h)", "yours gives something else on a small trial"),
    ],
)
def test_ours_stands_in_and_the_picture_says_why(capsys, source, said):
    found, _ = asked_for(source)
    assert found is parts.relu_forward
    assert capsys.readouterr().out == f"In this picture the course's own relu_forward stands in: {said}.\n"
    assert stand_in.whose("linear_forward", "relu_forward") == "the course's"
    asked_for("def relu_forward(h): return np.maximum(h, 0)")
    assert stand_in.whose("relu_forward") == "your"


def test_without_a_trial_a_stub_is_told_from_what_is_written():
    found, yours = asked_for("def relu_forward(h): return np.abs(h)", "None")
    assert found is yours
    found, _ = asked_for("def relu_forward(h):\n    # YOUR CODE HERE\n    raise NotImplementedError()", "None")
    assert found is parts.relu_forward
    found, _ = asked_for("class relu_forward:\n    def forward(self): raise NotImplementedError", "None")
    assert found is parts.relu_forward
