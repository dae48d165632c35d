"""Text of others on terminals and pages: bounded, printable, and without meaning to anybody's script."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.books import pages
from autograder.course import nbgrader_api
from lessonkit.plain_text import one_line, printable
from tests.properties import everyday


class Context(dict):
    """What jinja hands to a filter."""


def html(source, **cell):
    return pages.markdown2html(Context(cell=cell), source)


@everyday
@given(st.text(st.characters(), max_size=400))
def test_printable_text_is_bounded_and_encodes(text):
    shown = printable(text)
    assert len(shown) <= 300
    shown.encode("utf-8")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", shown)
    assert "\n" not in one_line(text)


@pytest.mark.parametrize(
    "source",
    ['<div class="full-credit">x</div>', "<button id=save>x</button>", "<b onclick=alert(1)>x</b>", '<div\nclass="full-credit"\n', "<b class=full-credit ",
     '<span class="full-credit k">x</span>', "<script>x</script>", "<!-- <b> --><img src=x onerror=y>", "`<i class=full-credit>`"],
)  # fmt: skip
def test_no_class_id_or_attribute_of_a_student_reaches_a_page(source):
    import mistune

    # formgrader under a configuration of somebody's own: raw HTML goes through
    raw = mistune.create_markdown(escape=False)(pages.harmless(source))
    for tag in re.findall(r"<[A-Za-z][^>]*>", str(raw)):
        assert not re.search(r"class|id=|on\w+=|style", tag), tag
    assert "full-credit" not in re.sub(r">[^<]*<", "><", html(source)).replace("&lt;", "")


def test_highlighted_code_keeps_its_classes_and_pictures_are_shown():
    assert 'class="' in html("```python\nx = 1\n```")
    png = "iVBORw0KGgo="
    assert f"data:image/png;base64,{png}" in html("![a](attachment:p.png)", attachments={"p.png": {"image/png": png}})
    assert "[a]" in html("![a](attachment:gone.png)")


def test_a_page_of_72_kilobytes_takes_no_seven_seconds():
    for source in ("[" * 72_000, "*a_ " * 18_000, "<b " * 24_000, "![" * 36_000, "> " * 9_000, "`" * 72_000):
        started = time.process_time()
        html(source)
        pages.harmless(source)
        assert time.process_time() - started < 5, source[:5]


def test_the_filter_is_imposed_whatever_a_root_configures(tmp_path):
    (tmp_path / "nbgrader_config.py").write_text("c = get_config()\nc.HTMLExporter.filters = {'markdown2html': 'x.y', 'own': 'a.b'}\n")
    found = nbgrader_api.config(tmp_path)
    assert found.HTMLExporter.filters == {"markdown2html": nbgrader_api.MARKDOWN_FILTER, "own": "a.b"}
