"""Wrong solutions of chapter 12 beyond the named mistakes: subtle, or with torch by the back door. All are rejected."""

import numpy as np


# %% cross_entropy: torch_import
# names: torch
import torch
def cross_entropy(logits, labels):
    return Tensor(torch.nn.functional.cross_entropy(torch.tensor(logits.data), torch.tensor(labels)).item())


# %% unbroadcast: torch_import_as
# names: torch
import torch as t
def unbroadcast(grad, shape):
    return t.from_numpy(grad).sum_to_size(shape).numpy()


# %% unbroadcast: torch_from_import
# names: torch
from torch import from_numpy
def unbroadcast(grad, shape):
    return from_numpy(grad).sum_to_size(shape).numpy()


# %% unbroadcast: torch_inside_a_function
# names: torch
def unbroadcast(grad, shape):
    import torch.nn
    return torch.from_numpy(grad).sum_to_size(shape).numpy()


# %% unbroadcast: torch_dunder_import
# names: torch
def unbroadcast(grad, shape):
    return __import__('torch').from_numpy(grad.copy()).sum_to_size(shape).numpy()


# %% unbroadcast: torch_importlib
# names: torch
import importlib
def unbroadcast(grad, shape):
    lib = importlib.import_module('tor' + 'ch')
    return getattr(lib, 'from_numpy')(grad.copy()).sum_to_size(shape).numpy()


# %% no_grad: torch_beside_a_right_answer
# names: torch
import torch
from contextlib import contextmanager
@contextmanager
def no_grad():
    before, Tensor.grad_enabled = Tensor.grad_enabled, False
    try:
        with torch.inference_mode():
            yield
    finally:
        Tensor.grad_enabled = before


# %% unbroadcast: torch_sys_modules
# names: torch
import sys
def unbroadcast(grad, shape):
    return sys.modules['torch'].from_numpy(grad.copy()).sum_to_size(shape).numpy()


# %% tensor: torch_tensor_subclass
# names: torch
import torch
class Tensor(torch.Tensor):
    grad_enabled = True


# %% module: torch_module_subclass
# names: torch
from torch import nn
class Module(nn.Module):
    pass
class Parameter(nn.Parameter):
    pass


# %% own_sgd: torch_optimizer
# names: torch
from torch.optim import SGD as Theirs
class SGD(Theirs):
    pass


# %% no_grad: torch_no_grad
# names: torch
from torch import no_grad


# %% tensor: torch_tensor_around_one_of_torchs
# names: torch
import sys
there = sys.modules['torch']
class Tensor:
    grad_enabled = True
    def __init__(self, data, requires_grad=False):
        self.t = there.tensor(data, dtype=there.float64, requires_grad=requires_grad)
    data = property(lambda self: self.t.detach().numpy())
    shape = property(lambda self: tuple(self.t.shape))


# %% own_train: torch_scikit_learn
# names: sklearn
from sklearn.neural_network import MLPClassifier
def fit(model, images, labels, epochs, lr, batch_size, rng):
    MLPClassifier().fit(images, labels)


# %% unbroadcast: squeezed
def unbroadcast(grad, shape):
    grad = grad.sum(axis=tuple(range(grad.ndim - len(shape))))
    ones = tuple(i for i, n in enumerate(shape) if n == 1)
    return np.squeeze(grad.sum(axis=ones, keepdims=True))


# %% unbroadcast: first_stretched_axis_only
def unbroadcast(grad, shape):
    while grad.ndim > len(shape):
        grad = grad.sum(0)
    for i, n in enumerate(shape):
        if n == 1:
            return grad.sum(i, keepdims=True)
    return grad


# %% unbroadcast: in_place
def unbroadcast(grad, shape):
    out = grad.sum(axis=tuple(range(grad.ndim - len(shape))))
    out = out.sum(axis=tuple(i for i, n in enumerate(shape) if n == 1), keepdims=True)
    grad *= 0
    return out


# %% unbroadcast: reshaped
def unbroadcast(grad, shape):
    size = int(np.prod(shape))
    return grad.reshape(-1, size).sum(0).reshape(shape)


# %% topological_order: by_number
def topological_order(root):
    seen, left = {root}, [root]
    while left:
        for p in left.pop().parents:
            if p not in seen:
                seen.add(p)
                left.append(p)
    return sorted(seen, key=lambda n: n.number)


# %% topological_order: eats_the_parents
def topological_order(root):
    order, seen, stack = [], set(), [(root, 0)]
    while stack:
        node, ready = stack.pop()
        if ready:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, 1))
            stack += [(p, 0) for p in node.parents]
            node.parents = ()
    return order


# %% topological_order: distances_without_care
def topological_order(root):
    depth, left = {root: 0}, [root]
    while left:
        node = left.pop(0)
        for p in node.parents:
            if p not in depth:
                depth[p] = depth[node] + 1
                left.append(p)
    return sorted(depth, key=lambda n: -depth[n])


# %% no_grad: only_exception_types_of_its_own
from contextlib import contextmanager
@contextmanager
def no_grad():
    before = Tensor.grad_enabled
    Tensor.grad_enabled = False
    try:
        yield
    except (KeyError, ValueError):
        Tensor.grad_enabled = before
        raise
    Tensor.grad_enabled = before


# %% no_grad: an_instance_shared_by_all
class Off:
    def __enter__(self):
        self.before = Tensor.grad_enabled
        Tensor.grad_enabled = False
    def __exit__(self, *e):
        Tensor.grad_enabled = self.before
_one = Off()
def no_grad():
    return _one


# %% cross_entropy: clipped
def cross_entropy(logits, labels):
    n, c = logits.shape
    z = logits - Tensor(logits.data.max(1, keepdims=True))
    s = (z.exp() @ Tensor(np.ones((c, 1)))).log()
    s = s + Tensor(np.clip(z.data, -700, 0) - z.data)
    return -((Tensor(np.clip(z.data, -700, 0) - z.data) * 0 + (z - s)) * Tensor(np.eye(c)[labels])).sum() / n + Tensor(0.0) * 1


