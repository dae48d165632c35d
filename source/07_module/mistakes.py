"""Named mistakes of chapter 7: wrong solutions that the checks must reject, each with its own help."""

import copy
import math
import random

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

# %% relu_module: graph_cut
# help: The result has no history: somewhere between x and it you leave the graph (.data, .detach(), .numpy()).
#   Autograd can only differentiate what it saw, so compute with x itself.
class ReLU(nn.Module):
    def forward(self, x):
        return torch.where(x.data > 0, x.data, torch.zeros_like(x))


# %% relu_module: in_place
# help: You write the zeros into x itself. Whoever made x may still need it, autograd among them: make a new tensor.
class ReLU(nn.Module):
    def forward(self, x):
        return x.clamp_(min=0)


# %% relu_module: absolute_value
# help: Negative entries come out positive: that is the absolute value. They should come out 0.
class ReLU(nn.Module):
    def forward(self, x):
        return x.abs()


# %% relu_module: mask_only
# help: You return the mask, 1 where x is positive. The ReLU keeps the value there: multiply x by the mask.
class ReLU(nn.Module):
    def forward(self, x):
        return (x > 0).to(x.dtype)


# %% relu_module: leaky
# help: A little of each negative entry leaks through. That is the leaky ReLU; here they become exactly 0.
class ReLU(nn.Module):
    def forward(self, x):
        return torch.where(x > 0, x, 0.01 * x)


# %% relu_module: capped
# help: You cut off large values too: that is ReLU6. There is no upper limit here.
class ReLU(nn.Module):
    def forward(self, x):
        return x.clamp(0, 6)


# %% relu_module: entries_dropped
# help: Indexing with a mask throws the negative entries away, and the shape with them. Replace them by 0 instead.
class ReLU(nn.Module):
    def forward(self, x):
        return x[x > 0]


# %% relu_module: call_overridden
# help: You wrote __call__, so nn.Module's own is gone, and hooks never run. Call the method forward.
class ReLU(nn.Module):
    def __call__(self, x):
        return x.clamp(min=0)


# %% relu_module: no_module
# help: ReLU is an ordinary class. Only a subclass of nn.Module can stand in the tree: class ReLU(nn.Module).
class ReLU:
    def forward(self, x):
        return x.clamp(min=0)

    def __call__(self, x):
        return self.forward(x)


# %% relu_module: no_super_init
# help: Your __init__ does not run nn.Module's, so the module has no place for hooks and children. Call
#   super().__init__() first, or leave __init__ out.
class ReLU(nn.Module):
    def __init__(self):
        self.low = 0.0

    def forward(self, x):
        return x.clamp(min=self.low)


# %% relu_module: always_float32
# help: float64 goes in and float32 comes out. Keep the dtype of x; nothing has to be converted.
class ReLU(nn.Module):
    def forward(self, x):
        return x.float().clamp(min=0)


# %% relu_module: learned_slope
# help: Your ReLU owns a parameter, the slope of the negative side. That is PReLU: training would change it.
class ReLU(nn.Module):
    def __init__(self):
        super().__init__()
        self.slope = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return torch.where(x > 0, x, self.slope.to(x.dtype) * x)


