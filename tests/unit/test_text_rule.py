"""What is forbidden is seen in the text, in whichever cell and scope; what is beside the answer is not the answer."""

from __future__ import annotations

import functools
import operator
import time

import numpy as np
import pytest
import torch
from torch.nn import functional

from lessonkit import guard
from lessonkit.forbidden import find, refuse, written

SOFTMAX = ["torch.softmax", "torch.nn.functional.softmax", "torch.nn.Softmax"]
CDIST = ["torch.cdist", "Python loop or comprehension"]
LENT = {"parts": "layer_by_layer.parts"}

SEEN = [
    ("len?\ndef f(x): return F.softmax(x, -1)", ()),
    ("%%time\ndef f(x): return F.softmax(x, -1)", ()),
    ("!ls\ndef f(x):\n    y = !ls\n    return F.softmax(x, -1)", ()),
    ("def f(x): return g(x)", ("g = F.softmax",)),
    ("def f(x): return g(x)", ("def h(x):\n    return x.softmax(-1)", "def g(x): return h(x)")),
    ("def f(x): return x.mine(-1)", ("torch.Tensor.mine = F.softmax",)),
    ("def f(x):\n    G = F\n    return G.softmax(x)", ()),
    ("def g():\n    F = 3\ndef f(x): return F.softmax(x)", ()),
    ("class A:\n    F = 3\n    def go(self, x): return F.softmax(x)\ndef f(x): return A().go(x)", ()),
    ("def f(x): return [F for F in [1]] + [F.softmax(x)]", ()),
    ("def f(x): return operator.methodcaller('softmax', -1)(x)", ()),
    ("def f(x): return list(map(F.softmax, [x]))", ()),
    ("def f(x): return globals()['F'].softmax(x)", ()),
    ("def f(x): return vars(F)['softmax'](x)", ()),
    ("import importlib\ndef f(x): return importlib.import_module('torch.nn.functional').softmax(x)", ()),
    ("def f(x): return __import__('torch').softmax(x)", ()),
    ("def f(x): return getattr(F, 'soft' + 'max')(x)", ()),
    ("import sys\ndef f(x): return sys.modules['torch'].softmax(x)", ()),
    ("exec('def f(x): return F.softmax(x)')", ()),
    ("def f(x): return eval('F.softmax')(x)", ()),
    ("T = {}\nT['a'] = F.softmax\ndef f(x): return T['a'](x)", ()),
    ("torch.Tensor.mine = F.softmax\ndef f(x): return x.mine(-1)", ()),
    ("def f(x): return (F if x else F).softmax(x)", ()),
    ("def f(x): return x\nf = F.softmax", ()),
    ("from torch import softmax as f", ()),
    ("def f(x, *, s=F.softmax): return s(x)", ()),
    ("def f(x):\n    match x:\n        case 1: return F.softmax(x)", ()),
    ("def f(x): return (s := F.softmax) and s(x)", ()),
]


@pytest.mark.parametrize(("source", "beside"), SEEN)
def test_a_forbidden_call_is_seen(source, beside):
    assert find(source, SOFTMAX, {"f"}, LENT, beside)


@pytest.mark.parametrize(
    ("source", "name"),
    [("def f(x): return np.linalg.solve(x, x)", "numpy.linalg.solve"), ("import scipy.special as sp\ndef f(x): return sp.softmax(x)", "scipy.special.softmax"),
     ("import jax\ndef f(x): return jax.nn.softmax(x)", "jax.nn.softmax"), ("from numpy.linalg import *\ndef f(x): return solve(x, x)", "numpy.linalg.solve"),
     ("import torch\ndef f(x): return torch.exp(x)", "torch.*")],
)  # fmt: skip
def test_in_any_package(source, name):
    assert find(source, [name], {"f"}) == [name]


@pytest.mark.parametrize(
    "source",
    ["def f(x): return f.__closure__[0].cell_contents(x)", "from lessonkit import check\ndef f(x):\n    check._current.clear()\n    return x",
     "import inspect\ndef f(x): return inspect.getsource(x)", "def f(x): return parts.relu_forward(x)", "import gc\ndef f(x): return gc.get_objects()",
     "def f(x): return getattr(x, '__closure__')"],
)  # fmt: skip
def test_the_course_s_own_code_is_not_looked_into(source):
    assert find(source, [], {"f"}, LENT)


