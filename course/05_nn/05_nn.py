# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
r"""
# 5 · Layers and losses

By the end of this notebook the network of the earlier chapters is four words long: `Linear`, `ReLU`,
`Linear`, `MSELoss`. You will have built most of what stands behind those words yourself: the container that
chains layers, two losses, a training step that works for *any* network, and the two layers that behave
differently while you train and while you measure.
"""

# %% [markdown]
r"""
$$x \;\to\; \boxed{\text{Linear}\;\;\theta} \;\to\; \boxed{\text{ReLU}} \;\to\; \boxed{\text{Linear}\;\;\theta}
\;\to\; \hat y \;\to\; \boxed{\text{loss}} \;\leftarrow\; y$$

| a box carries | what for | where in this chapter |
|---|---|---|
| `forward` | what it computes | everywhere |
| parameters $\theta$ | what training moves | 5.1, 5.2, 5.7 |
| other boxes | a network is a box too | 5.2, 5.3 |
| buffers | what it remembers without training it | 5.9 |
| a mode | training, or evaluation | 5.8, 5.9 |
"""

# %% [markdown]
r"""
**What hurt so far.** Autograd took the backward pass off our hands, and one chapter ago we even taught it
new operations. The weights were still ours to carry. Each new layer meant three edits in three places: make
its tensors, use them in the forward pass, and add them to the list that gets updated. Forget the third and
nothing complains: that layer simply never learns.

*Needs: chapters 1 and 3. Nine exercises, about two and a quarter hours of them, and an hour and a half of
reading and looking: 5.1 to 5.5 and 5.6 to 5.10 make two good evenings.*
"""

# %% tags=["setup"] nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import itertools

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from layer_by_layer import candidates, judges, parts
from layer_by_layer.instruments import stand_in
from layer_by_layer.instruments.gallery import gallery
from layer_by_layer.instruments.recall import compare_guesses
from lessonkit import check, plot
from lessonkit.hints import hint

# %% [markdown]
r"""
**Before you start: four questions on chapters 1 to 4.** Type what you expect in place of each `...`, then run
both cells. No points, and nothing is kept.

1. Softmax of the logits (0, 0): what is the first probability?
2. The gradient of the cross-entropy with respect to those logits, where the right class is the first: what
   is its first entry? (What was said, minus what is true.)
3. `w` is a leaf that requires grad. Is it still one after `w -= 0.1 * w.grad` under `torch.no_grad()`? And
   what does `w = w - 0.1 * w.grad` (outside of it) give: a leaf, or not?
4. A tensor of shape (4, 1) minus one of shape (4,): what shape comes out?
"""

# %%
guesses = [..., ..., ..., ...]

# %% tags=["picture"]
def two_updates():
    inside, outside = (torch.ones(1, requires_grad=True) for _ in range(2))
    with torch.no_grad():
        inside -= 0.1
    outside = outside - 0.1
    return inside.is_leaf, outside.is_leaf


def gradient_of_logits():
    z = torch.zeros(1, 2, requires_grad=True)
    return torch.autograd.grad(F.cross_entropy(z, torch.tensor([0])), z)[0][0, 0].item()


compare_guesses(
    guesses,
    {
        "1. softmax of (0, 0), first entry": lambda: torch.zeros(2).softmax(0)[0].item(),
        "2. its gradient, first entry": gradient_of_logits,
        "3. still a leaf, in place and not": two_updates,
        "4. (4, 1) minus (4,)": lambda: tuple((torch.ones(4, 1) - torch.ones(4)).shape),
    },
)

# %% [markdown]
r"""
## 5.1 A layer that brings its own weights

Below is one layer twice. First as in chapter 3: two tensors, kept by us. Then as an object that made its
tensors itself. Run the cell and compare the two results, then the two shapes of the weight.
"""

# %% tags=["picture"]
torch.manual_seed(0)
batch = torch.randn(5, 3)  # five examples of three numbers
layer = nn.Linear(3, 2)  # three in, two out: it draws its own weight and bias
w, b = layer.weight.detach().T, layer.bias.detach()  # the same numbers, the way we kept them

print("the same result:", torch.allclose(batch @ w + b, layer(batch)))
print("our weight:", tuple(w.shape), "  the layer's:", tuple(layer.weight.shape))
print("what it brings:", [name for name, _ in layer.named_parameters()])

# %% [markdown]
r"""
Two things to take from that. `nn.Linear` keeps its weight as **(out, in)**, one row for each output, and
computes `x @ weight.T + bias`. And it can *list* what it brought: `named_parameters()` gives every tensor
that training should move, with a name. Nobody keeps a list by hand any more, so nobody can forget an entry.
"""

# %% [markdown]
r"""
**The same thing in two spellings.** Nearly everything in `torch.nn` exists a second time in
`torch.nn.functional`, by habit imported as `F`. The module holds what has to be kept between calls; the
function gets everything handed in.

| module, an object | function | kept between calls |
|---|---|---|
| `nn.Linear(3, 2)` | `F.linear(x, weight, bias)` | weight and bias |
| `nn.ReLU()` | `F.relu(x)` | nothing |
| `nn.Dropout(0.5)` | `F.dropout(x, 0.5, training=…)` | `p`, and the mode |
| `nn.MSELoss()` | `F.mse_loss(y_pred, y)` | how to reduce |
"""

# %% [markdown]
r"""
**Which one?** Where there is something to remember (weights, statistics, the mode), take the module: it is
listed, saved and switched along with the rest. Where there is nothing to remember, it is a matter of taste:
`F.relu(h)` inside a `forward` is as good as an `nn.ReLU()`.

One place wants the object in any case: a *list* of steps. `nn.Sequential(nn.Linear(4, 3), nn.ReLU())` calls
one entry after the other, and every entry has to be a module.
"""

# %% [markdown]
r"""
### Exercise 5.1 · `build_mlp`
*difficulty 1 of 3 · 10 minutes · about 6 lines*

Write `build_mlp(sizes)`: from the list `[d0, d1, …, dk]` build an `nn.Sequential` of `k` layers `nn.Linear`
with bias, d0 → d1 → … → dk, with an `nn.ReLU` between every two and **none after the last**: what comes out
may be negative. `[4, 2]` is a single `Linear` in an `nn.Sequential`. Every call builds new layers, and the
list stays as it is. Fewer than two sizes raise `ValueError`.
"""


# %% nbgrader={"grade": false, "grade_id": "build_mlp", "locked": false, "schema_version": 3, "solution": true, "task": false}
def build_mlp(sizes):
    """[d0, d1, ..., dk] -> nn.Sequential: (N, d0) -> (N, dk)"""
    # about 6 lines
    ### BEGIN SOLUTION
    if len(sizes) < 2:
        raise ValueError(f"a layer has an input and an output size; sizes has {len(sizes)} entries")
    layers = []
    for i in range(len(sizes) - 1):  # neighbours: (d0, d1), (d1, d2), ...
        layers += [nn.Linear(sizes[i], sizes[i + 1]), nn.ReLU()]
    return nn.Sequential(*layers[:-1])  # the last ReLU would cut every negative answer to 0
    ### END SOLUTION


# %%
hint("build_mlp")


# %% nbgrader={"grade": true, "grade_id": "build_mlp__layers", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("build_mlp__layers")
def _():
    def kinds(model):
        inner = list(model._modules.values())
        if inner:
            return [kind for module in inner for kind in kinds(module)]
        return [next((k.__name__ for k in (nn.Linear, nn.ReLU) if isinstance(model, k)), str(type(model)))]

    def layers(sizes):
        model = build_mlp(sizes)
        return isinstance(model, nn.Sequential), kinds(model)

    check.equal(
        "[4, 3, 2] is an nn.Sequential of Linear, ReLU, Linear",
        lambda: layers([4, 3, 2]),
        expected=(True, ["Linear", "ReLU", "Linear"]),
        advice="print(build_mlp([4, 3, 2])) and read it from the top",
    )
    check.equal(
        "each Linear has a weight (out, in) and a bias (out,)",
        lambda: [list(p.shape) for p in build_mlp([4, 3, 2]).parameters()],
        expected=[[3, 4], [3], [2, 3], [2]],
    )
    check.equal(
        "two sizes are one layer in a Sequential, without ReLU",
        lambda: layers([4, 2]),
        expected=(True, ["Linear"]),
    )
    check.equal(
        "five sizes are four layers, three ReLUs between",
        lambda: layers([2, 6, 5, 4, 3]),
        expected=(True, ["Linear", "ReLU"] * 3 + ["Linear"]),
    )
    check.equal(
        "layers of one size are still layers of their own",
        lambda: [list(p.shape) for p in build_mlp([5, 5, 5, 5]).parameters()],
        expected=[[5, 5], [5]] * 3,
    )
    ### BEGIN HIDDEN TESTS
    check.equal(
        "twelve sizes are eleven layers, sizes of 1 among them",
        lambda: ([list(p.shape) for p in build_mlp([1, 2] * 6).parameters()], layers([1, 2] * 6)),
        expected=([[2, 1], [2], [1, 2], [1]] * 5 + [[2, 1], [2]], (True, ["Linear", "ReLU"] * 10 + ["Linear"])),
    )
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "build_mlp__values", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("build_mlp__values")
def _():
    def run(sizes, weights, x):
        model = build_mlp(sizes).to(x.dtype)
        with torch.no_grad():
            for parameter, weight in zip(model.parameters(), weights, strict=True):
                parameter.copy_(weight)
        return model(x)

    by_hand = [
        torch.tensor([[1.0, -1.0], [2.0, 0.0]]),
        torch.tensor([0.0, 1.0]),
        torch.tensor([[3.0, -2.0]]),
        torch.tensor([0.5]),
    ]
    check.close(
        "with weights set by hand: hidden (-1, 3) becomes (0, 3), and -2·3 + 0.5 = -5.5",
        lambda: run([2, 2, 1], by_hand, torch.tensor([[1.0, 2.0], [-1.0, 1.0]])),
        expected=torch.tensor([[-5.5], [0.5]]),
        advice="a negative answer has to come through: is there something behind the last layer?",
    )
    ### BEGIN HIDDEN TESTS
    shapes = [(5, 3), (5,), (4, 5), (4,), (2, 4), (2,)]
    deep = [check.tensor(510 + i, *shape, dtype="float64") for i, shape in enumerate(shapes)]
    many, one = (
        check.tensor(520, 6, 3, dtype="float64"),
        check.tensor(521, 1, 3, dtype="float64", strided=True),
    )

    def expected(x):
        a = torch.relu(torch.relu(x @ deep[0].T + deep[1]) @ deep[2].T + deep[3])
        return a @ deep[4].T + deep[5]

    check.close(
        "three layers on any batch", lambda: run([3, 5, 4, 2], deep, many), expected=lambda: expected(many)
    )
    check.close(
        "a batch of one through three layers",
        lambda: run([3, 5, 4, 2], deep, one),
        expected=lambda: expected(one),
    )
    check.probes("what build_mlp promises besides its numbers", lambda: lambda x: run([3, 5, 4, 2], deep, x), check.tensor(958, 6, 3), rtol=1e-4, atol=1e-5, expected=lambda: lambda x: expected(x.double()).to(x.dtype))
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "build_mlp__care", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("build_mlp__care")
def _():
    def common():
        one, other = build_mlp([3, 4, 2]), build_mlp([3, 4, 2])
        shared = {id(p) for p in one.parameters()} & {id(p) for p in other.parameters()}
        return len(list(one.parameters())), len(shared)

    sizes = [3, 4, 2]
    check.equal("every call builds new layers", common, expected=(4, 0))
    check.unchanged("the list of sizes is left alone", lambda: build_mlp(sizes), sizes)
    check.raises(
        "one size is no layer",
        lambda: len(build_mlp([3])),
        ValueError,
        advice="raise ValueError(...) where fewer than two sizes come in",
    )
    ### BEGIN HIDDEN TESTS
    check.raises("no size is no layer either", lambda: len(build_mlp([])), ValueError)
    ### END HIDDEN TESTS


# %% [markdown]
r"""
The running example of the course, in your own words: 1000 numbers in, 100 hidden, 10 out. Where do its
parameters sit? Guess before you look.
"""

# %% tags=["picture"]
mlp = stand_in.yours_or_ours("build_mlp", parts.layers.build_mlp, lambda made: str(made([3, 2, 1])))
running_example = mlp([1000, 100, 10])
sizes_of = {name: p.numel() for name, p in running_example.named_parameters()}
plot.bars(
    sizes_of,
    xlabel="numbers to learn",
    alt=f"Parameters of the two-layer network, made by {stand_in.whose('build_mlp')} function: "
    + ", ".join(f"{name} holds {count:,}" for name, count in sizes_of.items()),
)

# %% [markdown]
r"""
Nearly everything is in the first weight. The names are positions in the `Sequential`: `0` is the first
`Linear`, `1` the ReLU (which has nothing to learn), `2` the second `Linear`.
"""

# %% [markdown]
r"""
## 5.2 The anatomy of a module

All boxes of this chapter are *modules*: objects of a class that inherits from `nn.Module`. Here is a whole
one, a layer that stretches each of its D columns by a number of its own and then hands them to a `Linear`.
Everything that you need in order to write modules is in these lines.
"""

# %%
class Stretch(nn.Module):
    """(N, D) -> (N, out)"""

    def __init__(self, size, out):
        super().__init__()  # first of all: makes the lists that the next lines register in
        self.scale = nn.Parameter(torch.ones(size))  # a tensor that training moves
        self.mix = nn.Linear(size, out)  # another module: a box in the box
        self.size = size  # anything else is a plain attribute

    def forward(self, x):  # what the box computes; you write it ...
        return self.mix(x * self.scale)


stretch = Stretch(3, 2)
y = stretch(torch.randn(5, 3))  # ... and never call it: you call the object
print([name for name, _ in stretch.named_parameters()], tuple(y.shape), stretch.training)

