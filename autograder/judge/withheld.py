"""Run an exercise's checks once more without the course's own part for it, where a submission may have reached for that.

Lent parts are code in the process in which a student's code runs, and what is there can be found: in a closure, by
emptying the guard's lists, by running its source. None of it works where the part is not. Such a run costs what a run
costs, so it is made for those submissions only whose text holds one of the few ways to get there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache

from autograder.judge.grade_one import Observed
from autograder.sandbox import bwrap
from autograder.sandbox.inside import Cell

_MARK = re.compile(r"@no_answer_to\(\s*[\"'](\w+)[\"']")
#: Reading an attribute by a constant, public name reaches nothing that a dot does not.
_INNOCENT = re.compile(r"(get|has|set)attr\(\s*[\w.]+\s*,\s*[\"'][A-Za-z]\w*[\"']")
_REACHES = re.compile(
    r"\b(__closure__|cell_contents|__code__|__globals__|__dict__|__getattribute__|__subclasses__|__builtins__|__func__"
    r"|_current|_finished|_guards|getattr|attrgetter|methodcaller|vars|globals|locals|exec|(?<!\.)eval|compile|open|inspect|gc|ctypes"
    r"|_getframe|f_back|f_locals|linecache|importlib|__import__|lessonkit|marshal|pickle|tokenize|runpy|pkgutil|mmap"
    r"|pathlib|Path|fileinput|read_text|loadtxt|fromfile|memmap|get_ipython|sys|co_filename|setprofile|settrace)\b|^\s*[%!]",
    re.MULTILINE,
)
_BEGINS = re.compile(r"\b(parts|own_parts)\b")


@cache
def owners(package: str) -> frozenset[str]:
    """Return the exercises for which a course's package holds a part of its own, from its text alone."""
    folder = bwrap.folder_of(package)
    files = sorted(folder.rglob("*.py")) if folder else []
    return frozenset(name for file in files for name in _MARK.findall(file.read_text(encoding="utf-8")))


def suspicious(texts: Iterable[str], package: str) -> bool:
    """Return True where a student's text holds a way to reach what the course lends."""
    for text in texts:
        plain = _INNOCENT.sub("", text)
        if _REACHES.search(plain) or _BEGINS.search(plain) or (package and package in plain):
            return True
    return False


def again(
    observed: Observed, cells: list[Cell], texts: list[str], exercises: Iterable[str], package: str,
    run: Callable[[list[Cell]], Observed],
) -> Observed:
    """Return what was observed, with the checks of exercises that have a part of their own made again without it.

    `cells` is what ran, `texts` is all that the student wrote, and `run` observes a list of cells. Only checks that were made at all are made again.
    """
    mine = [name for name in exercises if name in owners(package)]
    if not mine or not suspicious(texts, package):
        return observed
    frames, reasons, contended = dict(observed.frames), dict(observed.reasons), observed.contended
    for name in mine:
        tests = [cell.id for cell in cells if cell.role == "test" and cell.exercise == name]
        if not any(test in frames for test in tests):
            continue
        kept = [cell for cell in cells if cell.role != "test" or cell.exercise == name]
        setup = [cell for cell in kept if cell.role == "setup"][:1]
        first = Cell("withheld", "setup", f"__import__('lessonkit.lent').lent.withhold({name!r})")
        alone = run([*setup, first, *(cell for cell in kept if cell not in setup)])
        contended = contended or alone.contended
        for test in tests:
            frames.pop(test, None)
            if test in alone.frames:
                frames[test] = alone.frames[test]
            elif reason := alone.reasons.get(test) or next(iter(alone.reasons.values()), None):
                reasons.setdefault(test, reason)
    return Observed(frames, reasons, contended, observed.undefined)
