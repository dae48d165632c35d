"""Parts of chapter 13: norm, positions, gated MLP, attention, cache, adapter, checkpoint and sampling to lend."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils import checkpoint

from lessonkit.lent import no_answer_to


@no_answer_to("rms_norm")
class RMSNorm(nn.RMSNorm):
    """torch's, with the argument's name and the default of this course."""

    def __init__(self, dim: int, eps: float = 1e-6) -> None:
        super().__init__(dim, eps=eps)


@no_answer_to("rotary")
def rotary(x: Any, offset: int = 0, base: float = 10000.0) -> Any:
    """(..., T, D) -> (..., T, D): entry i and entry i + D/2 of position offset + t turned by their angle."""
    half = x.shape[-1] // 2
    speeds = base ** (-torch.arange(half, dtype=torch.float64) / half)
    turns = torch.arange(offset, offset + x.shape[-2], dtype=torch.float64)[:, None] * speeds
    cos, sin = turns.cos().to(x.dtype), turns.sin().to(x.dtype)
    first, second = x[..., :half], x[..., half:]
    return torch.cat([first * cos - second * sin, first * sin + second * cos], dim=-1)


@no_answer_to("swiglu")
class SwiGLU(nn.Module):
    """(..., dim) -> (..., dim) through `hidden` gated numbers."""

    def __init__(self, dim: int, hidden: int) -> None:
        super().__init__()
        self.gate = nn.Linear(dim, hidden, bias=False)
        self.up = nn.Linear(dim, hidden, bias=False)
        self.down = nn.Linear(hidden, dim, bias=False)

    def forward(self, x: Any) -> Any:
        """Return down(silu(gate(x)) * up(x))."""
        return self.down(F.silu(self.gate(x)) * self.up(x))


@no_answer_to("grouped_attention")
class GroupedQueryAttention(nn.Module):
    """(B, T, dim) -> (B, T, dim) with fewer heads for keys and values; ValueError where they do not divide."""

    def __init__(self, dim: int, n_heads: int, n_kv_heads: int) -> None:
        super().__init__()
        if dim % n_heads or n_heads % n_kv_heads:
            raise ValueError(f"{n_heads} heads in {dim} numbers, {n_kv_heads} for keys and values")
        self.head_dim = dim // n_heads
        self.wq = nn.Linear(dim, dim, bias=False)
        self.wk = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wv = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wo = nn.Linear(dim, dim, bias=False)

    def forward(self, x: Any, causal: bool = True) -> Any:
        """Return what each step found; with `causal`, step t looks at steps 0 to t."""
        q, k, v = (w(x).unflatten(-1, (-1, self.head_dim)).transpose(1, 2) for w in (self.wq, self.wk, self.wv))
        found = F.scaled_dot_product_attention(q, k, v, is_causal=causal, enable_gqa=True)
        return self.wo(found.transpose(1, 2).flatten(2))


@no_answer_to("kv_cache")
class KVCache:
    """Keys and values so far, (B, H, t, D) each, in two buffers made at the first append."""

    def __init__(self, max_len: int) -> None:
        self.max_len, self.held, self.buffers = max_len, 0, []

    def __len__(self) -> int:
        return self.held

    def append(self, k: Any, v: Any) -> tuple[Any, Any]:
        """Return keys and values so far, the new ones last; ValueError beyond max_len."""
        end = self.held + k.shape[2]
        if end > self.max_len:
            raise ValueError(f"{end} positions in a cache for {self.max_len}")
        if not self.buffers:
            self.buffers = [one.new_empty(*one.shape[:2], self.max_len, one.shape[3]) for one in (k, v)]
        for buffer, new in zip(self.buffers, (k, v), strict=True):
            buffer[:, :, self.held : end] = new
        self.held = end
        return self.buffers[0][:, :, :end], self.buffers[1][:, :, :end]

    def clear(self) -> None:
        """Forget everything, shape and dtype too."""
        self.held, self.buffers = 0, []


@no_answer_to("kv_cache")
def decode_step(q: Any, k: Any, v: Any, cache: Any) -> Any:
    """Attend from the newest positions to all that the cache holds and to themselves, causally: (B, H, t, D)."""
    with torch.no_grad():
        keys, values = cache.append(k, v)
        return F.scaled_dot_product_attention(q, keys, values, attn_mask=may_look(q.shape[2], keys.shape[2]))


def may_look(new: int, total: int) -> Any:
    """Return the mask (new, total), True where one of the newest positions may look at one of all."""
    return torch.ones(new, total, dtype=torch.bool).tril(total - new)


@no_answer_to("lora")
class LoRALinear(nn.Module):
    """linear(x) + alpha/rank · x aᵀ bᵀ around a frozen nn.Linear."""

    def __init__(self, linear: Any, rank: int, alpha: float = 1.0) -> None:
        super().__init__()
        self.linear, self.scale = linear.requires_grad_(False), alpha / rank
        weight = linear.weight
        self.a = nn.Parameter(torch.randn(rank, weight.shape[1], dtype=weight.dtype) / math.sqrt(weight.shape[1]))
        self.b = nn.Parameter(weight.new_zeros(weight.shape[0], rank))

    def forward(self, x: Any) -> Any:
        """Return the frozen layer's output and the adapter's."""
        return self.linear(x) + self.scale * (x @ self.a.T @ self.b.T)

    def merge(self) -> Any:
        """Return one nn.Linear that computes the same."""
        weight = self.linear.weight
        merged = nn.Linear(weight.shape[1], weight.shape[0], self.linear.bias is not None).to(weight.dtype)
        with torch.no_grad():
            merged.weight.copy_(weight + self.scale * self.b @ self.a)
            if self.linear.bias is not None:
                merged.bias.copy_(self.linear.bias)
        return merged


@no_answer_to("checkpointed")
def checkpointed(function: Callable[..., Any], *inputs: Any) -> Any:
    """Return function(*inputs), whose inside is computed again for the backward pass."""
    return checkpoint.checkpoint(function, *inputs, use_reentrant=False)


@no_answer_to("sample_logits")
def sample_logits(
    logits: Any, temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None, generator: Any = None
) -> Any:
    """(..., V) -> (...): a token of each row; ValueError where a setting makes no sense."""
    kept = kept_probabilities(logits, temperature, top_k, top_p)
    return torch.multinomial(kept.flatten(0, -2), 1, generator=generator).reshape(logits.shape[:-1])


def kept_probabilities(logits: Any, temperature: float = 1.0, top_k: int | None = None, top_p: float | None = None) -> Any:
    """(..., V) -> (..., V): with which probability `sample_logits` draws each token, 0 where it is cut off.

    Raises ValueError for temperature < 0, top_k < 1 and top_p outside (0, 1].
    """
    if temperature < 0 or (top_k is not None and top_k < 1) or (top_p is not None and not 0 < top_p <= 1):
        raise ValueError(f"temperature {temperature}, top_k {top_k}, top_p {top_p}")
    logits = logits.double()
    if temperature == 0:
        return F.one_hot(logits.argmax(-1), logits.shape[-1]).double()
    ordered, places = (logits / temperature).sort(dim=-1, descending=True)
    if top_k is not None:
        ordered[..., top_k:] = -math.inf
    share = ordered.softmax(-1)
    if top_p is not None:
        share = share * (share.cumsum(-1) - share < top_p)
    return torch.zeros_like(share).scatter(-1, places, share / share.sum(-1, keepdim=True))


def put(parameters: Iterable[Any], seed: int, scale: float = 0.5) -> None:
    """Write numbers from a seed of the check's into `parameters`, in place, whatever their shapes."""
    from lessonkit.inputs import tensor

    with torch.no_grad():
        for i, parameter in enumerate(parameters):
            parameter.copy_(scale * tensor(seed + i, *parameter.shape, dtype="float64"))
