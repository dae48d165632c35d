"""Which cell is which: by grade id, else by cell id or text, else by what the cell defines, else by its place.

Editors and students lose, split, copy and move cells, Colab drops the grader's metadata, and a chapter may call an
exercise otherwise than when it was handed out. Nothing of that may cost an answer; what had to be guessed is said.
"""

from __future__ import annotations

import ast
import re
from dataclasses import replace
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

from autograder.course import chapter as ch
from autograder.course.cell_text import KEEPS_NAMES, only_evaluates, python_of, without_onlookers
from lessonkit.plain_text import one_line

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from autograder.intake.submission import StudentCell

#: What nbgrader takes out of a test cell before students see it.
_HIDDEN = re.compile(r"^[^\n]*### BEGIN HIDDEN TESTS.*?### END HIDDEN TESTS[^\n]*$", re.MULTILINE | re.DOTALL)
#: A cell that begins indented and returns something: the rest of a function that begins elsewhere.
_CONTINUES = re.compile(r"\A[ \t]+\S(?:.*\n)*?[ \t]+(?:return|yield)\b")
_Cell = TypeVar("_Cell", bound="StudentCell")


def identify(cells: list[_Cell], source: NotebookNode) -> tuple[list[_Cell], list[str]]:
    """Return the cells with the grade ids that they are taken for, and a line for each that had to be guessed."""
    kinds = {ch.grade_id_of(c): c.cell_type for c in source.cells if ch.nbgrader_of(c)}
    claimed = {cell.grade_id for cell in cells}
    notes: list[str] = []
    by_id = []
    for cell in cells:
        if cell.grade_id not in kinds and kinds.get(cell.cell_id) == cell.kind and cell.cell_id not in claimed:
            notes.append(cell.cell_id)
            cell = replace(cell, grade_id=cell.cell_id)
        by_id.append(cell)
    said = [f"metadata lost in {len(notes)} cell(s), recognised by cell ids"] if notes else []
    by_id = _whole(_by_question(_by_text(by_id, source, said), source, said), source, said)
    return _by_place(_by_definitions(by_id, source, said), source, said), said


def _by_text(cells: list[_Cell], source: NotebookNode, said: list[str]) -> list[_Cell]:
    """Take a cell that says what one of the course's own locked cells says, hidden tests aside, for that one."""
    claimed = {cell.grade_id for cell in cells}
    locked = [c for c in source.cells if ch.nbgrader_of(c) and not ch.is_solution(c) and not ch.is_manual(c)]
    texts = {(c.cell_type, _shown(c.source)): ch.grade_id_of(c) for c in locked if ch.grade_id_of(c) not in claimed}
    known = {ch.grade_id_of(c) for c in source.cells if ch.nbgrader_of(c)}
    found, count = list(cells), 0
    for index, cell in enumerate(cells):
        if cell.grade_id not in known and cell.source.strip() and (name := texts.pop((cell.kind, _shown(cell.source)), "")):
            found[index], count = replace(cell, grade_id=name), count + 1
    if count:
        said.append(f"{count} of the course's own cells had lost their ids, recognised by their text")
    return found


def _by_question(cells: list[_Cell], source: NotebookNode, said: list[str]) -> list[_Cell]:
    """Take the cell under the prose of a written question for its answer, where none says that it is one."""
    claimed = {cell.grade_id for cell in cells}
    prose = [(c.cell_type, _shown(c.source)) for c in source.cells]
    given = [(cell.kind, _shown(cell.source)) for cell in cells]
    found, count = list(cells), 0
    for question, answer in pairwise(source.cells):
        name, asked = ch.grade_id_of(answer), (question.cell_type, _shown(question.source))
        if not ch.is_manual(answer) or name in claimed or question.cell_type != "markdown" or prose.count(asked) != 1 or given.count(asked) != 1:
            continue
        place = given.index(asked) + 1
        if place < len(cells) and not cells[place].grade_id and cells[place].kind == answer.cell_type and given[place] not in prose:
            found[place], count = replace(found[place], grade_id=name), count + 1
    if count:
        said.append(f"{count} written answer(s) had lost their ids, found under their questions")
    return found


def _shown(text: str) -> str:
    """Return a cell's text as students see it, its blanks aside."""
    return re.sub(r"\s+", " ", _HIDDEN.sub("", text)).strip()


def _whole(cells: list[_Cell], source: NotebookNode, said: list[str]) -> list[_Cell]:
    """Take a plain cell that begins in the middle of a function for the rest of the answer above it."""
    answers = {ch.grade_id_of(c) for c in source.cells if ch.is_solution(c)}
    known = {ch.grade_id_of(c) for c in source.cells if ch.nbgrader_of(c)}
    found: list[_Cell] = []
    for cell in cells:
        above = found[-1] if found else None
        if (
            above is not None and above.grade_id in answers and cell.kind == above.kind == "code" and cell.grade_id not in known
            and _CONTINUES.match(cell.source) and _compiles(f"{above.source}\n{cell.source}")
        ):  # fmt: skip
            found[-1] = replace(above, source=f"{above.source}\n{cell.source}")
            said.append(f"the answer to {above.grade_id} was cut into two cells, taken together")
        else:
            found.append(cell)
    return found


