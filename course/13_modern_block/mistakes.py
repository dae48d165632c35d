"""Named mistakes of chapter 13: wrong solutions that the checks must reject, each with its own help."""

import math

import torch
import torch.nn.functional as F
from torch import nn


# %% rms_norm: mean_subtracted
# help: You subtract the mean first: that is layer norm without its bias. RMS norm leaves the mean in.
class RMSNorm(nn.Module):
    """x (..., dim) -> (..., dim), each vector divided by the root of the mean of its squares"""

    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        x = x - x.mean(dim=-1, keepdim=True)
        mean_square = x.square().mean(dim=-1, keepdim=True)
        return x * torch.rsqrt(mean_square + self.eps) * self.weight


# %% rms_norm: eps_outside_the_root
# help: eps is added to the root; it belongs under it, beside the mean of squares. Small vectors show it.
class RMSNorm(nn.Module):
    """x (..., dim) -> (..., dim), each vector divided by the root of the mean of its squares"""

    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        mean_square = x.square().mean(dim=-1, keepdim=True)
        return x / (mean_square.sqrt() + self.eps) * self.weight


# %% rms_norm: no_eps
# help: eps is not used: a vector of zeros becomes 0/0, which is nan.
class RMSNorm(nn.Module):
    """x (..., dim) -> (..., dim), each vector divided by the root of the mean of its squares"""

    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        mean_square = x.square().mean(dim=-1, keepdim=True)
        return x * torch.rsqrt(mean_square) * self.weight


# %% rms_norm: sum_for_mean
# help: You divide by the root of the SUM of squares, the vector's length. It is the root of their mean, √dim smaller.
class RMSNorm(nn.Module):
    """x (..., dim) -> (..., dim), each vector divided by the root of the mean of its squares"""

    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        mean_square = x.square().sum(dim=-1, keepdim=True)
        return x * torch.rsqrt(mean_square + self.eps) * self.weight


# %% rms_norm: no_root
# help: The mean of the squares itself divides x; its root has to.
class RMSNorm(nn.Module):
    """x (..., dim) -> (..., dim), each vector divided by the root of the mean of its squares"""

    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        mean_square = x.square().mean(dim=-1, keepdim=True)
        return x / (mean_square + self.eps) * self.weight


# %% rms_norm: over_the_batch
# help: The mean runs over axis 0, the rows. Each vector is normalised over its own last axis.
class RMSNorm(nn.Module):
    """x (..., dim) -> (..., dim), each vector divided by the root of the mean of its squares"""

    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        mean_square = x.square().mean(dim=0, keepdim=True)
        return x * torch.rsqrt(mean_square + self.eps) * self.weight


# %% rms_norm: over_everything
# help: One mean over the whole tensor divides all vectors alike. Each vector has its own.
class RMSNorm(nn.Module):
    """x (..., dim) -> (..., dim), each vector divided by the root of the mean of its squares"""

    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        mean_square = x.square().mean()
        return x * torch.rsqrt(mean_square + self.eps) * self.weight


# %% rms_norm: fixed_eps
# help: eps is a number of your own in forward: the argument of the constructor is not used.
class RMSNorm(nn.Module):
    """x (..., dim) -> (..., dim), each vector divided by the root of the mean of its squares"""

    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        mean_square = x.square().mean(dim=-1, keepdim=True)
        return x * torch.rsqrt(mean_square + 1e-6) * self.weight


# %% rms_norm: other_default
# help: Without the argument your eps is 1e-5, LayerNorm's default. Here it is 1e-6.
class RMSNorm(nn.Module):
    """x (..., dim) -> (..., dim), each vector divided by the root of the mean of its squares"""

    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        mean_square = x.square().mean(dim=-1, keepdim=True)
        return x * torch.rsqrt(mean_square + self.eps) * self.weight


# %% rms_norm: weight_forgotten
# help: weight is there and never multiplies.
class RMSNorm(nn.Module):
    """x (..., dim) -> (..., dim), each vector divided by the root of the mean of its squares"""

    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        mean_square = x.square().mean(dim=-1, keepdim=True)
        return x * torch.rsqrt(mean_square + self.eps)


# %% rms_norm: one_plus_weight
# help: You multiply by 1 + weight with weight starting at 0, as Gemma does. Here weight starts as ones and multiplies
#  as it is.
class RMSNorm(nn.Module):
    """x (..., dim) -> (..., dim), each vector divided by the root of the mean of its squares"""

    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        mean_square = x.square().mean(dim=-1, keepdim=True)
        return x * torch.rsqrt(mean_square + self.eps) * (1 + self.weight)


# %% rms_norm: weight_is_no_parameter
# help: weight is a plain tensor: no optimizer finds it, and `.to()` leaves it behind. nn.Parameter makes it the
#  module's.
class RMSNorm(nn.Module):
    """x (..., dim) -> (..., dim), each vector divided by the root of the mean of its squares"""

    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = torch.ones(dim)

    def forward(self, x):
        mean_square = x.square().mean(dim=-1, keepdim=True)
        return x * torch.rsqrt(mean_square + self.eps) * self.weight


# %% rms_norm: a_bias_too
# help: There is a bias. RMS norm has one parameter, weight.
class RMSNorm(nn.Module):
    """x (..., dim) -> (..., dim), each vector divided by the root of the mean of its squares"""

    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))
        self.bias = nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        mean_square = x.square().mean(dim=-1, keepdim=True)
        return x * torch.rsqrt(mean_square + self.eps) * self.weight + self.bias


# %% rms_norm: in_float32
# help: You compute in float32 whatever comes in, as many model files do for half precision. float64 loses half its
#  digits by that.
class RMSNorm(nn.Module):
    """x (..., dim) -> (..., dim), each vector divided by the root of the mean of its squares"""

    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        dtype = x.dtype
        x = x.float()
        mean_square = x.square().mean(dim=-1, keepdim=True)
        return (x * torch.rsqrt(mean_square + self.eps) * self.weight).to(dtype)


# %% rms_norm: root_is_detached
# help: The root mean square is detached. It depends on x too, and its gradient is part of the norm's.
class RMSNorm(nn.Module):
    """x (..., dim) -> (..., dim), each vector divided by the root of the mean of its squares"""

    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        mean_square = x.square().mean(dim=-1, keepdim=True)
        return x * torch.rsqrt(mean_square + self.eps).detach() * self.weight


# %% rms_norm: unbiased_mean
# help: You divide the sum of squares by dim − 1. A mean of squares is over all dim of them.
class RMSNorm(nn.Module):
    """x (..., dim) -> (..., dim), each vector divided by the root of the mean of its squares"""

    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        mean_square = x.square().sum(dim=-1, keepdim=True) / (x.shape[-1] - 1)
        return x * torch.rsqrt(mean_square + self.eps) * self.weight


# %% rotary: neighbours_paired
# help: You pair neighbours, entries 0 and 1, as the first paper does. Here entry i goes with entry i + D/2.
def rotary(x, offset=0, base=10000.0):
    """x (..., T, D), D even -> the same shape, pair i of row t turned by (offset + t) · base^(-2i/D)"""
    steps, half = x.shape[-2], x.shape[-1] // 2
    speeds = base ** (-torch.arange(half, dtype=torch.float32, device=x.device) / half)
    positions = offset + torch.arange(steps, dtype=torch.float32, device=x.device)
    angles = positions[:, None] * speeds
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    a, b = x[..., 0::2], x[..., 1::2]
    return torch.stack([a * cos - b * sin, a * sin + b * cos], dim=-1).flatten(-2)


# %% rotary: other_way_round
# help: Your hands turn the other way: the sign of the sines is reversed.
def rotary(x, offset=0, base=10000.0):
    """x (..., T, D), D even -> the same shape, pair i of row t turned by (offset + t) · base^(-2i/D)"""
    steps, half = x.shape[-2], x.shape[-1] // 2
    speeds = base ** (-torch.arange(half, dtype=torch.float32, device=x.device) / half)
    positions = offset + torch.arange(steps, dtype=torch.float32, device=x.device)
    angles = positions[:, None] * speeds
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * cos + b * sin, b * cos - a * sin], dim=-1)


# %% rotary: offset_ignored
# help: offset plays no part: the first row always stands at position 0.
def rotary(x, offset=0, base=10000.0):
    """x (..., T, D), D even -> the same shape, pair i of row t turned by (offset + t) · base^(-2i/D)"""
    steps, half = x.shape[-2], x.shape[-1] // 2
    speeds = base ** (-torch.arange(half, dtype=torch.float32, device=x.device) / half)
    positions = torch.arange(steps, dtype=torch.float32, device=x.device)
    angles = positions[:, None] * speeds
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


# %% rotary: base_ignored
# help: base is fixed at 10,000, whatever is asked for.
def rotary(x, offset=0, base=10000.0):
    """x (..., T, D), D even -> the same shape, pair i of row t turned by (offset + t) · base^(-2i/D)"""
    steps, half = x.shape[-2], x.shape[-1] // 2
    speeds = 10000.0 ** (-torch.arange(half, dtype=torch.float32, device=x.device) / half)
    positions = offset + torch.arange(steps, dtype=torch.float32, device=x.device)
    angles = positions[:, None] * speeds
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


# %% rotary: starts_at_one
# help: Your first row stands at position 1. With offset 0 it is position 0, where nothing turns.
def rotary(x, offset=0, base=10000.0):
    """x (..., T, D), D even -> the same shape, pair i of row t turned by (offset + t) · base^(-2i/D)"""
    steps, half = x.shape[-2], x.shape[-1] // 2
    speeds = base ** (-torch.arange(half, dtype=torch.float32, device=x.device) / half)
    positions = offset + torch.arange(1, steps + 1, dtype=torch.float32, device=x.device)
    angles = positions[:, None] * speeds
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


# %% rotary: exponent_halved
# help: Your exponent is −i/D; it is −2i/D. The slow hands are too fast.
def rotary(x, offset=0, base=10000.0):
    """x (..., T, D), D even -> the same shape, pair i of row t turned by (offset + t) · base^(-2i/D)"""
    steps, half = x.shape[-2], x.shape[-1] // 2
    speeds = base ** (-torch.arange(half, dtype=torch.float32, device=x.device) / x.shape[-1])
    positions = offset + torch.arange(steps, dtype=torch.float32, device=x.device)
    angles = positions[:, None] * speeds
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


# %% rotary: exponent_doubled
# help: The 2 of 2i/D counts twice: your exponent is −4i/D, and the slow hands hardly move at all.
def rotary(x, offset=0, base=10000.0):
    """x (..., T, D), D even -> the same shape, pair i of row t turned by (offset + t) · base^(-2i/D)"""
    steps, half = x.shape[-2], x.shape[-1] // 2
    speeds = base ** (-2 * torch.arange(half, dtype=torch.float32, device=x.device) / half)
    positions = offset + torch.arange(steps, dtype=torch.float32, device=x.device)
    angles = positions[:, None] * speeds
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


# %% rotary: exponent_positive
# help: The exponent has lost its minus: later hands turn faster instead of slower.
def rotary(x, offset=0, base=10000.0):
    """x (..., T, D), D even -> the same shape, pair i of row t turned by (offset + t) · base^(-2i/D)"""
    steps, half = x.shape[-2], x.shape[-1] // 2
    speeds = base ** (torch.arange(half, dtype=torch.float32, device=x.device) / half)
    positions = offset + torch.arange(steps, dtype=torch.float32, device=x.device)
    angles = positions[:, None] * speeds
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


# %% rotary: one_speed
# help: All hands turn at the same speed. Hand i turns by base^(−2i/D) a step.
def rotary(x, offset=0, base=10000.0):
    """x (..., T, D), D even -> the same shape, pair i of row t turned by (offset + t) · base^(-2i/D)"""
    steps, half = x.shape[-2], x.shape[-1] // 2
    speeds = base ** (-torch.arange(half, dtype=torch.float32, device=x.device) / half)
    positions = offset + torch.arange(steps, dtype=torch.float32, device=x.device)
    angles = positions[:, None] * torch.ones_like(speeds)
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


# %% rotary: sine_and_cosine_swapped
# help: Sine and cosine are swapped: at position 0 nothing should turn, and cos 0 is 1.
def rotary(x, offset=0, base=10000.0):
    """x (..., T, D), D even -> the same shape, pair i of row t turned by (offset + t) · base^(-2i/D)"""
    steps, half = x.shape[-2], x.shape[-1] // 2
    speeds = base ** (-torch.arange(half, dtype=torch.float32, device=x.device) / half)
    positions = offset + torch.arange(steps, dtype=torch.float32, device=x.device)
    angles = positions[:, None] * speeds
    sin, cos = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


# %% rotary: second_half_untouched
# help: The second half is not turned. A pair has two new entries, each made from both old ones.
def rotary(x, offset=0, base=10000.0):
    """x (..., T, D), D even -> the same shape, pair i of row t turned by (offset + t) · base^(-2i/D)"""
    steps, half = x.shape[-2], x.shape[-1] // 2
    speeds = base ** (-torch.arange(half, dtype=torch.float32, device=x.device) / half)
    positions = offset + torch.arange(steps, dtype=torch.float32, device=x.device)
    angles = positions[:, None] * speeds
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * cos - b * sin, b], dim=-1)


# %% rotary: from_the_new_entry
# help: The second entry is worked out from the first one's NEW value. Both come from the old pair.
def rotary(x, offset=0, base=10000.0):
    """x (..., T, D), D even -> the same shape, pair i of row t turned by (offset + t) · base^(-2i/D)"""
    steps, half = x.shape[-2], x.shape[-1] // 2
    speeds = base ** (-torch.arange(half, dtype=torch.float32, device=x.device) / half)
    positions = offset + torch.arange(steps, dtype=torch.float32, device=x.device)
    angles = positions[:, None] * speeds
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    a, b = x[..., :half], x[..., half:]
    a = a * cos - b * sin
    return torch.cat([a, a * sin + b * cos], dim=-1)


# %% rotary: sines_added
# help: Sines and cosines are added to x, as in the transformer of 2017. Here they turn x.
def rotary(x, offset=0, base=10000.0):
    """x (..., T, D), D even -> the same shape, pair i of row t turned by (offset + t) · base^(-2i/D)"""
    steps, half = x.shape[-2], x.shape[-1] // 2
    speeds = base ** (-torch.arange(half, dtype=torch.float32, device=x.device) / half)
    positions = offset + torch.arange(steps, dtype=torch.float32, device=x.device)
    angles = positions[:, None] * speeds
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    a, b = x[..., :half], x[..., half:]
    return x + torch.cat([cos, sin], dim=-1)


# %% rotary: axis_one_is_time
# help: Time is taken to be axis 1. It is the axis before the last, whatever leading axes there are.
def rotary(x, offset=0, base=10000.0):
    """x (..., T, D), D even -> the same shape, pair i of row t turned by (offset + t) · base^(-2i/D)"""
    steps, half = x.shape[1] if x.ndim > 2 else x.shape[0], x.shape[-1] // 2
    speeds = base ** (-torch.arange(half, dtype=torch.float32, device=x.device) / half)
    positions = offset + torch.arange(steps, dtype=torch.float32, device=x.device)
    angles = positions[:, None] * speeds
    if x.ndim == 4:
        angles = angles[:, None]
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


# %% rotary: halves_not_put_back
# help: The two halves come back interleaved, first entry, second entry, first … They lie one behind the other.
def rotary(x, offset=0, base=10000.0):
    """x (..., T, D), D even -> the same shape, pair i of row t turned by (offset + t) · base^(-2i/D)"""
    steps, half = x.shape[-2], x.shape[-1] // 2
    speeds = base ** (-torch.arange(half, dtype=torch.float32, device=x.device) / half)
    positions = offset + torch.arange(steps, dtype=torch.float32, device=x.device)
    angles = positions[:, None] * speeds
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    a, b = x[..., :half], x[..., half:]
    return torch.stack([a * cos - b * sin, a * sin + b * cos], dim=-1).flatten(-2)


# %% rotary: offset_multiplied
# help: offset multiplies the positions. It is where the first row stands: it is added.
def rotary(x, offset=0, base=10000.0):
    """x (..., T, D), D even -> the same shape, pair i of row t turned by (offset + t) · base^(-2i/D)"""
    steps, half = x.shape[-2], x.shape[-1] // 2
    speeds = base ** (-torch.arange(half, dtype=torch.float32, device=x.device) / half)
    positions = max(offset, 1) * torch.arange(steps, dtype=torch.float32, device=x.device)
    angles = positions[:, None] * speeds
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


# %% rotary: degrees
# help: The angles are taken for degrees. They are radians: one step turns the first hand by 1.
def rotary(x, offset=0, base=10000.0):
    """x (..., T, D), D even -> the same shape, pair i of row t turned by (offset + t) · base^(-2i/D)"""
    steps, half = x.shape[-2], x.shape[-1] // 2
    speeds = base ** (-torch.arange(half, dtype=torch.float32, device=x.device) / half)
    positions = offset + torch.arange(steps, dtype=torch.float32, device=x.device)
    angles = torch.deg2rad(positions[:, None] * speeds)
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)


# %% swiglu: gelu_gate
# help: The gate is bent by GELU; this is GEGLU. SwiGLU bends it by silu(g) = g · sigmoid(g).
class SwiGLU(nn.Module):
    """x (..., dim) -> (..., dim)"""

    def __init__(self, dim, hidden):
        super().__init__()
        self.gate = nn.Linear(dim, hidden, bias=False)
        self.up = nn.Linear(dim, hidden, bias=False)
        self.down = nn.Linear(hidden, dim, bias=False)

    def forward(self, x):
        return self.down(F.gelu(self.gate(x)) * self.up(x))


# %% swiglu: sigmoid_gate
# help: The gate goes through sigmoid alone. silu(g) is g · sigmoid(g).
class SwiGLU(nn.Module):
    """x (..., dim) -> (..., dim)"""

    def __init__(self, dim, hidden):
        super().__init__()
        self.gate = nn.Linear(dim, hidden, bias=False)
        self.up = nn.Linear(dim, hidden, bias=False)
        self.down = nn.Linear(hidden, dim, bias=False)

    def forward(self, x):
        return self.down(torch.sigmoid(self.gate(x)) * self.up(x))


# %% swiglu: relu_gate
# help: The gate is bent by ReLU; it is silu, which is smooth and dips below zero.
class SwiGLU(nn.Module):
    """x (..., dim) -> (..., dim)"""

    def __init__(self, dim, hidden):
        super().__init__()
        self.gate = nn.Linear(dim, hidden, bias=False)
        self.up = nn.Linear(dim, hidden, bias=False)
        self.down = nn.Linear(hidden, dim, bias=False)

    def forward(self, x):
        return self.down(F.relu(self.gate(x)) * self.up(x))


# %% swiglu: up_is_bent
# help: silu bends up(x) and the gate stays straight. It is the other way round.
class SwiGLU(nn.Module):
    """x (..., dim) -> (..., dim)"""

    def __init__(self, dim, hidden):
        super().__init__()
        self.gate = nn.Linear(dim, hidden, bias=False)
        self.up = nn.Linear(dim, hidden, bias=False)
        self.down = nn.Linear(hidden, dim, bias=False)

    def forward(self, x):
        return self.down(self.gate(x) * F.silu(self.up(x)))


# %% swiglu: both_bent
# help: Both maps go through silu. Only the gate does.
class SwiGLU(nn.Module):
    """x (..., dim) -> (..., dim)"""

    def __init__(self, dim, hidden):
        super().__init__()
        self.gate = nn.Linear(dim, hidden, bias=False)
        self.up = nn.Linear(dim, hidden, bias=False)
        self.down = nn.Linear(hidden, dim, bias=False)

    def forward(self, x):
        return self.down(F.silu(self.gate(x)) * F.silu(self.up(x)))


# %% swiglu: product_bent
# help: silu comes after the product. It bends the gate alone, before it multiplies.
class SwiGLU(nn.Module):
    """x (..., dim) -> (..., dim)"""

    def __init__(self, dim, hidden):
        super().__init__()
        self.gate = nn.Linear(dim, hidden, bias=False)
        self.up = nn.Linear(dim, hidden, bias=False)
        self.down = nn.Linear(hidden, dim, bias=False)

    def forward(self, x):
        return self.down(F.silu(self.gate(x) * self.up(x)))


