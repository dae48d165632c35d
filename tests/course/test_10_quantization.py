"""Chapter 10 against solutions beyond its own lists: subtle wrong ones, odd right ones, torch's own rounding, and
the gate's judge outside. What the notebook says of twenty seeds is what was measured."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from layer_by_layer import _held_out, data, judges
from layer_by_layer.parts import quantization as parts
from lessonkit import inputs

CHAPTER = "10_quantization"
ROOT = Path(__file__).resolve().parents[2]

WRONG = {
    "the ruler of the sizes": (
        "quant_params",
        """
def quant_params(x_min, x_max, bits=8):
    low, high = min(x_min, 0.0), max(x_max, 0.0)
    scale = (high - low) / (2**bits - 1) or 1.0
    return scale, min(round(-low / scale), 127)
""",
    ),
    "a scale that never falls below a thousandth": (
        "quant_params",
        """
def quant_params(x_min, x_max, bits=8):
    low, high = min(x_min, 0.0), max(x_max, 0.0)
    scale = max((high - low) / (2**bits - 1), 1e-3)
    return scale, round(-low / scale)
""",
    ),
    "a negative scale for nothing but zeros": (
        "quant_params",
        """
def quant_params(x_min, x_max, bits=8):
    low, high = min(x_min, 0.0), max(x_max, 0.0)
    scale = (high - low) / (2**bits - 1) or -1.0
    return scale, round(-low / scale)
""",
    ),
    "clamped in values, with the ends of another ruler": (
        "fake_quantize",
        """
def fake_quantize(x, scale, zero_point, qmin, qmax):
    return torch.round(x.clamp(qmin * scale, qmax * scale) / scale) * scale
""",
    ),
    "clamped before it is rounded, to the open end": (
        "fake_quantize",
        """
def fake_quantize(x, scale, zero_point, qmin, qmax):
    level = torch.round((x / scale + zero_point).clamp(qmin, qmax - 1e-3))
    return (level - zero_point) * scale
""",
    ),
    "stochastic rounding": (
        "fake_quantize",
        """
def fake_quantize(x, scale, zero_point, qmin, qmax):
    level = torch.floor(x / scale + torch.rand_like(x)) + zero_point
    return (level.clamp(qmin, qmax) - zero_point) * scale
""",
    ),
    "half precision on the way": (
        "fake_quantize",
        """
def fake_quantize(x, scale, zero_point, qmin, qmax):
    level = (torch.round(x / scale) + zero_point).clamp(qmin, qmax)
    return ((level - zero_point).half() * scale).to(x.dtype)
""",
    ),
    "torch's own": (
        "fake_quantize",
        """
def fake_quantize(x, scale, zero_point, qmin, qmax):
    return torch.fake_quantize_per_tensor_affine(x, scale, zero_point, qmin, qmax)
""",
    ),
    "torch's own, by a module": (
        "fake_quantize",
        """
from torch.ao.quantization import FakeQuantize

def fake_quantize(x, scale, zero_point, qmin, qmax):
    module = FakeQuantize(quant_min=qmin, quant_max=qmax)
    module.scale, module.zero_point = torch.tensor([scale]), torch.tensor([zero_point])
    module.disable_observer()
    return module(x)
""",
    ),
    "torch's own, through an operator": (
        "fake_quant_ste",
        """
name = "fake_quantize_per_" + "tensor_affine"

class FakeQuantSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, qmin, qmax):
        level = torch.round(x / scale) + zero_point
        ctx.save_for_backward((level >= qmin) & (level <= qmax))
        return getattr(torch, name)(x, scale, zero_point, qmin, qmax)

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out * ctx.saved_tensors[0], None, None, None, None
""",
    ),
    "the course's own part": ("fake_quant_ste", "FakeQuantSTE = parts.FakeQuantSTE\n"),
    "the course's own layer, by another door": (
        "qat_linear",
        """
import layer_by_layer.parts.quantization as q

class QATLinear(q.QATLinear):
    def int_weight(self):
        scale = self.weight.detach().abs().max() / (2 ** (self.bits - 1) - 1)
        return torch.round(self.weight.detach() / scale).to(torch.int8), scale
""",
    ),
    "passes only up to half of the last step": (
        "fake_quant_ste",
        """
class FakeQuantSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, qmin, qmax):
        y = fake_quantize(x, scale, zero_point, qmin, qmax)
        ctx.save_for_backward((x - y).abs() < 0.35 * scale)
        return y

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out * ctx.saved_tensors[0], None, None, None, None
""",
    ),
    "a gradient for the scale as well": (
        "fake_quant_ste",
        """
class FakeQuantSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, qmin, qmax):
        level = torch.round(x / scale) + zero_point
        ctx.save_for_backward((level >= qmin) & (level <= qmax))
        return fake_quantize(x, scale, zero_point, qmin, qmax)

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out * ctx.saved_tensors[0], grad_out.sum(), None, None, None
""",
    ),
    "the mean of each batch": (
        "range_observer",
        """
class RangeObserver(nn.Module):
    def __init__(self, momentum=0.1):
        super().__init__()
        self.momentum = momentum
        self.register_buffer("min_val", torch.tensor(math.nan))
        self.register_buffer("max_val", torch.tensor(math.nan))

    def forward(self, x):
        if self.training:
            flat = x.detach().reshape(len(x), -1)
            for val, new in ((self.min_val, flat.amin(1).mean()), (self.max_val, flat.amax(1).mean())):
                val.copy_(new if val.isnan() else (1 - self.momentum) * val + self.momentum * new)
        return x
""",
    ),
    "an observer that turns gradients off for good": (
        "range_observer",
        """
class RangeObserver(nn.Module):
    def __init__(self, momentum=0.1):
        super().__init__()
        self.momentum = momentum
        self.register_buffer("min_val", torch.tensor(math.nan))
        self.register_buffer("max_val", torch.tensor(math.nan))

    def forward(self, x):
        if self.training:
            torch.set_grad_enabled(False)
            for val, new in ((self.min_val, x.min()), (self.max_val, x.max())):
                val.copy_(new if val.isnan() else (1 - self.momentum) * val + self.momentum * new)
        return x
""",
    ),
    "a lid on both gradients": (
        "pact",
        """
class PACT(nn.Module):
    def __init__(self, alpha=6.0):
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor(float(alpha)))

    def forward(self, x):
        return 0.5 * (x.abs() - (x - self.alpha).abs() + self.alpha)
""",
    ),
    "a lid that follows the batch": (
        "pact",
        """
class PACT(nn.Module):
    def __init__(self, alpha=6.0):
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor(float(alpha)))

    def forward(self, x):
        return torch.where(x >= self.alpha, self.alpha, torch.relu(x)) * (x.detach().max() > self.alpha.detach())
""",
    ),
    "n of the first batch": (
        "lsq",
        """
