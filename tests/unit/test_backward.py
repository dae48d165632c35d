"""Instruments and judges of chapter 3: an order of nodes, a recorded backward pass, a time limit."""

from __future__ import annotations

import pytest
import torch

from layer_by_layer import judges
from layer_by_layer.instruments import backward, limit


def test_any_order_of_a_graph_is_found_right():
    names, edges = ["Mul", "Sin", "Exp", "Acc", "Acc"], [[0, 1], [0, 2], [1, 2], [2, 3], [0, 4]]
    assert judges.order(["Mul", "Sin", "Exp", "Acc", "Acc"], names, edges) is None
    assert judges.order(["Mul", "Acc", "Sin", "Exp", "Acc"], names, edges) is None
    assert "before one" in judges.order(["Mul", "Acc", "Acc", "Sin", "Exp"], names, edges)
    assert "before one" in judges.order(["Mul", "Exp", "Sin", "Acc", "Acc"], names, edges)
    assert "missing" in judges.order(["Mul", "Sin", "Exp", "Acc"], names, edges)
    assert "more than once" in judges.order(["Mul", "Mul", "Sin", "Exp", "Acc", "Acc"], names, edges)


def test_a_recorded_backward_pass_leaves_everything_as_it_was(capsys):
    a, b = torch.tensor(2.0, requires_grad=True), torch.tensor(3.0, requires_grad=True)
    a.grad = torch.tensor(7.0)
    held = a.grad
    steps = backward.record((a * b + a) ** 2, a=a, b=b)
    assert [step.name for step in steps.steps] == ["Pow", "Add", "Mul", "a.grad", "b.grad"]
    assert [step.left for step in steps.steps[-2:]] == ["71", "32"]
    assert a.grad is held
    assert held.item() == 7.0
    assert b.grad is None
    steps.draw(3)
    said = capsys.readouterr().out
    assert "step 3, Mul: the gradient 16 arrives; kept from the way forward: other 3, self 2" in said
    with pytest.raises(ValueError, match="one number"):
        backward.record(a)


def test_a_function_that_never_ends_is_stopped_and_others_are_left_alone():
    def endless():
        count = 0
        while True:
            count += 1

    with pytest.raises(TimeoutError, match="stopped after"):
        limit.within(0.2, endless)
    assert limit.within(5, sum, [1, 2]) == 3
    with pytest.raises(KeyError):
        limit.within(5, {}.__getitem__, "missing")