# %% relu_module: last_mask_remembered
# help: You keep the mask on the module, so a second call overwrites the first one's. The graph remembers for
#   each call by itself: compute with torch operations and store nothing.
class ReLU(nn.Module):
    def forward(self, x):
        module = self
        module.mask = x > 0

        class Masked(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x * module.mask

            @staticmethod
            def backward(ctx, grad_out):
                return grad_out * module.mask

        return Masked.apply(x)


# %% linear: plain_tensors
# help: Weight and bias are plain tensors: not registered, not saved, never trained. Wrap each in nn.Parameter.
class Linear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        k = in_features**-0.5
        self.weight = torch.empty(out_features, in_features).uniform_(-k, k)
        self.bias = torch.empty(out_features).uniform_(-k, k) if bias else None

    def forward(self, x):
        out = x @ self.weight.T
        return out if self.bias is None else out + self.bias

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


# %% linear: requires_grad_only
# help: Your tensors get gradients, but parameters() is empty, so no optimizer will ever move them and .double()
#   passes them by. requires_grad=True does not register a tensor; nn.Parameter does.
class Linear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        k = in_features**-0.5
        self.weight = torch.empty(out_features, in_features).uniform_(-k, k).requires_grad_()
        self.bias = torch.empty(out_features).uniform_(-k, k).requires_grad_() if bias else None

    def forward(self, x):
        out = x @ self.weight.T
        return out if self.bias is None else out + self.bias

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


# %% linear: weight_in_out
# help: Your weight is (in, out). nn.Linear's is (out, in), one row for each output; the transpose belongs in forward.
class Linear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        k = in_features**-0.5
        self.weight = nn.Parameter(torch.empty(in_features, out_features).uniform_(-k, k))
        if bias:
            self.bias = nn.Parameter(torch.empty(out_features).uniform_(-k, k))
        else:
            self.register_parameter("bias", None)

    def forward(self, x):
        out = x @ self.weight
        return out if self.bias is None else out + self.bias

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


# %% linear: transpose_forgotten
# help: forward multiplies by the weight as it is stored, (out, in). It has to be turned around: x @ weight.T. Where
#   in and out are the same size nothing complains, and the result is wrong.
class Linear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        k = in_features**-0.5
        self.weight = nn.Parameter(torch.empty(out_features, in_features).uniform_(-k, k))
        if bias:
            self.bias = nn.Parameter(torch.empty(out_features).uniform_(-k, k))
        else:
            self.register_parameter("bias", None)

    def forward(self, x):
        out = x @ self.weight
        return out if self.bias is None else out + self.bias

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


# %% linear: data_in_forward
# help: .data hands out the numbers without their history: the weight never gets a gradient. Compute with the
#   parameter itself.
class Linear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        k = in_features**-0.5
        self.weight = nn.Parameter(torch.empty(out_features, in_features).uniform_(-k, k))
        if bias:
            self.bias = nn.Parameter(torch.empty(out_features).uniform_(-k, k))
        else:
            self.register_parameter("bias", None)

    def forward(self, x):
        out = x @ self.weight.data.T
        return out if self.bias is None else out + self.bias.data

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


# %% linear: transpose_kept
# help: The transpose is made once in __init__ and kept. Converting or copying the layer changes the weight and not
#   your copy of its view. Take the transpose in forward, each time: it costs nothing.
class Linear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        k = in_features**-0.5
        self.weight = nn.Parameter(torch.empty(out_features, in_features).uniform_(-k, k))
        if bias:
            self.bias = nn.Parameter(torch.empty(out_features).uniform_(-k, k))
        else:
            self.register_parameter("bias", None)
        self.turned = self.weight.T

    def forward(self, x):
        out = x @ self.turned
        return out if self.bias is None else out + self.bias

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


# %% linear: bias_only_none
# help: self.bias = None is an ordinary attribute; the name is not registered. register_parameter("bias", …) takes
#   None too.
class Linear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        k = in_features**-0.5
        self.weight = nn.Parameter(torch.empty(out_features, in_features).uniform_(-k, k))
        self.bias = nn.Parameter(torch.empty(out_features).uniform_(-k, k)) if bias else None

    def forward(self, x):
        out = x @ self.weight.T
        return out if self.bias is None else out + self.bias

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


# %% linear: always_a_bias
# help: With bias=False there is still a bias. Look at the third argument before you make the parameter.
class Linear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        k = in_features**-0.5
        self.weight = nn.Parameter(torch.empty(out_features, in_features).uniform_(-k, k))
        self.bias = nn.Parameter(torch.empty(out_features).uniform_(-k, k))

    def forward(self, x):
        return x @ self.weight.T + self.bias

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


# %% linear: two_axes_only
# help: addmm and mm take matrices only. An input (…, in) may have one axis or five: use @, which repeats itself over
#   the axes in front.
class Linear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        k = in_features**-0.5
        self.weight = nn.Parameter(torch.empty(out_features, in_features).uniform_(-k, k))
        if bias:
            self.bias = nn.Parameter(torch.empty(out_features).uniform_(-k, k))
        else:
            self.register_parameter("bias", None)

    def forward(self, x):
        if self.bias is None:
            return torch.mm(x, self.weight.t())
        return torch.addmm(self.bias, x, self.weight.t())

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


# %% linear: normal_weights
# help: Your numbers are normal with standard deviation 1/√in. The law asked for is uniform, with that number as its
#   bound: no entry lies further out.
class Linear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        k = in_features**-0.5
        self.weight = nn.Parameter(torch.randn(out_features, in_features) * k)
        if bias:
            self.bias = nn.Parameter(torch.randn(out_features) * k)
        else:
            self.register_parameter("bias", None)

    def forward(self, x):
        out = x @ self.weight.T
        return out if self.bias is None else out + self.bias

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


# %% linear: unscaled_normal
# help: Your weights come straight from randn: their size does not depend on how many inputs are added up. Use the
#   bound 1/√in, and a uniform law.
class Linear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.weight = nn.Parameter(torch.randn(out_features, in_features))
        if bias:
            self.bias = nn.Parameter(torch.randn(out_features))
        else:
            self.register_parameter("bias", None)

    def forward(self, x):
        out = x @ self.weight.T
        return out if self.bias is None else out + self.bias

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


# %% linear: one_sided
# help: torch.rand lies between 0 and 1, so all your weights are positive. Stretch and shift it to reach from
#   -bound to bound.
class Linear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        k = in_features**-0.5
        self.weight = nn.Parameter(torch.rand(out_features, in_features) * k)
        if bias:
            self.bias = nn.Parameter(torch.rand(out_features) * k)
        else:
            self.register_parameter("bias", None)

    def forward(self, x):
        out = x @ self.weight.T
        return out if self.bias is None else out + self.bias

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


# %% linear: bound_of_outputs
# help: Your bound comes from out_features. What is added up for one output are the inputs: 1/√in.
class Linear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        k = out_features**-0.5
        self.weight = nn.Parameter(torch.empty(out_features, in_features).uniform_(-k, k))
        if bias:
            self.bias = nn.Parameter(torch.empty(out_features).uniform_(-k, k))
        else:
            self.register_parameter("bias", None)

    def forward(self, x):
        out = x @ self.weight.T
        return out if self.bias is None else out + self.bias

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


# %% linear: root_forgotten
# help: Your bound is 1/in, without the square root. With a thousand inputs that is thirty times too small.
class Linear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        k = 1 / in_features
        self.weight = nn.Parameter(torch.empty(out_features, in_features).uniform_(-k, k))
        if bias:
            self.bias = nn.Parameter(torch.empty(out_features).uniform_(-k, k))
        else:
            self.register_parameter("bias", None)

    def forward(self, x):
        out = x @ self.weight.T
        return out if self.bias is None else out + self.bias

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


# %% linear: bias_zero
# help: Your bias begins at 0. nn.Linear draws it from the same law as the weights.
class Linear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        k = in_features**-0.5
        self.weight = nn.Parameter(torch.empty(out_features, in_features).uniform_(-k, k))
        if bias:
            self.bias = nn.Parameter(torch.zeros(out_features))
        else:
            self.register_parameter("bias", None)

    def forward(self, x):
        out = x @ self.weight.T
        return out if self.bias is None else out + self.bias

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


# %% linear: seeded
# help: You set the seed inside __init__, so every layer of one size begins with the same weights, and everybody
#   else's random numbers begin again too. Draw, and leave the seed alone.
class Linear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        torch.manual_seed(0)
        self.in_features, self.out_features = in_features, out_features
        k = in_features**-0.5
        self.weight = nn.Parameter(torch.empty(out_features, in_features).uniform_(-k, k))
        if bias:
            self.bias = nn.Parameter(torch.empty(out_features).uniform_(-k, k))
        else:
            self.register_parameter("bias", None)

    def forward(self, x):
        out = x @ self.weight.T
        return out if self.bias is None else out + self.bias

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


# %% linear: double_weights
# help: NumPy draws float64, and torch.from_numpy keeps it, so a float32 input does not fit. A fresh layer is
#   float32: draw with torch, or convert.
class Linear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        k = in_features**-0.5
        self.weight = nn.Parameter(torch.from_numpy(np.random.uniform(-k, k, (out_features, in_features))))
        if bias:
            self.bias = nn.Parameter(torch.from_numpy(np.random.uniform(-k, k, out_features)))
        else:
            self.register_parameter("bias", None)

    def forward(self, x):
        out = x @ self.weight.T
        return out if self.bias is None else out + self.bias

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


# %% linear: no_super_init
# help: super().__init__() is missing, or comes too late. It makes the place where parameters are registered: it has
#   to be the first line.
class Linear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        self.in_features, self.out_features = in_features, out_features
        k = in_features**-0.5
        self.weight = nn.Parameter(torch.empty(out_features, in_features).uniform_(-k, k))
        if bias:
            self.bias = nn.Parameter(torch.empty(out_features).uniform_(-k, k))
        else:
            self.register_parameter("bias", None)

    def forward(self, x):
        out = x @ self.weight.T
        return out if self.bias is None else out + self.bias

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


# %% linear: repr_overridden
# help: You replaced __repr__. nn.Module's own writes the line, and inside a model the whole tree; all it asks of you
#   is the text between the brackets, from extra_repr.
class Linear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        k = in_features**-0.5
        self.weight = nn.Parameter(torch.empty(out_features, in_features).uniform_(-k, k))
        if bias:
            self.bias = nn.Parameter(torch.empty(out_features).uniform_(-k, k))
        else:
            self.register_parameter("bias", None)

    def forward(self, x):
        out = x @ self.weight.T
        return out if self.bias is None else out + self.bias

    def __repr__(self):
        return f"Linear(in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None})"


# %% linear: bias_printed_whole
# help: Your extra_repr prints the bias itself. It should say whether there is one: True or False.
class Linear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        k = in_features**-0.5
        self.weight = nn.Parameter(torch.empty(out_features, in_features).uniform_(-k, k))
        if bias:
            self.bias = nn.Parameter(torch.zeros(out_features).uniform_(-k, k))
        else:
            self.register_parameter("bias", None)

    def forward(self, x):
        out = x @ self.weight.T
        return out if self.bias is None else out + self.bias

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias}"


