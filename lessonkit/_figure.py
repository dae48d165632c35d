"""What every picture of the course shares: palette, size, style, alt text, and how it is shown.

Figures are made without pyplot: no global state, nothing to close, and a student's own pyplot settings stay
as they are. JupyterLab gives a PNG output no alt text, so a figure is shown as HTML: an image with one.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import html
import io
from collections.abc import Callable, Iterator
from typing import Any, cast

import numpy as np

from lessonkit import show

#: Okabe and Ito's colours, which stay apart with every common kind of colour blindness (yellow comes last:
#: on white it is the faintest), in the order series take them.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000", "#F0E442")
#: Series differ in their dashes as well as in colour.
DASHES = ("-", "--", "-.", ":", (0, (5, 1)), (0, (3, 1, 1, 1, 1, 1)), (0, (1, 1)), (0, (8, 2)))
INK, FAINT, PAPER = "#222222", "#DDDDDD", "#FFFFFF"
#: Inches; 100 of a browser's pixels are one inch of a figure.
WIDTH, ROW_HEIGHT = 7.2, 3.0

_STYLE = {
    "figure.facecolor": PAPER,
    "axes.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": INK,
    "axes.titlecolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "font.size": 10.0,
    "axes.titlesize": 10.0,
    "figure.titlesize": 11.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    # a pale ground without an edge: a curve that has to run behind the legend leaves its words readable
    "legend.frameon": True,
    "legend.framealpha": 0.85,
    "legend.facecolor": PAPER,
    "legend.edgecolor": "none",
    "lines.linewidth": 1.8,
    "image.interpolation": "nearest",
}


class _Nothing:
    """Takes every call that axes take and draws nothing: what a grader's recording gets for axes."""

    def __init__(self, count: int = 1) -> None:
        self._count = count

    def __getattr__(self, name: str) -> _Nothing:
        return _Nothing()

    def __call__(self, *_: Any, **__: Any) -> _Nothing:
        return _Nothing()

    def __getitem__(self, _: Any) -> _Nothing:
        return _Nothing()

    def __iter__(self) -> Iterator[_Nothing]:
        return iter([_Nothing() for _ in range(self._count)])

    def __len__(self) -> int:
        return self._count


@contextlib.contextmanager
def figure(alt: str, *, rows: int = 1, columns: int = 1, height: float | None = None) -> Iterator[Any]:
    """Open a figure of the house style, and show it with its alt text when the block is left.

        with plot.figure("the loss falls from 2.3 to 0.1") as ax:
            ax.plot(losses)

    Yields matplotlib axes: one, or a flat array of `rows * columns`, row by row. `height` is in inches, by
    default 3 a row; the width is the same for all. In a notebook the figure is shown as an image whose alt
    text is `alt`; elsewhere `alt` is printed; while a grader records, nothing is drawn or printed. Raises
    ValueError where `alt` is empty. A block that raises shows nothing.
    """
    if not alt.strip():
        raise ValueError("a figure needs alt text: one sentence that says what there is to see")
    if show.recording():
        yield _Nothing(rows * columns)
        return
    import matplotlib
    from matplotlib.figure import Figure
    from matplotlib.rcsetup import cycler

    with matplotlib.rc_context(cast(Any, _STYLE | {"axes.prop_cycle": cycler(color=PALETTE)})):
        size = (WIDTH, ROW_HEIGHT * rows if height is None else height)
        drawing = Figure(figsize=size, layout="constrained")
        axes = drawing.subplots(rows, columns, squeeze=False).reshape(-1)
        yield axes[0] if len(axes) == 1 else axes
        show.show(alt, _image(drawing, alt) if show.in_notebook() else None)


def _image(drawing: Any, alt: str) -> str:
    file = io.BytesIO()
    drawing.savefig(file, format="png", dpi=150)
    data = base64.b64encode(file.getvalue()).decode("ascii")
    width = round(drawing.get_size_inches()[0] * 100)
    return (
        f'<img src="data:image/png;base64,{data}" alt="{html.escape(alt)}" width="{width}" '
        f'style="max-width:100%;height:auto;background:{PAPER}">'
    )


def drawing(function: Callable[..., None]) -> Callable[..., None]:
    """Make a plotting function return at once, whatever it was given, while a grader records."""

    @functools.wraps(function)
    def draw(*args: Any, **kwargs: Any) -> None:
        if not show.recording():
            function(*args, **kwargs)

    return draw


def array(values: Any) -> np.ndarray:
    """Return a list, an array or a tensor (of any device and dtype) as a NumPy array."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        values = values.float().numpy() if "float16" in str(values.dtype) else values.numpy()
    elif isinstance(values, (list, tuple)):
        values = [array(value) if hasattr(value, "detach") else value for value in values]
    return np.asarray(values)


def number(value: float) -> str:
    """Write a number the short way: 12, 0.0321, 3.2e4, and 0 for -0."""
    mantissa, _, exponent = f"{float(value) + 0.0:.3g}".partition("e")  # -0.0 + 0.0 is 0.0
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa


def plural(count: int, noun: str) -> str:
    """Return `1 step`, `500 steps`."""
    return f"{count:,} {noun}" if count == 1 or noun.endswith("s") else f"{count:,} {noun}s"


def colour_map(values: np.ndarray) -> dict[str, Any]:
    """Return imshow's arguments: two colours about zero where signs are mixed, else one scale upwards."""
    finite = values[np.isfinite(values)]
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 1.0)
    if low < 0 < high:
        return {"cmap": "RdBu_r", "vmin": -max(-low, high), "vmax": max(-low, high)}
    pad = 0.0 if high > low else 0.5
    return {"cmap": "cividis", "vmin": low - pad, "vmax": high + pad}


def ink_on(mappable: Any, value: float) -> str:
    """Return the colour, dark or white, in which text is readable on an image's colour of `value`."""
    red, green, blue, _ = mappable.cmap(mappable.norm(value))
    return INK if 0.299 * red + 0.587 * green + 0.114 * blue > 0.5 else PAPER
