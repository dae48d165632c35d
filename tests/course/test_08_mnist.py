"""Chapter 8 against solutions beyond its own lists: subtle wrong ones, odd right ones, and a judge outside.

The chapter forbids no calls; what it must not take is a trained network that the student's function did not train.
"""

from __future__ import annotations

import copy

import numpy as np
import pytest

from layer_by_layer import _held_out, data, judges

CHAPTER = "08_mnist"

WRONG = {
    "the same shuffle every epoch": (
        "make_loaders",
        """
class Again(torch.utils.data.Sampler):
    def __init__(self, n):
        self.n = n
    def __len__(self):
        return self.n
    def __iter__(self):
        return iter(torch.randperm(self.n, generator=torch.Generator().manual_seed(0)).tolist())

def make_loaders(train_set, test_set, batch_size):
    return DataLoader(train_set, batch_size, sampler=Again(len(train_set))), DataLoader(test_set, batch_size)
""",
    ),
    "images and labels shuffled apart": (
        "make_loaders",
        """
def make_loaders(train_set, test_set, batch_size):
    images = torch.stack([train_set[i][0] for i in range(len(train_set))])
    labels = torch.tensor([train_set[i][1] for i in range(len(train_set))])
    mixed = TensorDataset(images, labels[torch.randperm(len(labels))])
    return DataLoader(mixed, batch_size, shuffle=True), DataLoader(test_set, batch_size)
""",
    ),
    "the spread is the mean of the images' spreads": (
        "normalize",
        """
def normalize(train_images, test_images):
    mean, std = train_images.mean(), train_images.flatten(1).std(dim=1).mean()
    return (train_images - mean) / std, (test_images - mean) / std
""",
    ),
    "the test images change in place": (
        "normalize",
        """
def normalize(train_images, test_images):
    mean, std = train_images.mean(), train_images.std()
    return (train_images - mean) / std, test_images.sub_(mean).div_(std)
""",
    ),
    "the image is turned before it is flattened": (
        "mnist_classifier",
        """
class MNISTClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10)
        )
    def forward(self, x):
        return self.layers(x.transpose(2, 3))
""",
    ),
    "leaky": (
        "mnist_classifier",
        """
class MNISTClassifier(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Flatten(), nn.Linear(784, 256), nn.LeakyReLU(), nn.Linear(256, 128), nn.LeakyReLU(),
                         nn.Linear(128, 10))
""",
    ),
    "all weights zero at the start": (
        "mnist_classifier",
        """
class MNISTClassifier(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(),
                         nn.Linear(128, 10))
        for p in self.parameters():
            nn.init.zeros_(p)
""",
    ),
    "only the outermost flag is put back": (
        "evaluate",
        """
def evaluate(model, loader):
    mode = model.training
    model.eval()
    with torch.no_grad():
        hits = torch.cat([model(x).argmax(1) == y for x, y in loader])
    model.training = mode
    return hits.double().mean().item()
""",
    ),
    "only the outermost flag is cleared": (
        "evaluate",
        """
def evaluate(model, loader):
    mode, model.training = model.training, False
    with torch.no_grad():
        hits = torch.cat([model(x).argmax(1) == y for x, y in loader])
    model.training = mode
    return hits.double().mean().item()
""",
    ),
    "a guess": ("evaluate", "def evaluate(model, loader):\n    return 0.8\n"),
    "one hit among the best two counts": (
        "evaluate",
        """
def evaluate(model, loader):
    mode = model.training
    model.eval()
    with torch.no_grad():
        hits = torch.cat([(model(x).topk(2).indices == y[:, None]).any(1) for x, y in loader])
    model.train(mode)
    return hits.double().mean().item()
""",
    ),
    "fresh weights before the training": (
        "overfit_one_batch",
        """
def overfit_one_batch(model, x, y, steps=200):
    fresh = MNISTClassifier()
    optimizer = torch.optim.Adam(fresh.parameters(), lr=1e-3)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.cross_entropy(fresh(x), y)
        loss.backward()
        optimizer.step()
    return loss.item()
""",
    ),
    "the weights of the best step put back": (
        "overfit_one_batch",
        """
import copy

def overfit_one_batch(model, x, y, steps=200):
    before = copy.deepcopy(model.state_dict())
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    model.load_state_dict(before)
    return loss.item()
""",
    ),
    "a number that looks good": (
        "overfit_one_batch",
        """
def overfit_one_batch(model, x, y, steps=200):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    return 0.001
""",
    ),
    "counts that overflow": (
        "confusion_matrix",
        """
def confusion_matrix(model, loader, num_classes=10):
    mode = model.training
    model.eval()
    counts = torch.zeros(num_classes, num_classes, dtype=torch.uint8)
    with torch.no_grad():
        for x, y in loader:
            for a, b in zip(y, model(x).argmax(1)):
                counts[a, b] += 1
    model.train(mode)
    return counts
""",
    ),
    "a list of lists": (
        "confusion_matrix",
        """
def confusion_matrix(model, loader, num_classes=10):
    mode = model.training
    model.eval()
    counts = [[0] * num_classes for _ in range(num_classes)]
    with torch.no_grad():
        for x, y in loader:
            for a, b in zip(y.tolist(), model(x).argmax(1).tolist()):
                counts[a][b] += 1
    model.train(mode)
    return counts
""",
    ),
    "rows shared by a careless list": (
        "confusion_matrix",
        """
def confusion_matrix(model, loader, num_classes=10):
    mode = model.training
    model.eval()
    counts = [[0] * num_classes] * num_classes
    with torch.no_grad():
        for x, y in loader:
            for a, b in zip(y.tolist(), model(x).argmax(1).tolist()):
                counts[a][b] += 1
    model.train(mode)
    return torch.tensor(counts)
""",
    ),
    "the course's own parts": ("evaluate", "evaluate = parts.evaluate_classifier\n"),
    "the course's own parts, by another door": (
        "confusion_matrix",
        "from layer_by_layer import parts as p\n\ndef confusion_matrix(*a, **k):\n    return p.count_confusions(*a, **k)\n",
    ),
}

