"""A devcontainer and Binder: what they read is well-formed, and every command in it exists."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from lessonkit.learner import cli

ROOT = Path(__file__).resolve().parents[2]


def targets() -> set[str]:
    return set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("path", [".devcontainer/devcontainer.json", "postBuild"])
def test_commands_that_are_named_exist(path):
    text = (ROOT / path).read_text()
    made = re.findall(r"\bmake ([\w-]+)", text)
    assert set(made) <= targets()
    learners = re.findall(r"\bcourse (\w+)", text)
    assert "start" in learners
    assert set(learners) <= set(cli.main.commands)


def test_the_devcontainer_builds_from_a_file_that_is_there_and_keeps_the_wall():
    found = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    dockerfile = ROOT / ".devcontainer" / found["build"]["dockerfile"]
    lines = dockerfile.read_text()
    assert lines.startswith("FROM python:3.11")
    assert "bubblewrap" in lines
    assert "seccomp=unconfined" in found["runArgs"]
    assert found["forwardPorts"] == [8888]


def test_binder_installs_the_course_and_makes_a_workspace():
    yaml = pytest.importorskip("yaml")
    found = yaml.safe_load((ROOT / "environment.yml").read_text())
    (pip,) = [one["pip"] for one in found["dependencies"] if isinstance(one, dict)]
    assert pip[-1] == "-e ."
    assert not (ROOT / "binder").exists(), "Binder would read nothing but that folder"
    script = ROOT / "postBuild"
    assert script.read_text().startswith("#!/bin/sh\n")
    assert os.name == "nt" or os.access(script, os.X_OK)


def test_course_lab_hands_its_options_on(monkeypatch, tmp_path):
    from lessonkit.learner import jupyterlab

    (tmp_path / ".course").mkdir()
    monkeypatch.chdir(tmp_path)
    seen: list[str] = []
    monkeypatch.setattr(jupyterlab, "open_lab", lambda made, arguments: seen.extend(arguments) or 0)
    done = CliRunner().invoke(cli.main, ["lab", "--no-browser", "--port=9999"])
    assert (done.exit_code, seen) == (0, ["--no-browser", "--port=9999"])
