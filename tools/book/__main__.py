"""`python -m tools.book`: build the book of a course root into a folder of pages, and see that no answer is in it."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from autograder.course import chapter as ch
from tools.book import audit
from tools.book.site import Site


@click.command()
@click.argument("chapters", nargs=-1)
@click.option("--root", type=click.Path(path_type=Path, file_okay=False, exists=True), default=Path("."))
@click.option("--to", "target", type=click.Path(path_type=Path, file_okay=False), default=Path("book"), show_default=True)
@click.option("--work", type=click.Path(path_type=Path, file_okay=False), default=Path(".book"), show_default=True)
@click.option(
    "--repository", default=lambda: os.environ.get("BOOK_REPOSITORY", ""),
    help="Address of the repository: pages then link to it, to Binder and to Colab.  [default: $BOOK_REPOSITORY]",
)
def main(chapters: tuple[str, ...], root: Path, target: Path, work: Path, repository: str) -> None:
    """Build the book: all chapters, or only those named."""
    names = [ch.resolve(root, name, "release") for name in chapters]
    site = Site(root, work, repository.rstrip("/"), names)
    site.lay_out()
    site.build(target)
    found = audit.leaks(root, target)
    for line in found:
        click.echo(line, err=True)
    if found:
        click.echo(f"{len(found)} line(s) of answers stand in {target}: it is not fit to be shown. Remove it: rm -r {target}", err=True)
        sys.exit(1)
    click.echo(f"wrote {target / 'index.html'}: open it, or serve the folder with `python -m http.server -d {target}`")


if __name__ == "__main__":
    main()
