"""Probes: written once, promised by a contract, reported by name."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from torch import nn

from autograder.judge.verdict import judge_cell
from autograder.rebuild.split import split
from lessonkit import check, probes, show

FUNCTION = tuple(list(probes.PROBES)[:7])
LAYER = tuple(probes.PROBES)


def failed(make, right, *inputs, promises=FUNCTION) -> str:
    """Return where the message of a probed function or layer says it fails, "" where everything holds."""

    def body():
        check.probes("it keeps what it promises", make, *inputs, promises=promises, expected=right)

    try:
        check.cell("thing__promises")(body)
    except check.CheckFailed as found:
        return found.messages[-1].where
    return ""


X = check.tensor(3, 4, 3)
WRONG = {
    "memory that is not contiguous": lambda x: torch.relu(x.view(-1)).view(x.shape),
    "no row": lambda x: torch.relu(x) + 0 * x.max(),
    "one row": lambda x: torch.relu(x.squeeze()),
    "an axis of one": lambda x: torch.relu(x.squeeze(-1)),
    "float64": lambda x: torch.relu(x).float(),
    "inputs left alone": lambda x: x.clamp_(min=0),
}


def test_a_right_function_keeps_every_promise():
    assert failed(lambda: torch.relu, lambda: torch.relu, X) == ""
    a = np.arange(6.0).reshape(2, 3) - 2
    assert failed(lambda: lambda x: np.maximum(x, 0), lambda: lambda x: np.where(x > 0, x, 0.0), a) == ""


@pytest.mark.parametrize("name", WRONG)
def test_each_probe_finds_its_fault_and_names_it(name):
    assert name in failed(lambda: WRONG[name], lambda: torch.relu, X).partition(";")[0]


def test_a_second_call_that_gives_something_else_is_found():
    class Counts:
        def __init__(self):
            self.calls = 0

        def __call__(self, x):
            self.calls += 1
            return torch.relu(x) * self.calls

    assert failed(Counts, lambda: torch.relu, X).startswith("6 of 7 hold, not: 'the same call twice'; entry")


def linear(kind):
    def make():
        layer = kind(3, 2)
        with torch.no_grad():
            for value in layer.parameters():
                value.copy_(torch.arange(value.numel()).reshape(value.shape) / 10)
        return layer

    return make


class Plain(nn.Linear):
    """A layer whose bias is no parameter: state_dict and deepcopy do not see it change."""

    def __init__(self, ins, outs):
        super().__init__(ins, outs, bias=False)
        self.hidden = [torch.ones(outs)]

    def forward(self, x):
        return super().forward(x) + self.hidden[0].to(x.dtype)

    def __deepcopy__(self, memo):
        return self


class Once(nn.Linear):
    def forward(self, x):
        assert self.training, "train me first"
        return super().forward(x)


def test_a_layers_promises_are_named():
    promises = tuple(name for name in LAYER if name != "an axis of one")
    assert failed(linear(nn.Linear), linear(nn.Linear), X, promises=promises) == ""
    where = failed(linear(Once), linear(nn.Linear), X, promises=promises)
    assert where.startswith("6 of 10 hold, not: 'training and evaluation', 'before any training', 'state_dict")
    where = failed(linear(Plain), linear(lambda i, o: copy.copy(Plain(i, o))), X, promises=promises)
    assert where == ""  # the same layer is its own right answer
    assert "'deepcopy'" in failed(linear(Plain), linear(nn.Linear), X, promises=("deepcopy", "one row", "no row"))


def test_an_unknown_promise_is_the_checkers_fault():
    with pytest.raises(check.CheckerBroke, match="no probe 'in the rain'"):
        failed(lambda: torch.relu, lambda: torch.relu, X, promises=("in the rain",))


CELL = """@check.cell("relu__promises")
def _():
    check.probes("it keeps what it promises", lambda: relu, check.tensor(3, 4, 3), promises=("no row", "one row", "float64"), expected=lambda: torch.relu)
"""


def test_an_expected_function_that_raises_probes_nothing_and_is_the_checkers_fault():
    def refuses(x):
        raise TypeError("sizes do not meet")

    with pytest.raises(ValueError, match="fails itself in the probe 'one row': it raised TypeError"):
        probes.right(lambda: refuses, (torch.ones(2, 3),), ("one row",))
    with pytest.raises(check.CheckerBroke):

        @check.cell("f__rules")
        def _():
            check.probes("what f promises", lambda: refuses, torch.ones(2, 3), expected=lambda: refuses)


def test_probes_are_recorded_and_judged_outside():
    cut = split(CELL)
    assert "torch.relu" not in cut.student

    def record(relu):
        show.set_recording(True)
        try:
            check.take_finished()
            exec(cut.student, {"check": check, "relu": relu})
            return {"tests": check.take_finished()}
        finally:
            show.set_recording(False)

    right = record(torch.relu)
    assert judge_cell("relu__promises", cut, right, record(lambda x: x.clamp(min=0))).outcome == "pass"
    verdict = judge_cell("relu__promises", cut, right, record(WRONG["float64"]))
    assert verdict.outcome == "not yet"
    assert "'float64'" in verdict.message.where
