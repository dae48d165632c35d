"""Open JupyterLab in a workspace, without what only instructors need and without the news popup."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from lessonkit.learner.files import write
from lessonkit.learner.workspace import Workspace

#: What learners have no use for: nbgrader's instructor views, and JupyterLab's announcements.
DISABLED = (
    "@jupyter/nbgrader:create-assignment",
    "@jupyter/nbgrader:formgrader",
    "@jupyter/nbgrader:course-list",
    "@jupyter/nbgrader:assignment-list",
    "@jupyterlab/apputils-extension:announcements",
)


def open_lab(made: Workspace, arguments: list[str]) -> int:
    """Run JupyterLab until it ends and return its exit code."""
    config = made.inside / "jupyter"
    write(config / "labconfig" / "page_config.json", json.dumps({"disabledExtensions": dict.fromkeys(DISABLED, True)}) + "\n")
    paths = [str(config), *filter(None, [os.environ.get("JUPYTER_CONFIG_PATH", "")])]
    environment = os.environ | {"JUPYTER_CONFIG_PATH": os.pathsep.join(paths)}
    root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    command = [sys.executable, "-m", "jupyter", "lab", f"--ServerApp.root_dir={made.folder}", *root, *arguments]
    return subprocess.run(command, env=environment, cwd=made.folder).returncode
