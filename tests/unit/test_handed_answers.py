"""All answers as plain files, for a tool that looks for copies."""

from __future__ import annotations

from click.testing import CliRunner

from autograder.cli import main
from tests.unit import tiny_course


def run(root, *arguments):
    return CliRunner().invoke(main, ["answers", "01", "--root", str(root), "--to", str(root / "answers"), *arguments])


def test_every_answer_is_a_file_and_the_stub_is_the_base_code(tmp_path):
    root = tiny_course.make(tmp_path, {})
    own = tiny_course.notebook("def f(x):\n    return helper(x)\n")
    own["cells"].insert(1, {"cell_type": "code", "id": "mine", "metadata": {}, "source": "helper = lambda x: 2 * x", "outputs": [], "execution_count": None})
    tiny_course.grade(root, "ada", tiny_course.verdict("ada", 2.0), own)
    tiny_course.grade(root, "bo", tiny_course.verdict("bo", 0.0), tiny_course.release())
    tiny_course.grade(root, "cy", tiny_course.verdict("cy", 0.0), own)
    (root / "submitted" / "cy" / tiny_course.NAME / f"{tiny_course.NAME}.ipynb").write_bytes(b"no notebook")
    done = run(root)
    assert done.exit_code == 0, done.output
    found = {str(p.relative_to(root / "answers")): p.read_text() for p in (root / "answers").rglob("*.py")}
    assert found == {
        "01_tiny/_handed_out/f.py": "raise NotImplementedError('write this')\n",
        "01_tiny/f/ada.py": "def f(x):\n    return helper(x)\n",
        "01_tiny/_own_cells/ada.py": "helper = lambda x: 2 * x\n",
    }
    assert "ada: 1 of 1 answer(s)" in done.output
    assert "bo: 0 of 1 answer(s)" in done.output
    assert "cy: 01_tiny.ipynb could not be read" in done.output


def test_where_nobody_handed_in_the_next_step_is_said(tmp_path):
    root = tiny_course.make(tmp_path, {})
    done = run(root)
    assert done.exit_code != 0
    assert "submitted" in str(done.exception) + done.output
