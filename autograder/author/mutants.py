"""Change a solution by one thing at a time: the wrong solutions that nobody thought of.

The kinds are those of mutation testing (operators, comparisons, constants, axes, keywords, calls, statements), on the
syntax tree; docstrings, annotations and texts are left alone.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
}  # fmt: skip
_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    """A solution with one thing changed: which line of it was what, and what it is now."""

    exercise: str
    was: str
    now: str
    code: str


def of(exercise: str, source: str) -> list[Mutant]:
    """Return the mutants of a solution cell's source, each another text; [] where it is not Python."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return []
    plain, found = ast.unparse(tree), {}
    for path, node in _walk(tree):
        for change in _changes(node):
            mutant = copy.deepcopy(tree)
            parent = _at(mutant, path[:-1])
            _put(parent, path[-1], change(_at(mutant, path)))
            code = ast.unparse(ast.fix_missing_locations(mutant))
            if code != plain and code not in found:
                found[code] = Mutant(exercise, *_difference(plain, code), code + "\n")
    return list(found.values())


Step = tuple[str, int | None]


def _walk(tree: ast.AST, path: tuple[Step, ...] = ()) -> Iterator[tuple[tuple[Step, ...], ast.AST]]:
    """Yield the nodes that may be changed, each with the way to it."""
    for name, value in ast.iter_fields(tree):
        if name in ("annotation", "returns", "decorator_list", "type_comment", "ctx", "names", "bases"):
            continue
        for index, node in enumerate(value if isinstance(value, list) else [value]):
            if not isinstance(node, ast.AST) or _is_text(node):
                continue
            way = (*path, (name, index if isinstance(value, list) else None))
            yield way, node
            yield from _walk(node, way)


def _is_text(node: ast.AST) -> bool:
    """Return True for docstrings, and for messages of exceptions: what they say is each one's own."""
    value = node.value if isinstance(node, ast.Expr) else node
    return isinstance(value, ast.JoinedStr) or (isinstance(value, ast.Constant) and isinstance(value.value, str))


def _at(tree: ast.AST, path: tuple[Step, ...]) -> ast.AST:
    for name, index in path:
        value = getattr(tree, name)
        tree = value if index is None else value[index]
    return tree


def _put(parent: ast.AST, step: Step, node: ast.AST | None) -> None:
    name, index = step
    if index is None:
        setattr(parent, name, node)
    elif node is None:
        del getattr(parent, name)[index]
    else:
        getattr(parent, name)[index] = node


Change = Callable[[ast.AST], ast.AST | None]


def _changes(node: ast.AST) -> list[Change]:
    """Return the changes that make something else of a node; each works on a copy of it."""
    if isinstance(node, ast.BinOp):
        return _operator(node)
    if isinstance(node, ast.AugAssign):
        other = _OPERATORS.get(type(node.op))
        return [_with(op=other()), _drop] if other else [_drop]
    if isinstance(node, ast.Compare):
        other_way = _COMPARISONS[type(node.ops[0])]
        return [_with(ops=[other_way(), *node.ops[1:]])]
    if isinstance(node, ast.BoolOp):
        return [_with(op=ast.Or() if isinstance(node.op, ast.And) else ast.And())]
    if isinstance(node, ast.UnaryOp):
        return [lambda n: n.operand]
    if isinstance(node, ast.Constant):
        return _constant(node)
    if isinstance(node, ast.Call):
        return _call(node)
    if isinstance(node, (ast.If, ast.IfExp, ast.While)):
        return [lambda n: _replaced(n, test=ast.UnaryOp(ast.Not(), n.test))]  # type: ignore[attr-defined]
    if isinstance(node, (ast.Assign, ast.Raise, ast.Expr, ast.Delete, ast.Continue, ast.Break)):
        return [_drop]
    return []


def _drop(node: ast.AST) -> ast.AST:
    return ast.Pass()


def _replaced(node: ast.AST, **fields: object) -> ast.AST:
    for name, value in fields.items():
        setattr(node, name, value)
    return node


def _with(**fields: object) -> Change:
    return lambda node: _replaced(node, **fields)


def _operator(node: ast.BinOp) -> list[Change]:
    changes: list[Change] = [lambda n: n.left]  # type: ignore[attr-defined]
    if isinstance(node.op, ast.MatMult):
        return [lambda n: _replaced(n, left=n.right, right=n.left)]  # type: ignore[attr-defined]
    if isinstance(node.op, (ast.Sub, ast.Div)):
        changes.append(lambda n: _replaced(n, left=n.right, right=n.left))  # type: ignore[attr-defined]
    other = _OPERATORS.get(type(node.op))
    return [*changes, _with(op=other())] if other else changes


def _constant(node: ast.Constant) -> list[Change]:
    value = node.value
    if isinstance(value, bool):
        return [_with(value=not value)]
    if isinstance(value, int):
        return [_with(value=value + 1), *([_with(value=0)] if value > 1 else [])]
    if isinstance(value, float):
        return [_with(value=value * 2 if value else 1.0), *([_with(value=0.0)] if value else [])]
    return []


def _call(node: ast.Call) -> list[Change]:
    changes: list[Change] = []
    for index in range(len(node.keywords)):
        changes.append(lambda n, i=index: _replaced(n, keywords=n.keywords[:i] + n.keywords[i + 1 :]))  # type: ignore[misc]
    if len(node.args) == 2 and not any(isinstance(a, ast.Starred) for a in node.args):
        changes.append(lambda n: _replaced(n, args=n.args[::-1]))  # type: ignore[attr-defined]
    if isinstance(node.func, ast.Attribute) and not (isinstance(node.func.value, ast.Name) and node.args):
        changes.append(lambda n: n.func.value)  # type: ignore[attr-defined]
    if len(node.args) == 1 and not node.keywords:
        changes.append(lambda n: n.args[0])  # type: ignore[attr-defined]
    return changes


def _difference(plain: str, code: str) -> tuple[str, str]:
    """Return the first line that differs, as it was and as it is."""
    before, after = plain.split("\n"), code.split("\n")
    at = next(i for i, pair in enumerate(zip(before, after, strict=False)) if pair[0] != pair[1])
    return before[at].strip(), after[at].strip()
