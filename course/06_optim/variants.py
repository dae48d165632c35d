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


# %% clip_grad_norm: library_pieces_that_are_allowed
def clip_grad_norm(params, max_norm):
    owners = tuple(p for p in params if p.grad is not None)
    total = nn.utils.get_total_norm([p.grad for p in owners]) if owners else torch.zeros(())
    with torch.no_grad():
        if total > max_norm:
            torch._foreach_mul_([p.grad for p in owners], (max_norm / total).item())
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
