# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
r"""
# 7 · Components of your own

Since chapter 5 you have trusted three letters and a dot: `nn.` In this chapter you take them apart. You write a
ReLU and a linear layer that no program can tell from PyTorch's own, you find out *why* a fresh weight is drawn
from just that law and no other, and you build a network from your own components, a network that decides anew at
every call how deep it is, and an instrument that looks inside any model without changing it.

The picture below is where we are going. Left the network, right the tensors that training moves. In between,
nothing but names.
"""

# %% tags=["setup"] nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import copy
import math
import random

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from coursekit import check, plot
from coursekit.hints import hint

# %% tags=["picture"]
layers = ["0: Linear", "1: ReLU", "2: Linear", "3: ReLU", "4: Linear"]
tree = {"net": "SimpleMLP", "layers": "layers: Sequential", **{name: name for name in layers}}
links = [("net", "layers"), *(("layers", name) for name in layers)]
for name in layers[::2]:
    tree |= {f"{name} w": "weight", f"{name} b": "bias"}
    links += [(name, f"{name} w"), (name, f"{name} b")]
plot.graph(
    tree, links, mark={name for name in tree if name.endswith((" w", " b"))},
    alt="The network as a tree: SimpleMLP holds layers, a Sequential of five modules; the three Linear modules hold "
    "a weight and a bias each, six parameters in all, and the two ReLU modules hold nothing",
)

# %% [markdown]
r"""
**What hurt so far.** Through chapters 1 to 4 you carried the weights yourself: made them, passed them on, and kept
a list of them for the update. Since chapter 5 somebody else keeps that list, and you never asked who. Below is the
two-layer network the old way, with one small slip. Read the third line, then the output.
"""

# %% tags=["picture"]
torch.manual_seed(0)
x, y = torch.randn(64, 1000), torch.randn(64, 10)
w1, b1, w2, b2 = torch.randn(1000, 100) / 30, torch.zeros(100), torch.randn(100, 10) / 10, torch.zeros(10)
to_train = [w1, b1, w2]
for tensor in (w1, b1, w2, b2):
    tensor.requires_grad_()
start = [tensor.detach().clone() for tensor in (w1, b1, w2, b2)]
for step in range(100):
    loss = ((torch.relu(x @ w1 + b1) @ w2 + b2 - y) ** 2).mean()
    loss.backward()
    with torch.no_grad():
        for tensor in to_train:
            tensor -= 0.1 * tensor.grad
            tensor.grad = None
for name, old, new in zip(("w1", "b1", "w2", "b2"), start, (w1, b1, w2, b2)):
    print(f"{name} moved by {float((new - old).norm().detach()):.4f}")

# %% [markdown]
r"""
`b2` is not in the list. It got a gradient at every step, nobody used it, the loss fell all the same, and no line
of the program is *wrong*. With four tensors you find that slip in a minute. With four hundred you do not find it.

So the list should keep itself. That is the job of `nn.Module`, and once you have seen how little it takes, the
rest of this chapter is easy.

*Needs: chapter 3 (leaves, `.grad`), chapter 5 (`forward`, `state_dict`) and a little probability. Eight exercises,
about two hours; 7.1 to 7.4 and 7.5 to 7.8 make two good evenings.*
"""

# %% [markdown]
r"""
## 7.1 A module is a tree

The trick is one method of Python's: `__setattr__` runs whenever somebody writes `self.name = value`. An object that
looks at `value` on the way in can write down what it was given. Here is the whole idea, by hand:
"""

# %% tags=["picture"]
class Tree:
    def __init__(self):
        object.__setattr__(self, "tensors", {})  # what this node owns: name -> tensor that is trained
        object.__setattr__(self, "children", {})  # the nodes below it: name -> Tree

    def __setattr__(self, name, value):
        if isinstance(value, torch.Tensor) and value.requires_grad:
            self.tensors[name] = value
        elif isinstance(value, Tree):
            self.children[name] = value
        object.__setattr__(self, name, value)  # and then do what Python would have done

    def named_tensors(self, prefix=""):
        for name, tensor in self.tensors.items():
            yield prefix + name, tensor
        for name, child in self.children.items():
            yield from child.named_tensors(f"{prefix}{name}.")

# %% tags=["picture"]
net = Tree()
net.hidden, net.out = Tree(), Tree()
net.hidden.weight = torch.zeros(100, 1000, requires_grad=True)
net.out.weight = torch.zeros(10, 100, requires_grad=True)
net.out.bias = torch.zeros(10, requires_grad=True)
for name, tensor in net.named_tensors():
    print(f"{name:15} {tuple(tensor.shape)}")

# %% [markdown]
r"""
Nobody wrote a list, and the list is there. It even has names, each the path through the tree, joined by dots.

`nn.Module` is this class grown up. Everything it does for you is a walk over that tree:

| you write | what happens |
|---|---|
| `model.parameters()` | walk, hand out every parameter |
| `model.state_dict()` | walk, collect name → values |
| `model.to(device)`, `model.double()` | walk, convert every tensor in place |
| `model.train()`, `model.eval()` | walk, set a flag on every node |
| `print(model)` | walk, one line for each node |

A thing made of parts that is used like a part is called a **composite**. A layer is a module, a block of layers is
a module, a network of blocks is a module; an optimizer never has to know which of them it was given.
"""

# %% [markdown]
r"""
Your duties are two: build the node in `__init__` (after `super().__init__()`, which makes the dictionaries the
bookkeeping needs), and compute in `forward`. You *call* the module, `layer(x)`: `nn.Module.__call__` runs your
`forward` and, around it, the hooks of section 7.8. Whoever overrides `__call__` instead, throws those away.

The smallest module owns nothing at all.
"""

# %% [markdown]
r"""
### Exercise 7.1 · `relu_module`
*difficulty 1 of 3 · 6 minutes · about 2 lines*

Write the class `ReLU`, an `nn.Module` constructed without arguments and without parameters. Its `forward(x)` takes a
float tensor of any shape and returns a new one of the same shape and dtype: negative entries become 0, the others
stay. Autograd has to be able to differentiate it; `x` is left as it is.

*Not allowed: `nn.ReLU`, `F.relu`, `torch.relu` (nor the method `x.relu()`).*
"""

# %% nbgrader={"grade": false, "grade_id": "relu_module", "locked": false, "schema_version": 3, "solution": true, "task": false}
class ReLU(nn.Module):
    """any shape -> the same shape, negative entries replaced by 0"""

    # about 2 lines
    ### BEGIN SOLUTION
    # no __init__: nothing to own, and nn.Module's own constructor is inherited
    def forward(self, x):
        return x.clamp(min=0)
    ### END SOLUTION

# %%
hint("relu_module")