# %% [markdown]
r"""
Read the printed list against the class. Four things happened that nobody wrote:

- `nn.Parameter` is a tensor that says *I am to be trained*. As an attribute of a module it is **registered**:
  `parameters()` finds it. It requires grad from the start. A plain tensor is not found.
- `self.mix = nn.Linear(…)` registered a module. Its parameters are found too, under `mix.`.
- `stretch(x)` called `forward(x)`, and would have called *hooks* before and after it: functions that others
  hang onto a module to look in. `stretch.forward(x)` leaves those out.
- `training` is a flag that every module has, `True` at first: 5.8 is about it.
"""

# %% [markdown]
r"""
## 5.3 The container, from the inside

`nn.Sequential` looks like a list, and a Python list of layers would give the same answers. What does it do
that a list does not? It is a module itself, and it **registers** the modules it is given. Only what is
registered is found by `parameters()`, `state_dict()`, `.eval()` and `.to(device)`, which walk the tree of
modules from the top down.
"""

# %% [markdown]
r"""
`state_dict()` is what gets saved: a dictionary from each name to its tensor, parameters now and buffers later (5.9).

There are two ways to register a module inside another one, and both end in the same dictionary:

- `self.first = nn.Linear(4, 3)`: an *attribute* whose value is a module. Its name becomes part of the
  parameters' names: `first.weight`.
- `self.add_module("0", nn.Linear(4, 3))`: the same under any name, also one that is no Python name, such as
  a number.

A module hidden in a plain list, `self.layers = [...]`, is not registered. It computes, and never learns.
"""


# %% tags=["picture"]
class Hidden(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = [nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2)]  # a plain Python list


print("parameters found in a plain list:", len(list(Hidden().parameters())))
print("parameters found in a Sequential:", len(list(nn.Sequential(*Hidden().layers).parameters())))

# %% [markdown]
r"""
### Exercise 5.3 · `sequential`
*difficulty 2 of 3 · 15 minutes · about 12 lines*

Write `Sequential(*modules)`, an `nn.Module`: calling it sends the input through the modules in order.
`len(s)` counts them, `s[0]` and `s[-1]` return them, `for module in s` goes through them. **A module that is
passed twice runs twice**, counts twice and appears twice. The keys of `state_dict()` are those of
`nn.Sequential`: `0.weight`, `0.bias`, `2.weight`, … `nn.Sequential` itself is not allowed.
"""


# %% nbgrader={"grade": false, "grade_id": "sequential", "locked": false, "schema_version": 3, "solution": true, "task": false}
class Sequential(nn.Module):
    """Sequential(first, second, ...): runs its modules one after the other"""

    def __init__(self, *modules):
        # about 3 lines
        ### BEGIN SOLUTION
        super().__init__()
        for position, module in enumerate(modules):
            self.add_module(str(position), module)  # registered under "0", "1", ...
        ### END SOLUTION

    def forward(self, x):
        # about 3 lines
        ### BEGIN SOLUTION
        for module in self:
            x = module(x)  # called, not .forward(x): calling also runs hooks
        return x
        ### END SOLUTION

    def __len__(self):
        # about 1 line
        ### BEGIN SOLUTION
        return len(self._modules)
        ### END SOLUTION

    def __getitem__(self, index):
        # about 1 line
        ### BEGIN SOLUTION
        # self.children() would skip a module it has met before; _modules keeps every position
        return list(self._modules.values())[index]
        ### END SOLUTION

    def __iter__(self):
        # about 1 line
        ### BEGIN SOLUTION
        return iter(self._modules.values())
        ### END SOLUTION


# %%
hint("sequential")


# %% nbgrader={"grade": true, "grade_id": "sequential__forward", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("sequential__forward")
def _():
    def linear(weight, bias):
        layer = nn.Linear(len(weight[0]), len(weight))
        layer.load_state_dict({"weight": torch.tensor(weight), "bias": torch.tensor(bias)})
        return layer

    first, second = linear([[1.0, -1.0], [2.0, 0.0]], [0.0, 1.0]), linear([[3.0, -2.0]], [0.5])
    x = torch.tensor([[1.0, 2.0], [-1.0, 1.0]])
    check.close(
        "Linear, ReLU, Linear with weights set by hand",
        lambda: Sequential(first, nn.ReLU(), second)(x),
        expected=torch.tensor([[-5.5], [0.5]]),
        advice="each module gets what the one before it returned",
    )
    triple = linear([[3.0]], [1.0])
    check.close(
        "a module passed twice runs twice: 3·(3·2 + 1) + 1 = 22",
        lambda: Sequential(triple, triple)(torch.tensor([[2.0]])),
        expected=torch.tensor([[22.0]]),
        advice="print the modules your forward goes through: are there two?",
    )

    def called():
        seen, looked_at = [], linear([[3.0]], [1.0])
        looked_at.register_forward_hook(lambda module, given, out: seen.append(out.item()))
        Sequential(looked_at, looked_at)(torch.tensor([[2.0]]))
        return seen

    check.close(
        "each module is called, so a hook that somebody hung onto it runs every time: it sees 7, then 22",
        called,
        expected=[7.0, 22.0],
        advice="module(x) and module.forward(x) compute the same; only one of them runs hooks",
    )
    ### BEGIN HIDDEN TESTS
    check.close(
        "alternating two modules, four steps",
        lambda: Sequential(triple, nn.Tanh(), triple, nn.Tanh())(x[:, :1]),
        expected=lambda: torch.tanh(3 * torch.tanh(3 * x[:, :1] + 1) + 1),
    )
    check.close("one module alone", lambda: Sequential(second)(x), expected=lambda: second(x).detach())
    check.close(
        "a Sequential in a Sequential",
        lambda: Sequential(Sequential(first, nn.ReLU()), second)(x),
        expected=torch.tensor([[-5.5], [0.5]]),
    )
    check.unchanged("the input of the chain is left alone", lambda: Sequential(first, nn.Tanh())(x), x)
    check.probes("what Sequential promises besides its numbers", lambda: Sequential(linear([[1.0, -1.0], [2.0, 0.0]], [0.0, 1.0]), nn.Tanh()), check.tensor(959, 6, 2), promises=("memory that is not contiguous", "one row", "float64", "the same call twice", "inputs left alone", "training and evaluation", "deepcopy"), expected=lambda: nn.Sequential(linear([[1.0, -1.0], [2.0, 0.0]], [0.0, 1.0]), nn.Tanh()))
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "sequential__container", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("sequential__container")
def _():
    a, b, c = nn.Linear(2, 5), nn.Linear(5, 7), nn.Linear(7, 3)
    check.equal(
        "len() counts the modules, and indexing finds them from both ends",
        lambda: (
            len(Sequential(a, b, c)),
            [Sequential(a, b, c)[i].out_features for i in (0, 1, 2, -1, -2, -3)],
        ),
        expected=(3, [5, 7, 3, 3, 7, 5]),
        advice="s[-1] is the last module: how does a list treat a negative index?",
    )
    check.equal(
        "a for loop goes through the modules in order, and ends (looked at for ten steps)",
        lambda: [module.out_features for module in itertools.islice(Sequential(a, b, c), 10)],
        expected=[5, 7, 3],
        advice="without __iter__ Python asks for s[0], s[1], … until IndexError",
    )

    def twice_through(chain):
        return [[module.out_features for module in itertools.islice(chain, 10)] for _ in range(2)]

    check.equal(
        "one Sequential can be walked through twice",
        lambda: twice_through(Sequential(a, b)),
        expected=[[5, 7], [5, 7]],
    )
    dozen = [nn.Linear(1, 1 + k) for k in range(12)]
    check.equal(
        "twelve modules keep the order in which they were given, and are the very objects",
        lambda: [Sequential(*dozen)[i] is module for i, module in enumerate(dozen)],
        expected=[True] * 12,
    )
    ### BEGIN HIDDEN TESTS
    square = nn.Linear(4, 4)
    relu = nn.ReLU()

    def repeated():
        chain = Sequential(square, relu, square, relu, square)
        walked = [module is square for module in itertools.islice(chain, 10)]
        return len(chain), walked, [chain[i] is square for i in range(-5, 5)]

    pattern = [True, False, True, False, True]
    check.equal(
        "a repeated module counts and appears every time", repeated, expected=(5, pattern, pattern + pattern)
    )
    steps = [nn.Linear(1, 1) for _ in range(13)]
    for k, step in enumerate(steps):
        step.load_state_dict({"weight": torch.tensor([[1.0 + k / 8]]), "bias": torch.tensor([float(-k)])})

    def by_hand(x):
        for k in range(13):
            x = x * (1.0 + k / 8) - k
        return x

    line = check.tensor(537, 3, 1, dtype="float64")
    check.close(
        "thirteen modules run in the order in which they were given",
        lambda: Sequential(*steps).double()(line),
        expected=lambda: by_hand(line),
    )
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "sequential__state", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("sequential__state")
def _():
    def chain():
        return Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))

    check.equal(
        "the keys of the state are those of nn.Sequential",
        lambda: sorted(chain().state_dict()),
        expected=["0.bias", "0.weight", "2.bias", "2.weight"],
        advice="print(list(s.state_dict())): the name a module is registered under stands before the dot",
    )
    check.equal(
        "it is a module, and its parameters are found, those of the first layer first",
        lambda: (isinstance(chain(), nn.Module), [list(p.shape) for p in chain().parameters()]),
        expected=(True, [[3, 2], [3], [1, 3], [1]]),
    )
    ### BEGIN HIDDEN TESTS
    check.equal(
        "eval() reaches every module",
        lambda: [module.training for module in itertools.islice(chain().eval(), 10)],
        expected=[False, False, False],
    )

    def modes():
        inner = nn.Dropout(0.5)
        mixed = Sequential(nn.Linear(2, 2), inner).eval()
        inner.train()
        mixed(torch.ones(3, 2))
        return [module.training for module in (mixed, mixed[0], inner)]

    check.equal("a call leaves every mode as it is", modes, expected=[False, False, True])

    def loaded(mine):
        shapes = {"0.weight": (3, 2), "0.bias": (3,), "2.weight": (1, 3), "2.bias": (1,)}
        mine.load_state_dict(
            {name: check.tensor(530 + i, *shape) for i, (name, shape) in enumerate(shapes.items())}
        )
        x = check.tensor(535, 4, 2)
        mine(x).sum().backward()
        return mine(x), [p.grad for p in mine.parameters()]

    check.close(
        "it loads what nn.Sequential saved, and gradients reach every layer",
        lambda: loaded(chain()),
        expected=lambda: loaded(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))),
    )

    def shared():
        square = nn.Linear(2, 2)
        keys = sorted(Sequential(square, nn.ReLU(), square).state_dict())
        return keys, len(list(Sequential(square, square).parameters()))

    check.equal(
        "a shared module is saved under both its places and learned once",
        shared,
        expected=(["0.bias", "0.weight", "2.bias", "2.weight"], 2),
    )
    check.equal(
        "float64 all the way down",
        lambda: str(chain().double()(torch.ones(1, 2, dtype=torch.float64)).dtype),
        expected="torch.float64",
    )
    ### END HIDDEN TESTS


# %% [markdown]
r"""
**Look inside while it runs.** Your container can be walked through, so we can stop after every module and
look at what it hands on. Four layers of 64, each with a ReLU behind it, and a random batch:
"""

# %% tags=["picture"]
torch.manual_seed(1)
container = stand_in.yours_or_ours("Sequential", nn.Sequential, parts.layers.chained)
tower = container(*[module for _ in range(4) for module in (nn.Linear(64, 64), nn.ReLU())])
seen, signal = {}, torch.randn(256, 64)
for position, module in enumerate(tower):
    signal = module(signal)
    if position % 2 == 0:
        seen[f"after Linear {position}"] = signal.detach()
spreads = ", ".join(f"{float(values.std()):.2f}" for values in seen.values())
variances = [float(values.var()) for values in seen.values()]
print("variance, layer by layer:", ", ".join(f"{v:.3f}" for v in variances))
print("each divided by the next:", ", ".join(f"{a / b:.1f}" for a, b in itertools.pairwise(variances)))
plot.histograms(
    seen,
    alt=(
        f"What {stand_in.whose('Sequential')} Sequential hands on after each of its four Linear layers: the spread goes "
        f"{spreads}, smaller with every layer"
    ),
)

# %% [markdown]
r"""
The signal dies away. By itself a layer of `nn.Linear(n, n)` behind a ReLU divides the variance (the square of
the *spread*, the standard deviation) by 6: its default weights have the variance $1/(3n)$, and the ReLU has
thrown half of the square away. The printed factors are smaller, and fall, because every layer also adds the
variance of its biases, which does not shrink. Chapter 7 derives this and chooses better starting weights;
5.9 below repairs the signal on the way.
"""

# %% [markdown]
r"""
## 5.4 A loss is a layer without weights

A loss takes two tensors and returns one number to go downhill on. There is nothing to learn in it, so a
function would do. As a module it can carry its *settings*, and it can be handed to other code as one thing:
"here is my network, and here is how wrong it is".

The setting every loss has is its **reduction**, what happens to the many errors of a batch:

| `reduction=` | returns |
|---|---|
| `"mean"`, the default | one number: the average over **all** entries |
| `"sum"` | one number: their sum, as in chapter 1 |
| `"none"` | every squared difference, in the shape of the input |
"""

# %% [markdown]
r"""
**A trap that costs real days.** A network returns (N, 1), the targets are (N,). Subtract them, and
broadcasting makes an (N, N) table: every prediction against every target. Its mean is a number, it even falls
during training, and the network learns to say the average of all targets whatever it is shown.
"""

# %% tags=["picture"]
guesses, truths = torch.tensor([[1.0], [2.0], [3.0], [4.0]]), torch.tensor([1.0, 2.0, 3.0, 4.0])
plot.heatmap(
    (guesses - truths) ** 2,
    "(4, 1) minus (4,), squared",
    xlabel="target",
    ylabel="prediction",
    alt=(
        "All four predictions are exactly right, yet the squared differences form a 4 by 4 table: "
        "zero only on the diagonal, up to 9 in the corners, mean 2.5"
    ),
)

# %% [markdown]
r"""
Four perfect predictions, and a loss of 2.5. The loss you write refuses such input.
"""

