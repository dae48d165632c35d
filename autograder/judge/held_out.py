"""Tell a course's judges where the data lie that no run may read."""

from __future__ import annotations

import importlib


def use(judges: str, folder: str | None) -> None:
    """Tell a course's module of judges where the data lie that no run may read, where it wants to know."""
    if judges:
        tell = getattr(importlib.import_module(judges), "use_held_out", None)
        if tell is not None:
            tell(folder)
