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

For ten chapters the only user of your layers was you. You knew the shapes, you watched the loss, and when something
broke you restarted the kernel. From here on somebody else calls your code: at night, with an input you never thought
of, from a program that is not even Python.

In this chapter **one model goes out of the door**: the classifier that you trained, chose and saved in chapter 8. It gets a check at its entrance, you find out
where its time goes, it loses its Python loop, it is compiled, exported and written to a file, and at the end it
answers somebody who has neither your code nor PyTorch. On the way come three things that many layers need: memory,
an honest clock, and an operator of your own.
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

from layer_by_layer import artefact, data, judges
from layer_by_layer.instruments import reader as readers
from layer_by_layer.instruments import recall
from layer_by_layer.instruments import shipping as parts
from layer_by_layer.instruments.stand_in import whose, yours_or_ours
from lessonkit import check, plot
from lessonkit.hints import hint

# %% [markdown]
r"""
**Before you begin**, four questions on what came before. Type what you expect between the quotes, run both cells,
and compare. There are no points, and nothing is remembered.
"""

# %%
expected = {
    "model.eval() changes the output of nn.ReLU? of nn.Dropout?": "?",
    "F.cross_entropy takes logits or probabilities?": "?",
    "scores that attention makes for 1,000 queries and 1,000 keys (chapter 9)": "?",
    "bytes that int8 weights need, for 1,000,000 of them": "?",
}

# %% tags=["picture"]
probe = torch.ones(4, 1000)
recall.side_by_side(expected, {
    "model.eval() changes the output of nn.ReLU? of nn.Dropout?":
        [not torch.equal(m.train()(probe), m.eval()(probe)) for m in (nn.ReLU(), nn.Dropout(0.5))],
    "F.cross_entropy takes logits or probabilities?":
        f"logits: at (0, 0) it gives log 2 = {F.cross_entropy(torch.zeros(1, 2), torch.tensor([0])).item():.4f}",
    "scores that attention makes for 1,000 queries and 1,000 keys (chapter 9)": f"{1000 * 1000:,}",
    "bytes that int8 weights need, for 1,000,000 of them": f"{torch.zeros(1_000_000, dtype=torch.int8).nbytes:,}",
})  # fmt: skip

# %% tags=["picture"]
stations = {
    "in": "input", "door": "the door\n11.1", "layer": "fast,\nlean\n11.2, 11.3", "clock": "where is\nthe time?\n11.4, 11.5",
    "op": "compiled,\nan op\n11.6, 11.7", "program": "program\n11.8", "file": "file\n11.9", "out": "answer\n11.10 on",
}
links = [(a, b) for a, b in zip(list(stations), list(stations)[1:])]
plot.graph(
    stations, links, mark={"door", "file"},
    alt="The way of a model out of the notebook: an input meets the door (11.1), then a layer made fast and lean (11.2, "
    "11.3); the clock says where the time goes (11.4, 11.5); it is compiled and gets an operator (11.6, 11.7), becomes a "
    "program (11.8) and a file (11.9), and answers somewhere else (11.10, 11.11)",
)

# %% [markdown]
r"""
**What hurt so far.** Everything you built is right, and none of it is ready:

| in the notebook | out there |
|---|---|
| a wrong shape raises twenty frames below, or is stretched in silence | the caller is told at the door, in one line |
| a double loop is clear, and slow | the same sum as one call |
| attention holds a matrix of L × S | it holds a strip of it |
| "it feels faster" | median, minimum, maximum, after a warm-up; and which layer it was |
| a Python function | an operator with a schema, a program, a file |

*Needs: chapters 3 to 5 and attention from chapter 9. Nine exercises, about three hours, and an hour of reading and
looking; 11.1 to 11.5 and 11.7 to 11.10 make two good evenings. Exercise 11.9 wants the extra*
`pip install "layer-by-layer[export]"`.
"""

# %% [markdown]
r"""
**The traveller.** `digits_classifier.pt`, the file of 8.10: weights, the mean and the standard deviation that they need, and a card.
Where there is none beside this notebook or chapter 8's, the course trains a stand-in now, a few seconds long, and the card says so.

Round your network stands what somebody wrote in a hurry, `Reader`: a `Ruler` in front (8.2's mean and standard deviation, as a layer), so that images may come in as they are; a look at
its own features on the way, which raises where they are not finite; and a last layer of theirs. It is as right as your network, and it
is slow. Nobody knows yet why.
"""

# %% tags=["picture"]
trained, card = artefact.load()
print("trained by", card["made_by"], "on", card["source"], f"- {card['accuracy']:.1%} right when it was tested")
reader = readers.Reader.of(trained, card)
_, test_set = data.mnist(limit=6000)
test_images, test_labels = test_set.images[:2000].flatten(1), test_set.labels[:2000]
print(reader)

# %% tags=["picture"]
with torch.no_grad():
    started = time.perf_counter()
    answers = reader(test_images).argmax(dim=1)
    took = time.perf_counter() - started
    plain = trained((test_images.unflatten(1, (1, 28, 28)) - card["mean"]) / card["std"]).argmax(dim=1)
print(f"{float((answers == test_labels).float().mean()):.1%} of {len(answers):,} digits right, in {1e3 * took:.0f} ms")
print("the same answers as the network alone:", torch.equal(answers, plain))

