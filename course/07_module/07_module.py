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
