"""One chapter as a page: the students' notebook, with what the reference shows in its course cells.

Text and cells are those of the release: solutions and hidden tests were never in it. Checks and drawing code are
folded; what a course cell prints is folded too, since questions are answered there.
"""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from autograder.course import chapter as ch
from tools.book.links import Links
from tools.book.pictures import Shown

_EXERCISE = re.compile(r"^### Exercise .*?`(\w+)`", re.MULTILINE)
_TITLE = re.compile(r"\A# .+$", re.MULTILINE)
#: Where pictures lie in the built book, as a page in chapters/ sees them.
PICTURES = "../_static/pictures"


def page(chapter: ch.Chapter, shown: dict[str, list[Shown]], links: Links) -> NotebookNode:
    """Return the notebook that Sphinx makes the chapter's page of."""
    cells: list[NotebookNode] = []
    for cell in chapter.release.cells:
        cells += _cell(cell, chapter, shown, links)
    metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    return new_notebook(cells=cells, metadata=metadata)


def _cell(cell: NotebookNode, chapter: ch.Chapter, shown: dict[str, list[Shown]], links: Links) -> list[NotebookNode]:
    if ch.is_manual(cell) and ch.nbgrader_of(cell).get("solution"):
        return []  # the place for a written answer; its question stands above it
    if cell.cell_type != "code":
        return [_text(cell, chapter, links)]
    if ch.is_solution(cell):
        return [_code(cell)]
    if ch.is_test(cell):
        points = ch.nbgrader_of(cell)["points"]
        return [_code(cell, "hide-input", f"The check {ch.grade_id_of(cell)}, {points:g} point{'' if points == 1 else 's'}")]
    if cell.source.startswith("hint("):
        return []
    return _course_cell(cell, chapter.name, shown.get(cell.id, []))


def _text(cell: NotebookNode, chapter: ch.Chapter, links: Links) -> NotebookNode:
    text = links.to_chapters(cell.source, own=chapter.name)
    text = _EXERCISE.sub(lambda m: f"```{{index}} single: {m[1]}\n```\n\n({label(chapter.name, m[1])})=\n{m[0]}", text)
    if title := _TITLE.match(text):
        text = f"{title[0]}\n\n{_ways_in(chapter, links)}\n{text[title.end():]}"
    return _made(new_markdown_cell(text), cell)


def label(chapter: str, exercise: str) -> str:
    """Return the label that links to an exercise of a chapter go to; two chapters may have one of the same name."""
    return f"exercise-{chapter[:2]}-{exercise.replace('_', '-')}"


def _ways_in(chapter: ch.Chapter, links: Links) -> str:
    """Return how to work on a chapter: in one's own JupyterLab, and where the book's repository is known, without one."""
    path = f"release/{chapter.name}/{chapter.name}.ipynb"
    lines = [
        "````{admonition} Work on it",
        ":class: tip dropdown ways-in",
        "In your own JupyterLab, with hints, checks that answer, and your progress kept:",
        "",
        "```sh\ncourse start my-course && cd my-course\ncourse lab\n```",
        "",
        f"then open `{chapter.name}`. Or take the notebook: {{download}}`{chapter.name}.ipynb <../notebooks/{chapter.name}.ipynb>`.",
    ]
    if links.repository:
        binder = links.repository.replace("https://github.com/", "https://mybinder.org/v2/gh/")
        colab = links.repository.replace("https://github.com/", "https://colab.research.google.com/github/")
        lines += [
            "",
            f"Without an installation: [in Binder]({binder}/main?urlpath=lab/tree/{path}), or [in Colab]({colab}/blob/main/{path}), "
            f"where `%pip install git+{links.repository}` comes first.",
        ]
    return "\n".join([*lines, "````"])


def _course_cell(cell: NotebookNode, chapter: str, shown: list[Shown]) -> list[NotebookNode]:
    outputs = [_output(one, chapter) for one in shown]
    if ch.PICTURE in ch.tags_of(cell):
        what = "The code of this picture" if any(one.picture for one in shown) else "The code of this"
        return [_code(cell, "hide-input", what, outputs)]
    if ch.SETUP in ch.tags_of(cell):
        return [_code(cell, "hide-input", "What this chapter imports")]
    if any(one.picture for one in shown):
        return [_code(cell, "", "", outputs)]
    return [_code(cell, "hide-output", "What this prints", outputs)] if outputs else [_code(cell)]


def _code(cell: NotebookNode, tag: str = "", prompt: str = "", outputs: list[NotebookNode] | None = None) -> NotebookNode:
    metadata: dict[str, Any] = {"tags": [tag]} if tag else {}
    if prompt:
        metadata["mystnb"] = {"code_prompt_show": prompt, "code_prompt_hide": prompt}
    return _made(new_code_cell(cell.source, outputs=outputs or [], metadata=metadata), cell)


def _made(made: NotebookNode, cell: NotebookNode) -> NotebookNode:
    made.id = cell.id
    return made


def _output(one: Shown, chapter: str) -> NotebookNode:
    if one.text:
        return new_output("stream", name="stdout", text=one.text)
    picture = (
        f'<img src="{PICTURES}/{chapter}/{one.picture}" alt="{html.escape(one.alt)}" width="{one.width}" loading="lazy" class="figure dark-light">'
    )
    return new_output("display_data", {"text/html": picture, "text/plain": one.alt})


def exercises(chapter: ch.Chapter) -> list[str]:
    """Return the exercises that a chapter's page has a heading for, in its order."""
    return [match[1] for cell in chapter.release.cells if cell.cell_type == "markdown" for match in _EXERCISE.finditer(cell.source)]


def copy_notebook(chapter: ch.Chapter, folder: Path) -> None:
    """Put the students' notebook where the page offers it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{chapter.name}.ipynb").write_bytes(chapter.release_path.read_bytes())
