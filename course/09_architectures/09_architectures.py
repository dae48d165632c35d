# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
r"""
# 9 · New models from old parts

A new architecture sounds like a new machine. In this chapter you build seven of the parts that deep learning is made
of: convolution, attention, attention with many heads, layer norm, the residual block, the gated block, the transformer
block. Each is a dozen lines, and **nothing in PyTorch has to change for any of them**: they are made of tensors,
differentiated by the autograd you know.

The eighth exercise is another kind: a test. You will write the function that decides whether somebody else's model
cheats. At the end your parts become two small models, one that reads digits and one that writes, and you look inside.
"""

# %% tags=["setup"] nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import copy
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from layer_by_layer import data, judges, text
from layer_by_layer.instruments.stand_in import whose, yours_or_ours
from lessonkit import check, plot
from lessonkit.hints import hint
from layer_by_layer.parts import architectures as parts

# %% [markdown]
r"""
## What do you remember?

Four questions on what came before. Type a prediction in place of `None`, then run the cell. No points, and
nothing is kept.
"""

# %%
predicted = None  # chapter 2: torch.arange(5).unfold(0, 3, 1) - how many rows? and is it a copy?
line = torch.arange(5)
windows = line.unfold(0, 3, 1)
print(
    "you said", predicted, "- it is", tuple(windows.shape), "and shares the memory:",
    windows.data_ptr() == line.data_ptr(),
)

# %%
predicted = None  # chapter 5: softmax of the scores (0, 0, ln 2) - the largest of the three?
print("you said", predicted, "- it is", torch.tensor([0.0, 0.0, math.log(2)]).softmax(0).max().item())

# %%
predicted = None  # chapter 7: how many numbers feed one output of a weight of shape (8, 3, 5, 5)?
print("you said", predicted, "- it is", torch.zeros(8, 3, 5, 5)[0].numel())

# %%
# chapter 8: the loss of a model that knows nothing about 30 characters: the logarithm of what?
predicted = None
print(
    "you said", predicted, "- it is",
    round(float(F.cross_entropy(torch.zeros(1, 30), torch.tensor([4]))), 2), "= ln",
    round(math.exp(3.4012)),
)

# %% tags=["picture"]
steps = {"image": "28 × 28 pixels", "tokens": "patches + place", "attend": "attention", "mlp": "MLP", "out": "10 logits"}
links = [("image", "tokens"), ("tokens", "attend"), ("attend", "mlp"), ("mlp", "out")]
plot.graph(
    steps, links, mark={"attend"},
    alt="The model at the end of this chapter: an image is cut into patches, each with its place; attention lets the "
    "patches look at each other, an MLP works on each, and ten logits come out. Attention, marked, is the new part",
)

# %% [markdown]
r"""
**What hurt in chapter 8?** The first thing that network did was `nn.Flatten`. From then on, pixel 300 and pixel 301 were
two of 784 separate things, with 256 weights each, and that they lie side by side was forgotten.

So it has to learn a 3 once for every place a 3 can be. Below are real digits, small, on a large canvas: first all in the
middle, then anywhere.
"""

# %% tags=["picture"]
(train_pixels, train_labels), (test_pixels, test_labels) = data.digits()
train_labels, test_labels = torch.tensor(train_labels), torch.tensor(test_labels)


def enlarge(pixels):
    small = torch.tensor(pixels, dtype=torch.float32).reshape(-1, 1, 8, 8)
    return F.interpolate(small, size=(12, 12), mode="bilinear", align_corners=False)[:, 0]


def on_canvas(digits, rows, columns):
    """(N, 12, 12) digits, (N,) upper left corners -> (N, 1, 28, 28)"""
    canvas = torch.zeros(len(digits), 28, 28)
    at_row, at_column = (start[:, None] + torch.arange(12) for start in (rows, columns))
    canvas[torch.arange(len(digits))[:, None, None], at_row[:, :, None], at_column[:, None, :]] = digits
    return canvas[:, None]


def anywhere(digits):
    return on_canvas(digits, *torch.randint(0, 17, (2, len(digits))))


def in_the_middle(digits):
    return on_canvas(digits, *torch.full((2, len(digits)), 8))

# %% tags=["picture"]
torch.manual_seed(9)
train_digits, test_digits = enlarge(train_pixels), enlarge(test_pixels)
both = torch.cat([in_the_middle(test_digits[:8]), anywhere(test_digits[:8])])
plot.images(
    both, labels=test_labels[:8].repeat(2), columns=8,
    alt="The same eight digits twice, each 12 pixels high on a canvas of 28 by 28: in the first row all in the middle, "
    "in the second row each at another place",
)

# %% [markdown]
r"""
Here is chapter 8's network once more, all 235,146 weights of it, trained on digits in the middle. Then the very same
test digits move to the right, pixel by pixel. Guess before you run it: how far may a digit move?
"""

# %% tags=["picture"]
def mlp():
    return nn.Sequential(
        nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10)
    )


def accuracy(model, images, labels):
    model.eval()
    with torch.no_grad():
        return float((model(images).argmax(1) == labels).float().mean())


