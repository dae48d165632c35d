"""The class page: who stands where, which exercise is hard, and which mistake is behind it."""

from __future__ import annotations

import html
from collections import Counter
from pathlib import Path

from autograder.books.feedback import graded_students
from autograder.books.groups import Group, answer, groups
from autograder.books.store import Store
from autograder.course import chapter as ch
from autograder.course.chapter import Chapter
from autograder.errors import AutograderError
from autograder.files import write_atomically
from autograder.judge.merged import merged
from autograder.judge.result import Result

#: Groups of unnamed answers that the page shows.
MAX_GROUPS = 30
_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1b1b;background:#fff}
table{border-collapse:collapse;width:100%;margin:1rem 0}th,td{padding:.3rem .6rem;border-bottom:1px solid #ccc;text-align:left}
td.n{text-align:right;font-variant-numeric:tabular-nums}.bar{background:#e6e6e6;height:.8rem}.bar i{display:block;height:100%;background:#0072B2}
@media (prefers-color-scheme:dark){body{background:#161616;color:#eee}th,td{border-color:#444}.bar{background:#333}}
"""


def results(root: Path, chapter: str) -> list[Result]:
    """Return the results in the gradebook of a chapter, by student."""
    store = Store(root)
    kept = {
        part.notebook: [store.latest(part.key, student) for student in graded_students(root, chapter)]
        for part in ch.parts(root, chapter)
    }
    found = {notebook: [one for one in results if one is not None] for notebook, results in kept.items()}
    return next(iter(found.values())) if len(found) == 1 else merged(chapter, found)


def page(chapter: Chapter, found: list[Result]) -> str:
    """Return the class page as HTML without scripts."""
    graded = [r for r in found if r.status == "graded"]
    parts = [f"<h1>{chapter.name}</h1><p>{len(graded)} graded, {len(found) - len(graded)} not gradable.</p>"]
    parts += [
        "<h2>Exercises</h2>",
        _exercises(chapter, graded),
        "<h2>Mistakes recognised</h2>",
        _mistakes(graded),
        "<h2>Wrong answers that nobody has named yet</h2>",
        _unnamed(chapter, groups(graded)),
    ]
    parts += ["<h2>Students</h2>", _students(found)]
    title = html.escape(chapter.name)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title><meta http-equiv="Content-Security-Policy" '
        f"content=\"default-src 'none'; style-src 'unsafe-inline'\"><style>{_STYLE}</style><body>{''.join(parts)}</body></html>\n"
    )


def _exercises(chapter: Chapter, graded: list[Result]) -> str:
    rows = []
    for name, exercise in chapter.exercises.items():
        mine = [r.exercises[name] for r in graded if name in r.exercises]
        passed = sum(e.outcome == "pass" for e in mine)
        share = passed / len(mine) if mine else 0.0
        mean = sum(e.score for e in mine) / len(mine) if mine else 0.0
        rows.append(
            f"<tr><td>{html.escape(name)}</td><td class=n>{passed} of {len(mine)}</td>"
            f'<td><div class=bar role="img" aria-label="{share:.0%} pass"><i style="width:{share:.0%}"></i></div></td>'
            f"<td class=n>{mean:.2f} of {exercise.max_score:g}</td></tr>"
        )
    return f"<table><tr><th>exercise<th>pass<th>share<th>mean points</tr>{''.join(rows)}</table>"


def _mistakes(graded: list[Result]) -> str:
    counts = Counter((name, e.mistake) for r in graded for name, e in r.exercises.items() if e.mistake)
    if not counts:
        return "<p>None.</p>"
    rows = [
        f"<tr><td>{html.escape(name)}<td>{html.escape(str(mistake)).replace('_', ' ')}<td class=n>{n}</tr>"
        for (name, mistake), n in counts.most_common()
    ]
    return f"<table><tr><th>exercise<th>mistake<th>students</tr>{''.join(rows)}</table>"


def _unnamed(chapter: Chapter, found: list[Group]) -> str:
    if not found:
        return "<p>None.</p>"
    rows = [
        f"<tr><td>{number}<td>{html.escape(one.exercise)}<td class=n>{len(one.students)}"
        f"<td>{html.escape(one.students[0])}<details><summary>the answer</summary><pre>{html.escape(_answer(chapter, one))}</pre></details>"
        f"<td>{html.escape(' '.join(one.message.split())[:200])}</tr>"
        for number, one in enumerate(found[:MAX_GROUPS], 1)
    ]
    more = f"<p>And {len(found) - MAX_GROUPS} more.</p>" if len(found) > MAX_GROUPS else ""
    head = "<tr><th>group<th>exercise<th>answers alike<th>one of them<th>what it was told</tr>"
    return f"<table>{head}{''.join(rows)}</table>{more}"


def _answer(chapter: Chapter, group: Group) -> str:
    try:
        return answer(chapter, group.students[0], group.exercise)
    except AutograderError as error:
        return str(error)


def _students(found: list[Result]) -> str:
    rows = []
    for r in sorted(found, key=lambda r: r.student):
        open_ones = ", ".join(name for name, e in r.exercises.items() if e.outcome != "pass")
        note = r.reason or (f"open: {open_ones}" if open_ones else "")
        rows.append(
            f"<tr><td>{html.escape(r.student)}<td>{r.status}<td class=n>{r.score:g} of {r.max_score:g}<td>{html.escape(note)}</tr>"
        )
    return f"<table><tr><th>student<th>status<th>auto-graded points<th>note</tr>{''.join(rows)}</table>"


def write(root: Path, chapter: str) -> Path:
    """Write the class page of a chapter to `report/` and return its path."""
    found = results(root, chapter)
    if not found:
        raise AutograderError(f"nothing of {chapter} is graded yet. Run `autograder grade {chapter}` first.")
    path = root / "report" / f"{chapter}.html"
    write_atomically(path, page(Chapter(root, chapter), found).encode("utf-8"))
    return path
