"""Right solutions of chapter 14 in an unusual style: the checks must accept every one."""

import math
from collections import Counter
from pathlib import Path

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn

# %% count_operations: collected_graphs
def count_operations(function, *inputs):
    graphs = []
    torch.compiler.reset()
    torch.compile(function, backend=lambda gm, _: graphs.append(gm) or gm)(*inputs)
    return Counter(
        node.target if isinstance(node.target, str) and node.op == "call_method"
        else type(dict(gm.named_modules())[node.target]).__name__ if node.op == "call_module" else node.target.__name__
        for gm in graphs for node in gm.graph.nodes if node.op.startswith("call")
    )  # fmt: skip


# %% count_operations: with_an_interpreter
def count_operations(function, *inputs):
    import torch.fx

    found = Counter()

    class Counting(torch.fx.Interpreter):
        def run_node(self, node):
            if node.op == "call_function":
                found.update([node.target.__name__])
            if node.op == "call_method":
                found.update([node.target])
            if node.op == "call_module":
                found.update([type(self.fetch_attr(node.target)).__name__])
            return super().run_node(node)

    torch._dynamo.reset()
    torch._dynamo.optimize(lambda gm, example: Counting(gm).run)(function)(*inputs)
    return found


# %% count_operations: a_class_as_backend
class Tally(Counter):
    def __call__(self, gm, example_inputs, **options):
        ops = {"call_function": lambda t: t.__name__, "call_method": str, "call_module": lambda t: gm.get_submodule(t).__class__.__name__}
        for node in gm.graph.nodes:
            if node.op in ops:
                self[ops[node.op](node.target)] += 1
        return gm.forward


def count_operations(function, *inputs):
    tally = Tally()
    torch._dynamo.reset()
    torch.compile(function, backend=lambda gm, e: tally(gm, e))(*inputs)
    return Counter(tally)


# %% count_operations: explain
def count_operations(function, *inputs):
    seen = []

    def keep(gm, example_inputs):
        seen.extend((n.op, n.target, gm) for n in gm.graph.nodes)
        return gm

    torch._dynamo.reset()
    compiled = torch.compile(function, backend=keep, dynamic=False)
    compiled(*inputs)
    torch._dynamo.reset()
    total = Counter()
    for op, target, gm in seen:
        match op:
            case "call_function":
                total[target.__name__] += 1
            case "call_method":
                total[target] += 1
            case "call_module":
                total[type(gm.get_submodule(target)).__name__] += 1
    return total


# %% count_operations: recompiled_code
def count_operations(function, *inputs):
    c = Counter()

    def own(gm, args):
        for n in list(gm.graph.nodes):
            name = {"call_function": getattr(n.target, "__name__", None), "call_method": n.target}.get(n.op)
            if n.op == "call_module":
                name = type(getattr(gm, n.target)).__name__
            if name:
                c[name] = c.get(name, 0) + 1
        gm.recompile()
        return gm

    torch._dynamo.reset()
    with torch.inference_mode(False):
        torch.compile(function, backend=own)(*inputs)
    return c


