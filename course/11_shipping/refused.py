"""Wrong solutions of chapter 11 beyond the named mistakes: subtle, or forbidden. The checks must reject all of them."""

# ruff: noqa: B011
import math
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


# %% batched_bilinear: forbidden_bilinear_1
# names: torch.nn.functional.bilinear
def batched_bilinear(x, w, y):
    return F.bilinear(x, y, w)


# %% batched_bilinear: forbidden_bilinear_2
# names: torch.nn.functional.bilinear
def batched_bilinear(x, w, y):
    return torch.bilinear(x, y, w)


# %% batched_bilinear: forbidden_bilinear_3
# names: torch.nn.functional.bilinear
def batched_bilinear(x, w, y):
    return torch.nn.functional.bilinear(x, y, w)


# %% batched_bilinear: forbidden_bilinear_4
# names: torch.nn.functional.bilinear
from torch.nn.functional import bilinear as both


def batched_bilinear(x, w, y):
    return both(x, y, w)


# %% batched_bilinear: forbidden_bilinear_5
# names: torch.nn.functional.bilinear
def batched_bilinear(x, w, y):
    return getattr(torch, "bi" + "linear")(x, y, w, None)


# %% batched_bilinear: forbidden_bilinear_6
# names: torch.nn.Bilinear
def batched_bilinear(x, w, y):
    layer = nn.Bilinear(w.shape[1], w.shape[2], w.shape[0], bias=False, dtype=w.dtype)
    layer.weight = nn.Parameter(w, requires_grad=False)
    return layer(x, y)


# %% batched_bilinear: forbidden_ython_loop_1
# names: ython loop
def batched_bilinear(x, w, y):
    return torch.stack([a @ w @ c for a, c in zip(x, y)])


# %% batched_bilinear: forbidden_ython_loop_2
# names: ython loop
def batched_bilinear(x, w, y):
    return torch.stack(list((x @ m * y).sum(1) for m in w), 1)


# %% batched_bilinear: forbidden_ython_loop_3
# names: ython loop
def batched_bilinear(x, w, y):
    out = x.new_zeros(len(x), len(w))
    for b in range(len(x)):
        out[b] = x[b] @ w @ y[b]
    return out


# %% batched_bilinear: forbidden_ython_loop_4
# names: ython loop
def batched_bilinear(x, w, y):
    out, o = x.new_zeros(len(x), len(w)), 0
    while o < len(w):
        out[:, o] = (x @ w[o] * y).sum(1)
        o += 1
    return out


# %% tiled_attention: forbidden_scaled_dot_product_attention_1
# names: scaled_dot_product_attention
def tiled_attention(q, k, v, block):
    return F.scaled_dot_product_attention(q[None], k[None], v[None])[0]


# %% tiled_attention: forbidden_scaled_dot_product_attention_2
# names: scaled_dot_product_attention
from torch.nn.functional import scaled_dot_product_attention as att


def tiled_attention(q, k, v, block):
    return att(q[None], k[None], v[None])[0]


# %% tiled_attention: forbidden_scaled_dot_product_attention_3
# names: scaled_dot_product_attention
def tiled_attention(q, k, v, block):
    return getattr(F, "scaled_dot" + "_product_attention")(q[None], k[None], v[None])[0]


# %% tiled_attention: forbidden_scaled_dot_product_attention_4
# names: scaled_dot_product_attention
def tiled_attention(q, k, v, block):
    return torch._C._nn.scaled_dot_product_attention(q[None], k[None], v[None])[0]


# %% tiled_attention: forbidden_multiheadattention_1
# names: torch.nn.MultiheadAttention
def tiled_attention(q, k, v, block):
    return nn.MultiheadAttention(1, 1)(q, k, v)[0]


# %% tiled_attention: forbidden_multiheadattention_2
# names: torch.nn.MultiheadAttention
from torch.nn import MultiheadAttention


def tiled_attention(q, k, v, block):
    return MultiheadAttention(q.shape[1], 1)(q, k, v)[0]


