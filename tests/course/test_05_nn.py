"""Chapter 5: torch's own class under the exercise's name is no answer, and the message names it."""

from __future__ import annotations

import pytest

BORROWED = [
    ("sequential", "torch.nn.Sequential", "Sequential = nn.Sequential"),
    ("sequential", "torch.nn.Sequential", "from torch.nn import Sequential"),
    ("sequential", "torch.nn.Sequential", "from torch.nn import *"),
    ("mse_loss", "torch.nn.MSELoss", "from torch.nn import MSELoss"),
    ("log_softmax", "log_softmax", "from torch import log_softmax"),
    ("cross_entropy", "torch.nn.CrossEntropyLoss", "from torch.nn import *"),
    ("dropout", "torch.nn.Dropout", "from torch.nn import Dropout"),
    ("batch_norm", "torch.nn.BatchNorm1d", "from torch.nn import BatchNorm1d"),
    ("batch_norm", "instance_norm", "def BatchNorm1d(d, eps=1e-5, momentum=0.1):\n    return nn.InstanceNorm1d(d, eps, momentum)"),
]


@pytest.mark.parametrize(("exercise", "name", "code"), BORROWED)
def test_a_borrowed_class_earns_nothing_and_is_named(rehearse, exercise, name, code):
    found = rehearse("05_nn").grade({exercise: code + "\n"}, {exercise}).exercises[exercise]
    assert found.score == 0
    assert name.lower() in found.message.lower().replace("instancenorm1d", "instance_norm")