# %% swiglu: added
# help: Gate and up are added. A gate multiplies.
class SwiGLU(nn.Module):
    """x (..., dim) -> (..., dim)"""

    def __init__(self, dim, hidden):
        super().__init__()
        self.gate = nn.Linear(dim, hidden, bias=False)
        self.up = nn.Linear(dim, hidden, bias=False)
        self.down = nn.Linear(hidden, dim, bias=False)

    def forward(self, x):
        return self.down(F.silu(self.gate(x)) + self.up(x))


# %% swiglu: not_bent
# help: Nothing is bent: without silu this is a product of two linear maps.
class SwiGLU(nn.Module):
    """x (..., dim) -> (..., dim)"""

    def __init__(self, dim, hidden):
        super().__init__()
        self.gate = nn.Linear(dim, hidden, bias=False)
        self.up = nn.Linear(dim, hidden, bias=False)
        self.down = nn.Linear(hidden, dim, bias=False)

    def forward(self, x):
        return self.down(self.gate(x) * self.up(x))


# %% swiglu: up_forgotten
# help: up is there and not used: silu(gate(x)) goes down by itself.
class SwiGLU(nn.Module):
    """x (..., dim) -> (..., dim)"""

    def __init__(self, dim, hidden):
        super().__init__()
        self.gate = nn.Linear(dim, hidden, bias=False)
        self.up = nn.Linear(dim, hidden, bias=False)
        self.down = nn.Linear(hidden, dim, bias=False)

    def forward(self, x):
        return self.down(F.silu(self.gate(x)))


# %% swiglu: gate_used_twice
# help: The gate multiplies itself, and up is not used.
class SwiGLU(nn.Module):
    """x (..., dim) -> (..., dim)"""

    def __init__(self, dim, hidden):
        super().__init__()
        self.gate = nn.Linear(dim, hidden, bias=False)
        self.up = nn.Linear(dim, hidden, bias=False)
        self.down = nn.Linear(hidden, dim, bias=False)

    def forward(self, x):
        return self.down(F.silu(self.gate(x)) * self.gate(x))


# %% swiglu: with_biases
# help: The layers have biases. All three are without.
class SwiGLU(nn.Module):
    """x (..., dim) -> (..., dim)"""

    def __init__(self, dim, hidden):
        super().__init__()
        self.gate = nn.Linear(dim, hidden)
        self.up = nn.Linear(dim, hidden)
        self.down = nn.Linear(hidden, dim)

    def forward(self, x):
        return self.down(F.silu(self.gate(x)) * self.up(x))


# %% swiglu: bias_in_down
# help: down has a bias. All three layers are without.
class SwiGLU(nn.Module):
    """x (..., dim) -> (..., dim)"""

    def __init__(self, dim, hidden):
        super().__init__()
        self.gate = nn.Linear(dim, hidden, bias=False)
        self.up = nn.Linear(dim, hidden, bias=False)
        self.down = nn.Linear(hidden, dim)

    def forward(self, x):
        return self.down(F.silu(self.gate(x)) * self.up(x))


