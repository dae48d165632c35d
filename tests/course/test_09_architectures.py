"""Chapter 9 beyond mistakes and variants: forbidden calls in many spellings, subtle right and wrong pairs."""

from __future__ import annotations

import textwrap
from itertools import zip_longest

import pytest

CHAPTER = "09_architectures"


def attention(body: str, before: str = "", base: str = "nn.Module", init: str = "self.dim = dim") -> str:
    """Return a solution cell: SimpleAttention with `body` as its forward(q, k, v, mask)."""
    lines = textwrap.indent(textwrap.dedent(body).strip("\n"), " " * 8)
    return (
        f"{textwrap.dedent(before)}\nclass SimpleAttention({base}):\n    def __init__(self, dim):\n"
        f"        super().__init__()\n        {init}\n    def forward(self, q, k, v, mask=None):\n{lines}\n"
    )


def heads(body: str, before: str = "", more: str = "pass") -> str:
    lines = textwrap.indent(textwrap.dedent(body).strip("\n"), " " * 8)
    return f"""{textwrap.dedent(before)}
class MultiHeadAttention(nn.Module):
    def __init__(self, embed_dim, num_heads):
        super().__init__()
        if embed_dim % num_heads:
            raise ValueError
        self.c, self.h = embed_dim, num_heads
        self.to_qkv, self.proj = nn.Linear(embed_dim, 3 * embed_dim), nn.Linear(embed_dim, embed_dim)
        {more}
    def cut(self, x):
        return [t.unflatten(-1, (self.h, -1)).transpose(1, 2) for t in self.to_qkv(x).chunk(3, dim=-1)]
    def forward(self, x, causal=False):
{lines}
"""


def norm(body: str, before: str = "", base: str = "nn.Module") -> str:
    lines = textwrap.indent(textwrap.dedent(body).strip("\n"), " " * 8)
    return f"""{textwrap.dedent(before)}
class LayerNorm({base}):
    def __init__(self, dim, eps=1e-5):
        super().__init__()
        self.dim, self.eps = dim, eps
        self.weight, self.bias = nn.Parameter(torch.ones(dim)), nn.Parameter(torch.zeros(dim))
    def forward(self, x):
{lines}
"""


def residual(body: str) -> str:
    lines = textwrap.indent(textwrap.dedent(body).strip("\n"), " " * 8)
    return f"""
class ResidualBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1, self.conv2 = (nn.Conv2d(channels, channels, 3, padding=1, bias=False) for _ in range(2))
        self.bn1, self.bn2 = nn.BatchNorm2d(channels), nn.BatchNorm2d(channels)
    def forward(self, x):
{lines}
"""


def gated(body: str) -> str:
    lines = textwrap.indent(textwrap.dedent(body).strip("\n"), " " * 8)
    return f"""
class GatedResidualBlock(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.conv, self.gate = nn.Conv2d(dim, dim, 3, padding=1), nn.Conv2d(dim, dim, 1)
    def forward(self, x):
{lines}
"""


def block(body: str, init: str = "pass") -> str:
    lines = textwrap.indent(textwrap.dedent(body).strip("\n"), " " * 8)
    return f"""
class TransformerBlock(nn.Module):
    def __init__(self, d_model, n_heads):
        super().__init__()
        self.ln1, self.ln2 = LayerNorm(d_model), LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, n_heads)
        self.mlp = nn.Sequential(nn.Linear(d_model, 4 * d_model), nn.GELU(), nn.Linear(4 * d_model, d_model))
        {init}
    def forward(self, x, causal=False):
{lines}
"""


def causal(look: str, before: str = "", leave: str = "part.training = mode") -> str:
    """Return an is_causal whose `look` sets `answer`; it is in evaluation mode while it looks."""
    lines = textwrap.indent(textwrap.dedent(look).strip("\n"), " " * 4)
    return f"""{textwrap.dedent(before)}
def is_causal(module, length, dim):
    modes = [(part, part.training) for part in module.modules()]
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    x = torch.randn(1, length, dim, dtype=dtype)
{lines}
    for part, mode in modes:
        {leave}
    return answer
"""