# %% no_break: weights_of_the_branches
class NoBreak(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.first, self.second = nn.Linear(dim, dim), nn.Linear(dim, dim)

    def forward(self, x):
        h = F.relu(self.first(x))
        share = torch.count_nonzero(h > 0).to(h.dtype) / h.numel()
        busy = (share > 0.5).to(h.dtype)
        h = h * (busy / (1 + share) + (1 - busy) * 2)
        return self.second(h - torch.einsum("nd->n", h)[:, None] / h.shape[1])


# %% no_break: subclass_of_breaks
class NoBreak(Breaks):
    def forward(self, x):
        h = self.first(x).clamp(min=0)
        share = h.gt(0).double().mean()
        factor = torch.where(share > 0.5, 1 / (1 + share), torch.full_like(share, 2.0)).to(h.dtype)
        return self.second(factor * (h - h.mean(1, True)))


# %% no_break: torch_cond_free_lerp
class NoBreak(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.second = nn.Linear(dim, dim)
        self.first = nn.Linear(dim, dim)

    def forward(self, x):
        h = torch.nn.functional.threshold(self.first(x), 0.0, 0.0)
        share = torch.sign(h).mean().detach()
        quiet, busy = h + h, h.div(share + 1)
        h = busy.where(share > 0.5, quiet)
        return self.second(h.sub(h.mean(-1).unsqueeze(-1)))


# %% no_break: centring_matrix
class NoBreak(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.first = nn.Linear(dim, dim)
        self.second = nn.Linear(dim, dim)
        self.register_buffer("centre", torch.eye(dim, dtype=torch.float64) - 1 / dim, persistent=False)

    def forward(self, x):
        h = torch.relu(F.linear(x, self.first.weight, self.first.bias))
        share = (h > 0).to(x.dtype).mean()
        scale = torch.stack([torch.full_like(share, 2.0), 1 / (1 + share)]).index_select(0, (share > 0.5).long().reshape(1))
        return self.second((h * scale) @ self.centre.to(h.dtype))


# %% no_break: standard_vmap
class NoBreak(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.first = nn.Linear(dim, dim)
        self.second = nn.Linear(dim, dim)

    def forward(self, x):
        h = self.first(x).relu()
        share = (h > 0).float().mean()
        h = torch.where((share > 0.5).expand(h.shape), h / (1 + share), h * 2)
        h = h - (h.sum(dim=1, keepdim=True) / h.size(1)).expand_as(h)
        return self.second(h)


# %% attention_mods: lambdas
sliding_window = lambda width: lambda b, h, q, k: torch.logical_and(k <= q, q < k + width)
alibi = lambda slopes: lambda s, b, h, q, k: s + (k - q) * slopes[h]


# %% attention_mods: and_masks
def sliding_window(width):
    from torch.nn.attention.flex_attention import and_masks

    def causal(b, h, q_idx, kv_idx):
        return q_idx >= kv_idx

    def near(b, h, q_idx, kv_idx):
        return q_idx - kv_idx <= width - 1

    return and_masks(causal, near)


def alibi(slopes):
    def score_mod(score, b, h, q_idx, kv_idx):
        bias = (q_idx - kv_idx) * slopes[h]
        return score - bias

    return score_mod


# %% attention_mods: one_range
def sliding_window(width):
    def mod(b, h, q, k):
        away = q - k
        return (away >= 0) * (away < width) > 0

    return mod


class alibi:
    def __init__(self, slopes):
        self.slopes = slopes

    def __call__(self, score, b, h, q, k):
        return torch.sub(score, self.slopes[h] * (q - k))


# %% attention_mods: negated
def sliding_window(width):
    def mask_mod(batch, head, query, key):
        return ~((key > query) | (query - key >= width))

    return mask_mod


def alibi(slopes):
    minus = -slopes

    def score_mod(score, batch, head, query, key):
        return score + minus[head] * (query - key)

    return score_mod


# %% attention_mods: xor_of_two_triangles
def sliding_window(width):
    def mask_mod(b, h, q, k):
        return (k <= q) ^ (k <= q - width)

    return mask_mod


def alibi(slopes):
    import functools

    def score_mod(slopes, score, b, h, q, k):
        return score - torch.mul(slopes[h], q) + torch.mul(slopes[h], k)

    return functools.partial(score_mod, slopes)


# %% average_gradients: gathered_means
def broadcast_parameters(model):
    with torch.no_grad():
        for t in list(model.parameters()) + list(model.buffers()):
            everybody = [torch.empty_like(t) for _ in range(dist.get_world_size())]
            dist.all_gather(everybody, t.detach().contiguous())
            t.copy_(everybody[0])


def average_gradients(model):
    for p in model.parameters():
        if p.grad is None:
            continue
        everybody = [torch.empty_like(p.grad) for _ in range(dist.get_world_size())]
        dist.all_gather(everybody, p.grad.contiguous())
        p.grad = torch.stack(everybody).mean(0)


# %% average_gradients: one_bucket
def broadcast_parameters(model):
    from itertools import chain

    for t in chain(model.parameters(), model.buffers()):
        dist.broadcast(t.data, 0)


def average_gradients(model):
    grads = [p.grad for p in model.parameters() if p.grad is not None]
    bucket = torch.cat([g.reshape(-1) for g in grads]) / dist.get_world_size()
    dist.all_reduce(bucket, op=dist.ReduceOp.SUM)
    for g, new in zip(grads, bucket.split([g.numel() for g in grads])):
        g.copy_(new.view_as(g))


# %% average_gradients: objects
def broadcast_parameters(model):
    mine = [[t.detach() for t in (*model.parameters(), *model.buffers())]]
    dist.broadcast_object_list(mine, src=0)
    with torch.no_grad():
        for t, value in zip((*model.parameters(), *model.buffers()), mine[0]):
            t.copy_(value)


@torch.no_grad()
def average_gradients(model):
    for _, p in sorted(model.named_parameters()):
        if p.grad is not None:
            p.grad.div_(float(dist.get_world_size()))
            dist.all_reduce(p.grad)


# %% average_gradients: asynchronous
def broadcast_parameters(model):
    works = []
    for module in model.modules():
        for t in [*module._parameters.values(), *module._buffers.values()]:
            if t is not None:
                works.append(dist.broadcast(t.data, src=0, async_op=True))
    for work in works:
        work.wait()


def average_gradients(model):
    works = [(p, dist.all_reduce(p.grad, async_op=True)) for p in model.parameters() if p.grad is not None]
    for p, work in works:
        work.wait()
        p.grad.mul_(1 / dist.get_world_size())


# %% average_gradients: reduced_and_sent_back
def broadcast_parameters(model):
    for t in [*model.parameters(), *model.buffers()]:
        value = t.detach().clone()
        if dist.get_rank() != 0:
            value.zero_()
        dist.all_reduce(value)
        t.data.copy_(value)


def average_gradients(model):
    for p in filter(lambda p: p.grad is not None, model.parameters()):
        dist.reduce(p.grad, 0)
        p.grad /= dist.get_world_size()
        dist.broadcast(p.grad, 0)


# %% column_parallel: hooks_and_in_place_sum
class ColumnParallelLinear(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        n, rest = divmod(out_features, dist.get_world_size())
        if rest:
            raise ValueError("columns")
        self.weight = nn.Parameter(torch.empty(n, in_features).uniform_(-0.1, 0.1))

    def forward(self, x):
        x = x * 1
        if x.requires_grad:

            def summed(grad):
                grad = grad.contiguous().clone()
                dist.all_reduce(grad)
                return grad

            x.register_hook(summed)
        return x @ self.weight.T


class RowParallelLinear(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        n, rest = divmod(in_features, dist.get_world_size())
        if rest:
            raise ValueError("rows")
        self.weight = nn.Parameter(torch.empty(out_features, n).uniform_(-0.1, 0.1))

    def forward(self, x):
        y = x @ self.weight.T
        rest = y.detach().clone()
        dist.all_reduce(rest)
        return y + (rest - y.detach())


# %% column_parallel: one_function_for_both
class Comm(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, sum_forward):
        ctx.sum_backward = not sum_forward
        return Comm.total(x) if sum_forward else x.clone()

    @staticmethod
    def backward(ctx, g):
        return (Comm.total(g) if ctx.sum_backward else g), None

    @staticmethod
    def total(t):
        pieces = [torch.empty_like(t, memory_format=torch.contiguous_format) for _ in range(dist.get_world_size())]
        dist.all_gather(pieces, t.contiguous())
        return sum(pieces[1:], pieces[0])


class Half(nn.Module):
    def __init__(self, size, cut):
        super().__init__()
        if size[cut] % dist.get_world_size() != 0:
            raise ValueError(size)
        size[cut] //= dist.get_world_size()
        self.weight = nn.Parameter(torch.randn(size))


class ColumnParallelLinear(Half):
    def __init__(self, in_features, out_features):
        super().__init__([out_features, in_features], 0)

    def forward(self, x):
        return F.linear(Comm.apply(x, False), self.weight)


class RowParallelLinear(Half):
    def __init__(self, in_features, out_features):
        super().__init__([out_features, in_features], 1)

    def forward(self, x):
        return Comm.apply(torch.einsum("...i,oi->...o", x, self.weight), True)


# %% column_parallel: whole_backward_by_hand
class Column(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        return x @ w.T

    @staticmethod
    def backward(ctx, g):
        x, w = ctx.saved_tensors
        gx = (g @ w).contiguous()
        dist.all_reduce(gx)
        return gx, g.reshape(-1, g.shape[-1]).T @ x.reshape(-1, x.shape[-1])


class Row(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        y = (x @ w.T).contiguous()
        dist.all_reduce(y)
        return y

    @staticmethod
    def backward(ctx, g):
        x, w = ctx.saved_tensors
        return g @ w, g.reshape(-1, g.shape[-1]).T @ x.reshape(-1, x.shape[-1])


class ColumnParallelLinear(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.world = dist.get_world_size()
        if out_features // self.world * self.world != out_features:
            raise ValueError(out_features)
        self.weight = nn.Parameter(torch.zeros(out_features // self.world, in_features).normal_())

    def forward(self, x):
        return Column.apply(x, self.weight)


class RowParallelLinear(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        self.world = dist.get_world_size()
        if in_features // self.world * self.world != in_features:
            raise ValueError(in_features)
        self.weight = nn.Parameter(torch.zeros(out_features, in_features // self.world).normal_())

    def forward(self, x):
        return Row.apply(x, self.weight)


# %% column_parallel: linear_inside
class Identity(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x + 0

    @staticmethod
    def backward(ctx, g):
        g = g.clone().contiguous()
        dist.all_reduce(g, op=dist.ReduceOp.SUM)
        return g


class ColumnParallelLinear(nn.Linear):
    def __init__(self, in_features, out_features):
        w = dist.get_world_size()
        if out_features % w > 0:
            raise ValueError(f"{out_features} % {w}")
        super().__init__(in_features, out_features // w, bias=False)

    def forward(self, x):
        return super().forward(Identity.apply(x))


class RowParallelLinear(nn.Linear):
    def __init__(self, in_features, out_features):
        w = dist.get_world_size()
        if in_features % w > 0:
            raise ValueError(f"{in_features} % {w}")
        super().__init__(in_features // w, out_features, bias=False)

    def forward(self, x):
        y = super().forward(x)
        with torch.no_grad():
            others = y.clone()
            dist.all_reduce(others)
            others -= y
        return y + others


# %% column_parallel: reduce_and_broadcast
def everybody(t):
    t = t.detach().clone(memory_format=torch.contiguous_format)
    dist.reduce(t, dst=0)
    dist.broadcast(t, src=0)
    return t


class Back(torch.autograd.Function):
    forward = staticmethod(lambda ctx, x: x.view_as(x))
    backward = staticmethod(lambda ctx, g: everybody(g))


class Forth(torch.autograd.Function):
    forward = staticmethod(lambda ctx, x: everybody(x))
    backward = staticmethod(lambda ctx, g: g)


class ColumnParallelLinear(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        if out_features % (world := dist.get_world_size()):
            raise ValueError(world)
        self.weight = nn.Parameter(torch.rand(out_features // world, in_features))

    def forward(self, x):
        return torch.matmul(Back.apply(x), self.weight.transpose(0, 1))


class RowParallelLinear(nn.Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        if in_features % (world := dist.get_world_size()):
            raise ValueError(world)
        self.weight = nn.Parameter(torch.rand(out_features, in_features // world))

    def forward(self, x):
        return Forth.apply(torch.matmul(x, self.weight.transpose(0, 1)))


# %% sharded_optimizer: by_hand
class ShardedAdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = [*params]
        self.lr, self.betas, self.eps, self.wd = lr, betas, eps, weight_decay
        self.state = [None] * len(self.params)

    def bounds(self, n, rank):
        w = dist.get_world_size()
        return n * rank // w, n * (rank + 1) // w

    def step(self):
        rank, world = dist.get_rank(), dist.get_world_size()
        with torch.no_grad():
            for i, p in enumerate(self.params):
                if p.grad is None:
                    continue
                flat, grad = p.reshape(-1).clone(), p.grad.reshape(-1)
                a, z = self.bounds(len(flat), rank)
                if self.state[i] is None:
                    self.state[i] = [0, torch.zeros_like(flat[a:z]), torch.zeros_like(flat[a:z])]
                t, m, v = self.state[i]
                t += 1
                self.state[i][0] = t
                g = grad[a:z]
                flat[a:z] *= 1 - self.lr * self.wd
                m.mul_(self.betas[0]).add_(g, alpha=1 - self.betas[0])
                v.mul_(self.betas[1]).addcmul_(g, g, value=1 - self.betas[1])
                down = (v / (1 - self.betas[1] ** t)).sqrt() + self.eps
                flat[a:z] -= self.lr * (m / (1 - self.betas[0] ** t)) / down
                for source in range(world):
                    a, z = self.bounds(len(flat), source)
                    piece = flat[a:z].clone()
                    dist.broadcast(piece, src=source)
                    flat[a:z] = piece
                p.copy_(flat.view_as(p))

    def zero_grad(self):
        for p in self.params:
            if p.grad is not None:
                p.grad.zero_()


# %% sharded_optimizer: padded_and_gathered
class ShardedAdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params, self.world, self.rank = tuple(params), dist.get_world_size(), dist.get_rank()
        self.mine = [self.cut(p.detach()).clone().requires_grad_() for p in self.params]
        self.optimizer = torch.optim.AdamW(self.mine, lr, betas, eps, weight_decay)

    def cut(self, t):
        size = -(-t.numel() // self.world)
        return F.pad(t.reshape(-1), (0, size * self.world - t.numel())).view(self.world, size)[self.rank]

    def step(self):
        for p, piece in zip(self.params, self.mine):
            piece.grad = None if p.grad is None else self.cut(p.grad).clone()
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        for p, piece in zip(self.params, self.mine):
            rows = [torch.empty_like(piece) for _ in range(self.world)]
            dist.all_gather(rows, piece.detach())
            if p.grad is not None:
                p.data.copy_(torch.cat(rows)[: p.numel()].reshape(p.shape))

    def zero_grad(self):
        [setattr(p, "grad", None) for p in self.params]


# %% sharded_optimizer: views_into_the_parameters
class ShardedAdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = list(params)
        r, w = dist.get_rank(), dist.get_world_size()
        self.slots = [p.data.view(-1).tensor_split(w) for p in self.params]
        self.own = [nn.Parameter(slots[r]) for slots in self.slots]
        self.adam = torch.optim.AdamW(self.own, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, foreach=False)

    def step(self):
        r, w = dist.get_rank(), dist.get_world_size()
        for p, own in zip(self.params, self.own):
            own.grad = None if p.grad is None else p.grad.reshape(-1).tensor_split(w)[r]
        self.adam.step()
        for slots in self.slots:
            for source, slot in enumerate(slots):
                dist.broadcast(slot, src=source)

    def zero_grad(self):
        for p in (*self.params, *self.own):
            p.grad = None


# %% sharded_optimizer: an_optimizer_for_each_parameter
class ShardedAdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = list(params)
        self.how = dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)
        self.inner = {}

    @torch.no_grad()
    def step(self):
        rank, world = dist.get_rank(), dist.get_world_size()
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            if i not in self.inner:
                piece = nn.Parameter(torch.chunk(F.pad(p.reshape(-1), (0, -p.numel() % world)), world)[rank].clone())
                self.inner[i] = piece, torch.optim.AdamW([piece], **self.how)
            piece, adam = self.inner[i]
            piece.grad = torch.chunk(F.pad(p.grad.reshape(-1), (0, -p.numel() % world)), world)[rank].clone()
            adam.step()
            adam.zero_grad()
            whole = p.new_zeros(world * piece.numel())
            whole[rank * piece.numel() : (rank + 1) * piece.numel()] = piece
            dist.all_reduce(whole)
            p.copy_(whole[: p.numel()].view(p.shape))

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sharded_optimizer: sum_of_disjoint_pieces
class ShardedAdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = list(params)
        self.pieces = [nn.Parameter(p.detach().reshape(-1)[dist.get_rank() :: dist.get_world_size()].clone()) for p in self.params]
        self.adam = torch.optim.AdamW(self.pieces, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def step(self):
        r, w = dist.get_rank(), dist.get_world_size()
        for p, piece in zip(self.params, self.pieces):
            piece.grad = None if p.grad is None else p.grad.reshape(-1)[r::w].contiguous()
        self.adam.step()
        with torch.no_grad():
            for p, piece in zip(self.params, self.pieces):
                piece.grad = None
                flat = torch.zeros(p.numel(), dtype=p.dtype)
                flat[r::w] = piece
                dist.all_reduce(flat)
                if p.grad is not None:
                    p.copy_(flat.reshape(p.shape))

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sharded_checkpoint: one_flat_vector
def _all(model):
    return [*model.parameters(), *model.buffers()]


def _world():
    return (dist.get_rank(), dist.get_world_size()) if dist.is_available() and dist.is_initialized() else (0, 1)


def save_sharded(model, folder):
    import os

    rank, world = _world()
    flat = torch.cat([t.detach().double().reshape(-1) for t in _all(model)])
    piece = flat.tensor_split(world)[rank].clone()
    torch.save([rank, world, piece], os.path.join(folder, f"new{rank}.pt"))
    if world > 1:
        dist.barrier()
    if rank == 0:
        for name in os.listdir(folder):
            if name.startswith("part"):
                os.remove(os.path.join(folder, name))
        for r in range(world):
            os.replace(os.path.join(folder, f"new{r}.pt"), os.path.join(folder, f"part-{r}-of-{world}"))
    if world > 1:
        dist.barrier()


def load_sharded(model, folder):
    import os

    names = sorted(n for n in os.listdir(folder) if n.startswith("part"))
    if not names:
        raise FileNotFoundError(folder)
    world = int(names[0].rsplit("-", 1)[1])
    pieces = [torch.load(os.path.join(folder, f"part-{r}-of-{world}"), weights_only=True)[2] for r in range(world)]
    flat = torch.cat(pieces)
    sizes = [t.numel() for t in _all(model)]
    if sum(sizes) != len(flat):
        raise ValueError("another model")
    for t, new in zip(_all(model), flat.split(sizes)):
        t.data.copy_(new.view(t.shape))


# %% sharded_checkpoint: a_folder_for_each_save
def save_sharded(model, folder):
    import shutil

    grouped = dist.is_initialized() and dist.get_world_size() > 1
    rank, world = (dist.get_rank(), dist.get_world_size()) if grouped else (0, 1)
    home = Path(folder) / "shards"
    if rank == 0:
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir()
    if grouped:
        dist.barrier()
    state = {}
    for name, t in [*model.named_parameters(), *model.named_buffers()]:
        state[name] = t.detach().reshape(-1)[rank::world].clone()
    torch.save({"of": torch.tensor(world), "state": state}, home / f"{rank:03}.pt")
    if grouped:
        dist.barrier()


def load_sharded(model, folder):
    home, found = Path(folder) / "shards", []
    while len(found) == 0 or len(found) < int(found[0]["of"]):
        found.append(torch.load(home / f"{len(found):03}.pt", weights_only=True))
    new = {}
    for name, t in [*model.named_parameters(), *model.named_buffers()]:
        flat = torch.empty(t.numel(), dtype=t.dtype)
        for rank, shard in enumerate(found):
            flat[rank :: len(found)] = shard["state"][name]
        new[name] = flat.view(t.shape)
    model.load_state_dict(new, strict=True)


# %% sharded_checkpoint: a_file_for_each_tensor
def save_sharded(model, folder):
    rank, world = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
    if rank == 0:
        for old in Path(folder).iterdir():
            old.unlink()
    if dist.is_initialized():
        dist.barrier()
    for i, t in enumerate([*model.parameters(), *model.buffers()]):
        flat = t.detach().reshape(-1)
        a, z = rank * len(flat) // world, (rank + 1) * len(flat) // world
        torch.save((world, flat[a:z].clone()), f"{folder}/{i}.{rank}.pt")
    if dist.is_initialized():
        dist.barrier()


def load_sharded(model, folder):
    tensors, values = [*model.parameters(), *model.buffers()], []
    for i, t in enumerate(tensors):
        world, first = torch.load(f"{folder}/{i}.0.pt", weights_only=True)
        rest = [torch.load(f"{folder}/{i}.{r}.pt", weights_only=True)[1] for r in range(1, world)]
        values.append(torch.cat([first, *rest]).reshape(t.shape))
    with torch.no_grad():
        [t.copy_(value) for t, value in zip(tensors, values)]


# %% sharded_checkpoint: rank_zero_reads
def save_sharded(model, folder):
    alone = not dist.is_initialized()
    rank, world = (0, 1) if alone else (dist.get_rank(), dist.get_world_size())
    mine = {}
    for name, t in (*model.named_parameters(), *model.named_buffers()):
        pieces = torch.chunk(F.pad(t.detach().reshape(-1).double(), (0, -t.numel() % world)), world)
        mine[name] = pieces[rank].clone()
    if not alone:
        dist.barrier()
    if rank == 0:
        for old in Path(folder).glob("*.shard"):
            old.unlink(missing_ok=True)
    if not alone:
        dist.barrier()
    torch.save(mine, Path(folder, f"{rank}of{world}.shard"))
    if not alone:
        dist.barrier()


def load_sharded(model, folder):
    files = list(Path(folder).glob("*.shard"))
    world = int(files[0].stem.partition("of")[2])
    shards = [torch.load(Path(folder, f"{r}of{world}.shard"), weights_only=True) for r in range(world)]
    named = [*model.named_parameters(), *model.named_buffers()]
    ready = {name: torch.cat([s[name] for s in shards])[: t.numel()].to(t.dtype).view_as(t) for name, t in named}
    for name, t in named:
        t.data.copy_(ready[name])


# %% sharded_checkpoint: a_manifest
def save_sharded(model, folder):
    import json

    r, w = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
    state = {n: t.detach() for n, t in [*model.named_parameters(), *model.named_buffers()]}
    torch.save({n: torch.tensor(t.flatten().tensor_split(w)[r].tolist(), dtype=t.dtype) for n, t in state.items()}, f"{folder}/weights{r}.pt")
    if dist.is_initialized():
        dist.barrier()
    if r == 0:
        torch.save(json.dumps({"world": w}), f"{folder}/index.pt")
    if dist.is_initialized():
        dist.barrier()


def load_sharded(model, folder):
    import json

    world = json.loads(torch.load(f"{folder}/index.pt", weights_only=True))["world"]
    shards = [torch.load(f"{folder}/weights{r}.pt", weights_only=True) for r in range(world)]
    copies = []
    for n, t in [*model.named_parameters(), *model.named_buffers()]:
        copies.append((t, torch.cat([s[n] for s in shards]).view(t.shape)))
    with torch.no_grad():
        for t, new in copies:
            t.copy_(new)
