"""Write `autograded/`: the source's notebook with the student's answers and our messages, as formgrader shows it.

Test cells stand in their released form, so that neither formgrader's users nor a feedback page made from it
ever see a hidden test. Of a student's outputs only plain text and PNG pictures are kept.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder.books import exchange, pages
from autograder.course import chapter as ch
from autograder.files import write_atomically
from autograder.intake.submission import StudentCell, Submission
from autograder.judge.result import Result
from lessonkit.message import Message, to_text
from lessonkit.plain_text import one_line, printable

if TYPE_CHECKING:
    from nbformat import NotebookNode

MAX_TEXT = 20_000
MAX_PICTURE = 2 * 2**20
NOT_WRITTEN = "not written yet"
HIDDEN_ADVICE = (
    "a further case of the behaviour stated above; try your code on other shapes, dtypes and edge cases"
)


def notebook_of(chapter: ch.Chapter, submission: Submission | None, result: Result) -> NotebookNode:
    """Return the graded notebook; without a submission, the released one with the reason on top."""
    graded = ch.node(chapter.release)
    points = {ch.grade_id_of(c): ch.nbgrader_of(c)["points"] for c in chapter.source.cells if ch.nbgrader_of(c).get("grade")}
    cells: list[NotebookNode] = []
    if result.reason or submission is None:
        cells.append(_markdown(f"**{result.status}**: {pages.harmless(one_line(result.reason or 'not graded', 1_000))}"))
    theirs: dict[str, list[StudentCell]] = {}
    for anchor, plain in submission.plain if submission else []:
        theirs.setdefault(anchor, []).append(plain)
    waiting = theirs.get("", [])
    for cell in graded.cells:
        grade_id = ch.grade_id_of(cell)
        if not grade_id:
            cells += [cell] if submission is None or cell.cell_type != "code" else _up_to(waiting, cell)
            continue
        _fill(cell, grade_id, submission, result)
        if grade_id in points:
            cell.metadata.nbgrader["points"] = points[grade_id]
        cells += [*map(_code, waiting), cell]
        waiting = theirs.get(grade_id, [])
    cells += map(_code, waiting)
    for number, cell in enumerate(cells):
        cell.id = (ch.grade_id_of(cell) or f"cell-{number}")[:64]
    graded.cells = cells
    graded.nbformat_minor = 5
    return graded


def _fill(cell: NotebookNode, grade_id: str, submission: Submission | None, result: Result) -> None:
    """Put what belongs to a released cell into it: our verdict, the student's solution or written answer."""
    if ch.is_test(cell):
        cell.outputs = [_verdict_output(result, grade_id)]
    elif submission and ch.is_solution(cell):
        _pour(cell, submission.solutions.get(grade_id, []))
    elif submission and ch.is_manual(cell) and grade_id in submission.manual:
        answer = submission.manual[grade_id]
        cell.source = shown_answer(answer)
        if cell.cell_type == "markdown" and answer.attachments:
            cell["attachments"] = answer.attachments
    if cell.cell_type == "code" and not ch.is_test(cell) and not ch.is_solution(cell):
        cell.outputs = []


def _up_to(waiting: list[StudentCell], released: NotebookNode) -> list[NotebookNode]:
    """Take a student's plain cells out of `waiting`, up to the one that is this cell of the course's, and return them.

    So the course's own cells, run or changed by the student, stand under the prose that speaks of them.
    """
    for number, cell in enumerate(waiting):
        if cell.cell_id == released.get("id") or cell.source.strip() == released.source.strip():
            taken = [_code(one) for one in waiting[: number + 1]]
            del waiting[: number + 1]
            return taken
    return []


def shown_answer(answer: StudentCell) -> str:
    """Return a written answer as `autograded/` shows it."""
    return pages.harmless(answer.source) if answer.kind == "markdown" else answer.source


def notebook_path(chapter: ch.Chapter, student: str, root: Path | None = None) -> Path:
    """Return where a student's graded notebook lies."""
    return (root or chapter.root) / "autograded" / student / chapter.name / f"{chapter.notebook}.ipynb"


