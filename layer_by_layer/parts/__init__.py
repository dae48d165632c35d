"""The course's own parts, lent to checks of later exercises so that an earlier mistake costs points only once.

They are built on torch, whatever the chapter builds on: they do what the contract says and show nothing of
how. Handing them in is not an answer, and the grader refuses a solution that imports them.

One module a theme; notebooks say `parts.NAME`.
"""

from layer_by_layer.parts import functions, layers, optimizers
from layer_by_layer.parts.autograd import (
    autograd_train,
    freeze,
    graph_nodes,
    hessian_vector_product,
    jacobian,
    my_backward,
    sgd_update,
    target_loss,
)
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
from layer_by_layer.parts.tensors import (
    batched_scores,
    gather_nll,
    masked_mean,
    one_hot,
    pairwise_sq_dists,
    sliding_windows,
)
from layer_by_layer.parts.two_layer import (
    cross_entropy,
    judge_backward,
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
    "autograd_train",
    "batched_scores",
    "count_confusions",
    "cross_entropy",
    "digit_cards",
    "digit_reader",
    "evaluate_classifier",
    "fill_classifier",
    "freeze",
    "functions",
    "gather_nll",
    "graph_nodes",
    "hessian_vector_product",
    "jacobian",
    "judge_backward",
    "layers",
    "linear_backward",
    "linear_forward",
    "log_softmax",
    "loss_and_grads",
    "masked_mean",
    "mnist_classifier",
    "my_backward",
    "numeric_gradient",
    "one_hot",
    "optimizers",
    "pairwise_sq_dists",
    "quietly",
    "relu_backward",
    "relu_forward",
    "sgd_update",
    "shuffled_loader",
    "sliding_windows",
    "squared_error",
    "step_recorder",
    "target_loss",
    "tensor_loss_and_grads",
    "train_classifier",
    "train_two_layer",
    "weights_on_the_way",
]
