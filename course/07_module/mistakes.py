"""Named mistakes of chapter 7: wrong solutions that the checks must reject, each with its own help."""

import copy
import math
import random

import numpy as np
import torch
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
# help: All your weights lie on one side of 0, as torch.rand does. Stretch and shift it to reach from -bound to bound.
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
# help: Your weights are float64, so a float32 input does not fit. NumPy draws such numbers, and torch.from_numpy keeps
#   them. A fresh layer is float32: draw with torch, or convert.
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


# %% simple_mlp: no_super_init
# help: super().__init__() is missing: without it there is no place to put a child. It is the first line of __init__.
class SimpleMLP(nn.Module):
    def __init__(self, in_dim, hidden_dim, out_dim):
        self.layers = nn.Sequential(
            Linear(in_dim, hidden_dim), ReLU(), Linear(hidden_dim, hidden_dim), ReLU(), Linear(hidden_dim, out_dim)
        )

    def forward(self, x):
        return self.layers(x)


# %% simple_mlp: plain_list
# help: layers is a Python list: nothing in it is registered, so parameters() is empty and nothing trains. Put the
#   modules into an nn.Sequential.
class SimpleMLP(nn.Module):
    def __init__(self, in_dim, hidden_dim, out_dim):
        super().__init__()
        self.layers = [
            Linear(in_dim, hidden_dim), ReLU(), Linear(hidden_dim, hidden_dim), ReLU(), Linear(hidden_dim, out_dim)
        ]

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


# %% simple_mlp: module_list
# help: layers is an nn.ModuleList. It registers its modules and would do, but asked for is an nn.Sequential, which is
#   also a module you can call.
class SimpleMLP(nn.Module):
    def __init__(self, in_dim, hidden_dim, out_dim):
        super().__init__()
        self.layers = nn.ModuleList(
            [Linear(in_dim, hidden_dim), ReLU(), Linear(hidden_dim, hidden_dim), ReLU(), Linear(hidden_dim, out_dim)]
        )

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x


# %% simple_mlp: one_hidden_layer
# help: There are three modules, and five are asked for: the linear layer from hidden to hidden and its ReLU are missing.
class SimpleMLP(nn.Module):
    def __init__(self, in_dim, hidden_dim, out_dim):
        super().__init__()
        self.layers = nn.Sequential(Linear(in_dim, hidden_dim), ReLU(), Linear(hidden_dim, out_dim))

    def forward(self, x):
        return self.layers(x)


# %% simple_mlp: relu_at_the_end
# help: There is a sixth module behind the last linear layer. Nothing comes after that one: outputs may be any numbers,
#   negative ones too.
class SimpleMLP(nn.Module):
    def __init__(self, in_dim, hidden_dim, out_dim):
        super().__init__()
        self.layers = nn.Sequential(
            Linear(in_dim, hidden_dim), ReLU(), Linear(hidden_dim, hidden_dim), ReLU(), Linear(hidden_dim, out_dim), ReLU()
        )

    def forward(self, x):
        return self.layers(x)


# %% simple_mlp: relu_in_forward_too
# help: The chain is right, and then forward puts its result through one more ReLU: negative outputs become 0. Return
#   what the chain gives.
class SimpleMLP(nn.Module):
    def __init__(self, in_dim, hidden_dim, out_dim):
        super().__init__()
        self.layers = nn.Sequential(
            Linear(in_dim, hidden_dim), ReLU(), Linear(hidden_dim, hidden_dim), ReLU(), Linear(hidden_dim, out_dim)
        )

    def forward(self, x):
        return torch.relu(self.layers(x))


# %% simple_mlp: softmax_at_the_end
# help: forward turns the outputs into probabilities. The network gives plain numbers; a loss that wants probabilities
#   makes them itself.
class SimpleMLP(nn.Module):
    def __init__(self, in_dim, hidden_dim, out_dim):
        super().__init__()
        self.layers = nn.Sequential(
            Linear(in_dim, hidden_dim), ReLU(), Linear(hidden_dim, hidden_dim), ReLU(), Linear(hidden_dim, out_dim)
        )

    def forward(self, x):
        return torch.softmax(self.layers(x), dim=-1)


# %% simple_mlp: no_second_relu
# help: Between the second and the third linear layer nothing bends, so the two are one in disguise. A ReLU belongs there.
class SimpleMLP(nn.Module):
    def __init__(self, in_dim, hidden_dim, out_dim):
        super().__init__()
        self.layers = nn.Sequential(
            Linear(in_dim, hidden_dim), ReLU(), Linear(hidden_dim, hidden_dim), nn.Identity(), Linear(hidden_dim, out_dim)
        )

    def forward(self, x):
        return self.layers(x)


# %% simple_mlp: tanh_for_relu
# help: Modules 1 and 3 bend with tanh. Asked for are ReLUs.
class SimpleMLP(nn.Module):
    def __init__(self, in_dim, hidden_dim, out_dim):
        super().__init__()
        self.layers = nn.Sequential(
            Linear(in_dim, hidden_dim), nn.Tanh(), Linear(hidden_dim, hidden_dim), nn.Tanh(), Linear(hidden_dim, out_dim)
        )

    def forward(self, x):
        return self.layers(x)


# %% simple_mlp: other_name
# help: The network is kept under another name. The attribute is called layers; names are part of what others rely on,
#   every saved state_dict for one.
class SimpleMLP(nn.Module):
    def __init__(self, in_dim, hidden_dim, out_dim):
        super().__init__()
        self.net = nn.Sequential(
            Linear(in_dim, hidden_dim), ReLU(), Linear(hidden_dim, hidden_dim), ReLU(), Linear(hidden_dim, out_dim)
        )

    def forward(self, x):
        return self.net(x)


