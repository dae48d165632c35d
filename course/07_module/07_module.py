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

Since chapter 5 you have trusted two letters and a dot: `nn.` In this chapter you take them apart. You write a
ReLU and a linear layer that stand wherever PyTorch's own can stand, you find out *why* a fresh weight is drawn
from just that distribution and no other, and you build a network from your own components, a network that decides
anew at every call how deep it is, and an instrument that looks inside any model without changing it.

The picture below is where we are going. Left the network, right the tensors that training moves. In between,
nothing but names.
"""

# %% tags=["setup"] nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import copy
import itertools
import math
import random
import warnings

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from layer_by_layer import judges
from layer_by_layer.instruments.stand_in import whose, yours_or_ours
from layer_by_layer.parts import modules as parts
from lessonkit import check, plot
from lessonkit.hints import hint

# %% tags=["picture"]
layers = ["0: Linear", "1: ReLU", "2: Linear", "3: ReLU", "4: Linear"]
tree = {"net": "SimpleMLP", "layers": "layers: Sequential", **{name: name for name in layers}}
links = [("net", "layers"), *(("layers", name) for name in layers)]
for name in layers[::2]:
    tree |= {f"{name} w": "weight", f"{name} b": "bias"}
    links += [(name, f"{name} w"), (name, f"{name} b")]
plot.graph(
    tree,
    links,
    mark={name for name in tree if name.endswith((" w", " b"))},
    alt="The network as a tree: SimpleMLP holds layers, a Sequential of five modules; the three "
    "Linear modules hold "
    "a weight and a bias each, six parameters in all, and the two ReLU modules hold nothing",
)

# %% [markdown]
r"""
**What hurt so far.** Through chapters 1 to 4 you carried the weights yourself: made them, passed them on, and kept
a list of them for the update. Since chapter 5 somebody else keeps that list, and you never asked who. Below is the
two-layer network the old way, with one small slip. Read the line `to_train = ...`, then the output.
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

*Needs: chapter 3 (leaf tensors, `.grad`), chapter 5 (`forward`, `state_dict`) and a little probability. Eight
exercises, 111 minutes; with the reading, about three hours. 7.1 to 7.4 and 7.5 to 7.9 make two good evenings.*
"""

# %% [markdown]
r"""
## What do you remember?

Four questions on what came before. Type your prediction in place of `None`, then run the cell. Nobody counts
points here, and nothing is kept. Where a prediction was wrong, go back to the place it names; that is what they are for.
"""

# %%
predicted = None  # chapter 5: how many numbers does nn.Linear(3, 2) train?
print("you said", predicted, "- it is", sum(p.numel() for p in nn.Linear(3, 2).parameters()))

# %%
# chapter 3: c = 2 * a for a leaf tensor a. After (c * c).sum().backward(): is c.grad a tensor
# or None?
predicted = None
a = torch.ones(3, requires_grad=True)
c = 2 * a
(c * c).sum().backward()
with warnings.catch_warnings():  # asking a tensor that is no leaf is worth a warning to PyTorch
    warnings.simplefilter("ignore")
    print("you said", predicted, "- it is", c.grad, "and a.grad is", a.grad)

# %%
# chapter 6: an optimizer is made, and then the layer's weight is replaced. Does step() move the
# new one?
predicted = None
layer = nn.Linear(2, 1)
optimizer = torch.optim.SGD(layer.parameters(), lr=1.0)
layer.weight = nn.Parameter(torch.zeros(1, 2))
layer(torch.ones(1, 2)).sum().backward()
optimizer.step()
print("you said", predicted, "- the new weight is", layer.weight.tolist())

# %%
predicted = None  # chapter 5: which mode is a fresh module in, training or evaluation?
print("you said", predicted, "- .training is", nn.Dropout().training)

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
| `model.to(device)`, `model.double()` | walk, convert what is registered (`.double()` leaves integers alone) |
| `model.train()`, `model.eval()` | walk, set a flag on every node |
| `print(model)` | walk, one line for each node |

A thing made of parts that is used like a part is called a **composite**. A layer is a module, a block of layers is
a module, a network of blocks is a module; an optimizer never has to know which of them it was given.
"""

# %% [markdown]
r"""
Three rows of that table, by hand. **Saving** is a walk that collects. Note what is collected: the tensors themselves,
detached from the graph, and no copies. Whoever trains on after `state_dict()` finds the new numbers in it.
"""

# %% tags=["picture"]
def tree_state(tree):
    """what nn.Module.state_dict returns: name -> tensor, the same memory"""
    return {name: tensor.detach() for name, tensor in tree.named_tensors()}


saved = tree_state(net)
with torch.no_grad():
    net.out.bias += 1
print("saved before the bias moved, and now it holds:", saved["out.bias"][:3].tolist())

# %% [markdown]
r"""
**Your turn: loading.** Write `load_tree(tree, state, strict=True)`, for yourself: nothing here is graded, and the cell
after it says where you stand.

- Copy each value **into** the tensor of that name that the tree has, under `torch.no_grad()`. An optimizer holds those
  very tensors; a new one under the old name would be a stranger to it.
- Return `(missing, unexpected)`: names that the tree has and the state has not, and names the other way round.
- With `strict=True` raise `RuntimeError` where either list is not empty, before anything is copied.
"""

# %%
def load_tree(tree, state, strict=True):
    """a Tree, a dictionary name -> tensor -> (missing names, unexpected names)"""
    missing, unexpected = [], []
    # about 7 lines, yours
    return missing, unexpected

# %% tags=["picture"]
def small_tree():
    tree = Tree()
    tree.first, tree.bias = Tree(), torch.zeros(2, requires_grad=True)
    tree.first.weight = torch.zeros(2, 2, requires_grad=True)
    return tree


tree, good = small_tree(), {"first.weight": torch.ones(2, 2), "bias": torch.ones(2)}
held, renamed = tree.bias, {"first.weight": torch.ones(2, 2) * 3, "shift": torch.ones(2)}
print("a whole state:   ", load_tree(tree, good), "values", tree_state(tree)["bias"].tolist(), "- wanted [1.0, 1.0]")
print("into the tensor that was there:", held is tree.bias and bool((held == 1).all()), "- wanted True")
print("not strict:      ", load_tree(tree, renamed, strict=False), "- wanted (['bias'], ['shift'])")
try:
    load_tree(small_tree(), renamed)
    print("strict:           nothing was raised - wanted a RuntimeError")
except RuntimeError as error:
    print("strict:           RuntimeError:", error)

# %% [markdown]
r"""
<details><summary>One way to write it</summary>

```python
def load_tree(tree, state, strict=True):
    own = dict(tree.named_tensors())
    missing = [name for name in own if name not in state]
    unexpected = [name for name in state if name not in own]
    if strict and (missing or unexpected):
        raise RuntimeError(f"missing {missing}, unexpected {unexpected}")
    with torch.no_grad():
        for name in own.keys() & state.keys():
            own[name].copy_(state[name])
    return missing, unexpected
```
</details>

`nn.Module.load_state_dict` does the same walk and says the same two words, *missing* and *unexpected*. One thing is different:
strict or not, it copies what fits before it raises. Section 7.9 shows its message.
"""

# %% [markdown]
r"""
**Your turn: the mode.** Dropout and batch norm compute something else in evaluation, so a flag has to reach every node.
Write `train_tree(tree, mode=True)`: set `training` on the tree, and on every `Tree` below it, however deep. It is the shortest
walk of all: one line for the node itself, and a loop over its children that calls the function again.
"""

# %%
def train_tree(tree, mode=True):
    """set .training on this node and on every node below it"""
    # about 3 lines, yours

# %% tags=["picture"]
tree = small_tree()
tree.first.deep = Tree()
train_tree(tree, False)
below = {"top": tree, "first": tree.first, "first.deep": tree.first.deep}
print({name: getattr(node, "training", "not set") for name, node in below.items()}, "- wanted False three times")

# %% [markdown]
r"""
<details><summary>One way to write it</summary>

```python
def train_tree(tree, mode=True):
    tree.training = mode
    for child in tree.children.values():
        train_tree(child, mode)
```
</details>

`model.eval()` is `model.train(False)`, and nothing more: it switches a flag. It does not stop the graph from being
recorded; that is `torch.no_grad()`'s work.
"""

# %% [markdown]
r"""
Your duties are two: build the node in `__init__` (after `super().__init__()`, which makes the dictionaries the
bookkeeping needs), and compute in `forward`. You *call* the module, `layer(x)`: `nn.Module.__call__` runs your
`forward` and, around it, the hooks of section 7.8. If you override `__call__` instead, you throw those away.

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
    check.equal("float64 goes in and float64 comes out", lambda: str(ReLU()(x.double()).dtype), expected="torch.float64")
    ### BEGIN HIDDEN TESTS
    cube = check.tensor(11, 2, 3, 4, dtype="float64", away_from=0.0, strided=True)
    check.close("the ReLU of three axes, not contiguous, in float64", lambda: ReLU()(cube), expected=lambda: cube.clamp(min=0))
    row, one = check.tensor(12, 6, away_from=0.0), check.tensor(13, 1, 5, away_from=0.0)
    check.close("the ReLU of one axis, and of a batch of one", lambda: [ReLU()(row), ReLU()(one)], expected=lambda: [row.clamp(min=0), one.clamp(min=0)])
    check.unchanged("a view is left alone too, and so is what it looks at", lambda: ReLU()(cube), cube)
    check.probes("what ReLU promises besides its numbers", lambda: ReLU(), check.tensor(951, 4, 3, away_from=0.0), promises=("memory that is not contiguous", "one row", "float64", "the same call twice", "inputs left alone", "training and evaluation"), expected=lambda: nn.ReLU())
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

    def two_calls(module):
        a, b = (t.detach().clone().requires_grad_() for t in (x, -x))
        first, second = module(a), module(b)
        second.backward(upstream)
        first.backward(2 * upstream)
        return [a.grad, b.grad]

    check.close(
        "one module called for x and for -x before either backward: each call keeps its own mask",
        lambda: two_calls(ReLU()),
        expected=[torch.tensor([[0.0, -14.0, 0.0], [22.0, 0.0, 1.0]]), torch.tensor([[5.0, 0.0, 2.0], [0.0, -13.0, 0.0]])],
    )
    ### BEGIN HIDDEN TESTS
    cube, other = (check.tensor(i, 3, 2, 4, dtype="float64", away_from=0.0, strided=True) for i in (14, 15))
    check.close("the gradient for three axes in float64", lambda: gradient(cube, other), expected=lambda: other * (cube > 0))

    check.close("the gradient of one row", lambda: gradient(cube[:1, 0], other[:1, 0]), expected=lambda: other[:1, 0] * (cube[:1, 0] > 0))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "relu_module__module", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("relu_module__module")
def _():
    x = torch.tensor([[-1.0, 4.0], [0.5, -2.0]])
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
    check.equal(
        "ReLU() is an nn.Module, it has a forward, and it owns no parameter",
        lambda: [isinstance(ReLU(), nn.Module), ReLU().forward(x).tolist(), len(list(ReLU().parameters()))],
        expected=[True, [[0.0, 4.0], [0.5, 0.0]], 0],
        advice="class ReLU(nn.Module), and the computation in a method called forward",
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
relu_layer = yours_or_ours("ReLU", nn.ReLU, lambda kind: kind()(torch.tensor([-1.0, 2.0])))
line = torch.linspace(-3, 3, 121, requires_grad=True)
bent = relu_layer()(line)
bent.sum().backward()
plot.curves(
    {f"{whose('ReLU')} ReLU()(x)": (line.detach(), bent), "its derivative, from autograd": (line.detach(), line.grad)},
    xlabel="x",
    ylabel="value",
    alt=f"{whose('ReLU').capitalize()} ReLU: {float(bent[0].detach()):g} at x = -3, {float(bent[-1].detach()):g} at x = 3; "
    "the derivative that autograd found is "
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
either order. What one gains is one rule for linear layers and convolutions: **output first**, everything that feeds it
after. (A convolution slides a small window, its *kernel*, over an image; at each place, each output is a weighted sum of the
numbers under it, over all *channels*, such as red, green and blue. Chapter 9 builds one.) Its weight is
(out, in, height, width), and so for both

- `weight.shape[0]` is how many outputs there are,
- `weight[j]` is everything output $j$ is computed from,
- `weight[0].numel()` is how many numbers are added up for one output: the *fan-in* that section 7.3 lives on.

The rule has exceptions, and you should look before you rely on it: print two.

Chapters 1 to 4 had `w` as (in, out), because there we multiplied in the order we read. Both are right; mixing them
is not.
"""

