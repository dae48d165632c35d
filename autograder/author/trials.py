"""Try all named solutions of chapters, and say of each whether it is as it should be."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autograder.author.desk import Desk
from autograder.author.tryout import Shown, Tried
from autograder.course.solutions import NamedSolution
from autograder.errors import AutograderError
from autograder.files import write_atomically
from autograder.judge import keys
from autograder.sandbox import bwrap, grading_data


class Trials:
    """Tries chapters' named solutions in warm processes, one for each set of modules; what is known is kept."""

    def __init__(self, root: Path, cache: Path | None, jobs: int = 2) -> None:
        self.root, self.cache, self.jobs = root, cache, jobs
        self._processes: dict[tuple[str, ...], subprocess.Popen[str]] = {}
        self._desks: dict[str, Desk] = {}

    def __enter__(self) -> Trials:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes.values():
            process.communicate()
        self._processes.clear()

    def desk(self, chapter: str) -> Desk:
        """Return a chapter's desk."""
        if chapter not in self._desks:
            self._desks[chapter] = Desk(self.root, chapter)
        return self._desks[chapter]

    def tried(self, chapter: str, only: set[str] | None = None) -> list[Tried]:
        """Return what became of each named solution of a chapter; `only` these exercises'."""
        desk = self.desk(chapter)
        wanted = [name for name in desk.right if only is None or name in only]
        paths = {name: self._kept(desk, name) for name in wanted}
        kept = {name: path for name, path in paths.items() if path is not None and path.is_file()}
        missing = [name for name in wanted if name not in kept]
        made: dict[str, list[dict[str, Any]]] = {name: [] for name in missing}
        for one in self._run(desk, missing) if missing else []:
            made[one["exercise"]].append(one)
        for name, found in made.items():
            if path := paths[name]:
                write_atomically(path, json.dumps(found).encode())
        known = {n: made[n] if n in made else json.loads(kept[n].read_text(encoding="utf-8")) for n in wanted}
        return [Tried.of(one) for name in wanted for one in known[name]]

    def _kept(self, desk: Desk, exercise: str) -> Path | None:
        """Return where the outcomes of an exercise are kept: under everything that they depend on."""
        if self.cache is None:
            return None
        parts = [keys.of_desk(desk.chapter), *(f"{kind} {one}" for kind, one in desk.named(exercise))]
        key = hashlib.sha256("\0".join(parts).encode()).hexdigest()[:24]
        return self.cache / desk.chapter.name / f"{exercise}.{key}.json"

    def mutants(self, chapter: str, mutants: list[NamedSolution]) -> list[Tried]:
        """Return what became of mutants of a chapter's reference solutions when graded; the references' too."""
        only = list(dict.fromkeys(one.exercise for one in mutants))
        return [Tried.of(one) for one in self._run(self.desk(chapter), only, mutants)]

    def _run(self, desk: Desk, only: list[str], mutants: list[NamedSolution] | None = None) -> list[dict[str, Any]]:
        process = self._process(desk)
        assert process.stdin
        assert process.stdout
        job: dict[str, Any] = {"root": str(self.root), "chapter": desk.chapter.name, "only": only, "jobs": self.jobs}
        job["mutants"] = None if mutants is None else [asdict(one) for one in mutants]
        process.stdin.write(json.dumps(job) + "\n")
        process.stdin.flush()
        answer = process.stdout.readline()
        done = json.loads(answer) if answer else {"died": "the process ended"}
        if done["died"]:
            raise AutograderError(f"{desk.chapter.name} could not be tried: {done['died']}; what it said is above")
        return list(done["tried"])

    def _process(self, desk: Desk) -> subprocess.Popen[str]:
        chapter = desk.chapter
        if chapter.preload not in self._processes:
            folder, _ = grading_data.prepared(self.root, chapter)
            environment = bwrap.plain_environment(folder, chapter.course.package)
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "autograder.author.tryout"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment,
            )  # fmt: skip
            assert process.stdin
            process.stdin.write(json.dumps({"warm": list(chapter.preload)}) + "\n")
            self._processes[chapter.preload] = process
        return self._processes[chapter.preload]


@dataclass(frozen=True)
class Figures:
    """What the rehearsal of a chapter shows of its named mistakes."""

    mistakes: int = 0
    #: are told their own help at least once wherever they fail: at the desk and when graded
    own: int = 0
    #: lines of help that are another mistake's, over all cells and both paths
    foreign: int = 0
    hidden_only: int = 0


