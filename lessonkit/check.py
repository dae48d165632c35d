'''Checks that observe what a student's code does, judge it, and record it.

A test cell is a function under `@check.cell(grade_id)`:

    @check.cell("relu__gradient")
    def _():
        h = np.array([[-1.0, 2.0]])
        check.close(
            "the gradient passes where the input was positive",
            lambda: relu_backward(np.array([[5.0, 7.0]]), h),
            expected=np.array([[0.0, 7.0]]),
        )

The second argument is the *observation*: it calls the student's code. `expected=`, `judge=` and `given=` are
the *judgement*. In a notebook both happen at once. When a grader records, the judgement is not there at all:
only observations are made, as plain data, and somebody else compares them.

Three outcomes: pass, not yet (`CheckFailed`), and the checker broke (`CheckerBroke`), which is never the
student's fault.
'''

from __future__ import annotations

import builtins
import importlib.util
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from lessonkit import defaults, guard, say, show
from lessonkit import notes as chapter
from lessonkit import probes as probing
from lessonkit.compare import Mismatch, compare
from lessonkit.inputs import array, integers, rng, tensor
from lessonkit.lend import lend
from lessonkit.message import Message, to_html, to_text, with_next_step
from lessonkit.observe import UnknownObject, decode, describe, encode
from lessonkit.plain_text import one_line, sound
from lessonkit.recognise import Evidence

__all__ = [
    "CheckFailed", "CheckerBroke", "array", "cell", "close", "equal", "integers", "lend", "needs", "probes", "raises", "rng",
    "tensor", "that", "unchanged",
]  # fmt: skip

_MISSING = object()


class CheckFailed(AssertionError):
    """A behaviour does not hold yet. The message is the whole report; notebooks show it without a traceback."""

    def __init__(self, report: str, brief: str = "", messages: list[Message] | None = None) -> None:
        super().__init__(report)
        self.brief = brief or report
        self.messages = messages or []

    def _render_traceback_(self) -> list[str]:
        return self.brief.split("\n")


class CheckerBroke(RuntimeError):
    """The check itself failed: tell the instructor. It costs no points."""

    def _render_traceback_(self) -> list[str]:
        return str(self).split("\n")


class _Stop(Exception):
    """Leaves a cell's function after its first behaviour that does not hold."""


class _Cell:
    """What is known of the test cell that is running."""

    def __init__(self, grade_id: str, record: bool, body: FunctionType) -> None:
        self.grade_id, self.file = grade_id, body.__code__.co_filename
        self.exercise = grade_id.partition("__")[0]
        self.record = record
        self.evidence = Evidence(self.exercise, grade_id, {} if record else body.__globals__)
        self.messages: list[Message] = []
        self.records: list[dict[str, Any]] = []
        self.count = 0
        #: the first behaviour that does not hold, while more of the cell is looked at to tell mistakes apart
        self.failed: Message | None = None
        #: what inputs looked like before any observation of this cell could touch them
        self.first_seen: dict[int, tuple[Any, dict[str, Any]]] = {}

    def remember(self, function: Any, depth: int = 3) -> None:
        """Note the arrays and tensors that a function closes over, before it runs."""
        for held in getattr(function, "__closure__", None) or ():
            try:
                value = held.cell_contents
            except ValueError:
                continue
            if callable(value) and depth:
                self.remember(value, depth - 1)
            elif hasattr(value, "dtype") and id(value) not in self.first_seen:
                self.first_seen[id(value)] = (value, encode(value))


_current: list[_Cell] = []
_finished: list[dict[str, Any]] = []


def cell(grade_id: str) -> Callable[[FunctionType], None]:
    """Run the decorated function at once as the test cell `grade_id` (`<exercise>__<behaviour>`).

    In a notebook the outcome of each behaviour is shown; the first that does not hold ends the cell and
    raises CheckFailed. While a grader records, every observation is made and nothing is shown.
    """

    def run(body: FunctionType) -> None:
        body = _with_builtins(body)
        here = _Cell(grade_id, show.recording(), body)
        _current.append(here)
        try:
            forbidden = chapter.exercise_notes(here.exercise).get("forbidden", []) if not here.record else None
            with defaults.restored(), guard.watch(here.exercise, forbidden, body.__code__.co_filename) as used:
                error = _run_body(body, here)
        finally:
            _current.pop()
        if here.record:
            _finished.append({"cell": grade_id, "records": here.records, "error": error, "used": sorted(used)})
        else:
            refused = guard.message(sorted(used)) if used else _refused_text(here, body)
            _report(here, refused)

    return run


def running_exercise() -> str:
    """Return the exercise whose test cell is running, '' where none is."""
    return _current[-1].exercise if _current else ""


