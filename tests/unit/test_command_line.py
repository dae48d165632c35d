"""The command line itself: old code pages, settings of nbgrader's that are not followed."""

from __future__ import annotations

import io
import subprocess
import sys
from types import SimpleNamespace

import pytest

from autograder import doctor
from autograder.sandbox import bwrap
from lessonkit.plain_text import print_what_can_be_printed


def test_a_pipe_of_an_old_code_page_shows_what_it_can(monkeypatch):
    out = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(out, encoding="ascii"))
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(io.BytesIO(), encoding="cp1252"))
    print_what_can_be_printed()
    print("Müller: 3 × 2 → 6")
    print("Müller: 3 × 2 → 6", file=sys.stderr)
    sys.stdout.flush()
    assert out.getvalue() == b"M?ller: 3 ? 2 ? 6\n"


def test_a_setting_that_is_not_followed_is_said(tmp_path):
    config = tmp_path / "nbgrader_config.py"
    config.write_text("c = get_config()\nc.CourseDirectory.submitted_directory = 'submitted'\nc.CourseDirectory.course_id = 'x'\n")
    assert doctor._not_honoured(tmp_path) == []
    config.write_text("c = get_config()\nc.CourseDirectory.submitted_directory = 'eingereicht'\n")
    [finding] = doctor._not_honoured(tmp_path)
    assert (finding.status, finding.what) == ("broken", "c.CourseDirectory.submitted_directory = 'eingereicht' is not followed")


def test_what_can_be_imported_here_and_not_in_a_run_is_named_with_where_it_lies(tmp_path, monkeypatch):
    (tmp_path / "my_own_helper.py").touch()
    monkeypatch.syspath_prepend(tmp_path)

    def run(cells, **_):
        """Look as a run does: without the folders that somebody put on the path."""
        done = subprocess.run([sys.executable, "-I", "-c", cells[0].source], capture_output=True, text=True, check=True)
        return SimpleNamespace(frames={"imports": {"output": done.stdout}})

    lost = doctor._not_inside(SimpleNamespace(run=run), ["json", "my_own_helper", "nobody_has_this"])
    assert lost == {"my_own_helper": str(tmp_path / "my_own_helper.py")}
    finding = doctor._same_inside(lost)
    assert (finding.status, "my_own_helper" in finding.detail) == ("broken", True)
    assert "-m pip install" in finding.detail
    assert doctor._same_inside({}).status == "ok"


@pytest.mark.parametrize(("system", "said"), [("darwin", "YES"), ("linux", None)])
def test_macos_is_told_that_a_warm_process_forks_with_its_frameworks_loaded(monkeypatch, system, said):
    monkeypatch.setattr(bwrap.sys, "platform", system)
    assert bwrap.plain_environment(None).get("OBJC_DISABLE_INITIALIZE_FORK_SAFETY") == said
