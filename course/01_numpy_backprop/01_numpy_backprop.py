# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
r"""
# 1 · A network as matrices

By the end of this notebook you will have a neural network that learns, and not one line of it will come from
a deep-learning library. You write the forward pass, you work out every gradient by hand, and you watch the
loss come down.

The network is the one we will rebuild in every chapter that follows: 64 examples of 1000 numbers each go
through a layer of 100, a ReLU, and a layer of 10.
"""

# %% [markdown]
r"""
$$x \;\xrightarrow{\;w_1\;}\; h \;\xrightarrow{\;\mathrm{ReLU}\;}\; a \;\xrightarrow{\;w_2\;}\; \hat y
\;\xrightarrow{\;y\;}\; L$$

| name | shape | what it is |
|---|---|---|
| `x` | (64, 1000) | a batch: one example a row |
| `w1` | (1000, 100) | weights of the first layer |
| `h` | (64, 100) | hidden values before the ReLU |
| `w2` | (100, 10) | weights of the second layer |
| `y_pred` | (64, 10) | what the network says |
| `loss` | one number | how wrong it is |

**Why by hand?** Because everything PyTorch does for you later is something you will have done once, here.
When a library surprises you, this is the chapter you will come back to.
"""

# %% [markdown]
r"""
**How an exercise works.** Read the statement, replace the line that raises `NotImplementedError`, run the
cell, run the check below it. A check says what was expected, what came, and where the two differ most. Stuck?
Run the `hint` cell; run it again for one more. Nothing you do here can break anything: *Kernel → Restart* is
always a way back.

Three habits hold in every exercise, whether or not it repeats them: inputs stay as they were, what comes in as
float32 goes out as float32, and a batch of one is still a batch.

*Needs: NumPy and the chain rule. Nine exercises, about two and a half hours: two for the exercises, the rest
for reading. **NumPy only:** torch is refused in every exercise of this chapter.*
"""

# %% tags=["setup"] nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import numpy as np

from layer_by_layer import candidates, judges, parts
from layer_by_layer.instruments import circuit, stand_in
from lessonkit import check, plot
from lessonkit.hints import hint

# %% [markdown]
r"""
**What you bring along.** Four questions before you start. Type your answers into the list, then run the cell:
it works each of them out. They carry no points and nobody keeps them. Where you were wrong, this chapter will
feel hard in that place, and now you know why.

1. What is the shape of a (3, 4) matrix times a (4, 2) matrix?
2. What is the shape of a (3, 4) array plus a (4,) array?
3. By how much does (5x)² grow for each unit of x, near x = 1?
4. `b` holds two zeros. After `a = b` and `a += 1`: what does `b` hold?
"""

# %%
yours = ["?", "?", "?", "?"]  # your four answers; then run
three_by_four, eps = np.ones((3, 4)), 1e-6
b = np.zeros(2)
a = b
a += 1
found = [
    (three_by_four @ np.ones((4, 2))).shape,
    (three_by_four + np.ones(4)).shape,
    round(((5 * (1 + eps)) ** 2 - (5 * (1 - eps)) ** 2) / (2 * eps), 3),
    b,
]
for number, (said, worked_out) in enumerate(zip(yours, found, strict=True), 1):
    print(f"{number}. you said {said}; it is {worked_out}")


# %% [markdown]
r"""
## 1.1 Forward: a layer is a matrix product

One output of a linear layer is a weighted sum of all its inputs plus a constant, the *bias*. Ten outputs are
ten such sums. Written as matrices, a whole batch through a whole layer is a single product:

$$\underbrace{\text{out}}_{(N,\,D_\text{out})} = \underbrace{x}_{(N,\,D_\text{in})}\;
\underbrace{w}_{(D_\text{in},\,D_\text{out})} + \underbrace{b}_{(D_\text{out},)}$$

**Read the shapes before the letters.** The inner sizes have to meet, and what is left outside is the shape of
the answer. Most mistakes in this chapter are caught by that one habit.
"""

# %% [markdown]
r"""
### Exercise 1.1 · `linear_forward`
*difficulty 1 of 3 · 5 minutes · about 1 line*

Write `linear_forward(x, w, b)`: `x` is (N, D_in), `w` is (D_in, D_out), `b` is (D_out,). Return `x @ w` plus
the bias on every row, shape (N, D_out). Leave the inputs as they are.
"""


# %% nbgrader={"grade": false, "grade_id": "linear_forward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def linear_forward(x, w, b):
    """(N, D_in), (D_in, D_out), (D_out,) -> (N, D_out)"""
    # about 1 line: the product of all examples with all columns of w, under the name `product`.
    # (N, D_in) and (D_in, D_out) give (N, D_out); NumPy writes a matrix product with @
    ### BEGIN SOLUTION
    product = x @ w
    ### END SOLUTION
    return product + b  # b is (D_out,): NumPy lines it up with the last axis and repeats it for each row


# %%
hint("linear_forward")


# %% nbgrader={"grade": true, "grade_id": "linear_forward__values", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("linear_forward__values")
def _():
    x, w = np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 0.0, 2.0], [0.0, 1.0, 3.0]])
    check.close(
        "two rows worked out by hand: 1·2 + 2·3 + 30 = 38",
        lambda: linear_forward(x, w, np.array([10.0, -20.0, 30.0])),
        expected=np.array([[11.0, -18.0, 38.0], [13.0, -16.0, 48.0]]),
        advice="print(x.shape, w.shape, b.shape) and write down the shape of each step",
    )
    ### BEGIN HIDDEN TESTS
    x, w, b = check.array(1, 7, 5), check.array(2, 5, 3), check.array(3, 3)
    check.close("any batch, any sizes", lambda: linear_forward(x, w, b), expected=lambda: x @ w + b)
    check.probes("what linear_forward promises besides its numbers", lambda: lambda x: linear_forward(x, check.array(951, 4, 3).astype(x.dtype), check.array(952, 3).astype(x.dtype)), check.array(953, 5, 4, dtype="float32"), expected=lambda: lambda x: x @ check.array(951, 4, 3).astype(x.dtype) + check.array(952, 3).astype(x.dtype))
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "linear_forward__care", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("linear_forward__care")
def _():
    one, w, b = (
        check.array(4, 1, 4, dtype="float32"),
        check.array(5, 4, 4, dtype="float32"),
        check.array(6, 4, dtype="float32"),
    )
    check.equal(
        "a batch of one stays a batch, and float32 stays float32",
        lambda: (str(linear_forward(one, w, b).dtype), list(linear_forward(one, w, b).shape)),
        expected=("float32", [1, 4]),
    )
    check.unchanged("the inputs are left alone", lambda: linear_forward(one, w, b), one, w, b)
    ### BEGIN HIDDEN TESTS
    turned, w, b = check.array(7, 4, 6).T, check.array(8, 5, 4).T, check.array(9, 10)[::2]
    check.close(
        "non-contiguous input is input too",
        lambda: linear_forward(turned, w, b),
        expected=lambda: turned @ w + b,
    )
    ### END HIDDEN TESTS


# %% [markdown]
r"""
## 1.2 Nudge it and see: what a gradient is

Before any formula: what *is* a gradient? Take a function of some numbers that returns one number. Nudge one of
the numbers up a little, nudge it down a little, and see what the function does. The change of the result,
divided by the change of the number, is the **derivative** in that direction. Do it for every number, and you
have the **gradient**: an array of the same shape.

$$\frac{\partial f}{\partial x_i} \approx \frac{f(x + \varepsilon e_i) - f(x - \varepsilon e_i)}{2\varepsilon}$$

This is called a *central finite difference*. Central, because the error of the one-sided version shrinks like
$\varepsilon$ and of this one like $\varepsilon^2$.
"""

# %% tags=["picture"]
steps = np.logspace(-1, -7, 25)
slope = 3 * 1.5**2  # x³ at 1.5, from the school's rule
one_sided = [abs(((1.5 + e) ** 3 - 1.5**3) / e - slope) for e in steps]
central = [abs(((1.5 + e) ** 3 - (1.5 - e) ** 3) / (2 * e) - slope) for e in steps]
with plot.figure(
    "Error of the two differences for x³ at 1.5 against eps, on logarithmic axes, from 0.1 down to 1e-7: the "
    f"one-sided error falls tenfold with each tenth of eps, from {one_sided[0]:.1g}; the central one a "
    f"hundredfold, from {central[0]:.1g} to {min(central):.1g}, and then rises again as rounding takes over"
) as ax:
    ax.loglog(steps, one_sided, marker="o", markersize=4, label="one-sided")
    ax.loglog(steps, central, marker="s", markersize=4, linestyle="--", label="central")
    ax.invert_xaxis()
    ax.set_xlabel("eps")
    ax.set_ylabel("error of the derivative")
    ax.legend()