# %% swiglu: hidden_cut_to_two_thirds
# help: hidden is cut to two thirds inside. It is taken as given; the caller has done that.
class SwiGLU(nn.Module):
    """x (..., dim) -> (..., dim)"""

    def __init__(self, dim, hidden):
        super().__init__()
        hidden = max(1, 2 * hidden // 3)
        self.gate = nn.Linear(dim, hidden, bias=False)
        self.up = nn.Linear(dim, hidden, bias=False)
        self.down = nn.Linear(hidden, dim, bias=False)

    def forward(self, x):
        return self.down(F.silu(self.gate(x)) * self.up(x))


# %% swiglu: residual_added
# help: x is added to the result. The block around the MLP does that.
class SwiGLU(nn.Module):
    """x (..., dim) -> (..., dim)"""

    def __init__(self, dim, hidden):
        super().__init__()
        self.gate = nn.Linear(dim, hidden, bias=False)
        self.up = nn.Linear(dim, hidden, bias=False)
        self.down = nn.Linear(hidden, dim, bias=False)

    def forward(self, x):
        return x + self.down(F.silu(self.gate(x)) * self.up(x))


# %% swiglu: gate_detached
# help: The gate is detached: no gradient reaches its weight.
class SwiGLU(nn.Module):
    """x (..., dim) -> (..., dim)"""

    def __init__(self, dim, hidden):
        super().__init__()
        self.gate = nn.Linear(dim, hidden, bias=False)
        self.up = nn.Linear(dim, hidden, bias=False)
        self.down = nn.Linear(hidden, dim, bias=False)

    def forward(self, x):
        return self.down(F.silu(self.gate(x)).detach() * self.up(x))


# %% swiglu: gate_starts_at_zero
# help: The gate's weight starts at zeros; the layers keep what nn.Linear draws.
# hidden_only: weights are set before values are compared; only the fresh module shows it
class SwiGLU(nn.Module):
    """x (..., dim) -> (..., dim)"""

    def __init__(self, dim, hidden):
        super().__init__()
        self.gate = nn.Linear(dim, hidden, bias=False)
        nn.init.zeros_(self.gate.weight)
        self.up = nn.Linear(dim, hidden, bias=False)
        self.down = nn.Linear(hidden, dim, bias=False)

    def forward(self, x):
        return self.down(F.silu(self.gate(x)) * self.up(x))


# %% grouped_attention: repeated_in_turn
# help: Key heads come in the order 0, 1, 0, 1. Query heads 0 and 1 share key head 0: it is 0, 0, 1, 1.
class GroupedQueryAttention(nn.Module):
    """x (B, T, dim) -> (B, T, dim)"""

    def __init__(self, dim, n_heads, n_kv_heads):
        super().__init__()
        if dim % n_heads or n_heads % n_kv_heads:
            raise ValueError(f"{n_heads} heads in {dim} numbers with {n_kv_heads} for keys and values")
        self.head_dim, self.group = dim // n_heads, n_heads // n_kv_heads
        self.wq = nn.Linear(dim, dim, bias=False)
        self.wk = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wv = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wo = nn.Linear(dim, dim, bias=False)

    def heads(self, x):
        """(B, T, heads · head_dim) -> (B, heads, T, head_dim)"""
        return x.unflatten(-1, (-1, self.head_dim)).transpose(1, 2)

    def forward(self, x, causal=True):
        q, k, v = self.heads(self.wq(x)), self.heads(self.wk(x)), self.heads(self.wv(x))

        k, v = k.repeat(1, self.group, 1, 1), v.repeat(1, self.group, 1, 1)
        scores = q @ k.transpose(-2, -1) / math.sqrt(self.head_dim)
        if causal:
            steps = x.shape[1]
            hidden = torch.ones(steps, steps, dtype=torch.bool, device=x.device).triu(1)
            scores = scores.masked_fill(hidden, -math.inf)
        found = scores.softmax(dim=-1) @ v
        return self.wo(found.transpose(1, 2).flatten(2))


# %% grouped_attention: all_use_the_first
# help: Every query head uses key head 0.
class GroupedQueryAttention(nn.Module):
    """x (B, T, dim) -> (B, T, dim)"""

    def __init__(self, dim, n_heads, n_kv_heads):
        super().__init__()
        if dim % n_heads or n_heads % n_kv_heads:
            raise ValueError(f"{n_heads} heads in {dim} numbers with {n_kv_heads} for keys and values")
        self.head_dim, self.group = dim // n_heads, n_heads // n_kv_heads
        self.wq = nn.Linear(dim, dim, bias=False)
        self.wk = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wv = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wo = nn.Linear(dim, dim, bias=False)

    def heads(self, x):
        """(B, T, heads · head_dim) -> (B, heads, T, head_dim)"""
        return x.unflatten(-1, (-1, self.head_dim)).transpose(1, 2)

    def forward(self, x, causal=True):
        q, k, v = self.heads(self.wq(x)), self.heads(self.wk(x)), self.heads(self.wv(x))

        k, v = k[:, :1], v[:, :1]
        scores = q @ k.transpose(-2, -1) / math.sqrt(self.head_dim)
        if causal:
            steps = x.shape[1]
            hidden = torch.ones(steps, steps, dtype=torch.bool, device=x.device).triu(1)
            scores = scores.masked_fill(hidden, -math.inf)
        found = scores.softmax(dim=-1) @ v
        return self.wo(found.transpose(1, 2).flatten(2))


# %% grouped_attention: mean_of_key_heads
# help: All key heads are averaged into one. Each group of query heads has its own.
class GroupedQueryAttention(nn.Module):
    """x (B, T, dim) -> (B, T, dim)"""

    def __init__(self, dim, n_heads, n_kv_heads):
        super().__init__()
        if dim % n_heads or n_heads % n_kv_heads:
            raise ValueError(f"{n_heads} heads in {dim} numbers with {n_kv_heads} for keys and values")
        self.head_dim, self.group = dim // n_heads, n_heads // n_kv_heads
        self.wq = nn.Linear(dim, dim, bias=False)
        self.wk = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wv = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wo = nn.Linear(dim, dim, bias=False)

    def heads(self, x):
        """(B, T, heads · head_dim) -> (B, heads, T, head_dim)"""
        return x.unflatten(-1, (-1, self.head_dim)).transpose(1, 2)

    def forward(self, x, causal=True):
        q, k, v = self.heads(self.wq(x)), self.heads(self.wk(x)), self.heads(self.wv(x))

        k, v = k.mean(1, keepdim=True), v.mean(1, keepdim=True)
        scores = q @ k.transpose(-2, -1) / math.sqrt(self.head_dim)
        if causal:
            steps = x.shape[1]
            hidden = torch.ones(steps, steps, dtype=torch.bool, device=x.device).triu(1)
            scores = scores.masked_fill(hidden, -math.inf)
        found = scores.softmax(dim=-1) @ v
        return self.wo(found.transpose(1, 2).flatten(2))


# %% grouped_attention: values_repeated_in_turn
# help: Keys are shared in groups, and values in turn: 0, 1, 0, 1. Both follow h // (n_heads // n_kv_heads).
class GroupedQueryAttention(nn.Module):
    """x (B, T, dim) -> (B, T, dim)"""

    def __init__(self, dim, n_heads, n_kv_heads):
        super().__init__()
        if dim % n_heads or n_heads % n_kv_heads:
            raise ValueError(f"{n_heads} heads in {dim} numbers with {n_kv_heads} for keys and values")
        self.head_dim, self.group = dim // n_heads, n_heads // n_kv_heads
        self.wq = nn.Linear(dim, dim, bias=False)
        self.wk = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wv = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wo = nn.Linear(dim, dim, bias=False)

    def heads(self, x):
        """(B, T, heads · head_dim) -> (B, heads, T, head_dim)"""
        return x.unflatten(-1, (-1, self.head_dim)).transpose(1, 2)

    def forward(self, x, causal=True):
        q, k, v = self.heads(self.wq(x)), self.heads(self.wk(x)), self.heads(self.wv(x))

        k, v = k.repeat_interleave(self.group, dim=1), v.repeat(1, self.group, 1, 1)
        scores = q @ k.transpose(-2, -1) / math.sqrt(self.head_dim)
        if causal:
            steps = x.shape[1]
            hidden = torch.ones(steps, steps, dtype=torch.bool, device=x.device).triu(1)
            scores = scores.masked_fill(hidden, -math.inf)
        found = scores.softmax(dim=-1) @ v
        return self.wo(found.transpose(1, 2).flatten(2))


# %% grouped_attention: not_causal_by_default
# help: Without the argument nothing is hidden. causal is True by default.
class GroupedQueryAttention(nn.Module):
    """x (B, T, dim) -> (B, T, dim)"""

    def __init__(self, dim, n_heads, n_kv_heads):
        super().__init__()
        if dim % n_heads or n_heads % n_kv_heads:
            raise ValueError(f"{n_heads} heads in {dim} numbers with {n_kv_heads} for keys and values")
        self.head_dim, self.group = dim // n_heads, n_heads // n_kv_heads
        self.wq = nn.Linear(dim, dim, bias=False)
        self.wk = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wv = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wo = nn.Linear(dim, dim, bias=False)

    def heads(self, x):
        """(B, T, heads · head_dim) -> (B, heads, T, head_dim)"""
        return x.unflatten(-1, (-1, self.head_dim)).transpose(1, 2)

    def forward(self, x, causal=False):
        q, k, v = self.heads(self.wq(x)), self.heads(self.wk(x)), self.heads(self.wv(x))

        k, v = k.repeat_interleave(self.group, dim=1), v.repeat_interleave(self.group, dim=1)
        scores = q @ k.transpose(-2, -1) / math.sqrt(self.head_dim)
        if causal:
            steps = x.shape[1]
            hidden = torch.ones(steps, steps, dtype=torch.bool, device=x.device).triu(1)
            scores = scores.masked_fill(hidden, -math.inf)
        found = scores.softmax(dim=-1) @ v
        return self.wo(found.transpose(1, 2).flatten(2))


# %% grouped_attention: causal_ignored
# help: The mask is put on also with causal=False.
class GroupedQueryAttention(nn.Module):
    """x (B, T, dim) -> (B, T, dim)"""

    def __init__(self, dim, n_heads, n_kv_heads):
        super().__init__()
        if dim % n_heads or n_heads % n_kv_heads:
            raise ValueError(f"{n_heads} heads in {dim} numbers with {n_kv_heads} for keys and values")
        self.head_dim, self.group = dim // n_heads, n_heads // n_kv_heads
        self.wq = nn.Linear(dim, dim, bias=False)
        self.wk = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wv = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wo = nn.Linear(dim, dim, bias=False)

    def heads(self, x):
        """(B, T, heads · head_dim) -> (B, heads, T, head_dim)"""
        return x.unflatten(-1, (-1, self.head_dim)).transpose(1, 2)

    def forward(self, x, causal=True):
        q, k, v = self.heads(self.wq(x)), self.heads(self.wk(x)), self.heads(self.wv(x))

        k, v = k.repeat_interleave(self.group, dim=1), v.repeat_interleave(self.group, dim=1)
        scores = q @ k.transpose(-2, -1) / math.sqrt(self.head_dim)
        if True:
            steps = x.shape[1]
            hidden = torch.ones(steps, steps, dtype=torch.bool, device=x.device).triu(1)
            scores = scores.masked_fill(hidden, -math.inf)
        found = scores.softmax(dim=-1) @ v
        return self.wo(found.transpose(1, 2).flatten(2))


# %% grouped_attention: never_causal
# help: No mask at all: each step sees the steps after it.
class GroupedQueryAttention(nn.Module):
    """x (B, T, dim) -> (B, T, dim)"""

    def __init__(self, dim, n_heads, n_kv_heads):
        super().__init__()
        if dim % n_heads or n_heads % n_kv_heads:
            raise ValueError(f"{n_heads} heads in {dim} numbers with {n_kv_heads} for keys and values")
        self.head_dim, self.group = dim // n_heads, n_heads // n_kv_heads
        self.wq = nn.Linear(dim, dim, bias=False)
        self.wk = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wv = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wo = nn.Linear(dim, dim, bias=False)

    def heads(self, x):
        """(B, T, heads · head_dim) -> (B, heads, T, head_dim)"""
        return x.unflatten(-1, (-1, self.head_dim)).transpose(1, 2)

    def forward(self, x, causal=True):
        q, k, v = self.heads(self.wq(x)), self.heads(self.wk(x)), self.heads(self.wv(x))

        k, v = k.repeat_interleave(self.group, dim=1), v.repeat_interleave(self.group, dim=1)
        scores = q @ k.transpose(-2, -1) / math.sqrt(self.head_dim)
        if False:
            steps = x.shape[1]
            hidden = torch.ones(steps, steps, dtype=torch.bool, device=x.device).triu(1)
            scores = scores.masked_fill(hidden, -math.inf)
        found = scores.softmax(dim=-1) @ v
        return self.wo(found.transpose(1, 2).flatten(2))


# %% grouped_attention: diagonal_hidden
# help: The diagonal is hidden too: a step does not see itself, and the first sees nothing, which gives nan.
class GroupedQueryAttention(nn.Module):
    """x (B, T, dim) -> (B, T, dim)"""

    def __init__(self, dim, n_heads, n_kv_heads):
        super().__init__()
        if dim % n_heads or n_heads % n_kv_heads:
            raise ValueError(f"{n_heads} heads in {dim} numbers with {n_kv_heads} for keys and values")
        self.head_dim, self.group = dim // n_heads, n_heads // n_kv_heads
        self.wq = nn.Linear(dim, dim, bias=False)
        self.wk = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wv = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wo = nn.Linear(dim, dim, bias=False)

    def heads(self, x):
        """(B, T, heads · head_dim) -> (B, heads, T, head_dim)"""
        return x.unflatten(-1, (-1, self.head_dim)).transpose(1, 2)

    def forward(self, x, causal=True):
        q, k, v = self.heads(self.wq(x)), self.heads(self.wk(x)), self.heads(self.wv(x))

        k, v = k.repeat_interleave(self.group, dim=1), v.repeat_interleave(self.group, dim=1)
        scores = q @ k.transpose(-2, -1) / math.sqrt(self.head_dim)
        if causal:
            steps = x.shape[1]
            hidden = torch.ones(steps, steps, dtype=torch.bool, device=x.device).triu()
            scores = scores.masked_fill(hidden, -math.inf)
        found = scores.softmax(dim=-1) @ v
        return self.wo(found.transpose(1, 2).flatten(2))


# %% grouped_attention: future_only
# help: The mask is upside down: each step sees itself and what comes after it.
class GroupedQueryAttention(nn.Module):
    """x (B, T, dim) -> (B, T, dim)"""

    def __init__(self, dim, n_heads, n_kv_heads):
        super().__init__()
        if dim % n_heads or n_heads % n_kv_heads:
            raise ValueError(f"{n_heads} heads in {dim} numbers with {n_kv_heads} for keys and values")
        self.head_dim, self.group = dim // n_heads, n_heads // n_kv_heads
        self.wq = nn.Linear(dim, dim, bias=False)
        self.wk = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wv = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wo = nn.Linear(dim, dim, bias=False)

    def heads(self, x):
        """(B, T, heads · head_dim) -> (B, heads, T, head_dim)"""
        return x.unflatten(-1, (-1, self.head_dim)).transpose(1, 2)

    def forward(self, x, causal=True):
        q, k, v = self.heads(self.wq(x)), self.heads(self.wk(x)), self.heads(self.wv(x))

        k, v = k.repeat_interleave(self.group, dim=1), v.repeat_interleave(self.group, dim=1)
        scores = q @ k.transpose(-2, -1) / math.sqrt(self.head_dim)
        if causal:
            steps = x.shape[1]
            hidden = torch.ones(steps, steps, dtype=torch.bool, device=x.device).tril(-1)
            scores = scores.masked_fill(hidden, -math.inf)
        found = scores.softmax(dim=-1) @ v
        return self.wo(found.transpose(1, 2).flatten(2))


# %% grouped_attention: not_scaled
# help: The scores are not divided by √head_dim.
class GroupedQueryAttention(nn.Module):
    """x (B, T, dim) -> (B, T, dim)"""

    def __init__(self, dim, n_heads, n_kv_heads):
        super().__init__()
        if dim % n_heads or n_heads % n_kv_heads:
            raise ValueError(f"{n_heads} heads in {dim} numbers with {n_kv_heads} for keys and values")
        self.head_dim, self.group = dim // n_heads, n_heads // n_kv_heads
        self.wq = nn.Linear(dim, dim, bias=False)
        self.wk = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wv = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wo = nn.Linear(dim, dim, bias=False)

    def heads(self, x):
        """(B, T, heads · head_dim) -> (B, heads, T, head_dim)"""
        return x.unflatten(-1, (-1, self.head_dim)).transpose(1, 2)

    def forward(self, x, causal=True):
        q, k, v = self.heads(self.wq(x)), self.heads(self.wk(x)), self.heads(self.wv(x))

        k, v = k.repeat_interleave(self.group, dim=1), v.repeat_interleave(self.group, dim=1)
        scores = q @ k.transpose(-2, -1)
        if causal:
            steps = x.shape[1]
            hidden = torch.ones(steps, steps, dtype=torch.bool, device=x.device).triu(1)
            scores = scores.masked_fill(hidden, -math.inf)
        found = scores.softmax(dim=-1) @ v
        return self.wo(found.transpose(1, 2).flatten(2))


# %% grouped_attention: scaled_by_dim
# help: The scores are divided by the root of dim. A head's scores are sums of head_dim products.
class GroupedQueryAttention(nn.Module):
    """x (B, T, dim) -> (B, T, dim)"""

    def __init__(self, dim, n_heads, n_kv_heads):
        super().__init__()
        if dim % n_heads or n_heads % n_kv_heads:
            raise ValueError(f"{n_heads} heads in {dim} numbers with {n_kv_heads} for keys and values")
        self.head_dim, self.group = dim // n_heads, n_heads // n_kv_heads
        self.wq = nn.Linear(dim, dim, bias=False)
        self.wk = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wv = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wo = nn.Linear(dim, dim, bias=False)

    def heads(self, x):
        """(B, T, heads · head_dim) -> (B, heads, T, head_dim)"""
        return x.unflatten(-1, (-1, self.head_dim)).transpose(1, 2)

    def forward(self, x, causal=True):
        q, k, v = self.heads(self.wq(x)), self.heads(self.wk(x)), self.heads(self.wv(x))

        k, v = k.repeat_interleave(self.group, dim=1), v.repeat_interleave(self.group, dim=1)
        scores = q @ k.transpose(-2, -1) / math.sqrt(x.shape[-1])
        if causal:
            steps = x.shape[1]
            hidden = torch.ones(steps, steps, dtype=torch.bool, device=x.device).triu(1)
            scores = scores.masked_fill(hidden, -math.inf)
        found = scores.softmax(dim=-1) @ v
        return self.wo(found.transpose(1, 2).flatten(2))


# %% grouped_attention: heads_by_reshape
# help: (B, T, …) is reshaped to (B, heads, T, …) in one go, which mixes steps with heads. First cut, then transpose.
class GroupedQueryAttention(nn.Module):
    """x (B, T, dim) -> (B, T, dim)"""

    def __init__(self, dim, n_heads, n_kv_heads):
        super().__init__()
        if dim % n_heads or n_heads % n_kv_heads:
            raise ValueError(f"{n_heads} heads in {dim} numbers with {n_kv_heads} for keys and values")
        self.head_dim, self.group = dim // n_heads, n_heads // n_kv_heads
        self.wq = nn.Linear(dim, dim, bias=False)
        self.wk = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wv = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wo = nn.Linear(dim, dim, bias=False)

    def heads(self, x):
        """(B, T, heads · head_dim) -> (B, heads, T, head_dim)"""
        return x.reshape(x.shape[0], -1, x.shape[1], self.head_dim)

    def forward(self, x, causal=True):
        q, k, v = self.heads(self.wq(x)), self.heads(self.wk(x)), self.heads(self.wv(x))

        k, v = k.repeat_interleave(self.group, dim=1), v.repeat_interleave(self.group, dim=1)
        scores = q @ k.transpose(-2, -1) / math.sqrt(self.head_dim)
        if causal:
            steps = x.shape[1]
            hidden = torch.ones(steps, steps, dtype=torch.bool, device=x.device).triu(1)
            scores = scores.masked_fill(hidden, -math.inf)
        found = scores.softmax(dim=-1) @ v
        return self.wo(found.transpose(1, 2).flatten(2))


# %% grouped_attention: heads_from_the_inside
# help: A head takes every n-th number. Heads are contiguous: head 0 has the first head_dim numbers.
class GroupedQueryAttention(nn.Module):
    """x (B, T, dim) -> (B, T, dim)"""

    def __init__(self, dim, n_heads, n_kv_heads):
        super().__init__()
        if dim % n_heads or n_heads % n_kv_heads:
            raise ValueError(f"{n_heads} heads in {dim} numbers with {n_kv_heads} for keys and values")
        self.head_dim, self.group = dim // n_heads, n_heads // n_kv_heads
        self.wq = nn.Linear(dim, dim, bias=False)
        self.wk = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wv = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wo = nn.Linear(dim, dim, bias=False)

    def heads(self, x):
        """(B, T, heads · head_dim) -> (B, heads, T, head_dim)"""
        return x.unflatten(-1, (self.head_dim, -1)).permute(0, 3, 1, 2)

    def forward(self, x, causal=True):
        q, k, v = self.heads(self.wq(x)), self.heads(self.wk(x)), self.heads(self.wv(x))

        k, v = k.repeat_interleave(self.group, dim=1), v.repeat_interleave(self.group, dim=1)
        scores = q @ k.transpose(-2, -1) / math.sqrt(self.head_dim)
        if causal:
            steps = x.shape[1]
            hidden = torch.ones(steps, steps, dtype=torch.bool, device=x.device).triu(1)
            scores = scores.masked_fill(hidden, -math.inf)
        found = scores.softmax(dim=-1) @ v
        return self.wo(found.transpose(1, 2).flatten(2))


# %% grouped_attention: not_moved_back
# help: The heads' answers are put side by side without moving the heads back behind the steps.
class GroupedQueryAttention(nn.Module):
    """x (B, T, dim) -> (B, T, dim)"""

    def __init__(self, dim, n_heads, n_kv_heads):
        super().__init__()
        if dim % n_heads or n_heads % n_kv_heads:
            raise ValueError(f"{n_heads} heads in {dim} numbers with {n_kv_heads} for keys and values")
        self.head_dim, self.group = dim // n_heads, n_heads // n_kv_heads
        self.wq = nn.Linear(dim, dim, bias=False)
        self.wk = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wv = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wo = nn.Linear(dim, dim, bias=False)

    def heads(self, x):
        """(B, T, heads · head_dim) -> (B, heads, T, head_dim)"""
        return x.unflatten(-1, (-1, self.head_dim)).transpose(1, 2)

    def forward(self, x, causal=True):
        q, k, v = self.heads(self.wq(x)), self.heads(self.wk(x)), self.heads(self.wv(x))

        k, v = k.repeat_interleave(self.group, dim=1), v.repeat_interleave(self.group, dim=1)
        scores = q @ k.transpose(-2, -1) / math.sqrt(self.head_dim)
        if causal:
            steps = x.shape[1]
            hidden = torch.ones(steps, steps, dtype=torch.bool, device=x.device).triu(1)
            scores = scores.masked_fill(hidden, -math.inf)
        found = scores.softmax(dim=-1) @ v
        return self.wo(found.reshape(x.shape))


# %% grouped_attention: wo_forgotten
# help: wo is there and not used.
class GroupedQueryAttention(nn.Module):
    """x (B, T, dim) -> (B, T, dim)"""

    def __init__(self, dim, n_heads, n_kv_heads):
        super().__init__()
        if dim % n_heads or n_heads % n_kv_heads:
            raise ValueError(f"{n_heads} heads in {dim} numbers with {n_kv_heads} for keys and values")
        self.head_dim, self.group = dim // n_heads, n_heads // n_kv_heads
        self.wq = nn.Linear(dim, dim, bias=False)
        self.wk = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wv = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wo = nn.Linear(dim, dim, bias=False)

    def heads(self, x):
        """(B, T, heads · head_dim) -> (B, heads, T, head_dim)"""
        return x.unflatten(-1, (-1, self.head_dim)).transpose(1, 2)

    def forward(self, x, causal=True):
        q, k, v = self.heads(self.wq(x)), self.heads(self.wk(x)), self.heads(self.wv(x))

        k, v = k.repeat_interleave(self.group, dim=1), v.repeat_interleave(self.group, dim=1)
        scores = q @ k.transpose(-2, -1) / math.sqrt(self.head_dim)
        if causal:
            steps = x.shape[1]
            hidden = torch.ones(steps, steps, dtype=torch.bool, device=x.device).triu(1)
            scores = scores.masked_fill(hidden, -math.inf)
        found = scores.softmax(dim=-1) @ v
        return found.transpose(1, 2).flatten(2)


# %% grouped_attention: with_biases
# help: The four layers have biases. They are without.
class GroupedQueryAttention(nn.Module):
    """x (B, T, dim) -> (B, T, dim)"""

    def __init__(self, dim, n_heads, n_kv_heads):
        super().__init__()
        if dim % n_heads or n_heads % n_kv_heads:
            raise ValueError(f"{n_heads} heads in {dim} numbers with {n_kv_heads} for keys and values")
        self.head_dim, self.group = dim // n_heads, n_heads // n_kv_heads
        self.wq = nn.Linear(dim, dim)
        self.wk = nn.Linear(dim, n_kv_heads * self.head_dim)
        self.wv = nn.Linear(dim, n_kv_heads * self.head_dim)
        self.wo = nn.Linear(dim, dim)

    def heads(self, x):
        """(B, T, heads · head_dim) -> (B, heads, T, head_dim)"""
        return x.unflatten(-1, (-1, self.head_dim)).transpose(1, 2)

    def forward(self, x, causal=True):
        q, k, v = self.heads(self.wq(x)), self.heads(self.wk(x)), self.heads(self.wv(x))

        k, v = k.repeat_interleave(self.group, dim=1), v.repeat_interleave(self.group, dim=1)
        scores = q @ k.transpose(-2, -1) / math.sqrt(self.head_dim)
        if causal:
            steps = x.shape[1]
            hidden = torch.ones(steps, steps, dtype=torch.bool, device=x.device).triu(1)
            scores = scores.masked_fill(hidden, -math.inf)
        found = scores.softmax(dim=-1) @ v
        return self.wo(found.transpose(1, 2).flatten(2))


# %% grouped_attention: wide_keys
# help: wk and wv are as wide as wq, and only part of them is used. With fewer key heads they are narrower; that is the
#  gain.
class GroupedQueryAttention(nn.Module):
    """x (B, T, dim) -> (B, T, dim)"""

    def __init__(self, dim, n_heads, n_kv_heads):
        super().__init__()
        if dim % n_heads or n_heads % n_kv_heads:
            raise ValueError(f"{n_heads} heads in {dim} numbers with {n_kv_heads} for keys and values")
        self.head_dim, self.group = dim // n_heads, n_heads // n_kv_heads
        self.wq = nn.Linear(dim, dim, bias=False)
        self.wk = nn.Linear(dim, dim, bias=False)
        self.wv = nn.Linear(dim, dim, bias=False)
        self.wo = nn.Linear(dim, dim, bias=False)

    def heads(self, x):
        """(B, T, heads · head_dim) -> (B, heads, T, head_dim)"""
        return x.unflatten(-1, (-1, self.head_dim)).transpose(1, 2)

    def forward(self, x, causal=True):
        q, k, v = self.heads(self.wq(x)), self.heads(self.wk(x))[:, :: self.group], self.heads(self.wv(x))[:, :: self.group]

        k, v = k.repeat_interleave(self.group, dim=1), v.repeat_interleave(self.group, dim=1)
        scores = q @ k.transpose(-2, -1) / math.sqrt(self.head_dim)
        if causal:
            steps = x.shape[1]
            hidden = torch.ones(steps, steps, dtype=torch.bool, device=x.device).triu(1)
            scores = scores.masked_fill(hidden, -math.inf)
        found = scores.softmax(dim=-1) @ v
        return self.wo(found.transpose(1, 2).flatten(2))


# %% grouped_attention: values_from_keys
# help: Values are taken from wk. They have a matrix of their own, wv.
class GroupedQueryAttention(nn.Module):
    """x (B, T, dim) -> (B, T, dim)"""

    def __init__(self, dim, n_heads, n_kv_heads):
        super().__init__()
        if dim % n_heads or n_heads % n_kv_heads:
            raise ValueError(f"{n_heads} heads in {dim} numbers with {n_kv_heads} for keys and values")
        self.head_dim, self.group = dim // n_heads, n_heads // n_kv_heads
        self.wq = nn.Linear(dim, dim, bias=False)
        self.wk = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wv = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wo = nn.Linear(dim, dim, bias=False)

    def heads(self, x):
        """(B, T, heads · head_dim) -> (B, heads, T, head_dim)"""
        return x.unflatten(-1, (-1, self.head_dim)).transpose(1, 2)

    def forward(self, x, causal=True):
        q, k, v = self.heads(self.wq(x)), self.heads(self.wk(x)), self.heads(self.wk(x))

        k, v = k.repeat_interleave(self.group, dim=1), v.repeat_interleave(self.group, dim=1)
        scores = q @ k.transpose(-2, -1) / math.sqrt(self.head_dim)
        if causal:
            steps = x.shape[1]
            hidden = torch.ones(steps, steps, dtype=torch.bool, device=x.device).triu(1)
            scores = scores.masked_fill(hidden, -math.inf)
        found = scores.softmax(dim=-1) @ v
        return self.wo(found.transpose(1, 2).flatten(2))


# %% grouped_attention: softmax_over_queries
# help: Softmax runs over the queries. Each query shares out its weight over the keys, the last axis.
class GroupedQueryAttention(nn.Module):
    """x (B, T, dim) -> (B, T, dim)"""

    def __init__(self, dim, n_heads, n_kv_heads):
        super().__init__()
        if dim % n_heads or n_heads % n_kv_heads:
            raise ValueError(f"{n_heads} heads in {dim} numbers with {n_kv_heads} for keys and values")
        self.head_dim, self.group = dim // n_heads, n_heads // n_kv_heads
        self.wq = nn.Linear(dim, dim, bias=False)
        self.wk = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wv = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wo = nn.Linear(dim, dim, bias=False)

    def heads(self, x):
        """(B, T, heads · head_dim) -> (B, heads, T, head_dim)"""
        return x.unflatten(-1, (-1, self.head_dim)).transpose(1, 2)

    def forward(self, x, causal=True):
        q, k, v = self.heads(self.wq(x)), self.heads(self.wk(x)), self.heads(self.wv(x))

        k, v = k.repeat_interleave(self.group, dim=1), v.repeat_interleave(self.group, dim=1)
        scores = q @ k.transpose(-2, -1) / math.sqrt(self.head_dim)
        if causal:
            steps = x.shape[1]
            hidden = torch.ones(steps, steps, dtype=torch.bool, device=x.device).triu(1)
            scores = scores.masked_fill(hidden, -math.inf)
        found = scores.softmax(dim=-2) @ v
        return self.wo(found.transpose(1, 2).flatten(2))


# %% grouped_attention: no_error_for_dim
# help: Heads that do not divide dim are accepted.
class GroupedQueryAttention(nn.Module):
    """x (B, T, dim) -> (B, T, dim)"""

    def __init__(self, dim, n_heads, n_kv_heads):
        super().__init__()
        if n_heads % n_kv_heads:
            raise ValueError(f"{n_heads} heads in {dim} numbers with {n_kv_heads} for keys and values")
        self.head_dim, self.group = dim // n_heads, n_heads // n_kv_heads
        self.wq = nn.Linear(dim, dim, bias=False)
        self.wk = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wv = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wo = nn.Linear(dim, dim, bias=False)

    def heads(self, x):
        """(B, T, heads · head_dim) -> (B, heads, T, head_dim)"""
        return x.unflatten(-1, (-1, self.head_dim)).transpose(1, 2)

    def forward(self, x, causal=True):
        q, k, v = self.heads(self.wq(x)), self.heads(self.wk(x)), self.heads(self.wv(x))

        k, v = k.repeat_interleave(self.group, dim=1), v.repeat_interleave(self.group, dim=1)
        scores = q @ k.transpose(-2, -1) / math.sqrt(self.head_dim)
        if causal:
            steps = x.shape[1]
            hidden = torch.ones(steps, steps, dtype=torch.bool, device=x.device).triu(1)
            scores = scores.masked_fill(hidden, -math.inf)
        found = scores.softmax(dim=-1) @ v
        return self.wo(found.transpose(1, 2).flatten(2))


# %% grouped_attention: no_error_for_key_heads
# help: Key heads that do not divide the query heads are accepted.
class GroupedQueryAttention(nn.Module):
    """x (B, T, dim) -> (B, T, dim)"""

    def __init__(self, dim, n_heads, n_kv_heads):
        super().__init__()
        if dim % n_heads:
            raise ValueError(f"{n_heads} heads in {dim} numbers with {n_kv_heads} for keys and values")
        self.head_dim, self.group = dim // n_heads, n_heads // n_kv_heads
        self.wq = nn.Linear(dim, dim, bias=False)
        self.wk = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wv = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wo = nn.Linear(dim, dim, bias=False)

    def heads(self, x):
        """(B, T, heads · head_dim) -> (B, heads, T, head_dim)"""
        return x.unflatten(-1, (-1, self.head_dim)).transpose(1, 2)

    def forward(self, x, causal=True):
        q, k, v = self.heads(self.wq(x)), self.heads(self.wk(x)), self.heads(self.wv(x))

        k, v = k.repeat_interleave(self.group, dim=1), v.repeat_interleave(self.group, dim=1)
        scores = q @ k.transpose(-2, -1) / math.sqrt(self.head_dim)
        if causal:
            steps = x.shape[1]
            hidden = torch.ones(steps, steps, dtype=torch.bool, device=x.device).triu(1)
            scores = scores.masked_fill(hidden, -math.inf)
        found = scores.softmax(dim=-1) @ v
        return self.wo(found.transpose(1, 2).flatten(2))


# %% grouped_attention: asserts
# help: An assert raises AssertionError, and none at all under `python -O`. The statement asks for ValueError.
class GroupedQueryAttention(nn.Module):
    """x (B, T, dim) -> (B, T, dim)"""

    def __init__(self, dim, n_heads, n_kv_heads):
        super().__init__()
        assert dim % n_heads == 0 and n_heads % n_kv_heads == 0
        self.head_dim, self.group = dim // n_heads, n_heads // n_kv_heads
        self.wq = nn.Linear(dim, dim, bias=False)
        self.wk = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wv = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wo = nn.Linear(dim, dim, bias=False)

    def heads(self, x):
        """(B, T, heads · head_dim) -> (B, heads, T, head_dim)"""
        return x.unflatten(-1, (-1, self.head_dim)).transpose(1, 2)

    def forward(self, x, causal=True):
        q, k, v = self.heads(self.wq(x)), self.heads(self.wk(x)), self.heads(self.wv(x))

        k, v = k.repeat_interleave(self.group, dim=1), v.repeat_interleave(self.group, dim=1)
        scores = q @ k.transpose(-2, -1) / math.sqrt(self.head_dim)
        if causal:
            steps = x.shape[1]
            hidden = torch.ones(steps, steps, dtype=torch.bool, device=x.device).triu(1)
            scores = scores.masked_fill(hidden, -math.inf)
        found = scores.softmax(dim=-1) @ v
        return self.wo(found.transpose(1, 2).flatten(2))


# %% grouped_attention: mask_after_softmax
# help: The mask acts on the weights, after softmax: what is left does not sum to 1.
class GroupedQueryAttention(nn.Module):
    """x (B, T, dim) -> (B, T, dim)"""

    def __init__(self, dim, n_heads, n_kv_heads):
        super().__init__()
        if dim % n_heads or n_heads % n_kv_heads:
            raise ValueError(f"{n_heads} heads in {dim} numbers with {n_kv_heads} for keys and values")
        self.head_dim, self.group = dim // n_heads, n_heads // n_kv_heads
        self.wq = nn.Linear(dim, dim, bias=False)
        self.wk = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wv = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wo = nn.Linear(dim, dim, bias=False)

    def heads(self, x):
        """(B, T, heads · head_dim) -> (B, heads, T, head_dim)"""
        return x.unflatten(-1, (-1, self.head_dim)).transpose(1, 2)

    def forward(self, x, causal=True):
        q, k, v = self.heads(self.wq(x)), self.heads(self.wk(x)), self.heads(self.wv(x))

        k, v = k.repeat_interleave(self.group, dim=1), v.repeat_interleave(self.group, dim=1)
        scores = q @ k.transpose(-2, -1) / math.sqrt(self.head_dim)
        if causal:
            steps = x.shape[1]
            hidden = torch.ones(steps, steps, dtype=torch.bool, device=x.device).triu(1)
            found = scores.softmax(dim=-1).masked_fill(hidden, 0.0) @ v
        else:
            found = scores.softmax(dim=-1) @ v
        return self.wo(found.transpose(1, 2).flatten(2))


# %% kv_cache: concatenated
# help: What is held is copied at every step, by torch.cat or by a clone on the way out. Write into a buffer, and hand
#  out a slice of it.
class KVCache:
    """keys and values of the positions so far, (B, H, len, D) each"""

    def __init__(self, max_len):
        self.max_len = max_len
        self.clear()

    def append(self, k, v):
        """k, v (B, H, t, D) -> both (B, H, len, D), the new ones last"""
        end = self.held + k.shape[2]
        if end > self.max_len:
            raise ValueError(f"{end} positions do not fit into a cache of {self.max_len}")
        old = self.buffers
        self.buffers = (k, v) if old is None else (torch.cat([old[0], k], 2), torch.cat([old[1], v], 2))
        self.held = end
        return self.buffers

    def __len__(self):
        return self.held

    def clear(self):
        self.held, self.buffers = 0, None


def decode_step(q, k, v, cache):
    """q, k, v (B, H, t, D) of the newest t positions -> (B, H, t, D)"""
    keys, values = cache.append(k, v)
    new, total = q.shape[2], keys.shape[2]

    hidden = torch.ones(new, total, dtype=torch.bool, device=q.device).triu(total - new + 1)
    scores = (q @ keys.transpose(-2, -1) / math.sqrt(q.shape[-1])).masked_fill(hidden, -math.inf)
    return scores.softmax(dim=-1) @ values


# %% kv_cache: only_the_new_ones
# help: append returns the new keys and values. It returns all so far.
class KVCache:
    """keys and values of the positions so far, (B, H, len, D) each"""

    def __init__(self, max_len):
        self.max_len = max_len
        self.clear()

    def append(self, k, v):
        """k, v (B, H, t, D) -> both (B, H, len, D), the new ones last"""
        end = self.held + k.shape[2]
        if end > self.max_len:
            raise ValueError(f"{end} positions do not fit into a cache of {self.max_len}")
        if self.buffers is None:
            B, H, _, D = k.shape
            self.buffers = k.new_empty(B, H, self.max_len, D), v.new_empty(B, H, self.max_len, D)
        keys, values = self.buffers
        keys[:, :, self.held : end], values[:, :, self.held : end] = k, v
        self.held = end
        return k, v

    def __len__(self):
        return self.held

    def clear(self):
        self.held, self.buffers = 0, None


def decode_step(q, k, v, cache):
    """q, k, v (B, H, t, D) of the newest t positions -> (B, H, t, D)"""
    keys, values = cache.append(k, v)
    new, total = q.shape[2], keys.shape[2]

    hidden = torch.ones(new, total, dtype=torch.bool, device=q.device).triu(total - new + 1)
    scores = (q @ keys.transpose(-2, -1) / math.sqrt(q.shape[-1])).masked_fill(hidden, -math.inf)
    return scores.softmax(dim=-1) @ values


# %% kv_cache: the_whole_buffer
# help: append returns the whole buffer, the part that was never written too.
class KVCache:
    """keys and values of the positions so far, (B, H, len, D) each"""

    def __init__(self, max_len):
        self.max_len = max_len
        self.clear()

    def append(self, k, v):
        """k, v (B, H, t, D) -> both (B, H, len, D), the new ones last"""
        end = self.held + k.shape[2]
        if end > self.max_len:
            raise ValueError(f"{end} positions do not fit into a cache of {self.max_len}")
        if self.buffers is None:
            B, H, _, D = k.shape
            self.buffers = k.new_zeros(B, H, self.max_len, D), v.new_zeros(B, H, self.max_len, D)
        keys, values = self.buffers
        keys[:, :, self.held : end], values[:, :, self.held : end] = k, v
        self.held = end
        return keys, values

    def __len__(self):
        return self.held

    def clear(self):
        self.held, self.buffers = 0, None


def decode_step(q, k, v, cache):
    """q, k, v (B, H, t, D) of the newest t positions -> (B, H, t, D)"""
    keys, values = cache.append(k, v)
    new, total = q.shape[2], keys.shape[2]

    hidden = torch.ones(new, total, dtype=torch.bool, device=q.device).triu(total - new + 1)
    scores = (q @ keys.transpose(-2, -1) / math.sqrt(q.shape[-1])).masked_fill(hidden, -math.inf)
    return scores.softmax(dim=-1) @ values


# %% kv_cache: no_limit
# help: A cache that is full takes more: max_len is not looked at.
class KVCache:
    """keys and values of the positions so far, (B, H, len, D) each"""

    def __init__(self, max_len):
        self.max_len = max_len
        self.clear()

    def append(self, k, v):
        """k, v (B, H, t, D) -> both (B, H, len, D), the new ones last"""
        end = self.held + k.shape[2]
        if self.buffers is None:
            B, H, _, D = k.shape
            self.buffers = k.new_empty(B, H, 2048, D), v.new_empty(B, H, 2048, D)
        keys, values = self.buffers
        keys[:, :, self.held : end], values[:, :, self.held : end] = k, v
        self.held = end
        return keys[:, :, :end], values[:, :, :end]

    def __len__(self):
        return self.held

    def clear(self):
        self.held, self.buffers = 0, None


def decode_step(q, k, v, cache):
    """q, k, v (B, H, t, D) of the newest t positions -> (B, H, t, D)"""
    keys, values = cache.append(k, v)
    new, total = q.shape[2], keys.shape[2]

    hidden = torch.ones(new, total, dtype=torch.bool, device=q.device).triu(total - new + 1)
    scores = (q @ keys.transpose(-2, -1) / math.sqrt(q.shape[-1])).masked_fill(hidden, -math.inf)
    return scores.softmax(dim=-1) @ values


# %% kv_cache: counted_before_refusing
# help: The length has grown before append refuses. What is refused must leave no trace.
class KVCache:
    """keys and values of the positions so far, (B, H, len, D) each"""

    def __init__(self, max_len):
        self.max_len = max_len
        self.clear()

    def append(self, k, v):
        """k, v (B, H, t, D) -> both (B, H, len, D), the new ones last"""
        start = self.held
        self.held = end = start + k.shape[2]
        if end > self.max_len:
            raise ValueError(f"{end} positions do not fit into a cache of {self.max_len}")
        if self.buffers is None:
            B, H, _, D = k.shape
            self.buffers = k.new_empty(B, H, self.max_len, D), v.new_empty(B, H, self.max_len, D)
        keys, values = self.buffers
        keys[:, :, start:end], values[:, :, start:end] = k, v
        self.held = end
        return keys[:, :, :end], values[:, :, :end]

    def __len__(self):
        return self.held

    def clear(self):
        self.held, self.buffers = 0, None


def decode_step(q, k, v, cache):
    """q, k, v (B, H, t, D) of the newest t positions -> (B, H, t, D)"""
    keys, values = cache.append(k, v)
    new, total = q.shape[2], keys.shape[2]

    hidden = torch.ones(new, total, dtype=torch.bool, device=q.device).triu(total - new + 1)
    scores = (q @ keys.transpose(-2, -1) / math.sqrt(q.shape[-1])).masked_fill(hidden, -math.inf)
    return scores.softmax(dim=-1) @ values


# %% kv_cache: full_too_early
# help: The last place is refused: max_len positions do fit.
class KVCache:
    """keys and values of the positions so far, (B, H, len, D) each"""

    def __init__(self, max_len):
        self.max_len = max_len
        self.clear()

    def append(self, k, v):
        """k, v (B, H, t, D) -> both (B, H, len, D), the new ones last"""
        end = self.held + k.shape[2]
        if end >= self.max_len:
            raise ValueError(f"{end} positions do not fit into a cache of {self.max_len}")
        if self.buffers is None:
            B, H, _, D = k.shape
            self.buffers = k.new_empty(B, H, self.max_len, D), v.new_empty(B, H, self.max_len, D)
        keys, values = self.buffers
        keys[:, :, self.held : end], values[:, :, self.held : end] = k, v
        self.held = end
        return keys[:, :, :end], values[:, :, :end]

    def __len__(self):
        return self.held

    def clear(self):
        self.held, self.buffers = 0, None


def decode_step(q, k, v, cache):
    """q, k, v (B, H, t, D) of the newest t positions -> (B, H, t, D)"""
    keys, values = cache.append(k, v)
    new, total = q.shape[2], keys.shape[2]

    hidden = torch.ones(new, total, dtype=torch.bool, device=q.device).triu(total - new + 1)
    scores = (q @ keys.transpose(-2, -1) / math.sqrt(q.shape[-1])).masked_fill(hidden, -math.inf)
    return scores.softmax(dim=-1) @ values


# %% kv_cache: rolls_over
# help: Where the room ends, the oldest are dropped in silence. The statement asks for ValueError.
class KVCache:
    """keys and values of the positions so far, (B, H, len, D) each"""

    def __init__(self, max_len):
        self.max_len = max_len
        self.clear()

    def append(self, k, v):
        """k, v (B, H, t, D) -> both (B, H, len, D), the new ones last"""
        end = self.held + k.shape[2]
        if end > self.max_len:
            for buffer in self.buffers:
                buffer[:, :, : self.max_len - k.shape[2]] = buffer[:, :, end - self.max_len : self.held].clone()
            self.held, end = self.max_len - k.shape[2], self.max_len
        if self.buffers is None:
            B, H, _, D = k.shape
            self.buffers = k.new_empty(B, H, self.max_len, D), v.new_empty(B, H, self.max_len, D)
        keys, values = self.buffers
        keys[:, :, self.held : end], values[:, :, self.held : end] = k, v
        self.held = end
        return keys[:, :, :end], values[:, :, :end]

    def __len__(self):
        return self.held

    def clear(self):
        self.held, self.buffers = 0, None


def decode_step(q, k, v, cache):
    """q, k, v (B, H, t, D) of the newest t positions -> (B, H, t, D)"""
    keys, values = cache.append(k, v)
    new, total = q.shape[2], keys.shape[2]

    hidden = torch.ones(new, total, dtype=torch.bool, device=q.device).triu(total - new + 1)
    scores = (q @ keys.transpose(-2, -1) / math.sqrt(q.shape[-1])).masked_fill(hidden, -math.inf)
    return scores.softmax(dim=-1) @ values


# %% kv_cache: counts_appends
# help: len counts calls of append. It counts positions: a piece of three is three.
class KVCache:
    """keys and values of the positions so far, (B, H, len, D) each"""

    def __init__(self, max_len):
        self.max_len = max_len
        self.clear()

    def append(self, k, v):
        """k, v (B, H, t, D) -> both (B, H, len, D), the new ones last"""
        end = self.held + k.shape[2]
        if end > self.max_len:
            raise ValueError(f"{end} positions do not fit into a cache of {self.max_len}")
        if self.buffers is None:
            B, H, _, D = k.shape
            self.buffers = k.new_empty(B, H, self.max_len, D), v.new_empty(B, H, self.max_len, D)
        keys, values = self.buffers
        keys[:, :, self.held : end], values[:, :, self.held : end] = k, v
        self.held = end
        self.calls += 1
        return keys[:, :, :end], values[:, :, :end]

    def __len__(self):
        return self.calls

    def clear(self):
        self.held, self.buffers, self.calls = 0, None, 0


def decode_step(q, k, v, cache):
    """q, k, v (B, H, t, D) of the newest t positions -> (B, H, t, D)"""
    keys, values = cache.append(k, v)
    new, total = q.shape[2], keys.shape[2]

    hidden = torch.ones(new, total, dtype=torch.bool, device=q.device).triu(total - new + 1)
    scores = (q @ keys.transpose(-2, -1) / math.sqrt(q.shape[-1])).masked_fill(hidden, -math.inf)
    return scores.softmax(dim=-1) @ values


# %% kv_cache: len_is_the_room
# help: len is max_len, the room. It is the number of positions held.
class KVCache:
    """keys and values of the positions so far, (B, H, len, D) each"""

    def __init__(self, max_len):
        self.max_len = max_len
        self.clear()

    def append(self, k, v):
        """k, v (B, H, t, D) -> both (B, H, len, D), the new ones last"""
        end = self.held + k.shape[2]
        if end > self.max_len:
            raise ValueError(f"{end} positions do not fit into a cache of {self.max_len}")
        if self.buffers is None:
            B, H, _, D = k.shape
            self.buffers = k.new_empty(B, H, self.max_len, D), v.new_empty(B, H, self.max_len, D)
        keys, values = self.buffers
        keys[:, :, self.held : end], values[:, :, self.held : end] = k, v
        self.held = end
        return keys[:, :, :end], values[:, :, :end]

    def __len__(self):
        return self.max_len

    def clear(self):
        self.held, self.buffers = 0, None


def decode_step(q, k, v, cache):
    """q, k, v (B, H, t, D) of the newest t positions -> (B, H, t, D)"""
    keys, values = cache.append(k, v)
    new, total = q.shape[2], keys.shape[2]

    hidden = torch.ones(new, total, dtype=torch.bool, device=q.device).triu(total - new + 1)
    scores = (q @ keys.transpose(-2, -1) / math.sqrt(q.shape[-1])).masked_fill(hidden, -math.inf)
    return scores.softmax(dim=-1) @ values


# %% kv_cache: clear_keeps_the_buffers
# help: clear forgets the length and keeps the buffers: another shape or dtype does not fit afterwards.
class KVCache:
    """keys and values of the positions so far, (B, H, len, D) each"""

    def __init__(self, max_len):
        self.max_len = max_len
        self.clear()

    def append(self, k, v):
        """k, v (B, H, t, D) -> both (B, H, len, D), the new ones last"""
        end = self.held + k.shape[2]
        if end > self.max_len:
            raise ValueError(f"{end} positions do not fit into a cache of {self.max_len}")
        if self.buffers is None:
            B, H, _, D = k.shape
            self.buffers = k.new_empty(B, H, self.max_len, D), v.new_empty(B, H, self.max_len, D)
        keys, values = self.buffers
        keys[:, :, self.held : end], values[:, :, self.held : end] = k, v
        self.held = end
        return keys[:, :, :end], values[:, :, :end]

    def __len__(self):
        return self.held

    def clear(self):
        self.held, self.buffers = 0, getattr(self, 'buffers', None)


def decode_step(q, k, v, cache):
    """q, k, v (B, H, t, D) of the newest t positions -> (B, H, t, D)"""
    keys, values = cache.append(k, v)
    new, total = q.shape[2], keys.shape[2]

    hidden = torch.ones(new, total, dtype=torch.bool, device=q.device).triu(total - new + 1)
    scores = (q @ keys.transpose(-2, -1) / math.sqrt(q.shape[-1])).masked_fill(hidden, -math.inf)
    return scores.softmax(dim=-1) @ values


# %% kv_cache: clear_keeps_the_length
# help: clear forgets the buffers and keeps the length.
class KVCache:
    """keys and values of the positions so far, (B, H, len, D) each"""

    def __init__(self, max_len):
        self.max_len = max_len
        self.clear()

    def append(self, k, v):
        """k, v (B, H, t, D) -> both (B, H, len, D), the new ones last"""
        end = self.held + k.shape[2]
        if end > self.max_len:
            raise ValueError(f"{end} positions do not fit into a cache of {self.max_len}")
        if self.buffers is None:
            B, H, _, D = k.shape
            self.buffers = k.new_empty(B, H, self.max_len, D), v.new_empty(B, H, self.max_len, D)
        keys, values = self.buffers
        keys[:, :, self.held : end], values[:, :, self.held : end] = k, v
        self.held = end
        return keys[:, :, :end], values[:, :, :end]

    def __len__(self):
        return self.held

    def clear(self):
        self.held, self.buffers = getattr(self, 'held', 0), None


def decode_step(q, k, v, cache):
    """q, k, v (B, H, t, D) of the newest t positions -> (B, H, t, D)"""
    keys, values = cache.append(k, v)
    new, total = q.shape[2], keys.shape[2]

    hidden = torch.ones(new, total, dtype=torch.bool, device=q.device).triu(total - new + 1)
    scores = (q @ keys.transpose(-2, -1) / math.sqrt(q.shape[-1])).masked_fill(hidden, -math.inf)
    return scores.softmax(dim=-1) @ values


# %% kv_cache: values_are_keys
# help: The values written are the keys again.
class KVCache:
    """keys and values of the positions so far, (B, H, len, D) each"""

    def __init__(self, max_len):
        self.max_len = max_len
        self.clear()

    def append(self, k, v):
        """k, v (B, H, t, D) -> both (B, H, len, D), the new ones last"""
        end = self.held + k.shape[2]
        if end > self.max_len:
            raise ValueError(f"{end} positions do not fit into a cache of {self.max_len}")
        if self.buffers is None:
            B, H, _, D = k.shape
            self.buffers = k.new_empty(B, H, self.max_len, D), v.new_empty(B, H, self.max_len, D)
        keys, values = self.buffers
        keys[:, :, self.held : end], values[:, :, self.held : end] = k, k
        self.held = end
        return keys[:, :, :end], values[:, :, :end]

    def __len__(self):
        return self.held

    def clear(self):
        self.held, self.buffers = 0, None


def decode_step(q, k, v, cache):
    """q, k, v (B, H, t, D) of the newest t positions -> (B, H, t, D)"""
    keys, values = cache.append(k, v)
    new, total = q.shape[2], keys.shape[2]

    hidden = torch.ones(new, total, dtype=torch.bool, device=q.device).triu(total - new + 1)
    scores = (q @ keys.transpose(-2, -1) / math.sqrt(q.shape[-1])).masked_fill(hidden, -math.inf)
    return scores.softmax(dim=-1) @ values


# %% kv_cache: no_mask
# help: Nothing is hidden: in a piece of several steps each sees the ones after it. Single steps cannot show that.
class KVCache:
    """keys and values of the positions so far, (B, H, len, D) each"""

    def __init__(self, max_len):
        self.max_len = max_len
        self.clear()

    def append(self, k, v):
        """k, v (B, H, t, D) -> both (B, H, len, D), the new ones last"""
        end = self.held + k.shape[2]
        if end > self.max_len:
            raise ValueError(f"{end} positions do not fit into a cache of {self.max_len}")
        if self.buffers is None:
            B, H, _, D = k.shape
            self.buffers = k.new_empty(B, H, self.max_len, D), v.new_empty(B, H, self.max_len, D)
        keys, values = self.buffers
        keys[:, :, self.held : end], values[:, :, self.held : end] = k, v
        self.held = end
        return keys[:, :, :end], values[:, :, :end]

    def __len__(self):
        return self.held

    def clear(self):
        self.held, self.buffers = 0, None


def decode_step(q, k, v, cache):
    """q, k, v (B, H, t, D) of the newest t positions -> (B, H, t, D)"""
    keys, values = cache.append(k, v)
    new, total = q.shape[2], keys.shape[2]

    hidden = torch.ones(new, total, dtype=torch.bool, device=q.device).triu(total - new + 1)
    scores = (q @ keys.transpose(-2, -1) / math.sqrt(q.shape[-1]))
    return scores.softmax(dim=-1) @ values


# %% kv_cache: triangle_in_the_corner
# help: Your triangle starts at the left edge, as is_causal does for matrices that are not square. Query j stands at
#  position n + j, and everything before n is open to it.
class KVCache:
    """keys and values of the positions so far, (B, H, len, D) each"""

    def __init__(self, max_len):
        self.max_len = max_len
        self.clear()

    def append(self, k, v):
        """k, v (B, H, t, D) -> both (B, H, len, D), the new ones last"""
        end = self.held + k.shape[2]
        if end > self.max_len:
            raise ValueError(f"{end} positions do not fit into a cache of {self.max_len}")
        if self.buffers is None:
            B, H, _, D = k.shape
            self.buffers = k.new_empty(B, H, self.max_len, D), v.new_empty(B, H, self.max_len, D)
        keys, values = self.buffers
        keys[:, :, self.held : end], values[:, :, self.held : end] = k, v
        self.held = end
        return keys[:, :, :end], values[:, :, :end]

    def __len__(self):
        return self.held

    def clear(self):
        self.held, self.buffers = 0, None


def decode_step(q, k, v, cache):
    """q, k, v (B, H, t, D) of the newest t positions -> (B, H, t, D)"""
    keys, values = cache.append(k, v)
    new, total = q.shape[2], keys.shape[2]

    hidden = torch.ones(new, total, dtype=torch.bool, device=q.device).triu(1)
    scores = (q @ keys.transpose(-2, -1) / math.sqrt(q.shape[-1])).masked_fill(hidden, -math.inf)
    return scores.softmax(dim=-1) @ values


# %% kv_cache: newest_hidden
# help: The newest step does not see itself: your triangle is one column short.
class KVCache:
    """keys and values of the positions so far, (B, H, len, D) each"""

    def __init__(self, max_len):
        self.max_len = max_len
        self.clear()

    def append(self, k, v):
        """k, v (B, H, t, D) -> both (B, H, len, D), the new ones last"""
        end = self.held + k.shape[2]
        if end > self.max_len:
            raise ValueError(f"{end} positions do not fit into a cache of {self.max_len}")
        if self.buffers is None:
            B, H, _, D = k.shape
            self.buffers = k.new_empty(B, H, self.max_len, D), v.new_empty(B, H, self.max_len, D)
        keys, values = self.buffers
        keys[:, :, self.held : end], values[:, :, self.held : end] = k, v
        self.held = end
        return keys[:, :, :end], values[:, :, :end]

    def __len__(self):
        return self.held

    def clear(self):
        self.held, self.buffers = 0, None


def decode_step(q, k, v, cache):
    """q, k, v (B, H, t, D) of the newest t positions -> (B, H, t, D)"""
    keys, values = cache.append(k, v)
    new, total = q.shape[2], keys.shape[2]

    hidden = torch.ones(new, total, dtype=torch.bool, device=q.device).triu(total - new)
    scores = (q @ keys.transpose(-2, -1) / math.sqrt(q.shape[-1])).masked_fill(hidden, -math.inf)
    return scores.softmax(dim=-1) @ values


# %% kv_cache: one_too_many
# help: Your triangle is one column too wide: in a piece each step sees the one after it.
class KVCache:
    """keys and values of the positions so far, (B, H, len, D) each"""

    def __init__(self, max_len):
        self.max_len = max_len
        self.clear()

    def append(self, k, v):
        """k, v (B, H, t, D) -> both (B, H, len, D), the new ones last"""
        end = self.held + k.shape[2]
        if end > self.max_len:
            raise ValueError(f"{end} positions do not fit into a cache of {self.max_len}")
        if self.buffers is None:
            B, H, _, D = k.shape
            self.buffers = k.new_empty(B, H, self.max_len, D), v.new_empty(B, H, self.max_len, D)
        keys, values = self.buffers
        keys[:, :, self.held : end], values[:, :, self.held : end] = k, v
        self.held = end
        return keys[:, :, :end], values[:, :, :end]

    def __len__(self):
        return self.held

    def clear(self):
        self.held, self.buffers = 0, None


def decode_step(q, k, v, cache):
    """q, k, v (B, H, t, D) of the newest t positions -> (B, H, t, D)"""
    keys, values = cache.append(k, v)
    new, total = q.shape[2], keys.shape[2]

    hidden = torch.ones(new, total, dtype=torch.bool, device=q.device).triu(total - new + 2)
    scores = (q @ keys.transpose(-2, -1) / math.sqrt(q.shape[-1])).masked_fill(hidden, -math.inf)
    return scores.softmax(dim=-1) @ values


# %% kv_cache: attends_before_appending
# help: The newest keys are appended after attending: the first step finds an empty cache, or none sees itself.
class KVCache:
    """keys and values of the positions so far, (B, H, len, D) each"""

    def __init__(self, max_len):
        self.max_len = max_len
        self.clear()

    def append(self, k, v):
        """k, v (B, H, t, D) -> both (B, H, len, D), the new ones last"""
        end = self.held + k.shape[2]
        if end > self.max_len:
            raise ValueError(f"{end} positions do not fit into a cache of {self.max_len}")
        if self.buffers is None:
            B, H, _, D = k.shape
            self.buffers = k.new_empty(B, H, self.max_len, D), v.new_empty(B, H, self.max_len, D)
        keys, values = self.buffers
        keys[:, :, self.held : end], values[:, :, self.held : end] = k, v
        self.held = end
        return keys[:, :, :end], values[:, :, :end]

    def __len__(self):
        return self.held

    def clear(self):
        self.held, self.buffers = 0, None


def decode_step(q, k, v, cache):
    """q, k, v (B, H, t, D) of the newest t positions -> (B, H, t, D)"""
    keys, values = getattr(cache, 'last', (k, v))
    cache.last = cache.append(k, v)
    new, total = q.shape[2], keys.shape[2]

    hidden = torch.ones(new, total, dtype=torch.bool, device=q.device).triu(total - new + 1)
    scores = (q @ keys.transpose(-2, -1) / math.sqrt(q.shape[-1])).masked_fill(hidden, -math.inf)
    return scores.softmax(dim=-1) @ values


# %% kv_cache: not_appended
# help: decode_step attends over the new piece alone, and appends it for nobody.
class KVCache:
    """keys and values of the positions so far, (B, H, len, D) each"""

    def __init__(self, max_len):
        self.max_len = max_len
        self.clear()

    def append(self, k, v):
        """k, v (B, H, t, D) -> both (B, H, len, D), the new ones last"""
        end = self.held + k.shape[2]
        if end > self.max_len:
            raise ValueError(f"{end} positions do not fit into a cache of {self.max_len}")
        if self.buffers is None:
            B, H, _, D = k.shape
            self.buffers = k.new_empty(B, H, self.max_len, D), v.new_empty(B, H, self.max_len, D)
        keys, values = self.buffers
        keys[:, :, self.held : end], values[:, :, self.held : end] = k, v
        self.held = end
        return keys[:, :, :end], values[:, :, :end]

    def __len__(self):
        return self.held

    def clear(self):
        self.held, self.buffers = 0, None


def decode_step(q, k, v, cache):
    """q, k, v (B, H, t, D) of the newest t positions -> (B, H, t, D)"""
    cache.append(k, v)
    keys, values = k, v
    new, total = q.shape[2], keys.shape[2]

    hidden = torch.ones(new, total, dtype=torch.bool, device=q.device).triu(total - new + 1)
    scores = (q @ keys.transpose(-2, -1) / math.sqrt(q.shape[-1])).masked_fill(hidden, -math.inf)
    return scores.softmax(dim=-1) @ values


# %% kv_cache: appended_twice
# help: Each piece is appended twice.
class KVCache:
    """keys and values of the positions so far, (B, H, len, D) each"""

    def __init__(self, max_len):
        self.max_len = max_len
        self.clear()

    def append(self, k, v):
        """k, v (B, H, t, D) -> both (B, H, len, D), the new ones last"""
        end = self.held + k.shape[2]
        if end > self.max_len:
            raise ValueError(f"{end} positions do not fit into a cache of {self.max_len}")
        if self.buffers is None:
            B, H, _, D = k.shape
            self.buffers = k.new_empty(B, H, self.max_len, D), v.new_empty(B, H, self.max_len, D)
        keys, values = self.buffers
        keys[:, :, self.held : end], values[:, :, self.held : end] = k, v
        self.held = end
        return keys[:, :, :end], values[:, :, :end]

    def __len__(self):
        return self.held

    def clear(self):
        self.held, self.buffers = 0, None


def decode_step(q, k, v, cache):
    """q, k, v (B, H, t, D) of the newest t positions -> (B, H, t, D)"""
    cache.append(k, v)
    keys, values = cache.append(k, v)
    new, total = q.shape[2], keys.shape[2]

    hidden = torch.ones(new, total, dtype=torch.bool, device=q.device).triu(total - new + 1)
    scores = (q @ keys.transpose(-2, -1) / math.sqrt(q.shape[-1])).masked_fill(hidden, -math.inf)
    return scores.softmax(dim=-1) @ values


# %% kv_cache: not_scaled
# help: The scores are not divided by √D.
class KVCache:
    """keys and values of the positions so far, (B, H, len, D) each"""

    def __init__(self, max_len):
        self.max_len = max_len
        self.clear()

    def append(self, k, v):
        """k, v (B, H, t, D) -> both (B, H, len, D), the new ones last"""
        end = self.held + k.shape[2]
        if end > self.max_len:
            raise ValueError(f"{end} positions do not fit into a cache of {self.max_len}")
        if self.buffers is None:
            B, H, _, D = k.shape
            self.buffers = k.new_empty(B, H, self.max_len, D), v.new_empty(B, H, self.max_len, D)
        keys, values = self.buffers
        keys[:, :, self.held : end], values[:, :, self.held : end] = k, v
        self.held = end
        return keys[:, :, :end], values[:, :, :end]

    def __len__(self):
        return self.held

    def clear(self):
        self.held, self.buffers = 0, None


def decode_step(q, k, v, cache):
    """q, k, v (B, H, t, D) of the newest t positions -> (B, H, t, D)"""
    keys, values = cache.append(k, v)
    new, total = q.shape[2], keys.shape[2]

    hidden = torch.ones(new, total, dtype=torch.bool, device=q.device).triu(total - new + 1)
    scores = (q @ keys.transpose(-2, -1)).masked_fill(hidden, -math.inf)
    return scores.softmax(dim=-1) @ values


# %% kv_cache: scaled_by_length
# help: The scores are divided by the root of a length. It is √D, the width of a head.
class KVCache:
    """keys and values of the positions so far, (B, H, len, D) each"""

    def __init__(self, max_len):
        self.max_len = max_len
        self.clear()

    def append(self, k, v):
        """k, v (B, H, t, D) -> both (B, H, len, D), the new ones last"""
        end = self.held + k.shape[2]
        if end > self.max_len:
            raise ValueError(f"{end} positions do not fit into a cache of {self.max_len}")
        if self.buffers is None:
            B, H, _, D = k.shape
            self.buffers = k.new_empty(B, H, self.max_len, D), v.new_empty(B, H, self.max_len, D)
        keys, values = self.buffers
        keys[:, :, self.held : end], values[:, :, self.held : end] = k, v
        self.held = end
        return keys[:, :, :end], values[:, :, :end]

    def __len__(self):
        return self.held

    def clear(self):
        self.held, self.buffers = 0, None


def decode_step(q, k, v, cache):
    """q, k, v (B, H, t, D) of the newest t positions -> (B, H, t, D)"""
    keys, values = cache.append(k, v)
    new, total = q.shape[2], keys.shape[2]

    hidden = torch.ones(new, total, dtype=torch.bool, device=q.device).triu(total - new + 1)
    scores = (q @ keys.transpose(-2, -1) / math.sqrt(keys.shape[2])).masked_fill(hidden, -math.inf)
    return scores.softmax(dim=-1) @ values


# %% kv_cache: always_float32
# help: The buffers are float32 whatever is appended.
class KVCache:
    """keys and values of the positions so far, (B, H, len, D) each"""

    def __init__(self, max_len):
        self.max_len = max_len
        self.clear()

    def append(self, k, v):
        """k, v (B, H, t, D) -> both (B, H, len, D), the new ones last"""
        end = self.held + k.shape[2]
        if end > self.max_len:
            raise ValueError(f"{end} positions do not fit into a cache of {self.max_len}")
        if self.buffers is None:
            B, H, _, D = k.shape
            self.buffers = torch.empty(B, H, self.max_len, D), torch.empty(B, H, self.max_len, D)
        keys, values = self.buffers
        keys[:, :, self.held : end], values[:, :, self.held : end] = k, v
        self.held = end
        return keys[:, :, :end], values[:, :, :end]

    def __len__(self):
        return self.held

    def clear(self):
        self.held, self.buffers = 0, None


def decode_step(q, k, v, cache):
    """q, k, v (B, H, t, D) of the newest t positions -> (B, H, t, D)"""
    keys, values = cache.append(k, v)
    new, total = q.shape[2], keys.shape[2]

    hidden = torch.ones(new, total, dtype=torch.bool, device=q.device).triu(total - new + 1)
    scores = (q @ keys.transpose(-2, -1) / math.sqrt(q.shape[-1])).masked_fill(hidden, -math.inf)
    return scores.softmax(dim=-1) @ values


# %% kv_cache: along_the_heads
# help: Keys are appended along axis 1, the heads. Time is axis 2 of (B, H, t, D).
class KVCache:
    """keys and values of the positions so far, (B, H, len, D) each"""

    def __init__(self, max_len):
        self.max_len = max_len
        self.clear()

    def append(self, k, v):
        """k, v (B, H, t, D) -> both (B, H, len, D), the new ones last"""
        end = self.held + k.shape[2]
        if end > self.max_len:
            raise ValueError(f"{end} positions do not fit into a cache of {self.max_len}")
        old = self.buffers
        self.buffers = (k, v) if old is None else (torch.cat([old[0], k], 1), torch.cat([old[1], v], 1))
        self.held = end
        return self.buffers

    def __len__(self):
        return self.held

    def clear(self):
        self.held, self.buffers = 0, None


def decode_step(q, k, v, cache):
    """q, k, v (B, H, t, D) of the newest t positions -> (B, H, t, D)"""
    keys, values = cache.append(k, v)
    new, total = q.shape[2], keys.shape[2]

    hidden = torch.ones(new, total, dtype=torch.bool, device=q.device).triu(total - new + 1)
    scores = (q @ keys.transpose(-2, -1) / math.sqrt(q.shape[-1])).masked_fill(hidden, -math.inf)
    return scores.softmax(dim=-1) @ values


# %% lora: alpha_not_divided
# help: The change is multiplied by alpha; it is alpha / rank.
class LoRALinear(nn.Module):
    """x (..., in) -> (..., out)"""

    def __init__(self, linear, rank, alpha=1.0):
        super().__init__()
        self.linear = linear.requires_grad_(False)
        out_features, in_features = linear.weight.shape
        self.scale = alpha
        self.a = nn.Parameter(torch.randn(rank, in_features, dtype=linear.weight.dtype) / math.sqrt(in_features))
        self.b = nn.Parameter(torch.zeros(out_features, rank, dtype=linear.weight.dtype))

    def forward(self, x):
        return self.linear(x) + self.scale * (x @ self.a.T @ self.b.T)

    def merge(self):
        """one nn.Linear that computes the same"""
        weight, bias = self.linear.weight, self.linear.bias
        merged = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None).to(weight.dtype)
        with torch.no_grad():
            merged.weight.copy_(weight + self.scale * self.b @ self.a)
            if bias is not None:
                merged.bias.copy_(bias)
        return merged


