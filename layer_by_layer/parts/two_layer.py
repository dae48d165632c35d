"""Parts of the two-layer network of chapters 1 to 5, on NumPy arrays and on tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lessonkit.lent import no_answer_to


def _tensors(*arrays: Any) -> list[Any]:
    """Copies as tensors of the one floating type that NumPy would compute in."""
    import torch

    common = np.result_type(*arrays)
    kind = common if np.issubdtype(common, np.floating) else np.dtype(np.float64)
    return [torch.from_numpy(np.array(array, dtype=kind)) for array in arrays]


def _leaf(array: np.ndarray) -> Any:
    return _tensors(array)[0].requires_grad_()


def _meet(x: np.ndarray, w: np.ndarray) -> None:
    """Raise ValueError in NumPy's words, which a chapter without PyTorch can read, where `x @ w` has no value."""
    if np.ndim(x) != 2 or np.ndim(w) != 2 or np.shape(x)[1] != np.shape(w)[0]:
        raise ValueError(f"x @ w: the sizes of {np.shape(x)} and {np.shape(w)} do not meet in the middle")


def _numpy(tensor: Any) -> np.ndarray:
    return tensor.detach().numpy()


@no_answer_to("linear_forward")
def linear_forward(x: np.ndarray, w: np.ndarray, b: np.ndarray | float = 0.0) -> np.ndarray:
    """(N, D_in), (D_in, D_out), (D_out,) or a number -> (N, D_out); ValueError where the sizes do not meet."""
    import torch.nn.functional as F

    _meet(x, w)
    given, weight, bias = _tensors(x, w, b)
    return np.asarray(F.linear(given, weight.T, bias.expand(weight.shape[1])).numpy())


@no_answer_to("linear_backward")
def linear_backward(grad_out: np.ndarray, x: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(N, D_out), (N, D_in), (D_in, D_out) -> gradients of x, w and the bias."""
    import torch
    import torch.nn.functional as F

    _meet(x, w)
    upstream, *made = _tensors(grad_out, x, w, np.zeros(w.shape[1], w.dtype))
    leaves = [tensor.requires_grad_() for tensor in made]
    out = F.linear(leaves[0], leaves[1].T, leaves[2])
    return tuple(_numpy(g) for g in torch.autograd.grad(out, leaves, upstream))


@no_answer_to("judge_backward")
def judge_backward(candidate: Callable[[np.ndarray, np.ndarray, np.ndarray], Any]) -> bool:
    """Return True where `candidate` computes `linear_backward` and leaves its arguments alone."""
    rng = np.random.default_rng(0)
    given = [rng.standard_normal(shape) for shape in ((3, 5), (3, 2), (2, 5))]
    kept = [array.copy() for array in given]
    try:
        found = [np.asarray(gradient) for gradient in candidate(*given)]
    except Exception:
        return False
    wanted = linear_backward(*kept)
    if len(found) != len(wanted):
        return False
    pairs = [*zip(found, wanted, strict=True), *zip(given, kept, strict=True)]
    return all(one.shape == other.shape and np.allclose(one, other) for one, other in pairs)


@no_answer_to("relu")
def relu_forward(h: np.ndarray) -> np.ndarray:
    """Any shape -> the same shape."""
    return _numpy(_leaf(h).relu())


@no_answer_to("relu")
def relu_backward(grad_out: np.ndarray, h: np.ndarray) -> np.ndarray:
    """Upstream gradient and forward input -> gradient of the input."""
    import torch

    upstream, leaf = _tensors(grad_out, h)
    leaf.requires_grad_()
    return _numpy(torch.autograd.grad(leaf.relu(), leaf, upstream)[0])


@no_answer_to("squared_error")
def squared_error(y_pred: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    """Return the sum of squares and its gradient; ValueError where the shapes differ."""
    import torch

    if y_pred.shape != y.shape:
        raise ValueError(f"shapes {y_pred.shape} and {y.shape} differ")
    leaf, wanted = _tensors(y_pred, y)
    leaf.requires_grad_()
    loss = torch.nn.functional.mse_loss(leaf, wanted, reduction="sum")
    return float(loss.detach()), _numpy(torch.autograd.grad(loss, leaf)[0])


@no_answer_to("loss_and_grads")
def loss_and_grads(x: np.ndarray, y: np.ndarray, w1: np.ndarray, w2: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Return loss and gradients of the two-layer network without biases; ValueError where the shapes differ."""
    import torch

    _meet(x, w1)
    given, wanted, *made = _tensors(x, y, w1, w2)
    leaves = [tensor.requires_grad_() for tensor in made]
    y_pred = given.mm(leaves[0]).relu().mm(leaves[1])
    if tuple(y_pred.shape) != y.shape:
        raise ValueError(f"shapes {tuple(y_pred.shape)} and {y.shape} differ")
    loss = torch.nn.functional.mse_loss(y_pred, wanted, reduction="sum")
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
