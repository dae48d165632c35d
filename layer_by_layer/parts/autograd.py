"""Parts of chapter 3: what its exercises define, for pictures and for checks of later exercises."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from lessonkit.lent import no_answer_to

if TYPE_CHECKING:
    from torch import Tensor, nn


@no_answer_to("autograd_train")
def autograd_train(x: Tensor, y: Tensor, w1: Tensor, w2: Tensor, lr: float, steps: int) -> list[float]:
    """Gradient descent on two leaves, in place; the loss before each of `steps` updates."""
    import torch

    optimizer, losses = torch.optim.SGD([w1, w2], lr), []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(x.mm(w1).relu().mm(w2), y, reduction="sum")
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    optimizer.zero_grad()
    return losses


@no_answer_to("sgd_update")
def sgd_update(params: Iterable[Tensor], lr: float) -> None:
    """One step of gradient descent in place; every grad is None afterwards."""
    import torch

    optimizer = torch.optim.SGD(list(params), lr)
    optimizer.step()
    optimizer.zero_grad()


@no_answer_to("target_loss")
def target_loss(online: nn.Module, target: nn.Module, x: Tensor) -> Tensor:
    """Mean square of online(x) - target(x), with gradient for `online` only."""
    import torch

    return torch.nn.functional.mse_loss(online(x), target(x).detach())


@no_answer_to("freeze")
def freeze(model: nn.Module, prefixes: list[str] | tuple[str, ...]) -> list[str]:
    """Stop the gradients of parameters whose names begin with a prefix; the names of the others."""
    for prefix in prefixes:
        for name, parameter in model.named_parameters():
            parameter.requires_grad_(parameter.requires_grad and not name.startswith(prefix))
    return [name for name, parameter in model.named_parameters() if parameter.requires_grad]


@no_answer_to("jacobian")
def jacobian(f: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Derivatives of every output by every input: shape f(x).shape + x.shape."""
    import torch

    return torch.autograd.functional.jacobian(f, x)


@no_answer_to("hessian_vector_product")
def hessian_vector_product(f: Callable[[Tensor], Tensor], x: Tensor, v: Tensor) -> Tensor:
    """The Hessian of `f` at `x` times `v`, in the shape of `x`."""
    import torch

    return torch.autograd.functional.hvp(f, x, v)[1]


@no_answer_to("graph_nodes")
def graph_nodes(t: Tensor) -> list[str]:
    """Names of the nodes of the graph above `t`, the newest operation first, leaves last."""
    todo = [] if t.grad_fn is None else [t.grad_fn]
    for node in todo:  # grows while it is walked
        todo += [child for child, _ in node.next_functions if child is not None and child not in todo]
    leaves = [node for node in todo if hasattr(node, "variable")]
    inner = sorted(set(todo) - set(leaves), key=lambda node: -node._sequence_nr())
    return [type(node).__name__ for node in [*inner, *leaves]]


@no_answer_to("my_backward")
def my_backward(loss: Tensor) -> None:
    """Add the gradients of a 0-dim loss to the `.grad` of every leaf it depends on."""
    loss.backward()
