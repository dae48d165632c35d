"""Refused solutions of chapter 9: subtle ones and forbidden calls that have to lose points, without a help of their own.

A line `# names:` is what the message has to name.
"""

import math
import torch
import torch.nn.functional as F
from torch import nn


# %% conv2d: the_function
# names: conv2d
def conv2d(x, weight, bias=None, padding=0):
    return F.conv2d(x, weight, bias, padding=padding)


# %% conv2d: the_module
# names: torch.nn.Conv2d
def conv2d(x, weight, bias=None, padding=0):
    layer = nn.Conv2d(weight.shape[1], weight.shape[0], weight.shape[2:], padding=padding, bias=False)
    layer._parameters["weight"] = weight
    out = layer(x)
    return out if bias is None else out + bias[:, None, None]


# %% conv2d: a_transposed_one
# names: conv_transpose2d
def conv2d(x, weight, bias=None, padding=0):
    out = torch.conv_transpose2d(x, weight.transpose(0, 1).flip(2, 3))
    up, left = weight.shape[2] - 1 - padding, weight.shape[3] - 1 - padding
    out = F.pad(out, (-left, -left, -up, -up))
    return out if bias is None else out + bias[:, None, None]


# %% conv2d: functional_unfold
# names: im2col
def conv2d(x, weight, bias=None, padding=0):
    columns = F.unfold(x, weight.shape[2:], padding=padding)
    h = x.shape[2] + 2 * padding - weight.shape[2] + 1
    out = (weight.flatten(1) @ columns).unflatten(2, (h, -1))
    return out if bias is None else out + bias[:, None, None]


# %% conv2d: through_the_operator
# names: conv
def conv2d(x, weight, bias=None, padding=0):
    return torch.ops.aten.convolution(x, weight, bias, [1, 1], [padding] * 2, [1, 1], False, [0, 0], 1)


# %% conv2d: dilated_by_the_padding
def conv2d(x, weight, bias=None, padding=0):
    x = F.pad(x, (padding, padding, padding, padding))
    windows = x.unfold(2, weight.shape[2], max(1, padding)).unfold(3, weight.shape[3], 1)
    out = torch.einsum("nchwij,ocij->nohw", windows, weight)
    return out if bias is None else out + bias[:, None, None]


# %% attention: looks_right
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, q, k, v, mask=None):
        s = q @ k.mT / self.dim**0.5
        if mask is not None:
            s = s.masked_fill(~mask, -1e3)
        return s.softmax(-1) @ v


# %% attention: looks_right_2
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, q, k, v, mask=None):
        s = q @ k.mT / self.dim**0.5
        if mask is not None:
            s = s.masked_fill(~mask, -math.inf).nan_to_num(neginf=-5e3)
        return s.softmax(-1) @ v


# %% attention: looks_right_3
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, q, k, v, mask=None):
        s = (q @ k.mT / self.dim**0.5).clamp(-1e4, 1e4)
        if mask is not None:
            s = s.masked_fill(~mask, -math.inf)
        return s.softmax(-1) @ v


# %% attention: looks_right_4
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, q, k, v, mask=None):
        s = q @ k.mT / self.dim**0.5
        s = s - s.max()
        if mask is not None:
            s = s.masked_fill(~mask, -math.inf)
        return s.exp() / s.exp().sum(-1, keepdim=True) @ v


# %% attention: looks_right_5
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, q, k, v, mask=None):
        s = q @ k.mT / self.dim**0.5
        s = s - s.amax(-1, keepdim=True)
        e = s.exp()
        e = e if mask is None else e * mask
        return e / e.sum(-1, keepdim=True) @ v


# %% attention: looks_right_6
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, q, k, v, mask=None):
        s = q @ k.mT / self.dim**0.5
        if mask is not None:
            s = s.masked_fill(~mask.expand(q.shape[-2], k.shape[-2]), -math.inf)
        return s.softmax(-1) @ v


# %% attention: looks_right_7
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, q, k, v, mask=None):
        s = q @ k.mT / (self.dim**0.5 if k.shape[-2] > 1 else 1)
        if mask is not None:
            s = s.masked_fill(~mask, -math.inf)
        return s.softmax(-1).to(torch.float32).to(v.dtype).round(decimals=4) @ v


# %% attention: looks_right_8
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, q, k, v, mask=None):
        s = q @ k.mT / self.dim**0.5
        mask = getattr(self, "seen", mask)
        if mask is not None:
            s = s.masked_fill(~mask, -math.inf)
        self.seen = getattr(self, "seen", mask)
        return s.softmax(-1) @ v


# %% attention: calls_scaled_dot_product_attention
# names: scaled_dot_product_attention
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, q, k, v, mask=None):
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)


# %% attention: calls_scaled_dot_product_attention_2
# names: scaled_dot_product_attention
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, q, k, v, mask=None):
        return torch.nn.functional.scaled_dot_product_attention(q, k, v, mask)


