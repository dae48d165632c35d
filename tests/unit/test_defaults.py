"""A switch that somebody turned in an experiment breaks no right answer, and stays as they turned it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lessonkit import check, show


@pytest.fixture
def switches():
    yield
    torch.set_default_dtype(torch.float32)
    torch.set_grad_enabled(True)
    torch.set_default_device(None)
    np.seterr(divide="warn", over="warn", under="ignore", invalid="warn")


TURNED = {
    "dtype": (lambda: torch.set_default_dtype(torch.float64), lambda: torch.get_default_dtype() == torch.float64),
    "gradients": (lambda: torch.set_grad_enabled(False), lambda: not torch.is_grad_enabled()),
    "device": (lambda: torch.set_default_device("meta"), lambda: torch.get_default_device().type == "meta"),
    "numpy": (lambda: np.seterr(all="raise"), lambda: np.geterr()["under"] == "raise"),
}


@pytest.mark.parametrize("recording", [True, False])
@pytest.mark.parametrize("name", TURNED)
def test_a_check_sees_the_defaults_and_the_switch_stays(switches, name, recording):
    turn, is_turned = TURNED[name]
    turn()
    show.set_recording(recording)
    try:
        @check.cell("slope__values")
        def _():
            x = torch.ones(2)
            x.requires_grad_()
            check.close("one each, in single precision", lambda: torch.autograd.grad((x * torch.ones(2)).sum(), x)[0], expected=torch.ones(2))
            check.equal("what is too small is zero", lambda: float(np.exp(np.float64(-1000.0))), expected=0.0)
    finally:
        show.set_recording(False)
    for one in check.take_finished():
        assert [record.get("raised") for record in one["records"]] == [None, None]
        assert one["records"][0]["value"]["dtype"] == "float32"
    assert is_turned()
