"""Pictures for the course: one palette, one size, alt text for every figure.

Every function takes lists, NumPy arrays or tensors and returns None. In a notebook it shows an image whose
alt text is `alt`, or a sentence worked out from the data where none is given; elsewhere it prints that
sentence. While a grader records, it returns at once. `figure` is for a chapter's own picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from lessonkit._diagrams import graph, memory
from lessonkit._figure import DASHES, PALETTE, array, colour_map, drawing, figure, ink_on, number, plural
from lessonkit.compare import patterns

__all__ = [
    "PALETTE", "bars", "confusion", "curves", "figure", "gradient_check", "graph", "heatmap", "histograms",
    "images", "memory",
]  # fmt: skip

#: More images than this become too small to see.
MAX_IMAGES = 64


@drawing
def images(
    images: Any, labels: Any = None, predictions: Any = None, alt: str | None = None, columns: int = 8
) -> None:
    """Draw images side by side, `columns` a row, with their labels or predictions above.

    `images` is (H, W), (N, H, W), (N, 1, H, W), (N, 3, H, W), or (N, H * H) for square ones; the first 64
    are drawn. A prediction that is not the label reads "7, is 1". Raises ValueError for other shapes.
    """
    pictures = _pictures(array(images))
    total, pictures = len(pictures), pictures[:MAX_IMAGES]
    truth = None if labels is None else [str(label) for label in np.atleast_1d(array(labels))]
    guess = None if predictions is None else [str(label) for label in np.atleast_1d(array(predictions))]
    titles = [_title(truth, guess, i) for i in range(len(pictures))]
    alt = alt or _images_alt(total, titles, truth, guess)
    columns = max(1, min(columns, len(pictures)))
    rows = -(-len(pictures) // columns)
    height, width = pictures.shape[1:3]
    gap, head = max(1, width // 12), (-(-height // 3) if truth or guess else max(1, height // 12))
    sheet = np.ones((rows * (height + head), columns * (width + gap), *pictures.shape[3:]))
    with figure(alt, height=rows * 7.2 / max(columns, 4) * (height + head) / (width + gap)) as ax:
        for i, picture in enumerate(pictures):
            top, left = i // columns * (height + head) + head, i % columns * (width + gap)
            sheet[top : top + height, left : left + width] = picture
            wrong = titles[i] != guess[i] if truth and guess else False
            ax.text(
                left + width / 2, top - 1, titles[i], ha="center", va="bottom", fontsize=9,
                color=PALETTE[1] if wrong else "#222222", weight="bold" if wrong else "normal",
            )  # fmt: skip
        ax.imshow(sheet, cmap="gray", vmin=0, vmax=1)
        ax.set_axis_off()


def _pictures(values: np.ndarray) -> np.ndarray:
    """Return images as floats in [0, 1], (N, H, W) or (N, H, W, 3)."""
    shape = values.shape
    if values.ndim == 2 and shape[1] == round(shape[1] ** 0.5) ** 2 and shape[0] != shape[1]:
        values = values.reshape(shape[0], round(shape[1] ** 0.5), -1)
    elif values.ndim == 2:
        values = values[None]
    elif values.ndim == 4 and shape[1] in (1, 3):
        values = values[:, 0] if shape[1] == 1 else values.transpose(0, 2, 3, 1)
    if values.ndim not in (3, 4) or not values.size or (values.ndim == 4 and values.shape[3] != 3):
        raise ValueError(
            f"images are (H, W), (N, H, W), (N, 1, H, W), (N, 3, H, W) or (N, H * H), not {shape}"
        )
    values = values.astype(float)
    low, high = values.min(), values.max()
    # pixels of 0 to 1 or 0 to 255 keep their brightness; anything else (weights, say) is stretched
    low, high = (
        (0, 1) if low >= 0 and high <= 1 else (0, 255) if low >= 0 and 1 < high <= 255 else (low, high)
    )
    return (values - low) / (high - low or 1)


def _title(truth: list[str] | None, guess: list[str] | None, i: int) -> str:
    label = truth[i] if truth and i < len(truth) else ""
    if guess is None or i >= len(guess):
        return label
    return f"{guess[i]}, is {label}" if label and guess[i] != label else guess[i]


def _images_alt(total: int, titles: list[str], truth: list[str] | None, guess: list[str] | None) -> str:
    text = plural(total, "image") + (f", the first {len(titles)} drawn" if total > len(titles) else "")
    if truth and guess:
        wrong = [title for title in titles if ", is " in title]
        few = "; ".join(wrong[:8]) + ("; and more" if len(wrong) > 8 else "")
        return f"{text} with predictions, {len(wrong)} of {len(titles)} wrong" + (f": {few}" if wrong else "")
    if not truth and not guess:
        return text
    more = ", ..." if len(titles) > 16 else ""
    return f"{text} {'labelled' if truth else 'predicted'} {', '.join(titles[:16])}{more}"


@drawing
def curves(
    series: dict[str, Any], xlabel: str = "step", ylabel: str = "", alt: str | None = None, log: bool = False
) -> None:
    """Draw curves: `{"loss": values}`, or `{"loss": (x, values)}` with x of its own; `log` for a log y axis.

    Raises ValueError where a curve is empty or x and values differ in length.
    """
    lines = {name: _line(name, values) for name, values in series.items()}
    alt = alt or "; ".join(_curve_alt(name, x, y, xlabel) for name, (x, y) in lines.items())
    with figure(alt) as ax:
        for i, (name, (x, y)) in enumerate(lines.items()):
            marker = "o" if len(y) <= 20 else None
            ax.plot(x, y, label=name, linestyle=DASHES[i % len(DASHES)], marker=marker, markersize=4)
        if log:
            ax.set_yscale("log")
        ax.locator_params(axis="x", integer=all(np.all(x == x.round()) for x, _ in lines.values()))
        ax.set_xlabel(xlabel)
        ax.set_ylabel(ylabel or (next(iter(lines)) if len(lines) == 1 else ""))
        if len(lines) > 1:
            ax.legend()


def _line(name: str, values: Any) -> tuple[np.ndarray, np.ndarray]:
    if isinstance(values, tuple) and len(values) == 2 and np.ndim(values[0]) == 1:
        x, y = array(values[0]), array(values[1])
    else:
        y = array(values)
        x = np.arange(len(y.reshape(-1)))
    x, y = x.reshape(-1), y.reshape(-1).astype(float)
    if not len(y) or len(x) != len(y):
        raise ValueError(
            f"the curve {name!r} needs one value for each x, at least one: {len(x)} x, {len(y)} values"
        )
    return x, y


def _curve_alt(name: str, x: np.ndarray, y: np.ndarray, xlabel: str) -> str:
    unit = xlabel or "point"
    if not np.isfinite(y).all():
        bad = int(np.argmin(np.isfinite(y)))
        return f"{name} starts at {number(y[0])} and is {number(y[bad])} from {unit} {number(x[bad])} on"
    first, last = number(y[0]), number(y[-1])
    if first == last:
        text = f"{name} begins and ends at {first}"
    else:
        text = f"{name} {'falls' if y[-1] < y[0] else 'rises'} from {first} to {last}"
    text += f" over {plural(len(y), unit)}" if np.array_equal(x, np.arange(len(y))) else (
        f" from {unit} {number(x[0])} to {number(x[-1])}"
    )  # fmt: skip
    for word, at in (("lowest", int(y.argmin())), ("highest", int(y.argmax()))):
        if abs(y[at] - y[[0, -1]]).min() > 0.1 * (np.ptp(y) or 1):
            text += f", {word} {number(y[at])} at {unit} {number(x[at])}"
    return text


@drawing
def gradient_check(analytic: Any, numeric: Any, name: str, alt: str | None = None) -> None:
    """Draw a gradient from a formula beside the numeric one, and name how they differ in the title.

    The third panel is their ratio where one is a constant multiple of the other, else their difference. The
    title says "they agree" (to 0.1 % of the largest entry), or names the pattern: a constant factor, a
    transpose, a missing sum. Arrays or tensors of any shape; a third dimension and more are laid out flat.
    """
    got, want = array(analytic).astype(float), array(numeric).astype(float)
    verdict = _verdict(got, want)
    alt = alt or f"the gradient of {name} from the formula and the numeric one: {verdict}"
    with figure(alt, columns=3, height=2.6) as axes:
        _heat(axes[0], got, f"your formula {got.shape}")
        _heat(axes[1], want, f"numeric {want.shape}")
        largest = float(np.abs(np.nan_to_num(want)).max(initial=0)) or 1.0
        if got.shape != want.shape:
            axes[2].text(0.5, 0.5, "no difference:\nthe shapes differ", ha="center", va="center")
            axes[2].set_axis_off()
        elif " times " in verdict:
            ratio = np.divide(got, want, out=np.full(want.shape, np.nan), where=np.abs(want) > 1e-3 * largest)
            low, high = sorted((0.0, 2 * float(np.nanmedian(ratio))))
            _heat(axes[2], ratio, "formula / numeric", cmap="cividis", vmin=low, vmax=high)
        else:  # on the scale of the gradient itself, so that rounding errors stay white
            _heat(axes[2], got - want, "formula − numeric", cmap="RdBu_r", vmin=-largest, vmax=largest)
        axes[0].figure.suptitle(f"gradient of {name}: {verdict}")


def _verdict(got: np.ndarray, want: np.ndarray) -> str:
    if got.shape == want.shape and np.isfinite(got).all() and np.isfinite(want).all():
        gap = np.abs(got - want)
        if gap.size == 0 or gap.max() <= 1e-3 * max(np.abs(want).max(), 1e-6):
            return "they agree"
    if named := patterns(want, got):
        return "; ".join(named)
    if got.shape != want.shape:
        return f"the shapes differ, {got.shape} and {want.shape}"
    at = np.unravel_index(int(np.argmax(np.nan_to_num(gap, nan=np.inf))), gap.shape) if got.ndim else ()
    where = f", most at [{', '.join(str(i) for i in at)}]" if at else ""
    return f"they differ{where}: {number(got[at])} and {number(want[at])}"


def _heat(ax: Any, values: np.ndarray, title: str, **scale: Any) -> Any:
    flat = values.reshape(values.shape[0], -1) if values.ndim > 1 else np.atleast_2d(values)
    aspect = "auto" if max(flat.shape) > 8 * min(flat.shape) else "equal"
    picture = ax.imshow(flat, aspect=aspect, **(scale or colour_map(flat)))
    ax.figure.colorbar(picture, cax=ax.inset_axes([1.04, 0.1, 0.05, 0.8]))
    ax.set_title(title)
    ax.set_xticks([])
    ax.set_yticks([])
    return picture


@drawing
def heatmap(
    values: Any,
    title: str = "",
    alt: str | None = None,
    *,
    xlabel: str = "",
    ylabel: str = "",
    xticks: Sequence[Any] | None = None,
    yticks: Sequence[Any] | None = None,
) -> None:
    """Draw a matrix (rows, columns) as coloured cells, with its numbers where there are few.

    `xticks` and `yticks` name the columns and the rows. Raises ValueError where `values` has not two axes.
    """
    matrix = array(values).astype(float)
    if matrix.ndim != 2 or not matrix.size:
        raise ValueError(f"a heat map needs a matrix (rows, columns), not shape {matrix.shape}")
    at = np.unravel_index(int(np.nanargmax(np.where(np.isfinite(matrix), matrix, -np.inf))), matrix.shape)
    alt = alt or (
        f"{title or 'a matrix'} of {matrix.shape[0]} by {matrix.shape[1]} values from "
        f"{number(np.nanmin(matrix))} to {number(np.nanmax(matrix))}, largest in row {at[0]}, column {at[1]}"
    )
    _matrix(matrix, title, alt, xlabel, ylabel, xticks, yticks, number)


def _matrix(
    matrix: np.ndarray, title: str, alt: str, xlabel: str, ylabel: str, xticks: Any, yticks: Any, text: Any
) -> None:
    rows, columns = matrix.shape
    with figure(alt, height=float(np.clip(1 + 0.32 * rows, 2.4, 5.5))) as ax:
        picture = _heat(ax, matrix, title)
        if matrix.size <= 150 and columns <= 12:
            for (i, j), value in np.ndenumerate(matrix):
                ax.text(j, i, text(value), ha="center", va="center", fontsize=7, color=ink_on(picture, value))
        ax.set_xlabel(xlabel)
        ax.set_ylabel(ylabel)
        if xticks is not None:
            ax.set_xticks(range(columns), [str(tick) for tick in xticks])
        if yticks is not None:
            ax.set_yticks(range(rows), [str(tick) for tick in yticks])


@drawing
def confusion(matrix: Any, classes: Sequence[Any] | None = None, alt: str | None = None) -> None:
    """Draw a confusion matrix (true class, predicted class) of counts.

    Raises ValueError where it is not square or `classes` has another length.
    """
    counts = array(matrix).astype(float)
    if counts.ndim != 2 or counts.shape[0] != counts.shape[1] or not counts.size:
        raise ValueError(f"a confusion matrix is square, not {counts.shape}")
    names = [str(name) for name in (range(len(counts)) if classes is None else classes)]
    if len(names) != len(counts):
        raise ValueError(f"{len(names)} names for {len(counts)} classes")
    wrong = counts - np.diag(np.diag(counts))
    i, j = np.unravel_index(int(wrong.argmax()), wrong.shape)
    worst = (
        f"; most often {names[i]} is taken for {names[j]} ({plural(int(wrong[i, j]), 'time')})"
        if wrong.any()
        else ""
    )
    text = f"confusion matrix: {int(np.trace(counts)):,} of {int(counts.sum()):,} right{worst}"
    _matrix(counts, "", alt or text, "predicted", "true", names, names, lambda value: f"{value:.0f}")


@drawing
def histograms(series: dict[str, Any], alt: str | None = None, bins: int = 40, xlabel: str = "") -> None:
    """Draw one histogram beside the other on the same scale, such as the activations of each layer."""
    values = {name: array(one).astype(float).reshape(-1) for name, one in series.items()}
    finite = {name: one[np.isfinite(one)] for name, one in values.items()}
    if not finite or not all(one.size for one in finite.values()):
        raise ValueError("a histogram needs at least one finite value")
    alt = alt or "histograms: " + "; ".join(
        f"{name}: {plural(len(one), 'value')}, mean {_mean(one)}, spread {number(one.std())}"
        for name, one in finite.items()
    )
    low, high = min(one.min() for one in finite.values()), max(one.max() for one in finite.values())
    edges = np.linspace(low, high, bins + 1) if high > low else np.linspace(low - 0.5, low + 0.5, bins + 1)
    rows = -(-len(finite) // 4)
    columns = -(-len(finite) // rows)  # five are three and two, not four and one
    with figure(alt, rows=rows, columns=columns, height=2.2 * rows) as axes:
        grid = np.atleast_1d(axes)
        for ax in grid[len(finite) :]:
            ax.set_axis_off()
        for ax, (name, one) in zip(grid, finite.items(), strict=False):
            ax.hist(one, bins=edges, color=PALETTE[0])
            ax.set_title(f"{name}\nmean {_mean(one)}, std {number(one.std())}", fontsize=8)
            ax.set_yticks([])
            ax.set_xlabel(xlabel)


def _mean(values: np.ndarray) -> str:
    """Return the mean to a thousandth of the spread or so: what is 0 but for rounding reads 0, not 1.2e-9."""
    mean, spread = float(values.mean()), float(values.std())
    if spread > 0 and np.isfinite(spread):
        mean = round(mean, 3 - int(np.floor(np.log10(spread)))) + 0.0  # + 0.0 makes 0 of -0.0
    return number(mean)


@drawing
def bars(values: dict[str, float], alt: str | None = None, xlabel: str = "") -> None:
    """Draw named numbers as horizontal bars, each with its value written beside it."""
    numbers = {str(name): float(array(value)) for name, value in values.items()}
    alt = alt or (f"{xlabel}: " if xlabel else "") + ", ".join(f"{n} {_exact(v)}" for n, v in numbers.items())
    with figure(alt, height=0.8 + 0.32 * len(numbers)) as ax:
        drawn = ax.barh(list(numbers), list(numbers.values()), color=PALETTE[0], height=0.65)
        ax.bar_label(drawn, [_exact(value) for value in numbers.values()], padding=4)
        ax.invert_yaxis()
        ax.margins(x=0.12)
        ax.set_xlabel(xlabel)


def _exact(value: float) -> str:
    """Write a whole number with all its digits, 100,000, and any other the short way."""
    return f"{int(value):,}" if value.is_integer() and abs(value) < 1e7 else number(value)
