"""What the chapters claim about PyTorch, held against the installed version. One function a claim, `test_NN_…`."""

from __future__ import annotations

import copy
import itertools
import math
import pickle
import warnings
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

"""What the chapters say about PyTorch and about their own figures, tried in the pinned version."""




INCLUDE = Path(torch.__file__).parent / "include"


def test_02_promotion_takes_the_smallest_dtype_that_holds_both():
    half, other = torch.ones(1, dtype=torch.float16), torch.ones(1, dtype=torch.bfloat16)
    assert (half + other).dtype is torch.float32
    assert (torch.ones(1, dtype=torch.uint8) + torch.ones(1, dtype=torch.int8)).dtype is torch.int16
    assert (torch.ones(1) + torch.tensor(1.0, dtype=torch.float64)).dtype is torch.float32
    assert (torch.ones(1) + torch.ones(1, dtype=torch.float64)).dtype is torch.float64


def test_02_what_where_does_not_choose_still_ruins_the_gradient():
    x = torch.tensor([4.0, 0.0], requires_grad=True)
    torch.where(torch.tensor([True, False]), x.sqrt(), 0.0).sum().backward()
    assert x.grad[0] == 0.25
    assert x.grad[1].isnan()


def test_03_the_named_headers_of_autograd_exist():
    assert "struct TORCH_API Node" in (INCLUDE / "torch/csrc/autograd/node.h").read_text()
    assert (INCLUDE / "torch/csrc/autograd/functions/accumulate_grad.h").is_file()
    assert "compute_dependencies" in (INCLUDE / "torch/csrc/autograd/engine.h").read_text()


def test_03_a_second_backward_fails_only_where_something_was_saved():
    x = torch.tensor(1.0, requires_grad=True)
    z = x + x
    z.backward()
    z.backward()
    assert x.grad == 4
    y = x * x
    y.backward()
    with pytest.raises(RuntimeError, match="a second time"):
        y.backward()


def test_03_versions_count_and_data_goes_around_them():
    h = torch.ones(2, requires_grad=True).exp()
    assert h._version == 0
    h.data.mul_(2)
    assert h._version == 0
    h.mul_(2)
    assert h._version == 1
    with pytest.raises(RuntimeError, match="expected version 0"):
        h.sum().backward()


def test_03_a_node_called_by_hand_does_not_add_up_stretched_axes():
    table, row = torch.ones(3, 2, requires_grad=True), torch.ones(2, requires_grad=True)
    node = (table * row).grad_fn
    assert [tuple(g.shape) for g in node(torch.ones(3, 2))] == [(3, 2), (3, 2)]
    assert [list(child._input_metadata[slot].shape) for child, slot in node.next_functions] == [[3, 2], [2]]


def test_03_rows_and_columns_of_the_softmax_jacobian_sum_to_zero():
    table = torch.autograd.functional.jacobian(lambda t: torch.softmax(t, 0), torch.tensor([2.0, 0.5, -1.0]))
    assert table.sum(0).abs().max() < 1e-6
    assert table.sum(1).abs().max() < 1e-6


class _Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, kept_by_name):
        if kept_by_name:
            ctx.x = x
        else:
            ctx.save_for_backward(x)
        ctx.by_name = kept_by_name
        return x * x

    @staticmethod
    def backward(ctx, grad_out):
        x = ctx.x if ctx.by_name else ctx.saved_tensors[0]
        return 2 * x * grad_out, None


def _square_then_change(kept_by_name: bool) -> float:
    w = torch.tensor(3.0, requires_grad=True)
    h = w * 1
    y = _Square.apply(h, kept_by_name)
    h.add_(100)
    y.backward()
    return w.grad.item()


def test_04_what_hangs_on_ctx_changes_in_silence_and_what_is_saved_does_not():
    assert _square_then_change(True) == 206
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        _square_then_change(False)


