"""Named mistakes of chapter 10: wrong solutions that the checks must reject, each with its own help."""

import copy
import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn


# %% quant_params: not_widened
# help: 0 is not on your ruler where the range does not hold it: [2, 6] has to become [0, 6] before anything
#   is worked out from it.
def quant_params(x_min, x_max, bits=8):
    if x_max == x_min:
        return 1.0, 0
    scale = (x_max - x_min) / (2**bits - 1)
    return scale, round(-x_min / scale)


# %% quant_params: clamped_instead_of_widened
# help: You clamp the zero point, but the scale still belongs to the range that was not widened. Then the ruler
#   ends before the largest value.
def quant_params(x_min, x_max, bits=8):
    if x_max == x_min:
        return 1.0, 0
    scale = (x_max - x_min) / (2**bits - 1)
    return scale, min(max(round(-x_min / scale), 0), 2**bits - 1)


# %% quant_params: only_low_end_widened
# help: You widen the range downwards only. A range that lies below 0, such as [-6, -3], has to reach up to 0.
def quant_params(x_min, x_max, bits=8):
    x_min = min(x_min, 0.0)
    scale = (x_max - x_min) / (2**bits - 1) or 1.0
    return scale, round(-x_min / scale)


# %% quant_params: only_high_end_widened
# help: You widen the range upwards only. A range that lies above 0, such as [2, 6], has to begin at 0.
def quant_params(x_min, x_max, bits=8):
    x_max = max(x_max, 0.0)
    scale = (x_max - x_min) / (2**bits - 1) or 1.0
    return scale, round(-x_min / scale)


# %% quant_params: one_level_too_many
# help: You divide by the number of levels. Four levels have three gaps between them, and the scale is a gap.
def quant_params(x_min, x_max, bits=8):
    x_min, x_max = min(x_min, 0.0), max(x_max, 0.0)
    scale = (x_max - x_min) / 2**bits or 1.0
    return scale, round(-x_min / scale)


# %% quant_params: zero_point_not_rounded
# help: Your zero point is not a whole number. It is a level: round it to the nearest.
def quant_params(x_min, x_max, bits=8):
    x_min, x_max = min(x_min, 0.0), max(x_max, 0.0)
    scale = (x_max - x_min) / (2**bits - 1) or 1.0
    return scale, -x_min / scale


# %% quant_params: zero_point_cut_off
# help: Your zero point is cut off, not rounded: int(1.75) is 1, and the nearest level is 2.
def quant_params(x_min, x_max, bits=8):
    x_min, x_max = min(x_min, 0.0), max(x_max, 0.0)
    scale = (x_max - x_min) / (2**bits - 1) or 1.0
    return scale, int(-x_min / scale)


# %% quant_params: zero_point_rounded_up
# help: Your zero point is always rounded up. The nearest level to 1.25 is 1.
def quant_params(x_min, x_max, bits=8):
    x_min, x_max = min(x_min, 0.0), max(x_max, 0.0)
    scale = (x_max - x_min) / (2**bits - 1) or 1.0
    return scale, math.ceil(-x_min / scale)


# %% quant_params: sign_of_the_zero_point
# help: Your zero point has the wrong sign. 0 lies above x_min, so counting levels from x_min upwards gives a
#   positive number.
def quant_params(x_min, x_max, bits=8):
    x_min, x_max = min(x_min, 0.0), max(x_max, 0.0)
    scale = (x_max - x_min) / (2**bits - 1) or 1.0
    return scale, round(x_min / scale)


# %% quant_params: counted_from_the_top
# help: Your zero point counts levels from the upper end of the range. Level 0 stands for x_min.
def quant_params(x_min, x_max, bits=8):
    x_min, x_max = min(x_min, 0.0), max(x_max, 0.0)
    scale = (x_max - x_min) / (2**bits - 1) or 1.0
    return scale, round(x_max / scale)


# %% quant_params: zero_point_in_units_of_x
# help: Your zero point is a value of x and not a level: divide by the scale.
def quant_params(x_min, x_max, bits=8):
    x_min, x_max = min(x_min, 0.0), max(x_max, 0.0)
    scale = (x_max - x_min) / (2**bits - 1) or 1.0
    return scale, round(-x_min)


# %% quant_params: signed_levels
# help: Your zero point belongs to signed levels, which begin at -2^(bits-1). Here they begin at 0.
def quant_params(x_min, x_max, bits=8):
    x_min, x_max = min(x_min, 0.0), max(x_max, 0.0)
    scale = (x_max - x_min) / (2**bits - 1) or 1.0
    return scale, round(-x_min / scale) - 2 ** (bits - 1)


# %% quant_params: always_eight_bits
# help: You always make 256 levels. How many there are comes in as `bits`.
def quant_params(x_min, x_max, bits=8):
    x_min, x_max = min(x_min, 0.0), max(x_max, 0.0)
    scale = (x_max - x_min) / 255 or 1.0
    return scale, round(-x_min / scale)


# %% quant_params: divides_by_zero
# help: A range of nothing but zeros gives a scale of 0, and then you divide by it. Any positive scale will do
#   there.
def quant_params(x_min, x_max, bits=8):
    x_min, x_max = min(x_min, 0.0), max(x_max, 0.0)
    scale = (x_max - x_min) / (2**bits - 1)
    return scale, round(-x_min / scale)


# %% quant_params: scale_of_zero
# help: For a range of nothing but zeros your scale is not positive. With 0, whoever uses it divides by 0.
def quant_params(x_min, x_max, bits=8):
    x_min, x_max = min(x_min, 0.0), max(x_max, 0.0)
    scale = (x_max - x_min) / (2**bits - 1)
    return scale, round(-x_min / scale) if scale else 0


# %% quant_params: epsilon_added
# help: You add a small number to the scale to be safe. A narrow range then gets a scale that is visibly too
#   coarse: treat the range of zeros as a case of its own.
def quant_params(x_min, x_max, bits=8):
    x_min, x_max = min(x_min, 0.0), max(x_max, 0.0)
    scale = (x_max - x_min) / (2**bits - 1) + 1e-8
    return scale, round(-x_min / scale)


# %% quant_params: floored_at_epsilon
# help: Your scale never falls below some small number of your own. A range of hardly anything has a scale of hardly
#   anything: only the range of zeros is a case of its own.
def quant_params(x_min, x_max, bits=8):
    x_min, x_max = min(x_min, 0.0), max(x_max, 0.0)
    scale = max((x_max - x_min) / (2**bits - 1), float(np.finfo(np.float32).eps))
    return scale, round(-x_min / scale)


# %% quant_params: symmetric_range
# help: You make the range symmetric about 0. This ruler is affine: each end of the range stays where it is.
def quant_params(x_min, x_max, bits=8):
    largest = max(abs(x_min), abs(x_max))
    scale = 2 * largest / (2**bits - 1) or 1.0
    return scale, round(largest / scale)


# %% quant_params: returned_the_wrong_way_round
# help: The pair comes back the wrong way round: first the scale, then the zero point.
def quant_params(x_min, x_max, bits=8):
    x_min, x_max = min(x_min, 0.0), max(x_max, 0.0)
    scale = (x_max - x_min) / (2**bits - 1) or 1.0
    return round(-x_min / scale), scale


# %% quant_params: zero_point_a_float
# help: Your zero point is a float, though a whole one. A level is counted: make it an int.
def quant_params(x_min, x_max, bits=8):
    x_min, x_max = min(x_min, 0.0), max(x_max, 0.0)
    scale = (x_max - x_min) / (2**bits - 1) or 1.0
    return scale, float(round(-x_min / scale))


# %% fake_quantize: cut_off
# help: You cut off instead of rounding: 1.8 steps become 1. The nearest level is 2.
def fake_quantize(x, scale, zero_point, qmin, qmax):
    return (torch.clamp(torch.trunc(x / scale) + zero_point, qmin, qmax) - zero_point) * scale


# %% fake_quantize: floor
# help: You always go down to the next level. Round to the nearest.
def fake_quantize(x, scale, zero_point, qmin, qmax):
    return (torch.clamp(torch.floor(x / scale) + zero_point, qmin, qmax) - zero_point) * scale


# %% fake_quantize: half_up
# help: Your halves always go up. Between two levels a half goes to the even one, as torch.round does it.
def fake_quantize(x, scale, zero_point, qmin, qmax):
    return (torch.clamp(torch.floor(x / scale + 0.5) + zero_point, qmin, qmax) - zero_point) * scale


# %% fake_quantize: half_away_from_zero
# help: Your halves go away from 0. Between two levels a half goes to the even one, as torch.round does it.
def fake_quantize(x, scale, zero_point, qmin, qmax):
    steps = torch.sign(x) * torch.floor(x.abs() / scale + 0.5)
    return (torch.clamp(steps + zero_point, qmin, qmax) - zero_point) * scale


# %% fake_quantize: zero_point_inside_the_rounding
# help: You add the zero point before you round. With an odd zero point a half then goes to the other
#   neighbour: round x/scale, then shift.
def fake_quantize(x, scale, zero_point, qmin, qmax):
    return (torch.clamp(torch.round(x / scale + zero_point), qmin, qmax) - zero_point) * scale


# %% fake_quantize: not_clamped
# help: Values beyond the last level stay where they are. The level has to be clamped to qmin … qmax.
def fake_quantize(x, scale, zero_point, qmin, qmax):
    return torch.round(x / scale) * scale


# %% fake_quantize: clamped_before_the_shift
# help: You clamp before the zero point is added. qmin and qmax are levels: clamp what they count.
def fake_quantize(x, scale, zero_point, qmin, qmax):
    return torch.clamp(torch.round(x / scale), qmin, qmax) * scale


# %% fake_quantize: zero_point_left_in
# help: On the way back the zero point is still in the level: 0 does not come back as 0. Subtract it before you
#   multiply.
def fake_quantize(x, scale, zero_point, qmin, qmax):
    return torch.clamp(torch.round(x / scale) + zero_point, qmin, qmax) * scale


# %% fake_quantize: zero_point_left_out
# help: You never add the zero point, but subtract it on the way back. It shifts the level first.
def fake_quantize(x, scale, zero_point, qmin, qmax):
    return (torch.clamp(torch.round(x / scale), qmin, qmax) - zero_point) * scale


# %% fake_quantize: zero_point_subtracted
# help: The sign of your zero point is the wrong way round: it is added on the way to the level and subtracted
#   on the way back.
def fake_quantize(x, scale, zero_point, qmin, qmax):
    return (torch.clamp(torch.round(x / scale) - zero_point, qmin, qmax) + zero_point) * scale


# %% fake_quantize: levels_returned
# help: What you return are levels, 0, 1, 2 and so on. Fake quantization goes back to the numbers they stand
#   for.
def fake_quantize(x, scale, zero_point, qmin, qmax):
    return torch.clamp(torch.round(x / scale) + zero_point, qmin, qmax)


# %% fake_quantize: multiplied_for_divided
# help: You multiply by the scale on the way to the level and divide on the way back. A level counts steps:
#   divide first.
def fake_quantize(x, scale, zero_point, qmin, qmax):
    return (torch.clamp(torch.round(x * scale) + zero_point, qmin, qmax) - zero_point) / scale


# %% fake_quantize: int8_overflows
# help: A level beyond -128 … 127 turns over in an int8 before you clamp it. Keep the level a float, or clamp
#   first.
def fake_quantize(x, scale, zero_point, qmin, qmax):
    level = (torch.round(x / scale) + zero_point).to(torch.int32).to(torch.int8).to(x.dtype)
    return (torch.clamp(level, qmin, qmax) - zero_point) * scale


# %% fake_quantize: dtype_lost
# help: A float64 tensor comes back as float32. Somewhere on the way you turn it into integers, or into floats
#   of a fixed size.
def fake_quantize(x, scale, zero_point, qmin, qmax):
    level = torch.clamp(torch.round(x / scale) + zero_point, qmin, qmax).float()
    return (level - zero_point) * scale


# %% fake_quantize: in_place
# help: You change the tensor that was handed to you. Operations that end in an underscore work in place.
def fake_quantize(x, scale, zero_point, qmin, qmax):
    x /= scale
    return x.round_().add_(zero_point).clamp_(qmin, qmax).sub_(zero_point).mul_(scale)


# %% fake_quantize: always_an_unsigned_byte
# help: You clamp to 0 … 255 whatever was asked for. The levels are qmin … qmax.
def fake_quantize(x, scale, zero_point, qmin, qmax):
    level = (torch.round(x / scale) + zero_point).clamp(0, 255)
    return (level - zero_point) * scale


# %% fake_quant_ste: autograds_own
# help: Your gradient is 0 everywhere: it is the true slope of a staircase. Straight-through means to return
#   the upstream gradient.
class FakeQuantSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, qmin, qmax):
        return fake_quantize(x, scale, zero_point, qmin, qmax)

    @staticmethod
    def backward(ctx, grad_out):
        return torch.zeros_like(grad_out), None, None, None, None


