"""Named mistakes of chapter 12: wrong solutions that the checks must reject, each with its own help."""

import numpy as np


# %% unbroadcast: leading_axes_only
# help: You sum the axes that are missing in shape, and stop. An axis of size 1 was repeated too: sum it as well, and keep it.
def unbroadcast(grad, shape):
    while grad.ndim > len(shape):
        grad = grad.sum(axis=0)
    return grad


# %% unbroadcast: size_one_only
# help: Axes of size 1 are summed, but an axis that shape does not have at all is still there. Those stand on the left: sum them away first.
def unbroadcast(grad, shape):
    for axis, size in enumerate(shape):
        if size == 1:
            grad = grad.sum(axis=axis, keepdims=True)
    return grad


# %% unbroadcast: axis_not_kept
# help: The axis of size 1 was summed and is gone: (2, 3) should come back as (2, 1), not (2,). The argument keepdims keeps it.
def unbroadcast(grad, shape):
    grad = grad.sum(axis=tuple(range(grad.ndim - len(shape))))
    return grad.sum(axis=tuple(i for i, n in enumerate(shape) if n == 1))


# %% unbroadcast: mean_for_sum
# help: You average over the copies. Each copy's gradient counts in full: it is a sum.
def unbroadcast(grad, shape):
    extra = grad.ndim - len(shape)
    if extra:
        grad = grad.mean(axis=tuple(range(extra)))
    for i, n in enumerate(shape):
        if n == 1:
            grad = grad.mean(axis=i, keepdims=True)
    return grad


# %% unbroadcast: first_copy_only
# help: You keep the gradient of the first copy and drop the others. All copies are the same number, and all of their gradients count.
def unbroadcast(grad, shape):
    while grad.ndim > len(shape):
        grad = grad[0]
    return grad[tuple(slice(0, 1) if n == 1 else slice(None) for n in shape)]


# %% unbroadcast: trailing_axes
# help: You sum the last axes away. NumPy lines shapes up at their right ends, so the axes that were added stand on the left.
def unbroadcast(grad, shape):
    while grad.ndim > len(shape):
        grad = grad.sum(axis=-1)
    for i, n in enumerate(shape):
        if n == 1:
            grad = grad.sum(axis=i, keepdims=True)
    return grad


# %% unbroadcast: nothing_summed
# help: You return the gradient as it came. Where the shapes differ it has to be summed back to shape.
def unbroadcast(grad, shape):
    return grad


# %% unbroadcast: all_into_one
# help: You put the total of everything into every entry. Only the axes that were stretched are summed; the others keep their entries apart.
def unbroadcast(grad, shape):
    if grad.shape == shape:
        return grad
    return np.full(shape, grad.sum())


# %% unbroadcast: axes_that_differ_in_size
# help: You look for axes by comparing sizes from the left. Where sizes agree by chance, (2, 2) and (2,), nothing is found. Line the shapes up at their right ends.
def unbroadcast(grad, shape):
    target = tuple(shape) + (1,) * (grad.ndim - len(shape))
    for axis in range(grad.ndim):
        if target[axis] != grad.shape[axis]:
            grad = grad.sum(axis=axis, keepdims=True)
    return grad.reshape(shape) if grad.size == int(np.prod(shape)) else grad


# %% unbroadcast: always_float64
# help: float32 came in and something else came out. Summing keeps the type by itself; there is nothing to convert.
def unbroadcast(grad, shape):
    grad = np.asarray(grad, dtype=np.float64)
    grad = grad.sum(axis=tuple(range(grad.ndim - len(shape))))
    return grad.sum(axis=tuple(i for i, n in enumerate(shape) if n == 1), keepdims=True)


# %% unbroadcast: one_leading_axis
# help: At most one leading axis is summed away. There may be several: (5, 4, 3) back to (3,) has two.
def unbroadcast(grad, shape):
    if grad.ndim > len(shape):
        grad = grad.sum(axis=0)
    for i, n in enumerate(shape):
        if n == 1:
            grad = grad.sum(axis=i, keepdims=True)
    return grad


# %% unbroadcast: written_into_the_gradient
# help: You add up inside the array that was handed in, and the caller finds other numbers in it. Sum into a new array.
def unbroadcast(grad, shape):
    while grad.ndim > len(shape):
        for other in grad[1:]:
            grad[0] += other
        grad = grad[0]
    for axis, size in enumerate(shape):
        if size == 1:
            grad = grad.sum(axis=axis, keepdims=True)
    return grad


# %% topological_order: recursive
# help: The order is right, but a function that calls itself for each node stops at about a thousand. Keep what is still to do in a list instead.
def topological_order(root):
    order, seen = [], set()

    def visit(node):
        if id(node) not in seen:
            seen.add(id(node))
            for parent in node.parents:
                visit(parent)
            order.append(node)

    visit(root)
    return order


# %% topological_order: no_memory
# help: A node that is used twice stands in your list twice. Remember what you have seen, and pass over it the second time.
def topological_order(root):
    order, stack = [], [(root, False)]
    while stack:
        node, ready = stack.pop()
        if ready:
            order.append(node)
            continue
        stack.append((node, True))
        for parent in node.parents:
            stack.append((parent, False))
    return order


# %% topological_order: breadth_first
# help: You go level by level from the root and turn the list around. A node that is near the root by one arm and far by another then comes too late. It may be appended only when all its parents are.
def topological_order(root):
    order, seen, i = [root], {id(root)}, 0
    while i < len(order):
        for parent in order[i].parents:
            if id(parent) not in seen:
                seen.add(id(parent))
                order.append(parent)
        i += 1
    return order[::-1]


# %% topological_order: preorder_reversed
# help: You append a node when you first reach it and turn the list around at the end. With arms of different lengths that is no such order: append it when its parents are done.
def topological_order(root):
    order, seen, stack = [], set(), [root]
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        order.append(node)
        stack.extend(node.parents)
    return order[::-1]


# %% topological_order: root_first
# help: Your list begins with the root. It is asked for the other way round: parents first, the root last.
def topological_order(root):
    order, seen, stack = [], set(), [(root, False)]
    while stack:
        node, ready = stack.pop()
        if ready:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack += [(p, False) for p in node.parents]
    order.reverse()
    return order


# %% topological_order: root_missing
# help: The root itself is not in your list. It is a node as well, the last one.
def topological_order(root):
    order, seen, stack = [], {id(root)}, [(p, False) for p in root.parents]
    while stack:
        node, ready = stack.pop()
        if ready:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack += [(p, False) for p in node.parents]
    return order


# %% topological_order: marks_on_the_nodes
# help: You write a mark on each node, and it is still there afterwards: the second call finds nothing left to do. Keep the marks in a set of your own.
def topological_order(root):
    order, stack = [], [(root, False)]
    while stack:
        node, ready = stack.pop()
        if ready:
            order.append(node)
        elif not getattr(node, "visited", False):
            node.visited = True
            stack.append((node, True))
            stack += [(p, False) for p in node.parents]
    return order


# %% topological_order: shared_default
# help: The list in your argument's default value is made once and kept between calls: the second call still has the first one's nodes. Make both inside the function.
def topological_order(root, order=[], seen=set()):
    stack = [(root, False)]
    while stack:
        node, ready = stack.pop()
        if ready:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack += [(p, False) for p in node.parents]
    return list(order)


# %% topological_order: seen_when_pushed
# help: You note a node as seen when you put it on the stack. It may then be waiting far down while a child of it is finished first. Decide when it comes off.
def topological_order(root):
    order, seen, stack = [], {id(root)}, [(root, False)]
    while stack:
        node, ready = stack.pop()
        if ready:
            order.append(node)
            continue
        stack.append((node, True))
        for parent in node.parents:
            if id(parent) not in seen:
                seen.add(id(parent))
                stack.append((parent, False))
    return order


# %% topological_order: one_arm_only
# help: Only the first parent of each node is followed. A node may have several.
def topological_order(root):
    order, seen = [], set()
    node = root
    while True:
        order.append(node)
        if not node.parents:
            return order[::-1]
        node = node.parents[0]


# %% topological_order: leaves_missing
# help: Nodes without parents are not in your list. A leaf is a node as well, and the one that gets a gradient in the end.
def topological_order(root):
    out, seen, stack = [], set(), [(root, 0)]
    while stack:
        n, ready = stack.pop()
        if ready:
            if n.parents:
                out.append(n)
        elif id(n) not in seen:
            seen.add(id(n))
            stack.append((n, 1))
            stack.extend((p, 0) for p in n.parents)
    return out


# %% topological_order: handed_out_one_by_one
# help: You hand the nodes out one by one with yield. Asked for is a list, which can be counted and walked backwards.
def topological_order(root):
    seen, stack = set(), [(root, 0)]
    while stack:
        n, ready = stack.pop()
        if ready:
            yield n
        elif id(n) not in seen:
            seen.add(id(n))
            stack.append((n, 1))
            stack.extend((p, 0) for p in n.parents)


# %% topological_order: comes_as_a_tuple
# help: The order is right, but it comes as a tuple. Asked for is a list.
def topological_order(root):
    order, seen, stack = [], set(), [(root, False)]
    while stack:
        node, done = stack.pop()
        if done:
            order.append(node)
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))
            stack += [(parent, False) for parent in node.parents]
    return tuple(order)


# %% topological_order: default_set_of_nodes
# help: The set in your argument's default value is made once and kept between calls: the second call still has the first one's nodes. Make it inside the function.
def topological_order(root, seen=set()):
    order, stack = [], [(root, False)]
    while stack:
        node, done = stack.pop()
        if done:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack += [(parent, False) for parent in node.parents]
    return order


# %% tensor: grad_replaced
# help: A second backward replaces what .grad held. It has to add: that is how two losses, or two uses, come together.
class Tensor:
    grad_enabled = True

    def __init__(self, data, requires_grad=False, parents=(), back=None):
        self.data = np.array(data, dtype=np.float64)
        self.grad = None
        self.requires_grad = requires_grad
        self.parents = parents
        self.back = back

    @property
    def shape(self):
        return self.data.shape

    @property
    def T(self):
        return result(self.data.T, [self], lambda g: [g.T])

    def __add__(self, other):
        other = lift(other)
        return result(self.data + other.data, [self, other], lambda g: [g, g])

    def __sub__(self, other):
        other = lift(other)
        return result(self.data - other.data, [self, other], lambda g: [g, -g])

    def __mul__(self, other):
        other = lift(other)
        return result(self.data * other.data, [self, other], lambda g: [g * other.data, g * self.data])

    def __truediv__(self, other):
        other = lift(other)
        return result(
            self.data / other.data, [self, other], lambda g: [g / other.data, -g * self.data / other.data**2]
        )

    def __pow__(self, n):
        return result(self.data**n, [self], lambda g: [g * n * self.data ** (n - 1)])

    def __matmul__(self, other):
        return result(self.data @ other.data, [self, other], lambda g: [g @ other.data.T, self.data.T @ g])

    def __neg__(self):
        return result(-self.data, [self], lambda g: [-g])

    def __radd__(self, other):
        return lift(other) + self

    def __rsub__(self, other):
        return lift(other) - self

    def __rmul__(self, other):
        return lift(other) * self

    def __rtruediv__(self, other):
        return lift(other) / self

    def sum(self):
        return result(self.data.sum(), [self], lambda g: [g * np.ones(self.shape)])

    def relu(self):
        return result(np.maximum(self.data, 0), [self], lambda g: [g * (self.data > 0)])

    def exp(self):
        out = np.exp(self.data)
        return result(out, [self], lambda g: [g * out])

    def log(self):
        return result(np.log(self.data), [self], lambda g: [g / self.data])

    def reshape(self, *shape):
        return result(self.data.reshape(*shape), [self], lambda g: [g.reshape(self.shape)])

    def backward(self):
        grads = {id(self): np.ones(self.shape)}
        for t in reversed(topological_order(self)):
            g = grads.get(id(t))
            if g is None:
                continue
            if t.back is None:
                if t.requires_grad:
                    t.grad = g
                continue
            for parent, share in zip(t.parents, t.back(g)):
                share = unbroadcast(share, parent.shape)
                grads[id(parent)] = grads[id(parent)] + share if id(parent) in grads else share


def lift(value):
    return value if isinstance(value, Tensor) else Tensor(value)


def result(data, parents, back):
    if Tensor.grad_enabled and any(p.requires_grad for p in parents):
        return Tensor(data, True, tuple(parents), back)
    return Tensor(data)


# %% tensor: last_use_only
# help: A tensor that is used several times gets the gradient of one use only. What arrives has to be added to what is already there.
class Tensor:
    grad_enabled = True

    def __init__(self, data, requires_grad=False, parents=(), back=None):
        self.data = np.array(data, dtype=np.float64)
        self.grad = None
        self.requires_grad = requires_grad
        self.parents = parents
        self.back = back

    @property
    def shape(self):
        return self.data.shape

    @property
    def T(self):
        return result(self.data.T, [self], lambda g: [g.T])

    def __add__(self, other):
        other = lift(other)
        return result(self.data + other.data, [self, other], lambda g: [g, g])

    def __sub__(self, other):
        other = lift(other)
        return result(self.data - other.data, [self, other], lambda g: [g, -g])

    def __mul__(self, other):
        other = lift(other)
        return result(self.data * other.data, [self, other], lambda g: [g * other.data, g * self.data])

    def __truediv__(self, other):
        other = lift(other)
        return result(
            self.data / other.data, [self, other], lambda g: [g / other.data, -g * self.data / other.data**2]
        )

    def __pow__(self, n):
        return result(self.data**n, [self], lambda g: [g * n * self.data ** (n - 1)])

    def __matmul__(self, other):
        return result(self.data @ other.data, [self, other], lambda g: [g @ other.data.T, self.data.T @ g])

    def __neg__(self):
        return result(-self.data, [self], lambda g: [-g])

    def __radd__(self, other):
        return lift(other) + self

    def __rsub__(self, other):
        return lift(other) - self

    def __rmul__(self, other):
        return lift(other) * self

    def __rtruediv__(self, other):
        return lift(other) / self

    def sum(self):
        return result(self.data.sum(), [self], lambda g: [g * np.ones(self.shape)])

    def relu(self):
        return result(np.maximum(self.data, 0), [self], lambda g: [g * (self.data > 0)])

    def exp(self):
        out = np.exp(self.data)
        return result(out, [self], lambda g: [g * out])

    def log(self):
        return result(np.log(self.data), [self], lambda g: [g / self.data])

    def reshape(self, *shape):
        return result(self.data.reshape(*shape), [self], lambda g: [g.reshape(self.shape)])

    def backward(self):
        grads = {id(self): np.ones(self.shape)}
        for t in reversed(topological_order(self)):
            g = grads.get(id(t))
            if g is None:
                continue
            if t.back is None:
                if t.requires_grad:
                    t.grad = g if t.grad is None else t.grad + g
                continue
            for parent, share in zip(t.parents, t.back(g)):
                share = unbroadcast(share, parent.shape)
                grads[id(parent)] = share


def lift(value):
    return value if isinstance(value, Tensor) else Tensor(value)


def result(data, parents, back):
    if Tensor.grad_enabled and any(p.requires_grad for p in parents):
        return Tensor(data, True, tuple(parents), back)
    return Tensor(data)


# %% tensor: gradient_left_in_the_middle
# help: The gradient of a tensor in the middle is still there when the next backward comes through, and is passed on a second time. What is under way belongs to one call only.
class Tensor:
    grad_enabled = True

    def __init__(self, data, requires_grad=False, parents=(), back=None):
        self.data = np.array(data, dtype=np.float64)
        self.grad = None
        self.requires_grad = requires_grad
        self.parents = parents
        self.back = back

    @property
    def shape(self):
        return self.data.shape

    @property
    def T(self):
        return result(self.data.T, [self], lambda g: [g.T])

    def __add__(self, other):
        other = lift(other)
        return result(self.data + other.data, [self, other], lambda g: [g, g])

    def __sub__(self, other):
        other = lift(other)
        return result(self.data - other.data, [self, other], lambda g: [g, -g])

    def __mul__(self, other):
        other = lift(other)
        return result(self.data * other.data, [self, other], lambda g: [g * other.data, g * self.data])

    def __truediv__(self, other):
        other = lift(other)
        return result(
            self.data / other.data, [self, other], lambda g: [g / other.data, -g * self.data / other.data**2]
        )

    def __pow__(self, n):
        return result(self.data**n, [self], lambda g: [g * n * self.data ** (n - 1)])

    def __matmul__(self, other):
        return result(self.data @ other.data, [self, other], lambda g: [g @ other.data.T, self.data.T @ g])

    def __neg__(self):
        return result(-self.data, [self], lambda g: [-g])

    def __radd__(self, other):
        return lift(other) + self

    def __rsub__(self, other):
        return lift(other) - self

    def __rmul__(self, other):
        return lift(other) * self

    def __rtruediv__(self, other):
        return lift(other) / self

    def sum(self):
        return result(self.data.sum(), [self], lambda g: [g * np.ones(self.shape)])

    def relu(self):
        return result(np.maximum(self.data, 0), [self], lambda g: [g * (self.data > 0)])

    def exp(self):
        out = np.exp(self.data)
        return result(out, [self], lambda g: [g * out])

    def log(self):
        return result(np.log(self.data), [self], lambda g: [g / self.data])

    def reshape(self, *shape):
        return result(self.data.reshape(*shape), [self], lambda g: [g.reshape(self.shape)])

    def backward(self):
        self.way = np.ones(self.shape)
        for t in reversed(topological_order(self)):
            g = getattr(t, "way", None)
            if g is None:
                continue
            if t.back is None:
                t.way = None
                if t.requires_grad:
                    t.grad = g if t.grad is None else t.grad + g
                continue
            for parent, share in zip(t.parents, t.back(g)):
                share = unbroadcast(share, parent.shape)
                old = getattr(parent, "way", None)
                parent.way = share if old is None else old + share


