"""What takes the place of a part of a student's own library (chapter 12) that cannot be built on.

A stand-in only uses what contracts promise, so it works with every other part, the student's or the course's. The
work is done by torch, hidden inside: handing one in is no answer, and each refuses to run in its own exercise.
"""

from __future__ import annotations

import functools
import graphlib
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import numpy as np

from layer_by_layer.parts.own_handles import put
from layer_by_layer.parts.own_trials import Space
from lessonkit import check


def make(exercise: str, space: Space) -> tuple[Any, ...]:
    """Return the course's objects for the names of `exercise`, in the order of `own_trials.NAMES`."""
    return _MAKERS[exercise](space)


def _lent(exercise: str) -> None:
    """Refuse to be the answer to one's own exercise."""
    if check.running_exercise() == exercise:
        raise RuntimeError(
            "this is the course's stand-in, not yours: run your own cell again, and then this check"
        )


def _part(exercise: str) -> Callable[[Any], Any]:
    """Mark what a stand-in is, and make it refuse to run in its own exercise."""

    def mark(function: Any) -> Any:
        @functools.wraps(function)
        def run(*args: Any, **kwargs: Any) -> Any:
            _lent(exercise)
            return function(*args, **kwargs)

        run._course_ = True
        return run

    return mark


def _make_unbroadcast(space: Space) -> tuple[Any, ...]:
    @_part("unbroadcast")
    def unbroadcast(grad: Any, shape: tuple[int, ...]) -> Any:
        import torch

        return torch.from_numpy(np.array(grad)).sum_to_size(shape).numpy()

    return (unbroadcast,)


def _make_order(space: Space) -> tuple[Any, ...]:
    @_part("topological_order")
    def topological_order(root: Any) -> list[Any]:
        nodes, left, sorter = {id(root): root}, [root], graphlib.TopologicalSorter()
        while left:
            node = left.pop()
            sorter.add(id(node), *map(id, node.parents))
            new = {id(parent): parent for parent in node.parents if id(parent) not in nodes}
            nodes.update(new)
            left.extend(new.values())
        return [nodes[number] for number in sorter.static_order()]

    return (topological_order,)


def _make_tensor(space: Space) -> tuple[Any, ...]:
    import operator

    import torch

    class Tensor:
        """An array whose way back torch knows. A sum over an axis and `mean` are more than the contract asks for:
        a student's later cells may use what their own Tensor had."""

        _course_ = True
        __array_ufunc__ = None
        grad_enabled = True

        def __init__(self, data: Any, requires_grad: bool = False) -> None:
            _lent("tensor")
            self._inside = torch.from_numpy(np.array(data, dtype=np.float64)).requires_grad_(requires_grad)

        @property
        def data(self) -> np.ndarray:
            return self._inside.detach().numpy()

        @data.setter
        def data(self, values: Any) -> None:
            self._inside.data = torch.from_numpy(np.array(values, dtype=np.float64))

        @property
        def grad(self) -> Any:
            found = self._inside.grad if self._inside.is_leaf else None
            return None if found is None else found.numpy()

        @grad.setter
        def grad(self, values: Any) -> None:
            self._inside.grad = (
                None if values is None else torch.from_numpy(np.array(values, dtype=np.float64))
            )

        requires_grad = property(
            lambda self: self._inside.requires_grad, lambda self, flag: self._inside.requires_grad_(flag)
        )
        shape = property(lambda self: tuple(self._inside.shape))
        T = property(lambda self: _run(lambda a: a.mT, self))

        def sum(self, axis: Any = None, keepdims: bool = False) -> Any:
            return _run(
                lambda a: a.sum() if axis is None and not keepdims else a.sum(axis, keepdim=keepdims), self
            )

        def reshape(self, *shape: Any) -> Any:
            return _run(lambda a: a.reshape(*shape or [()]), self)

        def backward(self) -> None:
            self._inside.backward(retain_graph=True)

        def __repr__(self) -> str:
            return f"Tensor({self.data})"

    def _run(operation: Callable[..., Any], *operands: Any) -> Any:
        made = object.__new__(Tensor)
        with torch.set_grad_enabled(bool(Tensor.grad_enabled)):
            made._inside = operation(*(o._inside if isinstance(o, Tensor) else _number(o) for o in operands))
        return made

    def _number(value: Any) -> Any:
        return (
            torch.from_numpy(np.asarray(value, dtype=np.float64)) if isinstance(value, np.ndarray) else value
        )

    for name in ("add", "sub", "mul", "truediv", "matmul", "pow"):
        apply = getattr(operator, name)
        setattr(Tensor, f"__{name}__", lambda self, other, f=apply: _run(f, self, other))
        setattr(Tensor, f"__r{name}__", lambda self, other, f=apply: _run(f, other, self))
    for name in ("relu", "exp", "log", "neg", "mean"):
        apply = getattr(torch, name)
        setattr(Tensor, f"__{name}__" if name == "neg" else name, lambda self, f=apply: _run(f, self))
    return (Tensor,)


