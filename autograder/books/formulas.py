"""TeX formulas as MathML, which browsers show and read aloud without a script and without a network."""

from __future__ import annotations

import html
from functools import lru_cache
from xml.etree.ElementTree import Element, tostring

#: Characters of one formula that are turned into MathML; a longer one is shown as it was typed.
MAX_TEX = 4_000
_TAGS = frozenset(
    ["math", "mrow", "mi", "mo", "mn", "mtext", "ms", "mfrac", "msqrt", "mroot", "msub", "msup", "msubsup", "munder", "mover", "munderover", "mmultiscripts", "mprescripts", "mtable", "mtr", "mtd", "mspace", "mstyle", "mphantom", "menclose"]
)
_ATTRIBUTES = frozenset(
    ["xmlns", "display", "displaystyle", "scriptlevel", "stretchy", "fence", "form", "separator", "minsize", "maxsize", "symmetric", "largeop", "movablelimits", "accent", "accentunder", "linethickness", "mathvariant", "columnalign", "columnspacing", "rowspacing", "columnlines", "rowlines", "width", "height", "depth", "voffset", "lspace", "rspace", "notation"]
)


@lru_cache(maxsize=5_000)
def mathml(tex: str, block: bool) -> str:
    """Return a formula as a `<math>` element with the TeX as its text alternative; what cannot be read, as it was typed."""
    from latex2mathml.converter import convert_to_element

    try:
        if len(tex) > MAX_TEX:
            raise ValueError("too long")
        found = convert_to_element(tex.strip(), display="block" if block else "inline")
        _tidy(found)
    except Exception:  # the converter's own dozen of kinds, and RecursionError: a formula is no reason to lose the page
        return f"<code>{html.escape(tex)}</code>"
    found.set("alttext", tex.strip())
    return tostring(found, encoding="unicode")


def _tidy(element: Element) -> None:
    """Keep the tags and attributes of plain MathML; the text may hold anything and is escaped when it is written."""
    for part in element.iter():
        if part.tag not in _TAGS:  # mpadded, too: browsers read its "+0.833em" as a width, and neighbours overlap
            part.tag, part.attrib = "mrow", {}
        for name in set(part.attrib) - _ATTRIBUTES:
            del part.attrib[name]
        part.text = html.unescape(part.text) if part.text else part.text