# %% fake_quant_ste: passes_everywhere
# help: Your gradient passes where the level was clamped, too. There moving x changes nothing: it is 0. If you
#   have a mask, is it made from the level before the clamp?
class FakeQuantSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, qmin, qmax):
        return fake_quantize(x, scale, zero_point, qmin, qmax)

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out, None, None, None, None


# %% fake_quant_ste: ends_left_out
# help: You count the first and the last level as outside. qmin and qmax themselves are levels, and nothing was
#   clamped there.
class FakeQuantSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, qmin, qmax):
        level = torch.round(x / scale) + zero_point
        ctx.save_for_backward((level > qmin) & (level < qmax))
        return fake_quantize(x, scale, zero_point, qmin, qmax)

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out * ctx.saved_tensors[0], None, None, None, None


# %% fake_quant_ste: asked_before_rounding
# help: You ask for the level before it is rounded. 3.3 rounds to 3, which exists; only what is rounded beyond
#   the ends was clamped.
class FakeQuantSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, qmin, qmax):
        level = x / scale + zero_point
        ctx.save_for_backward((level >= qmin) & (level <= qmax))
        return fake_quantize(x, scale, zero_point, qmin, qmax)

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out * ctx.saved_tensors[0], None, None, None, None


# %% fake_quant_ste: zero_point_forgotten_in_the_mask
# help: Your mask forgets the zero point: qmin and qmax are compared with a level that was not shifted.
class FakeQuantSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, qmin, qmax):
        level = torch.round(x / scale)
        ctx.save_for_backward((level >= qmin) & (level <= qmax))
        return fake_quantize(x, scale, zero_point, qmin, qmax)

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out * ctx.saved_tensors[0], None, None, None, None


# %% fake_quant_ste: scale_forgotten_in_the_mask
# help: Your mask compares x itself with qmin and qmax. They are levels: divide by the scale and round first.
class FakeQuantSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, qmin, qmax):
        ctx.save_for_backward((x >= qmin) & (x <= qmax))
        return fake_quantize(x, scale, zero_point, qmin, qmax)

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out * ctx.saved_tensors[0], None, None, None, None


# %% fake_quant_ste: upper_end_only
# help: What was clamped at the lower end still has a gradient. The ruler has two ends.
class FakeQuantSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, qmin, qmax):
        ctx.save_for_backward(torch.round(x / scale) + zero_point <= qmax)
        return fake_quantize(x, scale, zero_point, qmin, qmax)

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out * ctx.saved_tensors[0], None, None, None, None


# %% fake_quant_ste: upstream_ignored
# help: Your backward returns ones and zeros whatever comes from above. They have to be multiplied by the
#   upstream gradient.
class FakeQuantSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, qmin, qmax):
        level = torch.round(x / scale) + zero_point
        ctx.save_for_backward(((level >= qmin) & (level <= qmax)).to(x.dtype))
        return fake_quantize(x, scale, zero_point, qmin, qmax)

    @staticmethod
    def backward(ctx, grad_out):
        return ctx.saved_tensors[0], None, None, None, None


# %% fake_quant_ste: mask_turned_round
# help: Your mask is the wrong way round: the gradient passes where the level was clamped, and only there.
class FakeQuantSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, qmin, qmax):
        level = torch.round(x / scale) + zero_point
        ctx.save_for_backward((level < qmin) | (level > qmax))
        return fake_quantize(x, scale, zero_point, qmin, qmax)

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out * ctx.saved_tensors[0], None, None, None, None


# %% fake_quant_ste: times_the_scale
# help: Your gradient is multiplied by the scale. Divided on the way there and multiplied on the way back: the
#   two cancel.
class FakeQuantSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, qmin, qmax):
        level = torch.round(x / scale) + zero_point
        ctx.scale = scale
        ctx.save_for_backward((level >= qmin) & (level <= qmax))
        return fake_quantize(x, scale, zero_point, qmin, qmax)

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out * ctx.saved_tensors[0] * ctx.scale, None, None, None, None


# %% fake_quant_ste: one_gradient_returned
# help: Five arguments went into forward, so backward returns five values: the gradient of x, and None four
#   times.
class FakeQuantSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, qmin, qmax):
        level = torch.round(x / scale) + zero_point
        ctx.save_for_backward((level >= qmin) & (level <= qmax))
        return fake_quantize(x, scale, zero_point, qmin, qmax)

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out * ctx.saved_tensors[0]


# %% fake_quant_ste: upstream_changed_in_place
# help: Your backward writes into the upstream gradient. It is not yours: somebody else may still need it.
class FakeQuantSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, qmin, qmax):
        level = torch.round(x / scale) + zero_point
        ctx.save_for_backward((level < qmin) | (level > qmax))
        return fake_quantize(x, scale, zero_point, qmin, qmax)

    @staticmethod
    def backward(ctx, grad_out):
        (outside,) = ctx.saved_tensors
        grad_out[outside] = 0
        return grad_out, None, None, None, None


# %% fake_quant_ste: mask_kept_on_the_class
# help: The mask is kept on the class, so the run that came last overwrites it for all others. Keep it on ctx.
class FakeQuantSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, qmin, qmax):
        level = torch.round(x / scale) + zero_point
        FakeQuantSTE.inside = (level >= qmin) & (level <= qmax)
        return fake_quantize(x, scale, zero_point, qmin, qmax)

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out * FakeQuantSTE.inside, None, None, None, None


# %% fake_quant_ste: forward_does_not_clamp
# help: Your forward rounds and does not clamp: values beyond the last level stay there.
class FakeQuantSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, qmin, qmax):
        level = torch.round(x / scale) + zero_point
        ctx.save_for_backward((level >= qmin) & (level <= qmax))
        return (level - zero_point) * scale

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out * ctx.saved_tensors[0], None, None, None, None


# %% fake_quant_ste: no_function_at_all
# help: What you wrote gives the right numbers, but it is no torch.autograd.Function: subclass it, and write
#   forward and backward as static methods.
class FakeQuantSTE:
    @staticmethod
    def apply(x, scale, zero_point, qmin, qmax):
        level = torch.round(x / scale) + zero_point
        inside = (level >= qmin) & (level <= qmax)
        passed = x * inside
        return passed + (fake_quantize(x, scale, zero_point, qmin, qmax) - passed).detach()


# %% fake_quant_ste: halves_up_in_forward
# help: Your forward sends halves up. As in `fake_quantize`, a half goes to the even neighbour: torch.round does it.
class FakeQuantSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, qmin, qmax):
        level = torch.floor(x / scale + 0.5) + zero_point
        ctx.save_for_backward((level >= qmin) & (level <= qmax))
        return (level.clamp(qmin, qmax) - zero_point) * scale

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out * ctx.saved_tensors[0], None, None, None, None


# %% fake_quant_ste: zero_point_inside_the_rounding
# help: Your forward adds the zero point before it rounds. With an odd zero point a half then goes the other way.
class FakeQuantSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, qmin, qmax):
        level = torch.round(x / scale + zero_point)
        ctx.save_for_backward((level >= qmin) & (level <= qmax))
        return (level.clamp(qmin, qmax) - zero_point) * scale

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out * ctx.saved_tensors[0], None, None, None, None


# %% fake_quant_ste: x_changed_in_place
# help: Your forward writes into x: an operation that ends in an underscore works in place.
class FakeQuantSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, zero_point, qmin, qmax):
        level = x.div_(scale).round() + zero_point
        ctx.save_for_backward((level >= qmin) & (level <= qmax))
        return (level.clamp(qmin, qmax) - zero_point) * scale

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out * ctx.saved_tensors[0], None, None, None, None


# %% range_observer: starts_at_zero
# help: Your average starts at 0, so the first range is mixed with something that was never seen. The first
#   batch sets the buffers.
class RangeObserver(nn.Module):
    def __init__(self, momentum=0.1):
        super().__init__()
        self.momentum = momentum
        self.register_buffer("min_val", torch.tensor(0.0))
        self.register_buffer("max_val", torch.tensor(0.0))

    def forward(self, x):
        if self.training:
            m = self.momentum
            self.min_val.copy_((1 - m) * self.min_val + m * x.min().detach())
            self.max_val.copy_((1 - m) * self.max_val + m * x.max().detach())
        return x


# %% range_observer: zero_means_not_yet
# help: You take buffers of 0 for "nothing seen yet". A first batch of zeros has that range, too; mark the
#   beginning in a way that no batch can.
class RangeObserver(nn.Module):
    def __init__(self, momentum=0.1):
        super().__init__()
        self.momentum = momentum
        self.register_buffer("min_val", torch.tensor(0.0))
        self.register_buffer("max_val", torch.tensor(0.0))

    def forward(self, x):
        if self.training:
            low, high = x.min().detach(), x.max().detach()
            if self.min_val == 0 and self.max_val == 0:
                self.min_val.copy_(low)
                self.max_val.copy_(high)
            else:
                self.min_val.lerp_(low.to(self.min_val.dtype), self.momentum)
                self.max_val.lerp_(high.to(self.max_val.dtype), self.momentum)
        return x


# %% range_observer: momentum_turned_round
# help: Your momentum is the weight of what is old. Here it is the weight of what is new: 0.1 means that nine
#   tenths stay.
class RangeObserver(nn.Module):
    def __init__(self, momentum=0.1):
        super().__init__()
        self.momentum = momentum
        self.register_buffer("min_val", torch.tensor(math.nan))
        self.register_buffer("max_val", torch.tensor(math.nan))

    def forward(self, x):
        if self.training:
            for val, new in ((self.min_val, x.detach().min()), (self.max_val, x.detach().max())):
                val.copy_(new if val.isnan() else self.momentum * val + (1 - self.momentum) * new)
        return x


# %% range_observer: momentum_fixed
# help: Your average always takes a tenth of what is new. How much it takes is said by the argument momentum.
class RangeObserver(nn.Module):
    def __init__(self, momentum=0.1):
        super().__init__()
        self.register_buffer("min_val", torch.tensor(math.nan))
        self.register_buffer("max_val", torch.tensor(math.nan))

    def forward(self, x):
        if self.training:
            for val, new in ((self.min_val, x.detach().min()), (self.max_val, x.detach().max())):
                val.copy_(new if val.isnan() else 0.9 * val + 0.1 * new)
        return x


# %% range_observer: extremes_ever_seen
# help: You keep the smallest and the largest value ever seen. Asked for is a moving average, which forgets.
class RangeObserver(nn.Module):
    def __init__(self, momentum=0.1):
        super().__init__()
        self.register_buffer("min_val", torch.tensor(math.inf))
        self.register_buffer("max_val", torch.tensor(-math.inf))

    def forward(self, x):
        if self.training:
            self.min_val.copy_(torch.minimum(self.min_val, x.detach().min()))
            self.max_val.copy_(torch.maximum(self.max_val, x.detach().max()))
        return x


# %% range_observer: last_batch_only
# help: Your buffers hold the last batch's range. Move them a little way towards it instead of replacing them.
class RangeObserver(nn.Module):
    def __init__(self, momentum=0.1):
        super().__init__()
        self.register_buffer("min_val", torch.tensor(0.0))
        self.register_buffer("max_val", torch.tensor(0.0))

    def forward(self, x):
        if self.training:
            self.min_val.copy_(x.detach().min())
            self.max_val.copy_(x.detach().max())
        return x


# %% range_observer: updates_in_eval
# help: Your observer takes notes in eval mode, too. Ask self.training first.
class RangeObserver(nn.Module):
    def __init__(self, momentum=0.1):
        super().__init__()
        self.momentum = momentum
        self.register_buffer("min_val", torch.tensor(math.nan))
        self.register_buffer("max_val", torch.tensor(math.nan))

    def forward(self, x):
        for val, new in ((self.min_val, x.detach().min()), (self.max_val, x.detach().max())):
            val.copy_(new if val.isnan() else (1 - self.momentum) * val + self.momentum * new)
        return x


# %% range_observer: first_batch_even_in_eval
# help: Once it has a range your observer keeps still in eval mode, but it takes its very first one from any
#   batch. The first training batch sets it.
class RangeObserver(nn.Module):
    def __init__(self, momentum=0.1):
        super().__init__()
        self.momentum = momentum
        self.register_buffer("min_val", torch.tensor(math.nan))
        self.register_buffer("max_val", torch.tensor(math.nan))

    def forward(self, x):
        for val, new in ((self.min_val, x.detach().min()), (self.max_val, x.detach().max())):
            if val.isnan():
                val.copy_(new)
            elif self.training:
                val.copy_((1 - self.momentum) * val + self.momentum * new)
        return x


