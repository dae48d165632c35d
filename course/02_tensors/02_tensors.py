# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
r"""
# 2 · The same arrays, on any device

Chapter 1 ended with a network that learns, on one kind of processor, in memory that no graphics card can
reach. By the end of this notebook the same network runs on *tensors*, and the code does not say
where: the same lines work on a laptop and on a graphics card.

On the way you open a tensor and find out what it is: a plain row of numbers, and three small facts that say
how to walk along it. Nearly every surprise PyTorch has in store for you starts there.
"""

# %% tags=["setup"] nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import time

import numpy as np
import torch

from layer_by_layer import parts
from layer_by_layer.instruments import elsewhere, stand_in, work
from lessonkit import check, plot
from lessonkit.hints import hint

# %% tags=["picture"]
nodes = {"x": "x\n(64, 1000)", "w1": "w1\n(1000, 100)", "w2": "w2\n(100, 10)", "y": "y\n(64, 10)"}
nodes |= {"h": "h = x @ w1\n(64, 100)", "a": "a\nReLU", "y_pred": "a @ w2\n(64, 10)", "loss": "loss\n()"}
plot.graph(
    nodes,
    [pair.split() for pair in ("x h", "w1 h", "h a", "a y_pred", "w2 y_pred", "y_pred loss", "y loss")],
    mark=("w1", "w2"),
    alt="The running example as a graph: x (64, 1000) and w1 (1000, 100) give h, the ReLU of h and w2 "
    "(100, 10) give the prediction (64, 10), which meets y in the loss; the two weights are marked because "
    "they learn",
)

# %% [markdown]
r"""
**What hurt in chapter 1.** One step for 64 examples is five matrix products, and the cell below counts their
multiplications. A graphics card has thousands of small cores that would share them out, and they had nothing
to do: NumPy arrays cannot go there.

**What this chapter replaces.** Arrays tied to one kind of memory, by tensors that carry their *device* with
them. What stays by hand: every gradient. That is chapter 3.

*Needs: chapter 1, and NumPy indexing. Eight exercises, about two hours: 83 minutes for the exercises, the rest
for reading. No graphics card.*
"""

# %%
N, D, H, C = 64, 1000, 100, 10
forward, backward = N * D * H + N * H * C, N * D * H + 2 * N * H * C
print(f"multiplications in one step: {forward:,} forward, {backward:,} backward")

# %% [markdown]
r"""
**What you bring along.** Four questions on chapter 1. Type your answers into the list, then run. They carry no
points and nobody keeps them.

1. `grad_out` is (64, 10) and `x` is (64, 100). What is the shape of the gradient of the weights?
2. `h` is [−1, 2] and the upstream gradient [5, 7]. What gets through the ReLU?
3. Two rows of `grad_out`: [1, 2] and [3, 4]. What is the gradient of the bias?
4. What is the gradient of (y_pred − 1)² at y_pred = 3?
"""

# %%
yours = ["?", "?", "?", "?"]  # your four answers; then run
found = [
    (np.ones((64, 100)).T @ np.ones((64, 10))).shape,
    np.array([5, 7]) * (np.array([-1, 2]) > 0),
    np.array([[1, 2], [3, 4]]).sum(axis=0),
    2 * (3 - 1),
]
for number, (said, worked_out) in enumerate(zip(yours, found, strict=True), 1):
    print(f"{number}. you said {said}; it is {worked_out}")

# %% [markdown]
r"""
## 2.1 From arrays to tensors

A tensor looks like a NumPy array, and most of what you know carries over: shapes, slices, `@`, `.T`,
`.sum()`. A few names are different, and one default is:

| NumPy | torch | what to know |
|---|---|---|
| `np.array([1.0])` is float64 | `torch.tensor([1.0])` is **float32** | half the memory, often twice the speed |
| `axis=0`, `keepdims=True` | `dim=0`, `keepdim=True` | |
| `np.maximum(h, 0)` | `h.clamp(min=0)` | torch's `maximum` wants two tensors |
| `x.copy()` | `x.clone()` | |
| `float(total)` | `total.item()` | a number without axes is still a tensor |
"""

# %%
x = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
print(x.shape, x.dtype, x.device)
print(x.sum(), "has shape", x.sum().shape, "and holds the Python number", x.sum().item())

# %% [markdown]
r"""
The third thing in that first line is new: `x.device`. Every tensor lives somewhere. An operation runs where
its operands are, leaves its result there, and refuses operands from two places. (One exception: a CPU tensor
without axes, a single number, may join operands anywhere.)

You may not have a second device, so this course brings one that only pretends. It works like a graphics
card in everything but speed; torch knows it by the name `lazy`.
"""

# %%
with elsewhere.device() as away:
    there = torch.ones(2, 3, device=away)
    print("two operands on", there.device, "give a result on", (there @ there.T).device)
    try:
        there + torch.ones(2, 3)
    except RuntimeError as error:
        print("and mixing fails:", error)

# %% [markdown]
r"""
So how do you write code that runs on *any* device? **Never name one.** Take it from what you were given:

- results of operations on `x` are where `x` is, and in its dtype, without a word from you;
- a new tensor "like x": `torch.zeros_like(x)`, `x.new_zeros(3)`, `torch.zeros(3, device=x.device,
  dtype=x.dtype)`;
- `torch.zeros(3)` alone lives on the CPU in float32. It works on your machine, and breaks on the next one.
"""

# %% [markdown]
r"""
**What the other device costs.** Two things, and both decide how programs are written.

*The way there.* `x.to("cuda")` copies every byte through a connection that is far slower than the memory at
either end. So weights are moved once, and stay; a batch travels one way, once; and what is only printed does
not travel after every step.

*The waiting.* A graphics card works **asynchronously**: a call such as `x @ w` puts the work into a queue and
returns at once, before anything is computed, and Python goes on to the next line. That is good: the card
always has something to do. Until a line needs the *number*: `loss.item()`, `print(loss)`, `if loss > 1`. There
Python has to wait until everything in the queue is done, and meanwhile nobody fills it. Keep totals as tensors,
and ask for numbers now and then.
"""

# %%
batch, weights = torch.zeros(64, 1000), torch.zeros(1000, 100)
for name, tensor in {"a batch": batch, "the first weights": weights}.items():
    print(f"{name}: {tensor.numel() * tensor.element_size():,} bytes to carry")

# %% [markdown]
r"""
### Exercise 2.1 · `tensor_loss_and_grads`
*difficulty 1 of 3 · 12 minutes · about 9 lines*

Write `tensor_loss_and_grads(x, y, w1, w2)` → `(loss, grad_w1, grad_w2)`: chapter 1's `loss_and_grads` on
tensors, by hand. `x` (N, D), `y` (N, C), `w1` (D, H), `w2` (H, C); `h = x @ w1`, ReLU, `y_pred = · @ w2`,
and the loss is the **sum** of squared errors, now a tensor without axes. All three results are on the
inputs' device and in their dtype. Raise `ValueError` where the shapes of prediction and `y` differ. Leave
the inputs as they are.

*Not allowed:* autograd (`.backward()`, `torch.autograd`, `torch.func`) and NumPy. `torch.no_grad` is fine.
"""


# %% nbgrader={"grade": false, "grade_id": "tensor_loss_and_grads", "locked": false, "schema_version": 3, "solution": true, "task": false}
def tensor_loss_and_grads(x, y, w1, w2):
    """(N, D), (N, C), (D, H), (H, C) -> (loss: (), grad_w1: (D, H), grad_w2: (H, C))"""
    h = x @ w1  # (N, H): the matrix product is written as in NumPy
    # about 8 lines, chapter 1's, one after the other:
    # 1. a: h with 0 in place of what is negative. NumPy's maximum(h, 0) is h.clamp(min=0) here
    # 2. y_pred, and ValueError where its shape is not y's
    # 3. the difference, and 2 · difference: the gradient of y_pred
    # 4. grad_w2, then back through w2 and the ReLU's mask, then grad_w1
    # 5. the loss: .sum() of the squares stays a tensor, of no axes
    ### BEGIN SOLUTION
    a = h.clamp(min=0)  # clamp takes a plain number, so nothing new has to be put on a device
    y_pred = a @ w2  # (N, C)
    if y_pred.shape != y.shape:
        raise ValueError(f"the network gives {tuple(y_pred.shape)}, y has shape {tuple(y.shape)}")
    difference = y_pred - y

    grad_y_pred = 2 * difference
    grad_w2 = a.T @ grad_y_pred
    grad_h = (grad_y_pred @ w2.T) * (h > 0)
    return (difference**2).sum(), x.T @ grad_h, grad_w2
    ### END SOLUTION


# %%
hint("tensor_loss_and_grads")


