"""The whole book in Chromium: every page and link, axe in light and dark, nothing from a network, no answer anywhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import urllib.parse
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from pathlib import Path

import pytest

from autograder.course import chapter as ch
from tests.e2e.lab import BROWSER, FLAGS
from tools.book import audit

pytest.importorskip("myst_nb", reason="the book's extra is not installed: pip install -e '.[book]'")
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("book")]

ROOT = Path(__file__).resolve().parents[2]
needs_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium here: make system-browser installs it")


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """Return the folder of the built book ($BOOK where one is at hand); a chapter that did not change is not run again."""
    if os.environ.get("BOOK"):
        return Path(os.environ["BOOK"]).resolve()
    folder = tmp_path_factory.mktemp("book") / "book"
    command = [sys.executable, "-m", "tools.book", "--to", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=3_000, env=dict(os.environ) | {"PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, (done.stdout + done.stderr)[-3_000:]
    return folder


class Page(HTMLParser):
    """The links, ids and images of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links, self.ids, self.images = [], set(), []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.ids |= {found["id"]} if found.get("id") else set()
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])
        if tag == "img":
            self.images.append(found)


def test_every_chapter_and_every_document_is_a_page(book):
    chapters = {f"chapters/{name}.html" for name in ch.names(ROOT, "release")}
    documents = {f"docs/{path.stem}.html" for path in (ROOT / "docs").glob("*.md") if path.name != "front.md"}
    built = {str(path.relative_to(book)) for path in book.rglob("*.html")}
    assert chapters | documents | {"index.html", "concepts.html", "genindex.html", "search.html"} <= built


def test_every_internal_link_arrives(book):
    pages = {path: Page(path) for path in book.rglob("*.html") if "_static" not in path.parts}
    broken = []
    for path, page in pages.items():
        for link in page.links:
            address, _, fragment = link.partition("#")
            if re.match(r"\w+:", address):
                continue
            there = (path.parent / urllib.parse.unquote(address)).resolve() if address else path
            if not there.is_file() or (fragment and there in pages and urllib.parse.unquote(fragment) not in pages[there].ids):
                broken.append(f"{path.relative_to(book)}: {link}")
    assert sum(len(page.links) for page in pages.values()) > 500
    assert broken == []


def test_every_figure_has_alt_text(book):
    images = [(path.name, image) for path in book.rglob("*.html") if "_static" not in path.parts for image in Page(path).images]
    assert len(images) > 150
    assert [(name, image["src"]) for name, image in images if not (image.get("alt") or "").strip()] == []


def test_no_solution_and_no_hidden_test_stands_in_any_file(book):
    assert len(audit.needles(ROOT)) > 1_000
    assert audit.leaks(ROOT, book) == []


class Quiet(SimpleHTTPRequestHandler):
    """Serves without a line for each request."""

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def server(book):
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(book))) as one:
        threading.Thread(target=one.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{one.server_port}"
        one.shutdown()


@needs_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_any_page_and_nothing_comes_from_elsewhere(book, server, scheme):
    from playwright.sync_api import sync_playwright

    axe = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    found, elsewhere, errors = [], [], []
    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=BROWSER, args=FLAGS)
        tab = chromium.new_page(viewport={"width": 1280, "height": 1000}, color_scheme=scheme)
        tab.on("request", lambda request: None if request.url.startswith((server, "data:")) else elsewhere.append(request.url))
        tab.on("pageerror", lambda error: errors.append(str(error)))
        for path in sorted(book.rglob("*.html")):
            if "_static" in path.parts:
                continue
            tab.goto(f"{server}/{path.relative_to(book)}")
            # what opens fades in, and half-way there its contrast is low
            tab.add_style_tag(content="* { animation: none !important; transition: none !important; }")
            tab.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true; })")
            tab.evaluate(axe)
            result = tab.evaluate("axe.run(document, { resultTypes: ['violations'] })")
            for one in result["violations"]:
                nodes = one["nodes"]
                found.append(f"{path.relative_to(book)}: {one['id']}: {len(nodes)} times, first {nodes[0]['html'][:200]}")
        chromium.close()
    assert "\n".join(found) == ""
    assert elsewhere == []
    assert errors == []


@needs_browser
def test_the_search_finds_a_word_and_leads_to_it(book, server):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=BROWSER, args=FLAGS)
        tab = chromium.new_page()
        tab.goto(f"{server}/search.html?q=finite+difference")
        link = tab.locator("#search-results a").first
        link.wait_for(timeout=20_000)
        link.click()
        assert "finite difference" in tab.content()
        chromium.close()
