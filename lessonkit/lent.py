"""A part is lent to later exercises and refuses to be the answer to its own, however it was reached.

A refusal is only as good as the code that refuses. Where a submission looks as if it reached around it, the grader
runs that exercise's checks once more with the part `withhold`en: then there is nothing to reach.
"""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from types import FunctionType
from typing import Any, cast

from lessonkit import check
from lessonkit.guard import is_library

#: The guarded functions of each exercise, and the files they were read from.
_guards: dict[str, list[FunctionType]] = {}
_files: dict[str, set[str]] = {}
#: Ways out of this process, or into its memory, that an audit hook cannot look behind. A forked child is none: it has the
#: hook too, and what is gone here is gone there, so ranks (`lessonkit.ranks`) run.
_OUT = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "ctypes.dlopen")


def withhold(exercise: str) -> None:
    """Take the code of an exercise's own parts out of this process, and its files out of reach, for good.

    For a process that runs this exercise's checks and no other's. Files are refused by an audit hook, which no code
    can take off again.
    """
    files = _files.pop(exercise, set())
    for guard in _guards.pop(exercise, []):
        for cell in guard.__closure__ or ():
            if callable(cell.cell_contents):
                cell.cell_contents = _nothing_here(exercise)
    if files:
        sys.addaudithook(_refusing(files))


def _nothing_here(exercise: str) -> Callable[..., Any]:
    def withheld(*args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(f"this is the course's own part for {exercise}; the answer has to be yours")

    return withheld


def _refusing(files: set[str]) -> Callable[[str, tuple[Any, ...]], None]:
    names, folders = {os.path.basename(file) for file in files}, {os.path.dirname(file) for file in files}
    real, split = os.path.realpath, os.path.split

    def refuse(event: str, details: tuple[Any, ...]) -> None:
        if event in _OUT:
            raise PermissionError(f"{event} while an exercise is checked on its own")
        if event == "open" and isinstance(details[0], (str, bytes, os.PathLike)):
            path = os.fsdecode(details[0])
            folder, name = split(real(path))
            if name in names or folder in folders or split(path)[1] in names or (name.endswith(".pyc") and split(folder)[0] in folders):
                raise PermissionError("the course's own parts are out of reach while their exercise is checked")

    return refuse


def no_answer_to(exercise: str, material: bool = False) -> Callable[[Any], Any]:
    """Decorate a function or class that does what `exercise` asks for.

    Called by a student's code while that exercise is checked it raises RuntimeError. The checks themselves, and
    other parts, may call it at any time. `material` is what the exercise's own checks are made of: it refuses a student's
    call in the same way, and is never withheld.
    """

    if not material:
        _files.setdefault(exercise, set()).add(os.path.realpath(sys._getframe(1).f_code.co_filename))

    def mark(part: Any) -> Any:
        if not isinstance(part, type):
            return _guarded(part, exercise, material)
        whole: Any = part
        if isinstance(vars(whole).get("forward"), staticmethod):  # an autograd.Function makes no instance
            whole.forward = staticmethod(_guarded(whole.forward, exercise, material))
        else:
            whole.__init__ = _guarded(whole.__init__, exercise, material)
        return whole

    return mark


def _guarded(function: Any, exercise: str, material: bool) -> Any:
    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        if check.running_exercise() == exercise and _caller() != check.running_file():
            raise RuntimeError(f"this is the course's own part for {exercise}; the answer has to be yours")
        return function(*args, **kwargs)

    del run.__wrapped__  # what it guards is not for taking off
    if not material:
        _guards.setdefault(exercise, []).append(cast("FunctionType", run))
    return run


def _caller() -> str:
    """Return the file name of the nearest calling code that is neither a library's nor the course's."""
    frame = sys._getframe(2)
    while frame.f_back is not None and is_library(frame.f_code.co_filename):
        frame = frame.f_back
    return frame.f_code.co_filename
