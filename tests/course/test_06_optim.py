"""Chapter 6 beyond its own mistakes and variants: forbidden calls in every spelling, and subtle pairs."""

from __future__ import annotations

import pytest

CHAPTER = "06_optim"
OPTIMIZERS = {
    "sgd": (
        "SGD",
        "lr, momentum=0.0, weight_decay=0.0, nesterov=False",
        "lr, momentum=momentum, weight_decay=weight_decay, nesterov=nesterov",
    ),
    "adam": ("Adam", "lr=1e-3, betas=(0.9, 0.999), eps=1e-8", "lr=lr, betas=betas, eps=eps"),
    "adamw": (
        "AdamW",
        "lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2",
        "lr=lr, betas=betas, eps=eps, weight_decay=weight_decay",
    ),
}

#: How the library's optimizer is reached; NAME is SGD, Adam or AdamW.
WAYS_TO_OPTIM = {
    "attribute": "make = torch.optim.NAME",
    "module alias": "import torch.optim as o\nmake = o.NAME",
    "from torch": "from torch import optim\nmake = optim.NAME",
    "from import": "from torch.optim import NAME as make",
    "submodule": "import torch.optim.LOWER\nmake = torch.optim.LOWER.NAME",
    "getattr": "make = getattr(torch.optim, 'NAME')",
    "getattr in pieces": "make = getattr(getattr(torch, 'op' + 'tim'), 'NAME')",
    "importlib": "import importlib\nmake = getattr(importlib.import_module('torch.' + 'optim'), 'NAME')",
    "sys.modules": "import sys\nmake = vars(sys.modules['torch.op' 'tim'])['NAME']",
}
WRAPPER = """
class NAME:
    def __init__(self, params, SIGNATURE):
        self.inner = make(params, CALL)

    @property
    def lr(self):
        return self.inner.param_groups[0]["lr"]

    @lr.setter
    def lr(self, lr):
        self.inner.param_groups[0]["lr"] = lr

    def step(self):
        self.inner.step()

    def zero_grad(self):
        self.inner.zero_grad()
"""
SUBCLASS = """
class NAME(torch.optim.NAME):
    @property
    def lr(self):
        return self.param_groups[0]["lr"]

    @lr.setter
    def lr(self, lr):
        self.param_groups[0]["lr"] = lr
"""
#: How the library's clipping is reached: what comes before the student's function, and what it calls.
WAYS_TO_CLIP = {
    "attribute": ("", "torch.nn.utils.clip_grad_norm_"),
    "module alias": ("import torch.nn.utils as u", "u.clip_grad_norm_"),
    "from torch": ("from torch.nn import utils", "utils.clip_grad_norm_"),
    "from import": ("from torch.nn.utils import clip_grad_norm_ as own", "own"),
    "submodule": ("", "nn.utils.clip_grad.clip_grad_norm_"),
    "getattr": ("", "getattr(nn.utils, 'clip_grad_norm_')"),
    "getattr in pieces": ("", "getattr(nn.utils, 'clip_grad' + '_norm_')"),
    "importlib": (
        "import importlib\nu = importlib.import_module('torch.nn.utils.clip' + '_grad')",
        "vars(u)['clip_grad' + '_norm_']",
    ),
    "sys.modules": ("from torch.nn.utils.clip_grad import clip_grad_norm as old", "old"),
}


def clipper(way: str) -> str:
    before, call = WAYS_TO_CLIP[way]
    return f"{before}\ndef clip_grad_norm(params, max_norm):\n    return {call}(params, max_norm)\n"


def fill(text: str, exercise: str) -> str:
    name, signature, call = OPTIMIZERS[exercise]
    for old, new in (("SIGNATURE", signature), ("CALL", call), ("NAME", name), ("LOWER", name.lower())):
        text = text.replace(old, new)
    return text


def graded(rehearse, solutions: dict[str, str]):
    r = rehearse(CHAPTER)
    return r.grade(r.right() | solutions, set(solutions)).exercises


def assert_refused(found, named: str):
    assert found.score == 0
    assert found.outcome == "not yet"
    assert named in found.message


