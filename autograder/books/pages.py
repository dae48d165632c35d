"""Markdown on the pages that people look at: text, and nothing that means something to anybody's script.

Twice, because two programs show it. What a student wrote is made `harmless` before it is written to `autograded/`,
so that formgrader under any configuration finds no tag with a class, an id or an attribute of theirs. What is rendered
by our own commands goes through `markdown2html` besides, which `autograder.course.nbgrader_api` imposes and a course's
`nbgrader_config.py` gives to formgrader. Both it and `shown`, for our own feedback pages, write formulas as MathML, which
needs neither a script nor a network.
"""

from __future__ import annotations

import re
import secrets
from functools import lru_cache
from typing import Any

import bleach
from jinja2 import pass_context
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from autograder.books import formulas

#: Characters of one Markdown cell that are rendered; mistune is not linear in all it can be given.
MAX_RENDERED = 20_000
TAGS = {
    *bleach.ALLOWED_TAGS, "p", "br", "hr", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "div", "span", "sub", "sup", "del",
    "table", "thead", "tbody", "tr", "th", "td", "img", "details", "summary",
}  # fmt: skip
PICTURE = re.compile(r"data:image/(png|jpeg|gif);base64,[A-Za-z0-9+/=\s]*")
#: TeX commands by which MathJax makes links, loads extensions or sets attributes.
TEX = re.compile(r"\\(href|require|style|class|cssId|unicode|data|bbox|html)\b")
#: Classes that highlighted code has, and no script of formgrader's looks for.
_CLASS = {"span": re.compile(r"[a-z][a-z0-9]{0,2}"), "div": re.compile(r"highlight( hl-[a-z0-9]{1,20})?"), "pre": re.compile(r"highlight")}
_OPENS = re.compile(r"<(?=[A-Za-z/!?])")
_PLAIN = re.compile(r"</?([A-Za-z][A-Za-z0-9]{0,9})\s{0,3}/?>")
_APART = "\u200b"


def harmless(markdown: str) -> str:
    """Return a student's Markdown with every tag but bare ones that show text (`<b>`, `<br>`) made to be read as text.

    A zero-width space after the `<` does it: it looks the same in prose, in code and on any renderer, and nothing
    parses it as a tag. Linear in the length.
    """

    def apart(found: re.Match[str]) -> str:
        plain = _PLAIN.match(markdown, found.start())
        return "<" if plain and plain[1].lower() in TAGS else f"<{_APART}"

    return TEX.sub(r"\\text", _OPENS.sub(apart, markdown))


class _Renderer(IPythonRenderer):
    """nbconvert's renderer, for which a picture that is not there is no reason to give up the page.

    It keeps formulas aside under marks that nobody can have typed, for MathML to stand there after the cleaning.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.mark = f"formula{secrets.token_hex(12)}n"
        self.kept: list[str] = []

    def image(self, text: str, url: str, title: str | None = None) -> str:
        """Return a picture, or its text where the attachment it names is missing."""
        try:
            return str(super().image(text, url, title))
        except Exception:
            return f"[{bleach.clean(text, tags=set())}]"

    def _aside(self, tex: str, block: bool) -> str:
        self.kept.append(formulas.mathml(tex, block))
        return f"{self.mark}{len(self.kept) - 1}e"

    def block_math(self, body: str) -> str:
        """Return the mark of a formula on lines of its own."""
        return self._aside(body, True)

    def inline_math(self, body: str) -> str:
        """Return the mark of a formula in a sentence."""
        return self._aside(body, False)

    def latex_environment(self, name: str, body: str) -> str:
        """Return the mark of a formula that is an environment."""
        return self._aside(f"\\begin{{{name}}}{body}\\end{{{name}}}", True)

    def put_back(self, html: str) -> str:
        """Return cleaned HTML with the formulas in their places."""
        return re.sub(rf"{self.mark}(\d+)e", lambda found: self.kept[int(found[1])], html)


@pass_context
def markdown2html(context: Any, source: str) -> str:
    """Return the HTML of Markdown: tags that show text and embedded pictures, no script, style or remote image.

    Formulas are MathML. Of a cell that is longer than MAX_RENDERED the rest stands below as it was typed; so does one
    that no renderer can take.
    """
    cell = context.get("cell", {}) or {}
    attachments = cell.get("attachments")
    return _rendered(source, attachments) if attachments else _of_text(source)


def shown(source: str, attachments: dict[str, Any] | None = None, deeper: int = 0) -> str:
    """Return what `markdown2html` does, headings `deeper` levels down, 6 at most."""
    html = _rendered(source, attachments) if attachments else _of_text(source)
    return re.sub(r"<(/?)h([1-6])>", lambda found: f"<{found[1]}h{min(6, int(found[2]) + deeper)}>", html)


@lru_cache(maxsize=2_000)
def _of_text(source: str) -> str:
    """The course's own cells are the same on every page."""
    return _rendered(source, {})


def _rendered(source: str, attachments: dict[str, Any]) -> str:
    head, rest = source[:MAX_RENDERED], source[MAX_RENDERED:]
    renderer = _Renderer(escape=False, attachments=attachments, embed_images=False, exclude_anchor_links=True)
    try:
        html = renderer.put_back(clean(MarkdownWithMath(renderer=renderer).render(TEX.sub(r"\\text", head))))
    except Exception:  # a RecursionError of a thousand brackets, or whatever comes
        html, rest = "", source
    return f"{html}<pre>{_as_typed(rest)}</pre>" if rest else html


def _as_typed(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def clean(html: str) -> str:
    """Return `html` with everything but harmless tags and attributes escaped."""
    cleaned: str = bleach.clean(html, tags=TAGS, attributes=_allowed, protocols={"http", "https", "mailto", "data"})
    return cleaned


def _allowed(tag: str, name: str, value: str) -> bool:
    if name == "class":
        return tag in _CLASS and _CLASS[tag].fullmatch(value) is not None
    if name == "title":
        return True
    if tag == "a" and name == "href":
        return value.startswith(("http://", "https://", "mailto:", "#"))
    if tag == "img":
        return name == "alt" or (name == "src" and PICTURE.fullmatch(value) is not None)
    return tag in ("th", "td") and name in ("align", "colspan", "rowspan")
