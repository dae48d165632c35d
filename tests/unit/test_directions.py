"""Imports go one way: a room may import the rooms that stand before it in the list, and nothing else of the engine."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
#: From the ground floor up. A newcomer who reads them in this order never meets a name that was not explained.
ORDER = ("errors", "files", "log", "course", "sandbox", "intake", "rebuild", "judge", "books", "author")
#: What stands above all rooms: who runs them.
ABOVE = ("cores", "turns", "engine", "ledger", "grade", "learner", "doctor", "demo", "cli", "__main__", "__init__")


def room_of(module: str) -> str:
    return module.split(".")[1] if "." in module else "__init__"


def imports(path: Path) -> set[str]:
    """Return the modules of the engine that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module == "autograder":
            found |= {f"autograder.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return {name for name in found if name.split(".")[0] == "autograder"}


def wrong_arrows(engine: Path) -> list[str]:
    """Return every import that goes up, one line each."""
    found = []
    for path in sorted(engine.rglob("*.py")):
        mine = path.relative_to(engine).parts[0].removesuffix(".py")
        if mine in ABOVE:
            continue
        assert mine in ORDER, f"autograder/{mine} is a room that nobody announced: add it to ORDER and docs/architecture.md"
        allowed = ORDER[: ORDER.index(mine) + 1]
        for module in sorted(imports(path)):
            if room_of(module) not in allowed:
                found.append(f"{path.relative_to(engine.parent)} imports {module}, which stands above it")
    return found


def test_no_room_imports_what_stands_above_it():
    assert wrong_arrows(ROOT / "autograder") == []


def test_a_violation_is_seen(tmp_path):
    engine = tmp_path / "autograder"
    (engine / "sandbox").mkdir(parents=True)
    (engine / "sandbox" / "host.py").write_text("def f():\n    from autograder.judge import verdict\n")
    assert wrong_arrows(engine) == ["autograder/sandbox/host.py imports autograder.judge, which stands above it"]


@pytest.mark.parametrize(
    ("package", "never"),
    [
        ("lessonkit", {"autograder", "nbgrader", "layer_by_layer"}),
        ("layer_by_layer", {"autograder", "nbgrader"}),
        ("autograder", {"layer_by_layer", "torch", "torchvision"}),
    ],
)
def test_packages_know_only_what_is_below_them(package, never):
    files = sorted((ROOT / package).rglob("*.py"))
    assert len(files) > 10
    bad = []
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            bad += [f"{path.relative_to(ROOT)} imports {name}" for name in names if name.split(".")[0] in never]
    assert bad == []


def modules_table() -> str:
    """Return the table of docs/architecture.md: each module with the first sentence of its docstring, room by room."""
    engine = ROOT / "autograder"
    lines = ["| module | what it does |", "|---|---|"]
    for room in (*ORDER, *ABOVE):
        if (engine / room).is_dir():
            lines.append(f"| **{room}/** | *{sentence(engine / room / '__init__.py')}* |")
            files = sorted(path for path in (engine / room).glob("*.py") if path.name != "__init__.py")
        else:
            files = [path for path in [engine / f"{room}.py"] if path.is_file() and not room.startswith("__")]
        lines += [f"| `{path.relative_to(engine).with_suffix('').as_posix()}` | {sentence(path)} |" for path in files]
    return "\n".join(lines)


def sentence(path: Path) -> str:
    """Return the first sentence of a module's docstring on one line."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(text.split("\n\n")[0].split()).partition(". ")[0].rstrip(".").replace("|", "/")


def test_every_module_of_the_engine_has_its_line_in_the_architecture():
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    shown = page.split("<!-- modules -->")[1].split("<!-- /modules -->")[0].strip()
    assert shown == modules_table(), f"put this between the marks in docs/architecture.md:\n{modules_table()}"
