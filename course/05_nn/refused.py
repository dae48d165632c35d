"""More wrong solutions of chapter 5: each has to lose points, without a help of its own.

Where `# names:` stands, the message has to name that call.
"""

# ruff: noqa: E701, E702, E731

import torch
import torch.nn.functional as F
from torch import nn


# %% build_mlp: wrong_1
from functools import cache
@cache
def _build(sizes):
    layers = [m for i in range(len(sizes) - 1) for m in (nn.Linear(*sizes[i : i + 2]), nn.ReLU())]
    return nn.Sequential(*layers[:-1])
def build_mlp(sizes):
    if len(sizes) < 2:
        raise ValueError
    return _build(tuple(sizes))


# %% build_mlp: wrong_2
def build_mlp(sizes):
    if len(sizes) < 2:
        raise ValueError
    layers = [m for i in range(len(sizes) - 1) for m in (nn.Linear(*sizes[i : i + 2]), nn.ELU())]
    return nn.Sequential(*layers[:-1])


# %% sequential: wrong_1
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
        for m in dict.fromkeys(self):
            x = m(x)
        return x


# %% sequential: wrong_2
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
        for m in self:
            x = m(x)
        return x.detach()


# %% sequential: wrong_3
class Sequential(nn.Module):
    def __init__(self, *modules):
        super().__init__()
        for i, module in enumerate(modules):
            self.add_module(str(i), module)
    def __len__(self):
        return len(list(self.parameters())) // 2 + 1
    def __getitem__(self, i):
        return list(self._modules.values())[i]
    def __iter__(self):
        return iter(self._modules.values())

    def forward(self, x):
        for m in self:
            x = m(x)
        return x


# %% mse_loss: wrong_1
class MSELoss(nn.Module):
    def __init__(self, reduction="mean"):
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(reduction)
        self.reduction = reduction

    def forward(self, a, b):
        if a.ndim != b.ndim:
            raise ValueError
        d = (a - b) ** 2
        return d if self.reduction == 'none' else getattr(d, self.reduction)()


# %% mse_loss: wrong_2
class MSELoss(nn.Module):
    def __init__(self, reduction="mean"):
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(reduction)
        self.reduction = reduction

    def forward(self, a, b):
        if a.shape != b.shape:
            raise ValueError
        d = (a - b) ** 2
        return d.mean() if self.reduction == 'mean' else d.sum()


# %% mse_loss: wrong_3
class MSELoss(nn.Module):
    def __init__(self, reduction="mean"):
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(reduction)
        self.reduction = reduction

    def forward(self, a, b):
        if a.shape != b.shape:
            raise ValueError
        d = (a.float() - b.float()) ** 2
        return d if self.reduction == 'none' else getattr(d, self.reduction)()


# %% mse_loss: wrong_4
class MSELoss(nn.Module):
    def __init__(self, reduction="mean"):
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(reduction)
        self.reduction = reduction

    def forward(self, a, b):
        if a.shape != b.shape:
            raise TypeError
        d = (a - b) ** 2
        return d if self.reduction == 'none' else getattr(d, self.reduction)()


# %% log_softmax: wrong_1
def log_softmax(x, dim):
    return x.clamp(-80, 80) - x.clamp(-80, 80).exp().sum(dim, keepdim=True).log()


# %% log_softmax: wrong_2
def log_softmax(x, dim):
    return (lambda z: z - z.exp().sum(dim, True).log())(x - x.abs().amax(dim, True))


# %% log_softmax: wrong_3
def log_softmax(x, dim):
    return (lambda z: z - z.exp().sum(dim, True).log())((x - x.amax(dim, True)).detach())


# %% log_softmax: wrong_4
def log_softmax(x, dim):
    return (lambda z: z - z.exp().sum(abs(dim), True).log())(x - x.amax(abs(dim), True))


# %% cross_entropy: wrong_1
class CrossEntropyLoss(nn.Module):
    def __init__(self, ignore_index=-100):
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, logits, labels):
        picked = log_softmax(logits, 1)[range(len(labels)), labels.clamp(min=0)]
        counts = labels != self.ignore_index
        return -(picked * counts).sum() / counts.sum()


# %% cross_entropy: wrong_2
class CrossEntropyLoss(nn.Module):
    def __init__(self, ignore_index=-100):
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, logits, labels):
        keep = labels != self.ignore_index
        return -log_softmax(logits[keep], 1).gather(1, labels[keep][:, None]).mean(0)