@pytest.mark.parametrize("way", WAYS_TO_OPTIM)
def test_forbidden_calls_earn_nothing_and_are_named(rehearse, way):
    solutions = {name: fill(f"{WAYS_TO_OPTIM[way]}\n{WRAPPER}", name) for name in OPTIMIZERS}
    solutions["clip_grad_norm"] = clipper(way)
    found = graded(rehearse, solutions)
    for name in OPTIMIZERS:
        assert_refused(found[name], "torch.optim")
    assert_refused(found["clip_grad_norm"], "clip_grad")


def test_subclasses_and_functional_forms_are_refused(rehearse):
    functional = """
import torch.optim._functional as functional
""" + fill(WRAPPER, "adam").replace(
        "self.inner = make(params, lr=lr, betas=betas, eps=eps)", "self.f = functional.adam"
    )
    found = graded(
        rehearse, {"sgd": fill(SUBCLASS, "sgd"), "adamw": fill(SUBCLASS, "adamw"), "adam": functional}
    )
    for name in OPTIMIZERS:
        assert_refused(found[name], "torch.optim")


def test_a_mention_is_no_call(rehearse):
    r = rehearse(CHAPTER)
    right = r.right()
    mention = '"""As torch.optim does it."""\n# torch.optim.SGD\noptim = "torch.optim"\n'
    solutions = {name: mention + right[name] for name in OPTIMIZERS}
    solutions["clip_grad_norm"] = """
# not torch.nn.utils.clip_grad_norm_
def clip_grad_norm_(params, max_norm):
    "what nn.utils.clip_grad_norm_ does"
    grads = [p.grad for p in params if p.grad is not None]
    norm = sum(float(g.square().sum()) for g in grads) ** 0.5
    for g in grads:
        g.mul_(min(1.0, max_norm / max(norm, 1e-12)))
    return norm


clip_grad_norm = clip_grad_norm_
"""
    found = graded(rehearse, solutions)
    assert {name: found[name].message for name in solutions if found[name].outcome != "pass"} == {}