BY_HAND = """
s = q @ k.mT / self.dim ** 0.5
if mask is not None:
    s = s.masked_fill(~mask, -math.inf)
return s.softmax(-1) @ v
"""
THEIRS = "nn.MultiheadAttention(self.c, self.h, batch_first=True)"
COPIED = """
theirs = MAKER.to(x.dtype)
for a, b in zip(theirs.parameters(), [self.to_qkv.weight, self.to_qkv.bias, self.proj.weight, self.proj.bias]):
    a.data = b.data
hide = ~torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).tril() if causal else None
return theirs(x, x, x, attn_mask=hide, need_weights=False)[0]
"""
FUNCTION = """
hide = ~torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).tril() if causal else None
y = x.transpose(0, 1)
return CALL(
    y, y, y, self.c, self.h, self.to_qkv.weight, self.to_qkv.bias, None, None, False, 0.0,
    self.proj.weight, self.proj.bias, need_weights=False, attn_mask=hide
)[0].transpose(0, 1)
"""
AFFINE = "(x, (self.dim,), self.weight, self.bias, self.eps)"

#: exercise -> name of the forbidden call that the message has to show -> solutions
FORBIDDEN = {
    "attention": {
        "scaled_dot_product_attention": [
            attention("return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)"),
            attention("return torch.nn.functional.scaled_dot_product_attention(q, k, v, mask)"),
            attention("return getattr(F, 'scaled_dot_product_attention')(q, k, v, mask)"),
            attention("return getattr(F, 'scaled_dot' + '_product_attention')(q, k, v, mask)"),
            attention("return vars(F)['scaled_dot' + '_product_attention'](q, k, v, mask)"),
            attention("return sdpa(q, k, v, mask)", "from torch.nn.functional import scaled_dot_product_attention as sdpa"),
            attention("return soft(q, k, v, mask)", "soft = F.scaled_dot_product_attention"),
            attention("return self.core(q, k, v, mask)", init="self.core = F.scaled_dot_product_attention"),
            attention("return torch._C._nn.scaled_dot_product_attention(q, k, v, mask)"),
            attention("return torch.ops.aten.scaled_dot_product_attention(q, k, v, mask)"),
            attention("return torch._scaled_dot_product_attention_math(q, k, v, mask)[0]"),
            attention("out = F.scaled_dot_product_attention(q, k, v)\n" + BY_HAND.strip()),
        ],
        "torch.nn.MultiheadAttention": [
            attention(BY_HAND, base="nn.MultiheadAttention").replace("super().__init__()", "super().__init__(dim, 1)"),
            attention(BY_HAND, init="self.dim = dim; self.inner = [nn.MultiheadAttention(dim, 1)]"),
            attention(BY_HAND, "from torch.nn import MultiheadAttention as Base", "Base").replace("super().__init__()", "super().__init__(dim, 1)"),
        ],
        "multi_head_attention_forward": [
            attention("one, zero = torch.eye(self.dim).to(q.dtype), None\n"
                      "return F.multi_head_attention_forward(q, k, v, self.dim, 1, torch.cat([one] * 3), zero, None, None, False, 0.0, one, zero)[0]"),
        ],
    },
    "multi_head_attention": {
        "torch.nn.MultiheadAttention": [
            "class MultiHeadAttention(nn.MultiheadAttention):\n    pass",
            "MultiHeadAttention = nn.MultiheadAttention",
            "from torch.nn import MultiheadAttention as MultiHeadAttention",
            "class MultiHeadAttention(torch.nn.modules.activation.MultiheadAttention):\n    pass",
            "class MultiHeadAttention(getattr(nn, 'MultiheadAttention')):\n    pass",
            heads(COPIED.replace("MAKER", THEIRS)),
            heads(COPIED.replace("MAKER", "getattr(nn, 'Multihead' + 'Attention')(self.c, self.h, batch_first=True)")),
            heads(COPIED.replace("MAKER", "Theirs(self.c, self.h, batch_first=True)"), "from torch.nn import MultiheadAttention as Theirs"),
            heads(COPIED.replace("MAKER", "Mine(self.c, self.h, batch_first=True)"), "class Mine(nn.MultiheadAttention):\n    pass"),
        ],
        "multi_head_attention_forward": [
            heads(FUNCTION.replace("CALL", "F.multi_head_attention_forward")),
            heads(FUNCTION.replace("CALL", "getattr(F, 'multi_head' + '_attention_forward')")),
            heads(FUNCTION.replace("CALL", "forward_"), "from torch.nn.functional import multi_head_attention_forward as forward_"),
        ],
    },
    "layer_norm": {
        "layer_norm": [
            norm(f"return F.layer_norm{AFFINE}"),
            norm(f"return torch.layer_norm{AFFINE}"),
            norm(f"return torch.native_layer_norm{AFFINE}[0]"),
            norm(f"return getattr(F, 'layer_norm'){AFFINE}"),
            norm(f"return getattr(F, 'layer' + '_norm'){AFFINE}"),
            norm(f"return getattr(torch, 'native_layer' + '_norm'){AFFINE}[0]"),
            norm(f"return level{AFFINE}", "from torch.nn.functional import layer_norm as level"),
            norm(f"return level{AFFINE}", "level = torch.layer_norm"),
            norm(f"return torch.ops.aten.layer_norm{AFFINE}"),
            norm(f"return torch._C._VariableFunctions.layer_norm{AFFINE}"),
        ],
        "torch.nn.LayerNorm": [
            "class LayerNorm(nn.LayerNorm):\n    pass",
            "LayerNorm = nn.LayerNorm",
            "from torch.nn import LayerNorm",
            "from torch.nn import *",
            "from torch.nn import LayerNorm\nclass LayerNorm(LayerNorm):\n    pass",
            "class LayerNorm(torch.nn.modules.normalization.LayerNorm):\n    pass",
            "class LayerNorm(vars(nn)['Layer' + 'Norm']):\n    pass",
            norm("core = nn.LayerNorm(self.dim, self.eps, elementwise_affine=False)\nreturn core(x) * self.weight + self.bias"),
            norm("core = getattr(nn, 'Layer' + 'Norm')(self.dim, self.eps, elementwise_affine=False)\nreturn core(x) * self.weight + self.bias"),
        ],
    },
}  # fmt: skip