def lift(value):
    return value if isinstance(value, Tensor) else Tensor(value)


def result(data, parents, back):
    if Tensor.grad_enabled and any(p.requires_grad for p in parents):
        return Tensor(data, True, tuple(parents), back)
    return Tensor(data)


# %% tensor: no_unbroadcast
# help: A gradient keeps the stretched shape: each share has to be summed back to its parent's shape with unbroadcast.
class Tensor:
    grad_enabled = True

    def __init__(self, data, requires_grad=False, parents=(), back=None):
        self.data = np.array(data, dtype=np.float64)
        self.grad = None
        self.requires_grad = requires_grad
        self.parents = parents
        self.back = back

    @property
    def shape(self):
        return self.data.shape

    @property
    def T(self):
        return result(self.data.T, [self], lambda g: [g.T])

    def __add__(self, other):
        other = lift(other)
        return result(self.data + other.data, [self, other], lambda g: [g, g])

    def __sub__(self, other):
        other = lift(other)
        return result(self.data - other.data, [self, other], lambda g: [g, -g])

    def __mul__(self, other):
        other = lift(other)
        return result(self.data * other.data, [self, other], lambda g: [g * other.data, g * self.data])

    def __truediv__(self, other):
        other = lift(other)
        return result(
            self.data / other.data, [self, other], lambda g: [g / other.data, -g * self.data / other.data**2]
        )

    def __pow__(self, n):
        return result(self.data**n, [self], lambda g: [g * n * self.data ** (n - 1)])

    def __matmul__(self, other):
        return result(self.data @ other.data, [self, other], lambda g: [g @ other.data.T, self.data.T @ g])

    def __neg__(self):
        return result(-self.data, [self], lambda g: [-g])

    def __radd__(self, other):
        return lift(other) + self

    def __rsub__(self, other):
        return lift(other) - self

    def __rmul__(self, other):
        return lift(other) * self

    def __rtruediv__(self, other):
        return lift(other) / self

    def sum(self):
        return result(self.data.sum(), [self], lambda g: [g * np.ones(self.shape)])

    def relu(self):
        return result(np.maximum(self.data, 0), [self], lambda g: [g * (self.data > 0)])

    def exp(self):
        out = np.exp(self.data)
        return result(out, [self], lambda g: [g * out])

    def log(self):
        return result(np.log(self.data), [self], lambda g: [g / self.data])

    def reshape(self, *shape):
        return result(self.data.reshape(*shape), [self], lambda g: [g.reshape(self.shape)])

    def backward(self):
        grads = {id(self): np.ones(self.shape)}
        for t in reversed(topological_order(self)):
            g = grads.get(id(t))
            if g is None:
                continue
            if t.back is None:
                if t.requires_grad:
                    t.grad = g if t.grad is None else t.grad + g
                continue
            for parent, share in zip(t.parents, t.back(g)):
                share = np.asarray(share)
                grads[id(parent)] = grads[id(parent)] + share if id(parent) in grads else share


def lift(value):
    return value if isinstance(value, Tensor) else Tensor(value)


def result(data, parents, back):
    if Tensor.grad_enabled and any(p.requires_grad for p in parents):
        return Tensor(data, True, tuple(parents), back)
    return Tensor(data)


# %% tensor: number_minus_tensor
# help: 1 - a comes out as a - 1. In __rsub__ the number is the left operand.
class Tensor:
    grad_enabled = True

    def __init__(self, data, requires_grad=False, parents=(), back=None):
        self.data = np.array(data, dtype=np.float64)
        self.grad = None
        self.requires_grad = requires_grad
        self.parents = parents
        self.back = back

    @property
    def shape(self):
        return self.data.shape

    @property
    def T(self):
        return result(self.data.T, [self], lambda g: [g.T])

    def __add__(self, other):
        other = lift(other)
        return result(self.data + other.data, [self, other], lambda g: [g, g])

    def __sub__(self, other):
        other = lift(other)
        return result(self.data - other.data, [self, other], lambda g: [g, -g])

    def __mul__(self, other):
        other = lift(other)
        return result(self.data * other.data, [self, other], lambda g: [g * other.data, g * self.data])

    def __truediv__(self, other):
        other = lift(other)
        return result(
            self.data / other.data, [self, other], lambda g: [g / other.data, -g * self.data / other.data**2]
        )

    def __pow__(self, n):
        return result(self.data**n, [self], lambda g: [g * n * self.data ** (n - 1)])

    def __matmul__(self, other):
        return result(self.data @ other.data, [self, other], lambda g: [g @ other.data.T, self.data.T @ g])

    def __neg__(self):
        return result(-self.data, [self], lambda g: [-g])

    def __radd__(self, other):
        return lift(other) + self

    def __rsub__(self, other):
        return self - lift(other)

    def __rmul__(self, other):
        return lift(other) * self

    def __rtruediv__(self, other):
        return lift(other) / self

    def sum(self):
        return result(self.data.sum(), [self], lambda g: [g * np.ones(self.shape)])

    def relu(self):
        return result(np.maximum(self.data, 0), [self], lambda g: [g * (self.data > 0)])

    def exp(self):
        out = np.exp(self.data)
        return result(out, [self], lambda g: [g * out])

    def log(self):
        return result(np.log(self.data), [self], lambda g: [g / self.data])

    def reshape(self, *shape):
        return result(self.data.reshape(*shape), [self], lambda g: [g.reshape(self.shape)])

    def backward(self):
        grads = {id(self): np.ones(self.shape)}
        for t in reversed(topological_order(self)):
            g = grads.get(id(t))
            if g is None:
                continue
            if t.back is None:
                if t.requires_grad:
                    t.grad = g if t.grad is None else t.grad + g
                continue
            for parent, share in zip(t.parents, t.back(g)):
                share = unbroadcast(share, parent.shape)
                grads[id(parent)] = grads[id(parent)] + share if id(parent) in grads else share


def lift(value):
    return value if isinstance(value, Tensor) else Tensor(value)


def result(data, parents, back):
    if Tensor.grad_enabled and any(p.requires_grad for p in parents):
        return Tensor(data, True, tuple(parents), back)
    return Tensor(data)


# %% tensor: number_by_tensor
# help: 2 / a comes out as a / 2. In __rtruediv__ the number is what is divided.
class Tensor:
    grad_enabled = True

    def __init__(self, data, requires_grad=False, parents=(), back=None):
        self.data = np.array(data, dtype=np.float64)
        self.grad = None
        self.requires_grad = requires_grad
        self.parents = parents
        self.back = back

    @property
    def shape(self):
        return self.data.shape

    @property
    def T(self):
        return result(self.data.T, [self], lambda g: [g.T])

    def __add__(self, other):
        other = lift(other)
        return result(self.data + other.data, [self, other], lambda g: [g, g])

    def __sub__(self, other):
        other = lift(other)
        return result(self.data - other.data, [self, other], lambda g: [g, -g])

    def __mul__(self, other):
        other = lift(other)
        return result(self.data * other.data, [self, other], lambda g: [g * other.data, g * self.data])

    def __truediv__(self, other):
        other = lift(other)
        return result(
            self.data / other.data, [self, other], lambda g: [g / other.data, -g * self.data / other.data**2]
        )

    def __pow__(self, n):
        return result(self.data**n, [self], lambda g: [g * n * self.data ** (n - 1)])

    def __matmul__(self, other):
        return result(self.data @ other.data, [self, other], lambda g: [g @ other.data.T, self.data.T @ g])

    def __neg__(self):
        return result(-self.data, [self], lambda g: [-g])

    def __radd__(self, other):
        return lift(other) + self

    def __rsub__(self, other):
        return lift(other) - self

    def __rmul__(self, other):
        return lift(other) * self

    def __rtruediv__(self, other):
        return self / lift(other)

    def sum(self):
        return result(self.data.sum(), [self], lambda g: [g * np.ones(self.shape)])

    def relu(self):
        return result(np.maximum(self.data, 0), [self], lambda g: [g * (self.data > 0)])

    def exp(self):
        out = np.exp(self.data)
        return result(out, [self], lambda g: [g * out])

    def log(self):
        return result(np.log(self.data), [self], lambda g: [g / self.data])

    def reshape(self, *shape):
        return result(self.data.reshape(*shape), [self], lambda g: [g.reshape(self.shape)])

    def backward(self):
        grads = {id(self): np.ones(self.shape)}
        for t in reversed(topological_order(self)):
            g = grads.get(id(t))
            if g is None:
                continue
            if t.back is None:
                if t.requires_grad:
                    t.grad = g if t.grad is None else t.grad + g
                continue
            for parent, share in zip(t.parents, t.back(g)):
                share = unbroadcast(share, parent.shape)
                grads[id(parent)] = grads[id(parent)] + share if id(parent) in grads else share


def lift(value):
    return value if isinstance(value, Tensor) else Tensor(value)


def result(data, parents, back):
    if Tensor.grad_enabled and any(p.requires_grad for p in parents):
        return Tensor(data, True, tuple(parents), back)
    return Tensor(data)


# %% tensor: numbers_on_the_right_only
# help: A number on the left is not understood: Python then asks the tensor on the right, through __radd__, __rsub__, __rmul__ and __rtruediv__.
class Tensor:
    grad_enabled = True

    def __init__(self, data, requires_grad=False, parents=(), back=None):
        self.data = np.array(data, dtype=np.float64)
        self.grad = None
        self.requires_grad = requires_grad
        self.parents = parents
        self.back = back

    @property
    def shape(self):
        return self.data.shape

    @property
    def T(self):
        return result(self.data.T, [self], lambda g: [g.T])

    def __add__(self, other):
        other = lift(other)
        return result(self.data + other.data, [self, other], lambda g: [g, g])

    def __sub__(self, other):
        other = lift(other)
        return result(self.data - other.data, [self, other], lambda g: [g, -g])

    def __mul__(self, other):
        other = lift(other)
        return result(self.data * other.data, [self, other], lambda g: [g * other.data, g * self.data])

    def __truediv__(self, other):
        other = lift(other)
        return result(
            self.data / other.data, [self, other], lambda g: [g / other.data, -g * self.data / other.data**2]
        )

    def __pow__(self, n):
        return result(self.data**n, [self], lambda g: [g * n * self.data ** (n - 1)])

    def __matmul__(self, other):
        return result(self.data @ other.data, [self, other], lambda g: [g @ other.data.T, self.data.T @ g])

    def __neg__(self):
        return result(-self.data, [self], lambda g: [-g])

    def add_to(self, other):
        return lift(other) + self

    def subtract_from(self, other):
        return lift(other) - self

    def multiply_by(self, other):
        return lift(other) * self

    def divide_into(self, other):
        return lift(other) / self

    def sum(self):
        return result(self.data.sum(), [self], lambda g: [g * np.ones(self.shape)])

    def relu(self):
        return result(np.maximum(self.data, 0), [self], lambda g: [g * (self.data > 0)])

    def exp(self):
        out = np.exp(self.data)
        return result(out, [self], lambda g: [g * out])

    def log(self):
        return result(np.log(self.data), [self], lambda g: [g / self.data])

    def reshape(self, *shape):
        return result(self.data.reshape(*shape), [self], lambda g: [g.reshape(self.shape)])

    def backward(self):
        grads = {id(self): np.ones(self.shape)}
        for t in reversed(topological_order(self)):
            g = grads.get(id(t))
            if g is None:
                continue
            if t.back is None:
                if t.requires_grad:
                    t.grad = g if t.grad is None else t.grad + g
                continue
            for parent, share in zip(t.parents, t.back(g)):
                share = unbroadcast(share, parent.shape)
                grads[id(parent)] = grads[id(parent)] + share if id(parent) in grads else share


def lift(value):
    return value if isinstance(value, Tensor) else Tensor(value)


def result(data, parents, back):
    if Tensor.grad_enabled and any(p.requires_grad for p in parents):
        return Tensor(data, True, tuple(parents), back)
    return Tensor(data)


# %% tensor: own_factor
# help: Each factor of a product gets itself as slope. The slope of a·b with respect to a is b.
class Tensor:
    grad_enabled = True

    def __init__(self, data, requires_grad=False, parents=(), back=None):
        self.data = np.array(data, dtype=np.float64)
        self.grad = None
        self.requires_grad = requires_grad
        self.parents = parents
        self.back = back

    @property
    def shape(self):
        return self.data.shape

    @property
    def T(self):
        return result(self.data.T, [self], lambda g: [g.T])

    def __add__(self, other):
        other = lift(other)
        return result(self.data + other.data, [self, other], lambda g: [g, g])

    def __sub__(self, other):
        other = lift(other)
        return result(self.data - other.data, [self, other], lambda g: [g, -g])

    def __mul__(self, other):
        other = lift(other)
        return result(self.data * other.data, [self, other], lambda g: [g * self.data, g * other.data])

    def __truediv__(self, other):
        other = lift(other)
        return result(
            self.data / other.data, [self, other], lambda g: [g / other.data, -g * self.data / other.data**2]
        )

    def __pow__(self, n):
        return result(self.data**n, [self], lambda g: [g * n * self.data ** (n - 1)])

    def __matmul__(self, other):
        return result(self.data @ other.data, [self, other], lambda g: [g @ other.data.T, self.data.T @ g])

    def __neg__(self):
        return result(-self.data, [self], lambda g: [-g])

    def __radd__(self, other):
        return lift(other) + self

    def __rsub__(self, other):
        return lift(other) - self

    def __rmul__(self, other):
        return lift(other) * self

    def __rtruediv__(self, other):
        return lift(other) / self

    def sum(self):
        return result(self.data.sum(), [self], lambda g: [g * np.ones(self.shape)])

    def relu(self):
        return result(np.maximum(self.data, 0), [self], lambda g: [g * (self.data > 0)])

    def exp(self):
        out = np.exp(self.data)
        return result(out, [self], lambda g: [g * out])

    def log(self):
        return result(np.log(self.data), [self], lambda g: [g / self.data])

    def reshape(self, *shape):
        return result(self.data.reshape(*shape), [self], lambda g: [g.reshape(self.shape)])

    def backward(self):
        grads = {id(self): np.ones(self.shape)}
        for t in reversed(topological_order(self)):
            g = grads.get(id(t))
            if g is None:
                continue
            if t.back is None:
                if t.requires_grad:
                    t.grad = g if t.grad is None else t.grad + g
                continue
            for parent, share in zip(t.parents, t.back(g)):
                share = unbroadcast(share, parent.shape)
                grads[id(parent)] = grads[id(parent)] + share if id(parent) in grads else share


def lift(value):
    return value if isinstance(value, Tensor) else Tensor(value)


def result(data, parents, back):
    if Tensor.grad_enabled and any(p.requires_grad for p in parents):
        return Tensor(data, True, tuple(parents), back)
    return Tensor(data)


# %% tensor: matmul_without_turning
# help: In the matrix product's way back nothing is turned. Write down the shapes: (N, M) and (K, M) have to give (N, K).
class Tensor:
    grad_enabled = True

    def __init__(self, data, requires_grad=False, parents=(), back=None):
        self.data = np.array(data, dtype=np.float64)
        self.grad = None
        self.requires_grad = requires_grad
        self.parents = parents
        self.back = back

    @property
    def shape(self):
        return self.data.shape

    @property
    def T(self):
        return result(self.data.T, [self], lambda g: [g.T])

    def __add__(self, other):
        other = lift(other)
        return result(self.data + other.data, [self, other], lambda g: [g, g])

    def __sub__(self, other):
        other = lift(other)
        return result(self.data - other.data, [self, other], lambda g: [g, -g])

    def __mul__(self, other):
        other = lift(other)
        return result(self.data * other.data, [self, other], lambda g: [g * other.data, g * self.data])

    def __truediv__(self, other):
        other = lift(other)
        return result(
            self.data / other.data, [self, other], lambda g: [g / other.data, -g * self.data / other.data**2]
        )

    def __pow__(self, n):
        return result(self.data**n, [self], lambda g: [g * n * self.data ** (n - 1)])

    def __matmul__(self, other):
        return result(self.data @ other.data, [self, other], lambda g: [g @ other.data, self.data @ g])

    def __neg__(self):
        return result(-self.data, [self], lambda g: [-g])

    def __radd__(self, other):
        return lift(other) + self

    def __rsub__(self, other):
        return lift(other) - self

    def __rmul__(self, other):
        return lift(other) * self

    def __rtruediv__(self, other):
        return lift(other) / self

    def sum(self):
        return result(self.data.sum(), [self], lambda g: [g * np.ones(self.shape)])

    def relu(self):
        return result(np.maximum(self.data, 0), [self], lambda g: [g * (self.data > 0)])

    def exp(self):
        out = np.exp(self.data)
        return result(out, [self], lambda g: [g * out])

    def log(self):
        return result(np.log(self.data), [self], lambda g: [g / self.data])

    def reshape(self, *shape):
        return result(self.data.reshape(*shape), [self], lambda g: [g.reshape(self.shape)])

    def backward(self):
        grads = {id(self): np.ones(self.shape)}
        for t in reversed(topological_order(self)):
            g = grads.get(id(t))
            if g is None:
                continue
            if t.back is None:
                if t.requires_grad:
                    t.grad = g if t.grad is None else t.grad + g
                continue
            for parent, share in zip(t.parents, t.back(g)):
                share = unbroadcast(share, parent.shape)
                grads[id(parent)] = grads[id(parent)] + share if id(parent) in grads else share


