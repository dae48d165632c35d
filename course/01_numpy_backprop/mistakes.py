"""Named mistakes of chapter 1: wrong solutions that the checks must reject, each with its own help."""

import numpy as np

# %% linear_forward: bias_missing
# help: Your output is x @ w alone. Every row still needs the bias added.
def linear_forward(x, w, b):
    return x @ w


# %% linear_forward: bias_summed
# help: You add the sum of all biases to every output. Output j gets b[j] only; NumPy lines b up by itself.
def linear_forward(x, w, b):
    return x @ w + b.sum()


# %% linear_forward: bias_subtracted
# help: The bias is added, and you subtract it.
def linear_forward(x, w, b):
    return x @ w - b


# %% linear_forward: bias_on_first_row
# help: Only the first row gets the bias. It belongs to every example of the batch.
def linear_forward(x, w, b):
    out = x @ w
    out[0] += b
    return out


# %% linear_forward: relu_included
# help: You already apply the ReLU. This layer is only the product and the bias; the bend comes in exercise 1.5.
def linear_forward(x, w, b):
    return np.maximum(x @ w + b, 0)


# %% linear_forward: transposed_weight
# help: You multiply by w.T. Here w is (D_in, D_out) already, so x @ w is (N, D_out) without a transpose.
def linear_forward(x, w, b):
    return x @ w.T + b


# %% linear_forward: always_float64
# help: float32 came in and float64 came out. Let NumPy keep the type of the inputs; there is nothing to convert.
def linear_forward(x, w, b):
    return x.astype("float64") @ w.astype("float64") + b


# %% linear_forward: bias_as_a_column
# help: You turn the bias into a column, so it goes along the rows. It has one number for each output: NumPy lines a
#   flat b up with the last axis by itself.
def linear_forward(x, w, b):
    return x @ w + b[:, None]


# %% linear_forward: batch_of_one_flattened
# help: A batch of one loses its axis: squeeze takes every axis of length 1, the batch too. Return (1, D_out).
def linear_forward(x, w, b):
    return np.squeeze(x @ w + b)


# %% relu: mask_from_gradient
# help: Your mask is taken from the gradient that comes in. Where it passes depends on the forward input h.
def relu_forward(h):
    return np.maximum(h, 0)


def relu_backward(grad_out, h):
    return grad_out * (grad_out > 0)


# %% relu: no_mask
# help: You pass the whole gradient on. Where h was negative the output did not move, so nothing goes through.
def relu_forward(h):
    return np.maximum(h, 0)


def relu_backward(grad_out, h):
    return grad_out.copy()


# %% relu: gradient_is_mask
# help: You return the slope (0 or 1) and lose the gradient from above. Chain rule: multiply the two.
def relu_forward(h):
    return np.maximum(h, 0)


def relu_backward(grad_out, h):
    return (h > 0).astype(h.dtype)


# %% relu: passes_at_zero
# help: At h == 0 your gradient passes. The statement fixes it to 0 there: > and not >=.
def relu_forward(h):
    return np.maximum(h, 0)


def relu_backward(grad_out, h):
    return grad_out * (h >= 0)


# %% relu: gradient_in_place
# help: You write zeros into grad_out itself. Whoever computed it may still need it: work on a copy.
def relu_forward(h):
    return np.maximum(h, 0)


def relu_backward(grad_out, h):
    grad_out[h <= 0] = 0
    return grad_out


# %% relu: input_in_place
# help: Your forward pass writes into h. The way back needs the old values: make a new array.
def relu_forward(h):
    h[h < 0] = 0
    return h


def relu_backward(grad_out, h):
    return grad_out * (h > 0)


# %% relu: absolute_value
# help: That is the absolute value: negative entries come out positive. They should come out 0.
def relu_forward(h):
    return np.abs(h)


def relu_backward(grad_out, h):
    return grad_out * (h > 0)


# %% relu: multiplied_by_input
# help: You multiply the gradient by relu(h). It is multiplied by the slope, which is 1 where h is positive.
def relu_forward(h):
    return np.maximum(h, 0)


def relu_backward(grad_out, h):
    return grad_out * np.maximum(h, 0)


# %% relu: gradient_clipped_too
# help: Negative gradients are lost: you cut the incoming gradient at 0 as well. Its sign does not matter, only h's.
def relu_forward(h):
    return np.maximum(h, 0)


def relu_backward(grad_out, h):
    return np.maximum(grad_out, 0) * (h > 0)


# %% relu: leaky
# help: A little gets through where h is negative: that is the leaky ReLU. Here it is exactly 0, forward and backward.
def relu_forward(h):
    return np.where(h > 0, h, 0.01 * h)


def relu_backward(grad_out, h):
    return np.where(h > 0, grad_out, 0.01 * grad_out)


# %% squared_error: mean_for_sum
# help: Your loss is the mean of the squares. This loss is their sum, over every example and every output.
def squared_error(y_pred, y):
    if y_pred.shape != y.shape:
        raise ValueError("shapes differ")
    return float(((y_pred - y) ** 2).mean()), 2 * (y_pred - y)


# %% squared_error: mean_for_both
# help: You divide loss and gradient by the number of entries. This loss is a plain sum.
def squared_error(y_pred, y):
    if y_pred.shape != y.shape:
        raise ValueError("shapes differ")
    return float(((y_pred - y) ** 2).mean()), 2 * (y_pred - y) / y.size


# %% squared_error: factor_two_missing
# help: The gradient is half of what it should be: the derivative of d² is 2·d.
def squared_error(y_pred, y):
    if y_pred.shape != y.shape:
        raise ValueError("shapes differ")
    return float(((y_pred - y) ** 2).sum()), y_pred - y


