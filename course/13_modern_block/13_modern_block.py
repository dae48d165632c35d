# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
r"""
# 13 · The block of today's language models

Chapter 9 built the transformer block of 2017. The block inside Llama, Qwen, Mistral or Gemma is the same idea with almost
every part exchanged: another norm, another way to say *where*, another MLP, fewer heads for keys and values. And around it stand
four tools without which nobody trains or runs such a model: the **cache**, the **adapter**, the **checkpoint**, the **sampler**.

In this chapter you build all eight, and for each you measure what it buys: time, memory, loss or length. At the end they are
one small decoder. You train it on little stories in half a minute, let it write, and teach it recipes with a small fraction of its numbers.
"""

# %% tags=["setup"] nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import math
import time

import torch
import torch.nn.functional as F
from torch import nn

from layer_by_layer import judges, text
from layer_by_layer.instruments.stand_in import this_or_ours
from lessonkit import check, plot
from lessonkit.hints import hint
from layer_by_layer.parts import modern as parts

# %% tags=["picture"]
boxes = {
    "x": "x", "n1": "RMSNorm", "att": "grouped\nattention", "rot": "rotary", "cache": "cache", "n2": "RMSNorm", "mlp": "SwiGLU", "y": "next block",
}
links = [("x", "n1"), ("n1", "rot"), ("rot", "cache"), ("cache", "att"), ("att", "n2"), ("n2", "mlp"), ("mlp", "y")]
plot.graph(
    boxes, links, mark={"n1", "rot", "att", "n2", "mlp", "cache"},
    alt="The block of this chapter, left to right: x, RMSNorm, rotary positions, the cache of keys and values, grouped "
    "attention, RMSNorm, SwiGLU, the next block. All but x are new against chapter 9",
)

# %% [markdown]
r"""
**Five questions first.** They are about earlier chapters, carry no points, and nobody sees the answers. Type a prediction
in place of `None`, then run the cell. A wrong guess that surprised you is remembered longer than a right one.
"""

# %%
# chapter 9: how many attention weights does ONE head compute for a text of 1,000 steps?
prediction = None
print("you said", prediction, "- it is", 1000 * 1000, "(causal: about half of them are not 0)")

# %%
# chapter 9: after LayerNorm (weight 1, bias 0), what is the mean of a vector's entries?
prediction = None
print(
    "you said", prediction, "- it is",
    round(float(F.layer_norm(torch.tensor([3.0, 9.0, 30.0]), (3,)).mean()), 3),
)

# %%
# chapter 9: shuffle keys and values together. Does attention's answer change? "yes" or "no"
prediction = None
keys, mixed = torch.randn(5, 4), torch.randperm(5)
asked = torch.randn(1, 4)
attend = F.scaled_dot_product_attention
same = torch.allclose(attend(asked, keys, keys), attend(asked, keys[mixed], keys[mixed]))
print(
    "you said", prediction, "-",
    "no: without more, attention does not know where anything stands" if same else "yes",
)

# %%
# chapter 3: h = torch.exp(x). Which tensor does exp keep for its backward pass, "x" or "h"?
prediction = None
h = torch.exp(torch.ones(1, requires_grad=True))
print(
    "you said", prediction, "-", "h" if h.grad_fn._saved_result is not None else "x",
    "(every such tensor waits in memory until backward)",
)

# %%
# chapter 5: how many of a frozen nn.Linear(8, 8)'s numbers does an optimizer change?
prediction = None
print(
    "you said", prediction, "- it is",
    sum(p.numel() for p in nn.Linear(8, 8).requires_grad_(False).parameters() if p.requires_grad),
)

# %% [markdown]
r"""
**What hurt in chapter 9?** Three things, and they show only when a model has to *write*. A model that writes produces one step,
appends it, and runs again over the whole text. Below: the time for one more step with chapter 9's block, at growing length.
"""

# %% tags=["picture"]
def time_of(run, repeats=5):
    """the fastest of a few runs on one core, in milliseconds"""
    best, threads = math.inf, torch.get_num_threads()
    torch.set_num_threads(1)  # threads that wait for one another take long where something else is running
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        best = min(best, time.perf_counter() - start)
    torch.set_num_threads(threads)
    return best * 1000


lengths = [64, 128, 256, 512, 1024]
old_layer = nn.TransformerEncoderLayer(64, 4, 256, batch_first=True, norm_first=True).eval()
with torch.no_grad():
    once_more = [time_of(lambda n=n: old_layer(torch.zeros(1, n, 64), src_mask=torch.ones(n, n).triu(1).bool())) for n in lengths]
plot.curves(
    {"one step, by running it all": (lengths, once_more)}, xlabel="steps so far", ylabel="milliseconds for one more step",
    alt="Time for one more step when the whole text runs again: "
    + ", ".join(f"{n} steps {ms:.1f} ms" for n, ms in zip(lengths, once_more)),
)

# %% [markdown]
r"""
The last of these runs computed 1,024 outputs to use one. That is the first thing to go (13.5). The second: a model whose places are
a learned table of 1,024 rows has no row 1,025 (13.2). The third: models grew until the *memory* for keys and values, not the
arithmetic, decided how many people one machine can serve (13.4).

*Needs: chapter 9 (attention, heads, norms, blocks), 5.8 (modes), 3 and 4 (what a backward pass keeps). Eight exercises; with everything
about four hours. 13.1 to 13.4, 13.5 to 13.8 and the decoder make three evenings.*
"""

# %% [markdown]
r"""
## 13.1 RMS norm: half of layer norm

Layer norm does two things to a vector: it subtracts the mean, and it divides by the spread. Zhang and Sennrich asked in 2019 which
of the two is needed, and the answer was: the second. **RMS** is the root of the mean of the squares:

$$y = \frac{x}{\sqrt{\operatorname{mean}(x^2) + \varepsilon}}\cdot w$$

No mean, no bias: one pass over the vector less, and half of the parameters. The ε stands under the root, beside the mean of
squares. It keeps a vector of zeros at zero where 0/0 would be nan.
"""

# %% tags=["picture"]
wide = torch.randn(2048, 512)
ones, none = torch.ones(512), torch.zeros(512)
by_hand = {
    "layer norm": lambda: (wide - wide.mean(-1, keepdim=True)) * (wide.var(-1, keepdim=True, correction=0) + 1e-6).rsqrt() * ones + none,
    "RMS norm": lambda: wide * (wide.square().mean(-1, keepdim=True) + 1e-6).rsqrt() * ones,
}
took = {name: time_of(run, 9) for name, run in by_hand.items()}
plot.bars(
    took, xlabel="milliseconds for 2,048 vectors of 512 numbers",
    alt="Time of both norms written out: " + ", ".join(f"{name} {ms:.2f} ms" for name, ms in took.items()),
)
print(f"RMS norm takes {took['RMS norm'] / took['layer norm']:.0%} of layer norm's time here")

# %% [markdown]
r"""
### Exercise 13.1 · `rms_norm`
*difficulty 1 of 3 · 10 minutes · about 6 lines*

Write the class `RMSNorm(dim, eps=1e-6)`, an `nn.Module` over the last dimension. It owns one parameter, `weight` of shape (dim,),
which starts as ones. `forward(x)`, x (…, dim) with any number of leading axes, none too, returns
$x / \sqrt{\operatorname{mean}(x^2) + \varepsilon} \cdot w$ with the shape and dtype of x: the same as `nn.RMSNorm(dim, eps=eps)`.

x is left as it is. float32 and float64 both work, each to its own accuracy.

*Not allowed: torch's own RMS norm (`nn.RMSNorm`, `F.rms_norm`).*
"""

# %% nbgrader={"grade": false, "grade_id": "rms_norm", "locked": false, "schema_version": 3, "solution": true, "task": false}
class RMSNorm(nn.Module):
    """x (..., dim) -> (..., dim), each vector divided by the root of the mean of its squares"""

    def __init__(self, dim, eps=1e-6):
        # about 3 lines
        ### BEGIN SOLUTION
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))
        ### END SOLUTION

    def forward(self, x):
        # about 2 lines
        ### BEGIN SOLUTION
        mean_square = x.square().mean(dim=-1, keepdim=True)  # keepdim: one number beside each vector
        return x * torch.rsqrt(mean_square + self.eps) * self.weight  # eps under the root, so that zeros stay zeros
        ### END SOLUTION

# %%
hint("rms_norm")

# %% nbgrader={"grade": true, "grade_id": "rms_norm__values", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("rms_norm__values")
def _():
    def run(x, eps=1e-6, weight=None):
        norm = RMSNorm(x.shape[-1], eps).to(x.dtype)
        if weight is not None:
            with torch.no_grad():
                norm.weight.copy_(weight)
        return norm(x)

    def right(x, eps=1e-6, weight=None):
        return F.rms_norm(x, x.shape[-1:], weight, eps)

    x = torch.tensor([[3.0, -4.0, 5.0, 0.0], [1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0]])
    check.close(
        "by hand, eps = 0.5: mean squares 12.5, 1 and 0",
        lambda: run(x, eps=0.5),
        expected=torch.stack([x[0] / math.sqrt(13.0), x[1] / math.sqrt(1.5), x[2]]),
        advice="print the mean of the squares of each row; the mean of the row itself plays no part",
    )
    check.close(
        "a weight multiplies each feature, after the division", lambda: run(x, weight=torch.tensor([1.0, 2.0, 0.0, -1.0])),
        expected=lambda: right(x, weight=torch.tensor([1.0, 2.0, 0.0, -1.0])),
    )
    check.close(
        "small numbers show where eps stands, and eps = 1e-6 is the default",
        lambda: RMSNorm(4)(1e-3 * x), expected=lambda: right(1e-3 * x),
    )
    precise = check.tensor(11, 2, 3, 5, dtype="float64")
    check.close("float64 is worked out in float64", lambda: run(precise), expected=lambda: right(precise))
    ### BEGIN HIDDEN TESTS
    cases = [((7,), {}), ((1, 4), {}), ((1, 1, 1), {}), ((2, 3, 4), {"strided": True}), ((5, 64), {"dtype": "float64", "strided": True}), ((2, 1, 3, 6), {"dtype": "float64"})]
    for i, (shape, how) in enumerate(cases):
        case, weight = check.tensor(21 + i, *shape, **how), check.tensor(31 + i, shape[-1], dtype=how.get("dtype", "float32"))
        check.close(f"RMS norm of {shape}", lambda case=case, weight=weight: run(case, 1e-2, weight), expected=lambda: right(case, 1e-2, weight))
        check.close(f"RMS norm of small {shape}", lambda case=case: run(1e-4 * case), expected=lambda: right(1e-4 * case))
    far = 1000 + check.tensor(41, 3, 8)
    check.close("vectors far from zero, of both signs", lambda: [run(far), run(-far)], expected=lambda: [right(far), right(-far)])

    def again():
        norm = RMSNorm(4)
        return [norm(x), norm(x[0]), norm(x), norm.eval()(x)]

    check.close("one norm called again, and in evaluation", again, expected=lambda: [right(x), right(x[0]), right(x), right(x)])
    check.unchanged("the vectors are left as they were", lambda: run(x), x)
    check.probes("what RMSNorm promises besides its numbers", lambda: RMSNorm(4), check.tensor(951, 3, 5, 4), promises=("memory that is not contiguous", "one row", "float64", "the same call twice", "inputs left alone", "training and evaluation", "deepcopy", "state_dict there and back"), expected=lambda: nn.RMSNorm(4, eps=1e-6))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "rms_norm__parameter", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("rms_norm__parameter")
def _():
    def shape_of(dim):
        norm = RMSNorm(dim)
        return [isinstance(norm, nn.Module), {name: p.detach() for name, p in norm.named_parameters()}, [p.requires_grad for p in norm.parameters()]]

    check.equal(
        "weight, of ones, is the one parameter", lambda: shape_of(3), expected=[True, {"weight": torch.ones(3)}, [True]],
        advice="what an optimizer has to find is an nn.Parameter of the module",
    )

    def gradients(x, upstream):
        norm = RMSNorm(x.shape[-1], 1e-2).to(x.dtype)
        parts.put([norm.weight], 51)
        leaf = x.clone().requires_grad_()
        norm(leaf).backward(upstream)
        return [leaf.grad, norm.weight.grad]

    def right(x, upstream):
        norm = nn.RMSNorm(x.shape[-1], 1e-2).to(x.dtype)
        parts.put([norm.weight], 51)
        leaf = x.clone().requires_grad_()
        norm(leaf).backward(upstream)
        return [leaf.grad, norm.weight.grad]

    x, upstream = check.tensor(61, 4, 3), check.tensor(62, 4, 3)
    check.close(
        "gradients reach the vectors and the weight", lambda: gradients(x, upstream), expected=lambda: right(x, upstream),
        advice="the root mean square depends on x too: nothing in it is detached",
    )
    ### BEGIN HIDDEN TESTS
    check.equal("weights of other sizes", lambda: [shape_of(1), shape_of(12)], expected=[[True, {"weight": torch.ones(n)}, [True]] for n in (1, 12)])
    for i, shape in enumerate([(5,), (2, 1, 4), (1, 1)]):
        pair = check.tensor(71 + i, *shape, dtype="float64"), check.tensor(81 + i, *shape, dtype="float64")
        check.close(f"gradients for {shape} in float64", lambda pair=pair: gradients(*pair), expected=lambda: right(*pair), atol=1e-8)
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**What the norm does, drawn.** Five hundred vectors of two numbers, before and after your norm. Layer norm, on two numbers, leaves hardly more
than two points: of (x₁, x₂) only the sign of x₁ − x₂ is left. RMS norm keeps the direction and sets the length.
"""

# %% tags=["picture"]
Norm = this_or_ours("RMSNorm", RMSNorm, parts.RMSNorm, lambda norm: norm(3)(torch.tensor([[1.0, -2.0, 4.0]])))
torch.manual_seed(1)
cloud = torch.randn(500, 2) * torch.tensor([2.0, 0.7]) + torch.tensor([1.0, 0.5])
after = Norm(2)(cloud).detach()
with plot.figure(
    "Left, 500 vectors of two numbers, a stretched cloud off the origin. Middle, after RMS norm: all on a circle of radius "
    f"{float(after.norm(dim=1).mean()):.2f}, the root of 2, in their old directions. Right, after layer norm: nearly all on two points",
    columns=3, height=2.6,
) as axes:
    for ax, points, title in zip(axes, (cloud, after, F.layer_norm(cloud, (2,))), ("before", "RMS norm", "layer norm")):
        ax.scatter(*points.T.numpy(), s=5, alpha=0.5)
        ax.set_title(title)
        ax.set_xlabel("x₁")
        ax.set_aspect("equal")
    axes[0].set_ylabel("x₂")

# %% [markdown]
r"""
## 13.2 Rotary: position as an angle

Attention compares a query with a key by a dot product. What a model needs to know about place is mostly *relative*: the word three
steps back. So the question is: can one change q and k, each by its own position alone, such that their product depends on the
**distance** of the two and on nothing else?

Turning does it. Take two numbers as a hand of a clock. Turn the query's hand by p·θ and the key's by s·θ, for positions p and s. The dot
product of two hands depends on the angle between them, and turning both leaves it. What is left is (p − s)·θ.

