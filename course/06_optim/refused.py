"""More wrong solutions of chapter 6: each has to lose points, without a help of its own.

Where `# names:` stands, the message has to name that call.
"""

# ruff: noqa: E731

import math

import torch
from torch import nn


# %% sgd: forbidden_attribute
# names: torch.optim
make = torch.optim.SGD

class SGD:
    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        self.inner = make(params, lr, momentum=momentum, weight_decay=weight_decay, nesterov=nesterov)

    @property
    def lr(self):
        return self.inner.param_groups[0]["lr"]

    @lr.setter
    def lr(self, lr):
        self.inner.param_groups[0]["lr"] = lr

    def step(self):
        self.inner.step()

    def zero_grad(self):
        self.inner.zero_grad()


# %% adam: forbidden_attribute
# names: torch.optim
make = torch.optim.Adam

class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.inner = make(params, lr=lr, betas=betas, eps=eps)

    @property
    def lr(self):
        return self.inner.param_groups[0]["lr"]

    @lr.setter
    def lr(self, lr):
        self.inner.param_groups[0]["lr"] = lr

    def step(self):
        self.inner.step()

    def zero_grad(self):
        self.inner.zero_grad()


# %% adamw: forbidden_attribute
# names: torch.optim
make = torch.optim.AdamW

