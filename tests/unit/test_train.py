"""The progress bar yields everything, writes to stdout only, and knows when to be quiet."""

import io
import re
import sys

import pytest

from lessonkit import show
from lessonkit.train import _rate, progress


class Terminal(io.StringIO):
    """Something that says it is a terminal and keeps what is written."""

    def isatty(self):
        return True


def test_one_line_at_the_end_where_nobody_watches(capsys):
    assert list(progress([1, 2, 3], "epoch 1")) == [1, 2, 3]
    captured = capsys.readouterr()
    assert re.fullmatch(r"epoch 1: 3 in 0\.0 s \(\S+ a second\)\n", captured.out)
    assert captured.err == ""


def test_nothing_to_do(capsys):
    assert list(progress([], "nothing")) == []
    assert capsys.readouterr().out == "nothing: 0 in 0.0 s\n"


@pytest.mark.parametrize(
    ("items", "total", "said"),
    [(range(5), None, "2 of 5"), (iter("abcde"), None, "2"), (iter("abcde"), 5, "2 of 5")],
)
def test_a_loop_left_early_says_how_far_it_came(capsys, items, total, said):
    for i, _ in enumerate(progress(items, "epoch 1", total)):
        if i == 2:
            break
    assert re.fullmatch(
        rf"epoch 1: stopped after {said} in 0\.0 s \(\S+ a second\)\n", capsys.readouterr().out
    )


def test_an_error_in_the_loop_goes_through(capsys):
    def loop():
        for _ in progress(range(5), "epoch 1"):
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        loop()
    assert capsys.readouterr().out == "epoch 1: stopped after 0 of 5 in 0.0 s\n"


def test_nothing_while_recording(monkeypatch, capsys):
    monkeypatch.setattr(show, "_recording", [True])
    assert list(progress(iter("ab"), "epoch 1")) == ["a", "b"]
    assert capsys.readouterr() == ("", "")


def test_a_bar_in_a_terminal(monkeypatch):
    out, err = Terminal(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm")
    assert list(progress(range(50), "epoch [1]")) == list(range(50))
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out.getvalue())
    assert "epoch [1]" in text
    last = text.rstrip().splitlines()[-1]
    assert re.search(r"50/50 \S+/s 0:00:00", last)
    assert err.getvalue() == ""


def test_prints_in_the_loop_stay_readable_beside_the_bar(monkeypatch):
    out = Terminal()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setenv("TERM", "xterm")
    for i in progress(iter(range(3)), "steps"):
        print("step", i)
    assert all(f"step {i}" in out.getvalue() for i in range(3))
    assert sys.stdout is out


@pytest.mark.parametrize(
    ("count", "seconds", "text"), [(0, 1, ""), (50, 2, "25/s"), (2, 5, "2.5 s each"), (1, 0, "")]
)
def test_rate(count, seconds, text):
    assert _rate(count, seconds) == text


@pytest.mark.slow
def test_a_bar_and_a_figure_in_a_real_kernel():
    import nbformat
    from nbclient import NotebookClient

    code = (
        "from lessonkit import plot\nfrom lessonkit.train import progress\n"
        "for i in progress(range(30), 'epoch 1'): pass\nplot.bars({'a': 1})"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
    outputs = notebook.cells[0].outputs
    assert not [output for output in outputs if output.get("name") == "stderr"]
    assert 'alt="a 1"' in outputs[-1]["data"]["text/html"]
    assert "30/30" in str(notebook)