# %% squared_error: sign_reversed
# help: Your gradient points the other way: it is y_pred - y, not y - y_pred. Training would climb.
def squared_error(y_pred, y):
    if y_pred.shape != y.shape:
        raise ValueError("shapes differ")
    return float(((y_pred - y) ** 2).sum()), 2 * (y - y_pred)


# %% squared_error: no_shape_check
# help: Shapes that differ were stretched to fit in silence, and the number that comes out is wrong. Compare the shapes first and raise ValueError.
def squared_error(y_pred, y):
    return float(((y_pred - y) ** 2).sum()), 2 * (y_pred - y)


# %% squared_error: numpy_scalar
# help: The loss is still a NumPy number; for float32 that is no Python float. Wrap it in float(...).
def squared_error(y_pred, y):
    if y_pred.shape != y.shape:
        raise ValueError("shapes differ")
    return ((y_pred - y) ** 2).sum(), 2 * (y_pred - y)


# %% squared_error: absolute_error
# help: You add up absolute differences. Square them.
def squared_error(y_pred, y):
    if y_pred.shape != y.shape:
        raise ValueError("shapes differ")
    return float(np.abs(y_pred - y).sum()), 2 * (y_pred - y)


# %% squared_error: asserted
# help: An assert raises AssertionError, and under `python -O` nothing. Raise ValueError yourself.
def squared_error(y_pred, y):
    assert y_pred.shape == y.shape
    return float(((y_pred - y) ** 2).sum()), 2 * (y_pred - y)


# %% squared_error: sizes_compared
# help: You compare how many entries there are, not the shapes: (4, 1) and (4,) have as many, and still stretch to (4, 4).
def squared_error(y_pred, y):
    if y_pred.size != y.size:
        raise ValueError("sizes differ")
    return float(((y_pred - y) ** 2).sum()), 2 * (y_pred - y)


# %% squared_error: lengths_compared
# help: You compare the number of rows only. (4, 3) and (4, 1) have as many rows and differ in shape all the same.
def squared_error(y_pred, y):
    if len(y_pred) != len(y):
        raise ValueError("lengths differ")
    return float(((y_pred - y) ** 2).sum()), 2 * (y_pred - y)


# %% squared_error: half_of_it
# help: Loss and gradient are half of what they should be: here there is no factor ½ in front of the sum.
def squared_error(y_pred, y):
    if y_pred.shape != y.shape:
        raise ValueError("shapes differ")
    return float(((y_pred - y) ** 2).sum() / 2), y_pred - y


# %% squared_error: root_taken
# help: That is the length of the difference. The loss is the sum of the squares itself, without a square root.
def squared_error(y_pred, y):
    if y_pred.shape != y.shape:
        raise ValueError("shapes differ")
    return float(np.linalg.norm(y_pred - y)), 2 * (y_pred - y)


# %% squared_error: predictions_in_place
# help: You write the differences into y_pred itself, and the caller's predictions are gone. Subtract into a new array.
def squared_error(y_pred, y):
    if y_pred.shape != y.shape:
        raise ValueError("shapes differ")
    y_pred -= y
    return float((y_pred**2).sum()), 2 * y_pred


# %% linear_backward: weight_gradient_transposed
# help: grad_w is the transpose of what it should be. It has the shape of w, (D_in, D_out): x.T comes first.
def linear_backward(grad_out, x, w):
    return grad_out @ w.T, grad_out.T @ x, grad_out.sum(axis=0)


# %% linear_backward: input_gradient_without_transpose
# help: grad_x needs w turned around: (N, D_out) times (D_out, D_in). Without the transpose it only fits where w is square, and there it is wrong.
def linear_backward(grad_out, x, w):
    return grad_out @ w, x.T @ grad_out, grad_out.sum(axis=0)


# %% linear_backward: bias_not_summed
# help: grad_b still has one row for each example. The same bias was added to all of them: add the rows up.
def linear_backward(grad_out, x, w):
    return grad_out @ w.T, x.T @ grad_out, grad_out


# %% linear_backward: bias_mean
# help: You divide by the batch, so what comes back is N times too small. Every example adds its share: the gradients
#   of weights and bias are sums.
def linear_backward(grad_out, x, w):
    return grad_out @ w.T, x.T @ grad_out, grad_out.mean(axis=0)


# %% linear_backward: weight_mean
# help: You divide by the batch, so what comes back is N times too small. Every example adds its share: the gradients
#   of weights and bias are sums.
def linear_backward(grad_out, x, w):
    return grad_out @ w.T, x.T @ grad_out / len(x), grad_out.sum(axis=0)


# %% linear_backward: bias_over_outputs
# help: You add up over the outputs and keep one number for each example. Add over the examples: axis 0.
def linear_backward(grad_out, x, w):
    return grad_out @ w.T, x.T @ grad_out, grad_out.sum(axis=1)


# %% linear_backward: upstream_ignored
# help: Your gradients do not depend on grad_out: they are those of the sum of all outputs. Multiply by what comes from above.
def linear_backward(grad_out, x, w):
    ones = np.ones_like(grad_out)
    return ones @ w.T, x.T @ ones, ones.sum(axis=0)


# %% linear_backward: bias_kept_as_a_row
# help: grad_b comes back with two axes. The bias is flat, (D_out,), and so is its gradient: without keepdims.
def linear_backward(grad_out, x, w):
    return grad_out @ w.T, x.T @ grad_out, grad_out.sum(axis=0, keepdims=True)


