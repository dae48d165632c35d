"""Which cells of a notebook others depend on, read from their text: what has to run before one exercise can be checked.

A cell is needed where it binds a name that a needed cell uses, where it changes the thing under such a name
(`model.weight = …`, `found.append(…)`, `train(model)`), or where it turns a switch of a module that is used
(`torch.set_default_dtype(…)`). A cell that cannot be read so (`exec`, a star import, no Python) counts as needed.
"""

from __future__ import annotations

import ast
import copy
import dis
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from types import CodeType

from lessonkit.reading import Unreadable, tree_of
from lessonkit.scopes import bound_by

#: Names through which a cell may bind or change anything.
_ANYTHING = {"exec", "eval", "globals", "locals", "vars", "setattr", "get_ipython", "__import__"}
#: Functions of a module that change how it goes on, besides `set_…`.
_SWITCHES = {"seterr", "simplefilter", "filterwarnings", "use"}
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


@dataclass
class _Cell:
    """What a cell does with names. `fixed` are those it binds to a module or a definition; `blind`: nobody knows."""

    binds: set[str] = field(default_factory=set)
    fixed: set[str] = field(default_factory=set)
    uses: set[str] = field(default_factory=set)
    assigns_into: set[str] = field(default_factory=set)
    hands_on: set[str] = field(default_factory=set)
    switches: set[str] = field(default_factory=set)
    blind: bool = False


def needed(sources: Sequence[str], wanted: Collection[int]) -> list[int]:
    """Return the positions of the cells that have to run so that those at `wanted` can: these, and what they need, in order.

    `sources` are the texts of a notebook's code cells. What stands below the last wanted cell is never needed.
    """
    cells = [_read(source) for source in sources[: max(wanted, default=-1) + 1]]
    fixed = {name for cell in cells for name in cell.fixed}
    kept: set[int] = set()
    names: set[str] = set()
    for index in reversed(range(len(cells))):
        cell = cells[index]
        touched = cell.binds | cell.assigns_into | cell.switches | (cell.hands_on - fixed)
        if index in wanted or cell.blind or names & touched:
            kept.add(index)
            names |= cell.uses
    return sorted(kept)


def _read(source: str) -> _Cell:
    try:
        tree = tree_of(source)
        cell = _Cell(uses=set(_global_names(_compiled(tree))))
    except (Unreadable, SyntaxError, ValueError, RecursionError):  # `return` at the top, a null byte
        return _Cell(blind=True)
    cell.binds = {name for statement in tree.body for name in bound_by(statement)}
    cell.blind = bool(cell.uses & _ANYTHING)
    for node in _at_top(tree.body):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names = {alias.asname or alias.name.split(".")[0] for alias in node.names}
            cell.fixed |= names
            cell.blind = cell.blind or "*" in names
        elif isinstance(node, _DEFINITIONS):
            cell.fixed.add(node.name)
        elif isinstance(node, (ast.Attribute, ast.Subscript)) and not isinstance(node.ctx, ast.Load):
            cell.assigns_into |= _root(node)
        elif isinstance(node, ast.Call):
            cell.hands_on |= set().union(*(_root(one) for one in node.args if not isinstance(one, ast.Call)))
            if isinstance(node.func, ast.Attribute):
                cell.hands_on |= _root(node.func)
                if node.func.attr.startswith("set_") or node.func.attr in _SWITCHES:
                    cell.switches |= _root(node.func)
    return cell


def _compiled(tree: ast.Module) -> CodeType:
    whole = ast.fix_missing_locations(copy.deepcopy(tree))
    code: CodeType = compile(whole, "<cell>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    return code


def _global_names(code: CodeType) -> Iterator[str]:
    """Yield the names that code looks up in the notebook's namespace, its functions' bodies included."""
    for step in dis.get_instructions(code):
        if step.opname == "LOAD_NAME" or step.opname.endswith(("LOAD_GLOBAL", "OR_GLOBALS")):
            yield str(step.argval)
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _global_names(inner)


def _at_top(body: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """Yield what runs when the cell runs: everything outside the bodies of its functions."""
    todo = list(body)
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            todo += ast.iter_child_nodes(node)


def _root(node: ast.AST) -> set[str]:
    """Return the name at the root of `a.b[c]`, nothing where there is none."""
    while isinstance(node, (ast.Attribute, ast.Subscript, ast.Starred, ast.Call)):
        node = node.func if isinstance(node, ast.Call) else node.value
    return {node.id} if isinstance(node, ast.Name) else set()
