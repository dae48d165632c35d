"""Galleries of errors: provoke each real message and show it, so that it is recognised the next time."""

from __future__ import annotations

import textwrap
import warnings
from collections.abc import Callable

#: A message is shown up to here: PyTorch's go on with links and hints.
LONGEST = 400


def said(provoke: Callable[[], object]) -> str:
    """Return what `provoke()` raises as `Kind: message`, on one line, or "nothing was raised"."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the error is the exhibit
            provoke()
    except Exception as error:
        words = " ".join(str(error).split())
        return f"{type(error).__name__}: {words[:LONGEST]}{' …' if len(words) > LONGEST else ''}"
    return "nothing was raised"


def gallery(**provoke: Callable[[], object]) -> None:
    """Print, for each keyword, what its function raises: `gallery(twice=lambda: loss.backward())`."""
    for name, function in provoke.items():
        print(f"{name.replace('_', ' ')}\n{textwrap.indent(textwrap.fill(said(function), 100), '    ')}\n")