# %% simple_mlp: made_in_forward
# help: forward builds the layers anew at each call: new weights every time, and none of them trained. Build them once,
#   in __init__.
class SimpleMLP(nn.Module):
    def __init__(self, in_dim, hidden_dim, out_dim):
        super().__init__()
        self.sizes = in_dim, hidden_dim, out_dim

    def forward(self, x):
        in_dim, hidden_dim, out_dim = self.sizes
        self.layers = nn.Sequential(
            Linear(in_dim, hidden_dim), ReLU(), Linear(hidden_dim, hidden_dim), ReLU(), Linear(hidden_dim, out_dim)
        )
        return self.layers(x)


# %% simple_mlp: sizes_swapped
# help: The first weight has the wrong shape: Linear takes first what comes in, then what goes out.
class SimpleMLP(nn.Module):
    def __init__(self, in_dim, hidden_dim, out_dim):
        super().__init__()
        self.layers = nn.Sequential(
            Linear(hidden_dim, in_dim), ReLU(), Linear(hidden_dim, hidden_dim), ReLU(), Linear(out_dim, hidden_dim)
        )

    def forward(self, x):
        return self.layers(x)


# %% simple_mlp: last_layer_skipped
# help: forward stops before the last linear layer: it returns hidden values. Run the input through all of layers.
class SimpleMLP(nn.Module):
    def __init__(self, in_dim, hidden_dim, out_dim):
        super().__init__()
        self.layers = nn.Sequential(
            Linear(in_dim, hidden_dim), ReLU(), Linear(hidden_dim, hidden_dim), ReLU(), Linear(hidden_dim, out_dim)
        )

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = layer(x)
        return x


# %% simple_mlp: without_biases
# help: Your linear layers have no biases. Leave bias at its default.
class SimpleMLP(nn.Module):
    def __init__(self, in_dim, hidden_dim, out_dim):
        super().__init__()
        self.layers = nn.Sequential(
            Linear(in_dim, hidden_dim, bias=False), ReLU(), Linear(hidden_dim, hidden_dim, bias=False), ReLU(),
            Linear(hidden_dim, out_dim, bias=False),
        )

    def forward(self, x):
        return self.layers(x)


# %% dynamic_net: zero_is_nothing
# help: With repeats=0 the result changes from call to call: in Python 0 counts as false, so `not repeats` and
#   `repeats or …` take it for None. Ask `repeats is None`.
class DynamicNet(nn.Module):
    def __init__(self, d_in, h, d_out):
        super().__init__()
        self.input_linear, self.middle_linear, self.output_linear = Linear(d_in, h), Linear(h, h), Linear(h, d_out)

    def forward(self, x, repeats=None):
        if not repeats:
            repeats = random.randint(0, 3)
        h = self.input_linear(x).clamp(min=0)
        for _ in range(repeats):
            h = self.middle_linear(h).clamp(min=0)
        return self.output_linear(h)


# %% dynamic_net: repeats_ignored
# help: The argument repeats is never used: every call draws. Draw only where it is None.
class DynamicNet(nn.Module):
    def __init__(self, d_in, h, d_out):
        super().__init__()
        self.input_linear, self.middle_linear, self.output_linear = Linear(d_in, h), Linear(h, h), Linear(h, d_out)

    def forward(self, x, repeats=None):
        repeats = random.randint(0, 3)
        h = self.input_linear(x).clamp(min=0)
        for _ in range(repeats):
            h = self.middle_linear(h).clamp(min=0)
        return self.output_linear(h)


# %% dynamic_net: given_as_upper_end
# help: You take repeats for the largest number that may be drawn. It is the number itself.
class DynamicNet(nn.Module):
    def __init__(self, d_in, h, d_out):
        super().__init__()
        self.input_linear, self.middle_linear, self.output_linear = Linear(d_in, h), Linear(h, h), Linear(h, d_out)

    def forward(self, x, repeats=None):
        repeats = random.randint(0, 3 if repeats is None else repeats)
        h = self.input_linear(x).clamp(min=0)
        for _ in range(repeats):
            h = self.middle_linear(h).clamp(min=0)
        return self.output_linear(h)


# %% dynamic_net: never_zero
# help: Your draws go from 1 to 3: 0 never occurs.
class DynamicNet(nn.Module):
    def __init__(self, d_in, h, d_out):
        super().__init__()
        self.input_linear, self.middle_linear, self.output_linear = Linear(d_in, h), Linear(h, h), Linear(h, d_out)

    def forward(self, x, repeats=None):
        if repeats is None:
            repeats = random.randint(1, 3)
        h = self.input_linear(x).clamp(min=0)
        for _ in range(repeats):
            h = self.middle_linear(h).clamp(min=0)
        return self.output_linear(h)


# %% dynamic_net: never_three
# help: 3 never occurs. torch.randint, random.randrange and numpy's integers stop before their upper end.
class DynamicNet(nn.Module):
    def __init__(self, d_in, h, d_out):
        super().__init__()
        self.input_linear, self.middle_linear, self.output_linear = Linear(d_in, h), Linear(h, h), Linear(h, d_out)

    def forward(self, x, repeats=None):
        if repeats is None:
            repeats = int(torch.randint(0, 3, ()))
        h = self.input_linear(x).clamp(min=0)
        for _ in range(repeats):
            h = self.middle_linear(h).clamp(min=0)
        return self.output_linear(h)


# %% dynamic_net: four_too
# help: Sometimes you repeat four times: random.randint includes its upper end.
class DynamicNet(nn.Module):
    def __init__(self, d_in, h, d_out):
        super().__init__()
        self.input_linear, self.middle_linear, self.output_linear = Linear(d_in, h), Linear(h, h), Linear(h, d_out)

    def forward(self, x, repeats=None):
        if repeats is None:
            repeats = random.randint(0, 4)
        h = self.input_linear(x).clamp(min=0)
        for _ in range(repeats):
            h = self.middle_linear(h).clamp(min=0)
        return self.output_linear(h)