# %% [markdown]
r"""
### Exercise 5.4 · `mse_loss`
*difficulty 1 of 3 · 10 minutes · about 10 lines*

Write `MSELoss(reduction="mean")`, an `nn.Module` called as `loss(y_pred, y)` on two tensors of one shape, any
number of axes: the squared differences, averaged over all entries (`"mean"`), added up (`"sum"`), or as they
are (`"none"`), as a tensor that gradients flow through. `ValueError` for any other `reduction`, when
constructed or when called, and where the two shapes differ. Not allowed: `F.mse_loss`, `nn.MSELoss`.
"""


# %% nbgrader={"grade": false, "grade_id": "mse_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
class MSELoss(nn.Module):
    """MSELoss(reduction)(y_pred, y): two tensors of one shape -> a 0-dim tensor, or for "none" that shape"""

    def __init__(self, reduction="mean"):
        # about 4 lines
        ### BEGIN SOLUTION
        super().__init__()
        if reduction not in ("mean", "sum", "none"):  # at once, not an hour into the training
            raise ValueError(f'reduction is "mean", "sum" or "none", not {reduction!r}')
        self.reduction = reduction
        ### END SOLUTION

    def forward(self, y_pred, y):
        # about 6 lines
        ### BEGIN SOLUTION
        if y_pred.shape != y.shape:
            raise ValueError(
                f"shapes {tuple(y_pred.shape)} and {tuple(y.shape)} differ; broadcasting would hide it"
            )
        squares = (y_pred - y) ** 2
        if self.reduction == "none":
            return squares
        return squares.sum() if self.reduction == "sum" else squares.mean()
        ### END SOLUTION


# %%
hint("mse_loss")


# %% nbgrader={"grade": true, "grade_id": "mse_loss__values", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("mse_loss__values")
def _():
    y_pred, y = torch.tensor([[1.0, 5.0], [0.0, 2.0]]), torch.tensor([[0.0, 3.0], [1.0, 2.0]])
    check.close(
        "the squares are 1, 4, 1, 0: their mean is 1.5",
        lambda: MSELoss()(y_pred, y),
        expected=torch.tensor(1.5),
        advice="print the squared differences, and divide their sum by how many there are",
    )
    check.close(
        "their sum is 6, and without reduction they stay as they are",
        lambda: (MSELoss(reduction="sum")(y_pred, y), MSELoss(reduction="none")(y_pred, y)),
        expected=(torch.tensor(6.0), torch.tensor([[1.0, 4.0], [1.0, 0.0]])),
    )
    ### BEGIN HIDDEN TESTS
    one, other = (
        check.tensor(540, 2, 3, 4, dtype="float64"),
        check.tensor(541, 2, 3, 4, dtype="float64", strided=True),
    )
    check.close(
        "three axes in float64, all reductions",
        lambda: [MSELoss(reduction=how)(one, other) for how in ("mean", "sum", "none")],
        expected=lambda: [F.mse_loss(one, other, reduction=how) for how in ("mean", "sum", "none")],
    )
    row, target = check.tensor(542, 7), check.tensor(543, 7)
    check.close(
        "one axis",
        lambda: [MSELoss(reduction=how)(row, target) for how in ("mean", "sum", "none")],
        expected=lambda: [F.mse_loss(row, target, reduction=how) for how in ("mean", "sum", "none")],
    )
    single = check.tensor(544, 1, 5)
    check.close(
        "one example of five numbers",
        lambda: MSELoss()(single, single * 3),
        expected=lambda: F.mse_loss(single, single * 3),
    )

    def again(loss):
        return [loss(other, one), loss(row, target), loss(other, one)]

    check.close(
        "one loss object serves several times",
        lambda: again(MSELoss()),
        expected=lambda: again(F.mse_loss),
    )
    check.probes("what MSELoss promises besides its numbers", lambda: MSELoss(), check.tensor(951, 4, 3), check.tensor(952, 4, 3), promises=("memory that is not contiguous", "one row", "float64", "the same call twice", "inputs left alone", "training and evaluation"), expected=lambda: nn.MSELoss())
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "mse_loss__gradient", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("mse_loss__gradient")
def _():
    def gradient(loss, y_pred, y, upstream):
        leaf = y_pred.clone().requires_grad_()
        (loss(leaf, y) * upstream).sum().backward()
        return leaf.grad

    y_pred, y = torch.tensor([[1.0, 5.0], [0.0, 2.0]]), torch.tensor([[0.0, 3.0], [1.0, 2.0]])
    check.close(
        "the gradient of the mean is 2·(y_pred - y) over the number of entries",
        lambda: gradient(MSELoss(), y_pred, y, torch.tensor(1.0)),
        expected=torch.tensor([[0.5, 1.0], [-0.5, 0.0]]),
        advice="the result has to stay a tensor that knows where it came from: no .item(), no float(...)",
    )
    check.unchanged("neither of the two tensors is changed", lambda: MSELoss()(y_pred, y), y_pred, y)
    ### BEGIN HIDDEN TESTS
    one, other, up = (check.tensor(545 + i, 3, 4, dtype="float64") for i in range(3))
    check.close(
        "every entry's own gradient, without reduction",
        lambda: gradient(MSELoss(reduction="none"), one, other, up),
        expected=lambda: 2 * (one - other) * up,
    )
    check.close(
        "the gradient of three times the sum",
        lambda: gradient(MSELoss(reduction="sum"), one, other, 3.0),
        expected=lambda: 6 * (one - other),
    )
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "mse_loss__refuses", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("mse_loss__refuses")
def _():
    check.equal(
        "it is a module without parameters",
        lambda: (isinstance(MSELoss(), nn.Module), len(list(MSELoss(reduction="sum").parameters()))),
        expected=(True, 0),
        advice="class MSELoss(nn.Module), and super().__init__() as the first line of __init__",
    )
    check.close(
        "tensors of one shape are accepted, four rows of one number too",
        lambda: MSELoss()(torch.ones(4, 1), torch.zeros(4, 1)),
        expected=torch.tensor(1.0),
    )

    def said(*shapes):
        try:
            MSELoss()(*(torch.ones(*shape) for shape in shapes))
        except ValueError:
            return "ValueError"
        except RuntimeError:
            return "another error"
        return "a number"

    check.equal(
        "two shapes that differ are refused, whether they would broadcast, hold as many numbers, or neither",
        lambda: [
            said((4, 1), (4,)), said((4, 3), (3,)), said((4, 3), (4, 1)), said((2, 3), (3, 2)), said((2, 6), (2, 2, 3))
        ],
        expected=["ValueError"] * 5,
        advice="compare y_pred.shape with y.shape before you subtract",
    )
    check.raises(
        "a reduction that does not exist is refused",
        lambda: MSELoss(reduction="average")(torch.ones(2), torch.ones(2)),
        ValueError,
    )
    ### BEGIN HIDDEN TESTS
    check.raises(
        "(4, 3) against (3,) is refused",
        lambda: MSELoss(reduction="sum")(torch.ones(4, 3), torch.ones(3)),
        ValueError,
    )
    check.raises(
        "(1, 3) against (4, 3) is refused",
        lambda: MSELoss(reduction="none")(torch.ones(1, 3), torch.ones(4, 3)),
        ValueError,
    )
    check.raises(
        "(4, 3) against (4, 1) is refused", lambda: MSELoss()(torch.ones(4, 3), torch.ones(4, 1)), ValueError
    )
    check.raises(
        "(2, 3) against (3, 2) is refused", lambda: MSELoss()(torch.ones(2, 3), torch.ones(3, 2)), ValueError
    )
    check.raises(
        "batchmean is another loss's reduction",
        lambda: MSELoss(reduction="batchmean")(torch.ones(2), torch.ones(2)),
        ValueError,
    )
    ### END HIDDEN TESTS


# %% tags=["picture"]
guess = torch.linspace(-2, 4, 61, requires_grad=True)
loss_kind = stand_in.yours_or_ours("MSELoss", nn.MSELoss, parts.layers.losses)
errors = loss_kind(reduction="none")(guess, torch.ones(61))
slopes = torch.autograd.grad(errors.sum(), guess)[0]
where = guess.detach()
plot.curves(
    {f"{stand_in.whose('MSELoss')} loss": (where, errors.detach()), "its gradient": (where, slopes)},
    xlabel="prediction, where the target is 1",
    ylabel="value",
    alt=(
        f"The squared error of one number is a parabola with its lowest point at the target, 1; its "
        f"gradient is a straight line through 0 there, from {float(slopes[0]):.1f} to "
        f"{float(slopes[-1]):.1f}"
    ),
)

# %% [markdown]
r"""
The further away, the harder it pulls: one wild target can outweigh a hundred good ones. That is the price of
the square, and the reason why libraries also offer the absolute error and mixtures of both.
"""

# %% [markdown]
r"""
## 5.5 Why losses work on logits

To *choose* one of C classes, a network gives C numbers, the **logits**, and softmax would make probabilities
of them. The loss wants the logarithm of one of those probabilities. Softmax first, logarithm afterwards: it
looks harmless.

$$p_k = \frac{e^{z_k}}{\sum_j e^{z_j}} \qquad\qquad
\log p_k = z_k - \log \sum_j e^{z_j} = (z_k - m) - \log \sum_j e^{z_j - m}$$

It is not, for two reasons that look alike and are not:

- **Overflow of exp.** float32 ends near $e^{88.7}$. A larger exponent is inf, and inf / inf is nan.
- **Logarithm of 0.** The smallest float32 above 0 is near $e^{-103.3}$. A probability below that *is* 0, and
  its logarithm is $-\infty$.

Taking the largest logit off before exp, as `torch.softmax` does, cures the first and not the second.
"""

# %% [markdown]
r"""
The right-hand form cures both. $m$, the largest logit **along the axis that is being normalised**, can be
taken off freely, because it cancels: the largest exponent is then $e^0 = 1$, and the sum is at least 1. And the
quotient has become a difference, so no tiny number is ever passed to a logarithm.

So a network returns logits, and the loss takes the logarithm of the softmax in *one* step. In torch that step
is called `log_softmax`.
"""

# %% [markdown]
r"""
### Exercise 5.5 · `log_softmax`
*difficulty 2 of 3 · 12 minutes · about 3 lines*

Write `log_softmax(x, dim)`: the logarithm of the softmax along the axis `dim`, in the shape of `x`. `x` has
any number of axes and `dim` may be negative. For values of ±10,000 the result is finite and right; gradients
flow through it; `x` stays as it is. Not allowed: torch's own `softmax`, `log_softmax` and `logsumexp`.
"""


# %% nbgrader={"grade": false, "grade_id": "log_softmax", "locked": false, "schema_version": 3, "solution": true, "task": false}
def log_softmax(x, dim):
    """any shape, an axis -> the same shape; exp of it sums to 1 along that axis"""
    # about 3 lines
    ### BEGIN SOLUTION
    # keepdim leaves an axis of size 1 where dim was, so that the largest lines up with what it is taken from
    shifted = x - x.amax(dim, keepdim=True)
    return shifted - shifted.exp().sum(dim, keepdim=True).log()
    ### END SOLUTION


# %%
hint("log_softmax")


# %% nbgrader={"grade": true, "grade_id": "log_softmax__values", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("log_softmax__values")
def _():
    x = torch.tensor([[1.0, 2.0, 5.0], [4.0, 3.0, 1.0]], dtype=torch.float64).log()
    check.close(
        "probabilities 1/8, 2/8, 5/8 and 4/8, 3/8, 1/8: their exp gives them back",
        lambda: log_softmax(x, 1).exp(),
        expected=torch.tensor([[0.125, 0.25, 0.625], [0.5, 0.375, 0.125]], dtype=torch.float64),
        advice="exp of your result has to sum to 1 along dim",
    )
    check.close(
        "along the other axis the columns sum to 1",
        lambda: log_softmax(x, 0).exp().sum(0),
        expected=torch.ones(3, dtype=torch.float64),
        advice="both the largest value and the sum belong to the axis dim, and keepdim=True lines them up",
    )
    ### BEGIN HIDDEN TESTS
    cube, square = check.tensor(550, 2, 3, 4), check.tensor(551, 4, 4, dtype="float64", strided=True)
    check.close(
        "every axis of three, counted from both ends",
        lambda: [log_softmax(cube, d) for d in (0, 1, 2, -1, -2, -3)],
        expected=lambda: [torch.log_softmax(cube, d) for d in (0, 1, 2, -1, -2, -3)],
    )
    check.close(
        "a square and strided matrix along both axes",
        lambda: [log_softmax(square, 0), log_softmax(square, dim=-1)],
        expected=lambda: [torch.log_softmax(square, 0), torch.log_softmax(square, 1)],
    )
    line, one = check.tensor(552, 5), check.tensor(553, 1, 3)
    check.close(
        "a single axis, and a single row",
        lambda: [log_softmax(line, 0), log_softmax(one, 1)],
        expected=lambda: [torch.log_softmax(line, 0), torch.log_softmax(one, 1)],
    )
    check.probes("what log_softmax promises besides its numbers", lambda: lambda x: log_softmax(x, -1), check.tensor(953, 4, 3), expected=lambda: lambda x: torch.log_softmax(x, -1))
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "log_softmax__large", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("log_softmax__large")
def _():
    sure = torch.tensor([[10000.0, -10000.0, 0.0]])
    check.close(
        "10,000 against -10,000 is 0 against -20,000",
        lambda: log_softmax(sure, 1),
        expected=torch.tensor([[0.0, -20000.0, -10000.0]]),
        advice="take the largest off before exp, and never take the log of a probability",
    )
    far_apart = torch.tensor([[10000.0, 10000.0], [-10000.0, -10000.0]])
    check.close(
        "two rows, one around 10,000 and one around -10,000: one half each, in both of them",
        lambda: log_softmax(far_apart, 1).exp(),
        expected=torch.full((2, 2), 0.5),
        atol=5e-3,
        advice="the largest value of which entries do you take off?",
    )
    check.unchanged("x is left alone", lambda: log_softmax(sure, 1), sure)
    ### BEGIN HIDDEN TESTS
    flat = check.tensor(557, 3, 1) * 1e4
    check.close(
        "along an axis of one entry the probability is 1",
        lambda: [log_softmax(flat, 1), log_softmax(flat.T, 0), log_softmax(flat[0], -1)],
        expected=lambda: [torch.zeros(3, 1), torch.zeros(1, 3), torch.zeros(1)],
        atol=5e-3,
    )
    rows = torch.tensor([[10000.0, 9999.0], [-10000.0, -10001.0], [0.0, -1.0]])
    check.close(
        "rows of very different size",
        lambda: log_softmax(rows, 1),
        expected=lambda: torch.log_softmax(rows, 1),
        atol=5e-3,
    )
    check.close(
        "columns of very different size",
        lambda: log_softmax(rows.T, 0),
        expected=lambda: torch.log_softmax(rows.T, 0),
        atol=5e-3,
    )
    wide = torch.from_numpy(check.rng(554).uniform(-1e4, 1e4, (4, 3, 5)))
    check.close(
        "large values on three axes in float64",
        lambda: [log_softmax(wide, d) for d in (0, 1, -1)],
        expected=lambda: [torch.log_softmax(wide, d) for d in (0, 1, -1)],
    )
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "log_softmax__gradient", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("log_softmax__gradient")
def _():
    def gradient(function, x, dim, upstream):
        leaf = x.clone().requires_grad_()
        (function(leaf, dim) * upstream).sum().backward()
        return leaf.grad

    x = torch.tensor([[1.0, 1.0, 2.0]], dtype=torch.float64).log()
    check.close(
        "the gradient of the first entry: 1 - 1/4 for itself, minus their probability for the others",
        lambda: gradient(log_softmax, x, 1, torch.tensor([1.0, 0.0, 0.0])),
        expected=torch.tensor([[0.75, -0.25, -0.5]], dtype=torch.float64),
        advice="every step has to stay on the tape: no detach, no no_grad around the sum",
    )
    ### BEGIN HIDDEN TESTS
    cube, up = check.tensor(555, 3, 4, 2, dtype="float64"), check.tensor(556, 3, 4, 2, dtype="float64")
    check.close(
        "the gradient along an inner axis",
        lambda: gradient(log_softmax, cube, 1, up),
        expected=lambda: gradient(torch.log_softmax, cube, 1, up),
    )
    far = torch.tensor([[10000.0, -10000.0, 0.0]])
    check.close(
        "the gradient at large values is finite",
        lambda: gradient(log_softmax, far, 1, torch.ones(1, 3)),
        expected=lambda: gradient(torch.log_softmax, far, 1, torch.ones(1, 3)),
        atol=5e-3,
    )
    ### END HIDDEN TESTS