# %% xavier_init: std_as_bound
# help: Your uniform draws reach only as far as the standard deviation. A uniform law on (-b, b) has standard deviation
#   b/√3, so the bound is √3 times the standard deviation: that is where the 6 comes from.
def xavier_uniform_(tensor, gain=1.0):
    fan_in, fan_out = fans(tensor)
    b = gain * math.sqrt(2 / (fan_in + fan_out))
    with torch.no_grad():
        return tensor.uniform_(-b, b)


def xavier_normal_(tensor, gain=1.0):
    fan_in, fan_out = fans(tensor)
    std = gain * math.sqrt(2 / (fan_in + fan_out))
    with torch.no_grad():
        return tensor.normal_(0, std)


def fans(tensor):
    if tensor.dim() < 2:
        raise ValueError("fans need two axes")
    k = tensor[0][0].numel()
    return tensor.shape[1] * k, tensor.shape[0] * k


# %% xavier_init: bound_as_std
# help: You give the normal law the number that belongs to the uniform one. Its own is √(2/(fan_in + fan_out)): the 6 is a
#   bound, not a standard deviation.
def xavier_uniform_(tensor, gain=1.0):
    fan_in, fan_out = fans(tensor)
    b = gain * math.sqrt(6 / (fan_in + fan_out))
    with torch.no_grad():
        return tensor.uniform_(-b, b)


def xavier_normal_(tensor, gain=1.0):
    fan_in, fan_out = fans(tensor)
    std = gain * math.sqrt(6 / (fan_in + fan_out))
    with torch.no_grad():
        return tensor.normal_(0, std)


def fans(tensor):
    if tensor.dim() < 2:
        raise ValueError("fans need two axes")
    k = tensor[0][0].numel()
    return tensor.shape[1] * k, tensor.shape[0] * k


# %% xavier_init: gain_missing
# help: The argument gain is never used. It multiplies bound and standard deviation.
def xavier_uniform_(tensor, gain=1.0):
    fan_in, fan_out = fans(tensor)
    b = math.sqrt(6 / (fan_in + fan_out))
    with torch.no_grad():
        return tensor.uniform_(-b, b)


def xavier_normal_(tensor, gain=1.0):
    fan_in, fan_out = fans(tensor)
    std = math.sqrt(2 / (fan_in + fan_out))
    with torch.no_grad():
        return tensor.normal_(0, std)


def fans(tensor):
    if tensor.dim() < 2:
        raise ValueError("fans need two axes")
    k = tensor[0][0].numel()
    return tensor.shape[1] * k, tensor.shape[0] * k


# %% xavier_init: gain_inside_root
# help: The gain stands under the root, so a gain of 3 gives only √3 times as much. It multiplies the standard deviation,
#   not the variance.
def xavier_uniform_(tensor, gain=1.0):
    fan_in, fan_out = fans(tensor)
    b = math.sqrt(gain * 6 / (fan_in + fan_out))
    with torch.no_grad():
        return tensor.uniform_(-b, b)


def xavier_normal_(tensor, gain=1.0):
    fan_in, fan_out = fans(tensor)
    std = math.sqrt(gain * 2 / (fan_in + fan_out))
    with torch.no_grad():
        return tensor.normal_(0, std)


def fans(tensor):
    if tensor.dim() < 2:
        raise ValueError("fans need two axes")
    k = tensor[0][0].numel()
    return tensor.shape[1] * k, tensor.shape[0] * k


# %% xavier_init: root_forgotten
# help: You pass the variance where the standard deviation belongs: the square root is missing.
def xavier_uniform_(tensor, gain=1.0):
    fan_in, fan_out = fans(tensor)
    b = gain * (6 / (fan_in + fan_out))
    with torch.no_grad():
        return tensor.uniform_(-b, b)


def xavier_normal_(tensor, gain=1.0):
    fan_in, fan_out = fans(tensor)
    std = gain * (2 / (fan_in + fan_out))
    with torch.no_grad():
        return tensor.normal_(0, std)


def fans(tensor):
    if tensor.dim() < 2:
        raise ValueError("fans need two axes")
    k = tensor[0][0].numel()
    return tensor.shape[1] * k, tensor.shape[0] * k


# %% xavier_init: kernel_ignored
# help: For matrices all is right; for a convolution you forget the kernel. One output adds up in · k1 · k2 numbers, so both
#   fans are multiplied by the kernel's positions.
def xavier_uniform_(tensor, gain=1.0):
    fan_in, fan_out = fans(tensor)
    b = gain * math.sqrt(6 / (fan_in + fan_out))
    with torch.no_grad():
        return tensor.uniform_(-b, b)