# %% linear_backward: all_means
# help: You divide by the batch, so what comes back is N times too small. Every example adds its share: the gradients
#   of weights and bias are sums.
def linear_backward(grad_out, x, w):
    return grad_out @ w.T, x.T @ grad_out / len(x), grad_out.mean(axis=0)


# %% linear_backward: order_mixed_up
# help: The first two come in the wrong order: grad_x, then grad_w, then grad_b.
def linear_backward(grad_out, x, w):
    return x.T @ grad_out, grad_out @ w.T, grad_out.sum(axis=0)


# %% loss_and_grads: relu_forgotten_backward
# help: No mask on the way back: gradient reaches w1 through hidden values that the ReLU had set to 0.
def loss_and_grads(x, y, w1, w2):
    h = x @ w1
    a = np.maximum(h, 0)
    y_pred = a @ w2
    if y_pred.shape != y.shape:
        raise ValueError("shapes differ")
    g = 2 * (y_pred - y)
    return float(((y_pred - y) ** 2).sum()), x.T @ (g @ w2.T), a.T @ g


# %% loss_and_grads: hidden_before_relu
# help: grad_w2 is built from h before the ReLU. The second layer saw a, the values after it.
def loss_and_grads(x, y, w1, w2):
    h = x @ w1
    a = np.maximum(h, 0)
    y_pred = a @ w2
    if y_pred.shape != y.shape:
        raise ValueError("shapes differ")
    g = 2 * (y_pred - y)
    return float(((y_pred - y) ** 2).sum()), x.T @ ((g @ w2.T) * (h > 0)), h.T @ g


# %% loss_and_grads: relu_forgotten_forward
# help: Your network has no ReLU: the prediction is x @ w1 @ w2, one linear layer in two pieces.
def loss_and_grads(x, y, w1, w2):
    h = x @ w1
    y_pred = h @ w2
    if y_pred.shape != y.shape:
        raise ValueError("shapes differ")
    g = 2 * (y_pred - y)
    return float(((y_pred - y) ** 2).sum()), x.T @ (g @ w2.T), h.T @ g


# %% loss_and_grads: factor_two_missing
# help: Both gradients are half of what they should be: the derivative of d² is 2·d.
def loss_and_grads(x, y, w1, w2):
    h = x @ w1
    a = np.maximum(h, 0)
    y_pred = a @ w2
    if y_pred.shape != y.shape:
        raise ValueError("shapes differ")
    g = y_pred - y
    return float((g**2).sum()), x.T @ ((g @ w2.T) * (h > 0)), a.T @ g


# %% loss_and_grads: mask_from_gradient
# help: Your mask looks at the gradient that arrives, not at the hidden values. Ask where h was positive.
def loss_and_grads(x, y, w1, w2):
    h = x @ w1
    a = np.maximum(h, 0)
    y_pred = a @ w2
    if y_pred.shape != y.shape:
        raise ValueError("shapes differ")
    g = 2 * (y_pred - y)
    back = g @ w2.T
    return float(((y_pred - y) ** 2).sum()), x.T @ (back * (back > 0)), a.T @ g


# %% loss_and_grads: gradients_swapped
# help: The two gradients come back in the wrong order: loss, then grad_w1, then grad_w2.
def loss_and_grads(x, y, w1, w2):
    h = x @ w1
    a = np.maximum(h, 0)
    y_pred = a @ w2
    if y_pred.shape != y.shape:
        raise ValueError("shapes differ")
    g = 2 * (y_pred - y)
    return float(((y_pred - y) ** 2).sum()), a.T @ g, x.T @ ((g @ w2.T) * (h > 0))


# %% loss_and_grads: mean_loss
# help: Your loss is a mean. In this chapter it is the sum of all squares, and the gradients are those of the sum.
def loss_and_grads(x, y, w1, w2):
    h = x @ w1
    a = np.maximum(h, 0)
    y_pred = a @ w2
    if y_pred.shape != y.shape:
        raise ValueError("shapes differ")
    g = 2 * (y_pred - y)
    return float(((y_pred - y) ** 2).mean()), x.T @ ((g @ w2.T) * (h > 0)), a.T @ g


# %% loss_and_grads: mean_for_both
# help: Your loss is a mean. In this chapter it is the sum of all squares, and the gradients are those of the sum.
def loss_and_grads(x, y, w1, w2):
    h = x @ w1
    a = np.maximum(h, 0)
    y_pred = a @ w2
    if y_pred.shape != y.shape:
        raise ValueError("shapes differ")
    g = 2 * (y_pred - y) / y.size
    return float(((y_pred - y) ** 2).mean()), x.T @ ((g @ w2.T) * (h > 0)), a.T @ g


# %% loss_and_grads: relu_on_the_output
# help: You put a ReLU behind the second layer too. The prediction is a @ w2 as it is: it may be negative.
def loss_and_grads(x, y, w1, w2):
    h = x @ w1
    a = np.maximum(h, 0)
    z = a @ w2
    y_pred = np.maximum(z, 0)
    if y_pred.shape != y.shape:
        raise ValueError("shapes differ")
    g = 2 * (y_pred - y) * (z > 0)
    return float(((y_pred - y) ** 2).sum()), x.T @ ((g @ w2.T) * (h > 0)), a.T @ g


# %% loss_and_grads: numpy_scalar
# help: The sum of squares is still a NumPy number; for float32 that is no Python float. Wrap it in float(...).
def loss_and_grads(x, y, w1, w2):
    h = x @ w1
    a = np.maximum(h, 0)
    y_pred = a @ w2
    if y_pred.shape != y.shape:
        raise ValueError("shapes differ")
    g = 2 * (y_pred - y)
    return ((y_pred - y) ** 2).sum(), x.T @ ((g @ w2.T) * (h > 0)), a.T @ g