def _pour(cell: NotebookNode, written: list[StudentCell]) -> None:
    if written:
        cell.source = "\n\n".join(part.source for part in written)
        cell.outputs = [output for part in written for output in clean_outputs(part.outputs)]


def _markdown(source: str) -> NotebookNode:
    return ch.node({"cell_type": "markdown", "metadata": {}, "source": source, "id": "x"})


def _code(student: StudentCell) -> NotebookNode:
    made: dict[str, Any] = {
        "cell_type": "code", "metadata": {}, "execution_count": None, "source": student.source, "id": "x",
        "outputs": clean_outputs(student.outputs),
    }  # fmt: skip
    return ch.node(made)


def clean_outputs(outputs: tuple[dict[str, Any], ...]) -> list[NotebookNode]:
    """Return what is kept of outputs that came with a submission: text and PNG pictures, within limits."""
    kept: list[dict[str, Any]] = []
    for output in outputs[:20]:
        kind, data = output.get("output_type"), output.get("data")
        if kind == "stream":
            kept.append({"output_type": "stream", "name": "stdout", "text": _text(output.get("text"))})
        elif kind == "error":
            kept.append({"output_type": "stream", "name": "stdout", "text": _text(output.get("evalue"))})
        elif kind in ("display_data", "execute_result") and isinstance(data, dict):
            found = {"text/plain": _text(data.get("text/plain"))}
            if picture := _picture(data.get("image/png")):
                found["image/png"] = picture
            kept.append({"output_type": "display_data", "metadata": {}, "data": found})
    return [ch.node(output) for output in kept]


def _text(value: Any) -> str:
    if isinstance(value, list):
        value = "".join(part for part in value if isinstance(part, str))
    return printable(value if isinstance(value, str) else "", MAX_TEXT)


def _picture(value: Any) -> str | None:
    text = "".join(value) if isinstance(value, list) and all(isinstance(v, str) for v in value) else value
    if not isinstance(text, str) or len(text) > MAX_PICTURE:
        return None
    try:
        raw = base64.b64decode("".join(text.split()), validate=True)
    except ValueError:
        return None
    return base64.b64encode(raw).decode("ascii") if raw.startswith(b"\x89PNG\r\n\x1a\n") else None


def message_of(cell: dict[str, Any]) -> Message:
    """Return what a student may read about a test cell that does not hold: of a hidden check the behaviour, nothing that was seen.

    Values, ratios, an exception's class and its words can all carry a hidden input out; help is the course's own.
    """
    fields = dict(cell.get("fields", []))
    outcome: Any = cell["outcome"] if cell["outcome"] != "not reached" else "not checked"
    behaviour, help = cell.get("behaviour", ""), fields.get("help", "")
    if cell.get("hidden"):
        actual = NOT_WRITTEN if fields.get("actual") == NOT_WRITTEN else ""
        return Message(outcome, behaviour, actual=actual, help=help, try_="" if help else HIDDEN_ADVICE)
    seen = {name: fields.get(name, "") for name in ("expected", "actual", "where", "looks")}
    return Message(outcome, behaviour, **seen, help=help, try_=fields.get("try", ""))


def student_message(cell: dict[str, Any]) -> str:
    """Return what a student may read about a test cell, as text."""
    if cell["outcome"] == "pass":
        return "\n".join(f"pass        {behaviour}" for behaviour in cell.get("passed", [])) or "pass"
    return to_text("", [message_of(cell)])


def _verdict_output(result: Result, grade_id: str) -> NotebookNode:
    cell = result.cells.get(grade_id)
    text = student_message(cell) if cell else f"not graded: {result.reason or result.status}"
    return ch.node({"output_type": "stream", "name": "stdout", "text": text + "\n"})


def write(root: Path, chapter: ch.Chapter, submission: Submission | None, result: Result) -> Path:
    """Write a student's graded notebook, atomically; return its path."""
    notebook = notebook_of(chapter, submission, result)
    path = notebook_path(chapter, result.student, root)
    content = json.dumps(notebook, sort_keys=True, indent=1, ensure_ascii=True) + "\n"
    write_atomically(path, content.encode("ascii"))
    exchange.carry(root / "submitted" / result.student / chapter.name, path.parent)
    return path
