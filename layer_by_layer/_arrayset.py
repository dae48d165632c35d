"""`ArraySet`, the data set that `layer_by_layer.data` hands out; apart, so that `data` imports without torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset


class ArraySet(Dataset):
    """Images and labels held in memory, one `(image, label)` per index.

    images   float32 tensor (N, 1, 28, 28) in [0, 1]; item i is `images[i]`, float32 (1, 28, 28)
    labels   int64 tensor (N,); item i's label is a Python int
    classes  the names of the classes, "0" to "9"
    source   where the images come from, in words

    `images` may be given as a NumPy array or a tensor, (N, H, W) or (N, 1, H, W); uint8 is divided by 255.
    Raises ValueError where the number of images and of labels differ or the shape is another, and
    IndexError for an index beyond the end.
    """

    def __init__(
        self, images: Any, labels: Any, *, source: str = "arrays", classes: list[str] | None = None
    ) -> None:
        pictures = torch.as_tensor(np.array(images) if isinstance(images, np.ndarray) else images)
        if pictures.ndim == 3:
            pictures = pictures.unsqueeze(1)
        self.labels = torch.as_tensor(
            np.array(labels) if not isinstance(labels, torch.Tensor) else labels
        ).long()
        if pictures.ndim != 4 or self.labels.ndim != 1 or len(pictures) != len(self.labels):
            raise ValueError(
                f"images (N, H, W) or (N, 1, H, W) and labels (N,) are needed, not {tuple(pictures.shape)} "
                f"and {tuple(self.labels.shape)}"
            )
        whole = pictures.dtype == torch.uint8
        self.images = pictures.float().div_(255) if whole else pictures.float()
        self.classes = list(classes) if classes is not None else [str(i) for i in range(10)]
        self.source = source

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.images[index], int(self.labels[index])

    def __repr__(self) -> str:
        shape = ", ".join(str(n) for n in self.images.shape[1:])
        return f"ArraySet({len(self):,} images ({shape}): {self.source})"