# %% attention: calls_scaled_dot_product_attention_3
# names: scaled_dot_product_attention
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, q, k, v, mask=None):
        return getattr(F, "scaled_dot_product_attention")(q, k, v, mask)


# %% attention: calls_scaled_dot_product_attention_4
# names: scaled_dot_product_attention
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, q, k, v, mask=None):
        return getattr(F, "scaled_dot" + "_product_attention")(q, k, v, mask)


# %% attention: calls_scaled_dot_product_attention_5
# names: scaled_dot_product_attention
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, q, k, v, mask=None):
        return vars(F)["scaled_dot" + "_product_attention"](q, k, v, mask)


# %% attention: calls_scaled_dot_product_attention_6
# names: scaled_dot_product_attention
from torch.nn.functional import scaled_dot_product_attention as sdpa


class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, q, k, v, mask=None):
        return sdpa(q, k, v, mask)


# %% attention: calls_scaled_dot_product_attention_7
# names: scaled_dot_product_attention
soft = F.scaled_dot_product_attention


class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, q, k, v, mask=None):
        return soft(q, k, v, mask)


# %% attention: calls_scaled_dot_product_attention_8
# names: scaled_dot_product_attention
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.core = F.scaled_dot_product_attention

    def forward(self, q, k, v, mask=None):
        return self.core(q, k, v, mask)


# %% attention: calls_scaled_dot_product_attention_9
# names: scaled_dot_product_attention
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, q, k, v, mask=None):
        return torch._C._nn.scaled_dot_product_attention(q, k, v, mask)


# %% attention: calls_scaled_dot_product_attention_10
# names: scaled_dot_product_attention
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, q, k, v, mask=None):
        return torch.ops.aten.scaled_dot_product_attention(q, k, v, mask)


# %% attention: calls_scaled_dot_product_attention_11
# names: scaled_dot_product_attention
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, q, k, v, mask=None):
        return torch._scaled_dot_product_attention_math(q, k, v, mask)[0]


# %% attention: calls_scaled_dot_product_attention_12
# names: scaled_dot_product_attention
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, q, k, v, mask=None):
        out = F.scaled_dot_product_attention(q, k, v)
        s = q @ k.mT / self.dim**0.5
        if mask is not None:
            s = s.masked_fill(~mask, -math.inf)
        return s.softmax(-1) @ v


# %% attention: calls_multiheadattention
# names: torch.nn.MultiheadAttention
class SimpleAttention(nn.MultiheadAttention):
    def __init__(self, dim):
        super().__init__(dim, 1)
        self.dim = dim

    def forward(self, q, k, v, mask=None):
        s = q @ k.mT / self.dim**0.5
        if mask is not None:
            s = s.masked_fill(~mask, -math.inf)
        return s.softmax(-1) @ v


# %% attention: calls_multiheadattention_2
# names: torch.nn.MultiheadAttention
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim
        self.inner = [nn.MultiheadAttention(dim, 1)]

    def forward(self, q, k, v, mask=None):
        s = q @ k.mT / self.dim**0.5
        if mask is not None:
            s = s.masked_fill(~mask, -math.inf)
        return s.softmax(-1) @ v


# %% attention: calls_multiheadattention_3
# names: torch.nn.MultiheadAttention
from torch.nn import MultiheadAttention as Base


class SimpleAttention(Base):
    def __init__(self, dim):
        super().__init__(dim, 1)
        self.dim = dim

    def forward(self, q, k, v, mask=None):
        s = q @ k.mT / self.dim**0.5
        if mask is not None:
            s = s.masked_fill(~mask, -math.inf)
        return s.softmax(-1) @ v


# %% attention: calls_multi_head_attention_forward
# names: multi_head_attention_forward
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, q, k, v, mask=None):
        one, zero = torch.eye(self.dim).to(q.dtype), None
        return F.multi_head_attention_forward(q, k, v, self.dim, 1, torch.cat([one] * 3), zero, None, None, False, 0.0, one, zero)[0]


# %% multi_head_attention: looks_right
class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads:
            raise ValueError
        self.c, self.h = embed_dim, num_heads
        self.to_qkv, self.proj = nn.Linear(embed_dim, 3 * embed_dim), nn.Linear(embed_dim, embed_dim)
        pass

    def cut(self, x):
        return [t.unflatten(-1, (self.h, -1)).transpose(1, 2) for t in self.to_qkv(x).chunk(3, dim=-1)]

    def forward(self, x, causal=False):
        q, k, v = self.cut(x)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=causal, scale=self.c**-0.5)
        return self.proj(y.transpose(1, 2).flatten(2))


# %% multi_head_attention: looks_right_2
class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads:
            raise ValueError
        self.c, self.h = embed_dim, num_heads
        self.to_qkv, self.proj = nn.Linear(embed_dim, 3 * embed_dim), nn.Linear(embed_dim, embed_dim)
        pass

    def cut(self, x):
        return [t.unflatten(-1, (self.h, -1)).transpose(1, 2) for t in self.to_qkv(x).chunk(3, dim=-1)]

    def forward(self, x, causal=False):
        q, k, v = self.cut(x)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True if causal else False)
        return self.proj(y.reshape(x.shape))


