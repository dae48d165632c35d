"""Right solutions of chapter 5 in an unusual style: the checks must accept every one."""

from collections import OrderedDict
from functools import reduce
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

# %% build_mlp: pairs_and_pop
from itertools import pairwise


def build_mlp(sizes):
    if not sizes[1:]:
        raise ValueError
    model = torch.nn.Sequential()
    for i, (a, b) in enumerate(pairwise(sizes)):
        if i:
            model.append(nn.ReLU(inplace=True))
        model.append(torch.nn.Linear(in_features=a, out_features=b, bias=True))
    return model


# %% build_mlp: one_relu_object_and_names
from collections import OrderedDict


class TooShort(ValueError):
    pass


def build_mlp(sizes):
    *inner, last = sizes if len(sizes) > 1 else _refuse()
    bend, steps = nn.ReLU(), OrderedDict()
    for i, width in enumerate(inner):
        steps[f"linear{i}"] = nn.Linear(width, (*inner, last)[i + 1])
        steps[f"relu{i}"] = bend
    steps.popitem()
    return nn.Sequential(steps)


def _refuse():
    raise TooShort("two sizes at least")


# %% build_mlp: recursive_lambda
def build_mlp(sizes):
    if len(sizes) < 2:
        raise ValueError("two sizes at least")
    rest = [] if len(sizes) == 2 else [nn.ReLU(), *build_mlp(sizes[1:])]
    return nn.Sequential(nn.Linear(sizes[0], sizes[1]), *rest)


# %% sequential: module_list
class Sequential(nn.ModuleList):
    def __init__(self, *modules):
        super().__init__(modules)

    def forward(self, input):
        for step in self:
            input = step(input)
        return input


# %% sequential: keys_and_getattr
from functools import reduce


class Sequential(nn.Module):
    def __init__(self, *modules):
        nn.Module.__init__(self)
        self.count = len(modules)
        [setattr(self, str(i), m) for i, m in enumerate(modules)]

    def forward(self, x):
        return reduce(lambda h, step: step(h), self, x)

    def __len__(self):
        return self.count

    def __getitem__(self, i):
        if not -self.count <= i < self.count:
            raise IndexError(i)
        return getattr(self, str(i % self.count))


# %% sequential: tuple_beside_the_tree
class Sequential(nn.Module):
    def __init__(self, *modules):
        super().__init__()
        for number, module in zip(map(str, range(len(modules))), modules):
            self.register_module(number, module)
        self.steps = modules

    def forward(self, *args):
        (h,) = args
        for i in range(len(self)):
            h = self[i](h)
        return h

    def __len__(self):
        return self.steps.__len__()

    def __getitem__(self, at):
        return self.steps[at]

    def __iter__(self):
        yield from self.steps


# %% mse_loss: dictionary_of_functions
class MSELoss(nn.Module):
    REDUCTIONS = {"mean": torch.mean, "sum": torch.sum, "none": lambda t: t}

    def __init__(self, reduction="mean"):
        super().__init__()
        self.reduction = reduction

    def forward(self, input, target):
        try:
            reduce = self.REDUCTIONS[self.reduction]
        except KeyError:
            raise ValueError(self.reduction) from None
        if list(input.size()) != list(target.size()):
            raise ValueError(input.size(), target.size())
        return reduce(torch.square(torch.sub(target, input)))


# %% mse_loss: dot_products
class MSELoss(torch.nn.Module):
    def __init__(self, *args, **kwargs):
        super().__init__()
        (self.how,) = [*args, *kwargs.values()] or ["mean"]
        if {"mean", "sum", "none"}.isdisjoint({self.how}):
            raise ValueError("nn.MSELoss knows mean, sum and none")

    def forward(self, a, b):
        if a.shape != b.shape:
            raise ValueError("F.mse_loss would only warn about it")
        d = a - b
        if self.how == "none":
            return d * d
        flat = d.reshape(-1)
        total = torch.dot(flat, flat)
        return total if self.how == "sum" else total / flat.numel()


# %% log_softmax: log_add_exp_in_a_loop
from functools import reduce


def log_softmax(x, dim):
    total = reduce(torch.logaddexp, x.unbind(dim))
    return x - total.unsqueeze(dim)


# %% log_softmax: moved_axis
def log_softmax(x, dim):
    z = x.movedim(dim, -1)
    top = z.max(dim=-1).values.detach()[..., None]
    log_sum = torch.log(torch.einsum("...k->...", torch.exp(z - top)))[..., None] + top
    return (z - log_sum).movedim(-1, dim)


