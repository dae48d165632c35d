from pathlib import Path

import pytest

from autograder.author.rehearse import Rehearsal, warm
from autograder.author.trials import Trials
from autograder.course import chapter as ch

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def trials():
    """Return what tries chapters' named solutions at the desk and as graded; what is known is kept under its content."""
    with Trials(ROOT, ROOT / ".autograder" / "rehearsal", jobs=1) as made:
        yield made


@pytest.fixture(scope="session")
def rehearse(tmp_path_factory):
    """Return a function from a chapter's name to its rehearsal."""
    rehearsals = {}
    # one folder for all workers of a run, so that the records of a known mistake are made once
    own = tmp_path_factory.getbasetemp()
    records = (own.parent if own.name.startswith("popen-") else own) / "records"
    with warm() as template_of:

        def get(chapter):
            if chapter not in rehearsals:
                rehearsals[chapter] = Rehearsal(ROOT, chapter, template_of(ch.Chapter(ROOT, chapter)), records)
            return rehearsals[chapter]

        yield get