def _by_place(cells: list[_Cell], source: NotebookNode, said: list[str]) -> list[_Cell]:
    """Take an answer under a name that the chapter has no longer for the one that stands between the same two cells."""
    known = {ch.grade_id_of(c) for c in source.cells if ch.nbgrader_of(c)}
    there = {cell.grade_id for cell in cells} & known
    answers = [(ch.grade_id_of(c), c.cell_type) for c in source.cells if ch.is_solution(c) or ch.is_manual(c)]
    wanted = _gaps([(ch.grade_id_of(c), c.cell_type) for c in source.cells if ch.nbgrader_of(c)], there, set(answers))
    strays = {(cell.grade_id, cell.kind) for cell in cells if cell.says_answer and cell.grade_id and cell.grade_id not in known}
    given = _gaps([(cell.grade_id, cell.kind) for cell in cells], there, strays)
    names = {old[0][0]: wanted[gap][0][0] for gap, old in given.items() if len(set(old)) == 1 and len(wanted.get(gap, [])) == 1}
    said += [f"the answer to {now} was found in a cell called {one_line(old, 60)}, by its place" for old, now in names.items()]
    return [replace(cell, grade_id=names.get(cell.grade_id, cell.grade_id)) if cell.grade_id not in known else cell for cell in cells]


def _gaps(cells: list[tuple[str, str]], there: set[str], wanted: set[tuple[str, str]]) -> dict[tuple[str, str, str], list[tuple[str, str]]]:
    """Return the `wanted` among (name, type) cells by their gap: the cells of `there` before and after them, and the type."""
    before, open_ones = "", list[tuple[str, str]]()
    found: dict[tuple[str, str, str], list[tuple[str, str]]] = {}

    def close(after: str) -> None:
        for one in open_ones:
            found.setdefault((before, after, one[1]), []).append(one)
        open_ones.clear()

    for cell in cells:
        if cell[0] in there:
            close(cell[0])
            before = cell[0]
        elif cell in wanted:
            open_ones.append(cell)
    close("")
    return found


def _by_definitions(cells: list[_Cell], source: NotebookNode, said: list[str]) -> list[_Cell]:
    """Take a plain cell that defines what an exercise asks for as its answer, where nothing else is written there."""
    known = {ch.grade_id_of(c) for c in source.cells if ch.nbgrader_of(c)}
    theirs = {c.source.strip() for c in source.cells if not ch.is_solution(c)}
    found = list(cells)
    for solution in (c for c in source.cells if ch.is_solution(c) and c.cell_type == "code"):
        name, wanted = ch.grade_id_of(solution), _wanted(solution.source)
        written = [c for c in found if c.grade_id == name and not is_stub(c.source)]
        if written or not wanted:
            continue
        for index, cell in enumerate(found):
            plain = cell.kind == "code" and cell.grade_id not in known and cell.source.strip() not in theirs
            if plain and wanted <= defined(cell.source) | assigned(cell.source) and not is_stub(cell.source):
                found[index] = replace(cell, grade_id=name)
                said.append(f"the answer to {name} was found in a cell of its own, by what it defines")
                break
    return found


@lru_cache(maxsize=1_000)
def _wanted(solution: str) -> frozenset[str]:
    """Return what an answer defines, by the course's own: its functions and classes, else its values."""
    return defined(solution) or assigned(solution)


def defined(text: str) -> frozenset[str]:
    """Return the functions and classes that a cell's text defines at its top level; empty where it is no Python."""
    try:
        body = ast.parse(python_of(text)).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    return frozenset(node.name for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef))


def assigned(text: str) -> frozenset[str]:
    """Return the names that a cell's text assigns at its top level; empty where it is no Python."""
    try:
        body = ast.parse(python_of(text)).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    return frozenset(target.id for node in body if isinstance(node, ast.Assign) for target in node.targets if isinstance(target, ast.Name))


def is_stub(text: str) -> bool:
    """Return True for a cell in which nothing was written: its functions only raise NotImplementedError."""
    return not text.strip() or ("raise NotImplementedError" in text and "return" not in text)


def joined(parts: list[str]) -> str:
    """Return the parts of an answer as one text: in order where that compiles, else the last part that does.

    Among several, a copy of the cell in which somebody only tried something is no part of the answer: one whose magic
    keeps its names to itself, and one above the rest that only evaluates. `%%time` and its like, which have to be the
    first thing in a cell, are left out. A part under any other cell magic stands alone.
    """
    answers = [part for part in parts if not KEEPS_NAMES.match(part)] or parts
    while len(answers) > 1 and only_evaluates(answers[0]):
        answers = answers[1:]
    if len(answers) == 1:
        return answers[0]
    answers = [without_onlookers(part) for part in answers]
    if any(part.lstrip().startswith("%%") for part in answers):
        return answers[-1]
    whole = "\n\n".join(answers)
    if _compiles(whole):
        return whole
    return next((part for part in reversed(answers) if _compiles(part)), whole)


def _compiles(text: str) -> bool:
    try:
        ast.parse(python_of(text))
        return True
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
