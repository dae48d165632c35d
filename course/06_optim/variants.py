"""Right solutions of chapter 6 in an unusual style: the checks must accept every one."""

import math
import os

import torch
from torch import nn


# %% sgd: state_by_parameter_made_when_needed
class SGD:
    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        self.params, self.lr = [*params], lr
        self.mu, self.wd, self.nesterov = momentum, weight_decay, nesterov
        self.state = {}

    @torch.no_grad()
    def step(self):
        for p in filter(lambda q: q.grad is not None, self.params):
            d = p.grad.clone()
            if self.wd != 0:
                d.add_(p, alpha=self.wd)
            if self.mu != 0:
                if p not in self.state:
                    self.state[p] = d.clone()
                else:
                    self.state[p] = self.mu * self.state[p] + d
                d = d.add(self.state[p], alpha=self.mu) if self.nesterov else self.state[p]
            p.add_(d, alpha=-self.lr)

    @torch.no_grad()
    def zero_grad(self):
        for p in self.params:
            if p.grad is not None:
                p.grad.zero_()


# %% sgd: through_data_and_a_closure_per_parameter
class Mover:
    def __init__(self, p):
        self.p, self.echo = p, 0.0

    def __call__(self, lr, mu, wd, ahead):
        if self.p.grad is None:
            return
        g = self.p.grad.data + wd * self.p.data
        self.echo = mu * self.echo + g
        self.p.data -= lr * (g + mu * self.echo if ahead else self.echo)


class SGD(object):
    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        self._lr = lr
        self.options = momentum, weight_decay, nesterov
        self.movers = tuple(map(Mover, params))

    lr = property(lambda self: self._lr, lambda self, value: setattr(self, "_lr", value))

    def step(self, closure=None):
        loss = closure() if closure is not None else None
        for mover in self.movers:
            mover(self.lr, *self.options)
        return loss

    def zero_grad(self, set_to_none=True):
        for mover in self.movers:
            if set_to_none:
                mover.p.grad = None
            elif mover.p.grad is not None:
                mover.p.grad = torch.zeros_like(mover.p)


# %% sgd: copy_back_and_groups
from collections import defaultdict


class SGD:
    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        if nesterov and momentum <= 0:
            raise ValueError("Nesterov momentum needs a momentum above 0")
        self.param_groups = [{"params": list(params), "lr": lr}]
        self.momentum, self.weight_decay, self.nesterov = momentum, weight_decay, nesterov
        self.velocity = defaultdict(lambda: None)

    @property
    def lr(self):
        return self.param_groups[0]["lr"]

    @lr.setter
    def lr(self, value):
        self.param_groups[0]["lr"] = value

    def step(self):
        for i, p in enumerate(self.param_groups[0]["params"]):
            if p.grad is not None:
                with torch.no_grad():
                    g = p.grad.add(p, alpha=self.weight_decay)
                    old = self.velocity[i]
                    new = g if old is None else old * self.momentum + g
                    if self.momentum:
                        self.velocity[i] = new.clone()
                    way = (
                        torch.add(g, new, alpha=self.momentum)
                        if self.nesterov
                        else new
                        if self.momentum
                        else g
                    )
                    p.copy_(p - self.lr * way)

    def zero_grad(self):
        for p in self.param_groups[0]["params"]:
            p.grad = None


# %% adam: as_the_library_does_it
from collections import defaultdict


class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.params = list(params)
        self.lr, self.betas, self.eps = lr, betas, eps
        self.state = defaultdict(dict)

    @torch.no_grad()
    def step(self):
        for p in self.params:
            if p.grad is None:
                continue
            state = self.state[p]
            if not state:
                state["step"] = torch.tensor(0.0)
                state["exp_avg"] = torch.zeros_like(p, memory_format=torch.preserve_format)
                state["exp_avg_sq"] = torch.zeros_like(p, memory_format=torch.preserve_format)
            state["step"] += 1
            beta1, beta2 = self.betas
            state["exp_avg"].lerp_(p.grad, 1 - beta1)
            state["exp_avg_sq"].mul_(beta2).addcmul_(p.grad, p.grad.conj(), value=1 - beta2)
            bias1, bias2 = 1 - beta1 ** state["step"], 1 - beta2 ** state["step"]
            denom = (state["exp_avg_sq"].sqrt() / bias2.sqrt()).add_(self.eps)
            p.add_(-(self.lr / bias1) * state["exp_avg"] / denom)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adam: lists_of_numbers_and_tuples
