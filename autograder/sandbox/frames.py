"""What a run may send: the declared form of a frame, and the one place where bytes from a run become data.

`admit` is the border. A frame that passes it holds the types it declares, plain data as `lessonkit.observe` writes it,
a bounded number of values and text that is Unicode; nothing behind it has to be careful.
"""

from __future__ import annotations

import json
import math
from typing import Any, NotRequired, TypedDict

from lessonkit.observe import Plain, text_of
from lessonkit.observe import admit as admit_plain
from lessonkit.plain_text import sound

#: Brackets, commas and colons in one frame: each costs at most some 100 bytes once it is an object.
MAX_MARKS = 2_000_000
MAX_TESTS, MAX_RECORDS, MAX_USED, MAX_BASES = 64, 1_000, 200, 40
MAX_ID, MAX_NAME, MAX_ERROR, MAX_OUTPUT = 200, 1_000, 1_000, 21_000
CHECKS = ("close", "equal", "unchanged", "raises", "that")


class BadFrame(ValueError):
    """What came over the wire is not a frame."""


class Record(TypedDict):
    """What one check observed: a value, or the names of an exception's classes and its message."""

    i: int
    site: int | None
    name: str
    check: str
    how: dict[str, Any]
    value: NotRequired[Plain]
    raised: NotRequired[list[str]]
    message: NotRequired[str]


class Test(TypedDict):
    """The records of one test cell, what ended it, and the forbidden names that ran in it."""

    cell: str
    records: list[Record]
    error: str | None
    used: list[str]


class Frame(TypedDict):
    """One finished cell. `begin` or `died` stand alone in a frame of their own."""

    cell: NotRequired[str]
    seconds: NotRequired[float]
    output: NotRequired[str]
    error: NotRequired[str | None]
    tests: NotRequired[list[Test]]
    begin: NotRequired[str]
    died: NotRequired[str]


def admit(body: bytes) -> Frame:
    """Return the frame that bytes of a run stand for; BadFrame where they are none."""
    if (marks := sum(body.count(mark) for mark in (b"[", b"{", b",", b":"))) > MAX_MARKS:
        raise BadFrame(f"a frame of {marks} values")
    try:
        return _frame(json.loads(body, parse_constant=_refuse))
    except (ValueError, RecursionError) as error:
        raise BadFrame(f"{type(error).__name__}: {error}"[:200]) from error


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is no JSON")


def _frame(found: object) -> Frame:
    if type(found) is not dict:
        raise ValueError("not an object")
    if "begin" in found:
        return {"begin": text_of(found["begin"], MAX_ID)}
    if "died" in found:
        return {"died": _text(found["died"], MAX_ERROR)}
    frame: dict[str, Any] = {"cell": text_of(found.get("cell"), MAX_ID), "error": _error(found.get("error"))}
    frame["output"] = _text(found.get("output", ""), MAX_OUTPUT)
    if "tests" in found:
        frame["tests"] = [_test(test) for test in _list(found["tests"], MAX_TESTS)]
    # times and counts of a run, whatever they are called
    frame |= {key[:MAX_ID]: _number(value) for key, value in found.items() if key not in frame and key != "tests"}
    return frame  # type: ignore[return-value]


def _test(found: object) -> Test:
    if type(found) is not dict:
        raise ValueError("no test")
    records = [_record(record) for record in _list(found.get("records"), MAX_RECORDS)]
    if len({record["i"] for record in records}) != len(records):
        raise ValueError("two records of one number")
    return {
        "cell": text_of(found.get("cell"), MAX_ID), "records": records, "error": _error(found.get("error")),
        "used": [_text(name, MAX_ID) for name in _list(found.get("used", []), MAX_USED)],
    }  # fmt: skip


def _record(found: object) -> Record:
    if type(found) is not dict or found.get("check") not in CHECKS:
        raise ValueError("no record")
    site = found.get("site")
    record: Record = {
        "i": _count(found.get("i")), "site": None if site is None else _count(site),
        "name": _text(found.get("name"), MAX_NAME), "check": found["check"], "how": _how(found.get("how")),
    }  # fmt: skip
    if ("value" in found) == ("raised" in found):
        raise ValueError("a record with neither value nor exception, or with both")
    if "value" in found:
        record["value"] = admit_plain(found["value"])
    else:
        record["raised"] = [_text(name, MAX_ID) for name in _list(found["raised"], MAX_BASES)]
        record["message"] = _text(found.get("message", ""), MAX_ERROR)
        if not record["raised"]:
            raise ValueError("an exception of no class")
    return record


def _how(found: object) -> dict[str, Any]:
    """Return how a check compares: tolerances, exactness, an exception's name, and what a judge is given."""
    if type(found) is not dict or not found.keys() <= {"rtol", "atol", "exact", "exception", "given"}:
        raise ValueError("no way to compare")
    how: dict[str, Any] = {}
    for key, value in found.items():
        if key == "given":
            how[key] = admit_plain(value)
        elif key == "exception":
            how[key] = text_of(value, MAX_ID)
        else:
            how[key] = value if value is None or type(value) is bool else _number(value)
    return how


def _list(found: object, most: int) -> list[Any]:
    if type(found) is not list or len(found) > most:
        raise ValueError("no list, or a longer one than may be")
    return found


def _count(found: object) -> int:
    if type(found) is not int or not 0 <= found < 2**31:
        raise ValueError("no number to count by")
    return found


def _number(found: object) -> float:
    if type(found) not in (int, float) or abs(found) > 1e18 or math.isnan(found):  # type: ignore[arg-type]
        raise ValueError("no number")
    return found  # type: ignore[return-value]


def _text(found: object, most: int) -> str:
    """Return words of the run's own, cut and mended: what an exception says may be any text, and ends no run."""
    if type(found) is not str:
        raise ValueError("no text")
    return sound(found, most)


def _error(found: object) -> str | None:
    return None if found is None else _text(found, MAX_ERROR)
