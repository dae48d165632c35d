"""The model that chapter 11 carries from the notebook to a served prediction: a reader of digits with one slow layer."""

from __future__ import annotations

import functools

import torch
from torch import nn

from layer_by_layer.instruments.shipping import double_loop
from layer_by_layer.parts.classifier import shuffled_loader

__all__ = ["Pairs", "Reader", "trained"]


class Pairs(nn.Module):
    """How the features of a row go together two by two: (N, I) -> (N, O), `form(h, weight, h)` with weight (O, I, I)."""

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, features, features) / features)
        self.form = double_loop

    def forward(self, h: torch.Tensor) -> torch.Tensor:
        """Return the bilinear form of h with itself."""
        return self.form(h, self.weight, h)


class Reader(nn.Module):
    """Images (N, 784) -> logits (N, 10). While `checked` is True it looks at its own features in forward."""

    def __init__(self) -> None:
        super().__init__()
        self.strokes, self.relu = nn.Linear(784, 24), nn.ReLU()
        self.pairs, self.head = Pairs(24, 16), nn.Linear(40, 10)
        self.checked = True

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the logits of a batch of images. Raises ValueError where a feature is not finite."""
        h = self.relu(self.strokes(images))
        if self.checked and not torch.isfinite(h).all():
            raise ValueError("the features are not finite")
        return self.head(torch.cat([h, self.pairs(h)], dim=1))


@functools.cache
def _weights(count: int) -> dict[str, torch.Tensor]:
    from layer_by_layer import data

    images, labels = data.standin()[0].images[:count].flatten(1), data.standin()[0].labels[:count]
    with torch.random.fork_rng():
        torch.manual_seed(11)
        model = Reader()
        model.checked, model.pairs.form = False, lambda x, w, y: nn.functional.bilinear(x, y, w)
        optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
        for _ in range(3):
            for batch, wanted in shuffled_loader(images, labels, 128, 11):
                optimizer.zero_grad()
                nn.functional.cross_entropy(model(batch), wanted).backward()
                optimizer.step()
    return {name: value.clone() for name, value in model.state_dict().items()}


def trained(count: int = 8000) -> Reader:
    """Return a reader in eval mode, trained for three epochs on `count` images of the stand-in digits; about two seconds."""
    model = Reader()
    model.load_state_dict(_weights(count))
    return model.eval()
