"""What a learner has tried, seen and passed: one JSON file, `.course/state.json`, keyed by `chapter/exercise`.

In-notebook checks write it, the command line and the JupyterLab panel read it, and any of them may do so at the same
time: a change is read, made and written under a lock. A file that is damaged, or from a newer version, is kept aside
and said, never overwritten.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock

from lessonkit.learner.files import write

VERSION = 1
FILE = "state.json"


@dataclass
class Progress:
    """What is known of one exercise. Times are ISO 8601 in UTC, "" where it did not happen."""

    attempts: int = 0
    hints: int = 0
    passed: str = ""
    #: outcome of each test cell that ran, by grade id: `pass` or `not yet`
    cells: dict[str, str] = field(default_factory=dict)
    #: the name of the known mistake that was recognised last
    mistake: str = ""
    gave_up: str = ""
    solution_seen: str = ""
    #: its checks changed since it passed
    again: bool = False
    #: when `course review` is to put it back, and after how many days it did last
    review: str = ""
    interval: int = 0


@dataclass
class State:
    """The whole file: progress by `chapter/exercise`, and a plan where one was made."""

    exercises: dict[str, Progress] = field(default_factory=dict)
    plan: dict[str, Any] = field(default_factory=dict)
    #: what was wrong with the file that was found, "" where it was fine
    note: str = ""

    def of(self, chapter: str, exercise: str) -> Progress:
        """Return the progress of an exercise, made where there is none yet."""
        return self.exercises.setdefault(f"{chapter}/{exercise}", Progress())


def now() -> str:
    """Return this moment as it is written."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def read(folder: Path) -> State:
    """Return the state kept in a workspace's `.course` folder; an empty one with a note where it cannot be read."""
    path = folder / FILE
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return State()
    except (OSError, ValueError) as error:
        return State(note=f"{path} could not be read ({error}); {_aside(path)}")
    if not isinstance(found, dict) or not isinstance(found.get("exercises"), dict):
        return State(note=f"{path} holds something else than a state; {_aside(path)}")
    if found.get("version") != VERSION:
        return State(note=f"{path} is of version {found.get('version')!r}, and this program writes {VERSION}; {_aside(path)}")
    known = {one.name: one for one in fields(Progress)}
    plan = found.get("plan")
    state = State(plan=plan if isinstance(plan, dict) else {})
    for name, table in found["exercises"].items():
        if isinstance(table, dict):
            state.exercises[name] = Progress(**{k: v for k, v in table.items() if k in known and _same_kind(v, known[k].name)})
    return state


def _same_kind(value: Any, name: str) -> bool:
    return type(value) is type(getattr(Progress(), name))


def _aside(path: Path) -> str:
    kept = path.with_name(f"state.kept-{datetime.now(UTC):%Y%m%d-%H%M%S-%f}.json")
    try:
        path.replace(kept)
    except OSError as error:
        return f"it could not be moved aside either ({error.strerror}); nothing is written over it"
    return f"it lies as {kept.name} now, and a new one is made from the notebooks"


@contextmanager
def change(folder: Path) -> Iterator[State]:
    """Give the state for a change that is written when the block ends; others wait. OSError where nothing can be written."""
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "state.lock", timeout=10):
        state = read(folder)
        yield state
        write(folder / FILE, to_text(state))


def to_text(state: State) -> str:
    """Return the text of a state file, which is also what `course export` writes."""
    plain = {"version": VERSION, "exercises": {k: asdict(v) for k, v in state.exercises.items()}, "plan": state.plan}
    return json.dumps(plain, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
