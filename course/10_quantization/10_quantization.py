# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
r"""
# 10 · Train for the arithmetic you will deploy on

A weight is 32 bits long because nobody asked for less. On a telephone, in a camera, in a car somebody does:
eight bits, four, sometimes two. At the end of this notebook a network of yours reads digits with weights
that are only ever **−1, 0 or 1** times one number. Rounding the finished network to that destroys it.
Training it *for* that does not.

You will build the whole way: the grid, the rounding, a gradient for what has none, two layers that learn
their own grid, and a linear layer that trains in float and ships in integers.
"""

# %% [markdown]
r"""
```
 training   x ──▶ float weight ──▶ [ divide, round, clamp, multiply ] ──▶ rounded weight ──▶ y
                       ▲                        fake quantization                           │
                       └────────── the gradient, straight through the rounding ◀────────────┘

 shipping   int8 weight and one scale ──▶ y          the same numbers, a quarter of the bytes or less
```

*Needs: chapters 4 (`RoundSTE`), 5 and 7. Nine exercises, about 150 minutes, and about an hour of reading and
looking; 10.1 to 10.4, 10.5 to 10.7 and 10.8 to 10.11 make three evenings.*
"""

# %% tags=["setup"] nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from layer_by_layer import data, judges
from layer_by_layer.instruments import recall
from layer_by_layer.instruments.stand_in import whose, yours_or_ours
from layer_by_layer.parts import quantization as parts
from lessonkit import check, plot
from lessonkit.hints import hint

torch.manual_seed(10)
train_set, test_set = data.standin()

# %% [markdown]
r"""
**Before you begin**, four questions on what came before. Type what you expect between the quotes, run both cells,
and compare. There are no points, and nothing is remembered.
"""

# %%
expected = {
    "torch.round of 0.5, 1.5 and 2.5": "?",
    "the gradient of x that torch.round(x).sum() gives at x = 1.3": "?",
    "is a buffer (chapter 7) among a module's parameters()? in its state_dict()?": "?",
    "bytes of the weight of an nn.Linear(784, 64)": "?",
}

# %% tags=["picture"]
one, norm = torch.tensor(1.3, requires_grad=True), nn.BatchNorm1d(3)
torch.round(one).backward()
recall.side_by_side(expected, {
    "torch.round of 0.5, 1.5 and 2.5": torch.round(torch.tensor([0.5, 1.5, 2.5])).tolist(),
    "the gradient of x that torch.round(x).sum() gives at x = 1.3": one.grad.item(),
    "is a buffer (chapter 7) among a module's parameters()? in its state_dict()?":
        ["running_mean" in dict(norm.named_parameters()), "running_mean" in norm.state_dict()],
    "bytes of the weight of an nn.Linear(784, 64)": nn.Linear(784, 64).weight.nbytes,
})  # fmt: skip

# %% [markdown]
r"""
**What hurts.** A language model has to *read every one of its weights* for each word it writes. Take one with seven
thousand million of them (a middling one). The cell works out how much memory the weights fill, and how long a
laptop that reads 50 gigabytes a second needs to look at each of them once. Nothing else is counted: this is the
least that a word can take.
"""

# %% tags=["picture"]
weights, reads = 7e9, 50e9
gigabytes = {f"{bits} bits": weights * bits / 8 / 1e9 for bits in (32, 16, 8, 4, 2)}
plot.bars(
    gigabytes, xlabel="gigabytes of weights, for seven thousand million of them",
    alt="Memory of seven thousand million weights: " + ", ".join(f"{n} {g:.1f} GB" for n, g in gigabytes.items()),
)
for name, size in gigabytes.items():
    print(f"{name:8} {size:5.1f} GB, at least {size * 1e9 / reads:.2f} s a word")

# %% [markdown]
r"""
## 10.1 A ruler with few marks

An integer of `bits` bits has $2^{bits}$ values, the **quantization levels**: 0, 1, …, $2^{bits} - 1$. To stand for
real numbers they need a **quantization grid**: evenly spaced real numbers, one for each level. Think of a ruler
with few marks. The **scale** $s$ is the distance between two marks (the *step size*), and the **zero point**
$z$ says which level stands for 0:

$$x \approx s\,(q - z), \qquad s = \frac{x_{max} - x_{min}}{2^{bits} - 1}, \qquad z = \text{round}\left(-\frac{x_{min}}{s}\right)$$

A map of this form is called *affine*: a scale and a shift, and nothing else.
"""

# %% [markdown]
r"""
**Why must 0 be on the ruler?** Because zeros are everywhere and they mean something: what a ReLU cut off,
the padding around an image, a weight that was pruned. If 0 became 0.013, every one of a thousand padding
pixels would add a little, and always in the same direction. So the range is first **widened** until it
holds 0: from [2, 6] to [0, 6], from [−6, −3] to [−6, 0]. Then $z$ is a level, and 0 comes back as exactly 0.

One case is left over: a range of nothing but zeros. Any scale serves; a scale of 0 would divide by 0.
"""

# %% [markdown]
r"""
### Exercise 10.1 · `quant_params`
*difficulty 1 of 3 · 12 minutes · about 5 lines*

Write `quant_params(x_min, x_max, bits=8)` → `(scale, zero_point)`, from two floats `x_min` ≤ `x_max`, for the
unsigned levels 0 … 2^bits − 1.

- The range is first widened to hold 0.
- `scale` = (x_max − x_min)/(2^bits − 1), of the widened range; where both ends are 0, any positive number.
- `zero_point` = −x_min/scale, rounded to the nearest int (an exact half may go either way). It is a level,
  so it lies in 0 … 2^bits − 1.
"""


# %% nbgrader={"grade": false, "grade_id": "quant_params", "locked": false, "schema_version": 3, "solution": true, "task": false}
def quant_params(x_min, x_max, bits=8):
    """two floats, a number of bits -> (scale, zero_point) for the levels 0 ... 2^bits - 1"""
    # about 5 lines
    ### BEGIN SOLUTION
    # 0 has to lie in the range; then the zero point lies among the levels by itself
    x_min, x_max = min(x_min, 0.0), max(x_max, 0.0)
    scale = (x_max - x_min) / (2**bits - 1)
    if scale == 0:
        return 1.0, 0  # nothing but zeros: every scale represents them exactly
    return scale, round(-x_min / scale)
    ### END SOLUTION


# %%
hint("quant_params")


# %% nbgrader={"grade": true, "grade_id": "quant_params__values", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("quant_params__values")
def _():
    def pair(*arguments, **named):
        scale, zero_point = quant_params(*arguments, **named)
        return [float(scale), float(zero_point)]

    check.close(
        "[-1, 1.4] on the levels 0 to 3: marks 0.8 apart, and -1 lies 1.25 marks below 0, so level 1 is 0",
        lambda: pair(-1.0, 1.4, bits=2),
        expected=[0.8, 1.0],
        rtol=1e-5,
        advice="four levels have three gaps between them",
    )
    check.close(
        "[-1.4, 1] on the same levels: 1.75 marks below 0, so level 2 is 0",
        lambda: pair(-1.4, 1.0, 2),
        expected=[0.8, 2.0],
        rtol=1e-5,
        advice="rounded to the nearest, not cut off",
    )
    check.equal(
        "the zero point is an int, not a float that happens to be whole",
        lambda: np.asarray(quant_params(-1.0, 1.4, bits=2)[1]).dtype.kind in "iu",
        expected=True,
        advice="round(1.25) is an int; NumPy's and torch's rounding give floats",
    )
    check.close("without a number of bits there are 256 levels", lambda: pair(-1.0, 1.55), expected=[0.01, 100.0], rtol=1e-5)
    check.close(
        "a range of hardly anything has a scale of hardly anything: [-1e-9, 1.55e-9] has marks 1e-11 apart",
        lambda: pair(-1e-9, 1.55e-9),
        expected=[1e-11, 100.0],
        rtol=1e-5,
        atol=0,
        advice="the formula holds for every range but one: where both ends are 0",
    )
    ### BEGIN HIDDEN TESTS
    for bits, zero in ((3, 5), (4, 11), (8, 37), (6, 20)):
        # the ends are chosen so that the zero point is off every half
        unit = float(check.rng(100 + bits).uniform(0.01, 0.4))
        low = -unit * (zero + float(check.rng(110 + bits).uniform(-0.4, 0.4)))
        check.close(
            f"any range on {bits} bits",
            lambda low=low, unit=unit, bits=bits: pair(low, low + unit * (2**bits - 1), bits),
            expected=lambda: [unit, float(zero)],
            rtol=1e-5,
        )
    check.close(
        "a narrow range has a fine scale",
        lambda: pair(-4e-5, 6.2e-5, 8),
        expected=[4e-7, 100.0],
        rtol=1e-5,
        atol=0,
    )
    check.close(
        "a wide range has a coarse one", lambda: pair(-3e4, 4.65e4), expected=[300.0, 100.0], rtol=1e-5
    )
    check.close("one bit is two levels", lambda: pair(-0.3, 1.7, bits=1), expected=[2.0, 0.0], rtol=1e-5)
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "quant_params__zero", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
@check.cell("quant_params__zero")
def _():
    def pair(*arguments, **named):
        scale, zero_point = quant_params(*arguments, **named)
        return [float(scale), float(zero_point)]

    check.close(
        "[2, 6] is widened to [0, 6]: level 0 stands for 0",
        lambda: pair(2.0, 6.0, bits=2),
        expected=[2.0, 0.0],
        rtol=1e-5,
        advice="widen first, then work out the scale",
    )
    check.close(
        "[-6, -3] is widened to [-6, 0]: the highest level stands for 0",
        lambda: pair(-6.0, -3.0, bits=2),
        expected=[2.0, 3.0],
        rtol=1e-5,
    )
    check.that(
        "a range of nothing but zeros has a positive scale, and level 0 for its zero",
        lambda: pair(0.0, 0.0),
        judge=lambda seen: (
            "the scale is not a positive number"
            if not (math.isfinite(seen[0]) and seen[0] > 0)
            else "the zero point is not 0"
            if seen[1] != 0
            else None
        ),
        advice="what do you divide by?",
    )
    ### BEGIN HIDDEN TESTS
    check.close("a range of one number above 0", lambda: pair(5.1, 5.1), expected=[0.02, 0.0], rtol=1e-5)
    check.close("a range of one number below 0", lambda: pair(-3.0, -3.0, 4), expected=[0.2, 15.0], rtol=1e-5)
    check.close("a range that begins at 0", lambda: pair(0.0, 51.0), expected=[0.2, 0.0], rtol=1e-5)
    check.close("a range that ends at 0", lambda: pair(-51.0, 0.0), expected=[0.2, 255.0], rtol=1e-5)
    check.close(
        "a narrow range far from 0 is mostly widening",
        lambda: pair(100.0, 102.0),
        expected=[0.4, 0.0],
        rtol=1e-5,
    )
    check.that(
        "zeros on two bits",
        lambda: pair(0.0, 0.0, bits=2),
        judge=lambda seen: None if math.isfinite(seen[0]) and seen[0] > 0 and seen[1] == 0 else "no ruler",
    )
    ### END HIDDEN TESTS


# %% [markdown]
r"""
**See the grid.** Five ranges, three bits, eight marks each. The line is the range that was asked for, the dots are
the marks. Every grid has a mark at exactly 0. The second and the last pay for it: half of their marks lie where no
value is. And rounding the zero point shifts a grid by up to half a step: look at the ends of the first.
"""

# %% tags=["picture"]
grid_of = yours_or_ours("quant_params", parts.quant_params, lambda f: [float(v) for v in f(-1.0, 1.4, 2)])
ranges = [(-1.0, 1.0), (2.0, 4.0), (-3.0, 0.5), (-0.2, 3.3), (-2.0, -1.0)]
rulers = []
for low, high in ranges:
    s, z = grid_of(low, high, bits=3)
    rulers.append(s * (np.arange(8) - z))
with plot.figure(
    f"Five ranges and their eight levels from {whose('quant_params')} quant_params: "
    + "; ".join(f"[{a}, {b}] gets marks from {r[0]:.2f} to {r[-1]:.2f}" for (a, b), r in zip(ranges, rulers)),
    height=2.4,
) as ax:
    for row, ((low, high), marks) in enumerate(zip(ranges, rulers)):
        ax.plot([low, high], [row, row], color=plot.PALETTE[4], linewidth=7, solid_capstyle="butt", alpha=0.5)
        ax.plot(marks, [row] * 8, "o", color=plot.PALETTE[0], markersize=4)
    ax.axvline(0, color="#222222", linewidth=0.8)
    ax.invert_yaxis()
    ax.set_yticks(range(5), [f"[{a}, {b}]" for a, b in ranges])
    ax.set_xlabel("value")

# %% [markdown]
r"""
## 10.2 There and back

**Quantizing** a number takes three steps: divide by the scale, round, shift by the zero point. What falls
off the end of the ruler is **clamped** to the last level. Going back is one line, $s\,(q - z)$, and what was
lost on the way stays lost: at most half a step inside the range, and as much as you like outside.

Doing both at once, and staying in floating point all along, is called **fake quantization**. Nothing gets
smaller by it. But a network that computes with fake-quantized numbers makes *exactly* the errors that the
real one will make, and it makes them where PyTorch can differentiate everything around.
"""

# %% [markdown]
r"""
**Half to even.** What is 2.5, rounded? `torch.round` says 2, and 4 for 3.5: a half goes to the *even*
neighbour, so that on average as many go up as down. The zero point is added **after** the rounding: with an odd
$z$ the order decides where a half goes.

Which levels there are is said by `qmin` and `qmax`: 0 … 255 for unsigned bytes, −128 … 127 for signed ones,
−7 … 7 for a symmetric grid of four bits.
"""

# %% [markdown]
r"""
### Exercise 10.2 · `fake_quantize`
*difficulty 1 of 3 · 12 minutes · about 2 lines*

Write `fake_quantize(x, scale, zero_point, qmin, qmax)` for a float tensor `x` of any shape, a float `scale`, and
ints `zero_point`, `qmin`, `qmax`: the level is round(x/scale), half to even, plus `zero_point`, clamped to
qmin … qmax; and then back to a float, (level − zero_point) · scale. The result is a tensor of x's shape and
dtype, and `x` is left as it is.

Not allowed: torch's own `fake_quantize_…` and `quantize_per_…` functions.
"""


# %% nbgrader={"grade": false, "grade_id": "fake_quantize", "locked": false, "schema_version": 3, "solution": true, "task": false}
def fake_quantize(x, scale, zero_point, qmin, qmax):
    """any shape -> the same shape, each entry at its nearest level"""
    # about 2 lines
    ### BEGIN SOLUTION
    # the level stays a float all the way: an int8 would overflow before it could be clamped
    level = (torch.round(x / scale) + zero_point).clamp(qmin, qmax)
    return (level - zero_point) * scale
    ### END SOLUTION


# %%
hint("fake_quantize")