def learn(model, draw, epochs, lr):
    """train on all training digits, drawn onto the canvas afresh each epoch; return each epoch's mean loss"""
    optimizer, losses = torch.optim.Adam(model.parameters(), lr=lr), []
    for _ in range(epochs):
        model.train()
        images, total = draw(train_digits), 0.0
        for batch in torch.randperm(len(images)).split(64):
            loss = F.cross_entropy(model(images[batch]), train_labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += float(loss.detach()) * len(batch) / len(images)
        losses.append(total)
    return losses

# %% tags=["picture"]
torch.manual_seed(9)
still = mlp()
learn(still, in_the_middle, epochs=15, lr=1e-3)
middle = torch.full((len(test_digits),), 8)
moved = [accuracy(still, on_canvas(test_digits, middle, middle + step), test_labels) for step in range(9)]
plot.curves(
    {"chapter 8's network": moved, "guessing": [0.1] * 9}, xlabel="pixels to the right", ylabel="accuracy",
    alt="Accuracy of chapter 8's network on test digits moved to the right by 0 to 8 pixels: "
    + ", ".join(f"{value:.0%}" for value in moved),
)

# %% [markdown]
r"""
Two or three pixels, and most of it is gone. You would not even notice that the digit has moved. More training images help, a
little at a time, and at the end of the chapter we try. What is wanted is a layer that asks *what is there?* before it
asks *where?*

*Needs: chapters 5 and 7 (modules, parameters, buffers), softmax, and the shapes of chapter 2. Eight exercises, 137 minutes; with
the reading, about four hours. 9.1 to 9.3, 9.4 to 9.8 and 9.9 to 9.12 make three good evenings.*
"""

# %% [markdown]
r"""
## 9.1 The same small window everywhere

Two ideas cure it. **Look at neighbours only**: what makes a stroke lies in a few pixels. And **share the weights**: what recognises a
stroke here recognises it there. A layer that does both is a *convolution*: one small table of weights, the **kernel**, is laid on every
place of the image in turn, and at each place gives one number, the sum of products with what lies under it.

In one dimension you have the windows already. They are chapter 2's `sliding_windows`, a view with strides, and `unfold` makes them:
"""

# %% tags=["picture"]
signal, kernel = torch.tensor([0.0, 0, 1, 1, 1, 0, 0, 0, 1, 0]), torch.tensor([-1.0, 0, 1])
windows = signal.unfold(0, 3, 1)  # (8, 3): a view, nothing is copied
print("windows:", [window.int().tolist() for window in windows])
print("with the kernel [-1, 0, 1]:", (windows @ kernel).int().tolist(), "- it finds where the signal rises and falls")
print("the signal one step later: ", (signal.roll(1).unfold(0, 3, 1) @ kernel).int().tolist(), "- the same answer, one step later")

# %% [markdown]
r"""
The last line is what the layer is for: **what moves in, moves out** (*equivariance*). And the weights are three, however long the signal is.

For images there are two axes to slide along, and *channels*. The input x is (N, C, H, W). A kernel for one output channel is (C, kh, kw): it
looks at all input channels of its window. O output channels need O kernels, so the weight is (O, C, kh, kw): output first, as in 7.2.

$$\text{out}[n, o, i, j] = b[o] + \sum_{c}\sum_{a=0}^{kh-1}\sum_{e=0}^{kw-1} x[n, c, i + a, j + e]\; w[o, c, a, e]$$

A window fits H − kh + 1 times into H. *Padding* by p puts p rows and columns of zeros on each side first: then it fits 2p times more, and
for a 3 × 3 kernel p = 1 keeps the size. (Mathematicians turn the kernel around before they slide it. Deep learning does not, and says
convolution all the same.)
"""

# %% [markdown]
r"""
### Exercise 9.1 · `conv2d`
*difficulty 2 of 3 · 20 minutes · about 7 lines*

Write `conv2d(x, weight, bias=None, padding=0)`: x (N, C, H, W), weight (O, C, kh, kw), bias (O,) or None, padding an int ≥ 0 → the
convolution above, (N, O, H + 2·padding − kh + 1, W + 2·padding − kw + 1), with stride 1 (the kernel moves on by one place between two outputs; with stride 4 it would be laid on every fourth. This is
not chapter 2's stride, which counts cells of memory) and padding by zeros. It equals `F.conv2d`.

Autograd can differentiate it in x, weight and bias; the inputs are left as they are and may be views; float32 and float64. No Python loop
over N, H or W; one over kernel positions or channels is fine.

*Not allowed: torch's convolutions, as functions or modules, `F.unfold` and `nn.Unfold` (im2col inside). The method `x.unfold(dim, size, step)`
is allowed.*
"""

# %% nbgrader={"grade": false, "grade_id": "conv2d", "locked": false, "schema_version": 3, "solution": true, "task": false}
def conv2d(x, weight, bias=None, padding=0):
    """x (N, C, H, W), weight (O, C, kh, kw), bias (O,) -> (N, O, H + 2p - kh + 1, W + 2p - kw + 1)"""
    # about 5 lines
    ### BEGIN SOLUTION
    x = F.pad(x, (padding, padding, padding, padding))  # the last axis first: left, right, top, bottom
    windows = x.unfold(2, weight.shape[2], 1).unfold(3, weight.shape[3], 1)  # (N, C, H', W', kh, kw), still a view
    # one sum over channel and window, for every place and every output channel at once
    out = torch.einsum("nchwij,ocij->nohw", windows, weight)
    return out if bias is None else out + bias[:, None, None]  # one number a channel
    ### END SOLUTION

# %%
hint("conv2d")

# %% nbgrader={"grade": true, "grade_id": "conv2d__values", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
@check.cell("conv2d__values")
def _():
    x = torch.arange(1.0, 10.0).reshape(1, 1, 3, 3)
    w = torch.tensor([[[[1.0, 2.0], [0.0, -1.0]]]])
    check.close(
        "one channel, by hand: at the first place 1·1 + 2·2 - 1·5 = 0",
        lambda: conv2d(x, w), expected=torch.tensor([[[[0.0, 2.0], [6.0, 8.0]]]]),
        advice="the window of place (0, 0) holds 1, 2, 4, 5; lay the kernel on it as it stands, without turning it",
    )
    check.close(
        "padding by 1: the corner sees one pixel, the 1, under the kernel's last weight",
        lambda: conv2d(x, w, padding=1)[0, 0, 0], expected=torch.tensor([-1.0, -2.0, -3.0, 0.0]),
        advice="zeros on all four sides: how many places fit into a row now?",
    )
    two, mixed = torch.stack([x[0, 0], 10 * x[0, 0]])[None], torch.tensor([[[[1.0]], [[1.0]]], [[[0.0]], [[2.0]]], [[[-1.0]], [[0.0]]]])
    check.close(
        "two channels in, three out, a kernel of one pixel, and a bias for each output channel",
        lambda: conv2d(two, mixed, torch.tensor([0.0, 5.0, 100.0]))[0, :, 0],
        expected=torch.tensor([[11.0, 22.0, 33.0], [25.0, 45.0, 65.0], [99.0, 98.0, 97.0]]),
        advice="each output channel sums over all input channels; its bias is one number",
    )
    big, kernel, bias = check.tensor(701, 2, 3, 6, 5), check.tensor(702, 4, 3, 3, 2), check.tensor(703, 4)
    check.close("a kernel of 3 × 2, two images, equal to torch's", lambda: conv2d(big, kernel, bias, 2), expected=lambda: F.conv2d(big, kernel, bias, padding=2), rtol=1e-4, atol=1e-5)
    check.equal("float64 stays float64", lambda: str(conv2d(x.double(), w.double(), None, 1).dtype), expected="torch.float64")
    ### BEGIN HIDDEN TESTS
    for i, (shape, size, padding, how) in enumerate([
        ((1, 1, 5, 4), (1, 5, 4), 0, {}), ((3, 4, 7, 6), (2, 1, 3), 1, {"dtype": "float64"}), ((2, 3, 5, 8), (3, 3, 3), 4, {"strided": True}),
        ((1, 2, 1, 6), (5, 1, 1), 0, {"dtype": "float64", "strided": True}), ((4, 1, 6, 6), (6, 5, 2), 3, {}), ((2, 12, 4, 4), (12, 3, 3), 1, {}),
    ]):
        case, w_, b_ = check.tensor(711 + i, *shape, **how), check.tensor(721 + i, size[0], shape[1], *size[1:], **how), check.tensor(731 + i, size[0], dtype=how.get("dtype", "float32"))
        check.close(f"x of {shape}, {size[0]} kernels of {size[1:]}, padding {padding}", lambda case=case, w_=w_, b_=b_, padding=padding: [conv2d(case, w_, b_, padding), conv2d(case, w_, padding=padding)], expected=lambda: [F.conv2d(case, w_, b_, padding=padding), F.conv2d(case, w_, padding=padding)], rtol=1e-4, atol=1e-5)
    check.unchanged("image, kernel and bias are left alone", lambda: conv2d(big, kernel, bias, 1), big, kernel, bias)
    check.probes("what conv2d promises besides its numbers", lambda: lambda x: conv2d(x, kernel.to(x.dtype), bias.to(x.dtype), 2), check.tensor(956, 2, 3, 6, 5), rtol=1e-4, atol=1e-5, expected=lambda: lambda x: F.conv2d(x, kernel.to(x.dtype), bias.to(x.dtype), padding=2))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "conv2d__gradient", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("conv2d__gradient")
def _():
    def gradients(tensors, upstream, padding, function):
        leaves = [tensor.detach().clone().requires_grad_() for tensor in tensors]
        function(*leaves, padding=padding).backward(upstream)
        return [leaf.grad for leaf in leaves]

    small = [check.tensor(741, 2, 2, 4, 3, dtype="float64"), check.tensor(742, 3, 2, 2, 2, dtype="float64"), check.tensor(743, 3, dtype="float64")]
    up = check.tensor(744, 2, 3, 5, 4, dtype="float64")
    check.close(
        "gradients in x, weight and bias are torch's",
        lambda: gradients(small, up, 1, conv2d), expected=lambda: gradients(small, up, 1, F.conv2d),
        advice="None means that the graph is cut: every step has to be a torch operation on the tensors themselves",
    )

    def counted(*shape):
        x, kernel = torch.zeros(shape), torch.ones(3, shape[1], 2, 3)
        return parts.operations(lambda: conv2d(x, kernel, torch.zeros(3), padding=1))

    check.that(
        "forty larger images take no more torch operations than two small ones: nothing loops over N, H or W",
        lambda: [counted(2, 2, 6, 5), counted(40, 2, 24, 30)],
        judge=lambda counts: "no torch operation ran" if counts[0] == 0 else None if counts[1] <= 2 * counts[0] + 8 else "the number of operations grows with the images",
        advice="take all windows at once: x.unfold(2, …) and then .unfold(3, …)",
    )
    ### BEGIN HIDDEN TESTS
    lone = [check.tensor(751, 1, 1, 3, 3), check.tensor(752, 2, 1, 3, 3), check.tensor(753, 2)]
    check.close("gradients where the kernel is as large as the image", lambda: gradients(lone, torch.ones(1, 2, 1, 1), 0, conv2d), expected=lambda: gradients(lone, torch.ones(1, 2, 1, 1), 0, F.conv2d), rtol=1e-4, atol=1e-5)
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**Four kernels on one digit.** Nobody trained these: two differences, a blur, and a point that takes its surroundings away. A trained
network finds its own, and in the first layer they often look like these.
"""

# %% tags=["picture"]
slide = yours_or_ours("conv2d", F.conv2d, lambda f: f(torch.arange(9.0).reshape(1, 1, 3, 3), torch.arange(4.0).reshape(1, 1, 2, 2)))
kernels = {
    "rises downwards": [[-1.0, -1, -1], [0, 0, 0], [1, 1, 1]], "rises to the right": [[-1.0, 0, 1], [-1, 0, 1], [-1, 0, 1]],
    "blur": [[1 / 9] * 3] * 3, "centre - surroundings": [[-0.125] * 3, [-0.125, 1, -0.125], [-0.125] * 3],
}
digit = F.pad(test_digits[3:4, None], (4, 4, 4, 4))
answers = slide(digit, torch.tensor(list(kernels.values()))[:, None], padding=1)[0]
with plot.figure(
    f"A digit and what {whose('conv2d')} conv2d makes of it with four kernels: differences from top to bottom mark upper and lower edges, differences "
    "from left to right the sides, the blur softens, and the last keeps contours", columns=5, height=1.9,
) as axes:
    for ax, name, panel in zip(axes, ("the digit", *kernels), (digit[0, 0], *answers)):
        ax.imshow(panel.numpy(), cmap="gray" if name in ("the digit", "blur") else "RdBu_r", vmin=None if name in ("the digit", "blur") else -2, vmax=None if name in ("the digit", "blur") else 2)
        ax.set_title(name, fontsize=8)
        ax.set_axis_off()

# %% [markdown]
r"""
**Back to the digit that moves.** A small network of two convolutions, and then for each channel its *largest* value over all places
(pooling): what is there counts, and where it was does not. It learns from the digits in the middle, as the other did, with a small fraction
of its weights, and then they move. (`nn.Conv2d` computes what you wrote, and faster.)
"""

# %% tags=["picture"]
class Windows(nn.Module):
    def __init__(self, channels=24):
        super().__init__()
        self.local = nn.Sequential(nn.Conv2d(1, channels, 5, stride=2), nn.ReLU(), nn.Conv2d(channels, channels, 3), nn.ReLU())
        self.head = nn.Linear(channels, 10)

    def forward(self, images):
        return self.head(self.local(images).amax(dim=(2, 3)))


torch.manual_seed(9)
sliding = Windows()
learn(sliding, in_the_middle, epochs=15, lr=5e-3)
shifted = {"chapter 8's network": moved, "two convolutions": [accuracy(sliding, on_canvas(test_digits, middle, middle + step), test_labels) for step in range(9)]}
plot.curves(
    {**shifted, "guessing": [0.1] * 9}, xlabel="pixels to the right", ylabel="accuracy",
    alt="Accuracy on digits moved to the right by 0 to 8 pixels, trained in the middle only: "
    + "; ".join(f"{name} {values[0]:.0%} in the middle, {values[-1]:.0%} at eight pixels" for name, values in shifted.items())
    + f". Parameters: {sum(p.numel() for p in sliding.parameters()):,} against 235,146",
)

# %% [markdown]
r"""
So the first complaint is cured, and by an old idea (Fukushima 1980, LeCun 1989). What a convolution cannot do is look *far*, or look where the
*content* says: its window is small and always the same. One more layer widens it by a few pixels. For that comes another kind of layer.
"""

# %% [markdown]
r"""
## 9.2 Attention is a soft dictionary

A few words first. A **sequence** is a list of vectors of one width: (T, C), T steps. One step is called a **token**: a word or a
character that was looked up in a table of vectors, or a patch of an image. A **language model** reads the tokens so far and says
which comes next; that is all it is trained for, and 9.10 trains one. In a sentence the word that matters may stand twenty words
back. No window of three reaches it, and which word matters depends on what it *is*. So: a layer that looks things up.

A Python dictionary takes a query, finds the one key that *equals* it, and returns that key's value. Nothing about it can be
trained: a key that is nearly right gives an error, and there is no gradient of *equals*.

Attention makes the three words soft. Queries, keys and values are vectors. A query is compared with **every** key by a dot
product, large where they point the same way. Softmax turns the scores into weights that are positive and sum to 1. The
answer is the mean of all values, weighted so.

By hand, for one query and three keys:
"""

# %% tags=["picture"]
keys = torch.tensor([[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0]])
values = torch.tensor([[10.0], [20.0], [60.0]])
query = torch.tensor([[4.0, 0.0, 0.0, 0.0]])
scores = query @ keys.T / math.sqrt(4)
weights = scores.exp() / scores.exp().sum()
print("scores ", scores[0].tolist())
print("weights", [round(w, 3) for w in weights[0].tolist()])
print("answer ", round(float(weights @ values), 3), "= the weighted mean of 10, 20 and 60")

# %% [markdown]
r"""
The query asks for *a large first entry*. Keys 0 and 2 have one, key 1 does not, so the answer is close to the mean of 10 and
60. With L queries it is the same in one line, $\;\operatorname{softmax}(QK^\top/\sqrt d)\,V$: a matrix of L × S
weights, one row for each query, each row summing to 1.

Nothing here knows an order. Shuffle keys and values together, and every answer stays. That is the property we
were looking for; its price is that *where* something stands has to be said extra, as part of the key.
"""

# %% [markdown]
r"""
**Why $\sqrt d$?** Let the $d$ entries of query and key be independent, with mean 0 and variance 1. A product $q_i k_i$ then has
mean 0 and variance 1, and the score, a sum of $d$ of them, has variance $d$. With $d = 1024$ scores are numbers like 30 and
−50, and softmax of such numbers is 1 for the largest and 0 for all others.

A weight of 0 passes no gradient either: the derivative of softmax is $w_i(\delta_{ij} - w_j)$, which is 0 where every $w$ is 0
or 1. Dividing by $\sqrt d$ gives the scores variance 1 at any width. (Read again 7.3: it is the same sum.)
"""

# %% [markdown]
r"""
**A mask** says who may look at whom: a tensor of True and False, broadcast to the scores' (…, L, S). Where it is False the weight
has to be exactly 0 *and the others still sum to 1*. So it acts on the scores, before softmax: a score of $-\infty$ becomes a
weight of $e^{-\infty} = 0$.

A mask that is True on and below the diagonal is called **causal**: step t sees steps 0 … t, itself included. A language
model is asked at every step t for token t + 1, and token t + 1 stands in its input. Without the mask it reads the answer off.
"""

# %% [markdown]
r"""
### Exercise 9.2 · `attention`
*difficulty 2 of 3 · 20 minutes · about 7 lines*

Write the class `SimpleAttention(dim)`, an `nn.Module` without parameters. `forward(query, key, value, mask=None)` takes
query (…, L, dim), key (…, S, dim) and value (…, S, E), with the same leading axes, any number of them, none too, and
returns $\operatorname{softmax}(q k^\top / \sqrt{\text{dim}})\,v$, (…, L, E).

`mask` is a bool tensor that broadcasts to (…, L, S); True means *may attend*. Every query has at least one True. Large
scores, ± 10,000 or more, give neither nan nor inf. Inputs are left as they are; the dtype is theirs.

*Not allowed: `F.scaled_dot_product_attention`, `nn.MultiheadAttention`.*
"""

# %% nbgrader={"grade": false, "grade_id": "attention", "locked": false, "schema_version": 3, "solution": true, "task": false}
class SimpleAttention(nn.Module):
    """query (..., L, dim), key (..., S, dim), value (..., S, E) -> (..., L, E)"""

    def __init__(self, dim):
        # about 2 lines
        ### BEGIN SOLUTION
        super().__init__()
        self.scale = 1 / math.sqrt(dim)  # a score is a sum of dim products: this keeps its variance at 1
        ### END SOLUTION

    def forward(self, query, key, value, mask=None):
        # about 4 lines
        ### BEGIN SOLUTION
        scores = query @ key.transpose(-2, -1) * self.scale  # (..., L, S): only the last two axes turn
        if mask is not None:
            # before softmax, so that the weights that are left sum to 1 again
            scores = scores.masked_fill(~mask, -math.inf)
        return scores.softmax(dim=-1) @ value  # torch's softmax subtracts each row's maximum first
        ### END SOLUTION

# %%
hint("attention")

# %% nbgrader={"grade": true, "grade_id": "attention__values", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("attention__values")
def _():
    third = math.log(3.0)
    q = torch.tensor([[2.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    k = torch.tensor([[third, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]])
    v = torch.tensor([[4.0, 0.0, 8.0], [0.0, 4.0, 0.0]])
    check.close(
        "by hand: scores ln 3 and 0 give the weights 3/4 and 1/4, equal scores give 1/2 and 1/2",
        lambda: SimpleAttention(4)(q, k, v),
        expected=torch.tensor([[3.0, 1.0, 6.0], [2.0, 2.0, 4.0]]),
        advice="print the weights before you multiply by value: each row, one for each query, sums to 1",
    )
    check.close(
        "two queries, one key: whatever the score, its value is the answer",
        lambda: SimpleAttention(4)(q, k[1:], v[:1]),
        expected=torch.tensor([[4.0, 0.0, 8.0], [4.0, 0.0, 8.0]]),
    )
    batch = [check.tensor(36 + i, 2, 3, 4, dtype="float64") for i in range(3)]
    check.close("a leading axis and float64: equal to torch's", lambda: SimpleAttention(4)(*batch), expected=lambda: F.scaled_dot_product_attention(*batch))
    ### BEGIN HIDDEN TESTS
    def attend(*tensors):
        return SimpleAttention(tensors[0].shape[-1])(*tensors)

    def right(q, k, v):
        return F.scaled_dot_product_attention(q, k, v)

    def three(seed, lead, L, S, dim, E, **how):
        return [check.tensor(seed + i, *lead, *size, **how) for i, size in enumerate([(L, dim), (S, dim), (S, E)])]

    cases = [
        three(11, (), 3, 5, 2, 4), three(14, (2,), 4, 3, 5, 1), three(17, (2, 3), 2, 6, 4, 3, dtype="float64"),
        three(20, (1,), 1, 4, 7, 2, strided=True), three(23, (2, 1, 3), 5, 1, 2, 6, dtype="float64", strided=True),
        three(26, (3, 3), 3, 3, 3, 3), three(29, (2,), 4, 4, 1, 4), three(32, (), 2, 3, 64, 5),
    ]  # fmt: skip
    for tensors in cases:
        sizes = " × ".join(str(tuple(t.shape)) for t in tensors)
        check.close(f"queries, keys and values of {sizes}", lambda tensors=tensors: attend(*tensors), expected=lambda: right(*tensors))

    def twice(module):
        return [module(*cases[0]), module(*[t[:2] for t in cases[0]]), module(*cases[0])]

    check.close("one module, three calls of different lengths", lambda: twice(SimpleAttention(2)), expected=lambda: [right(*cases[0]), right(*[t[:2] for t in cases[0]]), right(*cases[0])])
    check.probes("what SimpleAttention promises besides its numbers", lambda: SimpleAttention(4), check.tensor(951, 3, 5, 4), check.tensor(952, 3, 6, 4), check.tensor(953, 3, 6, 2), promises=("memory that is not contiguous", "one row", "float64", "the same call twice", "inputs left alone", "training and evaluation"), expected=lambda: parts.SimpleAttention(4))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "attention__mask", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("attention__mask")
def _():
    zeros, v = torch.zeros(3, 4), torch.tensor([[6.0, 0.0], [0.0, 12.0], [3.0, 3.0]])
    q, k = torch.tensor([[2.0, 0.0, 0.0, 0.0]]), torch.tensor([[0.0] * 4, [math.log(3.0), 0.0, 0.0, 0.0], [math.log(2.0), 0.0, 0.0, 0.0]])
    check.close(
        "scores 0, ln 3 and ln 2, and the key in the middle hidden: the weights are 1/3, 0 and 2/3",
        lambda: SimpleAttention(4)(q, k, v, mask=torch.tensor([[True, False, True]])),
        expected=torch.tensor([[4.0, 2.0]]),
        advice="without a mask the weights are 1/6, 3/6 and 2/6. Print yours with this mask",
    )
    causal = torch.tensor([[True, False, False], [True, True, False], [True, True, True]])
    check.close(
        "equal scores and a causal mask: each step is the mean of the values up to its own",
        lambda: SimpleAttention(4)(zeros, zeros, v, mask=causal),
        expected=torch.tensor([[6.0, 0.0], [3.0, 6.0], [3.0, 5.0]]),
        advice="True means may attend: which weights are 0, and do those that are left sum to 1?",
    )
    check.close(
        "one mask row for all queries: the key in the middle is hidden",
        lambda: SimpleAttention(4)(zeros, zeros, v, mask=torch.tensor([[True, False, True]])),
        expected=torch.tensor([[4.5, 1.5], [4.5, 1.5], [4.5, 1.5]]),
        advice="the mask has to broadcast to the scores, as (L, S) or (1, S) or with leading axes",
    )
    ### BEGIN HIDDEN TESTS
    def right(q, k, v, mask):
        return F.scaled_dot_product_attention(q, k, v, attn_mask=None if mask is None else torch.atleast_2d(mask))

    q, k, v = (check.tensor(41 + i, 2, 3, *size) for i, size in enumerate([(4, 5), (6, 5), (6, 2)]))
    draw = torch.from_numpy(check.array(44, 2, 3, 4, 6)) > 0.3
    draw[..., 2] = True  # one key at least for every query
    masks = {
        "(2, 3, 4, 6)": draw, "(2, 1, 4, 6)": draw[:, :1], "(4, 6)": draw[1, 1], "(1, 6)": draw[0, 0, :1], "(6,)": draw[1, 2, 3],
        "(3, 1, 6)": draw[0, :, :1], "(1, 1), all True": torch.ones(1, 1, dtype=torch.bool), "(4, 1), all True": torch.ones(4, 1, dtype=torch.bool),
    }  # fmt: skip
    for shape, mask in masks.items():
        check.close(f"a mask of shape {shape}", lambda mask=mask: SimpleAttention(5)(q, k, v, mask), expected=lambda: right(q, k, v, mask))
    flat = [t[0, 1].double() for t in (q, k, v)]
    single = torch.eye(6, dtype=torch.bool)[[3, 0, 5, 3]]
    check.close("one key for each query, in float64 without leading axes", lambda: SimpleAttention(5)(*flat, mask=single), expected=lambda: flat[2][[3, 0, 5, 3]])
    check.close("without a mask after one with", lambda: (lambda m: [m(q, k, v, draw), m(q, k, v)][1])(SimpleAttention(5)), expected=lambda: right(q, k, v, None))
    check.unchanged("the mask is left alone", lambda: SimpleAttention(5)(q, k, v, draw), draw)
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "attention__large", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("attention__large")
def _():
    q, k = torch.tensor([[1000.0], [-1000.0]]), torch.tensor([[1000.0], [-1000.0], [990.0]])
    v = torch.tensor([[1.0], [2.0], [3.0]])
    check.close(
        "scores of a million: all the weight on the largest, and no nan",
        lambda: SimpleAttention(1)(q, k, v),
        expected=torch.tensor([[1.0], [2.0]]), rtol=0.02,
        advice="exp(1000) has no float. Softmax does not change when every score of a row loses the same number",
    )
    check.close(
        "both visible scores are -20,000, and the hidden one is 0",
        lambda: SimpleAttention(1)(torch.tensor([[-200.0]]), torch.tensor([[100.0], [100.0], [0.0]]), v, mask=torch.tensor([[True, True, False]])),
        expected=torch.tensor([[1.5]]), rtol=0.02,
        advice="the hidden score has to lie below -20,000 too, and below anything else that a score can be",
    )
    ### BEGIN HIDDEN TESTS
    hidden = torch.tensor([[False, True, True], [True, False, False]])
    check.close("the largest score is hidden by the mask", lambda: SimpleAttention(1)(q, k, v, hidden), expected=torch.tensor([[3.0], [1.0]]), rtol=0.02)
    low = torch.tensor([[-300.0, 0.0], [-300.0, 0.0], [300.0, 0.0]])
    check.close(
        "every visible score lies below -30,000, and the hidden ones far above",
        lambda: SimpleAttention(2)(torch.tensor([[200.0, 1.0]]), low, v, torch.tensor([[True, True, False]])),
        expected=torch.tensor([[1.5]]), rtol=0.02,
    )
    check.close("the same in float64", lambda: SimpleAttention(2)(torch.tensor([[200.0, 1.0]]).double(), low.double(), v.double(), torch.tensor([[True, True, False]])), expected=torch.tensor([[1.5]], dtype=torch.float64), rtol=0.02)
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "attention__care", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("attention__care")
def _():
    def gradients(tensors, upstream, mask=None):
        leaves = [t.detach().clone().requires_grad_() for t in tensors]
        SimpleAttention(leaves[0].shape[-1])(*leaves, mask=mask).backward(upstream)
        return [leaf.grad for leaf in leaves]

    zero, v = torch.zeros(1, 4), torch.tensor([[8.0], [0.0]])
    check.close(
        "gradients reach query, key and value",
        lambda: gradients([zero + 1, torch.tensor([[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]]), v], torch.tensor([[1.0]])),
        expected=[torch.tensor([[1.0, -1.0, 0.0, 0.0]]), torch.tensor([[1.0] * 4, [-1.0] * 4]), torch.tensor([[0.5], [0.5]])],
        advice="None means that the graph is cut somewhere: no .data, no .detach(), no torch.no_grad()",
    )
    check.equal(
        "an nn.Module with no parameters, whose result is one tensor of the shape of (L, E)",
        lambda: [isinstance(SimpleAttention(4), nn.Module), len(list(SimpleAttention(4).parameters())), list(SimpleAttention(4)(zero, zero, v[:1]).shape)],
        expected=[True, 0, [1, 1]],
    )
    ### BEGIN HIDDEN TESTS
    q, k, v = (check.tensor(51 + i, 2, *size, dtype="float64", strided=True) for i, size in enumerate([(3, 4), (5, 4), (5, 2)]))
    mask, upstream = torch.ones(3, 5, dtype=torch.bool).tril(1), check.tensor(55, 2, 3, 2, dtype="float64")

    def right(mask):
        leaves = [t.detach().clone().requires_grad_() for t in (q, k, v)]
        return torch.autograd.grad(F.scaled_dot_product_attention(*leaves, attn_mask=mask), leaves, upstream)

    check.close("gradients in float64, without and with a mask", lambda: [gradients([q, k, v], upstream), gradients([q, k, v], upstream, mask)], expected=lambda: [list(right(None)), list(right(mask))])
    check.unchanged("query, key and value are left alone", lambda: SimpleAttention(4)(q, k, v, mask), q, k, v)
    check.close("in evaluation and in training it is the same", lambda: [SimpleAttention(4).eval()(q, k, v, mask), SimpleAttention(4).train()(q, k, v, mask)], expected=lambda: [F.scaled_dot_product_attention(q, k, v, attn_mask=mask)] * 2)
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**How to see the weights without asking for them.** Your module returns answers, not weights. But let the values be the unit
matrix: value 0 is (1, 0, 0, …), value 1 is (0, 1, 0, …). The weighted mean of *those* is the list of weights. No line
of the module changes; you only ask it another question.

Below, eight steps of a wave, each a vector of 16 numbers, look at each other: without a mask, and with a causal one.
"""

# %% tags=["picture"]
def two_weights(kind):
    return kind(2)(torch.eye(2), torch.eye(2) * 3, torch.tensor([[1.0], [5.0]]), torch.tensor([[True, False], [True, True]]))


attention_class = yours_or_ours("SimpleAttention", parts.SimpleAttention, two_weights)
torch.manual_seed(1)
phase = torch.linspace(0, 2.5 * math.pi, 8)
wave = torch.stack([torch.sin(phase[:, None] * f) for f in (1, 2)] + [torch.cos(phase[:, None] * f) for f in (1, 2)], 1)
wave = wave.reshape(8, 4).repeat(1, 4)
causal = torch.ones(8, 8, dtype=torch.bool).tril()
look, unit = attention_class(16), torch.eye(8)
maps = {"no mask": look(wave, wave, unit), "causal": look(wave, wave, unit, causal)}
above = float(maps["causal"].triu(1).abs().max())
with plot.figure(
    f"Two maps of attention weights, 8 queries by 8 keys, from {whose('SimpleAttention')} SimpleAttention. Without a mask step 0 gives itself "
    f"{float(maps['no mask'][0, 0]):.2f}; rows sum to {float(maps['no mask'][0].sum()):.2f}. With the causal mask step 0 "
    f"gives itself {float(maps['causal'][0, 0]):.2f}, and the largest weight above the diagonal is {above:g}",
    columns=2, height=3.2,
) as axes:
    for ax, (name, weights) in zip(axes, maps.items()):
        ax.imshow(weights.detach().numpy(), cmap="cividis", vmin=0)
        ax.set_title(f"{whose('SimpleAttention')} attention, {name}")
        ax.set_xlabel("key")
        ax.set_ylabel("query")

# %% [markdown]
r"""
**And the $\sqrt d$, measured.** Random queries and keys of growing width, 16 keys each. The curve is the largest weight of a row,
on average: 1/16 would be *looks at all alike*, 1 is *looks at one only*. For the dashed curve the query is multiplied by
$\sqrt d$ first, which takes your division out again.
"""

# %% tags=["picture"]
torch.manual_seed(2)
widths = [4, 16, 64, 256, 1024]
divided = f"{whose('SimpleAttention')} attention"
largest = {divided: [], "without the division": []}
for width in widths:
    q, k = torch.randn(200, 1, width), torch.randn(200, 16, width)
    for name, factor in ((divided, 1.0), ("without the division", math.sqrt(width))):
        weights = attention_class(width)(q * factor, k, torch.eye(16).expand(200, 16, 16))
        largest[name].append(float(weights.detach().max(dim=-1).values.mean()))
plot.curves(
    {name: (torch.tensor(widths).log2(), values) for name, values in largest.items()},
    xlabel="log2 of the width d", ylabel="largest of 16 weights",
    alt="Mean of the largest attention weight for widths 4 to 1024. "
    + "; ".join(f"{name}: " + ", ".join(f"{value:.2f}" for value in values) for name, values in largest.items()),
)

# %% [markdown]
r"""
## 9.3 Many heads

One softmax gives one mean: a step that wants to know its neighbour *and* the subject of the sentence gets a mixture
of both. So one lets several attentions run side by side on shorter vectors. Each of H **heads** has d = C / H numbers for its
queries, keys and values, and what they answer is put side by side again: C numbers, as before.

Where do queries, keys and values come from? From the steps themselves, by three linear maps that are trained. And one more
linear map mixes what the heads have found. That is all: four matrices.
"""

# %% [markdown]
r"""
**One matrix for three.** In practice the three maps are one linear layer C → 3C, because one large product is faster than three
small ones. Its output has 3C columns: first all of q, then all of k, then all of v, and inside each, head 0's d columns, then
head 1's, and so on. Written as a shape it is (B, N, **3, H, d**), from slow to fast.

`reshape` only cuts an axis; it never moves a number. What moves axes is `transpose` and `permute`. To have each head attend
by itself, N has to stand next to d: (B, **H, N**, d). Whoever writes `reshape(B, H, N, d)` gets that shape too, and
in it the numbers of different steps and heads mixed up.
"""

# %% tags=["picture"]
steps_and_heads = torch.arange(12).reshape(1, 3, 2, 2)  # B = 1, N = 3 steps, H = 2 heads, d = 2
print("three steps, 4 numbers each:", steps_and_heads.reshape(3, 4).tolist())
print("transpose(1, 2), head 0:    ", steps_and_heads.transpose(1, 2)[0, 0].tolist(), "the first half of each step")
print("reshape(1, 2, 3, 2), head 0:", steps_and_heads.reshape(1, 2, 3, 2)[0, 0].tolist(), "a step and a half")

# %% [markdown]
r"""
### Exercise 9.3 · `multi_head_attention`
*difficulty 3 of 3 · 25 minutes · about 16 lines*

Write the class `MultiHeadAttention(embed_dim, num_heads)`, an `nn.Module`. With C = embed_dim it owns `to_qkv`, a linear layer
C → 3C whose rows are q, k, v in that order with the heads contiguous inside each, and `proj`, a linear layer C → C;
both with bias, and nothing else that is trained.

`forward(x, causal=False)`: x (B, N, C) → (B, N, C). Each head attends over the N steps by itself, with $1/\sqrt{C/H}$;
with `causal=True` step t attends to steps 0 … t only. Heads side by side, then `proj`. The result equals `nn.MultiheadAttention`'s
with those weights. The constructor raises `ValueError` where num_heads does not divide embed_dim.

*Not allowed: `nn.MultiheadAttention`.* Your `SimpleAttention` may be used; the checks lend a right one under that name.
"""

# %% nbgrader={"grade": false, "grade_id": "multi_head_attention", "locked": false, "schema_version": 3, "solution": true, "task": false}
class MultiHeadAttention(nn.Module):
    """x (B, N, C) -> (B, N, C)"""

    def __init__(self, embed_dim, num_heads):
        # about 7 lines
        ### BEGIN SOLUTION
        super().__init__()
        if embed_dim % num_heads:
            raise ValueError(f"{num_heads} heads do not divide embed_dim = {embed_dim}")
        self.num_heads = num_heads
        self.to_qkv = nn.Linear(embed_dim, 3 * embed_dim)
        self.proj = nn.Linear(embed_dim, embed_dim)
        self.attend = SimpleAttention(embed_dim // num_heads)  # a head's width, not embed_dim
        ### END SOLUTION

    def forward(self, x, causal=False):
        # about 9 lines
        ### BEGIN SOLUTION
        batch, steps, width = x.shape
        qkv = self.to_qkv(x).reshape(batch, steps, 3, self.num_heads, width // self.num_heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)  # each (B, H, N, d): a head is one more leading axis
        mask = None
        if causal:
            mask = torch.ones(steps, steps, dtype=torch.bool, device=x.device).tril()  # the diagonal included
        heads = self.attend(q, k, v, mask)
        return self.proj(heads.transpose(1, 2).reshape(batch, steps, width))  # first back, then side by side
        ### END SOLUTION

# %%
hint("multi_head_attention")

# %% nbgrader={"grade": true, "grade_id": "multi_head_attention__values", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
@check.cell("multi_head_attention__values")
def _():
    def run(x, heads, seed, **how):
        C = x.shape[-1]
        with check.lend(MultiHeadAttention, SimpleAttention=parts.SimpleAttention):
            own = MultiHeadAttention(C, heads).to(x.dtype)
            parts.put([own.to_qkv.weight, own.to_qkv.bias, own.proj.weight, own.proj.bias], [(3 * C, C), (3 * C,), (C, C), (C,)], seed)
            return own(x, **how)

    def right(x, heads, seed, causal=False):
        C, N = x.shape[-1], x.shape[1]
        theirs = nn.MultiheadAttention(C, heads, batch_first=True).to(x.dtype)
        parts.put([theirs.in_proj_weight, theirs.in_proj_bias, theirs.out_proj.weight, theirs.out_proj.bias], [(3 * C, C), (3 * C,), (C, C), (C,)], seed)
        return theirs(x, x, x, need_weights=False, attn_mask=~torch.ones(N, N, dtype=torch.bool).tril() if causal else None)[0]

    x = check.tensor(61, 2, 5, 6)
    check.close(
        "one head: equal to nn.MultiheadAttention with the same weights",
        lambda: [run(x, 1, 62), run(x, 1, 62, causal=False)], expected=lambda: [right(x, 1, 62)] * 2,
        advice="for one head the layout plays no part yet: the order q, k, v, the scale, and proj do",
    )
    check.close(
        "three heads: equal to nn.MultiheadAttention with the same weights",
        lambda: run(x, 3, 62), expected=lambda: right(x, 3, 62),
        advice="one head was right, three are not: look at how heads are cut out, put together, and at the scale",
    )
    ### BEGIN HIDDEN TESTS
    for i, (shape, heads, how) in enumerate([
        ((3, 4, 6), 2, {}), ((1, 7, 8), 8, {}), ((2, 6, 8), 2, {"dtype": "float64"}), ((1, 1, 4), 2, {}), ((4, 4, 4), 4, {"strided": True}),
        ((2, 3, 12), 3, {"dtype": "float64", "strided": True}), ((3, 2, 2), 1, {}),
    ]):
        case = check.tensor(71 + i, *shape, **how)
        check.close(f"x of {shape} with {heads} heads, no mask", lambda case=case, heads=heads: run(case, heads, 81), expected=lambda: right(case, heads, 81))
    big = 40 * check.tensor(91, 2, 4, 6)
    check.close("inputs so large that softmax picks one", lambda: run(big, 2, 92), expected=lambda: right(big, 2, 92), rtol=1e-3, atol=1e-4)
    check.unchanged("the input of the heads is left alone", lambda: run(x, 2, 62), x)
    check.probes("what MultiHeadAttention promises besides its numbers", lambda: lambda x: [run(x, 3, 62), run(x, 3, 62, causal=True)], check.tensor(957, 3, 5, 6), rtol=1e-4, atol=1e-5, expected=lambda: lambda x: [right(x, 3, 62), right(x, 3, 62, True)])
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "multi_head_attention__causal", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("multi_head_attention__causal")
def _():
    def build(C, heads, weights, dtype):
        own = MultiHeadAttention(C, heads).to(dtype)
        with torch.no_grad():
            for parameter, values in zip([own.to_qkv.weight, own.to_qkv.bias, own.proj.weight, own.proj.bias], weights):
                parameter.copy_(values)
        return own

    def run(x, heads, weights, *modes):
        with check.lend(MultiHeadAttention, SimpleAttention=parts.SimpleAttention):
            own = build(x.shape[-1], heads, weights, x.dtype)
            return [own.train(i == 0)(x, causal=mode) for i, mode in enumerate(modes)]  # the first in training

    # queries and keys 0: all scores are equal; values and proj pass x on
    means = [torch.cat([torch.zeros(4, 2), torch.eye(2)]), torch.zeros(6), torch.eye(2), torch.zeros(2)]
    x = torch.tensor([[[6.0, 0.0], [0.0, 12.0], [3.0, 3.0]]])
    check.close(
        "equal scores, by hand: with causal=True each step is the mean of the steps up to its own",
        lambda: run(x, 2, means, True)[0],
        expected=torch.tensor([[[6.0, 0.0], [3.0, 6.0], [3.0, 5.0]]]),
        advice="row t of the mask is True in columns 0 to t, t included",
    )
    check.close("with causal=False each step is the mean of all", lambda: run(x, 2, means, False)[0], expected=torch.tensor([[[3.0, 5.0]] * 3]))

    def short_then_long():
        with check.lend(MultiHeadAttention, SimpleAttention=parts.SimpleAttention):
            own = build(2, 2, means, torch.float32)
            own(x, causal=True)
            return own.eval()(torch.arange(40.0).reshape(1, 20, 2), causal=True)

    check.close(
        "the same module, now in evaluation and on 20 steps (0, 1), (2, 3), …: the means are (0, 1), (1, 2), …",
        lambda: short_then_long(),
        expected=torch.stack([torch.arange(20.0), torch.arange(1.0, 21.0)], 1)[None],
        advice="what does your module keep from the call before, and where does it ask for its mode?",
    )
    ### BEGIN HIDDEN TESTS
    def given(seed, C):
        return [0.5 * check.tensor(seed + i, *shape, dtype="float64") for i, shape in enumerate([(3 * C, C), (3 * C,), (C, C), (C,)])]

    def right(x, heads, weights, causal):
        theirs = nn.MultiheadAttention(x.shape[-1], heads, batch_first=True).to(x.dtype)
        with torch.no_grad():
            for parameter, values in zip([theirs.in_proj_weight, theirs.in_proj_bias, theirs.out_proj.weight, theirs.out_proj.bias], weights):
                parameter.copy_(values)
        return theirs(x, x, x, need_weights=False, attn_mask=~torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).tril() if causal else None)[0]

    for i, (shape, heads, dtype) in enumerate([((2, 5, 6), 3, "float32"), ((1, 1, 4), 2, "float32"), ((3, 4, 4), 4, "float64"), ((2, 6, 4), 1, "float32")]):
        case, weights = check.tensor(101 + i, *shape, dtype=dtype), given(111, shape[-1])
        check.close(f"causal or not, x of {shape} with {heads} heads", lambda case=case, heads=heads, weights=weights: run(case, heads, weights, True, False, True), expected=lambda: [right(case, heads, weights, mode) for mode in (True, False, True)])

    def lengths(weights, *inputs):
        with check.lend(MultiHeadAttention, SimpleAttention=parts.SimpleAttention):
            own = build(4, 2, weights, torch.float32)
            return [own(one, causal=True) for one in inputs]

    short, long = check.tensor(121, 2, 3, 4), check.tensor(122, 1, 8, 4)
    check.close("one module, causal, on short, long and short inputs", lambda: lengths(given(123, 4), short, long, short), expected=lambda: [right(one, 2, given(123, 4), True) for one in (short, long, short)])
    def by_default(weights):
        with check.lend(MultiHeadAttention, SimpleAttention=parts.SimpleAttention):
            return build(4, 2, weights, torch.float32)(short)

    lone, small = check.tensor(124, 1, 1100, 2), given(125, 2)
    check.close("causal over 1,100 steps", lambda: run(lone, 1, small, True)[0], expected=lambda: right(lone, 1, small, True))
    check.close("without the argument nothing is hidden", lambda: by_default(given(123, 4)), expected=lambda: right(short, 2, given(123, 4), False))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "multi_head_attention__module", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("multi_head_attention__module")
def _():
    def lent(run):
        with check.lend(MultiHeadAttention, SimpleAttention=parts.SimpleAttention):
            return run()

    def refused(C, heads):
        try:
            lent(lambda: MultiHeadAttention(C, heads))
        except ValueError:
            return "ValueError"
        except Exception as error:
            return type(error).__name__
        return "made"

    def shapes(own):
        return [isinstance(own, nn.Module), [list(p.shape) for p in (own.to_qkv.weight, own.to_qkv.bias, own.proj.weight, own.proj.bias)], sum(p.numel() for p in own.parameters() if p.requires_grad)]

    check.equal(
        "to_qkv is C → 3C and proj C → C, both with bias, and nothing else is trained",
        lambda: lent(lambda: shapes(MultiHeadAttention(4, 2))),
        expected=[True, [[12, 4], [12], [4, 4], [4]], 80],
    )
    check.equal(
        "the constructor raises ValueError where the heads do not divide embed_dim, and only there",
        lambda: [refused(6, 4), refused(6, 3), refused(2, 4), refused(5, 5)],
        expected=["ValueError", "made", "ValueError", "made"],
        advice="6 % 4 is 2: what is left over when the heads take equal shares?",
    )
    check.equal("each MultiHeadAttention has weights of its own", lambda: lent(lambda: parts.in_common(MultiHeadAttention(4, 2), MultiHeadAttention(4, 2))), expected=0)
    ### BEGIN HIDDEN TESTS
    C, shapes4 = 8, [(24, 8), (24,), (8, 8), (8,)]
    x, upstream = check.tensor(131, 2, 4, C, dtype="float64"), check.tensor(132, 2, 4, C, dtype="float64")

    def gradients():
        own = MultiHeadAttention(C, 2).double()
        weights = [own.to_qkv.weight, own.to_qkv.bias, own.proj.weight, own.proj.bias]
        parts.put(weights, shapes4, 133)
        leaf = x.clone().requires_grad_()
        for causal in (True, False):
            own(leaf, causal=causal).backward(upstream)
        return [leaf.grad, *[w.grad for w in weights]]

    def right():
        theirs = nn.MultiheadAttention(C, 2, batch_first=True).double()
        weights = [theirs.in_proj_weight, theirs.in_proj_bias, theirs.out_proj.weight, theirs.out_proj.bias]
        parts.put(weights, shapes4, 133)
        leaf = x.clone().requires_grad_()
        for mask in (~torch.ones(4, 4, dtype=torch.bool).tril(), None):
            theirs(leaf, leaf, leaf, attn_mask=mask, need_weights=False)[0].backward(upstream)
        return [leaf.grad, *[w.grad for w in weights]]

    check.close("gradients of two passes, causal and not, add up in x and in all four weights", lambda: lent(gradients), expected=lambda: right(), atol=1e-8)
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**Four heads of yours, on the wave.** The weights are fresh, nothing is trained. Still, each head looks elsewhere, because each
has its own few rows of `to_qkv.weight`. The maps are made with both your parts: q and k from your module's `to_qkv`, the weights
from your `SimpleAttention`, with the unit matrix for values as before.
"""

# %% tags=["picture"]
def head_maps(attention, tokens, heads, mask=None):
    """(1, N, C) -> (H, N, N): the weights of each head"""
    q, k, _ = attention.to_qkv(tokens)[0].chunk(3, dim=-1)
    q, k = (one.unflatten(-1, (heads, -1)).transpose(0, 1) for one in (q, k))
    steps = tokens.shape[1]
    return attention_class(q.shape[-1])(q, k, torch.eye(steps).expand(heads, steps, steps), mask).detach()


def three_steps(kind):
    return parts.filled(kind(4, 2), 1)(torch.arange(12.0).reshape(1, 3, 4) / 6, causal=True).detach()


heads_class = yours_or_ours("MultiHeadAttention", parts.MultiHeadAttention, three_steps)
# %% tags=["picture"]
torch.manual_seed(4)
four = heads_class(16, 4)
with torch.no_grad():
    four.to_qkv.weight.mul_(4)  # fresh weights are small: this makes the contrast visible
maps = head_maps(four, wave[None], 4)
favourite = [int(one[0].argmax()) for one in maps]
with plot.figure(
    f"Attention maps of the four heads of {whose('MultiHeadAttention')} fresh MultiHeadAttention(16, 4) on eight steps of a wave: four different "
    f"patterns. Step 0 gives most weight to steps {', '.join(map(str, favourite))} in the four heads",
    columns=4, height=2.2,
) as axes:
    for head, (ax, one) in enumerate(zip(axes, maps)):
        ax.imshow(one.numpy(), cmap="cividis", vmin=0)
        ax.set_title(f"{whose('MultiHeadAttention')} head {head}")
        ax.set_xlabel("key")
        ax.set_xticks([])
        ax.set_yticks([])
    axes[0].set_ylabel("query")

# %% [markdown]
r"""
## 9.4 Layer norm: every step by itself

Chapter 5 normalised each *feature* over the batch. That needs a batch, it ties the examples to each other, and it has to behave
differently in evaluation. With sequences there is worse: the mean over a batch of steps carries news from later steps to
earlier ones.

Layer norm turns the table by 90 degrees. Each vector is normalised over **its own** D numbers:

$$y = \frac{x - \operatorname{mean}(x)}{\sqrt{\operatorname{var}(x) + \varepsilon}}\cdot w + b$$

with the biased variance (divide by D) and ε inside the root. No batch, no memory, no difference between training and
evaluation.
"""

# %% [markdown]
r"""
### Exercise 9.4 · `layer_norm`
*difficulty 1 of 3 · 12 minutes · about 8 lines*

Write the class `LayerNorm(dim, eps=1e-5)`, an `nn.Module` with parameters `weight` and `bias`, both (dim,), which start as
ones and zeros. `forward(x)`: x (…, dim), any number of axes before the last, none too → the same shape, normalised
over the last axis, times weight, plus bias. It equals `nn.LayerNorm(dim, eps)`, also where all entries of a row are the same, and
to a hundredth for float32 inputs far from 0, such as 1000 ± 1.

*Not allowed: torch's `layer_norm` (`F.layer_norm`, `torch.layer_norm`, `nn.LayerNorm`).*
"""

# %% nbgrader={"grade": false, "grade_id": "layer_norm", "locked": false, "schema_version": 3, "solution": true, "task": false}
class LayerNorm(nn.Module):
    """(..., dim) -> (..., dim), each vector of the last axis normalised by itself"""

    def __init__(self, dim, eps=1e-5):
        # about 4 lines
        ### BEGIN SOLUTION
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))  # at the start the norm is only a norm
        self.bias = nn.Parameter(torch.zeros(dim))
        ### END SOLUTION

    def forward(self, x):
        # about 4 lines
        ### BEGIN SOLUTION
        centred = x - x.mean(dim=-1, keepdim=True)
        variance = centred.pow(2).mean(dim=-1, keepdim=True)  # biased: divided by dim
        return centred / (variance + self.eps).sqrt() * self.weight + self.bias
        ### END SOLUTION

# %%
hint("layer_norm")

# %% nbgrader={"grade": true, "grade_id": "layer_norm__values", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("layer_norm__values")
def _():
    def run(x, eps=1e-5, weight=None, bias=None):
        own = LayerNorm(x.shape[-1], eps).to(x.dtype)
        with torch.no_grad():
            for parameter, values in ((own.weight, weight), (own.bias, bias)):
                if values is not None:
                    parameter.copy_(values)
        return own(x)

    def right(x, eps=1e-5, weight=None, bias=None):
        weight, bias = (None if one is None else one.to(x.dtype) for one in (weight, bias))
        return F.layer_norm(x, x.shape[-1:], weight, bias, eps)

    x = torch.tensor([[1.0, 3.0, 1.0, 3.0], [20.0, 20.0, 60.0, 60.0], [0.0, 0.0, 0.0, 4.0]])
    root = math.sqrt(3.0)
    check.close(
        "three rows by hand: deviations of 1, of 20, and a row with one large entry",
        lambda: run(x, eps=1e-9),
        expected=torch.tensor([[-1.0, 1.0, -1.0, 1.0], [-1.0, -1.0, 1.0, 1.0], [-1 / root, -1 / root, -1 / root, root]]),
        advice="print the mean and the variance of the first row: 2 and 1, the variance divided by 4",
    )
    check.close(
        "a fresh LayerNorm equals nn.LayerNorm, on a batch of sequences",
        lambda: run(torch.stack([x, 2 * x + 1])), expected=lambda: right(torch.stack([x, 2 * x + 1])),
        advice="which axis do you take the mean over? It has to be the last, however many there are",
    )
    check.close(
        "weight and bias stretch and shift each feature",
        lambda: run(x, 1e-9, torch.tensor([1.0, 2.0, 0.0, -1.0]), torch.tensor([10.0, 0.0, 5.0, 0.0]))[:2],
        expected=torch.tensor([[9.0, 2.0, 5.0, -1.0], [9.0, -2.0, 5.0, -1.0]]),
    )
    check.close(
        "eps = 3 by hand: deviations of 1 are divided by the root of 1 + 3, and a row of equal entries gives zeros",
        lambda: run(torch.tensor([[2.0, 4.0], [7.0, 7.0]]), eps=3.0), expected=torch.tensor([[-0.5, 0.5], [0.0, 0.0]]),
        advice="for the first row print what stands under the root: the variance 1, plus eps",
    )
    far = torch.tensor([[2999.75, 3000.75, 2999.75, 3000.75], [7001.0, 7001.0, 7000.5, 7000.5]])
    check.close(
        "rows around 3000 and 7000 in float32: deviations of a half and of a quarter",
        lambda: run(far, eps=1e-9), expected=torch.tensor([[-1.0, 1.0, -1.0, 1.0], [1.0, 1.0, -1.0, -1.0]]), rtol=1e-2,
        advice="the mean of the squares minus the square of the mean are two huge numbers: what is left of their difference?",
    )
    ### BEGIN HIDDEN TESTS
    for i, (shape, how) in enumerate([((5,), {}), ((1, 6), {}), ((2, 3, 4, 5), {"dtype": "float64"}), ((4, 4), {"strided": True}), ((3, 2, 7), {"dtype": "float64", "strided": True})]):
        case, w, b = check.tensor(141 + i, *shape, **how), check.tensor(151 + i, shape[-1]), check.tensor(161 + i, shape[-1])
        check.close(f"an input of {shape} with weight and bias", lambda case=case, w=w, b=b: run(case, 1e-5, w, b), expected=lambda: right(case, 1e-5, w, b))
    small = 1e-2 * check.tensor(171, 3, 6, dtype="float64")
    check.close("small inputs, where eps counts", lambda: [run(small), run(small, 1e-3), run(small, 0.5)], expected=lambda: [right(small), right(small, 1e-3), right(small, 0.5)], rtol=1e-6, atol=1e-7)
    away = 1000 + check.tensor(173, 3, 64)
    check.close("random rows far from 0", lambda: [run(away), run(-3 * away)], expected=lambda: [right(away.double()).float(), right(-3 * away.double()).float()], rtol=1e-2, atol=1e-2)
    check.close("rows whose entries are all the same", lambda: [run(torch.full((2, 3), 5.0)), run(torch.zeros(4), 1e-3), run(torch.ones(2, 1))], expected=lambda: [torch.zeros(2, 3), torch.zeros(4), torch.zeros(2, 1)], atol=1e-3)
    check.unchanged("the input of the norm is left alone", lambda: run(small), small)
    check.probes("what LayerNorm promises besides its numbers", lambda: LayerNorm(4), check.tensor(955, 3, 5, 4), promises=("memory that is not contiguous", "one row", "float64", "the same call twice", "inputs left alone", "training and evaluation"), expected=lambda: nn.LayerNorm(4))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "layer_norm__module", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("layer_norm__module")
def _():
    check.equal(
        "weight starts as ones, bias as zeros, both parameters, and there are no others",
        lambda: [sorted([name, p.tolist(), p.requires_grad] for name, p in LayerNorm(3).named_parameters()), isinstance(LayerNorm(3), nn.Module)],
        expected=[[["bias", [0.0] * 3, True], ["weight", [1.0] * 3, True]], True],
        advice="a plain tensor is not registered: wrap it in nn.Parameter",
    )

    def gradients(x, weight, upstream, eps=1e-5):
        own = LayerNorm(x.shape[-1], eps=eps).to(x.dtype)
        with torch.no_grad():
            own.weight.copy_(weight)
        leaf = x.detach().clone().requires_grad_()
        own(leaf).backward(upstream)
        return [leaf.grad, own.weight.grad, own.bias.grad]

    def right(x, weight, upstream, eps=1e-5):
        leaves = [x.detach().clone().requires_grad_(), weight.clone().requires_grad_(), torch.zeros_like(weight).requires_grad_()]
        return list(torch.autograd.grad(F.layer_norm(leaves[0], x.shape[-1:], *leaves[1:], eps), leaves, upstream))

    x, upstream = torch.tensor([[1.0, 3.0, 5.0], [0.0, 0.0, 3.0]]), torch.tensor([[1.0, 0.0, 0.0], [0.0, 2.0, -1.0]])
    check.close(
        "gradients in x, weight and bias are those of nn.LayerNorm",
        lambda: gradients(x, torch.tensor([1.0, 2.0, 3.0]), upstream),
        expected=lambda: right(x, torch.tensor([1.0, 2.0, 3.0]), upstream),
        advice="x moves its own mean and variance: they belong to the graph",
    )

    def in_both_modes(weight):
        own = LayerNorm(3)
        with torch.no_grad():
            own.weight.copy_(weight)
        return [own.train()(x), own.eval()(x)]

    check.close(
        "in evaluation the same as in training",
        lambda: in_both_modes(torch.tensor([1.0, 2.0, 3.0])),
        expected=lambda: [F.layer_norm(x, (3,), torch.tensor([1.0, 2.0, 3.0]))] * 2,
        advice="nothing here depends on the mode or on an earlier call",
    )
    ### BEGIN HIDDEN TESTS
    deep, w, up = check.tensor(181, 2, 3, 5, dtype="float64"), check.tensor(182, 5, dtype="float64"), check.tensor(183, 2, 3, 5, dtype="float64")
    check.close("gradients over three axes in float64", lambda: gradients(deep, w, up, 1e-2), expected=lambda: right(deep, w, up, 1e-2))

    def modes(x):
        own = LayerNorm(5).double()
        with torch.no_grad():
            own.weight.copy_(w)
        first = own.train()(x)
        own(x + 3)
        return [first, own.eval()(x), own(x[:1, :1])]

    check.close("training, evaluation, a batch of one: no memory, always the same", lambda: modes(deep), expected=lambda: [F.layer_norm(one, (5,), w) for one in (deep, deep, deep[:1, :1])])

    def loaded():
        own = LayerNorm(3)
        own.load_state_dict({"weight": torch.tensor([1.0, 2.0, 3.0]), "bias": torch.tensor([0.0, 1.0, 0.0])})
        return own(torch.tensor([1.0, 0.0, -1.0]))

    check.equal("each LayerNorm has a weight and a bias of its own", lambda: parts.in_common(LayerNorm(3), LayerNorm(3)), expected=0)
    check.close("it loads the state_dict of nn.LayerNorm", lambda: loaded(), expected=lambda: F.layer_norm(torch.tensor([1.0, 0.0, -1.0]), (3,), torch.tensor([1.0, 2.0, 3.0]), torch.tensor([0.0, 1.0, 0.0])))
    ### END HIDDEN TESTS

# %% tags=["picture"]
norm_class = yours_or_ours("LayerNorm", parts.LayerNorm, lambda kind: kind(3)(torch.tensor([[0.0, 1.0, 5.0]])).detach())
torch.manual_seed(5)
spreads, means = torch.tensor([0.1, 0.5, 1.0, 2.0, 4.0, 0.2]), torch.tensor([0.0, 2.0, -3.0, 0.0, 4.0, 1.0])
before = torch.randn(6, 16) * spreads[:, None] + means[:, None]
after = norm_class(16)(before).detach()
with plot.figure(
    f"Six steps of 16 numbers as coloured rows, before and after {whose('LayerNorm')} LayerNorm. Before, the rows have spreads "
    + ", ".join(f"{float(s):.2g}" for s in before.std(1, correction=0)) + "; after, "
    + ", ".join(f"{float(s):.2g}" for s in after.std(1, correction=0)) + ", and every mean is 0", columns=2, height=2.4,
) as axes:
    for ax, name, table, ends in zip(axes, ("before", f"after {whose('LayerNorm')} LayerNorm"), (before, after), (6, 3)):
        ax.imshow(table.numpy(), cmap="RdBu_r", vmin=-ends, vmax=ends, aspect="auto")
        ax.set_title(name)
        ax.set_xticks(range(0, 16, 5))
        ax.set_xlabel("feature")
        ax.set_ylabel("step")

# %% [markdown]
r"""
Each row has the same size now, and each has kept its *pattern*. What a step says survives; how loud it says it
does not. (Row 5 hardly varied and was turned up; row 4 was far off zero and came back.)
"""

# %% [markdown]
r"""
## 9.5 A way past every layer

Section 7.3 kept signals alive by choosing the first weights well. In 2015 somebody found a cheaper way: **add** what the layer
computes to what came in, $y = x + f(x)$. Its derivative is

$$\frac{\partial y}{\partial x} = I + \frac{\partial f}{\partial x}$$

Whatever $f$ does, the identity stays: through fifty sums the gradient has a path that no weight lies on. And a block that has
nothing to say learns $f = 0$, which is easier than learning to copy.
"""

# %% [markdown]
r"""
The block of the first residual networks (He and others, 2015), for images (N, C, H, W):

```
x ──┬── conv1 ── bn1 ── ReLU ── conv2 ── bn2 ──(+)── ReLU ──▶
    └───────────────────────────────────────────┘
```

Both convolutions are 3 × 3 with padding 1, so height and width stay, and the sum fits. They have no bias: the batch norm
behind subtracts each channel's mean, and any bias with it. And mind where the last ReLU stands: *after* the sum. So it lies on
the way past, and lets only positive sums through. The transformer block of 9.7 leaves nothing at all on that way.
"""

# %% [markdown]
r"""
### Exercise 9.5 · `residual_block`
*difficulty 1 of 3 · 12 minutes · about 9 lines*

Write the class `ResidualBlock(channels)`, an `nn.Module` that owns `conv1`, `bn1`, `conv2`, `bn2`: convolutions
channels → channels, 3 × 3, padding 1, without bias, and `nn.BatchNorm2d(channels)` as PyTorch makes it.
`forward(x)`: x (N, channels, H, W) → the same shape,

$$\operatorname{ReLU}\bigl(x + \text{bn2}(\text{conv2}(\operatorname{ReLU}(\text{bn1}(\text{conv1}(x)))))\bigr)$$

x is left as it is.
"""

# %% nbgrader={"grade": false, "grade_id": "residual_block", "locked": false, "schema_version": 3, "solution": true, "task": false}
class ResidualBlock(nn.Module):
    """(N, channels, H, W) -> (N, channels, H, W)"""

    def __init__(self, channels):
        # about 5 lines
        ### BEGIN SOLUTION
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)  # a norm of its own: other statistics, other weights
        ### END SOLUTION

    def forward(self, x):
        # about 3 lines
        ### BEGIN SOLUTION
        hidden = self.bn1(self.conv1(x)).relu()
        change = self.bn2(self.conv2(hidden))  # no ReLU here: a change may be negative
        return (x + change).relu()
        ### END SOLUTION

# %%
hint("residual_block")

# %% nbgrader={"grade": true, "grade_id": "residual_block__forward", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
@check.cell("residual_block__forward")
def _():
    def build(channels, seed, dtype="float32"):
        own = ResidualBlock(channels).to(getattr(torch, dtype))
        kernel = (channels, channels, 3, 3)
        parts.put([own.conv1.weight, own.conv2.weight], [kernel, kernel], seed)
        for i, norm in enumerate((own.bn1, own.bn2)):
            parts.put([norm.weight, norm.bias, norm.running_mean], [(channels,)] * 3, seed + 10 + 3 * i)
            norm.running_var.copy_(1 + check.tensor(seed + 20 + i, channels).abs())
        return own

    def right(x, channels, seed, training):
        put = [0.5 * check.tensor(seed + i, channels, channels, 3, 3, dtype="float64") for i in range(2)]
        out = x.double()
        for i, kernel in enumerate(put):
            weight, bias, mean = (0.5 * check.tensor(seed + 10 + 3 * i + j, channels, dtype="float64") for j in range(3))
            var = 1 + check.tensor(seed + 20 + i, channels).abs().double()
            out = F.batch_norm(F.conv2d(out, kernel, padding=1), mean, var, weight, bias, training=training)
            out = out.relu() if i == 0 else (x + out).relu()
        return out.to(x.dtype)

    def identity(own, gain):
        with torch.no_grad():
            for conv in (own.conv1, own.conv2):
                conv.weight.zero_()
                conv.weight[range(2), range(2), 1, 1] = 1.0
            own.bn2.weight.fill_(gain)
        return own.eval()(torch.tensor([[[[1.0, -2.0, 30.0]], [[-4.0, 50.0, -6.0]]]]))

    check.close(
        "convolutions that copy, by hand: 1 becomes 2, and -2 stays negative until the last ReLU",
        lambda: [identity(ResidualBlock(2), 0.0), identity(ResidualBlock(2), 1.0), identity(ResidualBlock(2), -3.0)],
        expected=[torch.tensor([[[[1.0, 0.0, 30.0]], [[0.0, 50.0, 0.0]]]]), torch.tensor([[[[2.0, 0.0, 60.0]], [[0.0, 100.0, 0.0]]]]), torch.zeros(1, 2, 1, 3)],
        advice="with bn2's weight at 0 the branch is silent: what is left of x?",
        rtol=1e-3, atol=1e-3,
    )
    x = check.tensor(191, 2, 3, 4, 5)
    check.close("three channels in evaluation, with weights of the check's", lambda: build(3, 201).eval()(x.clone()), expected=lambda: right(x, 3, 201, False))
    check.unchanged("the image that goes in is left alone", lambda: [build(3, 201)(x), build(3, 201).eval()(x)], x)
    ### BEGIN HIDDEN TESTS
    for i, (shape, dtype) in enumerate([((4, 2, 3, 6), "float32"), ((2, 4, 5, 5), "float64"), ((3, 1, 7, 2), "float64"), ((1, 3, 6, 4), "float32")]):
        case = check.tensor(231 + i, *shape, dtype=dtype, strided=i % 2 == 0)
        check.close(f"training and evaluation on {shape}", lambda case=case, dtype=dtype: [build(case.shape[1], 241, dtype)(case), build(case.shape[1], 241, dtype).eval()(case[:1])], expected=lambda: [right(case, case.shape[1], 241, True), right(case[:1], case.shape[1], 241, False)], rtol=1e-3, atol=1e-4)
    one = check.tensor(251, 1, 2, 1, 1, dtype="float64")
    check.close("one image of one pixel, in evaluation", lambda: build(2, 261, "float64").eval()(one), expected=lambda: right(one, 2, 261, False))
    check.close("numbers in the thousands", lambda: build(3, 201).eval()(4000 * x), expected=lambda: right(4000 * x, 3, 201, False), rtol=1e-3)
    check.probes("what ResidualBlock promises besides its numbers", lambda: lambda x: [build(3, 241, str(x.dtype)[6:])(x), build(3, 241, str(x.dtype)[6:]).eval()(x)], check.tensor(958, 3, 3, 4, 5), rtol=1e-3, atol=1e-4, expected=lambda: lambda x: [right(x, 3, 241, True), right(x, 3, 241, False)])
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "residual_block__module", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("residual_block__module")
def _():
    def owned(own):
        named = [[name, list(getattr(own, name).weight.shape), getattr(own, name).bias is not None] for name in ("conv1", "bn1", "conv2", "bn2")]
        return [isinstance(own, nn.Module), named, sum(p.numel() for p in own.parameters() if p.requires_grad)]

    check.equal(
        "conv1 and conv2 are 3 × 3 without bias, bn1 and bn2 have weight and bias, and nothing else is trained",
        lambda: owned(ResidualBlock(3)),
        expected=[True, [["conv1", [3, 3, 3, 3], False], ["bn1", [3], True], ["conv2", [3, 3, 3, 3], False], ["bn2", [3], True]], 174],
        advice="print(ResidualBlock(3)) shows what it owns",
    )

    def statistics(x):
        own = ResidualBlock(2)
        parts.put([own.conv1.weight, own.conv2.weight], [(2, 2, 3, 3)] * 2, 271)
        own(x)
        own.eval()(x + 1)
        return [own.bn1.running_mean, own.bn1.running_var, own.bn2.running_mean, own.bn2.running_var]

    def right(x):
        kernels = [0.5 * check.tensor(271 + i, 2, 2, 3, 3, dtype="float64").to(x.dtype) for i in range(2)]
        found, out = [], x
        for kernel in kernels:
            out = F.conv2d(out, kernel, padding=1)
            mean, var = torch.zeros(2), torch.ones(2)
            out = F.batch_norm(out, mean, var, training=True).relu()
            found += [mean, var]
        return found

    x = check.tensor(281, 3, 2, 4, 4)
    check.close(
        "one training pass moves the running statistics of both norms, evaluation none",
        lambda: statistics(x), expected=lambda: right(x),
        advice="each norm runs exactly once in each forward pass",
        rtol=1e-3, atol=1e-4,
    )

    def way_past(x, upstream):
        own, leaf = ResidualBlock(1).eval(), x.clone().requires_grad_()
        with torch.no_grad():
            own.bn2.weight.zero_()
        own(leaf).backward(upstream)
        return leaf.grad

    check.close(
        "with bn2's weight at 0 the gradient goes past both convolutions: only the last ReLU is on its way",
        lambda: way_past(torch.tensor([[[[2.0, -1.0, 4.0]]]]), torch.tensor([[[[5.0, 7.0, -3.0]]]])),
        expected=torch.tensor([[[[5.0, 0.0, -3.0]]]]),
        advice="x itself is added, graph and all",
    )
    ### BEGIN HIDDEN TESTS
    def gradients(x, upstream):
        own = ResidualBlock(2).double().eval()
        parts.put([own.conv1.weight, own.conv2.weight], [(2, 2, 3, 3)] * 2, 291)
        leaf = x.clone().requires_grad_()
        own(leaf).backward(upstream)
        return [leaf.grad, own.conv1.weight.grad, own.conv2.weight.grad, own.bn2.bias.grad]

    def wanted(x, upstream):
        leaves = [x.clone().requires_grad_(), *[(0.5 * check.tensor(291 + i, 2, 2, 3, 3, dtype="float64")).requires_grad_() for i in range(2)], torch.zeros(2, dtype=torch.float64, requires_grad=True)]
        zero, one = torch.zeros(2, dtype=torch.float64), torch.ones(2, dtype=torch.float64)
        hidden = F.batch_norm(F.conv2d(leaves[0], leaves[1], padding=1), zero, one).relu()
        out = (leaves[0] + F.batch_norm(F.conv2d(hidden, leaves[2], padding=1), zero, one, bias=leaves[3])).relu()
        return list(torch.autograd.grad(out, leaves, upstream))

    image, up = check.tensor(301, 2, 2, 3, 4, dtype="float64"), check.tensor(302, 2, 2, 3, 4, dtype="float64")
    check.equal("each ResidualBlock has weights of its own", lambda: parts.in_common(ResidualBlock(2), ResidualBlock(2)), expected=0)
    check.close("gradients take both ways, in float64", lambda: gradients(image, up), expected=lambda: wanted(image, up))
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**Thirty blocks, with and without the way past.** Below, the same thirty blocks are run as they are, and with their layers alone, `x` no
longer added. Then one backward pass, and the size of the gradient that arrives at each block's input. Both in two modes: in evaluation the
fresh norms stand at mean 0 and variance 1 and do nothing, and in training they normalise. Read from right to left: that is the
way the gradient goes. Predict the four lines; two of them go *up*, one of them far more than the other.
"""

# %% tags=["picture"]
residual_class = yours_or_ours("ResidualBlock", parts.ResidualBlock, lambda kind: parts.filled(kind(1), 3).eval()(torch.ones(1, 1, 2, 2)).detach())
torch.manual_seed(6)
blocks = [residual_class(8) for _ in range(30)]
image = torch.randn(16, 8, 8, 8)


def layers_alone(block, x):
    return block.bn2(block.conv2(block.bn1(block.conv1(x)).relu())).relu()


def gradient_sizes(run, training):
    inputs, x = [], image.clone().requires_grad_()
    for block in copy.deepcopy(blocks):
        inputs.append(x)
        x = run(block.train(training), x)
    grads = torch.autograd.grad(x, inputs, torch.randn(x.shape, generator=torch.Generator().manual_seed(7)))
    return [float(g.double().norm()) for g in grads]


runs = {f"{whose('ResidualBlock')} blocks": lambda block, x: block(x), "without x +": layers_alone}
sizes = {f"{name}, {mode}": gradient_sizes(run, mode == "training") for name, run in runs.items() for mode in ("evaluation", "training")}

# %% tags=["picture"]
drawn = {name: [(at, size) for at, size in enumerate(values, 1) if size > 0] for name, values in sizes.items()}
plot.curves(
    {name: tuple(zip(*pairs)) for name, pairs in drawn.items()}, xlabel="block", ylabel="norm of the gradient", log=True,
    alt="Norm of the gradient at the inputs of thirty blocks, logarithmic. "
    + "; ".join(
        f"{name}: {pairs[-1][1]:.3g} at block {pairs[-1][0]}, {pairs[0][1]:.3g} at block {pairs[0][0]}"
        for name, pairs in drawn.items()
    ),
)
for name, pairs in drawn.items():
    print(f"{name:28} from block 30 to block 1 the gradient changes by a factor of {pairs[0][1] / pairs[-1][1]:.2g}")

# %% [markdown]
r"""
In evaluation, without norms that work, every block without the way past takes its share, and what arrives at the first could not move
anything. In training the batch norms hold the *forward* signal at size 1, and the gradient pays for it: it grows from block to block.
Both are cured by `x +`. What is left of growth in training is what normalising costs. So look at the mode before you quote such
a figure: "batch norm cures vanishing gradients" and "deep plain networks vanish" are both true in one mode only.
"""

# %% [markdown]
r"""
## 9.6 A door that the input opens

A residual block adds its change everywhere. A **gate** decides *where*: a number between 0 and 1 for each channel and pixel,
worked out from the data, that multiplies the change.

$$y = \text{conv}(x), \qquad \text{output} = x + \sigma(\text{gate}(y)) \cdot y$$

The gate is a 1 × 1 convolution: at each pixel it sees all channels of $y$ and nothing of the neighbours. Sigmoid makes its
answer a number in (0, 1). Where it is near 0 the block is a wire, and where it is near 1 a residual block. The gates of an LSTM,
an older layer for sequences, are sigmoids too. The gated feed-forward layers of today's language models multiply two
branches as well, mostly with another function in place of the sigmoid (chapter 13).
"""

# %% [markdown]
r"""
### Exercise 9.6 · `gated_residual_block`
*difficulty 1 of 3 · 8 minutes · about 5 lines*

Write the class `GatedResidualBlock(dim)`, an `nn.Module` with `conv`, an `nn.Conv2d(dim, dim, 3, padding=1)`, and `gate`, an
`nn.Conv2d(dim, dim, 1)`, both with bias. `forward(x)`: x (N, dim, H, W) → the same shape: with $y = \text{conv}(x)$, it
returns $x + \operatorname{sigmoid}(\text{gate}(y)) \cdot y$. x is left as it is.
"""

# %% nbgrader={"grade": false, "grade_id": "gated_residual_block", "locked": false, "schema_version": 3, "solution": true, "task": false}
class GatedResidualBlock(nn.Module):
    """(N, dim, H, W) -> (N, dim, H, W)"""

    def __init__(self, dim):
        # about 3 lines
        ### BEGIN SOLUTION
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, 3, padding=1)
        self.gate = nn.Conv2d(dim, dim, 1)
        ### END SOLUTION

    def forward(self, x):
        # about 2 lines
        ### BEGIN SOLUTION
        y = self.conv(x)
        return x + torch.sigmoid(self.gate(y)) * y  # the gate looks at y, the change, and lets part of it pass
        ### END SOLUTION

# %%
hint("gated_residual_block")

# %% nbgrader={"grade": true, "grade_id": "gated_residual_block__forward", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("gated_residual_block__forward")
def _():
    def build(dim, seed, dtype="float32"):
        own = GatedResidualBlock(dim).to(getattr(torch, dtype))
        parts.put([own.conv.weight, own.conv.bias, own.gate.weight, own.gate.bias], [(dim, dim, 3, 3), (dim,), (dim, dim, 1, 1), (dim,)], seed)
        return own

    def right(x, seed):
        dim = x.shape[1]
        shapes = [(dim, dim, 3, 3), (dim,), (dim, dim, 1, 1), (dim,)]
        w = [(0.5 * check.tensor(seed + i, *shape, dtype="float64")).to(x.dtype) for i, shape in enumerate(shapes)]
        y = F.conv2d(x, w[0], w[1], padding=1)
        return x + torch.sigmoid(F.conv2d(y, w[2], w[3])) * y

    def by_hand(own, gate_bias):
        with torch.no_grad():
            for parameter in own.parameters():
                parameter.zero_()
            own.conv.weight[range(2), [1, 0], 1, 1] = torch.tensor([1.0, 2.0])  # y is (second channel, twice the first)
            own.gate.bias.fill_(gate_bias)
        return own(torch.tensor([[[[1.0, -2.0]], [[4.0, 8.0]]]]))

    check.close(
        "by hand: a closed gate leaves x, a half-open one adds half of y, an open one all of it",
        lambda: [by_hand(GatedResidualBlock(2), bias) for bias in (-40.0, 0.0, 40.0)],
        expected=[torch.tensor([[[[1.0, -2.0]], [[4.0, 8.0]]]]), torch.tensor([[[[3.0, 2.0]], [[5.0, 6.0]]]]), torch.tensor([[[[5.0, 6.0]], [[6.0, 4.0]]]])],
        advice="sigmoid(-40) is 0, sigmoid(0) is one half, sigmoid(40) is 1. What does the gate multiply?",
    )
    x = check.tensor(311, 2, 3, 4, 5)
    check.close("three channels, with weights of the check's", lambda: build(3, 321)(x), expected=lambda: right(x, 321))
    ### BEGIN HIDDEN TESTS
    for i, (shape, how) in enumerate([((1, 4, 3, 6), {}), ((3, 1, 5, 2), {"dtype": "float64"}), ((2, 2, 1, 1), {"strided": True}), ((2, 5, 4, 4), {"dtype": "float64", "strided": True})]):
        case, dtype = check.tensor(331 + i, *shape, **how), how.get("dtype", "float32")
        check.close(f"gated, on {shape}", lambda case=case, dtype=dtype: [build(case.shape[1], 341, dtype)(case), build(case.shape[1], 341, dtype).eval()(case)], expected=lambda: [right(case, 341)] * 2)
    check.unchanged("the image that goes through the gate is left alone", lambda: build(3, 321)(x), x)
    check.probes("what GatedResidualBlock promises besides its numbers", lambda: lambda x: build(3, 341, str(x.dtype)[6:])(x), check.tensor(959, 3, 3, 4, 5), rtol=1e-4, atol=1e-5, expected=lambda: lambda x: right(x, 341))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "gated_residual_block__module", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("gated_residual_block__module")
def _():
    def owned(own):
        return [isinstance(own, nn.Module), [[list(layer.weight.shape), list(layer.bias.shape)] for layer in (own.conv, own.gate)], sum(p.numel() for p in own.parameters() if p.requires_grad)]

    check.equal(
        "conv is 3 × 3, gate is 1 × 1, both with bias, and nothing else is trained",
        lambda: owned(GatedResidualBlock(3)),
        expected=[True, [[[3, 3, 3, 3], [3]], [[3, 3, 1, 1], [3]]], 96],
    )

    def gradients(x, upstream, dtype="float64"):
        own = GatedResidualBlock(2).to(getattr(torch, dtype))
        weights = [own.conv.weight, own.conv.bias, own.gate.weight, own.gate.bias]
        parts.put(weights, [(2, 2, 3, 3), (2,), (2, 2, 1, 1), (2,)], 351)
        leaf = x.clone().requires_grad_()
        own(leaf).backward(upstream)
        return [leaf.grad, *[w.grad for w in weights]]

    def right(x, upstream):
        shapes = [(2, 2, 3, 3), (2,), (2, 2, 1, 1), (2,)]
        leaves = [x.clone().requires_grad_(), *[(0.5 * check.tensor(351 + i, *shape, dtype="float64")).to(x.dtype).requires_grad_() for i, shape in enumerate(shapes)]]
        y = F.conv2d(leaves[0], leaves[1], leaves[2], padding=1)
        return list(torch.autograd.grad(leaves[0] + torch.sigmoid(F.conv2d(y, leaves[3], leaves[4])) * y, leaves, upstream))

    x, upstream = check.tensor(361, 2, 2, 3, 4, dtype="float64"), check.tensor(362, 2, 2, 3, 4, dtype="float64")
    check.close("gradients reach x, conv and gate", lambda: gradients(x, upstream), expected=lambda: right(x, upstream))
    ### BEGIN HIDDEN TESTS
    single = check.tensor(363, 1, 2, 4, 3)
    check.equal("each GatedResidualBlock has weights of its own", lambda: parts.in_common(GatedResidualBlock(2), GatedResidualBlock(2)), expected=0)
    check.close("gradients of one image in float32", lambda: gradients(single, torch.ones(1, 2, 4, 3), "float32"), expected=lambda: right(single, torch.ones(1, 2, 4, 3)), rtol=1e-3, atol=1e-4)
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**Open and shut, for one digit.** The block below has a single channel. Its convolution is set to an edge finder, its gate to open
where the edge is an upper one. Four pictures: what goes in, the change (red is positive, blue negative), the gate (white is
open), and what comes out.
"""

# %% tags=["picture"]
gated_class = yours_or_ours("GatedResidualBlock", parts.GatedResidualBlock, lambda kind: parts.filled(kind(1), 3)(torch.ones(1, 1, 2, 2)).detach())
door = gated_class(1)
with torch.no_grad():
    door.conv.weight.copy_(torch.tensor([[-1.0, -1, -1], [0, 0, 0], [1, 1, 1]])[None, None])
    door.conv.bias.zero_()
    door.gate.weight.fill_(6.0)
    door.gate.bias.fill_(-3.0)
    digit = F.pad(test_digits[3:4, None], (2, 2, 2, 2))
    change = door.conv(digit)
    opened = torch.sigmoid(door.gate(change))
    panels = {"x": digit, "y = conv(x)": change, "sigmoid(gate(y))": opened, f"{whose('GatedResidualBlock')} block": door(digit)}
with plot.figure(
    "A digit in four pictures: the image; the change, positive at the upper edges of strokes and negative at the lower "
    f"ones; the gate, open on {float((opened > 0.5).float().mean()):.0%} of the pixels, upper edges all; and the output of the "
    "block, the digit with its upper edges drawn stronger", columns=4, height=2.2,
) as axes:
    for ax, (name, panel) in zip(axes, panels.items()):
        signed = "conv" in name
        cmap, top = ("RdBu_r", 2.5) if signed else ("gray", None)
        ax.imshow(panel[0, 0].numpy(), cmap=cmap, vmin=-2.5 * signed, vmax=top)
        ax.set_title(name)
        ax.set_axis_off()

# %% [markdown]
r"""
## 9.7 One block of a language model

You have all the parts. A transformer block does two things in turn, each on a normalised copy and each added to what came in:
first the steps *exchange* something (attention), then each step *thinks* by itself (an MLP that is the same for all steps).

```
x ──┬── ln1 ── attention ──(+)──┬── ln2 ── mlp ──(+)──▶
    └──────────────────────┘    └────────────────┘
```

The norm stands *before* each part, inside the branch: **pre-norm**. So the way past, the lower line, is never touched
by anything but sums. (The paper of 2017 normalised after the sum; deep stacks of that kind need a careful warm-up.)
"""

# %% [markdown]
r"""
The MLP widens each step to 4d numbers and back, with **GELU** between: $\operatorname{GELU}(z) = z\,\Phi(z)$, where $\Phi$ is the
cumulative normal distribution. It is a ReLU whose corner is rounded and dips a little below 0, to −0.17 near z = −0.75. PyTorch has the exact one and one with tanh, close but not
the same: here the exact one is meant, which is the default.
"""

# %% [markdown]
r"""
### Exercise 9.7 · `transformer_block`
*difficulty 2 of 3 · 15 minutes · about 9 lines*

Write the class `TransformerBlock(d_model, n_heads)`, an `nn.Module` with `ln1` and `ln2` (layer norms over d_model), `attention` (a
`MultiHeadAttention`) and `mlp`, a module with the parameters of Linear d → 4d and Linear 4d → d in that order, the exact
GELU between. `forward(x, causal=False)`: x (B, N, d_model) → the same shape,

$$x \leftarrow x + \text{attention}(\text{ln1}(x)), \qquad x \leftarrow x + \text{mlp}(\text{ln2}(x))$$

where the attention is called as `attention(h, causal=causal)`. The x you were given is left as it is. The checks lend right
parts under the names `MultiHeadAttention`, `LayerNorm` and `SimpleAttention`.
"""

# %% nbgrader={"grade": false, "grade_id": "transformer_block", "locked": false, "schema_version": 3, "solution": true, "task": false}
class TransformerBlock(nn.Module):
    """x (B, N, d_model) -> (B, N, d_model)"""

    def __init__(self, d_model, n_heads):
        # about 5 lines
        ### BEGIN SOLUTION
        super().__init__()
        self.ln1 = LayerNorm(d_model)
        self.attention = MultiHeadAttention(d_model, n_heads)
        self.ln2 = LayerNorm(d_model)
        self.mlp = nn.Sequential(nn.Linear(d_model, 4 * d_model), nn.GELU(), nn.Linear(4 * d_model, d_model))
        ### END SOLUTION

    def forward(self, x, causal=False):
        # about 2 lines
        ### BEGIN SOLUTION
        x = x + self.attention(self.ln1(x), causal=causal)  # a new tensor: += would write into the caller's
        return x + self.mlp(self.ln2(x))
        ### END SOLUTION

# %%
hint("transformer_block")

# %% nbgrader={"grade": true, "grade_id": "transformer_block__forward", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
@check.cell("transformer_block__forward")
def _():
    lent = {"MultiHeadAttention": parts.MultiHeadAttention, "LayerNorm": parts.LayerNorm, "SimpleAttention": parts.SimpleAttention}

    def fill(own, d, seed, loud=("attention", "mlp")):
        parts.put([own.ln1.weight, own.ln1.bias, own.ln2.weight, own.ln2.bias], [(d,)] * 4, seed)
        heads = [own.attention.to_qkv.weight, own.attention.to_qkv.bias, own.attention.proj.weight, own.attention.proj.bias]
        parts.put(heads, [(3 * d, d), (3 * d,), (d, d), (d,)], seed + 10, 0.5 if "attention" in loud else 0.0)
        parts.put(own.mlp.parameters(), [(4 * d, d), (4 * d,), (d, 4 * d), (d,)], seed + 20, 0.5 if "mlp" in loud else 0.0)
        return own

    def run(x, heads, seed, *loud, **how):
        with check.lend(TransformerBlock, **lent):
            own = fill(TransformerBlock(x.shape[-1], heads).to(x.dtype), x.shape[-1], seed, loud or ("attention", "mlp"))
            return own(x.clone(), **how)

    class Plain(nn.Module):
        def __init__(self, d, heads):
            super().__init__()
            self.ln1, self.ln2, self.attention = nn.LayerNorm(d), nn.LayerNorm(d), parts.MultiHeadAttention(d, heads)
            self.mlp = nn.ParameterList([nn.Parameter(torch.zeros(*s)) for s in ((4 * d, d), (4 * d,), (d, 4 * d), (d,))])

        def forward(self, x, causal=False):
            x = x + self.attention(self.ln1(x), causal)
            return x + F.linear(F.gelu(F.linear(self.ln2(x), *self.mlp[:2])), *self.mlp[2:])

    def right(x, heads, seed, *loud, **how):
        return fill(Plain(x.shape[-1], heads).to(x.dtype), x.shape[-1], seed, loud or ("attention", "mlp"))(x, **how)

    x = check.tensor(371, 2, 5, 4)
    check.close("with all weights of attention and mlp at 0, x passes as it is", lambda: run(x, 2, 381, "neither"), expected=lambda: x, advice="both sums add to x itself, not to its normalised copy")
    check.close("with only the attention speaking: x + attention(ln1(x))", lambda: run(x, 2, 381, "attention"), expected=lambda: right(x, 2, 381, "attention"))
    check.close("with only the mlp speaking: x + mlp(ln2(x))", lambda: run(x, 2, 381, "mlp"), expected=lambda: right(x, 2, 381, "mlp"), advice="Linear, exact GELU, Linear; and nothing normalised after the sum")
    check.close(
        "both together, without the argument, with causal=False and with causal=True",
        lambda: [run(x, 2, 381), run(x, 2, 381, causal=False), run(x, 2, 381, causal=True)],
        expected=lambda: [right(x, 2, 381), right(x, 2, 381), right(x, 2, 381, causal=True)],
        advice="the mlp sees what the attention has added; and does causal reach the attention?",
    )

    def in_turn():
        with check.lend(TransformerBlock, **lent):
            own, steps = fill(TransformerBlock(4, 2), 4, 381), x.clone()
            return [own(steps.clone(), causal=True), own.eval()(steps.clone()), own(steps, causal=True), steps]

    check.close(
        "one block, causal in training, then not in evaluation, then causal there; and what went in is as it was",
        lambda: in_turn(),
        expected=lambda: [right(x, 2, 381, causal=True), right(x, 2, 381), right(x, 2, 381, causal=True), x],
        advice="causal belongs to the call; and the first sum makes a new tensor", rtol=1e-4, atol=1e-5,
    )
    ### BEGIN HIDDEN TESTS
    for i, (shape, heads, how) in enumerate([((1, 1, 4), 1, {}), ((3, 4, 12), 3, {"dtype": "float64"}), ((2, 4, 4), 4, {"strided": True}), ((1, 7, 2), 2, {"dtype": "float64", "strided": True})]):
        case = check.tensor(391 + i, *shape, **how)
        check.close(f"a block with {heads} heads on {shape}", lambda case=case, heads=heads: [run(case, heads, 401), run(case, heads, 401, causal=True)], expected=lambda: [right(case, heads, 401), right(case, heads, 401, causal=True)], rtol=1e-4, atol=1e-5)
    check.probes("what TransformerBlock promises besides its numbers", lambda: lambda x: [run(x, 2, 401), run(x, 2, 401, causal=True)], check.tensor(960, 3, 5, 4), rtol=1e-4, atol=1e-4, expected=lambda: lambda x: [right(x, 2, 401), right(x, 2, 401, causal=True)])
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "transformer_block__module", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("transformer_block__module")
def _():
    lent = {"MultiHeadAttention": parts.MultiHeadAttention, "LayerNorm": parts.LayerNorm, "SimpleAttention": parts.SimpleAttention}

    def with_parts(run):
        with check.lend(TransformerBlock, **lent):
            return run()

    def weights(part):
        return [getattr(one, name) for one in ((part.to_qkv, part.proj) if hasattr(part, "proj") else (part,)) for name in ("weight", "bias")]

    def owned(own):
        named = [weights(own.ln1), weights(own.ln2), weights(own.attention), own.mlp.parameters()]
        shapes = [[list(p.shape) for p in some] for some in named]
        return [isinstance(own, nn.Module), shapes, sum(p.numel() for p in own.parameters() if p.requires_grad)]

    check.equal(
        "ln1, ln2, attention and mlp, with the shapes they should have, and nothing else is trained",
        lambda: with_parts(lambda: owned(TransformerBlock(2, 1))),
        expected=[True, [[[2], [2]], [[2], [2]], [[6, 2], [6], [2, 2], [2]], [[8, 2], [8], [2, 8], [2]]], 74],
        advice="two norms, each with weights of its own; the mlp widens to 4 times d_model",
    )

    def gradients(x, upstream, causal):
        own = TransformerBlock(4, 1).double()
        for i, some in enumerate((weights(own.ln1), weights(own.attention), weights(own.ln2), list(own.mlp.parameters()))):
            parts.put(some, [tuple(p.shape) for p in some], 411 + 10 * i)
        leaf = x.clone().requires_grad_()
        own(leaf, causal=causal).backward(upstream)
        return [leaf.grad, own.ln1.weight.grad, own.ln2.bias.grad, [p.grad for p in weights(own.attention)], [p.grad for p in own.mlp.parameters()]]

    def right(x, upstream, causal):
        ln1, attention, ln2 = (parts.filled(part.double(), 411 + 10 * i) for i, part in enumerate((nn.LayerNorm(4), parts.MultiHeadAttention(4, 1), nn.LayerNorm(4))))
        mlp = parts.filled(nn.Sequential(nn.Linear(4, 16), nn.GELU(), nn.Linear(16, 4)).double(), 441)
        leaf = x.clone().requires_grad_()
        middle = leaf + attention(ln1(leaf), causal)
        (middle + mlp(ln2(middle))).backward(upstream)
        return [leaf.grad, ln1.weight.grad, ln2.bias.grad, [p.grad for p in attention.parameters()], [p.grad for p in mlp.parameters()]]

    x, upstream = check.tensor(421, 2, 3, 4, dtype="float64"), check.tensor(422, 2, 3, 4, dtype="float64")
    check.close("gradients reach x and every part", lambda: with_parts(lambda: gradients(x, upstream, False)), expected=lambda: right(x, upstream, False), rtol=1e-5, atol=1e-6)
    ### BEGIN HIDDEN TESTS
    check.close("gradients through a causal block", lambda: with_parts(lambda: gradients(x, upstream, True)), expected=lambda: right(x, upstream, True), rtol=1e-5, atol=1e-6)

    check.equal("each TransformerBlock has weights of its own", lambda: with_parts(lambda: parts.in_common(TransformerBlock(4, 2), TransformerBlock(4, 2))), expected=0)

    def modes(x):
        own = TransformerBlock(4, 2).double()
        first = own.train()(x)
        return [float((own.eval()(x) - first).detach().abs().max()), float((own(x[:1]) - first[:1]).detach().abs().max() < 1e-9)]

    check.close("training and evaluation, and a batch of one, give the same", lambda: with_parts(lambda: modes(x)), expected=[0.0, 1.0])
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**How far does one step reach?** Change a single step of the input, and see which steps of the output notice. The picture does that for
each of eight steps, with your block, as it is and with `causal=True`. A bright cell in row t, column s: output t has
noticed a change of input s. (Brightness is the square root of the change, so that small ones show.)
"""

# %% tags=["picture"]
def influence(run, length, dim):
    """(length, length): how much output t changes when input s is drawn anew"""
    torch.manual_seed(8)
    x = torch.randn(1, length, dim)
    with torch.no_grad():
        before, table = run(x), torch.zeros(length, length)
        for s in range(length):
            changed = x.clone()
            changed[0, s] = torch.randn(dim)
            table[:, s] = (run(changed) - before)[0].abs().mean(dim=1)
    return table

# %% tags=["picture"]
block_class = yours_or_ours("TransformerBlock", parts.TransformerBlock, lambda kind: [list(kind(4, 2)(torch.zeros(1, 3, 4)).shape), sum(p.numel() for p in kind(4, 2).parameters())])
torch.manual_seed(8)
block = block_class(16, 4)
tables = {f"{whose('TransformerBlock')} block": influence(block, 8, 16), "causal=True": influence(lambda x: block(x, causal=True), 8, 16)}
future = {name: float(table.triu(1).max()) for name, table in tables.items()}
with plot.figure(
    f"Two tables, 8 outputs by 8 inputs: how much each output of {whose('TransformerBlock')} block moves when one input is drawn anew. The "
    "diagonal is brightest. "
    + "; ".join(f"{name}: at most {value:.2g} above it" for name, value in future.items()), columns=2, height=3.2,
) as axes:
    for ax, (name, table) in zip(axes, tables.items()):
        ax.imshow(table.sqrt().numpy(), cmap="cividis")
        ax.set_title(name)
        ax.set_xlabel("input s that was changed")
        ax.set_ylabel("output t")

# %% [markdown]
r"""
**The same as PyTorch's.** `nn.TransformerEncoderLayer` with `norm_first=True` is this block. The cell gives it the weights of the block above,
and compares, without a mask and with a causal one. (The module calls itself an encoder layer. With a causal mask it is what decoders of
language models are made of; what `nn.TransformerDecoderLayer` adds is a second attention that looks at another sequence.)
"""

# %% tags=["picture"]
theirs = nn.TransformerEncoderLayer(16, 4, 64, dropout=0.0, activation="gelu", batch_first=True, norm_first=True)
pairs = [
    (theirs.self_attn.in_proj_weight, block.attention.to_qkv.weight), (theirs.self_attn.in_proj_bias, block.attention.to_qkv.bias),
    (theirs.self_attn.out_proj.weight, block.attention.proj.weight), (theirs.self_attn.out_proj.bias, block.attention.proj.bias),
    (theirs.norm1.weight, block.ln1.weight), (theirs.norm1.bias, block.ln1.bias), (theirs.norm2.weight, block.ln2.weight), (theirs.norm2.bias, block.ln2.bias),
    *zip((theirs.linear1.weight, theirs.linear1.bias, theirs.linear2.weight, theirs.linear2.bias), block.mlp.parameters()),
]
with torch.no_grad():
    for their_own, from_block in pairs:
        their_own.copy_(from_block)
    steps, hidden = torch.randn(2, 7, 16), ~torch.ones(7, 7, dtype=torch.bool).tril()  # theirs: True means hidden
    gaps = {"no mask": theirs(steps) - block(steps), "causal": theirs(steps, src_mask=hidden) - block(steps, causal=True)}
print({name: f"largest difference {float(gap.abs().max()):.1g}" for name, gap in gaps.items()})

# %% [markdown]
r"""
## 9.8 Does it cheat?

In the right picture everything above the diagonal is dark. That is what *causal* means, and it says nothing about attention:
any module over time has such a table. One bright cell up there, and a model trained to predict the next step
has read it instead. Its training loss is wonderful, nobody notices, and it is useless.

Reading the code of a model is easily done with half an eye. A test looks at what the model *does*: change an input, and look at the
outputs before it. It proves nothing, but it refutes, and a good one refutes a great deal.
"""

# %% [markdown]
r"""
Writing such a test is easy, and so is writing one that lets a cheat pass. Ask of yours:

- Is *every* step changed, and *every* earlier output looked at? A leak may join just one pair of steps, in just one feature.
- Is the change one that the module can notice? A layer norm does not see a constant that is added to all features.
- May two effects cancel? The outputs of a fresh layer norm sum to 0, whatever happens inside.
- Is the module random, or different in training? It is judged in evaluation mode.
- And does it come back as it was: mode of each submodule, weights, gradients?
"""

# %% [markdown]
r"""
### Exercise 9.8 · `is_causal`
*difficulty 3 of 3 · 25 minutes · about 15 lines*

Write the test `is_causal(module, length, dim)` → `bool`. The module takes x (1, length, dim), of its parameters' dtype (float32
where it has none), and gives (1, length, …). The answer is True exactly where, in evaluation mode, output t depends on no input
after t, for every t; so for length 1 it is always True.

You may rely on this: where there is a dependence, it is smooth, and at random inputs it is visible (1e-3 or more; what rounding
does is far smaller). The module is left as found, in every submodule: mode, weights and buffers, `requires_grad`, gradients, hooks.
"""

# %% nbgrader={"grade": false, "grade_id": "is_causal", "locked": false, "schema_version": 3, "solution": true, "task": false}
def is_causal(module, length, dim):
    """a module (1, length, dim) -> (1, length, ...) -> True where no output depends on a later input"""
    # about 15 lines
    ### BEGIN SOLUTION
    modes = [(part, part.training) for part in module.modules()]  # submodules may differ from their parent
    dtype = next((p.dtype for p in module.parameters()), torch.float32)
    module.eval()
    try:
        with torch.no_grad():
            x = torch.randn(1, length, dim, dtype=dtype)
            before = module(x)
            for s in range(1, length):
                changed = x.clone()
                changed[:, s] = torch.randn(dim, dtype=dtype)  # drawn anew: a norm would not see a shift
                moved = (module(changed) - before)[:, :s].abs()  # every output before s, every feature
                if moved.max() > 1e-5:
                    return False
        return True
    finally:
        for part, training in modes:
            part.training = training
    ### END SOLUTION

# %%
hint("is_causal")

# %% nbgrader={"grade": true, "grade_id": "is_causal__answers", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
@check.cell("is_causal__answers")
def _():
    linear = parts.filled(nn.Linear(3, 4), 431)
    named = {
        "a linear layer, each step by itself": parts.over_time(lambda x, layer: layer(x), linear),
        "each step sees the one before it": parts.over_time(lambda x: F.pad(x, (0, 0, 1, 0))[:, :-1]),
        "each step sees the one after it": parts.over_time(lambda x: F.pad(x, (0, 0, 0, 1))[:, 1:]),
        "the mean over all steps is subtracted": parts.over_time(lambda x: x - x.mean(1, keepdim=True)),
        "a running sum": parts.over_time(lambda x: x.cumsum(1)),
    }
    check.equal(
        "five modules over time, three of them causal",
        lambda: {name: is_causal(module, 5, 3) for name, module in named.items()},
        expected=dict(zip(["a linear layer, each step by itself", "each step sees the one before it", "each step sees the one after it", "the mean over all steps is subtracted", "a running sum"], [True, True, False, False, True])),
        advice="take one that you misjudge, and print which outputs move when you change one input",
    )
    check.equal(
        "length 1: there is no later input, so each of the five is causal",
        lambda: [is_causal(module, 1, 3) for module in named.values()] + [is_causal(named["each step sees the one after it"], 2, 3)],
        expected=[True] * 5 + [False],
    )
    ### BEGIN HIDDEN TESTS
    lower, heads = (0.2 + check.tensor(441, 6, 6).abs()).tril(), parts.filled(parts.MultiHeadAttention(4, 2), 451)
    kernel, three = 0.3 + check.tensor(461, 4, 4, 3).abs(), torch.ones(6, 6, dtype=torch.bool)
    one_way, both_ways = parts.filled(nn.GRU(4, 4, batch_first=True), 471), parts.filled(nn.GRU(4, 4, batch_first=True, bidirectional=True), 481)

    def look(x, offset):
        mask = three.tril(offset)
        mask[0, 0] = True
        return parts.SimpleAttention(4)(x, x, x, mask)

    many = parts.shuffled(
        491, parts.over_time(lambda x, m: m @ x, lower), parts.over_time(lambda x, m: m.T @ x, lower),
        parts.over_time(lambda x, a: x + a(x, causal=True), heads), parts.over_time(lambda x, a: x + a(x), heads),
        parts.over_time(lambda x, k: F.conv1d(F.pad(x.mT, (2, 0)), k).mT, kernel), parts.over_time(lambda x, k: F.conv1d(x.mT, k, padding=1).mT, kernel),
        parts.over_time(lambda x, k: F.conv1d(F.pad(x.mT, (4, 0)), k, dilation=2).mT, kernel), parts.over_time(lambda x, k: F.conv1d(F.pad(x.mT, (1, 1)), k).mT, kernel),
        parts.over_time(lambda x, g: g(x)[0], one_way), parts.over_time(lambda x, g: g(x)[0], both_ways), parts.over_time(lambda x, g: g(x.flip(1))[0].flip(1), one_way),
        parts.over_time(lambda x: look(x, 0)), parts.over_time(lambda x: look(x, 1)), parts.over_time(lambda x: look(x, -1)), parts.over_time(lambda x: x.flip(1)),
        parts.over_time(lambda x, layer: torch.cat([layer(x), x], -1), parts.filled(nn.Linear(4, 3), 501))
    )  # fmt: skip
    check.equal(
        "matrices over time, attention, convolutions and recurrent networks in a hidden order",
        lambda: [is_causal(module, 6, 4) for module in many],
        expected=lambda: parts.shuffled(491, True, False, True, False, True, False, True, False, True, False, False, True, False, True, False, True),
    )
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "is_causal__subtle", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
@check.cell("is_causal__subtle")
def _():
    def pair(x, output, source, out_feature=0, in_feature=0):
        leak = torch.zeros_like(x)
        leak[:, output, out_feature] = x[:, source, in_feature].tanh()
        return x + leak

    def normed(x, norm):
        return norm(x.cumsum(1)) + after(norm(x))

    def after(x):
        return F.pad(x, (0, 0, 0, 1))[:, 1:]

    norm, zero_sum = nn.LayerNorm(4, eps=1e-9), torch.tensor([1.0, -1.0, 2.0, -2.0])
    suspects = {
        "only the last input reaches the first output": (parts.over_time(lambda x: pair(x, 0, 5)), False),
        "only the first input reaches the last output": (parts.over_time(lambda x: pair(x, 5, 0)), True),
        "the last input reaches output 4": (parts.over_time(lambda x: pair(x, 4, 5)), False),
        "input 2 reaches output 1": (parts.over_time(lambda x: pair(x, 1, 2)), False),
        "input 1 reaches output 0, feature 0 reaches feature 1": (parts.over_time(lambda x: pair(x, 0, 1, 1, 0)), False),
        "input 3 reaches output 2, feature 3 reaches feature 1": (parts.over_time(lambda x: pair(x, 2, 3, 1, 3)), False),
        "the next step, through a layer norm": (parts.over_time(normed, norm), False),
        "the difference of two features of the next step": (parts.over_time(lambda x: x + (after(x)[..., :1] - after(x)[..., 1:2])), False),
        "the next step, in four features that sum to 0": (parts.over_time(lambda x: x + after(x)[..., :1] * zero_sum), False),
        "the product with the next step": (parts.over_time(lambda x: x * after(x)), False),
        "the square of the next step": (parts.over_time(lambda x: x + 0.5 * after(x).square()), False),
        "four thousandths of the next step": (parts.over_time(lambda x: x + 0.004 * after(x).tanh()), False),
    }
    check.equal(
        "one pair of steps is enough, a layer norm hides a shift, a sum what cancels, a square a sign, and a small leak is one",
        lambda: {name: is_causal(module, 6, 4) for name, (module, _) in suspects.items()},
        expected={name: causal for name, (_, causal) in suspects.items()},
        advice="every input after t, every output t, every feature; and a change that is not the same in all features",
    )
    ### BEGIN HIDDEN TESTS
    head, loud = parts.filled(parts.MultiHeadAttention(4, 2), 511, 0.9), torch.tensor([1.0, -1.0, 2.0, 0.5])
    before = parts.over_time(lambda x: F.pad(x, (0, 0, 3, 0))[:, :-3] * x)
    many = parts.shuffled(
        521, *[parts.over_time(lambda x, a=a, b=b, c=c, d=d: pair(x, a, b, c, d)) for a, b, c, d in [(4, 5, 0, 0), (0, 1, 3, 3), (5, 4, 0, 0), (1, 4, 2, 0), (3, 3, 1, 2), (3, 1, 0, 3), (2, 5, 3, 1)]],
        parts.over_time(lambda x: x.roll(1, 1)), parts.over_time(lambda x: x.roll(-1, 1)), before,
        parts.over_time(lambda x: x * after(x)), parts.over_time(lambda x: x + after(x)[..., :1] * loud.sub(loud.mean())), parts.over_time(lambda x: x + (after(x)[..., :1] - after(x)[..., 1:2])),
        parts.over_time(lambda x, n, a: n(x + a(n(x))), norm, head), parts.over_time(lambda x, n, a: n(x + a(n(x), causal=True)), norm, head),
        parts.over_time(lambda x: x + x.logsumexp(1, keepdim=True)), parts.over_time(lambda x: x + x.logcumsumexp(1)), parts.over_time(lambda x, n: n(after(x)), norm),
        parts.over_time(lambda x: torch.cat([x[:, :4].mean(1, keepdim=True).expand(1, 4, 4), x[:, 4:]], 1)), parts.over_time(lambda x: x / (1 + x.square().cumsum(1))),
        parts.over_time(lambda x: (x - x.flip(1).cumsum(1).flip(1)).sin()), parts.over_time(lambda x: x.cos() + after(x).cos()), parts.over_time(lambda x: x + 0.003 * after(x).sin()), parts.over_time(lambda x: x.cumsum(1).square()),
    )  # fmt: skip
    check.equal(
        "single pairs, wraps, products, effects that cancel in a sum, norms first and last, in a hidden order",
        lambda: [is_causal(module, 6, 4) for module in many],
        expected=lambda: parts.shuffled(521, False, False, True, False, True, True, False, False, False, True, False, False, False, False, True, False, True, False, False, True, False, False, False, True),
    )
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "is_causal__modes", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("is_causal__modes")
def _():
    def only(training, self, x):
        return x - x.mean(1, keepdim=True) if self.training is training else x

    named = {
        "dropout, in training mode": nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5)),
        "a leak in training mode only": parts.over_time(lambda self, x: only(True, self, x)),
        "the same, handed in in evaluation mode": parts.over_time(lambda self, x: only(True, self, x)),
        "a leak in evaluation mode only": parts.over_time(lambda self, x: only(False, self, x)),
        "weights in float64, the step after": parts.over_time(lambda x, w: F.pad(x @ w, (0, 0, 0, 1))[:, 1:], torch.eye(3, dtype=torch.float64)),
    }
    check.equal(
        "modules in training mode, one in evaluation, one in float64: what counts is evaluation",
        lambda: {name: is_causal(module.train("handed in" not in name), 4, 3) for name, module in named.items()},
        expected=dict(zip(["dropout, in training mode", "a leak in training mode only", "the same, handed in in evaluation mode", "a leak in evaluation mode only", "weights in float64, the step after"], [True, True, True, False, False])),
        advice="switch to evaluation before the first call, and make x in the dtype of the parameters",
    )
    ### BEGIN HIDDEN TESTS
    def over_channels(x, norm):
        return norm(x.mT).mT

    def trained(module):
        return module.train()

    def double(layer, seed):
        return parts.filled(layer, seed).double()

    frozen = parts.over_time(lambda x, layer: layer(x.flip(1)), parts.filled(nn.Linear(3, 3), 531)).requires_grad_(False)
    many = parts.shuffled(
        541, trained(parts.over_time(over_channels, nn.BatchNorm1d(3))), trained(parts.over_time(lambda x, n: n(x), nn.BatchNorm1d(4))), trained(nn.Sequential(nn.Dropout(0.9), nn.Linear(3, 3), nn.Dropout(0.9))),
        trained(parts.over_time(lambda x, d: d(x.cumsum(1)), nn.Dropout(0.5))), trained(parts.over_time(lambda x, d: d(x.flip(1)), nn.Dropout(0.5))), frozen, parts.over_time(lambda x: x),
        parts.over_time(lambda x, a: a(x, causal=True), double(parts.MultiHeadAttention(3, 3), 551)), parts.over_time(lambda x, a: a(x), double(parts.MultiHeadAttention(3, 3), 551)),
        parts.over_time(lambda x, g: g(x)[0], double(nn.GRU(3, 5, batch_first=True), 561)), parts.over_time(lambda x, g: g(x.flip(1))[0].flip(1), double(nn.GRU(3, 2, batch_first=True, bidirectional=True), 571)),
        trained(parts.over_time(lambda self, x: x if self.training else x.roll(-1, 1))), trained(parts.over_time(lambda self, x: x.roll(-1, 1) if self.training else x)),
        parts.over_time(lambda x, w: x @ w, torch.eye(3, dtype=torch.float64)).eval(), nn.Sequential(double(nn.Linear(3, 3), 581), nn.Dropout(0.7)),
    )  # fmt: skip
    check.equal(
        "norms, dropout, float64, frozen weights, in training and in evaluation, in a hidden order",
        lambda: [is_causal(module, 4, 3) for module in many],
        expected=lambda: parts.shuffled(541, True, True, True, True, False, False, True, True, False, True, False, False, True, True, True),
    )
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "is_causal__left_as_found", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("is_causal__left_as_found")
def _():
    def build(reach, training, frozen_norm, grads, dtype="float32"):
        def run(x, norm, layer, drop):
            y = drop(layer(norm(x.mT).mT))
            return y + y.roll(reach, 1) if reach < 0 else y.cumsum(1)

        module = parts.over_time(run, nn.Sequential(nn.BatchNorm1d(3)), parts.filled(nn.Linear(3, 3), 591), nn.Dropout(0.4)).train(training).to(getattr(torch, dtype))
        module.part0[0].train(not frozen_norm)  # two levels down, and the dropout one level
        module.part2.eval()
        module.part1.bias.requires_grad_(False)
        if grads:
            module.part1.weight.grad = torch.full_like(module.part1.weight, 7.0)
        return module

    def look(*settings, length=5):
        module = build(*settings)
        answer = is_causal(module, length, 3)
        return {"answer": answer, **parts.state_of(module), "grad mode": torch.is_grad_enabled()}

    def untouched(answer, *settings):
        return {"answer": answer, **parts.state_of(build(*settings)), "grad mode": True}

    def before_and_after(*settings):
        module = build(*settings)
        before = {**parts.state_of(module), "grad mode": torch.is_grad_enabled()}
        answer = is_causal(module, 5, 3)
        return {"answer": answer, "before": before, "after": {**parts.state_of(module), "grad mode": torch.is_grad_enabled()}}

    check.that(
        "a module in training mode, with a norm that is in evaluation: the answer, and everything as it was",
        lambda: before_and_after(1, True, True, False), judge=lambda seen: judges.left_as_found(seen, True),
        advice="the mode belongs to each submodule: remember them all before you switch",
    )
    check.that(
        "a module in evaluation that looks ahead, with a norm in training, and gradients from before",
        lambda: before_and_after(-1, False, False, True), judge=lambda seen: judges.left_as_found(seen, False),
        advice="also where your function returns early, and gradients that stood there stay the same",
    )

    def grad_mode_after(mode):
        with torch.set_grad_enabled(mode):
            try:
                is_causal(build(1, True, False, False), 5, 3)
            except RuntimeError:  # a test by gradients may need them
                pass
            return torch.is_grad_enabled()

    check.equal("called with and without gradients: the grad mode stays what it was", lambda: [grad_mode_after(True), grad_mode_after(False)], expected=[True, False])
    ### BEGIN HIDDEN TESTS
    settings = parts.shuffled(601, (1, False, True, True), (-1, False, False, True), (-2, True, True, True), (1, True, False, False), (-1, False, True, False), (1, True, False, True), (-4, False, False, False), (1, True, True, True, "float64"), (-1, True, False, False, "float64"))
    check.equal(
        "other modes, gradients and answers, in a hidden order",
        lambda: [look(*one) for one in settings],
        expected=lambda: [untouched(one[0] > 0, *one) for one in settings],
    )

    check.equal("the same for length 1", lambda: [look(*one, length=1) for one in settings[:3]], expected=lambda: [untouched(True, *one) for one in settings[:3]])
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**Your test on your own parts.** What do you expect of a batch norm over the channels, of a residual block whose image is one row of
steps, of a GRU that reads both ways? (A GRU walks through the steps from first to last and carries a memory; one that
reads both ways walks from last to first too.) Guess each line before you run the cell.
"""

# %% tags=["picture"]
class Over(nn.Module):
    """a module from a function of x and one part"""

    def __init__(self, part, run):
        super().__init__()
        self.part, self.run = part, run

    def forward(self, x):
        return self.run(self.part, x)


torch.manual_seed(11)
suspects = {
    "LayerNorm": norm_class(8),
    "MultiHeadAttention": heads_class(8, 2),
    "MultiHeadAttention, causal=True": Over(heads_class(8, 2), lambda part, x: part(x, causal=True)),
    "TransformerBlock, causal=True": Over(block_class(8, 2), lambda part, x: part(x, causal=True)),
    "ResidualBlock along time": Over(residual_class(8), lambda part, x: part(x.mT[:, :, None])[:, :, 0].mT),
    "BatchNorm1d over the channels, in eval": Over(nn.BatchNorm1d(8), lambda part, x: part(x.mT).mT),
    "a GRU": Over(nn.GRU(8, 8, batch_first=True), lambda part, x: part(x)[0]),
    "a GRU that reads both ways": Over(nn.GRU(8, 8, batch_first=True, bidirectional=True), lambda part, x: part(x)[0]),
}
# %% tags=["picture"]
judge = yours_or_ours("is_causal", parts.is_causal, lambda f: [f(nn.Linear(3, 3), 4, 3), f(nn.BatchNorm1d(4), 4, 3), f(parts.over_time(lambda x: x.flip(1)), 4, 3)])
print(f"{whose('is_causal')} is_causal says:")
for name, suspect in suspects.items():
    print(f"{name:40} {'causal' if judge(suspect, 6, 8) else 'sees the future'}")

# %% [markdown]
r"""
## 9.9 Put together

