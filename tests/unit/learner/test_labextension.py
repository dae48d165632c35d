"""The built panel is that of its sources, and is where JupyterLab looks for it."""

from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path

import pytest

from lessonkit.learner import jupyterlab
from tools import labextension
from tools.labextension import BUILT, ROOT, SOURCE, STAMP

AGAIN = "Build it again: python tools/labextension.py"


def test_the_built_panel_is_that_of_its_sources():
    assert STAMP.read_text().strip() == labextension.stamp(), f"the sources changed since the panel was built. {AGAIN}"


def test_a_changed_source_is_seen(tmp_path):
    copy = shutil.copytree(SOURCE, tmp_path / "copy", ignore=shutil.ignore_patterns("node_modules", "lib"))
    assert labextension.stamp(copy) == labextension.stamp()
    (copy / "src" / "index.ts").write_text("// another")
    assert labextension.stamp(copy) != labextension.stamp()


def test_jupyterlab_finds_what_it_loads():
    about = json.loads((BUILT / "package.json").read_text())
    assert (BUILT / about["jupyterlab"]["_build"]["load"]).is_file()
    assert BUILT.parent == jupyterlab.LABEXTENSIONS
    assert BUILT.name == about["name"]


def test_an_installation_brings_every_built_file_and_the_server_half():
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["data-files"]
    base = f"share/jupyter/labextensions/{BUILT.name}"
    found = {
        f"{target}/{path.name}": path.relative_to(ROOT).as_posix()
        for target, patterns in listed.items()
        for pattern in patterns
        for path in ROOT.glob(pattern)
    }
    wanted = {f"{base}/{path.relative_to(BUILT).as_posix()}": path.relative_to(ROOT).as_posix() for path in BUILT.rglob("*") if path.is_file()}
    assert wanted.items() <= found.items()
    (config,) = set(found) - set(wanted)
    assert config == "etc/jupyter/jupyter_server_config.d/lessonkit.json"
    assert json.loads((ROOT / found[config]).read_text()) == jupyterlab.SERVER_EXTENSION


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not here")
def test_a_rebuild_gives_the_committed_files(tmp_path):
    """In a copy, with the packages that are installed beside the sources, or new ones."""
    # the installed packages too, where there are any: a link to them would give what is built other names
    copy = shutil.copytree(SOURCE, tmp_path / "labextension", symlinks=True, ignore=lambda folder, names: {"lib"} & set(names) if Path(folder) == SOURCE else set())
    labextension.build(copy)
    made = tmp_path / "lessonkit" / "labextensions" / BUILT.name
    committed = {p.relative_to(BUILT): p.read_bytes() for p in BUILT.rglob("*") if p.is_file() and p != STAMP}
    assert {p.relative_to(made): p.read_bytes() for p in made.rglob("*") if p.is_file()} == committed, AGAIN
