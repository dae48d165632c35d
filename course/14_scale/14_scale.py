# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
r"""
# 14 · Compile it, spread it

Thirteen chapters wrote models as Python that runs line by line, on one device. That is the right way to think, and it has two prices. Each line is
one trip through Python and one pass over memory, and nobody sees two lines at once. And one device has one memory and one clock.

This chapter removes both. First you look over the shoulder of `torch.compile`: what it sees, where it gives up, when it starts again. Then the training step of chapter 5
runs on **several processes that talk**, real ones, with the calls that a cluster uses; only the machines are missing. You write the four things that training at scale is
made of: averaged gradients, split layers, a split optimizer, a split checkpoint.
"""

# %% tags=["setup"] nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import math
import tempfile
from collections import Counter
from pathlib import Path

import torch
import torch._dynamo
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn

from layer_by_layer.instruments import compiled as look
from layer_by_layer.instruments import sharding
from layer_by_layer.instruments.stand_in import this_or_ours
from lessonkit import check, plot, ranks
from lessonkit.hints import hint
from layer_by_layer.parts import scale as parts

# %% [markdown]
r"""
**Four questions first**, about earlier chapters; no points, and nobody sees the answers. Type a prediction in place of `None`, then run the cell.
"""

# %%
# chapter 5: two halves of a batch, each with its own MEAN loss. Is the mean of the two
# gradients that of the whole batch?
prediction = None
w = torch.tensor([2.0], requires_grad=True)
x = torch.tensor([1.0, 2.0, 3.0, 6.0])
halves = [torch.autograd.grad((part * w).square().mean(), w)[0] for part in x.split(2)]
whole = torch.autograd.grad((x * w).square().mean(), w)[0]
print(
    "you said", prediction, "-", "yes" if torch.allclose(sum(halves) / 2, whole) else "no",
    "(for halves of equal size)",
)

# %%
# chapter 6: a model has 1,000 numbers. How many does AdamW hold beside them and
# their gradients?
prediction = None
p = nn.Parameter(torch.zeros(1000))
p.grad = torch.ones(1000)
adam = torch.optim.AdamW([p])
adam.step()
print("you said", prediction, "- it is", sum(t.numel() for t in adam.state[p].values() if t.numel() > 1))

# %%
# chapter 2: b = a[:10], where a has 1,000,000 float32 numbers. How many bytes does
# torch.save(b) write, about?
prediction = None
import io

file = io.BytesIO()
torch.save(torch.zeros(1_000_000)[:10], file)
print("you said", prediction, "- it is", f"{file.tell():,}", "(a view brings its whole storage)")

# %%
# chapter 11: torch.export met `if x.sum() > 0:`. Did it follow both branches, one, or none?
prediction = None
print(
    "you said", prediction,
    "- none: it refuses a decision that depends on the data. torch.compile, below, does something else",
)

# %% [markdown]
r"""
*Needs: chapters 5 and 6 (a training step, AdamW), 4 (autograd.Function), 7 (modules, buffers), 9 (attention); 11.8's export helps. Seven exercises; with everything about four
hours. 14.1 to 14.3, 14.4 and 14.5, 14.6 and 14.7 make three evenings.*
"""

# %% [markdown]
r"""
## 14.1 What the compiler sees

`torch.compile(f)` does not read your source. When `f` is called, **Dynamo** walks through its Python bytecode with the real arguments in hand, runs everything that is only Python (ifs on
numbers, loops over lists, attributes), and writes down what happens to *tensors*: a **graph** of operations. The graph goes to a **backend**, which returns something that can be called. The usual
backend, Inductor, writes C++ or Triton. A backend may just as well look at the graph and return it.
"""

# %% tags=["picture"]
def show(graph_module, example_inputs):
    print("\n".join(f"    {node.op:14} {node.name:10} {node.args}" for node in graph_module.graph.nodes))
    return graph_module.forward  # run it as it is


def two_lines(x, times):
    for _ in range(times):
        x = torch.sin(x) + 1
    return x.sum()


torch._dynamo.reset()
print("the graph:")
print("the answer:", float(torch.compile(two_lines, backend=show)(torch.zeros(3), 2)))

# %% [markdown]
r"""
The loop is gone: it was Python, and it ran while the graph was written. `times` is gone too. Is that right for another `times`? It would not be, and so Dynamo keeps beside each graph a list of
**guards**, conditions under which it is valid: `times == 2`, `x` is a float32 tensor of shape (3,), grad mode is on … They are checked at every call. Where one fails, the function is compiled **again**.
"""

# %% tags=["picture"]
def graphs_for(sizes, **how):
    """how many graphs exist after calls with batches of these sizes"""
    torch._dynamo.reset()
    graphs, after = look.Graphs(), []
    compiled = torch.compile(lambda x: torch.relu(x @ x.T), backend=graphs, **how)
    for size in sizes:
        compiled(torch.ones(size, 3))
        after.append(len(graphs))
    return after


sizes = [4, 4, 5, 6, 7, 8, 8]
made = {name: graphs_for(sizes, dynamic=dynamic) for name, dynamic in (("dynamic=False", False), ("by default", None), ("dynamic=True", True))}
plot.curves(
    made, xlabel="call (batches of " + ", ".join(map(str, sizes)) + ")", ylabel="graphs compiled so far",
    alt="Graphs compiled after each of seven calls with batches of " + ", ".join(map(str, sizes)) + ". " + ". ".join(f"{name}: {counts}" for name, counts in made.items()),
)
print(made)

# %% [markdown]
r"""
With `dynamic=False` every new size costs a compilation. By default the second size teaches Dynamo that this number varies. `dynamic=True` takes it for a symbol from the start. After eight
graphs of one function Dynamo makes no more: calls that fit one of the eight still use it, all others run uncompiled, and slowly. It warns once (`hit config.recompile_limit`); `TORCH_LOGS=recompiles` tells the reason of each.

**A break.** Some things cannot go into a graph: a `print`, a decision that depends on the data. Then the graph ends there, Python does that one thing, and a new graph begins behind it. The answer is
right. But two small graphs are less than one large one, and `fullgraph=True` makes it an error, with the reason.
"""

# %% tags=["picture"]
def broken(x):
    y = torch.sin(x) * 2
    if y.sum() > 0:
        return y.exp()
    return y - 1


_, count = look.compiled_over(broken, [torch.ones(3)])
print("graphs for one call:", count)
try:
    look.compiled_over(broken, [torch.ones(3)], fullgraph=True)
except Exception as error:
    print("with fullgraph=True:", type(error).__name__, "-", str(error).strip().split("\n")[0])

# %% [markdown]
r"""
### Exercise 14.1 · `count_operations`
*difficulty 2 of 3 · 25 minutes · about 13 lines*

Write `count_operations(function, *inputs)` → a `collections.Counter` of the operations in the graph or graphs that torch.compile captures for the call `function(*inputs)`. It compiles with a **backend of your own**
that counts and runs the graph as it is. Operations go by the name of what is called: for `call_function` nodes `target.__name__`, for `call_method` nodes the target itself, for `call_module` nodes
the class name of the module. Inputs, attributes and outputs are no operations and never count.

The graphs of a call that breaks add up. A second call of `count_operations` with the same function gives the same, and so does a tenth. `function` may be a function or an `nn.Module`.
"""

# %% nbgrader={"grade": false, "grade_id": "count_operations", "locked": false, "schema_version": 3, "solution": true, "task": false}
def count_operations(function, *inputs):
    """what torch.compile captures for function(*inputs): Counter of names"""
    # about 13 lines
    ### BEGIN SOLUTION
    counts = Counter()

    def backend(graph_module, example_inputs):
        for node in graph_module.graph.nodes:
            if node.op == "call_function":
                counts[node.target.__name__] += 1
            elif node.op == "call_method":
                counts[node.target] += 1
            elif node.op == "call_module":
                counts[type(graph_module.get_submodule(node.target)).__name__] += 1
        return graph_module.forward  # as it is: what comes behind a break needs its real values

    torch._dynamo.reset()  # what was compiled before would not be compiled, or counted, again
    torch.compile(function, backend=backend)(*inputs)
    return counts
    ### END SOLUTION

# %%
hint("count_operations")

# %% nbgrader={"grade": true, "grade_id": "count_operations__graph", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
@check.cell("count_operations__graph")
def _():
    def counted(function, *inputs):
        found = count_operations(function, *inputs)
        return [isinstance(found, Counter), {name: int(n) for name, n in sorted(found.items()) if n}]

    def right(**names):
        return [True, dict(sorted(names.items()))]

    def mixed(x):
        y = torch.sin(x) / 2
        y = y.relu() + x[0]
        y.add_(1)
        return y.relu()

    check.equal(
        "functions and methods go by their names, and inputs and outputs do not count", lambda: counted(mixed, torch.ones(3)),
        expected=right(sin=1, truediv=1, relu=2, getitem=1, add=1, add_=1),
        advice="print node.op, node.target for every node of the graph",
    )

    def short(x):
        return torch.cos(x)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = nn.ModuleList([nn.Linear(3, 3) for _ in range(3)])

        def forward(self, x):
            for layer in self.layers:
                x = torch.relu(layer(x))
            return x

    check.equal("a module: its loop is unrolled", lambda: counted(Net(), torch.ones(2, 3)), expected=right(linear=3, relu=3))
    check.equal(
        "ten times the same function: ten times the same", lambda: [counted(short, torch.ones(3)) for _ in range(10)], expected=[right(cos=1)] * 10,
        advice="what is compiled already is not compiled again: torch._dynamo.reset() forgets it",
    )
    ### BEGIN HIDDEN TESTS
    def parts_of(*call):
        return [True, {name: int(n) for name, n in sorted(parts.count_operations(*call).items())}]

    check.equal("two inputs, a number and a matrix product", lambda: counted(lambda a, b: (a @ b).T.mean() * 2, torch.ones(2, 3), torch.ones(3, 2)), expected=lambda: parts_of(lambda a, b: (a @ b).T.mean() * 2, torch.ones(2, 3), torch.ones(3, 2)))

    def python_only(x, n):
        for i in range(n):
            x = x * i if i % 2 else x - i
        return x

    check.equal("decisions on numbers are Python and leave no trace", lambda: [counted(python_only, torch.ones(2), n) for n in (1, 4)], expected=[right(sub=1), right(sub=2, mul=2)])
    many = [lambda x, n=n: torch.cat([x.cos()] * n) for n in range(1, 13)]
    check.equal("twelve functions from one line of code", lambda: [counted(one, torch.ones(2)) for one in many], expected=lambda: [parts_of(one, torch.ones(2)) for one in many])
    check.equal("an attention and a loss in float64", lambda: counted(lambda q: F.cross_entropy(F.softmax(q @ q.mT, -1), torch.tensor([0, 1])), torch.ones(2, 2, dtype=torch.float64)), expected=lambda: parts_of(lambda q: F.cross_entropy(F.softmax(q @ q.mT, -1), torch.tensor([0, 1])), torch.ones(2, 2, dtype=torch.float64)))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "count_operations__breaks", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("count_operations__breaks")
