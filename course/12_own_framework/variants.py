"""Right solutions of chapter 12 in an unusual style: the checks must accept every one."""

import numpy as np


# %% unbroadcast: einsum
def unbroadcast(grad, shape):
    padded = (1,) * (grad.ndim - len(shape)) + tuple(shape)
    letters = "abcdefgh"[: grad.ndim]
    kept = "".join(letter for letter, size in zip(letters, padded) if size != 1)
    return np.einsum(f"{letters}->{kept}", grad).reshape(shape)


# %% unbroadcast: add_reduce
unbroadcast = lambda grad, shape: np.add.reduce(
    grad,
    axis=tuple(
        axis
        for axis in range(grad.ndim)
        if axis < grad.ndim - len(shape) or shape[axis - grad.ndim + len(shape)] == 1
    ),
).reshape(shape)


# %% unbroadcast: scatter
def unbroadcast(grad, shape):
    places = np.broadcast_to(np.arange(int(np.prod(shape))).reshape(shape), grad.shape)
    back = np.zeros(int(np.prod(shape)), dtype=grad.dtype)
    np.add.at(back, places.ravel(), grad.ravel())
    return back.reshape(shape)


# %% unbroadcast: recursive
def unbroadcast(grad, shape):
    if np.shape(grad) == tuple(shape):
        return grad
    if np.ndim(grad) > len(shape):
        return unbroadcast(np.sum(grad, 0), shape)
    axis = next(i for i, (a, b) in enumerate(zip(grad.shape, shape)) if a != b)
    return unbroadcast(np.sum(grad, axis, keepdims=True), shape)


# %% topological_order: count_the_children
from collections import Counter, deque


def topological_order(root):
    nodes, waiting, children = {id(root): root}, deque([root]), Counter()
    while waiting:
        for parent in waiting.popleft().parents:
            children[id(parent)] += 1
            if id(parent) not in nodes:
                nodes[id(parent)] = parent
                waiting.append(parent)
    ready, backwards = [root], []
    while ready:
        node = ready.pop()
        backwards.append(node)
        for parent in node.parents:
            children[id(parent)] -= 1
            if not children[id(parent)]:
                ready.append(parent)
    return backwards[::-1]


# %% topological_order: iterators
def topological_order(root):
    done, path, order = {root}, [(root, iter(root.parents))], []
    while path:
        node, rest = path[-1]
        for parent in rest:
            if parent not in done:
                done.add(parent)
                path.append((parent, iter(parent.parents)))
                break
        else:
            path.pop()
            order.append(node)
    return order


# %% topological_order: graphlib
import graphlib


def topological_order(root):
    graph, left = {}, [root]
    while left:
        node = left.pop()
        if node not in graph:
            graph[node] = set(node.parents)
            left += node.parents
    return list(graphlib.TopologicalSorter(graph).static_order())


# %% topological_order: generator_trampoline
def topological_order(root):
    seen = {}

    def visit(node):
        seen[id(node)] = node
        for parent in node.parents:
            if id(parent) not in seen:
                yield visit(parent)
        order.append(node)

    order, running = [], [visit(root)]
    while running:
        try:
            running.append(next(running[-1]))
        except StopIteration:
            running.pop()
    return order


# %% topological_order: from_the_leaves
def topological_order(root):
    # longest-path depth by relaxation from the leaves: Kahn over children counts
    nodes = [root]
    index = {id(root): 0}
    for n in nodes:
        for p in n.parents:
            if id(p) not in index:
                index[id(p)] = len(nodes)
                nodes.append(p)
    waiting = [len({id(p) for p in n.parents}) for n in nodes]
    children = [[] for _ in nodes]
    for i, n in enumerate(nodes):
        for q in {id(p) for p in n.parents}:
            children[index[q]].append(i)
    ready = [i for i, w in enumerate(waiting) if w == 0]
    out = []
    while ready:
        i = ready.pop(0)
        out.append(nodes[i])
        for j in children[i]:
            waiting[j] -= 1
            if waiting[j] == 0:
                ready.append(j)
    return out


# %% topological_order: greatest_distance
def topological_order(root):
    # level by level, with repeats; the last time a node turns up is its greatest distance from the root
    walk, left = [], [root]
    while left:
        walk.append(left.pop(0))
        left.extend(walk[-1].parents)
    return list(dict.fromkeys(reversed(walk)))


# %% tensor: function_classes
class Function:
    def __init__(self, *inputs):
        self.inputs = inputs

    @classmethod
    def apply(cls, *inputs, **options):
        inputs = [x if isinstance(x, Tensor) else Tensor(x) for x in inputs]
        f = cls(*inputs)
        out = Tensor(f.forward(*(x.data for x in inputs), **options))
        if Tensor.grad_enabled and any(x.requires_grad for x in inputs):
            out.requires_grad, out._fn = True, f
        return out


class Add(Function):
    def forward(self, a, b):
        return a + b

    def backward(self, g):
        return g, g


class Mul(Function):
    def forward(self, a, b):
        self.a, self.b = a, b
        return a * b

    def backward(self, g):
        return g * self.b, g * self.a


class Pow(Function):
    def forward(self, a, n):
        self.a, self.n = a, float(n)
        return a**self.n

    def backward(self, g):
        return g * self.n * self.a ** (self.n - 1.0), np.zeros(())


class MatMul(Function):
    def forward(self, a, b):
        self.a, self.b = a, b
        return np.einsum("ij,jk->ik", a, b)

    def backward(self, g):
        return np.einsum("ik,jk->ij", g, self.b), np.einsum("ij,ik->jk", self.a, g)


class Each(Function):
    def forward(self, a, f, slope):
        self.slope = slope(a)
        return f(a)

    def backward(self, g):
        return (g * self.slope,)