# %% dynamic_net: three_hardly_ever
# help: All four numbers occur, and one of them hardly ever. Each has to come with a probability of at least 1/10.
class DynamicNet(nn.Module):
    def __init__(self, d_in, h, d_out):
        super().__init__()
        self.input_linear, self.middle_linear, self.output_linear = Linear(d_in, h), Linear(h, h), Linear(h, d_out)

    def forward(self, x, repeats=None):
        if repeats is None:
            repeats = random.choice([0, 1, 2] * 16 + [3, 0])
        h = self.input_linear(x).clamp(min=0)
        for _ in range(repeats):
            h = self.middle_linear(h).clamp(min=0)
        return self.output_linear(h)



# %% dynamic_net: drawn_once
# help: Every call takes the same number. It is drawn once for the network's whole life, or each time from a seed that
#   is set anew. Draw in forward, and leave the seed alone.
class DynamicNet(nn.Module):
    def __init__(self, d_in, h, d_out):
        super().__init__()
        self.input_linear, self.middle_linear, self.output_linear = Linear(d_in, h), Linear(h, h), Linear(h, d_out)
        self.repeats = random.randint(0, 3)

    def forward(self, x, repeats=None):
        if repeats is None:
            repeats = self.repeats
        h = self.input_linear(x).clamp(min=0)
        for _ in range(repeats):
            h = self.middle_linear(h).clamp(min=0)
        return self.output_linear(h)


# %% dynamic_net: counted_not_drawn
# help: Your network takes 0, 1, 2, 3 in turn: the next number is known beforehand. Draw it from a source of random numbers.
class DynamicNet(nn.Module):
    def __init__(self, d_in, h, d_out):
        super().__init__()
        self.input_linear, self.middle_linear, self.output_linear = Linear(d_in, h), Linear(h, h), Linear(h, d_out)
        self.calls = 0

    def forward(self, x, repeats=None):
        if repeats is None:
            repeats = self.calls % 4
            self.calls += 1
        h = self.input_linear(x).clamp(min=0)
        for _ in range(repeats):
            h = self.middle_linear(h).clamp(min=0)
        return self.output_linear(h)


# %% dynamic_net: fixed_in_evaluation
# help: In evaluation your network always takes the same depth. Here None draws in both modes.
class DynamicNet(nn.Module):
    def __init__(self, d_in, h, d_out):
        super().__init__()
        self.input_linear, self.middle_linear, self.output_linear = Linear(d_in, h), Linear(h, h), Linear(h, d_out)

    def forward(self, x, repeats=None):
        if repeats is None:
            repeats = random.randint(0, 3) if self.training else 0
        h = self.input_linear(x).clamp(min=0)
        for _ in range(repeats):
            h = self.middle_linear(h).clamp(min=0)
        return self.output_linear(h)


# %% dynamic_net: once_too_often
# help: The middle layer runs once more than asked: with repeats=0 it should not run at all.
class DynamicNet(nn.Module):
    def __init__(self, d_in, h, d_out):
        super().__init__()
        self.input_linear, self.middle_linear, self.output_linear = Linear(d_in, h), Linear(h, h), Linear(h, d_out)

    def forward(self, x, repeats=None):
        if repeats is None:
            repeats = random.randint(0, 3)
        h = self.input_linear(x).clamp(min=0)
        h = self.middle_linear(h).clamp(min=0)
        for _ in range(repeats):
            h = self.middle_linear(h).clamp(min=0)
        return self.output_linear(h)


# %% dynamic_net: no_relu_in_between
# help: The middle layer's results go on without a ReLU. Each of the repeats bends: ReLU(middle).
class DynamicNet(nn.Module):
    def __init__(self, d_in, h, d_out):
        super().__init__()
        self.input_linear, self.middle_linear, self.output_linear = Linear(d_in, h), Linear(h, h), Linear(h, d_out)

    def forward(self, x, repeats=None):
        if repeats is None:
            repeats = random.randint(0, 3)
        h = self.input_linear(x).clamp(min=0)
        for _ in range(repeats):
            h = self.middle_linear(h)
        return self.output_linear(h)


# %% dynamic_net: no_relu_at_the_input
# help: The first layer's result goes on without a ReLU.
class DynamicNet(nn.Module):
    def __init__(self, d_in, h, d_out):
        super().__init__()
        self.input_linear, self.middle_linear, self.output_linear = Linear(d_in, h), Linear(h, h), Linear(h, d_out)

    def forward(self, x, repeats=None):
        if repeats is None:
            repeats = random.randint(0, 3)
        h = self.input_linear(x)
        for _ in range(repeats):
            h = self.middle_linear(h).clamp(min=0)
        return self.output_linear(h)


# %% dynamic_net: relu_at_the_output
# help: A ReLU behind the output layer cuts off everything negative. The output stays as it is.
class DynamicNet(nn.Module):
    def __init__(self, d_in, h, d_out):
        super().__init__()
        self.input_linear, self.middle_linear, self.output_linear = Linear(d_in, h), Linear(h, h), Linear(h, d_out)

    def forward(self, x, repeats=None):
        if repeats is None:
            repeats = random.randint(0, 3)
        h = self.input_linear(x).clamp(min=0)
        for _ in range(repeats):
            h = self.middle_linear(h).clamp(min=0)
        return self.output_linear(h).clamp(min=0)


# %% dynamic_net: fresh_layers
# help: The middle layer is made anew in each call, with weights of its own that nobody trains. Make it once, in __init__,
#   and use it several times.
class DynamicNet(nn.Module):
    def __init__(self, d_in, h, d_out):
        super().__init__()
        self.input_linear, self.middle_linear, self.output_linear = Linear(d_in, h), Linear(h, h), Linear(h, d_out)

    def forward(self, x, repeats=None):
        if repeats is None:
            repeats = random.randint(0, 3)
        h = self.input_linear(x).clamp(min=0)
        for _ in range(repeats):
            h = Linear(h.shape[1], h.shape[1])(h).clamp(min=0)
        return self.output_linear(h)