One hand comes round again after a while, as a clock's does. So there are D/2 hands, from fast to slow, as seconds, minutes and hours:
hand i turns by $\theta_i = \text{base}^{-2i/D}$ a step, with base = 10,000.
"""

# %% [markdown]
r"""
**Which two numbers are a hand?** Here, as in Llama's code in the library `transformers`, entry i and entry i + D/2: the first half of the vector
holds all horizontal parts, the second half all vertical ones. (The first paper paired neighbours. Both work; weights trained with one are
garbage with the other, and many a port has met this.)

A hand (a, b) turned by the angle φ is $(a\cos\varphi - b\sin\varphi,\; a\sin\varphi + b\cos\varphi)$. By hand for D = 2: at
position 0 nothing turns, at position 1 the hand (1, 0) becomes (cos 1, sin 1).
"""

# %% [markdown]
r"""
### Exercise 13.2 · `rotary`
*difficulty 2 of 3 · 20 minutes · about 7 lines*

Write `rotary(x, offset=0, base=10000.0)`. x is (…, T, D) with D even, any number of leading axes, none too; the result has its shape
and dtype. Row t stands at position p = offset + t. Entry i is paired with entry i + D/2, for i from 0 to D/2 − 1, and the pair (a, b)
becomes (a cos φ − b sin φ, a sin φ + b cos φ) with φ = p · base^(−2i/D).

Angles in float32 are good enough: results are compared to 1e-4, at positions below 1,000. x is left as it is.
"""

# %% nbgrader={"grade": false, "grade_id": "rotary", "locked": false, "schema_version": 3, "solution": true, "task": false}
def rotary(x, offset=0, base=10000.0):
    """x (..., T, D), D even -> the same shape, pair i of row t turned by (offset + t) · base^(-2i/D)"""
    # about 7 lines
    ### BEGIN SOLUTION
    steps, half = x.shape[-2], x.shape[-1] // 2
    speeds = base ** (-torch.arange(half, dtype=torch.float32, device=x.device) / half)  # 2i/D = i / (D/2)
    positions = offset + torch.arange(steps, dtype=torch.float32, device=x.device)
    angles = positions[:, None] * speeds  # (T, D/2): every position with every hand
    cos, sin = angles.cos().to(x.dtype), angles.sin().to(x.dtype)
    a, b = x[..., :half], x[..., half:]
    return torch.cat([a * cos - b * sin, a * sin + b * cos], dim=-1)
    ### END SOLUTION

# %%
hint("rotary")

# %% nbgrader={"grade": true, "grade_id": "rotary__angles", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
@check.cell("rotary__angles")
def _():
    s, c = math.sin(1.0), math.cos(1.0)
    check.close(
        "by hand, one pair: (1, 0) at position 1 is (cos 1, sin 1), and at position 0 it stays",
        lambda: rotary(torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])),
        expected=torch.tensor([[1.0, 0.0], [c, s], [-math.sin(2.0), math.cos(2.0)]]), atol=1e-4,
        advice="compare the sign of the second entry: hands turn from the first axis towards the second",
    )
    x = torch.tensor([[[1.0, 2.0, 0.0, 0.0], [1.0, 2.0, 0.0, 0.0]]])
    check.close(
        "by hand, two pairs and base 100: entry 0 goes with entry 2, entry 1 with entry 3 at a tenth of the speed",
        lambda: rotary(x, base=100.0), atol=1e-4,
        expected=torch.tensor([[[1.0, 2.0, 0.0, 0.0], [c, 2 * math.cos(0.1), s, 2 * math.sin(0.1)]]]),
        advice="entries 0 and 1 are the first halves of two different hands",
    )
    long = check.tensor(101, 9, 6)
    check.close(
        "offset: rows 4 and later, cut off and turned by themselves, are the same rows",
        lambda: [rotary(long)[4:], rotary(long[4:], offset=4)], atol=1e-4,
        expected=lambda: [parts.rotary(long)[4:], parts.rotary(long)[4:]],
    )
    check.close(
        "leading axes: each sequence of a batch and of a head by itself",
        lambda: rotary(long.reshape(3, 1, 3, 6)), expected=lambda: torch.stack([parts.rotary(one)[None] for one in long.reshape(3, 3, 6)]), atol=1e-4,
        advice="T is the axis before the last, counted from the end",
    )
    ### BEGIN HIDDEN TESTS
    cases = [((1, 2), {}), ((5, 8), {"offset": 3}), ((2, 4, 3, 10), {"offset": 100}), ((2, 7, 6), {"base": 500.0}), ((1, 1, 1, 4), {"offset": 940}), ((2, 3, 2, 2, 12), {"offset": 17, "base": 1e6}), ((60, 16), {"offset": 900})]
    for i, (shape, how) in enumerate(cases):
        kinds = [{"dtype": "float32"}, {"dtype": "float64", "strided": True}]
        for case in (check.tensor(111 + i, *shape, **kind) for kind in kinds):
            check.close(f"rotary of {shape} with {how}, {case.dtype}", lambda case=case, how=how: rotary(case, **how), expected=lambda: parts.rotary(case, **how), rtol=1e-4, atol=1e-4)
    check.close("called again, and by position", lambda: [rotary(long), rotary(long, 5), rotary(long, 5, 50.0), rotary(long)], expected=lambda: [parts.rotary(long), parts.rotary(long, 5), parts.rotary(long, 5, 50.0), parts.rotary(long)], atol=1e-4)
    check.unchanged("what is turned is left as it was", lambda: rotary(long, 2), long)
    check.probes("what rotary promises besides its numbers", lambda: rotary, check.tensor(952, 3, 5, 4), rtol=1e-4, atol=1e-4, expected=lambda: parts.rotary)
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "rotary__distance", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("rotary__distance")
def _():
    q, k = check.tensor(131, 1, 8), check.tensor(132, 1, 8)

    def product(p, s):
        return float((rotary(q, offset=p) * rotary(k, offset=s)).sum())

    def right(p, s):
        return float((parts.rotary(q, offset=p) * parts.rotary(k, offset=s)).sum())

    check.close(
        "the dot product depends on the distance only: positions 5 and 3, 12 and 10, 102 and 100",
        lambda: [product(5, 3), product(12, 10), product(102, 100)], expected=lambda: [right(2, 0)] * 3, rtol=1e-3, atol=1e-3,
        advice="where the three numbers differ, something besides the two angles came in",
    )
    check.close("and it is another one at another distance, and the other way round", lambda: [product(4, 0), product(0, 4)], expected=lambda: [right(4, 0), right(0, 4)], rtol=1e-3, atol=1e-3)
    ### BEGIN HIDDEN TESTS
    check.close("lengths stay", lambda: rotary(torch.cat([q] * 40), offset=500).norm(dim=-1), expected=lambda: q.norm(dim=-1).expand(40), rtol=1e-3)
    check.close("distances at other places", lambda: [product(p + 7, p) for p in (0, 1, 300, 800)], expected=lambda: [right(7, 0)] * 4, rtol=1e-3, atol=1e-3)
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**Turning hands.** Eight numbers are four hands. Below they stand at positions 0 to 5, as your `rotary` turned them, all pointing right at the
start. The first goes nearly round in six steps. The last has hardly moved: it will tell positions hundreds of steps apart.
"""

# %% tags=["picture"]
turn = this_or_ours("rotary", rotary, parts.rotary, lambda turn: turn(torch.arange(24.0).reshape(2, 3, 4), 2, 50.0))
hands = turn(torch.tensor([1.0, 1, 1, 1, 0, 0, 0, 0]).expand(6, 8))
speeds = [10000 ** (-2 * i / 8) for i in range(4)]
with plot.figure(
    "Four clocks, one for each pair of an 8-number vector, with hands at positions 0 to 5. Radians a step: "
    + ", ".join(f"{speed:.3f}" for speed in speeds) + ". The first hand goes nearly round, the last hardly moves",
    columns=4, height=2.2,
) as axes:
    for i, ax in enumerate(axes):
        for p in range(6):
            x, y = float(hands[p, i]), float(hands[p, i + 4])
            ax.annotate("", xy=(x, y), xytext=(0, 0), arrowprops={"arrowstyle": "-|>", "color": plot.PALETTE[0], "alpha": 0.25 + 0.15 * p})
            if i == 0:
                ax.text(1.25 * x, 1.25 * y, str(p), ha="center", va="center", fontsize=8)
        ax.set_title(f"pair {i}: {speeds[i]:.3g} a step")
        ax.set_xlim(-1.5, 1.5)
        ax.set_ylim(-1.5, 1.5)
        ax.set_aspect("equal")
        ax.set_axis_off()

# %% [markdown]
r"""
**Distance only, drawn.** One query and one key, copied to 48 positions each. The map of all dot products has the same number along every
diagonal. GPT-2 *adds* a learned table of positions to its tokens, and so to all that q and k are made of. That gives no such thing: that a
distance of two means the same at step 5 and at step 40 has to be learned for every step.
"""

# %% tags=["picture"]
torch.manual_seed(2)
one_q, one_k, table = torch.randn(32), torch.randn(32), torch.randn(48, 32)
turned = turn(one_q.expand(48, 32)) @ turn(one_k.expand(48, 32)).T
added = (one_q + table) @ (one_k + table).T
along = [float(torch.cat([scores.diagonal(d).var(correction=0)[None] for d in range(24)]).mean() / scores.var()) for scores in (turned, added)]
with plot.figure(
    f"Scores of one query and one key at 48 by 48 positions. Left, turned: equal along each diagonal (variance {along[0]:.1%} of all). "
    f"Right, a random table added: no pattern (variance along a diagonal {along[1]:.0%} of all)", columns=2, height=2.9,
) as axes:
    for ax, scores, title in zip(axes, (turned, added), ("rotary", "a table, added")):
        ax.imshow(scores.numpy(), cmap="cividis")
        ax.set_title(title)
        ax.set_xlabel("position of the key")
    axes[0].set_ylabel("position of the query")

# %% [markdown]
r"""
## 13.3 The gated MLP

Chapter 9's MLP widens, bends, and narrows: `down(gelu(up(x)))`. Each hidden number decides by itself how much of it passes. In a **gated**
MLP another linear map decides: two maps of x, one bent by an activation, multiplied number by number. You met the idea as
`GatedResidualBlock` and in chapter 11's operator.

The bend is **SiLU**, silu(g) = g · sigmoid(g): like GELU a smooth ReLU with a small dip below zero. Shazeer compared many gates in 2020,
found gated ones better at equal size, and wrote: "We offer no explanation as to why these architectures seem to work; we attribute their success, as all else, to divine benevolence". With three matrices for
two, `hidden` is taken two thirds as wide, so that the parameters stay equal: 4 · dim becomes 8/3 · dim.
"""

# %% tags=["picture"]
two, three = 2 * 64 * 256, 3 * 64 * round(256 * 2 / 3)
print(f"dim 64: up and down with hidden 256: {two:,} numbers; gate, up and down with hidden {round(256 * 2 / 3)}: {three:,}")

# %% [markdown]
r"""
### Exercise 13.3 · `swiglu`
*difficulty 1 of 3 · 10 minutes · about 5 lines*

Write the class `SwiGLU(dim, hidden)`, an `nn.Module` of three linear layers without bias: `gate` and `up` are `Linear(dim, hidden)`, `down`
is `Linear(hidden, dim)`, and nothing else is trained. `forward(x)`, x (…, dim), returns down(silu(gate(x)) · up(x)), (…, dim).
`hidden` is taken as given: two thirds of anything are the caller's affair.
"""

# %% nbgrader={"grade": false, "grade_id": "swiglu", "locked": false, "schema_version": 3, "solution": true, "task": false}
class SwiGLU(nn.Module):
    """x (..., dim) -> (..., dim)"""

    def __init__(self, dim, hidden):
        # about 4 lines
        ### BEGIN SOLUTION
        super().__init__()
        self.gate = nn.Linear(dim, hidden, bias=False)
        self.up = nn.Linear(dim, hidden, bias=False)
        self.down = nn.Linear(hidden, dim, bias=False)
        ### END SOLUTION

    def forward(self, x):
        # about 1 line
        ### BEGIN SOLUTION
        return self.down(F.silu(self.gate(x)) * self.up(x))  # the bend is on the gate alone
        ### END SOLUTION

# %%
hint("swiglu")

# %% nbgrader={"grade": true, "grade_id": "swiglu__values", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
@check.cell("swiglu__values")
def _():
    def filled(kind, dim, hidden, seed, dtype):
        mlp = kind(dim, hidden).to(dtype)
        parts.put([mlp.gate.weight, mlp.up.weight, mlp.down.weight], seed, 1.0)
        return mlp

    def by_hand(gate, up, down):
        mlp = SwiGLU(1, 1)
        with torch.no_grad():
            for layer, value in zip((mlp.gate, mlp.up, mlp.down), (gate, up, down)):
                layer.weight.fill_(value)
        return mlp(torch.tensor([[1.0], [0.0], [-2.0]]))

    third = math.log(3.0)
    check.close(
        "by hand: gate ln 3, up 2, down 10: silu(ln 3) is 0.75 · ln 3",
        lambda: by_hand(third, 2.0, 10.0),
        expected=torch.tensor([[0.75 * third * 2 * 10], [0.0], [(-2 * third / 10) * -4 * 10]]),
        advice="print silu(gate(x)) and up(x) side by side: only the first is bent",
    )
    x = check.tensor(151, 3, 4)
    check.close(
        "numbers of both signs through several hidden units", lambda: filled(SwiGLU, 4, 6, 152, torch.float32)(x),
        expected=lambda: filled(parts.SwiGLU, 4, 6, 152, torch.float32)(x),
    )
    ### BEGIN HIDDEN TESTS
    for i, (shape, hidden, how) in enumerate([((5,), 3, {}), ((1, 1), 1, {}), ((2, 3, 4), 8, {"dtype": "float64"}), ((4, 6), 2, {"strided": True}), ((2, 2, 2, 3), 5, {"dtype": "float64", "strided": True})]):
        case = check.tensor(161 + i, *shape, **how)
        check.close(f"SwiGLU of {shape} with {hidden} hidden", lambda case=case, hidden=hidden: filled(SwiGLU, case.shape[-1], hidden, 171, case.dtype)(case), expected=lambda: filled(parts.SwiGLU, case.shape[-1], hidden, 171, case.dtype)(case))
    check.close("large inputs", lambda: filled(SwiGLU, 4, 6, 152, torch.float32)(50 * x), expected=lambda: filled(parts.SwiGLU, 4, 6, 152, torch.float32)(50 * x))
    check.unchanged("the input of the MLP stays", lambda: SwiGLU(4, 6)(x), x)
    check.probes("what SwiGLU promises besides its numbers", lambda: filled(SwiGLU, 4, 6, 152, torch.float32), check.tensor(953, 3, 5, 4), promises=("memory that is not contiguous", "one row", "float64", "the same call twice", "inputs left alone", "training and evaluation", "deepcopy", "state_dict there and back"), rtol=1e-4, atol=1e-5, expected=lambda: filled(parts.SwiGLU, 4, 6, 152, torch.float32))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "swiglu__layers", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("swiglu__layers")
