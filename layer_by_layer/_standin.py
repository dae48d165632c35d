"""The offline stand-in for MNIST, made from scikit-learn's 1,797 real handwritten 8 × 8 digits.

A digit is scaled to 20 × 20 pixels in the middle of 28 × 28, the way MNIST frames its own, so that mean,
spread and border come out like MNIST's. A fixed fifth is held out for testing and only scaled. The rest is
scaled, and also shifted, turned, slanted and stretched, into 20,000 training images: with the 1,400 plain
ones a right solution of a chapter would not reliably reach 95 %.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np

#: Training images, in the order they are written: first those made from four fifths of the digits, then
#: those from the last fifth, so that the last fifth of the *file* is made from digits the rest never saw.
COUNT = 20_000
SIZE, BOX, SEED = 28, 20, 20_240
#: Part of the cached file's name: a change of the recipe must not find the old pictures.
VERSION = 1

Arrays = tuple[np.ndarray, np.ndarray]


def cache_folder() -> Path | None:
    """Return `~/.cache/layer-by-layer` (which need not exist), or None where there is no home folder."""
    try:
        return Path.home() / ".cache" / "layer-by-layer"
    except RuntimeError:
        return None


def read_arrays(path: Path) -> Arrays:
    """Return `images` and `labels` of an .npz file; ValueError with a reason where it is not such a file."""
    try:
        # opened here: np.load leaves a file that is no archive open, and Windows cannot replace an open file
        with open(path, "rb") as handle, np.load(handle, allow_pickle=False) as file:
            images, labels = file["images"], file["labels"]
    except FileNotFoundError:
        raise ValueError(f"{path} does not exist") from None
    except (OSError, KeyError, EOFError, ValueError, TypeError, AttributeError, zipfile.BadZipFile) as error:
        raise ValueError(f"{path} cannot be read ({error})") from error
    if labels.ndim != 1 or len(images) != len(labels) or len(labels) == 0:
        raise ValueError(f"{path} holds images {images.shape} and labels {labels.shape}")
    return images, labels.astype(np.int64)


def write_arrays(path: Path, images: np.ndarray, labels: np.ndarray, **more: np.ndarray) -> None:
    """Write an .npz file in one step: a reader sees the whole file or none. OSError where that cannot be."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".partial")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, images=images, labels=labels, **more)
        os.chmod(name, 0o644)  # mkstemp's files are their owner's alone; a shared data folder is for a class
        os.replace(name, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name)
        raise


def digits() -> tuple[Arrays, Arrays]:
    """Return ((images, labels), (images, labels)) of the plain digits: training and the held-out fifth.

    Images are float64 (N, 64) in [0, 1], labels int64 (N,). Every fifth digit of each class is held out; the
    training digits come in a fixed order in which any stretch is a fair sample of classes and writers.
    """
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images, labels = bunch.data.astype(np.float64) / 16, bunch.target.astype(np.int64)
    held_out = np.sort(np.concatenate([np.flatnonzero(labels == c)[2::5] for c in range(10)]))
    train = np.setdiff1d(np.arange(len(labels)), held_out)
    train = train[np.random.default_rng(SEED).permutation(len(train))]
    return (images[train], labels[train]), (images[held_out], labels[held_out])


def standin() -> tuple[Arrays, Arrays]:
    """Return ((images, labels), (images, labels)) of the stand-in: 20,000 to train on, 359 to test.

    Images are uint8 (N, 28, 28), labels int64 (N,). The training images are kept in the cache folder, where
    there is one that can be written to; making them takes a few seconds.
    """
    plain, held_out = digits()
    folder = cache_folder()
    path = folder / f"standin-{VERSION}.npz" if folder else None
    test = np.stack([_scaled(spline) for spline in _splines(held_out[0])]), held_out[1]
    if path is not None:
        with contextlib.suppress(ValueError):
            images, labels = read_arrays(path)
            if images.shape == (COUNT, SIZE, SIZE) and images.dtype == np.uint8:
                return (images, labels), test
    train = _augmented(*plain)
    if path is not None:
        with contextlib.suppress(OSError):  # a read-only home only costs those seconds again
            path.parent.mkdir(parents=True, exist_ok=True)
            write_arrays(path, *train)
    return train, test