#: right solutions: a mention is no call, and another style is no mistake
RIGHT = {
    "attention": [
        attention(
            '"""what F.scaled_dot_product_attention and nn.MultiheadAttention do"""\n'
            "assert not isinstance(v, nn.MultiheadAttention)\n" + BY_HAND.strip()
        ),
        attention(
            "s = torch.einsum('...ld,...sd->...ls', q, k) / torch.sqrt(torch.tensor(self.dim))\n"
            "s = s if mask is None else s.masked_fill(mask == False, torch.finfo(s.dtype).min)\n"
            "s = s - s.max(dim=-1, keepdim=True).values\nreturn torch.matmul(s.exp() / s.exp().sum(-1, keepdim=True), v)"
        ),
        attention(
            "hide = torch.zeros((), dtype=torch.bool) if mask is None else mask.logical_not()\n"
            "logs = (self.dim ** -0.5 * q).matmul(k.movedim(-1, -2)).masked_fill(hide, float('-inf'))\n"
            "w = torch.exp(logs - logs.logsumexp(-1, keepdim=True))\nreturn (w[..., None] * v[..., None, :, :]).sum(-2)"
        ),
        """
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
        """,
    ],
    "multi_head_attention": [
        heads(
            "q, k, v = self.cut(x)  # nn.MultiheadAttention would do\nn = x.shape[1]\n"
            "mask = torch.arange(n)[:, None] >= torch.arange(n) if causal else None\n"
            "y = self.core(q, k, v, mask)\nreturn self.proj(y.transpose(1, 2).flatten(2))",
            more="self.core = SimpleAttention(embed_dim // num_heads)",
        ),
        heads(
            "q, k, v = self.cut(x)\ny = F.scaled_dot_product_attention(q, k, v, is_causal=causal)\n"
            "return F.linear(torch.cat(y.unbind(1), -1), self.proj.weight, self.proj.bias)"
        ),
        heads(
            "n, out = x.shape[1], []\nfor sample in x:\n    q, k, v = (t[0] for t in self.cut(sample[None]))\n"
            "    steps = []\n    for t in range(n):\n        last = t + 1 if causal else n\n"
            "        s = (q[:, t : t + 1] * k[:, :last]).sum(-1) / (self.c // self.h) ** 0.5\n"
            "        steps.append((s.softmax(-1)[..., None] * v[:, :last]).sum(1).flatten())\n"
            "    out.append(torch.stack(steps))\nreturn self.proj(torch.stack(out))"
        ),
        heads(
            "q, k, v = self.cut(x)\nn = x.shape[1]\nif self.mask.shape[0] < n:\n    self.mask = torch.full((n, n), -1e30).triu(1)\n"
            "s = q @ k.mT * (self.c // self.h) ** -0.5 + (self.mask[:n, :n].to(x.dtype) if causal else 0)\n"
            "return self.proj((s.softmax(-1) @ v).transpose(1, 2).reshape_as(x))",
            more="self.register_buffer('mask', torch.zeros(0, 0), persistent=False)",
        ),
    ],
    "layer_norm": [
        norm(
            '"""torch has layer_norm, F.layer_norm, nn.LayerNorm"""\nself.layer_norm = x - x.mean(-1, keepdim=True)\n'
            "return self.layer_norm / (x.var(-1, correction=0, keepdim=True) + self.eps) ** 0.5 * self.weight + self.bias"
        ),
        norm("return F.rms_norm(x - x.mean(-1, True), (self.dim,), self.weight, self.eps) + self.bias"),
        norm(
            "flat = x.reshape(1, -1, self.dim)\n"
            "flat = F.instance_norm(flat, eps=self.eps) if self.dim > 1 else torch.zeros_like(flat)\n"
            "return (flat.reshape(x.shape) * self.weight).add(self.bias)"
        ),
        norm(
            "n = x.shape[-1]\nmean = torch.einsum('...i->...', x)[..., None] / n\nd = x - mean\n"
            "return torch.stack([d[..., i] * self.weight[i] for i in range(n)], -1)"
            " * torch.rsqrt((d * d).sum(-1, keepdim=True) / n + self.eps) + self.bias"
        ),
    ],
    "residual_block": [
        residual("y = x\nfor conv, norm, last in ((self.conv1, self.bn1, False), (self.conv2, self.bn2, True)):\n"
                 "    y = norm(conv(y))\n    y = F.relu(y + x if last else y, inplace=True)\nreturn y"),
        residual("h = torch.relu_(self.bn1(F.conv2d(x, self.conv1.weight, padding=1)))\n"
                 "return nn.ReLU()(self.bn2(self.conv2(h)).add_(x))"),
        """
        class ResidualBlock(nn.Sequential):
            def __init__(self, channels):
                super().__init__()
                for i in "12":
                    self.add_module("conv" + i, nn.Conv2d(channels, channels, (3, 3), 1, 1, bias=False))
                    self.add_module("bn" + i, nn.BatchNorm2d(channels))
            def forward(self, x):
                a, b, c, d = self
                return F.threshold(x + d(c(F.threshold(b(a(x)), 0, 0))), 0, 0)
        """,
    ],
    "gated_residual_block": [
        gated("y = self.conv(x)\nreturn torch.lerp(x, x + y, self.gate(y).sigmoid())"),
        gated("y = self.conv(x)\nhalf = torch.tanh(self.gate(y) / 2)\nreturn x + 0.5 * (1 + half) * y"),
        """
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
        """,
    ],
    "transformer_block": [
        block("h = self.attention(self.ln1(x), causal=causal) + x\nreturn torch.add(h, self.mlp(self.ln2(h)))"),
        block(
            "up, _, down = self.mlp\nx = x + self.attention(self.ln1(x), causal=bool(causal))\nz = up(self.ln2(x))\n"
            "return x + down(z * torch.distributions.Normal(0, 1).cdf(z))"
        ),
        """
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
        """,
    ],
    "is_causal": [
        causal(
            "with torch.no_grad():\n    answer = True\n    for cut in range(1, length):\n"
            "        y = torch.cat([x[:, :cut], torch.randn_like(x[:, cut:])], 1)\n"
            "        gap = (module(x) - module(y))[:, :cut]\n        answer &= bool(gap.norm() < 1e-4)"
        ),
        causal(
            "answer = True\nfor t in range(length):\n    for out in module(x.requires_grad_())[0, t]:\n"
            "        g, = torch.autograd.grad(out, x, allow_unused=True, retain_graph=True)\n"
            "        answer = answer and (g is None or not (g[0, t + 1:].abs() > 1e-7).any().item())"
        ),
        causal(
            "with torch.inference_mode():\n    before = module(x)\n    moved = torch.zeros(length, length)\n"
            "    for s in range(length):\n        for d in range(dim):\n            y = x.clone()\n            y[0, s, d] += 0.5\n"
            "            moved[:, s] += (module(y) - before)[0].abs().sum(-1).float()\n"
            "    answer = not bool((torch.triu(moved, 1) > 1e-4).any())"
        ),
        causal(
            "w = torch.randn(3, 64, dtype=dtype)\nx.requires_grad_()\nanswer = True\nfor row in w:\n    for t in range(length):\n"
            "        out = module(x)[0, t]\n        g, = torch.autograd.grad(out @ row[: len(out)], x)\n"
            "        answer = answer and float(g[0, t + 1 :].pow(2).sum()) < 1e-10"
        ),
        """
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
        """,
    ],
}  # fmt: skip

