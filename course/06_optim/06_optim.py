# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
r"""
# 6 · How parameters move

Autograd hands you a slope for every weight. What you do with it is still one line of your own in every
program: `p -= lr * p.grad`. In this chapter that line grows into an **optimizer**: an object that remembers,
for each parameter, what happened before, and moves it better because of that.

By the end you will have written SGD with momentum, Adam and AdamW, a learning-rate schedule, gradient
clipping, parameter groups, and a checkpoint from which training goes on as if it had never stopped.
"""

# %% [markdown]
r"""
| piece | what it holds | who owns it |
|---|---|---|
| parameter | the weight itself | the model |
| `.grad` | the slope at this step, gone at the next | autograd |
| **state** | what is remembered from step to step: averages, a counter | **the optimizer** |
| `lr`, `betas`, … | how to move | the optimizer, and whoever sets `opt.lr` |

Only the first row is in the model's `state_dict`. Keep the third one in mind: *an optimizer is state beside
parameters*. Half of the surprises in this chapter come from forgetting that it is there.
"""

# %% tags=["setup"] nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import math
import operator
import os
import shutil
import tempfile

import torch
from torch import nn

from layer_by_layer import candidates, judges, parts
from layer_by_layer.instruments import sliders, stand_in
from layer_by_layer.instruments.gallery import gallery
from layer_by_layer.instruments.recall import compare_guesses
from lessonkit import check, plot
from lessonkit.hints import hint

# %% [markdown]
r"""
**Before you start: four questions on chapters 3 to 5.** Type what you expect in place of each `...`, then run
both cells. No points, and nothing is kept.

1. `.grad` of a weight holds 5. A backward pass adds a gradient of 2. What does it hold now?
2. A frozen parameter (`requires_grad=False`): what is its `.grad` after `loss.backward()`?
3. How many entries has the `state_dict` of `nn.BatchNorm1d(8)`, parameters and buffers together?
4. A loss is $\frac12 \cdot 25\,w^2$. What is its gradient at $w = 2$?
"""

# %%
guesses = [..., ..., ..., ...]

# %% tags=["picture"]
def added():
    w = torch.tensor(1.0, requires_grad=True)
    w.grad = torch.tensor(5.0)
    (2 * w).backward()
    return w.grad.item()


def of_a_frozen_one():
    layer = nn.Linear(2, 1)
    layer.weight.requires_grad_(False)
    layer(torch.ones(1, 2)).sum().backward()
    return layer.weight.grad


def of_a_bowl():
    w = torch.tensor(2.0, requires_grad=True)
    return torch.autograd.grad(12.5 * w**2, w)[0].item()


compare_guesses(
    guesses,
    {
        "1. .grad after 5 and a backward of 2": added,
        "2. .grad of a frozen parameter": of_a_frozen_one,
        "3. entries of a batch norm's state": lambda: len(nn.BatchNorm1d(8).state_dict()),
        "4. the gradient at 2": of_a_bowl,
    },
)

# %% tags=["picture"]
plot.graph(
    {
        "p": "parameters",
        "loss": "loss",
        "grad": ".grad",
        "state": "state",
        "step": "step()",
        "new": "moved parameters",
    },
    [("p", "loss"), ("loss", "grad"), ("grad", "step"), ("state", "step"), ("step", "new")],
    alt="Parameters give a loss and the loss gives .grad; step() takes .grad together with the optimizer's "
    "own state, "
    "and out come moved parameters",
)

# %% [markdown]
r"""
*Needs: chapter 3 (leaves, `.grad`, `torch.no_grad`) and chapter 5 (`nn.Module`, `state_dict`). Eight
exercises, about two hours of them, and an hour and a half of reading and looking: 6.1 to 6.4 and 6.5 to 6.10
make two good evenings. The checks of one never depend on another. A gradient's entries are called *slopes*
here: the slope of the loss along one weight.*

## 6.1 Why one line is not enough

Here is our two-layer network the way chapter 5 left it. The layers are PyTorch's, the gradients are
autograd's. The last three lines of the loop are still ours.
"""

# %% tags=["picture"]
def two_layer_net():
    """the running example: 64 examples of 1000 numbers, 100 hidden, 10 outputs; the same at every call"""
    generator = torch.Generator().manual_seed(6)
    net = nn.Sequential(nn.Linear(1000, 100), nn.ReLU(), nn.Linear(100, 10))
    with torch.no_grad():
        for p in net.parameters():
            scale = (1 / p.shape[1]) ** 0.5 if p.ndim == 2 else 0.0
            p.copy_(scale * torch.randn(p.shape, generator=generator))
    return net, torch.randn(64, 1000, generator=generator), torch.randn(64, 10, generator=generator)


net, data_x, data_y = two_layer_net()
by_hand = []
for _ in range(100):
    loss = nn.functional.mse_loss(net(data_x), data_y)
    net.zero_grad()
    loss.backward()
    by_hand.append(float(loss.detach()))
    with torch.no_grad():
        for p in net.parameters():
            p -= 0.05 * p.grad
print(f"the loss falls from {by_hand[0]:.3f} to {by_hand[-1]:.3f} in {len(by_hand)} steps")

# %% [markdown]
r"""
It learns. Three things hurt:

- **One `lr` for every direction.** Where the loss is steep a long step overshoots; where it is flat a short
  one gets nowhere. In a million weights there is always some of each.
- **No memory.** Each step knows only the slope under its feet.
- **Nowhere to put anything.** A better rule needs numbers that live as long as training does, a set for each
  parameter. In a bare loop they are loose variables that somebody forgets to save.
"""

# %% [markdown]
r"""
To see the first two, leave the network for a moment. Take a loss of just two weights: a valley, 25 times as
steep across as along, with its lowest point at the star.
"""

# %% tags=["picture"]
def valley(w, turn=0.0):
    """two weights (2, ...) -> a loss 25 times as steep across as along; `turn` rotates it, in degrees"""
    a, d0, d1 = math.radians(turn), w[0] - 1.5, w[1] - 1.0
    along, across = math.cos(a) * d0 + math.sin(a) * d1, math.cos(a) * d1 - math.sin(a) * d0
    return 0.5 * along**2 + 12.5 * across**2

# %% tags=["picture"]
def draw_paths(paths, alt, turn=0.0):
    """contour lines of the valley, and over them a path of two weights for each name"""
    grid = torch.stack(
        torch.meshgrid(torch.linspace(-2.6, 2.6, 90), torch.linspace(-0.7, 2.4, 90), indexing="xy")
    )
    with plot.figure(alt, height=3.6) as ax:
        levels = [0.02, 0.1, 0.4, 1, 2, 4, 8, 16]
        ax.contour(*grid.numpy(), valley(grid, turn).numpy(), levels=levels, colors="#BBBBBB", linewidths=0.8)
        for (name, path), mark in zip(paths.items(), "os^D"):
            ax.plot(
                [w[0] for w in path],
                [w[1] for w in path],
                marker=mark,
                markersize=3,
                linewidth=1.2,
                label=name,
            )
        ax.plot([1.5], [1.0], marker="*", color="black", markersize=13, linestyle="none")
        ax.set_xlabel("weight 0: the flat direction")
        ax.set_ylabel("weight 1: the steep one")
        ax.legend(loc="lower left")

# %% tags=["picture"]
def walk_by_hand(lr, steps):
    """plain descent from (-2, 2) -> the points it visits"""
    w = torch.tensor([-2.0, 2.0], requires_grad=True)
    points = [w.tolist()]
    for _ in range(steps):
        (slope,) = torch.autograd.grad(valley(w), w)
        with torch.no_grad():
            w -= lr * slope
        points.append(w.tolist())
    return points


hand_paths = {"lr = 0.075": walk_by_hand(0.075, 25), "lr = 0.01": walk_by_hand(0.01, 25)}
draw_paths(
    hand_paths,
    alt="Plain descent in a narrow valley, 25 steps with two learning rates. The long step jumps from wall "
    "to wall and ends at "
    "weight 0 = {:.2f}; the short one goes straight to the floor and then creeps, to {:.2f}. The star is "
    "at 1.5".format(
        hand_paths["lr = 0.075"][-1][0], hand_paths["lr = 0.01"][-1][0]
    ),
)

# %% [markdown]
r"""
The long step pays for its progress along the valley by jumping from wall to wall. The short one reaches the
floor quietly and then crawls. No single number is right for both directions, and nothing in the loop can
notice that it has been here before.
"""

# %% [markdown]
r"""
**How long may a step be?** Take one direction alone, with the distance $d$ from the lowest point. The loss is
$\frac12 h d^2$, its slope $h d$, and $h$ is the *curvature* (an eigenvalue $\lambda$ of the Hessian, in
books). One step of plain descent:

$$d \;\leftarrow\; d - \text{lr}\cdot h\,d \;=\; (1 - \text{lr}\cdot h)\, d$$

So every step multiplies $d$ by one and the same number. It shrinks where $|1 - \text{lr}\cdot h| < 1$, that is
for **lr < 2/h**; between $1/h$ and $2/h$ it jumps to the other wall each time. The steepest direction of all
sets the limit: here $h = 25$, so lr < 0.08.
"""

# %% [markdown]
r"""
**And how fast can it be?** Along the valley $h = 1$: there every step keeps a share of $1 - \text{lr}$, which
the limit of 0.08 holds above 92 %. The best single `lr` lets both directions shrink alike, $1 - \text{lr}\,h_{\min}
= \text{lr}\,h_{\max} - 1$:

$$\text{lr} = \frac{2}{h_{\min} + h_{\max}} \qquad\text{with a share of}\qquad
\frac{\kappa - 1}{\kappa + 1}, \quad \kappa = \frac{h_{\max}}{h_{\min}}$$

$\kappa$ is the **condition number**, how much steeper the steepest direction is than the flattest. Of a real
network's loss it is in the thousands and more. The trouble is not the steepness but the *difference*.
"""

# %% tags=["picture"]
def draw_descent(lr):
    """plain descent at one learning rate: the path, and what a step leaves of both directions"""
    path = walk_by_hand(lr, 25)
    ends = [min(abs(v), 99.0) for v in path[-1]]
    draw_paths(
        {f"lr = {lr:.3f}": [[max(-9.0, min(9.0, v)) for v in point] for point in path]},
        alt=f"25 steps at lr {lr:.3f}. Each step leaves {1 - lr:+.3f} of the distance along the valley and "
        f"{1 - 25 * lr:+.3f} of the distance across it; it ends at ({ends[0]:.2f}, {ends[1]:.2f}), at most 99",
    )
    print(f"a step leaves {1 - lr:+.3f} along the valley, {1 - 25 * lr:+.3f} across it")


draw_descent(2 / 26)

# %%
sliders.move(draw_descent, lr=(0.005, 0.085, 0.0025, 0.075))

# %% [markdown]
r"""
Above, the best single `lr`, 2/26: both directions keep 12/13 of their distance, across with the sign turned
round. Move the slider past 0.08, and look at the second number as you cross it.
"""

# %% [markdown]
r"""
## 6.2 Memory: momentum

Give every parameter a *momentum buffer* $b$ of its own shape, an echo of the slopes so far. (The optimizer keeps it;
it has nothing to do with chapter 5's buffers, which belong to a module.)

$$b \leftarrow \mu\, b + g \qquad\qquad p \leftarrow p - \text{lr}\cdot b$$

Slopes that keep pointing the same way add up, to at most $1/(1-\mu)$ of them. Slopes that flip sign at every
step cancel. Along the valley that is acceleration, across it is a brake.

The learning rate stays **outside** the buffer. If it went in, the buffer would still hold old learning rates
long after you lowered yours.
"""

# %% [markdown]
r"""
Two more dials belong to SGD, and both change what counts as the slope:

- **Weight decay** $\lambda$ pulls each weight towards 0, by adding $\lambda p$ to its gradient *before*
  anything else looks at it: $g \leftarrow g + \lambda p$.
- **Nesterov** momentum looks one step ahead. The buffer is updated as above, and the step then uses
  $g + \mu b$ in place of $b$.
"""

# %% [markdown]
r"""
### Exercise 6.2 · `sgd`
*difficulty 2 of 3 · 20 minutes · about 18 lines*

Write `SGD(params, lr, momentum=0.0, weight_decay=0.0, nesterov=False)`, equal to `torch.optim.SGD` step for
step.

- `params` is any iterable of parameters of any shapes, a generator too. `opt.lr` may be set to another value
  between steps and counts from the next `step()` on.
- `step()` moves each parameter **in place**, into the same storage, and it stays a leaf. A parameter whose
  `.grad` is `None` is skipped: nothing of it moves, its buffer neither. `.grad` is read, not changed.
- `zero_grad()` clears every gradient, to `None` or to zeros.
- float32 and float64 work, in the parameter's own dtype. `nesterov=True` is used only with `momentum > 0`.

Not allowed: anything from `torch.optim`.
"""

# %% nbgrader={"grade": false, "grade_id": "sgd", "locked": false, "schema_version": 3, "solution": true, "task": false}
class SGD:
    """Descent with momentum, weight decay and Nesterov's look ahead; `lr` may be changed at any time."""

    def __init__(self, params, lr, momentum=0.0, weight_decay=0.0, nesterov=False):
        # about 4 lines
        ### BEGIN SOLUTION
        self.params = list(params)  # a generator can be walked through only once
        self.lr, self.momentum, self.weight_decay, self.nesterov = lr, momentum, weight_decay, nesterov
        self.buffers = [torch.zeros_like(p) for p in self.params]  # the state beside the parameters
        ### END SOLUTION

    def step(self):
        # about 10 lines
        ### BEGIN SOLUTION
        with torch.no_grad():  # the update is no part of any graph
            for p, buffer in zip(self.params, self.buffers):
                if p.grad is None:
                    continue
                slope = p.grad + self.weight_decay * p  # a new tensor: .grad stays what it was
                if self.momentum:
                    buffer.mul_(self.momentum).add_(slope)
                    slope = slope + self.momentum * buffer if self.nesterov else buffer
                p.sub_(self.lr * slope)  # lr comes last, and never enters the buffer
        ### END SOLUTION

    def zero_grad(self):
        # about 2 lines
        ### BEGIN SOLUTION
        for p in self.params:
            p.grad = None
        ### END SOLUTION

# %%
hint("sgd")