Back to the digits that stand anywhere. The model below is made of your blocks and two linear maps of PyTorch:

1. a convolution with stride 4 cuts the canvas into 7 × 7 = 49 patches of 32 numbers;
2. your `ResidualBlock` and your `GatedResidualBlock` let each patch look at its neighbours;
3. each patch gets a learned vector for its *place*, and one more token joins, the **asker**, which is no patch: it is there to collect;
4. your `TransformerBlock` lets all 50 tokens exchange what they have; your `LayerNorm` and a linear layer read ten logits
   off the asker.
"""

# %% tags=["picture"]
class DigitFinder(nn.Module):
    def __init__(self, dim=32, heads=4):
        super().__init__()
        self.patches = nn.Conv2d(1, dim, 4, stride=4)
        self.local = nn.Sequential(residual_class(dim), gated_class(dim))
        self.place = nn.Parameter(0.1 * torch.randn(1, 49, dim))
        self.asker = nn.Parameter(0.1 * torch.randn(1, 1, dim))
        self.block = block_class(dim, heads)
        self.head = nn.Sequential(norm_class(dim), nn.Linear(dim, 10))

    def tokens(self, images):
        """(N, 1, 28, 28) -> (N, 50, dim), the asker first"""
        patches = self.local(self.patches(images)).flatten(2).transpose(1, 2) + self.place
        return torch.cat([self.asker.expand(len(images), -1, -1), patches], dim=1)

    def forward(self, images):
        return self.head(self.block(self.tokens(images))[:, 0])


# %% [markdown]
r"""
Is it the attention that does it? The honest way to know is to take it out and train again: an **ablation**. `NoAttention` is the same
network up to the tokens, and then each channel's maximum over the 49 patches, as in 9.1.
"""

# %% tags=["picture"]
class NoAttention(DigitFinder):
    def __init__(self, dim=32):
        super().__init__(dim)
        del self.block, self.asker  # what is not used is not counted

    def forward(self, images):
        patches = self.local(self.patches(images)).flatten(2).transpose(1, 2) + self.place
        return self.head(patches.amax(dim=1))


three = {"MLP of chapter 8": mlp(), "DigitFinder": DigitFinder(), "without attention": NoAttention()}
sizes = {name: sum(p.numel() for p in model.parameters()) for name, model in three.items()}
print({name: f"{size:,} parameters" for name, size in sizes.items()})

# %% [markdown]
r"""
All three learn from the same 1,438 digits, put down at new places in every epoch. The MLP gets more epochs, since its
epochs are cheap. Write down your order of the three before you run it. (Some twenty seconds.)
"""

# %% tags=["picture"]
torch.manual_seed(12)
finder, flat, without = DigitFinder(), mlp(), NoAttention()
losses = {"DigitFinder": learn(finder, anywhere, epochs=13, lr=2e-3)}
losses["without attention"] = learn(without, anywhere, epochs=13, lr=2e-3)
losses["MLP of chapter 8"] = learn(flat, anywhere, epochs=20, lr=1e-3)
unseen, unseen_labels = anywhere(test_digits.repeat(3, 1, 1)), test_labels.repeat(3)
reached = {name: accuracy(model, unseen, unseen_labels) for name, model in zip(losses, (finder, without, flat))}
plot.curves(
    losses, xlabel="epoch", ylabel="training loss",
    alt="Training loss on digits anywhere on the canvas. "
    + "; ".join(f"{name} falls from {f[0]:.2f} to {f[-1]:.2f} in {len(f)} epochs" for name, f in losses.items()),
)

# %% tags=["picture"]
plot.bars(
    {f"{name}, {sizes[name]:,} parameters": value for name, value in reached.items()},
    xlabel="accuracy on digits it never saw, anywhere on the canvas",
    alt="Accuracy on test digits anywhere: " + ", ".join(f"{name} {value:.1%}" for name, value in reached.items()),
)
with_it, no_attention, plain = reached.values()
print(f"the DigitFinder is {100 * (with_it - plain):.0f} points above the MLP; without any attention it is {100 * (no_attention - plain):.0f} points")

# %% [markdown]
r"""
Against the MLP: a fraction of the parameters, and a fraction of the errors. It could *represent* the same answer, but would have to learn
it at every place separately, and there are 289 places for a digit.