def lift(value):
    return value if isinstance(value, Tensor) else Tensor(value)


def result(data, parents, back):
    if Tensor.grad_enabled and any(p.requires_grad for p in parents):
        return Tensor(data, True, tuple(parents), back)
    return Tensor(data)


# %% tensor: subtrahend_sign
# help: b gets the same gradient from a - b as a does. It is subtracted: its share has the other sign.
class Tensor:
    grad_enabled = True

    def __init__(self, data, requires_grad=False, parents=(), back=None):
        self.data = np.array(data, dtype=np.float64)
        self.grad = None
        self.requires_grad = requires_grad
        self.parents = parents
        self.back = back

    @property
    def shape(self):
        return self.data.shape

    @property
    def T(self):
        return result(self.data.T, [self], lambda g: [g.T])

    def __add__(self, other):
        other = lift(other)
        return result(self.data + other.data, [self, other], lambda g: [g, g])

    def __sub__(self, other):
        other = lift(other)
        return result(self.data - other.data, [self, other], lambda g: [g, g])

    def __mul__(self, other):
        other = lift(other)
        return result(self.data * other.data, [self, other], lambda g: [g * other.data, g * self.data])

    def __truediv__(self, other):
        other = lift(other)
        return result(
            self.data / other.data, [self, other], lambda g: [g / other.data, -g * self.data / other.data**2]
        )

    def __pow__(self, n):
        return result(self.data**n, [self], lambda g: [g * n * self.data ** (n - 1)])

    def __matmul__(self, other):
        return result(self.data @ other.data, [self, other], lambda g: [g @ other.data.T, self.data.T @ g])

    def __neg__(self):
        return result(-self.data, [self], lambda g: [-g])

    def __radd__(self, other):
        return lift(other) + self

    def __rsub__(self, other):
        return lift(other) - self

    def __rmul__(self, other):
        return lift(other) * self

    def __rtruediv__(self, other):
        return lift(other) / self

    def sum(self):
        return result(self.data.sum(), [self], lambda g: [g * np.ones(self.shape)])

    def relu(self):
        return result(np.maximum(self.data, 0), [self], lambda g: [g * (self.data > 0)])

    def exp(self):
        out = np.exp(self.data)
        return result(out, [self], lambda g: [g * out])

    def log(self):
        return result(np.log(self.data), [self], lambda g: [g / self.data])

    def reshape(self, *shape):
        return result(self.data.reshape(*shape), [self], lambda g: [g.reshape(self.shape)])

    def backward(self):
        grads = {id(self): np.ones(self.shape)}
        for t in reversed(topological_order(self)):
            g = grads.get(id(t))
            if g is None:
                continue
            if t.back is None:
                if t.requires_grad:
                    t.grad = g if t.grad is None else t.grad + g
                continue
            for parent, share in zip(t.parents, t.back(g)):
                share = unbroadcast(share, parent.shape)
                grads[id(parent)] = grads[id(parent)] + share if id(parent) in grads else share


def lift(value):
    return value if isinstance(value, Tensor) else Tensor(value)


def result(data, parents, back):
    if Tensor.grad_enabled and any(p.requires_grad for p in parents):
        return Tensor(data, True, tuple(parents), back)
    return Tensor(data)


# %% tensor: quotient_half_derived
# help: The divisor's share of a quotient is wrong: the derivative of a/b with respect to b is -a/b².
class Tensor:
    grad_enabled = True

    def __init__(self, data, requires_grad=False, parents=(), back=None):
        self.data = np.array(data, dtype=np.float64)
        self.grad = None
        self.requires_grad = requires_grad
        self.parents = parents
        self.back = back

    @property
    def shape(self):
        return self.data.shape

    @property
    def T(self):
        return result(self.data.T, [self], lambda g: [g.T])

    def __add__(self, other):
        other = lift(other)
        return result(self.data + other.data, [self, other], lambda g: [g, g])

    def __sub__(self, other):
        other = lift(other)
        return result(self.data - other.data, [self, other], lambda g: [g, -g])

    def __mul__(self, other):
        other = lift(other)
        return result(self.data * other.data, [self, other], lambda g: [g * other.data, g * self.data])

    def __truediv__(self, other):
        other = lift(other)
        return result(self.data / other.data, [self, other], lambda g: [g / other.data, -g / other.data**2])

    def __pow__(self, n):
        return result(self.data**n, [self], lambda g: [g * n * self.data ** (n - 1)])

    def __matmul__(self, other):
        return result(self.data @ other.data, [self, other], lambda g: [g @ other.data.T, self.data.T @ g])

    def __neg__(self):
        return result(-self.data, [self], lambda g: [-g])

    def __radd__(self, other):
        return lift(other) + self

    def __rsub__(self, other):
        return lift(other) - self

    def __rmul__(self, other):
        return lift(other) * self

    def __rtruediv__(self, other):
        return lift(other) / self

    def sum(self):
        return result(self.data.sum(), [self], lambda g: [g * np.ones(self.shape)])

    def relu(self):
        return result(np.maximum(self.data, 0), [self], lambda g: [g * (self.data > 0)])

    def exp(self):
        out = np.exp(self.data)
        return result(out, [self], lambda g: [g * out])

    def log(self):
        return result(np.log(self.data), [self], lambda g: [g / self.data])

    def reshape(self, *shape):
        return result(self.data.reshape(*shape), [self], lambda g: [g.reshape(self.shape)])

    def backward(self):
        grads = {id(self): np.ones(self.shape)}
        for t in reversed(topological_order(self)):
            g = grads.get(id(t))
            if g is None:
                continue
            if t.back is None:
                if t.requires_grad:
                    t.grad = g if t.grad is None else t.grad + g
                continue
            for parent, share in zip(t.parents, t.back(g)):
                share = unbroadcast(share, parent.shape)
                grads[id(parent)] = grads[id(parent)] + share if id(parent) in grads else share


def lift(value):
    return value if isinstance(value, Tensor) else Tensor(value)


def result(data, parents, back):
    if Tensor.grad_enabled and any(p.requires_grad for p in parents):
        return Tensor(data, True, tuple(parents), back)
    return Tensor(data)


# %% tensor: power_without_its_factor
# help: The exponent is missing in front: the derivative of a**n is n · a**(n-1).
class Tensor:
    grad_enabled = True

    def __init__(self, data, requires_grad=False, parents=(), back=None):
        self.data = np.array(data, dtype=np.float64)
        self.grad = None
        self.requires_grad = requires_grad
        self.parents = parents
        self.back = back

    @property
    def shape(self):
        return self.data.shape

    @property
    def T(self):
        return result(self.data.T, [self], lambda g: [g.T])

    def __add__(self, other):
        other = lift(other)
        return result(self.data + other.data, [self, other], lambda g: [g, g])

    def __sub__(self, other):
        other = lift(other)
        return result(self.data - other.data, [self, other], lambda g: [g, -g])

    def __mul__(self, other):
        other = lift(other)
        return result(self.data * other.data, [self, other], lambda g: [g * other.data, g * self.data])

    def __truediv__(self, other):
        other = lift(other)
        return result(
            self.data / other.data, [self, other], lambda g: [g / other.data, -g * self.data / other.data**2]
        )

    def __pow__(self, n):
        return result(self.data**n, [self], lambda g: [g * self.data ** (n - 1)])

    def __matmul__(self, other):
        return result(self.data @ other.data, [self, other], lambda g: [g @ other.data.T, self.data.T @ g])

    def __neg__(self):
        return result(-self.data, [self], lambda g: [-g])

    def __radd__(self, other):
        return lift(other) + self

    def __rsub__(self, other):
        return lift(other) - self

    def __rmul__(self, other):
        return lift(other) * self

    def __rtruediv__(self, other):
        return lift(other) / self

    def sum(self):
        return result(self.data.sum(), [self], lambda g: [g * np.ones(self.shape)])

    def relu(self):
        return result(np.maximum(self.data, 0), [self], lambda g: [g * (self.data > 0)])

    def exp(self):
        out = np.exp(self.data)
        return result(out, [self], lambda g: [g * out])

    def log(self):
        return result(np.log(self.data), [self], lambda g: [g / self.data])

    def reshape(self, *shape):
        return result(self.data.reshape(*shape), [self], lambda g: [g.reshape(self.shape)])

    def backward(self):
        grads = {id(self): np.ones(self.shape)}
        for t in reversed(topological_order(self)):
            g = grads.get(id(t))
            if g is None:
                continue
            if t.back is None:
                if t.requires_grad:
                    t.grad = g if t.grad is None else t.grad + g
                continue
            for parent, share in zip(t.parents, t.back(g)):
                share = unbroadcast(share, parent.shape)
                grads[id(parent)] = grads[id(parent)] + share if id(parent) in grads else share


def lift(value):
    return value if isinstance(value, Tensor) else Tensor(value)


def result(data, parents, back):
    if Tensor.grad_enabled and any(p.requires_grad for p in parents):
        return Tensor(data, True, tuple(parents), back)
    return Tensor(data)


# %% tensor: relu_masks_by_gradient
# help: The ReLU's mask is taken from the gradient that comes in. It passes where the forward input was positive.
class Tensor:
    grad_enabled = True

    def __init__(self, data, requires_grad=False, parents=(), back=None):
        self.data = np.array(data, dtype=np.float64)
        self.grad = None
        self.requires_grad = requires_grad
        self.parents = parents
        self.back = back

    @property
    def shape(self):
        return self.data.shape

    @property
    def T(self):
        return result(self.data.T, [self], lambda g: [g.T])

    def __add__(self, other):
        other = lift(other)
        return result(self.data + other.data, [self, other], lambda g: [g, g])

    def __sub__(self, other):
        other = lift(other)
        return result(self.data - other.data, [self, other], lambda g: [g, -g])

    def __mul__(self, other):
        other = lift(other)
        return result(self.data * other.data, [self, other], lambda g: [g * other.data, g * self.data])

    def __truediv__(self, other):
        other = lift(other)
        return result(
            self.data / other.data, [self, other], lambda g: [g / other.data, -g * self.data / other.data**2]
        )

    def __pow__(self, n):
        return result(self.data**n, [self], lambda g: [g * n * self.data ** (n - 1)])

    def __matmul__(self, other):
        return result(self.data @ other.data, [self, other], lambda g: [g @ other.data.T, self.data.T @ g])

    def __neg__(self):
        return result(-self.data, [self], lambda g: [-g])

    def __radd__(self, other):
        return lift(other) + self

    def __rsub__(self, other):
        return lift(other) - self

    def __rmul__(self, other):
        return lift(other) * self

    def __rtruediv__(self, other):
        return lift(other) / self

    def sum(self):
        return result(self.data.sum(), [self], lambda g: [g * np.ones(self.shape)])

    def relu(self):
        return result(np.maximum(self.data, 0), [self], lambda g: [g * (g > 0)])

    def exp(self):
        out = np.exp(self.data)
        return result(out, [self], lambda g: [g * out])

    def log(self):
        return result(np.log(self.data), [self], lambda g: [g / self.data])

    def reshape(self, *shape):
        return result(self.data.reshape(*shape), [self], lambda g: [g.reshape(self.shape)])

    def backward(self):
        grads = {id(self): np.ones(self.shape)}
        for t in reversed(topological_order(self)):
            g = grads.get(id(t))
            if g is None:
                continue
            if t.back is None:
                if t.requires_grad:
                    t.grad = g if t.grad is None else t.grad + g
                continue
            for parent, share in zip(t.parents, t.back(g)):
                share = unbroadcast(share, parent.shape)
                grads[id(parent)] = grads[id(parent)] + share if id(parent) in grads else share


def lift(value):
    return value if isinstance(value, Tensor) else Tensor(value)


def result(data, parents, back):
    if Tensor.grad_enabled and any(p.requires_grad for p in parents):
        return Tensor(data, True, tuple(parents), back)
    return Tensor(data)


# %% tensor: relu_lets_all_pass
# help: The ReLU passes every gradient. Where its input was negative the output did not move, so nothing goes back.
class Tensor:
    grad_enabled = True

    def __init__(self, data, requires_grad=False, parents=(), back=None):
        self.data = np.array(data, dtype=np.float64)
        self.grad = None
        self.requires_grad = requires_grad
        self.parents = parents
        self.back = back

    @property
    def shape(self):
        return self.data.shape

    @property
    def T(self):
        return result(self.data.T, [self], lambda g: [g.T])

    def __add__(self, other):
        other = lift(other)
        return result(self.data + other.data, [self, other], lambda g: [g, g])

    def __sub__(self, other):
        other = lift(other)
        return result(self.data - other.data, [self, other], lambda g: [g, -g])

    def __mul__(self, other):
        other = lift(other)
        return result(self.data * other.data, [self, other], lambda g: [g * other.data, g * self.data])

    def __truediv__(self, other):
        other = lift(other)
        return result(
            self.data / other.data, [self, other], lambda g: [g / other.data, -g * self.data / other.data**2]
        )

    def __pow__(self, n):
        return result(self.data**n, [self], lambda g: [g * n * self.data ** (n - 1)])

    def __matmul__(self, other):
        return result(self.data @ other.data, [self, other], lambda g: [g @ other.data.T, self.data.T @ g])

    def __neg__(self):
        return result(-self.data, [self], lambda g: [-g])

    def __radd__(self, other):
        return lift(other) + self

    def __rsub__(self, other):
        return lift(other) - self

    def __rmul__(self, other):
        return lift(other) * self

    def __rtruediv__(self, other):
        return lift(other) / self

    def sum(self):
        return result(self.data.sum(), [self], lambda g: [g * np.ones(self.shape)])

    def relu(self):
        return result(np.maximum(self.data, 0), [self], lambda g: [g])

    def exp(self):
        out = np.exp(self.data)
        return result(out, [self], lambda g: [g * out])

    def log(self):
        return result(np.log(self.data), [self], lambda g: [g / self.data])

    def reshape(self, *shape):
        return result(self.data.reshape(*shape), [self], lambda g: [g.reshape(self.shape)])

    def backward(self):
        grads = {id(self): np.ones(self.shape)}
        for t in reversed(topological_order(self)):
            g = grads.get(id(t))
            if g is None:
                continue
            if t.back is None:
                if t.requires_grad:
                    t.grad = g if t.grad is None else t.grad + g
                continue
            for parent, share in zip(t.parents, t.back(g)):
                share = unbroadcast(share, parent.shape)
                grads[id(parent)] = grads[id(parent)] + share if id(parent) in grads else share


def lift(value):
    return value if isinstance(value, Tensor) else Tensor(value)


def result(data, parents, back):
    if Tensor.grad_enabled and any(p.requires_grad for p in parents):
        return Tensor(data, True, tuple(parents), back)
    return Tensor(data)


# %% tensor: exp_times_input
# help: The derivative of exp is exp itself, the result, and you multiply by the input.
class Tensor:
    grad_enabled = True

    def __init__(self, data, requires_grad=False, parents=(), back=None):
        self.data = np.array(data, dtype=np.float64)
        self.grad = None
        self.requires_grad = requires_grad
        self.parents = parents
        self.back = back

    @property
    def shape(self):
        return self.data.shape

    @property
    def T(self):
        return result(self.data.T, [self], lambda g: [g.T])

    def __add__(self, other):
        other = lift(other)
        return result(self.data + other.data, [self, other], lambda g: [g, g])

    def __sub__(self, other):
        other = lift(other)
        return result(self.data - other.data, [self, other], lambda g: [g, -g])

    def __mul__(self, other):
        other = lift(other)
        return result(self.data * other.data, [self, other], lambda g: [g * other.data, g * self.data])

    def __truediv__(self, other):
        other = lift(other)
        return result(
            self.data / other.data, [self, other], lambda g: [g / other.data, -g * self.data / other.data**2]
        )

    def __pow__(self, n):
        return result(self.data**n, [self], lambda g: [g * n * self.data ** (n - 1)])

    def __matmul__(self, other):
        return result(self.data @ other.data, [self, other], lambda g: [g @ other.data.T, self.data.T @ g])

    def __neg__(self):
        return result(-self.data, [self], lambda g: [-g])

    def __radd__(self, other):
        return lift(other) + self

    def __rsub__(self, other):
        return lift(other) - self

    def __rmul__(self, other):
        return lift(other) * self

    def __rtruediv__(self, other):
        return lift(other) / self

    def sum(self):
        return result(self.data.sum(), [self], lambda g: [g * np.ones(self.shape)])

    def relu(self):
        return result(np.maximum(self.data, 0), [self], lambda g: [g * (self.data > 0)])

    def exp(self):
        out = np.exp(self.data)
        return result(out, [self], lambda g: [g * self.data])

    def log(self):
        return result(np.log(self.data), [self], lambda g: [g / self.data])

    def reshape(self, *shape):
        return result(self.data.reshape(*shape), [self], lambda g: [g.reshape(self.shape)])

    def backward(self):
        grads = {id(self): np.ones(self.shape)}
        for t in reversed(topological_order(self)):
            g = grads.get(id(t))
            if g is None:
                continue
            if t.back is None:
                if t.requires_grad:
                    t.grad = g if t.grad is None else t.grad + g
                continue
            for parent, share in zip(t.parents, t.back(g)):
                share = unbroadcast(share, parent.shape)
                grads[id(parent)] = grads[id(parent)] + share if id(parent) in grads else share


