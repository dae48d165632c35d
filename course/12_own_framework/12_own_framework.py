# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
r"""
# 12 · Your own library

For eleven chapters you took PyTorch apart. Now you put it together again. By the end of this notebook a network of
yours reads handwritten digits, at least 95 % of them right, and between your keyboard and NumPy there is nothing
but code you wrote: tensor, graph, modules, loss, optimizer, training loop.

It is about 140 lines. The idea is small. What makes PyTorch large is speed, and every operation anybody ever needed.
"""

# %% tags=["setup"] nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import random
import time

import numpy as np

from layer_by_layer import data, judges
from layer_by_layer.instruments import recall
from layer_by_layer.instruments.stand_in import yours_or_ours
from layer_by_layer.parts import own_framework as own_parts
from lessonkit import check, plot
from lessonkit.hints import hint

# %% [markdown]
r"""
**Before you begin**, four questions on what came before. Type what you expect between the quotes, run both cells,
and compare. There are no points, and nothing is remembered.
"""

# %%
expected = {
    "the shape of np.ones((4, 1)) + np.ones(3)": "?",
    "x = 3; the slope of x * x + x": "?",
    "the gradient of cross-entropy at logits (0, 0), label 0, one row": "?",
    "two SGD steps, momentum 0.5, gradient 1 both times: the second velocity": "?",
}

# %% tags=["picture"]
recall.side_by_side(expected, {
    "the shape of np.ones((4, 1)) + np.ones(3)": (np.ones((4, 1)) + np.ones(3)).shape,
    "x = 3; the slope of x * x + x": round(float(own_parts.numeric_gradients(lambda x: x * x + x, np.array(3.0))[0]), 6),
    "the gradient of cross-entropy at logits (0, 0), label 0, one row":
        own_parts.numeric_gradients(lambda z: judges.mean_cross_entropy(z, np.array([0])), np.zeros((1, 2)))[0].round(6).tolist(),
    "two SGD steps, momentum 0.5, gradient 1 both times: the second velocity": 0.5 * 1 + 1,
})  # fmt: skip

# %% tags=["picture"]
plot.graph(
    {
        "un": "unbroadcast\n12.1", "topo": "topological_order\n12.2", "tensor": "Tensor\n12.3", "no": "no_grad\n12.4",
        "ce": "cross_entropy\n12.5", "mod": "Module, Linear\n12.6", "sgd": "SGD\n12.7", "fit": "fit\n12.8",
    },
    [("un", "tensor"), ("topo", "tensor"), ("tensor", "no"), ("tensor", "ce"), ("tensor", "mod"), ("mod", "sgd"),
     ("ce", "fit"), ("mod", "fit"), ("sgd", "fit")],
    mark={"tensor"},
    alt="What is built on what: unbroadcast and topological_order carry Tensor; Tensor carries no_grad, cross_entropy "
    "and the modules; the modules carry SGD; and fit is built on the loss, the modules and SGD",
)

# %% [markdown]
r"""
**Why the previous way hurt.** Here is our two-layer network as it came through the course. Each time one kind of
handwork went away, and each time something took its place that you had to take on trust.

| chapter | you no longer write | because somebody wrote |
|---|---|---|
| 1 | nothing is taken away: `grad_w1 = x.T @ grad_h`, by hand | |
| 3 | the way back | the graph, and `backward()` |
| 4 | a formula for each combination | one small `backward` an operation |
| 5, 7 | the list of weights | `Module`, `Parameter` |
| 6 | the update | the optimizer |
| 8 | the loop over batches | the loader and `train` |

Today *somebody* is you. After this chapter there is no line in the training of a network that you could not have
written.
"""

# %% [markdown]
r"""
Where we are going, in seven lines. None of these names exists yet:

```python
model = Sequential(Linear(64, 64), ReLU(), Linear(64, 10))
optimizer = SGD(model.parameters(), lr=0.1)
for batch in batches:
    loss = cross_entropy(model(Tensor(images[batch])), labels[batch])
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
```

*Needs: chapters 1, 3, 5 and 6; NumPy. Eight exercises, about three hours, and forty minutes of reading and looking: 12.1
to 12.4 make one evening, 12.5 to 12.8 another. **NumPy only:** torch is refused in every exercise of this chapter, in every spelling.*
"""

# %% [markdown]
r"""
**Your parts rest on your parts.** What if your `Tensor` is not right yet, and you want to go on? Between the
exercises stand locked cells that call `own_parts.stand_in(...)`. They try out what you have. A part that passes this
short trial stays yours; for one that does not, the course's takes its place from there on, and the cell says so and
why. So one slip costs you one exercise, never the rest of the evening.

Nothing you build has to look like the course's inside. The checks only use what a statement promises: names,
arguments, results.
"""

# %% [markdown]
r"""
## 12.1 What was copied comes back as a sum

NumPy adds a bias of shape (3,) to a batch of shape (4, 3) by reading it four times. You met the way back in
chapter 1, as `grad_out.sum(axis=0)`, and had to know that it was a bias. A library does not know what your array
*means*. It only sees two shapes, and that is enough.
"""

# %% [markdown]
r"""
NumPy lines shapes up **at their right ends**, and stretches in two ways:

| forward | example | so backward |
|---|---|---|
| missing axes appear on the left | (3,) → (4, 3) | sum the new axis away |
| an axis of size 1 is repeated | (4, 1) → (4, 3) | sum that axis, and keep it as size 1 |

Each copy did its part in the loss, so each copy's gradient counts. That is all the sum says.
"""

# %% [markdown]
r"""
### Exercise 12.1 · `unbroadcast`
*difficulty 2 of 3 · 12 minutes · about 4 lines*

Write `unbroadcast(grad, shape)`: `grad` is an array, and some array of the given `shape` (a tuple) was broadcast
to `grad.shape` on the way forward. Return the gradient of that array: `grad` summed back to `shape`. Leading axes,
axes of size 1, and both at once; where the shapes agree, the values of `grad` unchanged; for `shape == ()` a NumPy
scalar will do. The dtype stays, and `grad` is left as it was.
"""

# %% nbgrader={"grade": false, "grade_id": "unbroadcast", "locked": false, "schema_version": 3, "solution": true, "task": false}
def unbroadcast(grad, shape):
    """gradient of the stretched array, shape before it was stretched -> gradient of that shape"""
    # about 4 lines
    ### BEGIN SOLUTION
    # axes that were not there at all: right ends line up, so they are the first ones
    grad = grad.sum(axis=tuple(range(grad.ndim - len(shape))))
    # now both have the same number of axes; an axis of size 1 was read again and again, or was 1 anyway
    stretched = tuple(axis for axis, size in enumerate(shape) if size == 1)
    return grad.sum(axis=stretched, keepdims=True)
    ### END SOLUTION

# %%
hint("unbroadcast")

# %% nbgrader={"grade": true, "grade_id": "unbroadcast__values", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("unbroadcast__values")
def _():
    grad = np.array([[1.0, 2.0, 3.0], [10.0, 20.0, 30.0]])
    check.close(
        "a leading axis is summed away: (2, 3) back to (3,)",
        lambda: unbroadcast(grad.copy(), (3,)),
        expected=np.array([11.0, 22.0, 33.0]),
        advice="line the two shapes up at their right ends; which axis has no partner?",
    )
    check.close(
        "an axis of size 1 is summed and kept: (2, 3) back to (2, 1)",
        lambda: unbroadcast(grad.copy(), (2, 1)),
        expected=np.array([[6.0], [60.0]]),
        advice="compare your result's shape with (2, 1); keepdims is the argument that keeps an axis",
    )
    deep = np.stack([grad, 10 * grad])
    check.close(
        "both at once: (2, 2, 3) back to (2, 1)",
        lambda: unbroadcast(deep.copy(), (2, 1)),
        expected=np.array([[66.0], [660.0]]),
        advice="the leading axis goes, the stretched one stays with size 1: in which order do you sum?",
    )
    check.close("nothing was stretched: the values stay", lambda: unbroadcast(grad.copy(), (2, 3)), expected=grad)
    ### BEGIN HIDDEN TESTS
    cube = check.array(101, 5, 4, 3)
    check.close("both at once: (5, 4, 3) back to (4, 1)", lambda: unbroadcast(cube, (4, 1)), expected=lambda: cube.sum(axis=(0, 2))[:, None])
    check.close("both at once: (5, 4, 3) back to (1, 3)", lambda: unbroadcast(cube, (1, 3)), expected=lambda: cube.sum(axis=(0, 1))[None])
    check.close("a middle axis: (5, 4, 3) back to (5, 1, 3)", lambda: unbroadcast(cube, (5, 1, 3)), expected=lambda: cube.sum(axis=1, keepdims=True))
    check.close("two axes of size 1: (5, 4, 3) back to (1, 4, 1)", lambda: unbroadcast(cube, (1, 4, 1)), expected=lambda: cube.sum(axis=(0, 2))[None, :, None])
    check.close("everything into one entry: (5, 4, 3) back to (1,)", lambda: unbroadcast(cube, (1,)), expected=lambda: cube.sum().reshape(1))
    check.close("two leading axes: (5, 4, 3) back to (3,)", lambda: unbroadcast(cube, (3,)), expected=lambda: cube.sum(axis=(0, 1)))
    check.probes("what unbroadcast promises besides its numbers", lambda: lambda grad: unbroadcast(grad, (4, 1)), check.array(951, 5, 4, 3), promises=("memory that is not contiguous", "one row", "the same call twice", "inputs left alone"), expected=lambda: lambda grad: grad.sum(axis=(0, 2))[:, None])
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "unbroadcast__care", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("unbroadcast__care")
def _():
    square = np.array([[1.0, 2.0], [30.0, 40.0]])
    check.close("sizes that agree by chance: (2, 2) back to (2,) still sums the first axis", lambda: unbroadcast(square.copy(), (2,)), expected=np.array([31.0, 42.0]))
    check.close("a single number: back to ()", lambda: unbroadcast(square.copy(), ()), expected=73.0)
    low = square.astype("float32")
    check.close("float32 stays float32: (2, 2) back to (1, 2)", lambda: unbroadcast(low, (1, 2)), expected=np.array([[31.0, 42.0]], dtype="float32"))
    check.unchanged("the gradient that comes in is left alone", lambda: (unbroadcast(square, (2,)), unbroadcast(square, (2, 1))), square)
    ### BEGIN HIDDEN TESTS
    small = check.array(102, 3, 4, dtype="float32")
    check.close("float32 stays float32", lambda: unbroadcast(small, (3, 1)), expected=lambda: small.sum(axis=1, keepdims=True))
    check.close("a transposed gradient", lambda: unbroadcast(square.T, (1, 2)), expected=lambda: square.T.sum(axis=0, keepdims=True))
    check.close("a batch of one keeps its axis", lambda: unbroadcast(small[:1], (1, 4)), expected=lambda: small[:1])
    check.close("a batch of one that was not there before", lambda: unbroadcast(small[:1], (4,)), expected=lambda: small[0])
    ### END HIDDEN TESTS

# %% nbgrader={"grade": false, "grade_id": "stand_in_for_unbroadcast", "locked": true, "schema_version": 3, "solution": false, "task": false}
own_parts.stand_in(globals(), "unbroadcast")

# %% tags=["picture"]
stretched = np.add.outer(np.arange(4), 10 * np.arange(3)).astype(float) + 1
back = {shape: np.asarray(unbroadcast(stretched, shape)) for shape in ((3,), (4, 1), ())}
with plot.figure(
    "A gradient of 4 by 3 numbers, and what your unbroadcast makes of it: "
    + "; ".join(f"for shape {shape} {np.round(v, 1).tolist()}" for shape, v in back.items()), columns=4, height=2.4,
) as axes:
    for ax, (title, v) in zip(axes, [("grad (4, 3)", stretched), *((f"back to {s}", v) for s, v in back.items())]):
        v = np.atleast_2d(v)
        ax.imshow(v, cmap="Blues", vmin=0, vmax=1.5 * stretched.sum())
        for (i, j), value in np.ndenumerate(v):
            ax.text(j, i, f"{value:g}", ha="center", va="center", fontsize=8)
        ax.set_title(title)
        ax.set_axis_off()

# %% [markdown]
r"""
**The total never changes.** Add up the numbers of any panel: always the same. Broadcasting hands one number to many
places, and the way back collects from all of them; nothing is lost, and nothing is invented.
"""

# %% [markdown]
r"""
## 12.2 In which order

A computation is a graph: every result points at what it was made from, its **parents**. The way back starts at the
loss. When may a node pass its gradient on to its parents? Only when **all** of its own gradient has arrived, from
everybody who used it. Too early, and it passes on a part; what arrives afterwards is never passed on.

So we want a list in which every node stands *after* all its parents. Walk it from the end, and whoever used a node
has had its turn before the node itself. Such a list is a **topological order**. In chapter 3 you read one off
PyTorch's graph, from the loss down; this one runs the other way.
"""

# %% [markdown]
r"""
The obvious way is a function that calls itself: first the parents, then me. It is right, and it breaks: Python
allows about a thousand calls inside one another, and a loop of ten thousand steps makes a chain of ten thousand
nodes. Keep the "still to do" in a list of your own instead, a **stack**, and no chain is too long.

One more trap: in `z = z + z` both parents are the same node. Twice used, still one node.
"""

# %% [markdown]
r"""
### Exercise 12.2 · `topological_order`
*difficulty 3 of 3 · 20 minutes · about 10 lines*

Write `topological_order(root)`: every node has an attribute `parents`, a tuple of nodes (empty at a leaf; the same
node may stand in it twice). Return the list of all nodes that can be reached from `root`: every node once, each
**after** all its parents, `root` last. Any such order will do. A chain of 10,000 nodes works. The nodes are left as
they are: no marks on them, and a second call gives the same answer.
"""

# %% nbgrader={"grade": false, "grade_id": "topological_order", "locked": false, "schema_version": 3, "solution": true, "task": false}
def topological_order(root):
    """a node with .parents -> list of nodes, parents first, root last"""
    # about 10 lines
    ### BEGIN SOLUTION
    order, seen, stack = [], set(), [(root, False)]
    while stack:
        node, parents_stand = stack.pop()
        if parents_stand:
            order.append(node)  # everything above it was taken off the stack before it
        elif id(node) not in seen:
            seen.add(id(node))
            stack.append((node, True))  # come back to it when the parents, pushed on top, are done
            stack.extend((parent, False) for parent in node.parents)
    return order
    ### END SOLUTION

# %%
hint("topological_order")