RIGHT = {
    "an iterable of its own": (
        "make_loaders",
        """
class Batches:
    def __init__(self, dataset, size, shuffle):
        self.dataset, self.size, self.shuffle = dataset, size, shuffle
    def __len__(self):
        return -(-len(self.dataset) // self.size)
    def __iter__(self):
        n = len(self.dataset)
        order = torch.randperm(n).tolist() if self.shuffle else list(range(n))
        for start in range(0, n, self.size):
            items = [self.dataset[i] for i in order[start : start + self.size]]
            yield torch.stack([x for x, _ in items]), torch.tensor([int(y) for _, y in items])

def make_loaders(train_set, test_set, batch_size):
    return Batches(train_set, batch_size, True), Batches(test_set, batch_size, False)
""",
    ),
    "a flat mean and a hand-made spread": (
        "normalize",
        """
def normalize(train_images, test_images):
    flat = train_images.reshape(-1)
    mean = flat.sum() / flat.numel()
    spread = ((flat - mean) ** 2).mean().sqrt()
    scale = lambda images: torch.div(images - mean, spread)
    return scale(train_images), scale(test_images)
""",
    ),
    "a functional forward": (
        "mnist_classifier",
        """
class MNISTClassifier(nn.Module):
    sizes = (28 * 28, 256, 128, 10)
    def __init__(self):
        super().__init__()
        for i in range(3):
            setattr(self, f"fc{i}", nn.Linear(self.sizes[i], self.sizes[i + 1]))
            nn.init.kaiming_uniform_(getattr(self, f"fc{i}").weight, nonlinearity="relu")
    def forward(self, images):
        x = images.contiguous().view(images.size(0), -1)
        for i in range(2):
            x = F.relu(getattr(self, f"fc{i}")(x))
        return self.fc2(x)
""",
    ),
    "a decorator and a running sum": (
        "evaluate",
        """
@torch.inference_mode()
def evaluate(model, loader):
    state = model.training
    model.eval()
    hits = sum((model(x).softmax(dim=-1).argmax(dim=-1) == y).sum() for x, y in loader)
    total = sum(y.size(0) for _, y in loader)
    model.train(mode=state)
    return float(hits / total)
""",
    ),
    "the length of the loader's data set": (
        "evaluate",
        """
def evaluate(model, loader):
    was = model.training
    model.eval()
    right = 0
    with torch.no_grad():
        for batch in loader:
            right += torch.eq(torch.max(model(batch[0]), 1)[1], batch[1]).float().sum().item()
    if was:
        model.train()
    return right / len(loader.dataset)
""",
    ),
    "stochastic gradient descent with momentum": (
        "overfit_one_batch",
        """
def overfit_one_batch(model, x, y, steps=200):
    opt = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True)
    history = []
    for step in range(steps):
        opt.zero_grad()
        history.append(nn.functional.cross_entropy(model(x), y))
        history[-1].backward()
        opt.step()
    return float(history[-1].detach())
""",
    ),
    "scatter_add": (
        "confusion_matrix",
        """
def confusion_matrix(model, loader, num_classes=10):
    was_training, flat = model.training, torch.zeros(num_classes**2, dtype=torch.long)
    model.eval()
    for x, y in loader:
        with torch.no_grad():
            said = model(x).argmax(dim=1)
        flat.scatter_add_(0, num_classes * y + said, torch.ones_like(y))
    model.train(was_training)
    return flat.view(num_classes, -1)
""",
    ),
}