# %% [markdown]
r"""
A smaller `eps` is better until it is worse: below some size the two values of $f$ agree in nearly all their
digits, and what is left of their difference is rounding. That is why the default below is 1e-5, and why
measuring wants float64.

Measuring takes two calls of $f$ for every number, far too slow to train with: the network above has 101,000
weights. But it needs no formula, so it cannot get the formula wrong. For the rest of this chapter it is your
referee.
"""

# %% [markdown]
r"""
### Exercise 1.2 · `numeric_gradient`
*difficulty 1 of 3 · 12 minutes · about 4 lines*

Write `numeric_gradient(f, x, eps=1e-5)`: `f` takes an array of `x`'s shape and returns a number. Return the
central difference for every element of the float64 array `x`, of any shape. You may change `x` during the
call, but on return it is bit for bit what it was, **also where `f` raises**, and then the exception goes on
to the caller.
"""


# %% nbgrader={"grade": false, "grade_id": "numeric_gradient", "locked": false, "schema_version": 3, "solution": true, "task": false}
def numeric_gradient(f, x, eps=1e-5):
    """f: array -> float, x of any shape -> gradient of x's shape"""
    grad = np.zeros_like(x)
    for index in np.ndindex(x.shape):  # every index of an array of any shape, one after the other
        # about 4 lines:
        # 1. two copies of x, so that x itself stays as it is whatever f does
        # 2. in one of them the entry at `index` is larger by eps, in the other smaller by eps
        # 3. grad[index] is the difference of f at the two, divided by the distance between the two
        ### BEGIN SOLUTION
        up, down = x.copy(), x.copy()
        up[index] += eps
        down[index] -= eps
        grad[index] = (f(up) - f(down)) / (2 * eps)
        ### END SOLUTION
    return grad


# %%
hint("numeric_gradient")


# %% nbgrader={"grade": true, "grade_id": "numeric_gradient__values", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("numeric_gradient__values")
def _():
    x = np.array([[1.0, 3.0], [-2.0, 0.0], [0.5, -1.0]]).T  # (2, 3), and not in the order of memory
    check.close(
        "the gradient of the sum of x³ is 3x², to eight digits",
        lambda: numeric_gradient(lambda v: float((v**3).sum(axis=1).sum()), x),
        expected=np.array([[3.0, 12.0, 0.75], [27.0, 0.0, 3.0]]),
        rtol=1e-8,
        atol=1e-8,
        advice="a one-sided difference is off by about 3·x·eps: is yours off by that?",
    )
    check.close(
        "the caller chooses eps: with 0.5, x³ gives 3x² + 0.25",
        lambda: numeric_gradient(lambda v: float((v**3).sum()), x, 0.5),
        expected=np.array([[3.25, 12.25, 1.0], [27.25, 0.25, 3.25]]),
        advice="which of your lines use eps, and do all of them use the same one?",
    )
    check.close(
        "three numbers in a row whose product is taken: each derivative is the product of the other two",
        lambda: numeric_gradient(lambda v: float(v.prod()), np.array([2.0, 3.0, 5.0])),
        expected=np.array([15.0, 10.0, 6.0]), rtol=1e-8,
        advice="while one element is nudged, every other one has to be what it was; and x may have any shape",
    )
    ### BEGIN HIDDEN TESTS
    weights, y = check.array(81, 2, 3, 2), check.array(82, 2, 3, 2)
    check.close(
        "three axes, every element on its own",
        lambda: numeric_gradient(lambda v: float((weights * np.sin(v)).sum()), y),
        expected=lambda: weights * np.cos(y),
        rtol=1e-6,
        atol=1e-8,
    )
    check.close(
        "an array without axes",
        lambda: np.asarray(numeric_gradient(lambda v: float(v) ** 2, np.array(3.0))),
        expected=np.array(6.0),
        rtol=1e-7,
    )
    check.close(
        "a function whose slope along one element depends on the others",
        lambda: numeric_gradient(lambda v: float(v.sum()) ** 2, y),
        expected=lambda: np.full(y.shape, 2 * y.sum()),
        rtol=1e-7,
        atol=1e-8,
    )
    check.close(
        "axes of one",
        lambda: numeric_gradient(lambda v: float((v**2).sum()), y[:1, :1, :1]),
        expected=lambda: 2 * y[:1, :1, :1], rtol=1e-6, atol=1e-8,
    )
    strided = check.array(83, 3, 4).T
    check.close(
        "a transposed array",
        lambda: numeric_gradient(lambda v: float((v**2).sum()), strided),
        expected=lambda: 2 * strided,
        rtol=1e-6,
        atol=1e-8,
    )
    check.probes("what numeric_gradient promises besides its numbers", lambda: lambda x: numeric_gradient(lambda v: float((v**3).sum()), x), check.array(967, 4, 3), promises=("memory that is not contiguous", "one row", "the same call twice", "inputs left alone"), rtol=1e-6, atol=1e-8, expected=lambda: lambda x: 3 * x**2)
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "numeric_gradient__care", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("numeric_gradient__care")
def _():
    x = check.array(84, 3, 2)
    check.unchanged(
        "x is bit for bit what it was", lambda: numeric_gradient(lambda v: float((v**2).sum()), x), x
    )

    def fails_late():
        calls = []

        def f(v):
            calls.append(1)
            if len(calls) == 2:
                raise OverflowError("the function gave up")
            return float(v.sum())

        try:
            numeric_gradient(f, x)
        except OverflowError:
            return "raised"
        return "swallowed"

    check.equal("where f raises, the exception goes on to the caller", fails_late, expected="raised")
    check.unchanged("and x is still bit for bit what it was", fails_late, x)
    ### BEGIN HIDDEN TESTS
    awkward = np.array([0.1, 1e-9, 12345.678901234, -0.3])
    check.unchanged(
        "adding and taking away eps is not the way back",
        lambda: numeric_gradient(lambda v: float((v**2).sum()), awkward),
        awkward,
    )
    steps = [lambda v: float(v[0] > 0.5e-5), lambda v: float(v[0] > 1.5e-5)]  # one is met on the way to 1e-5, the other is not
    check.close(
        "without eps the step is 1e-5",
        lambda: [numeric_gradient(f, np.zeros(1)) for f in steps],
        expected=[np.array([50000.0]), np.array([0.0])],
    )
    ### END HIDDEN TESTS


# %% [markdown]
r"""
## 1.3 How wrong are we?

A gradient needs one number to be the gradient of. The **loss** turns a whole batch of predictions into one
number. We take the plainest one, the **sum** of squared differences, over every example and every output:

$$L = \sum_{n,k} (\hat y_{nk} - y_{nk})^2 \qquad\Longrightarrow\qquad
\frac{\partial L}{\partial \hat y_{nk}} = 2\,(\hat y_{nk} - y_{nk})$$

The gradient has the shape of `y_pred`: **a gradient always has the shape of the thing it is the gradient of.**

One trap: if `y_pred` is (64, 10) and `y` happens to be (64, 1), NumPy stretches `y` (*broadcasting*) and gives
you a number. It is the wrong number, and nothing says so. A good loss refuses.
"""

# %% [markdown]
r"""
### Exercise 1.3 · `squared_error`
*difficulty 1 of 3 · 8 minutes · about 4 lines*

Write `squared_error(y_pred, y)` → `(loss, grad_y_pred)`: the loss is the *sum* of squares as a Python `float`
(for float32 arrays too), the gradient is `2 (y_pred − y)`. Raise `ValueError` where the two shapes differ.
"""


# %% nbgrader={"grade": false, "grade_id": "squared_error", "locked": false, "schema_version": 3, "solution": true, "task": false}
def squared_error(y_pred, y):
    """two arrays of one shape -> (loss: float, grad_y_pred: that shape)"""
    # about 4 lines:
    # 1. refuse shapes that differ: raise ValueError("… and what was found")
    # 2. the difference, once
    # 3. the sum of its squares as a Python float, and the gradient: both are returned
    ### BEGIN SOLUTION
    if y_pred.shape != y.shape:
        raise ValueError(f"y_pred has shape {y_pred.shape} and y has shape {y.shape}; they must be the same")
    difference = y_pred - y
    return float((difference**2).sum()), 2 * difference
    ### END SOLUTION


# %%
hint("squared_error")