class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.lr, (self.b1, self.b2), self.eps = lr, betas, eps
        self.entries = [[p, 0, 0.0, 0.0, 1.0, 1.0] for p in params]

    def step(self):
        for entry in self.entries:
            p, t, m, v, left1, left2 = entry
            if p.grad is None:
                continue
            g = p.grad.detach()
            m, v = self.b1 * m + (1 - self.b1) * g, self.b2 * v + (1 - self.b2) * g.square()
            left1, left2 = left1 * self.b1, left2 * self.b2
            entry[1:] = t + 1, m, v, left1, left2
            p.data.sub_(self.lr * (m / (1 - left1)) / (torch.sqrt(v / (1 - left2)) + self.eps))

    def zero_grad(self):
        for p, *_ in self.entries:
            if p.grad is not None:
                p.grad = torch.zeros_like(p.grad)


# %% adam: averages_over_their_weights
class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.params = tuple(params)
        self.lr, self.betas, self.eps = lr, betas, eps
        self.t = [0] * len(self.params)
        self.m = [torch.zeros_like(p) for p in self.params]
        self.v = [torch.zeros_like(p) for p in self.params]

    def step(self):
        before = torch.is_grad_enabled()
        torch.set_grad_enabled(False)
        try:
            for i, p in enumerate(self.params):
                if p.grad is not None:
                    self.t[i] += 1
                    # running averages that are right from the start: a step of (1 - b) / (1 - b^t)
                    a, b = ((1 - beta) / (1 - beta ** self.t[i]) for beta in self.betas)
                    self.m[i] += a * (p.grad - self.m[i])
                    self.v[i] += b * (p.grad * p.grad - self.v[i])
                    p -= self.lr * self.m[i] / (self.v[i].sqrt() + self.eps)
        finally:
            torch.set_grad_enabled(before)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adamw: subclass_of_adam
class AdamW(Adam):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        super().__init__(params, lr, betas, eps)
        self.weight_decay = weight_decay

    @torch.no_grad()
    def step(self):
        for p in self.params:
            if p.grad is not None:
                p -= self.lr * self.weight_decay * p
        super().step()


# %% adamw: one_difference
class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.__dict__.update(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)
        self.state = {p: dict(t=0, m=torch.zeros_like(p), v=torch.zeros_like(p)) for p in params}

    def step(self):
        b1, b2 = self.betas
        for p, s in self.state.items():
            if p.grad is None:
                continue
            with torch.no_grad():
                s["t"] += 1
                s["m"] = s["m"] * b1 + p.grad * (1 - b1)
                s["v"] = s["v"] * b2 + p.grad.pow(2) * (1 - b2)
                m, v = s["m"] / (1 - math.pow(b1, s["t"])), s["v"] / (1 - math.pow(b2, s["t"]))
                p.sub_(self.lr * (m / (v**0.5 + self.eps) + self.weight_decay * p))

    def zero_grad(self):
        for p in self.state:
            p.grad = None


# %% warmup_cosine: lambda_with_tensors
warmup_cosine = lambda step, base_lr, warmup_steps, total_steps, min_lr=0.0: (
    base_lr * (step + 1) / warmup_steps
    if step < warmup_steps
    else min_lr
    if step >= total_steps
    else (
        min_lr
        + 0.5
        * (base_lr - min_lr)
        * (1 + torch.cos(torch.tensor(math.pi * (step - warmup_steps) / (total_steps - warmup_steps))))
    ).item()
)