def _():
    def layers(dim, hidden):
        mlp = SwiGLU(dim, hidden)
        return [isinstance(mlp, nn.Module), {name: list(p.shape) for name, p in sorted(mlp.named_parameters())}, [p.requires_grad for p in mlp.parameters()]]

    def right(dim, hidden):
        return [True, {"down.weight": [dim, hidden], "gate.weight": [hidden, dim], "up.weight": [hidden, dim]}, [True] * 3]

    check.equal(
        "three weights, gate, up and down, and no bias", lambda: layers(4, 6), expected=lambda: right(4, 6),
        advice="print dict(SwiGLU(4, 6).named_parameters()).keys()",
    )

    def gradients(kind, x, upstream, hidden):
        mlp = kind(x.shape[-1], hidden).to(x.dtype)
        parts.put([mlp.gate.weight, mlp.up.weight, mlp.down.weight], 181)
        leaf = x.clone().requires_grad_()
        mlp(leaf).backward(upstream)
        return [leaf.grad, mlp.gate.weight.grad, mlp.up.weight.grad, mlp.down.weight.grad]

    x, upstream = check.tensor(182, 5, 3, dtype="float64"), check.tensor(183, 5, 3, dtype="float64")
    check.close("gradients of x and of all three weights", lambda: gradients(SwiGLU, x, upstream, 4), expected=lambda: gradients(parts.SwiGLU, x, upstream, 4))
    ### BEGIN HIDDEN TESTS
    check.equal("layers of other sizes", lambda: [layers(1, 1), layers(6, 2), layers(3, 16)], expected=lambda: [right(1, 1), right(6, 2), right(3, 16)])

    def two_apart():
        one, other = SwiGLU(3, 4), SwiGLU(3, 4)
        return [len({id(p) for p in one.parameters()} & {id(p) for p in other.parameters()}), bool((one.gate.weight != other.gate.weight).any()), bool((one.gate.weight != one.up.weight).any())]

    check.equal("every SwiGLU has weights of its own, drawn", two_apart, expected=[0, True, True])
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**The gate, drawn.** One hidden unit of your MLP with weight 1 everywhere: what passes, for each pair of *what the gate says* (across) and
*what up says* (upwards). ReLU would give one bent line. Here the sign and size of one number are free while the other decides how much gets through.
"""

# %% tags=["picture"]
def gate_trial(kind):
    mlp = kind(2, 3)
    parts.put([mlp.gate.weight, mlp.up.weight, mlp.down.weight], 2)
    return mlp(torch.tensor([[1.0, -2.0]]))


Gated = this_or_ours("SwiGLU", SwiGLU, parts.SwiGLU, gate_trial)
unit = Gated(2, 1)
with torch.no_grad():
    unit.gate.weight.copy_(torch.tensor([[1.0, 0.0]]))
    unit.up.weight.copy_(torch.tensor([[0.0, 1.0]]))
    unit.down.weight.fill_(1.0)
    line = torch.linspace(-4, 4, 41)
    surface = unit(torch.cartesian_prod(line, line))[:, 0].reshape(41, 41).T
with plot.figure(
    "One hidden unit of SwiGLU as a map of gate (across, -4 to 4) and up (upwards, -4 to 4): about 0 wherever the gate is negative, "
    f"and for a positive gate proportional to up, from {float(surface.min()):.1f} to {float(surface.max()):.1f}", height=2.8,
) as ax:
    drawn = ax.imshow(surface.numpy(), cmap="RdBu_r", vmin=-16, vmax=16, origin="lower", extent=(-4, 4, -4, 4))
    ax.figure.colorbar(drawn, ax=ax, label="what passes")
    ax.set_xlabel("gate(x)")
    ax.set_ylabel("up(x)")

# %% [markdown]
r"""
## 13.4 Fewer keys: grouped queries

While a model writes, it keeps the keys and values of everything that was said (13.5 builds that). Per step and layer those are
2 · heads · head_dim numbers. For a model with 32 layers, 32 heads of 128, 8,000 steps and two bytes a number:
"""

# %% tags=["picture"]
def cache_gigabytes(kv_heads, layers=32, head_dim=128, steps=8000, width=2):
    return 2 * kv_heads * head_dim * layers * steps * width / 2**30


sizes = {f"k and v of {heads}": cache_gigabytes(heads) for heads in (32, 8, 1)}
plot.bars(
    sizes, xlabel="GiB for ONE text of 8,000 steps, by number of key/value heads",
    alt="Memory for the keys and values of one text: " + ", ".join(f"{name} {size:.2f} GiB" for name, size in sizes.items()),
)

# %% [markdown]
r"""
One text takes nearly 4 GiB with 32 heads, and it has to be *read* once for every word written. **Grouped-query attention** (Ainslie and
others, 2023) keeps all query heads and shares keys and values: with 32 query heads and 8 key/value heads, queries 0 to 3 use
key/value head 0, queries 4 to 7 head 1, and so on. Query head h uses head `h // (n_heads // n_kv_heads)`.

With n_kv_heads = n_heads it is chapter 9's attention, with 1 it is *multi-query* attention. In between lies what most models of today use.
"""

# %% tags=["picture"]
queries = {f"q{h}": f"query head {h}" for h in range(6)}
shared = {f"k{h}": f"k and v of head {h}" for h in range(2)}
plot.graph(
    queries | shared, [(f"q{h}", f"k{h // 3}") for h in range(6)], mark=set(shared),
    alt="Six query heads and two key/value heads: query heads 0, 1, 2 use key/value head 0, query heads 3, 4, 5 use head 1",
)

# %% [markdown]
r"""
### Exercise 13.4 · `grouped_attention`
*difficulty 2 of 3 · 25 minutes · about 18 lines*

Write the class `GroupedQueryAttention(dim, n_heads, n_kv_heads)`, an `nn.Module` of four linear layers **without bias**, and nothing else
that is trained. With head_dim = dim // n_heads: `wq` is `Linear(dim, dim)`, `wk` and `wv` are `Linear(dim, n_kv_heads · head_dim)`, `wo` is
`Linear(dim, dim)`. The heads lie side by side in their outputs, head 0's head_dim numbers first.

`forward(x, causal=True)`, x (B, T, dim) → (B, T, dim): query head h attends with key/value head h // (n_heads // n_kv_heads), with
softmax(q kᵀ / √head_dim) v; causal, step t looks at steps 0 … t, with `causal=False` at all. Heads side by side, then `wo`. The constructor raises
`ValueError` where n_heads does not divide dim, or n_kv_heads does not divide n_heads.

*Not allowed: `F.scaled_dot_product_attention`, `nn.MultiheadAttention`.*
"""

# %% nbgrader={"grade": false, "grade_id": "grouped_attention", "locked": false, "schema_version": 3, "solution": true, "task": false}
class GroupedQueryAttention(nn.Module):
    """x (B, T, dim) -> (B, T, dim)"""

    def __init__(self, dim, n_heads, n_kv_heads):
        # about 8 lines
        ### BEGIN SOLUTION
        super().__init__()
        if dim % n_heads or n_heads % n_kv_heads:
            raise ValueError(f"{n_heads} heads in {dim} numbers with {n_kv_heads} for keys and values")
        self.head_dim, self.group = dim // n_heads, n_heads // n_kv_heads
        self.wq = nn.Linear(dim, dim, bias=False)
        self.wk = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wv = nn.Linear(dim, n_kv_heads * self.head_dim, bias=False)
        self.wo = nn.Linear(dim, dim, bias=False)
        ### END SOLUTION

    def heads(self, x):
        """(B, T, heads · head_dim) -> (B, heads, T, head_dim)"""
        # about 1 line
        ### BEGIN SOLUTION
        return x.unflatten(-1, (-1, self.head_dim)).transpose(1, 2)
        ### END SOLUTION

    def forward(self, x, causal=True):
        # about 9 lines
        ### BEGIN SOLUTION
        q, k, v = self.heads(self.wq(x)), self.heads(self.wk(x)), self.heads(self.wv(x))
        # heads 0, 0, 0, 1, 1, 1 and not 0, 1, 0, 1, 0, 1: neighbours share
        k, v = k.repeat_interleave(self.group, dim=1), v.repeat_interleave(self.group, dim=1)
        scores = q @ k.transpose(-2, -1) / math.sqrt(self.head_dim)
        if causal:
            steps = x.shape[1]
            hidden = torch.ones(steps, steps, dtype=torch.bool, device=x.device).triu(1)
            scores = scores.masked_fill(hidden, -math.inf)
        found = scores.softmax(dim=-1) @ v
        return self.wo(found.transpose(1, 2).flatten(2))
        ### END SOLUTION

# %%
hint("grouped_attention")

# %% nbgrader={"grade": true, "grade_id": "grouped_attention__values", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
@check.cell("grouped_attention__values")
def _():
    def run(kind, x, heads, kv_heads, seed, **how):
        own = kind(x.shape[-1], heads, kv_heads).to(x.dtype)
        parts.put([own.wq.weight, own.wk.weight, own.wv.weight, own.wo.weight], seed)
        return own(x, **how)

    def pair(*arguments, **how):
        return lambda: run(GroupedQueryAttention, *arguments, **how), lambda: run(parts.GroupedQueryAttention, *arguments, **how)

    x = check.tensor(201, 2, 5, 8)
    own, right = pair(x, 2, 2, 202, causal=False)
    check.close("as many key heads as query heads, nothing hidden", own, expected=right, advice="this is chapter 9's attention with four matrices: scale, softmax, heads, wo")
    own, right = pair(x, 4, 1, 202, causal=False)
    check.close("one key head for all four query heads", own, expected=right)
    own, right = pair(x, 4, 2, 202, causal=False)
    check.close(
        "two key heads for four query heads: query heads 0 and 1 share the first", own, expected=right,
        advice="print h // (n_heads // n_kv_heads) for h = 0 … 3",
    )
    own, right = pair(x, 4, 2, 202, causal=True)
    check.close("with causal=True step t looks at steps 0 to t", own, expected=right)
    own, right = pair(x, 4, 2, 202)
    check.close("without the argument it is causal", own, expected=right)
    ### BEGIN HIDDEN TESTS
    cases = [((1, 1, 4), 2, 1, {}), ((3, 4, 6), 6, 3, {}), ((2, 7, 12), 6, 2, {"dtype": "float64"}), ((2, 3, 8), 8, 4, {"strided": True}), ((4, 4, 4), 1, 1, {"dtype": "float64", "strided": True}), ((1, 9, 16), 4, 1, {}), ((2, 2, 2), 2, 2, {})]
    for i, (shape, heads, kv_heads, how) in enumerate(cases):
        case = check.tensor(211 + i, *shape, **how)
        for causal in (True, False):
            own, right = pair(case, heads, kv_heads, 231 + i, causal=causal)
            check.close(f"x of {shape}, {heads} heads, {kv_heads} for keys, causal={causal}", own, expected=right)
    own, right = pair(40 * x, 4, 2, 241)
    check.close("scores so large that softmax picks one step", own, expected=right, rtol=1e-3, atol=1e-4)
    own, right = pair(check.tensor(242, 1, 1050, 2), 2, 1, 243)
    check.close("1,050 steps", own, expected=right)

    def lengths(kind):
        module = kind(8, 4, 2)
        parts.put([module.wq.weight, module.wk.weight, module.wv.weight, module.wo.weight], 244)
        return [module(x), module(x[:1, :2]), module.eval()(x, causal=False), module(x)]

    check.close("one module on long, short and long inputs", lambda: lengths(GroupedQueryAttention), expected=lambda: lengths(parts.GroupedQueryAttention))
    check.unchanged("what attends is left as it was", lambda: GroupedQueryAttention(8, 4, 2)(x), x)
    check.probes("what GroupedQueryAttention promises besides its numbers", lambda: lambda x: run(GroupedQueryAttention, x, 4, 2, 202), check.tensor(954, 3, 5, 8), rtol=1e-4, atol=1e-5, expected=lambda: lambda x: run(parts.GroupedQueryAttention, x, 4, 2, 202))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "grouped_attention__module", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
@check.cell("grouped_attention__module")
def _():
    def made(*sizes):
        try:
            return {name: list(p.shape) for name, p in sorted(GroupedQueryAttention(*sizes).named_parameters())}
        except ValueError:
            return "ValueError"

    def right(*sizes):
        dim, heads, kv_heads = sizes
        return {f"{name}.weight": [rows, dim] for name, rows in zip(("wk", "wo", "wq", "wv"), (kv_heads * dim // heads, dim, dim, kv_heads * dim // heads))}

    check.equal(
        "wk and wv are as narrow as their heads, and nothing has a bias", lambda: made(12, 6, 2), expected=lambda: right(12, 6, 2),
        advice="head_dim is 12 // 6 = 2, and there are two key heads",
    )
    check.equal(
        "ValueError where heads do not divide dim", lambda: [made(8, 3, 1), made(8, 4, 4)], expected=lambda: ["ValueError", right(8, 4, 4)],
    )
    check.equal(
        "ValueError where key heads do not divide query heads", lambda: [made(12, 6, 4), made(12, 6, 3)], expected=lambda: ["ValueError", right(12, 6, 3)],
    )
    ### BEGIN HIDDEN TESTS
    check.equal("more sizes that do and do not fit", lambda: [made(10, 4, 2), made(8, 2, 4), made(6, 6, 1), made(4, 1, 1), made(9, 3, 2)], expected=lambda: ["ValueError", "ValueError", right(6, 6, 1), right(4, 1, 1), "ValueError"])
    x, upstream = check.tensor(251, 2, 4, 6, dtype="float64"), check.tensor(252, 2, 4, 6, dtype="float64")

    def gradients(kind):
        own = kind(6, 6, 2).double()
        weights = [own.wq.weight, own.wk.weight, own.wv.weight, own.wo.weight]
        parts.put(weights, 253)
        leaf = x.clone().requires_grad_()
        for causal in (True, False):
            own(leaf, causal=causal).backward(upstream)
        return [leaf.grad, *[w.grad for w in weights]]

    check.close("gradients of two passes in x and in all four weights", lambda: gradients(GroupedQueryAttention), expected=lambda: gradients(parts.GroupedQueryAttention), atol=1e-8)
    check.equal("all four weights are trained, and drawn", lambda: [[p.requires_grad, bool(p.std() > 0)] for p in GroupedQueryAttention(6, 3, 1).parameters()], expected=[[True, True]] * 4)
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**Who uses whose keys?** Set `wv` so that key head 0 answers 0 and key head 1 answers 1, and look at what each of six query heads of yours brings home.
"""

# %% tags=["picture"]
def heads_trial(kind):
    own = kind(4, 4, 2)
    parts.put([own.wq.weight, own.wk.weight, own.wv.weight, own.wo.weight], 3)
    return own(torch.arange(12.0).reshape(1, 3, 4) / 10)


Grouped = this_or_ours("GroupedQueryAttention", GroupedQueryAttention, parts.GroupedQueryAttention, heads_trial)
own = Grouped(6, 6, 2)
with torch.no_grad():
    own.wv.weight.copy_(torch.tensor([[0.0] * 6, [1.0] + [0.0] * 5]))
    own.wo.weight.copy_(torch.eye(6))
    brought = own(torch.ones(1, 4, 6))[0, -1]
with plot.figure("What six query heads bring home when key head 0 holds zeros and key head 1 ones: " + ", ".join(f"{float(b):.0f}" for b in brought), height=1.8) as ax:
    ax.plot(range(6), brought.numpy(), "o", markersize=9)
    ax.set_yticks([0, 1])
    ax.set_ylim(-0.5, 1.5)
    ax.set_xlabel("query head")
    ax.set_ylabel("key head used")