# %% nbgrader={"grade": true, "grade_id": "squared_error__values", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("squared_error__values")
def _():
    y_pred, y = np.array([[1.0, 5.0], [0.0, 2.0]]), np.array([[0.0, 3.0], [1.0, 2.0]])
    check.close(
        "1² + 2² + (-1)² + 0² = 6, and twice the differences",
        lambda: squared_error(y_pred, y),
        expected=(6.0, np.array([[2.0, 4.0], [-2.0, 0.0]])),
        advice="print the differences; the loss is the sum of their squares",
    )
    check.unchanged(
        "predictions and targets are left alone", lambda: squared_error(y_pred, y), y_pred, y
    )
    ### BEGIN HIDDEN TESTS
    y_pred, y = check.array(21, 5, 3), check.array(22, 5, 3)
    check.close(
        "loss and gradient of any batch",
        lambda: squared_error(y_pred, y),
        expected=lambda: (float(((y_pred - y) ** 2).sum()), 2 * (y_pred - y)),
    )
    check.probes("what squared_error promises besides its numbers", lambda: squared_error, check.array(956, 4, 3, dtype="float32"), check.array(957, 4, 3, dtype="float32"), rtol=1e-4, atol=1e-5, expected=lambda: parts.squared_error)
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "squared_error__care", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("squared_error__care")
def _():
    small = np.array([[1.5, 2.0]], dtype="float32")

    def kinds():
        loss, grad = squared_error(small, small)
        return "float" if isinstance(loss, float) else type(loss).__name__, str(grad.dtype)

    check.equal(
        "float32 in: the loss is a Python float, the gradient float32",
        kinds,
        expected=("float", "float32"),
    )
    check.raises(
        "targets of one row, which would fit by stretching, are refused",
        lambda: squared_error(np.ones((4, 3)), np.ones((1, 3))),
        ValueError,
        advice="print both shapes; which comparison tells them apart?",
    )
    check.raises(
        "and so are targets of one column",
        lambda: squared_error(np.ones((4, 3)), np.ones((4, 1))),
        ValueError,
    )
    check.raises(
        "and a flat array of as many entries as the column it meets",
        lambda: squared_error(np.ones((4, 1)), np.ones(4)),
        ValueError,
    )
    ### BEGIN HIDDEN TESTS
    check.raises(
        "a missing axis is refused", lambda: squared_error(np.ones((4, 3)), np.ones(3)), ValueError
    )
    check.raises(
        "as many entries in another shape are refused",
        lambda: squared_error(np.ones((2, 3)), np.ones((3, 2))),
        ValueError,
    )
    y_pred, y = check.array(23, 1, 6, dtype="float32"), check.array(24, 1, 6, dtype="float32")
    check.close(
        "a batch of one in float32",
        lambda: squared_error(y_pred, y)[1],
        expected=lambda: 2 * (y_pred - y),
    )
    ### END HIDDEN TESTS


# %% [markdown]
r"""
**Formula against measurement.** Here is how the rest of the chapter works: derive a gradient, then measure it.
Below, the gradient from your `squared_error` beside the one from your `numeric_gradient`. Two pictures that
look alike are not proof; the title says what the numbers say.
"""

# %% tags=["picture"]
measure = stand_in.yours_or_ours(
    "numeric_gradient",
    parts.numeric_gradient,
    lambda f: f(lambda v: float((v**2).sum()), np.array([[1.0, -2.0]])),
)
loss_of = stand_in.yours_or_ours(
    "squared_error", parts.squared_error, lambda f: f(np.array([[1.0, 2.0]]), np.array([[0.5, 0.0]]))[0]
)
rng = np.random.default_rng(4)
guess, truth = rng.standard_normal((3, 4)), rng.standard_normal((3, 4))
plot.gradient_check(loss_of(guess, truth)[1], measure(lambda v: loss_of(v, truth)[0], guess), "y_pred")

# %% [markdown]
r"""
## 1.4 A circuit with numbers on its wires

Now a chain of steps, small enough for paper: one input, one weight, one bias, one output.

$$x = 2,\quad w = 3,\quad b = -4,\quad y = 5:\qquad
xw = 6 \;\to\; h = 2 \;\to\; a = \max(h, 0) = 2 \;\to\; L = (a - y)^2 = 9$$

A computation drawn like this is a **computational graph**. Forward, each box takes what comes in from the left.
Backward, each box gets one number from its right, *how much the loss moves for each unit my output moves*,
multiplies it by its own derivative, and hands it on to the left. That is the chain rule, one box at a time.
"""


# %%
def one_neuron(x, w, b, y):
    return (max(x * w + b, 0.0) - y) ** 2


point, eps = {"x": 2.0, "w": 3.0, "b": -4.0}, 1e-5
measured = {}
for name, value in point.items():
    up, down = (one_neuron(**point | {name: value + move}, y=5.0) for move in (eps, -eps))
    measured[name] = round((up - down) / (2 * eps), 6)
print("measured by nudging:", measured)

# %% tags=["picture"]
x, w, b, y = point["x"], point["w"], point["b"], 5.0
h = x * w + b
a = max(h, 0.0)
from_above = 2 * (a - y)  # what the square hands back: dL/da
through_relu = from_above * (h > 0)  # where h is positive, a moves exactly as h does
circuit.draw(
    ("x", x, through_relu * w),
    [
        ("×", ("x·w", x * w, through_relu)),
        ("+", ("h", h, through_relu)),
        ("ReLU", ("a", a, from_above)),
        ("(a − y)²", ("L", (a - y) ** 2, 1)),
    ],
    {"×": ("w", w, through_relu * x), "+": ("b", b, through_relu), "(a − y)²": ("y", y, -from_above)},
    alt=f"The circuit of one neuron. Forward: x = {x:g} times w = {w:g} gives {x * w:g}, plus b = {b:g} gives h = {h:g}, "
    f"the ReLU gives a = {a:g}, and (a - y) squared with y = {y:g} gives L = {(a - y) ** 2:g}. Backward, from L: 1, at a "
    f"{from_above:g}, at h {through_relu:g}, at b {through_relu:g}, at w {through_relu * x:g}, at x {through_relu * w:g}",
)

# %% [markdown]
r"""
Read the bold numbers from right to left. At the end stands 1: the loss moves as much as the loss. The square
multiplies by $2(a-y) = -6$. The ReLU passes it on, since $h$ is positive. A sum hands the same number to both
of its inputs. A product hands each factor what came in times **the other factor**: $-6 \cdot 2$ to $w$, $-6
\cdot 3$ to $x$. They are the numbers that nudging gave, from one pass and without a single nudge.

Every box but the sum needed something from the way forward: the square needed $a$ and $y$, the ReLU the sign of
$h$, the product both its factors. Try another $x$, $-1$ say, in `point`, and run both cells: what arrives at $w$ now, and why?
"""

# %% [markdown]
r"""
## 1.5 The ReLU, and which way a gradient goes

Two linear layers in a row are one linear layer: $(xw_1)w_2 = x(w_1w_2)$. Something *nonlinear* has to stand in
between, or a hundred layers can do no more than one. The cheapest is the *rectified linear unit*: keep what is
positive, replace the rest by 0.

**Backward** it gets the *upstream gradient*, `grad_out`: how much the loss moves when each output of the ReLU
moves. Where the input was positive, the output *is* the input, so the gradient goes straight through. Where
it was negative, nothing we do to the input changes the output: the gradient stops there.
"""

# %% tags=["picture"]
line = np.linspace(-3, 3, 121)
plot.curves(
    {"ReLU(h)": (line, np.maximum(line, 0)), "its derivative": (line, (line > 0).astype(float))},
    xlabel="h",
    ylabel="value",
    alt="ReLU is flat at 0 for negative h and rises with slope 1 for positive h; "
    "its derivative steps from 0 to 1 at h = 0",
)

# %% [markdown]
r"""
### Exercise 1.5 · `relu`
*difficulty 1 of 3 · 8 minutes · about 1 line each*

Write `relu_forward(h)` and `relu_backward(grad_out, h)`. `h` has any shape and is the input of the *forward*
pass; `grad_out` has the same shape. At `h == 0` the gradient is 0. Inputs stay as they are.
"""


# %% nbgrader={"grade": false, "grade_id": "relu", "locked": false, "schema_version": 3, "solution": true, "task": false}
def relu_forward(h):
    """any shape -> the same shape, negative entries replaced by 0"""
    # about 1 line
    ### BEGIN SOLUTION
    return np.maximum(h, 0)
    ### END SOLUTION


def relu_backward(grad_out, h):
    """gradient of the output, input of the forward pass -> gradient of the input"""
    # about 1 line
    ### BEGIN SOLUTION
    # the mask is a property of the input; multiplying by it makes a new array, so grad_out stays as it was
    return grad_out * (h > 0)
    ### END SOLUTION


# %%
hint("relu")


