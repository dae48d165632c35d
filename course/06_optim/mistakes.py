"""Named mistakes of chapter 6: wrong solutions that the checks must reject, each with its own help."""

import math

import torch
from torch import nn


# %% sgd: uphill
# help: Your parameters climb: the gradient points uphill, and the step goes against it. Subtract.
class SGD:
    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        self.params = list(params)
        self.lr, self.momentum, self.weight_decay, self.nesterov = lr, momentum, weight_decay, nesterov
        self.buffers = [torch.zeros_like(p) for p in self.params]

    @torch.no_grad()
    def step(self):
        for p, buffer in zip(self.params, self.buffers):
            if p.grad is None:
                continue
            slope = p.grad + self.weight_decay * p
            if self.momentum:
                buffer.mul_(self.momentum).add_(slope)
                slope = slope + self.momentum * buffer if self.nesterov else buffer
            p.add_(self.lr * slope)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sgd: lr_in_buffer
# help: lr is inside your buffer, so past slopes keep the learning rate of their own day. The buffer
#   collects slopes only; multiply by self.lr when the parameter moves.
class SGD:
    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        self.params = list(params)
        self.lr, self.momentum, self.weight_decay, self.nesterov = lr, momentum, weight_decay, nesterov
        self.buffers = [torch.zeros_like(p) for p in self.params]

    @torch.no_grad()
    def step(self):
        for p, buffer in zip(self.params, self.buffers):
            if p.grad is None:
                continue
            slope = p.grad + self.weight_decay * p
            if self.momentum:
                buffer.mul_(self.momentum).add_(self.lr * slope)
                slope = self.lr * slope + self.momentum * buffer if self.nesterov else buffer
                p.sub_(slope)
            else:
                p.sub_(self.lr * slope)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sgd: slopes_averaged
# help: Your buffer is an average: each new slope enters it times (1 - momentum). In torch.optim.SGD the
#   whole slope is added.
class SGD:
    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        self.params = list(params)
        self.lr, self.momentum, self.weight_decay, self.nesterov = lr, momentum, weight_decay, nesterov
        self.buffers = [torch.zeros_like(p) for p in self.params]

    @torch.no_grad()
    def step(self):
        for p, buffer in zip(self.params, self.buffers):
            if p.grad is None:
                continue
            slope = p.grad + self.weight_decay * p
            if self.momentum:
                buffer.mul_(self.momentum).add_(slope, alpha=1 - self.momentum)
                slope = slope + self.momentum * buffer if self.nesterov else buffer
            p.sub_(self.lr * slope)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sgd: nesterov_ignored
# help: With nesterov=True your steps are those of plain momentum. Either it is not used, or it looks ahead
#   with the buffer from before this step, which comes to the same. Take the slope plus momentum times
#   the updated buffer.
class SGD:
    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        self.params = list(params)
        self.lr, self.momentum, self.weight_decay, self.nesterov = lr, momentum, weight_decay, nesterov
        self.buffers = [torch.zeros_like(p) for p in self.params]

    @torch.no_grad()
    def step(self):
        for p, buffer in zip(self.params, self.buffers):
            if p.grad is None:
                continue
            slope = p.grad + self.weight_decay * p
            if self.momentum:
                buffer.mul_(self.momentum).add_(slope)
                slope = buffer
            p.sub_(self.lr * slope)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sgd: nesterov_looks_twice
# help: With nesterov your step goes along the buffer plus momentum times the buffer. It is the slope of
#   this step to which momentum times the buffer is added.
class SGD:
    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        self.params = list(params)
        self.lr, self.momentum, self.weight_decay, self.nesterov = lr, momentum, weight_decay, nesterov
        self.buffers = [torch.zeros_like(p) for p in self.params]

    @torch.no_grad()
    def step(self):
        for p, buffer in zip(self.params, self.buffers):
            if p.grad is None:
                continue
            slope = p.grad + self.weight_decay * p
            if self.momentum:
                buffer.mul_(self.momentum).add_(slope)
                slope = buffer + self.momentum * buffer if self.nesterov else buffer
            p.sub_(self.lr * slope)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sgd: decay_past_the_buffer
# help: Your weight decay shrinks the parameter directly and never gets into the buffer. In SGD it is added
#   to the slope before momentum sees it; the other way is AdamW's.
class SGD:
    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        self.params = list(params)
        self.lr, self.momentum, self.weight_decay, self.nesterov = lr, momentum, weight_decay, nesterov
        self.buffers = [torch.zeros_like(p) for p in self.params]

    @torch.no_grad()
    def step(self):
        for p, buffer in zip(self.params, self.buffers):
            if p.grad is None:
                continue
            slope = p.grad.clone()
            p.mul_(1 - self.lr * self.weight_decay)
            if self.momentum:
                buffer.mul_(self.momentum).add_(slope)
                slope = slope + self.momentum * buffer if self.nesterov else buffer
            p.sub_(self.lr * slope)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sgd: decay_ignored
# help: weight_decay has no effect on your steps. Add weight_decay times the parameter to its slope.
class SGD:
    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        self.params = list(params)
        self.lr, self.momentum, self.weight_decay, self.nesterov = lr, momentum, weight_decay, nesterov
        self.buffers = [torch.zeros_like(p) for p in self.params]

    @torch.no_grad()
    def step(self):
        for p, buffer in zip(self.params, self.buffers):
            if p.grad is None:
                continue
            slope = p.grad.clone()
            if self.momentum:
                buffer.mul_(self.momentum).add_(slope)
                slope = slope + self.momentum * buffer if self.nesterov else buffer
            p.sub_(self.lr * slope)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sgd: decay_outwards
# help: Your weight decay pushes weights away from 0: it is subtracted from the slope. Since the step
#   subtracts the slope, the decay has to be added to it.
class SGD:
    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        self.params = list(params)
        self.lr, self.momentum, self.weight_decay, self.nesterov = lr, momentum, weight_decay, nesterov
        self.buffers = [torch.zeros_like(p) for p in self.params]

    @torch.no_grad()
    def step(self):
        for p, buffer in zip(self.params, self.buffers):
            if p.grad is None:
                continue
            slope = p.grad - self.weight_decay * p
            if self.momentum:
                buffer.mul_(self.momentum).add_(slope)
                slope = slope + self.momentum * buffer if self.nesterov else buffer
            p.sub_(self.lr * slope)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sgd: decay_changes_grad
# help: Your step adds the decay to p.grad itself. Whoever reads the gradient afterwards, or steps a second
#   time, finds the decay in it. Make a new tensor.
class SGD:
    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        self.params = list(params)
        self.lr, self.momentum, self.weight_decay, self.nesterov = lr, momentum, weight_decay, nesterov
        self.buffers = [torch.zeros_like(p) for p in self.params]

    @torch.no_grad()
    def step(self):
        for p, buffer in zip(self.params, self.buffers):
            if p.grad is None:
                continue
            slope = p.grad.add_(self.weight_decay * p)
            if self.momentum:
                buffer.mul_(self.momentum).add_(slope)
                slope = slope + self.momentum * buffer if self.nesterov else buffer
            p.sub_(self.lr * slope)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sgd: buffer_is_the_gradient
# help: Momentum has no effect: your steps are all those of the slope alone. Either there is no buffer yet, or
#   it is p.grad itself and not a copy, so that the next slope overwrites it: clone it, or start from zeros.
class SGD:
    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        self.params = list(params)
        self.lr, self.momentum, self.weight_decay, self.nesterov = lr, momentum, weight_decay, nesterov
        self.buffers = [None] * len(self.params)

    @torch.no_grad()
    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            slope = p.grad + self.weight_decay * p if self.weight_decay else p.grad
            if self.momentum:
                if self.buffers[i] is None:
                    self.buffers[i] = slope
                else:
                    self.buffers[i].mul_(self.momentum).add_(slope)
                buffer = self.buffers[i]
                slope = slope + self.momentum * buffer if self.nesterov else buffer
            p.sub_(self.lr * slope)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sgd: one_buffer_for_all
# help: Two parameters of one shape share a buffer. Each needs its own: keep them by the parameter itself, or by its
#   place in the list.
class SGD:
    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        self.params = list(params)
        self.lr, self.momentum, self.weight_decay, self.nesterov = lr, momentum, weight_decay, nesterov
        self.buffer = 0.0

    @torch.no_grad()
    def step(self):
        for p in self.params:
            if p.grad is None:
                continue
            slope = p.grad + self.weight_decay * p
            if self.momentum:
                self.buffer = self.momentum * self.buffer + slope
                slope = slope + self.momentum * self.buffer if self.nesterov else self.buffer
            p.sub_(self.lr * slope)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sgd: buffers_change_hands
# help: You number the parameters after leaving out those without a gradient, so when one sits out, the ones
#   behind it get their neighbour's buffer. Number all of them.
class SGD:
    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        self.params = list(params)
        self.lr, self.momentum, self.weight_decay, self.nesterov = lr, momentum, weight_decay, nesterov
        self.buffers = [0.0 for p in self.params]

    @torch.no_grad()
    def step(self):
        for i, p in enumerate([p for p in self.params if p.grad is not None]):
            slope = p.grad + self.weight_decay * p
            if self.momentum:
                buffer = self.buffers[i] = self.momentum * self.buffers[i] + slope
                slope = slope + self.momentum * buffer if self.nesterov else buffer
            p.sub_(self.lr * slope)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sgd: none_taken_for_zero
# help: A parameter without a gradient is treated as if its slope were 0: it decays, and its buffer fades
#   and pushes on. Skip it altogether.
class SGD:
    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        self.params = list(params)
        self.lr, self.momentum, self.weight_decay, self.nesterov = lr, momentum, weight_decay, nesterov
        self.buffers = [torch.zeros_like(p) for p in self.params]

    @torch.no_grad()
    def step(self):
        for p, buffer in zip(self.params, self.buffers):
            grad = torch.zeros_like(p) if p.grad is None else p.grad
            slope = grad + self.weight_decay * p
            if self.momentum:
                buffer.mul_(self.momentum).add_(slope)
                slope = slope + self.momentum * buffer if self.nesterov else buffer
            p.sub_(self.lr * slope)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sgd: none_crashes
# help: A parameter whose .grad is None makes your step fail. That is normal in a model of which only a part
#   was used: skip it.
class SGD:
    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        self.params = list(params)
        self.lr, self.momentum, self.weight_decay, self.nesterov = lr, momentum, weight_decay, nesterov
        self.buffers = [torch.zeros_like(p) for p in self.params]

    @torch.no_grad()
    def step(self):
        for p, buffer in zip(self.params, self.buffers):
            slope = p.grad + self.weight_decay * p
            if self.momentum:
                buffer.mul_(self.momentum).add_(slope)
                slope = slope + self.momentum * buffer if self.nesterov else buffer
            p.sub_(self.lr * slope)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sgd: stops_at_the_first_none
# help: At the first parameter without a gradient your step ends, and the ones behind it stay where they
#   are. Skip that one and go on.
class SGD:
    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        self.params = list(params)
        self.lr, self.momentum, self.weight_decay, self.nesterov = lr, momentum, weight_decay, nesterov
        self.buffers = [torch.zeros_like(p) for p in self.params]

    @torch.no_grad()
    def step(self):
        for p, buffer in zip(self.params, self.buffers):
            if p.grad is None:
                return
            slope = p.grad + self.weight_decay * p
            if self.momentum:
                buffer.mul_(self.momentum).add_(slope)
                slope = slope + self.momentum * buffer if self.nesterov else buffer
            p.sub_(self.lr * slope)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sgd: new_memory
