"""Right solutions of chapter 7 in an unusual style: the checks must accept every one."""

import math
import random

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


# %% relu_module: maximum
class ReLU(nn.Module):
    def __init__(self):
        super(ReLU, self).__init__()
        self.register_buffer("zero", torch.zeros(()), persistent=False)

    def forward(self, x):
        return torch.maximum(x, self.zero.to(x.dtype))


# %% relu_module: own_function
class _Bend(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        mask = x > 0
        ctx.save_for_backward(mask)
        return x * mask

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out * ctx.saved_tensors[0]


class ReLU(nn.Module):
    def forward(self, x, *, apply=_Bend.apply):
        return apply(x)


# %% relu_module: half_sum_in_a_lambda
class ReLU(nn.Module):
    forward = lambda self, input: (input + input.abs()) / 2


# %% relu_module: threshold
class ReLU(nn.Threshold):
    """x > 0 keeps x, everything else becomes 0."""

    def __init__(self):
        super().__init__(0.0, 0.0)


# %% linear: einsum_and_reset
class Linear(nn.Module):
    weight: torch.Tensor

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        nn.Module.__init__(self)
        self.out_features = out_features
        self.in_features = in_features
        self.register_parameter("bias", nn.Parameter(torch.empty(out_features)) if bias else None)
        self.register_parameter("weight", nn.Parameter(torch.empty((out_features, in_features))))
        self.reset_parameters()

    @torch.no_grad()
    def reset_parameters(self):
        for p in self.parameters():
            p.copy_((2 * torch.rand_like(p) - 1) / self.in_features**0.5)

    def forward(self, input):
        y = torch.einsum("...i,oi->...o", input, self.weight)
        if self.bias is not None:
            y += self.bias
        return y

    def extra_repr(self):
        fields = {"in_features": self.in_features, "out_features": self.out_features, "bias": self.bias is not None}
        return ", ".join(f"{k}={v}" for k, v in fields.items())


# %% linear: torch_init_and_own_function
class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, w):
        ctx.save_for_backward(x, w)
        return torch.matmul(x, w.t())

    @staticmethod
    def backward(ctx, g):
        x, w = ctx.saved_tensors
        return g @ w, g.reshape(-1, g.shape[-1]).t() @ x.reshape(-1, x.shape[-1])


class Linear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.has_bias = bool(bias)
        self.weight = nn.Parameter(nn.init.kaiming_uniform_(torch.empty(out_features, in_features), a=math.sqrt(5)))
        self.bias = None if not bias else nn.Parameter(nn.init.uniform_(torch.empty(out_features), -(in_features**-0.5), in_features**-0.5))
        if not bias:
            del self.bias
            self.register_parameter("bias", None)

    def forward(self, x):
        y = _Product.apply(x, self.weight)
        return y + self.bias if self.has_bias else y

    def extra_repr(self):
        return "in_features={}, out_features={}, bias={}".format(self.in_features, self.out_features, self.has_bias)


