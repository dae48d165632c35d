"""What has to run before one exercise can be checked, and nothing else."""

from __future__ import annotations

import pytest

from lessonkit.learner.needs import needed

IMPORTS = "import torch\nimport numpy as np\nfrom lessonkit import check"
CHECK = '@check.cell("f__values")\ndef _():\n    check.equal("it doubles", lambda: f(2), expected=4)'


@pytest.mark.parametrize(
    ("between", "kept"),
    [
        ("slow = train(np.ones(3))", False),
        ("def g(x):\n    return f(x)", False),
        ("print(f(3))", False),
        ("f_of_3 = f(3)", False),
        ("torch.manual_seed(0)", False),
        ("def h(f):\n    f = 1\n    return f", False),
        ("def f(x):\n    return 3 * x", True),
        ("f = torch.compile(f)", True),
        ("f.alpha = 2", True),
        ("for f in (abs, round):\n    pass", True),
        ("from math import *", True),
        ("exec(open('mine.py').read())", True),
        ("%%time\nf = abs", True),
        ("(", False),
    ],
)
def test_a_cell_between_is_kept_where_it_matters(between, kept):
    cells = [IMPORTS, between, CHECK]
    assert needed(cells, {2}) == ([0, 1, 2] if kept else [0, 2])


@pytest.mark.parametrize(
    ("change", "kept"),
    [("table.append(3)", True), ("table[0] = 3", True), ("fill(table)", True), ("x = len(table)", True), ("len('table')", False)],
)
def test_data_that_a_helper_uses_is_followed_with_what_changes_it(change, kept):
    cells = [IMPORTS, "table = [1]", change, "unrelated = 5", "def helper():\n    return table", "def f(x):\n    return helper()", CHECK]
    assert needed(cells, {6}) == [0, 1, *([2] if kept else []), 4, 5, 6]


def test_a_switch_of_a_module_that_is_used_is_turned():
    cells = [IMPORTS, "torch.set_default_dtype(torch.float64)", "np.seterr(all='raise')", "def f(x):\n    return torch.ones(x)", CHECK]
    assert needed(cells, {4}) == [0, 1, 3, 4]


def test_nothing_below_and_nothing_wanted():
    assert needed([IMPORTS, CHECK, "f = 3"], {1}) == [0, 1]
    assert needed([IMPORTS], ()) == []
