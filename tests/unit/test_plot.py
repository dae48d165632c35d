"""Every figure has alt text that is true, draws what it is given, and is silent while a grader records."""

import base64
import io
import math
import os
import re
import subprocess
import sys

import numpy as np
import pytest
import torch

from lessonkit import _figure, plot, show

SEEN = np.random.default_rng(0).normal(size=(6, 4))


@pytest.fixture
def notebook(monkeypatch):
    """Pretend to be in a notebook; return the list of what was displayed."""
    import IPython.display

    shown = []
    monkeypatch.setattr(show, "in_notebook", lambda: True)
    monkeypatch.setattr(IPython.display, "display", lambda data, raw: shown.append(data))
    return shown


ALT = {
    "images": (
        lambda: plot.images(torch.rand(3, 1, 8, 8), torch.tensor([4, 0, 2])),
        "3 images labelled 4, 0, 2",
    ),
    "predictions": (
        lambda: plot.images(np.zeros((3, 8, 8)), [4, 0, 2], np.array([4, 1, 2])),
        "3 images with predictions, 1 of 3 wrong: 1, is 0",
    ),
    "all right": (
        lambda: plot.images(np.zeros((2, 64)), [4, 0], [4, 0]),
        "2 images with predictions, 0 of 2 wrong",
    ),
    "many images": (lambda: plot.images(np.zeros((100, 8, 8))), "100 images, the first 64 drawn"),
    "one image": (lambda: plot.images(np.arange(784.0).reshape(28, 28)), "1 image"),
    "colour images": (
        lambda: plot.images(np.zeros((2, 3, 4, 4)), predictions=["a", "b"]),
        "2 images predicted a, b",
    ),
    "labels past sixteen": (
        lambda: plot.images(np.zeros((17, 4, 4)), [0] * 17),
        "17 images labelled " + ", ".join("0" * 16) + ", ...",
    ),
    "curve": (
        lambda: plot.curves({"loss": np.geomspace(3.2e4, 12, 500)}, log=True),
        "loss falls from 3.2e4 to 12 over 500 steps",
    ),
    "two curves": (
        lambda: plot.curves(
            {"loss": torch.tensor([3.0, 1, 2], requires_grad=True), "accuracy": [0.5, 0.9]}, "epoch"
        ),
        "loss falls from 3 to 2 over 3 epochs, lowest 1 at epoch 1; "
        "accuracy rises from 0.5 to 0.9 over 2 epochs",
    ),
    "curve with its own x": (
        lambda: plot.curves({"loss": ([0.1, 0.2], [1.0, 1.0])}, xlabel="learning rate"),
        "loss begins and ends at 1 from learning rate 0.1 to 0.2",
    ),
    "diverging curve": (
        lambda: plot.curves({"loss": [2.0, 50.0, float("nan"), float("nan")]}),
        "loss starts at 2 and is nan from step 2 on",
    ),
    "one point": (lambda: plot.curves({"loss": [2]}), "loss begins and ends at 2 over 1 step"),
    "heat map": (
        lambda: plot.heatmap([[0, 1], [5, 2]], "weights"),
        "weights of 2 by 2 values from 0 to 5, largest in row 1, column 0",
    ),
    "constant heat map": (
        lambda: plot.heatmap(np.ones((20, 30)), xticks=range(30)),
        "a matrix of 20 by 30 values from 1 to 1, largest in row 0, column 0",
    ),
    "confusion": (
        lambda: plot.confusion(torch.tensor([[9, 1], [3, 7]]), ["cat", "dog"]),
        "confusion matrix: 16 of 20 right; most often dog is taken for cat (3 times)",
    ),
    "confusion without errors": (lambda: plot.confusion(np.eye(3)), "confusion matrix: 3 of 3 right"),
    "histograms": (
        lambda: plot.histograms({"h1": [1.0, 3.0], "h2": torch.zeros(5, dtype=torch.bfloat16)}),
        "histograms: h1: 2 values, mean 2, spread 1; h2: 5 values, mean 0, spread 0",
    ),
    "histogram of noise about 0": (
        lambda: plot.histograms({"h": [-1.0, 1.0 + 3e-8], "far": [1000.0, 1000.5]}),
        "histograms: h: 2 values, mean 0, spread 1; far: 2 values, mean 1e3, spread 0.25",
    ),
    "bars of whole numbers": (
        lambda: plot.bars({"weight": 100_000, "bias": 100, "nan": math.nan}),
        "weight 100,000, bias 100, nan nan",
    ),
    "bars": (
        lambda: plot.bars({"SGD": 0.91, "Adam": torch.tensor(0.973)}, xlabel="accuracy"),
        "accuracy: SGD 0.91, Adam 0.973",
    ),
    "memory": (
        lambda: plot.memory(torch.arange(6.0).reshape(2, 3).T),
        "a tensor of shape (3, 2), stride (1, 3), offset 0 over a storage of 6: "
        "its rows read the addresses 0 3, then 1 4, then 2 5",
    ),
    "memory of a slice": (
        lambda: plot.memory(torch.arange(12)[3::2]),
        "a tensor of shape (5,), stride (2,), offset 3 over a storage of 12: "
        "its rows read the addresses 3 5 7 9 11",
    ),
    "memory of a number": (
        lambda: plot.memory(torch.tensor(2.5, requires_grad=True)),
        "a tensor of shape (), stride (), offset 0 over a storage of 1: its rows read the addresses 0",
    ),
    "memory of an expanded row": (
        lambda: plot.memory(torch.tensor([True, False]).expand(5, 2)),
        "a tensor of shape (5, 2), stride (0, 1), offset 0 over a storage of 2: its rows read the addresses "
        "0 1, then 0 1, then 0 1, then 0 1 and 1 more row",
    ),
    "graph": (
        lambda: plot.graph({1: "x", 2: "w", 3: "x @ w", 4: "loss"}, [(1, 3), (2, 3), (3, 4), (1, 4)]),
        "a graph of 4 nodes: x to x @ w, w to x @ w, x @ w to loss, x to loss",
    ),
    "graph without edges": (lambda: plot.graph({"a": "one"}, []), "a graph of 1 node: one"),
    "gradients that agree": (
        lambda: plot.gradient_check(SEEN, torch.tensor(SEEN + 1e-6), "w"),
        "the gradient of w from the formula and the numeric one: they agree",
    ),
    "a factor": (
        lambda: plot.gradient_check(2 * SEEN, SEEN, "w"),
        "the gradient of w from the formula and the numeric one: every entry is 2 times the expected one",
    ),
    "a sign": (
        lambda: plot.gradient_check(-SEEN, SEEN, "w"),
        "the gradient of w from the formula and the numeric one: the sign is reversed everywhere",
    ),
    "a transpose": (
        lambda: plot.gradient_check(SEEN.T, SEEN, "w"),
        "the gradient of w from the formula and the numeric one: it is the transpose of what was expected",
    ),
    "a missing sum": (
        lambda: plot.gradient_check(SEEN, SEEN.sum(0), "b"),
        "the gradient of b from the formula and the numeric one: a sum over axis 0 is missing",
    ),
    "one wrong entry": (
        lambda: plot.gradient_check([1.0, 2.0, 7.0], [1.0, 2.0, 3.0], "b"),
        "the gradient of b from the formula and the numeric one: they differ, most at [2]: 7 and 3",
    ),
    "nan": (
        lambda: plot.gradient_check([1.0, np.nan], [1.0, 2.0], "b"),
        "the gradient of b from the formula and the numeric one: it holds nan: 1 of 2 entries",
    ),
    "other shapes": (
        lambda: plot.gradient_check(np.ones((2, 3, 4)), np.ones(5), "k"),
        "the gradient of k from the formula and the numeric one: the shapes differ, (2, 3, 4) and (5,)",
    ),
    "one number": (
        lambda: plot.gradient_check(3.0, 2.0, "s"),
        "the gradient of s from the formula and the numeric one: it is 1.5 times the expected value",
    ),
    "your own words": (lambda: plot.bars({"a": 1}, alt="one bar"), "one bar"),
}


