"""Chapter 6's parts, for its pictures: torch's own optimizers with `lr` as an attribute, and what goes with them.

They do what the contract says and show nothing of how; asked for by a solution they refuse.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from lessonkit.lent import no_answer_to


class _LrAsAttribute:
    """Hands `self.lr` to the optimizer's one group before each step."""

    lr: float

    def step(self, *arguments: Any) -> Any:
        self.param_groups[0]["lr"] = self.lr  # type: ignore[attr-defined]  # of the optimizer beside it
        return super().step(*arguments)  # type: ignore[misc]


@no_answer_to("sgd")
class SGD(_LrAsAttribute, torch.optim.SGD):
    """SGD(params, lr, momentum, weight_decay, nesterov)."""

    def __init__(self, params: Iterable[Tensor], lr: float, momentum: float = 0.0, weight_decay: float = 0.0, nesterov: bool = False) -> None:
        super().__init__(params, lr=lr, momentum=momentum, weight_decay=weight_decay, nesterov=nesterov)
        self.lr = lr


@no_answer_to("adam")
class Adam(_LrAsAttribute, torch.optim.Adam):
    """Adam(params, lr, betas, eps)."""

    def __init__(self, params: Iterable[Tensor], lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8) -> None:
        super().__init__(params, lr=lr, betas=betas, eps=eps)
        self.lr = lr


@no_answer_to("adamw")
class AdamW(_LrAsAttribute, torch.optim.AdamW):
    """AdamW(params, lr, betas, eps, weight_decay)."""

    def __init__(
        self, params: Iterable[Tensor], lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8,
        weight_decay: float = 1e-2,
    ) -> None:  # fmt: skip
        super().__init__(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)
        self.lr = lr


@no_answer_to("warmup_cosine")
def warmup_cosine(step: int, base_lr: float, warmup_steps: int, total_steps: int, min_lr: float = 0.0) -> float:
    """A step's number -> its learning rate: a straight climb, half a cosine, then min_lr."""
    if step < warmup_steps:
        return base_lr * (step + 1) / warmup_steps
    done = min(1.0, (step - warmup_steps) / max(1, total_steps - warmup_steps)) if step < total_steps else 1.0
    return min_lr + (base_lr - min_lr) * (1 + math.cos(math.pi * done)) / 2


@no_answer_to("clip_grad_norm")
def clip_grad_norm(params: Iterable[Tensor], max_norm: float) -> float:
    """Parameters with gradients -> the norm before clipping; gradients are scaled in place where it is too long."""
    return float(nn.utils.clip_grad_norm_(params, max_norm))


@no_answer_to("param_groups")
def param_groups(model: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """A model -> the group that decays (two or more dimensions) and the one that does not."""
    trainable = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p for p in trainable if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in trainable if p.ndim < 2], "weight_decay": 0.0},
    ]


@no_answer_to("checkpoint")
def save_checkpoint(path: str, model: nn.Module, optimizer: torch.optim.Optimizer, epoch: int) -> None:
    """Write what training needs in order to go on."""
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}, path)


@no_answer_to("checkpoint")
def load_checkpoint(path: str, model: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    """Fill model and optimizer from the file -> the epoch saved."""
    saved = torch.load(path, weights_only=True)
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    return int(saved["epoch"])


@no_answer_to("judge_adam")
def judge_adam(candidate: type) -> bool:
    """A class that claims to be Adam -> is it right? Compared with torch's own on a few short ways."""
    settings: list[dict[str, Any]] = [{"lr": 0.1}, {"lr": 0.1, "betas": (0.6, 0.8), "eps": 0.1}]
    try:
        return all(_same_way(candidate, options) for options in settings * 2)
    except Exception:
        return False


def _same_way(candidate: type, options: dict[str, Any]) -> bool:
    wanted, found = _way(Adam, options), _way(candidate, options)
    return all(torch.allclose(one, other, rtol=1e-4, atol=1e-5) for one, other in zip(found, wanted, strict=True))


def _way(make: Callable[..., Any], options: dict[str, Any]) -> list[Tensor]:
    """Eight steps of two parameters, the second one absent now and then, with lr changed half way."""
    start = [torch.tensor([1.0, -2.0, 0.5]), torch.tensor([0.3, 2.0, -1.0])]
    params = [p.clone().requires_grad_() for p in start]
    opt, seen = make((p for p in params), **options), []
    rows = torch.sin(torch.arange(48.0) ** 1.3).reshape(8, 2, 3)
    for step, row in enumerate(rows):
        opt.lr = options["lr"] if step < 4 else 0.03
        for i, p in enumerate(params):
            p.grad = None if i and step in (0, 1, 5) else row[i] * (1 + 9 * i)
        opt.step()
        seen += [p.detach().clone() for p in params]
        seen += [torch.zeros(3) if p.grad is None else p.grad.clone() for p in params]
    return seen


def way(make: Callable[..., Any]) -> list[Tensor]:
    """A tiny trial of an optimizer class of this chapter: eight steps of two parameters."""
    return _way(make, {"lr": 0.1})


def way_of_sgd(make: Callable[..., Any]) -> list[Tensor]:
    """A tiny trial of an SGD class of this chapter: eight steps with momentum."""
    return _way(make, {"lr": 0.1, "momentum": 0.5})