# %% [markdown]
r"""
**Two cliffs, and your bridge over both.** Two classes; the right one falls further and further behind the
other. The plain softmax followed by log, the shifted one of torch followed by log, and your one step:
"""

# %% tags=["picture"]
behind = torch.arange(0.0, 161.0)
two = torch.stack([torch.zeros(161), behind], dim=1)  # the right class, and one that is ahead
plain = (two.exp() / two.exp().sum(1, keepdim=True)).log()[:, 0]
shifted = torch.softmax(two, 1).log()[:, 0]
bridge = stand_in.yours_or_ours("log_softmax", torch.log_softmax, lambda f: f(torch.tensor([[1e4, 0.0]]), 1))
ends = [int(behind[torch.isfinite(line)].max()) for line in (plain, shifted)]
plot.curves(
    {
        "plain softmax, then log": (behind[: ends[0] + 1], plain[: ends[0] + 1]),
        "torch.softmax, then log": (behind[: ends[1] + 1], shifted[: ends[1] + 1]),
        f"{stand_in.whose('log_softmax')} log_softmax": (behind, bridge(two, 1)[:, 0]),
    },
    xlabel="how far the right class is behind",
    ylabel="log of its probability",
    alt=(
        f"All fall along the same line; the plain softmax followed by log ends after {ends[0]}, where exp "
        f"overflows, torch's shifted softmax followed by log after {ends[1]}, where the probability becomes 0, "
        "and log_softmax goes on to the edge of the picture at 160"
    ),
)

# %% [markdown]
r"""
## 5.6 Cross-entropy

*Cross-entropy* is the mean of $-\log p$ at the right labels: how surprised was the network by the truth? With
`log_softmax` in hand, it is a matter of picking one entry from each row.

Real data has entries that should not count: padding at the end of a sentence, pixels nobody labelled. They
carry a special label, `ignore_index`. An ignored example adds **nothing to the sum and nothing to the
count**, and sends no gradient back.
"""

# %% [markdown]
r"""
### Exercise 5.6a · `cross_entropy`
*difficulty 2 of 3 · 15 minutes · about 7 lines*

Write `CrossEntropyLoss(ignore_index=-100)`, an `nn.Module` called as `loss(logits, labels)`: logits (N, C),
int64 labels (N,) → the mean of $-\log p$ over the labels that are not `ignore_index` (there is at least one),
as a 0-dim tensor. It is finite for logits of ±10,000, and both inputs stay as they are. Any number can be the
`ignore_index`, also one that would be a class. Your `log_softmax` is welcome. Not allowed:
`F.cross_entropy`, `F.nll_loss`, `nn.CrossEntropyLoss`, `nn.NLLLoss`.
"""


# %% nbgrader={"grade": false, "grade_id": "cross_entropy", "locked": false, "schema_version": 3, "solution": true, "task": false}
class CrossEntropyLoss(nn.Module):
    """CrossEntropyLoss(ignore_index)(logits (N, C), labels (N,)) -> a 0-dim tensor"""

    def __init__(self, ignore_index=-100):
        # about 2 lines
        ### BEGIN SOLUTION
        super().__init__()
        self.ignore_index = ignore_index
        ### END SOLUTION

    def forward(self, logits, labels):
        # about 4 lines
        ### BEGIN SOLUTION
        counts = labels != self.ignore_index
        # rows that do not count leave first: their labels may be no index at all
        log_p = log_softmax(logits[counts], 1)
        return -log_p.gather(1, labels[counts][:, None]).mean()
        ### END SOLUTION


# %%
hint("cross_entropy")

# %% [markdown]
r"""
The checks lend your class the course's own `log_softmax`, so an open exercise 5.5 costs nothing here.
"""


# %% nbgrader={"grade": true, "grade_id": "cross_entropy__values", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("cross_entropy__values")
def _():
    def run(logits, labels):
        with check.lend(CrossEntropyLoss.forward, log_softmax=parts.log_softmax):
            loss = CrossEntropyLoss()
            return isinstance(loss, nn.Module), loss(logits, labels)

    logits = torch.tensor([[1.0, 2.0, 5.0], [4.0, 3.0, 1.0]]).log()
    check.close(
        "probabilities 5/8 and 3/8: the mean of -log(5/8) and -log(3/8)",
        lambda: run(logits, torch.tensor([2, 1])),
        expected=(True, torch.tensor(0.7254164)),
        advice="one entry of each row, the one at its label: print which ones you pick",
    )
    check.close(
        "sure and right costs 0, sure and wrong costs 20,000: the mean is 10,000",
        lambda: run(torch.tensor([[1e4, -1e4], [1e4, -1e4]]), torch.tensor([0, 1])),
        expected=(True, torch.tensor(10000.0)),
    )
    ### BEGIN HIDDEN TESTS
    logits, labels = check.tensor(560, 6, 4, strided=True) * 3, check.integers(561, 0, 4, 6, kind="torch")
    check.close(
        "any batch of six",
        lambda: run(logits, labels),
        expected=lambda: (True, F.cross_entropy(logits, labels)),
    )
    square, each = check.tensor(562, 5, 5, dtype="float64"), torch.tensor([3, 0, 4, 4, 1])
    check.close(
        "as many examples as classes, float64",
        lambda: run(square, each),
        expected=lambda: (True, F.cross_entropy(square, each)),
    )
    one = check.tensor(563, 1, 7)
    check.close(
        "a batch of one",
        lambda: run(one, torch.tensor([3])),
        expected=lambda: (True, F.cross_entropy(one, torch.tensor([3]))),
    )
    check.unchanged("logits and labels are left alone", lambda: run(logits, labels), logits, labels)

    def again():
        with check.lend(CrossEntropyLoss.forward, log_softmax=parts.log_softmax):
            loss = CrossEntropyLoss()
            return [loss(logits, labels), loss(square, each), loss(logits, labels)]

    check.close(
        "one cross-entropy serves several times",
        again,
        expected=lambda: [F.cross_entropy(*batch) for batch in ((logits, labels), (square, each)) * 2][:3],
    )
    check.probes("what CrossEntropyLoss promises besides its numbers", lambda: lambda logits, labels: run(logits, labels)[1], check.tensor(954, 5, 4), check.integers(955, 0, 4, 5, kind="torch"), expected=lambda: F.cross_entropy)
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "cross_entropy__ignored", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("cross_entropy__ignored")
def _():
    def run(logits, labels, **settings):
        with check.lend(CrossEntropyLoss.forward, log_softmax=parts.log_softmax):
            return CrossEntropyLoss(**settings)(logits, labels)

    logits = torch.tensor([[1.0, 2.0, 5.0], [4.0, 3.0, 1.0], [1.0, 1.0, 2.0]]).log()
    check.close(
        "a label of -100 adds nothing to the sum, and nothing to the count",
        lambda: run(logits, torch.tensor([2, 1, -100])),
        expected=torch.tensor(0.7254164),
        advice="divide by how many labels count, which is not always N",
    )
    check.close(
        "with ignore_index -1 a label of -1 is nobody's class",
        lambda: run(logits, torch.tensor([2, 1, -1]), ignore_index=-1),
        expected=torch.tensor(0.7254164),
    )
    check.close(
        "another ignore_index, one that would be a class",
        lambda: run(logits, torch.tensor([0, 1, 0]), ignore_index=0),
        expected=torch.tensor(0.9808293),
        advice="compare the labels with self.ignore_index, whatever it is",
    )
    padded = torch.tensor([2, -100, -100])
    check.unchanged(
        "labels with ignored ones among them are still the same afterwards",
        lambda: run(logits, padded),
        padded,
    )
    ### BEGIN HIDDEN TESTS
    wide, labels = check.tensor(564, 6, 4, dtype="float64"), torch.tensor([3, -1, 0, -1, 2, 1])
    check.close(
        "ignoring -1, which Python would take for the last class",
        lambda: run(wide, labels, ignore_index=-1),
        expected=lambda: F.cross_entropy(wide, labels, ignore_index=-1),
    )
    outside = torch.tensor([255, 255, 0, 255, 2, 255])
    check.close(
        "ignoring 255, four of six",
        lambda: run(wide, outside, ignore_index=255),
        expected=lambda: F.cross_entropy(wide, outside, ignore_index=255),
    )
    check.close(
        "with another ignore_index nothing of this batch is ignored",
        lambda: run(wide, labels.abs(), ignore_index=-7),
        expected=lambda: F.cross_entropy(wide, labels.abs()),
    )
    check.close(
        "only one label counts",
        lambda: run(wide, torch.tensor([-100, -100, -100, -100, 2, -100])),
        expected=lambda: F.cross_entropy(wide[4:5], torch.tensor([2])),
    )
    check.unchanged(
        "ignored labels are still there afterwards",
        lambda: run(wide, outside, ignore_index=255),
        wide,
        outside,
    )
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "cross_entropy__gradient", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("cross_entropy__gradient")
def _():
    def gradient(logits, labels, factor, **settings):
        leaf = logits.clone().requires_grad_()
        with check.lend(CrossEntropyLoss.forward, log_softmax=parts.log_softmax):
            (CrossEntropyLoss(**settings)(leaf, labels) * factor).backward()
        return leaf.grad

    logits = torch.tensor([[1.0, 2.0, 5.0], [4.0, 3.0, 1.0], [1.0, 1.0, 2.0]], dtype=torch.float64).log()
    check.close(
        "what you said minus what is true, over the two rows that count; nothing for the third",
        lambda: gradient(logits, torch.tensor([2, 1, -100]), 1.0),
        expected=torch.tensor(
            [[0.0625, 0.125, -0.1875], [0.25, -0.3125, 0.0625], [0.0, 0.0, 0.0]], dtype=torch.float64
        ),
        advice="the loss has to stay a tensor on the tape, and an ignored row must not reach it",
    )

    ### BEGIN HIDDEN TESTS
    def expected(logits, labels, factor):
        leaf = logits.clone().requires_grad_()
        (F.cross_entropy(leaf, labels, ignore_index=9) * factor).backward()
        return leaf.grad

    wide, labels = check.tensor(565, 5, 4), torch.tensor([0, 9, 3, 3, 9])
    check.close(
        "five times the loss, five times the gradient",
        lambda: gradient(wide, labels, 5.0, ignore_index=9),
        expected=lambda: expected(wide, labels, 5.0),
    )
    far = torch.tensor([[1e4, -1e4, 0.0], [-1e4, 1e4, 1e4 - 1]])
    check.close(
        "the gradient of large logits is finite and right",
        lambda: gradient(far, torch.tensor([1, 2]), 1.0),
        expected=lambda: expected(far, torch.tensor([1, 2]), 1.0),
        atol=5e-3,
    )
    ### END HIDDEN TESTS


# %% [markdown]
r"""
**What your loss tells the network.** One row of logits for each of five examples, the third of them ignored.
Red pushes a logit down, blue pulls it up: in every row, away from what was said and towards what is true.
"""

# %% tags=["picture"]
torch.manual_seed(2)
said, truth = torch.randn(5, 4, requires_grad=True), torch.tensor([0, 3, -100, 2, 1])
loss_kind = stand_in.yours_or_ours("CrossEntropyLoss", nn.CrossEntropyLoss, parts.layers.ignoring)
loss_kind()(said, truth).backward()
rows = ["ignored" if label < 0 else f"label {label}" for label in truth.tolist()]
plot.heatmap(
    said.grad,
    f"gradient of {stand_in.whose('CrossEntropyLoss')} loss, row by row",
    xlabel="class",
    xticks=range(4),
    yticks=rows,
    alt="Gradient of the cross-entropy for five examples and four classes: "
    + "; ".join(
        f"{name}: {', '.join(f'{g:.2f}' for g in row)}"
        for name, row in zip(rows, said.grad.tolist(), strict=True)
    ),
)