# %% multi_head_attention: looks_right_3
class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads:
            raise ValueError
        self.c, self.h = embed_dim, num_heads
        self.to_qkv, self.proj = nn.Linear(embed_dim, 3 * embed_dim), nn.Linear(embed_dim, embed_dim)
        pass

    def cut(self, x):
        return [t.unflatten(-1, (self.h, -1)).transpose(1, 2) for t in self.to_qkv(x).chunk(3, dim=-1)]

    def forward(self, x, causal=False):
        q, k, v = self.cut(x)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=causal and not self.training)
        return self.proj(y.transpose(1, 2).flatten(2))


# %% multi_head_attention: looks_right_4
class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads:
            raise ValueError
        self.c, self.h = embed_dim, num_heads
        self.to_qkv, self.proj = nn.Linear(embed_dim, 3 * embed_dim), nn.Linear(embed_dim, embed_dim)
        pass

    def cut(self, x):
        return [t.unflatten(-1, (self.h, -1)).transpose(1, 2) for t in self.to_qkv(x).chunk(3, dim=-1)]

    def forward(self, x, causal=False):
        q, k, v = self.cut(x)
        y = F.scaled_dot_product_attention(q, k.detach(), v, is_causal=causal)
        return self.proj(y.transpose(1, 2).flatten(2))


# %% multi_head_attention: looks_right_5
class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads:
            raise ValueError
        self.c, self.h = embed_dim, num_heads
        self.to_qkv, self.proj = nn.Linear(embed_dim, 3 * embed_dim), nn.Linear(embed_dim, embed_dim)
        self.gain = nn.Parameter(torch.ones(1))

    def cut(self, x):
        return [t.unflatten(-1, (self.h, -1)).transpose(1, 2) for t in self.to_qkv(x).chunk(3, dim=-1)]

    def forward(self, x, causal=False):
        q, k, v = self.cut(x)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        return self.proj(y.transpose(1, 2).flatten(2)) * self.gain


# %% multi_head_attention: looks_right_6
class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads:
            raise ValueError
        self.c, self.h = embed_dim, num_heads
        self.to_qkv, self.proj = nn.Linear(embed_dim, 3 * embed_dim), nn.Linear(embed_dim, embed_dim)
        self.to_qkv.bias.requires_grad_(False)

    def cut(self, x):
        return [t.unflatten(-1, (self.h, -1)).transpose(1, 2) for t in self.to_qkv(x).chunk(3, dim=-1)]

    def forward(self, x, causal=False):
        q, k, v = self.cut(x)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        return self.proj(y.transpose(1, 2).flatten(2))


# %% multi_head_attention: calls_multiheadattention
# names: torch.nn.MultiheadAttention
class MultiHeadAttention(nn.MultiheadAttention):
    pass


# %% multi_head_attention: calls_multiheadattention_2
# names: torch.nn.MultiheadAttention
MultiHeadAttention = nn.MultiheadAttention


# %% multi_head_attention: calls_multiheadattention_3
# names: torch.nn.MultiheadAttention
from torch.nn import MultiheadAttention as MultiHeadAttention


# %% multi_head_attention: calls_multiheadattention_4
# names: torch.nn.MultiheadAttention
class MultiHeadAttention(torch.nn.modules.activation.MultiheadAttention):
    pass


# %% multi_head_attention: calls_multiheadattention_5
# names: torch.nn.MultiheadAttention
class MultiHeadAttention(getattr(nn, "MultiheadAttention")):
    pass


# %% multi_head_attention: calls_multiheadattention_6
# names: torch.nn.MultiheadAttention
class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads:
            raise ValueError
        self.c, self.h = embed_dim, num_heads
        self.to_qkv, self.proj = nn.Linear(embed_dim, 3 * embed_dim), nn.Linear(embed_dim, embed_dim)
        pass

    def cut(self, x):
        return [t.unflatten(-1, (self.h, -1)).transpose(1, 2) for t in self.to_qkv(x).chunk(3, dim=-1)]

    def forward(self, x, causal=False):
        theirs = nn.MultiheadAttention(self.c, self.h, batch_first=True).to(x.dtype)
        for a, b in zip(theirs.parameters(), [self.to_qkv.weight, self.to_qkv.bias, self.proj.weight, self.proj.bias]):
            a.data = b.data
        hide = ~torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).tril() if causal else None
        return theirs(x, x, x, attn_mask=hide, need_weights=False)[0]


