"""The command line: few verbs, each a thin function over a module function. Its help is its docstring."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from autograder.course import chapter as ch
from lessonkit.plain_text import print_what_can_be_printed, printable

ROOT = click.option(
    "--root", type=click.Path(path_type=Path, file_okay=False), default=Path("."), show_default="this folder",
    help="The course root: the folder that holds source/, release/, submitted/.",
)  # fmt: skip


def _version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted:
        from autograder import __version__

        click.echo(f"autograder, version {__version__}")
        context.exit()


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show the version and exit.")
def main() -> None:
    """Build, check and grade the course *Layer by Layer*.

    A learner needs one verb: `autograder check release/01_numpy_backprop`. An instructor's round is `build`,
    `collect`, `grade`, `feedback`, `report`, `export`. `autograder demo` shows all of it.
    """
    print_what_can_be_printed()


def _chapters(root: Path, named: tuple[str, ...], room: str = "source") -> list[str]:
    return [ch.resolve(root, name, room) for name in named] if named else ch.names(root, room)


def _root_exists(root: Path) -> None:
    if not root.is_dir():
        raise click.UsageError(f"the course root {root} does not exist. Name an existing folder with --root.")


@main.command()
@click.argument("chapters", nargs=-1)
@click.option(
    "--check", "only_check", is_flag=True, help="Write nothing; fail where a built file is out of date."
)
@click.option("--force", is_flag=True, help="Discard edits made in a source notebook.")
@ROOT
def build(chapters: tuple[str, ...], only_check: bool, force: bool, root: Path) -> None:
    """Build source and release notebooks from the text in course/."""
    from autograder.author import build as building

    _root_exists(root)
    names = _chapters(root, chapters, "course")
    if not names:
        raise click.UsageError(f"no chapters in {root / 'course'}. Name the course's folder with --root.")
    if only_check:
        for name in names:
            building.check(root, [name])
        click.echo(f"{len(names)} chapter(s) up to date")
        return
    for name in names:
        for path in building.build(root, [name], force):
            click.echo(f"wrote {path}")
    click.echo(f"{len(names)} chapter(s) built")


def _say(text: str, err: bool = False) -> None:
    """Print a line that holds a name or words of somebody else's, so that a terminal only shows them."""
    click.echo(printable(text, 2_000, keep=""), err=err)


@main.group()
def dev() -> None:
    """For authors: a new course or chapter, a chapter proved as a product, holes in its checks."""


@dev.group()
def new() -> None:
    """Write a skeleton that builds, grades and rehearses green."""


@new.command("course")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False))
@click.option("--package", default="", help="The package its notebooks import.  [default: the folder's name]")
def new_course(folder: Path, package: str) -> None:
    """Write a new course with a first chapter."""
    from autograder.author import new as making

    for path in making.course(folder, package):
        _say(f"wrote {path}")
    _say(f"Next: cd {folder}, then autograder build and autograder dev rehearse 01")


@new.command("chapter")
@click.argument("name")
@ROOT
def new_chapter(name: str, root: Path) -> None:
    """Write the text of a new chapter."""
    from autograder.author import new as making

    for path in making.chapter(root, name):
        _say(f"wrote {path}")
    _say(f"Next: autograder build {name}, then autograder dev rehearse {name}")


_PASSED_ON = {"ignore_unknown_options": True, "help_option_names": []}


@dev.command(context_settings=_PASSED_ON)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def rehearse(arguments: tuple[str, ...]) -> None:
    """Prove a chapter as a product: reference, untouched release, every mistake at the desk and in class, variants."""
    from autograder.author import rehearse as rehearsing

    rehearsing.main(list(arguments), prog_name="autograder dev rehearse")


@dev.command(context_settings=_PASSED_ON)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def mutate(arguments: tuple[str, ...]) -> None:
    """Look for holes in a chapter's checks: change each reference solution by one thing, and see what still passes."""
    from autograder.author import mutate as mutating

    mutating.main(list(arguments), prog_name="autograder dev mutate")