# %% tags=["picture"]
print("nn.Linear(5, 3)             weight", tuple(nn.Linear(5, 3).weight.shape))
print("nn.Conv2d(5, 3, 2)          weight", tuple(nn.Conv2d(5, 3, 2).weight.shape))
print("nn.ConvTranspose2d(5, 3, 2) weight", tuple(nn.ConvTranspose2d(5, 3, 2).weight.shape), "inputs first: it is a convolution's backward")
print("nn.Embedding(7, 4)          weight", tuple(nn.Embedding(7, 4).weight.shape), "a table: row i is the vector of word i")

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
- parameters `weight` (out, in) and `bias` (out,), every entry of both drawn from the uniform distribution on
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
    check.close(
        "without a bias: the products alone",
        lambda: filled(w, None)(x),
        expected=torch.tensor([[3.0, -1.0, 4.0], [2.0, 0.0, 6.0]]),
    )
    check.close(
        "an input of three axes: only the last one is multiplied",
        lambda: filled(w, b)(x.reshape(2, 1, 2)),
        expected=torch.tensor([[[13.0, 19.0, 34.0]], [[12.0, 20.0, 36.0]]]),
        advice="x @ w.T takes any number of axes before the last two; mm and addmm do not",
    )
    ### BEGIN HIDDEN TESTS
    w, b = check.tensor(21, 4, 3, dtype="float64"), check.tensor(22, 4, dtype="float64")
    deep, alone = (
        check.tensor(23, 2, 5, 3, dtype="float64", strided=True),
        check.tensor(24, 3, dtype="float64"),
    )
    check.close(
        "four batch axes or none, in float64",
        lambda: [filled(w, b)(deep), filled(w, b)(alone), filled(w, b)(deep[None, :1])],
        expected=lambda: [F.linear(deep, w, b), F.linear(alone, w, b), F.linear(deep[None, :1], w, b)],
    )
    check.close(
        "no batch axis, without a bias and in evaluation",
        lambda: [filled(w, None)(alone), filled(w, b).eval()(alone)],
        expected=lambda: [F.linear(alone, w), F.linear(alone, w, b)],
    )
    check.unchanged("what goes into the layer is left alone", lambda: filled(w, b)(deep), deep)
    square, row = check.tensor(25, 3, 3), check.tensor(26, 1, 3)
    check.close(
        "a square weight is not turned around, in float32, batch of one",
        lambda: filled(square, None)(row),
        expected=lambda: F.linear(row, square),
    )

    def theirs():
        layer = nn.Linear(3, 3)
        layer.load_state_dict({"weight": square, "bias": row[0]})
        return layer

    check.probes("what Linear promises besides its numbers", lambda: filled(square, row[0]), check.tensor(953, 4, 3), promises=("memory that is not contiguous", "one row", "float64", "the same call twice", "inputs left alone", "training and evaluation", "deepcopy", "state_dict there and back"), rtol=1e-4, atol=1e-5, expected=lambda: theirs())
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
    check.equal("weight and bias are what an optimizer is handed", lambda: len(list(Linear(2, 3).parameters())), expected=2)
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

    def converted():
        layer = Linear(2, 1, bias=False)
        with torch.no_grad():
            layer.weight.copy_(torch.tensor([[2.0, 3.0]]))
        return layer.double()(torch.tensor([[1.0, 10.0]], dtype=torch.float64))

    check.close("converted by .double() it computes in float64", lambda: converted(), expected=torch.tensor([[32.0]], dtype=torch.float64))
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
        judge=lambda w: judges.uniform(w, 1 / math.sqrt(50), (400, 50)),
        advice="torch.rand gives numbers from 0 to 1: around which number are yours spread, and where do they end?",
    )
    check.that(
        "the 6,000 biases of Linear(16, 6000) are uniform between -1/4 and 1/4",
        lambda: Linear(16, 6000).bias,
        judge=lambda b: judges.uniform(b, 1 / 4, (6000,)),
        advice="the bias has the bound of the weights: it depends on in_features alone",
    )
    check.equal(
        "two layers of the same size begin with different weights",
        lambda: bool((Linear(5, 4).weight != Linear(5, 4).weight).any()),
        expected=True,
    )
    ### BEGIN HIDDEN TESTS
    check.that("the weights of a layer with more inputs than outputs", lambda: Linear(500, 20).weight, judge=lambda w: judges.uniform(w, 1 / math.sqrt(500), (20, 500)))
    check.that("the weights without a bias", lambda: Linear(9, 900, bias=False).weight, judge=lambda w: judges.uniform(w, 1 / 3, (900, 9)))
    check.equal("the biases are drawn afresh as well", lambda: bool((Linear(5, 4).bias != Linear(5, 4).bias).any()), expected=True)
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "linear__repr", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("linear__repr")
def _():
    check.equal(
        "extra_repr says in_features, out_features, bias, as nn.Linear's does",
        lambda: [Linear(784, 128).extra_repr(), Linear(3, 2, bias=False).extra_repr()],
        expected=[
            "in_features=784, out_features=128, bias=True",
            "in_features=3, out_features=2, bias=False",
        ],
        advice="print(nn.Linear(3, 2, bias=False)) and compare letter by letter",
    )
    check.equal(
        "printed alone and inside a model, it reads like nn.Linear",
        lambda: [
            repr(Linear(4, 3)).partition("(")[2],
            repr(nn.Sequential(Linear(4, 3, bias=False))).count(
                "(in_features=4, out_features=3, bias=False)"
            ),
        ],
        expected=["in_features=4, out_features=3, bias=True)", 1],
    )
    ### BEGIN HIDDEN TESTS
    check.equal(
        "a layer of one input and one output prints as well",
        lambda: repr(Linear(1, 1)).partition("(")[2],
        expected="in_features=1, out_features=1, bias=True)",
    )
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**Your layer, looked at.** Below are the weights of a fresh `Linear(12, 4)` of yours: four rows, because there are
four outputs. Cover a row with your finger, and you have removed one unit.
"""

# %% tags=["picture"]
def bias_of_ones(kind):
    layer = kind(2, 1)
    nn.init.ones_(layer.weight)
    nn.init.ones_(layer.bias)
    return layer(torch.tensor([[2.0, 3.0]]))


linear_layer = yours_or_ours("Linear", nn.Linear, bias_of_ones)
torch.manual_seed(1)
mine = linear_layer(12, 4)
plot.heatmap(
    mine.weight,
    f"weight of {whose('Linear')} {mine}",
    xlabel="input i",
    ylabel="output j",
    yticks=range(4),
    alt=f"The weight of {whose('Linear')} Linear(12, 4) as four rows of twelve coloured cells, one row for each output; "
    f"the entries are of mixed sign and lie between {float(mine.weight.detach().min()):.2f} and "
    f"{float(mine.weight.detach().max()):.2f}",
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
yours = nn.Sequential(linear_layer(1000, 100), relu_layer(), linear_layer(100, 10))
yours.load_state_dict(theirs.state_dict())
curves = {"nn.Linear": learn(theirs), f"{whose('Linear', 'ReLU')} Linear": learn(yours)}
gap = max(abs(a - b) for a, b in zip(*curves.values()))
plot.curves(
    curves,
    ylabel="mean squared error",
    alt=f"Two loss curves from the same weights, nn.Linear's and {whose('Linear', 'ReLU')} own: they end at "
    + " and ".join(f"{losses[-1]:.4f}" for losses in curves.values()) + f" and are never more than {gap:.1g} apart",
)

# %% [markdown]
r"""
## 7.3 How large is a fresh weight?

All zeros cannot be right: every unit would compute the same thing, and go on doing so. So we draw. From which
*distribution* (its *law*, as this chapter says for short)? Its mean should be 0, for there is no reason to prefer a sign.
What is left to choose is its **spread**, the standard deviation, and that choice decides whether a deep network learns.

Before any formula, look. Ten layers of 256 units with tanh, normal weights, and three choices of their standard
deviation, one a row. Guess first: what will the tenth layer's outputs look like in each?
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
                shown = values[values != 0].detach().numpy()  # a ReLU's zeros would dwarf the rest
                ax.hist(shown, bins=25, range=(-limit, limit), color=plot.PALETTE[at])
                name_of = f"{'layer ' if layer == 0 else ''}{layer + 1}"
                ax.set_title(f"{name_of}\nstd {float(values.std()):.1g}", fontsize=7)
                ax.set_xticks([])
                ax.set_yticks([])
            axes[10 * at].set_ylabel(name, fontsize=8)

# %% tags=["picture"]
rows = {f"weights {s:g}": ten_layers(lambda w, s=s: w.normal_(0, s), torch.tanh) for s in (0.01, 0.06, 1.0)}
ends = ", ".join(f"{float(outputs[-1].std()):.1g} with {name}" for name, outputs in rows.items())
rows_of_histograms(
    rows,
    limit=1,
    alt="Histograms of the outputs of ten tanh layers for three sizes of weight: too small, and from "
    "layer to layer they shrink to a spike at 0; too large, and they pile up at -1 and 1; in between they "
    f"narrow only slowly. Spread in layer ten: {ends}",
)

# %% [markdown]
r"""
In the top row the signal dies: after ten layers all inputs look alike, and so do all gradients. In the bottom row
everything sits near the two ends of tanh, where its derivative is nearly 0: again almost no gradient. Only the middle row
has something to learn from.

Where does 0.06 come from? Not from trying.
"""

# %% [markdown]
r"""
**Forward.** Take one output of a layer, $y = \sum_{i=1}^{n_\text{in}} w_i x_i$. Let the weights be independent of each
other and of the inputs, with mean 0 and variance $\sigma^2$. A product $w_i x_i$ has mean 0, so its variance is the
mean of its square, and that splits: $\mathbb E[w_i^2 x_i^2] = \sigma^2\,\mathbb E[x_i^2]$. Two different products are
uncorrelated, $\mathbb E[w_i x_i w_j x_j] = \mathbb E[w_i]\,\mathbb E[w_j]\,\mathbb E[x_i x_j] = 0$, so variances add:

$$\operatorname{Var}(y) \;=\; n_\text{in}\,\sigma^2\;\mathbb E[x^2]$$

Call the mean square $\mathbb E[x^2]$ the signal's *power*. Each layer multiplies it by $n_\text{in}\sigma^2$ (before
the activation takes its share), and ten layers do it ten times. The only factor that
survives that is 1:  $\;\sigma^2 = 1/n_\text{in}$. For 256 inputs that is $\sigma = 1/16 \approx 0.06$.
"""