# %% validate_input: slip_1
def validate_input(x, features):
    if not (hasattr(x, "shape")):
        raise TypeError(f"expected a floating tensor, got {type(x)}")
    if "float" not in str(x.dtype):
        raise TypeError(f"expected a floating tensor, got {x.dtype}")
    if not (x.dim() and x.shape[-1] == features and x.numel()):
        raise ValueError(f"expected (..., {features}) with a row or more, got {tuple(x.shape)}")
    if not (torch.isfinite(x).all()):
        raise ValueError("expected finite numbers")
    return x


# %% validate_input: slip_2
def validate_input(x, features):
    if not (isinstance(x, torch.Tensor)):
        raise TypeError(f"expected a floating tensor, got {type(x)}")
    if x.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"expected a floating tensor, got {x.dtype}")
    if not (x.dim() and x.shape[-1] == features and x.numel()):
        raise ValueError(f"expected (..., {features}) with a row or more, got {tuple(x.shape)}")
    if not (torch.isfinite(x).all()):
        raise ValueError("expected finite numbers")
    return x


# %% validate_input: slip_3
def validate_input(x, features):
    if not (isinstance(x, torch.Tensor)):
        raise TypeError(f"expected a floating tensor, got {type(x)}")
    if not (x.is_floating_point() or x.is_complex()):
        raise TypeError(f"expected a floating tensor, got {x.dtype}")
    if not (x.dim() and x.shape[-1] == features and x.numel()):
        raise ValueError(f"expected (..., {features}) with a row or more, got {tuple(x.shape)}")
    if not (torch.isfinite(x).all()):
        raise ValueError("expected finite numbers")
    return x


# %% validate_input: slip_4
def validate_input(x, features):
    if not (isinstance(x, torch.Tensor)):
        raise TypeError(f"expected a floating tensor, got {type(x)}")
    if not (x.is_floating_point()):
        raise TypeError(f"expected a floating tensor, got {x.dtype}")
    if not (x.dim() and x.shape[-1] == features and x.shape[0]):
        raise ValueError(f"expected (..., {features}) with a row or more, got {tuple(x.shape)}")
    if not (torch.isfinite(x).all()):
        raise ValueError("expected finite numbers")
    return x


# %% validate_input: slip_5
def validate_input(x, features):
    if not (isinstance(x, torch.Tensor)):
        raise TypeError(f"expected a floating tensor, got {type(x)}")
    if not (x.is_floating_point()):
        raise TypeError(f"expected a floating tensor, got {x.dtype}")
    if not (x.numel() and x.numel() % features == 0):
        raise ValueError(f"expected (..., {features}) with a row or more, got {tuple(x.shape)}")
    if not (torch.isfinite(x).all()):
        raise ValueError("expected finite numbers")
    return x


# %% validate_input: slip_6
def validate_input(x, features):
    if not (isinstance(x, torch.Tensor)):
        raise TypeError(f"expected a floating tensor, got {type(x)}")
    if not (x.is_floating_point()):
        raise TypeError(f"expected a floating tensor, got {x.dtype}")
    if not (features in x.shape and x.numel()):
        raise ValueError(f"expected (..., {features}) with a row or more, got {tuple(x.shape)}")
    if not (torch.isfinite(x).all()):
        raise ValueError("expected finite numbers")
    return x


# %% validate_input: slip_7
def validate_input(x, features):
    if not (isinstance(x, torch.Tensor)):
        raise TypeError(f"expected a floating tensor, got {type(x)}")
    if not (x.is_floating_point()):
        raise TypeError(f"expected a floating tensor, got {x.dtype}")
    if not (x.dim() >= 2 and x.shape[-1] == features and x.numel()):
        raise ValueError(f"expected (..., {features}) with a row or more, got {tuple(x.shape)}")
    if not (torch.isfinite(x).all()):
        raise ValueError("expected finite numbers")
    return x


# %% validate_input: slip_8
def validate_input(x, features):
    if not (isinstance(x, torch.Tensor)):
        raise TypeError(f"expected a floating tensor, got {type(x)}")
    if not (x.is_floating_point()):
        raise TypeError(f"expected a floating tensor, got {x.dtype}")
    if not (x.dim() and x.shape[-1] == features and x.numel()):
        raise ValueError(f"expected (..., {features}) with a row or more, got {tuple(x.shape)}")
    if not (not torch.isnan(x).any()):
        raise ValueError("expected finite numbers")
    return x