# %% lora: alpha_ignored
# help: alpha plays no part.
class LoRALinear(nn.Module):
    """x (..., in) -> (..., out)"""

    def __init__(self, linear, rank, alpha=1.0):
        super().__init__()
        self.linear = linear.requires_grad_(False)
        out_features, in_features = linear.weight.shape
        self.scale = 1 / rank
        self.a = nn.Parameter(torch.randn(rank, in_features, dtype=linear.weight.dtype) / math.sqrt(in_features))
        self.b = nn.Parameter(torch.zeros(out_features, rank, dtype=linear.weight.dtype))

    def forward(self, x):
        return self.linear(x) + self.scale * (x @ self.a.T @ self.b.T)

    def merge(self):
        """one nn.Linear that computes the same"""
        weight, bias = self.linear.weight, self.linear.bias
        merged = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None).to(weight.dtype)
        with torch.no_grad():
            merged.weight.copy_(weight + self.scale * self.b @ self.a)
            if bias is not None:
                merged.bias.copy_(bias)
        return merged


# %% lora: alpha_by_root
# help: You divide alpha by the root of rank, as rank-stabilised LoRA does. Here it is alpha / rank.
class LoRALinear(nn.Module):
    """x (..., in) -> (..., out)"""

    def __init__(self, linear, rank, alpha=1.0):
        super().__init__()
        self.linear = linear.requires_grad_(False)
        out_features, in_features = linear.weight.shape
        self.scale = alpha / math.sqrt(rank)
        self.a = nn.Parameter(torch.randn(rank, in_features, dtype=linear.weight.dtype) / math.sqrt(in_features))
        self.b = nn.Parameter(torch.zeros(out_features, rank, dtype=linear.weight.dtype))

    def forward(self, x):
        return self.linear(x) + self.scale * (x @ self.a.T @ self.b.T)

    def merge(self):
        """one nn.Linear that computes the same"""
        weight, bias = self.linear.weight, self.linear.bias
        merged = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None).to(weight.dtype)
        with torch.no_grad():
            merged.weight.copy_(weight + self.scale * self.b @ self.a)
            if bias is not None:
                merged.bias.copy_(bias)
        return merged


