# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
r"""
# 11 · Shipping

Ten chapters long the only user of your layers was you. You knew the shapes, you watched the loss, and when something
broke you restarted the kernel. From here on somebody else calls your code: at night, with an input you never thought
of, from a program that is not even Python.

In this chapter a layer goes out of the door. It gets a doorkeeper, loses its Python loops, learns to do with little
memory, is timed honestly, becomes an operator that PyTorch's own tools accept, and leaves as a file that runs without
you.
"""

# %% tags=["setup"] nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import io
import math
import os
import tempfile
import time

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from layer_by_layer import judges
from lessonkit import check, plot
from lessonkit.hints import hint
from layer_by_layer.instruments import shipping as parts

# %% tags=["picture"]
stations = {
    "in": "input", "door": "the door\n11.1", "layer": "the layer\n11.2-11.4", "op": "operator\n11.5",
    "program": "program\n11.6", "file": "file\n11.7", "out": "elsewhere",
}
links = [("in", "door"), ("door", "layer"), ("layer", "op"), ("op", "program"), ("program", "file"), ("file", "out")]
plot.graph(
    stations, links, mark={"door", "file"},
    alt="The way of a layer out of the notebook: an input meets the door (11.1), then the layer, made fast and lean (11.2 "
    "to 11.4); the layer becomes an operator (11.5), a program (11.6), a file (11.7), and runs elsewhere",
)

# %% [markdown]
r"""
**What hurt so far.** Everything you built is right, and none of it is ready:

| in the notebook | out there |
|---|---|
| a wrong shape raises twenty frames below, or is stretched in silence | the caller is told at the door, in one line |
| a double loop is clear, and slow | the same sum as one call |
| attention holds a matrix of L × S | it holds a strip of it |
| "it feels faster" | median, minimum, maximum, after a warm-up |
| a Python function | an operator with a schema, or a file |

*Needs: chapters 3 to 5 and attention from chapter 9. Seven exercises, about two hours and a half; 11.1 to 11.4 and
11.5 to 11.7 make two good evenings. Exercise 11.7 wants the extra* `pip install "layer-by-layer[export]"`.
"""

# %% [markdown]
r"""
## 11.1 The doorkeeper

An input from outside is wrong in one of three ways. It is *not what you take it for* (a list, an image of bytes), it
has *another shape*, or it holds *numbers that are none*: NaN and infinity. The first two mostly raise somewhere. The
third does not, and it spreads. Below, one NaN enters a batch of eight rows.
"""

# %% tags=["picture"]
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 5), nn.BatchNorm1d(5), nn.Linear(5, 3))
x = torch.randn(8, 6)
x[2, 4] = float("nan")
values = [x]
for layer in net:
    values.append(layer(values[-1]))
share = torch.stack([value.detach().isnan().float().mean(1) for value in values], 1)
plot.heatmap(
    share, "share of NaN in each row, layer by layer", yticks=[f"row {i}" for i in range(8)],
    xticks=["in", "lin", "relu", "lin", "norm", "lin"],
    alt="Share of NaN by row and layer: one entry of row 2 at first, all of row 2 after the first linear layer, and "
    f"{int(share[:, 4].bool().sum())} of 8 rows after the batch norm, which takes its mean over the batch",
)
print("running mean of the batch norm afterwards:", net[3].running_mean.tolist())

# %% [markdown]
r"""
One bad number of one user, and the answers of all eight are gone; the batch norm will remember it for ever. Nothing
raised. **A check at the door costs one pass over the input**; that is less than the first layer costs.

Who checks with `assert`, checks nothing: `python -O` leaves every assert out, and production often runs with `-O`.
An assert says *I am sure of this*, to colleagues who read. `raise` says *I refuse this*, to callers.
"""

# %% [markdown]
r"""
Which exception? Python's own rule: **TypeError** where the *kind* of thing is wrong (a list, integers), **ValueError**
where the kind is right and the value is not (shape, NaN). And a message names both sides, what came and what was
expected, because the person who reads it sees neither your code nor the input:

- not so good: `bad input`
- good: `expected (..., 17) with at least one row, got (5, 23)`
"""

# %% [markdown]
r"""
### Exercise 11.1 · `validate_input`
*difficulty 1 of 3 · 15 minutes · about 8 lines*

Write `validate_input(x, features)`. It returns `x` itself, untouched, where `x` is a floating-point torch tensor of shape
(…, features) with at least one row, all of its numbers finite; any number of axes before the last, and (features,)
is one row. Otherwise:

- `TypeError` where `x` is no floating-point torch tensor; the message names the type or dtype that came and what was expected;
- `ValueError` where the shape is another or there is no row; the message names the shape that came and `features`;
- `ValueError` where a number is NaN or infinite; the message has the word "finite".

Every floating-point dtype is welcome. It works the same under `python -O`.
"""

# %% nbgrader={"grade": false, "grade_id": "validate_input", "locked": false, "schema_version": 3, "solution": true, "task": false}
def validate_input(x, features):
    """(..., features), floating point, finite, at least one row -> x itself; TypeError or ValueError otherwise"""
    # about 8 lines
    ### BEGIN SOLUTION
    if not isinstance(x, torch.Tensor):
        raise TypeError(f"expected a floating-point torch.Tensor, got {type(x).__name__}")
    if not x.is_floating_point():
        raise TypeError(f"expected a floating-point tensor, got dtype {x.dtype}")
    # numel counts rows and columns at once: (0, features) and (2, 0, features) have no entry, so no row
    if x.dim() == 0 or x.shape[-1] != features or x.numel() == 0:
        raise ValueError(f"expected shape (..., {features}) with at least one row, got {tuple(x.shape)}")
    # not through the sum: large numbers that are fine each can overflow together
    if not torch.isfinite(x).all():
        raise ValueError("expected finite numbers only, got NaN or infinity")
    return x
    ### END SOLUTION

# %%
hint("validate_input")

# %% nbgrader={"grade": true, "grade_id": "validate_input__passes", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("validate_input__passes")
def _():
    x = torch.tensor([[1.0, -2.0, 3.5], [0.0, 4.0, 5.0]])
    check.equal(
        "a good input comes back as the very same object, with the numbers it had",
        lambda: [validate_input(x, 3) is x, validate_input(x, 3)],
        expected=lambda: [True, x],
        advice="return x; no copy, no conversion",
    )
    row = torch.tensor([1.0, 2.0, 3.0])
    check.equal("(features,) is one row, and more axes are fine", lambda: [validate_input(row, 3), validate_input(x.reshape(2, 1, 3), 3)], expected=lambda: [row, x.reshape(2, 1, 3)])
    ### BEGIN HIDDEN TESTS
    kinds = [check.tensor(1, 1, 5, dtype=kind) for kind in ("float64", "float16", "bfloat16", "float32")]
    check.equal("every floating-point dtype passes as it is", lambda: [[str(validate_input(k, 5).dtype), validate_input(k, 5) is k] for k in kinds], expected=lambda: [[str(k.dtype), True] for k in kinds])
    check.equal("four and five axes pass too", lambda: [list(validate_input(torch.ones(2, 1, 3, 4), 4).shape), list(validate_input(torch.ones(1, 2, 1, 3, 4), 4).shape)], expected=[[2, 1, 3, 4], [1, 2, 1, 3, 4]])
    strided, large = check.tensor(2, 4, 3, strided=True), torch.full((3, 4), 3.0e38) * torch.tensor([1.0, 1.0, -1.0, 1.0])
    check.equal("numbers that are large but finite pass", lambda: validate_input(large, 4), expected=lambda: large)
    check.unchanged("a strided input is left alone", lambda: validate_input(strided, 3), strided)
    check.equal("a strided input comes back as the same object", lambda: [validate_input(strided, 3) is strided, validate_input(strided[:, :2], 2)], expected=lambda: [True, strided[:, :2]])

    def with_graph():
        leaf = nn.Parameter(check.tensor(3, 2, 3))
        middle = leaf * 2
        return [validate_input(leaf, 3) is leaf, leaf.requires_grad, leaf.grad is None, validate_input(middle, 3) is middle, torch.is_grad_enabled()]

    check.equal("a parameter and a tensor inside a graph pass as they are", lambda: with_graph(), expected=[True, True, True, True, True])
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "validate_input__types", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("validate_input__types")
def _():
    check.raises("a list of numbers is no tensor", lambda: validate_input([1.0, 2.0], 2), TypeError, advice="isinstance(x, torch.Tensor) before anything else is asked of x")
    check.raises("whole numbers are refused by their dtype", lambda: validate_input(torch.tensor([[1, 2]]), 2), TypeError)
    ### BEGIN HIDDEN TESTS
    for what, bad in {"NumPy's array": np.ones((2, 3)), "None": None, "a float": 3.0, "booleans": torch.ones(2, 3) > 0, "complex numbers": torch.ones(2, 3) * 1j, "bytes of an image": torch.ones(2, 3).to(torch.uint8)}.items():
        check.raises(f"refused by type: {what}", lambda bad=bad: validate_input(bad, 3), TypeError)
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "validate_input__shapes", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("validate_input__shapes")
def _():
    check.raises("another number of features is refused", lambda: validate_input(torch.ones(5, 23), 17), ValueError)
    check.raises("a batch without a row is refused", lambda: validate_input(torch.ones(0, 17), 17), ValueError, advice="what does all() say of nothing at all?")
    ### BEGIN HIDDEN TESTS
    for shape in ((17, 5), (), (17, 1), (1,), (2, 0, 17), (3, 4, 16), (0,)):
        check.raises(f"refused by shape: {shape} for 17 features", lambda shape=shape: validate_input(torch.ones(shape), 17), ValueError)
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "validate_input__finite", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("validate_input__finite")
def _():
    bad = torch.tensor([[1.0, 2.0], [float("nan"), 0.0]])
    check.raises("one NaN is enough to be refused", lambda: validate_input(bad, 2), ValueError)
    check.raises("infinity is refused", lambda: validate_input(torch.tensor([[1.0, float("inf")]]), 2), ValueError, advice="torch has a function that asks each number whether it is finite")
    ### BEGIN HIDDEN TESTS
    low, both = torch.tensor([[float("-inf"), 1.0]]), torch.tensor([float("inf"), float("-inf")])
    check.raises("minus infinity is refused", lambda: validate_input(low, 2), ValueError)
    check.raises("two infinities do not cancel", lambda: validate_input(both, 2), ValueError)
    deep = torch.ones(2, 3, 4, dtype=torch.float64)
    deep[1, 2, 3] = float("nan")
    check.raises("the last number of three axes is looked at", lambda: validate_input(deep, 4), ValueError)
    check.unchanged("what is refused is left alone too", lambda: parts.refusal(lambda: validate_input(bad, 2)), bad)
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "validate_input__messages", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("validate_input__messages")
def _():
    check.that(
        "the message for a list names list and tensor",
        lambda: parts.refusal(lambda: validate_input([1.0], 1)),
        judge=lambda seen: judges.refusal(seen, "TypeError", ["list"], ["tensor", "float"]),
        advice="say what came and what was expected: type(x).__name__",
    )
    check.that(
        "the message for (5, 23) names 23 and the 17 that was expected",
        lambda: parts.refusal(lambda: validate_input(torch.ones(5, 23), 17)),
        judge=lambda seen: judges.refusal(seen, "ValueError", ["23"], ["17"]),
    )
    nan = torch.tensor([[1.0, float("nan")]])
    check.that(
        "the message for a NaN has the word finite",
        lambda: parts.refusal(lambda: validate_input(nan, 2)),
        judge=lambda seen: judges.refusal(seen, "ValueError", ["finite"]),
    )
    ### BEGIN HIDDEN TESTS
    check.that("the message for int64 names it, and floating point", lambda: parts.refusal(lambda: validate_input(torch.ones(2, 3).long(), 3)), judge=lambda seen: judges.refusal(seen, "TypeError", ["int64", "long"], ["float"]))
    check.that("the message for (31, 4, 19) names 19 and 43", lambda: parts.refusal(lambda: validate_input(torch.ones(31, 4, 19), 43)), judge=lambda seen: judges.refusal(seen, "ValueError", ["19"], ["43"]))
    check.that("the message for no row says so", lambda: parts.refusal(lambda: validate_input(torch.ones(0, 17), 17)), judge=lambda seen: judges.refusal(seen, "ValueError", ["0", "empty", "no ", "none", "zero", "without"], ["17", "row", "1", "one"]))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "validate_input__optimised", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("validate_input__optimised")
