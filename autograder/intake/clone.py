"""When the files of a clone were handed in, as git tells it; nothing that lies in the clone is run for it."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

#: A clone may be a folder that a student packed, settings of git's and all: no program named there is started, nothing fetched.
_GIT = ("git", "--no-pager", "-c", "log.showSignature=false", "-c", "core.fsmonitor=false")
_ENVIRONMENT = {"GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1", "GIT_TERMINAL_PROMPT": "0", "GIT_OPTIONAL_LOCKS": "0"}
SECONDS = 60


@dataclass(frozen=True)
class Times:
    """When each file was changed last, by its path in the clone, and when anything was; as this machine's local time."""

    files: dict[str, datetime] = field(default_factory=dict)
    last: datetime | None = None

    def get(self, path: str) -> datetime | None:
        """Return the time of the last commit that changed a file; of one that was never committed, the clone's last."""
        return self.files.get(path, self.last)


def times(folder: Path) -> Times:
    """Return the times of a clone's files, by one run of git; none where git does not say.

    A file's own time, because later work in the same clone, or feedback that was pushed into it, makes nobody late.
    """
    command = [*_GIT, "-C", str(folder), "log", "-z", "-m", "--first-parent", "--no-ext-diff", "--no-renames", "--name-only", "--format=@%ct"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, env=os.environ | _ENVIRONMENT)
    except (OSError, subprocess.TimeoutExpired):
        return Times()
    return _read(done.stdout.decode("utf-8", errors="surrogateescape"))


def _read(log: str) -> Times:
    files: dict[str, datetime] = {}
    now = last = None
    for token in log.split("\0"):
        if found := re.fullmatch(r"@([0-9]{1,12})", token):
            try:
                now = datetime.fromtimestamp(int(found[1]))
            except (OverflowError, OSError, ValueError):
                now = None
            last = last or now
        elif now is not None and token.strip("\n"):
            files.setdefault(token.removeprefix("\n"), now)  # the newest commit comes first
    return Times(files, last)