def _():
    def counted(function, *inputs):
        return {name: int(n) for name, n in sorted(count_operations(function, *inputs).items()) if n}

    def decides(x):
        y = torch.sin(x) * 2
        if y.sum() > 0:
            return y.exp() + y.exp()
        return y - 1

    up, down = torch.ones(3), -torch.ones(3)
    check.equal(
        "a decision by the data: the graphs before and behind it add up, and the branch taken is the right one",
        lambda: [counted(decides, up), counted(decides, down)],
        expected=[{"add": 1, "exp": 2, "gt": 1, "mul": 1, "sin": 1, "sum": 1}, {"gt": 1, "mul": 1, "sin": 1, "sub": 1, "sum": 1}],
        advice="the backend returns what runs the graph with its real inputs: graph_module.forward",
    )
    ### BEGIN HIDDEN TESTS
    def prints(x):
        for i in range(3):
            x = torch.tanh(x)
            torch._dynamo.graph_break()
        return x.cos()

    check.equal("three breaks in a loop", lambda: counted(prints, up), expected=lambda: {k: int(v) for k, v in sorted(parts.count_operations(prints, up).items())})
    check.equal("up, down, up", lambda: [counted(decides, x) for x in (up, down, up)], expected=lambda: [{k: int(v) for k, v in sorted(parts.count_operations(decides, x).items())} for x in (up, down, up)])
    check.unchanged("what goes in is left alone", lambda: count_operations(decides, up), up)
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**Your counter on norms and softmax**, RMS norm twice: by hand, and as one call of torch. A backend like Inductor fuses each of these into one loop over memory. Run as it is, each operation counted is one trip.
"""

# %% tags=["picture"]
def count_trial(count):
    found = count(lambda x: x.sin() + 1, torch.ones(2))
    return torch.tensor([found["sin"], found["add"], len(found)])


count = this_or_ours("count_operations", count_operations, parts.count_operations, count_trial)
ways = {
    "RMS norm, by hand": lambda x: x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6),
    "layer norm, by hand": lambda x: (x - x.mean(-1, keepdim=True)) / (x.var(-1, keepdim=True, correction=0) + 1e-5).sqrt(),
    "F.rms_norm": lambda x: F.rms_norm(x, (4,)),
    "softmax, by hand": lambda x: (x - x.amax(-1, keepdim=True)).exp() / (x - x.amax(-1, keepdim=True)).exp().sum(-1, keepdim=True),
}
seen = {name: count(way, torch.ones(2, 4)) for name, way in ways.items()}
plot.bars(
    {name: float(sum(found.values())) for name, found in seen.items()}, xlabel="operations in the graph",
    alt="Operations in the captured graph: " + "; ".join(f"{name} {sum(found.values())}" for name, found in seen.items()),
)
for name, found in seen.items():
    print(f"{name}: {dict(found)}")

# %% [markdown]
r"""
## 14.2 Written so that it compiles

Here is a module as one writes it at first. It computes something reasonable, and it is all that a compiler does not like: it decides by the data (an `if` on what `.item()` gave; by default `.item()` alone ends the graph, and only
`fullgraph=True` takes the number in), it prints, and it walks over the batch row by row, so that every batch size is another program.
"""

# %% tags=["setup"] nbgrader={"grade": false, "grade_id": "breaks", "locked": true, "schema_version": 3, "solution": false, "task": false}
class Breaks(nn.Module):
    """x (N, dim) -> (N, dim)"""

    def __init__(self, dim):
        super().__init__()
        self.first = nn.Linear(dim, dim)
        self.second = nn.Linear(dim, dim)

    def forward(self, x):
        h = torch.relu(self.first(x))
        share = (h > 0).float().mean().item()
        if share > 0.5:
            print(f"busy: {share:.0%} of the units are on")
            h = h / (1 + share)
        else:
            h = 2 * h
        rows = []
        for row in h:
            rows.append(row - row.mean())
        return self.second(torch.stack(rows))

# %% tags=["picture"]
torch.manual_seed(1)
_, graphs = look.compiled_over(Breaks(4), [torch.randn(n, 4) for n in (5, 6, 7)])
print("graphs for three batch sizes:", graphs)
try:
    look.compiled_over(Breaks(4), [torch.randn(5, 4)], fullgraph=True)
except Exception as error:
    print("fullgraph=True:", str(error).strip().split("\n")[0])

# %% [markdown]
r"""
The cure is always the same three moves. A decision by the data becomes **arithmetic**: compute both, and choose with `torch.where`. A number that Python held stays a **tensor** of shape ().
A loop over rows becomes **one operation along an axis** (chapter 2). What is printed for people is no part of the model.
"""

# %% [markdown]
r"""
### Exercise 14.2 · `no_break`
*difficulty 2 of 3 · 20 minutes · about 10 lines*

Write the class `NoBreak(dim)`, an `nn.Module` with the parameter names of `Breaks(dim)`, and for every input (N, dim) the same output and the same gradients. It need not print. It compiles with `fullgraph=True`, and
under `dynamic=True` one graph serves all batch sizes N ≥ 2 (the first of them not equal to dim: the compiler takes two equal sizes for the same one).

*Not allowed: `torch.library`, `torch.compiler.disable`, `torch.compiler.allow_in_graph`, `torch._dynamo.nonstrict_trace`: they hide code from the compiler.*
"""

# %% nbgrader={"grade": false, "grade_id": "no_break", "locked": false, "schema_version": 3, "solution": true, "task": false}
class NoBreak(nn.Module):
    """x (N, dim) -> (N, dim), as Breaks"""

    def __init__(self, dim):
        # about 3 lines
        ### BEGIN SOLUTION
        super().__init__()
        self.first = nn.Linear(dim, dim)
        self.second = nn.Linear(dim, dim)
        ### END SOLUTION

    def forward(self, x):
        # about 5 lines
        ### BEGIN SOLUTION
        h = torch.relu(self.first(x))
        share = (h > 0).to(h.dtype).mean()  # a tensor, and not a number of Python's
        h = torch.where(share > 0.5, h / (1 + share), 2 * h)  # both are computed, one is chosen
        h = h - h.mean(dim=-1, keepdim=True)  # all rows at once
        return self.second(h)
        ### END SOLUTION

# %%
hint("no_break")

# %% nbgrader={"grade": true, "grade_id": "no_break__same", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
@check.cell("no_break__same")
def _():
    import contextlib
    import io

    def prepared(kind, x, seed, on):
        """a module with set weights; the first bias switches the share `on` of all units on, whatever x is"""
        module = kind(x.shape[-1]).to(x.dtype)
        with torch.no_grad():
            for i, (_, p) in enumerate(sorted(module.named_parameters())):
                p.copy_(check.tensor(seed + i, *p.shape, dtype="float64") * 0.3)
            named = dict(module.named_parameters())
            sizes = torch.linspace(0.0, 0.1, x.shape[-1], dtype=x.dtype)
            levels = (x @ named["first.weight"].T + sizes).flatten().sort().values
            off = min(max(round((1 - on) * len(levels)), 1), len(levels) - 1)
            named["first.bias"].copy_(sizes - (levels[off - 1] + levels[off]) / 2)
        return module

    def passes(kind, x, on, seed=601):
        module, leaf = prepared(kind, x, seed, on), x.clone().requires_grad_()
        with contextlib.redirect_stdout(io.StringIO()):
            out = module(leaf)
        out.backward(check.tensor(seed + 9, *out.shape, dtype="float64").to(x.dtype))
        return [out.detach(), leaf.grad, {name: p.grad for name, p in sorted(module.named_parameters())}]

    x = check.tensor(611, 5, 4)
    check.close(
        "most units on: output and gradients of Breaks", lambda: passes(NoBreak, x, 0.75), expected=lambda: passes(Breaks, x, 0.75),
        advice="compare the three steps one by one: the share, the branch, the rows",
    )
    check.close("few units on: the other branch", lambda: passes(NoBreak, x, 0.3), expected=lambda: passes(Breaks, x, 0.3))
    mixed = check.tensor(613, 5, 5)
    check.close("rows that differ: there is one share for the whole batch", lambda: passes(NoBreak, mixed, 0.56), expected=lambda: passes(Breaks, mixed, 0.56))
    check.equal("the same parameter names and shapes", lambda: {n: list(p.shape) for n, p in sorted(NoBreak(3).named_parameters())}, expected=lambda: {n: list(p.shape) for n, p in sorted(Breaks(3).named_parameters())})
    ### BEGIN HIDDEN TESTS
    for i, (shape, dtype) in enumerate([((1, 3), "float32"), ((7, 2), "float64"), ((2, 6), "float32"), ((12, 5), "float64")]):
        for on in (0.7, 0.3):
            case = check.tensor(621 + i, *shape, dtype=dtype, strided=True)
            check.close(f"{shape} in {dtype}, {'most' if on > 0.5 else 'few'} units on", lambda case=case, on=on: passes(NoBreak, case, on), expected=lambda: passes(Breaks, case, on), rtol=1e-5, atol=1e-7)
    even = check.tensor(629, 4, 3)
    check.close("just half of the units on is not more than half", lambda: passes(NoBreak, even, 0.5), expected=lambda: passes(Breaks, even, 0.5))
    check.unchanged("the input of the module stays", lambda: NoBreak(4)(x), x)
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "no_break__compiles", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
@check.cell("no_break__compiles")
def _():
    def compiled(dim, sizes, shifts=(1.5, -1.5), dtype="float32"):
        """outputs of one compiled module on batches of these sizes, and how many graphs that took"""
        module = NoBreak(dim).to(getattr(torch, dtype))
        with torch.no_grad():
            for i, (_, p) in enumerate(sorted(module.named_parameters())):
                p.copy_(check.tensor(631 + i, *p.shape, dtype="float64") * 0.3)
        batches = [check.tensor(641 + i, n, dim, dtype=dtype) + shifts[i % 2] for i, n in enumerate(sizes)]
        outputs, graphs = look.compiled_over(module, batches, fullgraph=True, dynamic=True)
        return [max(float((out - module(batch)).detach().abs().max()) for out, batch in zip(outputs, batches)) < 1e-4, graphs]

    check.equal(
        "with fullgraph=True it compiles, and gives what it gives uncompiled", lambda: compiled(4, [5])[0], expected=True,
        advice="the message names the line that breaks the graph",
    )
    check.equal(
        "one graph serves batches of 5, 3, 8 and 2 under dynamic=True", lambda: compiled(4, [5, 3, 8, 2]), expected=[True, 1],
        advice="what still depends on the number of rows?",
    )
    ### BEGIN HIDDEN TESTS
    check.equal("other sizes, and float64", lambda: [compiled(3, [7, 2, 20, 7]), compiled(6, [2, 9, 4], dtype="float64"), compiled(4, [3, 300])], expected=[[True, 1]] * 3)
    ### END HIDDEN TESTS

# %% [markdown]
r"""
## 14.3 Attention with a rule of one's own

