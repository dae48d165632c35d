"""`python -m tests.e2e.read_chapter 07 --to FOLDER [--dark] [--student]`: a chapter as JupyterLab shows it, as pictures.

For authors: the instructor's notebook is run from top to bottom (with --student the untouched release), opened in a
real JupyterLab, and photographed page by page. Looking at them is the point.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from autograder.course import chapter as ch
from tests.e2e.lab import browser, jupyterlab

ROOT = Path(__file__).resolve().parents[2]
HEIGHT = 1500
SCROLLER = ".jp-NotebookPanel:not(.lm-mod-hidden) .jp-WindowedPanel-outer"


def run_notebook(path: Path) -> None:
    """Run a notebook in its folder and write it back with outputs; errors stay in it."""
    notebook = nbformat.read(path, as_version=4)
    NotebookClient(notebook, timeout=1200, startup_timeout=300, allow_errors=True, resources={"metadata": {"path": str(path.parent)}}).execute()
    nbformat.write(notebook, path)


def photograph(chapter: str, target: Path, dark: bool, student: bool) -> list[Path]:
    """Write the pages of a chapter as PNG files to `target` and return them."""
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "course"
        shutil.copytree(ROOT / ("release" if student else "source") / chapter, folder / chapter)
        run_notebook(folder / chapter / f"{chapter}.ipynb")
        with jupyterlab(folder, Path(name) / "home") as address, browser(address, target, chapter, dark) as page:
            page.page.set_viewport_size({"width": 1150, "height": HEIGHT})
            theme = "JupyterLab Dark" if dark else "JupyterLab Light"
            page.page.evaluate(
                "async (theme) => { await window.jupyterapp.commands.execute('apputils:change-theme', { theme }); }", theme
            )
            page.open_from_file_list(f"{chapter}.ipynb")
            page.page.evaluate(
                """async () => {
                    await window.jupyterapp.commands.execute('application:toggle-left-area');
                    const notebook = window.jupyterapp.shell.currentWidget.content;
                    notebook.notebookConfig = { ...notebook.notebookConfig, windowingMode: 'none' };
                }"""
            )
            page.page.wait_for_timeout(3000)
            return list(_pages(page, f"{chapter[:2]}-{'dark' if dark else 'light'}"))


def _pages(page, name: str):
    number = 0
    while True:
        yield page.screenshot(f"{name}-{number:02d}")
        number += 1
        moved = page.page.evaluate(
            """(selector) => {
                const found = [...document.querySelectorAll(selector)].find(e => e.scrollHeight > e.clientHeight);
                const before = found ? found.scrollTop : 0;
                if (found) found.scrollTop = before + found.clientHeight - 80;
                return found ? found.scrollTop - before : 0;
            }""",
            SCROLLER,
        )
        if moved < 5 or number > 80:
            return
        page.page.wait_for_timeout(500)


def main(arguments: list[str]) -> None:
    """Photograph the chapters named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("chapters", nargs="+")
    parser.add_argument("--to", type=Path, required=True)
    parser.add_argument("--dark", action="store_true")
    parser.add_argument("--student", action="store_true")
    given = parser.parse_args(arguments)
    for name in given.chapters:
        for path in photograph(ch.resolve(ROOT, name), given.to, given.dark, given.student):
            print(path)


if __name__ == "__main__":
    main(sys.argv[1:])
