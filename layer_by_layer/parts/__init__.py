"""The course's own parts, lent to checks of later exercises so that an earlier mistake costs points only once.

They are built on torch, whatever the chapter builds on: they do what the contract says and show nothing of
how. Handing them in is not an answer, and the grader refuses a solution that imports them.

One module a theme; notebooks say `parts.NAME`.
"""

from layer_by_layer.parts.classifier import (
    count_confusions,
    digit_cards,
    digit_reader,
    evaluate_classifier,
    fill_classifier,
    mnist_classifier,
    quietly,
    shuffled_loader,
    step_recorder,
    train_classifier,
    weights_on_the_way,
)
from layer_by_layer.parts.two_layer import (
    cross_entropy,
    linear_backward,
    linear_forward,
    log_softmax,
    loss_and_grads,
    numeric_gradient,
    relu_backward,
    relu_forward,
    squared_error,
    tensor_loss_and_grads,
    train_two_layer,
)

__all__ = [
    "count_confusions",
    "cross_entropy",
    "digit_cards",
    "digit_reader",
    "evaluate_classifier",
    "fill_classifier",
    "linear_backward",
    "linear_forward",
    "log_softmax",
    "loss_and_grads",
    "mnist_classifier",
    "numeric_gradient",
    "quietly",
    "relu_backward",
    "relu_forward",
    "shuffled_loader",
    "squared_error",
    "step_recorder",
    "tensor_loss_and_grads",
    "train_classifier",
    "train_two_layer",
    "weights_on_the_way",
]