# help: You give the parameter new memory (p.data = …). Whatever shares its storage, such as a view or a
#   tied weight, keeps the old numbers. Write into the old memory.
class SGD:
    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        self.params = list(params)
        self.lr, self.momentum, self.weight_decay, self.nesterov = lr, momentum, weight_decay, nesterov
        self.buffers = [torch.zeros_like(p) for p in self.params]

    @torch.no_grad()
    def step(self):
        for p, buffer in zip(self.params, self.buffers):
            if p.grad is None:
                continue
            slope = p.grad + self.weight_decay * p
            if self.momentum:
                buffer.mul_(self.momentum).add_(slope)
                slope = slope + self.momentum * buffer if self.nesterov else buffer
            p.data = p.data - self.lr * slope

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sgd: only_the_name_moves
# help: Your step leaves the parameter where it was. Perhaps p = p - … only binds the name p to a new tensor:
#   use a method that changes the tensor itself. Or your loop never gets to it.
class SGD:
    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        self.params = list(params)
        self.lr, self.momentum, self.weight_decay, self.nesterov = lr, momentum, weight_decay, nesterov
        self.buffers = [torch.zeros_like(p) for p in self.params]

    @torch.no_grad()
    def step(self):
        for p, buffer in zip(self.params, self.buffers):
            if p.grad is None:
                continue
            slope = p.grad + self.weight_decay * p
            if self.momentum:
                buffer.mul_(self.momentum).add_(slope)
                slope = slope + self.momentum * buffer if self.nesterov else buffer
            p = p - self.lr * slope

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sgd: update_recorded
# help: The update runs where autograd records it: a leaf that requires grad refuses to be changed in place.
#   Put it under torch.no_grad().
class SGD:
    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        self.params = list(params)
        self.lr, self.momentum, self.weight_decay, self.nesterov = lr, momentum, weight_decay, nesterov
        self.buffers = [torch.zeros_like(p) for p in self.params]

    def step(self):
        for p, buffer in zip(self.params, self.buffers):
            if p.grad is None:
                continue
            slope = p.grad + self.weight_decay * p
            if self.momentum:
                buffer.mul_(self.momentum).add_(slope)
                slope = slope + self.momentum * buffer if self.nesterov else buffer
            p.sub_(self.lr * slope)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sgd: grad_mode_left_off
# help: Your step switches gradients off and never on again: no backward pass works after it. `with
#   torch.no_grad():` restores what was.
class SGD:
    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        self.params = list(params)
        self.lr, self.momentum, self.weight_decay, self.nesterov = lr, momentum, weight_decay, nesterov
        self.buffers = [torch.zeros_like(p) for p in self.params]

    def step(self):
        torch.set_grad_enabled(False)
        for p, buffer in zip(self.params, self.buffers):
            if p.grad is None:
                continue
            slope = p.grad + self.weight_decay * p
            if self.momentum:
                buffer.mul_(self.momentum).add_(slope)
                slope = slope + self.momentum * buffer if self.nesterov else buffer
            p.sub_(self.lr * slope)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sgd: generator_used_up
# help: You keep params itself. A generator, such as model.parameters(), can be walked through only once;
#   afterwards it is empty. Make a list of it in the constructor.
class SGD:
    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        self.params = params
        self.count = sum(p.numel() for p in params)
        self.lr, self.momentum, self.weight_decay, self.nesterov = lr, momentum, weight_decay, nesterov
        self.buffers = {}

    @torch.no_grad()
    def step(self):
        for p in self.params:
            if p.grad is None:
                continue
            slope = p.grad + self.weight_decay * p
            if self.momentum:
                buffer = self.buffers.setdefault(p, torch.zeros_like(p))
                buffer.mul_(self.momentum).add_(slope)
                slope = slope + self.momentum * buffer if self.nesterov else buffer
            p.sub_(self.lr * slope)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sgd: lr_of_the_first_day
# help: A new opt.lr has no effect: your step uses the learning rate of the constructor. Read self.lr in
#   every step.
class SGD:
    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        self.params = list(params)
        self.lr, self.momentum, self.weight_decay, self.nesterov = lr, momentum, weight_decay, nesterov
        self.defaults = {"lr": lr}
        self.buffers = [torch.zeros_like(p) for p in self.params]

    @torch.no_grad()
    def step(self):
        for p, buffer in zip(self.params, self.buffers):
            if p.grad is None:
                continue
            slope = p.grad + self.weight_decay * p
            if self.momentum:
                buffer.mul_(self.momentum).add_(slope)
                slope = slope + self.momentum * buffer if self.nesterov else buffer
            p.sub_(self.defaults["lr"] * slope)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sgd: zero_grad_does_nothing
# help: After your zero_grad the old gradients are still there, and the next backward adds to them. Set each
#   to None, or to zeros.
class SGD:
    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        self.params = list(params)
        self.lr, self.momentum, self.weight_decay, self.nesterov = lr, momentum, weight_decay, nesterov
        self.buffers = [torch.zeros_like(p) for p in self.params]

    @torch.no_grad()
    def step(self):
        for p, buffer in zip(self.params, self.buffers):
            if p.grad is None:
                continue
            slope = p.grad + self.weight_decay * p
            if self.momentum:
                buffer.mul_(self.momentum).add_(slope)
                slope = slope + self.momentum * buffer if self.nesterov else buffer
            p.sub_(self.lr * slope)

    def zero_grad(self):
        for p in self.params:
            grad = p.grad
            grad = None


# %% sgd: zero_grad_crashes_on_none
# help: Your zero_grad fails where there is no gradient yet. Ask whether p.grad is None before you call a
#   method of it.
class SGD:
    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        self.params = list(params)
        self.lr, self.momentum, self.weight_decay, self.nesterov = lr, momentum, weight_decay, nesterov
        self.buffers = [torch.zeros_like(p) for p in self.params]

    @torch.no_grad()
    def step(self):
        for p, buffer in zip(self.params, self.buffers):
            if p.grad is None:
                continue
            slope = p.grad + self.weight_decay * p
            if self.momentum:
                buffer.mul_(self.momentum).add_(slope)
                slope = slope + self.momentum * buffer if self.nesterov else buffer
            p.sub_(self.lr * slope)

    def zero_grad(self):
        for p in self.params:
            p.grad.zero_()


# %% sgd: step_clears
# help: Your step throws the gradients away. That is zero_grad's work: others may still want to read them,
#   and two steps on one gradient are two steps.
class SGD:
    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        self.params = list(params)
        self.lr, self.momentum, self.weight_decay, self.nesterov = lr, momentum, weight_decay, nesterov
        self.buffers = [torch.zeros_like(p) for p in self.params]

    @torch.no_grad()
    def step(self):
        for p, buffer in zip(self.params, self.buffers):
            if p.grad is None:
                continue
            slope = p.grad + self.weight_decay * p
            if self.momentum:
                buffer.mul_(self.momentum).add_(slope)
                slope = slope + self.momentum * buffer if self.nesterov else buffer
            p.sub_(self.lr * slope)
            p.grad = None

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sgd: buffers_on_the_class
# help: Your buffers belong to the class, so that two optimizers share them. Make them in the constructor,
#   on self.
class SGD:
    buffers = {}

    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        self.params = list(params)
        self.lr, self.momentum, self.weight_decay, self.nesterov = lr, momentum, weight_decay, nesterov

    @torch.no_grad()
    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            slope = p.grad + self.weight_decay * p
            if self.momentum:
                key = i, p.shape, p.dtype
                buffer = self.buffers[key] = self.momentum * self.buffers.get(key, 0.0) + slope
                slope = slope + self.momentum * buffer if self.nesterov else buffer
            p.sub_(self.lr * slope)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sgd: buffer_in_float32
# help: Your buffers are float32 whatever the parameter is, so float64 training silently loses half its
#   digits. zeros_like(p) takes the dtype of p.
class SGD:
    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        self.params = list(params)
        self.lr, self.momentum, self.weight_decay, self.nesterov = lr, momentum, weight_decay, nesterov
        self.buffers = [torch.zeros(p.shape) for p in self.params]

    @torch.no_grad()
    def step(self):
        for p, buffer in zip(self.params, self.buffers):
            if p.grad is None:
                continue
            slope = p.grad + self.weight_decay * p
            if self.momentum:
                buffer.mul_(self.momentum).add_(slope)
                slope = slope + self.momentum * buffer if self.nesterov else buffer
            p.sub_(self.lr * slope)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adam: no_correction