# %% log_softmax: lambda_with_cumulative
log_softmax = lambda x, dim: x - x.logcumsumexp(dim).narrow(dim, -1, 1)


# %% cross_entropy: one_hot_and_weights
class CrossEntropyLoss(nn.Module):
    def __init__(self, ignore_index=-100):
        super().__init__()
        self.register_buffer("ignored", torch.tensor(ignore_index), persistent=False)

    def forward(self, logits, labels):
        counts = (labels != self.ignored).to(logits.dtype)
        safe = torch.where(labels == self.ignored, 0, labels)
        truth = torch.eye(logits.shape[1], dtype=logits.dtype)[safe]
        losses = -(torch.log_softmax(logits, dim=1) * truth).sum(dim=1)
        return (losses * counts).sum() / counts.sum()


# %% cross_entropy: row_by_row
class CrossEntropyLoss(nn.Module):
    def __init__(self, ignore_index=-100):
        super().__init__()
        self.skip = ignore_index

    def forward(self, logits, labels):
        losses = [row.logsumexp(0) - row[k] for row, k in zip(logits, labels.tolist()) if k != self.skip]
        return torch.stack(losses).mean()


# %% cross_entropy: pairs_of_indices
class CrossEntropyLoss(nn.Module):
    def __init__(self, ignore_index=-100):
        super().__init__()
        self.__dict__.update(ignore_index=ignore_index)

    def forward(self, logits, labels):
        rows = (labels - self.ignore_index).nonzero(as_tuple=True)[0]
        return log_softmax(logits, dim=-1)[rows, labels[rows]].neg().mean()


# %% train_step: autograd_grad
def train_step(model, loss_fn, x, y, lr):
    weights = [p for p in model.parameters() if p.requires_grad]
    loss = loss_fn(model(x), y)
    for p, g in zip(weights, torch.autograd.grad(loss, weights, allow_unused=True)):
        if g is not None:
            p.data.add_(g, alpha=-lr)
    return float(loss)


# %% train_step: zeros_and_data
def train_step(model, loss_fn, x, y, lr):
    model.zero_grad(set_to_none=False)
    loss = loss_fn(model(x), y)
    loss.backward()
    for p in model.parameters():
        if p.requires_grad and p.grad is not None:
            p.data = p.data - lr * p.grad
    model.zero_grad()
    return loss.detach().numpy().item()


# %% train_step: old_gradients_put_back
def train_step(model, loss_fn, x, y, lr):
    everything = list(model.parameters())
    before = [p.grad for p in everything]
    for p in everything:
        p.grad = None
    value = loss_fn(model(x), y)
    value.backward()
    with torch.no_grad():
        moved = [p for p in everything if p.grad is not None]
        torch._foreach_sub_(moved, [lr * p.grad for p in moved])
    for p, g in zip(everything, before):
        p.grad = g
    return sum([value.item()])


# %% dropout: bernoulli
class Dropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        if p < 0 or p > 1:
            raise ValueError(p)
        self.keep = 1 - p

    def forward(self, x):
        if self.training:
            mask = torch.bernoulli(torch.full_like(x, self.keep))
            x = x * mask / max(self.keep, 1e-9)
        return x


# %% dropout: numpy_numbers
import numpy as np


class Dropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        if min(p, 1 - p) < 0:
            raise ValueError("no probability")
        self.p, self.rng = p, np.random.default_rng()

    def forward(self, x):
        if not self.training:
            return x.clone()
        dropped = torch.from_numpy(self.rng.random(tuple(x.shape)) < self.p)
        return torch.where(dropped, torch.zeros_like(x), x / (1 - self.p) if self.p < 1 else x)


# %% dropout: own_function
class _Masked(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, factor):
        ctx.save_for_backward(factor)
        return x * factor

    @staticmethod
    def backward(ctx, grad):
        (factor,) = ctx.saved_tensors
        return grad * factor, None


class Dropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        if not (p >= 0 and p <= 1):
            raise ValueError(f"{p}")
        self.register_buffer("p", torch.tensor(float(p), dtype=torch.float64))

    def forward(self, x):
        if not self.training:
            return x
        mask = torch.empty(x.shape, dtype=torch.float64).uniform_() >= self.p
        factor = torch.nan_to_num(mask / (1 - self.p), nan=0.0)
        return _Masked.apply(x, factor.to(x.dtype))


