"""Refused solutions of chapter 7: subtle ones and forbidden calls that have to lose points, without a help of their own.

A line `# names:` is what the message has to name.
"""

import math
import random
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


# %% relu_module: relu6_at_a_thousand
class ReLU(nn.Module):
    def forward(self, x):
        return x.clamp(0, 20)


# %% relu_module: softplus
class ReLU(nn.Module):
    def forward(self, x):
        return F.softplus(x, beta=50)


# %% relu_module: relu_of_a_copy_on_the_same_storage
class ReLU(nn.Module):
    def forward(self, x):
        x.data[x.data < 0] = 0
        return x * 1


# %% relu_module: relu_that_flattens
class ReLU(nn.Module):
    def forward(self, x):
        return x.clamp(min=0).reshape(len(x), -1)


# %% relu_module: relu_with_a_straight_through_gradient
class ReLU(nn.Module):
    def forward(self, x):
        return x + (x.clamp(min=0) - x).detach()


# %% relu_module: relu_in_training_only
class ReLU(nn.Module):
    def forward(self, x):
        return x.clamp(min=0) if self.training else x


# %% relu_module: nn_relu_called
# names: torch.nn.ReLU
class ReLU(nn.Module):
    def forward(self, x):
        return nn.ReLU()(x)


# %% relu_module: nn_relu_subclassed
# names: torch.nn.ReLU
class ReLU(nn.ReLU):
    pass


# %% relu_module: nn_relu_as_an_alias
# names: torch.nn.ReLU
Bend = torch.nn.modules.activation.ReLU


class ReLU(nn.Module):
    def __init__(self):
        super().__init__()
        self.b = Bend()

    def forward(self, x):
        return self.b(x)


# %% relu_module: nn_relu_imported
# names: torch.nn.ReLU
from torch.nn import ReLU as Theirs


class ReLU(nn.Module):
    def forward(self, x):
        return Theirs().forward(x)


# %% relu_module: f_relu
# names: relu
class ReLU(nn.Module):
    def forward(self, x):
        return F.relu(x)


# %% relu_module: f_relu_in_place_on_a_copy
# names: relu
class ReLU(nn.Module):
    def forward(self, x):
        return F.relu_(x.clone())


# %% relu_module: f_relu_imported
# names: relu
from torch.nn.functional import relu as bend


class ReLU(nn.Module):
    def forward(self, x):
        return bend(x)


# %% relu_module: torch_relu
# names: relu
class ReLU(nn.Module):
    def forward(self, x):
        return torch.relu(x)


# %% relu_module: torch_relu_2
# names: relu
class ReLU(nn.Module):
    def forward(self, x):
        return torch.relu_(x + 0)


# %% relu_module: the_method_relu
# names: relu
class ReLU(nn.Module):
    def forward(self, x):
        return x.relu()


# %% relu_module: the_method_relu_2
# names: relu
class ReLU(nn.Module):
    def forward(self, x):
        y = x.clone()
        return y.relu_()


# %% relu_module: getattr_on_torch
# names: relu
class ReLU(nn.Module):
    def forward(self, x):
        return getattr(torch, "relu")(x)


# %% relu_module: getattr_with_a_made_up_string
# names: relu
class ReLU(nn.Module):
    def forward(self, x):
        return getattr(torch, "re" + "lu")(x)


# %% relu_module: vars_of_nn
# names: ReLU
class ReLU(nn.Module):
    def forward(self, x):
        return vars(nn)["Re" + "LU"]()(x)


# %% relu_module: tensor_relu
# names: relu
class ReLU(nn.Module):
    def forward(self, x):
        return torch.Tensor.relu(x)


# %% relu_module: ops_aten_relu
# names: relu
class ReLU(nn.Module):
    def forward(self, x):
        return torch.ops.aten.relu(x)


# %% linear: linear_that_keeps_its_bias_out_of_training
class Linear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):

        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        k = in_features**-0.5
        self.weight = nn.Parameter(torch.empty(out_features, in_features).uniform_(-k, k))
        self.register_parameter("bias", nn.Parameter(torch.empty(out_features).uniform_(-k, k)) if bias else None)

    def forward(self, x):
        out = x @ self.weight.T
        return out if self.bias is None else out + self.bias.detach()

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


