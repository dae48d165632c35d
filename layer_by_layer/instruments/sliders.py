"""A picture that wants to be moved: sliders in a notebook, nothing where there are no widgets.

    draw_descent(0.075)                                             # the still picture, for every reader
    sliders.move(draw_descent, lr=(0.005, 0.095, 0.005, 0.075))     # the same to play with
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lessonkit import show


def move(draw: Callable[..., Any], **ranges: tuple[float, float, float, float]) -> None:
    """Show one slider for each keyword, `name=(from, to, step, start)`, and call `draw(name=value, …)` with them.

    Outside of a notebook, or without ipywidgets, one line says where to find them: a page that is only read shows
    the still picture of the cell above.
    """
    if show.recording():
        return
    try:
        import ipywidgets
    except ImportError:
        ipywidgets = None
    if ipywidgets is None or not show.in_notebook():
        show.show(f"(In JupyterLab there are sliders here, for {' and '.join(ranges)}.)")
        return
    made = {
        name: ipywidgets.FloatSlider(
            start, min=low, max=high, step=step, description=name, readout_format=".3f", continuous_update=False,
            tooltip=f"{name}, from {low:g} to {high:g}; arrow keys move it",
        )
        for name, (low, high, step, start) in ranges.items()
    }  # fmt: skip
    ipywidgets.interact(draw, **made)