NO_GRAD = "with torch.no_grad():\n    answer, before = True, module(x)\n    for s in range(1, length):\n        y = x.clone()\n"
COMPARE = "        if (module(y) - before)[:, :s].abs().max() > 1e-5:\n            answer = False"

#: wrong solutions that look right
WRONG = {
    "attention": [
        attention(BY_HAND.replace("-math.inf", "-1e3")),
        attention(BY_HAND.replace("masked_fill(~mask, -math.inf)", "masked_fill(~mask, -math.inf).nan_to_num(neginf=-5e3)")),
        attention("s = (q @ k.mT / self.dim ** 0.5).clamp(-1e4, 1e4)\nif mask is not None:\n    s = s.masked_fill(~mask, -math.inf)\nreturn s.softmax(-1) @ v"),
        attention("s = q @ k.mT / self.dim ** 0.5\ns = s - s.max()\nif mask is not None:\n    s = s.masked_fill(~mask, -math.inf)\n"
                  "return s.exp() / s.exp().sum(-1, keepdim=True) @ v"),
        attention("s = q @ k.mT / self.dim ** 0.5\ns = s - s.amax(-1, keepdim=True)\ne = s.exp()\ne = e if mask is None else e * mask\n"
                  "return e / e.sum(-1, keepdim=True) @ v"),
        attention(BY_HAND.replace("~mask", "~mask.expand(q.shape[-2], k.shape[-2])")),
        attention(BY_HAND.replace("self.dim ** 0.5", "(self.dim ** 0.5 if k.shape[-2] > 1 else 1)").replace("softmax(-1)", "softmax(-1).to(torch.float32).to(v.dtype).round(decimals=4)")),
        attention(BY_HAND.replace("return", "self.seen = getattr(self, 'seen', mask)\nreturn").replace("if mask is not None:", "mask = getattr(self, 'seen', mask)\nif mask is not None:")),
    ],
    "multi_head_attention": [
        heads("q, k, v = self.cut(x)\ny = F.scaled_dot_product_attention(q, k, v, is_causal=causal, scale=self.c ** -0.5)\nreturn self.proj(y.transpose(1, 2).flatten(2))"),
        heads("q, k, v = self.cut(x)\ny = F.scaled_dot_product_attention(q, k, v, is_causal=True if causal else False)\nreturn self.proj(y.reshape(x.shape))"),
        heads("q, k, v = self.cut(x)\ny = F.scaled_dot_product_attention(q, k, v, is_causal=causal and not self.training)\nreturn self.proj(y.transpose(1, 2).flatten(2))"),
        heads("q, k, v = self.cut(x)\ny = F.scaled_dot_product_attention(q, k.detach(), v, is_causal=causal)\nreturn self.proj(y.transpose(1, 2).flatten(2))"),
        heads("q, k, v = self.cut(x)\ny = F.scaled_dot_product_attention(q, k, v, is_causal=causal)\nreturn self.proj(y.transpose(1, 2).flatten(2)) * self.gain",
              more="self.gain = nn.Parameter(torch.ones(1))"),
        heads("q, k, v = self.cut(x)\ny = F.scaled_dot_product_attention(q, k, v, is_causal=causal)\nreturn self.proj(y.transpose(1, 2).flatten(2))",
              more="self.to_qkv.bias.requires_grad_(False)"),
    ],
    "layer_norm": [
        norm("std = x.std(-1, keepdim=True, correction=0)\nreturn (x - x.mean(-1, keepdim=True)) / std.clamp(min=self.eps ** 0.5) * self.weight + self.bias"),
        norm("d = x - x.mean(-1, keepdim=True)\nreturn d / (d.abs().mean(-1, keepdim=True) + self.eps) * self.weight + self.bias"),
        norm("y = torch.stack([(r - r.mean()) / (r.var(correction=0) + self.eps).sqrt() for r in x.flatten(0, -2)]) if x.ndim > 2 else "
             "(x - x.mean(-1, keepdim=True)) / (x.var(-1, keepdim=True, correction=0) + self.eps).sqrt()\nreturn y * self.weight + self.bias"),
        norm("d = x - x.mean(-1, keepdim=True)\nreturn d * (d.var(-1, keepdim=True, correction=0) + self.eps).rsqrt().detach() * self.weight + self.bias"),
        norm("d = x.float() - x.float().mean(-1, keepdim=True)\nreturn d / (d.pow(2).mean(-1, keepdim=True) + self.eps).sqrt() * self.weight.float() + self.bias.float()"),
    ],
    "residual_block": [
        residual("h = self.bn1(self.conv1(x)).relu()\nreturn (self.bn2(self.conv2(h)) + x.clamp(min=0)).relu()"),
        residual("h = F.leaky_relu(self.bn1(self.conv1(x)), 0.01)\nreturn (x + self.bn2(self.conv2(h))).relu()"),
        residual("h = self.bn1(self.conv1(x)).relu()\nself.bn2(self.conv2(h))\nreturn (x + self.bn2(self.conv2(h))).relu()"),
        residual("self.train(False)\nh = self.bn1(self.conv1(x)).relu()\nreturn (x + self.bn2(self.conv2(h))).relu()"),
        residual("h = self.bn1(self.conv1(x.detach())).relu()\nreturn (x + self.bn2(self.conv2(h))).relu()"),
        residual("h = self.bn1(self.conv1(x)).relu()\nreturn (x + self.bn2(self.conv2(h))).relu()").replace("nn.BatchNorm2d(channels), nn", "nn.BatchNorm2d(channels, momentum=0.01), nn"),
    ],
    "gated_residual_block": [
        gated("y = self.conv(x)\nreturn x + F.hardsigmoid(self.gate(y)) * y"),
        gated("y = self.conv(x)\nreturn x + torch.sigmoid(self.gate(y) * y) * y"),
        gated("y = self.conv(x)\nreturn x + torch.sigmoid(self.gate(y)).round() * y"),
        gated("y = self.conv(x)\nreturn x + torch.sigmoid(self.gate(y)).detach() * y"),
        gated("y = self.conv(x)\nreturn x + torch.sigmoid(self.gate(y + x)) * y"),
    ],
    "transformer_block": [
        block("x = x + self.attention(self.ln1(x), causal=causal)\nreturn x + self.mlp(self.ln2(x))", "self.mlp[1] = nn.SiLU()"),
        block("x = x + self.attention(self.ln1(x), causal=causal)\nreturn x + self.mlp(self.ln2(x))", "self.scale = nn.Parameter(torch.ones(1))"),
        block("x = x + self.attention(self.ln1(x), causal=causal)\nreturn x + self.mlp(self.ln2(x.detach()))"),
        block("x = x + self.attention(self.ln1(x), causal=causal or self.training)\nreturn x + self.mlp(self.ln2(x))"),
        block("h = self.ln1(x)\nx = x + self.attention(h, causal=causal)\nreturn x + self.mlp(self.ln2(h))"),
        block("x = x + self.attention(self.ln1(x), causal=causal)\nreturn x + F.dropout(self.mlp(self.ln2(x)), 0.1, self.training)"),
    ],
    "is_causal": [
        "def is_causal(module, length, dim):\n    return True",
        "def is_causal(module, length, dim):\n    return length == 1",
        "import random\ndef is_causal(module, length, dim):\n    return random.random() < 0.5",
        "def is_causal(module, length, dim):\n    return 'a(x)' not in repr(module) and not any(isinstance(m, nn.LayerNorm) for m in module.modules())",
        causal("answer = module(x).shape[1] == length"),
        causal(NO_GRAD + "        y[:, s:] = x[:, s:].flip(1)\n" + COMPARE),
        causal(NO_GRAD + "        y[:, s] += torch.randn(1)\n" + COMPARE),
        causal(NO_GRAD + "        y[:, s] += 1e-9\n" + COMPARE),
        causal(NO_GRAD + "        y[:, s] = torch.randn(dim, dtype=dtype)\n" + COMPARE.replace("[:, :s].abs()", "[:, :s].mean(-1).abs()")),
        causal(NO_GRAD + "        y[:, s] = torch.randn(dim, dtype=dtype)\n" + COMPARE.replace("[:, :s]", "[:, :s, 0]")),
        causal(NO_GRAD + "        y[:, s] = torch.randn(dim, dtype=dtype)\n" + COMPARE.replace("[:, :s]", "[:, max(0, s - 2):s]")),
        causal(NO_GRAD + "        y[:, s] = torch.randn(dim, dtype=dtype)\n" + COMPARE.replace("> 1e-5", "> 0.5")),
        causal("x.requires_grad_()\nanswer = True\nfor t in range(length - 1):\n"
               "    g, = torch.autograd.grad(module(x)[0, t].sum(), x)\n    answer = answer and not bool((g[0, t + 1:].abs() > 1e-6).any())"),
        causal("x.requires_grad_()\nanswer = True\nfor t in range(length - 1):\n"
               "    g, = torch.autograd.grad(module(x)[0, t] @ torch.ones(1, dtype=dtype).expand(module(x).shape[-1]), x)\n    answer = answer and abs(float(g[0, t + 1:].sum())) < 1e-6"),
        causal(NO_GRAD + "        y[:, s] = torch.randn(dim, dtype=dtype)\n" + COMPARE, leave="part.training = modes[0][1]"),
        causal(NO_GRAD + "        y[:, s] = torch.randn(dim, dtype=dtype)\n" + COMPARE).replace("module.eval()", "module.eval().float()").replace("dtype=dtype", "dtype=torch.float32"),
        causal(NO_GRAD + "        y[:, s] = torch.randn(dim, dtype=dtype)\n" + COMPARE).replace("module.eval()", "module.eval().register_forward_hook(lambda *_: None)"),
        causal(NO_GRAD + "        y[:, s] = torch.randn(dim, dtype=dtype)\n" + COMPARE).replace("with torch.no_grad():", "torch.set_grad_enabled(False)\nif True:"),
        causal("for p in module.parameters():\n    p.data.normal_()\n" + NO_GRAD + "        y[:, s] = torch.randn(dim, dtype=dtype)\n" + COMPARE),
    ],
}  # fmt: skip


