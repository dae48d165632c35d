"""docs/instructors.md: every command of the round exists with the options that it is shown with."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click

from autograder.cli import main

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "instructors.md").read_text(encoding="utf-8")


def commands() -> list[list[str]]:
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL))
    lines = re.findall(r"^\s*autograder (.+)$", blocks, re.MULTILINE) + re.findall(r"`autograder ([^`]+)`", PAGE)
    return [shlex.split(line, comments=True) for line in lines]


def test_every_command_of_the_round_parses():
    seen = set()
    for words in commands():
        command: click.Command = main
        while isinstance(command, click.Group) and words:
            name = words.pop(0)
            assert name in command.commands, (name, words)
            command = command.commands[name]
            seen.add(name)
        options = {flag for parameter in command.params for flag in parameter.opts}
        for word in words:
            if word.startswith("--"):
                assert word in options, (command.name, word)
    assert {"doctor", "build", "collect", "import", "extend", "grade", "feedback", "report", "export"} <= seen
