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
        self.scale = dim**-0.5  # of the width it was made for: who makes it for another one has to see it

    def forward(self, query: Any, key: Any, value: Any, mask: Any = None) -> Any:
        """Return the values' weighted means, one for each query."""
        return F.scaled_dot_product_attention(query, key, value, attn_mask=mask, scale=self.scale)


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


def operations(function: Callable[[], Any]) -> int:
    """Return how many torch operations a call of `function` runs."""
    from torch.utils._python_dispatch import TorchDispatchMode

    class Count(TorchDispatchMode):
        total = 0

        def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            Count.total += 1
            return operation(*args, **(kwargs or {}))

    with Count():
        function()
    return Count.total


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


@no_answer_to("residual_block")
class ResidualBlock(nn.Module):
    """(N, channels, H, W) -> the same shape: ReLU(x + bn2(conv2(ReLU(bn1(conv1(x))))))."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x: Any) -> Any:
        """Return the changed images."""
        return (x + self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))).relu()


@no_answer_to("gated_residual_block")
class GatedResidualBlock(nn.Module):
    """(N, dim, H, W) -> the same shape: x + sigmoid(gate(y)) · y with y = conv(x)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.conv, self.gate = nn.Conv2d(dim, dim, 3, padding=1), nn.Conv2d(dim, dim, 1)

    def forward(self, x: Any) -> Any:
        """Return x with that part of the change that the gate lets pass."""
        y = self.conv(x)
        return x + torch.sigmoid(self.gate(y)) * y


@no_answer_to("transformer_block")
class TransformerBlock(nn.Module):
    """(B, N, d_model) -> the same shape, pre-norm: x + attention(ln1(x)), then x + mlp(ln2(x))."""

    def __init__(self, d_model: int, n_heads: int) -> None:
        super().__init__()
        self.ln1, self.ln2 = LayerNorm(d_model), LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, n_heads)
        self.mlp = nn.Sequential(nn.Linear(d_model, 4 * d_model), nn.GELU(), nn.Linear(4 * d_model, d_model))

    def forward(self, x: Any, causal: bool = False) -> Any:
        """Return the steps after exchanging and thinking."""
        x = x + self.attention(self.ln1(x), causal=causal)
        return x + self.mlp(self.ln2(x))


@no_answer_to("is_causal")
def is_causal(module: Any, length: int, dim: int) -> bool:
    """Return True where no output depends on a later input, in evaluation mode."""
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    x = torch.randn(1, length, dim, dtype=dtype)
    module.eval()
    with torch.no_grad():
        before, leak = module(x), 0.0
        for s in range(1, length):
            changed = x.clone()
            changed[:, s] = torch.randn(dim, dtype=dtype)
            leak = max(leak, float((module(changed) - before)[:, :s].abs().max()))
    for part, training in modes:
        part.training = training
    return leak < 1e-5
