"""Which course is installed here, where its released notebooks lie, and where its answers, if they are installed.

A course's package announces itself as an entry point of the group `lessonkit.courses`. Released notebooks lie in the
package (`release/`, in a wheel) or beside it (a clone); answers in the package NAME_answers or in the clone.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

from lessonkit.learner.errors import CourseError


@dataclass(frozen=True)
class Course:
    """An installed course: the name of its package and the folder that holds its released chapters."""

    package: str
    release: Path

    @property
    def chapters(self) -> list[str]:
        """Return the names of its chapters, in order."""
        return sorted(path.parent.name for path in self.release.glob("*/*.ipynb") if path.stem == path.parent.name)

    @property
    def answers(self) -> Path | None:
        """Return the course root with `source/` and `course/` that full checks and solutions need; None without."""
        for root in (_folder(f"{self.package}_answers"), _beside(self.package)):
            if root is not None and (root / "source").is_dir() and (root / "course").is_dir():
                return root
        return None


def course(package: str = "") -> Course:
    """Return the installed course of that package, or the only one; CourseError with what to type where there is none."""
    found = [package] if package else sorted({point.value for point in entry_points(group="lessonkit.courses")})
    if not found:
        raise CourseError('no course is installed here. Install one, for example: pip install "layer-by-layer"')
    if len(found) > 1:
        raise CourseError(f"several courses are installed: {', '.join(found)}. Name one with --course.")
    for release in (_inside(found[0], "release"), _inside(_beside(found[0]), "release")):
        if release is not None and any(release.glob("*/*.ipynb")):
            return Course(found[0], release)
    raise CourseError(f"the package {found[0]} brings no released notebooks. Install it again: pip install --force-reinstall {found[0]}")


def _folder(package: str) -> Path | None:
    found = importlib.util.find_spec(package)
    return Path(found.origin).parent if found and found.origin else None


def _beside(package: str) -> Path | None:
    folder = _folder(package)
    return folder.parent if folder else None


def _inside(where: str | Path | None, name: str) -> Path | None:
    folder = _folder(where) if isinstance(where, str) else where
    return folder / name if folder and (folder / name).is_dir() else None