def running_file() -> str:
    """Return the file name of the running test cell's code, '' where none is."""
    return _current[-1].file if _current else ""


def _with_builtins(body: FunctionType) -> FunctionType:
    """Return a test cell's function that sees Python's own `range` and `sum`.

    `from torch import *` in a solution puts torch's in their place.
    """
    space = body.__globals__
    hidden = {name: own for name, own in vars(builtins).items() if space.get(name, own) is not own and name[0] != "_"}
    if not hidden:
        return body
    return FunctionType(body.__code__, space | hidden, body.__name__, body.__defaults__, body.__closure__)


def absent(packages: Iterable[str]) -> list[str]:
    """Return those of `packages` that this Python does not have."""
    return [name for name in packages if importlib.util.find_spec(name) is None]


def needs(*packages: str, extra: str) -> None:
    """Say in one line what to install where a test cell cannot run without `packages`, and end the cell.

    Stands at the top of a test cell whose checks need an optional part of the course, `extra` in pyproject.toml.
    Raises CheckerBroke where one of the packages is missing: it is nobody's mistake and costs no points.
    """
    if missing := absent(packages):
        raise CheckerBroke(
            f'needs the extra: pip install "layer-by-layer[{extra}]" (not found here: {", ".join(missing)})'
        )


def _run_body(body: Callable[[], None], here: _Cell) -> str | None:
    try:
        body()
    except _Stop:
        return None
    except CheckerBroke:
        if here.failed is None:
            raise
    except (Exception, SystemExit) as error:
        if not here.record and here.failed is None:
            here.messages.append(
                Message("not yet", "the cell runs", actual=say.error(error), try_="run the cells above from the top")
            )
        return say.error(error)
    return None


def _refused_text(here: _Cell, body: Callable[[], None]) -> Message | None:
    """Return what the grader would say to the text of the cells that ran here; None outside of a notebook."""
    notes = chapter.of_chapter(here.exercise)
    courses = set(notes.get("cells", []))  # no work of the student's
    ran = [text for text in _cells_that_ran() if chapter.cell_key(text) not in courses]
    told = chapter.exercise_notes(here.exercise)
    if not ran or not told:
        return None
    from lessonkit import forbidden

    names = told.get("defines") or [name for name in body.__code__.co_names if name in body.__globals__]
    source, beside = forbidden.written(names, ran)
    stub = "\n".join(f"def {name}(): ..." for name in names)
    lent = notes.get("course", {}).get("lent", {})
    return forbidden.refuse(source, told.get("forbidden", []), stub, lent, beside) if source else None


def _cells_that_ran() -> list[str]:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    ran = shell.user_ns.get("In") if shell is not None else None
    return [text for text in ran if isinstance(text, str) and text] if isinstance(ran, list) else []


def _report(here: _Cell, refused: Message | None) -> None:
    here.evidence.note(here.records)
    if here.failed is not None:
        told = replace(here.failed, help=here.evidence.help())
        hints = chapter.exercise_notes(here.exercise).get("hints")
        here.messages.append(with_next_step(told, here.exercise if hints else ""))
    if refused:
        here.messages.insert(0, refused)
    title = here.grade_id.replace("__", ": ").replace("_", " ")
    text = to_text(title, here.messages)
    failed = [message for message in here.messages if message.outcome != "pass"]
    more = here.grade_id in chapter.exercise_notes(here.exercise).get("hidden", [])
    note = "when graded, more cases of the same are tried" if more and not failed else ""
    if show.in_notebook() and not chapter.exercise_notes(here.exercise):
        note = chapter.NOT_FOUND
    if show.in_notebook():
        _remember(here, not failed)
        show.show(f"{text}\n{note}".strip(), to_html(title, here.messages, note))
    elif not failed:
        show.show(f"{text}\n{note}".strip())
    if failed:
        brief = f"not yet: {failed[0].behaviour} (see the message above)" if show.in_notebook() else text
        raise CheckFailed(text, brief, here.messages)
    if not here.messages:
        raise CheckerBroke(f"the test cell {here.grade_id} made no check; tell your instructor")


def _remember(here: _Cell, passed: bool) -> None:
    """Write the outcome to the learner's workspace, where the notebook lies in one."""
    from lessonkit.learner import progress

    known = here.evidence.explained() if not passed else None
    progress.record(here.grade_id, passed, known or "")


class _Callable(ModuleType):
    """`check("relu")` runs the exercise's checks again, without the cells above."""

    def __call__(self, exercise: str) -> None:
        """Run an exercise's visible checks on what the kernel holds; an untouched stub answers in one line."""
        from lessonkit.learner import desk

        desk.check(exercise)