# %% validate_input: slip_9
def validate_input(x, features):
    if not (isinstance(x, torch.Tensor)):
        raise TypeError(f"expected a floating tensor, got {type(x)}")
    if not (x.is_floating_point()):
        raise TypeError(f"expected a floating tensor, got {x.dtype}")
    if not (x.dim() and x.shape[-1] == features and x.numel()):
        raise ValueError(f"expected (..., {features}) with a row or more, got {tuple(x.shape)}")
    if not (torch.isfinite(x.mean())):
        raise ValueError("expected finite numbers")
    return x


# %% validate_input: slip_10
def validate_input(x, features):
    if not (isinstance(x, torch.Tensor)):
        raise TypeError(f"expected a floating tensor, got {type(x)}")
    if not (x.is_floating_point()):
        raise TypeError(f"expected a floating tensor, got {x.dtype}")
    if not (x.dim() and x.shape[-1] == features and x.numel()):
        raise ValueError(f"expected (..., {features}) with a row or more, got {tuple(x.shape)}")
    if not (torch.isfinite(x[0]).all()):
        raise ValueError("expected finite numbers")
    return x


# %% validate_input: slip_11
def validate_input(x, features):
    if not (isinstance(x, torch.Tensor)):
        raise TypeError(f"expected a floating tensor, got {type(x)}")
    if not (x.is_floating_point()):
        raise TypeError(f"expected a floating tensor, got {x.dtype}")
    if not (x.dim() and x.shape[-1] == features and x.numel()):
        raise ValueError(f"expected (..., {features}) with a row or more, got {tuple(x.shape)}")
    if not (not torch.isinf(x.abs()).any()):
        raise ValueError("expected finite numbers")
    return x


# %% validate_input: slip_12
def validate_input(x, features):
    if not (isinstance(x, torch.Tensor)):
        raise TypeError(f"expected a floating tensor, got {type(x)}")
    if not (x.is_floating_point()):
        raise TypeError(f"expected a floating tensor, got {x.dtype}")
    if not (x.dim() and x.shape[-1] == features and x.numel()):
        raise ValueError(f"expected (..., {features}) with a row or more, got {tuple(x.shape)}")
    if not (torch.isfinite(x).all()):
        raise ValueError("expected finite numbers")
    return x.contiguous()


# %% validate_input: slip_13
def validate_input(x, features):
    if not (isinstance(x, torch.Tensor)):
        raise TypeError(f"expected a floating tensor, got {type(x)}")
    if not (x.is_floating_point()):
        raise TypeError(f"expected a floating tensor, got {x.dtype}")
    if not (x.dim() and x.shape[-1] == features and x.numel()):
        raise ValueError(f"expected (..., {features}) with a row or more, got {tuple(x.shape)}")
    if not (torch.isfinite(x).all()):
        raise ValueError("expected finite numbers")
    return x.detach()


# %% validate_input: slip_14
def validate_input(x, features):
    if not (isinstance(x, torch.Tensor)):
        raise TypeError(f"expected a floating tensor, got {type(x)}")
    if not (x.is_floating_point()):
        raise TypeError(f"expected a floating tensor, got {x.dtype}")
    if not (x.dim() and x.shape[-1] == features and x.numel()):
        assert False, f"expected (..., {features}) with a row or more, got {tuple(x.shape)}"
    if not (torch.isfinite(x).all()):
        assert False, str("expected finite numbers")
    return x


# %% validate_input: slip_15
def _must(holds, kind, words):
    try:
        assert holds, words
    except AssertionError as e:
        raise kind(words) from e


def validate_input(x, features):
    _must((isinstance(x, torch.Tensor)), TypeError, f"expected a floating tensor, got {type(x)}")
    _must((x.is_floating_point()), TypeError, f"expected a floating tensor, got {x.dtype}")
    _must(
        (x.dim() and x.shape[-1] == features and x.numel()),
        ValueError,
        f"expected (..., {features}) with a row or more, got {tuple(x.shape)}",
    )
    _must((torch.isfinite(x).all()), ValueError, "expected finite numbers")
    return x