# %% nbgrader={"grade": true, "grade_id": "relu_module__forward", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("relu_module__forward")
def _():
    x = torch.tensor([[-1.5, 2.0, 0.0], [30.0, -0.5, 1.0]])
    check.close(
        "ReLU() called on a batch: negative entries become 0, the others stay",
        lambda: ReLU()(x),
        expected=torch.tensor([[0.0, 2.0, 0.0], [30.0, 0.0, 1.0]]),
        advice="print x beside your result: what became of the -1.5, and of the 30?",
    )
    check.unchanged("the tensor that goes into the ReLU is left alone", lambda: ReLU()(x), x)
    ### BEGIN HIDDEN TESTS
    cube = check.tensor(11, 2, 3, 4, dtype="float64", away_from=0.0, strided=True)
    check.close("the ReLU of three axes, not contiguous, in float64", lambda: ReLU()(cube), expected=lambda: cube.clamp(min=0))
    row, one = check.tensor(12, 6, away_from=0.0), check.tensor(13, 1, 5, away_from=0.0)
    check.close("the ReLU of one axis, and of a batch of one", lambda: [ReLU()(row), ReLU()(one)], expected=lambda: [row.clamp(min=0), one.clamp(min=0)])
    check.unchanged("a view is left alone too, and so is what it looks at", lambda: ReLU()(cube), cube)
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "relu_module__gradient", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("relu_module__gradient")
def _():
    def gradient(x, upstream):
        leaf = x.detach().clone().requires_grad_()
        ReLU()(leaf).backward(upstream)
        return leaf.grad

    x = torch.tensor([[-1.5, 2.0, -4.0], [3.0, -0.5, 1.0]])
    upstream = torch.tensor([[5.0, -7.0, 2.0], [11.0, -13.0, 0.5]])
    check.close(
        "autograd finds the ReLU's gradient: upstream where x was positive, 0 elsewhere",
        lambda: gradient(x, upstream),
        expected=torch.tensor([[0.0, -7.0, 0.0], [11.0, 0.0, 0.5]]),
        advice="every step from x to the result has to be a torch operation: no .data, .detach() or .numpy()",
    )
    ### BEGIN HIDDEN TESTS
    cube, other = (check.tensor(i, 3, 2, 4, dtype="float64", away_from=0.0, strided=True) for i in (14, 15))
    check.close("the gradient for three axes in float64", lambda: gradient(cube, other), expected=lambda: other * (cube > 0))

    def two_calls(module):
        a, b = (t.detach().clone().requires_grad_() for t in (x, -x))
        first, second = module(a), module(b)
        second.backward(upstream)
        first.backward(2 * upstream)
        return [a.grad, b.grad]

    check.close(
        "one module called twice before either backward",
        lambda: two_calls(ReLU()),
        expected=lambda: [2 * upstream * (x > 0), upstream * (x < 0)],
    )
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "relu_module__module", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("relu_module__module")
def _():
    x = torch.tensor([[-1.0, 4.0], [0.5, -2.0]])
    check.equal(
        "ReLU() is an nn.Module, it has a forward, and it owns no parameter",
        lambda: [isinstance(ReLU(), nn.Module), ReLU().forward(x).tolist(), len(list(ReLU().parameters()))],
        expected=[True, [[0.0, 4.0], [0.5, 0.0]], 0],
        advice="class ReLU(nn.Module), and the computation in a method called forward",
    )

    def in_a_chain():
        seen, chain = [], nn.Sequential(nn.Identity(), ReLU(), nn.Flatten())
        handle = chain[1].register_forward_hook(lambda module, inputs, output: seen.append(output.tolist()))
        out = chain(x)
        handle.remove()
        return [out, seen]

    check.close(
        "it works inside nn.Sequential, and a hook on it sees its output",
        lambda: in_a_chain(),
        expected=[torch.tensor([[0.0, 4.0], [0.5, 0.0]]), [[[0.0, 4.0], [0.5, 0.0]]]],
        advice="hooks run in nn.Module.__call__: define forward, and leave __call__ and __init__ as they are",
    )
    ### BEGIN HIDDEN TESTS
    def copied_and_evaluated():
        module = copy.deepcopy(ReLU()).double().eval()
        return [module(x.double()), module.training, module.train().training]

    check.close("copied, converted and in evaluation it is the same ReLU", lambda: copied_and_evaluated(), expected=lambda: [x.double().clamp(min=0), False, True])
    ### END HIDDEN TESTS

# %% [markdown]
r"""
A function would have done the same. Why wrap it? Because a function has no place in the tree: it cannot stand in
`nn.Sequential`, it does not show up in `print(model)`, and nobody can hang a hook on it. *One interface for
everything* is what makes the tree useful.
"""

# %% tags=["picture"]
line = torch.linspace(-3, 3, 121, requires_grad=True)
bent = ReLU()(line)
bent.sum().backward()
plot.curves(
    {"your ReLU()(x)": (line.detach(), bent), "the slope autograd found": (line.detach(), line.grad)}, xlabel="x",
    ylabel="value",
    alt=f"Your ReLU: {float(bent[0].detach()):g} at x = -3, {float(bent[-1].detach()):g} at x = 3; the slope that autograd found is "
    f"{float(line.grad[0]):g} on the left and {float(line.grad[-1]):g} on the right",
)

# %% [markdown]
r"""
## 7.2 What a module owns

`nn.Module.__setattr__` does what `Tree` did, but it does not look at `requires_grad`. It looks at the **type**:
an `nn.Parameter` is a tensor that says *train me*. A plain tensor stays a plain attribute. The class below keeps
four tensors in the four ways there are; read the table it prints.
"""

# %% tags=["picture"]
class FourWays(nn.Module):
    def __init__(self):
        super().__init__()
        self.plain = torch.zeros(2)
        self.with_grad = torch.zeros(2, requires_grad=True)
        self.parameter = nn.Parameter(torch.zeros(2))
        self.register_buffer("buffer", torch.zeros(2))


four = FourWays().double()
print(f"{'':11}parameters()  state_dict()  after .double()")
for name in ("plain", "with_grad", "parameter", "buffer"):
    listed, saved = name in dict(four.named_parameters()), name in four.state_dict()
    print(f"{name:11}{listed!s:14}{saved!s:14}{getattr(four, name).dtype}")

# %% [markdown]
r"""
The first two rows are the most expensive lines in this chapter. A plain tensor as a weight gives no error. The model
runs, and it even trains *around* the weight that stands still. It is not saved either, so a model loaded next week
is another model.

- **`nn.Parameter`**: the optimizer moves it. Weights, biases.
- **buffer**: not trained, but part of the model: saved, loaded, moved along. Statistics, masks, counters (7.7).
- **plain attribute**: configuration, such as `in_features`.
"""

# %% [markdown]
r"""
**Why is the weight (out, in)?** Write one output of a linear layer as a sum, with the index of the *output* first:

$$y_j = \sum_i W_{ji}\,x_i + b_j \qquad\Longleftrightarrow\qquad y = W x + b \;\text{ for a column } x$$

Row $j$ of $W$ is all that output $j$ knows: one row is one unit. That is the convention of mathematics, where a
matrix is a map and stands to the left of what it maps. Batches put one example in each *row*, so the same formula
for a whole batch has the transpose in it: $Y = X W^\top + b$.
"""