# %% loss_and_grads: no_shape_check
# help: Targets of another shape were stretched to fit in silence. Raise ValueError where y_pred and y differ in shape.
def loss_and_grads(x, y, w1, w2):
    h = x @ w1
    a = np.maximum(h, 0)
    g = 2 * (a @ w2 - y)
    return float(((a @ w2 - y) ** 2).sum()), x.T @ ((g @ w2.T) * (h > 0)), a.T @ g


# %% train_two_layer: uphill
# help: You add the gradient. It points uphill; the loss rises. Subtract it.
def train_two_layer(x, y, w1, w2, lr, steps):
    losses = []
    for _ in range(steps):
        loss, g1, g2 = loss_and_grads(x, y, w1, w2)
        losses.append(loss)
        w1, w2 = w1 + lr * g1, w2 + lr * g2
    return w1, w2, losses


# %% train_two_layer: weights_in_place
# help: You update in place, so the caller's own weights change too. Write w1 = w1 - …, which makes a new array, or copy first.
def train_two_layer(x, y, w1, w2, lr, steps):
    losses = []
    for _ in range(steps):
        loss, g1, g2 = loss_and_grads(x, y, w1, w2)
        losses.append(loss)
        w1 -= lr * g1
        w2 -= lr * g2
    return w1, w2, losses


# %% train_two_layer: loss_after_update
# help: Your losses are one step late: each is measured after its update. Remember the loss before you move.
def train_two_layer(x, y, w1, w2, lr, steps):
    losses = []
    for _ in range(steps):
        _, g1, g2 = loss_and_grads(x, y, w1, w2)
        w1, w2 = w1 - lr * g1, w2 - lr * g2
        losses.append(loss_and_grads(x, y, w1, w2)[0])
    return w1, w2, losses


# %% train_two_layer: one_after_the_other
# help: The second gradient is taken after the first weight has moved. Both belong to the same point: compute both, then move both.
def train_two_layer(x, y, w1, w2, lr, steps):
    losses = []
    for _ in range(steps):
        loss, g1, _ = loss_and_grads(x, y, w1, w2)
        losses.append(loss)
        w1 = w1 - lr * g1
        g2 = loss_and_grads(x, y, w1, w2)[2]
        w2 = w2 - lr * g2
    return w1, w2, losses


# %% train_two_layer: weights_never_used
# help: The weights you return are the ones you were given, and the loss never moves: the new weights do not enter the next step.
def train_two_layer(x, y, w1, w2, lr, steps):
    losses = []
    for _ in range(steps):
        loss, g1, g2 = loss_and_grads(x, y, w1, w2)
        losses.append(loss)
    return w1, w2, losses


# %% train_two_layer: one_step_too_many
# help: There is one loss too many. `steps` updates give `steps` losses, each before its update.
def train_two_layer(x, y, w1, w2, lr, steps):
    losses = [loss_and_grads(x, y, w1, w2)[0]]
    for _ in range(steps):
        _, g1, g2 = loss_and_grads(x, y, w1, w2)
        w1, w2 = w1 - lr * g1, w2 - lr * g2
        losses.append(loss_and_grads(x, y, w1, w2)[0])
    return w1, w2, losses


# %% train_two_layer: only_second_layer
# help: Only w2 learns. w1 comes back as it went in: move it too.
def train_two_layer(x, y, w1, w2, lr, steps):
    losses = []
    for _ in range(steps):
        loss, _, g2 = loss_and_grads(x, y, w1, w2)
        losses.append(loss)
        w2 = w2 - lr * g2
    return w1, w2, losses


# %% train_two_layer: gradient_taken_once
# help: Every step goes along the first gradient, and every loss is the first one. Work both out anew in each step.
def train_two_layer(x, y, w1, w2, lr, steps):
    loss, g1, g2 = loss_and_grads(x, y, w1, w2)
    losses = []
    for _ in range(steps):
        losses.append(loss)
        w1, w2 = w1 - lr * g1, w2 - lr * g2
    return w1, w2, losses


# %% train_two_layer: last_update_missing
# help: The losses are right, but the weights have moved one time too few: after the last loss there is one more update.
def train_two_layer(x, y, w1, w2, lr, steps):
    losses = []
    for step in range(steps):
        loss, g1, g2 = loss_and_grads(x, y, w1, w2)
        losses.append(loss)
        if step < steps - 1:
            w1, w2 = w1 - lr * g1, w2 - lr * g2
    return w1, w2, losses


# %% train_two_layer: step_divided_by_batch
# help: Your steps are N times too short: you divide the gradient by the batch. The loss is a sum, and so is its gradient.
def train_two_layer(x, y, w1, w2, lr, steps):
    losses = []
    for _ in range(steps):
        loss, g1, g2 = loss_and_grads(x, y, w1, w2)
        losses.append(loss)
        w1, w2 = w1 - lr * g1 / len(x), w2 - lr * g2 / len(x)
    return w1, w2, losses


# %% train_two_layer: losses_carried_over
# help: The losses of an earlier call are still in the list: a list as a default value is made once, with the function.
def train_two_layer(x, y, w1, w2, lr, steps, losses=[]):
    for _ in range(steps):
        loss, g1, g2 = loss_and_grads(x, y, w1, w2)
        losses.append(loss)
        w1, w2 = w1 - lr * g1, w2 - lr * g2
    return w1, w2, losses


