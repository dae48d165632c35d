"""One submission can end only itself: whatever it holds, it is a row with a reason, and its neighbours keep their scores."""

from __future__ import annotations

import json
import time
import zipfile

import pytest

from autograder.books import autograded, feedback, feedback_page, store
from autograder.cli import main
from autograder.intake import collect
from autograder.sandbox.levels import level
from tests.e2e.classroom import cell_of, code

SQUARED = "def squared_error(y_pred, y):\n    if y_pred.shape != y.shape:\n        raise ValueError((y_pred.shape, y.shape))\n"
GRAD = "    d = y_pred - y\n    return float((d ** 2).sum()), 2 * d\n"


def odd_worksheets(_):
    return json.dumps({"nbformat": 3, "worksheets": [{"cells": 7}, {"cells": None}, 3, {"cells": [{"cell_type": "code", "input": 1}]}]}).encode()


#: Right answers in unusual clothes, by student: each earns everything.
def honest():
    chain = SQUARED + "    n = 0\n    if n == 1: pass\n" + "".join(f"    elif n == {i}: pass\n" for i in range(2, 900)) + GRAD
    sums = SQUARED + "    zero = " + "+".join(["0"] * 900) + "\n    assert zero == 0\n" + GRAD
    return {
        "h_elif": {"squared_error": chain},
        "h_sum": {"squared_error": sums},
        "h_text": {"squared_error": f"NOTES = '{'a.' * 80_000}'\n" + SQUARED + GRAD},
        "h_help": {"squared_error": "len?\n" + SQUARED + GRAD},
        "h_plain": {},
    }


REACH_AROUND = (
    "import gc, types\n"
    "def relu_forward(h):\n    from layer_by_layer.parts import two_layer as t\n    return t.relu_forward.__closure__[1].cell_contents(h)\n"
    "def relu_backward(g, h):\n    return g * (h > 0)\n"
)
#: What must not earn `squared_error`, each with the exercise's solution, or a change of the notebook.
HOSTILE = {
    "m_surrogate": SQUARED + "    raise RuntimeError('\\ud800' * 9000)\n",
    "m_class_name": SQUARED + "    raise type('E' + '9' * 100000, (ValueError,), {})('x')\n",
    "m_empty_array": SQUARED + "    return np.zeros((0, 30000, 30000)), np.zeros((0, 90000))\n",
    "m_nested": SQUARED + "    x = []\n    for _ in range(9000): x = [x]\n    return x\n",
    "m_huge_int": SQUARED + "    return 10 ** 4000, y\n",
    "m_torch": SQUARED + "    import torch\n    d = torch.from_numpy(y_pred - y)\n    return float((d ** 2).sum()), (2 * d).numpy()\n",
    "m_torch_by_map": SQUARED + "    import torch, operator\n    d = list(map(getattr(torch, 'from_' + 'numpy'), [y_pred - y]))[0]\n"
    "    return float(sum(map(operator.methodcaller('sum'), [d * d]))), np.asarray(d * 2)\n",
    "m_frames": SQUARED + "    import os, struct\n    body = b'{\"cell\": ' + b'[' * 200000\n"
    "    for fd in range(3, 40):\n        try: os.write(fd, struct.pack('<I', len(body)) + body)\n        except OSError: pass\n    return 1.0, y\n",
    "m_recursion": "def squared_error(y_pred, y):\n    return " + "-" * 60_000 + "1.0, y\n",
}  # fmt: skip


@pytest.fixture(scope="module")
def graded(tmp_path_factory):
    """One class with everything in it, graded once."""
    from autograder.grade import Grading, Options
    from tests.e2e.classroom import Classroom

    classroom = Classroom(tmp_path_factory.mktemp("class") / "course")
    for student, solutions in honest().items():
        classroom.submit(student, **solutions)
    for student, solution in HOSTILE.items():
        classroom.submit(student, squared_error=solution)
    classroom.submit("m_worksheets", odd_worksheets(None))
    classroom.submit("m_deep", b'{"cells": ' + b"[" * 100_000)
    classroom.submit("m_many", b'{"cells": [' + b"[]," * 6_000_000 + b"[]]}")
    classroom.submit("h_stamp")
    (classroom.folder("h_stamp") / "timestamp.txt").write_text("2026-99-99 99:99:99 UTC")
    helper = classroom.notebook(classroom.right | {"squared_error": SQUARED + "    return by_torch(y_pred, y)\n"})
    helper["cells"].insert(cell_of(helper, "squared_error"), code("import torch\ndef by_torch(a, b):\n    d = torch.from_numpy(a - b)\n    return float((d * d).sum()), (2 * d).numpy()\n"))
    classroom.submit("m_helper", helper)
    classroom.submit("m_reach", relu=REACH_AROUND)
    sandboxed, _ = level()
    started = time.monotonic()
    grading = Grading(classroom.root, classroom.name, Options(trusting=not sandboxed, jobs=1))
    results = {result.student: result for result in grading.run()}
    print(f"{len(results)} submissions in {time.monotonic() - started:.0f} s")
    return classroom, results, sandboxed