# %% [markdown]
r"""
## 13.5 The cache: never compute a key twice

A causal model that has read t steps is asked for step t + 1. Keys and values of steps 0 … t are what they were, because nothing
that comes later can change them; that is what *causal* means. So they are kept. The new step computes **one** query, one key, one value,
and attends over all that is kept. The cost of a step falls from "the whole text" to "one row".

Causality (9.8) was a rule of honesty for training. Here it earns its keep: only a causal model can be run with a cache.
"""

# %% [markdown]
r"""
**Where does it lie?** The obvious `torch.cat([old, new])` copies everything that is held, for every step: t steps copy t²/2 rows. Python's
`list.append` does not: where the room is used up it takes more than it needs, in proportion to what is there. With twice the room
each time, every number is copied about once in all. For a cache whose largest size is known, one buffer of that size does without any copy. What is handed out is a view of its filled part.

**Pieces.** A prompt comes as one piece of many steps, then single steps follow, or a few at once. Query j of a piece of t that
comes after n kept steps stands at position n + j, and may look at positions 0 … n + j. For one step that is everything. For a first piece it
is the triangle of 9.2. For a piece in the middle it is a triangle with a full block to its left.
"""

# %% tags=["picture"]
print("a piece of 3 after 4 kept steps: rows are its queries, columns all 7 positions")
print(parts.may_look(3, 7).int())

# %% [markdown]
r"""
### Exercise 13.5 · `kv_cache`
*difficulty 3 of 3 · 30 minutes · about 25 lines*

Write the class `KVCache(max_len)`. `append(k, v)`, both (B, H, t, D), adds t positions along axis 2 and returns keys and values **so far**, (B, H, len,
D) each. `len(cache)` is the number of positions held. Where they would be more than `max_len`, `append` raises `ValueError`, and nothing has been added.
What is already held is never copied more than once per doubling of the length, or not at all. After `clear()` the cache is empty and takes any shape and dtype.

Write `decode_step(q, k, v, cache)`: q, k, v (B, H, t, D) are those of the newest t positions. It appends k and v, and returns the attention
output of the newest positions, (B, H, t, D): causal over what is kept and what is new, scale 1/√D. Fed in any pieces, a sequence gives what it gives whole. It
is used to write, not to train: no gradients are needed, and inputs carry none.
"""

# %% nbgrader={"grade": false, "grade_id": "kv_cache", "locked": false, "schema_version": 3, "solution": true, "task": false}
class KVCache:
    """keys and values of the positions so far, (B, H, len, D) each"""

    def __init__(self, max_len):
        # about 2 lines
        ### BEGIN SOLUTION
        self.max_len = max_len
        self.clear()
        ### END SOLUTION

    def append(self, k, v):
        """k, v (B, H, t, D) -> both (B, H, len, D), the new ones last"""
        # about 11 lines
        ### BEGIN SOLUTION
        end = self.held + k.shape[2]
        if end > self.max_len:  # before anything is written
            raise ValueError(f"{end} positions do not fit into a cache of {self.max_len}")
        if self.buffers is None:  # the first append knows shape and dtype
            B, H, _, D = k.shape
            self.buffers = k.new_empty(B, H, self.max_len, D), v.new_empty(B, H, self.max_len, D)
        keys, values = self.buffers
        keys[:, :, self.held : end], values[:, :, self.held : end] = k, v
        self.held = end
        return keys[:, :, :end], values[:, :, :end]
        ### END SOLUTION

    def __len__(self):
        # about 1 line
        ### BEGIN SOLUTION
        return self.held
        ### END SOLUTION

    def clear(self):
        # about 1 line
        ### BEGIN SOLUTION
        self.held, self.buffers = 0, None
        ### END SOLUTION


def decode_step(q, k, v, cache):
    """q, k, v (B, H, t, D) of the newest t positions -> (B, H, t, D)"""
    # about 6 lines
    ### BEGIN SOLUTION
    keys, values = cache.append(k, v)
    new, total = q.shape[2], keys.shape[2]
    # query j stands at position total - new + j: the triangle starts behind the block of what was kept
    hidden = torch.ones(new, total, dtype=torch.bool, device=q.device).triu(total - new + 1)
    scores = (q @ keys.transpose(-2, -1) / math.sqrt(q.shape[-1])).masked_fill(hidden, -math.inf)
    return scores.softmax(dim=-1) @ values
    ### END SOLUTION

# %%
hint("kv_cache")

# %% nbgrader={"grade": true, "grade_id": "kv_cache__append", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
@check.cell("kv_cache__append")
def _():
    k, v = check.tensor(301, 2, 3, 12, 4), check.tensor(302, 2, 3, 12, 4)

    def feed(k, v, pieces, max_len=20):
        cache, seen = KVCache(max_len), []
        for one, other in zip(k.split(pieces, dim=2), v.split(pieces, dim=2)):
            so_far = cache.append(one, other)
            seen.append([so_far[0].clone(), so_far[1].clone(), len(cache)])
        return seen

    def whole(k, v, pieces):
        ends = torch.tensor(pieces).cumsum(0).tolist()
        return [[k[:, :, :end], v[:, :, :end], end] for end in ends]

    check.equal(
        "pieces of 2, 1 and 9 steps: each append gives keys and values so far, and len counts positions",
        lambda: feed(k, v, [2, 1, 9]), expected=lambda: whole(k, v, [2, 1, 9]),
        advice="axis 2 of (B, H, t, D) is time; hand out the filled part only",
    )

    def too_much():
        cache, log = KVCache(5), []
        for t in (3, 3, 2, 1):
            try:
                cache.append(k[:, :, :t], v[:, :, :t])
                log.append("added")
            except ValueError:
                log.append("ValueError")
            log.append(len(cache))
        return log

    check.equal(
        "room for 5: 3 fit, 3 more do not and leave it as it was, 2 do, then it is full", too_much,
        expected=["added", 3, "ValueError", 3, "added", 5, "ValueError", 5],
        advice="compare before you write, and count before you compare",
    )

    def cleared():
        cache = KVCache(6)
        cache.append(k[:, :, :4], v[:, :, :4])
        cache.clear()
        so_far = cache.append(k[:1, :2, :5, :3].double(), v[:1, :2, :5, :3].double())
        return [so_far[0].clone(), so_far[1].clone(), len(cache)]

    check.equal("after clear it takes another shape and dtype", cleared, expected=lambda: [k[:1, :2, :5, :3].double(), v[:1, :2, :5, :3].double(), 5])
    ### BEGIN HIDDEN TESTS
    for i, (shape, pieces, how) in enumerate([((1, 1, 1, 1), [1], {}), ((1, 2, 6, 3), [1] * 6, {"dtype": "float64"}), ((3, 1, 9, 2), [4, 4, 1], {"strided": True}), ((2, 2, 7, 5), [7], {}), ((1, 4, 20, 2), [1, 3, 16], {})]):
        pair = check.tensor(311 + i, *shape, **how), check.tensor(321 + i, *shape, **how)
        check.equal(f"{shape} in pieces of {pieces}", lambda pair=pair, pieces=pieces: feed(*pair, pieces), expected=lambda: whole(*pair, pieces))

    def all_or_nothing():
        cache = KVCache(4)
        cache.append(k[:, :, :2], v[:, :, :2])
        for t in (3, 5, 9):
            try:
                cache.append(k[:, :, 2 : 2 + t], v[:, :, 2 : 2 + t])
            except ValueError:
                pass
        so_far = cache.append(k[:, :, 2:4], v[:, :, 2:4])
        return [so_far[0].clone(), so_far[1].clone(), len(cache)]

    check.equal("what was refused is not in it later", all_or_nothing, expected=lambda: [k[:, :, :4], v[:, :, :4], 4])

    check.raises("a first piece that is too long", lambda: KVCache(11).append(k, v), ValueError)
    check.unchanged("keys and values that are appended stay as they are", lambda: feed(k, v, [3, 9]), k, v)
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "kv_cache__copies", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("kv_cache__copies")
def _():
    def storages(steps, max_len, width=2):
        """how many different memory blocks the returned keys and values lay in while one step at a time came"""
        cache, held = KVCache(max_len), []
        one = torch.zeros(1, 1, 1, width)
        for _ in range(steps):
            held.append(cache.append(one, one))  # kept, so that no address is given out twice
        return [len({pair[i].untyped_storage().data_ptr() for pair in held}) for i in (0, 1)]

    check.that(
        "64 single steps move what is held at most once per doubling", lambda: storages(64, 64),
        judge=lambda seen: None if max(seen) <= 8 else "what is held was copied at almost every step" if min(seen) > 40 else "what is held was copied more than once per doubling",
        advice="torch.cat makes a new tensor and copies all into it; a slice of a buffer is written without",
    )
    ### BEGIN HIDDEN TESTS
    check.that("300 single steps in a larger cache", lambda: storages(300, 1000), judge=lambda seen: None if max(seen) <= 12 else "what is held was copied at almost every step" if min(seen) > 200 else "what is held was copied more than once per doubling")
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "kv_cache__decode", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
@check.cell("kv_cache__decode")
def _():
    def feed(q, k, v, pieces, extra=0):
        cache = KVCache(q.shape[2] + extra)
        found = [decode_step(*piece, cache).clone() for piece in zip(q.split(pieces, 2), k.split(pieces, 2), v.split(pieces, 2))]
        return [torch.cat(found, dim=2), len(cache)]

    def whole(q, k, v):
        return [F.scaled_dot_product_attention(q, k, v, is_causal=True), q.shape[2]]

    def three(seed, *shape, **how):
        return [check.tensor(seed + i, *shape, **how) for i in range(3)]

    zeros, values = torch.zeros(1, 1, 3, 4), torch.tensor([6.0, 0.0, 3.0]).reshape(1, 1, 3, 1).expand(1, 1, 3, 4)
    check.close(
        "by hand, equal scores, one step after the other: the means of 6, of 6 and 0, of 6, 0 and 3",
        lambda: feed(zeros, zeros, values, [1, 1, 1]), expected=[torch.tensor([6.0, 3.0, 3.0]).reshape(1, 1, 3, 1).expand(1, 1, 3, 4), 3],
        advice="the newest step looks at itself too, so it is appended first",
    )
    some = three(331, 2, 3, 6, 4)
    check.close("a whole sequence in one piece", lambda: feed(*some, [6]), expected=lambda: whole(*some), advice="inside a piece step t must not see the steps after it")
    check.close("single steps equal the whole", lambda: feed(*some, [1] * 6), expected=lambda: whole(*some))
    check.close(
        "pieces of 2, 3 and 1 equal the whole", lambda: feed(*some, [2, 3, 1]), expected=lambda: whole(*some),
        advice="print the mask of the second piece: 3 rows, 5 columns, and 2 columns that are open to all",
    )
    ### BEGIN HIDDEN TESTS
    cases = [((1, 1, 1, 1), [1], {}), ((1, 2, 8, 3), [4, 4], {"dtype": "float64"}), ((3, 2, 9, 5), [1, 7, 1], {"strided": True}), ((2, 4, 5, 2), [5], {}), ((1, 1, 40, 8), [16, 1, 1, 22], {}), ((4, 4, 4, 4), [3, 1], {"dtype": "float64", "strided": True})]
    for i, (shape, pieces, how) in enumerate(cases):
        case = three(341 + 3 * i, *shape, **how)
        check.close(f"attention of {shape} in pieces of {pieces}", lambda case=case, pieces=pieces: feed(*case, pieces, extra=3), expected=lambda: whole(*case))
    large = [30 * one for one in some]
    check.close("scores so large that one step takes all", lambda: feed(*large, [2, 4]), expected=lambda: whole(*large), rtol=1e-3, atol=1e-4)

    def overfull():
        cache = KVCache(4)
        decode_step(*[one[:, :, :3] for one in some], cache)
        try:
            decode_step(*[one[:, :, 3:5] for one in some], cache)
        except ValueError:
            return ["ValueError", len(cache)]
        return ["went on", len(cache)]

    check.equal("a step that does not fit raises ValueError, and the cache is as before", overfull, expected=["ValueError", 3])

    def twice():
        cache = KVCache(6)
        first = decode_step(*some, cache).clone()
        cache.clear()
        return [first, decode_step(*some, cache).clone()]

    check.close("cleared, it decodes the same again", twice, expected=lambda: [whole(*some)[0]] * 2)
    check.unchanged("q, k and v stay as they are", lambda: feed(*some, [3, 3]), *some)
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**Time per step, with and without.** The same attention, one step at a time. Without a cache every step computes keys and values of everything before and
attends with all queries. With your cache it projects one row. The picture is why every server that runs a language model keeps one.
"""

# %% tags=["picture"]
def cache_trial(pair):
    cache, piece = pair[0](3), torch.arange(12.0).reshape(1, 1, 3, 4) / 5
    return torch.cat([pair[1](*[piece[:, :, t : t + 1]] * 3, cache) for t in range(3)], dim=2)


Cache, step = this_or_ours("the cache", (KVCache, decode_step), (parts.KVCache, parts.decode_step), cache_trial)
project = nn.Linear(128, 3 * 128, bias=False)


def heads_of(x):
    return project(x).unflatten(-1, (3, 4, 32)).permute(2, 0, 3, 1, 4)  # q, k, v of (1, 4, t, 32)


def without(n):
    return F.scaled_dot_product_attention(*heads_of(torch.zeros(1, n, 128)), is_causal=True)[:, :, -1:]

# %% tags=["picture"]
lengths = [128, 256, 512, 1024, 2048]
series = {"without a cache": [], "with your cache": []}
with torch.no_grad():
    for n in lengths:
        cache = Cache(n + 8)
        cache.append(*heads_of(torch.zeros(1, n, 128))[1:])
        series["without a cache"].append(time_of(lambda n=n: without(n)))
        series["with your cache"].append(time_of(lambda cache=cache: step(*heads_of(torch.zeros(1, 1, 128)), cache)))
plot.curves(
    {name: (lengths, ms) for name, ms in series.items()}, xlabel="steps so far", ylabel="milliseconds for one more step",
    alt="Milliseconds for one more step. " + ". ".join(
        f"{name}: " + ", ".join(f"{ms:.2f} at {n}" for n, ms in zip(lengths, line)) for name, line in series.items()),
)
print(f"at {lengths[-1]:,} steps the cache is {series['without a cache'][-1] / series['with your cache'][-1]:.0f} times as fast")

# %% [markdown]
r"""
## 13.6 LoRA: teach a large layer with a small one

Fine-tuning changes a trained model for a new task. Changing *all* numbers means a second copy of the model, and an optimizer with two more
numbers for each (6.3). Hu and others (2021) supposed that the *change* that fine-tuning makes is simple, of a low rank, and found that it is enough. So they learn
the change only, as a product of two thin matrices:

$$y = Wx + \frac{\alpha}{r}\,B A x, \qquad A \in \mathbb R^{r\times\text{in}},\; B \in \mathbb R^{\text{out}\times r}$$

W is frozen. A starts random, B starts at **zero**: at first nothing is changed. Were both zero, neither would ever get a gradient.
"""

# %% tags=["picture"]
full, rank = 1024 * 1024, 8
print(f"a layer 1,024 → 1,024 has {full:,} numbers; its adapter of rank {rank} has {2 * rank * 1024:,}, {2 * rank * 1024 / full:.1%} of them")

# %% [markdown]
r"""
**Merge.** W + (α/r) B A is a matrix of W's own shape. Written out once, the adapted layer is an ordinary one again, and costs nothing
more to run. Kept apart, one large W can serve many small adapters. The scale α/r keeps the size of the change about the same when
you try another rank.
"""

# %% [markdown]
r"""
### Exercise 13.6 · `lora`
*difficulty 2 of 3 · 20 minutes · about 15 lines*