# %% nbgrader={"grade": true, "grade_id": "sgd__plain", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("sgd__plain")
def _():
    def one_step(**options):
        params = [torch.tensor([1.0, -2.0], requires_grad=True), torch.tensor([[3.0]], requires_grad=True)]
        opt = SGD((p for p in params), **options)
        params[0].grad = torch.tensor([0.5, 1.0])
        opt.step()
        return [p.detach().clone() for p in params]

    check.close(
        "one step by hand: 1 - 0.1·0.5 and -2 - 0.1·1; the parameter without a gradient stays",
        lambda: one_step(lr=0.1),
        expected=lambda: [torch.tensor([0.95, -2.1]), torch.tensor([[3.0]])],
        advice="print p and p.grad before and after step(); in this check params is a generator",
    )

    def two_rates():
        p = nn.Parameter(torch.tensor([1.0]))
        opt = SGD([p], 0.1)
        for lr in (0.1, 1.0):
            opt.lr = lr
            p.grad = torch.tensor([1.0])
            opt.step()
        return p.detach().clone()

    check.close("a new opt.lr counts from the next step on", two_rates, expected=lambda: torch.tensor([-0.1]))
    ### BEGIN HIDDEN TESTS
    start, rows = check.tensor(601, 3, 2), check.tensor(602, 25, 3, 2)

    def follow(make, set_lr=lambda opt, lr: setattr(opt, "lr", lr)):
        p, seen = start.clone().requires_grad_(), {}
        opt = make(q for q in [p])
        for step in range(25):
            set_lr(opt, 0.1 / (1 + step // 6))
            p.grad = None if step % 7 == 5 else rows[step].clone()
            opt.step()
            seen[f"step {step + 1}"] = p.detach().clone()
        return seen

    def torch_lr(opt, lr):
        opt.param_groups[0]["lr"] = lr

    check.close("25 plain steps, some without a gradient", lambda: follow(lambda p: SGD(p, lr=0.1)), expected=lambda: follow(lambda p: torch.optim.SGD(p, lr=0.1), torch_lr))

    def walked(kind, slope):
        p = torch.ones_like(slope).requires_grad_()
        opt = kind([p], lr=0.1, weight_decay=0.1)
        for _ in range(3):
            p.grad = slope
            opt.step()
        return p.detach().clone()

    check.probes("what SGD promises besides its numbers", lambda: lambda slope: walked(SGD, slope), check.tensor(951, 4, 3), rtol=1e-4, atol=1e-5, expected=lambda: lambda slope: walked(torch.optim.SGD, slope))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "sgd__momentum", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("sgd__momentum")
def _():
    def slopes_of_one(rates, **options):
        p, seen = torch.tensor([1.0], requires_grad=True), []
        opt = SGD([p], lr=0.1, **options)
        p.grad = torch.tensor([1.0])
        for lr in rates:
            opt.lr = lr
            opt.step()
            seen.append(p.detach().clone())
        return torch.cat(seen)

    check.close(
        "momentum 0.5 and a slope of 1: the buffer goes 1, 1.5, 1.75",
        lambda: slopes_of_one([0.1, 0.1, 0.1], momentum=0.5),
        expected=lambda: torch.tensor([0.9, 0.75, 0.575]),
        advice="print the buffer after each step",
    )
    check.close(
        "the same with a smaller lr from the second step on: the buffer does not know about lr",
        lambda: slopes_of_one([0.1, 0.01, 0.01], momentum=0.5),
        expected=lambda: torch.tensor([0.9, 0.885, 0.8675]),
        advice="multiply by self.lr when the parameter moves, not when the buffer is updated",
    )

    def same_memory():
        p = torch.tensor([1.0, -1.0], requires_grad=True)
        p.grad = torch.zeros(2)
        opt = SGD([p], lr=0.1, momentum=0.5)
        for slope in ([1.0, 2.0], [3.0, 0.0], [0.0, 1.0]):
            p.grad.copy_(torch.tensor(slope))  # as backward() does where the gradient was zeroed, not dropped
            opt.step()
        return p.detach().clone()

    check.close(
        "a gradient that is overwritten in its own memory leaves the buffer alone",
        same_memory,
        expected=lambda: torch.tensor([0.375, -1.45]),
        advice="is your buffer the same tensor as p.grad, or its own?",
    )
    ### BEGIN HIDDEN TESTS
    start = [check.tensor(611 + i, 3, 2) for i in range(3)]
    rows = [check.tensor(614 + i, 28, 3, 2) for i in range(3)]
    rows[0][12] = 0.0

    def follow(make, set_lr=lambda opt, lr: setattr(opt, "lr", lr)):
        params, seen = [p.clone().requires_grad_() for p in start], {}
        opt = make(params)
        for step in range(28):
            set_lr(opt, 0.05 if step < 10 else 0.01 if step < 20 else 0.2)
            for i, p in enumerate(params):
                p.grad = None if (step + 2 * i) % 5 == 3 or (i == 2 and step < 4) else rows[i][step].clone()
            opt.step()
            seen[f"step {step + 1}"] = [p.detach().clone() for p in params]
        return seen

    def torch_lr(opt, lr):
        opt.param_groups[0]["lr"] = lr

    check.close("28 steps of three parameters, gradients absent now and then", lambda: follow(lambda p: SGD(p, lr=0.05, momentum=0.9)), expected=lambda: follow(lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9), torch_lr))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "sgd__decay_and_nesterov", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("sgd__decay_and_nesterov")
def _():
    def slopes(values, start, **options):
        p, seen = torch.tensor([start], requires_grad=True), []
        opt = SGD([p], lr=0.1, **options)
        for value in values:
            p.grad = torch.tensor([value])
            opt.step()
            seen.append(p.detach().clone())
        return torch.cat(seen)

    check.close(
        "weight decay 0.25 at p = 2 adds 0.5 to the slope: 2 - 0.1·(0.5 + 0.5)",
        lambda: slopes([0.5], 2.0, weight_decay=0.25),
        expected=lambda: torch.tensor([1.9]),
        advice="weight_decay is multiplied by the parameter and added to its gradient",
    )
    check.close(
        "Nesterov, momentum 0.5, a slope of 1: steps along 1 + 0.5·1, then 1 + 0.5·1.5",
        lambda: slopes([1.0, 1.0], 1.0, momentum=0.5, nesterov=True),
        expected=lambda: torch.tensor([0.85, 0.675]),
        advice="update the buffer first, then look ahead with the new one",
    )
    ### BEGIN HIDDEN TESTS
    start = [check.tensor(621, 3, 2), check.tensor(622, 3, 2), check.tensor(623)]
    rows = [check.tensor(624, 26, 3, 2), check.tensor(625, 26, 3, 2), check.tensor(626, 26)]
    rows[1][9] = 0.0

    def follow(make, set_lr=lambda opt, lr: setattr(opt, "lr", lr)):
        params, seen = [p.clone().requires_grad_() for p in start], {}
        opt = make(params)
        for step in range(26):
            set_lr(opt, 0.05 if step < 8 else 0.1 if step < 16 else 0.02)
            for i, p in enumerate(params):
                p.grad = None if (step + 2 * i) % 5 == 1 else rows[i][step].clone()
            opt.step()
            seen[f"step {step + 1}"] = [p.detach().clone() for p in params]
        return seen

    def torch_lr(opt, lr):
        opt.param_groups[0]["lr"] = lr

    check.close("weight decay without momentum, 26 steps", lambda: follow(lambda p: SGD(p, lr=0.05, weight_decay=0.3)), expected=lambda: follow(lambda p: torch.optim.SGD(p, lr=0.05, weight_decay=0.3), torch_lr))
    check.close("weight decay with momentum, 26 steps", lambda: follow(lambda p: SGD(p, 0.05, 0.8, 0.3)), expected=lambda: follow(lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.8, weight_decay=0.3), torch_lr))
    check.close("weight decay with Nesterov momentum, 26 steps", lambda: follow(lambda p: SGD(params=p, lr=0.05, momentum=0.8, weight_decay=0.3, nesterov=True)), expected=lambda: follow(lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.8, weight_decay=0.3, nesterov=True), torch_lr))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "sgd__several_parameters", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("sgd__several_parameters")
def _():
    def follow(make, count=2):
        params = [torch.tensor([1.0, -1.0], dtype=torch.float64, requires_grad=True) for _ in range(count)]
        opt, seen = make(p for p in params), []
        for step, slopes in enumerate(((1 / 3, 2.0), (None, -1.0), (0.5, None), (-2.0, 1 / 7), (None, 1.0))):
            for i, p in enumerate(params):
                slope = slopes[i % 2]
                p.grad = None if slope is None or (i + step) % 5 == 4 else torch.full_like(p, slope * (1 + i // 2))
            opt.step()
            seen.append([p.detach().clone() for p in params])
        return seen

    check.close(
        "two parameters of one shape in float64, each sits out a step or two: momentum 0.5",
        lambda: follow(lambda p: SGD(p, lr=0.1, momentum=0.5)),
        expected=lambda: follow(lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.5)),
        rtol=1e-12,
        atol=0.0,
        advice="print both buffers after each step: one for each parameter, and one that sits out keeps its own",
    )
    check.close(
        "the same with a weight decay of 0.25",
        lambda: follow(lambda p: SGD(p, lr=0.1, momentum=0.5, weight_decay=0.25)),
        expected=lambda: follow(lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.5, weight_decay=0.25)),
        rtol=1e-12,
        atol=0.0,
        advice="the decay is added to the slope before anything else looks at it",
    )
    ### BEGIN HIDDEN TESTS
    check.close(
        "twelve parameters of one shape, Nesterov and weight decay",
        lambda: follow(lambda p: SGD(p, 0.05, 0.8, 0.3, True), 12),
        expected=lambda: follow(lambda p: torch.optim.SGD(p, 0.05, 0.8, weight_decay=0.3, nesterov=True), 12),
        rtol=1e-10,
        atol=0.0,
    )
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "sgd__care", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("sgd__care")
def _():
    def cleared():
        params = [torch.tensor([1.0, 2.0], requires_grad=True), torch.tensor([5.0], requires_grad=True)]
        opt = SGD(params, lr=0.1)
        params[0].grad = torch.tensor([3.0, 4.0])
        opt.zero_grad()
        (params[0] * torch.tensor([7.0, 8.0])).sum().backward()
        once, params[1].grad = params[0].grad.clone(), torch.tensor([9.0])
        opt.zero_grad()
        return once, [0.0 if p.grad is None else float(p.grad.abs().sum()) for p in params], params[0].detach().clone()

    check.close(
        "zero_grad clears, the next backward starts from nothing, and no parameter moves",
        cleared,
        expected=lambda: (torch.tensor([7.0, 8.0]), [0.0, 0.0], torch.tensor([1.0, 2.0])),
    )

    def marks():
        p = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
        memory, p.grad = p.detach(), torch.tensor([1.0, 1.0, 1.0])
        opt = SGD([p], lr=0.5, momentum=0.9, weight_decay=0.1)
        opt.step()
        after = memory.clone(), p.grad.clone(), p.is_leaf, p.requires_grad, torch.is_grad_enabled()
        with torch.no_grad():
            opt.step()
            return *after, torch.is_grad_enabled()

    check.close(
        "the same memory has moved, .grad is as it was, p is a leaf that requires grad, and so is the grad "
        "mode as before",
        marks,
        expected=lambda: (torch.tensor([0.45, 1.4, 2.35]), torch.ones(3), True, True, True, False),
        advice="p.data = … and p = … make new memory; which methods write into the old one?",
    )
    ### BEGIN HIDDEN TESTS
    wide, scalar = check.tensor(631, 4, 3, dtype="float64", strided=True), check.tensor(632, dtype="float64")
    rows = check.tensor(633, 5, 4, 3, dtype="float64")

    def side_by_side(make):
        one, other = wide.clone(memory_format=torch.preserve_format).requires_grad_(), scalar.clone().requires_grad_()
        first = make([one])
        for row in rows:
            one.grad = row.clone()
            first.step()
        second = make([other])
        third = [wide[0].clone().requires_grad_()]
        fourth = make(third)
        for row in rows:
            one.grad, other.grad, third[0].grad = row.clone(), row[0, 0].clone(), row[0].clone()
            for opt in (second, first, fourth):
                opt.step()
        return one.detach().clone(), other.detach().clone(), third[0].detach().clone()

    check.close("float64, strided and 0-dim parameters, several optimizers side by side", lambda: side_by_side(lambda p: SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01)), expected=lambda: side_by_side(lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01)))
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**Your SGD in the valley.** The same 25 steps, with and without memory. `descend` below is all that a training
loop is, once the optimizer is an object: ask for the slope, step, clear. Every picture from here on uses it.
"""

# %% tags=["picture"]
def descend(make, steps=25, turn=0.0):
    """walk with the optimizer that `make(params)` returns, from (-2, 2) turned with the valley -> the points"""
    a = math.radians(turn)
    start = [1.5 - 3.5 * math.cos(a) - math.sin(a), 1.0 - 3.5 * math.sin(a) + math.cos(a)]
    w = torch.tensor(start, requires_grad=True)
    opt, points = make([w]), [w.tolist()]
    for _ in range(steps):
        opt.zero_grad()
        valley(w, turn).backward()
        opt.step()
        points.append(w.tolist())
    return points


sgd = stand_in.yours_or_ours("SGD", parts.optimizers.SGD, parts.optimizers.way_of_sgd)
sgd_paths = {
    "SGD": descend(lambda params: sgd(params, lr=0.03)),
    "momentum 0.7": descend(lambda params: sgd(params, lr=0.03, momentum=0.7)),
}
draw_paths(
    sgd_paths,
    alt="25 steps of SGD at lr 0.03. Without momentum it ends at weight 0 = {:.2f}; with momentum 0.7 "
    "it swings across the "
    "floor a few times at first and ends at {:.2f}, the lowest point being at 1.5".format(
        sgd_paths["SGD"][-1][0], sgd_paths["momentum 0.7"][-1][0]
    ),
)

# %% [markdown]
r"""
**What momentum does to the condition number.** With the best `lr` and $\mu$ a step keeps a share of
$(\sqrt\kappa - 1)/(\sqrt\kappa + 1)$: the *root* of the condition number stands where plain descent has the
number itself. For this valley that is 4/6 instead of 24/26; for $\kappa = 10{,}000$ it is 0.98 instead of
0.9998, a hundred times fewer steps. (The choice is $\mu = \left(\frac{\sqrt\kappa-1}{\sqrt\kappa+1}\right)^2$ and $\text{lr}
= \left(\frac{2}{\sqrt{h_{\min}} + \sqrt{h_{\max}}}\right)^2$, here 4/9 and 1/9; a derivation is in Goh's essay, at
the end.)

Below, the loss after 25 steps for every $\mu$, at four learning rates. The two dots are the best choices.
"""

# %% tags=["picture"]
descender = stand_in.yours_or_ours("SGD", parts.optimizers.SGD, parts.optimizers.way_of_sgd)


def loss_after(lr, mu, steps=25):
    """the loss where `descend` ends, at least 1e-9 and at most 1e3"""
    end = descend(lambda params: descender(params, lr=lr, momentum=mu), steps)[-1]
    found = float(valley(torch.tensor(end)))
    return min(max(found, 1e-9), 1e3) if math.isfinite(found) else 1e3


mus = [k / 20 for k in range(20)]
by_lr = {f"lr = {lr:.3g}": [loss_after(lr, mu) for mu in mus] for lr in (0.02, 0.05, 1 / 9, 0.2)}
bests = {"plain": (0.0, loss_after(2 / 26, 0.0)), "momentum": (4 / 9, loss_after(1 / 9, 4 / 9))}
alt = (
    f"Loss after 25 steps against momentum, log axis, for four learning rates. The best plain descent reaches "
    f"{bests['plain'][1]:.2g}, the best with momentum {bests['momentum'][1]:.2g}"
)
with plot.figure(alt, height=3.0) as ax:
    for name, losses in by_lr.items():
        ax.semilogy(mus, losses, label=name)
    ax.plot(*zip(*bests.values()), "ko")
    ax.set(xlabel="momentum", ylabel="loss after 25 steps")
    ax.legend()

# %% tags=["picture"]
def draw_momentum(lr, momentum):
    path = descend(lambda params: descender(params, lr=lr, momentum=momentum))
    draw_paths(
        {f"lr {lr:.3f}, momentum {momentum:.2f}": [[max(-9.0, min(9.0, v)) for v in point] for point in path]},
        alt=f"25 steps at lr {lr:.3f} with momentum {momentum:.2f}: the loss ends at {loss_after(lr, momentum):.2g}",
    )


draw_momentum(1 / 9, 4 / 9)

# %%
sliders.move(draw_momentum, lr=(0.005, 0.2, 0.005, 0.11), momentum=(0.0, 0.95, 0.05, 0.45))

# %% [markdown]
r"""
Note that with momentum `lr` may be larger than 0.08: the limit becomes $2(1 + \mu)/h$. And that momentum too
large for the `lr` swings for a long time: the echo of the walls outlives them.
"""

# %% [markdown]
r"""
## 6.3 A step size for every weight: Adam

Momentum still has one learning rate for all. Adam keeps **two** averages for each weight, of its slopes and
of their squares:

$$m \leftarrow \beta_1 m + (1-\beta_1)\, g \qquad\qquad v \leftarrow \beta_2 v + (1-\beta_2)\, g^2$$

$\sqrt v$ is the usual size of the slope (its root mean square). Dividing by it takes the *scale* away: a weight
with slopes of a thousandth moves as far as one with slopes of a thousand. What is left is how much the slopes
*agree*. Slopes that always point the same way give steps of `lr`; slopes that are pure noise cancel in $m$, not
in $v$, and give much shorter ones.
"""

# %% [markdown]
r"""
**A cold start.** Both averages begin at 0, so at first they are much too small: after one step $m$ is
$0.1\,g$ and $v$ is $0.001\,g^2$. The cure is to divide each by the weight it has gathered so far, with $t$
the number of updates **this parameter** has had:

