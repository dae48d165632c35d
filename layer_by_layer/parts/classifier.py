"""Parts of chapter 8: a digit classifier, loaders, and models that note what is done to them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from lessonkit.lent import no_answer_to


@no_answer_to("mnist_classifier")
def mnist_classifier(seed: int = 0) -> Any:
    """Return a fresh 784-256-128-10 classifier, its weights drawn as torch draws them, from a seed of the check's."""
    import torch

    from lessonkit.inputs import rng

    nn, draw = torch.nn, rng(seed)
    model = nn.Sequential(
        nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10)
    )
    with torch.no_grad():
        for layer in (model[1], model[3], model[5]):
            bound = layer.in_features**-0.5
            for parameter in (layer.weight, layer.bias):
                parameter.copy_(torch.from_numpy(draw.uniform(-bound, bound, tuple(parameter.shape))))
    return model


@no_answer_to("confusion_matrix")
def count_confusions(model: Any, loader: Any, num_classes: int = 10) -> Any:
    """Return the int64 counts (true class, predicted class) of a classifier in eval mode."""
    import torch

    counts = torch.zeros(num_classes, num_classes, dtype=torch.int64)
    training = model.training
    model.eval()
    with torch.no_grad():
        for images, labels in loader:
            torch.Tensor.index_put_(counts, (labels, model(images).argmax(1)), torch.tensor(1), accumulate=True)
    model.train(training)
    return counts


@no_answer_to("evaluate")
def evaluate_classifier(model: Any, loader: Any) -> float:
    """Return the share of a loader's samples that a classifier in eval mode gets right."""
    import torch

    right = count = 0
    training = model.training
    model.eval()
    with torch.no_grad():
        for images, labels in loader:
            right += int((model(images).argmax(1) == labels).sum())
            count += len(labels)
    model.train(training)
    return right / count


