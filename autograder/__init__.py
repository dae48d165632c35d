"""The instructor's tool of *Layer by Layer*: build the course, grade it in a sandbox, keep nbgrader's gradebook."""

from __future__ import annotations

import sys

# jsonschema, which nbformat imports, loads this where it is installed, to check the formats of addresses; it builds a grammar at
# import, a second of every process. No schema of a notebook asks for one, and jsonschema does without.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]


def __getattr__(name: str) -> str:
    """Return `__version__`, the version that is installed, of a clone or of the wheel `lessonkit`; looked up when asked for."""
    if name != "__version__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib.metadata import PackageNotFoundError, version

    for distribution in ("layer-by-layer", "lessonkit"):
        try:
            return version(distribution)
        except PackageNotFoundError:
            continue
    return "0+unknown"