$$\hat m = \frac{m}{1-\beta_1^t} \qquad \hat v = \frac{v}{1-\beta_2^t} \qquad\qquad
p \leftarrow p - \text{lr}\cdot\frac{\hat m}{\sqrt{\hat v} + \varepsilon}$$

Two details decide whether you get PyTorch's numbers: $\varepsilon$ is added **after** the square root, to the
corrected $\hat v$; and a parameter that sits out a step does not count it.
"""

# %% tags=["picture"]
steps = torch.arange(1, 61)
plot.curves(
    {"weight gathered by m": (steps, 1 - 0.9**steps), "weight gathered by v": (steps, 1 - 0.999**steps)},
    xlabel="step",
    ylabel="1 - beta to the power of t",
    alt="How much weight Adam's two averages have gathered: that of m, with beta 0.9, reaches 0.88 after "
    "20 steps; that of v, "
    "with beta 0.999, is still at 0.06 after 60. Dividing by it undoes the cold start",
)

# %% [markdown]
r"""
### Exercise 6.3a · `adam`
*difficulty 2 of 3 · 20 minutes · about 17 lines*

Write `Adam(params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8)`, equal to `torch.optim.Adam` step for step.

- `params` is any iterable of parameters; `opt.lr` may be changed between steps.
- `step()` works in place, skips a parameter whose `.grad` is `None` (averages and count stay too) and leaves
  `.grad` as it is; `zero_grad()` clears to `None` or zeros.
- The state is kept in the parameter's own dtype: in float64, slopes of 1e-25 still count.

Not allowed: anything from `torch.optim`.
"""

# %% nbgrader={"grade": false, "grade_id": "adam", "locked": false, "schema_version": 3, "solution": true, "task": false}
class Adam:
    """A step of about lr for every weight: the average slope over the usual size of the slope."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        # about 4 lines
        ### BEGIN SOLUTION
        self.params = list(params)
        self.lr, self.betas, self.eps = lr, betas, eps
        # one little record for each parameter, with a step count of its own
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]
        ### END SOLUTION

    def step(self):
        # about 11 lines
        ### BEGIN SOLUTION
        beta1, beta2 = self.betas
        with torch.no_grad():
            for p, s in zip(self.params, self.state):
                if p.grad is None:
                    continue
                s["t"] += 1
                s["m"].mul_(beta1).add_(p.grad, alpha=1 - beta1)
                s["v"].mul_(beta2).addcmul_(p.grad, p.grad, value=1 - beta2)
                m = s["m"] / (1 - beta1 ** s["t"])  # new tensors: the averages themselves stay uncorrected
                v = s["v"] / (1 - beta2 ** s["t"])
                p.sub_(self.lr * m / (v.sqrt() + self.eps))
        ### END SOLUTION

    def zero_grad(self):
        # about 2 lines
        ### BEGIN SOLUTION
        for p in self.params:
            p.grad = None
        ### END SOLUTION

# %%
hint("adam")

# %% nbgrader={"grade": true, "grade_id": "adam__by_hand", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("adam__by_hand")
def _():
    def slopes(start, rows, **options):
        p, seen = torch.tensor(start, requires_grad=True), []
        opt = Adam((q for q in [p]), **options)
        for row in rows:
            p.grad = torch.tensor(row)
            opt.step()
            seen.append(p.detach().clone())
        return torch.stack(seen)

    check.close(
        "the first step is lr long, for slopes of 0.01, 1 and -1000 alike",
        lambda: slopes([1.0, 1.0, 1.0], [[0.01, 1.0, -1000.0]], lr=0.1),
        expected=lambda: torch.tensor([[0.9, 0.9, 1.1]]),
        advice="after one step m is 0.1·g and v is 0.001·g²: what has each to be divided by?",
    )
    check.close(
        "slopes 2, then -1: m is 0.2, then 0.08; v is 0.004, then 0.004996",
        lambda: slopes([1.0], [[2.0], [-1.0]], lr=0.1),
        expected=lambda: torch.tensor([[0.9], [0.873366]]),
        advice="print t, m and v after each step and compare with these",
    )
    ### BEGIN HIDDEN TESTS
    rows = [[0.3, -0.02], [0.1, 0.05], [-0.4, 0.01], [0.2, -0.03]]

    def with_torch(rows=rows, **options):
        p, seen = torch.tensor([1.0, -1.0], requires_grad=True), []
        opt = torch.optim.Adam([p], **options)
        for row in rows:
            p.grad = torch.tensor(row)
            opt.step()
            seen.append(p.detach().clone())
        return torch.stack(seen)

    check.close("the defaults are lr 0.001, betas 0.9 and 0.999", lambda: (slopes([1.0, -1.0], rows) - torch.tensor([1.0, -1.0])) * 1000, expected=lambda: (with_torch() - torch.tensor([1.0, -1.0])) * 1000, rtol=2e-3, atol=2e-3)
    tiny = [[1e-8, -3e-8], [2e-8, 1e-8]]
    check.close("the default eps is 1e-8", lambda: slopes([1.0, -1.0], tiny, lr=0.1), expected=lambda: with_torch(tiny, lr=0.1))
    check.close("an eps that is as large as the slopes", lambda: slopes([1.0, -1.0], rows, lr=0.1, eps=0.1), expected=lambda: with_torch(lr=0.1, eps=0.1))
    check.close("other betas", lambda: slopes([1.0, -1.0], rows, lr=0.1, betas=(0.6, 0.8)), expected=lambda: with_torch(lr=0.1, betas=(0.6, 0.8)))

    def walked(kind, slope):
        p = torch.ones_like(slope).requires_grad_()
        opt = kind([p], lr=0.1)
        for _ in range(3):
            p.grad = slope
            opt.step()
        return p.detach().clone()

    check.probes("what Adam promises besides its numbers", lambda: lambda slope: walked(Adam, slope), check.tensor(952, 4, 3), rtol=1e-4, atol=1e-5, expected=lambda: lambda slope: walked(torch.optim.Adam, slope))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "adam__settings", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("adam__settings")
def _():
    def slopes(rows, dtype=torch.float32, rates=(), **options):
        p, seen = torch.tensor([1.0], dtype=dtype, requires_grad=True), []
        opt = Adam([p], lr=0.1, **options)
        for row, rate in zip(rows, [*rates, *[None] * len(rows)]):
            if rate is not None:
                opt.lr = rate
            p.grad = torch.tensor([row], dtype=dtype)
            opt.step()
            seen.append(p.detach().clone())
        return torch.cat(seen)

    check.close(
        "a slope of 2 and eps = 3: the step is 0.1 · 2/(2 + 3)",
        lambda: slopes([2.0], eps=3.0),
        expected=lambda: torch.tensor([0.96]),
        advice="eps is added to the root of the corrected v",
    )
    check.close(
        "betas (0.5, 0.75), slopes 2 and -1: m is 1, then 0, and so is the second step",
        lambda: slopes([2.0, -1.0], betas=(0.5, 0.75)),
        expected=lambda: torch.tensor([0.9, 0.9]),
    )
    check.close(
        "the same slope again and again: steps as long as opt.lr, which was changed on the way",
        lambda: slopes([1.0, 1.0, 1.0], rates=(0.1, 0.01, 0.2)),
        expected=lambda: torch.tensor([0.9, 0.89, 0.69]),
        advice="read self.lr when the step is made",
    )
    check.close(
        "in float64 a slope of 1e-25 is a slope, if eps is smaller still",
        lambda: slopes([1e-25], dtype=torch.float64, eps=1e-30),
        expected=lambda: torch.tensor([0.9], dtype=torch.float64),
        rtol=1e-4,
    )
    ### BEGIN HIDDEN TESTS
    def twelve(make):
        params = [torch.full((2,), 1.0 + i, dtype=torch.float64, requires_grad=True) for i in range(12)]
        opt = make(params)
        for step in range(4):
            for i, p in enumerate(params):
                p.grad = None if (i + step) % 5 == 0 else torch.full_like(p, math.sin(i + 7 * step))
            opt.step()
        return [p.detach().clone() for p in params]

    check.close(
        "twelve parameters of one shape, each with a state of its own",
        lambda: twelve(lambda p: Adam(p, 0.1, (0.8, 0.9), 0.01)),
        expected=lambda: twelve(lambda p: torch.optim.Adam(p, 0.1, (0.8, 0.9), 0.01)),
        rtol=1e-4,
        atol=5e-5,
    )
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "adam__trajectory", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("adam__trajectory")
def _():
    def sit_out(make):
        params, seen = [torch.tensor([1.0], requires_grad=True), torch.tensor([1.0], requires_grad=True)], []
        opt = make(params)
        for slope, other in ((2.0, None), (1.0, 2.0), (-1.0, None), (0.5, 1.0)):
            params[0].grad = torch.tensor([slope])
            params[1].grad = None if other is None else torch.tensor([other])
            opt.step()
            seen.append(torch.stack([p.detach().clone() for p in params]))
        return torch.stack(seen)

    check.close(
        "a parameter that joins at the second step and sits out the third counts its own steps, and stays where it is",
        lambda: sit_out(lambda p: Adam(p, lr=0.1)),
        expected=lambda: sit_out(lambda p: torch.optim.Adam(p, lr=0.1)),
        advice="t belongs to the parameter, like m and v: where do you keep it, and when does it grow?",
    )
    ### BEGIN HIDDEN TESTS
    start = [check.tensor(641, 3, 2), check.tensor(642, 3, 2), check.tensor(643, 4)]
    rows = [check.tensor(644, 30, 3, 2), check.tensor(645, 30, 3, 2) * 100, check.tensor(646, 30, 4) * 0.01]
    rows[1][9] = 0.0

    def follow(make, set_lr=lambda opt, lr: setattr(opt, "lr", lr)):
        params, seen = [p.clone().requires_grad_() for p in start], {}
        opt = make(params)
        for step in range(30):
            set_lr(opt, 0.05 if step < 11 else 0.005 if step < 21 else 0.1)
            for i, p in enumerate(params):
                p.grad = None if (step + 2 * i) % 5 == 3 or (i == 2 and step < 4) else rows[i][step].clone()
            opt.step()
            seen[f"step {step + 1}"] = [p.detach().clone() for p in params]
        return seen

    def torch_lr(opt, lr):
        opt.param_groups[0]["lr"] = lr

    check.close("30 steps of three parameters, lr changed on the way", lambda: follow(lambda p: Adam(p, lr=0.05)), expected=lambda: follow(lambda p: torch.optim.Adam(p, lr=0.05), torch_lr), atol=5e-5)
    check.close("30 steps with other betas and a large eps", lambda: follow(lambda p: Adam(p, 0.05, (0.7, 0.95), 0.05)), expected=lambda: follow(lambda p: torch.optim.Adam(p, lr=0.05, betas=(0.7, 0.95), eps=0.05), torch_lr), atol=5e-5)
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "adam__care", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("adam__care")
def _():
    def cleared():
        params = [torch.tensor([1.0, 2.0], requires_grad=True), torch.tensor([5.0], requires_grad=True)]
        opt = Adam(params, lr=0.1)
        params[0].grad = torch.tensor([3.0, 4.0])
        opt.zero_grad()
        (params[0] * torch.tensor([7.0, 8.0])).sum().backward()
        once, params[1].grad = params[0].grad.clone(), torch.tensor([9.0])
        opt.zero_grad()
        return once, [0.0 if p.grad is None else float(p.grad.abs().sum()) for p in params], params[0].detach().clone()

    check.close(
        "Adam's zero_grad clears, the next backward starts from nothing, and no parameter moves",
        cleared,
        expected=lambda: (torch.tensor([7.0, 8.0]), [0.0, 0.0], torch.tensor([1.0, 2.0])),
    )

    def marks():
        p = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
        memory, p.grad = p.detach(), torch.tensor([2.0, -2.0, 2.0])
        opt = Adam([p], lr=0.5)
        opt.step()
        after = memory.clone(), p.grad.clone(), p.is_leaf, p.requires_grad, torch.is_grad_enabled()
        with torch.no_grad():
            opt.step()
            return *after, torch.is_grad_enabled()

    check.close(
        "Adam moves the same memory, and leaves .grad, the leaf and the grad mode as they were",
        marks,
        expected=lambda: (torch.tensor([0.5, 2.5, 2.5]), torch.tensor([2.0, -2.0, 2.0]), True, True, True, False),
    )
    ### BEGIN HIDDEN TESTS
    wide, scalar = check.tensor(651, 4, 3, dtype="float64", strided=True), check.tensor(652, dtype="float64")
    rows = check.tensor(653, 5, 4, 3, dtype="float64")

    def side_by_side(make, scale=1.0, **options):
        one, other = wide.clone(memory_format=torch.preserve_format).requires_grad_(), scalar.clone().requires_grad_()
        first = make([one], **options)
        for row in rows:
            one.grad = row * scale
            first.step()
        second = make([other], **options)
        for row in rows:
            one.grad, other.grad = row * scale, row[0, 0] * scale
            second.step()
            first.step()
        return one.detach().clone(), other.detach().clone()

    check.close("Adam on float64, strided and 0-dim parameters, two optimizers side by side", lambda: side_by_side(Adam, lr=0.1), expected=lambda: side_by_side(torch.optim.Adam, lr=0.1), rtol=1e-4, atol=5e-5)
    check.close("in float64, slopes of 1e-25 still count", lambda: side_by_side(Adam, 1e-25, lr=0.1, eps=1e-30), expected=lambda: side_by_side(torch.optim.Adam, 1e-25, lr=0.1, eps=1e-30), rtol=1e-4, atol=5e-5)

    def overwritten(make):
        p = torch.tensor([1.0, -1.0], requires_grad=True)
        p.grad = torch.zeros(2)
        opt = make([p], lr=0.1)
        for slope in ([1.0, 2.0], [3.0, 0.0], [0.0, 1.0]):
            p.grad.copy_(torch.tensor(slope))
            opt.step()
        return p.detach().clone()

    check.close("Adam's averages have memory of their own", lambda: overwritten(Adam), expected=lambda: overwritten(torch.optim.Adam), atol=5e-5)
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**What Adam does to scale.** One first step with your two optimizers, for slopes from a millionth to a
million. SGD's step is as long as the slope is steep. Adam's does not care: only slopes as small as
$\varepsilon$, beyond the left edge of the picture, would make it shorter.
"""

# %% tags=["picture"]
def first_step(make, slope):
    """the distance one step moves a weight of 0 in float64"""
    p = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    opt = make([p])
    p.grad = torch.full_like(p, slope)
    opt.step()
    return abs(p.item())


powers = list(range(-6, 7))
sgd = stand_in.yours_or_ours("SGD", parts.optimizers.SGD, parts.optimizers.way_of_sgd)
adam = stand_in.yours_or_ours("Adam", parts.optimizers.Adam, parts.optimizers.way)
lengths = {
    f"{stand_in.whose('SGD')} SGD": [first_step(lambda params: sgd(params, lr=0.01), 10.0**k) for k in powers],
    f"{stand_in.whose('Adam')} Adam": [first_step(lambda params: adam(params, lr=0.01), 10.0**k) for k in powers],
}
plot.curves(
    {name: (powers, values) for name, values in lengths.items()},
    xlabel="slope, as a power of ten",
    ylabel="length of the first step",
    log=True,
    alt="Length of a first step at lr 0.01, on a logarithmic axis: SGD's grows from {:.0e} to {:.0e} "
    "with the slope, "
    "Adam's stays between {:.3g} and {:.3g}".format(
        *(f(lengths[name]) for name in lengths for f in (min, max))
    ),
)

# %% [markdown]
r"""
**Be the judge.** An optimizer with a wrong detail still trains: the loss falls, a little slower, and nobody looks.
Libraries have shipped several of the mistakes below. What finds them is a test that goes *looking*: two
parameters of which one sits out, an eps as large as the slopes, a second optimizer beside the first.
"""

# %% [markdown]
r"""
### Exercise 6.3b · `judge_adam`
*difficulty 3 of 3 · 20 minutes · about 20 lines*

Write `judge_adam(candidate)` → `True` where the class `candidate` is a right `Adam` as in 6.3a, else `False`. You
choose parameters, slopes and settings, in float32 or float64, and may make as many optimizers of it as you
like. Right ones are exact up to rounding; whether their `zero_grad` gives `None` or zeros is open.

