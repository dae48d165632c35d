"""What a check says, as data first and as text or HTML afterwards.

Every message reads the same without colour and aloud: the outcome is a word, never only a symbol.
"""

from __future__ import annotations

import html
import textwrap
from dataclasses import dataclass, replace
from typing import Literal

from lessonkit.plain_text import printable
from lessonkit.show import prose

Outcome = Literal["pass", "not yet", "checker broke", "not checked"]

#: Characters of a line of the course's own words: help, and what to try.
_ADVICE = 1_000
#: The order in which a message speaks; each field is one labelled line.
FIELDS = ("expected", "actual", "where", "looks", "help", "try")


@dataclass(frozen=True)
class Message:
    """The result of one behaviour.

    `behaviour` is the sentence that holds or does not hold yet. `expected`, `actual`, `where` say what was
    seen; `looks` names a recognisable pattern; `help` speaks only where a known mistake was recognised;
    `try_` is a next step.
    """

    outcome: Outcome
    behaviour: str
    expected: str = ""
    actual: str = ""
    where: str = ""
    looks: str = ""
    help: str = ""
    try_: str = ""

    def fields(self) -> list[tuple[str, str]]:
        """Return the labelled lines that have something to say, in reading order.

        What was seen may hold a student's own words: here it is bounded and made printable, for every place that
        shows it.
        """
        seen = (printable(text) for text in (self.expected, self.actual, self.where, self.looks))
        values = (*seen, *(printable(text, _ADVICE) for text in (self.help, self.try_)))
        return [(label, value) for label, value in zip(FIELDS, values, strict=True) if value]


def with_next_step(message: Message, exercise: str = "") -> Message:
    """Return a message of something that does not hold with a next step, where it has none.

    `exercise` is named where it has hints.
    """
    if message.try_ or message.outcome != "not yet":
        return message
    if message.help:
        return replace(message, try_="change that, run your cell, then this one again")
    raised = message.actual.partition(":")[0].endswith(("Error", "Exception"))
    step = "make the call in a cell of your own" + (
        ": the full error says in which line it is" if raised else " and print what comes out"
    )
    return replace(message, try_=step + (f'; `hint("{exercise}")` says where to look' if exercise else ""))


def to_text(title: str, messages: list[Message], width: int = 100) -> str:
    """Render messages for a terminal or a plain-text output: no colour, no symbol that has to be seen."""
    lines = [title] if title else []
    for message in messages:
        lines.append(f"{message.outcome:<11} {message.behaviour}")
        for label, value in message.fields():
            wrapped = textwrap.wrap(value, width - 16, break_long_words=False) or [""]
            lines.append(f"    {label:<10}{wrapped[0]}")
            lines.extend(" " * 14 + more for more in wrapped[1:])
    return "\n".join(lines)


_STYLE = {
    "pass": ("#0072B2", "&#10003;"),
    "not yet": ("#D55E00", "&#9675;"),
    "checker broke": ("#CC79A7", "!"),
    "not checked": ("#767676", "&hellip;"),
}


def _value(label: str, value: str) -> str:
    """Return a field's value as HTML: what was seen stays as it is, advice may name code between backticks."""
    return prose(value) if label in ("help", "try") else html.escape(value)


def to_html(title: str, messages: list[Message], note: str = "") -> str:
    """Render messages for a notebook: works in light and dark themes, and reads in order for a screen reader.

    `note` is a small line under all of them.
    """
    rows = []
    for message in messages:
        colour, mark = _STYLE[message.outcome]
        details = "".join(
            f'<div style="margin-left:1.5em"><span style="display:inline-block;min-width:5em;opacity:.75">'
            f'{label}</span> <span style="white-space:pre-wrap">{_value(label, value)}</span></div>'
            for label, value in message.fields()
        )
        rows.append(
            f'<div style="margin:.2em 0;border-left:.3em solid {colour};padding-left:.6em">'
            f'<span aria-hidden="true" style="color:{colour}">{mark}</span> <b>{message.outcome}</b> '
            f"{html.escape(message.behaviour)}{details}</div>"
        )
    head = f'<div style="font-weight:600">{html.escape(title)}</div>' if title else ""
    tail = f'<div style="opacity:.75;margin-left:1em">{html.escape(note)}</div>' if note else ""
    return f'<div role="status" style="font-size:.95em;line-height:1.45">{head}{"".join(rows)}{tail}</div>'