# %% linear: numpy_draws_under_another_class_name
class Dense(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        draw = lambda *size: nn.Parameter(torch.tensor(np.random.uniform(-1, 1, size) / np.sqrt(in_features), dtype=torch.float32))
        self.weight = draw(out_features, in_features)
        self.register_parameter("bias", draw(out_features) if bias else None)

    def forward(self, x):
        y = (self.weight @ x.unsqueeze(-1)).squeeze(-1)
        return y if self.bias is None else y.add(self.bias)

    def extra_repr(self):
        return f"in_features={self.in_features!r}, out_features={self.out_features!r}, bias={self.bias is not None!r}"


Linear = Dense


# %% xavier_init: numpy_draws
def _glorot(tensor, gain, draw):
    shape = tuple(tensor.size())
    if len(shape) <= 1:
        raise ValueError(shape)
    out, inn, *kernel = shape
    var = 2.0 / ((out + inn) * int(np.prod(kernel)))
    numbers = draw(gain * np.sqrt(var), shape)
    tensor.data.copy_(torch.as_tensor(numbers))
    return tensor


xavier_uniform_ = lambda tensor, gain=1.0: _glorot(tensor, gain, lambda s, shape: np.random.uniform(-s * 3**0.5, s * 3**0.5, shape))
xavier_normal_ = lambda tensor, gain=1.0: _glorot(tensor, gain, lambda s, shape: np.random.randn(*shape) * s)


# %% xavier_init: one_decorated_class
class _Glorot:
    def __init__(self, law):
        self.law = law

    @torch.no_grad()
    def __call__(self, tensor, gain=1.0):
        if tensor.ndim not in range(2, 99):
            raise ValueError("fewer than two dimensions")
        fan_in = tensor[0].numel()
        fan_out = tensor.transpose(0, 1)[0].numel()
        std = gain * (0.5 * (fan_in + fan_out)) ** -0.5
        fresh = torch.randn(tensor.shape, dtype=tensor.dtype) if self.law == "normal" else (torch.rand(tensor.shape, dtype=tensor.dtype) - 0.5) * 12**0.5
        tensor.zero_()
        tensor += std * fresh
        return tensor


xavier_uniform_, xavier_normal_ = _Glorot("uniform"), _Glorot("normal")


# %% kaiming_init: numpy_and_entry_by_entry
def _std(tensor, a, mode):
    fans = dict(fan_in=1, fan_out=0)
    if mode not in fans or len(tensor.shape) < 2:
        raise ValueError(f"{mode}, {tensor.shape}")
    fan = tensor.shape[fans[mode]]
    for size in tensor.shape[2:]:
        fan *= size
    return (2 / ((1 + a * a) * fan)) ** 0.5


def kaiming_uniform_(tensor, a=0.0, mode="fan_in"):
    std = _std(tensor, a, mode)
    tensor.detach()[...] = torch.tensor([random.uniform(-(3**0.5) * std, 3**0.5 * std) for _ in range(tensor.numel())]).view(tensor.shape)
    return tensor


def kaiming_normal_(tensor, a=0.0, mode="fan_in"):
    std = _std(tensor, a, mode)
    tensor.detach()[...] = torch.tensor([random.gauss(0.0, std) for _ in range(tensor.numel())]).view(tensor.shape)
    return tensor


# %% kaiming_init: match_and_distributions
def _he(tensor, a, mode):
    if tensor.ndimension() < 2:
        raise ValueError("no fans")
    match mode:
        case "fan_in":
            fan = tensor.numel() // tensor.size(0)
        case "fan_out":
            fan = tensor.numel() // tensor.size(1)
        case other:
            raise ValueError(other)
    return math.sqrt(2.0) / math.hypot(1, a) / math.sqrt(fan)


def kaiming_uniform_(tensor, a=0.0, mode="fan_in"):
    b = torch.tensor(_he(tensor, a, mode) * math.sqrt(3))
    was = torch.is_grad_enabled()
    torch.set_grad_enabled(False)
    try:
        tensor.copy_(torch.distributions.Uniform(-b, b).sample(tensor.shape))
    finally:
        torch.set_grad_enabled(was)
    return tensor


def kaiming_normal_(tensor, a=0.0, mode="fan_in"):
    s = _he(tensor, a, mode)
    with torch.inference_mode(False), torch.no_grad():
        torch.normal(0.0, s, tensor.shape, out=tensor) if tensor.is_contiguous() and not tensor.requires_grad and tensor.dtype == torch.float32 else tensor.normal_(std=s)
    return tensor


# %% simple_mlp: unpacked_in_a_loop
class SimpleMLP(nn.Module):
    def __init__(self, in_dim, hidden_dim, out_dim):
        nn.Module.__init__(self)
        self.layers = nn.Sequential()
        sizes = [in_dim, hidden_dim, hidden_dim, out_dim]
        for i in range(3):
            self.layers.append(nn.Linear(sizes[i], sizes[i + 1]))
            if i < 2:
                self.layers.append(nn.ReLU(inplace=False))

    def forward(self, x):
        for module in self.layers.children():
            x = module(x)
        return x


# %% simple_mlp: a_shared_relu_and_own_start
class SimpleMLP(nn.Module):
    layers: nn.Sequential

    def __init__(self, in_dim: int, hidden_dim: int, out_dim: int):
        super(SimpleMLP, self).__init__()
        bend = ReLU()
        first, second, third = Linear(in_dim, hidden_dim), Linear(hidden_dim, hidden_dim), Linear(hidden_dim, out_dim)
        self.add_module("layers", nn.Sequential(first, bend, second, bend, third))
        self.apply(self.fill)

    @staticmethod
    def fill(module):
        if hasattr(module, "weight"):
            kaiming_normal_(module.weight)
            nn.init.zeros_(module.bias)

    forward = lambda self, x: self.layers.forward(x)


# %% simple_mlp: torch_parts_from_a_base
class _Chain(nn.Module):
    def __init__(self, *layers):
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, *args):
        return self.layers(*args)