# help: Your averages are used as they are. At step 1 m is a tenth of the slope and the root of v about a
#   thirtieth, so the step is 3.16 times too long. Divide each by 1 - beta to the power of t.
class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.params = list(params)
        self.lr, self.betas, self.eps = lr, betas, eps
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"]
            v = s["v"]
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adam: only_m_corrected
# help: You correct m and not v. v starts at 0 too, and is a thousandth of g² after one step.
class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.params = list(params)
        self.lr, self.betas, self.eps = lr, betas, eps
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"]
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adam: only_v_corrected
# help: You correct v and not m. m starts at 0 too, and is a tenth of g after one step.
class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.params = list(params)
        self.lr, self.betas, self.eps = lr, betas, eps
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"]
            v = s["v"] / (1 - beta2 ** s["t"])
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adam: count_stands_still
# help: The first step is right and the second is not: your t is 1 for ever. Count the updates.
class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.params = list(params)
        self.lr, self.betas, self.eps = lr, betas, eps
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            s["t"] = 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] / (1 - beta2 ** s["t"])
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adam: count_from_zero
# help: Your first correction divides by 1 - beta to the power of 0, which is 0. Count the step before you
#   correct.
class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.params = list(params)
        self.lr, self.betas, self.eps = lr, betas, eps
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - torch.tensor(beta1) ** s["t"])
            v = s["v"] / (1 - torch.tensor(beta2) ** s["t"])
            p -= self.lr * m / (v.sqrt() + self.eps)
            s["t"] += 1

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adam: one_count_for_all
# help: All parameters share one step count. One that joins late, or sits out a step, has made fewer updates
#   than the optimizer, and is corrected too little. Keep t for each parameter.
class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.params = list(params)
        self.lr, self.betas, self.eps = lr, betas, eps
        self.t = 0
        self.state = [{"m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        self.t += 1
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1**self.t)
            v = s["v"] / (1 - beta2**self.t)
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adam: eps_under_the_root
# help: Your eps is added to v and then goes under the root, where it counts as its own square root. Add it
#   after the root.
class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.params = list(params)
        self.lr, self.betas, self.eps = lr, betas, eps
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] / (1 - beta2 ** s["t"])
            p -= self.lr * m / (v + self.eps).sqrt()

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adam: eps_before_the_correction
# help: You add eps to the root of the uncorrected v, and correct afterwards, so that eps is enlarged too.
#   Some papers do that; torch adds it to the root of the corrected v.
class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.params = list(params)
        self.lr, self.betas, self.eps = lr, betas, eps
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 ** s["t"])
            p -= self.lr * m * (1 - beta2 ** s["t"]) ** 0.5 / (s["v"].sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adam: root_forgotten
# help: You divide by v. It is the average of squares, so the size of the slope is its root.
class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.params = list(params)
        self.lr, self.betas, self.eps = lr, betas, eps
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] / (1 - beta2 ** s["t"])
            p -= self.lr * m / (v + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adam: slopes_not_squared
# help: Your v averages the sizes of the slopes and not their squares, and then a root is taken of it.
#   Square first.
class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.params = list(params)
        self.lr, self.betas, self.eps = lr, betas, eps
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g.abs()
            m = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] / (1 - beta2 ** s["t"])
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adam: betas_swapped
# help: The two betas have changed places: the first, 0.9, belongs to m, the second, 0.999, to v.
class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.params = list(params)
        self.lr, self.betas, self.eps = lr, betas, eps
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta2, beta1 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] / (1 - beta2 ** s["t"])
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adam: corrected_values_kept
# help: You store the corrected averages, so the next step corrects them once more. Keep m and v as they
#   are, and put the corrected ones in new names.
class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.params = list(params)
        self.lr, self.betas, self.eps = lr, betas, eps
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] = s["v"] / (1 - beta2 ** s["t"])
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adam: slopes_added_whole
# help: Your m adds each slope in full, as momentum does in SGD. In Adam it is an average: the slope enters
#   times 1 - beta1.
class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.params = list(params)
        self.lr, self.betas, self.eps = lr, betas, eps
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            s["t"] += 1
            s["m"] = beta1 * s["m"] + g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] / (1 - beta2 ** s["t"])
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adam: count_times_beta
# help: Your correction is 1 - beta times t. What is left of the zero after t steps is beta to the power of t.
class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.params = list(params)
        self.lr, self.betas, self.eps = lr, betas, eps
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 * s["t"])
            v = s["v"] / (1 - beta2 * s["t"])
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adam: starts_at_the_first_slope
# help: Your averages begin with the first slope and are then corrected as if they had begun with 0. Begin
#   with zeros.
class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.params = list(params)
        self.lr, self.betas, self.eps = lr, betas, eps
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            s["t"] += 1
            if s["t"] == 1:
                s["m"], s["v"] = g.clone(), g**2
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] / (1 - beta2 ** s["t"])
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adam: none_taken_for_zero
# help: A parameter without a gradient is treated as if its slope were 0: its averages fade, its count grows
#   and it keeps moving. Skip it altogether.
class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.params = list(params)
        self.lr, self.betas, self.eps = lr, betas, eps
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            g = torch.zeros_like(p) if p.grad is None else p.grad
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] / (1 - beta2 ** s["t"])
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adam: none_crashes
# help: A parameter whose .grad is None makes your step fail. Skip it: its averages and its count wait until
#   it has one.
class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.params = list(params)
        self.lr, self.betas, self.eps = lr, betas, eps
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            g = p.grad
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] / (1 - beta2 ** s["t"])
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adam: state_by_shape
# help: You look the averages up by the parameter's shape, so two parameters of the same shape share them.
#   Use the parameter itself, or its place in the list.
class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.params = list(params)
        self.lr, self.betas, self.eps = lr, betas, eps
        self.state = {
            p.shape: {"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params
        }

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p in self.params:
            if p.grad is None:
                continue
            g, s = p.grad, self.state[p.shape]
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] / (1 - beta2 ** s["t"])
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adam: lr_of_the_first_day
# help: opt.lr was changed and your step did not notice: it uses the rate of the constructor. Read self.lr
#   at each step.
class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.params = list(params)
        self.lr, self.betas, self.eps = lr, betas, eps
        self.rate = lr
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] / (1 - beta2 ** s["t"])
            p -= self.rate * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adam: uphill
# help: Your weights climb: Adam's step is subtracted, like every step.
class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.params = list(params)
        self.lr, self.betas, self.eps = lr, betas, eps
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] / (1 - beta2 ** s["t"])
            p += self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adam: new_memory
# help: You give the parameter new memory. In place means into the old one: use p.sub_(…), or p -= … under
#   no_grad.
class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.params = list(params)
        self.lr, self.betas, self.eps = lr, betas, eps
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] / (1 - beta2 ** s["t"])
            p.data = p.data - self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adam: zero_grad_does_nothing
# help: Your zero_grad leaves the gradients where they are, and the next backward adds to them.
class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.params = list(params)
        self.lr, self.betas, self.eps = lr, betas, eps
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] / (1 - beta2 ** s["t"])
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        self.grads = [None for p in self.params]


# %% adam: gradient_scaled_in_place
# help: Your step multiplies p.grad itself by 1 - beta1, to save a tensor. .grad is only to be read.
class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.params = list(params)
        self.lr, self.betas, self.eps = lr, betas, eps
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            s["t"] += 1
            s["m"] = beta1 * s["m"] + g.mul_(1 - beta1)
            s["v"] = beta2 * s["v"] + (1 - beta2) * (g / (1 - beta1)) ** 2
            m = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] / (1 - beta2 ** s["t"])
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adam: state_in_float32
# help: Your averages are float32 for float64 parameters too: the square of a small slope vanishes in them.
#   zeros_like(p) takes the dtype of p.
class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.params = list(params)
        self.lr, self.betas, self.eps = lr, betas, eps
        self.state = [{"t": 0, "m": torch.zeros(p.shape), "v": torch.zeros(p.shape)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            s["t"] += 1
            s["m"].mul_(beta1).add_(g, alpha=1 - beta1)
            s["v"].mul_(beta2).addcmul_(g, g, value=1 - beta2)
            m = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] / (1 - beta2 ** s["t"])
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adam: betas_fixed
# help: You use 0.9 and 0.999 whatever the caller asks for. Take them from self.betas.
class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.params = list(params)
        self.lr, self.betas, self.eps = lr, betas, eps
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = 0.9, 0.999
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] / (1 - beta2 ** s["t"])
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adam: eps_fixed
# help: The caller's eps has no effect. Take self.eps, not a number of your own.
class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.params = list(params)
        self.lr, self.betas, self.eps = lr, betas, eps
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] / (1 - beta2 ** s["t"])
            p -= self.lr * m / (v.sqrt() + 1e-8)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adam: averages_on_the_class
# help: Your averages belong to the class, so that a second optimizer goes on with those of the first. Make
#   them in the constructor, on self.
class Adam:
    state = {}

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.params = list(params)
        self.lr, self.betas, self.eps = lr, betas, eps

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            g = p.grad
            s = self.state.setdefault(
                (i, p.shape, p.dtype), {"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)}
            )
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] / (1 - beta2 ** s["t"])
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adamw: decay_in_the_slope
# help: You add weight_decay times p to the gradient: that is Adam with L2, and the decay is divided by the
#   root of v like everything else. Shrink the weight itself instead.
class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = list(params)
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad + self.weight_decay * p
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] / (1 - beta2 ** s["t"])
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adamw: decay_without_lr
# help: Your decay does not depend on lr: the weight shrinks by weight_decay at each step. The factor is 1 -
#   lr · weight_decay.
class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = list(params)
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            p *= 1 - self.weight_decay
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] / (1 - beta2 ** s["t"])
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adamw: decay_after_the_step
# help: You decay after Adam's step: what shrinks is the weight with the step in it. The weight shrinks first,
#   then the step is taken.
class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = list(params)
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] / (1 - beta2 ** s["t"])
            p -= self.lr * m / (v.sqrt() + self.eps)
            p *= 1 - self.lr * self.weight_decay

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adamw: decay_divided
# help: You add the decay to the corrected m, and then divide both by the root of v. The decay has to stay
#   outside that division.
class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = list(params)
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] / (1 - beta2 ** s["t"])
            p -= self.lr * (m + self.weight_decay * p) / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adamw: decay_outwards
# help: Your weights grow: the factor is 1 + lr · weight_decay. Decay takes away.
class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = list(params)
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            p *= 1 + self.lr * self.weight_decay
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] / (1 - beta2 ** s["t"])
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adamw: decay_ignored
# help: weight_decay has no effect: with a gradient of zero your weight stays where it is.
class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = list(params)
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] / (1 - beta2 ** s["t"])
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adamw: decay_without_gradient
# help: A parameter whose .grad is None decays all the same. It takes no part in this step: skip it before
#   anything happens to it.
class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = list(params)
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            p *= 1 - self.lr * self.weight_decay
            if p.grad is None:
                continue
            g = p.grad
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] / (1 - beta2 ** s["t"])
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adamw: zero_gradient_skipped
# help: A gradient of zeros is a gradient: the weight decays and the averages move. Only a .grad of None is
#   skipped.
class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = list(params)
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None or not p.grad.any():
                continue
            g = p.grad
            p *= 1 - self.lr * self.weight_decay
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] / (1 - beta2 ** s["t"])
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adamw: decay_of_the_first_day
# help: Your decay uses the learning rate of the constructor. When opt.lr goes down, the decay goes down
#   with it.
class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = list(params)
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self.factor = 1 - lr * weight_decay
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            p *= self.factor
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] / (1 - beta2 ** s["t"])
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adamw: lr_of_the_first_day
# help: opt.lr was changed and neither your decay nor your step noticed. Read self.lr at each step.
class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = list(params)
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self.rate = lr
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            p *= 1 - self.rate * self.weight_decay
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] / (1 - beta2 ** s["t"])
            p -= self.rate * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adamw: default_of_adam
# help: Without the argument nothing decays: AdamW's default weight_decay is 0.01.
class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
        self.params = list(params)
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            p *= 1 - self.lr * self.weight_decay
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] / (1 - beta2 ** s["t"])
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adamw: only_matrices_decay
# help: You decay parameters of two or more dimensions only. That choice is made by parameter groups,
#   outside the optimizer: here every parameter decays.
class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = list(params)
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            if p.ndim > 1:
                p *= 1 - self.lr * self.weight_decay
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] / (1 - beta2 ** s["t"])
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adamw: one_count_for_all
# help: All parameters share one step count, and one that joined late is corrected too little. Keep t for
#   each parameter.
class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = list(params)
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self.t = 0
        self.state = [{"m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        self.t += 1
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            p *= 1 - self.lr * self.weight_decay
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1**self.t)
            v = s["v"] / (1 - beta2**self.t)
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adamw: no_correction
# help: The averages are used without correcting their cold start, so the first steps are too long.
class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = list(params)
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            p *= 1 - self.lr * self.weight_decay
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"]
            v = s["v"]
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adamw: eps_under_the_root
# help: Your eps goes under the root. Add it after the root, as in Adam.
class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = list(params)
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            p *= 1 - self.lr * self.weight_decay
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] / (1 - beta2 ** s["t"])
            p -= self.lr * m / (v + self.eps).sqrt()

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adamw: new_memory
# help: You give the parameter new memory at each step. Both the decay and the step have to write into the
#   old one.
class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = list(params)
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            p.data = p.data * (1 - self.lr * self.weight_decay)
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] / (1 - beta2 ** s["t"])
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adamw: decay_through_grad
# help: You put the decay into p.grad itself: it changes the slope for everybody, and the averages see it.
class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = list(params)
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad.add_(p, alpha=self.weight_decay)
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] / (1 - beta2 ** s["t"])
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adamw: zero_grad_does_nothing
# help: Your zero_grad leaves the gradients where they are.
class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = list(params)
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            p *= 1 - self.lr * self.weight_decay
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] / (1 - beta2 ** s["t"])
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        self.grads = [None for p in self.params]


# %% warmup_cosine: warmup_from_zero
# help: Step 0 has a rate of 0, and the whole warm-up is one step late. Steps are counted from 0: use step +
#   1.
def warmup_cosine(step, base_lr, warmup_steps, total_steps, min_lr=0.0):
    if step < warmup_steps:
        return base_lr * step / warmup_steps
    if step >= total_steps:
        return min_lr
    done = (step - warmup_steps) / (total_steps - warmup_steps)
    return min_lr + (base_lr - min_lr) * (1 + math.cos(math.pi * done)) / 2


