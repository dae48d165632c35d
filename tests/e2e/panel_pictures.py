"""Pictures of the panel in a real JupyterLab, light and dark, as the README shows them.

    python -m tests.e2e.panel_pictures --to FOLDER
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from lessonkit.learner import state, workspace
from tests.e2e.lab import browser, course_lab

CHAPTER = "01_numpy_backprop"
#: A learner in the middle of the chapter.
DONE, TRIED, AT = ("linear_forward", "numeric_gradient", "squared_error"), "relu", "relu"
SIZE = {"width": 1280, "height": 800}


def take(folder: Path) -> list[Path]:
    """Write `panel-light.png` and `panel-dark.png` into a folder and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        subprocess.run([sys.executable, "-m", "lessonkit.learner.cli", "start", "my-course"], cwd=place, check=True, capture_output=True)
        with state.change(workspace.Workspace(place / "my-course").inside) as now:
            for exercise in DONE:
                now.of(CHAPTER, exercise).passed = state.now()
            now.of(CHAPTER, TRIED).attempts = 1
        with course_lab(place / "my-course", place / "jupyter") as address:
            return [_picture(address, folder, dark) for dark in (False, True)]


def _picture(address: str, folder: Path, dark: bool) -> Path:
    with browser(address, folder, dark=dark) as page:
        inside = page.page
        inside.set_viewport_size(SIZE)
        if dark:
            inside.evaluate("async () => { await window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Dark'}); }")
        panel = inside.locator(".lk-Panel")
        panel.locator("summary").first.click()
        panel.get_by_role("button", name=AT).click()
        panel.locator("h3", has_text=AT).wait_for(timeout=90_000)
        panel.get_by_role("button", name="Hint", exact=True).click()
        panel.get_by_role("status").filter(has_text="hint 1 of").wait_for()
        inside.wait_for_timeout(3_000)  # mathematics is set by and by
        return page.screenshot(f"panel-{'dark' if dark else 'light'}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--to", type=Path, required=True)
    for picture in take(parser.parse_args().to):
        print(f"wrote {picture}")
