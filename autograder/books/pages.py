"""Markdown on the pages that people look at, without anybody's script.

nbgrader's feedback and formgrade templates render Markdown cells and comments without the sanitizer that
nbconvert's own templates use. `nbgrader_config.py` puts this filter in the place of nbconvert's, so that both
kinds of pages are clean, whoever wrote the cell.
"""

from __future__ import annotations

import re
from typing import Any

import bleach
from jinja2 import pass_context
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

TAGS = {
    *bleach.ALLOWED_TAGS, "p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "div", "span", "sub", "sup", "del",
    "table", "thead", "tbody", "tr", "th", "td", "img", "details", "summary",
}  # fmt: skip
PICTURE = re.compile(r"data:image/(png|jpeg|gif);base64,[A-Za-z0-9+/=\s]*")
#: TeX commands by which MathJax makes links, loads extensions or sets attributes.
TEX = re.compile(r"\\(href|require|style|class|cssId|unicode)\b")


@pass_context
def markdown2html(context: Any, source: str) -> str:
    """Return the HTML of Markdown: tags that show text and embedded pictures, no script, style or remote image."""
    cell = context.get("cell", {}) or {}
    renderer = IPythonRenderer(
        escape=False, attachments=cell.get("attachments", {}), embed_images=False, exclude_anchor_links=True
    )
    return clean(MarkdownWithMath(renderer=renderer).render(TEX.sub(r"\\text", source)))


def clean(html: str) -> str:
    """Return `html` with everything but harmless tags and attributes escaped."""
    return bleach.clean(html, tags=TAGS, attributes=_allowed, protocols={"http", "https", "mailto", "data"})


def _allowed(tag: str, name: str, value: str) -> bool:
    if name in ("class", "id", "title"):
        return True
    if tag == "a" and name == "href":
        return value.startswith(("http://", "https://", "mailto:", "#"))
    if tag == "img":
        return name == "alt" or (name == "src" and PICTURE.fullmatch(value) is not None)
    return tag in ("th", "td") and name in ("align", "colspan", "rowspan")
