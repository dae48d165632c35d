"""Read the named solutions beside a chapter: `mistakes.py` (wrong ones) and `variants.py` (right, unusual ones).

Both are percent-format text. Each cell is titled `# %% exercise: name`, begins (in mistakes.py) with
`# help: …` lines, and holds what would stand in the solution cell.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_TITLE = re.compile(r"^# %% (\w+): (\w+)[ \t]*$", re.MULTILINE)
_HELP = re.compile(r"^# help: ?(.*)$|^#  +(.*)$")


@dataclass(frozen=True)
class NamedSolution:
    """A whole solution cell under a name; `help` is what a student with this mistake is told."""

    exercise: str
    name: str
    code: str
    help: str = ""


def read(path: Path) -> list[NamedSolution]:
    """Return the named solutions of a file in order; [] where there is no such file."""
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8")
    titles = list(_TITLE.finditer(text))
    ends = [title.start() for title in titles[1:]] + [len(text)]
    return [_one(title, text[title.end() : end]) for title, end in zip(titles, ends, strict=True)]


def _one(title: re.Match[str], body: str) -> NamedSolution:
    lines = body.strip("\n").split("\n")
    words = []
    while lines and (found := _HELP.match(lines[0])) and (found[1] is not None or words):
        words.append((found[1] or found[2] or "").strip())
        lines.pop(0)
    return NamedSolution(title[1], title[2], "\n".join(lines).strip("\n") + "\n", " ".join(words))
