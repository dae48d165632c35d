"""From GitHub without Classroom: the commands of docs/instructors.md, with repositories on this disk in GitHub's place."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys

import pytest

from tests.e2e.classroom import CHAPTER, ROOT, Classroom

pytestmark = [pytest.mark.slow, pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")]
SET_UP, COLLECT, GIVE_BACK = range(3)
ANSWERS = ("### BEGIN SOLUTION", "### BEGIN HIDDEN TESTS")


def recipe(number: int) -> str:
    """Return a block of the page's recipe."""
    page = (ROOT / "docs" / "instructors.md").read_text(encoding="utf-8").partition("## From GitHub")[2]
    return re.findall(r"```sh\n(.*?)```", page, re.DOTALL)[number]


class Desk:
    """The instructor's folder, a place for repositories, and everybody's settings of git."""

    def __init__(self, folder) -> None:
        self.room, self.hosted = Classroom(folder / "course"), folder / "hosted"
        self.hosted.mkdir()
        programs = folder / "bin"
        programs.mkdir()
        (programs / "autograder").write_text(f'#!/bin/sh\nexec {sys.executable} -m autograder "$@"\n')
        (programs / "autograder").chmod(0o755)
        self.environment = os.environ | {
            "GIT_CONFIG_GLOBAL": str(folder / "gitconfig"), "GIT_CONFIG_NOSYSTEM": "1", "PYTHONPATH": str(ROOT),
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}", "COURSE_OFFLINE": "1",
        }  # fmt: skip
        (folder / "gitconfig").write_text(
            "[user]\nname = x\nemail = x@example.org\n[init]\ndefaultBranch = main\n[safe]\ndirectory = *\n"
            f'[url "{self.hosted}/"]\ninsteadOf = "git@github.com:OWNER/"\n'
        )

    def run(self, text: str, **environment: str) -> str:
        done = subprocess.run(["bash", "-uc", text], cwd=self.room.root, env=self.environment | environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=1_500)
        assert done.returncode == 0, done.stdout
        return done.stdout

    def work(self, student: str, when: str, files: dict[str, str]) -> None:
        """Commit and push files in a student's own clone, at a time."""
        mine = self.hosted.parent / f"{student}s-laptop"
        if not mine.is_dir():
            self.run(f"git clone -q git@github.com:OWNER/homework-{student} {mine}")
        self.run(f"git -C {mine} pull -q")
        for name, text in files.items():
            (mine / name).parent.mkdir(parents=True, exist_ok=True)
            (mine / name).write_text(text)
        self.run(f"git -C {mine} add . && git -C {mine} commit -qm work && git -C {mine} push -q", GIT_COMMITTER_DATE=when)

    def rows(self) -> dict[str, float]:
        return {row["student_id"]: float(row["score"]) for row in csv.DictReader(io.StringIO(self.run("autograder export 01 2>/dev/null")))}


def test_a_round_with_repositories(tmp_path):
    desk = Desk(tmp_path)
    desk.run(f"git init -q --bare {desk.hosted}/homework")
    desk.run(recipe(SET_UP), GIT_COMMITTER_DATE="2026-09-01T08:00:00Z")
    held = desk.run("git -C homework grep -lE 'BEGIN SOLUTION|BEGIN HIDDEN TESTS' HEAD -- || true; git -C homework ls-files")
    assert sorted(held.split()) == [".gitignore", f"{CHAPTER}/{CHAPTER}.ipynb", f"{CHAPTER}/lessonkit.json"], "a template holds no answer and no hidden test"
    for student in ("ada", "bo"):  # "Use this template"
        desk.run(f"git clone -q --bare {desk.hosted}/homework {desk.hosted}/homework-{student}")
    right = {name: "\n".join(line for line in text.split("\n") if "### " not in line) for name, text in desk.room.right.items()}
    (desk.room.root / "ids.txt").write_text("ada\nbo\ncy\n")
    notebook = f"{CHAPTER}/{CHAPTER}.ipynb"
    desk.work("ada", "2026-10-03T08:30:00Z", {notebook: json.dumps(desk.room.notebook(right))})
    desk.work("ada", "2026-11-20T08:30:00Z", {"notes.txt": "for the next chapter"})

    said = desk.run(recipe(COLLECT))
    assert "not reached: cy" in said
    assert desk.rows() == {"ada": 32.0, "bo": 0.0}
    stamp = desk.room.root / "submitted" / "ada" / CHAPTER / "timestamp.txt"
    assert stamp.read_text() == "2026-10-03 08:30:00 UTC", "later work elsewhere in the clone makes nobody late"

    desk.run(recipe(GIVE_BACK))
    desk.run(recipe(COLLECT))
    assert stamp.read_text() == "2026-10-03 08:30:00 UTC", "nor does the feedback"
    page = desk.run(f"git -C {desk.hosted}/homework-ada show HEAD:feedback/{CHAPTER}.html")
    assert "32 of" in page
    assert not any(mark in page for mark in ANSWERS)

    # a history written anew is no obstacle
    laptop = tmp_path / "bos-laptop"
    desk.work("bo", "2026-10-05T08:30:00Z", {notebook: json.dumps(desk.room.notebook(right))})
    desk.run(f"git -C {laptop} commit -q --amend -m again && git -C {laptop} push -q --force", GIT_COMMITTER_DATE="2026-10-06T08:30:00Z")
    desk.run(recipe(COLLECT))
    assert desk.rows() == {"ada": 32.0, "bo": 32.0}