Against the ablation: little. How little depends on the seed and on how long one trains; try another seed before you believe a gap. For *this*
task the convolutions do nearly all the work, and a maximum collects about as well as attention does. That is what measuring is for. Whoever
had shown you the first and the last bar only would have sold you attention; papers do. Attention earns its place where what to look at
depends on what else is there, and 9.10 has such a task.

**What does it look at?** The asker's row of the attention maps says how much of each patch it took. Below for six
digits, as the mean of the four heads.
"""

# %% tags=["picture"]
finder.eval()
with torch.no_grad():
    shown = unseen[:6]
    tokens = [finder.block.ln1(finder.tokens(one[None])) for one in shown]
    looks = [head_maps(finder.block.attention, one, 4)[:, 0, 1:].mean(dim=0) for one in tokens]
    answers = finder(shown).argmax(1)
patch_ink = F.avg_pool2d(shown, 4).flatten(1)
on_digit = [float((look * (ink > 0)).sum() / look.sum()) for look, ink in zip(looks, patch_ink)]
with plot.figure(
    "Six test digits above, and below where the asker of the model looks, the mean of its four heads, as 7 by 7 patches. "
    "It reads " + ", ".join(map(str, answers.tolist())) + f"; {min(on_digit):.0%} to {max(on_digit):.0%} of the weight lies "
    f"on patches that hold ink, which are {float((patch_ink > 0).float().mean()):.0%} of all patches",
    rows=2, columns=6, height=3.0,
) as axes:
    for column in range(6):
        axes[column].imshow(shown[column, 0].numpy(), cmap="gray")
        axes[column].set_title(f"reads {int(answers[column])}, is {int(unseen_labels[column])}", fontsize=8)
        axes[6 + column].imshow(looks[column].reshape(7, 7).numpy(), cmap="cividis")
        axes[6 + column].set_title(f"{on_digit[column]:.0%} on ink", fontsize=8)
    for ax in axes:
        ax.set_axis_off()

# %% [markdown]
r"""
Nobody told the model where the digit is. There was no such label and no such loss, only ten logits and cross-entropy. That it looks is
true; that it *has* to look is what the ablation makes doubtful.

