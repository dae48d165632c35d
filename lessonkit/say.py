"""What an exception says, fit to be read."""

from __future__ import annotations

import re

LIMIT = 260


def error(raised: BaseException) -> str:
    """Return the type of an exception and its text, without colour codes."""
    try:
        text = clean(str(raised))
    except Exception:
        text = ""
    name = type(raised).__name__[:80]
    return f"{name}: {text}" if text else name


def clean(text: str, limit: int = LIMIT) -> str:
    """Return a text from elsewhere without colour codes; what is too long is cut at a word, and says so."""
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r", "").strip()
    if len(plain) <= limit:
        return plain
    head = plain[:limit]
    return f"{head.rsplit(None, 1)[0] if any(c.isspace() for c in head) else head} … (cut here)"
