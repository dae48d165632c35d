"""Wrong answers of a class that agree with one another and are no known mistake: the next names for mistakes.py."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from autograder.course import chapter as ch
from autograder.course import solutions
from autograder.errors import AutograderError, BadNotebook
from autograder.files import write_atomically
from autograder.intake.submission import match, parse
from autograder.judge.result import Result
from autograder.rebuild.cells import stubs_of


@dataclass(frozen=True)
class Group:
    """Answers to one exercise that are wrong in the same way; `message` is what the first of them was told."""

    exercise: str
    students: tuple[str, ...]
    message: str


def groups(results: list[Result], least: int = 1) -> list[Group]:
    """Return the groups of `least` answers or more that no known mistake explains, the largest first.

    What is not written yet, was refused, or did not run to the end is nobody's group.
    """
    found: dict[tuple[str, ...], list[Result]] = defaultdict(list)
    for result in results:
        for name, exercise in result.exercises.items():
            if exercise.outcome == "not yet" and not exercise.mistake and (key := _key(result, name)):
                found[name, *key].append(result)
    made = [
        Group(key[0], tuple(sorted(one.student for one in alike)), alike[0].exercises[key[0]].message)
        for key, alike in found.items()
        if len(alike) >= least
    ]
    return sorted(made, key=lambda one: (-len(one.students), one.exercise, one.students))


def _key(result: Result, exercise: str) -> list[str]:
    """Return what an answer got wrong, by test cell; [] where nothing was observed that tells anything."""
    cells = {i: cell for i, cell in result.cells.items() if i.partition("__")[0] == exercise}
    said = {str(value) for cell in cells.values() for label, value in cell["fields"] if label == "actual"}
    if "not written yet" in said:
        return []
    seen = [f"{i} {cell.get('seen', '')}" for i, cell in sorted(cells.items()) if cell.get("seen")]
    return seen


def answer(chapter: ch.Chapter, student: str, exercise: str) -> str:
    """Return the source that a student handed in for an exercise; BadNotebook where it cannot be read."""
    path = chapter.root / "submitted" / student / chapter.name / f"{chapter.notebook}.ipynb"
    try:
        submission = match(parse(path.read_bytes()), chapter.source)
    except OSError as error:
        raise BadNotebook(f"{path} could not be read: {error}") from error
    return submission.solution_source(exercise, stubs_of(chapter.release).get(exercise, "")) or ""


def draft(root: Path, name: str, found: list[Group], number: int = 1, called: str = "name_me") -> str:
    """Return the draft of a cell for mistakes.py, made from one answer of group `number` (from 1, the largest).

    AutograderError where there is no such group, where `called` is no name, or where the exercise has a mistake of that name.
    """
    if not 1 <= number <= len(found):
        has = f"there are {len(found)}" if found else "there is none"
        raise AutograderError(f"no group {number} of unnamed answers in {name}: {has}. Run `autograder report {name}` to see them.")
    group = found[number - 1]
    notebook, _, exercise = group.exercise.rpartition("/")
    chapter = ch.Chapter(root, name, notebook)
    taken = [one.name for one in chapter.named(solutions.MISTAKES) if one.exercise == exercise]
    if not called.isidentifier() or called in taken:
        why = "is taken" if called in taken else "is no name"
        raise AutograderError(f"{called!r} {why}. Say another: `autograder dev mistakes {name} --group {number} --name what_is_wrong`.")
    code = answer(chapter, group.students[0], exercise).strip("\n").replace("# %%", "#  %%")  # no title of another cell
    what = " ".join(group.message.split())[:200]
    return f"# %% {exercise}: {called}\n# help: say what is wrong and what to do instead ({len(group.students)} answers: {what})\n\n{code}\n"


def append(root: Path, name: str, cell: str) -> Path:
    """Add a cell to a chapter's mistakes.py, made where there is none, and return its path."""
    path = root / "course" / name / solutions.MISTAKES
    before = path.read_text(encoding="utf-8").rstrip("\n") + "\n\n" if path.is_file() else ""
    write_atomically(path, f"{before}{cell}".encode())
    return path