@pytest.mark.parametrize(
    ("source", "beside"),
    [
        ("def f(x): return x @ x\nprint([f(i) for i in range(3)])", ()),
        ("def f(x): return x @ x\nfor i in range(3):\n    x = torch.randn(i)\n    assert torch.allclose(f(x), torch.cdist(x, x))", ()),
        ("def f(x): return g(x)\ndef g(x): return x", ("for i in range(10): print(i)", "def g(x): return [1 for i in x]")),
        ("def f(x: torch.cdist): return isinstance(x, torch.cdist)", ()),
        ("def f(x):\n    'torch.cdist [i for i in x]'\n    return x  # for i in x", ()),
        ("def f(x): return x", ("x = ???\n", "def broken(")),
        ("x = torch.ones(3)\ndef f(x): return x\nprint(torch.cdist(x, x))", ()),
        ("def f(x): return x", ("def sums(): return [i for i in range(3)]",)),
        ("parts = 3\ndef f(parts): return parts.relu_forward", ()),
    ],
)
def test_what_is_beside_the_answer_is_not_the_answer(source, beside):
    assert find(source, CDIST, {"f"}, LENT, beside) == []


def test_a_loop_in_a_helper_of_the_answer_counts_wherever_it_stands():
    assert find("def f(x): return g(x)", CDIST, {"f"}, {}, ("def g(x): return [1 for i in x]",)) == ["Python loop or comprehension"]
    assert find("table = []\nfor i in range(9):\n    table.append(i)\ndef f(x): return table[x]", CDIST, {"f"}) == ["Python loop or comprehension"]


def test_what_cannot_be_read_is_refused_and_says_so():
    said = refuse("def f(x): return x\n" + "# much\n" * 40_000, SOFTMAX, "def f(x): ...")
    assert said is not None
    assert "200,000 characters" in said.actual


@pytest.mark.parametrize(
    "source",
    ["def f(x):\n    if x == 0: return 0\n" + "".join(f"    elif x == {i}: return {i}\n" for i in range(900)), "def f(x): return " + "+".join(["x"] * 4000),
     "def f(x): return " + "_" * 150_000, "def f(x): return '" + "a." * 90_000 + "'", "def f(x): return g0(x)\n" + "".join(f"def g{i}(x): return g{i + 1}(x)\n" for i in range(500)),
     "def f(x): return x" + ".a" * 2_000],
)  # fmt: skip
def test_long_and_deep_texts_are_read_in_bounded_time(source):
    started = time.process_time()
    assert refuse(source, [*SOFTMAX, *CDIST[:1]], "def f(x): ...", LENT) is None
    assert time.process_time() - started < 5


def test_a_notebook_and_the_grader_find_the_same_answer_among_the_cells():
    cells = ["import torch", "def f(x): return [i for i in x]", "def g(x): return x", "@check.cell('f__a')\ndef _(): ...", "def f(x): return g(x)"]
    source, beside = written(["f"], cells)
    assert source == "def f(x): return g(x)"
    assert beside == ["import torch", "def g(x): return x"]
    assert find(source, CDIST, {"f"}, LENT, beside) == []


def test_a_star_import_that_brings_the_asked_for_name_is_the_answer_in_a_notebook_too():
    source, beside = written(["LayerNorm"], ["import torch", "from torch.nn import *"])
    assert (source, beside) == ("from torch.nn import *", ["import torch"])
    assert refuse(source, ["torch.nn.LayerNorm"], "class LayerNorm: ...", LENT, beside) is not None
    own = ["from torch.nn import *", "class LayerNorm(Module): ..."]
    assert written(["LayerNorm"], own) == (own[1], own[:1])


@pytest.mark.parametrize(
    "call",
    [lambda x: list(map(torch.softmax, [x], [0])), lambda x: operator.methodcaller("softmax", -1)(x), lambda x: functools.partial(torch.softmax, dim=0)(x),
     lambda x: next(map(operator.methodcaller("softmax", -1), [x])), lambda x: torch.vmap(lambda a: a.softmax(0))(x[None]), lambda x: np.vectorize(lambda v: functional.softmax(torch.tensor([v]), 0).item())(x.numpy())],
)  # fmt: skip
def test_a_call_made_from_c_is_seen(call):
    with guard.watch("e", SOFTMAX, "<the course>") as used:
        call(torch.ones(3))
    assert used


def test_switching_the_profile_off_is_seen():
    import sys

    with guard.watch("e", SOFTMAX, "<the course>") as used:
        sys.setprofile(None)
    assert used == {"sys.setprofile"}


def test_a_right_answer_calls_nothing_forbidden():
    with guard.watch("e", SOFTMAX, "<the course>") as used:
        torch.ones(3).exp().div(3.0).sum()
    assert used == set()


def test_switching_the_profile_off_and_on_again_is_seen():
    import sys

    with guard.watch("e", SOFTMAX, "<the course>") as used:
        before = sys.getprofile()
        sys.setprofile(None)
        sys.setprofile(before)
    assert used == {"sys.setprofile"}