# %% nbgrader={"grade": true, "grade_id": "fake_quantize__values", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("fake_quantize__values")
def _():
    x = torch.tensor([[-1.3, -0.2, 0.3], [0.9, 5.0, 0.0]])
    check.close(
        "levels 0 to 3, half a unit apart, level 1 is 0: -1.3 and 5 fall off the ends",
        lambda: fake_quantize(x, 0.5, 1, 0, 3),
        expected=torch.tensor([[-0.5, 0.0, 0.5], [1.0, 1.0, 0.0]]),
        advice="write down the level of each entry before it becomes a float again: 0, 1, 2, 3, 3, 1",
    )
    check.close(
        "what lies far off is clamped all the same: 300 and -300 end at the last levels, 127 and -128",
        lambda: fake_quantize(torch.tensor([300.0, -300.0]), 0.5, 0, -128, 127),
        expected=torch.tensor([63.5, -64.0]),
    )
    halves = torch.tensor([0.5, 1.5, 2.5, -0.5, -1.5, -2.5])
    check.close(
        "a half goes to the even neighbour, and the zero point comes after: 1.5 and 2.5 are both 2",
        lambda: fake_quantize(halves, 1.0, 3, -8, 7),
        expected=torch.tensor([0.0, 2.0, 2.0, 0.0, -2.0, -2.0]),
        advice="which number do you round: x/scale, or x/scale + zero_point?",
    )
    ### BEGIN HIDDEN TESTS
    cases = {
        "eight signed bits, a zero point below 0": (0.03, -17, -128, 127, (7, 5), "float32"),
        "eight unsigned bits in float64, not contiguous": (0.011, 90, 0, 255, (4, 6), "float64"),
        "a symmetric grid of four bits": (0.25, 0, -7, 7, (3, 2, 4), "float32"),
        "a batch of one in float64": (1.7, 2, 0, 3, (1, 9), "float64"),
        "levels that all lie above the zero point": (0.5, 0, 3, 9, (8,), "float32"),
    }
    for number, (name, (scale, zero, low, high, shape, dtype)) in enumerate(cases.items()):
        span = (low - zero - 6, high - zero + 6)
        x = parts.between(
            210 + number, *shape, low=span[0], high=span[1], unit=scale, dtype=dtype, strided=True
        )
        check.close(
            f"{name}",
            lambda x=x, at=(scale, zero, low, high): fake_quantize(x, *at),
            expected=lambda: parts.fake_quantize(x, scale, zero, low, high),
        )
    far = torch.tensor([-1e6, 1e6, 300.0, -300.0, 1e12])
    check.close(
        "what lies far outside is clamped",
        lambda: fake_quantize(far, 0.5, 3, -128, 127),
        expected=torch.tensor([-65.5, 62.0, 62.0, -65.5, 62.0]),
    )
    check.probes("what fake_quantize promises besides its numbers", lambda: lambda x: fake_quantize(x, 0.5, 1, 0, 3), parts.between(951, 5, 4, low=-3, high=5, unit=0.5), expected=lambda: lambda x: parts.fake_quantize(x, 0.5, 1, 0, 3))
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "fake_quantize__care", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("fake_quantize__care")
def _():
    x = torch.tensor([-0.7, 0.4, 2.2], dtype=torch.float64)
    check.unchanged("fake_quantize leaves its input alone", lambda: fake_quantize(x, 0.5, 1, 0, 3), x)
    check.close(
        "a float64 tensor stays float64, and a step of 0.1 is 0.1 to all its digits",
        lambda: fake_quantize(x, 0.1, 10, 0, 31),
        expected=torch.tensor([-0.7, 0.4, 2.1], dtype=torch.float64),
    )
    ### BEGIN HIDDEN TESTS
    y = check.tensor(221, 40, 30)

    def again():
        once = fake_quantize(y, 0.25, 5, 0, 15)
        return [once, fake_quantize(once, 0.25, 5, 0, 15), fake_quantize(y, 0.25, 5, 0, 15)]

    check.that(
        "what lies on a level stays there, however often it is quantized",
        again,
        judge=lambda seen: (
            None
            if np.array_equal(seen[0], seen[1]) and np.array_equal(seen[0], seen[2])
            else "a second round moves it"
        ),
    )
    check.that(
        "four bits give at most sixteen values, and all of them on this input",
        lambda: fake_quantize(y * 3, 0.25, 5, 0, 15),
        judge=lambda seen: None if len(np.unique(seen)) == 16 else "there are not sixteen values",
    )
    ### END HIDDEN TESTS


# %% [markdown]
r"""
**A staircase.** Your function on a ramp from −1 to 2, with the grid that your `quant_params` makes for it. Two
bits are four steps, four bits are sixteen. Below, what is lost: a saw that goes up and down by half a step.
Every bit more halves the teeth.
"""

# %% tags=["picture"]
rounded_to = yours_or_ours("fake_quantize", parts.fake_quantize, lambda f: f(torch.tensor([-1.3, 0.9, 5.0]), 0.5, 1, 0, 3))
ramp = torch.linspace(-1, 2, 1201)
stairs = {}
for bits in (2, 3, 4):
    s, z = grid_of(-1.0, 2.0, bits)
    stairs[bits] = rounded_to(ramp, s, z, 0, 2**bits - 1)
worst = {bits: float((y - ramp).abs().max()) for bits, y in stairs.items()}
with plot.figure(
    f"A ramp from -1 to 2 through {whose('fake_quantize')} fake_quantize: staircases of 4, 8 and 16 steps; the error is a saw, at most "
    + ", ".join(f"{e:.2f} with {b} bits" for b, e in worst.items()),
    rows=2,
    columns=3,
    height=3.6,
) as axes:
    for i, (bits, y) in enumerate(stairs.items()):
        axes[i].plot(ramp, ramp, color="#DDDDDD")
        axes[i].plot(ramp, y)
        axes[i].set_title(f"{bits} bits")
        axes[i + 3].plot(ramp, y - ramp, color=plot.PALETTE[1], linewidth=1)
        axes[i + 3].set_ylim(-0.6, 0.6)
        axes[i + 3].set_xlabel("x")
    axes[0].set_ylabel("quantized")
    axes[3].set_ylabel("error")

# %% [markdown]
r"""
## 10.3 A gradient for a staircase

The slope of a staircase is 0 where it is flat, and where it jumps there is none. Autograd says so, correctly
and uselessly: no weight behind a rounding would ever move. In chapter 4 your `RoundSTE` put another gradient in its
place: *forward* rounds, *backward* is that of the identity. This is the **straight-through estimator** (STE). It is
not the derivative; it is a biased stand-in that works, because a staircase seen from far away is a ramp. (The same
stand-in trains networks with a table of learned codes, such as VQ-VAE.)

Seen from far away, this staircase is a ramp **with two flat ends**. Where the level was clamped, moving `x`
a little changes nothing, and moving it a little more changes nothing either. There the honest answer is 0.
"""

# %% [markdown]
r"""
**Where exactly does the ramp end?** At the level, not at the value. With levels 0 … 3, zero point 0 and a
scale of 1, the number 3.3 rounds to level 3, which exists: nothing was clamped, so the gradient passes. 3.7
rounds to 4, which does not: clamped, gradient 0. What decides is the *rounded level before the clamp*, and
both ends of the ruler count as inside.
"""

# %% [markdown]
r"""
### Exercise 10.3 · `fake_quant_ste`
*difficulty 2 of 3 · 15 minutes · about 6 lines*

Write `FakeQuantSTE`, a `torch.autograd.Function` used as `FakeQuantSTE.apply(x, scale, zero_point, qmin,
qmax)`. Forward is `fake_quantize`. Backward: the gradient of `x` is the upstream gradient times 1 where the
rounded level, round(x/scale) + zero_point, lay inside qmin … qmax (both ends included), and times 0 where it
was clamped. The other four arguments have no gradient. Neither `x` nor the upstream gradient is modified.

You may call your `fake_quantize`. Not allowed: torch's own `fake_quantize_…` and `quantize_per_…`.
"""


# %% nbgrader={"grade": false, "grade_id": "fake_quant_ste", "locked": false, "schema_version": 3, "solution": true, "task": false}
class FakeQuantSTE(torch.autograd.Function):
    """apply(x, scale, zero_point, qmin, qmax): any shape -> the same shape"""

    @staticmethod
    def forward(ctx, x, scale, zero_point, qmin, qmax):
        # about 3 lines
        ### BEGIN SOLUTION
        # backward asks one thing only: was this entry clamped?
        level = torch.round(x / scale) + zero_point
        ctx.save_for_backward((level >= qmin) & (level <= qmax))
        return fake_quantize(x, scale, zero_point, qmin, qmax)
        ### END SOLUTION

    @staticmethod
    def backward(ctx, grad_out):
        # about 2 lines
        ### BEGIN SOLUTION
        (inside,) = ctx.saved_tensors
        return grad_out * inside, None, None, None, None  # five arguments went in
        ### END SOLUTION


# %%
hint("fake_quant_ste")


# %% nbgrader={"grade": true, "grade_id": "fake_quant_ste__forward", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("fake_quant_ste__forward")
def _():
    def forward(*arguments):
        with check.lend(FakeQuantSTE, fake_quantize=parts.fake_quantize):
            return FakeQuantSTE.apply(*arguments)

    x = torch.tensor([[-1.3, -0.2, 0.3], [0.9, 5.0, 0.0]])
    check.close(
        "forward is the staircase: levels 0 to 3, half a unit apart, level 1 is 0",
        lambda: forward(x, 0.5, 1, 0, 3),
        expected=torch.tensor([[-0.5, 0.0, 0.5], [1.0, 1.0, 0.0]]),
    )
    check.close(
        "in its forward, too, a half goes to the even neighbour before the zero point is added",
        lambda: forward(torch.tensor([0.5, 1.5, 2.5, -0.5, -1.5, -2.5]), 1.0, 3, -8, 7),
        expected=torch.tensor([0.0, 2.0, 2.0, 0.0, -2.0, -2.0]),
    )
    ### BEGIN HIDDEN TESTS
    wide = parts.between(311, 5, 6, low=-140, high=140, unit=0.02, dtype="float64", strided=True)
    check.close(
        "forward on eight signed bits in float64, not contiguous",
        lambda: forward(wide, 0.02, -3, -128, 127),
        expected=lambda: parts.fake_quantize(wide, 0.02, -3, -128, 127),
    )
    one = parts.between(312, 1, 4, low=-3, high=3)
    check.close(
        "forward of a batch of one on a symmetric grid",
        lambda: forward(one, 1.0, 0, -1, 1),
        expected=lambda: parts.fake_quantize(one, 1.0, 0, -1, 1),
    )
    check.probes("what FakeQuantSTE promises besides its numbers", lambda: lambda x: forward(x, 0.5, 1, 0, 3), parts.between(952, 5, 4, low=-3, high=5, unit=0.5), expected=lambda: lambda x: parts.fake_quantize(x, 0.5, 1, 0, 3))
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "fake_quant_ste__gradient", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("fake_quant_ste__gradient")
def _():
    def gradient(x, upstream, *arguments):
        leaf = x.detach().requires_grad_()
        with check.lend(FakeQuantSTE, fake_quantize=parts.fake_quantize):
            return torch.autograd.grad(FakeQuantSTE.apply(leaf, *arguments), leaf, upstream)[0]

    x = torch.tensor([0.2, 1.3, 3.3, 3.8, -0.3, -0.9])
    upstream = torch.tensor([2.0, -3.0, 5.0, 7.0, 11.0, 13.0])
    check.close(
        "levels 0 to 3: 3.3 and -0.3 round to a level that exists and pass, 3.8 and -0.9 were clamped",
        lambda: gradient(x, upstream, 1.0, 0, 0, 3),
        expected=torch.tensor([2.0, -3.0, 5.0, 0.0, 11.0, 0.0]),
        advice="look at the level after rounding and before the clamp",
    )
    check.close(
        "with level 2 for 0 and marks 0.5 apart, the ruler reaches from -1 to 0.5",
        lambda: gradient(
            torch.tensor([-1.6, -1.1, 0.6, 0.9]), torch.tensor([1.0, 2.0, 3.0, 4.0]), 0.5, 2, 0, 3
        ),
        expected=torch.tensor([0.0, 2.0, 3.0, 0.0]),
        advice="the zero point and the scale move the place where the clamping begins",
    )
    ### BEGIN HIDDEN TESTS
    cases = {
        "gradients on eight signed bits": (0.02, -5, -128, 127, (9, 6), "float32"),
        "gradients in float64, nothing contiguous": (0.3, 4, 0, 15, (5, 7), "float64"),
        "gradients on two symmetric bits": (0.7, 0, -1, 1, (4, 3, 2), "float32"),
        "gradients of a batch of one": (1.0, 2, 0, 3, (1, 8), "float64"),
    }
    for number, (name, (scale, zero, low, high, shape, dtype)) in enumerate(cases.items()):
        span = (low - zero - 3, high - zero + 3)
        x = parts.between(
            320 + number, *shape, low=span[0], high=span[1], unit=scale, dtype=dtype, strided=True
        )
        upstream = check.tensor(330 + number, *shape, dtype=dtype, strided=True)

        def expected(x=x, upstream=upstream, scale=scale, zero=zero, low=low, high=high):
            level = torch.round(x / scale) + zero
            return upstream * ((level >= low) & (level <= high))

        check.close(
            f"{name}",
            lambda x=x, u=upstream, at=(scale, zero, low, high): gradient(x, u, *at),
            expected=expected,
        )
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "fake_quant_ste__care", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("fake_quant_ste__care")
def _():
    x, upstream = torch.tensor([0.2, 2.0, -1.7]), torch.tensor([1.0, -2.0, 3.0])

    def two_runs(a, first, second):
        with check.lend(FakeQuantSTE, fake_quantize=parts.fake_quantize):
            leaves = [a.detach().requires_grad_() for _ in range(2)]
            narrow = FakeQuantSTE.apply(leaves[0], 0.8, 0, -1, 1)
            wide = FakeQuantSTE.apply(leaves[1], 0.8, 0, -8, 7)
            again = torch.autograd.grad(narrow, leaves[0], first, retain_graph=True)[0]
            return [
                torch.autograd.grad(narrow, leaves[0], first)[0],
                torch.autograd.grad(wide, leaves[1], second)[0],
                again,
            ]

    def kind():
        with check.lend(FakeQuantSTE, fake_quantize=parts.fake_quantize):
            out = FakeQuantSTE.apply(x.clone().requires_grad_(), 1.0, 0, -8, 7)
        return [
            issubclass(FakeQuantSTE, torch.autograd.Function),
            isinstance(out.grad_fn, torch.autograd.function.BackwardCFunction),
        ]

    check.equal(
        "FakeQuantSTE is a Function, and apply hangs a node of its own into the graph",
        kind,
        expected=[True, True],
        advice="class FakeQuantSTE(torch.autograd.Function), with two static methods",
    )
    check.close(
        "a narrow and a wide run at once: each remembers its own levels, and a second backward is the same",
        lambda: two_runs(x, upstream, upstream),
        expected=[
            torch.tensor([1.0, 0.0, 0.0]),
            torch.tensor([1.0, -2.0, 3.0]),
            torch.tensor([1.0, 0.0, 0.0]),
        ],
    )
    check.unchanged(
        "FakeQuantSTE changes neither x nor the upstream gradient",
        lambda: two_runs(x, upstream, upstream),
        x,
        upstream,
    )
    ### BEGIN HIDDEN TESTS
    spread = torch.tensor(-1.5).expand(3)
    check.close(
        "an upstream gradient expanded from one number",
        lambda: two_runs(x, spread, spread),
        expected=[torch.tensor([-1.5, 0.0, 0.0]), torch.tensor([-1.5] * 3), torch.tensor([-1.5, 0.0, 0.0])],
    )
    ### END HIDDEN TESTS


# %% [markdown]
r"""
**Both gradients, drawn.** Your staircase and your gradient below it, beside what autograd finds by itself. The
dashed line is the ramp that backward believes in: it ends half a step *beyond* the last levels.
"""

# %% tags=["picture"]
def slopes_of(function):
    leaf = torch.linspace(-2.4, 2.4, 601, requires_grad=True)
    return torch.autograd.grad(function.apply(leaf, 0.5, 2, 0, 5).sum(), leaf)[0]


through = yours_or_ours("FakeQuantSTE", parts.FakeQuantSTE, slopes_of)
leaf = torch.linspace(-2.4, 2.4, 601, requires_grad=True)
plain = rounded_to(leaf, 0.5, 2, 0, 5)
honest = torch.autograd.grad(plain.sum(), leaf)[0] if plain.requires_grad else torch.zeros(601)
straight = slopes_of(through)
passed = leaf.detach()[straight > 0]

# %% tags=["picture"]
with plot.figure(
    f"Above, six levels from -1 to 1.5 as a staircase; below, its gradient: autograd's own is 0 everywhere, "
    f"{whose('FakeQuantSTE')} straight-through gradient is 1 from {float(passed.min()):.2f} to {float(passed.max()):.2f}",
    rows=2,
    height=3.8,
) as axes:
    axes[0].plot(
        leaf.detach(), leaf.detach().clamp(-1.25, 1.75), "--", color="#999999", label="what backward believes"
    )
    axes[0].plot(leaf.detach(), plain.detach(), label="forward")
    axes[0].legend()
    axes[1].plot(leaf.detach(), straight, color=plot.PALETTE[1], label="straight through")
    axes[1].plot(leaf.detach(), honest, ":", color="#222222", label="autograd's")
    axes[0].set_ylabel("y")
    axes[1].set_ylabel("gradient")
    axes[1].set_xlabel("x")
    axes[1].legend()

# %% [markdown]
r"""
## 10.4 Which range?

Weights hold still: their range is a `min` and a `max` away. **Activations** are new with every batch. Their
range has to be watched while the network runs, by something that sits in it, lets everything through, and
takes notes. That is an **observer**.

What to note? The largest value ever seen is one sample's doing: a single outlier stretches the ruler for ever
after. A **moving average** of each batch's range forgets: $val \leftarrow (1 - m)\,val + m \cdot new$, as in
the batch norm of chapter 5. It needs a first value, and the only honest one is the first batch's own.
"""

# %% [markdown]
r"""
**Buffers again.** `min_val` and `max_val` are state that is no parameter: no optimizer moves them, but they
travel with the model, to a file and to a device. And they must not keep a graph. An average of averages of
tensors that remember where they came from is a chain through every batch since the beginning.
"""