def xavier_normal_(tensor, gain=1.0):
    fan_in, fan_out = fans(tensor)
    std = gain * math.sqrt(2 / (fan_in + fan_out))
    with torch.no_grad():
        return tensor.normal_(0, std)


def fans(tensor):
    if tensor.dim() < 2:
        raise ValueError("fans need two axes")
    k = 1
    return tensor.shape[1] * k, tensor.shape[0] * k


# %% xavier_init: kernel_in_one_fan
# help: You multiply only fan_in by the kernel's positions. One input feeds out · k1 · k2 numbers: fan_out grows as well.
def xavier_uniform_(tensor, gain=1.0):
    fan_in, fan_out = fans(tensor)
    b = gain * math.sqrt(6 / (fan_in + fan_out))
    with torch.no_grad():
        return tensor.uniform_(-b, b)


def xavier_normal_(tensor, gain=1.0):
    fan_in, fan_out = fans(tensor)
    std = gain * math.sqrt(2 / (fan_in + fan_out))
    with torch.no_grad():
        return tensor.normal_(0, std)


def fans(tensor):
    if tensor.dim() < 2:
        raise ValueError("fans need two axes")
    k = tensor[0][0].numel()
    return tensor.shape[1] * k, tensor.shape[0]


# %% xavier_init: first_kernel_axis_only
# help: You count the first kernel axis and forget the others. A 5 by 6 kernel has 30 positions.
def xavier_uniform_(tensor, gain=1.0):
    fan_in, fan_out = fans(tensor)
    b = gain * math.sqrt(6 / (fan_in + fan_out))
    with torch.no_grad():
        return tensor.uniform_(-b, b)


def xavier_normal_(tensor, gain=1.0):
    fan_in, fan_out = fans(tensor)
    std = gain * math.sqrt(2 / (fan_in + fan_out))
    with torch.no_grad():
        return tensor.normal_(0, std)


def fans(tensor):
    if tensor.dim() < 2:
        raise ValueError("fans need two axes")
    k = tensor.shape[2] if tensor.dim() > 2 else 1
    return tensor.shape[1] * k, tensor.shape[0] * k


# %% xavier_init: fan_in_alone
# help: You use fan_in alone, twice over. Glorot's law is the compromise of both wishes: fan_in + fan_out.
def xavier_uniform_(tensor, gain=1.0):
    fan_in, fan_out = fans(tensor)
    b = gain * math.sqrt(6 / (2 * fan_in))
    with torch.no_grad():
        return tensor.uniform_(-b, b)


def xavier_normal_(tensor, gain=1.0):
    fan_in, fan_out = fans(tensor)
    std = gain * math.sqrt(2 / (2 * fan_in))
    with torch.no_grad():
        return tensor.normal_(0, std)


def fans(tensor):
    if tensor.dim() < 2:
        raise ValueError("fans need two axes")
    k = tensor[0][0].numel()
    return tensor.shape[1] * k, tensor.shape[0] * k


# %% xavier_init: fans_multiplied
# help: Your denominator is the product of the fans. It is their sum.
def xavier_uniform_(tensor, gain=1.0):
    fan_in, fan_out = fans(tensor)
    b = gain * math.sqrt(6 / (fan_in * fan_out))
    with torch.no_grad():
        return tensor.uniform_(-b, b)


def xavier_normal_(tensor, gain=1.0):
    fan_in, fan_out = fans(tensor)
    std = gain * math.sqrt(2 / (fan_in * fan_out))
    with torch.no_grad():
        return tensor.normal_(0, std)


def fans(tensor):
    if tensor.dim() < 2:
        raise ValueError("fans need two axes")
    k = tensor[0][0].numel()
    return tensor.shape[1] * k, tensor.shape[0] * k


# %% xavier_init: one_sided
# help: Your uniform numbers are all positive: they go from 0 to the bound instead of from -bound to bound.
def xavier_uniform_(tensor, gain=1.0):
    fan_in, fan_out = fans(tensor)
    b = gain * math.sqrt(6 / (fan_in + fan_out))
    with torch.no_grad():
        return tensor.uniform_(0, b)


def xavier_normal_(tensor, gain=1.0):
    fan_in, fan_out = fans(tensor)
    std = gain * math.sqrt(2 / (fan_in + fan_out))
    with torch.no_grad():
        return tensor.normal_(0, std)


def fans(tensor):
    if tensor.dim() < 2:
        raise ValueError("fans need two axes")
    k = tensor[0][0].numel()
    return tensor.shape[1] * k, tensor.shape[0] * k


# %% xavier_init: grad_not_off
# help: A plain tensor is fine, a parameter raises: autograd refuses in-place writing on a leaf that requires grad. Draw inside
#   torch.no_grad().
def xavier_uniform_(tensor, gain=1.0):
    fan_in, fan_out = fans(tensor)
    b = gain * math.sqrt(6 / (fan_in + fan_out))
    return tensor.uniform_(-b, b)


def xavier_normal_(tensor, gain=1.0):
    fan_in, fan_out = fans(tensor)
    std = gain * math.sqrt(2 / (fan_in + fan_out))
    return tensor.normal_(0, std)


def fans(tensor):
    if tensor.dim() < 2:
        raise ValueError("fans need two axes")
    k = tensor[0][0].numel()
    return tensor.shape[1] * k, tensor.shape[0] * k


# %% xavier_init: new_tensor
# help: You return a new tensor and leave the one you were given as it was. The underscore in the name promises: in place.
def xavier_uniform_(tensor, gain=1.0):
    fan_in, fan_out = fans(tensor)
    b = gain * math.sqrt(6 / (fan_in + fan_out))
    with torch.no_grad():
        return torch.empty_like(tensor).uniform_(-b, b)


def xavier_normal_(tensor, gain=1.0):
    fan_in, fan_out = fans(tensor)
    std = gain * math.sqrt(2 / (fan_in + fan_out))
    with torch.no_grad():
        return torch.empty_like(tensor).normal_(0, std)


def fans(tensor):
    if tensor.dim() < 2:
        raise ValueError("fans need two axes")
    k = tensor[0][0].numel()
    return tensor.shape[1] * k, tensor.shape[0] * k


# %% xavier_init: nothing_returned
# help: The tensor is filled and not returned. `return` it as well, so that the call can stand inside another.
def xavier_uniform_(tensor, gain=1.0):
    fan_in, fan_out = fans(tensor)
    b = gain * math.sqrt(6 / (fan_in + fan_out))
    with torch.no_grad():
        tensor.uniform_(-b, b)


