"""Work out what each known mistake returns on the checks a student can see, for the notebook's own diagnosis."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from nbformat import NotebookNode

from autograder.course import chapter as ch
from autograder.course import solutions
from autograder.course.settings import CourseSettings, ExerciseSettings, read_exercises
from autograder.judge.records import Frames, Records
from autograder.judge.verdict import Frame, judge_record, records_of
from autograder.rebuild.cells import reference_cells, splits_of
from autograder.rebuild.split import BEGIN_HIDDEN, END_HIDDEN, Split, hidden_lines
from autograder.sandbox.host import Template
from lessonkit.fingerprint import fingerprint
from lessonkit.forbidden import defined

#: What the notes hold of a mistake; notes of another form are made again.
FORM = b"2"
#: The base seed of a student's own notebook.
NOTEBOOK_SEED = 0


def names_defined(source: str) -> list[str]:
    """Return the names by which a notebook tells whether an exercise's code is still the same: all but `_`, which
    every test cell defines anew."""
    return sorted(defined(source) - {"_"})


def made_from(folder: Path) -> str:
    """Return the hash of the texts that a chapter's notes are worked out from, and of the notes' form."""
    digest = hashlib.sha256(FORM)
    for name in (f"{folder.name}.py", "exercises.toml", "mistakes.py"):
        path = folder / name
        digest.update(hashlib.sha256(path.read_bytes() if path.is_file() else b"").digest())
    return digest.hexdigest()


def notes_of(
    folder: Path, notebook: NotebookNode, course: CourseSettings, before: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Return the chapter's notes (lessonkit.json): hints, forbidden calls, limits, fingerprints of mistakes.

    `before` are notes made earlier; where the texts are still the same they are taken as they are, because
    running every mistake takes a while.
    """
    if before and before.get("made_from") == made_from(folder):
        return before | {"course": course.to_json()}
    settings = read_exercises(folder / "exercises.toml")
    known = solutions.read(folder / solutions.MISTAKES, ch.references_of(notebook))
    visible = without_hidden(notebook)
    found = _fingerprints(visible, known, settings, course, folder.parents[1] / ".autograder" / "records")
    notes, stubs = {}, {ch.grade_id_of(cell): cell.source for cell in notebook.cells if ch.is_solution(cell)}
    for name, exercise in ch.exercises_of(notebook, settings).items():
        mistakes = [
            {"name": m.name, "help": m.help, "at": found[m.exercise, m.name]}
            for m in known
            if m.exercise == name and found.get((m.exercise, m.name))
        ]
        notes[name] = {
            "defines": names_defined(stubs.get(name, "")),
            "hints": exercise.settings.hints, "forbidden": exercise.settings.forbidden,
            "seconds": exercise.settings.seconds, "needs": exercise.settings.needs, "mistakes": mistakes,
            "hidden": hidden_in(notebook, name),
            **({"preload": exercise.settings.preload} if exercise.settings.preload else {}),
        }  # fmt: skip
    return {"chapter": folder.name, "course": course.to_json(), "made_from": made_from(folder), "exercises": notes}


def hidden_in(notebook: NotebookNode, exercise: str) -> list[str]:
    """Return those test cells of an exercise that hold hidden checks too."""
    tests = {ch.grade_id_of(cell): cell.source for cell in notebook.cells if ch.is_test(cell)}
    return [i for i, source in tests.items() if i.partition("__")[0] == exercise and hidden_lines(source)]


def without_hidden(notebook: NotebookNode) -> NotebookNode:
    """Return a copy of a source notebook whose test cells have no hidden regions."""
    import copy

    visible = copy.deepcopy(notebook)
    for cell in visible.cells:
        if ch.is_test(cell):
            cell.source = _cut_hidden(cell.source)
    return visible


def _cut_hidden(source: str) -> str:
    kept, inside = [], False
    for line in source.split("\n"):
        if BEGIN_HIDDEN in line:
            inside = True
        elif END_HIDDEN in line:
            inside = False
        elif not inside:
            kept.append(line)
    return "\n".join(kept)


def _fingerprints(
    visible: NotebookNode, known: list[solutions.NamedSolution], settings: dict[str, ExerciseSettings], course: CourseSettings,
    cache: Path | None,
) -> dict[tuple[str, str], dict[str, Any]]:
    if not known:
        return {}
    splits = splits_of(visible, course.judges)
    found: dict[tuple[str, str], dict[str, Any]] = {}
    preload = sorted({module for table in settings.values() for module in table.preload})
    with Template(sandbox=False, preload=(*course.warm_up, *preload), package=course.package) as template:

        records = Records(template, cache, course.package)

        def run(replace: dict[str, str] | None, only: set[str] | None) -> Frames:
            return records.of(reference_cells(visible, replace, only), NOTEBOOK_SEED, lambda _: 120.0)

        right = run(None, None)
        for mistake in known:
            wrong = run({mistake.exercise: mistake.code}, {mistake.exercise})
            found[mistake.exercise, mistake.name] = at(mistake.exercise, splits, right, wrong)
    return found


def at(exercise: str, splits: dict[str, Split], right: dict[str, Frame], wrong: dict[str, Frame]) -> dict[str, Any]:
    """Return what a mistake's run shows to be wrong, by test cell of its exercise."""
    own = {i: split for i, split in splits.items() if i.partition("__")[0] == exercise and i in wrong}
    seen = {i: wrong_in(split, right.get(i, {}), wrong[i], i) for i, split in own.items()}
    return {i: one for i, one in seen.items() if one}


def wrong_in(split: Split, right: Frame, wrong: Frame, grade_id: str) -> dict[str, Any] | None:
    """Return what a mistake's run of a test cell shows to be wrong, as the notes hold it; None where nothing is.

    `wrong` lists the number of each check that does not hold and the fingerprint of what it saw; `ends` says
    after how many checks the cell broke off.
    """
    found: list[tuple[int, Any]] = []
    others = {record["i"]: record for record in records_of(wrong, grade_id)}
    wanted = records_of(right, grade_id)
    for record in wanted:
        other = others.get(record["i"])
        if other is None:
            continue
        message = judge_record(record, other, split.sites[record["site"]])
        if message is None:
            continue
        finding = split.sites[record["site"]].check == "that" and "value" in other
        found.append((record["i"], fingerprint(other | ({"finding": message.where} if finding else {}))))
    if not found:
        return None
    return {"wrong": found, **({"ends": len(others)} if len(others) < len(wanted) else {})}
