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
        super().__init__(
            nn.Linear(in_dim, hidden_dim), nn.ReLU(), nn.Linear(hidden_dim, hidden_dim), nn.ReLU(), nn.Linear(hidden_dim, out_dim)
        )


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