# %% dynamic_net: copies
# help: The values agree, the gradients do not: the later repeats use a copy of the middle layer, and a copy is not the
#   same weight. Call the one layer again.
class DynamicNet(nn.Module):
    def __init__(self, d_in, h, d_out):
        super().__init__()
        self.input_linear, self.middle_linear, self.output_linear = Linear(d_in, h), Linear(h, h), Linear(h, d_out)

    def forward(self, x, repeats=None):
        if repeats is None:
            repeats = random.randint(0, 3)
        h = self.input_linear(x).clamp(min=0)
        for n in range(repeats):
            middle = copy.deepcopy(self.middle_linear) if n else self.middle_linear
            h = middle(h).clamp(min=0)
        return self.output_linear(h)


# %% dynamic_net: only_the_last_repeat_learns
# help: The forward pass is right, and gradient reaches only the last repeat: the earlier ones run without a graph.
class DynamicNet(nn.Module):
    def __init__(self, d_in, h, d_out):
        super().__init__()
        self.input_linear, self.middle_linear, self.output_linear = Linear(d_in, h), Linear(h, h), Linear(h, d_out)

    def forward(self, x, repeats=None):
        if repeats is None:
            repeats = random.randint(0, 3)
        h = self.input_linear(x).clamp(min=0)
        for n in range(repeats):
            h = self.middle_linear(h.detach() if n else h).clamp(min=0)
        return self.output_linear(h)


# %% dynamic_net: three_middle_layers
# help: There are several middle layers, each with weights of its own. Shared weights mean one layer: six tensors in all.
class DynamicNet(nn.Module):
    def __init__(self, d_in, h, d_out):
        super().__init__()
        self.input_linear, self.output_linear = Linear(d_in, h), Linear(h, d_out)
        self.middle_linear = Linear(h, h)
        self.more = nn.ModuleList(Linear(h, h) for _ in range(5))
        for layer in self.more:
            layer.load_state_dict(self.middle_linear.state_dict())

    def forward(self, x, repeats=None):
        if repeats is None:
            repeats = random.randint(0, 3)
        h = self.input_linear(x).clamp(min=0)
        for n in range(repeats):
            h = (self.middle_linear if n == 0 else self.more[n - 1])(h).clamp(min=0)
        return self.output_linear(h)


# %% running_mean: divided_by_no_rows
# help: Before any row was counted you divide by 0, and everything is nan. Without rows the mean is 0.
class RunningMean(nn.Module):
    def __init__(self, num_features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(num_features))
        self.register_buffer("count", torch.tensor(0))
        self.register_buffer("total", torch.zeros(num_features))

    def forward(self, x):
        with torch.no_grad():
            if self.training:
                self.count += len(x)
                self.total += x.sum(dim=0)
            mean = self.total / self.count
            self.mean.copy_(mean)
        return x - self.mean



# %% running_mean: mean_of_means
# help: You average the batch means. A batch of one row then weighs as much as a batch of a thousand: weigh by rows.
class RunningMean(nn.Module):
    def __init__(self, num_features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(num_features))
        self.register_buffer("count", torch.tensor(0))
        self.register_buffer("batches", torch.tensor(0))

    def forward(self, x):
        if self.training:
            with torch.no_grad():
                self.count += len(x)
                self.batches += 1
                self.mean += (x.mean(0) - self.mean) / self.batches
        return x - self.mean


# %% running_mean: batches_counted
# help: count goes up by one for each batch. It counts rows, and the mean is weighted by them.
class RunningMean(nn.Module):
    def __init__(self, num_features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(num_features))
        self.register_buffer("count", torch.tensor(0))

    def forward(self, x):
        if self.training:
            with torch.no_grad():
                self.count += 1
                self.mean += (x.mean(0) - self.mean) / self.count
        return x - self.mean


# %% running_mean: exponential
# help: Your mean keeps nine tenths of the old value and takes a tenth of the new, as BatchNorm does. It forgets; asked for
#   is the mean of all rows, each weighing the same.
class RunningMean(nn.Module):
    def __init__(self, num_features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(num_features))
        self.register_buffer("count", torch.tensor(0))

    def forward(self, x):
        if self.training:
            with torch.no_grad():
                self.count += len(x)
                self.mean.mul_(0.9).add_(0.1 * x.mean(0))
        return x - self.mean


# %% running_mean: as_parameter
# help: mean is a parameter: an optimizer would move it. What is remembered and not trained is a buffer.
class RunningMean(nn.Module):
    def __init__(self, num_features):
        super().__init__()
        self.mean = nn.Parameter(torch.zeros(num_features), requires_grad=False)
        self.register_buffer("count", torch.tensor(0))

    def forward(self, x):
        if self.training:
            with torch.no_grad():
                self.count += len(x)
                self.mean += (x.mean(0) - self.mean) * (len(x) / self.count)
        return x - self.mean


# %% running_mean: plain_attributes
# help: mean and count are plain tensors: they are not in the state_dict and do not follow .double(). Use register_buffer.
class RunningMean(nn.Module):
    def __init__(self, num_features):
        super().__init__()
        self.mean = torch.zeros(num_features)
        self.count = torch.tensor(0)

    def forward(self, x):
        if self.training:
            with torch.no_grad():
                self.count += len(x)
                self.mean = self.mean + (x.mean(0) - self.mean) * (len(x) / self.count)
        return x - self.mean


# %% running_mean: not_saved
# help: The buffers are registered with persistent=False, so they are not saved. Leave that argument out.
class RunningMean(nn.Module):
    def __init__(self, num_features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(num_features), persistent=False)
        self.register_buffer("count", torch.tensor(0), persistent=False)

    def forward(self, x):
        if self.training:
            with torch.no_grad():
                self.count += len(x)
                self.mean += (x.mean(0) - self.mean) * (len(x) / self.count)
        return x - self.mean