# %% dropout: masked_fill
class Dropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        if 0 <= p <= 1:
            self.p = p
        else:
            raise ValueError("p")

    def forward(self, x):
        if self.training and self.p > 0:
            lost = torch.rand(x.shape, device=x.device) < self.p
            x = x.masked_fill(lost, 0.0)
            return x if self.p == 1 else x.div(1 - self.p)
        return x


# %% batch_norm: moments
class BatchNorm1d(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum, self.num_features = eps, momentum, num_features
        self.weight = nn.Parameter(torch.empty(num_features))
        self.register_parameter("bias", nn.Parameter(torch.empty(num_features)))
        self.register_buffer("running_mean", None)
        self.register_buffer("running_var", None)
        self.register_buffer("num_batches_tracked", torch.tensor(0))
        self.reset()

    def reset(self):
        nn.init.ones_(self.weight)
        nn.init.zeros_(self.bias)
        self.running_mean, self.running_var = torch.zeros(self.num_features), torch.ones(self.num_features)

    def forward(self, x):
        if not self.training:
            scale = self.weight * (self.running_var + self.eps).rsqrt()
            return torch.addcmul(self.bias - self.running_mean * scale, x, scale)
        n = x.size(0)
        centred = x - torch.einsum("nd->d", x) / n
        var = centred.square().sum(0) / n
        m = self.momentum
        self.num_batches_tracked += 1
        self.running_mean = (1 - m) * self.running_mean + m * (x - centred)[0].detach()
        self.running_var = (1 - m) * self.running_var + m * var.detach() * (n / (n - 1))
        return centred * (var + self.eps).pow(-0.5) * self.weight + self.bias


# %% batch_norm: data_and_var_mean
class BatchNorm1d(torch.nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super(BatchNorm1d, self).__init__()
        for name, value in {"bias": 0.0, "weight": 1.0}.items():
            setattr(self, name, nn.Parameter(torch.full((num_features,), value)))
        for name, value in {"running_mean": 0.0, "running_var": 1.0}.items():
            self.register_buffer(name, torch.full((num_features,), value))
        self.settings = (eps, momentum)

    def forward(self, x):
        eps, momentum = self.settings
        var, mean = (
            torch.var_mean(x, dim=0, correction=0) if self.training else (self.running_var, self.running_mean)
        )
        if self.training:
            self.running_mean.data.mul_(1 - momentum).add_(mean.data, alpha=momentum)
            self.running_var.data.mul_(1 - momentum).add_(x.data.var(dim=0), alpha=momentum)
        return F.linear((x - mean) / (var + eps).sqrt(), torch.diag(self.weight), self.bias)


# %% batch_norm: layer_norm_of_the_transpose
class BatchNorm1d(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if self.training:
            with torch.no_grad():
                self.running_mean += self.momentum * (x.mean(0) - self.running_mean)
                self.running_var += self.momentum * (x.var(0) - self.running_var)
            normal = F.layer_norm(x.T, (len(x),), eps=self.eps).T
        else:
            normal = (x - self.running_mean) / (self.running_var + self.eps) ** 0.5
        return normal * self.weight + self.bias


# %% judge_cross_entropy: by_hand_in_float32
def judge_cross_entropy(candidate):
    def by_hand(rows, labels, ignored):
        terms = []
        for row, label in zip(rows.tolist(), labels):
            if label != ignored:
                top = max(row)
                terms.append(top + math.log(sum(math.exp(v - top) for v in row)) - row[label])
        return sum(terms) / len(terms)

    rng = np.random.default_rng(2)
    for ignored, labels in ((-100, [1, 0, 2, 3]), (-100, [1, -100, 2, 3]), (2, [1, 2, 0, 3]), (-5, [-5, 0, 0, -5]), (0, [3, 0, 1, 2])):
        for scale in (1.0, 1e4):
            rows = torch.tensor(scale * rng.uniform(-1, 1, (4, 4)), dtype=torch.float32, requires_grad=True)
            try:
                loss = candidate(ignored)(rows, torch.tensor(labels))
                loss.backward()
            except Exception:
                return False
            if rows.grad is None or not rows.grad.abs().sum() > 0:
                return False
            if not math.isclose(loss.item(), by_hand(rows.detach(), labels, ignored), rel_tol=1e-3, abs_tol=1e-3):
                return False
    return True


import math


# %% judge_cross_entropy: asserts_inside
def judge_cross_entropy(candidate):
    def look():
        torch.manual_seed(3)
        for ignored in (-100, -1, 1, 7):
            for size in (1, 50, 2e4):
                x = (size * torch.randn(6, 5)).double().requires_grad_()
                y = torch.tensor([0, 2, ignored, 4, ignored, 3])
                assert y.ne(ignored).sum() == 4
                mine = nn.functional.cross_entropy(x, y, ignore_index=ignored)
                theirs = candidate(ignore_index=ignored)(x, y)
                torch.testing.assert_close(theirs, mine)
                torch.testing.assert_close(*(torch.autograd.grad(one, x)[0] for one in (theirs, mine)))
        return True

    try:
        return look()
    except Exception:
        return False


# %% build_mlp: another_way_1
class Layer(nn.Linear):
    pass
def build_mlp(sizes):
    if len(sizes) < 2:
        raise ValueError
    blocks = [nn.Sequential(Layer(a, b), nn.ReLU()) for a, b in zip(sizes[:-2], sizes[1:-1])]  # noqa: RUF007
    return nn.Sequential(*blocks, Layer(*sizes[-2:]))


# %% build_mlp: another_way_2
def build_mlp(sizes):
    match sizes:
        case [] | [_]:
            raise ValueError(sizes)
    model = nn.Sequential(nn.Linear(sizes[0], sizes[1]))
    for i in range(2, len(sizes)):
        model = nn.Sequential(*model, nn.ReLU(), nn.Linear(sizes[i - 1], sizes[i]))
    return model


# %% sequential: another_way_1
class Sequential(nn.Module):
    def __init__(self, *modules):
        super().__init__()
        for i, module in enumerate(modules):
            self.add_module(str(i), module)
    def __len__(self):
        return len(self._modules)
    def __getitem__(self, i):
        return list(self._modules.values())[i]
    def __iter__(self):
        return iter(self._modules.values())

    def forward(self, x):
        """what nn.Sequential does"""
        wanted: nn.Sequential = None  # not torch.nn.Sequential
        if isinstance(x, nn.Sequential):
            return None
        for m in self:
            x = m(x)
        return x


# %% sequential: another_way_2
from torch.nn import Module, Sequential

class Sequential(Module):
    def __init__(self, *modules):
        super().__init__()
        for i, module in enumerate(modules):
            self.add_module(str(i), module)
    def __len__(self):
        return len(self._modules)
    def __getitem__(self, i):
        return list(self._modules.values())[i]
    def __iter__(self):
        return iter(self._modules.values())

    def forward(self, x):
        for m in self:
            x = m(x)
        return x


# %% sequential: another_way_3
class Sequential(nn.ModuleDict):
    def __init__(self, *modules):
        super().__init__({str(i): m for i, m in enumerate(modules)})
    def __getitem__(self, key):
        return list(self._modules.values())[key]
    def __iter__(self):
        return iter(self._modules.values())
    def forward(self, x, position=0):
        return x if position == len(self) else self.forward(self[position](x), position + 1)


# %% mse_loss: another_way_1
class MSELoss(nn.Module):
    def __init__(self, reduction="mean"):
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(reduction)
        self.reduction = reduction

    def forward(self, a, b):
        if a.shape != b.shape:
            raise ValueError
        self.mse_loss = (a - b).pow(2)  # F.mse_loss would do
        return getattr(self.mse_loss, {'none': 'clone'}.get(self.reduction, self.reduction))()


# %% mse_loss: another_way_2
class MSELoss(nn.Module):
    def __init__(self, reduction="mean"):
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(reduction)
        self.reduction = reduction

    def forward(self, a, b):
        if a.shape != b.shape:
            raise ValueError
        table = F.huber_loss(a, b, reduction='none', delta=1e9) * 2
        return table if self.reduction == 'none' else getattr(table, self.reduction)()


# %% mse_loss: another_way_3
class MSELoss(nn.L1Loss):
    def forward(self, y_pred, y):
        if y_pred.size() != y.size() or self.reduction not in {"mean", "sum", "none"}:
            raise ValueError("nn.MSELoss would broadcast")
        squares = torch.einsum("...,...->...", y_pred - y, y_pred - y)
        return squares if self.reduction == "none" else getattr(torch, self.reduction)(squares)


# %% log_softmax: another_way_1
def _log_of_sum(z, dim):
    top = torch.max(z, dim, keepdim=True)[0]
    return top + torch.log(torch.sum(torch.exp(z - top), dim, keepdim=True))

def log_softmax(x, dim):
    return (x.double() - _log_of_sum(x.double(), dim)).to(x.dtype)


# %% log_softmax: another_way_2
def softmax_free(z):
    z = z - z.max()
    return z - z.exp().sum().log()

def log_softmax(x, dim):
    return torch.stack([softmax_free(r) for r in x.movedim(dim, -1).flatten(0, -2)]).reshape(x.movedim(dim, -1).shape).movedim(-1, dim) if x.ndim > 1 else softmax_free(x)


# %% cross_entropy: another_way_1
class CrossEntropyLoss(nn.Module):
    def __init__(self, ignore_index=-100):
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, logits, labels):
        keep = labels != self.ignore_index
        self.nll_loss = -log_softmax(logits[keep], 1)[range(int(keep.sum())), labels[keep]]
        return self.nll_loss.mean()


# %% cross_entropy: another_way_2
class CrossEntropyLoss(nn.Module):
    def __init__(self, ignore_index=-100):
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, logits, labels):
        keep = labels != self.ignore_index
        truth = F.one_hot(labels[keep], logits.shape[-1]).to(logits.dtype)
        return F.kl_div(logits[keep].log_softmax(1), truth, reduction='batchmean')


# %% cross_entropy: another_way_3
class CrossEntropyLoss(nn.Module):
    def __init__(self, ignore_index=-100):
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, logits, labels):
        keep = labels != self.ignore_index
        z = logits[keep] - logits[keep].max(1, keepdim=True)[0]
        return (z.exp().sum(1).log() - z.take_along_dim(labels[keep][:, None], 1).squeeze(1)).mean(0)