Wrong ones differ in one of these: no or a wrong bias correction; one step count where parameters differ; eps in
the wrong place; betas swapped or hard-coded; moments not kept, or shared between parameters or between two
optimizers; gradients changed; `lr` fixed at construction; a grad of `None` that raises or counts as zeros; a
wrong sign; an `Exception` raised. Here `torch.optim` may serve as a yardstick.

The points come in three parts, by kind. In each, one right candidate refused costs the whole part.
"""

# %% nbgrader={"grade": false, "grade_id": "judge_adam", "locked": false, "schema_version": 3, "solution": true, "task": false}
def judge_adam(candidate):
    """a class that claims to be Adam -> True where it is right"""
    # about 20 lines
    ### BEGIN SOLUTION
    slopes = torch.randn(8, 2, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)

    def way(make, set_lr, **options):
        params = [torch.full((3,), 1.0 + i, dtype=torch.float64, requires_grad=True) for i in range(2)]
        opt, seen = make(params, lr=0.1, **options), []
        for step in range(8):
            set_lr(opt, 0.1 if step < 4 else 0.02)  # lr changes on the way
            params[0].grad = slopes[step, 0].clone()
            params[1].grad = None if step in (0, 1, 5) else slopes[step, 1].clone()  # sits out, and joins late
            opt.step()
            seen += [p.detach().clone() for p in params] + [p.grad for p in params if p.grad is not None]
        return torch.stack(seen)

    def same(**options):
        wanted = way(torch.optim.Adam, lambda opt, lr: opt.param_groups[0].update(lr=lr), **options)
        return torch.allclose(way(candidate, lambda opt, lr: setattr(opt, "lr", lr), **options), wanted, atol=1e-6)

    try:  # one after the other: what two optimizers share shows in the second; a large eps shows where it stands
        return all(same(**options) for options in ({}, {"betas": (0.5, 0.8), "eps": 0.5}, {}))
    except Exception:
        return False
    ### END SOLUTION

# %%
hint("judge_adam")

# %% nbgrader={"grade": true, "grade_id": "judge_adam__formula", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("judge_adam__formula")
def _():
    kinds = ("no or wrong bias correction", "eps in the wrong place", "a wrong sign", "betas swapped or hard-coded")

    def verdicts(seed, shown):
        with check.lend(judge_adam, Adam=parts.optimizers.Adam):
            return candidates.adam.verdicts(judge_adam, seed, *kinds, shown=shown)

    check.that(
        "a missing correction, eps under the root, a wrong sign and swapped betas are caught, the three right ones accepted",
        lambda: verdicts(654, True),
        judge=judges.caught,
        given={"kinds": candidates.adam.kinds(654, *kinds, shown=True)},
        advice="for which eps does its place matter? And which betas are nobody's default?",
    )
    ### BEGIN HIDDEN TESTS
    check.that(
        "the same of optimizers you have not met: corrections, eps, signs, betas",
        lambda: verdicts(655, False),
        judge=judges.caught,
        given={"kinds": candidates.adam.kinds(655, *kinds)},
    )
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "judge_adam__memory", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("judge_adam__memory")
def _():
    kinds = ("one step count for all parameters", "moments not kept", "moments shared")

    def verdicts(seed, shown):
        with check.lend(judge_adam, Adam=parts.optimizers.Adam):
            return candidates.adam.verdicts(judge_adam, seed, *kinds, shown=shown)

    check.that(
        "one step count for all, moments that are forgotten and moments that are shared are caught, right ones accepted",
        lambda: verdicts(656, True),
        judge=judges.caught,
        given={"kinds": candidates.adam.kinds(656, *kinds, shown=True)},
        advice="it takes two parameters of one shape, and two optimizers, to see that something is shared",
    )
    ### BEGIN HIDDEN TESTS
    check.that(
        "the same of optimizers you have not met: counts, moments kept and shared",
        lambda: verdicts(657, False),
        judge=judges.caught,
        given={"kinds": candidates.adam.kinds(657, *kinds)},
    )
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "judge_adam__manners", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("judge_adam__manners")
def _():
    kinds = ("grads changed", "lr fixed at construction", "a grad of None that raises or counts as zeros", "an exception")

    def verdicts(seed, shown):
        with check.lend(judge_adam, Adam=parts.optimizers.Adam):
            return candidates.adam.verdicts(judge_adam, seed, *kinds, shown=shown)

    check.that(
        "changed gradients, a fixed lr, a None taken for zeros and an exception are caught, right ones accepted",
        lambda: verdicts(658, True),
        judge=judges.caught,
        given={"kinds": candidates.adam.kinds(658, *kinds, shown=True)},
        advice="compare .grad with a copy from before the step; change opt.lr; let a parameter sit out after it has moved",
    )
    ### BEGIN HIDDEN TESTS
    check.that(
        "the same of optimizers you have not met: gradients, lr, None, exceptions",
        lambda: verdicts(659, False),
        judge=judges.caught,
        given={"kinds": candidates.adam.kinds(659, *kinds)},
    )
    ### END HIDDEN TESTS

# %% tags=["picture"]
my_judge = stand_in.yours_or_ours(
    "judge_adam", parts.optimizers.judge_adam, lambda judge: bool(judge(parts.optimizers.Adam))
)
refused = {}
for kind, optimizer in candidates.adam(0, shown=True):
    row = refused.setdefault(kind or "right", [0, 0])
    row[0], row[1] = row[0] + (not my_judge(optimizer)), row[1] + 1
shares = {kind: 100 * no / of for kind, (no, of) in sorted(refused.items(), key=lambda row: row[0] != "right")}
plot.bars(
    shares,
    xlabel=f"% refused by {stand_in.whose('judge_adam')} judge",
    alt="Share of the optimizers shown that are refused, by kind; the right ones in the first row, where it should "
    "be 0: " + ", ".join(f"{kind} {share:.0f} %" for kind, share in shares.items()),
)

# %% [markdown]
r"""
**Signal against noise.** Ten thousand weights whose slopes are a constant plus noise of spread 1. Below is the
mean length of a step, in units of `lr`, once the averages have settled. The number at the left end, pure
noise, has a formula: $m$ is a sum of noise with the variance $(1-\beta_1)/(1+\beta_1)$, so its mean size is
$\sqrt{2/\pi}$ times the root of that.
"""

# %% tags=["picture"]
adam = stand_in.yours_or_ours("Adam", parts.optimizers.Adam, parts.optimizers.way)


def mean_step(signal, steps=400):
    """mean length of Adam's step at lr 1, over the last 100 steps and 10,000 weights, for slopes signal + noise"""
    generator = torch.Generator().manual_seed(3)
    p, lengths = torch.zeros(10_000, requires_grad=True), []
    opt = adam([p], lr=1.0, betas=(0.9, 0.99))
    for _ in range(steps):
        p.grad = signal + torch.randn(10_000, generator=generator)
        before = p.detach().clone()
        opt.step()
        lengths.append(float((p.detach() - before).abs().mean()))
    return sum(lengths[-100:]) / 100


signals = [0.0, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0]
lengths = [mean_step(signal) for signal in signals]
print(f"pure noise: {lengths[0]:.3f} lr; the formula: {math.sqrt(2 / math.pi * 0.1 / 1.9):.3f}")
plot.curves(
    {"mean step": (signals, lengths)},
    xlabel="signal: the constant part of the slope, where the noise has spread 1",
    ylabel="step, in units of lr",
    alt="Mean length of Adam's step in units of lr: "
    + ", ".join(f"{length:.2f} for a signal of {signal:g}" for signal, length in zip(signals, lengths)),
)

# %% [markdown]
r"""
So Adam is cautious where batches disagree and brave where they agree, weight by weight. Half of its success is
the scale it removes, the other half is this ratio. (A larger batch has less noise, hence longer steps at the
same `lr`: one reason why `lr` and batch size are chosen together.)
"""

# %% [markdown]
r"""
## 6.4 Decay that is decay: AdamW

In plain SGD, adding $\lambda p$ to the slope shrinks a weight by the factor $1 - \text{lr}\cdot\lambda$ a step.
(With momentum the pull is echoed like any slope, and a weight may even swing past 0.) Put the same term into
*Adam's* slope and it goes through the division by $\sqrt{\hat v}$ like everything else: a weight with loud
slopes is hardly pulled at all, a quiet one harder than $\lambda$ says. That is not what anybody asked for.

AdamW takes the decay out of the slope and applies it to the weight directly, **before** Adam's step:

$$p \leftarrow p\,(1 - \text{lr}\cdot\lambda) \qquad\text{then}\qquad
p \leftarrow p - \text{lr}\cdot\frac{\hat m}{\sqrt{\hat v}+\varepsilon}$$

The averages never see $\lambda$. This is what *decoupled* means.
"""

# %% [markdown]
r"""
### Exercise 6.4 · `adamw`
*difficulty 2 of 3 · 12 minutes · about 18 lines*

Write `AdamW(params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2)`, equal to `torch.optim.AdamW`
step for step. Everything said of Adam holds: any iterable, in place, `opt.lr` may change, `zero_grad()`. A
parameter whose `.grad` is `None` is skipped altogether, so it does not decay either; one whose gradient is
zero does.

Not allowed: anything from `torch.optim`. You may subclass your own `Adam`; then its mistakes come along.
"""

# %% nbgrader={"grade": false, "grade_id": "adamw", "locked": false, "schema_version": 3, "solution": true, "task": false}
class AdamW:
    """Adam whose weight decay shrinks the weight itself and never enters the averages."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        # about 4 lines
        ### BEGIN SOLUTION
        self.params = list(params)
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self.state = [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]
        ### END SOLUTION

    def step(self):
        # about 12 lines
        ### BEGIN SOLUTION
        beta1, beta2 = self.betas
        with torch.no_grad():
            for p, s in zip(self.params, self.state):
                if p.grad is None:
                    continue
                p.mul_(1 - self.lr * self.weight_decay)  # the only line that Adam does not have
                s["t"] += 1
                s["m"].lerp_(p.grad, 1 - beta1)  # the same averages in one word: a step towards the slope
                s["v"].lerp_(p.grad**2, 1 - beta2)
                m = s["m"] / (1 - beta1 ** s["t"])
                v = s["v"] / (1 - beta2 ** s["t"])
                p.sub_(self.lr * m / (v.sqrt() + self.eps))
        ### END SOLUTION

    def zero_grad(self):
        # about 2 lines
        ### BEGIN SOLUTION
        for p in self.params:
            p.grad = None
        ### END SOLUTION

# %%
hint("adamw")

# %% nbgrader={"grade": true, "grade_id": "adamw__decay", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("adamw__decay")
def _():
    def slopes(rows, **options):
        params = [torch.tensor([2.0, -4.0], requires_grad=True), torch.tensor([8.0], requires_grad=True)]
        opt, seen = AdamW((p for p in params), **options), []
        for row in rows:
            params[0].grad = torch.tensor(row)
            opt.step()
            seen.append(torch.cat([p.detach().clone() for p in params]))
        return torch.stack(seen)

    check.close(
        "gradients of zero: lr 0.1 and decay 0.5 take 5 % off at each step, and nothing off a weight "
        "without a gradient",
        lambda: slopes([[0.0, 0.0], [0.0, 0.0]], lr=0.1, weight_decay=0.5),
        expected=lambda: torch.tensor([[1.9, -3.8, 8.0], [1.805, -3.61, 8.0]]),
        advice="print p before and after step(): what factor do you multiply by?",
    )
    check.close(
        "the decay is 0.01 where none is given: at lr 1 and gradients of zero, 1 % is gone",
        lambda: slopes([[0.0, 0.0]], lr=1.0),
        expected=lambda: torch.tensor([[1.98, -3.96, 8.0]]),
    )
    check.close(
        "no decay, a slope of 2 and eps = 3: the step is 0.1 · 2/(2 + 3)",
        lambda: slopes([[2.0, 2.0]], lr=0.1, eps=3.0, weight_decay=0.0),
        expected=lambda: torch.tensor([[1.96, -4.04, 8.0]]),
    )
    check.close(
        "a slope of 3: first 2 becomes 1.9 and -4 becomes -3.8, then both go down by lr",
        lambda: slopes([[3.0, 3.0]], lr=0.1, weight_decay=0.5),
        expected=lambda: torch.tensor([[1.8, -3.9, 8.0]]),
        advice="the decay acts on the weight, before Adam's step; the slope does not see it",
    )
    ### BEGIN HIDDEN TESTS
    rows = [[0.3, -0.02], [0.1, 0.05], [-0.4, 0.01], [0.2, -0.03]]

    def with_torch(rows=rows, **options):
        p = torch.tensor([2.0, -4.0], requires_grad=True)
        opt, seen = torch.optim.AdamW([p], **options), []
        for row in rows:
            p.grad = torch.tensor(row)
            opt.step()
            seen.append(torch.cat([p.detach().clone(), torch.tensor([8.0])]))
        return torch.stack(seen)

    check.close("lr changes the decay too: lr = 0.5", lambda: slopes(rows, lr=0.5, weight_decay=0.3), expected=lambda: with_torch(lr=0.5, weight_decay=0.3), atol=5e-5)
    check.close("the default decay is 0.01", lambda: slopes(rows, lr=1.0), expected=lambda: with_torch(lr=1.0), atol=5e-5)
    check.close("no decay: plain Adam with a large eps", lambda: slopes(rows, lr=0.1, eps=0.1, weight_decay=0.0), expected=lambda: with_torch(lr=0.1, eps=0.1, weight_decay=0.0))
    check.close("AdamW's default lr is 0.001", lambda: slopes(rows, weight_decay=50.0), expected=lambda: with_torch(weight_decay=50.0))
    tiny = [[1e-8, -3e-8], [2e-8, 1e-8]]
    check.close("AdamW's default eps is 1e-8", lambda: slopes(tiny, lr=0.1), expected=lambda: with_torch(tiny, lr=0.1))

    def walked(kind, slope):
        p = torch.ones_like(slope).requires_grad_()
        opt = kind([p], lr=0.1, weight_decay=0.1)
        for _ in range(3):
            p.grad = slope
            opt.step()
        return p.detach().clone()

    check.probes("what AdamW promises besides its numbers", lambda: lambda slope: walked(AdamW, slope), check.tensor(953, 4, 3), rtol=1e-4, atol=1e-5, expected=lambda: lambda slope: walked(torch.optim.AdamW, slope))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "adamw__trajectory", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("adamw__trajectory")
def _():
    def four_steps(make, set_lr):
        params, seen = [torch.tensor([2.0], requires_grad=True), torch.tensor([[-2.0]], requires_grad=True)], []
        opt = make(params)
        for lr, slope, other in ((0.2, 1.0, None), (0.2, -0.5, None), (0.1, 2.0, 3.0), (0.1, 1.0, -1.0)):
            set_lr(opt, lr)
            params[0].grad = torch.tensor([slope])
            params[1].grad = None if other is None else torch.tensor([[other]])
            opt.step()
            seen.append([p.detach().clone() for p in params])
        return seen

    def torch_lr(opt, lr):
        opt.param_groups[0]["lr"] = lr

    check.close(
        "four steps of a vector and a matrix, lr halved on the way, the matrix joining late",
        lambda: four_steps(lambda p: AdamW(p, lr=0.2, weight_decay=0.5), lambda opt, lr: setattr(opt, "lr", lr)),
        expected=lambda: four_steps(lambda p: torch.optim.AdamW(p, lr=0.2, weight_decay=0.5), torch_lr),
        atol=5e-5,
    )
    ### BEGIN HIDDEN TESTS
    start = [check.tensor(661, 3, 2), check.tensor(662, 3, 2), check.tensor(663, 4)]
    rows = [check.tensor(664, 30, 3, 2), check.tensor(665, 30, 3, 2) * 100, check.tensor(666, 30, 4) * 0.01]
    rows[1][9] = 0.0

    def follow(make, set_lr=lambda opt, lr: setattr(opt, "lr", lr)):
        params, seen = [p.clone().requires_grad_() for p in start], {}
        opt = make(params)
        for step in range(30):
            set_lr(opt, 0.05 if step < 11 else 0.005 if step < 21 else 0.1)
            for i, p in enumerate(params):
                p.grad = None if (step + 2 * i) % 5 == 3 or (i == 2 and step < 4) else rows[i][step].clone()
            opt.step()
            seen[f"step {step + 1}"] = [p.detach().clone() for p in params]
        return seen

    check.close("AdamW over 30 steps of three parameters", lambda: follow(lambda p: AdamW(p, lr=0.05, weight_decay=0.5)), expected=lambda: follow(lambda p: torch.optim.AdamW(p, lr=0.05, weight_decay=0.5), torch_lr), atol=5e-5)
    check.close("AdamW over 30 steps with other betas and eps", lambda: follow(lambda p: AdamW(p, 0.05, (0.7, 0.95), 0.05, 0.2)), expected=lambda: follow(lambda p: torch.optim.AdamW(p, lr=0.05, betas=(0.7, 0.95), eps=0.05, weight_decay=0.2), torch_lr), atol=5e-5)
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "adamw__care", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("adamw__care")
def _():
    def marks():
        p = torch.tensor([1.0, 2.0], requires_grad=True)
        memory, p.grad = p.detach(), torch.tensor([2.0, -2.0])
        opt = AdamW([p], lr=0.5, weight_decay=0.2)
        opt.step()
        after = memory.clone(), p.grad.clone(), p.is_leaf, p.requires_grad, torch.is_grad_enabled()
        with torch.no_grad():
            opt.step()
            after = *after, torch.is_grad_enabled()
        opt.zero_grad()
        return *after, 0.0 if p.grad is None else float(p.grad.abs().sum())

    check.close(
        "AdamW moves the same memory, leaves .grad, the leaf and the grad mode as they were, and zero_grad "
        "clears",
        marks,
        expected=lambda: (torch.tensor([0.4, 2.3]), torch.tensor([2.0, -2.0]), True, True, True, False, 0.0),
    )
    ### BEGIN HIDDEN TESTS
    wide, scalar = check.tensor(671, 4, 3, dtype="float64", strided=True), check.tensor(672, dtype="float64")
    rows = check.tensor(673, 5, 4, 3, dtype="float64")

    def side_by_side(make, scale=1.0, **options):
        one, other = wide.clone(memory_format=torch.preserve_format).requires_grad_(), scalar.clone().requires_grad_()
        first = make([one], **options)
        for row in rows:
            one.grad = row * scale
            first.step()
        second = make([other], **options)
        for row in rows:
            one.grad, other.grad = row * scale, row[0, 0] * scale
            second.step()
            first.step()
        return one.detach().clone(), other.detach().clone()

    def all_cleared():
        params = [torch.ones(2, requires_grad=True), torch.ones(3, 1, requires_grad=True), torch.ones((), requires_grad=True)]
        opt = AdamW((p for p in params), lr=0.1)
        for _ in range(2):
            for p in params:
                p.grad = torch.ones_like(p)
            opt.zero_grad()
        return [0.0 if p.grad is None else float(p.grad.abs().sum()) for p in params]

    check.equal("AdamW's zero_grad clears every gradient, and again", all_cleared, expected=[0.0, 0.0, 0.0])
    check.close("AdamW on float64, strided and 0-dim parameters, two side by side", lambda: side_by_side(AdamW, lr=0.1, weight_decay=0.3), expected=lambda: side_by_side(torch.optim.AdamW, lr=0.1, weight_decay=0.3), rtol=1e-4, atol=5e-5)
    check.close("AdamW in float64 with slopes of 1e-25", lambda: side_by_side(AdamW, 1e-25, lr=0.1, eps=1e-30), expected=lambda: side_by_side(torch.optim.AdamW, 1e-25, lr=0.1, eps=1e-30), rtol=1e-4, atol=5e-5)
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**The difference, measured.** Two weights start at 1 and have no reason to move: their slopes are pure noise,
a hundred times louder for one than for the other. Same $\lambda$ for both. Adam with $\lambda p$ in the slope
(*coupled*) against your AdamW:
"""