# %% running_mean: history_kept
# help: The buffer remembers how it was computed: its new value carries the graph of x along. Update under torch.no_grad(),
#   or from x.detach().
class RunningMean(nn.Module):
    def __init__(self, num_features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(num_features))
        self.register_buffer("count", torch.tensor(0))

    def forward(self, x):
        if self.training:
            self.count += len(x)
            self.mean = self.mean + (x.mean(0) - self.mean) * (len(x) / self.count)
        return x - self.mean


# %% running_mean: gradient_through_the_mean
# help: The buffer is clean, but what you subtract is not: the new mean is used with its graph, so the gradient loses its
#   own mean. Subtract the buffer.
class RunningMean(nn.Module):
    def __init__(self, num_features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(num_features))
        self.register_buffer("count", torch.tensor(0))

    def forward(self, x):
        mean = self.mean
        if self.training:
            self.count += len(x)
            mean = mean + (x.mean(0) - mean) * (len(x) / self.count)
            self.mean = mean.detach()
        return x - mean


# %% running_mean: subtracted_before
# help: You subtract the old mean and update afterwards. In training the batch counts first.
class RunningMean(nn.Module):
    def __init__(self, num_features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(num_features))
        self.register_buffer("count", torch.tensor(0))

    def forward(self, x):
        out = x - self.mean
        if self.training:
            with torch.no_grad():
                self.count += len(x)
                self.mean += (x.mean(0) - self.mean) * (len(x) / self.count)
        return out


# %% running_mean: batch_mean_subtracted
# help: In training you subtract the mean of the batch, as BatchNorm does. Subtract the running one, in both modes.
class RunningMean(nn.Module):
    def __init__(self, num_features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(num_features))
        self.register_buffer("count", torch.tensor(0))

    def forward(self, x):
        if self.training:
            with torch.no_grad():
                self.count += len(x)
                self.mean += (x.mean(0) - self.mean) * (len(x) / self.count)
            return x - x.detach().mean(0)
        return x - self.mean


# %% running_mean: learns_in_evaluation
# help: The buffers move in evaluation too. Ask self.training first.
class RunningMean(nn.Module):
    def __init__(self, num_features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(num_features))
        self.register_buffer("count", torch.tensor(0))

    def forward(self, x):
        with torch.no_grad():
            self.count += len(x)
            self.mean += (x.mean(0) - self.mean) * (len(x) / self.count)
        return x - self.mean


# %% running_mean: nothing_subtracted_in_training
# help: In training you return x as it came. x - mean is returned in both modes.
class RunningMean(nn.Module):
    def __init__(self, num_features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(num_features))
        self.register_buffer("count", torch.tensor(0))

    def forward(self, x):
        if self.training:
            with torch.no_grad():
                self.count += len(x)
                self.mean += (x.mean(0) - self.mean) * (len(x) / self.count)
            return x
        return x - self.mean


# %% running_mean: float_count
# help: count is a float32 buffer. Beyond 16,777,216 rows it would stop counting; make it an int64.
class RunningMean(nn.Module):
    def __init__(self, num_features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(num_features))
        self.register_buffer("count", torch.zeros(()))

    def forward(self, x):
        if self.training:
            with torch.no_grad():
                self.count += len(x)
                self.mean += (x.mean(0) - self.mean) * (len(x) / self.count)
        return x - self.mean


# %% running_mean: count_with_an_axis
# help: count has one axis, shape (1,). A single number has none: shape ().
class RunningMean(nn.Module):
    def __init__(self, num_features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(num_features))
        self.register_buffer("count", torch.zeros(1, dtype=torch.int64))

    def forward(self, x):
        if self.training:
            with torch.no_grad():
                self.count += len(x)
                self.mean += (x.mean(0) - self.mean) * (len(x) / self.count)
        return x - self.mean


# %% running_mean: sum_outside_the_state
# help: The running sum is a plain attribute: it is not saved, so a loaded module goes on from nothing. mean and count are
#   enough to go on from.
class RunningMean(nn.Module):
    def __init__(self, num_features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(num_features))
        self.register_buffer("count", torch.tensor(0))
        self.total = 0.0

    def forward(self, x):
        if self.training:
            with torch.no_grad():
                self.total = self.total + x.sum(0)
                self.count += len(x)
                self.mean.copy_(self.total / self.count)
        return x - self.mean


# %% running_mean: over_everything
# help: You average over all entries: one number for every column. Average over the rows, dim=0.
class RunningMean(nn.Module):
    def __init__(self, num_features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(num_features))
        self.register_buffer("count", torch.tensor(0))

    def forward(self, x):
        if self.training:
            with torch.no_grad():
                self.count += len(x)
                self.mean += (x.mean() - self.mean) * (len(x) / self.count)
        return x - self.mean


# %% running_mean: input_in_place
# help: You subtract in x itself: the caller's batch has changed. x - mean makes a new tensor.
class RunningMean(nn.Module):
    def __init__(self, num_features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(num_features))
        self.register_buffer("count", torch.tensor(0))

    def forward(self, x):
        if self.training:
            with torch.no_grad():
                self.count += len(x)
                self.mean += (x.mean(0) - self.mean) * (len(x) / self.count)
        x -= self.mean
        return x


# %% running_mean: graph_cut
# help: The whole forward pass runs without a graph, so nothing in front of this module can learn. Only the update belongs
#   under torch.no_grad().
class RunningMean(nn.Module):
    def __init__(self, num_features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(num_features))
        self.register_buffer("count", torch.tensor(0))

    @torch.no_grad()
    def forward(self, x):
        if self.training:
            self.count += len(x)
            self.mean += (x.mean(0) - self.mean) * (len(x) / self.count)
        return x - self.mean