A fused attention kernel knows the causal mask, because somebody wrote it. For every other rule one used to write another kernel, or pay with the full matrix of scores. `flex_attention` takes the rule **as a
function of positions** and, compiled, writes the kernel around it. There are two kinds:

- a **mask_mod**(b, h, q, k): may query q look at key k, in batch b and head h? True or False;
- a **score_mod**(score, b, h, q, k): the new score.

They get *index tensors* and have to be written as tensor arithmetic: `&` for `and`. Uncompiled, on a CPU, flex_attention runs them as they are, which is slow and right: enough to test a rule.
"""

# %% [markdown]
r"""
Two rules that models use. A **sliding window** (Mistral, Gemma): each step sees the last `width` steps, itself included. Layers on top of each other see further, a window each. **ALiBi** (Press and others, 2021):
no positions at all, but from each score the distance times a slope is taken off, another slope for each head. Steep heads look near, flat ones far; texts longer than any in training are no surprise.
"""

# %% [markdown]
r"""
### Exercise 14.3 · `attention_mods`
*difficulty 2 of 3 · 15 minutes · about 8 lines*

Write `sliding_window(width)`, width ≥ 1, → a mask_mod: (b, h, q, k) → bool, True where the key is not after the query (causal) **and** q − k < width.

Write `alibi(slopes)`, slopes a tensor (heads,), → a score_mod: (score, b, h, q, k) → score − slopes[h] · (q − k). It hides nothing.

Both get index tensors, and work inside `flex_attention` (of `torch.nn.attention.flex_attention`); no gradients are needed.
"""

# %% nbgrader={"grade": false, "grade_id": "attention_mods", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sliding_window(width):
    """-> mask_mod(b, h, q, k): the last `width` steps, this one included"""
    # about 3 lines
    ### BEGIN SOLUTION
    def mask_mod(b, h, q, k):
        return (q >= k) & (q - k < width)  # & and not `and`: these are tensors

    return mask_mod
    ### END SOLUTION


def alibi(slopes):
    """-> score_mod(score, b, h, q, k): a penalty that grows with the distance"""
    # about 3 lines
    ### BEGIN SOLUTION
    def score_mod(score, b, h, q, k):
        return score - slopes[h] * (q - k)

    return score_mod
    ### END SOLUTION

# %%
hint("attention_mods")

# %% nbgrader={"grade": true, "grade_id": "attention_mods__window", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("attention_mods__window")
def _():
    def grid(mod, steps):
        """a mask_mod over all pairs of positions"""
        q, k = torch.arange(steps)[:, None], torch.arange(steps)[None, :]
        return mod(torch.tensor(0), torch.tensor(0), q, k).expand(steps, steps)

    check.equal(
        "width 2 of four steps: each sees itself and the one before", lambda: grid(sliding_window(2), 4),
        expected=torch.tensor([[1, 0, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1]]).bool(),
        advice="work out q − k on paper for the first row and for the last",
    )
    check.equal("width 1 sees itself only, and a width above the length is causal", lambda: [grid(sliding_window(1), 3), grid(sliding_window(9), 3)], expected=[torch.eye(3).bool(), torch.ones(3, 3).tril().bool()])

    def attended(mod, seed, steps, heads=2, batch=1, dim=4):
        return look.flex(*(check.tensor(seed + i, batch, heads, steps, dim) for i in range(3)), mask_mod=mod)

    def written_out(width, seed, steps, heads=2, batch=1, dim=4):
        mask = torch.ones(steps, steps).tril().triu(1 - width).bool()
        return F.scaled_dot_product_attention(*(check.tensor(seed + i, batch, heads, steps, dim) for i in range(3)), attn_mask=mask)

    check.close("inside flex_attention it equals attention with the mask written out", lambda: attended(sliding_window(3), 651, 7), expected=lambda: written_out(3, 651, 7))
    ### BEGIN HIDDEN TESTS
    check.equal("other widths and lengths", lambda: [grid(sliding_window(w), n) for w, n in ((1, 1), (4, 9), (5, 5), (100, 20))], expected=lambda: [torch.ones(n, n).tril().triu(1 - w).bool() for w, n in ((1, 1), (4, 9), (5, 5), (100, 20))])
    check.close("a batch of long texts with several heads", lambda: attended(sliding_window(17), 661, 150, 3, 2), expected=lambda: written_out(17, 661, 150, 3, 2))
    check.equal("two windows side by side", lambda: [grid(mod, 4) for mod in [sliding_window(1), sliding_window(3)]], expected=lambda: [torch.eye(4).bool(), torch.ones(4, 4).tril().triu(-2).bool()])
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "attention_mods__alibi", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("attention_mods__alibi")
def _():
    slopes = torch.tensor([0.5, 0.0, 2.0])

    def bias(mod, heads, steps, batch=1):
        """what a score_mod adds to scores of 1, for all heads and pairs of positions"""
        b, h = torch.arange(batch)[:, None, None, None], torch.arange(heads)[None, :, None, None]
        q, k = torch.arange(steps)[:, None], torch.arange(steps)[None, :]
        return mod(torch.ones(batch, heads, steps, steps), b, h, q, k)

    def right(slopes, steps, batch=1):
        away = (torch.arange(steps)[:, None] - torch.arange(steps)).to(slopes.dtype)
        return (1 - slopes[:, None, None] * away).expand(batch, -1, -1, -1)

    check.close(
        "a score of 1 at distance q − k, under slopes 0.5, 0 and 2", lambda: bias(alibi(slopes), 3, 4), expected=lambda: right(slopes, 4),
        advice="the slope of head h; the further back the key, the lower the score",
    )

    def attended(slopes, seed, batch, steps):
        q, k, v = (check.tensor(seed + i, batch, len(slopes), steps, 4, dtype=str(slopes.dtype).partition(".")[2]) for i in range(3))
        return look.flex(q, k, v, score_mod=alibi(slopes))

    def written_out(slopes, seed, batch, steps):
        q, k, v = (check.tensor(seed + i, batch, len(slopes), steps, 4, dtype=str(slopes.dtype).partition(".")[2]) for i in range(3))
        return F.scaled_dot_product_attention(q, k, v, attn_mask=right(slopes, steps) - 1)

    check.close("inside flex_attention it equals attention with the bias written out", lambda: attended(slopes, 671, 2, 5), expected=lambda: written_out(slopes, 671, 2, 5))
    ### BEGIN HIDDEN TESTS
    other = check.tensor(681, 4).abs()
    check.close("other slopes, a longer text, one batch", lambda: [bias(alibi(other), 4, 9), attended(other, 682, 1, 33)], expected=lambda: [right(other, 9), written_out(other, 682, 1, 33)])
    check.close("one head, one step", lambda: bias(alibi(torch.ones(1)), 1, 1), expected=torch.ones(1, 1, 1, 1))
    check.unchanged("the slopes stay", lambda: bias(alibi(slopes), 3, 4), slopes)
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**Your rules, drawn**: who may look at whom under `sliding_window(6)`, and what `alibi` takes off for a steep and a flat head.
"""

# %% tags=["picture"]
def mods_trial(pair):
    q, k = torch.arange(5)[:, None], torch.arange(5)[None, :]
    return torch.cat([pair[0](2)(0, 0, q, k).double(), pair[1](torch.tensor([0.5]))(torch.zeros(5, 5), 0, torch.tensor(0), q, k).double()])


window, linear = this_or_ours("attention_mods", (sliding_window, alibi), (parts.sliding_window, parts.alibi), mods_trial)
q, k = torch.arange(24)[:, None], torch.arange(24)[None, :]
maps = [window(6)(0, 0, q, k).float(), *(linear(torch.tensor([0.5, 0.05]))(torch.zeros(24, 24), 0, torch.tensor(h), q, k).masked_fill(k > q, float("nan")) for h in (0, 1))]
with plot.figure(
    f"Three maps of 24 by 24 positions. Left, the window: a band of width 6 below the diagonal. Middle and right, what ALiBi takes off: down to {float(maps[1].nan_to_num().min()):.1f} for a slope of "
    f"0.5, to {float(maps[2].nan_to_num().min()):.2f} for 0.05", columns=3, height=2.6,
) as axes:
    for ax, one, title in zip(axes, maps, ("sliding_window(6)", "alibi, slope 0.5", "alibi, slope 0.05")):
        ax.imshow(one.numpy(), cmap="cividis", vmin=None if title[0] == "s" else -12)
        ax.set_title(title)
        ax.set_xlabel("key")
    axes[0].set_ylabel("query")

