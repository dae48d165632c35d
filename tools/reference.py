"""Write the pages of reference in docs/ from the commands' help and from docstrings: `python -m tools.reference`."""

from __future__ import annotations

import importlib
import inspect
import re
from pathlib import Path

import click

DOCS = Path(__file__).resolve().parents[1] / "docs"
#: What notebooks import, in the order in which an author meets it.
MODULES = ("check", "hints", "plot", "train", "ranks", "show")
#: A postponed annotation as `inspect` writes it, in quotes.
_ANNOTATION = re.compile(r"(: |-> )'([^']*)'")
#: A default that only says that nothing was given.
_SENTINEL = re.compile(r"<object object at \w+>")
_MADE = "Made from the program's own help by `python -m tools.reference`; a test holds it true."


def _rehearse() -> click.Command:
    from autograder.author.rehearse import main

    return main


def _mutate() -> click.Command:
    from autograder.author.mutate import main

    return main


#: Verbs that hand their words on to another command, whose options are theirs.
_PASSED_ON = {"autograder dev rehearse": _rehearse, "autograder dev mutate": _mutate}


def command_page(command: click.Command, name: str, what: str) -> str:
    """Return the page of a command: a section for each verb with its arguments and options."""
    lines = [f"# The command `{name}`", "", what, "", _MADE, ""]
    for words, verb in _verbs(command, name):
        lines += [f"## `{words}`", "", "```", _usage(verb, words), "```", "", _help(verb), ""]
        options = [one for one in verb.params if isinstance(one, click.Option) and not one.hidden]
        if options:
            lines += ["| option | what it does |", "|---|---|", *(_option(one) for one in options), ""]
    return "\n".join(lines).rstrip() + "\n"


def _verbs(command: click.Command, words: str) -> list[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        return [(words, _PASSED_ON[words]() if words in _PASSED_ON else command)]
    own = [(words, command)] if command.invoke_without_command else []
    return own + [one for name in sorted(command.commands) for one in _verbs(command.commands[name], f"{words} {name}")]


def _usage(verb: click.Command, words: str) -> str:
    pieces = verb.collect_usage_pieces(click.Context(verb, info_name=words))
    return " ".join([words, *pieces])


def _help(verb: click.Command) -> str:
    return inspect.cleandoc(verb.help or "").replace("\b", "").strip()


def _option(option: click.Option) -> str:
    context = click.Context(click.Command("any", params=[option]))
    shown = option.get_help_record(context)
    names, text = shown or ("", "")
    text = " ".join(text.split()).replace("|", "\\|")
    return f"| `{names}` | {text} |"


def kit_page() -> str:
    """Return the page of lessonkit: each module that notebooks import, its functions with signature and docstring."""
    lines = ["# `lessonkit`, for notebooks", "", "What any course's cells import.", "", _MADE.replace("program's own help", "docstrings"), ""]
    for name in MODULES:
        module = importlib.import_module(f"lessonkit.{name}")
        lines += [f"## `lessonkit.{name}`", "", *_prose(inspect.getdoc(module) or ""), ""]
        for shown, thing in _public(module):
            lines += [f"### `{name}.{shown}`", "", "```python", f"{shown}{_signature(thing)}", "```", "", *_prose(inspect.getdoc(thing) or ""), ""]
    return "\n".join(lines).rstrip() + "\n"


def _public(module: object) -> list[tuple[str, object]]:
    named = getattr(module, "__all__", None) or [n for n in vars(module) if not n.startswith("_")]
    found = [(name, getattr(module, name)) for name in named]
    own = module.__name__  # type: ignore[attr-defined]
    return [(n, t) for n, t in found if (inspect.isfunction(t) or inspect.isclass(t)) and ("__all__" in vars(module) or t.__module__ == own)]


def _signature(thing: object) -> str:
    try:
        return _ANNOTATION.sub(r"\1\2", _SENTINEL.sub("...", str(inspect.signature(thing)))) if callable(thing) else ""
    except ValueError:  # an exception's class has none of its own
        return ""


def _prose(text: str) -> list[str]:
    """Return a docstring as Markdown: what is indented is an example, and stands as code."""
    lines: list[str] = []
    inside = False
    for line in inspect.cleandoc(text).split("\n"):
        code = line.startswith("    ") or (inside and not line.strip())
        if code and not inside:
            lines = [*_without_blank_end(lines), "", "```python"]
        if inside and not code:
            lines = [*_without_blank_end(lines), "```", ""]
        inside = code
        lines.append(line.removeprefix("    ") if code else line)
    return [*_without_blank_end(lines), "```"] if inside else lines


def _without_blank_end(lines: list[str]) -> list[str]:
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    return lines


def pages() -> dict[str, str]:
    """Return every page of reference by its file's name."""
    from autograder.cli import main as autograder
    from lessonkit.learner.cli import main as course

    return {
        "reference-autograder.md": command_page(autograder, "autograder", "For instructors and authors. Every verb takes `-h`."),
        "reference-course.md": command_page(course, "course", "For learners, in a folder that `course start` made. Every verb takes `-h`."),
        "reference-lessonkit.md": kit_page(),
    }


if __name__ == "__main__":
    for file, text in pages().items():
        (DOCS / file).write_text(text, encoding="utf-8")
        print(f"wrote {DOCS / file}")