def _():
    good, inputs = torch.ones(2, 3), [[1.0, 2.0, 3.0], torch.ones(2, 4), torch.ones(0, 3), torch.tensor([1.0, 2.0, float("nan")])]

    def under_minus_o():
        function = parts.as_with_minus_o("validate_input", validate_input)
        kinds = [parts.refusal(lambda x=x: function(x, 3))[0] for x in inputs]
        return [[kind for kind in found if kind in ("TypeError", "ValueError")] for found in kinds] + [function(good, 3)]

    check.equal(
        "compiled as python -O compiles it, it refuses and lets pass just the same",
        lambda: under_minus_o(),
        expected=lambda: [["TypeError"], ["ValueError"], ["ValueError"], ["ValueError"], good],
        advice="what stands behind an assert is not there under -O: raise instead",
    )
    ### BEGIN HIDDEN TESTS
    whole = torch.ones(2, 3).int()
    check.equal("under -O a dtype is refused as well", lambda: [n for n in parts.refusal(lambda: parts.as_with_minus_o("validate_input", validate_input)(whole, 3))[0] if n in ("TypeError", "ValueError")], expected=["TypeError"])
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**Your doorkeeper at work.** Nine visitors, one line each. Read the right column as if you were the caller at night: do
you know from it alone what to change?
"""

# %% tags=["picture"]
visitors = {
    "a good batch": torch.ones(2, 4), "one row": torch.ones(4), "a list": [1.0] * 4, "NumPy": np.ones((2, 4)),
    "bytes": torch.ones(2, 4).byte(), "transposed": torch.ones(4, 2), "empty": torch.ones(0, 4),
    "a NaN": torch.tensor([1.0, float("nan"), 0.0, 0.0]), "large, but finite": torch.full((2, 4), 3e38),
}
for name, visitor in visitors.items():
    kinds, text = parts.refusal(lambda: validate_input(visitor, 4))
    print(f"{name:18}{kinds[0] + ': ' + text if kinds else 'passes'}")

# %% [markdown]
r"""
What does the door cost? Below, your function against one linear layer on the same input, for growing batches. The two
curves are what you have to tell somebody who wants the check "out of the hot loop".
"""

# %% tags=["picture"]
widths, door, work = (1, 4, 16, 64, 256, 1024), [], []
layer = nn.Linear(512, 512)
for rows in widths:
    x = torch.randn(rows, 512)
    for times, call in ((door, lambda: validate_input(x, 512)), (work, lambda: layer(x))):
        took = []
        for _ in range(30):
            started = time.perf_counter()
            call()
            took.append(time.perf_counter() - started)
        times.append(1e6 * min(took))
plot.curves(
    {"your validate_input": (np.log2(widths), door), "one nn.Linear(512, 512)": (np.log2(widths), work)},
    xlabel="rows, as a power of two", ylabel="microseconds", log=True,
    alt=f"Time by number of rows, 1 to 1024: validate_input from {door[0]:.0f} to {door[-1]:.0f} microseconds, a linear "
    f"layer from {work[0]:.0f} to {work[-1]:.0f}",
)

# %% [markdown]
r"""
## 11.2 The loop that is not there

A *bilinear* layer asks how two things go together: a user $x$ and a film $y$, each output with a matrix of its own,

$$\text{out}_{bo} = \sum_{i,j} x_{bi}\; w_{oij}\; y_{bj}.$$

Written as it reads, it is a loop over $b$ and $o$ around two small products. It is right, and every pass through
Python costs some ten microseconds in which the processor multiplies nothing.
"""

# %% tags=["picture"]
def loop_bilinear(x, w, y):
    out = x.new_empty(len(x), len(w))
    for b in range(len(x)):
        for o in range(len(w)):
            out[b, o] = x[b] @ w[o] @ y[b]  # (I,) @ (I, J) @ (J,) -> one number
    return out


x, w, y = torch.randn(64, 32), torch.randn(64, 32, 32), torch.randn(64, 32)
started = time.perf_counter()
loop_bilinear(x, w, y)
took = time.perf_counter() - started
each = took / 64**2 * 1e6
print(f"{took * 1e3:.0f} ms for {64 * 64:,} numbers: {each:.1f} microseconds each, for {2 * 32 * 33:,} operations")

# %% [markdown]
r"""
**How a loop goes away.** Write the formula with its indices. Those that stand in the result are *kept*; those that do not
are *summed*. Then there are three tools, all of them batched:

- line axes up with `None` and multiply, then sum: clear, but the whole (B, O, I, J) exists in memory;
- find a matrix product in it: sum one index with `@`, the other by hand;
- hand the index formula to `torch.einsum`, which looks for the products itself.

A loop hidden in `map`, in recursion or in `np.vectorize` is still a loop: Python walks, and you wait.
"""

# %% [markdown]
r"""
### Exercise 11.2 · `batched_bilinear`
*difficulty 2 of 3 · 15 minutes · about 2 lines*

Write `batched_bilinear(x, w, y)`: `x` is (B, I), `w` is (O, I, J), `y` is (B, J). Return (B, O),
$\text{out}_{bo} = \sum_{ij} x_{bi} w_{oij} y_{bj}$, of the inputs' dtype; inputs stay as they are. For B = O = 64 and
I = J = 32 it is at least five times as fast as the double loop above.

*Not allowed: `F.bilinear`, `nn.Bilinear`, a Python loop or comprehension.*
"""

# %% nbgrader={"grade": false, "grade_id": "batched_bilinear", "locked": false, "schema_version": 3, "solution": true, "task": false}
def batched_bilinear(x, w, y):
    """(B, I), (O, I, J), (B, J) -> (B, O)"""
    # about 2 lines
    ### BEGIN SOLUTION
    # b and o stand in the result and are kept; i and j do not, so they are summed
    return torch.einsum("bi,oij,bj->bo", x, w, y)
    ### END SOLUTION

# %%
hint("batched_bilinear")

# %% nbgrader={"grade": true, "grade_id": "batched_bilinear__values", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("batched_bilinear__values")
def _():
    x, y = torch.tensor([[1.0, 2.0], [0.0, 1.0]]), torch.tensor([[1.0, 0.0, 1.0], [2.0, 1.0, 0.0]])
    w = torch.tensor([[[1.0, 0.0, 2.0], [0.0, 1.0, 0.0]], [[0.0, 1.0, 0.0], [1.0, 1.0, 1.0]]])
    check.close(
        "two rows and two outputs worked out by hand: x[0] w[0] y[0] = 3",
        lambda: batched_bilinear(x, w, y),
        expected=torch.tensor([[3.0, 4.0], [1.0, 3.0]]),
        advice="write down the shape after each step; which of b, o, i, j has gone?",
    )
    one = torch.tensor([[2.0]])
    check.close("a batch of one, one output, three by one", lambda: batched_bilinear(torch.tensor([[1.0, 2.0, 3.0]]), torch.ones(1, 3, 1), one), expected=torch.tensor([[12.0]]))
    ### BEGIN HIDDEN TESTS
    x, w, y = check.tensor(11, 5, 3), check.tensor(12, 4, 3, 2), check.tensor(13, 5, 2)
    check.close("any four sizes", lambda: batched_bilinear(x, w, y), expected=lambda: F.bilinear(x, y, w))
    check.unchanged("none of the three inputs is changed", lambda: batched_bilinear(x, w, y), x, w, y)
    a, c, d = (check.tensor(14 + i, *s, dtype="float64", strided=True) for i, s in enumerate([(3, 4), (3, 4, 4), (3, 4)]))
    check.close("float64, square and not contiguous", lambda: batched_bilinear(a, c, d), expected=lambda: F.bilinear(a, d, c))
    check.close("one row, six outputs", lambda: batched_bilinear(a[:1, :2], check.tensor(18, 6, 2, 4, dtype="float64"), d[:1]), expected=lambda: F.bilinear(a[:1, :2], d[:1], check.tensor(18, 6, 2, 4, dtype="float64")))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "batched_bilinear__speed", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("batched_bilinear__speed")
def _():
    big = [check.tensor(21, 64, 32), check.tensor(22, 64, 32, 32), check.tensor(23, 64, 32)]
    check.that(
        "it is at least five times as fast as the double loop, at 64 rows and 64 outputs",
        lambda: [parts.time_factor(lambda: batched_bilinear(*big), lambda: parts.double_loop(*big)), batched_bilinear(*big)],
        judge=lambda seen: None if seen[0] >= 5 else "it is not five times as fast as the loop",
        advice="no loop over b or o, however it is spelled: one formula for all rows and outputs",
    )
    ### BEGIN HIDDEN TESTS
    def operations(rows, outputs):
        x, w, y = check.tensor(24, rows, 8), check.tensor(25, outputs, 8, 8), check.tensor(26, rows, 8)
        batched_bilinear(x, w, y)
        return parts.held(lambda: batched_bilinear(x, w, y))["operations"]

    check.that(
        "it takes as many operations for 60 rows and 60 outputs as for 3 and 3",
        lambda: [operations(3, 3), operations(60, 3), operations(3, 60), operations(60, 60)],
        judge=lambda seen: None if max(seen) <= seen[0] + 25 else "the number of operations grows with the rows" if seen[1] > seen[0] + 25 else "the number of operations grows with the outputs",
    )
    x, w, y = check.tensor(27, 60, 8), check.tensor(28, 60, 8, 8), check.tensor(29, 60, 8)
    check.close("and the numbers are right at that size", lambda: batched_bilinear(x, w, y), expected=lambda: F.bilinear(x, y, w))
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**The factor has a size.** "A hundred times faster" means nothing without saying at which size. Below, your function
against the loop, B = O growing together. Small problems gain little, because a single call costs its ten microseconds
too; large ones gain until the arithmetic itself is what takes the time.
"""

