"""An expected value in a visible check that would be the answer is found."""

from __future__ import annotations

from autograder.author.answers import in_sight
from autograder.course import solutions

SOLUTION = '''
def helper(x):
    return x


def dists(a, b, squared=True):
    """(N, D), (M, D) -> (N, M)"""
    return (helper(a) ** 2).sum(1)[:, None] + (b * b).sum(1) - 2 * a @ b.T
'''
TEST = """
@check.cell("dists__values")
def _():
    x, y = check.tensor(1, 4, 3), check.tensor(2, 5, 3)
    check.close("pairs", lambda: dists(x, y), expected=lambda: (x[:, None] - y[None]).square().sum(-1))
    check.close("by hand", lambda: dists(x, y), expected=[[0.0]])
    check.close("elsewhere", lambda: dists(x, y), expected=lambda: right(x, y))
    check.equal("a shape", lambda: dists(x, y).shape, expected=lambda: (len(x), len(y)))
    ### BEGIN HIDDEN TESTS
    check.close("hidden", lambda: dists(x, y), expected=lambda: ((x[:, None] - y) ** 2).sum(2))
    ### END HIDDEN TESTS
"""


def test_an_expected_expression_becomes_a_solution():
    (found,) = in_sight("dists", SOLUTION, [TEST])
    assert found.exercise == "dists"
    assert "return (a[:, None] - b[None]).square().sum(-1)" in found.code
    assert "def helper(x):" in found.code


def test_what_computes_from_something_else_is_no_answer():
    other = TEST.replace("(x[:, None] - y[None]).square().sum(-1)", "(z[:, None] - y[None]).square().sum(-1)")
    assert in_sight("dists", SOLUTION, [other]) == []
    assert in_sight("dists", SOLUTION.replace("def dists", "def dist"), [TEST]) == []


LAYER = """
class Norm(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.dim = dim

    def forward(self, x):
        return x / x.square().mean(-1, keepdim=True).sqrt()
"""
OF_A_LAYER = """
@check.cell("norm__values")
def _():
    rows = check.tensor(1, 4, 3)
    check.close("rows", lambda: Norm(3)(rows), expected=lambda: rows / rows.pow(2).mean(-1, keepdim=True) ** 0.5)
"""


def test_of_a_module_it_is_forward_that_returns_it():
    (found,) = in_sight("norm", LAYER, [OF_A_LAYER])
    assert "return x / x.pow(2).mean(-1, keepdim=True) ** 0.5" in found.code
    assert "self.dim = dim" in found.code
    assert "sqrt" not in found.code


def test_a_file_of_named_solutions_without_any_has_none(tmp_path):
    (tmp_path / "variants.py").write_text('"""Right solutions in an unusual style: none so far."""\n')
    assert solutions.read(tmp_path / "variants.py") == []