@pytest.mark.parametrize("name", ALT)
def test_the_alt_text_is_printed_outside_a_notebook(name, capsys):
    draw, alt = ALT[name]
    assert draw() is None
    assert capsys.readouterr() == (alt + "\n", "")


@pytest.mark.parametrize("name", ALT)
def test_nothing_happens_while_recording(name, capsys, monkeypatch):
    monkeypatch.setattr(show, "_recording", [True])
    monkeypatch.setattr(_figure, "figure", None)
    assert ALT[name][0]() is None
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    "name", ["predictions", "two curves", "confusion", "memory", "graph", "a factor", "histograms"]
)
def test_a_notebook_gets_an_image_with_its_alt_text(name, notebook, capsys):
    draw, alt = ALT[name]
    draw()
    (shown,) = notebook
    assert shown["text/plain"] == alt
    found = re.fullmatch(
        r'<img src="data:image/png;base64,([^"]+)" alt="([^"]*)" width="720" style="[^"]+">',
        shown["text/html"],
    )
    assert found[2] == alt
    picture = load(found[1])
    assert picture.shape[1] == 1080
    assert np.ptp(picture[..., :3]) > 0.8  # dark on white
    assert (picture[0, 0, :3] == 1).all()
    assert (picture[..., 3] == 1).all()  # a ground of its own, in a dark theme too
    assert capsys.readouterr() == ("", "")


