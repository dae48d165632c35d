# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
r"""
# 3 · No more hand-written gradients

In chapter 1 you derived every gradient on paper. In chapter 2 you carried the same formulas over to
tensors. They were right, and they hurt: one more layer meant one more derivation, and a formula that is
wrong in one place gives numbers that look like any others.

By the end of this notebook you write only the way **forward**. The way back comes from a graph that PyTorch
draws while your code runs, and you will know that graph well enough to walk it yourself.
"""

# %% [markdown]
r"""
The network is still the one of chapter 1, and so is the chain:

$$x \;\xrightarrow{\;w_1\;}\; h \;\xrightarrow{\;\mathrm{ReLU}\;}\; a \;\xrightarrow{\;w_2\;}\; \hat y
\;\xrightarrow{\;y\;}\; L$$

| you used to write | now |
|---|---|
| `grad_y_pred = 2 * (y_pred - y)` and four lines more, in reverse | `loss.backward()` |
| a function that returns the gradients in the right order | each weight has its own `.grad` |
| "keep `h`, the way back will need it" | every step of the graph keeps what it needs |

Run the next two cells: the second draws what PyTorch noted down while it computed that loss.
"""

# %% tags=["setup"] nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import warnings

import numpy as np
import torch
from torch import nn

from layer_by_layer import judges, parts
from layer_by_layer.instruments import backward, limit, stand_in
from lessonkit import check, plot
from lessonkit.hints import hint

# %% tags=["picture"]
rows = torch.randn(64, 1000, generator=torch.Generator().manual_seed(0))
first = torch.zeros(1000, 100, requires_grad=True)
second = torch.zeros(100, 10, requires_grad=True)
loss = (torch.relu(rows @ first) @ second - 1).pow(2).sum()
backward.graph(loss, w1=first, w2=second)

# %% [markdown]
r"""
**Read it from left to right: it is the way back.** The loss is a sum of squares of a difference, so *Sum*,
*Pow* and *Sub* come first. *Mm* is the second matrix product; it sends one gradient to `w2` and another one
through the *Relu* to the first product, and so to `w1`. You have written every one of these boxes by hand.

There is no box for the data (`rows` in the code) and none for the target (here simply 1): nobody asked for
their gradients, so nothing is computed for them.

*Needs: chapters 1 and 2, and a little patience with the word "graph". Eight exercises, about three hours: two
for the exercises, one for reading.*
"""

# %% [markdown]
r"""
**What you bring along.** Four questions on the first two chapters. Type your answers, then run; they carry no
points and nobody keeps them.

1. `h = x @ w1` for one example x = [1, 2]. The gradient of h is [10, 0, 5]. What is the gradient of `w1`?
2. A bias is added to 64 rows. Its gradient is which operation on the 64 rows of gradients?
3. `y = x.T`; then `y[0, 1] = 7`. Does `x` change?
4. `a` and `b` are equal float32 weights. `a = a - 1` and `b -= 1`: which of the two names has new memory?
"""

# %%
yours = ["?", "?", "?", "?"]  # your four answers; then run
x, a, b = torch.zeros(2, 2), torch.ones(2), torch.ones(2)
was, y = (a.data_ptr(), b.data_ptr()), x.T
y[0, 1] = 7.0
a = a - 1
b -= 1
found = [
    (torch.tensor([[1.0, 2.0]]).T @ torch.tensor([[10.0, 0.0, 5.0]])).tolist(),
    "the sum: " + str(torch.ones(64, 3).sum(dim=0).tolist()) + " for rows of ones",
    x.tolist(),
    [name for name, old, new in zip("ab", was, (a.data_ptr(), b.data_ptr()), strict=True) if old != new],
]
for number, (said, worked_out) in enumerate(zip(yours, found, strict=True), 1):
    print(f"{number}. you said {said}; it is {worked_out}")

# %% [markdown]
r"""
## 3.1 A graph of functions, walked backwards

Three words, and most of the rest follows.

- A **leaf** is a tensor that you made, not one that was computed: a weight. `requires_grad=True` on it
  says *I will want the gradient of this*.
- Everything computed from it carries a **`grad_fn`**: the function that knows the way back through the
  one operation that made it. It points at the functions before it, and so on down to the leaves.
- `backward()` starts at the end with the gradient 1 and walks. At a leaf it arrives and stays, in
  **`.grad`**.
"""

# %% [markdown]
r"""
**By hand first.** Take $a = 2$, $b = 3$ and $L = (ab + a)^2$. In the middle stands $s = ab + a = 8$, so

$$\frac{\partial L}{\partial s} = 2s = 16,\qquad
\frac{\partial L}{\partial b} = 16\cdot a = 32,\qquad
\frac{\partial L}{\partial a} = 16\cdot b + 16\cdot 1 = 64.$$

$a$ is used twice, so two gradients arrive at it, 48 and 16, and they **add up**. Keep that sum in mind.
Now the same with PyTorch.
"""

# %% tags=["picture"]
a = torch.tensor(2.0, requires_grad=True)
b = torch.tensor(3.0, requires_grad=True)
expression = (a * b + a) ** 2
print("leaves:", a.is_leaf, b.is_leaf, "  the result:", expression.is_leaf, expression.grad_fn)
expression.backward()
print("a.grad =", a.grad.item(), "  b.grad =", b.grad.item())

# %% [markdown]
r"""
**Step through it.** `backward.record` runs such a pass and writes down what happens at every node: which
gradient arrives, which tensors the node had kept from the way forward, and what `.grad` is afterwards. The
number in front of a name is its turn, the number below it the gradient that arrived.

*Mul* multiplies what arrives by the *other* factor, so it had to keep both. *Add* hands on what it gets and
kept nothing. And the box of `a` waits until both of its gradients have come.
"""

# %% tags=["picture"]
a = torch.tensor(2.0, requires_grad=True)
b = torch.tensor(3.0, requires_grad=True)
expression = (a * b + a) ** 2  # yours to change: try torch.exp(a * b) / 100, or a * a * a
steps = backward.record(expression, a=a, b=b)
steps.draw()

# %% [markdown]
r"""
Below, the same with a slider: click it and use the arrow keys. Before each step, say which box is next and
what will arrive. (Where sliders do not work, in a printed copy say, the picture above has all the steps.)
"""

# %% tags=["picture"]
steps.slider()

# %% [markdown]
r"""
**And in between?** Ask a tensor in the middle for its gradient, and the answer is `None`, with a warning: the
gradient passed through its node and went on. Only leaves keep theirs. That saves memory: a deep network has far
more intermediate values than weights. Where you want to look at one, say so *before* the backward pass, with
`retain_grad()`.
"""

# %%
a, b = torch.tensor(2.0, requires_grad=True), torch.tensor(3.0, requires_grad=True)
for keep in (False, True):
    s = a * b + a
    if keep:
        s.retain_grad()
    (s**2).backward()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        print("s.grad:", s.grad, "  warned:", str(said[0].message)[:76] + " …" if said else "no")

# %% [markdown]
r"""
## 3.2 Why gradients add up, and must be cleared

Two paths to one leaf add their gradients. `backward()` does not care whether the two paths belong to one
call or to two: what arrives is **added** to whatever `.grad` holds already. So a second call gives twice
the gradient, a third one three times, and nothing warns you.

Sometimes that is just what you want (a batch too large for the memory, in four parts). In a training loop
it is a mistake: there every step asks for the gradient at one new point.
"""

# %% tags=["picture"]
slope = torch.tensor(3.0, requires_grad=True)
held = {}
for call in ("first", "second", "third"):
    (slope**2).backward()
    held[f"after the {call} call"] = slope.grad.item()
plot.bars(
    held,
    xlabel="slope.grad; the gradient of slope² at 3 is 6",
    alt="What .grad holds after three calls of backward() without clearing: 6, then 12, then 18",
)

# %% [markdown]
r"""
**Clearing** is setting `.grad` to `None`, or filling it with zeros. Either is fine.

**Updating** needs one more thing. `w -= lr * w.grad` is a computation with a leaf that requires grad, and
autograd would like to note it down as well: it refuses, with an error, because a leaf cannot have a
history. Under `with torch.no_grad():` nothing is noted down, and you may write into a weight *in place*.

In place means: the same tensor, the same memory, new numbers. `w = w - lr * w.grad` makes another tensor
instead, and the one your caller holds never learns anything.
"""

# %% [markdown]
r"""
### Exercise 3.2 · `autograd_train`
*difficulty 1 of 3 · 12 minutes · about 7 lines*

Write `autograd_train(x, y, w1, w2, lr, steps)` → the list of `steps` losses, Python floats, each taken
*before* its update. `x` (N, D) and `y` (N, C) are data; `w1` (D, H) and `w2` (H, C) are leaves that
require grad. The network is `relu(x @ w1) @ w2`, the loss is the *sum* of squared differences, each step
is plain gradient descent with both gradients taken at the same point.

Both weights are updated **in place**, in the memory they have. What `.grad` held when you were called does
not count. Afterwards both are still leaves that require grad, and their `.grad` is `None` or zero.
"""


# %% nbgrader={"grade": false, "grade_id": "autograd_train", "locked": false, "schema_version": 3, "solution": true, "task": false}
def autograd_train(x, y, w1, w2, lr, steps):
    """(N, D), (N, C), leaves (D, H) and (H, C), updated in place -> list of `steps` floats"""
    losses = []
    w1.grad = w2.grad = None  # whatever somebody left there is not our gradient
    for _ in range(steps):
        # about 7 lines:
        # 1. the loss, as the sentence above says it, and its value into `losses` (.item() makes a float)
        # 2. loss.backward() fills w1.grad and w2.grad
        # 3. inside `with torch.no_grad():` each weight moves in place (-=), and its .grad is None again
        ### BEGIN SOLUTION
        loss = (torch.relu(x @ w1) @ w2 - y).pow(2).sum()
        losses.append(loss.item())  # a float; keeping the tensor would keep its whole graph
        loss.backward()
        with torch.no_grad():  # the update is no part of the function we differentiate
            for w in (w1, w2):
                w -= lr * w.grad
                w.grad = None  # backward() adds, so every step starts from nothing
        ### END SOLUTION
    return losses


# %%
hint("autograd_train")


