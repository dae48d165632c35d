"""Parts of chapter 7 for its pictures: the components, right and on torch, where a student's are missing."""

from __future__ import annotations

import random
from types import TracebackType

import torch
from torch import nn

from lessonkit.lent import no_answer_to


@no_answer_to("simple_mlp")
class SimpleMLP(nn.Module):
    """(N, in_dim) -> (N, out_dim) through `layers`: Linear, ReLU, Linear, ReLU, Linear."""

    def __init__(self, in_dim: int, hidden_dim: int, out_dim: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(in_dim, hidden_dim), nn.ReLU(), nn.Linear(hidden_dim, hidden_dim), nn.ReLU(), nn.Linear(hidden_dim, out_dim)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the outputs, without a ReLU."""
        return self.layers(x)


@no_answer_to("dynamic_net")
class DynamicNet(nn.Module):
    """(N, d_in) -> (N, d_out), the middle layer used `repeats` times; None draws 0 to 3."""

    def __init__(self, d_in: int, h: int, d_out: int) -> None:
        super().__init__()
        self.input_linear, self.middle_linear, self.output_linear = nn.Linear(d_in, h), nn.Linear(h, h), nn.Linear(h, d_out)

    def forward(self, x: torch.Tensor, repeats: int | None = None) -> torch.Tensor:
        """Return the outputs of a network that is 2 + repeats layers deep."""
        hidden = self.input_linear(x).relu()
        for _ in range(random.randint(0, 3) if repeats is None else repeats):
            hidden = self.middle_linear(hidden).relu()
        return self.output_linear(hidden)


@no_answer_to("running_mean")
class RunningMean(nn.Module):
    """(N, D) -> (N, D), minus the buffer `mean` of all rows seen in training."""

    mean: torch.Tensor
    count: torch.Tensor

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(num_features))
        self.register_buffer("count", torch.tensor(0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Count the rows in training, then subtract the mean."""
        if self.training:
            with torch.no_grad():
                self.count += len(x)
                self.mean += (x.mean(dim=0) - self.mean) * (len(x) / int(self.count))
        return x - self.mean


@no_answer_to("activation_recorder")
class ActivationRecorder:
    """`with ActivationRecorder(model) as rec`: `rec.activations[name]` is the last output of that leaf module, detached."""

    def __init__(self, model: nn.Module) -> None:
        self.model = model
        self.activations: dict[str, torch.Tensor] = {}
        self.handles: list[torch.utils.hooks.RemovableHandle] = []

    def __enter__(self) -> ActivationRecorder:
        for name, module in self.model.named_modules():
            if not list(module.children()):
                self.handles.append(module.register_forward_hook(lambda *call, name=name: self._keep(name, call[-1])))
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        while self.handles:
            self.handles.pop().remove()

    def _keep(self, name: str, output: torch.Tensor) -> None:
        self.activations[name] = output.detach()
