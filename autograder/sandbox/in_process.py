"""A test cell of plain asserts, run where the student's code runs and scored by nbgrader's own rule.

nbgrader looks at a cell's outputs: an error or a word on stderr earns nothing, a last value that is a number is
partial credit, anything else earns everything. What it looks at is made here, and its `determine_grade` decides.
"""

from __future__ import annotations

from typing import Any

from IPython.utils.capture import capture_output
from nbformat.v4 import new_code_cell, new_output
from nbgrader.utils import determine_grade

from autograder.sandbox.kinds import kinds
from lessonkit.observe import encode

SEEN = "_lessonkit_seen"
#: The grade is worked out for so many points, and counts as a share of the cell's own.
WHOLE = 1.0
_determine_grade, _encode = determine_grade, encode


def frame_of(cell: str, source: str, shell: Any) -> dict[str, Any]:
    """Run a cell's source in IPython and return its frame: `earned` (a share from 0 to 1) and the observed values."""
    records: list[dict[str, Any]] = []

    def seen(number: int, value: Any) -> bool:
        observed = [kinds(value), value]
        records.append({"i": number, "site": number, "name": f"assert {number}", "check": "equal", "how": {}, "value": _encode(observed)})
        return True

    shell.user_ns[SEEN] = seen
    try:
        with capture_output(display=True) as captured:
            result = shell.run_cell(source, store_history=False)
    finally:
        shell.user_ns.pop(SEEN, None)
    error = result.error_before_exec or result.error_in_exec
    outputs = []
    if captured.stderr:
        outputs.append(new_output("stream", name="stderr", text=captured.stderr))
    if error is not None:
        outputs.append(new_output("error", ename=type(error).__name__, evalue="", traceback=[]))
    elif result.result is not None and not source.rstrip().endswith(";"):
        text = shell.display_formatter.format(result.result, include=["text/plain"])[0].get("text/plain", "")
        outputs.append(new_output("execute_result", data={"text/plain": text}))
    meta = {"nbgrader": {"grade": True, "solution": False, "grade_id": cell, "points": WHOLE, "locked": True, "schema_version": 3}}
    score, _ = _determine_grade(new_code_cell(source, outputs=outputs, metadata=meta))
    said = None if error is None else f"{type(error).__name__}: {error}"[:500]
    test = {"cell": cell, "records": records, "error": said, "used": []}
    return {"error": said, "earned": float(score or 0.0), "tests": [test]}