def load(data: str) -> np.ndarray:
    from matplotlib.image import imread

    return imread(io.BytesIO(base64.b64decode(data)), format="png")


def test_alt_text_is_escaped(notebook):
    with plot.figure('x < 1 & "y"'):
        pass
    assert 'alt="x &lt; 1 &amp; &quot;y&quot;"' in notebook[0]["text/html"]


def test_figure_gives_one_axes_or_a_flat_array(capsys):
    with plot.figure("one") as ax:
        ax.plot([1, 2])
    with plot.figure("six", rows=2, columns=3, height=4) as axes:
        assert axes.shape == (6,)
        assert tuple(axes[0].figure.get_size_inches()) == (7.2, 4)
    assert capsys.readouterr().out == "one\nsix\n"
    with pytest.raises(ValueError, match=r"^a figure needs alt text"), plot.figure("  "):
        pass


def test_a_figure_whose_block_raises_shows_nothing(capsys):
    def broken():
        with plot.figure("never seen"):
            raise KeyError("from the block")

    with pytest.raises(KeyError, match="from the block"):
        broken()
    assert capsys.readouterr().out == ""


def test_a_chapters_own_figure_runs_while_recording(monkeypatch, capsys):
    monkeypatch.setattr(show, "_recording", [True])
    with plot.figure("a pair", columns=2) as (left, right):
        (line,) = left.plot([1, 2])
        line.set_color("red")
        right.figure.colorbar(right.imshow(np.eye(2)))
    with plot.figure("four", rows=2, columns=2) as axes:
        assert len(axes) == 4
        for ax, values in zip(axes, np.eye(4), strict=True):
            ax.bar(range(4), values)
        axes[0].set_title("first")
    assert capsys.readouterr().out == ""


def test_pyplot_is_left_alone():
    code = (
        "import sys; from matplotlib import rcParams; from lessonkit import plot;"
        "rcParams['text.color'] = 'red'; plot.bars({'a': 1});"
        "print(rcParams['text.color'], 'matplotlib.pyplot' in sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    assert run.stdout == "a 1\nred False\n"


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: plot.images(np.zeros((2, 5, 4, 4))), r"images are \(H, W\), .* not \(2, 5, 4, 4\)$"),
        (lambda: plot.images([]), r"images are .* not \(0,\)$"),
        (
            lambda: plot.curves({"loss": []}),
            "the curve 'loss' needs one value for each x, at least one: 0 x, 0 values",
        ),
        (
            lambda: plot.curves({"a": ([1, 2], [1])}),
            "the curve 'a' needs one value for each x, .* 2 x, 1 values",
        ),
        (lambda: plot.heatmap([1, 2]), r"a heat map needs a matrix \(rows, columns\), not shape \(2,\)"),
        (lambda: plot.confusion(np.ones((2, 3))), r"a confusion matrix is square, not \(2, 3\)"),
        (lambda: plot.confusion(np.eye(3), "ab"), "2 names for 3 classes"),
        (lambda: plot.histograms({"a": [np.nan]}), "a histogram needs at least one finite value"),
        (
            lambda: plot.memory(torch.zeros(97)),
            "this tensor has 97 entries in a storage of 97; take a smaller one",
        ),
        (lambda: plot.memory(torch.zeros(200)[:3]), "this tensor has 3 entries in a storage of 200"),
        (lambda: plot.graph({1: "a"}, [(1, 2)]), r"the edge \(1, 2\) names 2, which is no node"),
        (lambda: plot.graph({1: "a", 2: "b"}, [(1, 2), (2, 1)]), "the graph has a cycle"),
    ],
)
def test_what_cannot_be_drawn_is_said(draw, message):
    with pytest.raises(ValueError, match=message):
        draw()


def test_numbers_are_short():
    assert _figure.number(-0.0) == "0"
    assert [_figure.number(x) for x in (12, 0.03214, 32100, 1e-7, 0, -2.5, np.inf)] == [
        "12", "0.0321", "3.21e4", "1e-7", "0", "-2.5", "inf",
    ]  # fmt: skip
