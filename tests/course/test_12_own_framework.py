"""Chapter 12 as a whole: stand-ins are no answer, libraries by others earn everything, a broken part costs only itself."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from autograder.course import solutions

CHAPTER = "12_own_framework"
#: library -> exercise -> solution cell
LIBRARIES: dict[str, dict[str, str]] = {}
for found in solutions.read(Path(__file__).with_name("own_libraries.py")):
    LIBRARIES.setdefault(found.name, {})[found.exercise] = found.code


def grade(rehearse, exercise: str, code: str, **others: str):
    r = rehearse(CHAPTER)
    return r.grade(r.right() | others | {exercise: dedent(code)}, {exercise}).exercises[exercise]


def changed(rehearse, exercise: str, *pairs: tuple[str, str]) -> str:
    """The reference solution with some text replaced."""
    code = rehearse(CHAPTER).right()[exercise]
    for old, new in pairs:
        assert old in code, old
        code = code.replace(old, new)
    return code


@pytest.mark.parametrize("exercise", ["unbroadcast", "topological_order", "tensor", "no_grad", "cross_entropy", "module", "own_sgd"])
def test_the_stand_ins_are_no_answer(rehearse, exercise):
    by_name = f"from layer_by_layer.parts import own_framework as own_parts\nown_parts.stand_in(globals(), '{exercise}')\n"
    by_the_back_door = f"import sys\nsys.modules['layer_by_layer.parts.own_framework'].stand_in(globals(), '{exercise}')\n"
    assert grade(rehearse, exercise, by_name).score == 0
    assert grade(rehearse, exercise, by_the_back_door).score == 0


def test_recursion_in_backward_is_right(rehearse):
    code = changed(rehearse, "tensor", ("reversed(topological_order(self))", "reversed(self.order())"), ("    def backward(self):", "    def order(self, seen=None):\n        seen = set() if seen is None else seen\n        if id(self) in seen:\n            return []\n        seen.add(id(self))\n        return [t for p in self.parents for t in p.order(seen)] + [self]\n\n    def backward(self):"))
    found = grade(rehearse, "tensor", code)
    assert found.score == found.max_score, found.message


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_library_written_from_the_contracts_alone_earns_everything(rehearse, name):
    result = rehearse(CHAPTER).grade(LIBRARIES[name])
    lost = {exercise: e.message for exercise, e in result.exercises.items() if e.score < e.max_score}
    assert not lost
    assert len(result.exercises) == len(LIBRARIES[name]) == 8


@pytest.mark.parametrize("shift", range(4))
def test_a_library_of_cells_from_four_libraries_earns_everything(rehearse, shift):
    names = list(LIBRARIES)
    exercises = list(LIBRARIES[names[0]])
    mixed = {e: LIBRARIES[names[(i + i // 4 + shift) % 4]][e] for i, e in enumerate(exercises)}
    result = rehearse(CHAPTER).grade(mixed)
    lost = {exercise: e.message for exercise, e in result.exercises.items() if e.score < e.max_score}
    assert not lost


@pytest.mark.parametrize("name", ["tape", "operations"])
def test_one_exercise_alone_in_an_untouched_notebook_earns_its_points(rehearse, name):
    for exercise, code in LIBRARIES[name].items():
        found = rehearse(CHAPTER).grade({exercise: code}, {exercise}).exercises[exercise]
        assert found.score == found.max_score, found.message


@pytest.mark.parametrize("exercise", ["no_grad", "cross_entropy", "module", "own_sgd", "own_train"])
def test_a_cell_that_brings_all_it_needs_earns_its_points(rehearse, exercise):
    library = LIBRARIES["tape"]
    needed = list(library)[: list(library).index(exercise) + 1]
    found = rehearse(CHAPTER).grade({exercise: "\n".join(library[e] for e in needed)}, {exercise}).exercises[exercise]
    assert found.score == found.max_score, found.message


NO_GRADIENTS = "class Tensor:\n    grad_enabled = True\n    def __init__(self, data, requires_grad=False):\n        self.data = data\n"
BROKEN = {
    "unbroadcast": "def unbroadcast(grad, shape):\n    return None\n",
    "topological_order": "def topological_order(root):\n    return [root]\n",
    "tensor": NO_GRADIENTS,
    "no_grad": "def no_grad():\n    raise KeyError('never')\n",
    "cross_entropy": "def cross_entropy(logits, labels):\n    return 0.0\n",
    "module": "class Module:\n    pass\nclass Parameter:\n    pass\nclass Linear:\n    pass\nclass ReLU:\n    pass\nclass Sequential:\n    pass\n",
    "own_sgd": "class SGD:\n    pass\n",
}


HALF = {
    "unbroadcast": "def unbroadcast(grad, shape):\n    while True:\n        pass\n",
    "tensor": NO_GRADIENTS,
    "module": "class Parameter(Tensor):\n    pass\nclass Module:\n    pass\nclass Linear(Module):\n    pass\nclass ReLU(Module):\n    pass\nclass Sequential(Module):\n    pass\n",
    "own_sgd": "class SGD:\n    def __init__(self, params, lr, momentum=0.0):\n        raise SystemExit\n",
}


def test_a_loop_without_end_a_half_built_module_and_an_exit_cost_only_their_own_points(rehearse):
    r = rehearse(CHAPTER)
    others = {"topological_order", "no_grad", "cross_entropy", "own_train"}
    result = r.grade(r.right() | HALF, others)
    lost = {name: result.exercises[name].message for name in others if result.exercises[name].score < result.exercises[name].max_score}
    assert not lost


def test_one_broken_part_costs_only_its_own_points(rehearse):
    r = rehearse(CHAPTER)
    for broken, code in BROKEN.items():
        others = {name for name in r.right() if name not in (broken, "own_train")}
        result = r.grade(r.right() | {broken: code}, others)
        lost = {name: result.exercises[name].message for name in others if result.exercises[name].score < result.exercises[name].max_score}
        assert not lost, f"a broken {broken} costs {lost}"


def test_all_broken_parts_together_leave_fit_its_points(rehearse):
    r = rehearse(CHAPTER)
    found = r.grade(r.right() | BROKEN, {"own_train"}).exercises["own_train"]
    assert found.score == found.max_score, found.message