# %% nbgrader={"grade": true, "grade_id": "autograd_train__losses", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("autograd_train__losses")
def _():
    x, y = torch.tensor([[1.0, -2.0], [2.0, 1.0]]), torch.tensor([[1.0], [0.0]])
    w1, w2 = torch.tensor([[1.0, -1.0, 0.5], [1.0, 1.0, -0.5]]), torch.tensor([[1.0], [2.0], [-1.0]])

    def losses(steps):
        one, two = w1.clone().requires_grad_(), w2.clone().requires_grad_()
        with torch.enable_grad():
            return autograd_train(x, y, one, two, 0.01, steps)

    check.close("one step gives one loss", lambda: [float(loss) for loss in losses(1)], expected=[12.5])
    check.equal(
        "three steps give three, each a Python float",
        lambda: [isinstance(loss, float) for loss in losses(3)],
        expected=[True, True, True],
    )
    check.close(
        "the loss before each of three updates: 12.5 with the weights as they come, and then downhill",
        lambda: losses(3),
        expected=[12.5, 7.42578125, 5.16949936],
        rtol=1e-4,
        advice="the first loss has no update in it; the third shows whether the second gradient was fresh",
    )
    ### BEGIN HIDDEN TESTS
    x, y, w1, w2 = (
        check.tensor(i, *shape, dtype="float64")
        for i, shape in ((11, (7, 4)), (12, (7, 3)), (13, (4, 5)), (14, (5, 3)))
    )

    def many(steps):
        one, two = w1.clone().requires_grad_(), w2.clone().requires_grad_()
        with torch.enable_grad():
            return autograd_train(x, y, one, two, 0.001, steps)

    def expected(steps):
        one, two, found = w1.numpy(), w2.numpy(), []
        for _ in range(steps):
            loss, grad_one, grad_two = parts.loss_and_grads(x.numpy(), y.numpy(), one, two)
            one, two = one - 0.001 * grad_one, two - 0.001 * grad_two
            found.append(loss)
        return found

    check.close("fifteen losses of another network", lambda: many(15), expected=lambda: expected(15))
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "autograd_train__in_place", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("autograd_train__in_place")
def _():
    x, y = torch.tensor([[1.0, -2.0], [2.0, 1.0]]), torch.tensor([[1.0], [0.0]])
    w1, w2 = torch.tensor([[1.0, -1.0, 0.5], [1.0, 1.0, -0.5]]), torch.tensor([[1.0], [2.0], [-1.0]])

    def memory_after(w1, w2, x, y, lr, steps):
        one, two = w1.clone().requires_grad_(), w2.clone().requires_grad_()
        memory = [one.detach(), two.detach()]  # the same storage, watched from outside
        with torch.enable_grad():
            losses = [float(loss) for loss in autograd_train(x, y, one, two, lr, steps)]
        return memory, [one.detach(), two.detach()], losses

    after = [
        torch.tensor([[0.84475, -1.0, 0.5701875], [0.922375, 1.0, -0.236]]),
        torch.tensor([[0.760625], [2.0], [-0.9196875]]),
    ]
    check.close(
        "after two steps: what the memory of both weights holds, what the weights hold, and the losses",
        lambda: memory_after(w1, w2, x, y, 0.01, 2),
        expected=(after, after, [12.5, 7.42578125]),
        advice="print(w1.data_ptr()) before and after: is it still the same memory?",
    )
    ### BEGIN HIDDEN TESTS
    more = [
        check.tensor(i, *shape, dtype="float64", strided=True)
        for i, shape in ((21, (4, 5)), (22, (5, 2)), (23, (6, 4)), (24, (6, 2)))
    ]

    def expected(steps):
        one, two = more[0].numpy(), more[1].numpy()
        for _ in range(steps):
            _, grad_one, grad_two = parts.loss_and_grads(more[2].numpy(), more[3].numpy(), one, two)
            one, two = one - 0.002 * grad_one, two - 0.002 * grad_two
        return [torch.from_numpy(one), torch.from_numpy(two)]

    check.close(
        "and after ten steps of another network",
        lambda: memory_after(*more, 0.002, 10)[0],
        expected=lambda: expected(10),
    )
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "autograd_train__care", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("autograd_train__care")
def _():
    x, y, w1, w2 = [check.tensor(31 + i, *shape) for i, shape in enumerate(((4, 3), (4, 2), (3, 5), (5, 2)))]

    def train(steps, stale=None, calls=1, y=y):
        one, two = w1.clone().requires_grad_(), w2.clone().requires_grad_()
        if stale is not None:
            one.grad, two.grad = torch.full_like(w1, stale), torch.full_like(w2, stale)
        with torch.enable_grad():
            losses = [autograd_train(x, y, one, two, 0.001, steps) for _ in range(calls)]
            mode = torch.is_grad_enabled()
        return one, two, [float(loss) for part in losses for loss in part], mode

    def state(steps):
        one, two, _, mode = train(steps)
        left = [0.0 if w.grad is None else float(w.grad.abs().sum()) for w in (one, two)]
        return [[w.is_leaf, w.requires_grad] for w in (one, two)], left, mode

    check.close(
        "afterwards: leaves, requiring grad, nothing left in .grad, and autograd still on",
        lambda: state(3),
        expected=([[True, True], [True, True]], [0.0, 0.0], True),
        advice="print(w1.is_leaf, w1.requires_grad, w1.grad) at the end of your function",
    )
    def alike(one, other):
        return [bool(torch.allclose(a.detach(), b.detach(), rtol=1e-4, atol=1e-6)) for a, b in zip(one[:2], other[:2])]

    check.equal(
        "what .grad held before the call does not count: the weights end where they end without it",
        lambda: alike(train(3, stale=100.0), train(3)),
        expected=[True, True],
    )
    check.unchanged("the data are left alone", lambda: train(2), x, y)
    check.close(
        "no steps: no losses, and the weights stay",
        lambda: [train(0)[2], train(0)[0].detach()],
        expected=[[], w1],
    )
    check.equal(
        "no steps, and old gradients at the start: nothing is left in .grad either",
        lambda: [w.grad is None or not bool(w.grad.any()) for w in train(0, stale=100.0)[:2]],
        expected=[True, True],
        advice="where do you clear: only inside the loop?",
    )
    perfect = (x @ w1).relu() @ w2
    check.equal("as many losses where nothing is left to learn", lambda: len(train(5, y=perfect)[2]), expected=5)
    ### BEGIN HIDDEN TESTS
    check.close(
        "two calls of two steps are four steps", lambda: train(2, calls=2)[2], expected=lambda: train(4)[2], rtol=1e-4
    )
    one_x, one_y = check.tensor(35, 1, 3, dtype="float64"), check.tensor(36, 1, 2, dtype="float64")

    def batch_of_one():
        one, two = w1.double().requires_grad_(), w2.double().requires_grad_()
        with torch.enable_grad():
            losses = autograd_train(one_x, one_y, one, two, 0.01, 2)
        return one.detach(), two.detach(), [float(loss) for loss in losses]

    def by_hand():
        one, two, losses = w1.double().numpy(), w2.double().numpy(), []
        for _ in range(2):
            loss, grad_one, grad_two = parts.loss_and_grads(one_x.numpy(), one_y.numpy(), one, two)
            one, two = one - 0.01 * grad_one, two - 0.01 * grad_two
            losses.append(loss)
        return torch.from_numpy(one), torch.from_numpy(two), losses

    check.close("a batch of one, in float64", batch_of_one, expected=lambda: by_hand())
    ### END HIDDEN TESTS


# %% [markdown]
r"""
**Three curves from one start.** Your training, the hand-written gradients of chapter 1 in NumPy, and a loop that
forgets to clear. The first two follow the same formulas, so they agree up to rounding; the cell prints how far.
With the same learning rate the third is even faster for a few steps. Then it falls behind, and in the end it
swings.
"""

# %% tags=["picture"]
train = stand_in.yours_or_ours(
    "autograd_train",
    parts.autograd_train,
    lambda f: f(*torch.ones(2, 2, 2), *(w.requires_grad_() for w in torch.full((2, 2, 2), 0.5)), 0.01, 3),
)
source = torch.Generator().manual_seed(0)
data_x, data_y = (torch.randn(64, width, generator=source) for width in (1000, 10))
start = [torch.randn(shape, generator=source) for shape in ((1000, 100), (100, 10))]
curve = train(data_x, data_y, *[w.clone().requires_grad_() for w in start], 1e-6, 120)

by_hand, (xn, yn, v1, v2) = [], [t.numpy() for t in (data_x, data_y, *start)]
for _ in range(120):
    h = xn @ v1
    error = np.maximum(h, 0) @ v2 - yn
    by_hand.append(float((error**2).sum()))
    grad_v1, grad_v2 = xn.T @ (2 * error @ v2.T * (h > 0)), np.maximum(h, 0).T @ (2 * error)
    v1, v2 = v1 - np.float32(1e-6) * grad_v1, v2 - np.float32(1e-6) * grad_v2

# %% tags=["picture"]
forgot, (w1, w2) = [], [w.clone().requires_grad_() for w in start]
for _ in range(120):
    value = (torch.relu(data_x @ w1) @ w2 - data_y).pow(2).sum()
    value.backward()  # adds to the gradients of all the steps before
    forgot.append(value.item())
    with torch.no_grad():
        w1 -= 1e-6 * w1.grad
        w2 -= 1e-6 * w2.grad
gap = max(abs(one - other) / other for one, other in zip(curve, by_hand, strict=True))
equal = sum(one == other for one, other in zip(curve, by_hand, strict=True))
print(f"autograd and NumPy differ by at most {gap:.1e} of the loss; {equal} of 120 losses are equal to the last bit")
plot.curves(
    {f"{stand_in.whose('autograd_train')} training": curve, "NumPy, by hand": by_hand, "never cleared": forgot},
    log=True,
    ylabel="sum of squared errors",
    alt=f"The losses of autograd go from {curve[0]:.3g} to {curve[-1]:.3g}, those of NumPy differ by at most "
    f"{gap:.1e}; without clearing the loss swings up to {max(forgot[20:]):.3g} and ends at {forgot[-1]:.3g}",
)

# %% [markdown]
r"""
## 3.3 Any number of parameters

Two weights need two lines. From here on weights come in a **module** (`torch.nn.Module`): an object that
holds some weights and is called like a function. You need five things of it now; chapter 5 builds modules, and
chapter 7 opens one.

| written | what it is |
|---|---|
| `nn.Linear(3, 2)` | a layer: `weight` (2, 3) and `bias` (2,); called with x it gives x @ weight.T + bias |
| `nn.Sequential(a, b)` | modules in a row: b(a(x)) |
| `model.parameters()` | its weights, those of the modules inside included; each a leaf that requires grad |
| `model.named_parameters()` | the same with names, such as `"0.weight"` |
| `model.train()`, `model.eval()` | its *mode*: some layers, such as `nn.BatchNorm1d` and dropout, compute something else while training |
"""

# %%
tiny = nn.Sequential(nn.Linear(3, 2), nn.Tanh(), nn.Linear(2, 1))
for name, p in tiny.named_parameters():
    print(f"{name:9} {tuple(p.shape)!s:7} requires grad: {p.requires_grad}, a leaf: {p.is_leaf}")
print("called:", tuple(tiny(torch.ones(5, 3)).shape), "  in training mode:", tiny.training)

# %% [markdown]
r"""
`model.parameters()` is a **generator**: it can be walked through once, and then it is empty. And not each
parameter has a gradient: one that the loss never used has `.grad` set to `None`, and its update is to be left
alone.

Update, then clear, for every parameter: this is the whole core of an optimizer, and chapter 6 grows all the
others out of it.
"""

# %% [markdown]
r"""
### Exercise 3.3 · `sgd_update`
*difficulty 1 of 3 · 10 minutes · about 5 lines*

Write `sgd_update(params, lr)`: for each tensor `p` of the iterable `params` that has a grad, `p ← p − lr
· p.grad` **in place**; then every grad is cleared, `None` or zero. `params` may be a list or a generator.
Tensors whose `.grad` is `None` keep their values. All of them stay leaves that require grad. Nothing is
returned.
"""


# %% nbgrader={"grade": false, "grade_id": "sgd_update", "locked": false, "schema_version": 3, "solution": true, "task": false}
def sgd_update(params, lr):
    """leaves with or without .grad, a learning rate -> None; updates and clears in place"""
    # about 5 lines: as step 3 above, for any number of leaves; those whose .grad is None are passed over
    ### BEGIN SOLUTION
    with torch.no_grad():
        for p in params:  # one pass: a generator has no second one
            if p.grad is not None:
                p -= lr * p.grad
                p.grad = None
    ### END SOLUTION


# %%
hint("sgd_update")


# %% nbgrader={"grade": true, "grade_id": "sgd_update__values", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("sgd_update__values")
def _():
    def after(values, grads, lr, iterable=list):
        params = [value.clone().requires_grad_() for value in values]
        memory = [p.detach() for p in params]  # the same storage, watched from outside
        for p, grad in zip(params, grads, strict=True):
            p.grad = None if grad is None else grad.clone()
        with torch.enable_grad():
            sgd_update(iterable(params), lr)
        left = [0.0 if p.grad is None else float(p.grad.abs().sum()) for p in params]
        return memory, [p.detach() for p in params], left

    values, grads = (
        [torch.tensor([1.0, 2.0, 3.0]), torch.tensor([[5.0]])],
        [torch.tensor([10.0, -20.0, 0.0]), torch.tensor([[30.0]])],
    )
    moved = [torch.tensor([0.0, 4.0, 3.0]), torch.tensor([[2.0]])]
    check.close(
        "p - 0.1 · grad: in the memory p had, in p itself, and nothing left in .grad",
        lambda: after(values, grads, 0.1),
        expected=(moved, moved, [0.0, 0.0]),
        advice="downhill is minus; and a new tensor under the name p is not the tensor in the list",
    )
    check.close(
        "a tensor without grad keeps its values, and the ones after it still move",
        lambda: after([values[0], values[1], values[0]], [grads[0], None, grads[0]], 0.1)[0],
        expected=[torch.tensor([0.0, 4.0, 3.0]), torch.tensor([[5.0]]), torch.tensor([0.0, 4.0, 3.0])],
    )
    ### BEGIN HIDDEN TESTS
    more = [
        check.tensor(41, 3, 4, dtype="float64", strided=True),
        check.tensor(42, dtype="float64"),
        check.tensor(43, 1, 2, 3, dtype="float64"),
    ]
    slopes = [check.tensor(44, 3, 4, dtype="float64"), check.tensor(45, dtype="float64"), None]
    check.close(
        "other shapes, float64, from a generator",
        lambda: after(more, slopes, 0.37, iterable=lambda params: (p for p in params))[0],
        expected=lambda: [more[0] - 0.37 * slopes[0], more[1] - 0.37 * slopes[1], more[2]],
    )
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "sgd_update__cleared", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("sgd_update__cleared")
def _():
    def state(iterable):
        params = [check.tensor(i, 2, 3, requires_grad=True) for i in (51, 52, 53)]
        params[0].grad, params[2].grad = torch.ones(2, 3), torch.full((2, 3), -4.0)
        with torch.enable_grad():
            sgd_update(iterable(params), 0.1)
            mode = torch.is_grad_enabled()
        return [[p.is_leaf, p.requires_grad, p.grad is None or not bool(p.grad.any())] for p in params] + [
            mode
        ]

    good = [[True, True, True]] * 3 + [True]
    check.equal(
        "afterwards: leaves, requiring grad, every grad None or zero, and autograd still on",
        lambda: state(list),
        expected=good,
        advice="print([(p.is_leaf, p.requires_grad, p.grad) for p in params]) after a call",
    )
    check.equal(
        "the same where the parameters come from a generator",
        lambda: state(lambda params: (p for p in params)),
        expected=good,
        advice="how often can you loop over a generator?",
    )
    def where_nothing_is_tracked():
        p = check.tensor(54, 3, requires_grad=True)
        p.grad = torch.ones(3)
        with torch.no_grad():
            sgd_update([p], 0.1)
            return torch.is_grad_enabled()

    check.equal("an update where autograd is off leaves it off", where_nothing_is_tracked, expected=False)


