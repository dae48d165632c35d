"""The command `course`: few verbs, each a thin function. Nothing here imports torch or the grader."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from lessonkit.learner import outline, overview, plan, state, workspace
from lessonkit.learner.errors import CourseError
from lessonkit.learner.outline import Exercise
from lessonkit.learner.workspace import Workspace
from lessonkit.plain_text import print_what_can_be_printed


class _Course(click.Group):
    """Shows a learner's errors as one text, and exits 1."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except CourseError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Course, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.pass_context
def main(context: click.Context) -> None:
    """Learn at your own pace: where you stand, the next exercise, a check, a hint. `course` alone shows where you stand."""
    print_what_can_be_printed()
    if context.invoked_subcommand is None:
        made = workspace.find()
        click.echo(overview.text(outline.of(made), state.read(made.inside)))


@main.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path("my-course"))
@click.option("--course", "package", default="", help="The package of the course, where several are installed.")
def start(folder: Path, package: str) -> None:
    """Make a folder of your own with the notebooks. What is already there stays as it is."""
    made = workspace.start(folder, package)
    click.echo(f"{len(made.chapters)} chapters are in {made.folder}")
    click.echo(f"Next: cd {folder}, then course lab")


@main.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def lab(arguments: tuple[str, ...]) -> None:
    """Open JupyterLab in the workspace, without what only instructors need. Options go to `jupyter lab`."""
    from lessonkit.learner import jupyterlab

    made = workspace.find()
    sys.exit(jupyterlab.open_lab(made, list(arguments)))


@main.command("next")
def next_() -> None:
    """Name the next open exercise, and where it is."""
    made = workspace.find()
    found = outline.following(outline.of(made), state.read(made.inside))
    click.echo(overview.next_line(outline.of(made), state.read(made.inside)))
    if found is not None:
        click.echo(f"{made.notebook(found.chapter)}")


@main.command()
@click.argument("names", nargs=-1)
@click.option("--watch", is_flag=True, help="Check again each time a notebook is saved.")
def check(names: tuple[str, ...], watch: bool) -> None:
    """Check exercises or whole chapters: as in class where the answers are installed, by the visible checks where not."""
    made = workspace.find()
    groups = _named(made, names)
    outcomes = [_check(made, group) for group in groups]
    if watch:
        from watchfiles import watch as saves

        click.echo("watching; save a notebook to check it again, Ctrl-C ends", err=True)
        for changes in saves(made.folder, force_polling=None, raise_interrupt=False):
            changed = {Path(path).stem for _, path in changes}
            for group in groups:
                if group[0].chapter in changed:
                    _check_again(made, group)
    sys.exit(0 if all(outcomes) else 1)


def _named(made: Workspace, names: tuple[str, ...]) -> list[list[Exercise]]:
    """Return the exercises that are meant, one list a chapter; without a name, the chapter of the next open one."""
    chapters = outline.of(made)
    if not names:
        found = outline.following(chapters, state.read(made.inside))
        if found is None:
            raise CourseError("everything has passed. Name what to check all the same: course check 01")
        names = (found.chapter,)
    wanted: list[Exercise] = []
    for name in names:
        whole = outline.chapter(chapters, name)
        wanted += whole.exercises if whole else [outline.find(chapters, name)]
    return [[e for e in wanted if e.chapter == c.name] for c in chapters if any(e.chapter == c.name for e in wanted)]


def _check(made: Workspace, exercises: list[Exercise]) -> bool:
    from lessonkit.learner import checking

    how, found = checking.check(made, exercises)
    for verdict in found:
        if verdict.outcome == "not written":
            click.echo(f"{verdict.exercise.id}: not written yet")
            continue
        click.echo(f"{verdict.exercise.id}: {verdict.outcome}")
        for line in verdict.text.split("\n") if verdict.outcome != "pass" else []:
            click.echo(f"    {line}")
    passed = sum(verdict.outcome == "pass" for verdict in found)
    click.echo(f"{passed} of {len(found)} pass, judged {how}")
    return passed == len(found)


def _check_again(made: Workspace, exercises: list[Exercise]) -> None:
    """Check while watching: a notebook that cannot be read now may well be with the next save."""
    try:
        _check(made, exercises)
    except CourseError as error:
        click.echo(f"{error}", err=True)


@main.command()
@click.argument("exercise")
@click.option("--start-again", is_flag=True, help="Go back to the first hint.")
def hint(exercise: str, start_again: bool) -> None:
    """Show the next hint of an exercise, those seen before above it."""
    from lessonkit.learner import verbs

    made = workspace.find()
    click.echo(verbs.hint(made, outline.find(outline.of(made), exercise), start_again))


