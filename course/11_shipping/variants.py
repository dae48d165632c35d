"""Right solutions of chapter 11 in an unusual style: the checks must accept every one."""

import math
import time

import torch

# %% validate_input: helpers_and_own_errors
class BadShape(ValueError):
    pass


def _refuse(kind, wanted, found):
    raise kind(f"I would like {wanted}; this is {found}.")


def validate_input(x, features):
    assert features >= 1, "a remark for colleagues, no refusal"
    match x:
        case torch.Tensor() if torch.is_floating_point(x):
            pass
        case torch.Tensor():
            _refuse(TypeError, "a FLOATING-POINT tensor", x.dtype)
        case _:
            _refuse(TypeError, "a floating-point Tensor", type(x))
    if x.ndim < 1 or x.size(-1) != features or 0 in x.shape:
        _refuse(BadShape, f"(..., {features}), one row or more", list(x.size()))
    if (x - x != 0).any():
        raise ValueError("Non-finite numbers in the input")
    return x