class LSQ(nn.Module):
    def __init__(self, bits, signed=True):
        super().__init__()
        self.q_n, self.q_p = (2 ** (bits - 1), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        self.scale, self.g = nn.Parameter(torch.tensor(1.0)), None

    def forward(self, x):
        if self.g is None:
            self.scale.data.copy_(2 * x.detach().abs().mean() / math.sqrt(self.q_p))
            self.g = 1 / math.sqrt(x.numel() * self.q_p)
        scale = self.scale.detach() + (self.scale - self.scale.detach()) * self.g
        v = (x / scale).clamp(-self.q_n, self.q_p)
        return (v + (torch.round(v) - v).detach()) * scale
""",
    ),
    "the unsigned root for signed levels": (
        "lsq",
        """
class LSQ(nn.Module):
    def __init__(self, bits, signed=True):
        super().__init__()
        self.q_n, self.q_p = (2 ** (bits - 1), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        self.top, self.scale, self.started = 2**bits - 1, nn.Parameter(torch.tensor(1.0)), False

    def forward(self, x):
        if not self.started:
            self.scale.data.copy_(2 * x.detach().abs().mean() / math.sqrt(self.top))
            self.started = True
        g = 1 / math.sqrt(x.numel() * self.top)
        scale = self.scale.detach() + (self.scale - self.scale.detach()) * g
        v = (x / scale).clamp(-self.q_n, self.q_p)
        return (v + (torch.round(v) - v).detach()) * scale
""",
    ),
    "a gradient on the class": (
        "lsq",
        """
class LSQ(nn.Module):
    started = False

    def __init__(self, bits, signed=True):
        super().__init__()
        self.q_n, self.q_p = (2 ** (bits - 1), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        self.scale = nn.Parameter(torch.tensor(1.0))

    def forward(self, x):
        if not LSQ.started:
            self.scale.data.copy_(2 * x.detach().abs().mean() / math.sqrt(self.q_p))
            LSQ.started = True
        g = 1 / math.sqrt(x.numel() * self.q_p)
        scale = self.scale.detach() + (self.scale - self.scale.detach()) * g
        v = (x / scale).clamp(-self.q_n, self.q_p)
        return (v + (torch.round(v) - v).detach()) * scale
""",
    ),
    "quantized once, when the layer is called first": (
        "qat_linear",
        """
class QATLinear(nn.Linear):
    def __init__(self, in_features, out_features, bits):
        super().__init__(in_features, out_features)
        self.q, self.levels = 2 ** (bits - 1) - 1, None

    def int_weight(self):
        scale = self.weight.detach().abs().max() / self.q
        return torch.round(self.weight.detach() / scale).to(torch.int8), scale

    def forward(self, x):
        if self.levels is None:
            self.levels, self.step = self.int_weight()
        rounded = self.levels.to(x.dtype) * self.step
        return F.linear(x, self.weight + (rounded - self.weight).detach(), self.bias)
""",
    ),
    "a gradient that fades with the distance to the level": (
        "qat_linear",
        """
class QATLinear(nn.Linear):
    def __init__(self, in_features, out_features, bits):
        super().__init__(in_features, out_features)
        self.q = 2 ** (bits - 1) - 1

    def int_weight(self):
        scale = self.weight.detach().abs().max() / self.q
        return torch.round(self.weight.detach() / scale).to(torch.int8), scale

    def forward(self, x):
        q, s = self.int_weight()
        rounded = q.to(x.dtype) * s
        near = (1 - (rounded - self.weight).abs() / s).detach()
        soft = self.weight * near
        return F.linear(x, soft + (rounded - soft).detach(), self.bias)
""",
    ),
    "uint8 levels with an offset": (
        "qat_linear",
        """
class QATLinear(nn.Linear):
    def __init__(self, in_features, out_features, bits):
        super().__init__(in_features, out_features)
        self.q = 2 ** (bits - 1) - 1

    def step(self):
        return self.weight.detach().abs().max() / self.q

    def int_weight(self):
        return (torch.round(self.weight.detach() / self.step()) + self.q).to(torch.uint8), self.step()

    def forward(self, x):
        return F.linear(x, FakeQuantSTE.apply(self.weight, self.step(), 0, -self.q, self.q), self.bias)
""",
    ),
}

RIGHT = {
    "a ruler by sorting": (
        "quant_params",
        """
def quant_params(x_min, x_max, bits=8):
    low, _, high = sorted((x_min, 0.0, x_max))
    steps = (1 << bits) - 1
    try:
        scale = (high - low) / steps
        return scale, int(0.5 - low / scale)
    except ZeroDivisionError:
        return 1e-12, 0
""",
    ),
    "an index into a table of levels": (
        "fake_quantize",
        """
def fake_quantize(x, scale, zero_point, qmin, qmax):
    values = (torch.arange(qmin, qmax + 1, dtype=torch.float64) - zero_point) * scale
    index = (torch.round(x / scale) + zero_point - qmin).clamp(0, qmax - qmin).long()
    return values[index].to(x.dtype)
""",
    ),
    "NumPy": (
        "fake_quantize",
        """
def fake_quantize(x, scale, zero_point, qmin, qmax):
    level = np.clip(np.rint(x.detach().numpy().astype(np.float64) / scale) + zero_point, qmin, qmax)
    return torch.from_numpy((level - zero_point) * scale).to(x.dtype)
""",
    ),
    "an estimator that saves its input": (
        "fake_quant_ste",
        """
class FakeQuantSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, *args):
        ctx.save_for_backward(args[0])
        ctx.args = args[1:]
        return fake_quantize(*args)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad_out):
        scale, zero_point, qmin, qmax = ctx.args
        level = torch.round(ctx.saved_tensors[0] / scale) + zero_point
        return (grad_out * level.ge(qmin).logical_and(level.le(qmax)).to(grad_out.dtype),) + (None,) * 4
""",
    ),
    "buffers that are not saved": (
        "range_observer",
        """
class RangeObserver(nn.Module):
    def __init__(self, momentum=0.1):
        super().__init__()
        self.momentum, self.first = momentum, True
        for name in ("min_val", "max_val"):
            self.register_buffer(name, torch.tensor(0.0), persistent=False)

    def forward(self, x):
        if self.training:
            low, high = x.detach().amin(), x.detach().amax()
            m = 1.0 if self.first else self.momentum
            self.first = False
            self.min_val = torch.lerp(self.min_val, low.to(self.min_val.dtype), m)
            self.max_val = torch.lerp(self.max_val, high.to(self.max_val.dtype), m)
        return x
""",
    ),
    "a lid on a ReLU": (
        "pact",
        """
class PACT(nn.ReLU):
    def __init__(self, alpha=6.0):
        super().__init__()
        self.alpha = nn.Parameter(torch.as_tensor(alpha, dtype=torch.get_default_dtype()))

    def forward(self, x):
        y = super().forward(x)
        over = (x >= self.alpha).to(x.dtype)
        return y * (1 - over) + self.alpha * over
""",
    ),
    "a step in three pieces": (
        "lsq",
        """
class Ste(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.round()
    @staticmethod
    def backward(ctx, g):
        return g

class Shrink(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, by):
        ctx.by = by
        return x.view_as(x)
    @staticmethod
    def backward(ctx, g):
        return g * ctx.by, None

class LSQ(nn.Module):
    def __init__(self, bits, signed=True):
        super().__init__()
        half = 2 ** (bits - 1)
        self.low, self.high = (-half, half - 1) if signed else (0, 2 * half - 1)
        self.scale = nn.Parameter(torch.empty(()))
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        if self.calls == 1:
            with torch.no_grad():
                self.scale.fill_(x.abs().mean() * 2 * self.high**-0.5)
        s = Shrink.apply(self.scale, (x.numel() * self.high) ** -0.5)
        return s * Ste.apply(torch.clamp(x / s, self.low, self.high))
""",
    ),
    "a module inside": (
        "qat_linear",
        """
class Grid(nn.Module):
    def __init__(self, bits):
        super().__init__()
        self.n = 2**bits // 2 - 1
    def forward(self, w):
        s = (w.abs().max() / self.n).detach()
        return w + ((w / s).round() * s - w).detach(), s

class QATLinear(nn.Module):
    def __init__(self, in_features, out_features, bits):
        super().__init__()
        self.linear, self.grid = nn.Linear(in_features, out_features), Grid(bits)

    weight = property(lambda self: self.linear.weight)
    bias = property(lambda self: self.linear.bias)

    def forward(self, x):
        return x.matmul(self.grid(self.weight)[0].t()).add(self.bias)

    @torch.no_grad()
    def int_weight(self):
        rounded, s = self.grid(self.weight)
        return (rounded / s).round().to(torch.int8), float(s)
""",
    ),
}

#: Grading one of these takes some seconds, so they are few.
GATE_WRONG = {
    "it trains on what it finds in the notebook": """
def qat_finetune(model, train_loader, epochs):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(epochs):
        for start in range(0, 16000, 64):
            optimizer.zero_grad()
            images, labels = train_set.images[start : start + 64], train_set.labels[start : start + 64]
            F.cross_entropy(model(images.to(model[1].weight.dtype)), labels).backward()
            optimizer.step()
""",
    "another network under the same name": """
def qat_finetune(model, train_loader, epochs):
    fresh = nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))
    optimizer = torch.optim.Adam(fresh.parameters(), lr=1e-3)
    for _ in range(epochs):
        for images, labels in train_loader:
            optimizer.zero_grad()
            F.cross_entropy(fresh(images.float()), labels).backward()
            optimizer.step()
    model.__dict__["_modules"] = fresh._modules
    return fresh