# %% [markdown]
r"""
### Exercise 10.4 · `range_observer`
*difficulty 2 of 3 · 15 minutes · about 12 lines*

Write `RangeObserver(momentum=0.1)`, an `nn.Module` with 0-dim **buffers** `min_val` and `max_val`. Its forward
returns `x`, of any shape, unchanged, and gradients pass through it.

- In training mode the first batch sets both buffers to its own smallest and largest value. Each later one moves
  them: val ← (1 − momentum) · val + momentum · new.
- In eval mode nothing is updated, also before the first training batch. What the buffers hold until then is up
  to you, and so is whether a model loaded from a file goes on with the average.
- The buffers keep no graph.
"""


# %% nbgrader={"grade": false, "grade_id": "range_observer", "locked": false, "schema_version": 3, "solution": true, "task": false}
class RangeObserver(nn.Module):
    """any shape -> the same tensor; notes the range of what passes in training"""

    # about 12 lines
    ### BEGIN SOLUTION
    def __init__(self, momentum=0.1):
        super().__init__()
        self.momentum = momentum
        # nan: not a range yet. Any number, 0 and inf included, might be one that was really seen
        self.register_buffer("min_val", torch.tensor(math.nan))
        self.register_buffer("max_val", torch.tensor(math.nan))

    def forward(self, x):
        if self.training:
            with torch.no_grad():
                for val, new in ((self.min_val, x.min()), (self.max_val, x.max())):
                    val.copy_(new if val.isnan() else (1 - self.momentum) * val + self.momentum * new)
        return x

    ### END SOLUTION


# %%
hint("range_observer")


# %% nbgrader={"grade": true, "grade_id": "range_observer__range", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("range_observer__range")
def _():
    def watch(*batches, **settings):
        observer = RangeObserver(**settings).to(batches[0].dtype)
        seen = []
        for batch in batches:
            observer(batch)
            seen.append([float(observer.min_val), float(observer.max_val)])
        return seen

    first, second = torch.tensor([[-2.0, 0.5], [1.0, 4.0]]), torch.tensor([[-1.0, 3.0], [14.0, 0.0]])
    check.close(
        "the first batch sets the range: -2 to 4",
        lambda: watch(first),
        expected=[[-2.0, 4.0]],
        rtol=1e-5,
        advice="is the average already mixed with something that was never seen?",
    )
    check.close(
        "then a tenth of each new range: 0.9·(-2) + 0.1·(-1) = -1.9, and 0.9·4 + 0.1·14 = 5",
        lambda: watch(first, second),
        expected=[[-2.0, 4.0], [-1.9, 5.0]],
        rtol=1e-5,
        advice="momentum is the weight of what is new",
    )
    check.close("with momentum 0.5 it is the middle of the two", lambda: watch(first, second, momentum=0.5), expected=[[-2.0, 4.0], [-1.5, 9.0]], rtol=1e-5)
    above = [torch.tensor([5.0, 7.0]), torch.tensor([6.0, 9.0])]
    check.close(
        "it is the range of what passed, which need not hold 0: from 5 to 7, then a tenth of 6 to 9",
        lambda: watch(*above),
        expected=[[5.0, 7.0], [5.1, 7.2]],
        rtol=1e-5,
    )
    ### BEGIN HIDDEN TESTS
    batches = [check.tensor(410 + i, 3, 5, 2, strided=True) * (1 + i) for i in range(5)]

    def expected(batches, momentum):
        low, high, seen = float(batches[0].min()), float(batches[0].max()), []
        for i, batch in enumerate(batches):
            if i:
                low = (1 - momentum) * low + momentum * float(batch.min())
                high = (1 - momentum) * high + momentum * float(batch.max())
            seen.append([low, high])
        return seen

    check.close(
        "five batches of three axes, not contiguous",
        lambda: watch(*batches, momentum=0.3),
        expected=lambda: expected(batches, 0.3),
        rtol=1e-4,
    )
    wide = [check.tensor(420 + i, 8, dtype="float64") for i in range(3)]
    check.close(
        "an observer and batches in float64",
        lambda: watch(*wide),
        expected=lambda: expected(wide, 0.1),
        rtol=1e-4,
    )
    check.probes("what RangeObserver promises besides its numbers", lambda: lambda x: watch(x, 2 * x, momentum=0.25), check.tensor(953, 5, 4), rtol=1e-4, expected=lambda: lambda x: expected([x, 2 * x], 0.25))
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "range_observer__first", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("range_observer__first")
def _():
    def watch(*batches, **settings):
        observer = RangeObserver(**settings).to(batches[0].dtype)
        seen = []
        for batch in batches:
            observer(batch)
            seen.append([float(observer.min_val), float(observer.max_val)])
        return seen

    nothing, some = torch.zeros(4), torch.tensor([10.0, -20.0])
    check.close(
        "a first batch of zeros is a range like any other: the second moves it by a fifth",
        lambda: watch(nothing, some, momentum=0.2),
        expected=[[0.0, 0.0], [-4.0, 2.0]],
        rtol=1e-5,
        advice="how does your observer know that a batch is the first?",
    )

    ### BEGIN HIDDEN TESTS
    def expected(batches, momentum):
        low, high, seen = float(batches[0].min()), float(batches[0].max()), []
        for i, batch in enumerate(batches):
            if i:
                low = (1 - momentum) * low + momentum * float(batch.min())
                high = (1 - momentum) * high + momentum * float(batch.max())
            seen.append([low, high])
        return seen

    above = [torch.tensor([[5.0]]), torch.tensor([[7.0]]), torch.tensor([[6.0, 9.0]])]
    check.close(
        "values that are all positive, one at a time",
        lambda: watch(*above),
        expected=lambda: expected(above, 0.1),
        rtol=1e-4,
    )
    check.close(
        "momentum 1 keeps the last range only",
        lambda: watch(*above, momentum=1.0)[-1],
        expected=lambda: expected(above, 1.0)[-1],
        rtol=1e-4,
    )
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "range_observer__modes", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("range_observer__modes")
def _():
    a, b = torch.tensor([-1.0, 2.0]), torch.tensor([-50.0, 60.0])

    def walk(*steps):
        observer = RangeObserver(momentum=0.5)
        for training, batch in steps:
            observer.train(training)
            observer(batch)
        return [float(observer.min_val), float(observer.max_val), observer.training]

    check.close(
        "eval mode looks and notes nothing",
        lambda: walk((True, a), (False, b), (False, b)),
        expected=[-1.0, 2.0, False],
        rtol=1e-5,
    )
    check.close(
        "a batch in eval mode is not the first: the range is the first training batch's",
        lambda: walk((False, b), (True, a)),
        expected=[-1.0, 2.0, True],
        rtol=1e-5,
    )
    check.close(
        "training goes on after an evaluation, from where it was",
        lambda: walk((True, a), (False, b), (True, b)),
        expected=[-25.5, 31.0, True],
        rtol=1e-5,
    )
    ### BEGIN HIDDEN TESTS

    def two():
        one, other = RangeObserver(), RangeObserver()
        one(a)
        other(b)
        one(a)
        return [float(o) for o in (one.min_val, one.max_val, other.min_val, other.max_val)]

    check.close("two observers do not share their notes", two, expected=[-1.0, 2.0, -50.0, 60.0], rtol=1e-5)
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "range_observer__passes", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("range_observer__passes")
def _():
    x, upstream = torch.tensor([[-1.5, 2.0, 0.5]]), torch.tensor([[3.0, -4.0, 5.0]])

    def through(x, upstream, training=True):
        observer = RangeObserver().to(x.dtype).train(training)
        leaf = x.detach().requires_grad_()
        y = observer(leaf)
        return [y.detach(), torch.autograd.grad(y, leaf, upstream)[0]]

    check.equal(
        "what comes out is what went in, and so is the gradient",
        lambda: through(x, upstream),
        expected=[x.clone(), upstream.clone()],
        advice="forward returns x, whatever it noted",
    )

    def inside():
        observer = RangeObserver()
        for _ in range(3):
            observer(x.detach().clone().requires_grad_())
        found = dict(observer.named_buffers())
        return {
            "buffers": [name in found for name in ("min_val", "max_val")],
            "axes": [getattr(observer, name).ndim for name in ("min_val", "max_val")],
            "graph": [getattr(observer, name).requires_grad for name in ("min_val", "max_val")],
            "parameters": len(list(observer.parameters())),
            "grad mode": torch.is_grad_enabled(),
        }

    check.equal(
        "min_val and max_val are buffers without axes and without a graph, and there are no parameters",
        inside,
        expected={
            "buffers": [True, True],
            "axes": [0, 0],
            "graph": [False, False],
            "parameters": 0,
            "grad mode": True,
        },
        advice="self.register_buffer(name, tensor), and notes are taken under torch.no_grad()",
    )
    def a_narrow_range_first():
        observer = RangeObserver()
        observer(torch.tensor([0.0, 1.0]))
        return observer(torch.tensor([-7.0, 9.0]))

    check.equal("what lies outside the noted range passes as it is", a_narrow_range_first, expected=torch.tensor([-7.0, 9.0]))
    check.unchanged("observing leaves the batch alone", lambda: through(x, upstream), x)
    ### BEGIN HIDDEN TESTS
    cube, other = (
        check.tensor(431, 2, 3, 4, dtype="float64", strided=True),
        check.tensor(432, 2, 3, 4, dtype="float64"),
    )
    check.equal(
        "eval mode lets everything through, in float64",
        lambda: through(cube, other, False),
        expected=lambda: [cube, other],
    )
    check.equal("training mode lets everything through, not contiguous", lambda: through(cube, other), expected=lambda: [cube, other])
    ### END HIDDEN TESTS


# %% [markdown]
r"""
**Watch it watch.** Sixty batches of activations, one of them with an outlier of 12. The dots are each batch's
largest value. Your observer's `max_val` jumps and then forgets; the largest value ever seen (dashed) stays, and a
grid made for it is too long until the end of training. The line below the picture says how many times. Every
other value pays for that with coarser steps.
"""

# %% tags=["picture"]
draw = torch.Generator().manual_seed(4)
batches = [torch.randn(256, generator=draw) * (1.2 - 0.4 * i / 60) for i in range(60)]
batches[20][7] = 12.0
def two_batches(kind):
    watcher = kind(momentum=0.25)
    return [watcher(batch) for batch in batches[:2]] + [watcher.min_val, watcher.max_val]


observing = yours_or_ours("RangeObserver", parts.RangeObserver, two_batches)
observer, tops, lows = observing(momentum=0.1), [], []
for batch in batches:
    observer(batch)
    tops.append(float(observer.max_val))
    lows.append(float(observer.min_val))
each = np.array([float(batch.max()) for batch in batches])
with plot.figure(
    f"The range of activations over 60 batches: {whose('RangeObserver')} max_val rises to {max(tops):.1f} after an outlier of 12 in batch "
    f"20 and is back at {tops[-1]:.1f} at the end; the largest value ever seen stays at 12",
) as ax:
    ax.plot(each, ".", color="#999999", label="each batch's largest")
    ax.plot(tops, label="max_val")
    ax.plot(lows, color=plot.PALETTE[2], label="min_val")
    ax.plot(np.maximum.accumulate(each), "--", color=plot.PALETTE[1], label="largest ever seen")
    ax.set_xlabel("batch")
    ax.set_ylabel("value")
    ax.legend(ncols=2, loc=(0.4, 0.64))  # above the dots, below the dashed line
print(f"at the end the largest value ever seen is {12 / tops[-1]:.1f} times max_val")

# %% [markdown]
r"""
## 10.5 A range that learns

An observer *describes* a range. It cannot know that the network would be better off with a shorter one: two
per cent of the values clipped, and every other value on a grid twice as fine. That trade is a question for the
loss, and whoever wants to ask the loss needs a parameter.

**PACT** (*parameterized clipping activation*) replaces the ReLU by a ReLU with a lid: everything above
$\alpha$ is $\alpha$. Then the range is [0, α], known and fixed at any moment, and α is learned.

$$y = \text{clip}(x, 0, \alpha), \qquad \frac{\partial y}{\partial x} = [\,0 < x < \alpha\,], \qquad
\frac{\partial y}{\partial \alpha} = [\,x \ge \alpha\,]$$
"""

# %% [markdown]
r"""
One number is shared by all entries, so its gradient is a **sum** over all entries: of the upstream gradient,
where the entry hit the lid. An entry exactly *at* α counts as having hit it. That border is what the
formula says, and a choice: different spellings of the same clip disagree there.
"""

# %% [markdown]
r"""
### Exercise 10.5 · `pact`
*difficulty 2 of 3 · 12 minutes · about 5 lines*

Write `PACT(alpha=6.0)`, an `nn.Module` with one parameter `alpha` of a single element (of shape () or (1,),
as you like) that starts at the given value. Forward: clip(x, 0, alpha), for x of any shape; `x` stays as it
is.

Gradients, for an upstream gradient g: that of `alpha` is the sum of g where x ≥ alpha, the border included;
that of x is g strictly between 0 and alpha, and 0 outside.
"""


# %% nbgrader={"grade": false, "grade_id": "pact", "locked": false, "schema_version": 3, "solution": true, "task": false}
class PACT(nn.Module):
    """any shape -> the same shape, between 0 and the learned alpha"""

    # about 5 lines
    ### BEGIN SOLUTION
    def __init__(self, alpha=6.0):
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor(float(alpha)))

    def forward(self, x):
        # where() hands each entry's gradient to the branch it came from, and sums alpha's share by itself
        return torch.where(x >= self.alpha, self.alpha, torch.relu(x))

    ### END SOLUTION


# %%
hint("pact")