# %% nbgrader={"grade": true, "grade_id": "relu__forward", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("relu__forward")
def _():
    h = np.array([[-1.5, 2.0, 0.0], [3.0, -0.5, 1.0]])
    check.close(
        "negative entries become 0, the others stay",
        lambda: relu_forward(h),
        expected=np.array([[0.0, 2.0, 0.0], [3.0, 0.0, 1.0]]),
    )
    check.unchanged("the input is left alone", lambda: relu_forward(h), h)
    ### BEGIN HIDDEN TESTS
    cube = check.array(11, 2, 3, 4, dtype="float32", away_from=0.0)
    check.close("three axes, float32", lambda: relu_forward(cube), expected=lambda: np.maximum(cube, 0))
    check.probes("what relu_backward promises besides its numbers", lambda: relu_backward, check.array(954, 4, 3, dtype="float32"), check.array(955, 4, 3, dtype="float32", away_from=0.0), expected=lambda: parts.relu_backward)
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "relu__gradient", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("relu__gradient")
def _():
    h = np.array([[-1.5, 2.0, 0.0], [3.0, -0.5, 1.0]])
    upstream = np.array([[5.0, -7.0, 2.0], [11.0, -13.0, 0.5]])
    check.close(
        "the gradient passes where the input was positive, and stops elsewhere",
        lambda: relu_backward(upstream, h),
        expected=np.array([[0.0, -7.0, 0.0], [11.0, 0.0, 0.5]]),
        advice="compare h > 0 with the entries of your result",
    )
    check.unchanged("neither argument is changed", lambda: relu_backward(upstream, h), upstream, h)
    ### BEGIN HIDDEN TESTS
    h, upstream = check.array(12, 4, 5, away_from=0.0), check.array(13, 4, 5)
    check.close(
        "any input, any upstream gradient",
        lambda: relu_backward(upstream, h),
        expected=lambda: upstream * (h > 0),
    )
    one = check.array(14, 6, dtype="float32", away_from=0.0)
    check.close(
        "one axis, float32", lambda: relu_backward(one * 2, one), expected=lambda: one * 2 * (one > 0)
    )
    ### END HIDDEN TESTS


# %% [markdown]
r"""
## 1.6 Backward through a layer

Now the step that everything hangs on. We know how the loss moves when the *outputs* of a layer move:
`grad_out`, shape (N, D_out). We want to know how it moves when the *inputs*, the *weights* and the *bias* move.

Take one weight, $w_{ij}$. It multiplies $x_{ni}$ and adds the product to output $j$, once for every example
$n$: as many boxes as there are examples, all with this one weight as a factor. A nudge of $w_{ij}$ moves all
those outputs, and their effects on the loss add up:

$$\frac{\partial L}{\partial w_{ij}} = \sum_n x_{ni}\; \frac{\partial L}{\partial \text{out}_{nj}}$$
"""

# %% [markdown]
r"""
That sum over the shared index $n$ is a matrix product. Which one? **Let the shapes propose**: you have
$(N, D_\text{in})$ and $(N, D_\text{out})$, and you need $(D_\text{in}, D_\text{out})$.

But shapes do not *decide* where sizes coincide. With $N = D_\text{in} = D_\text{out} = 4$ every product of two
of the matrices fits, turned around or not, and most of them are wrong. So test with sizes that all differ; and
where you doubt, read the formula: the index that is summed over has to be the inner one.
"""

# %% [markdown]
r"""
### Exercise 1.6 · `linear_backward`
*difficulty 2 of 3 · 15 minutes · about 3 lines*

Write `linear_backward(grad_out, x, w)` → `(grad_x, grad_w, grad_b)` with the shapes of `x` (N, D_in), `w`
(D_in, D_out) and `(D_out,)`. `grad_out` is (N, D_out). The bias is added to *every* row: what does that make
of its gradient?
"""


# %% nbgrader={"grade": false, "grade_id": "linear_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def linear_backward(grad_out, x, w):
    """(N, D_out), (N, D_in), (D_in, D_out) -> (N, D_in), (D_in, D_out), (D_out,)"""
    # about 3 lines
    ### BEGIN SOLUTION
    grad_x = grad_out @ w.T  # (N, D_out) @ (D_out, D_in): every output an input fed sends its share back
    grad_w = x.T @ grad_out  # (D_in, N) @ (N, D_out): the product sums over the batch
    return grad_x, grad_w, grad_out.sum(axis=0)  # forward repeats b for every row, so backward adds the rows up
    ### END SOLUTION


# %%
hint("linear_backward")


# %% nbgrader={"grade": true, "grade_id": "linear_backward__grad_x", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("linear_backward__grad_x")
def _():
    grad_out, x = np.array([[1.0, 2.0, -1.0], [0.0, 1.0, 3.0]]), np.array([[1.0, -2.0], [4.0, 0.5]])
    w = np.array([[1.0, 0.0, 2.0], [-1.0, 3.0, 1.0]])
    check.close(
        "each input collects the gradient of every output it fed",
        lambda: linear_backward(grad_out, x, w)[0],
        expected=np.array([[-1.0, 4.0], [6.0, 6.0]]),
        advice="which product of grad_out (2, 3) and w (2, 3) has the shape of x, (2, 2)?",
    )
    check.unchanged(
        "nothing is changed on the way back", lambda: linear_backward(grad_out, x, w), grad_out, x, w
    )
    ### BEGIN HIDDEN TESTS
    grad_out, x, w = check.array(31, 6, 3), check.array(32, 6, 4), check.array(33, 4, 3)
    check.close(
        "grad_x for any sizes",
        lambda: linear_backward(grad_out, x, w)[0],
        expected=lambda: grad_out @ w.T,
    )
    square = check.array(42, 4, 4), check.array(43, 4, 4), check.array(44, 4, 4)
    check.close(
        "grad_x where every size is the same",
        lambda: linear_backward(*square)[0],
        expected=lambda: square[0] @ square[2].T,
    )
    one = (
        check.array(30, 1, 3, dtype="float32"),
        check.array(38, 1, 2, dtype="float32"),
        check.array(39, 2, 3, dtype="float32"),
    )
    check.close(
        "grad_x for a batch of one in float32",
        lambda: linear_backward(*one)[0],
        expected=lambda: one[0] @ one[2].T,
    )
    check.probes("what linear_backward promises besides its numbers", lambda: lambda g, x: linear_backward(g, x, check.array(958, 4, 3).astype(x.dtype)), check.array(959, 5, 3, dtype="float32"), check.array(960, 5, 4, dtype="float32"), expected=lambda: lambda g, x: parts.linear_backward(g, x, check.array(958, 4, 3).astype(x.dtype)))
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "linear_backward__grad_w", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("linear_backward__grad_w")
def _():
    grad_out, x = np.array([[1.0, 2.0, -1.0], [0.0, 1.0, 3.0]]), np.array([[1.0, -2.0], [4.0, 0.5]])
    w = np.array([[1.0, 0.0, 2.0], [-1.0, 3.0, 1.0]])
    check.close(
        "each weight sums its gradient over the batch",
        lambda: linear_backward(grad_out, x, w)[1],
        expected=np.array([[1.0, 6.0, 11.0], [-2.0, -3.5, 3.5]]),
        advice="the entry [0, 1] is 1·2 + 4·1: input 0 times gradient of output 1, added over both rows",
    )
    ### BEGIN HIDDEN TESTS
    grad_out, x, w = check.array(34, 5, 4), check.array(35, 5, 4), check.array(36, 4, 4)
    check.close(
        "grad_w where every size is the same",
        lambda: linear_backward(grad_out, x, w)[1],
        expected=lambda: x.T @ grad_out,
    )
    one = (
        check.array(37, 1, 3, dtype="float32"),
        check.array(38, 1, 2, dtype="float32"),
        check.array(39, 2, 3, dtype="float32"),
    )
    check.close(
        "grad_w for a batch of one in float32",
        lambda: linear_backward(*one)[1],
        expected=lambda: one[1].T @ one[0],
    )
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "linear_backward__grad_b", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("linear_backward__grad_b")
def _():
    grad_out, x = np.array([[1.0, 2.0, -1.0], [0.0, 1.0, 3.0]]), np.ones((2, 2))
    check.close(
        "the bias was added to every row, so its gradient adds the rows up",
        lambda: linear_backward(grad_out, x, np.ones((2, 3)))[2],
        expected=np.array([1.0, 3.0, 2.0]),
        advice="the gradient of b has the shape of b: (3,)",
    )
    ### BEGIN HIDDEN TESTS
    grad_out = check.array(40, 7, 5)
    check.close(
        "grad_b for any batch",
        lambda: linear_backward(grad_out, np.ones((7, 2)), np.ones((2, 5)))[2],
        expected=lambda: grad_out.sum(axis=0),
    )
    one = check.array(41, 1, 3, dtype="float32")
    check.close(
        "grad_b for a batch of one in float32",
        lambda: linear_backward(one, np.ones((1, 2), "float32"), np.ones((2, 3), "float32"))[2],
        expected=lambda: one[0],
    )
    ### END HIDDEN TESTS


# %% [markdown]
r"""
## 1.7 Be the judge

You have two ways now to know a gradient: derive it, or measure it. Put them to work. Somebody else hands you a
function and says *this is `linear_backward`*. Is it? You cannot see its code; you can only call it.

What you write now is a **test**, and testing is a skill of its own. Which inputs would a wrong one get away
with? A single example hides a missing sum. An upstream gradient of ones hides a function that ignores it.
Comparing without looking at shapes hides a (1, 3) that should be (3,). And a test that is too strict is wrong
too: two right ways to add up the same numbers differ in the last digits.
"""