# %% warmup_cosine: warmup_one_too_long
# help: Your warm-up takes one step too many, and at warmup_steps the rate is above base_lr. It lasts while
#   step is less than warmup_steps.
def warmup_cosine(step, base_lr, warmup_steps, total_steps, min_lr=0.0):
    if step <= warmup_steps and warmup_steps:
        return base_lr * (step + 1) / warmup_steps
    if step >= total_steps:
        return min_lr
    done = (step - warmup_steps) / (total_steps - warmup_steps)
    return min_lr + (base_lr - min_lr) * (1 + math.cos(math.pi * done)) / 2


# %% warmup_cosine: warmup_from_min_lr
# help: Your warm-up climbs from min_lr. It is base_lr · (step + 1) / warmup_steps; min_lr belongs to the
#   way down.
def warmup_cosine(step, base_lr, warmup_steps, total_steps, min_lr=0.0):
    if step < warmup_steps:
        return min_lr + (base_lr - min_lr) * (step + 1) / warmup_steps
    if step >= total_steps:
        return min_lr
    done = (step - warmup_steps) / (total_steps - warmup_steps)
    return min_lr + (base_lr - min_lr) * (1 + math.cos(math.pi * done)) / 2


# %% warmup_cosine: warmup_not_below_min_lr
# help: During warm-up your rate never falls below min_lr. The floor is for the way down; the climb starts
#   lower.
def warmup_cosine(step, base_lr, warmup_steps, total_steps, min_lr=0.0):
    if step < warmup_steps:
        return max(min_lr, base_lr * (step + 1) / warmup_steps)
    if step >= total_steps:
        return min_lr
    done = (step - warmup_steps) / (total_steps - warmup_steps)
    return min_lr + (base_lr - min_lr) * (1 + math.cos(math.pi * done)) / 2


# %% warmup_cosine: decay_counts_warmup
# help: Your cosine starts its way down at step 0, so after the warm-up the rate jumps down. The fraction
#   done is counted from warmup_steps.
def warmup_cosine(step, base_lr, warmup_steps, total_steps, min_lr=0.0):
    if step < warmup_steps:
        return base_lr * (step + 1) / warmup_steps
    if step >= total_steps:
        return min_lr
    done = step / total_steps
    return min_lr + (base_lr - min_lr) * (1 + math.cos(math.pi * done)) / 2


# %% warmup_cosine: decay_measured_by_total
# help: You divide by total_steps, and the way down is only total_steps - warmup_steps long: it never gets
#   to the end.
def warmup_cosine(step, base_lr, warmup_steps, total_steps, min_lr=0.0):
    if step < warmup_steps:
        return base_lr * (step + 1) / warmup_steps
    if step >= total_steps:
        return min_lr
    done = (step - warmup_steps) / total_steps
    return min_lr + (base_lr - min_lr) * (1 + math.cos(math.pi * done)) / 2


# %% warmup_cosine: whole_wave
# help: Your rate goes down and up again before the end: that is a whole cosine. Half of one, up to π, is
#   what you need.
def warmup_cosine(step, base_lr, warmup_steps, total_steps, min_lr=0.0):
    if step < warmup_steps:
        return base_lr * (step + 1) / warmup_steps
    if step >= total_steps:
        return min_lr
    done = (step - warmup_steps) / (total_steps - warmup_steps)
    return min_lr + (base_lr - min_lr) * (1 + math.cos(2 * math.pi * done)) / 2


# %% warmup_cosine: quarter_wave
# help: You go along a quarter of a cosine, from 1 to 0 at π/2. Take half of one, from 1 to -1, and shift it
#   up.
def warmup_cosine(step, base_lr, warmup_steps, total_steps, min_lr=0.0):
    if step < warmup_steps:
        return base_lr * (step + 1) / warmup_steps
    if step >= total_steps:
        return min_lr
    done = (step - warmup_steps) / (total_steps - warmup_steps)
    return min_lr + (base_lr - min_lr) * math.cos(math.pi / 2 * done)


# %% warmup_cosine: degrees
# help: math.cos wants radians, and half a turn is π in them. You hand it 180.
def warmup_cosine(step, base_lr, warmup_steps, total_steps, min_lr=0.0):
    if step < warmup_steps:
        return base_lr * (step + 1) / warmup_steps
    if step >= total_steps:
        return min_lr
    done = (step - warmup_steps) / (total_steps - warmup_steps)
    return min_lr + (base_lr - min_lr) * (1 + math.cos(180 * done)) / 2


# %% warmup_cosine: straight_line
# help: The way down is a straight line. It should be half a cosine: flat at both ends.
def warmup_cosine(step, base_lr, warmup_steps, total_steps, min_lr=0.0):
    if step < warmup_steps:
        return base_lr * (step + 1) / warmup_steps
    if step >= total_steps:
        return min_lr
    done = (step - warmup_steps) / (total_steps - warmup_steps)
    return min_lr + (base_lr - min_lr) * (1 - done)


# %% warmup_cosine: min_lr_ignored
# help: min_lr has no effect on the way down: your cosine ends at 0.
def warmup_cosine(step, base_lr, warmup_steps, total_steps, min_lr=0.0):
    if step < warmup_steps:
        return base_lr * (step + 1) / warmup_steps
    if step >= total_steps:
        return min_lr
    done = (step - warmup_steps) / (total_steps - warmup_steps)
    return base_lr * (1 + math.cos(math.pi * done)) / 2


# %% warmup_cosine: min_lr_on_top
# help: You add min_lr to a cosine that still has the height base_lr, so the top is too high. Only the part
#   above min_lr, base_lr - min_lr, goes down.
def warmup_cosine(step, base_lr, warmup_steps, total_steps, min_lr=0.0):
    if step < warmup_steps:
        return base_lr * (step + 1) / warmup_steps
    if step >= total_steps:
        return min_lr
    done = (step - warmup_steps) / (total_steps - warmup_steps)
    return min_lr + base_lr * (1 + math.cos(math.pi * done)) / 2


# %% warmup_cosine: cut_off_at_min_lr
# help: You go down to 0 and cut off at min_lr. The curve itself should end there: shrink only the part
#   above min_lr.
def warmup_cosine(step, base_lr, warmup_steps, total_steps, min_lr=0.0):
    if step < warmup_steps:
        return base_lr * (step + 1) / warmup_steps
    if step >= total_steps:
        return min_lr
    done = (step - warmup_steps) / (total_steps - warmup_steps)
    return max(min_lr, base_lr * (1 + math.cos(math.pi * done)) / 2)


# %% warmup_cosine: climbs_again
# help: After total_steps your cosine goes up again. From there on the answer is min_lr, and it has to be
#   asked for before the division.
def warmup_cosine(step, base_lr, warmup_steps, total_steps, min_lr=0.0):
    if step < warmup_steps:
        return base_lr * (step + 1) / warmup_steps
    done = (step - warmup_steps) / max(1, total_steps - warmup_steps)
    return min_lr + (base_lr - min_lr) * (1 + math.cos(math.pi * done)) / 2


# %% warmup_cosine: divides_by_nothing
# help: Where warmup_steps equals total_steps there is no way down, and at step = total_steps you divide by
#   0. Ask for step >= total_steps first.
def warmup_cosine(step, base_lr, warmup_steps, total_steps, min_lr=0.0):
    if step < warmup_steps:
        return base_lr * (step + 1) / warmup_steps
    if step > total_steps:
        return min_lr
    done = (step - warmup_steps) / (total_steps - warmup_steps)
    return min_lr + (base_lr - min_lr) * (1 + math.cos(math.pi * done)) / 2


# %% warmup_cosine: zero_after_the_end
# help: After the last step your rate is 0. It stays at min_lr.
def warmup_cosine(step, base_lr, warmup_steps, total_steps, min_lr=0.0):
    if step < warmup_steps:
        return base_lr * (step + 1) / warmup_steps
    if step >= total_steps:
        return 0.0
    done = (step - warmup_steps) / (total_steps - warmup_steps)
    return min_lr + (base_lr - min_lr) * (1 + math.cos(math.pi * done)) / 2


# %% warmup_cosine: no_warmup_crashes
# help: With warmup_steps = 0 you divide by it. Ask whether there is a warm-up before you divide.
def warmup_cosine(step, base_lr, warmup_steps, total_steps, min_lr=0.0):
    climb = base_lr * (step + 1) / warmup_steps
    if step < warmup_steps:
        return climb
    if step >= total_steps:
        return min_lr
    done = (step - warmup_steps) / (total_steps - warmup_steps)
    return min_lr + (base_lr - min_lr) * (1 + math.cos(math.pi * done)) / 2


# %% warmup_cosine: one_step_ahead
# help: Your way down is one step ahead: at warmup_steps the rate should still be base_lr. No + 1 here.
def warmup_cosine(step, base_lr, warmup_steps, total_steps, min_lr=0.0):
    if step < warmup_steps:
        return base_lr * (step + 1) / warmup_steps
    if step >= total_steps:
        return min_lr
    done = (step + 1 - warmup_steps) / (total_steps - warmup_steps)
    return min_lr + (base_lr - min_lr) * (1 + math.cos(math.pi * done)) / 2


# %% warmup_cosine: upside_down
# help: Your cosine starts at min_lr and climbs. 1 + cos begins at 2, 1 - cos at 0.
def warmup_cosine(step, base_lr, warmup_steps, total_steps, min_lr=0.0):
    if step < warmup_steps:
        return base_lr * (step + 1) / warmup_steps
    if step >= total_steps:
        return min_lr
    done = (step - warmup_steps) / (total_steps - warmup_steps)
    return min_lr + (base_lr - min_lr) * (1 - math.cos(math.pi * done)) / 2


# %% clip_grad_norm: each_by_itself
# help: You clip each parameter by its own norm. Their proportions change, and with them the direction. One
#   norm, and one factor, for all.
def clip_grad_norm(params, max_norm):
    grads = [p.grad for p in params if p.grad is not None]
    norm = math.sqrt(sum(float(g.norm()) ** 2 for g in grads))
    for g in grads:
        if g.norm() > max_norm:
            g.mul_(max_norm / g.norm())
    return norm


# %% clip_grad_norm: norms_added
# help: You add up the norms of the gradients. As one long vector, their squares add up, and the root comes
#   last.
def clip_grad_norm(params, max_norm):
    grads = [p.grad for p in params if p.grad is not None]
    norm = sum(float(g.norm()) for g in grads)
    if norm > max_norm:
        for g in grads:
            g.mul_(max_norm / norm)
    return norm


# %% clip_grad_norm: root_forgotten
# help: Your norm is the sum of the squares. The norm is its root.
def clip_grad_norm(params, max_norm):
    grads = [p.grad for p in params if p.grad is not None]
    norm = sum(float((g**2).sum()) for g in grads)
    if norm > max_norm:
        for g in grads:
            g.mul_(max_norm / norm)
    return norm


# %% clip_grad_norm: norm_after_clipping
# help: You return the norm after clipping, which says nothing new. Return what it was before.
def clip_grad_norm(params, max_norm):
    grads = [p.grad for p in params if p.grad is not None]
    norm = math.sqrt(sum(float(g.norm()) ** 2 for g in grads))
    if norm > max_norm:
        for g in grads:
            g.mul_(max_norm / norm)
    return math.sqrt(sum(float(g.norm()) ** 2 for g in grads))


