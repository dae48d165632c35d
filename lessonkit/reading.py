"""Read the text of a notebook cell the way IPython runs it: magics, `len?`, `!ls` and `%%time` included."""

from __future__ import annotations

import ast
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

#: Characters of one cell that are read. Reading is linear, but IPython's transformer starts anew at every magic.
MAX_TEXT = 200_000
#: Nested expressions and `elif`s that are followed. Python-to-Python calls need no C stack.
_DEPTH = 60_000
#: Magics whose cell or line is Python that runs in the notebook's own namespace.
_RUNS_PYTHON = {"time", "timeit", "capture", "prun", "memit", "mprun", "lprun"}
_RUNS_TEXT = {"exec", "eval"}


class Unreadable(ValueError):
    """A cell that is too long or nested too deeply to be read; the message says which."""


@contextmanager
def deep() -> Iterator[None]:
    """Allow deeply nested syntax trees to be walked inside the block: a long sum is one level a term."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _DEPTH))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


@lru_cache(maxsize=512)
def tree_of(text: str) -> ast.Module:
    """Return the syntax tree of what IPython runs for a cell; an empty one where IPython refuses to run it.

    What `exec("…")`, `eval("…")`, `%%time` and `%timeit` run is part of the tree. Raises Unreadable. The tree is
    shared between callers: look, and change nothing.
    """
    if len(text) > MAX_TEXT:
        raise Unreadable(f"the cell has more than {MAX_TEXT:,} characters")
    try:
        with deep():
            expanded: ast.Module = _Expand().visit(_parse(text))
            return expanded
    except (RecursionError, MemoryError) as error:
        raise Unreadable("the cell is nested too deeply to be read") from error


def _parse(text: str, mode: str = "exec") -> ast.Module:
    """Return the tree of a text; first as Python, which nearly every cell is, and else as IPython rewrites it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # invalid escapes and the like: not the reader's affair
        try:
            return ast.parse(text)
        except (SyntaxError, ValueError):
            pass
        from IPython.core.inputtransformer2 import TransformerManager

        try:
            return ast.parse(TransformerManager().transform_cell(text))
        except (SyntaxError, ValueError, RuntimeError):  # and IPython's own "still changing after 500 iterations"
            return ast.Module([], [])


class _Expand(ast.NodeTransformer):
    """Puts the code that is a text inside a call in the place of the call."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | list[ast.stmt]:
        text = _runs(node.value)
        return self.generic_visit(node) if text is None else list(self.visit(_parse(text)).body)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        text = _runs(node)
        body = _parse(text).body if text is not None else []
        if len(body) == 1 and isinstance(body[0], ast.Expr):
            return self.visit(body[0].value)  # type: ignore[no-any-return]
        return self.generic_visit(node)


def _runs(node: ast.expr) -> str | None:
    """Return the Python text that a call runs where it stands there as a constant, None for any other expression."""
    if not isinstance(node, ast.Call):
        return None
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    texts = [constant(argument) for argument in node.args]
    if name in _RUNS_TEXT and texts:
        inner = node.args[0]
        if isinstance(inner, ast.Call) and getattr(inner.func, "id", "") == "compile" and inner.args:
            return constant(inner.args[0])
        return texts[0]
    if name in ("run_cell", "ex", "ev", "runcode") and texts:
        return texts[0]
    if name == "run_cell_magic" and len(texts) == 3 and texts[0] in _RUNS_PYTHON:
        return texts[2]
    if name == "run_line_magic" and len(texts) >= 2 and texts[0] in _RUNS_PYTHON and texts[1]:
        return " ".join(word for word in texts[1].split(" ") if not word.startswith("-"))
    return None


def constant(node: ast.expr) -> str | None:
    """Return the text that an expression of constants gives (`"soft" + "max"`), None for any other."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        parts = [constant(node.left), constant(node.right)]
    elif isinstance(node, ast.JoinedStr):
        parts = [constant(part.value if isinstance(part, ast.FormattedValue) else part) for part in node.values]
    elif (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "join"
        and len(node.args) == 1 and isinstance(node.args[0], (ast.List, ast.Tuple))
    ):  # fmt: skip
        between = constant(node.func.value)
        found = [constant(part) for part in node.args[0].elts]
        return None if between is None or None in found else between.join(part for part in found if part is not None)
    else:
        return None
    return None if None in parts else "".join(part for part in parts if part is not None)