class SimpleMLP(_Chain):
    def __init__(self, in_dim, hidden_dim, out_dim):
        super().__init__(nn.Linear(in_dim, hidden_dim), nn.ReLU(), nn.Linear(hidden_dim, hidden_dim), nn.ReLU(), nn.Linear(hidden_dim, out_dim))


# %% dynamic_net: recursive
class DynamicNet(nn.Module):
    def __init__(self, d_in, h, d_out):
        super().__init__()
        self.input_linear = Linear(d_in, h)
        self.middle_linear = Linear(h, h)
        self.output_linear = Linear(h, d_out)

    def again(self, hidden, left):
        return hidden if left == 0 else self.again(torch.relu(self.middle_linear(hidden)), left - 1)

    def forward(self, x, repeats=None):
        if repeats is None:
            repeats = int(np.random.default_rng().integers(4))
        return self.output_linear(self.again(torch.relu(self.input_linear(x)), repeats))


# %% dynamic_net: uneven_draws_and_modules
class DynamicNet(nn.Module):
    def __init__(self, d_in, h, d_out):
        super().__init__()
        self.input_linear, self.middle_linear, self.output_linear = (nn.Linear(*s) for s in ((d_in, h), (h, h), (h, d_out)))
        self.bend = ReLU()

    def forward(self, x, repeats=None):
        count = sum(random.random() < 0.5 for _ in range(3)) if repeats is None else repeats
        path = nn.Sequential(self.input_linear, self.bend, *[self.middle_linear, self.bend] * count, self.output_linear)
        return path(x)


# %% dynamic_net: torch_draws
class DynamicNet(nn.Module):
    def __init__(self, d_in, h, d_out):
        super().__init__()
        for name, sizes in {"input_linear": (d_in, h), "middle_linear": (h, h), "output_linear": (h, d_out)}.items():
            self.add_module(name, Linear(*sizes))

    def forward(self, x, repeats=None):
        h = F.relu(self.input_linear(x))
        n = torch.randint(4, (1,)).item() if repeats is None else repeats
        while n > 0:
            h, n = F.relu(self.middle_linear(h)), n - 1
        return self.output_linear(h)


# %% running_mean: from_sums
class RunningMean(nn.Module):
    mean: torch.Tensor
    count: torch.Tensor

    def __init__(self, num_features):
        super().__init__()
        for name, start in (("count", torch.zeros([], dtype=torch.long)), ("mean", torch.zeros(num_features))):
            self.register_buffer(name, start)

    @torch.no_grad()
    def update(self, x):
        total = self.mean * self.count + x.sum(dim=0)
        self.count = self.count + x.shape[0]
        self.mean = total / self.count

    def forward(self, x):
        if self.training:
            self.update(x)
        return torch.sub(x, self.mean)


# %% running_mean: row_by_row
class RunningMean(nn.Module):
    def __init__(self, num_features):
        super().__init__()
        self.register_buffer("mean", torch.zeros((num_features,)))
        self.register_buffer("count", torch.tensor(0, dtype=torch.int64))

    def forward(self, x):
        for row in x.detach() if self.training else ():
            self.count.add_(1)
            self.mean.lerp_(row, 1 / int(self.count))
        return x - self.mean[None, :].clone()


# %% running_mean: two_forwards
class RunningMean(nn.Module):
    def __init__(self, num_features):
        super().__init__()
        self.register_buffer("mean", nn.init.zeros_(torch.empty(num_features)))
        self.register_buffer("count", torch.LongTensor([0])[0])

    def forward(self, x):
        if not self.training:
            return x + (-self.mean)
        seen, n = self.count.item(), x.size(0)
        mean = (self.mean * seen + x.data.mean(dim=0, keepdim=True).squeeze(0) * n) / (seen + n)
        self.mean.data.copy_(mean)
        self.count.fill_(seen + n)
        return x - mean