# %% [markdown]
r"""
## 14.4 Several ranks: the same training on two machines

From here on several processes run **the same program**, each with a number, its **rank**, out of `world` many. They share nothing. What they know of each other comes by **collectives**, calls that
every rank makes, and that return when all have made them:

- `dist.broadcast(t, src=0)`: t on every rank becomes rank 0's;
- `dist.all_reduce(t)`: t on every rank becomes the sum of all;
- `dist.all_gather(pieces, t)`: every rank gets every t, in a list; all of them have to have the same shape;
- `dist.barrier()`: wait for all.

All write **into** the tensors that they are given. On a cluster NCCL carries them over NVLink and InfiniBand; here gloo carries them over this machine's own loopback. The calls are the same.
"""

# %% tags=["picture"]
def hello(rank):
    mine = torch.tensor([10.0 * (rank + 1)])
    total = mine.clone()
    dist.all_reduce(total)
    print(f"I have {float(mine)}, all of us have {float(total)}")
    return float(total)


print("returned:", ranks.run(hello, 3))

# %% [markdown]
r"""
`ranks.run(function, world)` is the course's: it starts the processes, joins them to a group, and brings back what each returned. If a rank raises, dies or waits for a call that the others never
make, it ends all of them and says which one it was. That last case, a **hang**, is the commonest error of distributed programs. Provoke it once:
"""

# %% tags=["picture"]
def forgetful(rank):
    if rank == 0:  # a collective that only some ranks call
        dist.all_reduce(torch.ones(1))


try:
    ranks.run(forgetful, 2, seconds=3)
except ranks.RankFailed as error:
    print("RankFailed:", error)

# %% [markdown]
r"""
**Data parallel.** Every rank holds the whole model and takes its own shard of the batch. Each computes the gradient of its shard's mean loss. The mean of these means is the gradient of the whole batch, if shards
are of equal size (you predicted that above). So all ranks average their gradients, take the same step, and stay the same, to the bit. For that they have to *start* the same: rank 0's parameters and buffers for all.
"""

# %% tags=["picture"]
sharding.draw_devices(
    {"weights": [[0, 1], [0, 1]], "gradients": [[0, 1], [0, 1]], "moments": [[0, 1], [0, 1]], "batch": [[0], [1]]}, 2,
    alt="Data parallel on two devices: each holds all weights, gradients and moments, and one half of the batch",
)

# %% [markdown]
r"""
### Exercise 14.4 · `average_gradients`
*difficulty 2 of 3 · 20 minutes · about 9 lines*

Both run on every rank of the default process group. Write `broadcast_parameters(model)`: afterwards all parameters and buffers, non-persistent buffers too, hold rank 0's values on every rank.

Write `average_gradients(model)`: afterwards `.grad` of each parameter is the mean over ranks. A gradient that is absent (`None`) is so on every rank or on none, and stays absent. Nothing else of the model changes.

Training on equal shards of a batch, averaged so, equals training on the whole batch.
"""

# %% nbgrader={"grade": false, "grade_id": "average_gradients", "locked": false, "schema_version": 3, "solution": true, "task": false}
def broadcast_parameters(model):
    """rank 0's parameters and buffers on every rank"""
    # about 3 lines
    ### BEGIN SOLUTION
    for tensor in [*model.parameters(), *model.buffers()]:
        dist.broadcast(tensor.detach(), src=0)  # detached: the same storage, and nothing for autograd to see
    ### END SOLUTION


def average_gradients(model):
    """.grad of every parameter becomes its mean over ranks"""
    # about 4 lines
    ### BEGIN SOLUTION
    for parameter in model.parameters():
        if parameter.grad is not None:
            dist.all_reduce(parameter.grad)  # a sum, written into the gradient itself
            parameter.grad /= dist.get_world_size()
    ### END SOLUTION

# %%
hint("average_gradients")

# %% nbgrader={"grade": true, "grade_id": "average_gradients__start", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("average_gradients__start")
def _():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer, self.norm = nn.Linear(3, 2), nn.BatchNorm1d(2)
            self.register_buffer("scratch", torch.zeros(2), persistent=False)

    def values(rank, seed):
        return [check.tensor(seed + 10 * rank + i, *t.shape) if t.is_floating_point() else torch.tensor(7 + rank) for i, t in enumerate([*Net().parameters(), *Net().buffers()])]

    def broadcast(rank, values):
        model = Net()
        with torch.no_grad():
            for t, value in zip([*model.parameters(), *model.buffers()], values[rank]):
                t.copy_(value)
        model.layer.bias.requires_grad_(False)
        kept = [id(p) for p in model.parameters()]
        broadcast_parameters(model)
        return {
            "parameters": [p.detach() for p in model.parameters()], "buffers": list(model.buffers()),
            "the same objects": [id(p) for p in model.parameters()] == kept, "flags": [p.requires_grad for p in model.parameters()],
        }

    def right(values, world):
        return [{"parameters": values[0][:4], "buffers": values[0][4:], "the same objects": True, "flags": [True, False, True, True]}] * world

    two = [values(rank, 701) for rank in range(2)]
    check.close(
        "two ranks: rank 0's parameters and buffers on both", lambda: ranks.run(broadcast, 2, two, seconds=15), expected=lambda: right(two, 2),
        advice="buffers are model.buffers(): running statistics, counters, and those that no checkpoint holds",
    )
    ### BEGIN HIDDEN TESTS
    three = [values(rank, 711) for rank in range(3)]
    check.close("three ranks start alike", lambda: ranks.run(broadcast, 3, three, seconds=15), expected=lambda: right(three, 3))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "average_gradients__mean", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
@check.cell("average_gradients__mean")
def _():
    def averaged(rank, grads):
        model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1))
        for p, grad in zip(model.parameters(), grads[rank]):
            p.grad = None if grad is None else grad.clone()
        before = [p.detach().clone() for p in model.parameters()]
        average_gradients(model)
        return [[p.grad for p in model.parameters()], [bool((p == b).all()) for p, b in zip(model.parameters(), before)]]

    def gradients(seed, rank):
        return [check.tensor(seed + 10 * rank + i, *shape) for i, shape in enumerate([(2, 3), (2,), (1, 2)])] + [None]

    def right(grads, world):
        means = [None if g[0] is None else torch.stack(g).mean(0) for g in zip(*grads)]
        return [[means, [True] * 4]] * world

    two = [gradients(721, rank) for rank in range(2)]
    check.close(
        "two ranks: each gradient is the mean, and the absent one stays absent", lambda: ranks.run(averaged, 2, two, seconds=15), expected=lambda: right(two, 2),
        advice="all_reduce sums; how many were summed?",
    )
    three = [gradients(731, rank) for rank in range(3)]
    check.close("three ranks average thirds", lambda: ranks.run(averaged, 3, three, seconds=15), expected=lambda: right(three, 3))
    x, y, start = check.tensor(741, 12, 3, dtype="float64"), check.tensor(742, 12, 1, dtype="float64"), check.tensor(743, 1, 3, dtype="float64")

    def trained(rank, world, steps, own):
        model = nn.Linear(3, 1).double()
        with torch.no_grad():
            model.weight.copy_(start * (rank + 1))
            model.bias.fill_(rank)
        if own:
            broadcast_parameters(model)
        size = len(x) // world
        mine = slice(rank * size, (rank + 1) * size)
        for _ in range(steps):
            model.zero_grad()
            (model(x[mine]) - y[mine]).square().mean().backward()
            if own:
                average_gradients(model)
            with torch.no_grad():
                for p in model.parameters():
                    p -= 0.1 * p.grad
        return [model.weight.detach(), model.bias.detach()]

    check.close("four steps on two halves equal four steps on the whole batch", lambda: ranks.run(trained, 2, 2, 4, True, seconds=15), expected=lambda: [trained(0, 1, 4, False)] * 2)
    ### BEGIN HIDDEN TESTS
    check.close("six steps on three thirds", lambda: ranks.run(trained, 3, 3, 6, True, seconds=15), expected=lambda: [trained(0, 1, 6, False)] * 3)
    check.close("a group of one", lambda: ranks.run(averaged, 1, two[:1], seconds=15), expected=lambda: right(two[:1], 1))
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**Two ranks, drawn.** A line is fitted three times: by one process on the whole batch, by two ranks on halves with your averaging, and by two ranks that forget it. The last two go apart: each fits its own half.
"""

# %% tags=["picture"]
def try_ranks(name, own, ours, run):
    """what `run` gives with a student's part, or with the course's where that fails"""
    try:
        return run(own)
    except Exception as error:
        print(f"{name} is not right yet ({type(error).__name__}): what follows is drawn with the course's own.")
        return run(ours)


points = torch.linspace(-1, 1, 32)[torch.randperm(32, generator=torch.Generator().manual_seed(3))].sort().values[:, None]
heights = 0.8 * points + 0.6 * points**2


# %% tags=["picture"]
def fit(rank, world, average):
    model = nn.Linear(1, 1)
    with torch.no_grad():
        model.weight.fill_(-1.0)
        model.bias.fill_(1.0)
    size, path = 32 // world, []
    mine = slice(rank * size, (rank + 1) * size)
    for _ in range(40):
        model.zero_grad()
        (model(points[mine]) - heights[mine]).square().mean().backward()
        if average:
            average(model)
        with torch.no_grad():
            for p in model.parameters():
                p -= 0.2 * p.grad
        path.append(float(model.weight.detach()))
    return path

# %% tags=["picture"]
alone = fit(0, 1, None)
together = try_ranks("average_gradients", average_gradients, parts.average_gradients, lambda average: ranks.run(fit, 2, 2, average))
apart = ranks.run(fit, 2, 2, None)
plot.curves(
    {"one process": alone, "rank 0, averaged": together[0], "rank 0, not averaged": apart[0], "rank 1, not averaged": apart[1]}, xlabel="step", ylabel="slope of the line",
    alt=f"The slope over 40 steps: one process ends at {alone[-1]:.3f}, two averaging ranks at {together[0][-1]:.3f}, ranks that do not average at {apart[0][-1]:.3f} and {apart[1][-1]:.3f}",
)

# %% [markdown]
r"""
`DistributedDataParallel` is this with two refinements: it hangs itself into the backward pass by hooks and sends the gradients of the last layers while the first ones are still being computed, and it sends many small
gradients as one large *bucket*.
"""

# %% [markdown]
r"""
## 14.5 Split a layer

