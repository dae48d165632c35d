"""Read MNIST's four files through torchvision: from a folder on disk, or after torchvision's download."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import io
import os
import re
import shutil
import socket
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from layer_by_layer import torchvision_cure
from layer_by_layer._standin import Arrays

FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
LAYOUT = f"a folder with MNIST/raw/ and in it {', '.join(FILES)}, plain or as .gz"
#: Seconds without a byte after which the network counts as absent.
PATIENCE = 5.0

_UNREADABLE = (
    OSError,
    EOFError,
    RuntimeError,
    ValueError,
    TypeError,
    AssertionError,
    ImportError,
    IndexError,
)


def folder_has_files(root: Path) -> bool:
    """Return True where `root` holds the four files of MNIST, each plain or as .gz."""
    raw = root / "MNIST" / "raw"
    return all((raw / name).is_file() or (raw / f"{name}.gz").is_file() for name in FILES)


def what_is_wrong(root: Path) -> str:
    """Say in a few words why `root` is no folder with MNIST: it does not exist, or what was found in it."""
    if not root.exists():
        return "does not exist"
    if not root.is_dir():
        return "is not a folder"
    raw = root / "MNIST" / "raw"
    looked, name = (raw, "in MNIST/raw") if raw.is_dir() else (root, "in it")
    try:
        found = sorted(entry.name for entry in looked.iterdir())
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    shown = ", ".join(found[:4]) + (f" and {len(found) - 4} more" if len(found) > 4 else "")
    return f"holds no MNIST: found {name} {shown or 'nothing'}"


def read(root: Path) -> tuple[Arrays, Arrays]:
    """Return ((images, labels), (images, labels)) for training and testing, uint8 (N, 28, 28) and int64 (N,).

    Raises ValueError with the reason in one line where the files are not all there or cannot be read.
    """
    if not folder_has_files(root):
        raise ValueError(f"{root} {what_is_wrong(root)}")
    try:
        with _plain_files(root) as plain:
            datasets = torchvision_cure.load().datasets
            return _arrays(datasets.MNIST(plain, train=True)), _arrays(datasets.MNIST(plain, train=False))
    except (*_UNREADABLE, zlib.error) as error:
        raise ValueError(f"{root} cannot be read: {_one_line(error)}") from error


def download(folder: Path | None) -> tuple[Arrays, Arrays]:
    """Let torchvision download MNIST (about 12 MB), keep it under `folder` where that can be, and return it.

    Nothing is printed. The files are checked and read before any of them is kept, so that a download that
    was cut off is never taken for the data. Raises ValueError with the reason in one line, after a few
    seconds where there is no network.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="layer-by-layer-") as temporary:
            with (
                _patience(),
                contextlib.redirect_stderr(io.StringIO()),
                contextlib.redirect_stdout(io.StringIO()),
            ):
                torchvision_cure.load().datasets.MNIST(temporary, download=True)
            found = read(Path(temporary))
            if folder is not None:
                with contextlib.suppress(
                    OSError
                ):  # a home that cannot be written to costs the download again
                    _keep(Path(temporary), folder)
            return found
    except (*_UNREADABLE, http.client.HTTPException, zlib.error) as error:
        raise ValueError(_one_line(error)) from error


def _arrays(dataset: Any) -> Arrays:
    images, labels = dataset.data.numpy(), dataset.targets.numpy()
    if images.shape[1:] != (28, 28) or len(images) != len(labels):
        raise ValueError(f"images {images.shape} and labels {labels.shape}")
    return images, labels


@contextlib.contextmanager
def _plain_files(root: Path) -> Iterator[Path]:
    """Yield a root that torchvision reads: `root` itself, or a temporary one with the .gz files unpacked."""
    raw = root / "MNIST" / "raw"
    if all((raw / name).is_file() for name in FILES):
        yield root
        return
    with tempfile.TemporaryDirectory(prefix="layer-by-layer-") as temporary:
        unpacked = Path(temporary) / "MNIST" / "raw"
        unpacked.mkdir(parents=True)
        for name in FILES:
            if (raw / name).is_file():
                shutil.copyfile(raw / name, unpacked / name)
                continue
            with gzip.open(raw / f"{name}.gz") as packed, open(unpacked / name, "wb") as file:
                shutil.copyfileobj(packed, file)
        yield Path(temporary)


@contextlib.contextmanager
def _patience() -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(PATIENCE)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _keep(found: Path, folder: Path) -> None:
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        partial = raw / f"{name}.{os.getpid()}.partial"
        try:
            shutil.copyfile(found / "MNIST" / "raw" / name, partial)
            os.replace(partial, raw / name)
        finally:
            partial.unlink(missing_ok=True)


def _one_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = lines[-1] if lines else type(error).__name__
    return re.sub(r"<urlopen error (?:\[Errno -?\d+\] )?(.*)>", r"no connection, \1", text)[:160]
