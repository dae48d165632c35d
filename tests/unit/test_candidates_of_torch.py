"""The line-ups of chapters 5 and 6: each wrong candidate shows, to a good judge only, what its kind is about."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from layer_by_layer import candidates, judges, parts

LINEUPS = {
    "cross_entropy": (candidates.cross_entropy, parts.layers.judge_cross_entropy),
    "adam": (candidates.adam, parts.optimizers.judge_adam),
}


@pytest.mark.parametrize("shown", [True, False])
@pytest.mark.parametrize("name", LINEUPS)
def test_a_good_judge_catches_every_wrong_one_and_refuses_no_right_one(name, shown):
    lineup, judge = LINEUPS[name]
    verdicts = lineup.verdicts(judge, 5, shown=shown)
    assert judges.caught(verdicts, lineup.kinds(5, shown=shown)) is None
    assert verdicts.count(True) >= 3


@pytest.mark.parametrize("name", LINEUPS)
def test_every_kind_is_shown_once_and_kept_hidden_as_well(name):
    lineup, _ = LINEUPS[name]
    shown, hidden = (set(lineup.kinds(0, shown=one)) for one in (True, False))
    assert shown == hidden


def test_a_wrong_loss_is_told_apart_by_its_own_kind_only():
    """One plain batch without an ignored label: what ignoring does, and large logits, get through."""

    def plain(candidate):
        logits = torch.tensor([[0.5, -1.0, 2.0], [1.5, 0.3, -0.7]], requires_grad=True)
        labels = torch.tensor([2, 1])
        try:
            loss = candidate()(logits, labels)
            grad = torch.autograd.grad(loss, logits)[0]
        except Exception:
            return False
        wanted = nn.functional.cross_entropy(logits, labels)
        return torch.allclose(loss, wanted) and torch.allclose(grad, torch.autograd.grad(wanted, logits)[0])

    verdicts, kinds = candidates.cross_entropy.verdicts(plain, 1), candidates.cross_entropy.kinds(1)
    through = {kind for verdict, kind in zip(verdicts, kinds, strict=True) if verdict and kind}
    assert through == {
        "ignore_index not heeded or hard-coded",
        "not finite for ±1e4",
        "the mean over all labels",
    }


def test_a_lineup_remembers_nothing_from_one_trial_to_the_next():
    """Moments on a class belong to one line-up: the next one begins afresh."""
    kind = "moments shared"
    for _ in range(2):
        for found, make in candidates.adam(0, kind):
            if found == kind:
                p = torch.ones(2, requires_grad=True)
                p.grad = torch.ones(2)
                opt = make([p], lr=0.1)
                opt.step()
                assert torch.allclose(p, torch.full((2,), 0.9))