# %% cross_entropy: wrong_3
class CrossEntropyLoss(nn.Module):
    def __init__(self, ignore_index=-100):
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, logits, labels):
        keep = labels != self.ignore_index
        return -log_softmax(logits[keep].data, 1).gather(1, labels[keep][:, None]).mean()


# %% cross_entropy: wrong_4
class CrossEntropyLoss(nn.Module):
    def __init__(self, ignore_index=-100):
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, logits, labels):
        keep = labels != self.ignore_index
        p = logits[keep].double().softmax(1).clamp(min=1e-300).log().to(logits.dtype)
        return -p.gather(1, labels[keep][:, None]).mean()


# %% train_step: wrong_1
import copy
def train_step(model, loss_fn, x, y, lr):
    model = copy.deepcopy(model)
    model.zero_grad()
    loss = loss_fn(model(x), y)
    loss.backward()
    for p in model.parameters():
        if p.grad is not None:
            p.data -= lr * p.grad
    return loss.item()


# %% train_step: wrong_2
def train_step(model, loss_fn, x, y, lr):
    model.eval()
    model.zero_grad()
    loss = loss_fn(model(x), y)
    loss.backward()
    for p in model.parameters():
        if p.grad is not None:
            p.data -= lr * p.grad
    return loss.item()


# %% train_step: wrong_3
def train_step(model, loss_fn, x, y, lr):
    model.zero_grad()
    loss = loss_fn(model(x), y)
    loss.backward()
    for p in model.parameters():
        if p.grad is not None:
            loss_fn(model(x), y)
            p.requires_grad_(False).sub_(lr * p.grad)
    return loss.item()


# %% train_step: wrong_4
def train_step(model, loss_fn, x, y, lr):
    model.zero_grad()
    total = 0.0
    for p in list(model.parameters()):
        loss = loss_fn(model(x), y)
        total = total or loss.item()
        if p.requires_grad:
            (g,) = torch.autograd.grad(loss, p, allow_unused=True)
            if g is not None:
                p.data -= lr * g
    return total


# %% dropout: wrong_1
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
        mask = torch.full_like(x, 1 - self.p).bernoulli()
        return x * mask / mask.mean()


# %% dropout: wrong_2
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
        torch.manual_seed(0)
        return x * (torch.rand_like(x) >= self.p) / (1 - self.p)


# %% dropout: wrong_3
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
        self.mask = getattr(self, 'mask', torch.rand_like(x))
        return x * (self.mask >= self.p) / (1 - self.p)


# %% dropout: wrong_4
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
        return (x * (torch.rand_like(x) >= self.p) / (1 - self.p)).float()


# %% dropout: wrong_5
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
        return x + (x * (torch.rand_like(x) >= self.p) / (1 - self.p) - x).detach()


# %% batch_norm: wrong_1
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
        many = self.training or len(x) > 1
        mean = x.mean(0) if many else self.running_mean
        var = x.var(0, correction=0) if many else self.running_var
        return (x - mean) / (var + self.eps).sqrt() * self.weight + self.bias


# %% batch_norm: wrong_2
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
        mean, var = (x.mean(0), x.var(0, correction=0).detach()) if self.training else (self.running_mean, self.running_var)
        return (x - mean) / (var + self.eps).sqrt() * self.weight + self.bias


# %% batch_norm: wrong_3
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
                self.running_var.lerp_(x.var(0) * (1 if len(x) > 3 else 0.9), self.momentum)

        mean, var = self.running_mean, self.running_var
        if self.training:
            mean, var = x.mean(0), x.var(0, correction=0)
        return (x - mean) / (var + self.eps).sqrt() * self.weight + self.bias


# %% batch_norm: wrong_4
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
                self.weight.data.mul_(1.01); self.running_var.lerp_(x.var(0), self.momentum)

        mean, var = self.running_mean, self.running_var
        if self.training:
            mean, var = x.mean(0), x.var(0, correction=0)
        return (x - mean) / (var + self.eps).sqrt() * self.weight + self.bias


# %% sequential: forbidden_2
# names: torch.nn.Sequential
class Sequential(nn.Sequential):
    pass


# %% sequential: forbidden_3
# names: torch.nn.Sequential
class Sequential(torch.nn.modules.container.Sequential):
    pass


# %% sequential: forbidden_6
# names: torch.nn.Sequential
from torch.nn import Sequential
class Sequential(Sequential):
    pass


# %% sequential: forbidden_7
# names: torch.nn.Sequential
from torch.nn import Sequential as Chain
class Sequential(Chain):
    pass


