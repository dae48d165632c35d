"""Right solutions of chapter 11 in an unusual style: the checks must accept every one."""

import math
import time

import torch


# %% validate_input: helpers_and_own_errors
class BadShape(ValueError):
    pass


def _refuse(kind, wanted, found):
    raise kind(f"I would like {wanted}; this is {found}.")


def validate_input(x, features):
    assert features >= 1, "a remark for colleagues, no refusal"
    match x:
        case torch.Tensor() if torch.is_floating_point(x):
            pass
        case torch.Tensor():
            _refuse(TypeError, "a FLOATING-POINT tensor", x.dtype)
        case _:
            _refuse(TypeError, "a floating-point Tensor", type(x))
    if x.ndim < 1 or x.size(-1) != features or 0 in x.shape:
        _refuse(BadShape, f"(..., {features}), one row or more", list(x.size()))
    if (x - x != 0).any():
        raise ValueError("Non-finite numbers in the input")
    return x


# %% validate_input: number_by_number
def validate_input(x, features):
    if not torch.is_tensor(x) or x.dtype not in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        found = x.dtype if torch.is_tensor(x) else type(x).__qualname__
        raise TypeError("wanted: a tensor of a float dtype; found: " + str(found))
    rows = math.prod(x.shape[:-1]) if x.dim() else 0
    if x.dim() == 0 or list(x.shape)[-1:] != [features] or not rows:
        raise ValueError("wanted: (..., %d), %s rows > 0; found: %s" % (features, rows, x.shape))
    for value in x.detach().flatten().tolist():
        if not math.isfinite(value):
            raise ValueError(f"{value} is not finite")
    return x


# %% validate_input: a_class
class _Door:
    def __call__(self, x, features):
        for check in (self.kind, self.shape, self.numbers):
            check(x, features)
        return x

    def kind(self, x, features):
        try:
            floating = x.is_floating_point() and isinstance(x, torch.Tensor)
        except AttributeError:
            raise TypeError(f"expected a floating tensor, not {x!r} of {x.__class__}") from None
        if not floating:
            raise TypeError(f"expected a floating tensor, not {x.type()}")

    def shape(self, x, features):
        if x.reshape(-1).numel() == 0 or x.shape == () or x.shape[-1] != features:
            raise ValueError(f"features: {features} expected, shape {tuple(x.shape)} found")

    def numbers(self, x, features):
        if float(x.detach().abs().amax()) == math.inf or bool(x.isnan().any()):
            raise ValueError("not all values are finite")


validate_input = _Door()


# %% batched_bilinear: product_and_sum
def batched_bilinear(x, w, y):
    return torch.mul(x.matmul(w), y).sum(-1).mT


# %% batched_bilinear: outer_products
def batched_bilinear(x, w, y):
    pairs = x.unsqueeze(2) * y.unsqueeze(1)
    return pairs.reshape(len(x), -1) @ w.reshape(w.shape[0], -1).mT


# %% batched_bilinear: lined_up
def batched_bilinear(x, w, y):
    return (x[:, None, :, None] * w * y[:, None, None, :]).sum((-2, -1))


# %% batched_bilinear: vmap_twice
def batched_bilinear(x, w, y):
    one = lambda a, m, c: torch.dot(torch.mv(m.T, a), c)
    return torch.vmap(torch.vmap(one, in_dims=(None, 0, None)), in_dims=(0, None, 0))(x, w, y)


# %% batched_bilinear: numpy
import numpy


def batched_bilinear(x, w, y):
    half = numpy.tensordot(x.numpy(), w.numpy(), axes=(1, 1))
    return torch.from_numpy(numpy.matmul(half, y.numpy()[:, :, None])[:, :, 0])


# %% tiled_attention: merged_by_logsumexp
def tiled_attention(q, k, v, block):
    out = log_total = None
    for keys, values in zip(k.split(block), v.split(block)):
        scores = q @ keys.mT * q.shape[-1] ** -0.5
        here = scores.logsumexp(-1, keepdim=True)
        part = (scores - here).exp() @ values
        if out is None:
            out, log_total = part, here
        else:
            both = torch.logaddexp(log_total, here)
            out = out * (log_total - both).exp() + part * (here - both).exp()
            log_total = both
    return out


