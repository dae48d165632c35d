"""The panel in a real JupyterLab: a learner from `course start` in an empty folder to the open solution.

One wrong answer first, hints that outlast the kernel, a reset and its undo; and axe looks at the panel, light and dark.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

from autograder.course import solutions
from tests.e2e.lab import BROWSER, Page, browser, course_lab

ROOT = Path(__file__).resolve().parents[2]
CHAPTER = "01_numpy_backprop"
AXE = Path(str(files("axe_playwright_python").joinpath("axe.min.js")))
LINEAR = "def linear_forward(x, w, b):\n    return x @ w + b\n"
RELU = "def relu_forward(h):\n    return np.maximum(h, 0)\n\n\ndef relu_backward(grad_out, h):\n    return grad_out * (h > 0)\n"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine; the Makefile says how to get it"),
    pytest.mark.filterwarnings("default"),
]


class Course:
    """The panel, used as a person would: by its buttons and what it says."""

    def __init__(self, page: Page) -> None:
        self.page, self.panel = page, page.page.get_by_role("region", name="Course", exact=True)

    def press(self, name: str) -> None:
        """Press a button of the panel and wait until it is done."""
        self.panel.get_by_role("button", name=name, exact=True).click()
        self.panel.locator("section[aria-busy=false]").wait_for(timeout=90_000)

    def says(self, text: str) -> str:
        """Wait until the panel says something with `text` in it, and return all of it."""
        said = self.panel.get_by_role("status").filter(has_text=text)
        said.wait_for(timeout=60_000)
        return said.inner_text()

    def shows(self, text: str) -> None:
        self.panel.get_by_text(text).first.wait_for(timeout=30_000)

    def go(self, exercise: str) -> None:
        """Go to an exercise of the chapter from the panel's list, and wait for the notebook and its kernel."""
        self.panel.get_by_role("button", name=exercise).click()
        self.page.page.wait_for_function(
            """() => {
                const context = window.jupyterapp.shell.currentWidget?.sessionContext;
                return context?.isReady && context.session?.kernel?.status === 'idle';
            }""",
            timeout=90_000,
        )
        self.panel.locator("h3", has_text=exercise).wait_for()
        self.page.page.locator(".jp-Notebook").get_by_role("heading", name=exercise).first.wait_for()

    def stands(self) -> str:
        """Return the word that stands in the list for the state of the exercise at the cursor."""
        return self.panel.locator(".lk-Row[aria-current] .lk-Hidden").inner_text()


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("empty")
    subprocess.run([sys.executable, "-m", "lessonkit.learner.cli", "start", "mine"], cwd=folder, check=True)
    with course_lab(folder / "mine", tmp_path_factory.mktemp("jupyter")) as address:
        yield address, folder / "mine"


def test_a_learner_from_an_empty_folder_to_an_open_solution(lab, tmp_path):
    address, folder = lab
    with browser(address, tmp_path) as page:
        course = Course(page)
        course.shows("0 of 114 exercises")
        assert page.page.locator(".jp-Dialog").count() == 0
        course.press("Next")
        course.panel.locator("h3", has_text="linear_forward").wait_for(timeout=60_000)
        course.go("linear_forward")

        course.press("Check")
        course.says("linear_forward: not yet")
        page.type_into(page.cell_index("def linear_forward"), LINEAR)
        course.press("Check")
        course.says("linear_forward: pass")
        course.shows("1 of 114 exercises")
        assert course.stands() == "done"

        course.go("relu")
        wrong = next(m for m in solutions.read(ROOT / "course" / CHAPTER / "mistakes.py") if m.exercise == "relu")
        answer = page.cell_index("def relu_forward")
        page.type_into(answer, wrong.code)
        course.press("Check")
        course.says("relu: not yet")
        assert course.stands() == "tried"
        assert wrong.help.split(".")[0] in page.output(page.cell_index('@check.cell("relu__gradient")'))

        course.press("Hint")
        assert "hint 1 of" in course.says("hint 1 of")
        course.press("Hint")
        two = course.says("hint 2 of")
        page.page.evaluate("async () => { await window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart(); }")
        course.press("Hint")
        assert two.split("\n")[0] in course.says("hint 3 of")

        course.press("Solution")
        course.says("opens after the pass")
        page.type_into(answer, RELU)
        course.press("Check")  # the kernel is new: what relu needs runs first
        course.says("relu: pass")
        course.shows("2 of 114 exercises")
        page.screenshot("passed")
        course.press("Solution")
        assert "def relu_backward" in course.says("the course's solution")
        page.screenshot("solution")

        course.press("Reset")
        course.says("as released")
        course.shows("1 of 114 exercises")
        assert "raise NotImplementedError" in page.source(answer)
        course.press("Undo")
        course.says("taken back: reset of relu")
        assert "np.maximum(h, 0)" in page.source(answer)
        course.press("Check")
        course.says("relu: pass")
        assert "np.maximum(h, 0)" in (folder / CHAPTER / f"{CHAPTER}.ipynb").read_text(encoding="utf-8")


def test_what_only_instructors_need_is_not_there_and_no_news(lab, tmp_path):
    with browser(lab[0], tmp_path) as page:
        Course(page).shows("exercises")
        commands = page.page.evaluate("window.jupyterapp.commands.listCommands()")
        assert [one for one in commands if "formgrader" in one or "create-assignment" in one or "assignment-list" in one] == []
        assert "lessonkit:check" in commands
        assert page.page.get_by_text("Create Assignment").count() == 0
        page.page.wait_for_timeout(3_000)
        assert page.page.get_by_text("news").count() == 0


def test_the_keyboard_alone(lab, tmp_path):
    with browser(lab[0], tmp_path) as page:
        course, keyboard = Course(page), page.page.keyboard
        course.shows("exercises")
        keyboard.press("Alt+Shift+N")
        course.panel.locator("section code").first.wait_for(timeout=90_000)
        keyboard.press("Alt+Shift+P")
        reached = []
        for _ in range(8):
            reached.append(page.page.evaluate("document.activeElement.innerText"))
            keyboard.press("Tab")
        assert reached[:5] == ["Check", "Hint", "Solution", "Reset", "Next"]
        keyboard.press("Alt+Shift+H")
        course.says("hint 1 of")


@pytest.mark.parametrize("dark", [False, True])
def test_axe_finds_nothing(lab, tmp_path, dark):
    with browser(lab[0], tmp_path, dark=dark) as page:
        course = Course(page)
        course.shows("exercises")
        if dark:
            page.page.evaluate("async () => { await window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'}); }")
            page.page.wait_for_timeout(1_000)
        course.panel.locator("summary").first.click()
        course.go("judge_backward")
        course.press("Hint")
        course.says("hint 1 of")
        page.page.add_script_tag(content=AXE.read_text(encoding="utf-8"))
        page.screenshot("dark" if dark else "light")
        found = page.page.evaluate("async () => (await axe.run('.lk-Panel')).violations.map(v => [v.id, v.nodes.map(n => n.html)])")
        assert found == []
