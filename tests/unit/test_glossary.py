"""The glossary maps house words to the field's terms; it is made from what each chapter says of its own words."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HEAD = """# Glossary

The words of this course beside the words of the field, both ways. Made from `course/NN_topic/glossary.toml`; the chapter
named is where the word is met first. A word with two rows means two things, each in its chapter.

| here | in the field | what it means | chapter |
|---|---|---|---|
"""


def words() -> list[tuple[str, str, str, str]]:
    """Return house word, the field's term, what it means, and the chapter; a word may mean another thing in another chapter."""
    found = []
    for path in sorted((ROOT / "course").glob("*/glossary.toml")):
        for word, told in tomllib.loads(path.read_text(encoding="utf-8")).items():
            assert told.keys() == {"field", "means"}, (path, word)
            found.append((word, told["field"], told["means"], path.parent.name[:2]))
    return sorted(found, key=lambda row: (row[0].lower(), row[3]))


def page() -> str:
    """Return docs/glossary.md."""
    rows = [f"| {' | '.join(row)} |" for row in words()]
    back = sorted({(field, word) for word, field, _, _ in words() if field.lower() != word.lower()}, key=lambda w: w[0].lower())
    other = ["", "## From the field's term to ours", "", "| in the field | here |", "|---|---|", *(f"| {field} | {word} |" for field, word in back)]
    return HEAD + "\n".join([*rows, *other]) + "\n"


def test_the_glossary_is_what_the_chapters_say():
    assert len(words()) > 20
    shown = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    assert shown == page(), "write it again: python -c \"from tests.unit.test_glossary import *; (ROOT/'docs/glossary.md').write_text(page())\""


def test_every_chapter_explains_its_words():
    assert {row[3] for row in words()} == {path.name[:2] for path in (ROOT / "course").glob("[0-9]*")}