@dev.command()
@click.argument("chapter")
@click.option("--group", "number", type=click.IntRange(1), help="Its number on the class page.  [default: list them]")
@click.option("--name", default="name_me", show_default=True, help="What the mistake is called.")
@click.option("--write", is_flag=True, help="Add the cell to the chapter's mistakes.py; else print it.")
@ROOT
def mistakes(chapter: str, number: int | None, name: str, write: bool, root: Path) -> None:
    """Draft a cell for mistakes.py from wrong answers of a class that are alike and have no name yet."""
    from autograder.books import groups, report

    key = ch.resolve(root, chapter)
    found = groups.groups(report.results(root, key))
    if number is None:
        for place, one in enumerate(found, 1):
            _say(f"{place:>3}  {one.exercise}: {len(one.students)} answer(s), of {', '.join(one.students[:5])}{', …' if one.students[5:] else ''}")
        click.echo(f"{len(found)} group(s) of unnamed answers in {key}" + (f". Draft one: autograder dev mistakes {key} --group 1" if found else ""))
        return
    text = groups.draft(root, key, found, number, name)
    if not write:
        for line in text.splitlines():
            _say(line)
        return
    click.echo(f"wrote {groups.append(root, key, text)}")
    click.echo(f"Say in `# help:` what is wrong and what to do instead, then: autograder dev rehearse {key}")


@main.command()
@click.argument("chapter")
@ROOT
def pull(chapter: str, root: Path) -> None:
    """Bring edits of a source notebook (Create Assignment view) back into the chapter's text."""
    from autograder.author import pull as pulling

    name = ch.resolve(root, chapter)
    path = pulling.pull(root, name)
    if path is None:
        click.echo(f"{name}: the text already says the same")
        return
    click.echo(f"wrote {path}")
    click.echo(f"Look at the difference, then run `autograder build {name} --force`.")


@main.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--exercise", "only", multiple=True, metavar="ID", help="Only this exercise and what it needs; may be given again.")
@click.option("--watch", is_flag=True, help="Check again each time the notebook is saved.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a notebook and line.")
@click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="The course root, where it is not found.",
)
def check(path: Path, only: tuple[str, ...], watch: bool, as_json: bool, root: Path | None) -> None:
    """Check your own notebook, or a folder of them, with diagnosis. Nothing is stored or sent."""
    from autograder import learner
    from autograder.errors import BadNotebook

    found = learner.notebooks(path)
    checker = learner.Checker(learner.course_root(found[0], root), only)
    if checker.open:
        click.echo(f"no wall here: the notebook's code runs as you, with your files ({checker.open})", err=True)
    failed = False
    for notebook in found:
        try:
            result = checker.check(notebook)
        except BadNotebook as error:
            if len(found) == 1 and not watch:
                raise
            _say(f"{notebook}: {error.reason}", err=True)
            failed = True
            continue
        _show(result, notebook, as_json)
    if watch:
        click.echo(f"watching {path}; save the notebook to check it again, Ctrl-C ends", err=True)
        for changed in checker.watch(path):
            try:
                _show(checker.check(changed), changed, as_json)
            except BadNotebook as error:
                _say(f"{changed}: {error.reason}", err=True)
    sys.exit(1 if failed else 0)


def _show(result: Any, notebook: Path, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(result.to_json(), ensure_ascii=True))
        return
    passed = sum(e.outcome == "pass" for e in result.exercises.values())
    _say(f"{notebook}")
    for name, exercise in result.exercises.items():
        click.echo(f"  {exercise.outcome:<14}{name} ({exercise.score:g} of {exercise.max_score:g} points)")
        if exercise.outcome != "pass" and "not written yet" not in exercise.message:
            for line in exercise.message.split("\n"):
                _say(f"      {line}")
    click.echo(
        f"{passed} of {len(result.exercises)} exercises pass, {result.score:g} of {result.max_score:g} points"
    )