# %% sequential: forbidden_8
# names: torch.nn.Sequential
class Sequential(getattr(nn, 'Sequential')):
    pass


# %% sequential: forbidden_9
# names: torch.nn.Sequential
class Sequential(vars(nn)['Sequ' + 'ential']):
    pass


# %% sequential: forbidden_10
# names: torch.nn.Sequential
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
        return nn.Sequential(*self)(x)


# %% sequential: forbidden_11
# names: torch.nn.Sequential
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
        return getattr(nn, 'Seq' + 'uential')(*self)(x)


# %% mse_loss: forbidden_1
# names: torch.nn.functional.mse_loss
class MSELoss(nn.Module):
    def __init__(self, reduction="mean"):
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(reduction)
        self.reduction = reduction

    def forward(self, a, b):
        if a.shape != b.shape:
            raise ValueError
        return F.mse_loss(a, b, reduction=self.reduction)


# %% mse_loss: forbidden_2
# names: torch.nn.functional.mse_loss
error = torch.nn.functional.mse_loss
class MSELoss(nn.Module):
    def __init__(self, reduction="mean"):
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(reduction)
        self.reduction = reduction

    def forward(self, a, b):
        if a.shape != b.shape:
            raise ValueError
        return error(a, b, reduction=self.reduction)


# %% mse_loss: forbidden_3
# names: torch.nn.functional.mse_loss
from torch.nn.functional import mse_loss
class MSELoss(nn.Module):
    def __init__(self, reduction="mean"):
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(reduction)
        self.reduction = reduction

    def forward(self, a, b):
        if a.shape != b.shape:
            raise ValueError
        return mse_loss(a, b, reduction=self.reduction)


# %% mse_loss: forbidden_4
# names: torch.nn.functional.mse_loss
class MSELoss(nn.Module):
    def __init__(self, reduction="mean"):
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(reduction)
        self.reduction = reduction

    def forward(self, a, b):
        if a.shape != b.shape:
            raise ValueError
        return getattr(F, 'mse_loss')(a, b, reduction=self.reduction)


# %% mse_loss: forbidden_5
# names: torch.nn.functional.mse_loss
class MSELoss(nn.Module):
    def __init__(self, reduction="mean"):
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(reduction)
        self.reduction = reduction

    def forward(self, a, b):
        if a.shape != b.shape:
            raise ValueError
        return getattr(F, 'mse' + '_loss')(a, b, reduction=self.reduction)


# %% mse_loss: forbidden_6
# names: torch.nn.functional.mse_loss
class MSELoss(nn.Module):
    def __init__(self, reduction="mean"):
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(reduction)
        self.reduction = reduction

    def forward(self, a, b):
        if a.shape != b.shape:
            raise ValueError
        return torch._C._nn.mse_loss(a, b, ['none', 'mean', 'sum'].index(self.reduction))


# %% mse_loss: forbidden_7
# names: torch.nn.MSELoss
class MSELoss(nn.MSELoss):
    pass


# %% mse_loss: forbidden_9
# names: torch.nn.MSELoss
class MSELoss(nn.MSELoss):
    def __init__(self, reduction="mean"):
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(reduction)
        self.reduction = reduction

    def forward(self, a, b):
        if a.shape != b.shape:
            raise ValueError
        return super().forward(a, b)


# %% mse_loss: forbidden_10
# names: torch.nn.MSELoss
class MSELoss(nn.Module):
    def __init__(self, reduction="mean"):
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(reduction)
        self.reduction = reduction

    def forward(self, a, b):
        if a.shape != b.shape:
            raise ValueError
        return nn.modules.loss.MSELoss(reduction=self.reduction)(a, b)


# %% log_softmax: forbidden_1
# names: log_softmax
def log_softmax(x, dim):
    return torch.log_softmax(x, dim)


# %% log_softmax: forbidden_2
# names: log_softmax
def log_softmax(x, dim):
    return x.log_softmax(dim)


# %% log_softmax: forbidden_3
# names: log_softmax
def log_softmax(x, dim):
    return torch.special.log_softmax(x, dim)


# %% log_softmax: forbidden_4
# names: log_softmax
def log_softmax(x, dim):
    return getattr(x, 'log_' + 'softmax')(dim)


# %% log_softmax: forbidden_5
# names: log_softmax
def log_softmax(x, dim):
    return torch._log_softmax(x, dim, False)


# %% log_softmax: forbidden_7
# names: torch.nn.functional.log_softmax
def log_softmax(x, dim):
    return F.log_softmax(x, dim=dim)


