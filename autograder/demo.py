"""The whole loop on a sample class, in a folder of its own: build, grade, gradebook, feedback pages, class page."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from autograder.author import build
from autograder.books import export, feedback, report
from autograder.course import chapter as ch
from autograder.course.solutions import MISTAKES, NamedSolution
from autograder.errors import AutograderError, NoSandbox
from autograder.files import write_atomically
from autograder.grade import Grading, Options
from autograder.sandbox.levels import level

#: The class: each student with what becomes of them. Three of them make a known mistake each.
ENDLESS = "def {name}(*arguments, **named):\n    while True:\n        pass\n"


def sample_class(chapter: ch.Chapter) -> dict[str, dict[str, str]]:
    """Return the students of the sample class with the solutions they write, by exercise."""
    right = {ch.grade_id_of(c): c.source for c in chapter.source.cells if ch.is_solution(c)}
    exercises = list(chapter.exercises)
    wrong: dict[str, NamedSolution] = {}
    for mistake in chapter.named(MISTAKES):
        wrong.setdefault(mistake.exercise, mistake)
    names = ("bela", "carla", "deniz")
    # mistakes in the exercises that have the most to say: the middle of the chapter
    chosen = [wrong[e] for e in exercises[1:] if e in wrong][: len(names)]
    last = exercises[-1]
    return {
        "ada": right,
        "emil": {},
        **{name: right | {m.exercise: m.code} for name, m in zip(names, chosen, strict=False)},
        "fatma": right | {last: ENDLESS.format(name=last)},
    }


def expected_mistakes(chapter: ch.Chapter) -> dict[str, str]:
    """Return which mistake each of the three students has to be told of."""
    told = {}
    known = {(m.exercise, m.code): m.name for m in chapter.named(MISTAKES)}
    for student, solutions in sample_class(chapter).items():
        for pair in solutions.items():
            if pair in known:
                told[student] = known[pair]
    return told


def write_class(root: Path, chapter: ch.Chapter) -> None:
    """Write the sample class's notebooks to `submitted/`."""
    for student, solutions in sample_class(chapter).items():
        notebook = json.loads(chapter.release_path.read_bytes())
        for cell in notebook["cells"]:
            grade_id = cell.get("metadata", {}).get("nbgrader", {}).get("grade_id")
            if grade_id in solutions:
                cell["source"] = solutions[grade_id]
        path = root / "submitted" / student / chapter.name / f"{chapter.name}.ipynb"
        write_atomically(path, json.dumps(notebook, indent=1).encode())


def run(
    root: Path,
    target: Path,
    name: str,
    with_progress: Callable[..., list[Any]],
    table: Callable[[list[Any]], None],
) -> int:
    """Run the demonstration in `target`; return 0 where everything came out as it has to, else 1."""
    _fresh(target)
    click.echo(f"building {name} from {root / 'course'}")
    build.write(target, build.make(root, name))
    shutil.copytree(root / "course" / name, target / "course" / name)
    chapter = ch.Chapter(target, name)
    write_class(target, chapter)
    sandboxed, label = level()
    if not sandboxed:
        click.echo(f"{NoSandbox(label).message} The demonstration's own class is trusted.", err=True)
    grading = Grading(target, name, Options(trusting=not sandboxed))
    click.echo(f"grading the sample class, isolation: {grading.isolation}")
    grading.confirm_isolation()
    results = with_progress(grading, lambda result: None)
    table(results)
    click.echo("\nthe gradebook:")
    _gradebook(export.rows(target, [name]))
    pages = list(feedback.write(target, name, []))
    report.write(target, name)
    problems = _problems(chapter, results)
    for problem in problems:
        click.echo(f"problem: {problem}", err=True)
    if not problems:
        _one_answer(chapter, results)
        _where_next(target, name, len(pages))
    return 1 if problems else 0


def _gradebook(rows: list[dict[str, Any]]) -> None:
    """Print nbgrader's gradebook as a table for eyes."""
    from rich.console import Console
    from rich.table import Table

    shown = Table(box=None, pad_edge=False)
    for heading in ("student", "automatic points", "by hand", "score", "waits for a person"):
        shown.add_column(heading, justify="left" if heading == "student" else "right")
    for row in rows:
        waits = "yes" if row["needs_manual_grade"] else ""
        score = f"{row['score']:g} of {row['max_score']:g}"
        shown.add_row(row["student_id"], f"{row['auto_score']:g}", f"{row['manual_score']:g}", score, waits)
    Console(soft_wrap=True).print(shown)


def _one_answer(chapter: ch.Chapter, results: list[Any]) -> None:
    """Print one wrong answer beside the sentence that its author is told."""
    wrong = sample_class(chapter)
    for result in results:
        for name, exercise in result.exercises.items():
            if exercise.mistake:
                click.echo(f"\nWhat sets this apart: {result.student} wrote, for {name},\n")
                for line in wrong[result.student][name].strip().splitlines():
                    click.echo(f"    {line}")
                click.echo("\nand is told\n")
                for line in exercise.message.splitlines():
                    click.echo(f"    {line}")
                return


def _where_next(target: Path, name: str, pages: int) -> None:
    """Print where the pages lie, and the next command for each of the three who read this."""
    click.echo(f"\n{pages} feedback pages: {target / 'feedback'}   the class page: {target / 'report' / name}.html\n")
    click.echo("to learn        course start my-course, then cd my-course and course lab")
    click.echo("to teach        autograder collect moodle.zip, then autograder grade 01 (docs/instructors.md)")
    click.echo("to write        autograder dev new course my_subject, then autograder build (CONTRIBUTING.md)")


def _fresh(target: Path) -> None:
    """Empty an earlier demonstration's folder; AutograderError where the folder is something else."""
    mark = target / ".layer-by-layer-demo"
    if target.exists() and any(target.iterdir()) and not mark.is_file():
        raise AutograderError(
            f"{target} exists and is no earlier demonstration. Choose another folder with --to."
        )
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    mark.write_text("made by `autograder demo`; safe to delete\n", encoding="utf-8")


def _problems(chapter: ch.Chapter, results: list[Any]) -> list[str]:
    found = {result.student: result for result in results}
    problems = [f"{student} has no result" for student in sample_class(chapter) if student not in found]
    if problems:
        return problems
    if found["ada"].score != found["ada"].max_score:
        problems.append(
            f"ada solved everything and earns {found['ada'].score:g} of {found['ada'].max_score:g}"
        )
    if found["emil"].score != 0:
        problems.append(f"emil wrote nothing and earns {found['emil'].score:g}")
    for student, mistake in expected_mistakes(chapter).items():
        told = [e.mistake for e in found[student].exercises.values() if e.mistake]
        if told != [mistake]:
            problems.append(f"{student} made the mistake {mistake} and was told {told}")
    endless = [e.message for e in found["fatma"].exercises.values() if e.outcome != "pass"]
    if len(endless) != 1 or "endless loop" not in endless[0]:
        problems.append(f"fatma's endless loop was not named: {endless}")
    return problems