def drawn_anew(images: np.ndarray, labels: np.ndarray, rng: np.random.Generator, copies: int = 3) -> tuple[Arrays, Arrays]:
    """Return ((images, labels), (images, labels)) of plain digits (N, 64) moved a little, as between two hands.

    First as the stand-in draws them, uint8 (copies·N, 28, 28), then as 8 × 8 digits, float64 (copies·N, 64) in
    sixteenths. A grader judges on these with moves nobody else knows: who has scikit-learn's file has other pictures.
    """
    from scipy.ndimage import affine_transform

    wide, small = [], []
    for spline in np.repeat(_splines(images), copies, axis=0):
        matrix, shift = _move(rng, 0.25)
        wide.append(_scaled(spline, matrix, shift))
        matrix, shift = _move(rng, 0.15)
        back = np.linalg.inv(matrix)
        offset = np.full(2, 7.5) - back @ (np.full(2, 3.5) + np.asarray(shift) * 8 / BOX)
        drawn = affine_transform(spline, back, offset, (8, 8), order=3, prefilter=False)
        small.append(np.rint(np.clip(drawn, 0, 1) * 16) / 16)
    names = np.repeat(labels, copies)
    return (np.stack(wide), names), (np.stack(small).reshape(-1, 64), names)


def _move(rng: np.random.Generator, much: float) -> tuple[np.ndarray, tuple[float, float]]:
    """Return a matrix and a shift in pixels of 28: turned, slanted, stretched and moved, by `much` of the most."""
    angle, slant = much * np.deg2rad(rng.uniform(-10, 10)), much * rng.uniform(-0.15, 0.15)
    tall, wide = 1 + much * rng.uniform(-0.1, 0.1, size=2)
    down, right = much * rng.uniform(-1.5, 1.5, size=2)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return turn @ np.array([[tall, 0], [slant, wide]]), (float(down), float(right))


def source_files() -> list[Path]:
    """Return the files that hold the digits themselves, the held-out fifth among them."""
    import sklearn

    return sorted((Path(sklearn.__file__).parent / "datasets" / "data").glob("digits*"))


def _splines(images: np.ndarray) -> np.ndarray:
    """Return the cubic splines, float64 (N, 16, 16), of digits (N, 64), with room to fade at the edge."""
    from scipy.ndimage import spline_filter

    padded = np.pad(images.reshape(-1, 8, 8), ((0, 0), (4, 4), (4, 4)))
    return np.stack([spline_filter(image) for image in padded])


def _scaled(
    spline: np.ndarray, matrix: np.ndarray | None = None, shift: tuple[float, float] = (0.0, 0.0)
) -> np.ndarray:
    """Draw a digit's spline as uint8 (28, 28); `matrix` and `shift` (pixels) move it about its middle."""
    from scipy.ndimage import affine_transform

    back = np.linalg.inv(np.eye(2) if matrix is None else matrix) * (8 / BOX)
    offset = np.full(2, 7.5) - back @ (np.full(2, (SIZE - 1) / 2) + shift)
    drawn = affine_transform(spline, back, offset, (SIZE, SIZE), order=3, prefilter=False)
    return np.rint(np.clip(drawn, 0, 1) * 255).astype(np.uint8)


def _augmented(images: np.ndarray, labels: np.ndarray) -> Arrays:
    """Return COUNT moved copies, uint8 (COUNT, 28, 28), and their labels; each digit's first is plain."""
    rng = np.random.default_rng(SEED + 1)
    splines = _splines(images)
    cut = len(images) - len(images) // 5
    first = COUNT - COUNT // 5
    chosen = np.concatenate([np.arange(first) % cut, cut + np.arange(COUNT - first) % (len(images) - cut)])
    plain = np.concatenate([np.arange(first) < cut, np.arange(COUNT - first) < len(images) - cut])
    drawn = np.empty((COUNT, SIZE, SIZE), np.uint8)
    for i, source in enumerate(chosen):
        # graders test on the last fifth of the file: there the moves are small, as between two hands
        much = 1.0 if i < first else 0.15
        matrix, shift = _move(rng, much)
        drawn[i] = _scaled(splines[source]) if plain[i] else _scaled(splines[source], matrix, shift)
    return drawn, labels[chosen]