def lift(value):
    return value if isinstance(value, Tensor) else Tensor(value)


def result(data, parents, back):
    if Tensor.grad_enabled and any(p.requires_grad for p in parents):
        return Tensor(data, True, tuple(parents), back)
    return Tensor(data)


# %% tensor: log_forgets_input
# help: The derivative of log(a) is 1/a: divide what comes in by the input.
class Tensor:
    grad_enabled = True

    def __init__(self, data, requires_grad=False, parents=(), back=None):
        self.data = np.array(data, dtype=np.float64)
        self.grad = None
        self.requires_grad = requires_grad
        self.parents = parents
        self.back = back

    @property
    def shape(self):
        return self.data.shape

    @property
    def T(self):
        return result(self.data.T, [self], lambda g: [g.T])

    def __add__(self, other):
        other = lift(other)
        return result(self.data + other.data, [self, other], lambda g: [g, g])

    def __sub__(self, other):
        other = lift(other)
        return result(self.data - other.data, [self, other], lambda g: [g, -g])

    def __mul__(self, other):
        other = lift(other)
        return result(self.data * other.data, [self, other], lambda g: [g * other.data, g * self.data])

    def __truediv__(self, other):
        other = lift(other)
        return result(
            self.data / other.data, [self, other], lambda g: [g / other.data, -g * self.data / other.data**2]
        )

    def __pow__(self, n):
        return result(self.data**n, [self], lambda g: [g * n * self.data ** (n - 1)])

    def __matmul__(self, other):
        return result(self.data @ other.data, [self, other], lambda g: [g @ other.data.T, self.data.T @ g])

    def __neg__(self):
        return result(-self.data, [self], lambda g: [-g])

    def __radd__(self, other):
        return lift(other) + self

    def __rsub__(self, other):
        return lift(other) - self

    def __rmul__(self, other):
        return lift(other) * self

    def __rtruediv__(self, other):
        return lift(other) / self

    def sum(self):
        return result(self.data.sum(), [self], lambda g: [g * np.ones(self.shape)])

    def relu(self):
        return result(np.maximum(self.data, 0), [self], lambda g: [g * (self.data > 0)])

    def exp(self):
        out = np.exp(self.data)
        return result(out, [self], lambda g: [g * out])

    def log(self):
        return result(np.log(self.data), [self], lambda g: [g])

    def reshape(self, *shape):
        return result(self.data.reshape(*shape), [self], lambda g: [g.reshape(self.shape)])

    def backward(self):
        grads = {id(self): np.ones(self.shape)}
        for t in reversed(topological_order(self)):
            g = grads.get(id(t))
            if g is None:
                continue
            if t.back is None:
                if t.requires_grad:
                    t.grad = g if t.grad is None else t.grad + g
                continue
            for parent, share in zip(t.parents, t.back(g)):
                share = unbroadcast(share, parent.shape)
                grads[id(parent)] = grads[id(parent)] + share if id(parent) in grads else share


def lift(value):
    return value if isinstance(value, Tensor) else Tensor(value)


def result(data, parents, back):
    if Tensor.grad_enabled and any(p.requires_grad for p in parents):
        return Tensor(data, True, tuple(parents), back)
    return Tensor(data)


# %% tensor: sum_not_stretched
# help: The gradient of .sum() reaches a tensor as a single number. Every entry gets it: stretch it to the shape of what was summed.
class Tensor:
    grad_enabled = True

    def __init__(self, data, requires_grad=False, parents=(), back=None):
        self.data = np.array(data, dtype=np.float64)
        self.grad = None
        self.requires_grad = requires_grad
        self.parents = parents
        self.back = back

    @property
    def shape(self):
        return self.data.shape

    @property
    def T(self):
        return result(self.data.T, [self], lambda g: [g.T])

    def __add__(self, other):
        other = lift(other)
        return result(self.data + other.data, [self, other], lambda g: [g, g])

    def __sub__(self, other):
        other = lift(other)
        return result(self.data - other.data, [self, other], lambda g: [g, -g])

    def __mul__(self, other):
        other = lift(other)
        return result(self.data * other.data, [self, other], lambda g: [g * other.data, g * self.data])

    def __truediv__(self, other):
        other = lift(other)
        return result(
            self.data / other.data, [self, other], lambda g: [g / other.data, -g * self.data / other.data**2]
        )

    def __pow__(self, n):
        return result(self.data**n, [self], lambda g: [g * n * self.data ** (n - 1)])

    def __matmul__(self, other):
        return result(self.data @ other.data, [self, other], lambda g: [g @ other.data.T, self.data.T @ g])

    def __neg__(self):
        return result(-self.data, [self], lambda g: [-g])

    def __radd__(self, other):
        return lift(other) + self

    def __rsub__(self, other):
        return lift(other) - self

    def __rmul__(self, other):
        return lift(other) * self

    def __rtruediv__(self, other):
        return lift(other) / self

    def sum(self):
        return result(self.data.sum(), [self], lambda g: [g])

    def relu(self):
        return result(np.maximum(self.data, 0), [self], lambda g: [g * (self.data > 0)])

    def exp(self):
        out = np.exp(self.data)
        return result(out, [self], lambda g: [g * out])

    def log(self):
        return result(np.log(self.data), [self], lambda g: [g / self.data])

    def reshape(self, *shape):
        return result(self.data.reshape(*shape), [self], lambda g: [g.reshape(self.shape)])

    def backward(self):
        grads = {id(self): np.ones(self.shape)}
        for t in reversed(topological_order(self)):
            g = grads.get(id(t))
            if g is None:
                continue
            if t.back is None:
                if t.requires_grad:
                    t.grad = g if t.grad is None else t.grad + g
                continue
            for parent, share in zip(t.parents, t.back(g)):
                share = unbroadcast(share, parent.shape) if np.ndim(share) >= len(parent.shape) else share
                grads[id(parent)] = grads[id(parent)] + share if id(parent) in grads else share


def lift(value):
    return value if isinstance(value, Tensor) else Tensor(value)


def result(data, parents, back):
    if Tensor.grad_enabled and any(p.requires_grad for p in parents):
        return Tensor(data, True, tuple(parents), back)
    return Tensor(data)


# %% tensor: turned_not_back
# help: The gradient of .T is handed on as it is. What was turned on the way forward is turned again on the way back.
class Tensor:
    grad_enabled = True

    def __init__(self, data, requires_grad=False, parents=(), back=None):
        self.data = np.array(data, dtype=np.float64)
        self.grad = None
        self.requires_grad = requires_grad
        self.parents = parents
        self.back = back

    @property
    def shape(self):
        return self.data.shape

    @property
    def T(self):
        return result(self.data.T, [self], lambda g: [g.reshape(self.shape)])

    def __add__(self, other):
        other = lift(other)
        return result(self.data + other.data, [self, other], lambda g: [g, g])

    def __sub__(self, other):
        other = lift(other)
        return result(self.data - other.data, [self, other], lambda g: [g, -g])

    def __mul__(self, other):
        other = lift(other)
        return result(self.data * other.data, [self, other], lambda g: [g * other.data, g * self.data])

    def __truediv__(self, other):
        other = lift(other)
        return result(
            self.data / other.data, [self, other], lambda g: [g / other.data, -g * self.data / other.data**2]
        )

    def __pow__(self, n):
        return result(self.data**n, [self], lambda g: [g * n * self.data ** (n - 1)])

    def __matmul__(self, other):
        return result(self.data @ other.data, [self, other], lambda g: [g @ other.data.T, self.data.T @ g])

    def __neg__(self):
        return result(-self.data, [self], lambda g: [-g])

    def __radd__(self, other):
        return lift(other) + self

    def __rsub__(self, other):
        return lift(other) - self

    def __rmul__(self, other):
        return lift(other) * self

    def __rtruediv__(self, other):
        return lift(other) / self

    def sum(self):
        return result(self.data.sum(), [self], lambda g: [g * np.ones(self.shape)])

    def relu(self):
        return result(np.maximum(self.data, 0), [self], lambda g: [g * (self.data > 0)])

    def exp(self):
        out = np.exp(self.data)
        return result(out, [self], lambda g: [g * out])

    def log(self):
        return result(np.log(self.data), [self], lambda g: [g / self.data])

    def reshape(self, *shape):
        return result(self.data.reshape(*shape), [self], lambda g: [g.reshape(self.shape)])

    def backward(self):
        grads = {id(self): np.ones(self.shape)}
        for t in reversed(topological_order(self)):
            g = grads.get(id(t))
            if g is None:
                continue
            if t.back is None:
                if t.requires_grad:
                    t.grad = g if t.grad is None else t.grad + g
                continue
            for parent, share in zip(t.parents, t.back(g)):
                share = unbroadcast(share, parent.shape)
                grads[id(parent)] = grads[id(parent)] + share if id(parent) in grads else share


def lift(value):
    return value if isinstance(value, Tensor) else Tensor(value)


def result(data, parents, back):
    if Tensor.grad_enabled and any(p.requires_grad for p in parents):
        return Tensor(data, True, tuple(parents), back)
    return Tensor(data)


# %% tensor: dtype_as_it_came
# help: The array keeps the type it came with: integers stay integers. Inside a Tensor everything is float64.
class Tensor:
    grad_enabled = True

    def __init__(self, data, requires_grad=False, parents=(), back=None):
        self.data = np.array(data)
        self.grad = None
        self.requires_grad = requires_grad
        self.parents = parents
        self.back = back

    @property
    def shape(self):
        return self.data.shape

    @property
    def T(self):
        return result(self.data.T, [self], lambda g: [g.T])

    def __add__(self, other):
        other = lift(other)
        return result(self.data + other.data, [self, other], lambda g: [g, g])

    def __sub__(self, other):
        other = lift(other)
        return result(self.data - other.data, [self, other], lambda g: [g, -g])

    def __mul__(self, other):
        other = lift(other)
        return result(self.data * other.data, [self, other], lambda g: [g * other.data, g * self.data])

    def __truediv__(self, other):
        other = lift(other)
        return result(
            self.data / other.data, [self, other], lambda g: [g / other.data, -g * self.data / other.data**2]
        )

    def __pow__(self, n):
        return result(self.data**n, [self], lambda g: [g * n * self.data ** (n - 1)])

    def __matmul__(self, other):
        return result(self.data @ other.data, [self, other], lambda g: [g @ other.data.T, self.data.T @ g])

    def __neg__(self):
        return result(-self.data, [self], lambda g: [-g])

    def __radd__(self, other):
        return lift(other) + self

    def __rsub__(self, other):
        return lift(other) - self

    def __rmul__(self, other):
        return lift(other) * self

    def __rtruediv__(self, other):
        return lift(other) / self

    def sum(self):
        return result(self.data.sum(), [self], lambda g: [g * np.ones(self.shape)])

    def relu(self):
        return result(np.maximum(self.data, 0), [self], lambda g: [g * (self.data > 0)])

    def exp(self):
        out = np.exp(self.data)
        return result(out, [self], lambda g: [g * out])

    def log(self):
        return result(np.log(self.data), [self], lambda g: [g / self.data])

    def reshape(self, *shape):
        return result(self.data.reshape(*shape), [self], lambda g: [g.reshape(self.shape)])

    def backward(self):
        grads = {id(self): np.ones(self.shape)}
        for t in reversed(topological_order(self)):
            g = grads.get(id(t))
            if g is None:
                continue
            if t.back is None:
                if t.requires_grad:
                    t.grad = g if t.grad is None else t.grad + g
                continue
            for parent, share in zip(t.parents, t.back(g)):
                share = unbroadcast(share, parent.shape)
                grads[id(parent)] = grads[id(parent)] + share if id(parent) in grads else share


def lift(value):
    return value if isinstance(value, Tensor) else Tensor(value)


def result(data, parents, back):
    if Tensor.grad_enabled and any(p.requires_grad for p in parents):
        return Tensor(data, True, tuple(parents), back)
    return Tensor(data)


# %% tensor: always_recording
# help: Tensor.grad_enabled is not looked at where an operation is recorded (in backward it is too late): what is computed
#  while it is False should be a constant afterwards.
class Tensor:
    grad_enabled = True

    def __init__(self, data, requires_grad=False, parents=(), back=None):
        self.data = np.array(data, dtype=np.float64)
        self.grad = None
        self.requires_grad = requires_grad
        self.parents = parents
        self.back = back

    @property
    def shape(self):
        return self.data.shape

    @property
    def T(self):
        return result(self.data.T, [self], lambda g: [g.T])

    def __add__(self, other):
        other = lift(other)
        return result(self.data + other.data, [self, other], lambda g: [g, g])

    def __sub__(self, other):
        other = lift(other)
        return result(self.data - other.data, [self, other], lambda g: [g, -g])

    def __mul__(self, other):
        other = lift(other)
        return result(self.data * other.data, [self, other], lambda g: [g * other.data, g * self.data])

    def __truediv__(self, other):
        other = lift(other)
        return result(
            self.data / other.data, [self, other], lambda g: [g / other.data, -g * self.data / other.data**2]
        )

    def __pow__(self, n):
        return result(self.data**n, [self], lambda g: [g * n * self.data ** (n - 1)])

    def __matmul__(self, other):
        return result(self.data @ other.data, [self, other], lambda g: [g @ other.data.T, self.data.T @ g])

    def __neg__(self):
        return result(-self.data, [self], lambda g: [-g])

    def __radd__(self, other):
        return lift(other) + self

    def __rsub__(self, other):
        return lift(other) - self

    def __rmul__(self, other):
        return lift(other) * self

    def __rtruediv__(self, other):
        return lift(other) / self

    def sum(self):
        return result(self.data.sum(), [self], lambda g: [g * np.ones(self.shape)])

    def relu(self):
        return result(np.maximum(self.data, 0), [self], lambda g: [g * (self.data > 0)])

    def exp(self):
        out = np.exp(self.data)
        return result(out, [self], lambda g: [g * out])

    def log(self):
        return result(np.log(self.data), [self], lambda g: [g / self.data])

    def reshape(self, *shape):
        return result(self.data.reshape(*shape), [self], lambda g: [g.reshape(self.shape)])

    def backward(self):
        grads = {id(self): np.ones(self.shape)}
        for t in reversed(topological_order(self)):
            g = grads.get(id(t))
            if g is None:
                continue
            if t.back is None:
                if t.requires_grad:
                    t.grad = g if t.grad is None else t.grad + g
                continue
            for parent, share in zip(t.parents, t.back(g)):
                share = unbroadcast(share, parent.shape)
                grads[id(parent)] = grads[id(parent)] + share if id(parent) in grads else share


def lift(value):
    return value if isinstance(value, Tensor) else Tensor(value)


def result(data, parents, back):
    if any(p.requires_grad for p in parents):
        return Tensor(data, True, tuple(parents), back)
    return Tensor(data)


# %% tensor: every_leaf_gets_one
# help: A leaf that did not ask for a gradient gets one. Look at its requires_grad before you add.
class Tensor:
    grad_enabled = True

    def __init__(self, data, requires_grad=False, parents=(), back=None):
        self.data = np.array(data, dtype=np.float64)
        self.grad = None
        self.requires_grad = requires_grad
        self.parents = parents
        self.back = back

    @property
    def shape(self):
        return self.data.shape

    @property
    def T(self):
        return result(self.data.T, [self], lambda g: [g.T])

    def __add__(self, other):
        other = lift(other)
        return result(self.data + other.data, [self, other], lambda g: [g, g])

    def __sub__(self, other):
        other = lift(other)
        return result(self.data - other.data, [self, other], lambda g: [g, -g])

    def __mul__(self, other):
        other = lift(other)
        return result(self.data * other.data, [self, other], lambda g: [g * other.data, g * self.data])

    def __truediv__(self, other):
        other = lift(other)
        return result(
            self.data / other.data, [self, other], lambda g: [g / other.data, -g * self.data / other.data**2]
        )

    def __pow__(self, n):
        return result(self.data**n, [self], lambda g: [g * n * self.data ** (n - 1)])

    def __matmul__(self, other):
        return result(self.data @ other.data, [self, other], lambda g: [g @ other.data.T, self.data.T @ g])

    def __neg__(self):
        return result(-self.data, [self], lambda g: [-g])

    def __radd__(self, other):
        return lift(other) + self

    def __rsub__(self, other):
        return lift(other) - self

    def __rmul__(self, other):
        return lift(other) * self

    def __rtruediv__(self, other):
        return lift(other) / self

    def sum(self):
        return result(self.data.sum(), [self], lambda g: [g * np.ones(self.shape)])

    def relu(self):
        return result(np.maximum(self.data, 0), [self], lambda g: [g * (self.data > 0)])

    def exp(self):
        out = np.exp(self.data)
        return result(out, [self], lambda g: [g * out])

    def log(self):
        return result(np.log(self.data), [self], lambda g: [g / self.data])

    def reshape(self, *shape):
        return result(self.data.reshape(*shape), [self], lambda g: [g.reshape(self.shape)])

    def backward(self):
        grads = {id(self): np.ones(self.shape)}
        for t in reversed(topological_order(self)):
            g = grads.get(id(t))
            if g is None:
                continue
            if t.back is None:
                if True:
                    t.grad = g if t.grad is None else t.grad + g
                continue
            for parent, share in zip(t.parents, t.back(g)):
                share = unbroadcast(share, parent.shape)
                grads[id(parent)] = grads[id(parent)] + share if id(parent) in grads else share