# %% nbgrader={"grade": true, "grade_id": "tensor_loss_and_grads__by_hand", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("tensor_loss_and_grads__by_hand")
def _():
    x, y = torch.tensor([[1.0, 2.0], [-1.0, 1.0]]), torch.tensor([[2.0], [1.0]])
    w1, w2 = torch.tensor([[1.0, 0.0, -1.0], [0.0, 1.0, 1.0]]), torch.tensor([[1.0], [-1.0], [2.0]])
    check.close(
        "errors of -1 and 2 give a loss of 5",
        lambda: tensor_loss_and_grads(x, y, w1, w2)[0],
        expected=torch.tensor(5.0),
        advice="print h, a and y_pred, two rows each, and compare with a sheet of paper",
    )
    check.close(
        "the gradient of w2 has the shape of w2",
        lambda: tensor_loss_and_grads(x, y, w1, w2)[2],
        expected=torch.tensor([[-2.0], [0.0], [6.0]]),
        advice="which two tensors meet in w2, and which of them has to be turned around?",
    )
    check.close(
        "the gradient of w1 stops where h was negative",
        lambda: tensor_loss_and_grads(x, y, w1, w2)[1],
        expected=torch.tensor([[-2.0, 6.0, -12.0], [-4.0, 0.0, 0.0]]),
        advice="the second example has a negative h in column 0: what may pass there?",
    )
    ### BEGIN HIDDEN TESTS
    shapes = (6, 5), (6, 3), (5, 4), (4, 3)
    x, y, w1, w2 = [check.tensor(101 + i, *shape) for i, shape in enumerate(shapes)]

    check.close(
        "any network of two layers",
        lambda: tensor_loss_and_grads(x, y, w1, w2),
        expected=lambda: parts.tensor_loss_and_grads(x, y, w1, w2),
        atol=1e-4,
    )
    check.close(
        "the same again when called again",
        lambda: [tensor_loss_and_grads(x, y, w1, w2) for _ in range(2)][1],
        expected=lambda: parts.tensor_loss_and_grads(x, y, w1, w2),
        atol=1e-4,
    )
    check.probes("what tensor_loss_and_grads promises besides its numbers", lambda: lambda x, y: tensor_loss_and_grads(x, y, w1.to(x.dtype), w2.to(x.dtype)), check.tensor(961, 6, 5), check.tensor(962, 6, 3), rtol=1e-4, atol=1e-4, expected=lambda: lambda x, y: parts.tensor_loss_and_grads(x, y, w1.to(x.dtype), w2.to(x.dtype)))
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "tensor_loss_and_grads__anywhere", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("tensor_loss_and_grads__anywhere")
def _():
    x, y = check.tensor(105, 3, 4, dtype="float64"), check.tensor(106, 3, 2, dtype="float64")
    w1, w2 = check.tensor(107, 4, 5, dtype="float64"), check.tensor(108, 5, 2, dtype="float64")
    check.equal(
        "float64 in, float64 out, and a loss without axes",
        lambda: [(str(r.dtype), list(r.shape)) for r in tensor_loss_and_grads(x, y, w1, w2)],
        expected=[("torch.float64", []), ("torch.float64", [4, 5]), ("torch.float64", [5, 2])],
        advice="does any line make a tensor of its own, with a dtype of its own?",
    )

    def there(dtype):
        with elsewhere.device() as away:
            results = tensor_loss_and_grads(*[t.to(dtype).to(away) for t in (x, y, w1, w2)])
            return [(r.device.type, str(r.dtype)) for r in results], [elsewhere.fetch(r) for r in results]

    check.equal(
        "inputs on another device: all three results are there too",
        lambda: there(torch.float32)[0],
        expected=[("lazy", "torch.float32")] * 3,
        advice="look for a tensor you make yourself: where does it live?",
    )
    ### BEGIN HIDDEN TESTS
    check.close(
        "the values in float64",
        lambda: tensor_loss_and_grads(x, y, w1, w2),
        expected=lambda: parts.tensor_loss_and_grads(x, y, w1, w2),
    )
    check.close(
        "the values on another device",
        lambda: there(torch.float64)[1],
        expected=lambda: parts.tensor_loss_and_grads(x, y, w1, w2),
    )
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "tensor_loss_and_grads__care", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("tensor_loss_and_grads__care")
def _():
    shapes = (1, 3), (1, 2), (3, 4), (4, 2)
    x, y, w1, w2 = [check.tensor(111 + i, *shape) for i, shape in enumerate(shapes)]
    check.equal(
        "a batch of one: shapes of the loss and of both gradients",
        lambda: [list(r.shape) for r in tensor_loss_and_grads(x, y, w1, w2)],
        expected=[[], [3, 4], [4, 2]],
    )
    check.unchanged(
        "data and weights stay as they are", lambda: tensor_loss_and_grads(x, y, w1, w2), x, y, w1, w2
    )
    check.raises(
        "targets that only fit by stretching raise ValueError",
        lambda: tensor_loss_and_grads(x, y[:, :1], w1, w2),
        ValueError,
        advice="compare the two shapes before you subtract",
    )

    ### BEGIN HIDDEN TESTS
    def untracked(*arguments):
        with torch.inference_mode():
            return tensor_loss_and_grads(*arguments)

    def switch_afterwards(*arguments):
        with torch.enable_grad():
            results = tensor_loss_and_grads(*arguments)
            return [*results, torch.is_grad_enabled()]

    shapes = (4, 3), (4, 2), (3, 4), (4, 2)
    strided = [check.tensor(115 + i, *shape, strided=True) for i, shape in enumerate(shapes)]
    check.raises(
        "targets without an axis raise ValueError",
        lambda: tensor_loss_and_grads(strided[0], strided[1][0], *strided[2:]),
        ValueError,
    )
    check.close(
        "the values of a batch of one",
        lambda: tensor_loss_and_grads(x, y, w1, w2),
        expected=lambda: parts.tensor_loss_and_grads(x, y, w1, w2),
        atol=1e-4,
    )
    check.close(
        "non-contiguous data and weights",
        lambda: tensor_loss_and_grads(*strided),
        expected=lambda: parts.tensor_loss_and_grads(*strided),
        atol=1e-4,
    )
    check.unchanged("non-contiguous data stay as they are", lambda: tensor_loss_and_grads(*strided), *strided)
    check.close(
        "no gradient has to be tracked for it",
        lambda: untracked(*strided),
        expected=lambda: parts.tensor_loss_and_grads(*strided),
        atol=1e-4,
    )
    check.close(
        "whether gradients are tracked is as it was",
        lambda: switch_afterwards(*strided),
        expected=lambda: [*parts.tensor_loss_and_grads(*strided), True],
        atol=1e-4,
    )
    ### END HIDDEN TESTS


# %% [markdown]
r"""
**The same curve as in chapter 1?** Below, 200 steps with your function in float32, and the same 200 steps in
NumPy, chapter 1's formulas in float64. Two lines that lie on each other; the printed digits tell them apart.
"""

# %% tags=["picture"]
tiny = [torch.full(shape, 0.5) for shape in ((2, 3), (2, 1), (3, 2), (2, 1))]
step = stand_in.yours_or_ours("tensor_loss_and_grads", parts.tensor_loss_and_grads, lambda f: f(*tiny))
source = torch.Generator().manual_seed(0)
data_x, data_y, w1, w2 = (
    torch.randn(shape, generator=source) for shape in ((64, 1000), (64, 10), (1000, 100), (100, 10))
)
xn, yn, v1, v2 = (t.double().numpy() for t in (data_x, data_y, w1, w2))
tensors, arrays = [], []
for _ in range(200):
    loss, grad_w1, grad_w2 = step(data_x, data_y, w1, w2)
    w1, w2 = w1 - 1e-6 * grad_w1, w2 - 1e-6 * grad_w2
    tensors.append(float(loss))
    h = xn @ v1
    error = np.maximum(h, 0) @ v2 - yn
    grad_v1, grad_v2 = xn.T @ (2 * error @ v2.T * (h > 0)), np.maximum(h, 0).T @ (2 * error)
    v1, v2 = v1 - 1e-6 * grad_v1, v2 - 1e-6 * grad_v2
    arrays.append(float((error**2).sum()))
gap = max(abs(one - other) / other for one, other in zip(tensors, arrays, strict=True))

# %% tags=["picture"]
print(f"last loss in float32: {tensors[-1]:.9f}, in float64: {arrays[-1]:.9f}; largest relative gap {gap:.1e}")
plot.curves(
    {f"{stand_in.whose('tensor_loss_and_grads')} tensors, float32": tensors, "NumPy arrays, float64": arrays},
    ylabel="sum of squared errors",
    log=True,
    alt=f"Two loss curves over 200 steps that lie on each other: tensors go from {tensors[0]:.6g} "
    f"to {tensors[-1]:.6g}, NumPy's from {arrays[0]:.6g} to {arrays[-1]:.6g}; they differ by at most {gap:.1e}",
)

# %% [markdown]
r"""
## 2.2 What kind of number

Every tensor holds one kind of number, its *dtype*. The choice is a bargain between digits and bytes:

| dtype | bytes | digits | used for |
|---|---|---|---|
| `float64` | 8 | about 16 | checking gradients |
| `float32` | 4 | about 7 | the default, weights and data |
| `float16`, `bfloat16` | 2 | about 3 and 2 | large networks on graphics cards |
| `int64` | 8 | whole numbers | labels and indices |
| `bool` | 1 | True, False | masks |
"""

# %%
whole, single, double = (
    torch.tensor([1, 2]),
    torch.tensor([1.0, 2.0]),
    torch.tensor([1.0, 2.0], dtype=torch.float64),
)
print("int64 + float32         ->", (whole + single).dtype)
print("float32 + float64       ->", (single + double).dtype)
print("float32 + a number 0.1  ->", (single + 0.1).dtype)
print("int64 / int64           ->", (whole / whole).dtype)
print("float32 > 1, summed     ->", (single > 1).dtype, (single > 1).sum().dtype)
print("float32 + 0-dim float64 ->", (single + torch.tensor(0.1, dtype=torch.float64)).dtype)
print("float16 + bfloat16      ->", (single.half() + single.bfloat16()).dtype)
print("uint8 + int8            ->", (whole.to(torch.uint8) + whole.to(torch.int8)).dtype)

# %% [markdown]
r"""
Where two dtypes meet (*type promotion*), and the operation does not say otherwise, the higher **kind** wins: bool, then whole, then floating. Within a
kind, the result is the smallest dtype that holds both: usually the larger of the two, and a third one where
neither holds the other, as in the last two lines. A Python number, and a tensor **without axes** beside one
that has some, bring their kind only and never their size: `single + 0.1` stays float32, and so does the sum
with the 0-dim float64. Two operations do say otherwise: `/` always
gives a floating dtype, and a sum of bools or whole numbers is int64. Assigning **into** a tensor is the other way
round: it keeps its dtype, and the value is converted.

How many digits are enough? Add 0.1 again and again. The short formats first drift off, because every sum is
rounded to a number they have, and then stop growing: the next one is too far away for 0.1 to reach.
"""

# %% tags=["picture"]
totals = {}
for name in ("float32", "float16", "bfloat16"):
    total, seen = torch.zeros((), dtype=getattr(torch, name)), []
    for step in range(3000):
        total = total + torch.tensor(0.1, dtype=total.dtype)
        seen.append(total.item())
    totals[name] = seen
ends = ", ".join(f"{name} ends at {seen[-1]:.6g}" for name, seen in totals.items())
plot.curves(
    totals,
    xlabel="how often 0.1 was added",
    ylabel="total",
    alt=f"0.1 added 3000 times, which should give 300: {ends}",
)

# %% [markdown]
r"""
**Labels are whole numbers, networks want floating ones.** The usual bridge is the *one-hot* code: class 2
of 4 becomes `[0, 0, 1, 0]`. You will need it whenever a label has to take part in arithmetic.

Two traps. An index of −1 is not an error in Python: it quietly means *the last one*. And a table of zeros
and ones made of whole numbers is int64 unless somebody says otherwise.
"""

# %% [markdown]
r"""
### Exercise 2.2 · `one_hot`
*difficulty 1 of 3 · 10 minutes · about 5 lines*

Write `one_hot(labels, num_classes)`: int64 `labels` of **any** shape, also without axes → a float32 tensor
of shape `labels.shape + (num_classes,)`, 1 at each label and 0 elsewhere. Raise `ValueError` where any
label is outside 0 … `num_classes` − 1. Leave `labels` as they are.

*Not allowed:* `torch.nn.functional.one_hot`.
"""


