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