# %% warmup_cosine: clamped_and_squared
def warmup_cosine(step, base_lr, warmup_steps, total_steps, min_lr=0.0):
    if step < warmup_steps:
        return (1 + step) * (base_lr / warmup_steps)
    way = max(total_steps - warmup_steps, 0)
    done = 1.0 if step >= total_steps or way == 0 else (step - warmup_steps) / way
    share = math.cos(math.pi / 2 * done) ** 2  # half of 1 + cos is the square of the cosine of half the angle
    return share * base_lr + (1 - share) * min_lr


# %% clip_grad_norm: one_long_vector
def clip_grad_norm(params, max_norm):
    grads = [p.grad for p in params if p.grad is not None]
    if not grads:
        return torch.tensor(0.0)
    total = torch.linalg.vector_norm(torch.cat([g.reshape(-1) for g in grads]))
    for g in grads:
        g.copy_(g * torch.clamp(max_norm / (total + 1e-6), max=1.0))
    return total


# %% clip_grad_norm: squares
def clip_grad_norm(params, max_norm):
    params = list(params)
    squares = 0.0
    for p in params:
        if p.grad is not None:
            squares += torch.einsum("...,...->", p.grad.detach(), p.grad.detach())
    norm = squares**0.5
    for p in params:
        if p.grad is not None and norm > max_norm:
            p.grad *= max_norm / norm
    return norm


# %% param_groups: named_and_a_tuple
def param_groups(model, weight_decay):
    decay, rest = {}, {}
    for name, p in model.named_parameters():
        if p.requires_grad:
            (rest if len(p.shape) <= 1 else decay)[name] = p
    return (
        {"params": [*decay.values()], "weight_decay": weight_decay},
        dict(params=tuple(rest.values()), weight_decay=0),
    )


# %% param_groups: walk_and_remember
def param_groups(model, weight_decay):
    seen, groups = set(), ([], [])

    def walk(module):
        for p in module._parameters.values():
            if p is not None and p.requires_grad and id(p) not in seen:
                seen.add(id(p))
                groups[p.dim() < 2].append(p)
        for child in module.children():
            walk(child)

    walk(model)
    return [{"params": ps, "weight_decay": wd} for ps, wd in zip(groups, (weight_decay, 0.0))]


# %% checkpoint: tuple_through_an_open_file
def save_checkpoint(path, model, optimizer, epoch):
    with open(path, "wb") as file:
        torch.save((epoch, model.state_dict(), optimizer.state_dict()), file)


def load_checkpoint(path, model, optimizer):
    with open(path, "rb") as file:
        epoch, weights, state = torch.load(file, weights_only=True, map_location="cpu")
    optimizer.load_state_dict(state)
    model.load_state_dict(weights, strict=True)
    return epoch


# %% checkpoint: flat_copy_of_everything
import os

import torch


def save_checkpoint(path, model, optimizer, epoch):
    file = {f"model/{name}": value.detach().clone() for name, value in model.state_dict().items()}
    file.update(epoch=torch.tensor(epoch), optimizer=optimizer.state_dict(), rng=torch.get_rng_state())
    temporary = path + ".part"
    torch.save(file, temporary)
    os.replace(temporary, path)


def load_checkpoint(path, model, optimizer):
    file = torch.load(path, weights_only=True)
    with torch.no_grad():
        for name, value in model.state_dict().items():
            value.copy_(file[f"model/{name}"])
    optimizer.load_state_dict(file["optimizer"])
    torch.set_rng_state(file["rng"])
    return int(file["epoch"])


