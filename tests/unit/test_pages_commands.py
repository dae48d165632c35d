"""docs/: every command that a page shows exists, with the options that it is shown with."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from autograder.cli import main as autograder
from lessonkit.learner.cli import main as course

DOCS = Path(__file__).resolve().parents[2] / "docs"
PROGRAMS: dict[str, click.Command] = {"autograder": autograder, "course": course}
#: page -> verbs that it has to show, so that a page that was emptied is seen
PAGES = {
    "instructors.md": {"doctor", "build", "collect", "import", "extend", "grade", "feedback", "report", "export", "atlas"},
    "authors.md": {"course", "chapter", "build", "rehearse", "mutate", "pull", "grade", "feedback", "report", "export", "atlas"},
    "operators.md": {"doctor", "grade"},
    "jupyterhub.md": {"doctor", "build", "import", "grade", "feedback"},
    "scaling.md": {"grade"},
    "learners.md": {"start", "lab", "next", "check", "hint", "solution", "reset", "undo", "review", "plan", "update", "export", "import"},
}


def commands(page: str) -> list[list[str]]:
    """Return the words of each command on a page, from blocks of shell and from lines in backticks."""
    text = (DOCS / page).read_text(encoding="utf-8")
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
    named = "|".join(PROGRAMS)
    lines = re.findall(rf"(?:^\s*|&& )((?:{named}) [^&\n]+)", blocks, re.MULTILINE) + re.findall(rf"`((?:{named}) [^`]+)`", text)
    return [shlex.split(line, comments=True) for line in lines]


def unknown(words: list[str]) -> tuple[str, str]:
    """Return the verb that a command comes to, and what of it is not there, '' where all is."""
    command: click.Command = PROGRAMS[words[0]]
    rest = words[1:]
    while isinstance(command, click.Group) and rest:
        if rest[0] not in command.commands:
            return "", rest[0]
        command = command.commands[rest.pop(0)]
    if command.context_settings.get("ignore_unknown_options"):  # handed on to a command with options of its own
        return command.name or "", ""
    options = {flag for parameter in command.params for flag in parameter.opts}
    return command.name or "", next((word for word in rest if word.startswith("--") and word not in options), "")


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_a_page_is_one(page):
    found = {" ".join(words): unknown(words) for words in commands(page)}
    assert {line: bad for line, (_, bad) in found.items() if bad} == {}
    assert {verb for verb, _ in found.values()} >= PAGES[page]


def test_a_wrong_verb_and_a_wrong_option_are_seen():
    assert unknown(["autograder", "grad", "01"])[1] == "grad"
    assert unknown(["autograder", "grade", "01", "--jbos", "3"])[1] == "--jbos"


def test_pages_that_name_tests_name_those_that_exist():
    tests = "\n".join(path.read_text(encoding="utf-8") for path in DOCS.parent.joinpath("tests").rglob("test_*.py"))
    named = re.findall(r"`(test_\w+)`", (DOCS / "operators.md").read_text(encoding="utf-8"))
    assert named
    assert [name for name in named if f"def {name}(" not in tests] == []