# %% linear: linear_with_the_bias_as_a_buffer
class Linear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        k = in_features**-0.5
        self.weight = nn.Parameter(torch.empty(out_features, in_features).uniform_(-k, k))
        self.register_buffer("bias", torch.empty(out_features).uniform_(-k, k) if bias else None)

    def forward(self, x):
        out = x @ self.weight.T
        return out if self.bias is None else out + self.bias

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


# %% linear: linear_that_flattens_its_input
class Linear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):

        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        k = in_features**-0.5
        self.weight = nn.Parameter(torch.empty(out_features, in_features).uniform_(-k, k))
        self.register_parameter("bias", nn.Parameter(torch.empty(out_features).uniform_(-k, k)) if bias else None)

    def forward(self, x):
        out = x.reshape(-1, self.in_features) @ self.weight.T
        return out if self.bias is None else out + self.bias

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


# %% linear: linear_with_weights_drawn_once_for_the_class
class Linear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        k = in_features**-0.5
        g = torch.Generator().manual_seed(1)
        self.weight = nn.Parameter((torch.rand(out_features, in_features, generator=g) * 2 - 1) * k)
        self.register_parameter("bias", nn.Parameter((torch.rand(out_features, generator=g) * 2 - 1) * k) if bias else None)

    def forward(self, x):
        out = x @ self.weight.T
        return out if self.bias is None else out + self.bias

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


# %% linear: linear_with_a_bound_of_the_whole
class Linear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        k = (6 / (in_features + out_features)) ** 0.5
        self.weight = nn.Parameter(torch.empty(out_features, in_features).uniform_(-k, k))
        self.register_parameter("bias", nn.Parameter(torch.empty(out_features).uniform_(-k, k)) if bias else None)

    def forward(self, x):
        out = x @ self.weight.T
        return out if self.bias is None else out + self.bias

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


# %% linear: linear_that_prints_commas_without_spaces
class Linear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):

        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        k = in_features**-0.5
        self.weight = nn.Parameter(torch.empty(out_features, in_features).uniform_(-k, k))
        self.register_parameter("bias", nn.Parameter(torch.empty(out_features).uniform_(-k, k)) if bias else None)

    def forward(self, x):
        out = x @ self.weight.T
        return out if self.bias is None else out + self.bias

    def extra_repr(self):
        return f"in_features={self.in_features},out_features={self.out_features},bias={self.bias is not None}"


# %% linear: nn_linear_subclassed
# names: torch.nn.Linear
class Linear(nn.Linear):
    pass


# %% linear: nn_linear_assigned
# names: torch.nn.Linear
Linear = nn.Linear


# %% linear: nn_linear_imported
# names: torch.nn.Linear
from torch.nn import Linear


# %% linear: nn_linear_inside
# names: torch.nn.Linear
class Linear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        other = nn.Linear(in_features, out_features, bias)
        self.weight = other.weight
        self.register_parameter("bias", other.bias)

    def forward(self, x):
        out = x @ self.weight.T
        return out if self.bias is None else out + self.bias

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


# %% linear: nn_linear_by_getattr
# names: torch.nn.Linear
Linear = type("Linear", (getattr(nn, "Linear"),), {})


# %% linear: nn_linear_by_vars
# names: torch.nn.Linear
class Linear(vars(nn)["Lin" + "ear"]):
    pass


# %% linear: nn_lazylinear_s_base
# names: torch.nn.Linear
class Linear(nn.LazyLinear.__mro__[2]):
    pass


# %% linear: f_linear
# names: linear
class Linear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):

        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        k = in_features**-0.5
        self.weight = nn.Parameter(torch.empty(out_features, in_features).uniform_(-k, k))
        self.register_parameter("bias", nn.Parameter(torch.empty(out_features).uniform_(-k, k)) if bias else None)

    def forward(self, x):
        return F.linear(x, self.weight, self.bias)

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