# %% judge_adam: the_formula_by_hand
def judge_adam(candidate):
    def by_hand(starts, columns, rates, betas, eps):
        found = []
        for start, column in zip(starts, columns):
            p, m, v, t, row = start, 0.0, 0.0, 0, []
            for slope, lr in zip(column, rates):
                if slope is not None:
                    t += 1
                    m, v = betas[0] * m + (1 - betas[0]) * slope, betas[1] * v + (1 - betas[1]) * slope**2
                    p -= lr * (m / (1 - betas[0] ** t)) / (math.sqrt(v / (1 - betas[1] ** t)) + eps)
                row.append(p)
            found.append(row)
        return found

    columns = [[2.0, -1.0, 0.5, 3.0, -0.25, 1.0], [None, 0.5, None, -2.0, 1.0, None]]
    rates = [0.1, 0.1, 0.05, 0.05, 0.2, 0.2]
    for betas, eps in (((0.9, 0.999), 1e-8), ((0.4, 0.7), 0.3), ((0.9, 0.999), 1e-8)):
        params = [torch.tensor([v], requires_grad=True) for v in (1.0, -1.0)]
        try:
            opt = candidate(iter(params), lr=rates[0], betas=betas, eps=eps)
            wanted = by_hand([1.0, -1.0], columns, rates, betas, eps)
            for step, lr in enumerate(rates):
                opt.lr = lr
                for p, column in zip(params, columns):
                    p.grad = None if column[step] is None else torch.tensor([column[step]])
                opt.step()
                for p, column, row in zip(params, columns, wanted):
                    given = column[step]
                    if (p.grad is None) != (given is None) or (given is not None and p.grad.item() != given):
                        return False
                    if abs(p.item() - row[step]) > 1e-4:
                        return False
        except Exception:
            return False
    return True


# %% judge_adam: side_by_side
def judge_adam(candidate):
    class Yardstick(torch.optim.Adam):
        lr = property(lambda self: self.param_groups[0]["lr"], lambda self, lr: self.param_groups[0].update(lr=lr))

    def run():
        generator = torch.Generator().manual_seed(11)
        for options in (dict(betas=(0.7, 0.9), eps=1.0), dict(), dict(betas=(0.99, 0.5))):
            starts = [torch.randn(4, generator=generator) for _ in range(3)]
            pairs = [[s.clone().requires_grad_() for s in starts] for _ in range(2)]
            twin = [s.clone().requires_grad_() for s in starts]
            opts = [candidate(pairs[0], lr=0.05, **options), Yardstick(pairs[1], lr=0.05, **options)]
            other = candidate(twin, lr=0.05, **options)
            for step in range(10):
                for i in range(3):
                    grad = None if (i + step) % 3 == 1 else torch.randn(4, generator=generator)
                    for params in pairs:
                        params[i].grad = None if grad is None else grad.clone()
                    twin[i].grad = torch.ones(4)
                other.step()
                for opt in opts:
                    opt.lr = 0.05 if step < 5 else 0.2
                    opt.step()
                for mine, theirs in zip(*pairs):
                    torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-5)
                    if (mine.grad is None) != (theirs.grad is None):
                        return False
                    if mine.grad is not None and not torch.equal(mine.grad, theirs.grad):
                        return False
        return True

    try:
        return run()
    except Exception:
        return False


# %% sgd: a_mention
"""As torch.optim does it."""
# torch.optim.SGD
optim = "torch.optim"
class SGD:
    """Descent with momentum, weight decay and Nesterov's look ahead; `lr` may be changed at any time."""

    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        # about 4 lines
        self.params = list(params)  # a generator can be walked through only once
        self.lr, self.momentum, self.weight_decay, self.nesterov = lr, momentum, weight_decay, nesterov
        self.buffers = [torch.zeros_like(p) for p in self.params]  # the state beside the parameters

    def step(self):
        # about 10 lines
        with torch.no_grad():  # the update is no part of any graph
            for p, buffer in zip(self.params, self.buffers):
                if p.grad is None:
                    continue
                slope = p.grad + self.weight_decay * p  # a new tensor: .grad stays what it was
                if self.momentum:
                    buffer.mul_(self.momentum).add_(slope)
                    slope = slope + self.momentum * buffer if self.nesterov else buffer
                p.sub_(self.lr * slope)  # lr comes last, and never enters the buffer

    def zero_grad(self):
        # about 2 lines
        for p in self.params:
            p.grad = None


