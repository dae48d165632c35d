"""Does an answer stand in the built book? Every line of a solution or a hidden test is looked for in every file."""

from __future__ import annotations

import html
import re
from pathlib import Path

from autograder.course import chapter as ch

_SOLUTION = re.compile(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", re.DOTALL)
_HIDDEN = re.compile(r"### BEGIN HIDDEN TESTS\n(.*?)### END HIDDEN TESTS", re.DOTALL)
_TAG = re.compile(rb"<[^>]*>")
_SPACE = re.compile(r"\s+")
#: A shorter line (`return x`, `else:`) says nothing by itself, and stands in many places.
MIN_LENGTH = 16
#: Files in which text can stand; pictures and fonts hold none.
TEXT = {".html", ".js", ".json", ".txt", ".ipynb", ".md", ".inv", ".css", ".xml", ".svg"}


def needles(root: Path) -> dict[str, str]:
    """Return line -> where it stands, for what only instructors may read: lines that no release has anywhere.

    A line of a solution that the released text shows as well (a formula of the statement, a line of a course cell)
    is no secret, and is left out.
    """
    chapters = [ch.Chapter(root, name) for name in ch.names(root, "source")]
    public = _flat("\n".join(cell.source for chapter in chapters for cell in chapter.release.cells))
    found: dict[str, str] = {}
    for chapter in chapters:
        for cell in chapter.source.cells:
            for secret in [*_SOLUTION.findall(cell.source), *_HIDDEN.findall(cell.source)]:
                for line in secret.split("\n"):
                    flat = _flat(line)
                    if len(flat) >= MIN_LENGTH and flat not in public:
                        found.setdefault(flat, f"{chapter.name}: {ch.grade_id_of(cell)}")
    return found


def leaks(root: Path, built: Path) -> list[str]:
    """Return a line for each secret that a file of the built book holds, in whatever markup."""
    secret = needles(root)
    by_start: dict[str, list[str]] = {}
    for line in secret:
        by_start.setdefault(line[:MIN_LENGTH], []).append(line)
    files = [path for path in sorted(built.rglob("*")) if path.is_file() and path.suffix in TEXT]
    return [f"{path.relative_to(built)}: {secret[line]}: {line}" for path in files for line in sorted(_found(_text_of(path), by_start))]


def _found(text: str, by_start: dict[str, list[str]]) -> set[str]:
    """Return the lines that stand in a text: thousands of them are looked for in one walk through it."""
    return {
        line
        for at in range(len(text) - MIN_LENGTH + 1)
        if (starts := by_start.get(text[at : at + MIN_LENGTH]))
        for line in starts
        if text.startswith(line, at)
    }


def _text_of(path: Path) -> str:
    """Return a file's text as a reader sees it, without markup between two words, and without any spaces."""
    raw = path.read_bytes()
    if path.suffix in (".html", ".svg", ".xml"):
        raw = _TAG.sub(b"", raw)
    text = raw.decode("utf-8", errors="replace")
    return _flat(html.unescape(text).replace('\\"', '"').replace("\\n", "\n"))


def _flat(text: str) -> str:
    return _SPACE.sub("", text)
