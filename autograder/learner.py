"""Check a notebook: the grader without a class or a gradebook, behind the wall where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from autograder.books.store import from_record
from autograder.course import chapter as ch
from autograder.engine import Job, Setup, call
from autograder.errors import AutograderError, BadNotebook, UnknownExercise
from autograder.intake.submission import match, parse
from autograder.judge.result import Result
from autograder.sandbox import trial
from autograder.sandbox.grading_data import prepared
from autograder.sandbox.levels import OPEN, SANDBOXED


def course_root(path: Path, given: Path | None) -> Path:
    """Return the course root a notebook is checked against: the given one, else the nearest that has `source/`."""
    start = given or Path.cwd()
    for candidate in (start, *([] if given else [path.resolve(), *path.resolve().parents])):
        if ch.names(candidate):
            return candidate
    raise AutograderError(f"no course with source/ at {start} or above {path}. Name its folder with --root.")


def notebooks(path: Path) -> list[Path]:
    """Return the notebooks to check: the file itself, or those in a folder; AutograderError where there is none."""
    if path.is_file():
        return [path]
    found = (
        sorted(p for p in path.rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)
        if path.is_dir()
        else []
    )
    if not found:
        what = "has no notebook in it" if path.is_dir() else "does not exist"
        raise AutograderError(f"{path} {what}. Give a notebook, for example release/01_numpy_backprop.")
    return found


def chapter_of(root: Path, path: Path, data: bytes) -> str:
    """Return the chapter a notebook belongs to, by its name or else by its grade ids."""
    known = ch.names(root)
    if path.stem in known:
        return path.stem
    cells = parse(data)
    best = max(known, key=lambda name: match(cells, ch.Chapter(root, name).source).matched)
    if match(cells, ch.Chapter(root, best).source).matched == 0:
        raise BadNotebook(f"{path} is no notebook of this course: it holds none of its grade ids")
    return best


class Checker:
    """Checks notebooks one after the other with one warm template a chapter: all exercises, or `only` some with what they need."""

    def __init__(self, root: Path, only: tuple[str, ...] = ()) -> None:
        self.root, self.only = root, only
        #: why a notebook's code runs here as whoever typed the command; None where the wall stands
        self.open = trial.missing()

    def check(self, path: Path) -> Result:
        """Return the result of a notebook; BadNotebook where it cannot be read."""
        try:
            data = path.read_bytes()
        except OSError as error:
            raise BadNotebook(f"{path} cannot be read: {error.strerror}") from error
        name = chapter_of(self.root, path, data)
        parse(data)
        chapter = ch.Chapter(self.root, name)
        if unknown := [one for one in self.only if one not in chapter.exercises]:
            raise UnknownExercise(unknown[0], name, list(chapter.exercises))
        folder, line = prepared(self.root, chapter)
        setup = Setup(
            str(self.root.resolve()), name, self.open is None, OPEN if self.open else SANDBOXED,
            str(folder.resolve()) if folder else None, line, only=self.only,
        )  # fmt: skip
        import json

        return from_record(json.dumps(call(setup, Job("you", data, alone=True))).encode())

    def watch(self, path: Path) -> Iterator[Path]:
        """Yield a notebook each time it is saved."""
        from watchfiles import watch

        folder = path if path.is_dir() else path.parent
        for changes in watch(folder, debounce=50, step=20, raise_interrupt=False):
            for changed in sorted({Path(name) for _, name in changes}):
                ours = path.is_dir() or changed.resolve() == path.resolve()
                if ours and changed.suffix == ".ipynb" and ".ipynb_checkpoints" not in changed.parts and changed.is_file():
                    yield changed
