"""See which forbidden calls actually ran while a check ran a student's code, however they were spelled.

A profile function sees every Python and C function that is called, under any alias. A call counts where the
nearest frame that is neither a library's nor the course's own belongs to the student. The names are the
field's dotted names (`torch.nn.functional.softmax`); `package.*` stands for everything in it.
"""

from __future__ import annotations

import importlib
import sys
import sysconfig
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

from lessonkit.message import Message
from lessonkit.plain_text import one_line
from lessonkit.twins import UNHEARD, with_twins

#: Fine even where `torch.autograd` as a whole is not.
ALLOWED_MODULES = ("torch.autograd.grad_mode", "torch.autograd.profiler")
#: Nothing in here is an operation on tensors. A TorchFunctionMode would hear of none, and keep dynamo from tracing.
_PYTHON_ONLY = ("torch.compiler.", "torch._dynamo.")
_HERE = str(Path(__file__).parent)
_LIBRARY = tuple(
    {*(str(Path(sysconfig.get_paths()[key])) for key in ("stdlib", "platstdlib", "purelib", "platlib")), _HERE}
)
_COURSE = {"lessonkit"}
#: Names that a message counts up; a run can forge as many as it likes.
MOST_NAMED = 8


def trust(file: str) -> None:
    """Count a course's own package, whose `__file__` is given, among the libraries: its calls are not a student's."""
    global _LIBRARY
    _LIBRARY = tuple({*_LIBRARY, str(Path(file).parent)})
    _COURSE.add(Path(file).parent.name)


def is_library(filename: str) -> bool:
    """Return True for code of the standard library, of an installed package, of lessonkit or of a course's package."""
    return filename.startswith(_LIBRARY) or filename.startswith("<frozen")


