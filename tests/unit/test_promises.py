"""docs/security.md names a test for each promise: the tests that it names exist."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]


def test_every_test_that_the_page_on_security_names_exists():
    page = (TESTS.parent / "docs" / "security.md").read_text(encoding="utf-8")
    named = set(re.findall(r"`(test_\w+)", page))
    files = {path.stem: path.read_text(encoding="utf-8") for path in TESTS.rglob("test_*.py")}
    known = set(files) | {name for text in files.values() for name in re.findall(r"^def (test_\w+)", text, re.MULTILINE)}
    assert len(named) > 20
    # a long name may be cut with three dots
    assert [name for name in sorted(named) if not any(one.startswith(name.rstrip("_")) for one in known)] == []


def test_every_wall_of_the_code_has_its_row():
    from autograder.sandbox import levels

    page = (TESTS.parent / "docs" / "security.md").read_text(encoding="utf-8")
    for level in (levels.IN_CGROUP, levels.SANDBOXED, levels.WITHOUT_PROC, levels.OPEN):
        assert f"| `{level}` |" in page
