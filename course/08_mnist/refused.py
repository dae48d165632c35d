"""Refused solutions of chapter 8: subtle ones and forbidden calls that have to lose points, without a help of their own.

A line `# names:` is what the message has to name.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader


# %% make_loaders: the_same_shuffle_every_epoch
class Again(torch.utils.data.Sampler):
    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def __iter__(self):
        return iter(torch.randperm(self.n, generator=torch.Generator().manual_seed(0)).tolist())


def make_loaders(train_set, test_set, batch_size):
    return DataLoader(train_set, batch_size, sampler=Again(len(train_set))), DataLoader(test_set, batch_size)


# %% make_loaders: images_and_labels_shuffled_apart
def make_loaders(train_set, test_set, batch_size):
    images = torch.stack([train_set[i][0] for i in range(len(train_set))])
    labels = torch.tensor([train_set[i][1] for i in range(len(train_set))])
    mixed = TensorDataset(images, labels[torch.randperm(len(labels))])
    return DataLoader(mixed, batch_size, shuffle=True), DataLoader(test_set, batch_size)


# %% normalize: the_spread_is_the_mean_of_the_images_spreads
def normalize(train_images, test_images):
    mean, std = train_images.mean(), train_images.flatten(1).std(dim=1).mean()
    return (train_images - mean) / std, (test_images - mean) / std


# %% normalize: the_test_images_change_in_place
def normalize(train_images, test_images):
    mean, std = train_images.mean(), train_images.std()
    return (train_images - mean) / std, test_images.sub_(mean).div_(std)


# %% mnist_classifier: the_image_is_turned_before_it_is_flattened
class MNISTClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10))

    def forward(self, x):
        return self.layers(x.transpose(2, 3))


# %% mnist_classifier: leaky
class MNISTClassifier(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Flatten(), nn.Linear(784, 256), nn.LeakyReLU(), nn.Linear(256, 128), nn.LeakyReLU(), nn.Linear(128, 10))


# %% mnist_classifier: all_weights_zero_at_the_start
class MNISTClassifier(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10))
        for own in self.parameters():
            nn.init.zeros_(own)


# %% evaluate: only_the_outermost_flag_is_put_back
def evaluate(model, loader):
    mode = model.training
    model.eval()
    with torch.no_grad():
        hits = torch.cat([model(x).argmax(1) == y for x, y in loader])
    model.training = mode
    return hits.double().mean().item()


# %% evaluate: only_the_outermost_flag_is_cleared
def evaluate(model, loader):
    mode, model.training = model.training, False
    with torch.no_grad():
        hits = torch.cat([model(x).argmax(1) == y for x, y in loader])
    model.training = mode
    return hits.double().mean().item()


# %% evaluate: a_guess
def evaluate(model, loader):
    return 0.8


# %% evaluate: one_hit_among_the_best_two_counts
def evaluate(model, loader):
    mode = model.training
    model.eval()
    with torch.no_grad():
        hits = torch.cat([(model(x).topk(2).indices == y[:, None]).any(1) for x, y in loader])
    model.train(mode)
    return hits.double().mean().item()


# %% overfit_one_batch: fresh_weights_before_the_training
def overfit_one_batch(model, x, y, steps=200):
    fresh = MNISTClassifier()
    optimizer = torch.optim.Adam(fresh.parameters(), lr=1e-3)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = F.cross_entropy(fresh(x), y)
        loss.backward()
        optimizer.step()
    return loss.item()


# %% overfit_one_batch: the_weights_of_the_best_step_put_back
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


# %% overfit_one_batch: a_number_that_looks_good
def overfit_one_batch(model, x, y, steps=200):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(model(x), y).backward()
        optimizer.step()
    return 0.001


# %% confusion_matrix: counts_that_overflow
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


# %% confusion_matrix: a_list_of_lists
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


# %% confusion_matrix: rows_shared_by_a_careless_list
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


# %% evaluate: the_course_s_own_parts
# names: layer_by_layer.parts
evaluate = parts.evaluate_classifier


# %% confusion_matrix: the_course_s_own_parts_by_another_door
# names: layer_by_layer.parts
from layer_by_layer import parts as p


def confusion_matrix(*a, **k):
    return p.count_confusions(*a, **k)
