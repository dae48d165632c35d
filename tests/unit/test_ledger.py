"""What the ledger sees of an operation, and the galleries, guesses and sliders of the notebooks."""

from __future__ import annotations

import torch

from layer_by_layer.instruments import gallery, ledger, recall, sliders


def test_a_linear_layers_backward_names_what_was_worked_on_unasked():
    class Eager(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, weight):
            ctx.save_for_backward(x, weight)
            return x @ weight.T

        @staticmethod
        def backward(ctx, g):
            x, weight = ctx.saved_tensors
            return g @ weight, g.T @ x

    inputs = {"x": torch.ones(2, 3), "weight": torch.ones(4, 3)}
    upstream = torch.ones(2, 4)
    grads, unasked = ledger.linear_work(Eager.apply, ["weight"], upstream, **inputs)
    assert unasked == ["x"]
    assert torch.equal(grads[0], torch.full((4, 3), 2.0))
    assert ledger.linear_work(torch.nn.functional.linear, ["weight"], upstream, **inputs)[1] == []


def test_exponentials_are_counted_in_every_spelling():
    x = torch.ones(3)
    assert ledger.exponentials(lambda: x.exp() + torch.pow(2.0, x))[0] == 2
    assert ledger.exponentials(lambda: x + x)[0] == 0


def test_a_gallery_shows_the_message_and_ends_a_long_one():
    assert gallery.said(lambda: [][0]) == "IndexError: list index out of range"
    assert gallery.said(lambda: 1) == "nothing was raised"

    def long():
        raise ValueError("many words " * 100)

    assert gallery.said(long).endswith(" …")
    assert len(gallery.said(long)) < 450


def test_a_guess_stands_beside_what_running_gives(capsys):
    recall.compare_guesses([12, ...], {"one": lambda: 12.0, "two": lambda: (1, 2), "three": lambda: None})
    lines = capsys.readouterr().out.splitlines()
    assert lines == [
        "one", "    your guess: 12", "    it gives:   12.0",
        "two", "    your guess: (no guess yet)", "    it gives:   (1, 2)",
        "three", "    your guess: (no guess yet)", "    it gives:   None",
    ]  # fmt: skip


def test_outside_a_notebook_a_slider_is_a_line(capsys):
    sliders.move(lambda lr, mu: 1 / 0, lr=(0.0, 1.0, 0.1, 0.5), mu=(0.0, 1.0, 0.1, 0.5))
    assert capsys.readouterr().out == "(In JupyterLab there are sliders here, for lr and mu.)\n"
