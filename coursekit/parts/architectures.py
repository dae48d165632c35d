"""Parts of chapter 9: attention and layer norm to lend, weights to set, and modules over time to be judged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import nn

from coursekit.inputs import rng, tensor


class SimpleAttention(nn.Module):
    """(..., L, dim), (..., S, dim), (..., S, E) and a mask, True where a query may look -> (..., L, E)."""

    def __init__(self, dim: int) -> None:
        super().__init__()

    def forward(self, query: Any, key: Any, value: Any, mask: Any = None) -> Any:
        """Return the values' weighted means, one for each query."""
        scores = query @ key.transpose(-2, -1) / query.shape[-1] ** 0.5
        if mask is not None:
            scores = scores.masked_fill(~mask, -torch.inf)
        return scores.softmax(dim=-1) @ value


class MultiHeadAttention(nn.Module):
    """(B, N, C) -> (B, N, C), with `to_qkv` and `proj`; ValueError where the heads do not divide C."""

    def __init__(self, embed_dim: int, num_heads: int) -> None:
        super().__init__()
        if embed_dim % num_heads:
            raise ValueError(f"{num_heads} heads do not divide {embed_dim} values")
        self.num_heads = num_heads
        self.to_qkv = nn.Linear(embed_dim, 3 * embed_dim)
        self.proj = nn.Linear(embed_dim, embed_dim)

    def forward(self, x: Any, causal: bool = False) -> Any:
        """Return what each step found; with `causal`, step t looks at steps 0 to t."""
        parts = [one.unflatten(-1, (self.num_heads, -1)).transpose(1, 2) for one in self.to_qkv(x).chunk(3, dim=-1)]
        steps = torch.arange(x.shape[1])
        out = SimpleAttention(0)(*parts, mask=steps[:, None] >= steps if causal else None)
        return self.proj(out.transpose(1, 2).flatten(2))


class LayerNorm(nn.LayerNorm):
    """torch's, with the argument's name of this course."""

    def __init__(self, dim: int, eps: float = 1e-5) -> None:
        super().__init__(dim, eps=eps)


def put(parameters: Iterable[Any], shapes: Sequence[tuple[int, ...]], seed: int, scale: float = 0.5) -> None:
    """Write numbers from a seed of the check's into `parameters`, in place.

    Raises ValueError where their number or a shape is not as in `shapes`.
    """
    found = list(parameters)
    if [tuple(p.shape) for p in found] != [tuple(shape) for shape in shapes]:
        raise ValueError(f"parameters of shapes {[tuple(p.shape) for p in found]}, expected {[*shapes]}")
    with torch.no_grad():
        for i, parameter in enumerate(found):
            parameter.copy_(scale * tensor(seed + i, *parameter.shape, dtype="float64"))


def over_time(function: Callable[..., Any], *children: Any) -> Any:
    """Return a module (1, T, D) -> (1, T, E) that computes `function(x, *children)`, or with `self` where it asks for it.

    `children`, modules or tensors, become submodules and parameters. A module without any gets one that it does not
    use: a module's dtype is asked of its parameters.
    """

    class OverTime(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            for i, child in enumerate(children):
                setattr(self, f"part{i}", child if isinstance(child, nn.Module) else nn.Parameter(child))
            if not list(self.parameters()):
                self.unused = nn.Parameter(torch.zeros(1))

        def forward(self, x: Any) -> Any:
            own = [getattr(self, f"part{i}") for i in range(len(children))]
            if function.__code__.co_varnames[:1] == ("self",):
                return function(self, x, *own)
            return function(x, *own)

    return OverTime()


def filled(module: Any, seed: int, scale: float = 0.5) -> Any:
    """Give a module of the course's own weights from a seed of the check's; return it."""
    put(module.parameters(), [tuple(p.shape) for p in module.parameters()], seed, scale)
    return module


def shuffled(seed: int, *items: Any) -> list[Any]:
    """Return `items` in an order that depends on `seed` and on the check's base seed."""
    return [items[i] for i in rng(seed).permutation(len(items))]


def state_of(module: Any) -> dict[str, Any]:
    """Return what a function that only looks at a module has to leave as it was, in a form that can be compared."""
    return {
        "modes": [m.training for m in module.modules()],
        "values": [t.detach().clone() for t in (*module.parameters(), *module.buffers())],
        "grads": [None if p.grad is None else p.grad.clone() for p in module.parameters()],
        "flags": [p.requires_grad for p in module.parameters()],
        "hooks": sum(len(m._forward_hooks) + len(m._forward_pre_hooks) for m in module.modules()),
    }
