"""Rehearse a chapter as a product: the reference earns everything, the untouched release nothing, every known
mistake loses points with its own help, every unusual right solution earns everything."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import click

from autograder.author import proof
from autograder.author.trials import Trials, apart, told
from autograder.course import chapter as ch
from autograder.course import solutions
from autograder.intake.submission import Submission, match, parse
from autograder.judge import held_out
from autograder.judge.grade_one import judge, observe
from autograder.judge.reference import Reference
from autograder.judge.result import Result
from autograder.rebuild.cells import submission_cells
from autograder.sandbox import grading_data
from autograder.sandbox.host import Template


@dataclass(frozen=True)
class Line:
    """One finding of a rehearsal: what was tried, on which exercise, and what came out instead."""

    kind: str
    exercise: str
    name: str
    finding: str

    def __str__(self) -> str:
        return f"{self.kind} {self.exercise}{': ' + self.name if self.name else ''}: {self.finding}"


class Rehearsal:
    """Runs a chapter's own solutions through the grader. One warm template serves them all."""

    def __init__(self, root: Path, chapter: str, template: Template, cache: Path | None = None) -> None:
        self.chapter = ch.Chapter(root, chapter)
        self.template = template
        self.reference = Reference(self.chapter, template, cache or root / ".autograder" / "records")

    def grade(self, solutions: dict[str, str], only: set[str] | None = None) -> Result:
        """Grade the release with `solutions` (exercise -> source) written in; `only` these exercises' tests."""
        notebook = json.loads(self.chapter.release_path.read_bytes())
        for cell in notebook["cells"]:
            grade_id = cell.get("metadata", {}).get("nbgrader", {}).get("grade_id")
            if grade_id in solutions:
                cell["source"] = solutions[grade_id]
        submission: Submission = match(parse(json.dumps(notebook).encode()), self.chapter.source)
        cells = submission_cells(self.chapter.source, submission, self.reference.stubs)
        if only is not None:
            cells = [cell for cell in cells if cell.role != "test" or cell.exercise in only]
        result = Result("rehearsal", self.chapter.name, "graded")
        return judge(observe(cells, self.reference, self.template), self.reference, submission, result)

    def right(self) -> dict[str, str]:
        """Return the reference solutions by exercise."""
        return {ch.grade_id_of(c): c.source for c in self.chapter.source.cells if ch.is_solution(c)}

    def reference_lines(self) -> list[Line]:
        """Return findings about the reference solution."""
        result = self.grade(self.right())
        return [
            Line("reference", name, "", f"{e.score:g} of {e.max_score:g} points: {e.message}")
            for name, e in result.exercises.items()
            if e.outcome != "pass"
        ]

    def untouched_lines(self) -> list[Line]:
        """Return findings about the untouched release, and about each exercise alone left untouched."""
        result = self.grade({})
        return [
            Line("untouched", name, "", f"earns {e.score:g} points")
            for name, e in result.exercises.items()
            if e.score > 0 or e.outcome == "pass"
        ]

    def mistake_lines(self, wrong: solutions.NamedSolution) -> list[Line]:
        """Return findings about one known mistake, handed in like a student's: it loses points and is told its help."""
        found = self.grade(self.right() | {wrong.exercise: wrong.code}, {wrong.exercise}).exercises[wrong.exercise]
        if found.outcome == "pass":
            return [Line("mistake", wrong.exercise, wrong.name, "is accepted")]
        helps = {one.name: one.help for one in self.reference.mistakes(wrong.exercise)}
        if helps.get(found.mistake or "") != wrong.help:
            return [Line("mistake", wrong.exercise, wrong.name, f"is taken for {found.mistake}: {found.message}")]
        return []

    def variant_lines(self, unusual: solutions.NamedSolution) -> list[Line]:
        """Return findings about one unusual right solution: it has to earn everything."""
        result = self.grade(self.right() | {unusual.exercise: unusual.code}, {unusual.exercise})
        found = result.exercises[unusual.exercise]
        if found.outcome == "pass":
            return []
        return [
            Line(
                "variant",
                unusual.exercise,
                unusual.name,
                f"{found.score:g} of {found.max_score:g}: {found.message}",
            )
        ]

    def refused_lines(self, refused: solutions.NamedSolution) -> list[Line]:
        """Return findings about one solution that has to lose points, by a message that names what the solution says."""
        found = self.grade(self.right() | {refused.exercise: refused.code}, {refused.exercise}).exercises[refused.exercise]
        if found.outcome == "pass" or found.score == found.max_score:
            return [Line("refused", refused.exercise, refused.name, "is accepted")]
        if unnamed := refused.unnamed(found.message):
            return [Line("refused", refused.exercise, refused.name, f"is not told of {unnamed}: {found.message}")]
        return []


@contextmanager
def warm() -> Iterator[Callable[[ch.Chapter], Template]]:
    """Yield a function from a chapter to its warm template; chapters that want the same modules share one.

    Data are prepared once, as in grading: no run looks for MNIST, makes a stand-in or downloads.
    """
    made: dict[tuple[Path | None, tuple[str, ...]], Template] = {}
    with ExitStack() as stack:

        def template_of(chapter: ch.Chapter) -> Template:
            folder, line = grading_data.prepared(chapter.root, chapter)
            held_out.use(chapter.course.judges, str(folder) if folder else None)
            if (folder, chapter.preload) not in made:
                template = Template(
                    sandbox=False, prepared=folder, preload=chapter.preload, package=chapter.course.package
                )
                template.data_line = line
                made[folder, chapter.preload] = stack.enter_context(template)
            return made[folder, chapter.preload]

        yield template_of


@click.command()
@click.argument("chapters", nargs=-1)
@click.option("--only", multiple=True, metavar="EXERCISE", help="Only this exercise; may be given again.")
@click.option("--root", type=click.Path(path_type=Path), default=Path("."), help="The course root.")
@click.option("--jobs", default=2, show_default=True, help="Children at a time.")
@click.option("--afresh", is_flag=True, help="Try everything again, whatever is kept from earlier runs.")
@click.option("--table", "as_table", is_flag=True, help="Print the README's table of what is kept, and try nothing.")
@click.option("--all", "everything", is_flag=True, help="Print a line for those that are as they should be, too.")
def main(
    chapters: tuple[str, ...], only: tuple[str, ...], root: Path, jobs: int, afresh: bool, as_table: bool, everything: bool
) -> None:
    """Try a chapter's named solutions at the desk and as graded, straight from its text; nothing has to be built.

    Prints each mistake that is accepted, fails no visible check, is told another's help, is never told its own, or
    costs another exercise; each right solution that is not accepted; and each whose verdicts at the desk and in class
    differ. Exit code 1 where there are any.
    """
    root, bad = root.resolve(), 0
    names = [ch.resolve(root, name, "course") for name in chapters] or ch.names(root, "course")
    if as_table:
        click.echo(proof.table(root, names))
        return
    with Trials(root, None if afresh else root / ".autograder" / "rehearsal", jobs) as trials:
        for chapter in names:
            known = trials.desk(chapter).mistakes
            tried = trials.tried(chapter, set(only) or None)
            proof.keep_rehearsed(trials.desk(chapter), tried)
            lines = [(f"{one.kind} {one.exercise}: {one.name}", told(one, known) + apart(one)) for one in tried]
            bad += sum(bool(found) for _, found in lines)
            click.echo(f"{chapter}: {len(lines)} solutions, {sum(bool(found) for _, found in lines)} not as they should be")
            for title, found in lines:
                if found or everything:
                    click.echo(f"  {title}: {'; '.join(found) or 'fine'}")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