sys.modules[__name__].__class__ = _Callable


def close(
    behaviour: str,
    observe: Callable[[], Any],
    *,
    expected: Any = _MISSING,
    rtol: float | None = None,
    atol: float | None = None,
    advice: str = "",
    site: int | None = None,
) -> None:
    """Check that `observe()` gives the numbers of `expected`, within the tolerance of their dtype.

    `expected` is a value, or a function without arguments where it is computed. Values may be numbers,
    strings, NumPy arrays, tensors, and lists, tuples or dictionaries of them; dtypes and shapes have to
    agree, a list is as good as a tuple. `advice` is the next step to try. Raises CheckFailed at the end of
    the cell where it does not hold, CheckerBroke where `expected` itself raises.
    """
    _value_check("close", behaviour, observe, expected, {"rtol": rtol, "atol": atol}, advice, site)


def equal(
    behaviour: str,
    observe: Callable[[], Any],
    *,
    expected: Any = _MISSING,
    advice: str = "",
    site: int | None = None,
) -> None:
    """Check that `observe()` is exactly `expected`: strings, flags, shapes, counts, or bits of an array."""
    _value_check("equal", behaviour, observe, expected, {"exact": True}, advice, site)


def probes(
    behaviour: str,
    make: Callable[[], Callable[..., Any]],
    *inputs: Any,
    promises: tuple[str, ...] = probing.RULES,
    expected: Any = _MISSING,
    rtol: float | None = None,
    atol: float | None = None,
    advice: str = "",
    site: int | None = None,
) -> None:
    """Check what a contract promises besides its values: see `lessonkit.probes` for the probes and their names.

    Without `promises` these are the rules for every exercise.

    `make` gives the student's function, or a new layer; `expected` gives a right one. The message says how many
    of the promises hold, and names those that do not.
    """
    right = _MISSING if expected is _MISSING else lambda: probing.right(expected, inputs, promises)
    how = {"rtol": rtol, "atol": atol}
    _value_check("close", behaviour, lambda: probing.of(make, inputs, promises), right, how, advice, site)


def unchanged(behaviour: str, observe: Callable[[], Any], *inputs: Any, advice: str = "", site: int | None = None) -> None:
    """Check that running `observe()` leaves the arrays or tensors `inputs` as they were, to the last bit."""
    seen = _current[-1].first_seen if _current else {}
    before = {"kind": "sequence", "items": [seen[id(i)][1] if id(i) in seen else encode(i) for i in inputs]}

    def after() -> list[Any]:
        observe()
        return list(inputs)

    _value_check("equal", behaviour, after, lambda: _Plain(before), {"exact": True}, advice, site)


def raises(
    behaviour: str,
    observe: Callable[[], Any],
    exception: type[BaseException],
    *,
    advice: str = "",
    site: int | None = None,
) -> None:
    """Check that `observe()` raises `exception` or a subclass of it."""
    here, record = _observe("raises", behaviour, observe, {"exception": exception.__name__}, advice, site)
    if here.record:
        return
    if exception.__name__ in record.get("raised", []):
        _pass(here, behaviour)
        return
    actual = f"{record['raised'][0]}: {record['message']}" if "raised" in record else describe(record["value"])
    _fail(here, record, Message("not yet", behaviour, f"{exception.__name__} raised", actual, try_=advice))


def that(
    behaviour: str,
    observe: Callable[[], Any],
    *,
    judge: Callable[..., Any] | None = None,
    given: dict[str, Any] | None = None,
    advice: str = "",
    site: int | None = None,
) -> None:
    """Check a property that is no equality: `judge(observed, **given)` looks at the raw observation.

    The judge gets plain data (Python numbers, lists, dictionaries, and NumPy arrays for tensors too) and
    returns None or True where the property holds, else a sentence that says what is off (the finding), or
    False. It is closed: it may use its arguments, `np`, `math` and `judges`, and nothing else, because when
    graded it runs where the student's code does not.
    """
    here, record = _observe("that", behaviour, observe, {"given": encode(given or {})}, advice, site)
    if here.record:
        return
    if "raised" in record:
        _fail(here, record, _raised_message(behaviour, record, "", advice))
        return
    finding = find(judge, record["value"], decode(record["how"]["given"]))
    if finding is None:
        _pass(here, behaviour)
        return
    record["finding"] = finding
    _fail(here, record, Message("not yet", behaviour, actual=describe(record["value"]), where=finding, try_=advice))