# %% clip_grad_norm: always_scaled
# help: You scale to max_norm always, so short gradients become longer. Clip only where the norm exceeds
#   max_norm.
def clip_grad_norm(params, max_norm):
    grads = [p.grad for p in params if p.grad is not None]
    norm = math.sqrt(sum(float(g.norm()) ** 2 for g in grads))
    if norm > 0:
        for g in grads:
            g.mul_(max_norm / norm)
    return norm


# %% clip_grad_norm: new_gradients
# help: You put new tensors into p.grad. In place means that the gradient's own memory changes: others may
#   hold on to it.
def clip_grad_norm(params, max_norm):
    params = [p for p in params if p.grad is not None]
    grads = [p.grad for p in params]
    norm = math.sqrt(sum(float(g.norm()) ** 2 for g in grads))
    if norm > max_norm:
        for p in params:
            p.grad = p.grad * (max_norm / norm)
    return norm


# %% clip_grad_norm: entries_cut_off
# help: You cut off each entry at ±max_norm: that turns the gradient. Scale all of them by one factor.
def clip_grad_norm(params, max_norm):
    grads = [p.grad for p in params if p.grad is not None]
    norm = math.sqrt(sum(float(g.norm()) ** 2 for g in grads))
    if norm > max_norm:
        for g in grads:
            g.clamp_(-max_norm, max_norm)
    return norm


# %% clip_grad_norm: norm_of_the_weights
# help: You measure the weights. It is their gradients that are clipped.
def clip_grad_norm(params, max_norm):
    params = [p for p in params if p.grad is not None]
    grads = [p.grad for p in params]
    norm = math.sqrt(sum(float(p.detach().norm()) ** 2 for p in params))
    if norm > max_norm:
        for g in grads:
            g.mul_(max_norm / norm)
    return norm


# %% clip_grad_norm: generator_used_up
# help: The gradients are as long as before. params may be a generator, and then a second loop over it finds
#   nothing: make a list first.
def clip_grad_norm(params, max_norm):
    squares = sum(float(p.grad.norm()) ** 2 for p in params if p.grad is not None)
    norm = math.sqrt(squares)
    if norm > max_norm:
        for p in params:
            if p.grad is not None:
                p.grad.mul_(max_norm / norm)
    return norm


# %% clip_grad_norm: none_crashes
# help: A parameter without a gradient makes your function fail. Pass it over.
def clip_grad_norm(params, max_norm):
    grads = [p.grad for p in params]
    norm = math.sqrt(sum(float(g.norm()) ** 2 for g in grads))
    if norm > max_norm:
        for g in grads:
            g.mul_(max_norm / norm)
    return norm


# %% clip_grad_norm: nothing_returned
# help: You return nothing. The norm before clipping is what people plot to see how often they clip.
def clip_grad_norm(params, max_norm):
    grads = [p.grad for p in params if p.grad is not None]
    norm = math.sqrt(sum(float(g.norm()) ** 2 for g in grads))
    if norm > max_norm:
        for g in grads:
            g.mul_(max_norm / norm)


# %% clip_grad_norm: list_of_norms
# help: You return one norm for each parameter. It is one number for all of them.
def clip_grad_norm(params, max_norm):
    grads = [p.grad for p in params if p.grad is not None]
    norms = [float(g.norm()) for g in grads]
    norm = math.sqrt(sum(float(g.norm()) ** 2 for g in grads))
    if norm > max_norm:
        for g in grads:
            g.mul_(max_norm / norm)
    return norms


# %% clip_grad_norm: norm_in_an_axis
# help: Your norm is a tensor with an axis, of one element. A float or a tensor without axes is asked for.
def clip_grad_norm(params, max_norm):
    grads = [p.grad for p in params if p.grad is not None]
    norm = math.sqrt(sum(float(g.norm()) ** 2 for g in grads))
    if norm > max_norm:
        for g in grads:
            g.mul_(max_norm / norm)
    return torch.tensor([norm])


# %% clip_grad_norm: mean_of_squares
# help: You take the root of the mean square. The norm does not divide by the number of entries.
def clip_grad_norm(params, max_norm):
    grads = [p.grad for p in params if p.grad is not None]
    norm = math.sqrt(sum(float((g**2).sum()) for g in grads) / max(1, sum(g.numel() for g in grads)))
    if norm > max_norm:
        for g in grads:
            g.mul_(max_norm / norm)
    return norm


# %% clip_grad_norm: largest_entry
# help: You take the largest entry for the norm. It is the root of the sum of all squares.
def clip_grad_norm(params, max_norm):
    grads = [p.grad for p in params if p.grad is not None]
    norm = max((float(g.abs().max()) for g in grads), default=0.0)
    if norm > max_norm:
        for g in grads:
            g.mul_(max_norm / norm)
    return norm


# %% clip_grad_norm: sum_of_sizes
# help: You add up absolute values. Square the entries, add them up, take the root.
def clip_grad_norm(params, max_norm):
    grads = [p.grad for p in params if p.grad is not None]
    norm = sum(float(g.abs().sum()) for g in grads)
    if norm > max_norm:
        for g in grads:
            g.mul_(max_norm / norm)
    return norm


# %% clip_grad_norm: always_to_one
# help: You shorten to a norm of 1 whatever max_norm is. The factor is max_norm / norm.
def clip_grad_norm(params, max_norm):
    grads = [p.grad for p in params if p.grad is not None]
    norm = math.sqrt(sum(float(g.norm()) ** 2 for g in grads))
    if norm > max_norm:
        for g in grads:
            g.div_(norm)
    return norm


# %% clip_grad_norm: zero_divided
# help: Gradients of zero have the norm 0, and you divide by it. Divide only where the norm exceeds max_norm.
def clip_grad_norm(params, max_norm):
    grads = [p.grad for p in params if p.grad is not None]
    norm = math.sqrt(sum(float(g.norm()) ** 2 for g in grads))
    if grads:
        factor = min(1.0, max_norm / norm)
        for g in grads:
            g.mul_(factor)
    return norm


# %% clip_grad_norm: empty_crashes
# help: Where no parameter has a gradient your function fails. The norm of nothing is 0.
def clip_grad_norm(params, max_norm):
    grads = [p.grad for p in params if p.grad is not None]
    norm = torch.stack([g.norm() for g in grads]).norm()
    if norm > max_norm:
        for g in grads:
            g.mul_(max_norm / norm)
    return norm


# %% clip_grad_norm: weights_scaled
# help: You scale the weights and not their gradients.
def clip_grad_norm(params, max_norm):
    params = [p for p in params if p.grad is not None]
    grads = [p.grad for p in params]
    norm = math.sqrt(sum(float(g.norm()) ** 2 for g in grads))
    if norm > max_norm:
        for p in params:
            p.data.mul_(max_norm / norm)
    return norm


# %% clip_grad_norm: divided_by_max_norm
# help: You divide the gradients by max_norm. What they have to be multiplied by is max_norm / norm.
def clip_grad_norm(params, max_norm):
    grads = [p.grad for p in params if p.grad is not None]
    norm = math.sqrt(sum(float(g.norm()) ** 2 for g in grads))
    if norm > max_norm:
        for g in grads:
            g.div_(max_norm)
    return norm


# %% param_groups: by_the_name_bias
# help: You go by the name bias. LayerNorm's scale is called weight and has one dimension: it must not
#   decay. Ask for the number of dimensions.
def param_groups(model, weight_decay):
    trainable = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    return [
        {"params": [p for name, p in trainable if not name.endswith("bias")], "weight_decay": weight_decay},
        {"params": [p for name, p in trainable if name.endswith("bias")], "weight_decay": 0.0},
    ]


# %% param_groups: by_norm_and_bias_names
# help: You go by names. A model may call its parameters anything: only the number of dimensions tells.
def param_groups(model, weight_decay):
    trainable = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    exempt = ("bias", "1.weight", "norm.weight")
    return [
        {"params": [p for name, p in trainable if not name.endswith(exempt)], "weight_decay": weight_decay},
        {"params": [p for name, p in trainable if name.endswith(exempt)], "weight_decay": 0.0},
    ]


# %% param_groups: groups_swapped
# help: Your groups come in the wrong order: first the one that decays.
def param_groups(model, weight_decay):
    trainable = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p for p in trainable if p.ndim < 1.5], "weight_decay": 0.0},
        {"params": [p for p in trainable if p.ndim >= 2], "weight_decay": weight_decay},
    ]


# %% param_groups: decay_on_the_wrong_group
# help: Your vectors decay and your matrices do not: the two lists have changed places.
def param_groups(model, weight_decay):
    trainable = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p for p in trainable if p.ndim <= 1], "weight_decay": weight_decay},
        {"params": [p for p in trainable if p.ndim > 1], "weight_decay": 0.0},
    ]


# %% param_groups: frozen_included
# help: Frozen parameters are in your groups. Only those that require grad train.
def param_groups(model, weight_decay):
    trainable = [p for p in model.parameters()]
    return [
        {"params": [p for p in trainable if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in trainable if p.ndim < 2], "weight_decay": 0.0},
    ]


# %% param_groups: shared_twice
# help: A parameter that two layers share is in your list twice, and torch.optim refuses that.
#   model.parameters() gives each once; going through the modules does not.
def param_groups(model, weight_decay):
    trainable = [p for m in model.modules() for p in m.parameters(recurse=False) if p.requires_grad]
    return [
        {"params": [p for p in trainable if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in trainable if p.ndim < 2], "weight_decay": 0.0},
    ]


# %% param_groups: empty_group_dropped
# help: You leave out a group that is empty. There are always two.
def param_groups(model, weight_decay):
    trainable = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in trainable if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in trainable if p.ndim < 2], "weight_decay": 0.0},
    ]
    return [group for group in groups if group["params"]]


# %% param_groups: no_decay_one_group
# help: With a weight_decay of 0 you return one group. There are always two.
def param_groups(model, weight_decay):
    trainable = [p for p in model.parameters() if p.requires_grad]
    if weight_decay == 0.0:
        return [{"params": trainable, "weight_decay": 0.0}]
    return [
        {"params": [p for p in trainable if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in trainable if p.ndim < 2], "weight_decay": 0.0},
    ]


# %% param_groups: exactly_two_dimensions
# help: Your first group takes parameters of exactly two dimensions. Convolutions have four: two or more.
def param_groups(model, weight_decay):
    trainable = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p for p in trainable if p.ndim == 2], "weight_decay": weight_decay},
        {"params": [p for p in trainable if p.ndim != 2], "weight_decay": 0.0},
    ]


# %% param_groups: vectors_decay_too
# help: Your limit is one dimension. Biases have one and must not decay: two or more.
def param_groups(model, weight_decay):
    trainable = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p for p in trainable if p.ndim >= 1], "weight_decay": weight_decay},
        {"params": [p for p in trainable if p.ndim < 1], "weight_decay": 0.0},
    ]


# %% param_groups: only_vectors_in_the_rest
# help: Your second group takes parameters of exactly one dimension, and one without axes is in neither.
def param_groups(model, weight_decay):
    trainable = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p for p in trainable if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in trainable if p.ndim == 1], "weight_decay": 0.0},
    ]


# %% param_groups: outer_layer_only
# help: You look at the model's children and not at theirs. Parameters may lie any number of modules deep.
def param_groups(model, weight_decay):
    trainable = [
        p for m in [model, *model.children()] for p in m.parameters(recurse=False) if p.requires_grad
    ]
    trainable = list(dict.fromkeys(trainable))
    return [
        {"params": [p for p in trainable if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in trainable if p.ndim < 2], "weight_decay": 0.0},
    ]


