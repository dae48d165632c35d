"""The command line itself: old code pages, settings of nbgrader's that are not followed."""

from __future__ import annotations

import io
import sys

from autograder import doctor
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