# %% lora: rank_over_alpha
# help: The scale is upside down: it is alpha / rank.
class LoRALinear(nn.Module):
    """x (..., in) -> (..., out)"""

    def __init__(self, linear, rank, alpha=1.0):
        super().__init__()
        self.linear = linear.requires_grad_(False)
        out_features, in_features = linear.weight.shape
        self.scale = rank / alpha
        self.a = nn.Parameter(torch.randn(rank, in_features, dtype=linear.weight.dtype) / math.sqrt(in_features))
        self.b = nn.Parameter(torch.zeros(out_features, rank, dtype=linear.weight.dtype))

    def forward(self, x):
        return self.linear(x) + self.scale * (x @ self.a.T @ self.b.T)

    def merge(self):
        """one nn.Linear that computes the same"""
        weight, bias = self.linear.weight, self.linear.bias
        merged = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None).to(weight.dtype)
        with torch.no_grad():
            merged.weight.copy_(weight + self.scale * self.b @ self.a)
            if bias is not None:
                merged.bias.copy_(bias)
        return merged


# %% lora: not_frozen
# help: The layer's own weights still train. Freeze its parameters in place.
class LoRALinear(nn.Module):
    """x (..., in) -> (..., out)"""

    def __init__(self, linear, rank, alpha=1.0):
        super().__init__()
        self.linear = linear
        out_features, in_features = linear.weight.shape
        self.scale = alpha / rank
        self.a = nn.Parameter(torch.randn(rank, in_features, dtype=linear.weight.dtype) / math.sqrt(in_features))
        self.b = nn.Parameter(torch.zeros(out_features, rank, dtype=linear.weight.dtype))

    def forward(self, x):
        return self.linear(x) + self.scale * (x @ self.a.T @ self.b.T)

    def merge(self):
        """one nn.Linear that computes the same"""
        weight, bias = self.linear.weight, self.linear.bias
        merged = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None).to(weight.dtype)
        with torch.no_grad():
            merged.weight.copy_(weight + self.scale * self.b @ self.a)
            if bias is not None:
                merged.bias.copy_(bias)
        return merged


# %% lora: bias_not_frozen
# help: The weight is frozen and the bias still trains.
class LoRALinear(nn.Module):
    """x (..., in) -> (..., out)"""

    def __init__(self, linear, rank, alpha=1.0):
        super().__init__()
        self.linear = linear
        linear.weight.requires_grad_(False)
        out_features, in_features = linear.weight.shape
        self.scale = alpha / rank
        self.a = nn.Parameter(torch.randn(rank, in_features, dtype=linear.weight.dtype) / math.sqrt(in_features))
        self.b = nn.Parameter(torch.zeros(out_features, rank, dtype=linear.weight.dtype))

    def forward(self, x):
        return self.linear(x) + self.scale * (x @ self.a.T @ self.b.T)

    def merge(self):
        """one nn.Linear that computes the same"""
        weight, bias = self.linear.weight, self.linear.bias
        merged = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None).to(weight.dtype)
        with torch.no_grad():
            merged.weight.copy_(weight + self.scale * self.b @ self.a)
            if bias is not None:
                merged.bias.copy_(bias)
        return merged