# %% param_groups: decay_in_both
# help: Both groups decay. The second has a weight_decay of 0.0.
def param_groups(model, weight_decay):
    trainable = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p for p in trainable if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in trainable if p.ndim < 2], "weight_decay": weight_decay},
    ]


# %% param_groups: second_decay_missing
# help: Your second group does not say its weight_decay. Without it the optimizer's default applies, and
#   AdamW's is not 0.
def param_groups(model, weight_decay):
    trainable = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p for p in trainable if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in trainable if p.ndim < 2]},
    ]


# %% param_groups: copies
# help: Your lists hold tensors cut off from the parameters (detach or data), and an optimizer would never
#   find their gradients. Hand over the parameters themselves.
def param_groups(model, weight_decay):
    trainable = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p.detach() for p in trainable if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p.detach() for p in trainable if p.ndim < 2], "weight_decay": 0.0},
    ]


# %% param_groups: names_for_parameters
# help: Your lists hold names. An optimizer wants the parameters.
def param_groups(model, weight_decay):
    trainable = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    return [
        {"params": [name for name, p in trainable if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [name for name, p in trainable if p.ndim < 2], "weight_decay": 0.0},
    ]


# %% param_groups: linear_layers_only
# help: You collect from Linear layers only, and what other layers hold is in neither group. An optimizer
#   would never move it.
def param_groups(model, weight_decay):
    trainable = [
        p for m in model.modules() if isinstance(m, nn.Linear) for p in m.parameters() if p.requires_grad
    ]
    trainable = list(dict.fromkeys(trainable))
    return [
        {"params": [p for p in trainable if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in trainable if p.ndim < 2], "weight_decay": 0.0},
    ]


# %% param_groups: one_group_for_each
# help: You make a group for each parameter. Two groups are asked for, each with a list.
def param_groups(model, weight_decay):
    trainable = [p for p in model.parameters() if p.requires_grad]
    return [{"params": [p], "weight_decay": weight_decay if p.ndim >= 2 else 0.0} for p in trainable]


# %% param_groups: all_of_them_decay
# help: Everything is in your first group. Only parameters of two or more dimensions decay.
def param_groups(model, weight_decay):
    trainable = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": trainable, "weight_decay": weight_decay},
        {"params": [], "weight_decay": 0.0},
    ]


# %% checkpoint: model_only
# help: The model comes back and the optimizer does not: its buffers, counts and lr are lost, and training
#   jumps at the restart. Save its state_dict, and load it.
def save_checkpoint(path, model, optimizer, epoch):
    torch.save({"model": model.state_dict(), "epoch": epoch}, path)


def load_checkpoint(path, model, optimizer):
    saved = torch.load(path, weights_only=True)
    model.load_state_dict(saved["model"])
    return saved["epoch"]


# %% checkpoint: optimizer_only
# help: The optimizer comes back and the weights do not. Save and load the model's state_dict too.
def save_checkpoint(path, model, optimizer, epoch):
    torch.save({"optimizer": optimizer.state_dict(), "epoch": epoch}, path)


def load_checkpoint(path, model, optimizer):
    saved = torch.load(path, weights_only=True)
    optimizer.load_state_dict(saved["optimizer"])
    return saved["epoch"]


# %% checkpoint: names_bound_anew
# help: You bind the local names model and optimizer to what was in the file; the caller's objects never
#   change. Both have a method that copies into them.
def save_checkpoint(path, model, optimizer, epoch):
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}, path)


def load_checkpoint(path, model, optimizer):
    saved = torch.load(path, weights_only=True)
    model = saved["model"]
    optimizer = saved["optimizer"]
    return saved["epoch"]


# %% checkpoint: epoch_plus_one
# help: You return the epoch after the one saved. Return the epoch saved; where to go on is the caller's
#   business.
def save_checkpoint(path, model, optimizer, epoch):
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}, path)


def load_checkpoint(path, model, optimizer):
    saved = torch.load(path, weights_only=True)
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    return saved["epoch"] + 1


# %% checkpoint: nothing_returned
# help: load_checkpoint returns nothing. The caller wants to know which epoch it was.
def save_checkpoint(path, model, optimizer, epoch):
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}, path)


def load_checkpoint(path, model, optimizer):
    saved = torch.load(path, weights_only=True)
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])


# %% checkpoint: whole_objects
# help: You save the model and the optimizer themselves. That pickles classes, and weights_only=True refuses
#   such a file. Save their state_dicts.
def save_checkpoint(path, model, optimizer, epoch):
    torch.save({"model": model, "optimizer": optimizer, "epoch": epoch}, path)


def load_checkpoint(path, model, optimizer):
    saved = torch.load(path, weights_only=False)
    model.load_state_dict(saved["model"].state_dict())
    optimizer.load_state_dict(saved["optimizer"].state_dict())
    return saved["epoch"]


# %% checkpoint: pickled
# help: You write the file with pickle. torch.load with weights_only=True reads what torch.save has written.
import pickle


def save_checkpoint(path, model, optimizer, epoch):
    with open(path, "wb") as file:
        pickle.dump({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}, file)


def load_checkpoint(path, model, optimizer):
    with open(path, "rb") as file:
        saved = pickle.load(file)
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    return saved["epoch"]


# %% checkpoint: parameters_without_buffers
# help: You save the parameters and lose the buffers, such as the running statistics of BatchNorm.
#   state_dict() holds both.
def save_checkpoint(path, model, optimizer, epoch):
    torch.save(
        {
            "model": {name: p.detach() for name, p in model.named_parameters()},
            "optimizer": optimizer.state_dict(),
            "epoch": epoch,
        },
        path,
    )


def load_checkpoint(path, model, optimizer):
    saved = torch.load(path, weights_only=True)
    model.load_state_dict(saved["model"], strict=False)
    optimizer.load_state_dict(saved["optimizer"])
    return saved["epoch"]


# %% checkpoint: running_means_without_the_count
# help: Of the buffers you keep what is floating point, and lose BatchNorm's count of batches, on which its
#   average depends. Save the whole state_dict.
def save_checkpoint(path, model, optimizer, epoch):
    torch.save(
        {
            "model": {name: value for name, value in model.state_dict().items() if value.is_floating_point()},
            "optimizer": optimizer.state_dict(),
            "epoch": epoch,
        },
        path,
    )


def load_checkpoint(path, model, optimizer):
    saved = torch.load(path, weights_only=True)
    model.load_state_dict(saved["model"], strict=False)
    optimizer.load_state_dict(saved["optimizer"])
    return saved["epoch"]


# %% checkpoint: options_without_state
# help: You save the optimizer's groups (lr and other options) and not its state: buffers and counts begin
#   again.
def save_checkpoint(path, model, optimizer, epoch):
    torch.save(
        {"model": model.state_dict(), "optimizer": optimizer.state_dict()["param_groups"], "epoch": epoch},
        path,
    )


def load_checkpoint(path, model, optimizer):
    saved = torch.load(path, weights_only=True)
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict({"state": {}, "param_groups": saved["optimizer"]})
    return saved["epoch"]


# %% checkpoint: state_without_options
# help: The buffers come back and the learning rate does not: it had been changed on the way. The groups
#   belong to the state_dict.
def save_checkpoint(path, model, optimizer, epoch):
    torch.save(
        {"model": model.state_dict(), "optimizer": optimizer.state_dict()["state"], "epoch": epoch}, path
    )


def load_checkpoint(path, model, optimizer):
    saved = torch.load(path, weights_only=True)
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict({**optimizer.state_dict(), "state": saved["optimizer"]})
    return saved["epoch"]


# %% checkpoint: learning_rate_of_the_first_group
# help: You bring back the learning rate of the first group for all of them. Each group has its own; the
#   optimizer's state_dict knows them.
def save_checkpoint(path, model, optimizer, epoch):
    torch.save(
        {
            "model": model.state_dict(),
            "optimizer": {**optimizer.state_dict(), "lr": optimizer.param_groups[0]["lr"]},
            "epoch": epoch,
        },
        path,
    )


def load_checkpoint(path, model, optimizer):
    saved = torch.load(path, weights_only=True)
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    for group in optimizer.param_groups:
        group["lr"] = saved["optimizer"]["lr"]
    return saved["epoch"]


# %% checkpoint: new_parameters
# help: You give the model new parameter objects. The optimizer still holds the old ones, and from now on
#   moves tensors that nobody uses. Copy into the ones that are there.
def save_checkpoint(path, model, optimizer, epoch):
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}, path)


def load_checkpoint(path, model, optimizer):
    saved = torch.load(path, weights_only=True)
    for name, value in saved["model"].items():
        owner, _, last = name.rpartition(".")
        module = model.get_submodule(owner)
        if last in module._parameters:
            old = getattr(module, last)
            setattr(module, last, nn.Parameter(value, requires_grad=old.requires_grad))
        else:
            setattr(module, last, value)
    optimizer.load_state_dict(saved["optimizer"])
    return saved["epoch"]


# %% checkpoint: path_ignored
# help: You write a file name of your own. The caller says where: use path.
def save_checkpoint(path, model, optimizer, epoch):
    torch.save(
        {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}, "checkpoint.pt"
    )


def load_checkpoint(path, model, optimizer):
    saved = torch.load("checkpoint.pt", weights_only=True)
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    return saved["epoch"]


# %% checkpoint: left_in_eval_mode
# help: load_checkpoint puts the model into eval mode. Modes are the caller's affair, and training goes on
#   in the wrong one.
def save_checkpoint(path, model, optimizer, epoch):
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}, path)


def load_checkpoint(path, model, optimizer):
    saved = torch.load(path, weights_only=True)
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    model.eval()
    return saved["epoch"]


# %% checkpoint: put_into_train_mode
# help: load_checkpoint puts every module into training mode, those too that the caller had set to eval.
#   Modes are the caller's affair.
def save_checkpoint(path, model, optimizer, epoch):
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}, path)


def load_checkpoint(path, model, optimizer):
    saved = torch.load(path, weights_only=True)
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    model.train()
    return saved["epoch"]


# %% checkpoint: epoch_as_text
# help: The epoch comes back as a string. Save the number.
def save_checkpoint(path, model, optimizer, epoch):
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": str(epoch)}, path)


def load_checkpoint(path, model, optimizer):
    saved = torch.load(path, weights_only=True)
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    return saved["epoch"]


# %% checkpoint: kept_in_memory
# help: Your checkpoint stays in this process, and nothing that lasts is in the file. After a restart, or on
#   another computer, there is only the file.
import copy

KEPT = {}


def save_checkpoint(path, model, optimizer, epoch):
    KEPT[path] = copy.deepcopy(
        {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}
    )
    torch.save({"epoch": epoch}, path)


def load_checkpoint(path, model, optimizer):
    saved = KEPT[path]
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    return saved["epoch"]


# %% checkpoint: gradients_switched_on
# help: After loading, every parameter requires grad, those too that were frozen. Leave the flags as they are.
def save_checkpoint(path, model, optimizer, epoch):
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}, path)


def load_checkpoint(path, model, optimizer):
    saved = torch.load(path, weights_only=True)
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    model.requires_grad_(True)
    return saved["epoch"]