# %% [markdown]
r"""
### Exercise 1.7 · `judge_backward`
*difficulty 2 of 3 · 15 minutes · about 14 lines*

Write `judge_backward(candidate)` → `True` where `candidate(grad_out, x, w)` is a right `linear_backward`, else
`False`. You choose the inputs, float64 arrays, and may call it as often as you like; it gives the same answer
every time. Right ones come in several styles, exact up to rounding.

Wrong ones differ in one of these: a transpose; a missing or extra sum; a mean for a sum; a factor; a sign; one
of the three gradients ignores an argument; a wrong shape; an argument changed in place; an `Exception` raised.

The points come in three parts, by kind of mistake. In each, a right candidate refused costs the whole part: a
judge who says no to everything has caught every mistake and is no use to anybody. You may call your
`linear_backward` and `numeric_gradient`; the checks lend the course's own.
"""


# %% nbgrader={"grade": false, "grade_id": "judge_backward", "locked": false, "schema_version": 3, "solution": true, "task": false}
def judge_backward(candidate):
    """a function that claims to be linear_backward -> True where it is right"""
    # about 14 lines
    ### BEGIN SOLUTION
    rng = np.random.default_rng(0)
    given = [rng.standard_normal(shape) for shape in ((3, 5), (3, 4), (4, 5))]  # sizes that all differ
    grad_out, x, w = (array.copy() for array in given)
    try:
        found = candidate(*given)
    except Exception:
        return False

    # measured: sum(grad_out * out) is a loss whose gradient at `out` is grad_out
    def loss(x, w, b):
        return float((grad_out * (x @ w + b)).sum())

    b = np.zeros(w.shape[1])
    wanted = (
        numeric_gradient(lambda v: loss(v, w, b), x),
        numeric_gradient(lambda v: loss(x, v, b), w),
        numeric_gradient(lambda v: loss(x, w, v), b),
    )
    pairs = [*zip(found, wanted), *zip(given, (grad_out, x, w))]
    return all(np.shape(one) == other.shape and np.allclose(one, other, atol=1e-7) for one, other in pairs)
    ### END SOLUTION


# %%
hint("judge_backward")


# %% nbgrader={"grade": true, "grade_id": "judge_backward__products", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("judge_backward__products")
def _():
    kinds = "a transpose", "a missing or extra sum", "a mean for a sum"

    def verdicts(seed, shown):
        lent = ("linear_forward", "linear_backward", "numeric_gradient")
        with check.lend(judge_backward, **{name: getattr(parts, name) for name in lent}):
            return candidates.backward.verdicts(judge_backward, seed, *kinds, shown=shown)

    check.that(
        "three right candidates are accepted; a transpose, a missing sum and a mean for a sum are caught",
        lambda: verdicts(92, True),
        judge=judges.caught,
        given={"kinds": candidates.backward.kinds(92, *kinds, shown=True)},
        advice="which inputs would tell this kind from a right one? Print what it returns for them",
    )
    ### BEGIN HIDDEN TESTS
    check.that(
        "the same of candidates you have not met: transposes, sums and means",
        lambda: verdicts(93, False),
        judge=judges.caught,
        given={"kinds": candidates.backward.kinds(93, *kinds)},
    )
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "judge_backward__numbers", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("judge_backward__numbers")
def _():
    kinds = "a factor", "a sign", "an argument ignored"

    def verdicts(seed, shown):
        lent = ("linear_forward", "linear_backward", "numeric_gradient")
        with check.lend(judge_backward, **{name: getattr(parts, name) for name in lent}):
            return candidates.backward.verdicts(judge_backward, seed, *kinds, shown=shown)

    check.that(
        "a factor, a sign and an ignored argument are caught, and the three right ones are accepted",
        lambda: verdicts(94, True),
        judge=judges.caught,
        given={"kinds": candidates.backward.kinds(94, *kinds, shown=True)},
        advice="an argument that is ones, or that you never vary, may as well be ignored: use numbers without a pattern",
    )
    ### BEGIN HIDDEN TESTS
    check.that(
        "the same of candidates you have not met: factors, signs and ignored arguments",
        lambda: verdicts(95, False),
        judge=judges.caught,
        given={"kinds": candidates.backward.kinds(95, *kinds)},
    )
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "judge_backward__manners", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("judge_backward__manners")
def _():
    kinds = "a wrong shape", "an argument changed in place", "an exception"

    def verdicts(seed, shown):
        lent = ("linear_forward", "linear_backward", "numeric_gradient")
        with check.lend(judge_backward, **{name: getattr(parts, name) for name in lent}):
            return candidates.backward.verdicts(judge_backward, seed, *kinds, shown=shown)

    check.that(
        "a wrong shape, a changed argument and an exception are caught, and the three right ones are accepted",
        lambda: verdicts(96, True),
        judge=judges.caught,
        given={"kinds": candidates.backward.kinds(96, *kinds, shown=True)},
        advice="compare shapes before values, compare the arguments with copies made before, and expect any Exception",
    )
    ### BEGIN HIDDEN TESTS
    check.that(
        "the same of candidates you have not met: shapes, changed arguments, exceptions",
        lambda: verdicts(97, False),
        judge=judges.caught,
        given={"kinds": candidates.backward.kinds(97, *kinds)},
    )
    ### END HIDDEN TESTS


# %% [markdown]
r"""
**Your record as a judge.** For each kind of mistake, how many of the candidates shown to you your function
refuses. In the first row, the right ones: there the bar should be 0.
"""

# %% tags=["picture"]
my_judge = stand_in.yours_or_ours("judge_backward", parts.judge_backward, lambda judge: bool(judge(parts.linear_backward)))
refused = {}
for seed in range(3):
    for kind, one in candidates.backward(seed, shown=True):
        row = refused.setdefault(kind or "right", [0, 0])
        row[0] += not my_judge(one)
        row[1] += 1
shares = {kind: 100 * no / of for kind, (no, of) in sorted(refused.items(), key=lambda row: row[0] != "right")}
plot.bars(
    shares,
    xlabel=f"% refused by {stand_in.whose('judge_backward')} judge",
    alt="Share of the shown candidates that are refused, by kind: "
    + ", ".join(f"{kind} {share:.0f} %" for kind, share in shares.items()),
)

# %% [markdown]
r"""
## 1.8 The chain, end to end

Put the pieces in a row. Forward, left to right, **keeping what the way back will need**; then backward, right
to left, handing each step the gradient of the one after it:

| forward | backward |
|---|---|
| `h = x @ w1` | `grad_w1 = x.T @ grad_h` |
| `a = relu(h)` | `grad_h = grad_a` where `h > 0`, else 0 |
| `y_pred = a @ w2` | `grad_w2 = a.T @ grad_y_pred`, and `grad_a = …` |
| `loss` | `grad_y_pred = 2 (y_pred − y)` |

Read the right column from the bottom up. Every line uses the one below it and one array that the forward pass
kept. That is **backpropagation**, all of it.
"""

# %% [markdown]
r"""
### Exercise 1.8 · `loss_and_grads`
*difficulty 2 of 3 · 15 minutes · about 9 lines*

Write `loss_and_grads(x, y, w1, w2)` → `(loss, grad_w1, grad_w2)` for the two-layer network without biases.
The loss is the sum of squares as a Python `float`; shapes of prediction and `y` that differ raise `ValueError`.
You may call your functions from above, or write it out in one piece.
"""


# %% nbgrader={"grade": false, "grade_id": "loss_and_grads", "locked": false, "schema_version": 3, "solution": true, "task": false}
def loss_and_grads(x, y, w1, w2):
    """(N, D), (N, C), (D, H), (H, C) -> (loss: float, (D, H), (H, C))"""
    # about 9 lines
    ### BEGIN SOLUTION
    h = x @ w1  # (N, H), kept: the ReLU's way back asks where it was positive
    a = np.maximum(h, 0)  # (N, H), kept: it is the input of the second layer
    y_pred = a @ w2  # (N, C)
    if y_pred.shape != y.shape:
        raise ValueError(f"the network gives {y_pred.shape}, y has shape {y.shape}")
    loss = float(((y_pred - y) ** 2).sum())

    grad_y_pred = 2 * (y_pred - y)
    grad_w2 = a.T @ grad_y_pred
    grad_h = (grad_y_pred @ w2.T) * (h > 0)
    return loss, x.T @ grad_h, grad_w2
    ### END SOLUTION


# %%
hint("loss_and_grads")


