"""A cell's text as the Python that IPython makes of it."""

from __future__ import annotations

import ast
import re


def python_of(source: str) -> str:
    """Return the Python that IPython makes of a cell: magics and `!` lines become calls."""
    try:
        ast.parse(source)
        return source
    except (SyntaxError, ValueError):
        from IPython.core.inputtransformer2 import TransformerManager

        return TransformerManager().transform_cell(source)


#: Magics that run a cell in a place of its own, or do not run it here at all.
KEEPS_NAMES = re.compile(r"\s*%%(timeit|writefile|file|python\w*|script|bash|sh|javascript|js|html|markdown|latex|svg|perl|ruby|pypy)\b")
#: Magics that only look on while a cell runs: without them it does the same.
_LOOKS_ON = re.compile(r"\A\s*%%(?:time|capture|prun|memit|mprun)\b[^\n]*\n?")


def without_onlookers(source: str) -> str:
    """Return a cell's text without a first line like `%%time`, which changes nothing of what the cell does."""
    return _LOOKS_ON.sub("", source)


def only_evaluates(source: str) -> bool:
    """Return True for a cell of nothing but expressions, such as `total([1])` or `1/0`; False where it is no Python."""
    try:
        return all(isinstance(node, ast.Expr) for node in ast.parse(python_of(without_onlookers(source))).body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def names_bound(source: str) -> set[str]:
    """Return the names that a cell leaves in the notebook, as far as its text tells; those of a cell with an error, too."""
    text = re.sub(r"\A\s*%%[^\n]*\n?", "", source)
    try:
        body = ast.parse(python_of(text)).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set(re.findall(r"^(?:def|class) +(\w+)", text, re.MULTILINE))
    return {name for node in body for name in _bound(node)}


def _bound(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [(alias.asname or alias.name).partition(".")[0] for alias in node.names]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign | ast.AugAssign) else []
    return [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