# %% activation_recorder: generator_with_finally
import contextlib
import types


@contextlib.contextmanager
def ActivationRecorder(model):
    rec = types.SimpleNamespace(activations={})

    def install(name, module):
        return module.register_forward_hook(lambda m, args, out: rec.activations.__setitem__(name, out.detach().clone()))

    handles = [install(name, m) for name, m in model.named_modules() if next(m.children(), None) is None]
    try:
        yield rec
    finally:
        while handles:
            handles.pop().remove()


# %% activation_recorder: installed_at_once_with_kwargs
class ActivationRecorder(contextlib.AbstractContextManager if "contextlib" in globals() else object):
    def __init__(self, model):
        from collections import OrderedDict
        from functools import partial

        self.activations = OrderedDict()
        self._installed = []
        for name, module in model.named_modules():
            if len(module._modules) == 0:
                self._installed.append(module.register_forward_hook(partial(self._keep, name), with_kwargs=True))

    def _keep(self, name, module, args, kwargs, output):
        with torch.no_grad():
            self.activations[name] = output.detach()
        return None

    def __enter__(self):
        return self

    def __exit__(self, kind, value, trace):
        [handle.remove() for handle in self._installed]
        return False


# %% activation_recorder: one_global_hook
class ActivationRecorder:
    def __init__(self, model):
        self.names = {module: name for name, module in model.named_modules() if not any(True for _ in module.children())}
        self.activations = {}

    def __enter__(self):
        self.handle = nn.modules.module.register_module_forward_hook(self)
        return self

    def __call__(self, module, inputs, output):
        if module in self.names:
            self.activations[self.names[module]] = output.detach()

    def __exit__(self, *_):
        self.handle.remove()


# %% activation_recorder: own_walk_and_exit_stack
class ActivationRecorder:
    def __init__(self, model):
        self.model, self.activations = model, dict()

    def leaves(self, module, path=()):
        children = dict(module.named_children())
        if not children:
            yield ".".join(path), module
        for name, child in children.items():
            yield from self.leaves(child, (*path, name))

    def __enter__(self):
        import contextlib

        with contextlib.ExitStack() as stack:
            for name, leaf in self.leaves(self.model):

                def hook(_module, _inputs, output, name=name):
                    self.activations[name] = output.data

                stack.callback(leaf.register_forward_hook(hook).remove)
            self.undo = stack.pop_all()
        return self

    def __exit__(self, *error):
        self.undo.close()


# %% simple_mlp: layers_with_names
from collections import OrderedDict


class SimpleMLP(nn.Module):
    def __init__(self, in_dim, hidden_dim, out_dim):
        super().__init__()
        self.layers = nn.Sequential(
            OrderedDict(
                first=nn.Linear(in_dim, hidden_dim),
                bend=nn.ReLU(),
                second=nn.Linear(hidden_dim, hidden_dim),
                bend_again=nn.ReLU(),
                last=nn.Linear(hidden_dim, out_dim),
            )
        )

    def forward(self, x):
        return self.layers(x)


# %% relu_module: relu_in_comments_and_strings
class ReLU(nn.Module):
    def forward(self, x):
        note = "as nn.ReLU and torch.relu do"  # not F.relu(x)
        return x.clamp_min(0)


# %% relu_module: a_helper_called_relu
def relu(x):
    return x * (x > 0)


class ReLU(nn.Module):
    def forward(self, x):
        return relu(x)


# %% relu_module: leaky_relu_without_a_leak
class ReLU(nn.Module):
    def forward(self, x):
        return F.leaky_relu(x, 0.0)


# %% relu_module: hardtanh_without_an_end
class ReLU(nn.Module):
    def forward(self, x):
        return F.hardtanh(x, 0.0, float("inf"))


# %% relu_module: super_with_the_class_s_name
class ReLU(nn.Module):
    def __init__(self):
        super(ReLU, self).__init__()

    def forward(self, input):
        return torch.max(input, torch.zeros_like(input))