# %% tags=["picture"]
sizes, factors = (1, 2, 4, 8, 16, 32, 64), []
for size in sizes:
    x, w, y = torch.randn(size, 32), torch.randn(size, 32, 32), torch.randn(size, 32)
    factors.append(parts.time_factor(lambda: batched_bilinear(x, w, y), lambda: loop_bilinear(x, w, y), rounds=3))
plot.curves(
    {"loop / your batched_bilinear": (np.log2(sizes), factors), "no gain": (np.log2(sizes), [1.0] * len(sizes))},
    xlabel="B = O, as a power of two", ylabel="times faster", log=True,
    alt="How many times faster the batched form is than the double loop: "
    + ", ".join(f"{factor:.3g} at {size}" for size, factor in zip(sizes, factors)),
)

# %% [markdown]
r"""
## 11.3 Attention on a small table

Attention of chapter 9 makes a table of L × S scores, turns its rows into weights, and multiplies. For a book of 100,000
words that table has ten thousand million entries: 40 gigabytes, of which the result needs almost nothing.

The table has to be complete before the softmax, because a softmax needs its row's maximum and its row's sum. Or does
it? Both can be kept *running*, while the keys come by in blocks.
"""

# %% [markdown]
r"""
Per query, keep three things over the keys seen so far: the maximum score $m$, the sum $\ell = \sum e^{s - m}$, and the
weighted sum of values $a = \sum e^{s - m} v$. A new block has a maximum of its own; the new one is
$m' = \max(m, \max s)$. What was summed with the old $m$ is too large by one factor, and can be put right:

$$c = e^{m - m'} \qquad \ell' = c\,\ell + \sum_\text{block} e^{s - m'} \qquad
a' = c\,a + \sum_\text{block} e^{s - m'} v$$

At the end the answer is $a / \ell$. At the start $m = -\infty$, so the first correction is $e^{-\infty} = 0$, of sums
that are 0 anyway. This is the *online softmax*; FlashAttention is this loop, tiled to fit the fast memory of a GPU.
"""

# %% tags=["picture"]
scores = torch.tensor([1.0, 3.0, 2.0, 6.0, 5.0, 0.5, 6.5, 4.0])
m, total, history = -math.inf, 0.0, []
for score in scores.tolist():
    new = max(m, score)
    total = total * math.exp(m - new) + math.exp(score - new)
    m = new
    history.append((m, total))
tops, running = [m for m, _ in history], [m + math.log(total) for m, total in history]
lines = {"score": scores, "running maximum": tops, "log of the running sum": running}
plot.curves(
    {name: (range(1, 9), line) for name, line in lines.items()},
    xlabel="keys seen", ylabel="value",
    alt=f"Eight scores one after the other: the running maximum rises in steps to {history[-1][0]:g}, and the log of the "
    f"running sum ends at {running[-1]:.4f}, which is torch.logsumexp of all eight, {float(scores.logsumexp(0)):.4f}",
)

# %% [markdown]
r"""
### Exercise 11.3 · `tiled_attention`
*difficulty 3 of 3 · 30 minutes · about 12 lines*

Write `tiled_attention(q, k, v, block)`: `q` is (L, D), `k` is (S, D), `v` is (S, E), each of any size from 1. Return
softmax(q kᵀ / √D) v, shape (L, E), of the inputs' dtype, walking over the keys in blocks of `block` with a running maximum
and a running sum. It never holds more than L × `block` scores at once. `block` is any whole number from 1, also one that
does not divide S, or is larger than S. Large scores stay finite. Inputs stay as they are.

*Not allowed: `F.scaled_dot_product_attention`, `nn.MultiheadAttention`.*
"""

# %% nbgrader={"grade": false, "grade_id": "tiled_attention", "locked": false, "schema_version": 3, "solution": true, "task": false}
def tiled_attention(q, k, v, block):
    """(L, D), (S, D), (S, E), block >= 1 -> (L, E); at most L * block scores at a time"""
    # about 12 lines
    ### BEGIN SOLUTION
    top = q.new_full((len(q), 1), -math.inf)  # the largest score of each query so far
    total = q.new_zeros(len(q), 1)  # sum of exp(score - top) so far
    out = q.new_zeros(len(q), v.shape[1])  # the same sum with the values as weights
    for start in range(0, len(k), block):
        keys, values = k[start : start + block], v[start : start + block]  # views; the last block may be short
        scores = q @ keys.T / math.sqrt(q.shape[1])
        new_top = torch.maximum(top, scores.amax(dim=1, keepdim=True))
        correction = torch.exp(top - new_top)  # 1 where the maximum stays, less where it rose, 0 at the start
        weights = torch.exp(scores - new_top)
        total = correction * total + weights.sum(dim=1, keepdim=True)
        out = correction * out + weights @ values
        top = new_top
    return out / total
    ### END SOLUTION

# %%
hint("tiled_attention")

# %% nbgrader={"grade": true, "grade_id": "tiled_attention__values", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("tiled_attention__values")
def _():
    q, k, v = torch.tensor([[1.0], [0.0]]), torch.tensor([[0.0], [math.log(3.0)]]), torch.tensor([[4.0, 0.0], [8.0, 4.0]])
    check.close(
        "two keys, one a block: weights 1/4 and 3/4 for the first query, halves for the second",
        lambda: tiled_attention(q, k, v, 1),
        expected=torch.tensor([[7.0, 3.0], [6.0, 2.0]]),
        advice="follow top, total and out by hand through the two blocks",
    )
    q, k, v = check.tensor(31, 3, 4), check.tensor(32, 6, 4), check.tensor(33, 6, 2)
    check.close("six keys in blocks of two", lambda: tiled_attention(q, k, v, 2), expected=lambda: F.scaled_dot_product_attention(q[None], k[None], v[None])[0])
    check.close(
        "the result does not depend on the block: 4 does not divide 6, and 10 is more than 6",
        lambda: [tiled_attention(q, k, v, 4), tiled_attention(q, k, v, 10)],
        expected=lambda: [F.scaled_dot_product_attention(q[None], k[None], v[None])[0]] * 2,
    )
    ### BEGIN HIDDEN TESTS
    q, k, v = (check.tensor(34 + i, *s, dtype="float64", strided=True) for i, s in enumerate([(5, 3), (11, 3), (11, 4)]))
    check.close("float64 and not contiguous, blocks from 1 to 12", lambda: [tiled_attention(q, k, v, b) for b in (1, 2, 3, 5, 10, 11, 12)], expected=lambda: [F.scaled_dot_product_attention(q[None], k[None], v[None])[0]] * 7)
    check.unchanged("queries, keys and values are left alone", lambda: tiled_attention(q, k, v, 3), q, k, v)
    check.close("one query, one key", lambda: tiled_attention(q[:1], k[:1], v[:1], 4), expected=lambda: v[:1])
    check.close("one query, many keys, one value each", lambda: tiled_attention(q[:1], k, v[:, :1], 2), expected=lambda: F.scaled_dot_product_attention(q[None, :1], k[None], v[None, :, :1])[0])
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "tiled_attention__stable", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("tiled_attention__stable")
def _():
    q, k = torch.tensor([[100.0]]), torch.tensor([[-90.0], [80.0], [79.99], [-60.0]])
    v = torch.tensor([[1.0], [2.0], [4.0], [8.0]])
    check.close(
        "scores of thousands: the two largest share, at e to one",
        lambda: tiled_attention(q, k, v, 1),
        expected=torch.tensor([[2.0 + 2.0 / (1.0 + math.e)]]),
        rtol=1e-3,
        advice="no exp of anything positive: every exponent is a score minus a maximum that is at least as large",
    )
    ### BEGIN HIDDEN TESTS
    far = torch.tensor([[-90.0], [-80.0], [-79.99], [-85.0]])
    check.close("scores that are all far below zero", lambda: tiled_attention(q, far, v, 2), expected=torch.tensor([[4.0 - 2.0 / (1.0 + math.e)]]), rtol=1e-3)
    fall = torch.tensor([[90.0], [89.99], [-50.0], [-90.0]])
    check.close("the largest comes in the first block", lambda: tiled_attention(q, fall, v, 2), expected=torch.tensor([[1.0 + 1.0 / (1.0 + math.e)]]), rtol=1e-3)
    big = check.tensor(41, 7, 3, dtype="float64") * 60
    keys, values = check.tensor(42, 9, 3, dtype="float64") * 60, check.tensor(43, 9, 2, dtype="float64")
    check.close("random scores of thousands in float64, a second call too", lambda: [tiled_attention(big, keys, values, 4) for _ in range(2)], expected=lambda: [F.scaled_dot_product_attention(big[None], keys[None], values[None])[0]] * 2)
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "tiled_attention__memory", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("tiled_attention__memory")
def _():
    def held(queries, keys, block, dtype):
        q, k, v = (check.tensor(51 + i, n, 1, dtype=dtype) for i, n in enumerate((queries, keys, keys)))
        tiled_attention(q, k, v, block)
        return parts.held(lambda: tiled_attention(q, k, v, block))

    check.that(
        "32 queries, 1536 keys, blocks of 32: never more than 1024 scores",
        lambda: held(32, 1536, 32, "float64"),
        judge=lambda seen: judges.blockwise(seen, 32, 1536, 1, 1, 32),
        advice="the product q @ keys.T of one block is all that may exist at a time; keep sums, not blocks",
    )
    ### BEGIN HIDDEN TESTS
    check.that("64 queries, 100 keys, blocks of 32: never more than 2048 scores", lambda: held(64, 100, 32, "float32"), judge=lambda seen: judges.blockwise(seen, 64, 100, 1, 1, 32))
    check.that("16 queries, 40 keys, one key at a time: never more than 16 scores", lambda: held(16, 40, 1, "float32"), judge=lambda seen: judges.blockwise(seen, 16, 40, 1, 1, 1))
    q, k, v = check.tensor(55, 20, 2), check.tensor(56, 700, 2), check.tensor(57, 700, 3)
    check.close("and the numbers at that length are right", lambda: tiled_attention(q, k, v, 32), expected=lambda: F.scaled_dot_product_attention(q[None], k[None], v[None])[0])
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**Memory against block size**, of your function, measured: every tensor that it makes is watched, and the largest
number of elements alive at one time is drawn. The dashed line is what plain attention holds; with one block for all keys you
hold no less, because scores and weights exist together. Below it the price: the time for the same call.
"""

# %% tags=["picture"]
q, k, v = torch.randn(256, 32), torch.randn(2048, 32), torch.randn(2048, 32)
blocks = (8, 16, 32, 64, 128, 256, 512, 1024, 2048)
peaks = [parts.held(lambda: tiled_attention(q, k, v, block))["peak"] for block in blocks]
plain = parts.held(lambda: torch.softmax(q @ k.T / math.sqrt(32), 1) @ v)["peak"]
plot.curves(
    {"your tiled_attention": (np.log2(blocks), peaks), "the whole table": (np.log2(blocks), [plain] * len(blocks))},
    xlabel="block, as a power of two", ylabel="elements alive at once", log=True,
    alt=f"Elements alive at once by block size, 8 to 2048: tiled attention from {peaks[0]:,} to {peaks[-1]:,}, growing with "
    f"the block; plain attention holds {plain:,} whatever happens",
)

# %% tags=["picture"]
took = []
for block in blocks:
    rounds = []
    for _ in range(5):
        started = time.perf_counter()
        tiled_attention(q, k, v, block)
        rounds.append(time.perf_counter() - started)
    took.append(1e3 * min(rounds))
plot.curves(
    {"milliseconds": (np.log2(blocks), took)}, xlabel="block, as a power of two", ylabel="milliseconds",
    alt=f"Time by block size: {took[0]:.1f} ms at 8, {min(took):.1f} ms at its best, {took[-1]:.1f} ms with a single block "
    "of 2048",
)

# %% [markdown]
r"""
Both curves together are the whole art of tiling: small blocks pay for Python's calls, large ones pay in memory and at
some size gain no more time for it, or lose some, where a block no longer fits close to the processor. The best block is
somewhere between, and it is another one on another machine. Which brings us to the question of how one measures that.
"""

# %% [markdown]
r"""
## 11.4 An honest clock