# %% running_mean: always_float32
# help: After .double() and a batch your mean is float32: it is converted on the way, or it is a plain attribute, which
#   .double() passes by. A registered buffer follows.
class RunningMean(nn.Module):
    def __init__(self, num_features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(num_features))
        self.register_buffer("count", torch.tensor(0))

    def forward(self, x):
        if self.training:
            with torch.no_grad():
                self.count += len(x)
                self.mean = (self.mean + (x.mean(0) - self.mean) * (len(x) / self.count)).float()
        return x - self.mean


# %% activation_recorder: names_bound_late
# help: Everything is stored under one name, the last one: a function made in a loop looks its variables up when it runs.
#   Give each hook its own name, by a function that makes the hook, or by a default argument.
class ActivationRecorder:
    def __init__(self, model):
        self.model, self.activations, self.handles = model, {}, []

    def __enter__(self):
        for name, module in self.model.named_modules():
            if not list(module.children()):

                def hook(module, inputs, output):
                    self.activations[name] = output.detach()

                self.handles.append(module.register_forward_hook(hook))
        return self

    def __exit__(self, *error):
        for handle in self.handles:
            handle.remove()


# %% activation_recorder: not_detached
# help: What you keep still has its history, and with it the whole graph of the forward pass. Store output.detach().
class ActivationRecorder:
    def __init__(self, model):
        self.model, self.activations, self.handles = model, {}, []

    def __enter__(self):
        for name, module in self.model.named_modules():
            if not list(module.children()):
                self.handles.append(module.register_forward_hook(self.hook(name)))
        return self

    def hook(self, name):
        def keep(module, inputs, output):
            self.activations[name] = output

        return keep

    def __exit__(self, *error):
        for handle in self.handles:
            handle.remove()


# %% activation_recorder: containers_too
# help: You record every module, containers and the model itself among them. Only leaves are asked for: modules without
#   children.
class ActivationRecorder:
    def __init__(self, model):
        self.model, self.activations, self.handles = model, {}, []

    def __enter__(self):
        for name, module in self.model.named_modules():
            self.handles.append(module.register_forward_hook(self.hook(name)))
        return self

    def hook(self, name):
        def keep(module, inputs, output):
            self.activations[name] = output.detach()

        return keep

    def __exit__(self, *error):
        for handle in self.handles:
            handle.remove()


# %% activation_recorder: children_only
# help: named_children looks one level down. Leaves may lie deeper: named_modules walks the whole tree.
class ActivationRecorder:
    def __init__(self, model):
        self.model, self.activations, self.handles = model, {}, []

    def __enter__(self):
        for name, module in self.model.named_children():
            self.handles.append(module.register_forward_hook(self.hook(name)))
        return self

    def hook(self, name):
        def keep(module, inputs, output):
            self.activations[name] = output.detach()

        return keep

    def __exit__(self, *error):
        for handle in self.handles:
            handle.remove()


# %% activation_recorder: short_names
# help: You use only the last part of each name, so two modules in different blocks overwrite each other. Use the whole
#   path, as named_modules gives it.
class ActivationRecorder:
    def __init__(self, model):
        self.model, self.activations, self.handles = model, {}, []

    def __enter__(self):
        for name, module in self.model.named_modules():
            if not list(module.children()):
                self.handles.append(module.register_forward_hook(self.hook(name.split(".")[-1])))
        return self

    def hook(self, name):
        def keep(module, inputs, output):
            self.activations[name] = output.detach()

        return keep

    def __exit__(self, *error):
        for handle in self.handles:
            handle.remove()


# %% activation_recorder: class_names
# help: You store under the name of the class: two linear layers share one entry. Each module has a qualified name of its
#   own.
class ActivationRecorder:
    def __init__(self, model):
        self.model, self.activations, self.handles = model, {}, []

    def __enter__(self):
        for module in self.model.modules():
            if not list(module.children()):
                self.handles.append(module.register_forward_hook(self.keep))
        return self

    def keep(self, module, inputs, output):
        self.activations[type(module).__name__] = output.detach()

    def __exit__(self, *error):
        for handle in self.handles:
            handle.remove()


# %% activation_recorder: inputs_kept
# help: You store what goes into each module. Asked for is what comes out.
class ActivationRecorder:
    def __init__(self, model):
        self.model, self.activations, self.handles = model, {}, []

    def __enter__(self):
        for name, module in self.model.named_modules():
            if not list(module.children()):
                self.handles.append(module.register_forward_hook(self.hook(name)))
        return self

    def hook(self, name):
        def keep(module, inputs, output):
            self.activations[name] = inputs[0].detach()

        return keep

    def __exit__(self, *error):
        for handle in self.handles:
            handle.remove()


# %% activation_recorder: first_call_wins
# help: Once a name is there you leave it alone, so the first call wins. The last one should.
class ActivationRecorder:
    def __init__(self, model):
        self.model, self.activations, self.handles = model, {}, []

    def __enter__(self):
        for name, module in self.model.named_modules():
            if not list(module.children()):
                self.handles.append(module.register_forward_hook(self.hook(name)))
        return self

    def hook(self, name):
        def keep(module, inputs, output):
            self.activations.setdefault(name, output.detach())

        return keep

    def __exit__(self, *error):
        for handle in self.handles:
            handle.remove()


# %% activation_recorder: lists_of_calls
# help: You collect all calls in lists. One tensor under each name is asked for: that of the last call.
class ActivationRecorder:
    def __init__(self, model):
        self.model, self.activations, self.handles = model, {}, []

    def __enter__(self):
        for name, module in self.model.named_modules():
            if not list(module.children()):
                self.handles.append(module.register_forward_hook(self.hook(name)))
        return self

    def hook(self, name):
        def keep(module, inputs, output):
            self.activations.setdefault(name, []).append(output.detach())

        return keep

    def __exit__(self, *error):
        for handle in self.handles:
            handle.remove()