# %% nbgrader={"grade": false, "grade_id": "one_hot", "locked": false, "schema_version": 3, "solution": true, "task": false}
def one_hot(labels, num_classes):
    """int64 labels of any shape -> float32, labels.shape + (num_classes,)"""
    # about 5 lines:
    # 1. refuse labels outside 0 … num_classes - 1: a comparison gives a bool tensor, .any() asks it
    # 2. compare the labels with all classes at once: (..., 1) with (num_classes,)
    # 3. True and False become 1.0 and 0.0
    ### BEGIN SOLUTION
    if bool(((labels < 0) | (labels >= num_classes)).any()):
        raise ValueError(f"labels have to lie in 0 … {num_classes - 1}")
    # (..., 1) compared with (num_classes,): every label meets every class, whatever axes come before
    classes = torch.arange(num_classes, device=labels.device)
    return (labels.unsqueeze(-1) == classes).to(torch.float32)
    ### END SOLUTION


# %%
hint("one_hot")


# %% nbgrader={"grade": true, "grade_id": "one_hot__values", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("one_hot__values")
def _():
    check.equal(
        "three labels, four classes of which one does not occur, float32",
        lambda: one_hot(torch.tensor([2, 0, 1]), 4),
        expected=torch.tensor([[0.0, 0, 1, 0], [1, 0, 0, 0], [0, 1, 0, 0]]),
        advice="print the dtype and the shape of what you return",
    )
    check.equal(
        "labels of two axes, here a transpose, get a third one",
        lambda: one_hot(torch.tensor([[1, 1], [0, 2]]).T, 3),
        expected=torch.tensor([[[0.0, 1, 0], [1, 0, 0]], [[0, 1, 0], [0, 0, 1]]]),
        advice="the new axis comes last; how many axes come before it is not for you to know",
    )

    ### BEGIN HIDDEN TESTS
    def expected(labels, n):
        return torch.nn.functional.one_hot(labels, n).float()

    labels = check.integers(121, 0, 5, 3, 2, 4, kind="torch")
    check.equal("labels of three axes", lambda: one_hot(labels, 5), expected=lambda: expected(labels, 5))
    check.equal(
        "non-contiguous labels",
        lambda: one_hot(labels.transpose(0, 2), 7),
        expected=lambda: expected(labels.transpose(0, 2), 7),
    )
    check.equal(
        "one label without axes",
        lambda: one_hot(torch.tensor(1), 3),
        expected=lambda: expected(torch.tensor(1), 3),
    )
    check.equal(
        "a single class",
        lambda: one_hot(torch.zeros(4, dtype=torch.int64), 1),
        expected=lambda: torch.ones(4, 1),
    )
    check.equal(
        "a single label",
        lambda: one_hot(torch.tensor([0]), 6),
        expected=lambda: expected(torch.tensor([0]), 6),
    )
    check.equal(
        "the labels are not sorted or counted",
        lambda: one_hot(torch.tensor([1, 1, 1]), 4),
        expected=lambda: expected(torch.tensor([1, 1, 1]), 4),
    )
    check.probes("what one_hot promises besides its numbers", lambda: lambda labels: one_hot(labels, 5), check.integers(963, 0, 5, 4, 3, kind="torch"), promises=("memory that is not contiguous", "one row", "the same call twice", "inputs left alone"), expected=lambda: lambda labels: expected(labels, 5))
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "one_hot__care", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("one_hot__care")
def _():
    check.equal(
        "the first and the last class are both allowed",
        lambda: one_hot(torch.tensor([0, 2]), 3),
        expected=torch.tensor([[1.0, 0, 0], [0, 0, 1]]),
    )
    check.raises(
        "a negative label raises ValueError and does not count from the end",
        lambda: one_hot(torch.tensor([-1, 0]), 3),
        ValueError,
        advice="what does an index of -1 mean in Python?",
    )
    check.raises(
        "a label far too large raises ValueError", lambda: one_hot(torch.tensor([0, 7]), 3), ValueError
    )
    check.raises(
        "a label of num_classes is one too many",
        lambda: one_hot(torch.tensor([0, 3]), 3),
        ValueError,
        advice="classes are counted from 0: which is the largest label of three classes?",
    )
    ### BEGIN HIDDEN TESTS
    labels = torch.tensor([[0, 1, 2], [2, 1, 0]])
    check.unchanged("the labels stay as they are", lambda: one_hot(labels, 3), labels)
    check.raises(
        "one bad label among good ones", lambda: one_hot(torch.tensor([[0, 1], [4, 1]]), 4), ValueError
    )
    check.raises("a negative label without axes", lambda: one_hot(torch.tensor(-2), 4), ValueError)
    check.raises("a large label without axes", lambda: one_hot(torch.tensor(9), 4), ValueError)
    check.raises(
        "a negative label among three axes", lambda: one_hot(torch.tensor([[[0, 1], [2, -3]]]), 4), ValueError
    )
    ### END HIDDEN TESTS


# %% tags=["picture"]
some_labels = torch.tensor([4, 1, 0, 3, 1, 2])
encode = stand_in.yours_or_ours("one_hot", parts.one_hot, lambda f: f(torch.tensor([1, 0]), 3))
who = stand_in.whose("one_hot")
plot.heatmap(
    encode(some_labels, 5),
    f"{who} one-hot code of 4, 1, 0, 3, 1, 2",
    xlabel="class",
    ylabel="example",
    xticks=range(5),
    yticks=[f"label {int(k)}" for k in some_labels],
    alt=f"The one-hot code ({who}) of six labels as a table of six rows and five columns: each row holds a single "
    "1, in the column of its label",
)

# %% [markdown]
r"""
## 2.3 What a tensor is

Memory has no rows and no columns. It is one long row of cells. A tensor is

- a **storage**: that row of cells, on some device, and
- three facts about how to read it: **shape**, **strides** and **offset**.

To find entry `[i, j]`, start at the offset and take `i` steps of the first stride and `j` of the second:

$$\text{address}(i, j) = \text{offset} + i \cdot \text{stride}_0 + j \cdot \text{stride}_1$$
"""

# %% tags=["picture"]
x = torch.arange(12.0).reshape(3, 4)
plot.memory(x)

# %% [markdown]
r"""
Shape (3, 4), strides (4, 1): to go down one row, skip four cells; to go right, one. Colours mark the row an
entry belongs to.

Now the transpose. **Not one number moves.** The shape is swapped and the strides are swapped, and the same
cells are read in another order:
"""

# %% tags=["picture"]
plot.memory(x.T)

# %% [markdown]
r"""
A slice is the same trick. `x[1:, ::2]` starts four cells later (the offset), and every second column means
a stride twice as long. The grey cells are still there; this tensor does not look at them.
"""

# %% tags=["picture"]
plot.memory(x[1:, ::2])

# %% [markdown]
r"""
So `x`, `x.T` and `x[1:, ::2]` are three tensors over **one** storage. Such tensors are called *views* of
one another. Views cost nothing, and they come with a consequence: write into one, and you have written into
all.
"""

# %%
x = torch.arange(12.0).reshape(3, 4)
second_row, own_copy = x[1], x[1].clone()
second_row[0] = -1.0
print("x:        ", x.tolist())
print("own copy: ", own_copy.tolist())
print(
    "offset of the row:",
    second_row.storage_offset(),
    " cells in its storage:",
    second_row.untyped_storage().nbytes() // 4,
)

# %% [markdown]
r"""
When numbers change that you did not touch, the question is always the same: *do these two share a storage?*
Comparing values cannot tell you. Comparing where each tensor *starts* (`x.data_ptr()`, the address of its first
entry) cannot either: a row starts somewhere in the middle. `x.untyped_storage()` is the storage itself, and its
own `.data_ptr()` says where **that** begins.
"""

# %% [markdown]
r"""
### Exercise 2.3 · `same_storage`
*difficulty 1 of 3 · 8 minutes · about 1 line*

Write `same_storage(a, b)` → `bool`: do the two tensors look at the same storage? That is so for any view,
slice or transpose of one another, whether they overlap or not, and for two views of a third tensor. It is
not so for a copy, however equal its numbers are. Each tensor has at least one element. Return Python's
`True` or `False`, and leave both tensors as they are.
"""


# %% nbgrader={"grade": false, "grade_id": "same_storage", "locked": false, "schema_version": 3, "solution": true, "task": false}
def same_storage(a, b):
    """two tensors -> True where they look at one storage, else False"""
    # about 1 line
    ### BEGIN SOLUTION
    # a.data_ptr() is the address of a's first *entry*, offset included; this is the address of the first cell
    return a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr()
    ### END SOLUTION


# %%
hint("same_storage")


# %% nbgrader={"grade": true, "grade_id": "same_storage__views", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("same_storage__views")
def _():
    x = torch.tensor([[0.0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]])
    clone = x.clone()
    check.equal(
        "x with itself, with a slice of all of it, with a copy, and with its transpose",
        lambda: [same_storage(x, x), same_storage(x, x[:]), same_storage(x, clone), same_storage(x, x.T)],
        expected=[True, True, False, True],
        advice="equal numbers say nothing, and a view is another Python object",
    )
    check.equal(
        "x with its last row, and with a copy of its last row",
        lambda: [same_storage(x, x[2]), same_storage(x, x[2].clone())],
        expected=[True, False],
        advice="the row starts at offset 8: which address does your code compare?",
    )
    wide = x.double()
    others = {"detached": x.detach()[1], "as int32": x.view(torch.int32), "as float64": wide}
    check.equal(
        "x with a detached row, with its cells read as whole numbers, with itself in float64; and a row of that",
        lambda: [*(same_storage(x, other) for other in others.values()), same_storage(wide[2], wide)],
        expected=[True, True, False, True],
        advice="dtype, shape and history are facts about the view; the question is about the storage",
    )
    ### BEGIN HIDDEN TESTS
    i = int(check.rng(131).integers(1, 3))
    others = [
        x[i:, 1:],
        x.view(4, 3),
        x[i, i],
        x.unsqueeze(0),
        x + 0,
        x[:, [0, 1]],
        x.reshape(-1),
        x.T.reshape(-1),
        x.T.contiguous(),
        x.contiguous(),
        x.diagonal(),
        x[x > 3],
        x[:],
        x.detach(),
    ]
    check.equal(
        "slices, views, single entries, copies of many kinds",
        lambda: [same_storage(x, other) for other in others],
        expected=[True, True, True, True, False, False, True, False, False, True, True, False, True, True],
    )
    check.equal(
        "the same pairs with their order turned round",
        lambda: [same_storage(other, x) for other in others],
        expected=[True, True, True, True, False, False, True, False, False, True, True, False, True, True],
    )
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "same_storage__apart", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("same_storage__apart")
def _():
    x = torch.zeros(10)
    left, right, even, odd = x[:5], x[5:], x[::2], x[1::2]
    pairs = [(left, right), (x[4:], x[:6]), (even, odd), (x, right), (torch.zeros(5), torch.zeros(5))]
    check.equal(
        "halves that never meet, parts that overlap, every second entry and the ones between, a whole and its half;"
        " and two rows of zeros that are not related",
        lambda: [same_storage(a, b) for a, b in pairs],
        expected=[True, True, True, True, False],
        advice="overlap is not the question: ask which storage each of the two belongs to",
    )
    check.unchanged("both tensors stay as they are", lambda: same_storage(left, odd), left, odd)
    ### BEGIN HIDDEN TESTS
    copy = even.clone()
    check.equal("a copy of one of two interleaved views", lambda: same_storage(copy, odd), expected=False)
    scale, table = check.tensor(132, 6, dtype="float64"), check.tensor(133, 4, 5)
    pairs = [
        (scale[3:], scale.view(torch.int64)[:2]),
        (scale[:1].expand(4), scale[5]),
        (scale.detach(), scale[2:4]),
        (table[0], table.T[3, 1:]),
        (scale.clone(), scale.clone()),
        (scale.to(torch.float32), scale),
        (scale.to(torch.float64), scale),
        (table[1].clone(), table[1]),
        (table[:2].contiguous(), table[2:]),
        (table[:, :2].contiguous(), table[:, 2:]),
    ]
    check.equal(
        "other dtypes, repeated entries, detached tensors, both of them views",
        lambda: [same_storage(a, b) for a, b in pairs],
        expected=[True, True, True, True, False, False, True, False, True, False],
    )
    kept = torch.arange(6.0)
    check.unchanged("a view and its base stay as they are", lambda: same_storage(kept, kept[1:]), kept)
    ### END HIDDEN TESTS


