"""Test cells of plain asserts, as nbgrader's own courses have them.

They are judged by nbgrader's own scoring inside the student's process. But an assert that compares a value with
something that needs nothing of the student's (`assert squares(2) == [1, 4]`) is cut like a check: the value is
observed there and compared outside, and what it ought to be never reaches the student's process.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass

#: What stands in the place of a cut assert: it observes its argument under a number and holds.
SEEN = "_lessonkit_seen"


@dataclass(frozen=True)
class Assert:
    """One cut assert: its number, what is compared (text), what it ought to be (text of a literal), hidden or not."""

    number: int
    left: str
    right: str
    hidden: bool


def is_plain(source: str) -> bool:
    """Return True for a test cell that makes no check of ours."""
    return "@check.cell(" not in source


def cut(source: str) -> tuple[str, tuple[Assert, ...]]:
    """Return the cell to run and what was cut; a cell that is no Python is left as it is."""
    from autograder.rebuild.split import hidden_lines

    hidden = hidden_lines(source)
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):  # magics: IPython runs it, and nothing is cut
        return source, ()
    found: list[Assert] = []
    for statement in tree.body:
        if isinstance(statement, ast.Assert) and (sides := _sides(statement.test)) is not None:
            left, right = sides
            one = Assert(len(found), ast.unparse(left), ast.unparse(right), statement.lineno in hidden)
            call = ast.Call(ast.Name(SEEN, ast.Load()), [ast.Constant(one.number), left], [])
            statement.test = ast.copy_location(call, statement.test)
            found.append(one)
    if not found:
        return source, ()
    return ast.unparse(ast.fix_missing_locations(tree)), tuple(found)


def _sides(test: ast.expr) -> tuple[ast.expr, ast.expr] | None:
    """Return the two sides of `value == literal` (either way round), None for any other test."""
    if not (isinstance(test, ast.Compare) and len(test.ops) == 1 and isinstance(test.ops[0], ast.Eq)):
        return None
    left, right = test.left, test.comparators[0]
    if _is_literal(right) and not _is_literal(left):
        return left, right
    return (right, left) if _is_literal(left) and not _is_literal(right) else None


def _is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
        return True
    except (ValueError, TypeError, SyntaxError, RecursionError):
        return False
