"""A course in two editions and a workspace made from the first, with no subject and no torch."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from lessonkit.learner import workspace

CHAPTER = "01_sums"


def solution(name: str, body: str) -> dict:
    meta = {"grade_id": name, "solution": True, "grade": False, "locked": False}
    return {"cell_type": "code", "id": name, "metadata": {"nbgrader": meta}, "source": body, "outputs": [], "execution_count": None}


def test_of(name: str, body: str) -> dict:
    meta = {"grade_id": name, "solution": False, "grade": True, "locked": True, "points": 1}
    return {"cell_type": "code", "id": name, "metadata": {"nbgrader": meta}, "source": body, "outputs": [], "execution_count": None}


test_of.__test__ = False


def prose(name: str, text: str) -> dict:
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": text}


def code(name: str, text: str) -> dict:
    return {"cell_type": "code", "id": name, "metadata": {}, "source": text, "outputs": [], "execution_count": None}


def notebook(*cells: dict) -> dict:
    return {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


STUB = 'def {0}(x):\n    raise NotImplementedError("write this, then delete this line")'


def first_edition() -> dict:
    return notebook(
        prose("01-000", "# 1 · Sums"),
        solution("total", STUB.format("total")),
        test_of("total__values", "assert total([1, 2]) == 3"),
        solution("mean", STUB.format("mean")),
        test_of("mean__values", "assert mean([1, 3]) == 2"),
        prose("01-005", "That was it."),
    )


def write_edition(release: Path, edition: dict, was: dict[str, list[str]] | None = None) -> None:
    folder = release / CHAPTER
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{CHAPTER}.ipynb").write_text(json.dumps(edition))
    names = [c["id"] for c in edition["cells"] if c["metadata"].get("nbgrader", {}).get("solution")]
    tables = {
        name: {
            "minutes": 10, "points": 1.0, "cells": [f"{name}__values"], "hints": ["look", "begin"],
            "mistakes": [{"name": "off", "help": "you are off by one", "at": {}}], "was": (was or {}).get(name, []),
        }
        for name in names
    }  # fmt: skip
    notes = {"chapter": CHAPTER, "title": "Sums", "order": names, "exercises": tables}
    (folder / "lessonkit.json").write_text(json.dumps(notes))


@pytest.fixture
def course(tmp_path, monkeypatch):
    """Return the release folder of an importable course package `sums_course`."""
    package = tmp_path / "lib" / "sums_course"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(str(package.parent))
    write_edition(package / "release", first_edition())
    yield package / "release"
    sys.modules.pop("sums_course", None)


@pytest.fixture
def made(course, tmp_path):
    return workspace.start(tmp_path / "mine", "sums_course")


def read(made: workspace.Workspace) -> dict:
    return json.loads(made.notebook(CHAPTER).read_text())


def write(made: workspace.Workspace, found: dict) -> None:
    made.notebook(CHAPTER).write_text(json.dumps(found))


def solve(made: workspace.Workspace, name: str, text: str) -> None:
    found = read(made)
    next(c for c in found["cells"] if c["id"] == name)["source"] = text
    write(made, found)