@main.command()
@click.argument("archives", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--pattern", help="Regular expression with a group `student` for names inside the archive.")
@ROOT
def collect(archives: tuple[Path, ...], pattern: str | None, root: Path) -> None:
    """Put zips or folders from a learning-management system into submitted/."""
    from autograder.books import roster, teams
    from autograder.intake import collect as collecting

    taken = refused = 0
    listed = roster.by_name(root)
    for archive in archives:
        for one in collecting.collect(root, archive, pattern, listed):
            if one.path is None:
                refused += 1
                _say(f"refused {one.member}: {one.reason}", err=True)
            else:
                taken += 1
                _say(f"wrote {one.path}" + (f" ({one.note})" if one.note else ""))
    for name in ch.names(root):
        for line in teams.share(root, name):
            _say(line)
    click.echo(f"{taken} notebook(s) collected, {refused} refused")
    if refused or not taken:
        sys.exit(1)


@main.command()
@click.argument("chapter")
@click.option("--student", "students", multiple=True, help="Only this student; may be given again.")
@click.option("--jobs", type=click.IntRange(1), help="How many at once.  [default: one a core]")
@click.option("--engine", type=click.Choice(["local", "dask"]), default="local", show_default=True)
@click.option("--scheduler", help="Address of a Dask scheduler, with --engine dask.")
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON object a submission and line on stdout, nothing else."
)
@click.option("--all-students", is_flag=True, help="A row, too, for everybody on the roster who handed in nothing.")
@click.option("--force", is_flag=True, help="Run again what was graded before.")
@click.option("--dry-run", is_flag=True, help="Show what a regrade would change; change nothing.")
@click.option(
    "--cold", is_flag=True, help="Start a fresh process for every submission (slow; the same results)."
)
@click.option(
    "--i-trust-these-students", "trusting", is_flag=True, help="Grade without a sandbox where there is none."
)
@click.option(
    "--wall", type=click.Choice(["bwrap", "bwrap-noproc"]), default="bwrap", show_default=True,
    help="bwrap-noproc: the weaker one, for a container whose /proc is masked.",
)
@ROOT
def grade(
    chapter: str, students: tuple[str, ...], jobs: int | None, engine: str, scheduler: str | None, as_json: bool,
    all_students: bool, force: bool, dry_run: bool, cold: bool, trusting: bool, wall: str, root: Path,
) -> None:  # fmt: skip
    """Grade submitted/ into the gradebook. Stop it anywhere and run it again: nothing is lost or done twice."""
    from autograder.errors import GotOut, NothingHandedIn
    from autograder.grade import Grading, Options, SandboxBroke
    from autograder.judge.merged import merged

    _root_exists(root)
    if scheduler and engine != "dask":
        raise click.UsageError("--scheduler goes with --engine dask.")
    name = ch.resolve(root, chapter)
    options = Options(
        list(students), jobs or 0, trusting, force, dry_run, not cold, engine == "dask", scheduler, wall
    )
    parts = [Grading(root, name, options, part.notebook) for part in ch.parts(root, name)]
    click.echo(
        f"isolation: {parts[0].isolation}" + (f"; data: {parts[0].data_line}" if parts[0].data_line else ""),
        err=True,
    )
    try:
        parts[0].confirm_isolation()
    except SandboxBroke as error:
        raise GotOut(str(error)) from error

    def say(result: Any) -> None:
        if as_json:
            click.echo(json.dumps(result.to_json(), ensure_ascii=True))

    if len(parts) == 1:
        results = _with_progress(parts[0], say)
    else:
        results = merged(name, {part.chapter.notebook: _with_progress(part, lambda _: None) for part in parts})
        for result in results:
            say(result)
    absent = _absent(root, name, parts, results) if results and not students else []
    if all_students:
        for one in absent:
            say(one)
    if not as_json:
        _table([*results, *absent] if all_students else results)
    if absent:
        _say(f"{len(absent)} on the roster handed in nothing: {', '.join(one.student for one in absent)}", err=True)
    if dry_run:
        _would_change(parts)
    if not results:
        raise NothingHandedIn(root / "submitted" / "STUDENT" / name / f"{name}.ipynb")
    if attention := [r for r in results if r.status == "error" or (r.reason or "").startswith("needs attention")]:
        click.echo(f"{len(attention)} submission(s) need attention: the checker or this machine failed, not the student", err=True)
        sys.exit(1)


