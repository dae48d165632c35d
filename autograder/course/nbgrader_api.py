"""nbgrader's own API, configured for a course root: the one place that imports it for building and grading."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from autograder.errors import AutograderError, BadNotebook

#: What renders Markdown on pages in the place of nbconvert's own filter.
MARKDOWN_FILTER = "autograder.books.pages.markdown2html"


if TYPE_CHECKING:
    from nbformat import NotebookNode

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


def released(source: Path) -> NotebookNode:
    """Return the students' form of a source notebook, made by nbgrader's own generate_assignment on a copy."""
    import tempfile

    from autograder.course.chapter import read_trusted

    with tempfile.TemporaryDirectory(prefix="release-") as name:
        copy = Path(name) / "source" / source.parent.name / source.name
        copy.parent.mkdir(parents=True)
        copy.write_bytes(source.read_bytes())
        done = api(Path(name)).generate_assignment(source.parent.name)
        made = Path(name) / "release" / source.parent.name / source.name
        if not done["success"] or not made.is_file():
            raise BadNotebook(f"nbgrader could not release {source}: {done.get('error') or done.get('log')}")
        return read_trusted(made)


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


def gradebook_url(root: Path) -> str:
    """Return the address of a course root's gradebook; AutograderError where nbgrader would take it for another.

    Addresses have a meaning of their own for `?` and for `%` with two digits: nbgrader's would lie elsewhere.
    """
    from sqlalchemy.engine import make_url

    coursedir = api(root).coursedir
    meant, found = os.path.abspath(root / "gradebook.db"), make_url(coursedir.db_url).database
    if "db_url" not in coursedir.config.CourseDirectory and found != meant:
        raise AutograderError(
            f"nbgrader does not find {meant}: it reads `?` and `%` with two digits in a path as something else, and would take {found}. "
            "Rename the folder, then run the command again."
        )
    return str(coursedir.db_url)