# %% train_two_layer: copied_to_float64
# help: Your weights come back as float64. A copy keeps the type it had.
def train_two_layer(x, y, w1, w2, lr, steps):
    w1, w2, losses = w1.astype("float64"), w2.astype("float64"), []
    for _ in range(steps):
        loss, g1, g2 = loss_and_grads(x, y, w1, w2)
        losses.append(loss)
        w1, w2 = w1 - lr * g1, w2 - lr * g2
    return w1, w2, losses


# %% softmax_cross_entropy: no_shift
# help: exp overflows for large logits and the loss becomes inf or nan. Subtract each row's largest logit before exp.
def softmax_cross_entropy(logits, labels):
    with np.errstate(all="ignore"):
        e = np.exp(logits)
        p = e / e.sum(axis=1, keepdims=True)
        rows = np.arange(len(labels))
        grad = p.copy()
        grad[rows, labels] -= 1
        return float(-np.log(p[rows, labels]).mean()), grad / len(labels)


# %% softmax_cross_entropy: log_of_probability
# help: A probability that underflows to 0 has the log -inf. Compute log p directly: the shifted logit minus the log of the row's sum.
def softmax_cross_entropy(logits, labels):
    with np.errstate(all="ignore"):
        e = np.exp(logits - logits.max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
        rows = np.arange(len(labels))
        grad = p.copy()
        grad[rows, labels] -= 1
        return float(-np.log(p[rows, labels]).mean()), grad / len(labels)


# %% softmax_cross_entropy: sum_for_mean
# help: What comes back is N times too large: the loss is a mean over the batch, and its gradient is divided by N too.
def softmax_cross_entropy(logits, labels):
    z = logits - logits.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    rows = np.arange(len(labels))
    grad = np.exp(log_p)
    grad[rows, labels] -= 1
    return float(-log_p[rows, labels].sum()), grad


# %% softmax_cross_entropy: gradient_not_averaged
# help: What comes back is N times too large: the loss is a mean over the batch, and its gradient is divided by N too.
def softmax_cross_entropy(logits, labels):
    z = logits - logits.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    rows = np.arange(len(labels))
    grad = np.exp(log_p)
    grad[rows, labels] -= 1
    return float(-log_p[rows, labels].mean()), grad


# %% softmax_cross_entropy: label_not_subtracted
# help: Your gradient is the probabilities themselves. Subtract 1 at the label of each row: what you said minus what is true.
def softmax_cross_entropy(logits, labels):
    z = logits - logits.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    rows = np.arange(len(labels))
    return float(-log_p[rows, labels].mean()), np.exp(log_p) / len(labels)


# %% softmax_cross_entropy: softmax_over_batch
# help: Your softmax sums to 1 down the columns. Each row is one example: sum along axis 1.
def softmax_cross_entropy(logits, labels):
    z = logits - logits.max(axis=0, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=0, keepdims=True))
    rows = np.arange(len(labels))
    grad = np.exp(log_p)
    grad[rows, labels] -= 1
    return float(-log_p[rows, labels].mean()), grad / len(labels)


# %% softmax_cross_entropy: sign_of_loss
# help: Your loss is negative. The log of a probability is; cross-entropy is minus that.
def softmax_cross_entropy(logits, labels):
    z = logits - logits.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    rows = np.arange(len(labels))
    grad = np.exp(log_p)
    grad[rows, labels] -= 1
    return float(log_p[rows, labels].mean()), grad / len(labels)


# %% softmax_cross_entropy: logits_in_place
# help: You shift the logits in place: the caller's array has changed. Make a new one.
def softmax_cross_entropy(logits, labels):
    logits -= logits.max(axis=1, keepdims=True)
    log_p = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    rows = np.arange(len(labels))
    grad = np.exp(log_p)
    grad[rows, labels] -= 1
    return float(-log_p[rows, labels].mean()), grad / len(labels)


# %% softmax_cross_entropy: small_number_added
# help: A small number inside the log hides the overflow and gives a wrong loss: with 1e-12 it never exceeds 27.6. Work
#   out log p directly, the shifted logit minus the log of the row's sum.
def softmax_cross_entropy(logits, labels):
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    rows = np.arange(len(labels))
    grad = p.copy()
    grad[rows, labels] -= 1
    return float(-np.log(p[rows, labels] + 1e-12).mean()), grad / len(labels)


# %% softmax_cross_entropy: one_maximum_for_all
# help: You shift every row by the largest logit of the whole batch. A row far below it still underflows: each row has
#   its own largest.
def softmax_cross_entropy(logits, labels):
    with np.errstate(all="ignore"):
        z = logits - logits.max()
        log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        rows = np.arange(len(labels))
        grad = np.exp(log_p)
        grad[rows, labels] -= 1
        return float(-log_p[rows, labels].mean()), grad / len(labels)


# %% softmax_cross_entropy: one_hot_not_averaged
# help: You divide the probabilities by N and then subtract a whole 1 at the label. The 1 belongs inside: (p - 1) / N.
def softmax_cross_entropy(logits, labels):
    z = logits - logits.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    rows = np.arange(len(labels))
    grad = np.exp(log_p) / len(labels)
    grad[rows, labels] -= 1
    return float(-log_p[rows, labels].mean()), grad


# %% softmax_cross_entropy: whole_columns
# help: `[:, labels]` takes those columns of every row. For one entry a row, index with two arrays: row numbers and labels.
def softmax_cross_entropy(logits, labels):
    z = logits - logits.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    grad = np.exp(log_p)
    grad[:, labels] -= 1
    return float(-log_p[:, labels].mean()), grad / len(labels)