def find(judge: Callable[..., Any] | None, value: dict[str, Any], given: dict[str, Any]) -> str | None:
    """Return a judge's finding about plain data, None where the property holds.

    Raises CheckerBroke where the judge itself fails on an observation of the expected form.
    """
    try:
        observed = decode(value)
    except UnknownObject as unknown:
        return f"the result holds {unknown}"
    except (ValueError, KeyError, TypeError):
        return "the result is not plain data"
    if judge is None:
        raise CheckerBroke("a property without a judge; tell your instructor")
    try:
        with np.errstate(all="ignore"):
            verdict = judge(observed, **given)
    except (NameError, CheckerBroke, MemoryError):
        raise  # the judge's own, or the machine's
    except Exception as error:
        return f"the result has another form than asked for: {describe(value)} ({one_line(str(error), 120)})"
    if verdict is None or verdict is True or (hasattr(verdict, "dtype") and bool(verdict)):
        return None
    return verdict if isinstance(verdict, str) else "it does not hold"


class _Plain:
    """An expected value that is plain data already."""

    def __init__(self, plain: dict[str, Any]) -> None:
        self.plain = plain


def _observe(
    kind: str, behaviour: str, observe: Callable[[], Any], how: dict[str, Any], advice: str, site: int | None
) -> tuple[_Cell, dict[str, Any]]:
    if not _current:
        raise CheckerBroke("a check runs inside a test cell: a function under @check.cell(...)")
    here = _current[-1]
    record: dict[str, Any] = {"i": here.count, "site": site, "name": behaviour, "check": kind, "how": how}
    here.count += 1
    here.records.append(record)
    if not here.record:
        here.remember(observe)
    try:
        record["value"] = encode(observe())
    except _Stop:
        raise
    except (Exception, SystemExit, RecursionError) as error:
        if isinstance(error, RecursionError):
            guard.watch_again()
        record["raised"] = [sound(base.__name__, 80) for base in type(error).__mro__ if base is not object][:40]
        record["message"] = say.error(error).partition(": ")[2]
    return here, record


def _value_check(
    kind: str, behaviour: str, observe: Callable[[], Any], expected: Any, how: dict[str, Any], advice: str,
    site: int | None,
) -> None:  # fmt: skip
    # before the student's code can touch what it is worked out from
    plain = _expected(behaviour, expected) if _current and not _current[-1].record else {}
    here, record = _observe(kind, behaviour, observe, how, advice, site)
    if here.record:
        return
    if "raised" in record:
        _fail(here, record, _raised_message(behaviour, record, describe(plain), advice))
        return
    mismatch = compare(plain, record["value"], **how)
    if mismatch is None:
        _pass(here, behaviour)
        return
    _fail(here, record, mismatch_message(behaviour, mismatch, advice))


def _expected(behaviour: str, expected: Any) -> dict[str, Any]:
    """Return an expected value, or what a function of no arguments gives, as plain data; else CheckerBroke."""
    if expected is _MISSING:
        raise CheckerBroke(f"the check {behaviour!r} has no expected value; tell your instructor")
    try:
        wanted = expected() if callable(expected) else expected
        return wanted.plain if isinstance(wanted, _Plain) else encode(wanted)
    except Exception as error:
        raise CheckerBroke(
            f"checker broke: the expected value of {behaviour!r} could not be computed ({say.error(error)}). "
            "Run the cells above first; if it stays, tell your instructor: it is not your code."
        ) from error


def mismatch_message(behaviour: str, mismatch: Mismatch, advice: str = "", help: str = "") -> Message:
    """Return the message of a comparison that failed."""
    looks = "; ".join(mismatch.patterns)
    return Message(
        "not yet", behaviour, mismatch.expected, mismatch.actual, mismatch.where, looks, help, advice
    )


def _raised_message(behaviour: str, record: dict[str, Any], expected: str, advice: str) -> Message:
    if record["raised"][0] == "NotImplementedError":
        return Message("not yet", behaviour, actual="not written yet", try_="replace the line that raises NotImplementedError")
    return Message("not yet", behaviour, expected, f"{record['raised'][0]}: {record['message']}", try_=advice)


def _pass(here: _Cell, behaviour: str) -> None:
    if here.failed is None:
        here.messages.append(Message("pass", behaviour))


def _fail(here: _Cell, record: dict[str, Any], message: Message) -> None:
    """Note a behaviour that does not hold, and end the cell as soon as nothing more can be learned from it."""
    record["wrong"] = True
    if here.failed is None:
        here.failed = message
    here.evidence.note(here.records)
    if not here.evidence.undecided():
        raise _Stop


def take_finished() -> list[dict[str, Any]]:
    """Return, and forget, the records of the test cells that ran since the last call (for graders)."""
    taken = list(_finished)
    _finished.clear()
    return taken