Ask how long a layer takes, and the first answer you get is wrong. The first calls load code, allocate memory and fill
caches; others are hit by whatever else the machine does. Below, 300 calls of one and the same layer, each timed by itself.
(Calls that took over two and a half times the median would not fit the picture. The last line counts them in.)
"""

# %% tags=["picture"]
layer, x = nn.Sequential(nn.Linear(256, 256), nn.Tanh(), nn.Linear(256, 256)), torch.randn(128, 256)
took = []
for _ in range(300):
    started = time.perf_counter()
    layer(x)
    took.append(1e6 * (time.perf_counter() - started))
late = sorted(took[3:])
plot.histograms(
    {"calls 4 to 300 without the slowest, in µs": [t for t in late if t < 2.5 * late[148]]},
    alt=f"300 calls of one layer. The first took {took[0]:.0f} microseconds; of the others the shortest {late[0]:.0f}, the "
    f"median {late[148]:.0f}, the longest {late[-1]:.0f}: a peak with a long tail to the right",
)
print(f"first call {took[0]:.0f} µs; all 300: mean {sum(took) / 300:.0f} µs")
print(f"calls 4 to 300: median {late[148]:.0f}, minimum {late[0]:.0f}, maximum {late[-1]:.0f} µs")

# %% [markdown]
r"""
The tail has one side only: things can make a call slower, and nothing makes it faster than it is. So the **mean** tells
you about your neighbours, the **minimum** about the code, and the **median** about what a user will see. Report all
three of them, and the maximum for those who have to promise something.

Three more rules: warm up first, and throw that away. Take a clock that only goes forward (`time.perf_counter`, not
the time of day). And turn gradients off, unless training is what you measure: the graph costs time and memory.
"""

# %% [markdown]
r"""
### Exercise 11.4 · `profile_layer`
*difficulty 2 of 3 · 15 minutes · about 10 lines*

Write `profile_layer(layer, x, warmup=3, repeats=20)` → a dictionary with `"median"`, `"minimum"` and `"maximum"`: the
seconds of wall time that one forward pass `layer(x)` takes, over `repeats` passes (at least one), each timed by
itself, after `warmup` passes (0 is allowed) that do not count. The passes run without gradients, and `layer` is called
exactly `warmup + repeats` times. For an even number of passes the median is the mean of the middle two, or either of
them. The layer's modes and flags, `x` and the global grad mode are as before afterwards.
"""

# %% nbgrader={"grade": false, "grade_id": "profile_layer", "locked": false, "schema_version": 3, "solution": true, "task": false}
def profile_layer(layer, x, warmup=3, repeats=20):
    """layer, input -> {"median", "minimum", "maximum"} of the seconds of one forward pass"""
    # about 10 lines
    ### BEGIN SOLUTION
    times = []
    with torch.no_grad():  # a block, so that the mode outside is as it was, also where the layer raises
        for _ in range(warmup):
            layer(x)
        for _ in range(repeats):
            started = time.perf_counter()
            layer(x)
            times.append(time.perf_counter() - started)
    times.sort()
    middle = (times[(repeats - 1) // 2] + times[repeats // 2]) / 2  # the same one twice where repeats is odd
    return {"median": middle, "minimum": times[0], "maximum": times[-1]}
    ### END SOLUTION

# %%
hint("profile_layer")

# %% nbgrader={"grade": true, "grade_id": "profile_layer__calls", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("profile_layer__calls")
def _():
    def calls(*counts):
        layer = parts.Sleeper()
        found = profile_layer(layer, torch.ones(2, 3), *counts)
        return [len(layer.calls), [total for _, _, total in layer.calls], sorted(key for key in found if key in ("maximum", "median", "minimum"))]

    keys = ["maximum", "median", "minimum"]
    check.equal(
        "two to warm up and four that count: six calls on x, and the three names",
        lambda: calls(2, 4),
        expected=lambda: [6, [6.0] * 6, keys],
        advice="print len(layer.calls) and the dictionary: is the layer called once more, with another x, or are the names others?",
    )
    ### BEGIN HIDDEN TESTS
    check.equal("without numbers: three to warm up and twenty", lambda: calls(), expected=lambda: [23, [6.0] * 23, keys])
    check.equal("no warm-up, one pass", lambda: calls(0, 1), expected=lambda: [1, [6.0], keys])
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "profile_layer__clean", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("profile_layer__clean")
def _():
    def grads():
        layer, x = parts.Sleeper(), torch.ones(2, 3, requires_grad=True)
        profile_layer(layer, x, 1, 2)
        return [[grad for _, grad, _ in layer.calls], torch.is_grad_enabled(), x.grad is None]

    check.equal(
        "no pass runs with gradients, and afterwards they are on again",
        lambda: grads(),
        expected=[[False, False, False], True, True],
        advice="torch.no_grad() as a block around the loops, the warm-up included",
    )

    def left():
        layer = parts.Sleeper().train()
        layer.inner.eval()
        before = parts.modes(layer)
        profile_layer(layer, torch.ones(1), warmup=0, repeats=2)
        return [before, parts.modes(layer), layer.shift.requires_grad]

    check.equal("the layer's modes are as they were, its child's too, and its parameter's flag", lambda: left(), expected=[[True, False], [True, False], True])
    ### BEGIN HIDDEN TESTS
    def inside(on):
        layer, x, before = parts.Sleeper(), torch.ones(1, requires_grad=True), torch.is_grad_enabled()
        torch.set_grad_enabled(on)
        try:
            profile_layer(layer, x, 0, 3)
            return [[grad for _, grad, _ in layer.calls], torch.is_grad_enabled(), torch.is_inference_mode_enabled(), x.requires_grad]
        finally:
            torch.set_grad_enabled(before)

    check.equal("where gradients were off they stay off, where on, on; the input keeps its flag", lambda: [inside(False), inside(True)], expected=[[[False] * 3, False, False, True], [[False] * 3, True, False, True]])
    x = check.tensor(61, 3, 2, strided=True)
    check.unchanged("the input of a profile is left alone", lambda: profile_layer(nn.Linear(2, 2), x, 1, 1), x)
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "profile_layer__times", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
@check.cell("profile_layer__times")
def _():
    def timed(naps, warmup):
        layer = parts.Sleeper(naps)
        found = profile_layer(layer, torch.ones(1), warmup=warmup, repeats=len(naps) - warmup)
        return [[float(found[name] * 1.0) for name in ("median", "minimum", "maximum")], [took for took, _, _ in layer.calls]]

    check.that(
        "a layer that sleeps 0.6 s once, then 0.005, 0.4 and 0.1 s: median 0.1, minimum 0.005, maximum 0.4",
        lambda: [timed([0.6, 0.005, 0.4, 0.1], 1) for _ in range(2)],
        judge=lambda seen: judges.timings(seen, 1),
        advice="print the list of times: are the warm-up's among them, is it sorted, are they seconds?",
    )
    ### BEGIN HIDDEN TESTS
    check.that("an even number of passes: the median lies between the middle two", lambda: [timed([0.2, 0.005, 0.5, 0.09], 0) for _ in range(2)], judge=lambda seen: judges.timings(seen, 0))
    check.that("one slow pass among five moves the maximum and not the median", lambda: [timed([0.005, 0.005, 0.4, 0.005, 0.005], 0) for _ in range(2)], judge=lambda seen: judges.timings(seen, 0))
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**Your clock, used.** How does the time of one pass grow with the batch? At first far slower than the rows do, because the
call itself is what costs; from some size on in step with them. That is why servers wait a few milliseconds to put requests
of several users into one batch.
"""

# %% tags=["picture"]
rows, found = (1, 4, 16, 64, 256, 1024), []
with torch.no_grad():
    for count in rows:
        found.append(profile_layer(layer, torch.randn(count, 256), warmup=3, repeats=15))
plot.curves(
    {name: (np.log2(rows), [1e6 * one[name] for one in found]) for name in ("median", "minimum", "maximum")},
    xlabel="rows in the batch, as a power of two", ylabel="microseconds", log=True,
    alt="Microseconds a pass by rows in the batch, as your profile_layer gives them: median "
    f"{1e6 * found[0]['median']:.0f} for one row, {1e6 * found[3]['median']:.0f} for 64, {1e6 * found[-1]['median']:.0f} "
    "for 1024; the maximum always above, the minimum below",
)