# %% [markdown]
r"""
The transpose costs nothing: it is a view with its strides swapped (chapter 2), and matrix multiplication reads
either order. What one gains is a rule without exceptions: **output first**, everything that feeds it after.
A convolution's weight is (out, in, height, width), and for every layer

- `weight.shape[0]` is how many outputs there are,
- `weight[j]` is everything output $j$ listens with,
- `weight[0].numel()` is how many numbers are added up for one output: the *fan-in* that section 7.3 lives on.

Chapters 1 to 4 had `w` as (in, out), because there we multiplied in the order we read. Both are right; mixing them
is not.
"""

# %% [markdown]
r"""
**Printing is the first debugger.** `repr` of a module walks the tree too: a line per node, with what the node says
about itself in brackets. What it says comes from a method of its own, `extra_repr()`, which returns a string.
Overriding `__repr__` instead would silence every child below.

**And where no bias is wanted**, the name still exists: `self.register_parameter("bias", None)`. So `layer.bias` is
None for everyone who asks, `state_dict` leaves it out, and a bias could still be registered under that name later.
"""

# %% [markdown]
r"""
### Exercise 7.2 · `linear`
*difficulty 2 of 3 · 20 minutes · about 14 lines*

Write the class `Linear(in_features, out_features, bias=True)`, an `nn.Module` that can stand in for `nn.Linear`:

- attributes `in_features` and `out_features`;
- parameters `weight` (out, in) and `bias` (out,), every entry of both drawn from the uniform law on
  $(-1/\sqrt{\text{in}},\, 1/\sqrt{\text{in}})$, afresh for each layer;
- with `bias=False` the name `bias` is registered as a parameter that is None;
- `forward(x)`: `x` is (…, in), any number of axes before the last, none too → (…, out), $x W^\top + b$;
- its `state_dict` loads into `nn.Linear`, and the other way round;
- it prints like `nn.Linear`: `Linear(in_features=4, out_features=3, bias=True)`, through `extra_repr`.

*Not allowed: `nn.Linear`, `F.linear`.*
"""

# %% nbgrader={"grade": false, "grade_id": "linear", "locked": false, "schema_version": 3, "solution": true, "task": false}
class Linear(nn.Module):
    """(..., in_features) -> (..., out_features), with weight (out, in) and bias (out,)"""

    def __init__(self, in_features, out_features, bias=True):
        # about 9 lines
        ### BEGIN SOLUTION
        super().__init__()  # first of all: without it there is no place to register anything
        self.in_features, self.out_features = in_features, out_features
        bound = 1 / math.sqrt(in_features)
        self.weight = nn.Parameter(torch.empty(out_features, in_features).uniform_(-bound, bound))
        if bias:
            self.bias = nn.Parameter(torch.empty(out_features).uniform_(-bound, bound))
        else:
            self.register_parameter("bias", None)  # the name exists, there is just nothing under it
        ### END SOLUTION

    def forward(self, x):
        # about 2 lines
        ### BEGIN SOLUTION
        out = x @ self.weight.T  # (..., in) @ (in, out): every axis before the last is batch
        return out if self.bias is None else out + self.bias
        ### END SOLUTION

    def extra_repr(self):
        # about 2 lines
        ### BEGIN SOLUTION
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"
        ### END SOLUTION

# %%
hint("linear")

# %% nbgrader={"grade": true, "grade_id": "linear__forward", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("linear__forward")
def _():
    def filled(weight, bias):
        layer = Linear(weight.shape[1], weight.shape[0], bias=bias is not None).to(weight.dtype)
        with torch.no_grad():
            layer.weight.copy_(weight)
            if bias is not None:
                layer.bias.copy_(bias)
        return layer

    w, b = torch.tensor([[1.0, 2.0], [0.0, -1.0], [3.0, 1.0]]), torch.tensor([10.0, 20.0, 30.0])
    x = torch.tensor([[1.0, 1.0], [2.0, 0.0]])
    check.close(
        "two inputs, three outputs, worked out by hand: 1·1 + 2·1 + 10 = 13",
        lambda: filled(w, b)(x),
        expected=torch.tensor([[13.0, 19.0, 34.0], [12.0, 20.0, 36.0]]),
        advice="print(x.shape, layer.weight.shape): row j of the weight makes output j",
    )
    check.close("without a bias: the products alone", lambda: filled(w, None)(x), expected=torch.tensor([[3.0, -1.0, 4.0], [2.0, 0.0, 6.0]]))
    check.close(
        "an input of three axes: only the last one is multiplied",
        lambda: filled(w, b)(x.reshape(2, 1, 2)),
        expected=torch.tensor([[[13.0, 19.0, 34.0]], [[12.0, 20.0, 36.0]]]),
        advice="x @ w.T takes any number of axes before the last two; mm and addmm do not",
    )
    ### BEGIN HIDDEN TESTS
    w, b = check.tensor(21, 4, 3, dtype="float64"), check.tensor(22, 4, dtype="float64")
    deep, alone = check.tensor(23, 2, 5, 3, dtype="float64", strided=True), check.tensor(24, 3, dtype="float64")
    check.close("four batch axes or none, in float64", lambda: [filled(w, b)(deep), filled(w, b)(alone), filled(w, b)(deep[None, :1])], expected=lambda: [F.linear(deep, w, b), F.linear(alone, w, b), F.linear(deep[None, :1], w, b)])
    check.close("no bias, no batch axis", lambda: filled(w, None)(alone), expected=lambda: F.linear(alone, w))
    check.unchanged("what goes into the layer is left alone", lambda: filled(w, b)(deep), deep)
    square, row = check.tensor(25, 3, 3), check.tensor(26, 1, 3)
    check.close("a square weight is not turned around, in float32, batch of one", lambda: filled(square, None)(row), expected=lambda: F.linear(row, square))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "linear__gradient", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("linear__gradient")
