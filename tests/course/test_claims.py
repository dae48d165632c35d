"""What the chapters say about PyTorch and about their own figures, tried in the pinned version."""

from __future__ import annotations

import copy
import itertools
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn


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