When one layer does not fit, it is cut. A linear layer can be cut two ways. **By columns** (of the mathematician's x W; rows of PyTorch's (out, in) weight): each rank has some of the *outputs*. It needs the whole
input and gives a slice of the output. **By rows**: each rank has some of the *inputs*. It needs a slice of the input, and its output is one summand of the whole.

Megatron-LM (2019) put them one behind the other. The column layer's slices are just what the row layer wants, and anything that works number by number, such as ReLU, may stand between. One sum at the end, and the MLP is split.
"""

# %% tags=["picture"]
sharding.draw_devices(
    {"first weight": [[0], [1]], "hidden values": [[0], [1]], "second weight": [[0], [1]], "input and output": [[0, 1], [0, 1]]}, 2,
    alt="Tensor parallel on two devices: each holds one half of both weights and of the hidden values; input and output are whole on both",
)

# %% [markdown]
r"""
**And backward?** The chain rule decides, and there is a symmetry in it. The column layer's input goes to all ranks; so its gradient is the **sum** of what they send back: nothing in forward, an all_reduce in backward.
The row layer's output is a sum over ranks; so each summand's gradient is the output's, **as it is**: an all_reduce in forward, nothing in backward.

`dist.all_reduce` is not known to autograd (it warns, and the gradients may be wrong without a word more). Both need a `torch.autograd.Function` of chapter 4, three lines each.
"""

# %% [markdown]
r"""
### Exercise 14.5 · `column_parallel`
*difficulty 3 of 3 · 35 minutes · about 30 lines*

Write `ColumnParallelLinear(in_features, out_features)` and `RowParallelLinear(in_features, out_features)`, each an `nn.Module` without bias, for inputs (…, in), on the default process group of `world` ranks. ValueError from the constructor where world does not divide
what is cut.

Column: `weight` (out/world, in). The input is whole on every rank, the output is the rank's slice (…, out/world), and the gradient of the input is summed over ranks.