# %% [markdown]
r"""
## 2.4 Views, copies, and what contiguous means

| always a view | always a copy | it depends |
|---|---|---|
| `x[1]`, `x[:, ::2]` | `x.clone()`, `x + 0` | `x.reshape(…)`: a view where strides allow it |
| `x.T`, `x.transpose(0, 1)` | `x[[0, 2]]`, `x[x > 3]` | `x.contiguous()`: a copy unless it is already |
| `x.view(…)`, `x.unsqueeze(0)` | `torch.cat`, `torch.stack` | `x.to(…)`: a copy unless nothing changes |
| `x.expand(…)`, `x.detach()` | | |

A tensor is **contiguous** when reading it row by row is walking through its storage cell by cell. `x` is,
`x.T` is not. `view` asks for new strides over the same cells, and for `x.T.view(12)` there are none:
"""

# %%
print("x is contiguous:", x.is_contiguous(), "  x.T is contiguous:", x.T.is_contiguous())
try:
    x.T.view(12)
except RuntimeError as error:
    print("x.T.view(12):", error)
print("x.T.reshape(12):", x.T.reshape(12).tolist(), "which had to be copied")

# %% [markdown]
r"""
Strides can do more than rows and columns. Nothing says that every cell is read once: `expand` gives an axis
the stride **0**, so a thousand equal rows need the memory of one. And two axes may share a stride. Think of
a moving window over a series of measurements:

$$[\,x_0\;x_1\;x_2\,],\quad [\,x_1\;x_2\;x_3\,],\quad [\,x_2\;x_3\;x_4\,],\quad \dots$$

Place `j` of window `i` is entry `i + j` of the series. What does one step in `i` cost, what one step in
`j`? `x.as_strided(shape, strides)` is the view of `x`'s own first cell onwards that you describe by both.
"""

# %% [markdown]
r"""
### Exercise 2.4 · `sliding_windows`
*difficulty 2 of 3 · 12 minutes · about 3 lines*

Write `sliding_windows(x, size)`: `x` has shape (T,) → shape (T − size + 1, size), where row `i` is
`x[i : i + size]`. The result is a **view** of `x`: no number is copied, and writing into `x` shows in it.
That holds also where `x` itself is a strided view, such as a column of a matrix. Raise `ValueError` where
`size` < 1 or `size` > T.
"""


# %% nbgrader={"grade": false, "grade_id": "sliding_windows", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sliding_windows(x, size):
    """(T,) -> (T - size + 1, size), a view of x"""
    # about 3 lines
    ### BEGIN SOLUTION
    if not 1 <= size <= len(x):
        raise ValueError(f"a window of {size} does not fit into {len(x)} entries")
    # one window further and one place further are the same step: both axes have x's own stride.
    # as_strided starts at x's own offset; x.unfold(0, size, 1) is the same view under a shorter name
    step = x.stride(0)
    return x.as_strided((len(x) - size + 1, size), (step, step))
    ### END SOLUTION


# %%
hint("sliding_windows")


# %% nbgrader={"grade": true, "grade_id": "sliding_windows__values", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("sliding_windows__values")
def _():
    check.equal(
        "windows of three over five numbers",
        lambda: sliding_windows(torch.tensor([1.0, 2, 3, 4, 5]), 3),
        expected=torch.tensor([[1.0, 2, 3], [2, 3, 4], [3, 4, 5]]),
        advice="count the windows on paper: where does the last one begin?",
    )
    check.equal(
        "a window as long as the series, and windows of one",
        lambda: [sliding_windows(torch.tensor([1.0, 2, 3]), 3), sliding_windows(torch.tensor([1.0, 2]), 1)],
        expected=[torch.tensor([[1.0, 2, 3]]), torch.tensor([[1.0], [2.0]])],
    )
    ### BEGIN HIDDEN TESTS
    x = check.tensor(141, 11, dtype="float64")
    check.equal(
        "windows of four in float64",
        lambda: sliding_windows(x, 4),
        expected=lambda: torch.stack([x[i : i + 4] for i in range(8)]),
    )
    check.equal(
        "windows of two, of whole numbers",
        lambda: sliding_windows(torch.arange(6), 2),
        expected=lambda: torch.stack([torch.arange(6)[i : i + 2] for i in range(5)]),
    )
    check.equal("a series of one", lambda: sliding_windows(x[:1], 1), expected=lambda: x[:1, None])
    check.probes("what sliding_windows promises besides its numbers", lambda: lambda x: sliding_windows(x, 3), check.tensor(964, 9), promises=("memory that is not contiguous", "float64", "the same call twice", "inputs left alone"), expected=lambda: lambda x: torch.stack([x[i : i + 3] for i in range(7)]))
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "sliding_windows__view", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("sliding_windows__view")
def _():
    def write_into(x):
        windows = sliding_windows(x, 2)
        x[2] = 100.0
        return windows

    check.equal(
        "writing into x shows in every window that holds the entry",
        lambda: write_into(torch.arange(5.0)),
        expected=torch.tensor([[0.0, 1], [1, 100], [100, 3], [3, 4]]),
        advice="is the result a view? Which of your steps makes new memory?",
    )
    check.equal(
        "and so it does where x is every second entry of a longer series",
        lambda: write_into(torch.arange(10.0)[::2]),
        expected=torch.tensor([[0.0, 2], [2, 100], [100, 6], [6, 8]]),
        advice="which of your steps copies when its input is strided?",
    )
    check.equal(
        "a column of a matrix: entries that are not neighbours in memory",
        lambda: sliding_windows(torch.arange(12.0).reshape(4, 3)[:, 1], 2),
        expected=torch.tensor([[1.0, 4], [4, 7], [7, 10]]),
        advice="print the stride and the storage_offset of that column",
    )

    ### BEGIN HIDDEN TESTS
    def write_into_a_strided_view(start, step, size):
        base = check.tensor(142, 23)
        x = base[start::step]
        windows = sliding_windows(x, size)
        base.mul_(-2.0)
        return windows

    def the_same(start, step, size):
        x = check.tensor(142, 23).mul_(-2.0)[start::step]
        return torch.stack([x[i : i + size] for i in range(len(x) - size + 1)])

    check.equal(
        "still a view where x begins later",
        lambda: write_into_a_strided_view(4, 1, 3),
        expected=lambda: the_same(4, 1, 3),
    )
    check.equal(
        "still a view where x is every third entry",
        lambda: write_into_a_strided_view(1, 3, 4),
        expected=lambda: the_same(1, 3, 4),
    )
    check.equal(
        "still a view in windows of one",
        lambda: write_into_a_strided_view(3, 2, 1),
        expected=lambda: the_same(3, 2, 1),
    )
    check.equal(
        "still a view in a single window",
        lambda: write_into_a_strided_view(2, 5, 5),
        expected=lambda: the_same(2, 5, 5),
    )
    kept = check.tensor(143, 9)
    check.unchanged("the series itself stays as it is", lambda: sliding_windows(kept[1::2], 2), kept)
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "sliding_windows__refuses", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("sliding_windows__refuses")
def _():
    x = torch.arange(4.0)
    check.equal(
        "the largest window that fits", lambda: sliding_windows(x, 4), expected=torch.tensor([[0.0, 1, 2, 3]])
    )

    def outcome(x, size):
        try:
            sliding_windows(x, size)
        except ValueError:
            return "ValueError"
        except RuntimeError as error:
            if isinstance(error, NotImplementedError):
                raise
            return "RuntimeError"
        return "no error"

    check.equal(
        "a window longer than the series, and one of no entries: both raise ValueError",
        lambda: [outcome(x, 5), outcome(x, 0)],
        expected=["ValueError", "ValueError"],
        advice="which sizes have no window at all? Ask before torch does",
    )
    check.equal(
        "a window longer than a strided series, though memory would go on: ValueError",
        lambda: outcome(torch.arange(12.0)[1:7:2], 4),
        expected="ValueError",
        advice="how many entries has x, whatever its storage holds?",
    )
    ### BEGIN HIDDEN TESTS
    check.raises("a window of negative size", lambda: sliding_windows(x, -1), ValueError)
    check.raises("a window longer than a series of one", lambda: sliding_windows(x[:1], 2), ValueError)
    ### END HIDDEN TESTS


# %% tags=["picture"]
windows_of = stand_in.yours_or_ours("sliding_windows", parts.sliding_windows, lambda f: f(torch.arange(5.0), 2))
plot.memory(windows_of(torch.arange(8.0), 3))

# %% [markdown]
r"""
If your function returns a view, the picture above shows a storage of 8 cells and 18 entries that read them:
the same cell turns up in up to three rows. A copy would show 18 cells.

What is it good for? A moving average is now one `mean` over the last axis:
"""