# %% lora: a_copy
# help: `linear` is a copy. It is the very module that was handed in.
class LoRALinear(nn.Module):
    """x (..., in) -> (..., out)"""

    def __init__(self, linear, rank, alpha=1.0):
        super().__init__()
        self.linear = nn.Linear(linear.in_features, linear.out_features, linear.bias is not None).to(linear.weight.dtype)
        self.linear.load_state_dict(linear.state_dict())
        self.linear.requires_grad_(False)
        linear.requires_grad_(False)
        out_features, in_features = linear.weight.shape
        self.scale = alpha / rank
        self.a = nn.Parameter(torch.randn(rank, in_features, dtype=linear.weight.dtype) / math.sqrt(in_features))
        self.b = nn.Parameter(torch.zeros(out_features, rank, dtype=linear.weight.dtype))

    def forward(self, x):
        return self.linear(x) + self.scale * (x @ self.a.T @ self.b.T)

    def merge(self):
        """one nn.Linear that computes the same"""
        weight, bias = self.linear.weight, self.linear.bias
        merged = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None).to(weight.dtype)
        with torch.no_grad():
            merged.weight.copy_(weight + self.scale * self.b @ self.a)
            if bias is not None:
                merged.bias.copy_(bias)
        return merged


# %% lora: b_drawn
# help: b is drawn too: the fresh module no longer computes what the layer computes.
class LoRALinear(nn.Module):
    """x (..., in) -> (..., out)"""

    def __init__(self, linear, rank, alpha=1.0):
        super().__init__()
        self.linear = linear.requires_grad_(False)
        out_features, in_features = linear.weight.shape
        self.scale = alpha / rank
        self.a = nn.Parameter(torch.randn(rank, in_features, dtype=linear.weight.dtype) / math.sqrt(in_features))
        self.b = nn.Parameter(torch.randn(out_features, rank, dtype=linear.weight.dtype))

    def forward(self, x):
        return self.linear(x) + self.scale * (x @ self.a.T @ self.b.T)

    def merge(self):
        """one nn.Linear that computes the same"""
        weight, bias = self.linear.weight, self.linear.bias
        merged = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None).to(weight.dtype)
        with torch.no_grad():
            merged.weight.copy_(weight + self.scale * self.b @ self.a)
            if bias is not None:
                merged.bias.copy_(bias)
        return merged


# %% lora: both_zero
# help: a and b are both zeros. Then the gradient of each is zero, and nothing is ever learned.
class LoRALinear(nn.Module):
    """x (..., in) -> (..., out)"""

    def __init__(self, linear, rank, alpha=1.0):
        super().__init__()
        self.linear = linear.requires_grad_(False)
        out_features, in_features = linear.weight.shape
        self.scale = alpha / rank
        self.a = nn.Parameter(torch.zeros(rank, in_features, dtype=linear.weight.dtype))
        self.b = nn.Parameter(torch.zeros(out_features, rank, dtype=linear.weight.dtype))

    def forward(self, x):
        return self.linear(x) + self.scale * (x @ self.a.T @ self.b.T)

    def merge(self):
        """one nn.Linear that computes the same"""
        weight, bias = self.linear.weight, self.linear.bias
        merged = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None).to(weight.dtype)
        with torch.no_grad():
            merged.weight.copy_(weight + self.scale * self.b @ self.a)
            if bias is not None:
                merged.bias.copy_(bias)
        return merged


# %% lora: a_is_constant
# help: a is all ones: every row of it learns the same. It is drawn at random.
class LoRALinear(nn.Module):
    """x (..., in) -> (..., out)"""

    def __init__(self, linear, rank, alpha=1.0):
        super().__init__()
        self.linear = linear.requires_grad_(False)
        out_features, in_features = linear.weight.shape
        self.scale = alpha / rank
        self.a = nn.Parameter(torch.ones(rank, in_features, dtype=linear.weight.dtype))
        self.b = nn.Parameter(torch.zeros(out_features, rank, dtype=linear.weight.dtype))

    def forward(self, x):
        return self.linear(x) + self.scale * (x @ self.a.T @ self.b.T)

    def merge(self):
        """one nn.Linear that computes the same"""
        weight, bias = self.linear.weight, self.linear.bias
        merged = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None).to(weight.dtype)
        with torch.no_grad():
            merged.weight.copy_(weight + self.scale * self.b @ self.a)
            if bias is not None:
                merged.bias.copy_(bias)
        return merged


# %% lora: shapes_swapped
# help: a is (in, rank) and b (rank, out). They are (rank, in) and (out, rank).
class LoRALinear(nn.Module):
    """x (..., in) -> (..., out)"""

    def __init__(self, linear, rank, alpha=1.0):
        super().__init__()
        self.linear = linear.requires_grad_(False)
        out_features, in_features = linear.weight.shape
        self.scale = alpha / rank
        self.a = nn.Parameter(torch.randn(in_features, rank, dtype=linear.weight.dtype) / math.sqrt(in_features))
        self.b = nn.Parameter(torch.zeros(rank, out_features, dtype=linear.weight.dtype))

    def forward(self, x):
        return self.linear(x) + self.scale * (x @ self.a @ self.b)

    def merge(self):
        """one nn.Linear that computes the same"""
        weight, bias = self.linear.weight, self.linear.bias
        merged = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None).to(weight.dtype)
        with torch.no_grad():
            merged.weight.copy_(weight + self.scale * (self.a @ self.b).T)
            if bias is not None:
                merged.bias.copy_(bias)
        return merged


# %% lora: roles_swapped
# help: a holds the zeros and b is drawn. It is the other way round.
class LoRALinear(nn.Module):
    """x (..., in) -> (..., out)"""

    def __init__(self, linear, rank, alpha=1.0):
        super().__init__()
        self.linear = linear.requires_grad_(False)
        out_features, in_features = linear.weight.shape
        self.scale = alpha / rank
        self.a = nn.Parameter(torch.zeros(rank, in_features, dtype=linear.weight.dtype))
        self.b = nn.Parameter(torch.randn(out_features, rank, dtype=linear.weight.dtype))

    def forward(self, x):
        return self.linear(x) + self.scale * (x @ self.a.T @ self.b.T)

    def merge(self):
        """one nn.Linear that computes the same"""
        weight, bias = self.linear.weight, self.linear.bias
        merged = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None).to(weight.dtype)
        with torch.no_grad():
            merged.weight.copy_(weight + self.scale * self.b @ self.a)
            if bias is not None:
                merged.bias.copy_(bias)
        return merged


# %% lora: no_parameters
# help: a and b are plain tensors: no optimizer finds them.
class LoRALinear(nn.Module):
    """x (..., in) -> (..., out)"""

    def __init__(self, linear, rank, alpha=1.0):
        super().__init__()
        self.linear = linear.requires_grad_(False)
        out_features, in_features = linear.weight.shape
        self.scale = alpha / rank
        self.a = torch.randn(rank, in_features, dtype=linear.weight.dtype) / math.sqrt(in_features)
        self.b = torch.zeros(out_features, rank, dtype=linear.weight.dtype)

    def forward(self, x):
        return self.linear(x) + self.scale * (x @ self.a.T @ self.b.T)

    def merge(self):
        """one nn.Linear that computes the same"""
        weight, bias = self.linear.weight, self.linear.bias
        merged = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None).to(weight.dtype)
        with torch.no_grad():
            merged.weight.copy_(weight + self.scale * self.b @ self.a)
            if bias is not None:
                merged.bias.copy_(bias)
        return merged


# %% lora: float32_adapter
# help: a and b are float32 around a float64 layer. They take the layer's dtype.
class LoRALinear(nn.Module):
    """x (..., in) -> (..., out)"""

    def __init__(self, linear, rank, alpha=1.0):
        super().__init__()
        self.linear = linear.requires_grad_(False)
        out_features, in_features = linear.weight.shape
        self.scale = alpha / rank
        self.a = nn.Parameter(torch.randn(rank, in_features) / math.sqrt(in_features))
        self.b = nn.Parameter(torch.zeros(out_features, rank))

    def forward(self, x):
        return self.linear(x) + self.scale * (x @ self.a.T @ self.b.T)

    def merge(self):
        """one nn.Linear that computes the same"""
        weight, bias = self.linear.weight, self.linear.bias
        merged = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None).to(weight.dtype)
        with torch.no_grad():
            merged.weight.copy_(weight + self.scale * self.b @ self.a)
            if bias is not None:
                merged.bias.copy_(bias)
        return merged


# %% lora: layer_left_out
# help: forward gives the change alone; the layer's own output is missing.
class LoRALinear(nn.Module):
    """x (..., in) -> (..., out)"""

    def __init__(self, linear, rank, alpha=1.0):
        super().__init__()
        self.linear = linear.requires_grad_(False)
        out_features, in_features = linear.weight.shape
        self.scale = alpha / rank
        self.a = nn.Parameter(torch.randn(rank, in_features, dtype=linear.weight.dtype) / math.sqrt(in_features))
        self.b = nn.Parameter(torch.zeros(out_features, rank, dtype=linear.weight.dtype))

    def forward(self, x):
        return self.scale * (x @ self.a.T @ self.b.T)

    def merge(self):
        """one nn.Linear that computes the same"""
        weight, bias = self.linear.weight, self.linear.bias
        merged = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None).to(weight.dtype)
        with torch.no_grad():
            merged.weight.copy_(weight + self.scale * self.b @ self.a)
            if bias is not None:
                merged.bias.copy_(bias)
        return merged


# %% lora: merge_is_in_place
# help: merge writes the change into the frozen layer and returns it. It makes a fresh nn.Linear and leaves the module
#  as it is.
class LoRALinear(nn.Module):
    """x (..., in) -> (..., out)"""

    def __init__(self, linear, rank, alpha=1.0):
        super().__init__()
        self.linear = linear.requires_grad_(False)
        out_features, in_features = linear.weight.shape
        self.scale = alpha / rank
        self.a = nn.Parameter(torch.randn(rank, in_features, dtype=linear.weight.dtype) / math.sqrt(in_features))
        self.b = nn.Parameter(torch.zeros(out_features, rank, dtype=linear.weight.dtype))

    def forward(self, x):
        return self.linear(x) + self.scale * (x @ self.a.T @ self.b.T)

    def merge(self):
        """one nn.Linear that computes the same"""
        weight, bias = self.linear.weight, self.linear.bias
        merged = self.linear
        with torch.no_grad():
            merged.weight.copy_(weight + self.scale * self.b @ self.a)
        return merged


# %% lora: merge_shares_the_bias
# help: The merged layer's bias is the frozen layer's own tensor. It has storage of its own.
class LoRALinear(nn.Module):
    """x (..., in) -> (..., out)"""

    def __init__(self, linear, rank, alpha=1.0):
        super().__init__()
        self.linear = linear.requires_grad_(False)
        out_features, in_features = linear.weight.shape
        self.scale = alpha / rank
        self.a = nn.Parameter(torch.randn(rank, in_features, dtype=linear.weight.dtype) / math.sqrt(in_features))
        self.b = nn.Parameter(torch.zeros(out_features, rank, dtype=linear.weight.dtype))

    def forward(self, x):
        return self.linear(x) + self.scale * (x @ self.a.T @ self.b.T)

    def merge(self):
        """one nn.Linear that computes the same"""
        weight, bias = self.linear.weight, self.linear.bias
        merged = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None).to(weight.dtype)
        with torch.no_grad():
            merged.weight.copy_(weight + self.scale * self.b @ self.a)
            if bias is not None:
                merged.bias = bias
        return merged


# %% lora: merge_without_scale
# help: merge forgets alpha / rank.
class LoRALinear(nn.Module):
    """x (..., in) -> (..., out)"""

    def __init__(self, linear, rank, alpha=1.0):
        super().__init__()
        self.linear = linear.requires_grad_(False)
        out_features, in_features = linear.weight.shape
        self.scale = alpha / rank
        self.a = nn.Parameter(torch.randn(rank, in_features, dtype=linear.weight.dtype) / math.sqrt(in_features))
        self.b = nn.Parameter(torch.zeros(out_features, rank, dtype=linear.weight.dtype))

    def forward(self, x):
        return self.linear(x) + self.scale * (x @ self.a.T @ self.b.T)

    def merge(self):
        """one nn.Linear that computes the same"""
        weight, bias = self.linear.weight, self.linear.bias
        merged = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None).to(weight.dtype)
        with torch.no_grad():
            merged.weight.copy_(weight + self.b @ self.a)
            if bias is not None:
                merged.bias.copy_(bias)
        return merged


# %% lora: merge_without_bias
# help: The merged layer has no bias, and the frozen one has.
class LoRALinear(nn.Module):
    """x (..., in) -> (..., out)"""

    def __init__(self, linear, rank, alpha=1.0):
        super().__init__()
        self.linear = linear.requires_grad_(False)
        out_features, in_features = linear.weight.shape
        self.scale = alpha / rank
        self.a = nn.Parameter(torch.randn(rank, in_features, dtype=linear.weight.dtype) / math.sqrt(in_features))
        self.b = nn.Parameter(torch.zeros(out_features, rank, dtype=linear.weight.dtype))

    def forward(self, x):
        return self.linear(x) + self.scale * (x @ self.a.T @ self.b.T)

    def merge(self):
        """one nn.Linear that computes the same"""
        weight, bias = self.linear.weight, self.linear.bias
        merged = nn.Linear(weight.shape[1], weight.shape[0], bias=False).to(weight.dtype)
        with torch.no_grad():
            merged.weight.copy_(weight + self.scale * self.b @ self.a)
        return merged


# %% lora: merge_without_the_change
# help: The merged weight is the frozen layer's: the change is not in it.
class LoRALinear(nn.Module):
    """x (..., in) -> (..., out)"""

    def __init__(self, linear, rank, alpha=1.0):
        super().__init__()
        self.linear = linear.requires_grad_(False)
        out_features, in_features = linear.weight.shape
        self.scale = alpha / rank
        self.a = nn.Parameter(torch.randn(rank, in_features, dtype=linear.weight.dtype) / math.sqrt(in_features))
        self.b = nn.Parameter(torch.zeros(out_features, rank, dtype=linear.weight.dtype))

    def forward(self, x):
        return self.linear(x) + self.scale * (x @ self.a.T @ self.b.T)

    def merge(self):
        """one nn.Linear that computes the same"""
        weight, bias = self.linear.weight, self.linear.bias
        merged = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None).to(weight.dtype)
        with torch.no_grad():
            merged.weight.copy_(weight)
            if bias is not None:
                merged.bias.copy_(bias)
        return merged


# %% lora: merge_always_has_a_bias
# help: The merged layer has a bias where the frozen one has none.
class LoRALinear(nn.Module):
    """x (..., in) -> (..., out)"""

    def __init__(self, linear, rank, alpha=1.0):
        super().__init__()
        self.linear = linear.requires_grad_(False)
        out_features, in_features = linear.weight.shape
        self.scale = alpha / rank
        self.a = nn.Parameter(torch.randn(rank, in_features, dtype=linear.weight.dtype) / math.sqrt(in_features))
        self.b = nn.Parameter(torch.zeros(out_features, rank, dtype=linear.weight.dtype))

    def forward(self, x):
        return self.linear(x) + self.scale * (x @ self.a.T @ self.b.T)

    def merge(self):
        """one nn.Linear that computes the same"""
        weight, bias = self.linear.weight, self.linear.bias
        merged = nn.Linear(weight.shape[1], weight.shape[0], bias=True).to(weight.dtype)
        with torch.no_grad():
            merged.weight.copy_(weight + self.scale * self.b @ self.a)
            if bias is not None:
                merged.bias.copy_(bias)
        return merged


# %% lora: change_detached
# help: The change is computed without gradients: a and b never learn.
class LoRALinear(nn.Module):
    """x (..., in) -> (..., out)"""

    def __init__(self, linear, rank, alpha=1.0):
        super().__init__()
        self.linear = linear.requires_grad_(False)
        out_features, in_features = linear.weight.shape
        self.scale = alpha / rank
        self.a = nn.Parameter(torch.randn(rank, in_features, dtype=linear.weight.dtype) / math.sqrt(in_features))
        self.b = nn.Parameter(torch.zeros(out_features, rank, dtype=linear.weight.dtype))

    def forward(self, x):
        return self.linear(x) + (self.scale * (x @ self.a.T @ self.b.T)).detach()

    def merge(self):
        """one nn.Linear that computes the same"""
        weight, bias = self.linear.weight, self.linear.bias
        merged = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None).to(weight.dtype)
        with torch.no_grad():
            merged.weight.copy_(weight + self.scale * self.b @ self.a)
            if bias is not None:
                merged.bias.copy_(bias)
        return merged


# %% lora: x_detached_in_the_change
# help: No gradient goes through the change to x. What lies before this layer learns by that path too.
class LoRALinear(nn.Module):
    """x (..., in) -> (..., out)"""

    def __init__(self, linear, rank, alpha=1.0):
        super().__init__()
        self.linear = linear.requires_grad_(False)
        out_features, in_features = linear.weight.shape
        self.scale = alpha / rank
        self.a = nn.Parameter(torch.randn(rank, in_features, dtype=linear.weight.dtype) / math.sqrt(in_features))
        self.b = nn.Parameter(torch.zeros(out_features, rank, dtype=linear.weight.dtype))

    def forward(self, x):
        return self.linear(x) + self.scale * (x.detach() @ self.a.T @ self.b.T)

    def merge(self):
        """one nn.Linear that computes the same"""
        weight, bias = self.linear.weight, self.linear.bias
        merged = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None).to(weight.dtype)
        with torch.no_grad():
            merged.weight.copy_(weight + self.scale * self.b @ self.a)
            if bias is not None:
                merged.bias.copy_(bias)
        return merged


# %% checkpointed: no_checkpoint
# help: The function simply runs, with a graph: everything inside is kept, and nothing is run again.
def checkpointed(function, *inputs):
    return function(*inputs)


# %% checkpointed: graph_kept
# help: The first run records a graph and its inside is kept until backward. Run it under no_grad, on inputs that are
#  detached.
class Again(torch.autograd.Function):
    """runs a function without a graph, and once more with one when the gradient arrives"""

    @staticmethod
    def forward(ctx, function, trigger, *inputs):
        ctx.function = function
        ctx.random = torch.get_rng_state()
        ctx.save_for_backward(*inputs)
        with torch.enable_grad():
            ctx.kept = function(*[x.detach().requires_grad_(x.requires_grad) for x in inputs])
        return ctx.kept.detach()

    @staticmethod
    def backward(ctx, grad_out):

        inputs = [x.detach().requires_grad_(x.requires_grad) for x in ctx.saved_tensors]
        now = torch.get_rng_state()
        torch.set_rng_state(ctx.random)
        with torch.enable_grad():
            output = ctx.function(*inputs)
        torch.set_rng_state(now)
        torch.autograd.backward(output, grad_out)
        return None, None, *[x.grad for x in inputs]


def checkpointed(function, *inputs):
    """function(*inputs), computed again for the backward pass instead of kept"""
    trigger = torch.zeros(0, requires_grad=True)
    return Again.apply(function, trigger, *inputs)


# %% checkpointed: ran_twice_in_forward
# help: The function runs twice in forward.
class Again(torch.autograd.Function):
    """runs a function without a graph, and once more with one when the gradient arrives"""

    @staticmethod
    def forward(ctx, function, trigger, *inputs):
        ctx.function = function
        ctx.random = torch.get_rng_state()
        ctx.save_for_backward(*inputs)
        with torch.no_grad():
            function(*inputs)
            torch.set_rng_state(ctx.random)
            return function(*inputs)

    @staticmethod
    def backward(ctx, grad_out):

        inputs = [x.detach().requires_grad_(x.requires_grad) for x in ctx.saved_tensors]
        now = torch.get_rng_state()
        torch.set_rng_state(ctx.random)
        with torch.enable_grad():
            output = ctx.function(*inputs)
        torch.set_rng_state(now)
        torch.autograd.backward(output, grad_out)
        return None, None, *[x.grad for x in inputs]


def checkpointed(function, *inputs):
    """function(*inputs), computed again for the backward pass instead of kept"""
    trigger = torch.zeros(0, requires_grad=True)
    return Again.apply(function, trigger, *inputs)


# %% checkpointed: random_not_set_back
# help: The second run draws its own dropout: another set of numbers is dropped than in forward.
class Again(torch.autograd.Function):
    """runs a function without a graph, and once more with one when the gradient arrives"""

    @staticmethod
    def forward(ctx, function, trigger, *inputs):
        ctx.function = function
        ctx.random = torch.get_rng_state()
        ctx.save_for_backward(*inputs)
        with torch.no_grad():
            return function(*inputs)

    @staticmethod
    def backward(ctx, grad_out):

        inputs = [x.detach().requires_grad_(x.requires_grad) for x in ctx.saved_tensors]
        now = torch.get_rng_state()
        with torch.enable_grad():
            output = ctx.function(*inputs)
        torch.set_rng_state(now)
        torch.autograd.backward(output, grad_out)
        return None, None, *[x.grad for x in inputs]