# %% batched_bilinear: slip_1
def batched_bilinear(x, w, y):
    return (
        torch.einsum("bi,oij,bj->bo", x, w.transpose(1, 2), y)
        if w.shape[1] == w.shape[2]
        else torch.einsum("bi,oij,bj->bo", x, w, y)
    )


# %% batched_bilinear: slip_2
def batched_bilinear(x, w, y):
    return torch.einsum("bi,oij,bj->bo", x, w, y).squeeze()


# %% batched_bilinear: slip_3
def batched_bilinear(x, w, y):
    return torch.einsum("bi,oij,bj->bo", x, w, y).abs()


# %% batched_bilinear: slip_4
def batched_bilinear(x, w, y):
    return torch.stack(
        tuple(
            map(
                lambda a, c: torch.stack(tuple(map(lambda m: (a @ m) @ c, w.unbind()))),
                x.unbind(),
                y.unbind(),
            )
        )
    )


# %% batched_bilinear: slip_5
def walk(x, w, y, b):
    row = (x[b] @ w @ y[b])[None]
    return row if b == len(x) - 1 else torch.cat([row, walk(x, w, y, b + 1)])


def batched_bilinear(x, w, y):
    return walk(x, w, y, 0)


# %% batched_bilinear: slip_6
def batched_bilinear(x, w, y):
    return torch.einsum("bi,oij,bj->bo", x.double(), w.double(), y.double())


# %% tiled_attention: slip_1
def tiled_attention(q, k, v, block):

    top = q.new_full((len(q), 1), -math.inf)
    total, out = q.new_zeros(len(q), 1), q.new_zeros(len(q), v.shape[1])
    for i in range(0, len(k), block):
        scores = torch.softmax(q @ k.T / math.sqrt(q.shape[1]), 1)[:, i : i + block].log()
        new = torch.maximum(top, scores.amax(1, keepdim=True))
        weights = torch.exp(scores - new)
        total = total * torch.exp(top - new) + weights.sum(1, keepdim=True)
        out = out * torch.exp(top - new) + weights @ v[i : i + block]
        top = new
    return out / total


# %% tiled_attention: slip_2
def tiled_attention(q, k, v, block):

    top = q.new_full((len(q), 1), -math.inf)
    total, out = q.new_zeros(len(q), 1), q.new_zeros(len(q), v.shape[1])
    for i in range(0, len(k), block):
        scores = (q @ k.T / math.sqrt(q.shape[1]))[:, i : i + block]
        new = torch.maximum(top, scores.amax(1, keepdim=True))
        weights = torch.exp(scores - new)
        total = total * torch.exp(top - new) + weights.sum(1, keepdim=True)
        out = out * torch.exp(top - new) + weights @ v[i : i + block]
        top = new
    return out / total


# %% tiled_attention: slip_3
def tiled_attention(q, k, v, block):
    block = block + block // 2 + 1
    top = q.new_full((len(q), 1), -math.inf)
    total, out = q.new_zeros(len(q), 1), q.new_zeros(len(q), v.shape[1])
    for i in range(0, len(k), block):
        scores = q @ k[i : i + block].T / math.sqrt(q.shape[1])
        new = torch.maximum(top, scores.amax(1, keepdim=True))
        weights = torch.exp(scores - new)
        total = total * torch.exp(top - new) + weights.sum(1, keepdim=True)
        out = out * torch.exp(top - new) + weights @ v[i : i + block]
        top = new
    return out / total


# %% tiled_attention: slip_4
def tiled_attention(q, k, v, block):

    top = q.new_full((len(q), 1), -math.inf)
    total, out = q.new_zeros(len(q), 1), q.new_zeros(len(q), v.shape[1])
    for i in range(0, len(k), block):
        scores = q @ k[i : i + block].T / q.shape[1]
        new = torch.maximum(top, scores.amax(1, keepdim=True))
        weights = torch.exp(scores - new)
        total = total * torch.exp(top - new) + weights.sum(1, keepdim=True)
        out = out * torch.exp(top - new) + weights @ v[i : i + block]
        top = new
    return out / total