def _():
    def gradients(w, b, x, upstream, times=1):
        layer = Linear(w.shape[1], w.shape[0]).to(w.dtype)
        with torch.no_grad():
            layer.weight.copy_(w)
            layer.bias.copy_(b)
        leaf = x.detach().clone().requires_grad_()
        for _ in range(times):
            layer(leaf).backward(upstream)
        return [layer.weight.grad, layer.bias.grad, leaf.grad]

    w, b = torch.tensor([[1.0, 2.0], [0.0, -1.0], [3.0, 1.0]]), torch.zeros(3)
    x, upstream = torch.tensor([[1.0, 1.0], [2.0, 0.0]]), torch.tensor([[1.0, 0.0, 2.0], [0.0, 3.0, -1.0]])
    check.close(
        "a backward pass reaches weight, bias and input",
        lambda: gradients(w, b, x, upstream),
        expected=[
            torch.tensor([[1.0, 1.0], [6.0, 0.0], [0.0, 2.0]]), torch.tensor([1.0, 3.0, 1.0]),
            torch.tensor([[7.0, 4.0], [-3.0, -4.0]]),
        ],
        advice="None means the graph is cut: no .data and no .detach() in forward",
    )
    ### BEGIN HIDDEN TESTS
    w, b, x, upstream = (check.tensor(31 + i, *s, dtype="float64") for i, s in enumerate([(4, 3), (4,), (2, 5, 3), (2, 5, 4)]))

    def expected():
        leaves = [t.detach().clone().requires_grad_() for t in (w, b, x)]
        return [2 * g for g in torch.autograd.grad(F.linear(leaves[2], *leaves[:2]), leaves, upstream)]

    check.close("two backward passes add up, with three axes in float64", lambda: gradients(w, b, x, upstream, 2), expected=lambda: expected())

    def trained():
        layer = Linear(2, 3)
        with torch.no_grad():
            layer.weight.copy_(torch.ones(3, 2))
            layer.bias.copy_(torch.zeros(3))
        optimizer = torch.optim.SGD(layer.parameters(), lr=0.5)
        layer(torch.tensor([[1.0, -2.0]])).sum().backward()
        optimizer.step()
        return [layer.weight, layer.bias, layer(torch.tensor([[2.0, 1.0]]))]

    check.close("an optimizer moves both, and the next forward pass uses what it moved", lambda: trained(), expected=lambda: [torch.tensor([[0.5, 2.0]]).expand(3, 2), torch.full((3,), -0.5), torch.full((1, 3), 2.5)])
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "linear__state", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("linear__state")
def _():
    def owned(layer):
        return sorted([name, list(p.shape), str(p.dtype), isinstance(p, nn.Parameter) and p.requires_grad] for name, p in layer.named_parameters())

    check.equal(
        "it owns weight (out, in) and bias (out,), both parameters",
        lambda: owned(Linear(4, 3)),
        expected=[["bias", [3], "torch.float32", True], ["weight", [3, 4], "torch.float32", True]],
        advice="an attribute that is a plain tensor is not registered: wrap it in nn.Parameter",
    )
    check.equal(
        "it remembers its two sizes, and without a bias the name is registered as None",
        lambda: [Linear(4, 3).in_features, Linear(4, 3).out_features, owned(Linear(4, 3, bias=False)),
                 Linear(4, 3, False).bias is None, "bias" in Linear(4, 3, False)._parameters],
        expected=[4, 3, [["weight", [3, 4], "torch.float32", True]], True, True],
        advice="register_parameter takes a name and a parameter, or None",
    )

    def from_torch(bias):
        theirs, own = nn.Linear(4, 3, bias=bias), Linear(4, 3, bias=bias)
        with torch.no_grad():
            theirs.weight.copy_(torch.arange(12.0).reshape(3, 4))
        own.load_state_dict({name: t.clone() * 0 + 1 if name == "bias" else t for name, t in theirs.state_dict().items()})
        return own(torch.tensor([[1.0, 0.0, 0.0, 2.0]]))

    check.close("it loads the state_dict of nn.Linear", lambda: [from_torch(True), from_torch(False)], expected=[torch.tensor([[7.0, 19.0, 31.0]]), torch.tensor([[6.0, 18.0, 30.0]])])
    ### BEGIN HIDDEN TESTS
    x = check.tensor(41, 6, 5)

    def into_torch(bias):
        own, theirs = Linear(5, 2, bias), nn.Linear(5, 2, bias)
        theirs.load_state_dict(own.state_dict())
        return float((own(x) - theirs(x)).detach().abs().max()) < 1e-5

    check.equal("nn.Linear loads its state_dict and then computes the same", lambda: [into_torch(True), into_torch(False)], expected=[True, True])

    def twins():
        one = Linear(5, 2)
        two = copy.deepcopy(one)
        with torch.no_grad():
            two.weight.add_(1.0)
            two.bias.sub_(2.0)
        return [two.weight - one.weight, two(x) - one(x)]

    check.close("a deep copy is a layer of its own", lambda: twins(), expected=lambda: [torch.ones(2, 5), (x.sum(1) - 2)[:, None].expand(6, 2)], rtol=1e-4, atol=1e-5)
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "linear__init", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("linear__init")
def _():
    check.that(
        "the 20,000 weights of Linear(50, 400) are uniform between -1/√50 and 1/√50",
        lambda: Linear(50, 400).weight,
        judge=lambda w: judges.uniform(w, 1 / math.sqrt(50)),
        advice="torch.rand gives numbers from 0 to 1: where is your law centred, and where does it end?",
    )
    check.that(
        "the 6,000 biases of Linear(16, 6000) are uniform between -1/4 and 1/4",
        lambda: Linear(16, 6000).bias,
        judge=lambda b: judges.uniform(b, 1 / 4),
        advice="the bias has the bound of the weights: it depends on in_features alone",
    )
    check.equal(
        "two layers of the same size begin with different weights",
        lambda: bool((Linear(5, 4).weight != Linear(5, 4).weight).any()),
        expected=True,
    )
    ### BEGIN HIDDEN TESTS
    check.that("the weights of a layer with more inputs than outputs", lambda: Linear(500, 20).weight, judge=lambda w: judges.uniform(w, 1 / math.sqrt(500)))
    check.that("the weights without a bias", lambda: Linear(9, 900, bias=False).weight, judge=lambda w: judges.uniform(w, 1 / 3))
    check.equal("the biases are drawn afresh as well", lambda: bool((Linear(5, 4).bias != Linear(5, 4).bias).any()), expected=True)
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "linear__repr", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("linear__repr")
def _():
    check.equal(
        "extra_repr says in_features, out_features, bias, as nn.Linear's does",
        lambda: [Linear(784, 128).extra_repr(), Linear(3, 2, bias=False).extra_repr()],
        expected=["in_features=784, out_features=128, bias=True", "in_features=3, out_features=2, bias=False"],
        advice="print(nn.Linear(3, 2, bias=False)) and compare letter by letter",
    )
    check.equal(
        "printed alone and inside a model, it reads like nn.Linear",
        lambda: [repr(Linear(4, 3)).partition("(")[2], repr(nn.Sequential(Linear(4, 3, bias=False))).count("(in_features=4, out_features=3, bias=False)")],
        expected=["in_features=4, out_features=3, bias=True)", 1],
    )
    ### BEGIN HIDDEN TESTS
    check.equal("a layer of one input and one output prints as well", lambda: repr(Linear(1, 1)).partition("(")[2], expected="in_features=1, out_features=1, bias=True)")
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**Your layer, looked at.** Below are the weights of a fresh `Linear(12, 4)` of yours: four rows, because there are
four outputs. Cover a row with your finger, and you have removed one unit.
"""

# %% tags=["picture"]
torch.manual_seed(1)
mine = Linear(12, 4)
plot.heatmap(
    mine.weight, f"weight of your {mine}", xlabel="input i", ylabel="output j", yticks=range(4),
    alt="The weight of your Linear(12, 4) as four rows of twelve coloured cells, one row for each output; the entries are "
    f"of mixed sign and lie between {float(mine.weight.detach().min()):.2f} and {float(mine.weight.detach().max()):.2f}",
)

# %% [markdown]
r"""
**And put to work.** The running example again, 64 × 1000 through 100 hidden values to 10 outputs, twice from the same
weights: once built from `nn.Linear`, once from your `Linear` and your `ReLU`. If your layer is right, there is one
curve to see.
"""

# %% tags=["picture"]
def learn(model, steps=60, lr=0.1):
    optimizer, losses = torch.optim.SGD(model.parameters(), lr=lr), []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses


theirs = nn.Sequential(nn.Linear(1000, 100), nn.ReLU(), nn.Linear(100, 10))
yours = nn.Sequential(Linear(1000, 100), ReLU(), Linear(100, 10))
yours.load_state_dict(theirs.state_dict())
curves = {"nn.Linear": learn(theirs), "your Linear": learn(yours)}
gap = max(abs(a - b) for a, b in zip(*curves.values()))
plot.curves(
    curves, ylabel="mean squared error",
    alt=f"Two loss curves from the same weights, nn.Linear's and yours: they end at {curves['nn.Linear'][-1]:.4f} and "
    f"{curves['your Linear'][-1]:.4f} and are never more than {gap:.1g} apart",
)

# %% [markdown]
r"""
## 7.3 How large is a fresh weight?