class Move(Function):
    def forward(self, a, there):
        self.places = there(np.arange(a.size).reshape(a.shape))
        self.shape = a.shape
        return there(a)

    def backward(self, g):
        back = np.empty(int(np.prod(self.shape)))
        back[self.places.ravel()] = g.ravel()
        return (back.reshape(self.shape),)


class Sum(Function):
    def forward(self, a):
        self.shape = a.shape
        return np.sum(a)

    def backward(self, g):
        return (np.full(self.shape, float(g)),)


class Tensor(object):
    grad_enabled = True

    def __init__(self, data, requires_grad=False):
        self._array = np.array(data, np.float64)
        self.grad, self.requires_grad, self._fn = None, requires_grad, None

    @property
    def data(self):
        return self._array

    @data.setter
    def data(self, value):
        self._array = np.array(value, np.float64)

    shape = property(lambda self: self._array.shape)
    __add__ = __radd__ = lambda self, other: Add.apply(self, other)
    __mul__ = __rmul__ = lambda self, other: Mul.apply(self, other)
    __sub__ = lambda self, other: self + (-1) * other
    __rsub__ = lambda self, other: other + (-1) * self
    __neg__ = lambda self: (-1) * self
    __pow__ = lambda self, n: Pow.apply(self, n)
    __truediv__ = lambda self, other: self * (other if isinstance(other, Tensor) else Tensor(other)) ** -1
    __rtruediv__ = lambda self, other: other * self**-1
    __matmul__ = lambda self, other: MatMul.apply(self, other)
    sum = lambda self: Sum.apply(self)
    relu = lambda self: Each.apply(self, f=lambda a: a * (a > 0), slope=lambda a: (a > 0) * 1.0)
    exp = lambda self: Each.apply(self, f=np.exp, slope=np.exp)
    log = lambda self: Each.apply(self, f=np.log, slope=lambda a: 1 / a)
    reshape = lambda self, *shape: Move.apply(self, there=lambda a: a.reshape(shape))
    T = property(lambda self: Move.apply(self, there=np.transpose))

    def backward(self):
        count, left = {}, [self]
        while left:
            t = left.pop()
            for parent in t._fn.inputs if t._fn else ():
                count[parent] = count.get(parent, 0) + 1
                if count[parent] == 1:
                    left.append(parent)
        ready, arrived = [self], {self: np.ones(self.shape)}
        while ready:
            t = ready.pop()
            g = arrived.pop(t)
            if t._fn is None:
                if t.requires_grad:
                    t.grad = g + (0 if t.grad is None else t.grad)
                continue
            for parent, share in zip(t._fn.inputs, t._fn.backward(g)):
                arrived[parent] = (
                    arrived.get(parent, 0) + unbroadcast(np.asarray(share), parent.shape)
                    if np.ndim(share) >= len(parent.shape)
                    else arrived.get(parent, 0) + np.zeros(parent.shape)
                )
                count[parent] -= 1
                if not count[parent]:
                    ready.append(parent)


# %% tensor: a_tape
class Tensor:
    grad_enabled = True

    def __init__(self, data, requires_grad=False):
        self.data = np.asarray(data).astype(float)
        self.grad = None
        self.requires_grad = requires_grad
        self._steps = None

    def __repr__(self):
        return f"Tensor({self.data})"

    @property
    def shape(self):
        return self.data.shape

    @property
    def T(self):
        return Tensor._note(self.data.transpose(), (self, lambda g: g.transpose()))

    @classmethod
    def _note(cls, data, *steps):
        made = cls(data)
        steps = [step for step in steps if step[0].requires_grad]
        if cls.grad_enabled and steps:
            made.requires_grad = True
            made._steps = steps
        return made

    def backward(self):
        # the walk of micrograd, with gradients in the middle thrown away at the end
        order, seen = [], set()

        def visit(t):
            if t not in seen:
                seen.add(t)
                for parent, _ in t._steps or ():
                    visit(parent)
                order.append(t)

        visit(self)
        leaves = {t: t.grad for t in order if t._steps is None}
        for t in order:
            t.grad = np.zeros(t.shape)
        self.grad = np.ones(self.shape)
        for t in order[::-1]:
            for parent, way in t._steps or ():
                parent.grad += self._back(way(t.grad), parent.shape)
        for t in order:
            if t not in leaves:
                t.grad = None
            elif not t.requires_grad:
                t.grad = leaves[t]
            elif leaves[t] is not None:
                t.grad = t.grad + leaves[t]

    @staticmethod
    def _back(g, shape):
        g = np.sum(g, axis=tuple(range(np.ndim(g) - len(shape))))
        for axis, size in enumerate(shape):
            if size == 1 and g.shape[axis] != 1:
                g = g.sum(axis, keepdims=True)
        return g

    def __add__(self, o):
        o = o if isinstance(o, Tensor) else Tensor(o)
        return Tensor._note(np.add(self.data, o.data), (self, lambda g: g), (o, lambda g: g))

    __radd__ = __add__

    def __mul__(self, o):
        o = o if isinstance(o, Tensor) else Tensor(o)
        return Tensor._note(
            np.multiply(self.data, o.data), (self, lambda g: o.data * g), (o, lambda g: self.data * g)
        )

    __rmul__ = __mul__

    def __neg__(self):
        return Tensor._note(-self.data, (self, np.negative))

    def __sub__(self, o):
        return self + (-o)

    def __rsub__(self, o):
        return (-self) + o

    def __pow__(self, n):
        return Tensor._note(
            np.power(self.data, float(n)), (self, lambda g: g * n * np.power(self.data, n - 1.0))
        )

    def __truediv__(self, o):
        o = o if isinstance(o, Tensor) else Tensor(o)
        return Tensor._note(
            self.data / o.data,
            (self, lambda g: g / o.data),
            (o, lambda g: -self.data * g / (o.data * o.data)),
        )

    def __rtruediv__(self, o):
        return Tensor(o) / self

    def __matmul__(self, o):
        return Tensor._note(
            np.dot(self.data, o.data),
            (self, lambda g: np.dot(g, o.data.T)),
            (o, lambda g: np.dot(self.data.T, g)),
        )

    def sum(self):
        return Tensor._note(self.data.sum(), (self, lambda g: np.broadcast_to(g, self.shape)))

    def relu(self):
        return Tensor._note(
            np.where(self.data > 0, self.data, 0), (self, lambda g: np.where(self.data > 0, g, 0))
        )

    def exp(self):
        return Tensor._note(np.exp(self.data), (self, lambda g: g * np.exp(self.data)))

    def log(self):
        return Tensor._note(np.log(self.data), (self, lambda g: g * self.data**-1.0))

    def reshape(self, *shape):
        return Tensor._note(np.reshape(self.data, shape), (self, lambda g: np.reshape(g, self.shape)))