# %% tags=["picture"]
def shrink(make, coupled, decay=0.5, steps=200):
    """what is left of two weights of 1, one with loud noise for slopes and one with quiet noise"""
    generator = torch.Generator().manual_seed(4)
    p = torch.ones(2, requires_grad=True)
    opt = make([p])
    for _ in range(steps):
        noise = torch.randn(1, generator=generator) * torch.tensor([10.0, 0.1])
        p.grad = noise + decay * p.detach() if coupled else noise
        opt.step()
    return p.tolist()


adam = stand_in.yours_or_ours("Adam", parts.optimizers.Adam, parts.optimizers.way)
adamw = stand_in.yours_or_ours("AdamW", parts.optimizers.AdamW, parts.optimizers.way)
left = (
    shrink(lambda params: adam(params, lr=0.005), True),
    shrink(lambda params: adamw(params, lr=0.005, weight_decay=0.5), False),
)
names = ["coupled, loud slopes", "coupled, quiet slopes", "AdamW, loud slopes", "AdamW, quiet slopes"]
plot.bars(
    dict(zip(names, [*left[0], *left[1]])),
    xlabel="what 200 steps leave of a weight of 1",
    alt="What 200 steps leave of a weight of 1. Decay inside Adam's slope: {:.2f} with loud slopes and "
    "{:.2f} with quiet ones. "
    "AdamW: {:.2f} and {:.2f}, the same for both".format(*left[0], *left[1]),
)

# %% [markdown]
r"""
**Four optimizers, one valley.** Look for three things: who overshoots, who does not see that
the valley is narrow, and who stops short of the star because something keeps pulling it towards (0, 0).
"""

# %% tags=["picture"]
sgd = stand_in.yours_or_ours("SGD", parts.optimizers.SGD, parts.optimizers.way_of_sgd)
adam = stand_in.yours_or_ours("Adam", parts.optimizers.Adam, parts.optimizers.way)
adamw = stand_in.yours_or_ours("AdamW", parts.optimizers.AdamW, parts.optimizers.way)
four = {
    "SGD": lambda params: sgd(params, lr=0.05),
    "momentum": lambda params: sgd(params, lr=0.02, momentum=0.8),
    "Adam": lambda params: adam(params, lr=0.3),
    "AdamW": lambda params: adamw(params, lr=0.3, weight_decay=0.3),
}
paths = {name: descend(make, steps=40) for name, make in four.items()}
ends = ", ".join(f"{name} at ({path[-1][0]:.2f}, {path[-1][1]:.2f})" for name, path in paths.items())
draw_paths(
    paths,
    alt="Four paths of 40 steps down one valley to the star at (1.5, 1). SGD is on the floor at once and "
    "creeps along it; momentum "
    "swings across in wide curves; Adam and AdamW set out diagonally, as if the valley were round, and "
    "Adam runs past the star to "
    f"weight 0 = {max(w[0] for w in paths['Adam']):.2f} before it turns. They end like this: {ends}",
)

# %% [markdown]
r"""
Adam's diagonal start is no accident: each weight has its own step size, so *along* and *across* count the
same. But that works weight by weight. Turn the valley, and the starting point with it: nothing is harder
than before, only the floor no longer lies along an axis. Plain momentum cannot tell the difference. Adam
can: each weight now sees a bit of both directions, and its usual slope fits neither.
"""

# %% tags=["picture"]
turns = list(range(0, 91, 5))
turned = {"momentum": four["momentum"], "Adam, lr 0.1": lambda params: adam(params, lr=0.1)}
ends_of = {
    name: [float(valley(torch.tensor(descend(make, 40, turn)[-1]), turn)) for turn in turns]
    for name, make in turned.items()
}
plot.curves(
    {name: (turns, values) for name, values in ends_of.items()},
    xlabel="turn of the valley (degrees)",
    ylabel="loss after 40 steps",
    log=True,
    alt="Loss after 40 steps, on a logarithmic axis, while the valley is turned by 0 to 90 degrees. "
    "Momentum: between {:.2g} and "
    "{:.2g}, a flat line. Adam: {:.2g} along the axes, up to {:.2g} in between".format(
        min(ends_of["momentum"]),
        max(ends_of["momentum"]),
        ends_of["Adam, lr 0.1"][0],
        max(ends_of["Adam, lr 0.1"]),
    ),
)

# %% [markdown]
r"""
So which one is better? In this bowl well-chosen momentum wins outright. In a real network the scales of
slopes differ by powers of ten from layer to layer, nobody has the time to choose an `lr` for each, and
Adam's habit of measuring them is worth more than what it loses in a turned valley.
"""

# %% [markdown]
r"""
## 6.5 The learning rate has a story too

A long stride is right at first and wrong near the end. So `lr` follows a **schedule**: a plain function from
the step number to a number. Two pieces are found almost everywhere:

- **Warm-up.** For the first steps the averages rest on next to nothing. Start small, climb in a straight
  line.
- **Cosine decay.** From the top down to a minimum along half a cosine: slow at both ends, quick in between.

With $s = (\text{step} - \text{warmup}) / (\text{total} - \text{warmup})$, the fraction of the way down:

$$\text{lr} = \text{min} + (\text{base} - \text{min}) \cdot \frac{1 + \cos(\pi s)}{2}$$
"""

# %% [markdown]
r"""
### Exercise 6.5 · `warmup_cosine`
*difficulty 2 of 3 · 12 minutes · about 6 lines*

Write `warmup_cosine(step, base_lr, warmup_steps, total_steps, min_lr=0.0)` → the learning rate of that step.
Steps are counted from 0.

- While `step < warmup_steps`: `base_lr · (step + 1) / warmup_steps`, so no step is wasted on a rate of 0.
- Then half a cosine: `base_lr` at `step = warmup_steps`, `min_lr` at `step = total_steps`.
- From `total_steps` on it is `min_lr`, however far you go; also where `warmup_steps = total_steps`.
- `warmup_steps = 0` means no warm-up.
"""

# %% nbgrader={"grade": false, "grade_id": "warmup_cosine", "locked": false, "schema_version": 3, "solution": true, "task": false}
def warmup_cosine(step, base_lr, warmup_steps, total_steps, min_lr=0.0):
    """step number -> learning rate"""
    # about 6 lines
    ### BEGIN SOLUTION
    if step < warmup_steps:
        return base_lr * (step + 1) / warmup_steps
    if step >= total_steps:  # asked before dividing: total_steps - warmup_steps may be 0
        return min_lr
    done = (step - warmup_steps) / (total_steps - warmup_steps)  # from 0 to 1
    return min_lr + (base_lr - min_lr) * (1 + math.cos(math.pi * done)) / 2
    ### END SOLUTION

# %%
hint("warmup_cosine")

# %% nbgrader={"grade": true, "grade_id": "warmup_cosine__warmup", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("warmup_cosine__warmup")
def _():
    check.close(
        "four steps up to 2: a quarter, a half, three quarters, all of it, and the top is held once",
        lambda: [float(warmup_cosine(step, 2.0, 4, 20)) for step in range(5)],
        expected=[0.5, 1.0, 1.5, 2.0, 2.0],
        rtol=1e-5,
        advice="print the first five values; step 0 is a step too",
    )
    check.close(
        "two steps up to 4: 2 and 4, and a min_lr of 3 does not change that",
        lambda: [float(warmup_cosine(step, 4.0, 2, 20, min_lr=3.0)) for step in range(3)],
        expected=[2.0, 4.0, 4.0],
        rtol=1e-5,
        advice="min_lr belongs to the way down",
    )
    ### BEGIN HIDDEN TESTS
    check.close("warm-up does not start from min_lr", lambda: [float(warmup_cosine(step, 3.0, 6, 9, min_lr=1.0)) for step in range(7)], expected=[0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.0], rtol=1e-5)
    check.close("a warm-up of a single step", lambda: [float(warmup_cosine(step, 5.0, 1, 11)) for step in range(2)], expected=[5.0, 5.0], rtol=1e-5)
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "warmup_cosine__cosine", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("warmup_cosine__cosine")
def _():
    check.close(
        "from 8 at step 2 to 0 at step 14: a third of the way down it is 6, half way 4, two thirds 2",
        lambda: [float(warmup_cosine(step, base_lr=8.0, warmup_steps=2, total_steps=14)) for step in (2, 6, 8, 10, 14)],
        expected=[8.0, 6.0, 4.0, 2.0, 0.0],
        rtol=1e-5,
        atol=1e-6,
        advice="what fraction of the way from warmup_steps to total_steps is step 6? Its cosine, at a "
        "third of π, is 1/2",
    )
    check.close(
        "with min_lr = 2 the same way goes from 8 down to 2",
        lambda: [float(warmup_cosine(step, 8.0, 2, 14, min_lr=2.0)) for step in (2, 6, 8, 10, 14)],
        expected=[8.0, 6.5, 5.0, 3.5, 2.0],
        rtol=1e-5,
        advice="only the part above min_lr shrinks",
    )
    ### BEGIN HIDDEN TESTS
    check.close("every step of a long schedule", lambda: [float(warmup_cosine(step, 4.0, 7, 60, 0.5)) for step in range(66)], expected=lambda: [4.0 * (s + 1) / 7 if s < 7 else 0.5 + 1.75 * (1 + math.cos(math.pi * min(s - 7, 53) / 53)) for s in range(66)], rtol=1e-5, atol=1e-6)
    check.close("an odd number of steps and a small rate", lambda: [float(warmup_cosine(step, 3e-4, 3, 10, 1e-5)) * 1e4 for step in range(12)], expected=lambda: [s + 1.0 if s < 3 else 0.1 + 1.45 * (1 + math.cos(math.pi * min(s - 3, 7) / 7)) for s in range(12)], rtol=1e-4, atol=1e-5)
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "warmup_cosine__ends", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("warmup_cosine__ends")
def _():
    check.close(
        "after the last step it stays at min_lr and does not climb again",
        lambda: [float(warmup_cosine(step, 8.0, 2, 14, 0.25)) for step in (13, 14, 15, 20, 26, 1000)],
        expected=lambda: [0.25 + 3.875 * (1 + math.cos(math.pi * 11 / 12)), 0.25, 0.25, 0.25, 0.25, 0.25],
        rtol=1e-5,
    )
    check.close(
        "no warm-up: step 0 is the top",
        lambda: [float(warmup_cosine(step, 8.0, 0, 12)) for step in (0, 4, 6, 12)],
        expected=[8.0, 6.0, 4.0, 0.0],
        rtol=1e-5,
        atol=1e-6,
    )
    check.close(
        "nothing but warm-up, two steps of two: up to 6, then at once min_lr",
        lambda: [float(warmup_cosine(step, 6.0, 2, 2, 0.5)) for step in range(4)],
        expected=[3.0, 6.0, 0.5, 0.5],
        rtol=1e-5,
    )
    ### BEGIN HIDDEN TESTS
    check.close("nothing but warm-up: at once down to min_lr", lambda: [float(warmup_cosine(step, 8.0, 4, 4, 0.5)) for step in range(7)], expected=[2.0, 4.0, 6.0, 8.0, 0.5, 0.5, 0.5], rtol=1e-5)
    check.close("no steps at all: min_lr", lambda: [float(warmup_cosine(step, 8.0, 0, 0, 0.5)) for step in range(2)], expected=[0.5, 0.5], rtol=1e-5)
    ### END HIDDEN TESTS

# %% tags=["picture"]
def twenty_steps(schedule):
    return [float(schedule(s, 1.0, 4, 16, 0.1)) for s in range(20)]


rate = stand_in.yours_or_ours("warmup_cosine", parts.optimizers.warmup_cosine, twenty_steps)
schedules = {
    "no warm-up": [float(rate(s, 1.0, 0, 100)) for s in range(120)],
    "warm-up of 20": [float(rate(s, 1.0, 20, 100)) for s in range(120)],
    "warm-up of 20, min_lr 0.2": [float(rate(s, 1.0, 20, 100, 0.2)) for s in range(120)],
}
plot.curves(
    schedules,
    xlabel="step",
    ylabel="learning rate",
    alt="Three schedules over 120 steps, ending at step 100: without warm-up it starts at {:.2g} "
    "and falls along half a "
    "cosine to {:.2g}; with a warm-up of 20 it climbs in a straight line first; with min_lr 0.2 it stays "
    "at {:.2g}".format(
        schedules["no warm-up"][0], schedules["no warm-up"][-1], schedules["warm-up of 20, min_lr 0.2"][-1]
    ),
)