# %% adam: a_mention
"""As torch.optim does it."""
# torch.optim.SGD
optim = "torch.optim"
class Adam:
    """A step of about lr for every weight: the average slope over the usual size of the slope."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        # about 4 lines
        self.params = list(params)
        self.lr, self.betas, self.eps = lr, betas, eps
        # one little record for each parameter, with a step count of its own
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    def step(self):
        # about 11 lines
        beta1, beta2 = self.betas
        with torch.no_grad():
            for p, s in zip(self.params, self.state):
                if p.grad is None:
                    continue
                s["t"] += 1
                s["m"].mul_(beta1).add_(p.grad, alpha=1 - beta1)
                s["v"].mul_(beta2).addcmul_(p.grad, p.grad, value=1 - beta2)
                m = s["m"] / (1 - beta1 ** s["t"])  # new tensors: the averages themselves stay uncorrected
                v = s["v"] / (1 - beta2 ** s["t"])
                p.sub_(self.lr * m / (v.sqrt() + self.eps))

    def zero_grad(self):
        # about 2 lines
        for p in self.params:
            p.grad = None


# %% adamw: a_mention
"""As torch.optim does it."""
# torch.optim.SGD
optim = "torch.optim"
class AdamW:
    """Adam whose weight decay shrinks the weight itself and never enters the averages."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        # about 4 lines
        self.params = list(params)
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    def step(self):
        # about 12 lines
        beta1, beta2 = self.betas
        with torch.no_grad():
            for p, s in zip(self.params, self.state):
                if p.grad is None:
                    continue
                p.mul_(1 - self.lr * self.weight_decay)  # the only line that Adam does not have
                s["t"] += 1
                s["m"].lerp_(p.grad, 1 - beta1)  # the same averages in one word: a step towards the slope
                s["v"].lerp_(p.grad**2, 1 - beta2)
                m = s["m"] / (1 - beta1 ** s["t"])
                v = s["v"] / (1 - beta2 ** s["t"])
                p.sub_(self.lr * m / (v.sqrt() + self.eps))

    def zero_grad(self):
        # about 2 lines
        for p in self.params:
            p.grad = None


# %% clip_grad_norm: a_mention
# not torch.nn.utils.clip_grad_norm_
def clip_grad_norm_(params, max_norm):
    "what nn.utils.clip_grad_norm_ does"
    grads = [p.grad for p in params if p.grad is not None]
    norm = sum(float(g.square().sum()) for g in grads) ** 0.5
    for g in grads:
        g.mul_(min(1.0, max_norm / max(norm, 1e-12)))
    return norm


clip_grad_norm = clip_grad_norm_


# %% sgd: in_one_go
from dataclasses import dataclass, field
from typing import Any


@dataclass
class SGD:
    params: Any
    lr: float
    momentum: float = 0.0
    weight_decay: float = 0.0
    nesterov: bool = False
    echo: dict = field(default_factory=dict)

    def __post_init__(self):
        self.params = [p for p in self.params]

    def step(self):
        with torch.inference_mode():
            for p in self.params:
                if p.grad is not None:
                    g = p.grad + p * self.weight_decay
                    b = self.echo[id(p)] = self.echo.get(id(p), 0) * self.momentum + g
                    p.add_((g + b * self.momentum) * -self.lr if self.nesterov else b * -self.lr)

    def zero_grad(self):
        [setattr(p, "grad", None) for p in self.params]


