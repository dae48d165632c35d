import pytest
from pathlib import Path
from autograder.rehearse import Rehearsal, warm

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def template():
    with warm() as made:
        yield made


@pytest.fixture(scope="session")
def rehearse(template):
    made = {}

    def get(chapter):
        if chapter not in made:
            made[chapter] = Rehearsal(ROOT, chapter, template)
        return made[chapter]

    return get
