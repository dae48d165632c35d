"""A newer course under a learner's work: five histories, and nothing of theirs is lost in any."""

from __future__ import annotations

import pytest

from lessonkit.learner import keep, state, update
from tests.unit.learner.conftest import (
    CHAPTER,
    STUB,
    code,
    first_edition,
    notebook,
    prose,
    read,
    solution,
    solve,
    test_of,
    write,
    write_edition,
)

MINE = "def total(x):\n    return sum(x)"


def ids(found: dict) -> list[str]:
    return [cell["id"] for cell in found["cells"]]


def source(found: dict, name: str) -> str:
    return next(cell["source"] for cell in found["cells"] if cell["id"] == name)


def second_edition() -> dict:
    edition = first_edition()
    edition["cells"][0]["source"] = "# 1 · Sums, second edition"
    edition["cells"][2]["source"] = "assert total([1, 2]) == 3\nassert total([]) == 0"
    edition["cells"].insert(5, solution("largest", STUB.format("largest")))
    edition["cells"].insert(6, test_of("largest__values", "assert largest([1, 3]) == 3"))
    return edition


def test_an_untouched_workspace_becomes_the_new_edition(made, course):
    write_edition(course, second_edition())
    (one,) = update.update(made)
    assert ids(read(made)) == ids(second_edition())
    assert [c["source"] for c in read(made)["cells"]] == [c["source"] for c in second_edition()["cells"]]
    assert one.merged.added == ["largest"]
    assert list(update.update(made)) == []


def test_answers_stay_and_what_to_run_again_is_said(made, course):
    solve(made, "total", MINE)
    with state.change(made.inside) as now:
        now.of(CHAPTER, "total").passed = state.now()
        now.of(CHAPTER, "mean").passed = state.now()
    write_edition(course, second_edition())
    (one,) = update.update(made)
    assert source(read(made), "total") == MINE
    assert source(read(made), "total__values").endswith("assert total([]) == 0")
    assert one.merged.changed == ["total"]
    found = state.read(made.inside)
    assert found.of(CHAPTER, "total").again
    assert not found.of(CHAPTER, "mean").again
    keep.undo(made.folder)
    assert "second edition" not in source(read(made), "01-000")


def test_cells_moved_deleted_and_added_by_the_learner(made, course):
    solve(made, "total", MINE)
    found = read(made)
    cells = {cell["id"]: cell for cell in found["cells"]}
    scratch, note = code("scratch", "total([1, 2, 3])"), prose("note", "mind the empty list")
    # tests deleted, the closing words deleted, the answer moved to the end, cells of one's own
    found["cells"] = [cells["01-000"], note, cells["mean"], cells["mean__values"], cells["total"], scratch]
    write(made, found)
    write_edition(course, second_edition())
    list(update.update(made))
    after = read(made)
    assert source(after, "total") == MINE
    assert "total__values" in ids(after)  # a locked cell is the course's, and comes back
    assert "01-005" not in ids(after)  # prose that they deleted stays away
    assert ids(after).index("note") == ids(after).index("01-000") + 1
    assert ids(after).index("scratch") == ids(after).index("total") + 1


def test_renamed_and_retired_exercises(made, course):
    solve(made, "total", MINE)
    solve(made, "mean", "def mean(x):\n    return 1")
    with state.change(made.inside) as now:
        now.of(CHAPTER, "total").passed = state.now()
    edition = notebook(
        prose("01-000", "# 1 · Sums"),
        solution("add_up", STUB.format("total")),
        test_of("add_up__values", "assert total([1, 2]) == 3"),
    )
    write_edition(course, edition, was={"add_up": ["total"]})
    (one,) = update.update(made)
    after = read(made)
    assert source(after, "add_up") == MINE
    assert one.merged.renamed == {"total": "add_up"}
    assert one.merged.retired == ["mean"]
    assert "def mean(x):\n    return 1" in [cell["source"] for cell in after["cells"]]
    assert "Kept from an earlier edition" in "".join(cell["source"] for cell in after["cells"])
    assert state.read(made.inside).of(CHAPTER, "add_up").passed


@pytest.mark.parametrize("dies_in", ["keep", "write_notebook", "_remember"])
def test_killed_in_the_middle_nothing_is_lost(made, course, monkeypatch, dies_in):
    solve(made, "total", MINE)
    write_edition(course, second_edition())

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(update.keep if dies_in == "keep" else update, "keep" if dies_in == "keep" else dies_in, die)
        with pytest.raises(KeyboardInterrupt):
            list(update.update(made))
    assert source(read(made), "total") == MINE
    list(update.update(made))
    assert source(read(made), "total") == MINE
    assert ids(read(made)) == ids(second_edition())
    assert list(update.update(made)) == []


def test_what_the_learner_changed_in_prose_is_theirs(made, course):
    solve(made, "01-000", "# 1 · Sums\n\nMy own words.")
    write_edition(course, second_edition())
    list(update.update(made))
    assert source(read(made), "01-000") == "# 1 · Sums\n\nMy own words."