# %% relu_module: relu_by_where
class ReLU(nn.Module):
    def forward(self, x):
        return torch.where(x > 0, x, torch.zeros((), dtype=x.dtype))


# %% relu_module: relu_by_masked_fill
class ReLU(nn.Module):
    def forward(self, x):
        return x.masked_fill(x <= 0, 0.0)


# %% relu_module: relu_with_an_optional_argument
class ReLU(nn.Module):
    def __init__(self, inplace=False):
        super().__init__()
        self.inplace = inplace

    def forward(self, x):
        return (x > 0) * x

    def extra_repr(self):
        return "inplace" * self.inplace


# %% linear: a_function_called_linear
def linear(x, w, b):
    """as F.linear"""
    y = torch.matmul(x, w.mT)
    return y if b is None else y + b


class Linear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):

        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        k = in_features**-0.5
        self.weight = nn.Parameter(torch.empty(out_features, in_features).uniform_(-k, k))
        self.register_parameter("bias", nn.Parameter(torch.empty(out_features).uniform_(-k, k)) if bias else None)

    def forward(self, x):
        return linear(x, self.weight, self.bias)

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


# %% linear: nn_init_where_it_is_not_forbidden
class Linear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        self.register_parameter("bias", nn.Parameter(nn.init.uniform_(torch.empty(out_features), -1 / math.sqrt(in_features), 1 / math.sqrt(in_features))) if bias else None)

    def forward(self, x):
        out = x @ self.weight.T
        return out if self.bias is None else out + self.bias

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


# %% linear: linear_by_broadcasting
class Linear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):

        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        k = in_features**-0.5
        self.weight = nn.Parameter(torch.empty(out_features, in_features).uniform_(-k, k))
        self.register_parameter("bias", nn.Parameter(torch.empty(out_features).uniform_(-k, k)) if bias else None)

    def forward(self, x):
        y = (x[..., None, :] * self.weight).sum(-1)
        return y if self.bias is None else y + self.bias

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


# %% linear: linear_by_inner
class Linear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):

        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        k = in_features**-0.5
        self.weight = nn.Parameter(torch.empty(out_features, in_features).uniform_(-k, k))
        self.register_parameter("bias", nn.Parameter(torch.empty(out_features).uniform_(-k, k)) if bias else None)

    def forward(self, x):
        y = torch.inner(x, self.weight)
        if self.bias is not None:
            y = y + self.bias
        return y

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


# %% linear: linear_by_tensordot
class Linear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):

        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        k = in_features**-0.5
        self.weight = nn.Parameter(torch.empty(out_features, in_features).uniform_(-k, k))
        self.register_parameter("bias", nn.Parameter(torch.empty(out_features).uniform_(-k, k)) if bias else None)

    def forward(self, x):
        y = torch.tensordot(x, self.weight, dims=([-1], [1]))
        return y if self.bias is None else torch.add(y, self.bias)

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


# %% linear: linear_with_a_reset_and_more_attributes
class Linear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):

        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.use_bias = bias
        self.weight = nn.Parameter(torch.Tensor(out_features, in_features))
        if bias:
            self.bias = nn.Parameter(torch.Tensor(out_features))
        else:
            self.register_parameter("bias", None)
        bound = 1 / np.sqrt(in_features)
        for p in self.parameters():
            p.data.uniform_(-bound, bound)

    def forward(self, x):
        out = x.matmul(self.weight.transpose(0, 1))
        if self.use_bias:
            out += self.bias
        return out

    def extra_repr(self):
        return "in_features={}, out_features={}, bias={}".format(self.in_features, self.out_features, self.use_bias)


# %% xavier_init: nn_init_in_a_docstring
"""like nn.init.xavier_uniform_"""
init = nn_init = None  # nn.init


def _std(t, gain):
    if t.ndim < 2:
        raise ValueError("no fans")
    k = t[0, 0].numel()
    return gain * math.sqrt(2 / ((t.shape[0] + t.shape[1]) * k))


def xavier_uniform_(tensor, gain=1.0):
    b = math.sqrt(3) * _std(tensor, gain)
    with torch.no_grad():
        return tensor.uniform_(-b, b)


def xavier_normal_(tensor, gain=1.0):
    s = _std(tensor, gain)
    with torch.no_grad():
        return tensor.normal_(0, s)