# %% [markdown]
r"""
**Backward** the same sum runs the other way. An input feeds all $n_\text{out}$ outputs and collects their gradients,
$\partial L/\partial x_i = \sum_{j=1}^{n_\text{out}} w_{ji}\,g_j$. If the weights are independent of the gradients $g$ that
arrive (they are not quite: $g$ was computed with them; at the start it is a good approximation), the same three lines give

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
        judge=lambda w: judges.uniform(w, math.sqrt(6 / 220), (120, 100)),
        advice="print the largest entry: it should come close to 0.165 and never pass it",
    )
    check.that(
        "a gain of 3 makes the uniform law three times as wide",
        lambda: xavier_uniform_(torch.zeros(60, 240), gain=3.0),
        judge=lambda w: judges.uniform(w, 3 * math.sqrt(6 / 300), (60, 240)),
        advice="the gain multiplies the bound, outside the root",
    )
    check.that(
        "a convolution's weight of (20, 30, 5, 7) is uniform up to 0.0585",
        lambda: xavier_uniform_(torch.zeros(20, 30, 5, 7)),
        judge=lambda w: judges.uniform(w, math.sqrt(6 / (50 * 35)), (20, 30, 5, 7)),
        advice="both fans count the positions of the kernel, here 5 times 7",
    )
    ### BEGIN HIDDEN TESTS
    check.that("the uniform law of a convolution over three axes counts its kernel", lambda: xavier_uniform_(torch.zeros(12, 16, 3, 4, 5)), judge=lambda w: judges.uniform(w, math.sqrt(6 / (28 * 60)), (12, 16, 3, 4, 5)))
    check.that("the uniform law of a convolution over one axis, with a gain, in float64", lambda: xavier_uniform_(torch.zeros(70, 40, 4, dtype=torch.float64), 0.5), judge=lambda w: judges.uniform(w, 0.5 * math.sqrt(6 / (110 * 4)), (70, 40, 4), "float64"))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "xavier_init__normal", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("xavier_init__normal")
def _():
    check.that(
        "a (120, 100) weight is normal with standard deviation √(2/220)",
        lambda: xavier_normal_(torch.zeros(120, 100)),
        judge=lambda w: judges.normal(w, math.sqrt(2 / 220), (120, 100)),
        advice="print(tensor.std()): it should be near 0.095",
    )
    check.that(
        "a gain of 3 makes the standard deviation three times as large",
        lambda: xavier_normal_(torch.zeros(60, 240), gain=3.0),
        judge=lambda w: judges.normal(w, 3 * math.sqrt(2 / 300), (60, 240)),
        advice="the gain multiplies the standard deviation, outside the root",
    )
    ### BEGIN HIDDEN TESTS
    check.that("weights with an axis of one: fans of 1 and 20,000", lambda: [xavier_uniform_(torch.zeros(1, 20000)), xavier_normal_(torch.zeros(20000, 1))], judge=lambda seen: judges.uniform(seen[0], math.sqrt(6 / 20001), (1, 20000)) or judges.normal(seen[1], math.sqrt(2 / 20001), (20000, 1)))
    check.that("the normal law of a convolution counts its kernel", lambda: xavier_normal_(torch.zeros(24, 16, 5, 6)), judge=lambda w: judges.normal(w, math.sqrt(2 / (40 * 30)), (24, 16, 5, 6)))
    check.that("the normal law of a convolution over one axis, with a gain, in float64", lambda: xavier_normal_(torch.zeros(70, 40, 4, dtype=torch.float64), 0.5), judge=lambda w: judges.normal(w, 0.5 * math.sqrt(2 / (110 * 4)), (70, 40, 4), "float64"))
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

    def afterwards(fill):
        torch.manual_seed(3)
        one, two = fill(torch.zeros(4, 4)).tolist(), fill(torch.zeros(4, 4)).tolist()
        return [one != two, torch.is_grad_enabled()]

    check.equal(
        "two fills differ, and autograd records again afterwards",
        lambda: [afterwards(xavier_uniform_), afterwards(xavier_normal_)],
        expected=[[True, True], [True, True]],
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
def drawn_width(fill):
    torch.manual_seed(5)
    with torch.no_grad():
        return round(float(fill(torch.zeros(200, 300)).std()) / math.sqrt(2 / 500), 1)  # to a tenth: luck is below it


uniform_xavier = yours_or_ours("xavier_uniform_", nn.init.xavier_uniform_, drawn_width)
normal_xavier = yours_or_ours("xavier_normal_", nn.init.xavier_normal_, drawn_width)

# %% tags=["picture"]
torch.manual_seed(5)
drawn = {"xavier_uniform_": torch.zeros(200, 300), "xavier_normal_": torch.zeros(200, 300)}
uniform_xavier(drawn["xavier_uniform_"])
normal_xavier(drawn["xavier_normal_"])
spread = {name: float(values.std()) for name, values in drawn.items()}
bound = math.sqrt(6 / 500)
with plot.figure(
    f"Histograms of 60,000 draws from each of {whose('xavier_uniform_', 'xavier_normal_')} two laws for a (200, 300) weight. Standard deviations "
    + " and ".join(f"{value:.4f} ({name})" for name, value in spread.items())
    + f"; √(2/500) is {math.sqrt(2 / 500):.4f}. "
    f"Dashed lines mark the uniform law's bound, {bound:.4f}",
    columns=2,
    height=2.4,
) as axes:
    for ax, (name, values) in zip(axes, drawn.items()):
        ax.hist(values.flatten().numpy(), bins=60, range=(-0.3, 0.3), color=plot.PALETTE[0])
        ax.set_title(f"{whose(name)} {name}: std {spread[name]:.4f}")
        ax.set_yticks([])
        for edge in (-bound, bound):
            ax.axvline(edge, color=plot.PALETTE[1], linestyle="--")

# %% [markdown]
r"""
**And the ten layers again**, the two middle rows now from your own function, with gain 1 and with the customary 5/3.
"""

# %% tags=["picture"]
rows = {
    "0.01 · randn": ten_layers(lambda w: w.normal_(0, 0.01), torch.tanh),
    f"{whose('xavier_normal_')} Xavier": ten_layers(normal_xavier, torch.tanh),
    "gain 5/3": ten_layers(lambda w: normal_xavier(w, gain=5 / 3), torch.tanh),
    "1 · randn": ten_layers(lambda w: w.normal_(0, 1), torch.tanh),
}
rows_of_histograms(
    rows, limit=1,
    alt="Histograms of ten tanh layers for four starts. Spread of the tenth layer: "
    + ", ".join(f"{float(outputs[-1].std()):.1g} for {name}" for name, outputs in rows.items())
    + ". Xavier shrinks slowly, with gain 5/3 it keeps its width; the other two are lost",
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
        judge=lambda w: judges.uniform(w, math.sqrt(6 / 200), (60, 200)),
        advice="200 inputs are added up: std is √(2/200) = 0.1, and the bound √3 times that",
    )
    check.that(
        "with mode fan_out the uniform law counts the 60 outputs",
        lambda: kaiming_uniform_(torch.zeros(60, 200), mode="fan_out"),
        judge=lambda w: judges.uniform(w, math.sqrt(6 / 60), (60, 200)),
        advice="a weight is (out, in): which of the two is shape[0]?",
    )
    check.that(
        "a convolution's weight of (30, 10, 5, 7) has a fan-in of 350",
        lambda: kaiming_uniform_(torch.zeros(30, 10, 5, 7)),
        judge=lambda w: judges.uniform(w, math.sqrt(6 / 350), (30, 10, 5, 7)),
        advice="one output adds up 10 channels at 5 times 7 positions",
    )
    ### BEGIN HIDDEN TESTS
    check.that("the leak a narrows the uniform law, here to nn.Linear's own 1/√in", lambda: kaiming_uniform_(torch.zeros(90, 144), a=math.sqrt(5)), judge=lambda w: judges.uniform(w, 1 / 12, (90, 144)))
    check.that("a convolution's uniform law with fan_out and a leak, in float64", lambda: kaiming_uniform_(torch.zeros(40, 12, 5, 6, dtype=torch.float64), 0.7, "fan_out"), judge=lambda w: judges.uniform(w, math.sqrt(6 / (1 + 0.7**2) / (40 * 30)), (40, 12, 5, 6), "float64"))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "kaiming_init__normal", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("kaiming_init__normal")
def _():
    check.that(
        "a (60, 200) weight is normal with standard deviation √(2/200) = 0.1",
        lambda: kaiming_normal_(torch.zeros(60, 200)),
        judge=lambda w: judges.normal(w, 0.1, (60, 200)),
        advice="print(tensor.std()); 0.07 means that the 2 of the ReLU is missing",
    )
    check.that(
        "with mode fan_out the standard deviation is √(2/60)",
        lambda: kaiming_normal_(torch.zeros(60, 200), mode="fan_out"),
        judge=lambda w: judges.normal(w, math.sqrt(2 / 60), (60, 200)),
    )
    check.that(
        "with a leak of a = 1 nothing is lost, and the standard deviation is 1/√200",
        lambda: kaiming_normal_(torch.zeros(60, 200), a=1.0),
        judge=lambda w: judges.normal(w, 1 / math.sqrt(200), (60, 200)),
        advice="gain = √(2/(1 + a²)): the a is squared, and under the root",
    )
    check.that(
        "with a leak of a = 3 a tenth of 2/200 is left under the root",
        lambda: kaiming_normal_(torch.zeros(60, 200), a=3.0),
        judge=lambda w: judges.normal(w, math.sqrt(0.2 / 200), (60, 200)),
    )
    ### BEGIN HIDDEN TESTS
    check.that("He's laws for weights with an axis of one", lambda: [kaiming_normal_(torch.zeros(20000, 1)), kaiming_uniform_(torch.zeros(1, 20000), mode="fan_out")], judge=lambda seen: judges.normal(seen[0], math.sqrt(2), (20000, 1)) or judges.uniform(seen[1], math.sqrt(6), (1, 20000)))
    check.that("He's laws where the fan runs along the other axis", lambda: [kaiming_uniform_(torch.zeros(1, 20000)), kaiming_normal_(torch.zeros(20000, 1), mode="fan_out")], judge=lambda seen: judges.uniform(seen[0], math.sqrt(6 / 20000), (1, 20000)) or judges.normal(seen[1], math.sqrt(2 / 20000), (20000, 1)))
    check.that("the normal law of a convolution over three axes, with fan_in and a leak", lambda: kaiming_normal_(torch.zeros(12, 16, 3, 4, 5), a=2.0), judge=lambda w: judges.normal(w, math.sqrt(2 / 5 / (16 * 60)), (12, 16, 3, 4, 5)))
    check.that("a convolution's normal law over one axis with fan_out, in float64", lambda: kaiming_normal_(torch.zeros(70, 40, 4, dtype=torch.float64), 0.0, "fan_out"), judge=lambda w: judges.normal(w, math.sqrt(2 / (70 * 4)), (70, 40, 4), "float64"))
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

    def recording_after(fill):
        fill(torch.zeros(4, 4))
        return torch.is_grad_enabled()

    check.equal("autograd records again after He's laws", lambda: [recording_after(kaiming_uniform_), recording_after(kaiming_normal_)], expected=[True, True])
    check.raises(
        "He's uniform law refuses an unknown mode",
        lambda: kaiming_uniform_(torch.zeros(2, 3), mode="fan_avg"),
        ValueError,
    )
    check.raises(
        "He's normal law refuses an unknown mode",
        lambda: kaiming_normal_(torch.zeros(2, 3), mode="in"),
        ValueError,
    )
    check.raises("He's uniform law refuses one axis", lambda: kaiming_uniform_(torch.zeros(5)), ValueError)
    ### BEGIN HIDDEN TESTS
    check.raises("He's normal law refuses one axis, whatever the mode", lambda: kaiming_normal_(torch.zeros(5), mode="fan_out"), ValueError)
    check.raises("He's uniform law refuses a single number", lambda: kaiming_uniform_(torch.tensor(1.0)), ValueError)

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
factor of about $\sqrt2$ in spread. With Kaiming the *expected* square is kept; a single draw of the weights wanders
around it, up in one layer, down in the next. (The zeros, half of every layer, are left out of the bars.)
"""

# %% tags=["picture"]
uniform_kaiming = yours_or_ours("kaiming_uniform_", nn.init.kaiming_uniform_, drawn_width)
normal_kaiming = yours_or_ours("kaiming_normal_", nn.init.kaiming_normal_, drawn_width)
starts = {
    "0.01 · randn": lambda w: w.normal_(0, 0.01),
    f"{whose('xavier_normal_')} Xavier": normal_xavier,
    f"{whose('kaiming_normal_')} Kaiming": normal_kaiming,
}
rows = {name: ten_layers(fill, relu_layer()) for name, fill in starts.items()}
rows_of_histograms(
    rows,
    limit=2,
    alt="Histograms of the positive outputs of ten ReLU layers for three starts. Spread of the first and of "
    "the tenth layer: "
    + "; ".join(
        f"{name} {float(outputs[0].std()):.1g} and {float(outputs[-1].std()):.1g}"
        for name, outputs in rows.items()
    ),
)

# %% [markdown]
r"""
**Deeper.** Sixty layers, and instead of histograms one number a layer, on a logarithmic axis. A straight line that falls
is a factor below 1 that was applied sixty times. (The lowest line stops where float32 has no smaller number left.)
"""

# %% tags=["picture"]
starts["twice that Kaiming"] = lambda w: normal_kaiming(w).mul_(2)
signal = {
    name: [float(out.double().pow(2).mean().sqrt()) for out in ten_layers(fill, relu_layer(), 128, 60)]
    for name, fill in starts.items()
}
drawn = {name: [value for value in values if 0 < value < math.inf] for name, values in signal.items()}
plot.curves(
    {name: (range(1, len(values) + 1), values) for name, values in drawn.items()},
    xlabel="layer",
    ylabel="size of the activations",
    log=True,
    alt="Size of the activations in sixty ReLU layers on a logarithmic axis: straight lines. "
    + "; ".join(f"{name} ends at {values[-1]:.1g} in layer {len(values)}" for name, values in drawn.items()),
)

# %% [markdown]
r"""
How far does it wander? Twenty draws of the same sixty Kaiming layers, and the size in the last one. What is kept is the mean
square over *all* draws of the weights, and each draw is one sample of it.
"""

# %% tags=["picture"]
ends = []
for seed in range(20):
    torch.manual_seed(seed)
    values = torch.randn(200, 128)
    for _ in range(60):
        values = normal_kaiming(torch.zeros(128, 128)).matmul(values.T).clamp(min=0).T
    ends.append(float(values.pow(2).mean().sqrt()))
print(f"size in layer 60 over 20 draws: from {min(ends):.2f} to {max(ends):.2f}, Xavier's would be about {2**-30:.0e} of the start")

# %% [markdown]
r"""
**Does it decide anything?** A picture of spreads is not yet a reason. So let the three starts *train*: forty layers of 100
units, the same data, the same Adam, 150 steps. `nn.Linear`'s own start is among them. Predict the order before you run
(about ten seconds).
"""

# %% tags=["picture"]
def forty_layers(fill, width=100, depth=40):
    sizes = [20, *[width] * (depth - 1), 10]
    linears = [nn.Linear(*pair) for pair in itertools.pairwise(sizes)]
    for linear in linears if fill else []:
        fill(linear.weight)
        nn.init.zeros_(linear.bias)
    return nn.Sequential(*[module for linear in linears for module in (linear, nn.ReLU())][:-1])


def train_deep(model, x, y, steps=150):
    optimizer, losses = torch.optim.Adam(model.parameters(), lr=3e-4), []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses


begin = {"nn.Linear's own": None, f"{whose('xavier_normal_')} Xavier": normal_xavier, f"{whose('kaiming_normal_')} Kaiming": normal_kaiming}