@no_answer_to("train")
def train_classifier(model: Any, train_loader: Any, epochs: int = 5) -> list[float]:
    """Train a classifier with Adam on the cross-entropy; return the running accuracy of each epoch."""
    import torch

    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    accuracies = []
    for epoch in range(epochs):
        right = count = 0
        for images, labels in train_loader:
            logits = model(images)
            loss = torch.nn.functional.cross_entropy(logits, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            right += int((logits.argmax(1) == labels).sum())
            count += len(labels)
        accuracies.append(right / count)
        print(f"epoch {epoch + 1}: {accuracies[-1]:.1%}")
    return accuracies


@no_answer_to("make_loaders")
def make_loaders(train_set: Any, test_set: Any, batch_size: int) -> tuple[Any, Any]:
    """Return a loader that shuffles the first set anew each epoch, and one that goes through the second in order."""
    from torch.utils.data import DataLoader

    return DataLoader(train_set, batch_size, shuffle=True), DataLoader(test_set, batch_size)


@no_answer_to("normalize")
def normalize(train_images: Any, test_images: Any) -> tuple[Any, Any]:
    """Return both shifted and scaled by the first set's mean and standard deviation."""
    mean, std = train_images.mean(), train_images.std()
    return (train_images - mean) / std, (test_images - mean) / std


@no_answer_to("overfit_one_batch")
def overfit_one_batch(model: Any, x: Any, y: Any, steps: int = 200) -> float:
    """Train on one batch with Adam; return the cross-entropy of the last step."""
    import torch

    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    return loss.item()


def fill_classifier(model: Any, seed: int) -> Any:
    """Give a 784-256-128-10 classifier, however its weights are stored, those of `mnist_classifier(seed)`; return it.

    Raises ValueError where its parameters are not the six of such a network.
    """
    import torch

    left = list(mnist_classifier(seed).parameters())
    model(torch.zeros(2, 1, 28, 28))  # lazy layers get their weights at the first call
    for parameter in model.parameters():
        i = next((i for i, one in enumerate(left) if one.numel() == parameter.numel()), None)
        if i is None:
            raise ValueError(f"a parameter of shape {tuple(parameter.shape)} has no place in this network")
        wanted = left.pop(i).detach().to(parameter.dtype)
        turned = wanted if parameter.shape[0] == wanted.shape[0] else wanted.T
        with torch.no_grad():
            parameter.copy_(turned.reshape(parameter.shape))
    if left:
        raise ValueError(f"the network has no parameter of shape {tuple(left[0].shape)}, or does not register it")
    return model


def shuffled_loader(images: Any, labels: Any, batch_size: int, seed: int) -> Any:
    """Return a DataLoader over copies of `images` and `labels` that shuffles from a seed of the check's, and fast."""
    import torch

    from lessonkit.inputs import rng

    class Whole(torch.utils.data.TensorDataset):
        def __getitems__(self, indices: list[int]) -> Any:
            return [tensor[indices] for tensor in self.tensors]

    order = torch.Generator().manual_seed(int(rng(seed).integers(2**31)))
    return torch.utils.data.DataLoader(
        Whole(images.clone(), labels.clone()), batch_size, shuffle=True, generator=order, collate_fn=lambda batch: batch
    )


def digit_cards(answers: Any, labels: Any, in_training: Any = None, classes: int = 10, dtype: str = "float32") -> Any:
    """Return a data set of images (1, 28, 28) on which `digit_reader` gives `answers`, and their labels.

    In training mode it answers `in_training`, by default the same.
    """
    import torch

    images = torch.zeros(len(labels), 1, 28, 28, dtype=getattr(torch, dtype))
    images[:, 0, 0, 0] = torch.as_tensor(answers) / classes
    images[:, 0, 0, 1] = torch.as_tensor(answers if in_training is None else in_training) / classes
    return torch.utils.data.TensorDataset(images, torch.as_tensor(labels))


def digit_reader(classes: int = 10, asleep: int = 0) -> Any:
    """Return a model that reads its answer off an image: pixel 0 in eval mode, pixel 1 in training mode.

    A pixel of k / classes stands for the answer k. `notes` keeps, for each forward pass, whether it ran in
    training mode and whether its output had a graph. Its weights get gradients and change no answer; before
    the first `asleep` updates of them it answers k + 1.
    """
    import torch

    class DigitReader(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.zeros(classes))
            self.inner = torch.nn.Sequential(torch.nn.Dropout(0.5))
            self.notes: list[list[bool]] = []
            self.last, self.updates = None, 0

        def forward(self, x: Any) -> Any:
            if self.last is not None and not torch.equal(self.last, self.weight):
                self.updates += 1
            self.last = self.weight.detach().clone()
            pixels = x.reshape(len(x), -1)[:, 1 if self.training or self.inner[0].training else 0]
            answers = (pixels.detach() * classes).round().long() + (self.updates < asleep)
            logits = 10 * torch.nn.functional.one_hot(answers % classes, classes).to(x.dtype) + self.weight
            self.notes.append([self.training, logits.requires_grad])
            return logits

    return DigitReader()


def step_recorder(weight: Any) -> Any:
    """Return a linear classifier that keeps its weights at every forward pass, to see what training did to them.

    Its weight starts as `weight` (features, classes) and is applied to an image's first pixels. `seen` holds one
    (number of the batch, weights) for each forward pass; a batch's number is its first image's last pixel x 100.
    `grads` holds what the weight's `.grad` was at each of them, zeros for None.
    """
    import torch

    class StepRecorder(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = torch.nn.Parameter(torch.as_tensor(weight).clone())
            self.seen: list[tuple[int, Any]] = []
            self.grads: list[Any] = []

        def forward(self, x: Any) -> Any:
            pixels = x.reshape(len(x), -1)
            self.seen.append((round(float(pixels[0, -1]) * 100), self.weight.detach().clone()))
            self.grads.append(torch.zeros_like(self.weight) if self.weight.grad is None else self.weight.grad.clone())
            return pixels[:, : len(self.weight)] @ self.weight

    return StepRecorder()


@contextlib.contextmanager
def optimizer_steps() -> Iterator[list[Any]]:
    """A list that every optimizer of PyTorch enters itself into at the end of each `step` within the block."""
    from torch.optim.optimizer import register_optimizer_step_post_hook

    taken: list[Any] = []
    hook = register_optimizer_step_post_hook(lambda optimizer, *_: taken.append(optimizer))
    try:
        yield taken
    finally:
        hook.remove()


def stale_gradients(model: Any, x: Any, y: Any) -> int:
    """Return at how many of its passes, the end included, a step recorder held more than one step's gradient."""
    import torch

    last = torch.zeros_like(model.weight) if model.weight.grad is None else model.weight.grad
    own, stale = [torch.zeros_like(last)], 0
    for (_, weight), held in zip([*model.seen, (0, model.weight.detach())], [*model.grads, last], strict=True):
        stale += not any(torch.allclose(held, one, rtol=1e-4, atol=1e-8) for one in own)
        leaf = weight.clone().requires_grad_()
        loss = torch.nn.functional.cross_entropy(x.reshape(len(x), -1)[:, : len(leaf)] @ leaf, y)
        own += torch.autograd.grad(loss, leaf)
    return stale


def quietly() -> Any:
    """Return a context in which nothing is printed."""
    import contextlib
    import io

    return contextlib.redirect_stdout(io.StringIO())


def weights_on_the_way(train: Any, weight: Any, batches: Any, classes: Any) -> Any:
    """Let `train` take a linear classifier through one epoch; return its weights as each batch came, and at the end.

    `batches` are pairs of the first pixels of both images of a batch and their two labels. What comes back is
    (batches + 1, features, classes).
    """
    import torch

    images, labels = torch.zeros(2 * len(batches), 1, 28, 28), []
    for i, (pixels, pair) in enumerate(batches):
        images[2 * i : 2 * i + 2].reshape(2, 784)[:, : len(pixels)] = torch.tensor(pixels)
        images[2 * i : 2 * i + 2, 0, 27, 27] = i / 100
        labels += pair
    model = step_recorder(weight)
    with quietly():
        train(
            model,
            torch.utils.data.DataLoader(torch.utils.data.TensorDataset(images, torch.tensor(labels)), batch_size=2),
            epochs=1,
        )
    first: dict[int, Any] = {}
    for number, one in model.seen:
        first.setdefault(number, one)
    found = [first[i] for i in range(len(batches))] + [model.weight.detach()]
    return torch.stack(found)[:, :, classes]
