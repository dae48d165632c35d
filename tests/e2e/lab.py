"""A real JupyterLab in headless Chromium, driven as a student would."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

BROWSER = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
]  # fmt: skip


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextmanager
def jupyterlab(folder: Path, home: Path) -> Iterator[str]:
    """Yield the address of a JupyterLab that serves `folder`, with settings of its own below `home`."""
    command = [
        sys.executable, "-m", "jupyter", "lab", "--allow-root", f"--ServerApp.root_dir={folder}",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]  # fmt: skip
    with serve(command, folder, home) as address:
        yield address


@contextmanager
def course_lab(folder: Path, home: Path) -> Iterator[str]:
    """Yield the address of the JupyterLab that `course lab` opens in a workspace."""
    with serve([sys.executable, "-m", "lessonkit.learner.cli", "lab"], folder, home) as address:
        yield address


@contextmanager
def serve(command: list[str], folder: Path, home: Path) -> Iterator[str]:
    """Run a command that starts JupyterLab, on a free port and with settings of its own below `home`; yield its address."""
    port = free_port()
    environment = os.environ | {
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "IPYTHONDIR": str(home / "ipython"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "JUPYTER_PLATFORM_DIRS": "1",
    }
    options = [
        "--no-browser", f"--port={port}", "--ip=127.0.0.1", "--IdentityProvider.token=", "--ServerApp.password=",
        "--LabApp.expose_app_in_browser=True",
    ]  # fmt: skip
    home.mkdir(parents=True, exist_ok=True)
    log = (home / "server.log").open("wb")
    server = subprocess.Popen([*command, *options], cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        address = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 300
        while True:
            with suppress(OSError):
                urllib.request.urlopen(f"{address}/api/status", timeout=2)
                break
            assert server.poll() is None, (home / "server.log").read_text()[-2000:]
            assert time.monotonic() < deadline, "JupyterLab did not start"
            time.sleep(0.3)
        yield address
    finally:
        server.terminate()
        with suppress(subprocess.TimeoutExpired):
            server.wait(20)
        server.kill()
        server.wait()
        log.close()


class Page:
    """A notebook open in the browser."""

    def __init__(self, page, folder: Path) -> None:
        self.page, self.folder = page, folder

    def open_from_file_list(self, name: str) -> None:
        self.page.get_by_role("listitem", name=name).or_(
            self.page.locator(f'.jp-DirListing-item[title*="{name}"]')
        ).first.dblclick()
        self.page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=90_000)
        self.page.wait_for_function(
            """() => {
                const content = window.jupyterapp.shell.currentWidget?.content;
                return content?.model && content.widgets && content.widgets.length === content.model.cells.length
                    && content.widgets.length > 10;
            }""",
            timeout=90_000,
        )
        self.page.wait_for_function(
            """() => {
                const context = window.jupyterapp.shell.currentWidget.sessionContext;
                return context.isReady && context.session?.kernel?.connectionStatus === 'connected'
                    && context.session.kernel.status === 'idle';
            }""",
            timeout=90_000,
        )

    def cell_index(self, text: str) -> int:
        """Return the number of the cell whose source holds `text`, from the notebook's own model."""
        return self.page.evaluate(
            """(text) => {
                const cells = window.jupyterapp.shell.currentWidget.content.widgets;
                return cells.findIndex(cell => cell.model.sharedModel.getSource().includes(text));
            }""",
            text,
        )

    def go_to(self, index: int) -> None:
        self.page.evaluate(
            """async (index) => {
                const notebook = window.jupyterapp.shell.currentWidget.content;
                notebook.activeCellIndex = index;
                await notebook.scrollToItem(index, 'center');
            }""",
            index,
        )
        self.page.wait_for_timeout(300)

    def type_into(self, index: int, source: str) -> None:
        """Replace a cell's text by typing it."""
        self.go_to(index)
        editor = self.page.locator(f'.jp-Cell[data-windowed-list-index="{index}"] .cm-content')
        editor.click()
        self.page.keyboard.press("Control+a")
        self.page.keyboard.press("Delete")
        self.page.keyboard.insert_text(source)

    def run(self, index: int) -> str:
        """Run a cell and return its output as text."""
        self.go_to(index)
        count = """(index) => window.jupyterapp.shell.currentWidget.content.widgets[index].model.executionCount"""
        before = self.page.evaluate(count, index)
        self.page.evaluate(
            """async () => { await window.jupyterapp.commands.execute('notebook:run-cell'); }"""
        )
        self.page.wait_for_function(f"([index, before]) => {{ const now = ({count})(index); return now && now !== before; }}", arg=[index, before])
        return self.output(index)

    def output(self, index: int) -> str:
        return self.page.evaluate(
            """(index) => {
                const outputs = window.jupyterapp.shell.currentWidget.content.widgets[index].model.outputs;
                const found = [];
                for (let i = 0; i < outputs.length; i++) {
                    const one = outputs.get(i).toJSON();
                    found.push(one.text || (one.data && (one.data['text/html'] || one.data['text/plain'])) ||
                               (one.traceback || []).join('\\n'));
                }
                return found.flat().join('\\n');
            }""",
            index,
        )

    def source(self, index: int) -> str:
        """Return a cell's text."""
        return self.page.evaluate(
            "(index) => window.jupyterapp.shell.currentWidget.content.widgets[index].model.sharedModel.getSource()", index
        )

    def screenshot(self, name: str) -> Path:
        path = self.folder / f"{name}.png"
        self.page.screenshot(path=str(path))
        return path


@contextmanager
def browser(address: str, folder: Path, path: str = "", dark: bool = False) -> Iterator[Page]:
    """Yield a page on a JupyterLab; `path` is the folder shown in its file list."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=BROWSER, args=FLAGS)
        page = chromium.new_page(
            viewport={"width": 1280, "height": 1000}, color_scheme="dark" if dark else "light"
        )
        page.goto(f"{address}/lab{f'/tree/{path}' if path else ''}?reset", wait_until="domcontentloaded")
        page.wait_for_function("window.jupyterapp !== undefined", timeout=120_000)
        page.wait_for_selector(".jp-DirListing-content", state="attached", timeout=120_000)
        try:
            yield Page(page, folder)
        finally:
            chromium.close()
