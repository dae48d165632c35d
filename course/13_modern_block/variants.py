"""Right solutions of chapter 13 in an unusual style: the checks must accept every one."""

import math

import torch
import torch.nn.functional as F
from torch import nn

# %% rms_norm: by_the_vector_norm
class RMSNorm(nn.Module):
    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.register_parameter("weight", nn.Parameter(torch.full((dim,), 1.0)))
        self.register_buffer("eps", torch.tensor(eps, dtype=torch.float64), persistent=False)

    def forward(self, x):
        length = torch.linalg.vector_norm(x, dim=-1, keepdim=True)
        return self.weight * (x / (length.pow(2) / x.shape[-1] + self.eps.to(x.dtype)).sqrt())


# %% rms_norm: einsum
class RMSNorm(nn.Module):
    def __init__(self, dim, eps=1e-6):
        nn.Module.__init__(self)
        self.dim, self.eps = dim, eps
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        power = torch.einsum("...d,...d->...", x, x) / self.dim
        return torch.einsum("...d,...,d->...d", x, (power + self.eps) ** -0.5, self.weight)


# %% rms_norm: in_double
class RMSNorm(nn.Module):
    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(dim)), eps

    def forward(self, x):
        wide = x.double()
        return (wide / torch.sqrt(torch.mean(wide**2, -1, True) + self.eps)).type_as(x) * self.weight


# %% rms_norm: through_unbind
class RMSNorm(nn.Module):
    def __init__(self, dim, eps=1e-6):
        super().__init__()
        self.eps = eps
        self.weight = torch.nn.parameter.Parameter(torch.zeros(dim) + 1)

    def forward(self, x):
        rows = x.reshape(-1, x.shape[-1])
        out = [row * torch.rsqrt(row.dot(row) / len(row) + self.eps) for row in rows]
        return torch.stack(out).reshape(x.shape) * self.weight


# %% rotary: complex_numbers
def rotary(x, offset=0, base=10000.0):
    half = x.shape[-1] // 2
    hands = torch.complex(x[..., :half].contiguous(), x[..., half:].contiguous())
    i = torch.arange(half, dtype=torch.float64)
    p = torch.arange(x.shape[-2], dtype=torch.float64) + offset
    turns = torch.outer(p, base ** (-2 * i / x.shape[-1]))
    turned = hands * torch.polar(torch.ones_like(turns), turns)
    return torch.cat([turned.real, turned.imag], -1).to(x.dtype)


