"""The one file that travels through the course: chapter 8 trains, validates and saves it, chapter 11 ships it.

    artefact.save(model, mean=…, std=…, source=…, accuracy=…)     # in chapter 8
    model, card = artefact.load()                                # in chapter 11; the course's own where there is none

The file is `torch.save`'s, opens with `weights_only=True`, and holds the six tensors of the 784-256-128-10 classifier under the
names of `torch.nn.Sequential`, whatever the student's class calls them, and a card: what the images were shifted and
scaled by, where they came from, and the accuracy on images that were never trained on.
"""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

import torch
from torch import nn

NAME = "digits_classifier.pt"
FORMAT = 1
#: Where a notebook looks: beside itself, then beside chapter 8's.
PLACES = (Path(NAME), Path("..") / "08_mnist" / NAME)


class Card(TypedDict):
    """What has to be known of the weights to use them."""

    format: int
    mean: float
    std: float
    source: str
    accuracy: float
    made_by: str


def empty() -> nn.Sequential:
    """Return the classifier (N, 1, 28, 28) -> (N, 10) with fresh weights, in evaluation mode."""
    return nn.Sequential(
        nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10)
    ).eval()


def save(
    model: nn.Module, *, mean: float, std: float, source: str, accuracy: float, path: Path | None = None, made_by: str = "you"
) -> Path:
    """Write a trained classifier and its card; return the path. Raises ValueError where it is another network."""
    plain = empty()
    left = list(model.parameters())
    for wanted in plain.parameters():
        found = next((p for p in left if p.numel() == wanted.numel()), None)
        if found is None:
            raise ValueError(f"a 784-256-128-10 classifier has a tensor of {wanted.numel()} numbers; this model has none left")
        left = [p for p in left if p is not found]
        turned = found if found.shape[0] == wanted.shape[0] else found.mT
        with torch.no_grad():
            wanted.copy_(turned.reshape(wanted.shape))
    card = Card(format=FORMAT, mean=float(mean), std=float(std), source=source, accuracy=float(accuracy), made_by=made_by)
    where = path or PLACES[0]
    torch.save({"state_dict": plain.state_dict(), "card": dict(card)}, where)
    return where


def load(path: Path | None = None) -> tuple[nn.Sequential, Card]:
    """Return the classifier, in evaluation mode, and its card.

    Where there is no file, one of the course's own is trained in a few seconds and says so in `made_by`.
    Raises ValueError for a file of another format.
    """
    where = path or next((place for place in PLACES if place.is_file()), None)
    if where is None:
        return _trained_here()
    held = torch.load(where, weights_only=True)
    if held.get("card", {}).get("format") != FORMAT:
        raise ValueError(f"{where} is not a file of format {FORMAT}; run the last section of chapter 8 again")
    model = empty()
    model.load_state_dict(held["state_dict"])
    return model, held["card"]


def _trained_here() -> tuple[nn.Sequential, Card]:
    from layer_by_layer import data
    from layer_by_layer.parts import classifier

    train_set, held_out = data.mnist(limit=6000)
    mean, std = float(train_set.images.mean()), float(train_set.images.std())
    model = classifier.mnist_classifier(8)
    loader = classifier.shuffled_loader((train_set.images - mean) / std, train_set.labels, 64, seed=8)
    with classifier.quietly():
        classifier.train_classifier(model, loader, epochs=3)
    with torch.no_grad():
        right = model.eval()((held_out.images - mean) / std).argmax(1) == held_out.labels
    card = Card(
        format=FORMAT, mean=mean, std=std, source=train_set.source, accuracy=float(right.float().mean()), made_by="the course"
    )
    return model, card