# %% [markdown]
r"""
**The most common mistake with this loss** raises no error: a network that ends in a softmax, followed by
cross-entropy, which takes the softmax *again*. Numbers between 0 and 1 are nearly equal logits, so the loss
hardly moves, whatever the network has understood:
"""

# %% tags=["picture"]
ahead = torch.linspace(-5, 15, 81)
scores = torch.zeros(81, 10)
scores[:, 0] = ahead  # the right class, more and more sure of itself
cost, right = loss_kind(), torch.tensor([0])
once = [float(cost(row[None], right)) for row in scores]
twice = [float(cost(row.softmax(0)[None], right)) for row in scores]
plot.curves(
    {"from logits": (ahead, once), "from probabilities": (ahead, twice)},
    xlabel="logit of the right class, the nine others are 0",
    ylabel="loss",
    alt=(
        f"From logits the loss falls from {once[0]:.1f} to {once[-1]:.2g}. Fed with probabilities it "
        f"only falls from {twice[0]:.2f} to {twice[-1]:.2f}, however sure and right the network is"
    ),
)

# %% [markdown]
r"""
**Be the judge.** You have now seen half a dozen ways to get this loss wrong, and all of them run. Who finds out?
A *test* does: a piece of code that looks at another piece of code and says yes or no. The next exercise turns
the tables. You write the test, and the checks bring right and wrong losses before it.

A good test chooses inputs on which right and wrong *differ*. Logits of all zeros tell a right loss from hardly
any wrong one; a batch without an ignored label says nothing about `ignore_index`.
"""

# %% [markdown]
r"""
### Exercise 5.6b · `judge_cross_entropy`
*difficulty 2 of 3 · 15 minutes · about 14 lines*

Write `judge_cross_entropy(candidate)` → `True` where the class `candidate` is a right `CrossEntropyLoss`, as in
5.6a, else `False`. You choose the batches, in float32 or float64, and may make as many losses of it as you like;
`ignore_index` may be given by position or by name. Right ones are exact up to rounding. In
float32 that is coarse at ±10,000: a gradient may be off by 1 part in 1,000 there; in float64 it is not.

Wrong ones differ in one of these: sum for mean; the mean over all labels, the ignored among them; an
`ignore_index` not heeded or hard-coded; softmax along the wrong axis; a softmax before the log-softmax; none at
all; not finite for logits of ±10,000; no gradient; a wrong sign; an `Exception` raised. Batches in which every
label is ignored are nobody's business. Torch's own loss may serve as a yardstick.

The points come in three parts, by kind. In each, one right candidate refused costs the whole part.
"""


# %% nbgrader={"grade": false, "grade_id": "judge_cross_entropy", "locked": false, "schema_version": 3, "solution": true, "task": false}
def judge_cross_entropy(candidate):
    """a class that claims to be CrossEntropyLoss -> True where it is right"""
    # about 14 lines
    ### BEGIN SOLUTION
    generator = torch.Generator().manual_seed(5)
    logits = torch.randn(5, 3, generator=generator, dtype=torch.float64)  # more rows than classes: axes differ
    batches = [
        (logits, [0, 2, 1, 1, 0], -100),
        (logits, [0, -100, 1, -100, 2], -100),
        (logits, [0, 2, 1, 0, 1], 0),  # a class is ignored, and so is nothing else
        (logits, [2, -3, 1, 1, -3], -3),
        (logits.sign() * 1e4, [0, 1, 2, 1, 0], -100),
    ]

    def ask(kind, rows, labels, ignored):
        leaf = rows.clone().requires_grad_()
        loss = kind(ignore_index=ignored)(leaf, torch.tensor(labels))
        return torch.cat([loss.detach().reshape(1), torch.autograd.grad(loss, leaf)[0].flatten()])

    try:
        return all(torch.allclose(ask(candidate, *b), ask(nn.CrossEntropyLoss, *b), atol=1e-6) for b in batches)
    except Exception:
        return False
    ### END SOLUTION


# %%
hint("judge_cross_entropy")


# %% nbgrader={"grade": true, "grade_id": "judge_cross_entropy__means", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("judge_cross_entropy__means")
def _():
    kinds = "sum for mean", "the mean over all labels", "ignore_index not heeded or hard-coded"

    def verdicts(seed, shown):
        lent = {"CrossEntropyLoss": nn.CrossEntropyLoss, "log_softmax": parts.log_softmax}
        with check.lend(judge_cross_entropy, **lent):
            return candidates.cross_entropy.verdicts(judge_cross_entropy, seed, *kinds, shown=shown)

    check.that(
        "three right losses are accepted; a sum, a mean over all labels and a hard-coded ignore_index are caught",
        lambda: verdicts(566, True),
        judge=judges.caught,
        given={"kinds": candidates.cross_entropy.kinds(566, *kinds, shown=True)},
        advice="which batch would tell this kind from a right one? Print what both return for it",
    )
    ### BEGIN HIDDEN TESTS
    check.that(
        "the same of losses you have not met: sums, means and ignored labels",
        lambda: verdicts(567, False),
        judge=judges.caught,
        given={"kinds": candidates.cross_entropy.kinds(567, *kinds)},
    )
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "judge_cross_entropy__softmax", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("judge_cross_entropy__softmax")
def _():
    kinds = (
        "softmax along the wrong axis", "a softmax before the log-softmax", "no softmax at all", "not finite for ±1e4"
    )

    def verdicts(seed, shown):
        lent = {"CrossEntropyLoss": nn.CrossEntropyLoss, "log_softmax": parts.log_softmax}
        with check.lend(judge_cross_entropy, **lent):
            return candidates.cross_entropy.verdicts(judge_cross_entropy, seed, *kinds, shown=shown)

    check.that(
        "a softmax along the wrong axis, one too many, none and one that overflows are caught, right ones accepted",
        lambda: verdicts(568, True),
        judge=judges.caught,
        given={"kinds": candidates.cross_entropy.kinds(568, *kinds, shown=True)},
        advice="for what logits do two softmaxes give nearly the same as one? And which logits break exp?",
    )
    ### BEGIN HIDDEN TESTS
    check.that(
        "the same of losses you have not met: axes, one softmax too many or too few, large logits",
        lambda: verdicts(569, False),
        judge=judges.caught,
        given={"kinds": candidates.cross_entropy.kinds(569, *kinds)},
    )
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "judge_cross_entropy__answers", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("judge_cross_entropy__answers")
def _():
    kinds = "no gradient", "a wrong sign", "an exception"

    def verdicts(seed, shown):
        lent = {"CrossEntropyLoss": nn.CrossEntropyLoss, "log_softmax": parts.log_softmax}
        with check.lend(judge_cross_entropy, **lent):
            return candidates.cross_entropy.verdicts(judge_cross_entropy, seed, *kinds, shown=shown)

    check.that(
        "a loss off the tape, a wrong sign and an exception are caught, and the three right ones are accepted",
        lambda: verdicts(558, True),
        judge=judges.caught,
        given={"kinds": candidates.cross_entropy.kinds(558, *kinds, shown=True)},
        advice="a loss can have the right value and no way back to the logits: ask for their gradient",
    )
    ### BEGIN HIDDEN TESTS
    check.that(
        "the same of losses you have not met: gradients, signs, exceptions",
        lambda: verdicts(559, False),
        judge=judges.caught,
        given={"kinds": candidates.cross_entropy.kinds(559, *kinds)},
    )
    ### END HIDDEN TESTS


# %% tags=["picture"]
trial = parts.layers.judge_cross_entropy
my_judge = stand_in.yours_or_ours("judge_cross_entropy", trial, lambda judge: bool(judge(nn.CrossEntropyLoss)))
refused = {}
for kind, loss in candidates.cross_entropy(0, shown=True):
    row = refused.setdefault(kind or "right", [0, 0])
    row[0], row[1] = row[0] + (not my_judge(loss)), row[1] + 1
shares = {kind: 100 * no / of for kind, (no, of) in sorted(refused.items(), key=lambda row: row[0] != "right")}
plot.bars(
    shares,
    xlabel=f"% refused by {stand_in.whose('judge_cross_entropy')} judge",
    alt="Share of the losses shown that are refused, by kind; the right ones in the first row, where it should be "
    "0: " + ", ".join(f"{kind} {share:.0f} %" for kind, share in shares.items()),
)

# %% [markdown]
r"""
## 5.7 One training step for any network

Chapter 3's loop named every tensor it moved. This one need not know what it trains: the model lists what it
brought.

1. forward: `loss_fn(model(x), y)`
2. gradients, of **this** loss only: what an earlier backward pass left in `.grad` would be added to
3. every parameter that has a gradient takes its step, in place, off the tape

A *frozen* parameter (`requires_grad=False`) gets no gradient, nor does one that this forward pass did not
use: both stay where they are.
"""

# %% [markdown]
r"""
### Exercise 5.7 · `train_step`
*difficulty 2 of 3 · 15 minutes · about 8 lines*

Write `train_step(model, loss_fn, x, y, lr)`: one step of plain gradient descent, p ← p − lr · gradient, over
`model.parameters()` → the loss **before** the step as a Python `float`. Gradients that lie in `.grad` already
do not count; frozen and unused parameters keep their values; a parameter shared by two layers moves once.
Leave the mode (`model.training`), the `requires_grad` flags and the global grad mode as you found them; what
`.grad` holds afterwards is up to you. Not allowed: `torch.optim`.
"""


# %% nbgrader={"grade": false, "grade_id": "train_step", "locked": false, "schema_version": 3, "solution": true, "task": false}
def train_step(model, loss_fn, x, y, lr):
    """a model, loss_fn(prediction, y) -> 0-dim tensor, a batch -> the loss before the step: float"""
    # about 8 lines
    ### BEGIN SOLUTION
    model.zero_grad()  # backward adds to .grad: start from nothing
    loss = loss_fn(model(x), y)
    loss.backward()
    with torch.no_grad():  # the step itself is not part of the graph
        for parameter in model.parameters():
            if parameter.grad is not None:  # frozen, or not used in this forward pass
                parameter -= lr * parameter.grad
    return loss.item()
    ### END SOLUTION


# %%
hint("train_step")


# %% nbgrader={"grade": true, "grade_id": "train_step__step", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("train_step__step")
def _():
    def step(lr, stale=None):
        model = nn.Linear(2, 1)
        model.load_state_dict({"weight": torch.tensor([[1.0, -2.0]]), "bias": torch.tensor([0.5])})
        for p in model.parameters():
            p.grad = None if stale is None else torch.full_like(p, stale)
        with torch.enable_grad():  # whatever a solution leaves behind ends here
            loss = train_step(
                model, nn.MSELoss(), torch.tensor([[1.0, 1.0], [2.0, 0.0]]), torch.tensor([[0.0], [1.0]]), lr
            )
        return isinstance(loss, float), float(loss), model.weight, model.bias

    def in_a_row(step_of):
        model = nn.Linear(1, 1, bias=False)
        model.load_state_dict({"weight": torch.tensor([[3.0]])})
        with torch.enable_grad():
            return [float(step_of(model, nn.MSELoss(), torch.ones(1, 1), torch.ones(1, 1), 0.25)) for _ in range(4)]

    check.close(
        "by hand: predictions -0.5 and 2.5, loss 1.25, gradients (2.5, -0.5) and 1",
        lambda: step(0.1),
        expected=lambda: (True, 1.25, torch.tensor([[0.75, -1.95]]), torch.tensor([0.4])),
        rtol=1e-5,
        advice="print the loss and every .grad just before the step",
    )
    check.close(
        "four steps in a row, each halving the distance to 1: losses 4, 1, 1/4, 1/16",
        lambda: in_a_row(train_step),
        expected=[4.0, 1.0, 0.25, 0.0625],
        rtol=1e-5,
        advice="print .grad before every step: is there something in it that belongs to the step before?",
    )
    check.close(
        "a gradient of 100 that was lying around does not count",
        lambda: step(0.1, stale=100.0),
        expected=lambda: (True, 1.25, torch.tensor([[0.75, -1.95]]), torch.tensor([0.4])),
        rtol=1e-5,
        advice="backward adds to what is in .grad: when do you clear it?",
    )

    ### BEGIN HIDDEN TESTS
    def network():
        model = nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2)).double()
        with torch.no_grad():
            for i, p in enumerate(model.parameters()):
                p.copy_(check.tensor(570 + i, *p.shape, dtype="float64"))
        return model

    def lopsided(prediction, target):
        return ((prediction - 2 * target) ** 2).sum() / 7

    x, y = check.tensor(575, 4, 3, dtype="float64"), check.tensor(576, 4, 2, dtype="float64")

    def several(lr, steps):
        model = network()
        return [float(train_step(model, lopsided, x, y, lr)) for _ in range(steps)], list(model.parameters())

    def expected(lr, steps):
        model, losses = network(), []
        for _ in range(steps):
            loss = lopsided(model(x), y)
            losses.append(loss.item())
            with torch.no_grad():
                for p, g in zip(
                    model.parameters(), torch.autograd.grad(loss, list(model.parameters())), strict=True
                ):
                    p -= lr * g
        return losses, list(model.parameters())

    check.close(
        "one step of another network and another loss",
        lambda: several(0.3, 1),
        expected=lambda: expected(0.3, 1),
    )
    check.close(
        "five steps in a row, in float64", lambda: several(0.05, 5), expected=lambda: expected(0.05, 5)
    )
    check.unchanged("the batch is left alone", lambda: several(0.05, 2), x, y)
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "train_step__frozen", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("train_step__frozen")
def _():
    class Parts(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.spare, self.frozen = nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 1)
            for i, p in enumerate(self.parameters()):
                p.data.copy_(check.tensor(580 + i, *p.shape))
            self.frozen.requires_grad_(False)

        def forward(self, x):
            return self.frozen(torch.tanh(self.used(x)))

    x, y = check.tensor(587, 3, 2), check.tensor(588, 3, 1)

    def after(stale):
        model = Parts()
        for p in [*model.spare.parameters(), *model.frozen.parameters()]:
            p.grad = torch.full_like(p, stale) if stale else None
        with torch.enable_grad():
            loss = float(train_step(model, nn.MSELoss(), x, y, 0.5))
        return loss, dict(model.state_dict()), [p.requires_grad for p in model.parameters()]

    def expected():
        model = Parts()
        loss = F.mse_loss(model(x), y)
        loss.backward()
        model.used.weight.data -= 0.5 * model.used.weight.grad
        model.used.bias.data -= 0.5 * model.used.bias.grad
        return loss.item(), dict(model.state_dict()), [True] * 4 + [False] * 2

    check.close(
        "frozen and unused parameters stay, the others move",
        lambda: after(0.0),
        expected=lambda: expected(),
        rtol=1e-5,
        advice="where nothing flowed, .grad is None: there is no step to take",
    )
    check.close(
        "what lies in .grad of a frozen or unused parameter does not count either",
        lambda: after(100.0),
        expected=lambda: expected(),
        rtol=1e-5,
    )

    def tied(step):
        model = nn.Sequential(nn.Linear(2, 2), nn.Tanh(), nn.Linear(2, 2))
        model[0].weight.data.copy_(check.tensor(589, 2, 2))
        model[0].bias.data.zero_()
        model[2].weight = model[0].weight
        model[2].bias.data.fill_(0.5)
        with torch.enable_grad():
            return float(step(model)), model[0].weight.detach().clone()

    def by_hand(model):
        loss = F.mse_loss(model(x), x)
        model[0].weight.data = model[0].weight.data - 0.5 * torch.autograd.grad(loss, model[0].weight)[0]
        return loss.item()

    check.close(
        "a weight that two layers share moves once",
        lambda: tied(lambda model: train_step(model, nn.MSELoss(), x, x, 0.5)),
        expected=lambda: tied(by_hand),
        rtol=1e-5,
    )


