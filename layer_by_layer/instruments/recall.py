"""Questions on earlier chapters: what the student typed beside what running gives. No points, nothing is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from lessonkit import show


def compare_guesses(guesses: list[object], answers: dict[str, Callable[[], object]]) -> None:
    """Show each question with the guess and with what running it gives.

    `guesses` stand in the order of the questions; `...` or a missing one is shown as an open one. `answers` maps
    the question's short form to a function that runs it.
    """
    given = [*guesses, *[...] * len(answers)]
    rows = [
        (question, "(no guess yet)" if guess is ... else str(guess), str(run()))
        for guess, (question, run) in zip(given, answers.items(), strict=False)
    ]
    text = "\n".join(f"{question}\n    your guess: {guess}\n    it gives:   {found}" for question, guess, found in rows)
    cells = "".join(
        f"<tr><td>{show.prose(question)}</td><td>{show.prose(guess)}</td><td>{show.prose(found)}</td></tr>"
        for question, guess, found in rows
    )
    head = "<tr><th>question</th><th>your guess</th><th>it gives</th></tr>"
    show.show(text, f"<table>{head}{cells}</table>")


def side_by_side(expected: Mapping[str, object], found: Mapping[str, object]) -> None:
    """Show each question of `found` with its answer, beside what `expected` says of it."""
    compare_guesses([expected.get(question, ...) for question in found], {q: partial(_same, v) for q, v in found.items()})


def _same(value: object) -> object:
    return value
