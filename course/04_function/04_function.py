# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
r"""
# 4 · Write an operation's own backward

In chapter 3 you stopped writing gradients. This chapter gives the pen back to you, for one operation at a
time. You will build eight things: seven operations that know their own gradient, and the instrument that
tells a right gradient from a wrong one.

On the way, the two-layer network of this course runs on **your** linear layer and **your** ReLU, inside
PyTorch's own autograd, and its loss falls on the same curve as PyTorch's.
"""

# %% [markdown]
r"""
**Why would you want the pen back?** Autograd has one rule: it differentiates what it saw, as it saw it.
That hurts in three places, and the last two you will mend today.

- *It cannot see everything.* A step through NumPy, a C library, a lookup: the graph ends there.
- *It believes you.* The derivative of rounding is 0. Correct, and useless: nothing that rounds can learn.
- *It keeps what each small step asks for.* Five small steps keep five tensors where one might do.

The way out is one class with two methods. PyTorch's own operations are such pairs too, written in C++.

*Needs: chapter 3, and chapter 1's chain rule. Eight exercises, about two hours of them, and an hour and a
half of reading and looking: 4.1 to 4.5 and 4.6 to 4.10 make two good evenings.*
"""

# %% tags=["setup"] nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import inspect

import numpy as np
import torch
import torch.nn.functional as F

from layer_by_layer import parts
from layer_by_layer.instruments import ledger, stand_in
from layer_by_layer.instruments.gallery import gallery
from layer_by_layer.instruments.recall import compare_guesses
from lessonkit import check, plot
from lessonkit.hints import hint

# %% [markdown]
r"""
**Before you start: four questions on chapters 1 to 3.** Type what you expect in place of each `...` (a
number, or a word), then run both cells. No points, and nothing is kept; a wrong guess now is worth more than
a right sentence later.

1. `x = 3` with `requires_grad`. What is `x.grad` after `(x * x).backward()` has run **twice**, each on a
   fresh product, with nothing cleared in between?
2. `x` is (64, 1000), `w` is (1000, 100). What shape has the gradient of `w`?
3. `y = x * 2` for a leaf `x`. Is `y` a leaf?
4. The gradient of `relu(x)` at `x = -1`, where 5 comes from above?
"""

# %%
guesses = [..., ..., ..., ...]

# %% tags=["picture"]
def twice_without_clearing():
    x = torch.tensor(3.0, requires_grad=True)
    for _ in range(2):
        (x * x).backward()
    return x.grad.item()


def gradient_shape():
    x, w = torch.ones(64, 1000), torch.ones(1000, 100, requires_grad=True)
    (x @ w).sum().backward()
    return tuple(w.grad.shape)


def relu_at_minus_one():
    x = torch.tensor(-1.0, requires_grad=True)
    return torch.autograd.grad(torch.relu(x), x, torch.tensor(5.0))[0].item()


compare_guesses(
    guesses,
    {
        "1. x.grad after two backward passes": twice_without_clearing,
        "2. the shape of the gradient of w": gradient_shape,
        "3. is y a leaf?": lambda: (torch.ones(1, requires_grad=True) * 2).is_leaf,
        "4. what relu lets through at -1": relu_at_minus_one,
    },
)

# %% [markdown]
r"""
Now the second of those three places, in four lines. Read the gradient that autograd finds for `torch.round`:
every entry is 0, so a training step would move nothing.
"""

# %% tags=["picture"]
x = torch.tensor([0.2, 0.7, 1.4, 2.9], requires_grad=True)
steps = torch.round(x)
steps.sum().backward()
print("round:", steps.tolist(), " gradient:", x.grad.tolist())

# %% [markdown]
r"""
## 4.1 A pair of maps, and a bag between them

An operation that autograd can use is a **pair**. *Forward* turns inputs into outputs. *Backward* turns the
gradient of the outputs into the gradient of the inputs. They run at different times, sometimes minutes
apart, so forward packs a bag for backward: the **context**, `ctx`.

$$x \xrightarrow{\;\text{forward}\;} y \qquad\qquad
\frac{\partial L}{\partial x} \xleftarrow{\;\text{backward}\;} \frac{\partial L}{\partial y}$$

You have written such pairs before: `relu_forward` and `relu_backward` in chapter 1 were one. What was
missing was somebody to call the second at the right moment with the right gradient. That somebody is
autograd's engine.
"""

# %% tags=["picture"]
plot.graph(
    {
        "x": "x",
        "f": "forward",
        "y": "y",
        "c": "ctx",
        "g": "gradient of y",
        "b": "backward",
        "gx": "gradient of x",
    },
    [("x", "f"), ("f", "y"), ("f", "c"), ("c", "b"), ("g", "b"), ("b", "gx")],
    alt="A Function as a picture: x goes through forward and becomes y; forward also packs ctx; "
    "backward takes the gradient of y together with ctx and returns the gradient of x",
)

# %% [markdown]
r"""
In code, the pair is a subclass of `torch.autograd.Function` with two **static** methods: there is no
`self`, and nothing may be remembered on the class, because the same class runs many times in one network.
Everything a run has to remember goes into its own `ctx`:

| in forward | in backward |
|---|---|
| `ctx.save_for_backward(a, b)` for tensors | `a, b = ctx.saved_tensors` |
| `ctx.anything = 3` for everything else | `ctx.anything` |

You never call the two yourself. You call `YourFunction.apply(...)`: it runs forward *without* recording it,
and hangs one node of yours into the graph. Here is a complete one, the square:
"""

# %%
class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)  # the way back will ask: square of what?
        return x * x

    @staticmethod
    def backward(ctx, grad_out):  # one gradient for each output of forward ...
        (x,) = ctx.saved_tensors
        return 2 * x * grad_out  # ... in, one for each argument of forward (after ctx) out

# %% tags=["picture"]
x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
y = Square.apply(x)
print("y:", y.tolist(), " node:", type(y.grad_fn).__name__)
y.backward(torch.tensor([1.0, 1.0, 10.0]))
print("gradient of x:", x.grad.tolist(), " (2x times what came from above)")

# %% [markdown]
r"""
**Why `save_for_backward`, and not simply `ctx.x = x`?** Because a tensor can change between forward and
backward, and then the two disagree about what was computed. `save_for_backward` notes the tensor's *version*,
a counter that every in-place operation raises, and asks again when you read it.

Below, the square once more, kept both ways. After forward somebody adds 100 to its input in place. The
gradient at 3 is 6. One of the two returns another number, and says nothing.
"""

# %% tags=["picture"]
class ForgetfulSquare(Square):
    @staticmethod
    def forward(ctx, x):
        ctx.x = x  # the tensor itself: whatever happens to it happens to us
        return x * x

    @staticmethod
    def backward(ctx, grad_out):
        return 2 * ctx.x * grad_out


def square_then_change(square):
    w = torch.tensor([3.0], requires_grad=True)
    h = w * 1
    y = square.apply(h)
    h.add_(100)  # too early: backward has not run yet
    y.backward()
    return w.grad.tolist()


print("ctx.x = x:", square_then_change(ForgetfulSquare))
gallery(save_for_backward=lambda: square_then_change(Square))

# %% [markdown]
r"""
206 instead of 6 in silence, against an error that names the trouble. There is a second reason: a tensor that
hangs on `ctx` under a name of your own can keep a whole graph alive in a circle, above all an *output* (4.5),
and nobody frees it. So: **tensors that were given or are returned go through `save_for_backward`**; shapes,
flags and numbers go onto `ctx`.
"""

# %% [markdown]
r"""
**Two names for one thing.** What arrives in backward, `grad_out`, is called the *upstream gradient*. It is
not yours: the engine may hand the same tensor to somebody else. Read it, never write into it.

And it is almost never all ones. `y.sum().backward()` happens to send ones, which is why so many wrong
backwards look right at first. The checks of this chapter send something else.
"""

# %% [markdown]
r"""
### Exercise 4.1 · `my_relu`
*difficulty 1 of 3 · 10 minutes · about 4 lines*

Write `MyReLU`, a `torch.autograd.Function` with static methods, used as `MyReLU.apply(x)`. `x` has any
shape and any float dtype; negative entries become 0, the others stay. The gradient passes where `x` was
positive; where `x` is 0 or negative it is 0. Neither `x` nor the upstream gradient is modified.
"""

# %% nbgrader={"grade": false, "grade_id": "my_relu", "locked": false, "schema_version": 3, "solution": true, "task": false}
class MyReLU(torch.autograd.Function):
    """any shape -> the same shape, negative entries replaced by 0"""

    @staticmethod
    def forward(ctx, x):
        # about 2 lines
        ### BEGIN SOLUTION
        ctx.save_for_backward(x)
        return x.clamp(min=0)
        ### END SOLUTION

    @staticmethod
    def backward(ctx, grad_out):
        # about 2 lines
        ### BEGIN SOLUTION
        (x,) = ctx.saved_tensors
        # the mask belongs to the input; the product is a new tensor, so the upstream gradient stays as it was
        return grad_out * (x > 0)
        ### END SOLUTION

# %%
hint("my_relu")

# %% nbgrader={"grade": true, "grade_id": "my_relu__forward", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("my_relu__forward")
def _():
    x = torch.tensor([[-1.5, 2.0, 0.0], [3.0, -0.5, 1.0]])
    check.close(
        "MyReLU.apply keeps positive entries and replaces the others by 0",
        lambda: MyReLU.apply(x),
        expected=torch.tensor([[0.0, 2.0, 0.0], [3.0, 0.0, 1.0]]),
    )
    check.unchanged("the ReLU's input is left alone", lambda: MyReLU.apply(x), x)
    ### BEGIN HIDDEN TESTS
    cube = check.tensor(11, 2, 3, 4, dtype="float64", away_from=0.0, strided=True)
    check.close(
        "the ReLU of three axes, not contiguous, in float64",
        lambda: MyReLU.apply(cube),
        expected=lambda: cube.relu(),
    )
    one = check.tensor(12, 1, 5, away_from=0.0)
    check.close("the ReLU of a batch of one", lambda: MyReLU.apply(one), expected=lambda: one.relu())
    check.probes("what MyReLU promises besides its numbers", lambda: MyReLU.apply, check.tensor(951, 4, 3, away_from=0.0), expected=lambda: torch.relu)
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "my_relu__gradient", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("my_relu__gradient")
def _():
    def gradient(x, upstream):
        leaf = x.detach().requires_grad_()
        return torch.autograd.grad(MyReLU.apply(leaf), leaf, upstream)[0]

    x = torch.tensor([[-1.5, 2.0, 0.0], [3.0, -0.5, 1.0]])
    upstream = torch.tensor([[5.0, -7.0, 2.0], [11.0, -13.0, 0.5]])
    check.close(
        "the upstream gradient passes where x was positive, and only there",
        lambda: gradient(x, upstream),
        expected=torch.tensor([[0.0, -7.0, 0.0], [11.0, 0.0, 0.5]]),
        advice="print x > 0 beside your result: what became of the -7, of the 2 and of the 5?",
    )
    check.close(
        "in float64 a third from above comes through with all its digits",
        lambda: gradient(torch.tensor([2.0], dtype=torch.float64), torch.tensor([1 / 3], dtype=torch.float64)),
        expected=torch.tensor([1 / 3], dtype=torch.float64),
        rtol=1e-12,
        atol=0.0,
    )
    check.unchanged(
        "the ReLU's backward changes neither x nor the upstream gradient",
        lambda: gradient(x, upstream),
        x,
        upstream,
    )
    ### BEGIN HIDDEN TESTS
    cube = check.tensor(13, 4, 3, 5, dtype="float64", away_from=0.0, strided=True)
    other = check.tensor(14, 4, 3, 5, dtype="float64", strided=True)
    check.close(
        "the ReLU's gradient in float64, to all its digits, nothing contiguous",
        lambda: gradient(cube, other),
        expected=lambda: other * (cube > 0),
        rtol=1e-12,
        atol=1e-12,
    )
    row, spread = check.tensor(15, 6, away_from=0.0), torch.tensor(-2.5).expand(6)
    check.close(
        "the ReLU's gradient of one axis, upstream expanded from one number",
        lambda: gradient(row, spread),
        expected=lambda: spread * (row > 0),
    )
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "my_relu__care", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("my_relu__care")
def _():
    first, second = torch.tensor([1.0, -1.0, 2.0]), torch.tensor([-3.0, 4.0, 5.0])
    check.equal(
        "MyReLU is a Function, its two methods are static, and apply hangs a node of its own into the graph",
        lambda: [
            issubclass(MyReLU, torch.autograd.Function),
            *(
                isinstance(inspect.getattr_static(MyReLU, name), staticmethod)
                for name in ("forward", "backward")
            ),
            isinstance(
                MyReLU.apply(first.clone().requires_grad_()).grad_fn,
                torch.autograd.function.BackwardCFunction,
            ),
        ],
        expected=[True, True, True, True],
        advice="class MyReLU(torch.autograd.Function), and @staticmethod above each of the two methods",
    )

    def two_runs(a, b):
        a, b = a.detach().requires_grad_(), b.detach().requires_grad_()
        up, down = MyReLU.apply(a), MyReLU.apply(b)
        return [torch.autograd.grad(down.sum(), b)[0], torch.autograd.grad((3 * up).sum(), a)[0]]

    check.close(
        "two runs at once do not disturb each other: each has its own ctx",
        lambda: two_runs(first, second),
        expected=[torch.tensor([0.0, 1.0, 1.0]), torch.tensor([3.0, 0.0, 3.0])],
        advice="whatever a run has to remember belongs on ctx, nothing on the class",
    )

    def asked_twice(x):
        leaf = x.detach().requires_grad_()
        y = MyReLU.apply(leaf)
        return [torch.autograd.grad(y.sum() * 2, leaf, retain_graph=True)[0] for _ in range(2)]

    check.close(
        "a backward that runs twice through one graph (retain_graph=True) gives the same twice",
        lambda: asked_twice(first),
        expected=[torch.tensor([2.0, 0.0, 2.0])] * 2,
    )
    ### BEGIN HIDDEN TESTS
    x, upstream = check.tensor(16, 5, 2, away_from=0.0), check.tensor(17, 5, 2)

    def twice(x, upstream):
        leaf = x.detach().requires_grad_()
        y = MyReLU.apply(-MyReLU.apply(leaf) + 0.5)
        torch.autograd.grad(y, leaf, upstream, retain_graph=True)
        return torch.autograd.grad(y, leaf, upstream)[0]

    check.close(
        "one ReLU after another, and a second backward through the same graph",
        lambda: twice(x, upstream),
        expected=lambda: -upstream * (x > 0) * (x.relu() < 0.5),
    )
    ### END HIDDEN TESTS