# %% [markdown]
r"""
## 11.5 An operator of your own

A Python function is invisible to PyTorch's tools: an exporter looks *through* it and sees what it is made of. Often
that is what you want. But once the inside is not PyTorch any more (a C++ kernel, a vendor's library, NumPy), the tools
need to be told four things, and `torch.library` is where one tells them:

| what | for whom | how |
|---|---|---|
| name and types, the *schema* | everybody | `@torch.library.custom_op("course::name", mutates_args=())` on an annotated function |
| what comes out, without computing it | `torch.export`, `torch.compile` | `@op.register_fake` |
| the gradient | autograd | `op.register_autograd(backward, setup_context=...)` |
| what it computes | the processor | the function itself |
"""

# %% [markdown]
r"""
A small operator from end to end, $x\,e^{-x}$, with NumPy inside, where autograd could never follow. The **fake kernel**
gets tensors without numbers: only shape, strides, dtype and device, and it has to say the same of the result. The
**backward** is that of chapter 4: `setup_context` keeps what will be needed, `backward` gets the gradient of the output
and returns one gradient for each input.
"""

# %% tags=["picture"]
@torch.library.custom_op("course::decay", mutates_args=())
def decay(x: torch.Tensor) -> torch.Tensor:
    values = x.numpy(force=True)
    return torch.from_numpy(values * np.exp(-values))


@decay.register_fake
def _(x):
    return torch.empty_like(x)  # the right shape, strides, dtype and device; the numbers are nobody's business


def keep_for_decay(ctx, inputs, output):
    ctx.save_for_backward(*inputs)


def decay_backward(ctx, grad):
    (x,) = ctx.saved_tensors
    return grad * (1 - x) * torch.exp(-x)


decay.register_autograd(decay_backward, setup_context=keep_for_decay)
for test, verdict in torch.library.opcheck(decay, (torch.randn(3, 4, requires_grad=True),)).items():
    print(f"{test:28} {verdict}")

# %% [markdown]
r"""
`torch.library.opcheck` runs an operator through everything the tools will do to it: does the schema tell the truth (no
input changed, no input handed out as output), is autograd registered where it belongs, does the fake kernel agree with
the real one, does it survive `torch.compile`'s machinery with sizes that change. It does *not* compare your gradient with
the right one; that is still `gradcheck`'s work.

Your operator is a **gated ReLU**: one tensor says what, the other how much of it gets through.
"""

# %% [markdown]
r"""
### Exercise 11.5 · `custom_op`
*difficulty 3 of 3 · 25 minutes · about 10 lines*

Make the operator `course::gated_relu` with `torch.library.custom_op`; its Python name is `gated_relu(x, gate)`. For
floating-point tensors `x` and `gate` of one shape it returns relu(x) · sigmoid(gate), a new tensor of that shape and dtype.
It has a fake kernel and autograd, gradients to both inputs; it passes `torch.library.opcheck` and
`torch.autograd.gradcheck`. The same operator answers as `torch.ops.course.gated_relu`.

Running the cell again is fine: a definition under the same name takes the place of the older one, with its fake kernel
and its gradient, so define all of them in this one cell.
"""