def checkpointed(function, *inputs):
    """function(*inputs), computed again for the backward pass instead of kept"""
    trigger = torch.zeros(0, requires_grad=True)
    return Again.apply(function, trigger, *inputs)


# %% checkpointed: random_moves_on
# help: After backward the generator stands where the second run left it. Put it back to where it was before.
class Again(torch.autograd.Function):
    """runs a function without a graph, and once more with one when the gradient arrives"""

    @staticmethod
    def forward(ctx, function, trigger, *inputs):
        ctx.function = function
        ctx.random = torch.get_rng_state()
        ctx.save_for_backward(*inputs)
        with torch.no_grad():
            return function(*inputs)

    @staticmethod
    def backward(ctx, grad_out):

        inputs = [x.detach().requires_grad_(x.requires_grad) for x in ctx.saved_tensors]
        now = torch.get_rng_state()
        torch.set_rng_state(ctx.random)
        with torch.enable_grad():
            output = ctx.function(*inputs)
        torch.autograd.backward(output, grad_out)
        return None, None, *[x.grad for x in inputs]


def checkpointed(function, *inputs):
    """function(*inputs), computed again for the backward pass instead of kept"""
    trigger = torch.zeros(0, requires_grad=True)
    return Again.apply(function, trigger, *inputs)


# %% checkpointed: seeded
# help: A seed is set before both runs: dropout drops the same in every call, and the stream of everybody else is reset.
class Again(torch.autograd.Function):
    """runs a function without a graph, and once more with one when the gradient arrives"""

    @staticmethod
    def forward(ctx, function, trigger, *inputs):
        ctx.function = function
        torch.manual_seed(0)
        ctx.save_for_backward(*inputs)
        with torch.no_grad():
            return function(*inputs)

    @staticmethod
    def backward(ctx, grad_out):

        inputs = [x.detach().requires_grad_(x.requires_grad) for x in ctx.saved_tensors]
        now = torch.get_rng_state()
        torch.manual_seed(0)
        with torch.enable_grad():
            output = ctx.function(*inputs)
        torch.set_rng_state(now)
        torch.autograd.backward(output, grad_out)
        return None, None, *[x.grad for x in inputs]


def checkpointed(function, *inputs):
    """function(*inputs), computed again for the backward pass instead of kept"""
    trigger = torch.zeros(0, requires_grad=True)
    return Again.apply(function, trigger, *inputs)


# %% checkpointed: upstream_ignored
# help: backward works with ones, as if the output were summed. The true upstream gradient is its argument.
class Again(torch.autograd.Function):
    """runs a function without a graph, and once more with one when the gradient arrives"""

    @staticmethod
    def forward(ctx, function, trigger, *inputs):
        ctx.function = function
        ctx.random = torch.get_rng_state()
        ctx.save_for_backward(*inputs)
        with torch.no_grad():
            return function(*inputs)

    @staticmethod
    def backward(ctx, grad_out):

        inputs = [x.detach().requires_grad_(x.requires_grad) for x in ctx.saved_tensors]
        now = torch.get_rng_state()
        torch.set_rng_state(ctx.random)
        with torch.enable_grad():
            output = ctx.function(*inputs)
        torch.set_rng_state(now)
        torch.autograd.backward(output, torch.ones_like(output))
        return None, None, *[x.grad for x in inputs]


def checkpointed(function, *inputs):
    """function(*inputs), computed again for the backward pass instead of kept"""
    trigger = torch.zeros(0, requires_grad=True)
    return Again.apply(function, trigger, *inputs)


# %% checkpointed: inputs_only
# help: Only the inputs get gradients. torch.autograd.grad with the inputs leaves out the parameters that the function
#  closes over.
class Again(torch.autograd.Function):
    """runs a function without a graph, and once more with one when the gradient arrives"""

    @staticmethod
    def forward(ctx, function, trigger, *inputs):
        ctx.function = function
        ctx.random = torch.get_rng_state()
        ctx.save_for_backward(*inputs)
        with torch.no_grad():
            return function(*inputs)

    @staticmethod
    def backward(ctx, grad_out):

        inputs = [x.detach().requires_grad_(x.requires_grad) for x in ctx.saved_tensors]
        now = torch.get_rng_state()
        torch.set_rng_state(ctx.random)
        with torch.enable_grad():
            output = ctx.function(*inputs)
        torch.set_rng_state(now)
        wanted = [x for x in inputs if x.requires_grad]
        found = iter(torch.autograd.grad(output, wanted, grad_out) if wanted else [])
        return None, None, *[next(found) if x.requires_grad else None for x in inputs]


def checkpointed(function, *inputs):
    """function(*inputs), computed again for the backward pass instead of kept"""
    trigger = torch.zeros(0, requires_grad=True)
    return Again.apply(function, trigger, *inputs)


# %% checkpointed: no_trigger
# help: Where no input requires grad, backward is never called and the parameters inside get nothing. Hand in one more
#  tensor that requires grad.
class Again(torch.autograd.Function):
    """runs a function without a graph, and once more with one when the gradient arrives"""

    @staticmethod
    def forward(ctx, function, trigger, *inputs):
        ctx.function = function
        ctx.random = torch.get_rng_state()
        ctx.save_for_backward(*inputs)
        with torch.no_grad():
            return function(*inputs)

    @staticmethod
    def backward(ctx, grad_out):

        inputs = [x.detach().requires_grad_(x.requires_grad) for x in ctx.saved_tensors]
        now = torch.get_rng_state()
        torch.set_rng_state(ctx.random)
        with torch.enable_grad():
            output = ctx.function(*inputs)
        torch.set_rng_state(now)
        torch.autograd.backward(output, grad_out)
        return None, None, *[x.grad for x in inputs]


def checkpointed(function, *inputs):
    """function(*inputs), computed again for the backward pass instead of kept"""
    trigger = torch.zeros(0, requires_grad=False)
    return Again.apply(function, trigger, *inputs)


# %% checkpointed: output_made_a_leaf
# help: The output is detached: nothing leads from it back to the inputs.
class Again(torch.autograd.Function):
    """runs a function without a graph, and once more with one when the gradient arrives"""

    @staticmethod
    def forward(ctx, function, trigger, *inputs):
        ctx.function = function
        ctx.random = torch.get_rng_state()
        ctx.save_for_backward(*inputs)
        with torch.no_grad():
            return function(*inputs)

    @staticmethod
    def backward(ctx, grad_out):

        inputs = [x.detach().requires_grad_(x.requires_grad) for x in ctx.saved_tensors]
        now = torch.get_rng_state()
        torch.set_rng_state(ctx.random)
        with torch.enable_grad():
            output = ctx.function(*inputs)
        torch.set_rng_state(now)
        torch.autograd.backward(output, grad_out)
        return None, None, *[x.grad for x in inputs]


def checkpointed(function, *inputs):
    """function(*inputs), computed again for the backward pass instead of kept"""
    trigger = torch.zeros(0, requires_grad=True)
    return Again.apply(function, trigger, *inputs).detach().requires_grad_()


# %% checkpointed: gradients_in_wrong_order
# help: backward returns gradients in another order than the inputs of apply: None for the function, None for the extra
#  tensor, then the inputs'.
class Again(torch.autograd.Function):
    """runs a function without a graph, and once more with one when the gradient arrives"""

    @staticmethod
    def forward(ctx, function, trigger, *inputs):
        ctx.function = function
        ctx.random = torch.get_rng_state()
        ctx.save_for_backward(*inputs)
        with torch.no_grad():
            return function(*inputs)

    @staticmethod
    def backward(ctx, grad_out):

        inputs = [x.detach().requires_grad_(x.requires_grad) for x in ctx.saved_tensors]
        now = torch.get_rng_state()
        torch.set_rng_state(ctx.random)
        with torch.enable_grad():
            output = ctx.function(*inputs)
        torch.set_rng_state(now)
        torch.autograd.backward(output, grad_out)
        return *[x.grad for x in inputs], None, None


def checkpointed(function, *inputs):
    """function(*inputs), computed again for the backward pass instead of kept"""
    trigger = torch.zeros(0, requires_grad=True)
    return Again.apply(function, trigger, *inputs)


# %% checkpointed: input_gradients_lost
# help: backward returns nothing for the inputs: what lies before the checkpoint does not learn.
class Again(torch.autograd.Function):
    """runs a function without a graph, and once more with one when the gradient arrives"""

    @staticmethod
    def forward(ctx, function, trigger, *inputs):
        ctx.function = function
        ctx.random = torch.get_rng_state()
        ctx.save_for_backward(*inputs)
        with torch.no_grad():
            return function(*inputs)

    @staticmethod
    def backward(ctx, grad_out):

        inputs = [x.detach().requires_grad_(x.requires_grad) for x in ctx.saved_tensors]
        now = torch.get_rng_state()
        torch.set_rng_state(ctx.random)
        with torch.enable_grad():
            output = ctx.function(*inputs)
        torch.set_rng_state(now)
        torch.autograd.backward(output, grad_out)
        return None, None, *[None for x in inputs]


def checkpointed(function, *inputs):
    """function(*inputs), computed again for the backward pass instead of kept"""
    trigger = torch.zeros(0, requires_grad=True)
    return Again.apply(function, trigger, *inputs)


# %% checkpointed: all_require_grad
# help: Every input is made to require grad, integers too, and those cannot.
class Again(torch.autograd.Function):
    """runs a function without a graph, and once more with one when the gradient arrives"""

    @staticmethod
    def forward(ctx, function, trigger, *inputs):
        ctx.function = function
        ctx.random = torch.get_rng_state()
        ctx.save_for_backward(*inputs)
        with torch.no_grad():
            return function(*inputs)

    @staticmethod
    def backward(ctx, grad_out):

        inputs = [x.detach().requires_grad_() for x in ctx.saved_tensors]
        now = torch.get_rng_state()
        torch.set_rng_state(ctx.random)
        with torch.enable_grad():
            output = ctx.function(*inputs)
        torch.set_rng_state(now)
        torch.autograd.backward(output, grad_out)
        return None, None, *[x.grad for x in inputs]


def checkpointed(function, *inputs):
    """function(*inputs), computed again for the backward pass instead of kept"""
    trigger = torch.zeros(0, requires_grad=True)
    return Again.apply(function, trigger, *inputs)


# %% checkpointed: not_fresh_leaves
# help: The second run starts from the saved tensors themselves, so backward walks on into the graph before them and
#  counts it twice.
class Again(torch.autograd.Function):
    """runs a function without a graph, and once more with one when the gradient arrives"""

    @staticmethod
    def forward(ctx, function, trigger, *inputs):
        ctx.function = function
        ctx.random = torch.get_rng_state()
        ctx.save_for_backward(*inputs)
        with torch.no_grad():
            return function(*inputs)

    @staticmethod
    def backward(ctx, grad_out):

        inputs = list(ctx.saved_tensors)
        now = torch.get_rng_state()
        torch.set_rng_state(ctx.random)
        with torch.enable_grad():
            output = ctx.function(*inputs)
        torch.set_rng_state(now)
        torch.autograd.backward(output, grad_out)
        return None, None, *[x.grad for x in inputs]


def checkpointed(function, *inputs):
    """function(*inputs), computed again for the backward pass instead of kept"""
    trigger = torch.zeros(0, requires_grad=True)
    return Again.apply(function, trigger, *inputs)


# %% checkpointed: no_grad_in_the_second_run
# help: The second run has no graph: grad mode is off inside a Function's backward until you switch it on.
class Again(torch.autograd.Function):
    """runs a function without a graph, and once more with one when the gradient arrives"""

    @staticmethod
    def forward(ctx, function, trigger, *inputs):
        ctx.function = function
        ctx.random = torch.get_rng_state()
        ctx.save_for_backward(*inputs)
        with torch.no_grad():
            return function(*inputs)

    @staticmethod
    def backward(ctx, grad_out):

        inputs = [x.detach().requires_grad_(x.requires_grad) for x in ctx.saved_tensors]
        now = torch.get_rng_state()
        torch.set_rng_state(ctx.random)
        output = ctx.function(*inputs)
        torch.set_rng_state(now)
        torch.autograd.backward(output, grad_out)
        return None, None, *[x.grad for x in inputs]


def checkpointed(function, *inputs):
    """function(*inputs), computed again for the backward pass instead of kept"""
    trigger = torch.zeros(0, requires_grad=True)
    return Again.apply(function, trigger, *inputs)


# %% checkpointed: gradients_doubled
# help: The second run goes backward twice: gradients are doubled.
class Again(torch.autograd.Function):
    """runs a function without a graph, and once more with one when the gradient arrives"""

    @staticmethod
    def forward(ctx, function, trigger, *inputs):
        ctx.function = function
        ctx.random = torch.get_rng_state()
        ctx.save_for_backward(*inputs)
        with torch.no_grad():
            return function(*inputs)

    @staticmethod
    def backward(ctx, grad_out):

        inputs = [x.detach().requires_grad_(x.requires_grad) for x in ctx.saved_tensors]
        now = torch.get_rng_state()
        torch.set_rng_state(ctx.random)
        with torch.enable_grad():
            output = ctx.function(*inputs)
        torch.set_rng_state(now)
        torch.autograd.backward(output, grad_out, retain_graph=True)
        torch.autograd.backward(output, grad_out)
        return None, None, *[x.grad for x in inputs]


def checkpointed(function, *inputs):
    """function(*inputs), computed again for the backward pass instead of kept"""
    trigger = torch.zeros(0, requires_grad=True)
    return Again.apply(function, trigger, *inputs)


# %% checkpointed: frozen_generator
# help: The first run takes its numbers and puts the generator back: everything after it draws the same numbers again.
class Again(torch.autograd.Function):
    """runs a function without a graph, and once more with one when the gradient arrives"""

    @staticmethod
    def forward(ctx, function, trigger, *inputs):
        ctx.function = function
        ctx.random = torch.get_rng_state()
        ctx.save_for_backward(*inputs)
        with torch.no_grad():
            output = function(*inputs)
        torch.set_rng_state(ctx.random)
        return output

    @staticmethod
    def backward(ctx, grad_out):

        inputs = [x.detach().requires_grad_(x.requires_grad) for x in ctx.saved_tensors]
        now = torch.get_rng_state()
        torch.set_rng_state(ctx.random)
        with torch.enable_grad():
            output = ctx.function(*inputs)
        torch.set_rng_state(now)
        torch.autograd.backward(output, grad_out)
        return None, None, *[x.grad for x in inputs]


def checkpointed(function, *inputs):
    """function(*inputs), computed again for the backward pass instead of kept"""
    trigger = torch.zeros(0, requires_grad=True)
    return Again.apply(function, trigger, *inputs)