# %% activation_recorder: output_replaced
# help: Your hook returns the detached output, and what a hook returns replaces the module's output: the graph is cut, no
#   gradient gets through. Store it, and return nothing.
class ActivationRecorder:
    def __init__(self, model):
        self.model, self.activations, self.handles = model, {}, []

    def __enter__(self):
        for name, module in self.model.named_modules():
            if not list(module.children()):
                self.handles.append(module.register_forward_hook(self.hook(name)))
        return self

    def hook(self, name):
        def keep(module, inputs, output):
            self.activations[name] = output.detach()
            return self.activations[name]

        return keep

    def __exit__(self, *error):
        for handle in self.handles:
            handle.remove()


# %% activation_recorder: detached_in_place
# help: detach_() with the underscore cuts the model's own tensor out of the graph. detach() gives you one of your own.
class ActivationRecorder:
    def __init__(self, model):
        self.model, self.activations, self.handles = model, {}, []

    def __enter__(self):
        for name, module in self.model.named_modules():
            if not list(module.children()):
                self.handles.append(module.register_forward_hook(self.hook(name)))
        return self

    def hook(self, name):
        def keep(module, inputs, output):
            self.activations[name] = output.detach_()

        return keep

    def __exit__(self, *error):
        for handle in self.handles:
            handle.remove()


# %% activation_recorder: eval_mode
# help: You put the model into evaluation. A layer that was in training behaves differently then: leave the modes as they
#   are.
class ActivationRecorder:
    def __init__(self, model):
        self.model, self.activations, self.handles = model, {}, []

    def __enter__(self):
        self.model.eval()
        for name, module in self.model.named_modules():
            if not list(module.children()):
                self.handles.append(module.register_forward_hook(self.hook(name)))
        return self

    def hook(self, name):
        def keep(module, inputs, output):
            self.activations[name] = output.detach()

        return keep

    def __exit__(self, *error):
        for handle in self.handles:
            handle.remove()


# %% activation_recorder: gradients_switched_off
# help: Inside your block gradients are off for everybody, so nothing the model computes there can be trained. Detach what
#   you keep, and leave the grad mode alone.
class ActivationRecorder:
    def __init__(self, model):
        self.model, self.activations, self.handles = model, {}, []

    def __enter__(self):
        self.no_grad = torch.no_grad()
        self.no_grad.__enter__()
        for name, module in self.model.named_modules():
            if not list(module.children()):
                self.handles.append(module.register_forward_hook(self.hook(name)))
        return self

    def hook(self, name):
        def keep(module, inputs, output):
            self.activations[name] = output.detach()

        return keep

    def __exit__(self, *error):
        for handle in self.handles:
            handle.remove()
        self.no_grad.__exit__(*error)


# %% activation_recorder: never_removed
# help: The hooks stay after the block and go on recording. Keep the handles, and remove them in __exit__.
class ActivationRecorder:
    def __init__(self, model):
        self.model, self.activations = model, {}

    def __enter__(self):
        for name, module in self.model.named_modules():
            if not list(module.children()):
                module.register_forward_hook(self.hook(name))
        return self

    def hook(self, name):
        def keep(module, inputs, output):
            self.activations[name] = output.detach()

        return keep

    def __exit__(self, *error):
        pass


# %% activation_recorder: one_handle_removed
# help: Each new handle takes the place of the one before, so only the last hook is removed. Keep them all, in a list.
class ActivationRecorder:
    def __init__(self, model):
        self.model, self.activations, self.handle = model, {}, None

    def __enter__(self):
        for name, module in self.model.named_modules():
            if not list(module.children()):
                self.handle = module.register_forward_hook(self.hook(name))
        return self

    def hook(self, name):
        def keep(module, inputs, output):
            self.activations[name] = output.detach()

        return keep

    def __exit__(self, *error):
        self.handle.remove()


# %% activation_recorder: only_switched_off
# help: After the block your hooks do nothing more, but they are still installed. Gone means removed.
class ActivationRecorder:
    def __init__(self, model):
        self.model, self.activations, self.active = model, {}, False

    def __enter__(self):
        self.active = True
        for name, module in self.model.named_modules():
            if not list(module.children()):
                module.register_forward_hook(self.hook(name))
        return self

    def hook(self, name):
        def keep(module, inputs, output):
            if self.active:
                self.activations[name] = output.detach()

        return keep

    def __exit__(self, *error):
        self.active = False


# %% activation_recorder: all_hooks_removed
# help: You clear all hooks of a module, other people's too. Remove only your own, each by its handle.
class ActivationRecorder:
    def __init__(self, model):
        self.model, self.activations = model, {}

    def __enter__(self):
        for name, module in self.model.named_modules():
            if not list(module.children()):
                module.register_forward_hook(self.hook(name))
        return self

    def hook(self, name):
        def keep(module, inputs, output):
            self.activations[name] = output.detach()

        return keep

    def __exit__(self, *error):
        for module in self.model.modules():
            module._forward_hooks.clear()


# %% activation_recorder: recording_thrown_away
# help: After the block activations is empty: you clear it on the way out. It is what the block was for; keep it.
class ActivationRecorder:
    def __init__(self, model):
        self.model, self.activations, self.handles = model, {}, []

    def __enter__(self):
        for name, module in self.model.named_modules():
            if not list(module.children()):
                self.handles.append(module.register_forward_hook(self.hook(name)))
        return self

    def hook(self, name):
        def keep(module, inputs, output):
            self.activations[name] = output.detach()

        return keep

    def __exit__(self, *error):
        for handle in self.handles:
            handle.remove()
        self.activations.clear()