def xavier_normal_(tensor, gain=1.0):
    fan_in, fan_out = fans(tensor)
    std = gain * math.sqrt(2 / (fan_in + fan_out))
    with torch.no_grad():
        tensor.normal_(0, std)


def fans(tensor):
    if tensor.dim() < 2:
        raise ValueError("fans need two axes")
    k = tensor[0][0].numel()
    return tensor.shape[1] * k, tensor.shape[0] * k


# %% xavier_init: data_returned
# help: You fill the right storage and return tensor.data: another object, without requires_grad. Return the tensor itself.
def xavier_uniform_(tensor, gain=1.0):
    fan_in, fan_out = fans(tensor)
    b = gain * math.sqrt(6 / (fan_in + fan_out))
    return tensor.data.uniform_(-b, b)


def xavier_normal_(tensor, gain=1.0):
    fan_in, fan_out = fans(tensor)
    std = gain * math.sqrt(2 / (fan_in + fan_out))
    return tensor.data.normal_(0, std)


def fans(tensor):
    if tensor.dim() < 2:
        raise ValueError("fans need two axes")
    k = tensor[0][0].numel()
    return tensor.shape[1] * k, tensor.shape[0] * k


# %% xavier_init: requires_grad_off
# help: Afterwards the parameter no longer requires grad: you switched it off to be allowed to write. It would never train.
#   Let torch.no_grad() look away for the moment instead.
def xavier_uniform_(tensor, gain=1.0):
    fan_in, fan_out = fans(tensor)
    b = gain * math.sqrt(6 / (fan_in + fan_out))
    return tensor.requires_grad_(False).uniform_(-b, b)


def xavier_normal_(tensor, gain=1.0):
    fan_in, fan_out = fans(tensor)
    std = gain * math.sqrt(2 / (fan_in + fan_out))
    return tensor.requires_grad_(False).normal_(0, std)


def fans(tensor):
    if tensor.dim() < 2:
        raise ValueError("fans need two axes")
    k = tensor[0][0].numel()
    return tensor.shape[1] * k, tensor.shape[0] * k


# %% xavier_init: storage_replaced
# help: You give the tensor new storage (.data = …). Whoever looks at the old one, a view for example, sees nothing. Fill in
#   place.
def xavier_uniform_(tensor, gain=1.0):
    fan_in, fan_out = fans(tensor)
    b = gain * math.sqrt(6 / (fan_in + fan_out))
    tensor.data = torch.empty_like(tensor).uniform_(-b, b)
    return tensor


def xavier_normal_(tensor, gain=1.0):
    fan_in, fan_out = fans(tensor)
    std = gain * math.sqrt(2 / (fan_in + fan_out))
    tensor.data = torch.empty_like(tensor).normal_(0, std)
    return tensor


def fans(tensor):
    if tensor.dim() < 2:
        raise ValueError("fans need two axes")
    k = tensor[0][0].numel()
    return tensor.shape[1] * k, tensor.shape[0] * k


# %% xavier_init: one_axis_accepted
# help: A bias-like tensor with one axis should raise ValueError. Yours raises something else, or nothing: look at the number
#   of axes before you look at shape[1].
def xavier_uniform_(tensor, gain=1.0):
    fan_in, fan_out = fans(tensor)
    b = gain * math.sqrt(6 / (fan_in + fan_out))
    with torch.no_grad():
        return tensor.uniform_(-b, b)


def xavier_normal_(tensor, gain=1.0):
    fan_in, fan_out = fans(tensor)
    std = gain * math.sqrt(2 / (fan_in + fan_out))
    with torch.no_grad():
        return tensor.normal_(0, std)


def fans(tensor):
    k = tensor[0][0].numel()
    return tensor.shape[1] * k, tensor.shape[0] * k


# %% xavier_init: grad_mode_left_off
# help: You switch gradients off for the whole program and never on again: nothing after this call trains. `with
#   torch.no_grad():` puts it back by itself.
def xavier_uniform_(tensor, gain=1.0):
    fan_in, fan_out = fans(tensor)
    b = gain * math.sqrt(6 / (fan_in + fan_out))
    torch.set_grad_enabled(False)
    return tensor.uniform_(-b, b)


def xavier_normal_(tensor, gain=1.0):
    fan_in, fan_out = fans(tensor)
    std = gain * math.sqrt(2 / (fan_in + fan_out))
    torch.set_grad_enabled(False)
    return tensor.normal_(0, std)


def fans(tensor):
    if tensor.dim() < 2:
        raise ValueError("fans need two axes")
    k = tensor[0][0].numel()
    return tensor.shape[1] * k, tensor.shape[0] * k


# %% xavier_init: laws_swapped
# help: Each function draws from the other's law: xavier_uniform_ is normal and xavier_normal_ uniform.
def xavier_normal_(tensor, gain=1.0):
    fan_in, fan_out = fans(tensor)
    b = gain * math.sqrt(6 / (fan_in + fan_out))
    with torch.no_grad():
        return tensor.uniform_(-b, b)


def xavier_uniform_(tensor, gain=1.0):
    fan_in, fan_out = fans(tensor)
    std = gain * math.sqrt(2 / (fan_in + fan_out))
    with torch.no_grad():
        return tensor.normal_(0, std)


def fans(tensor):
    if tensor.dim() < 2:
        raise ValueError("fans need two axes")
    k = tensor[0][0].numel()
    return tensor.shape[1] * k, tensor.shape[0] * k


# %% xavier_init: seeded
# help: You set the seed inside, so two layers of the same shape begin with the same weights, and everybody else's random
#   numbers begin again. Draw, and leave the seed alone.
def xavier_uniform_(tensor, gain=1.0):
    fan_in, fan_out = fans(tensor)
    b = gain * math.sqrt(6 / (fan_in + fan_out))
    with torch.no_grad():
        return tensor.uniform_(-b, b)


def xavier_normal_(tensor, gain=1.0):
    fan_in, fan_out = fans(tensor)
    std = gain * math.sqrt(2 / (fan_in + fan_out))
    with torch.no_grad():
        return tensor.normal_(0, std)


def fans(tensor):
    torch.manual_seed(0)
    if tensor.dim() < 2:
        raise ValueError("fans need two axes")
    k = tensor[0][0].numel()
    return tensor.shape[1] * k, tensor.shape[0] * k


