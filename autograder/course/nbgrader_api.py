"""nbgrader's own API, configured for a course root: the one place that imports it for building and grading."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

from traitlets.config import Config, PyFileConfigLoader

#: What renders Markdown on pages in the place of nbconvert's own filter.
MARKDOWN_FILTER = "autograder.books.pages.markdown2html"


def config(root: Path, **overrides: dict[str, Any]) -> Config:
    """Return nbgrader's configuration of a course root: its nbgrader_config.py, else the course's own.

    `overrides` are sections, for example `CourseDirectory={"db_url": …}`.
    """
    own = root / "nbgrader_config.py"
    path = own if own.is_file() else Path(__file__).resolve().parents[2] / "nbgrader_config.py"
    loaded = (
        PyFileConfigLoader(path.name, path=str(path.parent)).load_config() if path.is_file() else Config()
    )
    loaded.CourseDirectory.root = str(root)
    # imposed, whatever a root's own configuration says: no page of ours carries a student's script, class or id
    loaded.HTMLExporter.sanitize_html = True
    loaded.HTMLExporter.filters = {**dict(loaded.HTMLExporter.get("filters", {})), "markdown2html": MARKDOWN_FILTER}
    for section, values in overrides.items():
        loaded[section].update(values)
    return loaded


def api(root: Path, **overrides: dict[str, Any]) -> Any:
    """Return an NbGraderAPI for a course root."""
    # a new gradebook shells out to `alembic`, which lies beside this Python and perhaps not on PATH
    scripts = str(Path(sys.executable).parent)
    if scripts not in os.environ.get("PATH", "").split(os.pathsep):
        os.environ["PATH"] = os.pathsep.join([scripts, os.environ.get("PATH", "")])
    from nbgrader.apps import NbGraderAPI
    from nbgrader.coursedir import CourseDirectory

    settings = config(root, **overrides)
    return NbGraderAPI(CourseDirectory(config=settings), config=settings)
