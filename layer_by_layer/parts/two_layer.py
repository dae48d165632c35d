"""Parts of the two-layer network of chapters 1 to 5, on NumPy arrays and on tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lessonkit.lent import no_answer_to


def _leaf(array: np.ndarray) -> Any:
    import torch

    return torch.from_numpy(np.array(array)).requires_grad_()


def _numpy(tensor: Any) -> np.ndarray:
    return tensor.detach().numpy()


@no_answer_to("linear_forward")
def linear_forward(x: np.ndarray, w: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(N, D_in), (D_in, D_out), (D_out,) -> (N, D_out)."""
    import torch.nn.functional as F

    return _numpy(F.linear(_leaf(x), _leaf(w).T, _leaf(b)))


@no_answer_to("linear_backward")
def linear_backward(grad_out: np.ndarray, x: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(N, D_out), (N, D_in), (D_in, D_out) -> gradients of x, w and the bias."""
    import torch
    import torch.nn.functional as F

    leaves = _leaf(x), _leaf(w), _leaf(np.zeros(w.shape[1], w.dtype))
    out = F.linear(leaves[0], leaves[1].T, leaves[2])
    return tuple(_numpy(g) for g in torch.autograd.grad(out, leaves, torch.from_numpy(np.array(grad_out))))


@no_answer_to("relu")
def relu_forward(h: np.ndarray) -> np.ndarray:
    """Any shape -> the same shape."""
    return _numpy(_leaf(h).relu())


@no_answer_to("relu")
def relu_backward(grad_out: np.ndarray, h: np.ndarray) -> np.ndarray:
    """Upstream gradient and forward input -> gradient of the input."""
    import torch

    leaf = _leaf(h)
    return _numpy(torch.autograd.grad(leaf.relu(), leaf, torch.from_numpy(np.array(grad_out)))[0])


@no_answer_to("squared_error")
def squared_error(y_pred: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the sum of squares and its gradient; ValueError where the shapes differ."""
    import torch

    if y_pred.shape != y.shape:
        raise ValueError(f"shapes {y_pred.shape} and {y.shape} differ")
    leaf = _leaf(y_pred)
    loss = torch.nn.functional.mse_loss(leaf, torch.from_numpy(np.array(y)), reduction="sum")
    return float(loss.detach()), _numpy(torch.autograd.grad(loss, leaf)[0])


@no_answer_to("loss_and_grads")
def loss_and_grads(x: np.ndarray, y: np.ndarray, w1: np.ndarray, w2: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Return loss and gradients of the two-layer network without biases; ValueError where the shapes differ."""
    import torch

    leaves = _leaf(w1), _leaf(w2)
    y_pred = torch.from_numpy(np.array(x)).mm(leaves[0]).relu().mm(leaves[1])
    if tuple(y_pred.shape) != y.shape:
        raise ValueError(f"shapes {tuple(y_pred.shape)} and {y.shape} differ")
    loss = torch.nn.functional.mse_loss(y_pred, torch.from_numpy(np.array(y)), reduction="sum")
    grads = torch.autograd.grad(loss, leaves)
    return float(loss.detach()), _numpy(grads[0]), _numpy(grads[1])


@no_answer_to("numeric_gradient")
def numeric_gradient(f: Callable[[np.ndarray], float], x: np.ndarray, eps: float = 1e-5) -> np.ndarray:
    """Central differences of `f: array -> float` at every element of `x`, which is left alone; x's shape."""
    moves = np.eye(x.size).reshape(x.size, *x.shape) * eps
    slopes = [(f(x + move) - f(x - move)) / (2 * eps) for move in moves]
    return np.array(slopes, dtype=x.dtype).reshape(x.shape)


@no_answer_to("train_two_layer")
def train_two_layer(
    x: np.ndarray, y: np.ndarray, w1: np.ndarray, w2: np.ndarray, lr: float, steps: int
) -> tuple[np.ndarray, np.ndarray, list[float]]:
    """Gradient descent: the weights after `steps` updates and the loss before each."""
    losses = []
    for _ in range(steps):
        loss, *grads = loss_and_grads(x, y, w1, w2)
        losses.append(loss)
        w1, w2 = (w - lr * grad for w, grad in zip((w1, w2), grads, strict=True))
    return w1, w2, losses


@no_answer_to("tensor_loss_and_grads")
def tensor_loss_and_grads(x: Any, y: Any, w1: Any, w2: Any) -> tuple[Any, Any, Any]:
    """Return `loss_and_grads` of tensors: the loss as a 0-dim tensor, whatever the global grad mode."""
    import torch

    with torch.enable_grad():
        leaves = [w.detach().clone().requires_grad_() for w in (w1, w2)]
        y_pred = x.mm(leaves[0]).relu().mm(leaves[1])
        if y_pred.shape != y.shape:
            raise ValueError(f"shapes {tuple(y_pred.shape)} and {tuple(y.shape)} differ")
        loss = torch.nn.functional.mse_loss(y_pred, y, reduction="sum")
    return (loss.detach(), *torch.autograd.grad(loss, leaves))


@no_answer_to("softmax_cross_entropy")
def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> tuple[float, np.ndarray]:
    """(N, C), (N,) -> mean cross-entropy and its gradient (N, C)."""
    import torch

    leaf = _leaf(logits)
    loss = torch.nn.functional.cross_entropy(leaf, torch.from_numpy(np.asarray(labels)))
    return float(loss.detach()), _numpy(torch.autograd.grad(loss, leaf)[0])


@no_answer_to("log_softmax")
def log_softmax(x: Any, dim: int) -> Any:
    """Tensor of any shape -> the same shape, differentiable."""
    import torch

    return torch.log_softmax(x, dim)