# %% [markdown]
r"""
**Optimizer and schedule, on our network.** Using a schedule is one assignment: `opt.lr =
warmup_cosine(...)` before each `step()`. That is why your optimizers read `self.lr` afresh every time.
Labels that are partly noise make the end of training the interesting part.
"""

# %% tags=["picture"]
def fit_noisy(make, lr_of, steps=200):
    """train on a batch of 8 of the 64 examples at each step -> the loss on all of them after each step"""
    net, x, y = two_layer_net()
    opt, generator, losses = make(net.parameters()), torch.Generator().manual_seed(5), []
    for step in range(steps):
        batch = torch.randint(0, 64, (8,), generator=generator)
        opt.zero_grad()
        nn.functional.mse_loss(
            net(x[batch]), y[batch] + 2 * torch.randn(8, 10, generator=generator)
        ).backward()
        opt.lr = lr_of(step)
        opt.step()
        with torch.no_grad():
            losses.append(float(nn.functional.mse_loss(net(x), y)))
    return losses

# %% tags=["picture"]
rate = stand_in.yours_or_ours("warmup_cosine", parts.optimizers.warmup_cosine, twenty_steps)
adam = stand_in.yours_or_ours("Adam", parts.optimizers.Adam, parts.optimizers.way)
noisy = {
    "constant lr": fit_noisy(adam, lambda step: 2e-3),
    "warm-up and cosine": fit_noisy(adam, lambda step: float(rate(step, 2e-3, 20, 200))),
}
plot.curves(
    noisy,
    xlabel="step",
    ylabel="loss on all 64 examples",
    alt="Loss of the two-layer network over 200 steps on noisy batches with Adam: at a constant rate "
    "it is still shaking at the "
    "end, at {:.2f}; with warm-up and cosine it settles at {:.2f}".format(
        noisy["constant lr"][-1], noisy["warm-up and cosine"][-1]
    ),
)

# %% [markdown]
r"""
## 6.6 One bad batch: clipping

Sometimes one batch has a gradient a hundred times as long as usual: a broken label, an explosion in a
recurrent network. One step along it can undo an hour of training. **Clipping** keeps the direction and
shortens the length, and the length is that of *all* gradients together, as if they were one long vector:

$$\lVert g \rVert = \sqrt{\sum_{\text{parameters}} \sum_i g_i^2} \qquad\qquad
g \leftarrow g \cdot \frac{\text{max norm}}{\lVert g \rVert} \quad\text{only where } \lVert g \rVert > \text{max norm}$$

If each parameter were clipped by itself, their proportions would change, and with them the direction.
"""

# %% [markdown]
r"""
### Exercise 6.6 · `clip_grad_norm`
*difficulty 2 of 3 · 12 minutes · about 7 lines*

Write `clip_grad_norm(params, max_norm)`: `params` is any iterable, a generator too. Take one norm over all
their gradients and return it **as it was before clipping**, as a float or a 0-dim tensor. Where it exceeds
`max_norm`, scale every gradient **in place**, into the same storage, by one factor, so that the norm becomes
`max_norm` (to within 1 part in 10,000). Where it does not, no gradient changes.

Parameters without a gradient are passed over; if none has one, return 0. The parameters do not move.
Not allowed: PyTorch's own `clip_grad_norm_` and its relatives.
"""

# %% nbgrader={"grade": false, "grade_id": "clip_grad_norm", "locked": false, "schema_version": 3, "solution": true, "task": false}
def clip_grad_norm(params, max_norm):
    """parameters with gradients, the longest norm allowed -> the norm before clipping"""
    # about 7 lines
    ### BEGIN SOLUTION
    grads = [p.grad for p in params if p.grad is not None]  # a list: we walk over it twice
    # the norm of the norms is the norm of everything: squares add up in any order
    norm = math.sqrt(sum(float(grad.norm()) ** 2 for grad in grads))
    if norm > max_norm:
        for grad in grads:
            grad.mul_(max_norm / norm)
    return norm
    ### END SOLUTION

# %%
hint("clip_grad_norm")

# %% nbgrader={"grade": true, "grade_id": "clip_grad_norm__norm", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("clip_grad_norm__norm")
def _():
    def norm_of(*grads, max_norm=1.0):
        params = [torch.zeros(()).requires_grad_() if g is None else torch.zeros_like(g).requires_grad_() for g in grads]
        for p, g in zip(params, grads):
            p.grad = None if g is None else g.clone()
        norm = clip_grad_norm((p for p in params), max_norm)
        return list(getattr(norm, "shape", ())), float(norm)

    check.close(
        "gradients (2, 1), none, and (2, 4): together their norm is 5, before clipping",
        lambda: norm_of(torch.tensor([2.0, 1.0]), None, torch.tensor([[2.0], [4.0]])),
        expected=([], 5.0),
        rtol=1e-5,
        advice="one number for all gradients, a float or a tensor without axes",
    )
    check.close("no gradient anywhere: 0", lambda: norm_of(None, None), expected=([], 0.0))
    ### BEGIN HIDDEN TESTS
    grads = check.tensor(681, 4, 3, strided=True) * 2, check.tensor(682, 5), None, check.tensor(683)
    check.close("the norm of gradients of several shapes", lambda: norm_of(*grads), expected=lambda: ([], math.sqrt(sum(float((g.double() ** 2).sum()) for g in grads if g is not None))), rtol=1e-4)
    check.close("the same norm where nothing is clipped", lambda: norm_of(*grads, max_norm=1000.0), expected=lambda: ([], math.sqrt(sum(float((g.double() ** 2).sum()) for g in grads if g is not None))), rtol=1e-4)
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "clip_grad_norm__scaling", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("clip_grad_norm__scaling")
def _():
    def clipped(grads, max_norm):
        params = [torch.ones_like(g).requires_grad_() for g in grads]
        for p, g in zip(params, grads):
            p.grad = g.clone(memory_format=torch.preserve_format)
        memory = [p.grad.detach() for p in params]
        clip_grad_norm((p for p in params), max_norm)
        return [m.clone() for m in memory], [p.grad.clone() for p in params], [p.detach().clone() for p in params]

    check.close(
        "norm 5 down to 1: every gradient becomes a fifth, in its own memory, and no parameter moves",
        lambda: clipped([torch.tensor([2.0, 1.0]), torch.tensor([[2.0], [4.0]])], 1.0),
        expected=lambda: (
            [torch.tensor([0.4, 0.2]), torch.tensor([[0.4], [0.8]])],
            [torch.tensor([0.4, 0.2]), torch.tensor([[0.4], [0.8]])],
            [torch.ones(2), torch.ones(2, 1)],
        ),
        rtol=1e-4,
        advice="one factor for all gradients; which tensor methods write into the tensor itself?",
    )
    check.equal(
        "a norm of 5 under a limit of 6: not one bit changes",
        lambda: clipped([torch.tensor([3.0, 0.0]), torch.tensor([[0.0], [4.0]])], 6.0)[1],
        expected=lambda: [torch.tensor([3.0, 0.0]), torch.tensor([[0.0], [4.0]])],
        advice="clipping shortens and never lengthens",
    )
    check.close(
        "a norm of 5 just above a limit of 4.5: nine tenths of every gradient",
        lambda: clipped([torch.tensor([3.0, 0.0]), torch.tensor([[0.0], [4.0]])], 4.5)[0],
        expected=lambda: [torch.tensor([2.7, 0.0]), torch.tensor([[0.0], [3.6]])],
        rtol=1e-4,
    )
    check.close(
        "gradients of zero have the norm 0 and stay zero",
        lambda: clipped([torch.zeros(2), torch.zeros(1, 1)], 1.0)[1],
        expected=lambda: [torch.zeros(2), torch.zeros(1, 1)],
    )
    ### BEGIN HIDDEN TESTS
    grads = [check.tensor(684, 4, 3, strided=True), check.tensor(685, 6) * 10, check.tensor(686)]

    def expected(max_norm):
        norm = math.sqrt(sum(float((g.double() ** 2).sum()) for g in grads))
        scaled = [g * (max_norm / norm) for g in grads]
        return scaled, scaled, [torch.ones_like(g) for g in grads]

    check.close("gradients of several shapes and sizes, one of them strided", lambda: clipped(grads, 2.5), expected=lambda: expected(2.5), rtol=1e-4)
    check.close("a norm of 13 over a limit of 12", lambda: clipped([torch.tensor([3.0, 4.0]), torch.tensor([[-12.0]])], 12.0)[0], expected=lambda: [torch.tensor([36 / 13, 48 / 13]), torch.tensor([[-144 / 13]])], rtol=1e-4)
    check.equal("random gradients under the limit are left alone", lambda: clipped(grads, 1000.0)[1], expected=lambda: grads)
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "clip_grad_norm__care", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("clip_grad_norm__care")
def _():
    def from_a_module(factor):
        model = nn.Linear(2, 1)
        with torch.no_grad():
            model.weight.copy_(torch.tensor([[1.0, -1.0]]))
            model.bias.zero_()
        model.bias.requires_grad_(False)
        (factor * model(torch.tensor([[3.0, 4.0]]))).sum().backward()
        first, second = float(clip_grad_norm(model.parameters(), 1.0)), float(clip_grad_norm(model.parameters(), 1.0))
        return first, second, model.weight.grad.clone(), model.bias.grad is None, torch.is_grad_enabled()

    check.close(
        "straight from model.parameters(), a frozen bias among them: 5 at first, 1 when asked again",
        lambda: from_a_module(1.0),
        expected=lambda: (5.0, 1.0, torch.tensor([[0.6, 0.8]]), True, True),
        rtol=1e-4,
    )
    ### BEGIN HIDDEN TESTS
    check.close("gradients of zero stay zero", lambda: from_a_module(0.0), expected=lambda: (0.0, 0.0, torch.zeros(1, 2), True, True))

    def in_float64():
        p = check.tensor(687, 3, 2, dtype="float64").requires_grad_()
        p.grad = check.tensor(688, 3, 2, dtype="float64") * 7
        norm = float(clip_grad_norm([p], 0.5))
        return norm, p.grad.clone()

    check.close("float64 gradients", in_float64, expected=lambda: (float((check.tensor(688, 3, 2, dtype="float64") * 7).norm()), check.tensor(688, 3, 2, dtype="float64") * 0.5 / check.tensor(688, 3, 2, dtype="float64").norm()), rtol=1e-4)
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**A bad batch, with and without.** The two-layer network again, and at step 30 one batch whose targets are a
hundred times too large. The loss is measured on the good data. Below it, the norm your function returned.
"""

# %% tags=["picture"]
def clipped_once(clipping):
    p = torch.zeros(2, requires_grad=True)
    p.grad = torch.tensor([3.0, 4.0])
    return [float(clipping([p], 1.0)), p.grad]


sgd = stand_in.yours_or_ours("SGD", parts.optimizers.SGD, parts.optimizers.way_of_sgd)
clip = stand_in.yours_or_ours("clip_grad_norm", parts.optimizers.clip_grad_norm, clipped_once)


def fit_with_a_bad_batch(max_norm):
    """-> (loss on the good data, gradient norm before clipping) for each of 80 steps"""
    net, x, y = two_layer_net()
    opt, losses, norms = sgd(net.parameters(), lr=0.05, momentum=0.8), [], []
    for step in range(80):
        opt.zero_grad()
        nn.functional.mse_loss(net(x), y * 100 if step == 30 else y).backward()
        norms.append(float(clip(net.parameters(), max_norm)))
        opt.step()
        with torch.no_grad():
            losses.append(float(nn.functional.mse_loss(net(x), y)))
    return losses, norms

# %% tags=["picture"]
free, held = fit_with_a_bad_batch(math.inf), fit_with_a_bad_batch(1.0)
plot.curves(
    {"without clipping": free[0], "clipped to norm 1": held[0]},
    xlabel="step",
    ylabel="loss on the good data",
    log=True,
    alt="Loss on the good data, one bad batch at step 30: without clipping it jumps to {:.3g} and ends at "
    "{:.3g}; clipped to norm 1 it "
    "goes on, at most {:.3g} after the bad batch, and ends at {:.3g}".format(
        max(free[0][30:]), free[0][-1], max(held[0][30:]), held[0][-1]
    ),
)
plot.curves(
    {"norm before clipping": held[1]},
    xlabel="step",
    ylabel="gradient norm",
    log=True,
    alt=f"The norm before clipping, step by step: about {held[1][29]:.2g} before the bad batch, "
    f"{max(held[1]):.3g} at step 30",
)

# %% [markdown]
r"""
## 6.7 Not every parameter is alike: groups

Weight decay says "small weights, unless the data insist". That makes sense for a matrix. For a bias or the
scale of a normalisation layer it makes none: pulling them to 0 simplifies nothing, it only shifts what the
layer can say. The common recipe therefore decays parameters of **two or more dimensions** and leaves the
rest. (nanoGPT, which trains GPT-2 anew, and many others since then begin with exactly these two groups.)

Optimizers take such wishes as **parameter groups**: a list of dictionaries, each with some parameters and the
options for them. Here the first of two has the decay, the second has none:

`[{"params": [matrices…], "weight_decay": 0.1}, {"params": [biases, scales…], "weight_decay": 0.0}]`
"""

# %% [markdown]
r"""
### Exercise 6.7 · `param_groups`
*difficulty 1 of 3 · 10 minutes · about 5 lines*