# %% kaiming_init: fans_swapped
# help: fan_in and fan_out are swapped. A weight is (out, in): shape[0] counts outputs, shape[1] inputs.
def kaiming_uniform_(tensor, a=0.0, mode="fan_in"):
    b = math.sqrt(3) * he_std(tensor, a, mode)
    with torch.no_grad():
        return tensor.uniform_(-b, b)


def kaiming_normal_(tensor, a=0.0, mode="fan_in"):
    std = he_std(tensor, a, mode)
    with torch.no_grad():
        return tensor.normal_(0, std)


def he_std(tensor, a, mode):
    if tensor.dim() < 2:
        raise ValueError("fans need two axes")
    if mode not in ("fan_in", "fan_out"):
        raise ValueError("no such mode")
    k = tensor[0][0].numel()
    fan = tensor.shape[0] * k if mode == "fan_in" else tensor.shape[1] * k
    gain = math.sqrt(2 / (1 + a**2))
    return gain / math.sqrt(fan)


# %% kaiming_init: mode_ignored
# help: The argument mode changes nothing: you always take fan_in.
def kaiming_uniform_(tensor, a=0.0, mode="fan_in"):
    b = math.sqrt(3) * he_std(tensor, a, mode)
    with torch.no_grad():
        return tensor.uniform_(-b, b)


def kaiming_normal_(tensor, a=0.0, mode="fan_in"):
    std = he_std(tensor, a, mode)
    with torch.no_grad():
        return tensor.normal_(0, std)


def he_std(tensor, a, mode):
    if tensor.dim() < 2:
        raise ValueError("fans need two axes")
    if mode not in ("fan_in", "fan_out"):
        raise ValueError("no such mode")
    k = tensor[0][0].numel()
    fan = tensor.shape[1] * k
    gain = math.sqrt(2 / (1 + a**2))
    return gain / math.sqrt(fan)


# %% kaiming_init: gain_missing
# help: Your numbers spread √2 too little: the gain for the ReLU, √2 where a is 0, is missing.
def kaiming_uniform_(tensor, a=0.0, mode="fan_in"):
    b = math.sqrt(3) * he_std(tensor, a, mode)
    with torch.no_grad():
        return tensor.uniform_(-b, b)


def kaiming_normal_(tensor, a=0.0, mode="fan_in"):
    std = he_std(tensor, a, mode)
    with torch.no_grad():
        return tensor.normal_(0, std)


def he_std(tensor, a, mode):
    if tensor.dim() < 2:
        raise ValueError("fans need two axes")
    if mode not in ("fan_in", "fan_out"):
        raise ValueError("no such mode")
    k = tensor[0][0].numel()
    fan = tensor.shape[1] * k if mode == "fan_in" else tensor.shape[0] * k
    gain = math.sqrt(1 / (1 + a**2))
    return gain / math.sqrt(fan)


# %% kaiming_init: leak_ignored
# help: The argument a is never used. A leaky ReLU loses less, so its gain is smaller: √(2/(1 + a²)).
def kaiming_uniform_(tensor, a=0.0, mode="fan_in"):
    b = math.sqrt(3) * he_std(tensor, a, mode)
    with torch.no_grad():
        return tensor.uniform_(-b, b)


def kaiming_normal_(tensor, a=0.0, mode="fan_in"):
    std = he_std(tensor, a, mode)
    with torch.no_grad():
        return tensor.normal_(0, std)


def he_std(tensor, a, mode):
    if tensor.dim() < 2:
        raise ValueError("fans need two axes")
    if mode not in ("fan_in", "fan_out"):
        raise ValueError("no such mode")
    k = tensor[0][0].numel()
    fan = tensor.shape[1] * k if mode == "fan_in" else tensor.shape[0] * k
    gain = math.sqrt(2)
    return gain / math.sqrt(fan)


# %% kaiming_init: leak_not_squared
# help: You add a where a² belongs. The leaked half keeps a² of its power, because power is a square.
def kaiming_uniform_(tensor, a=0.0, mode="fan_in"):
    b = math.sqrt(3) * he_std(tensor, a, mode)
    with torch.no_grad():
        return tensor.uniform_(-b, b)


def kaiming_normal_(tensor, a=0.0, mode="fan_in"):
    std = he_std(tensor, a, mode)
    with torch.no_grad():
        return tensor.normal_(0, std)


def he_std(tensor, a, mode):
    if tensor.dim() < 2:
        raise ValueError("fans need two axes")
    if mode not in ("fan_in", "fan_out"):
        raise ValueError("no such mode")
    k = tensor[0][0].numel()
    fan = tensor.shape[1] * k if mode == "fan_in" else tensor.shape[0] * k
    gain = math.sqrt(2 / (1 + a))
    return gain / math.sqrt(fan)


# %% kaiming_init: leak_outside_root
# help: For a = 0 all is right, with a leak it is not: 1 + a² belongs under the root, together with the 2.
def kaiming_uniform_(tensor, a=0.0, mode="fan_in"):
    b = math.sqrt(3) * he_std(tensor, a, mode)
    with torch.no_grad():
        return tensor.uniform_(-b, b)


def kaiming_normal_(tensor, a=0.0, mode="fan_in"):
    std = he_std(tensor, a, mode)
    with torch.no_grad():
        return tensor.normal_(0, std)


def he_std(tensor, a, mode):
    if tensor.dim() < 2:
        raise ValueError("fans need two axes")
    if mode not in ("fan_in", "fan_out"):
        raise ValueError("no such mode")
    k = tensor[0][0].numel()
    fan = tensor.shape[1] * k if mode == "fan_in" else tensor.shape[0] * k
    gain = math.sqrt(2) / (1 + a**2)
    return gain / math.sqrt(fan)


# %% kaiming_init: gain_without_root
# help: Your gain is 2/(1 + a²), without the square root. That is the factor of the variance; the standard deviation gets
#   its root.
def kaiming_uniform_(tensor, a=0.0, mode="fan_in"):
    b = math.sqrt(3) * he_std(tensor, a, mode)
    with torch.no_grad():
        return tensor.uniform_(-b, b)


def kaiming_normal_(tensor, a=0.0, mode="fan_in"):
    std = he_std(tensor, a, mode)
    with torch.no_grad():
        return tensor.normal_(0, std)