def _absent(root: Path, name: str, parts: list[Any], results: list[Any]) -> list[Any]:
    """Return a row, status missing, for everybody on the roster of whom there is nothing."""
    from autograder.books import roster
    from autograder.judge.merged import merged

    there = {result.student for result in results}
    students = [student for student in roster.absent(root, name) if student not in there]
    rows = {part.chapter.notebook: [part.absent(student) for student in students] for part in parts}
    return merged(name, rows) if len(parts) > 1 else next(iter(rows.values()))


def _with_progress(grading: Any, each: Callable[[Any], None]) -> list[Any]:
    """Run a grading under a progress bar on stderr with rate and time left."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        TextColumn("left"), TimeRemainingColumn(),
    )  # fmt: skip
    console = Console(stderr=True)
    results = []
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(f"grading {grading.chapter.name}", total=None)
        announce = _announce(grading)
        for result in grading.run(lambda total: progress.update(task, total=total), announce):
            results.append(_slim(result))
            each(result)
            progress.advance(task)
    return results


def _slim(result: Any) -> Any:
    """Keep a thousand results without their records."""
    result.cells = {}
    return result


def _table(results: list[Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for heading in ("student", "status", "points", "not passed yet"):
        table.add_column(heading, justify="right" if heading == "points" else "left")
    for result in sorted(results, key=lambda r: r.student):
        rest = [
            f"{name} ({e.mistake})" if e.mistake else name
            for name, e in result.exercises.items()
            if e.outcome not in ("pass", "untested")
        ]
        note = result.reason or ((", ".join(rest) if len(rest) < len(result.exercises) else "everything") if rest else "")
        note = "; ".join(filter(None, [note, *result.notes]))
        from rich.text import Text

        table.add_row(
            Text(printable(result.student, keep="")),
            result.status,
            f"{result.score:g} of {result.max_score:g}",
            Text(printable(note, 1_000, keep="")),
        )
    Console(soft_wrap=True).print(table)


def _announce(grading: Any) -> Callable[[list[Any], Path | None], None]:
    """Return what says which scores are about to change, and how to have the old ones back."""

    def say(changes: list[Any], kept: Path | None) -> None:
        _say_revision(grading)
        click.echo(f"{len(changes)} score(s) in the gradebook change:", err=True)
        _list(changes)
        if kept is not None:
            click.echo(f"The gradebook as it was: {kept}. To have it back: cp {kept} {grading.root / 'gradebook.db'}", err=True)

    return say


def _say_revision(grading: Any) -> None:
    """Say how the chapter's own cells changed since the class was graded."""
    if grading.revision is None:
        return
    name = grading.chapter.name
    click.echo(f"{name} changed since it was graded:", err=True)
    for line in grading.revision.lines():
        _say(f"  {line}", err=True)
    if grading.options.students:
        click.echo(f"Only those named are graded anew; the others: autograder grade {name}", err=True)


def _list(changes: list[Any]) -> None:
    for change in changes:
        _say(f"  {change.student}: {change.before:g} -> {change.after:g}", err=True)


def _would_change(parts: list[Any]) -> None:
    _say_revision(parts[0])
    changes = [change for part in parts for change in part.changes]
    click.echo(f"{len(changes)} score(s) would change", err=True)
    _list(changes)
    click.echo(f"Nothing was written. Apply it: autograder grade {parts[0].chapter.name}", err=True)


