"""The book's machinery on a small chapter: its text, stubs, visible checks and pictures, and nothing of its answers."""

from __future__ import annotations

import re
import shutil

import pytest

from autograder.author import build
from autograder.course import chapter as ch
from tests.unit.conftest import NAME, TINY

pytest.importorskip("myst_nb", reason="the book's extra is not installed: pip install -e '.[book]'")

from tools.book import audit, page, pictures
from tools.book.links import Links
from tools.book.site import Site

MORE = '''
# %% [markdown]
r"""
**What chapter 1 is good for**, and `01_spread`: $a < b$ and

$$\\frac{1}{n}\\sum_i x_i$$
"""

# %% tags=["picture"]
from lessonkit import plot

plot.curves({"loss": [2.0, 1.0, 0.5]}, alt="the loss falls from 2 to 0.5 over 3 steps")
print("three steps of", middle([1, 2, 3]))

# %%
print("you said ?; it is", 4)
'''


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    """Return the root of a small course, the folder of its book, and the built page of its chapter."""
    root = tmp_path_factory.mktemp("book") / "course"
    shutil.copytree(TINY, root)
    text = root / "course" / NAME / f"{NAME}.py"
    text.write_text(text.read_text(encoding="utf-8") + MORE, encoding="utf-8")
    (root / "docs").mkdir()
    (root / "docs" / "learners.md").write_text("# Alone\n\nSee [style](../STYLE.md) and [the words](glossary.md).\n", encoding="utf-8")
    (root / "docs" / "glossary.md").write_text("# Words\n\n| here | there |\n|---|---|\n| box | module |\n", encoding="utf-8")
    build.build(root, [NAME])
    site = Site(root, root / ".book")
    site.lay_out()
    site.build(root / "book")
    return root, root / "book", (root / "book" / "chapters" / f"{NAME}.html").read_text(encoding="utf-8")


def text_of(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", page))


def test_a_page_has_the_statement_the_stub_and_the_visible_checks(book):
    _, _, built = book
    text = text_of(built)
    assert "the middle one of the sorted list" in text
    assert "raise NotImplementedError" in text
    assert "of three numbers in no order it is the one between" in text
    assert "The check middle__values, 2 points" in text


def test_no_line_of_a_solution_or_a_hidden_test_stands_in_any_file(book):
    root, built, _ = book
    secret = audit.needles(root)
    assert any("ordered[half]" in line for line in secret)
    assert any("onenumberisitsownmiddle" in line for line in secret)
    assert audit.leaks(root, built) == []


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("a.html", "<p>return <b>(ordered[half - 1]</b> + ordered[half]) / 2</p>"),
        ("a.html", "<pre>check.close(&quot;one number is its own middle&quot;, lambda: float(middle([7])), expected=7.0)</pre>"),
        ("a.json", '["check.close(\\"one number is its own middle\\", lambda: float(middle([7])), expected=7.0)\\n"]'),
    ],
)
def test_an_answer_is_found_in_whatever_markup(book, tmp_path, file, told):
    (tmp_path / file).write_text(told, encoding="utf-8")
    assert len(audit.leaks(book[0], tmp_path)) == 1


def test_pictures_come_from_the_reference_with_their_alt_text(book):
    _, built, page_text = book
    image = re.search(r'<img src="([^"]+)" alt="the loss falls from 2 to 0.5 over 3 steps"', page_text)
    assert image
    assert (built / "chapters" / image[1]).resolve().is_file()
    assert "three steps of 2" in text_of(page_text)


def test_a_chapter_that_did_not_change_is_not_run_again(book, monkeypatch):
    root, _, _ = book
    monkeypatch.setattr(pictures, "run", lambda chapter: pytest.fail("it ran again"))
    shown, _ = pictures.shown(ch.Chapter(root, NAME), root / ".book" / "pictures")
    assert any(one.picture for several in shown.values() for one in several)


def test_formulas_and_pages_need_no_network_and_no_script(book):
    _, built, text = book
    assert '<math xmlns="http://www.w3.org/1998/Math/MathML" display="block"' in text
    for path in built.rglob("*.html"):
        assert not re.findall(r'<(?:script|link|img)[^>]+(?:src|href)="https?://[^"]+"', path.read_text(encoding="utf-8")), path


def test_what_a_question_s_cell_prints_is_folded(book):
    folded = re.findall(r"<details class=[^>]*below-input.*?</details>", book[2], re.DOTALL)
    assert any("it is 4" in text_of(one) for one in folded)


def test_documents_stand_in_the_book_and_link_to_each_other(book):
    _, built, _ = book
    learners = (built / "docs" / "learners.html").read_text(encoding="utf-8")
    assert 'href="glossary.html"' in learners
    assert "STYLE.md" not in learners  # it is no page of this book, and no repository is known


def test_chapters_are_links_and_other_books_chapters_are_not():
    links = Links({1: "01_a", 2: "02_b"})
    assert links.to_chapters("see chapter 2, not chapter 9", own="01_a") == "see [chapter 2](02_b.ipynb), not chapter 9"
    assert links.to_chapters("`02_b` and chapter 1", own="01_a") == "[`02_b`](02_b.ipynb) and chapter 1"
    assert links.to_chapters("# chapter 2\n\nsee chapter 2") == "# chapter 2\n\nsee [chapter 2](02_b.ipynb)"
    for left in ("*A Book*, chapter 2", "`chapter 2`", "chapter 2.3", "# chapter 2", "$x$ [chapter 2](x.md)"):
        assert links.to_chapters(left) == left


def test_binder_and_colab_are_named_where_the_repository_is_known(book):
    root, _, _ = book
    chapter = ch.Chapter(root, NAME)
    made = page.page(chapter, {}, Links({1: NAME}, "https://github.com/owner/name"))
    assert f"https://colab.research.google.com/github/owner/name/blob/main/release/{NAME}/{NAME}.ipynb" in made.cells[0].source
    assert "https://mybinder.org/v2/gh/owner/name/main?urlpath=lab/tree/release" in made.cells[0].source


def test_a_chapter_runs_again_where_what_it_draws_with_changed_and_not_where_a_check_did(book):
    root, _, _ = book
    chapter = ch.Chapter(root, NAME)
    before = pictures._key(chapter)
    next(cell for cell in chapter.source.cells if ch.is_test(cell)).source += "\n# another check"
    assert pictures._key(chapter) == before
    part = root / "tiny_stats" / "__init__.py"
    kept = part.read_text(encoding="utf-8")
    part.write_text(kept + "\n# another part\n", encoding="utf-8")
    assert pictures._key(chapter) != before
    part.write_text(kept, encoding="utf-8")