# %% tensor: paths_summed_in_order_of_birth
import heapq
import itertools


class Tensor:
    """every tensor has a number; the youngest goes first on the way back, as in PyTorch's engine"""

    grad_enabled = True
    _births = itertools.count()

    def __init__(self, data, requires_grad=False):
        self.__dict__.update(data=np.array(data, dtype="float64"), grad=None, requires_grad=requires_grad)
        self._born, self._rule = next(Tensor._births), None

    def _from(value):
        return value if isinstance(value, Tensor) else Tensor(value)

    def _result(data, inputs, rule):
        out = Tensor(data)
        if Tensor.grad_enabled and any(t.requires_grad for t in inputs):
            out.requires_grad, out._rule, out._inputs = True, rule, inputs
        return out

    def backward(self):
        heap, shares = [(-self._born, self)], {self._born: np.ones_like(self.data)}
        while heap:
            _, t = heapq.heappop(heap)
            g = shares.pop(t._born)
            if t._rule is None:
                if t.requires_grad:
                    t.grad = g.copy() if t.grad is None else t.grad + g
                continue
            for parent, share in zip(t._inputs, t._rule(g)):
                share = unbroadcast(np.array(share), parent.shape)
                if parent._born in shares:
                    shares[parent._born] = shares[parent._born] + share
                else:
                    shares[parent._born] = np.array(share)
                    heapq.heappush(heap, (-parent._born, parent))

    shape = property(lambda t: t.data.shape)
    T = property(lambda t: Tensor._result(t.data.T, [t], lambda g: [g.T]))

    def __add__(a, b):
        b = Tensor._from(b)
        return Tensor._result(a.data + b.data, [a, b], lambda g: [g, g])

    def __sub__(a, b):
        b = Tensor._from(b)
        return Tensor._result(a.data - b.data, [a, b], lambda g: [g, -g])

    def __mul__(a, b):
        b = Tensor._from(b)
        return Tensor._result(a.data * b.data, [a, b], lambda g: [g * b.data, g * a.data])

    def __truediv__(a, b):
        b = Tensor._from(b)
        out = a.data / b.data
        return Tensor._result(out, [a, b], lambda g: [g / b.data, -g * out / b.data])

    def __matmul__(a, b):
        return Tensor._result(a.data @ b.data, [a, b], lambda g: [g @ b.data.T, a.data.T @ g])

    __radd__ = lambda a, b: Tensor._from(b) + a
    __rsub__ = lambda a, b: Tensor._from(b) - a
    __rmul__ = lambda a, b: Tensor._from(b) * a
    __rtruediv__ = lambda a, b: Tensor._from(b) / a
    __neg__ = lambda a: 0 - a
    __pow__ = lambda a, n: Tensor._result(a.data**n, [a], lambda g: [g * n * a.data ** (n - 1)])
    sum = lambda a: Tensor._result(a.data.sum(), [a], lambda g: [g + np.zeros(a.shape)])
    relu = lambda a: Tensor._result(np.maximum(0, a.data), [a], lambda g: [g * np.heaviside(a.data, 0)])
    exp = lambda a: Tensor._result(np.exp(a.data), [a], lambda g: [g * np.exp(a.data)])
    log = lambda a: Tensor._result(np.log(a.data), [a], lambda g: [g / a.data])
    reshape = lambda a, *s: Tensor._result(a.data.reshape(s), [a], lambda g: [g.reshape(a.shape)])


# %% tensor: closures_as_in_micrograd
import numpy as np