class Names:
    """The forbidden names of an exercise, resolved to what a profile function can recognise."""

    def __init__(self, names: list[str]) -> None:
        self.codes: dict[CodeType, str] = {}
        self.classes: dict[str, type] = {}
        self.c_names: dict[str, str] = {}
        self.modules: dict[str, str] = {}
        for name in with_twins(names):
            self._add(name)
        if {"torch.autograd.backward", "torch.autograd.grad"} <= set(names):  # what both end in
            self.c_names["run_backward"] = "torch.autograd.backward"

    def _add(self, name: str) -> None:
        if name.endswith(".*"):
            self.modules[name[:-2]] = name
            self._add_exports(name)
            return
        if "." not in name:
            return  # a rule about syntax, such as "python loop", is not for the profiler
        found = resolve(name)
        if isinstance(found, type):
            self.classes[name] = found
            for attribute in ("__init__", "forward", "step", "__new__"):
                self._add_code(vars(found).get(attribute), name)
            return
        self._add_code(found, name)
        simple = name.rpartition(".")[2].rstrip("_")
        if name.startswith("torch.") and not name.startswith(_PYTHON_ONLY):
            for form in (simple, f"{simple}_", f"_{simple}", f"special_{simple}", f"native_{simple}", f"{simple}_nd"):
                self.c_names[form] = name
            tensor_method = getattr(sys.modules["torch"].Tensor, simple, None)
            self._add_code(tensor_method, name)

    def _add_exports(self, name: str) -> None:
        """Remember the functions a package only passes on: `torch.func.jacrev` is defined somewhere else.

        What its parent offers under the same name too (`torch.vmap`) is the parent's.
        """
        package, above = resolve(name[:-2]), name[:-2].rpartition(".")[0]
        parent = resolve(above) if above else None
        for attribute in getattr(package, "__all__", []):
            found = vars(package).get(attribute)  # what a package loads only when it is asked for is not loaded for this
            if found is not None and found is not getattr(parent, attribute, None) and not isinstance(found, type):
                self._add_code(found, name)

    def _add_code(self, found: Any, name: str) -> None:
        while hasattr(found, "__wrapped__"):
            found = found.__wrapped__  # a decorator's own code is shared by all that it decorates
        self._remember(found, name)

    def _remember(self, found: Any, name: str) -> None:
        code = getattr(found, "__code__", None)
        if code is not None and "_boolean_dispatch" not in code.co_name and code.co_name not in ("decorate_context", "wrapper", "inner"):
            self.codes[code] = name

    def torch_mode(self, note: Callable[[str | None, FrameType | None], None]) -> AbstractContextManager[object]:
        """Return a context in which `note(name, caller)` hears of torch's functions however they are called.

        A profile function hears nothing of what C calls (`map`, `partial`, `methodcaller`); torch's own
        TorchFunctionMode does. It is entered only where a function of torch is forbidden.
        """
        torch = sys.modules.get("torch")
        packages = [package for package in self.modules if package == "torch"]
        if torch is None or not (self.c_names or packages):
            return nullcontext()
        from torch.overrides import TorchFunctionMode

        known, whole = self, packages[0] if packages else None

        class Hear(TorchFunctionMode):
            def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
                if whole is not None:
                    note(known.modules[whole], sys._getframe(1))
                else:
                    name = getattr(func, "__name__", "").partition(".")[0]  # `log_softmax.int` of torch.ops
                    note(known.c_names.get(name), sys._getframe(1))
                return func(*args, **(kwargs or {}))

        return Hear()

    def of_call(self, frame: FrameType) -> str | None:
        """Return the forbidden name a Python call runs, if any."""
        name = self.codes.get(frame.f_code)
        if name is None and self.modules:
            name = self._of_module(frame.f_globals.get("__name__", ""))
        return name

    def of_subclass(self, name: str, frame: FrameType) -> bool:
        """Return True where a forbidden class's method runs on an object whose class no library defines: a
        subclass, or a class that borrows the method (`forward = nn.Sequential.forward`)."""
        found, me = self.classes.get(name), frame.f_locals.get("self")
        kind = type(me)
        if found is None or me is None or kind is found:
            return False
        return kind.__module__.partition(".")[0] not in ("torch", "torchvision", *_COURSE)

    def of_c_call(self, called: Any) -> str | None:
        """Return the forbidden name a C call runs, if any: torch's own functions and methods of tensors."""
        simple = getattr(called, "__name__", "")
        name = self.c_names.get(simple)
        if name is not None:
            owner = getattr(called, "__self__", None)
            torch = sys.modules["torch"]
            ours = isinstance(owner, torch.Tensor) or "torch" in f"{type(owner)} {owner if isinstance(owner, type) else ''} {getattr(called, '__module__', '')} {getattr(owner, '__name__', '')}"
            return name if ours else None
        if simple == "numpy" and "numpy" in self.modules:
            return self.modules["numpy"]
        if self.modules:
            return self._of_module(str(getattr(called, "__module__", "") or ""))
        return None

    def _of_module(self, module: str) -> str | None:
        if module.startswith(ALLOWED_MODULES):
            return None
        for package, name in self.modules.items():
            if module == package or module.startswith(package + "."):
                return name
            head, _, stem = package.rpartition(".")
            if stem.endswith("_") and module == head:
                return name
        return None


def resolve(name: str) -> Any:
    """Return the object behind a dotted name, None where this version of the library has none."""
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            found: Any = importlib.import_module(".".join(parts[:cut]))
        except ImportError:
            continue
        for part in parts[cut:]:
            found = getattr(found, part, None)
        return found
    return None


_names: dict[str, list[str]] = {}
#: the set of the test cell that is watched now, or was last
_watching: list[set[str]] = []


def now_used() -> list[str]:
    """Return the forbidden names seen so far in the running test cell (a rank tells them to the notebook's process)."""
    return sorted(*_watching) if _watching else []


def add_used(names: list[str]) -> None:
    """Count forbidden names that another process of the running test cell has seen."""
    for used in _watching:
        used.update(names)


def set_forbidden(names: dict[str, list[str]]) -> None:
    """Tell the guard each exercise's forbidden names (a grader does; a notebook has `lessonkit.json`)."""
    _names.clear()
    _names.update(names)