def lift(value):
    return value if isinstance(value, Tensor) else Tensor(value)


def result(data, parents, back):
    if Tensor.grad_enabled:
        return Tensor(data, True, tuple(parents), back)
    return Tensor(data)


# %% tensor: gradients_share_an_array
# help: Two tensors hold the very same array as .grad, and adding to one in place changes the other. Add with +, which makes a new array, or copy.
class Tensor:
    grad_enabled = True

    def __init__(self, data, requires_grad=False, parents=(), back=None):
        self.data = np.array(data, dtype=np.float64)
        self.grad = None
        self.requires_grad = requires_grad
        self.parents = parents
        self.back = back

    @property
    def shape(self):
        return self.data.shape

    @property
    def T(self):
        return result(self.data.T, [self], lambda g: [g.T])

    def __add__(self, other):
        other = lift(other)
        return result(self.data + other.data, [self, other], lambda g: [g, g])

    def __sub__(self, other):
        other = lift(other)
        return result(self.data - other.data, [self, other], lambda g: [g, -g])

    def __mul__(self, other):
        other = lift(other)
        return result(self.data * other.data, [self, other], lambda g: [g * other.data, g * self.data])

    def __truediv__(self, other):
        other = lift(other)
        return result(
            self.data / other.data, [self, other], lambda g: [g / other.data, -g * self.data / other.data**2]
        )

    def __pow__(self, n):
        return result(self.data**n, [self], lambda g: [g * n * self.data ** (n - 1)])

    def __matmul__(self, other):
        return result(self.data @ other.data, [self, other], lambda g: [g @ other.data.T, self.data.T @ g])

    def __neg__(self):
        return result(-self.data, [self], lambda g: [-g])

    def __radd__(self, other):
        return lift(other) + self

    def __rsub__(self, other):
        return lift(other) - self

    def __rmul__(self, other):
        return lift(other) * self

    def __rtruediv__(self, other):
        return lift(other) / self

    def sum(self):
        return result(self.data.sum(), [self], lambda g: [g * np.ones(self.shape)])

    def relu(self):
        return result(np.maximum(self.data, 0), [self], lambda g: [g * (self.data > 0)])

    def exp(self):
        out = np.exp(self.data)
        return result(out, [self], lambda g: [g * out])

    def log(self):
        return result(np.log(self.data), [self], lambda g: [g / self.data])

    def reshape(self, *shape):
        return result(self.data.reshape(*shape), [self], lambda g: [g.reshape(self.shape)])

    def backward(self):
        grads = {id(self): np.ones(self.shape)}
        for t in reversed(topological_order(self)):
            g = grads.get(id(t))
            if g is None:
                continue
            if t.back is None:
                if t.requires_grad:
                    if t.grad is None:
                        t.grad = g
                    else:
                        t.grad += g
                continue
            for parent, share in zip(t.parents, t.back(g)):
                share = share if share.shape == parent.shape else unbroadcast(share, parent.shape)
                grads[id(parent)] = grads[id(parent)] + share if id(parent) in grads else share


def lift(value):
    return value if isinstance(value, Tensor) else Tensor(value)


def result(data, parents, back):
    if Tensor.grad_enabled and any(p.requires_grad for p in parents):
        return Tensor(data, True, tuple(parents), back)
    return Tensor(data)


# %% tensor: power_ignores_upstream
# help: A power hands on its own slope and drops what came from above. Chain rule: multiply the two.
class Tensor:
    grad_enabled = True

    def __init__(self, data, requires_grad=False, parents=(), back=None):
        self.data = np.array(data, dtype=np.float64)
        self.grad = None
        self.requires_grad = requires_grad
        self.parents = parents
        self.back = back

    @property
    def shape(self):
        return self.data.shape

    @property
    def T(self):
        return result(self.data.T, [self], lambda g: [g.T])

    def __add__(self, other):
        other = lift(other)
        return result(self.data + other.data, [self, other], lambda g: [g, g])

    def __sub__(self, other):
        other = lift(other)
        return result(self.data - other.data, [self, other], lambda g: [g, -g])

    def __mul__(self, other):
        other = lift(other)
        return result(self.data * other.data, [self, other], lambda g: [g * other.data, g * self.data])

    def __truediv__(self, other):
        other = lift(other)
        return result(
            self.data / other.data, [self, other], lambda g: [g / other.data, -g * self.data / other.data**2]
        )

    def __pow__(self, n):
        return result(self.data**n, [self], lambda g: [n * self.data ** (n - 1)])

    def __matmul__(self, other):
        return result(self.data @ other.data, [self, other], lambda g: [g @ other.data.T, self.data.T @ g])

    def __neg__(self):
        return result(-self.data, [self], lambda g: [-g])

    def __radd__(self, other):
        return lift(other) + self

    def __rsub__(self, other):
        return lift(other) - self

    def __rmul__(self, other):
        return lift(other) * self

    def __rtruediv__(self, other):
        return lift(other) / self

    def sum(self):
        return result(self.data.sum(), [self], lambda g: [g * np.ones(self.shape)])

    def relu(self):
        return result(np.maximum(self.data, 0), [self], lambda g: [g * (self.data > 0)])

    def exp(self):
        out = np.exp(self.data)
        return result(out, [self], lambda g: [g * out])

    def log(self):
        return result(np.log(self.data), [self], lambda g: [g / self.data])

    def reshape(self, *shape):
        return result(self.data.reshape(*shape), [self], lambda g: [g.reshape(self.shape)])

    def backward(self):
        grads = {id(self): np.ones(self.shape)}
        for t in reversed(topological_order(self)):
            g = grads.get(id(t))
            if g is None:
                continue
            if t.back is None:
                if t.requires_grad:
                    t.grad = g if t.grad is None else t.grad + g
                continue
            for parent, share in zip(t.parents, t.back(g)):
                share = unbroadcast(share, parent.shape)
                grads[id(parent)] = grads[id(parent)] + share if id(parent) in grads else share


def lift(value):
    return value if isinstance(value, Tensor) else Tensor(value)


def result(data, parents, back):
    if Tensor.grad_enabled and any(p.requires_grad for p in parents):
        return Tensor(data, True, tuple(parents), back)
    return Tensor(data)


# %% tensor: graph_freed
# help: A second backward finds no graph: the first one took it apart. Parents and ways back stay, so that backward can be called again.
class Tensor:
    """a float64 array that can find the gradient of what was computed from it"""

    grad_enabled = True

    def __init__(self, data, requires_grad=False):
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
                node.grad = (
                    grad if node.grad is None else node.grad + grad
                )  # a new array: nobody else holds it
            for parent, way_back in zip(node.parents, node.ways_back):
                share = unbroadcast(way_back(grad), parent.shape)
                arrived[id(parent)] = arrived.get(id(parent), 0.0) + share
            if node.parents:
                node.parents, node.ways_back = (), ()

    def __add__(self, other):
        other = as_tensor(other)
        return Tensor.made(self.data + other.data, (self, lambda g: g), (other, lambda g: g))

    def __mul__(self, other):
        other = as_tensor(other)
        return Tensor.made(
            self.data * other.data, (self, lambda g: g * other.data), (other, lambda g: g * self.data)
        )

    def __pow__(self, n):
        return Tensor.made(self.data**n, (self, lambda g: g * n * self.data ** (n - 1)))

    def __matmul__(self, other):
        return Tensor.made(
            self.data @ other.data, (self, lambda g: g @ other.data.T), (other, lambda g: self.data.T @ g)
        )

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
    __array_ufunc__ = (
        None  # array + tensor: tells NumPy to leave it to __radd__, not to go through the entries
    )

    def sum(self):
        return Tensor.made(
            self.data.sum(), (self, lambda g: np.broadcast_to(g, self.shape))
        )  # the same to every entry

    def relu(self):
        return Tensor.made(np.maximum(self.data, 0), (self, lambda g: g * (self.data > 0)))

    def exp(self):
        out = np.exp(self.data)
        return Tensor.made(out, (self, lambda g: g * out))

    def log(self):
        return Tensor.made(np.log(self.data), (self, lambda g: g / self.data))

    def reshape(self, *shape):
        return Tensor.made(self.data.reshape(*shape), (self, lambda g: g.reshape(self.shape)))

    T = property(lambda self: Tensor.made(self.data.T, (self, lambda g: g.T)))
    shape = property(lambda self: self.data.shape)


def as_tensor(value):
    """a number becomes a constant; a tensor stays what it is"""
    return value if isinstance(value, Tensor) else Tensor(value)


# %% tensor: reshape_not_back
# help: The gradient of .reshape is handed on in the new shape. It has to go back to the shape from before.
class Tensor:
    """a float64 array that can find the gradient of what was computed from it"""

    grad_enabled = True

    def __init__(self, data, requires_grad=False):
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
                node.grad = (
                    grad if node.grad is None else node.grad + grad
                )  # a new array: nobody else holds it
            for parent, way_back in zip(node.parents, node.ways_back):
                share = unbroadcast(way_back(grad), parent.shape)
                arrived[id(parent)] = arrived.get(id(parent), 0.0) + share

    def __add__(self, other):
        other = as_tensor(other)
        return Tensor.made(self.data + other.data, (self, lambda g: g), (other, lambda g: g))

    def __mul__(self, other):
        other = as_tensor(other)
        return Tensor.made(
            self.data * other.data, (self, lambda g: g * other.data), (other, lambda g: g * self.data)
        )

    def __pow__(self, n):
        return Tensor.made(self.data**n, (self, lambda g: g * n * self.data ** (n - 1)))

    def __matmul__(self, other):
        return Tensor.made(
            self.data @ other.data, (self, lambda g: g @ other.data.T), (other, lambda g: self.data.T @ g)
        )

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
    __array_ufunc__ = (
        None  # array + tensor: tells NumPy to leave it to __radd__, not to go through the entries
    )

    def sum(self):
        return Tensor.made(
            self.data.sum(), (self, lambda g: np.broadcast_to(g, self.shape))
        )  # the same to every entry

    def relu(self):
        return Tensor.made(np.maximum(self.data, 0), (self, lambda g: g * (self.data > 0)))

    def exp(self):
        out = np.exp(self.data)
        return Tensor.made(out, (self, lambda g: g * out))

    def log(self):
        return Tensor.made(np.log(self.data), (self, lambda g: g / self.data))

    def reshape(self, *shape):
        return Tensor.made(self.data.reshape(*shape), (self, lambda g: g))

    T = property(lambda self: Tensor.made(self.data.T, (self, lambda g: g.T)))
    shape = property(lambda self: self.data.shape)


def as_tensor(value):
    """a number becomes a constant; a tensor stays what it is"""
    return value if isinstance(value, Tensor) else Tensor(value)


# %% tensor: turned_without_a_record
# help: .T gives a new tensor that does not know its parent: no gradient gets back through it.
class Tensor:
    """a float64 array that can find the gradient of what was computed from it"""

    grad_enabled = True

    def __init__(self, data, requires_grad=False):
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
                node.grad = (
                    grad if node.grad is None else node.grad + grad
                )  # a new array: nobody else holds it
            for parent, way_back in zip(node.parents, node.ways_back):
                share = unbroadcast(way_back(grad), parent.shape)
                arrived[id(parent)] = arrived.get(id(parent), 0.0) + share

    def __add__(self, other):
        other = as_tensor(other)
        return Tensor.made(self.data + other.data, (self, lambda g: g), (other, lambda g: g))

    def __mul__(self, other):
        other = as_tensor(other)
        return Tensor.made(
            self.data * other.data, (self, lambda g: g * other.data), (other, lambda g: g * self.data)
        )

    def __pow__(self, n):
        return Tensor.made(self.data**n, (self, lambda g: g * n * self.data ** (n - 1)))

    def __matmul__(self, other):
        return Tensor.made(
            self.data @ other.data, (self, lambda g: g @ other.data.T), (other, lambda g: self.data.T @ g)
        )

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
    __array_ufunc__ = (
        None  # array + tensor: tells NumPy to leave it to __radd__, not to go through the entries
    )

    def sum(self):
        return Tensor.made(
            self.data.sum(), (self, lambda g: np.broadcast_to(g, self.shape))
        )  # the same to every entry

    def relu(self):
        return Tensor.made(np.maximum(self.data, 0), (self, lambda g: g * (self.data > 0)))

    def exp(self):
        out = np.exp(self.data)
        return Tensor.made(out, (self, lambda g: g * out))

    def log(self):
        return Tensor.made(np.log(self.data), (self, lambda g: g / self.data))

    def reshape(self, *shape):
        return Tensor.made(self.data.reshape(*shape), (self, lambda g: g.reshape(self.shape)))

    T = property(lambda self: Tensor(self.data.T))
    shape = property(lambda self: self.data.shape)


def as_tensor(value):
    """a number becomes a constant; a tensor stays what it is"""
    return value if isinstance(value, Tensor) else Tensor(value)


# %% tensor: unbroadcast_in_sums_only
# help: Only sums bring a stretched gradient back to its shape. Products stretch their factors in the same way.
class Tensor:
    """a float64 array that can find the gradient of what was computed from it"""

    grad_enabled = True

    def __init__(self, data, requires_grad=False):
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
                node.grad = (
                    grad if node.grad is None else node.grad + grad
                )  # a new array: nobody else holds it
            for parent, way_back in zip(node.parents, node.ways_back):
                share = way_back(grad)
                arrived[id(parent)] = arrived.get(id(parent), 0.0) + share

    def __add__(self, other):
        other = as_tensor(other)
        return Tensor.made(
            self.data + other.data,
            (self, lambda g: unbroadcast(g, self.shape)),
            (other, lambda g: unbroadcast(g, other.shape)),
        )

    def __mul__(self, other):
        other = as_tensor(other)
        return Tensor.made(
            self.data * other.data, (self, lambda g: g * other.data), (other, lambda g: g * self.data)
        )

    def __pow__(self, n):
        return Tensor.made(self.data**n, (self, lambda g: g * n * self.data ** (n - 1)))

    def __matmul__(self, other):
        return Tensor.made(
            self.data @ other.data, (self, lambda g: g @ other.data.T), (other, lambda g: self.data.T @ g)
        )

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
    __array_ufunc__ = (
        None  # array + tensor: tells NumPy to leave it to __radd__, not to go through the entries
    )

    def sum(self):
        return Tensor.made(
            self.data.sum(), (self, lambda g: np.broadcast_to(g, self.shape))
        )  # the same to every entry

    def relu(self):
        return Tensor.made(np.maximum(self.data, 0), (self, lambda g: g * (self.data > 0)))

    def exp(self):
        out = np.exp(self.data)
        return Tensor.made(out, (self, lambda g: g * out))

    def log(self):
        return Tensor.made(np.log(self.data), (self, lambda g: g / self.data))

    def reshape(self, *shape):
        return Tensor.made(self.data.reshape(*shape), (self, lambda g: g.reshape(self.shape)))

    T = property(lambda self: Tensor.made(self.data.T, (self, lambda g: g.T)))
    shape = property(lambda self: self.data.shape)


def as_tensor(value):
    """a number becomes a constant; a tensor stays what it is"""
    return value if isinstance(value, Tensor) else Tensor(value)


# %% tensor: shape_in_a_list
# help: .shape is a list, which is never equal to a tuple like (2, 3). Hand on the tuple that the array has.
class Tensor:
    grad_enabled = True

    def __init__(self, data, requires_grad=False, parents=(), back=None):
        self.data = np.array(data, dtype=np.float64)
        self.grad = None
        self.requires_grad = requires_grad
        self.parents = parents
        self.back = back

    @property
    def shape(self):
        return list(self.data.shape)

    @property
    def T(self):
        return result(self.data.T, [self], lambda g: [g.T])

    def __add__(self, other):
        other = lift(other)
        return result(self.data + other.data, [self, other], lambda g: [g, g])

    def __sub__(self, other):
        other = lift(other)
        return result(self.data - other.data, [self, other], lambda g: [g, -g])

    def __mul__(self, other):
        other = lift(other)
        return result(self.data * other.data, [self, other], lambda g: [g * other.data, g * self.data])

    def __truediv__(self, other):
        other = lift(other)
        return result(
            self.data / other.data, [self, other], lambda g: [g / other.data, -g * self.data / other.data**2]
        )

    def __pow__(self, n):
        return result(self.data**n, [self], lambda g: [g * n * self.data ** (n - 1)])

    def __matmul__(self, other):
        return result(self.data @ other.data, [self, other], lambda g: [g @ other.data.T, self.data.T @ g])

    def __neg__(self):
        return result(-self.data, [self], lambda g: [-g])

    def __radd__(self, other):
        return lift(other) + self

    def __rsub__(self, other):
        return lift(other) - self

    def __rmul__(self, other):
        return lift(other) * self

    def __rtruediv__(self, other):
        return lift(other) / self

    def sum(self):
        return result(self.data.sum(), [self], lambda g: [g * np.ones(self.shape)])

    def relu(self):
        return result(np.maximum(self.data, 0), [self], lambda g: [g * (self.data > 0)])

    def exp(self):
        out = np.exp(self.data)
        return result(out, [self], lambda g: [g * out])

    def log(self):
        return result(np.log(self.data), [self], lambda g: [g / self.data])

    def reshape(self, *shape):
        return result(self.data.reshape(*shape), [self], lambda g: [g.reshape(self.shape)])

    def backward(self):
        grads = {id(self): np.ones(self.shape)}
        for t in reversed(topological_order(self)):
            g = grads.get(id(t))
            if g is None:
                continue
            if t.back is None:
                if t.requires_grad:
                    t.grad = g if t.grad is None else t.grad + g
                continue
            for parent, share in zip(t.parents, t.back(g)):
                share = unbroadcast(share, parent.shape)
                grads[id(parent)] = grads[id(parent)] + share if id(parent) in grads else share