# %% adam: count_grows_in_the_loop
# help: Your count grows once for each parameter, so with three of them t jumps by three at every step.
#   Keep t for each parameter.
class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.params = list(params)
        self.lr, self.betas, self.eps = lr, betas, eps
        self.t = 0
        self.state = [{"m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            self.t += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 ** self.t)
            v = s["v"] / (1 - beta2 ** self.t)
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adam: m_corrected_in_place
# help: You keep the corrected m, so the next step corrects it once more. Put the corrected value under
#   a new name.
class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.params = list(params)
        self.lr, self.betas, self.eps = lr, betas, eps
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] / (1 - beta2 ** s["t"])
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adam: v_corrected_in_place
# help: You keep the corrected v, so the next step corrects it once more. Put the corrected value under
#   a new name.
class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.params = list(params)
        self.lr, self.betas, self.eps = lr, betas, eps
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] = s["v"] / (1 - beta2 ** s["t"])
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adamw: count_grows_in_the_loop
# help: As in Adam: your count grows once for each parameter, so with three of them t jumps by three at
#   every step. Keep t for each parameter.
class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = list(params)
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self.t = 0
        self.state = [{"m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            p *= 1 - self.lr * self.weight_decay
            self.t += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 ** self.t)
            v = s["v"] / (1 - beta2 ** self.t)
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adamw: m_corrected_in_place
# help: As in Adam: you keep the corrected m, so the next step corrects it once more. Put the corrected
#   value under a new name.
class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = list(params)
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            p *= 1 - self.lr * self.weight_decay
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] / (1 - beta2 ** s["t"])
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adamw: v_corrected_in_place
# help: As in Adam: you keep the corrected v, so the next step corrects it once more. Put the corrected
#   value under a new name.
class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = list(params)
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            p *= 1 - self.lr * self.weight_decay
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] = s["v"] / (1 - beta2 ** s["t"])
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adam: generator_used_up
# help: From the second step on nothing moves where params was a generator: your first loop has emptied
#   it. Make a list of it in the constructor.
class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.params = params
        self.lr, self.betas, self.eps = lr, betas, eps
        self.state = {}

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p in self.params:
            if p.grad is None:
                continue
            g = p.grad
            s = self.state.setdefault(p, {"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)})
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] / (1 - beta2 ** s["t"])
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adamw: generator_used_up
# help: As in Adam: you keep params itself. A generator, such as model.parameters(), can be walked
#   through only once; from the second step on nothing moves. Make a list of it in the constructor.
class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = params
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self.state = {}

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p in self.params:
            if p.grad is None:
                continue
            g = p.grad
            s = self.state.setdefault(p, {"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)})
            p *= 1 - self.lr * self.weight_decay
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] / (1 - beta2 ** s["t"])
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adamw: eps_fixed
# help: The caller's eps has no effect. Take self.eps, as in Adam.
class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = list(params)
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            p *= 1 - self.lr * self.weight_decay
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] / (1 - beta2 ** s["t"])
            p -= self.lr * m / (v.sqrt() + 1e-8)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adamw: betas_swapped
# help: As in Adam: the two betas have changed places: the first, 0.9, belongs to m, the second, 0.999,
#   to v.
class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = list(params)
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta2, beta1 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            p *= 1 - self.lr * self.weight_decay
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] / (1 - beta2 ** s["t"])
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adamw: count_stands_still
# help: As in Adam: the first step is right and the second is not: your t is 1 for ever. Count the
#   updates.
class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = list(params)
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    @torch.no_grad()
    def step(self):
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            p *= 1 - self.lr * self.weight_decay
            s["t"] = 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] / (1 - beta2 ** s["t"])
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adamw: grad_mode_left_off
# help: As in Adam: the step must not leave gradients switched off, or no backward pass works after it.
#   `with torch.no_grad():` restores what was.
class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = list(params)
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    def step(self):
        torch.set_grad_enabled(False)
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            p *= 1 - self.lr * self.weight_decay
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] / (1 - beta2 ** s["t"])
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% adam: grad_mode_left_off
# help: After your step gradients stay switched off, and no backward pass works. `with torch.no_grad():`
#   restores what was.
class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.params = list(params)
        self.lr, self.betas, self.eps = lr, betas, eps
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    def step(self):
        torch.set_grad_enabled(False)
        beta1, beta2 = self.betas
        for p, s in zip(self.params, self.state):
            if p.grad is None:
                continue
            g = p.grad
            s["t"] += 1
            s["m"] = beta1 * s["m"] + (1 - beta1) * g
            s["v"] = beta2 * s["v"] + (1 - beta2) * g**2
            m = s["m"] / (1 - beta1 ** s["t"])
            v = s["v"] / (1 - beta2 ** s["t"])
            p -= self.lr * m / (v.sqrt() + self.eps)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sgd: generator_walked_once
# help: Your first step moves the parameters and the second does not: params was a generator, and you
#   have walked through it. Make a list of it in the constructor.
class SGD:
    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        self.params = params
        self.lr, self.momentum, self.weight_decay, self.nesterov = lr, momentum, weight_decay, nesterov
        self.buffers = {}

    @torch.no_grad()
    def step(self):
        for p in self.params:
            if p.grad is None:
                continue
            slope = p.grad + self.weight_decay * p
            if self.momentum:
                buffer = self.buffers.setdefault(p, torch.zeros_like(p))
                buffer.mul_(self.momentum).add_(slope)
                slope = slope + self.momentum * buffer if self.nesterov else buffer
            p.sub_(self.lr * slope)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sgd: first_slope_left_out
# help: Your buffer begins with zeros and the first slope never gets into it. After the first step it
#   holds that slope.
class SGD:
    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        self.params = list(params)
        self.lr, self.momentum, self.weight_decay, self.nesterov = lr, momentum, weight_decay, nesterov
        self.buffers = [None] * len(self.params)

    @torch.no_grad()
    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            slope = p.grad + self.weight_decay * p
            if self.momentum:
                if self.buffers[i] is None:
                    self.buffers[i] = torch.zeros_like(p)
                else:
                    self.buffers[i] = self.momentum * self.buffers[i] + slope
                slope = slope + self.momentum * self.buffers[i] if self.nesterov else self.buffers[i]
            p.sub_(self.lr * slope)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sgd: later_slopes_averaged
# help: The first slope enters your buffer whole, and each later one times (1 - momentum). In
#   torch.optim.SGD every slope is added whole.
class SGD:
    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        self.params = list(params)
        self.lr, self.momentum, self.weight_decay, self.nesterov = lr, momentum, weight_decay, nesterov
        self.buffers = [None] * len(self.params)

    @torch.no_grad()
    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is None:
                continue
            slope = p.grad + self.weight_decay * p
            if self.momentum:
                if self.buffers[i] is None:
                    self.buffers[i] = slope.clone()
                else:
                    self.buffers[i] = self.momentum * self.buffers[i] + (1 - self.momentum) * slope
                slope = slope + self.momentum * self.buffers[i] if self.nesterov else self.buffers[i]
            p.sub_(self.lr * slope)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sgd: nesterov_always
# help: Your steps look ahead although nobody asked for it. That is for nesterov=True only.
class SGD:
    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        self.params = list(params)
        self.lr, self.momentum, self.weight_decay, self.nesterov = lr, momentum, weight_decay, nesterov
        self.buffers = [torch.zeros_like(p) for p in self.params]

    @torch.no_grad()
    def step(self):
        for p, buffer in zip(self.params, self.buffers):
            if p.grad is None:
                continue
            slope = p.grad + self.weight_decay * p
            if self.momentum:
                buffer.mul_(self.momentum).add_(slope)
                slope = slope + self.momentum * buffer
            p.sub_(self.lr * slope)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sgd: buffers_by_shape
# help: Two parameters of one shape share a buffer. Each needs its own: keep them by the parameter itself, or by its
#   place in the list.
class SGD:
    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        self.params = list(params)
        self.lr, self.momentum, self.weight_decay, self.nesterov = lr, momentum, weight_decay, nesterov
        self.buffers = {}

    @torch.no_grad()
    def step(self):
        for p in self.params:
            if p.grad is None:
                continue
            slope = p.grad + self.weight_decay * p
            if self.momentum:
                buffer = self.buffers.setdefault(tuple(p.shape), torch.zeros_like(p))
                buffer.mul_(self.momentum).add_(slope)
                slope = slope + self.momentum * buffer if self.nesterov else buffer
            p.sub_(self.lr * slope)

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sgd: zero_grad_of_the_first_only
# help: Your zero_grad clears one gradient and leaves the others. Go through all parameters.
class SGD:
    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        self.params = list(params)
        self.lr, self.momentum, self.weight_decay, self.nesterov = lr, momentum, weight_decay, nesterov
        self.buffers = [torch.zeros_like(p) for p in self.params]

    @torch.no_grad()
    def step(self):
        for p, buffer in zip(self.params, self.buffers):
            if p.grad is None:
                continue
            slope = p.grad + self.weight_decay * p
            if self.momentum:
                buffer.mul_(self.momentum).add_(slope)
                slope = slope + self.momentum * buffer if self.nesterov else buffer
            p.sub_(self.lr * slope)

    def zero_grad(self):
        for p in self.params:
            p.grad = None
            break


# %% param_groups: own_parameters_only
# help: You take the parameters that the model holds itself, and not those of the modules inside it.
def param_groups(model, weight_decay):
    trainable = [p for p in model.parameters(recurse=False) if p.requires_grad]
    return [
        {"params": [p for p in trainable if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in trainable if p.ndim < 2], "weight_decay": 0.0},
    ]


# %% param_groups: generators_for_lists
# help: What stands under "params" can be gone through only once, and is empty for the next reader. Make
#   lists.
def param_groups(model, weight_decay):
    trainable = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": (p for p in trainable if p.ndim >= 2), "weight_decay": weight_decay},
        {"params": (p for p in trainable if p.ndim < 2), "weight_decay": 0.0},
    ]


# %% judge_adam: accepts_everything
# help: You accept every optimizer that runs. Work out where a step ought to lead, and compare.
def judge_adam(candidate):
    p = torch.ones(3, requires_grad=True)
    p.grad = torch.ones(3)
    try:
        candidate([p]).step()
    except Exception:
        return False
    return True


# %% judge_adam: refuses_everything
# help: You refuse every optimizer, the right ones too. A judge earns nothing before it accepts what is right.
def judge_adam(candidate):
    return False


# %% judge_adam: the_loss_falls
# help: You look whether the loss falls. With nearly every wrong detail it falls all the same: compare the steps themselves.
def judge_adam(candidate):
    w = torch.tensor([2.0, -1.0], requires_grad=True)
    try:
        opt, losses = candidate([w], lr=0.1), []
        for _ in range(20):
            loss = (w**2).sum()
            losses.append(loss.item())
            w.grad = None
            loss.backward()
            opt.step()
    except Exception:
        return False
    return losses[-1] < losses[0]


# %% judge_adam: default_settings
# help: You try the defaults only. Betas that are written down, and an eps in the wrong place, show with settings of your
#  own.
def judge_adam(candidate):
    slopes = torch.randn(8, 2, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)

    def way(make, set_lr, **options):
        params = [torch.full((3,), 1.0 + i, dtype=torch.float64, requires_grad=True) for i in range(2)]
        opt, seen = make(params, lr=0.1, **options), []
        for step in range(8):
            set_lr(opt, 0.1 if step < 4 else 0.02)
            params[0].grad = slopes[step, 0].clone()
            params[1].grad = None if step in (0, 1, 5) else slopes[step, 1].clone()
            opt.step()
            seen += [p.detach().clone() for p in params] + [p.grad for p in params if p.grad is not None]
        return torch.stack(seen)

    def same(**options):
        wanted = way(torch.optim.Adam, lambda opt, lr: opt.param_groups[0].update(lr=lr), **options)
        return torch.allclose(way(candidate, lambda opt, lr: setattr(opt, "lr", lr), **options), wanted, atol=1e-6)

    try:
        return all(same(**options) for options in ({}, {}))
    except Exception:
        return False


