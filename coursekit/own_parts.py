"""Chapter 12's stand-ins: where a part of the student's own library does not do what its contract says, the
course's takes its place below, and later exercises are judged on something that works.

    own_parts.stand_in(globals(), "tensor")     # prints whose Tensor stands from here on

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

from coursekit import check, show

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
Space = dict[str, Any]


class Node:
    """The least that has an order: a number, and the nodes it was made from."""

    def __init__(self, number: int, *parents: Node) -> None:
        self.number, self.parents = number, parents

    def __repr__(self) -> str:
        return f"Node({self.number})"


def put(tensor: Any, values: Any) -> Any:
    """Give a tensor of the student's these numbers, in place where its array allows it; return the tensor."""
    try:
        tensor.data[...] = values
    except (TypeError, ValueError):
        tensor.data = np.array(values, dtype=np.float64)
    return tensor


def gradient(tensor: Any) -> np.ndarray:
    """Return a copy of a tensor's gradient; none at all is as good as zeros."""
    return np.zeros(tensor.shape) if tensor.grad is None else np.array(tensor.grad)


def numeric_gradients(f: Callable[..., Any], *arrays: np.ndarray, eps: float = 1e-6) -> list[np.ndarray]:
    """Return the central differences of `f(*arrays)`, a number, for every entry of every array."""
    found = []
    for which, array in enumerate(arrays):
        slope = np.zeros(array.shape)
        for index in np.ndindex(array.shape):
            ends = []
            for step in (eps, -eps):
                moved = [np.array(a, dtype=np.float64) for a in arrays]
                moved[which][index] += step
                ends.append(float(f(*moved)))
            slope[index] = (ends[0] - ends[1]) / (2 * eps)
        found.append(slope)
    return found


def stand_in(space: Space, *exercises: str) -> None:
    """Look at the parts that `exercises` define in `space` (a notebook's globals) and replace those that fail.

    Prints one line for each exercise, unless a grader records.
    """
    for exercise in exercises:
        names = NAMES[exercise]
        lent = [name for name in names if getattr(space.get(name), "_course_", False)]
        finding = "" if lent else _finding(exercise, space)
        if finding:
            space.update(zip(names, _MAKERS[exercise](space), strict=True))
        if not show.recording():
            what = ", ".join(names)
            if lent:
                print(f"{what}: still the course's; run your own cell again, then this one")
            elif finding:
                print(f"{what}: from here on the course's stands in for yours, because {finding}")
            else:
                print(f"{what}: yours")


def _finding(exercise: str, space: Space) -> str:
    missing = [name for name in NAMES[exercise] if name not in space]
    if missing:
        return f"{missing[0]} is not defined yet"
    with np.errstate(all="ignore"):
        try:
            return _SOUND[exercise](space)
        except NotImplementedError:
            return "it is not written yet"
        except Exception as error:
            return f"it raises {type(error).__name__}"


def _close(found: Any, wanted: Any, tolerance: float = 1e-6) -> bool:
    found, wanted = np.asarray(found, dtype=np.float64), np.asarray(wanted, dtype=np.float64)
    return found.shape == wanted.shape and bool(np.allclose(found, wanted, rtol=tolerance, atol=tolerance))


# Is a part fit to be built on?


def _unbroadcast_finding(space: Space) -> str:
    for grown, shape in (((2, 3), (2, 3)), ((4, 3), (3,)), ((2, 3), (2, 1)), ((5, 4, 3), (4, 1)), ((2, 3), ()), ((3, 3), (3,))):
        values = np.arange(float(np.prod(grown))).reshape(grown) ** 2
        (wanted,) = numeric_gradients(lambda a, v=values: (a * v).sum(), np.zeros(shape), eps=1.0)
        if not _close(space["unbroadcast"](values.copy(), shape), wanted):
            return f"a gradient of shape {grown} does not come back to shape {shape} as it should"
    return ""


def _order_finding(space: Space) -> str:
    leaf = Node(0)
    left = Node(1, leaf)
    right = Node(2, Node(3, left), leaf)
    root = Node(4, left, right, right)
    for _ in range(2):
        order = [node.number for node in space["topological_order"](root)]
        if sorted(order) != [0, 1, 2, 3, 4]:
            return "not every node stands there exactly once"
        if order[-1] != 4 or not order.index(0) < order.index(1) < order.index(3) < order.index(2):
            return "a node stands before one of its parents"
    last = leaf
    for number in range(1, 10_000):
        last = Node(number, last)
    if [node.number for node in space["topological_order"](last)] != list(range(10_000)):
        return "a chain of 10,000 is in the wrong order"
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
    "a tensor used several times": (lambda m, a: (a * a + a) * a - a, ((2, 3),)),
}


class _OfArrays:
    relu, exp, log = staticmethod(lambda a: np.maximum(a, 0)), np.exp, np.log


class _OfTensors:
    relu, exp, log = staticmethod(lambda a: a.relu()), staticmethod(lambda a: a.exp()), staticmethod(lambda a: a.log())