And the four heads one by one, for the first digit: they share the work.
"""

# %% tags=["picture"]
with torch.no_grad():
    single = head_maps(finder.block.attention, tokens[0], 4)[:, 0, 1:].reshape(4, 7, 7)
brightest = [divmod(int(one.argmax()), 7) for one in single]
with plot.figure(
    "The first test digit and where each of the four heads looks: brightest at patches (row, column) "
    + ", ".join(str(at) for at in brightest), columns=5, height=1.9,
) as axes:
    axes[0].imshow(unseen[0, 0].numpy(), cmap="gray")
    axes[0].set_title("the digit")
    for head, one in enumerate(single):
        axes[head + 1].imshow(one.numpy(), cmap="cividis")
        axes[head + 1].set_title(f"head {head}")
    for ax in axes:
        ax.set_axis_off()

# %% [markdown]
r"""
A word of caution. An attention map shows where information was *taken*, not why, and not what became of it in the MLP
behind. It is a good question to a model, and a poor proof.
"""

# %% [markdown]
r"""
## 9.10 A model that writes

Now a task in which it matters what else is there. The text is a row of small stories: one name in the first
sentence, a second one in the next, and from the two follows who has the thing in the last. The tokens are characters, 30 different ones.
"""

# %% tags=["picture"]
print(text.stories(3, seed=1))
numbers, fresh_numbers = text.encode(text.stories(2500, seed=2)), text.encode(text.stories(200, seed=3))
print(f"{len(numbers):,} characters to learn from; a model that knows nothing pays ln {len(text.ALPHABET)} = {math.log(len(text.ALPHABET)):.2f} for each")

# %% [markdown]
r"""
A **decoder** is your block, several times, between two tables. Going in, each character has a vector, and so has each place (attention
knows no order: 9.2). Coming out, a linear map gives a logit for every character that could come *next*. One pass over n characters is n
predictions at once, and that is why no step may see the one after it.
"""

# %% tags=["picture"]
def waves(length, dim):
    """(length, dim): each place as sines and cosines from fast to slow, so that neighbours look alike"""
    angles = torch.arange(length)[:, None] * 1.5 * torch.logspace(0, -1.7, dim // 2)
    return torch.cat([angles.sin(), angles.cos()], dim=1)


class Writer(nn.Module):
    def __init__(self, dim=48, heads=4, layers=2, length=64):
        super().__init__()
        self.length, self.heads = length, heads
        self.symbols = nn.Embedding(len(text.ALPHABET), dim)
        self.places = nn.Parameter(waves(length, dim))
        self.blocks = nn.ModuleList([block_class(dim, heads) for _ in range(layers)])
        self.head = nn.Sequential(norm_class(dim), nn.Linear(dim, len(text.ALPHABET)))
        nn.init.normal_(self.symbols.weight, std=0.5)

    def forward(self, tokens, causal=True):
        """(B, T) numbers of characters -> (B, T, 30) logits of the next character"""
        x = self.symbols(tokens) + self.places[: tokens.shape[1]]
        for block in self.blocks:
            x = block(x, causal=causal)
        return self.head(x)

# %% tags=["picture"]
def windows_of(numbers, count, length, draws):
    """`count` pieces of text (count, length), and what comes next at each step"""
    start = torch.randint(0, len(numbers) - length - 1, (count, 1), generator=draws)
    piece = numbers[start + torch.arange(length + 1)]
    return piece[:, :-1], piece[:, 1:]


def next_loss(model, x, y, causal):
    return F.cross_entropy(model(x, causal=causal).flatten(0, 1), y.flatten())


def teach(model, causal, steps, lr=1e-2):
    draws, losses = torch.Generator().manual_seed(4), []
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps, pct_start=0.1)
    for _ in range(steps):
        loss = next_loss(model, *windows_of(numbers, 16, model.length, draws), causal)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return losses

# %% tags=["picture"]
def write(model, prompt, count, causal=True):
    """draw `count` characters, one at a time, each from what the model says of the next"""
    draws, tokens = torch.Generator().manual_seed(1), text.encode(prompt)[None]
    with torch.no_grad():
        for _ in range(count):
            chances = model(tokens[:, -model.length :], causal=causal)[0, -1].softmax(-1)
            tokens = torch.cat([tokens, torch.multinomial(chances, 1, generator=draws)[None]], dim=1)
    return text.decode(tokens[0])

# %% [markdown]
r"""
Two of them are trained, equal in every number they start with. One with the mask, one with `causal=False` and fewer steps. (About half a
minute.) Which has the lower loss in the end? And which writes better?
"""

# %% tags=["picture"]
torch.manual_seed(3)
writer = Writer()
cheat = copy.deepcopy(writer)
falls = {"causal=True": teach(writer, True, 400), "causal=False": teach(cheat, False, 200)}
held_out = windows_of(fresh_numbers, 32, writer.length, torch.Generator().manual_seed(5))
with torch.no_grad():
    on_new = {"causal=True": float(next_loss(writer, *held_out, True)), "causal=False": float(next_loss(cheat, *held_out, False))}
plot.curves(
    falls, xlabel="step", ylabel="loss a character", log=True,
    alt="Training loss a character, logarithmic: " + "; ".join(f"{name} from {f[0]:.2f} to {f[-1]:.2g}, on new stories {on_new[name]:.2g}" for name, f in falls.items()),
)

# %% tags=["picture"]
print("with the mask:\n" + write(writer, "mia finds a ", 150))
print("\nwithout it, and with the lower loss:\n" + write(cheat, "mia finds a ", 150, causal=False))

# %% [markdown]
r"""
The second has learned to copy: at step t it looks at step t + 1, which *is* the answer. Its loss goes towards 0, on new stories too, so
no validation set would have warned you. When it writes, there is no step t + 1 to look at, and it has learned nothing else. Your `is_causal` says so
without any training at all.
"""

# %% tags=["picture"]
for name, causal in (("causal=True", True), ("causal=False", False)):
    stack = Over(writer.blocks, lambda blocks, x, causal=causal: blocks[1](blocks[0](x, causal=causal), causal=causal))
    print(f"the two blocks with {name}: {'causal' if judge(stack, 12, 48) else 'sees the future'}")

# %% [markdown]
r"""
## 9.11 Look inside