# %% tags=["picture"]
noisy = torch.sin(torch.linspace(0, 12, 200)) + 0.4 * check.tensor(9, 200)
smooth = windows_of(noisy, 15).mean(1)
plot.curves(
    {"measured": noisy, "mean of 15": (range(7, 193), smooth)},
    xlabel="measurement",
    ylabel="value",
    alt="A noisy sine wave, and over it the mean of each window of 15 entries: a smooth sine wave",
)

# %% [markdown]
r"""
## 2.5 Broadcasting

What is a column plus a row? Neither fits the other, and the answer is still obvious: a table. The rule
behind it has three lines. Write the two shapes under each other, **right-aligned**; then, axis by axis,

1. the same size: fine;
2. one of them is 1, or missing: it is stretched to the other's size;
3. anything else: an error.
"""

# %% tags=["picture"]
column, row = torch.tensor([[0.0], [10.0], [20.0]]), torch.tensor([[1.0, 2.0, 3.0, 4.0]])
steps = {
    "(3, 1), stretched to the right": column,
    "+ (1, 4), stretched downwards": row,
    "= (3, 4)": column + row,
}
with plot.figure(
    "A column (3, 1) with 0, 10, 20 is repeated four times to the right, a row (1, 4) with 1 to 4 is "
    "repeated three times downwards, and their sum is a table (3, 4) from 1 to 24; repeated entries are pale",
    columns=3,
    height=2.2,
) as axes:
    for ax, (title, real) in zip(axes, steps.items()):
        shade = torch.full((3, 4), 0.1)
        shade[: real.shape[0], : real.shape[1]] = 0.8
        ax.imshow(shade.numpy(), cmap="Blues", vmin=0, vmax=2)
        for i, line in enumerate(real.expand(3, 4).tolist()):
            for j, value in enumerate(line):
                ax.text(j, i, f"{value:.0f}", ha="center", va="center")
        ax.set_title(title, fontsize=9)
        ax.set_axis_off()

# %% [markdown]
r"""
Nothing is really repeated: a stretched axis has stride 0, as in 2.4. An axis of size 1 is made with `x[:,
None]` or `x.unsqueeze(1)`.

Broadcasting is what replaces loops. Every call from Python has a price, whatever it computes; a loop over rows
pays it for every row, a broadcast pays the same few for any number of rows. You can count the calls (calling
the function counts as well), and measure what they cost here and now:
"""


# %%
def subtract_in_a_loop(table, row):
    return torch.stack([line - row for line in table])


def subtract_at_once(table, row):
    return table - row


for rows in (10, 100, 1000):
    table, row = torch.zeros(rows, 3), torch.zeros(3)
    counted = [work.calls(lambda: one(table, row)) for one in (subtract_in_a_loop, subtract_at_once)]
    took = []
    for one in (subtract_in_a_loop, subtract_at_once):
        start = time.perf_counter()
        one(table, row)
        took.append(1e6 * (time.perf_counter() - start))
    print(f"{rows:5} rows: {counted[0]:5} calls in a loop, {took[0]:8.0f} µs; {counted[1]} at once, {took[1]:.0f} µs")

# %% [markdown]
r"""
**How far is every point from every other?** Nearest neighbours, clustering and attention all begin with
that table. For rows $a_n$ and $b_m$,

$$\lVert a_n - b_m \rVert^2 = \sum_d (a_{nd} - b_{md})^2 = a_n\!\cdot a_n \;+\; b_m\!\cdot b_m \;-\; 2\, a_n\!\cdot b_m$$

The middle form, broadcast, builds an (N, M, D) block. The right one needs only an (N, M) matrix product,
and has a flaw: two large, nearly equal numbers are subtracted, and rounding may leave a little **less**
than zero. A distance below zero is nonsense, and its square root is NaN.
"""

# %% [markdown]
r"""
### Exercise 2.5 · `pairwise_sq_dists`
*difficulty 2 of 3 · 12 minutes · about 4 lines*

Write `pairwise_sq_dists(a, b)`: `a` (N, D), `b` (M, D) → (N, M), the squared Euclidean distance of every
row of `a` from every row of `b`, in the inputs' dtype. Never negative, and as accurate as a·a + b·b − 2 a·b
is in that dtype (better is fine). Leave the inputs as they are.

*Not allowed:* `torch.cdist`, and a Python loop or comprehension, or anything else that walks the rows one
by one in Python: the checks count how the work grows.
"""


# %% nbgrader={"grade": false, "grade_id": "pairwise_sq_dists", "locked": false, "schema_version": 3, "solution": true, "task": false}
def pairwise_sq_dists(a, b):
    """(N, D), (M, D) -> (N, M)"""
    # about 4 lines
    ### BEGIN SOLUTION
    a_squared = (a * a).sum(dim=1).unsqueeze(1)  # (N, 1)
    b_squared = (b * b).sum(dim=1)  # (M,), which broadcasting reads as (1, M)
    # clamp: what rounding pushed below zero was zero
    return (a_squared + b_squared - 2 * (a @ b.T)).clamp(min=0)
    ### END SOLUTION


# %%
hint("pairwise_sq_dists")


# %% nbgrader={"grade": true, "grade_id": "pairwise_sq_dists__values", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("pairwise_sq_dists__values")
def _():
    a = torch.tensor([[0.0, 0.0], [3.0, 4.0]], dtype=torch.float64)
    b = torch.tensor([[0.0, 0.0], [3.0, 0.0], [0.0, -1.0]], dtype=torch.float64)
    check.close(
        "two points against three, in float64: a row for each of the first",
        lambda: pairwise_sq_dists(a, b),
        expected=torch.tensor([[0.0, 9.0, 1.0], [25.0, 16.0, 34.0]], dtype=torch.float64),
        advice="the entry [1, 2] is (3 - 0)² + (4 + 1)²: take it apart",
    )
    check.unchanged("the points stay where they are", lambda: pairwise_sq_dists(a, b), a, b)

    ### BEGIN HIDDEN TESTS
    def expected(a, b):
        return (a[:, None] - b[None]).square().sum(-1)

    a, b = check.tensor(151, 6, 5), check.tensor(152, 4, 5)
    check.close(
        "more points, five coordinates", lambda: pairwise_sq_dists(a, b), expected=lambda: expected(a, b)
    )
    check.close(
        "as many points as coordinates, on both sides",
        lambda: pairwise_sq_dists(a[:5], b.new_ones(5, 5)),
        expected=lambda: expected(a[:5], torch.ones(5, 5)),
    )
    check.close(
        "one point against one, one coordinate",
        lambda: pairwise_sq_dists(a[:1, :1], b[:1, :1]),
        expected=lambda: expected(a[:1, :1], b[:1, :1]),
    )
    check.close(
        "one point against four", lambda: pairwise_sq_dists(a[:1], b), expected=lambda: expected(a[:1], b)
    )
    x, y = (
        check.tensor(153, 3, 7, dtype="float64", strided=True),
        check.tensor(154, 8, 7, dtype="float64", strided=True),
    )
    check.close(
        "non-contiguous points in float64", lambda: pairwise_sq_dists(x, y), expected=lambda: expected(x, y)
    )
    check.unchanged("non-contiguous points stay as they are", lambda: pairwise_sq_dists(x, y), x, y)
    check.probes("what pairwise_sq_dists promises besides its numbers", lambda: pairwise_sq_dists, check.tensor(951, 4, 3), check.tensor(952, 5, 3), rtol=1e-4, atol=1e-4, expected=lambda: parts.pairwise_sq_dists)
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "pairwise_sq_dists__accuracy", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("pairwise_sq_dists__accuracy")
def _():
    a = 100 + 0.01 * check.tensor(155, 20, 8)
    near = torch.cdist(a.double(), a.double(), compute_mode="donot_use_mm_for_euclid_dist").square()
    check.that(
        "points close together and far from the origin: no distance is negative",
        lambda: pairwise_sq_dists(a, a),
        judge=lambda seen, exact: (
            "the table has another shape"
            if seen.shape != exact.shape
            else "a distance is not a number"
            if np.isnan(seen).any()
            else "a distance is below zero"
            if (seen < 0).any()
            else None
            if abs(seen - exact).max() < 0.6
            else "a distance is off by far more than rounding leaves"
            if abs(seen - exact).max() > 100
            else "a distance is far from the true one"
        ),
        given={"exact": near},
        advice="print the smallest entry of your table: rounding can push it below zero",
    )
    ### BEGIN HIDDEN TESTS
    b, c = (
        1000 + 0.001 * check.tensor(156, 30, 4, dtype="float64"),
        1000 + 0.001 * check.tensor(157, 15, 4, dtype="float64"),
    )
    check.that(
        "no distance is negative in float64",
        lambda: [pairwise_sq_dists(b, b), pairwise_sq_dists(b, c)],
        judge=lambda seen, exact: (
            "a distance in float64 is below zero"
            if (seen[0] < 0).any() or (seen[1] < 0).any()
            else None
            if all(abs(seen[i] - exact[i]).max() < 1e-7 for i in (0, 1))
            else "a distance in float64 is far from the true one"
        ),
        given={"exact": [(b[:, None] - b[None]).square().sum(-1), (b[:, None] - c[None]).square().sum(-1)]},
    )
    far, wide = check.tensor(158, 5, 600), 30 * check.tensor(159, 7, 600)
    check.close(
        "many coordinates and large distances",
        lambda: pairwise_sq_dists(far, wide),
        expected=lambda: (far[:, None].double() - wide[None].double()).square().sum(-1).float(),
    )
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "pairwise_sq_dists__at_once", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("pairwise_sq_dists__at_once")
def _():
    a, b = check.tensor(161, 45, 3), check.tensor(162, 40, 3)
    check.close(
        "forty-five points against forty",
        lambda: pairwise_sq_dists(a, b),
        expected=lambda: torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist").square(),
        atol=1e-4,
    )
    check.that(
        "forty more points do not make forty times the calls",
        lambda: [work.calls(lambda: pairwise_sq_dists(a[:n], b[:n])) for n in (5, 40)],
        judge=lambda seen: (
            None if seen[1] - seen[0] < 20 else "the number of calls grows with the number of points"
        ),
        advice="which line of yours runs once for each point?",
    )
    ### BEGIN HIDDEN TESTS
    check.that(
        "nor do more points on one side only",
        lambda: [
            work.calls(lambda: pairwise_sq_dists(a[:3], b[:3])),
            work.calls(lambda: pairwise_sq_dists(a, b[:3])),
            work.calls(lambda: pairwise_sq_dists(a[:3], b)),
        ],
        judge=lambda seen: None if max(seen) - seen[0] < 20 else "the calls grow with the points of one side",
    )
    ### END HIDDEN TESTS


