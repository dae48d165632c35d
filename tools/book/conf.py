"""Sphinx's settings for the book. What differs from one course to the next comes from `book.json` beside it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
_book = json.loads((Path(__file__).parent / "book.json").read_text(encoding="utf-8"))
sys.path[:0] = _book["import_from"]

project = _book["name"]
author = copyright = _book["author"]
language = "en"
extensions = ["myst_nb", "tools.book.sphinx_parts"]
exclude_patterns = ["_static", "notebooks"]
nb_execution_mode = "off"
nb_ipywidgets_js = {}  # no script from anywhere: sliders stand as still pictures
nb_merge_streams = True
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
# a link to a heading of another page is looked up by its text; docs/ has such links
suppress_warnings = ["myst.header", "mystnb.unknown_mime_type"]
html_math_renderer = "mathml"
html_theme = "sphinx_book_theme"
html_title = _book["name"]
html_static_path = ["_static"]
templates_path = ["_templates"]
html_sidebars = {"**": ["home.html", "search-button-field.html", "sbt-sidebar-nav.html"]}
html_context = {"default_mode": "auto"}
html_css_files = ["book.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "use_download_button": False,
    "use_fullscreen_button": False,
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "navbar_persistent": [],  # the search stands beside the chapters; one is enough
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
    **({"repository_url": _book["repository"], "use_repository_button": True} if _book["repository"] else {}),
}
