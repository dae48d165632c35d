"""Is a part of a student's own library (chapter 12) fit to be built on? One trial for each exercise, on what its
contract promises, with the parts below it as they stand."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import numpy as np

from layer_by_layer import judges
from layer_by_layer.parts.own_handles import Node, gradient, numeric_gradients, put

#: What each exercise defines.
NAMES = {
    "unbroadcast": ("unbroadcast",),
    "topological_order": ("topological_order",),
    "tensor": ("Tensor",),
    "no_grad": ("no_grad",),
    "cross_entropy": ("cross_entropy",),
    "module": ("Parameter", "Module", "Linear", "ReLU", "Sequential"),
    "own_sgd": ("SGD",),
}
#: Seconds of CPU that a trial may take; a right part needs a tenth of that.
SECONDS = 3.0
Space = dict[str, Any]


def finding(exercise: str, space: Space) -> str:
    """Return why what `exercise` defines in `space` cannot be built on, "" where it can."""
    missing = [name for name in NAMES[exercise] if name not in space]
    if missing:
        return f"{missing[0]} is not defined yet"
    with np.errstate(all="ignore"):
        try:
            with _ending(SECONDS):
                return _TRIALS[exercise](space)
        except NotImplementedError:
            return "it is not written yet"
        except _TooLong:
            return "it does not come to an end"
        except (Exception, SystemExit) as error:
            return f"it raises {type(error).__name__}"


class _TooLong(BaseException):
    """Not an Exception, so that a student's `except Exception` lets it through."""


@contextmanager
def _ending(seconds: float) -> Iterator[None]:
    """Raise _TooLong in Python code that runs on: a loop without end must not cost the exercises after it."""
    last = time.process_time() + seconds

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        if time.process_time() > last:
            raise _TooLong
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(before)


def _close(found: Any, wanted: Any, tolerance: float = 1e-6) -> bool:
    found, wanted = np.asarray(found, dtype=np.float64), np.asarray(wanted, dtype=np.float64)
    return found.shape == wanted.shape and bool(np.allclose(found, wanted, rtol=tolerance, atol=tolerance))


def _unbroadcast_finding(space: Space) -> str:
    for grown, shape in (
        ((2, 3), (2, 3)),
        ((4, 3), (3,)),
        ((2, 3), (2, 1)),
        ((5, 4, 3), (4, 1)),
        ((2, 3), ()),
        ((3, 3), (3,)),
    ):
        values = np.arange(float(np.prod(grown))).reshape(grown) ** 2
        (wanted,) = numeric_gradients(lambda a, v=values: (a * v).sum(), np.zeros(shape), eps=1.0)
        given = values.copy()
        found = np.array(space["unbroadcast"](given, shape))
        if not np.array_equal(given, values):
            return "it changes the gradient that comes in"
        if not _close(found, wanted):
            return f"a gradient of shape {grown} does not come back to shape {shape} as it should"
    return ""


def _order_finding(space: Space) -> str:
    leaf = Node(0)
    left = Node(1, leaf)
    right = Node(2, Node(3, left), leaf)
    root = Node(4, left, right, right)
    for _ in range(2):
        found = space["topological_order"](root)
        if not isinstance(found, (list, tuple)):
            return "what comes back is no list"
        order = [node.number for node in found]
        if sorted(order) != [0, 1, 2, 3, 4]:
            return "not every node stands there exactly once"
        if order[-1] != 4 or not order.index(0) < order.index(1) < order.index(3) < order.index(2):
            return "a node stands before one of its parents"
    last = leaf
    for number in range(1, 2_500):  # deeper than Python nests calls, and no trouble for a slow but right search
        last = Node(number, last)
    if [node.number for node in space["topological_order"](last)] != list(range(2_500)):
        return "a chain of 2,500 is in the wrong order"
    return ""


#: Operations on one or two tensors, with the shapes to try; numbers stay away from 0.
_OPERATIONS: dict[str, tuple[Callable[..., Any], tuple[tuple[int, ...], ...]]] = {
    "a + b": (lambda m, a, b: a + b, ((2, 3), (3,))),
    "a - b": (lambda m, a, b: a - b, ((2, 1), (2, 3))),
    "a * b": (lambda m, a, b: a * b, ((4, 2, 1), (3,))),
    "a / b": (lambda m, a, b: a / b, ((), (2, 3))),
    "a ** 3": (lambda m, a: a**3, ((2, 3),)),
    "a ** -0.5": (lambda m, a: (a * a) ** -0.5, ((3,),)),
    "-a": (lambda m, a: -a, ((2, 3),)),
    "a @ b": (lambda m, a, b: a @ b, ((2, 3), (3, 4))),
    "numbers on the left": (lambda m, a: 2 + a * (3 - a) + 2 * (1 / a), ((2, 3),)),
    "numbers on the right": (lambda m, a: (a - 2) * 3 / 4 + 1, ((2, 3),)),
    "relu": (lambda m, a: m.relu(a), ((4, 3),)),
    "exp": (lambda m, a: m.exp(a), ((2, 3),)),
    "log": (lambda m, a: m.log(a * a), ((2, 3),)),
    "reshape": (lambda m, a: a.reshape(3, 2), ((2, 3),)),
    "T": (lambda m, a: a.T, ((2, 3),)),
    "sum": (lambda m, a: a.sum() * a, ((2, 3),)),
    "sum, and nothing after it": (lambda m, a: a.sum(), ((2, 3),)),
    "a tensor used several times": (lambda m, a: (a * a + a) * a - a, ((2, 3),)),
}