# %% multi_head_attention: calls_multiheadattention_7
# names: torch.nn.MultiheadAttention
class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads:
            raise ValueError
        self.c, self.h = embed_dim, num_heads
        self.to_qkv, self.proj = nn.Linear(embed_dim, 3 * embed_dim), nn.Linear(embed_dim, embed_dim)
        pass

    def cut(self, x):
        return [t.unflatten(-1, (self.h, -1)).transpose(1, 2) for t in self.to_qkv(x).chunk(3, dim=-1)]

    def forward(self, x, causal=False):
        theirs = getattr(nn, "Multihead" + "Attention")(self.c, self.h, batch_first=True).to(x.dtype)
        for a, b in zip(theirs.parameters(), [self.to_qkv.weight, self.to_qkv.bias, self.proj.weight, self.proj.bias]):
            a.data = b.data
        hide = ~torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).tril() if causal else None
        return theirs(x, x, x, attn_mask=hide, need_weights=False)[0]


# %% multi_head_attention: calls_multiheadattention_8
# names: torch.nn.MultiheadAttention
from torch.nn import MultiheadAttention as Theirs


class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads:
            raise ValueError
        self.c, self.h = embed_dim, num_heads
        self.to_qkv, self.proj = nn.Linear(embed_dim, 3 * embed_dim), nn.Linear(embed_dim, embed_dim)
        pass

    def cut(self, x):
        return [t.unflatten(-1, (self.h, -1)).transpose(1, 2) for t in self.to_qkv(x).chunk(3, dim=-1)]

    def forward(self, x, causal=False):
        theirs = Theirs(self.c, self.h, batch_first=True).to(x.dtype)
        for a, b in zip(theirs.parameters(), [self.to_qkv.weight, self.to_qkv.bias, self.proj.weight, self.proj.bias]):
            a.data = b.data
        hide = ~torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).tril() if causal else None
        return theirs(x, x, x, attn_mask=hide, need_weights=False)[0]


# %% multi_head_attention: calls_multiheadattention_9
# names: torch.nn.MultiheadAttention
class Mine(nn.MultiheadAttention):
    pass


class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads:
            raise ValueError
        self.c, self.h = embed_dim, num_heads
        self.to_qkv, self.proj = nn.Linear(embed_dim, 3 * embed_dim), nn.Linear(embed_dim, embed_dim)
        pass

    def cut(self, x):
        return [t.unflatten(-1, (self.h, -1)).transpose(1, 2) for t in self.to_qkv(x).chunk(3, dim=-1)]

    def forward(self, x, causal=False):
        theirs = Mine(self.c, self.h, batch_first=True).to(x.dtype)
        for a, b in zip(theirs.parameters(), [self.to_qkv.weight, self.to_qkv.bias, self.proj.weight, self.proj.bias]):
            a.data = b.data
        hide = ~torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).tril() if causal else None
        return theirs(x, x, x, attn_mask=hide, need_weights=False)[0]


# %% multi_head_attention: calls_multi_head_attention_forward
# names: multi_head_attention_forward
class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads:
            raise ValueError
        self.c, self.h = embed_dim, num_heads
        self.to_qkv, self.proj = nn.Linear(embed_dim, 3 * embed_dim), nn.Linear(embed_dim, embed_dim)
        pass

    def cut(self, x):
        return [t.unflatten(-1, (self.h, -1)).transpose(1, 2) for t in self.to_qkv(x).chunk(3, dim=-1)]

    def forward(self, x, causal=False):
        hide = ~torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).tril() if causal else None
        y = x.transpose(0, 1)
        return F.multi_head_attention_forward(
            y, y, y, self.c, self.h, self.to_qkv.weight, self.to_qkv.bias, None, None, False, 0.0, self.proj.weight, self.proj.bias, need_weights=False, attn_mask=hide
        )[0].transpose(0, 1)


# %% multi_head_attention: calls_multi_head_attention_forward_2
# names: multi_head_attention_forward
class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads:
            raise ValueError
        self.c, self.h = embed_dim, num_heads
        self.to_qkv, self.proj = nn.Linear(embed_dim, 3 * embed_dim), nn.Linear(embed_dim, embed_dim)
        pass

    def cut(self, x):
        return [t.unflatten(-1, (self.h, -1)).transpose(1, 2) for t in self.to_qkv(x).chunk(3, dim=-1)]

    def forward(self, x, causal=False):
        hide = ~torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).tril() if causal else None
        y = x.transpose(0, 1)
        return getattr(F, "multi_head" + "_attention_forward")(
            y, y, y, self.c, self.h, self.to_qkv.weight, self.to_qkv.bias, None, None, False, 0.0, self.proj.weight, self.proj.bias, need_weights=False, attn_mask=hide
        )[0].transpose(0, 1)


# %% multi_head_attention: calls_multi_head_attention_forward_3
# names: multi_head_attention_forward
from torch.nn.functional import multi_head_attention_forward as forward_


class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads:
            raise ValueError
        self.c, self.h = embed_dim, num_heads
        self.to_qkv, self.proj = nn.Linear(embed_dim, 3 * embed_dim), nn.Linear(embed_dim, embed_dim)
        pass

    def cut(self, x):
        return [t.unflatten(-1, (self.h, -1)).transpose(1, 2) for t in self.to_qkv(x).chunk(3, dim=-1)]

    def forward(self, x, causal=False):
        hide = ~torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).tril() if causal else None
        y = x.transpose(0, 1)
        return forward_(y, y, y, self.c, self.h, self.to_qkv.weight, self.to_qkv.bias, None, None, False, 0.0, self.proj.weight, self.proj.bias, need_weights=False, attn_mask=hide)[0].transpose(0, 1)


