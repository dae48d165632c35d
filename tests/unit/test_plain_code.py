"""What counts as a text that does nothing but compute."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.course import chapter as ch
from autograder.judge import withheld
from autograder.judge.plain_code import is_plain
from tests.e2e.cheats import CHEATS

ROOT = Path(__file__).resolve().parents[2]
COURSE = frozenset({"check", "parts", "hint"})

PLAIN = [
    "import numpy as np\nx = np.random.default_rng(0).normal(size=3)\nprint(x.copy(), f'{x.sum():.3f}')",
    "import torch\nfrom torch import nn\nclass A(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self._kept = self._modules\n"
    "    def forward(self, x): return torch.select(x, 0, 0)",
    "check('relu')\nhint('relu')",
    "getattr(layer, 'weight')\nhasattr(x, 'shape')",
    "input = 3\nloss = float(input)",
    "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.show()",
    "from dataclasses import dataclass\n@dataclass\nclass P:\n    x: int = 0",
]
REACHING = [
    "import subprocess", "from os import path", "import lessonkit", "np.os", "torch.sys.modules", "random._os", "check.running_exercise = 0",
    "f.__closure__", "\uff50arts.relu", "f.__\uff43losure__", "match f:\n    case object(__closure__=c): pass", "getattr(f, name)", "getattr(f, '__closure__')",
    "g = getattr", "vars(f)", "x = !ls", "%run other", "!ls", "e.__traceback__.tb_frame", "gen.gi_frame", "torch.jit.script", "np.load('x')",
    "import typing\ntyping.get_type_hints(f)", "import string\nstring.Formatter().get_field('0', (f,), {})", "from torch import *", "from torch import os",
    "import numpy.f2py", "import functools\n@functools.singledispatch\ndef f(x): pass\n@f.register\ndef _(x: 'open(1)'): pass", "import torch.utils.cpp_extension", "__builtins__", "from . import x", "exec(text)", "__import__('os')", "f(check)", "x = parts", "().__class__.__subclasses__()",
    "open('x')",
]  # fmt: skip


@pytest.mark.parametrize("text", PLAIN)
def test_computing_is_plain(text):
    assert is_plain([text], COURSE)


@pytest.mark.parametrize("text", REACHING)
def test_a_way_to_anything_else_is_not(text):
    assert not is_plain(["x = 1", text], COURSE)


def test_what_is_too_deep_to_be_read_is_not_plain():
    assert not is_plain(["x = " + "-" * 90_000 + "1"])


def test_right_solutions_of_the_chapters_are_plain():
    """Where they are not, every honest submission of a chapter costs more runs: chapters that compute need none."""
    for name in ("01_numpy_backprop", "03_autograd", "05_nn", "07_module", "13_modern_block"):
        chapter = ch.Chapter(ROOT, name)
        course = withheld.names_of(chapter.source, "layer_by_layer", "layer_by_layer.data")
        assert {"parts", "check"} & course
        assert is_plain((cell.source for cell in chapter.source.cells if ch.is_solution(cell)), course), name


def test_every_cheat_that_reaches_for_a_part_is_seen():
    for name in ("01_numpy_backprop",):
        course = withheld.names_of(ch.Chapter(ROOT, name).source, "layer_by_layer")
        assert [cheat for cheat, it in CHEATS[name].items() if is_plain([it.solution, it.first, it.before], course)] == []


def test_exercises_whose_checks_use_nothing_of_the_course_share_a_run():
    cells = {"a": [withheld.Cell("a__x", "test", "check.close('x', lambda: a())")], "b": [withheld.Cell("b__x", "test", "b()")], "c": [withheld.Cell("c__x", "test", "parts.c()")]}
    assert withheld._together(cells, COURSE) == [["a", "b"], ["c"]]


def test_a_module_is_found_by_the_part_that_it_holds():
    assert withheld.modules_of("layer_by_layer", "relu") == ("layer_by_layer.parts.two_layer",)