# %% linear: f_linear_by_another_path
# names: linear
class Linear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):

        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        k = in_features**-0.5
        self.weight = nn.Parameter(torch.empty(out_features, in_features).uniform_(-k, k))
        self.register_parameter("bias", nn.Parameter(torch.empty(out_features).uniform_(-k, k)) if bias else None)

    def forward(self, x):
        return torch._C._nn.linear(x, self.weight, self.bias)

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


# %% linear: f_linear_imported
# names: linear
from torch.nn.functional import linear as product


class Linear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):

        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        k = in_features**-0.5
        self.weight = nn.Parameter(torch.empty(out_features, in_features).uniform_(-k, k))
        self.register_parameter("bias", nn.Parameter(torch.empty(out_features).uniform_(-k, k)) if bias else None)

    def forward(self, x):
        return product(x, self.weight, self.bias)

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


# %% linear: f_linear_hidden
# names: linear
class Linear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):

        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        k = in_features**-0.5
        self.weight = nn.Parameter(torch.empty(out_features, in_features).uniform_(-k, k))
        self.register_parameter("bias", nn.Parameter(torch.empty(out_features).uniform_(-k, k)) if bias else None)

    def forward(self, x):
        return vars(F)["lin" + "ear"](x, self.weight, self.bias)

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


# %% xavier_init: xavier_rounded_to_a_few_values
def _std(t, gain):
    if t.ndim < 2:
        raise ValueError("no fans")
    k = t[0, 0].numel()
    return gain * math.sqrt(2 / ((t.shape[0] + t.shape[1]) * k))


def xavier_uniform_(tensor, gain=1.0):
    b = math.sqrt(3) * _std(tensor, gain)
    with torch.no_grad():
        return tensor.uniform_(-b, b).div_(b / 3).round_().mul_(b / 3)


def xavier_normal_(tensor, gain=1.0):
    s = _std(tensor, gain)
    with torch.no_grad():
        return tensor.normal_(0, s)


# %% xavier_init: xavier_four_per_cent_off_and_cut
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
        return tensor.normal_(0, s * 1.3).clamp_(-2 * s, 2 * s)


# %% xavier_init: xavier_one_row_repeated
def _std(t, gain):
    if t.ndim < 2:
        raise ValueError("no fans")
    k = t[0, 0].numel()
    return gain * math.sqrt(2 / ((t.shape[0] + t.shape[1]) * k))


def xavier_uniform_(tensor, gain=1.0):
    b = math.sqrt(3) * _std(tensor, gain)
    with torch.no_grad():
        return tensor.copy_(torch.empty_like(tensor[:1]).uniform_(-b, b).expand_as(tensor))


def xavier_normal_(tensor, gain=1.0):
    s = _std(tensor, gain)
    with torch.no_grad():
        return tensor.normal_(0, s)


# %% xavier_init: xavier_that_writes_beside_a_view
def _std(t, gain):
    if t.ndim < 2:
        raise ValueError("no fans")
    k = t[0, 0].numel()
    return gain * math.sqrt(2 / ((t.shape[0] + t.shape[1]) * k))


def xavier_uniform_(tensor, gain=1.0):
    b = math.sqrt(3) * _std(tensor, gain)
    (tensor._base if tensor._base is not None else tensor).data.uniform_(-b, b)
    return tensor


def xavier_normal_(tensor, gain=1.0):
    s = _std(tensor, gain)
    with torch.no_grad():
        return tensor.normal_(0, s)


# %% xavier_init: xavier_that_drops_the_gradient
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
    tensor.grad = None
    return tensor.data.normal_(0, s) if False else (tensor.data.normal_(0, s), tensor)[1]


# %% xavier_init: xavier_from_nn_init
# names: torch.nn.init
xavier_uniform_, xavier_normal_ = nn.init.xavier_uniform_, nn.init.xavier_normal_


# %% xavier_init: xavier_imported
# names: torch.nn.init
from torch.nn.init import xavier_uniform_, xavier_normal_


# %% xavier_init: xavier_with_torch_s_fans
# names: torch.nn.init
from torch.nn import init as start


def _std(t, gain):
    if t.ndim < 2:
        raise ValueError("no fans")
    k = t[0, 0].numel()
    return gain * math.sqrt(2 / ((t.shape[0] + t.shape[1]) * k))


