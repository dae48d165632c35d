"""Show one thing in a notebook as HTML and everywhere else as text."""

from __future__ import annotations

import html as html_
import os
import re
import sys

_recording = [False]


def set_recording(value: bool) -> None:
    """Tell the library that a grader is recording: nothing is shown, no progress is drawn, no hint is spent."""
    _recording[0] = value


def recording() -> bool:
    """Return True while a grader records what checks observe."""
    return _recording[0]


def in_notebook() -> bool:
    """Return True in a Jupyter kernel that a person looks at (not under nbgrader's autograde or validate)."""
    if os.environ.get("NBGRADER_EXECUTION"):
        return False
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return shell is not None and hasattr(shell, "kernel")


def show(text: str, html: str | None = None) -> None:
    """Display `html` with `text` as its plain form in a notebook, and print `text` elsewhere."""
    if html is not None and in_notebook():
        from IPython.display import display

        display({"text/plain": text, "text/html": html}, raw=True)
    else:
        print(text)


def prose(text: str) -> str:
    """Return a sentence as HTML; what stands between backticks is set as code, as in the statements."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html_.escape(text))
