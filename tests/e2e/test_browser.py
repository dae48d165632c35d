"""A student in a real JupyterLab: open from the file list, solve, check, make a known mistake, validate."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from autograder.course import solutions
from tests.e2e.lab import BROWSER, browser, jupyterlab

ROOT = Path(__file__).resolve().parents[2]
CHAPTER = "01_numpy_backprop"
RIGHT = "def relu_forward(h):\n    return np.maximum(h, 0)\n\n\ndef relu_backward(grad_out, h):\n    return grad_out * (h > 0)\n"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        BROWSER is None, reason="no Chromium on this machine; the Makefile says how to get it"
    ),
    pytest.mark.filterwarnings("default"),
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("student")
    shutil.copytree(ROOT / "release" / CHAPTER, folder / CHAPTER)
    with jupyterlab(folder, tmp_path_factory.mktemp("jupyter")) as address:
        yield address


def test_a_student_solves_checks_and_errs(lab, tmp_path):
    with browser(lab, tmp_path, CHAPTER) as page:
        page.open_from_file_list(f"{CHAPTER}.ipynb")
        page.run(page.cell_index("from lessonkit import check"))
        solution, test = page.cell_index("def relu_forward"), page.cell_index('@check.cell("relu__gradient")')
        untouched = page.run(solution) + page.run(test)
        assert "not written yet" in untouched
        page.type_into(solution, RIGHT)
        page.run(solution)
        passed = page.run(test)
        page.screenshot("passed")
        assert "pass" in passed
        assert "not yet" not in passed
        wrong = next(
            m for m in solutions.read(ROOT / "course" / CHAPTER / "mistakes.py") if m.exercise == "relu"
        )
        page.type_into(solution, wrong.code)
        page.run(solution)
        failed = page.run(test)
        page.screenshot("failed")
        assert "not yet" in failed
        assert wrong.help.split(".")[0] in failed
        hint = page.cell_index('hint("relu")')
        assert "Run this cell again" in page.run(hint)
        page.type_into(solution, RIGHT)
        page.page.evaluate("async () => { await window.jupyterapp.commands.execute('docmanager:save'); }")


def test_the_validate_button_works(lab, tmp_path):
    with browser(lab, tmp_path, CHAPTER) as page:
        page.open_from_file_list(f"{CHAPTER}.ipynb")
        page.page.get_by_role("button", name="Validate").or_(
            page.page.locator("button:has-text('Validate')")
        ).first.click()
        dialog = page.page.locator(".jp-Dialog")
        dialog.filter(has_text="cells failed").or_(dialog.filter(has_text="failed")).first.wait_for(
            timeout=120_000
        )
        text = dialog.first.inner_text()
        page.screenshot("validated")
        assert "not written yet" in text


def test_points_set_in_create_assignment_come_back_into_the_text(tmp_path, cli):
    course = tmp_path / "course_root"
    for room in ("course", "source", "release"):
        shutil.copytree(ROOT / room / CHAPTER, course / room / CHAPTER)
    text = course / "course" / CHAPTER / f"{CHAPTER}.py"
    before = text.read_text(encoding="utf-8").splitlines()
    with jupyterlab(course, tmp_path / "jupyter") as address, browser(address, tmp_path, f"source/{CHAPTER}") as page:
        page.open_from_file_list(f"{CHAPTER}.ipynb")
        page.page.get_by_text("Create Assignment").first.click()
        page.page.wait_for_selector(".nbgrader-CellPoints input", state="attached")
        page.go_to(page.cell_index('@check.cell("relu__forward")'))
        cell = page.page.locator(".nbgrader-CellWidget.nbgrader-mod-active")
        assert cell.locator(".nbgrader-CellId input").input_value() == "relu__forward"
        cell.locator(".nbgrader-CellPoints input").fill("7")
        cell.locator(".nbgrader-CellPoints input").press("Tab")
        page.screenshot("points")
        page.page.evaluate("async () => { await window.jupyterapp.commands.execute('docmanager:save'); }")
        page.page.wait_for_timeout(500)
    refused = cli("build", "01", "--root", course)
    assert refused.exit_code == 1
    assert "autograder pull" in refused.output
    pulled = cli("pull", "01", "--root", course)
    assert pulled.exit_code == 0, pulled.output
    after = text.read_text(encoding="utf-8").splitlines()
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert len(changed) == 1
    old, new = changed[0]
    assert '"grade_id": "relu__forward"' in old
    assert new == old.replace('"points": 1,', '"points": 7,')


def test_a_slider_moves_the_picture(tmp_path):
    chapter = "06_optim"
    folder = tmp_path / "student"
    shutil.copytree(ROOT / "release" / chapter, folder / chapter)
    with jupyterlab(folder, tmp_path / "jupyter") as address, browser(address, tmp_path, chapter) as page:
        page.open_from_file_list(f"{chapter}.ipynb")
        for text in ("from lessonkit import check", "def valley(", "def draw_paths(", "def walk_by_hand(", "def draw_descent("):
            page.run(page.cell_index(text))
        index = page.cell_index("sliders.move(draw_descent")
        page.run(index)
        cell = page.page.locator(f'.jp-Cell[data-windowed-list-index="{index}"]')
        cell.get_by_text("a step leaves +0.925 along the valley").wait_for(timeout=60_000)
        before = cell.locator("img").first.get_attribute("src")
        handle = cell.locator(".noUi-handle").first
        handle.focus()
        handle.press("ArrowRight")
        handle.press("ArrowRight")
        cell.get_by_text("a step leaves +0.920 along the valley").wait_for(timeout=60_000)
        page.screenshot("moved")
        assert cell.locator("img").first.get_attribute("src") != before
