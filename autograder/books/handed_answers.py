"""Each student's answers as plain files, for a tool that looks for copies: JPlag, Dolos, MOSS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from autograder.course import chapter as ch
from autograder.errors import BadNotebook
from autograder.files import write_atomically
from autograder.intake.submission import match, parse
from autograder.rebuild.cells import stubs_of

#: The folder of what was handed out, which such tools call base code: what everybody has is nobody's copy.
BASE = "_handed_out"
#: The folder of the cells that students added.
ADDED = "_own_cells"


def write(root: Path, name: str, target: Path) -> Iterator[tuple[str, str]]:
    """Write `target/CHAPTER/EXERCISE/STUDENT.py` for every answer that is not the untouched stub, and each exercise's
    stub below `_handed_out`; yield (student, what became of their notebook), and go on after one that cannot be read.
    Of an assignment of several notebooks each has a folder of its own."""
    parts = ch.parts(root, name)
    for chapter in parts:
        stubs, folder = stubs_of(chapter.release), target / name / (chapter.notebook if parts[1:] else "")
        for exercise, stub in stubs.items():
            _write(folder / BASE / f"{exercise}.py", stub)
        for student in sorted(path.name for path in (root / "submitted").glob("*") if (path / name).is_dir()):
            path = root / "submitted" / student / name / f"{chapter.notebook}.ipynb"
            try:
                submission = match(parse(path.read_bytes()), chapter.source)
            except (OSError, BadNotebook) as error:
                yield student, f"{path.name} could not be read: {error}"
                continue
            count = 0
            for exercise, stub in stubs.items():
                answer = submission.solution_source(exercise, stub) or ""
                if answer.strip() and answer.strip() != stub.strip():
                    _write(folder / exercise / f"{student}.py", answer)
                    count += 1
            if added := [cell for cell in submission.own_plain() if cell.strip()]:
                _write(folder / ADDED / f"{student}.py", "\n\n".join(added))
            yield student, f"{count} of {len(stubs)} answer(s)"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, (text.rstrip("\n") + "\n").encode("utf-8", "replace"))
