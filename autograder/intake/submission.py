"""Read a student's notebook as data: what they wrote in solution cells, in plain cells, in manual answers.

Nothing is executed and nothing is believed: tags, points, ids, types and order of a submission play no part in
how it is graded.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from autograder.course import chapter as ch
from autograder.errors import BadNotebook
from autograder.intake import recognise
from lessonkit.plain_text import one_line, sound

if TYPE_CHECKING:
    from nbformat import NotebookNode

MAX_BYTES = 20 * 2**20
#: A larger file is nobody's notebook; up to here its outputs are left out, which play no part in grading.
LARGEST = 200 * 2**20
MAX_CELLS = 5_000
#: Notebooks under the endings that browsers and mail programs make of theirs.
ENDINGS = (".ipynb", ".ipynb.txt", ".ipynb.json")
MAX_SOURCE = 2 * 2**20
#: Brackets, commas and colons in the file: what it costs as objects, before it is parsed.
MAX_MARKS = 3_000_000
PICTURES = ("image/png", "image/jpeg", "image/gif")
MAX_PICTURE = 2 * 2**20
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*", re.ASCII)


@dataclass(frozen=True)
class StudentCell:
    """One cell as it came: type (`code`, `markdown`, `raw`), source, the grade id it claims, its outputs."""

    kind: str
    source: str
    grade_id: str
    outputs: tuple[dict[str, Any], ...] = ()
    #: pictures pasted into Markdown, by name: {"name.png": {"image/png": base64}}
    attachments: dict[str, Any] = field(default_factory=dict)
    #: the notebook format's own id of the cell; ours are equal to the grade ids
    cell_id: str = ""
    #: it says of itself that an answer stands in it: a hint where nothing better tells what it is, and no more
    says_answer: bool = False


@dataclass
class Submission:
    """What a submission contributes to the rebuilt notebook.

    `solutions`: exercise id -> the sources found under it, in order. `plain`: (anchor, cell) pairs, the anchor
    being the id of the last cell of the source's that came before it. `manual`: grade id -> answer.
    """

    solutions: dict[str, list[StudentCell]] = field(default_factory=dict)
    plain: list[tuple[str, StudentCell]] = field(default_factory=list)
    manual: dict[str, StudentCell] = field(default_factory=dict)
    matched: int = 0
    #: texts of the course's own code cells
    courses: frozenset[str] = frozenset()
    #: what had to be guessed, a line each
    notes: list[str] = field(default_factory=list)

    def texts(self) -> list[str]:
        """Return every text of the student's that runs."""
        answers = [*(cell for parts in self.solutions.values() for cell in parts), *self.manual.values()]
        return [*(cell.source for cell in answers), *self.own_plain()]

    def own_plain(self) -> list[str]:
        """Return the plain cells of the student's own; what the course has put between the exercises is no work of theirs."""
        return [cell.source for _, cell in self.plain if cell.source.strip() not in self.courses]

    def solution_source(self, exercise: str, stub: str) -> str | None:
        """Return what to run for an exercise: every part in order, an untouched copy only where it is alone."""
        parts = [cell.source for cell in self.solutions.get(exercise, [])]
        written = [part for part in parts if part.strip() != stub.strip()]
        chosen = written or parts[:1]
        return recognise.joined(chosen) if chosen else None


def parse(data: bytes) -> list[StudentCell]:
    """Return the cells of a notebook file; BadNotebook with a one-line reason where it is none."""
    if len(data) > MAX_BYTES:
        raise BadNotebook(
            f"the notebook is {len(data) / 2**20:.0f} MiB, more than {MAX_BYTES // 2**20}; clear its outputs"
        )
    if not data.strip():
        raise BadNotebook("the notebook is an empty file; save it in JupyterLab and hand it in again")
    if sum(data.count(mark) for mark in (b"[", b"{", b",", b":")) > MAX_MARKS:
        raise BadNotebook("the notebook holds millions of values; clear its outputs and hand it in again")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadNotebook(
            what_else(data) or f"the notebook is not UTF-8 text ({error.reason} at byte {error.start}); save it in JupyterLab"
        ) from error
    try:
        found = json.loads(text)
    except RecursionError as error:
        raise BadNotebook("the notebook is nested too deeply to be one") from error
    except ValueError as error:
        raise BadNotebook(what_else(data) or f"the notebook is not valid JSON ({one_line(str(error), 80)}): truncated, or not a notebook") from error
    try:
        return _cells(found)
    except BadNotebook:
        raise
    except Exception as error:  # whatever a file can hold: it ends itself and no other
        raise BadNotebook(f"the file is JSON, but no notebook ({type(error).__name__} in its cells)") from error


#: What people hand in for a notebook, by how it begins.
_ELSE = (
    (b"<!doctype html", "a web page (HTML) that shows a notebook: download the .ipynb itself"),
    (b"<html", "a web page (HTML) that shows a notebook: download the .ipynb itself"),
    (b"%pdf", "a PDF: hand in the .ipynb"),
    (b"version https://git-lfs", "a pointer of Git LFS and not the file: run `git lfs pull` and hand in the .ipynb"),
    (b"bplist", "a placeholder of iCloud and not the file: open it first, so that it is downloaded"),
    (b"pk\x03\x04", "a zip: unpack it and hand in the .ipynb"),
    (b"import ", "a Python script: hand in the .ipynb"),
    (b"# %%", "a Python script: hand in the .ipynb"),
)  # fmt: skip


def what_else(data: bytes) -> str:
    """Return what a file is that is no notebook, by how it begins, and what to do; "" where nothing tells."""
    head = data[:200].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    return next((says for begins, says in _ELSE if head.startswith(begins)), "")