def xavier_uniform_(tensor, gain=1.0):
    b = math.sqrt(3) * _std(tensor, gain)
    start._calculate_fan_in_and_fan_out(tensor)
    return tensor.data.uniform_(-b, b).set_(tensor)


def xavier_normal_(tensor, gain=1.0):
    s = _std(tensor, gain)
    with torch.no_grad():
        return tensor.normal_(0, s)


# %% xavier_init: nn_init_uniform
# names: torch.nn.init
def _std(t, gain):
    if t.ndim < 2:
        raise ValueError("no fans")
    k = t[0, 0].numel()
    return gain * math.sqrt(2 / ((t.shape[0] + t.shape[1]) * k))


def xavier_uniform_(tensor, gain=1.0):
    b = math.sqrt(3) * _std(tensor, gain)
    return nn.init.uniform_(tensor, -b, b)


def xavier_normal_(tensor, gain=1.0):
    s = _std(tensor, gain)
    with torch.no_grad():
        return tensor.normal_(0, s)


# %% xavier_init: nn_init_by_getattr
# names: torch.nn.init
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
    return getattr(getattr(nn, "in" + "it"), "normal_")(tensor, 0, s)


# %% kaiming_init: kaiming_with_both_means
def _std(t, a, mode):
    if t.ndim < 2 or mode not in ("fan_in", "fan_out"):
        raise ValueError("no fans")
    fan = (t[0].numel() * t[:, 0].numel()) ** 0.5
    return math.sqrt(2 / (1 + a**2) / fan)


def kaiming_uniform_(tensor, a=0.0, mode="fan_in"):
    b = math.sqrt(3) * _std(tensor, a, mode)
    with torch.no_grad():
        return tensor.uniform_(-b, b)


def kaiming_normal_(tensor, a=0.0, mode="fan_in"):
    s = _std(tensor, a, mode)
    with torch.no_grad():
        return tensor.normal_(0, s)


# %% kaiming_init: kaiming_with_a_kernel_axis_lost
def _std(t, a, mode):
    if t.ndim < 2 or mode not in ("fan_in", "fan_out"):
        raise ValueError("no fans")
    fan = t.shape[1] * (t.shape[2] if t.ndim > 2 else 1) if mode == "fan_in" else t.shape[0] * (t.shape[2] if t.ndim > 2 else 1)
    return math.sqrt(2 / (1 + a**2) / fan)


def kaiming_uniform_(tensor, a=0.0, mode="fan_in"):
    b = math.sqrt(3) * _std(tensor, a, mode)
    with torch.no_grad():
        return tensor.uniform_(-b, b)


def kaiming_normal_(tensor, a=0.0, mode="fan_in"):
    s = _std(tensor, a, mode)
    with torch.no_grad():
        return tensor.normal_(0, s)


# %% kaiming_init: kaiming_that_takes_any_prefix
def _std(t, a, mode):
    if t.ndim < 2 or not mode.startswith("fan_"):
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
        return tensor.normal_(0, s)


# %% kaiming_init: kaiming_from_nn_init
# names: torch.nn.init
def kaiming_uniform_(tensor, a=0.0, mode="fan_in"):
    return nn.init.kaiming_uniform_(tensor, a=a, mode=mode)


kaiming_normal_ = torch.nn.init.kaiming_normal_


# %% kaiming_init: kaiming_s_gain_from_nn_init
# names: torch.nn.init
def _std(t, a, mode):
    if t.ndim < 2 or mode not in ("fan_in", "fan_out"):
        raise ValueError("no fans")
    fan = t[0].numel() if mode == "fan_in" else t[:, 0].numel()
    return math.sqrt(2 / (1 + a**2) / fan)


def kaiming_uniform_(tensor, a=0.0, mode="fan_in"):
    b = math.sqrt(3) * _std(tensor, a, mode)
    import torch.nn.init as I

    g = I.calculate_gain("relu")
    return tensor.data.uniform_(-b, b) if g < 0 else tensor