# %% range_observer: graph_kept
# help: Your buffers have a graph behind them, which grows with every batch. Take notes under torch.no_grad(),
#   or detach what you note.
class RangeObserver(nn.Module):
    def __init__(self, momentum=0.1):
        super().__init__()
        self.momentum = momentum
        self.register_buffer("min_val", torch.tensor(math.nan))
        self.register_buffer("max_val", torch.tensor(math.nan))

    def forward(self, x):
        if self.training:
            m, new = self.momentum, not bool(self.min_val.isnan())
            self.min_val = (1 - m) * self.min_val + m * x.min() if new else x.min()
            self.max_val = (1 - m) * self.max_val + m * x.max() if new else x.max()
        return x


# %% range_observer: plain_attributes
# help: min_val and max_val are ordinary attributes. As buffers they travel with the module, to a file and to a
#   device.
class RangeObserver(nn.Module):
    def __init__(self, momentum=0.1):
        super().__init__()
        self.momentum = momentum
        self.min_val = self.max_val = torch.tensor(math.nan)

    def forward(self, x):
        if self.training:
            m, seen = self.momentum, not bool(self.min_val.isnan())
            low, high = x.min().detach(), x.max().detach()
            self.min_val = (1 - m) * self.min_val + m * low if seen else low
            self.max_val = (1 - m) * self.max_val + m * high if seen else high
        return x


# %% range_observer: parameters_for_buffers
# help: min_val and max_val are parameters: an optimizer would move them. What is noted and not learned is a
#   buffer.
class RangeObserver(nn.Module):
    def __init__(self, momentum=0.1):
        super().__init__()
        self.momentum = momentum
        self.min_val = nn.Parameter(torch.tensor(math.nan), requires_grad=False)
        self.max_val = nn.Parameter(torch.tensor(math.nan), requires_grad=False)

    def forward(self, x):
        if self.training:
            for val, new in ((self.min_val, x.detach().min()), (self.max_val, x.detach().max())):
                val.copy_(new if val.isnan() else (1 - self.momentum) * val + self.momentum * new)
        return x


# %% range_observer: one_element_with_an_axis
# help: Your buffers have an axis, if only of length 1. A single number has none: torch.tensor(0.0) and not
#   torch.tensor([0.0]) or torch.zeros(1), and min() over everything.
class RangeObserver(nn.Module):
    def __init__(self, momentum=0.1):
        super().__init__()
        self.momentum = momentum
        self.register_buffer("min_val", torch.full((1,), math.nan))
        self.register_buffer("max_val", torch.full((1,), math.nan))

    def forward(self, x):
        if self.training:
            for val, new in ((self.min_val, x.detach().min()), (self.max_val, x.detach().max())):
                val.copy_(new if val.isnan() else (1 - self.momentum) * val + self.momentum * new)
        return x


# %% range_observer: output_clamped
# help: Your observer clamps what passes through it. It only looks: x comes out as it went in.
class RangeObserver(nn.Module):
    def __init__(self, momentum=0.1):
        super().__init__()
        self.momentum = momentum
        self.register_buffer("min_val", torch.tensor(-1.0))
        self.register_buffer("max_val", torch.tensor(1.0))
        self.seen = False

    def forward(self, x):
        if self.training:
            for val, new in ((self.min_val, x.detach().min()), (self.max_val, x.detach().max())):
                val.copy_((1 - self.momentum) * val + self.momentum * new if self.seen else new)
            self.seen = True
        return x.clamp(float(self.min_val), float(self.max_val))


# %% range_observer: output_detached
# help: What comes out has lost its graph, so nothing before the observer can learn. Detach what you note, and
#   return x itself.
class RangeObserver(nn.Module):
    def __init__(self, momentum=0.1):
        super().__init__()
        self.momentum = momentum
        self.register_buffer("min_val", torch.tensor(math.nan))
        self.register_buffer("max_val", torch.tensor(math.nan))

    @torch.no_grad()
    def forward(self, x):
        if self.training:
            for val, new in ((self.min_val, x.min()), (self.max_val, x.max())):
                val.copy_(new if val.isnan() else (1 - self.momentum) * val + self.momentum * new)
        return x.clone()


# %% range_observer: widened_to_zero
# help: Your range is widened to hold 0. That is the business of quant_params; the observer notes what it saw.
class RangeObserver(nn.Module):
    def __init__(self, momentum=0.1):
        super().__init__()
        self.momentum = momentum
        self.register_buffer("min_val", torch.tensor(math.nan))
        self.register_buffer("max_val", torch.tensor(math.nan))

    def forward(self, x):
        if self.training:
            low, high = x.detach().min().clamp(max=0), x.detach().max().clamp(min=0)
            for val, new in ((self.min_val, low), (self.max_val, high)):
                val.copy_(new if val.isnan() else (1 - self.momentum) * val + self.momentum * new)
        return x


# %% range_observer: notes_on_the_class
# help: All your observers share one range: it is kept on the class. Each has its own, made in __init__.
class RangeObserver(nn.Module):
    seen = False

    def __init__(self, momentum=0.1):
        super().__init__()
        self.momentum = momentum
        self.register_buffer("min_val", torch.tensor(math.nan))
        self.register_buffer("max_val", torch.tensor(math.nan))

    def forward(self, x):
        if self.training:
            for name, new in (("low", x.detach().min()), ("high", x.detach().max())):
                old = getattr(RangeObserver, name, None)
                new = new if old is None else (1 - self.momentum) * old + self.momentum * new
                setattr(RangeObserver, name, new)
            self.min_val.copy_(RangeObserver.low)
            self.max_val.copy_(RangeObserver.high)
        return x


# %% range_observer: beginning_noted_on_the_class
# help: That the first batch has been is noted on the class, so your second observer believes it has begun.
class RangeObserver(nn.Module):
    started = False

    def __init__(self, momentum=0.1):
        super().__init__()
        self.momentum = momentum
        self.register_buffer("min_val", torch.tensor(0.0))
        self.register_buffer("max_val", torch.tensor(0.0))

    def forward(self, x):
        if self.training:
            with torch.no_grad():
                share = self.momentum if self.started else 1.0
                self.min_val.mul_(1 - share).add_(share * x.min())
                self.max_val.mul_(1 - share).add_(share * x.max())
                RangeObserver.started = True
        return x


# %% range_observer: begins_again_with_each_mode
# help: Your observer begins again whenever `train` is called. The average goes on after an evaluation.
class RangeObserver(nn.Module):
    def __init__(self, momentum=0.1):
        super().__init__()
        self.momentum = momentum
        self.started = False
        self.register_buffer("min_val", torch.tensor(0.0))
        self.register_buffer("max_val", torch.tensor(0.0))

    def train(self, mode=True):
        self.started = False
        return super().train(mode)

    def forward(self, x):
        if self.training:
            with torch.no_grad():
                share = self.momentum if self.started else 1.0
                self.min_val.mul_(1 - share).add_(share * x.min())
                self.max_val.mul_(1 - share).add_(share * x.max())
                self.started = True
        return x


# %% pact: alpha_as_a_number
# help: alpha gets no gradient: it leaves the graph on the way (`.item()`, `.data`, `detach`) or does not require one.
#   It has to take part in the clip as the parameter itself.
class PACT(nn.Module):
    def __init__(self, alpha=6.0):
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor(float(alpha)))

    def forward(self, x):
        return x.clamp(0, self.alpha.item())


# %% pact: alpha_not_a_parameter
# help: alpha is an ordinary number or tensor: no optimizer will find it. nn.Parameter makes it one that does.
class PACT(nn.Module):
    def __init__(self, alpha=6.0):
        super().__init__()
        self.alpha = torch.tensor(float(alpha), requires_grad=True)

    def forward(self, x):
        return torch.where(x >= self.alpha, self.alpha, torch.relu(x)).to(x.dtype)


# %% pact: alpha_as_a_buffer
# help: alpha is a buffer: it is saved, but not learned. Make it a parameter.
class PACT(nn.Module):
    def __init__(self, alpha=6.0):
        super().__init__()
        self.register_buffer("alpha", torch.tensor(float(alpha)))

    def forward(self, x):
        return torch.where(x >= self.alpha, self.alpha, torch.relu(x))


# %% pact: one_alpha_for_each_feature
# help: You keep more than one alpha. It is a single number for the whole tensor.
class PACT(nn.Module):
    def __init__(self, alpha=6.0):
        super().__init__()
        self.alpha = nn.Parameter(torch.full((2,), float(alpha)))

    def forward(self, x):
        return torch.where(x >= self.alpha[0], self.alpha[0], torch.relu(x))


# %% pact: always_six
# help: Your lid is at 6 whatever was asked for. It starts at the argument alpha.
class PACT(nn.Module):
    def __init__(self, alpha=6.0):
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor(6.0))

    def forward(self, x):
        return torch.where(x >= self.alpha, self.alpha, torch.relu(x))


# %% pact: negative_entries_pass
# help: Negative entries come through. The clip has two ends: 0 below, alpha above.
class PACT(nn.Module):
    def __init__(self, alpha=6.0):
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor(float(alpha)))

    def forward(self, x):
        return torch.where(x >= self.alpha, self.alpha, x)


# %% pact: clipped_at_minus_alpha
# help: You clip at -alpha below. The lower end is 0: this takes the place of a ReLU.
class PACT(nn.Module):
    def __init__(self, alpha=6.0):
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor(float(alpha)))

    def forward(self, x):
        return torch.where(x >= self.alpha, self.alpha, torch.where(x <= -self.alpha, -self.alpha, x))


# %% pact: border_not_alphas
# help: An entry exactly at alpha gives alpha nothing. torch.clamp treats the border as inside; here x >= alpha
#   counts.
class PACT(nn.Module):
    def __init__(self, alpha=6.0):
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor(float(alpha)))

    def forward(self, x):
        return torch.clamp(x, torch.zeros_like(self.alpha), self.alpha)


# %% pact: border_shared
# help: An entry exactly at alpha gives alpha half of its gradient: torch.minimum shares ties. Here the border
#   belongs to alpha in full.
class PACT(nn.Module):
    def __init__(self, alpha=6.0):
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor(float(alpha)))

    def forward(self, x):
        return torch.minimum(torch.relu(x), self.alpha)


# %% pact: mean_for_sum
# help: alpha's gradient is a mean over the entries. It is their sum: each entry that hits the lid adds its own.
class Clip(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, alpha):
        ctx.save_for_backward(x, alpha)
        return x.clamp(min=0).minimum(alpha)

    @staticmethod
    def backward(ctx, grad_out):
        x, alpha = ctx.saved_tensors
        return grad_out * ((x > 0) & (x < alpha)), (grad_out * (x >= alpha)).mean()


class PACT(nn.Module):
    def __init__(self, alpha=6.0):
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor(float(alpha)))

    def forward(self, x):
        return Clip.apply(x, self.alpha)


# %% pact: every_entry_counts_for_alpha
# help: alpha's gradient sums over all entries. Only those that hit the lid depend on alpha.
class Clip(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, alpha):
        ctx.save_for_backward(x, alpha)
        return x.clamp(min=0).minimum(alpha)

    @staticmethod
    def backward(ctx, grad_out):
        x, alpha = ctx.saved_tensors
        return grad_out * ((x > 0) & (x < alpha)), grad_out.sum()


class PACT(nn.Module):
    def __init__(self, alpha=6.0):
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor(float(alpha)))

    def forward(self, x):
        return Clip.apply(x, self.alpha)


# %% pact: upstream_ignored_for_alpha
# help: alpha's gradient counts the entries at the lid. It sums their upstream gradients.
class Clip(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, alpha):
        ctx.save_for_backward(x, alpha)
        return x.clamp(min=0).minimum(alpha)

    @staticmethod
    def backward(ctx, grad_out):
        x, alpha = ctx.saved_tensors
        return grad_out * ((x > 0) & (x < alpha)), (x >= alpha).sum().to(x.dtype)


class PACT(nn.Module):
    def __init__(self, alpha=6.0):
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor(float(alpha)))

    def forward(self, x):
        return Clip.apply(x, self.alpha)


# %% pact: x_learns_above_the_lid
# help: x gets its gradient above the lid, too. There the output is alpha and does not depend on x.
class Clip(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, alpha):
        ctx.save_for_backward(x, alpha)
        return x.clamp(min=0).minimum(alpha)

    @staticmethod
    def backward(ctx, grad_out):
        x, alpha = ctx.saved_tensors
        return grad_out * (x > 0), (grad_out * (x >= alpha)).sum()


class PACT(nn.Module):
    def __init__(self, alpha=6.0):
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor(float(alpha)))

    def forward(self, x):
        return Clip.apply(x, self.alpha)


# %% pact: x_learns_below_zero
# help: x gets its gradient below 0, too. There the output is 0 whatever x is.
class Clip(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, alpha):
        ctx.save_for_backward(x, alpha)
        return x.clamp(min=0).minimum(alpha)

    @staticmethod
    def backward(ctx, grad_out):
        x, alpha = ctx.saved_tensors
        return grad_out * (x < alpha), (grad_out * (x >= alpha)).sum()


class PACT(nn.Module):
    def __init__(self, alpha=6.0):
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor(float(alpha)))

    def forward(self, x):
        return Clip.apply(x, self.alpha)