@contextmanager
def watch(exercise: str, forbidden: list[str] | None, course_file: str) -> Iterator[set[str]]:
    """Collect the forbidden names that a student's code runs inside the block.

    `course_file` is the file name of the test cell's code: what the course itself calls is its own affair.
    """
    used: set[str] = set()
    _watching[:] = [used]
    names = _names.get(exercise, []) if forbidden is None else forbidden
    known = Names(names) if names else None
    if known is None or not (known.codes or known.c_names or known.modules):
        yield used
        return

    def note(name: str | None, caller: FrameType | None) -> None:
        if name is not None and name not in used and _is_students(caller, course_file, nearest=_through_libraries(name)):
            used.add(name)

    def profile(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            name, caller = known.of_call(frame), frame.f_back
        elif event == "c_call":
            if (out := _way_out(argument)) and _is_students(frame, course_file, nearest=False):
                used.add(out)
            name, caller = known.of_c_call(argument), frame
        else:
            return
        if name is None or name in used:
            return
        if _is_students(caller, course_file, nearest=_through_libraries(name)):
            used.add(name)
        elif event == "call" and known.of_subclass(name, frame):
            used.add(name)  # the course may call it, but whose it is shows in its class

    before = sys.getprofile()
    _profiles.append(profile)
    with known.torch_mode(note):
        threading.setprofile(profile)
        sys.setprofile(profile)
        try:
            yield used
        finally:
            if sys.getprofile() is not profile:
                used.add("sys.setprofile")
            _profiles.pop()
            sys.setprofile(before)
            threading.setprofile(before)


#: Calls that end being heard, as the interpreter names them. A library's own are its affair.
_WAYS_OUT = {("sys", "setprofile"), ("sys", "settrace"), ("_thread", "start_new_thread"), ("_thread", "start_new"), ("posix", "fork"), ("posix", "system")}


def _way_out(called: Any) -> str | None:
    module, name = getattr(called, "__module__", None), getattr(called, "__name__", None)
    return f"{module}.{name}".replace("posix.", "os.") if isinstance(name, str) and (module, name) in _WAYS_OUT else None


#: The profile functions of the blocks that are being watched, the innermost last.
_profiles: list[Any] = []


def watch_again() -> None:
    """Put the profile function back that Python itself took away: a recursion too deep leaves none, and is no attempt."""
    if _profiles and sys.getprofile() is None:
        sys.setprofile(_profiles[-1])


def _through_libraries(name: str) -> bool:
    """Return True where a call by a library on a student's behalf counts; the compiler's calls are its own affair."""
    return not name.endswith(".*") and not name.startswith(_PYTHON_ONLY)


def _is_students(frame: FrameType | None, course_file: str, nearest: bool) -> bool:
    """Say whose call it is: that of the nearest frame outside libraries (or only of the calling frame)."""
    while frame is not None:
        filename = frame.f_code.co_filename
        if _generated(frame):
            frame = frame.f_back
            continue
        if not is_library(filename):
            return filename != course_file
        if not nearest:
            return False
        frame = frame.f_back
    return False


def _generated(frame: FrameType) -> bool:
    """Return True for code that a library made at run time (a dataclass's `__init__`, a named tuple's `__new__`).

    It has no file. Anybody can run text in a library's namespace, so it is nobody's: its caller's it is.
    """
    if not frame.f_code.co_filename.startswith("<") or frame.f_code.co_filename.startswith("<frozen"):
        return False
    name = frame.f_globals.get("__name__")
    module = sys.modules.get(name) if isinstance(name, str) else None
    return module is not None and name != "__main__" and is_library(str(getattr(module, "__file__", None) or ""))


def message(used: list[str]) -> Message:
    """Return the message that names a forbidden call."""
    loops = [name for name in used if name.lower().startswith("python loop")]
    shown = [one_line(name, 100) for name in used[:MOST_NAMED]] + ([f"{len(used) - MOST_NAMED} more"] if len(used) > MOST_NAMED else [])
    what = ", ".join(f"a {name}" if name in loops else name for name in shown)
    why = "that call is the thing this exercise asks you to build"
    if used and all(any(name == way or (way.endswith(".*") and name.startswith(way[:-1])) for way in UNHEARD) for name in used):
        why = "what runs there cannot be looked into, and this exercise forbids some calls"
    if len(loops) == len(used) > 0:
        why = "it goes through the elements one by one; the exercise asks for whole arrays at once"
    return Message(
        "not yet",
        "it is your own work",
        actual=f"your code {'uses' if loops else 'calls'} {what}",
        where=why,
        try_=f"write it without {what}; the exercise lists what is not allowed",
    )
