"""Bring edits of a source notebook, made in JupyterLab's Create Assignment view, back into the chapter's text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jupytext
import nbformat
from nbformat import NotebookNode

from autograder.course import chapter as ch
from autograder.errors import AutograderError
from autograder.files import write_atomically

#: Header of a chapter's text: which kernel, and nothing that changes by itself.
_HEADER = """# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

"""


#: How jupytext notes the blank lines between cells of a text.
_SPACING = ("lines_to_next_cell", "lines_to_end_of_cell_marker")


def text_of(notebook: NotebookNode, old: str = "") -> str:
    """Return the percent text of a source notebook: prose as r-strings, nbgrader's metadata verbatim.

    Cells that stand in the `old` text keep the blank lines they have there, so that a difference shows edits only.
    """
    spacing: dict[str, dict[str, int]] = {}
    for cell in jupytext.reads(old, fmt="py:percent").cells if old else []:
        spacing[_name(cell)] = {key: cell.metadata[key] for key in _SPACING if key in cell.metadata}
    clean = nbformat.from_dict({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    for cell in notebook.cells:
        metadata: dict[str, Any] = dict(spacing.get(_name(cell), {}))
        if tags := ch.tags_of(cell):
            metadata["tags"] = tags
        if meta := ch.nbgrader_of(cell):
            metadata["nbgrader"] = {k: meta[k] for k in sorted(meta) if k not in ("cell_type", "checksum")}
        if cell.cell_type == "markdown":
            metadata["cell_marker"] = 'r"""'
        made = {"cell_type": cell.cell_type, "source": cell.source, "metadata": metadata, "id": cell.id}
        if cell.cell_type == "code":
            made |= {"outputs": [], "execution_count": None}
        clean.cells.append(nbformat.from_dict(made))
    text: str = jupytext.writes(clean, fmt={"extension": ".py", "format_name": "percent"})
    body = text[text.index("# %%") :] if "# %%" in text else text
    return _HEADER + body


def _name(cell: NotebookNode) -> str:
    """Return what a cell is known by in both: its grade id, else its source."""
    return ch.grade_id_of(cell) or f"{cell.cell_type} {cell.source}"


def pull(root: Path, chapter: str) -> Path | None:
    """Write a source notebook's content into its text; return the path, None where nothing differs.

    The text before the pull is kept beside it as `.NN_topic.py.before-pull`, so a pull can be undone.
    """
    source = root / "source" / chapter / f"{chapter}.ipynb"
    notebook = ch.read_trusted(source)
    target = root / "course" / chapter / f"{chapter}.py"
    if not target.parent.is_dir():
        raise AutograderError(f"{target.parent} is missing: there is no text to bring the edits back to.")
    old = target.read_text(encoding="utf-8") if target.is_file() else ""
    text = text_of(notebook, old)
    if _same_cells(old, text):
        return None
    backup = target.parent / f".{target.name}.before-pull"
    write_atomically(backup, old.encode("utf-8"))
    write_atomically(target, text.encode("utf-8"))
    return target


def _same_cells(one: str, other: str) -> bool:
    def cells(text: str) -> list[tuple[str, str, str, str]]:
        return [
            (c.cell_type, c.source, str(sorted(ch.nbgrader_of(c).items())), str(ch.tags_of(c)))
            for c in jupytext.reads(text, fmt="py:percent").cells
        ]

    return bool(one) and cells(one) == cells(other)
