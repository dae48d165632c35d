"""Open JupyterLab in a workspace: with the panel, without what only instructors need and without the news popup.

The panel is a prebuilt extension in `lessonkit/labextensions/` and the server's half of it `lessonkit.learner.server`.
Where the package is installed as a wheel, both are known to every JupyterLab; here they are named, so that they are
there in a clone too, and are those of the code that runs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from lessonkit.learner.files import write
from lessonkit.learner.workspace import Workspace

#: What learners have no use for: nbgrader's instructor views, and JupyterLab's announcements.
DISABLED = (
    "@jupyter/nbgrader:create-assignment",
    "@jupyter/nbgrader:formgrader",
    "@jupyter/nbgrader:course-list",
    "@jupyter/nbgrader:assignment-list",
    "@jupyter/nbgrader:menu",
    "@jupyterlab/apputils-extension:announcements",
)
#: What tells a Jupyter server to load its half of the panel; a wheel installs the same as a file.
SERVER_EXTENSION = {"ServerApp": {"jpserver_extensions": {"lessonkit.learner.server": True}}}
#: The folder that holds the built panel, as JupyterLab looks for extensions.
LABEXTENSIONS = Path(__file__).resolve().parents[1] / "labextensions"


def command(made: Workspace, arguments: list[str]) -> tuple[list[str], dict[str, str]]:
    """Return the command that opens JupyterLab in a workspace, and its environment; what it reads is written."""
    config = made.inside / "jupyter"
    write(config / "labconfig" / "page_config.json", json.dumps({"disabledExtensions": dict.fromkeys(DISABLED, True)}) + "\n")
    write(config / "jupyter_server_config.d" / "lessonkit.json", json.dumps(SERVER_EXTENSION) + "\n")
    paths = [str(config), *filter(None, [os.environ.get("JUPYTER_CONFIG_PATH", "")])]
    root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    options = [f"--ServerApp.root_dir={made.folder}", f"--LabApp.extra_labextensions_path={LABEXTENSIONS}"]
    lab = [sys.executable, "-m", "jupyter", "lab", *options, *root, *arguments]
    return lab, os.environ | {"JUPYTER_CONFIG_PATH": os.pathsep.join(paths)}


def open_lab(made: Workspace, arguments: list[str]) -> int:
    """Run JupyterLab until it ends and return its exit code; where it can be, it takes the place of this process.

    Then Ctrl-C and a closed terminal reach JupyterLab itself, which ends its kernels.
    """
    lab, environment = command(made, arguments)
    if os.name == "posix":
        os.chdir(made.folder)
        os.execve(lab[0], lab, environment)
    return subprocess.run(lab, env=environment, cwd=made.folder).returncode