# %% tiled_attention: padded_and_masked
def tiled_attention(q, k, v, block):
    blocks = -(-len(k) // block)
    missing = blocks * block - len(k)
    k2 = torch.nn.functional.pad(k, (0, 0, 0, missing)).view(blocks, block, -1)
    v2 = torch.nn.functional.pad(v, (0, 0, 0, missing)).view(blocks, block, -1)
    m = torch.full((q.shape[0],), -torch.inf, dtype=q.dtype)
    l, acc = torch.zeros_like(m), torch.zeros(q.shape[0], v.shape[1], dtype=q.dtype)
    for b in range(blocks):
        if b * block >= len(k):
            break
        s = torch.einsum("ld,sd->ls", q, k2[b]) / math.sqrt(q.size(1))
        s = s.masked_fill(torch.arange(b * block, (b + 1) * block) >= len(k), -torch.inf)
        m_new = torch.cat([m[:, None], s], 1).max(1).values
        p = torch.exp(s - m_new[:, None])
        l.mul_(torch.exp(m - m_new)).add_(p.sum(1))
        acc.mul_(torch.exp(m - m_new)[:, None]).add_(p @ v2[b])
        m = m_new
    return acc / l[:, None]


# %% tiled_attention: twice_over_the_keys
def tiled_attention(q, k, v, block):
    scaled = (q.double() / q.shape[1] ** 0.5).contiguous()
    top = torch.full((len(q),), float("-inf"), dtype=torch.float64)
    total = torch.zeros(len(q), dtype=torch.float64)
    start = 0
    while start < len(k):
        s = scaled @ k[start : start + block].double().T
        new = torch.maximum(top, s.max(1).values)
        total = total * (top - new).exp() + (s - new[:, None]).exp().sum(1)
        top, start = new, start + block
    out = torch.zeros(len(q), v.shape[1], dtype=torch.float64)
    for start in range(0, len(k), block):
        s = scaled @ k[start : start + block].double().T
        out += (s - top[:, None]).exp() @ v[start : start + block].double() / total[:, None]
    return out.to(q.dtype)


# %% tiled_attention: one_query_at_a_time
def tiled_attention(q, k, v, block):
    rows = []
    for row in q:
        m, total, out = torch.tensor(-math.inf, dtype=q.dtype), 0.0, torch.zeros_like(v[0])
        for i in range(0, len(k), block):
            s = (k[i : i + block] * row).sum(1) / math.sqrt(len(row))
            new = torch.max(m, s.max())
            w = torch.exp(s - new)
            total, out = total * torch.exp(m - new) + w.sum(), out * torch.exp(m - new) + w @ v[i : i + block]
            m = new
        rows.append(out / total)
    return torch.stack(rows)


# %% tiled_attention: numpy_key_by_key
import numpy as np


def tiled_attention(q, k, v, block):
    q_, k_, v_ = (t.numpy() for t in (q, k, v))
    m = np.full((len(q_), 1), -np.inf, dtype=q_.dtype)
    total, out = np.zeros_like(m), np.zeros((len(q_), v_.shape[1]), dtype=q_.dtype)
    for key, value in zip(k_, v_):
        s = (q_ @ key[:, None]) / np.sqrt(q_.shape[1]).astype(q_.dtype)
        new = np.maximum(m, s)
        total = total * np.exp(m - new) + np.exp(s - new)
        out = out * np.exp(m - new) + np.exp(s - new) * value
        m = new
    return torch.from_numpy(out / total)


# %% profile_layer: timeit
import statistics
import timeit


def profile_layer(layer, x, warmup=3, repeats=20):
    with torch.inference_mode():
        [layer(x) for _ in range(warmup)]
        times = timeit.repeat(lambda: layer(x), number=1, repeat=repeats)
    return dict(median=statistics.median(times), minimum=min(times), maximum=max(times))


# %% profile_layer: nanoseconds_and_tensors
@torch.no_grad()
def profile_layer(layer, x, warmup=3, repeats=20):
    modes = [(m, m.training) for m in layer.modules()]
    layer.eval()
    took = []
    for i in range(-warmup, repeats):
        begin = time.monotonic_ns()
        layer(x)
        end = time.monotonic_ns()
        if i >= 0:
            took.append((end - begin) / 1e9)
    for m, flag in modes:
        m.training = flag
    took = torch.tensor(took, dtype=torch.float64)
    return {"median": took.median(), "minimum": took.min(), "maximum": took.max(), "mean": took.mean()}


# %% profile_layer: upper_median
def profile_layer(layer, x, warmup=3, repeats=20):
    previous = torch.is_grad_enabled()
    torch.set_grad_enabled(False)
    try:
        for _ in range(warmup):
            layer(x)
        stamps = []
        for _ in range(repeats):
            stamps.append(-time.time())
            layer(x)
            stamps[-1] += time.time()
    finally:
        torch.set_grad_enabled(previous)
    stamps.sort()
    return {"median": stamps[len(stamps) // 2], "minimum": stamps[0], "maximum": stamps[-1]}


# %% custom_op: called_and_passed_on
def _kernel(x: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
    return torch.where(x > 0, x, torch.zeros_like(x)) / (1 + torch.exp(-gate))


_op = torch.library.custom_op("course::gated_relu", _kernel, mutates_args=())
_op.register_fake(lambda x, gate: torch.relu(x) * gate)


def _keep(ctx, inputs, output):
    ctx.save_for_backward(inputs[1], output)
    ctx.on = inputs[0] > 0


def _back(ctx, g):
    gate, output = ctx.saved_tensors
    s = torch.special.expit(gate)
    return torch.where(ctx.on, g * s, torch.zeros_like(g)), g * output * (1 - s)


torch.library.register_autograd("course::gated_relu", _back, setup_context=_keep)


def gated_relu(x, gate):
    return torch.ops.course.gated_relu(x, gate)


# %% custom_op: gradient_only_where_asked
@torch.library.custom_op("course::gated_relu", mutates_args=(), schema="(Tensor x, Tensor gate) -> Tensor")
def gated_relu(x, gate):
    return torch.nn.functional.relu(x).mul_(gate.sigmoid())


@torch.library.register_fake("course::gated_relu")
def _(x, gate):
    torch._check(x.shape == gate.shape)
    return x.clone()


def _keep(ctx, inputs, output):
    x, gate = inputs
    ctx.save_for_backward(x, gate)


def _back(ctx, g):
    x, gate = ctx.saved_tensors
    gx = gg = None
    if ctx.needs_input_grad[0]:
        gx = g * gate.sigmoid() * (x > 0).to(g.dtype)
    if ctx.needs_input_grad[1]:
        gg = g * x.clamp(min=0) * gate.sigmoid() * torch.sigmoid(-gate)
    return gx, gg


gated_relu.register_autograd(_back, setup_context=_keep)


# %% export_program: of_a_copy
import copy


def export_program(model, example):
    twin = copy.deepcopy(model).eval()
    with torch.no_grad():
        return torch.export.export(
            twin, args=(example,), dynamic_shapes=[{0: torch.export.Dim.AUTO}], strict=False
        )


# %% export_program: strict_with_own_context
from contextlib import contextmanager


@contextmanager
def _evaluating(model):
    flags = {name: m.training for name, m in model.named_modules()}
    model.train(False)
    try:
        yield model
    finally:
        for name, flag in flags.items():
            model.get_submodule(name).training = flag


def export_program(model, example):
    with _evaluating(model) as quiet:
        return torch.export.export(
            quiet,
            (example.clone(),),
            dynamic_shapes=((torch.export.Dim("n"), *[None] * (example.dim() - 1)),),
            strict=True,
        )


# %% export_onnx: from_a_program
import copy


def export_onnx(model, example, path):
    program = torch.export.export(
        copy.deepcopy(model).eval(), (example,), dynamic_shapes=({0: torch.export.Dim.DYNAMIC},)
    )
    return torch.onnx.export(program, (), path, verbose=False)


# %% export_onnx: through_the_exercise_before
def export_onnx(model, example, path):
    torch.onnx.export(export_program(model, example), f=path, external_data=False)


# %% export_onnx: the_old_exporter
def export_onnx(model, example, path):
    flags = [m.training for m in model.modules()]
    try:
        model.eval()
        torch.onnx.export(
            model,
            example,
            path,
            dynamo=False,
            input_names=["inp"],
            output_names=["out"],
            dynamic_axes={"inp": [0], "out": [0]},
        )
    finally:
        [setattr(m, "training", flag) for m, flag in zip(model.modules(), flags)]


# %% bottleneck: in_a_class_over_three_passes
class _Stopwatch:
    def __init__(self, name, totals):
        self.name, self.totals = name, totals

    def start(self, module, args):
        self.at = time.perf_counter_ns()

    def stop(self, module, args, out):
        self.totals[self.name] = self.totals.get(self.name, 0) + time.perf_counter_ns() - self.at


@torch.no_grad()
def bottleneck(model, x):
    from contextlib import ExitStack

    totals = {}
    with ExitStack() as stack:
        for name, module in model.named_modules():
            if len(list(module.children())) == 0:
                watch = _Stopwatch(name, totals)
                stack.callback(module.register_forward_pre_hook(watch.start).remove)
                stack.callback(module.register_forward_hook(watch.stop).remove)
        for _ in range(3):
            model(x)
    return sorted(totals.items(), key=lambda item: item[1])[-1][0]


# %% bottleneck: forward_replaced
def bottleneck(model, x):
    spent, own = {}, []
    leaves = [(name, module) for name, module in model.named_modules() if not module._modules]

    def timed(name, forward):
        def run(*args, **kwargs):
            started = time.perf_counter()
            try:
                return forward(*args, **kwargs)
            finally:
                spent[name] = spent.get(name, 0) + time.perf_counter() - started

        return run

    try:
        for name, module in leaves:
            own.append(module)
            module.forward = timed(name, module.forward)
        with torch.inference_mode():
            model(x)
    finally:
        for module in own:
            del module.forward
    return max(spent.items(), key=lambda pair: pair[1])[0]


# %% fgsm: backward_on_a_copy
def fgsm(model, x, y, eps):
    import copy

    twin = copy.deepcopy(model).eval().requires_grad_(False)
    with torch.enable_grad():
        leaf = x.clone().detach().requires_grad_(True)
        F.nll_loss(F.log_softmax(twin(leaf), dim=-1), y, reduction="sum").backward()
    return torch.clamp(leaf.detach() + eps * torch.sign(leaf.grad), min=0.0, max=1.0)


# %% fgsm: functional
@torch.enable_grad()
def fgsm(model, x, y, eps):
    modes = {name: module.training for name, module in model.named_modules()}
    try:
        for module in model.modules():
            module.training = False
        slope = torch.func.grad(lambda z: F.cross_entropy(model(z), y))(x.detach())
    finally:
        for name, module in model.named_modules():
            module.training = modes[name]
    moved = x.detach() + torch.where(slope > 0, eps, torch.where(slope < 0, -eps, 0.0)).to(x.dtype)
    return torch.minimum(torch.maximum(moved, torch.zeros_like(moved)), torch.ones_like(moved))


# %% validate_input: another_style_1
def validate_input(x, features):
    if not (type(x) is torch.Tensor or isinstance(x, torch.Tensor)):
        raise TypeError(f"expected a floating tensor, got {type(x)}")
    if not (x.dtype.is_floating_point):
        raise TypeError(f"expected a floating tensor, got {x.dtype}")
    if not (x.shape[-1:] == (features,) and 0 not in x.shape):
        raise ValueError(f"expected (..., {features}) with a row or more, got {tuple(x.shape)}")
    if not ((x - x == 0).all()):
        raise ValueError("expected finite numbers")
    return x


# %% validate_input: another_style_2
def validate_input(x, features):
    if not (isinstance(x, torch.Tensor)):
        raise TypeError(f"expected a floating tensor, got {type(x)}")
    if not (x.is_floating_point()):
        raise TypeError(f"expected a floating tensor, got {x.dtype}")
    if not (x.dim() and x.shape[-1] == features and x.numel()):
        raise ValueError(f"expected (..., {features}) with a row or more, got {tuple(x.shape)}")
    if not (all(map(math.isfinite, x.detach().flatten().tolist()))):
        raise ValueError("expected finite numbers")
    return x


# %% validate_input: another_style_3
def validate_input(x, features):
    if not (isinstance(x, torch.Tensor)):
        raise TypeError(f"expected a floating tensor, got {type(x)}")
    if not (x.is_floating_point()):
        raise TypeError(f"expected a floating tensor, got {x.dtype}")
    if not (x.ndim >= 1 and x.size(-1) == features and min(x.shape) > 0):
        raise ValueError(f"expected (..., {features}) with a row or more, got {tuple(x.shape)}")
    if not (float(x.detach().abs().max()) < math.inf):
        raise ValueError("expected finite numbers")
    return x


# %% validate_input: another_style_4
import sys


def validate_input(x, features):
    if not (isinstance(x, torch.Tensor)):
        raise TypeError(f"expected a floating tensor, got {type(x)}")
    if not (x.is_floating_point()):
        raise TypeError(f"expected a floating tensor, got {x.dtype}")
    if not (x.dim() and x.shape[-1] == features and x.numel()):
        raise ValueError(f"expected (..., {features}) with a row or more, got {tuple(x.shape)}")
    if not (torch.isfinite(x).all()):
        raise ValueError("expected finite numbers")
    return x


assert sys is not None, "an assert about something else"


# %% validate_input: another_style_5
class Refused(TypeError):
    pass


def _all(x, features):
    yield isinstance(x, torch.Tensor), Refused, lambda: f"{type(x)} is no tensor"
    yield x.is_floating_point(), Refused, lambda: f"{x.dtype} is no float"
    yield (
        len(x.shape) and x.shape[-1] == features,
        ValueError,
        lambda: f"{[*x.shape]}, expected [..., {features}]",
    )
    yield x.nelement(), ValueError, lambda: f"no rows in {[*x.shape]}, at least 1 of {features} expected"
    yield bool(x.isfinite().all()), ValueError, lambda: "NOT FINITE"


def validate_input(x, features):
    for holds, kind, words in _all(x, features):
        assert holds or kind
        if not holds:
            raise kind(words())
    return x


# %% batched_bilinear: another_style_1
def batched_bilinear(x, w, y):
    return torch.bmm(x.unsqueeze(0).expand(len(w), -1, -1), w).mul(y).sum(2).t()


# %% batched_bilinear: another_style_2
def batched_bilinear(x, w, y):
    return torch.einsum("oij,bj,bi->bo", w, y, x)  # F.bilinear(x, y, w), no for in sight


# %% batched_bilinear: another_style_3
def batched_bilinear(x, w, y):
    return torch.tensordot(x[:, :, None] * y[:, None, :], w, dims=([1, 2], [1, 2]))


# %% batched_bilinear: another_style_4
def batched_bilinear(x, w, y):
    return torch.func.vmap(lambda a, c: (w @ c) @ a)(x, y)


# %% batched_bilinear: another_style_5
def batched_bilinear(x, w, y):
    return (w @ y.T).permute(2, 0, 1).matmul(x.unsqueeze(-1)).squeeze(-1)


# %% batched_bilinear: another_style_6
bilinear = torch.einsum


def batched_bilinear(x, w, y):
    return bilinear("bi,oij,bj->bo", [x, w, y])


# %% tiled_attention: another_style_1
def tiled_attention(q, k, v, block):

    top = q.new_full((len(q), 1), -math.inf)
    total, out = q.new_zeros(len(q), 1), q.new_zeros(len(q), v.shape[1])
    for i in range(0, len(k), block):
        scores = q @ k[i : i + block].T / math.sqrt(q.shape[1])
        new = torch.maximum(top, scores.amax(1, keepdim=True))
        weights = torch.exp(scores - new)
        total = total * torch.exp(top - new) + weights.sum(1, keepdim=True)
        out = out * torch.exp(top - new) + weights @ v[i : i + block]
        top = new
    return out / total


# %% tiled_attention: another_style_2
def tiled_attention(q, k, v, block):

    top = q.new_full((len(q), 1), torch.finfo(q.dtype).min)
    total, out = q.new_zeros(len(q), 1), q.new_zeros(len(q), v.shape[1])
    for i in range(0, len(k), block):
        scores = q @ k[i : i + block].T / math.sqrt(q.shape[1])
        new = torch.maximum(top, scores.amax(1, keepdim=True))
        weights = torch.exp(scores - new)
        total = total * torch.exp(top - new) + weights.sum(1, keepdim=True)
        out = out * torch.exp(top - new) + weights @ v[i : i + block]
        top = new
    return out / total


# %% tiled_attention: another_style_3
def tiled_attention(q, k, v, block):

    top = q.new_full((len(q), 1), -math.inf)
    total, out = q.new_zeros(len(q), 1), q.new_zeros(len(q), v.shape[1])
    for i in range(0, len(k), block):
        scores = torch.stack([k[i : i + block] @ row for row in q]) / q.shape[1] ** 0.5
        new = torch.maximum(top, scores.amax(1, keepdim=True))
        weights = torch.exp(scores - new)
        total = total * torch.exp(top - new) + weights.sum(1, keepdim=True)
        out = out * torch.exp(top - new) + weights @ v[i : i + block]
        top = new
    return out / total


# %% tiled_attention: another_style_4
def tiled_attention(q, k, v, block):

    top = q.new_full((len(q), 1), -math.inf)
    total, out = q.new_zeros(len(q), 1), q.new_zeros(len(q), v.shape[1])
    for i in range(0, len(k), block):
        scores = (q[:, None, :] * k[None, i : i + block]).sum(-1) / math.sqrt(q.shape[1])
        new = torch.maximum(top, scores.amax(1, keepdim=True))
        weights = torch.exp(scores - new)
        total = total * torch.exp(top - new) + weights.sum(1, keepdim=True)
        out = out * torch.exp(top - new) + weights @ v[i : i + block]
        top = new
    return out / total


# %% tiled_attention: another_style_5
def tiled_attention(q, k, v, block):
    q = q * q.shape[1] ** -0.5
    top = q.new_full((len(q), 1), -math.inf)
    total, out = q.new_zeros(len(q), 1), q.new_zeros(len(q), v.shape[1])
    for i in range(0, len(k), block):
        scores = torch.einsum("ld,sd->ls", q, k[i : i + block])
        new = torch.maximum(top, scores.amax(1, keepdim=True))
        weights = torch.exp(scores - new)
        total = total * torch.exp(top - new) + weights.sum(1, keepdim=True)
        out = out * torch.exp(top - new) + weights @ v[i : i + block]
        top = new
    return out / total


# %% tiled_attention: another_style_6
def tiled_attention(q, k, v, block):
    block = max(1, block // 2)  # fewer scores than allowed
    top = q.new_full((len(q), 1), -math.inf)
    total, out = q.new_zeros(len(q), 1), q.new_zeros(len(q), v.shape[1])
    for i in range(0, len(k), block):
        scores = q @ k[i : i + block].T / math.sqrt(q.shape[1])
        new = torch.maximum(top, scores.amax(1, keepdim=True))
        weights = torch.exp(scores - new)
        total = total * torch.exp(top - new) + weights.sum(1, keepdim=True)
        out = out * torch.exp(top - new) + weights @ v[i : i + block]
        top = new
    return out / total


# %% tiled_attention: another_style_7
def tiled_attention(q, k, v, block):
    k, v = k.clone().contiguous(), v.flip(0).flip(0)  # not F.scaled_dot_product_attention
    top = q.new_full((len(q), 1), -math.inf)
    total, out = q.new_zeros(len(q), 1), q.new_zeros(len(q), v.shape[1])
    for i in range(0, len(k), block):
        scores = q @ k[i : i + block].T / math.sqrt(q.shape[1])
        new = torch.maximum(top, scores.amax(1, keepdim=True))
        weights = torch.exp(scores - new)
        total = total * torch.exp(top - new) + weights.sum(1, keepdim=True)
        out = out * torch.exp(top - new) + weights @ v[i : i + block]
        top = new
    return out / total


# %% tiled_attention: another_style_8
def tiled_attention(q, k, v, block):
    def merge(state, keys, values):
        m, z, a = state
        s = torch.baddbmm(q.new_zeros(1, len(q), len(keys)), q[None], keys.T[None])[0] / math.sqrt(q.size(1))
        n = torch.cat([s, m], dim=1).max(dim=1, keepdim=True)[0]
        p, c = (s - n).exp_(), (m - n).exp_()
        return n, z * c + p.sum(1, keepdim=True), torch.addmm(a * c, p, values)

    state = (
        torch.full_like(q[:, :1], -torch.inf),
        torch.zeros_like(q[:, :1]),
        q.new_zeros(len(q), v.shape[-1]),
    )
    while len(k):
        state = merge(state, k[:block], v[:block])
        k, v = k[block:], v[block:]
    return state[2].div(state[1])


# %% tiled_attention: another_style_9
def tiled_attention(q, k, v, block):
    ones = torch.cat([v, v.new_ones(len(v), 1)], 1)
    m, a = None, None
    for ks, vs in zip(torch.split(k, block), torch.split(ones, block)):
        s = (q @ ks.transpose(0, 1)) / torch.tensor(q.shape[1], dtype=q.dtype).sqrt()
        n = s.max(1, keepdim=True).values if m is None else torch.max(m, s.max(1, keepdim=True).values)
        new = torch.exp(s - n) @ vs
        a, m = (new if m is None else a * torch.exp(m - n) + new), n
    return a[:, :-1] / a[:, -1:]


# %% profile_layer: another_style_1
def profile_layer(layer, x, warmup=3, repeats=20):
    t = []
    with torch.inference_mode():
        for i in range(warmup + repeats):
            a = time.perf_counter()
            layer.forward(x)
            b = time.perf_counter()
            if i >= warmup:
                t.append(b - a)
    return {"median": sorted(t)[len(t) // 2], "minimum": min(t), "maximum": max(t)}


# %% profile_layer: another_style_2
def profile_layer(layer, x, warmup=3, repeats=20):
    with torch.no_grad():
        for _ in range(warmup):
            layer(x)

        def one():
            start = time.perf_counter_ns()
            layer(x)
            return (time.perf_counter_ns() - start) * 1e-9

        t = np.array([one() for _ in range(repeats)])
    return {"median": np.median(t), "minimum": t.min(), "maximum": t.max(), "all": t.tolist()}


# %% profile_layer: another_style_3
import timeit


def profile_layer(layer, x, warmup=3, repeats=20):
    was = layer.training
    with torch.set_grad_enabled(False):
        warm = [layer(x) for _ in range(warmup)]
        t = sorted(timeit.timeit(lambda: layer(x), number=1) for _ in range(repeats))
    assert layer.training == was
    return dict(median=t[(len(t) - 1) // 2], minimum=t[0], maximum=t[-1])


# %% custom_op: another_style_1
@torch.library.custom_op("course::gated_relu", mutates_args=())
def gated_relu(x: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
    return torch.where(x > 0, x, 0) * torch.special.expit(gate)


@gated_relu.register_fake
def _(x, gate):
    return torch.empty_strided(x.shape, x.stride(), dtype=x.dtype)


def keep(ctx, inputs, output):
    ctx.save_for_backward(*inputs)


def back(ctx, g):
    x, gate = ctx.saved_tensors
    s = gate.sigmoid()
    return g * (x > 0) * s, g * x.relu() * s * (1 - s)


gated_relu.register_autograd(back, setup_context=keep)


# %% custom_op: another_style_2
@torch.library.custom_op("course::gated_relu", mutates_args=())
def gated_relu(x: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
    return torch.from_numpy(np.maximum(x.numpy(), 0) / (1 + np.exp(-gate.numpy())))


@gated_relu.register_fake
def _(x, gate):
    return x * gate


def keep(ctx, inputs, output):
    ctx.save_for_backward(*inputs)


def back(ctx, g):
    x, gate = ctx.saved_tensors
    s = gate.sigmoid()
    return g * (x > 0) * s, g * x.relu() * s * (1 - s)


gated_relu.register_autograd(back, setup_context=keep)


# %% custom_op: another_style_3
@torch.library.custom_op("course::gated_relu", mutates_args=())
def gated_relu(x: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
    return x.clamp(min=0).div(gate.neg().exp().add(1))


@gated_relu.register_fake
def _(x, gate):
    return torch.relu(x)


def keep(ctx, inputs, output):
    ctx.save_for_backward(*inputs)


def back(ctx, g):
    x, gate = ctx.saved_tensors
    s = gate.sigmoid()
    return g * (x > 0) * s, (g * x.clamp(min=0)).mul(s - s * s)


gated_relu.register_autograd(back, setup_context=keep)


# %% custom_op: another_style_4
@torch.library.custom_op("course::gated_relu", mutates_args=())
def gated_relu(x: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
    return x.relu() * gate.sigmoid()


@gated_relu.register_fake
def _(x, gate):
    return torch.empty_like(x)


def keep(ctx, inputs, output):
    ctx.save_for_backward(*inputs)


def back(ctx, g):
    x, gate = ctx.saved_tensors
    s = gate.sigmoid()
    return g * (x > 0) * s, g * x.relu() * s * (1 - s)


gated_relu.register_autograd(back, setup_context=keep)


@torch.library.custom_op("course::gated_relu", mutates_args=())
def gated_relu(x: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
    return x.relu() * gate.sigmoid()


@gated_relu.register_fake
def _(x, gate):
    return torch.empty_like(x)


def keep(ctx, inputs, output):
    ctx.save_for_backward(*inputs)


def back(ctx, g):
    x, gate = ctx.saved_tensors
    s = gate.sigmoid()
    return g * (x > 0) * s, g * x.relu() * s * (1 - s)


gated_relu.register_autograd(back, setup_context=keep)


# %% export_program: another_style_1
def export_program(model, example):
    modes = {}
    model.apply(lambda m: modes.setdefault(m, m.training))
    for m in modes:
        m.training = False
    program = torch.export.export(
        model, tuple([example]), None, dynamic_shapes=({0: torch.export.Dim("b", min=1)},)
    )
    for m, flag in modes.items():
        m.training = flag
    return program


# %% export_program: another_style_2
import copy
import inspect


def export_program(model, example):
    twin = copy.deepcopy(model).eval().requires_grad_(False)
    name = list(inspect.signature(twin.forward).parameters)[0]
    return torch.export.export(
        twin, (example,), dynamic_shapes={name: {0: torch.export.Dim("n", min=1, max=100_000)}}
    )


# %% export_program: another_style_3
def export_program(model, example):
    flags = [m.training for m in model.modules()]
    try:
        with torch.inference_mode(False), torch.no_grad():
            return torch.export.export(
                model.train(mode=False), args=(example,), dynamic_shapes=({0: torch.export.Dim.DYNAMIC},)
            )
    finally:
        list(map(lambda m, f: setattr(m, "training", f), model.modules(), flags))


# %% export_onnx: another_style_1
import copy


def export_onnx(model, example, path):
    program = torch.onnx.export(
        copy.deepcopy(model).eval(),
        (example,),
        dynamo=True,
        dynamic_shapes=({0: torch.export.Dim("b", min=1)},),
        verbose=False,
    )
    program.save(path)


# %% export_onnx: another_style_2
import copy


def export_onnx(model, example, path):
    with open(path, "wb") as file:
        torch.onnx.export(
            copy.deepcopy(model).eval(),
            (example,),
            file,
            dynamo=False,
            input_names=["in"],
            output_names=["out"],
            dynamic_axes={"in": {0: "rows"}, "out": {0: "rows"}},
        )
    return path