def test_04_a_slope_worked_out_in_forward_is_missed_alone_and_not_in_a_sum():
    class SlopeKept(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.slope = 3 * x**2
            return x**3

        @staticmethod
        def backward(ctx, grad_out):
            return grad_out * ctx.slope

    x = torch.tensor([1.0, 2.0], requires_grad=True)
    y = SlopeKept.apply(x)
    (slope,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="does not require grad"):
        torch.autograd.grad(slope.sum(), x)
    assert torch.autograd.grad(y.sum() + slope.square().sum(), x)[0].tolist() == [3.0, 12.0]


def test_04_the_engine_sums_a_broadcast_gradient_and_refuses_a_smaller_one():
    class Shift(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, b, summed):
            ctx.summed = summed
            return x + b

        @staticmethod
        def backward(ctx, grad_out):
            return None, grad_out.sum() if ctx.summed else grad_out, None

    b = torch.zeros(3, requires_grad=True)
    Shift.apply(torch.ones(5, 3), b, False).sum().backward()
    assert b.grad.tolist() == [5.0, 5.0, 5.0]
    with pytest.raises(RuntimeError, match="invalid gradient at index 1"):
        Shift.apply(torch.ones(5, 3), b, True).sum().backward()


def test_04_once_differentiable_raises_in_backward_and_has_two_gaps():
    class Cube(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx, grad_out):
            return 3 * ctx.saved_tensors[0] ** 2 * grad_out

    def penalised(after):
        x = torch.tensor([1.0, 2.0], requires_grad=True)
        loss = after(Cube.apply(x)).sum()
        (slope,) = torch.autograd.grad(loss, x, create_graph=True)
        return x, loss + slope.square().sum()

    _, loss = penalised(torch.square)
    with pytest.raises(RuntimeError, match="differentiate twice"):
        loss.backward()
    x, loss = penalised(torch.square)
    assert torch.autograd.grad(loss, x)[0].tolist() == [6.0, 192.0]  # of the loss alone
    x, loss = penalised(lambda y: y)
    loss.backward()
    assert x.grad.tolist() == [3.0, 12.0]


def test_05_two_cliffs_overflow_of_exp_and_log_of_zero():
    behind = torch.arange(0.0, 161.0)
    two = torch.stack([torch.zeros(161), behind], dim=1)
    plain = (two.exp() / two.exp().sum(1, keepdim=True)).log()[:, 0]
    shifted = two.softmax(1).log()[:, 0]
    assert [int(behind[line.isfinite()].max()) for line in (plain, shifted)] == [88, 103]


def test_05_the_variance_of_a_layer_after_a_relu_is_a_sixth_without_its_bias():
    torch.manual_seed(0)
    layer = nn.Linear(512, 512)
    nn.init.zeros_(layer.bias)
    h = torch.randn(2048, 512)
    assert float(layer(h.relu()).detach().var() / h.var()) == pytest.approx(1 / 6, rel=0.05)


def test_05_batch_norm_refuses_one_row_and_counts_its_batches():
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        nn.BatchNorm1d(3)(torch.ones(1, 3))
    assert list(nn.BatchNorm1d(3).state_dict()) == [
        "weight",
        "bias",
        "running_mean",
        "running_var",
        "num_batches_tracked",
    ]


def _after(steps: int, **options: float) -> float:
    p = torch.ones(1, requires_grad=True)
    opt = torch.optim.SGD([p], lr=0.1, weight_decay=0.1, **options)
    for _ in range(steps):
        p.grad = torch.zeros(1)
        opt.step()
    return p.item()


def test_06_decay_is_a_factor_a_step_only_without_momentum():
    assert _after(50) == pytest.approx(0.99**50, rel=1e-4)
    assert _after(50, momentum=0.9) < 0


def test_06_pure_noise_makes_adam_steps_of_eighteen_hundredths_of_lr():
    torch.manual_seed(0)
    p = torch.zeros(10_000, requires_grad=True)
    opt, lengths = torch.optim.Adam([p], lr=1.0, betas=(0.9, 0.99)), []
    for _ in range(400):
        p.grad, before = torch.randn(10_000), p.detach().clone()
        opt.step()
        lengths.append(float((p.detach() - before).abs().mean()))
    assert sum(lengths[-100:]) / 100 == pytest.approx(math.sqrt(2 / math.pi * 0.1 / 1.9), rel=0.03)


def test_06_the_best_rates_of_the_valley():
    def left(lr: float, mu: float, h: float) -> float:
        d, b = 1.0, 0.0
        for _ in range(200):
            b = mu * b + h * d
            d -= lr * b
        return abs(d) ** (1 / 200)

    assert left(0.0801, 0.0, 25.0) > 1 > left(0.0799, 0.0, 25.0)
    assert max(left(2 / 26, 0.0, h) for h in (1.0, 25.0)) == pytest.approx(24 / 26, rel=1e-3)
    assert max(left(1 / 9, 4 / 9, h) for h in (1.0, 25.0)) == pytest.approx(4 / 6, rel=0.05)


def test_06_adamw_is_an_adam_and_a_pickled_model_is_refused_by_default(tmp_path):
    assert issubclass(torch.optim.AdamW, torch.optim.Adam)
    torch.save(nn.Linear(1, 1), tmp_path / "model.pt")
    with pytest.raises(pickle.UnpicklingError, match="weights_only"):
        torch.load(tmp_path / "model.pt")


def test_06_a_schedule_that_is_not_saved_starts_again():
    def scheduled() -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LambdaLR]:
        opt = torch.optim.AdamW(nn.Linear(1, 1).parameters(), lr=2e-3)
        return opt, torch.optim.lr_scheduler.LambdaLR(opt, lambda step: min(1.0, (step + 1) / 10))

    opt, schedule = scheduled()
    for _ in range(40):
        opt.step()
        schedule.step()
    again, fresh = scheduled()
    again.load_state_dict(opt.state_dict())
    again.step()
    fresh.step()
    assert again.param_groups[0]["lr"] == pytest.approx(4e-4)




