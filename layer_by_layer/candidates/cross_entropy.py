"""Candidates for chapter 5's `judge_cross_entropy`: each claims to be its `CrossEntropyLoss(ignore_index=-100)`.

The wrong ones show what is wrong with them on logits in general position, with at least two rows, as soon as
the judge tries what its kind is about: an ignored label, another ignore_index, a logit of 1e4, the gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from layer_by_layer.candidates.lineup import Candidate, Lineup
from lessonkit.lent import no_answer_to

Value = Callable[[Tensor, Tensor, int], Tensor]

SUM, ALL, IGNORE = "sum for mean", "the mean over all labels", "ignore_index not heeded or hard-coded"
AXIS, TWICE, NONE = "softmax along the wrong axis", "a softmax before the log-softmax", "no softmax at all"
FINITE, GRADIENT, SIGN = "not finite for ±1e4", "no gradient", "a wrong sign"
RAISES = "an exception"


def _of(value: Value, heeded: Callable[[int], int] = lambda given: given) -> type[nn.Module]:
    """Return a loss class; `heeded` says which ignore_index it goes by where one is given."""

    class CrossEntropyLoss(nn.Module):
        def __init__(self, ignore_index: int = -100) -> None:
            super().__init__()
            self.ignore_index = heeded(ignore_index)

        def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
            return value(logits, labels, self.ignore_index)

    return CrossEntropyLoss


def _picked(log_p: Tensor, labels: Tensor, ignored: int) -> Tensor:
    """-log p at the labels that count, (number of them,)."""
    counts = labels != ignored
    return -log_p[counts].gather(1, labels[counts][:, None])[:, 0]


def _right_value(logits: Tensor, labels: Tensor, ignored: int) -> Tensor:
    return _picked(logits.log_softmax(1), labels, ignored).mean()


def _with(log_p_of: Callable[[Tensor], Tensor]) -> type[nn.Module]:
    return _of(lambda logits, labels, ignored: _picked(log_p_of(logits), labels, ignored).mean())


def _log_sum_exp(logits: Tensor, labels: Tensor, ignored: int) -> Tensor:
    weight = (labels != ignored).to(logits.dtype)
    own = logits[torch.arange(len(labels)), labels.masked_fill(labels == ignored, 0)]
    return ((torch.logsumexp(logits, 1) - own) * weight).sum() / weight.sum()


def _row_by_row(logits: Tensor, labels: Tensor, ignored: int) -> Tensor:
    kept = [F.nll_loss(row.log_softmax(0)[None], label[None]) for row, label in zip(logits, labels, strict=True) if label != ignored]
    return torch.stack(kept[::-1]).mean()


def _one_hot(logits: Tensor, labels: Tensor, ignored: int) -> Tensor:
    truth = (labels[:, None] == torch.arange(logits.shape[1])) & (labels != ignored)[:, None]
    return -(logits.log_softmax(-1) * truth).sum() / truth.sum()


def _wide(logits: Tensor, labels: Tensor, ignored: int) -> Tensor:
    return _right_value(logits.double(), labels, ignored).to(logits.dtype)


def _shifted(logits: Tensor) -> Tensor:
    shifted = logits - logits.amax(1, keepdim=True).detach()
    return shifted - shifted.exp().sum(1, keepdim=True).log()


def _right() -> Iterator[Candidate]:
    yield Candidate(None, _of(_right_value), shown=True)
    yield Candidate(None, _of(lambda logits, labels, ignored: F.cross_entropy(logits, labels, ignore_index=ignored)), shown=True)
    yield Candidate(None, _of(_log_sum_exp), shown=True)
    yield Candidate(None, _of(_row_by_row))
    yield Candidate(None, _of(_one_hot))
    yield Candidate(None, _of(_wide))
    yield Candidate(None, _with(_shifted))
    yield Candidate(None, _of(lambda logits, labels, ignored: F.nll_loss(logits.log_softmax(-1), labels, ignore_index=ignored)))


def _wrong_means() -> Iterator[Candidate]:
    yield Candidate(SUM, _of(lambda x, y, i: _picked(x.log_softmax(1), y, i).sum()), shown=True)
    yield Candidate(SUM, _of(lambda x, y, i: F.cross_entropy(x, y, ignore_index=i, reduction="sum")))
    yield Candidate(SUM, _of(lambda x, y, i: (x.logsumexp(1) - x.gather(1, y.clamp(min=0)[:, None])[:, 0])[y != i].sum()))
    yield Candidate(ALL, _of(lambda x, y, i: _picked(x.log_softmax(1), y, i).sum() / len(y)), shown=True)
    yield Candidate(ALL, _of(lambda x, y, i: F.cross_entropy(x, y, ignore_index=i, reduction="none").mean()))
    yield Candidate(ALL, _of(lambda x, y, i: F.cross_entropy(x, y, ignore_index=i, reduction="sum") / y.numel()))
    yield Candidate(IGNORE, _of(_right_value, lambda given: -100), shown=True)
    yield Candidate(IGNORE, _of(lambda x, y, i: F.cross_entropy(x, y.clamp(min=0), ignore_index=-100)))
    yield Candidate(IGNORE, _of(lambda x, y, i: F.cross_entropy(x[y >= 0], y[y >= 0])))
    yield Candidate(IGNORE, _of(_right_value, lambda given: given if given < 0 else -100))
    yield Candidate(IGNORE, _of(lambda x, y, i: _log_sum_exp(x, y.masked_fill(y == i, 0), -100)))


def _wrong_softmax() -> Iterator[Candidate]:
    yield Candidate(AXIS, _with(lambda x: x.log_softmax(0)), shown=True)
    yield Candidate(AXIS, _with(lambda x: x - x.logsumexp(0)))
    yield Candidate(AXIS, _with(lambda x: x - x.logsumexp((0, 1))))
    yield Candidate(TWICE, _with(lambda x: x.softmax(1).log_softmax(1)), shown=True)
    yield Candidate(TWICE, _of(lambda x, y, i: F.cross_entropy(x.softmax(-1), y, ignore_index=i)))
    yield Candidate(TWICE, _of(lambda x, y, i: _log_sum_exp(torch.softmax(x, dim=1), y, i)))
    yield Candidate(NONE, _with(lambda x: x), shown=True)
    yield Candidate(NONE, _of(lambda x, y, i: F.nll_loss(x, y, ignore_index=i)))
    yield Candidate(NONE, _with(lambda x: x - x.amax(1, keepdim=True)))
    yield Candidate(FINITE, _with(lambda x: (x.exp() / x.exp().sum(1, keepdim=True)).log()), shown=True)
    yield Candidate(FINITE, _with(lambda x: x.softmax(1).log()))
    yield Candidate(FINITE, _with(lambda x: x - x.exp().sum(1, keepdim=True).log()))


def _wrong_answers() -> Iterator[Candidate]:
    yield Candidate(GRADIENT, _of(lambda x, y, i: _right_value(x, y, i).detach()), shown=True)
    yield Candidate(GRADIENT, _of(lambda x, y, i: _right_value(x.detach(), y, i).requires_grad_()))
    yield Candidate(GRADIENT, _of(lambda x, y, i: torch.tensor(_right_value(x, y, i).item(), dtype=x.dtype)))
    yield Candidate(GRADIENT, _of(lambda x, y, i: _right_value(x.data, y, i) + 0 * x.sum()))
    yield Candidate(SIGN, _of(lambda x, y, i: -_right_value(x, y, i)), shown=True)
    yield Candidate(SIGN, _of(lambda x, y, i: x.log_softmax(1)[y != i].gather(1, y[y != i][:, None]).mean()))
    yield Candidate(SIGN, _with(lambda x: x.logsumexp(1, keepdim=True) - x))
    yield Candidate(RAISES, _of(_raising(ValueError("shapes do not fit"))), shown=True)
    yield Candidate(RAISES, _of(_raising(TypeError("unsupported operand"))))
    yield Candidate(RAISES, _of(lambda x, y, i: -x.log_softmax(1).gather(0, y[:, None] + len(x)).mean()))
    yield Candidate(RAISES, _of(_raising(ZeroDivisionError("division by zero"))))


def _raising(error: Exception) -> Value:
    def value(logits: Tensor, labels: Tensor, ignored: int) -> Tensor:
        raise error

    return value


@no_answer_to("judge_cross_entropy", material=True)
def _build() -> list[Candidate]:
    return [*_right(), *_wrong_means(), *_wrong_softmax(), *_wrong_answers()]


cross_entropy = Lineup(_build)