Write the class `LoRALinear(linear, rank, alpha=1.0)`, an `nn.Module` around an `nn.Linear`. Its attribute `linear` is **that very module**, and its
parameters are frozen in place. `a` (rank, in) is a parameter that is drawn at random (not constant), `b` (out, rank) one of zeros, both of the linear's dtype; a and b are all that trains.
`forward(x)`, x (…, in), gives linear(x) + alpha/rank · x aᵀ bᵀ. At first that equals linear(x).

`merge()` returns a fresh `nn.Linear` (without bias where `linear` has none) that computes the same and shares no storage; the module itself stays as it is.
"""

# %% nbgrader={"grade": false, "grade_id": "lora", "locked": false, "schema_version": 3, "solution": true, "task": false}
class LoRALinear(nn.Module):
    """x (..., in) -> (..., out)"""

    def __init__(self, linear, rank, alpha=1.0):
        # about 6 lines
        ### BEGIN SOLUTION
        super().__init__()
        self.linear = linear.requires_grad_(False)  # in place: the caller's own module
        out_features, in_features = linear.weight.shape
        self.scale = alpha / rank
        self.a = nn.Parameter(torch.randn(rank, in_features, dtype=linear.weight.dtype) / math.sqrt(in_features))
        self.b = nn.Parameter(torch.zeros(out_features, rank, dtype=linear.weight.dtype))
        ### END SOLUTION

    def forward(self, x):
        # about 1 line
        ### BEGIN SOLUTION
        return self.linear(x) + self.scale * (x @ self.a.T @ self.b.T)  # from the left: never an out × in matrix
        ### END SOLUTION

    def merge(self):
        """one nn.Linear that computes the same"""
        # about 7 lines
        ### BEGIN SOLUTION
        weight, bias = self.linear.weight, self.linear.bias
        merged = nn.Linear(weight.shape[1], weight.shape[0], bias=bias is not None).to(weight.dtype)
        with torch.no_grad():
            merged.weight.copy_(weight + self.scale * self.b @ self.a)
            if bias is not None:
                merged.bias.copy_(bias)
        return merged
        ### END SOLUTION

# %%
hint("lora")

# %% nbgrader={"grade": true, "grade_id": "lora__start", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
@check.cell("lora__start")
def _():
    def linear(seed, n_in, n_out, bias=True, dtype="float32"):
        made = nn.Linear(n_in, n_out, bias=bias).to(getattr(torch, dtype))
        parts.put(made.parameters(), seed)
        return made

    def fresh(layer, *how):
        own = LoRALinear(layer, *how)
        trained = {name: list(p.shape) for name, p in own.named_parameters() if p.requires_grad}
        return {"itself": own.linear is layer, "trained": trained, "frozen": [p.requires_grad for p in layer.parameters()], "b": own.b.detach(), "a drawn": own.a.numel() == 1 or bool(own.a.std() > 0), "a not zero": bool(own.a.any())}

    def right(n_in, n_out, rank, flags=2, dtype=torch.float32):
        return {"itself": True, "trained": {"a": [rank, n_in], "b": [n_out, rank]}, "frozen": [False] * flags, "b": torch.zeros(n_out, rank, dtype=dtype), "a drawn": True, "a not zero": True}

    check.equal(
        "the very layer, frozen, with a drawn, b of zeros, and nothing else that trains",
        lambda: fresh(linear(401, 5, 3), 2), expected=lambda: right(5, 3, 2),
        advice="`itself`: .linear is the module that came in, not a copy. `trained`: a is (rank, in), b is (out, rank), and they alone",
    )
    x = check.tensor(402, 4, 5)
    check.close("at first it computes what the layer computes", lambda: LoRALinear(linear(401, 5, 3), 2, 8.0)(x), expected=lambda: linear(401, 5, 3)(x))
    double = check.tensor(403, 2, 5, dtype="float64")
    check.close("around a float64 layer all is float64", lambda: LoRALinear(linear(401, 5, 3, dtype="float64"), 2)(double), expected=lambda: linear(401, 5, 3, dtype="float64")(double))
    ### BEGIN HIDDEN TESTS
    for sizes, bias in [((1, 1, 1), True), ((8, 2, 3), False), ((2, 8, 5), True)]:
        check.equal(f"fresh adapters of {sizes}, bias {bias}", lambda sizes=sizes, bias=bias: fresh(linear(404, *sizes[:2], bias), sizes[2]) | {"a drawn": True}, expected=lambda: right(*sizes, 1 + bias))
    check.equal("two adapters draw differently, and a few hundred entries are not all alike", lambda: [bool((LoRALinear(linear(401, 5, 3), 2).a != LoRALinear(linear(401, 5, 3), 2).a).any()), len(LoRALinear(linear(401, 40, 3), 8).a.unique()) > 50], expected=[True, True])
    kept = linear(401, 5, 3)
    check.unchanged("the layer's own numbers are left alone", lambda: LoRALinear(kept, 2)(x), kept.weight.detach(), kept.bias.detach())
    check.probes("what LoRALinear promises besides its numbers", lambda: LoRALinear(linear(401, 5, 3), 2, 8.0), check.tensor(955, 4, 5), promises=("memory that is not contiguous", "one row", "float64", "the same call twice", "inputs left alone", "training and evaluation"), rtol=1e-4, atol=1e-5, expected=lambda: linear(401, 5, 3))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "lora__adapts", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
@check.cell("lora__adapts")
def _():
    def adapted(kind, sizes, rank, alpha, seed, bias=True, dtype="float32"):
        own = kind(linear(seed, *sizes, bias, dtype), rank, *([] if alpha is None else [alpha])).to(getattr(torch, dtype))
        parts.put([own.a, own.b], seed + 50)
        return own

    def linear(seed, n_in, n_out, bias=True, dtype="float32"):
        made = nn.Linear(n_in, n_out, bias=bias).to(getattr(torch, dtype))
        parts.put(made.parameters(), seed)
        return made

    def both(x, *how, **more):
        return lambda: adapted(LoRALinear, *how, **more)(x), lambda: adapted(parts.LoRALinear, *how, **more)(x)

    x = check.tensor(411, 4, 5)
    own, right = both(x, (5, 3), 1, 1.0, 412)
    check.close("with numbers in a and b: rank 1, alpha 1", own, expected=right, advice="x aᵀ is (…, rank), and times bᵀ it is (…, out)")
    own, right = both(x, (5, 3), 4, 8.0, 412)
    check.close("rank 4, alpha 8: the change counts alpha / rank = 2 times", own, expected=right)
    own, right = both(x, (5, 3), 4, None, 412)
    check.close("without alpha, it is 1", own, expected=right)

    def gradients(kind, x, upstream, bias=True):
        own = adapted(kind, (x.shape[-1], upstream.shape[-1]), 2, 3.0, 421, bias, str(x.dtype).partition(".")[2])
        leaf = x.clone().requires_grad_()
        own(leaf).backward(upstream)
        return [leaf.grad, own.a.grad, own.b.grad, [p.grad is None for p in own.linear.parameters()]]

    upstream = check.tensor(422, 4, 3)
    check.close(
        "gradients reach a, b and x, and not the layer", lambda: gradients(LoRALinear, x, upstream), expected=lambda: gradients(parts.LoRALinear, x, upstream),
    )
    ### BEGIN HIDDEN TESTS
    for i, (shape, sizes, rank, alpha, more) in enumerate([((5,), (5, 3), 2, 0.5, {}), ((1, 1), (1, 1), 1, 2.0, {}), ((2, 3, 6), (6, 2), 8, 16.0, {"dtype": "float64"}), ((3, 4), (4, 7), 3, 1.0, {"bias": False})]):
        case = check.tensor(431 + i, *shape, dtype=more.get("dtype", "float32"), strided=True)
        own, right = both(case, sizes, rank, alpha, 441 + i, **more)
        check.close(f"adapter {sizes} of rank {rank} with alpha {alpha} on {shape}", own, expected=right)
    wide = check.tensor(451, 2, 2, 5, dtype="float64"), check.tensor(452, 2, 2, 3, dtype="float64")
    check.close("gradients in float64 without a bias", lambda: gradients(LoRALinear, *wide, False), expected=lambda: gradients(parts.LoRALinear, *wide, False))

    def learns():
        own = LoRALinear(linear(461, 6, 6), 2, 2.0)
        before, goal = [p.clone() for p in own.linear.parameters()], check.tensor(462, 32, 6)
        optimizer = torch.optim.SGD(own.parameters(), lr=0.05)
        losses = []
        for _ in range(60):
            loss = (own(goal) - goal.roll(1, -1)).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
        return [losses[-1] < losses[0], all(bool((p == q).all()) for p, q in zip(before, own.linear.parameters()))]

    check.equal("sixty steps lower a loss, and the frozen layer stays to the bit", learns, expected=[True, True])
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "lora__merge", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
@check.cell("lora__merge")
def _():
    def adapted(sizes, rank, alpha, seed, bias=True, dtype="float32", kind=None):
        layer = nn.Linear(*sizes, bias=bias).to(getattr(torch, dtype))
        parts.put(layer.parameters(), seed)
        own = (kind or LoRALinear)(layer, rank, alpha).to(getattr(torch, dtype))
        parts.put([own.a, own.b], seed + 50)
        return own

    def merged(x, *how, **more):
        own = adapted(*how, **more)
        one = own.merge()
        return [isinstance(one, nn.Linear), one.bias is not None, one(x), own(x)]

    def right(x, *how, **more):
        value = adapted(*how, **more, kind=parts.LoRALinear)(x)
        return [True, more.get("bias", True), value, value]

    x = check.tensor(471, 4, 5)
    check.close(
        "merged, an nn.Linear computes the same, and the module still does", lambda: merged(x, (5, 3), 2, 3.0, 472), expected=lambda: right(x, (5, 3), 2, 3.0, 472),
        advice="W is (out, in): which product of a and b has that shape?",
    )
    check.equal("a layer without bias merges to one without", lambda: adapted((5, 3), 2, 3.0, 472, bias=False).merge().bias is None, expected=True)
    check.close("and that computes the same", lambda: merged(x, (5, 3), 2, 3.0, 472, bias=False), expected=lambda: right(x, (5, 3), 2, 3.0, 472, bias=False))

    def apart():
        own = adapted((5, 3), 2, 3.0, 472)
        one = own.merge()
        held = {p.untyped_storage().data_ptr() for p in own.parameters()}
        shared = sum(p.untyped_storage().data_ptr() in held for p in one.parameters())
        with torch.no_grad():
            for parameter in one.parameters():
                parameter.zero_()
        return [one is own.linear, shared, own(x)]

    check.close("what is merged shares no storage: zeroed, it leaves the module as it was", apart, expected=lambda: [False, 0, right(x, (5, 3), 2, 3.0, 472)[2]])
    ### BEGIN HIDDEN TESTS
    for i, (shape, sizes, rank, alpha, more) in enumerate([((1, 1), (1, 1), 1, 2.0, {}), ((2, 3, 6), (6, 2), 8, 16.0, {"dtype": "float64"}), ((3, 4), (4, 7), 3, 0.1, {"bias": False}), ((7,), (7, 2), 1, 1.0, {})]):
        case, how = check.tensor(481 + i, *shape, dtype=more.get("dtype", "float32")), (sizes, rank, alpha, 491 + i)
        check.close(f"merging {sizes} of rank {rank} with alpha {alpha}", lambda case=case, how=how, more=more: merged(case, *how, **more), expected=lambda: right(case, *how, **more))

    def twice():
        own = adapted((5, 3), 2, 3.0, 472)
        one, other = own.merge(), own.merge()
        return [one(x), other(x), one.weight is not other.weight, sorted(n for n, p in own.named_parameters() if p.requires_grad)]

    check.close("merged twice: the same twice, and a and b still train", twice, expected=lambda: [right(x, (5, 3), 2, 3.0, 472)[2]] * 2 + [True, ["a", "b"]])
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**A change of low rank, learned and drawn.** A layer is asked to become another one that differs from it by a matrix of rank 2. Adapters of rank 1, 2
and 4 learn it. Rank 1 cannot, rank 2 is enough, rank 4 gains nothing.
"""

# %% tags=["picture"]
def lora_trial(kind):
    own = kind(nn.utils.skip_init(nn.Linear, 3, 2, bias=False), 2, 3.0)
    parts.put([own.linear.weight, own.a, own.b], 5)
    return torch.cat([own(torch.eye(3)).flatten(), own.merge().weight.flatten()])


Adapter = this_or_ours("LoRALinear", LoRALinear, parts.LoRALinear, lora_trial)
torch.manual_seed(6)
start, change = nn.Linear(16, 16), torch.randn(16, 2) @ torch.randn(2, 16) / 4
data = torch.randn(256, 16)
wanted = (start(data) + data @ change.T).detach()
curves, deltas = {}, [change]
for rank in (1, 2, 4):
    adapter = Adapter(nn.Linear(16, 16), rank, float(rank))
    adapter.linear.load_state_dict(start.state_dict())
    optimizer, losses = torch.optim.Adam([adapter.a, adapter.b], lr=2e-2), []
    for _ in range(150):
        loss = F.mse_loss(adapter(data), wanted)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    curves[f"rank {rank}"] = losses
    deltas.append((adapter.merge().weight - start.weight).detach())

# %% tags=["picture"]
plot.curves(
    curves, xlabel="step", ylabel="squared error",
    alt="Squared error of adapters that learn a change of rank 2: " + ", ".join(f"{name} ends at {line[-1]:.4f}" for name, line in curves.items()),
)

# %% tags=["picture"]
gaps = [float((delta - change).norm() / change.norm()) for delta in deltas]
with plot.figure(
    "The change that was asked for and what adapters of rank 1, 2 and 4 made of it, as 16 by 16 matrices. Off by "
    + ", ".join(f"{gap:.0%}" for gap in gaps[1:]), columns=4, height=2.2,
) as axes:
    for ax, delta, title in zip(axes, deltas, ("asked for", "rank 1", "rank 2", "rank 4")):
        ax.imshow(delta.numpy(), cmap="RdBu_r", vmin=-1.5, vmax=1.5)
        ax.set_title(title)
        ax.set_xticks([])
        ax.set_yticks([])

# %% [markdown]
r"""
## 13.7 Checkpointing: memory for time

A backward pass needs what the forward pass kept (3.11, 4.5). For a deep network that is most of the memory of training. **Activation
checkpointing** (Chen and others, 2016; the word has nothing to do with files) keeps only the *input* of a piece of the network. When backward
arrives there, it runs the piece **again**, this time with a graph, and goes on through that.

The price is one more forward pass, about a third of the time where backward costs twice a forward. The gain: of a chain of n blocks, n inputs stay instead of n times everything inside.
"""

# %% [markdown]
r"""
**Four things to get right.** (1) In the first run nothing may be recorded: no grad. (2) In the second run the inputs have to be fresh leaves, or the graph of what lies before
would be walked twice. (3) Dropout inside must drop the same numbers in both runs, so the state of the random generator is remembered; and the second run
must not move the generator on, or everything after it differs from a run without checkpointing.

(4) An `autograd.Function` only gets a backward call where an *input tensor* requires grad. The parameters inside the function are no inputs of it. If the
input is data, nothing asks for a gradient. Then a trick helps: hand in one more tensor, of no use, that requires grad.
"""