def test_every_submission_has_a_row(graded):
    classroom, results, _ = graded
    assert len(results) == len(list((classroom.root / "submitted").iterdir()))
    assert {r.status for r in results.values()} <= {"graded", "rejected"}


def test_the_honest_earn_everything(graded):
    _, results, _ = graded
    assert {s: (r.score, r.reason) for s, r in results.items() if s[0] == "h" and r.score != r.max_score} == {}


def test_the_hostile_earn_nothing_on_their_target(graded):
    _, results, _ = graded
    on_target = {s: r.exercises["squared_error"].score for s, r in results.items() if s[0] == "m" and s not in ("m_reach",)}
    assert {s: score for s, score in on_target.items() if score} == {}
    others = {s: r.score for s, r in results.items() if s in HOSTILE and s not in ("m_frames",)}
    assert {s: score for s, score in others.items() if score != 29.0} == {}


def test_a_part_reached_through_its_closure_earns_nothing(graded):
    _, results, _ = graded
    assert results["m_reach"].exercises["relu"].score == 0


def test_what_is_shown_is_bounded_and_printable(graded):
    _, results, _ = graded
    for student in ("m_surrogate", "m_class_name"):
        line = json.dumps(results[student].to_json())
        assert line.isascii()
        assert "9" * 200 not in results[student].exercises["squared_error"].message
        store.to_record(results[student]).decode("ascii")


def test_an_error_shows_the_older_grade_as_older(graded):
    from autograder.grade import Grading, Options

    classroom, _, sandboxed = graded
    classroom.submit("h_plain", squared_error=SQUARED + GRAD + "# again\n")
    grading = Grading(classroom.root, classroom.name, Options(["h_plain"], jobs=1, trusting=not sandboxed))
    grading._result = lambda job, found: grading._nothing(job.student, "error", "needs attention: the machine")
    [result] = list(grading.run())
    assert result.status == "error"
    assert "older: 32 of 32 points" in (result.reason or "")
    shown = store.Store(classroom.root).latest(classroom.name, "h_plain")
    assert shown is not None
    assert shown.status == "error"
    page = (classroom.root / "autograded" / "h_plain" / classroom.name / f"{classroom.name}.ipynb").read_text()
    assert "older: 32 of 32 points" in page


def test_one_page_that_cannot_be_made_leaves_the_others(graded, monkeypatch):
    classroom, _, _ = graded

    real = feedback_page.html
    monkeypatch.setattr(feedback_page, "html", lambda inputs: real(inputs) if inputs.student != "h_elif" else {}["deep"])
    made = []
    with pytest.raises(feedback.AutograderError, match="h_elif"):
        made.extend(feedback.write(classroom.root, classroom.name, ["h_elif", "h_sum"]))
    assert list((classroom.root / ".autograder" / "log").iterdir())


def test_a_damaged_member_leaves_the_rest_of_the_archive(classroom, tmp_path):
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as made:
        for n, student in enumerate(("ada", "bob", "ada")):
            with pytest.warns(UserWarning, match="Duplicate") if n == 2 else nothing():
                made.writestr(f"{student}/{classroom.name}.ipynb", json.dumps(classroom.notebook() | {"n": n}))
    raw = bytearray(archive.read_bytes())
    raw[raw.find(b'"cells"') + 20] ^= 255
    archive.write_bytes(bytes(raw))
    found = list(collect.collect(classroom.root, archive))
    assert [one.path is not None for one in found].count(True) == 2
    assert any("damaged" in (one.reason or "") for one in found)


def nothing():
    from contextlib import nullcontext

    return nullcontext()


def test_of_a_hidden_check_only_the_behaviour_is_told():
    cell = {
        "outcome": "not yet", "behaviour": "more cases", "hidden": True, "passed": [],
        "fields": [("expected", "float 7.25"), ("actual", "Leak123: 7.25"), ("where", "[0]: 7.25"), ("looks", "it is 0.2874 times the expected value"), ("try", "x")],
    }  # fmt: skip
    said = autograded.student_message(cell)
    assert "more cases" in said
    for leak in ("7.25", "0.2874", "Leak"):
        assert leak not in said


def test_the_terminal_shows_names_and_does_not_obey_them(classroom, cli, tmp_path):
    bad = tmp_path / "n\x1b[31m\u202ex.ipynb"
    bad.write_bytes(b"{}")
    result = cli("check", bad, "--root", classroom.root)
    assert "\x1b" not in result.output
    assert "\u202e" not in result.output
    assert main is not None