All zeros cannot be right: every unit would compute the same thing, and go on doing so. So we draw. From which law?
Its mean should be 0, for there is no reason to prefer a sign. What is left to choose is its **spread**, and that
choice decides whether a deep network learns at all.

Before any formula, look. Ten layers of 256 units with tanh, normal weights, and three choices of their standard
deviation. Guess first: what will the tenth layer's outputs look like in each row?
"""

# %% tags=["picture"]
def ten_layers(fill, bend, width=256, depth=10):
    """Push one batch through `depth` fresh layers; return the outputs of each."""
    torch.manual_seed(3)
    values, outputs = torch.randn(200, width), []
    for _ in range(depth):
        weight = torch.zeros(width, width)
        fill(weight)
        values = bend(values @ weight.T)
        outputs.append(values)
    return outputs


def rows_of_histograms(rows, alt, limit):
    with plot.figure(alt, rows=len(rows), columns=10, height=1.25 * len(rows)) as axes:
        for at, (name, outputs) in enumerate(rows.items()):
            for layer, values in enumerate(outputs):
                ax = axes[10 * at + layer]
                ax.hist(values.flatten().clamp(-limit, limit).tolist(), bins=25, range=(-limit, limit), color=plot.PALETTE[at])
                ax.set_title(f"{'layer ' if layer == 0 else ''}{layer + 1}\nstd {float(values.std()):.1g}", fontsize=7)
                ax.set_xticks([])
                ax.set_yticks([])
            axes[10 * at].set_ylabel(name, fontsize=8)

# %% tags=["picture"]
rows = {f"std {std:g}": ten_layers(lambda w, s=std: w.normal_(0, s), torch.tanh) for std in (0.01, 0.06, 1.0)}
ends = ", ".join(f"{float(outputs[-1].std()):.1g} with {name}" for name, outputs in rows.items())
rows_of_histograms(
    rows, limit=1,
    alt="Histograms of the outputs of ten tanh layers for three sizes of weight: too small, and from layer to layer they shrink "
    f"to a spike at 0; too large, and they pile up at -1 and 1; in between they keep their shape. Spread in layer ten: {ends}",
)

# %% [markdown]
r"""
Above, the signal dies: after ten layers all inputs look alike, and so do all gradients. Below, everything sits at the
two ends of tanh, where its slope is 0: again no gradient. Only the middle row has anything to learn from.

Where does 0.06 come from? Not from trying.
"""

# %% [markdown]
r"""
**Forward.** Take one output of a layer, $y = \sum_{i=1}^{n_\text{in}} w_i x_i$. Let the weights be independent of each
other and of the inputs, with mean 0 and variance $\sigma^2$. A product $w_i x_i$ has mean 0, so its variance is the
mean of its square, and that splits: $\mathbb E[w_i^2 x_i^2] = \sigma^2\,\mathbb E[x_i^2]$. Two different products are
uncorrelated, $\mathbb E[w_i x_i w_j x_j] = \mathbb E[w_i]\,\mathbb E[w_j]\,\mathbb E[x_i x_j] = 0$, so variances add:

$$\operatorname{Var}(y) \;=\; n_\text{in}\,\sigma^2\;\mathbb E[x^2]$$

Each layer multiplies the signal's power by $n_\text{in}\sigma^2$. Ten layers do it ten times. The only factor that
survives that is 1:  $\;\sigma^2 = 1/n_\text{in}$. For 256 inputs that is $\sigma = 1/16 \approx 0.06$.
"""

# %% [markdown]
r"""
**Backward** the same sum runs the other way. An input feeds all $n_\text{out}$ outputs and collects their gradients,
$\partial L/\partial x_i = \sum_{j=1}^{n_\text{out}} w_{ji}\,g_j$, and by the same three lines

$$\operatorname{Var}\!\left(\frac{\partial L}{\partial x}\right) \;=\; n_\text{out}\,\sigma^2\;\mathbb E[g^2]$$

For the gradients to keep their size we would want $\sigma^2 = 1/n_\text{out}$. Unless a layer is square, the two wishes
contradict each other. Glorot and Bengio (2010) met in the middle, and Xavier Glorot's first name stuck to it:

$$\sigma^2 = \frac{2}{n_\text{in} + n_\text{out}}$$
"""

# %% [markdown]
r"""
**Two laws, one variance.** The normal law has its $\sigma$ as a parameter. The uniform law on $(-b, b)$ has

$$\operatorname{Var} = \frac1{2b}\int_{-b}^{b} t^2\,dt = \frac{b^2}{3}, \qquad\text{so}\qquad
b = \sqrt3\,\sigma = \sqrt{\frac{6}{n_\text{in}+n_\text{out}}}$$

The **bound** of a uniform law is not its standard deviation: it is $\sqrt3$ times that. It is the most frequent slip in
this exercise.

An activation that shrinks what passes it can be made up for by a factor on $\sigma$, the **gain**: 1 for tanh near 0, a
little more (5/3 is customary) to work against its bending.
"""

# %% [markdown]
r"""
**Fans of a convolution.** One output of a convolution adds up `in` channels times all positions of its kernel; one input
feeds `out` channels at all those positions. So for a weight (out, in, $k_1$, $k_2$, …)

$$\text{fan}_\text{in} = \text{in}\cdot k_1 k_2\cdots \qquad \text{fan}_\text{out} = \text{out}\cdot k_1 k_2\cdots$$

and for a matrix the product of no kernel sizes is 1. A bias has no fans at all: one axis is an error.
"""

# %% [markdown]
r"""
### Exercise 7.3 · `xavier_init`
*difficulty 2 of 3 · 15 minutes · about 9 lines*

Write `xavier_uniform_(tensor, gain=1.0)` and `xavier_normal_(tensor, gain=1.0)`. The tensor is (out, in) or
(out, in, k…), float32 or float64, perhaps a parameter, perhaps not contiguous. Fill it **in place**, every entry drawn
afresh, and **return it**:

- uniform on $(-b, b)$ with $b = \text{gain}\cdot\sqrt{6/(\text{fan}_\text{in}+\text{fan}_\text{out})}$;
- normal with mean 0 and standard deviation $\text{gain}\cdot\sqrt{2/(\text{fan}_\text{in}+\text{fan}_\text{out})}$.

`requires_grad` stays as it was, drawing leaves no trace in any graph, and the global grad mode is as before. Raise
`ValueError` for fewer than two axes. Helpers of your own may stand in the same cell.