# %% [markdown]
r"""
## 11.1 The door

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
raised. **A check at the door costs one pass over the input**; the last picture of this section measures that pass
against a layer.

A check by `assert` can be switched off: `python -O` leaves every assert out, and whoever starts your program decides
about `-O`, not you. An assert says *I am sure of this*, to colleagues who read. `raise` says *I refuse this*, to callers.
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

float16, bfloat16, float32 and float64 are all welcome (the eight-bit floats cannot be asked whether they are finite,
so what happens to them is up to you). It works the same under `python -O`.
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
    check.equal("(features,) is one row, and more axes are fine", lambda: [validate_input(row, 3), validate_input(x.reshape(2, 1, 1, 3), 3)], expected=lambda: [row, x.reshape(2, 1, 1, 3)])
    halves, high = x.half(), torch.full((2, 3), 3.0e38)
    check.equal("half precision passes as it is, and so do numbers so large that their sum is not finite", lambda: [validate_input(halves, 3), validate_input(high, 3)], expected=lambda: [halves, high])
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
    check.raises("features in front, rows behind: (17, 5) is refused", lambda: validate_input(torch.ones(17, 5), 17), ValueError)
    check.raises("no row in the middle: (2, 0, 17) is refused", lambda: validate_input(torch.ones(2, 0, 17), 17), ValueError)
    ### BEGIN HIDDEN TESTS
    for shape in ((17, 6), (), (17, 1), (1,), (0, 3, 17), (3, 4, 16), (0,)):
        check.raises(f"refused by shape: {shape} for 17 features", lambda shape=shape: validate_input(torch.ones(shape), 17), ValueError)
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "validate_input__finite", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("validate_input__finite")
def _():
    bad = torch.tensor([[1.0, 2.0], [float("nan"), 0.0]])
    check.raises("one NaN is enough to be refused", lambda: validate_input(bad, 2), ValueError)
    check.raises("infinity is refused", lambda: validate_input(torch.tensor([[1.0, float("inf")]]), 2), ValueError, advice="torch has a function that asks each number whether it is finite")
    check.raises("nothing but NaN is refused", lambda: validate_input(torch.full((1, 2), float("nan")), 2), ValueError)
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
**Your door at work.** Nine visitors, one line each. Read the right column as if you were the caller at night: do
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
Python costs time in which the processor multiplies nothing. The cell measures how much.
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
- hand the index formula to `torch.einsum`, which looks for the products itself. (`torch.einsum("ij,jk->ik", a, b)` is
  `a @ b`: one group of letters for each input, and after the arrow those that are kept.)

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
    check.close("float64 stays float64", lambda: batched_bilinear(x.double(), w.double(), y.double()), expected=torch.tensor([[3.0, 4.0], [1.0, 3.0]], dtype=torch.float64))
    one = torch.tensor([[2.0]])
    check.close("a batch of one, one output, three by one", lambda: batched_bilinear(torch.tensor([[1.0, 2.0, 3.0]]), torch.ones(1, 3, 1), one), expected=torch.tensor([[12.0]]))
    ### BEGIN HIDDEN TESTS
    x, w, y = check.tensor(11, 5, 3), check.tensor(12, 4, 3, 2), check.tensor(13, 5, 2)
    check.close("any four sizes", lambda: batched_bilinear(x, w, y), expected=lambda: F.bilinear(x, y, w))
    check.unchanged("none of the three inputs is changed", lambda: batched_bilinear(x, w, y), x, w, y)
    a, c, d = (check.tensor(14 + i, *s, dtype="float64", strided=True) for i, s in enumerate([(3, 4), (3, 4, 4), (3, 4)]))
    check.close("float64, square and not contiguous", lambda: batched_bilinear(a, c, d), expected=lambda: F.bilinear(a, d, c))
    check.close("one row, six outputs", lambda: batched_bilinear(a[:1, :2], check.tensor(18, 6, 2, 4, dtype="float64"), d[:1]), expected=lambda: F.bilinear(a[:1, :2], d[:1], check.tensor(18, 6, 2, 4, dtype="float64")))
    check.probes("what batched_bilinear promises besides its numbers", lambda: lambda x, y: batched_bilinear(x, w.to(x.dtype), y), check.tensor(951, 5, 3), check.tensor(952, 5, 2), rtol=1e-4, atol=1e-5, expected=lambda: lambda x, y: F.bilinear(x, y, w.to(x.dtype)))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "batched_bilinear__speed", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("batched_bilinear__speed")
def _():
    big = [check.tensor(21, 64, 32), check.tensor(22, 64, 32, 32), check.tensor(23, 64, 32)]
    check.that(
        "it is at least five times as fast as the double loop, at 64 rows and 64 outputs",
        lambda: [parts.time_factor(lambda: batched_bilinear(*big), lambda: parts.double_loop(*big), rounds=2), batched_bilinear(*big)],
        judge=lambda seen: None if seen[0] >= 5 else "it is not five times as fast as the loop",
        advice="no loop over b or o, however it is spelled: one formula for all rows and outputs",
    )

    def operations(rows, outputs):
        x, w, y = check.tensor(24, rows, 8), check.tensor(25, outputs, 8, 8), check.tensor(26, rows, 8)
        batched_bilinear(x, w, y)
        return parts.operations(lambda: batched_bilinear(x, w, y))

    check.that(
        "it takes as many operations for 60 rows and 60 outputs as for 3 and 3",
        lambda: [operations(3, 3), operations(60, 3), operations(3, 60), operations(60, 60)],
        judge=lambda seen: None if max(seen) <= seen[0] + 25 else "the number of operations grows with the rows" if seen[1] > seen[0] + 25 else "the number of operations grows with the outputs",
        advice="map, recursion and np.vectorize walk too",
    )
    ### BEGIN HIDDEN TESTS
    x, w, y = check.tensor(27, 60, 8), check.tensor(28, 60, 8, 8), check.tensor(29, 60, 8)
    check.close("and the numbers are right at that size", lambda: batched_bilinear(x, w, y), expected=lambda: F.bilinear(x, y, w))
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**The factor has a size.** "A hundred times faster" means nothing without saying at which size. Below, your function
against the loop, B = O growing together. Small problems gain little, because a single call has its price
too; large ones gain until the arithmetic itself is what takes the time.
"""

# %% tags=["picture"]
ones = [torch.ones(2, 3), torch.ones(4, 3, 2), torch.ones(2, 2)]
bilinear = yours_or_ours("batched_bilinear", parts.bilinear, lambda f: f(*ones))
sizes, factors = (1, 2, 4, 8, 16, 32, 64), []
for size in sizes:
    x, w, y = torch.randn(size, 32), torch.randn(size, 32, 32), torch.randn(size, 32)
    factors.append(parts.time_factor(lambda: bilinear(x, w, y), lambda: loop_bilinear(x, w, y), rounds=3))