# %% nbgrader={"grade": true, "grade_id": "sgd_update__training", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("sgd_update__training")
def _():
    def descend(steps):
        p = torch.tensor([4.0, -8.0], requires_grad=True)
        found = []
        for _ in range(steps):
            with torch.enable_grad():
                (p**2).sum().backward()
                sgd_update([p], 0.25)
            found.append(p.detach().clone())
        return found

    check.close(
        "down p² with lr = 0.25: every step halves p",
        lambda: descend(3),
        expected=[torch.tensor([2.0, -4.0]), torch.tensor([1.0, -2.0]), torch.tensor([0.5, -1.0])],
    )

    ### BEGIN HIDDEN TESTS
    def layers(steps):
        model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()
        with torch.no_grad():
            for i, p in enumerate(model.parameters()):
                p.copy_(check.tensor(60 + i, *p.shape, dtype="float64"))
        x = check.tensor(66, 5, 3, dtype="float64")
        for _ in range(steps):
            with torch.enable_grad():
                model(x).pow(2).mean().backward()
                sgd_update(model.parameters(), 0.05)
        return [p.detach() for p in model.parameters()]

    def expected(steps):
        ws = [
            check.tensor(60 + i, *shape, dtype="float64", requires_grad=True)
            for i, shape in enumerate(((4, 3), (4,), (2, 4), (2,)))
        ]
        x = check.tensor(66, 5, 3, dtype="float64")
        for _ in range(steps):
            out = (torch.tanh(x @ ws[0].T + ws[1]) @ ws[2].T + ws[3]).pow(2).mean()
            ws = [
                (w - 0.05 * g).detach().requires_grad_()
                for w, g in zip(ws, torch.autograd.grad(out, ws), strict=True)
            ]
        return [w.detach() for w in ws]

    check.close("a model of two layers, four updates", lambda: layers(4), expected=lambda: expected(4))
    ### END HIDDEN TESTS


# %% [markdown]
r"""
**Your descent on a map.** The loss is $u^2 + 8v^2$, a valley that is much steeper across than along. Each
dot is one call of `sgd_update`. Change `lr` to 0.115 and look at the zigzag; at 0.13 it leaves the
map.
"""

# %% tags=["picture"]
place, path = torch.tensor([-4.0, 1.5], requires_grad=True), []
def moved(update):
    p = torch.tensor([2.0], requires_grad=True)
    p.grad = torch.tensor([1.0])
    update([p], 0.5)
    return p.detach(), p.grad is None or not bool(p.grad.any())


update = stand_in.yours_or_ours("sgd_update", parts.sgd_update, moved)
for _ in range(25):
    path.append(place.detach().tolist())
    (place[0] ** 2 + 8 * place[1] ** 2).backward()
    update([place], lr=0.06)
u, v = torch.meshgrid(torch.linspace(-5, 5, 80), torch.linspace(-2, 2, 60), indexing="xy")
end = "({:.2f}, {:.2f})".format(*path[-1])
with plot.figure(
    f"The path over the contour lines of u² + 8v², in {len(path)} dots from (-4, 1.5) to {end}"
) as axes:
    axes.contour(
        u.numpy(),
        v.numpy(),
        (u**2 + 8 * v**2).numpy(), levels=[1, 2, 4, 8, 16, 32], colors="#999999", linewidths=0.8,
    )
    axes.plot([p[0] for p in path], [p[1] for p in path], marker="o", markersize=4)
    axes.set_xlabel("u")
    axes.set_ylabel("v")

# %% [markdown]
r"""
## 3.4 Cutting the graph: `detach`

Sometimes a value is to be used and its history not. A network that learns from a slower copy of itself (a
*target network*: DQN and BYOL are built on one) wants to come nearer to the copy's answers; the copy is not to
come nearer to the network's. The loss depends on both, so you have to say whose gradient counts.

`t.detach()` is the same numbers in the same memory, without a `grad_fn`: the graph ends there.
`torch.no_grad()` gets the same result from the other side: whatever is computed under it never has a
graph.
"""

# %% tags=["picture"]
left, right = torch.tensor(1.5, requires_grad=True), torch.tensor(0.5, requires_grad=True)
backward.graph((left**2 - right.exp()) ** 2, left=left, right=right)
backward.graph((left**2 - right.exp().detach()) ** 2, left=left, right=right)

# %% [markdown]
r"""
The second graph has one branch less: nothing behind `detach()` can be reached any more, so no gradient
gets to `right`. That is all there is to cutting.
"""

# %% [markdown]
r"""
### Exercise 3.4 · `target_loss`
*difficulty 2 of 3 · 10 minutes · about 3 lines*

Write `target_loss(online, target, x)`: two modules whose outputs have one shape, and a batch → the
**mean** of `(online(x) − target(x))²` over all entries, a 0-dim tensor. Its gradient reaches the
parameters of `online` and none of those of `target`. The `requires_grad` flags, grads and modes (`train`
or `eval`) of both modules stay as they are, and each runs in the mode it is in.
"""


# %% nbgrader={"grade": false, "grade_id": "target_loss", "locked": false, "schema_version": 3, "solution": true, "task": false}
def target_loss(online, target, x):
    """two modules, a batch -> 0-dim tensor; gradient for `online` only"""
    # about 3 lines
    ### BEGIN SOLUTION
    with torch.no_grad():  # no graph is made for the target, so there is nothing to cut afterwards
        wanted = target(x)
    return (online(x) - wanted).pow(2).mean()
    ### END SOLUTION


# %%
hint("target_loss")


# %% nbgrader={"grade": true, "grade_id": "target_loss__value", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("target_loss__value")
def _():
    def layer(weight, bias):
        made = nn.Linear(len(weight[0]), len(weight))
        with torch.no_grad():
            made.weight.copy_(torch.tensor(weight)), made.bias.copy_(torch.tensor(bias))
        return made

    online = layer([[1.0, 2.0], [0.0, 1.0]], [0.0, 0.0])
    target = layer([[0.0, 1.0], [1.0, 0.0]], [1.0, 0.0])
    x = torch.tensor([[1.0, 1.0], [2.0, 1.0]])
    check.close(
        "answers (3, 1) and (4, 1), wanted (2, 1) and (2, 2): the mean of 1², 0², 2² and (-1)²",
        lambda: target_loss(online, target, x),
        expected=torch.tensor(1.5),
        advice="a 0-dim tensor that still has its graph: no .item(), no float()",
    )
    check.unchanged("the batch is left alone", lambda: target_loss(online, target, x), x)

    ### BEGIN HIDDEN TESTS
    def deeper(seed, mode, width=3):
        made = nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Linear(5, width)).double().train(mode)
        with torch.no_grad():
            for i, p in enumerate(made.parameters()):
                p.copy_(check.tensor(seed + i, *p.shape, dtype="float64"))
            made[1].running_mean.copy_(check.tensor(seed + 9, 5, dtype="float64"))
        return made

    def expected(one, other, batch):
        return ((one(batch) - other(batch)) ** 2).mean().detach()

    batch = check.tensor(70, 6, 4, dtype="float64", strided=True)
    check.close(
        "several outputs; online in train mode, target in eval mode: each runs in the mode it is in",
        lambda: target_loss(deeper(71, True), deeper(81, False), batch),
        expected=lambda: expected(deeper(71, True), deeper(81, False), batch),
    )
    check.close(
        "online in eval mode, target in train mode: each runs in the mode it is in",
        lambda: target_loss(deeper(71, False), deeper(81, True), batch),
        expected=lambda: expected(deeper(71, False), deeper(81, True), batch),
    )
    check.close(
        "a single example",
        lambda: target_loss(deeper(71, False), deeper(81, False), batch[:1]),
        expected=lambda: expected(deeper(71, False), deeper(81, False), batch[:1]),
    )
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "target_loss__gradient", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("target_loss__gradient")
def _():
    def layer(weight, bias):
        made = nn.Linear(len(weight[0]), len(weight))
        with torch.no_grad():
            made.weight.copy_(torch.tensor(weight)), made.bias.copy_(torch.tensor(bias))
        return made

    def grads(online, target, x):
        with torch.enable_grad():
            target_loss(online, target, x).backward()
        size = sum((float(p.grad.abs().sum()) for p in target.parameters() if p.grad is not None), 0.0)
        return [p.grad for p in online.parameters()], size

    x = torch.tensor([[1.0, 1.0], [2.0, 1.0]])
    check.close(
        "backward() gives online the gradient of the mean square",
        lambda: grads(layer([[1.0, 2.0]], [0.0]), layer([[0.0, 1.0]], [1.0]), x)[0],
        expected=[torch.tensor([[5.0, 3.0]]), torch.tensor([3.0])],
        advice="which of the two results should keep its graph?",
    )
    check.equal(
        "and target gets none",
        lambda: grads(layer([[1.0, 2.0]], [0.0]), layer([[0.0, 1.0]], [1.0]), x)[1],
        expected=0.0,
    )

    ### BEGIN HIDDEN TESTS
    def net(seed):
        made = nn.Sequential(nn.Linear(4, 6), nn.Tanh(), nn.Linear(6, 3)).double()
        with torch.no_grad():
            for i, p in enumerate(made.parameters()):
                p.copy_(check.tensor(seed + i, *p.shape, dtype="float64"))
        return made

    def expected(online, target, x):
        wanted = target(x).detach()
        return [*torch.autograd.grad(((online(x) - wanted) ** 2).mean(), list(online.parameters()))]

    batch = check.tensor(90, 5, 4, dtype="float64")
    check.close(
        "two networks: every gradient of online, nothing for target",
        lambda: grads(net(91), net(95), batch),
        expected=lambda: (expected(net(91), net(95), batch), 0.0),
    )
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "target_loss__untouched", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("target_loss__untouched")
def _():
    def states(*modules):
        return [
            kind
            for module in modules
            for kind in (
                [p.requires_grad for p in module.parameters()],
                [part.training for part in module.modules()],
                [p.grad is None for p in module.parameters()],
            )
        ]

    def after(prepare):
        online, target = (nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2)) for _ in range(2))
        prepare(online, target)
        before = states(online, target)
        with torch.enable_grad():
            loss = target_loss(online, target, check.tensor(100, 5, 3))
            mode = torch.is_grad_enabled()
        kept = [one == other for one, other in zip(before, states(online, target), strict=True)]
        return [list(loss.shape), kept, mode]

    check.equal(
        "flags, modes and grads of both modules are as before, and autograd is on",
        lambda: after(lambda online, target: None),
        expected=[[], [True] * 6, True],
        advice="compare [p.requires_grad for p in target.parameters()] and target.training before and after",
    )

    def mixed(online, target):
        target[0].requires_grad_(False)
        target[1].eval()
        online.eval()
        online[0].train()
        online[1].bias.requires_grad_(False)

    check.equal(
        "also where only some parts are frozen or in eval mode",
        lambda: after(mixed),
        expected=[[], [True] * 6, True],
    )

    def where_nothing_is_tracked():
        online, target = nn.Linear(3, 2), nn.Linear(3, 2)
        with torch.no_grad():
            target_loss(online, target, check.tensor(102, 4, 3))
            return torch.is_grad_enabled()

    check.equal("where autograd is off it stays off", where_nothing_is_tracked, expected=False)

    def held(times):
        online, target = nn.Linear(3, 2), nn.Linear(3, 2)
        for p in [*online.parameters(), *target.parameters()]:
            p.grad = torch.full_like(p, 7.0)
        with torch.enable_grad():
            for _ in range(times):
                target_loss(online, target, check.tensor(101, 4, 3))
        return [p.grad for p in [*online.parameters(), *target.parameters()]]

    check.close("what .grad held is still there", lambda: held(2), expected=lambda: held(0))


# %% [markdown]
r"""
**Who has to move?** One call of your `target_loss`, one `backward()`, and the size of what arrived at each
parameter of both networks.
"""