# %% [markdown]
r"""
### Exercise 13.7 · `checkpointed`
*difficulty 3 of 3 · 35 minutes · about 20 lines*

Write `checkpointed(function, *inputs)` → function(*inputs), tensors in, one tensor out. `.backward()` on what follows gives the same gradients as without it,
for the inputs and for parameters that the function closes over, also where no input requires grad but a parameter does. Inputs may be of integer type (and get no gradient).

Nothing of the inside is kept between forward and backward: `function` runs once in forward, without grad, and once more in backward. Dropout inside drops the
same numbers in both, and afterwards torch's random stream goes on as if `function` had run once.

*Not allowed: `torch.utils.checkpoint`.*
"""

# %% nbgrader={"grade": false, "grade_id": "checkpointed", "locked": false, "schema_version": 3, "solution": true, "task": false}
class Again(torch.autograd.Function):
    """runs a function without a graph, and once more with one when the gradient arrives"""

    @staticmethod
    def forward(ctx, function, trigger, *inputs):
        # about 5 lines
        ### BEGIN SOLUTION
        ctx.function = function
        ctx.random = torch.get_rng_state()  # dropout draws from here
        ctx.save_for_backward(*inputs)
        with torch.no_grad():
            return function(*inputs)
        ### END SOLUTION

    @staticmethod
    def backward(ctx, grad_out):
        # about 9 lines
        ### BEGIN SOLUTION
        # fresh leaves: the graph of what lies before is not ours to walk
        inputs = [x.detach().requires_grad_(x.requires_grad) for x in ctx.saved_tensors]
        now = torch.get_rng_state()
        torch.set_rng_state(ctx.random)
        with torch.enable_grad():
            output = ctx.function(*inputs)
        torch.set_rng_state(now)  # as if there had been no second run
        torch.autograd.backward(output, grad_out)  # adds to the parameters' .grad by itself
        return None, None, *[x.grad for x in inputs]
        ### END SOLUTION


def checkpointed(function, *inputs):
    """function(*inputs), computed again for the backward pass instead of kept"""
    # about 2 lines
    ### BEGIN SOLUTION
    trigger = torch.zeros(0, requires_grad=True)  # so that backward is called even where no input asks for it
    return Again.apply(function, trigger, *inputs)
    ### END SOLUTION

# %%
hint("checkpointed")

# %% nbgrader={"grade": true, "grade_id": "checkpointed__gradients", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
@check.cell("checkpointed__gradients")
def _():
    weight = check.tensor(501, 4, 4)

    def results(run, x, requires_grad=True, upstream=None):
        w, leaf = weight.to(x.dtype).clone().requires_grad_(), x.clone().requires_grad_(requires_grad)
        out = run(lambda one: torch.tanh(one @ w).sin() * one.mean(), leaf)
        out.backward(torch.ones_like(out) if upstream is None else upstream)
        return [out.detach(), leaf.grad, w.grad]

    def plainly(function, *inputs):
        return function(*inputs)

    def checkpoint(*arguments):
        return checkpointed(*arguments)

    x, upstream = check.tensor(502, 3, 4), check.tensor(503, 3, 4)
    check.close(
        "value, gradient of the input, gradient of a weight that the function closes over", lambda: results(checkpoint, x), expected=lambda: results(plainly, x),
    )
    check.close(
        "with an upstream gradient that is not ones", lambda: results(checkpoint, x, upstream=upstream), expected=lambda: results(plainly, x, upstream=upstream),
        advice="backward gets the gradient of the output; where does yours use it?",
    )
    check.close(
        "no input requires grad, and the weight still gets its gradient", lambda: results(checkpoint, x, False), expected=lambda: results(plainly, x, False),
        advice="a Function's backward is called only where some tensor handed to apply requires grad",
    )

    def embedded(run, numbers):
        table = check.tensor(504, 6, 4).requires_grad_()
        run(lambda rows, one: (table[rows] * one).exp(), numbers, upstream[:, :1]).sum().backward()
        return table.grad

    numbers = torch.tensor([5, 0, 5])
    check.close("an integer input, rows of a table", lambda: embedded(checkpoint, numbers), expected=lambda: embedded(plainly, numbers))
    ### BEGIN HIDDEN TESTS
    def adds_up(run):
        w, leaf = weight.clone().requires_grad_(), x.clone().requires_grad_()
        for _ in range(2):
            (run(lambda one: (one @ w).exp(), 0.1 * leaf).sum() + (w**2).sum()).backward()
        return [leaf.grad, w.grad]

    check.close("two passes add up, with another path to the same weight", lambda: adds_up(checkpoint), expected=lambda: adds_up(plainly))
    for i, shape in enumerate([(1, 4), (2, 3, 4)]):
        case = check.tensor(531 + i, *shape, dtype="float64", strided=True)
        check.close(f"inputs of {shape} in float64", lambda case=case: results(checkpoint, case), expected=lambda: results(plainly, case), atol=1e-8)

    def module(run):
        block = nn.Sequential(nn.Linear(4, 5), nn.GELU(), nn.Linear(5, 1))
        parts.put(block.parameters(), 541)
        run(block, x).mean().backward()
        return [p.grad for p in block.parameters()]

    check.close("a module as the function", lambda: module(checkpoint), expected=lambda: module(plainly))
    check.unchanged("inputs of the checkpoint stay", lambda: results(checkpoint, x), x)
    check.probes("what checkpointed promises besides its numbers", lambda: lambda x: results(checkpoint, x), check.tensor(956, 3, 4), rtol=1e-4, atol=1e-5, expected=lambda: lambda x: results(plainly, x))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "checkpointed__chains", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("checkpointed__chains")
def _():
    def plainly(function, *inputs):
        return function(*inputs)

    def checkpoint(*arguments):
        return checkpointed(*arguments)

    def chain(run, x, blocks=3):
        """checkpointed blocks one after the other: inputs that are no leaves, one weight frozen, one used twice"""
        ws = [(0.5 * check.tensor(511 + i, 4, 4, dtype="float64")).requires_grad_(i != 1) for i in range(blocks)]
        leaf = x.clone().requires_grad_()
        h = leaf * 2
        for w in [*ws, ws[0]]:
            h = h + run(lambda one, w=w: torch.tanh(one @ w), h)
        (h**2).sum().backward()
        return [leaf.grad, *[w.grad for w in ws]]

    deep = check.tensor(512, 2, 4, dtype="float64")
    check.close(
        "four pieces in a row, one weight twice, one frozen", lambda: chain(checkpoint, deep), expected=lambda: chain(plainly, deep), atol=1e-8,
        advice="the second run starts from fresh leaves; what they get goes back as backward's answer",
    )

    def two_inputs(run, flags, same=False):
        one, other = (check.tensor(521 + i, 3, 2).requires_grad_(flag) for i, flag in enumerate(flags))
        w = check.tensor(523, 2).requires_grad_()
        run(lambda a, b: (a * w).sin() * b + b, one, one if same else other).sum().backward()
        return [one.grad, other.grad, w.grad]

    check.close("two inputs, of which one requires grad", lambda: two_inputs(checkpoint, (False, True)), expected=lambda: two_inputs(plainly, (False, True)))
    ### BEGIN HIDDEN TESTS
    for flags in ((True, True), (True, False), (False, False)):
        check.close(f"two inputs that require grad: {flags}", lambda flags=flags: two_inputs(checkpoint, flags), expected=lambda: two_inputs(plainly, flags))
    check.close("one tensor as both inputs", lambda: two_inputs(checkpoint, (True, True), True), expected=lambda: two_inputs(plainly, (True, True), True))
    check.close("one row, six pieces", lambda: chain(checkpoint, deep[:1], 5), expected=lambda: chain(plainly, deep[:1], 5), atol=1e-8)
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "checkpointed__memory", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("checkpointed__memory")
def _():
    import gc
    import weakref

    def watched(shape):
        """what happens inside: grad mode of each run, and how many inner tensors are alive after forward"""
        w, leaf, modes, inner = torch.ones(shape[-1], requires_grad=True), torch.ones(shape, requires_grad=True), [], []

        def function(one):
            modes.append(torch.is_grad_enabled())
            h = (one * w).sin()
            g = h.exp()
            inner.extend([weakref.ref(h), weakref.ref(g)])
            return g * h

        out = checkpointed(function, leaf * 3)
        gc.collect()
        after_forward = [len(modes), sum(ref() is not None for ref in inner)]
        out.sum().backward()
        return [modes, after_forward]

    check.equal(
        "it runs once without grad, keeps nothing of the inside, and runs once more with grad",
        lambda: watched((3, 4)), expected=[[False, True], [1, 0]],
        advice="the first list are the grad modes of each run; then the runs before backward, and inner tensors still alive",
    )
    ### BEGIN HIDDEN TESTS
    def kept_bytes(depth):
        """bytes that autograd keeps during the forward pass of a deep function, beside input and output"""
        packed, x = [], torch.ones(1, 1000, requires_grad=True)

        def function(one):
            for _ in range(depth):
                one = one.sin()
            return one

        with torch.autograd.graph.saved_tensors_hooks(lambda t: packed.append(t.numel()) or t, lambda t: t):
            out = checkpointed(function, x)
        del out
        return sum(packed) <= 3000

    check.equal("a hundred operations inside keep no more than one", lambda: [kept_bytes(1), kept_bytes(100)], expected=[True, True])
    check.equal("watched again, on other shapes", lambda: [watched((1, 1)), watched((2, 2, 2))], expected=[[[False, True], [1, 0]]] * 2)
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "checkpointed__random", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
@check.cell("checkpointed__random")
def _():
    def with_dropout(run, seed, shape):
        torch.manual_seed(seed)
        w, leaf = torch.full((shape[-1],), 2.0, requires_grad=True), torch.ones(shape, requires_grad=True)
        out = run(lambda one: F.dropout(one * w, 0.5), leaf)
        between = torch.rand(3)  # drawn between forward and backward
        out.sum().backward()
        return {"out": out.detach(), "x": leaf.grad, "w": w.grad, "between": between, "after": torch.rand(3)}

    def plainly(function, *inputs):
        return function(*inputs)

    def checkpoint(*arguments):
        return checkpointed(*arguments)

    check.close(
        "dropout inside: what was dropped in forward gets no gradient",
        lambda: {k: v for k, v in with_dropout(checkpoint, 7, (4, 6)).items() if k in ("out", "x", "w")},
        expected=lambda: {k: v for k, v in with_dropout(plainly, 7, (4, 6)).items() if k in ("out", "x", "w")},
        advice="the second run draws anew unless the generator is set to where it was before the first",
    )
    check.close(
        "and the random stream goes on as if it had run once", lambda: {k: v for k, v in with_dropout(checkpoint, 7, (4, 6)).items() if k in ("between", "after")},
        expected=lambda: {k: v for k, v in with_dropout(plainly, 7, (4, 6)).items() if k in ("between", "after")},
        advice="numbers drawn after backward have to be those that would come without the second run",
    )
    ### BEGIN HIDDEN TESTS
    for seed, shape in [(1, (1, 8)), (2, (50,)), (3, (2, 3, 4))]:
        check.close(f"dropout on {shape}", lambda seed=seed, shape=shape: with_dropout(checkpoint, seed, shape), expected=lambda: with_dropout(plainly, seed, shape))

    def several(run):
        torch.manual_seed(9)
        leaf = torch.ones(3, 8, requires_grad=True)
        h = leaf
        for _ in range(3):
            h = run(lambda one: F.dropout(one, 0.3) + 1, h)
        h.sum().backward()
        return [h.detach(), leaf.grad, torch.rand(2)]

    check.close("three pieces with dropout, one after the other", lambda: several(checkpoint), expected=lambda: several(plainly))
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**Memory against time, measured on yours.** A stack of sixteen MLPs. The picture counts the bytes that autograd keeps after forward, and the time of forward and backward, without and with your
`checkpointed` around each.
"""

# %% tags=["picture"]
def check_trial(run):
    w, x = torch.tensor([2.0, 3.0], requires_grad=True), torch.tensor([0.1, 0.2], requires_grad=True)
    run(lambda one: (one * w).sin(), x).sum().backward()
    return torch.stack([w.grad, x.grad])


again = this_or_ours("checkpointed", checkpointed, parts.checkpointed, check_trial)
torch.manual_seed(7)
stack = nn.ModuleList([nn.Sequential(nn.Linear(128, 512), nn.GELU(), nn.Linear(512, 128)) for _ in range(16)])
batch = torch.randn(512, 128)


def train_once(run):
    held = {}
    with torch.autograd.graph.saved_tensors_hooks(lambda t: held.setdefault(t.untyped_storage().data_ptr(), t.untyped_storage().nbytes()) and t, lambda t: t):
        h = batch
        for block in stack:
            h = h + run(block, h)
        loss = h.square().mean()
    loss.backward()
    return sum(held.values()) / 2**20

# %% tags=["picture"]
ways = {"plain": lambda block, h: block(h), "checkpointed": lambda block, h: again(block, h)}
weights_mb = sum(p.numel() * 4 for p in stack.parameters()) / 2**20
kept = {name: max(train_once(run) - weights_mb, 0.1) for name, run in ways.items()}
cost = {name: time_of(lambda run=run: train_once(run), 3) for name, run in ways.items()}
with plot.figure(
    "Sixteen MLPs, kept for backward beside the weights: " + ", ".join(f"{name} {mb:.0f} MiB" for name, mb in kept.items())
    + "; time of forward and backward: " + ", ".join(f"{name} {ms:.0f} ms" for name, ms in cost.items()), columns=2, height=2.2,
) as axes:
    for ax, values, label in zip(axes, (kept, cost), ("MiB kept", "milliseconds")):
        ax.barh(list(values), list(values.values()), color=plot.PALETTE[0])
        ax.set_xlabel(label)
print({name: f"{mb:.0f} MiB, {cost[name]:.0f} ms" for name, mb in kept.items()})

# %% [markdown]
r"""
## 13.8 From logits to a word

The model gives a logit for each token; somebody has to choose. Taking the largest, always, gives flat text that goes in circles. Drawing from
softmax(logits) gives the training text's own variety, and now and then a token from the long tail that derails everything after it. Three settings lie between:

- **Temperature** τ divides the logits. Below 1 the likely become likelier; 0 means: take the largest.
- **top_k** keeps the k largest logits.
- **top_p** keeps the fewest most probable tokens that together reach p: few where the model is sure, many where it is not.

What is cut off gets probability 0, and the rest is scaled up to sum to 1.
"""

# %% tags=["picture"]
logits = torch.tensor([3.0, 2.5, 1.0, 0.5, 0.0, -0.5, -1.0, -3.0])
shown = {
    "temperature 1": {}, "temperature 0.5": {"temperature": 0.5}, "temperature 2": {"temperature": 2.0},
    "top_k = 3": {"top_k": 3}, "top_p = 0.8": {"top_p": 0.8},
}
rows = {name: parts.kept_probabilities(logits, **how) for name, how in shown.items()}
with plot.figure(
    "Probabilities of eight tokens under five settings. " + ". ".join(
        f"{name}: " + ", ".join(f"{float(p):.2f}" for p in row) for name, row in rows.items()), columns=5, height=1.9,
) as axes:
    for ax, (name, row) in zip(axes, rows.items()):
        ax.bar(range(8), row.numpy(), color=plot.PALETTE[0])
        ax.set_title(name, fontsize=8)
        ax.set_ylim(0, 1)
        ax.set_xticks([])
        ax.set_xlabel("token")
    axes[0].set_ylabel("probability")

# %% [markdown]
r"""
### Exercise 13.8 · `sample_logits`
*difficulty 3 of 3 · 30 minutes · about 18 lines*