# %% tags=["picture"]
torch.manual_seed(0)
deep_x, deep_y = torch.randn(64, 20), torch.randn(64, 10)
curves = {name: train_deep(forty_layers(fill), deep_x, deep_y) for name, fill in begin.items()}
plot.curves(
    curves, ylabel="mean squared error", log=True,
    alt="Training loss of forty layers over 150 steps of Adam, by how the weights were drawn: "
    + "; ".join(f"{name} from {values[0]:.3g} to {values[-1]:.3g}" for name, values in curves.items()),
)

# %% tags=["picture"]
torch.manual_seed(0)
varies = float(forty_layers(None)(deep_x).detach().std(dim=0).max())
constant = float((deep_y - deep_y.mean(dim=0)).pow(2).mean())
print(f"nn.Linear's own start: over the 64 examples an output varies by at most {varies:.1g}")
print(f"the best answer that does not look at x has a loss of {constant:.3f}; after training the default has {next(iter(curves.values()))[-1]:.3f}")

# %% [markdown]
r"""
The default is stuck: its output says the same whatever comes in, and all it has learned is the mean of the targets.
The reason lies on both ways through the network. Below, before the first step: the size of what each layer puts out, and the size
of the gradient that arrives at its weight.
"""

# %% tags=["picture"]
def both_ways(model):
    sizes, x = [], deep_x
    for module in model:
        x = module(x)
        if isinstance(module, nn.Linear):
            sizes.append(float(x.detach().double().pow(2).mean().sqrt()))
    F.mse_loss(x, deep_y).backward()
    grads = [float(m.weight.grad.double().pow(2).mean().sqrt()) for m in model if isinstance(m, nn.Linear)]
    return {"activations": sizes, "gradients of the weights": grads}


# %% tags=["picture"]
torch.manual_seed(0)
profiles = {name: both_ways(forty_layers(fill)) for name, fill in begin.items()}
with plot.figure(
    "Size of the activations and of the weights' gradients in forty layers, before training, logarithmic. "
    + "; ".join(
        f"{name}: activations {p['activations'][0]:.2g} to {p['activations'][-1]:.2g}, gradients "
        f"{p['gradients of the weights'][0]:.1g} in the first layer and {p['gradients of the weights'][-2]:.1g} in the last but one"
        for name, p in profiles.items()
    ),
    columns=2, height=2.8,
) as axes:
    for ax, what in zip(axes, ("activations", "gradients of the weights")):
        for at, (name, profile) in enumerate(profiles.items()):
            ax.plot(range(1, 41), [max(v, 1e-30) for v in profile[what]], label=name, color=plot.PALETTE[at])
        ax.set_yscale("log")
        ax.set_title(what)
        ax.set_xlabel("layer")
    axes[0].legend(fontsize=7)

# %% [markdown]
r"""
One footnote to `nn.Linear`. Its source draws the weight by `kaiming_uniform_(weight, a=sqrt(5))`. Put $a^2 = 5$ into
your formulas: gain $= \sqrt{2/6}$, bound $= \sqrt3 \cdot \sqrt{1/3}\,/\sqrt{\text{in}} = 1/\sqrt{\text{in}}$. So the 5 is not about
leaky ReLUs at all. It reproduces the bound that Lua Torch had used for years, and that you wrote into exercise 7.2.
Its variance is a third of $1/n$: for deep ReLU networks, drawing again with Kaiming is worth the one line.
"""

# %% [markdown]
r"""
## 7.5 Modules made of modules

A module that is assigned to `self.name` becomes a child. That is all there is to building larger things from smaller
ones: your `__init__` makes the parts, your `forward` says how data runs through them.

You met the trap of it in chapter 5: `__setattr__` sees a **Python list** and nothing else, as it saw a plain tensor in 7.2.
Modules inside the list are not registered. Containers that are modules themselves do it right: `nn.Sequential` (a chain, which
also calls it), `nn.ModuleList` (a list, which you call), `nn.ModuleDict`. Predict the two outputs.
"""

# %% tags=["picture"]
class Hidden(nn.Module):
    def __init__(self):
        super().__init__()
        self.in_a_list = [nn.Linear(2, 2), nn.Linear(2, 2)]
        self.in_a_module_list = nn.ModuleList([nn.Linear(2, 2)])


print(Hidden())
print("listed:", [name for name, _ in Hidden().named_parameters()])

# %% [markdown]
r"""
### Exercise 7.5 · `simple_mlp`
*difficulty 1 of 3 · 8 minutes · about 7 lines*

Write the class `SimpleMLP(in_dim, hidden_dim, out_dim)`, an `nn.Module` with one attribute `layers`, an `nn.Sequential` of
exactly five modules:

$$\text{Linear}(\text{in}, \text{hidden}),\;\text{ReLU},\;\text{Linear}(\text{hidden}, \text{hidden}),\;\text{ReLU},\;
\text{Linear}(\text{hidden}, \text{out})$$

all with biases, and a `forward` that runs (N, in_dim) through them → (N, out_dim). Take your own `Linear` and `ReLU`,
or PyTorch's; the checks lend you PyTorch's under your names, so that this exercise does not depend on 7.1 and 7.2.
"""

# %% nbgrader={"grade": false, "grade_id": "simple_mlp", "locked": false, "schema_version": 3, "solution": true, "task": false}
class SimpleMLP(nn.Module):
    """(N, in_dim) -> (N, out_dim)"""

    def __init__(self, in_dim, hidden_dim, out_dim):
        # about 6 lines
        ### BEGIN SOLUTION
        super().__init__()
        self.layers = nn.Sequential(
            Linear(in_dim, hidden_dim), ReLU(),
            Linear(hidden_dim, hidden_dim), ReLU(),
            Linear(hidden_dim, out_dim),  # no ReLU here: an output may be negative
        )
        ### END SOLUTION

    def forward(self, x):
        # about 1 line
        ### BEGIN SOLUTION
        return self.layers(x)
        ### END SOLUTION

# %%
hint("simple_mlp")

# %% nbgrader={"grade": true, "grade_id": "simple_mlp__layers", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("simple_mlp__layers")
def _():
    lent = {
        name: getattr(nn.init, name)
        for name in ("xavier_uniform_", "xavier_normal_", "kaiming_uniform_", "kaiming_normal_")
    }
    lent |= {"Linear": nn.Linear, "ReLU": nn.ReLU}

    def look(sizes, see):
        with check.lend(SimpleMLP, **lent):
            return see(SimpleMLP(*sizes))

    check.that(
        "the network has a child called layers",
        lambda: look((4, 3, 2), lambda net: [name for name, _ in net.named_children()]),
        judge=lambda names: (
            None
            if "layers" in names
            else "it has children, and none is called layers"
            if names
            else "it has no children"
        ),
        advice="a module that is assigned in __init__ becomes a child; a list of modules does not",
    )
    check.equal(
        "layers is an nn.Sequential of five modules, and 0, 2 and 4 have weights of the right shapes",
        lambda: look(
            (4, 3, 2),
            lambda net: [
                isinstance(net, nn.Module),
                isinstance(net.layers, nn.Sequential),
                len(net.layers),
                [list(net.layers[i].weight.shape) for i in (0, 2, 4)],
            ],
        ),
        expected=[True, True, 5, [[3, 4], [3, 3], [2, 3]]],
        advice="print(SimpleMLP(4, 3, 2)) shows the tree",
    )
    check.close(
        "modules 1 and 3 are ReLUs",
        lambda: look((4, 3, 2), lambda net: [net.layers[i](torch.tensor([-1.0, 2.0])) for i in (1, 3)]),
        expected=[torch.tensor([0.0, 2.0])] * 2,
    )
    ### BEGIN HIDDEN TESTS
    check.equal(
        "the state_dict of layers holds three weights and three biases",
        lambda: look((2, 5, 3), lambda net: sorted([name.split(".")[-1], list(t.shape)] for name, t in net.layers.state_dict().items())),
        expected=[["bias", [3]], ["bias", [5]], ["bias", [5]], ["weight", [3, 5]], ["weight", [5, 2]], ["weight", [5, 5]]],
    )
    check.equal(
        "everything is registered, and two networks share nothing",
        lambda: look((4, 4, 4), lambda net: [sum(p.numel() for p in net.parameters()), sum(name.startswith("layers.") for name in net.state_dict()), net.layers[2].weight is net.layers[0].weight])
        + look((4, 4, 4), lambda one: look((4, 4, 4), lambda two: [one.layers[i].weight is two.layers[i].weight for i in (0, 2, 4)])),
        expected=[60, 6, False, False, False, False],
    )
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "simple_mlp__forward", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("simple_mlp__forward")
def _():
    def run(weights, *inputs):
        with check.lend(SimpleMLP, Linear=nn.Linear, ReLU=nn.ReLU):
            net = SimpleMLP(weights[0].shape[1], weights[0].shape[0], weights[4].shape[0]).to(
                weights[0].dtype
            )
            with torch.no_grad():
                for i in (0, 2, 4):
                    net.layers[i].weight.copy_(weights[i])
                    net.layers[i].bias.copy_(weights[i + 1])
            return [net(x) for x in inputs] + [net.eval()(inputs[0])]

    tiny = [
        torch.tensor([[1.0, 0.0], [0.0, -1.0]]),
        torch.zeros(2),
        torch.tensor([[1.0, 1.0], [1.0, -1.0]]),
        torch.tensor([0.0, 1.0]),
        torch.tensor([[1.0, -2.0]]),
        torch.tensor([0.5]),
    ]
    check.close(
        "two examples worked out by hand, the first with a negative output; in evaluation they are the same",
        lambda: run(tiny, torch.tensor([[1.0, 2.0], [-3.0, -4.0]])),
        expected=[torch.tensor([[-2.5], [4.5]])] * 2,
        advice="after the first ReLU the rows are (1, 0) and (0, 4), after the second (1, 2) and (4, 0)",
    )
    ### BEGIN HIDDEN TESTS
    shapes = ((6, 5), (6,), (6, 6), (6,), (3, 6), (3,))
    weights = [check.tensor(51 + i, *shape, dtype="float64") for i, shape in enumerate(shapes)]
    many, one = check.tensor(58, 7, 5, dtype="float64", strided=True), check.tensor(59, 1, 5, dtype="float64")

    def through(x):
        for i in (0, 2, 4):
            x = F.linear(x, weights[i], weights[i + 1])
            x = x.clamp(min=0) if i < 4 else x
        return x

    check.close(
        "any sizes, a batch of one, not contiguous, in float64",
        lambda: run(weights, many, one, many),
        expected=lambda: [through(many), through(one), through(many), through(many)],
    )
    check.unchanged("the network leaves its input alone", lambda: run(weights, many), many)
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "simple_mlp__training", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("simple_mlp__training")
def _():
    def stepped(sizes, x, upstream):
        with check.lend(SimpleMLP, Linear=nn.Linear, ReLU=nn.ReLU):
            net = SimpleMLP(*sizes)
            with torch.no_grad():
                for i, layer in enumerate((net.layers[0], net.layers[2], net.layers[4])):
                    layer.weight.copy_(check.tensor(61 + i, *layer.weight.shape))
                    layer.bias.fill_(0.5)
            optimizer = torch.optim.SGD(net.parameters(), lr=1.0)
            net(x).backward(upstream)
            optimizer.step()
            return [net.layers[i].weight for i in (0, 2, 4)] + [net.layers[i].bias for i in (0, 2, 4)]

    def expected(sizes, x, upstream):
        shapes = ((sizes[1], sizes[0]), (sizes[1], sizes[1]), (sizes[2], sizes[1]))
        w = [check.tensor(61 + i, *shape).requires_grad_() for i, shape in enumerate(shapes)]
        b = [torch.full(shape[:1], 0.5).requires_grad_() for shape in shapes]
        hidden = F.linear(F.linear(x, w[0], b[0]).clamp(min=0), w[1], b[1]).clamp(min=0)
        grads = torch.autograd.grad(F.linear(hidden, w[2], b[2]), [*w, *b], upstream)
        return [(p - g).detach() for p, g in zip([*w, *b], grads)]

    x, upstream = check.tensor(65, 9, 4), check.tensor(66, 9, 2)
    check.close(
        "one step of SGD over its parameters moves all six tensors as it should",
        lambda: stepped((4, 3, 2), x, upstream),
        expected=lambda: expected((4, 3, 2), x, upstream),
        rtol=1e-4, atol=1e-5,
        advice="a layer that is made in forward, or kept in a plain list, is not among the parameters",
    )
    ### BEGIN HIDDEN TESTS
    small, up = check.tensor(67, 1, 2), check.tensor(68, 1, 5)
    check.close("the step for other sizes and a batch of one", lambda: stepped((2, 6, 5), small, up), expected=lambda: expected((2, 6, 5), small, up), rtol=1e-4, atol=1e-5)
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**Your network as a tree**, drawn from what it says about itself: `named_modules()` gives the nodes, `named_parameters()`
the marked boxes. Compare with the picture at the top of the chapter.
"""

# %% tags=["picture"]
def draw_tree(model):
    boxes, arrows = {"": type(model).__name__}, []
    for name, module in model.named_modules():
        if name:
            above, _, last = name.rpartition(".")
            boxes[name] = f"{last}: {type(module).__name__}"
            arrows.append((above, name))
    owned = {name: tuple(p.shape) for name, p in model.named_parameters()}
    for name, shape in owned.items():
        above, _, last = name.rpartition(".")
        boxes[f"{name} "] = f"{last} {shape}"
        arrows.append((above, f"{name} "))
    plot.graph(
        boxes,
        arrows,
        mark={f"{name} " for name in owned},
        alt=f"{whose('SimpleMLP').capitalize()} {type(model).__name__} as a tree of {len(boxes) - len(owned)} modules that own "
        f"{len(owned)} parameters: "
        + ", ".join(f"{name} {shape}" for name, shape in owned.items()),
    )


mlp = yours_or_ours("SimpleMLP", parts.SimpleMLP, lambda kind: [list(p.shape) for p in kind(3, 2, 1).layers.parameters()])
draw_tree(mlp(1000, 100, 10))

# %% [markdown]
r"""
**The running example, started four ways.** The same `SimpleMLP`, the same data, the same optimizer; only the numbers the
weights begin with differ. `start` goes over the tree with `model.parameters()` and asks each tensor for its axes: what
has two is a weight and is drawn, what has one is a bias and begins at 0.
"""

# %% tags=["picture"]
def start(model, fill):
    for parameter in model.parameters():
        if parameter.ndim > 1:
            fill(parameter)
        else:
            nn.init.zeros_(parameter)
    return model


def learn_with_adam(model, steps=60):
    optimizer, losses = torch.optim.Adam(model.parameters(), lr=1e-3), []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses

# %% tags=["picture"]
torch.manual_seed(6)
x, y = torch.randn(64, 1000), torch.randn(64, 10)
ways = {
    "std 0.001": lambda w: nn.init.normal_(w, 0, 0.001), f"{whose('xavier_uniform_')} Xavier": uniform_xavier,
    f"{whose('kaiming_uniform_')} Kaiming": uniform_kaiming, "std 0.3": lambda w: nn.init.normal_(w, 0, 0.3),
}
curves = {name: learn_with_adam(start(mlp(1000, 100, 10), fill)) for name, fill in ways.items()}
plot.curves(
    curves, ylabel="mean squared error", log=True,
    alt="Four loss curves of the same network, on a logarithmic axis, by how its weights were drawn: "
    + "; ".join(f"{name} from {values[0]:.3g} to {values[-1]:.3g}" for name, values in curves.items()),
)

# %% [markdown]
r"""
## 7.6 A network that changes its mind

