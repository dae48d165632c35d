"""Candidates for the exercises in which the student is the judge: right ones are right, wrong ones of their kind."""

from __future__ import annotations

import numpy as np
import pytest

from layer_by_layer import candidates, judges
from lessonkit import check, show


def a_good_judge(candidate):
    rng = np.random.default_rng(0)
    g, x, w = rng.standard_normal((3, 5)), rng.standard_normal((3, 4)), rng.standard_normal((4, 5))
    kept = [v.copy() for v in (g, x, w)]
    try:
        found = candidate(g, x, w)
    except Exception:
        return False
    want = kept[0] @ kept[2].T, kept[1].T @ kept[0], kept[0].sum(axis=0)
    same = all(a.shape == b.shape and np.allclose(a, b) for a, b in zip(found, want, strict=True))
    return same and all(np.array_equal(a, b) for a, b in zip((g, x, w), kept, strict=True))


@pytest.mark.parametrize("shown", [True, False])
def test_a_good_judge_catches_every_wrong_one_and_refuses_no_right_one(shown):
    verdicts = candidates.backward.verdicts(a_good_judge, 5, shown=shown)
    assert judges.caught(verdicts, candidates.backward.kinds(5, shown=shown)) is None
    assert verdicts.count(True) >= 3
    assert verdicts.count(False) >= 9


@pytest.mark.parametrize("rows", [0, 1, 2, 5])
def test_right_ones_are_right_for_any_number_of_rows(rows):
    rng = np.random.default_rng(1)
    g, x, w = rng.standard_normal((rows, 3)), rng.standard_normal((rows, 2)), rng.standard_normal((2, 3))
    for shown in (True, False):
        for kind, candidate in candidates.backward(0, shown=shown):
            if kind is None:
                for got, want in zip(candidate(g, x, w), (g @ w.T, x.T @ g, g.sum(axis=0)), strict=True):
                    np.testing.assert_allclose(got, want, atol=1e-12)


def test_right_ones_stay_right_where_every_size_is_the_same_and_wrong_ones_wrong():
    def square(candidate):
        g, x, w = (check.array(i, 4, 4) for i in (1, 2, 3))
        kept = [v.copy() for v in (g, x, w)]
        try:
            found = candidate(g, x, w)
        except Exception:
            return False
        want = kept[0] @ kept[2].T, kept[1].T @ kept[0], kept[0].sum(axis=0)
        return all(a.shape == b.shape and np.allclose(a, b) for a, b in zip(found, want, strict=True)) and all(
            np.array_equal(a, b) for a, b in zip((g, x, w), kept, strict=True)
        )

    assert judges.caught(candidates.backward.verdicts(square, 3), candidates.backward.kinds(3)) is None


def test_the_order_comes_from_the_seed():
    orders = {tuple(map(str, candidates.backward.kinds(seed))) for seed in range(5)}
    assert len(orders) == 5
    assert candidates.backward.kinds(2) == [kind for kind, _ in candidates.backward(2)]


def test_a_kind_that_no_candidate_has_is_an_error():
    with pytest.raises(ValueError, match="no candidate of the kind"):
        candidates.backward(1, "a tranpose")


def test_the_students_own_code_gets_no_candidates_while_it_is_judged():
    space = {"candidates": candidates}
    exec(compile("def judge(candidate):\n    return candidates.backward(1)", "<student>", "exec"), space)
    show.set_recording(True)
    try:

        @check.cell("judge_backward__peek")
        def _():
            check.equal("no peeking", lambda: candidates.backward.verdicts(space["judge"], 1, shown=True), expected=[])

        seen = check.take_finished()[-1]["records"][0]["value"]["items"]
    finally:
        show.set_recording(False)
    assert {item["value"] for item in seen} == {"raised RuntimeError"}


KINDS = [None, "a sign", None, "a factor", "a sign"]


@pytest.mark.parametrize(
    ("verdicts", "finding"),
    [
        ([True, False, True, False, False], None),
        ([True, False, False, False, False], "1 of 2 right candidates are refused"),
        ([False] * 5, "2 of 2 right candidates are refused"),
        ([True] * 5, "0 of 3 wrong candidates are caught; what got through: a factor, a sign"),
        ([True, True, True, False, False], "2 of 3 wrong candidates are caught; what got through: a sign"),
        ([True, 0, True, False, False], "a verdict is no bool: return True or False"),
        ([True, False, True, False], "there is not one verdict for each candidate"),
        (
            [True, "raised ValueError", True, False, False],
            "your judge raised ValueError and gave no verdict: catch what a candidate raises",
        ),
    ],
)
def test_the_judge_of_judges(verdicts, finding):
    assert judges.caught(verdicts, KINDS) == finding