# %% layer_norm: looks_right
class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.dim, self.eps = dim, eps
        self.weight, self.bias = nn.Parameter(torch.ones(dim)), nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        std = x.std(-1, keepdim=True, correction=0)
        return (x - x.mean(-1, keepdim=True)) / std.clamp(min=self.eps**0.5) * self.weight + self.bias


# %% layer_norm: looks_right_2
class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.dim, self.eps = dim, eps
        self.weight, self.bias = nn.Parameter(torch.ones(dim)), nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        d = x - x.mean(-1, keepdim=True)
        return d / (d.abs().mean(-1, keepdim=True) + self.eps) * self.weight + self.bias


# %% layer_norm: looks_right_3
class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.dim, self.eps = dim, eps
        self.weight, self.bias = nn.Parameter(torch.ones(dim)), nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        y = (
            torch.stack([(r - r.mean()) / (r.var(correction=0) + self.eps).sqrt() for r in x.flatten(0, -2)])
            if x.ndim > 2
            else (x - x.mean(-1, keepdim=True)) / (x.var(-1, keepdim=True, correction=0) + self.eps).sqrt()
        )
        return y * self.weight + self.bias


# %% layer_norm: looks_right_4
class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.dim, self.eps = dim, eps
        self.weight, self.bias = nn.Parameter(torch.ones(dim)), nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        d = x - x.mean(-1, keepdim=True)
        return d * (d.var(-1, keepdim=True, correction=0) + self.eps).rsqrt().detach() * self.weight + self.bias


# %% layer_norm: looks_right_5
class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.dim, self.eps = dim, eps
        self.weight, self.bias = nn.Parameter(torch.ones(dim)), nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        d = x.float() - x.float().mean(-1, keepdim=True)
        return d / (d.pow(2).mean(-1, keepdim=True) + self.eps).sqrt() * self.weight.float() + self.bias.float()


# %% layer_norm: calls_layer_norm
# names: layer_norm
class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.dim, self.eps = dim, eps
        self.weight, self.bias = nn.Parameter(torch.ones(dim)), nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        return F.layer_norm(x, (self.dim,), self.weight, self.bias, self.eps)


# %% layer_norm: calls_layer_norm_2
# names: layer_norm
class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.dim, self.eps = dim, eps
        self.weight, self.bias = nn.Parameter(torch.ones(dim)), nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        return torch.layer_norm(x, (self.dim,), self.weight, self.bias, self.eps)


# %% layer_norm: calls_layer_norm_3
# names: layer_norm
class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.dim, self.eps = dim, eps
        self.weight, self.bias = nn.Parameter(torch.ones(dim)), nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        return torch.native_layer_norm(x, (self.dim,), self.weight, self.bias, self.eps)[0]


# %% layer_norm: calls_layer_norm_4
# names: layer_norm
class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.dim, self.eps = dim, eps
        self.weight, self.bias = nn.Parameter(torch.ones(dim)), nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        return getattr(F, "layer_norm")(x, (self.dim,), self.weight, self.bias, self.eps)


# %% layer_norm: calls_layer_norm_5
# names: layer_norm
class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.dim, self.eps = dim, eps
        self.weight, self.bias = nn.Parameter(torch.ones(dim)), nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        return getattr(F, "layer" + "_norm")(x, (self.dim,), self.weight, self.bias, self.eps)


# %% layer_norm: calls_layer_norm_6
# names: layer_norm
class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.dim, self.eps = dim, eps
        self.weight, self.bias = nn.Parameter(torch.ones(dim)), nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        return getattr(torch, "native_layer" + "_norm")(x, (self.dim,), self.weight, self.bias, self.eps)[0]


# %% layer_norm: calls_layer_norm_7
# names: layer_norm
from torch.nn.functional import layer_norm as level


class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.dim, self.eps = dim, eps
        self.weight, self.bias = nn.Parameter(torch.ones(dim)), nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        return level(x, (self.dim,), self.weight, self.bias, self.eps)


# %% layer_norm: calls_layer_norm_8
# names: layer_norm
level = torch.layer_norm


class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.dim, self.eps = dim, eps
        self.weight, self.bias = nn.Parameter(torch.ones(dim)), nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        return level(x, (self.dim,), self.weight, self.bias, self.eps)


# %% layer_norm: calls_layer_norm_9
# names: layer_norm
class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.dim, self.eps = dim, eps
        self.weight, self.bias = nn.Parameter(torch.ones(dim)), nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        return torch.ops.aten.layer_norm(x, (self.dim,), self.weight, self.bias, self.eps)


# %% layer_norm: calls_layer_norm_10
# names: layer_norm
class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.dim, self.eps = dim, eps
        self.weight, self.bias = nn.Parameter(torch.ones(dim)), nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        return torch._C._VariableFunctions.layer_norm(x, (self.dim,), self.weight, self.bias, self.eps)