Nothing says that `forward` has to do the same thing every time. It is Python: it may loop, branch, or throw dice. Autograd
records what happened *this* time, so each call has a graph of its own. That is what "dynamic graph" means.

And nothing says that a module may be used once only. Apply one layer three times, and its weight takes part three times;
its gradient is the **sum** of three contributions, as chapter 3's diamonds were. One parameter, listed once, saved once,
moved once: *weight sharing*. A recurrent network shares its weights in this way over the steps of a sequence, and takes a
new input at each step besides.
"""

# %% tags=["picture"]
plot.graph(
    {
        "x": "x",
        "in": "input_linear",
        "m1": "middle_linear",
        "m2": "middle_linear",
        "out": "output_linear",
        "w": "middle_linear.weight",
    },
    [("x", "in"), ("in", "m1"), ("m1", "m2"), ("m2", "out"), ("w", "m1"), ("w", "m2")],
    mark={"w"},
    alt="One call with repeats = 2: x, input_linear, middle_linear twice in a row, output_linear; "
    "a single weight feeds both uses of middle_linear, so its gradient is the sum of two",
)

# %% [markdown]
r"""
### Exercise 7.6 · `dynamic_net`
*difficulty 2 of 3 · 12 minutes · about 10 lines*

Write the class `DynamicNet(d_in, h, d_out)`, an `nn.Module` with the linear layers `input_linear` (d_in → h),
`middle_linear` (h → h) and `output_linear` (h → d_out), all with biases; your `Linear` or PyTorch's.

`forward(x, repeats=None)` computes the ReLU of `input_linear`, then `repeats` times the ReLU of `middle_linear`, always with
the **same** weights, then `output_linear`, whose result stays as it is. `repeats` is 0, 1, 2, … With `None`, each call
draws 0, 1, 2 or 3 afresh, each with a probability of at least 1/10, in training and in evaluation; the source of
randomness is yours to choose, and so is how you spell the ReLU.
"""

# %% nbgrader={"grade": false, "grade_id": "dynamic_net", "locked": false, "schema_version": 3, "solution": true, "task": false}
class DynamicNet(nn.Module):
    """(N, d_in) -> (N, d_out), as deep as each call says"""

    def __init__(self, d_in, h, d_out):
        # about 4 lines
        ### BEGIN SOLUTION
        super().__init__()
        self.input_linear = Linear(d_in, h)
        self.middle_linear = Linear(h, h)  # one layer: using it twice is the business of forward
        self.output_linear = Linear(h, d_out)
        ### END SOLUTION

    def forward(self, x, repeats=None):
        # about 6 lines
        ### BEGIN SOLUTION
        if repeats is None:  # not `if not repeats`: 0 is a number of repeats like any other
            repeats = random.randint(0, 3)  # both ends included
        hidden = self.input_linear(x).clamp(min=0)
        for _ in range(repeats):
            hidden = self.middle_linear(hidden).clamp(min=0)
        return self.output_linear(hidden)
        ### END SOLUTION

# %%
hint("dynamic_net")

# %% nbgrader={"grade": true, "grade_id": "dynamic_net__repeats", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("dynamic_net__repeats")
def _():
    def run(weights, x, *counts):
        with check.lend(DynamicNet, Linear=nn.Linear, ReLU=nn.ReLU):
            net = DynamicNet(weights[0].shape[1], weights[0].shape[0], weights[4].shape[0]).to(
                weights[0].dtype
            )
            with torch.no_grad():
                for i, layer in enumerate((net.input_linear, net.middle_linear, net.output_linear)):
                    layer.weight.copy_(weights[2 * i])
                    layer.bias.copy_(weights[2 * i + 1])
            return [net(x, repeats=count) for count in counts] + [net.eval()(x, counts[-1])]

    tiny = [
        torch.tensor([[1.0], [2.0]]),
        torch.tensor([0.0, -1.0]),
        torch.tensor([[0.0, 1.0], [-1.0, 1.0]]),
        torch.tensor([1.0, 0.0]),
        torch.tensor([[1.0, 10.0]]),
        torch.tensor([-60.0]),
    ]
    x = torch.tensor([[3.0], [1.0], [-1.0]])
    check.close(
        "one repeat, worked out by hand: ReLU(input), ReLU(middle), output",
        lambda: run(tiny, x, 1),
        expected=[torch.tensor([[-34.0], [-58.0], [-59.0]])] * 2,
        advice="the hidden values of the first row are (3, 5) and then (6, 2)",
    )
    check.close(
        "two repeats",
        lambda: run(tiny, x, 2),
        expected=[torch.tensor([[-57.0], [-59.0], [-59.0]])] * 2,
        advice="for the first row the hidden values are (3, 5), then (6, 2), then (3, 0)",
    )
    ### BEGIN HIDDEN TESTS
    shapes = ((6, 5), (6,), (6, 6), (6,), (3, 6), (3,))
    weights = [check.tensor(71 + i, *shape, dtype="float64") for i, shape in enumerate(shapes)]
    batch, one = (
        check.tensor(78, 4, 5, dtype="float64", strided=True),
        check.tensor(79, 1, 5, dtype="float64"),
    )

    def expected(x, count):
        hidden = F.linear(x, *weights[:2]).clamp(min=0)
        for _ in range(count):
            hidden = F.linear(hidden, *weights[2:4]).clamp(min=0)
        return F.linear(hidden, *weights[4:])

    check.close(
        "any number of repeats, in any order, in float64",
        lambda: run(weights, batch, 3, 0, 5, 1),
        expected=lambda: [expected(batch, n) for n in (3, 0, 5, 1, 1)],
    )
    check.close(
        "repeats for a batch of one",
        lambda: run(weights, one, 2, 0),
        expected=lambda: [expected(one, n) for n in (2, 0, 0)],
    )
    check.unchanged("the changing network leaves its input alone", lambda: run(weights, batch, 2), batch)
    check.probes("what DynamicNet promises besides its numbers", lambda: lambda x: run([w.to(x.dtype) for w in weights], x, 2, 0), check.tensor(954, 4, 5), rtol=1e-4, atol=1e-4, expected=lambda: lambda x: [expected(x.double(), n).to(x.dtype) for n in (2, 0, 0)])
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "dynamic_net__stable", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("dynamic_net__stable")
def _():
    def results(repeats, calls=40):
        with check.lend(DynamicNet, Linear=nn.Linear, ReLU=nn.ReLU), torch.no_grad():
            net = DynamicNet(1, 2, 1)
            for layer, weight, bias in (
                (net.input_linear, [[1.0], [2.0]], [0.0, -1.0]),
                (net.middle_linear, [[0.0, 1.0], [-1.0, 1.0]], [1.0, 0.0]),
                (net.output_linear, [[1.0, 10.0]], [-60.0]),
            ):
                layer.weight.copy_(torch.tensor(weight))
                layer.bias.copy_(torch.tensor(bias))
            return sorted(
                {round(float(net(torch.tensor([[3.0]]), repeats=repeats)), 3) for _ in range(calls)}
            )

    check.that(
        "repeats=0, call after call: the middle layer never runs, 3 + 10·5 - 60 = -7",
        lambda: results(0),
        judge=lambda seen: (
            None
            if seen == [-7.0]
            else "the result changes from call to call"
            if len(seen) > 1
            else "the result is another"
        ),
        advice="0 is a number too: `if not repeats` and `repeats or …` take it for nothing",
    )
    check.that(
        "repeats=2, call after call: the same weights, 3 + 10·0 - 60 = -57",
        lambda: results(2),
        judge=lambda seen: (
            None
            if seen == [-57.0]
            else "the number of repeats changes from call to call"
            if len(seen) > 1 and all(v in (-7.0, -34.0, -57.0, -59.0) for v in seen)
            else "the result of two repeats changes from call to call, and no number of repeats gives it"
            if len(seen) > 1
            else "the result of two repeats is another"
        ),
        advice="the hidden values are (3, 5), then (6, 2), then (3, 0)",
    )

# %% nbgrader={"grade": true, "grade_id": "dynamic_net__shared", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("dynamic_net__shared")
def _():
    def look(see, sizes=(1, 1, 1), **arguments):
        with check.lend(DynamicNet, Linear=nn.Linear, ReLU=nn.ReLU):
            net = DynamicNet(*sizes)
            with torch.no_grad():
                for i, (name, parameter) in enumerate(sorted(net.named_parameters())):
                    parameter.copy_(torch.ones(()) if sizes == (1, 1, 1) else check.tensor(81 + i, *parameter.shape))
            return see(net, **arguments)

    check.equal(
        "it owns three layers, six tensors, and the middle one counts once",
        lambda: look(lambda net: sorted([name, list(p.shape)] for name, p in net.named_parameters()), sizes=(4, 3, 2)),
        expected=[
            ["input_linear.bias", [3]], ["input_linear.weight", [3, 4]], ["middle_linear.bias", [3]],
            ["middle_linear.weight", [3, 3]], ["output_linear.bias", [2]], ["output_linear.weight", [2, 3]],
        ],
    )

    def middle(net, x, repeats, upstream):
        net(x, repeats).backward(upstream)
        return [torch.zeros_like(p) if p.grad is None else p.grad for p in (net.middle_linear.weight, net.middle_linear.bias)]

    one = torch.ones(1, 1)
    def three_times():
        random.seed(5)  # whoever draws where nothing is to be drawn draws the same in every run of this cell
        np.random.seed(5)
        torch.manual_seed(5)
        return [look(middle, x=one / 2, repeats=2, upstream=one) for _ in range(3)]

    check.close(
        "with all weights 1 and x = 0.5, two repeats: the gradients of both uses add up to 4 and 2, in each of three nets",
        lambda: three_times(),
        expected=[[torch.tensor([[4.0]]), torch.tensor([2.0])]] * 3,
        advice="hidden values: 1.5, 2.5, 3.5. The second use brings 2.5, the first 1.5: are they the same layer?",
    )
    check.close("no repeat, no gradient for the middle layer", lambda: look(middle, x=one, repeats=0, upstream=one), expected=[torch.zeros(1, 1), torch.zeros(1)])
    ### BEGIN HIDDEN TESTS
    def all_of(net, x, repeats, upstream):
        net(x, repeats=repeats).backward(upstream)
        return [p.grad for _, p in sorted(net.named_parameters())]

    def expected(x, repeats, upstream):
        b0, w0, b1, w1, b2, w2 = leaves = [check.tensor(81 + i, *s).requires_grad_() for i, s in enumerate([(3,), (3, 4), (3,), (3, 3), (2,), (2, 3)])]
        hidden = F.linear(x, w0, b0).clamp(min=0)
        for _ in range(repeats):
            hidden = F.linear(hidden, w1, b1).clamp(min=0)
        return list(torch.autograd.grad(F.linear(hidden, w2, b2), leaves, upstream))

    x, upstream = check.tensor(88, 6, 4), check.tensor(89, 6, 2)
    check.close("all six gradients after three repeats", lambda: look(all_of, sizes=(4, 3, 2), x=x, repeats=3, upstream=upstream), expected=lambda: expected(x, 3, upstream), rtol=1e-4, atol=1e-5)
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "dynamic_net__drawn", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("dynamic_net__drawn")
def _():
    def counts(training, calls=1000):  # at 1/10 each, 55 of 1000 is five standard deviations below what to expect
        # with all weights 1, and biases 0 but the middle one's, the output is x plus the number of repeats
        torch.manual_seed(9)  # layers that are made anew are the same in every run of this cell
        with check.lend(DynamicNet, Linear=nn.Linear, ReLU=nn.ReLU), torch.no_grad():
            net = DynamicNet(1, 1, 1).train(training)
            for layer in (net.input_linear, net.middle_linear, net.output_linear):
                layer.weight.fill_(1.0)
                layer.bias.fill_(1.0 if layer is net.middle_linear else 0.0)
            return [round(float(net(torch.full((1, 1), 0.25))) - 0.25) for _ in range(calls)]

    check.that(
        "without repeats, 1000 calls take 0, 1, 2 and 3 of them, in no fixed order",
        lambda: counts(True),
        judge=lambda drawn: (
            "every call takes the same number"
            if len(set(drawn)) == 1
            else "these numbers of repeats occur: " + ", ".join(map(str, sorted(set(drawn))))
            if set(drawn) != {0, 1, 2, 3}
            else "the numbers go round in a circle, nothing is drawn"
            if any(drawn[p:] == drawn[:-p] for p in range(1, 65))
            else "one of the four numbers comes too rarely"
            if min(drawn.count(n) for n in range(4)) < 55
            else None
        ),
        advice="look up whether your random function includes its upper end; and draw in forward, not in __init__",
    )
    check.that(
        "in evaluation it draws as well",
        lambda: counts(False),
        judge=lambda drawn: (
            None
            if set(drawn) == {0, 1, 2, 3}
            else "in evaluation every call takes the same number"
            if len(set(drawn)) == 1
            else "not all of 0, 1, 2, 3 occur"
        ),
    )

# %% [markdown]
r"""
**Its graph grows with its depth.** Below, the graph above the output of your network is walked (you wrote that walk in
chapter 3) for 0 to 6 repeats. The number of operations rises with each repeat. The number of leaves in which gradients
end rises once, where `middle_linear` joins in, and then no more: that is sharing, counted.
"""

# %% tags=["picture"]
def count_nodes(root):
    seen, waiting = set(), [root]
    while waiting:
        node = waiting.pop()
        if node is not None and node not in seen:
            seen.add(node)
            waiting += [next_node for next_node, _ in node.next_functions]
    leaves = sum(type(node).__name__ == "AccumulateGrad" for node in seen)
    return len(seen) - leaves, leaves


def six_ones(kind):
    net = kind(1, 1, 1)
    for parameter in net.parameters():
        nn.init.ones_(parameter)
    return [net(torch.ones(1, 1), repeats=r) for r in (0, 2)]


dynamic = yours_or_ours("DynamicNet", parts.DynamicNet, six_ones)
deep = dynamic(1000, 100, 10)
sizes = [count_nodes(deep(x, repeats=r).grad_fn) for r in range(7)]
plot.curves(
    {"operations": [size[0] for size in sizes], "leaves": [size[1] for size in sizes]},
    xlabel="repeats",
    ylabel="nodes of the graph",
    alt=f"Nodes in the graph of {whose('DynamicNet')} DynamicNet by repeats, 0 to 6: operations rise from "
    f"{sizes[0][0]} to {sizes[-1][0]}, "
    f"leaves are {sizes[0][1]} without a repeat and {sizes[-1][1]} with six",
)

# %% [markdown]
r"""
**And it learns**, although it is another network at every step. Each point below is one step, its marker the number of
repeats that the step happened to take.
"""

# %% tags=["picture"]
torch.manual_seed(7)
random.seed(7)
deep, points = dynamic(1000, 100, 10), {r: ([], []) for r in range(4)}
optimizer = torch.optim.Adam(deep.parameters(), lr=1e-3)
for step in range(120):
    repeats = random.randint(0, 3)
    optimizer.zero_grad()
    loss = F.mse_loss(deep(x, repeats=repeats), y)
    loss.backward()
    optimizer.step()
    points[repeats][0].append(step)
    points[repeats][1].append(float(loss.detach()))
text = ", ".join(f"{r} repeats {values[-1]:.2g}" for r, (_, values) in points.items() if values)
with plot.figure(
    f"Loss of {whose('DynamicNet')} DynamicNet over 120 steps, each with a depth drawn at random: it falls "
    f"for every depth. Last values: {text}"
) as ax:
    for r, (steps, values) in points.items():
        ax.plot(steps, values, "os^D"[r], markersize=4, label=f"{r} repeats")
    ax.set_xlabel("step")
    ax.set_ylabel("mean squared error")
    ax.legend()

# %% [markdown]
r"""
## 7.7 Remembering without training