# %% nbgrader={"grade": true, "grade_id": "train_step__care", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("train_step__care")
def _():
    x, y = check.tensor(590, 4, 3), check.tensor(591, 4, 2)

    def found(training):
        model = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 2)).train(training)
        model[0].bias.requires_grad_(False)
        try:
            train_step(model, nn.MSELoss(), x, y, 0.1)
            return (
                [m.training for m in model.modules()],
                [p.requires_grad for p in model.parameters()],
                torch.is_grad_enabled(),
            )
        finally:
            torch.set_grad_enabled(True)

    check.equal(
        "mode, flags and the global grad mode are as they were",
        lambda: found(False),
        expected=([False] * 4, [True, False, True, True], True),
        advice="who calls train_step chooses the mode; `with torch.no_grad():` ends where its block ends",
    )

    def of_the_prediction():
        model = nn.Linear(1, 1, bias=False)
        model.load_state_dict({"weight": torch.tensor([[3.0]])})
        with torch.enable_grad():
            loss = train_step(model, lambda said, target: said.sum(), torch.ones(1, 1), torch.ones(1, 1), 0.1)
        return float(loss), model.weight

    check.close(
        "a loss that looks at the prediction only: 3 before, and the weight goes from 3 to 2.9",
        of_the_prediction,
        expected=lambda: (3.0, torch.tensor([[2.9]])),
        rtol=1e-5,
        advice="loss_fn gets the prediction first, then y",
    )

    def falls():
        model = nn.Linear(3, 2)
        model.load_state_dict({"weight": torch.zeros(2, 3), "bias": torch.zeros(2)})
        return [float(train_step(model, nn.MSELoss(), x, y, 0.05)) for _ in range(20)]

    check.that(
        "twenty steps bring the loss down",
        falls,
        judge=lambda losses: (
            None
            if losses[-1] < losses[0]
            else "the loss rises"
            if losses[-1] > losses[0]
            else "the loss stays where it was"
        ),
    )
    ### BEGIN HIDDEN TESTS
    check.equal(
        "a model in training mode is in training mode afterwards",
        lambda: found(True),
        expected=([True] * 4, [True, False, True, True], True),
    )

    def flags():
        batch = check.tensor(592, 4, 3), check.tensor(593, 4, 2)
        train_step(nn.Linear(3, 2), nn.MSELoss(), *batch, 0.1)
        return [(t.requires_grad, t.grad is None) for t in batch]

    check.equal("the batch needs no gradient afterwards either", flags, expected=[(False, True)] * 2)
    ### END HIDDEN TESTS


# %% [markdown]
r"""
**The two-layer network, once more.** Below are the same data, the same starting weights, the same steps: once
as chapter 3 wrote it, with four tensors named one by one, and once with your parts of this chapter.
"""

# %% tags=["picture"]
torch.manual_seed(3)
data_x, data_y = torch.randn(64, 1000), torch.randn(64, 10)
mlp = stand_in.yours_or_ours("build_mlp", parts.layers.build_mlp, lambda made: str(made([3, 2, 1])))
model = mlp([1000, 100, 10])
w1, b1, w2, b2 = (p.detach().clone().requires_grad_() for p in model.parameters())

bare = []
for _ in range(200):
    h = (data_x @ w1.T + b1).clamp(min=0)
    loss = (h @ w2.T + b2 - data_y).pow(2).sum()
    bare.append(loss.item())
    loss.backward()
    with torch.no_grad():
        for tensor in (w1, b1, w2, b2):  # the list to keep by hand
            tensor -= 1e-4 * tensor.grad
            tensor.grad = None

# %% tags=["picture"]
step = stand_in.yours_or_ours("train_step", parts.layers.train_step, parts.layers.stepped)
loss_kind = stand_in.yours_or_ours("MSELoss", nn.MSELoss, parts.layers.losses)
yours = [step(model, loss_kind(reduction="sum"), data_x, data_y, lr=1e-4) for _ in range(200)]

apart = max(abs(a - b) / a for a, b in zip(bare, yours, strict=True))
plot.curves(
    {"bare tensors, chapter 3": bare, f"{stand_in.whose('build_mlp', 'train_step', 'MSELoss')} nn": yours},
    xlabel="step",
    ylabel="sum of squared errors",
    log=True,
    alt=(
        f"Two loss curves that lie on each other: from {yours[0]:.0f} down to {yours[-1]:.3g} in 200 "
        f"steps, never more than {100 * apart:.2g} percent apart"
    ),
)

# %% [markdown]
r"""
The same numbers, and the second cell never says what is inside the model. Give it a network of ten layers and
nothing else changes. **That is the whole point of the abstraction**: the training step and the network no
longer know each other.
"""

# %% [markdown]
r"""
## 5.8 Two modes, and noise on purpose

A large network can learn a small data set by heart. *Dropout* makes that hard: while training, each number
that passes is set to 0 with probability `p`, on its own, afresh in every call. No unit can rely on one
particular other being there.

When we measure, we want no noise: **in evaluation, dropout does nothing at all.** So this layer has to know
what we are doing. Every module has a flag `self.training`; `model.train()` and `model.eval()` set it in the
whole tree.
"""

# %% [markdown]
r"""
**And the scale?** If a share $p$ of the inputs is missing, the next layer receives on average only $(1-p)$ of
what it is used to, and in evaluation suddenly all of it. *Inverted* dropout puts that right while training:
what is kept is divided by $1-p$.

$$\text{training:}\quad y_i = \begin{cases} 0 & \text{with probability } p\\ x_i / (1-p) & \text{otherwise}
\end{cases} \qquad\qquad \text{evaluation:}\quad y_i = x_i$$
"""

# %% [markdown]
r"""
### Exercise 5.8 · `dropout`
*difficulty 2 of 3 · 12 minutes · about 9 lines*

Write `Dropout(p=0.5)`, an `nn.Module` for tensors of any shape. In training each entry is set to 0 with
probability `p`, independently of all others and afresh in each call; the entries that are kept are divided by
`1 − p`. In evaluation the input comes through as it is. `p = 0` changes nothing, `p = 1` gives zeros (and no
nan). `p` outside [0, 1] raises `ValueError`. The input stays as it is, its dtype is the output's, and
gradients flow through what is kept. Not allowed: `F.dropout`, `nn.Dropout`.
"""


# %% nbgrader={"grade": false, "grade_id": "dropout", "locked": false, "schema_version": 3, "solution": true, "task": false}
class Dropout(nn.Module):
    """Dropout(p): any shape -> the same shape; p is the probability to DROP an entry"""

    def __init__(self, p=0.5):
        # about 4 lines
        ### BEGIN SOLUTION
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(f"p is a probability, not {p}")
        self.p = p
        ### END SOLUTION

    def forward(self, x):
        # about 5 lines
        ### BEGIN SOLUTION
        if not self.training or self.p == 0:
            return x
        if self.p == 1:
            return x * 0  # dividing by 1 - p would be 0 / 0
        keep = torch.rand_like(x) >= self.p  # rand is in [0, 1): at least p with probability 1 - p
        return x * keep / (1 - self.p)
        ### END SOLUTION


# %%
hint("dropout")


# %% nbgrader={"grade": true, "grade_id": "dropout__training", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("dropout__training")
def _():
    def calls(p, x, times=64):
        layer = Dropout(p).train()
        return torch.stack([layer(x) for _ in range(times)])

    ones = torch.ones(20, 25)
    check.that(
        "a tenth of the entries is dropped, and the rest is divided by 0.9",
        lambda: calls(0.1, ones),
        judge=lambda seen, x, p: judges.dropout(seen, x, p),
        given={"x": ones, "p": 0.1},
        advice="print Dropout(0.1)(torch.ones(4, 5)) twice: which values are there, and where are the zeros?",
    )
    check.equal(
        "the shape and the dtype are those of the input",
        lambda: [
            (str(y.dtype), list(y.shape))
            for y in (Dropout(0.3)(ones), Dropout(0.3)(ones[0].double()), Dropout(0.3)(ones[None, :1]))
        ],
        expected=[("torch.float32", [20, 25]), ("torch.float64", [25]), ("torch.float32", [1, 1, 25])],
    )
    ### BEGIN HIDDEN TESTS
    x = check.tensor(600, 10, 12, 8, dtype="float64", away_from=0.0, strided=True)
    check.that(
        "seven of ten dropped, three axes, float64",
        lambda: calls(0.7, x),
        judge=lambda seen, x, p: judges.dropout(seen, x, p),
        given={"x": x, "p": 0.7},
    )
    line = check.tensor(601, 700, away_from=0.0)
    check.that(
        "one axis, and p left at its default of one half",
        lambda: torch.stack([layer(line) for layer in [Dropout()] for _ in range(64)]),
        judge=lambda seen, x, p: judges.dropout(seen, x, p),
        given={"x": line, "p": 0.5},
    )
    row = check.tensor(602, 1, 900, away_from=0.0)
    check.that(
        "a single row of 900 entries",
        lambda: calls(0.25, row),
        judge=lambda seen, x, p: judges.dropout(seen, x, p),
        given={"x": row, "p": 0.25},
    )
    check.unchanged("what comes in is left alone", lambda: calls(0.5, line, 2), line)
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "dropout__evaluation", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("dropout__evaluation")
def _():
    x = check.tensor(603, 6, 5)
    check.close(
        "in evaluation the input comes through as it is",
        lambda: Dropout(0.5).eval()(x),
        expected=lambda: x,
        advice="self.training says which mode it is; in evaluation nothing is dropped and nothing is scaled",
    )
    check.close(
        "the mode of the whole network reaches it",
        lambda: nn.Sequential(Dropout(0.9), nn.Identity()).eval()(x),
        expected=lambda: x,
    )

    ### BEGIN HIDDEN TESTS
    def back_and_forth():
        layer = Dropout(0.8)
        return layer.eval()(x), bool((layer.train()(x) == x).all()), layer.eval()(x), layer.training

    check.close("back in evaluation after training", back_and_forth, expected=lambda: (x, False, x, False))
    check.close(
        "evaluation with p = 1 and in float64",
        lambda: Dropout(1.0).eval()(x.double()),
        expected=lambda: x.double(),
    )
    check.probes("what Dropout promises besides its numbers", lambda: Dropout(0.5).eval(), check.tensor(960, 4, 3), expected=lambda: nn.Dropout(0.5).eval())
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "dropout__edges", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("dropout__edges")
def _():
    x = check.tensor(604, 4, 6)
    check.close(
        "p = 0 changes nothing, p = 1 gives zeros",
        lambda: (Dropout(0.0)(x), Dropout(1.0)(x)),
        expected=lambda: (x, torch.zeros(4, 6)),
        advice="what is 0 / (1 - p) for p = 1?",
    )
    check.raises("p = 1.5 is no probability", lambda: Dropout(1.5)(x), ValueError)
    check.raises("p = -0.1 is no probability", lambda: Dropout(-0.1)(x), ValueError)
    ### BEGIN HIDDEN TESTS
    check.equal(
        "it is a module and has nothing to learn",
        lambda: (isinstance(Dropout(0.2), nn.Module), len(list(Dropout(0.2).parameters()))),
        expected=(True, 0),
    )
    check.close(
        "p = 0 and p = 1 in float64",
        lambda: (Dropout(0)(x.double()), Dropout(1)(x.double())),
        expected=lambda: (x.double(), torch.zeros(4, 6, dtype=torch.float64)),
    )
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "dropout__gradient", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("dropout__gradient")
def _():
    x, up = check.tensor(605, 30, 20, away_from=0.0), check.tensor(606, 30, 20)

    def run(training):
        leaf = x.clone().requires_grad_()
        out = Dropout(0.4).train(training)(leaf)
        (out * up).sum().backward()
        return {"out": out, "grad": leaf.grad}

    check.that(
        "a kept entry passes its gradient divided by 1 - p, a dropped one passes none",
        lambda: run(True),
        judge=lambda seen, x, up: (
            None
            if np.allclose(seen["grad"], np.where(seen["out"] == 0, 0, up / 0.6), rtol=1e-4, atol=1e-6)
            and (seen["out"] == 0).any()
            else "the gradient is not that of this mask and scale"
        ),
        given={"x": x, "up": up},
        advice="the gradient goes through the same mask and the same scale as the value",
    )
    ### BEGIN HIDDEN TESTS
    check.close(
        "in evaluation the gradient comes through as it is", lambda: run(False)["grad"], expected=lambda: up
    )
    ### END HIDDEN TESTS