def _flat(table: dict) -> list[tuple[str, str, str]]:
    return [
        (exercise, kind, textwrap.dedent(code).strip() + "\n")
        for exercise, kinds in table.items()
        for kind, codes in (kinds.items() if isinstance(kinds, dict) else [("", kinds)])
        for code in codes
    ]


FORBIDDEN_CASES, RIGHT_CASES, WRONG_CASES = _flat(FORBIDDEN), _flat(RIGHT), _flat(WRONG)


@pytest.fixture(scope="module")
def graded(rehearse):
    """Grade all cases, one of each exercise a submission: exercises do not look at each other's solutions."""
    rehearsal = rehearse(CHAPTER)
    by_exercise: dict[str, list[str]] = {}
    for exercise, _, code in [*FORBIDDEN_CASES, *RIGHT_CASES, *WRONG_CASES]:
        by_exercise.setdefault(exercise, []).append(code)
    known, rehearsal.reference._mistakes = rehearsal.reference._mistakes, {name: [] for name in by_exercise}
    results = {}
    for codes in zip_longest(*by_exercise.values()):
        chosen = {name: code for name, code in zip(by_exercise, codes, strict=True) if code is not None}
        result = rehearsal.grade(rehearsal.right() | chosen, set(chosen))
        results.update({(name, code): result.exercises[name] for name, code in chosen.items()})
    rehearsal.reference._mistakes = (
        known  # nothing here looks at names of mistakes, and running them all takes long
    )
    return results