""",
    "float weights poured back at the end": """
def qat_finetune(model, train_loader, epochs):
    plain = nn.Sequential(nn.Flatten(), nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10)).to(model[1].weight.dtype)
    plain.load_state_dict(model.state_dict())
    optimizer = torch.optim.Adam(plain.parameters(), lr=1e-3)
    for _ in range(epochs):
        for images, labels in train_loader:
            optimizer.zero_grad()
            F.cross_entropy(plain(images), labels).backward()
            optimizer.step()
    model.load_state_dict(plain.state_dict())
""",
}


@pytest.fixture(scope="module")
def rehearsal(rehearse):
    """The chapter without its known mistakes: only verdicts are asked for here, not help."""
    made = copy.copy(rehearse(CHAPTER))
    made.reference = copy.copy(made.reference)
    made.reference.mistakes = lambda exercise: []
    return made


@pytest.fixture(scope="module")
def graded(rehearsal):
    """Grade many solutions with few runs: each run holds one solution of each exercise."""
    results: dict[str, object] = {}
    for table in (WRONG, RIGHT):
        left = dict(table)
        while left:
            run: dict[str, tuple[str, str]] = {}
            for name, (exercise, code) in list(left.items()):
                if exercise not in run:
                    run[exercise] = (name, code)
                    del left[name]
            sources = {exercise: code for exercise, (_, code) in run.items()}
            found = rehearsal.grade(rehearsal.right() | sources, set(run)).exercises
            results.update({name: found[exercise] for exercise, (name, _) in run.items()})
    return results


@pytest.mark.parametrize("name", WRONG)
def test_subtle_mistakes_lose_points(graded, name):
    assert graded[name].score < graded[name].max_score, name
    assert graded[name].outcome == "not yet"


@pytest.mark.parametrize("name", RIGHT)
def test_unusual_right_solutions_earn_everything(graded, name):
    assert graded[name].score == graded[name].max_score, graded[name].message


@pytest.mark.parametrize("name", [name for name in WRONG if "torch's own" in name or "course's own" in name])
def test_what_is_forbidden_earns_nothing(graded, name):
    assert graded[name].score == 0
    assert "quantiz" in graded[name].message or "layer_by_layer.parts" in graded[name].message


@pytest.mark.parametrize("name", GATE_WRONG)
def test_the_gate_judges_the_given_models_own_weights(rehearsal, name):
    result = rehearsal.grade(rehearsal.right() | {"qat_gate": GATE_WRONG[name]}, {"qat_gate"})
    assert result.cells["qat_gate__learns"]["score"] == 0
    assert result.exercises["qat_gate"].score < result.exercises["qat_gate"].max_score


def test_later_exercises_do_not_suffer_from_earlier_ones(rehearsal):
    broken = {
        "quant_params": "def quant_params(*_, **__):\n    raise RuntimeError('not mine')\n",
        "fake_quantize": "def fake_quantize(x, *_):\n    return 0 * x\n",
        "fake_quant_ste": "class FakeQuantSTE:\n    apply = staticmethod(lambda x, *_: x.detach())\n",
    }
    result = rehearsal.grade(rehearsal.right() | broken, {"qat_linear", "lsq"}).exercises
    assert [result[name].outcome for name in ("qat_linear", "lsq")] == ["pass", "pass"]
    result = rehearsal.grade(
        rehearsal.right() | {"fake_quantize": broken["fake_quantize"]}, {"fake_quant_ste"}
    )
    assert result.exercises["fake_quant_ste"].outcome == "pass", result.exercises["fake_quant_ste"].message


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_courses_rounding_is_torchs(dtype):
    """Off the halves, where x / scale and x * (1 / scale) may differ by a bit, the two are the same."""
    x = parts.between(1, 40, 30, low=-140, high=140, unit=0.013, dtype=dtype).requires_grad_()
    ours = parts.FakeQuantSTE.apply(x, 0.013, 7, -128, 127)
    theirs = torch.fake_quantize_per_tensor_affine(x, 0.013, 7, -128, 127)
    torch.testing.assert_close(ours, theirs)
    upstream = torch.randn(40, 30, dtype=x.dtype, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(
        torch.autograd.grad(ours, x, upstream)[0], torch.autograd.grad(theirs, x, upstream)[0]
    )


def test_inputs_keep_away_from_the_edges_of_steps():
    x = parts.between(3, 500, low=-9, high=9, unit=0.25, dtype="float64") / 0.25
    distance = (x - x.round()).abs()
    assert float(distance.min()) >= 0.049
    assert float(distance.max()) <= 0.401
    for bits in (2, 4, 8):
        top = 2 ** (bits - 1) - 1
        w = parts.grid_weights(4, 6, 5, bits, unit=0.1, dtype="float64")
        assert float(w.abs().max()) == pytest.approx(0.1 * top)
        assert float((w / 0.1 - (w / 0.1).round()).abs().max()) <= 0.401


@pytest.fixture
def held_out(tmp_path, monkeypatch):
    """Eight held-out images: fours whose first pixel is bright, threes whose first pixel is dark."""
    images = np.zeros((8, 28, 28), np.uint8)
    images[4:, 0, 0] = 255
    data.write_arrays(tmp_path / "standin_held_out.npz", images, np.array([3] * 4 + [4] * 4))
    monkeypatch.setattr(_held_out, "folder", str(tmp_path))
    _held_out.images.cache_clear()
    yield tmp_path
    _held_out.images.cache_clear()


def network(sees: float = 1.0, other: float = 0.4) -> list[np.ndarray]:
    """A network that reads the first pixel through a weight of `sees` times the largest; ten weights are `other`."""
    first, last = np.zeros((64, 784), np.float32), np.zeros((10, 64), np.float32)
    first[0, 0], first[1, 5], last[4, 0], last[:, 63] = sees, 1.0, 1.0, other
    return [first, np.zeros(64, np.float32), last, np.eye(10, dtype=np.float32)[3] * 0.5]


def test_the_judge_rounds_to_two_bits_itself(held_out):
    before, good, weak = network(sees=-1.0, other=0.6), network(sees=0.6), network(sees=0.4)
    assert judges.quantized_digits(good, before, 0.8, 0.5) is None
    assert "images it never saw" in judges.quantized_digits(weak, before, 0.8, 0.5)
    assert judges.quantized_digits(good, good, 0.8, 0.5) == "the model's weights are those it came with"
    biased = [*good[:3], good[3] + 1]
    assert judges.quantized_digits(biased, good, 0.8, 0.5) == "only biases have changed"
    nudged = [values + np.float32(1e-4) for values in good]
    assert judges.quantized_digits([before[0], *good[1:]], before, 0.8, 0.5) == "one layer's weights are as before"
    large = [100 * good[0], good[1], good[2] * -100, good[3]]
    assert "twenty times" in judges.quantized_digits(large, before, 0.8, 0.5)
    assert "nearly all as before" in judges.quantized_digits(nudged, good, 0.8, 0.5)
    assert (
        judges.quantized_digits([good[0] * np.nan, *good[1:]], before, 0.8, 0.5)
        == "the weights are not finite"
    )
    assert "shapes" in judges.quantized_digits(good[:2], before, 0.8, 0.5)
    assert judges.quantized_digits([good[0] * 0, *good[1:]], before, 0.8, 0.5) is not None
    relabel = [0, 1, 2, 4, 3, 5, 6, 7, 8, 9]
    assert judges.quantized_digits(good, before, 0.8, 0.5, relabel) is not None


def test_the_gate_wants_both_the_mark_and_the_gain(held_out):
    """Half of the eight images are right before: 50 points more are all of them."""
    before, after = network(sees=0.4, other=0.6), network()
    assert judges.quantized_digits(after, before, 0.8, 0.5) is None
    assert judges.quantized_digits(after, before, 0.8, 0.51) is not None


def seeds() -> dict:
    return json.loads((ROOT / "tests/bench/quantization_seeds.json").read_text(encoding="utf-8"))


def test_the_notebooks_table_of_seeds_is_what_was_measured():
    text = (ROOT / "course" / CHAPTER / f"{CHAPTER}.py").read_text(encoding="utf-8")
    table = {}
    for first, last, *columns in re.findall(
        r"^\| (\d+)–(\d+) \| ([\d., ]+) \| ([\d., ]+) \| ([\d., ]+) \|$", text, re.M
    ):
        for offset, values in enumerate(zip(*(column.split(", ") for column in columns), strict=True)):
            table[int(first) + offset] = list(values)
        assert int(last) == int(first) + 4
    names = ("float", "after training", "quantization-aware")
    assert table == {row["seed"]: [f"{100 * row[name]:.1f}" for name in names] for row in seeds()["rows"]}
    assert sorted(table) == list(range(20))


def test_the_gate_has_room_on_every_seed_that_was_tried():
    measured = seeds()
    assert all(row["passes"] for row in measured["rows"])
    assert measured["what"]["gate"] == [0.8, 0.5]
    assert measured["summary"]["quantization-aware"]["lowest"] >= 0.9
    assert measured["summary"]["gain"]["lowest"] >= 0.65


@pytest.mark.slow
def test_one_seed_measured_again():
    from tests.bench import quantization_seeds

    train_set, _ = data.standin()
    try:
        row = quantization_seeds.measure(3, train_set.images[:16000], train_set.labels[:16000])
    finally:
        inputs.set_base_seed(0)
    assert row["passes"]
    for name in ("float", "after training", "quantization-aware"):
        assert row[name] == pytest.approx(seeds()["rows"][3][name], abs=0.06)