# %% nbgrader={"grade": true, "grade_id": "topological_order__order", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("topological_order__order")
def _():
    Node = own_parts.Node
    leaf = Node(0)
    left = Node(1, leaf)
    right = Node(2, Node(3, left), leaf)
    root = Node(4, left, right)
    edges = [[0, 1], [1, 3], [3, 2], [0, 2], [1, 4], [2, 4]]
    check.that(
        "five nodes, one arm longer than the other: each stands after all its parents",
        lambda: [node.number for node in topological_order(root)],
        judge=lambda seen, edges: "a node is missing" if len(set(seen)) < 5
        else "a node stands there more than once" if len(seen) > 5
        else "the root is not last" if seen[-1] != 4
        else None if all(seen.index(a) < seen.index(b) for a, b in edges) else "a node stands before one of its parents",
        given={"edges": edges},
        advice="draw the five nodes with arrows from parents to children; every arrow has to point to the right in your list",
    )
    check.that(
        "a diamond: two nodes made from one",
        lambda: [node.number for node in topological_order(Node(3, Node(1, leaf), Node(2, leaf)))],
        judge=lambda seen: None if sorted(seen) == [0, 1, 2, 3] and seen[0] == 0 and seen[3] == 3 else "the leaf is not first, or the root not last",
    )
    check.equal("a short cut beside a longer way: only one order is right", lambda: [node.number for node in topological_order(Node(3, Node(2, Node(1, leaf)), leaf))], expected=[0, 1, 2, 3])
    check.equal("a leaf alone", lambda: [node.number for node in topological_order(Node(7))], expected=[7])
    twice = Node(9, leaf, leaf)
    check.equal("used twice, still one node", lambda: [node.number for node in topological_order(twice)], expected=[0, 9])
    ### BEGIN HIDDEN TESTS
    layers, links = [[Node(i) for i in range(4)]], []
    for depth in range(1, 5):
        row = []
        for i in range(4):
            chosen = check.integers(110 + 10 * depth + i, 0, 4 * depth, 3).tolist()
            above = [node for layer in layers for node in layer]
            row.append(Node(4 * depth + i, *[above[k] for k in chosen]))
            links += [[above[k].number, 4 * depth + i] for k in chosen]
        layers.append(row)
    top = Node(99, *layers[-1], layers[0][0])
    links += [[node.number, 99] for node in [*layers[-1], layers[0][0]]]
    check.that(
        "a graph of twenty nodes with arms of many lengths",
        lambda: [node.number for node in topological_order(top)],
        judge=lambda seen, links: "a node stands there more than once" if len(set(seen)) < len(seen)
        else "the root is not last" if not seen or seen[-1] != 99
        else "a node is missing" if any(a not in seen for a, b in links if b in seen)
        else None if all(seen.index(a) < seen.index(b) for a, b in links if b in seen) else "a node stands before one of its parents",
        given={"links": links},
    )
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "topological_order__care", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("topological_order__care")
def _():
    Node = own_parts.Node

    def chain(length):
        node = Node(0)
        for number in range(1, length):
            node = Node(number, node)
        return node

    long = chain(10_000)
    check.equal(
        "a chain of 10,000 nodes",
        lambda: np.array([node.number for node in topological_order(long)]),
        expected=np.arange(10_000),
        advice="a function that calls itself for every node does not get this deep: keep a list of what is still to do",
    )
    top = Node(3, Node(1, Node(0)), Node(2))
    check.equal("a second call gives the same again", lambda: [sorted(n.number for n in topological_order(top)) for _ in range(2)], expected=[[0, 1, 2, 3]] * 2)

    def attributes():
        topological_order(top)
        return sorted(vars(top)), [parent.number for parent in top.parents]

    check.equal("the nodes carry no marks afterwards", attributes, expected=(["number", "parents"], [1, 2]))

    def kind(order):
        return "list" if isinstance(order, list) else type(order).__name__

    check.equal("what comes back is a list", lambda: [kind(topological_order(n)) for n in (top, Node(7))], expected=["list", "list"])
    ### BEGIN HIDDEN TESTS
    doubled = Node(0)
    for number in range(1, 13):
        doubled = Node(number, doubled, doubled)
    check.equal("twelve doublings: every node once", lambda: [node.number for node in topological_order(doubled)], expected=list(range(13)))
    middle = long.parents[0].parents[0]
    check.equal("the order of a part is only that part", lambda: len(topological_order(middle)), expected=9_998)
    ### END HIDDEN TESTS

# %% nbgrader={"grade": false, "grade_id": "stand_in_for_tensor", "locked": true, "schema_version": 3, "solution": false, "task": false}
own_parts.stand_in(globals(), "topological_order")

# %% tags=["picture"]
Node = own_parts.Node
names = ["x", "w", "x @ w", "relu", "relu · relu", "sum", "loss"]
x, w = Node(0), Node(1)
h = Node(2, x, w)
a = Node(3, h)
total = Node(5, Node(4, a, a))
loss_node = Node(6, total, w)
turn = {node.number: place for place, node in enumerate(reversed(topological_order(loss_node)), 1)}
nodes = {node.number: node for node in topological_order(loss_node)}
plot.graph(
    {n: f"{names[n]}\nturn {turn[n]}" for n in nodes}, [(p.number, n) for n in nodes for p in nodes[n].parents], mark={6},
    alt="A small computation, left to right, and when each node has its turn on the way back by your order: "
    + ", ".join(f"{names[n]} {turn[n]}" for n in sorted(turn, key=turn.get)),
)

# %% [markdown]
r"""
**Check it with a finger.** Every arrow must run from a later turn to an earlier one. `w` is used twice, by the
product and directly by the loss (a weight penalty looks like that). Its turn comes after both.
"""

# %% [markdown]
r"""
## 12.3 The tensor

A tensor is an array that remembers how it was made. In chapter 4 you wrote, for one operation at a time, the step
back: gradient of the result in, gradient of each input out. Now an operation leaves that step *inside its result*:

```python
out = Tensor(self.data * other.data)
out.parents = (self, other)
out.ways_back = (lambda g: g * other.data, lambda g: g * self.data)
```

That is the whole graph. There is no other data structure; it grows while your code runs, and it is gone when the
result is gone. PyTorch's `grad_fn` is this pair, parents and way back, in one object.
"""

# %% [markdown]
r"""
**`backward()` is then a walk** over exercise 12.2's order, from the end:

1. The loss has gradient 1 with respect to itself.
2. Take the next node. Everything meant for it has arrived. Is it a leaf that wants a gradient? **Add** it to
   `.grad`. If not, run its ways back, `unbroadcast` each answer to the parent's shape, and add it to what that
   parent has so far.

**One design decision is worth a minute.** Where does a gradient live while it is under way? Store it in `.grad` of
the tensors in the middle, and a second loss that passes through the same tensor finds the old one there, and counts
it again. Keep it in a dictionary that lives as long as one call of `backward`, and there is nothing left over.
"""

# %% [markdown]
r"""
**By hand.** $L = (x \cdot w + w)^2$ with $x = 3$, $w = 2$. Forward: $p = 6$, $s = 8$, $L = 64$. Backward: $L$ gets 1;
$s$ gets $2 s = 16$; $p$ gets 16 and $w$ its first 16; then $p$ hands $16 \cdot 3 = 48$ to $w$. Only now is $w$
complete: $16 + 48 = 64$. Had $w$ been a tensor in the middle, and had it taken its turn after the first 16, the 48
would have been lost. That is what the order is for.
"""

# %% [markdown]
r"""
**The ways back**, most of which you have written before ($g$ is the gradient of the result, in `out`'s shape):

| operation | to `a` | to `b` |
|---|---|---|
| `a + b` | $g$ | $g$ |
| `a * b` | $g \cdot b$ | $g \cdot a$ |
| `a ** n` | $g \cdot n\,a^{n-1}$ | |
| `a @ b` | $g\,b^\top$ | $a^\top g$ |
| `a.relu()` | $g$ where `a` was positive, else 0 | |
| `a.exp()`, `a.log()` | $g \cdot$ `out`, $g / a$ | |
| `a.sum()` | $g$, stretched to the shape of `a` | |
| `a.reshape(…)`, `a.T` | $g$, shaped or turned back | |

Subtraction, division and the minus sign need no row: say them with the others.
"""

# %% [markdown]
r"""
**What Python calls.** An operator is a method with a name in double underscores (a *dunder*). In `a + b` Python asks the
left operand; where it does not know what to do, the right one, by the name with an `r`. That is how `2 / a` reaches a
class that numbers have never heard of.

| you write | Python calls | with a number on the left |
|---|---|---|
| `a + b`, `a * b` | `a.__add__(b)`, `a.__mul__(b)` | `a.__radd__(2)`, `a.__rmul__(2)` |
| `a - b`, `a / b` | `a.__sub__(b)`, `a.__truediv__(b)` | `a.__rsub__(2)` is 2 − a, `a.__rtruediv__(2)` is 2 / a |
| `a ** 3`, `-a`, `a @ b` | `a.__pow__(3)`, `a.__neg__()`, `a.__matmul__(b)` | |
| `a.T`, `a.shape` | a `property`: a method that is called without brackets | |

A NumPy array on the left is greedy: it would go through the tensor entry by entry. `__array_ufunc__ = None` in the class
tells NumPy to leave the operation to you.
"""

# %% [markdown]
r"""
**In steps.** Do not write all of it and then look. The exercise is one class, and it grows well:

1. *The start:* `__init__`, `shape`, `+`, `*` and `.sum()`, each result with its parents and ways back; then `backward`. Now
   `x * x` has a gradient, and everything difficult has been done.
2. *More of the same:* `@`, `** n`, `.relu()`, `.exp()`, `.log()`: a line each, from the table.
3. *Shapes:* `.reshape`, `.T`, and `unbroadcast` in `backward`, if it is not there yet.
4. *Said with the others:* `-a`, `a - b`, `a / b`, and the four with an `r`.
5. *The switch:* `grad_enabled`, in the one place where a result gets its parents.

The cell below the exercise, `own_parts.progress(...)`, tells of each operation how far you are. Run it as often as you like.
"""

# %% [markdown]
r"""
### Exercise 12.3 · `tensor`
*difficulty 3 of 3 · 60 minutes · about 60 lines*

Write the class `Tensor(data, requires_grad=False)`. `data` is a number, a list or an array.

- `.data` is a float64 NumPy array, `.shape` its shape, `.requires_grad` the flag; `.grad` is `None` before, and
  afterwards an array of that shape (for shape `()` a NumPy scalar will do).
- `+ - * /` between tensors **and with a number on either side**, with broadcasting; `** number`; unary `-`;
  `@` of two 2-D tensors; `.sum()` of everything, `.relu()`, `.exp()`, `.log()`, `.reshape(*shape)`, and `.T`, a
  property, of a 2-D tensor. Each gives a new `Tensor`.
- `.backward()`, called on a scalar, **adds** the gradient to `.grad` of every leaf (a tensor you made, not one that
  was computed) that requires grad. Right also when it is called again, and for two losses that share a tensor in
  the middle. A leaf that does not require grad gets none.
- `Tensor.grad_enabled`, a class attribute, is `True`. While it is `False`, nothing is recorded: what is computed
  then is a constant for every later `backward()`.

Neither the way forward nor `backward()` changes an array that came in. What else your tensors carry, and how, is up to you.
"""

# %% nbgrader={"grade": false, "grade_id": "tensor", "locked": false, "schema_version": 3, "solution": true, "task": false}
class Tensor:
    """a float64 array that can find the gradient of what was computed from it"""

    grad_enabled = True

    def __init__(self, data, requires_grad=False):
        # about 60 lines: this method, one for each operation, and backward
        ### BEGIN SOLUTION
        self.data, self.grad, self.requires_grad = np.array(data, dtype=np.float64), None, requires_grad
        self.parents, self.ways_back = (), ()  # how it was made: nothing, for a leaf

    @staticmethod
    def made(data, *steps):
        """a result, from pairs (parent, way back); a parent nobody wants a gradient of is forgotten at once"""
        out = Tensor(data)
        steps = [step for step in steps if Tensor.grad_enabled and step[0].requires_grad]
        out.parents, out.ways_back = tuple(p for p, _ in steps), tuple(way for _, way in steps)
        out.requires_grad = bool(steps)
        return out

    def backward(self):
        arrived = {id(self): np.ones(self.shape)}  # lives as long as this call: nothing stale in the next one
        for node in reversed(topological_order(self)):
            grad = arrived.pop(id(node))
            if node.requires_grad and not node.parents:
                node.grad = grad if node.grad is None else node.grad + grad  # a new array: nobody else holds it
            for parent, way_back in zip(node.parents, node.ways_back):
                share = unbroadcast(way_back(grad), parent.shape)
                arrived[id(parent)] = arrived.get(id(parent), 0.0) + share

    def __add__(self, other):
        other = as_tensor(other)
        return Tensor.made(self.data + other.data, (self, lambda g: g), (other, lambda g: g))

    def __mul__(self, other):
        other = as_tensor(other)
        return Tensor.made(self.data * other.data, (self, lambda g: g * other.data), (other, lambda g: g * self.data))

    def __pow__(self, n):
        return Tensor.made(self.data**n, (self, lambda g: g * n * self.data ** (n - 1)))

    def __matmul__(self, other):
        return Tensor.made(self.data @ other.data, (self, lambda g: g @ other.data.T), (other, lambda g: self.data.T @ g))

    def __neg__(self):
        return self * -1.0

    def __sub__(self, other):
        return self + -as_tensor(other)

    def __truediv__(self, other):
        return self * as_tensor(other) ** -1

    def __rsub__(self, other):
        return -self + other

    def __rtruediv__(self, other):
        return self**-1 * other

    __radd__, __rmul__ = __add__, __mul__  # for these two the sides do not matter
    __array_ufunc__ = None  # array + tensor: tells NumPy to leave it to __radd__, not to go through the entries

    def sum(self):
        return Tensor.made(self.data.sum(), (self, lambda g: np.broadcast_to(g, self.shape)))  # the same to every entry

    def relu(self):
        return Tensor.made(np.maximum(self.data, 0), (self, lambda g: g * (self.data > 0)))

    def exp(self):
        out = np.exp(self.data)
        return Tensor.made(out, (self, lambda g: g * out))

    def log(self):
        return Tensor.made(np.log(self.data), (self, lambda g: g / self.data))

    def reshape(self, *shape):
        return Tensor.made(self.data.reshape(*shape or [()]), (self, lambda g: g.reshape(self.shape)))

    T = property(lambda self: Tensor.made(self.data.T, (self, lambda g: g.T)))
    shape = property(lambda self: self.data.shape)