# %% tiled_attention: slip_5
def tiled_attention(q, k, v, block):

    top = q.new_full((len(q), 1), 0.0)
    total, out = q.new_zeros(len(q), 1), q.new_zeros(len(q), v.shape[1])
    for i in range(0, len(k), block):
        scores = q @ k[i : i + block].T / math.sqrt(q.shape[1])
        new = torch.maximum(top, scores.amax(1, keepdim=True))
        weights = torch.exp(scores - new)
        total = total * torch.exp(top - new) + weights.sum(1, keepdim=True)
        out = out * torch.exp(top - new) + weights @ v[i : i + block]
        top = new
    return out / total


# %% tiled_attention: slip_6
def tiled_attention(q, k, v, block):

    top = q.new_full((len(q), 1), -100.0)
    total, out = q.new_zeros(len(q), 1), q.new_zeros(len(q), v.shape[1])
    for i in range(0, len(k), block):
        scores = q @ k[i : i + block].T / math.sqrt(q.shape[1])
        new = torch.maximum(top, scores.amax(1, keepdim=True))
        weights = torch.exp(scores - new)
        total = total * torch.exp(top - new) + weights.sum(1, keepdim=True)
        out = out * torch.exp(top - new) + weights @ v[i : i + block]
        top = new
    return out / total


# %% tiled_attention: slip_7
def tiled_attention(q, k, v, block):
    block = min(block, len(k)) if len(k) % block == 0 else len(k)
    top = q.new_full((len(q), 1), -math.inf)
    total, out = q.new_zeros(len(q), 1), q.new_zeros(len(q), v.shape[1])
    for i in range(0, len(k), block):
        scores = q @ k[i : i + block].T / math.sqrt(q.shape[1])
        new = torch.maximum(top, scores.amax(1, keepdim=True))
        weights = torch.exp(scores - new)
        total = total * torch.exp(top - new) + weights.sum(1, keepdim=True)
        out = out * torch.exp(top - new) + weights @ v[i : i + block]
        top = new
    return out / total


# %% tiled_attention: slip_8
def tiled_attention(q, k, v, block):
    q /= 1.0
    k *= 1.0
    v += 0.5
    v -= 0.5
    v.abs_()
    top = q.new_full((len(q), 1), -math.inf)
    total, out = q.new_zeros(len(q), 1), q.new_zeros(len(q), v.shape[1])
    for i in range(0, len(k), block):
        scores = q @ k[i : i + block].T / math.sqrt(q.shape[1])
        new = torch.maximum(top, scores.amax(1, keepdim=True))
        weights = torch.exp(scores - new)
        total = total * torch.exp(top - new) + weights.sum(1, keepdim=True)
        out = out * torch.exp(top - new) + weights @ v[i : i + block]
        top = new
    return out / total


# %% tiled_attention: slip_9
def tiled_attention(q, k, v, block):
    return torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(
        q[None, None], k[None, None], v[None, None]
    )[0][0, 0]


# %% tiled_attention: slip_10
def tiled_attention(q, k, v, block):
    return torch.from_numpy(
        (lambda s: (lambda e: e / e.sum(1, keepdims=True))(np.exp(s - s.max(1, keepdims=True))) @ v.numpy())(
            q.numpy() @ k.numpy().T / np.sqrt(q.shape[1]).astype(q.numpy().dtype)
        )
    )


# %% tiled_attention: slip_11
def tiled_attention(q, k, v, block):
    kept = [q @ k[i : i + block].T / math.sqrt(q.shape[1]) for i in range(0, len(k), block)]
    top = kept[0].amax(1, keepdim=True)
    for s in kept:
        top = torch.maximum(top, s.amax(1, keepdim=True))
    z = sum((s - top).exp().sum(1, keepdim=True) for s in kept)
    return sum((s - top).exp() @ v[i * block : (i + 1) * block] for i, s in enumerate(kept)) / z


