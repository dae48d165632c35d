"""Results as files under content keys: written atomically, found again after a crash, never half there."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from autograder.files import write_atomically
from autograder.judge.result import ExerciseResult, Result


def key_of(data: bytes, reference_key: str, isolation: str, limits: str) -> str:
    """Return the content key of a result: the submission, everything its reference depends on, how it is run."""
    digest = hashlib.sha256()
    for part in (data, reference_key.encode(), isolation.encode(), limits.encode()):
        digest.update(hashlib.sha256(part).digest())
    return digest.hexdigest()[:32]


def to_record(result: Result) -> bytes:
    """Return the bytes of a record: the same for the same result, whoever computed it."""
    return (
        json.dumps(result.to_json(cells=True), sort_keys=True, ensure_ascii=True, indent=1) + "\n"
    ).encode()


def from_record(data: bytes) -> Result:
    """Return the result of a record; ValueError, KeyError or TypeError where it is none."""
    found = json.loads(data)
    found["exercises"] = {name: ExerciseResult(**one) for name, one in found["exercises"].items()}
    return Result(**found)


class Store:
    """The records of a course root, under `.autograder/results/CHAPTER/STUDENT/KEY.json`."""

    def __init__(self, root: Path) -> None:
        self.folder = root / ".autograder" / "results"

    def path(self, chapter: str, student: str, key: str) -> Path:
        """Return where a record lies."""
        return self.folder / chapter / student / f"{key}.json"

    def get(self, chapter: str, student: str, key: str) -> Result | None:
        """Return a stored result, None where there is none that can be read, or a checker broke and may not again."""
        try:
            result = from_record(self.path(chapter, student, key).read_bytes())
        except (OSError, ValueError, KeyError, TypeError):
            return None
        broke = any(exercise.outcome == "checker broke" for exercise in result.exercises.values())
        return result if result.status == "graded" and not broke else None

    def put(self, key: str, result: Result) -> Path:
        """Write a result; OSError where the disk is full or read-only, and then nothing is half written."""
        path = self.path(result.chapter, result.student, key)
        write_atomically(path, to_record(result))
        return path

    def mark_latest(self, result: Result, key: str, data: bytes = b"") -> None:
        """Remember which result the gradebook shows, and of which bytes it is."""
        shown = {"key": key, "result": asdict(result), "of": hashlib.sha256(data).hexdigest()}
        content = json.dumps(shown, sort_keys=True, ensure_ascii=True).encode()
        write_atomically(self.folder / result.chapter / result.student / "latest.json", content)

    def holds_any(self) -> bool:
        """Return True where any result was applied to the gradebook."""
        return next(self.folder.glob("*/*/latest.json"), None) is not None

    def latest(self, chapter: str, student: str) -> Result | None:
        """Return the result that was applied to the gradebook last."""
        try:
            return from_record(json.dumps(self._latest(chapter, student)["result"]).encode())
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def is_of(self, chapter: str, student: str, data: bytes) -> bool:
        """Return True where the result that the gradebook shows is of these bytes, False where of others or unknown."""
        try:
            return bool(self._latest(chapter, student)["of"] == hashlib.sha256(data).hexdigest())
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def _latest(self, chapter: str, student: str) -> dict[str, Any]:
        found = json.loads((self.folder / chapter / student / "latest.json").read_bytes())
        if not isinstance(found, dict):
            raise ValueError("no record")
        return found
