from pathlib import Path

import pytest

from autograder.rehearse import Rehearsal, warm

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def template():
    with warm() as made:
        yield made


@pytest.fixture(scope="session")
def rehearse(template, tmp_path_factory):
    made = {}
    # one folder for all workers of a run, so that the records of a known mistake are made once
    own = tmp_path_factory.getbasetemp()
    records = (own.parent if own.name.startswith("popen-") else own) / "records"

    def get(chapter):
        if chapter not in made:
            made[chapter] = Rehearsal(ROOT, chapter, template, records)
        return made[chapter]

    return get
