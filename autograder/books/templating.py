"""The templates of pages: everything that is put into one is escaped unless it was made as HTML here."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

FOLDER = Path(__file__).resolve().parent / "templates"


@cache
def _environment() -> Environment:
    return Environment(loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


def page(template: str, **values: Any) -> str:
    """Return a page made from a template of this package."""
    return _environment().get_template(template).render(**values)


@cache
def stamp(*modules: str) -> str:
    """Return a digest of the templates and of modules beside them: pages made by others than these are out of date."""
    digest = hashlib.sha256()
    for path in [*sorted(FOLDER.glob("*.j2")), *(FOLDER.parent / f"{name}.py" for name in modules)]:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