*Not allowed: `nn.init`.*
"""

# %% nbgrader={"grade": false, "grade_id": "xavier_init", "locked": false, "schema_version": 3, "solution": true, "task": false}
def xavier_uniform_(tensor, gain=1.0):
    """fill (out, in, k...) in place from the uniform law of Glorot; return it"""
    # about 3 lines, and a helper for the fans
    ### BEGIN SOLUTION
    bound = math.sqrt(3) * gain * glorot_std(tensor)  # a uniform law's bound is √3 of its standard deviation
    with torch.no_grad():  # a parameter is a leaf: autograd must not see the drawing
        return tensor.uniform_(-bound, bound)
    ### END SOLUTION


def xavier_normal_(tensor, gain=1.0):
    """fill (out, in, k...) in place from the normal law of Glorot; return it"""
    # about 2 lines
    ### BEGIN SOLUTION
    with torch.no_grad():
        return tensor.normal_(0, gain * glorot_std(tensor))


def glorot_std(tensor):
    if tensor.ndim < 2:
        raise ValueError(f"a tensor of shape {tuple(tensor.shape)} has no fans: it needs two axes or more")
    positions = tensor[0, 0].numel()  # 1 for a matrix, k1·k2·… for a convolution
    return math.sqrt(2 / ((tensor.shape[0] + tensor.shape[1]) * positions))
    ### END SOLUTION

# %%
hint("xavier_init")

# %% [markdown]
r"""
How does one check a random number? By many of them. The checks below draw some ten thousand, and ask three things of
them: do they spread as far as they should, does any lie outside, and have they the right *shape*: the largest gap
between the share of draws below each point and what the law says (Kolmogorov and Smirnov's distance). A right
solution is refused less than once in ten thousand runs; a factor of 1.05 is caught.
"""

# %% nbgrader={"grade": true, "grade_id": "xavier_init__uniform", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("xavier_init__uniform")
def _():
    check.that(
        "a (120, 100) weight is uniform between -√(6/220) and √(6/220)",
        lambda: xavier_uniform_(torch.zeros(120, 100)),
        judge=lambda w: judges.uniform(w, math.sqrt(6 / 220)),
        advice="print the largest entry: it should come close to 0.165 and never pass it",
    )
    check.that(
        "a gain of 3 makes the uniform law three times as wide",
        lambda: xavier_uniform_(torch.zeros(60, 240), gain=3.0),
        judge=lambda w: judges.uniform(w, 3 * math.sqrt(6 / 300)),
        advice="the gain multiplies the bound, outside the root",
    )
    ### BEGIN HIDDEN TESTS
    check.that("the uniform law of a convolution counts its kernel", lambda: xavier_uniform_(torch.zeros(24, 16, 5, 6)), judge=lambda w: judges.uniform(w, math.sqrt(6 / (40 * 30))))
    check.that("the uniform law of a convolution over one axis, with a gain, in float64", lambda: xavier_uniform_(torch.zeros(70, 40, 4, dtype=torch.float64), 0.5), judge=lambda w: judges.uniform(w, 0.5 * math.sqrt(6 / (110 * 4))))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "xavier_init__normal", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("xavier_init__normal")
def _():
    check.that(
        "a (120, 100) weight is normal with standard deviation √(2/220)",
        lambda: xavier_normal_(torch.zeros(120, 100)),
        judge=lambda w: judges.normal(w, math.sqrt(2 / 220)),
        advice="print(tensor.std()): it should be near 0.095",
    )
    check.that(
        "a gain of 3 makes the standard deviation three times as large",
        lambda: xavier_normal_(torch.zeros(60, 240), gain=3.0),
        judge=lambda w: judges.normal(w, 3 * math.sqrt(2 / 300)),
        advice="the gain multiplies the standard deviation, outside the root",
    )
    ### BEGIN HIDDEN TESTS
    check.that("the normal law of a convolution counts its kernel", lambda: xavier_normal_(torch.zeros(24, 16, 5, 6)), judge=lambda w: judges.normal(w, math.sqrt(2 / (40 * 30))))
    check.that("the normal law of a convolution over one axis, with a gain, in float64", lambda: xavier_normal_(torch.zeros(70, 40, 4, dtype=torch.float64), 0.5), judge=lambda w: judges.normal(w, 0.5 * math.sqrt(2 / (110 * 4))))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "xavier_init__care", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("xavier_init__care")
def _():
    def in_place(fill):
        plain, parameter = torch.zeros(3, 4), nn.Parameter(torch.zeros(3, 4))
        other_name = parameter.detach()  # the same storage under another name
        back = [fill(plain) is plain, fill(parameter) is parameter]
        filled = [bool((t != 0).all()) for t in (plain, other_name, parameter.detach())]
        return [*back, *filled, plain.requires_grad, parameter.requires_grad, parameter.is_leaf]

    check.equal(
        "the tensor itself is filled and returned, plain or a parameter, and requires_grad stays",
        lambda: [in_place(xavier_uniform_), in_place(xavier_normal_)],
        expected=[[True] * 5 + [False, True, True]] * 2,
        advice="an in-place method on a leaf that requires grad wants torch.no_grad() around it",
    )
    check.raises("the uniform law refuses one axis", lambda: xavier_uniform_(torch.zeros(5)), ValueError)
    check.raises("the normal law refuses one axis", lambda: xavier_normal_(torch.zeros(5)), ValueError)
    ### BEGIN HIDDEN TESTS
    def around(fill):
        base = torch.full((6, 8), 7.0, dtype=torch.float64)
        every_other = base.T[::2]  # (4, 6), not contiguous
        fill(every_other)
        twice = [fill(torch.zeros(4, 4)).tolist() for _ in range(2)]
        with torch.no_grad():
            fill(nn.Parameter(torch.ones(2, 2)))
            off = torch.is_grad_enabled()
        return [bool((every_other != 7).all()), bool((base.T[1::2] == 7).all()), str(every_other.dtype), twice[0] != twice[1], off, torch.is_grad_enabled()]

    check.equal("a view is filled and nothing beside it, afresh each time, and the grad mode is as before", lambda: [around(xavier_uniform_), around(xavier_normal_)], expected=[[True, True, "torch.float64", True, False, True]] * 2)

    def mode_after_refusal(fill):
        try:
            fill(torch.tensor(1.0))
        except ValueError:
            return torch.is_grad_enabled()

    check.equal("no axis at all is refused too, with the grad mode left on", lambda: [mode_after_refusal(xavier_uniform_), mode_after_refusal(xavier_normal_)], expected=[True, True])

    def gradient_kept(fill):
        parameter = nn.Parameter(torch.ones(2, 3))
        (5 * parameter).sum().backward()
        fill(parameter)
        return [parameter.grad, (parameter * 2).sum().requires_grad]

    check.close("a gradient that was there stays, and the parameter can be trained", lambda: [gradient_kept(xavier_uniform_), gradient_kept(xavier_normal_)], expected=lambda: [[torch.full((2, 3), 5.0), True]] * 2)
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**Your two laws, side by side.** Same standard deviation, different shapes; the dashed lines are the bound of the uniform
one. Whether a network is started from one or the other hardly matters. The variance does.
"""

# %% tags=["picture"]
torch.manual_seed(5)
drawn = {"xavier_uniform_": torch.zeros(200, 300), "xavier_normal_": torch.zeros(200, 300)}
xavier_uniform_(drawn["xavier_uniform_"])
xavier_normal_(drawn["xavier_normal_"])
spread = {name: float(values.std()) for name, values in drawn.items()}
bound = math.sqrt(6 / 500)
with plot.figure(
    "Histograms of 60,000 draws from each of your two laws for a (200, 300) weight. Standard deviations "
    + " and ".join(f"{value:.4f} ({name})" for name, value in spread.items()) + f"; √(2/500) is {math.sqrt(2 / 500):.4f}. "
    f"Dashed lines mark the uniform law's bound, {bound:.4f}", columns=2, height=2.4,
) as axes:
    for ax, (name, values) in zip(axes, drawn.items()):
        ax.hist(values.flatten().tolist(), bins=60, range=(-0.3, 0.3), color=plot.PALETTE[0])
        ax.set_title(f"your {name}: std {spread[name]:.4f}")
        ax.set_yticks([])
        for edge in (-bound, bound):
            ax.axvline(edge, color=plot.PALETTE[1], linestyle="--")

# %% [markdown]
r"""
**And the ten layers again**, the middle row now from your own function, with gain 1 and with the customary 5/3.
"""

# %% tags=["picture"]
rows = {
    "0.01 · randn": ten_layers(lambda w: w.normal_(0, 0.01), torch.tanh),
    "your Xavier": ten_layers(xavier_normal_, torch.tanh),
    "gain 5/3": ten_layers(lambda w: xavier_normal_(w, gain=5 / 3), torch.tanh),
    "1 · randn": ten_layers(lambda w: w.normal_(0, 1), torch.tanh),
}
rows_of_histograms(
    rows, limit=1,
    alt="Histograms of ten tanh layers for four starts. Spread of the tenth layer: "
    + ", ".join(f"{float(outputs[-1].std()):.1g} for {name}" for name, outputs in rows.items())
    + ". Your Xavier shrinks slowly, with gain 5/3 it keeps its width; the other two are lost",
)

# %% [markdown]
r"""
## 7.4 What the ReLU takes away

Read the forward line of the derivation again: $\operatorname{Var}(y) = n\,\sigma^2\,\mathbb E[x^2]$. It says
$\mathbb E[x^2]$, not $\operatorname{Var}(x)$, and for the output of a ReLU those are different: its mean is not 0.

Let $y$ be the previous layer's output, spread evenly about 0. The ReLU keeps the positive half as it is and replaces the
other half by 0, so the mean of the square is exactly halved:

$$x = \max(y, 0) \quad\Longrightarrow\quad \mathbb E[x^2] = \tfrac12\,\mathbb E[y^2] = \tfrac12 \operatorname{Var}(y)$$
"""

# %% [markdown]
r"""
Each layer now multiplies the power by $\tfrac12 n\sigma^2$. With $\sigma^2 = 1/n$ that is $\tfrac12$ a layer: after ten
layers a thousandth is left. He, Zhang, Ren and Sun (2015; the function is named after Kaiming He) pay it back:

$$\tfrac12\,n\,\sigma^2 = 1 \quad\Longrightarrow\quad \sigma^2 = \frac2n$$

A *leaky* ReLU lets a share $a$ of each negative value pass. The lower half then contributes $a^2$ of its power:
$\mathbb E[x^2] = \tfrac12(1 + a^2)\operatorname{Var}(y)$, and so

$$\sigma = \frac{\text{gain}}{\sqrt n}, \qquad \text{gain} = \sqrt{\frac{2}{1 + a^2}}, \qquad b = \sqrt3\,\sigma$$

No compromise this time: you choose whether $n$ is the fan-in (activations keep their size) or the fan-out (gradients do).
For a whole network the two choices differ by one constant factor, so either is fine.
"""

# %% [markdown]
r"""
### Exercise 7.4 · `kaiming_init`
*difficulty 2 of 3 · 15 minutes · about 11 lines*

Write `kaiming_uniform_(tensor, a=0.0, mode="fan_in")` and `kaiming_normal_(tensor, a=0.0, mode="fan_in")`. With
gain $= \sqrt{2/(1+a^2)}$ and std $= \text{gain}/\sqrt{\text{fan}}$, draw from the uniform law with bound
$\sqrt3\cdot$ std, or from the normal law with mean 0 and that standard deviation.

`mode` is `"fan_in"` or `"fan_out"` and says which fan is meant; anything else raises `ValueError`. The rest is as in 7.3:
(out, in) and (out, in, k…), in place, the tensor returned, afresh each time, `requires_grad` and grad mode as they
were, `ValueError` for fewer than two axes.

*Not allowed: `nn.init`.*
"""

# %% nbgrader={"grade": false, "grade_id": "kaiming_init", "locked": false, "schema_version": 3, "solution": true, "task": false}
def kaiming_uniform_(tensor, a=0.0, mode="fan_in"):
    """fill (out, in, k...) in place from the uniform law of He; return it"""
    # about 3 lines, and a helper for the standard deviation
    ### BEGIN SOLUTION
    bound = math.sqrt(3) * he_std(tensor, a, mode)
    with torch.no_grad():
        return tensor.uniform_(-bound, bound)
    ### END SOLUTION


def kaiming_normal_(tensor, a=0.0, mode="fan_in"):
    """fill (out, in, k...) in place from the normal law of He; return it"""
    # about 2 lines
    ### BEGIN SOLUTION
    with torch.no_grad():
        return tensor.normal_(0, he_std(tensor, a, mode))


def he_std(tensor, a, mode):
    if tensor.ndim < 2:
        raise ValueError(f"a tensor of shape {tuple(tensor.shape)} has no fans: it needs two axes or more")
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f'mode is "fan_in" or "fan_out", not {mode!r}')
    # weight[0] is all that one output adds up; weight[:, 0] is all that one input feeds
    fan = tensor[0].numel() if mode == "fan_in" else tensor[:, 0].numel()
    return math.sqrt(2 / (1 + a**2) / fan)
    ### END SOLUTION