# %% [markdown]
r"""
## 4.2 Is it right? Measure, by hand

Before the next operation, the habit of chapter 1: a gradient is believed when it has been **measured**.
Nudge one weight of a network up and down by a tiny step, look at the loss, divide by the distance. The
network below is the course's own, small: `x @ w1`, your `MyReLU`, `@ w2`, squared error.
"""

# %% tags=["picture"]
relu = stand_in.yours_or_ours("MyReLU", parts.functions.relu, lambda f: f.apply(torch.tensor([-1.0, 2.0])))
rng = torch.Generator().manual_seed(4)
x, y, w1, w2 = (torch.randn(*s, dtype=torch.float64, generator=rng) for s in ((6, 5), (6, 3), (5, 4), (4, 3)))


def loss_at(w1):
    return ((relu.apply(x @ w1) @ w2 - y) ** 2).sum()


eps, numeric = 1e-6, torch.zeros_like(w1)
for index in np.ndindex(*w1.shape):
    nudge = torch.zeros_like(w1)
    nudge[index] = eps
    numeric[index] = (loss_at(w1 + nudge) - loss_at(w1 - nudge)) / (2 * eps)

w1.requires_grad_()
analytic = torch.autograd.grad(loss_at(w1), w1)[0]
plot.gradient_check(analytic, numeric, f"w1, through {stand_in.whose('MyReLU')} MyReLU")

# %% [markdown]
r"""
Left what your backward says, in the middle what the nudges say, right their difference; the title says it
in words. Three things make it work: **float64** (in float32 a step of 1e-6 drowns in rounding), a step on
**both** sides, and no input near the ReLU's kink, where a measurement and a formula may honestly disagree.

Break your backward on purpose (a factor 2, a `>` turned round), run both cells again, read the title. Then
mend it.
"""

# %% [markdown]
r"""
## 4.3 Arguments that are not tensors

The engine is strict about one count: backward returns **one value for each argument of forward**, in the
same order (`ctx` does not count). An argument that has no gradient, such as a plain number, a string or a
shape, gets `None`.

Numbers do not go into `save_for_backward`, which is for tensors. They go straight onto `ctx` under any name
you like.
"""

# %% [markdown]
r"""
### Exercise 4.3 · `mul_constant`
*difficulty 1 of 3 · 8 minutes · about 4 lines*

Write `MulConstant`, a `torch.autograd.Function` with static methods, used as `MulConstant.apply(x,
constant)` → `x` times `constant`. `x` has any shape, `constant` is a Python number (an int or a float). The
result has the dtype of `x`, at its full precision. Neither `x` nor the upstream gradient is modified.
"""

# %% nbgrader={"grade": false, "grade_id": "mul_constant", "locked": false, "schema_version": 3, "solution": true, "task": false}
class MulConstant(torch.autograd.Function):
    """any shape, a Python number -> the same shape"""

    @staticmethod
    def forward(ctx, x, constant):
        # about 2 lines
        ### BEGIN SOLUTION
        ctx.constant = constant
        return x * constant
        ### END SOLUTION

    @staticmethod
    def backward(ctx, grad_out):
        # about 1 line
        ### BEGIN SOLUTION
        return grad_out * ctx.constant, None  # two arguments went in, so two values come out
        ### END SOLUTION

# %%
hint("mul_constant")

# %% nbgrader={"grade": true, "grade_id": "mul_constant__values", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("mul_constant__values")
def _():
    def both(x, constant, upstream):
        leaf = x.detach().requires_grad_()
        y = MulConstant.apply(leaf, constant)
        return y, torch.autograd.grad(y, leaf, upstream)[0]

    x, upstream = torch.tensor([[1.0, -2.0, 0.5]]), torch.tensor([[10.0, 1.0, -4.0]])
    check.close(
        "the product with 3",
        lambda: MulConstant.apply(x, 3),
        expected=torch.tensor([[3.0, -6.0, 1.5]]),
    )
    check.close(
        "the gradient is what came from above, times 3",
        lambda: both(x, 3, upstream)[1],
        expected=torch.tensor([[30.0, 3.0, -12.0]]),
        advice="an error about the number of gradients? forward has two arguments after ctx",
    )
    wide, above = torch.tensor([1.0], dtype=torch.float64), torch.tensor([2.0], dtype=torch.float64)
    check.close(
        "times a third in float64: every digit is right, forward and backward",
        lambda: both(wide, 1 / 3, above),
        expected=(wide / 3, above / 3),
        rtol=1e-12,
        atol=0.0,
    )
    ### BEGIN HIDDEN TESTS
    y, other = (
        check.tensor(21, 3, 4, 2, dtype="float64", strided=True),
        check.tensor(22, 3, 4, 2, dtype="float64", strided=True),
    )
    check.close(
        "a third, in float64, to all its digits",
        lambda: both(y, 1 / 3, other),
        expected=lambda: (y * (1 / 3), other * (1 / 3)),
        rtol=1e-10,
        atol=1e-12,
    )
    one, spread = check.tensor(23, 1), torch.tensor(-1.5).expand(1)
    check.close(
        "one number in float32, times a float",
        lambda: both(one, -0.7, spread),
        expected=lambda: (one * -0.7, spread * -0.7),
    )
    check.close(
        "times 0: the gradient is zeros", lambda: both(one, 0, spread), expected=lambda: (one * 0, spread * 0)
    )
    check.probes("what MulConstant promises besides its numbers", lambda: lambda x, upstream: both(x, 3, upstream), check.tensor(952, 4, 3), check.tensor(953, 4, 3), expected=lambda: lambda x, upstream: (x * 3, upstream * 3))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "mul_constant__care", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("mul_constant__care")
def _():
    x, upstream = torch.tensor([1.0, 2.0]), torch.tensor([1.0, -1.0])

    def two_runs():
        leaf = x.detach().requires_grad_()
        by_two, by_five = MulConstant.apply(leaf, 2), MulConstant.apply(leaf, 5)
        five = torch.autograd.grad(by_five, leaf, upstream)[0]
        return [torch.autograd.grad(by_two, leaf, upstream)[0], five]

    check.close(
        "times 2, then times 5: each run remembers its own constant",
        lambda: two_runs(),
        expected=[torch.tensor([2.0, -2.0]), torch.tensor([5.0, -5.0])],
        advice="where do you keep the constant: on the class, or on ctx?",
    )
    check.unchanged(
        "multiplying changes neither x nor the upstream gradient", lambda: two_runs(), x, upstream
    )
    check.equal(
        "MulConstant is a Function with static methods, and apply hangs its node into the graph",
        lambda: [
            issubclass(MulConstant, torch.autograd.Function),
            *(
                isinstance(inspect.getattr_static(MulConstant, name), staticmethod)
                for name in ("forward", "backward")
            ),
            isinstance(
                MulConstant.apply(x.clone().requires_grad_(), 2).grad_fn,
                torch.autograd.function.BackwardCFunction,
            ),
        ],
        expected=[True, True, True, True],
    )
    ### BEGIN HIDDEN TESTS
    far = check.tensor(24, 4, 3)

    def chained():
        leaf = far.detach().requires_grad_()
        y = MulConstant.apply(MulConstant.apply(leaf, 4), 0.5)
        torch.autograd.grad(y.square().sum(), leaf, retain_graph=True)
        return torch.autograd.grad(y.square().sum(), leaf)[0]

    check.close(
        "a product of a product, and backward a second time", lambda: chained(), expected=lambda: 8 * far
    )
    ### END HIDDEN TESTS

# %% [markdown]
r"""
## 4.4 Only what is asked for

The first layer of a network gets its input from the data. Nobody needs the gradient of the *data*, and yet
it costs as much as the gradient of the weights: a whole matrix product. So the engine tells your backward
what it wants. `ctx.needs_input_grad` is a tuple of True and False, one for each argument **that was passed
to `apply`**. (Your backward may still return one gradient for each argument of `forward`: a `None` too many at the end
is forgiven.)

For a question nobody asked, return `None` and do no work. The checks see every operation that your backward
runs (`layer_by_layer/instruments/ledger.py`, below autograd), so work that is done and thrown away counts.
"""

# %% [markdown]
r"""
Two things are different from chapter 1's linear layer. The weight is stored as `(out,
in)` here, the way `torch.nn` does it, so forward is `x @ weight.T + bias`. And `x` may have **any** number
of leading axes, none included: `(in,)`, `(N, in)`, `(N, T, in)`. One weight serves all of those rows, so
its gradient sums over all of those rows: lay the leading axes flat, and it is chapter 1's product again.
"""

# %% [markdown]
r"""
### Exercise 4.4 · `linear_function`
*difficulty 3 of 3 · 25 minutes · about 12 lines*

Write `LinearFunction`, a `torch.autograd.Function` with static methods, used as `LinearFunction.apply(x,
weight)` or `LinearFunction.apply(x, weight, bias)`; a bias of `None` is as good as none. `x` is (…, in),
1-D included, `weight` (out, in), `bias` (out,); the result is (…, out). Backward sums the gradients of
weight and bias over all rows itself, and computes **no** gradient that `ctx.needs_input_grad` does not ask
for. Tensors may be non-contiguous; inputs and upstream gradient are not modified.
"""

# %% nbgrader={"grade": false, "grade_id": "linear_function", "locked": false, "schema_version": 3, "solution": true, "task": false}
class LinearFunction(torch.autograd.Function):
    """(…, in), (out, in), (out,) or nothing -> (…, out)"""

    @staticmethod
    def forward(ctx, x, weight, bias=None):
        # about 3 lines
        ### BEGIN SOLUTION
        ctx.save_for_backward(x, weight)  # the bias itself is never needed on the way back
        y = x @ weight.T
        return y if bias is None else y + bias
        ### END SOLUTION

    @staticmethod
    def backward(ctx, grad_out):
        # about 9 lines
        ### BEGIN SOLUTION
        x, weight = ctx.saved_tensors
        grad_x = grad_weight = grad_bias = None
        rows = grad_out.reshape(
            -1, grad_out.shape[-1]
        )  # (all leading axes laid flat, out); reshape, not view
        if ctx.needs_input_grad[0]:
            grad_x = grad_out @ weight  # (…, out) @ (out, in)
        if ctx.needs_input_grad[1]:
            grad_weight = rows.T @ x.reshape(-1, x.shape[-1])  # (out, rows) @ (rows, in): sums over every row
        if any(ctx.needs_input_grad[2:]):  # the tuple has two entries where apply got two arguments
            grad_bias = rows.sum(0)
        return grad_x, grad_weight, grad_bias  # a trailing None too many is forgiven
        ### END SOLUTION

# %%
hint("linear_function")

# %% nbgrader={"grade": true, "grade_id": "linear_function__forward", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("linear_function__forward")
def _():
    x, weight = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[1.0, 0.0], [0.0, 1.0], [2.0, 3.0]])
    bias = torch.tensor([10.0, 20.0, 30.0])
    check.close(
        "two rows by hand, with a bias: 2·1 + 3·2 + 30 = 38",
        lambda: LinearFunction.apply(x, weight, bias),
        expected=torch.tensor([[11.0, 22.0, 38.0], [13.0, 24.0, 48.0]]),
        advice="print(x.shape, weight.shape): which has to be turned round so that the sizes of `in` meet?",
    )
    check.close(
        "the same rows without a bias",
        lambda: LinearFunction.apply(x, weight),
        expected=torch.tensor([[1.0, 2.0, 8.0], [3.0, 4.0, 18.0]]),
    )
    check.unchanged(
        "x, weight and bias are left alone by forward",
        lambda: LinearFunction.apply(x, weight, bias),
        x,
        weight,
        bias,
    )
    check.equal(
        "LinearFunction is a Function with static methods, and apply hangs its node into the graph",
        lambda: [
            issubclass(LinearFunction, torch.autograd.Function),
            *(
                isinstance(inspect.getattr_static(LinearFunction, name), staticmethod)
                for name in ("forward", "backward")
            ),
            isinstance(
                LinearFunction.apply(x, weight.clone().requires_grad_()).grad_fn,
                torch.autograd.function.BackwardCFunction,
            ),
        ],
        expected=[True, True, True, True],
    )
    ### BEGIN HIDDEN TESTS
    weight, bias = check.tensor(31, 4, 6, dtype="float64", strided=True), check.tensor(32, 4, dtype="float64")
    for k, shape in enumerate([(6,), (1, 6), (5, 6), (2, 3, 6), (2, 1, 3, 6)]):
        x = check.tensor(33 + k, *shape, dtype="float64", strided=True)
        check.close(
            f"forward for x of {len(shape)} axes, {k}",
            lambda: LinearFunction.apply(x, weight, bias),
            expected=lambda: F.linear(x, weight, bias),
        )
        check.close(
            f"forward for x of {len(shape)} axes, bias None, {k}",
            lambda: LinearFunction.apply(x, weight, None),
            expected=lambda: F.linear(x, weight),
        )
    check.probes("what LinearFunction promises besides its numbers", lambda: lambda x: LinearFunction.apply(x, weight.to(x.dtype), bias.to(x.dtype)), check.tensor(954, 5, 6), rtol=1e-4, atol=1e-5, expected=lambda: lambda x: F.linear(x, weight.to(x.dtype), bias.to(x.dtype)))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "linear_function__gradients", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("linear_function__gradients")
