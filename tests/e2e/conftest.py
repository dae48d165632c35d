from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from autograder.cli import main
from autograder.grade import Grading, Options
from autograder.sandbox.levels import level
from tests.e2e.classroom import Classroom


@pytest.fixture
def classroom(tmp_path):
    return Classroom(tmp_path / "course")


@pytest.fixture
def grade():
    """Grade a classroom and return its results by student."""

    def run(classroom, **options):
        sandboxed, _ = level()
        options.setdefault("jobs", 1)
        grading = Grading(classroom.root, classroom.name, Options(trusting=not sandboxed, **options))
        return {result.student: result for result in grading.run()}

    return run


@pytest.fixture
def cli():
    """Run the command line in this process; returns click's result."""

    def run(*arguments, **kwargs):
        return CliRunner().invoke(main, [str(a) for a in arguments], **kwargs)

    return run


@pytest.fixture
def json_lines():
    return lambda text: [json.loads(line) for line in text.splitlines() if line.strip()]