Write `sample_logits(logits, temperature=1.0, top_k=None, top_p=None, generator=None)`: logits (…, V), any number of leading axes, none too → int64 (…), a token drawn for each row by itself.

`temperature` 0 is the argmax. `top_k` keeps the k largest, all of them where k is above V. Probabilities are softmax(logits / temperature) **of what is left**, and
`top_p` keeps the fewest most probable of these that add up to at least top_p (always one). Drawn from what remains, renormalised, with the `torch.Generator` `generator` where one is given: a generator in the same state draws the same.

`ValueError` for temperature < 0, for top_k < 1, for top_p outside (0, 1]. The logits stay as they are.
"""

# %% nbgrader={"grade": false, "grade_id": "sample_logits", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sample_logits(logits, temperature=1.0, top_k=None, top_p=None, generator=None):
    """logits (..., V) -> int64 (...)"""
    # about 18 lines
    ### BEGIN SOLUTION
    if temperature < 0:
        raise ValueError(f"temperature {temperature} is negative")
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k {top_k} keeps nothing")
    if top_p is not None and not 0 < top_p <= 1:
        raise ValueError(f"top_p {top_p} is outside (0, 1]")
    if temperature == 0:
        return logits.argmax(dim=-1)
    ordered, tokens = (logits / temperature).sort(dim=-1, descending=True)  # the likeliest first
    if top_k is not None:
        ordered, tokens = ordered[..., :top_k], tokens[..., :top_k]
    share = ordered.softmax(dim=-1)
    if top_p is not None:
        before = share.cumsum(dim=-1) - share  # a token stays where those before it do not reach top_p yet
        share = share.masked_fill(before >= top_p, 0.0)
    # multinomial takes two axes, and does the renormalising itself
    place = torch.multinomial(share.reshape(-1, share.shape[-1]), 1, generator=generator)
    return tokens.gather(-1, place.reshape(*logits.shape[:-1], 1))[..., 0]
    ### END SOLUTION

# %%
hint("sample_logits")

# %% nbgrader={"grade": true, "grade_id": "sample_logits__kept", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
@check.cell("sample_logits__kept")
def _():
    row = torch.tensor([0.30, 0.05, 0.40, 0.10, 0.15]).log()

    def seen(logits, count=600, **how):
        """which tokens come up at all in many draws"""
        torch.manual_seed(11)
        return sorted(set(sample_logits(logits.expand(count, -1), **how).tolist()))

    check.equal("temperature 0 is the argmax, whatever else is asked for", lambda: sample_logits(torch.stack([row, row.flip(0)]), temperature=0), expected=torch.tensor([2, 2]), advice="softmax(logits / 0) is nan: treat 0 by itself")
    check.equal("without settings every token comes up", lambda: seen(row), expected=[0, 1, 2, 3, 4])
    check.equal("top_k = 2 keeps tokens 2 and 0, and top_k = 9 of 5 all", lambda: [seen(row, top_k=2), seen(row, top_k=9)], expected=[[0, 2], [0, 1, 2, 3, 4]])
    check.equal(
        "top_p = 0.6: 0.40 is not enough, 0.40 and 0.30 are", lambda: seen(row, top_p=0.6), expected=[0, 2],
        advice="the token that crosses the line is the last that stays",
    )
    check.equal("top_p = 0.2 keeps one token, top_p = 1 all", lambda: [seen(row, top_p=0.2), seen(row, top_p=1.0)], expected=[[2], [0, 1, 2, 3, 4]])
    check.equal(
        "top_k = 3 leaves 0.47, 0.35 and 0.18, of which top_p = 0.8 keeps two", lambda: seen(row, top_k=3, top_p=0.8), expected=[0, 2],
        advice="top_p counts probabilities of what top_k has left, which sum to 1",
    )
    check.equal("temperature 20 brings up a token that never comes at 1", lambda: [seen(torch.tensor([20.0, 0.0])), seen(torch.tensor([20.0, 0.0]), temperature=20.0)], expected=[[0], [0, 1]], advice="divide the logits, before softmax")
    check.equal("top_p sees the temperature: at 4 the shares are flatter and 0.6 takes three", lambda: seen(row, temperature=4.0, top_p=0.6), expected=[0, 2, 4])
    ### BEGIN HIDDEN TESTS
    steep = torch.arange(6.0)
    check.equal("sharpened by a low temperature", lambda: seen(4 * steep, temperature=0.1), expected=[5])
    check.equal("several leading axes, of rows that differ", lambda: sample_logits(torch.eye(6)[torch.tensor([[3, 1], [5, 0], [2, 4]])] * 200.0), expected=torch.tensor([[3, 1], [5, 0], [2, 4]]))
    check.equal("one row, and one token", lambda: [sample_logits(300 * torch.eye(4)[1]), sample_logits(torch.zeros(1)), sample_logits(torch.zeros(2, 1, 1), top_k=1, top_p=0.5)], expected=[torch.tensor(1), torch.tensor(0), torch.zeros(2, 1, dtype=torch.int64)])
    check.equal("logits of ±10,000, and float64", lambda: [seen(torch.tensor([1e4, -1e4, 1e4]), 200), seen(row.double(), top_k=2), seen(row.double(), top_p=0.95)], expected=[[0, 2], [0, 2], [0, 2, 3, 4]])
    for i in range(4):
        logits = check.tensor(561 + i, 7, dtype="float64")
        logits = 0.25 * logits + 0.6 * torch.arange(7.0).double()[torch.from_numpy(check.rng(571 + i).permutation(7))]
        how = [{"top_k": 4}, {"top_p": 0.75}, {"top_k": 5, "top_p": 0.7, "temperature": 1.5}, {"top_p": 0.5, "temperature": 0.7}][i]
        check.equal(f"what comes up of seven under {how}", lambda logits=logits, how=how: seen(logits, 1500, **how), expected=lambda: parts.kept_probabilities(logits, **how).nonzero()[:, 0].tolist())
    check.equal("argmax of several axes, with settings that would cut", lambda: sample_logits(torch.stack([row, row.flip(0)])[None], temperature=0, top_k=1, top_p=0.1), expected=torch.tensor([[2, 2]]))
    check.equal("strided logits", lambda: sample_logits((200 * torch.eye(4)).T.contiguous().T[torch.tensor([2, 0])]), expected=torch.tensor([2, 0]))
    check.probes("what sample_logits at temperature 0 promises besides its numbers", lambda: lambda logits: sample_logits(logits, temperature=0), check.tensor(957, 4, 7), expected=lambda: lambda logits: logits.argmax(-1))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "sample_logits__frequencies", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
@check.cell("sample_logits__frequencies")
def _():
    def shares(logits, count=3000, **how):
        torch.manual_seed(12)
        return torch.bincount(sample_logits(logits.expand(count, -1), **how), minlength=logits.shape[-1]) / count

    row = torch.tensor([0.5, 0.3, 0.2]).log()
    check.that(
        "three thousand draws from 0.5, 0.3 and 0.2", lambda: shares(row), given={"wanted": [0.5, 0.3, 0.2]},
        judge=lambda seen, wanted: judges.shares(seen, wanted, 3000), advice="each row is drawn by itself, by the softmax of its logits",
    )
    check.that(
        "temperature 2 makes them 0.42, 0.32 and 0.26", lambda: shares(row, temperature=2.0), given={"wanted": [float(p) for p in (row / 2).softmax(0)]},
        judge=lambda seen, wanted: judges.shares(seen, wanted, 3000), advice="divide the logits, before softmax",
    )
    check.that(
        "what top_k = 2 leaves is scaled up: 0.625 and 0.375", lambda: shares(row, top_k=2), given={"wanted": [0.625, 0.375, 0.0]},
        judge=lambda seen, wanted: judges.shares(seen, wanted, 3000),
    )
    ### BEGIN HIDDEN TESTS
    for i, how in enumerate([{"temperature": 0.5}, {"top_p": 0.9}, {"top_k": 4, "top_p": 0.8}, {"temperature": 1.7, "top_k": 3}]):
        logits = 0.2 * check.tensor(581 + i, 6, dtype="float64") + 0.5 * torch.tensor([2.0, 0.0, 4.0, 1.0, 5.0, 3.0])
        check.that(f"frequencies of six under {how}", lambda logits=logits, how=how: shares(logits, **how), given={"wanted": parts.kept_probabilities(logits, **how).tolist()}, judge=lambda seen, wanted: judges.shares(seen, wanted, 3000))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "sample_logits__care", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("sample_logits__care")
def _():
    row = torch.tensor([0.30, 0.05, 0.40, 0.10, 0.15]).log()

    def refused(**how):
        try:
            sample_logits(row[None], **how)
        except ValueError:
            return "ValueError"
        return "drawn"

    check.equal("a negative temperature", lambda: [refused(temperature=-0.5), refused(temperature=0.5)], expected=["ValueError", "drawn"])
    check.equal("top_k below 1", lambda: [refused(top_k=0), refused(top_k=-2), refused(top_k=1)], expected=["ValueError", "ValueError", "drawn"])
    check.equal("top_p outside (0, 1]", lambda: [refused(top_p=0.0), refused(top_p=1.5), refused(top_p=-0.1), refused(top_p=1.0)], expected=["ValueError", "ValueError", "ValueError", "drawn"])

    def with_generator(seed, elsewhere, **how):
        torch.manual_seed(elsewhere)
        return sample_logits(row.expand(50, -1), generator=torch.Generator().manual_seed(seed), **how).tolist()

    check.equal(
        "a generator in the same state draws the same, whatever the global seed, and in another state it does not",
        lambda: [with_generator(1, 2) == with_generator(1, 3), with_generator(1, 2) == with_generator(4, 2)], expected=[True, False],
    )
    check.unchanged("the logits are left as they were", lambda: sample_logits(row, 0.5, 2, 0.5), row)
    ### BEGIN HIDDEN TESTS
    check.equal("settings that make no sense are refused at temperature 0 too", lambda: [refused(temperature=0, top_k=0), refused(temperature=0, top_p=2.0), refused(temperature=0)], expected=["ValueError", "ValueError", "drawn"])
    check.equal("generators under settings", lambda: [with_generator(5, 6, **how) == with_generator(5, 7, **how) for how in ({"top_k": 3}, {"top_p": 0.8}, {"temperature": 2.0})], expected=[True] * 3)

    def kinds():
        drawn = [sample_logits(row), sample_logits(row[None]), sample_logits(row.expand(2, 3, 5), 0), sample_logits(row.double().expand(1, 1, 1, 5), 0.5, 3, 0.9)]
        return [[list(one.shape), str(one.dtype)] for one in drawn]

    check.equal("shapes without the last axis, int64", kinds, expected=[[shape, "torch.int64"] for shape in ([], [1], [2, 3], [1, 1, 1])])
    check.unchanged("logits of temperature 0 and of several axes stay", lambda: [sample_logits(many, how) for how in (0, 1.0)], many := check.tensor(591, 2, 3, 5))
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**Your sampler at work.** Two thousand draws from the eight logits above, under top_p = 0.8. Grey is what softmax would have given.
"""

# %% tags=["picture"]
def sample_trial(draw):
    rows = torch.stack([logits, logits.flip(0)])
    return torch.cat([draw(rows, 0), draw(rows, top_k=1), draw(rows, top_p=0.1)])


draw = this_or_ours("sample_logits", sample_logits, parts.sample_logits, sample_trial)
drawn = torch.bincount(draw(logits.expand(2000, -1), top_p=0.8, generator=torch.Generator().manual_seed(1)), minlength=8) / 2000
plain = logits.softmax(0)
with plot.figure(
    "Shares of eight tokens in 2,000 draws with top_p 0.8: " + ", ".join(f"{float(p):.2f}" for p in drawn)
    + "; softmax alone: " + ", ".join(f"{float(p):.2f}" for p in plain), height=2.4,
) as ax:
    ax.bar([i - 0.2 for i in range(8)], plain.numpy(), width=0.4, color="#BBBBBB", label="softmax")
    ax.bar([i + 0.2 for i in range(8)], drawn.numpy(), width=0.4, color=plot.PALETTE[0], label="your draws")
    ax.set_xlabel("token")
    ax.set_ylabel("share")
    ax.legend()

# %% [markdown]
r"""
## 13.9 Put together: a decoder that writes

Now the parts become a **language model**: a module that reads a text as numbers, one for each character, and gives for every step the logits of the
character that comes next. Its loss is the cross-entropy of the true next character, at all steps at once. Since it is causal, every text of n
characters is n exercises.

The text is made for it: little stories, in which the last sentence can only be right if the first one was read.
"""

# %% tags=["picture"]
print(text.stories(3, seed=1))
numbers = text.encode(text.stories(2500, seed=2))
unseen = text.encode(text.stories(300, seed=3))
print(f"{len(numbers):,} characters to learn from, {len(text.ALPHABET)} different ones; guessing costs {math.log(len(text.ALPHABET)):.2f} each")

# %% [markdown]
r"""
The block is 9.7's with your parts in it. Between `wq` and the scores the hands turn, and behind them lies the cache, one for each layer. The product with the
grouped heads is left to torch's fused function, which is your 13.4 without the matrix of scores.
"""

# %% tags=["picture"]
class Block(nn.Module):
    def __init__(self, dim, heads, kv_heads, norm, mlp, turned):
        super().__init__()
        self.norm1, self.attention = norm(dim), Grouped(dim, heads, kv_heads)
        self.norm2, self.mlp = norm(dim), mlp(dim)
        self.head_dim, self.turned = dim // heads, turned

    def attend(self, x, cache):
        own = self.attention
        q, k, v = (w(x).unflatten(-1, (-1, self.head_dim)).transpose(1, 2) for w in (own.wq, own.wk, own.wv))
        if self.turned:
            offset = 0 if cache is None else len(cache)
            q, k = turn(q, offset), turn(k, offset)
        if cache is not None:
            k, v = cache.append(k, v)
        looks = parts.may_look(q.shape[2], k.shape[2])
        found = F.scaled_dot_product_attention(q, k, v, attn_mask=looks, enable_gqa=True)
        return own.wo(found.transpose(1, 2).flatten(2))

    def forward(self, x, cache=None):
        x = x + self.attend(self.norm1(x), cache)
        return x + self.mlp(self.norm2(x))