def _():
    def gradients(upstream, *inputs, layer=None):
        leaves = [t.detach().requires_grad_() for t in inputs]
        return torch.autograd.grad((layer or LinearFunction.apply)(*leaves), leaves, upstream)

    x, weight = torch.tensor([[1.0, -2.0], [4.0, 0.5]]), torch.tensor([[1.0, -1.0], [0.0, 3.0], [2.0, 1.0]])
    bias, upstream = torch.zeros(3), torch.tensor([[1.0, 2.0, -1.0], [0.0, 1.0, 3.0]])
    check.close(
        "the gradient of x: each input collects from every output it fed",
        lambda: gradients(upstream, x, weight, bias)[0],
        expected=torch.tensor([[-1.0, 4.0], [6.0, 6.0]]),
        advice="(N, out) and (out, in) have to give (N, in): does anything have to be turned round?",
    )
    check.close(
        "the gradient of weight: summed over the rows, in the shape of weight",
        lambda: gradients(upstream, x, weight, bias)[1],
        expected=torch.tensor([[1.0, -2.0], [6.0, -3.5], [11.0, 3.5]]),
        advice="entry [2, 0] is -1·1 + 3·4: upstream of output 2 times input 0, added over both rows",
    )
    check.close(
        "the gradient of bias: the upstream rows added up",
        lambda: gradients(upstream, x, weight, bias)[2],
        expected=torch.tensor([1.0, 3.0, 2.0]),
    )

    def returned():
        y = LinearFunction.apply(*(t.detach().requires_grad_() for t in (x, weight, bias)))
        with torch.no_grad():  # as the engine calls it
            return [grad.numel() for grad in y.grad_fn.apply(upstream)]

    check.equal(
        "asked directly, backward returns gradients of 4, 6 and 3 numbers, as x, weight and bias have",
        lambda: returned(),
        expected=[4, 6, 3],
        advice="print the three shapes just before you return them",
    )
    check.unchanged(
        "backward changes no input and no upstream gradient",
        lambda: gradients(upstream, x, weight, bias),
        x,
        weight,
        bias,
        upstream,
    )

    ### BEGIN HIDDEN TESTS
    cases = {
        "every size the same, not contiguous": ([(4, 4), (4, 4), (4, 4), (4,)], "float64", True),
        "one row and one output, in float32": ([(1, 1), (1, 5), (1, 5), (1,)], "float32", False),
        "more outputs than inputs": ([(7, 5), (7, 2), (5, 2), (5,)], "float32", True),
    }
    for k, (name, (shapes, dtype, strided)) in enumerate(cases.items()):
        made = [check.tensor(41 + 5 * k + i, *n, dtype=dtype, strided=strided) for i, n in enumerate(shapes)]
        check.close(
            f"the three gradients: {name}",
            lambda: gradients(*made),
            expected=lambda: gradients(*made, layer=F.linear),
        )
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "linear_function__any_axes", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("linear_function__any_axes")
def _():
    def gradients(upstream, *inputs):
        given = [t if t is None else t.detach().requires_grad_() for t in inputs]
        leaves = [t for t in given if t is not None]
        return torch.autograd.grad(LinearFunction.apply(*given), leaves, upstream)

    weight, bias = torch.tensor([[1.0, -1.0], [0.0, 3.0], [2.0, 1.0]]), torch.zeros(3)
    check.close(
        "one example without a batch axis: three gradients in the shapes (2,), (3, 2) and (3,)",
        lambda: gradients(torch.tensor([1.0, 2.0, -1.0]), torch.tensor([1.0, -2.0]), weight, bias),
        expected=[
            torch.tensor([-1.0, 4.0]),
            torch.tensor([[1.0, -2.0], [2.0, -4.0], [-1.0, 2.0]]),
            torch.tensor([1.0, 2.0, -1.0]),
        ],
        advice="print grad_out.shape first: a transpose or a sum over axis 0 means something else in 1-D",
    )
    check.close(
        "without a bias argument the way back works too",
        lambda: gradients(torch.tensor([[1.0, 2.0, -1.0]]), torch.tensor([[1.0, -2.0]]), weight),
        expected=[torch.tensor([[-1.0, 4.0]]), torch.tensor([[1.0, -2.0], [2.0, -4.0], [-1.0, 2.0]])],
        advice="print ctx.needs_input_grad: how long is it when apply got two arguments?",
    )

    ### BEGIN HIDDEN TESTS
    def expected(upstream, *inputs):
        leaves = [t.detach().requires_grad_() for t in inputs]
        return torch.autograd.grad(F.linear(*leaves), leaves, upstream)

    for k, axes in enumerate([(2, 3), (2, 1, 3)]):
        shapes = [(*axes, 4), (*axes, 5), (4, 5), (4,)]
        t = [check.tensor(61 + 5 * k + i, *n, dtype="float64", strided=not k) for i, n in enumerate(shapes)]
        check.close(f"the three gradients, {axes} rows", lambda: gradients(*t), expected=lambda: expected(*t))
        two = t[:3]
        check.close(f"no bias, {axes} rows", lambda: gradients(*two), expected=lambda: expected(*two))
        check.close(f"bias None, {axes} rows", lambda: gradients(*two, None), expected=lambda: expected(*two))

    wide = [
        torch.tensor(1.5).expand(7, 5),
        check.tensor(79, 7, 2),
        check.tensor(70, 5, 2),
        check.tensor(69, 5),
    ]
    check.close(
        "upstream is one number, expanded", lambda: gradients(*wide), expected=lambda: expected(*wide)
    )
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "linear_function__many_runs", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("linear_function__many_runs")
def _():
    weight, bias = torch.tensor([[1.0, -1.0], [0.0, 3.0], [2.0, 1.0]]), torch.zeros(3)
    two_rows = torch.tensor([[1.0, -2.0], [4.0, 0.5]])

    def gradients(layer, upstream, *inputs):
        leaves = [t.detach().requires_grad_() for t in inputs]
        return torch.autograd.grad(layer(*leaves), leaves, upstream)

    deep, above = check.tensor(57, 2, 4, 2), check.tensor(58, 4, 2, 3).transpose(0, 1)
    check.close(
        "an upstream gradient that came through a transpose is not contiguous",
        lambda: gradients(LinearFunction.apply, above, deep, weight, bias),
        expected=lambda: gradients(F.linear, above, deep, weight, bias),
        advice="print(grad_out.shape, grad_out.is_contiguous())",
    )

    def first_of_two():
        near, far = (t.detach().requires_grad_() for t in (weight, 10 * weight))
        up, down = LinearFunction.apply(two_rows[:1], near), LinearFunction.apply(two_rows[1:], far)
        return [torch.autograd.grad(y.sum(), w)[0] for y, w in ((down, far), (up, near))]

    check.close(
        "two layers in one network: each remembers its own input",
        lambda: first_of_two(),
        expected=[torch.tensor([[4.0, 0.5]] * 3), torch.tensor([[1.0, -2.0]] * 3)],
        advice="whatever a run has to remember belongs on ctx",
    )

    ### BEGIN HIDDEN TESTS
    def two_layers(layer, x, first, shift, second):
        leaves = [t.detach().requires_grad_() for t in (x, first, shift, second)]
        loss = layer(layer(*leaves[:3]), leaves[3]).square().sum()
        torch.autograd.grad(loss, leaves, retain_graph=True)
        return torch.autograd.grad(loss, leaves)

    net = [
        check.tensor(80 + k, *shape, dtype="float64")
        for k, shape in enumerate([(3, 4), (5, 4), (5,), (2, 5)])
    ]
    check.close(
        "one layer after another, and backward a second time",
        lambda: two_layers(LinearFunction.apply, *net),
        expected=lambda: two_layers(F.linear, *net),
    )
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "linear_function__asked", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("linear_function__asked")
def _():
    def asked(names, upstream, **inputs):
        return ledger.linear_work(LinearFunction.apply, names, upstream, **inputs)

    def right(names, upstream, **inputs):
        leaves = {name: t.detach().requires_grad_(name in names) for name, t in inputs.items()}
        y = F.linear(*leaves.values())
        return list(torch.autograd.grad(y, [leaves[n] for n in names], upstream)), []

    x, weight, bias = check.tensor(71, 5, 4), check.tensor(72, 3, 4), check.tensor(73, 3)
    upstream = check.tensor(74, 5, 3)
    check.close(
        "only the gradient of weight is asked for: no work goes into the others",
        lambda: asked(["weight"], upstream, x=x, weight=weight, bias=bias),
        expected=lambda: right(["weight"], upstream, x=x, weight=weight, bias=bias),
        advice="the list names the gradients that were worked on without being asked for",
    )
    check.close(
        "only the gradient of x is asked for",
        lambda: asked(["x"], upstream, x=x, weight=weight, bias=bias),
        expected=lambda: right(["x"], upstream, x=x, weight=weight, bias=bias),
    )
    check.close(
        "only the gradient of bias is asked for",
        lambda: asked(["bias"], upstream, x=x, weight=weight, bias=bias),
        expected=lambda: right(["bias"], upstream, x=x, weight=weight, bias=bias),
    )
    ### BEGIN HIDDEN TESTS
    above = check.tensor(76, 2, 3, 5, dtype="float64")
    deep = {
        "x": check.tensor(75, 2, 3, 4, dtype="float64"),
        "weight": check.tensor(77, 5, 4, dtype="float64"),
        "bias": check.tensor(78, 5, dtype="float64"),
    }

    for names in (["x", "weight"], ["weight", "bias"], ["x", "bias"], ["x"], ["weight"]):
        inputs = {name: deep[name] for name in ("x", "weight", "bias")[: 3 if len(names) == 2 else 2]}
        check.close(
            f"of {len(inputs)} arguments, {' and '.join(names)} asked for, three axes",
            lambda: asked(names, above, **inputs),
            expected=lambda: right(names, above, **inputs),
        )
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**What laziness buys.** The same layer, the same backward, four different wishes. Each bar counts the
operations your backward ran that made something new.
"""

# %% tags=["picture"]
linear_function = stand_in.yours_or_ours("LinearFunction", parts.functions.linear, parts.functions.linear_slopes)


def work(*wanted):
    rng = torch.Generator().manual_seed(1)
    shapes = {"x": (64, 1000), "weight": (100, 1000), "bias": (100,)}
    inputs = {n: torch.randn(*s, generator=rng) for n, s in shapes.items()}
    upstream = torch.randn(64, 100, generator=rng)
    return ledger.new_tensors(linear_function.apply, wanted, upstream, **inputs)


wishes = {
    "x, weight and bias": work("x", "weight", "bias"),
    "weight and bias": work("weight", "bias"),
    "only x": work("x"),
    "only bias": work("bias"),
}
plot.bars(
    wishes,
    xlabel="operations in backward",
    alt=f"Operations {stand_in.whose('LinearFunction')} backward ran: " + ", ".join(f"{count} for {wish}" for wish, count in wishes.items()),
)

# %% [markdown]
r"""
**What a wrong one looks like.** Below, the gradient of a square weight, three times against the same
measurement: yours, one that was transposed by mistake, and one that is half as large. Sums, factors and
transposes have a look of their own; the title names what it recognises. A square weight is chosen on
purpose: there no shape error warns you.
"""

# %% tags=["picture"]
linear_function = stand_in.yours_or_ours("LinearFunction", parts.functions.linear)
rng = torch.Generator().manual_seed(2)
x, weight, upstream = (torch.randn(4, 4, dtype=torch.float64, generator=rng) for _ in range(3))
weight.requires_grad_()
yours = torch.autograd.grad(linear_function.apply(x, weight), weight, upstream)[0]
measured = torch.zeros_like(weight)
for index in np.ndindex(4, 4):
    nudge = torch.zeros_like(measured)
    nudge[index] = 1e-6
    up, down = (linear_function.apply(x, weight.detach() + step) for step in (nudge, -nudge))
    measured[index] = ((up - down) * upstream).sum() / 2e-6
plot.gradient_check(yours, measured, f"weight, {stand_in.whose('LinearFunction')} own")
plot.gradient_check(x.T @ upstream, measured, "weight, wrong order")
plot.gradient_check(0.5 * upstream.T @ x, measured, "weight, halved")

# %% [markdown]
r"""
**The network, rewritten.** Chapter 1 wrote every gradient by hand, chapter 3 none. Now two operations carry
theirs with them, and the training loop does not know the difference. Full size: 64 × 1000, 100 hidden
values, 10 outputs; once with your two Functions, once with PyTorch's.
"""

# %% tags=["picture"]
linear_function = stand_in.yours_or_ours("LinearFunction", parts.functions.linear, parts.functions.linear_slopes)
relu = stand_in.yours_or_ours("MyReLU", parts.functions.relu, parts.functions.slope)


def train(linear, relu, steps=120, lr=1e-4):
    rng = torch.Generator().manual_seed(0)
    x, y = torch.randn(64, 1000, generator=rng), torch.randn(64, 10, generator=rng)
    w1 = (torch.randn(100, 1000, generator=rng) / 1000**0.5).requires_grad_()
    w2 = (torch.randn(10, 100, generator=rng) / 100**0.5).requires_grad_()
    losses = []
    for _ in range(steps):
        loss = ((linear(relu(linear(x, w1)), w2) - y) ** 2).sum()
        losses.append(loss.item())
        for w, grad in zip((w1, w2), torch.autograd.grad(loss, (w1, w2))):
            w.data -= lr * grad
    return losses


whose = stand_in.whose("LinearFunction", "MyReLU")
mine, theirs = train(linear_function.apply, relu.apply), train(F.linear, torch.relu)
gap = max(abs(a - b) / b for a, b in zip(mine, theirs))
plot.curves(
    {f"{whose} Functions": mine, "torch's own": theirs},
    ylabel="sum of squared errors",
    log=True,
    alt=f"Two loss curves, log axis: from {mine[0]:.3g} to {mine[-1]:.3g} with {whose} Functions, from "
    f"{theirs[0]:.3g} to {theirs[-1]:.3g} with torch's own; their largest relative distance is {gap:.1g}",
)

# %% [markdown]
r"""
A kindness that hides mistakes: the engine itself sums a gradient down to the shape of its input where the
input was broadcast. Return the bias gradient as `(N, out)` and training goes on as if nothing were wrong;
return it as `()` and it stops. That is why a check above asked your backward directly: one that says the
shape it means is one that you can read again next year.
"""

# %% [markdown]
r"""
## 4.5 Keep the output, not the input