# %% train_step: another_way_1
def train_step(model, loss_fn, x, y, lr):
    optim = "torch.optim.SGD"  # a mere mention of torch.optim
    named = {n: p for n, p in model.named_parameters() if p.requires_grad}
    loss = loss_fn(torch.func.functional_call(model, named, (x,)), y)
    grads = torch.autograd.grad(loss, list(named.values()), allow_unused=True, materialize_grads=True)
    with torch.no_grad():
        for p, g in zip(named.values(), grads):
            p.sub_(g, alpha=lr)
    return loss.detach().item()


# %% train_step: another_way_2
@torch.no_grad()
def train_step(model, loss_fn, x, y, lr):
    was = model.training
    for p in model.parameters():
        p.grad = None
    with torch.enable_grad():
        loss = loss_fn(model(x), y)
        loss.backward()
    for p in filter(lambda p: p.grad is not None, model.parameters()):
        p.copy_(p - lr * p.grad)
    model.train(was)
    return loss.tolist()


# %% dropout: another_way_1
class Dropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(p)
        self.p = p

    def forward(self, x):
        # no F.dropout, torch.dropout or nn.Dropout
        self.dropout = self.p if self.training else 0
        if self.dropout == 1:
            return torch.zeros_like(x)
        return x * (torch.rand(x.shape) >= self.dropout).to(x.dtype) / (1 - self.dropout)