# %%
hint("kaiming_init")

# %% nbgrader={"grade": true, "grade_id": "kaiming_init__uniform", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("kaiming_init__uniform")
def _():
    check.that(
        "a (60, 200) weight is uniform between -√(6/200) and √(6/200)",
        lambda: kaiming_uniform_(torch.zeros(60, 200)),
        judge=lambda w: judges.uniform(w, math.sqrt(6 / 200)),
        advice="200 inputs are added up: std is √(2/200) = 0.1, and the bound √3 times that",
    )
    check.that(
        "with mode fan_out the uniform law counts the 60 outputs",
        lambda: kaiming_uniform_(torch.zeros(60, 200), mode="fan_out"),
        judge=lambda w: judges.uniform(w, math.sqrt(6 / 60)),
        advice="a weight is (out, in): which of the two is shape[0]?",
    )
    ### BEGIN HIDDEN TESTS
    check.that("the leak a narrows the uniform law, here to nn.Linear's own 1/√in", lambda: kaiming_uniform_(torch.zeros(90, 144), a=math.sqrt(5)), judge=lambda w: judges.uniform(w, 1 / 12))
    check.that("a convolution's uniform law with fan_out and a leak, in float64", lambda: kaiming_uniform_(torch.zeros(40, 12, 5, 6, dtype=torch.float64), 0.7, "fan_out"), judge=lambda w: judges.uniform(w, math.sqrt(6 / (1 + 0.7**2) / (40 * 30))))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "kaiming_init__normal", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("kaiming_init__normal")