# %% xavier_init: xavier_by_a_generator_of_its_own
G = torch.Generator()
G.seed()


def _std(t, gain):
    if t.ndim < 2:
        raise ValueError("no fans")
    k = t[0, 0].numel()
    return gain * math.sqrt(2 / ((t.shape[0] + t.shape[1]) * k))


def xavier_uniform_(tensor, gain=1.0):
    b = math.sqrt(3) * _std(tensor, gain)
    tensor.data.copy_((torch.rand(tensor.shape, generator=G) * 2 - 1) * b)
    return tensor


def xavier_normal_(tensor, gain=1.0):
    s = _std(tensor, gain)
    with torch.no_grad():
        return tensor.normal_(0, s)


# %% xavier_init: xavier_by_list_and_slice
def _std(t, gain):
    if t.ndim < 2:
        raise ValueError("no fans")
    k = t[0, 0].numel()
    return gain * math.sqrt(2 / ((t.shape[0] + t.shape[1]) * k))


def xavier_uniform_(tensor, gain=1.0):
    b = math.sqrt(3) * _std(tensor, gain)
    with torch.no_grad():
        return tensor.uniform_(-b, b)


def xavier_normal_(tensor, gain=1.0):
    s = _std(tensor, gain)
    tensor.data[:] = torch.as_tensor(np.random.normal(0, s, tensor.shape))
    return tensor


# %% kaiming_init: a_helper_called_init
def init(t):
    return t


def _std(t, a, mode):
    if t.ndim < 2 or mode not in ("fan_in", "fan_out"):
        raise ValueError("no fans")
    fan = t[0].numel() if mode == "fan_in" else t[:, 0].numel()
    return math.sqrt(2 / (1 + a**2) / fan)


def kaiming_uniform_(tensor, a=0.0, mode="fan_in"):
    b = math.sqrt(3) * _std(tensor, a, mode)
    with torch.no_grad():
        return tensor.uniform_(-b, b)


def kaiming_normal_(tensor, a=0.0, mode="fan_in"):
    s = _std(tensor, a, mode)
    with torch.no_grad():
        return init(tensor).normal_(mean=0.0, std=s)


# %% kaiming_init: kaiming_decorated
@torch.no_grad()
def _draw(t, b):
    t.copy_(torch.rand_like(t).mul(2 * b).sub(b))
    return t


def _std(t, a, mode):
    if t.ndim < 2 or mode not in ("fan_in", "fan_out"):
        raise ValueError("no fans")
    fan = t[0].numel() if mode == "fan_in" else t[:, 0].numel()
    return math.sqrt(2 / (1 + a**2) / fan)


def kaiming_uniform_(tensor, a=0.0, mode="fan_in"):
    b = math.sqrt(3) * _std(tensor, a, mode)
    return _draw(tensor, b)


def kaiming_normal_(tensor, a=0.0, mode="fan_in"):
    s = _std(tensor, a, mode)
    with torch.no_grad():
        return tensor.normal_(0, s)


# %% kaiming_init: kaiming_with_the_fan_from_shapes
def _std(t, a, mode):
    if t.ndim < 2 or mode not in ("fan_in", "fan_out"):
        raise ValueError("no fans")
    fan = math.prod(t.shape) / t.shape[0 if mode == "fan_in" else 1]
    return math.sqrt(2 / (1 + a**2) / fan)


def kaiming_uniform_(tensor, a=0.0, mode="fan_in"):
    b = math.sqrt(3) * _std(tensor, a, mode)
    with torch.no_grad():
        return tensor.uniform_(-b, b)


def kaiming_normal_(tensor, a=0.0, mode="fan_in"):
    s = _std(tensor, a, mode)
    with torch.no_grad():
        return tensor.normal_(0, s)


# %% simple_mlp: mlp_with_ordered_names
class SimpleMLP(nn.Module):
    def __init__(self, in_dim, hidden_dim, out_dim):
        super().__init__()
        blocks = []
        for a, b in ((in_dim, hidden_dim), (hidden_dim, hidden_dim)):
            blocks += [Linear(a, b, bias=True), ReLU()]
        self.layers = nn.Sequential(*blocks, Linear(in_features=hidden_dim, out_features=out_dim))

    def __len__(self):
        return 5

    def forward(self, x, *, flat=False):
        return self.layers(x)