# %% nbgrader={"grade": true, "grade_id": "pact__forward", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("pact__forward")
def _():
    def forward(x, **settings):
        return PACT(**settings).to(x.dtype)(x)

    x = torch.tensor([[-1.5, 0.7, 2.0], [7.5, 0.0, 5.9]])
    check.close(
        "negative entries become 0, and with alpha 2 nothing is above 2",
        lambda: forward(x, alpha=2.0),
        expected=torch.tensor([[0.0, 0.7, 2.0], [2.0, 0.0, 2.0]]),
    )
    check.close(
        "without a number alpha is 6",
        lambda: forward(x),
        expected=torch.tensor([[0.0, 0.7, 2.0], [6.0, 0.0, 5.9]]),
    )
    check.close(
        "in eval mode the lid is where it was: with alpha 2 nothing is above 2",
        lambda: PACT(alpha=2.0).eval()(x),
        expected=torch.tensor([[0.0, 0.7, 2.0], [2.0, 0.0, 2.0]]),
    )
    check.unchanged("PACT leaves its input alone", lambda: forward(x), x)
    ### BEGIN HIDDEN TESTS
    cube = check.tensor(511, 4, 3, 2, 5, dtype="float64", strided=True)
    check.close(
        "a clip of four axes in float64, not contiguous",
        lambda: forward(cube, alpha=0.6),
        expected=lambda: cube.clamp(0, 0.6),
    )
    check.close(
        "in eval mode the lid is where it was",
        lambda: PACT(alpha=0.6).to(cube.dtype).eval()(cube),
        expected=lambda: cube.clamp(0, 0.6),
    )
    one = check.tensor(512, 1, 6)
    check.close(
        "a clip of a batch of one", lambda: forward(one, alpha=0.25), expected=lambda: one.clamp(0, 0.25)
    )
    check.probes("what PACT promises besides its numbers", lambda: PACT(0.6), check.tensor(954, 5, 4, away_from=0.0), promises=("memory that is not contiguous", "one row", "float64", "the same call twice", "inputs left alone", "training and evaluation"), expected=lambda: nn.Hardtanh(0.0, 0.6))
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "pact__gradients", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("pact__gradients")
def _():
    def gradients(x, upstream, alpha):
        module = PACT(alpha=alpha).to(x.dtype)
        leaf = x.detach().requires_grad_()
        module(leaf).backward(upstream)
        return {"alpha": float(module.alpha.grad.sum()), "x": leaf.grad}

    x = torch.tensor([[-1.0, 0.5, 1.5], [2.5, 4.0, -3.0]])
    upstream = torch.tensor([[2.0, 3.0, -5.0], [7.0, 11.0, 13.0]])
    check.close(
        "alpha 2: two entries hit the lid, 7 + 11 = 18; 3 and -5 pass; below 0 nothing does",
        lambda: gradients(x, upstream, 2.0),
        expected={"alpha": 18.0, "x": torch.tensor([[0.0, 3.0, -5.0], [0.0, 0.0, 0.0]])},
        rtol=1e-5,
        advice="does alpha take part in the forward pass as a tensor?",
    )
    check.close(
        "an entry exactly at alpha counts for alpha, in full, and x gets nothing from it",
        lambda: gradients(torch.tensor([2.0, 1.0, 3.0]), torch.tensor([10.0, 1.0, 0.5]), 2.0),
        expected={"alpha": 10.5, "x": torch.tensor([0.0, 1.0, 0.0])},
        rtol=1e-5,
        advice="x >= alpha: which spelling of the clip gives the border to alpha?",
    )
    ### BEGIN HIDDEN TESTS
    for number, (name, shape, dtype, alpha) in enumerate(
        [
            ("the gradients of four axes, not contiguous", (3, 2, 4, 5), "float32", 0.7),
            ("the gradients in float64", (6, 4), "float64", 0.3),
            ("the gradients of a batch of one", (1, 9), "float32", 0.45),
        ]
    ):
        x = parts.between(520 + number, *shape, low=-3, high=4, unit=alpha, dtype=dtype, strided=True)
        g = check.tensor(530 + number, *shape, dtype=dtype, strided=True)
        check.close(
            f"{name}",
            lambda x=x, g=g, alpha=alpha: gradients(x, g, alpha),
            expected=lambda: {"alpha": float(g[x >= alpha].sum()), "x": g * ((x > 0) & (x < alpha))},
            rtol=1e-4,
            atol=1e-5,
        )
    low = torch.tensor([0.1, 0.2, -5.0])
    check.close(
        "where nothing hits the lid alpha's gradient is 0",
        lambda: gradients(low, torch.tensor([1.0, 2.0, 3.0]), 1.0),
        expected={"alpha": 0.0, "x": torch.tensor([1.0, 2.0, 0.0])},
    )
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "pact__parameter", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("pact__parameter")
def _():
    def inside():
        module = PACT(alpha=3.5)
        found = dict(module.named_parameters())
        return {
            "names": sorted(found),
            "elements": [p.numel() for p in found.values()],
            "value": float(found["alpha"].detach().sum()),
        }

    check.close(
        "alpha is the one parameter, has one element, and starts at the given value",
        inside,
        expected={"names": ["alpha"], "elements": [1], "value": 3.5},
        rtol=1e-5,
        advice="nn.Parameter makes a tensor that an optimizer finds",
    )

    def learned(batches):
        module, outputs = PACT(alpha=2.0), []
        for x in batches:
            y = module(x)
            y.sum().backward()
            outputs.append(float(y.detach().max()))
            with torch.no_grad():
                module.alpha.sub_(0.25 * module.alpha.grad)
            module.alpha.grad = None
        return [*outputs, float(module.alpha.detach().sum())]

    check.close(
        "a step down moves the lid: one entry above it, and alpha goes from 2 to 1.75 to 1.5",
        lambda: learned([torch.tensor([5.0, 1.0])] * 2),
        expected=[2.0, 1.75, 1.5],
        rtol=1e-5,
    )
    ### BEGIN HIDDEN TESTS
    x = torch.tensor([3.0, 4.0, 0.5])

    def twice():
        module = PACT(alpha=1.0)
        y = module(x)
        y.sum().backward(retain_graph=True)
        y.sum().backward()
        return float(module.alpha.grad.sum())

    check.close("two backwards add up in alpha's gradient", twice, expected=4.0, rtol=1e-5)

    def two():
        modules, leaves = [PACT(alpha=a) for a in (2.0, 3.5)], [x.clone().requires_grad_() for _ in range(2)]
        outputs = [module(leaf) for module, leaf in zip(modules, leaves)]
        for y in outputs:
            y.sum().backward()
        return [[float(m.alpha.grad.sum()) for m in modules], [leaf.grad for leaf in leaves]]

    check.close(
        "two modules at once have their own alpha, and remember their own x",
        two,
        expected=[[2.0, 1.0], [torch.tensor([0.0, 0.0, 1.0]), torch.tensor([1.0, 0.0, 1.0])]],
        rtol=1e-5,
    )
    ### END HIDDEN TESTS


# %% [markdown]
r"""
**Let the loss choose.** Values with a long tail, three bits behind your PACT, and as a loss the mean squared
error against the values as they were. Too low a lid clips too much, too high a one makes the steps coarse.
From 10 and from 0.5, α walks to the same place, between the two evils.
"""

# %% tags=["picture"]
def lid_gradients(kind):
    module, x = kind(alpha=2.0), torch.tensor([-1.0, 0.5, 2.5], requires_grad=True)
    module(x).sum().backward()
    return [x.grad, float(module.alpha.grad.sum())]


lid = yours_or_ours("PACT", parts.PACT, lid_gradients)
values = torch.distributions.Exponential(1.0).sample((4000,))


def three_bits(y, alpha):
    step = alpha / 7
    return y + (torch.round(y / step).detach() - (y / step).detach()) * step  # the step takes part