@main.command()
@click.argument("exercise")
@click.option("--give-up", is_flag=True, help="Open it before the pass, and have it marked.")
def solution(exercise: str, give_up: bool) -> None:
    """Show the course's solution, the other ways and your own beside it, after the pass."""
    from lessonkit.learner import solutions

    made = workspace.find()
    click.echo(solutions.solution(made, outline.find(outline.of(made), exercise), give_up))


@main.command()
@click.argument("exercises", nargs=-1, required=True)
def reset(exercises: tuple[str, ...]) -> None:
    """Give exercises back as they were released; what stood there is kept. `course undo` brings it back."""
    from lessonkit.learner import verbs

    made = workspace.find()
    for group in _named(made, exercises):
        click.echo(verbs.reset(made, group))


@main.command()
def undo() -> None:
    """Take back the last reset, update or review."""
    from lessonkit.learner import verbs

    click.echo(verbs.undo(workspace.find()))


@main.command()
def update() -> None:
    """Bring a newer course in under your work: your cells win, locked cells are the course's, old files are kept."""
    from lessonkit.learner import update as updating

    made = workspace.find()
    count = 0
    for one in updating.update(made):
        count += 1
        if one.new or one.merged is None:
            click.echo(f"{one.chapter}: new")
            continue
        said = [f"{len(one.merged.changed)} exercise(s) have other checks, run them again: {', '.join(one.merged.changed)}"] if one.merged.changed else []
        said += [f"new: {', '.join(one.merged.added)}"] if one.merged.added else []
        said += [f"no longer there: {', '.join(one.merged.retired)}"] if one.merged.retired else []
        said += [f"{old} is called {new} now" for old, new in one.merged.renamed.items()]
        click.echo(f"{one.chapter}: {'; '.join(said) or 'texts only'}. The old file: {one.kept}")
    click.echo("nothing newer is installed" if not count else f"{count} chapter(s) updated. To take one back: course undo")


@main.command()
@click.option("--count", default=3, show_default=True, help="How many at most.")
def review(count: int) -> None:
    """Put passed exercises whose turn it is back as empty stubs, to be written once more."""
    from datetime import UTC, datetime

    from lessonkit.learner import reset as resetting

    made = workspace.find()
    chapters = outline.of(made)
    due = plan.due_for_review(chapters, state.read(made.inside), count)
    for exercise in due:
        interval = state.read(made.inside).of(exercise.chapter, exercise.id).interval
        kept = resetting.reset(made, [exercise], "review")
        with state.change(made.inside) as now:
            progress = now.of(exercise.chapter, exercise.id)
            progress.interval = 2 * (interval or 2)
            progress.review = datetime.now(UTC).isoformat(timespec="seconds")
        click.echo(f"{exercise.id} ({exercise.chapter}) is empty again; your old text: {kept}")
    click.echo("write them once more, then course check" if due else "nothing is due: an exercise comes back two days after its pass")


@main.command("plan")
@click.argument("time", default="")
def plan_(time: str) -> None:
    """Spread what is left over a time, for example `course plan "6 weeks"`. Without a time: forget the plan."""
    made = workspace.find()
    chapters = outline.of(made)
    with state.change(made.inside) as now:
        now.plan = plan.made(time, chapters, now) if time else {}
        said = plan.standing(chapters, now) if time else "no plan"
    click.echo(said)


@main.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def export(file: Path) -> None:
    """Write your progress to a file, for another machine."""
    from lessonkit.learner.files import write

    write(file, state.to_text(state.read(workspace.find().inside)))
    click.echo(f"wrote {file}. On the other machine, in its workspace: course import {file.name}")


@main.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
def import_(file: Path) -> None:
    """Take in progress that `course export` wrote; what is known here already and is further stays."""
    import shutil
    import tempfile

    made = workspace.find()
    with tempfile.TemporaryDirectory() as name:
        shutil.copyfile(file, Path(name) / state.FILE)
        found = state.read(Path(name))
    if found.note:
        raise CourseError(f"{file} is no progress that `course export` wrote. Export it again on the other machine.")
    with state.change(made.inside) as now:
        for key, progress in found.exercises.items():
            mine = now.exercises.get(key)
            if mine is None or (progress.passed and not mine.passed) or progress.attempts > mine.attempts:
                now.exercises[key] = progress
        now.plan = now.plan or found.plan
    click.echo(f"{len(found.exercises)} exercises taken in")


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUTF8", "1")
    main()
