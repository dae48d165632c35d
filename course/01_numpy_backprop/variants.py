"""Right solutions of chapter 1 in an unusual style: the checks must accept every one."""

import numpy as np

# %% linear_forward: einsum
def linear_forward(x, w, b):
    return np.einsum("nd,dk->nk", x, w) + b[np.newaxis]


# %% linear_forward: bias_as_a_weight
def linear_forward(x, w, b):
    ones = np.ones((x.shape[0], 1), dtype=x.dtype)
    return np.hstack([x, ones]) @ np.vstack([w, b])


# %% relu: where
def relu_forward(h):
    return np.where(h > 0, h, np.zeros_like(h))


def relu_backward(grad_out, h):
    result = grad_out.copy()
    result[h <= 0] = 0
    return result


# %% relu: half_sum
relu_forward = lambda h: (h + np.abs(h)) / 2
relu_backward = lambda grad_out, h: np.where(h > 0, grad_out, 0).astype(grad_out.dtype)


# %% squared_error: norms
def squared_error(y_pred, y):
    if np.shape(y_pred) != np.shape(y):
        raise ValueError
    d = np.subtract(y_pred, y)
    return [float(np.vdot(d, d)), d + d]


# %% linear_backward: einsum
def linear_backward(grad_out, x, w):
    return (
        np.einsum("nk,dk->nd", grad_out, w),
        np.einsum("nd,nk->dk", x, grad_out),
        np.ones(len(x), dtype=grad_out.dtype) @ grad_out,
    )


# %% linear_backward: one_example_at_a_time
def linear_backward(grad_out, x, w):
    grad_w = np.zeros_like(w)
    grad_b = np.zeros(w.shape[1], dtype=w.dtype)
    rows = []
    for row, g in zip(x, grad_out):
        grad_w += np.outer(row, g)
        grad_b += g
        rows.append(w @ g)
    return np.stack(rows), grad_w, grad_b


# %% loss_and_grads: from_the_parts
def loss_and_grads(x, y, w1, w2):
    zero1, zero2 = np.zeros(w1.shape[1], w1.dtype), np.zeros(w2.shape[1], w2.dtype)
    h = linear_forward(x, w1, zero1)
    a = relu_forward(h)
    loss, g = squared_error(linear_forward(a, w2, zero2), y)
    grad_a, grad_w2, _ = linear_backward(g, a, w2)
    _, grad_w1, _ = linear_backward(relu_backward(grad_a, h), x, w1)
    return loss, grad_w1, grad_w2


# %% train_two_layer: recursive
def train_two_layer(x, y, w1, w2, lr, steps):
    if steps == 0:
        return w1.copy(), w2.copy(), []
    loss, g1, g2 = loss_and_grads(x, y, w1, w2)
    a, b, later = train_two_layer(x, y, w1 - lr * g1, w2 - lr * g2, lr, steps - 1)
    return a, b, [loss, *later]


# %% train_two_layer: copies_in_place
def train_two_layer(x, y, w1, w2, lr, steps):
    w1, w2, losses = w1.copy(), w2.copy(), []
    while len(losses) < steps:
        loss, *grads = loss_and_grads(x, y, w1, w2)
        losses += [loss]
        for w, g in zip((w1, w2), grads):
            np.subtract(w, lr * g, out=w)
    return w1, w2, losses


# %% softmax_cross_entropy: one_hot
def softmax_cross_entropy(logits, labels):
    truth = np.eye(logits.shape[1], dtype=logits.dtype)[labels]
    top = logits.max(1)[:, None]
    log_sum = top + np.log(np.exp(logits - top).sum(1))[:, None]
    loss = ((log_sum - logits) * truth).sum() / len(logits)
    return float(loss), (np.exp(logits - log_sum) - truth) / len(logits)


# %% numeric_gradient: in_place_with_finally
def numeric_gradient(f, x, eps=1e-5):
    grad = np.empty(x.shape)
    walker = np.nditer(x, flags=["multi_index"], op_flags=["readwrite"])
    for _ in walker:
        at = walker.multi_index
        old = x[at].copy() if hasattr(x[at], "copy") else x[at]
        try:
            x[at] = old + eps
            above = f(x)
            x[at] = old - eps
            below = f(x)
        finally:
            x[at] = old
        grad[at] = (above - below) / (2 * eps)
    return grad


# %% numeric_gradient: flat_views
def numeric_gradient(f, x, eps=1e-5):
    def nudged(i, by):
        flat = x.reshape(-1).copy()
        flat[i] += by
        return flat.reshape(x.shape)

    values = [(f(nudged(i, eps)) - f(nudged(i, -eps))) / (2 * eps) for i in range(x.size)]
    return np.array(values).reshape(x.shape)


# %% linear_forward: one_number_at_a_time
def linear_forward(x, w, b):
    out = np.empty((len(x), w.shape[1]), x.dtype)
    for n, row in enumerate(x):
        for j, column in enumerate(w.T):
            out[n, j] = sum(a * c for a, c in zip(row, column)) + b[j]
    return out