# %% softmax_cross_entropy: numpy_scalar
# help: The mean is still a NumPy number; for float32 that is no Python float. Wrap it in float(...).
def softmax_cross_entropy(logits, labels):
    z = logits - logits.max(axis=1, keepdims=True)
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    rows = np.arange(len(labels))
    grad = np.exp(log_p)
    grad[rows, labels] -= 1
    return -log_p[rows, labels].mean(), grad / len(labels)


# %% softmax_cross_entropy: softmax_twice
# help: You take the softmax of the softmax: logits go in once, and come out as probabilities once.
def softmax_cross_entropy(logits, labels):
    def softmax(z):
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    p = softmax(softmax(logits))
    rows = np.arange(len(labels))
    grad = p.copy()
    grad[rows, labels] -= 1
    return float(-np.log(p[rows, labels]).mean()), grad / len(labels)


# %% numeric_gradient: forward_difference
# help: That is the one-sided difference (f(x + eps) - f(x)) / eps. Its error shrinks like eps; take both sides.
def numeric_gradient(f, x, eps=1e-5):
    grad = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        up = x.copy()
        up[index] += eps
        grad[index] = (f(up) - f(x.copy())) / eps
    return grad


# %% numeric_gradient: divided_by_eps
# help: Twice too large: the two points are 2·eps apart, and you divide by eps.
def numeric_gradient(f, x, eps=1e-5):
    grad = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[index] += eps
        down[index] -= eps
        grad[index] = (f(up) - f(down)) / eps
    return grad


# %% numeric_gradient: all_at_once
# help: You move every element at once and get one number for all. Move one element at a time.
def numeric_gradient(f, x, eps=1e-5):
    return np.full_like(x, (f(x + eps) - f(x - eps)) / (2 * eps))


# %% numeric_gradient: not_restored
# help: x comes back changed: adding eps and taking it away again does not always give the same bits. Keep the old value and put it back.
def numeric_gradient(f, x, eps=1e-5):
    grad = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        x[index] += eps
        up = f(x)
        x[index] -= 2 * eps
        down = f(x)
        x[index] += eps
        grad[index] = (up - down) / (2 * eps)
    return grad


# %% numeric_gradient: not_restored_after_error
# help: Where f raises, x stays changed. Put the old value back in a `finally`, or perturb a copy.
def numeric_gradient(f, x, eps=1e-5):
    grad = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        old = x[index]
        x[index] = old + eps
        up = f(x)
        x[index] = old - eps
        down = f(x)
        x[index] = old
        grad[index] = (up - down) / (2 * eps)
    return grad


# %% numeric_gradient: error_swallowed
# help: f raised, and nobody was told. Let the exception go on to the caller.
def numeric_gradient(f, x, eps=1e-5):
    grad = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[index] += eps
        down[index] -= eps
        try:
            grad[index] = (f(up) - f(down)) / (2 * eps)
        except Exception:
            grad[index] = 0.0
    return grad


# %% numeric_gradient: eps_ignored
# help: You use a step of your own. The caller chooses it: use the argument eps.
def numeric_gradient(f, x, eps=1e-5):
    grad = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[index] += 1e-5
        down[index] -= 1e-5
        grad[index] = (f(up) - f(down)) / 2e-5
    return grad


# %% numeric_gradient: two_axes_only
# help: Two loops walk over rows and columns. With one axis or three there is something else: np.ndindex(x.shape) walks
#   over every index there is.
def numeric_gradient(f, x, eps=1e-5):
    grad = np.zeros_like(x)
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            up, down = x.copy(), x.copy()
            up[i, j] += eps
            down[i, j] -= eps
            grad[i, j] = (f(up) - f(down)) / (2 * eps)
    return grad


# %% numeric_gradient: given_flat
# help: You hand f a flat array. f gets an array of x's shape.
def numeric_gradient(f, x, eps=1e-5):
    flat = x.flatten()
    grad = np.zeros_like(flat)
    for i in range(flat.size):
        up, down = flat.copy(), flat.copy()
        up[i] += eps
        down[i] -= eps
        grad[i] = (f(up) - f(down)) / (2 * eps)
    return grad.reshape(x.shape)


# %% numeric_gradient: sign_reversed
# help: The sign is turned around: it is f a little above minus f a little below.
def numeric_gradient(f, x, eps=1e-5):
    grad = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[index] += eps
        down[index] -= eps
        grad[index] = (f(down) - f(up)) / (2 * eps)
    return grad


# %% numeric_gradient: earlier_elements_stay_moved
# help: While one element is nudged, the earlier ones are still off: each has to be put back before the next. It shows
#   where the slope along one element depends on the others.
def numeric_gradient(f, x, eps=1e-5):
    x = x.copy()
    grad = np.zeros_like(x)
    for index in np.ndindex(x.shape):
        x[index] += eps
        above = f(x)
        x[index] -= 2 * eps
        grad[index] = (above - f(x)) / (2 * eps)
    return grad


# %% numeric_gradient: ravel_of_a_transpose
# help: `ravel` of a transposed array is a copy: you nudge the copy, and f never hears of it. Index x itself.
def numeric_gradient(f, x, eps=1e-5):
    flat = x.ravel()
    grad = np.zeros_like(flat)
    for i in range(flat.size):
        old = flat[i]
        try:
            flat[i] = old + eps
            above = f(x)
            flat[i] = old - eps
            below = f(x)
        finally:
            flat[i] = old
        grad[i] = (above - below) / (2 * eps)
    return grad.reshape(x.shape)