# %% rotary: rotate_half_of_llama
def rotary(x, offset=0, base=10000.0):
    d = x.shape[-1]
    inv_freq = 1.0 / (base ** (torch.arange(0, d, 2).float() / d))
    t = torch.arange(offset, offset + x.shape[-2]).float()
    emb = torch.cat([torch.outer(t, inv_freq)] * 2, dim=-1)
    turned = torch.cat((-x[..., d // 2 :], x[..., : d // 2]), dim=-1)
    return (x * emb.cos() + turned * emb.sin()).to(x.dtype)


# %% rotary: matrices
def rotary(x, offset=0, base=10000.0):
    half = x.size(-1) // 2
    pairs = torch.stack(x.chunk(2, -1), -1)
    rows = []
    for t in range(x.size(-2)):
        cols = []
        for i in range(half):
            phi = (offset + t) * math.exp(-math.log(base) * i / half)
            turn = torch.tensor([[math.cos(phi), -math.sin(phi)], [math.sin(phi), math.cos(phi)]], dtype=x.dtype)
            cols.append(pairs[..., t, i, :] @ turn.T)
        rows.append(torch.stack(cols, -2))
    return torch.stack(rows, -3).transpose(-1, -2).flatten(-2)


# %% rotary: written_into_a_copy
def rotary(x, offset=0, base=10000.0):
    out, half = x.clone(), x.shape[-1] // 2
    angle = torch.einsum("t,i->ti", torch.arange(x.shape[-2]) + float(offset), torch.pow(torch.tensor(base), -torch.linspace(0, 1, half + 1)[:-1]))
    out[..., :half] = x[..., :half] * angle.cos() - x[..., half:] * angle.sin()
    out[..., half:] = x[..., half:] * angle.cos() + x[..., :half] * angle.sin()
    return out


# %% rotary: angle_of_each_hand
def rotary(x, offset=0, base=10000.0):
    a, b = x.tensor_split(2, dim=-1)
    length, at = torch.hypot(a, b), torch.atan2(b, a)
    speed = base ** (-torch.arange(a.shape[-1]) / a.shape[-1])
    now = at + (torch.arange(offset, offset + x.shape[-2]).view(-1, 1) * speed).to(x.dtype)
    return torch.cat([length * now.cos(), length * now.sin()], dim=-1)


# %% swiglu: one_product
class SwiGLU(nn.Module):
    def __init__(self, dim, hidden):
        super().__init__()
        for name, sizes in {"gate": (dim, hidden), "up": (dim, hidden), "down": (hidden, dim)}.items():
            self.add_module(name, nn.Linear(*sizes, bias=False))

    def forward(self, x):
        g, u = (x @ torch.cat([self.gate.weight, self.up.weight]).T).chunk(2, dim=-1)
        return (g / (1 + torch.exp(-g)) * u) @ self.down.weight.mT


# %% swiglu: silu_module
class SwiGLU(nn.Module):
    def __init__(self, dim, hidden):
        super().__init__()
        self.down = nn.Linear(hidden, dim, False)
        self.gate, self.up = [nn.Linear(dim, hidden, False) for _ in range(2)]
        self.act = nn.SiLU()

    def forward(self, x):
        return self.down(self.up(x).mul(self.act(self.gate(x))))


# %% swiglu: einsum_and_sigmoid
class SwiGLU(nn.Module):
    def __init__(self, dim, hidden):
        super().__init__()
        self.gate = nn.Linear(in_features=dim, out_features=hidden, bias=False)
        self.up = nn.Linear(in_features=dim, out_features=hidden, bias=False)
        self.down = nn.Linear(in_features=hidden, out_features=dim, bias=False)

    def forward(self, x):
        g = F.linear(x, self.gate.weight)
        return torch.einsum("...h,...h,...h,dh->...d", g, g.sigmoid(), self.up(x), self.down.weight)


# %% swiglu: glu_with_a_rescue
class SwiGLU(nn.Module):
    def __init__(self, dim, hidden):
        super().__init__()
        self.gate, self.up, self.down = nn.Linear(dim, hidden, bias=False), nn.Linear(dim, hidden, bias=False), nn.Linear(hidden, dim, bias=False)

    def forward(self, x):
        g = self.gate(x)
        return self.down(F.glu(torch.cat([g * self.up(x), g], dim=-1), dim=-1))


# %% swiglu: subclass_of_module_dict
class SwiGLU(nn.ModuleDict):
    def __init__(self, dim, hidden):
        super().__init__()
        self["gate"] = nn.Linear(dim, hidden, bias=False)
        self["up"] = nn.Linear(dim, hidden, bias=False)
        self["down"] = nn.Linear(hidden, dim, bias=False)

    def forward(self, x):
        return self["down"](F.silu(self["gate"](x)) * self["up"](x))


# %% grouped_attention: einsum_over_groups
class GroupedQueryAttention(nn.Module):
    def __init__(self, dim, n_heads, n_kv_heads):
        super().__init__()
        d, rest = divmod(dim, n_heads)
        g, more = divmod(n_heads, n_kv_heads)
        if rest or more:
            raise ValueError((dim, n_heads, n_kv_heads))
        self.sizes = n_kv_heads, g, d
        self.wq, self.wo = nn.Linear(dim, dim, bias=False), nn.Linear(dim, dim, bias=False)
        self.wk, self.wv = nn.Linear(dim, n_kv_heads * d, bias=False), nn.Linear(dim, n_kv_heads * d, bias=False)

    def forward(self, x, causal=True):
        K, g, d = self.sizes
        B, T, _ = x.shape
        q, k, v = self.wq(x).view(B, T, K, g, d), self.wk(x).view(B, T, K, d), self.wv(x).view(B, T, K, d)
        s = torch.einsum("btkgd,bskd->bkgts", q, k) * d**-0.5
        if causal:
            s = s + torch.full((T, T), float("-inf"), dtype=x.dtype).triu(1)
        return self.wo(torch.einsum("bkgts,bskd->btkgd", torch.softmax(s, -1), v).reshape(B, T, -1))


# %% grouped_attention: head_by_head
class GroupedQueryAttention(nn.Module):
    def __init__(self, dim, n_heads, n_kv_heads):
        if dim // n_heads * n_heads != dim:
            raise ValueError("dim")
        if n_heads // n_kv_heads * n_kv_heads != n_heads:
            raise ValueError("kv")
        super().__init__()
        self.n, self.m, self.d = n_heads, n_kv_heads, dim // n_heads
        self.wq = nn.Linear(dim, dim, bias=False)
        self.wk = nn.Linear(dim, self.m * self.d, bias=False)
        self.wv = nn.Linear(dim, self.m * self.d, bias=False)
        self.wo = nn.Linear(dim, dim, bias=False)

    def forward(self, x, causal=True):
        q, k, v = self.wq(x).split(self.d, -1), self.wk(x).split(self.d, -1), self.wv(x).split(self.d, -1)
        T, out = x.shape[1], []
        for h in range(self.n):
            one = h // (self.n // self.m)
            s = q[h] @ k[one].mT / self.d**0.5
            if causal:
                s = torch.where(torch.arange(T)[:, None] >= torch.arange(T), s, torch.finfo(s.dtype).min)
            out.append(F.softmax(s, -1) @ v[one])
        return self.wo(torch.cat(out, -1))


# %% grouped_attention: expanded_keys
class GroupedQueryAttention(nn.Module):
    def __init__(self, dim, n_heads, n_kv_heads):
        super().__init__()
        if dim % n_heads != 0 or n_heads % n_kv_heads != 0:
            raise ValueError("sizes")
        self.n_heads, self.n_kv_heads, self.head_dim = n_heads, n_kv_heads, dim // n_heads
        kv = self.head_dim * n_kv_heads
        self.wq, self.wk, self.wv, self.wo = (nn.Linear(dim, out, bias=False) for out in (dim, kv, kv, dim))

    def forward(self, x, causal=True):
        b, t, c = x.shape
        rep = self.n_heads // self.n_kv_heads

        def repeat_kv(y):
            y = y.view(b, t, self.n_kv_heads, self.head_dim).transpose(1, 2)
            return y[:, :, None].expand(b, self.n_kv_heads, rep, t, self.head_dim).reshape(b, self.n_heads, t, self.head_dim)

        q = self.wq(x).view(b, t, self.n_heads, self.head_dim).transpose(1, 2)
        att = torch.matmul(q, repeat_kv(self.wk(x)).transpose(2, 3)) / math.sqrt(self.head_dim)
        if causal:
            att = att.masked_fill(~torch.ones(t, t, dtype=torch.bool).tril(), float("-inf"))
        y = torch.softmax(att, dim=-1).matmul(repeat_kv(self.wv(x)))
        return self.wo(y.transpose(1, 2).contiguous().view(b, t, c))


# %% grouped_attention: indexed_heads
class GroupedQueryAttention(nn.Module):
    def __init__(self, dim, n_heads, n_kv_heads):
        super().__init__()
        if n_kv_heads > n_heads or dim % n_heads or n_heads % n_kv_heads:
            raise ValueError
        self.which = [h * n_kv_heads // n_heads for h in range(n_heads)]
        self.h, d = n_heads, dim // n_heads
        self.wo, self.wv = nn.Linear(dim, dim, bias=False), nn.Linear(dim, d * n_kv_heads, bias=False)
        self.wk, self.wq = nn.Linear(dim, d * n_kv_heads, bias=False), nn.Linear(dim, dim, bias=False)

    def forward(self, x, causal=True):
        q = torch.stack(self.wq(x).chunk(self.h, -1), 1)
        kv = len(set(self.which))
        k, v = (torch.stack(w(x).chunk(kv, -1), 1)[:, self.which] for w in (self.wk, self.wv))
        s = (q @ k.mT).div(q.shape[-1] ** 0.5)
        e = (s - s.amax(-1, keepdim=True)).exp()
        if causal:
            s = s.masked_fill(torch.ones(s.shape[-2:]).triu(1) > 0, -1e30)
            e = (s - s.amax(-1, keepdim=True)).exp()
        return self.wo(torch.cat(tuple((e @ v / e.sum(-1, keepdim=True)).unbind(1)), -1))


# %% kv_cache: doubling
class KVCache:
    def __init__(self, max_len):
        self.max_len = max_len
        self.n = 0
        self.kv = None

    def __len__(self):
        return self.n

    def append(self, k, v):
        new = torch.stack([k, v])
        t = new.shape[3]
        if self.n + t > self.max_len:
            raise ValueError("full")
        if self.kv is None:
            self.kv = new.new_zeros(*new.shape[:3], max(1, t), new.shape[4])
        while self.kv.shape[3] < self.n + t:
            self.kv = torch.cat([self.kv, torch.zeros_like(self.kv)], dim=3)
        self.kv[:, :, :, self.n : self.n + t].copy_(new)
        self.n += t
        return tuple(self.kv[:, :, :, : self.n])

    def clear(self):
        self.__init__(self.max_len)


def decode_step(q, k, v, cache):
    n = len(cache)
    K, V = cache.append(k, v)
    mask = torch.arange(K.shape[2])[None, :] <= n + torch.arange(q.shape[2])[:, None]
    return F.scaled_dot_product_attention(q, K, V, attn_mask=mask)


# %% kv_cache: time_first
class KVCache:
    def __init__(self, max_len):
        self.room, self.count, self.store = max_len, 0, {}

    def __len__(self):
        return self.count

    def clear(self):
        self.count = 0
        self.store.clear()

    def append(self, k, v):
        stop = self.count + k.size(-2)
        if stop > self.room:
            raise ValueError(f"{stop} > {self.room}")
        for name, new in (("k", k), ("v", v)):
            b, h, _, d = new.shape
            buffer = self.store.setdefault(name, torch.zeros(self.room, b, h, d, dtype=new.dtype))
            buffer[self.count : stop] = new.permute(2, 0, 1, 3)
        self.count = stop
        return [self.store[name][:stop].permute(1, 2, 0, 3) for name in "kv"]


@torch.no_grad()
def decode_step(q, k, v, cache):
    keys, values = cache.append(k, v)
    first, rows = len(cache) - q.shape[2], []
    for j in range(q.shape[2]):
        upto = first + j + 1
        w = torch.softmax(torch.einsum("bhd,bhsd->bhs", q[:, :, j], keys[:, :, :upto]) * q.shape[-1] ** -0.5, -1)
        rows.append(torch.einsum("bhs,bhsd->bhd", w, values[:, :, :upto]))
    return torch.stack(rows, dim=2)


# %% kv_cache: subclass_of_a_list
class KVCache(list):
    def __init__(self, max_len):
        super().__init__()
        self.max_len, self.n = max_len, 0

    def __len__(self):
        return self.n

    def append(self, k, v):
        if k.shape[2] > self.max_len - self.n:
            raise ValueError("no room")
        if self.n == 0:
            self[:] = [torch.empty(k.shape[0], k.shape[1], self.max_len, k.shape[3], dtype=k.dtype) for _ in range(2)]
        held = list.copy(self)
        for buffer, new in zip(held, (k, v)):
            buffer.narrow(2, self.n, k.shape[2]).copy_(new)
        self.n += k.shape[2]
        return held[0].narrow(2, 0, self.n), held[1].narrow(2, 0, self.n)

    def clear(self):
        del self[:]
        self.n = 0


def decode_step(q, k, v, cache):
    before = len(cache)
    K, V = cache.append(k, v)
    scores = q @ K.mT / K.shape[-1] ** 0.5
    if q.shape[2] > 1:
        future = torch.full((q.shape[2], q.shape[2]), float("-inf"), dtype=q.dtype).triu(1)
        scores = scores + torch.cat([torch.zeros(q.shape[2], before, dtype=q.dtype), future], 1)
    return torch.softmax(scores, -1) @ V


# %% kv_cache: growing_by_half
class KVCache:
    def __init__(self, max_len):
        self.limit = max_len
        self.clear()

    def clear(self):
        self.k = self.v = None
        self.length = 0

    def _room(self, old, new, need):
        size = 0 if old is None else old.shape[2]
        if need <= size:
            return old
        grown = new.new_empty(new.shape[0], new.shape[1], max(need, min(self.limit, 2 * size)), new.shape[3])
        if old is not None:
            grown[:, :, : self.length] = old[:, :, : self.length]
        return grown

    def append(self, k, v):
        need = self.length + k.shape[2]
        if need > self.limit:
            raise ValueError("beyond max_len")
        self.k, self.v = self._room(self.k, k, need), self._room(self.v, v, need)
        self.k[:, :, self.length : need] = k
        self.v[:, :, self.length : need] = v
        self.length = need
        return self.k[:, :, :need], self.v[:, :, :need]

    def __len__(self):
        return self.length


def decode_step(q, k, v, cache):
    K, V = cache.append(k, v)
    pad = K.shape[2] - q.shape[2]
    wide = F.pad(q, (0, 0, pad, 0))
    return F.scaled_dot_product_attention(wide, K, V, is_causal=True)[:, :, pad:]


# %% lora: functional
class LoRALinear(nn.Module):
    def __init__(self, linear, rank, alpha=1.0):
        super().__init__()
        for parameter in linear.parameters():
            parameter.requires_grad = False
        self.linear, self.rank, self.alpha = linear, rank, alpha
        self.a = nn.Parameter(nn.init.kaiming_uniform_(linear.weight.new_empty(rank, linear.in_features), a=5**0.5))
        self.b = nn.Parameter(linear.weight.new_zeros(linear.out_features, rank))

    def forward(self, x):
        return self.linear(x) + F.linear(F.linear(x, self.a), self.b) * (self.alpha / self.rank)

    def merge(self):
        new = nn.Linear(self.linear.in_features, self.linear.out_features, bias=self.linear.bias is not None, dtype=self.a.dtype)
        state = {"weight": self.linear.weight + torch.einsum("or,ri->oi", self.b, self.a) * (self.alpha / self.rank)}
        if self.linear.bias is not None:
            state["bias"] = self.linear.bias.clone()
        new.load_state_dict({name: value.detach() for name, value in state.items()})
        return new


# %% lora: weight_first
class LoRALinear(nn.Module):
    def __init__(self, linear, rank, alpha=1.0):
        super().__init__()
        self.linear = linear
        self.linear.weight.requires_grad_(False)
        if self.linear.bias is not None:
            self.linear.bias.requires_grad_(False)
        out, inn = linear.weight.size()
        self.register_parameter("a", nn.Parameter(torch.rand(rank, inn).to(linear.weight.dtype) - 0.5))
        self.register_parameter("b", nn.Parameter(torch.zeros(out, rank).to(linear.weight.dtype)))
        self.register_buffer("scale", torch.tensor(alpha / rank, dtype=torch.float64), persistent=False)

    def weight(self):
        return self.linear.weight + (self.scale * (self.b.double() @ self.a.double())).to(self.a.dtype)

    def forward(self, x):
        return F.linear(x, self.weight(), self.linear.bias)

    def merge(self):
        import copy

        fresh = copy.deepcopy(self.linear)
        fresh.weight = nn.Parameter(self.weight().detach().clone())
        return fresh


# %% lora: two_linears_inside
class LoRALinear(nn.Module):
    def __init__(self, linear, rank, alpha=1.0):
        super().__init__()
        self.linear = linear.requires_grad_(False)
        self.k = alpha / rank
        self.a = nn.Parameter(torch.randn(rank, linear.in_features).type_as(linear.weight))
        self.b = nn.Parameter(torch.zeros(linear.out_features, rank).type_as(linear.weight))

    def forward(self, x):
        low = (x.unsqueeze(-2) * self.a).sum(-1)
        return self.linear(x) + (low.unsqueeze(-2) * self.b).sum(-1) * self.k

    @torch.no_grad()
    def merge(self):
        one = nn.Linear(self.linear.in_features, self.linear.out_features, self.linear.bias is not None)
        one = one.to(self.linear.weight)
        one.weight.data = torch.addmm(self.linear.weight, self.b, self.a, alpha=self.k)
        if one.bias is not None:
            one.bias.data = self.linear.bias.data + 0
        return one


# %% lora: measured_from_the_unit_matrix
class LoRALinear(nn.Module):
    def __init__(self, linear, rank, alpha=1.0):
        super().__init__()
        self.linear, self.alpha = linear, alpha
        linear.requires_grad_(False)
        like = linear.weight
        self.a, self.b = nn.Parameter(torch.empty(rank, like.shape[1], dtype=like.dtype).normal_(std=0.02)), nn.Parameter(torch.zeros(like.shape[0], rank, dtype=like.dtype))

    def forward(self, x):
        return self.linear(x) + torch.matmul(torch.matmul(x, self.a.t()), self.b.t()).mul(self.alpha / len(self.a))

    def merge(self):
        with torch.no_grad():
            n = self.a.shape[1]
            zero = self(torch.zeros(n, dtype=self.a.dtype))
            columns = self(torch.eye(n, dtype=self.a.dtype)) - zero
            one = nn.utils.skip_init(nn.Linear, n, len(zero), bias=self.linear.bias is not None, dtype=self.a.dtype)
            one.weight.copy_(columns.T)
            if one.bias is not None:
                one.bias.copy_(zero)
        return one


# %% checkpointed: fork_rng
class Piece(torch.autograd.Function):
    @staticmethod
    def forward(ctx, run, dummy, *args):
        ctx.run, ctx.state = run, torch.random.get_rng_state()
        ctx.save_for_backward(*args)
        return run(*args)

    @staticmethod
    def backward(ctx, g):
        with torch.random.fork_rng(devices=[]), torch.enable_grad():
            torch.random.set_rng_state(ctx.state)
            leaves = [t.detach().requires_grad_(t.requires_grad) for t in ctx.saved_tensors]
            ctx.run(*leaves).backward(g)
        return (None, None) + tuple(leaf.grad for leaf in leaves)


def checkpointed(function, *inputs):
    return Piece.apply(function, torch.ones((), requires_grad=True), *inputs)


# %% checkpointed: everything_inside
def checkpointed(function, *inputs):
    import torch as T

    state = T.get_rng_state()

    class Once(T.autograd.Function):
        @staticmethod
        def forward(ctx, extra, *tensors):
            ctx.save_for_backward(*tensors)
            with T.inference_mode(False), T.no_grad():
                return function(*tensors)

        @staticmethod
        def backward(ctx, upstream):
            fresh = [t.detach().clone().requires_grad_(need) if t.is_floating_point() else t for t, need in zip(ctx.saved_tensors, ctx.needs_input_grad[1:])]
            keep = T.get_rng_state()
            T.set_rng_state(state)
            try:
                with T.enable_grad():
                    T.autograd.backward([function(*fresh)], [upstream])
            finally:
                T.set_rng_state(keep)
            return None, *(t.grad for t in fresh)

    return Once.apply(T.empty(1, requires_grad=True), *inputs)


# %% checkpointed: inner_product_with_upstream
class Redo(torch.autograd.Function):
    @staticmethod
    def forward(ctx, f, spare, *xs):
        ctx.f, ctx.rng = f, torch.default_generator.get_state()
        ctx.save_for_backward(*xs)
        with torch.no_grad():
            return f(*xs)

    @staticmethod
    def backward(ctx, g):
        rng = torch.default_generator.get_state()
        torch.default_generator.set_state(ctx.rng)
        xs = []
        for x in ctx.saved_tensors:
            y = x.detach()
            y.requires_grad = x.requires_grad
            xs.append(y)
        with torch.enable_grad():
            (ctx.f(*xs) * g).sum().backward()
        torch.default_generator.set_state(rng)
        return (None,) * 2 + tuple(y.grad for y in xs)


def checkpointed(function, *inputs):
    return Redo.apply(function, nn.Parameter(torch.zeros(1)), *inputs)


# %% checkpointed: inputs_kept_as_attributes
class Late(torch.autograd.Function):
    @staticmethod
    def forward(ctx, box, spare):
        box["state"] = torch.get_rng_state()
        ctx.box = box
        return box["function"](*box["given"]).detach()

    @staticmethod
    def backward(ctx, g):
        box, now = ctx.box, torch.get_rng_state()
        torch.set_rng_state(box["state"])
        with torch.enable_grad():
            out = box["function"](*box["leaves"])
            torch.autograd.backward(out, g)
        torch.set_rng_state(now)
        return None, None


class Join(torch.autograd.Function):
    """hands what the leaves got to the inputs that they were made from"""

    @staticmethod
    def forward(ctx, box, out, *inputs):
        ctx.box = box
        return out.clone()

    @staticmethod
    def backward(ctx, g):
        torch.autograd.backward(ctx.box["out"], g)
        return None, None, *(leaf.grad for leaf in ctx.box["leaves"])


def checkpointed(function, *inputs):
    box = {"function": function, "given": [x.detach() for x in inputs]}
    box["leaves"] = [x.detach().requires_grad_(x.requires_grad) for x in inputs]
    box["out"] = Late.apply(box, torch.zeros(1, requires_grad=True))
    carrier = [x if x.requires_grad else x.detach() for x in inputs]
    return Join.apply(box, box["out"].detach().requires_grad_(), *carrier)


# %% checkpointed: only_wanted_gradients
class Again2(torch.autograd.Function):
    @staticmethod
    def forward(ctx, function, _, *inputs):
        ctx.function = function
        ctx.cpu_state = torch.get_rng_state().clone()
        ctx.save_for_backward(*inputs)
        with torch.set_grad_enabled(False):
            return function(*inputs)

    @staticmethod
    def backward(ctx, *grads):
        detached = tuple(x.detach() for x in ctx.saved_tensors)
        for new, needed in zip(detached, ctx.needs_input_grad[2:]):
            if needed:
                new.requires_grad_()
        stash = torch.get_rng_state()
        torch.set_rng_state(ctx.cpu_state)
        with torch.enable_grad():
            out = ctx.function(*detached)
        torch.set_rng_state(stash)
        if out.requires_grad:
            torch.autograd.backward((out,), grads)
        return (None, None, *[x.grad if x.requires_grad else None for x in detached])


def checkpointed(function, *inputs):
    with torch.enable_grad():
        return Again2.apply(function, torch.tensor(0.0, requires_grad=True), *inputs)


# %% sample_logits: gumbel
def sample_logits(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if not temperature >= 0:
        raise ValueError("temperature")
    if top_k is not None and not top_k >= 1:
        raise ValueError("top_k")
    if top_p is not None and (top_p <= 0 or top_p > 1):
        raise ValueError("top_p")
    if temperature == 0:
        return torch.argmax(logits, -1)
    z = logits.double() / temperature
    if top_k is not None and top_k < z.shape[-1]:
        z = z.masked_fill(z < z.topk(top_k, -1).values[..., -1:], float("-inf"))
    if top_p is not None:
        p = z.softmax(-1)
        above = (p[..., None, :] > p[..., :, None]).double() @ p[..., None]
        z = z.masked_fill(above[..., 0] >= top_p, float("-inf"))
    u = torch.rand(z.shape, generator=generator, dtype=torch.float64).clamp_min(1e-300)
    return (z - torch.log(-torch.log(u))).argmax(-1)


# %% sample_logits: inverse_of_the_running_sum
def sample_logits(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature < 0 or (top_k or 1) < 1 or top_k == 0 or (top_p is not None and not (0 < top_p <= 1)):
        raise ValueError("settings")
    if temperature == 0:
        return logits.max(dim=-1).indices
    p, order = torch.softmax(logits.double() / temperature, dim=-1).sort(descending=True)
    rank = torch.arange(p.shape[-1])
    p = p * (rank < (top_k or p.shape[-1]))
    p = p / p.sum(-1, keepdim=True)
    if top_p is not None:
        p = p * (p.cumsum(-1) - p < top_p)
    edges = p.cumsum(-1)
    luck = torch.rand(*p.shape[:-1], 1, generator=generator, dtype=torch.float64) * edges[..., -1:]
    return order.gather(-1, torch.searchsorted(edges.contiguous(), luck.contiguous(), right=True).clamp_max(p.shape[-1] - 1)).squeeze(-1)


# %% sample_logits: row_by_row
def sample_logits(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    for name, value, fine in (("temperature", temperature, temperature >= 0), ("top_k", top_k, top_k is None or top_k >= 1), ("top_p", top_p, top_p is None or 0 < top_p <= 1)):
        if not fine:
            raise ValueError(f"{name}={value}")
    if logits.dim() > 1:
        return torch.stack([sample_logits(row, temperature, top_k, top_p, generator) for row in logits])
    if temperature == 0:
        return logits.argmax()
    values, tokens = torch.topk(logits, min(top_k or len(logits), len(logits)))
    share = torch.softmax(values / temperature, 0)
    if top_p is not None:
        total, stay = 0.0, 0
        while total < top_p and stay < len(share):
            total += float(share[stay])
            stay += 1
        share, tokens = share[:stay], tokens[:stay]
    return tokens[torch.multinomial(share, 1, generator=generator)[0]]


# %% sample_logits: exponential_race
def sample_logits(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    if temperature < 0:
        raise ValueError("t")
    if top_k is not None and top_k < 1:
        raise ValueError("k")
    if top_p is not None and not 0.0 < top_p <= 1.0:
        raise ValueError("p")
    if temperature == 0:
        return logits.argmax(-1)
    scaled = logits / temperature
    if top_k is not None:
        drop = scaled.argsort(-1, descending=True)[..., top_k:]
        scaled = scaled.scatter(-1, drop, -float("inf"))
    probs = F.softmax(scaled, -1)
    if top_p is not None:
        ordered, where = probs.sort(-1, descending=True)
        cut = F.pad(ordered.cumsum(-1)[..., :-1], (1, 0)) >= top_p
        probs = probs.masked_fill(torch.zeros_like(cut).scatter(-1, where, cut), 0)
    race = torch.empty(probs.shape, dtype=probs.dtype).exponential_(1, generator=generator)
    return (probs / race).argmax(-1)


# %% sample_logits: flattened_rows
def sample_logits(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    bad = [temperature < 0, top_k is not None and top_k < 1, top_p is not None and not 0 < top_p <= 1]
    if any(bad):
        raise ValueError(bad)
    flat = logits.reshape(-1, logits.shape[-1]).clone()
    if temperature == 0:
        return flat.argmax(1).view(logits.shape[:-1])
    for row in flat:
        if top_k is not None:
            row[row.argsort()[: max(0, len(row) - top_k)]] = -torch.inf
        row /= temperature
        if top_p is not None:
            chances, order = row.softmax(0).sort(descending=True)
            row[order[1:][chances.cumsum(0)[:-1] >= top_p]] = -torch.inf
    picked = torch.distributions.Categorical(logits=flat).probs.multinomial(1, replacement=True, generator=generator)
    return picked.view(logits.shape[:-1])