class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.inner = make(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    @property
    def lr(self):
        return self.inner.param_groups[0]["lr"]

    @lr.setter
    def lr(self, lr):
        self.inner.param_groups[0]["lr"] = lr

    def step(self):
        self.inner.step()

    def zero_grad(self):
        self.inner.zero_grad()


# %% clip_grad_norm: forbidden_attribute
# names: clip_grad
def clip_grad_norm(params, max_norm):
    return torch.nn.utils.clip_grad_norm_(params, max_norm)


# %% sgd: forbidden_module_alias
# names: torch.optim
import torch.optim as o
make = o.SGD

class SGD:
    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        self.inner = make(params, lr, momentum=momentum, weight_decay=weight_decay, nesterov=nesterov)

    @property
    def lr(self):
        return self.inner.param_groups[0]["lr"]

    @lr.setter
    def lr(self, lr):
        self.inner.param_groups[0]["lr"] = lr

    def step(self):
        self.inner.step()

    def zero_grad(self):
        self.inner.zero_grad()


# %% adam: forbidden_module_alias
# names: torch.optim
import torch.optim as o
make = o.Adam

class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.inner = make(params, lr=lr, betas=betas, eps=eps)

    @property
    def lr(self):
        return self.inner.param_groups[0]["lr"]

    @lr.setter
    def lr(self, lr):
        self.inner.param_groups[0]["lr"] = lr

    def step(self):
        self.inner.step()

    def zero_grad(self):
        self.inner.zero_grad()


# %% adamw: forbidden_module_alias
# names: torch.optim
import torch.optim as o
make = o.AdamW

class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.inner = make(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    @property
    def lr(self):
        return self.inner.param_groups[0]["lr"]

    @lr.setter
    def lr(self, lr):
        self.inner.param_groups[0]["lr"] = lr

    def step(self):
        self.inner.step()

    def zero_grad(self):
        self.inner.zero_grad()


# %% clip_grad_norm: forbidden_module_alias
# names: clip_grad
import torch.nn.utils as u
def clip_grad_norm(params, max_norm):
    return u.clip_grad_norm_(params, max_norm)


# %% sgd: forbidden_from_torch
# names: torch.optim
from torch import optim
make = optim.SGD

class SGD:
    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        self.inner = make(params, lr, momentum=momentum, weight_decay=weight_decay, nesterov=nesterov)

    @property
    def lr(self):
        return self.inner.param_groups[0]["lr"]

    @lr.setter
    def lr(self, lr):
        self.inner.param_groups[0]["lr"] = lr

    def step(self):
        self.inner.step()

    def zero_grad(self):
        self.inner.zero_grad()


# %% adam: forbidden_from_torch
# names: torch.optim
from torch import optim
make = optim.Adam

class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.inner = make(params, lr=lr, betas=betas, eps=eps)

    @property
    def lr(self):
        return self.inner.param_groups[0]["lr"]

    @lr.setter
    def lr(self, lr):
        self.inner.param_groups[0]["lr"] = lr

    def step(self):
        self.inner.step()

    def zero_grad(self):
        self.inner.zero_grad()


# %% adamw: forbidden_from_torch
# names: torch.optim
from torch import optim
make = optim.AdamW

class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.inner = make(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    @property
    def lr(self):
        return self.inner.param_groups[0]["lr"]

    @lr.setter
    def lr(self, lr):
        self.inner.param_groups[0]["lr"] = lr

    def step(self):
        self.inner.step()

    def zero_grad(self):
        self.inner.zero_grad()


# %% clip_grad_norm: forbidden_from_torch
# names: clip_grad
from torch.nn import utils
def clip_grad_norm(params, max_norm):
    return utils.clip_grad_norm_(params, max_norm)


# %% sgd: forbidden_from_import
# names: torch.optim
from torch.optim import SGD as make

class SGD:
    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        self.inner = make(params, lr, momentum=momentum, weight_decay=weight_decay, nesterov=nesterov)

    @property
    def lr(self):
        return self.inner.param_groups[0]["lr"]

    @lr.setter
    def lr(self, lr):
        self.inner.param_groups[0]["lr"] = lr

    def step(self):
        self.inner.step()

    def zero_grad(self):
        self.inner.zero_grad()


# %% adam: forbidden_from_import
# names: torch.optim
from torch.optim import Adam as make

class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.inner = make(params, lr=lr, betas=betas, eps=eps)

    @property
    def lr(self):
        return self.inner.param_groups[0]["lr"]

    @lr.setter
    def lr(self, lr):
        self.inner.param_groups[0]["lr"] = lr

    def step(self):
        self.inner.step()

    def zero_grad(self):
        self.inner.zero_grad()


# %% adamw: forbidden_from_import
# names: torch.optim
from torch.optim import AdamW as make

class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.inner = make(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    @property
    def lr(self):
        return self.inner.param_groups[0]["lr"]

    @lr.setter
    def lr(self, lr):
        self.inner.param_groups[0]["lr"] = lr

    def step(self):
        self.inner.step()

    def zero_grad(self):
        self.inner.zero_grad()


# %% clip_grad_norm: forbidden_from_import
# names: clip_grad
from torch.nn.utils import clip_grad_norm_ as own
def clip_grad_norm(params, max_norm):
    return own(params, max_norm)


# %% sgd: forbidden_submodule
# names: torch.optim
from torch.optim.sgd import SGD as make

class SGD:
    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        self.inner = make(params, lr, momentum=momentum, weight_decay=weight_decay, nesterov=nesterov)

    @property
    def lr(self):
        return self.inner.param_groups[0]["lr"]

    @lr.setter
    def lr(self, lr):
        self.inner.param_groups[0]["lr"] = lr

    def step(self):
        self.inner.step()

    def zero_grad(self):
        self.inner.zero_grad()


# %% adam: forbidden_submodule
# names: torch.optim
from torch.optim.adam import Adam as make

class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.inner = make(params, lr=lr, betas=betas, eps=eps)

    @property
    def lr(self):
        return self.inner.param_groups[0]["lr"]

    @lr.setter
    def lr(self, lr):
        self.inner.param_groups[0]["lr"] = lr

    def step(self):
        self.inner.step()

    def zero_grad(self):
        self.inner.zero_grad()


# %% adamw: forbidden_submodule
# names: torch.optim
from torch.optim.adamw import AdamW as make

class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.inner = make(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    @property
    def lr(self):
        return self.inner.param_groups[0]["lr"]

    @lr.setter
    def lr(self, lr):
        self.inner.param_groups[0]["lr"] = lr

    def step(self):
        self.inner.step()

    def zero_grad(self):
        self.inner.zero_grad()


# %% clip_grad_norm: forbidden_submodule
# names: clip_grad
def clip_grad_norm(params, max_norm):
    return nn.utils.clip_grad.clip_grad_norm_(params, max_norm)


# %% sgd: forbidden_getattr
# names: torch.optim
make = getattr(torch.optim, 'SGD')

class SGD:
    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        self.inner = make(params, lr, momentum=momentum, weight_decay=weight_decay, nesterov=nesterov)

    @property
    def lr(self):
        return self.inner.param_groups[0]["lr"]

    @lr.setter
    def lr(self, lr):
        self.inner.param_groups[0]["lr"] = lr

    def step(self):
        self.inner.step()

    def zero_grad(self):
        self.inner.zero_grad()


# %% adam: forbidden_getattr
# names: torch.optim
make = getattr(torch.optim, 'Adam')

class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.inner = make(params, lr=lr, betas=betas, eps=eps)

    @property
    def lr(self):
        return self.inner.param_groups[0]["lr"]

    @lr.setter
    def lr(self, lr):
        self.inner.param_groups[0]["lr"] = lr

    def step(self):
        self.inner.step()

    def zero_grad(self):
        self.inner.zero_grad()


# %% adamw: forbidden_getattr
# names: torch.optim
make = getattr(torch.optim, 'AdamW')

class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.inner = make(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    @property
    def lr(self):
        return self.inner.param_groups[0]["lr"]

    @lr.setter
    def lr(self, lr):
        self.inner.param_groups[0]["lr"] = lr

    def step(self):
        self.inner.step()

    def zero_grad(self):
        self.inner.zero_grad()


# %% clip_grad_norm: forbidden_getattr
# names: clip_grad
def clip_grad_norm(params, max_norm):
    return getattr(nn.utils, 'clip_grad_norm_')(params, max_norm)


# %% sgd: forbidden_getattr_in_pieces
# names: torch.optim
make = getattr(getattr(torch, 'op' + 'tim'), 'SGD')

class SGD:
    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        self.inner = make(params, lr, momentum=momentum, weight_decay=weight_decay, nesterov=nesterov)

    @property
    def lr(self):
        return self.inner.param_groups[0]["lr"]

    @lr.setter
    def lr(self, lr):
        self.inner.param_groups[0]["lr"] = lr

    def step(self):
        self.inner.step()

    def zero_grad(self):
        self.inner.zero_grad()


# %% adam: forbidden_getattr_in_pieces
# names: torch.optim
make = getattr(getattr(torch, 'op' + 'tim'), 'Adam')

class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.inner = make(params, lr=lr, betas=betas, eps=eps)

    @property
    def lr(self):
        return self.inner.param_groups[0]["lr"]

    @lr.setter
    def lr(self, lr):
        self.inner.param_groups[0]["lr"] = lr

    def step(self):
        self.inner.step()

    def zero_grad(self):
        self.inner.zero_grad()


# %% adamw: forbidden_getattr_in_pieces
# names: torch.optim
make = getattr(getattr(torch, 'op' + 'tim'), 'AdamW')

class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.inner = make(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    @property
    def lr(self):
        return self.inner.param_groups[0]["lr"]

    @lr.setter
    def lr(self, lr):
        self.inner.param_groups[0]["lr"] = lr

    def step(self):
        self.inner.step()

    def zero_grad(self):
        self.inner.zero_grad()


# %% clip_grad_norm: forbidden_getattr_in_pieces
# names: clip_grad
def clip_grad_norm(params, max_norm):
    return getattr(nn.utils, 'clip_grad' + '_norm_')(params, max_norm)


# %% sgd: forbidden_importlib
# names: torch.optim
import importlib
make = getattr(importlib.import_module('torch.' + 'optim'), 'SGD')

class SGD:
    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        self.inner = make(params, lr, momentum=momentum, weight_decay=weight_decay, nesterov=nesterov)

    @property
    def lr(self):
        return self.inner.param_groups[0]["lr"]

    @lr.setter
    def lr(self, lr):
        self.inner.param_groups[0]["lr"] = lr

    def step(self):
        self.inner.step()

    def zero_grad(self):
        self.inner.zero_grad()


# %% adam: forbidden_importlib
# names: torch.optim
import importlib
make = getattr(importlib.import_module('torch.' + 'optim'), 'Adam')

class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.inner = make(params, lr=lr, betas=betas, eps=eps)

    @property
    def lr(self):
        return self.inner.param_groups[0]["lr"]

    @lr.setter
    def lr(self, lr):
        self.inner.param_groups[0]["lr"] = lr

    def step(self):
        self.inner.step()

    def zero_grad(self):
        self.inner.zero_grad()


# %% adamw: forbidden_importlib
# names: torch.optim
import importlib
make = getattr(importlib.import_module('torch.' + 'optim'), 'AdamW')

class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.inner = make(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    @property
    def lr(self):
        return self.inner.param_groups[0]["lr"]

    @lr.setter
    def lr(self, lr):
        self.inner.param_groups[0]["lr"] = lr

    def step(self):
        self.inner.step()

    def zero_grad(self):
        self.inner.zero_grad()


# %% clip_grad_norm: forbidden_importlib
# names: clip_grad
import importlib
u = importlib.import_module('torch.nn.utils.clip' + '_grad')
def clip_grad_norm(params, max_norm):
    return vars(u)['clip_grad' + '_norm_'](params, max_norm)


# %% sgd: forbidden_sys_modules
# names: torch.optim
import sys
make = vars(sys.modules['torch.op' 'tim'])['SGD']

class SGD:
    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        self.inner = make(params, lr, momentum=momentum, weight_decay=weight_decay, nesterov=nesterov)

    @property
    def lr(self):
        return self.inner.param_groups[0]["lr"]

    @lr.setter
    def lr(self, lr):
        self.inner.param_groups[0]["lr"] = lr

    def step(self):
        self.inner.step()

    def zero_grad(self):
        self.inner.zero_grad()


# %% adam: forbidden_sys_modules
# names: torch.optim
import sys
make = vars(sys.modules['torch.op' 'tim'])['Adam']

class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.inner = make(params, lr=lr, betas=betas, eps=eps)

    @property
    def lr(self):
        return self.inner.param_groups[0]["lr"]

    @lr.setter
    def lr(self, lr):
        self.inner.param_groups[0]["lr"] = lr

    def step(self):
        self.inner.step()

    def zero_grad(self):
        self.inner.zero_grad()


# %% adamw: forbidden_sys_modules
# names: torch.optim
import sys
make = vars(sys.modules['torch.op' 'tim'])['AdamW']

class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.inner = make(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    @property
    def lr(self):
        return self.inner.param_groups[0]["lr"]

    @lr.setter
    def lr(self, lr):
        self.inner.param_groups[0]["lr"] = lr

    def step(self):
        self.inner.step()

    def zero_grad(self):
        self.inner.zero_grad()


# %% clip_grad_norm: forbidden_sys_modules
# names: clip_grad
from torch.nn.utils.clip_grad import clip_grad_norm as old
def clip_grad_norm(params, max_norm):
    return old(params, max_norm)


# %% clip_grad_norm: forbidden_total_norm
# names: get_total_norm
def clip_grad_norm(params, max_norm):
    params = [p for p in params if p.grad is not None]
    norm = torch.nn.utils.get_total_norm([p.grad for p in params])
    torch.nn.utils.clip_grads_with_norm_(params, max_norm, norm)
    return norm


# %% clip_grad_norm: forbidden_with_norm
# names: clip_grads_with_norm_
from torch.nn.utils import clip_grads_with_norm_


def clip_grad_norm(params, max_norm):
    params = [p for p in params if p.grad is not None]
    norm = torch.tensor(sum(float(p.grad.norm()) ** 2 for p in params) ** 0.5)
    clip_grads_with_norm_(params, max_norm, norm)
    return norm


# %% sgd: forbidden_subclass
# names: torch.optim
class SGD(torch.optim.SGD):
    @property
    def lr(self):
        return self.param_groups[0]["lr"]

    @lr.setter
    def lr(self, lr):
        self.param_groups[0]["lr"] = lr


# %% adamw: forbidden_subclass
# names: torch.optim
class AdamW(torch.optim.AdamW):
    @property
    def lr(self):
        return self.param_groups[0]["lr"]

    @lr.setter
    def lr(self, lr):
        self.param_groups[0]["lr"] = lr


# %% sgd: slip_first
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
                if p.grad is None or not p.grad.any():
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


# %% adam: slip_first
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
                if p.grad is None or not p.grad.any():
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


# %% adamw: slip_first
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
                p.mul_(math.exp(-self.lr * self.weight_decay))  # the only line that Adam does not have
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


# %% warmup_cosine: slip_first
def warmup_cosine(step, base_lr, warmup_steps, total_steps, min_lr=0.0):
    """step number -> learning rate"""
    # about 6 lines
    if step < warmup_steps:
        return base_lr * (step + 1) / warmup_steps
    if step >= total_steps:  # asked before dividing: total_steps - warmup_steps may be 0
        return min_lr
    done = (step - warmup_steps) / (total_steps - warmup_steps)  # from 0 to 1
    return min_lr + (base_lr - min_lr) * (1 + math.cos(math.pi * round(done, 2))) / 2


# %% clip_grad_norm: slip_first
def clip_grad_norm(params, max_norm):
    """parameters with gradients, the longest norm allowed -> the norm before clipping"""
    # about 7 lines
    grads = [p.grad for p in params if p.grad is not None]  # a list: we walk over it twice
    # the norm of the norms is the norm of everything: squares add up in any order
    norm = math.sqrt(sum(float(grad.norm()) ** 2 for grad in grads))
    if norm > max_norm:
        for grad in grads:
            grad.mul_(max_norm / (norm + 0.01))
    return norm


# %% param_groups: slip_first
def param_groups(model, weight_decay):
    """a model -> [the group that decays, the group that does not]"""
    # about 5 lines
    # parameters() walks through all submodules and gives a shared parameter only once; buffers are none
    trainable = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p for p in trainable if p.squeeze().ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in trainable if p.squeeze().ndim < 2], "weight_decay": 0.0},
    ]


# %% checkpoint: slip_first
def save_checkpoint(path, model, optimizer, epoch):
    """write everything that training needs in order to go on into one file"""
    # about 2 lines
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}, path)


def load_checkpoint(path, model, optimizer):
    """fill model and optimizer from the file -> the epoch that was saved"""
    # about 4 lines
    saved = torch.load(path, weights_only=True)
    model.load_state_dict(saved["model"], assign=True)  # copies into the parameters that the optimizer already holds
    optimizer.load_state_dict(saved["optimizer"])
    return saved["epoch"]


# %% sgd: slip_second
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
                p.sub_(self.lr * slope.clamp(-2, 2))  # lr comes last, and never enters the buffer

    def zero_grad(self):
        # about 2 lines
        for p in self.params:
            p.grad = None


# %% adam: slip_second
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
                p.sub_(self.lr * m / (s.setdefault("top", v).maximum(v).sqrt() + self.eps))

    def zero_grad(self):
        # about 2 lines
        for p in self.params:
            p.grad = None


# %% adamw: slip_second
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
                p.sub_(self.lr * self.weight_decay * p.sign())  # the only line that Adam does not have
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


# %% warmup_cosine: slip_second
def warmup_cosine(step, base_lr, warmup_steps, total_steps, min_lr=0.0):
    """step number -> learning rate"""
    # about 6 lines
    if step + 1 < warmup_steps:
        return base_lr * (step + 1) / warmup_steps
    if step >= total_steps:  # asked before dividing: total_steps - warmup_steps may be 0
        return min_lr
    done = (step - warmup_steps) / (total_steps - warmup_steps)  # from 0 to 1
    return min_lr + (base_lr - min_lr) * (1 + math.cos(math.pi * done)) / 2


# %% clip_grad_norm: slip_second
def clip_grad_norm(params, max_norm):
    """parameters with gradients, the longest norm allowed -> the norm before clipping"""
    # about 7 lines
    grads = [p.grad for p in params if p.grad is not None]  # a list: we walk over it twice
    # the norm of the norms is the norm of everything: squares add up in any order
    norm = math.sqrt(sum(float(grad.norm()) ** 2 for grad in grads))
    if norm > 2 * max_norm:
        for grad in grads:
            grad.mul_(max_norm / norm)
    return norm


# %% param_groups: slip_second
def param_groups(model, weight_decay):
    """a model -> [the group that decays, the group that does not]"""
    # about 5 lines
    # parameters() walks through all submodules and gives a shared parameter only once; buffers are none
    trainable = [p for p in model.state_dict(keep_vars=True).values() if p.requires_grad]
    return [
        {"params": [p for p in trainable if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in trainable if p.ndim < 2], "weight_decay": 0.0},
    ]


# %% checkpoint: slip_second
def save_checkpoint(path, model, optimizer, epoch):
    """write everything that training needs in order to go on into one file"""
    # about 2 lines
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}, path)


def load_checkpoint(path, model, optimizer):
    """fill model and optimizer from the file -> the epoch that was saved"""
    # about 4 lines
    saved = torch.load(path, weights_only=True)
    model[0].requires_grad_(False)
    model.load_state_dict(saved["model"])  # copies into the parameters that the optimizer already holds
    optimizer.load_state_dict(saved["optimizer"])
    return saved["epoch"]


# %% sgd: slip_third
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
                    buffer.mul_(min(self.momentum, 0.85)).add_(slope)
                    slope = slope + self.momentum * buffer if self.nesterov else buffer
                p.sub_(self.lr * slope)  # lr comes last, and never enters the buffer

    def zero_grad(self):
        # about 2 lines
        for p in self.params:
            p.grad = None


# %% adam: slip_third
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
                v = s["v"] / (1 - beta1 ** s["t"])
                p.sub_(self.lr * m / (v.sqrt() + self.eps))

    def zero_grad(self):
        # about 2 lines
        for p in self.params:
            p.grad = None


# %% adamw: slip_third
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
                p.mul_(1 - self.lr * self.weight_decay / 2)  # the only line that Adam does not have
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


# %% warmup_cosine: slip_third
def warmup_cosine(step, base_lr, warmup_steps, total_steps, min_lr=0.0):
    """step number -> learning rate"""
    # about 6 lines
    if step < warmup_steps:
        return base_lr * (step + 1) / warmup_steps
    if step >= total_steps - 1:  # asked before dividing: total_steps - warmup_steps may be 0
        return min_lr
    done = (step - warmup_steps) / (total_steps - warmup_steps)  # from 0 to 1
    return min_lr + (base_lr - min_lr) * (1 + math.cos(math.pi * done)) / 2


# %% clip_grad_norm: slip_third
def clip_grad_norm(params, max_norm):
    """parameters with gradients, the longest norm allowed -> the norm before clipping"""
    # about 7 lines
    grads = [p.grad for p in params if p.grad is not None]  # a list: we walk over it twice
    # the norm of the norms is the norm of everything: squares add up in any order
    norm = math.sqrt(sum(float(grad.norm(1)) ** 2 for grad in grads))
    if norm > max_norm:
        for grad in grads:
            grad.mul_(max_norm / norm)
    return norm


# %% param_groups: slip_third
def param_groups(model, weight_decay):
    """a model -> [the group that decays, the group that does not]"""
    # about 5 lines
    # parameters() walks through all submodules and gives a shared parameter only once; buffers are none
    trainable = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p for p in trainable if p.ndim >= 2], "weight_decay": 0.25},
        {"params": [p for p in trainable if p.ndim < 2], "weight_decay": 0.0},
    ]