Row: `weight` (out, in/world). The input is the rank's slice (…, in/world), the output is summed over ranks and whole, (…, out), and the output's gradient passes as it is. Given slices of two weights in rank order, the pair with a ReLU between equals
the two-layer net on one device, forward and backward.
"""

# %% nbgrader={"grade": false, "grade_id": "column_parallel", "locked": false, "schema_version": 3, "solution": true, "task": false}
class SumBackward(torch.autograd.Function):
    """forward: x as it is; backward: the gradient summed over ranks"""

    # about 8 lines
    ### BEGIN SOLUTION
    @staticmethod
    def forward(ctx, x):
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad_out):
        total = grad_out.clone(memory_format=torch.contiguous_format)  # all_reduce writes into it
        dist.all_reduce(total)
        return total
    ### END SOLUTION


class SumForward(torch.autograd.Function):
    """forward: x summed over ranks; backward: the gradient as it is"""

    # about 8 lines
    ### BEGIN SOLUTION
    @staticmethod
    def forward(ctx, x):
        total = x.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out
    ### END SOLUTION


class ColumnParallelLinear(nn.Module):
    """(..., in) -> this rank's (..., out / world)"""

    # about 9 lines
    ### BEGIN SOLUTION
    def __init__(self, in_features, out_features):
        super().__init__()
        if out_features % dist.get_world_size():
            raise ValueError(f"{dist.get_world_size()} ranks do not divide {out_features} outputs")
        self.weight = nn.Parameter(torch.randn(out_features // dist.get_world_size(), in_features) / math.sqrt(in_features))

    def forward(self, x):
        return F.linear(SumBackward.apply(x), self.weight)
    ### END SOLUTION


class RowParallelLinear(nn.Module):
    """this rank's (..., in / world) -> (..., out)"""

    # about 9 lines
    ### BEGIN SOLUTION
    def __init__(self, in_features, out_features):
        super().__init__()
        if in_features % dist.get_world_size():
            raise ValueError(f"{dist.get_world_size()} ranks do not divide {in_features} inputs")
        self.weight = nn.Parameter(torch.randn(out_features, in_features // dist.get_world_size()) / math.sqrt(in_features))

    def forward(self, x):
        return SumForward.apply(F.linear(x, self.weight))
    ### END SOLUTION

# %%
hint("column_parallel")

# %% nbgrader={"grade": true, "grade_id": "column_parallel__alone", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
@check.cell("column_parallel__alone")
def _():
    def column(rank, x, weight, upstream):
        layer = ColumnParallelLinear(weight.shape[1], weight.shape[0]).to(x.dtype)
        with torch.no_grad():
            layer.weight.copy_(weight.chunk(dist.get_world_size())[rank])
        leaf = x.clone().requires_grad_()
        out = layer(leaf)
        out.backward(upstream.chunk(dist.get_world_size(), -1)[rank])
        return [out.detach(), leaf.grad, layer.weight.grad, [list(p.shape) for p in layer.parameters()]]

    def row(rank, x, weight, upstream):
        world = dist.get_world_size()
        layer = RowParallelLinear(weight.shape[1], weight.shape[0]).to(x.dtype)
        with torch.no_grad():
            layer.weight.copy_(weight.chunk(world, 1)[rank])
        leaf = x.chunk(world, -1)[rank].clone().requires_grad_()
        out = layer(leaf)
        out.backward(upstream)
        return [out.detach().clone(), leaf.grad, layer.weight.grad, [list(p.shape) for p in layer.parameters()]]

    def whole(x, weight, upstream):
        leaf, w = x.clone().requires_grad_(), weight.clone().requires_grad_()
        out = leaf @ w.T
        out.backward(upstream)
        return out.detach(), leaf.grad, w.grad

    def right_column(world, x, weight, upstream):
        out, x_grad, w_grad = whole(x, weight, upstream)
        return [[o, x_grad, w, [list(w.shape)]] for o, w in zip(out.chunk(world, -1), w_grad.chunk(world))]

    def right_row(world, x, weight, upstream):
        out, x_grad, w_grad = whole(x, weight, upstream)
        return [[out, g, w, [list(w.shape)]] for g, w in zip(x_grad.chunk(world, -1), w_grad.chunk(world, 1))]

    given = check.tensor(751, 5, 3), check.tensor(752, 4, 3), check.tensor(753, 5, 4)
    check.close(
        "column, two ranks: slices of the output, and the input's gradient is the sum", lambda: ranks.run(column, 2, *given, seconds=15), expected=lambda: right_column(2, *given),
        advice="each rank knows only what its own outputs say about x",
    )
    other = check.tensor(761, 5, 4), check.tensor(762, 3, 4), check.tensor(763, 5, 3)
    check.close(
        "row, two ranks: the output is the sum, and gradients pass as they are", lambda: ranks.run(row, 2, *other, seconds=15), expected=lambda: right_row(2, *other),
        advice="the output's gradient is whole on every rank already",
    )
    ### BEGIN HIDDEN TESTS
    wide = check.tensor(771, 2, 1, 3, dtype="float64"), check.tensor(772, 6, 3, dtype="float64"), check.tensor(773, 2, 1, 6, dtype="float64")
    check.close("column on three ranks, three axes, float64", lambda: ranks.run(column, 3, *wide, seconds=15), expected=lambda: right_column(3, *wide))
    deep = check.tensor(781, 2, 2, 6, dtype="float64", strided=True), check.tensor(782, 1, 6, dtype="float64"), check.tensor(783, 2, 2, 1, dtype="float64")
    check.close("row on three ranks, three axes, float64", lambda: ranks.run(row, 3, *deep, seconds=15), expected=lambda: right_row(3, *deep))
    check.close("one row, and a group of one", lambda: [ranks.run(column, 1, given[0][:1], given[1], given[2][:1], seconds=15), ranks.run(row, 1, other[0][0], other[1], other[2][0], seconds=15)], expected=lambda: [right_column(1, given[0][:1], given[1], given[2][:1]), right_row(1, other[0][0], other[1], other[2][0])])
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "column_parallel__pair", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
@check.cell("column_parallel__pair")
def _():
    def pair(rank, x, first, second, upstream):
        world = dist.get_world_size()
        column, row = ColumnParallelLinear(first.shape[1], first.shape[0]).to(x.dtype), RowParallelLinear(second.shape[1], second.shape[0]).to(x.dtype)
        with torch.no_grad():
            column.weight.copy_(first.chunk(world)[rank])
            row.weight.copy_(second.chunk(world, 1)[rank])
        leaf = x.clone().requires_grad_()
        out = row(torch.relu(column(leaf)))
        out.backward(upstream)
        return [out.detach().clone(), leaf.grad, column.weight.grad, row.weight.grad]

    def right(world, x, first, second, upstream):
        leaf, w1, w2 = (t.clone().requires_grad_() for t in (x, first, second))
        out = torch.relu(leaf @ w1.T) @ w2.T
        out.backward(upstream)
        return [[out.detach(), leaf.grad, one, two] for one, two in zip(w1.grad.chunk(world), w2.grad.chunk(world, 1))]

    net = check.tensor(791, 6, 3), check.tensor(792, 4, 3), check.tensor(793, 2, 4), check.tensor(794, 6, 2)
    check.close("column, ReLU, row on two ranks: the two-layer net, forward and backward", lambda: ranks.run(pair, 2, *net, seconds=15), expected=lambda: right(2, *net))

    def refusals(rank, sizes):
        found = []
        for kind, made in ((ColumnParallelLinear, sizes), (RowParallelLinear, [pair[::-1] for pair in sizes])):
            for n_in, n_out in made:
                try:
                    kind(n_in, n_out)
                    found.append("made")
                except ValueError:
                    found.append("ValueError")
        return found

    check.equal(
        "ValueError where two ranks do not divide what is cut, and only there", lambda: ranks.run(refusals, 2, [(3, 4), (4, 3), (3, 2)], seconds=15),
        expected=[["made", "ValueError", "made"] * 2] * 2, advice="the column layer cuts its outputs, the row layer its inputs",
    )
    ### BEGIN HIDDEN TESTS
    large = check.tensor(801, 1, 2, 5, dtype="float64"), check.tensor(802, 9, 5, dtype="float64"), check.tensor(803, 4, 9, dtype="float64"), check.tensor(804, 1, 2, 4, dtype="float64")
    check.close("the pair on three ranks in float64", lambda: ranks.run(pair, 3, *large, seconds=15), expected=lambda: right(3, *large))
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**What a rank computes, drawn.** The summands of a row layer on two ranks, and their sum: one rank has the stripes that stand, the other those that lie, and neither half looks like the answer.
"""

# %% tags=["picture"]
across, down = torch.linspace(0, 9, 24), torch.linspace(0, 6, 16)
# stripes that stand, from rank 0's two inputs, and stripes that lie, from rank 1's
left_factor = torch.stack([torch.ones(16), 0.5 * torch.ones(16), down.sin(), 0.5 * (2 * down).cos()], dim=1)
right_factor = torch.stack([across.sin(), (2 * across).cos(), torch.ones(24), torch.ones(24)], dim=1)
image = left_factor @ right_factor.T


def halves(rank, kind):
    layer = kind(4, 24)
    with torch.no_grad():
        layer.weight.copy_(right_factor.chunk(2, 1)[rank])
        mine = left_factor.chunk(2, 1)[rank]
        return [mine @ layer.weight.T, layer(mine)]


shown = try_ranks("RowParallelLinear", RowParallelLinear, parts.RowParallelLinear, lambda kind: ranks.run(halves, 2, kind))
gap = float((shown[0][1] - image).abs().max())
with plot.figure(f"Three 16 by 24 maps: rank 0's summand, rank 1's summand, and the row layer's output on both ranks, their sum, which is off the original by {gap:.1g} at most", columns=3, height=1.9) as axes:
    for ax, one, title in zip(axes, (shown[0][0], shown[1][0], shown[0][1]), ("rank 0 alone", "rank 1 alone", "summed, on both")):
        ax.imshow(one.numpy(), cmap="RdBu_r", vmin=-1.5, vmax=1.5)
        ax.set_title(title)
        ax.set_axis_off()

# %% [markdown]
r"""
## 14.6 Split the optimizer

In data parallel every rank holds the same AdamW moments: two numbers for every parameter, on every device, all equal. Rajbhandari and others (*ZeRO*, 2019) saw that nobody needs them twice. Let each rank keep the moments of its **share** of
the parameters, update that share, and pass the result round. Nothing about the mathematics changes: AdamW works number by number.
"""

# %% tags=["picture"]
sharding.draw_devices(
    {"weights": [[0, 1, 2]] * 3, "gradients": [[0, 1, 2]] * 3, "moments": [[0], [1], [2]]}, 3,
    alt="A sharded optimizer on three devices: weights and gradients are whole on each, and each holds a third of the moments",
)

# %% [markdown]
r"""
The next step, ZeRO-2, keeps only the share of the *gradients* (a `reduce_scatter` instead of an all_reduce). ZeRO-3, which PyTorch calls **FSDP**, keeps only the share of the *weights* as well, and gathers each layer just before it is
needed, forward and backward. Memory falls to one `world`-th of everything, and each layer costs one more gathering.

A share must be cut through the middle of tensors: one large embedding would otherwise lie on one rank. Cut every flattened parameter into `world` pieces, and mind sizes that do not divide.
"""

# %% [markdown]
r"""
### Exercise 14.6 · `sharded_optimizer`
*difficulty 3 of 3 · 35 minutes · about 25 lines*

Write the class `ShardedAdamW(params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2)` with `step()` and `zero_grad()`; params is an iterable, also a generator, equal on all ranks, and so are the gradients.

After `step` all ranks hold the parameters that `torch.optim.AdamW` would give from the same gradients, updated in place. A parameter whose `.grad` is None stays as it is, and counts its steps for itself. `zero_grad` clears every gradient (None or zero).

Beside parameters and gradients each rank holds, between calls, at most 4/world as many numbers as the parameters have: the moments of its share, and a working copy. torch's AdamW may be used on a rank's own share.

*Not allowed: `torch.distributed.optim`, `torch.distributed.fsdp`.*
"""

# %% nbgrader={"grade": false, "grade_id": "sharded_optimizer", "locked": false, "schema_version": 3, "solution": true, "task": false}
class ShardedAdamW:
    """AdamW, each rank with the moments of its share"""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        # about 4 lines
        ### BEGIN SOLUTION
        self.params = list(params)
        # a working copy of this rank's piece of every parameter: what the inner optimizer sees
        self.pieces = [nn.Parameter(self.piece_of(p).clone()) for p in self.params]
        self.inner = torch.optim.AdamW(self.pieces, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)
        ### END SOLUTION

    def piece_of(self, tensor, rank=None):
        """this rank's (or another's) piece of a flattened tensor; sizes differ by one at most"""
        # about 2 lines
        ### BEGIN SOLUTION
        pieces = tensor.detach().reshape(-1).tensor_split(dist.get_world_size())
        return pieces[dist.get_rank() if rank is None else rank]
        ### END SOLUTION

    @torch.no_grad()
    def step(self):
        # about 11 lines
        ### BEGIN SOLUTION
        for p, piece in zip(self.params, self.pieces):
            piece.grad = None if p.grad is None else self.piece_of(p.grad)  # absent: AdamW leaves it, and its count
        self.inner.step()
        for p, piece in zip(self.params, self.pieces):
            if p.grad is None:
                continue
            gathered = [torch.empty_like(self.piece_of(p, rank)) for rank in range(dist.get_world_size())]
            for rank, whose in enumerate(gathered):
                if rank == dist.get_rank():
                    whose.copy_(piece)
                dist.broadcast(whose, src=rank)  # pieces may differ in size by one
            p.copy_(torch.cat(gathered).view_as(p))
            piece.grad = None
        ### END SOLUTION

    def zero_grad(self):
        # about 2 lines
        ### BEGIN SOLUTION
        for p in self.params:
            p.grad = None
        ### END SOLUTION

# %%
hint("sharded_optimizer")

# %% nbgrader={"grade": true, "grade_id": "sharded_optimizer__steps", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
@check.cell("sharded_optimizer__steps")
def _():
    def prepared(shapes, seed, dtype="float32"):
        return [nn.Parameter(check.tensor(seed + i, *shape, dtype=dtype)) for i, shape in enumerate(shapes)]

    def walk(make, shapes, grads, seed, dtype, how):
        params = prepared(shapes, seed, dtype)
        kept = [p.data_ptr() for p in params]
        optimizer = make((p for p in params), **how)
        for some in grads:
            optimizer.zero_grad()
            for p, grad in zip(params, some):
                p.grad = None if grad is None else grad.clone()
            optimizer.step()
        left = [p.grad is None for p in params]
        optimizer.zero_grad()
        cleared = [p.grad is None or not bool(p.grad.any()) for p in params]
        return [[p.detach() for p in params], left, cleared, kept == [p.data_ptr() for p in params]]

    def sharded(rank, *given):
        return walk(lambda params, **how: ShardedAdamW(params, **how), *given)

    def right(*given):
        return walk(lambda params, **how: torch.optim.AdamW(params, **how), *given)

    def gradients(shapes, steps, seed, absent=(), dtype="float32"):
        return [[None if (step, i) in absent else check.tensor(seed + 20 * step + i, *shape, dtype=dtype) for i, shape in enumerate(shapes)] for step in range(steps)]

    shapes = [(6, 4), (5,), (1,)]
    one = shapes, gradients(shapes, 3, 811), 801, "float32", {"lr": 0.1}
    check.close(
        "three steps on two ranks equal torch's AdamW", lambda: ranks.run(sharded, 2, *one, seconds=15), expected=lambda: [right(*one)] * 2,
        advice="compare the pieces: 5 numbers on 2 ranks are 3 and 2",
    )
    gaps = shapes, gradients(shapes, 3, 821, {(0, 0), (1, 0), (1, 2), (2, 1)}), 801, "float32", {"lr": 0.1}
    check.close("a parameter without a gradient stays, and its steps are its own", lambda: ranks.run(sharded, 2, *gaps, seconds=15), expected=lambda: [right(*gaps)] * 2)
    how = {"lr": 0.02, "betas": (0.5, 0.8), "eps": 0.1, "weight_decay": 0.3}
    other = shapes, gradients(shapes, 3, 831), 801, "float64", how
    other = (*other[:1], gradients(shapes, 3, 831, dtype="float64"), *other[2:])
    check.close("other settings, three ranks, float64", lambda: ranks.run(sharded, 3, *other, seconds=15), expected=lambda: [right(*other)] * 3)
    ### BEGIN HIDDEN TESTS
    small = [(2,), (1, 1), (3, 3, 2), (7,), ()]
    more = small, gradients(small, 5, 841, {(2, 3)}), 851, "float32", {}
    check.close("five steps at the defaults, parameters smaller than the group", lambda: ranks.run(sharded, 3, *more, seconds=15), expected=lambda: [right(*more)] * 3)
    tiny = small, [[1e-8 * grad for grad in some] for some in gradients(small, 2, 861)], 851, "float32", {"lr": 0.1}
    check.close("slopes as small as the default eps", lambda: ranks.run(sharded, 2, *tiny, seconds=15), expected=lambda: [right(*tiny)] * 2)
    check.close("a group of one is AdamW", lambda: ranks.run(sharded, 1, *gaps, seconds=15), expected=lambda: [right(*gaps)])
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "sharded_optimizer__memory", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
@check.cell("sharded_optimizer__memory")
def _():
    def held(rank, shapes, steps):
        params = [nn.Parameter(torch.ones(*shape)) for shape in shapes]
        optimizer = ShardedAdamW(params, lr=0.01)
        for _ in range(steps):
            for p in params:
                p.grad = torch.ones_like(p)
            optimizer.step()
        return sharding.held_by(optimizer, params) / sum(p.numel() for p in params)

    check.that(
        "three ranks, one large parameter: each holds at most 4/3 of the numbers",
        lambda: ranks.run(held, 3, [(60, 50), (30,)], 2, seconds=15),
        judge=lambda seen: "a rank holds more than 4/world of the numbers" if max(seen) > 4 / 3 else None,
        advice="two moments of a third and a copy of a third make 1 in all",
    )
    ### BEGIN HIDDEN TESTS
    check.that("three ranks, sizes that do not divide", lambda: ranks.run(held, 3, [(101, 7), (2, 600), (1000,), (1,)], 3, seconds=15), judge=lambda seen: "a rank holds more than 4/world of the numbers" if max(seen) > 4 / 3 else None)
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**What each rank holds**, counted on your optimizer after a step, for a model of 300,000 numbers.
"""

# %% tags=["picture"]
def holdings(rank, make):
    params = [nn.Parameter(torch.ones(500, 600))]
    optimizer = make(params)
    params[0].grad = torch.ones(500, 600)
    optimizer.step()
    return sharding.held_by(optimizer, params)


amounts = {"torch's AdamW, any rank": float(ranks.run(holdings, 1, torch.optim.AdamW)[0])}
for world in (2, 3):
    amounts[f"yours, {world} ranks"] = float(max(try_ranks("ShardedAdamW", ShardedAdamW, parts.ShardedAdamW, lambda kind: ranks.run(holdings, world, kind))))
plot.bars(amounts, xlabel="numbers held beside 300,000 parameters and their gradients", alt="Numbers held beside parameters and gradients: " + ", ".join(f"{name} {amount:,.0f}" for name, amount in amounts.items()))

# %% [markdown]
r"""
## 14.7 Split the checkpoint

A model that lies on many devices is saved by all of them, each its part, at the same time. Two things make that harder than it sounds. A view saved with `torch.save` brings its **whole storage** (you saw it above): a share has to be cloned.
And the file of a run on 64 ranks has to be readable on 8, or on one laptop: the pieces are put together again whatever their number was.

And a load that fails must fail **whole**: read everything, look whether it fits, and only then write into the model. A model that is half new and half old runs, and nobody notices.
"""

# %% [markdown]
r"""
### Exercise 14.7 · `sharded_checkpoint`
*difficulty 3 of 3 · 35 minutes · about 25 lines*

Write `save_sharded(model, folder)` and `load_sharded(model, folder)` for all parameters and buffers of a model; the folder exists. Every rank of the group calls them, or one process without any group.

Saving: every rank writes its own file or files into the folder with `torch.save`, and none writes more than 1/world of the elements and a few more (storages count, not views). A second save into the folder replaces the first, also from another number of ranks.

Loading: gives the model, on every rank, the values saved, whatever number of ranks saved and whatever number loads. All files open with `weights_only=True`. Where a file is missing or cut short it raises, and the model is as it was before.
"""

# %% nbgrader={"grade": false, "grade_id": "sharded_checkpoint", "locked": false, "schema_version": 3, "solution": true, "task": false}
def place():
    """(rank, world) of this process, (0, 1) without a group"""
    # about 1 line
    ### BEGIN SOLUTION
    return (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
    ### END SOLUTION


def save_sharded(model, folder):
    # about 12 lines
    ### BEGIN SOLUTION
    rank, world = place()
    if rank == 0:
        for old in Path(folder).glob("shard*.pt"):
            old.unlink()
    if world > 1:
        dist.barrier()  # nobody writes before the old ones are gone
    named = [*model.named_parameters(), *model.named_buffers()]
    # cloned: a view would bring its whole storage along
    mine = {name: t.detach().reshape(-1).tensor_split(world)[rank].clone() for name, t in named}
    torch.save({"world": world, "mine": mine}, Path(folder) / f"shard{rank}.pt")
    if world > 1:
        dist.barrier()  # nobody goes on before all is written
    ### END SOLUTION


def load_sharded(model, folder):
    # about 11 lines
    ### BEGIN SOLUTION
    shards = [torch.load(Path(folder) / "shard0.pt", weights_only=True)]
    for rank in range(1, shards[0]["world"]):
        shards.append(torch.load(Path(folder) / f"shard{rank}.pt", weights_only=True))  # a missing one raises
    named = [*model.named_parameters(), *model.named_buffers()]
    # put together and look at everything before anything is written
    whole = [torch.cat([shard["mine"][name] for shard in shards]).view_as(t) for name, t in named]
    with torch.no_grad():
        for (_, t), value in zip(named, whole):
            t.copy_(value)
    ### END SOLUTION

# %%
hint("sharded_checkpoint")

# %% nbgrader={"grade": true, "grade_id": "sharded_checkpoint__round_trip", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
@check.cell("sharded_checkpoint__round_trip")
def _():
    def net(seed):
        """a model with parameters, float and integer buffers, set from a seed (None: zeros)"""
        model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1, bias=False)).double()
        with torch.no_grad():
            for i, t in enumerate([*model.parameters(), *model.buffers()]):
                t.copy_(torch.zeros_like(t) if seed is None else check.tensor(seed + i, *t.shape, dtype="float64") if t.is_floating_point() else torch.tensor(seed))
        return model

    def values(model):
        return [t.detach().clone() for t in (*model.parameters(), *model.buffers())]

    def save(rank, seed, folder):
        save_sharded(net(seed), folder)

    def load(rank, folder):
        model = net(None)
        load_sharded(model, folder)
        return values(model)

    def there_and_back(saving, loading, *seeds):
        """save each seed with a number of ranks in turn (0: without a group), and load with `loading` ranks"""
        with tempfile.TemporaryDirectory() as folder:
            for world, seed in zip(saving, seeds):
                save(0, seed, folder) if world == 0 else ranks.run(save, world, seed, folder, seconds=15)
            return [load(0, folder)] if loading == 0 else ranks.run(load, loading, folder, seconds=15)

    check.close("one process without a group saves and loads", lambda: there_and_back([0], 0, 861), expected=lambda: [values(net(861))], advice="dist.is_initialized() says whether there is a group")
    check.close("two ranks save, and two load", lambda: there_and_back([2], 2, 871), expected=lambda: [values(net(871))] * 2, advice="a size that two do not divide: the counter of the batch norm is one number, and one rank's share of it is empty")
    check.close("three ranks save, and one process loads", lambda: there_and_back([3], 0, 881), expected=lambda: [values(net(881))])
    check.close(
        "a second save by two ranks replaces the first by three", lambda: there_and_back([3, 2], 0, 891, 901), expected=lambda: [values(net(901))],
        advice="what is left of the first save must not be read",
    )
    ### BEGIN HIDDEN TESTS
    check.close("one process saves, three ranks load", lambda: there_and_back([0], 3, 911), expected=lambda: [values(net(911))] * 3)
    check.close("two, then one, then three ranks save, and two load", lambda: there_and_back([2, 0, 3], 2, 921, 931, 941), expected=lambda: [values(net(941))] * 2)
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "sharded_checkpoint__files", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
@check.cell("sharded_checkpoint__files")
def _():
    def net(fill):
        model = nn.Sequential(nn.Linear(30, 20), nn.BatchNorm1d(20))
        with torch.no_grad():
            for t in (*model.parameters(), *model.buffers()):
                t.fill_(fill)
        return model

    def save(rank, folder):
        model = net(3)
        with sharding.saved_elements() as counts:
            save_sharded(model, folder)
        return [len(counts) > 0, sum(counts) / sum(t.numel() for t in (*model.parameters(), *model.buffers()))]

    def shares(world):
        with tempfile.TemporaryDirectory() as folder:
            found = ranks.run(save, world, folder, seconds=15)
            for file in Path(folder).rglob("*"):
                if file.is_file() and file.read_bytes()[:2] == b"PK":  # what torch.save writes
                    torch.load(file, weights_only=True)
            return found

    check.that(
        "two ranks: each writes with torch.save, and no more than its half and a few; all opens with weights_only=True", lambda: shares(2),
        judge=lambda seen: "a rank writes nothing" if not all(one[0] for one in seen) else None if max(one[1] for one in seen) < 0.56 else "a rank writes more than its share",
        advice="a slice of a tensor is a view: saved, it brings the whole storage",
    )

    def spoiled(world, how):
        """save, damage one file, load: what is raised, and whether the model is as before"""
        with tempfile.TemporaryDirectory() as folder:
            save(0, folder) if world == 0 else ranks.run(save, world, folder, seconds=15)
            files = sorted(file for file in Path(folder).rglob("*") if file.is_file())
            how(files[-1])
            model, before = net(5), 5.0
            try:
                load_sharded(model, folder)
            except Exception:
                return ["raised", all(bool((t == before).all()) for t in (*model.parameters(), *model.buffers()))]
            return ["loaded", all(bool((t == before).all()) for t in (*model.parameters(), *model.buffers()))]

    def cut(file):
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])

    check.equal("a file that is missing: it raises, and the model is as before", lambda: spoiled(2, Path.unlink), expected=["raised", True], advice="read all, then write")
    check.equal("a file cut short: it raises, and the model is as before", lambda: spoiled(2, cut), expected=["raised", True])
    ### BEGIN HIDDEN TESTS
    check.that("three ranks write thirds", lambda: shares(3), judge=lambda seen: "a rank writes nothing" if not all(one[0] for one in seen) else None if max(one[1] for one in seen) < 0.4 else "a rank writes more than its share")
    check.equal("damaged saves of three ranks and of one process", lambda: [spoiled(3, Path.unlink), spoiled(3, cut), spoiled(0, cut), spoiled(0, Path.unlink)], expected=[["raised", True]] * 4)

    def again(rank, folder):
        model = net(2)
        save_sharded(model, folder)
        return [bool((t == 2).all()) for t in (*model.parameters(), *model.buffers())]

    def saving_changes_nothing():
        with tempfile.TemporaryDirectory() as folder:
            return ranks.run(again, 2, folder, seconds=15)

    check.equal("saving leaves the model alone", saving_changes_nothing, expected=[[True] * 7] * 2)
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**The files of one model**, saved by one, two and three ranks: how large each is.
"""

# %% tags=["picture"]
def write_all(rank, save, folder):
    save(nn.Linear(400, 250), folder)


def sizes_of(save):
    found = {}
    for world in (1, 2, 3):
        with tempfile.TemporaryDirectory() as folder:
            ranks.run(write_all, world, save, folder)
            found[world] = sorted((file.name, file.stat().st_size / 1024) for file in Path(folder).rglob("*") if file.is_file())
    return found


files = try_ranks("save_sharded", save_sharded, parts.save_sharded, sizes_of)
plot.bars(
    {f"{world} rank(s): {name}": size for world, those in files.items() for name, size in those}, xlabel="KiB",
    alt="File sizes: " + "; ".join(f"{world} ranks: " + ", ".join(f"{name} {size:.0f} KiB" for name, size in those) for world, those in files.items()),
)

# %% [markdown]
r"""
## 14.8 On real machines

