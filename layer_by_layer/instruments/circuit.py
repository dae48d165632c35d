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

    On every wire stand its name and value (above) and, in the other colour, the gradient (below). An operation
    is named by what it does; the names are the keys of `inputs`.
    """
    with plot.figure(alt, height=2.3) as ax:
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
        ax.set_ylim(-0.9, 2.0)
        ax.set_axis_off()


def _wire(ax: Any, left: float, wire: Wire) -> None:
    name, value, gradient = wire
    ax.plot([left, left + _STEP - 0.4], [0, 0], color="#222222", linewidth=1.2, zorder=1)
    _numbers(ax, left + 1.15, 0.0, f"{name} = {number(value)}", number(gradient))


def _input(ax: Any, x: float, wire: Wire) -> None:
    name, value, gradient = wire
    ax.plot([x, x], [0, 1.1], color="#222222", linewidth=1.2, zorder=1)
    _numbers(ax, x, 1.35, f"{name} = {number(value)}", number(gradient))


def _numbers(ax: Any, x: float, y: float, forward: str, back: str) -> None:
    style: dict[str, Any] = {"ha": "center", "fontsize": 9}
    ax.text(x, y + 0.14, forward, va="bottom", color=plot.PALETTE[0], **style)
    ax.text(x, y - 0.14, back, va="top", color=plot.PALETTE[1], weight="bold", **style)
