"""The course's own parts of chapters 1 to 3 do what the exercises ask for; judged by the chapters' references."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from autograder.author.build import source_notebook
from autograder.course import chapter as ch
from layer_by_layer import candidates, parts

COURSE = Path(__file__).resolve().parents[2] / "course"


def reference(chapter: str, exercise: str):
    text = (COURSE / chapter / f"{chapter}.py").read_text(encoding="utf-8")
    cells = {ch.grade_id_of(cell): cell.source for cell in source_notebook(text, chapter).cells}
    space = {"np": np, "torch": torch, "numeric_gradient": parts.numeric_gradient, "loss_and_grads": parts.loss_and_grads}
    exec(cells[exercise], space)
    return space[exercise]


def same(one, other) -> bool:
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, str):
        return one == other
    return np.allclose(np.asarray(one), np.asarray(other), atol=1e-6)


X, W = torch.linspace(-1, 2, 12).reshape(4, 3), torch.linspace(-0.7, 0.9, 6).reshape(3, 2)
TRIALS = {
    "02_tensors": {
        "one_hot": lambda f: f(torch.tensor([[2, 0], [1, 2]]), 4),
        "sliding_windows": lambda f: f(torch.arange(20.0)[::3], 4),
        "pairwise_sq_dists": lambda f: f(X, X[1:] * 2),
        "gather_nll": lambda f: f(-X.abs(), torch.tensor([2, 0, 1, 1])),
        "masked_mean": lambda f: f(X, X > 0.3, -1),
        "batched_scores": lambda f: f(X[None], X[None, 1:]),
    },
    "03_autograd": {
        "jacobian": lambda f: f(lambda t: torch.tanh(t @ W), X[0]),
        "hessian_vector_product": lambda f: f(lambda t: torch.tanh(t @ W).sum(), X, X + 1),
        "freeze": lambda f: f(torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 1)), ["0.w", "1"]),
        "graph_nodes": lambda f: sorted(f((X.clone().requires_grad_() @ W).relu().sum())),
    },
    "01_numpy_backprop": {
        "numeric_gradient": lambda f: f(lambda v: float((v**3).sum()), np.array([[1.0, -2.0], [0.5, 3.0]])),
        "train_two_layer": lambda f: f(*(np.full((2, 2), v) for v in (1.0, 0.5, 0.3, 0.2)), 0.01, 3),
        "judge_backward": lambda f: [float(f(one)) for _, one in candidates.backward(0, shown=True)],
    },
}


@pytest.mark.parametrize(("chapter", "exercise"), [(c, e) for c, trials in TRIALS.items() for e in trials])
def test_a_part_does_what_the_exercise_asks_for(chapter, exercise):
    trial = TRIALS[chapter][exercise]
    assert same(trial(getattr(parts, exercise)), trial(reference(chapter, exercise)))


def test_parts_that_train_move_the_same_weights():
    for exercise in ("autograd_train", "sgd_update", "target_loss", "my_backward"):
        found = []
        for function in (getattr(parts, exercise), reference("03_autograd", exercise)):
            weights = [W.clone().requires_grad_(), W.T.clone().requires_grad_()]
            if exercise == "autograd_train":
                function(X, X, *weights, 0.01, 3)
            elif exercise == "sgd_update":
                (weights[0] ** 2).sum().backward()
                function(iter(weights), 0.1)
            elif exercise == "target_loss":
                torch.manual_seed(0)
                weights = [torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)]
                function(*weights, X).backward()
                weights = [weights[0].weight.grad, torch.tensor(float(weights[1].weight.grad is None))]
            else:
                function((X @ weights[0] @ weights[1]).tanh().sum())
                weights = [w.grad for w in weights]
            found.append([w.detach() for w in weights])
        assert same(*found), exercise
