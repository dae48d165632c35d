"""The model that chapter 11 carries from the notebook to a served prediction: chapter 8's classifier, as a service has it.

Round the weights of the artefact stands what somebody wrote in a hurry: the ruler in front (images come in as they are, in
[0, 1]), a look at the features on the way, and a last layer that walks through images and digits one by one.
"""

from __future__ import annotations

import torch
from torch import nn

from layer_by_layer.artefact import Card
from layer_by_layer.instruments.shipping import double_loop

__all__ = ["Reader", "Ruler", "Scores"]


class Ruler(nn.Module):
    """(…) → (x − mean) / std, with the two numbers of the artefact's card as buffers."""

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, mean: float, std: float) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean))
        self.register_buffer("std", torch.tensor(std))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the images as the classifier was trained on them."""
        return (x - self.mean) / self.std


class Scores(nn.Module):
    """A linear layer written as a bilinear one: (N, I) → (N, O), `form(h, weight, 1) + bias` with weight (O, I, 1)."""

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.zeros(outputs, features, 1)), nn.Parameter(torch.zeros(outputs))
        self.form = double_loop

    def forward(self, h: torch.Tensor) -> torch.Tensor:
        """Return the scores of a batch of features."""
        return self.form(h, self.weight, torch.ones_like(h[:, :1])) + self.bias


class Reader(nn.Module):
    """Images (N, 784) in [0, 1] → logits (N, 10). While `checked` is True it looks at its own features in forward."""

    def __init__(self, mean: float = 0.0, std: float = 1.0) -> None:
        super().__init__()
        self.ruler, self.relu = Ruler(mean, std), nn.ReLU()
        self.first, self.second, self.scores = nn.Linear(784, 256), nn.Linear(256, 128), Scores(128, 10)
        self.checked = True

    @classmethod
    def of(cls, classifier: nn.Sequential, card: Card) -> Reader:
        """Return a reader in eval mode with the weights and the ruler of an artefact (`artefact.load`)."""
        reader = cls(card["mean"], card["std"])
        with torch.no_grad():
            for own, trained in zip(list(reader.parameters()), classifier.parameters(), strict=True):
                own.copy_(trained.reshape(own.shape))
        return reader.eval()

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the logits of a batch of images. Raises ValueError where a feature is not finite."""
        h = self.relu(self.second(self.relu(self.first(self.ruler(images)))))
        if self.checked and not torch.isfinite(h).all():
            raise ValueError("the features are not finite")
        return self.scores(h)
