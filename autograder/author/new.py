"""A skeleton that builds, grades and rehearses green: the first hour of a course, or the first minute of a chapter."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from autograder.errors import AutograderError
from autograder.files import write_atomically

_COURSE = """# Whose course this is.
[course]
name = "{title}"
package = "{package}"
lint = "textbook"
"""
_PACKAGE = '''"""What the notebooks of {title} import besides `lessonkit`: its own parts, data and judges."""

from lessonkit import guard

guard.trust(__file__)
'''
_CHAPTER = '''# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
r"""
# {number} · {title}

Say in two sentences what will be built here, and why.
"""

# %% nbgrader={{"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false}} tags=["setup"]
from lessonkit import check
from lessonkit.hints import hint

# %% [markdown]
r"""
## {number}.1 One idea

Prose that makes the exercise obvious. The middle of a list of numbers is where half of them lie below and half above.
"""

# %% [markdown]
r"""
### Exercise {number}.1 · `middle`
*difficulty 1 of 3 · 5 minutes · about 4 lines*

`middle(values)`: a list of at least one number in any order → the middle one of the sorted list; of an even count the mean of
the two in the middle. The list itself stays as it is.
"""

# %% nbgrader={{"grade": false, "grade_id": "middle", "locked": false, "schema_version": 3, "solution": true}}
def middle(values):
    """a list of numbers -> the middle one, or the mean of the middle two"""
    # about 4 lines
    ### BEGIN SOLUTION
    ordered = sorted(values)
    half = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[half]
    return (ordered[half - 1] + ordered[half]) / 2
    ### END SOLUTION

# %%
hint("middle")

# %% nbgrader={{"grade": true, "grade_id": "middle__values", "locked": true, "points": 2, "schema_version": 3, "solution": false}}
@check.cell("middle__values")
def _():
    check.close("of three numbers in no order it is the one between", lambda: float(middle([9, 1, 4])), expected=4.0, advice="sort first")
    check.close("of four it is the mean of the middle two", lambda: float(middle([1, 2, 4, 9])), expected=3.0, advice="look at an even count")
    given = [3, 1, 2]
    check.equal("the list stays as it is", lambda: (middle(given), given)[1], expected=[3, 1, 2], advice="does sort() change it?")
    ### BEGIN HIDDEN TESTS
    check.close("one number is its own middle", lambda: float(middle([7])), expected=7.0)
    check.close("more numbers are no harder", lambda: float(middle([5, 3, 8, 1, 9, 2, 7])), expected=5.0)
    ### END HIDDEN TESTS

# %% [markdown]
r"""
## Summary

What is now hidden behind which name, and where to go next.
"""
'''
_EXERCISES = """[middle]
hints = [
  "Sort the numbers on paper first. Where is the middle of five of them, and where of four?",
  "`sorted` gives a new list. Which index is in the middle, and how do you tell an even count from an odd one?",
]
few_mistakes = "a first exercise; add the mistakes that your students make"
"""
_MISTAKES = '''# %% middle: not_sorted
# help: this takes the number in the middle of the list as it came; the middle is that of the sorted list
def middle(values):
    half = len(values) // 2
    return values[half] if len(values) % 2 else (values[half - 1] + values[half]) / 2

# %% middle: upper_of_two
# help: of an even count this takes the upper one of the two in the middle; their mean is asked for
def middle(values):
    return sorted(values)[len(values) // 2]

# %% middle: sorts_in_place
# help: `values.sort()` changes the list that came in; `sorted(values)` gives a new one
def middle(values):
    values.sort()
    half = len(values) // 2
    return values[half] if len(values) % 2 else (values[half - 1] + values[half]) / 2
'''
_VARIANTS = """# %% middle: by_the_library
import statistics

def middle(values):
    return statistics.median(values)
"""


def course(folder: Path, package: str = "") -> Iterator[Path]:
    """Write a new course and yield the files; AutograderError where the folder already holds one."""
    name = package or _package_of(folder)
    if name in sys.stdlib_module_names:
        raise AutograderError(f"{name} is Python's own: a package of that name would hide it. Give another: --package {name}_course")
    if not name.isidentifier():
        raise AutograderError(f"{name!r} cannot be the name of a package. Give one: autograder dev new course {folder} --package my_course")
    if (folder / "course.toml").exists():
        raise AutograderError(f"{folder} holds a course already. A chapter for it: autograder dev new chapter 02_topic --root {folder}")
    title = folder.name.replace("_", " ").replace("-", " ").title()
    yield _write(folder / "course.toml", _COURSE.format(title=title, package=name))
    yield _write(folder / name / "__init__.py", _PACKAGE.format(title=title))
    yield _write(folder / "nbgrader_config.py", f'c = get_config()  # noqa: F821\n\nc.CourseDirectory.course_id = "{name}"\n')
    yield _write(folder / ".gitignore", "/submitted/\n/autograded/\n/feedback/\n/gradebook.db*\n/.autograder/\n__pycache__/\n")
    yield from chapter(folder, "01_first")


def _package_of(folder: Path) -> str:
    """Return a folder's name as a package's; one that Python itself has is no use, so `statistics` becomes `statistics_course`."""
    name = re.sub(r"\W+", "_", folder.name.lower()).strip("_")
    return f"{name}_course" if name in sys.stdlib_module_names else name


def chapter(root: Path, name: str) -> Iterator[Path]:
    """Write the text of a new chapter and yield the files; AutograderError where it is there, or its name is no name."""
    if not re.fullmatch(r"\d\d_[a-z][a-z0-9_]*", name):
        raise AutograderError(f"{name!r} is no name of a chapter: two digits and a topic, for example 02_means")
    folder = root / "course" / name
    if folder.exists():
        raise AutograderError(f"{folder} is there already. Build it: autograder build {name} --root {root}")
    number, title = int(name[:2]), name[3:].replace("_", " ").capitalize()
    yield _write(folder / f"{name}.py", _CHAPTER.format(number=number, title=title))
    yield _write(folder / "exercises.toml", _EXERCISES)
    yield _write(folder / "mistakes.py", _MISTAKES)
    yield _write(folder / "variants.py", _VARIANTS)


def _write(path: Path, text: str) -> Path:
    write_atomically(path, text.encode("utf-8"))
    return path