# %% layer_norm: calls_layernorm
# names: torch.nn.LayerNorm
class LayerNorm(nn.LayerNorm):
    pass


# %% layer_norm: calls_layernorm_2
# names: torch.nn.LayerNorm
LayerNorm = nn.LayerNorm


# %% layer_norm: calls_layernorm_3
# names: torch.nn.LayerNorm
from torch.nn import LayerNorm


# %% layer_norm: calls_layernorm_4
# names: torch.nn.LayerNorm
from torch.nn import *


# %% layer_norm: calls_layernorm_5
# names: torch.nn.LayerNorm
from torch.nn import LayerNorm


class LayerNorm(LayerNorm):
    pass


# %% layer_norm: calls_layernorm_6
# names: torch.nn.LayerNorm
class LayerNorm(torch.nn.modules.normalization.LayerNorm):
    pass


# %% layer_norm: calls_layernorm_7
# names: torch.nn.LayerNorm
class LayerNorm(vars(nn)["Layer" + "Norm"]):
    pass


# %% layer_norm: calls_layernorm_8
# names: torch.nn.LayerNorm
class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.dim, self.eps = dim, eps
        self.weight, self.bias = nn.Parameter(torch.ones(dim)), nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        core = nn.LayerNorm(self.dim, self.eps, elementwise_affine=False)
        return core(x) * self.weight + self.bias


# %% layer_norm: calls_layernorm_9
# names: torch.nn.LayerNorm
class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.dim, self.eps = dim, eps
        self.weight, self.bias = nn.Parameter(torch.ones(dim)), nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        core = getattr(nn, "Layer" + "Norm")(self.dim, self.eps, elementwise_affine=False)
        return core(x) * self.weight + self.bias


# %% residual_block: looks_right
class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1, self.conv2 = (nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(2))
        self.bn1, self.bn2 = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)

    def forward(self, x):
        h = self.bn1(self.conv1(x)).relu()
        return (self.bn2(self.conv2(h)) + x.clamp(min=0)).relu()


# %% residual_block: looks_right_2
class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1, self.conv2 = (nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(2))
        self.bn1, self.bn2 = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)

    def forward(self, x):
        h = F.leaky_relu(self.bn1(self.conv1(x)), 0.01)
        return (x + self.bn2(self.conv2(h))).relu()


# %% residual_block: looks_right_3
class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1, self.conv2 = (nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(2))
        self.bn1, self.bn2 = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)

    def forward(self, x):
        h = self.bn1(self.conv1(x)).relu()
        self.bn2(self.conv2(h))
        return (x + self.bn2(self.conv2(h))).relu()


# %% residual_block: looks_right_4
class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1, self.conv2 = (nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(2))
        self.bn1, self.bn2 = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)

    def forward(self, x):
        self.train(False)
        h = self.bn1(self.conv1(x)).relu()
        return (x + self.bn2(self.conv2(h))).relu()


# %% residual_block: looks_right_5
class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1, self.conv2 = (nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(2))
        self.bn1, self.bn2 = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)

    def forward(self, x):
        h = self.bn1(self.conv1(x.detach())).relu()
        return (x + self.bn2(self.conv2(h))).relu()


# %% residual_block: looks_right_6
class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1, self.conv2 = (nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(2))
        self.bn1, self.bn2 = nn.BatchNorm2d(channels, momentum=0.01), nn.BatchNorm2d(channels)

    def forward(self, x):
        h = self.bn1(self.conv1(x)).relu()
        return (x + self.bn2(self.conv2(h))).relu()