# %% profile_layer: slip_1
def profile_layer(layer, x, warmup=3, repeats=20):
    t = []
    with torch.no_grad():
        for i in range(warmup + repeats):
            a = time.perf_counter()
            layer(x)
            t.append(time.perf_counter() - a)
    t = t[:repeats]
    return {"median": sorted(t)[len(t) // 2], "minimum": min(t), "maximum": max(t)}


# %% profile_layer: slip_2
def profile_layer(layer, x, warmup=3, repeats=20):
    t = []
    with torch.no_grad():
        for _ in range(warmup):
            layer(x)
        for _ in range(repeats):
            a = time.perf_counter()
            layer(x)
            t.append(time.perf_counter() - a)
    t.sort()
    return {"median": t[min(len(t) - 1, len(t) // 2 + 1)], "minimum": t[0], "maximum": t[-1]}


# %% profile_layer: slip_3
def profile_layer(layer, x, warmup=3, repeats=20):
    t = []
    with torch.no_grad():
        for _ in range(warmup):
            layer(x)
        for _ in range(repeats):
            a = time.thread_time()
            layer(x)
            t.append(time.thread_time() - a)
    return {"median": sorted(t)[len(t) // 2], "minimum": min(t), "maximum": max(t)}


# %% profile_layer: slip_4
def profile_layer(layer, x, warmup=3, repeats=20):
    t = []
    layer.requires_grad_(False).eval()
    with torch.no_grad():
        for _ in range(warmup):
            layer(x)
        for _ in range(repeats):
            a = time.perf_counter()
            layer(x)
            t.append(time.perf_counter() - a)
    layer.train()
    return {"median": sorted(t)[len(t) // 2], "minimum": min(t), "maximum": max(t)}


# %% profile_layer: slip_5
def profile_layer(layer, x, warmup=3, repeats=20):
    t = []
    for _ in range(warmup):
        layer(x)
    for _ in range(repeats):
        a = time.perf_counter()
        with torch.no_grad():
            y = layer(x)
        t.append(time.perf_counter() - a)
    return {"median": sorted(t)[len(t) // 2], "minimum": min(t), "maximum": max(t)}


# %% profile_layer: slip_6
def profile_layer(layer, x, warmup=3, repeats=20):
    t = []
    with torch.no_grad():
        for _ in range(max(1, warmup)):
            layer(x)
        for _ in range(repeats):
            a = time.perf_counter()
            layer(x)
            t.append(time.perf_counter() - a)
    return {"median": sorted(t)[len(t) // 2], "minimum": min(t), "maximum": max(t)}


# %% custom_op: slip_1
@torch.library.custom_op("course::gated_relu", mutates_args=())
def gated_relu(x: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
    return x.relu() * gate.sigmoid()


@gated_relu.register_fake
def _(x, gate):
    return torch.empty_like(x)


def keep(ctx, inputs, output):
    ctx.save_for_backward(*inputs)


def back(ctx, g):
    x, gate = ctx.saved_tensors
    s = gate.sigmoid()
    return g * (x > 0) * s, g * x.relu() * s * (1 - gate)


gated_relu.register_autograd(back, setup_context=keep)


# %% custom_op: slip_2
@torch.library.custom_op("course::gated_relu", mutates_args=())
def gated_relu(x: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
    return x.relu() * gate.sigmoid()


@gated_relu.register_fake
def _(x, gate):
    return torch.empty_like(x)


def keep(ctx, inputs, output):
    ctx.save_for_backward(*inputs)


def back(ctx, g):
    x, gate = ctx.saved_tensors
    s = gate.sigmoid()
    return g.mul_((x > 0) * s), g * x.relu() * (1 - s)


gated_relu.register_autograd(back, setup_context=keep)


# %% custom_op: slip_3
@torch.library.custom_op("course::gated_relu", mutates_args=())
def gated_relu(x: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
    return x.relu() * gate.sigmoid()


@gated_relu.register_fake
def _(x, gate):
    return x


def keep(ctx, inputs, output):
    ctx.save_for_backward(*inputs)


def back(ctx, g):
    x, gate = ctx.saved_tensors
    s = gate.sigmoid()
    return g * (x > 0) * s, g * x.relu() * s * (1 - s)


gated_relu.register_autograd(back, setup_context=keep)


# %% custom_op: slip_4
@torch.library.custom_op("course::gated_relu", mutates_args=())
def gated_relu(x: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
    return x.relu() * gate.sigmoid()


@gated_relu.register_fake
def _(x, gate):
    return torch.empty_like(x, dtype=torch.float64)


def keep(ctx, inputs, output):
    ctx.save_for_backward(*inputs)


def back(ctx, g):
    x, gate = ctx.saved_tensors
    s = gate.sigmoid()
    return g * (x > 0) * s, g * x.relu() * s * (1 - s)


gated_relu.register_autograd(back, setup_context=keep)


# %% custom_op: slip_5
@torch.library.custom_op("course::gated_relu", mutates_args=())
def gated_relu(x: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
    return x.relu().float() * gate.sigmoid().float()


@gated_relu.register_fake
def _(x, gate):
    return torch.empty_like(x)


def keep(ctx, inputs, output):
    ctx.save_for_backward(*inputs)


def back(ctx, g):
    x, gate = ctx.saved_tensors
    s = gate.sigmoid()
    return g * (x > 0) * s, g * x.relu() * s * (1 - s)


gated_relu.register_autograd(back, setup_context=keep)


# %% custom_op: slip_6
@torch.library.custom_op("course::gated_relu", mutates_args=())
def gated_relu(x: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
    return x.relu() * gate.sigmoid()


@gated_relu.register_fake
def _(x, gate):
    return torch.empty_like(x)


def keep(ctx, inputs, output):
    ctx.save_for_backward(*inputs)


def back(ctx, g):
    x, gate = ctx.saved_tensors
    s = gate.sigmoid()
    return g * (x > 0) * s, g * x.relu() * s * (1 - s)


# %% custom_op: slip_7
@torch.library.custom_op("mine::gated_relu", mutates_args=())
def gated_relu(x: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
    return x.relu() * gate.sigmoid()


@gated_relu.register_fake
def _(x, gate):
    return torch.empty_like(x)


def keep(ctx, inputs, output):
    ctx.save_for_backward(*inputs)


def back(ctx, g):
    x, gate = ctx.saved_tensors
    s = gate.sigmoid()
    return g * (x > 0) * s, g * x.relu() * s * (1 - s)


gated_relu.register_autograd(back, setup_context=keep)


# %% export_program: slip_1
def export_program(model, example):
    return torch.export.export(model.eval(), (example,))


# %% export_program: slip_2
def export_program(model, example):
    flags = [m.training for m in model.modules()]
    model.eval()
    program = torch.export.export(
        model, (example,), dynamic_shapes=({0: torch.export.Dim("b", min=2, max=32)},)
    )
    for m, f in zip(model.modules(), flags):
        m.training = f
    return program


# %% export_program: slip_3
def export_program(model, example):
    flags = {n: m.training for n, m in model.named_children()}
    own = model.training
    program = torch.export.export(
        model.eval(), (example,), dynamic_shapes=({0: torch.export.Dim("b", min=1)},)
    )
    model.train(own)
    for n, f in flags.items():
        getattr(model, n).train(f)
    return program


# %% export_program: slip_4
import copy


def export_program(model, example):
    twin = copy.deepcopy(model).eval().float()
    return torch.export.export(twin, (example.float(),), dynamic_shapes=({0: torch.export.Dim("b", min=1)},))


# %% export_program: slip_5
import copy


def export_program(model, example):
    return torch.export.export(
        copy.deepcopy(model), (example,), dynamic_shapes=({0: torch.export.Dim("b", min=1)},)
    )


# %% export_onnx: slip_1
def export_onnx(model, example, path):
    torch.onnx.export(
        model,
        (example,),
        path,
        dynamo=True,
        dynamic_shapes=({0: torch.export.Dim("b", min=1)},),
        verbose=False,
    )


# %% export_onnx: slip_2
def export_onnx(model, example, path):
    torch.onnx.export(model, (example,), path, dynamo=False, input_names=["a"], dynamic_axes={"a": {0: "n"}})


# %% export_onnx: slip_3
import copy


def export_onnx(model, example, path):
    torch.onnx.export(
        copy.deepcopy(model).eval().float(),
        (example.float(),),
        path,
        dynamo=True,
        dynamic_shapes=({0: torch.export.Dim("b", min=1)},),
        verbose=False,
    )
