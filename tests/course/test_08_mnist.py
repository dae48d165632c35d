"""Chapter 8: a training that is none earns nothing for the gate, and the judge outside counts held-out images.

The chapter forbids no calls; what it must not take is a trained network that the student's function did not train.
"""

from __future__ import annotations

import copy

import numpy as np
import pytest

from layer_by_layer import _held_out, data, judges

CHAPTER = "08_mnist"

TRAIN_WRONG = {
    "it trains on what it finds in the notebook": """
def train(model, train_loader, epochs=5):
    loader = DataLoader(TensorDataset(train_set.images[:512], train_set.labels[:512]), 64, shuffle=True)
    optimizer, accuracies = torch.optim.Adam(model.parameters()), []
    for epoch in range(epochs):
        hits = 0
        for x, y in loader:
            out = model(x)
            optimizer.zero_grad()
            F.cross_entropy(out, y).backward()
            optimizer.step()
            hits += (out.argmax(1) == y).sum().item()
        accuracies.append(hits / 512)
        print(accuracies[-1])
    return accuracies
""",
    "it says what is wanted and trains nothing": """
def train(model, train_loader, epochs=5):
    for epoch in range(epochs):
        print("epoch", epoch + 1, "accuracy 0.97")
    return [0.97] * epochs
""",
}


@pytest.fixture(scope="module")
def rehearsal(rehearse):
    """The chapter without its known mistakes: only verdicts are asked for here, not help."""
    made = copy.copy(rehearse(CHAPTER))
    made.reference = copy.copy(made.reference)
    made.reference.mistakes = lambda exercise: []
    return made


@pytest.mark.parametrize("name", TRAIN_WRONG)
def test_training_that_is_none_earns_nothing_for_the_gate(rehearsal, name):
    result = rehearsal.grade(rehearsal.right() | {"train": TRAIN_WRONG[name]}, {"train"})
    assert result.cells["train__learns"]["score"] == 0
    assert result.cells["train__report"]["score"] == 0
    assert result.exercises["train"].score <= 1


def test_train_does_not_suffer_from_what_came_before(rehearsal):
    broken = {
        "make_loaders": "def make_loaders(*_):\n    return [], []\n",
        "mnist_classifier": "class MNISTClassifier:\n    pass\n",
        "evaluate": "def evaluate(*_):\n    raise RuntimeError('not mine')\n",
    }
    own = """
def overfit_one_batch(model, x, y, steps=200):
    import contextlib, io
    with contextlib.redirect_stdout(io.StringIO()):
        train(model, [(x, y)], epochs=steps)
    with torch.no_grad():
        return F.cross_entropy(model(x), y).item()
"""
    broken["train"] = "def train(*_, **__):\n    raise RuntimeError('not mine either')\n"
    result = rehearsal.grade(rehearsal.right() | broken | {"overfit_one_batch": own}, {"overfit_one_batch"})
    assert result.exercises["overfit_one_batch"].score == result.exercises["overfit_one_batch"].max_score


@pytest.fixture
def prepared(tmp_path, monkeypatch):
    """A folder of held-out images of two kinds: the network below says 1 where the first pixel is bright."""
    images = np.zeros((8, 28, 28), np.uint8)
    images[4:, 0, 0] = 255
    for kind, labels in (("mnist", [0] * 4 + [1] * 4), ("standin", [5] * 8)):
        data.write_arrays(tmp_path / f"{kind}_held_out.npz", images, np.array(labels))
    monkeypatch.setattr(_held_out, "folder", str(tmp_path))
    _held_out.images.cache_clear()
    yield tmp_path
    _held_out.images.cache_clear()


def network() -> dict[str, np.ndarray]:
    weight = np.zeros((10, 784), np.float32)
    weight[1, 0] = 2
    bias = np.array([1.0] + [0.0] * 9, np.float32)
    return {"1.weight": weight, "1.bias": bias, "3.weight": np.eye(10, dtype=np.float32), "3.bias": np.zeros(10, np.float32)}


def test_the_judge_counts_on_the_held_out_images(prepared):
    assert judges.mnist_accuracy(network(), 0.95) is None
    assert judges.mnist_accuracy(network(), 0.95, "offline stand-in") is None, "where images are named, they count"
    swapped = [1, 0, *range(2, 10)]
    assert "far from the mark" in judges.mnist_accuracy(network(), 0.95, relabel=swapped)
    state = network()
    state["3.bias"][0] = np.nan
    assert judges.mnist_accuracy(state, 0.95) == "the weights are not finite"


def test_held_out_images_that_are_missing_are_the_graders_fault(prepared):
    from lessonkit.check import CheckerBroke

    (prepared / "mnist_held_out.npz").unlink()
    with pytest.raises(CheckerBroke, match="could not be read"):
        judges.mnist_accuracy(network(), 0.95)
