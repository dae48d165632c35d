"""Is this machine ready, and how well is it sandboxed? Measured with live canaries, not assumed."""

from __future__ import annotations

import ast
import importlib.util
import shutil
import sys
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path

from autograder.author.build import missing_rooms
from autograder.course import chapter as ch
from autograder.course.settings import read_course
from autograder.sandbox import cgroup, trial
from autograder.sandbox import levels as isolation
from autograder.sandbox.host import SandboxBroke, Template
from autograder.sandbox.inside import Cell

NEEDED = ("torch", "torchvision", "numpy", "matplotlib", "jupyterlab", "nbgrader", "jupytext", "scikit-learn")


@dataclass(frozen=True)
class Finding:
    """One line of the examination. `status`: `ok`, `missing` (something is switched off) or `broken`."""

    status: str
    what: str
    detail: str = ""


def examine(root: Path) -> list[Finding]:
    """Return the findings about this machine and course root."""
    return [*_python(), *_course(root), *_sandbox(root), *_browser()]


def _python() -> list[Finding]:
    ready = sys.version_info >= (3, 11)
    found = [
        Finding(
            "ok" if ready else "broken",
            f"Python {sys.version.split()[0]}",
            "" if ready else "3.11 or newer is needed",
        )
    ]
    for name in NEEDED:
        try:
            found.append(Finding("ok", f"{name} {version(name)}"))
        except PackageNotFoundError:
            found.append(Finding("broken", name, "not installed; pip install -c constraints.txt -e ."))
    return found


def _course(root: Path) -> list[Finding]:
    names = ch.names(root)
    if not names:
        return [
            Finding("missing", "course", f"no source/ in {root.resolve()}; name the course root with --root")
        ]
    found = [Finding("ok", f"{len(names)} chapters in {root.resolve()}")]
    for room, lost in missing_rooms(root).items():
        if room != "course":
            found.append(Finding("broken", f"{room}/ has no {', '.join(lost)}", "run `autograder build`"))
    found += _not_honoured(root)
    free = shutil.disk_usage(root).free / 2**30
    found.append(Finding("ok" if free > 1 else "broken", f"{free:.1f} GiB free on the course's disk"))
    return found


#: nbgrader's settings of where things lie that this grader does not follow, with what it takes in their place.
_FIXED = {
    "source_directory": "source", "release_directory": "release", "submitted_directory": "submitted",
    "autograded_directory": "autograded", "feedback_directory": "feedback",
    "directory_structure": "{nbgrader_step}/{student_id}/{assignment_id}",
}  # fmt: skip


def _not_honoured(root: Path) -> list[Finding]:
    from autograder.course.nbgrader_api import config

    said = config(root).CourseDirectory
    changed = {name: said[name] for name, fixed in _FIXED.items() if name in said and str(said[name]) != fixed and not _same_place(name, said[name], fixed)}
    return [
        Finding("broken", f"c.CourseDirectory.{name} = {value!r} is not followed", f"the grader knows only {_FIXED[name]}: take the line out of nbgrader_config.py")
        for name, value in changed.items()
    ]  # fmt: skip


def _same_place(name: str, value: object, fixed: str) -> bool:
    """Return True for nbgrader's default of the structure, written with the separators of this machine."""
    return name == "directory_structure" and str(value).replace("\\", "/") == fixed


def _sandbox(root: Path) -> list[Finding]:
    why_not = trial.missing()
    if why_not:
        return [
            Finding(
                "missing",
                "sandbox",
                f"{why_not}; grading others' code needs it (a learner's own check does not)",
            )
        ]
    _, level = isolation.level()
    course = read_course(root)
    installed = {name for name in packages_distributions() if name.isidentifier()}
    modules = sorted({"lessonkit", *installed, *course.warm_up, *filter(None, [course.package])})
    try:
        with Template(sandbox=True, in_cgroup=level == isolation.IN_CGROUP, package=course.package) as template:
            canaries = isolation.measure(template, root)
            lost = _not_inside(template, modules)
    except SandboxBroke as error:
        return [Finding("broken", "sandbox", str(error))]
    found = [
        Finding("ok" if canary.held else "broken", f"sandbox: no code inside {canary.attempt}", canary.detail)
        for canary in canaries
    ]
    if all(canary.held for canary in canaries):
        found.append(
            Finding("ok", f"isolation level {level}", f"confirmed by {len(canaries)} canaries")
        )
    found.append(_same_inside(lost))
    if why_not := cgroup.missing():
        what = f"{why_not}; each process has its rlimits and a watchdog looks at all of a run ten times a second"
        found.append(Finding("missing", "memory limit kept by the kernel (cgroup v2)", what))
    return found


def _not_inside(template: Template, modules: list[str]) -> dict[str, str]:
    """Return which of the modules that are there outside cannot be found by a run, and where each lies."""
    outside = {name: found.origin or "?" for name in modules if (found := _spec(name)) is not None}
    look = (
        "import importlib.util\n"
        "def there(name):\n    try: return importlib.util.find_spec(name) is not None\n"
        "    except (ImportError, ValueError): return False\n"
        f"print([name for name in {sorted(outside)!r} if not there(name)])\n"
    )
    outcome = template.run([Cell("imports", "setup", look)], seed=0, forbidden={}, seconds=lambda _: 60.0)
    said = str(outcome.frames.get("imports", {}).get("output", "")).strip()
    return {name: outside[name] for name in ast.literal_eval(said or "[]")}


def _spec(name: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(name)
    except (ImportError, ValueError):  # a part of a package that is not there; a module without a spec
        return None


def _same_inside(lost: dict[str, str]) -> Finding:
    if not lost:
        return Finding("ok", "sandbox: what can be imported outside can be imported inside")
    where = ", ".join(f"{name} ({path})" for name, path in list(lost.items())[:10])
    advice = f"a run does not see folders of your own; install into this environment: {sys.executable} -m pip install NAME"
    return Finding("broken", "sandbox: imports", f"not there inside: {where}; {advice}")


def _browser() -> list[Finding]:
    name = next((n for n in ("chromium", "chromium-browser", "google-chrome") if shutil.which(n)), None)
    if name:
        return [Finding("ok", f"{name} for the browser tests")]
    return [Finding("missing", "Chromium", "the browser tests are skipped without it")]