def test_a_thread_that_nobody_hears_is_seen_and_one_of_threadings_is_heard():
    import _thread
    import threading

    done = threading.Event()
    with guard.watch("e", SOFTMAX, "<the course>") as used:
        _thread.start_new_thread(done.set, ())
        done.wait(10)
    assert used == {"_thread.start_new_thread"}
    with guard.watch("e", SOFTMAX, "<the course>") as used:
        thread = threading.Thread(target=lambda: torch.ones(3).softmax(0))
        thread.start()
        thread.join()
    assert used
    assert "_thread.start_new_thread" not in used


def test_an_operation_of_torch_ops_is_heard_by_whatever_name_it_was_got():
    with guard.watch("e", SOFTMAX, "<the course>") as used:
        getattr(torch.ops.aten, "xamtfos"[::-1]).int(torch.ones(3), 0)
    assert used
    with guard.watch("e", ["torch.autograd.backward", "torch.autograd.grad"], "<the course>") as used:
        out = torch.ones(2, requires_grad=True).sum()
        torch.autograd.Variable._execution_engine.run_backward((out,), (torch.ones(()),), False, False, (), allow_unreachable=True, accumulate_grad=True)
    assert used == {"torch.autograd.backward"}


@pytest.mark.parametrize(
    ("forbidden", "text"),
    [("torch.nn.functional.dropout", "F.dropout2d(x)"), ("torch.nn.functional.dropout", "torch.feature_dropout(x, 0.5, True)"), ("torch.nn.functional.log_softmax", "F.cross_entropy(x, y)"),
     ("torch.*", "scipy.special.softmax(x)"), ("torch.softmax", "torch.jit.CompilationUnit('def f(): ...')"), ("torch.softmax", "subprocess.run(['x'])"),
     ("torch.softmax", "_thread.start_new_thread(g, ())"), ("torch.softmax", "torch._C.DisableTorchFunction()"), ("torch.softmax", "sys.setprofile(None)")],
)  # fmt: skip
def test_twins_and_ways_around_are_seen_in_the_text(forbidden, text):
    source = f"import scipy, subprocess, sys, _thread\ndef f(x, y): return {text}"
    assert find(source, [forbidden], {"f"})
    assert find(source, [], {"f"}) == []  # where nothing is forbidden there is nothing to hear


def test_a_refusal_names_the_same_call_in_every_process():
    import subprocess
    import sys

    code = "from lessonkit.forbidden import find; print(find('def f(x): return x.relu()', ['torch.nn.ReLU', 'torch.nn.functional.relu', 'torch.relu'], {'f'}))"
    said = {subprocess.run([sys.executable, "-c", code], env={"PYTHONHASHSEED": str(n), "PYTHONPATH": ":".join(sys.path)}, capture_output=True, text=True).stdout for n in range(3)}
    assert said == {"['torch.nn.functional.relu']\n"}


def test_what_a_library_generates_is_its_own_and_text_run_in_its_namespace_is_not(tmp_path, monkeypatch):
    """A library makes code without a file while it is imported: a dataclass's methods, a named tuple's."""
    (tmp_path / "a_library.py").write_text(
        "import dataclasses, torch\n\n@dataclasses.dataclass\nclass Made:\n"
        "    values: object = dataclasses.field(default_factory=lambda: torch.ones(2))\n"
        "made_by = {}\nexec('def generated(): return torch.ones(3)', globals(), made_by)\n"
        "def use(): return Made(), made_by['generated']()\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(guard, "_LIBRARY", (*guard._LIBRARY, str(tmp_path)))
    import a_library

    with guard.watch("e", ["torch.*"], "<the course>") as used:
        a_library.use()
    assert used == set()
    mine: dict = {}
    exec(compile("def mine(): return torch.ones(3)", "<string>", "exec"), vars(a_library), mine)
    with guard.watch("e", ["torch.*"], "<the course>") as used:
        mine["mine"]()
    assert used == {"torch.*"}


def test_names_that_a_run_forged_are_bounded_and_printable():
    said = guard.message([f"\x1b[31m{i}" + "x" * 5_000 for i in range(200)])
    assert len(said.actual) < 1_000
    assert "\x1b" not in said.actual + said.try_


def test_a_notebook_away_from_its_notes_still_knows_the_courses_own_cells(monkeypatch):
    from types import SimpleNamespace

    from lessonkit import check, notes

    helper = "def helper(x):\n    from lessonkit import check\n    return check.array(1, x)"
    told = {"exercises": {"e": {"defines": ["f"], "forbidden": ["torch.cdist"]}}, "cells": [notes.cell_key(helper)]}
    monkeypatch.setattr(notes, "_beside", lambda: iter(()))
    monkeypatch.setattr(notes, "_installed", lambda exercise: told)
    monkeypatch.setattr(check, "_cells_that_ran", lambda: [helper, "def f(x): return helper(x)"])
    assert check._refused_text(SimpleNamespace(exercise="e"), lambda: None) is None
    told["cells"] = []
    assert check._refused_text(SimpleNamespace(exercise="e"), lambda: None) is not None
