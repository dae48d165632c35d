"""Chapter 5's parts, for its pictures and for checks of later exercises: torch's own layers under their names.

They do what the contract says and show nothing of how; asked for by a solution they refuse.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from lessonkit.lent import no_answer_to


@no_answer_to("build_mlp")
def build_mlp(sizes: Sequence[int]) -> nn.Sequential:
    """[d0, …, dk] -> k layers with a ReLU between every two; ValueError for fewer than two sizes."""
    if len(sizes) < 2:
        raise ValueError(f"a layer has an input and an output size; sizes has {len(sizes)} entries")
    pairs = [layer for ends in itertools.pairwise(sizes) for layer in (nn.Linear(*ends), nn.ReLU())]
    return nn.Sequential(*pairs[:-1])


@no_answer_to("train_step")
def train_step(model: nn.Module, loss_fn: Callable[[Tensor, Tensor], Tensor], x: Tensor, y: Tensor, lr: float) -> float:
    """One step of plain gradient descent over the model's parameters -> the loss before the step."""
    loss = loss_fn(model(x), y)
    used = [p for p in model.parameters() if p.requires_grad]
    with torch.no_grad():
        for p, grad in zip(used, torch.autograd.grad(loss, used, allow_unused=True), strict=True):
            if grad is not None:
                p -= lr * grad
    return float(loss.detach())


@no_answer_to("judge_cross_entropy")
def judge_cross_entropy(candidate: type[nn.Module]) -> bool:
    """A class that claims to be CrossEntropyLoss -> is it right? Compared with torch's own on a few batches."""
    logits = torch.tensor([[0.5, -1.0, 2.0, 0.0], [1.5, 0.3, -0.7, 1.0], [0.1, 0.2, -2.0, 0.4], [3.0, 1.0, 0.0, -1.0]])
    batches = [(logits, [2, 1, 3, 0], -100), (logits, [2, -100, 3, 0], -100), (logits, [2, 1, 0, 0], 0), (logits, [1, -7, 2, 0], -7)]
    large = torch.tensor([[1e4, -1e4, 0.0, 1.0], [0.0, 1e4, -1e4, 2.0]])
    batches.append((large, [1, 1], -100))
    return all(_agrees(candidate, rows, torch.tensor(labels), ignored) for rows, labels, ignored in batches)


def _agrees(candidate: type[nn.Module], logits: Tensor, labels: Tensor, ignored: int) -> bool:
    def run(kind: type[nn.Module]) -> list[Tensor]:
        leaf = logits.clone().requires_grad_()
        loss = kind(ignore_index=ignored)(leaf, labels.clone())
        return [loss.detach(), torch.autograd.grad(loss, leaf)[0]]

    wanted = run(nn.CrossEntropyLoss)
    try:
        found = run(candidate)
    except Exception:
        return False
    return all(torch.allclose(one, other, atol=1e-5) for one, other in zip(found, wanted, strict=True))


def chained(container: Callable[..., nn.Module]) -> list[object]:
    """A tiny trial of a container: its length, its walk, its output."""
    layers = [nn.Linear(1, 1) for _ in range(3)]
    for k, layer in enumerate(layers):
        layer.load_state_dict({"weight": torch.tensor([[2.0]]), "bias": torch.tensor([float(k)])})
    chain = container(*layers)
    walk = [layers.index(layer) for layer in itertools.islice(chain, 6)]  # type: ignore[call-overload]
    return [len(chain), walk, chain(torch.ones(1, 1)).detach()]  # type: ignore[arg-type]


def losses(kind: Callable[..., nn.Module]) -> list[Tensor]:
    """A tiny trial of a mean squared error: every reduction."""
    one, other = torch.tensor([1.0, 5.0]), torch.tensor([0.0, 3.0])
    return [kind(reduction=how)(one, other) for how in ("mean", "sum", "none")]


def ignoring(kind: Callable[..., nn.Module]) -> list[Tensor]:
    """A tiny trial of a cross-entropy: a value with an ignored label, and its gradient."""
    logits = torch.tensor([[1.0, 0.0, -1.0], [0.5, 2.0, 0.0]], requires_grad=True)
    loss = kind()(logits, torch.tensor([2, -100]))
    return [loss.detach(), torch.autograd.grad(loss, logits)[0]]


def stepped(step: Callable[..., float]) -> list[object]:
    """A tiny trial of a training step: the losses of two steps, and the weight afterwards."""
    model = nn.Linear(1, 1)
    model.load_state_dict({"weight": torch.tensor([[2.0]]), "bias": torch.tensor([0.5])})
    x, y = torch.tensor([[1.0], [2.0]]), torch.tensor([[0.0], [1.0]])
    return [*(float(step(model, nn.MSELoss(), x, y, 0.1)) for _ in range(2)), model.weight.detach()]


def dropped(kind: Callable[..., nn.Module]) -> list[object]:
    """A tiny trial of dropout: both modes, and which values 1000 ones become."""
    layer, ones = kind(0.5), torch.ones(1000)
    values = layer.train()(ones)
    return [layer.eval()(ones[:3]), sorted(set(values.tolist())), 300 < int((values == 0).sum()) < 700]


def normalised(kind: Callable[..., nn.Module]) -> list[Tensor]:
    """A tiny trial of batch norm: a batch in training, its memory, a row in evaluation."""
    layer, batch = kind(2), torch.tensor([[1.0, 10.0], [3.0, 30.0], [4.0, 0.0]])
    seen = [layer.train()(batch).detach()]
    seen += [layer.running_mean.clone(), layer.running_var.clone()]  # type: ignore[operator, union-attr]
    return [*seen, layer.eval()(batch[:1]).detach()]
