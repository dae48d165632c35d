"""Chapter 10 beyond its solutions: later exercises do not suffer from earlier ones, the course's rounding is torch's, and
the gate's judge outside. What the notebook says of twenty seeds is what was measured."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from layer_by_layer import _held_out, data, judges
from layer_by_layer.parts import quantization as parts
from lessonkit import inputs

CHAPTER = "10_quantization"
ROOT = Path(__file__).resolve().parents[2]

@pytest.fixture(scope="module")
def rehearsal(rehearse):
    """The chapter without its known mistakes: only verdicts are asked for here, not help."""
    made = copy.copy(rehearse(CHAPTER))
    made.reference = copy.copy(made.reference)
    made.reference.mistakes = lambda exercise: []
    return made


def test_later_exercises_do_not_suffer_from_earlier_ones(rehearsal):
    broken = {
        "quant_params": "def quant_params(*_, **__):\n    raise RuntimeError('not mine')\n",
        "fake_quantize": "def fake_quantize(x, *_):\n    return 0 * x\n",
        "fake_quant_ste": "class FakeQuantSTE:\n    apply = staticmethod(lambda x, *_: x.detach())\n",
    }
    later = {"qat_linear", "lsq", "integer_linear"}
    result = rehearsal.grade(rehearsal.right() | broken, later).exercises
    assert {name: result[name].outcome for name in later} == dict.fromkeys(later, "pass")
    result = rehearsal.grade(
        rehearsal.right() | {"fake_quantize": broken["fake_quantize"]}, {"fake_quant_ste"}
    )
    assert result.exercises["fake_quant_ste"].outcome == "pass", result.exercises["fake_quant_ste"].message


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_courses_rounding_is_torchs(dtype):
    """Off the halves, where x / scale and x * (1 / scale) may differ by a bit, the two are the same."""
    x = parts.between(1, 40, 30, low=-140, high=140, unit=0.013, dtype=dtype).requires_grad_()
    ours = parts.FakeQuantSTE.apply(x, 0.013, 7, -128, 127)
    theirs = torch.fake_quantize_per_tensor_affine(x, 0.013, 7, -128, 127)
    torch.testing.assert_close(ours, theirs)
    upstream = torch.randn(40, 30, dtype=x.dtype, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(
        torch.autograd.grad(ours, x, upstream)[0], torch.autograd.grad(theirs, x, upstream)[0]
    )


def test_inputs_keep_away_from_the_edges_of_steps():
    x = parts.between(3, 500, low=-9, high=9, unit=0.25, dtype="float64") / 0.25
    distance = (x - x.round()).abs()
    assert float(distance.min()) >= 0.049
    assert float(distance.max()) <= 0.401
    for bits in (2, 4, 8):
        top = 2 ** (bits - 1) - 1
        w = parts.grid_weights(4, 6, 5, bits, unit=0.1, dtype="float64")
        assert float(w.abs().max()) == pytest.approx(0.1 * top)
        assert float((w / 0.1 - (w / 0.1).round()).abs().max()) <= 0.401


@pytest.fixture
def held_out(tmp_path, monkeypatch):
    """Eight held-out images: fours whose first pixel is bright, threes whose first pixel is dark."""
    images = np.zeros((8, 28, 28), np.uint8)
    images[4:, 0, 0] = 255
    data.write_arrays(tmp_path / "standin_held_out.npz", images, np.array([3] * 4 + [4] * 4))
    monkeypatch.setattr(_held_out, "folder", str(tmp_path))
    _held_out.images.cache_clear()
    yield tmp_path
    _held_out.images.cache_clear()


def network(sees: float = 1.0, other: float = 0.4) -> list[np.ndarray]:
    """A network that reads the first pixel through a weight of `sees` times the largest; ten weights are `other`."""
    first, last = np.zeros((64, 784), np.float32), np.zeros((10, 64), np.float32)
    first[0, 0], first[1, 5], last[4, 0], last[:, 63] = sees, 1.0, 1.0, other
    return [first, np.zeros(64, np.float32), last, np.eye(10, dtype=np.float32)[3] * 0.5]


def test_the_judge_rounds_to_two_bits_itself(held_out):
    before, good, weak = network(sees=-1.0, other=0.6), network(sees=0.6), network(sees=0.4)
    assert judges.quantized_digits(good, before, 0.8, 0.5) is None
    assert "images it never saw" in judges.quantized_digits(weak, before, 0.8, 0.5)
    assert judges.quantized_digits(good, good, 0.8, 0.5) == "the model's weights are those it came with"
    biased = [*good[:3], good[3] + 1]
    assert judges.quantized_digits(biased, good, 0.8, 0.5) == "only biases have changed"
    nudged = [values + np.float32(1e-4) for values in good]
    assert judges.quantized_digits([before[0], *good[1:]], before, 0.8, 0.5) == "one layer's weights are as before"
    large = [100 * good[0], good[1], good[2] * -100, good[3]]
    assert "twenty times" in judges.quantized_digits(large, before, 0.8, 0.5)
    assert "nearly all as before" in judges.quantized_digits(nudged, good, 0.8, 0.5)
    assert (
        judges.quantized_digits([good[0] * np.nan, *good[1:]], before, 0.8, 0.5)
        == "the weights are not finite"
    )
    assert "shapes" in judges.quantized_digits(good[:2], before, 0.8, 0.5)
    assert judges.quantized_digits([good[0] * 0, *good[1:]], before, 0.8, 0.5) is not None
    relabel = [0, 1, 2, 4, 3, 5, 6, 7, 8, 9]
    assert judges.quantized_digits(good, before, 0.8, 0.5, relabel) is not None


def test_the_gate_wants_both_the_mark_and_the_gain(held_out):
    """Half of the eight images are right before: 50 points more are all of them."""
    before, after = network(sees=0.4, other=0.6), network()
    assert judges.quantized_digits(after, before, 0.8, 0.5) is None
    assert judges.quantized_digits(after, before, 0.8, 0.51) is not None


def seeds() -> dict:
    return json.loads((ROOT / "tests/bench/quantization_seeds.json").read_text(encoding="utf-8"))


def test_the_notebooks_table_of_seeds_is_what_was_measured():
    text = (ROOT / "course" / CHAPTER / f"{CHAPTER}.py").read_text(encoding="utf-8")
    table = {}
    for first, last, *columns in re.findall(
        r"^\| (\d+)–(\d+) \| ([\d., ]+) \| ([\d., ]+) \| ([\d., ]+) \|$", text, re.M
    ):
        for offset, values in enumerate(zip(*(column.split(", ") for column in columns), strict=True)):
            table[int(first) + offset] = list(values)
        assert int(last) == int(first) + 4
    names = ("float", "after training", "quantization-aware")
    assert table == {row["seed"]: [f"{100 * row[name]:.1f}" for name in names] for row in seeds()["rows"]}
    assert sorted(table) == list(range(20))


def test_the_gate_has_room_on_every_seed_that_was_tried():
    measured = seeds()
    assert all(row["passes"] for row in measured["rows"])
    assert measured["what"]["gate"] == [0.8, 0.5]
    assert measured["summary"]["quantization-aware"]["lowest"] >= 0.9
    assert measured["summary"]["gain"]["lowest"] >= 0.65


@pytest.mark.slow
def test_one_seed_measured_again():
    from tests.bench import quantization_seeds

    train_set, _ = data.standin()
    try:
        row = quantization_seeds.measure(3, train_set.images[:16000], train_set.labels[:16000])
    finally:
        inputs.set_base_seed(0)
    assert row["passes"]
    for name in ("float", "after training", "quantization-aware"):
        assert row[name] == pytest.approx(seeds()["rows"][3][name], abs=0.06)
