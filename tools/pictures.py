"""The README's pictures, taken of the real thing: `python -m tools.pictures docs/pictures` (or `make pictures`).

A notebook in JupyterLab with a known mistake in it, the panel, a student's feedback page, the class page; each light and
dark. Names after the folder take only those: `python -m tools.pictures docs/pictures panel`.
"""

from __future__ import annotations

import io
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autograder.course import solutions
from tests.e2e.lab import BROWSER, FLAGS, browser, course_lab, jupyterlab

ROOT = Path(__file__).resolve().parents[1]
CHAPTER, EXERCISE, MISTAKE, CHECK = "01_numpy_backprop", "relu", "mask_from_gradient", "relu__gradient"
STUDENT = "carla"
SCHEMES = ("light", "dark")
#: Bytes that one picture may have: a page with six of them loads on a phone.
MAX_BYTES = 200_000


def save(png: bytes, target: Path) -> None:
    """Write a screenshot as WebP, as good as MAX_BYTES allows. Raises ValueError where even the worst is larger."""
    from PIL import Image

    for quality in (90, 80, 70, 55):
        Image.open(io.BytesIO(png)).convert("RGB").save(target, "WEBP", quality=quality, method=6)
        if target.stat().st_size < MAX_BYTES:
            return
    raise ValueError(f"{target} has {target.stat().st_size} bytes; take a smaller part of the page")


def part(png: bytes, top: int, bottom: int) -> bytes:
    """Return the rows of a screenshot from `top` to `bottom`."""
    from PIL import Image

    picture = Image.open(io.BytesIO(png))
    target = io.BytesIO()
    picture.crop((0, top, picture.width, bottom)).save(target, "PNG")
    return target.getvalue()


def notebook(scheme: str) -> bytes:
    """Return a picture of the exercise in JupyterLab: a wrong answer, and what its author is told."""
    wrong = next(
        one.code for one in solutions.read(ROOT / "course" / CHAPTER / "mistakes.py") if (one.exercise, one.name) == (EXERCISE, MISTAKE)
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "my-course"
        shutil.copytree(ROOT / "release" / CHAPTER, folder / CHAPTER)
        with jupyterlab(folder, Path(name) / "home") as address, browser(address, folder, CHAPTER, scheme == "dark") as lab:
            theme = "JupyterLab Dark" if scheme == "dark" else "JupyterLab Light"
            lab.page.evaluate("async (theme) => { await window.jupyterapp.commands.execute('apputils:change-theme', { theme }); }", theme)
            lab.page.set_viewport_size({"width": 1100, "height": 900})
            lab.open_from_file_list(f"{CHAPTER}.ipynb")
            lab.page.evaluate("async () => { await window.jupyterapp.commands.execute('application:toggle-left-area'); }")
            lab.run(lab.cell_index("from lessonkit import check"))
            solution, check = lab.cell_index("def relu_forward"), lab.cell_index(f'@check.cell("{CHECK}")')
            lab.type_into(solution, wrong.rstrip())
            lab.run(solution)
            lab.run(check)
            lab.page.evaluate(_FOLD, check)
            lab.page.evaluate(_SHOW, check)
            lab.page.wait_for_timeout(1500)
            lab.page.add_style_tag(content=".Toastify { display: none }")  # JupyterLab's question about its news
            panel = lab.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)").first
            return part(bytes(panel.screenshot()), top=32, bottom=625)


def panel(scheme: str) -> bytes:
    """Return a picture of the panel beside a notebook, after a check that does not hold yet."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "my-course"
        subprocess.run([sys.executable, "-m", "lessonkit.learner.cli", "start", str(folder)], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        with course_lab(folder, Path(name) / "home") as address, browser(address, folder, "", scheme == "dark") as lab:
            theme = "JupyterLab Dark" if scheme == "dark" else "JupyterLab Light"
            lab.page.evaluate("async (theme) => { await window.jupyterapp.commands.execute('apputils:change-theme', { theme }); }", theme)
            lab.page.set_viewport_size({"width": 1200, "height": 720})
            lab.page.add_style_tag(content=".Toastify { display: none }")
            course = lab.page.get_by_role("region", name="Course", exact=True)
            for button in ("Next", "Check"):
                course.get_by_role("button", name=button, exact=True).click()
                course.locator("section[aria-busy=false]").wait_for(timeout=180_000)
                course.locator("h3", has_text="linear_forward").wait_for(timeout=180_000)
            course.get_by_role("status").filter(has_text="not yet").wait_for(timeout=180_000)
            lab.page.wait_for_timeout(1500)
            return bytes(lab.page.screenshot())


#: The check's code is folded, as JupyterLab shows it to a student; its message stays.
_FOLD = """(index) => {
    const notebook = window.jupyterapp.shell.currentWidget.content;
    notebook.widgets[index].inputHidden = true;
}"""
_SHOW = """async (index) => {
    const notebook = window.jupyterapp.shell.currentWidget.content;
    notebook.activeCellIndex = index;
    await notebook.scrollToItem(index, 'end');
}"""


def pages() -> Iterator[tuple[str, Path]]:
    """Yield the name and the file of each page to take: those of the demonstration's class."""
    with tempfile.TemporaryDirectory() as name:
        demo = Path(name) / "demo"
        subprocess.run([sys.executable, "-m", "autograder", "demo", "--to", str(demo)], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        yield "feedback", demo / "feedback" / STUDENT / CHAPTER / f"{CHAPTER}.html"
        yield "report", demo / "report" / f"{CHAPTER}.html"


def photograph(path: Path, scheme: str) -> bytes:
    """Return the top of a page."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=BROWSER, args=FLAGS)
        page: Any = chromium.new_page(viewport={"width": 1000, "height": 800}, color_scheme=scheme)
        page.goto(path.as_uri())
        taken = page.screenshot()
        chromium.close()
    return bytes(taken)


def main(target: Path, only: list[str]) -> None:
    """Take the pictures named in `only`, all where none is."""
    if BROWSER is None:
        sys.exit("no Chromium here: `make system-browser` installs it")
    target.mkdir(parents=True, exist_ok=True)

    def put(name: str, scheme: str, png: bytes) -> None:
        save(png, target / f"{name}-{scheme}.webp")
        print(f"wrote {target / f'{name}-{scheme}.webp'}", flush=True)

    for take in (notebook, panel):
        for scheme in SCHEMES if not only or take.__name__ in only else ():
            put(take.__name__, scheme, take(scheme))
    for name, path in pages() if not only or {"feedback", "report"} & set(only) else ():
        for scheme in SCHEMES if not only or name in only else ():
            put(name, scheme, photograph(path, scheme))


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "pictures", sys.argv[2:])