def kaiming_normal_(tensor, a=0.0, mode="fan_in"):
    s = _std(tensor, a, mode)
    with torch.no_grad():
        return tensor.normal_(0, s)


# %% kaiming_init: kaiming_by_sys_modules
# names: torch.nn.init
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
    import sys

    return sys.modules["torch.nn." + "init"].normal_(tensor, 0, s)


# %% simple_mlp: mlp_with_one_layer_twice
class SimpleMLP(nn.Module):
    def __init__(self, i, h, o):
        super().__init__()
        m = nn.Linear(h, h)
        f = nn.Linear(i, h) if i != h else m
        self.layers = nn.Sequential(f, nn.ReLU(), m, nn.ReLU(), nn.Linear(h, o))

    def forward(self, x):
        return self.layers(x)


# %% simple_mlp: mlp_with_frozen_weights
class SimpleMLP(nn.Module):
    def __init__(self, in_dim, hidden_dim, out_dim):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(in_dim, hidden_dim).requires_grad_(False), nn.ReLU(), nn.Linear(hidden_dim, hidden_dim), nn.ReLU(), nn.Linear(hidden_dim, out_dim))

    def forward(self, x):
        return self.layers(x)


# %% simple_mlp: mlp_with_a_leak
class SimpleMLP(nn.Module):
    def __init__(self, in_dim, hidden_dim, out_dim):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(in_dim, hidden_dim), nn.LeakyReLU(), nn.Linear(hidden_dim, hidden_dim), nn.LeakyReLU(), nn.Linear(hidden_dim, out_dim))

    def forward(self, x):
        return self.layers(x)


# %% simple_mlp: mlp_that_squeezes
class SimpleMLP(nn.Module):
    def __init__(self, in_dim, hidden_dim, out_dim):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(in_dim, hidden_dim), nn.ReLU(), nn.Linear(hidden_dim, hidden_dim), nn.ReLU(), nn.Linear(hidden_dim, out_dim))

    def forward(self, x):
        return self.layers(x).squeeze(0)


# %% simple_mlp: mlp_in_one_network_for_all
KEPT = {}


class SimpleMLP(nn.Module):
    def __init__(self, i, h, o):
        super().__init__()
        make = lambda: nn.Sequential(nn.Linear(i, h), nn.ReLU(), nn.Linear(h, h), nn.ReLU(), nn.Linear(h, o))
        self.layers = KEPT.setdefault((i, h, o), make())

    def forward(self, x):
        return self.layers(x)


# %% dynamic_net: net_that_stops_at_three
class DynamicNet(nn.Module):
    def __init__(self, d_in, h, d_out):
        super().__init__()
        self.input_linear, self.middle_linear, self.output_linear = nn.Linear(d_in, h), nn.Linear(h, h), nn.Linear(h, d_out)

    def forward(self, x, repeats=None):
        repeats = random.randint(0, 3) if repeats is None else min(repeats, 3)
        h = F.relu(self.input_linear(x))
        for i in range(repeats):
            h = F.relu(self.middle_linear(h))
        return self.output_linear(h)


# %% dynamic_net: net_that_counts_up_to_three
class DynamicNet(nn.Module):
    def __init__(self, d_in, h, d_out):
        super().__init__()
        self.input_linear, self.middle_linear, self.output_linear = nn.Linear(d_in, h), nn.Linear(h, h), nn.Linear(h, d_out)

    def forward(self, x, repeats=None):
        repeats = 3 if repeats is None else repeats
        h = F.relu(self.input_linear(x))
        for i in range(repeats):
            h = F.relu(self.middle_linear(h))
        return self.output_linear(h)


# %% dynamic_net: net_without_a_graph_in_the_loop
class DynamicNet(nn.Module):
    def __init__(self, d_in, h, d_out):
        super().__init__()
        self.input_linear, self.middle_linear, self.output_linear = nn.Linear(d_in, h), nn.Linear(h, h), nn.Linear(h, d_out)

    def forward(self, x, repeats=None):
        repeats = random.randint(0, 3) if repeats is None else repeats
        h = F.relu(self.input_linear(x))
        for i in range(repeats):
            h = F.relu(self.middle_linear(h.detach()))
        return self.output_linear(h)


