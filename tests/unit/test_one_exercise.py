"""`autograder check --exercise`: one exercise with what it needs, judged as when all of them are."""

from __future__ import annotations

import json

from click.testing import CliRunner

from autograder.cli import main
from tests.unit.conftest import NOT_SORTED


def check(room, path, *arguments):
    done = CliRunner().invoke(main, ["check", str(path), "--json", "--root", str(room.root), *arguments])
    return done, [json.loads(line)["exercises"] for line in done.stdout.splitlines() if line.startswith("{")]


def test_one_exercise_is_judged_as_among_all(room):
    path = room.submit("ada", middle=NOT_SORTED)
    _, (whole,) = check(room, path)
    _, (one,) = check(room, path, "--exercise", "middle")
    assert one == {"middle": whole["middle"]}
    assert one["middle"]["mistake"] == "not_sorted"


def test_what_it_does_not_need_does_not_run(room, tmp_path):
    ran = tmp_path / "ran"
    path = room.submit("ada", spread=f"open({str(ran)!r}, 'w').close()\ndef spread(values):\n    return 1.0\n")
    check(room, path, "--exercise", "middle")
    assert not ran.exists()
    check(room, path, "--exercise", "spread")


def test_an_unknown_one_gets_a_guess(room):
    done, _ = check(room, room.submit("ada"), "--exercise", "midle")
    assert done.exit_code == 2
    assert "Did you mean 'middle'?" in done.output
