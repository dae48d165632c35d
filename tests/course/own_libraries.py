"""Four complete libraries of chapter 12, written from its contracts alone: closures as in micrograd, numbered entries of
a tape, a class for each operation (whose tensors compare entry by entry), gradients pushed to the leaves path by path."""

# ruff: noqa

# %% unbroadcast: closures
import numpy as np


def unbroadcast(grad, shape):
    ndims_added = np.ndim(grad) - len(shape)
    for _ in range(ndims_added):
        grad = grad.sum(axis=0)
    for i, dim in enumerate(shape):
        if dim == 1:
            grad = grad.sum(axis=i, keepdims=True)
    return grad


# %% topological_order: closures
def topological_order(root):
    topo = []
    visited = set()
    stack = [(root, iter(root.parents))]
    visited.add(id(root))
    while stack:
        node, it = stack[-1]
        for p in it:
            if id(p) not in visited:
                visited.add(id(p))
                stack.append((p, iter(p.parents)))
                break
        else:
            topo.append(node)
            stack.pop()
    return topo


# %% tensor: closures
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


# %% no_grad: closures
from contextlib import contextmanager


@contextmanager
def no_grad():
    prev = Tensor.grad_enabled
    Tensor.grad_enabled = False
    try:
        yield
    finally:
        Tensor.grad_enabled = prev


# %% cross_entropy: closures
def cross_entropy(logits, labels):
    n, c = logits.shape
    m = logits.data.max(axis=1, keepdims=True)
    z = logits - Tensor(m)
    lse = (z.exp() @ Tensor(np.ones((c, 1)))).log()
    onehot = np.zeros((n, c))
    onehot[np.arange(n), labels] = 1.0
    return (lse.sum() - (z * Tensor(onehot)).sum()) / n


# %% module: closures
class Parameter(Tensor):
    def __init__(self, data):
        super().__init__(data, requires_grad=True)


class Module:
    def __init__(self):
        pass

    def parameters(self):
        out, seen = [], set()

        def visit(m):
            for v in m.__dict__.values():
                if isinstance(v, Parameter) and id(v) not in seen:
                    seen.add(id(v))
                    out.append(v)
            for v in m.__dict__.values():
                if isinstance(v, Module):
                    visit(v)
                elif isinstance(v, (list, tuple)):
                    for x in v:
                        if isinstance(x, Module):
                            visit(x)

        visit(self)
        return out

    def zero_grad(self):
        for p in self.parameters():
            p.grad = None

    def __call__(self, *args):
        return self.forward(*args)

    def forward(self, *args):
        raise NotImplementedError