def lift(value):
    return value if isinstance(value, Tensor) else Tensor(value)


def result(data, parents, back):
    if Tensor.grad_enabled and any(p.requires_grad for p in parents):
        return Tensor(data, True, tuple(parents), back)
    return Tensor(data)


# %% tensor: sum_hands_back_ones
# help: The way back of .sum() hands ones to every entry, whatever came from above. Each entry gets the gradient of the sum.
class Tensor:
    grad_enabled = True

    def __init__(self, data, requires_grad=False, parents=(), back=None):
        self.data = np.array(data, dtype=np.float64)
        self.grad = None
        self.requires_grad = requires_grad
        self.parents = parents
        self.back = back

    @property
    def shape(self):
        return self.data.shape

    @property
    def T(self):
        return result(self.data.T, [self], lambda g: [g.T])

    def __add__(self, other):
        other = lift(other)
        return result(self.data + other.data, [self, other], lambda g: [g, g])

    def __sub__(self, other):
        other = lift(other)
        return result(self.data - other.data, [self, other], lambda g: [g, -g])

    def __mul__(self, other):
        other = lift(other)
        return result(self.data * other.data, [self, other], lambda g: [g * other.data, g * self.data])

    def __truediv__(self, other):
        other = lift(other)
        return result(
            self.data / other.data, [self, other], lambda g: [g / other.data, -g * self.data / other.data**2]
        )

    def __pow__(self, n):
        return result(self.data**n, [self], lambda g: [g * n * self.data ** (n - 1)])

    def __matmul__(self, other):
        return result(self.data @ other.data, [self, other], lambda g: [g @ other.data.T, self.data.T @ g])

    def __neg__(self):
        return result(-self.data, [self], lambda g: [-g])

    def __radd__(self, other):
        return lift(other) + self

    def __rsub__(self, other):
        return lift(other) - self

    def __rmul__(self, other):
        return lift(other) * self

    def __rtruediv__(self, other):
        return lift(other) / self

    def sum(self):
        return result(self.data.sum(), [self], lambda g: [np.ones(self.shape)])

    def relu(self):
        return result(np.maximum(self.data, 0), [self], lambda g: [g * (self.data > 0)])

    def exp(self):
        out = np.exp(self.data)
        return result(out, [self], lambda g: [g * out])

    def log(self):
        return result(np.log(self.data), [self], lambda g: [g / self.data])

    def reshape(self, *shape):
        return result(self.data.reshape(*shape), [self], lambda g: [g.reshape(self.shape)])

    def backward(self):
        grads = {id(self): np.ones(self.shape)}
        for t in reversed(topological_order(self)):
            g = grads.get(id(t))
            if g is None:
                continue
            if t.back is None:
                if t.requires_grad:
                    t.grad = g if t.grad is None else t.grad + g
                continue
            for parent, share in zip(t.parents, t.back(g)):
                share = unbroadcast(share, parent.shape)
                grads[id(parent)] = grads[id(parent)] + share if id(parent) in grads else share


def lift(value):
    return value if isinstance(value, Tensor) else Tensor(value)


def result(data, parents, back):
    if Tensor.grad_enabled and any(p.requires_grad for p in parents):
        return Tensor(data, True, tuple(parents), back)
    return Tensor(data)


# %% tensor: minus_turns_the_operand
# help: -a changes the sign of a itself, in place. It has to give a new Tensor and leave a as it is.
class Tensor:
    grad_enabled = True

    def __init__(self, data, requires_grad=False, parents=(), back=None):
        self.data = np.array(data, dtype=np.float64)
        self.grad = None
        self.requires_grad = requires_grad
        self.parents = parents
        self.back = back

    @property
    def shape(self):
        return self.data.shape

    @property
    def T(self):
        return result(self.data.T, [self], lambda g: [g.T])

    def __add__(self, other):
        other = lift(other)
        return result(self.data + other.data, [self, other], lambda g: [g, g])

    def __sub__(self, other):
        other = lift(other)
        return self + -other

    def __mul__(self, other):
        other = lift(other)
        return result(self.data * other.data, [self, other], lambda g: [g * other.data, g * self.data])

    def __truediv__(self, other):
        other = lift(other)
        return result(
            self.data / other.data, [self, other], lambda g: [g / other.data, -g * self.data / other.data**2]
        )

    def __pow__(self, n):
        return result(self.data**n, [self], lambda g: [g * n * self.data ** (n - 1)])

    def __matmul__(self, other):
        return result(self.data @ other.data, [self, other], lambda g: [g @ other.data.T, self.data.T @ g])

    def __neg__(self):
        self.data *= -1
        return self

    def __radd__(self, other):
        return lift(other) + self

    def __rsub__(self, other):
        return lift(other) - self

    def __rmul__(self, other):
        return lift(other) * self

    def __rtruediv__(self, other):
        return lift(other) / self

    def sum(self):
        return result(self.data.sum(), [self], lambda g: [g * np.ones(self.shape)])

    def relu(self):
        return result(np.maximum(self.data, 0), [self], lambda g: [g * (self.data > 0)])

    def exp(self):
        out = np.exp(self.data)
        return result(out, [self], lambda g: [g * out])

    def log(self):
        return result(np.log(self.data), [self], lambda g: [g / self.data])

    def reshape(self, *shape):
        return result(self.data.reshape(*shape), [self], lambda g: [g.reshape(self.shape)])

    def backward(self):
        grads = {id(self): np.ones(self.shape)}
        for t in reversed(topological_order(self)):
            g = grads.get(id(t))
            if g is None:
                continue
            if t.back is None:
                if t.requires_grad:
                    t.grad = g if t.grad is None else t.grad + g
                continue
            for parent, share in zip(t.parents, t.back(g)):
                share = unbroadcast(share, parent.shape)
                grads[id(parent)] = grads[id(parent)] + share if id(parent) in grads else share


def lift(value):
    return value if isinstance(value, Tensor) else Tensor(value)


def result(data, parents, back):
    if Tensor.grad_enabled and any(p.requires_grad for p in parents):
        return Tensor(data, True, tuple(parents), back)
    return Tensor(data)


# %% no_grad: not_restored_after_an_error
# help: When the block raises, the switch stays off. What stands after a yield never runs then: it needs a finally.
from contextlib import contextmanager


@contextmanager
def no_grad():
    before = Tensor.grad_enabled
    Tensor.grad_enabled = False
    yield
    Tensor.grad_enabled = before


# %% no_grad: always_back_on
# help: At the end you always switch on. After an inner block the outer one should still hold: restore what it was before.
class no_grad:
    def __enter__(self):
        Tensor.grad_enabled = False

    def __exit__(self, *raised):
        Tensor.grad_enabled = True


# %% no_grad: swallows_the_error
# help: An exception in the block disappears, and the caller never hears of it. An __exit__ that returns True swallows it, and so does an except without raise. A finally restores and lets it go on.
class no_grad:
    def __enter__(self):
        self.before = Tensor.grad_enabled
        Tensor.grad_enabled = False

    def __exit__(self, kind, value, trace):
        Tensor.grad_enabled = self.before
        return True


# %% no_grad: off_when_made
# help: The switch goes off when the object is made, before anybody enters the block. Switch in __enter__.
class no_grad:
    def __init__(self):
        self.before = Tensor.grad_enabled
        Tensor.grad_enabled = False

    def __enter__(self):
        return self

    def __exit__(self, *raised):
        Tensor.grad_enabled = self.before


# %% no_grad: never_off
# help: Inside the block the switch is still on. What has to be cleared is Tensor.grad_enabled, the attribute of the class; a name of your own does not count.
class no_grad:
    def __enter__(self):
        self.before = Tensor.grad_enabled
        grad_enabled = False

    def __exit__(self, *raised):
        Tensor.grad_enabled = self.before


# %% no_grad: one_memory_for_all
# help: All blocks remember in the same place, so an inner block overwrites what the outer one noted. Each block needs a memory of its own.
class no_grad:
    def __enter__(self):
        no_grad.before = Tensor.grad_enabled
        Tensor.grad_enabled = False

    def __exit__(self, *raised):
        Tensor.grad_enabled = no_grad.before


# %% no_grad: toggles
# help: You turn the switch over instead of off. In a nested block that turns it on again.
class no_grad:
    def __enter__(self):
        Tensor.grad_enabled = not Tensor.grad_enabled

    def __exit__(self, *raised):
        Tensor.grad_enabled = not Tensor.grad_enabled


# %% no_grad: catches_the_error
# help: An exception in the block disappears, and the caller never hears of it. An __exit__ that returns True swallows it, and so does an except without raise. A finally restores and lets it go on.
from contextlib import contextmanager


@contextmanager
def no_grad():
    before = Tensor.grad_enabled
    Tensor.grad_enabled = False
    try:
        yield
        Tensor.grad_enabled = before
    except KeyError:
        Tensor.grad_enabled = before


# %% no_grad: never_back_on
# help: The switch goes off and stays off. When the block ends it has to be what it was before.
class no_grad:
    def __enter__(self):
        Tensor.grad_enabled = False

    def __exit__(self, *raised):
        pass


# %% no_grad: without_a_decorator
# help: The with statement does not take what no_grad() gives. A function with a yield alone is a generator: it needs a decorator from contextlib.
def no_grad():
    before = Tensor.grad_enabled
    Tensor.grad_enabled = False
    try:
        yield
    finally:
        Tensor.grad_enabled = before


# %% no_grad: counts_blocks
# help: You count the blocks and switch on when the count is back at zero. The switch may have been off before the first block: restore what it was.
_depth = 0


class no_grad:
    def __enter__(self):
        global _depth
        _depth += 1
        Tensor.grad_enabled = False

    def __exit__(self, *e):
        global _depth
        _depth -= 1
        Tensor.grad_enabled = _depth == 0


# %% no_grad: error_in_other_words
# help: The block's exception comes out as another one. It should go on to the caller as it is.
from contextlib import contextmanager


@contextmanager
def no_grad():
    before, Tensor.grad_enabled = Tensor.grad_enabled, False
    try:
        yield
    except Exception as e:
        raise RuntimeError("in no_grad") from e
    finally:
        Tensor.grad_enabled = before


# %% no_grad: remembered_when_made
# help: The switch is remembered when the object is made, and it may have been turned before the block is entered. Remember it in __enter__.
class no_grad:
    def __init__(self):
        self.before = Tensor.grad_enabled

    def __enter__(self):
        Tensor.grad_enabled = False

    def __exit__(self, *raised):
        Tensor.grad_enabled = self.before


# %% no_grad: except_for_some
# help: Your except names Exception, and an interrupt (KeyboardInterrupt) is none: the switch stays off. A finally runs for whatever comes.
import contextlib

@contextlib.contextmanager
def no_grad():
    before = Tensor.grad_enabled
    Tensor.grad_enabled = False
    try:
        yield
    except Exception:
        Tensor.grad_enabled = before
        raise
    else:
        Tensor.grad_enabled = before


# %% cross_entropy: sum_for_mean
# help: Your loss, or its gradient, is the sum over the batch. It is their mean: divide both by N.
def cross_entropy(logits, labels):
    N, C = logits.shape
    z = logits - Tensor(logits.data.max(axis=1).reshape(N, 1))
    log_sum = (z.exp() @ Tensor(np.ones((C, 1)))).log()
    one_hot = np.zeros((N, C))
    one_hot[np.arange(N), labels] = 1.0
    return ((log_sum - z) * Tensor(one_hot)).sum()


# %% cross_entropy: mean_over_entries
# help: You divide by all N·C entries. Only N terms are picked, one for each row.
def cross_entropy(logits, labels):
    N, C = logits.shape
    z = logits - Tensor(logits.data.max(axis=1).reshape(N, 1))
    log_sum = (z.exp() @ Tensor(np.ones((C, 1)))).log()
    one_hot = np.zeros((N, C))
    one_hot[np.arange(N), labels] = 1.0
    return ((log_sum - z) * Tensor(one_hot)).sum() / (N * C)


# %% cross_entropy: no_shift
# help: exp overflows for large logits. Subtract each row's largest logit first.
def cross_entropy(logits, labels):
    N, C = logits.shape
    z = logits * 1.0
    log_sum = (z.exp() @ Tensor(np.ones((C, 1)))).log()
    one_hot = np.zeros((N, C))
    one_hot[np.arange(N), labels] = 1.0
    return ((log_sum - z) * Tensor(one_hot)).sum() / N


# %% cross_entropy: one_shift_for_all
# help: You subtract the largest logit of the whole batch. A row far below it underflows to log(0): each row needs its own.
def cross_entropy(logits, labels):
    N, C = logits.shape
    z = logits - Tensor(logits.data.max())
    log_sum = (z.exp() @ Tensor(np.ones((C, 1)))).log()
    one_hot = np.zeros((N, C))
    one_hot[np.arange(N), labels] = 1.0
    return ((log_sum - z) * Tensor(one_hot)).sum() / N


# %% cross_entropy: left_the_graph
# help: The value is right, but no gradient reaches the logits: it was computed with NumPy from .data, and a new Tensor of it has no parents.
def cross_entropy(logits, labels):
    N, C = logits.shape
    logits = Tensor(logits.data)
    z = logits - Tensor(logits.data.max(axis=1).reshape(N, 1))
    log_sum = (z.exp() @ Tensor(np.ones((C, 1)))).log()
    one_hot = np.zeros((N, C))
    one_hot[np.arange(N), labels] = 1.0
    return ((log_sum - z) * Tensor(one_hot)).sum() / N


# %% cross_entropy: columns_for_rows
# help: You add up over the batch, down the columns. Softmax goes over the classes of one example, along a row.
def cross_entropy(logits, labels):
    N, C = logits.shape
    z = logits - Tensor(logits.data.max(axis=0))
    log_sum = (Tensor(np.ones((1, N))) @ z.exp()).log()
    one_hot = np.zeros((N, C))
    one_hot[np.arange(N), labels] = 1.0
    return ((log_sum - z) * Tensor(one_hot)).sum() / N


# %% cross_entropy: sign
# help: Your loss is negative: it is minus the logarithm of a probability.
def cross_entropy(logits, labels):
    N, C = logits.shape
    z = logits - Tensor(logits.data.max(axis=1).reshape(N, 1))
    log_sum = (z.exp() @ Tensor(np.ones((C, 1)))).log()
    one_hot = np.zeros((N, C))
    one_hot[np.arange(N), labels] = 1.0
    return ((z - log_sum) * Tensor(one_hot)).sum() / N


# %% cross_entropy: wrong_shape
# help: The loss comes out as one number for each example. Add them up and divide by N, to one Tensor of shape ().
def cross_entropy(logits, labels):
    N, C = logits.shape
    z = logits - Tensor(logits.data.max(axis=1).reshape(N, 1))
    log_sum = (z.exp() @ Tensor(np.ones((C, 1)))).log()
    one_hot = np.zeros((N, C))
    one_hot[np.arange(N), labels] = 1.0
    return ((log_sum - z) * Tensor(one_hot)) @ Tensor(np.ones((C, 1)))


# %% cross_entropy: number_for_tensor
# help: You return a plain number. It has to be a Tensor, or nobody can call backward on it.
def cross_entropy(logits, labels):
    N, C = logits.shape
    z = logits - Tensor(logits.data.max(axis=1).reshape(N, 1))
    log_sum = (z.exp() @ Tensor(np.ones((C, 1)))).log()
    one_hot = np.zeros((N, C))
    one_hot[np.arange(N), labels] = 1.0
    return ((log_sum - z) * Tensor(one_hot)).sum().data / N


# %% cross_entropy: epsilon_in_the_log
# help: A small number inside the logarithm hides the overflow and makes large losses wrong. With the row's largest logit subtracted, log needs no help, if you keep log(sum) instead of dividing.
def cross_entropy(logits, labels):
    N, C = logits.shape
    z = logits - Tensor(logits.data.max(axis=1).reshape(N, 1))
    p = z.exp() / (z.exp() @ Tensor(np.ones((C, 1))))
    one_hot = np.zeros((N, C))
    one_hot[np.arange(N), labels] = 1.0
    return -((p + 1e-12).log() * Tensor(one_hot)).sum() / N