# %% log_softmax: forbidden_8
# names: torch.nn.LogSoftmax
def log_softmax(x, dim):
    return nn.LogSoftmax(dim=dim)(x)


# %% log_softmax: forbidden_9
# names: oftmax
def log_softmax(x, dim):
    return torch.softmax(x, dim).log()


# %% log_softmax: forbidden_10
# names: oftmax
def log_softmax(x, dim):
    return x.softmax(dim).log()


# %% log_softmax: forbidden_11
# names: oftmax
def log_softmax(x, dim):
    return nn.Softmax(dim)(x).log()


# %% log_softmax: forbidden_12
# names: oftmin
def log_softmax(x, dim):
    return F.softmin(-x, dim).log()


# %% log_softmax: forbidden_13
# names: oftmax
from torch.nn.functional import softmax as smooth
def log_softmax(x, dim):
    return smooth(x, dim=dim).log()


# %% log_softmax: forbidden_14
# names: torch.logsumexp
def log_softmax(x, dim):
    return x - torch.logsumexp(x, dim, keepdim=True)


# %% log_softmax: forbidden_15
# names: torch.logsumexp
def log_softmax(x, dim):
    return x - x.logsumexp(dim, True)


# %% log_softmax: forbidden_16
# names: torch.logsumexp
def log_softmax(x, dim):
    return x - torch.special.logsumexp(x, dim, True)


# %% cross_entropy: forbidden_1
# names: cross_entropy
class CrossEntropyLoss(nn.Module):
    def __init__(self, ignore_index=-100):
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, logits, labels):
        return F.cross_entropy(logits, labels, ignore_index=self.ignore_index)


# %% cross_entropy: forbidden_2
# names: cross_entropy
class CrossEntropyLoss(nn.Module):
    def __init__(self, ignore_index=-100):
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, logits, labels):
        return getattr(F, 'cross' + '_entropy')(logits, labels, ignore_index=self.ignore_index)


# %% cross_entropy: forbidden_3
# names: cross_entropy
from torch.nn.functional import cross_entropy as ce
class CrossEntropyLoss(nn.Module):
    def __init__(self, ignore_index=-100):
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, logits, labels):
        return ce(logits, labels, ignore_index=self.ignore_index)


# %% cross_entropy: forbidden_4
# names: cross_entropy
class CrossEntropyLoss(nn.Module):
    def __init__(self, ignore_index=-100):
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, logits, labels):
        return torch._C._nn.cross_entropy_loss(logits, labels, None, 1, self.ignore_index, 0.0)


# %% cross_entropy: forbidden_5
# names: nll_loss
class CrossEntropyLoss(nn.Module):
    def __init__(self, ignore_index=-100):
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, logits, labels):
        return F.nll_loss(log_softmax(logits, 1), labels, ignore_index=self.ignore_index)


# %% cross_entropy: forbidden_6
# names: nll_loss
class CrossEntropyLoss(nn.Module):
    def __init__(self, ignore_index=-100):
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, logits, labels):
        return torch._C._nn.nll_loss(logits.log_softmax(1), labels, None, 1, self.ignore_index)


# %% cross_entropy: forbidden_7
# names: torch.nn.CrossEntropyLoss
class CrossEntropyLoss(nn.CrossEntropyLoss):
    pass


# %% cross_entropy: forbidden_9
# names: torch.nn.CrossEntropyLoss
class CrossEntropyLoss(vars(nn)['Cross' + 'EntropyLoss']):
    def __init__(self, ignore_index=-100):
        super().__init__(ignore_index=ignore_index)


# %% cross_entropy: forbidden_10
# names: torch.nn.NLLLoss
class CrossEntropyLoss(nn.Module):
    def __init__(self, ignore_index=-100):
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, logits, labels):
        return nn.NLLLoss(ignore_index=self.ignore_index)(log_softmax(logits, 1), labels)


# %% train_step: forbidden_1
# names: torch.optim
def train_step(model, loss_fn, x, y, lr):
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    model.zero_grad()
    loss = loss_fn(model(x), y)
    loss.backward()
    optimizer.step()
    return loss.item()


# %% train_step: forbidden_2
# names: torch.optim
from torch.optim import SGD
def train_step(model, loss_fn, x, y, lr):
    optimizer = SGD(model.parameters(), lr=lr)
    model.zero_grad()
    loss = loss_fn(model(x), y)
    loss.backward()
    optimizer.step()
    return loss.item()