def as_tensor(value):
    """a number becomes a constant; a tensor stays what it is"""
    return value if isinstance(value, Tensor) else Tensor(value)
    ### END SOLUTION

# %%
hint("tensor")

# %% [markdown]
r"""
**How far am I?** Each operation on its own: is the result right, is the gradient? A gradient needs `*`, `.sum()` and
`backward`, so those come first. If `x * x` has its gradient, the hard part is behind you.
"""

# %% nbgrader={"grade": false, "grade_id": "progress_of_tensor", "locked": true, "schema_version": 3, "solution": false, "task": false}
own_parts.progress(globals())

# %% nbgrader={"grade": true, "grade_id": "tensor__values", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("tensor__values")
def _():
    def plain(t):
        return np.array(t.data)

    check.equal(
        "a list, an array or a number becomes a float64 array with a shape",
        lambda: [(str(np.asarray(t.data).dtype), list(t.shape)) for t in (Tensor([1, 2, 3]), Tensor(np.ones((2, 1), "float32")), Tensor(4))],
        expected=[("float64", [3]), ("float64", [2, 1]), ("float64", [])],
    )
    check.equal("a shape is a tuple", lambda: [isinstance(t.shape, tuple) for t in (Tensor([1, 2]), Tensor(4.0, requires_grad=True))], expected=[True, True])
    check.close(
        "plus, minus, times, divided by: entry by entry",
        lambda: [plain(t) for a, b in [(Tensor([6.0, -3.0]), Tensor([2.0, 4.0]))] for t in (a + b, a - b, a * b, a / b)],
        expected=[np.array([8.0, 1.0]), np.array([4.0, -7.0]), np.array([12.0, -12.0]), np.array([3.0, -0.75])],
    )
    check.close(
        "a number on either side: a + 1, 1 + a, a - 1, 1 - a, 3 * a, a / 2, 2 / a",
        lambda: [plain(t) for a in [Tensor([1.0, 4.0])] for t in (a + 1, 1 + a, a - 1, 1 - a, 3 * a, a / 2, 2 / a)],
        expected=[np.array(v) for v in ([2.0, 5.0], [2.0, 5.0], [0.0, 3.0], [0.0, -3.0], [3.0, 12.0], [0.5, 2.0], [2.0, 0.5])],
        advice="1 - a calls a.__rsub__(1): the tensor is the second operand there",
    )
    check.close("minus a, a squared, the sum, the ReLU", lambda: [plain(t) for a in [Tensor([1.0, -2.0])] for t in (-a, a**2, a.sum(), a.relu())], expected=[np.array([-1.0, 2.0]), np.array([1.0, 4.0]), -1.0, np.array([1.0, 0.0])])
    ### BEGIN HIDDEN TESTS
    a, b, square = check.array(121, 2, 3), check.array(122, 3, 4), check.array(123, 3, 3, dtype="float32")
    check.close("a matrix product, and what is turned", lambda: [plain(t) for t in (Tensor(a) @ Tensor(b), Tensor(a).T, Tensor(b).T @ Tensor(a).T)], expected=lambda: [a @ b, a.T, (a @ b).T])
    check.close("exp, log, other powers", lambda: [plain(t) for t in (Tensor(a).exp(), Tensor(a * a + 1).log(), Tensor(a * a + 1) ** -1.5, Tensor(a) ** 3)], expected=lambda: [np.exp(a), np.log(a * a + 1), (a * a + 1) ** -1.5, a**3])
    check.close("another shape", lambda: [plain(t) for t in (Tensor(a).reshape(3, 2), Tensor(a).reshape(6), Tensor(a).reshape(1, 2, 3))], expected=lambda: [a.reshape(3, 2), a.reshape(6), a.reshape(1, 2, 3)])
    check.close("float32 and transposed memory come in, float64 is computed", lambda: plain(Tensor(square.T) * 3), expected=lambda: square.T.astype("float64") * 3)
    check.unchanged("arrays that come in are left alone by the way forward and back", lambda: ((Tensor(a, requires_grad=True) @ Tensor(b, requires_grad=True)).relu() * 2).sum().backward(), a, b)

    def operands():
        s, t = Tensor([[1.0, -2.0]]), Tensor([[3.0], [4.0]])
        kept = [s + t, s - 1, 2 - s, s * t, s / t, -s, s**2, s @ t, s.sum(), s.relu(), t.exp(), t.log(), t.reshape(1, 2), s.T]
        return len(kept), np.array(s.data), np.array(t.data)

    check.close("no operation changes its operands", operands, expected=(14, np.array([[1.0, -2.0]]), np.array([[3.0], [4.0]])))
    check.equal("every operation gives a Tensor", lambda: [isinstance(t, Tensor) for s in [Tensor([[1.0, 2.0]])] for t in (s + s, 1 - s, s / 2, -s, s**2, s @ s.T, s.sum(), s.relu(), s.exp(), s.log(), s.reshape(2, 1), s.T)], expected=[True] * 12)
    check.probes("what Tensor promises besides its numbers", lambda: lambda x: [plain(t) for t in (Tensor(x) * 3, Tensor(x).exp(), Tensor(x).relu(), Tensor(x).sum())], check.array(954, 4, 3), promises=("memory that is not contiguous", "one row", "the same call twice", "inputs left alone"), expected=lambda: lambda x: [x * 3, np.exp(x), np.maximum(x, 0), x.sum()])
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "tensor__gradients", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("tensor__gradients")
def _():
    def grads(f, *arrays):
        leaves = [Tensor(array, requires_grad=True) for array in arrays]
        f(*leaves).backward()
        return [own_parts.gradient(leaf) for leaf in leaves]

    a, b = np.array([[1.0, 2.0], [3.0, -4.0]]), np.array([[2.0, -1.0], [0.5, 4.0]])
    check.close("a sum hands every entry the same", lambda: grads(lambda x: (x + x.sum()).sum(), a)[0], expected=np.full((2, 2), 5.0))
    check.close("three times a sum: every entry counts three times", lambda: grads(lambda x: x.sum() * 3, a)[0], expected=np.full((2, 2), 3.0))
    check.close("a product hands each factor the other one", lambda: grads(lambda x, y: (x * y).sum(), a, b), expected=[b, a], advice="d(xy)/dx is y, times what comes from above")
    check.close("a matrix product: the gradient times the other factor, turned", lambda: grads(lambda x, y: ((x @ y) * Tensor([[1.0, 10.0], [0.0, 2.0]])).sum(), a, b), expected=[np.array([[-8.0, 40.5], [-2.0, 8.0]]), np.array([[1.0, 16.0], [2.0, 12.0]])], advice="chapter 1: shapes before letters")
    check.close("a difference and a quotient", lambda: grads(lambda x, y: (x - y).sum() + (x / y).sum(), a, b), expected=[np.array([[1.5, 0.0], [3.0, 1.25]]), np.array([[-1.25, -3.0], [-13.0, -0.75]])])
    check.close("the ReLU lets pass where its input was positive", lambda: grads(lambda x: (x.relu() * Tensor([[1.0, -2.0], [3.0, 4.0]])).sum(), a)[0], expected=np.array([[1.0, -2.0], [3.0, 0.0]]))
    steep = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    logs = np.log(steep)
    check.close("exp and log, with weights behind them: exp(log 3) is 3, and the slope of log at 4 is 1/4", lambda: [*grads(lambda x: (x.exp() * Tensor(steep)).sum(), logs), *grads(lambda x: (x.log() * Tensor(steep)).sum(), steep)], expected=[steep**2, np.ones((2, 3))])
    check.close("turned and reshaped, with weights behind them: each entry gets its own weight", lambda: [*grads(lambda x: (x.T * Tensor([[1.0, 4.0], [2.0, 5.0], [3.0, 6.0]])).sum(), logs), *grads(lambda x: (x.reshape(3, 2) * Tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])).sum(), logs)], expected=[steep, steep])
    check.close("a square with weights behind it: 2 x times the weight", lambda: grads(lambda x: (x**2 * Tensor(steep)).sum(), steep), expected=[2 * steep**2])
    check.close("powers: 3 x², and -1/x²", lambda: grads(lambda x: (x**3 + x**-1).sum(), a)[0], expected=np.array([[2.0, 11.75], [27.0 - 1 / 9, 47.9375]]))
    ### BEGIN HIDDEN TESTS
    p, q, up = check.array(124, 3, 4, away_from=0.0), check.array(125, 4, 2), check.array(126, 3, 4)
    wide = check.array(127, 3, 2)

    def numeric(f, *arrays):
        return own_parts.numeric_gradients(f, *arrays)

    check.close("exp", lambda: grads(lambda x: (x.exp() * Tensor(up)).sum(), p), expected=lambda: numeric(lambda x: (np.exp(x) * up).sum(), p), rtol=1e-5, atol=1e-6)
    check.close("log", lambda: grads(lambda x: ((x * x + 0.5).log() * Tensor(up)).sum(), p), expected=lambda: numeric(lambda x: (np.log(x * x + 0.5) * up).sum(), p), rtol=1e-5, atol=1e-6)
    check.close("a square root and a number below", lambda: grads(lambda x: (3 / (x * x + 1) ** 0.5 * Tensor(up)).sum(), p), expected=lambda: numeric(lambda x: (3 / (x * x + 1) ** 0.5 * up).sum(), p), rtol=1e-5, atol=1e-6)
    check.close("numbers on the left and on the right, backward", lambda: grads(lambda x: ((2 - x) * 3 / 4 * Tensor(up) - (1 + x) + 5 * x - 7).sum(), p), expected=lambda: numeric(lambda x: ((2 - x) * 3 / 4 * up - (1 + x) + 5 * x - 7).sum(), p), rtol=1e-5, atol=1e-6)
    check.close("a matrix product of any sizes", lambda: grads(lambda x, y: ((x @ y) * Tensor(wide)).sum(), p, q), expected=lambda: [wide @ q.T, p.T @ wide])
    check.close("turned and reshaped", lambda: grads(lambda x: (x.T.reshape(2, 6) * Tensor(up.reshape(2, 6))).sum(), p), expected=lambda: [up.reshape(4, 3).T])
    check.close("a turned weight, as in a linear layer", lambda: grads(lambda x, w: ((x @ w.T) * Tensor(wide)).sum(), p, q.T.copy()), expected=lambda: [wide @ q.T, (p.T @ wide).T])
    check.close("two layers with a ReLU between", lambda: grads(lambda x, y: (((x.relu() @ y) * Tensor(wide)) ** 2).sum(), p, q), expected=lambda: numeric(lambda x, y: ((np.maximum(x, 0) @ y * wide) ** 2).sum(), p, q), rtol=1e-5, atol=1e-6)
    one = check.array(128, 1, 4)
    check.close("a batch of one, its gradient", lambda: grads(lambda x, y: ((x @ y).exp() / 2).sum(), one, q), expected=lambda: numeric(lambda x, y: (np.exp(x @ y) / 2).sum(), one, q), rtol=1e-5, atol=1e-6)
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "tensor__broadcasting", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("tensor__broadcasting")
def _():
    def grads(f, *arrays):
        leaves = [Tensor(array, requires_grad=True) for array in arrays]
        f(*leaves).backward()
        return [own_parts.gradient(leaf) for leaf in leaves]

    x, bias, column = np.arange(6.0).reshape(2, 3), np.array([1.0, 2.0, 3.0]), np.array([[10.0], [20.0]])
    check.close("a bias on every row: its gradient adds the rows up", lambda: grads(lambda a, b: ((a + b) * Tensor(x)).sum(), x, bias), expected=[x, np.array([3.0, 5.0, 7.0])], advice="unbroadcast each gradient to its parent's shape before you add it there")
    check.close("a column times a matrix", lambda: grads(lambda a, b: (a * b).sum(), x, column), expected=[np.array([[10.0] * 3, [20.0] * 3]), np.array([[3.0], [12.0]])])
    ### BEGIN HIDDEN TESTS
    cube, flat, number = check.array(131, 4, 1, 3), check.array(132, 2, 1), np.array(1.7)
    up = check.array(133, 4, 2, 3)
    check.close("three axes against two", lambda: grads(lambda a, b: (a * b * Tensor(up)).sum(), cube, flat), expected=lambda: [(flat * up).sum(axis=1, keepdims=True), (cube * up).sum(axis=(0, 2))[:, None]])
    check.close("a tensor without axes", lambda: grads(lambda a, b: ((a - b) * Tensor(up)).sum(), cube, number), expected=lambda: [up.sum(axis=1, keepdims=True), np.array(-up.sum())])
    check.close("a quotient by a row", lambda: grads(lambda a, b: (a / b * Tensor(up)).sum(), up, cube[:1] + 3 * np.sign(cube[:1])), expected=lambda: own_parts.numeric_gradients(lambda a, b: (a / b * up).sum(), up, cube[:1] + 3 * np.sign(cube[:1])), rtol=1e-5, atol=1e-6)
    check.close("a row against a column", lambda: grads(lambda a, b: ((a + b) ** 2).sum(), bias, column), expected=lambda: [2 * (bias + column).sum(0), 2 * (bias + column).sum(1, keepdims=True)])
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "tensor__accumulation", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("tensor__accumulation")
def _():
    def slope(build, start=3.0):
        x = Tensor(start, requires_grad=True)
        for loss in build(x):
            loss.backward()
        return float(own_parts.gradient(x))

    check.close("used three times: x·x + x at 3 has slope 7", lambda: slope(lambda x: [x * x + x]), expected=7.0, advice="every use adds its share, once: = keeps only the last one, and += into an array that is shared counts twice")

    def again(x):
        loss = x * x
        return [loss, loss]

    check.close("backward called again adds the same once more: 6 + 6", lambda: slope(again), expected=12.0)

    def shared(x):
        middle = x * x
        return [middle * 1.0, middle * 10.0]

    check.close("two losses that share a tensor in the middle: 6 + 60", lambda: slope(shared), expected=66.0, advice="what of the first backward is still lying in the middle tensor when the second begins?")
    check.close("one arm longer than the other", lambda: slope(lambda x: [y * 2 + y * y * y for y in [x * x]]), expected=6.0 * (2 + 3 * 81))
    ### BEGIN HIDDEN TESTS
    def doubled(x):
        for _ in range(12):
            x = x + x
        return [x]

    check.close("twelve doublings: 4096", lambda: slope(doubled), expected=4096.0)
    def three_losses():
        w = Tensor([[1.0, -2.0], [0.5, 3.0]], requires_grad=True)
        h = (w @ w).relu()
        for loss in (h.sum(), (h * h).sum(), (h.T @ w).sum()):
            loss.backward()
        return own_parts.gradient(w)

    def three_numeric():
        def total(w):
            h = np.maximum(w @ w, 0)
            return h.sum() + (h * h).sum() + (h.T @ w).sum()

        return own_parts.numeric_gradients(total, np.array([[1.0, -2.0], [0.5, 3.0]]))[0]

    check.close("three losses over one hidden layer", three_losses, expected=lambda: three_numeric(), rtol=1e-5, atol=1e-6)
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "tensor__apart", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("tensor__apart")
def _():
    def one_of_two():
        a, b = Tensor([1.0, 2.0], requires_grad=True), Tensor([3.0, 4.0], requires_grad=True)
        for _ in range(2):
            (a + b).sum().backward()
        (a * 10).sum().backward()
        return own_parts.gradient(a), own_parts.gradient(b)

    check.close("two leaves of one sum: what comes to the one later does not reach the other", one_of_two, expected=(np.array([12.0, 12.0]), np.array([2.0, 2.0])), advice="do both hold the very same array?")
    ### BEGIN HIDDEN TESTS
    def two_leaves(times):
        a, b = Tensor([1.0, 2.0], requires_grad=True), Tensor([3.0, 4.0], requires_grad=True)
        loss = (a + b).sum()
        for _ in range(times):
            loss.backward()
        (a * 10).sum().backward()
        return own_parts.gradient(a), own_parts.gradient(b)

    check.close("two leaves of one sum keep their gradients apart", lambda: two_leaves(2), expected=(np.array([12.0, 12.0]), np.array([2.0, 2.0])))

    def apart(order):
        a, b = Tensor([1.0, 2.0], requires_grad=True), Tensor([3.0, 4.0], requires_grad=True)
        first, second = [lambda: (a + b).sum(), lambda: (a * 10).sum()][::order]
        (first() + second()).backward()
        return own_parts.gradient(a), own_parts.gradient(b)

    check.close("what else comes to one leaf of a sum does not reach the other", lambda: [apart(1), apart(-1)], expected=[(np.array([11.0, 11.0]), np.array([1.0, 1.0]))] * 2)

    def shared_on_the_way(order):
        a, b = Tensor([[1.0, 2.0]], requires_grad=True), Tensor([[3.0, 4.0]], requires_grad=True)
        u, v = a * 1.0, b * 1.0
        first, second, third = [lambda: (u + v).sum(), lambda: (u * 10).sum(), lambda: (v.reshape(2, 1).T * 100).sum()][::order]
        (first() + second() + third()).backward()
        return own_parts.gradient(a), own_parts.gradient(b)

    check.close("two tensors in the middle keep their shares apart too", lambda: [shared_on_the_way(1), shared_on_the_way(-1)], expected=[(np.array([[11.0, 11.0]]), np.array([[101.0, 101.0]]))] * 2)
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "tensor__recording", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("tensor__recording")
def _():
    def with_a_constant():
        weight, fixed = Tensor([2.0, 3.0], requires_grad=True), Tensor([5.0, 7.0])
        (weight * fixed).sum().backward()
        return weight.requires_grad, fixed.requires_grad, own_parts.gradient(weight), own_parts.gradient(fixed)

    check.close("a leaf that does not require grad gets none", with_a_constant, expected=(True, False, np.array([5.0, 7.0]), np.zeros(2)))

    def switched_off():
        a, b = Tensor([2.0, 3.0], requires_grad=True), Tensor([1.0, 1.0], requires_grad=True)
        before = Tensor.grad_enabled
        Tensor.grad_enabled = False
        try:
            constant = a * 4
        finally:
            Tensor.grad_enabled = before
        (constant * b).sum().backward()
        return before, own_parts.gradient(a), own_parts.gradient(b)

    check.close(
        "what is computed while grad_enabled is False is a constant later",
        switched_off,
        expected=(True, np.zeros(2), np.array([8.0, 12.0])),
        advice="look at Tensor.grad_enabled where an operation is recorded, not in backward",
    )
    ### BEGIN HIDDEN TESTS
    def loss_switched_off():
        a = Tensor([2.0, 3.0], requires_grad=True)
        Tensor.grad_enabled = False
        try:
            loss = (a.reshape(1, 2) @ a.reshape(2, 1) - 1).relu().exp().sum()
        finally:
            Tensor.grad_enabled = True
        try:
            loss.backward()
        except Exception:
            pass  # refusing is as good as doing nothing
        return own_parts.gradient(a)

    check.close("a whole loss without a record reaches no leaf", loss_switched_off, expected=np.zeros(2))

    def on_again():
        a = Tensor([2.0, 3.0], requires_grad=True)
        Tensor.grad_enabled = False
        try:
            start = (a * 1 - 1).sum()
        finally:
            Tensor.grad_enabled = True
        (start * a).sum().backward()
        return own_parts.gradient(a)

    check.close("recording again afterwards: the earlier part counts as a number", on_again, expected=np.array([3.0, 3.0]))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": false, "grade_id": "stand_in_for_the_rest", "locked": true, "schema_version": 3, "solution": false, "task": false}
