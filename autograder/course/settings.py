"""`course.toml` and `exercises.toml` as declared forms: an unknown key or a wrong type is refused with what was meant."""

from __future__ import annotations

import difflib
import importlib.util
import json
import sys
import tomllib
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from types import GenericAlias
from typing import Any, get_args, get_origin, get_type_hints

from autograder.errors import BadSettings

FILE = "course.toml"
#: Seconds a single cell may run when graded, where exercises.toml does not say otherwise.
CELL_SECONDS = 20.0


@dataclass(frozen=True)
class CourseSettings:
    """Whose course it is: the table `[course]` of course.toml. Everything may be left out (a plain nbgrader course)."""

    name: str = "course"
    #: the package that its notebooks import besides lessonkit
    package: str = ""
    #: what `pip install` takes to bring that package, for the first cell of a notebook that was opened without it
    install: str = ""
    #: modules that a warm worker imports before it forks
    warm_up: list[str] = field(default_factory=list)
    #: the module that a judge in a test cell calls `judges`
    judges: str = ""
    #: the module whose `prepare(folder)` lays out what grading runs on
    data: str = ""
    #: the profile of rules that `build` holds chapters to: `textbook`, or `plain` for nbgrader's own rules
    lint: str = "plain"
    #: names under which set-up cells import what is lent to checks, with what they stand for
    lent: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the plain form that the build ships beside each source notebook."""
        return asdict(self)


@dataclass(frozen=True)
class ExerciseSettings:
    """What exercises.toml says of one exercise."""

    #: staged hints, from where to look to how to begin
    hints: list[str] = field(default_factory=list)
    #: calls that would skip the exercise: dotted names, `package.*`, `python loop`
    forbidden: list[str] = field(default_factory=list)
    #: seconds a single cell may run when graded
    seconds: float = CELL_SECONDS
    #: packages of an extra; where one is missing the exercise waits for the instructor
    needs: list[str] = field(default_factory=list)
    #: modules that a warm grader imports before it forks
    preload: list[str] = field(default_factory=list)
    #: how many lines its solution may have, where a whole class cannot be cut in two
    lines: int = 40
    #: why an exercise has fewer than five named mistakes
    few_mistakes: str = ""
    #: names it had in earlier editions, so that a learner's work finds it again
    was: list[str] = field(default_factory=list)
    #: the last step of the ladder of hints: a worked example of a similar task
    example: str = ""


def read_course(root: Path) -> CourseSettings:
    """Return what a root's course.toml says; the defaults where there is none. BadSettings where it says it wrongly."""
    path = root / FILE
    if not path.is_file():
        return CourseSettings()
    tables = _load(path)
    if unknown := [name for name in tables if name != "course"]:
        raise BadSettings(path, unknown[0], _guess(unknown[0], ["course"]))
    course: CourseSettings = _read(CourseSettings, tables.get("course", {}), path, "course")
    return importable(root, course)


def course_of(plain: dict[str, Any]) -> CourseSettings:
    """Return the settings that `CourseSettings.to_json` gave."""
    known = {one.name for one in fields(CourseSettings)}
    return CourseSettings(**{name: value for name, value in plain.items() if name in known})


def importable(root: Path, course: CourseSettings) -> CourseSettings:
    """Let the package that lies in a course's root be imported, from whatever folder a command is started; return the course."""
    if course.package and (root / course.package / "__init__.py").is_file() and importlib.util.find_spec(course.package) is None:
        sys.path.append(str(root.resolve()))
    return course


def read_exercises(path: Path) -> dict[str, ExerciseSettings]:
    """Return the tables of an exercises.toml by exercise; {} where there is none. BadSettings where one is wrong."""
    if not path.is_file():
        return {}
    return {name: _read(ExerciseSettings, table, path, name) for name, table in _load(path).items()}


def exercises_of(plain: dict[str, Any], path: Path) -> dict[str, ExerciseSettings]:
    """Return the settings of exercises as the build ships them; what else the notes hold plays no part."""
    known = {one.name for one in fields(ExerciseSettings)}
    tables = {name: {k: v for k, v in table.items() if k in known} for name, table in plain.items()}
    return {name: _read(ExerciseSettings, table, path, name) for name, table in tables.items()}


def _load(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadSettings(path, "", f"it is no TOML: {error}") from error


def _read(kind: type[Any], table: Any, path: Path, name: str) -> Any:
    if not isinstance(table, dict):
        raise BadSettings(path, name, f"expected a table [{name}], found {_shown(table)}")
    hints = get_type_hints(kind)
    known = [one.name for one in fields(kind)]
    made = {}
    for key, value in table.items():
        if key not in known:
            raise BadSettings(path, f"{name}.{key}", _guess(key, known))
        if not _fits(value, hints[key]):
            raise BadSettings(path, f"{name}.{key}", f"expected {_kind_name(hints[key])}, found {_shown(value)}")
        made[key] = float(value) if hints[key] is float else value
    absent = [one.name for one in fields(kind) if one.default is MISSING and one.default_factory is MISSING]
    for key in absent:
        if key not in made:
            raise BadSettings(path, f"{name}.{key}", "it is missing")
    return kind(**made)


def _guess(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    return f"did you mean `{near[0]}`?" if near else f"there is no such key; there are {', '.join(known)}"


def _fits(value: Any, kind: Any) -> bool:
    origin, inside = get_origin(kind), get_args(kind)
    if origin is list:
        return isinstance(value, list) and all(_fits(one, inside[0]) for one in value)
    if origin is dict:
        return isinstance(value, dict) and all(_fits(one, inside[1]) for one in value.values())
    if kind is float:
        return isinstance(value, (int, float)) and not isinstance(value, bool)
    if kind is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, kind)


def _kind_name(kind: type | GenericAlias) -> str:
    names = {str: "a text", float: "a number", int: "a whole number", bool: "true or false"}
    if get_origin(kind) is list:
        return f"a list of {names.get(get_args(kind)[0], 'values').removeprefix('a ')}s"
    if get_origin(kind) is dict:
        return "a table of texts"
    return names.get(kind, str(kind))  # type: ignore[arg-type]


def _shown(value: Any) -> str:
    return json.dumps(value, default=str)[:60]