def _():
    check.that(
        "a (60, 200) weight is normal with standard deviation √(2/200) = 0.1",
        lambda: kaiming_normal_(torch.zeros(60, 200)),
        judge=lambda w: judges.normal(w, 0.1),
        advice="print(tensor.std()); 0.07 means that the 2 of the ReLU is missing",
    )
    check.that(
        "with mode fan_out the standard deviation is √(2/60)",
        lambda: kaiming_normal_(torch.zeros(60, 200), mode="fan_out"),
        judge=lambda w: judges.normal(w, math.sqrt(2 / 60)),
    )
    check.that(
        "with a leak of a = 1 nothing is lost, and the standard deviation is 1/√200",
        lambda: kaiming_normal_(torch.zeros(60, 200), a=1.0),
        judge=lambda w: judges.normal(w, 1 / math.sqrt(200)),
        advice="gain = √(2/(1 + a²)): the a is squared, and under the root",
    )
    ### BEGIN HIDDEN TESTS
    check.that("a convolution's normal law with fan_in and a leak", lambda: kaiming_normal_(torch.zeros(24, 16, 5, 6), a=2.0), judge=lambda w: judges.normal(w, math.sqrt(2 / 5 / (16 * 30))))
    check.that("a convolution's normal law over one axis with fan_out, in float64", lambda: kaiming_normal_(torch.zeros(70, 40, 4, dtype=torch.float64), 0.0, "fan_out"), judge=lambda w: judges.normal(w, math.sqrt(2 / (70 * 4))))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "kaiming_init__care", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("kaiming_init__care")
def _():
    def in_place(fill):
        plain, parameter = torch.zeros(3, 4), nn.Parameter(torch.zeros(3, 4))
        other_name = parameter.detach()  # the same storage under another name
        back = [fill(plain) is plain, fill(parameter) is parameter]
        filled = [bool((t != 0).all()) for t in (plain, other_name, parameter.detach())]
        return [*back, *filled, plain.requires_grad, parameter.requires_grad, parameter.is_leaf]

    check.equal(
        "the very tensor is filled and handed back, and requires_grad is what it was",
        lambda: [in_place(kaiming_uniform_), in_place(kaiming_normal_)],
        expected=[[True] * 5 + [False, True, True]] * 2,
        advice="fill the tensor you were given, inside torch.no_grad(), and return it",
    )
    check.raises("He's uniform law refuses an unknown mode", lambda: kaiming_uniform_(torch.zeros(2, 3), mode="fan_avg"), ValueError)
    check.raises("He's normal law refuses an unknown mode", lambda: kaiming_normal_(torch.zeros(2, 3), mode="in"), ValueError)
    check.raises("He's uniform law refuses one axis", lambda: kaiming_uniform_(torch.zeros(5)), ValueError)
    ### BEGIN HIDDEN TESTS
    check.raises("He's normal law refuses one axis, whatever the mode", lambda: kaiming_normal_(torch.zeros(5), mode="fan_out"), ValueError)

    def around(fill):
        base = torch.full((6, 8), 7.0, dtype=torch.float64)
        every_other = base.T[::2]  # (4, 6), not contiguous
        fill(every_other, mode="fan_out")
        twice = [fill(torch.zeros(4, 4)).tolist() for _ in range(2)]
        with torch.no_grad():
            fill(nn.Parameter(torch.ones(2, 2)))
            off = torch.is_grad_enabled()
        return [bool((every_other != 7).all()), bool((base.T[1::2] == 7).all()), str(every_other.dtype), twice[0] != twice[1], off, torch.is_grad_enabled()]

    check.equal("He's laws fill a view and nothing beside it, afresh each time, grad mode as before", lambda: [around(kaiming_uniform_), around(kaiming_normal_)], expected=[[True, True, "torch.float64", True, False, True]] * 2)

    def mode_after_refusal(fill):
        try:
            fill(torch.zeros(2, 2), mode="")
        except ValueError:
            return torch.is_grad_enabled()

    check.equal("after a refused mode the grad mode is still on", lambda: [mode_after_refusal(kaiming_uniform_), mode_after_refusal(kaiming_normal_)], expected=[True, True])
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**Ten layers with a ReLU**, your two ways to start. Look at the numbers above the bars: with Xavier each layer loses a
factor of $\sqrt2$ in spread, with Kaiming it does not. (The spike at 0 is right: half of every layer is switched off.)
"""

# %% tags=["picture"]
starts = {
    "0.01 · randn": lambda w: w.normal_(0, 0.01),
    "your Xavier": lambda w: xavier_normal_(w),
    "your Kaiming": lambda w: kaiming_normal_(w),
}
rows = {name: ten_layers(fill, ReLU()) for name, fill in starts.items()}
rows_of_histograms(
    rows, limit=2,
    alt="Histograms of ten ReLU layers for three starts. Spread of the first and of the tenth layer: "
    + "; ".join(f"{name} {float(outputs[0].std()):.1g} and {float(outputs[-1].std()):.1g}" for name, outputs in rows.items()),
)

# %% [markdown]
r"""
**Deeper.** Sixty layers, and instead of histograms one number a layer, on a logarithmic axis. A straight line that falls
is a factor below 1 that was applied sixty times.
"""

# %% tags=["picture"]
starts["twice your Kaiming"] = lambda w: kaiming_normal_(w).mul_(2)
signal = {name: [float(out.pow(2).mean().sqrt()) for out in ten_layers(fill, ReLU(), 128, 60)] for name, fill in starts.items()}
drawn = {name: [value for value in values if 0 < value < math.inf] for name, values in signal.items()}
plot.curves(
    {name: (range(1, len(values) + 1), values) for name, values in drawn.items()}, xlabel="layer", ylabel="size of the activations",
    log=True,
    alt="Size of the activations in sixty ReLU layers on a logarithmic axis: straight lines. "
    + "; ".join(f"{name} ends at {values[-1]:.1g} in layer {len(values)}" for name, values in drawn.items()),
)

# %% [markdown]
r"""
One footnote to `nn.Linear`. Its source draws the weight by `kaiming_uniform_(weight, a=sqrt(5))`. Put $a^2 = 5$ into
your formulas: gain $= \sqrt{2/6}$, bound $= \sqrt3 \cdot \sqrt{1/3}\,/\sqrt{\text{in}} = 1/\sqrt{\text{in}}$. So the 5 is not about
leaky ReLUs at all. It reproduces the bound that Lua Torch had used for years, and that you wrote into exercise 7.2.
Its variance is a third of $1/n$: for deep ReLU networks, drawing again with Kaiming is worth the one line.
"""