own_parts.stand_in(globals(), "tensor")

# %% [markdown]
r"""
**Your tensor on trial.** The same measurement as at the end of chapter 1: nudge every entry of a weight a little up
and a little down and see what the loss does. Left what your graph says, in the middle the measurement. Two layers,
a ReLU, a division, an exponential, and nobody derived anything.
"""

# %% tags=["picture"]
rng = np.random.default_rng(3)
rows, first, second = rng.standard_normal((6, 5)), rng.standard_normal((5, 8)), rng.standard_normal((8, 3))

def some_loss(x, w1, w2, relu, exp):
    out = relu(x @ w1) @ w2
    return (exp(out / 8) * out).sum() / 6

leaf = Tensor(first, requires_grad=True)
some_loss(Tensor(rows), leaf, Tensor(second), lambda t: t.relu(), lambda t: t.exp()).backward()

def nudged(w):
    return some_loss(rows, w, second, lambda t: np.maximum(t, 0), np.exp)

measured = own_parts.numeric_gradients(nudged, first)[0]
plot.gradient_check(own_parts.gradient(leaf), measured, "w1")

# %% [markdown]
r"""
**How deep does it go?** A chain of additions, longer and longer, and the time one `backward` takes for it. With a
list of your own for what is still to do, 10,000 steps are nothing special, and the time grows like the chain. A
`backward` that calls itself stops at about a thousand.
"""

# %% tags=["picture"]
lengths, seconds, stopped = [10, 100, 1_000, 3_000, 10_000], [], ""
for length in lengths:
    end = Tensor(1.0, requires_grad=True)
    for _ in range(length):
        end = end + 0.001
    try:
        took = []
        for _ in range(3):  # the quickest of three: whatever else the computer does only adds
            began = time.perf_counter()
            end.backward()
            took.append(time.perf_counter() - began)
    except RecursionError:
        stopped = f"; at {length:,} steps Python's limit of nested calls is reached"
        break
    seconds.append(max(min(took), 1e-6))
with plot.figure(
    f"Time of your backward against the length of a chain: {seconds[-1] * 1000:.3g} ms for "
    f"{lengths[len(seconds) - 1]:,} steps{stopped}"
) as ax:
    ax.loglog(lengths[: len(seconds)], np.array(seconds) * 1000, "o-")
    ax.set_xlabel("operations in the chain")
    ax.set_ylabel("milliseconds for one backward")
    ax.set_title("your backward" + stopped)

# %% [markdown]
r"""
## 12.4 A switch

Remembering costs memory: every result keeps its parents alive, and they keep theirs, back to the first line. While
you *use* a network nobody will ask for a gradient, and all of that is kept for nothing. `Tensor.grad_enabled` is
the switch. What is missing is a hand that cannot forget to turn it back on.

A `with` block is that hand: its exit runs at the end of the block, and also when something raises in the middle.
Two ways to write one: a class with `__enter__` and `__exit__`, or a generator under `contextlib.contextmanager`. In
the second, what is after the `yield` only runs for sure if it stands in a `finally`.
"""

# %% [markdown]
r"""
### Exercise 12.4 · `no_grad`
*difficulty 1 of 3 · 10 minutes · about 6 lines*

Write `no_grad()`, used as `with no_grad(): …`. Inside the block `Tensor.grad_enabled` is `False`; afterwards it is
**what it was before**, which need not be `True`. Blocks nest. When something raises in the block the flag is
restored as well, and the exception goes on to the caller. Making one without entering it changes nothing.
"""

# %% nbgrader={"grade": false, "grade_id": "no_grad", "locked": false, "schema_version": 3, "solution": true, "task": false}
class no_grad:
    """with no_grad(): ...   nothing is recorded inside"""

    # about 6 lines
    ### BEGIN SOLUTION
    def __enter__(self):
        self.before = Tensor.grad_enabled  # each block remembers for itself: that is why they nest
        Tensor.grad_enabled = False

    def __exit__(self, *raised):
        Tensor.grad_enabled = self.before  # returning nothing lets an exception go on
    ### END SOLUTION

# %%
hint("no_grad")

# %% nbgrader={"grade": true, "grade_id": "no_grad__switch", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("no_grad__switch")
def _():
    def flags(start, block):
        Tensor.grad_enabled = start
        seen = []
        try:
            block(seen)
            return [bool(flag) for flag in [*seen, Tensor.grad_enabled]]
        finally:
            Tensor.grad_enabled = True

    def plain(seen):
        with no_grad():
            seen.append(Tensor.grad_enabled)

    def nested(seen):
        with no_grad():
            with no_grad():
                seen.append(Tensor.grad_enabled)
            seen.append(Tensor.grad_enabled)

    check.equal("False inside, True again afterwards", lambda: flags(True, plain), expected=[False, True])
    check.equal("blocks nest: after the inner one the outer one still holds", lambda: flags(True, nested), expected=[False, False, True], advice="restore what it was before the block; that is not always True")

    def gradient_of_a_constant():
        a, b = Tensor([1.0, 2.0], requires_grad=True), Tensor([3.0, 5.0], requires_grad=True)
        with no_grad():
            constant = a * 2
        (constant * b).sum().backward()
        return own_parts.gradient(a), own_parts.gradient(b)

    check.close("what is computed inside is a constant for a later backward", gradient_of_a_constant, expected=(np.zeros(2), np.array([2.0, 4.0])))
    check.equal("it was off before: it stays off", lambda: flags(False, plain), expected=[False, False])

    def only_made(seen):
        kept = no_grad()
        seen.append(Tensor.grad_enabled)
        with kept:
            seen.append(Tensor.grad_enabled)

    check.equal("making one changes nothing, entering does", lambda: flags(True, only_made), expected=[True, False, True])

    def made_elsewhere(seen):
        kept = no_grad()
        Tensor.grad_enabled = not Tensor.grad_enabled
        with kept:
            seen.append(Tensor.grad_enabled)

    check.equal("what counts is the flag at the entrance, not where it was made", lambda: [flags(on, made_elsewhere) for on in (True, False)], expected=[[False, False], [False, True]])
    ### BEGIN HIDDEN TESTS
    check.equal("it was off before two nested blocks", lambda: flags(False, nested), expected=[False, False, False])

    def deep_and_again(seen):
        for _ in range(2):
            with no_grad():
                with no_grad():
                    with no_grad():
                        seen.append(Tensor.grad_enabled)
                seen.append(Tensor.grad_enabled)
            seen.append(Tensor.grad_enabled)

    check.equal("three deep, twice in a row", lambda: flags(True, deep_and_again), expected=[False, False, True, False, False, True, True])
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "no_grad__exceptions", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("no_grad__exceptions")
def _():
    def raising(start, depth, error):
        Tensor.grad_enabled = start
        seen = []

        def inside(left):
            with no_grad():
                if left > 1:
                    inside(left - 1)
                seen.append(bool(Tensor.grad_enabled))
                raise error

        try:
            try:
                inside(depth)
                seen.append("nothing came out")
            except BaseException as caught:
                seen.append(type(caught).__name__)
            return [*seen, bool(Tensor.grad_enabled)]
        finally:
            Tensor.grad_enabled = True

    check.equal(
        "an exception leaves the block, and the flag is restored",
        lambda: raising(True, 1, KeyError("on its way out")),
        expected=[False, "KeyError", True],
        advice="without a try, nothing after yield runs when the block raises; and __exit__ must not return True",
    )
    check.equal("interrupted: not every exception is an Exception", lambda: raising(True, 1, KeyboardInterrupt()), expected=[False, "KeyboardInterrupt", True])
    ### BEGIN HIDDEN TESTS
    check.equal("an exception through two blocks", lambda: raising(True, 2, ZeroDivisionError("deep inside")), expected=[False, "ZeroDivisionError", True])
    check.equal("an exception where the flag was off before", lambda: raising(False, 1, ValueError("x")), expected=[False, "ValueError", False])
    ### END HIDDEN TESTS

# %% nbgrader={"grade": false, "grade_id": "stand_in_for_no_grad", "locked": true, "schema_version": 3, "solution": false, "task": false}
own_parts.stand_in(globals(), "no_grad")

# %% [markdown]
r"""
**What it saves.** The same 200 steps of a loop over a (100, 100) array, once recorded and once inside your
`no_grad`. Measured is what Python still holds when the loop is over, although you kept only the last result.
"""

# %% tags=["picture"]
import tracemalloc

def held_by(steps):
    tracemalloc.start()
    value = Tensor(np.ones((100, 100)), requires_grad=True)
    for _ in range(steps):
        value = value * 1.001
    held = tracemalloc.get_traced_memory()[0] / 2**20
    tracemalloc.stop()
    return held

recorded = held_by(200)
with no_grad():
    quiet = held_by(200)
plot.bars(
    {"recorded": recorded, "inside no_grad": quiet}, xlabel="MB held after 200 steps",
    alt=f"Memory held after 200 multiplications of a 100 by 100 array: {recorded:.1f} MB recorded, {quiet:.1f} MB inside "
    "your no_grad",
)

# %% [markdown]
r"""
## 12.5 A loss, from operations you have

Cross-entropy was exercise 1.10, with a gradient worked out on paper. Now the gradient comes by itself, provided the
loss is *made of your operations*. Three things need a thought:

$$L = -\frac1N\sum_n \Big(z_{n,y_n} - m_n - \log\sum_j e^{\,z_{nj} - m_n}\Big)$$
"""