class Linear(Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        k = 1 / in_features**0.5
        self.weight = Parameter(np.random.uniform(-k, k, (out_features, in_features)))
        self.bias = Parameter(np.random.uniform(-k, k, (out_features,)))

    def forward(self, x):
        return x @ self.weight.T + self.bias


class ReLU(Module):
    def forward(self, x):
        return x.relu()


class Sequential(Module):
    def __init__(self, *modules):
        super().__init__()
        self.modules = list(modules)

    def forward(self, x):
        for m in self.modules:
            x = m(x)
        return x


# %% own_sgd: closures
class SGD:
    def __init__(self, params, lr, momentum=0.0):
        self.params = list(params)
        self.lr = lr
        self.momentum = momentum
        self.bufs = [None] * len(self.params)

    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            g = p.grad
            if self.momentum:
                self.bufs[i] = (
                    np.array(g, copy=True) if self.bufs[i] is None else self.momentum * self.bufs[i] + g
                )
                g = self.bufs[i]
            p.data = p.data - self.lr * g

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% own_train: closures
def fit(model, images, labels, epochs, lr, batch_size, rng):
    opt = SGD(model.parameters(), lr=lr, momentum=0.9)
    n = len(images)
    history = []
    for epoch in range(epochs):
        idx = rng.permutation(n)
        total = 0.0
        for i in range(0, n, batch_size):
            b = idx[i : i + batch_size]
            loss = cross_entropy(model(Tensor(images[b])), labels[b])
            opt.zero_grad()
            loss.backward()
            opt.step()
            total += float(loss.data) * len(b)
        history.append(total / n)
    return history


# %% unbroadcast: tape
import numpy as np


def unbroadcast(grad, shape):
    lead = len(grad.shape) - len(shape)
    axes = [a for a in range(len(grad.shape)) if a < lead or (shape[a - lead] == 1 and grad.shape[a] != 1)]
    return (
        np.add.reduce(grad, axis=tuple(axes), keepdims=True).reshape(shape) if axes else grad.reshape(shape)
    )


# %% topological_order: tape
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


# %% tensor: tape
import numpy as np

_tape = []  # (output number, [(input tensor, vjp)])
_counter = [0]


class Tensor:
    grad_enabled = True
    __slots__ = ("data", "grad", "requires_grad", "_number", "_entry", "__dict__", "__weakref__")

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


# %% no_grad: tape
class no_grad:
    def __enter__(self):
        self._saved = Tensor.grad_enabled
        Tensor.grad_enabled = False
        return self

    def __exit__(self, exc_type, exc, tb):
        Tensor.grad_enabled = self._saved
        return False


# %% cross_entropy: tape
def cross_entropy(logits, labels):
    labels = np.asarray(labels)
    N, C = logits.shape
    shift = logits.data.max(axis=1).reshape(N, 1)
    z = logits + Tensor(-shift)
    e = z.exp()
    s = e @ Tensor(np.ones((C, 1)))
    logp = z - s.log()
    mask = (np.arange(C)[None, :] == labels[:, None]).astype(float)
    return (logp * Tensor(mask)).sum() * (-1.0 / N)


# %% module: tape
from collections import OrderedDict


class Parameter(Tensor):
    def __init__(self, data):
        Tensor.__init__(self, data, True)


class Module:
    def __init__(self):
        super().__setattr__("_parameters", OrderedDict())
        super().__setattr__("_modules", OrderedDict())

    def __setattr__(self, key, value):
        self._parameters.pop(key, None)
        self._modules.pop(key, None)
        if isinstance(value, Parameter):
            self._parameters[key] = value
        elif isinstance(value, Module):
            self._modules[key] = value
        super().__setattr__(key, value)

    def named_parameters(self, prefix="", memo=None):
        memo = set() if memo is None else memo
        for k, p in self._parameters.items():
            if id(p) in memo:
                continue
            memo.add(id(p))
            yield prefix + k, p
        for k, m in self._modules.items():
            yield from m.named_parameters(prefix + k + ".", memo)

    def parameters(self):
        return (p for _, p in self.named_parameters())

    def zero_grad(self):
        for p in self.parameters():
            p.grad = np.zeros(p.shape)

    def __call__(self, x):
        return self.forward(x)


class Linear(Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        g = np.random.default_rng()
        self.bias = None
        self.weight = Parameter(g.standard_normal((out_features, in_features)) * (2 / in_features) ** 0.5)
        self.bias = Parameter(np.zeros(out_features))

    def forward(self, x):
        return x @ self.weight.T + self.bias


class ReLU(Module):
    def forward(self, x):
        return x.relu()


class Sequential(Module):
    def __init__(self, *modules):
        super().__init__()
        for i, m in enumerate(modules):
            setattr(self, f"m{i}", m)
        self._list = modules

    def forward(self, x):
        for m in self._list:
            x = m(x)
        return x


# %% own_sgd: tape
class SGD:
    def __init__(self, params, lr, momentum=0.0):
        self.groups = [{"p": p, "v": None} for p in params]
        self.lr, self.mu = lr, momentum

    def zero_grad(self):
        for g in self.groups:
            if g["p"].grad is not None:
                g["p"].grad = np.zeros_like(g["p"].data)

    def step(self):
        for g in self.groups:
            p = g["p"]
            if p.grad is not None:
                g["v"] = p.grad + (self.mu * g["v"] if g["v"] is not None else 0.0)
                p.data -= self.lr * g["v"]


# %% own_train: tape
def fit(model, images, labels, epochs, lr, batch_size, rng):
    images, labels = np.asarray(images, dtype=float), np.asarray(labels)
    order = np.arange(images.shape[0])
    optim = SGD(model.parameters(), lr, 0.5)
    for _ in range(epochs):
        rng.shuffle(order)
        start = 0
        while start < order.size:
            take = order[start : start + batch_size]
            start += batch_size
            model.zero_grad()
            cross_entropy(model(Tensor(images[take])), labels[take]).backward()
            optim.step()
    return model


# %% unbroadcast: operations
import numpy


def unbroadcast(grad, shape):
    shape = tuple(shape)
    while grad.ndim > len(shape):
        grad = numpy.sum(grad, 0)
    stretched = [i for i in range(len(shape)) if shape[i] != grad.shape[i]]
    for i in stretched:
        grad = numpy.expand_dims(grad.sum(i), i)
    return grad


# %% topological_order: operations
def topological_order(root):
    order, state = [], {}
    todo = [root]
    while todo:
        n = todo[-1]
        if state.get(n) == "done":
            todo.pop()
        elif state.get(n) == "open":
            state[n] = "done"
            order.append(n)
            todo.pop()
        else:
            state[n] = "open"
            for p in n.parents:
                if p not in state:
                    todo.append(p)
    return order


# %% tensor: operations
import numpy as np


class Op:
    def __init__(self, *tensors):
        self.tensors = tensors

    @classmethod
    def run(cls, *args, **kw):
        tensors = [a if isinstance(a, Tensor) else Tensor(a) for a in args]
        op = cls(*tensors)
        for k, v in kw.items():
            setattr(op, k, v)
        result = Tensor(op.forward(*[t._d for t in tensors]))
        if Tensor.grad_enabled:
            op.needed = [t.requires_grad for t in tensors]
            if any(op.needed):
                result.requires_grad = True
                result.op = op
        return result


class Plus(Op):
    def forward(self, a, b):
        return a + b

    def backward(self, g):
        return g, g


class Times(Op):
    def forward(self, a, b):
        self.a, self.b = a, b
        return a * b

    def backward(self, g):
        return g * self.b, g * self.a


class Over(Op):
    def forward(self, a, b):
        self.a, self.b = a, b
        return a / b

    def backward(self, g):
        return g / self.b, -g * self.a / self.b / self.b


class Power(Op):
    def forward(self, a):
        self.a = a
        return np.power(a, self.n)

    def backward(self, g):
        return (g * self.n * np.power(self.a, self.n - 1.0),)


class Product(Op):
    def forward(self, a, b):
        self.a, self.b = a, b
        return np.matmul(a, b)

    def backward(self, g):
        return np.matmul(g, self.b.transpose()), np.matmul(self.a.transpose(), g)


class Total(Op):
    def forward(self, a):
        self.s = a.shape
        return np.sum(a)

    def backward(self, g):
        return (np.full(self.s, g),)


class Rectify(Op):
    def forward(self, a):
        self.m = a > 0
        return np.where(self.m, a, 0.0)

    def backward(self, g):
        return (np.where(self.m, g, 0.0),)


class Exp(Op):
    def forward(self, a):
        self.y = np.exp(a)
        return self.y

    def backward(self, g):
        return (self.y * g,)


class Log(Op):
    def forward(self, a):
        self.a = a
        return np.log(a)

    def backward(self, g):
        return (g / self.a,)


class Reshape(Op):
    def forward(self, a):
        self.s = a.shape
        return a.reshape(self.to)

    def backward(self, g):
        return (g.reshape(self.s),)


class Turn(Op):
    def forward(self, a):
        return a.T

    def backward(self, g):
        return (g.T,)


class Tensor:
    grad_enabled = True
    op = None

    def __init__(self, data, requires_grad=False):
        self._d = np.array(data, dtype=float)
        self.requires_grad = requires_grad
        self.grad = None

    def _get(self):
        return self._d

    def _set(self, v):
        self._d = np.asarray(v, dtype=float)

    data = property(_get, _set)

    @property
    def shape(self):
        return self._d.shape

    def __eq__(self, other):
        return Tensor(self._d == (other._d if isinstance(other, Tensor) else other))

    def __add__(s, o):
        return Plus.run(s, o)

    def __radd__(s, o):
        return Plus.run(o, s)

    def __sub__(s, o):
        return Plus.run(s, -o)

    def __rsub__(s, o):
        return Plus.run(o, -s)

    def __mul__(s, o):
        return Times.run(s, o)

    def __rmul__(s, o):
        return Times.run(o, s)

    def __truediv__(s, o):
        return Over.run(s, o)

    def __rtruediv__(s, o):
        return Over.run(o, s)

    def __pow__(s, n):
        return Power.run(s, n=float(n))

    def __neg__(s):
        return Times.run(s, -1.0)

    def __matmul__(s, o):
        return Product.run(s, o)

    def sum(s):
        return Total.run(s)

    def relu(s):
        return Rectify.run(s)

    def exp(s):
        return Exp.run(s)

    def log(s):
        return Log.run(s)

    def reshape(s, *shape):
        return Reshape.run(s, to=shape)

    @property
    def T(s):
        return Turn.run(s)

    def backward(self):
        uses = {}
        stack = [self]
        seen = {id(self)}
        while stack:
            t = stack.pop()
            if t.op is None:
                continue
            for p in t.op.tensors:
                uses[id(p)] = uses.get(id(p), 0) + 1
                if id(p) not in seen:
                    seen.add(id(p))
                    stack.append(p)
        pending = {id(self): np.ones(self.shape)}
        ready = [self]
        while ready:
            t = ready.pop()
            g = pending[id(t)]
            if t.op is None:
                if t.requires_grad:
                    t.grad = g.copy() if t.grad is None else t.grad + g
                continue
            for p, gp in zip(t.op.tensors, t.op.backward(g)):
                gp = unbroadcast(np.asarray(gp), p.shape)
                pending[id(p)] = pending[id(p)] + gp if id(p) in pending else np.array(gp)
                uses[id(p)] -= 1
                if uses[id(p)] == 0:
                    ready.append(p)


# %% no_grad: operations
import contextlib


class no_grad(contextlib.ContextDecorator):
    def __init__(self):
        self.stack = []

    def __enter__(self):
        self.stack.append(Tensor.grad_enabled)
        Tensor.grad_enabled = False

    def __exit__(self, *exc):
        Tensor.grad_enabled = self.stack.pop()


# %% cross_entropy: operations
def cross_entropy(logits, labels):
    N, C = logits.shape
    biggest = Tensor(logits.data.max(axis=1, keepdims=True))
    eye = np.eye(C)
    right = (logits * Tensor(eye[labels])) @ Tensor(np.ones((C, 1)))
    gap = logits - biggest
    lse = biggest + (gap.exp() @ Tensor(np.ones((C, 1)))).log()
    return (lse - right).sum() / N


# %% module: operations
class Parameter(Tensor):
    __hash__ = object.__hash__
    __eq__ = object.__eq__

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


# %% own_sgd: operations
class SGD:
    def __init__(self, params, lr, momentum=0.0):
        self.params, self.lr, self.momentum = [p for p in params], lr, momentum
        self.state = {}

    def step(self):
        for p in self.params:
            if p.grad is None:
                continue
            v = self.state.get(id(p))
            v = p.grad * 1.0 if v is None else v * self.momentum + p.grad
            self.state[id(p)] = v
            p.data[...] = p.data - self.lr * v

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% own_train: operations
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


# %% unbroadcast: paths
import numpy as np


def unbroadcast(grad, shape):
    if grad.shape == tuple(shape):
        return grad.copy()
    axes = tuple(range(grad.ndim - len(shape))) + tuple(
        grad.ndim - len(shape) + i for i, s in enumerate(shape) if s == 1
    )
    return grad.sum(axis=axes).reshape(shape)


# %% topological_order: paths
def topological_order(root):
    seen, post = set(), []
    stack = [("enter", root)]
    while stack:
        what, n = stack.pop()
        if what == "leave":
            post.append(n)
            continue
        if n in seen:
            continue
        seen.add(n)
        stack.append(("leave", n))
        for p in reversed(n.parents):
            stack.append(("enter", p))
    return post


# %% tensor: paths
import numpy as np


class Tensor:
    """each tensor knows how to push a gradient to the leaves, path by path"""

    grad_enabled = True

    def __init__(self, data, requires_grad=False):
        self.data = np.array(data, dtype=np.float64)
        self.requires_grad = requires_grad
        self.grad = None
        self.push = self._keep

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


# %% no_grad: paths
class _Off:
    def __enter__(self):
        self.was, Tensor.grad_enabled = Tensor.grad_enabled, False

    def __exit__(self, a, b, c):
        Tensor.grad_enabled = self.was


def no_grad():
    return _Off()


# %% cross_entropy: paths
def cross_entropy(logits, labels):
    z = np.array(logits.data)
    n = z.shape[0]
    z = z - z.max(1, keepdims=True)
    lp = z - np.log(np.exp(z).sum(1, keepdims=True))
    g = np.exp(lp)
    g[np.arange(n), labels] -= 1
    g /= n
    value = -lp[np.arange(n), labels].mean()
    plane = (logits * Tensor(g)).sum()
    return plane + (value - float(plane.data))


# %% module: paths
class Parameter(Tensor):
    def __init__(self, data):
        super().__init__(data, requires_grad=True)


class Module:
    def __init__(self): ...
    def _modules(self):
        yield self
        for v in vars(self).values():
            for m in v if isinstance(v, list) else [v]:
                if isinstance(m, Module):
                    yield from m._modules()

    def parameters(self):
        mine = [p for m in self._modules() for p in vars(m).values() if isinstance(p, Parameter)]
        return list({id(p): p for p in mine}.values())

    def zero_grad(self):
        for p in self.parameters():
            p.grad = np.zeros_like(p.data)

    def __call__(self, x):
        return self.forward(x)


class Linear(Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.weight = Parameter(np.random.randn(out_features, in_features) / np.sqrt(in_features))
        self.bias = Parameter(np.zeros(out_features))

    def forward(self, x):
        return x @ self.weight.T + self.bias


class ReLU(Module):
    def forward(self, x):
        return x.relu()


class Sequential(Module):
    def __init__(self, *modules):
        super().__init__()
        self.all = list(modules)

    def forward(self, x):
        for m in self.all:
            x = m.forward(x)
        return x


# %% own_sgd: paths
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


# %% own_train: paths
def fit(model, images, labels, epochs, lr, batch_size, rng):
    params = list(model.parameters())
    for epoch in range(epochs):
        keys = rng.random(len(images))
        ranked = sorted(range(len(images)), key=lambda i: keys[i])
        while ranked:
            now, ranked = ranked[:batch_size], ranked[batch_size:]
            for p in params:
                p.grad = None
            loss = cross_entropy(model(Tensor(images[now])), labels[now])
            loss.backward()
            for p in params:
                p.data = p.data - lr * p.grad
