"""Lines that pick a backend for plots do nothing where there is no screen, and the rest of their cell counts."""

from __future__ import annotations

import subprocess
import sys

CELLS = (
    "%matplotlib widget\none = 1",
    "%matplotlib qt\n%config InlineBackend.figure_format = 'svg'\ntwo = 2",
    "import matplotlib\nmatplotlib.use('TkAgg')\nimport matplotlib.pyplot as plt\nplt.switch_backend('QtAgg')\nplt.plot([1])\nplt.show(block=True)\nthree = 3",
)


def test_the_rest_of_the_cell_counts():
    program = f"""
from autograder.sandbox.template import warm_up
shell = warm_up([])
for cell in {CELLS!r}:
    shell.run_cell(cell)
assert [shell.user_ns.get(name) for name in ("one", "two", "three")] == [1, 2, 3]
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