# %% [markdown]
r"""
- **The shift.** $m_n$, the largest logit of a row, is subtracted so that no $e^z$ overflows. It cancels in $L$, so it
  may be a constant: plain numbers from `logits.data`, with no gradient of their own.
- **A sum for each row.** `.sum()` adds up everything. But a matrix product with a column of ones adds up each row.
- **One entry for each row.** Your tensor has no indexing. Multiplying by a table with a 1 at each label and 0
  elsewhere, and adding up, picks the same entries.
"""

# %% [markdown]
r"""
### Exercise 12.5 · `cross_entropy`
*difficulty 2 of 3 · 15 minutes · about 6 lines*

Write `cross_entropy(logits, labels)`: `logits` is a `Tensor` (N, C), `labels` an array of N integers. Return the
*mean* cross-entropy over the batch as a `Tensor` of shape `()`, differentiable with respect to the logits. For
logits of ±10,000 value and gradient stay finite and right. Inputs stay as they are.
"""

# %% nbgrader={"grade": false, "grade_id": "cross_entropy", "locked": false, "schema_version": 3, "solution": true, "task": false}
def cross_entropy(logits, labels):
    """Tensor (N, C), ints (N,) -> Tensor of shape (), the mean"""
    # about 6 lines
    ### BEGIN SOLUTION
    n, c = logits.shape
    shifted = logits - Tensor(logits.data.max(axis=1, keepdims=True))  # a constant: it cancels, so no gradient
    row_sums = shifted.exp() @ Tensor(np.ones((c, 1)))  # (N, C) @ (C, 1): a sum for each row, at least 1
    log_p = shifted - row_sums.log()
    truth = Tensor(np.eye(c)[labels])  # (N, C), a single 1 in each row
    return -(log_p * truth).sum() / n
    ### END SOLUTION

# %%
hint("cross_entropy")

# %% nbgrader={"grade": true, "grade_id": "cross_entropy__value", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("cross_entropy__value")
def _():
    def value(logits, labels):
        loss = cross_entropy(Tensor(logits), np.array(labels))
        return isinstance(loss, Tensor), list(loss.shape), float(loss.data)

    eighths = np.log(np.array([[1.0, 2.0, 5.0], [4.0, 3.0, 1.0]]))
    check.close("probabilities 5/8 and 3/8: the mean of -log(5/8) and -log(3/8), as a Tensor of shape ()", lambda: value(eighths, [2, 1]), expected=(True, [], 0.72541642), rtol=1e-6)
    check.close(
        "one row far below the other: both cost log(1 + e) - 1",
        lambda: value(np.array([[0.0, 1.0], [-1e4, 1.0 - 1e4]]), [1, 1])[2],
        expected=np.log(1 + np.e) - 1,
        rtol=1e-9,
    )
    check.close("one row, 10,000 and -10,000: the sure right answer costs 0", lambda: value(np.array([[1e4, -1e4]]), [0])[2], expected=0.0)
    check.close(
        "rows far apart, up to ±10,000: a sure right answer costs 0, a sure wrong one 20,000",
        lambda: value(np.array([[1e4, -1e4], [1e4, -1e4], [-1e4, -1e4]]), [0, 1, 0])[2],
        expected=(20_000.0 + np.log(2.0)) / 3,
        rtol=1e-9,
        advice="each row has its own largest logit; subtract that one before exp",
    )

    def tensor_afterwards():
        scores = Tensor(eighths.copy())
        for _ in range(2):
            loss = cross_entropy(scores, np.array([2, 1]))
        return float(loss.data), np.array(scores.data)

    check.close("the Tensor that comes in keeps its numbers, and a second call gives the same", tensor_afterwards, expected=lambda: (0.72541642, eighths), rtol=1e-6)
    ### BEGIN HIDDEN TESTS
    logits, labels = check.array(151, 7, 4) * 3, check.integers(152, 0, 4, 7)

    def wanted(z, y):
        top = z.max(axis=1)
        return float(np.mean(top + np.log(np.exp(z - top[:, None]).sum(axis=1)) - z[np.arange(len(y)), y]))

    check.close("the value for any batch", lambda: value(logits, labels)[2], expected=lambda: wanted(logits, labels))
    large = check.rng(153).uniform(-1e4, 1e4, (6, 5))
    check.close("large logits of every size", lambda: value(large, [0, 1, 2, 3, 4, 0])[2], expected=lambda: wanted(large, np.array([0, 1, 2, 3, 4, 0])), rtol=1e-9)
    check.close("a batch of one, its value", lambda: value(logits[:1], labels[:1]), expected=lambda: (True, [], wanted(logits[:1], labels[:1])))
    check.unchanged("the arrays behind logits and labels are left alone", lambda: cross_entropy(Tensor(logits), labels), logits, labels)
    check.probes("what cross_entropy promises besides its numbers", lambda: lambda logits, labels: value(logits, labels)[2], check.array(952, 7, 4), check.integers(953, 0, 4, 7), promises=("memory that is not contiguous", "one row", "the same call twice", "inputs left alone"), expected=lambda: wanted)
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "cross_entropy__gradient", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("cross_entropy__gradient")
def _():
    def slope(logits, labels, factor=1.0):
        leaf = Tensor(logits, requires_grad=True)
        (cross_entropy(leaf, np.array(labels)) * factor).backward()
        return own_parts.gradient(leaf)

    eighths = np.log(np.array([[1.0, 2.0, 5.0], [4.0, 3.0, 1.0]]))
    check.close(
        "what you said minus what is true, over N: exercise 1.10, without the paper",
        lambda: slope(eighths, [2, 1]),
        expected=np.array([[0.0625, 0.125, -0.1875], [0.25, -0.3125, 0.0625]]),
        advice="if it is all zeros, something on the way left your Tensor: a NumPy function, or .data",
    )
    ### BEGIN HIDDEN TESTS
    logits, labels = check.array(154, 6, 5), check.integers(155, 0, 5, 6)

    def wanted(z, y):
        p = np.exp(z - z.max(axis=1, keepdims=True))
        return (p / p.sum(axis=1, keepdims=True) - np.eye(z.shape[1])[y]) / len(y)

    check.close("the gradient for any batch, times what comes from above", lambda: slope(logits, labels, -3.0), expected=lambda: -3 * wanted(logits, labels))
    check.close("a batch of one, its gradient by the loss", lambda: slope(logits[:1], labels[:1]), expected=lambda: wanted(logits[:1], labels[:1]))
    large = np.array([[1e4, -1e4, 0.0], [-1e4, 1e4, 1e4], [-1e4, -1e4, -1e4]])
    check.close("the gradient of large logits", lambda: slope(large, [1, 1, 0]), expected=lambda: wanted(large, np.array([1, 1, 0])))

    def through_a_layer():
        w = Tensor(np.arange(12.0).reshape(3, 4) / 10, requires_grad=True)
        x = check.array(156, 6, 3)
        for _ in range(2):
            cross_entropy(Tensor(x) @ w, labels % 4).backward()
        return own_parts.gradient(w)

    def layer_wanted():
        x = check.array(156, 6, 3)
        return 2 * x.T @ wanted(x @ (np.arange(12.0).reshape(3, 4) / 10), labels % 4)

    check.close("through a layer, twice", through_a_layer, expected=lambda: layer_wanted())
    ### END HIDDEN TESTS

# %% nbgrader={"grade": false, "grade_id": "stand_in_for_cross_entropy", "locked": true, "schema_version": 3, "solution": false, "task": false}
own_parts.stand_in(globals(), "cross_entropy")

# %% tags=["picture"]
scores = Tensor([[2.0, 0.5, -1.0, 0.0, 1.0]], requires_grad=True)
surprise = cross_entropy(scores, np.array([4]))
surprise.backward()
pull = own_parts.gradient(scores)[0]
plot.bars(
    {f"class {k}" + (" (the label)" if k == 4 else ""): float(pull[k]) for k in range(5)},
    xlabel="gradient of the loss in each logit",
    alt=f"The gradient your graph found for one example with loss {float(surprise.data):.3f}: only the label, class 4, is "
    f"negative ({pull[4]:.2f}); the others are pushed down, in proportion to their probability",
)

# %% [markdown]
r"""
This is the picture of exercise 1.10, and nobody derived it this time. Look back at what you did for it: a shift, a
product with ones, a logarithm, a table. Softmax is nowhere, and its gradient came out right all the same.
"""

# %% [markdown]
r"""
## 12.6 Modules

What does a network need to know about itself? Two things only: how to compute, and what to train. The first is
`forward`. The second nobody should have to write down (chapter 7 began with the list that forgot `b2`).

A module is an object; its parts are its attributes, and Python keeps those in order, in `vars(self)`. So a walk does
it: my own `Parameter`s, then those of each attribute that is a `Module` itself. Two ways to keep track, and both are
fine: look through `vars(self)` when asked, as described, or note each part down when it is assigned, in
`__setattr__`, as PyTorch does.

Tell a parameter from any other tensor by its *type*: that is the only reason why `Parameter` exists.
"""

# %% [markdown]
r"""
### Exercise 12.6 · `module`
*difficulty 3 of 3 · 30 minutes · about 35 lines*

Write five classes. `Parameter(data)` is a `Tensor` that requires grad. `Module` is the base class:

- `.parameters()` gives (as a list or a generator) every `Parameter` in the module and, however deep, in the modules
  among its attributes: each **once**, even if it is used in two places; in the order of definition, a module's own
  Parameters before those of its submodules. Other tensors do not count.
- `.zero_grad()` clears the gradient of all of them (`None` or zeros). Calling a module, `module(x)`, gives
  `module.forward(x)`. Subclasses call `super().__init__()` first.

And three modules. `Linear(in_features, out_features)`: Parameters `weight` (out, in) and `bias` (out,),
`x @ weight.T + bias` for `x` (N, in). Fresh weights are drawn at random, with a spread (standard deviation) of the order of
1/√in_features, never all alike: such a network learns nothing; the distribution is yours. The bias starts small or 0.
`ReLU()`. And `Sequential(*modules)` runs its modules one after the other; a module given twice runs twice.
"""

# %% nbgrader={"grade": false, "grade_id": "module", "locked": false, "schema_version": 3, "solution": true, "task": false}
class Parameter(Tensor):
    """a tensor that is trained"""

    # about 35 lines for the five classes
    ### BEGIN SOLUTION
    def __init__(self, data):
        super().__init__(data, requires_grad=True)


class Module:
    """keeps its parts as plain attributes and looks through them when asked"""

    def parameters(self):
        parts = list(vars(self).values())
        found = [part for part in parts if isinstance(part, Parameter)]
        for part in parts:
            if isinstance(part, Module):
                found += part.parameters()
        return list({id(parameter): parameter for parameter in found}.values())  # a dict keeps the first place

    def zero_grad(self):
        for parameter in self.parameters():
            parameter.grad = None

    def __call__(self, x):
        return self.forward(x)


class Linear(Module):
    def __init__(self, in_features, out_features):
        super().__init__()
        # as nn.Linear draws them: a spread of bound / √3, so what comes out has 0.58 times the spread of what goes in
        bound = 1 / np.sqrt(in_features)
        self.weight = Parameter(np.random.uniform(-bound, bound, (out_features, in_features)))
        self.bias = Parameter(np.random.uniform(-bound, bound, out_features))

    def forward(self, x):
        return x @ self.weight.T + self.bias


class ReLU(Module):
    def forward(self, x):
        return x.relu()


class Sequential(Module):
    def __init__(self, *modules):
        super().__init__()
        self.steps = modules
        for position, module in enumerate(modules):
            setattr(self, str(position), module)  # an attribute each: a walk does not look into a tuple

    def forward(self, x):
        for module in self.steps:
            x = module(x)
        return x
    ### END SOLUTION

# %%
hint("module")

