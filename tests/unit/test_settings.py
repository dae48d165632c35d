"""course.toml and exercises.toml: what cannot be meant is refused with the key, the file, and what was."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from autograder.cli import main
from autograder.course.settings import CourseSettings, read_course, read_exercises
from autograder.errors import BadSettings


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        ('[middle]\nforbiden = ["sorted"]\n', "middle.forbiden", "did you mean `forbidden`?"),
        ('[middle]\nsecond = 3\n', "middle.second", "did you mean `seconds`?"),
        ('[middle]\nqqq = 3\n', "middle.qqq", "there is no such key; there are hints, forbidden"),
        ('[middle]\nforbidden = "sorted"\n', "middle.forbidden", 'expected a list of texts, found "sorted"'),
        ('[middle]\nforbidden = ["sorted", 3]\n', "middle.forbidden", "expected a list of texts"),
        ('[middle]\nseconds = "5"\n', "middle.seconds", 'expected a number, found "5"'),
        ('[middle]\nseconds = true\n', "middle.seconds", "expected a number, found true"),
        ('[middle]\nlines = 1.5\n', "middle.lines", "expected a whole number, found 1.5"),
        ("middle = 3\n", "middle", "expected a table [middle], found 3"),
        ("[middle\n", "", "it is no TOML"),
    ],
)
def test_exercises(tmp_path, text, key, said):
    path = tmp_path / "exercises.toml"
    path.write_text(text)
    with pytest.raises(BadSettings) as refused:
        read_exercises(path)
    assert str(path) in refused.value.message
    assert f"`{key}`" in refused.value.message or not key
    assert said in refused.value.message
    assert "Mend it" in refused.value.message


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        ('[course]\npackge = "x"\n', "course.packge", "did you mean `package`?"),
        ('[course]\nwarm_up = "numpy"\n', "course.warm_up", "expected a list of texts"),
        ('[course]\nlent = {lend = 3}\n', "course.lent", "expected a table of texts"),
        ('[corse]\nname = "x"\n', "corse", "did you mean `course`?"),
    ],
)
def test_course(tmp_path, text, key, said):
    (tmp_path / "course.toml").write_text(text)
    with pytest.raises(BadSettings) as refused:
        read_course(tmp_path)
    assert f"{tmp_path / 'course.toml'}: `{key}`: {said}" in refused.value.message


def test_what_is_left_out_has_its_default(tmp_path):
    assert read_course(tmp_path) == CourseSettings()
    assert read_exercises(tmp_path / "exercises.toml") == {}
    (tmp_path / "exercises.toml").write_text("[middle]\nseconds = 3\n")
    found = read_exercises(tmp_path / "exercises.toml")["middle"]
    assert (found.seconds, found.forbidden) == (3.0, [])
    assert isinstance(found.seconds, float)


def test_the_build_stops_at_a_typo_and_leaves_what_was_built(room):
    path = room.root / "course" / room.name / "exercises.toml"
    path.write_text(path.read_text().replace("forbidden =", "forbiden ="))
    before = (room.root / "source" / room.name / "lessonkit.json").read_bytes()
    done = CliRunner().invoke(main, ["build", "01", "--root", str(room.root)])
    assert done.exit_code == 1
    assert f"Error: {path}: `middle.forbiden`: did you mean `forbidden`?" in done.output
    assert (room.root / "source" / room.name / "lessonkit.json").read_bytes() == before
