from contextlib import ExitStack
from pathlib import Path

import pytest

from autograder import chapter as ch
from autograder.rehearse import Rehearsal, warm

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def rehearse(tmp_path_factory):
    """Return a function from a chapter to its rehearsal; chapters that want the same share a warm template."""
    rehearsals, templates = {}, {}
    # one folder for all workers of a run, so that the records of a known mistake are made once
    own = tmp_path_factory.getbasetemp()
    records = (own.parent if own.name.startswith("popen-") else own) / "records"
    with ExitStack() as open_templates:

        def get(chapter):
            if chapter not in rehearsals:
                preload = ch.Chapter(ROOT, chapter).preload
                if preload not in templates:
                    templates[preload] = open_templates.enter_context(warm(preload))
                rehearsals[chapter] = Rehearsal(ROOT, chapter, templates[preload], records)
            return rehearsals[chapter]

        yield get