What `ranks.run` did here, `torchrun` does on machines. It starts one process for each device, gives each its numbers in the environment (`RANK`, `LOCAL_RANK`, `WORLD_SIZE`), and ends all when one dies (with `--max-restarts=3` it starts them again, and your script has to load its last checkpoint). Two machines with eight devices each:

```
# on both machines; node0 is the name of the first, and 29500 a free port of it
torchrun --nnodes=2 --nproc-per-node=8 --rdzv-backend=c10d \
         --rdzv-endpoint=node0:29500 --rdzv-id=run1  train.py
```

```python
# train.py: the same file on all sixteen
dist.init_process_group("nccl")                      # reads RANK and WORLD_SIZE
torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
broadcast_parameters(model)                          # 14.4, or model = DistributedDataParallel(model)
for x, y in loader_of_this_rank:                     # DistributedSampler gives each rank its shard
    optimizer.zero_grad()
    loss_fn(model(x.cuda()), y.cuda()).backward()
    average_gradients(model)                         # DistributedDataParallel does this by itself
    optimizer.step()
```

Nothing else changes: the calls are the ones that you wrote.
"""

# %% [markdown]
r"""
### The other ways, in the same picture

**FSDP2** (`fully_shard`): weights, gradients and moments are all cut; a layer's weights are gathered for the moment of its use.
"""

# %% tags=["picture"]
sharding.draw_devices(
    {"weights": [[0], [1], [2], [3]], "gradients": [[0], [1], [2], [3]], "moments": [[0], [1], [2], [3]], "batch": [[0], [1], [2], [3]]}, 4,
    alt="FSDP on four devices: each holds a quarter of weights, gradients, moments and of the batch",
)

# %% [markdown]
r"""
**DTensor** is the type behind it: a tensor that knows its *mesh* of devices and its *placement*, `Shard(dim)`, `Replicate()` or `Partial()`. Your column layer's weight is a `Shard(0)`, your row layer's output before the sum a `Partial()`, after it a
`Replicate()`; the collectives between them follow from the placements.

