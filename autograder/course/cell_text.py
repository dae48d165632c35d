"""A cell's text as the Python that IPython makes of it."""

from __future__ import annotations

import ast


def python_of(source: str) -> str:
    """Return the Python that IPython makes of a cell: magics and `!` lines become calls."""
    try:
        ast.parse(source)
        return source
    except (SyntaxError, ValueError):
        from IPython.core.inputtransformer2 import TransformerManager

        return TransformerManager().transform_cell(source)