def _make_no_grad(space: Space) -> tuple[Any, ...]:
    @_part("no_grad")
    def no_grad() -> Any:
        return mock.patch.object(space["Tensor"], "grad_enabled", False)

    return (no_grad,)


def _make_cross_entropy(space: Space) -> tuple[Any, ...]:
    @_part("cross_entropy")
    def cross_entropy(logits: Any, labels: Any) -> Any:
        from layer_by_layer import parts

        value, slope = parts.cross_entropy(np.array(logits.data), np.asarray(labels))
        # a plane that touches the loss at these logits: the same value there, and the same gradient
        return (logits * space["Tensor"](slope)).sum() + (
            value - float((np.asarray(logits.data) * slope).sum())
        )

    return (cross_entropy,)


def _make_module(space: Space) -> tuple[Any, ...]:
    import torch

    tensor = space["Tensor"]

    class Parameter(tensor):
        _course_ = True

        def __init__(self, data: Any) -> None:
            _lent("module")
            super().__init__(data, requires_grad=True)

    class Module:
        """Keeps a torch module beside itself, which does the counting: a twin for each parameter."""

        _course_ = True

        def __init__(self) -> None:
            _lent("module")
            self.__dict__["_twin"] = torch.nn.Module()

        def __setattr__(self, name: str, value: Any) -> None:
            if isinstance(value, Parameter):
                if "_twin" not in vars(value):
                    vars(value)["_twin"] = torch.nn.Parameter(torch.zeros(()))
                    vars(value)["_twin"].of = value
                self._twin.register_parameter(name, vars(value)["_twin"])
            elif isinstance(value, Module):
                self._twin.add_module(name, value._twin)
            object.__setattr__(self, name, value)

        def parameters(self) -> Iterator[Any]:
            return iter([twin.of for twin in self._twin.parameters()])

        def zero_grad(self) -> None:
            for parameter in self.parameters():
                parameter.grad = None

        def __call__(self, *args: Any) -> Any:
            return self.forward(*args)

    class Linear(Module):
        def __init__(self, in_features: int, out_features: int) -> None:
            super().__init__()
            drawn = torch.nn.Linear(in_features, out_features, dtype=torch.float64)
            self.weight, self.bias = (
                Parameter(drawn.weight.detach().numpy()),
                Parameter(drawn.bias.detach().numpy()),
            )

        def forward(self, x: Any) -> Any:
            return x @ self.weight.T + self.bias

    class ReLU(Module):
        def forward(self, x: Any) -> Any:
            return x.relu()

    class Sequential(Module):
        def __init__(self, *modules: Any) -> None:
            super().__init__()
            for i, module in enumerate(modules):
                setattr(self, str(i), module)
            self.steps = modules

        def forward(self, x: Any) -> Any:
            return functools.reduce(lambda value, module: module(value), self.steps, x)

    return Parameter, Module, Linear, ReLU, Sequential


def _make_sgd(space: Space) -> tuple[Any, ...]:
    class SGD:
        _course_ = True

        def __init__(self, params: Any, lr: float, momentum: float = 0.0) -> None:
            import torch

            _lent("own_sgd")
            self.params = list(params)
            self._twins = [torch.from_numpy(np.array(p.data)) for p in self.params]
            self._optimizer = torch.optim.SGD(self._twins, lr, momentum)

        def step(self) -> None:
            import torch

            for p, twin in zip(self.params, self._twins, strict=True):
                twin.copy_(torch.from_numpy(np.array(p.data)))
                twin.grad = None if p.grad is None else torch.from_numpy(np.array(p.grad))
            self._optimizer.step()
            for p, twin in zip(self.params, self._twins, strict=True):
                put(p, twin.numpy())

        def zero_grad(self) -> None:
            for p in self.params:
                p.grad = None

    return (SGD,)


_MAKERS: dict[str, Callable[[Space], tuple[Any, ...]]] = {
    "unbroadcast": _make_unbroadcast, "topological_order": _make_order, "tensor": _make_tensor,
    "no_grad": _make_no_grad, "cross_entropy": _make_cross_entropy, "module": _make_module, "own_sgd": _make_sgd,
}  # fmt: skip
