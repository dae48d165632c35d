"""The observation goes to the student's process, the judgement stays; forbidden calls are found in any spelling."""

from __future__ import annotations

import pytest

from autograder.judge.forbidden import find
from autograder.rebuild.split import split

CELL = """@check.cell("f__values")
def _():
    x = check.array(1, 3)
    limit = 4.0

    def secret():
        helper = x * 2
        return helper

    check.close("visible", lambda: f(x), expected=lambda: secret(), advice="look")
    ### BEGIN HIDDEN TESTS
    more = secret() + 1
    check.that("law", lambda: f(x), judge=lambda v, most: v.max() < most, given={"most": limit})
    check.close("more", lambda: f(x + 1), expected=more)
    ### END HIDDEN TESTS
"""


def test_judgement_and_what_only_it_uses_are_cut():
    found = split(CELL)
    for word in ("expected", "judge", "given", "secret", "more =", "limit"):
        assert word not in found.student, word
    assert "f(x + 1)" in found.student
    assert "given" in found.reference
    assert "limit = 4.0" in found.reference
    assert "secret" not in found.reference
    assert [(s.check, s.hidden) for s in found.sites] == [("close", False), ("that", True), ("close", True)]
    assert found.sites[1].judge == "lambda v, most: v.max() < most"
    assert found.sites[0].advice == "look"


SOFTMAX = ["torch.softmax", "torch.nn.functional.softmax", "torch.nn.Softmax"]
LENT = {"parts": "layer_by_layer.parts"}
LINEAR = ["torch.nn.Linear", "torch.nn.functional.linear"]


@pytest.mark.parametrize(
    ("source", "forbidden"),
    [
        ("def f(x): return torch.softmax(x, -1)", SOFTMAX),
        ("def f(x): return x.softmax(-1)", SOFTMAX),
        ("def f(x): return F.softmax(x, -1)", SOFTMAX),
        ("import torch.nn.functional as G\ndef f(x): return G.softmax(x, -1)", SOFTMAX),
        ("from torch import softmax as s\ndef f(x): return s(x, -1)", SOFTMAX),
        ("f = torch.special.softmax", SOFTMAX),
        ("f = getattr(torch, 'softmax')", SOFTMAX),
        ("t = torch\ndef f(x): return t.softmax(x, -1)", SOFTMAX),
        ("f = torch.nn.Softmax(-1)", SOFTMAX),
        ("class L(nn.Linear): pass", LINEAR),
        ("from torch import nn\nclass L(nn.Module):\n    def __init__(s): s.l = nn.Linear(1, 2)", LINEAR),
        ("from torch.nn.modules.linear import Linear as Z\nl = Z(1, 2)", LINEAR),
        ("import functools\nmake = functools.partial(nn.Linear, 3)", LINEAR),
        ("f = torch._C._nn.linear", LINEAR),
        ("import torch.optim\no = torch.optim.SGD([], 1)", ["torch.optim.*"]),
        ("from torch.optim import SGD\nfind = [SGD]", ["torch.optim.*"]),
        ("from torch.optim import *\nfind = SGD", ["torch.optim.*"]),
        (
            "torch.nn.utils.clip_grad_norm_([], 1)",
            ["torch.nn.utils.clip_grad_norm_", "torch.nn.utils.clip_grad_value_"],
        ),
        ("def f(x):\n    for r in x: pass", ["python loop"]),
        ("f = lambda x: [r for r in x]", ["python loop"]),
        ("import layer_by_layer.parts", []),
        ("from layer_by_layer.parts import linear_forward", []),
        ("from layer_by_layer import parts\nf = parts.linear_forward", []),
    ],
)
def test_forbidden_in_any_spelling(source, forbidden):
    assert find(source, forbidden, lent=LENT) != []


@pytest.mark.parametrize(
    ("source", "forbidden"),
    [
        ("# torch.softmax would do it\ndef f(x): return x", SOFTMAX),
        ("def f(x):\n    'like torch.softmax(x)'\n    return x", SOFTMAX),
        ("def softmax(x): return x\ndef f(x): return softmax(x)", SOFTMAX),
        ("class A:\n    def softmax(self): return 1\n    def f(self): return self.softmax()", SOFTMAX),
        ("def f(x: nn.Linear) -> nn.Linear: return x", LINEAR),
        ("def f(m): return isinstance(m, nn.Linear)", LINEAR),
        ("class Linear(nn.Module): pass\nl = Linear()", LINEAR),
        ("def f(x): return torch.nn.functional.leaky_relu(x)", ["torch.relu", "torch.nn.functional.relu"]),
        ("def f(x):\n    with torch.no_grad(): return x", ["torch.autograd.*"]),
        ("def f(x): return torch.exp(x)", SOFTMAX),
        ("import numpy as np\nfrom torch.optim import SGD\ndef f(x: np.ndarray) -> SGD: return isinstance(x, np.ndarray)", ["numpy.*", "torch.optim.*"]),
        ("F = 3\ndef f(F): return F.softmax", ["torch.nn.Softmax"]),
    ],
)
def test_a_mention_is_no_call(source, forbidden):
    assert find(source, forbidden, lent=LENT) == []
