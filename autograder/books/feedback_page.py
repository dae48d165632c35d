"""One student's feedback page: what a glance needs on top, the graded notebook below; no script, nothing from a network."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from markupsafe import Markup

from autograder.books import pages, templating
from autograder.books.autograded import message_of
from autograder.books.store import Store
from autograder.course import chapter as ch
from autograder.judge.result import ExerciseResult, Result

#: Characters of one cell of code that are coloured: a colour costs some fifty characters and ten microseconds a word.
MAX_COLOURED = 50_000
#: What a page's look depends on besides its student; `stamp` makes pages anew where one of them changed.
MODULES = ("feedback_page", "pages", "formulas", "autograded")
_SAID = {"not reached": "not checked", "untested": "your own, nothing checks it", "checker broke": "not checked: the checker failed, and a person looks at it"}


@dataclass(frozen=True)
class Mark:
    """What the gradebook holds of one graded cell: points, the most of them, whether they are final, a comment."""

    points: float
    most: float
    waits: bool
    comment: str = ""


@dataclass(frozen=True)
class Inputs:
    """What a page is made from: whose it is, and the gradebook's marks by grade id."""

    root: str
    chapter: str
    notebook: str
    student: str
    name: str
    marks: dict[str, Mark] = field(default_factory=dict)
    penalty: float = 0.0
    key: str = ""

    @property
    def graded(self) -> Path:
        """Return where the graded notebook lies."""
        return Path(self.root) / "autograded" / self.student / self.chapter / f"{self.notebook}.ipynb"

    @property
    def submitted(self) -> Path:
        """Return where the notebook that was handed in lies."""
        return Path(self.root) / "submitted" / self.student / self.chapter / f"{self.notebook}.ipynb"

    @property
    def page(self) -> Path:
        """Return where the page lies."""
        return Path(self.root) / "feedback" / self.student / self.chapter / f"{self.notebook}.html"


@lru_cache(maxsize=8)
def _chapter(root: str, name: str, notebook: str) -> ch.Chapter:
    return ch.Chapter(Path(root), name, notebook)


def html(inputs: Inputs) -> str:
    """Return a student's page."""
    chapter = _chapter(inputs.root, inputs.chapter, inputs.notebook)
    notebook = json.loads(inputs.graded.read_bytes())
    result = Store(Path(inputs.root)).latest(chapter.key, inputs.student) or Result(inputs.student, chapter.key, "graded")
    rows = _exercises(chapter, inputs, result) + _questions(chapter, inputs)
    total = sum(mark.points for mark in inputs.marks.values())
    return templating.page(
        "feedback.html.j2",
        key=inputs.key, title=f"{_title(chapter)}: {inputs.name}", status=result.status, reason=result.reason or "",
        points=_number(max(0.0, total - inputs.penalty)), most=_number(sum(mark.most for mark in inputs.marks.values())),
        penalty=_number(inputs.penalty) if inputs.penalty else "", waits=any(mark.waits for mark in inputs.marks.values()),
        notes=result.notes, rows=rows, open=[row for row in rows if not row["done"]],
        passed=[row for row in rows if row["done"]], cells=[_shown(cell) for cell in notebook["cells"]],
        back={row["check"] or row["anchor"] for row in rows}, code_style=_code_style(),
    )  # fmt: skip


def _title(chapter: ch.Chapter) -> str:
    for cell in chapter.source.cells:
        for line in cell.source.splitlines() if cell.cell_type == "markdown" else ():
            if line.startswith("# "):
                return str(line[2:]).strip()
    return chapter.notebook


def _number(value: float) -> str:
    return f"{round(value, 2):g}"


def _anchor(grade_id: str) -> str:
    return f"cell-{grade_id}"


