"""Right solutions of chapter 9 in an unusual style: the checks must accept every one."""

import math

import torch
import torch.nn.functional as F
from torch import nn


# %% conv2d: kernel_positions
def conv2d(x, weight, bias=None, padding=0):
    O, C, kh, kw = weight.shape
    x = torch.nn.functional.pad(x, [padding] * 4)
    H, W = x.shape[2] - kh + 1, x.shape[3] - kw + 1
    out = sum(
        torch.tensordot(x[:, :, a : a + H, e : e + W], weight[:, :, a, e], dims=([1], [1]))
        for a in range(kh)
        for e in range(kw)
    )
    out = out.permute(0, 3, 1, 2)
    return out if bias is None else out + bias.view(1, -1, 1, 1)


# %% conv2d: strides_and_a_matrix
def conv2d(x, weight, bias=None, padding=0):
    N, C, H, W = x.shape
    O, _, kh, kw = weight.shape
    wide = x.new_zeros(N, C, H + 2 * padding, W + 2 * padding)
    wide[:, :, padding : H + padding, padding : W + padding] = x
    h, w = wide.shape[2] - kh + 1, wide.shape[3] - kw + 1
    a, b, c, d = wide.stride()
    columns = wide.as_strided((N, h, w, C, kh, kw), (a, c, d, b, c, d)).reshape(N, h * w, -1)
    out = (columns @ weight.reshape(O, -1).T).transpose(1, 2).reshape(N, O, h, w)
    if bias is not None:
        out = out + bias.reshape(O, 1, 1)
    return out


# %% conv2d: fourier
def conv2d(x, weight, bias=None, padding=0):
    """the convolution theorem: a product of spectra, the kernel's conjugated because nothing is turned around"""
    x = F.pad(x, (padding,) * 4)
    H, W = x.shape[-2:]
    spectrum = torch.fft.rfft2(x)[:, None] * torch.fft.rfft2(weight, s=(H, W)).conj()[None]
    out = torch.fft.irfft2(spectrum.sum(2), s=(H, W))[..., : H - weight.shape[2] + 1, : W - weight.shape[3] + 1]
    return out if bias is None else out + bias[None, :, None, None]


# %% conv2d: channel_by_channel
def conv2d(x, weight, bias=None, padding=0):
    x = F.pad(x, 4 * (padding,))
    total = 0
    for c in range(weight.shape[1]):
        windows = x[:, c].unfold(1, weight.shape[2], 1).unfold(2, weight.shape[3], 1)
        total = total + torch.einsum("nhwij,oij->nohw", windows, weight[:, c])
    return total if bias is None else (total.transpose(1, -1) + bias).transpose(1, -1)


# %% attention: einsum_and_own_softmax
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        nn.Module.__init__(self)
        self.register_buffer("root", torch.tensor(float(dim)).sqrt(), persistent=False)

    def forward(self, q, k, v, mask=None):
        s = torch.einsum("...ld,...sd->...ls", q / self.root.to(q.dtype), k)
        if mask is not None:
            s = torch.where(mask, s, torch.full((), float("-inf"), dtype=s.dtype))
        e = torch.exp(s - s.amax(dim=-1, keepdim=True).detach())
        return torch.einsum("...ls,...se->...le", e / e.sum(-1, keepdim=True), v)


# %% attention: query_by_query
class SimpleAttention(nn.Module):
    def __init__(self, dim: int):
        super(SimpleAttention, self).__init__()
        self.dim = dim

    def forward(self, query, key, value, mask=None):
        allowed = torch.ones((), dtype=torch.bool) if mask is None else mask
        allowed = allowed.expand(*query.shape[:-1], key.shape[-2])
        rows = []
        for i in range(query.shape[-2]):
            score = (query[..., i : i + 1, :] * key).sum(-1) * self.dim**-0.5
            score = score.masked_fill(torch.logical_not(allowed[..., i, :]), torch.finfo(score.dtype).min)
            rows.append((F.softmax(score, dim=-1).unsqueeze(-1) * value).sum(-2))
        return torch.stack(rows, dim=-2)


# %% attention: additive_bias_and_log_softmax
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.softmax = nn.LogSoftmax(dim=-1)
        self.scale = dim

    def forward(self, query, key, value, mask=None):
        bias = 0 if mask is None else torch.zeros(mask.shape, dtype=query.dtype).masked_fill(~mask, -1e30)
        return self.softmax(torch.matmul(query, key.mT) / self.scale**0.5 + bias).exp().matmul(value)


