"""Judges look at the form of an observation before anything else, and answer whatever they are shown."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given

from layer_by_layer import _held_out, judges
from lessonkit.check import CheckerBroke, find
from lessonkit.observe import admit, encode
from tests.properties import everyday, plain, thorough

RNG = np.random.default_rng(0)
BOUND = math.sqrt(6 / 220)
RIGHT = RNG.uniform(-BOUND, BOUND, (120, 100)).astype(np.float32)
LAWS = [
    lambda v: judges.uniform(v, BOUND, (120, 100)),
    lambda v: judges.normal(v, BOUND / math.sqrt(3), (120, 100)),
]


def test_a_right_draw_passes():
    assert find(LAWS[0], encode(RIGHT), {}) is None
    assert find(LAWS[1], encode((RNG.standard_normal((120, 100)) * BOUND / math.sqrt(3)).astype(np.float32)), {}) is None


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize(
    "value", [[0.05, -0.05], [0.1] * 12_000, RIGHT.reshape(-1), RIGHT[:60], RIGHT.astype(np.float64), RIGHT[:0], 0.05,
              np.full((120, 100), np.nan, np.float32), {"a": RIGHT}, np.float32(0.05)],
)  # fmt: skip
def test_another_shape_dtype_or_count_is_no_draw_from_a_law(law, value):
    assert isinstance(find(law, encode(value), {}), str)


def test_few_values_are_no_law_for_dropout():
    assert isinstance(find(lambda v: judges.dropout(v, np.ones(4), 0.5), encode(np.array([[2.0, 0, 2, 0]])), {}), str)


@pytest.fixture
def held_out(monkeypatch):
    monkeypatch.setattr(_held_out, "images", lambda name, folder: (np.zeros((20, 64 if name == "digits" else 784), np.float32), np.zeros(20, np.int64)))


GIVEN = [np.zeros((10, 784), np.float32), np.zeros(10, np.float32)]
EVERY = {
    "spread": lambda v: judges.spread(v, 1.0),
    "uniform": LAWS[0],
    "normal": LAWS[1],
    "order": lambda v: judges.order(v, ["a", "b"], [[0, 1]]),
    "dropout": lambda v: judges.dropout(v, np.ones((3, 4)), 0.5),
    "at_least": lambda v: judges.at_least(v, 1.0),
    "at_most": lambda v: judges.at_most(v, 1.0),
    "mnist_accuracy": lambda v: judges.mnist_accuracy(v, 0.9),
    "digits_accuracy": lambda v: judges.digits_accuracy(v, 0.9),
    "quantized_digits": lambda v: judges.quantized_digits(v, GIVEN, 0.9, 0.5),
    "mean_cross_entropy": lambda v: "no" if judges.mean_cross_entropy(v, np.zeros(2, np.int64)) else None,
    "refusal": lambda v: judges.refusal(v, "ValueError", ["3"], ["4"]),
    "timings": lambda v: judges.timings(v, 1),
    "blockwise": lambda v: judges.blockwise(v, 4, 4, 2, 2, 2),
    "caught": lambda v: judges.caught(v, [None, "a sign"]),
    "shares": lambda v: judges.shares(v, [0.5, 0.5], 100),
    "form": lambda v: judges.form(v, (2, 2)),
    "left_as_found": lambda v: judges.left_as_found(v, True),
    "ratio_name": lambda v: judges.ratio_name(v),
}


def test_every_judge_is_tried():
    public = {name for name, made in vars(judges).items() if callable(made) and getattr(made, "__module__", "") == judges.__name__ and name[0] != "_"}
    assert public - {"use_held_out"} == set(EVERY)


def all_answer(value):
    try:
        admit(value)
    except ValueError:
        return
    for name, judge in EVERY.items():
        try:
            found = find(judge, value, {})
        except CheckerBroke:
            continue
        assert found is None or isinstance(found, str), name


@everyday
@given(plain)
def test_every_judge_answers(value):
    all_answer(value)


@pytest.mark.slow
@thorough
@given(plain)
def test_every_judge_answers_a_hundred_thousand_times(value):
    all_answer(value)


def test_a_network_as_wide_as_memory_is_refused(held_out):
    wide = [np.zeros((20_000, 64), np.float32), np.zeros(20_000, np.float32), np.zeros((10, 20_000), np.float32), np.zeros(10, np.float32)]
    assert "wider" in (find(EVERY["digits_accuracy"], encode(wide), {}) or "")
    assert find(EVERY["digits_accuracy"], encode([np.zeros((10, 64)), np.zeros(10)]), {}) is None
