"""Runs of trusted cells, kept on disk as data: a run that was made once is not made again."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from autograder.files import write_atomically
from autograder.judge import keys
from autograder.sandbox.host import Limits, SandboxBroke, Template
from autograder.sandbox.inside import Cell

Frames = dict[str, dict[str, Any]]
_TRUSTED = Limits(wall_seconds=900, cpu_seconds=900)


class Records:
    """What a course's own solutions observe, run in a template and kept under content keys in `folder` (or not)."""

    def __init__(self, template: Template, folder: Path | None, package: str) -> None:
        self.template, self.folder, self.package = template, folder, package

    def of(
        self, cells: list[Cell], seed: int, seconds: Callable[[Cell], float], must_finish: str = ""
    ) -> Frames:
        """Return the frames of the test cells among `cells`; what ends a run is simply missing from them.

        `seconds` is the wall-clock limit of a cell. Where `must_finish` names whose run it is, one that does not
        finish raises SandboxBroke.
        """
        path = self._path(cells, seed)
        if path is not None and (kept := _read(path)) is not None:
            return kept
        outcome = self.template.run(cells, seed=seed, forbidden={}, seconds=seconds, limits=_TRUSTED)
        if must_finish and outcome.stopped_in:
            raise SandboxBroke(f"{must_finish} did not finish: {outcome.reason}")
        frames = {cell: frame for cell, frame in outcome.frames.items() if frame.get("tests")}
        if path is not None:
            with contextlib.suppress(OSError):  # the cache only saves time; a read-only root grades as well
                write_atomically(path, json.dumps(frames).encode())
        return frames

    def _path(self, cells: list[Cell], seed: int) -> Path | None:
        if self.folder is None:
            return None
        key = keys.of_records(cells, seed, self.template.data_line, self.package)
        return self.folder / key[:2] / f"{key}.json"


def _read(path: Path) -> Frames | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):  # not made yet, or a file that somebody damaged: make it again
        return None
    return found if isinstance(found, dict) else None