def figures(tried: list[Tried], known: list[NamedSolution]) -> Figures:
    """Count what became of a chapter's named mistakes."""
    own = {(one.exercise, one.name): one for one in known}
    wrong = [(one, own[one.exercise, one.name]) for one in tried if one.kind == "mistake"]
    return Figures(
        len(wrong),
        sum(not any("own help" in line for line in told(one, known)) for one, _ in wrong),
        sum(bool(s.help) and s.help != m.help for one, m in wrong for s in (*one.desk.values(), *one.graded.values())),
        sum(bool(m.hidden_only) for _, m in wrong),
    )


def apart(tried: Tried) -> list[str]:
    """Return the test cells whose verdict at the desk is not the one in class, but for hidden checks.

    A solution that is refused (a forbidden call, a loop) is refused in both places.
    """
    if tried.kind == "expected":
        return []
    if tried.refused != any(one.refused for one in tried.desk.values()):
        return [f"refused {'when graded only' if tried.refused else 'at the desk only'}"]
    if tried.refused:
        return []
    found = []
    for cell, shown in tried.graded.items():
        at_desk = tried.desk.get(cell)
        passes = shown.outcome == "pass" or shown.hidden
        if at_desk is not None and (at_desk.outcome == "pass") != passes:
            found.append(f"{cell} is {at_desk.outcome!r} at the desk and {shown.outcome!r} when graded: {shown.behaviour}")
    return found


def told(tried: Tried, known: list[NamedSolution]) -> list[str]:
    """Return what is not as it should be with a named solution; [] where all is well.

    A mistake loses points, fails a visible check unless it says `hidden_only`, is told its own help at least
    once at the desk and when graded, is never told another's, and costs no other exercise anything.
    """
    if tried.kind == "refused":
        return _not_refused(tried)
    if tried.kind == "unwritten":
        earns = ["earns everything as it is handed out"] if tried.accepted else []
        return earns + [f"costs {cell} too: {said}" for cell, said in tried.hurts.items()]
    if tried.kind == "expected":
        return [f"a visible check holds the answer: expected={tried.note}"] if tried.accepted else []
    if tried.kind != "mistake":
        return _not_accepted(tried)
    own = next(one for one in known if (one.exercise, one.name) == (tried.exercise, tried.name))
    if tried.accepted:
        return ["is accepted"]
    found = []
    fails = [one for one in tried.desk.values() if one.outcome != "pass"]
    why = own.hidden_only
    if not fails and not why:
        found.append("no visible check fails (make one fail, or say why with `# hidden_only: …`)")
    if fails and why:
        found.append("fails a visible check, so it is not hidden_only")
    for where, cells in (("at the desk", tried.desk), ("when graded", tried.graded)):
        for cell, shown in cells.items():
            if shown.help and shown.help != own.help:
                found.append(f"foreign help {where} in {cell}: {_whose(shown.help, tried.exercise, known)}")
    for where, cells in (("at the desk", tried.desk if fails else {}), ("when graded", tried.graded)):
        if cells and not any(one.help == own.help for one in cells.values()):
            found.append(f"own help is never shown {where}: {_first(cells)}")
    return found + [f"costs {cell} too: {said}" for cell, said in tried.hurts.items()]


def _not_refused(tried: Tried) -> list[str]:
    if tried.accepted:
        return ["is accepted"]
    return [f"is refused by a message that does not name {tried.unnamed}"] if tried.unnamed else []


def _not_accepted(tried: Tried) -> list[str]:
    found = [] if tried.accepted else [f"is not accepted when graded: {_first(tried.graded)}"]
    if any(one.outcome != "pass" for one in tried.desk.values()):
        found.append(f"is not accepted at the desk: {_first(tried.desk)}")
    return found


def _first(cells: dict[str, Shown]) -> str:
    bad = [(cell, one) for cell, one in cells.items() if one.outcome != "pass"]
    return "; ".join(f"{cell}: {one.outcome}: {one.behaviour[:120]}" for cell, one in bad[:2])


def _whose(help: str, exercise: str, known: list[NamedSolution]) -> str:
    return ", ".join(one.name for one in known if one.exercise == exercise and one.help == help) or help[:60]