plot.curves(
    {"loop / batched": (np.log2(sizes), factors), "no gain": (np.log2(sizes), [1.0] * len(sizes))},
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
        advice="follow m, ℓ and a of the text by hand through the two blocks",
    )
    q, k, v = check.tensor(31, 3, 4), check.tensor(32, 6, 4), check.tensor(33, 6, 2)
    wide = [t.double() for t in (q, k, v)]
    check.close("float64 is worked out in float64", lambda: tiled_attention(*wide, 4), expected=lambda: F.scaled_dot_product_attention(*(t[None] for t in wide))[0])
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
    check.probes("what tiled_attention promises besides its numbers", lambda: lambda q, k, v: tiled_attention(q, k, v, 2), check.tensor(953, 5, 3), check.tensor(954, 7, 3), check.tensor(955, 7, 4), rtol=1e-4, atol=1e-5, expected=lambda: lambda q, k, v: F.scaled_dot_product_attention(q[None], k[None], v[None])[0])
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
    low = torch.tensor([[-90.0], [-80.0], [-79.99], [-85.0]])
    check.close(
        "scores that are all thousands below zero: again the two largest share",
        lambda: tiled_attention(q, low, v, 4),
        expected=torch.tensor([[4.0 - 2.0 / (1.0 + math.e)]]),
        rtol=1e-3,
        advice="what does the running maximum hold before any key was seen?",
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
        "16 queries, 40 keys, one key at a time: never more than 16 scores",
        lambda: held(16, 40, 1, "float32"),
        judge=lambda seen: judges.blockwise(seen, 16, 40, 1, 1, 1),
        advice="the caller says how large a block is",
    )
    check.that(
        "32 queries, 1536 keys, blocks of 32: never more than 1024 scores",
        lambda: held(32, 1536, 32, "float64"),
        judge=lambda seen: judges.blockwise(seen, 32, 1536, 1, 1, 32),
        advice="the product q @ keys.T of one block is all that may exist at a time; keep sums, not blocks",
    )
    ### BEGIN HIDDEN TESTS
    check.that("64 queries, 100 keys, blocks of 32: never more than 2048 scores", lambda: held(64, 100, 32, "float32"), judge=lambda seen: judges.blockwise(seen, 64, 100, 1, 1, 32))
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
small = [torch.ones(2, 1), torch.arange(3.0)[:, None], torch.arange(3.0)[:, None]]
tiled = yours_or_ours("tiled_attention", parts.tiled_attention, lambda f: f(*small, 2))
q, k, v = torch.randn(256, 32), torch.randn(2048, 32), torch.randn(2048, 32)
blocks = (8, 16, 32, 64, 128, 256, 512, 1024, 2048)
peaks = [parts.held(lambda: tiled(q, k, v, block))["peak"] for block in blocks]
plain = parts.held(lambda: torch.softmax(q @ k.T / math.sqrt(32), 1) @ v)["peak"]
plot.curves(
    {"tiled attention": (np.log2(blocks), peaks), "the whole table": (np.log2(blocks), [plain] * len(blocks))},
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
        tiled(q, k, v, block)
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
The tail has one side only: things can make a call slower, and nothing makes it faster than it is. So the **mean**
moves with a few slow calls, whoever caused them; the **minimum** is closest to the code alone, and the **median** is
what a user mostly sees. Report minimum and median, and the maximum for those who have to promise something.

Three more rules: warm up first, and throw that away. Take a clock that only goes forward (`time.perf_counter`, not
the time of day). And turn gradients off, unless training is what you measure: the graph costs time and memory. (On a GPU there is a
fourth: a call returns before it is done, so `torch.cuda.synchronize()` stands before each look at the clock.
`profile_layer` is asked for the processor.)
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
        advice="count the calls in your two loops: warmup + repeats in all, each on the x that was given: is the layer called once more, with another x, or are the names others?",
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
        return [[grad for _, grad, _ in layer.calls], torch.is_grad_enabled(), x.grad is None, x.requires_grad]

    check.equal(
        "no pass runs with gradients; afterwards they are on again, and x asks for its own as before",
        lambda: grads(),
        expected=[[False, False, False], True, True, True],
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
        def once():
            layer = parts.Sleeper(naps)
            found = profile_layer(layer, torch.ones(1), warmup=warmup, repeats=len(naps) - warmup)
            return [[float(found[name] * 1.0) for name in ("median", "minimum", "maximum")], [took for took, _, _ in layer.calls]]

        return parts.in_quiet(once, sum(naps))

    check.that(
        "a layer that sleeps 0.25 s once, then 0.11, 0.005 and 0.12 s: median 0.11, minimum 0.005, maximum 0.12",
        lambda: timed([0.25, 0.11, 0.005, 0.12], 1),
        judge=lambda seen: judges.timings(seen, 1),
        advice="print the list of times: are the warm-up's among them, is it sorted, are they seconds?",
    )
    check.that(
        "one slow pass among five moves the maximum and not the median",
        lambda: timed([0.005, 0.005, 0.35, 0.005, 0.005], 0),
        judge=lambda seen: judges.timings(seen, 0),
    )
    ### BEGIN HIDDEN TESTS
    check.that("an even number of passes: the median lies between the middle two", lambda: timed([0.1, 0.005, 0.24, 0.05], 0), judge=lambda seen: judges.timings(seen, 0))
    check.that("seven passes, of which four are slow: so is the median", lambda: timed([0.005, 0.09, 0.005, 0.09, 0.005, 0.09, 0.09], 0), judge=lambda seen: judges.timings(seen, 0))
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**Your clock, used.** How does the time of one pass grow with the batch? At first far slower than the rows do, because the
call itself is what costs; from some size on in step with them. That is why servers wait a few milliseconds to put requests
of several users into one batch.
"""

# %% tags=["picture"]
def measured(f):
    found = f(nn.ReLU(), torch.ones(3), warmup=1, repeats=3)
    return [sorted(found), 0 < found["minimum"] <= found["median"] <= found["maximum"] < 1]


clock = yours_or_ours("profile_layer", parts.profile_layer, measured)
rows, found = (1, 4, 16, 64, 256, 1024), []
with torch.no_grad():
    for count in rows:
        found.append(clock(layer, torch.randn(count, 256), warmup=3, repeats=15))
plot.curves(
    {name: (np.log2(rows), [1e6 * one[name] for one in found]) for name in ("median", "minimum", "maximum")},
    xlabel="rows in the batch, as a power of two", ylabel="microseconds", log=True,
    alt=f"Microseconds a pass by rows in the batch, as {whose('profile_layer')} profile_layer gives them: median "
    f"{1e6 * found[0]['median']:.0f} for one row, {1e6 * found[3]['median']:.0f} for 64, {1e6 * found[-1]['median']:.0f} "
    "for 1024; the maximum above, the minimum below",
)

# %% [markdown]
r"""
## 11.5 Where the time goes

The reader is slow, and you know how to time a layer. Timing the whole says *that* it is slow, not *where*. Guessing
mostly fails: one suspects the large layer, and it is the small one that is called a thousand times. Looking for the
part in which the time goes is **profiling**, and the part is the **bottleneck**.

PyTorch's own profiler lists operators. Read the table for one pass over 64 images: which operator is called how often?
"""

# %% tags=["picture"]
from torch.profiler import ProfilerActivity, profile

with torch.no_grad(), parts.no_chatter(), profile(activities=[ProfilerActivity.CPU]) as profiled:
    reader(test_images[:64])
busiest = sorted(profiled.key_averages(), key=lambda event: -event.self_cpu_time_total)[:5]
total = sum(event.self_cpu_time_total for event in profiled.key_averages())
for event in busiest:
    print(f"{event.key:24} {event.count:6,} calls {event.self_cpu_time_total / total:6.1%} of the time")

# %% [markdown]
r"""
That names the operation, not the place in *your* model. For this, modules have **hooks**: functions that run just before
and just after a module's forward (`register_forward_pre_hook`, `register_forward_hook`). Each registration gives back a
handle, and `handle.remove()` takes that one hook away. Look at the clock in both, for each **leaf** module (one without children; what a
container computes between its children, an addition for instance, belongs to no leaf and is not counted), and add up: a leaf that is called often counts each time.

Whoever hangs hooks into somebody else's model takes them down again, also where the model raises. Theirs stay.
"""

# %% [markdown]
r"""
### Exercise 11.5 · `bottleneck`
*difficulty 2 of 3 · 20 minutes · about 18 lines*

Write `bottleneck(model, x)`: the qualified name (as in `model.named_modules()`) of the leaf module in whose forward
`model(x)` spends most time, summed over all its calls. A leaf is a module without children; a leaf that is used in
several places has its first name; a model that has no children is itself the leaf, named `''`.

It runs without gradients and in whatever mode it finds. Afterwards every hook of yours is gone and all others are there,
also where the model raises; what it raises goes on to the caller. How many passes you run is up to you (running statistics
may move). It is tested warm, on models whose slowest leaf takes at least three times as long as any other.
"""

# %% nbgrader={"grade": false, "grade_id": "bottleneck", "locked": false, "schema_version": 3, "solution": true, "task": false}
def bottleneck(model, x):
    """a model, an input -> the name of the leaf module that takes most of the time"""
    # about 18 lines
    ### BEGIN SOLUTION
    spent, began, handles = {}, {}, []

    def before(name):
        def look(module, inputs):
            began[name] = time.perf_counter()
        return look

    def after(name):
        def look(module, inputs, output):
            spent[name] = spent.get(name, 0.0) + time.perf_counter() - began[name]
        return look

    try:
        for name, module in model.named_modules():  # each module once, under its first name
            if not any(True for _ in module.children()):
                handles += [module.register_forward_pre_hook(before(name)), module.register_forward_hook(after(name))]
        with torch.no_grad():
            model(x)
    finally:  # also where the model raises
        for handle in handles:
            handle.remove()
    return max(spent, key=spent.get)
    ### END SOLUTION

# %%
hint("bottleneck")

# %% nbgrader={"grade": true, "grade_id": "bottleneck__names", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
@check.cell("bottleneck__names")
def _():
    nap, x, where = parts.Nap, torch.ones(2, 3), check.integers(601, 0, 3, 4).tolist()

    def row(slow):
        return nn.Sequential(*[nap(0.06 if i == slow else 0.004 * (4 - i)) for i in range(4)])

    check.equal(
        "four layers in a row, one of them slow: its name",
        lambda: bottleneck(row(where[0]), x),
        expected=lambda: str(where[0]),
        advice="print the seconds that you have noted for each name",
    )
    check.equal(
        "a layer that is called twelve times outweighs one that takes longer each time",
        lambda: bottleneck(parts.Often(0.01, 0.04, 12), x),
        expected="quick",
        advice="add up over the calls of one pass",
    )
    check.equal(
        "inside a block: the leaf's full name, and never the block's",
        lambda: bottleneck(nn.Sequential(nap(0.004), nn.Sequential(nap(0.004), row(where[1]))), x),
        expected=lambda: f"1.1.{where[1]}",
    )
    check.equal(
        "time that the model spends between its layers is no layer's",
        lambda: bottleneck(parts.Idle(0.02, 0.08), x),
        expected="first",
        advice="which two looks at the clock belong together?",
    )
    check.equal("a model without children is the leaf: ''", lambda: bottleneck(nap(0.01), x), expected="")
    ### BEGIN HIDDEN TESTS
    def shared():
        slow = nap(0.03)
        return bottleneck(nn.Sequential(nap(0.002), slow, nn.Sequential(nap(0.004), slow)), x)

    check.equal("a leaf that is used in two places has its first name", shared, expected="1")
    check.equal("twelve layers in a row", lambda: bottleneck(nn.Sequential(*[nap(0.06 if i == 10 - where[2] else 0.001) for i in range(12)]), x), expected=lambda: str(10 - where[2]))
    check.equal("the one that computes, among large idle ones", lambda: bottleneck(nn.Sequential(nn.Linear(3, 900), nn.Linear(900, 3), nap(0.05), nn.ReLU()), x), expected="2")
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "bottleneck__left", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
@check.cell("bottleneck__left")
def _():
    def noted(broken=False, training=True):
        model = nn.Sequential(nn.Linear(3, 3), nn.Sequential(parts.Nap(0.02), nn.Dropout(0.5)), parts.Breaks() if broken else nn.ReLU())
        model[1].eval()
        model.training = training
        seen, before = [], parts.modes(model)
        for module in (model, model[0], model[1][0]):
            module.register_forward_pre_hook(lambda m, i: seen.append("before"))
            module.register_forward_hook(lambda m, i, o: seen.append(torch.is_grad_enabled()))
        hooks = parts.hooks(model)
        try:
            name = bottleneck(model, torch.ones(2, 3))
        except Exception as error:
            name = f"{type(error).__name__}: {error}"
        quiet = [kind for kind in seen if kind is True]
        count = len(seen)
        with torch.no_grad():
            model[1][0](torch.ones(1))
        return {
            "name": name, "hooks": parts.hooks(model) == hooks, "others": count > 0 and len(seen) == count + 2,
            "modes": parts.modes(model) == before, "with gradients": len(quiet), "gradients on": torch.is_grad_enabled(),
        }

    fine = {"hooks": True, "others": True, "modes": True, "with gradients": 0, "gradients on": True}
    check.equal(
        "it looks without gradients, and leaves hooks, modes and the grad mode as they were",
        lambda: noted(),
        expected=lambda: {"name": "1.0"} | fine,
        advice="each register_… gives a handle; remove yours, one by one, and leave all others where they are",
    )
    check.equal(
        "where the model raises, the exception comes out and your hooks are gone all the same",
        lambda: noted(broken=True),
        expected=lambda: {"name": "RuntimeError: this layer is broken"} | fine,
        advice="which statement of Python's runs in any case?",
    )
    ### BEGIN HIDDEN TESTS
    check.equal("the same where the model itself is in eval mode", lambda: noted(training=False), expected=lambda: {"name": "1.0"} | fine)
    layer, x = parts.filled(nn.Linear(3, 2), 612), check.tensor(611, 4, 3, strided=True)
    check.unchanged("input and weights are as before", lambda: bottleneck(nn.Sequential(layer, parts.Nap(0.01)), x), x, layer.weight.detach(), layer.bias.detach())
    check.equal("no gradient is left behind, and no flag changed", lambda: [bottleneck(nn.Sequential(layer, parts.Nap(0.02)), x), layer.weight.grad is None, layer.weight.requires_grad, x.requires_grad], expected=["1", True, True, False])
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**The traveller on the bench.** Which of its leaves is it? The picture shows your answer, beside the time of each leaf
as the course measured it. Then its last layer, `scores`, is opened: a double loop over images and digits, one number at a time.

That is a bilinear form with y = 1. So your `batched_bilinear` can take the loop's place: one line changes, the
weights stay, and the answers have to be the same.
"""

# %% tags=["picture"]
finding = yours_or_ours("bottleneck", parts.bottleneck, lambda f: f(nn.Sequential(nn.ReLU(), parts.Nap(0.02)), torch.ones(1)))
spent = parts.leaf_seconds(reader, test_images[:64])
slowest = finding(reader, test_images[:64])
plot.bars(
    {name + (" (the bottleneck)" if name == slowest else ""): 1e3 * seconds for name, seconds in spent.items()},
    xlabel="milliseconds for 64 images",
    alt="Milliseconds in each leaf of the reader for 64 images: "
    + ", ".join(f"{name} {1e3 * t:.2f}" for name, t in spent.items())
    + f"; {whose('bottleneck')} bottleneck names {slowest}",
)

# %% tags=["picture"]
with torch.no_grad():
    slow_logits = reader(test_images)
    before = clock(reader, test_images[:64], 1, 5)["median"]
    reader.scores.form = bilinear  # the loop goes
    after = clock(reader, test_images[:64], 1, 5)["median"]
    print(f"64 images: {1e3 * before:.1f} ms, then {1e3 * after:.2f} ms: {before / after:.0f} times as fast as a whole")
    print(f"largest difference of a logit: {float((reader(test_images) - slow_logits).abs().max()):.1e}")

# %% [markdown]
r"""
## 11.6 Compiled

*A worked section without points.* Every operation is a trip from Python to PyTorch and back. `torch.compile` reads the bytecode of
`forward`, collects the operators that it meets into a **graph**, and hands the graph to a *backend*, which makes one
piece of code of it. Two things to know, and both can be watched: below, the backend only counts the graphs and runs them
as they are.

- Where the code leaves the graph (a decision that depends on numbers, a `print`, a call into a library that it cannot read), the graph ends and another
  begins after it: a **graph break**. It is right, and slower. The reader's look at its own features is one.
- A graph is made for what it saw. Another dtype, another attribute, another size: a **recompile**. The second size makes
  sizes free, so it stops there; one row is a special case and compiles once more.
"""

# %% tags=["picture"]
import torch._dynamo

def counted(graph, inputs):
    graphs.append(len([node for node in graph.graph.nodes if node.op.startswith("call")]))
    return graph.forward


for checked in (True, False):
    torch._dynamo.reset()
    reader.checked, graphs = checked, []
    compiled = torch.compile(reader, backend=counted)
    with torch.no_grad():
        for rows in (64, 32, 48, 1):
            before = len(graphs)
            compiled(test_images[:rows])
            print(f"features {'looked at' if checked else 'not looked at'}, {rows:2} rows: {len(graphs) - before} new graph(s)")

# %% [markdown]
r"""
With its check inside, the reader is two graphs with a piece of Python between them; without it, one. So **the check moves
to the door**, where `validate_input` stands anyway, and `reader.checked` stays `False` from here on. (An attribute like this
is exactly what export freezes in silence; here that is what we want, and we know it.)

With its default backend, `torch.compile(model)` writes C++ for the processor or Triton for a GPU. That takes some seconds
to a minute at the first call, pays off after many calls, and needs a compiler.
"""

# %% [markdown]
r"""
## 11.7 An operator of your own

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
    values = x.detach().double().numpy(force=True)  # NumPy knows no bfloat16, and rounds no better than float64
    return torch.from_numpy(np.asarray(values * np.exp(-values))).to(x)  # asarray: also where x has no axes


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
### Exercise 11.7 · `custom_op`
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
    x, gate = torch.tensor([[2.0, -1.0], [4.0, 60.0]]), torch.tensor([[0.0, 5.0], [math.log(3.0), 0.0]])
    check.close(
        "relu(x) · sigmoid(gate) worked out by hand: 4 · 3/4 = 3",
        lambda: gated_relu(x, gate),
        expected=torch.tensor([[1.0, 0.0], [3.0, 30.0]]),
    )
    check.close(
        "torch.ops.course.gated_relu is the same operator",
        lambda: torch.ops.course.gated_relu(x, gate),
        expected=torch.tensor([[1.0, 0.0], [3.0, 30.0]]),
        advice='the name in custom_op is "course::gated_relu"',
    )
    check.unchanged("x and gate are left alone", lambda: gated_relu(x, gate), x, gate)
    ### BEGIN HIDDEN TESTS
    a, b = (check.tensor(71 + i, 2, 3, 4, dtype="float64", strided=True, away_from=0.0) for i in range(2))
    check.close("three axes in float64, not contiguous", lambda: [gated_relu(a, b), torch.ops.course.gated_relu(a, b)], expected=lambda: [a.relu() * b.sigmoid()] * 2)
    far, shut = torch.tensor([90.0, -70.0, 12.0]), torch.tensor([-2.0, 3.0, 1.0])
    check.close("a large x has no upper end", lambda: gated_relu(far, shut), expected=lambda: far.relu() * shut.sigmoid())
    check.close("a batch of one, and a single axis, twice", lambda: [gated_relu(a[:1, 0], b[:1, 0]), gated_relu(a[0, 0], b[0, 0]), gated_relu(a[0, 0], b[0, 0])], expected=lambda: [a[:1, 0].relu() * b[:1, 0].sigmoid()] + [a[0, 0].relu() * b[0, 0].sigmoid()] * 2)
    check.probes("what gated_relu promises besides its numbers", lambda: lambda x, gate: gated_relu(x, gate), check.tensor(957, 4, 3, away_from=0.0), check.tensor(958, 4, 3), expected=lambda: lambda x, gate: x.relu() * gate.sigmoid())
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "custom_op__gradient", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("custom_op__gradient")
def _():
    def gradients(x, gate, upstream, which=(True, True), operator=None):
        x, gate = x.detach().clone().requires_grad_(which[0]), gate.detach().clone().requires_grad_(which[1])
        (operator or gated_relu)(x, gate).backward(upstream)
        return [t.grad for t, wanted in zip((x, gate), which) if wanted]

    x, gate, upstream = torch.tensor([6.0, 8.0, -1.0]), torch.tensor([0.0, math.log(3.0), 0.0]), torch.tensor([3.0, 5.0, 7.0])
    check.close(
        "both gradients worked out by hand: 5 · 3/4 for x, 5 · 8 · 3/4 · 1/4 for the gate",
        lambda: gradients(x, gate, upstream),
        expected=[torch.tensor([1.5, 3.75, 0.0]), torch.tensor([4.5, 7.5, 0.0])],
        advice="the derivative of s = sigmoid(gate) is s · (1 − s)",
    )
    check.close(
        "gradients of other numbers, x and gate apart",
        lambda: gradients(torch.tensor([6.0, -3.0]), torch.tensor([0.0, 0.0]), torch.tensor([1.0, -1.0])),
        expected=[torch.tensor([0.5, 0.0]), torch.tensor([1.5, 0.0])],
    )

    def with_a_call_between():
        leaves = [t.detach().clone().requires_grad_() for t in (x, gate)]
        first, given = gated_relu(*leaves), upstream.clone()
        gated_relu(leaves[0] * 0 + 1, leaves[1] * 0 + 1)
        first.backward(given)
        return [[t.grad for t in leaves], [t.detach() for t in leaves], given]

    check.close(
        "another call in between changes nothing, and backward leaves x, gate and the gradient from above alone",
        with_a_call_between,
        expected=lambda: [[torch.tensor([1.5, 3.75, 0.0]), torch.tensor([4.5, 7.5, 0.0])], [x, gate], upstream],
        advice="what backward needs is kept in ctx, and nothing of it is written to",
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
    check.equal("the fake result has the dtype of the input: float64", lambda: fake(torch.ones(2).double(), torch.ones(2).double()), expected=["FakeTensor", [2], "torch.float64", [1]])
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
    check.equal("opcheck finds nothing in float64, one axis, where x alone wants a gradient", lambda: report(5, dtype="float64", grads=(True, False)), expected=lambda: [[name, "SUCCESS", ""] for name in fine])
    check.equal("opcheck finds nothing for three axes, not contiguous, where the gate alone wants one", lambda: report(1, 3, 2, strided=True, grads=(False, True)), expected=lambda: [[name, "SUCCESS", ""] for name in fine])
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
`TORCH_LIBRARY` registers the schema and the kernel. Fake kernel and gradient would be registered from Python, as above
(`torch.library.register_fake`, `register_autograd`); here we leave them out, so this one neither exports nor trains. The first run takes some ten seconds to a
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
`AT_DISPATCH_FLOATING_TYPES` compiles the loop once for each dtype and picks one when it is called: C++ wants types while
it compiles, and a tensor's dtype is known only at run time.
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
## 11.8 A program without Python

`torch.export` runs your model once, with an example whose numbers nobody looks at, and writes down each operator it
meets. What comes out is an `ExportedProgram`: a flat list of operators, the weights, and what the input has to look like.
No class of yours, no `forward`, no `if`. It can be saved, loaded without your source, compiled, or handed to another
runtime.

Three things are fixed at that moment, and each is a classic mistake:

- the **shapes**, unless you say which may change: `dynamic_shapes` takes, for each argument, {axis: `torch.export.Dim`};
- the **mode**: dropout exported in training mode drops for ever;
- every **decision** of Python's. If it depends on the *numbers* in a tensor (`if x.sum() > 0`), export refuses it. If it
  depends on anything else (an attribute, the mode, a size that is not declared free), the branch that the example took
  is written down **in silence**, and the other one is gone. That is the dangerous case.
"""

# %% tags=["picture"]
class Decides(nn.Module):
    def __init__(self, how, flag=True):
        super().__init__()
        self.how, self.flag = how, flag

    def forward(self, x):
        return x * 2 if self.how(self, x) else x


example, free = torch.ones(2, 3), ({0: torch.export.Dim("batch", min=1)},)
for name, how, sizes in (
    ("if self.flag", lambda m, x: m.flag, free), ("if x.shape[0] > 3, size not declared", lambda m, x: x.shape[0] > 3, None),
    ("if x.shape[0] > 3, size declared free", lambda m, x: x.shape[0] > 3, free),
    ("if x.sum() > 0", lambda m, x: x.sum() > 0, free),
):
    try:
        parts.quietly_exported(Decides(how), example, sizes)
        print(f"{name:38} exported without a word")
    except Exception as error:
        print(f"{name:38} refused: {type(error).__name__}")

# %% [markdown]
r"""
You may meet an older way in other people's code: **TorchScript** (`torch.jit.trace` wrote down one run, as export does;
`torch.jit.script` compiled a subset of Python, branches included). Its files run in C++ without Python. `torch.export`
supersedes it: in this version `torch.jit.script` warns that it is deprecated and names `torch.compile` and
`torch.export`.
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
### Exercise 11.8 · `export_program`
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
    check.close("and for a single row, and for three hundred", lambda: outputs(120, "rows", (6,), (3, 1, 300)), expected=lambda: expected(120, "rows", (6,), (3, 1, 300)))
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
        return [parts.modes(model), same, torch.is_grad_enabled(), all(p.requires_grad for p in model.parameters())]

    check.equal(
        "every submodule of a half-frozen model is in its own mode again, no number and no flag has changed, gradients are on",
        lambda: left(parts.mixed(220), check.tensor(221, 3, 6)),
        expected=lambda: [parts.modes(parts.mixed(220)), True, True, True],
        advice="compare [m.training for m in model.modules()] before and after",
    )
    check.equal(
        "a model that is in eval mode throughout stays so",
        lambda: left(parts.mixed(240).eval(), check.tensor(241, 2, 6)),
        expected=lambda: [parts.modes(parts.mixed(240).eval()), True, True, True],
    )
    ### BEGIN HIDDEN TESTS
    check.equal("of images too, where the child of a child is frozen", lambda: left(parts.mixed(230, "images"), check.tensor(231, 2, 1, 6, 6)), expected=lambda: [parts.modes(parts.mixed(230, "images")), True, True, True])
    check.equal("a model in training or in eval throughout stays so", lambda: [left(parts.mixed(240).train(), check.tensor(241, 2, 6)), left(parts.mixed(240).eval(), check.tensor(241, 2, 6))], expected=lambda: [[parts.modes(parts.mixed(240).train()), True, True, True], [parts.modes(parts.mixed(240).eval()), True, True, True]])

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
**The program, drawn.** Each box is one line of the graph that your function wrote down. Your own operator of 11.7 stands in
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
**The traveller, exported.** With the check inside, `export` refuses the reader: whether a number is finite is a question to
the numbers. Without it, it goes through, and the graph has the ruler, the layers and the last form in it, one operator after the other.
"""

# %% tags=["picture"]
def exports_and_runs(f):
    layer = nn.Linear(3, 2)
    with torch.no_grad():
        layer.weight.fill_(0.5), layer.bias.fill_(1.0)
    return f(layer, torch.ones(2, 3)).module()(torch.ones(5, 3)).detach()


exporting = yours_or_ours("export_program", parts.export_program, exports_and_runs)
for checked in (True, False):
    reader.checked = checked
    try:
        with parts.no_chatter():
            traveller = exporting(reader, test_images[:4])
        operators = [str(n.target).removesuffix(".default") for n in traveller.graph.nodes if n.op == "call_function"]
        print(f"checked={checked}: exported,", ", ".join(operators))
    except Exception as error:
        print(f"checked={checked}: refused, {type(error).__name__}")

# %% [markdown]
r"""
## 11.9 A file for everybody

ONNX is a file format for such graphs, with a fixed catalogue of some two hundred operators, and there are runtimes for
it on phones, in browsers, in C#. `torch.onnx.export` goes the way of 11.8 and then translates each operator into the
catalogue's.

**Nothing of this is checked by itself.** A file that was written without an error may still hold the batch size of the
example. Today's exporter writes batch norm in its eval form whatever its mode is; a dropout in training mode, and a layer of
*yours* that asks `self.training`, are written down as they are, and drop on in the file. So the last step of an export is always the same: load the file in the *other*
runtime, put in numbers, compare. One row, many rows, not those of the example.
"""

# %% [markdown]
r"""
### Exercise 11.9 · `export_onnx`
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

    def outputs(*at, **more):
        with check.lend(export_onnx, export_program=parts.export_program):
            return parts.onnx_run(export_onnx, *at, **more)["outputs"]

    def expected(seed, kind, shape, sizes, dtype="float32", train=False):
        model = parts.mixed(seed, kind, dtype).eval()
        return [model(check.tensor(seed + 2 + n, n, *shape, dtype=dtype)).detach() for n in sizes]

    check.close(
        "onnxruntime gives what the model in eval mode gives: 4 rows, 7 rows, one row",
        lambda: outputs(300, "rows", (6,), (4, 7, 1)),
        expected=lambda: expected(300, "rows", (6,), (4, 7, 1)),
        rtol=1e-4, atol=1e-5,
        advice="print session.get_inputs()[0].shape: is the first axis a name or a number?",
    )
    ### BEGIN HIDDEN TESTS
    check.close("ONNX of images, for three, one and five", lambda: outputs(320, "images", (1, 6, 6), (3, 1, 5), train=True), expected=lambda: expected(320, "images", (1, 6, 6), (3, 1, 5)), rtol=1e-4, atol=1e-5)
    check.close("ONNX in float64, an example of two rows, three hundred later", lambda: outputs(340, "rows", (6,), (2, 300), "float64"), expected=lambda: expected(340, "rows", (6,), (2, 300), "float64"), rtol=1e-4, atol=1e-5)
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "export_onnx__left", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("export_onnx__left")
def _():
    check.needs("onnx", "onnxruntime", "onnxscript", extra="export")

    def left(*at, **more):  # of the exports of the cell above, which are not made again
        with check.lend(export_onnx, export_program=parts.export_program):
            return parts.onnx_run(export_onnx, *at, **more)["left"]

    def expected(seed, kind, shape, sizes, train=False):
        modes = parts.modes(parts.onnx_model(seed, kind, train=train))
        return [modes, True, True, [False] + [True] * 5, check.tensor(seed + 1, sizes[0], *shape)]

    check.equal(
        "after the export a half-frozen model is as it was, each submodule in its own mode, and so is the example",
        lambda: left(300, "rows", (6,), (4, 7, 1)),
        expected=lambda: expected(300, "rows", (6,), (4, 7, 1)),
        advice="compare [m.training for m in model.modules()] before and after; the exporter itself may touch them",
    )
    ### BEGIN HIDDEN TESTS
    check.equal("a model in training throughout stays in training", lambda: left(320, "images", (1, 6, 6), (3, 1, 5), train=True), expected=lambda: expected(320, "images", (1, 6, 6), (3, 1, 5), train=True))
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
**The traveller elsewhere.** The file is written once more, for the reader; then nothing of ours is left. What answers below
is onnxruntime, which knows neither `Reader` nor PyTorch. An answer that leaves the house is checked like an input that comes in
(**output validation**): are there ten logits, all finite; is the largest probability large enough to say anything? If not,
the service says that it does not know.
"""

# %% tags=["picture"]
answer = None
if parts.can_export():
    import onnxruntime

    shelf = tempfile.mkdtemp()
    onnx_file = os.path.join(shelf, "reader.onnx")
    parts.quiet(lambda: yours_or_ours("export_onnx", parts.export_onnx)(reader, test_images[:4], onnx_file))
    session = onnxruntime.InferenceSession(onnx_file, providers=["CPUExecutionProvider"])
    entrance = session.get_inputs()[0].name
    door = yours_or_ours("validate_input", parts.validate_input, lambda f: f(torch.ones(2, 3), 3))

    def answer(x, least=0.9):
        """rows of 784 pixels -> one answer a row: a digit, or None where the model is not sure"""
        logits = session.run(None, {entrance: np.atleast_2d(door(x, 784).numpy())})[0]
        if logits.shape[1:] != (10,) or not np.isfinite(logits).all():
            raise RuntimeError(f"expected ten finite logits a row, got {logits.shape}")
        share = np.exp(logits - logits.max(axis=1, keepdims=True))
        share /= share.sum(axis=1, keepdims=True)
        return [int(row.argmax()) if row.max() >= least else None for row in share]

# %% tags=["picture"]
if answer is not None:
    given = answer(test_images)
    sure = [i for i, digit in enumerate(given) if digit is not None]
    right = [given[i] == int(test_labels[i]) for i in sure]
    counts = {"right": sum(right), "wrong": len(right) - sum(right), "does not know": len(given) - len(sure)}
    plot.bars(counts, xlabel="test digits", alt="Answers of the served reader: " + ", ".join(f"{n} {c}" for n, c in counts.items()))
    noise = answer(torch.rand(200, 784, generator=torch.Generator().manual_seed(1)))
    print(f"200 images of pure noise: to {sum(digit is not None for digit in noise)} of them it gives a digit with a probability of 90 % or more")

# %% [markdown]
r"""
Noise passes the door: its numbers are finite and between 0 and 1. Whether a model is sure of it is a matter of its weights; the line
above counts yours. A large probability says how the model compares its ten answers, not whether the question made sense. And noise is
harmless beside an input made *on purpose*.
"""

# %% [markdown]
r"""
## 11.10 Inputs that mean harm

Training asks which way a *weight* should move so that the loss falls. The same backward pass says which way each *pixel*
should move so that the loss rises. Move every pixel that way by the same small amount $\varepsilon$:

$$x' = \text{clamp}\big(x + \varepsilon \cdot \text{sign}(\partial L / \partial x),\; 0,\; 1\big)$$

This is the **fast gradient sign method** (FGSM), an *adversarial attack*. No pixel changes by more than $\varepsilon$, so
people see the same digit. But all 784 changes push the same way, and in a linear layer they add up. Who ships a model tries
this on it first.
"""

# %% [markdown]
r"""
The model is attacked as it is used: in eval mode. It is somebody's model all the same, so nothing of it may be left
changed: no mode, no weight, no gradient in any `.grad`. And the caller may have frozen its parameters, or may stand inside
`torch.no_grad()`; the gradient of x is needed all the same. (`torch.autograd.grad` gives a gradient without putting it
anywhere; `torch.enable_grad` is the other switch.)
"""

# %% [markdown]
r"""
### Exercise 11.10 · `fgsm`
*difficulty 2 of 3 · 15 minutes · about 10 lines*

Write `fgsm(model, x, y, eps)`: `x` in [0, 1] of any shape (N, …), `y` int64 labels (N,), `model(x)` gives logits (N, C). Return
x + eps·sign(∂ cross-entropy/∂x), clamped to [0, 1], without a graph, of x's shape and dtype. The gradient is that of the
model in eval mode.

Afterwards every submodule's mode, and all weights, buffers, gradients and flags are as before, and so is `x`. It works where
the parameters do not require grad, and inside `torch.no_grad()`. Pixels whose gradient is nearly 0 are not compared.
"""

# %% nbgrader={"grade": false, "grade_id": "fgsm", "locked": false, "schema_version": 3, "solution": true, "task": false}
def fgsm(model, x, y, eps):
    """model, (N, ...) in [0, 1], labels (N,), a number -> (N, ...) in [0, 1]"""
    # about 10 lines
    ### BEGIN SOLUTION
    before = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.enable_grad():  # whatever the caller has switched off
            leaf = x.detach().clone().requires_grad_()
            # grad, not backward(): the parameters' .grad is somebody else's
            (slope,) = torch.autograd.grad(F.cross_entropy(model(leaf), y), leaf)
    finally:
        for module, training in before:
            module.training = training
    return (x.detach() + eps * slope.sign()).clamp(0, 1)
    ### END SOLUTION

# %%
hint("fgsm")

# %% nbgrader={"grade": true, "grade_id": "fgsm__step", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("fgsm__step")
def _():
    def plain(weight):
        layer = nn.Linear(weight.shape[1], weight.shape[0], bias=False, dtype=weight.dtype)
        layer.weight.data.copy_(weight)
        return layer

    weight = torch.tensor([[1.0, -1.0], [-1.0, 1.0]])
    x, y = torch.tensor([[0.5, 0.5], [0.75, 0.5]]), torch.tensor([0, 1])
    check.close(
        "away from the label: for label 0 the first pixel falls and the second rises, for label 1 the other way",
        lambda: fgsm(plain(weight), x, y, 0.125),
        expected=torch.tensor([[0.375, 0.625], [0.875, 0.375]]),
        advice="the loss is to rise: which sign has the step, and whose label counts?",
    )
    check.close(
        "pixels stay in [0, 1]",
        lambda: fgsm(plain(weight), torch.tensor([[0.0625, 0.9375]]), torch.tensor([0]), 0.125),
        expected=torch.tensor([[0.0, 1.0]]),
    )
    check.equal("what comes back has no graph", lambda: [fgsm(plain(weight), x, y, 0.125).requires_grad, list(fgsm(plain(weight), x, y, 0.125).shape)], expected=[False, [2, 2]])
    ### BEGIN HIDDEN TESTS
    def expected(model, x, y, eps):
        leaf = x.detach().clone().requires_grad_()
        with torch.enable_grad():
            slope = torch.autograd.grad(F.cross_entropy(model.eval()(leaf), y), leaf)[0]
        return (x.detach() + eps * slope.sign()).clamp(0, 1)

    for number, (n, size, classes, dtype, eps) in enumerate([(5, 12, 4, "float64", 0.1), (1, 7, 3, "float32", 0.03), (4, 6, 2, "float64", 1.5)]):
        heavy = check.tensor(620 + number, classes, size, dtype=dtype)
        at = check.tensor(630 + number, n, size, dtype=dtype, strided=True).abs().clamp(max=1)
        labels = torch.from_numpy(check.integers(640 + number, 0, classes, n))
        check.close(
            f"{n} rows of {size} pixels, {classes} classes, eps {eps}, in {dtype}",
            lambda heavy=heavy, at=at, labels=labels, eps=eps: fgsm(plain(heavy), at, labels, eps),
            expected=lambda: expected(plain(heavy), at, labels, eps),
        )
    images = check.tensor(651, 3, 1, 6, 6, dtype="float64").abs().clamp(max=1)
    check.close("images, through a convolution and a batch norm in training mode", lambda: fgsm(parts.mixed(652, "images", "float64").train(), images, torch.tensor([3, 0, 2]), 0.07), expected=lambda: expected(parts.mixed(652, "images", "float64"), images, torch.tensor([3, 0, 2]), 0.07))
    check.probes("what fgsm promises besides its numbers", lambda: lambda at: fgsm(plain(heavy.to(at.dtype)), at, torch.tensor([0, 1, 1, 0])[: len(at)], 0.1), check.tensor(956, 4, 6).abs().clamp(max=1), rtol=1e-4, atol=1e-5, expected=lambda: lambda at: expected(plain(heavy.to(at.dtype)), at, torch.tensor([0, 1, 1, 0])[: len(at)], 0.1))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "fgsm__left", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
@check.cell("fgsm__left")
def _():
    y = torch.tensor([2, 0, 1])

    def left(prepare=lambda model, x: None, kind="rows", shape=(6,)):
        model, x = parts.mixed(660, kind, "float64"), 0.2 + 0.6 * check.tensor(661, 3, *shape, dtype="float64").abs().clamp(max=1)
        next(model.parameters()).grad = torch.ones_like(next(model.parameters()))
        prepare(model, x)
        state = {name: value.clone() for name, value in model.state_dict().items()}
        flags, first, own = [p.requires_grad for p in model.parameters()], x.detach().clone(), x.requires_grad
        moved = fgsm(model, x, y, 0.1)
        grads = [p.grad is None or bool((p.grad == 1).all()) for p in model.parameters()]
        return {
            "moved": moved, "modes": parts.modes(model), "flags": [p.requires_grad for p in model.parameters()] == flags,
            "weights and buffers": all(torch.equal(v, model.state_dict()[k]) for k, v in state.items()),
            "gradients": all(grads) and next(model.parameters()).grad is not None,
            "no graph": not moved.requires_grad, "x": torch.equal(x, first), "its own gradient": x.requires_grad == own and x.grad is None, "gradients on": torch.is_grad_enabled(),
        }

    def expected(kind="rows", shape=(6,)):
        model, x = parts.mixed(660, kind, "float64").eval(), 0.2 + 0.6 * check.tensor(661, 3, *shape, dtype="float64").abs().clamp(max=1)
        leaf = x.clone().requires_grad_()
        slope = torch.autograd.grad(F.cross_entropy(model(leaf), y), leaf)[0]
        same = ("flags", "weights and buffers", "gradients", "no graph", "x", "its own gradient", "gradients on")
        modes = parts.modes(parts.mixed(660, kind, "float64"))
        return {"moved": (x + 0.1 * slope.sign()).clamp(0, 1), "modes": modes} | dict.fromkeys(same, True)

    check.close(
        "a model with dropout and batch norm is attacked in eval mode, and left with its modes, weights, gradients and flags",
        lambda: left(),
        expected=lambda: expected(),
        advice="which call gives a gradient without adding it to anybody's .grad? And whose modes were which before?",
    )
    check.close("parameters that do not require grad are no obstacle", lambda: left(lambda model, x: model.requires_grad_(False)), expected=lambda: expected())

    def switched_off():
        with torch.no_grad():
            return left() | {"gradients on": not torch.is_grad_enabled()}

    check.close("inside torch.no_grad() it works too, and gradients are off afterwards as before", switched_off, expected=lambda: expected(), advice="torch.enable_grad() is a block as well")
    ### BEGIN HIDDEN TESTS
    check.close("images are attacked the same way, and their model is left as it was", lambda: left(kind="images", shape=(1, 6, 6)), expected=lambda: expected("images", (1, 6, 6)))
    check.close("an x that asks for a gradient itself is left as it is", lambda: left(lambda model, x: x.requires_grad_()), expected=lambda: expected())

    def after_an_error():
        model = nn.Sequential(nn.Dropout(0.5), parts.Breaks()).train()
        try:
            fgsm(model, torch.ones(1, 2), torch.tensor([0]), 0.1)
        except Exception as error:
            return [type(error).__name__, parts.modes(model)]
        return ["nothing was raised", parts.modes(model)]

    check.equal("where the model raises, the modes are as before", after_an_error, expected=["RuntimeError", [True, True, True]])
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**The traveller under attack.** Share of test digits right, against ε. (The dashed line moves each pixel by the same ε, up or
down at random: it is not the size of the change that hurts, it is its direction.) Below, five digits at ε = 0.05.
"""

# %% tags=["picture"]
def attacks(f):
    layer = nn.Linear(2, 2, bias=False)
    layer.weight.data.copy_(torch.tensor([[1.0, -1.0], [-1.0, 1.0]]))
    return f(layer, torch.tensor([[0.5, 0.5]]), torch.tensor([0]), 0.125)


attack, sizes = yours_or_ours("fgsm", parts.fgsm, attacks), (0.0, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1)
coin = torch.randn(test_images.shape, generator=torch.Generator().manual_seed(2)).sign()


def share_right(x):
    with torch.no_grad():
        return 100 * float((reader(x).argmax(dim=1) == test_labels).float().mean())


harmed = [share_right(attack(reader, test_images, test_labels, eps)) for eps in sizes]
shaken = [share_right((test_images + eps * coin).clamp(0, 1)) for eps in sizes]
plot.curves(
    {"FGSM": (sizes, harmed), "a random sign": (sizes, shaken)}, xlabel="eps", ylabel="% of test digits right",
    alt="Share of test digits right by eps: " + "; ".join(f"{e:g}: FGSM {h:.0f} %, random {r:.0f} %" for e, h, r in zip(sizes, harmed, shaken)),
)

# %% tags=["picture"]
made = attack(reader, test_images[:5], test_labels[:5], 0.05)
both = torch.cat([test_images[:5], made]).reshape(-1, 28, 28)
with torch.no_grad():
    plot.images(both, labels=test_labels[:5].repeat(2), predictions=reader(both.flatten(1)).argmax(dim=1), columns=5)
passed = door(made, 784) if answer is not None else made  # finite, 784 numbers a row: the door lets all of them pass

# %% [markdown]
r"""
The door cannot help: each of these inputs is one that a camera might have taken. What helps is in the training (attack each
batch and learn from that, *adversarial training*), in the product (do not let one answer decide alone), and in knowing the
curve above before others do.
"""

# %% [markdown]
r"""
## 11.11 What you ship, and what you open

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
**Three rules for files.** Load with `weights_only=True` (the default since PyTorch 2.6): it builds tensors, numbers and plain
containers, and calls only functions on a short list, which are there to rebuild tensors. Never unpickle what you did not
write. And a checkpoint is numbers only: not the model object, not the optimizer object, but their `state_dict`s.

A file also has to say *what it is*. In a year you will find `model_final2.pt` and wonder for which class, for how many
features, trained with what. So an artefact carries a format version, the sizes that rebuild the model, and the versions
it was made with. The loader looks at all that **before** it touches a weight.
"""

# %% [markdown]
r"""
**A format that cannot do harm.** *safetensors* stores weights without pickle: eight bytes with the length of a header, the
header (JSON: name, dtype, shape, place), and then the bytes of all tensors. There is nothing in it that could be called. It is
so simple that we write and read it by hand here; in real work use the package `safetensors`, which reads this file too.

And **is it the file that I mean?** A *hash* such as SHA-256 is a fingerprint of bytes: change one, swap two, and it is another.
It is worth something only if you have it from elsewhere than the file (a lock file, a signature): whoever can change the
weights can change a hash that lies beside them.
"""

# %% tags=["picture"]
import hashlib
import json


def as_safetensors(weights, about):
    header, blob = {"__metadata__": about}, b""
    for name, value in weights.items():
        own = value.detach().contiguous().numpy().tobytes()
        header[name] = {"dtype": "F32", "shape": list(value.shape), "data_offsets": [len(blob), len(blob) + len(own)]}
        blob += own
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + blob


def from_safetensors(content):
    length = int.from_bytes(content[:8], "little")
    header, blob = json.loads(content[8 : 8 + length]), content[8 + length :]
    about, weights = header.pop("__metadata__"), {}
    for name, held in header.items():
        start, end = held["data_offsets"]
        weights[name] = torch.frombuffer(bytearray(blob[start:end]), dtype=torch.float32).reshape(held["shape"])
    return about, weights


# %% tags=["picture"]
def load_artefact(content, fingerprint):
    if hashlib.sha256(content).hexdigest() != fingerprint:
        raise ValueError("these are not the bytes that were released")
    about, weights = from_safetensors(content)
    if about.get("format") != "2":
        raise ValueError(f"expected an artefact of format 2, got {about.get('format')!r}")
    model = readers.Reader()
    model.load_state_dict(weights)  # strict: a missing or a spare name raises; the ruler is in there too
    model.checked, model.scores.form = False, bilinear
    return model.eval()


about = {"format": "2", "model": "Reader", "made_with": torch.__version__.split("+")[0]}
released = as_safetensors(reader.state_dict(), about)
known = hashlib.sha256(released).hexdigest()  # goes into the release notes, not into the file
print(f"{len(released):,} bytes, SHA-256 {known[:16]}...")
with torch.no_grad():
    print("loaded, the same answers:", torch.equal(load_artefact(released, known)(test_images), reader(test_images)))
swapped = dict(reader.state_dict())
swapped["first.weight"] = swapped["first.weight"][torch.randperm(256)]  # the same numbers in another order
for name, content in (("rows shuffled", as_safetensors(swapped, about)), ("cut short", released[:-1])):
    try:
        load_artefact(content, known)
    except ValueError as error:
        print(f"{name}: ValueError: {error}")

# %% [markdown]
r"""
A sum of all weights would have missed the shuffled rows; the fingerprint does not.

Now the door, the clock and the file together, as a service would use them. Eight visitors come, some of them hostile.
"""

# %% tags=["picture"]
served, door = load_artefact(released, known), yours_or_ours("validate_input", parts.validate_input, lambda f: f(torch.ones(2, 3), 3))
visitors = [
    test_images[:3], [1, 2], torch.rand(2, 785), torch.full((1, 784), float("inf")), test_images[0],
    test_images[:2].byte(), test_images[:40], None,
]  # fmt: skip
counts = {"answered": 0, "TypeError": 0, "ValueError": 0, "a crash further in": 0}
for visitor in visitors:
    try:
        x = door(visitor, 784)
    except (TypeError, ValueError) as error:
        counts[type(error).__name__] += 1
        continue
    try:
        clock(served, torch.atleast_2d(x), warmup=0, repeats=1)  # one row becomes a batch of one
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
| `bottleneck` | `torch.profiler` | measure where, then change one thing |
| `gated_relu` | every operator of `torch.ops` | schema, kernel, fake kernel, gradient |
| `export_program` | `torch.export` | a flat graph with free sizes; leave the model as you found it |
| `export_onnx` | `torch.onnx` | a file for others, believed only after it ran elsewhere |
| `fgsm` | the attacks of every robustness library | the gradient of an input; attack your own model first |

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
  `torch/_weights_only_unpickler.py` is short, and lists what a file may build. `aten/src/ATen/native/cpu/FlashAttentionKernel.cpp`
  is the tiled attention that you wrote, for processors; `aten/src/ATen/native/transformers/cuda/` holds the way to the GPU's.
- *Further:* Milakov and Gimelshein, *Online normalizer calculation for softmax* (2018); Dao and others, *FlashAttention*
  (2022); the PyTorch pages on custom operators and on `torch.export`; the ONNX operator catalogue.
- *Try:* give `tiled_attention` a causal mask that skips the blocks that are all in the future, and draw the time saved.
"""