# %% nbgrader={"grade": true, "grade_id": "module__parameters", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("module__parameters")
def _():
    def numbers(module):
        return [float(np.ravel(np.array(p.data))[0]) for p in module.parameters()]

    def made():
        class Inner(Module):
            def __init__(self, start):
                super().__init__()
                self.weight = Parameter([start, 0.0])
                self.constant = Tensor([99.0])
                self.bias = Parameter([[start + 1]])

        class Outer(Module):
            def __init__(self):
                super().__init__()
                self.later = Inner(10.0)
                self.scale = Parameter(1.0)
                self.earlier = Inner(20.0)

        return Inner, Outer

    check.equal("a Parameter is a Tensor that requires grad", lambda: [(isinstance(p, Tensor), bool(p.requires_grad)) for p in [Parameter([1.0, 2.0])]], expected=[(True, True)])
    check.equal("a module's own Parameters in order, and no other tensors", lambda: numbers(made()[0](10.0)), expected=[10.0, 11.0], advice="isinstance(value, Parameter) tells them apart")
    check.equal("its own first, then those of its submodules", lambda: numbers(made()[1]()), expected=[1.0, 10.0, 11.0, 20.0, 21.0])
    check.equal("one branch to its end, then the next: 1 and 2, 3 and 4, then 5 and 6", lambda: [numbers(Sequential(Sequential(inner(1.0), Sequential(inner(3.0))), inner(5.0))) for inner in [made()[0]]], expected=[[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]])

    def shared():
        inner, _ = made()
        module = inner(30.0)
        module.again = module.weight
        module.left = inner(40.0)
        module.right = module.left
        return numbers(module), numbers(module)

    check.equal("what is used in two places is there once, and a second call gives the same", shared, expected=([30.0, 31.0, 40.0, 41.0],) * 2)
    ### BEGIN HIDDEN TESTS
    def deep():
        inner, outer = made()
        top = Sequential(ReLU(), outer(), Sequential(inner(50.0), Sequential(inner(60.0))))
        before = len(numbers(top))
        top.late = Parameter([70.0])
        return before, numbers(top)

    check.equal("a submodule's own submodules come before its neighbour", lambda: [numbers(Sequential(Sequential(inner(1.0), inner(3.0)), inner(5.0))) for inner in [made()[0]]], expected=[[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]])
    check.equal("three levels deep, and one that came late", deep, expected=(9, [70.0, 1.0, 10.0, 11.0, 20.0, 21.0, 50.0, 51.0, 60.0, 61.0]))

    def replaced():
        class Small(Module):
            def __init__(self):
                super().__init__()
                self.weight = Parameter([1.0])

        module, outside = Small(), Small()
        outside.part = module
        module.weight = Parameter([2.0])
        return numbers(module), numbers(outside)

    check.equal("a Parameter that was replaced is gone", replaced, expected=([2.0], [1.0, 2.0]))

    def apart():
        one, other = (made()[0](10.0 * k) for k in (1, 2))
        other.extra = Parameter([5.0])
        return numbers(one), numbers(other), numbers(ReLU()), numbers(one)

    check.equal("two modules keep their parameters apart, and a ReLU has none", apart, expected=([10.0, 11.0], [20.0, 21.0, 5.0], [], [10.0, 11.0]))

    def across():
        block, other = (made()[0](start) for start in (10.0, 20.0))
        other.borrowed = block.weight
        return numbers(Sequential(block, other, block))

    check.equal("a Parameter shared by two submodules, a module given twice: once each", across, expected=[10.0, 11.0, 20.0, 21.0])
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "module__layers", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("module__layers")
def _():
    def filled(seed, *sizes):
        layers = [Linear(sizes[k], sizes[k + 1]) for k in range(len(sizes) - 1)]
        for k, layer in enumerate(layers):
            own_parts.put(layer.weight, check.array(seed + 2 * k, *layer.weight.shape))
            own_parts.put(layer.bias, check.array(seed + 2 * k + 1, *layer.bias.shape))
        return layers

    def by_hand():
        layer = Linear(2, 3)
        own_parts.put(layer.weight, [[1.0, 0.0], [0.0, 1.0], [2.0, 3.0]])
        own_parts.put(layer.bias, [10.0, 20.0, 30.0])
        return list(layer.weight.shape), list(layer.bias.shape), np.array(layer(Tensor([[1.0, 2.0], [3.0, 4.0]])).data)

    check.close("Linear: weight (out, in), bias (out,), and x @ weight.T + bias", by_hand, expected=([3, 2], [3], np.array([[11.0, 22.0, 38.0], [13.0, 24.0, 48.0]])))
    def relu_twice():
        x = Tensor([[1.0, -2.0]])
        return np.array(ReLU()(x).data), np.array(x.data)

    check.close("ReLU, and what went in is as it was", relu_twice, expected=(np.array([[1.0, 0.0]]), np.array([[1.0, -2.0]])))

    class Double(Module):
        def __init__(self):
            super().__init__()
            self.factor = Parameter([2.0])

        def forward(self, x):
            return x * self.factor + 1

    check.close("Sequential: one after the other, and a module given twice runs twice", lambda: [np.array(m(Tensor([[1.0, -3.0]])).data) for d in [Double()] for m in (Sequential(d, d), Sequential(d, ReLU()), Sequential(ReLU(), d))], expected=[np.array([[7.0, -9.0]]), np.array([[3.0, 0.0]]), np.array([[3.0, 1.0]])])
    ### BEGIN HIDDEN TESTS
    x, up = check.array(161, 5, 4), check.array(162, 5, 2)

    def network():
        first, second = filled(170, 4, 3, 2)
        model = Sequential(first, ReLU(), second)
        out = model(Tensor(x))
        (out * Tensor(up)).sum().backward()
        return np.array(out.data), [own_parts.gradient(p) for p in (first.weight, first.bias, second.weight, second.bias)]

    def wanted():
        w, b, v, c = (check.array(170 + k, *s) for k, s in enumerate(((3, 4), (3,), (2, 3), (2,))))
        h = x @ w.T + b
        g = (up @ v) * (h > 0)
        return np.maximum(h, 0) @ v.T + c, [g.T @ x, g.sum(0), up.T @ np.maximum(h, 0), up.sum(0)]

    check.close("two layers: the result and all four gradients", network, expected=lambda: wanted())
    check.close("a batch of one through a layer", lambda: np.array(filled(180, 4, 4)[0](Tensor(x[:1])).data), expected=lambda: x[:1] @ check.array(180, 4, 4).T + check.array(181, 4))

    def twice():
        d = Double()
        (Sequential(d, Sequential(d))(Tensor([[1.0, -3.0]]))).sum().backward()
        return own_parts.gradient(d.factor)

    check.close("a shared Parameter collects the gradient of both uses", twice, expected=np.array([-6.0]))

    def five():
        first, second = filled(190, 4, 4, 4)
        given = Tensor(x)
        out = Sequential(ReLU(), first, Double(), second, Double())(given)
        return np.array(out.data), np.array(given.data)

    def five_wanted():
        w, b, v, c = (check.array(190 + k, *s) for k, s in enumerate(((4, 4), (4,)) * 2))
        return 2 * ((2 * (np.maximum(x, 0) @ w.T + b) + 1) @ v.T + c) + 1, x

    check.close("five modules, two layers of one size, and the input as it was", five, expected=lambda: five_wanted())
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "module__fresh", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("module__fresh")
def _():
    def two_of_a_size():
        layers = [Linear(2, 2), Linear(2, 2)]
        for k, layer in enumerate(layers):
            own_parts.put(layer.weight, [[1.0 + k, 0.0], [0.0, 1.0 + k]])
            own_parts.put(layer.bias, [0.0, 0.0])
        return [np.array(layer(Tensor([[1.0, -3.0]])).data) for layer in layers]

    check.close("two layers of one size have a weight each", two_of_a_size, expected=[np.array([[1.0, -3.0]]), np.array([[2.0, -6.0]])])

    def drawn(*sizes):
        layers = [Linear(*sizes) for _ in range(2)]
        weights = [np.array(layer.weight.data, dtype=float) for layer in layers]
        return [w * np.sqrt(sizes[0]) for w in weights] + [np.array(layers[0].bias.data, dtype=float)]

    check.that(
        "a fresh Linear(400, 50): random weights with a spread of the order of 1/√400, and a small bias",
        lambda: drawn(400, 50),
        judge=lambda seen: (
            "the weights are all alike" if np.ptp(seen[0]) == 0
            else "two layers start with the same weights" if np.array_equal(seen[0], seen[1])
            else "all outputs start with the same weights" if np.ptp(seen[0], axis=0).max() < 1e-9
            else "the spread of the weights is far more than 1/√in" if seen[0].std() > 5
            else "the spread of the weights is far less than 1/√in" if seen[0].std() < 0.15
            else "the bias is not small" if np.abs(seen[2]).max() > 1 else None
        ),
        advice="print layer.weight.data.std() beside 1 / np.sqrt(400)",
    )
    ### BEGIN HIDDEN TESTS
    check.that(
        "a fresh Linear(9, 300) too",
        lambda: drawn(9, 300),
        judge=lambda seen: None if 0.15 < seen[0].std() < 5 and np.ptp(seen[0], axis=0).max() > 0 and np.abs(seen[2]).max() <= 1 and not np.array_equal(seen[0], seen[1]) else "its weights do not start as they should",
    )
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "module__zero_grad", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("module__zero_grad")
def _():
    class Scaled(Module):
        def __init__(self):
            super().__init__()
            self.scale = Parameter([1.0])

        def forward(self, x):
            return x * self.scale

    def gradients():
        model = Sequential(Linear(2, 3), ReLU(), Sequential(Linear(3, 1)), Scaled())
        model.bonus = Parameter([1.0])
        for p in model.parameters():
            own_parts.put(p, np.ones(p.shape))
        seen = []
        for _ in range(2):
            (model(Tensor([[1.0, 2.0]])) * model.bonus).sum().backward()
            seen.append([float(own_parts.gradient(p).sum()) for p in model.parameters()])
            model.zero_grad()
            seen.append([float(own_parts.gradient(p).sum()) for p in model.parameters()])
        return seen

    check.close(
        "zero_grad clears every gradient, own and nested, and the next backward starts afresh",
        gradients,
        expected=[[13.0, 9.0, 3.0, 12.0, 1.0, 13.0], [0.0] * 6] * 2,
        advice="go over self.parameters(): it already knows every one of them",
    )
    ### BEGIN HIDDEN TESTS
    def values():
        layer = Linear(2, 2)
        own_parts.put(layer.weight, [[1.0, 2.0], [3.0, 4.0]])
        (layer(Tensor([[1.0, 1.0]])) * 5).sum().backward()
        layer.zero_grad()
        return np.array(layer.weight.data), layer.weight.requires_grad

    check.close("the weights themselves stay, and still require grad", values, expected=(np.array([[1.0, 2.0], [3.0, 4.0]]), True))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": false, "grade_id": "stand_in_for_sgd", "locked": true, "schema_version": 3, "solution": false, "task": false}
own_parts.stand_in(globals(), "module")

# %% tags=["picture"]
def tree(module, name, boxes, arrows):
    own = [p for p in vars(module).values() if isinstance(p, Parameter)]
    boxes[name] = f"{name.rpartition('.')[2]}: {type(module).__name__}"
    for k, parameter in enumerate(own):
        boxes[f"{name}/{k}"] = str(tuple(parameter.shape))
        arrows.append((name, f"{name}/{k}"))
    for key, part in vars(module).items():
        if isinstance(part, Module):
            arrows.append((name, f"{name}.{key}"))
            tree(part, f"{name}.{key}", boxes, arrows)
    return boxes, arrows

network = Sequential(Linear(64, 64), ReLU(), Linear(64, 10))
shapes = [tuple(p.shape) for p in network.parameters()]
boxes, arrows = tree(network, "net", {}, [])
plot.graph(
    boxes, arrows, mark={box for box in boxes if "/" in box},
    alt=f"Your Sequential as a tree of modules; parameters() walks it and finds {len(shapes)} Parameters, of shapes "
    + ", ".join(map(str, shapes)),
)
print(f"parameters() finds {len(shapes)}, with {sum(int(np.prod(s)) for s in shapes):,} numbers in all")

# %% [markdown]
r"""
## 12.7 The optimizer

You wrote this one in chapter 6, on torch's parameters. On your own it is the same, and shorter:

$$v \leftarrow \mu\,v + g,\qquad p \leftarrow p - \mathrm{lr}\cdot v,\qquad v = g \text{ the first time.}$$

Note what it does *not* need: no graph, no module, no loss. It sees a list of things with `.data` and `.grad`. That
narrow door is why every optimizer works with every network.

And note what it must keep: one $v$ **for each** parameter, for as long as it lives. If `v` were the very array that
lies in `.grad`, the next backward pass would write into it.
"""

# %% [markdown]
r"""
### Exercise 12.7 · `own_sgd`
*difficulty 2 of 3 · 12 minutes · about 12 lines*

Write the class `SGD(params, lr, momentum=0.0)` for your own Parameters; `params` is a list or a generator. `.step()`
updates each parameter's `.data`, step for step as `torch.optim.SGD` does, and skips a parameter whose `.grad` is
`None`: neither it nor its momentum moves. It leaves gradients as they are. `.zero_grad()` clears them (`None` or
zeros).
"""

# %% nbgrader={"grade": false, "grade_id": "own_sgd", "locked": false, "schema_version": 3, "solution": true, "task": false}
class SGD:
    """SGD(params, lr, momentum=0.0): step(), zero_grad()"""

    # about 12 lines
    ### BEGIN SOLUTION
    def __init__(self, params, lr, momentum=0.0):
        self.params = list(params)  # a generator can be walked only once
        self.lr, self.momentum = lr, momentum
        self.velocity = [0.0] * len(self.params)  # one each; the first step makes it an array: 0 · momentum + grad

    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is not None:
                self.velocity[i] = self.momentum * self.velocity[i] + p.grad
                p.data -= self.lr * self.velocity[i]

    def zero_grad(self):
        for p in self.params:
            p.grad = None
    ### END SOLUTION

# %%
hint("own_sgd")

# %% nbgrader={"grade": true, "grade_id": "own_sgd__steps", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("own_sgd__steps")
def _():
    def path(slopes, *arguments, clear=True, **more):
        """the values after each step, where step k sees the gradient slopes[k]"""
        p, q = Parameter([1.0, -2.0]), Parameter([[0.5]])
        optimizer = SGD([p, q], *arguments, **more)
        seen = []
        for slope in slopes:
            if clear:
                optimizer.zero_grad()
            ((p * Tensor([slope, 2 * slope])).sum() + (q * (3 * slope)).sum()).backward()
            optimizer.step()
            seen.append([np.array(p.data), np.array(q.data)])
        return seen

    check.close("one plain step: p - lr · grad", lambda: path([1.0], 0.1), expected=[[np.array([0.9, -2.2]), np.array([[0.2]])]])
    check.close(
        "three steps with momentum 0.5 and a gradient of 1: the velocity is 1, then 1.5, then 1.75",
        lambda: [p for p, _ in path([1.0, 1.0, 1.0], 0.1, momentum=0.5)],
        expected=[np.array([0.9, -2.2]), np.array([0.75, -2.5]), np.array([0.575, -2.85])],
        advice="print the velocity after each step: 1, 1.5, 1.75",
    )
    ### BEGIN HIDDEN TESTS
    def wanted(slopes, lr, momentum, clear=True):
        p, q = np.array([1.0, -2.0]), np.array([[0.5]])
        v = [0.0, 0.0]
        g = [0.0, 0.0]
        seen = []
        for slope in slopes:
            new = [np.array([slope, 2 * slope]), np.array([[3.0 * slope]])]
            g = new if clear else [a + b for a, b in zip(g, new)]
            v = [momentum * a + b for a, b in zip(v, g)]
            p, q = p - lr * v[0], q - lr * v[1]
            seen.append([p, q])
        return seen

    slopes = check.array(190, 8).tolist()
    check.close("eight steps with changing gradients", lambda: path(slopes, 0.05, 0.9), expected=lambda: wanted(slopes, 0.05, 0.9))
    check.close("eight steps without momentum, lr by name", lambda: path(slopes, lr=0.3), expected=lambda: wanted(slopes, 0.3, 0.0))
    check.close("gradients that are not cleared add up, and step leaves them as they are", lambda: path(slopes[:4], 0.1, 0.5, clear=False), expected=lambda: wanted(slopes[:4], 0.1, 0.5, clear=False))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "own_sgd__memory", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("own_sgd__memory")