Some things a layer should keep are not weights. The mean of all inputs seen so far, for example: no gradient should move
it, but it has to be saved with the model, travel to another device, and be there again after loading. That is a
**buffer**: `self.register_buffer("mean", torch.zeros(3))`. Afterwards `self.mean` reads and writes it.

Two rules follow from what a buffer is for.

- *All* that is needed to go on belongs in buffers. A sum kept in a plain attribute is gone after loading.
- A buffer has **no history**. If the new mean is computed from `x` with the graph attached, the buffer drags every
  batch it ever saw along: memory grows, and the second backward fails.
"""

# %% [markdown]
r"""
**A mean that never forgets.** After $k$ rows with mean $m$, a batch of $n$ rows with mean $\bar x$ arrives. The sums add up,
$k\,m + n\,\bar x$, over $k + n$ rows, so

$$m \;\leftarrow\; \frac{k\,m + n\,\bar x}{k + n} \;=\; m + \frac{n}{k+n}\,(\bar x - m)$$

Every *row* weighs the same, also where batches differ in size. The mean of the batch means would not do that, and a mean
that keeps nine tenths of the old value (BatchNorm's way) forgets the beginning.
"""

# %% [markdown]
r"""
### Exercise 7.7 · `running_mean`
*difficulty 2 of 3 · 15 minutes · about 11 lines*

Write the class `RunningMean(num_features)`, an `nn.Module` on (N, D) with D = num_features and two buffers: `mean` (D,) is
the mean over all rows seen in training mode, `count` (no axes, int64) the number of those rows. Both begin at 0.

`forward(x)` → (N, D): in training mode first take the rows of `x` into the buffers, then return `x − mean`; in evaluation
change nothing and return `x − mean` just the same. `x` is left alone.

The gradient of the result with respect to `x` is the upstream gradient itself: `mean` counts as a constant, and the
buffer has no history. Both buffers are in the `state_dict`, and a module that loads it goes on exactly where the other
stopped. There are no parameters. `mean` has the module's dtype: float32 at first, float64 after `.double()`.
"""

# %% nbgrader={"grade": false, "grade_id": "running_mean", "locked": false, "schema_version": 3, "solution": true, "task": false}
class RunningMean(nn.Module):
    """(N, D) -> (N, D), minus the mean of all rows seen in training"""

    def __init__(self, num_features):
        # about 3 lines
        ### BEGIN SOLUTION
        super().__init__()
        self.register_buffer("mean", torch.zeros(num_features))
        self.register_buffer("count", torch.tensor(0))  # an integer tensor: .double() leaves it alone
        ### END SOLUTION

    def forward(self, x):
        # about 6 lines
        ### BEGIN SOLUTION
        if self.training:
            with torch.no_grad():  # the buffer must not remember how it was computed
                self.count += len(x)
                self.mean += (x.mean(dim=0) - self.mean) * (len(x) / int(self.count))
        return x - self.mean
        ### END SOLUTION

# %%
hint("running_mean")

# %% nbgrader={"grade": true, "grade_id": "running_mean__mean", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("running_mean__mean")
def _():
    def fed(batches, dtype=torch.float32):
        module = RunningMean(batches[0].shape[1]).to(dtype).train()
        outputs = [module(batch) for batch in batches]
        return [*outputs, module.mean.clone(), int(module.count)]

    first, second = torch.tensor([[1.0, 2.0], [3.0, 6.0]]), torch.tensor([[8.0, 1.0]])
    check.close(
        "one batch: its mean is (2, 4), and that is subtracted at once",
        lambda: fed([first]),
        expected=[torch.tensor([[-1.0, -2.0], [1.0, 2.0]]), torch.tensor([2.0, 4.0]), 2],
        advice="first update, then subtract; the mean is over the rows, so it has one entry for each column",
    )
    check.close(
        "a second batch, of one row: three rows in all, with mean (4, 3)",
        lambda: fed([first, second])[1:],
        expected=[torch.tensor([[4.0, -2.0]]), torch.tensor([4.0, 3.0]), 3],
        advice="every row weighs the same: (1 + 3 + 8) / 3, not the mean of two batch means",
    )
    check.unchanged("the rows that are counted are left alone", lambda: fed([first, second]), first, second)
    ### BEGIN HIDDEN TESTS
    stream = [check.tensor(91 + i, n, 4, dtype="float64", strided=True) + i for i, n in enumerate((5, 1, 9, 2, 30))]

    def expected(batches):
        means = [torch.cat(batches[: i + 1]).mean(dim=0) for i in range(len(batches))]
        return [*(batch - m for batch, m in zip(batches, means)), means[-1], sum(map(len, batches))]

    check.close("five batches of different sizes, in float64, not contiguous", lambda: fed(stream, torch.float64), expected=lambda: expected(stream), rtol=1e-5, atol=1e-6)
    singles = [check.tensor(97 + i, 1, 3) for i in range(6)]
    check.close("six batches of one row, in float32", lambda: fed(singles), expected=lambda: expected(singles), rtol=1e-4, atol=1e-5)
    check.probes("what RunningMean promises besides its numbers", lambda: RunningMean(3), check.tensor(952, 4, 3), promises=("memory that is not contiguous", "one row", "float64", "the same call twice", "inputs left alone", "training and evaluation", "before any training"), expected=lambda: parts.RunningMean(3))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "running_mean__modes", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("running_mean__modes")
def _():
    def seen(module):
        return [module.mean.tolist(), int(module.count)]

    def through_modes(batch, other):
        module = RunningMean(2)
        module(batch)
        module.eval()
        out = module(other)
        after_eval = seen(module)
        module.train()
        module(other)
        return [out.tolist(), after_eval, seen(module), module.training]

    batch, other = torch.tensor([[1.0, 2.0], [3.0, 6.0]]), torch.tensor([[5.0, 7.0], [8.0, 3.0]])
    check.close(
        "evaluation subtracts and learns nothing; training goes on where it stopped",
        lambda: through_modes(batch, other),
        expected=[[[3.0, 3.0], [6.0, -1.0]], [[2.0, 4.0], 2], [[4.25, 4.5], 4], True],
        advice="self.training says which mode it is; a fresh module is in training mode",
    )

    def untrained(batch):
        module = RunningMean(2).eval()
        return [module(batch), module(batch[:1]), *seen(module), module.training]

    check.close("evaluated before any training, nothing is subtracted", lambda: untrained(batch), expected=[batch, batch[:1], [0.0, 0.0], 0, False])
    ### BEGIN HIDDEN TESTS
    def inside(batch, other):
        model = nn.Sequential(RunningMean(2), nn.Identity())
        model(batch)
        model.eval()
        with torch.no_grad():
            out = model(other[:1])
            model.train()
            again = model(other)
        return [out, again, torch.is_grad_enabled()]

    check.close("inside a model that changes mode, with gradients off", lambda: inside(batch, other), expected=[torch.tensor([[3.0, 3.0]]), torch.tensor([[0.75, 2.5], [3.75, -1.5]]), True])
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "running_mean__state", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("running_mean__state")
def _():
    batch, other = torch.tensor([[1.0, 2.0], [3.0, 6.0]]), torch.tensor([[8.0, 1.0]])

    def form(module):
        kept = dict(module.named_buffers())
        names = [
            [name for name in ("count", "mean") if name in where] for where in (kept, module.state_dict())
        ]
        return [
            *names,
            *([str(t.dtype), list(t.shape)] for t in (module.mean, module.count)),
            len(list(module.parameters())),
        ]

    def forms():
        fresh, used, double = RunningMean(2), RunningMean(2), RunningMean(2).double()
        used(batch)
        double(batch.double())
        return [form(fresh), form(used), form(double)]

    same = ["torch.int64", []]
    check.equal(
        "mean and count are buffers in the state_dict, fresh, used, and after .double()",
        lambda: forms(),
        expected=[
            [*[["count", "mean"]] * 2, [dtype, [2]], same, 0]
            for dtype in ("torch.float32", "torch.float32", "torch.float64")
        ],
        advice="print(module.state_dict()) before and after a batch",
    )

    def resumed():
        first, second = RunningMean(2), RunningMean(2)
        first(batch)
        second.load_state_dict(first.state_dict())
        return [second(other), second.mean, int(second.count)]

    check.close(
        "a module that loads the state goes on where the other stopped",
        lambda: resumed(),
        expected=[torch.tensor([[4.0, -2.0]]), torch.tensor([4.0, 3.0]), 3],
        advice="what you need for the next update has to be in the two buffers, and nowhere else",
    )
    ### BEGIN HIDDEN TESTS
    def copied():
        first = RunningMean(2)
        first(batch)
        second = copy.deepcopy(first)
        second(other)
        saved = {name: t.clone() for name, t in second.state_dict().items()}
        third = RunningMean(2).double()
        third.load_state_dict(saved)
        third(torch.zeros(1, 2, dtype=torch.float64))
        return [first.mean, int(first.count), third.mean, int(third.count)]

    check.close("a copy counts for itself, and a float64 module goes on from a float32 state", lambda: copied(), expected=lambda: [torch.tensor([2.0, 4.0]), 2, torch.tensor([3.0, 2.25], dtype=torch.float64), 4], rtol=1e-5)
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "running_mean__gradient", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("running_mean__gradient")
def _():
    def gradient(batches, upstreams, dtype=torch.float32):
        module = RunningMean(batches[0].shape[1]).to(dtype)
        leaves = [batch.detach().clone().requires_grad_() for batch in batches]
        outputs = [module(leaf) for leaf in leaves]
        for output, upstream in zip(outputs, upstreams):
            output.backward(upstream)
        return [*(leaf.grad for leaf in leaves), module.mean.requires_grad, module.mean.grad_fn is None]

    x, upstream = torch.tensor([[1.0, 2.0], [3.0, 6.0]]), torch.tensor([[1.0, 5.0], [0.0, -2.0]])
    check.close(
        "the gradient passes as it came, and the buffer has no history",
        lambda: gradient([x], [upstream]),
        expected=[upstream.clone(), False, True],
        advice="if every column of your gradient adds up to 0, the mean's own dependence on x is in it",
    )
    ### BEGIN HIDDEN TESTS
    a, b, up_a, up_b = (check.tensor(101 + i, n, 3, dtype="float64") for i, n in enumerate((4, 1, 4, 1)))
    check.close("two batches, and each its own backward afterwards", lambda: gradient([a, b], [up_a, up_b], torch.float64), expected=lambda: [up_a, up_b, False, True])
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**It converges**, because it never forgets. Your module sees batches of 1 to 8 rows whose true mean is 3; the dashed line is
what is left to expect after $k$ rows, $1/\sqrt k$.
"""

# %% tags=["picture"]
running = yours_or_ours("RunningMean", parts.RunningMean, lambda kind: kind(1)(torch.tensor([[1.0], [5.0]])))
torch.manual_seed(8)
random.seed(8)
module, rows_seen, errors = running(50), [], []
for step in range(150):
    module(3 + torch.randn(random.randint(1, 8), 50))
    rows_seen.append(int(module.count))
    errors.append(float((module.mean - 3).pow(2).mean().sqrt()))
plot.curves(
    {f"distance of {whose('RunningMean')} mean from 3": (rows_seen, errors), "1/√k": (rows_seen, 1 / np.sqrt(rows_seen))},
    xlabel="rows seen",
    ylabel="distance",
    log=True,
    alt=f"Distance of {whose('RunningMean')} running mean from the true mean on a logarithmic axis: from "
    f"{errors[0]:.2g} after {rows_seen[0]} rows down to "
    f"{errors[-1]:.2g} after {rows_seen[-1]}, along the line 1/√k",
)

# %% [markdown]
r"""
## 7.8 Looking inside without touching

You have a model, somebody else's perhaps, and want to know what its third layer puts out. You could copy its code and
add a line. Or you use the place that `nn.Module.__call__` keeps open for you:

`handle = module.register_forward_hook(hook)`, and after each forward pass `hook(module, inputs, output)` is called. If it
returns `None`, nothing changes; what it returns otherwise **replaces** the output. `handle.remove()` ends it.

`named_modules()` walks the tree and gives each module with its qualified name, `layers.0`. A *leaf module* is one without
children (chapter 3's *leaf tensors* are another thing with the same name). (Backward has hooks too, `register_full_backward_hook`, and tensors have theirs.)
"""

# %% tags=["picture"]
peek = nn.Sequential(nn.Linear(3, 2), nn.Tanh())
handle = peek[0].register_forward_hook(
    lambda module, inputs, output: print("  the hook sees", tuple(output.shape), "from", module)
)
print("with the hook:")
peek(torch.zeros(5, 3))
handle.remove()
print("after remove:")
peek(torch.zeros(5, 3))
print("  (nothing)")

# %% [markdown]
r"""
An instrument has to leave no trace, so two habits of this course come together. What you *keep* is detached, or it holds
on to the whole graph. And what you *install* is removed, whatever happens in between: that is a context manager, whose
`__exit__` runs even when the block raises.

A last trap is Python's own. A function made in a loop looks its variables up when it *runs*: ten hooks that mention the
loop's `name` all see the last one.
"""

# %% [markdown]
r"""
### Exercise 7.8 · `activation_recorder`
*difficulty 3 of 3 · 20 minutes · about 16 lines*

Write `ActivationRecorder(model)`, used as `with ActivationRecorder(model) as rec:`. Inside the block, every forward pass of
the model stores each leaf module's output, detached, in the dictionary `rec.activations` under the module's qualified name
(the one `named_modules()` gives). Where a module runs again, its last call wins.

- `rec.activations` can still be read after the block, and no later forward pass changes it.
- The model's outputs, gradients, mode and flags are what they would be without the recorder.
- When the block ends, also by an exception (which goes on to the caller), the recorder's own hooks are gone, and hooks of
  others are still there and still run.

Leaf modules of the tested models return one tensor and do not write in place.
"""

# %% nbgrader={"grade": false, "grade_id": "activation_recorder", "locked": false, "schema_version": 3, "solution": true, "task": false}
class ActivationRecorder:
    """with ActivationRecorder(model) as rec: ... rec.activations[qualified name] -> output of that leaf, detached"""

    # about 16 lines
    ### BEGIN SOLUTION
    def __init__(self, model):
        self.model = model
        self.activations = {}
        self.handles = []

    def __enter__(self):
        for name, module in self.model.named_modules():
            if not list(module.children()):  # a leaf of the tree
                self.handles.append(module.register_forward_hook(self.hook_for(name)))
        return self  # what `as rec` gets

    def __exit__(self, *error):
        for handle in self.handles:
            handle.remove()
        self.handles.clear()  # and no return value: an exception goes on its way

    def hook_for(self, name):  # a function of its own, so that each hook keeps its own name
        def hook(module, inputs, output):
            self.activations[name] = output.detach()  # returns None: the output stays what it is

        return hook
    ### END SOLUTION

# %%
hint("activation_recorder")

# %% nbgrader={"grade": true, "grade_id": "activation_recorder__records", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("activation_recorder__records")
def _():
    def small():
        model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.ReLU())
        with torch.no_grad():
            model[0].weight.copy_(torch.tensor([[1.0, 1.0], [1.0, -1.0]]))
        return model

    def record(model, *inputs):
        with ActivationRecorder(model) as rec:
            for x in inputs:
                model(x)
        return dict(rec.activations)

    x, later = torch.tensor([[1.0, 2.0]]), torch.tensor([[5.0, 1.0]])
    check.close(
        "a linear layer and a ReLU: both outputs, by hand, under the names 0 and 1",
        lambda: record(small(), x),
        expected={"0": torch.tensor([[3.0, -1.0]]), "1": torch.tensor([[3.0, 0.0]])},
        advice="print(rec.activations.keys()); a hook made in a loop sees the loop's last name unless it has its own",
    )
    def nested():
        return nn.Sequential(nn.Sequential(nn.Identity(), nn.Tanh(), nn.Identity()), nn.Identity())

    check.equal(
        "a module inside a module is recorded under its whole name, containers are not",
        lambda: sorted(record(nested(), x)), expected=["0.0", "0.1", "0.2", "1"],
        advice="print(list(dict(model.named_modules()))): which of these have no children?",
    )
    check.equal("what is kept is detached", lambda: sorted([name, value.requires_grad] for name, value in record(small(), x).items()), expected=[["0", False], ["1", False]])
    check.close("after a second forward pass its outputs are there", lambda: record(small(), x, later), expected={"0": torch.tensor([[6.0, 4.0]]), "1": torch.tensor([[6.0, 4.0]])})
    ### BEGIN HIDDEN TESTS
    class Nested(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(3, 4)
            self.block = nn.Sequential(nn.Linear(4, 4), nn.Sequential(nn.Tanh(), nn.Linear(4, 4)))
            self.last = nn.ModuleDict({"head": nn.Linear(4, 2)})
            with torch.no_grad():
                for i, (_, parameter) in enumerate(self.named_parameters()):
                    parameter.copy_(check.tensor(111 + i, *parameter.shape))

        def forward(self, x):
            return self.last["head"](torch.sigmoid(self.block(self.block(self.first(x)))))

    def expected(x):
        net, seen = Nested().to(x.dtype), {}
        seen["first"] = out = net.first(x)
        for _ in range(2):
            seen["block.0"] = net.block[0](out)
            seen["block.1.0"] = seen["block.0"].tanh()
            seen["block.1.1"] = out = net.block[1][1](seen["block.1.0"])
        return seen | {"last.head": net.last["head"](out.sigmoid())}

    data, one = check.tensor(121, 6, 3, strided=True), check.tensor(122, 1, 3, dtype="float64")
    check.close("nested modules under their full names, a block that runs twice, no containers", lambda: record(Nested(), data), expected=lambda: {k: v.detach() for k, v in expected(data).items()}, rtol=1e-4, atol=1e-5)
    check.close("a batch of one in float64", lambda: record(Nested().double(), one), expected=lambda: {k: v.detach() for k, v in expected(one).items()}, rtol=1e-6, atol=1e-7)

    def without_gradients():
        model = Nested().eval()
        with torch.no_grad():
            return record(model, data[:2], data), model.training

    check.close("in evaluation and with gradients off it records as well", lambda: without_gradients(), expected=lambda: ({k: v.detach() for k, v in expected(data).items()}, False), rtol=1e-4, atol=1e-5)
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "activation_recorder__untouched", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("activation_recorder__untouched")
def _():
    def build():
        model, seen = (
            nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Sequential(nn.Linear(4, 2), nn.Sigmoid())),
            [],
        )
        with torch.no_grad():
            for i, parameter in enumerate(model.parameters()):
                parameter.copy_(check.tensor(131 + i, *parameter.shape))
        model[0].bias.requires_grad_(False)
        model[1].eval()
        model[0].register_forward_hook(lambda module, inputs, output: seen.append(output))
        return model, seen

    def results(model, seen, x, upstream):
        leaf = x.detach().clone().requires_grad_()
        out = model(leaf)
        in_graph = [out.requires_grad, seen[-1].requires_grad, torch.is_grad_enabled()]
        if out.requires_grad:
            out.backward(upstream)
        grads = [torch.zeros_like(p) if p.grad is None else p.grad for p in (leaf, *model.parameters())]
        return [
            in_graph,
            out,
            *grads,
            [p.requires_grad for p in model.parameters()],
            [m.training for m in model.modules()],
        ]

    def watched(x, upstream):
        model, seen = build()
        with ActivationRecorder(model):
            return results(model, seen, x, upstream)

    x, upstream = check.tensor(141, 5, 3), check.tensor(142, 5, 2)
    check.close(
        "graph, outputs, gradients, flags and modes are those of the model alone",
        lambda: watched(x, upstream),
        expected=lambda: results(*build(), x, upstream),
        advice="a hook that returns something replaces the output; one that returns nothing only looks",
    )
    ### BEGIN HIDDEN TESTS
    def backward_after(x, upstream):
        model, _ = build()
        with ActivationRecorder(model) as rec:
            out = model(x)
        out.backward(upstream)
        return [sorted(rec.activations), model[0].weight.grad, model[2][0].bias.grad]

    def alone(x, upstream):
        model, _ = build()
        model(x).backward(upstream)
        return [["0", "1", "2.0", "2.1"], model[0].weight.grad, model[2][0].bias.grad]

    check.close("a backward pass after the block finds the graph as it was", lambda: backward_after(x, upstream), expected=lambda: alone(x, upstream))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "activation_recorder__exit", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("activation_recorder__exit")
