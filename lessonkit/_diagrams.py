"""Two pictures that are no charts: a tensor's storage, and a graph of named boxes."""

from __future__ import annotations

from collections.abc import Container, Iterable
from itertools import pairwise
from typing import Any

import numpy as np

from lessonkit._figure import FAINT, INK, PALETTE, array, drawing, figure, number, plural

#: More cells than this are no picture any more.
MAX_CELLS = 96
_WRAP = 16
_BOX = {"fc": "#EAF3F9", "ec": PALETTE[0], "lw": 1.2}
_MARKED = {"fc": "#FBEADB", "ec": PALETTE[1], "lw": 2.6}


@drawing
def memory(tensor: Any, alt: str | None = None) -> None:
    """Draw a torch tensor's storage as numbered cells, and below it which of them the tensor's entries read.

    Entries have the colour of their last-but-one index; cells that the tensor does not read are grey. The
    title gives shape, stride and offset. Tensors of any number of dimensions, contiguous or not, views and
    expanded ones too. Raises ValueError where storage or tensor has more than 96 cells.
    """
    import torch

    storage = tensor.untyped_storage().nbytes() // tensor.element_size()
    if storage > MAX_CELLS or not 0 < tensor.numel() <= MAX_CELLS:
        raise ValueError(
            f"memory() draws 1 to {MAX_CELLS} cells, and this tensor has {tensor.numel()} entries "
            f"in a storage of {storage}; take a smaller one"
        )
    shape, stride, offset = tuple(tensor.shape), tensor.stride(), tensor.storage_offset()
    cells = array(tensor.detach().as_strided((storage,), (1,), 0))
    addresses = torch.arange(storage).as_strided(shape, stride, offset).numpy()
    addresses = addresses.reshape(-1, shape[-1] if shape else 1)
    walk = ", then ".join(" ".join(map(str, row)) for row in addresses[:4])
    more = f" and {plural(len(addresses) - 4, 'more row')}" if len(addresses) > 4 else ""
    facts = f"shape {shape}, stride {stride}, offset {offset}"
    alt = alt or (
        f"a tensor of {facts} over a storage of {storage}: its rows read the addresses {walk}{more}"
    )
    colour: dict[int, str] = {}
    for row, line in enumerate(addresses):
        for address in line:
            colour.setdefault(int(address), PALETTE[row % 6])
    lines = -(-storage // _WRAP)
    tall = lines + len(addresses) + 2
    with figure(alt, height=0.42 * tall + 0.7) as ax:
        for address, value in enumerate(cells):
            at = address % _WRAP, -(address // _WRAP)
            _cell(ax, *at, colour.get(address, FAINT), number(value), str(address))
        ax.text(-0.5, 0.75, "the storage, cell by cell", va="center", fontsize=9)
        below = -lines - 1.5
        ax.text(
            -0.5, below + 0.75, "the tensor reads, row by row (small: the address)", va="center", fontsize=9
        )
        for row, line in enumerate(addresses):
            for column, address in enumerate(line):
                _cell(ax, column, below - row, PALETTE[row % 6], number(cells[address]), str(address))
        terms = [f"{n} × index {axis}" for axis, n in enumerate(stride)]
        ax.set_title(f"{facts}\naddress = " + " + ".join([str(offset), *terms]))
        ax.set_xlim(-0.6, max(_WRAP, addresses.shape[1]) - 0.4)
        ax.set_ylim(below - len(addresses) + 0.4, 1.1)
        ax.set_axis_off()


def _cell(ax: Any, x: float, y: float, colour: str, value: str, address: str) -> None:
    from matplotlib.patches import Rectangle

    # a pale fill under dark figures, a full frame: readable for every colour of the palette
    ax.add_patch(Rectangle((x - 0.48, y - 0.46), 0.96, 0.92, facecolor=colour, alpha=0.25, edgecolor="none"))
    ax.add_patch(Rectangle((x - 0.48, y - 0.46), 0.96, 0.92, fill=False, edgecolor=colour, linewidth=1.4))
    ax.text(x, y + 0.12, value, ha="center", va="center", fontsize=8)
    ax.text(x + 0.44, y - 0.42, address, ha="right", va="bottom", fontsize=5.5)


@drawing
def graph(
    nodes: dict[Any, str], edges: Iterable[tuple[Any, Any]], alt: str | None = None, mark: Container[Any] = ()
) -> None:
    """Draw a directed graph without cycles, left to right, as named boxes joined by arrows.

    `nodes` gives each id its label (of one line or more), `edges` are pairs (from, to) of ids; the ids in `mark`
    get a thick frame of another colour. Raises ValueError where an edge names no node or the graph has a cycle.
    """
    edges = [(start, end) for start, end in edges]
    for edge in edges:
        for node in edge:
            if node not in nodes:
                raise ValueError(f"the edge {edge!r} names {node!r}, which is no node")
    layers = _layers(list(nodes), edges)
    labels = {node: str(label).replace("\n", " ") for node, label in nodes.items()}
    alt = alt or f"a graph of {plural(len(nodes), 'node')}: " + (
        ", ".join(f"{labels[start]} to {labels[end]}" for start, end in edges) or ", ".join(labels.values())
    )
    places, paths = _places(layers, edges)
    tallest = max(abs(y) for _, y in places.values()) * 2 + 1
    with figure(alt, height=max(1.2, 0.62 * tallest + 0.2)) as ax:
        for path in paths:
            _arrow(ax, [places[point] for point in path], max(str(nodes[path[-1]]).split("\n"), key=len))
        for node, label in nodes.items():
            ax.text(
                *places[node], str(label), ha="center", va="center", fontsize=9, zorder=3,
                bbox={"boxstyle": "round,pad=0.4", **(_MARKED if node in mark else _BOX)},
            )  # fmt: skip
        last = max(layers.values(), default=0)
        ax.set_xlim(-0.5, last + 0.5)
        ax.set_ylim(-tallest / 2 - 0.1, tallest / 2 + 0.1)
        ax.set_axis_off()


def _arrow(ax: Any, points: list[tuple[float, float]], label: str) -> None:
    end = 7 + 2.6 * len(label)  # about half the width of the box it points at, in points
    for (x, y), (u, v) in pairwise(points[:-1]):
        ax.plot([x, u], [y, v], color=INK, linewidth=1.1, zorder=1)
    ax.annotate(
        "", xy=points[-1], xytext=points[-2], zorder=1,
        arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 1.1, "shrinkA": 0, "shrinkB": end},
    )  # fmt: skip


def _layers(nodes: list[Any], edges: list[tuple[Any, Any]]) -> dict[Any, int]:
    """Return each node's column: the length of the longest path that leads to it."""
    layers = dict.fromkeys(nodes, 0)
    for _ in range(len(nodes) + 1):
        moved = False
        for start, end in edges:
            if layers[end] < layers[start] + 1:
                layers[end], moved = layers[start] + 1, True
        if not moved:
            return layers
    raise ValueError("the graph has a cycle, and left to right needs one without")


def _places(layers: dict[Any, int], edges: list[tuple[Any, Any]]) -> tuple[dict[Any, Any], list[list[Any]]]:
    """Return where each node lies, and the points each edge passes: long edges get a lane of their own."""
    columns: list[list[Any]] = [[] for _ in range(max(layers.values(), default=0) + 1)]
    for node, layer in layers.items():
        columns[layer].append(node)
    paths = []
    for i, (start, end) in enumerate(edges):
        lane = [("lane", i, layer) for layer in range(layers[start] + 1, layers[end])]
        for point in lane:
            columns[point[2]].append(point)
        paths.append([start, *lane, end])
    before: dict[Any, list[Any]] = {}
    for path in paths:
        for one, other in pairwise(path):
            before.setdefault(other, []).append(one)
    places: dict[Any, tuple[float, float]] = {}
    for x, column in enumerate(columns):
        height = {n: np.mean([places[b][1] for b in before[n]]) if n in before else 0.0 for n in column}
        ordered = sorted(column, key=lambda node: -height[node])  # stable: sources keep the order given
        for i, node in enumerate(ordered):
            places[node] = (float(x), (len(ordered) - 1) / 2 - i)
    return places, paths