#: Solutions for several exercises at once: each set is graded in one run.
RIGHT = {
    "in one go": {
        "sgd": """
from dataclasses import dataclass, field
from typing import Any


@dataclass
class SGD:
    params: Any
    lr: float
    momentum: float = 0.0
    weight_decay: float = 0.0
    nesterov: bool = False
    echo: dict = field(default_factory=dict)

    def __post_init__(self):
        self.params = [p for p in self.params]

    def step(self):
        with torch.inference_mode():
            for p in self.params:
                if p.grad is not None:
                    g = p.grad + p * self.weight_decay
                    b = self.echo[id(p)] = self.echo.get(id(p), 0) * self.momentum + g
                    p.add_((g + b * self.momentum) * -self.lr if self.nesterov else b * -self.lr)

    def zero_grad(self):
        [setattr(p, "grad", None) for p in self.params]
""",
        "adam": """
class Adam:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.params, self.lr, self.betas, self.eps = list(params), lr, betas, eps
        self.t, self.m, self.v = {}, {}, {}

    @torch.no_grad()
    def step(self):
        live = [p for p in self.params if p.grad is not None]
        for p in live:
            self.t[p] = self.t.get(p, 0) + 1
            self.m.setdefault(p, torch.zeros_like(p))
            self.v.setdefault(p, torch.zeros_like(p))
        if not live:
            return
        grads, m, v = [p.grad for p in live], [self.m[p] for p in live], [self.v[p] for p in live]
        torch._foreach_lerp_(m, grads, 1 - self.betas[0])
        torch._foreach_mul_(v, self.betas[1])
        torch._foreach_addcmul_(v, grads, grads, 1 - self.betas[1])
        for p, a, b in zip(live, m, v):
            c1, c2 = 1 - self.betas[0] ** self.t[p], 1 - self.betas[1] ** self.t[p]
            p.addcdiv_(a, (b.sqrt() / c2**0.5).add_(self.eps), value=-self.lr / c1)

    def zero_grad(self):
        for p in self.params:
            if p.grad is not None:
                p.grad.detach_()
                p.grad.zero_()
""",
        "adamw": """
class AdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.lr, self.weight_decay = lr, weight_decay
        self.walkers = [self.walker(p, *betas, eps) for p in params]
        self.params = [next(walker) for walker in self.walkers]

    def walker(self, p, b1, b2, eps):
        yield p
        t, m, v = 0, torch.zeros_like(p), torch.zeros_like(p)
        while True:
            if p.grad is not None:
                t, g = t + 1, p.grad.clone()
                m, v = torch.lerp(m, g, 1 - b1), torch.lerp(v, g * g, 1 - b2)
                old = p.detach().clone()
                step = (m / (1 - b1**t)) / ((v / (1 - b2**t)).sqrt() + eps)
                p.data.copy_(old - self.lr * self.weight_decay * old - self.lr * step)
            yield

    def step(self):
        for walker in self.walkers:
            next(walker)

    def zero_grad(self):
        for p in self.params:
            p.grad = None
""",
        "warmup_cosine": """
import numpy as np


class Schedule:
    def __init__(self, base_lr, warmup_steps, total_steps, min_lr):
        self.x = base_lr, warmup_steps, total_steps, min_lr

    def __call__(self, step):
        base, warm, total, low = self.x
        if step < warm:
            return np.float64(base) * np.float64(step + 1) / warm
        angle = np.pi if step >= total else np.pi * (step - warm) / (total - warm)
        return (base + low) / 2 + (base - low) / 2 * np.cos(angle)


def warmup_cosine(step, base_lr, warmup_steps, total_steps, min_lr=0.0):
    return Schedule(base_lr, warmup_steps, total_steps, min_lr)(step)
""",
        "clip_grad_norm": """
def clip_grad_norm(params, max_norm):
    flat, owners = [torch.zeros(1, dtype=torch.float64)], []
    for p in params:
        if p.grad is None:
            continue
        owners.append(p)
        flat.append(p.grad.detach().double().flatten())
    norm = torch.cat(flat).pow(2).sum().sqrt()
    if norm.item() > max_norm:
        for p in owners:
            p.grad.copy_(p.grad * (max_norm / (norm.item() + 1e-6)))
    return norm
""",
        "param_groups": """
def param_groups(model, weight_decay):
    groups = ({"weight_decay": weight_decay, "params": []}, {"weight_decay": 0.0, "params": []})
    for p in {id(p): p for p in model.parameters() if p.requires_grad}.values():
        groups[int(p.shape[1:] == torch.Size([]) and p.dim() < 2)]["params"].insert(0, p)
    yield from groups
""",
        "checkpoint": """
def save_checkpoint(path, model, optimizer, epoch):
    lists = [[name, value] for name, value in model.state_dict().items()]
    torch.save([epoch, lists, optimizer.state_dict()], path, _use_new_zipfile_serialization=False)


def load_checkpoint(path, model, optimizer):
    epoch, lists, state = torch.load(path)
    own = dict(model.named_parameters()) | dict(model.named_buffers())
    for name, value in lists:
        own[name].data.copy_(value)
    optimizer.load_state_dict(state)
    return epoch
""",
    },
}


@pytest.mark.parametrize("style", RIGHT)
def test_right_solutions_in_other_styles_earn_everything(rehearse, style):
    found = graded(rehearse, RIGHT[style])
    assert {name: found[name].message for name in RIGHT[style] if found[name].outcome != "pass"} == {}


def changed(right: dict[str, str], exercise: str, old: str, new: str) -> str:
    assert old in right[exercise]
    return right[exercise].replace(old, new)