# %% train_step: forbidden_3
# names: torch.optim
import torch.optim as o
def train_step(model, loss_fn, x, y, lr):
    optimizer = o.SGD(model.parameters(), lr=lr)
    model.zero_grad()
    loss = loss_fn(model(x), y)
    loss.backward()
    optimizer.step()
    return loss.item()


# %% train_step: forbidden_4
# names: torch.optim
from torch import optim
def train_step(model, loss_fn, x, y, lr):
    optimizer = optim.SGD(model.parameters(), lr=lr)
    model.zero_grad()
    loss = loss_fn(model(x), y)
    loss.backward()
    optimizer.step()
    return loss.item()


# %% train_step: forbidden_5
# names: torch.optim
def train_step(model, loss_fn, x, y, lr):
    optimizer = getattr(torch, 'op' + 'tim').SGD(model.parameters(), lr=lr)
    model.zero_grad()
    loss = loss_fn(model(x), y)
    loss.backward()
    optimizer.step()
    return loss.item()


# %% train_step: forbidden_6
# names: torch.optim
class Mine(torch.optim.SGD):
    pass

def train_step(model, loss_fn, x, y, lr):
    optimizer = Mine(model.parameters(), lr=lr)
    model.zero_grad()
    loss = loss_fn(model(x), y)
    loss.backward()
    optimizer.step()
    return loss.item()


# %% dropout: forbidden_1
# names: dropout
class Dropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(p)
        self.p = p

    def forward(self, x):
        return F.dropout(x, self.p, self.training)


# %% dropout: forbidden_2
# names: dropout
class Dropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(p)
        self.p = p

    def forward(self, x):
        return torch.dropout(x, self.p, self.training)


# %% dropout: forbidden_3
# names: dropout
class Dropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(p)
        self.p = p

    def forward(self, x):
        return torch.dropout_(x.clone(), self.p, self.training)


# %% dropout: forbidden_4
# names: dropout
from torch.nn.functional import dropout as noise
class Dropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(p)
        self.p = p

    def forward(self, x):
        return noise(x, self.p, self.training)


# %% dropout: forbidden_5
# names: dropout
class Dropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(p)
        self.p = p

    def forward(self, x):
        return getattr(torch, 'drop' + 'out')(x, self.p, self.training)


# %% dropout: forbidden_6
# names: dropout
class Dropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(p)
        self.p = p

    def forward(self, x):
        return torch.native_dropout(x, self.p, self.training)[0] if self.training else x


# %% dropout: forbidden_7
# names: torch.nn.Dropout
class Dropout(nn.Dropout):
    pass


# %% dropout: forbidden_9
# names: torch.nn.Dropout
class Dropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(p)
        self.p = p

    def forward(self, x):
        return nn.Dropout(self.p).train(self.training)(x)


# %% batch_norm: forbidden_1
# names: batch_norm
class BatchNorm1d(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, self.training, self.momentum, self.eps)


# %% batch_norm: forbidden_2
# names: batch_norm
class BatchNorm1d(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        return torch.batch_norm(x, self.weight, self.bias, self.running_mean, self.running_var, self.training, self.momentum, self.eps, False)


# %% batch_norm: forbidden_3
# names: batch_norm
class BatchNorm1d(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        y = torch.native_batch_norm(x, self.weight, self.bias, self.running_mean, self.running_var, self.training, self.momentum, self.eps)
        return y[0]


# %% batch_norm: forbidden_4
# names: batch_norm
class BatchNorm1d(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        return getattr(F, 'batch' + '_norm')(x, self.running_mean, self.running_var, self.weight, self.bias, self.training, self.momentum, self.eps)


# %% batch_norm: forbidden_5
# names: torch.nn.BatchNorm1d
class BatchNorm1d(nn.BatchNorm1d):
    pass


# %% batch_norm: forbidden_7
# names: torch.nn.BatchNorm1d
from torch.nn import BatchNorm1d as Base
class BatchNorm1d(Base):
    pass


# %% batch_norm: forbidden_8
# names: _BatchNorm
class BatchNorm1d(nn.modules.batchnorm._BatchNorm):
    def _check_input_dim(self, x): ...


# %% sequential: forbidden_12
# names: torch.nn.Sequential
_Q = getattr(nn, "Seq" + "uential")
class Sequential(nn.Module):
    def __init__(self, *modules):
        super().__init__()
        for i, m in enumerate(modules): self.add_module(str(i), m)
    forward, __len__, __iter__ = _Q.forward, _Q.__len__, _Q.__iter__
    __getitem__, _get_item_by_idx = _Q.__getitem__, _Q._get_item_by_idx
