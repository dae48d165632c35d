"""Build the three wheels of this repository into `dist/`: `python tools/wheels.py`.

| wheel                    | what is in it                                                                    |
|--------------------------|----------------------------------------------------------------------------------|
| `lessonkit`              | what any course imports, the command `course`, the panel, the engine (its needs: `[grader]`) |
| `layer-by-layer`         | this course's package and its released notebooks; no answers                      |
| `layer-by-layer-answers` | source notebooks, mistakes and other ways: what full checks and solutions need    |

A clone needs none of them: there `pip install -e .` is everything at once.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from setuptools_scm import get_version

ROOT = Path(__file__).resolve().parents[1]
_WHOLE = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT, SETUPTOOLS = _WHOLE["project"], _WHOLE["tool"]["setuptools"]
#: The last tag's, as setuptools-scm reads it; a tree without its history is the first version.
VERSION = get_version(root=ROOT, fallback_version="0.1.0")
#: What lessonkit itself needs; everything else that the engine imports is its extra.
KIT = ("numpy", "matplotlib", "click", "rich", "watchfiles", "filelock", "ipython", "jupyterlab", "ipywidgets")
COURSE = ("torch", "torchvision", "scikit-learn", "scipy")


def needed(names: tuple[str, ...]) -> list[str]:
    """Return the ranges of pyproject.toml for packages by name."""
    ranges = {one.split(">")[0].split("<")[0]: one for one in PROJECT["dependencies"]}
    return [ranges[name] for name in names]


def pyproject(name: str, description: str, package: str, dependencies: list[str], more: str = "") -> str:
    """Return the pyproject.toml of one wheel."""
    listed = "".join(f'    "{one}",\n' for one in dependencies)
    return f"""[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "{name}"
version = "{VERSION}"
description = "{description}"
license = "BSD-3-Clause"
license-files = ["LICENSE"]
requires-python = "{PROJECT['requires-python']}"
dependencies = [
{listed}]
{more}
[tool.setuptools.packages.find]
include = [{package}]

[tool.setuptools.package-data]
"*" = ["**/*"]
"""


def lessonkit(stage: Path) -> None:
    """Lay out lessonkit: the kit, the learner's command with the panel, the engine."""
    for package in ("lessonkit", "autograder"):
        copy(ROOT / package, stage / package)
    shutil.copy(ROOT / "nbgrader_config.py", stage / "autograder" / "nbgrader_config.py")
    rest = [one for one in PROJECT["dependencies"] if one.split(">")[0].split("<")[0] not in (*KIT, *COURSE)]
    grader = "".join(f'    "{one}",\n' for one in rest)
    more = f'[project.optional-dependencies]\ngrader = [\n{grader}]\n\n[project.scripts]\ncourse = "lessonkit.learner.cli:main"\nautograder = "autograder.cli:main"\n'
    more += "\n[tool.setuptools.data-files]\n" + "".join(f"{json.dumps(at)} = {json.dumps(files)}\n" for at, files in SETUPTOOLS["data-files"].items())
    text = pyproject("lessonkit", "Checks, hints and a grader for courses in notebooks", '"lessonkit*", "autograder*"', needed(KIT), more)
    (stage / "pyproject.toml").write_text(text, encoding="utf-8")


def course(stage: Path) -> None:
    """Lay out layer-by-layer: the course's package with its released notebooks, and no answers."""
    copy(ROOT / "layer_by_layer", stage / "layer_by_layer")
    copy(ROOT / "release", stage / "layer_by_layer" / "release")
    more = (
        f'[project.optional-dependencies]\nanswers = ["layer-by-layer-answers=={VERSION}", "lessonkit[grader]=={VERSION}"]\n'
        f"export = {PROJECT['optional-dependencies']['export']}\n\n"
        '[project.entry-points."lessonkit.courses"]\nlayer_by_layer = "layer_by_layer"\n'
    ).replace("'", '"')
    text = pyproject("layer-by-layer", PROJECT["description"], '"layer_by_layer*"', [f"lessonkit=={VERSION}", *needed(COURSE)], more)
    (stage / "pyproject.toml").write_text(text, encoding="utf-8")


def answers(stage: Path) -> None:
    """Lay out layer-by-layer-answers: a course root inside a package."""
    inside = stage / "layer_by_layer_answers"
    inside.mkdir(parents=True)
    (inside / "__init__.py").write_text('"""The answers of Layer by Layer: what full checks and solutions need."""\n', encoding="utf-8")
    for room in ("source", "release", "course"):
        copy(ROOT / room, inside / room)
    shutil.copy(ROOT / "course.toml", inside / "course.toml")
    shutil.copy(ROOT / "nbgrader_config.py", inside / "nbgrader_config.py")
    text = pyproject("layer-by-layer-answers", "The answers of Layer by Layer", '"layer_by_layer_answers*"', [f"layer-by-layer=={VERSION}", f"lessonkit[grader]=={VERSION}"])
    (stage / "pyproject.toml").write_text(text, encoding="utf-8")


def copy(source: Path, target: Path) -> None:
    """Copy a folder without what belongs to this machine."""
    shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", "*.before-pull"))


def main(target: Path) -> None:
    """Build the wheels into `target` and name them."""
    target.mkdir(parents=True, exist_ok=True)
    for lay_out in (lessonkit, course, answers):
        with tempfile.TemporaryDirectory() as name:
            stage = Path(name)
            lay_out(stage)
            shutil.copy(ROOT / "LICENSE", stage / "LICENSE")
            subprocess.run([sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(target), str(stage)], check=True)
    for wheel in sorted(target.glob("*.whl")):
        print(f"wrote {wheel}")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist")