# %% multi_head_attention: torchs_attention
class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        width, rest = divmod(embed_dim, num_heads)
        if rest:
            raise ValueError(num_heads)
        self.width = width
        self.proj = nn.Linear(embed_dim, embed_dim)
        self.to_qkv = nn.Linear(embed_dim, embed_dim * 3)

    def forward(self, x, causal=False):
        q, k, v = (t.unflatten(-1, (-1, self.width)).transpose(1, 2) for t in self.to_qkv(x).chunk(3, -1))
        y = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        return self.proj(y.transpose(1, 2).flatten(2))


# %% multi_head_attention: head_by_head
class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if num_heads > embed_dim or embed_dim // num_heads * num_heads != embed_dim:
            raise ValueError(f"{embed_dim} / {num_heads}")
        self.h = num_heads
        self.to_qkv, self.proj = nn.Linear(embed_dim, 3 * embed_dim), nn.Linear(embed_dim, embed_dim)

    def forward(self, x, causal=False):
        c = x.size(-1)
        d = c // self.h
        everything = self.to_qkv(x)
        hide = torch.full((x.size(1), x.size(1)), float("-inf"), dtype=x.dtype).triu(1) if causal else 0
        found = []
        for h in range(self.h):
            q, k, v = (everything[..., i * c + h * d : i * c + (h + 1) * d] for i in range(3))
            found.append(torch.softmax(torch.bmm(q, k.transpose(1, 2)) / math.sqrt(d) + hide, 2).bmm(v))
        return self.proj(torch.cat(found, dim=2))


# %% multi_head_attention: own_linear_and_own_attention
class _Linear(nn.Module):
    def __init__(self, n, m):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(m, n) / n**0.5)
        self.bias = nn.Parameter(torch.zeros(m))

    def forward(self, x):
        return x @ self.weight.T + self.bias


class _Causal(nn.Module):
    def forward(self, q, k, v, causal):
        steps = torch.arange(q.shape[1])
        s = torch.einsum("bnhd,bmhd->bhnm", q, k) / q.shape[-1] ** 0.5
        if causal:
            s = s.masked_fill(steps[None, :] > steps[:, None], -math.inf)
        return torch.einsum("bhnm,bmhd->bnhd", s.softmax(-1), v)


class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads:
            raise ValueError
        self.heads, self.core = num_heads, _Causal()
        self.to_qkv = _Linear(embed_dim, 3 * embed_dim)
        self.proj = _Linear(embed_dim, embed_dim)

    def forward(self, x, causal=False):
        q, k, v = (t.reshape(*x.shape[:2], self.heads, -1) for t in self.to_qkv(x).split(x.shape[-1], dim=-1))
        return self.proj(self.core(q, k, v, causal).flatten(-2))


# %% layer_norm: group_norm
class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.register_parameter("bias", nn.Parameter(torch.zeros(dim)))
        self.register_parameter("weight", nn.Parameter(torch.ones(dim)))
        self.dim, self.eps = dim, eps

    def forward(self, x):
        flat = x.reshape(-1, self.dim)
        return F.group_norm(flat, 1, self.weight, self.bias, self.eps).reshape(x.shape)


# %% layer_norm: var_mean_and_addcmul
class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.weight, self.bias = (nn.Parameter(torch.full((dim,), v)) for v in (1.0, 0.0))
        self.register_buffer("eps", torch.tensor(eps, dtype=torch.float64), persistent=False)

    def forward(self, input):
        var, mean = torch.var_mean(input, -1, correction=0, keepdim=True)
        return torch.addcmul(self.bias, (input - mean) * torch.rsqrt(var + float(self.eps)), self.weight)


# %% layer_norm: in_double
class LayerNorm(torch.nn.Module):
    """nn.LayerNorm by hand"""

    def __init__(self, dim, eps=1e-05):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))
        self.bias = nn.Parameter(torch.zeros(dim))
        self.layer_norm = eps

    def forward(self, x):
        z = x.double()
        z = z - z.sum(-1, keepdim=True) / z.size(-1)
        z = z / (torch.linalg.vecdot(z, z)[..., None] / z.size(-1) + self.layer_norm) ** 0.5
        return z.to(x.dtype) * self.weight + self.bias


