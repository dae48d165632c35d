"""The errors that the tool shows: what was found, what was expected, and the next command to type."""

from __future__ import annotations

import difflib
from pathlib import Path

import click

from lessonkit.plain_text import printable


class AutograderError(click.ClickException):
    """The work failed; exit code 1."""

    exit_code = 1

    def format_message(self) -> str:
        """Return the text as a terminal may show it: names of files and students are part of many."""
        return printable(self.message, 20_000)


class UnknownExercise(click.UsageError):
    """A chapter has no exercise of that name."""

    def __init__(self, name: str, chapter: str, exercises: list[str]) -> None:
        near = difflib.get_close_matches(name, exercises, n=1)
        guess = f" Did you mean {near[0]!r}?" if near else f" It has: {', '.join(exercises)}."
        super().__init__(f"no exercise {name!r} in {chapter}.{guess}")


class UnknownChapter(click.UsageError):
    """No chapter has that name or unique prefix."""

    def __init__(self, name: str, chapters: list[str], where: Path) -> None:
        near = difflib.get_close_matches(name, chapters, n=1, cutoff=0.4)
        fits = [chapter for chapter in chapters if chapter.startswith(name)]
        if len(fits) > 1:
            text = f"{name!r} fits several chapters: {', '.join(fits)}. Type a longer prefix."
        elif not chapters:
            text = f"there is no chapter in {where}. Type `autograder build` in the course's folder, or name it with --root."
        else:
            guess = f" Did you mean {near[0]!r}?" if near else f" There are: {', '.join(chapters)}."
            text = f"no chapter {name!r} in {where}.{guess}"
        super().__init__(text)


class StaleBuild(AutograderError):
    """Built files do not match their source text."""

    def __init__(self, stale: list[tuple[Path, str]]) -> None:
        lines = [f"{path} is out of date. Run `autograder build {chapter}`." for path, chapter in stale]
        super().__init__("\n".join(lines))


class EditedSource(AutograderError):
    """A source notebook holds edits that are not in the text."""

    def __init__(self, path: Path, chapter: str) -> None:
        super().__init__(
            f"{path} was edited after the last build. Keep the edits: `autograder pull {chapter}`. "
            f"Discard them: `autograder build {chapter} --force`."
        )


class LintFailed(AutograderError):
    """A chapter breaks rules of the course."""

    def __init__(self, findings: list[str]) -> None:
        super().__init__(
            "\n".join(
                [*findings, f"{len(findings)} finding(s). Mend the text, then `autograder build` again."]
            )
        )


class BadNotebook(AutograderError):
    """A notebook could not be read; `reason` is one line for a report."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class BadSettings(AutograderError):
    """A settings file says something it cannot say."""

    def __init__(self, path: Path, key: str, what: str) -> None:
        super().__init__(f"{path}: {f'`{key}`: ' if key else ''}{what}. Mend it, then run the command again.")


class NoSandbox(AutograderError):
    """Grading others' code was asked for on a machine that cannot isolate it."""

    def __init__(self, found: str) -> None:
        super().__init__(
            f"no sandbox here ({found}). Grading runs other people's code: mend that and look at `autograder doctor`, "
            "or, for code that you trust or in a container that is a wall itself, add `--i-trust-these-students`."
        )


class NoScheduler(AutograderError):
    """Grading with Dask was asked for, and no scheduler answers."""

    def __init__(self, address: str, found: str) -> None:
        super().__init__(
            f"no Dask scheduler answers at {address!r} ({found}). Give one as tcp://HOST:PORT, as `dask scheduler` prints it when it "
            "starts, or leave --scheduler out for workers on this machine."
        )


class GotOut(AutograderError):
    """A canary got through the wall: nobody's code is run behind it."""

    def __init__(self, found: str) -> None:
        super().__init__(f"{found}. Run `autograder doctor` to see each canary.")


class NothingHandedIn(AutograderError):
    """No folder of `submitted/` holds anything for the chapter."""

    def __init__(self, expected: Path) -> None:
        super().__init__(f"nothing to grade: expected notebooks at {expected}. Run `autograder collect ARCHIVE`.")


class BadGradebook(AutograderError):
    """The gradebook cannot be read: no score may change, because nobody knows what it was."""

    def __init__(self, where: str, found: str, backup: Path | None) -> None:
        if "locked" in found or "I/O" in found:
            cure = "Another program holds it, or it lies on a network drive: close that, or use a local disk or PostgreSQL"
        elif "a folder" in found:
            cure = f"Move it away: mv {where} {where}.old"
        elif backup is not None:
            cure = f"Put the newest copy back: cp {backup} {where}"
        else:
            cure = f"Put your own copy back, or let a new one be made: mv {where} {where}.old"
        super().__init__(f"{where}: the gradebook cannot be read: {found}. No score was changed. {cure}. Then run the command again.")


def cannot_write(path: Path, error: OSError, command: str) -> AutograderError:
    """Return the error for a file that could not be written: full disk, read-only folder, missing right."""
    return AutograderError(
        f"could not write {path}: {error.strerror or error}. Nothing was lost; make room or change the folder's "
        f"rights, then run `{command}` again."
    )