# %% tags=["picture"]
def gated(dim):
    return Gated(dim, dim * 8 // 3)


def ungated(dim):
    return nn.Sequential(nn.Linear(dim, 4 * dim), nn.GELU(), nn.Linear(4 * dim, dim))


class Decoder(nn.Module):
    def __init__(self, dim=48, heads=4, kv_heads=2, layers=2, norm=Norm, mlp=gated, turned=True):
        super().__init__()
        self.symbols = nn.Embedding(len(text.ALPHABET), dim)
        nn.init.normal_(self.symbols.weight, std=dim**-0.5)
        self.places = None if turned else nn.Embedding(512, dim)  # a learned table, as in GPT-2
        self.blocks = nn.ModuleList([Block(dim, heads, kv_heads, norm, mlp, turned) for _ in range(layers)])
        self.norm = norm(dim)

    def forward(self, tokens, caches=None):
        x = self.symbols(tokens)
        if self.places is not None:
            x = x + self.places(torch.arange(tokens.shape[1]))
        for i, block in enumerate(self.blocks):
            x = block(x, None if caches is None else caches[i])
        return self.norm(x) @ self.symbols.weight.T  # the table of symbols also reads out

# %% tags=["picture"]
def windows(numbers, count, length, generator):
    start = torch.randint(0, len(numbers) - length - 1, (count, 1), generator=generator)
    piece = numbers[start + torch.arange(length + 1)]
    return piece[:, :-1], piece[:, 1:]


def losses_at(model, numbers, length, count=32):
    """mean loss at each step of unseen windows"""
    x, y = windows(numbers, count, length, torch.Generator().manual_seed(5))
    with torch.no_grad():
        return F.cross_entropy(model(x).transpose(1, 2), y, reduction="none").mean(0)


def train(model, numbers, steps, lr=6e-3, length=72, parameters=None):
    draws, losses = torch.Generator().manual_seed(4), []
    optimizer = torch.optim.AdamW(parameters or model.parameters(), lr=lr, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps, pct_start=0.1)
    for _ in range(steps):
        x, y = windows(numbers, 16, length, draws)
        loss = F.cross_entropy(model(x).flatten(0, 1), y.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(float(loss.detach()))
    return losses

# %% tags=["picture"]
torch.manual_seed(13)
writer = Decoder()
start = time.perf_counter()
curve = train(writer, numbers, steps=300)
seconds = time.perf_counter() - start
held_out = float(losses_at(writer, unseen, 72).mean())
plot.curves(
    {"training loss a character": curve}, xlabel="step", ylabel="cross-entropy",
    alt=f"Loss a character falls from {curve[0]:.2f} to {sum(curve[-20:]) / 20:.2f} in {len(curve)} steps",
)
print(f"{sum(p.numel() for p in writer.parameters()):,} numbers, {len(curve)} steps in {seconds:.0f} s; on unseen stories {held_out:.2f} a character")

# %% [markdown]
r"""
**Let it write.** The prompt goes in as one piece, then one character at a time: your cache holds the past, your sampler chooses. Look at
the third sentence: who has the thing, and what is its colour? Nothing says so but the first two. (It is not always right.)
"""

# %% tags=["picture"]
def write(model, prompt, count, cached=True, seed=1, **how):
    """the prompt and `count` more characters"""
    generator = torch.Generator().manual_seed(seed)
    tokens = text.encode(prompt)[None]
    caches = [Cache(tokens.shape[1] + count) for _ in model.blocks] if cached else None
    fed = tokens
    with torch.no_grad():
        for _ in range(count):
            chosen = draw(model(fed, caches)[:, -1], generator=generator, **how)[:, None]
            tokens = torch.cat([tokens, chosen], dim=1)
            fed = chosen if cached else tokens
    return text.decode(tokens[0])


for seed in (1, 2, 3):
    print(write(writer, "\n", 90, seed=seed, temperature=0.7).strip().split("\n")[0])
same = write(writer, "\nmia ", 70, temperature=0) == write(writer, "\nmia ", 70, cached=False, temperature=0)
print("\nwith and without the cache, the same text:", same)

# %% tags=["picture"]
def milliseconds_a_character(length, cached):
    caches = [Cache(length + 8) for _ in writer.blocks]
    with torch.no_grad():
        writer(torch.zeros(1, length, dtype=torch.int64), caches)
        one, all_of_it = torch.zeros(1, 1, dtype=torch.int64), torch.zeros(1, length, dtype=torch.int64)
        return time_of((lambda: writer(one, caches)) if cached else (lambda: writer(all_of_it)), 3)


at = [50, 200, 400, 800]
speed = {name: [milliseconds_a_character(n, cached) for n in at] for name, cached in (("whole text again", False), ("with the cache", True))}
plot.curves(
    {name: (at, ms) for name, ms in speed.items()}, xlabel="characters so far", ylabel="milliseconds for one more",
    alt="The decoder's time for one more character. " + ". ".join(f"{name}: " + ", ".join(f"{ms:.1f} ms at {n}" for n, ms in zip(at, line)) for name, line in speed.items()),
)

# %% [markdown]
r"""
### What each part is worth, on this text

One part at a time is put back to chapter 9's, the rest stays. Each model trains for the same short while. Then each reads pieces **three times as long** as any it
was trained on. Guess before you look: which exchange matters for the loss, which for length, and which for nothing but cost?
"""

# %% tags=["picture"]
variants = {
    "all new": {}, "layer norm": {"norm": nn.LayerNorm}, "GELU MLP": {"mlp": ungated},
    "4 key heads": {"kv_heads": 4}, "table of places": {"turned": False},
}
table = {}
for name, how in variants.items():
    torch.manual_seed(13)
    model = Decoder(**how)
    start = time.perf_counter()
    train(model, numbers, steps=100)
    spent = time.perf_counter() - start
    short, long = (float(losses_at(model, unseen, length)[-48:].mean()) for length in (72, 216))
    held = 2 * 72 * 2 * 12 * how.get("kv_heads", 2)  # k and v, steps, layers, head_dim
    table[name] = (sum(p.numel() for p in model.parameters()), spent, held, short, long)
print(f"{'':16} {'numbers':>8} {'seconds':>8} {'cache':>7} {'loss, 72':>9} {'loss, 216':>10}")
for name, (count, spent, held, short, long) in table.items():
    print(f"{name:16} {count:8,} {spent:8.1f} {held:7,} {short:9.2f} {long:10.2f}")

# %% tags=["picture"]
with plot.figure(
    "Loss a character at trained length 72 and at 216. " + "; ".join(f"{name}: {row[3]:.2f} and {row[4]:.2f}" for name, row in table.items()), height=2.6,
) as ax:
    names = list(table)
    ax.barh([i - 0.2 for i in range(len(names))], [table[n][3] for n in names], height=0.4, label="length 72, as trained", color=plot.PALETTE[0])
    ax.barh([i + 0.2 for i in range(len(names))], [table[n][4] for n in names], height=0.4, label="length 216", color=plot.PALETTE[1])
    ax.set_yticks(range(len(names)), names)
    ax.invert_yaxis()
    ax.set_xlabel("cross-entropy a character")
    ax.legend()

# %% [markdown]
r"""
Read it with care: two layers, a short training, one seed. At the trained length the differences between norms and between numbers of key heads are small, and that is the point of those two parts:
they cost less and lose nothing. On the longer pieces one seed says little about them. Positions are another matter. A table of places is behind already at the trained length: each of its rows has to learn
by itself. On longer pieces it reads rows that were never trained. A turned hand at step 150 is at a *distance* from its neighbours that was seen many times; what it loses, and it does lose, is owed
to distances that were never seen (question B).
"""

# %% [markdown]
r"""
### Teach it recipes

The writer never saw a recipe. An adapter goes around each of the seven linear layers of a block. All else is frozen: the old numbers and the new ones stay apart.
"""

# %% tags=["picture"]
recipe_numbers = text.encode(text.recipes(1500, seed=6))
unseen_recipes = text.encode(text.recipes(200, seed=7))
before = {"stories": float(losses_at(writer, unseen, 72).mean()), "recipes": float(losses_at(writer, unseen_recipes, 72).mean())}
writer.requires_grad_(False)
torch.manual_seed(8)
for block in writer.blocks:
    own = block.attention
    own.wq, own.wk, own.wv, own.wo = (Adapter(layer, 8, 16.0) for layer in (own.wq, own.wk, own.wv, own.wo))
    block.mlp.gate, block.mlp.up, block.mlp.down = (Adapter(layer, 8, 16.0) for layer in (block.mlp.gate, block.mlp.up, block.mlp.down))
adapters = [p for p in writer.parameters() if p.requires_grad]
learned = train(writer, recipe_numbers, steps=100, lr=1e-2, parameters=adapters)
after = {"stories": float(losses_at(writer, unseen, 72).mean()), "recipes": float(losses_at(writer, unseen_recipes, 72).mean())}
print(f"trained: {sum(p.numel() for p in adapters):,} numbers of {sum(p.numel() for p in writer.parameters()):,}")
print(write(writer, "\nboil ", 70, seed=2, temperature=0.7).strip().split("\n")[0])

# %% tags=["picture"]
plot.curves(
    {"fine-tuning on recipes": learned}, xlabel="step", ylabel="cross-entropy",
    alt=f"Loss on recipes falls from {learned[0]:.2f} to {sum(learned[-10:]) / 10:.2f} in {len(learned)} steps of the adapters alone",
)
for kind in before:
    print(f"{kind}: {before[kind]:.2f} a character before, {after[kind]:.2f} after")

# %% [markdown]
r"""
Two lessons in four numbers. Recipes went from gibberish to text with the adapters alone. And the stories got worse: with the adapters in place it is another model. But they can be taken off, and the frozen
layers are still, to the bit, the old writer.
"""

# %% tags=["picture"]
with torch.no_grad():
    for block in writer.blocks:
        for owner, names in ((block.attention, ("wq", "wk", "wv", "wo")), (block.mlp, ("gate", "up", "down"))):
            for name in names:
                setattr(owner, name, getattr(owner, name).linear)
print(f"adapters off: stories {float(losses_at(writer, unseen, 72).mean()):.2f}, as before: {before['stories']:.2f}")

# %% [markdown]
r"""
## BERT, GPT, ViT, Llama: choices of these parts

| model | attention | position | norm | MLP | reads → gives |
|---|---|---|---|---|---|
| Transformer (2017) | encoder full, decoder causal, and across | sines, added | layer norm, after | ReLU | a sentence → its translation |
| BERT (2018) | **full**, `causal=False` | learned table | layer norm, after | GELU | a text with holes → what was in the holes |
| GPT-2 (2019) | **causal** | learned table | layer norm, before | GELU | a text → the next token at each step |
| ViT (2020) | full | learned table, one row a **patch** | layer norm, before | GELU | 16 × 16 patches → a class |
| Llama 3, Qwen, Mistral | causal, **grouped** | **rotary** | **RMS**, before | **SwiGLU** | a text → the next token at each step |
| your writer | causal, grouped | rotary | RMS, before | SwiGLU | 72 characters → the next |

BERT cannot write, since each step has seen the rest; GPT cannot fill holes with what stands to the right; ViT is BERT whose tokens are patches, as was 9.9's `DigitFinder`. They
are not different machines. What differs is the mask, the way to say *where*, and what is asked of the output.
"""

# %% [markdown]
r"""
## Two questions

These are read by a person. A few honest sentences are worth more than a page.
"""

# %% [markdown]
r"""
### Question A
A service runs a model with a cache for many people at once. Name what each of these changes for it, memory or time or quality, and why: fewer key/value heads; RMS norm for layer
norm; a prompt of 4,000 tokens that all requests share; activation checkpointing.
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_service", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
r"""
**Model answer.** Fewer key/value heads make the cache smaller by n_heads / n_kv_heads, for every text, and each written token has to read the whole cache, so it is faster too: reading memory is what decoding spends its time on. Quality falls a little, measurably only
where groups are large. RMS norm saves one pass over a vector and a bias: a little time, no memory to speak of, no quality. The shared prompt need be computed once: its keys and values are the same for
all, because causal steps depend on nothing that comes later; everybody's cache can start from (or point at) that copy. Rotary positions are no obstacle as long as the prompt stands at the same
positions for all. Activation checkpointing changes nothing: it saves what a *backward* pass needs, and serving has none.

**Rubric.** 1 point: the cache's size is proportional to key/value heads and reading it is the cost of a token. 1 point: the shared prompt's keys and values can be shared, with causality as the
reason. 1 point: checkpointing is about training only, and the norm is a small matter.
"""

# %% [markdown]
r"""
### Question B
Somebody trains a model with rotary positions on texts of 2,000 steps and finds that at 8,000 it writes nonsense, although "dot products depend on the distance only". What was never
seen in training? Which hands are to blame, the fast or the slow ones? Suggest a remedy and what it costs.
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_length", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
r"""
**Model answer.** Distances above 2,000 were never seen. The fast hands have gone round many times within 2,000 steps, so every angle they can show was trained. The slow ones never completed a turn: at distance 6,000
they stand at angles, and in combinations with the others, that no training example had, and scores there are arbitrary. Remedies: a larger base, or positions divided by four (interpolation),
so that 8,000 steps use the angles of 2,000: fast hands then lose resolution between neighbours, so slow hands only are stretched (as NTK-aware scaling and YaRN do), with some fine-tuning on long texts; or
a window, so that no distance above 2,000 ever occurs, at the price of not seeing further in one layer. A bias by distance (ALiBi) is another choice at training time.

**Rubric.** 1 point: unseen distances. 1 point: the slow hands, with the reason. 1 point: a remedy with its cost.
"""

# %% [markdown]
r"""
## Summary

| you wrote | what is now hidden behind the name | the idea |
|---|---|---|
| `RMSNorm` | `nn.RMSNorm` | divide by the length; the mean was not needed |
| `rotary` | `apply_rotary_pos_emb` of model libraries | turn both, and only the difference is left |
| `SwiGLU` | the `gate_proj`, `up_proj`, `down_proj` of Llama | one map decides what of the other passes |
| `GroupedQueryAttention` | `F.scaled_dot_product_attention(..., enable_gqa=True)` | several queries share keys, because keys are what is kept |
| `KVCache`, `decode_step` | `past_key_values`, "paged attention" | causal means: the past is finished, keep it |
| `LoRALinear` | the `peft` library | a change of low rank, apart from what it changes |
| `checkpointed` | `torch.utils.checkpoint.checkpoint` | compute again what would cost memory to keep |
| `sample_logits` | `generate(temperature=, top_k=, top_p=)` | from a distribution to a choice |
"""

# %% [markdown]
r"""
**What still hurts?** Every one of these lines started some dozen small operations, each with its own trip through Python and its own pass over memory. And all of it ran on one device. A model that does not fit into one
device's memory, or would take a year on it, is not helped by better parts. Chapter 14 looks at the whole program at once, and then at several machines.
"""

# %% [markdown]
r"""
## Where to go next

- *Next chapter:* `14_scale`: compile it, spread it.
- *In the library:* `torch/nn/modules/normalization.py`, class `RMSNorm`, is 13.1. In `torch/nn/functional.py`, the docstring of `scaled_dot_product_attention` shows 13.4's sharing
  under `enable_gqa`. `torch/utils/checkpoint.py`, class `CheckpointFunction`, is 13.7 with devices and autocast.
- *In real models:* `modeling_llama.py` of the library `transformers` has all of 13.1 to 13.5 in one file: `LlamaRMSNorm`, `apply_rotary_pos_emb`, `LlamaMLP`, `repeat_kv`.
- *Further:* Zhang and Sennrich, *Root mean square layer normalization* (2019); Su and others, *RoFormer* (2021); Shazeer, *GLU variants improve transformer* (2020); Ainslie and others, *GQA* (2023);
  Hu and others, *LoRA* (2021); Chen and others, *Training deep nets with sublinear memory cost* (2016); Holtzman and others, *The curious case of neural text degeneration* (2019), on top_p.
- *Try:* base = 100 instead of 10,000 in the decoder, at length 216. Temperature 1.5, then the same with top_p = 0.9. A fifth child in a prompt, whom no story names.
"""