From here on the stubs give you the first line of forward and nothing more: the second method, its decorator,
its arguments and what it returns are yours. Write the two method heads first, then fill them.

What to put into `ctx` is a decision about memory. The derivative of $e^x$ at $x$ is $e^x$: the very number
forward has just returned. Save the **output**, and backward needs no exponential at all, only a product.

$$y = e^x \qquad\Longrightarrow\qquad \frac{\partial L}{\partial x} = \frac{\partial L}{\partial y}\, y$$

It often costs no memory either: the next operation tends to keep `y` as *its* input, and two operations
that keep the same tensor keep it once. `sigmoid`, `tanh`, `sqrt` and `softmax` have derivatives of the same
kind.

*(Where even that is too much, a network keeps nothing and runs forward again on the way back: activation
checkpointing. `torch.utils.checkpoint` does so; with `use_reentrant=True` it is literally a Function. Large language
models are trained that way.)*
"""

# %% [markdown]
r"""
### Exercise 4.5 · `my_exp`
*difficulty 1 of 3 · 10 minutes · about 8 lines*

Write `MyExp`, a `torch.autograd.Function` with static methods, used as `MyExp.apply(x)` → $e^x$, `x` of any
shape. The one tensor it keeps is its **output**, kept with `ctx.save_for_backward`, and backward works with
that one. Exactly one exponential runs in forward and backward together. Input and upstream gradient are not
modified.
"""

# %% nbgrader={"grade": false, "grade_id": "my_exp", "locked": false, "schema_version": 3, "solution": true, "task": false}
class MyExp(torch.autograd.Function):
    """any shape -> e to the power of each entry"""

    @staticmethod
    def forward(ctx, x):
        # about 8 lines, the method backward among them
        ### BEGIN SOLUTION
        y = x.exp()
        ctx.save_for_backward(y)  # an output may be saved like an input
        return y

    @staticmethod
    def backward(ctx, grad_out):
        (y,) = ctx.saved_tensors
        return grad_out * y
        ### END SOLUTION

# %%
hint("my_exp")

# %% nbgrader={"grade": true, "grade_id": "my_exp__values", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("my_exp__values")
def _():
    def gradient(x, upstream):
        leaf = x.detach().requires_grad_()
        return torch.autograd.grad(MyExp.apply(leaf), leaf, upstream)[0]

    x, upstream = torch.tensor([0.0, 1.0, -1.0]), torch.tensor([1.0, -2.0, 10.0])
    check.close("1, e and 1/e", lambda: MyExp.apply(x), expected=torch.tensor([1.0, 2.7182818, 0.36787944]))
    check.close(
        "the gradient of the exponential: upstream times 1, e and 1/e",
        lambda: gradient(x, upstream),
        expected=torch.tensor([1.0, -5.4365637, 3.6787944]),
        advice="at x = 0 the slope of the exponential is 1, at x = 1 it is 2.718: is it in yours?",
    )
    check.unchanged(
        "the exponential changes neither x nor the upstream gradient",
        lambda: gradient(x, upstream),
        x,
        upstream,
    )
    ### BEGIN HIDDEN TESTS
    y, other = (
        check.tensor(81, 3, 5, dtype="float64", strided=True),
        check.tensor(82, 3, 5, dtype="float64", strided=True),
    )
    check.close(
        "the exponential in float64, not contiguous",
        lambda: (MyExp.apply(y), gradient(y, other)),
        expected=lambda: (y.exp(), other * y.exp()),
    )
    one, spread = check.tensor(83, 1, 4), torch.tensor(3.0).expand(1, 4)
    check.close(
        "the exponential of one row in float32",
        lambda: (MyExp.apply(one), gradient(one, spread)),
        expected=lambda: (one.exp(), 3 * one.exp()),
    )
    check.probes("what MyExp promises besides its numbers", lambda: lambda x, upstream: (MyExp.apply(x), gradient(x, upstream)), check.tensor(955, 4, 3), check.tensor(956, 4, 3), expected=lambda: lambda x, upstream: (x.exp(), upstream * x.exp()))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "my_exp__keeps_its_output", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("my_exp__keeps_its_output")
def _():
    def saved(x, upstream, factor=1.0):
        """what is kept, whether it is the output's own memory, and the gradient it leads to"""
        kept, leaf = [], x.detach().requires_grad_()

        def pack(tensor):
            kept.append(tensor)
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor * factor):
            y = MyExp.apply(leaf)
        memory = y.untyped_storage().data_ptr()
        own = [tensor.untyped_storage().data_ptr() == memory for tensor in kept]
        return [tensor.detach().clone() for tensor in kept], own, torch.autograd.grad(y, leaf, upstream)[0]

    x, upstream = torch.tensor([0.0, 1.0, -1.0]), torch.tensor([1.0, -2.0, 10.0])
    check.close(
        "one tensor is kept, and it holds 1, e and 1/e",
        lambda: saved(x, upstream)[0],
        expected=[torch.tensor([1.0, 2.7182818, 0.36787944])],
        advice="an empty list: nothing went through ctx.save_for_backward; 0, 1, -1: that is the input",
    )
    check.equal("it is the output itself, no copy of it", lambda: saved(x, upstream)[1], expected=[True])
    check.equal(
        "MyExp is a Function with static methods, and apply hangs its node into the graph",
        lambda: [
            issubclass(MyExp, torch.autograd.Function),
            *(
                isinstance(inspect.getattr_static(MyExp, name), staticmethod)
                for name in ("forward", "backward")
            ),
            isinstance(
                MyExp.apply(x.clone().requires_grad_()).grad_fn, torch.autograd.function.BackwardCFunction
            ),
        ],
        expected=[True, True, True, True],
    )
    ### BEGIN HIDDEN TESTS
    y, other = check.tensor(84, 4, 2, dtype="float64"), check.tensor(85, 4, 2, dtype="float64")
    check.close(
        "for any input, what is kept is the output",
        lambda: saved(y, other),
        expected=lambda: ([y.exp()], [True], other * y.exp()),
    )
    check.close(
        "backward works with the tensor that was kept",
        lambda: saved(y, other, 2.0)[2],
        expected=lambda: 2 * other * y.exp(),
        advice="whatever unpacks from ctx.saved_tensors is what the gradient is made of",
    )
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "my_exp__one_exp", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("my_exp__one_exp")
def _():
    def run(x, upstream):
        """how many exponentials run, forward and backward, and the gradient"""
        leaf = x.detach().requires_grad_()
        return ledger.exponentials(lambda: torch.autograd.grad(MyExp.apply(leaf), leaf, upstream)[0])

    check.that(
        "one exponential in forward and backward together",
        lambda: run(torch.tensor([0.5, -2.0]), torch.tensor([3.0, -1.0])),
        judge=lambda seen: (
            "more than one exponential ran"
            if seen[0] > 1
            else None
            if np.allclose(seen[1], [3 * np.exp(0.5), -np.exp(-2)], rtol=1e-4)
            else "the gradient is not right"
        ),
        advice="print('exp') beside each exponential you write: backward has no need of one",
    )
    ### BEGIN HIDDEN TESTS
    x = check.tensor(86, 6, dtype="float64")

    def two_runs(x):
        a, b = x.detach().requires_grad_(), (-x).detach().requires_grad_()
        up, down = MyExp.apply(a), MyExp.apply(b)
        second = torch.autograd.grad((2 * down).sum(), b)[0]
        torch.autograd.grad(up.square().sum(), a, retain_graph=True)
        return [torch.autograd.grad(up.square().sum(), a)[0], second]

    check.close(
        "two runs at once, and backward a second time",
        lambda: two_runs(x),
        expected=lambda: [2 * (2 * x).exp(), 2 * (-x).exp()],
    )
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**Counted in bytes.** A chain $z = (e^{3x})^2$ on a thousand numbers: what is kept for the way back if the
exponential keeps its input, and what with yours? Keeping the output is free here, because the square keeps
the same tensor.
"""

# %% tags=["picture"]
class ExpOfInput(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.exp()

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out * ctx.saved_tensors[0].exp()


def kilobytes(exponential):
    kept = {}
    with torch.autograd.graph.saved_tensors_hooks(
        lambda t: (kept.update({t.data_ptr(): t}), t)[1], lambda t: t
    ):
        exponential(3 * torch.ones(1000, requires_grad=True)).square().sum()
    return sum(t.nbytes for t in kept.values()) / 1000


exponential = stand_in.yours_or_ours("MyExp", parts.functions.exp, parts.functions.slope)
held = {
    "keeps its input": kilobytes(ExpOfInput.apply),
    f"{stand_in.whose('MyExp')} MyExp": kilobytes(exponential.apply),
}
plot.bars(
    held,
    xlabel="kilobytes kept for the way back",
    alt="Kept for the way back: " + ", ".join(f"{n} {kb:.3g} kilobytes" for n, kb in held.items()),
)

# %% [markdown]
r"""
## 4.6 More than one output

A forward that returns a tuple of two gets a backward with **two** upstream gradients, one for each output,
in order. Each may matter or not: if only one output is used, the engine hands zeros for the other.

The next operation picks the smallest and the largest entry of a vector. Only one entry moves each of them,
so only one entry gets its gradient. (Max pooling, which chapter 9 meets, sends its gradient back the same
way.) Which one, where several are equally small? Any choice is a fair one, as long as it is the same every
time. Ours is the **first**.
"""

# %% [markdown]
r"""
### Exercise 4.6 · `min_max`
*difficulty 2 of 3 · 15 minutes · about 11 lines*

