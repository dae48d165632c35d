"""What the last rehearsal and the last mutation of a chapter showed, kept beside its text as `proof.json`.

Trying all named solutions of all chapters takes longer than a suite that runs every day may take. So what a run
showed is kept with the content key of what was tried, an exercise at a time, and the everyday suite holds the key
to the text and the figures to the README. A key that is not the text's says which command to type. The key covers
the chapter's code and settings, the tests of the exercise and of those that depend on it, and its named solutions.
What the engine does is held by `make test-all`, which tries everything again.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from autograder.author.desk import Desk
from autograder.author.trials import apart, figures, told
from autograder.author.tryout import Tried
from autograder.files import write_atomically
from autograder.judge import keys

FILE = "proof.json"
Kind = Literal["rehearsed", "mutated"]


def read(root: Path, chapter: str) -> dict[str, dict[str, Any]]:
    """Return what is kept of a chapter: `rehearsed` and `mutated`, by exercise; empty where nothing is."""
    path = root / "course" / chapter / FILE
    if not path.is_file():
        return {"rehearsed": {}, "mutated": {}}
    return dict(json.loads(path.read_text(encoding="utf-8")))


def keep_rehearsed(desk: Desk, tried: list[Tried]) -> None:
    """Keep what a rehearsal of some or all exercises of a chapter showed."""
    entries = {}
    for exercise in dict.fromkeys(one.exercise for one in tried):
        own = [one for one in tried if one.exercise == exercise]
        known = [one for one in desk.mistakes if one.exercise == exercise]
        findings = {f"{one.kind} {one.name}": found for one in own if (found := told(one, known) + apart(one))}
        entries[exercise] = asdict(figures(own, known)) | {"tried": len(own), "findings": findings}
    _keep(desk, "rehearsed", entries)


def keep_mutated(desk: Desk, entries: dict[str, dict[str, Any]]) -> None:
    """Keep, by exercise, how many mutants were tried, survive without a reason, and are the same function."""
    _keep(desk, "mutated", entries)


def stale(desk: Desk, kind: Kind) -> list[str]:
    """Return the exercises of a chapter whose text is not the one that was tried."""
    kept = read(desk.chapter.root, desk.chapter.name)[kind]
    return [name for name in desk.right if kept.get(name, {}).get("of") != _key(desk, name, kind)]


_COLUMNS = {
    "rehearsed": {"mistakes": "known mistakes", "own": "told their own help", "foreign": "told another's", "hidden_only": "shown by hidden checks only"},
    "mutated": {"tried": "mutants", "survive": "accepted", "same": "accepted, the same function"},
}  # fmt: skip


def table(root: Path, chapters: list[str]) -> str:
    """Return what is kept of all chapters as the table of the README."""
    heads = [head for columns in _COLUMNS.values() for head in columns.values()]
    rows = {chapter: _sums(read(root, chapter)) for chapter in chapters}
    rows["all"] = [sum(one or 0 for one in column) for column in zip(*rows.values(), strict=True)]
    lines = [f"| chapter | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    for name, row in rows.items():
        lines.append(f"| {name} | {' | '.join('not tried' if one is None else str(one) for one in row)} |")
    return "\n".join(lines)


def _sums(kept: dict[str, dict[str, Any]]) -> list[int | None]:
    """Return the figures of a chapter in the table's order, None for those of a kind that nobody has tried."""
    return [sum(one[key] for one in kept[kind].values()) if kept[kind] else None for kind, columns in _COLUMNS.items() for key in columns]


def _keep(desk: Desk, kind: Kind, entries: dict[str, dict[str, Any]]) -> None:
    root, chapter = desk.chapter.root, desk.chapter.name
    path = root / "course" / chapter / FILE
    if not (root / "source" / chapter).is_dir():  # nothing is built: a rehearsal needs no build, and leaves nothing then
        return
    found = read(root, chapter)
    kept = found[kind] | {name: {"of": _key(desk, name, kind)} | entry for name, entry in entries.items()}
    found[kind] = {name: kept[name] for name in sorted(kept) if name in desk.right}
    write_atomically(path, (json.dumps(found, indent=1, ensure_ascii=False, sort_keys=True) + "\n").encode())


def _key(desk: Desk, exercise: str, kind: Kind) -> str:
    named = [("right", desk.right[exercise])] if kind == "mutated" else desk.named(exercise)
    return keys.of_text(desk.chapter, [exercise, *desk.dependents(exercise)], [repr(one) for one in named])