Write `param_groups(model, weight_decay)` → two dictionaries, each with the keys `"params"` (a list of the
model's own parameter objects) and `"weight_decay"`. First the parameters with two or more dimensions and the
given `weight_decay`; then all others, with `0.0`.

Only trainable parameters (`requires_grad`), each exactly once, one that is shared between layers too. There
are always two groups, also where one is empty. The model stays as it is. Order inside a group is up to you.
"""

# %% nbgrader={"grade": false, "grade_id": "param_groups", "locked": false, "schema_version": 3, "solution": true, "task": false}
def param_groups(model, weight_decay):
    """a model -> [the group that decays, the group that does not]"""
    # about 5 lines
    ### BEGIN SOLUTION
    # parameters() walks through all submodules and gives a shared parameter only once; buffers are none
    trainable = [p for p in model.parameters() if p.requires_grad]
    return [
        {"params": [p for p in trainable if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in trainable if p.ndim < 2], "weight_decay": 0.0},
    ]
    ### END SOLUTION

# %%
hint("param_groups")

# %% nbgrader={"grade": true, "grade_id": "param_groups__split", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("param_groups__split")
def _():
    def named(model, decay):
        names = {id(p): name for name, p in model.named_parameters()}
        groups = list(param_groups(model, decay))
        found = [[names.get(id(p), "not a parameter of the model") for p in g["params"]] for g in groups]
        return [(float(g["weight_decay"]), sorted(group)) for g, group in zip(groups, found)]

    check.equal(
        "Linear, LayerNorm, Linear: two matrices decay; two biases and LayerNorm's scale and shift do not",
        lambda: named(nn.Sequential(nn.Linear(3, 4), nn.LayerNorm(4), nn.Linear(4, 2)), 0.25),
        expected=[(0.25, ["0.weight", "2.weight"]), (0.0, ["0.bias", "1.bias", "1.weight", "2.bias"])],
        advice="ask each parameter how many dimensions it has; its name does not say",
    )

    def nested():
        model = nn.Sequential(nn.Sequential(nn.Conv1d(2, 3, 3)), nn.Tanh())
        model.temperature = nn.Parameter(torch.tensor(1.0))
        return model

    check.equal(
        "a convolution inside, whose weight has three axes, and a single number without any",
        lambda: named(nested(), 0.25),
        expected=[(0.25, ["0.0.weight"]), (0.0, ["0.0.bias", "temperature"])],
        advice="parameters of inner modules count too; and how many dimensions has a number?",
    )
    ### BEGIN HIDDEN TESTS
    def mixed():
        model = nn.Module()
        deep = nn.Sequential(nn.Embedding(5, 4), nn.Bilinear(2, 3, 4), nn.Linear(1, 1))
        model.front = nn.Sequential(nn.Conv2d(2, 3, 3), nn.BatchNorm2d(3), deep)
        model.bias = nn.Parameter(torch.zeros(4, 4))
        model.weight = nn.Parameter(torch.zeros(4))
        model.temperature = nn.Parameter(torch.tensor(1.0))
        return model

    check.equal(
        "convolutions, embeddings, a matrix of one entry, one called bias, a vector called weight, a number without axes",
        lambda: named(mixed(), 0.1),
        expected=[
            (0.1, ["bias", "front.0.weight", "front.2.0.weight", "front.2.1.weight", "front.2.2.weight"]),
            (0.0, ["front.0.bias", "front.1.bias", "front.1.weight", "front.2.1.bias", "front.2.2.bias", "temperature", "weight"]),
        ],
    )
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "param_groups__each_once", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("param_groups__each_once")
def _():
    def named(model, decay):
        names = {id(p): name for name, p in model.named_parameters()}
        groups = list(param_groups(model, decay))
        found = [[names.get(id(p), "not a parameter of the model") for p in g["params"]] for g in groups]
        return [(float(g["weight_decay"]), sorted(group)) for g, group in zip(groups, found)]

    def tied():
        model = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 4), nn.Linear(4, 2))
        model[2].weight, model[2].bias = model[0].weight, model[0].bias
        return model

    check.equal(
        "two layers that share weight and bias: each of the two stands in one group, once",
        lambda: named(tied(), 0.5),
        expected=[(0.5, ["0.weight", "3.weight"]), (0.0, ["0.bias", "3.bias"])],
    )

    def frozen():
        model = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2), nn.LayerNorm(2))
        for p in (model[0].weight, model[0].bias, model[2].weight):
            p.requires_grad_(False)
        return model

    check.equal(
        "frozen parameters are in neither group",
        lambda: named(frozen(), 0.5),
        expected=[(0.5, ["1.weight"]), (0.0, ["1.bias", "2.bias"])],
    )
    ### BEGIN HIDDEN TESTS
    def module_twice():
        layer = nn.Linear(3, 3)
        return nn.Sequential(layer, nn.ReLU(), layer, nn.ModuleDict({"again": layer, "norm": nn.LayerNorm(3)}))

    check.equal("one layer in three places", lambda: named(module_twice(), 1.0), expected=[(1.0, ["0.weight"]), (0.0, ["0.bias", "3.norm.bias", "3.norm.weight"])])
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "param_groups__use", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("param_groups__use")
def _():
    def shapes(model, decay):
        groups = list(param_groups(model, decay))
        return [(float(g["weight_decay"]), sorted(list(p.shape) for p in g["params"])) for g in groups]

    check.equal(
        "only matrices, or only vectors: there are still two groups",
        lambda: (shapes(nn.Linear(3, 2, bias=False), 0.5), shapes(nn.LayerNorm(3), 0.5)),
        expected=([(0.5, [[2, 3]]), (0.0, [])], [(0.5, []), (0.0, [[3], [3]])]),
    )
    check.equal(
        "a weight_decay of 0: there are two groups all the same",
        lambda: shapes(nn.Linear(3, 2), 0.0),
        expected=[(0.0, [[2, 3]]), (0.0, [[2]])],
    )

    def read_twice():
        groups = list(param_groups(nn.Sequential(nn.Linear(3, 2), nn.LayerNorm(2)), 0.5))
        return [[sum(1 for _ in g["params"]) for g in groups] for _ in range(2)]

    check.equal("what stands under params can be read more than once", read_twice, expected=[[1, 3], [1, 3]])

    def one_step():
        model = nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2))
        with torch.no_grad():
            for p in model.parameters():
                p.fill_(2.0)
        model[1].bias.requires_grad_(False)
        model.eval()
        opt = torch.optim.SGD(param_groups(model, weight_decay=0.5), lr=0.1)
        for p in model.parameters():
            p.grad = torch.ones_like(p)
        opt.step()
        flags = model.training, [p.requires_grad for p in model.parameters()]
        return [p.detach().clone() for p in model.parameters()], flags

    check.close(
        "torch.optim.SGD takes the groups: 2 becomes 1.8 where it decays, 1.9 where not, and stays where "
        "frozen",
        one_step,
        expected=lambda: (
            [torch.full((2, 2), 1.8), torch.full((2,), 1.9), torch.full((2,), 1.9), torch.full((2,), 2.0)],
            (False, [True, True, True, False]),
        ),
    )
    ### BEGIN HIDDEN TESTS
    check.equal("twelve layers of one weight each", lambda: shapes(nn.Sequential(*[nn.Linear(1, 1) for _ in range(12)]), 0.0), expected=[(0.0, [[1, 1]] * 12), (0.0, [[1]] * 12)])
    check.equal("a model without parameters: two empty groups", lambda: shapes(nn.ReLU(), 0.5), expected=[(0.5, []), (0.0, [])])
    ### END HIDDEN TESTS

# %% tags=["picture"]
def counted(groups_of):
    groups = list(groups_of(nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2)), 0.5))
    return [(float(g["weight_decay"]), len(list(g["params"]))) for g in groups]


grouping = stand_in.yours_or_ours("param_groups", parts.optimizers.param_groups, counted)
example = nn.Sequential(nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(8, 10))
decay_of = {id(p): group["weight_decay"] for group in grouping(example, 0.1) for p in group["params"]}
table = {f"{name} {tuple(p.shape)}": decay_of.get(id(p), 0.0) for name, p in example.named_parameters()}
plot.bars(
    table,
    xlabel="weight decay of each parameter",
    alt=f"Weight decay of each parameter of a small convolutional network, by {stand_in.whose('param_groups')} groups: "
    + ", ".join(f"{name} {value:g}" for name, value in table.items()),
)

# %% [markdown]
r"""
The optimizers you wrote take plain parameters. To give yours groups you would loop over groups first and over
parameters second, and read `lr` and `weight_decay` from the group; that is all `torch.optim` does. Its
`opt.param_groups` is that list, and a schedule there means `for group in opt.param_groups: group["lr"] = …`.
"""

# %% [markdown]
r"""
## 6.8 Stop tonight, go on tomorrow

You save the model, the machine restarts, you load the model and go on training. The loss jumps. Why? Because
you saved the weights and lost the state: SGD's momentum buffers are empty, Adam's count is back at 0, and the `lr` that
you had lowered is high again. A **checkpoint** holds what training needs in order to go on, three things at
least:

| what | from | what is in it |
|---|---|---|
| model | `model.state_dict()` | parameters **and** buffers (running means, counters) |
| optimizer | `optimizer.state_dict()` | the state of each parameter **and** the groups with their `lr` |
| place | you | which epoch it was |
"""

# %% [markdown]
r"""
Save *state*, never objects. `torch.save(model)` would pickle your class by name, and loading a pickle runs
whatever code is in it. `torch.load(path, weights_only=True)`, the default since torch 2.6, refuses everything
but tensors, numbers, strings and containers of them (and a short list of harmless others); a file made of
`state_dict`s passes.

In this exercise the optimizer is one of `torch.optim`: `state_dict()` and `load_state_dict(...)` are what it
has that yours have not.
"""

# %% [markdown]
r"""
### Exercise 6.8 · `checkpoint`
*difficulty 2 of 3 · 15 minutes · about 6 lines*

Write `save_checkpoint(path, model, optimizer, epoch)` and `load_checkpoint(path, model, optimizer)` → the
epoch saved, an `int`. `path` is a string: the one file to write. `load_checkpoint` fills a model and an
optimizer of the same make, new or used, with other weights and another `lr`, so that training goes on exactly
as if it had never stopped (no random numbers are drawn in it). It fills the objects it is given: the model
keeps its parameter objects, which the optimizer holds too.

The file loads with `torch.load(path, weights_only=True)` and is all that is needed, also under another name.
Saving changes nothing; neither function changes modes or `requires_grad` flags.
"""

# %% nbgrader={"grade": false, "grade_id": "checkpoint", "locked": false, "schema_version": 3, "solution": true, "task": false}
def save_checkpoint(path, model, optimizer, epoch):
    """write everything that training needs in order to go on into one file"""
    # about 2 lines
    ### BEGIN SOLUTION
    torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}, path)
    ### END SOLUTION


def load_checkpoint(path, model, optimizer):
    """fill model and optimizer from the file -> the epoch that was saved"""
    # about 4 lines
    ### BEGIN SOLUTION
    saved = torch.load(path, weights_only=True)
    model.load_state_dict(saved["model"])  # copies into the parameters that the optimizer already holds
    optimizer.load_state_dict(saved["optimizer"])
    return saved["epoch"]
    ### END SOLUTION

# %%
hint("checkpoint")

# %% nbgrader={"grade": true, "grade_id": "checkpoint__resume", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
@check.cell("checkpoint__resume")
def _():
    x, y = check.tensor(701, 6, 3), check.tensor(702, 6, 2)

    def fresh(seed, make):
        model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 2))
        with torch.no_grad():
            for i, p in enumerate(model.parameters()):
                p.copy_(check.tensor(seed + i, *p.shape))
        return model, make(model)

    def train(model, opt, epochs):
        for _ in range(epochs):
            opt.zero_grad()
            ((model(x) - y) ** 2).mean().backward()
            opt.step()
            for group in opt.param_groups:
                group["lr"] *= 0.9
        return [value.clone().to(torch.float32) for value in model.state_dict().values()]

    def interrupted(make):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "training.pt")
            model, opt = fresh(710, make)
            train(model, opt, 7)
            save_checkpoint(path, model, opt, 7)
            model, opt = fresh(720, make)
            opt.param_groups[0]["lr"] = 0.5
            return operator.index(load_checkpoint(path, model, opt)), train(model, opt, 8)

    def never_stopped(make):
        return 7, train(*fresh(710, make), 15)

    check.close(
        "SGD with momentum: 7 epochs, a restart and 8 more are the same as 15 in one go",
        lambda: interrupted(lambda model: torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)),
        expected=lambda: never_stopped(lambda model: torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)),
        advice="what does training need beside the weights? print(optimizer.state_dict())",
    )

    def two_rates(model):
        first, *others = model.parameters()
        return torch.optim.SGD([{"params": [first]}, {"params": others, "lr": 0.02}], lr=0.2)

    check.close(
        "two groups with learning rates of their own",
        lambda: interrupted(two_rates),
        expected=lambda: never_stopped(two_rates),
    )
    ### BEGIN HIDDEN TESTS
    def two_groups(model):
        weights, others = [p for p in model.parameters() if p.ndim > 1], [p for p in model.parameters() if p.ndim < 2]
        return torch.optim.AdamW([{"params": weights, "weight_decay": 0.3}, {"params": others, "weight_decay": 0.0, "lr": 0.02}], lr=0.05)

    check.close("Adam: its averages and counts go on", lambda: interrupted(lambda model: torch.optim.Adam(model.parameters(), lr=0.05)), expected=lambda: never_stopped(lambda model: torch.optim.Adam(model.parameters(), lr=0.05)))
    check.close("AdamW with two groups", lambda: interrupted(two_groups), expected=lambda: never_stopped(two_groups))
    check.close("plain SGD: only weights, buffers and lr", lambda: interrupted(lambda model: torch.optim.SGD(model.parameters(), lr=0.2)), expected=lambda: never_stopped(lambda model: torch.optim.SGD(model.parameters(), lr=0.2)))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "checkpoint__file", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("checkpoint__file")
def _():
    def made(value):
        model = nn.Linear(2, 1)
        with torch.no_grad():
            model.weight.fill_(value)
            model.bias.fill_(-value)
        return model, torch.optim.SGD(model.parameters(), lr=value, momentum=0.5)

    def weights_only():
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "some name.pt")
            save_checkpoint(path, *made(3.0), 4)
            if not os.path.isfile(path):
                return "there is no file at the path given"
            torch.load(path, weights_only=True)
            model, opt = made(0.0)
            epoch = operator.index(load_checkpoint(path, model, opt))
            return epoch, model.weight.detach().clone(), opt.param_groups[0]["lr"]

    check.close(
        "the file loads with weights_only=True, and gives back epoch 4, weights of 3 and an lr of 3",
        weights_only,
        expected=lambda: (4, torch.tensor([[3.0, 3.0]]), 3.0),
        advice="state_dict() gives plain tensors and numbers; a whole model or optimizer does not",
    )

    def under_another_name():
        with tempfile.TemporaryDirectory() as folder:
            path, other = (os.path.join(folder, name) for name in ("here.pt", "elsewhere.pt"))
            save_checkpoint(path, *made(2.0), 1)
            os.replace(path, other)
            model, opt = made(0.0)
            try:
                return operator.index(load_checkpoint(other, model, opt)), model.bias.detach().clone()
            except KeyError:
                return "a KeyError: the new name of the file was looked up somewhere"

    check.close(
        "the file, moved to another place, is all that is needed",
        under_another_name,
        expected=lambda: (1, torch.tensor([-2.0])),
    )
    ### BEGIN HIDDEN TESTS
    def two_files():
        with tempfile.TemporaryDirectory() as folder:
            first, second, moved = (os.path.join(folder, name) for name in ("a.pt", "b.pt", "c.pt"))
            save_checkpoint(first, *made(1.0), 0)
            save_checkpoint(second, *made(2.0), 12)
            save_checkpoint(second, *made(5.0), 13)
            if not os.path.isfile(first) or not os.path.isfile(second):
                return "there is no file at one of the paths"
            shutil.copy(first, moved)
            os.remove(first)
            seen = []
            for path in (second, moved, second):
                model, opt = made(0.0)
                epoch = operator.index(load_checkpoint(path, model, opt))
                seen.append((epoch, model.weight.detach().clone(), model.bias.detach().clone(), opt.param_groups[0]["lr"]))
            return seen

    check.close(
        "epoch 0, a file written again, one that was moved: each gives back what was saved in it",
        two_files,
        expected=lambda: [(e, torch.full((1, 2), v), torch.full((1,), -v), v) for e, v in ((13, 5.0), (0, 1.0), (13, 5.0))],
    )
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "checkpoint__care", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("checkpoint__care")
def _():
    def made(value):
        model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
        with torch.no_grad():
            for p in model.parameters():
                p.fill_(value)
        model[0].bias.requires_grad_(False)
        return model, torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.5)

    def step(model, opt):
        for p in model.parameters():
            p.grad = torch.ones_like(p) if p.requires_grad else None
        opt.step()
        return [p.detach().clone() for p in model.parameters()]

    def look(model):
        return [m.training for m in model.modules()], [p.requires_grad for p in model.parameters()]

    def around():
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "training.pt")
            model, opt = made(1.0)
            model[1].eval()
            step(model, opt)
            save_checkpoint(path, model, opt, 2)
            saved = look(model), [None if p.grad is None else p.grad.clone() for p in model.parameters()]
            other, other_opt = made(7.0)
            other[0].eval()
            step(other, other_opt)
            held = list(other.parameters())
            load_checkpoint(path, other, other_opt)
            same = [p is q for p, q in zip(held, other.parameters(), strict=True)]
            return step(model, opt), saved, same, look(other), step(other, other_opt)

    check.close(
        "saving disturbs nothing; loading keeps the parameter objects, so that the optimizer still moves "
        "the model",
        around,
        expected=lambda: (
            [torch.full((2, 2), 0.75), torch.ones(2), torch.full((1, 2), 0.75), torch.full((1,), 0.75)],
            (([True, True, False], [True, False, True, True]), [torch.ones(2, 2), None, torch.ones(1, 2), torch.ones(1)]),
            [True, True, True, True],
            ([True, False, True], [True, False, True, True]),
            [torch.full((2, 2), 0.75), torch.ones(2), torch.full((1, 2), 0.75), torch.full((1,), 0.75)],
        ),
        advice="load_state_dict copies into what is there; assigning new parameters leaves the optimizer "
        "with the old ones",
    )
    ### BEGIN HIDDEN TESTS
    def load_twice():
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "training.pt")
            model, opt = made(1.0)
            step(model, opt)
            save_checkpoint(path, model, opt, 2)
            step(model, opt)
            after = []
            for _ in range(2):
                after.append((operator.index(load_checkpoint(path, model, opt)), step(model, opt)))
            return after

    check.close("the same file may be loaded again, after training has gone on", load_twice, expected=lambda: [(2, [torch.full((2, 2), 0.75), torch.ones(2), torch.full((1, 2), 0.75), torch.full((1,), 0.75)])] * 2)
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**What is lost without the state.** The two-layer network, stopped after 40 steps. One run goes on from your
checkpoint; the other loads the weights and begins with an empty Adam. A third never stopped: from step 40 on
it and the first should be one line.
"""

# %% tags=["picture"]
def train_net(net, opt, x, y, steps):
    """-> the loss before each step"""
    losses = []
    for _ in range(steps):
        opt.zero_grad()
        loss = nn.functional.mse_loss(net(x), y)
        loss.backward()
        opt.step()
        losses.append(float(loss.detach()))
    return losses


def begin():
    net, x, y = two_layer_net()
    return net, torch.optim.Adam(net.parameters(), lr=3e-3), x, y


def there_and_back(load):
    ours = load is parts.optimizers.load_checkpoint
    save = parts.optimizers.save_checkpoint if ours else save_checkpoint  # a file is read by who wrote it
    with tempfile.TemporaryDirectory() as folder:
        path, model, other = os.path.join(folder, "a.pt"), nn.Linear(1, 1), nn.Linear(1, 1)
        save(path, model, torch.optim.SGD(model.parameters(), lr=0.1), 3)
        epoch = load(path, other, torch.optim.SGD(other.parameters(), lr=0.5))
        return [int(epoch), torch.equal(model.weight, other.weight)]


load = stand_in.yours_or_ours("load_checkpoint", parts.optimizers.load_checkpoint, there_and_back)
save = save_checkpoint if stand_in.whose("load_checkpoint") == "your" else parts.optimizers.save_checkpoint

# %% tags=["picture"]
whole = train_net(*begin(), 70)
with tempfile.TemporaryDirectory() as folder:
    stopped, stopped_opt, x, y = begin()
    train_net(stopped, stopped_opt, x, y, 40)
    save(os.path.join(folder, "net.pt"), stopped, stopped_opt, 40)
    again, again_opt, _, _ = begin()
    epoch = load(os.path.join(folder, "net.pt"), again, again_opt)

# %% tags=["picture"]
resumed = train_net(again, again_opt, x, y, 30)
bare, bare_opt, _, _ = begin()
bare.load_state_dict(stopped.state_dict())
weights_only = train_net(bare, bare_opt, x, y, 30)
after = range(40, 70)
plot.curves(
    {
        "never stopped": (range(30, 70), whole[30:]),
        f"{stand_in.whose('load_checkpoint')} checkpoint": (after, resumed),
        "weights only": (after, weights_only),
    },
    xlabel="step",
    ylabel="loss",
    log=True,
    alt="Loss around a restart at step 40. From the checkpoint it ends at {:.2g}, the run that never "
    "stopped at {:.2g}; with the weights "
    "alone it jumps up to {:.2g} first and ends at {:.2g}".format(
        resumed[-1], whole[-1], max(weights_only), weights_only[-1]
    ),
)

# %% [markdown]
r"""
The jump is Adam's cold start: $v$ is empty, so for the first steps every weight moves by a whole `lr`, as at
the very beginning, and the carefully found place is left in a hurry.
"""

# %% [markdown]
r"""
**What such a checkpoint still misses.** Model, optimizer and epoch are enough for *this* training, which draws
no random numbers and changes no `lr`. Other loops have more state, and each piece has to be saved by somebody:

| what | where its state is | without it |
|---|---|---|
| a schedule object of torch | `schedule.state_dict()` | it starts again at step 0 |
| random numbers (dropout, augmentation) | `torch.get_rng_state()`, and CUDA's, NumPy's, Python's | other numbers than without the stop |
| the order of the data | the sampler's generator, and the place in the epoch | examples come twice, or not at all |
| mixed precision | the gradient scaler's `state_dict()` | a few steps are skipped |

Below, the first line, with the schedule of 6.9: stopped after 40 of 100 steps and resumed with and without it.
`torch.optim.lr_scheduler.LambdaLR(optimizer, f)` is PyTorch's object for a schedule of your own: it counts the steps
and, at each `.step()`, sets every group's `lr` to its first `lr` times `f(count)`. The count is its state.
"""

# %% tags=["picture"]
def scheduled():
    net = nn.Linear(1, 1)
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3)
    rate = parts.optimizers.warmup_cosine
    return optimizer, torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate(step, 1.0, 10, 100))


