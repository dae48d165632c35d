"""Grading by hand in formgrader, in headless Chromium, on notebooks that our grader wrote; grading again keeps what was given."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from autograder.books import gradebook
from tests.e2e import attacks
from tests.e2e.classroom import CHAPTER, ROOT, cell_of
from tests.e2e.lab import BROWSER, FLAGS, jupyterlab

pytestmark = [
    pytest.mark.slow, pytest.mark.skipif(BROWSER is None, reason="no Chromium"), pytest.mark.xdist_group("browser"),
    pytest.mark.filterwarnings("default"),
]  # fmt: skip
QUESTION = "question_derivation"
ANSWER = "From the chain rule $\\frac{\\partial L}{\\partial w_1} = x^T g$, and <script>alert('no')</script> a < b."


class Formgrader:
    """One submission's page of formgrader."""

    def __init__(self, page, address: str) -> None:
        self.page, self.address = page, address

    def open_in_lab(self) -> None:
        """Go from JupyterLab's menu to the first submission, as a person would."""
        self.page.goto(f"{self.address}/lab?reset")
        self.page.locator(".lm-MenuBar-itemLabel", has_text="Nbgrader").click()
        self.page.locator(".lm-Menu-itemLabel").get_by_text("Formgrader", exact=True).click()
        frame = self.page.frame_locator("iframe")
        frame.get_by_role("link", name="Manual Grading").first.click()
        frame.get_by_role("link", name=CHAPTER).first.click()
        frame.get_by_role("link", name=CHAPTER).last.click()
        frame.get_by_role("link", name="Submission #1").click()
        frame.locator("#notebook").first.wait_for()

    def open(self) -> None:
        # not `formgrader.loaded`: nbgrader sets it, and its keys, once MathJax has come from the network
        self.page.goto(f"{self.address}/formgrader/gradebook/{CHAPTER}/{CHAPTER}")
        self.page.get_by_role("link", name="Submission #1").click()
        self.page.wait_for_function("() => window.formgrader?.grades?.loaded && formgrader.comments?.loaded")

    def total(self) -> str:
        """Return the overall score of the first submission, as the list shows it."""
        self.page.goto(f"{self.address}/formgrader/gradebook/{CHAPTER}/{CHAPTER}")
        return self.page.locator("tbody tr", has_text="Submission #1").locator("td").nth(2).inner_text()

    def fill(self, field: str, text: str) -> None:
        """Type into a field and leave it; formgrader saves then."""
        with self.page.expect_response(lambda answer: answer.request.method == "PUT" and "/formgrader/api/" in answer.url) as saved:
            self.page.locator(f"[id='{field}']").fill(text)
            self.page.locator(f"[id='{field}']").blur()
        assert saved.value.ok


@contextmanager
def formgrader(classroom, folder) -> Iterator[Formgrader]:
    from playwright.sync_api import sync_playwright

    with jupyterlab(classroom.root, folder / "jupyter") as address, sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=BROWSER, args=FLAGS)
        page = chromium.new_page(viewport={"width": 1280, "height": 1000})
        page.set_default_timeout(300_000)
        page.on("dialog", lambda dialog: pytest.fail("a student's script ran"))
        try:
            yield Formgrader(page, address)
        finally:
            chromium.close()


def marks(classroom, cell: str) -> tuple[float, float | None, bool]:
    """Return what the gradebook says of ada's cell: points in all, given by hand, whether a person has to look."""
    with closing(gradebook.open_gradebook(classroom.root)) as books:
        grade = books.find_grade(cell, CHAPTER, CHAPTER, "ada")
        return grade.score, grade.manual_score, grade.needs_manual_grade


def comment(classroom, cell: str) -> str | None:
    with closing(gradebook.open_gradebook(classroom.root)) as books:
        return books.find_comment(cell, CHAPTER, CHAPTER, "ada").manual_comment


def hand_in(classroom, answer: str = ANSWER, **solutions: str) -> None:
    notebook = classroom.notebook(classroom.right | solutions)
    notebook["cells"][cell_of(notebook, QUESTION)]["source"] = answer
    classroom.submit("ada", notebook)


def test_points_and_a_comment_given_by_hand_outlive_a_regrade(classroom, grade, tmp_path):
    shutil.copy(ROOT / "nbgrader_config.py", classroom.root)
    hand_in(classroom)
    assert grade(classroom)["ada"].score == 32
    assert marks(classroom, QUESTION) == (0, None, True)

    with formgrader(classroom, tmp_path) as desk:
        desk.open_in_lab()
        desk.page.screenshot(path=str(tmp_path / "in-lab.png"))
        desk.open()
        looks_right(desk, classroom.chapter.release.cells)
        desk.page.screenshot(path=str(tmp_path / "page.png"), full_page=True)
        desk.fill(QUESTION, "2.5")
        desk.fill(f"{QUESTION}-comment", "Well argued; say where the *sum* comes from.")
        desk.fill("relu__gradient", "1")  # an automatic score, overruled
        desk.fill("linear_backward-comment", "a neat way")
        assert desk.total() == "33.5 / 37"

        given = {QUESTION: (2.5, 2.5, False), "relu__gradient": (1, 1, False)}
        assert {cell: marks(classroom, cell) for cell in given} == given
        assert comment(classroom, QUESTION) == "Well argued; say where the *sum* comes from."

        grade(classroom)  # nothing changed
        assert {cell: marks(classroom, cell) for cell in given} == given
        assert desk.total() == "33.5 / 37"

        hand_in(classroom, linear_forward="def linear_forward(x, w, b):\n    return x @ w")
        assert grade(classroom)["ada"].score < 32
        assert {cell: marks(classroom, cell) for cell in given} == given, "another exercise changed, and what was read did not"
        assert comment(classroom, QUESTION) == "Well argued; say where the *sum* comes from."
        assert comment(classroom, "linear_backward") == "a neat way"

        hand_in(classroom, answer="Something else.", relu=attacks.WRONG)
        grade(classroom)
        assert marks(classroom, QUESTION) == (2.5, 2.5, True), "the points stay, and a person is asked to look again"
        assert marks(classroom, "relu__gradient")[1:] == (1, True)
        desk.open()
        assert desk.page.locator(f"#{QUESTION}").input_value() == "2.5"
        assert desk.page.locator(f"#{QUESTION}-comment").input_value() == "Well argued; say where the *sum* comes from."
        assert "Something else." in desk.page.locator("#notebook").first.inner_text()


def looks_right(desk: Formgrader, released: list) -> None:
    """What a person who grades sees: formulas as formulas, the course's cells under their prose, text as text."""
    answer = desk.page.locator(".nbgrader_cell", has=desk.page.locator(f"#{QUESTION}"))
    assert answer.locator("math mfrac").count() == 1
    assert "alert('no')" in answer.inner_text()
    assert desk.page.locator("#notebook math").count() > 20
    assert "$$" not in desk.page.locator("#notebook").first.inner_text()
    kinds = desk.page.locator("#notebook .cell").evaluate_all("cells => cells.map(one => one.classList.contains('code_cell'))")
    assert kinds == [cell.cell_type == "code" for cell in released], "prose and code in the course's order"
