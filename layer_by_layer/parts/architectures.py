"""Parts of chapter 9: attention and layer norm to lend, weights to set, and modules over time to be judged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F

from lessonkit.inputs import rng, tensor
from lessonkit.lent import no_answer_to


@no_answer_to("attention")
class SimpleAttention(nn.Module):
    """(..., L, dim), (..., S, dim), (..., S, E) and a mask, True where a query may look -> (..., L, E)."""

    def __init__(self, dim: int) -> None:
        super().__init__()

    def forward(self, query: Any, key: Any, value: Any, mask: Any = None) -> Any:
        """Return the values' weighted means, one for each query."""
        return F.scaled_dot_product_attention(query, key, value, attn_mask=mask)


@no_answer_to("multi_head_attention")
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
        barred = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1) if causal else None
        steps = x.transpose(0, 1)  # torch's own function has time first
        return F.multi_head_attention_forward(
            steps, steps, steps, x.shape[-1], self.num_heads, self.to_qkv.weight, self.to_qkv.bias, None, None, False, 0.0,
            self.proj.weight, self.proj.bias, need_weights=False, attn_mask=barred,
        )[0].transpose(0, 1)  # fmt: skip


@no_answer_to("layer_norm")
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


def in_common(one: Any, other: Any) -> int:
    """Return how many parameters two modules share."""
    return len({id(p) for p in one.parameters()} & {id(p) for p in other.parameters()})


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


_HOOKS = ("forward_hooks", "forward_pre_hooks", "backward_hooks", "backward_pre_hooks")


def state_of(module: Any) -> dict[str, Any]:
    """Return what a function that only looks at a module has to leave as it was, in a form that can be compared."""
    return {
        "modes": [m.training for m in module.modules()],
        "values": [t.detach().clone() for t in (*module.parameters(), *module.buffers())],
        "grads": [None if p.grad is None else p.grad.clone() for p in module.parameters()],
        "flags": [p.requires_grad for p in module.parameters()],
        "hooks": sum(len(getattr(m, f"_{kind}")) for m in module.modules() for kind in _HOOKS),
    }
