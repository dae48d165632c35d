"""Split a test cell into its observation, which runs beside the student's code, and its judgement, which does not.

`expected=`, `judge=` and `given=` of every `check.…(...)` call are judgement. They are cut from the syntax tree
before the cell goes anywhere near a student's process; each call gets a `site` number in their place, under
which the judge finds what was cut.
"""

from __future__ import annotations

import ast
from dataclasses import dataclass
from functools import cache

from autograder.course.cell_text import python_of
from autograder.rebuild import plain_asserts
from autograder.rebuild.plain_asserts import Assert

CHECKS = {"close", "equal", "probes", "unchanged", "raises", "that"}
JUDGEMENT = {"expected", "judge", "given"}
BEGIN_HIDDEN, END_HIDDEN = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"


@dataclass(frozen=True)
class Site:
    """One check call of a test cell: which check, visible or hidden, the judge's source where it has one."""

    number: int
    check: str
    hidden: bool
    judge: str | None
    #: the module that the judge calls `judges`, "" where the course has none
    judges: str
    advice: str
    behaviour: str | None


@dataclass(frozen=True)
class Split:
    """A test cell in two: `student` and `reference` are sources to run, `sites` what the judge keeps.

    The reference run keeps `given=`, the parameters of judges; the student's run has none of the three.
    """

    student: str
    reference: str
    sites: tuple[Site, ...]
    #: a cell of plain asserts: judged by nbgrader's own scoring in the student's process, but for `asserts`
    in_process: bool = False
    #: what was cut out of it, to be judged outside
    asserts: tuple[Assert, ...] = ()


@cache
def split(source: str, judges: str = "") -> Split:
    """Split the source of a test cell; SyntaxError where it is not Python. `judges` is the course's module of them."""
    if plain_asserts.is_plain(source):
        student, asserts = plain_asserts.cut(source)
        return Split(student, "", (), True, asserts)
    hidden = hidden_lines(source)
    source = python_of(source)
    student, sites = _strip(source, JUDGEMENT, hidden, judges)
    reference, _ = _strip(source, JUDGEMENT - {"given"}, hidden, judges)
    return Split(student, reference, tuple(sites))


def hidden_lines(source: str) -> set[int]:
    """Return the line numbers (from 1) inside hidden-test regions."""
    inside, found = False, set()
    for number, line in enumerate(source.split("\n"), 1):
        if BEGIN_HIDDEN in line:
            inside = True
        elif END_HIDDEN in line:
            inside = False
        elif inside:
            found.add(number)
    return found


def check_name(call: ast.Call) -> str | None:
    """Return `close` for a call of `check.close`, None for any other call."""
    func = call.func
    if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name) and func.value.id == "check":
        return func.attr if func.attr in CHECKS else None
    return None


def _strip(source: str, cut: set[str], hidden: set[int], judges: str) -> tuple[str, list[Site]]:
    tree = ast.parse(source)
    sites: list[Site] = []
    gone: list[ast.expr] = []
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and check_name(node)]
    for call in sorted(calls, key=lambda node: (node.lineno, node.col_offset)):
        keywords = {keyword.arg: keyword.value for keyword in call.keywords}
        judge = keywords.get("judge")
        advice = keywords.get("advice")
        first = call.args[0] if call.args else None
        sites.append(
            Site(
                len(sites),
                check_name(call) or "",
                call.lineno in hidden,
                None if judge is None else ast.unparse(judge),
                judges,
                _text(advice) or "",
                _text(first),
            )
        )
        gone += [keyword.value for keyword in call.keywords if keyword.arg in cut]
        call.keywords = [keyword for keyword in call.keywords if keyword.arg not in cut]
        call.keywords.append(ast.keyword("site", ast.Constant(sites[-1].number)))
    _drop_what_only_judgement_used(tree, gone)
    return ast.unparse(ast.fix_missing_locations(tree)), sites


def _text(node: ast.expr | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _drop_what_only_judgement_used(tree: ast.Module, gone: list[ast.expr]) -> None:
    """Cut the helpers of a judgement too: local functions and values that nothing left in the cell looks up."""
    judged = {name for expression in gone for name in _loaded(expression)}
    while True:
        left = {name for statement in tree.body for name in _loaded(statement)}
        dropped = False
        for body in [node.body for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]:
            for statement in list(body):
                bound = _bound(statement)
                if bound and bound <= judged and not bound & left and len(body) > 1:
                    body.remove(statement)
                    judged |= _loaded(statement)
                    dropped = True
        if not dropped:
            return


def _loaded(node: ast.AST) -> set[str]:
    return {n.id for n in ast.walk(node) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}


def _bound(statement: ast.stmt) -> set[str]:
    """Return the names a statement only binds: a def, or a plain assignment to names."""
    if isinstance(statement, ast.FunctionDef):
        return {statement.name}
    if isinstance(statement, ast.Assign):
        targets = [
            t
            for target in statement.targets
            for t in (target.elts if isinstance(target, ast.Tuple) else [target])
        ]
        names = [target.id for target in targets if isinstance(target, ast.Name)]
        if len(names) == len(targets):
            return set(names)
    return set()
