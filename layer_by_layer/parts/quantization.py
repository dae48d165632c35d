"""Parts of chapter 10: quantised layers, inputs that keep away from the edges of steps, a digit network to fine-tune."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from layer_by_layer.parts.classifier import quietly, shuffled_loader
from lessonkit import inputs
from lessonkit.lent import no_answer_to

__all__ = [
    "LSQ", "PACT", "FakeQuantSTE", "QATLinear", "RangeObserver", "between", "counted_loader", "digit_model",
    "digit_weights", "fake_quantize", "finetune", "grid_weights", "integer_linear", "quant_params", "quietly",
    "requantize", "shuffled_loader", "two_bit_answers", "watched_model",
]  # fmt: skip


@no_answer_to("quant_params")
def quant_params(x_min: float, x_max: float, bits: int = 8) -> tuple[float, int]:
    """Return (scale, zero_point) of the unsigned levels 0 … 2^bits - 1 over a range widened to hold 0."""
    low, high = min(float(x_min), 0.0), max(float(x_max), 0.0)
    scale = (high - low) / (2**bits - 1) or 1.0
    return scale, round(-low / scale)


@no_answer_to("fake_quantize")
def fake_quantize(x: Any, scale: Any, zero_point: int, qmin: int, qmax: int) -> Any:
    """Return x moved to the nearest of its levels, in floating point; `scale` may be a number or a 0-dim tensor."""
    level = torch.clamp(torch.round(x / scale) + zero_point, qmin, qmax)
    return (level - zero_point) * scale


@no_answer_to("fake_quant_ste")
class FakeQuantSTE(torch.autograd.Function):
    """apply(x, scale, zero_point, qmin, qmax): `fake_quantize`, straight through where no level was clamped."""

    @staticmethod
    def forward(ctx: Any, x: Any, scale: Any, zero_point: int, qmin: int, qmax: int) -> Any:
        """Return the fake-quantized x, and note which levels were not clamped."""
        level = torch.round(x / scale) + zero_point
        ctx.save_for_backward((level >= qmin) & (level <= qmax))
        return fake_quantize(x, scale, zero_point, qmin, qmax)

    @staticmethod
    def backward(ctx: Any, grad_out: Any) -> Any:
        """Pass the gradient to x where no level was clamped."""
        return grad_out * ctx.saved_tensors[0], None, None, None, None


@no_answer_to("range_observer")
class RangeObserver(nn.Module):
    """Lets everything through; in training `min_val` and `max_val` follow the range of what passes."""

    def __init__(self, momentum: float = 0.1) -> None:
        super().__init__()
        self.momentum = momentum
        self.register_buffer("min_val", torch.tensor(math.nan))
        self.register_buffer("max_val", torch.tensor(math.nan))

    def forward(self, x: Any) -> Any:
        """Return x."""
        if self.training:
            for val, new in ((self.min_val, x.detach().min()), (self.max_val, x.detach().max())):
                val.copy_(new if val.isnan() else torch.lerp(val, new, self.momentum))
        return x


@no_answer_to("pact")
class PACT(nn.Module):
    """clip(x, 0, alpha) with a learned alpha (Choi and others, 2018)."""

    def __init__(self, alpha: float = 6.0) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor(float(alpha)))

    def forward(self, x: Any) -> Any:
        """Any shape -> the same shape."""
        return torch.where(x >= self.alpha, self.alpha, torch.relu(x))


@no_answer_to("lsq")
class LSQ(nn.Module):
    """Rounds to a grid whose step is learned (Esser and others, 2020)."""

    def __init__(self, bits: int, signed: bool = True) -> None:
        super().__init__()
        self.low, self.high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        self.scale = nn.Parameter(torch.tensor(1.0))
        self.started = False

    def forward(self, x: Any) -> Any:
        """Any shape -> the same shape, on the grid."""
        if not self.started:
            with torch.no_grad():
                self.scale.copy_(2 * x.abs().mean() / math.sqrt(self.high))
            self.started = True
        share = 1 / math.sqrt(x.numel() * self.high)
        scale = self.scale.detach() + (self.scale - self.scale.detach()) * share
        v = (x / scale).clamp(self.low, self.high)
        return (v + (torch.round(v) - v).detach()) * scale


@no_answer_to("qat_linear")
class QATLinear(nn.Linear):
    """nn.Linear whose forward uses its weight rounded to the symmetric grid of `bits` bits, one scale a tensor."""

    def __init__(self, in_features: int, out_features: int, bits: int) -> None:
        super().__init__(in_features, out_features)
        self.bits = bits

    def forward(self, x: Any) -> Any:
        """(..., in) -> (..., out)."""
        top = 2 ** (self.bits - 1) - 1
        return nn.functional.linear(x, FakeQuantSTE.apply(self.weight, self._scale(), 0, -top, top), self.bias)

    def int_weight(self) -> tuple[Any, Any]:
        """Return (int8 weight, scale), whose product is the weight that forward uses."""
        return torch.round(self.weight.detach() / self._scale()).to(torch.int8), self._scale()

    def _scale(self) -> Any:
        return self.weight.detach().abs().max() / (2 ** (self.bits - 1) - 1)


@no_answer_to("integer_linear")
def integer_linear(xq: Any, x_zero: int, wq: Any) -> Any:
    """uint8 (N, in), its zero point, int8 (out, in) -> int32 (N, out), exact."""
    return ((xq.double() - x_zero) @ wq.double().T).to(torch.int32)


@no_answer_to("integer_linear")
def requantize(acc: Any, bias: Any, x_scale: float, w_scale: Any, y_scale: float, y_zero: int) -> Any:
    """int32 (N, out), float (out,) -> uint8 (N, out); `w_scale` is a number, or one for each output (out,)."""
    value = (acc.double() * (x_scale * w_scale) + bias.double()) / y_scale
    return (torch.round(value) + y_zero).clamp(0, 255).to(torch.uint8)


def between(
    seed: int,
    *shape: int,
    low: int,
    high: int,
    unit: float = 1.0,
    dtype: str = "float32",
    strided: bool = False,
) -> Any:
    """Return unit · (k + d) with integers k from `low` to `high` and 0.05 <= |d| <= 0.4: off every edge of a step."""
    draw = inputs.rng(seed)
    k = draw.integers(low, high + 1, size=shape)
    d = draw.uniform(0.05, 0.4, size=shape) * draw.choice([-1.0, 1.0], size=shape)
    made = torch.from_numpy(unit * (k + d)).to(getattr(torch, dtype))
    return made.transpose(-1, -2).contiguous().transpose(-1, -2) if strided and made.ndim > 1 else made


def grid_weights(
    seed: int, out: int, features: int, bits: int, unit: float = 0.1, dtype: str = "float32"
) -> Any:
    """Return weights (out, features) whose largest size is unit · (2^(bits-1) - 1), none of them half-way between levels."""
    top = 2 ** (bits - 1) - 1
    values = between(seed, out, features, low=-top, high=top, unit=unit, dtype="float64").clamp(
        -top * unit, top * unit
    )
    values[out // 2, features // 2] = -top * unit
    return values.to(getattr(torch, dtype))


def digit_model(seed: int, images: Any, labels: Any, bits: int = 2, names: Any = None) -> Any:
    """Return Flatten, QATLinear(784, 64), ReLU, QATLinear(64, 10) with the weights of a float network trained on `images`.

    The float network is drawn, and its batches are shuffled, from a seed of the check's. It is trained with Adam
    and a little weight decay for at least three epochs, and then until rounding its weights to two bits leaves
    fewer than a fifth of 2,000 training images right (at most ten): a network that needs rescuing. That takes
    about a second and happens once. With `names`, a permutation, the network says `names[d]` of the digit d.
    """
    key = (
        tuple(inputs.rng(seed).integers(2**31, size=2).tolist()),
        len(labels),
        tuple(labels[:400].tolist()),
    )
    if key not in _trained:
        with torch.enable_grad():
            _trained[key] = _float_weights(seed, images, labels)
    weights = _trained[key]
    if names is not None:
        place = torch.as_tensor(names).argsort()
        weights = [*weights[:2], weights[2][place], weights[3][place]]
    return _filled(weights, bits)


_trained: dict[Any, list[Any]] = {}


def _filled(weights: list[Any], bits: int) -> Any:
    model = nn.Sequential(nn.Flatten(), QATLinear(784, 64, bits), nn.ReLU(), QATLinear(64, 10, bits))
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), weights, strict=True):
            parameter.copy_(value)
    return model


def _float_weights(seed: int, images: Any, labels: Any) -> list[Any]:
    draw = inputs.rng(seed)
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))
    with torch.no_grad():
        for layer in (model[1], model[3]):
            bound = layer.in_features**-0.5
            for parameter in (layer.weight, layer.bias):
                parameter.copy_(torch.from_numpy(draw.uniform(-bound, bound, tuple(parameter.shape))))
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3, weight_decay=1e-3)
    loader = shuffled_loader(images, labels, 256, seed + 1)
    for epoch in range(10):
        _epoch(model, loader, optimizer)
        with torch.no_grad():
            answers = _filled(digit_weights(model), 2)(images[:2000]).argmax(dim=1)
        if epoch >= 2 and float((answers == labels[:2000]).float().mean()) < 0.2:
            break
    return digit_weights(model)


def _epoch(model: Any, loader: Any, optimizer: Any) -> None:
    for images, labels in loader:
        loss = nn.functional.cross_entropy(model(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@no_answer_to("qat_gate")
def finetune(model: Any, train_loader: Any, epochs: int) -> None:
    """Train a classifier in place with Adam at 1e-3 on the cross-entropy."""
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(epochs):
        _epoch(model, train_loader, optimizer)


def digit_weights(model: Any) -> list[Any]:
    """Return copies of a network's parameters in order: weight, bias, weight, bias."""
    return [parameter.detach().clone() for parameter in model.parameters()]


