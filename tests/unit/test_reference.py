"""The pages of reference are what the commands and docstrings say."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from tools import reference

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.fixture(scope="module")
def pages():
    return reference.pages()


def test_the_pages_are_what_the_program_says(pages):
    for name, text in pages.items():
        assert (DOCS / name).read_text(encoding="utf-8") == text, f"{name} is out of date: python -m tools.reference"


def test_every_verb_and_every_option_has_its_line(pages):
    text = pages["reference-autograder.md"]
    assert "## `autograder students import`" in text
    assert "| `--only EXERCISE` |" in text.split("## `autograder dev rehearse`")[1].split("\n## ")[0]
    assert "## `course`" in pages["reference-course.md"]  # what the bare command does


def test_what_notebooks_call_has_signature_and_words(pages):
    kit = pages["reference-lessonkit.md"]
    close = kit.split("### `check.close`")[1].split("\n### ")[0]
    assert "close(behaviour: str" in close
    assert len(close.split("```")[2].split()) > 10


def test_an_example_in_a_docstring_stands_as_code():
    assert reference._prose("Says:\n\n    f(1)\n\n    g(2)\n\nAnd more.") == ["Says:", "", "```python", "f(1)", "", "g(2)", "```", "", "And more."]


def test_a_hidden_option_is_not_shown():
    @click.command()
    @click.option("--shown", help="a | b")
    @click.option("--secret", hidden=True)
    def verb(shown, secret):
        """Do it."""

    page = reference.command_page(verb, "verb", "What.")
    assert "| `--shown TEXT` | a \\| b |" in page
    assert "secret" not in page