# %% tags=["picture"]
def probe(loss_of):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        one, other = nn.Linear(2, 2), nn.Linear(2, 2)
    loss_of(one, other, torch.ones(1, 2)).backward()
    return one.weight.grad, other.weight.grad is None or not bool(other.weight.grad.any())


targeted = stand_in.yours_or_ours("target_loss", parts.target_loss, probe)
student_net, teacher_net = (nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 4)) for _ in range(2))
targeted(student_net, teacher_net, torch.randn(32, 8)).backward()
sizes = {
    f"{who}.{name}": 0.0 if p.grad is None else p.grad.norm().item()
    for who, net in (("online", student_net), ("target", teacher_net))
    for name, p in net.named_parameters()
}
told = ", ".join(f"{name} {size:.2g}" for name, size in sizes.items())
plot.bars(sizes, xlabel="norm of .grad", alt=f"Norm of the gradient at each parameter: {told}")

# %% [markdown]
r"""
## 3.5 Freezing: a leaf without `requires_grad`

The third way to stop a gradient is at the leaf itself: after `p.requires_grad_(False)` no gradient is computed
for it. The layer still takes part in the way forward, and gradients still pass **through** it to layers
before it; they just no longer end in its own weights.

That is how a trained network gets a new last layer: freeze the old part, train the new one (and LoRA, chapter
13, freezes everything and trains small matrices beside it). Parameters
are found by name. `named_parameters()` gives pairs like `("encoder.0.weight", tensor)`, in the order of
the model.
"""

# %% [markdown]
r"""
### Exercise 3.5 · `freeze`
*difficulty 1 of 3 · 10 minutes · about 6 lines*

Write `freeze(model, prefixes)`: stop the gradient of every parameter whose name in
`model.named_parameters()` starts with one of `prefixes`, a list or a tuple of strings; "starts with" is
that of `str.startswith`, so `"encoder"` fits `"encoder2.bias"` too, and an empty list fits nothing.
Parameters that were frozen before stay frozen, and nothing else about the model changes. Return the list
of the names that still train, in the order of `named_parameters`.
"""


# %% nbgrader={"grade": false, "grade_id": "freeze", "locked": false, "schema_version": 3, "solution": true, "task": false}
def freeze(model, prefixes):
    """a module, a list or tuple of prefixes -> names of the parameters that still train"""
    # about 6 lines
    ### BEGIN SOLUTION
    training = []
    for name, p in model.named_parameters():
        if name.startswith(tuple(prefixes)):  # startswith takes a tuple of candidates, and only a tuple
            p.requires_grad_(False)
        if p.requires_grad:  # asked of the flag, so that one frozen long ago is no longer in the list
            training.append(name)
    return training
    ### END SOLUTION


# %%
hint("freeze")


# %% nbgrader={"grade": true, "grade_id": "freeze__names", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("freeze__names")
def _():
    def model():
        return nn.ModuleDict(
            {"encoder": nn.Linear(3, 4), "encoder2": nn.Linear(4, 4), "head": nn.Linear(4, 2)}
        )

    check.equal(
        "freezing 'encoder.' leaves the four others to train, in order; and a whole name is a prefix too",
        lambda: [freeze(model(), ["encoder."]), freeze(model(), ["encoder", "head.weight"])],
        expected=[["encoder2.weight", "encoder2.bias", "head.weight", "head.bias"], ["head.bias"]],
        advice="print([name for name, _ in model.named_parameters()])",
    )
    check.equal(
        "a prefix is the beginning of a name, no more and no less; a tuple is fine",
        lambda: [
            freeze(model(), ("encoder",)),
            freeze(model(), ("head.w", "encoder2")),
            freeze(model(), ("coder", "weight")),
        ],
        expected=[
            ["head.weight", "head.bias"],
            ["encoder.weight", "encoder.bias", "head.bias"],
            [
                "encoder.weight",
                "encoder.bias",
                "encoder2.weight",
                "encoder2.bias",
                "head.weight",
                "head.bias",
            ],
        ],
    )

    def twice():
        made = model()
        freeze(made, ["head"])
        return freeze(made, ["encoder."]), [p.requires_grad for p in made.parameters()]

    check.equal(
        "what was frozen before stays frozen: the names, and who still requires grad",
        twice,
        expected=(["encoder2.weight", "encoder2.bias"], [False, False, True, True, False, False]),
    )

    def tied():
        made = nn.ModuleDict({"reader": nn.Linear(3, 3), "writer": nn.Linear(3, 3)})
        made["writer"].weight = made["reader"].weight
        return freeze(made, ["writer"])

    check.equal(
        "a shared parameter goes by its one name in named_parameters",
        tied,
        expected=["reader.weight", "reader.bias"],
    )
    ### BEGIN HIDDEN TESTS
    check.equal("no prefixes: everything trains", lambda: len(freeze(model(), [])), expected=6)
    check.equal("the empty prefix fits every name", lambda: freeze(model(), [""]), expected=[])
    check.equal("small and capital letters differ", lambda: len(freeze(model(), ["Head", "ENC"])), expected=6)
    check.equal("a model without parameters", lambda: freeze(nn.ReLU(), ["a"]), expected=[])
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "freeze__gradients", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("freeze__gradients")
def _():
    def reached(before, prefixes):
        model = nn.ModuleDict(
            {"encoder": nn.Linear(3, 4), "encoder2": nn.Linear(4, 4), "head": nn.Linear(4, 2)}
        )
        with torch.no_grad():
            for i, p in enumerate(model.parameters()):
                p.copy_(check.tensor(110 + i, *p.shape))
        for name, p in model.named_parameters():
            p.requires_grad_(name not in before)
        with torch.enable_grad():
            freeze(model, prefixes)
            h = torch.tanh(model["encoder2"](torch.tanh(model["encoder"](check.tensor(117, 5, 3)))))
            out = model["head"](h).pow(2).sum()
            if out.requires_grad:
                out.backward()
        return [name for name, p in model.named_parameters() if p.grad is not None and bool(p.grad.any())]

    check.equal(
        "after freeze, backward() reaches the other parameters only",
        lambda: reached([], ["encoder2"]),
        expected=["encoder.weight", "encoder.bias", "head.weight", "head.bias"],
        advice="the flag sits on each parameter, not on the module; and to freeze is not to clear .grad",
    )
    ### BEGIN HIDDEN TESTS
    check.equal(
        "a parameter frozen before gets no gradient either",
        lambda: reached(["head.bias"], ("encoder.",)),
        expected=["encoder2.weight", "encoder2.bias", "head.weight"],
    )
    check.equal(
        "several prefixes",
        lambda: reached([], ("encoder.", "head.bias")),
        expected=["encoder2.weight", "encoder2.bias", "head.weight"],
    )
    check.equal("everything frozen", lambda: reached([], ["enc", "head"]), expected=[])
    check.equal("nothing frozen", lambda: len(reached([], [])), expected=6)
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "freeze__care", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("freeze__care")
def _():
    def state(prefixes):
        model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))
        with torch.no_grad():
            for i, p in enumerate(model.parameters()):
                p.copy_(check.tensor(120 + i, *p.shape))
        model[1].eval()
        names = freeze(model, prefixes)
        return (
            [names, [p.requires_grad for p in model.parameters()]],
            [part.training for part in model.modules()],
            [t.detach() for t in model.state_dict().values()],
        )

    check.close(
        "weights, buffers and modes stay as they are",
        lambda: state(["0"])[1:],
        expected=lambda: (
            [True, True, False, True],
            [
                *[check.tensor(120 + i, *s) for i, s in enumerate(((4, 3), (4,), (4,), (4,)))],
                torch.zeros(4),
                torch.ones(4),
                torch.tensor(0),
                check.tensor(124, 2, 4),
                check.tensor(125, 2),
            ],
        ),
    )
    check.equal(
        "layers of a Sequential go by their number: the names, and who still requires grad",
        lambda: state(["1.w", "0"])[0],
        expected=[["1.bias", "2.weight", "2.bias"], [False, False, False, True, True, True]],
    )

    ### BEGIN HIDDEN TESTS
    def prefixes_after():
        prefixes = ["2", "0.b"]
        names = state(prefixes)[0]
        return prefixes, names

    check.equal(
        "the list of prefixes is left alone",
        prefixes_after,
        expected=(
            ["2", "0.b"],
            [["0.weight", "1.weight", "1.bias"], [True, False, True, True, False, False]],
        ),
    )

    def same_objects():
        model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
        before = list(model.parameters())
        freeze(model, ("0", "1.b"))
        return [one is other for one, other in zip(before, model.parameters(), strict=True)]

    check.equal(
        "an optimizer that holds the parameters holds the same ones afterwards",
        same_objects,
        expected=[True] * 4,
    )
    ### END HIDDEN TESTS


# %% [markdown]
r"""
**Gradient passes through what is frozen.** The middle layer below is frozen by `freeze`. Its own
bars are empty; those of the layer before it are not. What would the picture look like if the *first*
layer were frozen? Would anything be saved on the way back?
"""

# %% tags=["picture"]
model = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 4))
freezing = stand_in.yours_or_ours("freeze", parts.freeze, lambda f: f(nn.Sequential(nn.Linear(2, 2)), ["0.w"]))
still = freezing(model, ["2."])
model(torch.randn(32, 8)).pow(2).mean().backward()
sizes = {name: 0.0 if p.grad is None else p.grad.norm().item() for name, p in model.named_parameters()}
told = ", ".join(f"{name} {size:.2g}" for name, size in sizes.items())
plot.bars(
    sizes,
    xlabel="norm of .grad",
    alt=f"Norm of each gradient; {len(list(still))} parameters still train: {told}",
)

# %% [markdown]
r"""
## 3.6 Many outputs: the Jacobian

`backward()` starts from one number. A function with several outputs has one gradient for *each* of them,
and together they are the **Jacobian**: entry $[i, j]$ says how output $i$ moves when input $j$ moves.

$$J_{ij} = \frac{\partial f_i}{\partial x_j}$$

One backward pass computes $u^\top J$ for a vector $u$ that you choose. With a 1 at place $i$ and zeros
elsewhere that is row $i$. So a Jacobian costs one pass for each output. Training minimises **one** number, and
for one number a single pass gives the whole gradient, however many weights there are: that is why going
backward suits it so well.

`torch.autograd.grad(out, x)` is `backward()` for such work: it *returns* the gradient of the one number `out`
with respect to `x`, and leaves every `.grad` alone. Two options count where it is called several times on one graph:
`retain_graph=True` keeps the graph for the next call, and with `allow_unused=True` an `out` that does not depend on
`x` gives `None` and no error.
"""

# %% [markdown]
r"""
### Exercise 3.6 · `jacobian`
*difficulty 2 of 3 · 15 minutes · about 9 lines*

Write `jacobian(f, x)` for an `f` from a tensor to a tensor of at least one element, both of any shape → a
tensor of shape `f(x).shape + x.shape` in the dtype of `x`. Where an output does not depend on `x`, the
entries are 0; that includes an `f` that never looks at `x`, or whose result comes from its own weights
alone. `x` is left as it is (values, `requires_grad`, `.grad`), and so is the `.grad` of parameters where
`f` is a module.

Not allowed: `torch.autograd.functional`, `torch.func`; `torch.autograd.grad` is fine.
"""


# %% nbgrader={"grade": false, "grade_id": "jacobian", "locked": false, "schema_version": 3, "solution": true, "task": false}
def jacobian(f, x):
    """f: tensor -> tensor, any shapes -> tensor of shape f(x).shape + x.shape"""
    # about 9 lines
    ### BEGIN SOLUTION
    x = x.detach().requires_grad_()
    out = f(x)
    rows = []
    for value in out.reshape(-1):  # reshape and not view: out may be a transpose
        row = None
        if value.requires_grad:  # false where f never looked at x
            # the graph serves every row, so it is kept; a weight alone has a graph, but x is no part of it
            (row,) = torch.autograd.grad(value, x, retain_graph=True, allow_unused=True)
        rows.append(torch.zeros_like(x) if row is None else row)
    return torch.stack(rows).reshape(out.shape + x.shape).detach()
    ### END SOLUTION


# %%
hint("jacobian")


