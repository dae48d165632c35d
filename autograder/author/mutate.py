"""Look for holes in a chapter's checks: change each reference solution by one thing, and see what still passes.

What survives is a hole in the checks, which a hidden case closes, or the same function by another text, which is
noted with its reason in `survivors.toml` beside the reference:

    [[survivor]]
    exercise = "relu"
    was = "return np.maximum(h, 0)"
    now = "return np.maximum(0, h)"
    why = "the maximum of two numbers, in either order"

`now = "*"` gives one reason for all that a line became: the numbers of an example of one's own, say.
"""

from __future__ import annotations

import json
import sys
import tomllib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import click

from autograder.author import mutants, proof
from autograder.author.mutants import Mutant
from autograder.author.trials import Trials
from autograder.course import chapter as ch
from autograder.course.solutions import NamedSolution
from autograder.errors import BadSettings

FILE = "survivors.toml"
_KEYS = ("exercise", "was", "now", "why")


@dataclass
class Mutation:
    """What came of the mutants of a chapter."""

    chapter: str
    tried: int = 0
    #: mutants that earn everything, and have no reason
    holes: list[Mutant] = field(default_factory=list)
    #: mutants that earn everything because they are the same function, with the reason
    same: list[tuple[Mutant, str]] = field(default_factory=list)
    #: reasons for mutants that do not survive, or are none any more
    stale: list[dict[str, str]] = field(default_factory=list)
    #: how many were tried, by exercise
    counted: dict[str, int] = field(default_factory=dict)

    def by_exercise(self) -> dict[str, dict[str, int]]:
        """Return, by exercise, how many mutants were tried, survive without a reason, and are the same function."""
        holes, same = Counter(one.exercise for one in self.holes), Counter(one.exercise for one, _ in self.same)
        return {name: {"tried": count, "survive": holes[name], "same": same[name]} for name, count in self.counted.items()}


def mutate(root: Path, chapter: str, only: set[str] | None = None, jobs: int = 2, trials: Trials | None = None) -> Mutation:
    """Try every mutant of a chapter's reference solutions, `only` those of these exercises."""
    if trials is None:
        with Trials(root, None, jobs) as own:
            return mutate(root, chapter, only, jobs, own)
    right = {name: source for name, source in trials.desk(chapter).right.items() if only is None or name in only}
    made = {(name, f"mutant_{i}"): one for name, source in right.items() for i, one in enumerate(mutants.of(name, source))}
    named = [NamedSolution(exercise, name, one.code) for (exercise, name), one in made.items()]
    tried = trials.mutants(chapter, named) if named else []
    alive = [made[one.exercise, one.name] for one in tried if one.kind == "mutant" and one.accepted]
    reasons = [one for one in survivors(root / "course" / chapter / FILE) if only is None or one["exercise"] in only]
    found = Mutation(chapter, len(named), counted={name: sum(one.exercise == name for one in named) for name in right})
    for one in alive:
        why = next((r["why"] for r in reasons if _is_of(r, one)), "")
        found.same.append((one, why)) if why else found.holes.append(one)
    found.stale = [r for r in reasons if not any(_is_of(r, one) for one in alive)]
    return found


def _is_of(reason: dict[str, str], mutant: Mutant) -> bool:
    return (reason["exercise"], reason["was"]) == (mutant.exercise, mutant.was) and reason["now"] in (mutant.now, "*")


def survivors(path: Path) -> list[dict[str, str]]:
    """Return the noted survivors of a chapter; [] where there is no such file. BadSettings where one is not whole."""
    if not path.is_file():
        return []
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8")).get("survivor", [])
    except tomllib.TOMLDecodeError as error:
        raise BadSettings(path, "", f"it is no TOML: {error}") from error
    for one in found:
        if missing := [key for key in _KEYS if not isinstance(one.get(key), str) or not one[key].strip()]:
            raise BadSettings(path, f"survivor.{missing[0]}", f"it is missing at {one.get('exercise', '?')}: {one.get('now', '?')}")
    return list(found)


def draft(found: list[Mutant]) -> str:
    """Return entries for survivors.toml, their reasons left open."""
    parts = []
    for one in found:
        lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in zip(_KEYS, (one.exercise, one.was, one.now, ""), strict=True)]
        parts.append("\n".join(["[[survivor]]", *lines]))
    return "\n\n".join(parts) + "\n"


@click.command()
@click.argument("chapters", nargs=-1)
@click.option("--only", multiple=True, metavar="EXERCISE", help="Only this exercise; may be given again.")
@click.option("--root", type=click.Path(path_type=Path), default=Path("."), help="The course root.")
@click.option("--jobs", default=2, show_default=True, help="Children at a time.")
@click.option("--draft", "as_draft", is_flag=True, help="Print survivors as entries for survivors.toml.")
def main(chapters: tuple[str, ...], only: tuple[str, ...], root: Path, jobs: int, as_draft: bool) -> None:
    """Change each reference solution of a chapter by one thing at a time and list what still earns everything.

    A survivor is a hole in the checks (give it a hidden case) or the same function (note why in survivors.toml).
    Exit code 1 where one survives without a reason.
    """
    root, bad = root.resolve(), 0
    with Trials(root, None, jobs) as trials:
        for name in [ch.resolve(root, c, "course") for c in chapters] or ch.names(root, "course"):
            found = mutate(root, name, set(only) or None, jobs, trials)
            bad += len(found.holes)
            proof.keep_mutated(trials.desk(name), found.by_exercise())
            click.echo(f"{name}: {found.tried} mutants, {len(found.holes)} survive, {len(found.same)} are the same function")
            if as_draft and found.holes:
                click.echo(draft(found.holes))
            for one in [] if as_draft else found.holes:
                click.echo(f"  {one.exercise}: {one.was}\n    now  {one.now}")
            for reason in found.stale:
                click.echo(f"  {FILE}: no survivor any more: {reason['exercise']}: {reason['now']}")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
