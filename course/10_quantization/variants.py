"""Right solutions of chapter 10 in another style: the checks must accept all of them."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


# %% quant_params: in_torch
def quant_params(x_min, x_max, bits=8):
    ends = torch.tensor([x_min, 0.0, x_max])
    levels = 2**bits - 1
    scale = (ends.max() - ends.min()) / levels
    if scale <= 0:
        scale = torch.tensor(torch.finfo(torch.float32).eps)
    zero_point = torch.clamp(torch.round(-ends.min() / scale), 0, levels)
    return scale, zero_point.int()


# %% quant_params: half_up
def quant_params(x_min, x_max, bits=8):
    import numpy as np

    low, high = np.minimum(x_min, 0), np.maximum(x_max, 0)
    scale = (high - low) / (2**bits - 1) if high > low else 0.5
    return float(scale), int(np.floor(-low / scale + 0.5))


# %% fake_quantize: times_the_inverse
def fake_quantize(x, scale, zero_point, qmin, qmax):
    steps = x.div(scale).round()
    return torch.minimum(
        torch.maximum(steps, torch.tensor(qmin - zero_point, dtype=x.dtype)),
        torch.tensor(qmax - zero_point, dtype=x.dtype),
    ).mul(scale)


# %% fake_quantize: with_integers
def fake_quantize(x, scale, zero_point, qmin, qmax):
    level = torch.round(x.double() / scale).to(torch.int64) + zero_point
    level = level.clamp(qmin, qmax)
    return ((level - zero_point).double() * scale).to(x.dtype)


# %% fake_quant_ste: setup_context
class FakeQuantSTE(torch.autograd.Function):
    @staticmethod
    def forward(x, scale, zero_point, qmin, qmax):
        return fake_quantize(x, scale, zero_point, qmin, qmax)

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, *ctx.rest = inputs
        ctx.save_for_backward(x)

    @staticmethod
    def backward(ctx, grad_out):
        (x,) = ctx.saved_tensors
        scale, zero_point, qmin, qmax = ctx.rest
        level = (x / scale).round() + zero_point
        grad = torch.where(level.clamp(qmin, qmax) == level, grad_out, torch.zeros_like(grad_out))
        return (grad, *[None] * 4)


# %% fake_quant_ste: everything_itself
def to_level(x, scale, zero_point):
    return torch.round(x / scale).add(zero_point)


class FakeQuantSTE(torch.autograd.Function):
    def forward(ctx, x, scale, zero_point, qmin, qmax):
        level = to_level(x, scale, zero_point)
        ctx.clamped = torch.logical_or(level < qmin, level > qmax)
        return (level.clamp(qmin, qmax) - zero_point) * scale

    def backward(ctx, grad_out):
        return grad_out.masked_fill(ctx.clamped, 0), None, None, None, None

    forward, backward = staticmethod(forward), staticmethod(backward)


# %% range_observer: counts_batches
class RangeObserver(nn.Module):
    def __init__(self, momentum=0.1):
        super().__init__()
        self.momentum = momentum
        self.register_buffer("min_val", torch.zeros(()))
        self.register_buffer("max_val", torch.zeros(()))
        self.register_buffer("batches", torch.tensor(0))

    @torch.no_grad()
    def look(self, x):
        share = 1.0 if self.batches == 0 else self.momentum
        low, high = torch.aminmax(x)
        self.min_val += share * (low - self.min_val)
        self.max_val += share * (high - self.max_val)
        self.batches += 1

    def forward(self, x):
        if self.training:
            self.look(x)
        return x


# %% range_observer: infinite_at_first
class RangeObserver(nn.Module):
    def __init__(self, momentum=0.1):
        super().__init__()
        self.m = momentum
        self.register_buffer("min_val", torch.tensor(float("inf")))
        self.register_buffer("max_val", torch.tensor(float("-inf")))

    def forward(self, x):
        if not self.training:
            return x
        flat = x.detach().flatten()
        low, high = flat.sort().values[[0, -1]]
        if torch.isinf(self.min_val):
            self.min_val, self.max_val = low, high
        else:
            self.min_val = self.min_val * (1 - self.m) + low * self.m
            self.max_val = self.max_val * (1 - self.m) + high * self.m
        return x.view_as(x)


# %% pact: own_function
class Lid(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, alpha):
        ctx.save_for_backward(x, alpha)
        return torch.clamp(x, min=0).clamp(max=alpha.item())

    @staticmethod
    def backward(ctx, grad_out):
        x, alpha = ctx.saved_tensors
        return grad_out * (x > 0) * (x < alpha), (grad_out * (x >= alpha)).sum().reshape(1)


class PACT(nn.Module):
    def __init__(self, alpha=6.0):
        super().__init__()
        self.register_parameter("alpha", nn.Parameter(alpha * torch.ones(1)))

    def forward(self, x):
        return Lid.apply(x, self.alpha)


# %% pact: in_masks
class PACT(nn.Module):
    def __init__(self, alpha=6.0):
        super().__init__()
        self.alpha = nn.Parameter(torch.full([1], float(alpha)))

    def forward(self, x):
        high = x >= self.alpha
        return x * ((x > 0) & ~high) + self.alpha * high


# %% pact: alpha_without_a_cast
class LidOf(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, alpha):
        ctx.save_for_backward(x, alpha)
        return torch.clamp(x, 0, alpha.item())

    @staticmethod
    def backward(ctx, grad_out):
        x, alpha = ctx.saved_tensors
        return grad_out * ((x > 0) & (x < alpha)), (grad_out * (x >= alpha)).sum().view_as(alpha)


class PACT(nn.ReLU):
    def __init__(self, alpha=6.0):
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor(alpha))

    def forward(self, x):
        return LidOf.apply(x, self.alpha)


# %% lsq: own_function
class Stepped(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, low, high):
        v = x / scale
        ctx.save_for_backward(v)
        ctx.low, ctx.high = low, high
        return v.round().clamp(low, high) * scale

    @staticmethod
    def backward(ctx, grad_out):
        (v,) = ctx.saved_tensors
        under, over = v <= ctx.low, v >= ctx.high
        slope = under * ctx.low + over * ctx.high + ~(under | over) * (v.round() - v)
        return (
            grad_out * ~(under | over),
            (grad_out * slope).sum() / (v.numel() * ctx.high) ** 0.5,
            None,
            None,
        )


class LSQ(nn.Module):
    def __init__(self, bits, signed=True):
        super().__init__()
        self.low = -(2 ** (bits - 1)) if signed else 0
        self.high = self.low + 2**bits - 1
        self.scale = nn.Parameter(torch.tensor(float("nan")))

    def forward(self, x):
        if torch.isnan(self.scale):
            self.scale.data.fill_(2 * float(x.detach().double().abs().mean()) / self.high**0.5)
        return Stepped.apply(x, self.scale, self.low, self.high)


# %% lsq: hook_on_the_gradient
class LSQ(nn.Module):
    def __init__(self, bits, signed=True):
        super().__init__()
        self.q_n, self.q_p = (2 ** (bits - 1), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        self.scale = nn.Parameter(torch.zeros(()))
        self.register_buffer("ready", torch.tensor(False))

    def forward(self, x):
        if not self.ready:
            self.scale.data.copy_(x.detach().abs().mean().mul(2).div(self.q_p**0.5))
            self.ready.fill_(True)
        scale = self.scale * 1.0
        if scale.requires_grad:
            factor = (x.numel() * self.q_p) ** -0.5
            scale.register_hook(lambda grad: grad * factor)
        v = torch.minimum(torch.maximum(x / scale, x.new_tensor(-self.q_n)), x.new_tensor(self.q_p))
        return scale * (v - (v - v.round()).detach())


# %% qat_linear: subclass_of_linear
class QATLinear(nn.Linear):
    def __init__(self, in_features, out_features, bits):
        super().__init__(in_features, out_features)
        self.top = 2 ** (bits - 1) - 1

    def int_weight(self):
        with torch.no_grad():
            scale = (self.weight.abs().max() / self.top).item()
            return (self.weight / scale).round().clamp(-self.top, self.top).to(torch.int8), scale

    def forward(self, x):
        q, scale = self.int_weight()
        rounded = q.to(self.weight.dtype) * scale
        return F.linear(x, self.weight + (rounded - self.weight).detach(), self.bias)


# %% qat_linear: own_rounding_under_the_old_name
class FakeQuantSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, w, top):
        scale = w.abs().amax() / top
        return torch.round(w / scale) * scale

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out, None


class QATLinear(nn.Module):
    def __init__(self, in_features, out_features, bits):
        super().__init__()
        self.bits = bits
        bound = 1 / math.sqrt(in_features)
        self.weight = nn.Parameter(torch.empty(out_features, in_features).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(out_features))

    def forward(self, x):
        return torch.einsum("ni,oi->no", x, FakeQuantSTE.apply(self.weight, self.top())) + self.bias

    def top(self):
        return 2 ** (self.bits - 1) - 1

    def int_weight(self):
        w = self.weight.detach()
        scale = w.abs().amax() / self.top()
        return torch.round(w / scale).type(torch.int8), scale


# %% qat_linear: rounded_by_torch
class QATLinear(nn.Module):
    def __init__(self, in_features, out_features, bits):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_features, in_features) * in_features**-0.5)
        self.bias = nn.Parameter(torch.zeros(out_features))
        self.top = 2 ** (bits - 1) - 1

    def scale(self):
        return self.weight.detach().abs().max().item() / self.top

    def forward(self, x):
        w = torch.fake_quantize_per_tensor_affine(self.weight, self.scale(), 0, -self.top, self.top)
        return F.linear(x, w, self.bias)

    def int_weight(self):
        scale = self.scale()
        return torch.round(self.weight.detach() / scale).clamp(-self.top, self.top).to(torch.int8), scale


# %% qat_gate: counts_and_prints
def qat_finetune(model, train_loader, epochs):
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs * len(train_loader))
    history = []
    for epoch in range(epochs):
        right = total = 0
        model.train()
        for x, y in train_loader:
            logits = model(x)
            optimizer.zero_grad()
            nn.CrossEntropyLoss()(logits, y).backward()
            optimizer.step()
            schedule.step()
            right, total = right + int((logits.argmax(1) == y).sum()), total + len(y)
        history.append(right / total)
        print(f"epoch {epoch + 1}: {history[-1]:.1%}")
    return history


# %% qat_gate: adam_by_hand
def qat_finetune(model, train_loader, epochs):
    parameters = list(model.parameters())
    first = [torch.zeros_like(p) for p in parameters]
    second = [torch.zeros_like(p) for p in parameters]
    step = 0
    for _ in range(epochs):
        for images, labels in train_loader:
            step += 1
            log_probs = torch.log_softmax(model(images), dim=1)
            grads = torch.autograd.grad(-log_probs.gather(1, labels[:, None]).mean(), parameters)
            with torch.no_grad():
                for p, g, m, v in zip(parameters, grads, first, second):
                    m.lerp_(g, 0.1)
                    v.lerp_(g * g, 0.001)
                    p -= 1e-3 * (m / (1 - 0.9**step)) / ((v / (1 - 0.999**step)).sqrt() + 1e-8)


# %% qat_gate: looks_before_and_after
def qat_finetune(model, train_loader, epochs):
    def share():
        right = [(model(x).argmax(1) == y).float().mean() for x, y in train_loader]
        return float(sum(right) / len(right))

    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    shares = [share()]
    for _ in range(epochs):
        for images, labels in train_loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(images), labels).backward()
            optimizer.step()
        shares.append(share())
    return shares


# %% integer_linear: by_long
def integer_linear(xq, x_zero, wq):
    return torch.einsum("ni,oi->no", xq.long() - x_zero, wq.long()).int()


def requantize(acc, bias, x_scale, w_scale, y_scale, y_zero):
    steps = (acc * (x_scale * w_scale) + bias).div(y_scale).round()
    return torch.clamp(steps + y_zero, min=0, max=255).byte()


# %% integer_linear: zero_point_taken_out_of_the_sum
def integer_linear(xq, x_zero, wq):
    sums = xq.double() @ wq.double().t()
    return (sums - x_zero * wq.double().sum(dim=1)).round().to(torch.int32)


def requantize(acc, bias, x_scale, w_scale, y_scale, y_zero):
    real = acc.to(torch.float64).mul(x_scale).mul(w_scale).add(bias.to(torch.float64))
    return torch.minimum(
        torch.maximum(real.div(y_scale).round().to(torch.int64) + y_zero, torch.tensor(0)), torch.tensor(255)
    ).to(torch.uint8)


# %% integer_linear: in_numpy
def integer_linear(xq, x_zero, wq):
    return torch.from_numpy((xq.numpy().astype(np.int32) - x_zero) @ wq.numpy().astype(np.int32).T)


def requantize(acc, bias, x_scale, w_scale, y_scale, y_zero):
    real = acc.numpy() * x_scale * w_scale + bias.numpy()
    return torch.from_numpy(np.clip(np.rint(real / y_scale) + y_zero, 0, 255).astype(np.uint8))


# %% integer_linear: a_loop_over_outputs
def integer_linear(xq, x_zero, wq):
    centred = xq.int() - int(x_zero)
    return torch.stack([(centred * row.int()).sum(dim=1, dtype=torch.int32) for row in wq], dim=1)


def requantize(acc, bias, x_scale, w_scale, y_scale, y_zero):
    level = torch.round((acc.double() * x_scale * w_scale + bias.double()) / y_scale).long() + y_zero
    level[level < 0] = 0
    level[level > 255] = 255
    return level.type(torch.uint8)


# %% quant_params: a_ruler_by_sorting
def quant_params(x_min, x_max, bits=8):
    low, _, high = sorted((x_min, 0.0, x_max))
    steps = (1 << bits) - 1
    try:
        scale = (high - low) / steps
        return scale, int(0.5 - low / scale)
    except ZeroDivisionError:
        return 1e-12, 0


# %% fake_quantize: an_index_into_a_table_of_levels
def fake_quantize(x, scale, zero_point, qmin, qmax):
    values = (torch.arange(qmin, qmax + 1, dtype=torch.float64) - zero_point) * scale
    index = (torch.round(x / scale) + zero_point - qmin).clamp(0, qmax - qmin).long()
    return values[index].to(x.dtype)


# %% fake_quantize: numpy
def fake_quantize(x, scale, zero_point, qmin, qmax):
    level = np.clip(np.rint(x.detach().numpy().astype(np.float64) / scale) + zero_point, qmin, qmax)
    return torch.from_numpy((level - zero_point) * scale).to(x.dtype)


# %% fake_quant_ste: an_estimator_that_saves_its_input
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


# %% range_observer: buffers_that_are_not_saved
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


# %% pact: a_lid_on_a_relu
class PACT(nn.ReLU):
    def __init__(self, alpha=6.0):
        super().__init__()
        self.alpha = nn.Parameter(torch.as_tensor(alpha, dtype=torch.get_default_dtype()))

    def forward(self, x):
        y = super().forward(x)
        over = (x >= self.alpha).to(x.dtype)
        return y * (1 - over) + self.alpha * over


# %% lsq: a_step_in_three_pieces
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


# %% qat_linear: a_module_inside
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