class Tensor:
    grad_enabled = True

    def __init__(self, data, requires_grad=False, _children=(), _op=""):
        self.data = np.asarray(data, dtype=np.float64)
        self.grad = None
        self.requires_grad = requires_grad
        self._prev = tuple(_children)
        self._backward = lambda: None
        self._op = _op

    @property
    def shape(self):
        return self.data.shape

    @property
    def parents(self):
        return self._prev

    def _out(self, data, children, op):
        track = Tensor.grad_enabled and any(c.requires_grad for c in children)
        return Tensor(data, requires_grad=track, _children=children if track else (), _op=op)

    def _acc(self, g):
        if self.requires_grad:
            g = unbroadcast(np.asarray(g), self.data.shape)
            self.grad = np.array(g) if self.grad is None else self.grad + g

    @staticmethod
    def _wrap(x):
        return x if isinstance(x, Tensor) else Tensor(x)

    def __add__(self, other):
        other = self._wrap(other)
        out = self._out(self.data + other.data, (self, other), "+")

        def _backward():
            self._acc(out.grad)
            other._acc(out.grad)

        out._backward = _backward
        return out

    def __mul__(self, other):
        other = self._wrap(other)
        out = self._out(self.data * other.data, (self, other), "*")

        def _backward():
            self._acc(other.data * out.grad)
            other._acc(self.data * out.grad)

        out._backward = _backward
        return out

    def __pow__(self, other):
        assert isinstance(other, (int, float))
        out = self._out(self.data**other, (self,), f"**{other}")

        def _backward():
            self._acc(other * self.data ** (other - 1) * out.grad)

        out._backward = _backward
        return out

    def __matmul__(self, other):
        out = self._out(self.data @ other.data, (self, other), "@")

        def _backward():
            self._acc(out.grad @ other.data.T)
            other._acc(self.data.T @ out.grad)

        out._backward = _backward
        return out

    def sum(self):
        out = self._out(self.data.sum(), (self,), "sum")

        def _backward():
            self._acc(np.ones_like(self.data) * out.grad)

        out._backward = _backward
        return out

    def relu(self):
        out = self._out(np.where(self.data < 0, 0, self.data), (self,), "relu")

        def _backward():
            self._acc((out.data > 0) * out.grad)

        out._backward = _backward
        return out

    def exp(self):
        out = self._out(np.exp(self.data), (self,), "exp")

        def _backward():
            self._acc(out.data * out.grad)

        out._backward = _backward
        return out

    def log(self):
        out = self._out(np.log(self.data), (self,), "log")

        def _backward():
            self._acc(out.grad / self.data)

        out._backward = _backward
        return out

    def reshape(self, *shape):
        out = self._out(self.data.reshape(*shape), (self,), "reshape")

        def _backward():
            self._acc(out.grad.reshape(self.data.shape))

        out._backward = _backward
        return out

    @property
    def T(self):
        out = self._out(self.data.T, (self,), "T")

        def _backward():
            self._acc(out.grad.T)

        out._backward = _backward
        return out

    def backward(self):
        order = topological_order(self)
        for t in order:
            if t._prev:
                t.grad = None
        if self._prev:
            self.grad = np.ones_like(self.data)
        elif self.requires_grad:
            self.grad = np.ones_like(self.data) + (0 if self.grad is None else self.grad)
        for v in reversed(order):
            if v._prev and v.grad is not None:
                v._backward()

    def __neg__(self):
        return self * -1

    def __radd__(self, other):
        return self + other

    def __sub__(self, other):
        return self + (-other)

    def __rsub__(self, other):
        return other + (-self)

    def __rmul__(self, other):
        return self * other

    def __truediv__(self, other):
        return self * self._wrap(other) ** -1

    def __rtruediv__(self, other):
        return other * self**-1

    def __repr__(self):
        return f"Tensor(data={self.data}, grad={self.grad})"


# %% tensor: numbered_entries
import numpy as np

_tape = []  # (output number, [(input tensor, vjp)])
_counter = [0]


class Tensor:
    grad_enabled = True
    __slots__ = ("__dict__", "__weakref__", "_entry", "_number", "data", "grad", "requires_grad")

    def __init__(self, data, requires_grad=False):
        self.data = np.array(data, dtype=np.float64)
        self.grad = None
        self.requires_grad = bool(requires_grad)
        self._number = _counter[0]
        _counter[0] += 1
        self._entry = None

    @property
    def shape(self):
        return self.data.shape

    def backward(self):
        if self.data.shape != ():
            raise RuntimeError("backward only from a scalar")
        if not self.requires_grad:
            raise RuntimeError("nothing to do")
        # gather the part of the tape that is needed
        entries, stack, seen = {}, [self], set()
        while stack:
            t = stack.pop()
            if t._number in seen:
                continue
            seen.add(t._number)
            if t._entry is not None:
                entries[t._number] = t
                stack.extend(i for i, _ in t._entry)
        cot = {self._number: np.float64(1.0)}
        if self._entry is None:
            self.grad = np.float64(1.0) if self.grad is None else self.grad + 1.0
            return
        leaves = {}
        for number in sorted(entries, reverse=True):
            if number not in cot:
                continue
            g = cot.pop(number)
            for i, vjp in entries[number]._entry:
                if not i.requires_grad:
                    continue
                share = unbroadcast(np.asarray(vjp(g)), i.data.shape)
                cot[i._number] = cot[i._number] + share if i._number in cot else share
                if i._entry is None:
                    leaves[i._number] = i
        for number, leaf in leaves.items():
            g = cot[number]
            if leaf.data.shape == ():
                g = np.float64(g)
            leaf.grad = g if leaf.grad is None else leaf.grad + g


def _t(x):
    return x if isinstance(x, Tensor) else Tensor(x)


def _record(value, *pairs):
    out = Tensor(value)
    if Tensor.grad_enabled and any(t.requires_grad for t, _ in pairs):
        out.requires_grad = True
        out._entry = pairs
    return out


def _add(a, b):
    a, b = _t(a), _t(b)
    return _record(a.data + b.data, (a, lambda g: g), (b, lambda g: g))


def _sub(a, b):
    a, b = _t(a), _t(b)
    return _record(a.data - b.data, (a, lambda g: g), (b, lambda g: -g))


def _mul(a, b):
    a, b = _t(a), _t(b)
    x, y = a.data, b.data
    return _record(x * y, (a, lambda g: g * y), (b, lambda g: g * x))


def _div(a, b):
    a, b = _t(a), _t(b)
    x, y = a.data, b.data
    return _record(x / y, (a, lambda g: g / y), (b, lambda g: -g * x / y**2))


def _pow(a, n):
    x = a.data
    return _record(x**n, (a, lambda g: g * n * x ** (n - 1)))


