"""Lay out what Sphinx reads and have it built: chapters, the pages of docs/, a front page, an index of concepts."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from autograder.course import chapter as ch
from autograder.errors import AutograderError
from tools.book import page, pictures
from tools.book.links import Links

HERE = Path(__file__).resolve().parent
#: Pages of the repository that stand in the book, under the heading of whom they are for.
DOCUMENTS = {
    "For learners": ["docs/learners.md", "docs/glossary.md"],
    "For instructors": ["docs/instructors.md", "docs/jupyterhub.md", "docs/security.md"],
    "For operators": ["docs/operators.md", "docs/scaling.md"],
    "For authors": ["docs/authors.md", "CONTRIBUTING.md", "STYLE.md"],
    "Reference": ["docs/reference-course.md", "docs/reference-autograder.md", "docs/reference-lessonkit.md", "docs/architecture.md"],
    "The project": ["docs/peers.md", "CHANGELOG.md", "CODE_OF_CONDUCT.md", "SECURITY.md"],
}
_CONCEPTS = re.compile(r"<!-- concepts -->\n(.*?)<!-- /concepts -->", re.DOTALL)


@dataclass
class Site:
    """A course root whose book is to be made, and where its parts go."""

    root: Path
    work: Path
    repository: str = ""
    chapters: list[str] = field(default_factory=list)

    @property
    def text(self) -> Path:
        """Return the folder that Sphinx reads."""
        return self.work / "text"

    def lay_out(self) -> None:
        """Write everything that Sphinx reads; run chapters whose pictures are not there yet."""
        shutil.rmtree(self.text, ignore_errors=True)
        (self.text / "_static").mkdir(parents=True)
        names = self.chapters or ch.names(self.root, "release")
        documents = self._documents()
        links = Links({int(name[:2]): name for name in names if name[:2].isdigit()}, self.repository, documents)
        chapters = [ch.Chapter(self.root, name) for name in names]
        for chapter in chapters:
            self._chapter(chapter, links)
        for path, where in documents.items():
            text = (self.root / path).read_text(encoding="utf-8")
            self._write(f"{where}.md", links.of_document(_for_everybody(text), path))
        self._write("concepts.md", self._concepts(chapters, links))
        self._write("index.md", self._front(chapters, links))
        shutil.copy(HERE / "book.css", self.text / "_static" / "book.css")
        shutil.copytree(HERE / "templates", self.text / "_templates")
        shutil.copytree(HERE / "fonts", self.text / "_static" / "fonts")
        shutil.copy(HERE / "conf.py", self.text / "conf.py")
        self._write("book.json", json.dumps(self._settings(chapters)))
        if (self.root / "docs" / "pictures").is_dir():
            shutil.copytree(self.root / "docs" / "pictures", self.text / "docs" / "pictures")

    def _settings(self, chapters: list[ch.Chapter]) -> dict[str, object]:
        name = chapters[0].course.name
        own = Path(ch.__file__).resolve().parents[2]
        return {"name": name, "author": f"The authors of {name}", "repository": self.repository, "import_from": [str(own)]}

    def _chapter(self, chapter: ch.Chapter, links: Links) -> None:
        shown, folder = pictures.shown(chapter, self.work / "pictures")
        target = self.text / "_static" / "pictures" / chapter.name
        target.mkdir(parents=True)
        for picture in folder.glob("*.webp"):
            shutil.copy(picture, target / picture.name)
        page.copy_notebook(chapter, self.text / "notebooks")
        made = page.page(chapter, shown, links)
        self._write(f"chapters/{chapter.name}.ipynb", nbformat.writes(made))

    def _documents(self) -> dict[str, str]:
        there = [path for paths in DOCUMENTS.values() for path in paths if (self.root / path).is_file()]
        return {path: f"docs/{Path(path).stem.lower()}" for path in there}

    def _concepts(self, chapters: list[ch.Chapter], links: Links) -> str:
        """Return the index: the README's table of concepts, each linked to the exercises that grade it, and all exercises."""
        known = sorted((name, chapter.name) for chapter in chapters for name in page.exercises(chapter))
        lines = ["# Index of concepts", ""]
        readme = self.root / "README.md"
        if readme.is_file() and (found := _CONCEPTS.search(readme.read_text(encoding="utf-8"))):
            rows = [[cell.strip() for cell in row.strip("|").split("|")] for row in found[1].strip().split("\n")[2:]]
            lines += ["What is taught, by its name, and where it is graded.", "", "| concept | chapter | exercises |", "|---|---|---|"]
            for concept, numbers, exercises in sorted(rows, key=lambda row: row[0].strip("`*").lower()):
                lines.append(f"| {concept} | {_linked_numbers(numbers, links)} | {_linked_exercises(exercises, _of(known, numbers))} |")
        lines += ["", "## Every exercise", "", "| exercise | chapter |", "|---|---|"]
        lines += [f"| {_linked_exercises(f'`{name}`', {name: of})} | {links.to_chapters(f'`{of}`', up='chapters/')} |" for name, of in known]
        return "\n".join(lines) + "\n"

    def _front(self, chapters: list[ch.Chapter], links: Links) -> str:
        front = self.root / "docs" / "front.md"
        text = front.read_text(encoding="utf-8") if front.is_file() else f"# {chapters[0].course.name}\n"
        text = links.to_chapters(links.of_document(text, "docs/front.md"), up="chapters/")
        parts = [text, _toctree("Chapters", [f"chapters/{chapter.name}" for chapter in chapters])]
        for heading, paths in DOCUMENTS.items():
            pages = [links.pages[path] for path in paths if path in links.pages] + (["concepts"] if heading == "For learners" else [])
            if pages:
                parts.append(_toctree(heading, pages))
        return "\n".join(parts)

    def _write(self, name: str, text: str) -> None:
        path = self.text / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def build(self, target: Path) -> None:
        """Have Sphinx build the site into `target`; its warnings are errors. Raises AutograderError."""
        made = self.work / "site" / "html"  # a folder of its own: MyST-NB writes beside what it is told to write
        shutil.rmtree(made.parent, ignore_errors=True)
        command = [sys.executable, "-m", "sphinx", "-b", "html", "-q", "-W", "--keep-going", "-d", str(self.work / "doctrees"), str(self.text), str(made)]
        if subprocess.run(command, check=False, env=dict(os.environ) | {"PYTHONWARNINGS": "ignore"}).returncode:
            raise AutograderError(f"Sphinx would not build the book: mend the pages named above (they lie in {self.text}), then run `make book` again.")
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(made, target, ignore=shutil.ignore_patterns(".buildinfo", "objects.inv", "_sources"))


def _for_everybody(text: str) -> str:
    """Return a document without the marks that tests and tools look for."""
    return re.sub(r"<!--.*?-->\n?", "", text, flags=re.DOTALL)


def _toctree(caption: str, pages: list[str]) -> str:
    return "\n".join(["```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```", ""])


def _linked_numbers(numbers: str, links: Links) -> str:
    names = [(number.strip(), links.chapters.get(int(number))) for number in numbers.split(",")]
    return ", ".join(f"[{number}](chapters/{name}.ipynb)" if name else number for number, name in names)


def _of(known: list[tuple[str, str]], numbers: str) -> dict[str, str]:
    """Return exercise -> chapter, that of one of these numbers where several have an exercise of the name."""
    wanted = {number.strip() for number in numbers.split(",")}
    return dict(sorted(known, key=lambda one: one[1][:2] in wanted))


def _linked_exercises(text: str, known: dict[str, str]) -> str:
    return re.sub(r"`(\w+)`", lambda m: f"[{m[0]}](#{page.label(known[m[1]], m[1])})" if m[1] in known else m[0], text)