# %% judge_backward: accepts_everything
# help: You never compare the values with right ones: a wrong sign, a factor or a mean gets through. Work out what
#   should come back, and compare.
def judge_backward(candidate):
    try:
        candidate(np.ones((2, 3)), np.ones((2, 4)), np.ones((4, 3)))
    except Exception:
        return False
    return True


# %% judge_backward: says_no_to_everything
# help: You refuse every candidate, the right ones too. A judge earns nothing before it accepts what is right.
def judge_backward(candidate):
    return False


# %% judge_backward: only_shapes
# help: You never compare the values with right ones: a wrong sign, a factor or a mean gets through. Work out what
#   should come back, and compare.
def judge_backward(candidate):
    rng = np.random.default_rng(0)
    given = [rng.standard_normal(shape) for shape in ((3, 5), (3, 4), (4, 5))]
    g, x, w = (array.copy() for array in given)
    try:
        found = candidate(*given)
    except Exception:
        return False
    if not all(np.array_equal(a, b) for a, b in zip(given, (g, x, w))):
        return False
    return all(a.shape == b for a, b in zip(found, (x.shape, w.shape, (5,))))


# %% judge_backward: only_values
# help: The values are compared and the shapes are not: NumPy stretches (1, 5) against (5,), and the comparison says yes. Compare
#   shapes first.
def judge_backward(candidate):
    rng = np.random.default_rng(0)
    given = [rng.standard_normal(shape) for shape in ((3, 5), (3, 4), (4, 5))]
    g, x, w = (array.copy() for array in given)
    try:
        found = candidate(*given)
        if not all(np.array_equal(a, b) for a, b in zip(given, (g, x, w))):
            return False
        return all(bool(np.allclose(a, b)) for a, b in zip(found, (g @ w.T, x.T @ g, g.sum(axis=0))))
    except Exception:
        return False


# %% judge_backward: upstream_of_ones
# help: Your upstream gradient is all ones. A candidate that ignores grad_out, and takes ones for it, looks right to you:
#   use numbers without a pattern.
def judge_backward(candidate):
    rng = np.random.default_rng(0)
    given = [np.ones((3, 5)), rng.standard_normal((3, 4)), rng.standard_normal((4, 5))]
    g, x, w = (array.copy() for array in given)
    try:
        found = candidate(*given)
    except Exception:
        return False
    wanted = (g @ w.T, x.T @ g, g.sum(axis=0))
    pairs = [*zip(found, wanted), *zip(given, (g, x, w))]
    return all(a.shape == b.shape and bool(np.allclose(a, b)) for a, b in pairs)


# %% judge_backward: a_single_example
# help: You try a batch of one only. There a mean is a sum and one row is all rows: take several examples.
def judge_backward(candidate):
    rng = np.random.default_rng(0)
    given = [rng.standard_normal(shape) for shape in ((1, 5), (1, 4), (4, 5))]
    g, x, w = (array.copy() for array in given)
    try:
        found = candidate(*given)
    except Exception:
        return False
    wanted = (g @ w.T, x.T @ g, g.sum(axis=0))
    pairs = [*zip(found, wanted), *zip(given, (g, x, w))]
    return all(a.shape == b.shape and bool(np.allclose(a, b)) for a, b in pairs)


# %% judge_backward: equal_to_the_last_bit
# help: You ask for equality to the last bit. Right candidates add up in another order and differ in rounding: compare within
#   a tolerance.
def judge_backward(candidate):
    rng = np.random.default_rng(0)
    given = [rng.standard_normal(shape) for shape in ((3, 5), (3, 4), (4, 5))]
    g, x, w = (array.copy() for array in given)
    try:
        found = candidate(*given)
    except Exception:
        return False
    wanted = (g @ w.T, x.T @ g, g.sum(axis=0))
    pairs = [*zip(found, wanted), *zip(given, (g, x, w))]
    return all(np.array_equal(a, b) for a, b in pairs)


# %% judge_backward: exceptions_get_out
# help: A candidate raised, and it went through your judge. Any Exception makes a candidate wrong: catch Exception,
#   and say False.
def judge_backward(candidate):
    rng = np.random.default_rng(0)
    given = [rng.standard_normal(shape) for shape in ((3, 5), (3, 4), (4, 5))]
    g, x, w = (array.copy() for array in given)
    found = candidate(*given)
    wanted = (g @ w.T, x.T @ g, g.sum(axis=0))
    pairs = [*zip(found, wanted), *zip(given, (g, x, w))]
    return all(a.shape == b.shape and bool(np.allclose(a, b)) for a, b in pairs)


# %% judge_backward: only_some_exceptions
# help: A candidate raised, and it went through your judge. Any Exception makes a candidate wrong: catch Exception,
#   and say False.
def judge_backward(candidate):
    rng = np.random.default_rng(0)
    given = [rng.standard_normal(shape) for shape in ((3, 5), (3, 4), (4, 5))]
    g, x, w = (array.copy() for array in given)
    try:
        found = candidate(*given)
    except TypeError:
        return False
    wanted = (g @ w.T, x.T @ g, g.sum(axis=0))
    pairs = [*zip(found, wanted), *zip(given, (g, x, w))]
    return all(a.shape == b.shape and bool(np.allclose(a, b)) for a, b in pairs)


# %% judge_backward: arguments_not_looked_at
# help: An argument changed in place gets through. Make copies with .copy() before the call, and compare the arguments
#   with them afterwards.
def judge_backward(candidate):
    rng = np.random.default_rng(0)
    given = [rng.standard_normal(shape) for shape in ((3, 5), (3, 4), (4, 5))]
    g, x, w = (array.copy() for array in given)
    try:
        found = candidate(*given)
    except Exception:
        return False
    wanted = (g @ w.T, x.T @ g, g.sum(axis=0))
    return all(a.shape == b.shape and bool(np.allclose(a, b)) for a, b in zip(found, wanted))