paths = {}
for start in (10.0, 0.5):
    module, path = lid(alpha=start), []
    optimizer = torch.optim.Adam(module.parameters(), lr=0.1)
    for _ in range(400):
        path.append(float(module.alpha.detach().sum()))
        loss = ((three_bits(module(values), module.alpha) - values) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    paths[f"from {start:g}"] = path
plot.curves(
    paths,
    ylabel="alpha",
    alt=f"alpha of {whose('PACT')} PACT over 400 steps: " + ", ".join(f"{n} to {p[-1]:.2f}" for n, p in paths.items()),
)

# %% [markdown]
r"""
## 10.6 A step that learns

PACT learns where the ruler ends. **LSQ** (*learned step size quantization*) learns the distance of its marks,
for weights as well as activations, and that one number says both. With $v = x/s$, the output is
$s \cdot \text{round}(\text{clamp}(v, -Q_N, Q_P))$. Which way should $s$ move? Differentiate, straight through
the rounding, by the product rule:

$$\frac{\partial y}{\partial s} = \begin{cases} \text{round}(v) - v & -Q_N < v < Q_P \\ -Q_N & v \le -Q_N \\
Q_P & v \ge Q_P \end{cases}$$
"""

# %% [markdown]
r"""
**What the formula says.** Outside, $y$ is the last level times $s$, so its slope is the level. Inside it is the
rounding error, counted in steps. Now put a loss behind it: the squared error $(y - x)^2$ against the value itself.
Inside, $y - x = s\,(\text{round}(v) - v)$, so a value's share is $2s\,(\text{round}(v) - v)^2$: never negative.
**Every value inside asks for a smaller step, every clipped one for a larger**, and $s$ rests where the two balance.
Plain autograd through `x / s` and `* s` gives this formula, *if* the rounding is straight-through and nothing else is.
"""

# %% [markdown]
r"""

Two things remain. The **sum** over all entries grows with their number, and would drown every other gradient;
the authors multiply it by $1/\sqrt{n\,Q_P}$, for $n$ entries. And a first $s$ has to come from somewhere: from
the first data the module meets, $2\,\overline{|x|}/\sqrt{Q_P}$.
"""

# %% [markdown]
r"""
### Exercise 10.6 · `lsq`
*difficulty 3 of 3 · 25 minutes · about 15 lines*

Write `LSQ(bits, signed=True)`, an `nn.Module` with one 0-dim parameter `scale`. Levels are −Q_N … Q_P:
−2^(bits−1) … 2^(bits−1) − 1, or 0 … 2^bits − 1 with `signed=False`. The **first** forward sets `scale` to
2·mean(|x|)/√Q_P and uses it at once; `scale` is the same Parameter object before and after, because an optimizer may
hold it already. With v = x/scale, forward gives scale · round(v), the level clamped.

Gradients, *inside* meaning −Q_N < v < Q_P before rounding: that of x is the upstream gradient inside and 0
outside. That of `scale` sums, over the entries, the upstream gradient times round(v) − v inside, −Q_N or Q_P
outside; all of it times 1/√(n·Q_P), n the number of entries of x. Nothing is tested at a border or an exact
half.
"""


# %% nbgrader={"grade": false, "grade_id": "lsq", "locked": false, "schema_version": 3, "solution": true, "task": false}
class LSQ(nn.Module):
    """any shape -> the same shape, on a grid whose step is learned"""

    # about 15 lines
    ### BEGIN SOLUTION
    def __init__(self, bits, signed=True):
        super().__init__()
        self.q_n, self.q_p = (2 ** (bits - 1), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        self.scale = nn.Parameter(torch.tensor(1.0))
        self.started = False

    def forward(self, x):
        if not self.started:
            with torch.no_grad():  # in place: an optimizer that was made before holds this very tensor
                self.scale.copy_(2 * x.abs().mean() / math.sqrt(self.q_p))
            self.started = True
        # the same number, with its gradient made smaller: x.detach() + (x - x.detach()) * g
        g = 1 / math.sqrt(x.numel() * self.q_p)
        scale = self.scale.detach() + (self.scale - self.scale.detach()) * g
        v = (x / scale).clamp(-self.q_n, self.q_p)
        level = v + (torch.round(v) - v).detach()
        return level * scale

    ### END SOLUTION


# %%
hint("lsq")


# %% nbgrader={"grade": true, "grade_id": "lsq__start", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("lsq__start")
def _():
    def started(x, *arguments, **named):
        module = LSQ(*arguments, **named).to(x.dtype)
        module(x)
        return float(module.scale.detach())

    x = torch.tensor([[1.0, -1.0], [3.0, -3.0]])
    check.close(
        "the sizes of x are 2 on average, and three signed bits end at 3: the scale starts at 4/√3",
        lambda: started(x, 3),
        expected=4 / math.sqrt(3),
        rtol=1e-5,
    )
    check.close(
        "three unsigned bits end at 7: 4/√7",
        lambda: started(x.abs(), 3, signed=False),
        expected=4 / math.sqrt(7),
        rtol=1e-5,
    )

    ### BEGIN HIDDEN TESTS
    wide = check.tensor(611, 7, 5, dtype="float64", strided=True)
    check.close(
        "eight signed bits in float64",
        lambda: started(wide, 8),
        expected=lambda: 2 * float(wide.abs().mean()) / math.sqrt(127),
        rtol=1e-6,
    )
    check.close(
        "two signed bits, whose highest level is 1",
        lambda: started(wide.float(), 2),
        expected=lambda: 2 * float(wide.abs().mean()),
        rtol=1e-5,
    )
    check.close(
        "two modules start on their own",
        lambda: [started(x, 3), started(3 * x, 3), started(x, 3)],
        expected=[4 / math.sqrt(3), 12 / math.sqrt(3), 4 / math.sqrt(3)],
        rtol=1e-5,
    )
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "lsq__parameter", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("lsq__parameter")
def _():
    x = torch.tensor([[1.0, -1.0], [2.0, -4.0]])

    def later():
        module = LSQ(3)
        module(x)
        first = float(module.scale.detach())
        module(10 * x)
        return float(module.scale.detach()) / first

    check.close("a second forward does not start again", later, expected=1.0, rtol=1e-5)

    def inside():
        module = LSQ(4)
        module(x)
        return [[name, list(p.shape), p.requires_grad] for name, p in module.named_parameters()]

    check.equal("scale is the one parameter, and has no axes", inside, expected=[["scale", [], True]])

    def held_before():
        module = LSQ(3)
        optimizer = torch.optim.SGD(module.parameters(), lr=0.25)
        module(x).sum().backward()
        first = float(module.scale.detach())
        optimizer.step()
        return [float(module.scale.detach()) != first, len(list(module.parameters()))]

    check.equal(
        "an optimizer that was made before the first forward moves the scale",
        held_before,
        expected=[True, 1],
        advice="which object does the optimizer hold, and which one does forward use? Set its value in place",
    )

    ### BEGIN HIDDEN TESTS
    def the_same_object():
        module = LSQ(4, signed=False)
        before = module.scale
        seen = []
        for batch in (x.abs(), 3 * x.abs()):
            module(batch)
            seen.append(module.scale is before)
        return [*seen, dict(module.named_parameters())["scale"] is before]

    check.equal("the Parameter is the same object all along", the_same_object, expected=[True, True, True])

    def evaluated_first():
        module = LSQ(4).eval()
        module(x)
        module.train()
        module(5 * x)
        return float(module.scale.detach())

    check.close(
        "the first forward may come in eval mode",
        evaluated_first,
        expected=4 / math.sqrt(7),
        rtol=1e-5,
    )
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "lsq__forward", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("lsq__forward")
def _():
    def forward(x, scale, *arguments, training=True, **named):
        module = LSQ(*arguments, **named).to(x.dtype)
        module(torch.ones(3, dtype=x.dtype))
        with torch.no_grad():
            module.scale.fill_(scale)
        return module.train(training)(x).detach()

    x = torch.tensor([[0.6, -0.9, 2.0], [-3.0, 1.4, 0.1]])
    check.close(
        "three signed bits with scale 0.5: levels -4 to 3, so nothing is below -2 or above 1.5",
        lambda: forward(x, 0.5, 3),
        expected=torch.tensor([[0.5, -1.0, 1.5], [-2.0, 1.5, 0.0]]),
    )
    check.close(
        "two unsigned bits with scale 0.5: levels 0 to 3",
        lambda: forward(x, 0.5, 2, signed=False),
        expected=torch.tensor([[0.5, 0.0, 1.5], [0.0, 1.5, 0.0]]),
    )
    check.close(
        "eval mode rounds to the same grid",
        lambda: forward(x, 0.5, 3, training=False),
        expected=torch.tensor([[0.5, -1.0, 1.5], [-2.0, 1.5, 0.0]]),
    )
    check.unchanged("LSQ leaves its input alone", lambda: forward(x, 0.5, 3), x)
    check.close(
        "the very first forward uses the scale it starts with",
        lambda: LSQ(3)(torch.tensor([1.0, -1.0, 3.0, -3.0])).detach(),
        expected=torch.tensor([0.0, 0.0, 4 / math.sqrt(3), -4 / math.sqrt(3)]),
    )
    ### BEGIN HIDDEN TESTS
    for number, (bits, signed, dtype) in enumerate(
        [
            (2, True, "float32"),
            (4, True, "float64"),
            (8, True, "float32"),
            (4, False, "float32"),
            (8, False, "float64"),
        ]
    ):
        low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        y = parts.between(620 + number, 6, 5, low=low - 4, high=high + 4, unit=0.3, dtype=dtype, strided=True)
        check.close(
            f"{bits} bits, {'signed' if signed else 'unsigned'}, in {dtype}",
            lambda y=y, at=(bits, signed): forward(y, 0.3, *at),
            expected=lambda: parts.fake_quantize(y, 0.3, 0, low, high),
        )
    check.close(
        "in eval mode the grid is the same",
        lambda: forward(x, 0.5, 3, training=False),
        expected=torch.tensor([[0.5, -1.0, 1.5], [-2.0, 1.5, 0.0]]),
    )
    one = torch.tensor([[1.1]])
    check.close("one entry", lambda: forward(one, 0.25, 4), expected=torch.tensor([[1.0]]))
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "lsq__gradients", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
@check.cell("lsq__gradients")
def _():
    def gradients(x, upstream, scale, *arguments):
        module = LSQ(*arguments).to(x.dtype)
        module(torch.ones(3, dtype=x.dtype))
        with torch.no_grad():
            module.scale.fill_(scale)
        module.scale.grad = None
        leaf = x.detach().requires_grad_()
        module(leaf).backward(upstream)
        return {"x": leaf.grad, "scale": float(module.scale.grad)}

    x, upstream = torch.tensor([0.6, -0.9, 2.0, -3.0]), torch.tensor([1.0, 2.0, 1.0, 1.0])
    check.close(
        "the gradient of x passes inside, and is 0 where v itself lies beyond the last level",
        lambda: gradients(x, upstream, 0.5, 3)["x"],
        expected=torch.tensor([1.0, 2.0, 0.0, 0.0]),
        advice="only the scale's gradient is made smaller, not that of x",
    )
    check.close(
        "the scale's, for four values: (-0.2 - 2·0.2 + 3 - 4)/√(4·3), from v = 1.2, -1.8, 4 and -6",
        lambda: gradients(x, upstream, 0.5, 3)["scale"],
        expected=-1.6 / math.sqrt(12),
        rtol=1e-4,
        advice="try one entry at a time: 0.6 alone gives -0.2/√3",
    )
    check.close(
        "v = 2.7 and -3.7 round to the last levels, but lie inside: 0.3·1 - 0.3·10, over √(2·3)",
        lambda: gradients(torch.tensor([[1.35, -1.85]]), torch.tensor([[1.0, 10.0]]), 0.5, 3),
        expected={"x": torch.tensor([[1.0, 10.0]]), "scale": -2.7 / math.sqrt(6)},
        rtol=1e-4,
        advice="inside or outside is a question to v, before it is rounded",
    )
    ### BEGIN HIDDEN TESTS

    def expected(x, upstream, low, high):
        v = x / 0.3
        inside = (v > low) & (v < high)
        slope = torch.where(inside, torch.round(v) - v, v.clamp(low, high))
        return {
            "x": upstream * inside,
            "scale": float((upstream * slope).sum()) / math.sqrt(x.numel() * high),
        }

    cases = [((2, True), -2, 1, "float32", (4, 6)), ((4, True), -8, 7, "float64", (3, 2, 5))]
    cases += [((8, True), -128, 127, "float32", (9, 7)), ((2, False), 0, 3, "float32", (5, 5))]
    cases += [((4, False), 0, 15, "float64", (1, 8))]
    for number, (at, low, high, dtype, shape) in enumerate(cases):
        y = parts.between(
            640 + number, *shape, low=low - 2, high=high + 2, unit=0.3, dtype=dtype, strided=True
        )
        g = check.tensor(650 + number, *shape, dtype=dtype, strided=True)
        check.close(
            f"both gradients with {at[0]} bits, {'signed' if at[1] else 'unsigned'}",
            lambda y=y, g=g, at=at: gradients(y, g, 0.3, *at),
            expected=lambda: expected(y, g, low, high),
            rtol=1e-3,
            atol=1e-4,
        )
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "lsq__apart", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("lsq__apart")
def _():
    x = torch.tensor([1.0, -1.0, 2.0, -4.0])

    def of_two_batches():
        module = LSQ(3)
        module(torch.ones(3))
        with torch.no_grad():
            module.scale.fill_(0.5)
        found = []
        for batch in (torch.tensor([0.6]), torch.tensor([0.6] * 4)):
            module.scale.grad = None
            module(batch).sum().backward()
            found.append(float(module.scale.grad))
        return found

    check.close(
        "n is the number of entries of the batch at hand: one value of 0.6, -0.2/√3, then four, -0.8/√12",
        of_two_batches,
        expected=[-0.2 / math.sqrt(3), -0.8 / math.sqrt(12)],
        rtol=1e-4,
    )

    def two_at_once():
        one, other = LSQ(3), LSQ(3)
        leaves = [torch.tensor([0.6]).requires_grad_(), torch.tensor([50.0, 60.0]).requires_grad_()]
        for module in (one, other):
            module(torch.ones(3))
            module.scale.data.fill_(0.5)
        outputs = [module(leaf) for module, leaf in zip((one, other), leaves)]
        for out in outputs:
            out.sum().backward()
        return [leaf.grad for leaf in leaves]

    check.close(
        "two modules at once: each remembers its own entries, 0.6, and 50 and 60",
        two_at_once,
        expected=[torch.tensor([1.0]), torch.tensor([0.0, 0.0])],
    )

    ### BEGIN HIDDEN TESTS
    def two():
        modules = [LSQ(3), LSQ(2, signed=False)]
        leaves = [x.clone().requires_grad_(), (0.5 * x).requires_grad_()]
        outputs = [module(leaf) for module, leaf in zip(modules, leaves)]
        for y in outputs:
            y.sum().backward()
        return [[float(m.scale.grad) for m in modules], [leaf.grad for leaf in leaves]]

    def each():
        found = []
        for v, low, high in ((3**0.5 / 4 * x, -4, 3), (3**0.5 / 4 * x, 0, 3)):
            inside = (v > low) & (v < high)
            slope = torch.where(inside, torch.round(v) - v, v.clamp(low, high))
            found.append([float(slope.sum()) / 12**0.5, inside.to(v.dtype)])
        return [list(column) for column in zip(*found)]

    check.close("two modules at once remember their own levels and entries", two, expected=each, rtol=1e-4)
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "lsq__learns", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("lsq__learns")
def _():
    x = torch.tensor([1.0, -1.0, 2.0, -4.0])

    def first_gradients(x):
        module = LSQ(3)
        leaf = x.detach().requires_grad_()
        module(leaf).sum().backward()
        return {"x": leaf.grad, "scale": float(module.scale.grad)}

    v = 3**0.5 / 4 * x
    check.close(
        "the first forward's gradients are like any other's: how the scale was found is not part of the graph",
        lambda: first_gradients(x),
        expected=lambda: {
            "x": torch.ones(4),
            "scale": float((torch.round(v) - v).sum()) / math.sqrt(12),
        },
        rtol=1e-4,
        advice="the first scale is set under torch.no_grad()",
    )
    ### BEGIN HIDDEN TESTS

    def stepped():
        module, seen = LSQ(3), []
        for batch in (x, x, 2 * x):
            module(batch).sum().backward()
            with torch.no_grad():
                module.scale.sub_(0.5 * module.scale.grad)
            module.scale.grad = None
            seen.append(float(module.scale.detach()))
        return seen

    def expected():
        scale, seen = 4 / 3**0.5, []
        for batch in (x, x, 2 * x):
            v = batch / scale
            slope = torch.where((v > -4) & (v < 3), torch.round(v) - v, v.clamp(-4, 3))
            scale -= 0.5 * float(slope.sum()) / 12**0.5
            seen.append(scale)
        return seen

    check.close("three steps of gradient descent on the scale", stepped, expected=expected, rtol=1e-4)
    ### END HIDDEN TESTS


# %% [markdown]
r"""
**See the step move.** On the left the squared error of 3000 normal numbers on three signed bits, for every
scale: a valley. On the right your LSQ, trained on that error from its own start and from two bad ones. The
dashed line is the bottom of the valley. (Straight-through is not the derivative, so it need not hit it exactly.)

The first cell counts who pulls which way, at LSQ's own start and at the step 0.62, where the valley has its bottom:
each value's share of the gradient, from the formula, and the sum of all of them.
"""

# %% tags=["picture"]
values = torch.randn(3000, generator=torch.Generator().manual_seed(6))
for step in (float(2 * values.abs().mean() / math.sqrt(3)), 0.62):
    v = values / step
    inside = (v > -4) & (v < 3)
    slope = torch.where(inside, torch.round(v) - v, v.clamp(-4, 3))
    share = 2 * (step * torch.round(v.clamp(-4, 3)) - values) * slope
    for name, group in (("inside", share[inside]), ("clipped", share[~inside])):
        smaller, larger = int((group > 0).sum()), int((group < 0).sum())
        print(f"step {step:.2f}, {name:7}: {smaller:5,} ask for a smaller step, {larger:3,} for a larger, together {group.sum():+.0f}")

# %% tags=["picture"]
def step_gradients(kind):
    module, x = kind(3), torch.tensor([1.0, -1.0, 2.0, -4.0], requires_grad=True)
    module(x).sum().backward()
    return [float(module.scale.detach()), float(module.scale.grad), x.grad]


stepping = yours_or_ours("LSQ", parts.LSQ, step_gradients)
scales = np.linspace(0.05, 2.0, 80)
errors = [float(((rounded_to(values, float(s), 0, -4, 3) - values) ** 2).mean()) for s in scales]
best, walks = float(scales[int(np.argmin(errors))]), {}
for name, factor in (("its own start", 1.0), ("a quarter of it", 0.25), ("three times it", 3.0)):
    module, walk = stepping(3), []
    module(values)
    with torch.no_grad():
        module.scale.mul_(factor)
    optimizer = torch.optim.Adam(module.parameters(), lr=0.02)
    for _ in range(250):
        walk.append(float(module.scale.detach()))
        optimizer.zero_grad()
        ((module(values) - values) ** 2).mean().backward()
        optimizer.step()
    walks[name] = walk

# %% tags=["picture"]
with plot.figure(
    f"Left, the squared error over the scale has a valley at {best:.2f}. Right, the scale of {whose('LSQ')} LSQ over 250 steps: "
    + ", ".join(f"from {w[0]:.2f} to {w[-1]:.2f}" for w in walks.values()),
    columns=2,
) as axes:
    axes[0].plot(scales, errors)
    axes[0].set_xlabel("scale")
    axes[0].set_ylabel("mean squared error")
    for number, (name, walk) in enumerate(walks.items()):
        axes[1].plot(walk, plot.DASHES[0], color=plot.PALETTE[number], label=name)
    for ax, line in zip(axes, ("axvline", "axhline")):
        getattr(ax, line)(best, color="#222222", linestyle="--", linewidth=0.8)
    axes[1].set_xlabel("step")
    axes[1].set_ylabel("scale")
    axes[1].legend()

# %% [markdown]
r"""
## 10.7 A layer that trains in float and ships in integers

Now the grid goes into a layer. Weights of a trained layer sit around 0, about as many to each side, so their
grid may be **symmetric**: zero point 0, levels $-Q \dots Q$ with $Q = 2^{bits-1} - 1$, and the scale from the
largest weight, $s = \max|w| / Q$. With two bits $Q$ is 1: all a weight can say is no, nothing, or yes.

Why not train the integers? A gradient step of 0.001 against a grid of 0.3 rounds to nothing, every time. So
the layer keeps **float weights** in which small steps add up, and *looks at them through the grid* in every
forward pass. One day a weight crosses the middle between two levels, and what the network sees jumps.
"""

# %% [markdown]
r"""
**What backward sees.** The gradient of the loss is taken at the rounded weights, and then handed to the float
ones as if there were no rounding. The scale counts as a constant there: it is worked out afresh from the
weights in each forward pass, but no gradient goes through the `max`.

After training the float weights are thrown away. What ships is an `int8` tensor and one number; their
product is *exactly* what the layer computed with, all along. That is the whole point of the exercise.
"""

# %% [markdown]
r"""
### Exercise 10.7 · `qat_linear`
*difficulty 3 of 3 · 20 minutes · about 14 lines*

Write `QATLinear(in_features, out_features, bits)`, an `nn.Module` with the float parameters `weight` (out,
in) and `bias` (out,) of an `nn.Linear` (how they are drawn is up to you). With Q = 2^(bits−1) − 1, forward,
(N, in) → (N, out), is a linear layer whose weight is fake-quantized: scale = max|weight| / Q, one for the
whole tensor, levels −Q … Q, zero point 0. The bias stays as it is, and training and eval mode do the same.

Backward: the gradient of the quantized weight goes straight to `weight`; the scale is a constant. The float
weights change only where an optimizer changes them. `int_weight()` → `(q, scale)`: an int8 tensor (out, in)
and the scale, whose product is the weight that forward uses. Nothing is tested with all weights 0 or at an
exact half.
"""


# %% nbgrader={"grade": false, "grade_id": "qat_linear", "locked": false, "schema_version": 3, "solution": true, "task": false}
class QATLinear(nn.Module):
    """(N, in_features) -> (N, out_features), through a weight rounded to `bits` bits"""

    # about 14 lines
    ### BEGIN SOLUTION
    def __init__(self, in_features, out_features, bits):
        super().__init__()
        plain = nn.Linear(in_features, out_features)  # it knows how to draw them
        self.weight, self.bias = plain.weight, plain.bias
        self.q = 2 ** (bits - 1) - 1

    def step(self):
        return self.weight.detach().abs().max() / self.q  # detached: a constant in backward

    def forward(self, x):
        # the largest weight lies exactly on the last level, so nothing is ever clamped here
        return F.linear(x, FakeQuantSTE.apply(self.weight, self.step(), 0, -self.q, self.q), self.bias)

    def int_weight(self):
        return torch.round(self.weight.detach() / self.step()).to(torch.int8), self.step()

    ### END SOLUTION


# %%
hint("qat_linear")


# %% nbgrader={"grade": true, "grade_id": "qat_linear__forward", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("qat_linear__forward")
def _():
    tools = {"FakeQuantSTE": parts.FakeQuantSTE, "fake_quantize": parts.fake_quantize}

    def forward(weight, bias, bits, x, training=True):
        with check.lend(QATLinear, quant_params=parts.quant_params, **tools):
            layer = QATLinear(weight.shape[1], weight.shape[0], bits).to(weight.dtype).train(training)
            with torch.no_grad():
                layer.weight.copy_(weight)
                layer.bias.copy_(bias)
            return layer(x).detach()

    weight = torch.tensor([[0.3, -0.8, 0.1], [0.5, 0.35, -0.45]])
    bias, x = torch.tensor([0.25, -1.0]), torch.tensor([[1.0, 2.0, 4.0], [-1.0, 0.0, 0.5]])
    check.close(
        "two bits: the largest size is 0.8, so weights of 0.5 and -0.45 become 0.8 and -0.8, smaller ones 0",
        lambda: forward(weight, bias, 2, x),
        expected=torch.tensor([[-1.35, -3.4], [0.25, -2.2]]),
        advice="the levels are -1, 0 and 1, and the rounded weight is [[0, -0.8, 0], [0.8, 0, -0.8]]",
    )
    check.close(
        "eval mode computes the same",
        lambda: forward(weight, bias, 2, x, training=False),
        expected=torch.tensor([[-1.35, -3.4], [0.25, -2.2]]),
    )

    ### BEGIN HIDDEN TESTS
    def expected(weight, bias, bits, x):
        top = 2 ** (bits - 1) - 1
        scale = weight.abs().max() / top
        return x @ (torch.round(weight / scale).clamp(-top, top) * scale).T + bias

    for number, (bits, out, features, n, dtype) in enumerate(
        [(2, 5, 7, 6, "float32"), (3, 4, 6, 1, "float64"), (4, 6, 3, 5, "float64"), (8, 3, 9, 4, "float32")]
    ):
        w = parts.grid_weights(710 + number, out, features, bits, unit=0.1, dtype=dtype)
        b = check.tensor(720 + number, out, dtype=dtype)
        inputs = check.tensor(730 + number, n, features, dtype=dtype, strided=True)
        check.close(
            f"{bits} bits, a batch of {n}, in {dtype}",
            lambda w=w, b=b, bits=bits, inputs=inputs: forward(w, b, bits, inputs),
            expected=lambda: expected(w, b, bits, inputs),
            rtol=1e-4,
            atol=1e-5,
        )
    check.unchanged("the layer leaves its input alone", lambda: forward(weight, bias, 4, x), x)
    check.probes("what QATLinear promises besides its numbers", lambda: lambda x: forward(w.to(x.dtype), b.to(x.dtype), 8, x), check.tensor(955, 5, 9), rtol=1e-4, atol=1e-4, expected=lambda: lambda x: expected(w.to(x.dtype), b.to(x.dtype), 8, x))
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "qat_linear__gradients", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("qat_linear__gradients")
def _():
    tools = {"FakeQuantSTE": parts.FakeQuantSTE, "fake_quantize": parts.fake_quantize}

    def run(weight, bits, x, upstream, move=0.0):
        with check.lend(QATLinear, quant_params=parts.quant_params, **tools):
            layer = QATLinear(weight.shape[1], weight.shape[0], bits).to(weight.dtype)
            with torch.no_grad():
                layer.weight.copy_(weight)
            leaf = x.detach().requires_grad_()
            layer(leaf).backward(upstream)
            found = {"weight": layer.weight.grad, "bias": layer.bias.grad, "x": leaf.grad}
            with torch.no_grad():
                layer.weight.sub_(move * layer.weight.grad)
                return found | {"after": layer.weight.detach().clone(), "out": layer(x) - layer.bias}

    weight = torch.tensor([[0.3, -0.8, 0.1], [0.5, 0.35, -0.45]])
    x, upstream = torch.tensor([[1.0, 2.0, 4.0], [-1.0, 0.0, 0.5]]), torch.tensor([[1.0, -2.0], [3.0, 0.5]])
    check.close(
        "every float weight gets the gradient of its rounded one, the largest too",
        lambda: run(weight, 2, x, upstream)["weight"],
        expected=torch.tensor([[-2.0, 2.0, 5.5], [-2.5, -4.0, -7.75]]),
        advice="upstream.T @ x, and nothing else: is the scale a constant?",
    )
    check.close(
        "x gets its gradient through the rounded weight, the bias as always",
        lambda: [run(weight, 2, x, upstream)[name] for name in ("x", "bias")],
        expected=[torch.tensor([[-1.6, -0.8, 1.6], [0.4, -2.4, -0.4]]), torch.tensor([4.0, -1.5])],
    )
    check.equal(
        "forward and backward leave the float weights as they are",
        lambda: run(weight, 2, x, upstream)["after"],
        expected=weight.clone(),
        advice="round a copy in each forward; the parameter itself stays fine-grained",
    )

    ### BEGIN HIDDEN TESTS
    def expected(weight, bits, x, upstream):
        top = 2 ** (bits - 1) - 1
        scale = weight.abs().max() / top
        rounded = torch.round(weight / scale) * scale
        return [upstream.T @ x, upstream.sum(0), upstream @ rounded]

    for number, (bits, n, dtype) in enumerate([(2, 6, "float64"), (4, 1, "float32"), (8, 5, "float64")]):
        w = parts.grid_weights(740 + number, 4, 6, bits, unit=0.2, dtype=dtype)
        v = check.tensor(750 + number, n, 6, dtype=dtype, strided=True)
        g = check.tensor(760 + number, n, 4, dtype=dtype)
        check.close(
            f"all gradients with {bits} bits, for a batch of {n}",
            lambda w=w, bits=bits, v=v, g=g: [run(w, bits, v, g)[name] for name in ("weight", "bias", "x")],
            expected=lambda: expected(w, bits, v, g),
            rtol=1e-4,
            atol=1e-5,
        )

    def moved():
        new = weight - 0.1 * (upstream.T @ x)
        return x @ parts.fake_quantize(new, float(new.abs().max()), 0, -1, 1).T

    check.close(
        "after a step the grid is that of the new weights",
        lambda: run(weight, 2, x, upstream, move=0.1)["out"],
        expected=moved,
    )
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "qat_linear__parameters", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("qat_linear__parameters")
def _():
    tools = {"FakeQuantSTE": parts.FakeQuantSTE, "fake_quantize": parts.fake_quantize}

    def answers(*sizes):
        with check.lend(QATLinear, quant_params=parts.quant_params, **tools):
            return QATLinear(*sizes)(torch.ones(1, sizes[0])).detach()

    def fresh():
        layer = QATLinear(5, 3, 4)
        mine = [any(p is q for q in layer.parameters()) for p in (layer.weight, layer.bias)]
        return [list(layer.weight.shape), list(layer.bias.shape), str(layer.weight.dtype), *mine]

    check.equal(
        "weight and bias are float parameters, shaped as in nn.Linear",
        fresh,
        expected=[[3, 5], [3], "torch.float32", True, True],
    )
    ### BEGIN HIDDEN TESTS
    check.that(
        "a fresh layer gives finite numbers, and not all alike",
        lambda: answers(20, 30, 2),
        judge=lambda seen: None if np.isfinite(seen).all() and len(np.unique(seen)) > 1 else "it does not",
    )

    def pair():
        one, other = QATLinear(5, 3, 4), QATLinear(5, 3, 4)
        return [one.weight is other.weight, one.bias is other.bias]

    check.equal("two layers have parameters of their own", pair, expected=[False, False])
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "qat_linear__int_weight", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("qat_linear__int_weight")
def _():
    tools = {"FakeQuantSTE": parts.FakeQuantSTE, "fake_quantize": parts.fake_quantize}

    def exported(weight, bits, x):
        with check.lend(QATLinear, quant_params=parts.quant_params, **tools):
            layer = QATLinear(weight.shape[1], weight.shape[0], bits).to(weight.dtype)
            with torch.no_grad():
                layer.weight.copy_(weight)
                layer.bias.copy_(torch.linspace(-0.55, 0.7, len(weight)))
            q, scale = layer.int_weight()
            scale = float(torch.as_tensor(scale).detach())
            rebuilt = x @ (q.to(x.dtype) * scale).T + layer.bias
            gap = round(float((rebuilt - layer(x)).detach().abs().max()), 3)
            return {"q": q, "scale": scale, "gap": gap, "weight": layer.weight.detach()}

    weight = torch.tensor([[0.3, -0.8, 0.1], [0.5, 0.35, -0.45]])
    x = torch.tensor([[1.0, 2.0, 4.0], [-1.0, 0.0, 0.5]])
    check.equal(
        "two bits: an int8 tensor of -1, 0 and 1",
        lambda: exported(weight, 2, x)["q"],
        expected=torch.tensor([[0, -1, 0], [1, 0, -1]], dtype=torch.int8),
        advice="the levels themselves, before they are multiplied by the scale",
    )
    check.close(
        "and the scale, 0.8: the two give the forward pass again, with a gap of 0",
        lambda: [exported(weight, 2, x)[name] for name in ("scale", "gap")],
        expected=[0.8, 0.0],
        rtol=1e-5,
    )

    ### BEGIN HIDDEN TESTS
    for number, (bits, out, features, dtype) in enumerate(
        [
            (2, 4, 5, "float64"),
            (4, 3, 7, "float32"),
            (8, 6, 5, "float32"),
            (8, 1, 4, "float64"),
            (3, 5, 1, "float32"),
        ]
    ):
        w = parts.grid_weights(770 + number, out, features, bits, unit=0.05, dtype=dtype)
        v = check.tensor(780 + number, 3, features, dtype=dtype)

        def expected(w=w, bits=bits):
            scale = float(w.abs().max()) / (2 ** (bits - 1) - 1)
            q = torch.round(w.double() / scale).to(torch.int8)
            return {"q": q, "scale": scale, "gap": 0.0, "weight": w}

        check.close(
            f"export of ({out}, {features}) weights on {bits} bits",
            lambda w=w, bits=bits, v=v: exported(w, bits, v),
            expected=expected,
            rtol=1e-5,
        )
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "qat_linear__int_weight_again", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("qat_linear__int_weight_again")
def _():
    tools = {"FakeQuantSTE": parts.FakeQuantSTE, "fake_quantize": parts.fake_quantize}
    weight = torch.tensor([[0.3, -0.8, 0.1], [0.5, 0.35, -0.45]])

    def twice():
        with check.lend(QATLinear, quant_params=parts.quant_params, **tools):
            layer, found = QATLinear(3, 2, 2), []
            for new in (weight, -2 * weight):
                with torch.no_grad():
                    layer.weight.copy_(new)
                q, scale = layer.int_weight()
                found += [q.tolist(), float(torch.as_tensor(scale).detach())]
            return [*found, layer.training, layer.weight.requires_grad, layer.weight.detach().clone()]

    check.close(
        "int_weight follows the weights, and leaves them, their flag and the mode alone",
        twice,
        expected=[[[0, -1, 0], [1, 0, -1]], 0.8, [[0, 1, 0], [-1, 0, 1]], 1.6, True, True, -2 * weight],
        rtol=1e-5,
        advice="work the levels out in each call, from the weights as they are then",
    )


# %% [markdown]
r"""
**Rounding a finished network.** Below a float network for the stand-in digits, trained by the course: 784 →
64 → 10. Its first layer's weights are poured into *your* `QATLinear`. Each histogram shows where the weights
are; the lines are the levels they are sent to. Eight bits are a fine comb. With two, most weights lie nearer to
0 than to anything else, and go there: the titles say how many.
"""

# %% tags=["picture"]
images, labels = train_set.images[:16000], train_set.labels[:16000]
w1, b1, w2, b2 = parts.digit_weights(parts.digit_model(1010, images, labels))


def rounded_layer(kind):
    layer = kind(3, 2, 2)
    with torch.no_grad():
        layer.weight.copy_(torch.tensor([[0.3, -0.8, 0.1], [0.5, 0.35, -0.45]]))
        layer.bias.fill_(0.25)
    return [layer(torch.tensor([[1.0, 2.0, 4.0]])), *map(torch.as_tensor, layer.int_weight())]


rounding = yours_or_ours("QATLinear", parts.QATLinear, rounded_layer)


def poured(bits, weights=(w1, b1, w2, b2)):
    model = nn.Sequential(nn.Flatten(), rounding(784, 64, bits), nn.ReLU(), rounding(64, 10, bits))
    with torch.no_grad():
        for own, value in zip((model[1].weight, model[1].bias, model[3].weight, model[3].bias), weights):
            own.copy_(value)
    return model


# %% tags=["picture"]
def draw_grid(ax, layer, title):
    q, scale = layer.int_weight()
    top = int(q.abs().max())
    ax.hist(layer.weight.detach().flatten().numpy(), bins=120, color=plot.PALETTE[4], log=True)
    for level in range(-top, top + 1):
        ax.axvline(level * float(scale), color=plot.PALETTE[1], linewidth=1.2 if top < 20 else 0.2)
    ax.set_title(f"{title}: {float((q == 0).float().mean()):.0%} are 0", fontsize=9)
    ax.set_xlabel("weight")
    ax.set_ylabel("how many (log)")
    ax.tick_params(axis="y", which="both", left=False, labelleft=False)


# %% tags=["picture"]
grids = {bits: poured(bits)[1] for bits in (2, 4, 8)}
zeros = {bits: float((layer.int_weight()[0] == 0).float().mean()) for bits, layer in grids.items()}
with plot.figure(
    f"Histograms of the first layer's 50,176 trained weights with the levels of {whose('QATLinear')} QATLinear as lines: "
    + ", ".join(f"with {bits} bits {share:.0%} of the weights go to 0" for bits, share in zeros.items()),
    columns=3,
    height=2.6,
) as axes:
    for ax, (bits, layer) in zip(axes, grids.items()):
        draw_grid(ax, layer, f"{bits} bits")

# %% [markdown]
r"""
**What it costs.** The same network, rounded after training, on the held-out test digits. Down to four bits
hardly anything happens, and three cost a few points. So down to four bits nobody has to train anything again
(*post-training quantization*, PTQ). At two bits it falls off a cliff: this is the model that you are going to rescue.
"""


# %% tags=["picture"]
def share_right(model, examples=test_set):
    with torch.no_grad():
        return float((model(examples.images).argmax(dim=1) == examples.labels).float().mean())


bit_numbers = (2, 3, 4, 6, 8)
after_training = {bits: share_right(poured(bits)) for bits in bit_numbers}
whole = share_right(lambda x: F.linear(F.relu(F.linear(x.flatten(1), w1, b1)), w2, b2))
print(f"float weights: {whole:.1%}")
plot.bars(
    {f"{bits} bits": 100 * share for bits, share in after_training.items()},
    xlabel="% of test digits right, rounded after training",
    alt="Rounded after training: " + ", ".join(f"{b} bits {s:.1%}" for b, s in after_training.items()),
)

# %% [markdown]
r"""
## 10.8 Nothing but integers

So far the weights are integers *in name*: the layer multiplies floats that happen to lie on a grid. A chip for
integers does more: the activations are levels too, and the multiplications take bytes. Put both grids into a linear
layer, $x \approx s_x (q_x - z_x)$ and $w \approx s_w\,q_w$:

$$\sum_i x_i\,w_i \;=\; s_x s_w \sum_i (q_{x,i} - z_x)\; q_{w,i}$$

Both scales have left the sum. What is left inside are integers: a byte minus a byte, times a byte.
"""

# %% [markdown]
r"""
**How large does the sum get?** A difference of levels lies within ±255 and a weight within ±127, so one product within
±32,385: more than the ±127 of an `int8`, and just inside the ±32,767 of an `int16`. Two of them need more than
that. The sum is therefore kept in an `int32`, called the **accumulator**. It holds some 66,000 such products.

A float32 is no substitute. It has 24 bits for its digits, so from $2^{24} = 16{,}777{,}216$ on it skips integers.
"""

# %% tags=["picture"]
wide = torch.tensor([200, 100], dtype=torch.uint8)
print("200 - 210 in uint8:       ", (wide[:1] - 210).item(), "  (it wraps round at 0)")
print("100 · 100 in int8:        ", (torch.tensor([100], dtype=torch.int8) * 100).item(), "  (it wraps round at 127)")
print("16,777,216 + 1 in float32:", f"{(torch.tensor(16_777_216.0) + 1).item():,.0f}")
print("255 · 127 fits an int32  :", (2**31 - 1) // (255 * 127), "times")

# %% [markdown]
r"""
**Back to a byte.** The next layer wants levels again, on *its* grid, with a scale $s_y$ and a zero point $z_y$ that an
observer found. So the accumulator becomes a real number, gets its bias, and is quantized once more:

$$q_y = \text{clamp}\Big(\text{round}\Big(\frac{s_x s_w\,\text{acc} + b}{s_y}\Big) + z_y,\; 0,\; 255\Big)$$

This is **requantization**. (On a chip without floats $s_x s_w / s_y$ is itself an integer and a shift, and $b$ is
put into the accumulator beforehand.) And where is the ReLU? If the grid of $y$ begins at 0, then $z_y = 0$, and the
clamp at 0 *is* the ReLU. It costs nothing.
"""

# %% [markdown]
r"""
### Exercise 10.8 · `integer_linear`
*difficulty 2 of 3 · 20 minutes · about 6 lines*

Write two functions. `integer_linear(xq, x_zero, wq)`: `xq` is uint8 (N, in), its zero point `x_zero` an int in 0 … 255,
`wq` is int8 (out, in) with zero point 0. Return the int32 tensor (N, out) of Σ (xq − x_zero)·wq, exact, also where
float32 would not be (the sums fit int32).

`requantize(acc, bias, x_scale, w_scale, y_scale, y_zero)`: `acc` is int32 (N, out), `bias` float32 or float64 (out,),
the three scales are Python floats, `y_zero` an int. Return the uint8 tensor (N, out) of
round((acc·x_scale·w_scale + bias)/y_scale) + y_zero, half to even, clamped to 0 … 255.

The tensors that come in stay as they are.
"""


# %% nbgrader={"grade": false, "grade_id": "integer_linear", "locked": false, "schema_version": 3, "solution": true, "task": false}
def integer_linear(xq, x_zero, wq):
    """uint8 (N, in), int, int8 (out, in) -> int32 (N, out)"""
    # about 2 lines
    ### BEGIN SOLUTION
    # wider before anything else: a byte minus a byte would wrap round in a byte
    return (xq.to(torch.int32) - x_zero) @ wq.to(torch.int32).T
    ### END SOLUTION


def requantize(acc, bias, x_scale, w_scale, y_scale, y_zero):
    """int32 (N, out), float (out,), four numbers -> uint8 (N, out)"""
    # about 3 lines
    ### BEGIN SOLUTION
    value = acc.double() * (x_scale * w_scale) + bias  # what the layer would have given in floats
    level = torch.round(value / y_scale) + y_zero
    return level.clamp(0, 255).to(torch.uint8)  # the clamp comes first: a level of 300 would become 44
    ### END SOLUTION


# %%
hint("integer_linear")


# %% nbgrader={"grade": true, "grade_id": "integer_linear__sums", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("integer_linear__sums")
def _():
    def bytes_of(values):
        return torch.tensor(values, dtype=torch.uint8)

    xq, wq = bytes_of([[3, 1, 0], [2, 5, 4]]), torch.tensor([[1, -2, 3], [0, 4, -1]], dtype=torch.int8)
    check.equal(
        "with zero point 2 the rows are 1, -1, -2 and 0, 3, 2",
        lambda: integer_linear(xq, 2, wq),
        expected=torch.tensor([[-3, -2], [0, 10]], dtype=torch.int32),
        advice="work the first entry out by hand: 1·1 + (-1)·(-2) + (-2)·3",
    )
    check.equal(
        "200 and 250 do not fit an int8, and 2 · 100 · 100 no int8 and no byte",
        lambda: integer_linear(bytes_of([[200, 250]]), 100, torch.tensor([[100, 0], [100, 100]], dtype=torch.int8)),
        expected=torch.tensor([[10_000, 25_000]], dtype=torch.int32),
        advice="in which dtype is each step worked out, the difference and the product?",
    )
    check.unchanged("the sum leaves both tensors of bytes alone", lambda: integer_linear(xq, 2, wq), xq, wq)

    ### BEGIN HIDDEN TESTS
    def drawn(seed, n, features, out):
        xq = torch.from_numpy(check.rng(seed).integers(0, 256, (n, features)).astype("uint8"))
        wq = torch.from_numpy(check.rng(seed + 1).integers(-128, 128, (out, features)).astype("int8"))
        return xq, wq

    def expected(xq, zero, wq):
        return ((xq.long() - zero)[:, None, :] * wq.long()[None]).sum(-1).to(torch.int32)

    for number, (n, features, out, zero) in enumerate([(5, 17, 4, 0), (1, 8, 3, 255), (4, 1, 1, 131), (3, 300, 12, 7)]):
        xq, wq = drawn(910 + 2 * number, n, features, out)
        check.equal(
            f"bytes of every size: {n} rows of {features}, {out} outputs, zero point {zero}",
            lambda xq=xq, wq=wq, zero=zero: integer_linear(xq, zero, wq),
            expected=lambda: expected(xq, zero, wq),
        )
    turned, narrow = drawn(920, 6, 5, 6)
    check.equal(
        "bytes that are not contiguous in memory",
        lambda: integer_linear(turned.T, 9, narrow[:, :1].expand(6, 6)),
        expected=lambda: expected(turned.T, 9, narrow[:, :1].expand(6, 6)),
    )
    check.probes("what integer_linear promises besides its numbers", lambda: lambda xq: integer_linear(xq, 9, narrow), drawn(930, 4, 5, 3)[0], promises=("memory that is not contiguous", "one row", "the same call twice", "inputs left alone"), expected=lambda: lambda xq: expected(xq, 9, narrow))
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "integer_linear__exact", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("integer_linear__exact")
def _():
    xq, wq = torch.full((1, 600), 255, dtype=torch.uint8), torch.full((1, 600), 127, dtype=torch.int8)
    xq[0, 0] = 254
    check.equal(
        "600 products of 255 and 127, one of them smaller by 127: 19,430,873, to the last digit",
        lambda: integer_linear(xq, 0, wq),
        expected=torch.tensor([[19_430_873]], dtype=torch.int32),
        advice="a float32 knows no odd number beyond 16,777,216",
    )
    ### BEGIN HIDDEN TESTS
    low = torch.zeros(2, 700, dtype=torch.uint8)
    low[1, 3] = 1
    check.equal(
        "sums far below zero, to the last digit",
        lambda: integer_linear(low, 255, wq[:, :1].expand(3, 700)),
        expected=lambda: torch.tensor([[-22_669_500] * 3, [-22_669_373] * 3], dtype=torch.int32),
    )
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "integer_linear__requantize", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("integer_linear__requantize")
def _():
    acc, bias = torch.tensor([[10, -7, 300]], dtype=torch.int32), torch.tensor([0.0, 0.125, 2.25])
    check.equal(
        "scales 1/2, 1/4 and 1/2: 2.5, -1.5 and 79.5 steps are 2, -2 and 80, and level 11 stands for 0",
        lambda: requantize(acc, bias, 0.5, 0.25, 0.5, 11),
        expected=torch.tensor([[13, 9, 91]], dtype=torch.uint8),
        advice="a half goes to the even neighbour before the zero point is added; the bias is added once, in real numbers",
    )
    check.equal(
        "what falls off the ends is clamped to 0 and 255",
        lambda: requantize(torch.tensor([[4000, -400, 2040, 1]], dtype=torch.int32), torch.zeros(4), 0.5, 0.25, 0.5, 3),
        expected=torch.tensor([[255, 0, 255, 3]], dtype=torch.uint8),
    )
    check.unchanged("requantizing leaves accumulator and bias alone", lambda: requantize(acc, bias, 0.5, 0.25, 0.5, 11), acc, bias)

    ### BEGIN HIDDEN TESTS
    def expected(acc, bias, sx, sw, sy, zero):
        value = (acc.double() * sx * sw + bias.double()) / sy
        return (torch.round(value) + zero).clamp(0, 255).to(torch.uint8)

    # powers of two, so that halves are halves in every order of the operations
    for number, (n, out, zero) in enumerate([(6, 5, 0), (1, 9, 128), (4, 1, 201)]):
        many = torch.from_numpy(check.integers(931 + number, -9000, 9000, n, out)).to(torch.int32)
        shift = torch.from_numpy(check.integers(941 + number, -64, 64, out)).double() / 16
        at = (2.0**-5, 2.0**-4, 2.0**-3, zero)
        check.equal(
            f"any accumulator: {n} rows of {out}, level {zero} for 0",
            lambda many=many, shift=shift, at=at: requantize(many, shift, *at),
            expected=lambda: expected(many, shift, *at),
        )
    # decimal scales, the bias chosen so that every value lies off the halves
    one = torch.from_numpy(check.integers(951, -20_000, 20_000, 1, 12)).to(torch.int32)
    off = parts.between(952, 12, low=-90, high=150, dtype="float64")
    chosen = (off * 0.037 - one[0].double() * 0.013 * 0.0021).float()
    check.equal(
        "decimal scales, a float32 bias",
        lambda: requantize(one, chosen, 0.013, 0.0021, 0.037, 100),
        expected=lambda: (torch.round(off) + 100).clamp(0, 255).to(torch.uint8)[None],
    )
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "integer_linear__layer", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("integer_linear__layer")
def _():
    def layer(xq, x_zero, wq, bias, *scales):
        return requantize(integer_linear(xq, x_zero, wq), bias, *scales)

    xq, wq = torch.tensor([[12, 8, 10]], dtype=torch.uint8), torch.tensor([[4, 0, 1], [-3, 2, 5]], dtype=torch.int8)
    check.equal(
        "a whole layer on bytes: x = 1, -1, 0 and w = 1, 0, 1/4 and -3/4, 1/2, 5/4 in steps of 1/2 and 1/4",
        lambda: layer(xq, 10, wq, torch.tensor([0.5, -0.25]), 0.5, 0.25, 0.125, 128),
        expected=torch.tensor([[140, 116]], dtype=torch.uint8),
        advice="in real numbers the layer gives 1 + 0.5 and -1.25 - 0.25; on the output's grid that is 12 and -12 steps",
    )
    ### BEGIN HIDDEN TESTS
    bytes_in = torch.from_numpy(check.rng(961).integers(0, 256, (7, 20)).astype("uint8"))
    weights = torch.from_numpy(check.rng(962).integers(-7, 8, (6, 20)).astype("int8"))
    shift = torch.from_numpy(check.integers(963, -32, 32, 6)).double() / 8

    def in_floats():
        x, w = 0.25 * (bytes_in.double() - 90), 0.125 * weights.double()
        y = parts.fake_quantize(x @ w.T + shift, 0.5, 120, 0, 255)
        return (y / 0.5 + 120).to(torch.uint8)

    check.equal(
        "it is what the fake-quantized layer gives in floats",
        lambda: layer(bytes_in, 90, weights, shift, 0.25, 0.125, 0.5, 120),
        expected=lambda: in_floats(),
    )
    ### END HIDDEN TESTS


# %% [markdown]
r"""
**Putting it together.** Three observers watch the float network while training images pass: one at the input, one
after the ReLU, one at the output. `quant_params` makes a grid of eight bits from each range. The weights are those
of the eight-bit `QATLinear` above. That is everything an integer network needs; nothing is trained.
"""

# %% tags=["picture"]
watching = yours_or_ours("RangeObserver", parts.RangeObserver, two_batches)
watchers = {place: watching() for place in ("input", "hidden", "output")}
with torch.no_grad():
    for start in range(0, 4096, 256):
        x = watchers["input"](images[start : start + 256].flatten(1))
        h = watchers["hidden"](F.relu(F.linear(x, w1, b1)))
        watchers["output"](F.linear(h, w2, b2))
grids = {place: grid_of(float(o.min_val), float(o.max_val)) for place, o in watchers.items()}
for place, (scale, zero) in grids.items():
    o = watchers[place]
    print(f"{place:7} {float(o.min_val):6.2f} to {float(o.max_val):5.2f}: scale {float(scale):.4f}, level {int(zero)} stands for 0")

# %% [markdown]
r"""
The hidden layer's grid begins at 0, so its zero point is 0 and the clamp will do the ReLU's work.

Now the same network twice. Once **fake-quantized**: floats throughout, each rounded to its grid. Once in
**integers**: a byte for each pixel, and from there on your two functions. If all of this chapter is right, the two
give the same *levels*, not only similar ones.
"""

# %% tags=["picture"]
def on_two_layers(f, g):
    xq, wq = torch.tensor([[200, 3]], dtype=torch.uint8), torch.tensor([[100, -100]], dtype=torch.int8)
    return g(f(xq, 50, wq), torch.tensor([0.5]), 0.5, 0.25, 16.0, 3)


summing = yours_or_ours("integer_linear", parts.integer_linear, lambda f: on_two_layers(f, parts.requantize))
narrowing = yours_or_ours("requantize", parts.requantize, lambda g: on_two_layers(parts.integer_linear, g))
(sx, zx), (sh, zh), (sy, zy) = ((float(s), int(z)) for s, z in grids.values())
(q1, s1), (q2, s2) = ((q, float(s)) for q, s in (layer.int_weight() for layer in (poured(8)[1], poured(8)[3])))


def in_floats(x):
    x = parts.fake_quantize(x.flatten(1), sx, zx, 0, 255)
    h = parts.fake_quantize(F.relu(F.linear(x, q1.float() * s1, b1)), sh, zh, 0, 255)
    return parts.fake_quantize(F.linear(h, q2.float() * s2, b2), sy, zy, 0, 255)


def in_integers(x):
    xq = (torch.round(x.flatten(1) / sx) + zx).clamp(0, 255).to(torch.uint8)
    hq = narrowing(summing(xq, zx, q1), b1, sx, s1, sh, zh)  # and the ReLU is in the clamp
    return narrowing(summing(hq, zh, q2), b2, sh, s2, sy, zy)


# %% tags=["picture"]
levels, floats = in_integers(test_set.images), in_floats(test_set.images)
same = torch.round(floats / sy).long() + zy == levels.long()
right = {
    "float32": F.linear(F.relu(F.linear(test_set.images.flatten(1), w1, b1)), w2, b2), "fake-quantized": floats,
    "integers": levels.float(),
}  # fmt: skip
right = {name: 100 * float((out.argmax(1) == test_set.labels).float().mean()) for name, out in right.items()}
print(f"{int(same.sum()):,} of {same.numel():,} output levels are the same; the answers come as {levels.dtype}")
plot.bars(
    right, xlabel="% of test digits right",
    alt="Test digits right: " + ", ".join(f"{name} {share:.1f} %" for name, share in right.items())
    + f"; fake-quantized and integer network agree in {float(same.float().mean()):.1%} of their output levels",
)

# %% [markdown]
r"""
That is why quantization may be studied in floats: **fake quantization is a faithful model of the integer machine.**
(A level that differs now and then would be a float32 sum that fell on the other side of a half.) And it is why the
next two sections train with fake-quantized numbers: what is learned there holds on the chip.
"""

# %% [markdown]
r"""
## 10.9 Fine-tune on the grid

**Quantization-aware training** is ordinary training. The model's forward pass rounds, its backward pass looks
straight through, and the loop knows nothing of either: forward, loss, clear, backward, step. The network
starts from the float network's weights, has a large loss in its first batches, and moves weights across the middles
between levels until the loss is small again.

What ordinary mistakes look like here is less ordinary. A step that is too small changes every weight and no
*level*. A copy that is trained leaves the original as it was. Weights that are rounded *in place* after each
step can never move again.
"""

# %% [markdown]
r"""
**How much room is there?** Tried when this chapter was written, on 20 seeds (the float network, the shuffle).
The float network is trained for three epochs, and on until rounding it to two bits leaves fewer than a fifth
of some training images right. Then the plainest loop there is: Adam at 1e-3, four epochs over 8,000 images in
batches of 64. Per cent of the held-out digits:

| seeds | float | two bits, after training | two bits, fine-tuned |
|---|---|---|---|
| 0–4 | 97.5, 97.8, 97.2, 98.3, 98.0 | 17.3, 17.0, 12.5, 18.1, 15.6 | 95.0, 93.3, 95.8, 94.7, 95.8 |
| 5–9 | 97.8, 99.2, 97.8, 98.0, 96.9 | 20.3, 22.6, 14.5, 12.5, 21.2 | 95.3, 96.7, 94.7, 96.4, 95.3 |
| 10–14 | 98.0, 97.8, 98.0, 98.0, 98.3 | 20.3, 15.9, 11.7, 18.4, 15.0 | 95.8, 96.7, 91.1, 95.3, 96.4 |
| 15–19 | 97.2, 97.8, 97.5, 98.0, 97.2 | 19.2, 18.7, 17.5, 15.0, 15.3 | 93.9, 93.0, 96.7, 92.2, 95.0 |
"""

# %% [markdown]
r"""
### Exercise 10.9 · `qat_gate`
*difficulty 2 of 3 · 20 minutes · about 8 lines*

Write `qat_finetune(model, train_loader, epochs)`. It trains the given model **in place** for `epochs` passes
over the loader's batches of images (N, 1, 28, 28) and labels (N,); what it returns is up to you. The model is
Flatten, QATLinear(784, 64, bits=2), ReLU, QATLinear(64, 10, bits=2) of the course's own, so that only this
function is judged, and holds the weights of a trained float network. Its mode and which parameters may train
are as before on return.

The bar: after 4 epochs on the stand-in digits, the grader takes the model's own weights, rounds them to two
bits *itself*, and counts on images that nobody has seen. At least **80 %**, and at least **50 points** more
than before. Adam at 1e-3 passes with room.
"""


# %% nbgrader={"grade": false, "grade_id": "qat_gate", "locked": false, "schema_version": 3, "solution": true, "task": false}
def qat_finetune(model, train_loader, epochs):
    """a model of QATLinear layers, batches of (images, labels): trained in place"""
    # about 8 lines
    ### BEGIN SOLUTION
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(epochs):
        for images, labels in train_loader:
            loss = F.cross_entropy(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            # small steps on the float weights: they add up until a weight crosses to another level
            optimizer.step()
    ### END SOLUTION


# %%
hint("qat_gate")


# %% nbgrader={"grade": true, "grade_id": "qat_gate__in_place", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("qat_gate__in_place")
def _():
    def cards(n, dtype="float32"):
        images = check.tensor(811, n, 1, 28, 28, dtype=dtype).abs().clamp(max=1)
        images[:, 0, 0, 0] = torch.arange(n) / 100
        return images, torch.arange(n) % 10

    def trained(n, batch_size, epochs, dtype="float32"):
        model = parts.watched_model(812, dtype)
        own, before = list(model.parameters()), parts.digit_weights(model)
        layers, (images, labels) = list(model), cards(n, dtype)
        with parts.quietly():
            qat_finetune(model, parts.shuffled_loader(images, labels, batch_size, 813), epochs)
        return {
            "layers": len(model) == 4 and all(a is b for a, b in zip(model, layers)),
            "grid": float((model(images).detach() - parts.two_bit_answers(own, images)).abs().max()) < 1e-3,
            "moved": [not torch.equal(p.detach(), old) for p, old in zip(own, before)],
            "levels": len(own[0].detach().unique()) > 3,
            "trainable": [p.requires_grad for p in own],
            "modes": [m.training for m in model.modules()],
            "grad mode": torch.is_grad_enabled(),
        }

    check.that(
        "one epoch moves both weights and both biases of the model that was given",
        lambda: trained(24, 8, 1)["moved"],
        judge=lambda moved: (
            None
            if all(moved)
            else "nothing has moved"
            if not any(moved)
            else "only the biases have moved"
            if moved == [False, True, False, True]
            else "only the last layer has moved"
            if moved == [False, False, True, True]
            else "some of them have not moved"
        ),
        advice="which parameters does your optimizer hold, and whose are they?",
    )
    check.equal(
        "the float weights stay float: they are not put on the grid themselves",
        lambda: trained(24, 8, 2)["levels"],
        expected=True,
    )
    check.equal(
        "the model has its own four layers afterwards, and computes with weights rounded to two bits",
        lambda: [trained(24, 8, 1)[name] for name in ("layers", "grid")],
        expected=[True, True],
        advice="training changes numbers: the layers, their bits and their forward stay as they were",
    )
    check.equal(
        "a model in training mode leaves in training mode, all of it trainable, and gradients are on",
        lambda: [trained(24, 8, 1)[name] for name in ("modes", "trainable", "grad mode")],
        expected=[[True] * 5, [True] * 4, True],
    )
    ### BEGIN HIDDEN TESTS
    check.equal(
        "float64 images and weights, and a last batch of one",
        lambda: trained(9, 4, 1, "float64")["moved"],
        expected=[True] * 4,
    )
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "qat_gate__batches", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("qat_gate__batches")
def _():
    def met(n, batch_size, epochs):
        images = check.tensor(821, n, 1, 28, 28).abs().clamp(max=1)
        images[:, 0, 0, 0] = torch.arange(n) / 100
        model = parts.watched_model(822)
        with parts.quietly():
            qat_finetune(model, parts.shuffled_loader(images, torch.arange(n) % 10, batch_size, 823), epochs)
        numbers = [number for batch, graph in model.seen if graph for number in batch]
        return [numbers.count(i) for i in range(n)]

    def passes(n, batch_size, epochs):
        images = check.tensor(824, n, 1, 28, 28).abs().clamp(max=1)
        images[:, 0, 0, 0] = torch.arange(n) / 100
        model, labels = parts.watched_model(825), torch.arange(n) % 10
        loader = parts.counted_loader(images, labels, batch_size, 826)
        with parts.quietly():
            qat_finetune(model, loader, epochs)
        return [loader.passes, min(model.learned.count(i) for i in range(n))]

    check.that(
        "in three epochs every image is trained on at least three times",
        lambda: met(30, 8, 3),
        judge=lambda counts: (
            None
            if min(counts) >= 3
            else "the given model does not see the images, or keeps no graph"
            if max(counts) == 0
            else "some images are never trained on"
            if min(counts) == 0
            else "there are too few epochs"
        ),
        advice="two loops, one in the other: over epochs, and over the loader",
    )
    check.that(
        "one epoch is one: no image is trained on four times",
        lambda: met(30, 8, 1),
        judge=lambda counts: None if max(counts) < 4 else "there are more epochs than were asked for",
    )
    check.that(
        "two epochs are two passes with a backward for each batch, and no third",
        lambda: passes(30, 8, 2),
        judge=lambda seen: None if min(seen) <= 2 else "there is a pass too many",
        advice="range(epochs) counts right",
    )
    ### BEGIN HIDDEN TESTS
    check.that(
        "a loader of one batch, five epochs",
        lambda: met(6, 20, 5),
        judge=lambda counts: None if min(counts) >= 5 else "there are too few epochs",
    )
    ### END HIDDEN TESTS


# %% [markdown]
r"""
**And now for real.** The next cell trains a float network, hands it to your function on two bits, and takes
its weights away to be judged. It runs for some seconds.
"""


# %% nbgrader={"grade": true, "grade_id": "qat_gate__learns", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
@check.cell("qat_gate__learns")
def _():
    def model_of(names=range(10)):
        return parts.digit_model(831, train_set.images[:16000], train_set.labels[:16000], names=names)

    def tuned(seed, names=range(10)):
        model = model_of(names)
        own = list(model.parameters())  # whatever is put into the model later, these are the given ones
        digits = torch.tensor(names)[train_set.labels[:8000]]
        loader = parts.shuffled_loader(train_set.images[:8000], digits, 64, seed)
        with parts.quietly():
            qat_finetune(model, loader, 4)
        return [parameter.detach() for parameter in own]

    check.that(
        "rounded to two bits, the model reaches 80 % on images it never saw, and 50 points more than before",
        lambda: tuned(836),
        judge=lambda after, before: judges.quantized_digits(after, before, 0.8, 0.5),
        given={"before": parts.digit_weights(model_of())},
        advice="print the share of right answers after each epoch: where does it stop?",
    )
    ### BEGIN HIDDEN TESTS
    # every digit gets another's name: who does not look at the loader's labels is wrong everywhere
    cycle, relabel = check.rng(841).permutation(10), np.zeros(10, dtype=np.int64)
    relabel[cycle] = np.roll(cycle, 1)
    names = relabel.tolist()
    check.that(
        "a network that knows the digits under other names reaches the same, by those names",
        lambda: tuned(847, names),
        judge=lambda after, before, relabel: judges.quantized_digits(after, before, 0.8, 0.5, relabel),
        given={"before": parts.digit_weights(model_of(names)), "relabel": relabel},
    )
    ### END HIDDEN TESTS


# %% [markdown]
r"""
**Both ways, side by side.** Your `QATLinear` and your `qat_finetune`, two epochs at each number of bits. The
first curve is rounding after training, the second is training for the rounding. From four bits up the way hardly
matters (one test digit of 359 is 0.3 points); at two, it decides.
"""

# %% tags=["picture"]
def small_steps(function):
    model, (x, y) = parts.watched_model(3), (images[:32], labels[:32])
    before = float(F.cross_entropy(model(x), y).detach())
    with parts.quietly():
        function(model, [(x, y)] * 4, 2)
    return float(F.cross_entropy(model(x), y).detach()) < before - 0.05


finetuning = yours_or_ours("qat_finetune", parts.finetune, small_steps)
torch.manual_seed(10)
trained, aware = {}, {}
for bits in (2, 3, 4, 8):
    trained[bits] = poured(bits)
    finetuning(trained[bits], parts.shuffled_loader(images, labels, 64, 1020), 2)
    aware[bits] = share_right(trained[bits])
both = {"rounded after training": after_training, "quantization-aware": aware}
plot.curves(
    {
        name: (np.array(list(found)), np.array([100 * s for s in found.values()]))
        for name, found in (both | {"float": {2: whole, 8: whole}}).items()
    },
    xlabel="bits of a weight",
    ylabel="% of test digits right",
    alt="Share of test digits right by bits: "
    + "; ".join(f"{n}: " + ", ".join(f"{b} bits {s:.1%}" for b, s in f.items()) for n, f in both.items())
    + f"; float {whole:.1%}",
)

# %% [markdown]
r"""
**What has happened to the weights?** The first layer before and after, with its three levels. Look at the
number in the right title: that few of the weights have changed their level, and it was enough. Training moved
just those out of the middle that the layer needs as −1 and 1. Weights that lie half-way between two levels still
change sides from batch to batch (*oscillation*); that is one reason why the accuracy of few-bit training is never
quite still.
"""

# %% tags=["picture"]
before, after = poured(2)[1], trained[2][1]
changed = float((before.int_weight()[0] != after.int_weight()[0]).float().mean())
share = [float((layer.int_weight()[0] == 0).float().mean()) for layer in (before, after)]
with plot.figure(
    f"The first layer's weights before and after two epochs of fine-tuning on two bits: {share[0]:.1%} are "
    f"rounded to 0 before, {share[1]:.1%} after, and {changed:.1%} of all weights have changed their level",
    columns=2,
    height=2.6,
) as axes:
    for ax, layer, name in zip(axes, (before, after), ("before", f"after, {changed:.1%} changed their level")):
        draw_grid(ax, layer, name)

# %% [markdown]
r"""
## 10.10 Four bits and fewer, everywhere

Exercise 10.9 rounded weights and left activations alone. Now both, with what you built in 10.5 and 10.6: `LSQ` learns the
step of the input and of both weights, and `PACT` learns the lid of the hidden layer, whose levels lie between 0 and α.
The loss decides all four numbers, together with the weights. Below is the network; its forward pass is five lines.
"""


# %% tags=["picture"]
stepping = yours_or_ours("LSQ", parts.LSQ, step_gradients)
lid = yours_or_ours("PACT", parts.PACT, lid_gradients)


class FewBits(nn.Module):
    """The digit network with its input, weights and hidden values on grids of `bits` bits that are learned."""

    def __init__(self, bits):
        super().__init__()
        self.first, self.last, self.levels = nn.Linear(784, 64), nn.Linear(64, 10), 2**bits - 1
        self.of_input, self.of_first, self.of_last = stepping(bits, signed=False), stepping(bits), stepping(bits)
        self.lid = lid(alpha=4.0)
        with torch.no_grad():
            for own, value in zip([*self.first.parameters(), *self.last.parameters()], (w1, b1, w2, b2)):
                own.copy_(value)

    def forward(self, x):
        x = self.of_input(x.flatten(1))
        h = self.lid(F.linear(x, self.of_first(self.first.weight), self.first.bias))
        step = self.lid.alpha / self.levels
        h = h + (torch.round(h / step) - h / step).detach() * step  # straight through; the step takes part
        return F.linear(h, self.of_last(self.last.weight), self.last.bias)


# %% [markdown]
r"""
**One scale for each row.** There is a way to lose less without any training. Rows of a weight differ in size, and one
scale for all is made for the largest of them. Give each output a scale of its own (*per-channel* quantization; per
tensor is what you did so far). It costs the integers nothing: in $s_x\,s_{w,o} \sum_i (q_{x,i} - z_x)\,q_{w,oi}$ the
row's scale stands outside its sum.

The picture compares three ways at 2, 3 and 4 bits, input and hidden values included: rounded after training with one
scale, with a scale for each row, and trained for it with LSQ and PACT for two epochs on half of the images.
"""

# %% tags=["picture"]
def of_rows(w, bits, dim=None):
    top = 2 ** (bits - 1) - 1
    scale = w.abs().amax(dim=dim, keepdim=True) / top  # dim=1: one for each row; None: one for all
    return torch.round(w / scale) * scale


def rounded_everywhere(x, bits, dim=None):
    top, end = 2**bits - 1, float(watchers["hidden"].max_val)
    x = parts.fake_quantize(x.flatten(1), 1 / top, 0, 0, top)
    h = F.relu(F.linear(x, of_rows(w1, bits, dim), b1))
    return F.linear(parts.fake_quantize(h, end / top, 0, 0, top), of_rows(w2, bits, dim), b2)


ways = {"one scale": {}, "a scale for each row": {}, "LSQ and PACT, trained": {}}
for bits in (2, 3, 4):
    torch.manual_seed(10)
    ways["one scale"][bits] = share_right(lambda x: rounded_everywhere(x, bits))
    ways["a scale for each row"][bits] = share_right(lambda x: rounded_everywhere(x, bits, dim=1))
    few = FewBits(bits)
    parts.finetune(few, parts.shuffled_loader(images[:8000], labels[:8000], 64, 1030), 2)
    ways["LSQ and PACT, trained"][bits] = share_right(few)
    print(f"{bits} bits: alpha ended at {few.lid.alpha.item():.2f}, the step of the input at {few.of_input.scale.item():.3f}")

# %% tags=["picture"]
plot.curves(
    {name: (np.array(list(found)), np.array([100 * s for s in found.values()])) for name, found in ways.items()},
    xlabel="bits of weights, input and hidden values", ylabel="% of test digits right",
    alt="Share of test digits right by bits, input and activations rounded too: "
    + "; ".join(f"{n}: " + ", ".join(f"{b} bits {s:.1%}" for b, s in f.items()) for n, f in ways.items()),
)

# %% [markdown]
r"""
At four bits all three are good enough, and a scale for each row is free. At two, training decides. (Which of the
learned numbers did it? Freeze one kind at its start and train again: an ablation, as in chapter 9.)
"""

# %% [markdown]
r"""
## 10.11 Ship it: weights only, int8

What leaves the house is `int_weight()`: an `int8` tensor, one scale, and the bias in float. Activations stay
float here; the receiver multiplies the integers by the scale, or scales the result once, which is the same:
$x\,(s\,q)^\top = s\,(x\,q^\top)$. This is called **weight-only quantization**. It does not save multiplications, but
it saves reading, and reading was what hurt at the start of the chapter; it is how large language models fit on laptops.

Below, your eight-bit model goes into a file and comes back as plain numbers, without any layer of yours.
"""

# %% tags=["picture"]
import io

shipped = {}
for name, layer in (("0", trained[8][1]), ("1", trained[8][3])):
    q, scale = layer.int_weight()
    shipped |= {
        f"{name}.q": q,
        f"{name}.scale": torch.as_tensor(float(scale)),
        f"{name}.bias": layer.bias.detach(),
    }
file = io.BytesIO()
torch.save(shipped, file)
file.seek(0)
read = torch.load(file, weights_only=True)


def receiver(x):
    x = x.flatten(1)
    for name in ("0", "1"):
        x = x.relu() if name == "1" else x
        x = x @ read[f"{name}.q"].float().T * read[f"{name}.scale"] + read[f"{name}.bias"]
    return x


gap = float((receiver(test_set.images) - trained[8](test_set.images)).detach().abs().max())
for name, t in read.items():
    print(f"{name:8} {t.dtype!s:14} {tuple(t.shape)}")
print(f"largest difference to your layers: {gap:.1e}; test digits right: {share_right(receiver):.1%}")

# %% [markdown]
r"""
The difference is rounding in float32, nothing more. And the size? Four eight-bit numbers fit where one float32
was; of two-bit numbers, four fit into one byte. The biases and scales hardly count.
"""

# %% tags=["picture"]
q = trained[2][1].int_weight()[0].flatten().long() + 1  # -1, 0, 1 as 0, 1, 2: two bits each
packed = (q.reshape(-1, 4) * torch.tensor([1, 4, 16, 64])).sum(dim=1).to(torch.uint8)
again = torch.stack([(packed.long() >> shift) & 3 for shift in (0, 2, 4, 6)], dim=1).flatten()
print("unpacked as they were:", torch.equal(again, q), " the first byte:", f"{int(packed[0]):08b}")
count = w1.numel() + w2.numel()
kilobytes = {"float32": count * 4 / 1000, "int8": count / 1000, "2 bits, packed": count / 4000}
plot.bars(
    kilobytes,
    xlabel="kilobytes of weights",
    alt="Kilobytes of weights: " + ", ".join(f"{name} {size:.0f}" for name, size in kilobytes.items()),
)

# %% [markdown]
r"""
## Two questions

These are read by a person. A few honest sentences are worth more than a page.
"""

# %% [markdown]
r"""
### Question A
Derive LSQ's gradient of the scale from $y = s \cdot \text{round}(\text{clamp}(x/s, -Q_N, Q_P))$, with the
straight-through rule for the rounding, in all three regions. Then take a single weight with $v = 2.3$ and an
upstream gradient of 1: which way does gradient descent move $s$, and does the weight's rounding error become
smaller by it? Say why the sum is multiplied by $1/\sqrt{n\,Q_P}$.
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_step_gradient", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
r"""
**Model answer.** Inside, $y = s\,\text{round}(v)$ with $v = x/s$. The product rule gives $\text{round}(v) +
s\, \partial \text{round}(v)/\partial s$; straight through, the derivative of the rounding is that of $v$,
$-x/s^2 = -v/s$, so the slope is $\text{round}(v) - v$. Outside the clamped level is a constant, $y = -s\,Q_N$
or $s\,Q_P$, with slope $-Q_N$ or $Q_P$. For $v = 2.3$ the slope is $2 - 2.3 = -0.3$; the gradient is $-0.3$,
so descent makes $s$ larger. Then $v$ falls towards 2 and the rounding error with it. (The upstream gradient
of 1 asks for a smaller $y$, though $y = 2s$ really grows: straight-through is no derivative. Both remarks are
good answers.) The sum over $n$ entries grows with $n$, or with $\sqrt n$ where signs are mixed, and entries
outside carry up to $Q_P$: without the factor the scale would get steps that are large against those of the
weights.

**Rubric.** 1 point: all three regions, with the product rule. 1 point: $-0.3$, $s$ grows, and what becomes of
the error or of $y$. 1 point: a reason for the factor, balance between the scale's steps and the weights'.
"""

# %% [markdown]
r"""
### Question B
A colleague reports: "I fine-tuned our two-bit model for ten epochs with a learning rate of 1e-6. All the
float weights have changed, the loss falls, the accuracy has not moved at all." Explain how all three can be
true at once. Then say what you would plot to be sure, and why eight-bit models hardly ever need
quantization-aware training.
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_levels", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
r"""
**Model answer.** The forward pass sees only levels. A step of 1e-6 against a grid whose step is about 0.3
moves every float weight, but hardly one across a middle between two levels, so the rounded weights are the
same. What still changes is what is not rounded: the bias, and the scale through the largest weight; they are
enough to lower the loss a little by shifting logits, without changing which is largest. Plot the share of
weights whose level has changed since the start (here near 0), beside the histogram on the grid. At eight bits
the step is 127 times finer than with two, the rounding error is small against what the network tolerates
anyway, so rounding after training costs next to nothing, and there is little to win.

**Rubric.** 1 point: float weights move, levels do not. 1 point: a plot that would show it (levels changed, or
the histogram). 1 point: eight bits, by the size of the step or of the error.
"""

# %% [markdown]
r"""
## Summary

| you wrote | what is now hidden behind the name |
|---|---|
| `quant_params` | a ruler for a range: scale and zero point, with a mark at 0 |
| `fake_quantize` | the errors of integers, in floating point |
| `FakeQuantSTE` | a gradient for a staircase: 1 on the steps, 0 beyond the ends |
| `RangeObserver` | a range that is watched: buffers, an average, two modes |
| `PACT`, `LSQ` | a range and a step that the loss chooses |
| `QATLinear` | float weights seen through a grid; integers to take away |
| `integer_linear`, `requantize` | bytes times bytes, summed in 32 bits, and back to bytes |
| `qat_finetune` | an ordinary training loop, in which weights cross from level to level |
"""

# %% [markdown]
r"""
**Where it lives.** Two libraries have it. `torch.ao.quantization` still ships with PyTorch, and says of itself that it
is *deprecated*; its successor is the package **torchao**: `quantize_` for modules as they are, and `prepare_pt2e` and
`convert_pt2e` ("pt2e": PyTorch 2 export) for a graph from `torch.export`, which is the next chapter's subject.

| here | in PyTorch, deprecated | in torchao |
|---|---|---|
| `quant_params`, `RangeObserver` | `torch/ao/quantization/observer.py`: `MovingAverageMinMaxObserver` | observers of `torchao/quantization/pt2e/` |
| `fake_quantize`, `FakeQuantSTE` | `torch.fake_quantize_per_tensor_affine`, `torch/ao/quantization/fake_quantize.py` | `torchao/quantization/qat/` |
| `LSQ` | `torch/ao/quantization/_learnable_fake_quantize.py` | |
| `QATLinear` | `torch/ao/nn/qat/modules/linear.py` | `torchao/quantization/qat/linear.py` |
| `integer_linear` | `torch/ao/nn/quantized/modules/linear.py` | `prepare_pt2e`, then `convert_pt2e` |
| `int_weight` | | `quantize_(model, Int8WeightOnlyConfig())` |

`torch.fake_quantize_per_tensor_affine` and its backward are operators of PyTorch itself and stay.
"""

# %% [markdown]
r"""
**What still hurts?** The model is small and right, and it lives in a notebook. Somebody else's program cannot
call it, nobody checks what comes in, and how fast it is you do not know.

**Where to go next**

- *Next chapter:* `11_shipping`: validated, measured, exported.
- *Further:* Jacob and others, *Quantization and Training of Neural Networks for Efficient
  Integer-Arithmetic-Only Inference*, 2018; Choi and others, *PACT*, 2018; Esser and others, *Learned Step
  Size Quantization*, 2020.
- *Try:* LSQ with one step for each row; grids of four bits for groups of 64 weights, each with a scale of its own
  (what most four-bit language models use); a symmetric grid for the input, and how much the zero point saves.
"""
