"""Old texts are kept before anything changes them, and `undo` brings the last ones back.

`.course/kept/STAMP/` holds the files as they were, and `what.json` says what was done to them.
"""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

from lessonkit.learner.errors import CourseError
from lessonkit.learner.files import write

KEPT = "kept"


def keep(workspace: Path, files: list[Path], what: str) -> Path:
    """Copy files of a workspace aside before `what` is done to them; return the folder with the copies.

    The record is written last: a folder without it was never finished, and nothing was changed after it.
    """
    folder = workspace / ".course" / KEPT / f"{datetime.now(UTC):%Y%m%d-%H%M%S-%f}"
    folder.mkdir(parents=True)
    for file in files:
        target = folder / file.relative_to(workspace)
        target.parent.mkdir(parents=True, exist_ok=True)
        if file.is_file():
            shutil.copy2(file, target)
    names = [file.relative_to(workspace).as_posix() for file in files]
    write(folder / "what.json", json.dumps({"what": what, "files": names}, ensure_ascii=False) + "\n")
    return folder


def undo(workspace: Path) -> tuple[str, list[Path]]:
    """Bring back the files of the last change; return what it was and their paths. CourseError where there is none.

    What stood there is kept in turn, so that an undo can be undone.
    """
    done = [path.parent for path in sorted((workspace / ".course" / KEPT).glob("*/what.json"))]
    done = [folder for folder in done if not (folder / "undone").exists()]
    if not done:
        raise CourseError("there is nothing to undo: no reset, update or review has changed a notebook here.")
    folder = done[-1]
    record = json.loads((folder / "what.json").read_text(encoding="utf-8"))
    files = [workspace / name for name in record["files"]]
    now = keep(workspace, [file for file in files if file.is_file()], f"undo of {record['what']}")
    (now / "undone").touch()  # it is there to be looked at; the next undo goes further back
    for file in files:
        old = folder / file.relative_to(workspace)
        if old.is_file():
            write(file, old.read_text(encoding="utf-8"))
    (folder / "undone").touch()
    return str(record["what"]), files
