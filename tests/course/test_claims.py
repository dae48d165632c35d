"""What the chapters claim about PyTorch, held against the installed version. One function a claim, `test_NN_…`."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

INCLUDE = Path(torch.__file__).parent / "include"


def test_02_promotion_takes_the_smallest_dtype_that_holds_both():
    half, other = torch.ones(1, dtype=torch.float16), torch.ones(1, dtype=torch.bfloat16)
    assert (half + other).dtype is torch.float32
    assert (torch.ones(1, dtype=torch.uint8) + torch.ones(1, dtype=torch.int8)).dtype is torch.int16
    assert (torch.ones(1) + torch.tensor(1.0, dtype=torch.float64)).dtype is torch.float32
    assert (torch.ones(1) + torch.ones(1, dtype=torch.float64)).dtype is torch.float64


def test_02_what_where_does_not_choose_still_ruins_the_gradient():
    x = torch.tensor([4.0, 0.0], requires_grad=True)
    torch.where(torch.tensor([True, False]), x.sqrt(), 0.0).sum().backward()
    assert x.grad[0] == 0.25
    assert x.grad[1].isnan()


def test_03_the_named_headers_of_autograd_exist():
    assert "struct TORCH_API Node" in (INCLUDE / "torch/csrc/autograd/node.h").read_text()
    assert (INCLUDE / "torch/csrc/autograd/functions/accumulate_grad.h").is_file()
    assert "compute_dependencies" in (INCLUDE / "torch/csrc/autograd/engine.h").read_text()


def test_03_a_second_backward_fails_only_where_something_was_saved():
    x = torch.tensor(1.0, requires_grad=True)
    z = x + x
    z.backward()
    z.backward()
    assert x.grad == 4
    y = x * x
    y.backward()
    with pytest.raises(RuntimeError, match="a second time"):
        y.backward()


def test_03_versions_count_and_data_goes_around_them():
    h = torch.ones(2, requires_grad=True).exp()
    assert h._version == 0
    h.data.mul_(2)
    assert h._version == 0
    h.mul_(2)
    assert h._version == 1
    with pytest.raises(RuntimeError, match="expected version 0"):
        h.sum().backward()


def test_03_a_node_called_by_hand_does_not_add_up_stretched_axes():
    table, row = torch.ones(3, 2, requires_grad=True), torch.ones(2, requires_grad=True)
    node = (table * row).grad_fn
    assert [tuple(g.shape) for g in node(torch.ones(3, 2))] == [(3, 2), (3, 2)]
    assert [list(child._input_metadata[slot].shape) for child, slot in node.next_functions] == [[3, 2], [2]]


def test_03_rows_and_columns_of_the_softmax_jacobian_sum_to_zero():
    table = torch.autograd.functional.jacobian(lambda t: torch.softmax(t, 0), torch.tensor([2.0, 0.5, -1.0]))
    assert table.sum(0).abs().max() < 1e-6
    assert table.sum(1).abs().max() < 1e-6
