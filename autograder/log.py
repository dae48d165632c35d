"""What went wrong inside the grader, kept whole: one file a run under `.autograder/log/`, made when there is something."""

from __future__ import annotations

import contextlib
import traceback
from datetime import datetime
from pathlib import Path


class Log:
    """The file of one run of a command. Nothing here ever raises: a full disk must not hide the fault it was to keep."""

    def __init__(self, root: Path, command: str) -> None:
        self.root = root
        self.path = root / ".autograder" / "log" / f"{datetime.now():%Y%m%d-%H%M%S}-{command}.log"

    def keep(self, what: str, error: BaseException) -> str:
        """Write an exception with its traceback, a worker's own too; return one line that says where it is.

        `what` says in a few words on whom or what the grader failed.
        """
        text = "".join(traceback.format_exception(error))
        with contextlib.suppress(OSError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(f"{datetime.now():%Y-%m-%d %H:%M:%S} {what}\n{text}\n")
            return f"the grader failed on {what}: {first_line(error)}; see {self.path.relative_to(self.root)}"
        return f"the grader failed on {what}: {first_line(error)}"


def first_line(error: BaseException) -> str:
    """Return the kind of an exception and the first line of its text, at most 200 characters."""
    said = (str(error).strip().splitlines() or [""])[0]
    return (f"{type(error).__name__}: {said}" if said else type(error).__name__)[:200]
