"""The verbs over HTTP, for the panel in JupyterLab: a small extension of the Jupyter server that it runs in.

    GET  lessonkit/overview?path=FOLDER[&stamp=…]     where one stands; {} where nothing changed since that stamp
    POST lessonkit/do {"verb", "chapter", "exercise", "path", …}     one verb, and what it says

`path` is a folder as the contents API names it, in or above which the workspace lies. What a learner is told in a
sentence (`CourseError`) comes as status 409 with that sentence.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jupyter_server.base.handlers import APIHandler
from jupyter_server.serverapp import ServerApp
from jupyter_server.utils import url_path_join
from tornado import web

from lessonkit.learner import outline, overview, solutions, state, verbs, visible, workspace
from lessonkit.learner.errors import CourseError
from lessonkit.learner.files import read_notebook
from lessonkit.learner.outline import Exercise
from lessonkit.learner.workspace import Workspace

Answer = dict[str, Any]


def _cells(made: Workspace, exercise: Exercise) -> Answer:
    """Return the ids of the cells that checking an exercise needs, in order, as the notebook on disk has them."""
    cells = read_notebook(made.notebook(exercise.chapter))["cells"]
    return {"cells": [str(cell.get("id", "")) for cell in visible.needed_cells(cells, [exercise.id])]}


#: Each verb returns what it says as `text`, and `cells` its cells.
VERBS: dict[str, Callable[[Workspace, Exercise, Answer], Answer]] = {
    "cells": lambda made, exercise, _: _cells(made, exercise),
    "hint": lambda made, exercise, _: {"text": verbs.hint(made, exercise)},
    "solution": lambda made, exercise, asked: {"text": solutions.solution(made, exercise, bool(asked.get("give_up")))},
    "reset": lambda made, exercise, _: {"text": verbs.reset(made, [exercise])},
}


def standing(root: Path, path: str, stamp: str) -> Answer:
    """Return where one stands in the workspace around a folder of the server's, with the paths of its notebooks."""
    made = _workspace(root, path)
    now = _stamp(made)
    if now == stamp:
        return {}
    found: Answer = overview.table(outline.of(made), state.read(made.inside))
    for row in found["chapters"]:
        notebook = made.notebook(row["name"])
        row["path"] = notebook.relative_to(root).as_posix() if notebook.is_relative_to(root) else ""
    return found | {"stamp": now, "folder": made.folder.name}


def do(root: Path, asked: Answer) -> Answer:
    """Return what one verb gives; CourseError where it is refused, KeyError or TypeError where the request is none."""
    made = _workspace(root, str(asked.get("path", "")))
    if asked["verb"] == "undo":
        return {"text": verbs.undo(made)}
    exercise = outline.find(outline.of(made), f"{asked['chapter']}/{asked['exercise']}")
    return VERBS[asked["verb"]](made, exercise, asked)


def _workspace(root: Path, path: str) -> Workspace:
    """Return the workspace in or above a folder of the server's; where there is none, the only one right below its root."""
    try:
        return workspace.find(root.joinpath(*(part for part in path.split("/") if part not in ("", ".", ".."))))
    except CourseError:
        below = [folder for folder in root.iterdir() if os.path.isdir(folder / workspace.INSIDE)]
        if len(below) != 1:
            raise
        return Workspace(below[0])


def _stamp(made: Workspace) -> str:
    """Return what changes whenever the state or the released course does."""
    times = [path.stat().st_mtime_ns for path in (made.inside / state.FILE, made.released) if path.exists()]
    return "-".join(map(str, times)) or "0"


class _Handler(APIHandler):
    """Runs a function off the server's loop; a learner's error becomes its sentence."""

    async def answer(self, make: Callable[[], Answer]) -> None:
        try:
            found = await asyncio.get_running_loop().run_in_executor(None, make)
        except CourseError as error:
            self.set_status(409)
            found = {"message": str(error)}
        except (KeyError, TypeError) as error:
            raise web.HTTPError(400, f"this is no request to lessonkit: {error!r}") from error
        await self.finish(json.dumps(found))

    @property
    def root(self) -> Path:
        return Path(self.settings["server_root_dir"]).expanduser().resolve()


class _Overview(_Handler):
    @web.authenticated
    async def get(self) -> None:
        path, stamp = self.get_query_argument("path", ""), self.get_query_argument("stamp", "")
        await self.answer(lambda: standing(self.root, path, stamp))


class _Do(_Handler):
    @web.authenticated
    async def post(self) -> None:
        asked = self.get_json_body() or {}
        await self.answer(lambda: do(self.root, asked))


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(app: ServerApp) -> None:
    base = app.web_app.settings["base_url"]
    routes = [("overview", _Overview), ("do", _Do)]
    app.web_app.add_handlers(".*$", [(url_path_join(base, "lessonkit", name), handler) for name, handler in routes])  # type: ignore[no-untyped-call]