def _tensor_finding(space: Space) -> str:
    tensor = space["Tensor"]
    rng = np.random.default_rng(12)
    for name, (operation, shapes) in _OPERATIONS.items():
        arrays = [rng.uniform(0.5, 1.5, shape) * rng.choice([-1, 1], shape) for shape in shapes]
        wanted = operation(_OfArrays, *arrays)
        weights = rng.uniform(0.5, 1.5, np.shape(wanted))
        leaves = [tensor(array, requires_grad=True) for array in arrays]
        out = operation(_OfTensors, *leaves)
        if not _close(out.data, wanted) or tuple(out.shape) != np.shape(wanted):
            return f"the result of {name} is wrong"
        slopes = numeric_gradients(lambda *a, f=operation, w=weights: (f(_OfArrays, *a) * w).sum(), *arrays)
        loss = (out * tensor(weights)).sum()
        for times in (1, 2):
            loss.backward()
            if not all(_close(leaf.grad, times * slope, 1e-4) for leaf, slope in zip(leaves, slopes, strict=True)):
                return f"the gradient of {name} is wrong" + (" the second time" if times == 2 else "")
    return _recording_finding(tensor)


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
        quiet = (tensor(2.0, requires_grad=True), a * 4.0)[1]
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
                    seen.append(tensor.grad_enabled is False)
                seen.append(tensor.grad_enabled is False)
            seen.append(tensor.grad_enabled is start)
            try:
                with space["no_grad"]():
                    raise KeyError("on its way out")
            except KeyError:
                seen.append(tensor.grad_enabled is start)
    finally:
        tensor.grad_enabled = before
    return "" if seen == [True] * 8 else "Tensor.grad_enabled is not what it should be inside or afterwards"


def _cross_entropy_finding(space: Space) -> str:
    from coursekit import parts

    rng = np.random.default_rng(5)
    for logits in (rng.standard_normal((5, 3)), rng.choice([-1e4, 0.0, 1e4], (6, 4)), rng.standard_normal((1, 2))):
        labels = rng.integers(0, logits.shape[1], len(logits))
        value, slope = parts.cross_entropy(logits, labels)
        leaf = space["Tensor"](logits, requires_grad=True)
        loss = space["cross_entropy"](leaf, labels)
        (loss * 2.0).backward()
        if not _close(loss.data, value) or not _close(leaf.grad, 2 * slope):
            return "its value or its gradient is wrong"
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
    found, wanted = list(model.parameters()), [inner.scale, inner.first.weight, inner.first.bias, last.weight, last.bias]
    if [id(p) for p in found if p.shape != (2,) or p is inner.scale] != [id(p) for p in wanted if p.shape != (2,) or p is inner.scale]:
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
    if not _close(out.data, forward(*values)) or not all(_close(p.grad, g, 1e-4) for p, g in zip(wanted, slopes, strict=True)):
        return "a small network gives a wrong result or wrong gradients"
    model.zero_grad()
    return "zero_grad() leaves a gradient behind" if any(np.any(gradient(p)) for p in found) else ""


def _sgd_finding(space: Space) -> str:
    moving, still = space["Parameter"](np.array([1.0, 2.0])), space["Parameter"](np.array([5.0]))
    optimizer = space["SGD"]((p for p in (moving, still)), 0.1, momentum=0.5)
    for slope, wanted in ((1.0, [0.9, 1.9]), (2.0, [0.65, 1.65]), (0.0, [0.525, 1.525])):
        optimizer.zero_grad()
        (moving * slope).sum().backward()
        optimizer.step()
        if not _close(moving.data, wanted) or not _close(still.data, [5.0]):
            return "its steps are not those of torch.optim.SGD"
    return ""


_SOUND: dict[str, Callable[[Space], str]] = {
    "unbroadcast": _unbroadcast_finding, "topological_order": _order_finding, "tensor": _tensor_finding,
    "no_grad": _no_grad_finding, "cross_entropy": _cross_entropy_finding, "module": _module_finding,
    "own_sgd": _sgd_finding,
}  # fmt: skip


# The stand-ins.


def _lent(exercise: str) -> None:
    """Refuse to be the answer to one's own exercise."""
    if check._current and check._current[-1].exercise == exercise:
        raise RuntimeError("this is the course's stand-in, not yours: run your own cell again, and then this check")


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
        """The course's stand-in: an array whose way back torch knows."""

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
            self._inside.grad = None if values is None else torch.from_numpy(np.array(values, dtype=np.float64))

        requires_grad = property(lambda self: self._inside.requires_grad, lambda self, flag: self._inside.requires_grad_(flag))
        shape = property(lambda self: tuple(self._inside.shape))
        T = property(lambda self: _run(lambda a: a.mT, self))

        def sum(self, axis: Any = None, keepdims: bool = False) -> Any:
            return _run(lambda a: a.sum() if axis is None and not keepdims else a.sum(axis, keepdim=keepdims), self)

        def reshape(self, *shape: Any) -> Any:
            return _run(lambda a: a.reshape(*shape), self)

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
        return torch.from_numpy(np.asarray(value, dtype=np.float64)) if isinstance(value, np.ndarray) else value

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
    tensor = space["Tensor"]

    @_part("cross_entropy")
    def cross_entropy(logits: Any, labels: Any) -> Any:
        from coursekit import parts

        value, slope = parts.cross_entropy(np.array(logits.data), np.asarray(labels))
        # a plane that touches the loss at these logits: the same value there, and the same gradient
        return (logits * tensor(slope)).sum() + (value - float((np.asarray(logits.data) * slope).sum()))

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
            self.weight, self.bias = Parameter(drawn.weight.detach().numpy()), Parameter(drawn.bias.detach().numpy())

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