Write `MinMax`, a `torch.autograd.Function` with static methods, used as `low, high = MinMax.apply(x)`: `x`
is 1-D with at least one entry, the two outputs are 0-dim. The gradient of `low` goes to the first position
of the minimum, the gradient of `high` to the first position of the maximum, in the precision of `x`; every
other entry gets 0. It works where only one of the two outputs is used. Input and upstream gradients are not
modified.
"""

# %% nbgrader={"grade": false, "grade_id": "min_max", "locked": false, "schema_version": 3, "solution": true, "task": false}
class MinMax(torch.autograd.Function):
    """(N,) -> (), ()"""

    @staticmethod
    def forward(ctx, x):
        # about 11 lines, the method backward among them
        ### BEGIN SOLUTION
        low, high = x.argmin(), x.argmax()  # where several are equal, torch gives the first
        ctx.save_for_backward(x, low, high)
        return x[low].clone(), x[high].clone()  # x[low] alone is a view: who writes into it writes into x

    @staticmethod
    def backward(ctx, grad_low, grad_high):
        x, low, high = ctx.saved_tensors
        grad = torch.zeros_like(x)
        grad[low] += grad_low  # added, not assigned: in a vector of one entry both land on the same place
        grad[high] += grad_high
        return grad
        ### END SOLUTION

# %%
hint("min_max")

# %% nbgrader={"grade": true, "grade_id": "min_max__forward", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("min_max__forward")
def _():
    x = torch.tensor([3.0, -1.0, 4.0, 1.5])
    check.close(
        "the smallest and the largest of four, each without an axis",
        lambda: MinMax.apply(x),
        expected=[torch.tensor(-1.0), torch.tensor(4.0)],
    )
    check.unchanged("the vector is left alone", lambda: MinMax.apply(x), x)
    ### BEGIN HIDDEN TESTS
    y = check.tensor(91, 9, dtype="float64", strided=True)
    check.close(
        "of nine in float64, not contiguous", lambda: MinMax.apply(y), expected=lambda: [y.min(), y.max()]
    )
    one = check.tensor(92, 1)
    check.close(
        "of one entry, both are that entry", lambda: MinMax.apply(one), expected=lambda: [one[0], one[0]]
    )
    check.probes("what MinMax promises besides its numbers", lambda: lambda x: MinMax.apply(x), check.tensor(957, 8), expected=lambda: lambda x: [x.min(), x.max()])
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "min_max__gradient", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("min_max__gradient")
def _():
    def gradient(x, *upstream):
        leaf = x.detach().requires_grad_()
        return torch.autograd.grad(MinMax.apply(leaf), leaf, upstream)[0]

    x = torch.tensor([3.0, -1.0, 4.0, 1.5])
    check.close(
        "10 from above for the minimum, -7 for the maximum: each lands on its own entry",
        lambda: gradient(x, torch.tensor(10.0), torch.tensor(-7.0)),
        expected=torch.tensor([0.0, 10.0, -7.0, 0.0]),
        advice="the gradient has the shape of x and is 0 in all places but two",
    )
    check.close(
        "where several are equal, the first of them gets the gradient",
        lambda: gradient(torch.tensor([5.0, 2.0, 5.0, 2.0]), torch.tensor(10.0), torch.tensor(-7.0)),
        expected=torch.tensor([-7.0, 10.0, 0.0, 0.0]),
    )
    low, high = torch.tensor(2.5), torch.tensor(-0.5)
    check.unchanged(
        "neither the vector nor the two upstream gradients change",
        lambda: gradient(x, low, high),
        x,
        low,
        high,
    )
    ### BEGIN HIDDEN TESTS
    third, fifth = torch.tensor(1 / 3, dtype=torch.float64), torch.tensor(-1 / 7, dtype=torch.float64)
    y = check.tensor(93, 8, dtype="float64", strided=True)

    def expected(v):
        grad = torch.zeros(len(v), dtype=torch.float64)
        grad[int(v.argmin())] += third
        grad[int(v.argmax())] += fifth
        return grad

    check.close(
        "any vector, the gradient to all digits of float64",
        lambda: gradient(y, third, fifth),
        expected=lambda: expected(y),
        rtol=1e-10,
        atol=1e-12,
    )
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "min_max__edges", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("min_max__edges")
def _():
    def gradient(x, *upstream):
        leaf = x.detach().requires_grad_()
        return torch.autograd.grad(MinMax.apply(leaf), leaf, upstream)[0]

    check.close(
        "one entry is minimum and maximum at once: 10 and -7 both arrive there",
        lambda: gradient(torch.tensor([6.0]), torch.tensor(10.0), torch.tensor(-7.0)),
        expected=torch.tensor([3.0]),
    )
    sixth = torch.tensor(1 / 6, dtype=torch.float64)
    check.close(
        "in float64 the gradients keep all their digits",
        lambda: gradient(torch.tensor([2.0, 1.0], dtype=torch.float64), sixth, 2 * sixth),
        expected=torch.tensor([1 / 3, 1 / 6], dtype=torch.float64),
        rtol=1e-12,
        atol=0.0,
    )
    ### BEGIN HIDDEN TESTS
    third, fifth = torch.tensor(1 / 3, dtype=torch.float64), torch.tensor(-1 / 7, dtype=torch.float64)
    one = check.tensor(94, 1, dtype="float64")
    check.close(
        "in a vector of one entry the two gradients add up",
        lambda: gradient(one, third, fifth),
        expected=lambda: (third + fifth).reshape(1),
        rtol=1e-10,
        atol=1e-12,
    )
    level = torch.full((4,), -2.0, dtype=torch.float64)
    check.close(
        "in a vector of equal entries both go to the first",
        lambda: gradient(level, third, fifth),
        expected=lambda: torch.stack([third + fifth, *torch.zeros(3, dtype=torch.float64)]),
        rtol=1e-10,
        atol=1e-12,
    )
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "min_max__one_output", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("min_max__one_output")
def _():
    def of_one(x, which, upstream):
        leaf = x.detach().requires_grad_()
        return torch.autograd.grad(MinMax.apply(leaf)[which], leaf, upstream)[0]

    x = torch.tensor([3.0, -1.0, 4.0, 1.5])
    check.close(
        "only the minimum is used",
        lambda: of_one(x, 0, torch.tensor(10.0)),
        expected=torch.tensor([0.0, 10.0, 0.0, 0.0]),
    )
    check.close(
        "only the maximum is used",
        lambda: of_one(x, 1, torch.tensor(-7.0)),
        expected=torch.tensor([0.0, 0.0, -7.0, 0.0]),
    )
    check.equal(
        "MinMax is a Function with static methods, and apply hangs its node into the graph",
        lambda: [
            issubclass(MinMax, torch.autograd.Function),
            *(
                isinstance(inspect.getattr_static(MinMax, name), staticmethod)
                for name in ("forward", "backward")
            ),
            isinstance(
                MinMax.apply(x.clone().requires_grad_())[0].grad_fn, torch.autograd.function.BackwardCFunction
            ),
        ],
        expected=[True, True, True, True],
    )
    ### BEGIN HIDDEN TESTS
    a, b = check.tensor(95, 5), check.tensor(96, 7)

    def two_runs(a, b):
        a, b = a.detach().requires_grad_(), b.detach().requires_grad_()
        (low, high), (_, other) = MinMax.apply(a), MinMax.apply(b)
        second = torch.autograd.grad(other * 4, b)[0]
        torch.autograd.grad(high - low, a, retain_graph=True)
        return [torch.autograd.grad(high - low, a)[0], second]

    def expected(a, b):
        first, second = torch.zeros(5), torch.zeros(7)
        first[int(a.argmin())], first[int(a.argmax())], second[int(b.argmax())] = -1.0, 1.0, 4.0
        return [first, second]

    check.close(
        "the span of one vector, the top of another, and backward a second time",
        lambda: two_runs(a, b),
        expected=lambda: expected(a, b),
    )
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**Where the gradient lands.** Nine numbers, and the gradient of the span `high - low`. Two entries get it. Six
could wiggle a little and nothing would change. Entry 7 is as large as entry 3 and gets nothing, because it is
not the first.
"""

# %% tags=["picture"]
v = torch.tensor([1.0, 2.5, 0.5, 3.5, 3.0, -0.5, 2.0, 3.5, 1.5], requires_grad=True)
low, high = stand_in.yours_or_ours("MinMax", parts.functions.min_max, parts.functions.slope).apply(v)
span = torch.autograd.grad(high - low, v)[0].tolist()
alt = f"The vector above, {stand_in.whose('MinMax')} gradient of its span below: " + ", ".join(
    f"{g:+g} at entry {i}" for i, g in enumerate(span) if g
)
with plot.figure(alt, rows=2, height=3.4) as axes:
    axes[0].bar(range(9), v.tolist(), color=["#D55E00" if g else "#0072B2" for g in span])
    axes[0].set_ylabel("x")
    axes[1].bar(range(9), span, color="#D55E00")
    axes[1].axhline(0, color="#222222", linewidth=0.8)
    axes[1].set_ylabel("gradient")
    axes[1].set_xlabel("entry (3 and 7 are equally large)")

# %% [markdown]
r"""
## 4.7 The gradient of a gradient

Sometimes the gradient is not the end: a penalty on its length, Newton's method, learning to learn. Then
autograd has to differentiate **your backward**. It can, because it records your backward like any other
code, on one condition: everything in it has to be connected to what it came from.

An input or an output that came through `save_for_backward` is connected. A number that forward *computed*
and kept is not, since forward runs unrecorded: for autograd it is a constant. Keep $3x^2$ in forward, and
the first gradient is right, the second is missing. Compute $3x^2$ in backward, from $x$, and both are right.
"""

# %% [markdown]
r"""
**Missing, and who notices?** Differentiate that first gradient alone and PyTorch complains that it has no
history. In a training loss, *loss + penalty on its gradient*, nobody complains: the loss has a path to $x$,
the penalty's own path is the one that is gone. Below, at $x = (1, 2)$: the loss is $\sum x^3$, the penalty
the sum of the squared gradients, so the right gradient is $3x^2 + 36x^3$.
"""

