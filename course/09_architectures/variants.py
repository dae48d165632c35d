"""Right solutions of chapter 9 in an unusual style: the checks must accept every one."""

import math

import torch
import torch.nn.functional as F
from torch import nn

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
