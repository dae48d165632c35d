"""Parts of chapter 2: what its exercises define, for pictures and for checks of later exercises."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lessonkit.lent import no_answer_to

if TYPE_CHECKING:
    from torch import Tensor


@no_answer_to("one_hot")
def one_hot(labels: Tensor, num_classes: int) -> Tensor:
    """int64 labels of any shape -> float32, one axis more; RuntimeError for a label outside the classes."""
    import torch

    return torch.nn.functional.one_hot(labels, num_classes).float()


@no_answer_to("sliding_windows")
def sliding_windows(x: Tensor, size: int) -> Tensor:
    """(T,) -> (T - size + 1, size), a view; RuntimeError where the window does not fit."""
    return x.unfold(0, size, 1)


@no_answer_to("pairwise_sq_dists")
def pairwise_sq_dists(a: Tensor, b: Tensor) -> Tensor:
    """(N, D), (M, D) -> squared Euclidean distances (N, M)."""
    import torch

    return torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist").square()


@no_answer_to("gather_nll")
def gather_nll(log_probs: Tensor, labels: Tensor) -> Tensor:
    """(N, C), (N,) -> mean of minus the entries at the labels, a tensor without axes."""
    import torch

    return torch.nn.functional.nll_loss(log_probs, labels)


@no_answer_to("masked_mean")
def masked_mean(x: Tensor, mask: Tensor, dim: int) -> Tensor:
    """Mean along `dim` of the entries whose mask is True, 0 where there is none."""
    import torch

    return torch.masked.mean(x.masked_fill(~mask, 0), dim, mask=mask).masked_fill(~mask.any(dim), 0)


@no_answer_to("batched_scores")
def batched_scores(q: Tensor, k: Tensor) -> Tensor:
    """(..., L, D), (..., S, D) -> dot products of all pairs (..., L, S)."""
    import torch

    return torch.einsum("...ld,...sd->...ls", q, k)