You made every part, so you can open every part. Three questions to a trained transformer: *which head attends where, what does a neuron
answer to, and what flows from block to block?* All are asked of one story that the model never saw.

**Which head attends where.** Two blocks of four heads are eight maps. For each, three numbers: how much weight goes, on average, to the step
itself, to the step before, and to the steps that came right *after* an earlier occurrence of the same character. The last is how one copies:
"what followed this the last time?" (People call it an *induction head*.)
"""

# %% tags=["picture"]
story = "ada finds a green kite. ada gives it to tom. now tom has the gre"
tokens = text.encode(story)[None]
unmasked = torch.ones(len(story), len(story), dtype=torch.bool).tril()
followers = (tokens[0][None, :-1] == tokens[0][:, None]).float()  # followers[t, s]: character s is character t's
followers = F.pad(followers, (1, 0)) * unmasked.tril(-1)
with torch.no_grad():
    streams = [writer.symbols(tokens) + writer.places[: len(story)]]
    for block in writer.blocks:
        streams.append(block(streams[-1], causal=True))
    maps = [head_maps(b.attention, b.ln1(x), 4, unmasked) for b, x in zip(writer.blocks, streams)]
habits = {}
for layer, one in enumerate(maps):
    for head, weights in enumerate(one):
        habits[f"block {layer + 1}, head {head}"] = [
            float(weights.diagonal().mean()), float(weights.diagonal(-1).mean()), float((weights * followers).sum(1).mean()),
        ]
print(f"{'':16} itself  before  after the same")
for name, shares in habits.items():
    print(f"{name:16}" + "".join(f"{share:8.0%}" for share in shares))

# %% tags=["picture"]
ask = story.index("tom has") - 1  # the blank after "now": who is it?
who = max(((layer, head) for layer in range(2) for head in range(4)), key=lambda at: float(maps[at[0]][at[1]][ask, story.index("tom.") : story.index("tom.") + 3].sum()))
row = maps[who[0]][who[1]][ask]
with plot.figure(
    f"Where block {who[0] + 1}, head {who[1]} looks at the blank after 'now', over the story '{story}': most weight on "
    + ", ".join(f"{story[int(s)]!r} at place {int(s)} ({float(row[s]):.0%})" for s in row.topk(3).indices), height=1.8,
) as ax:
    ax.bar(range(len(story)), row.numpy(), color=plot.PALETTE[0])
    ax.set_xticks(range(len(story)), list(story), fontsize=7)
    ax.set_ylabel("weight")
    ax.set_title(f"at the blank after 'now': block {who[0] + 1}, head {who[1]}", fontsize=9)

# %% [markdown]
r"""
**What a neuron answers to.** Each of the 192 numbers between the two linear layers of an `mlp` is a *neuron*: on for some steps, off for
others. To know one, collect the places of a long text where it is most on, and read what they have in common. Below, the three neurons of the
first block whose fifty strongest places agree most on the character they stand at.
"""

# %% tags=["picture"]
first = writer.blocks[0]
sample = windows_of(fresh_numbers, 64, writer.length, torch.Generator().manual_seed(6))[0]
with torch.no_grad():
    x = writer.symbols(sample) + writer.places
    x = x + first.attention(first.ln1(x), causal=True)
    weight, bias = list(first.mlp.parameters())[:2]
    active = F.gelu(F.linear(first.ln2(x), weight, bias)).flatten(0, 1)  # (64 · 64, 192)
strongest = active.topk(50, dim=0).indices
characters = sample.flatten()[strongest]
agree = torch.stack([(characters == c).float().mean(0) for c in range(len(text.ALPHABET))])
for neuron in agree.max(0).values.topk(3).indices.tolist():
    share, character = agree[:, neuron].max(0)
    print(f"neuron {neuron}: {float(share):.0%} of its fifty strongest places stand at {text.ALPHABET[int(character)]!r}")
    for place in strongest[:4, neuron].tolist():
        row, column = divmod(place, writer.length)
        print("    ..." + text.decode(sample[row, max(0, column - 14) : column + 1]).replace("\n", "/") + "|")

# %% [markdown]
r"""
**What flows along the residual stream.** Nothing on the way past multiplies: the last block reads x, plus what the first attention added, plus what the
first MLP added, and so on. Two ways to see it. How large is each addition beside what it is added to? And what would the model say if one stopped
there, and gave the stream to `head` as it is (the *logit lens*)?
"""

# %% tags=["picture"]
answer = tokens[0, 1:]
print(f"{'after':14} loss a character   the story's next characters as the head would guess them")
for depth, stream in enumerate(streams):
    with torch.no_grad():
        logits = writer.head(stream)[0, :-1]
    guess = text.decode(logits.argmax(-1)).replace("\n", "/")
    print(f"{['the table', 'block 1', 'block 2'][depth]:14} {float(F.cross_entropy(logits, answer)):16.2f}   {guess}")
print(f"{'the story':31}    {story[1:]}")
sizes_of = {}
with torch.no_grad():
    for at, (block, x) in enumerate(zip(writer.blocks, streams), 1):
        looked = block.attention(block.ln1(x), causal=True)
        sizes_of |= {f"stream into block {at}": x, f"attention {at} adds": looked, f"mlp {at} adds": block.mlp(block.ln2(x + looked))}
plot.bars(
    {name: float(part.norm(dim=-1).mean()) for name, part in sizes_of.items()}, xlabel="length of the vector, mean over the steps",
    alt="Mean length of the vectors in the residual stream and of what each part adds: " + ", ".join(f"{name} {float(p.norm(dim=-1).mean()):.1f}" for name, p in sizes_of.items()),
)

# %% [markdown]
r"""
Such pictures suggest; they do not prove. A head that *looks* at a name need not be the one that carries it. The proof is again an ablation: silence
it, and see what the model can no longer do. Set the columns of `proj` that belong to a head to 0, and look at the loss.
"""

# %% tags=["picture"]
costs = {}
with torch.no_grad():
    whole = float(next_loss(writer, *held_out, True))
    for layer in range(2):
        for head in range(4):
            silenced = copy.deepcopy(writer)
            silenced.blocks[layer].attention.proj.weight[:, 12 * head : 12 * head + 12] = 0
            costs[f"block {layer + 1}, head {head}"] = float(next_loss(silenced, *held_out, True)) - whole
plot.bars(
    costs, xlabel="what silencing this head adds to the loss a character",
    alt=f"Loss a character is {whole:.2f}; silencing a head adds: " + ", ".join(f"{name} {value:.2f}" for name, value in costs.items()),
)

# %% [markdown]
r"""
## 9.12 What one writes with modules

