"""Read the named solutions beside a chapter: `mistakes.py` (wrong, with a help), `variants.py` (right, unusual) and
`refused.py` (wrong, and nobody's mistake in particular).

All three are percent-format text of one form. Each cell is titled `# %% exercise: name`, begins with notes, and
holds what would stand in the solution cell:

    # %% relu: zero_passes
    # help: at h == 0 the gradient is 0 by definition; ask `h > 0`
    #   (a note goes on where a comment is indented)
    # hidden_only: why no visible check can show it
    def relu_backward(grad_out, h):
        …

A long solution may say what it changes in another (`reference` is the chapter's own):

    # %% tensor: adds_twice
    # help: …
    # from: reference
    # replace: grad = a + b
    # with: grad = a + b + b
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from autograder.errors import AutograderError

MISTAKES, VARIANTS, REFUSED = "mistakes.py", "variants.py", "refused.py"
_TITLE = re.compile(r"^# %% (\w+): (\w+)[ \t]*$", re.MULTILINE)
_NOTE = re.compile(r"^# (help|hidden_only|names|from): ?(.*)$")
_MORE = re.compile(r"^#  +(.*)$")
_CHANGE = re.compile(r"^# (replace|with): ?(.*)$")


@dataclass(frozen=True)
class NamedSolution:
    """A whole solution cell under a name."""

    exercise: str
    name: str
    code: str
    #: what a student with this mistake is told
    help: str = ""
    #: why no visible check can show the mistake, "" where one does
    hidden_only: str = ""
    #: what the message that refuses it has to name, "" where anything will do
    names: str = ""

    def unnamed(self, message: str) -> str:
        """Return what a message had to name and does not, "" where it does, wherever its lines break."""
        return "" if self.names in " ".join(message.split()) else self.names


def read(path: Path, references: dict[str, str] | None = None) -> list[NamedSolution]:
    """Return the named solutions of a file in order; [] where there is no such file.

    `references` are the chapter's own solutions by exercise, for `# from: reference`. Raises AutograderError where
    a solution is made from one that is not there, or replaces what does not stand there exactly once.
    """
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8")
    titles = list(_TITLE.finditer(text))
    ends = [*(title.start() for title in titles[1:]), len(text)] if titles else []
    found: list[NamedSolution] = []
    for title, end in zip(titles, ends, strict=True):
        notes, body = _notes(text[title.end() : end])
        exercise, name = title[1], title[2]
        if "from" in notes:
            base = _base(path, exercise, notes["from"], found, references or {})
            body = _changed(path, f"{exercise}: {name}", base, body)
        found.append(
            NamedSolution(
                exercise, name, body, notes.get("help", ""), notes.get("hidden_only", ""), notes.get("names", "")
            )
        )
    return found


def _notes(text: str) -> tuple[dict[str, str], str]:
    lines = text.strip("\n").split("\n")
    notes: dict[str, str] = {}
    key = ""
    while lines:
        if note := _NOTE.match(lines[0]):
            key = note[1]
            notes[key] = note[2].strip()
        elif key and (more := _MORE.match(lines[0])):
            notes[key] = f"{notes[key]} {more[1].strip()}".strip()
        else:
            break
        lines.pop(0)
    return notes, "\n".join(lines).strip("\n") + "\n"


def _base(
    path: Path, exercise: str, name: str, found: list[NamedSolution], references: dict[str, str]
) -> str:
    if name == "reference" and exercise in references:
        return references[exercise]
    earlier = {one.name: one.code for one in found if one.exercise == exercise}
    if name in earlier:
        return earlier[name]
    known = ", ".join(earlier) or "none"
    raise AutograderError(f"{path}: `# from: {name}` names no earlier solution of {exercise} (there: {known}, and reference).")


def _changed(path: Path, where: str, base: str, body: str) -> str:
    """Return `base` with every `# replace:` block of `body` replaced by the `# with:` block after it."""
    parts: list[tuple[str, list[str]]] = []
    for line in body.rstrip("\n").split("\n"):
        if change := _CHANGE.match(line):
            parts.append((change[1], [change[2]] if change[2] else []))
        elif parts:
            parts[-1][1].append(line)
        elif line.strip():
            raise AutograderError(f"{path}: {where}: after `# from:` only `# replace:` and `# with:` blocks may stand, not {line!r}.")
    blocks = [(kind, "\n".join(lines)) for kind, lines in parts]
    if len(blocks) % 2:
        raise AutograderError(f"{path}: {where}: a `# replace:` block wants its `# with:` block.")
    for (one, old), (other, new) in zip(blocks[::2], blocks[1::2], strict=True):
        if (one, other) != ("replace", "with") or base.count(old) != 1 or not old:
            raise AutograderError(f"{path}: {where}: {old[:60]!r} stands {base.count(old)} times in what it is replaced in, not once.")
        base = base.replace(old, new)
    return base
