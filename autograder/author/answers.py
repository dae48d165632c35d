"""Find answers in plain sight: an expected value of a visible check that, written as the solution, earns everything.

For each visible `check.close("…", lambda: f(a, b), expected=lambda: …)` whose expected expression computes from what
`f` is called with, a solution is made that returns this expression. The rehearsal grades it like any other. Of a module,
`lambda: Layer(3)(x)`, it is `forward` that returns it.
"""

from __future__ import annotations

import ast
import builtins
import copy
from collections.abc import Iterator

from autograder.course.solutions import NamedSolution
from autograder.rebuild.split import check_name, hidden_lines

#: Names that mean the same in a solution and in a check.
_COMMON = {"np", "torch", "F", "nn", "math", *dir(builtins)}


def in_sight(exercise: str, solution: str, tests: list[str]) -> list[NamedSolution]:
    """Return solutions made of the expected expressions in the visible checks of an exercise's test cells."""
    tree = ast.parse(solution)
    found: dict[str, NamedSolution] = {}
    for test in tests:
        for call, expected in _checks(test):
            function = _called(tree, call)
            names = None if function is None else _parameters(function, call)
            if function is None or names is None or not _computes_from(expected, names):
                continue
            code = _written(tree, function, _Renamed(names).visit(copy.deepcopy(expected)))
            found.setdefault(code, NamedSolution(exercise, f"expected_{len(found) + 1}", code, ast.unparse(expected)))
    return list(found.values())


def _called(tree: ast.Module, call: ast.Call) -> ast.FunctionDef | None:
    """Return the function that a check calls: one of the solution's, or `forward` of a module made in place."""
    if isinstance(call.func, ast.Name):
        return next((n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == call.func.id), None)
    if not (isinstance(call.func, ast.Call) and isinstance(call.func.func, ast.Name)):
        return None
    made = call.func.func.id
    classes = (n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == made)
    return next((m for n in classes for m in n.body if isinstance(m, ast.FunctionDef) and m.name == "forward"), None)


def _checks(test: str) -> Iterator[tuple[ast.Call, ast.expr]]:
    """Yield what a visible check calls and what it expects, where both are plain expressions."""
    tree, hidden = ast.parse(test), hidden_lines(test)
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and check_name(node) in ("close", "equal")) or node.lineno in hidden:
            continue
        observe = node.args[1] if len(node.args) > 1 else None
        called = observe.body if isinstance(observe, ast.Lambda) else None
        for keyword in node.keywords:
            if keyword.arg == "expected" and isinstance(called, ast.Call):
                yield called, keyword.value.body if isinstance(keyword.value, ast.Lambda) else keyword.value


def _parameters(function: ast.FunctionDef, call: ast.Call) -> dict[str, str] | None:
    """Return which parameter each name stands for that a call passes, None where a call is not that plain."""
    names = [argument.arg for argument in function.args.args if argument.arg != "self"]
    passed = [*zip(call.args, names, strict=False), *((k.value, k.arg or "") for k in call.keywords)]
    if len(call.args) > len(names):
        return None
    return {value.id: name for value, name in passed if isinstance(value, ast.Name) and name}


def _computes_from(expected: ast.expr, names: dict[str, str]) -> bool:
    """Return True where an expression does something with the names, and knows no others."""
    used = {node.id for node in ast.walk(expected) if isinstance(node, ast.Name)}
    bound = {node.arg for node in ast.walk(expected) if isinstance(node, ast.arg)}
    bound |= {node.id for node in ast.walk(expected) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    return bool(used & names.keys()) and used - bound <= names.keys() | _COMMON


def _written(tree: ast.Module, function: ast.FunctionDef, answer: ast.expr) -> str:
    """Return a solution cell's source in which a function only returns `answer`."""
    before = function.body
    function.body = [ast.Return(answer)]
    try:
        return ast.unparse(ast.fix_missing_locations(copy.deepcopy(tree))) + "\n"
    finally:
        function.body = before


class _Renamed(ast.NodeTransformer):
    def __init__(self, names: dict[str, str]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> ast.Name:
        node.id = self.names.get(node.id, node.id)
        return node
