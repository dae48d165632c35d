"""The class pages: what to teach tomorrow, who needs a person, and where the course stands."""

from __future__ import annotations

import statistics
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.books import difficulty, roster, templating
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


@dataclass
class Class:
    """What is known of a class and a chapter: results, who handed in nothing, and the notebooks of the chapter."""

    name: str
    parts: list[Chapter]
    found: list[Result]
    absent: list[str] = field(default_factory=list)

    @property
    def graded(self) -> list[Result]:
        """Return the results of those who could be graded."""
        return [one for one in self.found if one.status == "graded"]

    @property
    def most(self) -> dict[str, float]:
        """Return the points of each exercise that is checked; of several notebooks under `notebook/exercise`."""
        several = len(self.parts) > 1
        return {(f"{p.notebook}/{name}" if several else name): e.max_score for p in self.parts for name, e in p.exercises.items() if e.points}

    def answer(self, student: str, exercise: str) -> str:
        """Return what a student wrote for an exercise, or why that cannot be shown."""
        notebook, _, name = exercise.rpartition("/")
        part = next((p for p in self.parts if p.notebook == notebook), self.parts[0])
        try:
            return answer(part, student, name or exercise)
        except AutograderError as error:
            return str(error)


def results(root: Path, chapter: str) -> list[Result]:
    """Return the results in the gradebook of a chapter, by student."""
    store = Store(root)
    kept = {
        part.notebook: [store.latest(part.key, student) for student in graded_students(root, chapter, part.notebook)]
        for part in ch.parts(root, chapter)
    }
    found = {notebook: [one for one in results if one is not None] for notebook, results in kept.items()}
    return next(iter(found.values())) if len(found) == 1 else merged(chapter, found)


def class_of(root: Path, chapter: str) -> Class:
    """Return a chapter's class."""
    found = results(root, chapter)
    there = {one.student for one in found}
    return Class(chapter, ch.parts(root, chapter), found, [one for one in roster.absent(root, chapter) if one not in there])


def page(root: Path, of: Class) -> str:
    """Return a chapter's page: HTML without scripts."""
    counts = difficulty.histogram(of.graded)
    scores = [one.score for one in of.graded]
    return templating.page(
        "report.html.j2",
        title=f"{of.name}: the class", count=len(of.graded), refused=len(of.found) - len(of.graded), absent=of.absent,
        median=f"{statistics.median(scores):g}" if scores else "", most=f"{max((one.max_score for one in of.graded), default=0):g}",
        bars=_bars(counts), spoken=_spoken(counts), items=difficulty.items(list(of.most), of.most, of.graded),
        enough=difficulty.MIN_CLASS, mistakes=_mistakes(of), groups=_groups(of), more=max(0, len(groups(of.graded)) - MAX_GROUPS),
        attention=_attention(of), students=[_student(root, of, one) for one in sorted(of.found, key=lambda r: r.student)],
    )  # fmt: skip


def _bars(counts: list[int]) -> list[dict[str, Any]]:
    """Return the bars of the distribution, in the units of its drawing: 60 wide a bar, 100 high the highest."""
    highest = max([*counts, 1])
    return [
        {"x": 60 * i, "height": round(100 * count / highest, 1), "y": round(120 - 100 * count / highest, 1), "count": count, "label": f"{10 * i}–{10 * i + 10}"}
        for i, count in enumerate(counts)
    ]


def _spoken(counts: list[int]) -> str:
    said = [f"{count} with {10 * i} to {10 * i + 10} %" for i, count in enumerate(counts) if count]
    return f"students by share of the points: {', '.join(said) or 'nobody'}"