# %% nbgrader={"grade": true, "grade_id": "loss_and_grads__by_hand", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("loss_and_grads__by_hand")
def _():
    def run(*arguments):
        names = ("linear_forward", "relu_forward", "relu_backward", "squared_error", "linear_backward")
        with check.lend(loss_and_grads, **{name: getattr(parts, name) for name in names}):
            return loss_and_grads(*arguments)

    x, y = np.array([[1.0, -1.0], [2.0, 1.0]]), np.array([[1.0], [0.5]])
    w1, w2 = np.array([[1.0, -1.0, 0.5], [0.5, 1.0, -1.5]]), np.array([[1.0], [2.0], [-1.0]])
    check.close(
        "errors of -2.5 and 2 give a loss of 10.25",
        lambda: run(x, y, w1, w2)[0],
        expected=10.25,
        advice="print h, then the hidden values after the ReLU, then y_pred: two rows, easily done on paper",
    )
    check.close(
        "the gradient of w2", lambda: run(x, y, w1, w2)[2], expected=np.array([[7.5], [0.0], [-10.0]])
    )
    check.close(
        "the gradient of w1",
        lambda: run(x, y, w1, w2)[1],
        expected=np.array([[3.0, 0.0, 5.0], [9.0, 0.0, -5.0]]),
        advice="measure it: numeric_gradient of the loss as a function of w1; where do the two differ?",
    )
    ### BEGIN HIDDEN TESTS
    x, y, w1, w2 = (
        check.array(51, 6, 5),
        check.array(52, 6, 3),
        check.array(53, 5, 4),
        check.array(54, 4, 3),
    )

    def expected():
        h = x @ w1
        a = np.maximum(h, 0)
        g = 2 * (a @ w2 - y)
        return float(((a @ w2 - y) ** 2).sum()), x.T @ ((g @ w2.T) * (h > 0)), a.T @ g

    check.close("any network of two layers", lambda: run(x, y, w1, w2), expected=lambda: expected())
    check.probes("what loss_and_grads promises besides its numbers", lambda: lambda x, y: run(x, y, w1.astype(x.dtype), w2.astype(x.dtype)), check.array(963, 6, 5, dtype="float32"), check.array(964, 6, 3, dtype="float32"), rtol=1e-4, atol=1e-4, expected=lambda: lambda x, y: parts.loss_and_grads(x, y, w1.astype(x.dtype), w2.astype(x.dtype)))
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "loss_and_grads__care", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("loss_and_grads__care")
def _():
    def run(*arguments):
        names = ("linear_forward", "relu_forward", "relu_backward", "squared_error", "linear_backward")
        with check.lend(loss_and_grads, **{name: getattr(parts, name) for name in names}):
            return loss_and_grads(*arguments)

    x, y = check.array(55, 1, 3, dtype="float32"), check.array(56, 1, 2, dtype="float32")
    w1, w2 = check.array(57, 3, 4, dtype="float32"), check.array(58, 4, 2, dtype="float32")
    check.unchanged("data and weights are left alone", lambda: run(x, y, w1, w2), x, y, w1, w2)

    def kinds():
        loss, *grads = run(x, y, w1, w2)
        return ["float" if isinstance(loss, float) else type(loss).__name__] + [
            (str(g.dtype), list(g.shape)) for g in grads
        ]

    check.equal(
        "float32 in: a Python float and float32 gradients of the weights' shapes",
        kinds,
        expected=["float", ("float32", [3, 4]), ("float32", [4, 2])],
    )
    check.raises("targets of another shape are refused", lambda: run(x, y[:, :1], w1, w2), ValueError)
    ### BEGIN HIDDEN TESTS
    check.close(
        "a batch of one, the gradients of it",
        lambda: run(x, y, w1, w2)[2],
        expected=lambda: np.maximum(x @ w1, 0).T @ (2 * (np.maximum(x @ w1, 0) @ w2 - y)),
    )
    ### END HIDDEN TESTS


# %% [markdown]
r"""
**Your gradients on trial.** `loss_and_grads` against `numeric_gradient`, on a small network, for both weights.
"""

# %% tags=["picture"]
rng = np.random.default_rng(1)
small = [rng.standard_normal(shape) for shape in ((6, 5), (6, 3), (5, 4), (4, 3))]
whole = stand_in.yours_or_ours("loss_and_grads", parts.loss_and_grads, lambda f: f(*small)[0])
measure = stand_in.yours_or_ours(
    "numeric_gradient", parts.numeric_gradient, lambda f: f(lambda v: float((v**2).sum()), np.ones((1, 2)))
)
for place, name in ((1, "w1"), (2, "w2")):
    others = {1: lambda v: [*small[:2], v, small[3]], 2: lambda v: [*small[:3], v]}[place]
    plot.gradient_check(whole(*small)[place], measure(lambda v: whole(*others(v))[0], small[place + 1]), name)


# %% [markdown]
r"""
Break your `loss_and_grads` on purpose: double one line of the way back, or leave out the mask. Run it and the
picture again, and read the titles. Then put it back. That is how you will find your own mistakes in the next
chapters.
"""

# %% [markdown]
r"""
## 1.9 Learning

The gradient points uphill. A small step the other way makes the loss a little smaller:

$$w \leftarrow w - \text{lr} \cdot \frac{\partial L}{\partial w}$$

This is **gradient descent**, and `lr` is the *learning rate*. Both gradients belong to the **same** point, so
compute both before you move either weight. And make new arrays: `w1 -= …` would change the caller's weights
behind their back.
"""

# %% [markdown]
r"""
### Exercise 1.9 · `train_two_layer`
*difficulty 2 of 3 · 12 minutes · about 7 lines*

Write `train_two_layer(x, y, w1, w2, lr, steps)` → `(w1, w2, losses)`: the arrays after `steps` updates, and
the list of the `steps` losses, each taken *before* its update. The arguments are left as they were; with
`steps = 0` you return their values and an empty list.
"""


# %% nbgrader={"grade": false, "grade_id": "train_two_layer", "locked": false, "schema_version": 3, "solution": true, "task": false}
def train_two_layer(x, y, w1, w2, lr, steps):
    """gradient descent -> (w1 after, w2 after, list of `steps` losses)"""
    # about 7 lines
    ### BEGIN SOLUTION
    losses = []
    for _ in range(steps):
        loss, grad_w1, grad_w2 = loss_and_grads(x, y, w1, w2)
        losses.append(loss)
        w1 = w1 - lr * grad_w1  # a new array each time: the caller keeps theirs
        w2 = w2 - lr * grad_w2
    return w1, w2, losses
    ### END SOLUTION


# %%
hint("train_two_layer")

# %% [markdown]
r"""
The checks below lend your function the course's own `loss_and_grads`, so that this exercise does not depend
on how 1.8 went.
"""