# %% [markdown]
r"""
**Your masks, drawn.** The same input, twelve rows of twenty ones, through the same layer: three calls in
training, one in evaluation. Dark is 0, yellow is 2 (kept, and doubled), grey is 1: left alone.
"""

# %% tags=["picture"]
drop = stand_in.yours_or_ours("Dropout", nn.Dropout, parts.layers.dropped)
layer, ones = drop(0.5), torch.ones(12, 20)
panels = {f"training, call {i + 1}": layer.train()(ones) for i in range(3)}
panels["evaluation"] = layer.eval()(ones)
dropped = {name: float((values == 0).float().mean()) for name, values in panels.items()}
with plot.figure(
    alt=f"Four panels of 12 by 20 cells from {stand_in.whose('Dropout')} Dropout(0.5), a new pattern each time in training: "
    + ", ".join(f"{name} drops {100 * share:.0f} percent" for name, share in dropped.items()),
    columns=4,
    height=2.0,
) as axes:
    for ax, (name, values) in zip(axes, panels.items(), strict=True):
        ax.imshow(values.detach().numpy(), cmap="cividis", vmin=0, vmax=2)
        ax.set_title(f"{name}\n{100 * dropped[name]:.0f} % dropped", fontsize=8)
        ax.set_xticks([])
        ax.set_yticks([])

# %% [markdown]
r"""
**The mean stays, the noise grows.** Ten thousand ones through your layer, for every `p`: the average of what
comes out stays at 1, which is what the division is for. Its spread does not. Question A asks you for the
formula of that second curve.
"""

# %% tags=["picture"]
chances = torch.arange(0.0, 0.96, 0.05)
through = [drop(float(p)).train()(torch.ones(10_000)) for p in chances]
means, spreads = [float(out.mean()) for out in through], [float(out.std()) for out in through]
plot.curves(
    {"mean": (chances, means), "spread": (chances, spreads)},
    xlabel="p",
    ylabel="of 10,000 ones after dropout",
    alt=(
        f"Mean and standard deviation of {stand_in.whose('Dropout')} dropout's output for p from 0 to 0.95: the mean stays "
        f"between {min(means):.2f} and {max(means):.2f}, the spread grows from {spreads[0]:.2f} to "
        f"{spreads[-1]:.1f}"
    ),
)

# %% [markdown]
r"""
## 5.9 Batch norm: a layer with a memory

In 5.3 the signal faded on its way through the tower. *Batch normalisation* puts it back on its feet: for each
feature, take off the mean of the batch and divide by its standard deviation. Then two parameters per feature,
`weight` and `bias`, let the network choose another scale and centre if it likes.

$$y = \frac{x - \mu_B}{\sqrt{\sigma_B^2 + \varepsilon}} \cdot \text{weight} + \text{bias}
\qquad \mu_B,\ \sigma_B^2 \text{ over the } N \text{ rows, for each of the } D \text{ columns}$$
"""

# %% [markdown]
r"""
In training an example's result therefore depends on its neighbours in the batch. When we measure, it must
not: one picture has one answer, whoever it is shown with. So the layer remembers, in `running_mean` and
`running_var`, what batches usually look like, and in evaluation it uses those instead.

$$\text{running} \leftarrow (1 - \text{momentum}) \cdot \text{running} + \text{momentum} \cdot \text{batch}$$

That happens in training only. Beware: here `momentum` is the weight of the **new** value.
"""

# %% [markdown]
r"""
**Buffers.** These two are not trained, so they are no parameters. But they belong to the model: they have to
be saved with it and to move with it to another device or dtype. That is a *buffer*:
`self.register_buffer("running_mean", torch.zeros(4))`. A plain attribute would be lost on saving, and a
parameter would be listed for training. The memory takes no part in the gradient: keep it off the tape.
"""

# %% [markdown]
r"""
**Two variances, on purpose.** To normalise the batch it has, the layer divides the sum of the squared deviations
from the mean by N, the *biased* variance. For its memory, which is an estimate of the data behind the batches, it divides by N − 1,
the *unbiased* one. `nn.BatchNorm1d` does the same.
"""

# %% [markdown]
r"""
### Exercise 5.9 · `batch_norm`
*difficulty 3 of 3 · 25 minutes · about 19 lines*

Write `BatchNorm1d(num_features, eps=1e-5, momentum=0.1)`, an `nn.Module` on (N, D): parameters `weight`
(ones) and `bias` (zeros), buffers `running_mean` (zeros) and `running_var` (ones), each (D,). In training (N
≥ 2) and in evaluation (N = 1 too) it equals `nn.BatchNorm1d`: output, gradients (through the batch's mean
and variance too) and running statistics. Evaluation never updates; the buffers keep no graph. Not allowed:
`nn.BatchNorm1d` and its relatives, `F.batch_norm`, `torch.batch_norm`.
"""


# %% nbgrader={"grade": false, "grade_id": "batch_norm", "locked": false, "schema_version": 3, "solution": true, "task": false}
class BatchNorm1d(nn.Module):
    """BatchNorm1d(D): (N, D) -> (N, D), each column normalised"""

    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        # about 7 lines
        ### BEGIN SOLUTION
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))
        ### END SOLUTION

    def forward(self, x):
        # about 12 lines
        ### BEGIN SOLUTION
        if self.training:
            mean, var = x.mean(0), x.var(0, unbiased=False)
            with torch.no_grad():  # the memory is no part of the graph
                unbiased = var * len(x) / (len(x) - 1)
                self.running_mean.lerp_(mean, self.momentum)  # a step of that size towards the new value
                self.running_var.lerp_(unbiased, self.momentum)
        else:
            mean, var = self.running_mean, self.running_var
        return (x - mean) / torch.sqrt(var + self.eps) * self.weight + self.bias
        ### END SOLUTION


# %%
hint("batch_norm")


# %% nbgrader={"grade": true, "grade_id": "batch_norm__training", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("batch_norm__training")
def _():
    def run(made, x, fill=False):
        layer = made.to(x.dtype).train()
        if fill:
            with torch.no_grad():
                layer.weight.copy_(check.tensor(610, x.shape[1]))
                layer.bias.copy_(check.tensor(611, x.shape[1]))
        return layer(x)

    x = torch.tensor([[1.0, 10.0], [3.0, 30.0]])
    check.close(
        "columns (1, 3) and (10, 30) both become (-1, 1)",
        lambda: run(BatchNorm1d(2), x),
        expected=torch.tensor([[-1.0, -1.0], [1.0, 1.0]]),
        advice="mean and variance are taken down each column; this variance divides by N",
    )
    check.close(
        "with eps = 3 the column (1, 3), of variance 1, is divided by the root of 4",
        lambda: run(BatchNorm1d(1, eps=3.0), x[:, :1]),
        expected=torch.tensor([[-0.5], [0.5]]),
        advice="where does eps stand, and is it the one that was given?",
    )
    ### BEGIN HIDDEN TESTS
    wide, pair = check.tensor(612, 7, 4) * 2 + 3, check.tensor(613, 2, 5, dtype="float64", strided=True)
    check.close(
        "any batch, with weight and bias set",
        lambda: run(BatchNorm1d(4), wide, True),
        expected=lambda: run(nn.BatchNorm1d(4), wide, True),
    )
    check.close(
        "two rows are enough, float64",
        lambda: run(BatchNorm1d(5), pair, True),
        expected=lambda: run(nn.BatchNorm1d(5), pair, True),
    )
    check.close(
        "another eps, as many rows as columns",
        lambda: run(BatchNorm1d(4, eps=0.5), wide[:4], True),
        expected=lambda: run(nn.BatchNorm1d(4, eps=0.5), wide[:4], True),
    )
    check.unchanged("the batch stays as it is", lambda: run(BatchNorm1d(4), wide), wide)
    check.probes("what BatchNorm1d promises besides its numbers", lambda: BatchNorm1d(3), check.tensor(956, 4, 3), promises=("memory that is not contiguous", "float64", "the same call twice", "inputs left alone", "training and evaluation", "before any training", "deepcopy"), expected=lambda: nn.BatchNorm1d(3))
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "batch_norm__running", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("batch_norm__running")
def _():
    def after(layer, *batches):
        for x in batches:
            layer(x)
        return layer.running_mean, layer.running_var

    x = torch.tensor([[1.0, 10.0], [3.0, 30.0]])
    check.close(
        "a tenth of the batch's mean (2, 20), and of its unbiased variance (2, 200)",
        lambda: after(BatchNorm1d(2), x),
        expected=(torch.tensor([0.2, 2.0]), torch.tensor([1.1, 20.9])),
        advice="(1 - momentum) of the old, momentum of the new; the variance kept here divides by N - 1",
    )
    check.close(
        "with momentum 0.5: half of them",
        lambda: after(BatchNorm1d(2, momentum=0.5), x),
        expected=(torch.tensor([1.0, 10.0]), torch.tensor([1.5, 100.5])),
    )
    check.equal(
        "the statistics stay off the tape, for a batch that is on it",
        lambda: [t.requires_grad for t in after(BatchNorm1d(2), x.clone().requires_grad_())],
        expected=[False, False],
    )
    check.equal(
        "weight and bias are parameters, the two statistics are buffers",
        lambda: (
            sorted(name for name, _ in BatchNorm1d(3).named_parameters()),
            sorted(name for name, _ in BatchNorm1d(3).named_buffers() if name.startswith("running_")),
        ),
        expected=(["bias", "weight"], ["running_mean", "running_var"]),
    )
    ### BEGIN HIDDEN TESTS
    batches = [check.tensor(620 + i, 3 + i, 4, dtype="float64") * (i + 1) + i for i in range(4)]
    check.close(
        "four batches of different sizes, another momentum",
        lambda: after(BatchNorm1d(4, momentum=0.3).double(), *batches),
        expected=lambda: after(nn.BatchNorm1d(4, momentum=0.3).double(), *batches),
    )
    check.close(
        "momentum 1 keeps the last batch only",
        lambda: after(BatchNorm1d(4, 1e-3, 1.0).double(), *batches),
        expected=lambda: after(nn.BatchNorm1d(4, 1e-3, 1.0).double(), *batches),
    )

    def no_graph():
        layer = BatchNorm1d(4).double()
        for x in batches:
            layer(x.clone().requires_grad_())
        kept = [name for name, _ in layer.named_buffers() if name.startswith("running_")]
        return layer.running_mean.requires_grad, layer.running_var.requires_grad, sorted(kept)

    check.equal(
        "the statistics keep no graph and stay buffers",
        no_graph,
        expected=(False, False, ["running_mean", "running_var"]),
    )
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "batch_norm__evaluation", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("batch_norm__evaluation")
def _():
    def loaded(layer):
        names = ("weight", "bias", "running_mean", "running_var")
        state = {name: check.tensor(630 + i, 3) for i, name in enumerate(names)}
        layer.load_state_dict({**state, "running_var": state["running_var"].abs() + 0.5}, strict=False)
        return layer.eval()

    def by_hand():
        layer = BatchNorm1d(2)
        state = {
            "weight": [2.0, 1.0],
            "bias": [0.0, 5.0],
            "running_mean": [1.0, 10.0],
            "running_var": [4.0, 25.0],
        }
        layer.load_state_dict({name: torch.tensor(values) for name, values in state.items()}, strict=False)
        return layer.eval()(torch.tensor([[3.0, 0.0]]))

    check.close(
        "one row, with the statistics it has loaded: 2·(3 - 1)/2 = 2 and (0 - 10)/5 + 5 = 3",
        by_hand,
        expected=torch.tensor([[2.0, 3.0]]),
        advice="in evaluation the mean and variance are running_mean and running_var",
    )
    ### BEGIN HIDDEN TESTS
    one, many = check.tensor(635, 1, 3), check.tensor(636, 6, 3)
    check.close(
        "a row alone and the rows of a batch",
        lambda: [loaded(BatchNorm1d(3, eps=0.1))(x) for x in (one, many, many[:1])],
        expected=lambda: [loaded(nn.BatchNorm1d(3, eps=0.1))(x) for x in (one, many, many[:1])],
    )

    def trained(layer):
        for i in range(3):
            layer.train()(check.tensor(640 + i, 5, 3) * 3 - 1)
        first = layer.eval()(many)
        layer(many * 10)
        return first, layer.eval()(many), layer.running_mean, layer.running_var

    check.close(
        "after training, evaluation uses what was learned and changes nothing",
        lambda: trained(BatchNorm1d(3)),
        expected=lambda: trained(nn.BatchNorm1d(3)),
    )

    def moved():
        layer = BatchNorm1d(3)
        layer(many)
        copied = BatchNorm1d(3)
        copied.load_state_dict(layer.state_dict())
        return copied.double().eval()(many.double())

    def trained_once():
        layer = nn.BatchNorm1d(3)
        layer(many)
        return layer.double().eval()(many.double())

    check.close(
        "the statistics travel in state_dict and follow to float64",
        moved,
        expected=lambda: trained_once(),
        rtol=1e-4,
    )
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "batch_norm__fresh", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("batch_norm__fresh")
def _():
    def looked_at():
        layer = BatchNorm1d(2).eval()
        out = layer(torch.tensor([[3.0, -4.0], [1.0, 8.0]]))
        return out.detach(), layer.running_mean, layer.running_var

    check.close(
        "before any training it knows mean 0 and variance 1, and evaluation leaves it at that",
        looked_at,
        expected=(torch.tensor([[3.0, -4.0], [1.0, 8.0]]), torch.zeros(2), torch.ones(2)),
    )
    ### BEGIN HIDDEN TESTS
    def fresh(layer):
        return [getattr(layer, name) for name in ("weight", "bias", "running_mean", "running_var")]

    check.close(
        "what a new layer starts with",
        lambda: fresh(BatchNorm1d(3)),
        expected=lambda: fresh(nn.BatchNorm1d(3)),
    )
    column = check.tensor(655, 4, 1, dtype="float64")

    def one_feature(layer):
        layer.double()
        return [layer.train()(column), layer.eval()(column), layer(column[:1]), layer.running_var]

    check.close(
        "a single feature, in training and in evaluation",
        lambda: one_feature(BatchNorm1d(1)),
        expected=lambda: one_feature(nn.BatchNorm1d(1)),
    )
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "batch_norm__gradient", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("batch_norm__gradient")
def _():
    x, up = check.tensor(650, 5, 3, dtype="float64"), check.tensor(651, 5, 3, dtype="float64")

    def gradients(layer, upstream, training=True):
        layer, leaf = layer.double().train(training), x.clone().requires_grad_()
        with torch.no_grad():
            layer.weight.copy_(torch.tensor([1.0, -2.0, 0.5]))
        (layer(leaf) * upstream).sum().backward()
        return leaf.grad, layer.weight.grad, layer.bias.grad

    check.close(
        "each column adds up to the same whatever x is, so the gradient of the sum is 0",
        lambda: gradients(BatchNorm1d(3), torch.ones(5, 3))[0],
        expected=torch.zeros(5, 3, dtype=torch.float64),
        advice="gradients flow through the mean and the variance of the batch too: nothing of it is detached",
    )
    ### BEGIN HIDDEN TESTS
    check.close(
        "gradients of x, weight and bias in training",
        lambda: gradients(BatchNorm1d(3), up),
        expected=lambda: gradients(nn.BatchNorm1d(3), up),
    )
    check.close(
        "gradients of x, weight and bias in evaluation",
        lambda: gradients(BatchNorm1d(3), up, False),
        expected=lambda: gradients(nn.BatchNorm1d(3), up, False),
    )
    ### END HIDDEN TESTS


