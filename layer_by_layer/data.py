"""MNIST and the offline digits, from wherever they can be had, and one printed line that says where.

    train_set, test_set = data.mnist()
    image, label = train_set[0]          # float32 (1, 28, 28) in [0, 1], int

`mnist()` looks, in this order, at

1. the folder that COURSE_PREPARED names (graders set it; see `prepare`),
2. a copy on disk: the folder that COURSE_DATA names, then ~/.cache/layer-by-layer,
3. torchvision's download into ~/.cache/layer-by-layer, unless COURSE_OFFLINE=1,
4. the offline stand-in made from scikit-learn's handwritten digits, which is always there.

Data sets are `ArraySet`s: everything in memory, so that an epoch costs the model and not the disk.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from layer_by_layer import _standin
from layer_by_layer._standin import Arrays, read_arrays, write_arrays
from lessonkit import show

if TYPE_CHECKING:
    from layer_by_layer._arrayset import ArraySet

__all__ = ["ArraySet", "digits", "mnist", "prepare", "standin", "torchvision_mnist"]

#: What graders train on: half of MNIST.
PREPARED_COUNT = 30_000
STANDIN = "offline stand-in from scikit-learn's digits"

#: Why the download failed, once it did: a notebook without a network waits once, not in every cell.
_download_failed: list[str] = []


def __getattr__(name: str) -> Any:
    if name == "ArraySet":
        from layer_by_layer._arrayset import ArraySet

        return ArraySet
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def mnist(limit: int | None = None) -> tuple[ArraySet, ArraySet]:
    """Return (train_set, test_set) of MNIST, or of the stand-in where MNIST cannot be had; print which.

    Items are (image float32 (1, 28, 28) in [0, 1], label int). `limit` keeps the first `limit` training
    images; the test set stays whole. Raises ValueError where `limit` is less than 1. Needs no network.
    """
    _check_limit(limit)
    prepared = _prepared("mnist_train.npz", (28, 28))
    if prepared is not None:
        return _sets(*prepared, limit)
    found, problems = _on_disk()
    why = ""
    if found is None:
        found, why = _downloaded()
    if found is None:
        found = (*_standin.standin(), STANDIN)
    for problem in problems:
        _say(f"{problem}; using {_short(found[2])} instead")
    return _sets(*found, limit, why)


def standin(limit: int | None = None) -> tuple[ArraySet, ArraySet]:
    """Return (train_set, test_set) of the stand-in, whatever MNIST is on disk; items as in `mnist`."""
    _check_limit(limit)
    prepared = _prepared("standin_train.npz", (28, 28))
    return _sets(*(prepared or (*_standin.standin(), STANDIN)), limit)


def digits() -> tuple[Arrays, Arrays]:
    """Return ((images, labels), (images, labels)) of scikit-learn's plain 8 × 8 digits, as NumPy arrays.

    Images are float64 (N, 64) in [0, 1], labels int64 (N,). The second pair is the held-out fifth.
    """
    prepared = _prepared("digits_train.npz", (64,))
    train, test, source = prepared or (*_standin.digits(), "scikit-learn's 8 x 8 digits")
    _announce(source, len(train[1]), len(test[1]))
    return train, test


def torchvision_mnist(root: str | os.PathLike | None = None, train: bool = True) -> Any:
    """Return torchvision's own MNIST data set, read from files that are on disk, with ToTensor as transform.

    Items are the same as `mnist`'s, but each one is decoded when it is asked for. `root` is a folder that
    holds MNIST/raw with the unpacked files; by default COURSE_DATA's, else the cache. Raises
    FileNotFoundError, with what is there instead, where it holds no MNIST.
    """
    from layer_by_layer import _mnist, torchvision_cure

    folder = Path(root or os.environ.get("COURSE_DATA") or _standin.cache_folder() or ".").expanduser()
    torchvision = torchvision_cure.load()
    try:
        return torchvision.datasets.MNIST(folder, train=train, transform=torchvision.transforms.ToTensor())
    except RuntimeError as error:
        wrong = "holds MNIST only as .gz" if _mnist.folder_has_files(folder) else _mnist.what_is_wrong(folder)
        raise FileNotFoundError(f"{folder} {wrong}; expected {_mnist.LAYOUT}") from error


def prepare(folder: str | os.PathLike) -> str:
    """Write what grading runs on into `folder`, never downloading; return its source in one line.

    `mnist_train.npz`, `standin_train.npz` (images uint8 (N, 28, 28), labels int64) and `digits_train.npz`
    (images float64 (N, 64)) are what a submission may see, through COURSE_PREPARED. The same three with
    `_held_out` are what its models are judged on; they stay away from where student code runs, and the digits among
    them are drawn with moves that only this folder knows. `hidden.json` names the files from which held-out digits
    could be made again. Where no MNIST is on disk, the mnist files hold the stand-in. Raises OSError where `folder` cannot be written to.
    """
    target = Path(folder)
    standin_sets, digits_sets = _standin.standin(), _standin.digits()
    # of the course's own held-out digits everybody has the file; these moves are drawn once a folder and kept there
    moved = _standin.drawn_anew(*digits_sets[1], np.random.default_rng())
    standin_sets, digits_sets = (standin_sets[0], moved[0]), (_with_tests(*digits_sets[0]), moved[1])
    found = _copy_of_prepared() or _on_disk()[0]
    if found is None:
        found = (*standin_sets, STANDIN)
    train, held_out, source = found
    kind = STANDIN if STANDIN in source else "MNIST"
    if kind == "MNIST":
        train = train[0][:PREPARED_COUNT], train[1][:PREPARED_COUNT]
    target.mkdir(parents=True, exist_ok=True)
    for name, (seen, unseen), label in (
        ("mnist", (train, held_out), kind),
        ("digits", digits_sets, "8 x 8 digits"),
        ("standin", standin_sets, STANDIN),
    ):
        write_arrays(target / f"{name}_train.npz", *seen, source=np.array(label))
        write_arrays(target / f"{name}_held_out.npz", *unseen, source=np.array(label))
    # what runs must not see lists itself, for the wall to hide
    (target / "hidden.json").write_text(json.dumps([str(path) for path in _standin.source_files()]), encoding="utf-8")
    return f"{source}, {len(train[1]):,} training and {len(held_out[1]):,} held-out images"


def _with_tests(images: np.ndarray, labels: np.ndarray) -> Arrays:
    """Return training digits with a fifth of the whole after them, which `_prepared` cuts off again for testing.

    Those are training digits moved a little. So a graded training gets as many images as one at the desk: with a
    fifth fewer, a right training now and then missed the share of right answers that it reaches there.
    """
    count = len(labels) // 4
    _, (moved, names) = _standin.drawn_anew(images[-count:], labels[-count:], np.random.default_rng(), copies=1)
    return np.concatenate([images, moved]), np.concatenate([labels, names])


Found = tuple[Arrays, Arrays, str]


def _check_limit(limit: int | None) -> None:
    if limit is not None and limit < 1:
        raise ValueError(f"limit is a number of training images, at least 1, not {limit}")


def _prepared(name: str, shape: tuple[int, ...]) -> Found | None:
    """Return what a grader prepared: the last fifth of the file for testing, the rest for training."""
    folder = os.environ.get("COURSE_PREPARED")
    if not folder:
        return None
    path = Path(folder) / name
    try:
        images, labels = read_arrays(path)
    except ValueError as error:
        _say(f"COURSE_PREPARED: {error}; looking elsewhere")
        return None
    if images.shape[1:] != shape:
        wanted = ", ".join(str(n) for n in ("N", *shape))
        _say(f"COURSE_PREPARED: {path} holds images {images.shape}, not ({wanted}); looking elsewhere")
        return None
    cut = len(labels) - len(labels) // 5
    return (
        (images[:cut], labels[:cut]),
        (images[cut:], labels[cut:]),
        f"prepared {_kind_of(path)} in {folder}",
    )


def _kind_of(path: Path) -> str:
    with np.load(path, allow_pickle=False) as file:
        return str(file["source"]) if "source" in file else path.stem.partition("_")[0]


def _copy_of_prepared() -> Found | None:
    folder = os.environ.get("COURSE_PREPARED")
    if not folder:
        return None
    paths = Path(folder) / "mnist_train.npz", Path(folder) / "mnist_held_out.npz"
    try:
        return read_arrays(paths[0]), read_arrays(paths[1]), f"{_kind_of(paths[0])} from {folder}"
    except ValueError:
        return None


def _on_disk() -> tuple[Found | None, list[str]]:
    """Return MNIST from COURSE_DATA or the cache, else None; and what is wrong with a copy that was named."""
    from layer_by_layer import _mnist

    problems: list[str] = []
    named = os.environ.get("COURSE_DATA")
    if named:
        root = Path(named).expanduser()
        if not _mnist.folder_has_files(root):
            problems.append(f"COURSE_DATA: {root} {_mnist.what_is_wrong(root)}; expected {_mnist.LAYOUT}")
        else:
            try:
                return (*_mnist.read(root), f"MNIST from {root}"), problems
            except ValueError as error:
                problems.append(f"COURSE_DATA: {error}")
    cache = _standin.cache_folder()
    if cache is not None and _mnist.folder_has_files(cache):
        try:
            return (*_mnist.read(cache), f"MNIST from {cache}"), problems
        except ValueError as error:
            problems.append(str(error))
    return None, problems


def _downloaded() -> tuple[Found | None, str]:
    """Return what torchvision downloaded, or None and the reason in a few words."""
    if os.environ.get("COURSE_OFFLINE", "0") not in ("", "0"):
        return None, "COURSE_OFFLINE is set"
    if os.environ.get("COURSE_PREPARED"):
        return None, "grading never downloads"
    if not _download_failed:
        from layer_by_layer import _mnist

        cache = _standin.cache_folder()
        try:
            return (*_mnist.download(cache), "MNIST from torchvision's download"), ""
        except ValueError as error:
            _download_failed.append(f"MNIST could not be downloaded: {error}")
    return None, _download_failed[0]


def _short(source: str) -> str:
    return "the stand-in" if source == STANDIN else source


def _sets(
    train: Arrays, test: Arrays, source: str, limit: int | None, why: str = ""
) -> tuple[ArraySet, ArraySet]:
    from layer_by_layer._arrayset import ArraySet

    images, labels = train[0][:limit], train[1][:limit]
    _announce(source, len(labels), len(test[1]), why)
    return ArraySet(images, labels, source=source), ArraySet(*test, source=source)


def _announce(source: str, train: int, test: int, why: str = "") -> None:
    reason = f" ({why})" if why else ""
    _say(f"{source}{reason}, {train:,} training and {test:,} test images")


def _say(line: str) -> None:
    if not show.recording():
        print(f"data: {line}")