class _OfArrays:
    relu, exp, log = staticmethod(lambda a: np.maximum(a, 0)), np.exp, np.log


class _OfTensors:
    relu, exp, log = (
        staticmethod(lambda a: a.relu()),
        staticmethod(lambda a: a.exp()),
        staticmethod(lambda a: a.log()),
    )


def _tensor_finding(space: Space) -> str:
    tensor = space["Tensor"]
    rng = np.random.default_rng(12)
    for name, (operation, shapes) in _OPERATIONS.items():
        arrays = [rng.uniform(0.5, 1.5, shape) * rng.choice([-1, 1], shape) for shape in shapes]
        wanted = operation(_OfArrays, *arrays)
        weights = rng.uniform(0.5, 1.5, np.shape(wanted))
        leaves = [tensor(array, requires_grad=True) for array in arrays]
        out = operation(_OfTensors, *leaves)
        if (dtype := str(np.asarray(out.data).dtype)) != "float64":
            return f"the result of {name} is {dtype}, not float64"
        if not _close(out.data, wanted) or tuple(out.shape) != np.shape(wanted):
            return f"the result of {name} is wrong"
        slopes = numeric_gradients(lambda *a, f=operation, w=weights: (f(_OfArrays, *a) * w).sum(), *arrays)
        loss = (out * tensor(weights)).sum()
        for times in (1, 2):
            loss.backward()
            if not all(
                _close(leaf.grad, times * slope, 1e-4) for leaf, slope in zip(leaves, slopes, strict=True)
            ):
                return f"the gradient of {name} is wrong" + (" the second time" if times == 2 else "")
    return _recording_finding(tensor)


def progress(space: Space) -> dict[str, str]:
    """Return for each operation how far the Tensor in `space` is with it: "right", or what is missing or off."""
    rng, found = np.random.default_rng(12), {}
    for name, (operation, shapes) in _OPERATIONS.items():
        arrays = [rng.uniform(0.5, 1.5, shape) * rng.choice([-1, 1], shape) for shape in shapes]
        with np.errstate(all="ignore"):
            try:
                with _ending(SECONDS):
                    found[name] = _one_operation(space["Tensor"], operation, arrays)
            except NotImplementedError:
                found[name] = "not written yet"
            except _TooLong:
                found[name] = "does not come to an end"
            except Exception as error:
                found[name] = f"{type(error).__name__}: {str(error)[:60]}"
    return found


def _one_operation(tensor: Any, operation: Callable[..., Any], arrays: list[np.ndarray]) -> str:
    leaves = [tensor(array, requires_grad=True) for array in arrays]
    out, wanted = operation(_OfTensors, *leaves), operation(_OfArrays, *arrays)
    if not _close(out.data, wanted):
        return "the result is wrong"
    weights = np.linspace(0.5, 1.5, int(np.size(wanted))).reshape(np.shape(wanted))
    try:
        (out * tensor(weights)).sum().backward()
    except Exception as error:
        return f"the result is right; backward: {type(error).__name__}: {str(error)[:50]}"
    slopes = numeric_gradients(lambda *a: (operation(_OfArrays, *a) * weights).sum(), *arrays)
    right = all(_close(gradient(leaf), slope, 1e-4) for leaf, slope in zip(leaves, slopes, strict=True))
    return "right" if right else "the result is right, the gradient is not"


def _recording_finding(tensor: Any) -> str:
    a, fixed = tensor(2.0, requires_grad=True), tensor(3.0)
    shared = a * fixed
    (shared * 1.0).backward()
    (shared * 2.0).backward()
    if not _close(a.grad, 9.0):
        return "two losses that share an intermediate tensor give a wrong gradient"
    if fixed.grad is not None and np.any(fixed.grad):
        return "a tensor gets a gradient that did not ask for one"
    before = tensor.grad_enabled
    tensor.grad_enabled = False
    try:
        quiet = a * 4.0
    finally:
        tensor.grad_enabled = before
    try:
        quiet.backward()
    except Exception:
        return ""
    return "" if _close(a.grad, 9.0) else "it records while grad_enabled is False"


