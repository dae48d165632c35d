"""Judge trained weights on digits that the training never saw; loaded only when a judge asks for them.

Where grading happens, the judging process is told a folder of `layer_by_layer.data.prepare`, which no run can see.
Elsewhere (a student's own notebook) the course's test set stands in.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
from pathlib import Path

import numpy as np

from layer_by_layer._standin import read_arrays

#: Where held-out images lie; None for the course's test set. `layer_by_layer.judges.use_held_out` sets it.
folder: str | None = None


@functools.cache
def images(name: str, folder: str | None) -> tuple[np.ndarray, np.ndarray]:
    """Return (images (N, pixels) in [0, 1], labels (N,)) of `mnist`, `standin` or `digits`.

    They come from `folder` where one is named.
    """
    if folder:
        found, labels = read_arrays(Path(folder) / f"{name}_held_out.npz")
        if found.dtype != np.uint8:
            return found.reshape(len(found), -1).astype(np.float32), labels
        return found.reshape(len(found), -1).astype(np.float32) / 255, labels
    from layer_by_layer import data

    with contextlib.redirect_stdout(io.StringIO()):
        if name == "digits":
            return data.digits()[1]
        test = (data.standin if name == "standin" else data.mnist)(limit=1)[1]
    return test.images.reshape(len(test), -1).numpy(), test.labels.numpy()


#: Accuracies by what they were counted from: a grader compares a submission with every known mistake's network.
_counted: dict[bytes, float] = {}


def layers_of(state: dict[str, np.ndarray]) -> list[np.ndarray]:
    """Return [weight, bias, weight, …] of the entries `….weight` and `….bias`, in order; None for a bias that is missing."""
    return [state.get(name) for key in state if key.endswith("weight") for name in (key, key.removesuffix("weight") + "bias")]  # type: ignore[misc]


def accuracy(state: dict[str, np.ndarray], name: str, relabel: list[int] | None = None) -> float:
    """Return the share of held-out digits that a network of linear layers with ReLU between gets right.

    `state` holds `….weight` (out, in) and `….bias` of each layer, in order. With `relabel`, digit d counts
    as `relabel[d]`.
    """
    from lessonkit.check import CheckerBroke

    try:
        values, labels = images(name, folder)
    except ValueError as error:
        raise CheckerBroke(f"the held-out images could not be read: {error}") from error
    truth = labels if relabel is None else np.asarray(relabel)[labels]
    flat = layers_of(state)
    layers = list(zip(flat[::2], flat[1::2], strict=True))
    key = _digest([truth, *(array for layer in layers for array in layer)], f"{name} {folder}")
    if key not in _counted:
        for i, (weight, bias) in enumerate(layers):
            values = (np.maximum(values, 0) if i else values) @ np.asarray(weight, np.float32).T + bias
        _counted[key] = float(np.mean(values.argmax(axis=1) == truth))
    return _counted[key]


def _digest(arrays: list[np.ndarray], more: str) -> bytes:
    found = hashlib.blake2b(more.encode(), digest_size=16)
    for array in arrays:
        found.update(f"{array.dtype} {array.shape}".encode() + np.ascontiguousarray(array).tobytes())
    return found.digest()
