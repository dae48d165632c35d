"""Lay out the data that graded runs may see, apart from the held-out images that they may not."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

from autograder.course.chapter import Chapter
from autograder.errors import AutograderError
from autograder.sandbox import bwrap

_CODE = "import importlib, sys; print(importlib.import_module(sys.argv[1]).prepare(sys.argv[2]))"


def needs_data(chapter: Chapter) -> bool:
    """Return True where a chapter's cells import the course's module of data."""
    package, _, module = chapter.course.data.rpartition(".")
    if not module:
        return False
    wanted = re.compile(rf"from {re.escape(package)} import [^\n]*\b{module}\b|import {re.escape(chapter.course.data)}\b")
    return any(wanted.search(c.source) for c in chapter.source.cells if c.cell_type == "code")


def prepared(root: Path, chapter: Chapter) -> tuple[Path | None, str]:
    """Return the folder of prepared data and the line that says what it is; (None, "") for chapters without.

    Made once per data source under `.autograder/data/`; nothing is ever downloaded for grading.
    """
    if not needs_data(chapter):
        return None, ""
    source = os.environ.get("COURSE_DATA", "")
    key = f"3 {source} {_makers(chapter)}"
    folder = root / ".autograder" / "data" / hashlib.sha256(key.encode()).hexdigest()[:12]
    note = folder / "source.json"
    if not note.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        environment = os.environ | {
            "COURSE_OFFLINE": "1",
            "PYTHONPATH": bwrap.search_path(chapter.course.package),
        }
        environment.pop("COURSE_PREPARED", None)
        done = subprocess.run(
            [sys.executable, "-P", "-c", _CODE, chapter.course.data, str(folder)],
            capture_output=True,
            text=True,
            env=environment,
            timeout=600,
        )
        if done.returncode != 0:
            raise AutograderError(f"the data for grading could not be prepared: {done.stderr.strip()[-400:]}")
        from autograder.files import write_atomically

        write_atomically(note, json.dumps({"source": done.stdout.strip().split("\n")[-1]}).encode())
    return folder, str(json.loads(note.read_text())["source"])


def _makers(chapter: Chapter) -> str:
    """Return the hash of what makes the data: the course's module of them, and the private modules beside it."""
    package, _, module = chapter.course.data.rpartition(".")
    folder = bwrap.folder_of(package)
    files = sorted([folder / f"{module}.py", *folder.glob("_[a-z]*.py")]) if folder else []
    return hashlib.sha256(b"".join(file.read_bytes() for file in files if file.is_file())).hexdigest()