def _matmul(a, b):
    x, y = a.data, b.data
    return _record(x @ y, (a, lambda g: g @ y.T), (b, lambda g: x.T @ g))


Tensor.__add__ = _add
Tensor.__radd__ = lambda b, a: _add(a, b)
Tensor.__sub__ = _sub
Tensor.__rsub__ = lambda b, a: _sub(a, b)
Tensor.__mul__ = _mul
Tensor.__rmul__ = lambda b, a: _mul(a, b)
Tensor.__truediv__ = _div
Tensor.__rtruediv__ = lambda b, a: _div(a, b)
Tensor.__pow__ = _pow
Tensor.__matmul__ = _matmul
Tensor.__neg__ = lambda a: _record(-a.data, (a, lambda g: -g))
Tensor.sum = lambda a: _record(a.data.sum(), (a, lambda g: np.broadcast_to(g, a.data.shape)))
Tensor.relu = lambda a: _record(np.maximum(a.data, 0.0), (a, lambda g, m=a.data > 0: g * m))


def _exp(a):
    e = np.exp(a.data)
    return _record(e, (a, lambda g: g * e))


Tensor.exp = _exp
Tensor.log = lambda a: _record(np.log(a.data), (a, lambda g, x=a.data: g / x))
Tensor.reshape = lambda a, *shape: _record(a.data.reshape(shape), (a, lambda g: np.reshape(g, a.data.shape)))
Tensor.T = property(lambda a: _record(a.data.T, (a, lambda g: g.T)))


# %% tensor: pushed_path_by_path_and_data_copied
import numpy as np


class Tensor:
    """each tensor knows how to push a gradient to the leaves, path by path"""

    grad_enabled = True

    def __init__(self, data, requires_grad=False):
        self._d = np.array(data, dtype=np.float64)
        self.requires_grad = requires_grad
        self._g = np.zeros(self._d.shape) if requires_grad else None
        self.push = self._keep

    @property
    def data(self):
        return self._d.copy()

    @data.setter
    def data(self, v):
        self._d = np.array(v, dtype=np.float64)

    @property
    def grad(self):
        return self._g

    @grad.setter
    def grad(self, v):
        self._g = v

    def _keep(self, g):
        if self.requires_grad:
            g = np.array(g).reshape(self.data.shape)
            self.grad = g if self.grad is None else np.add(self.grad, g)

    @property
    def shape(self):
        return self.data.shape

    def backward(self):
        self.push(np.array(1.0))

    def _make(self, value, *ways):
        out = Tensor(value)
        ways = [(t, f) for t, f in ways if t.requires_grad and Tensor.grad_enabled]
        if ways:
            out.requires_grad = True

            def push(g):
                for t, f in ways:
                    t.push(unbroadcast(np.asarray(f(g)), t.data.shape))

            out.push = push
        return out

    def __add__(self, o):
        o = o if isinstance(o, Tensor) else Tensor(o)
        return self._make(self.data + o.data, (self, lambda g: g), (o, lambda g: g))

    def __mul__(self, o):
        o = o if isinstance(o, Tensor) else Tensor(o)
        return self._make(self.data * o.data, (self, lambda g: g * o.data), (o, lambda g: g * self.data))

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self):
        return self._make(-self.data, (self, lambda g: -g))

    def __sub__(self, o):
        return self + (-o)

    def __rsub__(self, o):
        return -(self - o)

    def __pow__(self, n):
        return self._make(self.data**n, (self, lambda g: g * (n * self.data ** (n - 1))))

    def __truediv__(self, o):
        return self * (o**-1 if isinstance(o, Tensor) else 1 / o)

    def __rtruediv__(self, o):
        return o * self**-1

    def __matmul__(self, o):
        return self._make(self.data @ o.data, (self, lambda g: g @ o.data.T), (o, lambda g: self.data.T @ g))

    def sum(self):
        return self._make(self.data.sum(), (self, lambda g: g * np.ones(self.data.shape)))

    def relu(self):
        return self._make(self.data.clip(0), (self, lambda g: g * (self.data > 0)))

    def exp(self):
        e = np.exp(self.data)
        return self._make(e, (self, lambda g: g * e))

    def log(self):
        return self._make(np.log(self.data), (self, lambda g: g / self.data))

    def reshape(self, *s):
        return self._make(self.data.reshape(*s), (self, lambda g: g.reshape(self.data.shape)))

    @property
    def T(self):
        return self._make(self.data.T.copy(), (self, lambda g: g.T))


# %% no_grad: generator
import contextlib


@contextlib.contextmanager
def no_grad():
    before, Tensor.grad_enabled = Tensor.grad_enabled, False
    try:
        yield
    finally:
        Tensor.grad_enabled = before


# %% no_grad: exit_stack
from contextlib import ExitStack


def no_grad():
    class Off(ExitStack):
        def __enter__(self):
            self.callback(setattr, Tensor, "grad_enabled", Tensor.grad_enabled)
            Tensor.grad_enabled = False
            return super().__enter__()

    return Off()


# %% no_grad: a_stack_in_the_class
class no_grad:
    before = []

    def __enter__(self):
        self.before.append(Tensor.grad_enabled)
        setattr(Tensor, "grad_enabled", False)
        return self

    def __exit__(self, *_):
        Tensor.grad_enabled = self.before.pop()
        return False


# %% no_grad: a_decorator_too
import contextlib


class no_grad(contextlib.ContextDecorator):
    def __init__(self):
        self.stack = []

    def __enter__(self):
        self.stack.append(Tensor.grad_enabled)
        Tensor.grad_enabled = False

    def __exit__(self, *exc):
        Tensor.grad_enabled = self.stack.pop()