# %% pact: gradient_not_summed
# help: Your backward gives alpha a gradient of the shape of x. alpha is one number: sum over all entries.
class Clip(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, alpha):
        ctx.save_for_backward(x, alpha)
        return x.clamp(min=0).minimum(alpha)

    @staticmethod
    def backward(ctx, grad_out):
        x, alpha = ctx.saved_tensors
        return grad_out * ((x > 0) & (x < alpha)), (grad_out * (x >= alpha)).sum(0)


class PACT(nn.Module):
    def __init__(self, alpha=6.0):
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor([float(alpha)]))

    def forward(self, x):
        return Clip.apply(x, self.alpha)


# %% pact: in_place
# help: You write into the tensor that was handed to you: an operation that ends in an underscore works in
#   place.
class PACT(nn.Module):
    def __init__(self, alpha=6.0):
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor(float(alpha)))

    def forward(self, x):
        x.data.clamp_(min=0)
        return torch.where(x >= self.alpha, self.alpha, torch.relu(x))


# %% pact: scaled_for_clipped
# help: You scale values between 0 and 1 by alpha. Below the lid a value stays exactly as it is.
class PACT(nn.Module):
    def __init__(self, alpha=6.0):
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor(float(alpha)))

    def forward(self, x):
        return torch.sigmoid(x) * self.alpha


# %% pact: no_lid_in_eval
# help: In eval mode your PACT is a plain ReLU. The lid belongs to the network: it stays on in both modes.
class PACT(nn.Module):
    def __init__(self, alpha=6.0):
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor(float(alpha)))

    def forward(self, x):
        if not self.training:
            return torch.relu(x)
        return torch.where(x >= self.alpha, self.alpha, torch.relu(x))


# %% pact: no_lid
# help: Nothing is ever clipped above. Whatever is larger than alpha becomes alpha.
class PACT(nn.Module):
    def __init__(self, alpha=6.0):
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor(float(alpha)))

    def forward(self, x):
        return torch.relu(x) + 0 * self.alpha


# %% pact: border_given_twice
# help: An entry exactly at alpha gives its gradient to alpha and to x. x learns strictly below alpha only.
class Lid(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, alpha):
        ctx.save_for_backward(x, alpha)
        return torch.clamp(x, 0, alpha.item())

    @staticmethod
    def backward(ctx, grad_out):
        x, alpha = ctx.saved_tensors
        return grad_out * ((x > 0) & (x <= alpha)), (grad_out * (x >= alpha)).sum()


class PACT(nn.Module):
    def __init__(self, alpha=6.0):
        super().__init__()
        self.alpha = nn.Parameter(torch.tensor(float(alpha)))

    def forward(self, x):
        return Lid.apply(x, self.alpha)