def _mistakes(of: Class) -> list[dict[str, Any]]:
    """Return the recognised mistakes, the most frequent first, each with who made it and one answer."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for result in of.graded:
        for name, exercise in result.exercises.items():
            if exercise.mistake:
                found[name, exercise.mistake].append(result.student)
    ranked = sorted(found.items(), key=lambda one: (-len(one[1]), one[0]))
    return [
        {"exercise": name, "mistake": mistake.replace("_", " "), "count": len(students), "students": sorted(students),
         "of": min(students), "answer": of.answer(min(students), name)}
        for (name, mistake), students in ranked
    ]  # fmt: skip


def _groups(of: Class) -> list[dict[str, Any]]:
    def shown(number: int, one: Group) -> dict[str, Any]:
        told = " ".join(one.message.split())[:200]
        return {"number": number, "exercise": one.exercise, "count": len(one.students), "of": one.students[0], "answer": of.answer(one.students[0], one.exercise), "told": told}

    return [shown(number, one) for number, one in enumerate(groups(of.graded)[:MAX_GROUPS], 1)]


def _attention(of: Class) -> list[tuple[str, str]]:
    """Return who needs a person, and why: the grader failed, an older grade was withdrawn, nothing could be read."""
    lines = []
    for one in sorted(of.found, key=lambda r: r.student):
        broke = [name for name, exercise in one.exercises.items() if exercise.outcome == "checker broke"]
        if one.status in ("error", "rejected") or (one.reason or "").startswith("needs attention"):
            lines.append((one.student, f"{one.status}: {one.reason or 'no reason was kept'}"))
        elif broke:
            lines.append((one.student, f"the checker broke on {', '.join(broke)}: grade by hand, or mend the check and grade again"))
    return lines


def _student(root: Path, of: Class, one: Result) -> dict[str, Any]:
    open_ones = ", ".join(name for name, e in one.exercises.items() if e.outcome not in ("pass", "untested"))
    pages = [f"feedback/{one.student}/{of.name}/{part.notebook}.html" for part in of.parts]
    links = [f"../{path}" for path in pages if (root / path).is_file()]
    note = "; ".join(filter(None, [one.reason or (f"open: {open_ones}" if open_ones else ""), *one.notes]))
    return {"name": one.student, "status": one.status, "score": f"{one.score:g}", "most": f"{one.max_score:g}", "note": note, "links": links}


def write(root: Path, chapter: str) -> Path:
    """Write the class page of a chapter to `report/` and return its path."""
    of = class_of(root, chapter)
    if not of.found:
        raise AutograderError(f"nothing of {chapter} is graded yet. Run `autograder grade {chapter}` first.")
    return _write(root, of)


def _write(root: Path, of: Class) -> Path:
    path = root / "report" / f"{of.name}.html"
    write_atomically(path, page(root, of).encode("utf-8"))
    return path


def write_all(root: Path) -> list[Path]:
    """Write every graded chapter's page and the course's, and return the paths, the course's last."""
    paths, chapters, people = [], [], defaultdict[str, dict[str, Result]](dict)
    for name in ch.names(root):
        of = class_of(root, name)
        if not of.found:
            continue
        paths.append(_write(root, of))
        shares = [one.score / one.max_score for one in of.graded if one.max_score]
        items = difficulty.items(list(of.most), of.most, of.graded)
        chapters.append({
            "name": name, "graded": len(of.graded), "absent": len(of.absent), "attention": len(_attention(of)),
            "median": f"{statistics.median(shares):.0%}" if shares else "", "hardest": min(items, key=lambda one: one.share).name if items else "",
        })  # fmt: skip
        for student in of.absent:
            people[student].setdefault("", Result(student, "", "missing"))
        for one in of.found:
            one.cells = {}
            people[one.student][name] = one
    if not paths:
        raise AutograderError("nothing is graded yet. Run `autograder grade CHAPTER` first.")
    path = root / "report" / "index.html"
    names = [one["name"] for one in chapters]
    rows = [{"name": student, "scores": [_share(theirs.get(str(name))) for name in names]} for student, theirs in sorted(people.items())]
    content = templating.page("course.html.j2", title="The course", chapters=chapters, names=names, rows=rows)
    write_atomically(path, content.encode("utf-8"))
    return [*paths, path]


def _share(one: Result | None) -> str:
    """Return a cell of the course's table: points, or a word for what there is instead."""
    if one is None:
        return "–"
    return f"{one.score:g} of {one.max_score:g}" if one.status == "graded" else one.status