The famous architectures are these parts with other numbers. What differs is what goes in, what the mask allows, and what is asked of the output.

| model | tokens | mask | asked |
|---|---|---|---|
| **ResNet** (2015) | none: images | none | the class; residual blocks, and now and then a stride of 2 |
| **GPT-2** (2019) | pieces of words | causal | the next token |
| **BERT** (2018) | pieces of words | none | tokens that were hidden in the input; its norms stand after the sums |
| **ViT** (2020) | patches of 16 × 16 pixels, and one asker, "CLS" | none | the class, read off the asker: your `DigitFinder` |

That is a claim, so count. On the device *meta*, tensors have shapes and no memory: the real sizes, built from your blocks.
"""

# %% tags=["picture"]
def count(*modules):
    return sum(p.numel() for module in modules for p in (module.parameters() if isinstance(module, nn.Module) else [module]))


with torch.device("meta"):
    stack = [block_class(768, 12) for _ in range(12)]
    gpt2 = count(*stack, nn.Embedding(50257, 768), nn.Embedding(1024, 768), norm_class(768))  # logits by the same table
    bert = count(*stack, nn.Embedding(30522, 768), nn.Embedding(512, 768), nn.Embedding(2, 768), norm_class(768), nn.Linear(768, 768))
    vit = count(*stack, nn.Conv2d(3, 768, 16, stride=16), torch.zeros(768), torch.zeros(197, 768), norm_class(768), nn.Linear(768, 1000))
for name, ours, published in (("GPT-2 small", gpt2, 124_439_808), ("BERT base", bert, 109_482_240), ("ViT-B/16", vit, 86_567_656)):
    print(f"{name:12} {ours:12,} numbers from twelve such blocks, {published:,} in the published model")

# %% [markdown]
r"""
And ResNet-18, as torchvision has it. Its first stage is two of your `ResidualBlock(64)`, under the very same names: its `state_dict` loads into yours.
"""

# %% tags=["picture"]
from layer_by_layer import torchvision_cure

torchvision = torchvision_cure.load()  # an import, made to work where its wheel and torch's do not fit together
torch.manual_seed(1)
stage = torchvision.models.resnet18().layer1.eval()
own_stage = nn.Sequential(residual_class(64), residual_class(64)).eval()
print(own_stage.load_state_dict(stage.state_dict()))
image = torch.randn(2, 64, 14, 14)
with torch.no_grad():
    print(f"largest difference of the two: {float((own_stage(image) - stage(image)).abs().max()):.1g}")

# %% [markdown]
r"""
## Two questions