# %% lsq: no_gradient_factor
# help: The scale's gradient is the plain sum. It is too large by a factor that grows with the number of
#   entries: 1/√(n·Q_P) is missing.
class LSQ(nn.Module):
    def __init__(self, bits, signed=True):
        super().__init__()
        self.q_n, self.q_p = (2 ** (bits - 1), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        self.scale, self.started = nn.Parameter(torch.tensor(1.0)), False

    def forward(self, x):
        if not self.started:
            self.scale.data.copy_(2 * x.detach().abs().mean() / math.sqrt(self.q_p))
            self.started = True
        v = (x / self.scale).clamp(-self.q_n, self.q_p)
        return (v + (torch.round(v) - v).detach()) * self.scale


# %% lsq: factor_without_levels
# help: Your factor is 1/√n: the highest level is missing under the root.
class LSQ(nn.Module):
    def __init__(self, bits, signed=True):
        super().__init__()
        self.q_n, self.q_p = (2 ** (bits - 1), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        self.scale, self.started = nn.Parameter(torch.tensor(1.0)), False

    def forward(self, x):
        if not self.started:
            self.scale.data.copy_(2 * x.detach().abs().mean() / math.sqrt(self.q_p))
            self.started = True
        scale = self.scale.detach() + (self.scale - self.scale.detach()) / math.sqrt(x.numel())
        v = (x / scale).clamp(-self.q_n, self.q_p)
        return (v + (torch.round(v) - v).detach()) * scale


# %% lsq: factor_of_the_batch
# help: Your n is the length of the first axis. It is the number of all entries of x.
class LSQ(nn.Module):
    def __init__(self, bits, signed=True):
        super().__init__()
        self.q_n, self.q_p = (2 ** (bits - 1), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        self.scale, self.started = nn.Parameter(torch.tensor(1.0)), False

    def forward(self, x):
        if not self.started:
            self.scale.data.copy_(2 * x.detach().abs().mean() / math.sqrt(self.q_p))
            self.started = True
        g = 1 / math.sqrt(len(x) * self.q_p)
        scale = self.scale.detach() + (self.scale - self.scale.detach()) * g
        v = (x / scale).clamp(-self.q_n, self.q_p)
        return (v + (torch.round(v) - v).detach()) * scale


# %% lsq: factor_without_root
# help: Your factor is 1/(n·Q_P): the root is missing.
class LSQ(nn.Module):
    def __init__(self, bits, signed=True):
        super().__init__()
        self.q_n, self.q_p = (2 ** (bits - 1), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        self.scale, self.started = nn.Parameter(torch.tensor(1.0)), False

    def forward(self, x):
        if not self.started:
            self.scale.data.copy_(2 * x.detach().abs().mean() / math.sqrt(self.q_p))
            self.started = True
        g = 1 / (x.numel() * self.q_p)
        scale = self.scale.detach() + (self.scale - self.scale.detach()) * g
        v = (x / scale).clamp(-self.q_n, self.q_p)
        return (v + (torch.round(v) - v).detach()) * scale


# %% lsq: factor_on_x_too
# help: The gradient of x is made smaller along with the scale's. The factor belongs to the scale alone.
class LSQ(nn.Module):
    def __init__(self, bits, signed=True):
        super().__init__()
        self.q_n, self.q_p = (2 ** (bits - 1), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        self.scale, self.started = nn.Parameter(torch.tensor(1.0)), False

    def forward(self, x):
        if not self.started:
            self.scale.data.copy_(2 * x.detach().abs().mean() / math.sqrt(self.q_p))
            self.started = True
        v = (x / self.scale).clamp(-self.q_n, self.q_p)
        y = (v + (torch.round(v) - v).detach()) * self.scale
        return y.detach() + (y - y.detach()) / math.sqrt(x.numel() * self.q_p)


# %% lsq: factor_in_forward
# help: Your factor multiplies the scale itself, so the grid is far too fine. Only the gradient is made smaller;
#   the value stays.
class LSQ(nn.Module):
    def __init__(self, bits, signed=True):
        super().__init__()
        self.q_n, self.q_p = (2 ** (bits - 1), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        self.scale, self.started = nn.Parameter(torch.tensor(1.0)), False

    def forward(self, x):
        if not self.started:
            self.scale.data.copy_(2 * x.detach().abs().mean() / math.sqrt(self.q_p))
            self.started = True
        scale = self.scale / math.sqrt(x.numel() * self.q_p)
        v = (x / scale).clamp(-self.q_n, self.q_p)
        return (v + (torch.round(v) - v).detach()) * scale


# %% lsq: level_only
# help: Inside, your slope of the scale is round(v): the scale under x is missing. By the product rule it is
#   round(v) - v.
class LSQ(nn.Module):
    def __init__(self, bits, signed=True):
        super().__init__()
        self.q_n, self.q_p = (2 ** (bits - 1), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        self.scale, self.started = nn.Parameter(torch.tensor(1.0)), False

    def forward(self, x):
        if not self.started:
            self.scale.data.copy_(2 * x.detach().abs().mean() / math.sqrt(self.q_p))
            self.started = True
        g = 1 / math.sqrt(x.numel() * self.q_p)
        scale = self.scale.detach() + (self.scale - self.scale.detach()) * g
        v = (x / scale.detach()).clamp(-self.q_n, self.q_p)
        return (v + (torch.round(v) - v).detach()) * scale


# %% lsq: rounding_cuts_the_graph
# help: x gets no gradient, because torch.round cuts it. Round straight-through.
class LSQ(nn.Module):
    def __init__(self, bits, signed=True):
        super().__init__()
        self.q_n, self.q_p = (2 ** (bits - 1), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        self.scale, self.started = nn.Parameter(torch.tensor(1.0)), False

    def forward(self, x):
        if not self.started:
            self.scale.data.copy_(2 * x.detach().abs().mean() / math.sqrt(self.q_p))
            self.started = True
        g = 1 / math.sqrt(x.numel() * self.q_p)
        scale = self.scale.detach() + (self.scale - self.scale.detach()) * g
        return torch.round((x / scale).clamp(-self.q_n, self.q_p)) * scale


# %% lsq: passes_outside
# help: x gets its gradient outside as well, where the level was clamped and moving x changes nothing.
class Step(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, q_n, q_p):
        ctx.save_for_backward(x, scale)
        ctx.ends = q_n, q_p
        return torch.round((x / scale).clamp(-q_n, q_p)) * scale

    @staticmethod
    def backward(ctx, grad_out):
        (x, scale), (q_n, q_p) = ctx.saved_tensors, ctx.ends
        v = x / scale
        slope = torch.where((v > -q_n) & (v < q_p), torch.round(v) - v, v.clamp(-q_n, q_p))
        return grad_out, (grad_out * slope).sum() / math.sqrt(x.numel() * q_p), None, None


class LSQ(nn.Module):
    def __init__(self, bits, signed=True):
        super().__init__()
        self.q_n, self.q_p = (2 ** (bits - 1), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        self.scale, self.started = nn.Parameter(torch.tensor(1.0)), False

    def forward(self, x):
        if not self.started:
            self.scale.data.copy_(2 * x.detach().abs().mean() / math.sqrt(self.q_p))
            self.started = True
        return Step.apply(x, self.scale, self.q_n, self.q_p)


# %% lsq: nothing_from_outside
# help: Entries that were clamped give the scale nothing. There the output is the last level times the scale,
#   so the slope is that level.
class Step(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, q_n, q_p):
        ctx.save_for_backward(x, scale)
        ctx.ends = q_n, q_p
        return torch.round((x / scale).clamp(-q_n, q_p)) * scale

    @staticmethod
    def backward(ctx, grad_out):
        (x, scale), (q_n, q_p) = ctx.saved_tensors, ctx.ends
        v = x / scale
        inside = (v > -q_n) & (v < q_p)
        slope = (torch.round(v) - v) * inside
        return grad_out * inside, (grad_out * slope).sum() / math.sqrt(x.numel() * q_p), None, None


class LSQ(nn.Module):
    def __init__(self, bits, signed=True):
        super().__init__()
        self.q_n, self.q_p = (2 ** (bits - 1), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        self.scale, self.started = nn.Parameter(torch.tensor(1.0)), False

    def forward(self, x):
        if not self.started:
            self.scale.data.copy_(2 * x.detach().abs().mean() / math.sqrt(self.q_p))
            self.started = True
        return Step.apply(x, self.scale, self.q_n, self.q_p)


# %% lsq: upstream_ignored_for_the_scale
# help: The scale's gradient is the same whatever comes from above. Each entry's slope is multiplied by its
#   upstream gradient before the sum.
class Step(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, q_n, q_p):
        ctx.save_for_backward(x, scale)
        ctx.ends = q_n, q_p
        return torch.round((x / scale).clamp(-q_n, q_p)) * scale

    @staticmethod
    def backward(ctx, grad_out):
        (x, scale), (q_n, q_p) = ctx.saved_tensors, ctx.ends
        v = x / scale
        inside = (v > -q_n) & (v < q_p)
        slope = torch.where(inside, torch.round(v) - v, v.clamp(-q_n, q_p))
        return grad_out * inside, slope.sum() / math.sqrt(x.numel() * q_p), None, None


class LSQ(nn.Module):
    def __init__(self, bits, signed=True):
        super().__init__()
        self.q_n, self.q_p = (2 ** (bits - 1), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        self.scale, self.started = nn.Parameter(torch.tensor(1.0)), False

    def forward(self, x):
        if not self.started:
            self.scale.data.copy_(2 * x.detach().abs().mean() / math.sqrt(self.q_p))
            self.started = True
        return Step.apply(x, self.scale, self.q_n, self.q_p)


# %% lsq: inside_after_rounding
# help: You ask for inside after rounding, so v = 2.7 with a highest level of 3 counts as outside, or 3.3 as
#   inside. The question goes to v as it is.
class Step(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, q_n, q_p):
        ctx.save_for_backward(x, scale)
        ctx.ends = q_n, q_p
        return torch.round((x / scale).clamp(-q_n, q_p)) * scale

    @staticmethod
    def backward(ctx, grad_out):
        (x, scale), (q_n, q_p) = ctx.saved_tensors, ctx.ends
        v = x / scale
        inside = (torch.round(v) > -q_n) & (torch.round(v) < q_p)
        slope = torch.where(inside, torch.round(v) - v, v.clamp(-q_n, q_p).round())
        return grad_out * inside, (grad_out * slope).sum() / math.sqrt(x.numel() * q_p), None, None


class LSQ(nn.Module):
    def __init__(self, bits, signed=True):
        super().__init__()
        self.q_n, self.q_p = (2 ** (bits - 1), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        self.scale, self.started = nn.Parameter(torch.tensor(1.0)), False

    def forward(self, x):
        if not self.started:
            self.scale.data.copy_(2 * x.detach().abs().mean() / math.sqrt(self.q_p))
            self.started = True
        return Step.apply(x, self.scale, self.q_n, self.q_p)


# %% lsq: scale_set_every_time
# help: Your scale is worked out afresh in every forward, so whatever it learned is overwritten. Only the first
#   forward sets it.
class LSQ(nn.Module):
    def __init__(self, bits, signed=True):
        super().__init__()
        self.q_n, self.q_p = (2 ** (bits - 1), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        self.scale = nn.Parameter(torch.tensor(1.0))

    def forward(self, x):
        self.scale.data.copy_(2 * x.detach().abs().mean() / math.sqrt(self.q_p))
        g = 1 / math.sqrt(x.numel() * self.q_p)
        scale = self.scale.detach() + (self.scale - self.scale.detach()) * g
        v = (x / scale).clamp(-self.q_n, self.q_p)
        return (v + (torch.round(v) - v).detach()) * scale


# %% lsq: scale_never_set
# help: Your scale stays at the number it was made with. The first forward sets it, from the x it gets.
class LSQ(nn.Module):
    def __init__(self, bits, signed=True):
        super().__init__()
        self.q_n, self.q_p = (2 ** (bits - 1), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        self.scale = nn.Parameter(torch.tensor(1.0))

    def forward(self, x):
        g = 1 / math.sqrt(x.numel() * self.q_p)
        scale = self.scale.detach() + (self.scale - self.scale.detach()) * g
        v = (x / scale).clamp(-self.q_n, self.q_p)
        return (v + (torch.round(v) - v).detach()) * scale


# %% lsq: mean_without_sizes
# help: Your first scale comes from the mean of x, in which signs cancel. Take the mean of the sizes |x|.
class LSQ(nn.Module):
    def __init__(self, bits, signed=True):
        super().__init__()
        self.q_n, self.q_p = (2 ** (bits - 1), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        self.scale, self.started = nn.Parameter(torch.tensor(1.0)), False

    def forward(self, x):
        if not self.started:
            self.scale.data.copy_((2 * x.detach().mean() / math.sqrt(self.q_p)).abs())
            self.started = True
        g = 1 / math.sqrt(x.numel() * self.q_p)
        scale = self.scale.detach() + (self.scale - self.scale.detach()) * g
        v = (x / scale).clamp(-self.q_n, self.q_p)
        return (v + (torch.round(v) - v).detach()) * scale


# %% lsq: start_from_the_largest
# help: Your first scale comes from the largest size, as in the other exercises. Here it is twice the mean size
#   over √Q_P.
class LSQ(nn.Module):
    def __init__(self, bits, signed=True):
        super().__init__()
        self.q_n, self.q_p = (2 ** (bits - 1), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        self.scale, self.started = nn.Parameter(torch.tensor(1.0)), False

    def forward(self, x):
        if not self.started:
            self.scale.data.copy_(x.detach().abs().max() / self.q_p)
            self.started = True
        g = 1 / math.sqrt(x.numel() * self.q_p)
        scale = self.scale.detach() + (self.scale - self.scale.detach()) * g
        v = (x / scale).clamp(-self.q_n, self.q_p)
        return (v + (torch.round(v) - v).detach()) * scale


# %% lsq: start_without_root
# help: Your first scale is divided by Q_P. It is divided by its square root.
class LSQ(nn.Module):
    def __init__(self, bits, signed=True):
        super().__init__()
        self.q_n, self.q_p = (2 ** (bits - 1), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        self.scale, self.started = nn.Parameter(torch.tensor(1.0)), False

    def forward(self, x):
        if not self.started:
            self.scale.data.copy_(2 * x.detach().abs().mean() / self.q_p)
            self.started = True
        g = 1 / math.sqrt(x.numel() * self.q_p)
        scale = self.scale.detach() + (self.scale - self.scale.detach()) * g
        v = (x / scale).clamp(-self.q_n, self.q_p)
        return (v + (torch.round(v) - v).detach()) * scale


# %% lsq: start_in_the_graph
# help: The way in which the first scale was found is part of the graph: in the first backward x gets a gradient
#   through it. Set it under torch.no_grad().
class LSQ(nn.Module):
    def __init__(self, bits, signed=True):
        super().__init__()
        self.q_n, self.q_p = (2 ** (bits - 1), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        self.scale, self.started = nn.Parameter(torch.tensor(1.0)), False

    def forward(self, x):
        s = self.scale
        if not self.started:
            first = 2 * x.abs().mean() / math.sqrt(self.q_p)
            self.scale.data.copy_(first.detach())
            self.started = True
            s = self.scale + first - first.detach()
        g = 1 / math.sqrt(x.numel() * self.q_p)
        scale = s.detach() + (s - s.detach()) * g
        v = (x / scale).clamp(-self.q_n, self.q_p)
        return (v + (torch.round(v) - v).detach()) * scale


# %% lsq: signed_is_ignored
# help: Your levels are signed in any case. With signed=False they go from 0 to 2^bits - 1.
class LSQ(nn.Module):
    def __init__(self, bits, signed=True):
        super().__init__()
        self.q_n, self.q_p = 2 ** (bits - 1), 2 ** (bits - 1) - 1
        self.scale, self.started = nn.Parameter(torch.tensor(1.0)), False

    def forward(self, x):
        if not self.started:
            self.scale.data.copy_(2 * x.detach().abs().mean() / math.sqrt(self.q_p))
            self.started = True
        g = 1 / math.sqrt(x.numel() * self.q_p)
        scale = self.scale.detach() + (self.scale - self.scale.detach()) * g
        v = (x / scale).clamp(-self.q_n, self.q_p)
        return (v + (torch.round(v) - v).detach()) * scale


# %% lsq: symmetric_levels
# help: Your lowest level is -(2^(bits-1) - 1). Signed numbers reach one further down: to -2^(bits-1).
class LSQ(nn.Module):
    def __init__(self, bits, signed=True):
        super().__init__()
        self.q_p = 2 ** (bits - 1) - 1 if signed else 2**bits - 1
        self.q_n = self.q_p if signed else 0
        self.scale, self.started = nn.Parameter(torch.tensor(1.0)), False

    def forward(self, x):
        if not self.started:
            self.scale.data.copy_(2 * x.detach().abs().mean() / math.sqrt(self.q_p))
            self.started = True
        g = 1 / math.sqrt(x.numel() * self.q_p)
        scale = self.scale.detach() + (self.scale - self.scale.detach()) * g
        v = (x / scale).clamp(-self.q_n, self.q_p)
        return (v + (torch.round(v) - v).detach()) * scale


# %% lsq: one_level_too_high
# help: Your highest level is 2^(bits-1): with 0 and the negative ones that is one level too many. It is one
#   less.
class LSQ(nn.Module):
    def __init__(self, bits, signed=True):
        super().__init__()
        self.q_n, self.q_p = (2 ** (bits - 1), 2 ** (bits - 1)) if signed else (0, 2**bits)
        self.scale, self.started = nn.Parameter(torch.tensor(1.0)), False

    def forward(self, x):
        if not self.started:
            self.scale.data.copy_(2 * x.detach().abs().mean() / math.sqrt(self.q_p))
            self.started = True
        g = 1 / math.sqrt(x.numel() * self.q_p)
        scale = self.scale.detach() + (self.scale - self.scale.detach()) * g
        v = (x / scale).clamp(-self.q_n, self.q_p)
        return (v + (torch.round(v) - v).detach()) * scale


# %% lsq: scale_with_an_axis
# help: Your scale has an axis of length 1. A parameter without axes is made from torch.tensor(1.0).
class LSQ(nn.Module):
    def __init__(self, bits, signed=True):
        super().__init__()
        self.q_n, self.q_p = (2 ** (bits - 1), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        self.scale, self.started = nn.Parameter(torch.ones(1)), False

    def forward(self, x):
        if not self.started:
            self.scale.data.copy_(2 * x.detach().abs().mean() / math.sqrt(self.q_p))
            self.started = True
        g = 1 / math.sqrt(x.numel() * self.q_p)
        scale = self.scale.detach() + (self.scale - self.scale.detach()) * g
        v = (x / scale).clamp(-self.q_n, self.q_p)
        return (v + (torch.round(v) - v).detach()) * scale


# %% lsq: float_in_eval
# help: In eval mode your LSQ lets x through as it is. What is deployed is the grid: both modes round.
class LSQ(nn.Module):
    def __init__(self, bits, signed=True):
        super().__init__()
        self.q_n, self.q_p = (2 ** (bits - 1), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        self.scale = nn.Parameter(torch.tensor(1.0))
        self.started = False

    def forward(self, x):
        if not self.started:
            with torch.no_grad():
                self.scale.copy_(2 * x.abs().mean() / math.sqrt(self.q_p))
            self.started = True
        if not self.training:
            return x
        g = 1 / math.sqrt(x.numel() * self.q_p)
        scale = self.scale.detach() + (self.scale - self.scale.detach()) * g
        v = (x / scale).clamp(-self.q_n, self.q_p)
        level = v + (torch.round(v) - v).detach()
        return level * scale


# %% lsq: start_from_the_lowest_level
# help: Your first scale is divided by √Q_N. Under the root stands the highest level, Q_P.
class LSQ(nn.Module):
    def __init__(self, bits, signed=True):
        super().__init__()
        self.q_n, self.q_p = (2 ** (bits - 1), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        self.scale = nn.Parameter(torch.tensor(1.0))
        self.started = False

    def forward(self, x):
        if not self.started:
            with torch.no_grad():
                self.scale.copy_(2 * x.abs().mean() / math.sqrt(max(self.q_n, 1)))
            self.started = True
        g = 1 / math.sqrt(x.numel() * self.q_p)
        scale = self.scale.detach() + (self.scale - self.scale.detach()) * g
        v = (x / scale).clamp(-self.q_n, self.q_p)
        level = v + (torch.round(v) - v).detach()
        return level * scale


# %% lsq: beginning_noted_on_the_class
# help: That the first forward has been is noted on the class, so your second LSQ is never given a scale.
class LSQ(nn.Module):
    started = False

    def __init__(self, bits, signed=True):
        super().__init__()
        self.q_n, self.q_p = (2 ** (bits - 1), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        self.scale = nn.Parameter(torch.tensor(1.0))

    def forward(self, x):
        if not self.started:
            with torch.no_grad():
                self.scale.copy_(2 * x.abs().mean() / math.sqrt(self.q_p))
            LSQ.started = True
        g = 1 / math.sqrt(x.numel() * self.q_p)
        scale = self.scale.detach() + (self.scale - self.scale.detach()) * g
        v = (x / scale).clamp(-self.q_n, self.q_p)
        level = v + (torch.round(v) - v).detach()
        return level * scale


# %% lsq: first_forward_returns_x
# help: Your first forward sets the scale and returns x as it is. It uses the scale at once.
class LSQ(nn.Module):
    def __init__(self, bits, signed=True):
        super().__init__()
        self.q_n, self.q_p = (2 ** (bits - 1), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        self.scale = nn.Parameter(torch.tensor(1.0))
        self.started = False

    def forward(self, x):
        if not self.started:
            with torch.no_grad():
                self.scale.copy_(2 * x.abs().mean() / math.sqrt(self.q_p))
            self.started = True
            return x
        g = 1 / math.sqrt(x.numel() * self.q_p)
        scale = self.scale.detach() + (self.scale - self.scale.detach()) * g
        v = (x / scale).clamp(-self.q_n, self.q_p)
        level = v + (torch.round(v) - v).detach()
        return level * scale


# %% lsq: x_changed_in_place
# help: Your forward divides x in place, so the tensor that was handed to you is changed.
class LSQ(nn.Module):
    def __init__(self, bits, signed=True):
        super().__init__()
        self.q_n, self.q_p = (2 ** (bits - 1), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        self.scale = nn.Parameter(torch.tensor(1.0))
        self.started = False

    def forward(self, x):
        if not self.started:
            with torch.no_grad():
                self.scale.copy_(2 * x.abs().mean() / math.sqrt(self.q_p))
            self.started = True
        g = 1 / math.sqrt(x.numel() * self.q_p)
        scale = self.scale.detach() + (self.scale - self.scale.detach()) * g
        x.data.div_(scale.detach())
        v = (x / 1.0).clamp(-self.q_n, self.q_p)
        level = v + (torch.round(v) - v).detach()
        return level * scale


# %% lsq: notes_on_the_class
# help: What backward needs is kept on the class, so the run that came last overwrites it for all. Use ctx.
class Stepped(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, scale, low, high):
        Stepped.v, Stepped.low, Stepped.high = x / scale, low, high
        return Stepped.v.round().clamp(low, high) * scale

    @staticmethod
    def backward(ctx, grad_out):
        v, low, high = Stepped.v, Stepped.low, Stepped.high
        inside = (v > low) & (v < high)
        slope = torch.where(inside, v.round() - v, v.clamp(low, high))
        return grad_out * inside, (grad_out * slope).sum() / (v.numel() * high) ** 0.5, None, None


class LSQ(nn.Module):
    def __init__(self, bits, signed=True):
        super().__init__()
        self.low = -(2 ** (bits - 1)) if signed else 0
        self.high = self.low + 2**bits - 1
        self.scale = nn.Parameter(torch.tensor(float("nan")))

    def forward(self, x):
        if torch.isnan(self.scale):
            self.scale.data.fill_(2 * float(x.detach().abs().mean()) / self.high**0.5)
        return Stepped.apply(x, self.scale, self.low, self.high)


# %% lsq: another_parameter
# help: Your first forward puts a new Parameter in the place of the old one. An optimizer that was made before holds
#   the old one and moves nothing: set the value of the one that is there, in place.
class LSQ(nn.Module):
    def __init__(self, bits, signed=True):
        super().__init__()
        self.q_n, self.q_p = (2 ** (bits - 1), 2 ** (bits - 1) - 1) if signed else (0, 2**bits - 1)
        self.scale, self.started = nn.Parameter(torch.tensor(1.0)), False

    def forward(self, x):
        if not self.started:
            self.scale = nn.Parameter(2 * x.detach().abs().mean() / math.sqrt(self.q_p))
            self.started = True
        g = 1 / math.sqrt(x.numel() * self.q_p)
        scale = self.scale.detach() + (self.scale - self.scale.detach()) * g
        v = (x / scale).clamp(-self.q_n, self.q_p)
        return (v + (torch.round(v) - v).detach()) * scale


# %% qat_linear: not_quantized
# help: Your forward uses the float weight as it is. It has to look at it through the grid.
class QATLinear(nn.Module):
    def __init__(self, in_features, out_features, bits):
        super().__init__()
        plain = nn.Linear(in_features, out_features)
        self.weight, self.bias, self.q = plain.weight, plain.bias, 2 ** (bits - 1) - 1

    def step(self):
        return self.weight.detach().abs().max() / self.q

    def forward(self, x):
        return F.linear(x, self.weight, self.bias)

    def int_weight(self):
        return torch.round(self.weight.detach() / self.step()).to(torch.int8), self.step()


# %% qat_linear: float_in_eval
# help: In eval mode your layer computes with float weights. What ships is the rounded weight, so that is what
#   an evaluation has to see.
class QATLinear(nn.Module):
    def __init__(self, in_features, out_features, bits):
        super().__init__()
        plain = nn.Linear(in_features, out_features)
        self.weight, self.bias, self.q = plain.weight, plain.bias, 2 ** (bits - 1) - 1

    def step(self):
        return self.weight.detach().abs().max() / self.q

    def forward(self, x):
        if not self.training:
            return F.linear(x, self.weight, self.bias)
        return F.linear(x, FakeQuantSTE.apply(self.weight, self.step(), 0, -self.q, self.q), self.bias)

    def int_weight(self):
        return torch.round(self.weight.detach() / self.step()).to(torch.int8), self.step()


# %% qat_linear: one_level_more_below
# help: Your scale comes from 2^(bits-1), which is one level too many on each side: the symmetric grid ends at
#   2^(bits-1) - 1.
class QATLinear(nn.Module):
    def __init__(self, in_features, out_features, bits):
        super().__init__()
        plain = nn.Linear(in_features, out_features)
        self.weight, self.bias, self.q = plain.weight, plain.bias, 2 ** (bits - 1)

    def step(self):
        return self.weight.detach().abs().max() / self.q

    def forward(self, x):
        return F.linear(x, FakeQuantSTE.apply(self.weight, self.step(), 0, -self.q, self.q - 1), self.bias)

    def int_weight(self):
        return torch.round(self.weight.detach() / self.step()).clamp(max=self.q - 1).to(
            torch.int8
        ), self.step()


# %% qat_linear: affine_grid
# help: Your grid is affine, from the smallest weight to the largest. Here it is symmetric: from the largest
#   size, with zero point 0.
class QATLinear(nn.Module):
    def __init__(self, in_features, out_features, bits):
        super().__init__()
        plain = nn.Linear(in_features, out_features)
        self.weight, self.bias, self.top = plain.weight, plain.bias, 2**bits - 1

    def ruler(self):
        low, high = float(self.weight.min().clamp(max=0)), float(self.weight.max().clamp(min=0))
        return (high - low) / self.top, round(-low / (high - low) * self.top)

    def forward(self, x):
        return F.linear(x, FakeQuantSTE.apply(self.weight, *self.ruler(), 0, self.top), self.bias)

    def int_weight(self):
        scale, zero_point = self.ruler()
        return torch.round(self.weight.detach() / scale).to(torch.int8), scale


# %% qat_linear: largest_not_largest_size
# help: Your scale comes from the largest weight, not from the largest size. A weight of -0.8 is larger than one
#   of 0.5.
class QATLinear(nn.Module):
    def __init__(self, in_features, out_features, bits):
        super().__init__()
        plain = nn.Linear(in_features, out_features)
        self.weight, self.bias, self.q = plain.weight, plain.bias, 2 ** (bits - 1) - 1

    def step(self):
        return self.weight.detach().max() / self.q

    def forward(self, x):
        return F.linear(x, FakeQuantSTE.apply(self.weight, self.step(), 0, -self.q, self.q), self.bias)

    def int_weight(self):
        q = torch.round(self.weight.detach() / self.step()).clamp(-self.q, self.q)
        return q.to(torch.int8), self.step()


# %% qat_linear: one_scale_for_each_row
# help: Each row of your weight has a scale of its own. That is often the better layer; here it is one for the
#   whole tensor.
class QATLinear(nn.Module):
    def __init__(self, in_features, out_features, bits):
        super().__init__()
        plain = nn.Linear(in_features, out_features)
        self.weight, self.bias, self.q = plain.weight, plain.bias, 2 ** (bits - 1) - 1

    def step(self):
        return self.weight.detach().abs().amax(dim=1, keepdim=True) / self.q

    def forward(self, x):
        w = self.weight
        rounded = torch.round(w / self.step()) * self.step()
        return F.linear(x, w + (rounded - w).detach(), self.bias)

    def int_weight(self):
        return torch.round(self.weight.detach() / self.step()).to(torch.int8), self.step()


# %% qat_linear: scale_frozen_at_the_start
# help: Your scale is worked out once, when the layer is made. The weights move, and their grid has to move with
#   them: work it out in every forward.
class QATLinear(nn.Module):
    def __init__(self, in_features, out_features, bits):
        super().__init__()
        plain = nn.Linear(in_features, out_features)
        self.weight, self.bias, self.q = plain.weight, plain.bias, 2 ** (bits - 1) - 1
        nn.init.constant_(self.weight, 0.25)
        self.scale = float(self.weight.detach().abs().max()) / self.q

    def forward(self, x):
        return F.linear(x, FakeQuantSTE.apply(self.weight, self.scale, 0, -self.q, self.q), self.bias)

    def int_weight(self):
        q = torch.round(self.weight.detach() / self.scale).clamp(-self.q, self.q)
        return q.to(torch.int8), self.scale


# %% qat_linear: scale_from_the_first_forward
# help: Your scale stays as it was in the first forward. The weights move, and their grid with them.
class QATLinear(nn.Module):
    def __init__(self, in_features, out_features, bits):
        super().__init__()
        plain = nn.Linear(in_features, out_features)
        self.weight, self.bias, self.q = plain.weight, plain.bias, 2 ** (bits - 1) - 1
        self.scale = None

    def step(self):
        if self.scale is None:
            self.scale = self.weight.detach().abs().max() / self.q
        return self.scale

    def forward(self, x):
        return F.linear(x, FakeQuantSTE.apply(self.weight, self.step(), 0, -self.q, self.q), self.bias)

    def int_weight(self):
        q = torch.round(self.weight.detach() / self.step()).clamp(-self.q, self.q)
        return q.to(torch.int8), self.step()


# %% qat_linear: rounding_cuts_the_graph
# help: The weight gets no gradient, because torch.round cuts it. Go straight through: your FakeQuantSTE does.
class QATLinear(nn.Module):
    def __init__(self, in_features, out_features, bits):
        super().__init__()
        plain = nn.Linear(in_features, out_features)
        self.weight, self.bias, self.q = plain.weight, plain.bias, 2 ** (bits - 1) - 1

    def step(self):
        return self.weight.detach().abs().max() / self.q

    def forward(self, x):
        return F.linear(x, torch.round(self.weight / self.step()) * self.step(), self.bias)

    def int_weight(self):
        return torch.round(self.weight.detach() / self.step()).to(torch.int8), self.step()


# %% qat_linear: detached_weight
# help: Your float weight gets no gradient: the rounded one has no connection to it, or it does not require one.
class QATLinear(nn.Module):
    def __init__(self, in_features, out_features, bits):
        super().__init__()
        plain = nn.Linear(in_features, out_features)
        self.weight, self.bias, self.q = plain.weight, plain.bias, 2 ** (bits - 1) - 1

    def forward(self, x):
        q, scale = self.int_weight()
        return F.linear(x, q.to(x.dtype) * scale, self.bias)

    def int_weight(self):
        scale = self.weight.detach().abs().max() / self.q
        return torch.round(self.weight.detach() / scale).to(torch.int8), scale


# %% qat_linear: gradient_through_the_scale
# help: The largest weight's gradient is not like the others': some of it came through the scale. The scale is a
#   constant: detach it.
class QATLinear(nn.Module):
    def __init__(self, in_features, out_features, bits):
        super().__init__()
        plain = nn.Linear(in_features, out_features)
        self.weight, self.bias, self.q = plain.weight, plain.bias, 2 ** (bits - 1) - 1

    def forward(self, x):
        scale = self.weight.abs().max() / self.q
        v = self.weight / scale.detach()
        return F.linear(x, (v + (torch.round(v) - v).detach()) * scale, self.bias)

    def int_weight(self):
        scale = self.weight.detach().abs().max() / self.q
        return torch.round(self.weight.detach() / scale).to(torch.int8), scale


# %% qat_linear: largest_weight_left_out
# help: The largest weight gets no gradient: your mask counts the last level as outside.
class QATLinear(nn.Module):
    def __init__(self, in_features, out_features, bits):
        super().__init__()
        plain = nn.Linear(in_features, out_features)
        self.weight, self.bias, self.q = plain.weight, plain.bias, 2 ** (bits - 1) - 1

    def step(self):
        return self.weight.detach().abs().max() / self.q

    def forward(self, x):
        inside = self.weight.detach().abs() < self.step() * self.q
        passed = self.weight * inside
        rounded = torch.round(self.weight / self.step()) * self.step()
        return F.linear(x, passed + (rounded - passed).detach(), self.bias)

    def int_weight(self):
        return torch.round(self.weight.detach() / self.step()).to(torch.int8), self.step()


# %% qat_linear: weight_rounded_in_place
# help: Your forward overwrites the float weights with rounded ones. Then no small step can ever add up: round a
#   copy.
class QATLinear(nn.Module):
    def __init__(self, in_features, out_features, bits):
        super().__init__()
        plain = nn.Linear(in_features, out_features)
        self.weight, self.bias, self.q = plain.weight, plain.bias, 2 ** (bits - 1) - 1

    def step(self):
        return self.weight.detach().abs().max() / self.q

    def forward(self, x):
        self.weight.data = torch.round(self.weight.data / self.step()) * self.step()
        return F.linear(x, self.weight, self.bias)

    def int_weight(self):
        return torch.round(self.weight.detach() / self.step()).to(torch.int8), self.step()


# %% qat_linear: bias_rounded_too
# help: Your bias is rounded, too. It is short, so it stays in float.
class QATLinear(nn.Module):
    def __init__(self, in_features, out_features, bits):
        super().__init__()
        plain = nn.Linear(in_features, out_features)
        self.weight, self.bias, self.q = plain.weight, plain.bias, 2 ** (bits - 1) - 1

    def rounded(self, w):
        step = w.detach().abs().max() / self.q
        return w + (torch.round(w / step) * step - w).detach()

    def forward(self, x):
        return F.linear(x, self.rounded(self.weight), self.rounded(self.bias))

    def int_weight(self):
        step = self.weight.detach().abs().max() / self.q
        return torch.round(self.weight.detach() / step).to(torch.int8), step


# %% qat_linear: bias_left_out
# help: Your bias takes no part in forward.
class QATLinear(nn.Module):
    def __init__(self, in_features, out_features, bits):
        super().__init__()
        plain = nn.Linear(in_features, out_features)
        self.weight, self.bias, self.q = plain.weight, plain.bias, 2 ** (bits - 1) - 1

    def step(self):
        return self.weight.detach().abs().max() / self.q

    def forward(self, x):
        return F.linear(x, FakeQuantSTE.apply(self.weight, self.step(), 0, -self.q, self.q))

    def int_weight(self):
        return torch.round(self.weight.detach() / self.step()).to(torch.int8), self.step()


# %% qat_linear: output_rounded
# help: Your layer rounds what comes out instead of its weight.
class QATLinear(nn.Module):
    def __init__(self, in_features, out_features, bits):
        super().__init__()
        plain = nn.Linear(in_features, out_features)
        self.weight, self.bias, self.q = plain.weight, plain.bias, 2 ** (bits - 1) - 1

    def forward(self, x):
        y = F.linear(x, self.weight, self.bias)
        return FakeQuantSTE.apply(y, y.detach().abs().max() / self.q, 0, -self.q, self.q)

    def int_weight(self):
        step = self.weight.detach().abs().max() / self.q
        return torch.round(self.weight.detach() / step).to(torch.int8), step


# %% qat_linear: int_weight_is_float
# help: int_weight gives the levels as floats. What ships is an int8 tensor, a quarter of the size.
class QATLinear(nn.Module):
    def __init__(self, in_features, out_features, bits):
        super().__init__()
        plain = nn.Linear(in_features, out_features)
        self.weight, self.bias, self.q = plain.weight, plain.bias, 2 ** (bits - 1) - 1

    def step(self):
        return self.weight.detach().abs().max() / self.q

    def forward(self, x):
        return F.linear(x, FakeQuantSTE.apply(self.weight, self.step(), 0, -self.q, self.q), self.bias)

    def int_weight(self):
        return torch.round(self.weight.detach() / self.step()), self.step()


# %% qat_linear: int_weight_cut_off
# help: int_weight turns numbers into int8 without rounding them first: they are cut off. Forward uses the
#   nearest level.
class QATLinear(nn.Module):
    def __init__(self, in_features, out_features, bits):
        super().__init__()
        plain = nn.Linear(in_features, out_features)
        self.weight, self.bias, self.q = plain.weight, plain.bias, 2 ** (bits - 1) - 1

    def step(self):
        return self.weight.detach().abs().max() / self.q

    def forward(self, x):
        return F.linear(x, FakeQuantSTE.apply(self.weight, self.step(), 0, -self.q, self.q), self.bias)

    def int_weight(self):
        return (self.weight.detach() / self.step()).to(torch.int8), self.step()


# %% qat_linear: int_weight_of_the_rounded_value
# help: int_weight casts the fake-quantized weight, whose entries are fractions, and most become 0. The levels
#   are what you had before multiplying by the scale.
class QATLinear(nn.Module):
    def __init__(self, in_features, out_features, bits):
        super().__init__()
        plain = nn.Linear(in_features, out_features)
        self.weight, self.bias, self.q = plain.weight, plain.bias, 2 ** (bits - 1) - 1

    def step(self):
        return self.weight.detach().abs().max() / self.q

    def forward(self, x):
        return F.linear(x, FakeQuantSTE.apply(self.weight, self.step(), 0, -self.q, self.q), self.bias)

    def int_weight(self):
        rounded = FakeQuantSTE.apply(self.weight, self.step(), 0, -self.q, self.q)
        return rounded.detach().to(torch.int8), self.step()


# %% qat_linear: int_weight_with_eight_bits
# help: int_weight always uses eight bits. It has to give the levels that forward uses, of `bits` bits.
class QATLinear(nn.Module):
    def __init__(self, in_features, out_features, bits):
        super().__init__()
        plain = nn.Linear(in_features, out_features)
        self.weight, self.bias, self.q = plain.weight, plain.bias, 2 ** (bits - 1) - 1

    def step(self):
        return self.weight.detach().abs().max() / self.q

    def forward(self, x):
        return F.linear(x, FakeQuantSTE.apply(self.weight, self.step(), 0, -self.q, self.q), self.bias)

    def int_weight(self):
        step = self.weight.detach().abs().max() / 127
        return torch.round(self.weight.detach() / step).to(torch.int8), step


# %% qat_linear: one_over_the_scale
# help: The scale that int_weight returns is upside down: levels times scale have to give the weight.
class QATLinear(nn.Module):
    def __init__(self, in_features, out_features, bits):
        super().__init__()
        plain = nn.Linear(in_features, out_features)
        self.weight, self.bias, self.q = plain.weight, plain.bias, 2 ** (bits - 1) - 1

    def step(self):
        return self.weight.detach().abs().max() / self.q

    def forward(self, x):
        return F.linear(x, FakeQuantSTE.apply(self.weight, self.step(), 0, -self.q, self.q), self.bias)

    def int_weight(self):
        return torch.round(self.weight.detach() / self.step()).to(torch.int8), 1 / self.step()


# %% qat_linear: int_weight_kept_from_the_first_call
# help: Your `int_weight` keeps what it found in its first call. The weights have moved since: work the levels out
#   in each call.
class QATLinear(nn.Module):
    def __init__(self, in_features, out_features, bits):
        super().__init__()
        plain = nn.Linear(in_features, out_features)
        self.weight, self.bias = plain.weight, plain.bias
        self.q = 2 ** (bits - 1) - 1
        self.exported = None

    def step(self):
        return self.weight.detach().abs().max() / self.q

    def forward(self, x):
        return F.linear(x, FakeQuantSTE.apply(self.weight, self.step(), 0, -self.q, self.q), self.bias)

    def int_weight(self):
        if self.exported is None:
            self.exported = torch.round(self.weight.detach() / self.step()).to(torch.int8), self.step()
        return self.exported


# %% qat_linear: frozen_by_int_weight
# help: After `int_weight` your weight is frozen. Reading the levels changes nothing: the layer may go on training.
class QATLinear(nn.Module):
    def __init__(self, in_features, out_features, bits):
        super().__init__()
        plain = nn.Linear(in_features, out_features)
        self.weight, self.bias = plain.weight, plain.bias
        self.q = 2 ** (bits - 1) - 1

    def step(self):
        return self.weight.detach().abs().max() / self.q

    def forward(self, x):
        return F.linear(x, FakeQuantSTE.apply(self.weight, self.step(), 0, -self.q, self.q), self.bias)

    def int_weight(self):
        self.weight.requires_grad_(False)
        return torch.round(self.weight / self.step()).to(torch.int8), self.step()


# %% qat_linear: weight_rounded_by_int_weight
# help: Your `int_weight` writes the rounded weights into the layer. It only reads: the float weights train on.
class QATLinear(nn.Module):
    def __init__(self, in_features, out_features, bits):
        super().__init__()
        plain = nn.Linear(in_features, out_features)
        self.weight, self.bias = plain.weight, plain.bias
        self.q = 2 ** (bits - 1) - 1

    def step(self):
        return self.weight.detach().abs().max() / self.q

    def forward(self, x):
        return F.linear(x, FakeQuantSTE.apply(self.weight, self.step(), 0, -self.q, self.q), self.bias)

    def int_weight(self):
        scale = self.step()
        q = torch.round(self.weight.detach() / scale)
        self.weight.data = q * scale
        return q.to(torch.int8), scale


# %% integer_linear: zero_point_subtracted_in_a_byte
# help: You subtract the zero point while the levels are still bytes: 3 - 5 wraps round to 254. Make them wider
#   first.
def integer_linear(xq, x_zero, wq):
    return (xq - x_zero).to(torch.int32) @ wq.to(torch.int32).T


def requantize(acc, bias, x_scale, w_scale, y_scale, y_zero):
    level = torch.round((acc.double() * x_scale * w_scale + bias) / y_scale) + y_zero
    return level.clamp(0, 255).to(torch.uint8)


# %% integer_linear: levels_as_int8
# help: You turn the levels into int8, where 200 becomes -56. A level goes up to 255: take a wider type.
def integer_linear(xq, x_zero, wq):
    return (xq.to(torch.int8).to(torch.int32) - x_zero) @ wq.to(torch.int32).T


def requantize(acc, bias, x_scale, w_scale, y_scale, y_zero):
    level = torch.round((acc.double() * x_scale * w_scale + bias) / y_scale) + y_zero
    return level.clamp(0, 255).to(torch.uint8)


# %% integer_linear: sixteen_bits
# help: You sum in 16 bits. A single product may already be as large as 32,385, and two of them wrap round.
def integer_linear(xq, x_zero, wq):
    return ((xq.to(torch.int16) - x_zero) @ wq.to(torch.int16).T).to(torch.int32)


def requantize(acc, bias, x_scale, w_scale, y_scale, y_zero):
    level = torch.round((acc.double() * x_scale * w_scale + bias) / y_scale) + y_zero
    return level.clamp(0, 255).to(torch.uint8)


# %% integer_linear: sums_in_float32
# help: You sum in float32, which skips integers from 16,777,216 on. Sum in int32, or in something with more digits.
def integer_linear(xq, x_zero, wq):
    return ((xq.float() - x_zero) @ wq.float().T).to(torch.int32)


def requantize(acc, bias, x_scale, w_scale, y_scale, y_zero):
    level = torch.round((acc.double() * x_scale * w_scale + bias) / y_scale) + y_zero
    return level.clamp(0, 255).to(torch.uint8)


# %% integer_linear: zero_point_left_out
# help: The zero point of x is missing from your sum: level x_zero stands for 0, so it has to be subtracted from
#   every level of x.
def integer_linear(xq, x_zero, wq):
    return xq.to(torch.int32) @ wq.to(torch.int32).T


def requantize(acc, bias, x_scale, w_scale, y_scale, y_zero):
    level = torch.round((acc.double() * x_scale * w_scale + bias) / y_scale) + y_zero
    return level.clamp(0, 255).to(torch.uint8)


# %% integer_linear: zero_point_added
# help: You add the zero point of x. A level q stands for q - x_zero steps.
def integer_linear(xq, x_zero, wq):
    return (xq.to(torch.int32) + x_zero) @ wq.to(torch.int32).T


def requantize(acc, bias, x_scale, w_scale, y_scale, y_zero):
    level = torch.round((acc.double() * x_scale * w_scale + bias) / y_scale) + y_zero
    return level.clamp(0, 255).to(torch.uint8)


# %% integer_linear: zero_point_subtracted_once
# help: You subtract the zero point once from the sum. It belongs to every level, so each is multiplied by its
#   weight first.
def integer_linear(xq, x_zero, wq):
    return xq.to(torch.int32) @ wq.to(torch.int32).T - x_zero


def requantize(acc, bias, x_scale, w_scale, y_scale, y_zero):
    level = torch.round((acc.double() * x_scale * w_scale + bias) / y_scale) + y_zero
    return level.clamp(0, 255).to(torch.uint8)


# %% integer_linear: zero_point_off_the_weights
# help: You subtract x's zero point from the weights too. Their zero point is 0.
def integer_linear(xq, x_zero, wq):
    return (xq.to(torch.int32) - x_zero) @ (wq.to(torch.int32) - x_zero).T


def requantize(acc, bias, x_scale, w_scale, y_scale, y_zero):
    level = torch.round((acc.double() * x_scale * w_scale + bias) / y_scale) + y_zero
    return level.clamp(0, 255).to(torch.uint8)


# %% integer_linear: sums_as_int64
# help: Your sums are right, but they come as int64. The accumulator is an int32 tensor.
def integer_linear(xq, x_zero, wq):
    return (xq.long() - x_zero) @ wq.long().T


def requantize(acc, bias, x_scale, w_scale, y_scale, y_zero):
    level = torch.round((acc.double() * x_scale * w_scale + bias) / y_scale) + y_zero
    return level.clamp(0, 255).to(torch.uint8)


# %% integer_linear: sums_as_floats
# help: Your sums are right, but they come as floats. The accumulator is an int32 tensor.
def integer_linear(xq, x_zero, wq):
    return (xq.double() - x_zero) @ wq.double().T


def requantize(acc, bias, x_scale, w_scale, y_scale, y_zero):
    level = torch.round((acc.double() * x_scale * w_scale + bias) / y_scale) + y_zero
    return level.clamp(0, 255).to(torch.uint8)


# %% integer_linear: not_clamped
# help: You turn the level into a byte without clamping: 256 becomes 0. Clamp to 0 ... 255 first.
def integer_linear(xq, x_zero, wq):
    return (xq.to(torch.int32) - x_zero) @ wq.to(torch.int32).T


def requantize(acc, bias, x_scale, w_scale, y_scale, y_zero):
    level = torch.round((acc.double() * x_scale * w_scale + bias) / y_scale) + y_zero
    return level.to(torch.int64).to(torch.uint8)


# %% integer_linear: clamped_too_early
# help: You clamp before the zero point is added, so levels below it are lost. The level is clamped, the zero
#   point included.
def integer_linear(xq, x_zero, wq):
    return (xq.to(torch.int32) - x_zero) @ wq.to(torch.int32).T


def requantize(acc, bias, x_scale, w_scale, y_scale, y_zero):
    level = torch.round((acc.double() * x_scale * w_scale + bias) / y_scale).clamp(0, 255) + y_zero
    return level.clamp(0, 255).to(torch.uint8)


# %% integer_linear: cut_off_in_requantize
# help: You cut off instead of rounding. The level is the nearest one.
def integer_linear(xq, x_zero, wq):
    return (xq.to(torch.int32) - x_zero) @ wq.to(torch.int32).T


def requantize(acc, bias, x_scale, w_scale, y_scale, y_zero):
    level = torch.trunc((acc.double() * x_scale * w_scale + bias) / y_scale) + y_zero
    return level.clamp(0, 255).to(torch.uint8)


# %% integer_linear: zero_point_inside_the_rounding
# help: You add the zero point before you round. With an odd zero point a half then goes to the other
#   neighbour: round first, then shift.
def integer_linear(xq, x_zero, wq):
    return (xq.to(torch.int32) - x_zero) @ wq.to(torch.int32).T


def requantize(acc, bias, x_scale, w_scale, y_scale, y_zero):
    level = torch.round((acc.double() * x_scale * w_scale + bias) / y_scale + y_zero)
    return level.clamp(0, 255).to(torch.uint8)


# %% integer_linear: half_up_in_requantize
# help: In requantize your halves always go up. Between two levels a half goes to the even one, as torch.round does it.
def integer_linear(xq, x_zero, wq):
    return (xq.to(torch.int32) - x_zero) @ wq.to(torch.int32).T


def requantize(acc, bias, x_scale, w_scale, y_scale, y_zero):
    level = torch.floor((acc.double() * x_scale * w_scale + bias) / y_scale + 0.5) + y_zero
    return level.clamp(0, 255).to(torch.uint8)


# %% integer_linear: bias_as_if_integer
# help: You add the bias to the accumulator as it is. It is a real number: the accumulator has to be one too, times
#   both scales, before the two can be added.
def integer_linear(xq, x_zero, wq):
    return (xq.to(torch.int32) - x_zero) @ wq.to(torch.int32).T


def requantize(acc, bias, x_scale, w_scale, y_scale, y_zero):
    level = torch.round((acc.double() + bias) * x_scale * w_scale / y_scale) + y_zero
    return level.clamp(0, 255).to(torch.uint8)


# %% integer_linear: bias_left_out
# help: The bias is missing from what you requantize.
def integer_linear(xq, x_zero, wq):
    return (xq.to(torch.int32) - x_zero) @ wq.to(torch.int32).T


def requantize(acc, bias, x_scale, w_scale, y_scale, y_zero):
    level = torch.round(acc.double() * x_scale * w_scale / y_scale) + y_zero
    return level.clamp(0, 255).to(torch.uint8)


# %% integer_linear: bias_after_the_division
# help: You add the bias after dividing by the output's scale. The division is for the whole real number, the bias
#   included.
def integer_linear(xq, x_zero, wq):
    return (xq.to(torch.int32) - x_zero) @ wq.to(torch.int32).T


def requantize(acc, bias, x_scale, w_scale, y_scale, y_zero):
    level = torch.round(acc.double() * x_scale * w_scale / y_scale + bias) + y_zero
    return level.clamp(0, 255).to(torch.uint8)


# %% integer_linear: multiplied_by_the_output_scale
# help: You multiply by the output's scale. A real number becomes a number of steps by division.
def integer_linear(xq, x_zero, wq):
    return (xq.to(torch.int32) - x_zero) @ wq.to(torch.int32).T


def requantize(acc, bias, x_scale, w_scale, y_scale, y_zero):
    level = torch.round((acc.double() * x_scale * w_scale + bias) * y_scale) + y_zero
    return level.clamp(0, 255).to(torch.uint8)


# %% integer_linear: one_scale_forgotten
# help: One of the two scales is missing: a product of steps is worth x_scale times w_scale.
def integer_linear(xq, x_zero, wq):
    return (xq.to(torch.int32) - x_zero) @ wq.to(torch.int32).T


def requantize(acc, bias, x_scale, w_scale, y_scale, y_zero):
    level = torch.round((acc.double() * x_scale + bias) / y_scale) + y_zero
    return level.clamp(0, 255).to(torch.uint8)


# %% integer_linear: zero_point_left_out_of_the_level
# help: Your level lacks the output's zero point: 0 lies at level y_zero.
def integer_linear(xq, x_zero, wq):
    return (xq.to(torch.int32) - x_zero) @ wq.to(torch.int32).T


def requantize(acc, bias, x_scale, w_scale, y_scale, y_zero):
    level = torch.round((acc.double() * x_scale * w_scale + bias) / y_scale)
    return level.clamp(0, 255).to(torch.uint8)


# %% integer_linear: signed_bytes_out
# help: You clamp to -128 ... 127 as for signed bytes. The levels are 0 ... 255.
def integer_linear(xq, x_zero, wq):
    return (xq.to(torch.int32) - x_zero) @ wq.to(torch.int32).T


def requantize(acc, bias, x_scale, w_scale, y_scale, y_zero):
    level = torch.round((acc.double() * x_scale * w_scale + bias) / y_scale) + y_zero
    return level.clamp(-128, 127).to(torch.int64).to(torch.uint8)


# %% integer_linear: levels_as_floats
# help: Your levels are right, but they come as floats. What leaves the layer is a uint8 tensor.
def integer_linear(xq, x_zero, wq):
    return (xq.to(torch.int32) - x_zero) @ wq.to(torch.int32).T


def requantize(acc, bias, x_scale, w_scale, y_scale, y_zero):
    level = torch.round((acc.double() * x_scale * w_scale + bias) / y_scale) + y_zero
    return level.clamp(0, 255)


# %% integer_linear: back_to_real_numbers
# help: You go back to real numbers at the end. The next layer wants the levels.
def integer_linear(xq, x_zero, wq):
    return (xq.to(torch.int32) - x_zero) @ wq.to(torch.int32).T


def requantize(acc, bias, x_scale, w_scale, y_scale, y_zero):
    level = torch.round((acc.double() * x_scale * w_scale + bias) / y_scale) + y_zero
    return ((level.clamp(0, 255) - y_zero) * y_scale).to(torch.uint8)


# %% qat_gate: a_copy_trained
# help: You train a copy. The model that was handed to you is as it was: train that one, in place.
def qat_finetune(model, train_loader, epochs):
    model = copy.deepcopy(model)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(epochs):
        for images, labels in train_loader:
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()
    return model


# %% qat_gate: bias_only
# help: Only the biases are trained. They cannot repair what the rounding did: all parameters belong to the
#   optimizer.
def qat_finetune(model, train_loader, epochs):
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.ndim == 1], lr=1e-3)
    for _ in range(epochs):
        for images, labels in train_loader:
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()


# %% qat_gate: last_layer_only
# help: Only the last layer is trained. The first one was rounded as well, and has most of the weights.
def qat_finetune(model, train_loader, epochs):
    optimizer = torch.optim.Adam(model[-1].parameters(), lr=1e-3)
    for _ in range(epochs):
        for images, labels in train_loader:
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()


# %% qat_gate: one_batch
# help: You train on one batch of the loader, again and again. An epoch goes over all of them.
def qat_finetune(model, train_loader, epochs):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    images, labels = next(iter(train_loader))
    for _ in range(epochs * len(train_loader)):
        optimizer.zero_grad()
        F.cross_entropy(model(images), labels).backward()
        optimizer.step()


# %% qat_gate: one_batch_an_epoch
# help: The loop over the batches ends after the first of each epoch. Is there a return or a break in it?
def qat_finetune(model, train_loader, epochs):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(epochs):
        for images, labels in train_loader:
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()
            break


# %% qat_gate: one_epoch
# help: You go over the loader once, whatever `epochs` says. Four epochs are four passes.
def qat_finetune(model, train_loader, epochs):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for images, labels in train_loader:
        optimizer.zero_grad()
        F.cross_entropy(model(images), labels).backward()
        optimizer.step()


# %% qat_gate: always_ten_epochs
# help: You train for ten epochs, whatever was asked for. How many there are is the argument `epochs`.
def qat_finetune(model, train_loader, epochs):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(10):
        for images, labels in train_loader:
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()


# %% qat_gate: vanishing_step
# help: All weights have changed, and hardly one of them its level: your steps are far too small for a grid
#   this coarse. Take a larger learning rate.
def qat_finetune(model, train_loader, epochs):
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-5)
    for _ in range(epochs):
        for images, labels in train_loader:
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()


# %% qat_gate: huge_step
# help: Your steps are far too large: weights jump over all levels at once, and nothing settles. Take a smaller
#   learning rate.
def qat_finetune(model, train_loader, epochs):
    optimizer = torch.optim.Adam(model.parameters(), lr=1.0)
    for _ in range(epochs):
        for images, labels in train_loader:
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()


# %% qat_gate: no_step
# help: Nothing moves: gradients are worked out, but the optimizer never makes its step.
def qat_finetune(model, train_loader, epochs):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(epochs):
        for images, labels in train_loader:
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()


# %% qat_gate: uphill
# help: The loss rises: you follow the gradient uphill. Is there a minus sign too many, or a maximum asked for?
def qat_finetune(model, train_loader, epochs):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, maximize=True)
    for _ in range(epochs):
        for images, labels in train_loader:
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()


# %% qat_gate: trained_without_the_grid
# help: You train the float weights without the grid in between. They become a good float network, which
#   rounding destroys again. Let the model's own forward do the work.
def qat_finetune(model, train_loader, epochs):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    first, last = model[1], model[3]
    for _ in range(epochs):
        for images, labels in train_loader:
            h = F.linear(images.flatten(1), first.weight, first.bias).relu()
            loss = F.cross_entropy(F.linear(h, last.weight, last.bias), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


# %% qat_gate: more_bits
# help: After the training the layers no longer round to two bits. What is judged is the model as it came, on two bits:
#  leave the layers, their bits and their forward as they are.
def qat_finetune(model, train_loader, epochs):
    model[1].bits = model[3].bits = 8
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(epochs):
        for images, labels in train_loader:
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()


# %% qat_gate: layers_replaced
# help: You put other layers into the model. What counts are the weights it came with, and nobody trained those.
def qat_finetune(model, train_loader, epochs):
    for i in (1, 3):
        fresh = nn.Linear(model[i].in_features, model[i].out_features).to(model[i].weight.dtype)
        fresh.load_state_dict(model[i].state_dict())
        model[i] = fresh
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(epochs):
        for images, labels in train_loader:
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()


# %% qat_gate: weights_rounded_after_each_step
# help: You put the float weights on the grid after every step. A step is smaller than half a level, so each
#   weight falls back to where it was: let the small steps add up.
def qat_finetune(model, train_loader, epochs):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(epochs):
        for images, labels in train_loader:
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()
            with torch.no_grad():
                for p in model.parameters():
                    if p.ndim == 2:
                        scale = p.abs().max()
                        p.copy_(torch.round(p / scale) * scale)


# %% qat_gate: left_in_eval_mode
# help: Your model comes back in eval mode. It came in training mode, and that is how it has to leave.
def qat_finetune(model, train_loader, epochs):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(epochs):
        for images, labels in train_loader:
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()
    model.eval()


# %% qat_gate: frozen_afterwards
# help: Your function freezes the parameters when it is done. They could be trained before: leave them so.
def qat_finetune(model, train_loader, epochs):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(epochs):
        for images, labels in train_loader:
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()
    model.requires_grad_(False)


# %% qat_gate: one_epoch_too_many
# help: You make one pass more than was asked for. `range(epochs)` alone counts right.
def qat_finetune(model, train_loader, epochs):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(epochs + 1):
        for images, labels in train_loader:
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()


# %% qat_gate: float_layers_put_in_afterwards
# help: When you are done you put float layers into the model. It trained for the grid and no longer rounds:
#   leave its own layers in it.
def qat_finetune(model, train_loader, epochs):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(epochs):
        for images, labels in train_loader:
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()
    for i in (1, 3):
        plain = nn.Linear(model[i].in_features, model[i].out_features)
        plain.weight, plain.bias = model[i].weight, model[i].bias
        model[i] = plain


# %% qat_gate: forward_made_float
# help: After the training the layers no longer round to two bits. What is judged is the model as it came, on two bits:
#  leave the layers, their bits and their forward as they are.
def qat_finetune(model, train_loader, epochs):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(epochs):
        for images, labels in train_loader:
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()
    for layer in (model[1], model[3]):
        layer.forward = lambda x, layer=layer: F.linear(x, layer.weight, layer.bias)