# %% activation_recorder: not_removed_after_an_error
# help: Without an exception all is well; with one, the lines behind yield never run and the hooks stay. What has to happen
#   in any case belongs in a finally, or into __exit__.
from contextlib import contextmanager
from types import SimpleNamespace


@contextmanager
def ActivationRecorder(model):
    rec = SimpleNamespace(activations={})

    def hook(name):
        return lambda module, inputs, output: rec.activations.update({name: output.detach()})

    handles = [m.register_forward_hook(hook(name)) for name, m in model.named_modules() if not list(m.children())]
    yield rec
    for handle in handles:
        handle.remove()


# %% activation_recorder: error_swallowed
# help: __exit__ returns True, and that tells Python to forget the exception: the caller never hears of it. Return nothing.
class ActivationRecorder:
    def __init__(self, model):
        self.model, self.activations, self.handles = model, {}, []

    def __enter__(self):
        for name, module in self.model.named_modules():
            if not list(module.children()):
                self.handles.append(module.register_forward_hook(self.hook(name)))
        return self

    def hook(self, name):
        def keep(module, inputs, output):
            self.activations[name] = output.detach()

        return keep

    def __exit__(self, *error):
        for handle in self.handles:
            handle.remove()
        return True


# %% activation_recorder: nothing_entered
# help: `as rec` gets what __enter__ returns, and yours returns None. Return self.
class ActivationRecorder:
    def __init__(self, model):
        self.model, self.activations, self.handles = model, {}, []

    def __enter__(self):
        for name, module in self.model.named_modules():
            if not list(module.children()):
                self.handles.append(module.register_forward_hook(self.hook(name)))

    def hook(self, name):
        def keep(module, inputs, output):
            self.activations[name] = output.detach()

        return keep

    def __exit__(self, *error):
        for handle in self.handles:
            handle.remove()


# %% linear: weights_on_one_side
# help: Your weights are all positive. torch.rand lies between 0 and 1: stretch and shift it to reach from
#   -bound to bound, as your bias does.
class Linear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        k = in_features**-0.5
        self.weight = nn.Parameter(torch.rand(out_features, in_features) * k)
        if bias:
            self.bias = nn.Parameter(torch.empty(out_features).uniform_(-k, k))
        else:
            self.register_parameter("bias", None)

    def forward(self, x):
        out = x @ self.weight.T
        return out if self.bias is None else out + self.bias

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


# %% linear: weights_straight_from_randn
# help: Your bias has the right law and your weights come straight from randn: their size does not depend on how
#   many inputs are added up.
class Linear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        k = in_features**-0.5
        self.weight = nn.Parameter(torch.randn(out_features, in_features))
        if bias:
            self.bias = nn.Parameter(torch.empty(out_features).uniform_(-k, k))
        else:
            self.register_parameter("bias", None)

    def forward(self, x):
        out = x @ self.weight.T
        return out if self.bias is None else out + self.bias

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


# %% linear: weights_normal
# help: Your weights are normal, with 1/√in for their standard deviation. The law asked for is uniform with that
#   number as its bound, as for your bias.
class Linear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        k = in_features**-0.5
        self.weight = nn.Parameter(torch.randn(out_features, in_features) * k)
        if bias:
            self.bias = nn.Parameter(torch.empty(out_features).uniform_(-k, k))
        else:
            self.register_parameter("bias", None)

    def forward(self, x):
        out = x @ self.weight.T
        return out if self.bias is None else out + self.bias

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


# %% linear: weights_after_glorot
# help: Your weights reach as far as Glorot's law says, which counts inputs and outputs. nn.Linear's bound is
#   1/√in.
class Linear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        k = in_features**-0.5
        self.weight = nn.Parameter(torch.empty(out_features, in_features).uniform_(-1, 1) * (6 / (in_features + out_features)) ** 0.5)
        if bias:
            self.bias = nn.Parameter(torch.empty(out_features).uniform_(-k, k))
        else:
            self.register_parameter("bias", None)

    def forward(self, x):
        out = x @ self.weight.T
        return out if self.bias is None else out + self.bias

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


# %% linear: no_name_for_a_missing_bias
# help: Without a bias your layer has no attribute bias at all. The name has to be there, registered as a
#   parameter that is None.
class Linear(nn.Module):
    def __init__(self, in_features, out_features, bias=True):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        k = in_features**-0.5
        self.weight = nn.Parameter(torch.empty(out_features, in_features).uniform_(-k, k))
        if bias:
            self.bias = nn.Parameter(torch.empty(out_features).uniform_(-k, k))
        else:
            pass

    def forward(self, x):
        out = x @ self.weight.T
        return out + self.bias if hasattr(self, "bias") else out

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={hasattr(self, 'bias')}"


# %% linear: weight_data_in_forward
# help: The bias learns and the weight does not: forward uses weight.data, which autograd does not see.
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
        return out if self.bias is None else out + self.bias

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


# %% activation_recorder: layers_with_parameters_only
# help: Modules without parameters are missing in your record. A leaf is a module without children, an
#   activation function too.
class ActivationRecorder:
    def __init__(self, model):
        self.model, self.activations, self.handles = model, {}, []

    def __enter__(self):
        for name, module in self.model.named_modules():
            if list(module.parameters(recurse=False)):
                self.handles.append(module.register_forward_hook(self.hook(name)))
        return self

    def hook(self, name):
        def keep(module, inputs, output):
            self.activations[name] = output.detach()

        return keep

    def __exit__(self, *error):
        for handle in self.handles:
            handle.remove()


# %% running_mean: sum_divided_by_batches
# help: You count batches and not rows: count grows by the number of rows.
class RunningMean(nn.Module):
    def __init__(self, num_features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(num_features))
        self.register_buffer("count", torch.tensor(0))

    def forward(self, x):
        if self.training:
            with torch.no_grad():
                self.count += 1
                self.mean = self.mean + (x - self.mean).sum(0) / self.count
        return x - self.mean
