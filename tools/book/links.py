"""Where one page of the book points to another: chapters, exercises, and the pages of docs/."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import PurePosixPath

#: Code, formulas and links that a text already has: nothing in them is turned into a link.
_LEAVE = re.compile(r"(```.*?```|`[^`\n]*`|\$\$.*?\$\$|\$[^$\n]+\$|\[[^\]]*\]\([^)]*\)|^#[^\n]*$)", re.DOTALL | re.MULTILINE)
#: "chapter 7" and "chapters 7", but neither "chapter 5.3" nor a chapter of a book whose title ends before it.
_CHAPTER = re.compile(r"(?<!\*, )\b([Cc]hapters?) (\d+)\b(?!\.\d)")
_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([\w./-]+\.md|[\w./-]+)(#[\w-]+)?\)")
_NAME = re.compile(r"`(\d\d_\w+)`")


@dataclass(frozen=True)
class Links:
    """The chapters of a book by number, and the address of its repository, '' where none is known."""

    chapters: dict[int, str]
    repository: str = ""
    #: pages of the book that come from a file of the repository: its path -> the page's, without its ending
    pages: dict[str, str] = field(default_factory=dict)

    def to_chapters(self, text: str, own: str = "", up: str = "") -> str:
        """Return Markdown in which "chapter 7" and `07_module` are links; `own` is the page's own chapter."""
        text = _NAME.sub(lambda m: self._chapter(m[0], m[1], own, up), text)
        return _outside(text, lambda part: _CHAPTER.sub(lambda m: self._numbered(m, own, up), part))

    def _numbered(self, match: re.Match[str], own: str, up: str) -> str:
        return self._chapter(match[0], self.chapters.get(int(match[2]), ""), own, up)

    def _chapter(self, shown: str, name: str, own: str, up: str) -> str:
        return f"[{shown}]({up}{name}.ipynb)" if name in self.chapters.values() and name != own else shown

    def of_document(self, text: str, path: str) -> str:
        """Return a document's Markdown with its relative links turned to pages of the book, or to the repository.

        A link to what is neither a page nor, for want of a repository, anywhere to be had, stays as its words.
        """
        def turned(match: re.Match[str]) -> str:
            words, target, anchor = match[1], match[2], match[3] or ""
            there = str(_normal(PurePosixPath(path).parent / target))
            if there in self.pages:
                return f"[{words}](/{self.pages[there]}.md{anchor})"
            return f"[{words}]({self.repository}/blob/main/{there}{anchor})" if self.repository else words

        return _LINK.sub(turned, text)


def _normal(path: PurePosixPath) -> PurePosixPath:
    parts: list[str] = []
    for part in path.parts:
        if part == "..":
            parts = parts[:-1]
        elif part != ".":
            parts.append(part)
    return PurePosixPath(*parts)


def _outside(text: str, change: Callable[[str], str]) -> str:
    """Change what stands outside of code, formulas, headings and links."""
    pieces = _LEAVE.split(text)
    return "".join(piece if number % 2 else change(piece) for number, piece in enumerate(pieces))