# %% nbgrader={"grade": true, "grade_id": "train_two_layer__steps", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("train_two_layer__steps")
def _():
    earlier = "linear_forward relu_forward relu_backward squared_error linear_backward loss_and_grads"
    lent = {name: getattr(parts, name) for name in earlier.split()}
    x, y, w1, w2 = (
        check.array(61, 4, 3),
        check.array(62, 4, 2),
        check.array(63, 3, 5),
        check.array(64, 5, 2),
    )

    def train(lr, steps):
        with check.lend(train_two_layer, **lent):
            a, b, losses = train_two_layer(x, y, w1, w2, lr, steps)
        return a, b, [float(loss) for loss in losses]

    check.equal("there is one loss for each step", lambda: len(train(0.001, 7)[2]), expected=7)
    column = np.array([[1.0], [2.0]])

    def by_hand(steps):
        with check.lend(train_two_layer, **lent):
            return train_two_layer(column, column, np.array([[1.0]]), np.array([[2.0]]), 0.01, steps)

    check.close(
        "on paper: w1 = 1 and w2 = 2 become 0.8 and 1.9 in one step, 0.7012 and 1.8584 in two",
        lambda: by_hand(2),
        expected=(np.array([[0.7012]]), np.array([[1.8584]]), [5.0, 1.352]),
        advice="the first gradients are 20 and 10: which point do they belong to, and which losses go into the list?",
    )
    check.that(
        "the loss falls",
        lambda: train(0.001, 30)[2],
        judge=lambda losses: (
            None
            if losses[-1] < losses[0]
            else "the loss stays where it was"
            if losses[-1] == losses[0]
            else "the loss rises"
        ),
        advice="plot the losses: rising means uphill, flat means the new weights are not used",
    )

    ### BEGIN HIDDEN TESTS
    def expected(lr, steps):
        a, b, losses = w1, w2, []
        for _ in range(steps):
            loss, grad_a, grad_b = parts.loss_and_grads(x, y, a, b)
            losses.append(loss)
            a, b = a - lr * grad_a, b - lr * grad_b
        return a, b, losses

    check.close(
        "weights and losses after one step", lambda: train(0.002, 1), expected=lambda: expected(0.002, 1)
    )
    check.close(
        "weights and losses after twelve steps",
        lambda: train(0.003, 12),
        expected=lambda: expected(0.003, 12),
    )

    def walk(x, y):
        with check.lend(train_two_layer, **lent):
            return train_two_layer(x, y, w1.astype(x.dtype), w2.astype(x.dtype), 0.001, 3)

    check.probes("what train_two_layer promises besides its numbers", lambda: walk, check.array(965, 4, 3, dtype="float32"), check.array(966, 4, 2, dtype="float32"), rtol=1e-4, atol=1e-4, expected=lambda: lambda x, y: parts.train_two_layer(x, y, w1.astype(x.dtype), w2.astype(x.dtype), 0.001, 3))
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "train_two_layer__care", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("train_two_layer__care")
def _():
    earlier = "linear_forward relu_forward relu_backward squared_error linear_backward loss_and_grads"
    lent = {name: getattr(parts, name) for name in earlier.split()}
    x, y, w1, w2 = (
        check.array(65, 4, 3),
        check.array(66, 4, 2),
        check.array(67, 3, 5),
        check.array(68, 5, 2),
    )

    def train(steps):
        with check.lend(train_two_layer, **lent):
            return train_two_layer(x, y, w1, w2, 0.001, steps)

    check.unchanged(
        "the data and the weights you were given are left alone", lambda: train(5), x, y, w1, w2
    )
    check.close(
        "no steps: the same values and an empty list", lambda: train(0), expected=lambda: (w1, w2, [])
    )

    def in_float32(targets):
        small = [v.astype("float32") for v in (x, targets, w1, w2)]
        with check.lend(train_two_layer, **lent):
            a, b, losses = train_two_layer(*small, 0.001, 3)
        return str(a.dtype), str(b.dtype), len(losses)

    check.equal(
        "float32 weights stay float32", lambda: in_float32(y), expected=("float32", "float32", 3)
    )

    ### BEGIN HIDDEN TESTS
    def expected(steps):
        a, b = w1, w2
        for _ in range(steps):
            _, grad_a, grad_b = parts.loss_and_grads(x, y, a, b)
            a, b = a - 0.001 * grad_a, b - 0.001 * grad_b
        return a

    check.close(
        "the weights after training, the same in a first and in a second call",
        lambda: [train(3)[0], train(3)[0]],
        expected=lambda: [expected(3), expected(3)],
    )

    perfect = np.maximum(x @ w1, 0) @ w2
    check.equal(
        "there are as many losses as steps where there is nothing left to learn",
        lambda: in_float32(perfect),
        expected=("float32", "float32", 3),
    )
    ### END HIDDEN TESTS


# %% [markdown]
r"""
**Now watch it learn.** The running example in full size: 64 × 1000 random numbers, 100 hidden values,
10 outputs. There is no pattern to find in random data, so the network simply learns these 64 answers by heart.
"""

# %% tags=["picture"]
train = stand_in.yours_or_ours(
    "train_two_layer", parts.train_two_layer, lambda f: f(*np.full((4, 1, 1), 0.5), 0.1, 2)[2]
)
rng = np.random.default_rng(0)
data_x, data_y = rng.standard_normal((64, 1000)), rng.standard_normal((64, 10))
start_w1, start_w2 = rng.standard_normal((1000, 100)), rng.standard_normal((100, 10))
trained_w1, trained_w2, history = train(data_x, data_y, start_w1, start_w2, lr=1e-6, steps=300)
plot.curves(
    {f"{stand_in.whose('train_two_layer')} loss": history},
    xlabel="step",
    ylabel="sum of squared errors",
    log=True,
    alt=f"The loss curve on a logarithmic axis: from {history[0]:.3g} to {history[-1]:.3g} "
    f"in {len(history)} steps",
)

# %% [markdown]
r"""
**How long a step?** The same start with three learning rates. What do you expect of a step three times as
long, and of one ten times as long? Decide before you run the cell.
"""

# %% tags=["picture"]
curves = {}
with np.errstate(all="ignore"):
    for lr, steps in ((1e-6, 100), (3e-6, 100), (1e-5, 3)):
        curves[f"lr = {lr:g}"] = train(data_x, data_y, start_w1, start_w2, lr=lr, steps=steps)[2]
told = "; ".join(
    f"{name}: from {losses[0]:.3g}, highest {max(losses):.3g}, last {losses[-1]:.3g}" for name, losses in curves.items()
)
print(told)
plot.curves(curves, ylabel="sum of squared errors", log=True, alt=f"Loss curves of three learning rates. {told}")

# %% [markdown]
r"""
A step that is too long jumps across the valley and lands higher up on the other side. There the slope is
steeper, the next step is longer still, and soon the numbers overflow. A step a little too long does the same
for a while, until it happens to land somewhere flatter. Chapter 6 derives how long a step may be, and does
better than one fixed size.

Does the size of the gradient say how far you still have to go? No. It says how steep the ground is *here*: it
is small near the bottom, and small on any flat stretch as well. Below, the sizes of all its entries for `w1`,
as powers of ten (3 is a thousand, −2 a hundredth), before and after training.
"""

# %% tags=["picture"]
whole = stand_in.yours_or_ours("loss_and_grads", parts.loss_and_grads, lambda f: f(*small)[0])
before = whole(data_x, data_y, start_w1, start_w2)[1]
after = whole(data_x, data_y, trained_w1, trained_w2)[1]
sizes = {
    "before training": np.log10(np.abs(before[before != 0])),
    "after training": np.log10(np.abs(after[after != 0])),
}
typical = " and ".join(f"{name} {np.median(one):.1f}" for name, one in sizes.items())
plot.histograms(
    sizes,
    xlabel="log10 of |entry of grad_w1|",
    alt=f"Sizes of the entries of grad_w1, as powers of ten; in the middle they are {typical}",
)

# %% [markdown]
r"""
## 1.10 A loss for choosing: softmax and cross-entropy

Squared error suits numbers. For *which digit is this?* we want probabilities. The network's raw outputs are
called **logits**; *softmax* turns each row into positive numbers that sum to one, and the **cross-entropy** is
minus the log-probability of the right label, averaged over the batch: 0 for a sure right answer, large for a
sure wrong one.

$$p_k = \frac{e^{z_k}}{\sum_j e^{z_j}},\qquad L = -\log p_y \quad\text{for one example with label } y$$

Its gradient is one of the nicest results in the subject, and five lines are enough:
"""

# %% [markdown]
r"""
$$\begin{aligned}
L &= -\log p_y \;=\; -z_y + \log S, \qquad S = \textstyle\sum_j e^{z_j} && \text{the log of a quotient}\\
\frac{\partial}{\partial z_k}(-z_y) &= -[k = y] && \text{1 where } k \text{ is the label, else 0}\\
\frac{\partial S}{\partial z_k} &= e^{z_k} && \text{one term of the sum depends on } z_k\\
\frac{\partial}{\partial z_k}\log S &= \frac{e^{z_k}}{S} = p_k && \text{the chain rule}\\
\frac{\partial L}{\partial z_k} &= p_k - [k = y] && \text{what you said minus what is true}
\end{aligned}$$

With the mean over $N$ examples, each row's gradient is divided by $N$. Each row sums to 0: what one class gains
in probability, the others lose.
"""

# %% [markdown]
r"""
**Two traps, one at each end.** $e^{1000}$ *overflows* to inf. But softmax does not change when the same number
is subtracted from a whole row, so subtract the row's largest, and the largest exponent is $e^0$.

That cures the large end, and the small end still bites: $e^{-1000}$ *underflows* to 0, and the log of 0 is
−inf. So never take the log of a single probability. Take line one of the derivation instead: $\log p_k = z_k -
\log S$. After the shift, $S$ is at least 1.
"""

# %%
with np.errstate(all="ignore"):
    shifted = np.array([0.0, -1000.0])
    probabilities = np.exp(shifted) / np.exp(shifted).sum()
    print("exp(1000) is", np.exp(1000.0), "  shifted, the probabilities are", probabilities)
    print("their logs:", np.log(probabilities), "  the shifted logits minus log S:", shifted - np.log(np.exp(shifted).sum()))


# %% [markdown]
r"""
### Exercise 1.10 · `softmax_cross_entropy`
*difficulty 3 of 3 · 20 minutes · about 7 lines*

Write `softmax_cross_entropy(logits, labels)` → `(loss, grad_logits)`: `logits` (N, C), integer `labels` (N,).
The loss is the *mean* over the batch as a Python `float`; the gradient is (N, C). For logits of ±10,000 both
stay finite and right.
"""


