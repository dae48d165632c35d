"""Chapter 4's operations on torch's own backward, for its pictures: each has an `apply`, like a Function.

They do what the contract says and show nothing of how; asked for by a solution they refuse.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from lessonkit.lent import no_answer_to


class Applied:
    """Something with an `apply`, as a subclass of torch.autograd.Function has."""

    def __init__(self, exercise: str, function: Callable[..., Any]) -> None:
        self.apply = no_answer_to(exercise)(function)


def _exponential(x: torch.Tensor) -> torch.Tensor:
    return x.exp()


def _smallest_and_largest(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    return x[x.argmin()].clone(), x[x.argmax()].clone()


def _straight_through(x: torch.Tensor) -> torch.Tensor:
    return x + (torch.round(x) - x).detach()


relu = Applied("my_relu", torch.relu)
linear = Applied("linear_function", torch.nn.functional.linear)
exp = Applied("my_exp", _exponential)
min_max = Applied("min_max", _smallest_and_largest)
cube = Applied("my_cube", lambda x: x**3)
round_ste = Applied("round_ste", _straight_through)


@no_answer_to("my_gradcheck")
def gradcheck(fn: Callable[..., Any], inputs: tuple[torch.Tensor, ...]) -> bool:
    """fn: tensors -> tensor(s), a tuple of float64 tensors -> does every gradient agree with its measurement?"""
    return bool(torch.autograd.gradcheck(fn, inputs, raise_exception=False))


def slope(function: Any, at: tuple[float, ...] = (-1.5, 0.25, 2.0)) -> list[torch.Tensor]:
    """A tiny trial of something with an `apply` of one argument: its outputs, and a gradient that is not ones."""
    x = torch.tensor(at, dtype=torch.float64, requires_grad=True)
    y = function.apply(x)
    outputs = list(y) if isinstance(y, tuple) else [y]
    upstream = [torch.full_like(one, 3.0 + k) for k, one in enumerate(outputs)]
    return [*(one.detach() for one in outputs), torch.autograd.grad(outputs, x, upstream)[0]]


def linear_slopes(function: Any) -> list[torch.Tensor]:
    """A tiny trial of a linear Function: its output and its three gradients for two rows."""
    shapes = {"x": (2, 3), "weight": (2, 3), "bias": (2,)}
    leaves = [
        torch.linspace(-1.0, 2.0 + k, steps=torch.Size(shape).numel()).reshape(shape).requires_grad_()
        for k, shape in enumerate(shapes.values())
    ]
    y = function.apply(*leaves)
    return [y.detach(), *torch.autograd.grad(y, leaves, torch.tensor([[1.0, -2.0], [0.5, 3.0]]))]