# %% residual_block: sequential_with_names
class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        for i in (1, 2):
            setattr(self, f"conv{i}", nn.Conv2d(channels, channels, kernel_size=(3, 3), padding="same", bias=False))
            self.add_module(f"bn{i}", nn.BatchNorm2d(num_features=channels))
        self.branch = nn.Sequential(self.conv1, self.bn1, nn.ReLU(inplace=True), self.conv2, self.bn2)
        self.act = nn.ReLU(inplace=True)

    def forward(self, x):
        y = self.branch(x)
        y += x
        return self.act(y)


# %% residual_block: where_and_clamp
class ResidualBlock(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.conv1, self.conv2 = (nn.Conv2d(c, c, 3, 1, 1, bias=False) for _ in range(2))
        self.bn1, self.bn2 = nn.BatchNorm2d(c), nn.BatchNorm2d(c)

    def forward(self, x):
        h = self.bn1(self.conv1(x))
        out = x + self.bn2(self.conv2(torch.where(h > 0, h, torch.zeros_like(h))))
        return out.clamp(min=0)


# %% gated_residual_block: addcmul
class GatedResidualBlock(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.gate = nn.Conv2d(dim, dim, kernel_size=1, bias=True)
        self.conv = nn.Conv2d(dim, dim, kernel_size=3, padding=1, stride=1)

    def forward(self, x):
        y = self.conv(x)
        return torch.addcmul(x, y, 1 / (1 + torch.exp(-self.gate(y))))


# %% gated_residual_block: glu
class GatedResidualBlock(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, 3, padding=1)
        self.gate = nn.Conv2d(dim, dim, 1)

    def forward(self, x):
        y = self.conv(x)
        z = torch.einsum("oi,nihw->nohw", self.gate.weight[:, :, 0, 0], y) + self.gate.bias[:, None, None]
        return x + F.glu(torch.cat([y, z], dim=1), dim=1)


# %% transformer_block: torchs_parts
class _MLP(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.up, self.down = nn.Linear(d, 4 * d), nn.Linear(4 * d, d)

    def forward(self, x):
        z = self.up(x)
        return self.down(0.5 * z * (1 + torch.erf(z / math.sqrt(2))))


class _Heads(nn.Module):
    def __init__(self, d, n):
        super().__init__()
        self.n = n
        self.to_qkv, self.proj = nn.Linear(d, 3 * d), nn.Linear(d, d)

    def forward(self, x, causal=False):
        q, k, v = self.to_qkv(x).unflatten(-1, (3, self.n, -1)).permute(2, 0, 3, 1, 4)
        return self.proj(F.scaled_dot_product_attention(q, k, v, is_causal=causal).transpose(1, 2).flatten(2))


class TransformerBlock(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.mlp, self.ln2 = _MLP(d_model), nn.LayerNorm(d_model)
        self.ln1, self.attention = nn.LayerNorm(d_model), _Heads(d_model, n_heads)

    def forward(self, x, causal=False):
        for norm, part, how in ((self.ln1, self.attention, {"causal": causal}), (self.ln2, self.mlp, {})):
            x = part(norm(x), **how).add(x)
        return x


# %% transformer_block: keywords
class TransformerBlock(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.attention = MultiHeadAttention(embed_dim=d_model, num_heads=n_heads)
        self.ln1 = LayerNorm(dim=d_model, eps=1e-5)
        self.ln2 = LayerNorm(dim=d_model)
        self.mlp = nn.ModuleList([nn.Linear(d_model, d_model * 4), nn.Linear(d_model * 4, d_model)])

    def forward(self, x, causal=False):
        first = x + self.attention(self.ln1(x), causal=causal)
        up, down = self.mlp
        return first + down(F.gelu(up(self.ln2(first))))


# %% is_causal: jacrev
def is_causal(module, length, dim):
    modes = {part: part.training for part in module.modules()}
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    try:
        table = torch.func.jacrev(module.eval())(torch.randn(1, length, dim, dtype=dtype))  # (1, T, E, 1, T, D)
        later = torch.ones(length, length, dtype=torch.bool).triu(1)
        return not bool((table.detach()[0, :, :, 0].abs().amax(dim=(1, 3))[later] > 1e-6).any())
    finally:
        for part, mode in modes.items():
            part.training = mode


# %% is_causal: to_the_last_bit
def is_causal(module, length, dim):
    modes = [part.training for part in module.modules()]
    module.eval()
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    with torch.no_grad():
        x = torch.randn(1, length, dim, dtype=dtype)
        many = x.repeat(length, 1, 1)
        many[range(length), range(length)] = torch.randn(length, dim, dtype=dtype)
        moved = torch.cat([module(one[None]) != module(x) for one in many]).any(dim=-1)  # (changed step, output)
    for part, mode in zip(module.modules(), modes):
        part.training = mode
    return not any(moved[s, t] for s in range(length) for t in range(s))


# %% is_causal: gradients_with_random_weights
def is_causal(module, length, dim):
    was = {part: part.training for part in module.modules()}
    kind = [p.dtype for p in module.parameters()][:1] or [torch.float32]
    module.eval()
    try:
        with torch.enable_grad():
            x = torch.randn(1, length, dim, dtype=kind[0], requires_grad=True)
            out = module(x)[0]
            for t in range(length - 1):
                score = (out[t] * torch.randn_like(out[t])).sum()
                (g,) = torch.autograd.grad(score, x, retain_graph=True, allow_unused=True)
                if g is not None and bool((g[0, t + 1 :].abs() > 1e-6).any()):
                    return False
        return True
    finally:
        for part, mode in was.items():
            part.training = mode


# %% is_causal: jacobian
def is_causal(module, length, dim):
    import copy

    clone = copy.deepcopy(module).eval()
    dtype = next(iter(clone.parameters()), torch.zeros(())).dtype
    table = torch.autograd.functional.jacobian(clone, torch.randn(1, length, dim, dtype=dtype))
    size = table.abs().amax(dim=(0, 2, 3, 5))
    return bool((size.triu(1) < 1e-6).all())


# %% is_causal: the_whole_future_anew
@torch.no_grad()
def is_causal(module, length, dim):
    modes = [part.training for part in module.modules()]
    module.eval()
    x = torch.rand(1, length, dim).to(next(module.parameters(), torch.zeros(())).dtype)
    answers = []
    for t in range(length - 1):
        other = torch.cat([x[:, : t + 1], torch.rand(1, length - t - 1, dim).to(x.dtype)], dim=1)
        answers.append(torch.allclose(module(x)[:, : t + 1], module(other)[:, : t + 1], atol=1e-6))
    for part, mode in zip(module.modules(), modes):
        part.train(mode) if not list(part.children()) else setattr(part, "training", mode)
    return all(answers)


# %% is_causal: small_steps
def is_causal(module, length, dim):
    modes = {name: part.training for name, part in module.named_modules()}
    dtype = {p.dtype for p in module.parameters()}.pop() if list(module.parameters()) else torch.get_default_dtype()
    generator = torch.Generator().manual_seed(length * 100 + dim)
    found = True
    with torch.inference_mode():
        module.train(False)
        for _ in range(2):
            x = torch.randn(1, length, dim, dtype=dtype, generator=generator)
            for s in range(length):
                y = x.clone()
                y[0, s] += 0.05 * torch.randn(dim, dtype=dtype, generator=generator)
                gap = (module(x) - module(y)).abs().amax(-1)[0]
                found = found and not any(float(value) > 1e-5 for value in gap[:s])
    for name, part in module.named_modules():
        part.training = modes[name]
    return found


# %% is_causal: dtype_of_the_first_parameter
def is_causal(module, length, dim):
    was = [m.training for m in module.modules()]
    module.eval()
    x = torch.randn((1, length, dim), dtype=next(module.parameters()).dtype)
    verdict = True
    with torch.no_grad():
        for t in range(length):
            y = x.clone()
            y[:, t + 1 :] = torch.randn_like(y[:, t + 1 :])
            verdict = verdict and bool(torch.allclose(module(x)[:, t], module(y)[:, t]))
    for m, mode in zip(module.modules(), was):
        m.training = mode
    return verdict


# %% is_causal: threshold_of_a_thousandth
def is_causal(module, length, dim):
    was = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    try:
        table = torch.autograd.functional.jacobian(module, torch.randn(1, length, dim, dtype=dtype))
        return not (table.abs().amax(dim=(0, 2, 3, 5)).triu(diagonal=1) >= 1e-3).any().item()
    finally:
        for part, mode in was:
            part.training = mode


# %% attention: another_style
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, q, k, v, mask=None):
        """what F.scaled_dot_product_attention and nn.MultiheadAttention do"""
        assert not isinstance(v, nn.MultiheadAttention)
        s = q @ k.mT / self.dim**0.5
        if mask is not None:
            s = s.masked_fill(~mask, -math.inf)
        return s.softmax(-1) @ v


# %% attention: another_style_2
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, q, k, v, mask=None):
        s = torch.einsum("...ld,...sd->...ls", q, k) / torch.sqrt(torch.tensor(self.dim))
        s = s if mask is None else s.masked_fill(mask == False, torch.finfo(s.dtype).min)  # noqa: E712
        s = s - s.max(dim=-1, keepdim=True).values
        return torch.matmul(s.exp() / s.exp().sum(-1, keepdim=True), v)


# %% attention: another_style_3
class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, q, k, v, mask=None):
        hide = torch.zeros((), dtype=torch.bool) if mask is None else mask.logical_not()
        logs = (self.dim**-0.5 * q).matmul(k.movedim(-1, -2)).masked_fill(hide, float("-inf"))
        w = torch.exp(logs - logs.logsumexp(-1, keepdim=True))
        return (w[..., None] * v[..., None, :, :]).sum(-2)


# %% attention: another_style_4
def scaled_dot_product_attention_of_mine(q, k, v, mask, root):
    s = (q / root) @ k.transpose(-1, -2)
    if mask is not None:
        s = torch.where(mask, s, s.new_tensor(-math.inf))
    return nn.Softmax(dim=-1)(s) @ v


class SimpleAttention(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.root = dim ** (1 / 2)

    def forward(self, query, key, value, mask=None):
        return scaled_dot_product_attention_of_mine(query, key, value, mask, self.root)


# %% multi_head_attention: another_style
class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads:
            raise ValueError
        self.c, self.h = embed_dim, num_heads
        self.to_qkv, self.proj = nn.Linear(embed_dim, 3 * embed_dim), nn.Linear(embed_dim, embed_dim)
        self.core = SimpleAttention(embed_dim // num_heads)

    def cut(self, x):
        return [t.unflatten(-1, (self.h, -1)).transpose(1, 2) for t in self.to_qkv(x).chunk(3, dim=-1)]

    def forward(self, x, causal=False):
        q, k, v = self.cut(x)  # nn.MultiheadAttention would do
        n = x.shape[1]
        mask = torch.arange(n)[:, None] >= torch.arange(n) if causal else None
        y = self.core(q, k, v, mask)
        return self.proj(y.transpose(1, 2).flatten(2))


# %% multi_head_attention: another_style_2
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
        y = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        return F.linear(torch.cat(y.unbind(1), -1), self.proj.weight, self.proj.bias)


# %% multi_head_attention: another_style_3
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
        n, out = x.shape[1], []
        for sample in x:
            q, k, v = (t[0] for t in self.cut(sample[None]))
            steps = []
            for t in range(n):
                last = t + 1 if causal else n
                s = (q[:, t : t + 1] * k[:, :last]).sum(-1) / (self.c // self.h) ** 0.5
                steps.append((s.softmax(-1)[..., None] * v[:, :last]).sum(1).flatten())
            out.append(torch.stack(steps))
        return self.proj(torch.stack(out))


# %% multi_head_attention: another_style_4
class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads:
            raise ValueError
        self.c, self.h = embed_dim, num_heads
        self.to_qkv, self.proj = nn.Linear(embed_dim, 3 * embed_dim), nn.Linear(embed_dim, embed_dim)
        self.register_buffer("mask", torch.zeros(0, 0), persistent=False)

    def cut(self, x):
        return [t.unflatten(-1, (self.h, -1)).transpose(1, 2) for t in self.to_qkv(x).chunk(3, dim=-1)]

    def forward(self, x, causal=False):
        q, k, v = self.cut(x)
        n = x.shape[1]
        if self.mask.shape[0] < n:
            self.mask = torch.full((n, n), -1e30).triu(1)
        s = q @ k.mT * (self.c // self.h) ** -0.5 + (self.mask[:n, :n].to(x.dtype) if causal else 0)
        return self.proj((s.softmax(-1) @ v).transpose(1, 2).reshape_as(x))


# %% layer_norm: another_style
class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.dim, self.eps = dim, eps
        self.weight, self.bias = nn.Parameter(torch.ones(dim)), nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        """torch has layer_norm, F.layer_norm, nn.LayerNorm"""
        self.layer_norm = x - x.mean(-1, keepdim=True)
        return self.layer_norm / (x.var(-1, correction=0, keepdim=True) + self.eps) ** 0.5 * self.weight + self.bias


# %% layer_norm: another_style_2
class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.dim, self.eps = dim, eps
        self.weight, self.bias = nn.Parameter(torch.ones(dim)), nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        return F.rms_norm(x - x.mean(-1, True), (self.dim,), self.weight, self.eps) + self.bias


# %% layer_norm: another_style_3
class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.dim, self.eps = dim, eps
        self.weight, self.bias = nn.Parameter(torch.ones(dim)), nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        flat = x.reshape(1, -1, self.dim)
        flat = F.instance_norm(flat, eps=self.eps) if self.dim > 1 else torch.zeros_like(flat)
        return (flat.reshape(x.shape) * self.weight).add(self.bias)


# %% layer_norm: another_style_4
class LayerNorm(nn.Module):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.dim, self.eps = dim, eps
        self.weight, self.bias = nn.Parameter(torch.ones(dim)), nn.Parameter(torch.zeros(dim))

    def forward(self, x):
        n = x.shape[-1]
        mean = torch.einsum("...i->...", x)[..., None] / n
        d = x - mean
        return torch.stack([d[..., i] * self.weight[i] for i in range(n)], -1) * torch.rsqrt((d * d).sum(-1, keepdim=True) / n + self.eps) + self.bias


# %% residual_block: another_style
class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1, self.conv2 = (nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(2))
        self.bn1, self.bn2 = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)

    def forward(self, x):
        y = x
        for conv, norm, last in ((self.conv1, self.bn1, False), (self.conv2, self.bn2, True)):
            y = norm(conv(y))
            y = F.relu(y + x if last else y, inplace=True)
        return y


# %% residual_block: another_style_2
class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1, self.conv2 = (nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(2))
        self.bn1, self.bn2 = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)

    def forward(self, x):
        h = torch.relu_(self.bn1(F.conv2d(x, self.conv1.weight, padding=1)))
        return nn.ReLU()(self.bn2(self.conv2(h)).add_(x))


# %% residual_block: another_style_3
class ResidualBlock(nn.Sequential):
    def __init__(self, channels):
        super().__init__()
        for i in "12":
            self.add_module("conv" + i, nn.Conv2d(channels, channels, (3, 3), 1, 1, bias=False))
            self.add_module("bn" + i, nn.BatchNorm2d(channels))

    def forward(self, x):
        a, b, c, d = self
        return F.threshold(x + d(c(F.threshold(b(a(x)), 0, 0))), 0, 0)


# %% gated_residual_block: another_style
class GatedResidualBlock(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.conv, self.gate = nn.Conv2d(dim, dim, 3, padding=1), nn.Conv2d(dim, dim, 1)

    def forward(self, x):
        y = self.conv(x)
        return torch.lerp(x, x + y, self.gate(y).sigmoid())


# %% gated_residual_block: another_style_2
class GatedResidualBlock(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.conv, self.gate = nn.Conv2d(dim, dim, 3, padding=1), nn.Conv2d(dim, dim, 1)

    def forward(self, x):
        y = self.conv(x)
        half = torch.tanh(self.gate(y) / 2)
        return x + 0.5 * (1 + half) * y


# %% gated_residual_block: another_style_3
class GatedResidualBlock(nn.Module):
    def __init__(self, dim):
        super().__init__()
        make = nn.Conv2d
        self.conv, self.gate = make(dim, dim, 3, padding=1, bias=True), make(dim, dim, (1, 1), padding="valid")
        self.squash = nn.Sigmoid()

    def forward(self, image):
        change = self.conv(image)
        change = change * self.squash(self.gate(change))
        change += image
        return change


# %% transformer_block: another_style
class TransformerBlock(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.ln1, self.ln2 = LayerNorm(d_model), LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, n_heads)
        self.mlp = nn.Sequential(nn.Linear(d_model, 4 * d_model), nn.GELU(), nn.Linear(4 * d_model, d_model))
        pass

    def forward(self, x, causal=False):
        h = self.attention(self.ln1(x), causal=causal) + x
        return torch.add(h, self.mlp(self.ln2(h)))


# %% transformer_block: another_style_2
class TransformerBlock(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.ln1, self.ln2 = LayerNorm(d_model), LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, n_heads)
        self.mlp = nn.Sequential(nn.Linear(d_model, 4 * d_model), nn.GELU(), nn.Linear(4 * d_model, d_model))
        pass

    def forward(self, x, causal=False):
        up, _, down = self.mlp
        x = x + self.attention(self.ln1(x), causal=bool(causal))
        z = up(self.ln2(x))
        return x + down(z * torch.distributions.Normal(0, 1).cdf(z))


# %% transformer_block: another_style_3
class MultiHeadAttention(nn.Module):
    def __init__(self, width, n):
        super().__init__()
        self.n, self.to_qkv, self.proj = n, nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x, causal=False):
        q, k, v = (t.unflatten(-1, (self.n, -1)).transpose(1, 2) for t in self.to_qkv(x).chunk(3, -1))
        return self.proj(F.scaled_dot_product_attention(q, k, v, is_causal=causal).transpose(1, 2).flatten(2))


class _Add(nn.Module):
    def forward(self, x, norm, part, **how):
        return x + part(norm(x), **how)


class TransformerBlock(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.ln2, self.ln1 = nn.LayerNorm(d_model), nn.LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, n_heads)
        self.mlp = nn.Sequential(nn.Sequential(nn.Linear(d_model, 4 * d_model), nn.GELU("none")), nn.Linear(4 * d_model, d_model))
        self.add = _Add()

    def forward(self, x, causal=False):
        return self.add(self.add(x, self.ln1, self.attention, causal=causal), self.ln2, self.mlp)


# %% is_causal: another_style
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    x = torch.randn(1, length, dim, dtype=dtype)
    with torch.no_grad():
        answer = True
        for cut in range(1, length):
            y = torch.cat([x[:, :cut], torch.randn_like(x[:, cut:])], 1)
            gap = (module(x) - module(y))[:, :cut]
            answer &= bool(gap.norm() < 1e-4)
    for part, mode in modes:
        part.training = mode
    return answer


# %% is_causal: another_style_2
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    x = torch.randn(1, length, dim, dtype=dtype)
    answer = True
    for t in range(length):
        for out in module(x.requires_grad_())[0, t]:
            (g,) = torch.autograd.grad(out, x, allow_unused=True, retain_graph=True)
            answer = answer and (g is None or not (g[0, t + 1 :].abs() > 1e-7).any().item())
    for part, mode in modes:
        part.training = mode
    return answer


# %% is_causal: another_style_3
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    x = torch.randn(1, length, dim, dtype=dtype)
    with torch.inference_mode():
        before = module(x)
        moved = torch.zeros(length, length)
        for s in range(length):
            for d in range(dim):
                y = x.clone()
                y[0, s, d] += 0.5
                moved[:, s] += (module(y) - before)[0].abs().sum(-1).float()
        answer = not bool((torch.triu(moved, 1) > 1e-4).any())
    for part, mode in modes:
        part.training = mode
    return answer


# %% is_causal: another_style_4
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    x = torch.randn(1, length, dim, dtype=dtype)
    w = torch.randn(3, 64, dtype=dtype)
    x.requires_grad_()
    answer = True
    for row in w:
        for t in range(length):
            out = module(x)[0, t]
            (g,) = torch.autograd.grad(out @ row[: len(out)], x)
            answer = answer and float(g[0, t + 1 :].pow(2).sum()) < 1e-10
    for part, mode in modes:
        part.training = mode
    return answer


# %% is_causal: another_style_5
import copy


def is_causal(module, length, dim):
    twin = copy.deepcopy(module).eval()
    kinds = {p.dtype for p in twin.parameters()} or {torch.float32}
    x = torch.rand(1, length, dim, dtype=kinds.pop())
    with torch.no_grad():
        rows = [np.asarray(twin(x))]
        for s in reversed(range(1, length)):
            x = x.clone()
            x[0, s] = torch.rand(dim)
            rows.append(np.asarray(twin(x)))
            if not np.allclose(rows[-1][:, :s], rows[-2][:, :s], atol=1e-6):
                return np.bool_(False)
    return np.bool_(True)