@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("nn/modules/module.py", ["def __setattr__", "def _call_impl", "def named_modules", "def train"]),
        ("nn/modules/linear.py", ["class Linear"]),
        ("nn/init.py", ["def kaiming_uniform_", "def xavier_normal_"]),
        ("nn/parameter.py", ["class Parameter"]),
        ("utils/hooks.py", ["class RemovableHandle"]),
        ("utils/data/sampler.py", ["class RandomSampler", "torch.randperm"]),
        ("utils/data/_utils/collate.py", ["def default_collate"]),
        ("nn/modules/activation.py", ["class MultiheadAttention"]),
        ("nn/functional.py", ["def multi_head_attention_forward"]),
        ("nn/modules/normalization.py", ["class LayerNorm"]),
        ("nn/modules/transformer.py", ["norm_first"]),
    ],
)
def test_07_to_09_name_files_that_are_there(file, words):
    text = (Path(torch.__file__).parent / file).read_text(encoding="utf-8")
    assert [word for word in words if word not in text] == []


def test_07_output_first_has_exceptions():
    shapes = [tuple(m.weight.shape) for m in (nn.Conv2d(5, 3, 2), nn.ConvTranspose2d(5, 3, 2), nn.Embedding(7, 4))]
    assert shapes == [(3, 5, 2, 2), (5, 3, 2, 2), (7, 4)]


def test_07_a_strict_load_copies_what_fits_before_it_raises():
    layer = nn.Linear(2, 1)
    with pytest.raises(RuntimeError, match=r"(?s)Missing key.*bias.*Unexpected key.*shift"):
        layer.load_state_dict({"weight": torch.ones(1, 2), "shift": torch.ones(1)})
    assert layer.weight.tolist() == [[1.0, 1.0]]


def test_07_state_dict_hands_out_the_memory_itself():
    layer = nn.Linear(2, 1)
    saved = layer.state_dict()
    with torch.no_grad():
        layer.bias.fill_(7.0)
    assert saved["bias"].item() == 7.0