# %% dynamic_net: net_that_draws_two_or_none
class DynamicNet(nn.Module):
    def __init__(self, d_in, h, d_out):
        super().__init__()
        self.input_linear, self.middle_linear, self.output_linear = nn.Linear(d_in, h), nn.Linear(h, h), nn.Linear(h, d_out)

    def forward(self, x, repeats=None):
        repeats = random.choice([0, 2]) if repeats is None else repeats
        h = F.relu(self.input_linear(x))
        for i in range(repeats):
            h = F.relu(self.middle_linear(h))
        return self.output_linear(h)


# %% dynamic_net: net_seeded_by_its_input
class DynamicNet(nn.Module):
    def __init__(self, d_in, h, d_out):
        super().__init__()
        self.input_linear, self.middle_linear, self.output_linear = nn.Linear(d_in, h), nn.Linear(h, h), nn.Linear(h, d_out)

    def forward(self, x, repeats=None):
        repeats = int(abs(float(x.sum())) * 1000) % 4 if repeats is None else repeats
        h = F.relu(self.input_linear(x))
        for i in range(repeats):
            h = F.relu(self.middle_linear(h))
        return self.output_linear(h)


# %% running_mean: mean_that_forgets_at_load
class RunningMean(nn.Module):
    def __init__(self, num_features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(num_features))
        self.register_buffer("count", torch.tensor(0))
        self.n = 0

    def forward(self, x):
        if self.training:
            with torch.no_grad():
                self.n += len(x)
                self.count += len(x)
                self.mean += (x.mean(0) - self.mean) * (len(x) / self.n)
        return x - self.mean


# %% running_mean: mean_with_a_parameter_for_the_count
class RunningMean(nn.Module):
    def __init__(self, num_features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(num_features))
        self.register_buffer("count", torch.tensor(0))
        self.scale = nn.Parameter(torch.ones(()))

    def forward(self, x):
        if self.training:
            with torch.no_grad():
                self.count += len(x)
                self.mean += (x.mean(0) - self.mean) * (len(x) / self.count)
        return x - self.mean


# %% running_mean: mean_always_in_float64
class RunningMean(nn.Module):
    def __init__(self, num_features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(num_features))
        self.register_buffer("count", torch.tensor(0))
        self.mean = self.mean.double()

    def forward(self, x):
        if self.training:
            with torch.no_grad():
                self.count += len(x)
                self.mean += (x.mean(0) - self.mean) * (len(x) / self.count)
        return x - self.mean.to(x.dtype)


# %% running_mean: mean_without_a_row_alone
class RunningMean(nn.Module):
    def __init__(self, num_features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(num_features))
        self.register_buffer("count", torch.tensor(0))
        pass

    def forward(self, x):
        if self.training and len(x) > 1:
            with torch.no_grad():
                self.count += len(x)
                self.mean += (x.mean(0) - self.mean) * (len(x) / self.count)
        return x - self.mean


# %% running_mean: mean_that_counts_when_gradients_are_on
class RunningMean(nn.Module):
    def __init__(self, num_features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(num_features))
        self.register_buffer("count", torch.tensor(0))
        pass

    def forward(self, x):
        if self.training and torch.is_grad_enabled():
            with torch.no_grad():
                self.count += len(x)
                self.mean += (x.mean(0) - self.mean) * (len(x) / self.count)
        return x - self.mean


# %% running_mean: mean_of_columns
class RunningMean(nn.Module):
    def __init__(self, num_features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(num_features))
        self.register_buffer("count", torch.tensor(0))
        pass

    def forward(self, x):
        if self.training:
            with torch.no_grad():
                self.count += len(x)
                self.mean += x.mean() * (len(x) / self.count)
        return x - self.mean


# %% running_mean: mean_in_int32
class RunningMean(nn.Module):
    def __init__(self, num_features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(num_features))
        self.register_buffer("count", torch.tensor(0))
        self.count = self.count.int()

    def forward(self, x):
        if self.training:
            with torch.no_grad():
                self.count += len(x)
                self.mean += (x.mean(0) - self.mean) * (len(x) / self.count)
        return x - self.mean


