"""Wrong solutions of chapter 10 beyond the named mistakes: subtle, or forbidden. The checks must reject all of them."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


# %% quant_params: the_ruler_of_the_sizes
def quant_params(x_min, x_max, bits=8):
    low, high = min(x_min, 0.0), max(x_max, 0.0)
    scale = (high - low) / (2**bits - 1) or 1.0
    return scale, min(round(-low / scale), 127)


# %% quant_params: a_scale_that_never_falls_below_a_thousandth
def quant_params(x_min, x_max, bits=8):
    low, high = min(x_min, 0.0), max(x_max, 0.0)
    scale = max((high - low) / (2**bits - 1), 1e-3)
    return scale, round(-low / scale)


# %% quant_params: a_negative_scale_for_nothing_but_zeros
def quant_params(x_min, x_max, bits=8):
    low, high = min(x_min, 0.0), max(x_max, 0.0)
    scale = (high - low) / (2**bits - 1) or -1.0
    return scale, round(-low / scale)


# %% fake_quantize: clamped_in_values_with_the_ends_of_another_ruler
def fake_quantize(x, scale, zero_point, qmin, qmax):
    return torch.round(x.clamp(qmin * scale, qmax * scale) / scale) * scale


# %% fake_quantize: clamped_before_it_is_rounded_to_the_open_end
def fake_quantize(x, scale, zero_point, qmin, qmax):
    level = torch.round((x / scale + zero_point).clamp(qmin, qmax - 1e-3))
    return (level - zero_point) * scale


# %% fake_quantize: stochastic_rounding
def fake_quantize(x, scale, zero_point, qmin, qmax):
    level = torch.floor(x / scale + torch.rand_like(x)) + zero_point
    return (level.clamp(qmin, qmax) - zero_point) * scale


# %% fake_quantize: half_precision_on_the_way
def fake_quantize(x, scale, zero_point, qmin, qmax):
    level = (torch.round(x / scale) + zero_point).clamp(qmin, qmax)
    return ((level - zero_point).half() * scale).to(x.dtype)


# %% fake_quantize: torchs_own
# names: quantize
def fake_quantize(x, scale, zero_point, qmin, qmax):
    return torch.fake_quantize_per_tensor_affine(x, scale, zero_point, qmin, qmax)


# %% fake_quantize: torchs_own_by_a_module
# names: quantization
from torch.ao.quantization import FakeQuantize

def fake_quantize(x, scale, zero_point, qmin, qmax):
    module = FakeQuantize(quant_min=qmin, quant_max=qmax)
    module.scale, module.zero_point = torch.tensor([scale]), torch.tensor([zero_point])
    module.disable_observer()
    return module(x)


# %% fake_quant_ste: torchs_own_through_an_operator
# names: quantize
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


# %% fake_quant_ste: the_courses_own_part
# names: layer_by_layer.parts
FakeQuantSTE = parts.FakeQuantSTE


# %% qat_linear: the_courses_own_layer_by_another_door
# names: layer_by_layer.parts
import layer_by_layer.parts.quantization as q

class QATLinear(q.QATLinear):
    def int_weight(self):
        scale = self.weight.detach().abs().max() / (2 ** (self.bits - 1) - 1)
        return torch.round(self.weight.detach() / scale).to(torch.int8), scale


# %% fake_quant_ste: passes_only_up_to_half_of_the_last_step
class FakeQuantSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, qmin, qmax):
        y = fake_quantize(x, scale, zero_point, qmin, qmax)
        ctx.save_for_backward((x - y).abs() < 0.35 * scale)
        return y

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out * ctx.saved_tensors[0], None, None, None, None


# %% fake_quant_ste: a_gradient_for_the_scale_as_well
class FakeQuantSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, qmin, qmax):
        level = torch.round(x / scale) + zero_point
        ctx.save_for_backward((level >= qmin) & (level <= qmax))
        return fake_quantize(x, scale, zero_point, qmin, qmax)

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out * ctx.saved_tensors[0], grad_out.sum(), None, None, None


# %% range_observer: the_mean_of_each_batch
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


# %% range_observer: an_observer_that_turns_gradients_off_for_good
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


# %% pact: a_lid_on_both_gradients
class PACT(nn.Module):
    def __init__(self, alpha=6.0):
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor(float(alpha)))

    def forward(self, x):
        return 0.5 * (x.abs() - (x - self.alpha).abs() + self.alpha)


# %% pact: a_lid_that_follows_the_batch
class PACT(nn.Module):
    def __init__(self, alpha=6.0):
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor(float(alpha)))

    def forward(self, x):
        return torch.where(x >= self.alpha, self.alpha, torch.relu(x)) * (x.detach().max() > self.alpha.detach())


# %% lsq: n_of_the_first_batch
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


# %% lsq: the_unsigned_root_for_signed_levels
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


# %% lsq: a_gradient_on_the_class
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


# %% qat_linear: quantized_once_when_the_layer_is_called_first
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


# %% qat_linear: a_gradient_that_fades_with_the_distance_to_the_level
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


# %% qat_linear: uint8_levels_with_an_offset
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


# %% qat_gate: it_trains_on_what_it_finds_in_the_notebook
def qat_finetune(model, train_loader, epochs):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(epochs):
        for start in range(0, 16000, 64):
            optimizer.zero_grad()
            images, labels = train_set.images[start : start + 64], train_set.labels[start : start + 64]
            F.cross_entropy(model(images.to(model[1].weight.dtype)), labels).backward()
            optimizer.step()


# %% qat_gate: another_network_under_the_same_name
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


# %% qat_gate: float_weights_poured_back_at_the_end
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