# %% simple_mlp: mlp_that_is_a_sequential_s_owner_twice
class SimpleMLP(nn.Module):
    def __init__(self, in_dim, hidden_dim, out_dim):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(in_dim, hidden_dim), nn.ReLU(), nn.Linear(hidden_dim, hidden_dim), nn.ReLU(), nn.Linear(hidden_dim, out_dim))
        self.head = self.layers[4]

    def forward(self, x):
        return self.head(self.layers[:4](x))


# %% dynamic_net: net_by_reduce
from functools import reduce


class DynamicNet(nn.Module):
    def __init__(self, d_in, h, d_out):
        super().__init__()
        self.output_linear = nn.Linear(h, d_out)
        self.middle_linear = nn.Linear(h, h)
        self.input_linear = nn.Linear(d_in, h)

    def forward(self, x, repeats=None):
        n = np.random.choice([0, 1, 1, 2, 3]) if repeats is None else repeats
        step = lambda h, _: F.relu(self.middle_linear(h))
        return self.output_linear(reduce(step, range(n), F.relu(self.input_linear(x))))


# %% dynamic_net: net_by_secrets
import secrets


class DynamicNet(nn.Module):
    def __init__(self, d_in, h, d_out):
        super().__init__()
        self.input_linear, self.middle_linear, self.output_linear = Linear(d_in, h), Linear(h, h), Linear(h, d_out)
        self.relu = ReLU()

    def forward(self, x, repeats=None):
        repeats = secrets.choice(range(4)) if repeats is None else int(repeats)
        h = self.relu(self.input_linear(x))
        for _ in [None] * repeats:
            h = self.relu(self.middle_linear(h))
        return self.output_linear(h)


# %% running_mean: mean_in_the_training_branch_only
class RunningMean(nn.Module):
    def __init__(self, num_features):
        super().__init__()
        self.num_features = num_features
        self.register_buffer("count", torch.tensor(0, dtype=torch.long))
        self.register_buffer("mean", torch.zeros(num_features))

    def forward(self, x):
        if self.training:
            d = x.detach()
            n = d.size(0)
            self.count += n
            delta = d.mean(0) - self.mean
            self.mean = self.mean + delta * n / self.count
        return x - self.mean


# %% running_mean: mean_with_an_extra_buffer
class RunningMean(nn.Module):
    def __init__(self, num_features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(num_features))
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))
        self.register_buffer("total", torch.zeros(num_features))

    @torch.no_grad()
    def see(self, rows):
        self.total.add_(rows.sum(0))
        self.count.add_(rows.shape[0])
        self.mean.copy_(self.total / self.count)

    def forward(self, x):
        if self.training:
            self.see(x)
        return x - self.mean.expand_as(x)

    def _load_from_state_dict(self, state, prefix, *rest):
        super()._load_from_state_dict(state, prefix, *rest)


# %% activation_recorder: recorder_by_patching_forward
class ActivationRecorder:
    def __init__(self, model):
        self.model, self.activations, self.patched = model, {}, []

    def __enter__(self):
        for name, module in self.model.named_modules():
            if len(list(module.children())) == 0:
                self.patched.append((module, module.__dict__.get("forward")))

                def forward(*args, _name=name, _old=module.forward, **kwargs):
                    out = _old(*args, **kwargs)
                    self.activations[_name] = out.detach()
                    return out

                module.forward = forward
        return self

    def __exit__(self, kind, error, trace):
        for module, old in reversed(self.patched):
            if old is None:
                del module.forward
            else:
                module.forward = old


# %% activation_recorder: recorder_in_a_dictionary_s_clothes
from collections import UserDict


class ActivationRecorder(UserDict):
    def __init__(self, model):
        super().__init__()
        self.model = model

    activations = property(lambda self: self.data)

    def __enter__(self):
        leaves = {n: m for n, m in self.model.named_modules() if not m._modules}
        self.handles = [m.register_forward_hook(lambda *a, n=n: self.data.update({n: a[-1].detach()})) for n, m in leaves.items()]
        return self

    def __exit__(self, *ignored):
        for h in self.handles:
            h.remove()