# %% tags=["picture"]
torch.manual_seed(1)
groups = torch.cat(
    [0.5 * torch.randn(8, 2) + torch.tensor(centre) for centre in ([0.0, 0.0], [4.0, 0.0], [2.0, 4.0])]
)
distances = stand_in.yours_or_ours(
    "pairwise_sq_dists", parts.pairwise_sq_dists, lambda f: f(groups[:2], groups[2:5].clone()).round(decimals=2)
)
between = distances(groups, groups)
plot.heatmap(
    between.sqrt(),
    "distance of every point from every other",
    xlabel="point",
    ylabel="point",
    alt="Distances of 24 points in three groups of eight, from the table: three dark blocks of small "
    f"distances on the diagonal, larger ones elsewhere; the largest is {float(between.max()) ** 0.5:.3g}",
)

# %% [markdown]
r"""
## 2.6 Picking entries

Slices take rectangles. To pick one entry of every row, each at another place, index with **two** tensors at
once: `x[rows, columns]` takes the pairs `(rows[0], columns[0])`, `(rows[1], columns[1])`, and so on. One
list alone, `x[:, columns]`, takes whole columns.

`torch.gather` does the same along one axis: `x.gather(1, index)` reads, for each row, the columns that
`index` names in that row. `index` has as many axes as `x`. Both make copies: pairs have no stride.
"""

# %%
x = torch.arange(12.0).reshape(3, 4)
columns = torch.tensor([3, 0, 2])
print("pairs:        ", x[torch.arange(3), columns].tolist())
print("gather:       ", x.gather(1, columns[:, None]).tolist())
print("whole columns:", x[:, columns].tolist())

# %% [markdown]
r"""
This is how a classifier is judged. Its output, after a log-softmax, is a table of log-probabilities, (N,
C). The *negative log-likelihood* looks up what the network gave to the right class of each example, turns
the sign, and takes the mean: 0 when it was certain and right, large when it was certain and wrong.

$$L = -\frac{1}{N}\sum_n \log p_{n,\,\text{label}_n}$$
"""

# %% [markdown]
r"""
### Exercise 2.6 · `gather_nll`
*difficulty 1 of 3 · 8 minutes · about 2 lines*

Write `gather_nll(log_probs, labels)`: `log_probs` (N, C), all finite, int64 `labels` (N,) → the mean over
the batch of minus the entry at each label, a tensor without axes in the dtype of `log_probs`. Leave the
inputs as they are.

*Not allowed:* `nll_loss` and `cross_entropy` of `torch.nn.functional`, their classes in `torch.nn`, and a
Python loop or comprehension, or anything else that walks the examples one by one in Python.
"""


# %% nbgrader={"grade": false, "grade_id": "gather_nll", "locked": false, "schema_version": 3, "solution": true, "task": false}
def gather_nll(log_probs, labels):
    """(N, C), (N,) -> ()"""
    # about 2 lines
    ### BEGIN SOLUTION
    # gather wants an index with as many axes as the table: (N,) becomes (N, 1), one column for each row
    picked = log_probs.gather(1, labels.unsqueeze(1))
    return -picked.mean()
    ### END SOLUTION


# %%
hint("gather_nll")


# %% nbgrader={"grade": true, "grade_id": "gather_nll__values", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("gather_nll__values")
def _():
    table = torch.tensor([[-1.0, -2.0, -4.0], [-8.0, -16.0, -32.0]])
    check.close(
        "labels 2 and 0: the mean of 4 and 8",
        lambda: gather_nll(table, torch.tensor([2, 0])),
        expected=torch.tensor(6.0),
        advice="print what you pick: one number for each example, 4 and 8 with a minus",
    )
    check.close(
        "the same label twice: the mean of 2 and 16",
        lambda: gather_nll(table, torch.tensor([1, 1])),
        expected=torch.tensor(9.0),
    )

    ### BEGIN HIDDEN TESTS
    def expected(table, labels):
        return torch.nn.functional.nll_loss(table, labels)

    wide, tall = check.tensor(171, 4, 9), check.tensor(172, 11, 3)
    few, many = check.integers(173, 0, 9, 4, kind="torch"), check.integers(174, 0, 3, 11, kind="torch")
    check.close(
        "more classes than examples", lambda: gather_nll(wide, few), expected=lambda: expected(wide, few)
    )
    check.close(
        "more examples than classes", lambda: gather_nll(tall, many), expected=lambda: expected(tall, many)
    )
    square = check.tensor(175, 5, 5)
    check.close(
        "as many examples as classes",
        lambda: gather_nll(square, torch.tensor([4, 2, 2, 0, 1])),
        expected=lambda: expected(square, torch.tensor([4, 2, 2, 0, 1])),
    )
    check.probes("what gather_nll promises besides its numbers", lambda: gather_nll, check.tensor(953, 5, 4), check.integers(954, 0, 4, 5, kind="torch"), expected=lambda: parts.gather_nll)
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "gather_nll__care", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("gather_nll__care")
def _():
    table, labels = (
        check.tensor(176, 40, 6, dtype="float64", strided=True),
        check.integers(177, 0, 6, 40, kind="torch"),
    )
    check.equal(
        "one number without axes, in the dtype of the table",
        lambda: (str(gather_nll(table, labels).dtype), list(gather_nll(table, labels).shape)),
        expected=("torch.float64", []),
        advice="print the shape of your result: a loss has none",
    )
    check.unchanged("table and labels stay as they are", lambda: gather_nll(table, labels), table, labels)
    check.that(
        "more examples do not mean more calls",
        lambda: [work.calls(lambda: gather_nll(table[:n], labels[:n])) for n in (5, 40)],
        judge=lambda seen: None if seen[1] - seen[0] < 20 else "the number of calls grows with the batch",
        advice="which line of yours runs once for each example?",
    )
    ### BEGIN HIDDEN TESTS
    check.close(
        "a non-contiguous table in float64",
        lambda: gather_nll(table, labels),
        expected=lambda: torch.nn.functional.nll_loss(table, labels),
    )
    check.close(
        "a batch of one example",
        lambda: gather_nll(table[:1], labels[:1]),
        expected=lambda: -table[0, labels[0]],
    )
    many = check.tensor(178, 4, 60)
    check.that(
        "more classes do not mean more calls",
        lambda: [work.calls(lambda: gather_nll(many[:, :n], labels[:4] % 3)) for n in (5, 60)],
        judge=lambda seen: None if seen[1] - seen[0] < 20 else "the number of calls grows with the classes",
    )
    ### END HIDDEN TESTS


# %% tags=["picture"]
torch.manual_seed(2)
logs, right = torch.log_softmax(2 * torch.randn(6, 5), dim=1), torch.tensor([4, 0, 3, 1, 2, 0])
nll = stand_in.yours_or_ours(
    "gather_nll", parts.gather_nll, lambda f: f(torch.tensor([[-1.0, -2.0]]), torch.tensor([1]))
)
mean = float(nll(logs, right))
picked = ", ".join(f"{logs[n, k]:.2f}" for n, k in enumerate(right))
with plot.figure(
    "A table of log-probabilities of six examples and five classes; framed is the entry at each label: "
    f"{picked}. The mean of their negatives is {mean:.3f}"
) as ax:
    ax.imshow(logs.numpy(), cmap="cividis")
    for n, k in enumerate(right.tolist()):
        box = {"facecolor": "white", "edgecolor": plot.PALETTE[1], "linewidth": 2}
        ax.text(k, n, f"{logs[n, k]:.2f}", ha="center", va="center", fontsize=8, bbox=box)
    ax.set_xlabel("class")
    ax.set_ylabel("example")
    ax.set_xticks(range(5))
    whose = stand_in.whose("gather_nll")
    ax.set_title(f"{whose} loss: {mean:.3f} (framed: the labels; bright: probable)", fontsize=9)

# %% [markdown]
r"""
## 2.7 Masks

Sentences have different lengths, sensors fail, and yet a batch is one rectangle. The usual way out is to
fill the gaps with *something* and to keep a **mask**, a bool tensor of the same shape: True where a number
is real.

Then every mean has to ignore what is False, and three things go wrong again and again:

- the sum is divided by the length of the row, and not by how many entries are real;
- **multiplying by 0 does not remove a NaN**: 0 · NaN is NaN, and so is 0 · inf;
- a row without a single real entry gives 0 / 0.
"""

# %%
broken = torch.tensor([1.0, float("nan"), float("inf")])
real = torch.tensor([True, False, False])
print("times the mask:", (broken * real).tolist())
print("chosen by it:  ", torch.where(real, broken, 0.0).tolist())

# %% [markdown]
r"""
`torch.where(mask, x, 0.0)` *chooses*, and what it does not choose is gone, on the way forward. On the way back
mind **where** you chose. The branch that was not taken gets the gradient 0 and hands it to whatever computed
it; and if that step has an infinite derivative (a division by 0, the root of 0), 0 times infinity is NaN. So
choose a harmless number *first* and compute afterwards:
"""

# %%
gaps = {"choose, then compute": None, "compute, then choose": None}
for name in gaps:
    readings = torch.tensor([4.0, 0.0, 0.0], requires_grad=True)
    real = torch.tensor([True, False, False])
    if name == "choose, then compute":
        roots = torch.where(real, readings, 1.0).sqrt() * real
    else:
        roots = torch.where(real, readings.sqrt(), 0.0)
    roots.sum().backward()  # torch works out the gradient: chapter 3 does nothing else
    print(f"{name}: values {roots.tolist()}, gradient {readings.grad.tolist()}")

# %% [markdown]
r"""
The values agree and one gradient is ruined. The last check of the exercise looks at the gradient, in the same
way as the cell above.

The mask says what counts, and nothing else does. A NaN under **True** counts: it belongs in the mean, which
then is NaN. A function that quietly swallows it hides the sensor that failed.
"""

# %% [markdown]
r"""
### Exercise 2.7 · `masked_mean`
*difficulty 2 of 3 · 15 minutes · about 4 lines*

Write `masked_mean(x, mask, dim)`: the mean over the axis `dim` (an int, negative too) of the entries of `x`
whose `mask` is True. `mask` is bool and has the shape of `x`; the result has the other axes of `x`, and its
dtype. Where no entry is True, the result is 0. A NaN or inf under False has no influence, and one under True
shows in the result. Gradients flow to `x` and are finite, also where no entry is True. Leave the inputs as they
are.
"""