def he_std(tensor, a, mode):
    if tensor.dim() < 2:
        raise ValueError("fans need two axes")
    if mode not in ("fan_in", "fan_out"):
        raise ValueError("no such mode")
    k = tensor[0][0].numel()
    fan = tensor.shape[1] * k if mode == "fan_in" else tensor.shape[0] * k
    gain = 2 / (1 + a**2)
    return gain / math.sqrt(fan)


# %% kaiming_init: kernel_ignored
# help: For matrices all is right; for a convolution you forget the kernel: the fan is channels times kernel positions.
def kaiming_uniform_(tensor, a=0.0, mode="fan_in"):
    b = math.sqrt(3) * he_std(tensor, a, mode)
    with torch.no_grad():
        return tensor.uniform_(-b, b)


def kaiming_normal_(tensor, a=0.0, mode="fan_in"):
    std = he_std(tensor, a, mode)
    with torch.no_grad():
        return tensor.normal_(0, std)


def he_std(tensor, a, mode):
    if tensor.dim() < 2:
        raise ValueError("fans need two axes")
    if mode not in ("fan_in", "fan_out"):
        raise ValueError("no such mode")
    k = 1
    fan = tensor.shape[1] * k if mode == "fan_in" else tensor.shape[0] * k
    gain = math.sqrt(2 / (1 + a**2))
    return gain / math.sqrt(fan)


# %% kaiming_init: std_as_bound
# help: Your uniform draws reach only as far as the standard deviation. The bound of a uniform law is √3 times that.
def kaiming_uniform_(tensor, a=0.0, mode="fan_in"):
    b = he_std(tensor, a, mode)
    with torch.no_grad():
        return tensor.uniform_(-b, b)


def kaiming_normal_(tensor, a=0.0, mode="fan_in"):
    std = he_std(tensor, a, mode)
    with torch.no_grad():
        return tensor.normal_(0, std)


def he_std(tensor, a, mode):
    if tensor.dim() < 2:
        raise ValueError("fans need two axes")
    if mode not in ("fan_in", "fan_out"):
        raise ValueError("no such mode")
    k = tensor[0][0].numel()
    fan = tensor.shape[1] * k if mode == "fan_in" else tensor.shape[0] * k
    gain = math.sqrt(2 / (1 + a**2))
    return gain / math.sqrt(fan)


# %% kaiming_init: bound_as_std
# help: You give the normal law the bound of the uniform one: √3 too much. Its standard deviation is gain/√fan.
def kaiming_uniform_(tensor, a=0.0, mode="fan_in"):
    b = math.sqrt(3) * he_std(tensor, a, mode)
    with torch.no_grad():
        return tensor.uniform_(-b, b)


def kaiming_normal_(tensor, a=0.0, mode="fan_in"):
    std = math.sqrt(3) * he_std(tensor, a, mode)
    with torch.no_grad():
        return tensor.normal_(0, std)


def he_std(tensor, a, mode):
    if tensor.dim() < 2:
        raise ValueError("fans need two axes")
    if mode not in ("fan_in", "fan_out"):
        raise ValueError("no such mode")
    k = tensor[0][0].numel()
    fan = tensor.shape[1] * k if mode == "fan_in" else tensor.shape[0] * k
    gain = math.sqrt(2 / (1 + a**2))
    return gain / math.sqrt(fan)


# %% kaiming_init: glorot_average
# help: You average the two fans. That is Glorot's compromise; here one fan is chosen, by mode.
def kaiming_uniform_(tensor, a=0.0, mode="fan_in"):
    b = math.sqrt(3) * he_std(tensor, a, mode)
    with torch.no_grad():
        return tensor.uniform_(-b, b)


def kaiming_normal_(tensor, a=0.0, mode="fan_in"):
    std = he_std(tensor, a, mode)
    with torch.no_grad():
        return tensor.normal_(0, std)


def he_std(tensor, a, mode):
    if tensor.dim() < 2:
        raise ValueError("fans need two axes")
    if mode not in ("fan_in", "fan_out"):
        raise ValueError("no such mode")
    k = tensor[0][0].numel()
    fan = (tensor.shape[1] + tensor.shape[0]) * k / 2
    gain = math.sqrt(2 / (1 + a**2))
    return gain / math.sqrt(fan)


# %% kaiming_init: root_of_fan_forgotten
# help: You divide by the fan. Divide by its square root.
def kaiming_uniform_(tensor, a=0.0, mode="fan_in"):
    b = math.sqrt(3) * he_std(tensor, a, mode)
    with torch.no_grad():
        return tensor.uniform_(-b, b)


def kaiming_normal_(tensor, a=0.0, mode="fan_in"):
    std = he_std(tensor, a, mode)
    with torch.no_grad():
        return tensor.normal_(0, std)


def he_std(tensor, a, mode):
    if tensor.dim() < 2:
        raise ValueError("fans need two axes")
    if mode not in ("fan_in", "fan_out"):
        raise ValueError("no such mode")
    k = tensor[0][0].numel()
    fan = tensor.shape[1] * k if mode == "fan_in" else tensor.shape[0] * k
    gain = math.sqrt(2 / (1 + a**2))
    return gain / fan


# %% kaiming_init: any_mode_accepted
# help: An unknown mode should raise ValueError; yours falls through to fan_out, and a typing slip goes unseen.
def kaiming_uniform_(tensor, a=0.0, mode="fan_in"):
    b = math.sqrt(3) * he_std(tensor, a, mode)
    with torch.no_grad():
        return tensor.uniform_(-b, b)


def kaiming_normal_(tensor, a=0.0, mode="fan_in"):
    std = he_std(tensor, a, mode)
    with torch.no_grad():
        return tensor.normal_(0, std)


def he_std(tensor, a, mode):
    if tensor.dim() < 2:
        raise ValueError("fans need two axes")
    k = tensor[0][0].numel()
    fan = tensor.shape[1] * k if mode == "fan_in" else tensor.shape[0] * k
    gain = math.sqrt(2 / (1 + a**2))
    return gain / math.sqrt(fan)


# %% kaiming_init: one_axis_accepted
# help: A tensor with one axis should raise ValueError. Yours raises something else: look at the number of axes first.
def kaiming_uniform_(tensor, a=0.0, mode="fan_in"):
    b = math.sqrt(3) * he_std(tensor, a, mode)
    with torch.no_grad():
        return tensor.uniform_(-b, b)