def _():
    def build():
        model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.ReLU())
        model[0].weight.data.copy_(torch.tensor([[1.0, 1.0], [1.0, -1.0]]))
        return model

    def installed(model):
        everywhere = [torch.nn.modules.module._global_forward_hooks, torch.nn.modules.module._global_forward_pre_hooks]
        return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) + ("forward" in vars(m)) for m in model.modules()) + sum(map(len, everywhere))

    x, later = torch.tensor([[1.0, 2.0]]), torch.tensor([[5.0, 1.0]])

    def afterwards():
        before = installed(model := build())
        with ActivationRecorder(model) as rec:
            model(x)
        left = installed(model) - before
        model(later)
        return [left, dict(rec.activations)]

    check.close(
        "after the block no hook is left, and what was recorded stays",
        lambda: afterwards(), expected=[0, {"0": torch.tensor([[3.0, -1.0]]), "1": torch.tensor([[3.0, 0.0]])}],
        advice="keep every handle that register_forward_hook returns, and remove each of them in __exit__",
    )

    def neighbour(model, seen):
        model[0].register_forward_hook(lambda *call: seen.append("ran"))
        with ActivationRecorder(model):
            pass
        return model(x).numel() and seen

    check.equal("a hook that somebody else installed still runs afterwards", lambda: neighbour(build(), []), expected=["ran"], advice="remove what you installed, by its handle")

    def by_exception():
        model, recorder = build(), []
        before = installed(model)
        way_out = "swallowed"
        try:
            with ActivationRecorder(model) as rec:
                recorder.append(rec)
                raise KeyError(model(x))
        except KeyError:
            way_out = "raised"
        left = installed(model) - before
        model(later)
        return [left, way_out, dict(recorder[0].activations)]

    check.close(
        "after an exception in the block it is the same, and the exception goes on",
        lambda: by_exception(), expected=[0, "raised", {"0": torch.tensor([[3.0, -1.0]]), "1": torch.tensor([[3.0, 0.0]])}],
    )
    ### BEGIN HIDDEN TESTS
    def with_others():
        model, seen = build(), []
        model[0].register_forward_hook(lambda m, i, o: seen.append("before"))
        with ActivationRecorder(model) as outer:
            model[1].register_forward_hook(lambda m, i, o: seen.append("inside"))
            model(x)
            with ActivationRecorder(model) as inner:
                model(later)
            model(x)
        at_end = list(seen)
        model(x)
        return [len(at_end), len(seen), sorted(set(seen)), dict(outer.activations)["0"], dict(inner.activations)["0"]]

    check.close("hooks of others run inside and stay behind, and one recorder may stand inside another", lambda: with_others(), expected=[6, 8, ["before", "inside"], torch.tensor([[3.0, -1.0]]), torch.tensor([[6.0, 4.0]])])
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**Your instrument, your network.** A fresh `SimpleMLP` of yours, started with your Kaiming, looked at with your recorder:
the outputs of its five leaves. Read the widths from left to right, and find the two ReLUs by their shape.
"""

# %% tags=["picture"]
def recorded(kind):
    chain = nn.Sequential(nn.Identity(), nn.ReLU())
    with kind(chain) as rec:
        chain(torch.tensor([-1.0, 2.0]))
    return dict(rec.activations)


recorder = yours_or_ours("ActivationRecorder", parts.ActivationRecorder, recorded)
torch.manual_seed(9)
model = start(mlp(1000, 100, 10), normal_kaiming)
with recorder(model) as rec:
    model(torch.randn(64, 1000))
plot.histograms(
    {
        f"{name}: {type(model.get_submodule(name)).__name__}": values
        for name, values in rec.activations.items()
    },
    alt=f"Histograms of the outputs of the five leaf modules of the network, as {whose('ActivationRecorder')} recorder saw them: "
    + "; ".join(
        f"{name} spread {float(values.std()):.2g}, {float((values == 0).float().mean()):.0%} zeros"
        for name, values in rec.activations.items()
    ),
)

# %% [markdown]
r"""
**Units that never fire.** The same instrument finds what no loss curve shows. Shift all biases of the first layer down, and
count for each unit how often it is 0 over the whole batch: a ReLU that is 0 for every example passes no gradient either,
and as long as the data stay the same, no gradient will wake it.
"""

# %% tags=["picture"]
asleep = {}
for shift in (0.0, -1.0, -2.0, -3.0, -4.0):
    model = start(mlp(1000, 100, 10), normal_kaiming)
    nn.init.constant_(model.layers[0].bias, shift)
    with recorder(model) as rec:
        model(x)
    asleep[f"bias {shift:g}"] = 100 * float((list(rec.activations.values())[1] == 0).all(dim=0).float().mean())
plot.bars(
    asleep, xlabel="per cent of the first ReLU's units that are 0 for all 64 examples",
    alt="Per cent of units of the first ReLU that are 0 for every example, by the bias of the first layer: "
    + ", ".join(f"{name} {value:.0f} %" for name, value in asleep.items()),
)

# %% [markdown]
r"""
## 7.9 Messages you will meet

