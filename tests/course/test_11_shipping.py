"""Chapter 11 beyond its solutions: later exercises stand on their own, a missing package, and the judges of times."""

from __future__ import annotations

import importlib.util

import pytest

from layer_by_layer import judges
from layer_by_layer.instruments import shipping as parts
from lessonkit import check

CHAPTER = "11_shipping"
EXTRA = all(importlib.util.find_spec(name) for name in ("onnx", "onnxruntime", "onnxscript"))


@pytest.mark.parametrize("exercise", ["tiled_attention", "bottleneck", "export_program", "export_onnx", "fgsm"])
def test_a_later_exercise_stands_on_its_own(rehearse, exercise):
    if exercise == "export_onnx" and not EXTRA:
        pytest.skip("needs the extra")
    rehearsal = rehearse(CHAPTER)
    result = rehearsal.grade({exercise: rehearsal.right()[exercise]}, {exercise})
    assert result.exercises[exercise].outcome == "pass", result.exercises[exercise].message


def test_a_missing_package_is_named_in_one_line_and_is_nobodys_fault():
    with pytest.raises(check.CheckerBroke) as broke:
        check.needs("math", "no_such_package_here", extra="export")
    assert str(broke.value).count("\n") == 0
    assert 'pip install "layer-by-layer[export]"' in str(broke.value)
    assert "no_such_package_here" in str(broke.value)
    check.needs("math", "json", extra="export")


@pytest.mark.parametrize(
    ("result", "finding"),
    [
        ([0.1, 0.005, 0.4], None),
        ([0.12, 0.006, 0.43], None),  # a clock that was stopped late
        ([0.1, 0.005, 0.6], "the maximum is longer than any counted pass took: a warm-up call is among them"),
        ([100.0, 5.0, 400.0], "the times are not in seconds"),
        ([0.0, 0.0, 0.0001], "the minimum is shorter than any pass can have taken"),
        ([0.168, 0.005, 0.4], "the median is the mean of the times"),
        ([0.4, 0.005, 0.4], "the median is the one in the middle of the calls' order"),
        ([0.168, 0.168, 0.168], "the three times are one and the same"),
        ([0.005, 0.1, 0.4], "the median is not between minimum and maximum"),
    ],
)
def test_times_are_judged_by_what_the_calls_took(result, finding):
    took = [0.6, 0.005, 0.4, 0.1]
    assert judges.timings([[result, took]], 1) == finding
    assert judges.timings([[result, took], [[0.1, 0.005, 0.4], took]], 1) is None


def test_a_function_without_known_text_is_taken_as_it_is():
    space: dict = {}
    exec("def f(x):\n    assert x\n    return x", space)
    assert parts.as_with_minus_o("f", space["f"]) is space["f"]
    assert parts.as_with_minus_o("nothing", 3) == 3