def test_07_messages_are_what_pytorch_says():
    class Unready(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(2, 2)

    with pytest.raises(AttributeError, match=r"before Module.__init__"):
        Unready()
    with pytest.raises(TypeError, match=r"cannot assign .* as parameter 'weight'"):
        nn.Linear(2, 1).weight = torch.ones(1, 2)
    with pytest.raises(RuntimeError, match="size mismatch for weight"):
        nn.Linear(2, 1).load_state_dict(nn.Linear(3, 1).state_dict())
    with pytest.raises(ValueError, match="empty parameter list"):
        torch.optim.SGD([], lr=0.1)


def test_07_forty_layers_tell_the_starts_apart():
    """The first step's gradient in the first layer: the default's is many powers of ten below Kaiming's."""

    def first_gradient(fill):
        torch.manual_seed(0)
        x, y = torch.randn(64, 20), torch.randn(64, 10)
        sizes = [20, *[100] * 39, 10]
        linears = [nn.Linear(a, b) for a, b in itertools.pairwise(sizes)]
        for linear in linears if fill else []:
            fill(linear.weight)
            nn.init.zeros_(linear.bias)
        model = nn.Sequential(*[m for linear in linears for m in (linear, nn.ReLU())][:-1])
        F.mse_loss(model(x), y).backward()
        return float(linears[0].weight.grad.double().norm())

    default, xavier, kaiming = (first_gradient(fill) for fill in (None, nn.init.xavier_normal_, nn.init.kaiming_normal_))
    assert default < 1e-10 < 1e-8 < xavier < 1e-3 < kaiming


def test_08_the_file_that_travels_says_the_same_answers(tmp_path):
    from layer_by_layer import artefact, parts

    class Named(nn.Module):
        def __init__(self):
            super().__init__()
            self.last, self.first, self.middle = nn.Linear(128, 10), nn.Linear(784, 256), nn.Linear(256, 128)

        def forward(self, x):
            return self.last(self.middle(self.first(x.flatten(1)).relu()).relu())

    x, model = torch.rand(3, 1, 28, 28), Named()
    where = artefact.save(model, mean=0.1, std=0.3, source="here", accuracy=0.9, path=tmp_path / "file.pt")
    again, card = artefact.load(where)
    assert torch.equal(again(x), model(x))
    assert card["mean"] == 0.1
    assert card["accuracy"] == 0.9
    with pytest.raises(ValueError, match="784-256-128-10"):
        artefact.save(nn.Linear(2, 2), mean=0, std=1, source="", accuracy=0, path=tmp_path / "other.pt")
    torch.save({"card": {"format": 0}, "state_dict": parts.mnist_classifier().state_dict()}, where)
    with pytest.raises(ValueError, match="format 1"):
        artefact.load(where)


def gradient_ratio(run, training):
    """Return how much larger the gradient is at the first of thirty blocks than at the last."""
    from layer_by_layer.parts.architectures import ResidualBlock

    torch.manual_seed(6)
    blocks, inputs, x = [ResidualBlock(8).train(training) for _ in range(30)], [], torch.randn(16, 8, 8, 8, requires_grad=True)
    for block in blocks:
        inputs.append(x)
        x = run(block, x)
    grads = torch.autograd.grad(x, inputs, torch.randn_like(x))
    return float(grads[0].double().norm() / grads[-1].double().norm())


def test_09_what_the_way_past_does_in_each_mode():
    def alone(block, x):
        return block.bn2(block.conv2(block.bn1(block.conv1(x)).relu())).relu()

    assert gradient_ratio(alone, training=False) < 1e-15
    assert gradient_ratio(alone, training=True) > 100
    for training in (False, True):
        assert 0.1 < gradient_ratio(lambda block, x: block(x), training) < 100


def test_09_gelu_dips_below_zero():
    z = torch.linspace(-3, 0, 301)
    at = int(F.gelu(z).argmin())
    assert (round(float(F.gelu(z)[at]), 2), round(float(z[at]), 2)) == (-0.17, -0.75)


def test_09_published_sizes_are_twelve_such_blocks():
    from layer_by_layer.parts.architectures import TransformerBlock

    with torch.device("meta"):
        stack = 12 * sum(p.numel() for p in TransformerBlock(768, 12).parameters())
    norm = 2 * 768
    assert stack + (50257 + 1024) * 768 + norm == 124_439_808
    assert stack + (30522 + 512 + 2) * 768 + norm + 768 * 768 + 768 == 109_482_240
    assert stack + 768 * 3 * 256 + 768 + 768 + 197 * 768 + norm + 768 * 1000 + 1000 == 86_567_656


def test_09_the_block_is_torchs_encoder_layer():
    from layer_by_layer.parts.architectures import TransformerBlock

    torch.manual_seed(0)
    block, theirs = TransformerBlock(8, 2), nn.TransformerEncoderLayer(8, 2, 32, 0.0, "gelu", batch_first=True, norm_first=True)
    a, m = theirs.self_attn, [theirs.linear1, theirs.linear2]
    own = [block.attention.to_qkv, block.attention.proj, block.ln1, block.ln2, block.mlp[0], block.mlp[2]]
    with torch.no_grad():
        a.in_proj_weight.copy_(own[0].weight)
        a.in_proj_bias.copy_(own[0].bias)
    for part, ours in zip([a.out_proj, theirs.norm1, theirs.norm2, *m], own[1:], strict=True):
        part.load_state_dict(copy.deepcopy(ours.state_dict()))
    x, hidden = torch.randn(2, 5, 8), ~torch.ones(5, 5, dtype=torch.bool).tril()
    torch.testing.assert_close(theirs(x, src_mask=hidden), block(x, causal=True))


def test_10_lsq_every_value_inside_asks_for_a_smaller_step_and_every_clipped_one_for_a_larger():
    values = torch.randn(3000, generator=torch.Generator().manual_seed(6))
    for step in (0.62, 0.92):
        v = values / step
        inside = (v > -4) & (v < 3)
        slope = torch.where(inside, torch.round(v) - v, v.clamp(-4, 3))
        share = 2 * (step * torch.round(v.clamp(-4, 3)) - values) * slope
        assert bool((share[inside] >= 0).all())
        assert bool((share[~inside] <= 0).all())
        assert (~inside).any()


def test_10_float32_skips_integers_and_narrow_ones_wrap_round():
    assert torch.tensor(16_777_216.0) + 1 == 16_777_216
    assert (torch.tensor([200], dtype=torch.uint8) - 210).item() == 246
    assert (torch.tensor([100], dtype=torch.int8) * 100).item() == 16


def test_10_torch_ao_says_that_it_is_deprecated_and_the_named_files_exist():
    from torch.ao.quantization import utils

    assert "deprecated" in utils.DEPRECATION_WARNING
    assert "torchao" in utils.DEPRECATION_WARNING
    assert "prepare_pt2e" in utils.DEPRECATION_WARNING
    home = Path(torch.__file__).parent / "ao"
    for name in (
        "quantization/observer.py", "quantization/fake_quantize.py", "quantization/_learnable_fake_quantize.py",
        "nn/qat/modules/linear.py", "nn/quantized/modules/linear.py",
    ):  # fmt: skip
        assert (home / name).is_file(), name


def test_11_export_freezes_what_does_not_depend_on_numbers_and_refuses_what_does():
    from layer_by_layer.instruments.shipping import quietly_exported

    class Decides(nn.Module):
        def __init__(self, how):
            super().__init__()
            self.how, self.flag = how, True

        def forward(self, x):
            return x * 2 if self.how(self, x) else x

    example, free = torch.ones(2, 3), ({0: torch.export.Dim("batch", min=1)},)
    frozen = quietly_exported(Decides(lambda m, x: m.flag), example, free).module()
    assert torch.equal(frozen(torch.ones(5, 3)), torch.full((5, 3), 2.0))
    quietly_exported(Decides(lambda m, x: x.shape[0] > 3), example)
    with pytest.raises(torch._dynamo.exc.UserError):
        quietly_exported(Decides(lambda m, x: x.shape[0] > 3), example, free)
    with pytest.raises(Exception, match="data-dependent"):
        quietly_exported(Decides(lambda m, x: x.sum() > 0), example, free)


def test_11_torchscript_is_deprecated_and_names_its_successors():
    with pytest.warns(DeprecationWarning, match=r"torch\.compile.*torch\.export"):
        torch.jit.script(nn.ReLU())


def test_11_a_sum_misses_swapped_rows_and_the_named_files_exist():
    weight = torch.arange(12.0).reshape(4, 3)
    assert weight.sum() == weight[[1, 0, 2, 3]].sum()
    home = Path(torch.__file__).parent
    for name in (
        "library.py", "_library/custom_ops.py", "testing/_internal/optests", "export", "onnx", "_weights_only_unpickler.py",
    ):  # fmt: skip
        assert (home / name).exists(), name


def test_12_a_fresh_linear_of_torch_has_a_spread_of_058_over_the_root_of_its_inputs():
    weight = nn.Linear(400, 400).weight.detach()
    assert abs(float(weight.std()) * math.sqrt(400) - 1 / math.sqrt(3)) < 0.01


TORCH = Path(torch.__file__).parent


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("nn/modules/normalization.py", ["class RMSNorm"]),
        ("nn/functional.py", ["enable_gqa", "repeat_interleave(query.size(-3)"]),
        ("utils/checkpoint.py", ["class CheckpointFunction"]),
        ("_dynamo/symbolic_convert.py", ["class InstructionTranslator"]),
        ("_dynamo/backends/debugging.py", ["def eager"]),
        ("nn/attention/flex_attention.py", ["_mask_mod_signature", "_score_mod_signature"]),
        ("nn/parallel/distributed.py", ["class DistributedDataParallel", "bucket"]),
        ("distributed/tensor/parallel/style.py", ["class ColwiseParallel", "class RowwiseParallel"]),
        ("distributed/optim/zero_redundancy_optimizer.py", ["class ZeroRedundancyOptimizer"]),
        ("distributed/fsdp/_fully_shard/_fully_shard.py", ["def fully_shard"]),
        ("distributed/checkpoint/__init__.py", [""]),
        ("distributed/pipelining/__init__.py", [""]),
        ("distributed/run.py", ["LOCAL_RANK", "WORLD_SIZE", "--rdzv-backend", "--rdzv-endpoint", "--rdzv-id", "--nproc-per-node"]),
    ],
)
def test_13_and_14_name_files_that_are_there(file, words):
    text = (TORCH / file).read_text(encoding="utf-8")
    assert [word for word in words if word not in text] == []