def kaiming_normal_(tensor, a=0.0, mode="fan_in"):
    std = he_std(tensor, a, mode)
    with torch.no_grad():
        return tensor.normal_(0, std)


def he_std(tensor, a, mode):
    if mode not in ("fan_in", "fan_out"):
        raise ValueError("no such mode")
    k = tensor[0][0].numel()
    fan = tensor.shape[1] * k if mode == "fan_in" else tensor.shape[0] * k
    gain = math.sqrt(2 / (1 + a**2))
    return gain / math.sqrt(fan)


# %% kaiming_init: grad_not_off
# help: It works on a plain tensor, and a parameter raises. Writing in place on a leaf that requires grad has to happen inside
#   torch.no_grad().
def kaiming_uniform_(tensor, a=0.0, mode="fan_in"):
    b = math.sqrt(3) * he_std(tensor, a, mode)
    return tensor.uniform_(-b, b)


def kaiming_normal_(tensor, a=0.0, mode="fan_in"):
    std = he_std(tensor, a, mode)
    return tensor.normal_(0, std)


def he_std(tensor, a, mode):
    if tensor.dim() < 2:
        raise ValueError("fans need two axes")
    if mode not in ("fan_in", "fan_out"):
        raise ValueError("no such mode")
    k = tensor[0][0].numel()
    fan = tensor.shape[1] * k if mode == "fan_in" else tensor.shape[0] * k
    gain = math.sqrt(2 / (1 + a**2))
    return gain / math.sqrt(fan)


# %% kaiming_init: new_tensor
# help: The tensor you were given is as it was: you fill and return another one. In place means into this one.
def kaiming_uniform_(tensor, a=0.0, mode="fan_in"):
    b = math.sqrt(3) * he_std(tensor, a, mode)
    with torch.no_grad():
        return torch.empty_like(tensor).uniform_(-b, b)


def kaiming_normal_(tensor, a=0.0, mode="fan_in"):
    std = he_std(tensor, a, mode)
    with torch.no_grad():
        return torch.empty_like(tensor).normal_(0, std)


def he_std(tensor, a, mode):
    if tensor.dim() < 2:
        raise ValueError("fans need two axes")
    if mode not in ("fan_in", "fan_out"):
        raise ValueError("no such mode")
    k = tensor[0][0].numel()
    fan = tensor.shape[1] * k if mode == "fan_in" else tensor.shape[0] * k
    gain = math.sqrt(2 / (1 + a**2))
    return gain / math.sqrt(fan)


# %% kaiming_init: nothing_returned
# help: You fill the tensor and return None. Return the tensor.
def kaiming_uniform_(tensor, a=0.0, mode="fan_in"):
    b = math.sqrt(3) * he_std(tensor, a, mode)
    with torch.no_grad():
        tensor.uniform_(-b, b)


def kaiming_normal_(tensor, a=0.0, mode="fan_in"):
    std = he_std(tensor, a, mode)
    with torch.no_grad():
        tensor.normal_(0, std)


def he_std(tensor, a, mode):
    if tensor.dim() < 2:
        raise ValueError("fans need two axes")
    if mode not in ("fan_in", "fan_out"):
        raise ValueError("no such mode")
    k = tensor[0][0].numel()
    fan = tensor.shape[1] * k if mode == "fan_in" else tensor.shape[0] * k
    gain = math.sqrt(2 / (1 + a**2))
    return gain / math.sqrt(fan)


# %% kaiming_init: requires_grad_off
# help: The parameter comes back without requires_grad: it would never train again. Leave the flag alone, and switch autograd
#   off around the drawing only.
def kaiming_uniform_(tensor, a=0.0, mode="fan_in"):
    b = math.sqrt(3) * he_std(tensor, a, mode)
    return tensor.requires_grad_(False).uniform_(-b, b)


def kaiming_normal_(tensor, a=0.0, mode="fan_in"):
    std = he_std(tensor, a, mode)
    return tensor.requires_grad_(False).normal_(0, std)


def he_std(tensor, a, mode):
    if tensor.dim() < 2:
        raise ValueError("fans need two axes")
    if mode not in ("fan_in", "fan_out"):
        raise ValueError("no such mode")
    k = tensor[0][0].numel()
    fan = tensor.shape[1] * k if mode == "fan_in" else tensor.shape[0] * k
    gain = math.sqrt(2 / (1 + a**2))
    return gain / math.sqrt(fan)


# %% kaiming_init: one_sided
# help: Your uniform numbers begin at 0. They have to reach from -bound to bound, or no weight is ever negative.
def kaiming_uniform_(tensor, a=0.0, mode="fan_in"):
    b = math.sqrt(3) * he_std(tensor, a, mode)
    with torch.no_grad():
        return tensor.uniform_(0, b)


def kaiming_normal_(tensor, a=0.0, mode="fan_in"):
    std = he_std(tensor, a, mode)
    with torch.no_grad():
        return tensor.normal_(0, std)


def he_std(tensor, a, mode):
    if tensor.dim() < 2:
        raise ValueError("fans need two axes")
    if mode not in ("fan_in", "fan_out"):
        raise ValueError("no such mode")
    k = tensor[0][0].numel()
    fan = tensor.shape[1] * k if mode == "fan_in" else tensor.shape[0] * k
    gain = math.sqrt(2 / (1 + a**2))
    return gain / math.sqrt(fan)


# %% kaiming_init: grad_mode_left_off
# help: After your function gradients are off for the whole program. A `with torch.no_grad():` block ends by itself.
def kaiming_uniform_(tensor, a=0.0, mode="fan_in"):
    b = math.sqrt(3) * he_std(tensor, a, mode)
    torch.set_grad_enabled(False)
    return tensor.uniform_(-b, b)


def kaiming_normal_(tensor, a=0.0, mode="fan_in"):
    std = he_std(tensor, a, mode)
    torch.set_grad_enabled(False)
    return tensor.normal_(0, std)


def he_std(tensor, a, mode):
    if tensor.dim() < 2:
        raise ValueError("fans need two axes")
    if mode not in ("fan_in", "fan_out"):
        raise ValueError("no such mode")
    k = tensor[0][0].numel()
    fan = tensor.shape[1] * k if mode == "fan_in" else tensor.shape[0] * k
    gain = math.sqrt(2 / (1 + a**2))
    return gain / math.sqrt(fan)