def wrong_sets(right: dict[str, str]) -> dict[str, dict[str, str]]:
    """Small slips in the reference: each changes one thing that the contract states."""

    def slip(exercise, old, new):
        return changed(right, exercise, old, new)

    return {
        "first": {
            "sgd": slip("sgd", "if p.grad is None:", "if p.grad is None or not p.grad.any():"),
            "adam": slip("adam", "if p.grad is None:", "if p.grad is None or not p.grad.any():"),
            "adamw": slip(
                "adamw",
                "p.mul_(1 - self.lr * self.weight_decay)",
                "p.mul_(math.exp(-self.lr * self.weight_decay))",
            ),
            "warmup_cosine": slip("warmup_cosine", "math.pi * done", "math.pi * round(done, 2)"),
            "clip_grad_norm": slip("clip_grad_norm", "max_norm / norm", "max_norm / (norm + 0.01)"),
            "param_groups": slip("param_groups", "p.ndim >= 2", "p.squeeze().ndim >= 2").replace(
                "p.ndim < 2", "p.squeeze().ndim < 2"
            ),
            "checkpoint": slip("checkpoint", 'saved["model"])', 'saved["model"], assign=True)'),
        },
        "second": {
            "sgd": slip("sgd", "self.lr * slope", "self.lr * slope.clamp(-2, 2)"),
            "adam": slip(
                "adam",
                "p.sub_(self.lr * m / (v.sqrt() + self.eps))",
                'p.sub_(self.lr * m / (s.setdefault("top", v).maximum(v).sqrt() + self.eps))',
            ),
            "adamw": slip(
                "adamw",
                "p.mul_(1 - self.lr * self.weight_decay)",
                "p.sub_(self.lr * self.weight_decay * p.sign())",
            ),
            "warmup_cosine": slip("warmup_cosine", "step < warmup_steps", "step + 1 < warmup_steps"),
            "clip_grad_norm": slip("clip_grad_norm", "if norm > max_norm", "if norm > 2 * max_norm"),
            "param_groups": slip(
                "param_groups", "model.parameters()", "model.state_dict(keep_vars=True).values()"
            ),
            "checkpoint": slip(
                "checkpoint",
                "saved = torch.load(path, weights_only=True)",
                "saved = torch.load(path, weights_only=True)\n    model[0].requires_grad_(False)",
            ),
        },
        "third": {
            "sgd": slip(
                "sgd",
                "buffer.mul_(self.momentum).add_(slope)",
                "buffer.mul_(min(self.momentum, 0.85)).add_(slope)",
            ),
            "adam": slip("adam", "beta2 ** s", "beta1 ** s"),
            "adamw": slip(
                "adamw",
                "p.mul_(1 - self.lr * self.weight_decay)",
                "p.mul_(1 - self.lr * self.weight_decay / 2)",
            ),
            "warmup_cosine": slip("warmup_cosine", "step >= total_steps", "step >= total_steps - 1"),
            "clip_grad_norm": slip(
                "clip_grad_norm",
                "float(grad.norm()) ** 2 for grad in grads",
                "float(grad.norm(1)) ** 2 for grad in grads",
            ),
            "param_groups": slip("param_groups", 'weight_decay": weight_decay', 'weight_decay": 0.25'),
            "checkpoint": slip(
                "checkpoint",
                'optimizer.load_state_dict(saved["optimizer"])',
                'kept = optimizer.param_groups[0]["lr"]\n    optimizer.load_state_dict(saved["optimizer"])\n'
                '    optimizer.param_groups[0]["lr"] = kept',
            ),
        },
    }


@pytest.mark.parametrize("which", ["first", "second", "third"])
def test_small_slips_lose_points(rehearse, which):
    right = rehearse(CHAPTER).right()
    solutions = wrong_sets(right)[which]
    found = graded(rehearse, solutions)
    assert [name for name in solutions if found[name].outcome == "pass"] == []
    assert [name for name in solutions if found[name].score >= found[name].max_score] == []


BLANK = """
class NAME:
    def __init__(self, params, *args, **kwargs):
        self.params, self.lr = list(params), 0.1

    def step(self):
        pass

    def zero_grad(self):
        for p in self.params:
            p.grad = None
"""


def test_guesses_earn_nothing(rehearse):
    solutions = {name: fill(BLANK, name) for name in OPTIMIZERS} | {
        "warmup_cosine": "def warmup_cosine(step, base_lr, *args, **kwargs):\n    return base_lr\n",
        "clip_grad_norm": "def clip_grad_norm(params, max_norm):\n    return 5.0\n",
        "param_groups": "def param_groups(model, weight_decay):\n    return []\n",
        "checkpoint": "save_checkpoint = lambda path, *_: torch.save({}, path)\nload_checkpoint = len\n",
    }
    found = graded(rehearse, solutions)
    assert {name: found[name].score for name in solutions} == dict.fromkeys(solutions, 0.0)