def _():
    def two_steps_on_one_gradient():
        p = Parameter([1.0, 2.0])
        optimizer = SGD([p], 0.1, momentum=0.5)
        (p * 2).sum().backward()
        for _ in range(2):
            optimizer.step()
        return np.array(p.data), own_parts.gradient(p)

    check.close("two steps on one gradient, which stays as it is: velocities 2 and 3", two_steps_on_one_gradient, expected=(np.array([0.5, 1.5]), np.array([2.0, 2.0])))

    def rolls_on():
        p = Parameter([1.0])
        for _ in range(2):
            optimizer = SGD([p], 0.1, momentum=0.5)
            for slope in (2.0, 0.0):
                optimizer.zero_grad()
                (p * slope).sum().backward()
                optimizer.step()
        return float(np.array(p.data)[0])

    check.close("a gradient of zero is a gradient: the momentum carries on; a new optimizer begins without any", rolls_on, expected=0.4)

    def a_pause():
        p, q = Parameter([1.0]), Parameter([5.0])
        optimizer, seen = SGD([p, q], 0.1, momentum=0.5), []
        for active in (True, False):
            optimizer.zero_grad()
            q.grad = None
            (p * 1.0 + (q * 2.0 if active else 0.0)).sum().backward()
            optimizer.step()
            seen.append(float(np.array(q.data)[0]))
        return seen

    check.close("grad None for one step: that parameter stands still, though it has momentum", a_pause, expected=[4.8, 4.8])
    ### BEGIN HIDDEN TESTS
    def one_after_the_other(slopes):
        p = Parameter([1.0])
        for _ in range(2):
            optimizer = SGD([p], 0.1, momentum=0.5)
            for slope in slopes:
                optimizer.zero_grad()
                (p * slope).sum().backward()
                optimizer.step()
        return float(np.array(p.data)[0])

    check.close("a new optimizer on the same parameters begins without momentum", lambda: one_after_the_other([1.0, 1.0]), expected=0.5)
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "own_sgd__care", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("own_sgd__care")
def _():
    def from_a_generator():
        ps = [Parameter([float(k)]) for k in range(3)]
        optimizer = SGD((p for p in ps), 1.0)
        for _ in range(2):
            optimizer.zero_grad()
            for p in ps:
                (p * 2).sum().backward()
            optimizer.step()
        return [float(np.array(p.data)[0]) for p in ps]

    check.close("a generator of parameters, two steps", from_a_generator, expected=[-4.0, -3.0, -2.0], advice="a generator is empty after the first walk over it")

    def unused():
        used, idle = Parameter([1.0]), Parameter([7.0])
        optimizer = SGD([idle, used], 0.5, 0.9)
        (used * 4).sum().backward()
        optimizer.step()
        return np.array(used.data), np.array(idle.data)

    check.close("a parameter without a gradient stays where it is", unused, expected=(np.array([-1.0]), np.array([7.0])))

    def cleared():
        p = Parameter([1.0, 2.0])
        optimizer = SGD([p], 0.1)
        for _ in range(2):
            (p * 3).sum().backward()
            optimizer.zero_grad()
        return own_parts.gradient(p), np.array(p.data)
    check.close("zero_grad clears the gradients and moves nothing", cleared, expected=(np.zeros(2), np.array([1.0, 2.0])))
    ### BEGIN HIDDEN TESTS
    def resting():
        p, q = Parameter([1.0]), Parameter([5.0])
        optimizer = SGD([p, q], 0.1, momentum=0.5)
        seen = []
        for active in (True, False, True):
            p.grad = q.grad = None
            (p * 1.0).sum().backward()
            if active:
                (q * 2.0).sum().backward()
            optimizer.step()
            seen.append((float(np.array(p.data)[0]), float(np.array(q.data)[0])))
        return seen

    check.close("grad None for one step: neither the parameter nor its momentum moves", resting, expected=[(0.9, 4.8), (0.75, 4.8), (0.575, 4.5)])

    def two_optimizers():
        p, q = Parameter([1.0]), Parameter([1.0])
        one, other = SGD([p], 0.1, 0.5), SGD([q], 0.2, 0.5)
        for _ in range(2):
            for optimizer, w in ((one, p), (other, q)):
                optimizer.zero_grad()
                (w * w).sum().backward()
                optimizer.step()
        return float(np.array(p.data)[0]), float(np.array(q.data)[0])

    check.close("two optimizers do not share their momentum", two_optimizers, expected=(0.54, 0.16))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": false, "grade_id": "stand_in_for_fit", "locked": true, "schema_version": 3, "solution": false, "task": false}
own_parts.stand_in(globals(), "own_sgd")

# %% [markdown]
r"""
**Down a narrow valley**, with your optimizer on your tensors: the loss is $x^2 + 20\,y^2$, steep one way and flat the
other. Without momentum, a step that suits the steep side creeps along the flat one.
"""

# %% tags=["picture"]
def descend(momentum, steps=25):
    point, places = Parameter([-4.0, 1.0]), [np.array([-4.0, 1.0])]
    optimizer = SGD([point], lr=0.02, momentum=momentum)
    for _ in range(steps):
        optimizer.zero_grad()
        (point * point * Tensor([1.0, 20.0])).sum().backward()
        optimizer.step()
        places.append(np.array(point.data))
    return np.array(places)

paths = {"momentum 0": descend(0.0), "momentum 0.7": descend(0.7)}
far = {name: float(np.hypot(*places[-1])) for name, places in paths.items()}
with plot.figure(
    "Two paths of 25 steps of your SGD down a narrow valley; distance from the lowest point at the end: "
    + ", ".join(f"{n} {d:.2f}" for n, d in far.items())
) as ax:
    gx, gy = np.meshgrid(np.linspace(-4.5, 2, 80), np.linspace(-1.2, 1.2, 60))
    ax.contour(gx, gy, gx**2 + 20 * gy**2, levels=[0.3, 1, 3, 8, 16, 28], colors="#BBBBBB", linewidths=0.8)
    for (name, places), style in zip(paths.items(), ("o--", "s-")):
        ax.plot(*places.T, style, label=f"{name}, ends {far[name]:.2f} away", markersize=4)
    ax.set_xlabel("x")
    ax.set_ylabel("y")
    ax.legend()

# %% [markdown]
r"""
## 12.8 The loop

The last piece is the shortest. The data are 8 × 8 pictures of handwritten digits, each a row of 64 numbers in [0, 1].
"""

# %% tags=["picture"]
(train_images, train_labels), (test_images, test_labels) = data.digits()
plot.images(train_images[:12].reshape(-1, 8, 8), labels=train_labels[:12], columns=12)

# %% [markdown]
r"""
An **epoch** goes through all images once, in an order drawn anew, cut into batches. The order comes from `rng`, a NumPy
Generator that the caller hands in, and from nowhere else. Then the same seed gives the same network, today and next
year, whatever else drew random numbers in between. A method of `rng` gives you a shuffled list of indices; use the
**same** indices for images and labels, or every picture gets somebody else's name.
"""

# %% [markdown]
r"""
### Exercise 12.8 · `own_train`
*difficulty 2 of 3 · 20 minutes · about 9 lines*

Write `fit(model, images, labels, epochs, lr, batch_size, rng)`, which trains the given `model` (in place) on your own
parts: a Module that takes a Tensor (N, 64) and gives logits (N, 10). `images` is an array (N, 64), `labels` N integers.
Each epoch shuffles with `rng` only, and takes steps on batches of `batch_size` images (the last may be smaller). Which
optimizer of yours, with which momentum, is free, and so is what you return; `lr` is its learning rate. Images and labels
stay as they are, and so does `Tensor.grad_enabled`. No torch, no scikit-learn.

The check trains a 64-64-10 network for 20 epochs with `lr=0.1` and `batch_size=16`, takes its weights away, and asks it
about digits your code has never seen. **At least 95 %** have to be right.
"""

