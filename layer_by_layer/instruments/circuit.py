"""Draw a computation on single numbers as a circuit: what flows forward on each wire, and what flows back.

    circuit.draw(("x", 2, -18), [("times", ("x w", 6, -6)), ...], {"times": ("w", 3, -12)}, alt=...)
"""

from __future__ import annotations

from typing import Any

from lessonkit import plot
from lessonkit._figure import number

#: What a wire carries: its name, the value on the way forward, the gradient of the loss on the way back.
Wire = tuple[str, float, float]
_STEP = 2.4


def draw(start: Wire, stages: list[tuple[str, Wire]], inputs: dict[str, Wire], alt: str) -> None:
    """Draw a chain of operations, each with the wire that leaves it; `inputs` enter an operation from above.

    On every wire stand its name and value (above or left of it) and, bold and in another colour, the gradient. An
    operation is named by what it does; the names are the keys of `inputs`.
    """
    with plot.figure(alt, height=1.9) as ax:
        _wire(ax, 0, start)
        for place, (operation, wire) in enumerate(stages, 1):
            x = place * _STEP - 0.2
            if operation in inputs:
                _input(ax, x, inputs[operation])
            ax.text(
                x, 0, operation, ha="center", va="center", fontsize=10, zorder=3,
                bbox={"boxstyle": "round,pad=0.45", "fc": "#EAF3F9", "ec": plot.PALETTE[0]},
            )  # fmt: skip
            _wire(ax, place * _STEP, wire)
        ax.set_xlim(-0.2, (len(stages) + 1) * _STEP - 0.2)
        ax.set_ylim(-0.7, 1.5)
        ax.set_axis_off()


def _wire(ax: Any, left: float, wire: Wire) -> None:
    name, value, gradient = wire
    ax.plot([left, left + _STEP - 0.4], [0, 0], color="#222222", linewidth=1.2, zorder=1)
    middle = left + 1.15
    ax.text(middle, 0.14, f"{name} = {number(value)}", va="bottom", ha="center", color=plot.PALETTE[0], fontsize=9)
    ax.text(middle, -0.14, number(gradient), va="top", ha="center", color=plot.PALETTE[1], weight="bold", fontsize=9)


def _input(ax: Any, x: float, wire: Wire) -> None:
    name, value, gradient = wire
    ax.plot([x, x], [0, 1.3], color="#222222", linewidth=1.2, zorder=1)
    ax.text(x - 0.1, 0.85, f"{name} = {number(value)}", va="center", ha="right", color=plot.PALETTE[0], fontsize=9)
    ax.text(x + 0.1, 0.85, number(gradient), va="center", ha="left", color=plot.PALETTE[1], weight="bold", fontsize=9)