# %% cross_entropy: softmax_of_softmax
# help: The logits go through softmax twice. Logarithm and softmax are one step here: shift, minus the log of the row's sum.
def cross_entropy(logits, labels):
    N, C = logits.shape
    z = logits - Tensor(logits.data.max(axis=1).reshape(N, 1))
    p = z.exp() / (z.exp() @ Tensor(np.ones((C, 1))))
    z = p
    log_sum = (z.exp() @ Tensor(np.ones((C, 1)))).log()
    one_hot = np.zeros((N, C))
    one_hot[np.arange(N), labels] = 1.0
    return ((log_sum - z) * Tensor(one_hot)).sum() / N


# %% cross_entropy: all_classes_count
# help: Every class counts as if it were the label. Only the entry at the label is picked from each row.
def cross_entropy(logits, labels):
    N, C = logits.shape
    z = logits - Tensor(logits.data.max(axis=1).reshape(N, 1))
    log_sum = (z.exp() @ Tensor(np.ones((C, 1)))).log()
    one_hot = np.zeros((N, C))
    one_hot[:, labels] = 1.0
    return ((log_sum - z) * Tensor(one_hot)).sum() / N


# %% cross_entropy: sum_detached
# help: The row sums were taken from .data, so the gradient of the logarithm is missing: it says only -1 at the label. Sum the rows with an operation of your Tensor.
def cross_entropy(logits, labels):
    N, C = logits.shape
    z = logits - Tensor(logits.data.max(axis=1).reshape(N, 1))
    log_sum = Tensor(np.log(np.exp(z.data).sum(axis=1, keepdims=True)))
    one_hot = np.zeros((N, C))
    one_hot[np.arange(N), labels] = 1.0
    return ((log_sum - z) * Tensor(one_hot)).sum() / N


# %% cross_entropy: shifts_the_logits_themselves
# help: You subtract the largest logit inside logits.data, in place, and whoever handed them in finds other numbers. Make a new Tensor.
def cross_entropy(logits, labels):
    n, c = logits.shape
    logits.data -= logits.data.max(axis=1, keepdims=True)
    s = (logits.exp() @ Tensor(np.ones((c, 1)))).log()
    return -((logits - s) * Tensor(np.eye(c)[labels])).sum() / n


# %% cross_entropy: logarithm_of_the_softmax
# help: You divide first and take the logarithm afterwards: a probability that is rounded to 0 gives log(0). Subtract the log of the row's sum instead.
def cross_entropy(logits, labels):
    n, c = logits.shape
    e = (logits - Tensor(logits.data.max(axis=1, keepdims=True))).exp()
    p = e / (e @ Tensor(np.ones((c, 1))))
    return -(p.log() * Tensor(np.eye(c)[labels])).sum() / n


# %% cross_entropy: guess_for_label
# help: You pick the class with the largest logit. Asked for is the one in labels, right or wrong.
def cross_entropy(logits, labels):
    n, c = logits.shape
    z = logits - Tensor(logits.data.max(axis=1, keepdims=True))
    lp = z - (z.exp() @ Tensor(np.ones((c, 1)))).log()
    return -(lp * Tensor(np.eye(c)[logits.data.argmax(1)])).sum() / n


# %% module: submodules_forgotten
# help: Only a module's own Parameters are found. Those of its submodules belong to it as well, however deep.
class Parameter(Tensor):
    def __init__(self, data):
        super().__init__(data, requires_grad=True)


class Module:
    def __call__(self, x):
        return self.forward(x)

    def parameters(self):
        found = []
        for value in vars(self).values():
            if isinstance(value, Parameter):
                found.append(value)
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


# %% module: shared_twice
# help: A Parameter that is used in two places is in your list twice; the optimizer would move it twice. Once each.
class Parameter(Tensor):
    def __init__(self, data):
        super().__init__(data, requires_grad=True)


class Module:
    def __call__(self, x):
        return self.forward(x)

    def parameters(self):
        found = []
        for value in vars(self).values():
            if isinstance(value, Parameter):
                found.append(value)
        for value in vars(self).values():
            if isinstance(value, Module):
                found.extend(value.parameters())
        return found

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


# %% module: in_order_of_attributes
# help: Submodules and Parameters come mixed, in the order of the attributes. A module's own Parameters come first.
class Parameter(Tensor):
    def __init__(self, data):
        super().__init__(data, requires_grad=True)


class Module:
    def __call__(self, x):
        return self.forward(x)

    def parameters(self):
        found = []
        for value in vars(self).values():
            if isinstance(value, Parameter):
                found.append(value)
            elif isinstance(value, Module):
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


# %% module: submodules_first
# help: The Parameters of submodules come before the module's own. It is the other way round.
class Parameter(Tensor):
    def __init__(self, data):
        super().__init__(data, requires_grad=True)


class Module:
    def __call__(self, x):
        return self.forward(x)

    def parameters(self):
        found = []
        for value in vars(self).values():
            if isinstance(value, Module):
                found.extend(value.parameters())
        for value in vars(self).values():
            if isinstance(value, Parameter):
                found.append(value)
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


# %% module: every_tensor_counts
# help: Plain Tensors are taken for parameters. A constant is not trained: ask for the type Parameter.
class Parameter(Tensor):
    def __init__(self, data):
        super().__init__(data, requires_grad=True)


class Module:
    def __call__(self, x):
        return self.forward(x)

    def parameters(self):
        found = []
        for value in vars(self).values():
            if isinstance(value, Tensor):
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


# %% module: one_level_only
# help: Modules inside modules inside modules are not found: you go down one level and stop.
class Parameter(Tensor):
    def __init__(self, data):
        super().__init__(data, requires_grad=True)


class Module:
    def __call__(self, x):
        return self.forward(x)

    def parameters(self):
        found = []
        for value in vars(self).values():
            if isinstance(value, Parameter):
                found.append(value)
        for value in vars(self).values():
            if isinstance(value, Module):
                found.extend(p for p in vars(value).values() if isinstance(p, Parameter))
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


# %% module: kept_in_a_list
# help: Sequential keeps its modules in a list, and your walk does not look into lists: its parameters() is empty. Give each module an attribute of its own.
class Parameter(Tensor):
    def __init__(self, data):
        super().__init__(data, requires_grad=True)


class Module:
    def __call__(self, x):
        return self.forward(x)

    def parameters(self):
        found = []
        for value in vars(self).values():
            if isinstance(value, Parameter):
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
        self.modules = list(modules)

    def forward(self, x):
        for module in self.modules:
            x = module(x)
        return x


# %% module: requires_no_grad
# help: A fresh Parameter does not require grad, so no gradient will ever reach it.
class Parameter(Tensor):
    def __init__(self, data):
        super().__init__(data)


class Module:
    def __call__(self, x):
        return self.forward(x)

    def parameters(self):
        found = []
        for value in vars(self).values():
            if isinstance(value, Parameter):
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


# %% module: weight_turned
# help: The weight is (in, out). The statement says (out, in), as in PyTorch, and the forward turns it.
class Parameter(Tensor):
    def __init__(self, data):
        super().__init__(data, requires_grad=True)


class Module:
    def __call__(self, x):
        return self.forward(x)

    def parameters(self):
        found = []
        for value in vars(self).values():
            if isinstance(value, Parameter):
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
        self.weight = Parameter(np.random.randn(in_features, out_features) * 0.1)
        self.bias = Parameter(np.zeros(out_features))

    def forward(self, x):
        return x @ self.weight + self.bias


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


# %% module: no_bias
# help: Linear forgets its bias: it is a Parameter, and it has to be added.
class Parameter(Tensor):
    def __init__(self, data):
        super().__init__(data, requires_grad=True)


class Module:
    def __call__(self, x):
        return self.forward(x)

    def parameters(self):
        found = []
        for value in vars(self).values():
            if isinstance(value, Parameter):
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
        return x @ self.weight.T


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


# %% module: weight_without_graph
# help: The layer computes with the arrays in .data, so weight and bias get no gradient. Compute with the Parameters themselves.
class Parameter(Tensor):
    def __init__(self, data):
        super().__init__(data, requires_grad=True)


class Module:
    def __call__(self, x):
        return self.forward(x)

    def parameters(self):
        found = []
        for value in vars(self).values():
            if isinstance(value, Parameter):
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
        return x @ Tensor(self.weight.data.T) + Tensor(self.bias.data)


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


# %% module: zero_grad_of_its_own_only
# help: zero_grad clears the module's own Parameters and forgets the nested ones. parameters() already knows them all.
class Parameter(Tensor):
    def __init__(self, data):
        super().__init__(data, requires_grad=True)


class Module:
    def __call__(self, x):
        return self.forward(x)

    def parameters(self):
        found = []
        for value in vars(self).values():
            if isinstance(value, Parameter):
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
        for p in vars(self).values():
            if isinstance(p, Parameter):
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


# %% module: zero_grad_clears_the_weights
# help: zero_grad wipes out the weights. It is the gradient that goes, .grad, not .data.
class Parameter(Tensor):
    def __init__(self, data):
        super().__init__(data, requires_grad=True)


class Module:
    def __call__(self, x):
        return self.forward(x)

    def parameters(self):
        found = []
        for value in vars(self).values():
            if isinstance(value, Parameter):
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
            p.data = np.zeros(p.shape)


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


# %% module: zero_grad_does_nothing
# help: After zero_grad the gradients are still there. Setting a loop variable does not change the attribute: write to p.grad.
class Parameter(Tensor):
    def __init__(self, data):
        super().__init__(data, requires_grad=True)


class Module:
    def __call__(self, x):
        return self.forward(x)

    def parameters(self):
        found = []
        for value in vars(self).values():
            if isinstance(value, Parameter):
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
            grad = p.grad
            grad = None


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


# %% module: runs_each_once
# help: A module that is given twice runs only once: you keep modules in a set or under their id. Run them in the order of the arguments, repeats included.
class Parameter(Tensor):
    def __init__(self, data):
        super().__init__(data, requires_grad=True)


class Module:
    def __call__(self, x):
        return self.forward(x)

    def parameters(self):
        found = []
        for value in vars(self).values():
            if isinstance(value, Parameter):
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
        modules = list({id(m): m for m in modules}.values())
        self.n = len(modules)
        for i, module in enumerate(modules):
            setattr(self, f"m{i}", module)

    def forward(self, x):
        for i in range(self.n):
            x = getattr(self, f"m{i}")(x)
        return x


# %% module: last_first
# help: Sequential runs its modules from the last to the first.
class Parameter(Tensor):
    def __init__(self, data):
        super().__init__(data, requires_grad=True)


class Module:
    def __call__(self, x):
        return self.forward(x)

    def parameters(self):
        found = []
        for value in vars(self).values():
            if isinstance(value, Parameter):
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
        for i in reversed(range(self.n)):
            x = getattr(self, f"m{i}")(x)
        return x


# %% module: calls_nothing
# help: module(x) does not work yet: Python looks for __call__, which hands on to forward.
class Parameter(Tensor):
    def __init__(self, data):
        super().__init__(data, requires_grad=True)


class Module:
    def parameters(self):
        found = []
        for value in vars(self).values():
            if isinstance(value, Parameter):
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


# %% module: relu_in_every_linear
# help: Linear applies a ReLU as well. The bend is a module of its own.
class Parameter(Tensor):
    def __init__(self, data):
        super().__init__(data, requires_grad=True)


class Module:
    def __call__(self, x):
        return self.forward(x)

    def parameters(self):
        found = []
        for value in vars(self).values():
            if isinstance(value, Parameter):
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
        return (x @ self.weight.T + self.bias).relu()


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


# %% module: registry_of_the_class
# help: All modules note their parts in one and the same list, because it belongs to the class. Make it in __init__, one for each object.
class Parameter(Tensor):
    def __init__(self, data):
        super().__init__(data, requires_grad=True)


class Module:
    own, below = [], []

    def __setattr__(self, name, value):
        if isinstance(value, Parameter):
            self.own.append(value)
        elif isinstance(value, Module):
            self.below.append(value)
        object.__setattr__(self, name, value)

    def __call__(self, x):
        return self.forward(x)

    def parameters(self):
        found = list(self.own)
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


# %% module: sorted_by_name
# help: The parts come in the order of the alphabet. Asked for is the order in which they were defined.
class Parameter(Tensor):
    """a tensor that is trained"""

    def __init__(self, data):
        super().__init__(data, requires_grad=True)


class Module:
    """keeps its parts as plain attributes and looks through them when asked"""

    def parameters(self):
        parts = [vars(self)[k] for k in sorted(vars(self))]
        found = [part for part in parts if isinstance(part, Parameter)]
        for part in parts:
            if isinstance(part, Module):
                found += part.parameters()
        return list(
            {id(parameter): parameter for parameter in found}.values()
        )  # a dict keeps the first place

    def zero_grad(self):
        for parameter in self.parameters():
            parameter.grad = None

    def __call__(self, x):
        return self.forward(x)