#: Grading one of these takes some seconds, so they are few.
TRAIN_WRONG = {
    "it trains on what it finds in the notebook": """
def train(model, train_loader, epochs=5):
    loader = DataLoader(TensorDataset(train_set.images[:512], train_set.labels[:512]), 64, shuffle=True)
    optimizer, accuracies = torch.optim.Adam(model.parameters()), []
    for epoch in range(epochs):
        hits = 0
        for x, y in loader:
            out = model(x)
            optimizer.zero_grad()
            F.cross_entropy(out, y).backward()
            optimizer.step()
            hits += (out.argmax(1) == y).sum().item()
        accuracies.append(hits / 512)
        print(accuracies[-1])
    return accuracies
""",
    "it says what is wanted and trains nothing": """
def train(model, train_loader, epochs=5):
    for epoch in range(epochs):
        print("epoch", epoch + 1, "accuracy 0.97")
    return [0.97] * epochs
""",
}
TRAIN_RIGHT = """
class Trainer:
    def __init__(self, model, lr=0.0015):
        self.model, self.loss = model, nn.CrossEntropyLoss()
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr, amsgrad=True)
    def epoch(self, loader):
        self.model.train()
        correct = count = torch.tensor(0)
        for x, y in loader:
            self.optimizer.zero_grad()
            logits = self.model(x)
            loss = self.loss(logits, y)
            loss.backward()
            self.optimizer.step()
            correct, count = correct + (logits.detach().argmax(-1) == y).sum(), count + len(y)
        return correct / count

def train(model, train_loader, epochs=5):
    trainer, seen = Trainer(model), []
    for number in range(epochs):
        seen.append(trainer.epoch(train_loader))
        print(f"[{number + 1:>2}] train accuracy {seen[-1]:6.2%}")
    return seen
"""


@pytest.fixture(scope="module")
def rehearsal(rehearse):
    """The chapter without its known mistakes: only verdicts are asked for here, not help."""
    made = copy.copy(rehearse(CHAPTER))
    made.reference = copy.copy(made.reference)
    made.reference.mistakes = lambda exercise: []
    return made


@pytest.fixture(scope="module")
def graded(rehearsal):
    """Grade many solutions with few runs: each run holds one solution of each exercise."""
    results: dict[str, object] = {}
    for table in (WRONG, RIGHT):
        left = dict(table)
        while left:
            run: dict[str, tuple[str, str]] = {}
            for name, (exercise, code) in list(left.items()):
                if exercise not in run:
                    run[exercise] = (name, code)
                    del left[name]
            sources = {exercise: code for exercise, (_, code) in run.items()}
            found = rehearsal.grade(rehearsal.right() | sources, set(run)).exercises
            results.update({name: found[exercise] for exercise, (name, _) in run.items()})
    return results