# %% nbgrader={"grade": false, "grade_id": "masked_mean", "locked": false, "schema_version": 3, "solution": true, "task": false}
def masked_mean(x, mask, dim):
    """x, bool mask of its shape -> x's shape without axis dim"""
    # about 4 lines
    ### BEGIN SOLUTION
    # masked_fill chooses: what was under False is gone before anything is added, on the way back too
    total = x.masked_fill(~mask, 0).sum(dim=dim)
    count = mask.sum(dim=dim)
    # where the count is 0 the total is 0 as well, and 0 / 1 is the 0 we want, with a finite slope
    return total / count.clamp(min=1)
    ### END SOLUTION


# %%
hint("masked_mean")


# %% nbgrader={"grade": true, "grade_id": "masked_mean__values", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("masked_mean__values")
def _():
    x = torch.tensor([[1.0, 2.0, 9.0], [4.0, 5.0, 6.0]])
    mask = torch.tensor([[True, True, False], [False, True, False]])
    check.close(
        "over the columns: the mean of 1 and 2, and 5 alone",
        lambda: masked_mean(x, mask, 1),
        expected=torch.tensor([1.5, 5.0]),
        advice="how many entries are real in each row?",
    )
    check.close(
        "over the rows, counted from the end: 1, the mean of 2 and 5, and nothing",
        lambda: masked_mean(x, mask, -2),
        expected=torch.tensor([1.0, 3.5, 0.0]),
        advice="no real entry gives 0; and dim says which axis goes away",
    )
    check.unchanged("numbers and mask stay as they are", lambda: masked_mean(x, mask, 1), x, mask)

    ### BEGIN HIDDEN TESTS
    def expected(x, mask, dim):
        return torch.where(mask, x, 0).sum(dim) / mask.sum(dim).clamp(min=1)

    cube, chosen = check.tensor(181, 3, 4, 5), check.tensor(182, 3, 4, 5) > 0
    check.close(
        "three axes, every axis",
        lambda: [masked_mean(cube, chosen, dim) for dim in (0, 1, 2)],
        expected=lambda: [expected(cube, chosen, dim) for dim in (0, 1, 2)],
    )
    check.close(
        "three axes, counted from the end",
        lambda: [masked_mean(cube, chosen, dim) for dim in (-1, -2, -3)],
        expected=lambda: [expected(cube, chosen, dim) for dim in (-1, -2, -3)],
    )
    check.close(
        "one axis leaves none",
        lambda: masked_mean(cube[0, 0], torch.tensor([True, False, True, True, False]), 0),
        expected=lambda: (cube[0, 0, 0] + cube[0, 0, 2] + cube[0, 0, 3]) / 3,
    )
    double, flags = (
        check.tensor(183, 6, 4, dtype="float64", strided=True),
        check.tensor(184, 6, 4, strided=True) > 0.5,
    )
    check.close(
        "non-contiguous numbers in float64",
        lambda: masked_mean(double, flags, 0),
        expected=lambda: expected(double, flags, 0),
    )
    check.close(
        "everything is real: the ordinary mean",
        lambda: masked_mean(double, double == double, 1),
        expected=lambda: double.mean(1),
    )
    check.close(
        "a single entry, real or not",
        lambda: [masked_mean(double[:1, :1], torch.tensor([[real]]), 1) for real in (True, False)],
        expected=lambda: [double[0, :1], torch.zeros(1, dtype=torch.float64)],
    )
    check.probes("what masked_mean promises besides its numbers", lambda: lambda x, mask: masked_mean(x, mask, -1), check.tensor(955, 4, 3), check.tensor(956, 4, 3) > 0, expected=lambda: lambda x, mask: parts.masked_mean(x, mask, -1))
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "masked_mean__gaps", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("masked_mean__gaps")
def _():
    def readings():
        return torch.tensor([[1.0, float("nan")], [float("inf"), 4.0], [float("nan"), -float("inf")]])

    mask = torch.tensor([[True, False], [False, True], [False, False]])
    check.close(
        "NaN and inf under False have no influence, and no entry gives 0",
        lambda: masked_mean(readings(), mask, 1),
        expected=torch.tensor([1.0, 4.0, 0.0]),
        advice="what is 0 times NaN? Choose instead of multiplying",
    )
    check.close(
        "NaN and inf under True show in the mean",
        lambda: masked_mean(readings(), ~mask, 1),
        expected=torch.tensor([float("nan"), float("inf"), float("nan")]),
        advice="only the mask says what counts: what does your code do to a NaN that does?",
    )
    check.close(
        "float64 to its last digits: the mean of 1 and 2",
        lambda: masked_mean(torch.tensor([[1.0, 2.0, 9.0]]).double(), torch.tensor([[True, True, False]]), 1),
        expected=torch.tensor([1.5], dtype=torch.float64),
        advice="does anything in your divisor change a count that is not 0, or bring a dtype of its own?",
    )
    ### BEGIN HIDDEN TESTS
    y = check.tensor(185, 4, 6, dtype="float64")
    real = check.tensor(186, 4, 6) > 0
    real[2] = False
    holes = torch.where(
        real,
        y,
        torch.tensor(
            [float("nan"), float("inf"), -float("inf"), 1e300, float("nan"), -1e300], dtype=torch.float64
        ),
    )
    check.close(
        "gaps of every kind in float64",
        lambda: masked_mean(holes, real, 1),
        expected=lambda: torch.where(real, y, 0).sum(1) / real.sum(1).clamp(min=1),
    )
    check.close(
        "gaps of every kind along the other axis",
        lambda: masked_mean(holes, real, 0),
        expected=lambda: torch.where(real, y, 0).sum(0) / real.sum(0).clamp(min=1),
    )
    check.close(
        "gaps everywhere",
        lambda: masked_mean(holes, real & False, -1),
        expected=lambda: torch.zeros(4, dtype=torch.float64),
    )
    check.unchanged("gaps stay as they are", lambda: masked_mean(holes, real, 0), holes, real)
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "masked_mean__gradient", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("masked_mean__gradient")
def _():
    def gradient(x, mask, dim, weights):
        with torch.enable_grad():
            leaf = x.clone().requires_grad_()
            (masked_mean(leaf, mask, dim) * weights).sum().backward()
        return leaf.grad

    x = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    mask = torch.tensor([[True, True], [False, False], [True, False]])
    check.close(
        "each real entry gets its share of the gradient; where none is real, 0 and not NaN",
        lambda: gradient(x, mask, 1, torch.tensor([1.0, 1.0, 3.0])),
        expected=torch.tensor([[0.5, 0.5], [0.0, 0.0], [3.0, 0.0]]),
        advice="is there a division by 0 anywhere, even one whose result you throw away?",
    )
    ### BEGIN HIDDEN TESTS
    y, real = check.tensor(187, 5, 4), check.tensor(188, 5, 4) > 0
    real[1], upstream = False, check.tensor(189, 5)
    holes = torch.where(real, y, torch.tensor([float("nan"), float("inf"), -float("inf"), 1.0]))

    def expected(real, dim, upstream):
        share = real / real.sum(dim, keepdim=True).clamp(min=1)
        return share * upstream.unsqueeze(dim)

    check.close(
        "the gradient passes by gaps",
        lambda: gradient(holes, real, 1, upstream),
        expected=lambda: expected(real, 1, upstream),
    )
    check.close(
        "the gradient along the first axis",
        lambda: gradient(y, real, -2, upstream[:4]),
        expected=lambda: expected(real, 0, upstream[:4]),
    )
    one = torch.zeros(5, 4, dtype=torch.bool)
    one[3, 3] = True
    check.close(
        "the gradient where a single entry is real",
        lambda: gradient(holes, one, 0, upstream[:4]),
        expected=lambda: expected(one, 0, upstream[:4]),
    )
    ### END HIDDEN TESTS


# %% tags=["picture"]
days = torch.tensor(
    [[3.0, 4.0, 5.0, 4.0], [9.0, float("nan"), 7.0, 8.0], [float("nan")] * 4, [1.0, 2.0, float("inf"), 0.0]]
)
mean_of = stand_in.yours_or_ours(
    "masked_mean", parts.masked_mean, lambda f: f(days[:3].nan_to_num(), days[:3].isfinite(), 1)
)
means = mean_of(days, days.isfinite(), 1)
plot.bars(
    {
        f"sensor {i}, {int(days[i].isfinite().sum())} of 4 readings real": float(mean)
        for i, mean in enumerate(means)
    },
    xlabel=f"mean of the real readings, {stand_in.whose('masked_mean')} masked_mean",
    alt="Means of four sensors, two of which have gaps and one no reading at all: "
    + ", ".join(f"{float(mean):.3g}" for mean in means),
)

# %% [markdown]
r"""
## 2.8 Whole batches of matrices

`@` multiplies the **last two** axes and treats everything before them as a batch: (8, 4, 5, 3) @ (8, 4, 3,
6) is 32 products at once, of shape (8, 4, 5, 6). To turn the matrices around, swap the last two axes and
leave the rest alone: `k.transpose(-2, -1)`, or `k.mT`. `.T` is for matrices only; with more axes it would
turn *everything* around.

Counting axes **from the end** is the habit that makes code work for any number of them. (`torch.bmm` does the same
for exactly three axes, one batch axis and no broadcasting: it is the strict sister of `@`, and says so at once
when a shape is not what you thought.)
"""

# %%
q, k = torch.zeros(8, 4, 5, 3), torch.zeros(8, 4, 6, 3)
print("q", tuple(q.shape), "  k", tuple(k.shape), "  k.mT", tuple(k.mT.shape))
print("q @ k.mT has shape", tuple((q @ k.mT).shape))
try:
    torch.bmm(q, k.mT)
except RuntimeError as error:
    print("torch.bmm of four axes:", error)

# %% [markdown]
r"""
In chapter 9 you build attention, whose first step is a table of scores: how well does each of L *queries*
fit each of S *keys*? The score is their dot product, for every head of every example at once. The
dots stand for whatever axes come before the last two:

$$\text{scores}_{\dots ls} = \sum_d q_{\dots ld}\, k_{\dots sd}$$
"""

# %% [markdown]
r"""
### Exercise 2.8 · `batched_scores`
*difficulty 1 of 3 · 6 minutes · about 1 line*

Write `batched_scores(q, k)`: `q` (…, L, D), `k` (…, S, D) → (…, L, S), the dot product of every row of `q`
with every row of `k`. The leading axes are the same in both; there may be any number of them, none
included. No scaling, no softmax. Leave the inputs as they are.
"""


# %% nbgrader={"grade": false, "grade_id": "batched_scores", "locked": false, "schema_version": 3, "solution": true, "task": false}
def batched_scores(q, k):
    """(..., L, D), (..., S, D) -> (..., L, S)"""
    # about 1 line
    ### BEGIN SOLUTION
    # counted from the end, so any number of leading axes will do: einsum("...ld,...sd->...ls", q, k)
    return q @ k.transpose(-2, -1)
    ### END SOLUTION