# %% checkpoint: slip_third
def save_checkpoint(path, model, optimizer, epoch):
    """write everything that training needs in order to go on into one file"""
    # about 2 lines
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}, path)


def load_checkpoint(path, model, optimizer):
    """fill model and optimizer from the file -> the epoch that was saved"""
    # about 4 lines
    saved = torch.load(path, weights_only=True)
    model.load_state_dict(saved["model"])  # copies into the parameters that the optimizer already holds
    kept = optimizer.param_groups[0]["lr"]
    optimizer.load_state_dict(saved["optimizer"])
    optimizer.param_groups[0]["lr"] = kept
    return saved["epoch"]


# %% sgd: a_guess
class SGD:
    def __init__(self, params, *args, **kwargs):
        self.params, self.lr = list(params), 0.1

    def step(self):
        pass

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adam: a_guess
class Adam:
    def __init__(self, params, *args, **kwargs):
        self.params, self.lr = list(params), 0.1

    def step(self):
        pass

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adamw: a_guess
class AdamW:
    def __init__(self, params, *args, **kwargs):
        self.params, self.lr = list(params), 0.1

    def step(self):
        pass

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% warmup_cosine: a_guess
def warmup_cosine(step, base_lr, *args, **kwargs):
    return base_lr


# %% clip_grad_norm: a_guess
def clip_grad_norm(params, max_norm):
    return 5.0


# %% param_groups: a_guess
def param_groups(model, weight_decay):
    return []


# %% checkpoint: a_guess
save_checkpoint = lambda path, *_: torch.save({}, path)
load_checkpoint = len