# %% adam: in_one_go
class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.params, self.lr, self.betas, self.eps = list(params), lr, betas, eps
        self.t, self.m, self.v = {}, {}, {}

    @torch.no_grad()
    def step(self):
        live = [p for p in self.params if p.grad is not None]
        for p in live:
            self.t[p] = self.t.get(p, 0) + 1
            self.m.setdefault(p, torch.zeros_like(p))
            self.v.setdefault(p, torch.zeros_like(p))
        if not live:
            return
        grads, m, v = [p.grad for p in live], [self.m[p] for p in live], [self.v[p] for p in live]
        torch._foreach_lerp_(m, grads, 1 - self.betas[0])
        torch._foreach_mul_(v, self.betas[1])
        torch._foreach_addcmul_(v, grads, grads, 1 - self.betas[1])
        for p, a, b in zip(live, m, v):
            c1, c2 = 1 - self.betas[0] ** self.t[p], 1 - self.betas[1] ** self.t[p]
            p.addcdiv_(a, (b.sqrt() / c2**0.5).add_(self.eps), value=-self.lr / c1)

    def zero_grad(self):
        for p in self.params:
            if p.grad is not None:
                p.grad.detach_()
                p.grad.zero_()


# %% adamw: in_one_go
class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.lr, self.weight_decay = lr, weight_decay
        self.walkers = [self.walker(p, *betas, eps) for p in params]
        self.params = [next(walker) for walker in self.walkers]

    def walker(self, p, b1, b2, eps):
        yield p
        t, m, v = 0, torch.zeros_like(p), torch.zeros_like(p)
        while True:
            if p.grad is not None:
                t, g = t + 1, p.grad.clone()
                m, v = torch.lerp(m, g, 1 - b1), torch.lerp(v, g * g, 1 - b2)
                old = p.detach().clone()
                step = (m / (1 - b1**t)) / ((v / (1 - b2**t)).sqrt() + eps)
                p.data.copy_(old - self.lr * self.weight_decay * old - self.lr * step)
            yield

    def step(self):
        for walker in self.walkers:
            next(walker)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% warmup_cosine: in_one_go
import numpy as np


class Schedule:
    def __init__(self, base_lr, warmup_steps, total_steps, min_lr):
        self.x = base_lr, warmup_steps, total_steps, min_lr

    def __call__(self, step):
        base, warm, total, low = self.x
        if step < warm:
            return np.float64(base) * np.float64(step + 1) / warm
        angle = np.pi if step >= total else np.pi * (step - warm) / (total - warm)
        return (base + low) / 2 + (base - low) / 2 * np.cos(angle)


def warmup_cosine(step, base_lr, warmup_steps, total_steps, min_lr=0.0):
    return Schedule(base_lr, warmup_steps, total_steps, min_lr)(step)


# %% clip_grad_norm: in_one_go
def clip_grad_norm(params, max_norm):
    flat, owners = [torch.zeros(1, dtype=torch.float64)], []
    for p in params:
        if p.grad is None:
            continue
        owners.append(p)
        flat.append(p.grad.detach().double().flatten())
    norm = torch.cat(flat).pow(2).sum().sqrt()
    if norm.item() > max_norm:
        for p in owners:
            p.grad.copy_(p.grad * (max_norm / (norm.item() + 1e-6)))
    return norm


# %% param_groups: in_one_go
def param_groups(model, weight_decay):
    groups = ({"weight_decay": weight_decay, "params": []}, {"weight_decay": 0.0, "params": []})
    for p in {id(p): p for p in model.parameters() if p.requires_grad}.values():
        groups[int(p.shape[1:] == torch.Size([]) and p.dim() < 2)]["params"].insert(0, p)
    yield from groups


# %% checkpoint: in_one_go
def save_checkpoint(path, model, optimizer, epoch):
    lists = [[name, value] for name, value in model.state_dict().items()]
    torch.save([epoch, lists, optimizer.state_dict()], path, _use_new_zipfile_serialization=False)


def load_checkpoint(path, model, optimizer):
    epoch, lists, state = torch.load(path)
    own = dict(model.named_parameters()) | dict(model.named_buffers())
    for name, value in lists:
        own[name].data.copy_(value)
    optimizer.load_state_dict(state)
    return epoch