# %% nbgrader={"grade": true, "grade_id": "jacobian__values", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("jacobian__values")
def _():
    def run(f, x):
        with torch.enable_grad():
            return jacobian(f, x).detach()

    def three(t):
        return torch.stack([t[0] * t[1], t[1] ** 2, 5 * t[0]])

    check.close(
        "(x y, y², 5 x) at (2, 3): one row for each output, one column for each input",
        lambda: run(three, torch.tensor([2.0, 3.0])),
        expected=torch.tensor([[3.0, 2.0], [0.0, 6.0], [5.0, 0.0]]),
        advice="print the rows one by one: each is the gradient of one output, and of that one only",
    )
    ### BEGIN HIDDEN TESTS
    m = check.tensor(160, 5, 3, dtype="float64")
    x = check.tensor(161, 5, dtype="float64", strided=True)
    check.close(
        "a layer with tanh, float64",
        lambda: run(lambda t: torch.tanh(t @ m), x),
        expected=lambda: (1 - torch.tanh(x @ m) ** 2)[:, None] * m.T,
    )
    check.close(
        "more outputs than inputs, in a second call with the same x",
        lambda: [run(lambda t: torch.cat([t * 2, t**2]), x) for _ in range(2)][1],
        expected=lambda: torch.cat([2 * torch.eye(5, dtype=torch.float64), torch.diag(2 * x)]),
    )
    check.probes("what jacobian promises besides its numbers", lambda: lambda x: run(lambda t: torch.cat([t * 2, t**2]), x), check.tensor(953, 5), expected=lambda: lambda x: torch.cat([2 * torch.eye(len(x), dtype=x.dtype), torch.diag(2 * x)]))
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "jacobian__shapes", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("jacobian__shapes")
def _():
    def run(f, x):
        with torch.enable_grad():
            return jacobian(f, x).detach()

    x = check.tensor(162, 2, 3)
    check.close(
        "a matrix in, a row of column sums out: shape (3,) + (2, 3)",
        lambda: run(lambda t: t.sum(0), x),
        expected=torch.tensor([[[1.0, 0.0, 0.0]] * 2, [[0.0, 1.0, 0.0]] * 2, [[0.0, 0.0, 1.0]] * 2]),
        advice="the shape of the output comes first, then the shape of the input",
    )
    check.close(
        "one number out: the shape of x, like a gradient",
        lambda: run(lambda t: (t**2).sum(), x),
        expected=lambda: 2 * x,
    )
    check.close(
        "a transpose out",
        lambda: run(lambda t: (2 * t).T, x),
        expected=lambda: 2 * torch.eye(6).reshape(2, 3, 2, 3).transpose(0, 1),
    )
    ### BEGIN HIDDEN TESTS
    check.close(
        "one number in, a matrix out",
        lambda: run(lambda t: t**2 * torch.ones(2, 2), torch.tensor(3.0)),
        expected=torch.full((2, 2), 6.0),
    )
    check.close(
        "one entry in, one out",
        lambda: run(lambda t: 3 * t, torch.tensor([[1.0]])),
        expected=torch.full((1, 1, 1, 1), 3.0),
    )
    check.close(
        "f hands its input back",
        lambda: run(lambda t: t, x),
        expected=lambda: torch.eye(6).reshape(2, 3, 2, 3),
    )
    m = check.tensor(163, 3, 4, dtype="float64")
    wide = check.tensor(164, 2, 3, dtype="float64", strided=True)
    check.close(
        "a matrix in, a matrix out",
        lambda: run(lambda t: t @ m, wide),
        expected=lambda: torch.einsum("ab,dc->acbd", torch.eye(2, dtype=torch.float64), m),
    )
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "jacobian__care", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("jacobian__care")
def _():
    class Layer(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(check.tensor(170, 3, 2, dtype="float64"))

        def forward(self, t):
            return torch.tanh(t @ self.weight)

    weight = check.tensor(171, 2, dtype="float64", requires_grad=True)
    x = check.tensor(172, 3, dtype="float64")

    def run(f, asks=False, held=None):
        own = x.clone().requires_grad_(asks)
        own.grad = held
        with torch.enable_grad():
            found = jacobian(f, own).detach()
            mode = torch.is_grad_enabled()
        return found, [own.requires_grad, None if own.grad is None else own.grad.clone(), mode]

    check.close(
        "an output that does not depend on x gives zeros",
        lambda: run(lambda t: torch.stack([t[0] * t[1], weight[0] ** 2, torch.ones_like(t).sum()]))[0],
        expected=lambda: torch.stack([torch.stack([x[1], x[0], x[0] * 0]), x * 0, x * 0]),
    )
    check.close(
        "an f that never looks at x gives zeros only",
        lambda: run(lambda t: torch.ones(2, dtype=torch.float64))[0],
        expected=torch.zeros(2, 3, dtype=torch.float64),
    )

    check.close(
        "a result that comes from weights alone gives zeros",
        lambda: run(lambda t: weight * 3)[0],
        expected=torch.zeros(2, 3, dtype=torch.float64),
    )

    def module(asks, held):
        layer = Layer()
        return run(layer, asks, held)[1], layer.weight.grad is None, layer.weight.requires_grad

    check.equal(
        "x is left as it was, and no gradient lands in the module f",
        lambda: module(False, None),
        expected=([False, None, True], True, True),
        advice="make a leaf of your own from x; and torch.autograd.grad leaves no .grad behind",
    )
    check.unchanged("the values of x stay", lambda: jacobian(Layer(), x), x)
    ### BEGIN HIDDEN TESTS
    check.equal(
        "where x requires grad, it still does, and its .grad still holds what it held",
        lambda: module(True, torch.full_like(x, 5.0)),
        expected=lambda: ([True, torch.full_like(x, 5.0), True], True, True),
    )
    ### END HIDDEN TESTS


# %% [markdown]
r"""
**A picture of softmax.** The Jacobian of the softmax of five scores. Every **column** sums to 0: moving one score
moves probability from class to class, and the total stays 1. Every **row** sums to 0 as well, for another
reason: adding the same number to all scores changes no probability. The likely classes are coupled the most;
the unlikely ones hardly matter.
"""

# %% tags=["picture"]
scores = torch.tensor([2.0, 1.5, 0.0, -1.0, -2.0])
derive = stand_in.yours_or_ours("jacobian", parts.jacobian, lambda f: f(lambda t: t.sin(), torch.ones(2)).detach())
table = derive(lambda t: torch.softmax(t, 0), scores).detach()
print(f"largest sum of a row: {table.sum(1).abs().max():.1e}, of a column: {table.sum(0).abs().max():.1e}")
plot.heatmap(
    (table * 100).round() / 100,
    "how each probability moves with each score",
    xticks=range(5),
    yticks=range(5),
    xlabel="score of class",
    ylabel="probability of class",
    alt="Jacobian of softmax, 5 by 5, row by row: "
    + "; ".join(" ".join(f"{entry:.2f}" for entry in row) for row in table.tolist()),
)

# %% [markdown]
r"""
## 3.7 The gradient of a gradient

A gradient is computed by operations like any others. Ask for it with `create_graph=True`, and those
operations get a graph of their own: the gradient becomes something you can differentiate again.

The gradient of a function of $n$ numbers is itself a function, from $n$ numbers to $n$ numbers. Its Jacobian
holds all second derivatives: an $n \times n$ matrix, the **Hessian** $H$. For
a million weights nobody can store it. But one rarely wants the matrix, only its product with a vector:
how does the gradient change when I walk in the direction $v$?

$$H v \;=\; \nabla_x \big(\, \nabla f(x) \cdot v \,\big) \qquad\text{with } v \text{ held fixed}$$

In brackets stands one number. The gradient of one number costs one more backward pass, however large $n$
is.
"""

# %% [markdown]
r"""
### Exercise 3.7 · `hessian_vector_product`
*difficulty 2 of 3 · 15 minutes · about 4 lines*

Write `hessian_vector_product(f, x, v)` → $H(x)\,v$, in the shape of `x`. `f` takes a tensor of the shape
of `x` (any shape) to a 0-dim tensor and is not linear; `v` has the shape of `x`. The number of backward
passes must not grow with `x`. `x` need not require grad, and it is untouched: its values, its
`requires_grad`, its `.grad`. Where `f` is a module, the `.grad` of its parameters stays as it is.

Not allowed: `torch.autograd.functional`, `torch.func`.
"""


# %% nbgrader={"grade": false, "grade_id": "hessian_vector_product", "locked": false, "schema_version": 3, "solution": true, "task": false}
def hessian_vector_product(f, x, v):
    """f: tensor -> 0-dim tensor, x and v of one shape -> H(x) v, that shape"""
    # about 4 lines
    ### BEGIN SOLUTION
    x = x.detach().requires_grad_()  # a leaf of our own: the caller's x stays out of the graph
    (gradient,) = torch.autograd.grad(f(x), x, create_graph=True)
    # v does not depend on x, so the gradient of (gradient · v) is H v
    (product,) = torch.autograd.grad((gradient * v).sum(), x)
    return product
    ### END SOLUTION


# %%
hint("hessian_vector_product")


# %% nbgrader={"grade": true, "grade_id": "hessian_vector_product__values", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("hessian_vector_product__values")
def _():
    def run(f, x, v):
        with torch.enable_grad():
            return hessian_vector_product(f, x, v).detach()

    def cubic(t):
        return t[0] ** 2 * t[1] + t[1] ** 3

    check.close(
        "x² y + y³ at (1, 2): H is [[4, 2], [2, 12]], and v = (1, -1) gives (2, -10)",
        lambda: run(cubic, torch.tensor([1.0, 2.0]), torch.tensor([1.0, -1.0])),
        expected=torch.tensor([2.0, -10.0]),
        advice="with v = (1, 0) you should get the first column, (4, 2): do you?",
    )
    ### BEGIN HIDDEN TESTS
    m = check.tensor(130, 4, 3, dtype="float64")

    def bent(t):
        return torch.tanh(t @ m).pow(2).sum() + (t**4).sum()

    def expected(f, x, v):
        leaf = x.detach().clone().requires_grad_()
        (gradient,) = torch.autograd.grad(f(leaf), leaf, create_graph=True)
        rows = [torch.autograd.grad(g, leaf, retain_graph=True)[0].reshape(-1) for g in gradient.reshape(-1)]
        return (torch.stack(rows) @ v.reshape(-1)).reshape(x.shape)

    x, v = (
        check.tensor(131, 5, 4, dtype="float64", strided=True),
        check.tensor(132, 5, 4, dtype="float64", strided=True),
    )
    check.close("a matrix x in float64", lambda: run(bent, x, v), expected=lambda: expected(bent, x, v))
    one = check.tensor(133, 1, 4, dtype="float64")
    check.close(
        "a batch of one",
        lambda: run(bent, one, one * 2 + 1),
        expected=lambda: expected(bent, one, one * 2 + 1),
    )
    check.close(
        "a tensor without axes",
        lambda: run(lambda t: t**3 + t, torch.tensor(2.0), torch.tensor(-1.5)),
        expected=torch.tensor(-18.0),
    )
    single = check.tensor(134, 6)
    check.close(
        "the same in float32, and in a second call with the same x",
        lambda: [run(lambda t: t.prod() + t.sin().sum(), single, single) for _ in range(2)][1],
        expected=lambda: expected(lambda t: t.prod() + t.sin().sum(), single, single),
    )
    check.probes("what hessian_vector_product promises besides its numbers", lambda: lambda x, v: run(lambda t: (t**4).sum() + t.prod(), x, v), check.tensor(951, 3, 4), check.tensor(952, 3, 4), rtol=1e-4, atol=1e-4, expected=lambda: lambda x, v: expected(lambda t: (t**4).sum() + t.prod(), x, v))
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "hessian_vector_product__cost", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("hessian_vector_product__cost")
def _():
    def run(size):
        passes = []

        def f(t):
            inner = t * t
            if inner.requires_grad:  # count how often a gradient comes through here
                inner.register_hook(lambda gradient: passes.append(1))
            return inner.sum() ** 2

        x, v = check.tensor(140, size, dtype="float64"), check.tensor(141, size, dtype="float64")
        with torch.enable_grad():
            product = hessian_vector_product(f, x, v).detach()
        return product, len(passes)

    def worked_out(size):
        x, v = (check.tensor(i, size, dtype="float64") for i in (140, 141))
        return 8 * x * (x @ v) + 4 * (x @ x) * v  # the Hessian of (x · x)² is 8 x xᵀ + 4 (x · x) I

    check.close("sixty numbers", lambda: run(60)[0], expected=lambda: worked_out(60))
    check.that(
        "as few backward passes for sixty numbers as for four",
        lambda: [run(4)[1], run(60)[1]],
        judge=lambda seen: (
            None if seen[1] <= max(seen[0], 8) else "the number of backward passes grows with x"
        ),
        advice="never build the rows of H; make one number out of the gradient and v first",
    )


# %% nbgrader={"grade": true, "grade_id": "hessian_vector_product__care", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("hessian_vector_product__care")
def _():
    class Energy(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(check.tensor(150, 3, 2))

        def forward(self, t):
            return torch.tanh(t @ self.weight).pow(2).sum()

    def after(asks, held):
        energy, x, v = Energy(), check.tensor(151, 4, 3).requires_grad_(asks), check.tensor(152, 4, 3)
        x.grad = held
        with torch.enable_grad():
            product = hessian_vector_product(energy, x, v)
            mode = torch.is_grad_enabled()
        left = None if x.grad is None else x.grad.clone()
        return (
            list(product.shape),
            x.requires_grad,
            left,
            energy.weight.grad is None,
            energy.weight.requires_grad,
            mode,
        )

    check.equal(
        "x still does not require grad and has none; no gradient lands in the module f",
        lambda: after(False, None),
        expected=([4, 3], False, None, True, True, True),
        advice="make a leaf of your own from x; and torch.autograd.grad only returns gradients",
    )
    x, v = check.tensor(153, 2, 3), check.tensor(154, 2, 3)
    check.unchanged("x and v keep their values", lambda: hessian_vector_product(Energy(), x, v), x, v)
    check.equal(
        "an x that requires grad keeps that, and what its .grad held",
        lambda: after(True, torch.full((4, 3), 5.0)),
        expected=([4, 3], True, torch.full((4, 3), 5.0), True, True, True),
    )


# %% [markdown]
r"""
**Curvature in every direction.** For a unit vector $v$, $v \cdot Hv$ is the *curvature*: how strongly the
function bends that way. Below, in 181 directions at one point of $\sin u\,\cos v + \tfrac12 u v$. Its
highest and lowest value are the two eigenvalues of $H$, dotted: found without ever having the matrix.
Below zero it bends downward: a saddle.
"""


# %% tags=["picture"]
def landscape(t):
    return t[0].sin() * t[1].cos() + 0.5 * t[0] * t[1]


hvp = stand_in.yours_or_ours(
    "hessian_vector_product",
    parts.hessian_vector_product,
    lambda f: f(lambda t: (t**3).sum(), torch.ones(2), torch.tensor([1.0, 2.0])).detach(),
)
spot, angles, bends = torch.tensor([0.8, -0.5]), torch.linspace(0, torch.pi, 181), []
for angle in angles:
    direction = torch.stack([angle.cos(), angle.sin()])
    bends.append((direction @ hvp(landscape, spot, direction).detach()).item())
columns = [hvp(landscape, spot, axis).detach() for axis in torch.eye(2)]
low, high = torch.linalg.eigvalsh(torch.stack(columns)).tolist()
alt = f"Curvature by direction, from 0 to 180 degrees: a wave between {min(bends):.2f} and {max(bends):.2f}"
with plot.figure(f"{alt}; the eigenvalues of H are {low:.2f} and {high:.2f}") as axes:
    axes.plot(angles.rad2deg().numpy(), bends)
    for value in (low, high):
        axes.axhline(value, linestyle=":", color="#666666")
    axes.set_xlabel("direction, degrees")
    axes.set_ylabel("v · Hv")

# %% [markdown]
r"""
## 3.8 Walk the graph yourself

Everything so far went over the graph; now you read it. Every `grad_fn` has `next_functions`: a tuple of
pairs (node, number), one for each input, where the node is `None` for an input that needs no gradient. At
the end of every path stands an `AccumulateGrad`, the node that adds into the `.grad` of one leaf.

The engine has one hard rule, and you have seen it in the slider: a node may run only when **everything that
sends it gradient has run**. Otherwise it would hand on a sum that is not complete. An order that keeps this
rule is called *topological*.
"""

# %% tags=["picture"]
u = torch.tensor(0.5, requires_grad=True)
shared = u.exp()
result = shared * shared.sin()
for number, (node, _) in enumerate(result.grad_fn.next_functions):
    print("input", number, "of", type(result.grad_fn).__name__, "came from", type(node).__name__)
backward.graph(result, u=u)

# %% [markdown]
r"""
Here *Exp* is one step away from *Mul*, and two steps as well, through *Sin*. It has to wait for *Sin*,
although it is the first in `next_functions`. Going down one path to its end gets this wrong, and so does
going level by level. What could you count, or which order could you turn around, to get it right?
"""

# %% [markdown]
r"""
### Exercise 3.8 · `graph_nodes`
*difficulty 3 of 3 · 25 minutes · about 16 lines*

Write `graph_nodes(t)` → the list of the names, `type(node).__name__`, of all nodes of the autograd graph
above the tensor `t`: its root (`t.grad_fn`) first, every node exactly once, each **before** every node in
its `next_functions`, the leaves' `AccumulateGrad` included. Any such order is right. A tensor without
history, and that means every leaf too, gives `[]`.

A chain of 10,000 nodes works (Python's recursion ends at about 1,000), and so do fifty steps of `z = z +
z`, which have 2⁵⁰ *paths* but 51 nodes. The graph is only read: `backward()` still works afterwards. The
course's drawing code, `layer_by_layer.instruments.backward`, is no answer.
"""


# %% nbgrader={"grade": false, "grade_id": "graph_nodes", "locked": false, "schema_version": 3, "solution": true, "task": false}
def graph_nodes(t):
    """tensor -> names of the nodes of its autograd graph, each before those it points at"""
    # about 16 lines
    ### BEGIN SOLUTION
    if t.grad_fn is None:
        return []
    # first walk: how many edges lead to each node? (a dictionary of nodes also remembers who was there)
    arriving = {t.grad_fn: 0}
    todo = [t.grad_fn]
    for node in todo:  # the list grows while it is walked
        for child, _ in node.next_functions:
            if child is not None:
                if child not in arriving:
                    arriving[child] = 0
                    todo.append(child)
                arriving[child] += 1
    # second walk: a node is ready when the last edge to it has been used, which is the engine's own rule
    names, ready = [], [t.grad_fn]
    while ready:
        node = ready.pop()
        names.append(type(node).__name__)
        for child, _ in node.next_functions:
            if child is not None:
                arriving[child] -= 1
                if arriving[child] == 0:
                    ready.append(child)
    return names
    ### END SOLUTION


# %%
hint("graph_nodes")


# %% nbgrader={"grade": true, "grade_id": "graph_nodes__names", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("graph_nodes__names")
def _():
    def run():
        a, b = torch.tensor(2.0, requires_grad=True), torch.tensor(3.0, requires_grad=True)
        with torch.enable_grad():
            return list(graph_nodes((a * b + a) ** 2))

    check.equal("the root comes first", lambda: run()[0], expected="PowBackward0")
    check.equal(
        "every node of (a b + a)² once, two of them AccumulateGrad",
        lambda: sorted(run()),
        expected=["AccumulateGrad", "AccumulateGrad", "AddBackward0", "MulBackward0", "PowBackward0"],
        advice="type(node).__name__; two leaves are two nodes, and a leaf used twice is one",
    )
    check.equal(
        "no history, no nodes: a plain tensor and a leaf",
        lambda: [list(graph_nodes(torch.ones(2))), list(graph_nodes(torch.ones(2, requires_grad=True)))],
        expected=[[], []],
    )

    ### BEGIN HIDDEN TESTS
    def constants():
        w = torch.ones(3, requires_grad=True)
        frozen = torch.ones(3)
        with torch.enable_grad():
            return list(graph_nodes(((w * frozen + frozen) @ frozen).exp()))

    check.equal(
        "inputs that need no gradient are no nodes",
        constants,
        expected=["ExpBackward0", "DotBackward0", "AddBackward0", "MulBackward0", "AccumulateGrad"],
    )

    def wide():
        leaves = [torch.tensor(float(i), requires_grad=True) for i in range(120)]
        with torch.enable_grad():
            return sorted(graph_nodes(torch.stack([leaf.sin() * leaves[0] for leaf in leaves]).sum()))

    check.equal(
        "a wide graph: 120 leaves, 362 nodes",
        wide,
        expected=["AccumulateGrad"] * 120
        + ["MulBackward0"] * 120
        + ["SinBackward0"] * 120
        + ["StackBackward0", "SumBackward0"],
    )

    def parts_of_one():
        w = torch.ones(2, 3, requires_grad=True)
        with torch.enable_grad():
            one, two = (w * 2).unbind(0)
            return list(graph_nodes(one.sin().sum() * two.sum())), sorted(graph_nodes(one + two))

    check.that(
        "two outputs of one operation have one node",
        lambda: [names.count("UnbindBackward0") for names in parts_of_one()],
        judge=lambda seen: (
            None if seen == [1, 1] else "the node of an operation with two outputs does not stand there once"
        ),
    )
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "graph_nodes__order", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("graph_nodes__order")
def _():
    def names_of(make):
        leaves = [torch.tensor(value, requires_grad=True) for value in (0.5, 1.5, 2.5)]
        with torch.enable_grad():
            return list(graph_nodes(make(*leaves)))

    names = ["MulBackward0", "SinBackward0", "ExpBackward0", "AccumulateGrad"]
    graph = {"names": names, "edges": [[0, 1], [0, 2], [1, 2], [2, 3]]}

    def short_and_long(u, *_):
        e = u.exp()
        return e * e.sin()

    def long_first(u, *_):
        e = u.exp()
        return e.sin() * e

    check.that(
        "exp(u) · sin(exp(u)): Exp comes after Sin, which sends it gradient",
        lambda: names_of(short_and_long),
        judge=judges.order,
        given=graph,
        advice="before you write a node down, ask whether everything that points at it stands there already",
    )
    check.that(
        "sin(exp(u)) · exp(u), the factors the other way round: Exp still comes after Sin",
        lambda: names_of(long_first),
        judge=judges.order,
        given=graph,
    )

    ### BEGIN HIDDEN TESTS
    def known(make):
        leaves = [torch.tensor(value, requires_grad=True) for value in (0.5, 1.5, 2.5)]
        nodes = [make(*leaves).grad_fn]
        edges = []
        for node in nodes:
            for child, _ in node.next_functions:
                if child is not None:
                    if child not in nodes:
                        nodes.append(child)
                    edges.append([nodes.index(node), nodes.index(child)])
        return {"names": [type(node).__name__ for node in nodes], "edges": edges}

    def two_sides(u, *_):
        e = u.exp()
        return e.sin() + e.cos()

    def ladder(u, v, w):
        e = u * v
        return (e.exp() + w).sin() * (e.cos() - v) / (w.tanh() + e)

    def many_of_a_name(u, v, w):
        a = u * v
        b = a * w
        return (b * a + u) * b

    check.that(
        "two ways of one length to one node",
        lambda: names_of(two_sides), judge=judges.order, given=known(two_sides),
    )
    check.that("three leaves, several ways", lambda: names_of(ladder), judge=judges.order, given=known(ladder))
    check.that(
        "many nodes of one name",
        lambda: names_of(many_of_a_name), judge=judges.order, given=known(many_of_a_name),
    )
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "graph_nodes__deep", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("graph_nodes__deep")
def _():
    def diamonds(levels):
        z = torch.ones(2, requires_grad=True)
        with torch.enable_grad():
            for _ in range(levels):
                z = z + z
            return list(limit.within(2, graph_nodes, z))

    check.equal(
        "ten steps of z = z + z: eleven nodes",
        lambda: diamonds(10),
        expected=["AddBackward0"] * 10 + ["AccumulateGrad"],
        advice="remember which nodes you have seen; the nodes themselves can stand in a set or a dictionary",
    )
    check.equal(
        "fifty steps: 51 nodes, whatever the number of paths",
        lambda: diamonds(50),
        expected=["AddBackward0"] * 50 + ["AccumulateGrad"],
        advice="a node you have seen must not be entered again, not even to look",
    )

    def chain(length):
        y = torch.ones(2, requires_grad=True)
        with torch.enable_grad():
            for _ in range(length // 2):
                y = (y * 1.0).sin()
            names = graph_nodes(y)
        return [len(names), list(names[:3]), list(names[-2:]), sorted(set(names))]

    check.equal(
        "a chain of 10,000 nodes",
        lambda: chain(10_000),
        expected=[
            10_001,
            ["SinBackward0", "MulBackward0", "SinBackward0"],
            ["MulBackward0", "AccumulateGrad"],
            ["AccumulateGrad", "MulBackward0", "SinBackward0"],
        ],
        advice="a function that calls itself for every node stops at about 1,000; keep a list of your own",
    )

    def twice():
        w = torch.tensor(3.0, requires_grad=True)
        with torch.enable_grad():
            loss = (w * w).exp() * 0
            names = list(graph_nodes(loss)), list(graph_nodes(loss))
            before = w.grad is None
            (loss + w).backward()
        return names[0] == names[1], before, w.grad.item()

    check.equal(
        "the graph is only read: the second walk sees the same, and backward() still works",
        twice,
        expected=(True, True, 1.0),
    )


# %% [markdown]
r"""
## 3.9 Your own backward pass

You have the nodes, and an order in which every sum is complete. What is missing for `loss.backward()`? Only to
**run** it, and a node can be called like a function: give it the gradient of its output, and it returns the
gradients of its inputs, one for each pair in `next_functions`.
"""

# %%
a, b = torch.tensor(2.0, requires_grad=True), torch.tensor(3.0, requires_grad=True)
product = (a * b).grad_fn
print(type(product).__name__, "called with 1 returns", product(torch.tensor(1.0)))
print("and they go to", [(type(node).__name__, slot) for node, slot in product.next_functions])
print("the leaf at the end of the first way is a:", product.next_functions[0][0].variable is a)

# %% [markdown]
r"""
Three facts are left, and each is a line or two of yours.

- **Slots.** An operation can have several outputs: `unbind` has one for each row. Called by hand, a node gives
  back a tuple with one entry for each input, `None` where an input wants no gradient; a node of one input gives
  back that gradient alone, without a tuple. It waits for one
  gradient *for each output*, `None` where an output was never used. The number in a pair of `next_functions`
  says to which output of that node the gradient belongs: its slot. The loss itself is output number
  `loss.output_nr` of its node.
- **Broadcasting.** A node called by hand does not add up over axes that were stretched on the way forward. What
  the *receiving* node expects stands in its `_input_metadata`, one entry for each slot, with `.shape` and
  `.dtype`; `t.sum_to_size(shape)` adds up.
- **Leaves.** An `AccumulateGrad` node has its leaf as `.variable`. There the gradient is added to `.grad`.
"""

# %%
table, row = torch.ones(3, 2, requires_grad=True), torch.ones(2, requires_grad=True)
stretched = (table * row).grad_fn
for gradient, (node, slot) in zip(stretched(torch.ones(3, 2)), stretched.next_functions, strict=True):
    print("returned", tuple(gradient.shape), " expected", node._input_metadata[slot].shape)
print("slots of unbind:", len((table * 2).unbind(0)[1].grad_fn._input_metadata))

# %% [markdown]
r"""
### Exercise 3.9 · `my_backward`
*difficulty 3 of 3 · 30 minutes · about 20 lines*

Write `my_backward(loss)` for a 0-dim `loss` that has a history: what `loss.backward()` does. Walk `grad_fn` and
`next_functions`, call the nodes, and **add** the gradient to `.grad` of every leaf that requires grad and is
reached, in the shape and dtype of the leaf. `.grad` carries no graph. The `.grad` of every other tensor stays as
it is. Nothing is returned.

Fifty steps of `z = z + z` work, and so do chains of 5,000 nodes, operations with several outputs of which some
are unused (`unbind`, `chunk`; the loss may be a later output), and stretched operands. Only PyTorch's own
operations occur, without hooks. Whether the graph can be used again afterwards is open.

*Not allowed:* `.backward()`, `torch.autograd.grad`, `torch.autograd.backward`, `torch.func`.
"""


# %% nbgrader={"grade": false, "grade_id": "my_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def my_backward(loss):
    """a 0-dim tensor with a history -> None; adds to .grad of every leaf above it"""
    # about 20 lines
    ### BEGIN SOLUTION
    # a node is written down when all below it are: turned around, that is the order of the engine
    order, seen, stack = [], set(), [(loss.grad_fn, False)]
    while stack:
        node, leaving = stack.pop()
        if leaving:
            order.append(node)
        elif node is not None and node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((child, False) for child, _ in node.next_functions)
    arrived = {node: [None] * len(node._input_metadata) for node in order}
    arrived[loss.grad_fn][loss.output_nr] = torch.ones_like(loss)
    with torch.no_grad():  # the gradients are numbers, not something to differentiate again
        for node in reversed(order):
            grads = arrived.pop(node)
            if hasattr(node, "variable"):
                leaf = node.variable
                leaf.grad = grads[0].clone() if leaf.grad is None else leaf.grad + grads[0]
                continue
            sent = node(*grads)
            for grad, (child, slot) in zip(sent if isinstance(sent, tuple) else (sent,), node.next_functions):
                if child is not None and grad is not None:
                    wanted = child._input_metadata[slot]
                    grad = grad.sum_to_size(wanted.shape).to(wanted.dtype)
                    held = arrived[child][slot]
                    # a new tensor each time: another node may hold the one that arrived
                    arrived[child][slot] = grad if held is None else held + grad
    ### END SOLUTION


# %%
hint("my_backward")


# %% nbgrader={"grade": true, "grade_id": "my_backward__values", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("my_backward__values")
def _():
    def grads(make, *values, calls=1, held=None):
        leaves = [torch.as_tensor(value).clone().requires_grad_() for value in values]
        for leaf in leaves:
            leaf.grad = None if held is None else torch.full_like(leaf, held)
        for _ in range(calls):
            with torch.enable_grad():
                loss = make(*leaves)
            limit.within(2, my_backward, loss)
        return [leaf.grad for leaf in leaves]

    check.close(
        "(a b + a)² at 2 and 3: 64 and 32, as by hand in 3.1",
        lambda: grads(lambda a, b: (a * b + a) ** 2, 2.0, 3.0),
        expected=[torch.tensor(64.0), torch.tensor(32.0)],
        advice="print what each node is called with: it starts with 1 at the loss",
    )
    check.close(
        "a constant needs no gradient, and its place in next_functions is None",
        lambda: grads(lambda a: 5 * a + torch.tensor(7.0) * 2, 2.0),
        expected=[torch.tensor(5.0)],
    )
    check.close(
        "what .grad held is added to: 100 before, two calls",
        lambda: grads(lambda a, b: a + b, 2.0, 3.0, calls=2, held=100.0),
        expected=[torch.tensor(102.0), torch.tensor(102.0)],
    )
    check.close(
        "three calls where .grad was None at first: each leaf has a gradient of its own",
        lambda: grads(lambda a, b: ((a + b) * 2).sum(), [2.0, 1.0], [3.0, 1.0], calls=3),
        expected=[torch.tensor([6.0, 6.0]), torch.tensor([6.0, 6.0])],
        advice="a sum sends one and the same tensor both ways: who writes into it?",
    )
    ### BEGIN HIDDEN TESTS
    m, x = check.tensor(181, 4, 3, dtype="float64"), check.tensor(182, 5, 4, dtype="float64")

    def network(w, v):
        return ((x @ w).tanh() @ v).pow(2).mean() + w.abs().sum().sqrt()

    def expected(make, *values):
        leaves = [value.clone().requires_grad_() for value in values]
        return list(torch.autograd.grad(make(*leaves), leaves))

    v = check.tensor(183, 3, 2, dtype="float64")
    check.close("a network of two layers", lambda: grads(network, m, v), expected=lambda: expected(network, m, v))
    strided = check.tensor(184, 4, 3, dtype="float64", strided=True)
    check.close(
        "a weight that is not contiguous, in float64",
        lambda: grads(lambda w: (x @ w).softmax(1).log().sum(), strided),
        expected=lambda: expected(lambda w: (x @ w).softmax(1).log().sum(), strided),
    )
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "my_backward__order", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("my_backward__order")
def _():
    def grads(make, *values):
        leaves = [torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in values]
        with torch.enable_grad():
            loss = make(*leaves)
        limit.within(2, my_backward, loss)
        return [leaf.grad for leaf in leaves]

    def short_and_long(u):
        e = u.exp()
        return e * e.sin()

    e = 1.6487212707001282  # exp(0.5)
    check.close(
        "exp(u) · sin(exp(u)): the node of exp waits for both gradients",
        lambda: grads(short_and_long, 0.5),
        expected=lambda: [torch.tensor(e * np.sin(e) + e**2 * np.cos(e), dtype=torch.float64)],
        advice="a node may be called when everything that points at it has been: what order is that?",
    )
    check.close(
        "(a + b) + a · b: a gradient that was sent to two nodes is changed for neither",
        lambda: grads(lambda a, b: (a + b) + a * b, 2.0, 3.0),
        expected=[torch.tensor(4.0, dtype=torch.float64), torch.tensor(3.0, dtype=torch.float64)],
        advice="does any line of yours write into a tensor that arrived?",
    )
    ### BEGIN HIDDEN TESTS
    def expected(make, *values):
        leaves = [torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in values]
        return list(torch.autograd.grad(make(*leaves), leaves))

    def ladder(u, v, w):
        e = u * v
        return (e.exp() + w).sin() * (e.cos() - v) / (w.tanh() + e)

    def shared(a, b, c):
        s = a + b
        t = s + c
        return (t + s) * (t * a + s.sin())

    check.close(
        "three leaves and several ways", lambda: grads(ladder, 0.5, 1.5, 2.5), expected=lambda: expected(ladder, 0.5, 1.5, 2.5)
    )
    check.close(
        "sums of sums that share their terms",
        lambda: grads(shared, 0.5, -1.5, 2.5),
        expected=lambda: expected(shared, 0.5, -1.5, 2.5),
    )
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "my_backward__shapes", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
@check.cell("my_backward__shapes")
def _():
    def grads(make, *values):
        leaves = [value.clone().requires_grad_() for value in values]
        with torch.enable_grad():
            loss = make(*leaves)
        limit.within(2, my_backward, loss)
        return [leaf.grad for leaf in leaves]

    table, row = torch.tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), torch.tensor([10.0, 20.0])
    check.close(
        "a row stretched over three rows: its gradient has the shape of the row",
        lambda: grads(lambda t, r: (t * r).sum(), table, row),
        expected=[torch.tensor([[10.0, 20.0]] * 3), torch.tensor([9.0, 12.0])],
        advice="compare the shape that comes back with that in the receiving node's _input_metadata",
    )
    check.close(
        "a column stretched over two columns: its gradient has the shape of the column",
        lambda: grads(lambda t, c: (t * c).sum(), table, torch.tensor([[1.0], [2.0], [3.0]])),
        expected=[torch.tensor([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]]), torch.tensor([[3.0], [7.0], [11.0]])],
    )
    check.close(
        "a weight of float64 among float32: its gradient is float64",
        lambda: grads(lambda t, r: (t * r).sum(), table, row.double()),
        expected=[torch.tensor([[10.0, 20.0]] * 3), torch.tensor([9.0, 12.0], dtype=torch.float64)],
        advice="`_input_metadata[slot].dtype` of the receiving node is the dtype it waits for: convert on the way",
    )
    check.close(
        "three rows of one unbind, of which the first is unused: each gradient in its slot",
        lambda: grads(lambda t: (t * 1).unbind(0)[2].sum() + 5 * (t * 1).unbind(0)[1].sum(), table),
        expected=[torch.tensor([[0.0, 0.0], [5.0, 5.0], [1.0, 1.0]])],
        advice="a node takes one argument for each of its outputs, None where nothing arrived",
    )
    check.close(
        "the loss is the second of the two outputs of unbind",
        lambda: grads(lambda r: (r * 3).unbind(0)[1], row),
        expected=[torch.tensor([0.0, 3.0])],
        advice="loss.output_nr says which output of its node the loss is",
    )
    ### BEGIN HIDDEN TESTS
    def expected(make, *values):
        leaves = [value.clone().requires_grad_() for value in values]
        return list(torch.autograd.grad(make(*leaves), leaves))

    def stretched(a, b, c):
        return ((a + b) * c + a.sum() * c.mean()).sin().sum()

    def pieces(t):
        one, two, three = (t * 2).unbind(1)
        left, right = t.exp().chunk(2, dim=1)
        return (one * three).sum() + right.sum() * one[0] + t.max(1)[0].sum() + two.new_ones(()).sum()

    a, b, c = check.tensor(191, 4, 1, 3), check.tensor(192, 5, 1), check.tensor(193)
    check.close(
        "several stretched axes", lambda: grads(stretched, a, b, c), expected=lambda: expected(stretched, a, b, c), rtol=1e-3, atol=1e-4
    )
    cube = check.tensor(194, 4, 3, dtype="float64")
    check.close("pieces used once, twice, never", lambda: grads(pieces, cube), expected=lambda: expected(pieces, cube))
    one = check.tensor(195, 1, 1, dtype="float64")
    check.close("axes of one", lambda: grads(lambda t: (t + t.T).sum(), one), expected=lambda: [one * 0 + 2])
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "my_backward__deep", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("my_backward__deep")
def _():
    def after(step, count):
        leaf = torch.ones(2, dtype=torch.float64, requires_grad=True)
        z = leaf
        with torch.enable_grad():
            for _ in range(count):
                z = step(z)
            loss = z.sum()
        limit.within(4, my_backward, loss)
        return leaf.grad

    check.close(
        "ten steps of z = z + z: 2 to the tenth",
        lambda: after(lambda z: z + z, 10),
        expected=torch.full((2,), 1024.0, dtype=torch.float64),
    )
    check.close(
        "fifty steps: 2 to the fiftieth, from fifty nodes and not from as many paths",
        lambda: after(lambda z: z + z, 50),
        expected=torch.full((2,), 2.0**50, dtype=torch.float64),
        advice="call each node once, when its sum is complete",
    )
    check.close(
        "a chain of 5,000 nodes",
        lambda: after(lambda z: z * 1.0, 5_000),
        expected=torch.ones(2, dtype=torch.float64),
        advice="a function that calls itself for every node stops at about 1,000; keep a list of your own",
    )


# %% nbgrader={"grade": true, "grade_id": "my_backward__care", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("my_backward__care")
def _():
    def state():
        w, other = torch.tensor([1.0, 2.0], requires_grad=True), torch.tensor([3.0], requires_grad=True)
        frozen = torch.tensor([5.0, 6.0])
        other.grad = torch.tensor([7.0])
        with torch.enable_grad():
            loss = (w * w * frozen).sum()
            my_backward(loss)
            mode = torch.is_grad_enabled()
        return [w.grad.requires_grad, w.grad.detach(), other.grad, frozen.grad is None, mode]

    check.close(
        ".grad carries no graph, other tensors keep theirs, and autograd is still on",
        state,
        expected=[False, torch.tensor([10.0, 24.0]), torch.tensor([7.0]), True, True],
        advice="print(w.grad): does it have a grad_fn? Under which block are its numbers computed?",
    )
    ### BEGIN HIDDEN TESTS
    def weights():
        w = check.tensor(198, 3, 2, requires_grad=True)
        with torch.enable_grad():
            my_backward((w @ torch.ones(2, 2)).exp().sum())
        return w.detach()

    check.close("the weights keep their values", weights, expected=lambda: check.tensor(198, 3, 2))
    ### END HIDDEN TESTS


# %% [markdown]
r"""
**Nothing of PyTorch's engine is left.** Below, the network of chapter 1 learns with `my_backward` and
`sgd_update`, and beside it with `loss.backward()`. What PyTorch still does is each single node.
"""

# %% tags=["picture"]
def one_gradient(engine):
    p = torch.tensor([2.0, 3.0], requires_grad=True)
    engine((p * p.sin()).sum())
    return p.grad


engine = stand_in.yours_or_ours("my_backward", parts.my_backward, one_gradient)
update = stand_in.yours_or_ours("sgd_update", parts.sgd_update, moved)
losses = {}
for name, go_back in ((f"{stand_in.whose('my_backward')} engine", engine), ("loss.backward()", torch.Tensor.backward)):
    weights, losses[name] = [w.clone().requires_grad_() for w in start], []
    for _ in range(100):
        loss = (torch.relu(data_x @ weights[0]) @ weights[1] - data_y).pow(2).sum()
        losses[name].append(loss.item())
        go_back(loss)
        update(weights, lr=1e-6)
mine, theirs = losses.values()
same = sum(one == other for one, other in zip(mine, theirs, strict=True))
print(f"{same} of {len(mine)} losses are equal to the last bit")
alt = f"Two loss curves from {mine[0]:.3g} to {mine[-1]:.3g} and {theirs[-1]:.3g}; {same} of {len(mine)} values are equal"
plot.curves(losses, log=True, ylabel="sum of squared errors", alt=alt)

# %% [markdown]
r"""
## 3.10 The graph is made new every time

Nobody declares the graph. It is a diary of what your code *did* this time: an `if` leaves only the branch
that was taken, a loop leaves as many nodes as it had rounds. Tomorrow's input may leave another one. That
is what "dynamic" means, and why you can step through a model with an ordinary debugger.

Below, a function with a `while` in it, and the number of names that `graph_nodes` finds for five
inputs.
"""


# %% tags=["picture"]
def stubborn(v):
    while v.norm() < 10:  # a question about numbers: it is answered now, and leaves no node behind
        v = v * 1.5
    return v.sum()


walk = stand_in.yours_or_ours("graph_nodes", parts.graph_nodes, lambda f: list(f((torch.ones(1).requires_grad_() * 2).sin())))
counts = {}
for size in (0.1, 0.5, 2.0, 5.0, 20.0):
    v = torch.full((4,), size, requires_grad=True)
    counts[f"v = {size}"] = len(list(walk(stubborn(v))))
told = ", ".join(f"{name}: {count}" for name, count in counts.items())
plot.bars(
    counts, xlabel="nodes in the graph", alt=f"Nodes in the graph of one function for five inputs: {told}"
)

# %% [markdown]
r"""
## 3.11 What a graph keeps, and what may not change

A node keeps what its formula needs: *Mul* its factors, *Exp* its own output, *Add* nothing at all. After
`backward()` these *saved tensors* are let go, and memory with them. A second `backward()` through a node that
had saved something fails; through `z = x + x`, where nothing was saved, it works. Usually the right answer is
not `retain_graph=True` but to run the forward pass again: it costs little, and it uses the weights of now.

And what if somebody *writes* into a saved tensor between forward and backward? The formula would go on with the
wrong numbers. PyTorch notices: every tensor has a **version counter**, `_version`, that each in-place operation
raises by one. A node remembers the version it saved, and refuses another.
"""

# %%
w = torch.ones(3, requires_grad=True)
for name, operation in {"exp, which saved its output": torch.exp, "times 2, which saved no tensor": lambda t: t * 2}.items():
    h = operation(w)
    before = h._version
    h.mul_(10)  # in place
    try:
        h.sum().backward()
        outcome = f"w.grad = {w.grad.tolist()}"
    except RuntimeError as error:
        outcome = "refused: " + str(error).split(", which")[0]
    print(f"{name}: version {before} -> {h._version}, {outcome}")

# %% [markdown]
r"""
So in-place operations are no sin; they are refused exactly where they would make a gradient wrong. One way
around the counter exists and should stay unused: `h.data.mul_(10)` changes the numbers and raises no version.
Nothing is refused then, and the gradient is wrong without a word.
"""

# %%
h = w.exp()
h.data.mul_(10)
w.grad = None
h.sum().backward()
print("exp has the derivative", w.exp().detach().tolist(), "and backward() gave", w.grad.tolist())

# %% [markdown]
r"""
## 3.12 A gallery of errors

These seven are what autograd says most often. Read each message once in peace, with the line that causes it;
when you meet it at night you will know its face. Before you run the cell: which of them are errors, and which is
only a warning?
"""


# %%
def leaf():
    return torch.tensor([1.0, 2.0], requires_grad=True)


def twice_through(h):
    h.sum().backward()
    h.sum().backward()


gallery = {
    "1 a vector": lambda: (leaf() * 2).backward(),
    "2 no graph": lambda: torch.ones(2).sum().backward(),
    "3 freed": lambda: twice_through(leaf().exp()),
    "4 a leaf in place": lambda: leaf().sub_(1.0),
    "5 changed in place": lambda: leaf().exp().mul_(2).sum().backward(),
    "6 not a leaf": lambda: (leaf() * 2).grad,
    "7 to NumPy": lambda: leaf().numpy(),
}
for name, trigger in gallery.items():
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            trigger()
            print(f"{name}: a warning.", str(said[0].message)[:110], "…")
        except RuntimeError as error:
            print(f"{name}: {str(error)[:200]} …")

# %% [markdown]
r"""
| message, in short | cause | cure |
|---|---|---|
| 1 *grad can be implicitly created only for scalar outputs* | `backward()` on a tensor of several numbers | make one number of it: `.sum()`, `.mean()`; or pass a gradient |
| 2 *does not require grad and does not have a grad_fn* | nothing in the computation requires grad; or it ran under `no_grad`, or after `detach` | `requires_grad_()` on the leaves; move the computation out of the block |
| 3 *backward through the graph a second time* | saved tensors were let go by the first pass | run the forward pass again |
| 4 *a leaf Variable that requires grad is being used in an in-place operation* | an update that autograd was watching | `with torch.no_grad():` |
| 5 *modified by an inplace operation … expected version 0* | a saved tensor was written into | leave out the underscore: `h * 2` for `h.mul_(2)` |
| 6 *The .grad attribute of a Tensor that is not a leaf* | `.grad` of a computed tensor | ask the leaf, or `retain_grad()` before backward |
| 7 *Can't call numpy() on Tensor that requires grad* | NumPy knows no graph | `.detach().numpy()` |
"""

# %% [markdown]
r"""
## Two questions

These are read by a person. A few honest sentences are worth more than a page.
"""

# %% [markdown]
r"""
### Question A
A leaf $w$ enters a loss along two paths, $L = f(p(w), q(w))$. Show with the chain rule why its gradient is a
*sum*. Then use that to explain (1) why the node of $w$ has to wait for both paths, and (2) how four calls of
`backward()` on quarters of a batch, without clearing in between, can replace one call on the whole batch, and
what you have to do where the loss is a mean.
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_accumulate", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
r"""
**Model answer.** A small change $dw$ changes $p$ by $p'(w)\,dw$ and $q$ by $q'(w)\,dw$; to first order
the loss changes by the sum of both effects, so $dL/dw = \partial_1 f \cdot p'(w) + \partial_2 f \cdot
q'(w)$. Each path sends one term. (1) A node hands on one number, the complete sum; if it ran after the
first term only, everything behind it would get too little. (2) A loss over a batch is a sum over
examples, $w$ is used once in each, so the terms may arrive in four calls and add up in `.grad`; clear
before the first and update after the last. With a mean, each quarter is divided by its own size: divide
each quarter's loss by four, or weight it by its share.

**Rubric.** 1 point: the sum comes from the chain rule with two arguments, and is not only claimed. 1
point: the waiting is explained by a sum that has to be complete. 1 point: accumulation over quarters with
the clearing in the right place and the factor of the mean.
"""

# %% [markdown]
r"""
### Question B
`torch.no_grad()`, `t.detach()` and `p.requires_grad_(False)` all stop gradients. For each of these four, say
which you would use and why: updating weights, evaluating on test data, the target of exercise 3.4, a frozen
layer in the *middle* of a network that still trains before and after it. For one of them, say what goes wrong
with another choice.
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_three_ways", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
r"""
**Model answer.** *Updating:* `no_grad`; the step is no part of the differentiated function, and an
in-place write to a leaf would be refused otherwise. *Evaluating:* `no_grad` around all of it, so that no
graph is built and no memory held. *Target:* `detach` on its output, or `no_grad` around its forward pass
only; the online network needs its graph. *Frozen middle layer:* `requires_grad_(False)` on its
parameters: gradients still pass through to the layers before it. With `no_grad` or `detach` in the middle
the graph would end there, and the layers before it would silently stop learning. (Freezing the target by
its flags would also work, but changes an object that belongs to somebody else.)

**Rubric.** 2 points: four fitting choices with a reason each (1 point for two or three). 1 point: one
concrete consequence of a wrong choice, such as a cut graph, a refused in-place update, or memory that is
never freed.
"""

# %% [markdown]
r"""
## Summary

| you wrote, or used | what is now hidden behind the name |
|---|---|
| `loss.backward()` | the whole of `loss_and_grads`: a walk over the graph, in topological order |
| `.grad` | the end of the walk; it adds, so you clear |
| `autograd_train`, `sgd_update` | forward, backward, step, clear: the loop of every training script |
| `no_grad`, `detach`, `requires_grad_(False)` | nothing is recorded; the graph ends here; no gradient for this leaf |
| `target_loss`, `freeze` | who learns is your decision, not the formula's |
| `jacobian`, `hessian_vector_product` | one pass gives one row; a gradient is a computation too |
| `graph_nodes` | nodes, edges, and the order in which sums are complete |
| `my_backward` | the engine: call each node once, in that order, and add at the leaves |
| `_version`, saved tensors | what a node kept may not change before its turn |
"""

# %% [markdown]
r"""
**What still hurts?** Every node in this chapter was PyTorch's own. You are stuck where an operation has no useful
derivative (rounding), where you know a better one than autograd finds, and where the operation is not PyTorch at all.
Chapter 4 lets you write a node yourself. And your weights still lie around one by one; chapter 5 puts
them into layers.
"""

# %% [markdown]
r"""
## Where to go next

- *Next chapter:* `04_function`, an operation with your own backward.
- *In the library:* a node is `struct Node` in `torch/csrc/autograd/node.h`; the walk is
  `Engine::execute` in `torch/csrc/autograd/engine.cpp`, and its `compute_dependencies` counts what your
  `graph_nodes` has to respect; `torch/csrc/autograd/functions/accumulate_grad.h` holds the node that adds into
  `.grad`. The formulas of all nodes stand in `tools/autograd/derivatives.yaml`.
- *Further:* Andrej Karpathy's *micrograd*, an engine like yours with nodes of its own (chapter 12 builds one);
  "Autograd mechanics" in PyTorch's notes; Baydin and others, *Automatic Differentiation in
  Machine Learning: a Survey* (2018).
- *Try:* `graph_nodes` of a gradient made with `create_graph=True`. How many nodes does one more
  derivative cost?
"""