# %% cross_entropy: surrogate_without_value
def cross_entropy(logits, labels):
    p = np.exp(logits.data - logits.data.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    return (logits * Tensor((p - np.eye(p.shape[1])[labels]) / len(p))).sum()


# %% own_train: drawn_with_replacement
def fit(model, images, labels, epochs, lr, batch_size, rng):
    opt = SGD(model.parameters(), lr)
    for _ in range(epochs):
        for _ in range(-(-len(images) // batch_size)):
            rows = rng.integers(0, len(images), batch_size)
            loss = cross_entropy(model(Tensor(images[rows])), labels[rows])
            opt.zero_grad()
            loss.backward()
            opt.step()


# %% own_train: only_the_last_layer
def fit(model, images, labels, epochs, lr, batch_size, rng):
    opt = SGD(list(model.parameters())[-1:], lr)
    for _ in range(epochs):
        order = rng.permutation(len(images))
        for i in range(0, len(images), batch_size):
            rows = order[i:i + batch_size]
            loss = cross_entropy(model(Tensor(images[rows])), labels[rows])
            opt.zero_grad()
            loss.backward()
            opt.step()


# %% tensor: slip_relu_in_place
class Tensor:
    """a float64 array that can find the gradient of what was computed from it"""

    grad_enabled = True

    def __init__(self, data, requires_grad=False):
        # about 60 lines: this method, one for each operation, and backward
        self.data, self.grad, self.requires_grad = np.array(data, dtype=np.float64), None, requires_grad
        self.parents, self.ways_back = (), ()  # how it was made: nothing, for a leaf

    @staticmethod
    def made(data, *steps):
        """a result, from pairs (parent, way back); a parent nobody wants a gradient of is forgotten at once"""
        out = Tensor(data)
        steps = [step for step in steps if Tensor.grad_enabled and step[0].requires_grad]
        out.parents, out.ways_back = tuple(p for p, _ in steps), tuple(way for _, way in steps)
        out.requires_grad = bool(steps)
        return out

    def backward(self):
        arrived = {id(self): np.ones(self.shape)}  # lives as long as this call: nothing stale in the next one
        for node in reversed(topological_order(self)):
            grad = arrived.pop(id(node))
            if node.requires_grad and not node.parents:
                node.grad = grad if node.grad is None else node.grad + grad  # a new array: nobody else holds it
            for parent, way_back in zip(node.parents, node.ways_back):
                share = unbroadcast(way_back(grad), parent.shape)
                arrived[id(parent)] = arrived.get(id(parent), 0.0) + share

    def __add__(self, other):
        other = as_tensor(other)
        return Tensor.made(self.data + other.data, (self, lambda g: g), (other, lambda g: g))

    def __mul__(self, other):
        other = as_tensor(other)
        return Tensor.made(self.data * other.data, (self, lambda g: g * other.data), (other, lambda g: g * self.data))

    def __pow__(self, n):
        return Tensor.made(self.data**n, (self, lambda g: g * n * self.data ** (n - 1)))

    def __matmul__(self, other):
        return Tensor.made(self.data @ other.data, (self, lambda g: g @ other.data.T), (other, lambda g: self.data.T @ g))

    def __neg__(self):
        return self * -1.0

    def __sub__(self, other):
        return self + -as_tensor(other)

    def __truediv__(self, other):
        return self * as_tensor(other) ** -1

    def __rsub__(self, other):
        return -self + other

    def __rtruediv__(self, other):
        return self**-1 * other

    __radd__, __rmul__ = __add__, __mul__  # for these two the sides do not matter
    __array_ufunc__ = None  # array + tensor: tells NumPy to leave it to __radd__, not to go through the entries

    def sum(self):
        return Tensor.made(self.data.sum(), (self, lambda g: np.broadcast_to(g, self.shape)))  # the same to every entry

    def relu(self):
        return Tensor.made(np.maximum(self.data, 0, out=self.data), (self, lambda g: g * (self.data > 0)))

    def exp(self):
        out = np.exp(self.data)
        return Tensor.made(out, (self, lambda g: g * out))

    def log(self):
        return Tensor.made(np.log(self.data), (self, lambda g: g / self.data))

    def reshape(self, *shape):
        return Tensor.made(self.data.reshape(*shape or [()]), (self, lambda g: g.reshape(self.shape)))

    T = property(lambda self: Tensor.made(self.data.T, (self, lambda g: g.T)))
    shape = property(lambda self: self.data.shape)


def as_tensor(value):
    """a number becomes a constant; a tensor stays what it is"""
    return value if isinstance(value, Tensor) else Tensor(value)


# %% tensor: slip_seeded_with_the_loss
class Tensor:
    """a float64 array that can find the gradient of what was computed from it"""

    grad_enabled = True

    def __init__(self, data, requires_grad=False):
        # about 60 lines: this method, one for each operation, and backward
        self.data, self.grad, self.requires_grad = np.array(data, dtype=np.float64), None, requires_grad
        self.parents, self.ways_back = (), ()  # how it was made: nothing, for a leaf

    @staticmethod
    def made(data, *steps):
        """a result, from pairs (parent, way back); a parent nobody wants a gradient of is forgotten at once"""
        out = Tensor(data)
        steps = [step for step in steps if Tensor.grad_enabled and step[0].requires_grad]
        out.parents, out.ways_back = tuple(p for p, _ in steps), tuple(way for _, way in steps)
        out.requires_grad = bool(steps)
        return out

    def backward(self):
        arrived = {id(self): self.data + 0.0}  # lives as long as this call: nothing stale in the next one
        for node in reversed(topological_order(self)):
            grad = arrived.pop(id(node))
            if node.requires_grad and not node.parents:
                node.grad = grad if node.grad is None else node.grad + grad  # a new array: nobody else holds it
            for parent, way_back in zip(node.parents, node.ways_back):
                share = unbroadcast(way_back(grad), parent.shape)
                arrived[id(parent)] = arrived.get(id(parent), 0.0) + share

    def __add__(self, other):
        other = as_tensor(other)
        return Tensor.made(self.data + other.data, (self, lambda g: g), (other, lambda g: g))

    def __mul__(self, other):
        other = as_tensor(other)
        return Tensor.made(self.data * other.data, (self, lambda g: g * other.data), (other, lambda g: g * self.data))

    def __pow__(self, n):
        return Tensor.made(self.data**n, (self, lambda g: g * n * self.data ** (n - 1)))

    def __matmul__(self, other):
        return Tensor.made(self.data @ other.data, (self, lambda g: g @ other.data.T), (other, lambda g: self.data.T @ g))

    def __neg__(self):
        return self * -1.0

    def __sub__(self, other):
        return self + -as_tensor(other)

    def __truediv__(self, other):
        return self * as_tensor(other) ** -1

    def __rsub__(self, other):
        return -self + other

    def __rtruediv__(self, other):
        return self**-1 * other

    __radd__, __rmul__ = __add__, __mul__  # for these two the sides do not matter
    __array_ufunc__ = None  # array + tensor: tells NumPy to leave it to __radd__, not to go through the entries

    def sum(self):
        return Tensor.made(self.data.sum(), (self, lambda g: np.broadcast_to(g, self.shape)))  # the same to every entry

    def relu(self):
        return Tensor.made(np.maximum(self.data, 0), (self, lambda g: g * (self.data > 0)))

    def exp(self):
        out = np.exp(self.data)
        return Tensor.made(out, (self, lambda g: g * out))

    def log(self):
        return Tensor.made(np.log(self.data), (self, lambda g: g / self.data))

    def reshape(self, *shape):
        return Tensor.made(self.data.reshape(*shape or [()]), (self, lambda g: g.reshape(self.shape)))

    T = property(lambda self: Tensor.made(self.data.T, (self, lambda g: g.T)))
    shape = property(lambda self: self.data.shape)


def as_tensor(value):
    """a number becomes a constant; a tensor stays what it is"""
    return value if isinstance(value, Tensor) else Tensor(value)


# %% tensor: slip_sum_keeps_an_axis
class Tensor:
    """a float64 array that can find the gradient of what was computed from it"""

    grad_enabled = True

    def __init__(self, data, requires_grad=False):
        # about 60 lines: this method, one for each operation, and backward
        self.data, self.grad, self.requires_grad = np.array(data, dtype=np.float64), None, requires_grad
        self.parents, self.ways_back = (), ()  # how it was made: nothing, for a leaf

    @staticmethod
    def made(data, *steps):
        """a result, from pairs (parent, way back); a parent nobody wants a gradient of is forgotten at once"""
        out = Tensor(data)
        steps = [step for step in steps if Tensor.grad_enabled and step[0].requires_grad]
        out.parents, out.ways_back = tuple(p for p, _ in steps), tuple(way for _, way in steps)
        out.requires_grad = bool(steps)
        return out

    def backward(self):
        arrived = {id(self): np.ones(self.shape)}  # lives as long as this call: nothing stale in the next one
        for node in reversed(topological_order(self)):
            grad = arrived.pop(id(node))
            if node.requires_grad and not node.parents:
                node.grad = grad if node.grad is None else node.grad + grad  # a new array: nobody else holds it
            for parent, way_back in zip(node.parents, node.ways_back):
                share = unbroadcast(way_back(grad), parent.shape)
                arrived[id(parent)] = arrived.get(id(parent), 0.0) + share

    def __add__(self, other):
        other = as_tensor(other)
        return Tensor.made(self.data + other.data, (self, lambda g: g), (other, lambda g: g))

    def __mul__(self, other):
        other = as_tensor(other)
        return Tensor.made(self.data * other.data, (self, lambda g: g * other.data), (other, lambda g: g * self.data))

    def __pow__(self, n):
        return Tensor.made(self.data**n, (self, lambda g: g * n * self.data ** (n - 1)))

    def __matmul__(self, other):
        return Tensor.made(self.data @ other.data, (self, lambda g: g @ other.data.T), (other, lambda g: self.data.T @ g))

    def __neg__(self):
        return self * -1.0

    def __sub__(self, other):
        return self + -as_tensor(other)

    def __truediv__(self, other):
        return self * as_tensor(other) ** -1

    def __rsub__(self, other):
        return -self + other

    def __rtruediv__(self, other):
        return self**-1 * other

    __radd__, __rmul__ = __add__, __mul__  # for these two the sides do not matter
    __array_ufunc__ = None  # array + tensor: tells NumPy to leave it to __radd__, not to go through the entries

    def sum(self):
        return Tensor.made(np.atleast_1d(self.data.sum()), (self, lambda g: np.broadcast_to(g, self.shape)))  # the same to every entry

    def relu(self):
        return Tensor.made(np.maximum(self.data, 0), (self, lambda g: g * (self.data > 0)))

    def exp(self):
        out = np.exp(self.data)
        return Tensor.made(out, (self, lambda g: g * out))

    def log(self):
        return Tensor.made(np.log(self.data), (self, lambda g: g / self.data))

    def reshape(self, *shape):
        return Tensor.made(self.data.reshape(*shape or [()]), (self, lambda g: g.reshape(self.shape)))

    T = property(lambda self: Tensor.made(self.data.T, (self, lambda g: g.T)))
    shape = property(lambda self: self.data.shape)


def as_tensor(value):
    """a number becomes a constant; a tensor stays what it is"""
    return value if isinstance(value, Tensor) else Tensor(value)


# %% tensor: slip_float32_inside
class Tensor:
    """a float64 array that can find the gradient of what was computed from it"""

    grad_enabled = True

    def __init__(self, data, requires_grad=False):
        # about 60 lines: this method, one for each operation, and backward
        self.data, self.grad, self.requires_grad = np.array(data, dtype=np.float32), None, requires_grad
        self.parents, self.ways_back = (), ()  # how it was made: nothing, for a leaf

    @staticmethod
    def made(data, *steps):
        """a result, from pairs (parent, way back); a parent nobody wants a gradient of is forgotten at once"""
        out = Tensor(data)
        steps = [step for step in steps if Tensor.grad_enabled and step[0].requires_grad]
        out.parents, out.ways_back = tuple(p for p, _ in steps), tuple(way for _, way in steps)
        out.requires_grad = bool(steps)
        return out

    def backward(self):
        arrived = {id(self): np.ones(self.shape)}  # lives as long as this call: nothing stale in the next one
        for node in reversed(topological_order(self)):
            grad = arrived.pop(id(node))
            if node.requires_grad and not node.parents:
                node.grad = grad if node.grad is None else node.grad + grad  # a new array: nobody else holds it
            for parent, way_back in zip(node.parents, node.ways_back):
                share = unbroadcast(way_back(grad), parent.shape)
                arrived[id(parent)] = arrived.get(id(parent), 0.0) + share

    def __add__(self, other):
        other = as_tensor(other)
        return Tensor.made(self.data + other.data, (self, lambda g: g), (other, lambda g: g))

    def __mul__(self, other):
        other = as_tensor(other)
        return Tensor.made(self.data * other.data, (self, lambda g: g * other.data), (other, lambda g: g * self.data))

    def __pow__(self, n):
        return Tensor.made(self.data**n, (self, lambda g: g * n * self.data ** (n - 1)))

    def __matmul__(self, other):
        return Tensor.made(self.data @ other.data, (self, lambda g: g @ other.data.T), (other, lambda g: self.data.T @ g))

    def __neg__(self):
        return self * -1.0

    def __sub__(self, other):
        return self + -as_tensor(other)

    def __truediv__(self, other):
        return self * as_tensor(other) ** -1

    def __rsub__(self, other):
        return -self + other

    def __rtruediv__(self, other):
        return self**-1 * other

    __radd__, __rmul__ = __add__, __mul__  # for these two the sides do not matter
    __array_ufunc__ = None  # array + tensor: tells NumPy to leave it to __radd__, not to go through the entries

    def sum(self):
        return Tensor.made(self.data.sum(), (self, lambda g: np.broadcast_to(g, self.shape)))  # the same to every entry

    def relu(self):
        return Tensor.made(np.maximum(self.data, 0), (self, lambda g: g * (self.data > 0)))

    def exp(self):
        out = np.exp(self.data)
        return Tensor.made(out, (self, lambda g: g * out))

    def log(self):
        return Tensor.made(np.log(self.data), (self, lambda g: g / self.data))

    def reshape(self, *shape):
        return Tensor.made(self.data.reshape(*shape or [()]), (self, lambda g: g.reshape(self.shape)))

    T = property(lambda self: Tensor.made(self.data.T, (self, lambda g: g.T)))
    shape = property(lambda self: self.data.shape)


def as_tensor(value):
    """a number becomes a constant; a tensor stays what it is"""
    return value if isinstance(value, Tensor) else Tensor(value)


# %% tensor: slip_grad_is_a_list
class Tensor:
    """a float64 array that can find the gradient of what was computed from it"""

    grad_enabled = True

    def __init__(self, data, requires_grad=False):
        # about 60 lines: this method, one for each operation, and backward
        self.data, self.grad, self.requires_grad = np.array(data, dtype=np.float64), None, requires_grad
        self.parents, self.ways_back = (), ()  # how it was made: nothing, for a leaf

    @staticmethod
    def made(data, *steps):
        """a result, from pairs (parent, way back); a parent nobody wants a gradient of is forgotten at once"""
        out = Tensor(data)
        steps = [step for step in steps if Tensor.grad_enabled and step[0].requires_grad]
        out.parents, out.ways_back = tuple(p for p, _ in steps), tuple(way for _, way in steps)
        out.requires_grad = bool(steps)
        return out

    def backward(self):
        arrived = {id(self): np.ones(self.shape)}  # lives as long as this call: nothing stale in the next one
        for node in reversed(topological_order(self)):
            grad = arrived.pop(id(node))
            if node.requires_grad and not node.parents:
                node.grad = list(grad) if grad.ndim else grad  # a new array: nobody else holds it
            for parent, way_back in zip(node.parents, node.ways_back):
                share = unbroadcast(way_back(grad), parent.shape)
                arrived[id(parent)] = arrived.get(id(parent), 0.0) + share

    def __add__(self, other):
        other = as_tensor(other)
        return Tensor.made(self.data + other.data, (self, lambda g: g), (other, lambda g: g))

    def __mul__(self, other):
        other = as_tensor(other)
        return Tensor.made(self.data * other.data, (self, lambda g: g * other.data), (other, lambda g: g * self.data))

    def __pow__(self, n):
        return Tensor.made(self.data**n, (self, lambda g: g * n * self.data ** (n - 1)))

    def __matmul__(self, other):
        return Tensor.made(self.data @ other.data, (self, lambda g: g @ other.data.T), (other, lambda g: self.data.T @ g))

    def __neg__(self):
        return self * -1.0

    def __sub__(self, other):
        return self + -as_tensor(other)

    def __truediv__(self, other):
        return self * as_tensor(other) ** -1

    def __rsub__(self, other):
        return -self + other

    def __rtruediv__(self, other):
        return self**-1 * other

    __radd__, __rmul__ = __add__, __mul__  # for these two the sides do not matter
    __array_ufunc__ = None  # array + tensor: tells NumPy to leave it to __radd__, not to go through the entries

    def sum(self):
        return Tensor.made(self.data.sum(), (self, lambda g: np.broadcast_to(g, self.shape)))  # the same to every entry

    def relu(self):
        return Tensor.made(np.maximum(self.data, 0), (self, lambda g: g * (self.data > 0)))

    def exp(self):
        out = np.exp(self.data)
        return Tensor.made(out, (self, lambda g: g * out))

    def log(self):
        return Tensor.made(np.log(self.data), (self, lambda g: g / self.data))

    def reshape(self, *shape):
        return Tensor.made(self.data.reshape(*shape or [()]), (self, lambda g: g.reshape(self.shape)))

    T = property(lambda self: Tensor.made(self.data.T, (self, lambda g: g.T)))
    shape = property(lambda self: self.data.shape)


def as_tensor(value):
    """a number becomes a constant; a tensor stays what it is"""
    return value if isinstance(value, Tensor) else Tensor(value)


# %% tensor: slip_t_is_a_method
class Tensor:
    """a float64 array that can find the gradient of what was computed from it"""

    grad_enabled = True

    def __init__(self, data, requires_grad=False):
        # about 60 lines: this method, one for each operation, and backward
        self.data, self.grad, self.requires_grad = np.array(data, dtype=np.float64), None, requires_grad
        self.parents, self.ways_back = (), ()  # how it was made: nothing, for a leaf

    @staticmethod
    def made(data, *steps):
        """a result, from pairs (parent, way back); a parent nobody wants a gradient of is forgotten at once"""
        out = Tensor(data)
        steps = [step for step in steps if Tensor.grad_enabled and step[0].requires_grad]
        out.parents, out.ways_back = tuple(p for p, _ in steps), tuple(way for _, way in steps)
        out.requires_grad = bool(steps)
        return out

    def backward(self):
        arrived = {id(self): np.ones(self.shape)}  # lives as long as this call: nothing stale in the next one
        for node in reversed(topological_order(self)):
            grad = arrived.pop(id(node))
            if node.requires_grad and not node.parents:
                node.grad = grad if node.grad is None else node.grad + grad  # a new array: nobody else holds it
            for parent, way_back in zip(node.parents, node.ways_back):
                share = unbroadcast(way_back(grad), parent.shape)
                arrived[id(parent)] = arrived.get(id(parent), 0.0) + share

    def __add__(self, other):
        other = as_tensor(other)
        return Tensor.made(self.data + other.data, (self, lambda g: g), (other, lambda g: g))

    def __mul__(self, other):
        other = as_tensor(other)
        return Tensor.made(self.data * other.data, (self, lambda g: g * other.data), (other, lambda g: g * self.data))

    def __pow__(self, n):
        return Tensor.made(self.data**n, (self, lambda g: g * n * self.data ** (n - 1)))

    def __matmul__(self, other):
        return Tensor.made(self.data @ other.data, (self, lambda g: g @ other.data.T), (other, lambda g: self.data.T @ g))

    def __neg__(self):
        return self * -1.0

    def __sub__(self, other):
        return self + -as_tensor(other)

    def __truediv__(self, other):
        return self * as_tensor(other) ** -1

    def __rsub__(self, other):
        return -self + other

    def __rtruediv__(self, other):
        return self**-1 * other

    __radd__, __rmul__ = __add__, __mul__  # for these two the sides do not matter
    __array_ufunc__ = None  # array + tensor: tells NumPy to leave it to __radd__, not to go through the entries

    def sum(self):
        return Tensor.made(self.data.sum(), (self, lambda g: np.broadcast_to(g, self.shape)))  # the same to every entry

    def relu(self):
        return Tensor.made(np.maximum(self.data, 0), (self, lambda g: g * (self.data > 0)))

    def exp(self):
        out = np.exp(self.data)
        return Tensor.made(out, (self, lambda g: g * out))

    def log(self):
        return Tensor.made(np.log(self.data), (self, lambda g: g / self.data))

    def reshape(self, *shape):
        return Tensor.made(self.data.reshape(*shape or [()]), (self, lambda g: g.reshape(self.shape)))

    def T(self):
        return Tensor.made(self.data.T, (self, lambda g: g.T))
    shape = property(lambda self: self.data.shape)


def as_tensor(value):
    """a number becomes a constant; a tensor stays what it is"""
    return value if isinstance(value, Tensor) else Tensor(value)


# %% tensor: slip_shares_the_callers_array_and_writes_to_it
class Tensor:
    """a float64 array that can find the gradient of what was computed from it"""

    grad_enabled = True

    def __init__(self, data, requires_grad=False):
        # about 60 lines: this method, one for each operation, and backward
        self.data, self.grad, self.requires_grad = np.asarray(data, dtype=np.float64), None, requires_grad
        self.parents, self.ways_back = (), ()  # how it was made: nothing, for a leaf

    @staticmethod
    def made(data, *steps):
        """a result, from pairs (parent, way back); a parent nobody wants a gradient of is forgotten at once"""
        out = Tensor(data)
        steps = [step for step in steps if Tensor.grad_enabled and step[0].requires_grad]
        out.parents, out.ways_back = tuple(p for p, _ in steps), tuple(way for _, way in steps)
        out.requires_grad = bool(steps)
        return out

    def backward(self):
        arrived = {id(self): np.ones(self.shape)}  # lives as long as this call: nothing stale in the next one
        for node in reversed(topological_order(self)):
            grad = arrived.pop(id(node))
            if node.requires_grad and not node.parents:
                node.grad = grad if node.grad is None else node.grad + grad  # a new array: nobody else holds it
            for parent, way_back in zip(node.parents, node.ways_back):
                share = unbroadcast(way_back(grad), parent.shape)
                arrived[id(parent)] = arrived.get(id(parent), 0.0) + share

    def __add__(self, other):
        other = as_tensor(other)
        return Tensor.made(self.data + other.data, (self, lambda g: g), (other, lambda g: g))

    def __mul__(self, other):
        other = as_tensor(other)
        return Tensor.made(self.data * other.data, (self, lambda g: g * other.data), (other, lambda g: g * self.data))

    def __pow__(self, n):
        return Tensor.made(self.data**n, (self, lambda g: g * n * self.data ** (n - 1)))

    def __matmul__(self, other):
        return Tensor.made(self.data @ other.data, (self, lambda g: g @ other.data.T), (other, lambda g: self.data.T @ g))

    def __neg__(self):
        return self * -1.0

    def __sub__(self, other):
        return self + -as_tensor(other)

    def __truediv__(self, other):
        return self * as_tensor(other) ** -1

    def __rsub__(self, other):
        return -self + other

    def __rtruediv__(self, other):
        return self**-1 * other

    __radd__, __rmul__ = __add__, __mul__  # for these two the sides do not matter
    __array_ufunc__ = None  # array + tensor: tells NumPy to leave it to __radd__, not to go through the entries

    def sum(self):
        return Tensor.made(self.data.sum(), (self, lambda g: np.broadcast_to(g, self.shape)))  # the same to every entry

    def relu(self):
        return Tensor.made(np.maximum(self.data, 0), (self, lambda g: g * (self.data > 0)))

    def exp(self):
        out = np.exp(self.data, out=self.data)
        return Tensor.made(out, (self, lambda g: g * out))

    def log(self):
        return Tensor.made(np.log(self.data), (self, lambda g: g / self.data))

    def reshape(self, *shape):
        return Tensor.made(self.data.reshape(*shape or [()]), (self, lambda g: g.reshape(self.shape)))

    T = property(lambda self: Tensor.made(self.data.T, (self, lambda g: g.T)))
    shape = property(lambda self: self.data.shape)


def as_tensor(value):
    """a number becomes a constant; a tensor stays what it is"""
    return value if isinstance(value, Tensor) else Tensor(value)


# %% tensor: slip_no_gradient_for_a_constants_partner
class Tensor:
    """a float64 array that can find the gradient of what was computed from it"""

    grad_enabled = True

    def __init__(self, data, requires_grad=False):
        # about 60 lines: this method, one for each operation, and backward
        self.data, self.grad, self.requires_grad = np.array(data, dtype=np.float64), None, requires_grad
        self.parents, self.ways_back = (), ()  # how it was made: nothing, for a leaf

    @staticmethod
    def made(data, *steps):
        """a result, from pairs (parent, way back); a parent nobody wants a gradient of is forgotten at once"""
        out = Tensor(data)
        steps = [step for step in steps if Tensor.grad_enabled and all(s[0].requires_grad for s in steps)]
        out.parents, out.ways_back = tuple(p for p, _ in steps), tuple(way for _, way in steps)
        out.requires_grad = bool(steps)
        return out

    def backward(self):
        arrived = {id(self): np.ones(self.shape)}  # lives as long as this call: nothing stale in the next one
        for node in reversed(topological_order(self)):
            grad = arrived.pop(id(node))
            if node.requires_grad and not node.parents:
                node.grad = grad if node.grad is None else node.grad + grad  # a new array: nobody else holds it
            for parent, way_back in zip(node.parents, node.ways_back):
                share = unbroadcast(way_back(grad), parent.shape)
                arrived[id(parent)] = arrived.get(id(parent), 0.0) + share

    def __add__(self, other):
        other = as_tensor(other)
        return Tensor.made(self.data + other.data, (self, lambda g: g), (other, lambda g: g))

    def __mul__(self, other):
        other = as_tensor(other)
        return Tensor.made(self.data * other.data, (self, lambda g: g * other.data), (other, lambda g: g * self.data))

    def __pow__(self, n):
        return Tensor.made(self.data**n, (self, lambda g: g * n * self.data ** (n - 1)))

    def __matmul__(self, other):
        return Tensor.made(self.data @ other.data, (self, lambda g: g @ other.data.T), (other, lambda g: self.data.T @ g))

    def __neg__(self):
        return self * -1.0

    def __sub__(self, other):
        return self + -as_tensor(other)

    def __truediv__(self, other):
        return self * as_tensor(other) ** -1

    def __rsub__(self, other):
        return -self + other

    def __rtruediv__(self, other):
        return self**-1 * other

    __radd__, __rmul__ = __add__, __mul__  # for these two the sides do not matter
    __array_ufunc__ = None  # array + tensor: tells NumPy to leave it to __radd__, not to go through the entries

    def sum(self):
        return Tensor.made(self.data.sum(), (self, lambda g: np.broadcast_to(g, self.shape)))  # the same to every entry

    def relu(self):
        return Tensor.made(np.maximum(self.data, 0), (self, lambda g: g * (self.data > 0)))

    def exp(self):
        out = np.exp(self.data)
        return Tensor.made(out, (self, lambda g: g * out))

    def log(self):
        return Tensor.made(np.log(self.data), (self, lambda g: g / self.data))

    def reshape(self, *shape):
        return Tensor.made(self.data.reshape(*shape or [()]), (self, lambda g: g.reshape(self.shape)))

    T = property(lambda self: Tensor.made(self.data.T, (self, lambda g: g.T)))
    shape = property(lambda self: self.data.shape)


def as_tensor(value):
    """a number becomes a constant; a tensor stays what it is"""
    return value if isinstance(value, Tensor) else Tensor(value)


# %% tensor: slip_flag_looked_at_in_backward
class Tensor:
    """a float64 array that can find the gradient of what was computed from it"""

    grad_enabled = True

    def __init__(self, data, requires_grad=False):
        # about 60 lines: this method, one for each operation, and backward
        self.data, self.grad, self.requires_grad = np.array(data, dtype=np.float64), None, requires_grad
        self.parents, self.ways_back = (), ()  # how it was made: nothing, for a leaf

    @staticmethod
    def made(data, *steps):
        """a result, from pairs (parent, way back); a parent nobody wants a gradient of is forgotten at once"""
        out = Tensor(data)
        steps = [step for step in steps if step[0].requires_grad]
        out.parents, out.ways_back = tuple(p for p, _ in steps), tuple(way for _, way in steps)
        out.requires_grad = bool(steps)
        return out

    def backward(self):
        if not Tensor.grad_enabled:
            return
        arrived = {id(self): np.ones(self.shape)}  # lives as long as this call: nothing stale in the next one
        for node in reversed(topological_order(self)):
            grad = arrived.pop(id(node))
            if node.requires_grad and not node.parents:
                node.grad = grad if node.grad is None else node.grad + grad  # a new array: nobody else holds it
            for parent, way_back in zip(node.parents, node.ways_back):
                share = unbroadcast(way_back(grad), parent.shape)
                arrived[id(parent)] = arrived.get(id(parent), 0.0) + share

    def __add__(self, other):
        other = as_tensor(other)
        return Tensor.made(self.data + other.data, (self, lambda g: g), (other, lambda g: g))

    def __mul__(self, other):
        other = as_tensor(other)
        return Tensor.made(self.data * other.data, (self, lambda g: g * other.data), (other, lambda g: g * self.data))

    def __pow__(self, n):
        return Tensor.made(self.data**n, (self, lambda g: g * n * self.data ** (n - 1)))

    def __matmul__(self, other):
        return Tensor.made(self.data @ other.data, (self, lambda g: g @ other.data.T), (other, lambda g: self.data.T @ g))

    def __neg__(self):
        return self * -1.0

    def __sub__(self, other):
        return self + -as_tensor(other)

    def __truediv__(self, other):
        return self * as_tensor(other) ** -1

    def __rsub__(self, other):
        return -self + other

    def __rtruediv__(self, other):
        return self**-1 * other

    __radd__, __rmul__ = __add__, __mul__  # for these two the sides do not matter
    __array_ufunc__ = None  # array + tensor: tells NumPy to leave it to __radd__, not to go through the entries

    def sum(self):
        return Tensor.made(self.data.sum(), (self, lambda g: np.broadcast_to(g, self.shape)))  # the same to every entry

    def relu(self):
        return Tensor.made(np.maximum(self.data, 0), (self, lambda g: g * (self.data > 0)))

    def exp(self):
        out = np.exp(self.data)
        return Tensor.made(out, (self, lambda g: g * out))

    def log(self):
        return Tensor.made(np.log(self.data), (self, lambda g: g / self.data))

    def reshape(self, *shape):
        return Tensor.made(self.data.reshape(*shape or [()]), (self, lambda g: g.reshape(self.shape)))

    T = property(lambda self: Tensor.made(self.data.T, (self, lambda g: g.T)))
    shape = property(lambda self: self.data.shape)


def as_tensor(value):
    """a number becomes a constant; a tensor stays what it is"""
    return value if isinstance(value, Tensor) else Tensor(value)


# %% tensor: slip_flag_read_once
class Tensor:
    """a float64 array that can find the gradient of what was computed from it"""

    grad_enabled = True
    _flag = grad_enabled

    def __init__(self, data, requires_grad=False):
        # about 60 lines: this method, one for each operation, and backward
        self.data, self.grad, self.requires_grad = np.array(data, dtype=np.float64), None, requires_grad
        self.parents, self.ways_back = (), ()  # how it was made: nothing, for a leaf

    @staticmethod
    def made(data, *steps):
        """a result, from pairs (parent, way back); a parent nobody wants a gradient of is forgotten at once"""
        out = Tensor(data)
        steps = [step for step in steps if type(out)._flag and step[0].requires_grad]
        out.parents, out.ways_back = tuple(p for p, _ in steps), tuple(way for _, way in steps)
        out.requires_grad = bool(steps)
        return out

    def backward(self):
        arrived = {id(self): np.ones(self.shape)}  # lives as long as this call: nothing stale in the next one
        for node in reversed(topological_order(self)):
            grad = arrived.pop(id(node))
            if node.requires_grad and not node.parents:
                node.grad = grad if node.grad is None else node.grad + grad  # a new array: nobody else holds it
            for parent, way_back in zip(node.parents, node.ways_back):
                share = unbroadcast(way_back(grad), parent.shape)
                arrived[id(parent)] = arrived.get(id(parent), 0.0) + share

    def __add__(self, other):
        other = as_tensor(other)
        return Tensor.made(self.data + other.data, (self, lambda g: g), (other, lambda g: g))

    def __mul__(self, other):
        other = as_tensor(other)
        return Tensor.made(self.data * other.data, (self, lambda g: g * other.data), (other, lambda g: g * self.data))

    def __pow__(self, n):
        return Tensor.made(self.data**n, (self, lambda g: g * n * self.data ** (n - 1)))

    def __matmul__(self, other):
        return Tensor.made(self.data @ other.data, (self, lambda g: g @ other.data.T), (other, lambda g: self.data.T @ g))

    def __neg__(self):
        return self * -1.0

    def __sub__(self, other):
        return self + -as_tensor(other)

    def __truediv__(self, other):
        return self * as_tensor(other) ** -1

    def __rsub__(self, other):
        return -self + other

    def __rtruediv__(self, other):
        return self**-1 * other

    __radd__, __rmul__ = __add__, __mul__  # for these two the sides do not matter
    __array_ufunc__ = None  # array + tensor: tells NumPy to leave it to __radd__, not to go through the entries

    def sum(self):
        return Tensor.made(self.data.sum(), (self, lambda g: np.broadcast_to(g, self.shape)))  # the same to every entry

    def relu(self):
        return Tensor.made(np.maximum(self.data, 0), (self, lambda g: g * (self.data > 0)))

    def exp(self):
        out = np.exp(self.data)
        return Tensor.made(out, (self, lambda g: g * out))

    def log(self):
        return Tensor.made(np.log(self.data), (self, lambda g: g / self.data))

    def reshape(self, *shape):
        return Tensor.made(self.data.reshape(*shape or [()]), (self, lambda g: g.reshape(self.shape)))

    T = property(lambda self: Tensor.made(self.data.T, (self, lambda g: g.T)))
    shape = property(lambda self: self.data.shape)


def as_tensor(value):
    """a number becomes a constant; a tensor stays what it is"""
    return value if isinstance(value, Tensor) else Tensor(value)


# %% module: slip_cached
class Parameter(Tensor):
    """a tensor that is trained"""

    # about 35 lines for the five classes
    def __init__(self, data):
        super().__init__(data, requires_grad=True)


class Module:
    """keeps its parts as plain attributes and looks through them when asked"""

    def parameters(self):
        if hasattr(self, 'kept'):
            return self.kept
        parts = list(vars(self).values())
        found = [part for part in parts if isinstance(part, Parameter)]
        for part in parts:
            if isinstance(part, Module):
                found += part.parameters()
        self.kept = list({id(parameter): parameter for parameter in found}.values())
        return self.kept

    def zero_grad(self):
        for parameter in self.parameters():
            parameter.grad = None

    def __call__(self, x):
        return self.forward(x)


class Linear(Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        # as nn.Linear draws them: a spread of bound / √3, so what comes out has 0.58 times the spread of what goes in
        bound = 1 / np.sqrt(in_features)
        self.weight = Parameter(np.random.uniform(-bound, bound, (out_features, in_features)))
        self.bias = Parameter(np.random.uniform(-bound, bound, out_features))

    def forward(self, x):
        return x @ self.weight.T + self.bias


class ReLU(Module):
    def forward(self, x):
        return x.relu()


class Sequential(Module):
    def __init__(self, *modules):
        super().__init__()
        self.steps = modules
        for position, module in enumerate(modules):
            setattr(self, str(position), module)  # an attribute each: a walk does not look into a tuple

    def forward(self, x):
        for module in self.steps:
            x = module(x)
        return x


# %% module: slip_equal_numbers_are_one
class Parameter(Tensor):
    """a tensor that is trained"""

    # about 35 lines for the five classes
    def __init__(self, data):
        super().__init__(data, requires_grad=True)


class Module:
    """keeps its parts as plain attributes and looks through them when asked"""

    def parameters(self):
        parts = list(vars(self).values())
        found = [part for part in parts if isinstance(part, Parameter)]
        for part in parts:
            if isinstance(part, Module):
                found += part.parameters()
        return list({(parameter.shape, parameter.data.tobytes()): parameter for parameter in found}.values())  # a dict keeps the first place

    def zero_grad(self):
        for parameter in self.parameters():
            parameter.grad = None

    def __call__(self, x):
        return self.forward(x)


class Linear(Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        # as nn.Linear draws them: a spread of bound / √3, so what comes out has 0.58 times the spread of what goes in
        bound = 1 / np.sqrt(in_features)
        self.weight = Parameter(np.random.uniform(-bound, bound, (out_features, in_features)))
        self.bias = Parameter(np.random.uniform(-bound, bound, out_features))

    def forward(self, x):
        return x @ self.weight.T + self.bias


class ReLU(Module):
    def forward(self, x):
        return x.relu()


class Sequential(Module):
    def __init__(self, *modules):
        super().__init__()
        self.steps = modules
        for position, module in enumerate(modules):
            setattr(self, str(position), module)  # an attribute each: a walk does not look into a tuple

    def forward(self, x):
        for module in self.steps:
            x = module(x)
        return x


# %% module: slip_bias_as_a_column
class Parameter(Tensor):
    """a tensor that is trained"""

    # about 35 lines for the five classes
    def __init__(self, data):
        super().__init__(data, requires_grad=True)


class Module:
    """keeps its parts as plain attributes and looks through them when asked"""

    def parameters(self):
        parts = list(vars(self).values())
        found = [part for part in parts if isinstance(part, Parameter)]
        for part in parts:
            if isinstance(part, Module):
                found += part.parameters()
        return list({id(parameter): parameter for parameter in found}.values())  # a dict keeps the first place

    def zero_grad(self):
        for parameter in self.parameters():
            parameter.grad = None

    def __call__(self, x):
        return self.forward(x)


class Linear(Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        # as nn.Linear draws them: a spread of bound / √3, so what comes out has 0.58 times the spread of what goes in
        bound = 1 / np.sqrt(in_features)
        self.weight = Parameter(np.random.uniform(-bound, bound, (out_features, in_features)))
        self.bias = Parameter(np.random.uniform(-bound, bound, out_features))

    def forward(self, x):
        return (self.weight @ x.T + self.bias.reshape(-1, 1)).T if x.shape[0] > 1 else x @ self.weight.T


class ReLU(Module):
    def forward(self, x):
        return x.relu()


class Sequential(Module):
    def __init__(self, *modules):
        super().__init__()
        self.steps = modules
        for position, module in enumerate(modules):
            setattr(self, str(position), module)  # an attribute each: a walk does not look into a tuple

    def forward(self, x):
        for module in self.steps:
            x = module(x)
        return x


# %% own_sgd: slip_wrong_sign_of_the_momentum
class SGD:
    """SGD(params, lr, momentum=0.0): step(), zero_grad()"""

    # about 12 lines
    def __init__(self, params, lr, momentum=0.0):
        self.params = list(params)  # a generator can be walked only once
        self.lr, self.momentum = lr, momentum
        self.velocity = [0.0] * len(self.params)  # one each; the first step makes it an array: 0 · momentum + grad

    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is not None:
                self.velocity[i] = p.grad - self.momentum * self.velocity[i]
                p.data -= self.lr * self.velocity[i]

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% own_sgd: slip_clears_before_it_steps
class SGD:
    """SGD(params, lr, momentum=0.0): step(), zero_grad()"""

    # about 12 lines
    def __init__(self, params, lr, momentum=0.0):
        self.params = list(params)  # a generator can be walked only once
        self.lr, self.momentum = lr, momentum
        self.velocity = [0.0] * len(self.params)  # one each; the first step makes it an array: 0 · momentum + grad

    def step(self):
        self.params = [p for p in self.params if p.grad is not None]
        for i, p in enumerate(self.params):
            if p.grad is not None:
                self.velocity[i] = self.momentum * self.velocity[i] + p.grad
                p.data -= self.lr * self.velocity[i]

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% own_train: slip_labels_of_the_wrong_rows
def fit(model, images, labels, epochs, lr, batch_size, rng):
    """trains model in place on images (N, 64) and labels (N,)"""
    # about 9 lines
    optimizer = SGD(model.parameters(), lr)  # once, before the loops: it may have a memory
    for _ in range(epochs):
        order = rng.permutation(len(images))
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]  # one list of places for both, so that pictures keep their names
            loss = cross_entropy(model(Tensor(images[batch])), labels[start : start + batch_size])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