def _exercises(chapter: ch.Chapter, inputs: Inputs, result: Result) -> list[dict[str, Any]]:
    rows = []
    for name, exercise in chapter.exercises.items():
        found = result.exercises.get(name)
        marks = [inputs.marks[cell] for cell in exercise.points if cell in inputs.marks]
        points = sum(mark.points for mark in marks) if marks else (found.score if found else 0.0)
        row: dict[str, Any] = {
            "name": name, "anchor": _anchor(name), "check": "", "points": _number(points), "most": _number(exercise.max_score),
            "outcome": _SAID.get(found.outcome, found.outcome) if found else "not graded yet" if result.status == "graded" else result.status, "what": "", "hidden": False,
            "help": "", "comment": " ".join(mark.comment for mark in marks if mark.comment),
            "done": found is not None and found.outcome in ("pass", "untested"),
        }  # fmt: skip
        if found is not None and not row["done"]:
            row |= _what_is_off(exercise, found, result)
        rows.append(row)
    return rows


def _what_is_off(exercise: ch.Exercise, found: ExerciseResult, result: Result) -> dict[str, Any]:
    """Return what may be said of an exercise: the check that knows the mistake, else the first that does not hold."""
    failing = [(i, result.cells[i]) for i in exercise.points if i in result.cells and result.cells[i]["outcome"] != "pass"]
    if not failing:
        return {}
    grade_id, cell = next(((i, c) for i, c in failing if dict(c.get("fields", [])).get("help")), failing[0])
    message = message_of(cell)
    where = message.actual if not cell.get("hidden") else ""
    what = message.behaviour + (f": {where}" if where and len(where) < 120 else "")
    return {"what": what, "help": message.help, "hidden": bool(cell.get("hidden")), "check": _anchor(grade_id)}


def _questions(chapter: ch.Chapter, inputs: Inputs) -> list[dict[str, Any]]:
    """Return the rows of what a person grades."""
    rows = []
    for cell in chapter.source.cells:
        name = ch.grade_id_of(cell)
        mark = inputs.marks.get(name)
        if mark is None or not ch.is_manual(cell):
            continue
        outcome = "waits for your instructor" if mark.waits else "graded" if mark.points or mark.comment else "not answered"
        rows.append({
            "name": name, "anchor": _anchor(name), "check": "", "points": "?" if mark.waits else _number(mark.points),
            "most": _number(mark.most), "outcome": outcome, "what": "", "hidden": False, "help": "", "comment": mark.comment,
            "done": not mark.waits and mark.points >= mark.most,
        })  # fmt: skip
    return rows


def _shown(cell: dict[str, Any]) -> dict[str, Any]:
    source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
    grade_id = str(cell.get("metadata", {}).get("nbgrader", {}).get("grade_id", ""))
    if cell["cell_type"] == "markdown":
        made = pages.shown(source, cell.get("attachments") or None, deeper=2)
    else:
        made = f'<pre tabindex="0" aria-label="code" class="code">{_highlighted(source)}</pre>'
    outputs = [one for output in cell.get("outputs", []) if (one := _output(output))]
    says = "what the check says" if "__" in grade_id else "output"
    return {"html": Markup(made), "anchor": _anchor(grade_id) if grade_id else "", "outputs": outputs, "says": says}


def _output(output: dict[str, Any]) -> dict[str, str] | None:
    data = output.get("data", {})
    text = output.get("text", data.get("text/plain", ""))
    text = text if isinstance(text, str) else "".join(text)
    picture = data.get("image/png", "")
    picture = picture if isinstance(picture, str) else "".join(picture)
    if picture:
        alt = text if text and not text.startswith("<") else "a picture that the cell above drew"
        return {"picture": "".join(picture.split()), "text": alt[:500]}
    return {"picture": "", "text": text.rstrip("\n")} if text.strip() else None


@lru_cache(maxsize=4_000)
def _highlighted(source: str) -> str:
    if len(source) > MAX_COLOURED:
        return str(Markup.escape(source))
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    return str(highlight(source, PythonLexer(), HtmlFormatter(nowrap=True)))


@lru_cache(maxsize=1)
def _code_style() -> Markup:
    from pygments.formatters import HtmlFormatter

    light = HtmlFormatter(style="default").get_style_defs(".code")
    dark = HtmlFormatter(style="github-dark").get_style_defs(".code")
    plain = ".code{background:var(--field)!important;color:inherit}"
    return Markup(f"{light}\n@media (prefers-color-scheme:dark){{{dark}}}\n{plain}")
