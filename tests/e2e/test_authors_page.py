"""docs/authors.md: what stands in its blocks runs as it stands, in its order, from an empty folder to a graded class."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from autograder.sandbox.levels import level

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "authors.md").read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="the page's commands are a POSIX shell's")
def test_an_hour_of_an_author(tmp_path):
    script = "\n".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL))
    assert len(re.findall(r"^autograder ", script, re.MULTILINE)) >= 12
    if not level()[0]:
        script = script.replace("autograder grade 01", "autograder grade 01 --i-trust-these-students")
    bin_ = tmp_path / "bin"
    bin_.mkdir()
    (bin_ / "autograder").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m autograder "$@"\n', encoding="utf-8")
    (bin_ / "autograder").chmod(0o755)
    environment = dict(os.environ) | {"PATH": f"{bin_}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(["bash", "-ec", script], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-3_000:]
    made = tmp_path / "statistics"
    assert (made / "feedback" / "ada" / "01_first" / "01_first.html").is_file()
    assert (made / "report" / "01_first.html").is_file()
    assert (made / "atlas" / "01_first" / "middle.html").is_file()
    assert "ada" in done.stdout.split("wrote atlas/index.html")[-1]
