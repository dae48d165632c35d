"""Whatever form a student's work has, checks find its names, lend it parts, and keep their own."""

from __future__ import annotations

import functools

import pytest
import torch

from layer_by_layer.instruments import elsewhere
from lessonkit import check
from lessonkit.fingerprint import fingerprint, same

FORMS = {
    "function": "def work(x): return helper(x)",
    "lambda": "work = lambda x: helper(x)",
    "callable_object": "class W:\n    def __call__(self, x): return helper(x)\nwork = W()",
    "inherited_call": "class A:\n    def __call__(self, x): return helper(x)\nclass W(A): pass\nwork = W()",
    "bound_method": "class W:\n    def run(self, x): return helper(x)\nwork = W().run",
    "static_method": "class W:\n    @staticmethod\n    def run(x): return helper(x)\nwork = W.run",
    "class_with_new": "class work:\n    def __new__(cls, x): return helper(x)",
    "partial": "import functools\ndef two(y, x): return helper(x)\nwork = functools.partial(two, 0)",
    "decorated": "import functools\nwork = functools.lru_cache(lambda x: helper(x))",
}


@pytest.mark.parametrize("form", FORMS)
def test_parts_are_lent_to_work_of_any_form(form):
    space = {"helper": lambda x: "the student's"}
    exec(compile(FORMS[form], "<student>", "exec"), space)
    own = space["helper"]
    with check.lend(space["work"], helper=lambda x: "the course's"):
        assert space["work"](1) == "the course's"
    assert space["helper"] is own


@pytest.mark.parametrize("form", FORMS)
def test_a_name_that_the_same_cell_defines_is_left_to_the_student(form):
    space = {"helper": lambda x: "an earlier exercise's"}
    exec(compile("def helper(x): return 'their own'\n" + FORMS[form], "<student>", "exec"), space)
    with check.lend(space["work"], helper=lambda x: "the course's"):
        assert space["work"](1) == "their own"


def test_an_object_that_answers_every_attribute_is_lent_nothing():
    class Any:
        def __getattr__(self, name):
            return Any()

    with check.lend(Any(), helper=1):
        pass


def test_nothing_is_lent_to_a_library_of_torch():
    before = dict(vars(torch.nn.modules.module))
    with check.lend(type("Bare", (torch.nn.Module,), {}), Module=None, helper=1):
        assert vars(torch.nn.modules.module).keys() == before.keys()
        assert torch.nn.modules.module.Module is before["Module"]
    with check.lend(functools.partial(print), helper=1):
        pass


def test_a_test_cell_sees_pythons_own_builtins_after_a_star_import(capsys):
    space: dict = {"check": check}
    student = "from torch import *\ndef f(x): return sum(x * x)"
    body = (
        "@check.cell('f__values')\ndef _():\n"
        "    check.equal('squares', lambda: [float(f(tensor([1.0, n]))) for n in range(2)], expected=[1.0, 2.0])"
    )
    exec(student, space)
    exec(body, space)
    assert "squares" in capsys.readouterr().out


def test_the_words_of_an_exception_tell_nothing_where_one_is_asked_for():
    one = fingerprint({"raised": ["AssertionError", "Exception"], "message": "shapes"})
    other = fingerprint({"raised": ["AssertionError", "Exception"], "message": "no"})
    third = fingerprint({"raised": ["TypeError", "Exception"], "message": "no"})
    assert not same(one, other)
    assert same(one, other, words=False)
    assert not same(other, third, words=False)


def test_an_address_is_no_fingerprint():
    one, other = (fingerprint({"raised": ["E"], "message": f"<Node at 0x7f{n}00000000>"}) for n in (1, 2))
    assert same(one, other)


def test_the_other_device_works_where_nothing_is_tracked():
    with elsewhere.device() as away:
        x = torch.tensor([[1.0, -2.0]]).to(away)
        with torch.inference_mode():
            y = x.T @ x
            y[y < 0] = 0
            assert elsewhere.fetch(y).tolist() == [[1.0, 0.0], [0.0, 4.0]]
        with pytest.raises(TypeError):
            x.__array__(copy=None)