# %%
hint("batched_scores")


# %% nbgrader={"grade": true, "grade_id": "batched_scores__matrices", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("batched_scores__matrices")
def _():
    q, k = torch.tensor([[1.0, 2.0], [0.0, -1.0]]), torch.tensor([[3.0, 0.0], [1.0, 1.0], [-1.0, 4.0]])
    check.close(
        "two queries, three keys: the dot product of every pair",
        lambda: batched_scores(q, k),
        expected=torch.tensor([[3.0, 3.0, 7.0], [0.0, -1.0, -4.0]]),
        advice="the entry [0, 2] is 1·(-1) + 2·4: row 0 of q with row 2 of k",
    )
    check.unchanged("queries and keys stay as they are", lambda: batched_scores(q, k), q, k)
    ### BEGIN HIDDEN TESTS
    q, k = check.tensor(191, 4, 4), check.tensor(192, 4, 4)
    check.close("as many queries as keys as features", lambda: batched_scores(q, k), expected=lambda: q @ k.T)
    x, y = check.tensor(193, 1, 6, dtype="float64"), check.tensor(194, 5, 6, dtype="float64")
    check.close("one query in float64", lambda: batched_scores(x, y), expected=lambda: x @ y.T)
    check.close(
        "one feature", lambda: batched_scores(q[:3, :1], k[:, :1]), expected=lambda: q[:3, :1] @ k[:, :1].T
    )
    check.probes("what batched_scores promises besides its numbers", lambda: batched_scores, check.tensor(957, 3, 4, 5), check.tensor(958, 3, 2, 5), expected=lambda: parts.batched_scores)
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "batched_scores__batches", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("batched_scores__batches")
def _():
    q = torch.tensor([[[1.0, 2.0]], [[0.0, -1.0]]])
    k = torch.tensor([[[3.0, 0.0], [1.0, 1.0]], [[2.0, 5.0], [-1.0, 4.0]]])
    check.close(
        "a batch of two, one query and one key of one number each: shape (2, 1, 1)",
        lambda: batched_scores(q[..., 1:], k[:, 1:, 1:]),
        expected=torch.tensor([[[2.0]], [[-4.0]]]),
        advice="print the shape of each step: which of them drops an axis, or mixes the two entries?",
    )
    check.close(
        "one query and two keys each: the queries meet the keys of their own entry",
        lambda: batched_scores(q, k),
        expected=torch.tensor([[[3.0, 3.0]], [[-5.0, -4.0]]]),
        advice="which two axes of k have to change places?",
    )
    check.close(
        "two leading axes, of which the first is 1",
        lambda: batched_scores(q[None], k[None]),
        expected=torch.tensor([[[[3.0, 3.0]], [[-5.0, -4.0]]]]),
        advice="count axes from the end: -1 and -2 are the same two whatever comes before",
    )
    check.close(
        "two leading axes that are not in the order of memory",
        lambda: batched_scores(torch.stack([q, -q]).transpose(0, 1), torch.stack([k, k]).transpose(0, 1)),
        expected=torch.tensor([[[[3.0, 3.0]], [[-3.0, -3.0]]], [[[-5.0, -4.0]], [[5.0, 4.0]]]]),
        advice="which of your calls wants its input in one piece of memory?",
    )

    ### BEGIN HIDDEN TESTS
    def expected(q, k):
        return torch.einsum("...ld,...sd->...ls", q, k)

    heads = check.tensor(197, 2, 3, 4, 6), check.tensor(198, 2, 3, 5, 6)
    check.close("two examples of three heads", lambda: batched_scores(*heads), expected=lambda: expected(*heads))
    cubes = check.tensor(199, 3, 3, 3), check.tensor(200, 3, 3, 3)
    check.close("every size the same", lambda: batched_scores(*cubes), expected=lambda: expected(*cubes))
    deep = (
        check.tensor(201, 2, 1, 3, 2, 4, dtype="float64", strided=True),
        check.tensor(202, 2, 1, 3, 5, 4, dtype="float64", strided=True),
    )
    check.close(
        "three leading axes, non-contiguous, float64",
        lambda: batched_scores(*deep),
        expected=lambda: expected(*deep),
    )
    check.unchanged("non-contiguous queries and keys stay as they are", lambda: batched_scores(*deep), *deep)
    turned = check.tensor(205, 2, 3, 4, 6).transpose(0, 1), check.tensor(206, 2, 5, 3, 6).permute(2, 0, 1, 3)
    check.close(
        "leading axes that are not in the order of memory",
        lambda: batched_scores(*turned),
        expected=lambda: expected(*turned),
    )
    single = check.tensor(203, 1, 1, 7), check.tensor(204, 1, 1, 7)
    check.close("a batch of one pair", lambda: batched_scores(*single), expected=lambda: expected(*single))
    ### END HIDDEN TESTS


# %% tags=["picture"]
angle = torch.linspace(0, 2 * torch.pi, 25)
waves = torch.stack([torch.stack([(n * angle).cos(), (n * angle).sin()], dim=1) for n in (1, 2)])
score = stand_in.yours_or_ours(
    "batched_scores", parts.batched_scores, lambda f: f(torch.ones(2, 1, 2), torch.eye(2).expand(2, 2, 2))
)
scores = score(waves, waves)
with plot.figure(
    "Scores of 25 queries and 25 keys, once for each of two heads: points on a circle, passed once in "
    "the first head and twice in the second, so that the red diagonal bands of large scores repeat once and "
    "twice",
    columns=2,
) as axes:
    for head, ax in enumerate(axes):
        ax.imshow(scores[head].numpy(), cmap="RdBu_r", vmin=-1, vmax=1)
        ax.set_title(f"head {head}")
        ax.set_xlabel("key")
        ax.set_ylabel("query")

# %% [markdown]
r"""
## Two questions

These are read by a person. A few honest sentences are worth more than a page.
"""

# %% [markdown]
r"""
### Question A
`x = torch.arange(24.0).reshape(4, 6)`. Give shape, strides and offset of `x.T`, of `x[1:3, ::2]` and of
`x.T[2:]`, and say how you got them. For which of the four tensors (with `x`) does `.view(-1)` work, and why
does it fail for the others? What does `.reshape(-1)` do there, and what does it cost?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_strides", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
r"""
**Model answer.** `x` has shape (4, 6), strides (6, 1), offset 0. `x.T` swaps both: (6, 4), (1, 6), 0.
`x[1:3, ::2]` begins one row later, so the offset is 1 · 6 = 6; rows are still 6 apart, columns are now 2
apart: (2, 3), (6, 2), 6. `x.T[2:]` drops two rows of `x.T`, which lie 1 apart: (4, 4), (1, 6), 2.
`.view(-1)` needs one stride that leads from every entry to the next, row by row. It works for `x` (stride
1), and for `x[1:3, ::2]` too: its addresses are 6, 8, 10, then 12, 14, 16, so the step is 2 throughout. It
fails for `x.T` and `x.T[2:]`, where the step within a row is 6 and the step to the next row goes back.
`.reshape(-1)` gives a view in the first two cases and copies all entries in the other two.

**Rubric.** 1 point: shapes, strides and offsets are right, with the reason. 1 point: `view` needs a single
stride that walks all entries in order, applied to the four (the slice is the surprise: its step is 2
throughout). 1 point: `reshape` falls back to a copy, so writing into the result no longer reaches `x`.
"""

# %% [markdown]
r"""
### Question B
Your `tensor_loss_and_grads` is to run on a graphics card. Which lines of *it* have to change, and which
lines of the program around it? Somebody prints `loss.item()` after every step and keeps moving each batch
back and forth between CPU and card: what does that cost, and why? And what is still handwork in your
function, wherever it runs?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_devices", "locked": false, "points": 2, "schema_version": 3, "solution": true, "task": false}
r"""
**Model answer.** None of its lines: every result is where its operands are, and nothing in it names a
device. Around it, data and weights have to be put on the card once, `t.to(device)`, all of them on the same
one. Each transfer goes through a connection far slower than either memory, so weights stay there and
batches travel one way, once. `.item()` needs the number on the CPU, so Python waits until the card has
finished everything before it: print now and then, and keep totals as tensors. Handwork remains: each
gradient is derived and written by hand, and every new layer means deriving again.

**Rubric.** 1 point: the function stays, the data and weights are moved once, and transfers or `.item()` are
named as the cost with a reason (slow connection, waiting). 1 point: the gradients by hand are named as what
is left.
"""

# %% [markdown]
r"""
## Summary

| you wrote | the idea | what PyTorch calls it |
|---|---|---|
| `tensor_loss_and_grads` | code that names no device runs on every device | `x.device`, `x.to(…)`, `zeros_like` |
| `one_hot` | labels are whole numbers, arithmetic wants floating ones | `F.one_hot`, dtype promotion |
| `same_storage` | a tensor is a storage and a way to read it | `untyped_storage()`, `stride()`, `storage_offset()` |
| `sliding_windows` | strides can read a cell more than once | `unfold`, `as_strided`, `expand` |
| `pairwise_sq_dists` | axes of size 1 stretch, loops go away | broadcasting, `torch.cdist` |
| `gather_nll` | one entry of each row | `gather`, `F.nll_loss` |
| `masked_mean` | choose first, divide later | `masked_fill`, `torch.where` |
| `batched_scores` | count axes from the end | `matmul`, `einsum`, `mT` |
"""

# %% [markdown]
r"""
**What still hurts?** Look at `tensor_loss_and_grads` once more. Its last lines are still a derivation, done
by you, on paper. Add a third layer and you derive again; forget the mask and nobody tells you. But a tensor
knows which operation made it, at least it could. Chapter 3 lets it remember, and the backward pass writes
itself.
"""

# %% [markdown]
r"""
## Where to go next

- *Next chapter:* `03_autograd`, no more hand-written gradients.
- *In the library:* shape, strides and offset stand in `c10/core/TensorImpl.h`, the storage in
  `c10/core/StorageImpl.h`; `view`, `expand` and `unfold` in `aten/src/ATen/native/TensorShape.cpp` change
  those three facts and little else; broadcasting and promotion happen in
  `aten/src/ATen/TensorIterator.cpp`.
- *Further:* Edward Yang's *PyTorch internals*, on his blog; the pages *Tensor Views* and *Broadcasting
  semantics* of PyTorch's documentation; Sasha Rush's *Tensor Puzzles*.
- *Try:* write `sliding_windows` for a picture, (H, W) → (H − s + 1, W − s + 1, s, s), as a view with four
  strides.
"""