def forty_steps():
    optimizer, schedule = scheduled()
    for _ in range(40):
        optimizer.step()
        schedule.step()
    return optimizer, schedule


next_lr = {}
for name in ("never stopped", "with the schedule's state", "without it"):
    optimizer, schedule = forty_steps()
    saved = optimizer.state_dict(), schedule.state_dict()
    if name != "never stopped":
        optimizer, schedule = scheduled()
        optimizer.load_state_dict(saved[0])
    if name.startswith("with the"):
        schedule.load_state_dict(saved[1])
    optimizer.step()
    schedule.step()
    next_lr[name] = optimizer.param_groups[0]["lr"]
print("lr of the next step:", ", ".join(f"{name} {lr:.2e}" for name, lr in next_lr.items()))

# %% [markdown]
r"""
## 6.9 With the framework

Everything you built has a name in PyTorch. The loop below is the one you will meet in many repositories.
Read it line by line: there is nothing in it any more that you have not written yourself.
"""

# %% tags=["picture"]
grouping = stand_in.yours_or_ours("param_groups", parts.optimizers.param_groups, counted)
rate = stand_in.yours_or_ours("warmup_cosine", parts.optimizers.warmup_cosine, twenty_steps)
net, x, y = two_layer_net()
optimizer = torch.optim.AdamW(grouping(net, weight_decay=0.1), lr=2e-3)
schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: float(rate(step, 1.0, 10, 100)))
with_framework = []
for _ in range(100):
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(net(x), y)
    loss.backward()
    nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    optimizer.step()
    schedule.step()
    with_framework.append(float(loss.detach()))
plot.curves(
    {"by hand (6.1)": by_hand, "with the framework": with_framework},
    xlabel="step",
    ylabel="loss",
    log=True,
    alt="The two-layer network over 100 steps on a logarithmic axis: plain descent by hand ends at {:.3g}, "
    "AdamW with groups, schedule "
    "and clipping at {:.3g}".format(by_hand[-1], with_framework[-1]),
)

# %% [markdown]
r"""
## 6.10 The number that counts

All losses of this chapter were measured on the examples that were trained on. An optimizer is good at making
*that* number small, too good: given time it learns wrong labels by heart. Below, 200 handwritten digits, 40 of
them with a random label, and 1000 others that training never sees. The **test error** is the share of those that
the network gets wrong. Guess before you run: where does it stand when the training loss is lowest?
"""

# %% tags=["picture"]
from sklearn.datasets import load_digits

generator = torch.Generator().manual_seed(1)
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32).reshape(-1, 64) / 16
labels = torch.tensor(digits.target)
order = torch.randperm(len(images), generator=generator)
seen, unseen = order[:200], order[200:1200]
some_wrong = labels[seen].clone()
some_wrong[:40] = torch.randint(0, 10, (40,), generator=generator)


adamw = stand_in.yours_or_ours("AdamW", parts.optimizers.AdamW, parts.optimizers.way)


def by_heart(decay, steps=300):
    """-> training loss, and test error (%) after each tenth step"""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(64, 100), nn.ReLU(), nn.Linear(100, 10))
    opt, losses, errors = adamw(net.parameters(), lr=1e-2, weight_decay=decay), [], []
    for step in range(steps + 1):
        opt.zero_grad()
        loss = nn.functional.cross_entropy(net(images[seen]), some_wrong)
        loss.backward()
        if step % 10 == 0:
            losses.append(float(loss.detach()))
            with torch.no_grad():
                errors.append(100 * float((net(images[unseen]).argmax(1) != labels[unseen]).float().mean()))
        opt.step()
    return losses, errors

# %% tags=["picture"]
runs = {f"decay {decay}": by_heart(decay) for decay in (0.0, 2.0)}
at = range(0, 301, 10)
text = "; ".join(
    f"{name}: training loss {losses[-1]:.2g} at the end, test error {min(errors):.1f} % at best, after "
    f"{10 * errors.index(min(errors))} steps, and {errors[-1]:.1f} % at the end"
    for name, (losses, errors) in runs.items()
)
print(text)
with plot.figure(f"Training loss (log axis) and test error over 300 steps with a fifth of the labels drawn at random. {text}", columns=2) as axes:
    for name, (losses, errors) in runs.items():
        axes[0].semilogy(at, losses, label=name)
        axes[1].plot(at, errors, label=name)
    axes[0].set(xlabel="step", ylabel="training loss")
    axes[1].set(xlabel="step", ylabel="test error (%)")
    axes[0].legend()

# %% [markdown]
r"""
The training loss falls to the end; the test error is best early, and rises while the network learns the wrong
labels. Weight decay slows that and does not cure it. Three things follow. A training curve alone says nothing
about use. *When to stop* is a decision, and so is the decay; both are taken on examples that were kept apart.
And the examples they were taken on are used up by it: chapter 8 keeps a third set, looked at once.
"""

# %% [markdown]
r"""
## 6.11 A gallery of errors

| in the message | what was done | cure |
|---|---|---|
| can't optimize a non-leaf Tensor | a tensor that was computed was handed over | the leaf it was computed from |
| optimizer got an empty parameter list | `params` was a generator, already walked through, or nothing was registered | `list(…)`; chapter 5.3 |
| some parameters appear in more than one parameter group | a shared weight was listed twice | each parameter once (`param_groups`) |
| a leaf Variable that requires grad is being used in an in-place operation | a step outside of `torch.no_grad()` | step under `no_grad` |
| parameter group that doesn't match the size | a state of another model's optimizer | build model and optimizer as they were saved |
| *no message at all* | the optimizer holds the parameters of another model, or of one that was replaced | make the optimizer last; `opt.param_groups[0]["params"][0] is next(model.parameters())` |
"""

# %% tags=["picture"]
layer, used_up = nn.Linear(2, 1), iter([torch.ones(1, requires_grad=True)])
list(used_up)
other_state = torch.optim.SGD(nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1)).parameters(), lr=0.1).state_dict()
gallery(
    not_a_leaf=lambda: torch.optim.SGD([layer.weight * 2], lr=0.1),
    used_up=lambda: torch.optim.SGD(used_up, lr=0.1),
    twice=lambda: torch.optim.SGD([{"params": [layer.weight]}, {"params": layer.parameters()}], lr=0.1),
    on_the_tape=lambda: layer.weight.sub_(0.1),
    of_another_model=lambda: torch.optim.SGD(layer.parameters(), lr=0.1).load_state_dict(other_state),
)
model = nn.Linear(2, 1)
opt = torch.optim.SGD(model.parameters(), lr=0.1)
model.weight = nn.Parameter(torch.ones(1, 2))  # after the optimizer was made
model(torch.ones(1, 2)).sum().backward()
opt.step()
print("replaced afterwards: moved?", not torch.equal(model.weight, torch.ones(1, 2)))

# %% [markdown]
r"""
## Two questions

These are read by a person. A few honest sentences are worth more than a page.
"""

# %% [markdown]
r"""
### Question A
Suppose a weight has the same slope $g$ at every step. Derive what Adam's $m$ and $v$ are after $t$ steps, and
from that why $\hat m$ and $\hat v$ are divided by $1-\beta^t$. How long is the very first step **without** the
corrections, for $\beta_1 = 0.9$ and $\beta_2 = 0.999$, compared with `lr`? Which of the two averages is to blame?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_bias_correction", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
r"""
**Model answer.** From $m_0 = 0$, $m_t = (1-\beta_1)\sum_{i=0}^{t-1} \beta_1^{\,i}\, g$. The sum is a
geometric series, so $m_t = (1-\beta_1^t)\, g$; in the same way $v_t = (1-\beta_2^t)\, g^2$. The factor is
the weight that the average has gathered; the rest still belongs to the zero it started from. Dividing by it
gives $\hat m = g$ and $\hat v = g^2$ at every $t$. (With slopes that vary, the same holds for their
expectation.) Without corrections the first step is $\text{lr}\cdot 0.1\,g / \sqrt{0.001\,g^2} \approx
3.16\,\text{lr}$: too **long**. $m$ alone would make it ten times too short; $v$ is a thousand times too
small, and under the root makes it $31.6$ times too long.

**Rubric.** 1 point: the geometric series and both results. 1 point: what the factor means (the weight
gathered since the start at 0), so that dividing cures it. 1 point: 3.16 times too long, because $v$ is
further off than $m$.
"""

# %% [markdown]
r"""
### Question B
A training loop has three lines: `model(x)`, `loss.backward()`, `optimizer.step()`. For each of them name what it
reads, what it writes, and where what it wrote is kept until the next step. Then: why is the optimizer's state **not**
part of the model's `state_dict`, although it has an entry for each of the model's parameters?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_three_lines", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
r"""
**Model answer.** `model(x)` reads the parameters (and writes buffers such as running means, and the graph,
which is gone after the backward pass). `backward()` reads the graph and adds to `.grad`, which lives on the
parameter until somebody clears it. `step()` reads `.grad` and the optimizer's state, and writes the
parameters and the state, which lives in the optimizer. The state describes a way of training and not the
function that the network computes: the same model may be trained by another optimizer tomorrow, or by none
when it is only used. Two optimizers may share a model, and a model that is shipped should not carry twice
its weight in averages. So each saves its own half, and a checkpoint needs both.

**Rubric.** 1 point: reads and writes of the three lines, `.grad` accumulating among them. 1 point: where
each lives (buffers and parameters in the model, `.grad` on the parameter, state in the optimizer). 1 point:
a reason for the separation that is about the two having different lives or owners.
"""

# %% [markdown]
r"""
## Summary

| you wrote | the idea | PyTorch's name for it |
|---|---|---|
| `SGD` | an echo of past slopes speeds up what agrees and cancels what flips | `torch.optim.SGD` |
| `Adam` | divide by the usual size of the slope; correct the cold start, per parameter | `torch.optim.Adam` |
| `judge_adam` | a test tries what could be wrong, not what is right | (the tests of `torch.optim`) |
| `AdamW` | decay the weight, not the slope | `torch.optim.AdamW` |
| `warmup_cosine` | `lr` is a function of the step, read afresh at each | `lr_scheduler.LambdaLR`, `CosineAnnealingLR` |
| `clip_grad_norm` | one length for all gradients; shorten, never turn | `nn.utils.clip_grad_norm_` |
| `param_groups` | options belong to parameters, not to the whole model | `opt.param_groups` |
| `checkpoint` | an optimizer is state beside parameters, so save both | two `state_dict`s |

**Hidden behind `step()` from now on:** every update formula of this chapter.
"""

# %% [markdown]
r"""
**What still hurts?** The model itself. How does `parameters()` find what an optimizer should move, and
`state_dict()` what should be saved? You inherited both from `nn.Module`, and took `nn.Linear` and its fresh
weights as they came. Chapter 7 takes `nn.Module` apart, and builds such layers.

## Where to go next

- *Next chapter:* `07_module`, components of your own.
- *In the library:* `torch/optim/sgd.py` and `adam.py`: look for `_single_tensor_sgd` and
  `_single_tensor_adam`, with your lines in them between cases for complex numbers, graphs on a GPU and
  `amsgrad`; AdamW is a subclass of Adam with one flag set. `torch/optim/optimizer.py` has `state`, a
  dictionary from parameter to dictionary, and `add_param_group`. Clipping is `torch/nn/utils/clip_grad.py`.
- *Further:* Kingma and Ba, *Adam* (2015); Loshchilov and Hutter, *Decoupled Weight Decay Regularization*
  (2019); Goh, *Why Momentum Really Works* (2017).
- *Try:* `amsgrad`, two lines more in your `Adam`; or `state_dict()` and `load_state_dict(...)` for your
  `SGD`.
"""