# %% [markdown]
r"""
**The memory at work.** Sixty batches of 16 numbers, drawn around 3 with a spread of 2. Your layer starts out
believing in mean 0 and variance 1, and finds out. A small momentum is slow and steady, a large one quick and
nervous.
"""

# %% tags=["picture"]
torch.manual_seed(4)
norm = stand_in.yours_or_ours("BatchNorm1d", nn.BatchNorm1d, parts.layers.normalised)
stream = [3 + 2 * torch.randn(16, 1) for _ in range(60)]
memory = {}
for momentum in (0.1, 0.5):
    layer = norm(1, momentum=momentum).train()
    memory[momentum] = [(layer(x), layer.running_mean.item(), layer.running_var.item())[1:] for x in stream]

# %% tags=["picture"]
ends = "; ".join(
    f"with momentum {m} they end at {path[-1][0]:.1f} and {path[-1][1]:.1f}" for m, path in memory.items()
)
with plot.figure(
    alt=(
        f"Running mean and running variance of {stand_in.whose('BatchNorm1d')} layer over 60 batches, from 0 and 1 towards 3 and "
        f"4: {ends}"
    ),
    columns=2,
) as axes:
    for ax, column, truth, name in zip(
        axes, (0, 1), (3.0, 4.0), ("running_mean", "running_var"), strict=True
    ):
        for (momentum, path), dashes in zip(memory.items(), ("-", "--"), strict=True):
            ax.plot([step[column] for step in path], linestyle=dashes, label=f"momentum {momentum}")
        ax.axhline(truth, color="black", linestyle=":", label="the data")
        ax.set_title(name)
        ax.set_xlabel("batch")
    axes[0].legend()

# %% [markdown]
r"""
And the tower of 5.3, with your batch norm after each of its `Linear` layers. The signal arrives at the top as
strong as it started:
"""

# %% tags=["picture"]
torch.manual_seed(1)
seen, signal = {}, torch.randn(256, 64)
for position in range(4):
    signal = norm(64).train()(nn.Linear(64, 64)(signal))
    seen[f"layer {position + 1}, normalised"] = signal.detach()
    signal = signal.relu()
spreads = ", ".join(f"{float(values.std()):.2f}" for values in seen.values())
plot.histograms(
    seen,
    alt=(
        f"What {stand_in.whose('BatchNorm1d')} batch norm hands on in each of the four layers of the tower: the "
        f"spread is {spreads}, the same in every layer"
    ),
)

# %% [markdown]
r"""
**What bites first.** Two things about batch norm stop people in their first week.

*A training batch of one.* With one row every column is its own mean, so each deviation is 0, and N − 1 is 0 too:
0 / 0. Torch refuses it with an error. It happens where 101 examples are cut into batches of 20: the last batch
has one (`drop_last=True` in the loader, chapter 8, leaves it out).

*Torch's saved state has one entry more.* `num_batches_tracked` counts training batches, for an average that
weighs all of them alike (`momentum=None`). Yours has no such buffer, so a strict load says *unexpected key*;
`strict=False` loads the rest. Never use it blindly: it is as silent about a key that is missing.
"""

# %% tags=["picture"]
norm = stand_in.yours_or_ours("BatchNorm1d", nn.BatchNorm1d, parts.layers.normalised)
theirs = nn.BatchNorm1d(3)
theirs(torch.randn(8, 3))
print("torch saves:", list(theirs.state_dict()))
print("loaded, all the same:", norm(3).load_state_dict(theirs.state_dict(), strict=False))
gallery(a_batch_of_one=lambda: nn.BatchNorm1d(3)(torch.ones(1, 3)))

# %% [markdown]
r"""
## 5.10 The switch that everyone forgets

A network with both layers gives one example a different answer in every call while it trains. Below, the same
row 40 times, in company of other rows: in training mode, then in evaluation.
"""

# %% tags=["picture"]
torch.manual_seed(5)
norm = stand_in.yours_or_ours("BatchNorm1d", nn.BatchNorm1d, parts.layers.normalised)
drop = stand_in.yours_or_ours("Dropout", nn.Dropout, parts.layers.dropped)
net = nn.Sequential(nn.Linear(8, 32), norm(32), nn.ReLU(), drop(0.5), nn.Linear(32, 1))
row = torch.randn(1, 8)
for _ in range(50):
    net.train()(torch.randn(32, 8))  # lets the running statistics settle
wobble = [net.train()(torch.cat([row, torch.randn(31, 8)]))[0].item() for _ in range(40)]
steady = [net.eval()(torch.cat([row, torch.randn(31, 8)]))[0].item() for _ in range(40)]
plot.curves(
    {"net.train()": wobble, "net.eval()": steady},
    xlabel="call",
    ylabel="answer for the same row",
    alt=(
        "The answer for one and the same row in 40 calls: in training mode it wanders between "
        f"{min(wobble):.2f} and {max(wobble):.2f}, in evaluation mode it is {steady[0]:.2f} every time"
    ),
)

# %% [markdown]
r"""
**The habit:** `model.train()` before you train, `model.eval()` before you measure or ship, and back again.
Forgetting the second costs accuracy nobody can explain; forgetting the first, after a first measurement,
switches dropout and batch norm off for the rest of the training. Neither raises an error.

`eval()` is no `torch.no_grad()`: it changes what layers *do*, not whether a graph is recorded. Measuring
wants both.
"""

# %% [markdown]
r"""
## 5.11 A gallery of errors

Each message below is real, provoked by the smallest code that does so. Read it, guess, then look it up:

| in the message | what was done | cure |
|---|---|---|
| cannot assign module before Module.\_\_init\_\_() | `super().__init__()` is missing, or not first | make it the first line |
| list is not a Module subclass | `nn.Sequential([a, b])` | a star: `nn.Sequential(*[a, b])` |
| mat1 and mat2 shapes cannot be multiplied | one layer's `out` is not the next one's `in` | read the two shapes: rows × in, then in × out |
| must have the same dtype | float64 data, float32 weights | `x.float()`, or `model.double()` |
| cannot assign … as parameter | `layer.weight = a_tensor` | `nn.Parameter(a_tensor)`, or `.copy_()` under `no_grad` |
| Missing key(s), Unexpected key(s) | a state of another class, or under other names | compare `list(state)` with `list(model.state_dict())` |
| size mismatch for … | the same names, other sizes | build the model with the sizes it was saved with |
| Target 3 is out of bounds | a label outside of 0 … C − 1 | `labels.max()`; the last layer's `out` |
| optimizer got an empty parameter list | layers in a plain list (5.3) | register them |
"""

# %% tags=["picture"]
class NoSuper(nn.Module):
    def __init__(self):
        self.layer = nn.Linear(2, 2)


small = nn.Linear(4, 3)
gallery(
    super_forgotten=lambda: NoSuper(),
    a_list_for_modules=lambda: nn.Sequential([small, small]),
    sizes_that_do_not_meet=lambda: nn.Sequential(small, small)(torch.ones(2, 4)),
    two_dtypes=lambda: small(torch.ones(2, 4, dtype=torch.float64)),
    a_tensor_for_a_parameter=lambda: setattr(small, "weight", torch.ones(3, 4)),
    another_name=lambda: small.load_state_dict({"w": torch.ones(3, 4), "bias": torch.ones(3)}),
    another_size=lambda: small.load_state_dict(nn.Linear(4, 2).state_dict()),
    label_out_of_bounds=lambda: nn.CrossEntropyLoss()(small(torch.ones(1, 4)), torch.tensor([3])),
    nothing_to_train=lambda: torch.optim.SGD(Hidden().parameters(), lr=0.1),
)

# %% [markdown]
r"""
## Two questions

These are read by a person. A few honest sentences are worth more than a page.
"""

# %% [markdown]
r"""
### Question A
One number $x$ goes through inverted dropout with probability $p$. Derive the mean and the variance of what
comes out in training. Which of the two does the division by $1 - p$ keep, and what would evaluation have to
do if we did not divide? Compare your variance with the picture in 5.8, where $x = 1$.
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_dropout", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
r"""
**Model answer.** Let $k$ be 1 with probability $1-p$ and else 0, and $y = kx/(1-p)$. Then $E[y] = (1-p)\cdot
x/(1-p) = x$. From $k^2 = k$: $E[y^2] = (1-p)\,x^2/(1-p)^2 = x^2/(1-p)$, so $\mathrm{Var}[y] = x^2/(1-p) -
x^2 = x^2\,p/(1-p)$. The division keeps the mean, not the variance. Without it the mean in training would be
$(1-p)x$, and evaluation would have to multiply by $1-p$ to match. In the picture $x = 1$: the spread is
$\sqrt{p/(1-p)}$, which is 0 at $p=0$, 1 at $p=0.5$ and about 4.4 at $p=0.95$.

**Rubric.** 1 point: the mean, derived. 1 point: the variance, derived, with at least one value compared with
the picture. 1 point: the mean is what the division keeps, and evaluation would have to scale by $1-p$
without it.
"""

# %% [markdown]
r"""
### Question B
A colleague's classifier ends in `nn.Softmax(dim=1)` and is trained with `nn.CrossEntropyLoss`. It runs
without an error, and it learns, slowly and badly. Explain what is computed, why the loss cannot get near 0,
and what that does to the gradients of a confident network. How would you notice, and what do you change?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_softmax_twice", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
r"""
**Model answer.** The loss takes its input for logits and applies log-softmax to it, so the softmax runs
twice. Probabilities lie in [0, 1]: the best possible "logits" are 1 for the right class and 0 for the other
C − 1, and the loss ends at $\log(e + C - 1) - 1$, about 1.46 for ten classes. The gradient has to come back
through the first softmax, whose slope $p(1-p)$ goes to 0 where the network is sure, right or **wrong**: a
confident mistake is hardly corrected. One notices a loss that stays high although the accuracy is fine, or
rows of the output that sum to 1. Cure: let the network return logits, and take a softmax only where somebody
wants to read probabilities.

**Rubric.** 1 point: softmax is applied twice, and what the loss expects. 1 point: the lower bound, or a clear
argument that inputs in [0, 1] keep the loss away from 0. 1 point: the vanishing gradient or how to notice it,
and the cure.
"""

# %% [markdown]
r"""
## Summary

| you wrote | what is now hidden behind it |
|---|---|
| `build_mlp`, with `nn.Linear` | making weights, and the list of what to train |
| `Sequential` | the forward pass of a chain, the names of its parameters, the walk through the tree |
| `MSELoss`, `CrossEntropyLoss` | the loss and its settings, as one thing to hand around |
| `log_softmax` | why networks return logits: the overflow of exp, and the log of 0 |
| `judge_cross_entropy` | a test is code too: the batch it tries decides what it can see |
| `train_step` | a step that does not know what it trains |
| `Dropout` | the mode: noise in training, none in evaluation |
| `BatchNorm1d` | buffers: what a model remembers without training it |
"""

# %% [markdown]
r"""
**What still hurts?** The step is the plainest there is: one learning rate for every parameter, no memory of
earlier steps, and the update stands in the middle of the loop. Chapter 6 makes it an object too: the
optimizer.
"""

# %% [markdown]
r"""
## Where to go next

- *Next chapter:* `06_optim`, from plain steps to momentum and Adam.
- *In the library:* `torch/nn/modules/container.py` holds `Sequential`, with your methods in it and some more
  (slices, `insert`, `append`); the other
  layers are beside it in `linear.py`, `loss.py`, `dropout.py` and `batchnorm.py`. Most of their `forward`s
  are one line that calls `torch/nn/functional.py`. How an attribute becomes a parameter stands in
  `module.py`, under `__setattr__`.
- *Further:* Srivastava and others, *Dropout* (2014); Ioffe and Szegedy, *Batch Normalization* (2015).
- *Try:* give your `CrossEntropyLoss` a `label_smoothing`; or put your `BatchNorm1d` before the ReLU, then
  after it, in a network of ten layers, and compare the histograms.
"""