# %% judge_adam: one_parameter
# help: Your way has one parameter. What is shared between two, a count or an average, a single one cannot show.
def judge_adam(candidate):
    slopes = torch.randn(8, 2, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)

    def way(make, set_lr, **options):
        params = [torch.full((3,), 1.0 + i, dtype=torch.float64, requires_grad=True) for i in range(1)]
        opt, seen = make(params, lr=0.1, **options), []
        for step in range(8):
            set_lr(opt, 0.1 if step < 4 else 0.02)
            params[0].grad = slopes[step, 0].clone()
            opt.step()
            seen += [p.detach().clone() for p in params] + [p.grad for p in params if p.grad is not None]
        return torch.stack(seen)

    def same(**options):
        wanted = way(torch.optim.Adam, lambda opt, lr: opt.param_groups[0].update(lr=lr), **options)
        return torch.allclose(way(candidate, lambda opt, lr: setattr(opt, "lr", lr), **options), wanted, atol=1e-6)

    try:
        return all(same(**options) for options in ({}, {"betas": (0.5, 0.8), "eps": 0.5}, {}))
    except Exception:
        return False


# %% judge_adam: nobody_sits_out
# help: Every parameter has a gradient at every step. What a grad of None does, and whose count grows, such a way never asks.
def judge_adam(candidate):
    slopes = torch.randn(8, 2, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)

    def way(make, set_lr, **options):
        params = [torch.full((3,), 1.0 + i, dtype=torch.float64, requires_grad=True) for i in range(2)]
        opt, seen = make(params, lr=0.1, **options), []
        for step in range(8):
            set_lr(opt, 0.1 if step < 4 else 0.02)
            params[0].grad = slopes[step, 0].clone()
            params[1].grad = slopes[step, 1].clone()
            opt.step()
            seen += [p.detach().clone() for p in params] + [p.grad for p in params if p.grad is not None]
        return torch.stack(seen)

    def same(**options):
        wanted = way(torch.optim.Adam, lambda opt, lr: opt.param_groups[0].update(lr=lr), **options)
        return torch.allclose(way(candidate, lambda opt, lr: setattr(opt, "lr", lr), **options), wanted, atol=1e-6)

    try:
        return all(same(**options) for options in ({}, {"betas": (0.5, 0.8), "eps": 0.5}, {}))
    except Exception:
        return False


# %% judge_adam: lr_never_changes
# help: You never change opt.lr. A rate that is read once, when the optimizer is made, looks right that way.
def judge_adam(candidate):
    slopes = torch.randn(8, 2, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)

    def way(make, set_lr, **options):
        params = [torch.full((3,), 1.0 + i, dtype=torch.float64, requires_grad=True) for i in range(2)]
        opt, seen = make(params, lr=0.1, **options), []
        for step in range(8):
            set_lr(opt, 0.1)
            params[0].grad = slopes[step, 0].clone()
            params[1].grad = None if step in (0, 1, 5) else slopes[step, 1].clone()
            opt.step()
            seen += [p.detach().clone() for p in params] + [p.grad for p in params if p.grad is not None]
        return torch.stack(seen)

    def same(**options):
        wanted = way(torch.optim.Adam, lambda opt, lr: opt.param_groups[0].update(lr=lr), **options)
        return torch.allclose(way(candidate, lambda opt, lr: setattr(opt, "lr", lr), **options), wanted, atol=1e-6)

    try:
        return all(same(**options) for options in ({}, {"betas": (0.5, 0.8), "eps": 0.5}, {}))
    except Exception:
        return False


# %% judge_adam: gradients_not_looked_at
# help: You look at the parameters only. An optimizer that changes .grad on the way moves them right, and spoils what others
#  read there.
def judge_adam(candidate):
    slopes = torch.randn(8, 2, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)

    def way(make, set_lr, **options):
        params = [torch.full((3,), 1.0 + i, dtype=torch.float64, requires_grad=True) for i in range(2)]
        opt, seen = make(params, lr=0.1, **options), []
        for step in range(8):
            set_lr(opt, 0.1 if step < 4 else 0.02)
            params[0].grad = slopes[step, 0].clone()
            params[1].grad = None if step in (0, 1, 5) else slopes[step, 1].clone()
            opt.step()
            seen += [p.detach().clone() for p in params]
        return torch.stack(seen)

    def same(**options):
        wanted = way(torch.optim.Adam, lambda opt, lr: opt.param_groups[0].update(lr=lr), **options)
        return torch.allclose(way(candidate, lambda opt, lr: setattr(opt, "lr", lr), **options), wanted, atol=1e-6)

    try:
        return all(same(**options) for options in ({}, {"betas": (0.5, 0.8), "eps": 0.5}, {}))
    except Exception:
        return False


# %% judge_adam: a_single_optimizer
# help: You make one optimizer of each candidate. What two of them share, a state on the class, shows in the second.
def judge_adam(candidate):
    slopes = torch.randn(8, 2, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)

    def way(make, set_lr, **options):
        params = [torch.full((3,), 1.0 + i, dtype=torch.float64, requires_grad=True) for i in range(2)]
        opt, seen = make(params, lr=0.1, **options), []
        for step in range(8):
            set_lr(opt, 0.1 if step < 4 else 0.02)
            params[0].grad = slopes[step, 0].clone()
            params[1].grad = None if step in (0, 1, 5) else slopes[step, 1].clone()
            opt.step()
            seen += [p.detach().clone() for p in params] + [p.grad for p in params if p.grad is not None]
        return torch.stack(seen)

    def same(**options):
        wanted = way(torch.optim.Adam, lambda opt, lr: opt.param_groups[0].update(lr=lr), **options)
        return torch.allclose(way(candidate, lambda opt, lr: setattr(opt, "lr", lr), **options), wanted, atol=1e-6)

    try:
        return all(same(**options) for options in ({"betas": (0.5, 0.8), "eps": 0.5},))
    except Exception:
        return False


# %% judge_adam: exceptions_get_out
# help: A candidate that raises makes your judge raise. Expect any Exception: then the verdict is False.
def judge_adam(candidate):
    slopes = torch.randn(8, 2, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)

    def way(make, set_lr, **options):
        params = [torch.full((3,), 1.0 + i, dtype=torch.float64, requires_grad=True) for i in range(2)]
        opt, seen = make(params, lr=0.1, **options), []
        for step in range(8):
            set_lr(opt, 0.1 if step < 4 else 0.02)
            params[0].grad = slopes[step, 0].clone()
            params[1].grad = None if step in (0, 1, 5) else slopes[step, 1].clone()
            opt.step()
            seen += [p.detach().clone() for p in params] + [p.grad for p in params if p.grad is not None]
        return torch.stack(seen)

    def same(**options):
        wanted = way(torch.optim.Adam, lambda opt, lr: opt.param_groups[0].update(lr=lr), **options)
        return torch.allclose(way(candidate, lambda opt, lr: setattr(opt, "lr", lr), **options), wanted, atol=1e-6)

    if True:
        return all(same(**options) for options in ({}, {"betas": (0.5, 0.8), "eps": 0.5}, {}))


# %% judge_adam: bits_compared
# help: You refuse an optimizer that is right up to rounding: two right ways of writing the formula differ in the last digits.
#  Compare within a tolerance.
def judge_adam(candidate):
    slopes = torch.randn(8, 2, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)

    def way(make, set_lr, **options):
        params = [torch.full((3,), 1.0 + i, dtype=torch.float64, requires_grad=True) for i in range(2)]
        opt, seen = make(params, lr=0.1, **options), []
        for step in range(8):
            set_lr(opt, 0.1 if step < 4 else 0.02)
            params[0].grad = slopes[step, 0].clone()
            params[1].grad = None if step in (0, 1, 5) else slopes[step, 1].clone()
            opt.step()
            seen += [p.detach().clone() for p in params] + [p.grad for p in params if p.grad is not None]
        return torch.stack(seen)

    def same(**options):
        wanted = way(torch.optim.Adam, lambda opt, lr: opt.param_groups[0].update(lr=lr), **options)
        return torch.equal(way(candidate, lambda opt, lr: setattr(opt, "lr", lr), **options), wanted)

    try:
        return all(same(**options) for options in ({}, {"betas": (0.5, 0.8), "eps": 0.5}, {}))
    except Exception:
        return False


# %% judge_adam: one_step
# help: You compare one step, or the end of a single one. Moments that are forgotten, and a count that is shared, show from
#  the second step on.
def judge_adam(candidate):
    slopes = torch.randn(8, 2, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)

    def way(make, set_lr, **options):
        params = [torch.full((3,), 1.0 + i, dtype=torch.float64, requires_grad=True) for i in range(2)]
        opt, seen = make(params, lr=0.1, **options), []
        for step in range(1):
            set_lr(opt, 0.1 if step < 4 else 0.02)
            params[0].grad = slopes[step, 0].clone()
            params[1].grad = slopes[step, 1].clone()
            opt.step()
            seen += [p.detach().clone() for p in params] + [p.grad for p in params if p.grad is not None]
        return torch.stack(seen)

    def same(**options):
        wanted = way(torch.optim.Adam, lambda opt, lr: opt.param_groups[0].update(lr=lr), **options)
        return torch.allclose(way(candidate, lambda opt, lr: setattr(opt, "lr", lr), **options), wanted, atol=1e-6)

    try:
        return all(same(**options) for options in ({}, {"betas": (0.5, 0.8), "eps": 0.5}, {}))
    except Exception:
        return False


# %% judge_adam: a_tensor_for_a_verdict
# help: Your verdict is a tensor. A verdict is True or False, a Python bool: bool(...) makes one.
def judge_adam(candidate):
    slopes = torch.randn(8, 2, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)

    def way(make, set_lr, **options):
        params = [torch.full((3,), 1.0 + i, dtype=torch.float64, requires_grad=True) for i in range(2)]
        opt, seen = make(params, lr=0.1, **options), []
        for step in range(8):
            set_lr(opt, 0.1 if step < 4 else 0.02)
            params[0].grad = slopes[step, 0].clone()
            params[1].grad = None if step in (0, 1, 5) else slopes[step, 1].clone()
            opt.step()
            seen += [p.detach().clone() for p in params] + [p.grad for p in params if p.grad is not None]
        return torch.stack(seen)

    def same(**options):
        wanted = way(torch.optim.Adam, lambda opt, lr: opt.param_groups[0].update(lr=lr), **options)
        return (way(candidate, lambda opt, lr: setattr(opt, "lr", lr), **options) - wanted).abs().max() < 1e-6

    try:
        return torch.stack([same(**options) for options in ({}, {"betas": (0.5, 0.8), "eps": 0.5}, {})]).all()
    except Exception:
        return False


# %% warmup_cosine: one_step_more_of_warmup
# help: You divide by warmup_steps + 1, so the climb ends below base_lr. The last of warmup_steps steps has all of it.
def warmup_cosine(step, base_lr, warmup_steps, total_steps, min_lr=0.0):
    if step < warmup_steps:
        return base_lr * (step + 1) / (warmup_steps + 1)
    if step >= total_steps:
        return min_lr
    ratio = (step - warmup_steps) / (total_steps - warmup_steps)
    return min_lr + 0.5 * (1.0 + math.cos(math.pi * ratio)) * (base_lr - min_lr)