# %% nbgrader={"grade": false, "grade_id": "custom_op", "locked": false, "schema_version": 3, "solution": true, "task": false}
@torch.library.custom_op("course::gated_relu", mutates_args=())
def gated_relu(x: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
    """two tensors of one shape -> relu(x) * sigmoid(gate)"""
    # about 1 line
    ### BEGIN SOLUTION
    return x.relu() * gate.sigmoid()
    ### END SOLUTION


@gated_relu.register_fake
def _(x, gate):
    # about 1 line: the result without its numbers
    ### BEGIN SOLUTION
    return torch.empty_like(x)
    ### END SOLUTION


def keep_for_gated_relu(ctx, inputs, output):
    # about 1 line: what backward will need
    ### BEGIN SOLUTION
    ctx.save_for_backward(*inputs)
    ### END SOLUTION


def gated_relu_backward(ctx, grad):
    # about 3 lines: the gradients of x and of gate
    ### BEGIN SOLUTION
    x, gate = ctx.saved_tensors
    open_ = gate.sigmoid()
    # the product rule: each factor's slope times the other factor, times the gradient from above
    return grad * (x > 0) * open_, grad * x.relu() * open_ * (1 - open_)
    ### END SOLUTION


gated_relu.register_autograd(gated_relu_backward, setup_context=keep_for_gated_relu)

# %%
hint("custom_op")

# %% nbgrader={"grade": true, "grade_id": "custom_op__forward", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("custom_op__forward")
def _():
    x, gate = torch.tensor([[2.0, -1.0], [4.0, 6.0]]), torch.tensor([[0.0, 5.0], [math.log(3.0), 0.0]])
    check.close(
        "relu(x) · sigmoid(gate) worked out by hand: 4 · 3/4 = 3",
        lambda: gated_relu(x, gate),
        expected=torch.tensor([[1.0, 0.0], [3.0, 3.0]]),
    )
    check.close(
        "torch.ops.course.gated_relu is the same operator",
        lambda: torch.ops.course.gated_relu(x, gate),
        expected=torch.tensor([[1.0, 0.0], [3.0, 3.0]]),
        advice='the name in custom_op is "course::gated_relu"',
    )
    check.unchanged("x and gate are left alone", lambda: gated_relu(x, gate), x, gate)
    ### BEGIN HIDDEN TESTS
    a, b = (check.tensor(71 + i, 2, 3, 4, dtype="float64", strided=True, away_from=0.0) for i in range(2))
    check.close("three axes in float64, not contiguous", lambda: [gated_relu(a, b), torch.ops.course.gated_relu(a, b)], expected=lambda: [a.relu() * b.sigmoid()] * 2)
    far, shut = torch.tensor([90.0, -70.0, 12.0]), torch.tensor([-2.0, 3.0, 1.0])
    check.close("a large x has no upper end", lambda: gated_relu(far, shut), expected=lambda: far.relu() * shut.sigmoid())
    check.close("a batch of one, and a single axis, twice", lambda: [gated_relu(a[:1, 0], b[:1, 0]), gated_relu(a[0, 0], b[0, 0]), gated_relu(a[0, 0], b[0, 0])], expected=lambda: [a[:1, 0].relu() * b[:1, 0].sigmoid()] + [a[0, 0].relu() * b[0, 0].sigmoid()] * 2)
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "custom_op__gradient", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("custom_op__gradient")
def _():
    def gradients(x, gate, upstream, which=(True, True), operator=None):
        x, gate = x.detach().clone().requires_grad_(which[0]), gate.detach().clone().requires_grad_(which[1])
        (operator or gated_relu)(x, gate).backward(upstream)
        return [t.grad for t, wanted in zip((x, gate), which) if wanted]

    x, gate, upstream = torch.tensor([2.0, 4.0, -1.0]), torch.tensor([0.0, math.log(3.0), 0.0]), torch.tensor([3.0, 5.0, 7.0])
    check.close(
        "both gradients worked out by hand: 5 · 3/4 for x, 5 · 4 · 3/4 · 1/4 for the gate",
        lambda: gradients(x, gate, upstream),
        expected=[torch.tensor([1.5, 3.75, 0.0]), torch.tensor([1.5, 3.75, 0.0])],
        advice="the derivative of s = sigmoid(gate) is s · (1 − s)",
    )
    check.close(
        "gradients of other numbers, x and gate apart",
        lambda: gradients(torch.tensor([2.0, -3.0]), torch.tensor([0.0, 0.0]), torch.tensor([1.0, -1.0])),
        expected=[torch.tensor([0.5, 0.0]), torch.tensor([0.5, 0.0])],
    )
    ### BEGIN HIDDEN TESTS
    a, b, g = (check.tensor(74 + i, 3, 4, dtype="float64", away_from=0.0) for i in range(3))

    def expected(which):
        leaves = [t.detach().clone().requires_grad_() for t in (a, b)]
        both = torch.autograd.grad(leaves[0].relu() * leaves[1].sigmoid(), leaves, g)
        return [grad for grad, wanted in zip(both, which) if wanted]

    check.close("any upstream gradient, in float64, through torch.ops too", lambda: [gradients(a, b, g), gradients(a, b, g, operator=torch.ops.course.gated_relu)], expected=lambda: [expected((True, True))] * 2)
    check.close("where one input alone asks for a gradient, it gets its own", lambda: [gradients(a, b, g, (True, False)), gradients(a, b, g, (False, True))], expected=lambda: [expected((True, False)), expected((False, True))])
    check.equal("gradcheck agrees", lambda: torch.autograd.gradcheck(gated_relu, (a.clone().requires_grad_(), b.clone().requires_grad_())), expected=True)
    check.unchanged("the upstream gradient is left alone", lambda: gradients(a, b, g), g)

    def two_at_once():
        leaves = [t.detach().clone().requires_grad_() for t in (a, b)]
        first, _ = gated_relu(*leaves), gated_relu(leaves[1] + 2, leaves[0] * 3)
        first.backward(g)
        return [[t.grad for t in leaves], [t.detach() for t in leaves]]

    check.close("another call before backward changes nothing, and backward leaves the inputs alone", lambda: two_at_once(), expected=lambda: [expected((True, True)), [a, b]])
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "custom_op__fake", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("custom_op__fake")
def _():
    def fake(x, gate):
        from torch._subclasses.fake_tensor import FakeTensorMode

        with FakeTensorMode() as mode:
            out = torch.ops.course.gated_relu(mode.from_tensor(x), mode.from_tensor(gate))
        return [type(out).__name__, list(out.shape), str(out.dtype), list(out.stride())]

    check.equal(
        "given tensors without numbers, it says shape, dtype and strides of the result",
        lambda: fake(torch.ones(5, 3), torch.ones(5, 3)),
        expected=["FakeTensor", [5, 3], "torch.float32", [3, 1]],
        advice="the fake kernel returns an empty tensor like the result, and computes nothing",
    )
    ### BEGIN HIDDEN TESTS
    deep = check.tensor(81, 1, 2, 4, dtype="float64")
    check.equal("without numbers, for three axes in float64", lambda: fake(deep, deep * 2), expected=["FakeTensor", [1, 2, 4], "torch.float64", [8, 4, 1]])

    def exported():
        class Layer(nn.Module):
            def forward(self, x, gate):
                return torch.ops.course.gated_relu(x, gate) + 1

        program = torch.export.export(Layer(), (torch.ones(2, 3), torch.ones(2, 3)))
        return [str(node.target) for node in program.graph.nodes if "gated" in str(node.target)]

    check.equal("an exported program holds it as one operator", lambda: exported(), expected=["course.gated_relu.default"])
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "custom_op__opcheck", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("custom_op__opcheck")
def _():
    def report(*shape, dtype="float32", grads=(True, True), strided=False):
        x, gate = (check.tensor(84 + i, *shape, dtype=dtype, away_from=0.0, strided=strided).requires_grad_(grad) for i, grad in enumerate(grads))
        return parts.op_report(torch.ops.course.gated_relu.default, x, gate)

    fine = ["test_aot_dispatch_dynamic", "test_autograd_registration", "test_faketensor", "test_schema"]
    check.equal(
        "opcheck finds nothing, with gradients and without",
        lambda: [report(4, 3), report(4, 3, grads=(False, False))],
        expected=lambda: [[[name, "SUCCESS", ""] for name in fine]] * 2,
        advice="run torch.library.opcheck(gated_relu, (x, gate)) in a cell of your own and read the last lines",
    )
    ### BEGIN HIDDEN TESTS
    check.equal("opcheck finds nothing in float64, one axis and three", lambda: [report(5, dtype="float64"), report(1, 3, 2)], expected=lambda: [[[name, "SUCCESS", ""] for name in fine]] * 2)
    check.equal("opcheck finds nothing where inputs are not contiguous", lambda: report(4, 3, strided=True), expected=lambda: [[name, "SUCCESS", ""] for name in fine])
    check.equal("opcheck finds nothing where one input alone wants a gradient", lambda: [report(2, 3, grads=(True, False)), report(2, 3, grads=(False, True))], expected=lambda: [[[name, "SUCCESS", ""] for name in fine]] * 2)
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**Your operator as a picture**: the output and both gradients over the plane of x and gate. Where the gate is shut, nothing
comes out and nothing goes back; where x is negative, not even the gate learns.
"""

# %% tags=["picture"]
axis = torch.linspace(-3, 3, 25)
x, gate = (t.contiguous().requires_grad_() for t in torch.meshgrid(axis, axis, indexing="ij"))
out = gated_relu(x, gate)
out.sum().backward()
panels = {"gated_relu(x, gate)": out.detach(), "its slope in x": x.grad, "its slope in gate": gate.grad}
with plot.figure(
    "Three maps over x and gate from -3 to 3. The output rises to the upper right; the slope in x is 0 for negative x and "
    "else the sigmoid of the gate; the slope in the gate is largest for large x and a gate near 0", columns=3, height=2.7,
) as axes:
    for ax, (title, values) in zip(axes, panels.items()):
        ax.imshow(values.numpy(), origin="lower", extent=(-3, 3, -3, 3), cmap="cividis")
        ax.set_title(title)
        ax.set_xlabel("gate")
    axes[0].set_ylabel("x")

# %% [markdown]
r"""
### The same operator in C++

*A worked section without points.* `torch.utils.cpp_extension` compiles C++ while the notebook runs, and
`TORCH_LIBRARY` registers what it finds there: the same schema, the same tools. The first run takes some ten seconds to a
minute; later ones take the result from a cache. Where this machine has no compiler, the cell says so, and nothing later
needs it. After a *change* of the source, restart the kernel: a C++ library cannot be unloaded.
"""

# %% tags=["picture"]
CPP = r"""
#include <ATen/ATen.h>
#include <torch/library.h>

at::Tensor gated_relu(const at::Tensor& x, const at::Tensor& gate) {
  TORCH_CHECK(x.sizes() == gate.sizes(), "x has shape ", x.sizes(), " and gate ", gate.sizes());
  at::Tensor a = x.contiguous(), g = gate.contiguous(), out = at::empty_like(a);  // pointers below walk row by row
  AT_DISPATCH_FLOATING_TYPES(a.scalar_type(), "gated_relu", [&] {
    const scalar_t *xs = a.const_data_ptr<scalar_t>(), *gs = g.const_data_ptr<scalar_t>();
    scalar_t* to = out.mutable_data_ptr<scalar_t>();
    for (int64_t i = 0; i < a.numel(); ++i)
      to[i] = xs[i] > 0 ? xs[i] / (1 + std::exp(-gs[i])) : scalar_t(0);
  });
  return out;
}

TORCH_LIBRARY(course_cpp, m) { m.def("gated_relu(Tensor x, Tensor gate) -> Tensor"); }
TORCH_LIBRARY_IMPL(course_cpp, CPU, m) { m.impl("gated_relu", gated_relu); }
"""

# %% [markdown]
r"""
Three lines deserve a second look. `TORCH_CHECK` is the doorkeeper of C++: it stays in every build. `contiguous()` is there
because the loop walks a pointer; without it, a transposed input would be read in the wrong order, in silence.
`AT_DISPATCH_FLOATING_TYPES` writes the loop once for each dtype, because C++ has no types at run time.
"""

# %% tags=["picture"]
if parts.can_compile():
    from torch.utils import cpp_extension

    cpp_extension.load_inline("course_cpp", [CPP], is_python_module=False, no_implicit_headers=True, extra_cflags=["-O2"])
    x, gate = torch.randn(256, 300).T, torch.randn(300, 256)
    same = torch.allclose(torch.ops.course_cpp.gated_relu(x, gate), x.relu() * gate.sigmoid(), atol=1e-6)
    factor = parts.time_factor(lambda: torch.ops.course_cpp.gated_relu(x, gate), lambda: x.relu() * gate.sigmoid())
    print(f"compiled; agrees with PyTorch's own operations, on a transposed x too: {same}")
    print(f"PyTorch's three operations take {factor:.2f} times as long as this one loop")
    try:
        torch.ops.course_cpp.gated_relu(torch.ones(2), torch.ones(3))
    except RuntimeError as error:
        print("RuntimeError:", str(error).split("\n")[0])

# %% [markdown]
r"""
One pass over memory in place of three, against loops that PyTorch has tuned for years: which of them wins depends on
the size, the compiler and the machine. The reason to write C++ is rarely that it is C++. It is that a *fused* operation
touches memory once, or that the code already exists.
"""

# %% [markdown]
r"""
## 11.6 A program without Python

`torch.export` runs your model once, with an example whose numbers nobody looks at, and writes down each operator it
meets. What comes out is an `ExportedProgram`: a flat list of operators, the weights, and what the input has to look like.
No class of yours, no `forward`, no `if`. It can be saved, loaded without your source, compiled, or handed to another
runtime.

Three things are fixed at that moment, and each is a classic mistake:

- the **shapes**, unless you say which may change: `dynamic_shapes` takes, for each argument, {axis: `torch.export.Dim`};
- the **mode**: dropout exported in training mode drops for ever;
- every **decision** of Python's: `if x.sum() > 0` cannot be written down, and export refuses it.
"""

# %% [markdown]
r"""
The example must have at least two rows. A size of 1 is special in PyTorch (it broadcasts), and 0 is too, so tools treat 0
and 1 as constants where they meet them in an example. With a `Dim` the *program* may well be used on one row afterwards.

And there is the matter of manners. The model you are given is somebody else's, perhaps in the middle of training, with a
frozen batch norm in `eval` and the rest in `train`. To export it you need everything in `eval`. Afterwards every
submodule has to be as it was, **each in its own mode**: `model.train()` at the end would wake the frozen ones.
"""

# %% [markdown]
r"""
### Exercise 11.6 · `export_program`
*difficulty 2 of 3 · 20 minutes · about 8 lines*

Write `export_program(model, example)` → a `torch.export.ExportedProgram` of `model` in eval mode. `example` is one tensor,
the model's only argument, whose first axis is the batch, N ≥ 2. The program takes any N ≥ 1 and gives what the model in
eval mode gives. The model is left as it was: weights, buffers, flags, and the mode of *every* submodule, which need
not be the same for all.
"""

# %% nbgrader={"grade": false, "grade_id": "export_program", "locked": false, "schema_version": 3, "solution": true, "task": false}
def export_program(model, example):
    """module, (N, ...) with N >= 2 -> ExportedProgram in eval mode for any N >= 1"""
    # about 8 lines
    ### BEGIN SOLUTION
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        batch = torch.export.Dim("batch", min=1)
        # one argument, of which axis 0 is free; every other size is part of the program
        return torch.export.export(model, (example,), dynamic_shapes=({0: batch},))
    finally:  # also where export refuses the model
        for module, training in before:
            module.training = training  # not module.train(training), which would set the children too
    ### END SOLUTION

# %%
hint("export_program")

# %% nbgrader={"grade": true, "grade_id": "export_program__batches", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("export_program__batches")
def _():
    def outputs(seed, kind, shape, sizes, dtype="float32"):
        program = export_program(parts.mixed(seed, kind, dtype), check.tensor(seed + 1, sizes[0], *shape, dtype=dtype))
        batches = [check.tensor(seed + 2 + n, n, *shape, dtype=dtype) for n in sizes]
        return [isinstance(program, torch.export.ExportedProgram), [program.module()(batch) for batch in batches]]

    def expected(seed, kind, shape, sizes, dtype="float32"):
        model = parts.mixed(seed, kind, dtype).eval()
        return [True, [model(check.tensor(seed + 2 + n, n, *shape, dtype=dtype)) for n in sizes]]

    check.close(
        "a program exported with 4 rows gives what the model gives for 4, for 7 and for 2 rows",
        lambda: outputs(100, "rows", (6,), (4, 7, 2)),
        expected=lambda: expected(100, "rows", (6,), (4, 7, 2)),
        advice="a number of rows is refused: dynamic_shapes says which axis may change; other numbers: which mode, whose weights?",
    )
    check.close("and for a single row", lambda: outputs(120, "rows", (6,), (3, 1)), expected=lambda: expected(120, "rows", (6,), (3, 1)))
    ### BEGIN HIDDEN TESTS
    check.close("images, with a batch size that the model itself looks at", lambda: outputs(140, "images", (1, 6, 6), (3, 1, 5)), expected=lambda: expected(140, "images", (1, 6, 6), (3, 1, 5)))
    check.close("float64, an example of two rows, three hundred rows later", lambda: outputs(160, "rows", (6,), (2, 1, 300), "float64"), expected=lambda: expected(160, "rows", (6,), (2, 1, 300), "float64"))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "export_program__eval", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("export_program__eval")
def _():
    def twice():
        torch.manual_seed(1)
        model = parts.mixed(200).train()
        run = export_program(model, check.tensor(201, 4, 6)).module()
        x = check.tensor(202, 5, 6)
        return [run(x), run(x)]

    check.close(
        "a model in training is exported in eval mode: no dropout, the batch norm's running statistics",
        lambda: twice(),
        expected=lambda: [parts.mixed(200).eval()(check.tensor(202, 5, 6))] * 2,
        advice="what is the mode of the model at the moment of the export?",
    )
    ### BEGIN HIDDEN TESTS
    def of_images():
        model = parts.mixed(210, "images").train()
        return export_program(model, check.tensor(211, 2, 1, 6, 6)).module()(check.tensor(212, 3, 1, 6, 6))

    check.close("the same for images", lambda: of_images(), expected=lambda: parts.mixed(210, "images").eval()(check.tensor(212, 3, 1, 6, 6)))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "export_program__left", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("export_program__left")
def _():
    def left(model, example):
        state = {name: value.clone() for name, value in model.state_dict().items()}
        export_program(model, example)
        same = all(torch.equal(value, model.state_dict()[name]) for name, value in state.items())
        return [parts.modes(model), same, torch.is_grad_enabled()]

    check.equal(
        "every submodule of a half-frozen model is in its own mode again, no number has changed, gradients are on",
        lambda: left(parts.mixed(220), check.tensor(221, 3, 6)),
        expected=lambda: [parts.modes(parts.mixed(220)), True, True],
        advice="compare [m.training for m in model.modules()] before and after",
    )
    ### BEGIN HIDDEN TESTS
    check.equal("of images too, where the child of a child is frozen", lambda: left(parts.mixed(230, "images"), check.tensor(231, 2, 1, 6, 6)), expected=lambda: [parts.modes(parts.mixed(230, "images")), True, True])
    check.equal("a model in training or in eval throughout stays so", lambda: [left(parts.mixed(240).train(), check.tensor(241, 2, 6)), left(parts.mixed(240).eval(), check.tensor(241, 2, 6))], expected=lambda: [[parts.modes(parts.mixed(240).train()), True, True], [parts.modes(parts.mixed(240).eval()), True, True]])

    def flags():
        model = parts.mixed(250)
        model[0].weight.requires_grad_(False)
        model[4].bias.grad = torch.ones(3)
        x = check.tensor(251, 2, 6)
        export_program(model, x)
        return [[p.requires_grad for p in model.parameters()], [p.grad is None for p in model.parameters()], model[4].bias.grad, x]

    check.equal("flags and gradients stay as they are, and so does the example", lambda: flags(), expected=lambda: [[False] + [True] * 5, [True] * 5 + [False], torch.ones(3), check.tensor(251, 2, 6)])
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**The program, drawn.** Each box is one line of the graph that your function wrote down. Your own operator of 11.5 stands in
it as a single box, because it has a schema and a fake kernel: the exporter asked it for a shape and looked no further.
"""

# %% tags=["picture"]
class Gated(nn.Module):
    def __init__(self):
        super().__init__()
        self.value, self.gate, self.out = nn.Linear(6, 8), nn.Linear(6, 8), nn.Linear(8, 3)

    def forward(self, x):
        return self.out(torch.ops.course.gated_relu(self.value(x), self.gate(x)))


torch.manual_seed(0)
net = Gated()
program = export_program(net, torch.randn(2, 6))
boxes, links = parts.program_graph(program)
plot.graph(
    boxes, links, mark={name for name, label in boxes.items() if "gated" in label},
    alt=f"The exported graph, {len(boxes)} boxes: x goes into two linear operators, both of them into course.gated_relu, "
    "that into a third linear operator, and out; the six parameters are inputs of the linear ones",
)

# %% tags=["picture"]
print(program.graph_signature.user_inputs, "->", program.graph_signature.user_outputs)
for name, limits in program.range_constraints.items():
    print(f"{name}: a batch size from {limits.lower} to {str(limits.upper).replace('int_oo', 'infinity')}")
file = io.BytesIO()
torch.export.save(program, file)
file.seek(0)
again = torch.export.load(file).module()
x = torch.randn(5, 6)
print(f"{file.getbuffer().nbytes:,} bytes; loaded again, it gives the same for 5 rows:", torch.equal(again(x), net(x)))
try:
    again(torch.randn(5, 7))
except (AssertionError, RuntimeError) as error:
    print("and 7 features are refused:", str(error).strip().split("\n")[0])

# %% [markdown]
r"""
The class `Gated` is not in that file: another process can load it without ever having seen it. What it *does* need is your
operator, since the graph only says `course.gated_relu`. A program made of PyTorch's own operators needs nobody.
"""

# %% [markdown]
r"""
## 11.7 A file for everybody

ONNX is a file format for such graphs, with a fixed catalogue of some two hundred operators, and there are runtimes for
it on phones, in browsers, in C#. `torch.onnx.export` goes the way of 11.6 and then translates each operator into the
catalogue's.

**Nothing of this is checked by itself.** A file that was written without an error may still hold the batch size of the
example. Today's exporter turns PyTorch's own dropout and batch norm into their eval form whatever their mode is; a layer of
*yours* that asks `self.training` is written down as it answers. So the last step of an export is always the same: load the file in the *other*
runtime, put in numbers, compare. One row, many rows, not those of the example.
"""

# %% [markdown]
r"""
### Exercise 11.7 · `export_onnx`
*difficulty 2 of 3 · 20 minutes · about 8 lines*

Write `export_onnx(model, example, path)`: writes `model`, in eval mode, as an ONNX file to `path` (a string). `example` is
one tensor, the model's only argument, first axis the batch, N ≥ 2. `onnxruntime` runs the file for any N ≥ 1 and gets what
the model in eval mode gives. Weights may lie in a file beside it (external data). The model is left as it was, the
mode of *every* submodule included. What the function returns is free.

This exercise needs the extra: `pip install "layer-by-layer[export]"`. Without it the checks say so in one line.
"""

# %% nbgrader={"grade": false, "grade_id": "export_onnx", "locked": false, "schema_version": 3, "solution": true, "task": false}
def export_onnx(model, example, path):
    """module, (N, ...) with N >= 2, file name -> writes an ONNX file in eval mode for any N >= 1"""
    # about 8 lines
    ### BEGIN SOLUTION
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        batch = torch.export.Dim("batch", min=1)
        torch.onnx.export(model, (example,), path, dynamo=True, dynamic_shapes=({0: batch},), verbose=False)
    finally:
        for module, training in before:
            module.training = training
    ### END SOLUTION

# %%
hint("export_onnx")

# %% nbgrader={"grade": true, "grade_id": "export_onnx__runs", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
@check.cell("export_onnx__runs")
def _():
    check.needs("onnx", "onnxruntime", "onnxscript", extra="export")

    def outputs(seed, kind, shape, sizes, dtype="float32"):
        batches = [check.tensor(seed + 2 + n, n, *shape, dtype=dtype) for n in sizes]
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, check.lend(export_onnx, export_program=parts.export_program):
            path = os.path.join(folder, "model.onnx")
            parts.quiet(lambda: export_onnx(parts.mixed(seed, kind, dtype), check.tensor(seed + 1, sizes[0], *shape, dtype=dtype), path))
            return parts.run_onnx(path, *batches)

    def expected(seed, kind, shape, sizes, dtype="float32"):
        model = parts.mixed(seed, kind, dtype).eval()
        return [model(check.tensor(seed + 2 + n, n, *shape, dtype=dtype)) for n in sizes]

    check.close(
        "onnxruntime gives what the model in eval mode gives: 4 rows, 7 rows, one row",
        lambda: outputs(300, "rows", (6,), (4, 7, 1)),
        expected=lambda: expected(300, "rows", (6,), (4, 7, 1)),
        rtol=1e-4, atol=1e-5,
        advice="print session.get_inputs()[0].shape: is the first axis a name or a number?",
    )
    ### BEGIN HIDDEN TESTS
    check.close("ONNX of images, for three, one and five", lambda: outputs(320, "images", (1, 6, 6), (3, 1, 5)), expected=lambda: expected(320, "images", (1, 6, 6), (3, 1, 5)), rtol=1e-4, atol=1e-5)
    check.close("ONNX in float64, an example of two rows, three hundred later", lambda: outputs(340, "rows", (6,), (2, 300), "float64"), expected=lambda: expected(340, "rows", (6,), (2, 300), "float64"), rtol=1e-4, atol=1e-5)
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "export_onnx__left", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("export_onnx__left")
def _():
    check.needs("onnx", "onnxruntime", "onnxscript", extra="export")

    def left(model, example, *probe):
        state = {name: value.clone() for name, value in model.state_dict().items()}
        next(model.parameters()).requires_grad_(False)
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, check.lend(export_onnx, export_program=parts.export_program):
            path = os.path.join(folder, "left.onnx")
            parts.quiet(lambda: export_onnx(model, example, path))
            found = parts.run_onnx(path, check.tensor(400, *probe))
        same = all(torch.equal(value, model.state_dict()[name]) for name, value in state.items())
        return [found, parts.modes(model), same, torch.is_grad_enabled(), [p.requires_grad for p in model.parameters()], example]

    flags = [False] + [True] * 5
    check.close(
        "after the export a half-frozen model is as it was, each submodule in its own mode, and so is the example",
        lambda: left(parts.mixed(360), check.tensor(361, 3, 6), 2, 6),
        expected=lambda: [[parts.mixed(360).eval()(check.tensor(400, 2, 6))], parts.modes(parts.mixed(360)), True, True, flags, check.tensor(361, 3, 6)],
        rtol=1e-4, atol=1e-5,
        advice="compare [m.training for m in model.modules()] before and after; the exporter itself may touch them",
    )
    ### BEGIN HIDDEN TESTS
    check.close("a model in training throughout comes out in eval and stays in training", lambda: left(parts.mixed(370, "images").train(), check.tensor(371, 2, 1, 6, 6), 4, 1, 6, 6), expected=lambda: [[parts.mixed(370, "images").eval()(check.tensor(400, 4, 1, 6, 6))], parts.modes(parts.mixed(370, "images").train()), True, True, flags, check.tensor(371, 2, 1, 6, 6)], rtol=1e-4, atol=1e-5)
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**How equal is equal?** Another runtime adds in another order. Below, for batches of 1 to 512, the largest difference between
your file in onnxruntime and the model itself, next to float32's own grain. A difference of some grains is arithmetic; one
of a thousandth is a mistake.
"""

# %% tags=["picture"]
if parts.can_export():
    torch.manual_seed(3)
    net = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 64), nn.Sigmoid(), nn.Linear(64, 3))
    sizes, gaps = (1, 2, 8, 32, 128, 512), []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder, torch.no_grad():
        path = os.path.join(folder, "model.onnx")
        parts.quiet(lambda: export_onnx(net, torch.randn(2, 6), path))
        batches = [torch.randn(size, 6) for size in sizes]
        for batch, out in zip(batches, parts.run_onnx(path, *batches)):
            gaps.append(float((out - net.eval()(batch)).abs().max()) + 1e-12)
        weighs = {name: os.path.getsize(os.path.join(folder, name)) for name in sorted(os.listdir(folder))}
    grain = float(torch.finfo(torch.float32).eps)
    plot.curves(
        {"largest difference": (np.log2(sizes), gaps), "float32's grain at 1": (np.log2(sizes), [grain] * 6)},
        xlabel="rows, as a power of two", ylabel="difference", log=True,
        alt=f"Largest difference between onnxruntime and the model, by batch size: between {min(gaps):.1g} and "
        f"{max(gaps):.1g}; the grain of float32 is {grain:.1g}",
    )
    print("files:", ", ".join(f"{name} {size:,} bytes" for name, size in weighs.items()))

# %% [markdown]
r"""
## 11.8 What you ship, and what you open

*A worked section without points.* A file with weights is an input too, and the most dangerous of all. The old format for
Python objects, `pickle`, is a little program that runs while it is loaded, and it may call anything. Below somebody sends you
"weights". The object in it says how it wants to be rebuilt: by calling a function of *its* choice. Here it is only `print`.
"""

# %% tags=["picture"]
class Weights:
    def __reduce__(self):  # asked when pickled: how shall I be rebuilt? By a call, and the file says which
        return (print, ("this line was run by the file that you opened",))


file = io.BytesIO()
torch.save({"layer.weight": torch.ones(2, 2), "trainer": Weights()}, file)
file.seek(0)
print("weights_only=False:")
torch.load(file, weights_only=False)
file.seek(0)
try:
    torch.load(file, weights_only=True)
except Exception as error:
    print(f"weights_only=True: {type(error).__name__}, and nothing of the file has run")

# %% [markdown]
r"""
**Three rules for files.** Load with `weights_only=True` (the default since PyTorch 2.6), which builds tensors, numbers and
plain containers and calls nothing. Never unpickle what you did not write. And a checkpoint is numbers only: not the model
object, not the optimizer object, but their `state_dict`s.

A file also has to say *what it is*. In a year you will find `model_final2.pt` and wonder for which class, for how many
features, trained with what. So an artefact carries a format version, the sizes that rebuild the model, and the versions
it was made with. The loader looks at all that **before** it touches a weight.
"""

# %% tags=["picture"]
def save_artefact(target, model, sizes):
    torch.save({
        "format": 2, "sizes": sizes, "made_with": torch.__version__.split("+")[0],
        "weights": model.state_dict(), "checksum": checksum(model.state_dict()),
    }, target)  # fmt: skip


def checksum(weights):
    return sum(float(w.double().sum()) * (i + 1) for i, w in enumerate(weights.values()))


def load_artefact(target):
    held = torch.load(target, weights_only=True)
    if held.get("format") != 2:
        raise ValueError(f"expected an artefact of format 2, got {held.get('format')!r}")
    model = nn.Sequential(nn.Linear(*held["sizes"][:2]), nn.ReLU(), nn.Linear(*held["sizes"][1:]))
    model.load_state_dict(held["weights"])  # strict: a missing or a spare name raises
    if checksum(model.state_dict()) != held["checksum"]:
        raise ValueError("the weights are not those that were saved")
    return model.eval()

# %% tags=["picture"]
torch.manual_seed(0)
model, x = nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 2)), torch.randn(3, 6)
file = io.BytesIO()
save_artefact(file, model, [6, 4, 2])
file.seek(0)
print("loaded, the same answers:", torch.equal(load_artefact(file)(x), model(x)))
tampered = torch.load(io.BytesIO(file.getvalue()), weights_only=True)
tampered["weights"]["0.bias"][0] += 1e-3
for name, content in (("an older format", tampered | {"format": 1}), ("one changed weight", tampered)):
    other = io.BytesIO()
    torch.save(content, other)
    other.seek(0)
    try:
        load_artefact(other)
    except ValueError as error:
        print(f"{name}: ValueError: {error}")

# %% [markdown]
r"""
That checksum finds accidents (a file cut short, weights mixed up), not attackers: whoever changes the weights changes the sum
too. Against them only something helps that does *not* come with the file: a SHA-256 that you know from elsewhere, or a
signature.

Now the door, the clock and the file together, as a service would use them. Eight visitors come, some of them hostile.
"""

# %% tags=["picture"]
served = load_artefact(io.BytesIO(file.getvalue()))
visitors = [
    torch.randn(3, 6), [1, 2], torch.randn(2, 7), torch.full((1, 6), float("inf")), torch.randn(6),
    torch.ones(2, 6).int(), torch.randn(40, 6), None,
]  # fmt: skip
counts = {"answered": 0, "TypeError": 0, "ValueError": 0, "a crash further in": 0}
for visitor in visitors:
    try:
        x = validate_input(visitor, 6)
    except (TypeError, ValueError) as error:
        counts[type(error).__name__] += 1
        continue
    try:
        profile_layer(served, x, warmup=0, repeats=1)
        counts["answered"] += 1
    except Exception:
        counts["a crash further in"] += 1
plot.bars(
    counts, xlabel="visitors",
    alt="Eight visitors at the door of the service: " + ", ".join(f"{name} {count}" for name, count in counts.items()),
)

# %% [markdown]
r"""
## Two questions

These are read by a person. A few honest sentences are worth more than a page.
"""

# %% [markdown]
r"""
### Question A
Show that one step of the online softmax is right: with $m$, $\ell$, $a$ the running maximum, sum and weighted sum over the keys
of the blocks seen, prove that after the update they are those of all keys up to the new block, and that $a/\ell$ at the
end is softmax(s) v. Where does the proof need that $m$ is the *maximum*, and where does the computer?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_online_softmax", "locked": false, "points": 4, "schema_version": 3, "solution": true, "task": false}
r"""
**Model answer.** Claim: after the blocks seen, $m = \max_{j} s_j$, $\ell = \sum_j e^{s_j - m}$, $a = \sum_j e^{s_j - m} v_j$ over all $j$
seen. Before the first block the sums are empty, 0, and $m = -\infty$. Let the claim hold, and let a block $B$ come;
$m' = \max(m, \max_B s)$ is the maximum of all. For an old $j$: $e^{s_j - m'} = e^{s_j - m} e^{m - m'}$, a factor
that does not depend on $j$, so it comes out of both sums: $\sum_\text{old} e^{s_j - m'} = c\,\ell$ and
$\sum_\text{old} e^{s_j - m'} v_j = c\,a$ with $c = e^{m - m'}$. Adding the block's own terms gives $\ell'$ and $a'$. (First block:
$c = 0$ times 0.) At the end $a/\ell = \sum e^{s_j - m} v_j / \sum e^{s_j - m}$; the factor $e^{-m}$ cancels, which is the softmax.
The algebra never uses that $m$ is the maximum: any reference value would cancel. The computer does: with the maximum every
exponent is at most 0, so nothing overflows, and one term is $e^0 = 1$, so $\ell \ge 1$ and the division is safe.

**Rubric.** 1 point: the invariant is stated for all three. 1 point: the common factor $e^{m-m'}$ and why it may be taken out
of the sums. 1 point: the end, where $e^{-m}$ cancels, and the start. 1 point: the maximum is for the computer only, with overflow
and $\ell \ge 1$.
"""

# %% [markdown]
r"""
### Question B
A colleague writes: "My kernel is 40 times faster. I measured one call of the old code with `time.time()`, then one of mine,
and for the mean of the 100 calls after that it was still 38." Name four things you would ask or change before you
believe it, each with the reason. Then: how can the number be true and the product still not be any faster?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_benchmark", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
r"""
**Model answer.** (1) The old code was timed once, on its first call: loading, allocation and cold caches are in it, and not
in the hundred calls of the new one; warm up both, repeat both, interleave them. (2) The mean is moved by a few slow calls;
compare medians or minima, and give the spread. (3) `time.time()` may jump; a monotonic clock such as `perf_counter`. On a GPU
calls return before the work is done: synchronise. (4) At which sizes, dtypes, threads, with gradients or without? A factor
belongs to a size. (5) Do both give the same numbers, for non-contiguous input too? A wrong kernel can be very fast. As for
the product: the kernel may be a small part of the whole. If it was 5 % of the time, making it infinitely fast saves 5 % (Amdahl);
or the time goes into copies to and from it.

**Rubric.** 2 points: four sound objections with reasons, half a point each; the unequal treatment of the two (first call against
the mean of later ones) has to be among them. 1 point: the share of the whole, with an example or a formula.
"""

# %% [markdown]
r"""
## Summary

| you wrote | what is now hidden behind the name | the idea |
|---|---|---|
| `validate_input` | the first lines of any public function | refuse at the door, by kind and by value, in words for the caller; never by `assert` |
| `batched_bilinear` | `nn.Bilinear` | indices that are kept, indices that are summed; no Python in between |
| `tiled_attention` | FlashAttention | a softmax can be kept running; memory is a choice |
| `profile_layer` | `torch.utils.benchmark` | warm up, repeat, median; a factor belongs to a size |
| `gated_relu` | every operator of `torch.ops` | schema, kernel, fake kernel, gradient |
| `export_program` | `torch.export` | a flat graph with free sizes; leave the model as you found it |
| `export_onnx` | `torch.onnx` | a file for others, believed only after it ran elsewhere |

**What still hurts?** Nothing that a user would notice. But you: you have used autograd, modules and optimizers for ten
chapters, opened each of them, and never had all of them open at the same time. Chapter 12 is where you write the
library itself.
"""

# %% [markdown]
r"""
## Where to go next

- *Next chapter:* `12_own_framework`, the library in one notebook, in NumPy.
- *In the library:* `torch/library.py` and `torch/_library/custom_ops.py` are `custom_op`, `torch/testing/_internal/optests/` is
  what `opcheck` runs; `torch/export/` holds `ExportedProgram` and `Dim`; `torch/onnx/` the exporter;
  `torch/_weights_only_unpickler.py` is short, and lists what a file may build. `aten/src/ATen/native/transformers/` has the
  tiled attention that you wrote, for processors and for GPUs.
- *Further:* Milakov and Gimelshein, *Online normalizer calculation for softmax* (2018); Dao and others, *FlashAttention*
  (2022); the PyTorch pages on custom operators and on `torch.export`; the ONNX operator catalogue.
- *Try:* give `tiled_attention` a causal mask that skips the blocks that are all in the future, and draw the time saved.
"""
