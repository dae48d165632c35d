"""Parts that watch a student's code: whose gradients an update used, and how many operations a call took."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from layer_by_layer import parts
from layer_by_layer.parts import architectures


@pytest.mark.parametrize(("clear", "stale"), [("before backward", 0), ("after step", 0), ("never", 3)])
def test_gradients_of_earlier_steps_are_seen(clear, stale):
    torch.manual_seed(0)
    x, y = torch.rand(4, 1, 28, 28), torch.tensor([0, 1, 2, 0])
    model = parts.step_recorder(torch.zeros(6, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(4):
        loss = F.cross_entropy(model(x), y)
        if clear == "before backward":
            optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if clear == "after step":
            optimizer.zero_grad()
    assert parts.stale_gradients(model, x, y) == stale


def test_operations_are_counted():
    def loop(n):
        return architectures.operations(lambda: torch.stack([torch.zeros(2) + 1 for _ in range(n)]))

    assert loop(1) == 3
    assert loop(5) - loop(4) == 2