# %% dropout: another_way_2
import random
class Dropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(p)
        self.p = p

    def forward(self, x):
        if not self.training:
            return x
        keep = 1 - self.p
        scale = 1 / keep if keep else 0.0
        values = [scale if random.random() < keep else 0.0 for _ in range(x.numel())]
        return x * torch.tensor(values, dtype=x.dtype).reshape(x.shape)


# %% dropout: another_way_3
class Dropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(p)
        self.p = p

    def forward(self, x):
        if not self.training or self.p == 0:
            return x
        if self.p == 1:
            return x * 0
        law = torch.distributions.Bernoulli(probs=torch.tensor(1 - self.p))
        return x.mul(law.sample(x.shape)).mul(1 / (1 - self.p))


# %% batch_norm: another_way_1
class BatchNorm1d(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if self.training:
            with torch.no_grad():
                self.running_mean.lerp_(x.mean(0), self.momentum)
                self.running_var.lerp_(x.var(0), self.momentum)
        # not F.batch_norm
        mean, var = (x.mean(0), x.var(0, correction=0)) if self.training else (self.running_mean, self.running_var)
        self.batch_norm = (x - mean) / (var + self.eps).sqrt()
        return torch.addcmul(self.bias, self.batch_norm, self.weight)


# %% batch_norm: another_way_2
class BatchNorm1d(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if self.training:
            with torch.no_grad():
                self.running_mean.lerp_(x.mean(0), self.momentum)
                self.running_var.lerp_(x.var(0), self.momentum)
        if not self.training:
            mean, var = self.running_mean, self.running_var
        else:
            mean = sum(x.unbind(0)) / len(x)
            var = sum((r - mean) ** 2 for r in x) / len(x)
        scale = self.weight * torch.rsqrt(var + self.eps)
        return torch.stack([(r - mean) * scale + self.bias for r in x])
