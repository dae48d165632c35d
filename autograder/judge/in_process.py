"""The verdict on a test cell of plain asserts: the share that nbgrader's scoring gave, if what was cut holds too."""

from __future__ import annotations

import ast
from typing import Any

from autograder.judge.verdict import CellVerdict, Frame, records_of
from autograder.rebuild.plain_asserts import Assert
from autograder.rebuild.split import Split
from autograder.sandbox.kinds import kinds
from lessonkit.message import Message
from lessonkit.observe import decode, describe

#: Said with every verdict that the student's own process had a part in.
JUDGED = "judged: in process"


def judge_cell(grade_id: str, split: Split, frame: Frame | None) -> CellVerdict:
    """Return the verdict on a cell of plain asserts; `frame` is None where the run did not get there."""
    if frame is None:
        return CellVerdict(grade_id, "not reached", Message("not checked", grade_id))
    seen = {int(record["i"]): record for record in records_of(frame, grade_id)}
    for one in split.asserts:
        if (message := _judge(one, seen.get(one.number), frame)) is not None:
            return CellVerdict(grade_id, "not yet", message, None, one.hidden)
    earned = min(1.0, max(0.0, float(frame.get("earned", 0.0))))
    if earned < 1.0:
        said = str(frame.get("error") or f"partial credit: {earned:.0%}")
        return CellVerdict(grade_id, "not yet", Message("not yet", "the asserts of this cell hold", actual=said, where=JUDGED), earned=earned)
    return CellVerdict(grade_id, "pass", None)


def _judge(one: Assert, record: dict[str, Any] | None, frame: Frame) -> Message | None:
    behaviour = "a hidden assert of this cell holds" if one.hidden else f"{one.left} == {one.right}"
    if record is None or "value" not in record:
        return Message("not yet", behaviour, actual=str(frame.get("error") or "it was not reached"))
    wanted = ast.literal_eval(one.right)
    items = record["value"].get("items", [])
    if len(items) != 2:
        return Message("not yet", behaviour, actual="the value was not reported")
    found = _decoded(items[1])
    told = _decoded(items[0])
    with_kinds = not isinstance(wanted, (list, tuple)) or told == kinds(wanted)
    if with_kinds and _equal(found, wanted):
        return None
    expected, actual = ("", "") if one.hidden else (one.right[:200], describe(items[1])[:200])
    return Message("not yet", behaviour, expected, actual)


def _decoded(plain: Any) -> Any:
    try:
        return decode(plain)
    except (ValueError, KeyError, TypeError):
        return None


def _equal(found: Any, wanted: Any) -> bool:
    if isinstance(wanted, (list, tuple)):
        return isinstance(found, list) and len(found) == len(wanted) and all(_equal(a, b) for a, b in zip(found, wanted, strict=True))
    if isinstance(wanted, dict):
        return isinstance(found, dict) and found.keys() == {str(key) for key in wanted} and all(_equal(found[str(k)], v) for k, v in wanted.items())
    try:
        return bool(found == wanted) and (wanted is not None or found is None)
    except (ValueError, TypeError):
        return False