# %% nbgrader={"grade": false, "grade_id": "softmax_cross_entropy", "locked": false, "schema_version": 3, "solution": true, "task": false}
def softmax_cross_entropy(logits, labels):
    """(N, C), (N,) -> (mean loss: float, gradient of the logits: (N, C))"""
    # about 7 lines
    ### BEGIN SOLUTION
    shifted = logits - logits.max(axis=1, keepdims=True)
    # log softmax directly: log(exp(z) / sum) would take the log of 0 where exp underflows
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows = np.arange(len(labels))
    loss = float(-log_p[rows, labels].mean())
    grad = np.exp(log_p)
    grad[rows, labels] -= 1
    return loss, grad / len(labels)
    ### END SOLUTION


# %%
hint("softmax_cross_entropy")


# %% nbgrader={"grade": true, "grade_id": "softmax_cross_entropy__loss", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("softmax_cross_entropy__loss")
def _():
    logits = np.log(np.array([[1.0, 2.0, 5.0], [4.0, 3.0, 1.0]]))
    check.close(
        "probabilities 5/8 and 3/8: the mean of -log(5/8) and -log(3/8)",
        lambda: softmax_cross_entropy(logits, np.array([2, 1]))[0],
        expected=0.7254164,
        rtol=1e-6,
        advice="print the softmax: each row has to sum to 1, and here they are eighths",
    )
    sure = np.array([[1e4, -1e4], [1e4, -1e4], [-1e4, -1e4]])
    check.close(
        "logits of ±10,000: sure and right costs 0, sure and wrong 20,000, undecided between two log 2",
        lambda: softmax_cross_entropy(sure, np.array([0, 1, 0]))[0],
        expected=(20_000 + 0.6931472) / 3,
        rtol=1e-6,
        advice="subtract each row's largest logit first, and never take the log of a probability that may be 0",
    )
    check.equal(
        "the loss of float32 logits is a Python float",
        lambda: isinstance(softmax_cross_entropy(sure.astype("float32"), np.array([0, 1, 0]))[0], float),
        expected=True,
    )
    ### BEGIN HIDDEN TESTS
    logits, labels = check.array(71, 6, 4) * 3, check.integers(72, 0, 4, 6)
    check.close(
        "the loss of any batch",
        lambda: softmax_cross_entropy(logits, labels)[0],
        expected=lambda: parts.cross_entropy(logits, labels)[0],
    )
    large = (check.rng(73).uniform(-1e4, 1e4, (5, 3))).astype("float32")
    check.close(
        "large logits in float32",
        lambda: softmax_cross_entropy(large, np.array([0, 2, 1, 1, 0]))[0],
        expected=lambda: parts.cross_entropy(large, np.array([0, 2, 1, 1, 0]))[0],
        rtol=1e-5,
        atol=1e-2,
    )
    check.probes("what softmax_cross_entropy promises besides its numbers", lambda: softmax_cross_entropy, check.array(961, 5, 4, dtype="float32"), check.integers(962, 0, 4, 5), rtol=1e-4, atol=1e-5, expected=lambda: parts.cross_entropy)
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "softmax_cross_entropy__gradient", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("softmax_cross_entropy__gradient")
def _():
    logits = np.log(np.array([[1.0, 2.0, 5.0], [4.0, 3.0, 1.0]]))
    check.close(
        "what you said minus what is true, over N",
        lambda: softmax_cross_entropy(logits, np.array([2, 1]))[1],
        expected=np.array([[0.0625, 0.125, -0.1875], [0.25, -0.3125, 0.0625]]),
        advice="every row of the gradient sums to 0: does yours?",
    )
    answers = np.array([2, 1])
    check.unchanged(
        "the logits and the labels are left alone",
        lambda: softmax_cross_entropy(logits, answers),
        logits,
        answers,
    )
    ### BEGIN HIDDEN TESTS
    logits, labels = check.array(74, 5, 7), check.integers(75, 0, 7, 5)
    check.close(
        "the gradient of any batch",
        lambda: softmax_cross_entropy(logits, labels)[1],
        expected=lambda: parts.cross_entropy(logits, labels)[1],
    )
    one = check.array(76, 1, 3, dtype="float32")
    check.close(
        "the gradient of a batch of one in float32",
        lambda: softmax_cross_entropy(one, np.array([1]))[1],
        expected=lambda: parts.cross_entropy(one, np.array([1]))[1],
    )
    large = np.array([[1e4, -1e4, 0.0], [-1e4, 1e4, 1e4]])
    check.close(
        "the gradient of large logits is finite and right",
        lambda: softmax_cross_entropy(large, np.array([1, 1]))[1],
        expected=lambda: parts.cross_entropy(large, np.array([1, 1]))[1],
    )
    ### END HIDDEN TESTS


# %% [markdown]
r"""
**Which way each logit is pushed.** One example, five classes. A step goes *against* the
gradient: the label, the only negative bar, goes up, and the class that was most probable goes down the most.
"""

# %% tags=["picture"]
scores = np.array([[2.0, 0.5, -1.0, 0.0, 1.0]])
choose = stand_in.yours_or_ours(
    "softmax_cross_entropy", parts.cross_entropy, lambda f: f(np.array([[1.0, -1.0]]), np.array([1]))
)
pull = choose(scores, np.array([4]))[1]
who = stand_in.whose("softmax_cross_entropy")
plot.bars(
    {f"class {k}" + (" (the label)" if k == 4 else ""): float(pull[0, k]) for k in range(5)},
    xlabel=f"{who} gradient of each logit",
    alt=f"The gradient for one example, {who}: only the label, class 4, is negative ({pull[0, 4]:.2f}); "
    "the other four are pushed down in proportion to their probability",
)

# %% [markdown]
r"""
## Two questions

These are read by a person. A few honest sentences are worth more than a page.
"""

# %% [markdown]
r"""
### Question A
Derive the gradient of `w1` in the two-layer network, $\partial L / \partial w_1$, from the chain rule, line by
line. Give the shape of every factor, and say in words where the sum over the batch comes from.
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_derivation", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
r"""
**Model answer.** With $h = x w_1$, $a = \max(h, 0)$, $\hat y = a w_2$ and $L = \sum (\hat y - y)^2$:
$G = \partial L/\partial \hat y = 2(\hat y - y)$, shape (N, C). Each $a_{ni}$ feeds every output $k$ of its own
example, so $\partial L/\partial a = G w_2^\top$, shape (N, H). The ReLU passes it where $h > 0$:
$\partial L/\partial h = (G w_2^\top) \odot [h > 0]$, shape (N, H). A weight $w_{1,dj}$ is used once per example,
multiplied by $x_{nd}$, so its gradient is the sum over examples, $x^\top\,\partial L/\partial h$, shape (D, H).

**Rubric.** 1 point: the chain is complete and in the right order. 1 point: every factor has its shape and the
transposes follow from them. 1 point: the sum over the batch is explained (one weight, used once per example).
"""

# %% [markdown]
r"""
### Question B
You double the batch by appending every example a second time. What happens to the loss of `squared_error`, to
the gradients, and to training with the same `lr`? What would happen with the *mean* instead of the sum?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_sum_or_mean", "locked": false, "points": 2, "schema_version": 3, "solution": true, "task": false}
r"""
**Model answer.** With the sum, loss and gradients double, so each step is twice as long: the same `lr` may now
overshoot. With the mean, loss and gradients stay exactly as they were, and so does training: that is why
libraries average by default, and why a learning rate found on one batch size carries over more easily.

**Rubric.** 1 point: the sum doubles loss and gradients, and the step with them. 1 point: the mean changes
nothing, with the consequence for the learning rate.
"""

# %% [markdown]
r"""
## Summary

| you wrote | the idea |
|---|---|
| `linear_forward` | a layer is a matrix product; shapes before letters |
| `numeric_gradient` | a gradient is what nudging shows; measure what you derive |
| `squared_error`, `softmax_cross_entropy` | a loss is one number, and its gradient has the shape of its input |
| `relu` | a gradient passes where the forward input let the value pass |
| `linear_backward` | a product's gradient is another product; what was repeated forward is summed backward |
| `judge_backward` | a test is code too: it can be too weak, and too strict |
| `loss_and_grads` | backpropagation: the same chain, right to left, on arrays kept from the way forward |
| `train_two_layer` | descent: both gradients at one point, then one step |
"""

# %% [markdown]
r"""
**What still hurts?** Everything runs on one kind of processor only; every new layer costs you a derivation; and
nothing stops you from forgetting one. Chapter 2 takes away the first of these, chapter 3 the other two.
"""

# %% [markdown]
r"""
## Where to go next

- *Next chapter:* `02_tensors`, the same network on arrays that can live on any device.
- *In the library:* the backward formulas you wrote stand in PyTorch's `tools/autograd/derivatives.yaml`, one
  line each; look for `mm` and `threshold_backward` and you will find your own.
- *Further:* Michael Nielsen, *Neural Networks and Deep Learning*, chapter 2; the CS231n notes on
  backpropagation.
- *Try:* add biases to `loss_and_grads`, and check their gradients with your `numeric_gradient`.
"""