def test_13_shared_heads_are_neighbours_in_torchs_own_attention():
    q, k, v = torch.randn(1, 6, 4, 8), torch.randn(1, 2, 4, 8), torch.randn(1, 2, 4, 8)
    shared = F.scaled_dot_product_attention(q, k, v, enable_gqa=True)
    wide = (one.repeat_interleave(3, dim=1) for one in (k, v))
    assert torch.allclose(shared, F.scaled_dot_product_attention(q, *wide), atol=1e-6)


def test_13_a_function_is_called_back_only_where_an_input_asks_for_a_gradient():
    weight = torch.ones(1, requires_grad=True)

    class Closed(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * weight

        @staticmethod
        def backward(ctx, grad):
            raise AssertionError("nobody asks")

    assert Closed.apply(torch.ones(1)).grad_fn is None


def test_13_an_adapter_whose_two_factors_are_zero_never_learns():
    a, b = torch.zeros(2, 3, requires_grad=True), torch.zeros(4, 2, requires_grad=True)
    (torch.randn(5, 3) @ a.T @ b.T - 1).square().sum().backward()
    assert not a.grad.any()
    assert not b.grad.any()
    first = torch.randn(2, 3, requires_grad=True)
    (torch.randn(5, 3) @ first.T @ b.T - 1).square().sum().backward()
    assert b.grad.any()


def test_13_multinomial_takes_two_axes_and_renormalises():
    draws = torch.multinomial(torch.tensor([[0.0, 3.0, 0.0]]), 5, replacement=True)
    assert draws.tolist() == [[1] * 5]
    with pytest.raises(RuntimeError, match="1 or 2 dim"):
        torch.multinomial(torch.ones(2, 2, 2), 1)


def test_13_layer_norm_of_two_numbers_keeps_a_sign_only():
    points = torch.randn(100, 2) * 5
    signs = torch.stack([(points[:, 0] - points[:, 1]).sign(), (points[:, 1] - points[:, 0]).sign()], 1)
    assert (F.layer_norm(points, (2,), eps=0.0) - signs).abs().max() < 1e-2


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_14_an_item_goes_into_the_graph_and_a_decision_or_a_print_does_not():
    def scaled(x):
        return x * x.sum().item()

    def decides(x):
        return x if x.sum().item() > 0 else -x

    def speaks(x):
        print("here")
        return x + 1

    for function, goes in ((scaled, True), (decides, False), (speaks, False)):
        torch._dynamo.reset()
        compiled = torch.compile(function, backend="eager", fullgraph=True)
        if goes:
            assert torch.equal(compiled(torch.ones(3)), 3 * torch.ones(3))
        else:
            with pytest.raises(torch._dynamo.exc.TorchDynamoException):
                compiled(torch.ones(3))


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_14_after_eight_recompilations_a_function_runs_as_it_is():
    assert torch._dynamo.config.recompile_limit == 8
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph.forward

    torch._dynamo.reset()
    compiled = torch.compile(lambda x, times: x * times, backend=backend, dynamic=False)
    for times in range(2, 14):
        assert compiled(torch.ones(2), times)[0] == times
    assert len(graphs) == 8


def test_14_all_reduce_writes_and_leaves_no_history():
    import torch.distributed as dist

    dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
    try:
        leaf = torch.ones(2, requires_grad=True)
        doubled = leaf * 2
        before = doubled.grad_fn
        dist.all_reduce(doubled)
        assert doubled.grad_fn is before  # autograd has not seen it
    finally:
        dist.destroy_process_group()


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_14_flex_attention_runs_as_it_is_on_a_cpu_forward_only():
    from torch.nn.attention.flex_attention import flex_attention

    q = torch.randn(1, 2, 5, 8)
    plain = flex_attention(q, q, q, score_mod=lambda score, b, h, i, j: score)
    assert torch.allclose(plain, F.scaled_dot_product_attention(q, q, q), atol=1e-5)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_14_the_names_of_the_summary_can_be_imported():
    from torch.distributed.fsdp import fully_shard
    from torch.distributed.optim import ZeroRedundancyOptimizer
    from torch.distributed.tensor import Partial, Replicate, Shard
    from torch.distributed.tensor.parallel import parallelize_module
    from torch.nn.parallel import DistributedDataParallel

    assert all((fully_shard, ZeroRedundancyOptimizer, parallelize_module, DistributedDataParallel))
    assert (Shard(0).dim, Replicate().is_replicate(), Partial().is_partial()) == (0, True, True)
    assert torch._dynamo.explain
    assert torch._dynamo.mark_dynamic


def test_11_onnx_keeps_a_training_dropout_and_writes_batch_norm_in_its_eval_form(tmp_path):
    """Chapter 11: what the exporter makes of a model that nobody put into eval mode."""
    onnxruntime = pytest.importorskip("onnxruntime")
    pytest.importorskip("onnxscript")

    def exported(*layers):
        model = nn.Sequential(nn.Linear(4, 4), *layers).train()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(model, (torch.ones(64, 4),), tmp_path / "model.onnx", dynamo=True, verbose=False)
        session = onnxruntime.InferenceSession(tmp_path / "model.onnx")
        return model, session.run(None, {session.get_inputs()[0].name: torch.ones(64, 4).numpy()})[0]

    _, dropped = exported(nn.Dropout(0.5))
    assert 0.3 < (dropped == 0).mean() < 0.7
    model, normed = exported(nn.BatchNorm1d(4))
    assert torch.allclose(torch.from_numpy(normed), model.eval()(torch.ones(64, 4)), atol=1e-5)
