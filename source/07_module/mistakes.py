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