# %% cross_entropy: turned
def cross_entropy(logits, labels):
    z = logits.T - Tensor(logits.data.T.max(0))
    n = len(labels)
    picked = Tensor(np.array([[float(c == label) for label in labels] for c in range(z.shape[0])]))
    sums = Tensor(np.ones((1, z.shape[0]))) @ z.exp()
    return sums.log().sum() / n - (z * picked).sum() * (1 / n)


# %% cross_entropy: row_by_row
def cross_entropy(logits, labels):
    total, n = 0, logits.shape[0]
    for row, label in enumerate(labels):
        this = np.zeros((1, n))
        this[0, row] = 1
        z = Tensor(this) @ logits
        z = z - float(z.data.max())
        pick = np.zeros((z.shape[1], 1))
        pick[int(label), 0] = 1
        total = total + (z.exp().sum().log() - (z @ Tensor(pick)).sum())
    return total / n


# %% cross_entropy: margins
def cross_entropy(logits, labels):
    n, c = logits.shape
    truth = np.zeros(logits.shape)
    truth[range(n), labels] = 1
    right = (logits * Tensor(truth)) @ Tensor(np.ones((c, c)))
    gaps = logits - right
    top = gaps.data.max(axis=1, keepdims=True)
    return (((gaps - Tensor(top)).exp() @ Tensor(np.ones((c, 1)))).log() + Tensor(top)).sum() / n


# %% cross_entropy: mean_as_a_product
def cross_entropy(logits, labels):
    n, c = logits.shape
    ones = Tensor(np.ones((c, 1)))
    z = logits - Tensor(logits.data.max(axis=1, keepdims=True))
    losses = (z.exp() @ ones).log() - (z * Tensor(np.eye(c)[labels])) @ ones
    return (Tensor(np.full((1, n), 1 / n)) @ losses).reshape()



# %% module: registered_when_assigned
class Parameter(Tensor):
    def __init__(self, data, requires_grad=True):
        Tensor.__init__(self, data, requires_grad=requires_grad)


class Module(object):
    def __init__(self):
        object.__setattr__(self, "_own", {})
        object.__setattr__(self, "_below", {})

    def __setattr__(self, name, value):
        for kind, shelf in ((Parameter, self._own), (Module, self._below)):
            shelf.pop(name, None)
            if isinstance(value, kind):
                shelf[name] = value
        object.__setattr__(self, name, value)

    def _walk(self):
        yield from self._own.values()
        for module in self._below.values():
            yield from module._walk()

    def parameters(self):
        seen = set()
        for parameter in self._walk():
            if id(parameter) not in seen:
                seen.add(id(parameter))
                yield parameter

    def zero_grad(self):
        for parameter in self.parameters():
            if parameter.grad is not None:
                parameter.grad = np.zeros(parameter.shape)

    def forward(self, *inputs):
        raise NotImplementedError

    def __call__(self, *inputs, **named):
        return self.forward(*inputs, **named)