# %% nbgrader={"grade": false, "grade_id": "own_train", "locked": false, "schema_version": 3, "solution": true, "task": false}
def fit(model, images, labels, epochs, lr, batch_size, rng):
    """trains model in place on images (N, 64) and labels (N,)"""
    # about 9 lines
    ### BEGIN SOLUTION
    optimizer = SGD(model.parameters(), lr)  # once, before the loops: it may have a memory
    for _ in range(epochs):
        order = rng.permutation(len(images))
        for start in range(0, len(order), batch_size):
            batch = order[start : start + batch_size]  # one list of places for both, so that pictures keep their names
            loss = cross_entropy(model(Tensor(images[batch])), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    ### END SOLUTION

# %%
hint("own_train")

# %% nbgrader={"grade": true, "grade_id": "own_train__batches", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("own_train__batches")
def _():
    def watched(count, batch_size, epochs=1):
        """the images of each batch (image k has k / 100 in its first pixel), and the weights it met"""
        notes, Tensor.grad_enabled = [], True

        class Watching(Module):
            def __init__(self):
                super().__init__()
                self.layer = Linear(64, 10)

            def forward(self, x):
                if Tensor.grad_enabled:  # looking at the accuracy in between is no training
                    notes.append(([int(k) for k in np.rint(np.asarray(x.data)[:, 0] * 100)], np.array(self.layer.weight.data).tobytes()))
                return self.layer(x)

        images = check.rng(205).uniform(0, 1, (count, 64))
        images[:, 0] = np.arange(count) / 100
        fit(Watching(), images, np.arange(count) % 10, epochs, 0.1, batch_size, np.random.default_rng(0))
        parts = {}  # a batch may also come in parts, with one step after them
        for images, weights in notes:
            parts[weights] = parts.get(weights, []) + images
        whole = [note for note in notes if len(note[0]) == batch_size]
        return whole or [(images, weights) for weights, images in parts.items() if len(images) == batch_size]

    def seen(count, batch_size):
        batches = [images for images, _ in watched(count, batch_size)]
        order = [k for images in batches for k in images]
        return len(batches) > 0, sorted(set(order)), all(order[i : i + count] == list(range(count)) for i in range(0, len(order), count))

    check.equal("twelve images in batches of four: there are batches of four, and every image is in one, in a mixed order", lambda: seen(12, 4), expected=(True, list(range(12)), False), advice="print the indices of each batch: together they should be every number from 0 to 11, in a mixed order")
    check.that(
        "three epochs of three batches: about nine steps",
        lambda: len({weights for _, weights in watched(12, 4, 3)}),
        judge=lambda steps: "there are fewer steps than batches" if steps < 8 else "there are more steps than batches" if steps > 9 else None,
        advice="count the calls of step: epochs times batches",
    )

    def one_step():
        Tensor.grad_enabled = True
        images, labels, layer = np.zeros((10, 64)), np.arange(10), Linear(64, 10)
        for k in range(10):
            images[k, 6 * k : 6 * k + 6] = 1.0  # ten pictures that have no pixel in common
        own_parts.put(layer.weight, np.zeros((10, 64)))
        own_parts.put(layer.bias, np.zeros(10))
        fit(Sequential(layer), images, labels, 1, 0.1, 10, np.random.default_rng(3))
        scores = images @ np.array(layer.weight.data).T + np.array(layer.bias.data)
        return [bool(scores[k, k] > np.delete(scores[k], k).max()) for k in range(10)]

    check.equal("one step on one batch moves every picture towards its own label", one_step, expected=[True] * 10, advice="print images[batch] and labels[batch] side by side: is every picture still beside its own label?")
    images, labels = check.rng(206).uniform(0, 1, (10, 64)), check.integers(207, 0, 10, 10)
    check.unchanged("images and labels are left as they are", lambda: fit(Sequential(Linear(64, 10)), images, labels, 2, 0.1, 4, np.random.default_rng(0)), images, labels)
    def moved(lr):
        Tensor.grad_enabled = True
        model = Sequential(Linear(64, 8), ReLU(), Linear(8, 10))
        for k, p in enumerate(model.parameters()):
            own_parts.put(p, check.array(240 + k, *p.shape) / 4)
        fit(model, images, labels, 1, lr, 10, np.random.default_rng(0))
        return [float(np.abs(p.data - check.array(240 + k, *p.shape) / 4).sum()) for k, p in enumerate(model.parameters())]

    check.close("every Parameter moves, and the first step of twice the lr is twice as long", lambda: [b / a if a > 0 else 0.0 for a, b in zip(moved(0.01), moved(0.02))], expected=[2.0] * 4, rtol=1e-2)

    def grad_mode():
        Tensor.grad_enabled = True
        fit(Sequential(Linear(64, 10)), images, labels, 1, 0.1, 5, np.random.default_rng(0))
        left, Tensor.grad_enabled = bool(Tensor.grad_enabled), True
        return left

    check.equal("Tensor.grad_enabled is as it was", grad_mode, expected=True)
    ### BEGIN HIDDEN TESTS
    check.equal("thirty images in batches of six", lambda: seen(30, 6), expected=(True, list(range(30)), False))
    check.equal("a batch as large as the data", lambda: seen(7, 7)[:2], expected=(True, list(range(7))))
    check.equal("batches of one", lambda: seen(5, 1)[:2], expected=(True, list(range(5))))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "own_train__order", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("own_train__order")
def _():
    def trained(seed, elsewhere):
        Tensor.grad_enabled = True
        np.random.seed(elsewhere)
        random.seed(elsewhere)
        layer = Linear(64, 10)
        own_parts.put(layer.weight, check.array(201, 10, 64) / 8)
        own_parts.put(layer.bias, np.zeros(10))
        images, labels = check.rng(202).uniform(0, 1, (64, 64)), check.integers(203, 0, 10, 64)
        fit(Sequential(layer), images, labels, 2, 0.5, 8, np.random.default_rng(seed))
        return np.array(layer.weight.data)

    def alike(first, second):
        one, other = trained(*first), trained(*second)
        return bool(np.allclose(one, other, atol=1e-9)), bool(np.abs(one - check.array(201, 10, 64) / 8).max() > 1e-3)

    check.equal("the same rng gives the same network, whatever else was drawn; and the network moves", lambda: alike((1, 11), (1, 12)), expected=(True, True), advice="every random choice comes from rng; np.random.shuffle and random.shuffle draw elsewhere")
    check.equal("another rng gives another order, and so another network", lambda: alike((1, 11), (2, 11)), expected=(False, True))
    ### BEGIN HIDDEN TESTS
    check.equal("another rng, once more", lambda: alike((5, 3), (6, 3)), expected=(False, True))
    ### END HIDDEN TESTS

# %% nbgrader={"grade": true, "grade_id": "own_train__digits", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
@check.cell("own_train__digits")
def _():
    def trained(seed, epochs, names):
        (images, labels), _ = data.digits()
        draw = check.rng(seed)
        layers = Linear(64, 64), Linear(64, 10)
        for layer in layers:
            own_parts.put(layer.weight, draw.uniform(-1 / 8, 1 / 8, layer.weight.shape))
            own_parts.put(layer.bias, np.zeros(layer.bias.shape))
        fit(Sequential(layers[0], ReLU(), layers[1]), images.copy(), np.array(names)[labels], epochs, 0.1, 16, check.rng(seed + 1))
        return [np.array(t.data) for layer in layers for t in (layer.weight, layer.bias)]

    check.that(
        "after 20 epochs at least 95 % of digits it never saw are right",
        lambda: trained(210, 20, range(10)),
        judge=lambda layers: judges.digits_accuracy(layers, 0.95),
        advice="print the loss of every hundredth batch: it should fall from 2.3 to about 0.1",
    )
    ### BEGIN HIDDEN TESTS
    names = check.rng(220).permutation(10).tolist()
    check.that(
        "with the digits under other names, a shorter run learns those names",
        lambda: trained(230, 6, names),
        judge=lambda layers, names: judges.digits_accuracy(layers, 0.8, names),
        given={"names": names},
    )
    ### END HIDDEN TESTS

# %% [markdown]
r"""
**Watch it read.** Your network, your library, one epoch at a time; after each epoch it is asked about the 359 digits
that were kept aside, inside your `no_grad`.
"""

# %% tags=["picture"]
def learns(train):
    model, draw = Sequential(Linear(64, 10)), np.random.default_rng(0)
    images, labels = train_images[:200], train_labels[:200]
    train(model, images, labels, 5, 0.5, 20, draw)
    return [float((np.array(model(Tensor(images)).data).argmax(axis=1) == labels).mean()) > 0.6]


training = yours_or_ours("fit", own_parts.fit_of(globals()), learns)
reader = Sequential(Linear(64, 64), ReLU(), Linear(64, 10))
rng = np.random.default_rng(0)


def share_right(images, labels):
    with no_grad():
        return float((np.array(reader(Tensor(images)).data).argmax(axis=1) == labels).mean())

history = {"training digits": [], "digits it never saw": []}
for epoch in range(31):
    if epoch > 0:  # the first entry is the network before any training
        training(reader, train_images, train_labels, 1, 0.1, 16, rng)
    history["training digits"].append(share_right(train_images, train_labels))
    history["digits it never saw"].append(share_right(test_images, test_labels))
plot.curves(
    history, xlabel="epoch", ylabel="share right",
    alt="Share of digits your network reads right, epoch by epoch: "
    + "; ".join(f"{n} from {v[0]:.0%} to {v[-1]:.1%}" for n, v in history.items()),
)

# %% tags=["picture"]
with no_grad():
    answers = np.array(reader(Tensor(test_images)).data).argmax(axis=1)
wrong = np.flatnonzero(answers != test_labels)[:16]
shown = wrong if len(wrong) else np.arange(16)
plot.images(test_images[shown].reshape(-1, 8, 8), labels=test_labels[shown], predictions=answers[shown], columns=8)

# %% [markdown]
r"""
Some of these you would not have got either. Below, what the first layer looks for: each square is one row of its
weight, 64 numbers, drawn where the pixels are. Some are still close to the noise they started from; others have become
strokes and edges, light where ink speaks for something and dark where it speaks against. Nobody told them to.
"""

# %% tags=["picture"]
filters = np.array(list(reader.parameters())[0].data)
plot.images(
    filters.reshape(-1, 8, 8)[:32], columns=16,
    alt=f"The first {min(32, len(filters))} rows of your first layer's weight as 8 by 8 pictures, from dark (negative) to "
    f"light (positive), values {filters.min():.2f} to {filters.max():.2f}: some are still noise, others show a stroke or an edge",
)

# %% [markdown]
r"""
### If you want to go on: attention on your own library

*A milestone without points.* The block of chapter 9 needs two things that your tensor lacks: a product of *stacks* of
matrices (`@` on three axes, as `torch.bmm`) and a softmax. Both can be had **from outside**, by what you
already have: `Tensor` results with parents and ways back. The cell shows the ways back on plain NumPy arrays, so that it
cannot hurt your class; then compare its gradient with a measurement, and try the same with your class.

- `@` on stacks: forward is NumPy's `@`; back, transpose the last two axes only (`swapaxes(-1, -2)`).
- softmax over the last axis, $p$: back, $p \,(g - \sum g\,p)$, the sum over that axis, kept.
- Adam, exercise 6.3a, on `.data` and `.grad`: two running averages in place of one.
"""

# %% tags=["picture"]
def stack_product(a, b):
    """(B, L, K) @ (B, K, M) and its two ways back"""
    return a @ b, (lambda g: g @ b.swapaxes(-1, -2), lambda g: a.swapaxes(-1, -2) @ g)


def softmax(z):
    p = np.exp(z - z.max(axis=-1, keepdims=True))
    p /= p.sum(axis=-1, keepdims=True)
    return p, lambda g: p * (g - (g * p).sum(axis=-1, keepdims=True))


def attention(q, k, v):
    """(B, L, D) three times -> the output, and a function from its gradient to those of q, k and v"""
    scores, (to_q, to_k) = stack_product(q / np.sqrt(q.shape[-1]), k.swapaxes(-1, -2))
    weights, to_scores = softmax(scores)
    out, (to_weights, to_v) = stack_product(weights, v)

    def back(g):
        at_scores = to_scores(to_weights(g))
        return to_q(at_scores) / np.sqrt(q.shape[-1]), to_k(at_scores).swapaxes(-1, -2), to_v(g)

    return out, back

# %% tags=["picture"]
draw = np.random.default_rng(9)
heads = [draw.standard_normal((2, 4, 3)) for _ in range(3)]
upstream = draw.standard_normal((2, 4, 3))
slopes = attention(*heads)[1](upstream)
measured = own_parts.numeric_gradients(lambda *qkv: (attention(*qkv)[0] * upstream).sum(), *heads)
plot.gradient_check(np.concatenate([s.reshape(8, 3) for s in slopes]), np.concatenate([m.reshape(8, 3) for m in measured]), "q, k and v")

# %% [markdown]
r"""
## 12.9 The circle closes

The network of chapter 1 one last time: 64 random examples of 1000 numbers, 100 hidden values, 10 outputs, the sum of
squares. Three times the same start and the same steps: the gradient from chapter 1's formulas, your library, and
PyTorch (which is allowed here, because it is we who call it). Before you run the cell: how far apart will the three
losses be after 200 steps?
"""

# %% tags=["picture"]
import torch

draw = np.random.default_rng(0)
x, y, start1, start2 = (draw.standard_normal(shape) for shape in ((64, 1000), (64, 10), (1000, 100), (100, 10)))
hand1, hand2 = start1.copy(), start2.copy()
own1, own2 = Parameter(start1), Parameter(start2)
torch1, torch2 = (torch.tensor(w, requires_grad=True) for w in (start1, start2))
losses = {"chapter 1, by hand": [], "your library": [], "PyTorch": []}
ours, theirs = SGD([own1, own2], 1e-6), torch.optim.SGD([torch1, torch2], 1e-6)
for _ in range(200):
    h = x @ hand1
    miss = np.maximum(h, 0) @ hand2 - y
    losses["chapter 1, by hand"].append(float((miss**2).sum()))
    hand1, hand2 = hand1 - 1e-6 * x.T @ ((2 * miss @ hand2.T) * (h > 0)), hand2 - 1e-6 * np.maximum(h, 0).T @ (2 * miss)
    own_loss = (((Tensor(x) @ own1).relu() @ own2 - Tensor(y)) ** 2).sum()
    torch_loss = ((torch.relu(torch.tensor(x) @ torch1) @ torch2 - torch.tensor(y)) ** 2).sum()
    for name, loss, optimizer in (("your library", own_loss, ours), ("PyTorch", torch_loss, theirs)):
        losses[name].append(float(loss.data))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

# %% tags=["picture"]
by_hand = losses["chapter 1, by hand"]
apart = max(abs(a - b) / a for name in ("your library", "PyTorch") for a, b in zip(by_hand, losses[name]))
plot.curves(
    losses, xlabel="step", ylabel="sum of squared errors", log=True,
    alt=f"Three loss curves from {losses['PyTorch'][0]:.3g} to {losses['PyTorch'][-1]:.3g} that lie on top of each other: "
    f"chapter 1 by hand, your library, PyTorch; they differ by at most {apart:.1g} of their value",
)
print(f"largest relative difference between the three: {apart:.1g}")

# %% [markdown]
r"""
One curve where there should be three. What differs comes from the last bits of floating-point sums. The three programs
*mean* the same; they differ in who does the bookkeeping.
"""

# %% [markdown]
r"""
**Three designs side by side.** micrograd is Andrej Karpathy's teaching engine, about a hundred lines long.

| decision | micrograd | yours, as the course wrote it | PyTorch | first met in chapter |
|---|---|---|---|---|
| what a node holds | one number (`Value`) | an array | an array with device, dtype, strides | 1, 2 |
| how a way back is kept | a closure, `_backward`, that writes into its parents' `.grad` | a closure a parent, that *returns* a share | a `Node` object in C++ with saved tensors | 4 |
| where gradients are under way | in `.grad` of every node | in a dictionary of one `backward` call | in input buffers of one engine run | 3 |
| order of the walk | recursive, depth first | an explicit stack | counts of what is still to come, and a queue sorted by age | 3 |
| broadcasting | none: numbers have no shape | `unbroadcast` | `sum_to`, from recorded sizes | 1 |
| switching it off | not there | a class attribute | a thread-local mode | 3 |
| finding parameters | lists written by hand | a walk over attributes | registered when assigned | 7 |

The third row is why micrograd counts twice when two losses share a node and `backward` is called on both. The fourth is
why its chains end at about a thousand.
"""

# %% [markdown]
r"""
**What you paid for simplicity.** Your ways back keep *everything* they mention alive; PyTorch saves chosen tensors, frees
them after use, and notices when somebody changed one in between (its version counter). Yours are made of NumPy calls, so
a gradient has no graph of its own: no second derivatives. PyTorch's formulas are made of differentiable operations, and
then chapter 3's Hessian costs nothing new. To get there, let your ways back take and return Tensors. It is a change of a
few characters a line, and a good exercise for a rainy day.
"""

# %% [markdown]
r"""
## Two questions

These are read by a person. A few honest sentences are worth more than a page.
"""

# %% [markdown]
r"""
### Question A
For $C = A B$ with $A$ (N, K) and $B$ (K, M), and a loss $L$ with $G = \partial L / \partial C$: derive
$\partial L / \partial A$ and $\partial L / \partial B$ from single entries, with the shape of every factor. Then do the
same for $D = A + b$ with $b$ (K,), and say what `unbroadcast` has to do with the sum you find.
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_ways_back", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
r"""
**Model answer.** $C_{nm} = \sum_k A_{nk} B_{km}$. The entry $A_{nk}$ feeds $C_{nm}$ for every $m$, with weight $B_{km}$,
so $\partial L/\partial A_{nk} = \sum_m G_{nm} B_{km}$, that is $G B^\top$: (N, M) times (M, K) gives (N, K). $B_{km}$
feeds $C_{nm}$ for every $n$, so $\partial L/\partial B_{km} = \sum_n A_{nk} G_{nm}$, that is $A^\top G$: (K, N) times
(N, M). For $D_{nk} = A_{nk} + b_k$: $A$ gets $G$ as it is; $b_k$ feeds $D_{nk}$ for every $n$, with weight 1, so
$\partial L/\partial b_k = \sum_n G_{nk}$, shape (K,). That sum over the axis along which $b$ was repeated is what
`unbroadcast(G, (K,))` computes: one number that was read N times collects N gradients.

**Rubric.** 1 point: both gradients of the product from entries, sums over the right index. 1 point: shapes of all factors.
1 point: the gradient of $b$ as a sum over the repeated axis, and the link to `unbroadcast`.
"""

# %% [markdown]
r"""
### Question B
Pick one design decision of your library that another program decides otherwise (the table in 12.9, or one of your own).
Say what each choice costs and what it buys, and give an example of code that behaves differently, or fails, under the
other choice. Would you change yours?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_design", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
r"""
**Model answer** (one of many). *Gradients under way in a dictionary, instead of in `.grad` of every node.* micrograd's
way needs no dictionary, and one can look at the gradient of any node afterwards, which is good for teaching. It costs
correctness where a node is walked twice: with `h = x * x`, `(h * 1).backward(); (h * 10).backward()` the second walk finds
the 1 of the first in `h.grad`, adds its 10, and passes 11 on, so `x` gets 1 + 11 = 12 shares instead of 11. The dictionary
costs a lookup a node, and gradients in the middle are gone. I would keep it, and add a `retain_grad()` for a look inside,
as PyTorch does.

**Rubric.** 1 point: a real alternative, described correctly. 1 point: a cost and a gain on both sides. 1 point: an example
that tells the two apart, and a conclusion that follows from it.
"""

# %% [markdown]
r"""
## Summary

| you wrote | what is now hidden behind the name | in PyTorch |
|---|---|---|
| `unbroadcast` | a number read many times collects many gradients | `sum_to` |
| `topological_order` | nobody passes on before everything has arrived | the engine's dependency counts |
| `Tensor`, `backward` | every formula of chapters 1 and 4, and the chain rule | `torch.Tensor`, autograd |
| `no_grad` | a switch with a hand that turns it back | `torch.no_grad` |
| `cross_entropy` | a derivation you no longer do | `F.cross_entropy` |
| `Parameter`, `Module` | the list of weights keeps itself | `nn.Parameter`, `nn.Module` |
| `SGD` | the update, and its memory | `torch.optim.SGD` |
| `fit` | the loop over batches | your own loop, even there |

**What still hurts?** One core, one kind of processor, float64 only, and a Python call for each operation. That is what
the other million lines are for. You know now where each of them would go.
"""

# %% [markdown]
r"""
## Where to go next

- *In the library*, beside your own: `torch/csrc/autograd/engine.cpp` (`Engine::execute`, your `backward`),
  `input_buffer.cpp` beside it (your dictionary), `functions/accumulate_grad.cpp` (your `node.grad + grad`);
  `aten/src/ATen/ExpandUtils.h` (`sum_to`, your `unbroadcast`); `tools/autograd/derivatives.yaml` (your table of 12.3);
  `torch/nn/modules/module.py` (`__setattr__` and `_named_members`); `torch/optim/sgd.py` (`_single_tensor_sgd`).
- *Others' small libraries:* micrograd; tinygrad, which turns the graph into code for many processors; JAX, which
  differentiates functions instead of recording tensors.
- *Try:* the milestone after 12.8, inside your class; a `Dropout` and a `BatchNorm` on your own Module; ways back that return Tensors,
  and with them a second derivative; convolution as a matrix product of patches.
- *Then* open PyTorch's source at a place you have used for years. You can read it now. That was the plan.
- *Next chapter:* `13_modern_block`: back on PyTorch, the parts of which today's language models are made.
"""