Seven slips with modules, and what PyTorch says to each. Before you run the cell, say for each of them what is wrong; two say
nothing at all, and those are the expensive ones. The table below it has cause and cure.
"""

# %% tags=["picture"]
def met(trigger):
    """run a slip; return the first lines of what PyTorch says"""
    try:
        return str(trigger() or "(nothing)")
    except Exception as error:
        return f"{type(error).__name__}: " + " ".join(line.strip() for line in str(error).splitlines()[:3])


class Unready(nn.Module):
    def __init__(self):
        self.layer = nn.Linear(2, 2)  # super().__init__() comes too late, or never


class Listed(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = [nn.Linear(2, 2)]


def other_parameters():
    model = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    model = copy.deepcopy(model)  # or a new one, in the next cell
    before = model.weight.clone()
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    return f"(nothing; the weight moved by {float((model.weight - before).abs().max().detach()):g})"

# %% tags=["picture"]
pair, taller = nn.Sequential(nn.Linear(2, 3)), nn.Sequential(nn.Linear(2, 4))
wrapped = {f"module.{name}": value for name, value in pair.state_dict().items()}
slips = {
    "1 parts before super().__init__()": Unready,
    "2 a tensor under a parameter's name": lambda: setattr(pair[0], "weight", torch.ones(3, 2)),
    "3 a state with other names": lambda: pair.load_state_dict(wrapped),
    "4 a state with other shapes": lambda: pair.load_state_dict(taller.state_dict()),
    "5 a state with other names, not strict": lambda: pair.load_state_dict(wrapped, strict=False) and None,
    "6 modules in a list": lambda: torch.optim.SGD(Listed().parameters(), lr=0.1),
    "7 an optimizer made for another model": other_parameters,
}
for name, trigger in slips.items():
    print(f"{name}\n    {met(trigger)}")

# %% [markdown]
r"""
| slip | cause | cure |
|---|---|---|
| 1 | the dictionaries that register are made by `nn.Module.__init__` | `super().__init__()` first |
| 2 | the name is registered, and only a `Parameter` or None may stand there | `with torch.no_grad(): layer.weight.copy_(values)` |
| 3 | *missing*: the model has it, the file has not; *unexpected*: the other way round. Here the model was saved inside a wrapper | rename the keys, or save `model.module` |
| 4 | the same names, another architecture | build the model with the sizes it was saved with |
| 5 | `strict=False` loads what fits, which is nothing, **and says so only in what it returns** | read `missing_keys` |
| 6 | an empty list: nothing was registered | `nn.ModuleList` |
| 7 | the optimizer holds tensors, not names: those of the old model. **Silence** | make the optimizer last |
"""

# %% [markdown]
r"""
## Two questions

These are read by a person. A few honest sentences are worth more than a page.
"""

# %% [markdown]
r"""
### Question A
Derive the bound $\sqrt{6/(n_\text{in}+n_\text{out})}$ of Xavier's uniform law, line by line, and name each assumption where
you use it. Then say which line a ReLU between the layers breaks, and what becomes of it.
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_xavier", "locked": false, "points": 4, "schema_version": 3, "solution": true, "task": false}
r"""
**Model answer.** For $y = \sum_{i=1}^{n_\text{in}} w_i x_i$ with weights of mean 0 and variance $\sigma^2$, independent of each
other and of $x$: products are uncorrelated, so $\operatorname{Var}(y) = n_\text{in}\sigma^2\,\mathbb E[x^2]$. If inputs have
mean 0 (linear units, or tanh near 0), $\mathbb E[x^2] = \operatorname{Var}(x)$, and the variance is kept for
$\sigma^2 = 1/n_\text{in}$. Backward, $\partial L/\partial x_i = \sum_j w_{ji} g_j$ has $n_\text{out}$ terms; with weights
independent of the gradients, its variance is kept for $\sigma^2 = 1/n_\text{out}$. Both hold only where $n_\text{in} = n_\text{out}$;
replacing $n$ by the mean of the two gives $\sigma^2 = 2/(n_\text{in}+n_\text{out})$. A uniform law on $(-b, b)$ has variance
$b^2/3$, hence $b = \sqrt{3\sigma^2} = \sqrt{6/(n_\text{in}+n_\text{out})}$. A ReLU's output has a mean above 0:
$\mathbb E[x^2] = \operatorname{Var}(x)$ fails. For a symmetric pre-activation, $\mathbb E[x^2]$ is half of its variance, so
each layer halves the power unless $\sigma^2$ is doubled: $2/n$.

**Rubric.** 1 point: forward variance with the independence and the zero mean of the weights named. 1 point: the backward
condition and the compromise. 1 point: from the variance to the bound, with $b^2/3$. 1 point: the ReLU breaks
$\mathbb E[x^2] = \operatorname{Var}(x)$, and the factor one half.
"""

# %% [markdown]
r"""
### Question B
Why does PyTorch keep a linear layer's weight as (out, in) and not as (in, out)? And: `nn.Module` is an example of the
*Composite* pattern. What does that buy you, what does it cost, and which line of this chapter shows that registration
cannot be fully automatic?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_composite", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
r"""
**Model answer.** (out, in) is the matrix of $y = Wx$: row $j$ holds all that output $j$ uses, one contiguous piece of memory.
The first axis counts outputs for linear layers and convolutions (out, in, k, k) alike, so fans, pruning of units and normalising
per output read the same everywhere. The transpose in $xW^\top$ is a view and costs nothing. In a composite, a part and a
whole have one interface: `parameters()`, `state_dict()`, `to()`, `train()` walk the tree, an optimizer need not know what
it trains, and networks nest as functions do. The price: it works only for what is *registered*, by the type of what is
assigned; a plain tensor or a Python list of modules is passed by in silence, and names are tied to the structure, so moving
a layer breaks old checkpoints. Whether a tensor is trained or only remembered is an intention; `nn.Parameter` and
`register_buffer` are how we say it.

**Rubric.** 1 point: one row is one output, the same rule for convolutions, or the transpose being free. 1 point: one interface
for part and whole, with an example. 1 point: a price (lists, plain tensors, names), and that intention has to be said.
"""

# %% [markdown]
r"""
## Summary

| you wrote | what is now hidden behind the name | the idea |
|---|---|---|
| `ReLU` | `nn.ReLU` | a node of the tree that owns nothing; `forward` computes, `__call__` runs the hooks |
| `Linear` | `nn.Linear` | parameters are registered by type; the weight is (out, in); `extra_repr` |
| `xavier_uniform_`, `xavier_normal_` | `nn.init.xavier_*_` | variance kept, forward and backward, by compromise |
| `kaiming_uniform_`, `kaiming_normal_` | `nn.init.kaiming_*_` | a ReLU halves the power; the weights pay it back |
| `SimpleMLP` | any model you will ever write | modules made of modules |
| `DynamicNet` | recurrent and adaptive networks | one graph a call; shared weights, summed gradients |
| `RunningMean` | the buffers of `nn.BatchNorm1d` | state that is saved and never trained |
| `ActivationRecorder` | `register_forward_hook` | look without touching, and clean up |

**What still hurts?** The model keeps its own list now. The loop around it does not: you still cut batches by hand, always the
same one, and the loss on the batch you train on says little about data the model has not seen. Chapter 8 takes real digits,
and both problems with them.
"""

# %% [markdown]
r"""
## Where to go next

- *Next chapter:* `08_mnist`, your modules on handwritten digits, to 95 per cent.
- *In the library:* `torch/nn/modules/module.py` is the tree; read `__setattr__`, `_call_impl` (hooks) and `named_modules`.
  `torch/nn/modules/linear.py` is your exercise 7.2, `torch/nn/init.py` your 7.3 and 7.4, `torch/nn/parameter.py` is shorter
  than you expect, and `torch/utils/hooks.py` holds the handle that you removed.
- *Further:* Glorot and Bengio, *Understanding the difficulty of training deep feedforward neural networks* (2010); He and
  others, *Delving deep into rectifiers* (2015); Gamma and others, *Design Patterns*, the chapter on Composite.
- *Try:* give `ActivationRecorder` a backward hook and draw the spread of the *gradients* layer by layer, once with
  `mode="fan_in"` and once with `mode="fan_out"`, for a network that gets narrower and narrower.
"""
