"""Text that somebody else wrote, made fit to be shown: bounded, and without a character that does more than stand there.

Everything a student can influence (names, messages, types, outputs) passes through here before a terminal, a line
of JSON or a page shows it.
"""

from __future__ import annotations

import io
import sys
import unicodedata

#: Characters of one piece of a student's text that anybody is shown.
LIMIT = 300
#: Unicode categories of characters that are not seen: controls, formats (bidi marks among them), surrogates,
#: private use, and the separators of lines and paragraphs (U+2028, U+2029).
_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")
#: The joiners of emoji and of scripts that need them are formats too, and harmless.
_HARMLESS = "\u200c\u200d"


def printable(text: str, limit: int = LIMIT, keep: str = "\n\t") -> str:
    """Return at most `limit` characters of a text, with what is not seen written as `\\x1b` or `\\u202e`.

    `keep` are the control characters that stay; `keep=""` gives one line. Linear in `limit`, whatever the length.
    """
    head = text[: limit + 1]
    if not (head.isascii() and head.isprintable()):
        head = "".join(c if c in keep or not _unseen(c) else _escaped(c) for c in head)
    return head if len(head) <= limit else head[: max(0, limit - 1)] + "…"


def one_line(text: str, limit: int = LIMIT) -> str:
    """Return a text as one printable line, its runs of blanks as one blank."""
    return printable(" ".join(text[: 4 * limit].split()), limit, keep="")


def sound(text: str, limit: int) -> str:
    """Return at most `limit` characters of a text that can be written as UTF-8: a lone surrogate becomes `?`."""
    head = text[:limit]
    return head if head.isascii() else head.encode("utf-8", "replace").decode("utf-8")


def print_what_can_be_printed() -> None:
    """Let a terminal or a pipe of an old code page show `?` for what it has no letter for, and no program die of it."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def _unseen(character: str) -> bool:
    return unicodedata.category(character) in _UNSEEN and character not in _HARMLESS


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