# %% tags=["picture"]
class SlopeKept(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.slope = 3 * x**2  # worked out while nothing is recorded
        return x**3

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out * ctx.slope


x = torch.tensor([1.0, 2.0], requires_grad=True)
y = SlopeKept.apply(x)
(slope,) = torch.autograd.grad(y.sum(), x, create_graph=True)
loss = y.sum() + slope.square().sum()
print("loss + penalty:", torch.autograd.grad(loss, x)[0].tolist(), " right:", (3 * x**2 + 36 * x**3).tolist())
gallery(the_gradient_alone=lambda: torch.autograd.grad(slope.sum(), x))

# %% [markdown]
r"""
### Exercise 4.7 · `my_cube`
*difficulty 2 of 3 · 12 minutes · about 7 lines*

Write `MyCube`, a `torch.autograd.Function` with static methods, used as `MyCube.apply(x)` → `x³`, `x` of
any shape. It can be differentiated **twice**, with respect to `x` and to the upstream gradient, as
`torch.autograd.gradgradcheck` demands. Input and upstream gradient are not modified.
"""

# %% nbgrader={"grade": false, "grade_id": "my_cube", "locked": false, "schema_version": 3, "solution": true, "task": false}
class MyCube(torch.autograd.Function):
    """any shape -> the third power of each entry"""

    @staticmethod
    def forward(ctx, x):
        # about 7 lines, the method backward among them
        ### BEGIN SOLUTION
        ctx.save_for_backward(x)  # the input itself: it stays connected to its history
        return x**3

    @staticmethod
    def backward(ctx, grad_out):
        (x,) = ctx.saved_tensors
        return grad_out * 3 * x**2  # made of torch operations on connected tensors, so autograd can follow
        ### END SOLUTION

# %%
hint("my_cube")

# %% nbgrader={"grade": true, "grade_id": "my_cube__once", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("my_cube__once")
def _():
    def both(x, upstream):
        leaf = x.detach().requires_grad_()
        y = MyCube.apply(leaf)
        return y, torch.autograd.grad(y, leaf, upstream)[0]

    x, upstream = torch.tensor([1.0, -2.0, 3.0]), torch.tensor([1.0, 10.0, -1.0])
    check.close("1, -8 and 27", lambda: MyCube.apply(x), expected=torch.tensor([1.0, -8.0, 27.0]))
    check.close(
        "the first derivative of the cube: upstream times 3, 12 and 27",
        lambda: both(x, upstream)[1],
        expected=torch.tensor([3.0, 120.0, -27.0]),
    )
    check.unchanged(
        "cubing changes neither x nor the upstream gradient", lambda: both(x, upstream), x, upstream
    )
    ### BEGIN HIDDEN TESTS
    y, other = (
        check.tensor(101, 4, 3, 2, dtype="float64", strided=True),
        check.tensor(102, 4, 3, 2, dtype="float64", strided=True),
    )
    check.close(
        "the cube of three axes in float64, not contiguous",
        lambda: both(y, other),
        expected=lambda: (y**3, other * 3 * y**2),
    )
    one, spread = check.tensor(103, 1), torch.tensor(0.5).expand(1)
    check.close(
        "the cube of one number, upstream expanded",
        lambda: both(one, spread),
        expected=lambda: (one**3, 1.5 * one**2),
    )
    check.probes("what MyCube promises besides its numbers", lambda: both, check.tensor(958, 4, 3), check.tensor(959, 4, 3), expected=lambda: lambda x, upstream: (x**3, upstream * 3 * x**2))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "my_cube__twice", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("my_cube__twice")
def _():
    def second(x, upstream, above):
        """the gradients of the gradient: with respect to x, and with respect to the upstream gradient"""
        leaf, up = x.detach().requires_grad_(), upstream.detach().requires_grad_()
        first = torch.autograd.grad(MyCube.apply(leaf), leaf, up, create_graph=True)[0]
        return torch.autograd.grad(first, (leaf, up), above, allow_unused=True)

    x, upstream, above = (
        torch.tensor([1.0, -2.0, 3.0]),
        torch.tensor([1.0, 10.0, -1.0]),
        torch.tensor([1.0, 1.0, 2.0]),
    )
    check.close(
        "the second derivative: 6, -12 and 18, times both gradients from above",
        lambda: second(x, upstream, above)[0],
        expected=torch.tensor([6.0, -120.0, -36.0]),
        advice="None here: autograd sees no way from your gradient back to x. Which step of yours cut it?",
    )
    check.close(
        "with respect to the upstream gradient: 3, 12 and 27 again",
        lambda: second(x, upstream, above)[1],
        expected=torch.tensor([3.0, 12.0, 54.0]),
    )
    check.close(
        "at 0 both second derivatives are 0, and not nan",
        lambda: second(torch.zeros(1), torch.ones(1), torch.ones(1)),
        expected=(torch.zeros(1), torch.zeros(1)),
    )
    ### BEGIN HIDDEN TESTS
    y, other, top = (check.tensor(104 + k, 3, 4, dtype="float64", strided=True) for k in range(3))
    check.close(
        "both second derivatives for any input",
        lambda: second(y, other, top),
        expected=lambda: (6 * y * other * top, 3 * y**2 * top),
    )
    nil = torch.tensor([0.0, 1.0], dtype=torch.float64)
    check.close(
        "both second derivatives at 0 are 0",
        lambda: second(nil, nil + 2, nil + 1),
        expected=lambda: (torch.tensor([0.0, 36.0]).double(), torch.tensor([0.0, 6.0]).double()),
    )

    def behind_a_layer(x):
        leaf = x.detach().requires_grad_()
        first = torch.autograd.grad(MyCube.apply(2 * leaf.sin()).sum(), leaf, create_graph=True)[0]
        return torch.autograd.grad(first.square().sum(), leaf)[0]

    def expected(x):
        leaf = x.detach().requires_grad_()
        first = torch.autograd.grad(((2 * leaf.sin()) ** 3).sum(), leaf, create_graph=True)[0]
        return torch.autograd.grad(first.square().sum(), leaf)[0]

    z = check.tensor(108, 1, 5, dtype="float64")
    check.close(
        "a penalty on a gradient that goes through a layer before",
        lambda: behind_a_layer(z),
        expected=lambda: expected(z),
    )
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "my_cube__gradgradcheck", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("my_cube__gradgradcheck")
def _():
    def checked(x):
        leaf = x.detach().requires_grad_()
        passed = torch.autograd.gradcheck(MyCube.apply, (leaf,)) and torch.autograd.gradgradcheck(
            MyCube.apply, (leaf,)
        )
        return passed, MyCube.apply(leaf)

    x = torch.tensor([[0.5, -1.5], [2.0, 1.0]], dtype=torch.float64)
    check.close(
        "torch's own gradcheck and gradgradcheck agree with your cube",
        lambda: checked(x),
        expected=lambda: (True, x**3),
    )
    check.equal(
        "MyCube is a Function with static methods, and apply hangs its node into the graph",
        lambda: [
            issubclass(MyCube, torch.autograd.Function),
            *(
                isinstance(inspect.getattr_static(MyCube, name), staticmethod)
                for name in ("forward", "backward")
            ),
            isinstance(
                MyCube.apply(x.clone().requires_grad_()).grad_fn, torch.autograd.function.BackwardCFunction
            ),
        ],
        expected=[True, True, True, True],
    )
    ### BEGIN HIDDEN TESTS
    y = check.tensor(109, 5, dtype="float64", strided=True)
    check.close("torch's two checks on another input", lambda: checked(y), expected=lambda: (True, y**3))

    def two_runs(a, b):
        a, b = a.detach().requires_grad_(), b.detach().requires_grad_()
        up, down = MyCube.apply(a), MyCube.apply(b)
        second = torch.autograd.grad(down.sum(), b)[0]
        torch.autograd.grad(up.sum(), a, retain_graph=True)
        return [torch.autograd.grad(up.sum(), a)[0], second]

    check.close(
        "two cubes at once, and backward a second time",
        lambda: two_runs(y, -2 * y),
        expected=lambda: [3 * y**2, 12 * y**2],
    )
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**Twice differentiated.** Your cube, what your backward says ($3x^2$), and what autograd gets when it
differentiates your backward ($6x$). Nobody wrote that last line.
"""

# %% tags=["picture"]
line = torch.linspace(-1.5, 1.5, 61, dtype=torch.float64, requires_grad=True)
cubed = stand_in.yours_or_ours("MyCube", parts.functions.cube, parts.functions.slope).apply(line)
slope = torch.autograd.grad(cubed.sum(), line, create_graph=True)[0]
bend = torch.autograd.grad(slope.sum(), line)[0]
at, cube, ramp = line.detach(), cubed.detach(), slope.detach()
whose = stand_in.whose("MyCube")
plot.curves(
    {f"{whose} x³": (at, cube), f"{whose} backward": (at, ramp), "autograd, through that backward": (at, bend)},
    xlabel="x",
    ylabel="value",
    alt=f"Three curves over x from -1.5 to 1.5: {whose} cube; {whose} gradient, a parabola up to "
    f"{float(ramp.max()):.3g}; and the second derivative, a line from {float(bend[0]):.3g} to "
    f"{float(bend[-1]):.3g}, which autograd found by differentiating that backward",
)

# %% [markdown]
r"""
If you know that nobody will ever differentiate your backward, for instance because it calls NumPy, say so:
put the decorator `torch.autograd.function.once_differentiable` above `backward`. A `loss.backward()` that has
to go through your gradient then raises, instead of leaving something out.

It is a fence with two gaps. Where the upstream gradient has no history (plain ones, after a `sum()`) there is
nothing to hang the error on; and `torch.autograd.grad(loss, x)` walks only the ways that lead to `x`, so it
passes by in silence. `gradgradcheck`, once, in a test, finds what a fence does not.
"""

# %% [markdown]
r"""
## 4.8 A gradient that is wrong on purpose

Back to rounding, where the chapter began. Phones and microcontrollers compute with whole numbers, so one
would like to *train* with rounded weights. But the true derivative of a staircase is 0, and 0 teaches
nothing.

The **straight-through estimator** answers with a white lie: round on the way forward, and on the way back
pretend that nothing happened. Seen from far away, a staircase *is* a ramp of slope 1, so the lie points in
the right direction on average. Chapter 10 trains quantized networks with it, and the same lie carries
gradients past the codebook of a VQ-VAE, the ancestor of today's image tokenizers.
"""

# %% [markdown]
r"""
### Exercise 4.8 · `round_ste`
*difficulty 1 of 3 · 8 minutes · about 4 lines*

Write `RoundSTE`, a `torch.autograd.Function` with static methods, used as `RoundSTE.apply(x)`, `x` of any
shape. Forward is `torch.round`: to the nearest whole number, and exact halves to the **even** neighbour
(0.5 → 0, 1.5 → 2). Backward is the identity: the gradient goes straight through. Input and upstream
gradient are not modified.
"""

# %% nbgrader={"grade": false, "grade_id": "round_ste", "locked": false, "schema_version": 3, "solution": true, "task": false}
class RoundSTE(torch.autograd.Function):
    """any shape -> the same shape, each entry rounded"""

    @staticmethod
    def forward(ctx, x):
        # about 4 lines, the method backward among them
        ### BEGIN SOLUTION
        return torch.round(x)  # nothing to save: backward asks nothing about x

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out
        ### END SOLUTION

# %%
hint("round_ste")

# %% nbgrader={"grade": true, "grade_id": "round_ste__forward", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("round_ste__forward")
def _():
    x = torch.tensor([0.2, 0.7, -1.6, -0.4, 3.1])
    check.close(
        "each entry goes to its nearest whole number",
        lambda: RoundSTE.apply(x),
        expected=torch.tensor([0.0, 1.0, -2.0, 0.0, 3.0]),
    )
    check.close(
        "exact halves go to the even neighbour",
        lambda: RoundSTE.apply(torch.tensor([0.5, 1.5, 2.5, -0.5, -1.5])),
        expected=torch.tensor([0.0, 2.0, 2.0, 0.0, -2.0]),
        advice="2.5 lies between 2 and 3, and 2 is even",
    )
    check.close(
        "large numbers are rounded like small ones: 300.6, -40000.4, 3,000,000,000.2",
        lambda: RoundSTE.apply(torch.tensor([300.6, -40000.4, 3e9 + 0.2], dtype=torch.float64)),
        expected=torch.tensor([301.0, -40000.0, 3e9], dtype=torch.float64),
    )
    check.unchanged("what is rounded is left alone", lambda: RoundSTE.apply(x), x)
    ### BEGIN HIDDEN TESTS
    y = 5 * check.tensor(111, 3, 4, 2, dtype="float64", strided=True)
    check.close(
        "rounding three axes in float64, not contiguous",
        lambda: RoundSTE.apply(y),
        expected=lambda: y.round(),
    )
    halves = torch.arange(-6, 7, dtype=torch.float64) + 0.5
    check.close("more halves, in float64", lambda: RoundSTE.apply(halves), expected=lambda: halves.round())
    large = torch.tensor([200.5, -129.25, 40000.5, 3e9, -1e12 - 0.5], dtype=torch.float64)
    check.close("rounding large numbers", lambda: RoundSTE.apply(large), expected=lambda: large.round(), rtol=1e-15)
    one = 9 * check.tensor(112, 1, 1)
    check.close("rounding a single number", lambda: RoundSTE.apply(one), expected=lambda: one.round())
    check.probes("what RoundSTE promises besides its numbers", lambda: RoundSTE.apply, 5 * check.tensor(960, 4, 3), expected=lambda: torch.round)
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "round_ste__gradient", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("round_ste__gradient")
def _():
    def gradient(x, upstream):
        leaf = x.detach().requires_grad_()
        return torch.autograd.grad(RoundSTE.apply(leaf), leaf, upstream)[0]

    x, upstream = torch.tensor([0.2, 0.7, -1.6, 2.5]), torch.tensor([5.0, -7.0, 0.25, 11.0])
    check.close(
        "the upstream gradient goes straight through, whatever x was",
        lambda: gradient(x, upstream),
        expected=torch.tensor([5.0, -7.0, 0.25, 11.0]),
    )
    check.unchanged(
        "rounding changes neither x nor the upstream gradient, back and forth",
        lambda: gradient(x, upstream),
        x,
        upstream,
    )
    check.equal(
        "RoundSTE is a Function with static methods, and apply hangs its node into the graph",
        lambda: [
            issubclass(RoundSTE, torch.autograd.Function),
            *(
                isinstance(inspect.getattr_static(RoundSTE, name), staticmethod)
                for name in ("forward", "backward")
            ),
            isinstance(
                RoundSTE.apply(x.clone().requires_grad_()).grad_fn, torch.autograd.function.BackwardCFunction
            ),
        ],
        expected=[True, True, True, True],
    )
    ### BEGIN HIDDEN TESTS
    y, other = (
        40 * check.tensor(113, 3, 5, dtype="float64"),
        check.tensor(114, 3, 5, dtype="float64", strided=True),
    )
    check.close(
        "the gradient of rounding large numbers in float64",
        lambda: gradient(y, other),
        expected=lambda: other,
    )
    one = check.tensor(115, 1)

    def quantized(x):
        leaf = x.detach().requires_grad_()
        y = RoundSTE.apply(leaf * 4) / 4
        torch.autograd.grad(y.square().sum(), leaf, retain_graph=True)
        return torch.autograd.grad(y.square().sum(), leaf)[0]

    check.close(
        "rounding to quarters inside a chain, and backward a second time",
        lambda: quantized(one),
        expected=lambda: 2 * (one * 4).round() / 4,
    )
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**Does the lie teach?** Twenty weights, rounded to quarters on the way forward, trained for 60 steps: once
through `torch.round`, whose gradient is 0, and once through your `RoundSTE`.
"""

# %% tags=["picture"]
def learn(rounding, steps=60):
    rng = torch.Generator().manual_seed(7)
    x = torch.randn(64, 20, generator=rng)
    y = x @ (torch.randint(-2, 3, (20,), generator=rng) / 4)  # there are true weights, all of them quarters
    w, losses = torch.zeros(20, requires_grad=True), []
    for _ in range(steps):
        loss = (x @ (rounding(w * 4) / 4) - y).square().mean()
        losses.append(loss.item())
        w.data -= 0.05 * torch.autograd.grad(loss, w)[0]
    return losses


rounding = stand_in.yours_or_ours("RoundSTE", parts.functions.round_ste, parts.functions.slope)
whose = stand_in.whose("RoundSTE")
flat, falling = learn(torch.round), learn(rounding.apply)
plot.curves(
    {"torch.round": flat, f"{whose} RoundSTE": falling},
    ylabel="mean squared error",
    alt=f"Training weights that are rounded to quarters: with torch.round the loss stays at {flat[-1]:.3g}, "
    f"with {whose} RoundSTE it goes from {falling[0]:.3g} to {falling[-1]:.3g}",
)

# %% [markdown]
r"""
## 4.9 The instrument

You have measured by hand twice. Now build the instrument once and for all. For each output and each input
it compares two things:

- **analytic**: what backward says. Send an upstream gradient, get back the input's gradient.
- **numeric**: what forward does. Nudge one element by `eps` up and down, and divide by `2 * eps`.

The question is *which* upstream gradient to send. One that is 0 everywhere but in one place picks out one
row of the **Jacobian**, the table of how each output moves with each input.
"""

# %% [markdown]
r"""
But an instrument must not be fooled. Three backwards to think of before you write a line:

| backward | looks right when upstream is |
|---|---|
| ignores upstream altogether | all ones; and, if the output is a single number, the one-in-one-place too |
| hands upstream on in another order | all ones |
| is right for one output, wrong for the other | only the sum of the first is tried |

So what you send has to have different numbers in different places, **and** no number 1 for a single output.
Below is a factory that makes a Function out of two plain functions; the checks use it, and so can you.
"""

# %% tags=["setup"] nbgrader={"grade": false, "grade_id": "setup_given", "locked": true, "schema_version": 3, "solution": false, "task": false}
def made(forward, backward):
    """A Function's apply, from forward(*inputs) and backward(*inputs, *upstream gradients)."""

    class Given(torch.autograd.Function):
        @staticmethod
        def forward(ctx, *inputs):
            ctx.save_for_backward(*inputs)
            return forward(*inputs)

        @staticmethod
        def backward(ctx, *upstream):
            return backward(*ctx.saved_tensors, *upstream)

    return Given.apply

# %% [markdown]
r"""
### Exercise 4.9 · `my_gradcheck`
*difficulty 3 of 3 · 30 minutes · about 20 lines*

Write `my_gradcheck(fn, inputs, eps=1e-6, atol=1e-4)`. `inputs` is a tuple of float64 tensors of any shapes,
and `fn(*inputs)` returns one tensor or a tuple of tensors. Return `True` if for every output and every
element of every input **with `requires_grad`** the analytic and the central difference differ by at most
`atol`, else `False` (a Python bool). A gradient of `None` counts as 0, and nan never agrees with anything.
It catches a backward that ignores the upstream gradient, for a 0-dim output too, or permutes it. Inputs
stay as they are, their `requires_grad` and `.grad` included. Not allowed: `torch.autograd.gradcheck` and
`gradgradcheck`.
"""

# %% nbgrader={"grade": false, "grade_id": "my_gradcheck", "locked": false, "schema_version": 3, "solution": true, "task": false}
def my_gradcheck(fn, inputs, eps=1e-6, atol=1e-4):
    """fn: tensors -> tensor(s); inputs: a tuple of float64 tensors -> True where every gradient agrees"""

    # about 20 lines
    ### BEGIN SOLUTION
    def outputs_of(tensors):
        found = fn(*tensors)
        return list(found) if isinstance(found, (tuple, list)) else [found]

    def central(which, index):  # one column of the Jacobian: how every output moves with this one element
        ends = []
        for step in (eps, -eps):
            nudged = [t.detach().clone() for t in inputs]
            nudged[which][index] += step
            ends.append(outputs_of(nudged))
        return [(up - down).detach() / (2 * eps) for up, down in zip(*ends)]

    # leaves of our own: whatever happens below, the caller's tensors, flags and .grad stay as they are
    leaves = [t.detach().clone().requires_grad_(t.requires_grad) for t in inputs]
    outputs = outputs_of(leaves)
    for which, leaf in enumerate(leaves):
        if not leaf.requires_grad:
            continue
        columns = [central(which, index) for index in np.ndindex(*leaf.shape)]
        for k, output in enumerate(outputs):
            numeric = torch.stack([column[k] for column in columns], dim=-1)
            for place in np.ndindex(*output.shape):
                upstream = torch.zeros_like(output)
                upstream[place] = -1.7  # one row of the Jacobian; 1 would not catch who ignores it
                grad = None  # an output without a history says "0" to every question
                if output.requires_grad:
                    grad = torch.autograd.grad(output, leaf, upstream, retain_graph=True, allow_unused=True)[0]
                analytic = torch.zeros_like(leaf) if grad is None else grad / -1.7
                gap = (analytic.reshape(-1) - numeric[place]).abs()
                if not bool((gap <= atol).all()):  # "not <=" refuses nan, ">" would let it pass
                    return False
    return True
    ### END SOLUTION

# %%
hint("my_gradcheck")

# %% nbgrader={"grade": true, "grade_id": "my_gradcheck__right_and_wrong", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("my_gradcheck__right_and_wrong")
def _():
    x = check.tensor(121, 2, 3, dtype="float64", requires_grad=True)
    check.equal(
        "the sine with the cosine as its slope is right",
        lambda: my_gradcheck(made(lambda x: x.sin(), lambda x, g: g * x.cos()), (x,)),
        expected=True,
        advice="print the analytic and the numeric row side by side for this one: where do they part?",
    )
    check.equal(
        "the sine with twice its slope is wrong",
        lambda: my_gradcheck(made(lambda x: x.sin(), lambda x, g: 2 * g * x.cos()), (x,)),
        expected=False,
    )
    a, b = (
        check.tensor(122, 2, 3, dtype="float64", requires_grad=True),
        check.tensor(123, 3, 4, dtype="float64", requires_grad=True),
    )
    check.equal(
        "a product of matrices: both gradients right, then the second one wrong",
        lambda: [
            my_gradcheck(made(lambda a, b: a @ b, lambda a, b, g: (g @ b.T, a.T @ g)), (a, b)),
            my_gradcheck(made(lambda a, b: a @ b, lambda a, b, g: (g @ b.T, a.T @ g + 0.1)), (a, b)),
        ],
        expected=[True, False],
    )
    ### BEGIN HIDDEN TESTS
    long, square = (
        check.tensor(124, 100, dtype="float64", requires_grad=True),
        check.tensor(125, 3, 3, dtype="float64", requires_grad=True),
    )
    few = torch.zeros(100, dtype=torch.float64)
    few[check.rng(126).permutation(100)[:10]] = 5e-4  # ten wrong entries of a hundred: a mean loses them
    given = [
        (made(lambda x: x.exp(), lambda x, g: g * x.exp()), (x,)),
        (made(lambda x: 0.5 * x * x, lambda x, g: g * x), (long,)),
        (made(lambda x: (x.sum(), x * x), lambda x, g, h: g + 2 * h * x), (x,)),
        (made(lambda x: x.T @ x, lambda x, g: x @ (g + g.T)), (square,)),
        (lambda x: x.sin() * x.sum(), (x,)),
        (made(lambda a, b: (a @ b, b.sum(0)), lambda a, b, g, h: (g @ b.T, a.T @ g + h)), (a, b)),
        (made(lambda x: (x * x, x.sum()), lambda x, g, h: g * x + h), (x,)),
        (made(lambda x: 0.5 * x * x, lambda x, g: g * x + few * g), (long,)),
        (made(lambda x: (x.sum(), x * x), lambda x, g, h: g + h * x), (x,)),
        (made(lambda x: x.T @ x, lambda x, g: (x @ (g + g.T)).T), (square,)),
        (made(lambda a, b: a @ b, lambda a, b, g: (1.5 * g @ b.T, a.T @ g)), (a, b)),
        (made(lambda a, b: (a @ b, b.sum(0)), lambda a, b, g, h: (g @ b.T, a.T @ g)), (a, b)),
    ]
    order = check.rng(127).permutation(12)
    check.equal(
        "a dozen Functions, right and wrong, in an order that nobody knows",
        lambda: [my_gradcheck(*given[k]) for k in order],
        expected=lambda: [bool(k < 6) for k in order],
        advice="every output, every element of every input: does a loop stop at the first, or take a mean?",
    )
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "my_gradcheck__upstream", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("my_gradcheck__upstream")
def _():
    x = check.tensor(131, 4, dtype="float64", requires_grad=True)
    check.equal(
        "a backward that ignores the upstream gradient is caught, an honest one is not",
        lambda: [
            my_gradcheck(made(lambda x: x.sin(), lambda x, g: x.cos()), (x,)),
            my_gradcheck(made(lambda x: x.sin(), lambda x, g: x.cos() * g), (x,)),
        ],
        expected=[False, True],
        advice="with an upstream gradient of ones the two look the same: send something else",
    )
    check.equal(
        "it is caught where the output is a single number, too",
        lambda: [
            my_gradcheck(made(lambda x: 10 * (x * x).sum(), lambda x, g: 20 * x), (x,)),
            my_gradcheck(made(lambda x: 10 * (x * x).sum(), lambda x, g: 20 * x * g), (x,)),
        ],
        expected=[False, True],
        advice="for an output without axes, a 1 in one place is all ones: which number tells the two apart?",
    )
    check.equal(
        "a backward that hands the upstream gradient on in another order is caught",
        lambda: [
            my_gradcheck(made(lambda x: 3 * x, lambda x, g: 3 * g.flip(0)), (x,)),
            my_gradcheck(made(lambda x: 3 * x.flip(0), lambda x, g: 3 * g.flip(0)), (x,)),
        ],
        expected=[False, True],
    )
    ### BEGIN HIDDEN TESTS
    square, point = (
        check.tensor(132, 3, 3, dtype="float64", requires_grad=True),
        check.tensor(133, dtype="float64", requires_grad=True),
    )
    given = [
        (made(lambda x: 90 * x.exp().mean(), lambda x, g: g * x.exp() * 10), (square,)),
        (made(lambda x: x.T * 2, lambda x, g: g.T * 2), (square,)),
        (made(lambda x: (x + 1, x.cos()), lambda x, g, h: g - h * x.sin()), (x,)),
        (made(lambda x: 100 * x, lambda x, g: 100 * g), (point,)),
        (made(lambda x: x.cumsum(0), lambda x, g: g.flip(0).cumsum(0).flip(0)), (x,)),
        (made(lambda x: (50 * x.sum(), x.sin()), lambda x, g, h: 50 * g + h * x.cos()), (x,)),
        (made(lambda x: 90 * x.exp().mean(), lambda x, g: x.exp() * 10), (square,)),
        (made(lambda x: x * 2, lambda x, g: g.T * 2), (square,)),
        (made(lambda x: (x + 1, x.cos()), lambda x, g, h: h - g * x.sin()), (x,)),
        (made(lambda x: 100 * x, lambda x, g: 100 * torch.ones_like(x)), (point,)),
        (made(lambda x: x + 2, lambda x, g: g.roll(1)), (x,)),
        (made(lambda x: (50 * x.sum(), x.sin()), lambda x, g, h: 50 + h * x.cos()), (x,)),
    ]
    order = check.rng(134).permutation(12)
    check.equal(
        "a dozen more: upstream gradients used, ignored, swapped and shuffled",
        lambda: [my_gradcheck(*given[k]) for k in order],
        expected=lambda: [bool(k < 6) for k in order],
        advice="think of single numbers, and of two outputs whose upstream gradients change places",
    )
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "my_gradcheck__details", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("my_gradcheck__details")
def _():
    x = check.tensor(141, 3, dtype="float64", requires_grad=True)
    plain, other = (
        check.tensor(142, 3, dtype="float64"),
        check.tensor(143, 3, dtype="float64", requires_grad=True),
    )
    check.equal(
        "central, with eps, up to atol: at eps = 0.1, x² agrees, x³ does not, and with atol = 1 it does",
        lambda: [
            my_gradcheck(lambda x: x * x, (x,), eps=0.1),
            my_gradcheck(lambda x: x**3, (x,), eps=0.1),
            my_gradcheck(lambda x: x**3, (x,), eps=0.1, atol=1.0),
        ],
        expected=[True, False, True],
        advice="at eps = 0.1 a central difference of x³ is off by eps² = 0.01; a one-sided one of x² by 0.1",
    )
    check.equal(
        "a gradient of None counts as 0: right for an input that changes nothing, wrong for one that does",
        lambda: [
            my_gradcheck(made(lambda x, y: 2 * x, lambda x, y, g: (2 * g, None)), (x, other)),
            my_gradcheck(made(lambda x, y: 2 * x + y, lambda x, y, g: (2 * g, None)), (x, other)),
        ],
        expected=[True, False],
    )
    check.equal(
        "nan in a gradient never agrees",
        lambda: my_gradcheck(
            made(lambda x: 2 * x, lambda x, g: 2 * g + torch.tensor([0.0, float("nan"), 0.0])), (x,)
        ),
        expected=False,
        advice="what is nan > 1e-4 in Python? And nan <= 1e-4?",
    )
    ### BEGIN HIDDEN TESTS
    big, hole = check.rng(145).permutation(11), torch.tensor([1.0, 0.0, 1.0], dtype=torch.float64)
    given = [
        (made(lambda x: 2 * x, lambda x, g: 2.05 * g), (x,), 1e-6, 1.0),
        (made(lambda x, y: x * y, lambda x, y, g: (g * y, g * 100)), (x, plain)),
        (lambda x, y: (2 * x, y * y), (x, other)),
        (made(lambda x: 50 * x, lambda x, g: 50 * g), (x,)),
        (made(lambda x: 0.01 * x, lambda x, g: 0.01001 * g), (x,)),
        (lambda x, y: x.sum() * 3, (x, other)),
        (made(lambda x, y: x * y, lambda x, y, g: (g * y, g * 100)), (x, other)),
        (made(lambda x: 500 * x, lambda x, g: 500.01 * g), (x,)),
        (lambda x: x * float("nan"), (x,)),
        (made(lambda x: x * hole, lambda x, g: torch.where(hole == 0, float("nan"), g)), (x,)),
        (made(lambda x: 2 * x, lambda x, g: 2.05 * g), (x,), 1e-6, 1e-3),
    ]
    check.equal(
        "inputs without requires_grad, unused ones, large and small gradients, nan on both sides, another atol",
        lambda: [my_gradcheck(*given[k]) for k in big],
        expected=lambda: [bool(k < 6) for k in big],
        advice="only inputs with requires_grad count, and atol is an absolute distance",
    )
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "my_gradcheck__care", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("my_gradcheck__care")
def _():
    x, plain = (
        check.tensor(151, 2, 2, dtype="float64", requires_grad=True),
        check.tensor(152, 2, 2, dtype="float64"),
    )

    def after():
        verdicts = [
            my_gradcheck(lambda x, y: x * y, (x, plain)),
            my_gradcheck(made(lambda x: x * x, lambda x, g: g * x), (x,)),
        ]
        return [*verdicts, x.grad, plain.grad, x.requires_grad, plain.requires_grad, torch.is_grad_enabled()]

    check.equal(
        "afterwards .grad is still None, the flags are as they were, and gradients are still recorded",
        lambda: after(),
        expected=[True, False, None, None, True, False, True],
        advice="work on copies of the inputs, and ask for gradients without storing them in .grad",
    )
    check.unchanged(
        "the inputs hold the same bits as before",
        lambda: my_gradcheck(lambda x, y: x * y, (x, plain)),
        x,
        plain,
    )
    ### BEGIN HIDDEN TESTS
    awkward = torch.tensor([0.1, 1e-9, 12345.678901234, -0.3], dtype=torch.float64).requires_grad_()
    stale = check.tensor(154, 3, dtype="float64", requires_grad=True)
    stale.grad = torch.full((3,), 5.0, dtype=torch.float64)
    check.unchanged(
        "not even the last bit of an input has moved",
        lambda: my_gradcheck(lambda x: x * 2, (awkward,)),
        awkward,
    )
    check.equal(
        "what .grad held before neither counts nor changes",
        lambda: [
            my_gradcheck(lambda x: x.sin(), (stale,)),
            my_gradcheck(made(lambda x: x.sin(), lambda x, g: g * x), (stale,)),
            stale.grad,
        ],
        expected=lambda: [True, False, torch.full((3,), 5.0, dtype=torch.float64)],
    )
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "my_gradcheck__any_input", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("my_gradcheck__any_input")
def _():
    x = check.tensor(147, 3, dtype="float64", requires_grad=True)
    plain = check.tensor(148, 3, dtype="float64")
    check.equal(
        "of two inputs only the one with requires_grad counts; of two outputs both do",
        lambda: [
            my_gradcheck(made(lambda x, y: x * y, lambda x, y, g: (g * y, g * 100)), (x, plain)),
            my_gradcheck(made(lambda x: (x, x * x), lambda x, g, h: g + 2 * h * x), (x,)),
            my_gradcheck(made(lambda x: (x, x * x), lambda x, g, h: g + 3 * h * x), (x,)),
        ],
        expected=[True, True, False],
        advice="fn may return a tuple: look at each tensor of it",
    )
    row = check.tensor(146, 40, dtype="float64", requires_grad=True)
    one_place = torch.zeros(40, dtype=torch.float64)
    one_place[7] = 1e-3
    check.equal(
        "atol is a distance, for each entry: 500.01 for 500 is wrong, 0.01001 for 0.01 is right, and one wrong "
        "entry of forty is one too many",
        lambda: [
            my_gradcheck(made(lambda x: 500 * x, lambda x, g: 500.01 * g), (x,)),
            my_gradcheck(made(lambda x: 0.01 * x, lambda x, g: 0.01001 * g), (x,)),
            my_gradcheck(made(lambda x: 2 * x, lambda x, g: 2 * g + one_place * g), (row,)),
        ],
        expected=[False, True, False],
        advice="every single element has to agree within atol, whatever the others do",
    )
    strided = check.tensor(153, 3, 2, dtype="float64", strided=True, requires_grad=True)
    check.equal(
        "an input that is not contiguous: right stays right, wrong stays wrong",
        lambda: [
            my_gradcheck(made(lambda x: x.exp(), lambda x, g: g * x.exp()), (strided,)),
            my_gradcheck(made(lambda x: x.exp(), lambda x, g: g * 1.01 * x.exp()), (strided,)),
        ],
        expected=[True, False],
        advice="reshape and flatten may give a copy: does your nudge reach the tensor that fn gets?",
    )
    ### BEGIN HIDDEN TESTS
    point = check.tensor(155, dtype="float64", away_from=0.0, requires_grad=True)
    check.equal(
        "inputs of no axes and of three, and asking twice",
        lambda: (
            [
                my_gradcheck(
                    lambda a, b: (a * b.sum(), a.exp()),
                    (point, torch.ones(1, 2, 2, dtype=torch.float64).requires_grad_()),
                )
                for _ in range(2)
            ]
            + [
                my_gradcheck(made(lambda a: 100 * a * a, lambda a, g: 100 * g * a), (point,))
                for _ in range(2)
            ]
        ),
        expected=[True, True, False, False],
    )
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**Which probe catches what?** Five backwards, all wrong but the first, and three instruments: one that sends
ones only, one that sends a single 1 in each place in turn, and yours. A cell that says *right* for a wrong
one is an instrument that was fooled.
"""

# %% tags=["picture"]
def naive(fn, x, probes):
    """Compares vᵀJ for the given upstream gradients v only."""
    y = fn(x)
    for v in probes(y):
        analytic = torch.autograd.grad(y, x, v, retain_graph=True)[0]
        for i in range(len(x)):
            nudge = 1e-6 * torch.eye(len(x), dtype=x.dtype)[i]
            measured = ((fn((x + nudge).detach()) - fn((x - nudge).detach())) * v).sum() / 2e-6
            if abs(analytic[i] - measured) > 1e-4:
                return False
    return True


def ones(y):
    return [torch.ones_like(y)]


def single_ones(y):
    return torch.eye(y.numel(), dtype=y.dtype).reshape(y.numel(), *y.shape)

# %% tags=["picture"]
def two_verdicts(gradcheck):
    at = (torch.tensor([0.3, 1.2], dtype=torch.float64, requires_grad=True),)
    return [bool(gradcheck(made(lambda x: 2 * x, lambda x, g, c=c: c * g), at)) for c in (2, 3)]


instrument = stand_in.yours_or_ours("my_gradcheck", parts.functions.gradcheck, two_verdicts)
x = torch.tensor([0.3, -1.2, 2.0], dtype=torch.float64, requires_grad=True)
five = {
    "right": made(lambda x: 2 * x, lambda x, g: 2 * g),
    "factor 3 for 2": made(lambda x: 2 * x, lambda x, g: 3 * g),
    "upstream permuted": made(lambda x: 2 * x, lambda x, g: 2 * g.flip(0)),
    "upstream ignored": made(lambda x: 2 * x, lambda x, g: 2 * torch.ones_like(g)),
    "ignored, one output": made(lambda x: (2 * x).sum(), lambda x, g: 2 * torch.ones_like(x)),
}
says = {
    n: (naive(fn, x, ones), naive(fn, x, single_ones), bool(instrument(fn, (x,)))) for n, fn in five.items()
}

# %% tags=["picture"]
whose = stand_in.whose("my_gradcheck")
words = {True: "right", False: "wrong"}
text = "; ".join(
    f"{n}: ones {words[a]}, single ones {words[b]}, {whose} own {words[c]}" for n, (a, b, c) in says.items()
)
with plot.figure(f"What three instruments say of five backwards. {text}", height=2.8) as ax:
    ax.imshow(
        [[float(v) for v in row] for row in says.values()], cmap="cividis", vmin=-0.6, vmax=1.2, aspect="auto"
    )
    for i, row in enumerate(says.values()):
        for j, verdict in enumerate(row):
            ax.text(j, i, words[verdict], ha="center", va="center", color="#222222" if verdict else "#FFFFFF")
    ax.set_xticks(range(3), ["ones", "a single 1 in each place", f"{whose} my_gradcheck"])
    ax.set_yticks(range(5), list(says))
    ax.set(xlabel="instrument: what it sends", ylabel="backward")

# %% [markdown]
r"""
**And torch's own.** `torch.autograd.gradcheck(fn, inputs)` is the same instrument, with a relative
tolerance besides, complex numbers, and an exception that shows both Jacobians instead of a bare False.
`gradgradcheck` turns it on your backward. From here on, every Function you write deserves one line of it.

One of your Functions must fail it. Guess which before you run the cell.
"""

# %% tags=["picture"]
point = torch.tensor([0.3, -1.2, 2.1], dtype=torch.float64, requires_grad=True)
ours = {"MyReLU": "relu", "MyExp": "exp", "MinMax": "min_max", "MyCube": "cube", "RoundSTE": "round_ste"}
checked = {"Square": Square}
for name, part in ours.items():
    checked[name] = stand_in.yours_or_ours(name, getattr(parts.functions, part))
for name, function in checked.items():
    theirs = torch.autograd.gradcheck(function.apply, (point,), raise_exception=False)
    print(f"{name:10} {whose} my_gradcheck: {instrument(function.apply, (point,))!s:6} torch's: {theirs}")

# %% [markdown]
r"""
`RoundSTE` is refused by both, and all three of you are right: the instruments say that its backward is not
the derivative of its forward, and it was never meant to be. A gradient check answers *is this the
derivative?*, not *is this useful?*
"""

# %% [markdown]
r"""
## 4.10 When to reach for it

Rarely. Most new operations are sentences made of old words, and autograd reads those by itself. Ask in this
order:

| the case | the tool |
|---|---|
| it can be written with torch operations | a plain Python function; nothing else to do |
| another derivative than the true one; less to keep; outside code | `torch.autograd.Function` |
| it has weights or a mode | an `nn.Module` that calls it (chapter 7) |
| it is to be one closed operation for `torch.compile` and `torch.export` | `torch.library.custom_op` |
| it needs a kernel of its own, on the CPU or a GPU | a C++/CUDA extension, under `torch.library` again |

The engine itself, below all this, you should hardly ever touch: it does not know what your operation means.
It walks the graph, adds up, and calls the backward it was given.
"""

# %% [markdown]
r"""
## 4.11 A gallery of errors

You will meet these again, at a worse hour. Each line below is a real message, provoked by the smallest code
that does so (unfold the cell to see it). Read a message, guess what was done, then look it up:

| in the message | what was done | cure |
|---|---|---|
| incorrect number of gradients | backward returned fewer values than forward had arguments | one for each, `None` where there is none |
| invalid gradient at index 0 | a gradient in another shape than its input | print both shapes before `return` |
| can only save variables | a number went into `save_for_backward` | `ctx.name = number` |
| modified by an inplace operation | a saved tensor was changed before backward read it | the out-of-place operation, or a clone |
| Legacy autograd function | an object of the class was called, `Square()(x)` | `Square.apply(x)` |
| must implement either the backward or vjp | there is no method of that name: `backwards`, a lost indent | `backward`, inside the class |
| backward through the graph a second time | the saved tensors were freed by the first backward | a fresh forward; `retain_graph=True` where twice is meant |
| differentiate twice a function that was marked | a second derivative through a backward that forbids it | compute it in backward from saved tensors |
"""

# %% tags=["picture"]
def doubled(backward, keep=lambda ctx, x: None):
    """A Function that doubles, with the given backward; `keep` says what forward puts onto ctx."""

    class Doubled(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, factor):
            keep(ctx, x)
            return x * factor

    Doubled.backward = staticmethod(backward)
    return Doubled.apply


class NoWayBack(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return 2 * x


def second_backward():
    y = Square.apply(torch.ones(3, requires_grad=True)).sum()
    y.backward()
    y.backward()

# %% tags=["picture"]
leaf = torch.ones(3, requires_grad=True)
once = doubled(torch.autograd.function.once_differentiable(lambda ctx, g: (2 * g, None)))
gallery(
    one_value_for_two_arguments=lambda: doubled(lambda ctx, g: 2 * g)(leaf, 2).sum().backward(),
    another_shape=lambda: doubled(lambda ctx, g: (2 * g[:2], None))(leaf, 2).sum().backward(),
    a_number_saved=lambda: doubled(None, lambda ctx, x: ctx.save_for_backward(2.0))(leaf, 2),
    a_saved_tensor_changed=lambda: square_then_change(Square),
    an_object_called=lambda: Square()(leaf),
    no_backward=lambda: NoWayBack.apply(leaf).sum().backward(),
    backward_twice=second_backward,
    once_differentiable=lambda: torch.autograd.grad(
        once(leaf, 2).square().sum(), leaf, create_graph=True
    )[0].sum().backward(),
)

# %% [markdown]
r"""
A few words of `ctx` that you did not need today, so that you know them when you meet them:

- `setup_context(ctx, inputs, output)`, a third static method: forward without `ctx`, as `torch.func` wants
  it.
- `ctx.mark_dirty(x)` where forward changed an input in place; `ctx.mark_non_differentiable(y)` for an
  output that has no gradient, such as an index.
- `ctx.set_materialize_grads(False)`: unused outputs send `None` instead of zeros.
- `once_differentiable`: no second derivative, and an error for who wants one.
"""

# %% [markdown]
r"""
## Two questions

These are read by a person. A few honest sentences are worth more than a page.
"""

# %% [markdown]
r"""
### Question A
The backward of the cube is an operation too: it has two inputs, $x$ and the upstream gradient $g$, and the
output $s = 3x^2 g$. Derive *its* backward: given the gradient $v$ of $s$, what are the gradients of $x$ and
of $g$? Then say which of the two goes missing if forward computes $3x^2$ and keeps that, why, and in which
kind of training loss nothing raises an error although it is missing.
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_double_backward", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
r"""
**Model answer.** Entry by entry $s = 3x^2 g$, so $\partial s/\partial x = 6xg$ and $\partial s/\partial g =
3x^2$. With $v$ from above the gradient of $x$ is $6xg\,v$ and the gradient of $g$ is $3x^2 v$, each in the
shape of $x$. If forward saves the finished $3x^2$, it was computed while nothing was recorded: for autograd
it is a constant. The product with $g$ is still recorded, so the gradient of $g$ is right, but no path leads
from $s$ to $x$ and its gradient $6xgv$ is missing. Asked for that gradient alone, autograd raises: $s$ has no
history that reaches $x$. In a loss such as $\sum y + \lVert s\rVert^2$ nothing raises: the first term has a
path to $x$, so there is a gradient, and nobody sees that the second term adds nothing to it.

**Rubric.** 1 point: both gradients, with $v$ in each. 1 point: the one of $x$ is missing, because forward
runs unrecorded and the kept value is a constant. 1 point: silent where another path leads to $x$, as in a
loss plus a penalty on its gradient.
"""

# %% [markdown]
r"""
### Question B
Your `my_gradcheck` calls `RoundSTE` wrong. Is it? Say what the instrument measures, what training with
rounded weights needs, and name one situation in which you would *not* want a straight-through gradient.
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_useful_or_true", "locked": false, "points": 2, "schema_version": 3, "solution": true, "task": false}
r"""
**Model answer.** The instrument compares backward with the slope of forward, which is 0 almost everywhere;
backward says 1, so as a derivative it is wrong. Training needs something else: a direction in which the
loss tends to fall when the unrounded weight moves, and over many steps a staircase behaves like a ramp of
slope 1. One would not want it where the number is used as a true derivative (a sensitivity, a physical
simulation, Newton's method), where the input is clipped anyway and moving it further cannot change the
output, or where the steps are so coarse that the ramp is a poor picture of the stairs.

**Rubric.** 1 point: true derivative 0 against a useful direction, both named. 1 point: one situation with a
reason.
"""

# %% [markdown]
r"""
## Summary

| you wrote | what is now hidden behind the name |
|---|---|
| `MyReLU` | forward and backward as one pair, with `ctx` between them |
| `MulConstant` | one gradient for each argument, `None` for what has none |
| `LinearFunction` | any number of axes, and no work that nobody asked for |
| `MyExp` | what to keep: the output where the derivative can be read off it |
| `MinMax` | several outputs, several upstream gradients, each possibly unused |
| `MyCube` | a backward that autograd can differentiate again |
| `RoundSTE` | a gradient chosen for what it does, not for what is true |
| `my_gradcheck` | the instrument: Jacobian row by row, measured column by column |

**What still hurts?** Your `LinearFunction` has to be handed its weights on every call, somebody has to make
them, remember them, update them and save them. A network of fifty layers would be a list of a hundred loose
tensors. Chapter 5 gives them a home.
"""

# %% [markdown]
r"""
## Where to go next

- *Next chapter:* `05_nn`, layers that own their weights, and losses.
- *In the library:* `torch/autograd/function.py` is the Python half of what you used; the C++ half, the node
  that calls your backward, is `torch/csrc/autograd/python_function.cpp`. `torch/autograd/gradcheck.py` is
  the big sister of your instrument. And `tools/autograd/derivatives.yaml` is this chapter several hundred
  times over: look for `exp`, and read `grad * result.conj()`, the output kept, as in yours.
- *Further:* "Extending PyTorch" in the documentation; Bengio, Léonard and Courville, *Estimating or
  Propagating Gradients Through Stochastic Neurons* (2013), on the straight-through estimator.
- *Try:* a `ClampSTE` that passes the gradient inside an interval only; `MySqrt` from its output; your
  `MyReLU` once more with `setup_context`.
"""
