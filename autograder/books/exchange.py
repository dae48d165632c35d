"""What nbgrader's exchange needs beside a graded notebook and a page, so that feedback finds whoever handed in."""

from __future__ import annotations

import os
from pathlib import Path

from autograder.errors import BadNotebook
from autograder.files import write_atomically
from autograder.intake.door import read_regular

#: The time of handing in, and the secret under whose hash a student's server looks for feedback.
NAMES = ("timestamp.txt", "submission_secret.txt")
#: nbgrader writes 128 hexadecimal digits and a date.
MAX_BYTES = 1_000


def read(folder: Path) -> dict[str, bytes]:
    """Return the exchange's files of a folder by name; what is no small regular file is not among them."""
    found: dict[str, bytes] = {}
    for name in NAMES:
        try:
            data = read_regular(folder / name)
        except (OSError, BadNotebook):
            continue
        if len(data) <= MAX_BYTES:
            found[name] = data
    return found


def carry(source: Path, target: Path) -> None:
    """Bring the exchange's files of `source` into `target`, as nbgrader's own converters do; take out what is of an earlier attempt."""
    wanted = read(source)
    there = read(target)
    for name in NAMES:
        if name in wanted and there.get(name) != wanted[name]:
            write_atomically(target / name, wanted[name])
        elif name not in wanted and os.path.lexists(target / name):
            os.unlink(target / name)