@main.command()
@click.argument("chapter")
@click.option("--student", "students", multiple=True, help="Only this student; may be given again.")
@click.option("--force", is_flag=True, help="Write pages again whose inputs did not change.")
@click.option("--jobs", type=click.IntRange(1), help="How many at once.  [default: one a core]")
@click.option(
    "--zip", "system", type=click.Choice(["moodle", "canvas"]),
    help="Also write the zip that the system takes back, under the names it handed out.",
)
@ROOT
def feedback(chapter: str, students: tuple[str, ...], force: bool, jobs: int | None, system: str | None, root: Path) -> None:  # fmt: skip
    """Write students' feedback pages to feedback/; only those that changed."""
    from autograder.books import feedback as pages
    from autograder.books import feedback_zip
    from autograder.engine import workers

    name = ch.resolve(root, chapter)
    run = pages.Run(root, name, list(students), force=force, jobs=jobs or workers())
    _pages_with_progress(run)
    if run.unchanged:
        click.echo(f"{run.unchanged} page(s) are as they were")
    if system:
        made = feedback_zip.write(root, name, system)
        for line in made.said:
            _say(line, err=True)
        click.echo(f"wrote {made.path} ({made.count} page(s))")
    if run.failed:
        from autograder.errors import AutograderError

        raise AutograderError("\n".join(run.failed))