def two_bit_answers(parameters: list[Any], images: Any) -> Any:
    """Return the logits of `digit_model`'s network with weight, bias, weight, bias, its weights rounded to two bits."""
    w1, b1, w2, b2 = (p.detach() for p in parameters)
    w1, w2 = (fake_quantize(w, w.abs().max(), 0, -1, 1) for w in (w1, w2))
    return nn.functional.linear(nn.functional.linear(images.flatten(1), w1, b1).relu(), w2, b2)


def counted_loader(images: Any, labels: Any, batch_size: int, seed: int) -> Any:
    """Return `shuffled_loader`'s loader; its `passes` counts how often somebody began to go over it."""
    loader = shuffled_loader(images, labels, batch_size, seed)

    class Counted(type(loader)):
        passes = 0

        def __iter__(self) -> Any:
            self.passes += 1
            return super().__iter__()

    loader.__class__ = Counted
    return loader


def watched_model(seed: int, dtype: str = "float32") -> Any:
    """Return the network of `digit_model` with drawn weights; `seen` notes (numbers of the images, graph or not).

    An image's number is its first pixel times 100. One entry is made for each pass through the first layer.
    `learned` notes the numbers of the images of each backward pass that reached that layer, one after the other.
    """

    class Watched(QATLinear):
        seen: list[tuple[list[int], bool]]
        learned: list[int]

        def forward(self, x: Any) -> Any:
            out = super().forward(x)
            numbers = (x[:, 0] * 100).round().long().tolist()
            self.seen.append((numbers, out.requires_grad))
            if out.requires_grad:
                out.register_hook(lambda _: self.learned.extend(numbers))
            return out

    model = nn.Sequential(nn.Flatten(), Watched(784, 64, 2), nn.ReLU(), QATLinear(64, 10, 2)).to(
        getattr(torch, dtype)
    )
    model[1].seen = model.seen = []
    model[1].learned = model.learned = []
    draw = inputs.rng(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(torch.from_numpy(draw.uniform(-0.1, 0.1, tuple(parameter.shape))))
    return model