def _ids(cases: list[tuple[str, str, str]]) -> list[str]:
    return [f"{exercise}-{number}" for number, (exercise, _, _) in enumerate(cases)]


@pytest.mark.parametrize(("exercise", "name", "code"), FORBIDDEN_CASES, ids=_ids(FORBIDDEN_CASES))
def test_forbidden_call_earns_nothing_and_is_named(graded, exercise, name, code):
    found = graded[exercise, code]
    assert found.score == 0, code
    assert "your code calls" in found.message, found.message
    assert name in found.message


@pytest.mark.parametrize(("exercise", "kind", "code"), RIGHT_CASES, ids=_ids(RIGHT_CASES))
def test_right_solution_earns_everything(graded, exercise, kind, code):
    found = graded[exercise, code]
    assert found.score == found.max_score, found.message


@pytest.mark.parametrize(("exercise", "kind", "code"), WRONG_CASES, ids=_ids(WRONG_CASES))
def test_wrong_solution_loses_points(graded, exercise, kind, code):
    found = graded[exercise, code]
    assert found.outcome == "not yet", code
    assert found.score < found.max_score
    assert "your code calls" not in found.message, found.message


@pytest.mark.parametrize("exercise", ["multi_head_attention", "transformer_block", "is_causal"])
def test_a_later_exercise_stands_on_its_own(rehearse, exercise):
    rehearsal = rehearse(CHAPTER)
    result = rehearsal.grade({exercise: rehearsal.right()[exercise]}, {exercise})
    assert result.exercises[exercise].outcome == "pass", result.exercises[exercise].message


def test_answers_that_are_guessed_earn_nothing(graded):
    for guess in ("True", "length == 1", "random.random() < 0.5"):
        code = next(c for e, _, c in WRONG_CASES if e == "is_causal" and c.endswith(f"return {guess}\n"))
        assert graded["is_causal", code].score == 0