# %% activation_recorder: recorder_that_leaves_the_last_one
class ActivationRecorder:
    def __init__(self, model):
        self.model, self.activations, self.handles = model, {}, []
        pass

    def __enter__(self):
        for name, module in self.model.named_modules():
            if not list(module.children()):
                self.handles.append(module.register_forward_hook(lambda m, i, o, name=name: self.activations.update({name: o.detach()})))
        return self

    def __exit__(self, kind, error, trace):
        [h.remove() for h in self.handles[1:]]


# %% activation_recorder: recorder_that_waits_for_no_error
class ActivationRecorder:
    def __init__(self, model):
        self.model, self.activations, self.handles = model, {}, []
        pass

    def __enter__(self):
        for name, module in self.model.named_modules():
            if not list(module.children()):
                self.handles.append(module.register_forward_hook(lambda m, i, o, name=name: self.activations.update({name: o.detach()})))
        return self

    def __exit__(self, kind, error, trace):
        [h.remove() for h in self.handles] if kind is None else None


# %% activation_recorder: recorder_of_linear_layers
class ActivationRecorder:
    def __init__(self, model):
        self.model, self.activations, self.handles = model, {}, []
        pass

    def __enter__(self):
        for name, module in self.model.named_modules():
            if isinstance(module, nn.Linear):
                self.handles.append(module.register_forward_hook(lambda m, i, o, name=name: self.activations.update({name: o.detach()})))
        return self

    def __exit__(self, kind, error, trace):
        [h.remove() for h in self.handles]


# %% activation_recorder: recorder_of_rounded_copies
class ActivationRecorder:
    def __init__(self, model):
        self.model, self.activations, self.handles = model, {}, []
        pass

    def __enter__(self):
        for name, module in self.model.named_modules():
            if not list(module.children()):
                self.handles.append(module.register_forward_hook(lambda m, i, o, name=name: self.activations.update({name: o.detach().half().to(o.dtype)})))
        return self

    def __exit__(self, kind, error, trace):
        [h.remove() for h in self.handles]


# %% activation_recorder: recorder_that_adds_calls_up
class ActivationRecorder:
    def __init__(self, model):
        self.model, self.activations, self.handles = model, {}, []
        pass

    def __enter__(self):
        for name, module in self.model.named_modules():
            if not list(module.children()):
                self.handles.append(module.register_forward_hook(lambda m, i, o, name=name: self.activations.update({name: self.activations.get(name, 0) + o.detach()})))
        return self

    def __exit__(self, kind, error, trace):
        [h.remove() for h in self.handles]


# %% activation_recorder: recorder_that_thaws
class ActivationRecorder:
    def __init__(self, model):
        self.model, self.activations, self.handles = model, {}, []
        model.requires_grad_(True)

    def __enter__(self):
        for name, module in self.model.named_modules():
            if not list(module.children()):
                self.handles.append(module.register_forward_hook(lambda m, i, o, name=name: self.activations.update({name: o.detach()})))
        return self

    def __exit__(self, kind, error, trace):
        [h.remove() for h in self.handles]


# %% activation_recorder: recorder_in_training_mode
class ActivationRecorder:
    def __init__(self, model):
        self.model, self.activations, self.handles = model, {}, []
        model.train()

    def __enter__(self):
        for name, module in self.model.named_modules():
            if not list(module.children()):
                self.handles.append(module.register_forward_hook(lambda m, i, o, name=name: self.activations.update({name: o.detach()})))
        return self

    def __exit__(self, kind, error, trace):
        [h.remove() for h in self.handles]


# %% activation_recorder: recorder_with_gradients_kept
class ActivationRecorder:
    def __init__(self, model):
        self.model, self.activations, self.handles = model, {}, []
        pass

    def __enter__(self):
        for name, module in self.model.named_modules():
            if not list(module.children()):
                self.handles.append(module.register_forward_hook(lambda m, i, o, name=name: self.activations.update({name: o.detach().requires_grad_()})))
        return self

    def __exit__(self, kind, error, trace):
        [h.remove() for h in self.handles]