**Pipeline parallel**: devices hold different *layers*. The batch is cut into microbatches, so that the second device works on the first while the first works on the second. The price is the *bubble*, the time when the pipe fills and empties.
"""

# %% tags=["picture"]
sharding.draw_devices(
    {"layers": [[0], [1], [2], [3]], "moments": [[0], [1], [2], [3]], "batch": [[0, 1, 2, 3]] * 4}, 4,
    alt="Pipeline parallel on four devices: each holds a quarter of the layers and their moments, and the whole batch passes through each",
)
stages = 4
for micro in (1, 4, 16):
    print(f"{stages} stages, {micro:2} microbatches: {(stages - 1) / (micro + stages - 1):.0%} of the time is bubble")

# %% [markdown]
r"""
**Expert parallel**: in a *mixture of experts* the MLP exists many times over, and a small router sends each token to a few of them. Experts lie on different devices, and tokens travel to theirs and back by `all_to_all`.
"""

# %% tags=["picture"]
torch.manual_seed(2)
router = torch.randn(32, 4).softmax(-1)
chosen = router.argmax(-1)
sharding.draw_devices(
    {"attention": [[0, 1, 2, 3]] * 4, "experts": [[0], [1], [2], [3]], "batch": [[0], [1], [2], [3]]}, 4,
    alt="Expert parallel on four devices: attention is whole on each, each holds one of four experts and a quarter of the batch",
)
print("32 tokens go to experts:", torch.bincount(chosen, minlength=4).tolist(), "- the busiest expert sets the time")

# %% [markdown]
r"""
| way | what is cut | what travels, and when | good where |
|---|---|---|---|
| data parallel (14.4) | the batch | gradients, once a step | the model fits |
| sharded optimizer, FSDP (14.6) | moments, gradients, weights | weights, before each layer | memory is short |
| tensor parallel (14.5) | inside each layer | activations, twice a block | very fast links, one machine |
| pipeline | the layers | activations, between stages | slow links |
| expert | the experts | tokens, twice a block | mixtures of experts |

Large runs multiply them: tensor parallel inside a machine, pipeline or FSDP between machines, data parallel on top. A *mesh* of devices has one axis for each.
"""

# %% [markdown]
r"""
## Two questions

These are read by a person. A few honest sentences are worth more than a page.
"""

# %% [markdown]
r"""
### Question A
A colleague's training step takes 40 ms uncompiled. With `torch.compile` the first step takes a minute, and later ones sometimes 30 ms, sometimes many seconds. List what you would look at, in which order, with which tool, and what you would change in the code for each finding.
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_compile", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
r"""
**Model answer.** The first minute is compilation. Steps of many seconds are recompilations: `TORCH_LOGS=recompiles` names the guard that failed. Usual reasons: sizes that vary (the last batch of an epoch, sequence lengths): drop or pad it, or `dynamic=True`, `mark_dynamic`; a Python number that changes
each step (a learning rate, a step counter in the model): make it a tensor; a mode or flag that flips. Beyond eight the function runs uncompiled. If it gains less than hoped, look for breaks: `torch._dynamo.explain` or `fullgraph=True` with their reasons: prints, decisions on
data (an `if` behind an `.item()`), unknown C extensions; replace by `torch.where`, move logging out, keep numbers as tensors. Then measure again, warm and synchronised (11.4), and compare with uncompiled.

**Rubric.** 1 point: recompilation by failing guards, with a tool that shows it. 1 point: graph breaks, with a tool. 1 point: fitting changes of the code.
"""

# %% [markdown]
r"""
### Question B
You have four devices of 16 GB on one machine and a model with 3 billion parameters to train with AdamW in float32. Which of the ways above would you take, in what order would you try them, and what does each device hold? Count bytes. What would you do first if it still does not fit?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_memory", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
r"""
**Model answer.** Float32: 12 GB of weights, 12 of gradients, 24 of moments: 48 GB before activations. Data parallel: 48 on each, impossible. Sharded moments: 12 + 12 + 6 = 30, no. Sharded gradients too: 12 + 3 + 6 = 21, no. FSDP: 12 GB a device and one gathered layer at a time: fits, with under 4 GB left for activations. Tensor parallel cuts the same
12 GB and the activations, needs fast links, and changes the model's code. First for what remains: activation checkpointing (13.7) and smaller microbatches; then bfloat16 for weights and gradients with float32 masters, or LoRA, which needs gradients and moments for a percent of the weights.

**Rubric.** 1 point: 16 bytes a parameter, counted. 1 point: a way with its bytes per device. 1 point: activations named, and a sensible next step.
"""

# %% [markdown]
r"""
## Summary

| you wrote | what is now hidden behind the name | the idea |
|---|---|---|
| `count_operations` | a backend of `torch.compile` | Python runs once, tensors leave a graph |
| `NoBreak` | advice of every `TORCH_LOGS=graph_breaks` | arithmetic instead of decisions |
| `sliding_window`, `alibi` | `flex_attention`'s mods | a rule as a function of positions |
| `broadcast_parameters`, `average_gradients` | `DistributedDataParallel` | the mean of means is the mean |
| `ColumnParallelLinear`, `RowParallelLinear` | `parallelize_module`, Megatron-LM | cut outputs, then inputs: one sum |
| `ShardedAdamW` | `ZeroRedundancyOptimizer`, `fully_shard` | nobody keeps what another has |
| `save_sharded`, `load_sharded` | `torch.distributed.checkpoint` | each its part, and all or nothing back |

You began with a matrix product in NumPy whose gradient you wrote by hand. What a cluster adds to it is who holds which piece, and when the pieces meet.
"""

# %% [markdown]
r"""
## Where to go next

- *In the library:* `torch/_dynamo/symbolic_convert.py` is the walk through bytecode, `torch/_dynamo/backends/debugging.py` holds backends as small as yours. `torch/nn/attention/flex_attention.py` begins with the types of mods. `torch/nn/parallel/distributed.py` is
  14.4 with buckets, `torch/distributed/tensor/parallel/style.py` has `ColwiseParallel` and `RowwiseParallel`, `torch/distributed/optim/zero_redundancy_optimizer.py` is 14.6, and the folder `torch/distributed/checkpoint` is 14.7. `torch/distributed/fsdp/_fully_shard` is FSDP2,
  `torch/distributed/pipelining` pipelines, `torch/distributed/run.py` is torchrun.
- *In real models:* torchtitan trains Llama with all of these on one mesh; nanoGPT's `train.py` has data parallel in a dozen lines.
- *Further:* Shoeybi and others, *Megatron-LM* (2019); Rajbhandari and others, *ZeRO* (2019); Press and others, *ALiBi* (2021); Ansel and others, *PyTorch 2* (2024); Zhao and others, *PyTorch FSDP* (2023).
- *Try:* `torch.compile` with its usual backend on chapter 13's block (a first kernel may take forty seconds here); a `sliding_window` that also lets everybody see the first four steps; 14.4's training on ranks with shards of *unequal* size: what has to change?
"""