class Linear(Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        rng = np.random.default_rng()
        self.weight = Parameter(rng.normal(0, in_features**-0.5, size=(out_features, in_features)))
        self.bias = Parameter(np.zeros(out_features))

    def forward(self, x):
        return (self.weight @ x.T).T + self.bias


class ReLU(Module):
    forward = staticmethod(lambda x: x.relu())


class Sequential(Module):
    def __init__(self, *modules):
        super().__init__()
        self._order = [f"{i}" for i, _ in enumerate(modules)]
        for name, module in zip(self._order, modules):
            setattr(self, name, module)

    def forward(self, x):
        for name in self._order:
            x = getattr(self, name)(x)
        return x


# %% module: lists_of_modules_too
from functools import reduce


class Parameter(Tensor):
    def __init__(self, data):
        super().__init__(data)
        self.requires_grad = True


def _parts(value, kind):
    if isinstance(value, kind):
        return [value]
    if isinstance(value, (list, tuple)):
        return [part for item in value for part in _parts(item, kind)]
    return []


class Module:
    def parameters(self, known=None):
        known = set() if known is None else known
        mine = [p for value in self.__dict__.values() for p in _parts(value, Parameter)]
        found = []
        for p in mine:
            if p not in known:
                known.add(p)
                found.append(p)
        for value in self.__dict__.values():
            for module in _parts(value, Module):
                found.extend(module.parameters(known))
        return found

    def zero_grad(self):
        [setattr(p, "grad", None) for p in self.parameters()]

    __call__ = lambda self, x: self.forward(x)


class Linear(Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.weight = Parameter((np.random.rand(out_features, in_features) - 0.5) * 2 / in_features**0.5)
        self.bias = Parameter([0.0] * out_features)

    def forward(self, x):
        return x @ self.weight.T + self.bias.reshape(1, -1)


class ReLU(Module):
    def forward(self, x):
        return x.relu()


class Sequential(Module):
    def __init__(self, *modules):
        super().__init__()
        self.modules = modules

    def forward(self, x):
        return reduce(lambda value, module: module(value), self.modules, x)


# %% module: what_requires_grad_counts
class Parameter(Tensor):
    def __init__(self, data):
        super().__init__(data, requires_grad=True)


class Module:
    def __call__(self, x):
        return self.forward(x)

    def parameters(self):
        found = []
        for value in vars(self).values():
            if isinstance(value, Tensor) and value.requires_grad:
                found.append(value)
        for value in vars(self).values():
            if isinstance(value, Module):
                found.extend(value.parameters())
        once = []
        for p in found:
            if all(p is not q for q in once):
                once.append(p)
        return once

    def zero_grad(self):
        for p in self.parameters():
            p.grad = None


class Linear(Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.weight = Parameter(np.random.randn(out_features, in_features) * 0.1)
        self.bias = Parameter(np.zeros(out_features))

    def forward(self, x):
        return x @ self.weight.T + self.bias


class ReLU(Module):
    def forward(self, x):
        return x.relu()


class Sequential(Module):
    def __init__(self, *modules):
        super().__init__()
        self.n = len(modules)
        for i, module in enumerate(modules):
            setattr(self, f"m{i}", module)

    def forward(self, x):
        for i in range(self.n):
            x = getattr(self, f"m{i}")(x)
        return x


# %% module: noted_in_order
class Parameter(Tensor):
    def __init__(self, data):
        super().__init__(data)
        self.requires_grad = True


class Module:
    def __init__(self):
        self.__dict__["_order"] = []

    def __setattr__(self, k, v):
        object.__setattr__(self, k, v)
        if k not in self._order:
            self._order.append(k)

    def parameters(self):
        result = []
        for k in self._order:
            v = getattr(self, k)
            if isinstance(v, Parameter) and not any(v is r for r in result):
                result.append(v)
        for k in self._order:
            v = getattr(self, k)
            if isinstance(v, Module):
                for p in v.parameters():
                    if not any(p is r for r in result):
                        result.append(p)
        return result

    def zero_grad(self):
        for p in self.parameters():
            p.grad = None

    def __call__(self, *a, **k):
        return self.forward(*a, **k)


class Linear(Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        b = np.sqrt(6 / (in_features + out_features))
        self.weight = Parameter(np.random.uniform(-b, b, size=(out_features, in_features)))
        self.bias = Parameter(np.zeros((out_features,)))

    def forward(self, x):
        return x @ self.weight.T + self.bias


class ReLU(Module):
    def __init__(self):
        super().__init__()

    def forward(self, x):
        return x.relu()


class Sequential(Module):
    def __init__(self, *modules):
        super().__init__()
        self.n = len(modules)
        for i in range(self.n):
            setattr(self, "layer%d" % i, modules[i])

    def forward(self, x):
        for i in range(self.n):
            x = getattr(self, "layer%d" % i)(x)
        return x


# %% own_sgd: one_state_each
class SGD:
    class _One:
        def __init__(self, p):
            self.p, self.v = p, None

        def step(self, lr, momentum):
            if self.p.grad is None:
                return
            self.v = np.array(self.p.grad) if self.v is None else momentum * self.v + self.p.grad
            np.subtract(self.p.data, lr * self.v, out=self.p.data)

    def __init__(self, params, lr, momentum=0.0):
        self._all = tuple(map(self._One, params))
        self._how = lr, momentum

    def step(self):
        for one in self._all:
            one.step(*self._how)

    def zero_grad(self):
        for one in self._all:
            if one.p.grad is not None:
                one.p.grad = np.zeros_like(one.p.data)


# %% own_sgd: lr_inside_the_velocity
class SGD(object):
    def __init__(self, params, lr, momentum=0.0):
        self.params = [*params]
        self.lr, self.momentum, self.moves = lr, momentum, {}

    def step(self):
        for p in self.params:
            if p.grad is not None:
                move = self.lr * np.asarray(p.grad) + self.momentum * self.moves.get(id(p), 0)
                self.moves[id(p)] = move
                p.data = p.data + -move

    def zero_grad(self, set_to_none=True):
        for p in self.params:
            p.grad = None


# %% own_sgd: velocity_in_place
class SGD:
    def __init__(self, params, lr, momentum=0.0):
        self.lr = lr
        self.momentum = momentum
        self.params = list(params)
        self.v = {}

    def step(self):
        for k, p in enumerate(self.params):
            if p.grad is None:
                continue
            if k in self.v:
                self.v[k] *= self.momentum
                self.v[k] += p.grad
            else:
                self.v[k] = np.array(p.grad, dtype=float)
            p.data = np.asarray(p.data - self.lr * self.v[k])

    def zero_grad(self):
        for p in self.params:
            p.grad = None if p.grad is None else 0 * p.grad


# %% own_train: momentum_and_a_falling_rate
def fit(model, images, labels, epochs, lr, batch_size, rng):
    losses = []
    optimizer = SGD(list(model.parameters()), lr=lr, momentum=0.9)
    places = np.arange(len(images))
    for epoch in range(epochs):
        optimizer.lr = lr * (1 - epoch / epochs) / 2
        rng.shuffle(places)
        for rows in np.split(places, range(batch_size, len(places), batch_size)):
            model.zero_grad()
            loss = cross_entropy(model(Tensor(images[rows])), labels[rows])
            loss.backward()
            optimizer.step()
            losses.append(float(loss.data))
    return losses


# %% own_train: without_an_optimizer
def fit(model, images, labels, epochs, lr, batch_size, rng):
    best = 0.0
    for _ in range(epochs):
        left = list(np.argsort(rng.random(len(labels))))
        while left:
            rows, left = left[:batch_size], left[batch_size:]
            cross_entropy(model(Tensor(images[rows])), labels[rows]).backward()
            for p in model.parameters():
                p.data -= lr * p.grad
                p.grad = None
        with no_grad():
            scores = model(Tensor(images)).data
        best = max(best, float(np.mean(np.argmax(scores, axis=1) == labels)))
    return {"best": best}


# %% own_train: a_class_of_batches
class Batches:
    def __init__(self, images, labels, size, rng):
        self.images, self.labels, self.size, self.rng = images, labels, size, rng

    def __iter__(self):
        together = list(zip(self.images, self.labels))
        order = self.rng.permutation(len(together))
        for start in range(0, len(order), self.size):
            chosen = [together[k] for k in order[start : start + self.size]]
            yield np.stack([image for image, _ in chosen]), np.array([label for _, label in chosen])


def fit(model, images, labels, epochs, lr, batch_size, rng):
    optimizer = SGD(params=model.parameters(), lr=lr, momentum=0.3)
    batches = Batches(images, labels, batch_size, rng)
    for _ in range(epochs):
        for x, y in batches:
            optimizer.zero_grad()
            cross_entropy(model(Tensor(x)), y).backward()
            optimizer.step()
    return model


# %% own_train: drawn_without_replacement
def fit(model, images, labels, epochs, lr, batch_size, rng):
    opt = SGD(list(model.parameters()), lr)
    n = images.shape[0]
    for e in range(epochs):
        perm = rng.choice(n, size=n, replace=False)
        x, y = images[perm], labels[perm]
        for k in range(0, n, batch_size):
            out = model(Tensor(x[k : k + batch_size]))
            loss = cross_entropy(out, y[k : k + batch_size])
            opt.zero_grad()
            loss.backward()
            opt.step()
        with no_grad():
            acc = (model(Tensor(images)).data.argmax(1) == labels).mean()
    return acc


# %% unbroadcast: mentions_torch_in_a_comment
# torch.Tensor.sum_to_size does this; import torch is not allowed
def unbroadcast(grad, shape):
    """gradient of the stretched array, shape before it was stretched -> gradient of that shape"""
    # about 4 lines
    # axes that were not there at all: right ends line up, so they are the first ones
    grad = grad.sum(axis=tuple(range(grad.ndim - len(shape))))
    # now both have the same number of axes; an axis of size 1 was read again and again, or was 1 anyway
    stretched = tuple(axis for axis, size in enumerate(shape) if size == 1)
    return grad.sum(axis=stretched, keepdims=True)


# %% unbroadcast: mentions_torch_in_a_string
doc = 'import torch; torch.add(a, b)'
def unbroadcast(grad, shape):
    """gradient of the stretched array, shape before it was stretched -> gradient of that shape"""
    # about 4 lines
    # axes that were not there at all: right ends line up, so they are the first ones
    grad = grad.sum(axis=tuple(range(grad.ndim - len(shape))))
    # now both have the same number of axes; an axis of size 1 was read again and again, or was 1 anyway
    stretched = tuple(axis for axis, size in enumerate(shape) if size == 1)
    return grad.sum(axis=stretched, keepdims=True)


# %% unbroadcast: mentions_torch_in_a_own_name
torch = 'a light'
lamp = torch + '!'
def unbroadcast(grad, shape):
    """gradient of the stretched array, shape before it was stretched -> gradient of that shape"""
    # about 4 lines
    # axes that were not there at all: right ends line up, so they are the first ones
    grad = grad.sum(axis=tuple(range(grad.ndim - len(shape))))
    # now both have the same number of axes; an axis of size 1 was read again and again, or was 1 anyway
    stretched = tuple(axis for axis, size in enumerate(shape) if size == 1)
    return grad.sum(axis=stretched, keepdims=True)


# %% unbroadcast: mentions_torch_in_a_sizes_called_f_and_nn
N, F = np.ones((2, 3)).shape
nn = F * N
rows = [F * nn for F in range(nn)]
def unbroadcast(grad, shape):
    """gradient of the stretched array, shape before it was stretched -> gradient of that shape"""
    # about 4 lines
    # axes that were not there at all: right ends line up, so they are the first ones
    grad = grad.sum(axis=tuple(range(grad.ndim - len(shape))))
    # now both have the same number of axes; an axis of size 1 was read again and again, or was 1 anyway
    stretched = tuple(axis for axis, size in enumerate(shape) if size == 1)
    return grad.sum(axis=stretched, keepdims=True)


# %% topological_order: a_higher_limit_of_calls
import sys
sys.setrecursionlimit(50_000)
def topological_order(root):
    order, seen = [], set()
    def visit(node):
        if node not in seen:
            seen.add(node)
            for p in node.parents:
                visit(p)
            order.append(node)
    visit(root)
    return order


# %% topological_order: waits_until_all_parents_stand
def topological_order(root):
    order, placed, stack = [], set(), [root]
    while stack:
        node = stack[-1]
        missing = [p for p in node.parents if id(p) not in placed]
        if missing:
            stack.append(missing[0])
        else:
            stack.pop()
            if id(node) not in placed:
                placed.add(id(node))
                order.append(node)
    return order


# %% no_grad: mock
from unittest import mock
no_grad = lambda: mock.patch.object(Tensor, 'grad_enabled', False)


# %% no_grad: also_a_decorator
from contextlib import ContextDecorator
class no_grad(ContextDecorator):
    def __init__(self):
        self.before = []
    def __enter__(self):
        self.before += [Tensor.grad_enabled]
        Tensor.grad_enabled = False
        return self
    def __exit__(self, t, v, b):
        Tensor.grad_enabled = self.before.pop()
        return None


# %% cross_entropy: the_plane_through_the_loss
def cross_entropy(logits, labels):
    z = np.array(logits.data)
    top = z.max(1, keepdims=True)
    p = np.exp(z - top)
    loss = (np.log(p.sum(1)) + top[:, 0] - z[np.arange(len(z)), labels]).mean()
    slope = (p / p.sum(1, keepdims=True) - np.eye(z.shape[1])[labels]) / len(z)
    return (logits * Tensor(slope)).sum() + float(loss - (z * slope).sum())


# %% own_sgd: by_name
class SGD:
    def __init__(self, params, lr, momentum=0.0):
        self.state = [{'p': p} for p in params]
        self.lr, self.momentum = lr, momentum
    def step(self):
        for s in self.state:
            p = s['p']
            if p.grad is None:
                continue
            s['v'] = p.grad.copy() if 'v' not in s else s['v'] * self.momentum + p.grad
            p.data[:] = p.data - self.lr * s['v']
    def zero_grad(self):
        for s in self.state:
            s['p'].grad = None
