"""The verbs over HTTP say what the command says; what is refused is a sentence, what is no request an error."""

from __future__ import annotations

import asyncio
import json
import os

import pytest

from lessonkit.learner import server, state, workspace
from lessonkit.learner.errors import CourseError
from tests.unit.learner.conftest import CHAPTER, STUB, read, solve


def ask(made, verb, **more):
    return server.do(made.folder, {"verb": verb, "chapter": CHAPTER, "exercise": "total", "path": "", **more})


def test_where_one_stands_changes_with_the_state_and_only_then(made):
    found = server.standing(made.folder, "", "")
    (chapter,) = found["chapters"]
    assert (chapter["name"], chapter["title"], chapter["path"]) == (CHAPTER, "Sums", f"{CHAPTER}/{CHAPTER}.ipynb")
    assert [one["state"] for one in chapter["exercises"]] == ["open", "open"]
    assert found["next"] == {"chapter": CHAPTER, "id": "total"}
    assert server.standing(made.folder, CHAPTER, found["stamp"]) == {}
    for attempts, passed, again, word in ((1, "", False, "tried"), (2, state.now(), False, "done"), (2, state.now(), True, "again")):
        with state.change(made.inside) as now:
            progress = now.of(CHAPTER, "total")
            progress.attempts, progress.passed, progress.again = attempts, passed, again
        os.utime(made.inside / state.FILE, ns=(attempts, attempts + again))
        assert server.standing(made.folder, CHAPTER, found["stamp"])["chapters"][0]["exercises"][0]["state"] == word


def test_the_only_workspace_below_the_root_is_meant(made, tmp_path):
    assert server.standing(made.folder.parent, "", "")["chapters"][0]["path"] == f"{made.folder.name}/{CHAPTER}/{CHAPTER}.ipynb"
    workspace.start(made.folder.parent / "another", "sums_course")
    with pytest.raises(CourseError, match="course start"):
        server.standing(made.folder.parent, "", "")
    assert server.standing(made.folder.parent, f"{made.folder.name}/{CHAPTER}", "")["folder"] == made.folder.name


def test_verbs_say_what_the_command_says(made):
    assert ask(made, "hint") == {"text": "hint 1 of 2: look\n(1 more)"}
    assert ask(made, "cells") == {"cells": ["total", "total__values"]}
    solve(made, "total", "def total(x): return 7")
    assert "total: as released" in ask(made, "reset")["text"]
    assert next(c["source"] for c in read(made)["cells"] if c["id"] == "total") == STUB.format("total")
    assert "taken back: reset of total" in ask(made, "undo")["text"]
    with pytest.raises(CourseError, match="opens after the pass"):
        ask(made, "solution")


def test_the_state_that_is_damaged_is_said(made):
    (made.inside / state.FILE).write_text("{")
    assert "could not be read" in server.standing(made.folder, "", "")["note"]


def test_over_http(made, monkeypatch):
    """The routes, with a server around them: an answer, a sentence with 409, and 400 for what is no request."""
    from tornado.httpclient import AsyncHTTPClient
    from tornado.httpserver import HTTPServer
    from tornado.testing import bind_unused_port
    from tornado.web import Application

    class _App:
        web_app = Application([], base_url="/", server_root_dir=str(made.folder), allow_unauthenticated_access=True, disable_check_xsrf=True, headers={})

    server._load_jupyter_server_extension(_App)
    monkeypatch.setattr(server._Handler, "get_current_user", lambda self: "ada")
    monkeypatch.setattr(server._Handler, "prepare", lambda self: None)

    async def talk():
        socket, port = bind_unused_port()
        listening = HTTPServer(_App.web_app)
        listening.add_socket(socket)
        client, base = AsyncHTTPClient(), f"http://127.0.0.1:{port}/lessonkit"

        async def post(body):
            answer = await client.fetch(f"{base}/do", method="POST", body=json.dumps(body), raise_error=False)
            return answer.code, answer.body.decode()

        first = await client.fetch(f"{base}/overview?path={CHAPTER}")
        asked = {"chapter": CHAPTER, "exercise": "total", "path": ""}
        rest = [await post(asked | {"verb": verb}) for verb in ("hint", "solution", "dance")]
        listening.stop()
        await listening.close_all_connections()
        return json.loads(first.body), rest

    overview, (hint, solution, dance) = asyncio.run(talk())
    assert overview["folder"] == made.folder.name
    assert (hint[0], json.loads(hint[1])["text"].split("\n")[0]) == (200, "hint 1 of 2: look")
    assert solution[0] == 409
    assert "opens after the pass" in json.loads(solution[1])["message"]
    assert dance[0] == 400