class Linear(Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        bound = 1 / np.sqrt(in_features)  # chapter 7: so that what comes out is as large as what goes in
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


# %% module: walked_once
# help: parameters() keeps one generator for good. It is used up after the first walk: make a new one in each call.
class Parameter(Tensor):
    """a tensor that is trained"""

    def __init__(self, data):
        super().__init__(data, requires_grad=True)


class Module:
    """keeps its parts as plain attributes and looks through them when asked"""

    def parameters(self):
        if not hasattr(self, "_kept"):
            self._kept = iter(self._list())
        return self._kept

    def _list(self):
        parts = list(vars(self).values())
        found = [part for part in parts if isinstance(part, Parameter)]
        for part in parts:
            if isinstance(part, Module):
                found += part.parameters()
        return list(
            {id(parameter): parameter for parameter in found}.values()
        )  # a dict keeps the first place

    def zero_grad(self):
        for parameter in self.parameters():
            parameter.grad = None

    def __call__(self, x):
        return self.forward(x)


class Linear(Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        bound = 1 / np.sqrt(in_features)  # chapter 7: so that what comes out is as large as what goes in
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


# %% module: level_by_level
# help: parameters() goes through all modules of one level before the next. A submodule comes with everything inside it, then its neighbour.
class Parameter(Tensor):
    def __init__(self, data):
        super().__init__(data, requires_grad=True)


class Module:
    def __call__(self, x):
        return self.forward(x)

    def parameters(self):
        found, level = [], [self]
        while level:
            parts = [value for module in level for value in vars(module).values()]
            found += [value for value in parts if isinstance(value, Parameter)]
            level = [value for value in parts if isinstance(value, Module)]
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


# %% module: relu_in_place
# help: ReLU writes zeros into the array of its input, and whoever handed it in finds other numbers. Make a new Tensor.
class Parameter(Tensor):
    def __init__(self, data):
        super().__init__(data, requires_grad=True)


class Module:
    def __call__(self, x):
        return self.forward(x)

    def parameters(self):
        found = []
        for value in vars(self).values():
            if isinstance(value, Parameter):
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
        x.data[x.data < 0] = 0
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


# %% module: one_weight_for_a_size
# help: Layers of one size share a weight, because it belongs to the class. Each Linear draws its own.
class Parameter(Tensor):
    def __init__(self, data):
        super().__init__(data, requires_grad=True)


class Module:
    def __call__(self, x):
        return self.forward(x)

    def parameters(self):
        found = []
        for value in vars(self).values():
            if isinstance(value, Parameter):
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
    drawn = {}

    def __init__(self, in_features, out_features):
        super().__init__()
        size = (out_features, in_features)
        if size not in self.drawn:
            self.drawn[size] = Parameter(np.random.randn(*size) * 0.1)
        self.weight = self.drawn[size]
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


# %% module: result_without_a_graph
# help: What forward gave is packed into a new Tensor, which does not know where it came from: no gradient gets back. Hand on what forward returns.
class Parameter(Tensor):
    def __init__(self, data):
        super().__init__(data, requires_grad=True)


class Module:
    def __call__(self, x):
        return Tensor(self.forward(x).data)

    def parameters(self):
        found = []
        for value in vars(self).values():
            if isinstance(value, Parameter):
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


# %% module: starts_at_zero
# help: Your fresh Linear starts with all weights 0. Then every hidden value is the same, every gradient of it too, and
#   the network learns nothing: draw them at random.
class Parameter(Tensor):
    """a tensor that is trained"""

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
        self.weight = Parameter(np.zeros((out_features, in_features)))
        self.bias = Parameter(np.zeros(out_features))

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


# %% module: starts_constant
# help: Your fresh weights are all alike, though not 0. Hidden values that start alike stay alike: draw them at random.
class Parameter(Tensor):
    """a tensor that is trained"""

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
        self.weight = Parameter(np.full((out_features, in_features), 1 / np.sqrt(in_features)))
        self.bias = Parameter(np.zeros(out_features))

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


# %% module: starts_with_spread_one
# help: Your fresh weights have a spread of about 1, whatever the number of inputs. Sums of many inputs become large:
#   divide by the root of in_features.
class Parameter(Tensor):
    """a tensor that is trained"""

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
        self.weight = Parameter(np.random.randn(out_features, in_features))
        self.bias = Parameter(np.zeros(out_features))

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


# %% module: starts_by_one_over_in
# help: Your fresh weights have a spread of about 1/in. That is far too small for many inputs: it is the root of
#   in_features that counts.
class Parameter(Tensor):
    """a tensor that is trained"""

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
        self.weight = Parameter(np.random.randn(out_features, in_features) / in_features)
        self.bias = Parameter(np.zeros(out_features))

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


# %% module: same_start_for_all_layers
# help: Your layers all start with the same weights: the generator is made anew, with the same seed, for each of them.
class Parameter(Tensor):
    """a tensor that is trained"""

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
        draw = np.random.default_rng(0)
        self.weight = Parameter(draw.standard_normal((out_features, in_features)) / np.sqrt(in_features))
        self.bias = Parameter(np.zeros(out_features))

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


# %% own_sgd: uphill
# help: Each step goes with the gradient, uphill. The step is subtracted.
class SGD:
    def __init__(self, params, lr, momentum=0.0):
        self.params = list(params)
        self.lr = lr
        self.momentum = momentum
        self.v = [np.zeros(p.shape) for p in self.params]

    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            self.v[i] = self.momentum * self.v[i] + p.grad
            p.data = p.data + self.lr * self.v[i]

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% own_sgd: momentum_ignored
# help: The momentum is never used: the velocity keeps momentum times what it was, and adds the gradient.
class SGD:
    def __init__(self, params, lr, momentum=0.0):
        self.params = list(params)
        self.lr = lr
        self.momentum = momentum
        self.v = [np.zeros(p.shape) for p in self.params]

    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            self.v[i] = p.grad
            p.data = p.data - self.lr * self.v[i]

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% own_sgd: dampened
# help: You mix velocity and gradient, momentum and 1 - momentum. torch's SGD adds the whole gradient.
class SGD:
    def __init__(self, params, lr, momentum=0.0):
        self.params = list(params)
        self.lr = lr
        self.momentum = momentum
        self.v = [np.zeros(p.shape) for p in self.params]

    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            self.v[i] = self.momentum * self.v[i] + (1 - self.momentum) * p.grad
            p.data = p.data - self.lr * self.v[i]

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% own_sgd: generator_used_up
# help: params is kept as it came. A generator is empty after one walk, so nothing moves later. Make a list of it first.
class SGD:
    def __init__(self, params, lr, momentum=0.0):
        self.params = params
        self.lr = lr
        self.momentum = momentum
        self.v = {}

    def step(self):
        for p in self.params:
            if p.grad is None:
                continue
            self.v[id(p)] = self.momentum * self.v.get(id(p), 0.0) + p.grad
            p.data = p.data - self.lr * self.v[id(p)]

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% own_sgd: none_breaks_it
# help: A parameter that had no part in the loss has grad None, and the step breaks on it. Skip it.
class SGD:
    def __init__(self, params, lr, momentum=0.0):
        self.params = list(params)
        self.lr = lr
        self.momentum = momentum
        self.v = [np.zeros(p.shape) for p in self.params]

    def step(self):
        for i, p in enumerate(self.params):
            self.v[i] = self.momentum * self.v[i] + p.grad
            p.data = p.data - self.lr * self.v[i]

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% own_sgd: none_taken_for_zero
# help: A missing gradient is taken for zero, so the parameter still moves by its momentum, and the momentum shrinks. Skip both.
class SGD:
    def __init__(self, params, lr, momentum=0.0):
        self.params = list(params)
        self.lr = lr
        self.momentum = momentum
        self.v = [np.zeros(p.shape) for p in self.params]

    def step(self):
        for i, p in enumerate(self.params):
            g = 0.0 if p.grad is None else p.grad
            self.v[i] = self.momentum * self.v[i] + g
            p.data = p.data - self.lr * self.v[i]

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% own_sgd: stops_at_the_first_none
# help: At the first parameter without a gradient the whole step ends. Go on with the next one.
class SGD:
    def __init__(self, params, lr, momentum=0.0):
        self.params = list(params)
        self.lr = lr
        self.momentum = momentum
        self.v = [np.zeros(p.shape) for p in self.params]

    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is None:
                return
            self.v[i] = self.momentum * self.v[i] + p.grad
            p.data = p.data - self.lr * self.v[i]

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% own_sgd: one_velocity
# help: One velocity serves all parameters, so one's motion leaks into the next. Each needs its own.
class SGD:
    def __init__(self, params, lr, momentum=0.0):
        self.params = list(params)
        self.lr = lr
        self.momentum = momentum
        self.v = 0.0

    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            self.v = self.momentum * self.v + p.grad
            p.data = p.data - self.lr * self.v

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% own_sgd: velocity_is_the_gradient
# help: The velocity is kept in the array that lies in .grad, and step changes it there. Make a new array for it.
class SGD:
    def __init__(self, params, lr, momentum=0.0):
        self.params = list(params)
        self.lr = lr
        self.momentum = momentum
        self.v = [None] * len(self.params)

    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            if self.v[i] is not None:
                p.grad += self.momentum * self.v[i]
            self.v[i] = p.grad
            p.data = p.data - self.lr * self.v[i]

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% own_sgd: clears_in_step
# help: step clears the gradients as well. That is zero_grad's task: whoever wants to add up two batches calls step later.
class SGD:
    def __init__(self, params, lr, momentum=0.0):
        self.params = list(params)
        self.lr = lr
        self.momentum = momentum
        self.v = [np.zeros(p.shape) for p in self.params]

    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            self.v[i] = self.momentum * self.v[i] + p.grad
            p.data = p.data - self.lr * self.v[i]
            p.grad = None

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% own_sgd: zero_grad_does_nothing
# help: zero_grad leaves the gradients where they are, and the next backward adds to them.
class SGD:
    def __init__(self, params, lr, momentum=0.0):
        self.params = list(params)
        self.lr = lr
        self.momentum = momentum
        self.v = [np.zeros(p.shape) for p in self.params]

    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            self.v[i] = self.momentum * self.v[i] + p.grad
            p.data = p.data - self.lr * self.v[i]

    def zero_grad(self):
        for p in self.params:
            pass


# %% own_sgd: moves_a_copy
# help: The new values go into a variable of step, and the parameter keeps the old ones.
class SGD:
    def __init__(self, params, lr, momentum=0.0):
        self.params = list(params)
        self.lr = lr
        self.momentum = momentum
        self.v = [np.zeros(p.shape) for p in self.params]

    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            self.v[i] = self.momentum * self.v[i] + p.grad
            p = Parameter(p.data - self.lr * self.v[i])

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% own_sgd: nesterov
# help: You look ahead along the velocity, which is Nesterov's variant. Plain momentum subtracts lr times the velocity.
class SGD:
    def __init__(self, params, lr, momentum=0.0):
        self.params = list(params)
        self.lr = lr
        self.momentum = momentum
        self.v = [np.zeros(p.shape) for p in self.params]

    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            self.v[i] = self.momentum * self.v[i] + p.grad
            p.data = p.data - self.lr * (p.grad + self.momentum * self.v[i] if self.momentum else self.v[i])

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% own_sgd: velocity_forgotten
# help: The velocity starts anew in every step: it has to live in the optimizer, from one step to the next.
class SGD:
    def __init__(self, params, lr, momentum=0.0):
        self.params = list(params)
        self.lr = lr
        self.momentum = momentum
        self.v = [np.zeros(p.shape) for p in self.params]

    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            v = self.momentum * np.zeros(p.shape) + p.grad
            self.v[i] = v * (1 + self.momentum)
            p.data = p.data - self.lr * self.v[i]

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% own_sgd: memory_of_the_class
# help: All optimizers share one memory, because it belongs to the class. Make it in __init__.
class SGD:
    memory = {}

    def __init__(self, params, lr, momentum=0.0):
        self.params = list(params)
        self.lr = lr
        self.momentum = momentum

    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            v = self.memory[i] = (
                self.momentum * self.memory.get(i, 0.0) + p.grad
                if np.shape(self.memory.get(i, p.grad)) == p.shape
                else p.grad
            )
            p.data = p.data - self.lr * v

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% own_sgd: zero_gradient_skipped
# help: A gradient full of zeros is skipped like a missing one. The velocity carries the parameter on all the same; only None is skipped.
class SGD:
    """SGD(params, lr, momentum=0.0): step(), zero_grad()"""

    def __init__(self, params, lr, momentum=0.0):
        self.params = list(params)  # a generator can be walked only once
        self.lr, self.momentum = lr, momentum
        self.velocity = [0.0] * len(
            self.params
        )  # one each; the first step makes it an array: 0 · momentum + grad

    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is not None and np.any(p.grad):
                self.velocity[i] = self.momentum * self.velocity[i] + p.grad
                p.data -= self.lr * self.velocity[i]

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% own_sgd: velocity_on_the_parameter
# help: The velocity is kept on the parameter, where the next optimizer finds it. It belongs to this optimizer.
class SGD:
    """SGD(params, lr, momentum=0.0): step(), zero_grad()"""

    def __init__(self, params, lr, momentum=0.0):
        self.params = list(params)  # a generator can be walked only once
        self.lr, self.momentum = lr, momentum
        self.velocity = [0.0] * len(
            self.params
        )  # one each; the first step makes it an array: 0 · momentum + grad

    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is not None:
                p.velocity = self.momentum * getattr(p, "velocity", 0.0) + p.grad
                p.data -= self.lr * p.velocity

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% own_train: gradients_pile_up
# help: The gradients are never cleared, so each step goes along the sum of all batches so far.
def fit(model, images, labels, epochs, lr, batch_size, rng):
    optimizer = SGD(model.parameters(), lr, momentum=0.5)
    n = len(images)
    for epoch in range(epochs):
        order = rng.permutation(n)
        for i in range(0, n, batch_size):
            rows = order[i : i + batch_size]
            loss = cross_entropy(model(Tensor(images[rows])), labels[rows])
            loss.backward()
            optimizer.step()


# %% own_train: shuffled_apart
# help: Images and labels are shuffled in two different orders, so every picture has somebody else's name. One list of indices for both.
def fit(model, images, labels, epochs, lr, batch_size, rng):
    optimizer = SGD(model.parameters(), lr, momentum=0.5)
    n = len(images)
    for epoch in range(epochs):
        order = rng.permutation(n)
        for i in range(0, n, batch_size):
            rows = order[i : i + batch_size]
            loss = cross_entropy(model(Tensor(images[rows])), labels[rng.permutation(n)[i : i + batch_size]])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


# %% own_train: global_random
# help: The order comes from np.random, not from the rng that was handed in: the same rng gives another network each time.
def fit(model, images, labels, epochs, lr, batch_size, rng):
    optimizer = SGD(model.parameters(), lr, momentum=0.5)
    n = len(images)
    for epoch in range(epochs):
        order = np.random.permutation(n)
        for i in range(0, n, batch_size):
            rows = order[i : i + batch_size]
            loss = cross_entropy(model(Tensor(images[rows])), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


# %% own_train: a_seed_of_its_own
# help: The order comes from a generator that fit makes itself, so it is always the same, whatever rng is handed in.
def fit(model, images, labels, epochs, lr, batch_size, rng):
    optimizer = SGD(model.parameters(), lr, momentum=0.5)
    n = len(images)
    rng = np.random.default_rng(0)
    for epoch in range(epochs):
        order = rng.permutation(n)
        for i in range(0, n, batch_size):
            rows = order[i : i + batch_size]
            loss = cross_entropy(model(Tensor(images[rows])), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


# %% own_train: no_shuffle
# help: The batches come in the order of the data, and rng is never used.
def fit(model, images, labels, epochs, lr, batch_size, rng):
    optimizer = SGD(model.parameters(), lr, momentum=0.5)
    n = len(images)
    for epoch in range(epochs):
        order = np.arange(n)
        for i in range(0, n, batch_size):
            rows = order[i : i + batch_size]
            loss = cross_entropy(model(Tensor(images[rows])), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


# %% own_train: first_batch_only
# help: Each epoch sees one batch only and goes on to the next epoch. Cut the whole order into batches.
def fit(model, images, labels, epochs, lr, batch_size, rng):
    optimizer = SGD(model.parameters(), lr, momentum=0.5)
    n = len(images)
    for epoch in range(epochs):
        order = rng.permutation(n)
        for i in range(0, n, batch_size):
            rows = order[i : i + batch_size]
            loss = cross_entropy(model(Tensor(images[rows])), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            break


# %% own_train: whole_set_at_once
# help: batch_size is ignored: every step sees all images at once, and there are far too few steps.
def fit(model, images, labels, epochs, lr, batch_size, rng):
    optimizer = SGD(model.parameters(), lr, momentum=0.5)
    n = len(images)
    for epoch in range(epochs):
        order = rng.permutation(n)
        for rows in [order]:
            loss = cross_entropy(model(Tensor(images[rows])), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


# %% own_train: one_epoch
# help: The network learns far too little. Does the loop over the epochs end after the first one, with a return inside? Or does a part of the network never move?
def fit(model, images, labels, epochs, lr, batch_size, rng):
    optimizer = SGD(model.parameters(), lr, momentum=0.5)
    n = len(images)
    for epoch in range(epochs):
        order = rng.permutation(n)
        for i in range(0, n, batch_size):
            rows = order[i : i + batch_size]
            loss = cross_entropy(model(Tensor(images[rows])), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        return loss.data


# %% own_train: a_copy_is_trained
# help: A copy of the model learns, and the one that was handed in stays as it was.
import copy


def fit(model, images, labels, epochs, lr, batch_size, rng):
    model = copy.deepcopy(model)
    optimizer = SGD(model.parameters(), lr, momentum=0.5)
    n = len(images)
    for epoch in range(epochs):
        order = rng.permutation(n)
        for i in range(0, n, batch_size):
            rows = order[i : i + batch_size]
            loss = cross_entropy(model(Tensor(images[rows])), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


# %% own_train: never_steps
# help: Gradients are computed, but nothing moves. Is step() called, and are the gradients still there when it is? Cleared between backward and step, there is nothing left to go by.
def fit(model, images, labels, epochs, lr, batch_size, rng):
    optimizer = SGD(model.parameters(), lr, momentum=0.5)
    n = len(images)
    for epoch in range(epochs):
        order = rng.permutation(n)
        for i in range(0, n, batch_size):
            rows = order[i : i + batch_size]
            loss = cross_entropy(model(Tensor(images[rows])), labels[rows])
            optimizer.zero_grad()
            loss.backward()


# %% own_train: shuffles_the_images_in_place
# help: The images themselves are put in another order. They belong to the caller: shuffle a list of indices.
def fit(model, images, labels, epochs, lr, batch_size, rng):
    optimizer = SGD(model.parameters(), lr, momentum=0.5)
    n = len(images)
    for epoch in range(epochs):
        order = rng.permutation(n)
        images[:], labels[:] = images[order], labels[order]
        for i in range(0, n, batch_size):
            rows = slice(i, i + batch_size)
            loss = cross_entropy(model(Tensor(images[rows])), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


# %% own_train: last_batch_dropped
# help: A batch is left out: the range ends one batch too early. All images take part in every epoch.
def fit(model, images, labels, epochs, lr, batch_size, rng):
    optimizer = SGD(model.parameters(), lr, momentum=0.5)
    n = len(images)
    for epoch in range(epochs):
        order = rng.permutation(n)
        for i in range(0, n - batch_size, batch_size):
            rows = order[i : i + batch_size]
            loss = cross_entropy(model(Tensor(images[rows])), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


# %% own_train: tiny_steps
# help: lr is not used: another lr gives the same steps. Hand it to the optimizer.
def fit(model, images, labels, epochs, lr, batch_size, rng):
    optimizer = SGD(model.parameters(), 1e-4, momentum=0.5)
    n = len(images)
    for epoch in range(epochs):
        order = rng.permutation(n)
        for i in range(0, n, batch_size):
            rows = order[i : i + batch_size]
            loss = cross_entropy(model(Tensor(images[rows])), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


# %% own_train: switched_off
# help: No batch leaves a trace: the loop is never entered, or the forward pass runs inside no_grad, where nothing is recorded and backward has nowhere to go.
def fit(model, images, labels, epochs, lr, batch_size, rng):
    optimizer = SGD(model.parameters(), lr, momentum=0.5)
    n = len(images)
    for epoch in range(epochs):
        order = rng.permutation(n)
        for i in range(0, n, batch_size):
            rows = order[i : i + batch_size]
            with no_grad():
                loss = cross_entropy(model(Tensor(images[rows])), labels[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


# %% own_train: leaves_the_switch_off
# help: Tensor.grad_enabled is off when fit is done, and nothing after it is recorded. Leave it as it was.
def fit(model, images, labels, epochs, lr, batch_size, rng):
    optimizer = SGD(model.parameters(), lr)
    for _ in range(epochs):
        order = rng.permutation(len(images))
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]
            loss = cross_entropy(model(Tensor(images[batch])), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    Tensor.grad_enabled = False


# %% own_train: rate_of_its_own
# help: lr is not used: another lr gives the same steps. Hand it to the optimizer.
def fit(model, images, labels, epochs, lr, batch_size, rng):
    optimizer = SGD(model.parameters(), 0.1)
    for _ in range(epochs):
        order = rng.permutation(len(images))
        for start in range(0, len(images), batch_size):
            batch = order[start : start + batch_size]
            loss = cross_entropy(model(Tensor(images[batch])), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


# %% own_train: biases_left_behind
# help: Some Parameters never move: the optimizer has only part of the list. Hand it all of model.parameters().
def fit(model, images, labels, epochs, lr, batch_size, rng):
    optimizer = SGD([p for p in model.parameters() if len(p.shape) == 2], lr)
    for _ in range(epochs):
        order = rng.permutation(len(images))
        for start in range(0, len(images), batch_size):
            batch = order[start : start + batch_size]
            loss = cross_entropy(model(Tensor(images[batch])), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