def _no_grad_finding(space: Space) -> str:
    tensor, before = space["Tensor"], space["Tensor"].grad_enabled
    seen = []
    try:
        for start in (True, False):
            tensor.grad_enabled = start
            with space["no_grad"]():
                with space["no_grad"]():
                    seen.append(not tensor.grad_enabled)
                seen.append(not tensor.grad_enabled)
            seen.append(bool(tensor.grad_enabled) is start)
            try:
                with space["no_grad"]():
                    raise KeyError("on its way out")
            except KeyError:
                seen.append(bool(tensor.grad_enabled) is start)
    finally:
        tensor.grad_enabled = before
    return "" if seen == [True] * 8 else "Tensor.grad_enabled is not what it should be inside or afterwards"


def _cross_entropy_finding(space: Space) -> str:
    rng = np.random.default_rng(5)
    for logits in (
        rng.standard_normal((5, 3)),
        rng.choice([-1e4, 0.0, 1e4], (6, 4)),
        rng.standard_normal((1, 2)),
    ):
        labels = rng.integers(0, logits.shape[1], len(logits))
        (slope,) = numeric_gradients(lambda z, y=labels: judges.mean_cross_entropy(z, y), logits)
        leaf = space["Tensor"](logits, requires_grad=True)
        loss = space["cross_entropy"](leaf, labels)
        (loss * 2.0).backward()
        if not _close(loss.data, judges.mean_cross_entropy(logits, labels)):
            return "its value is wrong"
        if not _close(leaf.grad, 2 * slope, 1e-4):
            return "its gradient is wrong"
    return ""


def _module_finding(space: Space) -> str:
    parameter, module, linear, relu, sequential = (space[name] for name in NAMES["module"])
    tensor = space["Tensor"]

    class Inner(module):
        def __init__(self) -> None:
            super().__init__()
            self.first = linear(2, 2)
            self.scale = parameter(np.ones(2))

        def forward(self, x: Any) -> Any:
            return self.first(x) * self.scale

    inner, last = Inner(), linear(2, 3)
    model = sequential(inner, relu(), inner, last)
    found, wanted = (
        list(model.parameters()),
        [inner.scale, inner.first.weight, inner.first.bias, last.weight, last.bias],
    )
    if [id(p) for p in found if p.shape != (2,) or p is inner.scale] != [
        id(p) for p in wanted if p.shape != (2,) or p is inner.scale
    ]:
        return "parameters() does not give each parameter once, own ones first"
    if len(found) != 5 or not all(isinstance(p, tensor) and p.requires_grad for p in found):
        return "parameters() does not give five tensors that require grad"
    rng = np.random.default_rng(7)
    values = [rng.standard_normal(p.shape) for p in wanted]
    for p, value in zip(wanted, values, strict=True):
        put(p, value)
    x = rng.standard_normal((4, 2))

    def forward(s: Any, w: Any, b: Any, v: Any, c: Any) -> Any:
        once = (x @ w.T + b) * s
        return (np.maximum(once, 0) @ w.T + b) * s @ v.T + c

    out = model(tensor(x))
    (out * out).sum().backward()
    slopes = numeric_gradients(lambda *arrays: (forward(*arrays) ** 2).sum(), *values)
    if not _close(out.data, forward(*values)) or not all(
        _close(p.grad, g, 1e-4) for p, g in zip(wanted, slopes, strict=True)
    ):
        return "a small network gives a wrong result or wrong gradients"
    model.zero_grad()
    return "zero_grad() leaves a gradient behind" if any(np.any(gradient(p)) for p in found) else ""


def _sgd_finding(space: Space) -> str:
    moving, still, steep = (space["Parameter"](np.array(v)) for v in ([1.0, 2.0], [5.0], [[1.0], [0.0], [2.0]]))
    optimizer = space["SGD"]((p for p in (moving, still, steep)), 0.1, momentum=0.5)
    for slope, wanted, way in ((1.0, [0.9, 1.9], 0.3), (2.0, [0.65, 1.65], 1.05), (0.0, [0.525, 1.525], 1.425)):
        optimizer.zero_grad()
        ((moving * slope).sum() + (steep * (3 * slope)).sum()).backward()
        optimizer.step()
        there = _close(moving.data, wanted) and _close(steep.data, [[1.0 - way], [-way], [2.0 - way]])
        if not there or not _close(still.data, [5.0]):
            return "its steps are not those of torch.optim.SGD"
    return ""


_TRIALS: dict[str, Callable[[Space], str]] = {
    "unbroadcast": _unbroadcast_finding, "topological_order": _order_finding, "tensor": _tensor_finding,
    "no_grad": _no_grad_finding, "cross_entropy": _cross_entropy_finding, "module": _module_finding,
    "own_sgd": _sgd_finding,
}  # fmt: skip