# %% linear_forward: callable_object
class _Layer:
    def __call__(self, x, w, b):
        return np.add(np.dot(w.T, x.T).T, b)


linear_forward = _Layer()


# %% relu: masked_arrays
class _Relu:
    @staticmethod
    def forward(h):
        return np.ma.masked_less(h, 0).filled(0)

    @classmethod
    def backward(cls, grad_out, h):
        return np.ma.array(grad_out, mask=cls.forward(h) == 0).filled(0)


relu_forward, relu_backward = _Relu.forward, _Relu.backward


# %% squared_error: an_error_of_its_own
import math
from typing import NamedTuple


class ShapesDiffer(ValueError):
    pass


class Result(NamedTuple):
    loss: float
    grad: np.ndarray


def squared_error(y_pred, y):
    try:
        assert y_pred.shape == y.shape
    except AssertionError:
        raise ShapesDiffer from None
    grad = y_pred - y
    grad *= 2
    return Result(math.fsum((float(g) / 2) ** 2 for g in grad.flat), grad)


# %% train_two_layer: callable_object
class _Trainer:
    def __call__(self, x, y, w1, w2, lr, steps):
        at = self.positions(x, y, w1, w2, lr)
        losses, now = [], (w1, w2)
        for _ in range(steps):
            loss, now = next(at)
            losses.append(loss)
        return (*now, losses)

    def positions(self, x, y, *weights, lr=None):
        *weights, lr = weights
        while True:
            loss, *grads = loss_and_grads(x, y, *weights)
            weights = [w - lr * g for w, g in zip(weights, grads)]
            yield loss, weights


train_two_layer = _Trainer()


# %% softmax_cross_entropy: row_by_row_in_python
def softmax_cross_entropy(logits, labels):
    import math

    total, grad = 0.0, np.zeros_like(logits)
    for n, (row, label) in enumerate(zip(logits.tolist(), labels)):
        top = max(row)
        below = sum(math.exp(z - top) for z in row)
        total += top + math.log(below) - row[label]
        grad[n] = [(math.exp(z - top) / below - (k == label)) / len(labels) for k, z in enumerate(row)]
    return total / len(labels), grad


# %% softmax_cross_entropy: logaddexp
def softmax_cross_entropy(logits, labels):
    log_sum = np.logaddexp.reduce(logits, axis=1, keepdims=True)
    grad = np.exp(logits - log_sum)
    loss = float((log_sum - np.take_along_axis(logits, labels[:, None], 1)).mean())
    np.subtract.at(grad, (range(len(labels)), labels), 1)
    grad /= len(labels)
    return loss, grad


# %% numeric_gradient: a_context
from contextlib import contextmanager


@contextmanager
def _nudged(x, index, value):
    kept = x.copy()
    x[index] = value
    try:
        yield x
    finally:
        x[...] = kept


def numeric_gradient(f, x, eps=1e-5):
    grad = np.zeros(x.shape)
    for index, old in np.ndenumerate(x.copy()):
        for sign in (1, -1):
            with _nudged(x, index, old + sign * eps):
                grad[index] += sign * f(x)
    return grad / (2 * eps)


# %% judge_backward: many_sizes_by_the_formula
def judge_backward(candidate):
    rng = np.random.default_rng(7)
    for n, d, k in ((2, 3, 4), (5, 2, 3), (3, 3, 3), (1, 2, 5), (4, 1, 1)):
        g, x, w = rng.normal(size=(n, k)), rng.normal(size=(n, d)), rng.normal(size=(d, k))
        before = g.copy(), x.copy(), w.copy()
        try:
            gx, gw, gb = candidate(g, x, w)
            for found, wanted in ((gx, before[0] @ before[2].T), (gw, before[1].T @ before[0]), (gb, before[0].sum(0))):
                assert found.shape == wanted.shape
                np.testing.assert_allclose(found, wanted, rtol=1e-6, atol=1e-9)
            for one, other in zip((g, x, w), before):
                np.testing.assert_array_equal(one, other)
        except Exception:
            return False
    return True


# %% judge_backward: whole_numbers
def judge_backward(candidate):
    # whole numbers add up without rounding, in any order
    given = [np.random.default_rng(1).integers(-9, 10, shape).astype(float) for shape in ((4, 2), (4, 3), (3, 2))]
    g, x, w = [v.copy() for v in given]
    try:
        answer = candidate(*given)
    except Exception:
        return np.bool_(False)
    wanted = g @ w.T, x.T @ g, g.sum(0)
    return np.bool_(all(np.array_equal(a, b) for a, b in zip([*answer, *given], [*wanted, g, x, w])))


# %% judge_backward: with_ones_own_backward
def judge_backward(candidate):
    rng = np.random.default_rng(3)
    arguments = rng.standard_normal((6, 2)), rng.standard_normal((6, 5)), rng.standard_normal((5, 2))
    for argument in arguments:
        argument.flags.writeable = False  # whoever writes into it raises
    try:
        pairs = zip(candidate(*arguments), linear_backward(*arguments))
        return all(bool(a.shape == b.shape and abs(a - b).max() < 1e-9) for a, b in pairs)
    except Exception:
        return False