def is_like_a_notebook(data: bytes) -> bool:
    """Return True for what looks like a notebook's JSON, whatever its name ends in."""
    return data[:200].removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"{") and b'"cells"' in data and b'"nbformat"' in data


def without_outputs(data: bytes) -> tuple[bytes, str]:
    """Return a notebook that is larger than MAX_BYTES without its outputs, and a note; another as it is, with none."""
    if not MAX_BYTES < len(data) <= LARGEST or sum(data.count(mark) for mark in (b"[", b"{", b",", b":")) > MAX_MARKS:
        return data, ""
    try:
        found = json.loads(data.decode("utf-8-sig"))
        for cell in found["cells"]:
            if "outputs" in cell:
                cell["outputs"] = []
        # a widget's state lies in the notebook's own metadata
        slim = json.dumps({"cells": found["cells"], "metadata": {}, "nbformat": 4, "nbformat_minor": found.get("nbformat_minor", 5)}).encode()
    except (ValueError, RecursionError, TypeError, KeyError):
        return data, ""
    return (slim, f"its outputs ({len(data) / 2**20:.0f} MiB) were left out") if len(slim) <= MAX_BYTES else (data, "")


def _cells(found: Any) -> list[StudentCell]:
    cells = found.get("cells") if isinstance(found, dict) else None
    if cells is None and isinstance(found, dict) and isinstance(found.get("worksheets"), list):
        sheets = [sheet for sheet in found["worksheets"] if isinstance(sheet, dict)]
        cells = [cell for sheet in sheets if isinstance(sheet.get("cells"), list) for cell in sheet["cells"]]
    if not isinstance(cells, list):
        raise BadNotebook("the file is JSON, but no notebook: it has no list of cells")
    if len(cells) > MAX_CELLS:
        raise BadNotebook(f"the notebook has {len(cells)} cells, more than {MAX_CELLS}")
    return [_cell(cell) for cell in cells if isinstance(cell, dict)]


def _cell(cell: dict[str, Any]) -> StudentCell:
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list):
        source = "".join(part for part in source if isinstance(part, str))
    source = source if isinstance(source, str) else ""
    source = sound(source, MAX_SOURCE)  # lone surrogates become "?"
    source = source.replace("\r\n", "\n").replace("\r", "\n")
    metadata = cell.get("metadata")
    meta = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    grade_id = meta.get("grade_id", "") if isinstance(meta, dict) else ""
    found = cell.get("outputs")
    outputs = found if isinstance(found, list) else []
    kind = cell.get("cell_type")
    return StudentCell(
        kind if kind in ("code", "markdown", "raw") else "raw",
        source,
        sound(grade_id, 200) if isinstance(grade_id, str) else "",
        tuple(output for output in outputs[:50] if isinstance(output, dict)),
        _attachments(cell.get("attachments")),
        sound(cell_id, 200) if isinstance(cell_id := cell.get("id"), str) else "",
        isinstance(meta, dict) and (meta.get("solution") is True or meta.get("task") is True),
    )


def _attachments(found: Any) -> dict[str, Any]:
    """Return the pictures that are attached to a cell, each by its name: PNG, JPEG and GIF as base64 text."""
    kept: dict[str, Any] = {}
    for name, kinds in list(found.items())[:20] if isinstance(found, dict) else []:
        for kind, data in list(kinds.items())[:5] if isinstance(kinds, dict) else []:
            text = "".join(part for part in data if isinstance(part, str)) if isinstance(data, list) else data
            if kind in PICTURES and isinstance(text, str) and len(text) <= MAX_PICTURE and _BASE64.fullmatch(text):
                kept[sound(name, 200)] = {kind: "".join(text.split())}
    return kept


def match(cells: list[StudentCell], source: NotebookNode) -> Submission:
    """Sort a student's cells by what they are in the source notebook."""
    solutions = {ch.grade_id_of(c) for c in source.cells if ch.is_solution(c)}
    manual = {ch.grade_id_of(c) for c in source.cells if ch.is_manual(c)}
    known = {ch.grade_id_of(c) for c in source.cells if ch.nbgrader_of(c)}
    locked_sources = {c.source.strip() for c in source.cells if ch.nbgrader_of(c).get("locked")}
    prose = {c.source.strip() for c in source.cells if c.cell_type == "markdown"}
    cells, notes = recognise.identify(cells, source)
    courses = frozenset(c.source.strip() for c in source.cells if c.cell_type == "code")
    result, anchor = Submission(courses=courses, notes=notes), ""
    for cell in cells:
        if cell.grade_id in solutions:
            result.solutions.setdefault(cell.grade_id, []).append(cell)
        elif cell.grade_id in manual:
            old = result.manual.get(cell.grade_id)
            joined = cell.source if old is None else f"{old.source}\n\n{cell.source}"
            result.manual[cell.grade_id] = StudentCell(cell.kind, joined, cell.grade_id, cell.outputs, (old.attachments if old else {}) | cell.attachments)
        elif cell.kind == "markdown" and anchor in manual and cell.source.strip() and cell.source.strip() not in prose:
            # the answer to a written question, in a text cell of its own under it
            asked = result.manual[anchor]
            text = f"{asked.source}\n\n{cell.source}"
            result.manual[anchor] = StudentCell(asked.kind, text, anchor, asked.outputs, asked.attachments | cell.attachments)
        elif cell.grade_id in known:
            pass  # a locked cell: the source's own is used
        elif cell.kind == "code" and cell.source.strip() and cell.source.strip() not in locked_sources:
            result.plain.append((anchor, cell))
        if cell.grade_id in known:
            anchor = cell.grade_id
    result.matched = len({c.grade_id for c in cells} & known)
    return result
