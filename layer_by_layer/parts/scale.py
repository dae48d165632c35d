"""Parts of chapter 14: counting operations, mods for flex_attention, and the layers and tools of several ranks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.nn import functional as F

from lessonkit.lent import no_answer_to


@no_answer_to("count_operations")
def count_operations(function: Callable[..., Any], *inputs: Any) -> Counter[str]:
    """Return how often each operation stands in the graphs that torch.compile captures for one call."""
    counts: Counter[str] = Counter()

    def backend(module: Any, _: Any) -> Any:
        for node in module.graph.nodes:
            if node.op == "call_module":
                counts[type(module.get_submodule(node.target)).__name__] += 1
            elif node.op in ("call_function", "call_method"):
                counts[getattr(node.target, "__name__", node.target)] += 1
        return module.forward

    torch._dynamo.reset()
    torch.compile(function, backend=backend)(*inputs)
    return counts


@no_answer_to("attention_mods")
def sliding_window(width: int) -> Callable[..., Any]:
    """Return a mask_mod: the last `width` steps, this one included."""
    return lambda b, h, q, k: (k <= q) & (k > q - width)


@no_answer_to("attention_mods")
def alibi(slopes: Any) -> Callable[..., Any]:
    """Return a score_mod that takes slopes[h] off a score for each step of distance."""
    return lambda score, b, h, q, k: score + slopes[h] * (k - q)


@no_answer_to("average_gradients")
def broadcast_parameters(model: Any) -> None:
    """Give every rank rank 0's parameters and buffers."""
    for tensor in (*model.parameters(), *model.buffers()):
        dist.broadcast(tensor.data, src=0)


@no_answer_to("average_gradients")
def average_gradients(model: Any) -> None:
    """Make every gradient the mean over ranks."""
    for parameter in model.parameters():
        if parameter.grad is not None:
            dist.all_reduce(parameter.grad)
            parameter.grad.div_(dist.get_world_size())


class _ToAll(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        grad = grad.contiguous().clone()
        dist.all_reduce(grad)
        return grad


class _FromAll(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        total = x.contiguous().clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, grad: Any) -> Any:
        return grad


def _share_of(features: int) -> int:
    if features % dist.get_world_size():
        raise ValueError(f"{dist.get_world_size()} ranks do not divide {features} features")
    return features // dist.get_world_size()


@no_answer_to("column_parallel")
class ColumnParallelLinear(nn.Module):
    """(..., in), whole -> this rank's slice of (..., out)."""

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(_share_of(out_features), in_features) / in_features**0.5)

    def forward(self, x: Any) -> Any:
        """Return this rank's outputs; the input's gradient is summed over ranks."""
        return F.linear(_ToAll.apply(x), self.weight)


@no_answer_to("column_parallel")
class RowParallelLinear(nn.Module):
    """This rank's slice of (..., in) -> (..., out), whole."""

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_features, _share_of(in_features)) / in_features**0.5)

    def forward(self, x: Any) -> Any:
        """Return the sum over ranks."""
        return _FromAll.apply(F.linear(x, self.weight))


@no_answer_to("sharded_optimizer")
class ShardedAdamW:
    """AdamW whose moments lie on one rank each."""

    def __init__(self, params: Iterable[Any], lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8, weight_decay: float = 1e-2) -> None:
        self.params = list(params)
        self.shares = [nn.Parameter(self._share(p).clone()) for p in self.params]
        self.inner = torch.optim.AdamW(self.shares, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    @staticmethod
    def _share(tensor: Any) -> Any:
        return tensor.detach().reshape(-1).tensor_split(dist.get_world_size())[dist.get_rank()]

    @torch.no_grad()
    def step(self) -> None:
        """Update each rank's share, and put the shares together on all."""
        for p, share in zip(self.params, self.shares, strict=True):
            share.grad = None if p.grad is None else self._share(p.grad)
            share.copy_(self._share(p))
        self.inner.step()
        for p, share in zip(self.params, self.shares, strict=True):
            share.grad = None
            pieces = [torch.empty_like(piece) for piece in p.reshape(-1).tensor_split(dist.get_world_size())]
            for source, piece in enumerate(pieces):
                piece.copy_(share) if source == dist.get_rank() else None
                dist.broadcast(piece, src=source)
            p.copy_(torch.cat(pieces).view_as(p))

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for p in self.params:
            p.grad = None


def _place() -> tuple[int, int]:
    return (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)


@no_answer_to("sharded_checkpoint")
def save_sharded(model: Any, folder: str) -> None:
    """Write this rank's share of every parameter and buffer."""
    rank, world = _place()
    meet = dist.barrier if dist.is_initialized() else (lambda: None)
    if rank == 0:
        for old in Path(folder).glob("share*.pt"):
            old.unlink()
    meet()
    state = {name: t.detach().reshape(-1).tensor_split(world)[rank].clone() for name, t in (*model.named_parameters(), *model.named_buffers())}
    torch.save({"world": world, "state": state}, Path(folder) / f"share{rank}.pt")
    meet()


@no_answer_to("sharded_checkpoint")
def load_sharded(model: Any, folder: str) -> None:
    """Put the shares together again, however many ranks wrote them."""
    first = torch.load(Path(folder) / "share0.pt", weights_only=True)
    rest = [torch.load(Path(folder) / f"share{i}.pt", weights_only=True) for i in range(1, first["world"])]
    named = dict((*model.named_parameters(), *model.named_buffers()))
    whole = {name: torch.cat([one["state"][name] for one in (first, *rest)]).view_as(t) for name, t in named.items()}
    with torch.no_grad():
        for name, t in named.items():
            t.copy_(whole[name])