These are read by a person. A few honest sentences are worth more than a page.
"""

# %% [markdown]
r"""
### Question A
Derive why the scores are divided by $\sqrt d$ and not by $d$ or by nothing: the variance of a score, with each assumption
named, and what follows for the weights and for the gradient of softmax. Then: after training, queries and keys are no longer
independent. What does a large score mean then, and is the division still right?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_scale", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
r"""
**Model answer.** Let the entries of q and k be independent of each other, with mean 0 and variance 1. Then $q_i k_i$ has mean 0 and
variance $\mathbb E[q_i^2]\,\mathbb E[k_i^2] = 1$, different i are uncorrelated, and the sum of d of them has variance d: scores of
size $\sqrt d$. Dividing by $\sqrt d$ gives variance 1 at any width. Without it, softmax of numbers $\sqrt d$ apart is nearly one-hot, and
its derivative $w_i(\delta_{ij} - w_j)$ vanishes where every w is 0 or 1: at the start, nothing is learned about where to look.
Dividing by d gives scores of size $1/\sqrt d$: all weights are nearly equal, and each answer is the mean. After training a large
score means that query and key *match*, then it may grow like d, and sharp weights are wanted. The division is a choice of
the starting point, the same for every width; the matrices that make q and k can learn any factor on top.

**Rubric.** 1 point: the variance d with independence and zero mean named. 1 point: one-hot weights and a vanishing
gradient, and too flat weights for d. 1 point: after training correlation is the purpose; the scale is about the start, and the
weights can undo it.
"""

# %% [markdown]
r"""
### Question B
A colleague tests a language model for causality: "I replace the last input by zeros, and the output at step 0 does not change.
Also, the training loss is low." Name two leaks that this test would let pass, and change the test so that it finds them.
Can a test like yours *prove* that a model is causal? What would you add if a great deal depended on it?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_test", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
r"""
**Model answer.** It changes one input and looks at one output: it finds only a path from the last step to the first. A mask that is off by
one (step t sees t + 1) passes, and so does anything from a middle step. Zeros may be what the step held already, or what a norm or a
product makes of it anyway. And nothing says that the model was in evaluation mode: dropout hides or invents changes. Better:
in evaluation mode, for every s draw input s anew, and compare *all* features of *all* outputs before s. A low training
loss is no comfort; a leak is the quickest way to a low loss. A test looks at some inputs: a leak that opens for rare inputs, or at another
length, or below the tolerance, passes. It refutes and does not prove. If much depended on it: many inputs and lengths,
gradients as well as differences, the largest leak reported as a number; and a generation step by step, which cannot
look ahead because the future does not exist yet, compared with the parallel pass.

**Rubric.** 1 point: two leaks that pass, with reasons. 1 point: a repaired test, all pairs, evaluation mode, a random change.
1 point: a test refutes and does not prove, with one sound addition.
"""

# %% [markdown]
r"""
## Summary

| you wrote | what is now hidden behind the name | the idea |
|---|---|---|
| `conv2d` | `F.conv2d`, `nn.Conv2d` | one small window of weights for every place |
| `SimpleAttention` | `F.scaled_dot_product_attention` | a dictionary with soft keys; √d keeps softmax awake |
| `MultiHeadAttention` | `nn.MultiheadAttention` | several small attentions at once; a head is one more leading axis |
| `LayerNorm` | `nn.LayerNorm` | each vector by itself: no batch, no memory |
| `ResidualBlock` | the blocks of `torchvision.models.resnet18` | add a change instead of replacing |
| `GatedResidualBlock` | LSTM gates, gated linear units | the input decides how much of the change passes |
| `TransformerBlock` | `nn.TransformerEncoderLayer(norm_first=True, …)` | exchange, then think; both added |
| `is_causal` | nothing: tests are yours to write | change an input, look at what must not move |

Eight parts, and not a line of PyTorch was changed. What runs inside `F.scaled_dot_product_attention` computes the same, and where a
fused kernel fits it never holds the L × S matrix; you write its algorithm in chapter 11.
"""

# %% [markdown]
r"""
**What still hurts?** All of this ran in float32: four bytes for every weight, and multiplications that a small device pays for
in time and heat. Does a weight need four bytes? Rounding it to one is easy. What rounding does to a gradient is not:
the derivative of a staircase is 0. Chapter 10 finds a way around that.
"""

# %% [markdown]
r"""
## Where to go next

- *Next chapter:* `10_quantization`: train for the arithmetic that you will deploy on.
- *In the library:* `torch/nn/modules/activation.py` holds `MultiheadAttention`, and `multi_head_attention_forward` in
  `torch/nn/functional.py` is your 9.3 with every special case. In the docstring of `scaled_dot_product_attention` stands a dozen lines of
  Python that are your 9.2. `torch/nn/modules/normalization.py` is 9.4, `torch/nn/modules/transformer.py` is 9.7; look for
  `norm_first`. `torchvision/models/resnet.py`, class `BasicBlock`, is 9.5.
- *In models you have heard of:* GPT-2's block is 9.7, BERT's is 9.7 with the norms behind the sums, and ViT is 9.9.
- *Further:* Vaswani and others, *Attention is all you need* (2017); He and others, *Deep residual learning for image recognition*
  (2015); Dosovitskiy and others, *An image is worth 16x16 words* (2020); Elhage and others, *A mathematical framework for transformer
  circuits* (2021), on heads and the residual stream; Ba, Kiros and Hinton, *Layer normalization* (2016); Rush, *The Annotated Transformer*; Xiong and others, *On layer
  normalization in the transformer architecture* (2020), on pre-norm.
- *Try:* take `place` out of the `DigitFinder` and train again. Does it need to know where a patch is? Then shuffle the 49 patches
  of every image in the same way, with and without `local`.
"""
