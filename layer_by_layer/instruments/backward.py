"""Look inside a backward pass: the graph above a tensor, what arrives at each node, and what it had saved.

    steps = backward.record(loss, w1=w1, w2=w2)
    steps.draw()      # the whole way back in one picture
    steps.draw(3)     # the first three nodes
    steps.slider()    # node by node in a notebook

A node is what torch calls a `grad_fn`. Drawing is all this is for: no exercise is solved with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from lessonkit import plot, show
from lessonkit._figure import number, plural

#: More nodes than this are no picture any more.
MAX_NODES = 24


@dataclass(frozen=True)
class Step:
    """One node's turn: its place in the graph, its name, what arrived, what it had kept, what it left."""

    node: int
    name: str
    incoming: str
    saved: str
    left: str

    def __str__(self) -> str:
        text = f"{self.name}: the gradient {self.incoming} arrives"
        text += f"; kept from the way forward: {self.saved}" if self.saved else "; it had kept no tensor"
        return text + (f"; .grad is now {self.left}" if self.left else "")


class Steps:
    """A backward pass that has run: the graph's labels and edges, and a `Step` for each node, in order."""

    def __init__(self, labels: list[str], edges: list[tuple[int, int]], steps: list[Step]) -> None:
        self.labels, self.edges, self.steps = labels, edges, steps

    def __len__(self) -> int:
        return len(self.steps)

    def draw(self, done: int | None = None) -> None:
        """Draw the graph after the first `done` steps (by default all of them); say what the last one did.

        A node that has had its turn shows its number and the gradient that arrived; the last one is marked.
        """
        done = len(self.steps) if done is None else max(0, min(done, len(self.steps)))
        whole = done == len(self.steps)
        labels = dict(enumerate(self.labels))
        for turn, step in enumerate(self.steps[:done], 1):
            labels[step.node] = f"{turn}. {self.labels[step.node]}\n{step.incoming}"
        text = [f"step {turn}, {step}" for turn, step in enumerate(self.steps[:done], 1)]
        start = f"the backward pass through {plural(len(self.labels), 'node')}, {done} done"
        mark = {self.steps[done - 1].node} if done and not whole else set()
        plot.graph(labels, self.edges, alt=". ".join([start, *text]), mark=mark)
        if done and show.in_notebook() and not show.recording():
            show.show("\n".join(text) if whole else text[-1])

    def slider(self) -> None:
        """Show a slider that steps backwards node by node; without widgets, the whole in one picture."""
        if show.recording():
            return
        try:
            import ipywidgets
        except ImportError:
            ipywidgets = None
        if ipywidgets is None or not show.in_notebook():
            self.draw()
            return
        step = ipywidgets.IntSlider(
            0, 0, len(self.steps), description="step", continuous_update=False,
            tooltip="how many nodes of the backward pass have run; arrow keys move it",
        )  # fmt: skip
        ipywidgets.interact(self.draw, done=step)


def graph(tensor: Any, alt: str = "", **leaves: Any) -> None:
    """Draw the graph above a tensor, the gradient's way from left to right; `leaves` names leaf tensors."""
    if show.recording():
        return
    nodes, edges = _walk(tensor)
    labels = dict(enumerate(_labels(nodes, leaves)))
    ways = ", ".join(f"{labels[a]} to {labels[b]}" for a, b in edges) or "no edges"
    plot.graph(labels, edges, alt=alt or f"the graph of {plural(len(nodes), 'node')} above a tensor: {ways}")


def record(tensor: Any, **leaves: Any) -> Steps:
    """Run the backward pass of a tensor of one element and return what happened, node by node.

    `leaves` names leaf tensors. Afterwards the graph can be used again, and every `.grad` is what it was.
    Raises ValueError where the tensor has no graph, more elements than one, or more nodes than a picture.
    """
    if tensor.grad_fn is None or tensor.numel() != 1:
        raise ValueError("a backward pass starts at one number, computed from a leaf with requires_grad")
    nodes, edges = _walk(tensor)
    labels = _labels(nodes, leaves)
    order: list[int] = []
    arrived: dict[int, Any] = {}

    def note(i: int) -> Any:
        def hook(gradients: Any) -> None:
            order.append(i)
            arrived[i] = [g.detach().clone() for g in gradients if g is not None]

        return hook

    handles = [node.register_prehook(note(i)) for i, node in enumerate(nodes)]
    owners = {i: node.variable for i, node in enumerate(nodes) if hasattr(node, "variable")}
    before = {i: leaf.grad for i, leaf in owners.items()}
    try:
        for leaf in owners.values():
            leaf.grad = None if leaf.grad is None else leaf.grad.clone()
        tensor.backward(retain_graph=True)
        left = {i: _say(leaf.grad) for i, leaf in owners.items()}
    finally:
        for handle in handles:
            handle.remove()
        for i, leaf in owners.items():
            leaf.grad = before[i]
    steps = [
        Step(i, labels[i], ", ".join(map(_say, arrived[i])), _saved(nodes[i]), left.get(i, "")) for i in order
    ]
    return Steps(labels, edges, steps)


def _walk(tensor: Any) -> tuple[list[Any], list[tuple[int, int]]]:
    if tensor.grad_fn is None:
        raise ValueError("this tensor has no graph: nothing it was computed from requires grad")
    places, edges, todo = {tensor.grad_fn: 0}, [], [tensor.grad_fn]
    for node in todo:  # grows while it is walked
        for child, _ in node.next_functions:
            if child is None:
                continue
            if child not in places:
                places[child] = len(todo)
                todo.append(child)
            if (places[node], places[child]) not in edges:
                edges.append((places[node], places[child]))
        if len(todo) > MAX_NODES:
            raise ValueError(f"more than {MAX_NODES} nodes are no picture; take a smaller expression")
    return todo, edges


def _labels(nodes: list[Any], leaves: dict[str, Any]) -> list[str]:
    labels = []
    for node in nodes:
        leaf = getattr(node, "variable", None)
        name = next((name for name, tensor in leaves.items() if tensor is leaf), None)
        short = type(node).__name__.removesuffix("0").removesuffix("Backward")
        labels.append(short if leaf is None else f"{name or 'leaf'}.grad")
    return labels


def _say(tensor: Any) -> str:
    if tensor is None:
        return "None"
    if tensor.numel() == 1:
        return number(float(tensor))
    return f"({', '.join(map(str, tensor.shape))})"


def _saved(node: Any) -> str:
    found = []
    for attribute in dir(node):
        if attribute.startswith("_saved_") and hasattr(getattr(node, attribute), "numel"):
            found.append(f"{attribute.removeprefix('_saved_')} {_say(getattr(node, attribute).detach())}")
    return ", ".join(found)