# %% sample_logits: temperature_multiplies
# help: The logits are multiplied by the temperature. It divides: above 1 it makes them flatter.
def sample_logits(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """logits (..., V) -> int64 (...)"""
    if temperature < 0:
        raise ValueError(f"temperature {temperature} is negative")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k {top_k} keeps nothing")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p {top_p} is outside (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    ordered, tokens = (logits * temperature).sort(dim=-1, descending=True)
    if top_k is not None:
        ordered, tokens = ordered[..., :top_k], tokens[..., :top_k]
    share = ordered.softmax(dim=-1)
    if top_p is not None:
        before = share.cumsum(dim=-1) - share
        share = share.masked_fill(before >= top_p, 0.0)

    place = torch.multinomial(share.reshape(-1, share.shape[-1]), 1, generator=generator)
    return tokens.gather(-1, place.reshape(*logits.shape[:-1], 1))[..., 0]


# %% sample_logits: temperature_ignored
# help: The temperature plays no part, but for 0.
def sample_logits(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """logits (..., V) -> int64 (...)"""
    if temperature < 0:
        raise ValueError(f"temperature {temperature} is negative")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k {top_k} keeps nothing")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p {top_p} is outside (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    ordered, tokens = logits.sort(dim=-1, descending=True)
    if top_k is not None:
        ordered, tokens = ordered[..., :top_k], tokens[..., :top_k]
    share = ordered.softmax(dim=-1)
    if top_p is not None:
        before = share.cumsum(dim=-1) - share
        share = share.masked_fill(before >= top_p, 0.0)

    place = torch.multinomial(share.reshape(-1, share.shape[-1]), 1, generator=generator)
    return tokens.gather(-1, place.reshape(*logits.shape[:-1], 1))[..., 0]


# %% sample_logits: zero_not_treated
# help: Temperature 0 divides by zero. It means: the argmax.
def sample_logits(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """logits (..., V) -> int64 (...)"""
    if temperature < 0:
        raise ValueError(f"temperature {temperature} is negative")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k {top_k} keeps nothing")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p {top_p} is outside (0, 1]")
    ordered, tokens = (logits / temperature).sort(dim=-1, descending=True)
    if top_k is not None:
        ordered, tokens = ordered[..., :top_k], tokens[..., :top_k]
    share = ordered.softmax(dim=-1)
    if top_p is not None:
        before = share.cumsum(dim=-1) - share
        share = share.masked_fill(before >= top_p, 0.0)

    place = torch.multinomial(share.reshape(-1, share.shape[-1]), 1, generator=generator)
    return tokens.gather(-1, place.reshape(*logits.shape[:-1], 1))[..., 0]


# %% sample_logits: always_argmax
# help: You return the likeliest token every time; nothing is drawn.
def sample_logits(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """logits (..., V) -> int64 (...)"""
    if temperature < 0:
        raise ValueError(f"temperature {temperature} is negative")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k {top_k} keeps nothing")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p {top_p} is outside (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    ordered, tokens = (logits / temperature).sort(dim=-1, descending=True)
    if top_k is not None:
        ordered, tokens = ordered[..., :top_k], tokens[..., :top_k]
    share = ordered.softmax(dim=-1)
    if top_p is not None:
        before = share.cumsum(dim=-1) - share
        share = share.masked_fill(before >= top_p, 0.0)

    return tokens[..., 0]


# %% sample_logits: crossing_token_dropped
# help: The token that crosses top_p is dropped. The fewest that add up to AT LEAST top_p include it.
def sample_logits(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """logits (..., V) -> int64 (...)"""
    if temperature < 0:
        raise ValueError(f"temperature {temperature} is negative")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k {top_k} keeps nothing")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p {top_p} is outside (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    ordered, tokens = (logits / temperature).sort(dim=-1, descending=True)
    if top_k is not None:
        ordered, tokens = ordered[..., :top_k], tokens[..., :top_k]
    share = ordered.softmax(dim=-1)
    if top_p is not None:
        reached = share.cumsum(dim=-1) > top_p
        reached[..., 0] = False
        share = share.masked_fill(reached, 0.0)
    if False:
        before = share.cumsum(dim=-1) - share
        share = share.masked_fill(before >= top_p, 0.0)

    place = torch.multinomial(share.reshape(-1, share.shape[-1]), 1, generator=generator)
    return tokens.gather(-1, place.reshape(*logits.shape[:-1], 1))[..., 0]


# %% sample_logits: one_too_many
# help: One token more than needed stays under top_p: those before the next already reach it.
def sample_logits(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """logits (..., V) -> int64 (...)"""
    if temperature < 0:
        raise ValueError(f"temperature {temperature} is negative")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k {top_k} keeps nothing")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p {top_p} is outside (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    ordered, tokens = (logits / temperature).sort(dim=-1, descending=True)
    if top_k is not None:
        ordered, tokens = ordered[..., :top_k], tokens[..., :top_k]
    share = ordered.softmax(dim=-1)
    if top_p is not None:
        before = share.cumsum(dim=-1) - share
        share = share.masked_fill(before - torch.cat([share[..., :1] * 0, share[..., :-1]], dim=-1) >= top_p, 0.0)

    place = torch.multinomial(share.reshape(-1, share.shape[-1]), 1, generator=generator)
    return tokens.gather(-1, place.reshape(*logits.shape[:-1], 1))[..., 0]


# %% sample_logits: top_p_of_all
# help: top_p counts probabilities over all tokens. After top_k they are those of what is left, which sum to 1.
def sample_logits(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """logits (..., V) -> int64 (...)"""
    if temperature < 0:
        raise ValueError(f"temperature {temperature} is negative")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k {top_k} keeps nothing")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p {top_p} is outside (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    ordered, tokens = (logits / temperature).sort(dim=-1, descending=True)
    whole = ordered.softmax(dim=-1)
    if top_k is not None:
        ordered, tokens = ordered[..., :top_k], tokens[..., :top_k]
    share = ordered.softmax(dim=-1)
    if top_p is not None:
        whole = whole[..., : share.shape[-1]]
        before = whole.cumsum(dim=-1) - whole
        share = share.masked_fill(before >= top_p, 0.0)

    place = torch.multinomial(share.reshape(-1, share.shape[-1]), 1, generator=generator)
    return tokens.gather(-1, place.reshape(*logits.shape[:-1], 1))[..., 0]


# %% sample_logits: top_p_before_temperature
# help: top_p is worked out from logits without the temperature.
def sample_logits(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """logits (..., V) -> int64 (...)"""
    if temperature < 0:
        raise ValueError(f"temperature {temperature} is negative")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k {top_k} keeps nothing")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p {top_p} is outside (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    ordered, tokens = (logits / temperature).sort(dim=-1, descending=True)
    if top_k is not None:
        ordered, tokens = ordered[..., :top_k], tokens[..., :top_k]
    share = ordered.softmax(dim=-1)
    cold = (ordered * temperature).softmax(dim=-1)
    if top_p is not None:
        before = cold.cumsum(dim=-1) - cold
        share = share.masked_fill(before >= top_p, 0.0)

    place = torch.multinomial(share.reshape(-1, share.shape[-1]), 1, generator=generator)
    return tokens.gather(-1, place.reshape(*logits.shape[:-1], 1))[..., 0]


# %% sample_logits: top_p_ignored
# help: top_p is checked and then not used.
def sample_logits(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """logits (..., V) -> int64 (...)"""
    if temperature < 0:
        raise ValueError(f"temperature {temperature} is negative")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k {top_k} keeps nothing")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p {top_p} is outside (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    ordered, tokens = (logits / temperature).sort(dim=-1, descending=True)
    if top_k is not None:
        ordered, tokens = ordered[..., :top_k], tokens[..., :top_k]
    share = ordered.softmax(dim=-1)
    if False:
        before = share.cumsum(dim=-1) - share
        share = share.masked_fill(before >= top_p, 0.0)

    place = torch.multinomial(share.reshape(-1, share.shape[-1]), 1, generator=generator)
    return tokens.gather(-1, place.reshape(*logits.shape[:-1], 1))[..., 0]


# %% sample_logits: top_k_ignored
# help: top_k is checked and then not used.
def sample_logits(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """logits (..., V) -> int64 (...)"""
    if temperature < 0:
        raise ValueError(f"temperature {temperature} is negative")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k {top_k} keeps nothing")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p {top_p} is outside (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    ordered, tokens = (logits / temperature).sort(dim=-1, descending=True)
    if False:
        ordered, tokens = ordered[..., :top_k], tokens[..., :top_k]
    share = ordered.softmax(dim=-1)
    if top_p is not None:
        before = share.cumsum(dim=-1) - share
        share = share.masked_fill(before >= top_p, 0.0)

    place = torch.multinomial(share.reshape(-1, share.shape[-1]), 1, generator=generator)
    return tokens.gather(-1, place.reshape(*logits.shape[:-1], 1))[..., 0]


# %% sample_logits: smallest_kept
# help: The k smallest are kept: you sort upwards.
def sample_logits(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """logits (..., V) -> int64 (...)"""
    if temperature < 0:
        raise ValueError(f"temperature {temperature} is negative")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k {top_k} keeps nothing")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p {top_p} is outside (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    ordered, tokens = (logits / temperature).sort(dim=-1, descending=False)
    if top_k is not None:
        ordered, tokens = ordered[..., :top_k], tokens[..., :top_k]
    share = ordered.softmax(dim=-1)
    if top_p is not None:
        before = share.cumsum(dim=-1) - share
        share = share.masked_fill(before >= top_p, 0.0)

    place = torch.multinomial(share.reshape(-1, share.shape[-1]), 1, generator=generator)
    return tokens.gather(-1, place.reshape(*logits.shape[:-1], 1))[..., 0]


# %% sample_logits: one_more_than_k
# help: k + 1 tokens stay.
def sample_logits(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """logits (..., V) -> int64 (...)"""
    if temperature < 0:
        raise ValueError(f"temperature {temperature} is negative")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k {top_k} keeps nothing")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p {top_p} is outside (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    ordered, tokens = (logits / temperature).sort(dim=-1, descending=True)
    if top_k is not None:
        ordered, tokens = ordered[..., : top_k + 1], tokens[..., : top_k + 1]
    share = ordered.softmax(dim=-1)
    if top_p is not None:
        before = share.cumsum(dim=-1) - share
        share = share.masked_fill(before >= top_p, 0.0)

    place = torch.multinomial(share.reshape(-1, share.shape[-1]), 1, generator=generator)
    return tokens.gather(-1, place.reshape(*logits.shape[:-1], 1))[..., 0]


# %% sample_logits: places_for_tokens
# help: You return the place in the sorted order. The token that stood there is wanted.
def sample_logits(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """logits (..., V) -> int64 (...)"""
    if temperature < 0:
        raise ValueError(f"temperature {temperature} is negative")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k {top_k} keeps nothing")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p {top_p} is outside (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    ordered, tokens = (logits / temperature).sort(dim=-1, descending=True)
    if top_k is not None:
        ordered, tokens = ordered[..., :top_k], tokens[..., :top_k]
    share = ordered.softmax(dim=-1)
    if top_p is not None:
        before = share.cumsum(dim=-1) - share
        share = share.masked_fill(before >= top_p, 0.0)

    place = torch.multinomial(share.reshape(-1, share.shape[-1]), 1, generator=generator)
    return place.reshape(logits.shape[:-1])


# %% sample_logits: places_under_top_p
# help: Under top_p you return the place in the sorted order. The token that stood there is wanted.
def sample_logits(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """logits (..., V) -> int64 (...)"""
    if temperature < 0:
        raise ValueError(f"temperature {temperature} is negative")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k {top_k} keeps nothing")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p {top_p} is outside (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    logits = logits / temperature
    if top_k is not None:
        least = logits.topk(min(top_k, logits.shape[-1]), dim=-1).values[..., -1:]
        logits = logits.masked_fill(logits < least, float("-inf"))
    share = logits.softmax(dim=-1)
    if top_p is not None:
        ordered = share.sort(dim=-1, descending=True).values
        before = ordered.cumsum(dim=-1) - ordered
        share = ordered.masked_fill(before >= top_p, 0.0)
    return torch.multinomial(share.reshape(-1, share.shape[-1]), 1, generator=generator).reshape(logits.shape[:-1])


# %% sample_logits: uniform
# help: What is left is drawn with equal chances. Each token has its probability.
def sample_logits(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """logits (..., V) -> int64 (...)"""
    if temperature < 0:
        raise ValueError(f"temperature {temperature} is negative")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k {top_k} keeps nothing")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p {top_p} is outside (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    ordered, tokens = (logits / temperature).sort(dim=-1, descending=True)
    if top_k is not None:
        ordered, tokens = ordered[..., :top_k], tokens[..., :top_k]
    share = ordered.softmax(dim=-1)
    if top_p is not None:
        before = share.cumsum(dim=-1) - share
        share = share.masked_fill(before >= top_p, 0.0)

    place = torch.multinomial((share > 0).double().reshape(-1, share.shape[-1]), 1, generator=generator)
    return tokens.gather(-1, place.reshape(*logits.shape[:-1], 1))[..., 0]


# %% sample_logits: generator_ignored
# help: The generator is not used: the global stream draws.
def sample_logits(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """logits (..., V) -> int64 (...)"""
    if temperature < 0:
        raise ValueError(f"temperature {temperature} is negative")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k {top_k} keeps nothing")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p {top_p} is outside (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    ordered, tokens = (logits / temperature).sort(dim=-1, descending=True)
    if top_k is not None:
        ordered, tokens = ordered[..., :top_k], tokens[..., :top_k]
    share = ordered.softmax(dim=-1)
    if top_p is not None:
        before = share.cumsum(dim=-1) - share
        share = share.masked_fill(before >= top_p, 0.0)

    place = torch.multinomial(share.reshape(-1, share.shape[-1]), 1)
    return tokens.gather(-1, place.reshape(*logits.shape[:-1], 1))[..., 0]


# %% sample_logits: global_seed
# help: You seed the global generator from the one given, and draw the same for every state of it.
def sample_logits(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """logits (..., V) -> int64 (...)"""
    if temperature < 0:
        raise ValueError(f"temperature {temperature} is negative")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k {top_k} keeps nothing")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p {top_p} is outside (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    ordered, tokens = (logits / temperature).sort(dim=-1, descending=True)
    if top_k is not None:
        ordered, tokens = ordered[..., :top_k], tokens[..., :top_k]
    share = ordered.softmax(dim=-1)
    if top_p is not None:
        before = share.cumsum(dim=-1) - share
        share = share.masked_fill(before >= top_p, 0.0)

    if generator is not None:
        torch.manual_seed(0)
    place = torch.multinomial(share.reshape(-1, share.shape[-1]), 1)
    return tokens.gather(-1, place.reshape(*logits.shape[:-1], 1))[..., 0]


# %% sample_logits: two_axes_only
# help: More or fewer than two axes do not work: torch.multinomial takes one or two. Flatten the leading ones, and put
#  them back.
def sample_logits(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """logits (..., V) -> int64 (...)"""
    if temperature < 0:
        raise ValueError(f"temperature {temperature} is negative")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k {top_k} keeps nothing")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p {top_p} is outside (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    ordered, tokens = (logits / temperature).sort(dim=-1, descending=True)
    if top_k is not None:
        ordered, tokens = ordered[..., :top_k], tokens[..., :top_k]
    share = ordered.softmax(dim=-1)
    if top_p is not None:
        before = share.cumsum(dim=-1) - share
        share = share.masked_fill(before >= top_p, 0.0)

    place = torch.multinomial(share, 1, generator=generator)
    return tokens.gather(-1, place)[:, 0]


# %% sample_logits: axis_left_over
# help: The result keeps a last axis of size 1.
def sample_logits(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """logits (..., V) -> int64 (...)"""
    if temperature < 0:
        raise ValueError(f"temperature {temperature} is negative")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k {top_k} keeps nothing")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p {top_p} is outside (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    ordered, tokens = (logits / temperature).sort(dim=-1, descending=True)
    if top_k is not None:
        ordered, tokens = ordered[..., :top_k], tokens[..., :top_k]
    share = ordered.softmax(dim=-1)
    if top_p is not None:
        before = share.cumsum(dim=-1) - share
        share = share.masked_fill(before >= top_p, 0.0)

    place = torch.multinomial(share.reshape(-1, share.shape[-1]), 1, generator=generator)
    return tokens.gather(-1, place.reshape(*logits.shape[:-1], 1))


# %% sample_logits: k_above_V_raises
# help: top_k above V raises. It means: all of them.
def sample_logits(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """logits (..., V) -> int64 (...)"""
    if temperature < 0:
        raise ValueError(f"temperature {temperature} is negative")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k {top_k} keeps nothing")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p {top_p} is outside (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    ordered, tokens = (logits / temperature).sort(dim=-1, descending=True)
    if top_k is not None:
        ordered, places = ordered.topk(top_k, dim=-1)
        tokens = tokens.gather(-1, places)
    share = ordered.softmax(dim=-1)
    if top_p is not None:
        before = share.cumsum(dim=-1) - share
        share = share.masked_fill(before >= top_p, 0.0)

    place = torch.multinomial(share.reshape(-1, share.shape[-1]), 1, generator=generator)
    return tokens.gather(-1, place.reshape(*logits.shape[:-1], 1))[..., 0]


# %% sample_logits: negative_temperature
# help: A negative temperature is accepted: it turns likely into unlikely.
def sample_logits(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """logits (..., V) -> int64 (...)"""
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k {top_k} keeps nothing")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p {top_p} is outside (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    ordered, tokens = (logits / temperature).sort(dim=-1, descending=True)
    if top_k is not None:
        ordered, tokens = ordered[..., :top_k], tokens[..., :top_k]
    share = ordered.softmax(dim=-1)
    if top_p is not None:
        before = share.cumsum(dim=-1) - share
        share = share.masked_fill(before >= top_p, 0.0)

    place = torch.multinomial(share.reshape(-1, share.shape[-1]), 1, generator=generator)
    return tokens.gather(-1, place.reshape(*logits.shape[:-1], 1))[..., 0]


# %% sample_logits: zero_is_refused
# help: Temperature 0 is refused. It is the argmax; only below 0 is an error.
def sample_logits(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """logits (..., V) -> int64 (...)"""
    if temperature <= 0:
        raise ValueError(f"temperature {temperature} is negative")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k {top_k} keeps nothing")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p {top_p} is outside (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    ordered, tokens = (logits / temperature).sort(dim=-1, descending=True)
    if top_k is not None:
        ordered, tokens = ordered[..., :top_k], tokens[..., :top_k]
    share = ordered.softmax(dim=-1)
    if top_p is not None:
        before = share.cumsum(dim=-1) - share
        share = share.masked_fill(before >= top_p, 0.0)

    place = torch.multinomial(share.reshape(-1, share.shape[-1]), 1, generator=generator)
    return tokens.gather(-1, place.reshape(*logits.shape[:-1], 1))[..., 0]


# %% sample_logits: k_not_checked
# help: top_k below 1 is accepted.
def sample_logits(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """logits (..., V) -> int64 (...)"""
    if temperature < 0:
        raise ValueError(f"temperature {temperature} is negative")
    top_k = None if top_k is None else max(1, top_k)
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p {top_p} is outside (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    ordered, tokens = (logits / temperature).sort(dim=-1, descending=True)
    if top_k is not None:
        ordered, tokens = ordered[..., :top_k], tokens[..., :top_k]
    share = ordered.softmax(dim=-1)
    if top_p is not None:
        before = share.cumsum(dim=-1) - share
        share = share.masked_fill(before >= top_p, 0.0)

    place = torch.multinomial(share.reshape(-1, share.shape[-1]), 1, generator=generator)
    return tokens.gather(-1, place.reshape(*logits.shape[:-1], 1))[..., 0]


# %% sample_logits: p_zero_accepted
# help: top_p = 0 is accepted. It has to be above 0.
def sample_logits(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """logits (..., V) -> int64 (...)"""
    if temperature < 0:
        raise ValueError(f"temperature {temperature} is negative")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k {top_k} keeps nothing")
    if top_p is not None and not 0 <= top_p <= 1:
        raise ValueError(f"top_p {top_p} is outside (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    ordered, tokens = (logits / temperature).sort(dim=-1, descending=True)
    if top_k is not None:
        ordered, tokens = ordered[..., :top_k], tokens[..., :top_k]
    share = ordered.softmax(dim=-1)
    if top_p is not None:
        before = share.cumsum(dim=-1) - share
        share = share.masked_fill((before >= top_p) & (before > 0), 0.0)

    place = torch.multinomial(share.reshape(-1, share.shape[-1]), 1, generator=generator)
    return tokens.gather(-1, place.reshape(*logits.shape[:-1], 1))[..., 0]


# %% sample_logits: p_above_one_accepted
# help: top_p above 1 is accepted.
def sample_logits(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """logits (..., V) -> int64 (...)"""
    if temperature < 0:
        raise ValueError(f"temperature {temperature} is negative")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k {top_k} keeps nothing")
    if top_p is not None and not 0 < top_p:
        raise ValueError(f"top_p {top_p} is outside (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    ordered, tokens = (logits / temperature).sort(dim=-1, descending=True)
    if top_k is not None:
        ordered, tokens = ordered[..., :top_k], tokens[..., :top_k]
    share = ordered.softmax(dim=-1)
    if top_p is not None:
        before = share.cumsum(dim=-1) - share
        share = share.masked_fill(before >= top_p, 0.0)

    place = torch.multinomial(share.reshape(-1, share.shape[-1]), 1, generator=generator)
    return tokens.gather(-1, place.reshape(*logits.shape[:-1], 1))[..., 0]


# %% sample_logits: p_one_refused
# help: top_p = 1 is refused. It belongs to (0, 1], and keeps all.
def sample_logits(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """logits (..., V) -> int64 (...)"""
    if temperature < 0:
        raise ValueError(f"temperature {temperature} is negative")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k {top_k} keeps nothing")
    if top_p is not None and not 0 < top_p < 1:
        raise ValueError(f"top_p {top_p} is outside (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    ordered, tokens = (logits / temperature).sort(dim=-1, descending=True)
    if top_k is not None:
        ordered, tokens = ordered[..., :top_k], tokens[..., :top_k]
    share = ordered.softmax(dim=-1)
    if top_p is not None:
        before = share.cumsum(dim=-1) - share
        share = share.masked_fill(before >= top_p, 0.0)

    place = torch.multinomial(share.reshape(-1, share.shape[-1]), 1, generator=generator)
    return tokens.gather(-1, place.reshape(*logits.shape[:-1], 1))[..., 0]


# %% sample_logits: written_into_logits
# help: The logits of whoever called you are changed in place.
def sample_logits(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """logits (..., V) -> int64 (...)"""
    if temperature < 0:
        raise ValueError(f"temperature {temperature} is negative")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k {top_k} keeps nothing")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p {top_p} is outside (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    logits /= temperature
    ordered, tokens = logits.sort(dim=-1, descending=True)
    if top_k is not None:
        ordered, tokens = ordered[..., :top_k], tokens[..., :top_k]
    share = ordered.softmax(dim=-1)
    if top_p is not None:
        before = share.cumsum(dim=-1) - share
        share = share.masked_fill(before >= top_p, 0.0)

    place = torch.multinomial(share.reshape(-1, share.shape[-1]), 1, generator=generator)
    return tokens.gather(-1, place.reshape(*logits.shape[:-1], 1))[..., 0]


# %% sample_logits: asserts
# help: An assert raises AssertionError. The statement asks for ValueError.
def sample_logits(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """logits (..., V) -> int64 (...)"""
    assert temperature >= 0
    assert top_k is None or top_k >= 1
    assert top_p is None or 0 < top_p <= 1
    if temperature == 0:
        return logits.argmax(dim=-1)
    ordered, tokens = (logits / temperature).sort(dim=-1, descending=True)
    if top_k is not None:
        ordered, tokens = ordered[..., :top_k], tokens[..., :top_k]
    share = ordered.softmax(dim=-1)
    if top_p is not None:
        before = share.cumsum(dim=-1) - share
        share = share.masked_fill(before >= top_p, 0.0)

    place = torch.multinomial(share.reshape(-1, share.shape[-1]), 1, generator=generator)
    return tokens.gather(-1, place.reshape(*logits.shape[:-1], 1))[..., 0]


# %% sample_logits: one_draw_for_all_rows
# help: One random number serves all rows: equal rows give equal tokens. Each row is drawn by itself.
def sample_logits(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """logits (..., V) -> int64 (...)"""
    if temperature < 0:
        raise ValueError(f"temperature {temperature} is negative")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k {top_k} keeps nothing")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p {top_p} is outside (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    ordered, tokens = (logits / temperature).sort(dim=-1, descending=True)
    if top_k is not None:
        ordered, tokens = ordered[..., :top_k], tokens[..., :top_k]
    share = ordered.softmax(dim=-1)
    if top_p is not None:
        before = share.cumsum(dim=-1) - share
        share = share.masked_fill(before >= top_p, 0.0)

    luck = torch.rand(1, generator=generator)
    rows = share.reshape(-1, share.shape[-1])
    place = (rows.cumsum(-1) < luck * rows.sum(-1, keepdim=True)).sum(-1, keepdim=True)
    return tokens.gather(-1, place.reshape(*logits.shape[:-1], 1))[..., 0]