# %% gated_residual_block: looks_right
class GatedResidualBlock(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.conv, self.gate = nn.Conv2d(dim, dim, 3, padding=1), nn.Conv2d(dim, dim, 1)

    def forward(self, x):
        y = self.conv(x)
        return x + F.hardsigmoid(self.gate(y)) * y


# %% gated_residual_block: looks_right_2
class GatedResidualBlock(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.conv, self.gate = nn.Conv2d(dim, dim, 3, padding=1), nn.Conv2d(dim, dim, 1)

    def forward(self, x):
        y = self.conv(x)
        return x + torch.sigmoid(self.gate(y) * y) * y


# %% gated_residual_block: looks_right_3
class GatedResidualBlock(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.conv, self.gate = nn.Conv2d(dim, dim, 3, padding=1), nn.Conv2d(dim, dim, 1)

    def forward(self, x):
        y = self.conv(x)
        return x + torch.sigmoid(self.gate(y)).round() * y


# %% gated_residual_block: looks_right_4
class GatedResidualBlock(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.conv, self.gate = nn.Conv2d(dim, dim, 3, padding=1), nn.Conv2d(dim, dim, 1)

    def forward(self, x):
        y = self.conv(x)
        return x + torch.sigmoid(self.gate(y)).detach() * y


# %% gated_residual_block: looks_right_5
class GatedResidualBlock(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.conv, self.gate = nn.Conv2d(dim, dim, 3, padding=1), nn.Conv2d(dim, dim, 1)

    def forward(self, x):
        y = self.conv(x)
        return x + torch.sigmoid(self.gate(y + x)) * y


# %% transformer_block: looks_right
class TransformerBlock(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.ln1, self.ln2 = LayerNorm(d_model), LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, n_heads)
        self.mlp = nn.Sequential(nn.Linear(d_model, 4 * d_model), nn.GELU(), nn.Linear(4 * d_model, d_model))
        self.mlp[1] = nn.SiLU()

    def forward(self, x, causal=False):
        x = x + self.attention(self.ln1(x), causal=causal)
        return x + self.mlp(self.ln2(x))


# %% transformer_block: looks_right_2
class TransformerBlock(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.ln1, self.ln2 = LayerNorm(d_model), LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, n_heads)
        self.mlp = nn.Sequential(nn.Linear(d_model, 4 * d_model), nn.GELU(), nn.Linear(4 * d_model, d_model))
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x, causal=False):
        x = x + self.attention(self.ln1(x), causal=causal)
        return x + self.mlp(self.ln2(x))


# %% transformer_block: looks_right_3
class TransformerBlock(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.ln1, self.ln2 = LayerNorm(d_model), LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, n_heads)
        self.mlp = nn.Sequential(nn.Linear(d_model, 4 * d_model), nn.GELU(), nn.Linear(4 * d_model, d_model))
        pass

    def forward(self, x, causal=False):
        x = x + self.attention(self.ln1(x), causal=causal)
        return x + self.mlp(self.ln2(x.detach()))


# %% transformer_block: looks_right_4
class TransformerBlock(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.ln1, self.ln2 = LayerNorm(d_model), LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, n_heads)
        self.mlp = nn.Sequential(nn.Linear(d_model, 4 * d_model), nn.GELU(), nn.Linear(4 * d_model, d_model))
        pass

    def forward(self, x, causal=False):
        x = x + self.attention(self.ln1(x), causal=causal or self.training)
        return x + self.mlp(self.ln2(x))


# %% transformer_block: looks_right_5
class TransformerBlock(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.ln1, self.ln2 = LayerNorm(d_model), LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, n_heads)
        self.mlp = nn.Sequential(nn.Linear(d_model, 4 * d_model), nn.GELU(), nn.Linear(4 * d_model, d_model))
        pass

    def forward(self, x, causal=False):
        h = self.ln1(x)
        x = x + self.attention(h, causal=causal)
        return x + self.mlp(self.ln2(h))


# %% transformer_block: looks_right_6
class TransformerBlock(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.ln1, self.ln2 = LayerNorm(d_model), LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, n_heads)
        self.mlp = nn.Sequential(nn.Linear(d_model, 4 * d_model), nn.GELU(), nn.Linear(4 * d_model, d_model))
        pass

    def forward(self, x, causal=False):
        x = x + self.attention(self.ln1(x), causal=causal)
        return x + F.dropout(self.mlp(self.ln2(x)), 0.1, self.training)


# %% is_causal: looks_right
def is_causal(module, length, dim):
    return True


# %% is_causal: looks_right_2
def is_causal(module, length, dim):
    return length == 1


# %% is_causal: looks_right_3
def is_causal(module, length, dim):
    return int(1e6 * sum(float(p.detach().sum()) for p in module.parameters())) % 2 == 0


# %% is_causal: looks_right_4
def is_causal(module, length, dim):
    return "a(x)" not in repr(module) and not any(isinstance(m, nn.LayerNorm) for m in module.modules())


# %% is_causal: looks_right_5
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    x = torch.randn(1, length, dim, dtype=dtype)
    answer = module(x).shape[1] == length
    for part, mode in modes:
        part.training = mode
    return answer


# %% is_causal: looks_right_6
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    x = torch.randn(1, length, dim, dtype=dtype)
    with torch.no_grad():
        answer, before = True, module(x)
        for s in range(1, length):
            y = x.clone()
            y[:, s:] = x[:, s:].flip(1)
            if (module(y) - before)[:, :s].abs().max() > 1e-5:
                answer = False
    for part, mode in modes:
        part.training = mode
    return answer


# %% is_causal: looks_right_7
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    x = torch.randn(1, length, dim, dtype=dtype)
    with torch.no_grad():
        answer, before = True, module(x)
        for s in range(1, length):
            y = x.clone()
            y[:, s] += torch.randn(1)
            if (module(y) - before)[:, :s].abs().max() > 1e-5:
                answer = False
    for part, mode in modes:
        part.training = mode
    return answer


# %% is_causal: looks_right_8
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    x = torch.randn(1, length, dim, dtype=dtype)
    with torch.no_grad():
        answer, before = True, module(x)
        for s in range(1, length):
            y = x.clone()
            y[:, s] += 1e-9
            if (module(y) - before)[:, :s].abs().max() > 1e-5:
                answer = False
    for part, mode in modes:
        part.training = mode
    return answer


# %% is_causal: looks_right_9
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    x = torch.randn(1, length, dim, dtype=dtype)
    with torch.no_grad():
        answer, before = True, module(x)
        for s in range(1, length):
            y = x.clone()
            y[:, s] = torch.randn(dim, dtype=dtype)
            if (module(y) - before)[:, :s].mean(-1).abs().max() > 1e-5:
                answer = False
    for part, mode in modes:
        part.training = mode
    return answer


# %% is_causal: looks_right_10
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    x = torch.randn(1, length, dim, dtype=dtype)
    with torch.no_grad():
        answer, before = True, module(x)
        for s in range(1, length):
            y = x.clone()
            y[:, s] = torch.randn(dim, dtype=dtype)
            if (module(y) - before)[:, :s, 0].abs().max() > 1e-5:
                answer = False
    for part, mode in modes:
        part.training = mode
    return answer


# %% is_causal: looks_right_11
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    x = torch.randn(1, length, dim, dtype=dtype)
    with torch.no_grad():
        answer, before = True, module(x)
        for s in range(1, length):
            y = x.clone()
            y[:, s] = torch.randn(dim, dtype=dtype)
            if (module(y) - before)[:, max(0, s - 2) : s].abs().max() > 1e-5:
                answer = False
    for part, mode in modes:
        part.training = mode
    return answer


# %% is_causal: looks_right_12
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    x = torch.randn(1, length, dim, dtype=dtype)
    with torch.no_grad():
        answer, before = True, module(x)
        for s in range(1, length):
            y = x.clone()
            y[:, s] = torch.randn(dim, dtype=dtype)
            if (module(y) - before)[:, :s].abs().max() > 0.05:
                answer = False
    for part, mode in modes:
        part.training = mode
    return answer


# %% is_causal: looks_right_13
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    x = torch.randn(1, length, dim, dtype=dtype)
    x.requires_grad_()
    answer = True
    for t in range(length - 1):
        (g,) = torch.autograd.grad(module(x)[0, t].sum(), x)
        answer = answer and not bool((g[0, t + 1 :].abs() > 1e-6).any())
    for part, mode in modes:
        part.training = mode
    return answer


# %% is_causal: looks_right_14
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    x = torch.randn(1, length, dim, dtype=dtype)
    x.requires_grad_()
    answer = True
    for t in range(length - 1):
        (g,) = torch.autograd.grad(module(x)[0, t] @ torch.ones(1, dtype=dtype).expand(module(x).shape[-1]), x)
        answer = answer and abs(float(g[0, t + 1 :].sum())) < 1e-6
    for part, mode in modes:
        part.training = mode
    return answer


# %% is_causal: looks_right_15
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    x = torch.randn(1, length, dim, dtype=dtype)
    with torch.no_grad():
        answer, before = True, module(x)
        for s in range(1, length):
            y = x.clone()
            y[:, s] = torch.randn(dim, dtype=dtype)
            if (module(y) - before)[:, :s].abs().max() > 1e-5:
                answer = False
    for part, mode in modes:
        part.training = modes[0][1]
    return answer


# %% is_causal: looks_right_16
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval().float()
    x = torch.randn(1, length, dim, dtype=torch.float32)
    with torch.no_grad():
        answer, before = True, module(x)
        for s in range(1, length):
            y = x.clone()
            y[:, s] = torch.randn(dim, dtype=torch.float32)
            if (module(y) - before)[:, :s].abs().max() > 1e-5:
                answer = False
    for part, mode in modes:
        part.training = mode
    return answer


# %% is_causal: looks_right_17
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval().register_forward_hook(lambda *_: None)
    x = torch.randn(1, length, dim, dtype=dtype)
    with torch.no_grad():
        answer, before = True, module(x)
        for s in range(1, length):
            y = x.clone()
            y[:, s] = torch.randn(dim, dtype=dtype)
            if (module(y) - before)[:, :s].abs().max() > 1e-5:
                answer = False
    for part, mode in modes:
        part.training = mode
    return answer


# %% is_causal: looks_right_18
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    x = torch.randn(1, length, dim, dtype=dtype)
    torch.set_grad_enabled(False)  # and never on again
    if True:
        answer, before = True, module(x)
        for s in range(1, length):
            y = x.clone()
            y[:, s] = torch.randn(dim, dtype=dtype)
            if (module(y) - before)[:, :s].abs().max() > 1e-5:
                answer = False
    for part, mode in modes:
        part.training = mode
    return answer


# %% is_causal: looks_right_19
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    x = torch.randn(1, length, dim, dtype=dtype)
    for p in module.parameters():
        p.data.normal_()
    with torch.no_grad():
        answer, before = True, module(x)
        for s in range(1, length):
            y = x.clone()
            y[:, s] = torch.randn(dim, dtype=dtype)
            if (module(y) - before)[:, :s].abs().max() > 1e-5:
                answer = False
    for part, mode in modes:
        part.training = mode
    return answer