def _pages_with_progress(run: Any) -> None:
    """Write pages under a progress bar on stderr, a line for each where there is no terminal to draw one."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    for path in track(run.pages(), "feedback", total=len(run.todo), console=console, disable=not console.is_terminal):
        if not console.is_terminal:
            _say(f"wrote {path}")


@main.command()
@click.argument("chapter", required=False)
@ROOT
def report(chapter: str | None, root: Path) -> None:
    """Write the class page of a chapter; without CHAPTER every chapter's, and the course's."""
    from autograder.books import report as reporting

    paths = [reporting.write(root, ch.resolve(root, chapter))] if chapter else reporting.write_all(root)
    for path in paths:
        click.echo(f"wrote {path}")


@main.command()
@click.argument("chapter")
@click.option(
    "--to", "target", type=click.Path(path_type=Path, file_okay=False), default=Path("answers"), show_default=True,
    help="The folder to write to.",
)
@ROOT
def answers(chapter: str, target: Path, root: Path) -> None:
    """Write all answers as plain files, without what was handed out: for a tool that looks for copies."""
    from autograder.books import handed_answers
    from autograder.errors import NothingHandedIn

    name, count = ch.resolve(root, chapter), 0
    for student, said in handed_answers.write(root, name, target):
        _say(f"{student}: {said}")
        count += 1
    if not count:
        raise NothingHandedIn(root / "submitted" / "STUDENT" / name / f"{name}.ipynb")
    click.echo(f"wrote {target / name}: a folder for each exercise, with a file for each student; the base code is in {handed_answers.BASE}")


@main.command()
@click.argument("chapters", nargs=-1)
@click.option("--exercise", "exercises", multiple=True, help="Only this exercise; may be given again.")
@click.option("--jobs", type=click.IntRange(1), default=2, show_default=True, help="How many solutions at once.")
@click.option(
    "--to", "target", type=click.Path(path_type=Path, file_okay=False), default=Path("atlas"), show_default=True,
    help="The folder of the pages. They hold solutions.",
)
@ROOT
def atlas(chapters: tuple[str, ...], exercises: tuple[str, ...], jobs: int, target: Path, root: Path) -> None:
    """Write the atlas of mistakes: each as a change of the reference, what sees it, how often a class made it."""
    from autograder.author import atlas as mapping

    _root_exists(root)
    rows = []
    for name in mapping.chapters_of(root, chapters):
        for row in mapping.write(root, name, target, set(exercises) or None, jobs):
            rows.append(row)
            click.echo(f"wrote {target / row.page}")
    click.echo(f"wrote {mapping.write_contents(rows, target)}")


@main.command()
@click.argument("chapters", nargs=-1)
@click.option(
    "--format", "form", type=click.Choice(["csv", "canvas", "moodle", "xlsx"]), default="csv", show_default=True
)
@click.option("--by", type=click.Choice(["chapter", "exercise"]), default="chapter", show_default=True)
@click.option(
    "--missing", type=click.Choice(["zero", "empty"]), default="zero", show_default=True,
    help="What stands where nothing was handed in.",
)
@click.option(
    "--into", "template", type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="Fill in the table that Canvas or Moodle lets you download; it is kept, and a copy is written.",
)
@click.option("--column", "named", multiple=True, help="CHAPTER=HEADING, where --into's headings do not say it.")
@click.option(
    "--to", "target", type=click.Path(path_type=Path, dir_okay=False),
    help="Write to this file.  [default: stdout; with --into a file beside it]",
)
@ROOT
def export(
    chapters: tuple[str, ...], form: str, by: str, missing: str, template: Path | None, named: tuple[str, ...], target: Path | None, root: Path
) -> None:  # fmt: skip
    """Export grades as a table, or into Canvas's or Moodle's own."""
    from autograder.books import export as exporting
    from autograder.books import lms

    _root_exists(root)
    if named and template is None:
        raise click.UsageError("--column goes with --into.")
    if form == "xlsx" and target is None:
        raise click.UsageError("a workbook goes to a file: --format xlsx --to grades.xlsx")
    found = exporting.graded(root, _chapters(root, chapters) if chapters else [])
    if missing == "empty":
        found = exporting.without_missing(found)
    if waits := exporting.waiting(found):
        _say(f"{len(waits)} score(s) are not final, a person still has points to give: {', '.join(waits[:10])}{', …' if waits[10:] else ''}", err=True)
    if template is None:
        lines = exporting.table(root, found, form, by)
        if target is None:
            from autograder.books.tables import to_csv

            click.echo(to_csv(lines), nl=False)
            return
        _write(target, exporting.content(lines, target, form))
        return
    people = lms.People.of(root, list({row["student_id"]: row for row in found}.values()))
    filled = lms.fill(template, people, exporting.columns(root, found, by), dict(_pair(root, one) for one in named))
    for line in filled.said:
        _say(line, err=True)
    _write(target or template.with_name(f"{template.stem}-filled.csv"), filled.content())
    click.echo(f"{filled.count} grade(s) filled in")


def _pair(root: Path, text: str) -> tuple[str, str]:
    name, equals, heading = text.partition("=")
    if not equals or not heading:
        raise click.UsageError(f"--column {text!r}: say CHAPTER=HEADING, as in '01_numpy_backprop=Homework 1'.")
    return (name if "/" in name else ch.resolve(root, name)), heading


def _write(target: Path, content: bytes) -> None:
    from autograder.errors import cannot_write
    from autograder.files import write_atomically

    try:
        write_atomically(target, content)
    except OSError as error:
        raise cannot_write(target, error, "autograder export --to FILE") from error
    click.echo(f"wrote {target}")


@main.group()
def students() -> None:
    """The roster: who is in the course, who works with whom, by when, and who has longer."""


@students.command("import")
@click.argument("table", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@ROOT
def import_students(table: Path, root: Path) -> None:
    """Put a CSV of students (id, first_name, last_name, email) into the gradebook.

    Only the id has to be filled in. Nobody is taken out; what an empty field says nothing about stays.
    """
    from autograder.books import roster

    _root_exists(root)
    done = roster.read_into(root, table)
    for line in done.refused:
        _say(line, err=True)
    click.echo(f"{done.new} new student(s), {done.changed} changed, {done.same} as they were, {len(done.refused)} refused")
    if done.refused:
        sys.exit(1)


@students.command("extend")
@click.argument("chapter")
@click.argument("named", nargs=-1, required=True, metavar="STUDENT...")
@click.option("--days", type=float, required=True, help="Days after the due date, in all; 0 takes an extension back.")
@ROOT
def extend_students(chapter: str, named: tuple[str, ...], days: float, root: Path) -> None:
    """Give students longer for a chapter, before or after they hand it in."""
    from autograder.books import deadlines

    _root_exists(root)
    name = ch.resolve(root, chapter)
    for line in deadlines.extend(root, name, list(named), days):
        _say(line)
    if deadlines.due(root, name) is None:
        click.echo(f"{name} has no due date yet: autograder students due {name} 'YYYY-MM-DD HH:MM'", err=True)
    click.echo(f"Apply it to what is graded: autograder grade {name}")


@students.command("group")
@click.argument("chapter")
@click.argument("named", nargs=-1, metavar="STUDENT...")
@click.option(
    "--table", type=click.Path(path_type=Path, dir_okay=False, exists=True),
    help="A CSV with the columns student and group, in place of names.",
)
@ROOT
def group_students(chapter: str, named: tuple[str, ...], table: Path | None, root: Path) -> None:
    """Let what one of a group hands in count for all of it."""
    from autograder.books import teams

    _root_exists(root)
    if (table is None) == (not named):
        raise click.UsageError("name the students of one group, or give --table groups.csv.")
    name = ch.resolve(root, chapter)
    groups = teams.read(table) if table else [list(named)]
    teams.remember(root, name, groups)
    click.echo(f"{len(groups)} group(s) of {name}")
    for line in teams.share(root, name):
        _say(line)


@students.command("due")
@click.argument("chapter")
@click.argument("when", required=False)
@click.option("--late", is_flag=True, help="List who was late, by how much, and what it cost.")
@ROOT
def due_date(chapter: str, when: str | None, late: bool, root: Path) -> None:
    """Say when a chapter is due, or set it: `autograder students due 01 "2026-12-01 23:59"`; `never` takes it back.

    A time is this machine's local time, or has its zone behind it: "2026-12-01 23:59 Europe/Berlin".
    """
    from autograder.books import deadlines

    _root_exists(root)
    name = ch.resolve(root, chapter)
    if when is not None:
        deadlines.set_due(root, name, None if when == "never" else deadlines.read_time(when))
    found = deadlines.due(root, name)
    click.echo(f"{name}: due {deadlines.shown(found)}" if found else f"{name}: no due date")
    if when is not None:
        click.echo(f"Apply it to what is graded: autograder grade {name}")
    for one in deadlines.lateness(root, name) if late else []:
        longer = f", {one.extension.total_seconds() / 86_400:g} day(s) of extension" if one.extension else ""
        cost = f", {one.penalty:g} points taken off" if one.penalty else ""
        if one.late or one.extension:
            _say(f"  {one.student}: {deadlines.days(one.late)} late{longer}{cost}")


@main.command()
@click.option(
    "--to",
    "target",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("demo"),
    show_default=True,
)
@click.option(
    "--chapter", "named", default="01", show_default=True, help="The chapter the sample class worked on."
)
@ROOT
def demo(target: Path, named: str, root: Path) -> None:
    """Show the whole loop on a sample class: build, grade, gradebook, feedback pages, class page."""
    from autograder import demo as demonstrating

    _root_exists(root)
    sys.exit(demonstrating.run(root, target, ch.resolve(root, named, "course"), _with_progress, _table))


@main.command()
@click.option("--json", "as_json", is_flag=True, help="The findings as one JSON object.")
@ROOT
def doctor(as_json: bool, root: Path) -> None:
    """Say whether this machine is ready, and measure how well it is sandboxed."""
    from autograder import doctor as examining

    findings = examining.examine(root)
    if as_json:
        click.echo(json.dumps([f.__dict__ for f in findings]))
    else:
        for finding in findings:
            click.echo(
                f"{finding.status:<9}{finding.what}" + (f": {finding.detail}" if finding.detail else "")
            )
    sys.exit(1 if any(f.status == "broken" for f in findings) else 0)
