"""Which room may import what; that dependencies are named once; that the README's commands exist."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

import click
import pytest
import yaml
from click.testing import CliRunner
from packaging.specifiers import SpecifierSet

from autograder.cli import main

ROOT = Path(__file__).resolve().parents[2]


def imports(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_lessonkit_never_imports_the_grader():
    files = sorted((ROOT / "lessonkit").rglob("*.py"))
    assert len(files) > 10
    bad = [(f.name, m) for f in files for m in imports(f) if m.split(".")[0] in ("autograder", "nbgrader")]
    assert bad == []


@pytest.mark.parametrize(
    "name",
    ["inside.py", "child.py", "template.py", "wire.py", "linux.py", "seccomp.py", "usage.py"],
)
def test_what_runs_beside_students_knows_no_judge(name):
    allowed = {
        "autograder.sandbox.inside",
        "autograder.sandbox",
        "autograder.sandbox.linux",
        "autograder.sandbox.seccomp",
        "autograder.sandbox.wire",
        "autograder.sandbox.child",
        "autograder.sandbox.frames",
    }
    found = {m for m in imports(ROOT / "autograder" / "sandbox" / name) if m.startswith("autograder")}
    assert found <= allowed


def test_importing_the_library_is_cheap_and_loads_no_grader():
    code = "import sys, lessonkit.check, lessonkit.hints, layer_by_layer.data, lessonkit.plot; print([m for m in ('torch', 'autograder', 'nbgrader') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_two_lists_of_dependencies_are_one():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    conda = yaml.safe_load((ROOT / "environment.yml").read_text())["dependencies"]
    pip = next(entry["pip"] for entry in conda if isinstance(entry, dict))
    assert sorted(pip) == sorted([*project["dependencies"], "-e ."])
    assert f"python{project['requires-python']}" in conda


def test_constraints_pin_every_dependency():
    pinned = {
        re.split("==", line)[0].lower().replace("_", "-")
        for line in (ROOT / "constraints.txt").read_text().split()
        if "==" in line
    }
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    everything = project["dependencies"] + [
        d for group in project["optional-dependencies"].values() for d in group
    ]
    wanted = {re.split(r"[\[><=]", name)[0].lower() for name in everything}
    assert wanted - pinned == set()


def test_the_pinned_versions_install_on_the_oldest_python_that_is_promised():
    # of what is installed here: a release that asks for 3.11.5 left a Debian 12 (3.11.2) without an installation
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    oldest = project["requires-python"].removeprefix(">=") + ".0"
    refused, looked_at = [], 0
    for line in (ROOT / "constraints.txt").read_text().split():
        with suppress(PackageNotFoundError):
            wanted = metadata(line.partition("==")[0]).get("Requires-Python") or ""
            looked_at += 1
            if not SpecifierSet(wanted).contains(oldest):
                refused.append((line, wanted))
    assert looked_at > 100
    assert refused == []


def test_every_command_in_the_documents_exists():
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    verbs = set(main.commands)
    seen = set()
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        text = page.read_text(encoding="utf-8")
        for target in re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE):
            assert target in targets, (page.name, target)
            seen.add(target)
        for verb in re.findall(r"(?:^|`|/)autograder ([a-z]+)", text, re.MULTILINE):
            assert verb in verbs, (page.name, verb)
            seen.add(verb)
        for link in re.findall(r"\]\(([\w/.-]+)\)", text):
            assert (page.parent / link).exists(), (page.name, link)
    assert {"demo", "test", "lab", "check", "grade", "doctor"} <= seen


def test_the_command_line_is_the_one_designed():
    assert set(main.commands) == {
        "build",
        "dev",
        "pull",
        "check",
        "collect",
        "grade",
        "feedback",
        "report",
        "answers",
        "atlas",
        "export",
        "students",
        "demo",
        "doctor",
    }
    for name, command in main.commands.items():
        shown = CliRunner().invoke(main, [name, "--help"])
        assert shown.exit_code == 0
        assert command.help.split("\n")[0] in " ".join(shown.output.split())
        assert "--root" in shown.output or isinstance(command, click.Group)


def test_nbgrader_config_stays_short():
    assert len((ROOT / "nbgrader_config.py").read_text().splitlines()) < 30


def test_ci_and_make_call_the_same_command():
    assert "make test" in (ROOT / ".ci" / "run").read_text()
    assert "make test" in (ROOT / "README.md").read_text()


def chapter_table() -> str:
    """The README's table of chapters, from the notebooks themselves."""
    from autograder.course import chapter as ch

    lines = ["| chapter | what you build | exercises | known mistakes |", "|---|---|---|---|"]
    for name in ch.names(ROOT):
        made = ch.Chapter(ROOT, name)
        title = next(re.findall(r"^# \d+ · (.+)$", cell.source, re.MULTILINE)[0] for cell in made.source.cells)
        mistakes = (ROOT / "course" / name / "mistakes.py").read_text(encoding="utf-8")
        count = len(re.findall(r"^# %% \w+: \w+$", mistakes, re.MULTILINE))
        lines.append(f"| `{name}` | {title} | {len(made.exercises)} | {count} |")
    return "\n".join(lines)


def test_the_readme_lists_every_chapter_as_it_is():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = readme.split("<!-- chapters -->")[1].split("<!-- /chapters -->")[0].strip()
    assert shown == chapter_table(), f"put this between the marks in README.md:\n{chapter_table()}"


def test_every_concept_names_exercises_that_exist():
    from autograder.course import chapter as ch

    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = readme.split("<!-- concepts -->")[1].split("<!-- /concepts -->")[0].strip().splitlines()[2:]
    assert len(rows) > 40
    named = set()
    for row in rows:
        concept, chapters, exercises = (part.strip() for part in row.strip("|").split("|"))
        offered = {e for c in chapters.split(", ") for e in ch.Chapter(ROOT, ch.resolve(ROOT, c)).exercises}
        wanted = set(re.findall(r"`(\w+)`", exercises))
        assert wanted, concept
        assert wanted <= offered, (concept, wanted - offered)
        named |= set(chapters.split(", "))
    assert named == {name[:2] for name in ch.names(ROOT)}


def test_the_readme_quotes_the_bench_as_it_was_measured():
    import json

    from tests.bench.__main__ import table

    found = json.loads((ROOT / "tests" / "bench" / "results.json").read_text(encoding="utf-8"))
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = readme.split("<!-- bench -->")[1].split("<!-- /bench -->")[0].strip()
    assert shown == table(found), f"put this between the marks in README.md:\n{table(found)}"