# %% judge_backward: compared_with_themselves
# help: An argument changed in place gets through. Make copies with .copy() before the call, and compare the arguments
#   with them afterwards.
def judge_backward(candidate):
    rng = np.random.default_rng(0)
    given = [rng.standard_normal(shape) for shape in ((3, 5), (3, 4), (4, 5))]
    kept = list(given)
    g, x, w = (array.copy() for array in given)
    try:
        found = candidate(*given)
    except Exception:
        return False
    wanted = (g @ w.T, x.T @ g, g.sum(axis=0))
    pairs = [*zip(found, wanted), *zip(given, kept)]
    return all(a.shape == b.shape and bool(np.allclose(a, b)) for a, b in pairs)


# %% judge_backward: bias_not_looked_at
# help: You look at two of the three gradients. grad_b can be wrong as well.
def judge_backward(candidate):
    rng = np.random.default_rng(0)
    given = [rng.standard_normal(shape) for shape in ((3, 5), (3, 4), (4, 5))]
    g, x, w = (array.copy() for array in given)
    try:
        found = candidate(*given)
    except Exception:
        return False
    pairs = [*zip(found, (g @ w.T, x.T @ g)), *zip(given, (g, x, w))]
    return all(a.shape == b.shape and bool(np.allclose(a, b)) for a, b in pairs)


# %% judge_backward: weights_not_looked_at
# help: You look at two of the three gradients. grad_w can be wrong as well.
def judge_backward(candidate):
    rng = np.random.default_rng(0)
    given = [rng.standard_normal(shape) for shape in ((3, 5), (3, 4), (4, 5))]
    g, x, w = (array.copy() for array in given)
    try:
        found = candidate(*given)
    except Exception:
        return False
    pairs = [(found[0], g @ w.T), (found[2], g.sum(axis=0)), *zip(given, (g, x, w))]
    return all(a.shape == b.shape and bool(np.allclose(a, b)) for a, b in pairs)


# %% judge_backward: signs_lost
# help: You compare absolute values, and a gradient of the wrong sign passes. Compare the numbers themselves.
def judge_backward(candidate):
    rng = np.random.default_rng(0)
    given = [rng.standard_normal(shape) for shape in ((3, 5), (3, 4), (4, 5))]
    g, x, w = (array.copy() for array in given)
    try:
        found = candidate(*given)
    except Exception:
        return False
    wanted = (g @ w.T, x.T @ g, g.sum(axis=0))
    pairs = [*zip(found, wanted), *zip(given, (g, x, w))]
    return all(a.shape == b.shape and bool(np.allclose(abs(a), abs(b))) for a, b in pairs)


# %% judge_backward: directions_only
# help: You compare directions: a factor goes unseen. A gradient that is twice too long is wrong.
def judge_backward(candidate):
    rng = np.random.default_rng(0)
    given = [rng.standard_normal(shape) for shape in ((3, 5), (3, 4), (4, 5))]
    g, x, w = (array.copy() for array in given)
    try:
        found = candidate(*given)
    except Exception:
        return False

    def unit(v):
        return v / np.linalg.norm(v)

    wanted = (g @ w.T, x.T @ g, g.sum(axis=0))
    pairs = [*zip(found, wanted)]
    same = all(np.array_equal(a, b) for a, b in zip(given, (g, x, w)))
    return same and all(a.shape == b.shape and bool(np.allclose(unit(a), unit(b))) for a, b in pairs)


# %% judge_backward: one_entry_is_enough
# help: It is enough for you that some entry agrees: any() where all() is meant.
def judge_backward(candidate):
    rng = np.random.default_rng(0)
    given = [rng.standard_normal(shape) for shape in ((3, 5), (3, 4), (4, 5))]
    g, x, w = (array.copy() for array in given)
    try:
        found = candidate(*given)
    except Exception:
        return False
    wanted = (g @ w.T, x.T @ g, g.sum(axis=0))
    if not all(np.array_equal(a, b) for a, b in zip(given, (g, x, w))):
        return False
    return all(a.shape == b.shape and bool(np.isclose(a, b).any()) for a, b in zip(found, wanted))


# %% judge_backward: words_for_a_verdict
# help: Your verdict is a word. Return True or False.
def judge_backward(candidate):
    rng = np.random.default_rng(0)
    given = [rng.standard_normal(shape) for shape in ((3, 5), (3, 4), (4, 5))]
    g, x, w = (array.copy() for array in given)
    try:
        found = candidate(*given)
    except Exception:
        return "wrong"
    wanted = (g @ w.T, x.T @ g, g.sum(axis=0))
    pairs = [*zip(found, wanted), *zip(given, (g, x, w))]
    return "right" if all(a.shape == b.shape and np.allclose(a, b) for a, b in pairs) else "wrong"


# %% judge_backward: raises_for_a_verdict
# help: You raise where a candidate is wrong. A verdict is returned: False.
def judge_backward(candidate):
    rng = np.random.default_rng(0)
    given = [rng.standard_normal(shape) for shape in ((3, 5), (3, 4), (4, 5))]
    g, x, w = (array.copy() for array in given)
    try:
        found = candidate(*given)
    except Exception:
        return False
    wanted = (g @ w.T, x.T @ g, g.sum(axis=0))
    for a, b in [*zip(found, wanted), *zip(given, (g, x, w))]:
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b)
    return True