@pytest.mark.parametrize("name", WRONG)
def test_subtle_mistakes_lose_points(graded, name):
    assert graded[name].score < graded[name].max_score, name
    assert graded[name].outcome == "not yet"


@pytest.mark.parametrize("name", RIGHT)
def test_unusual_right_solutions_earn_everything(graded, name):
    assert graded[name].score == graded[name].max_score, graded[name].message


@pytest.mark.parametrize("name", [name for name in WRONG if "own parts" in name])
def test_the_courses_own_parts_are_no_answer(graded, name):
    assert graded[name].score == 0
    assert "layer_by_layer.parts" in graded[name].message


@pytest.mark.parametrize("name", TRAIN_WRONG)
def test_training_that_is_none_earns_nothing_for_the_gate(rehearsal, name):
    result = rehearsal.grade(rehearsal.right() | {"train": TRAIN_WRONG[name]}, {"train"})
    assert result.cells["train__learns"]["score"] == 0
    assert result.cells["train__report"]["score"] == 0
    assert result.exercises["train"].score <= 1


@pytest.mark.slow
def test_a_training_class_passes(rehearsal):
    result = rehearsal.grade(rehearsal.right() | {"train": TRAIN_RIGHT}, {"train"}).exercises["train"]
    assert result.score == result.max_score, result.message


def test_train_does_not_suffer_from_what_came_before(rehearsal):
    broken = {
        "make_loaders": "def make_loaders(*_):\n    return [], []\n",
        "mnist_classifier": "class MNISTClassifier:\n    pass\n",
        "evaluate": "def evaluate(*_):\n    raise RuntimeError('not mine')\n",
    }
    own = """
def overfit_one_batch(model, x, y, steps=200):
    import contextlib, io
    with contextlib.redirect_stdout(io.StringIO()):
        train(model, [(x, y)], epochs=steps)
    with torch.no_grad():
        return F.cross_entropy(model(x), y).item()
"""
    broken["train"] = "def train(*_, **__):\n    raise RuntimeError('not mine either')\n"
    result = rehearsal.grade(rehearsal.right() | broken | {"overfit_one_batch": own}, {"overfit_one_batch"})
    assert result.exercises["overfit_one_batch"].score == result.exercises["overfit_one_batch"].max_score


@pytest.fixture
def prepared(tmp_path, monkeypatch):
    """A folder of held-out images of two kinds: the network below says 1 where the first pixel is bright."""
    images = np.zeros((8, 28, 28), np.uint8)
    images[4:, 0, 0] = 255
    for kind, labels in (("mnist", [0] * 4 + [1] * 4), ("standin", [5] * 8)):
        data.write_arrays(tmp_path / f"{kind}_held_out.npz", images, np.array(labels))
    monkeypatch.setattr(_held_out, "folder", str(tmp_path))
    _held_out.images.cache_clear()
    yield tmp_path
    _held_out.images.cache_clear()


def network() -> dict[str, np.ndarray]:
    weight = np.zeros((10, 784), np.float32)
    weight[1, 0] = 2
    bias = np.array([1.0] + [0.0] * 9, np.float32)
    return {"1.weight": weight, "1.bias": bias, "3.weight": np.eye(10, dtype=np.float32), "3.bias": np.zeros(10, np.float32)}


def test_the_judge_counts_on_the_held_out_images(prepared):
    assert judges.mnist_accuracy(network(), 0.95) is None
    assert judges.mnist_accuracy(network(), 0.95, "offline stand-in") is None, "where images are named, they count"
    swapped = [1, 0, *range(2, 10)]
    assert "far from the mark" in judges.mnist_accuracy(network(), 0.95, relabel=swapped)
    state = network()
    state["3.bias"][0] = np.nan
    assert judges.mnist_accuracy(state, 0.95) == "the weights are not finite"


def test_held_out_images_that_are_missing_are_the_graders_fault(prepared):
    from lessonkit.check import CheckerBroke

    (prepared / "mnist_held_out.npz").unlink()
    with pytest.raises(CheckerBroke, match="could not be read"):
        judges.mnist_accuracy(network(), 0.95)
