"""Right solutions of chapter 8 in an unusual style: the checks must accept every one."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader

# %% make_loaders: samplers
from torch.utils.data import BatchSampler, RandomSampler, SequentialSampler


def make_loaders(train_set, test_set, batch_size):
    return [
        DataLoader(
            train_set, batch_sampler=BatchSampler(RandomSampler(train_set), batch_size, drop_last=False)
        ),
        DataLoader(test_set, batch_sampler=BatchSampler(SequentialSampler(test_set), batch_size, False)),
    ]


# %% make_loaders: own_generator_and_keywords
def make_loaders(train_set, test_set, batch_size):
    options = {"batch_size": batch_size, "num_workers": 0, "drop_last": False}
    generator = torch.Generator()
    generator.manual_seed(1234)
    return (
        DataLoader(dataset=train_set, shuffle=True, generator=generator, **options),
        DataLoader(dataset=test_set, shuffle=False, **options),
    )


# %% make_loaders: own_collate
def make_loaders(train_set, test_set, batch_size):
    def stack(samples):
        images, labels = zip(*samples)
        return torch.stack(images), torch.as_tensor(labels)

    return (
        DataLoader(train_set, batch_size, True, collate_fn=stack),
        DataLoader(test_set, batch_size, collate_fn=stack),
    )


# %% normalize: std_mean
def normalize(train_images, test_images):
    std, mean = torch.std_mean(train_images, correction=0)
    return [images.sub(mean).div(std) for images in (train_images, test_images)]


# %% normalize: through_numpy
def normalize(train_images, test_images):
    pixels = train_images.numpy()
    mean, std = pixels.mean(dtype=np.float64), pixels.std(dtype=np.float64, ddof=1)
    one, two = ((x.numpy() - mean) / std for x in (train_images, test_images))
    return torch.from_numpy(one).to(train_images.dtype), torch.from_numpy(two).to(test_images.dtype)


# %% normalize: floats_and_a_tiny_epsilon
normalize = lambda train_images, test_images: (
    lambda m, s: ((train_images - m) / (s + 1e-7), (test_images - m) / (s + 1e-7))
)(train_images.double().mean().item(), train_images.double().var().item() ** 0.5)


# %% mnist_classifier: three_attributes
class MNISTClassifier(nn.Module):
    def __init__(self):
        super(MNISTClassifier, self).__init__()
        self.fc3 = nn.Linear(128, 10)
        self.fc2 = nn.Linear(256, 128)
        self.fc1 = nn.Linear(28 * 28, 256)

    def forward(self, x):
        x = torch.flatten(x, start_dim=1)
        x = torch.relu(self.fc1(x))
        x = self.fc2(x).clamp(min=0)
        return self.fc3(x)


# %% mnist_classifier: a_sequential_itself
class MNISTClassifier(nn.Sequential):
    def __init__(self):
        layers = [nn.Flatten()]
        for i, o in ((784, 256), (256, 128), (128, 10)):
            layers += [nn.Linear(i, o), nn.ReLU(inplace=True)]
        super().__init__(*layers[:-1])


# %% mnist_classifier: parameters_by_hand
import math


class MNISTClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.ParameterList(
            nn.Parameter((torch.rand(i, o) * 2 - 1) / math.sqrt(i))
            for i, o in ((784, 256), (256, 128), (128, 10))
        )
        self.b = nn.ParameterList(nn.Parameter(torch.zeros(o)) for o in (256, 128, 10))

    def forward(self, x):
        x = x.reshape(x.shape[0], -1)
        for i in range(3):
            x = torch.einsum("nd,dk->nk", x, self.w[i]) + self.b[i]
            x = torch.maximum(x, x.new_zeros(())) if i < 2 else x
        return x


# %% mnist_classifier: lazy_and_convolutional
class MNISTClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.look = nn.Conv2d(1, 256, kernel_size=28)
        self.rest = nn.ModuleList([nn.LazyLinear(128), nn.LazyLinear(10)])

    def forward(self, x):
        x = self.look(x).flatten(1).relu()
        return self.rest[1](F.relu(self.rest[0](x)))


# %% evaluate: all_at_once
@torch.no_grad()
def evaluate(model, loader):
    mode = model.training
    try:
        hits = torch.cat([model.eval()(x).max(dim=-1).indices.eq(y) for x, y in loader])
    finally:
        model.train(mode)
    return hits.double().mean().item()


# %% evaluate: inference_mode_and_numpy
def evaluate(model, loader):
    before = model.training
    model.train(False)
    with torch.inference_mode():
        hits = [
            int(np.argmax(row)) == int(label) for x, y in loader for row, label in zip(model(x).numpy(), y)
        ]
    if before:
        model.train()
    return np.mean(hits)


# %% evaluate: a_copy_answers
import copy


class _Evaluator:
    def __call__(self, model, loader):
        twin = copy.deepcopy(model).eval().requires_grad_(False)
        right, seen = torch.zeros((), dtype=torch.int64), 0
        for x, y in loader:
            right += torch.sum(torch.topk(twin(x).softmax(1), 1).indices[:, 0] == y)
            seen += y.shape[0]
        return float(right) / seen


evaluate = _Evaluator()


# %% evaluate: from_the_confusion_matrix
def evaluate(model, loader):
    counts = confusion_matrix(model, loader)
    return (counts.diag().sum() / counts.sum()).item()


# %% overfit_one_batch: loss_after_the_last
def overfit_one_batch(model, x, y, steps=200):
    model.train()
    criterion, optimizer = nn.CrossEntropyLoss(), torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(steps):
        model.zero_grad()
        criterion(model(x), y).backward()
        optimizer.step()
    with torch.no_grad():
        return float(criterion(model(x), y))


# %% overfit_one_batch: own_momentum
def overfit_one_batch(model, x, y, steps=200):
    speed = [torch.zeros_like(p) for p in model.parameters()]
    while steps > 0:
        loss = -torch.log_softmax(model(x), 1).gather(1, y[:, None]).mean()
        grads = torch.autograd.grad(loss, list(model.parameters()))
        with torch.no_grad():
            for p, v, g in zip(model.parameters(), speed, grads):
                v.mul_(0.9).add_(g)
                p.sub_(0.05 * v)
        steps -= 1
    return loss.detach().double().item()


# %% overfit_one_batch: by_train
def overfit_one_batch(model, x, y, steps=200):
    import contextlib
    import io

    with contextlib.redirect_stdout(io.StringIO()):
        train(model, [(x, y)], epochs=steps)
    with torch.no_grad():
        return F.cross_entropy(model(x), y).item()


# %% train: evaluated_afterwards
def train(model, train_loader, epochs=5):
    optimizer, criterion = torch.optim.Adam(model.parameters()), nn.CrossEntropyLoss()
    history = ()
    model.train()
    for epoch in range(1, epochs + 1):
        for x, y in train_loader:
            optimizer.zero_grad(set_to_none=False)
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
        history += (evaluate(model, train_loader),)
        print(
            "Epoch {}/{}, loss {:.4f}, accuracy {:.2f}%".format(epoch, epochs, loss.item(), 100 * history[-1])
        )
    return history


# %% train: tensors_and_nll
def train(model, train_loader, epochs=5):
    opt = torch.optim.AdamW(params=model.parameters(), lr=2e-3, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.ExponentialLR(opt, 0.8)
    result = torch.zeros(epochs, dtype=torch.float64)
    for e in range(epochs):
        hits = []
        for x, y in train_loader:
            for p in model.parameters():
                p.grad = None
            log_p = torch.log_softmax(model(x), dim=-1)
            torch.nn.functional.nll_loss(log_p, y, reduction="sum").backward()
            nn.utils.clip_grad_norm_(model.parameters(), 100.0)
            opt.step()
            hits.append(log_p.argmax(-1).eq(y))
        schedule.step()
        result[e] = torch.cat(hits).double().mean()
        print(e + 1, result[e].item(), flush=True)
    return list(result)


# %% train: one_cycle
def train(model, train_loader, epochs=5):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, betas=(0.9, 0.98), eps=1e-9)
    batches = list(train_loader)
    total = max(2, epochs * len(batches))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda t: min((t + 1) / 2, 1.0) * (1 - 0.9 * t / total)
    )
    accuracies = []
    for epoch in range(epochs):
        model.train()
        for i in torch.randperm(len(batches)) if epoch else range(len(batches)):
            x, y = batches[i]
            F.cross_entropy(model(x), y, label_smoothing=0.02).backward()
            optimizer.step()
            optimizer.zero_grad()
            schedule.step()
        model.eval()
        with torch.inference_mode():
            right = sum(int((model(x).argmax(1) == y).sum()) for x, y in batches)
        model.train()
        accuracies += [right / sum(len(y) for _, y in batches)]
        print(f"Epoch {epoch + 1}\taccuracy = {accuracies[-1]}")
    return accuracies


# %% train: own_adam
def train(model, train_loader, epochs=5):
    class Adam:
        def __init__(self, params, lr):
            self.params, self.lr, self.t = list(params), lr, 0
            self.m = [torch.zeros_like(p) for p in self.params]
            self.v = [torch.zeros_like(p) for p in self.params]

        @torch.no_grad()
        def step(self):
            self.t += 1
            for p, m, v in zip(self.params, self.m, self.v):
                if p.grad is not None:
                    m += 0.1 * (p.grad - m)
                    v += 0.001 * (p.grad**2 - v)
                    p -= self.lr * (m / (1 - 0.9**self.t)) / ((v / (1 - 0.999**self.t)).sqrt() + 1e-8)
                    p.grad.zero_()

    def one_epoch():
        hits = samples = 0
        for x, y in train_loader:
            out = model(x)
            F.cross_entropy(out, y).backward()
            adam.step()
            hits, samples = hits + (out.argmax(1) == y).sum(), samples + y.numel()
        print("training accuracy:", round(float(hits) / samples, 4))
        return float(hits) / samples

    adam = Adam(model.parameters(), 1e-3)
    return [one_epoch() for _ in range(epochs)]


# %% confusion_matrix: one_by_one
def confusion_matrix(model, loader, num_classes=10):
    training = model.training
    model.eval()
    table = [[0] * num_classes for _ in range(num_classes)]
    with torch.inference_mode():
        for x, y in loader:
            for truth, said in zip(y.tolist(), model(x).argmax(dim=1).tolist()):
                table[truth][said] += 1
    model.train(training)
    return torch.tensor(table)


# %% confusion_matrix: one_hot_product
@torch.no_grad()
def confusion_matrix(model, loader, num_classes=10):
    mode = model.training
    model.eval()
    answers, labels = map(torch.cat, zip(*[(model(x).argmax(1), y) for x, y in loader]))
    model.train(mode)
    return F.one_hot(labels, num_classes).T @ F.one_hot(answers, num_classes)


# %% confusion_matrix: numpy_add_at
def confusion_matrix(model, loader, num_classes=10):
    table, mode = np.zeros((num_classes, num_classes), dtype=np.int64), model.training
    try:
        model.eval()
        for x, y in loader:
            with torch.no_grad():
                np.add.at(table, (y.numpy(), model(x).argmax(1).numpy()), 1)
    finally:
        model.train(mode)
    return torch.from_numpy(table)


# %% make_loaders: an_iterable_of_its_own
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


# %% normalize: a_flat_mean_and_a_hand_made_spread
def normalize(train_images, test_images):
    flat = train_images.reshape(-1)
    mean = flat.sum() / flat.numel()
    spread = ((flat - mean) ** 2).mean().sqrt()
    scale = lambda images: torch.div(images - mean, spread)
    return scale(train_images), scale(test_images)


# %% mnist_classifier: a_functional_forward
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


# %% evaluate: a_decorator_and_a_running_sum
@torch.inference_mode()
def evaluate(model, loader):
    state = model.training
    model.eval()
    hits = sum((model(x).softmax(dim=-1).argmax(dim=-1) == y).sum() for x, y in loader)
    total = sum(y.size(0) for _, y in loader)
    model.train(mode=state)
    return float(hits / total)


# %% evaluate: the_length_of_the_loader_s_data_set
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


# %% overfit_one_batch: stochastic_gradient_descent_with_momentum
def overfit_one_batch(model, x, y, steps=200):
    opt = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True)
    history = []
    for step in range(steps):
        opt.zero_grad()
        history.append(nn.functional.cross_entropy(model(x), y))
        history[-1].backward()
        opt.step()
    return float(history[-1].detach())


# %% confusion_matrix: scatter_add
def confusion_matrix(model, loader, num_classes=10):
    was_training, flat = model.training, torch.zeros(num_classes**2, dtype=torch.long)
    model.eval()
    for x, y in loader:
        with torch.no_grad():
            said = model(x).argmax(dim=1)
        flat.scatter_add_(0, num_classes * y + said, torch.ones_like(y))
    model.train(was_training)
    return flat.view(num_classes, -1)


# %% train: a_training_class
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
