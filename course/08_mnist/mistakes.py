"""Named mistakes of chapter 8: wrong solutions that the checks must reject, each with its own help."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader


# %% make_loaders: not_shuffled
# help: Your training loader keeps the order of the set. Every epoch then shows the same batches in the
#   same order; ask the loader to shuffle.
def make_loaders(train_set, test_set, batch_size):
    return DataLoader(train_set, batch_size=batch_size), DataLoader(test_set, batch_size=batch_size)


# %% make_loaders: both_shuffled
# help: Your test loader is shuffled too. Nothing is learned from the test set, so keep its order: then
#   sample i of the predictions is sample i of the set.
def make_loaders(train_set, test_set, batch_size):
    return (
        DataLoader(train_set, batch_size=batch_size, shuffle=True),
        DataLoader(test_set, batch_size=batch_size, shuffle=True),
    )


# %% make_loaders: wrong_one_shuffled
# help: The shuffle is on the wrong loader: training samples come in order and test samples shuffled. It
#   is the other way round.
def make_loaders(train_set, test_set, batch_size):
    return (
        DataLoader(train_set, batch_size=batch_size, shuffle=False),
        DataLoader(test_set, batch_size=batch_size, shuffle=True),
    )


# %% make_loaders: last_training_batch_dropped
# help: The incomplete last batch of the training set is thrown away, so some samples are missing each
#   epoch. Drop nothing.
def make_loaders(train_set, test_set, batch_size):
    return (
        DataLoader(train_set, batch_size=batch_size, shuffle=True, drop_last=True),
        DataLoader(test_set, batch_size=batch_size),
    )


# %% make_loaders: last_batches_dropped
# help: Both loaders throw their incomplete last batch away. On the test set that even changes the
#   accuracy: the samples at the end are never looked at.
def make_loaders(train_set, test_set, batch_size):
    return (
        DataLoader(train_set, batch_size=batch_size, shuffle=True, drop_last=True),
        DataLoader(test_set, batch_size=batch_size, drop_last=True),
    )


# %% make_loaders: shuffled_once
# help: You shuffle the set once, and then every epoch has that same order. Let the loader draw a new
#   order each time somebody starts to loop over it.
from torch.utils.data import Subset


def make_loaders(train_set, test_set, batch_size):
    order = torch.randperm(len(train_set)).tolist()
    return (
        DataLoader(Subset(train_set, order), batch_size=batch_size),
        DataLoader(test_set, batch_size=batch_size),
    )


# %% make_loaders: test_loader_on_training_set
# help: Both loaders read the training set. What you measure with the second one would be images that the
#   network was trained on.
def make_loaders(train_set, test_set, batch_size):
    return (
        DataLoader(train_set, batch_size=batch_size, shuffle=True),
        DataLoader(train_set, batch_size=batch_size),
    )


# %% make_loaders: returned_in_the_wrong_order
# help: The two loaders come back in the wrong order: the training loader is the first of the pair.
def make_loaders(train_set, test_set, batch_size):
    train_loader = DataLoader(train_set, batch_size=batch_size, shuffle=True)
    test_loader = DataLoader(test_set, batch_size=batch_size)
    return test_loader, train_loader


# %% make_loaders: batch_size_fixed
# help: There are batches of 64 samples whatever is asked for. The size comes in as the argument batch_size.
def make_loaders(train_set, test_set, batch_size):
    return DataLoader(train_set, batch_size=64, shuffle=True), DataLoader(test_set, batch_size=64)


# %% make_loaders: batch_size_forgotten
# help: Without a batch size a loader hands out one sample at a time. Pass it on to both.
def make_loaders(train_set, test_set, batch_size):
    return DataLoader(train_set, shuffle=True), DataLoader(test_set)


# %% make_loaders: test_batches_of_one
# help: The training batches are right; the test loader gives one sample at a time. It takes batch_size
#   too.
def make_loaders(train_set, test_set, batch_size):
    return DataLoader(train_set, batch_size=batch_size, shuffle=True), DataLoader(test_set)


# %% make_loaders: with_replacement
# help: You draw samples with replacement: some come twice in an epoch and others not at all. Shuffle the
#   list of samples instead of drawing from it.
from torch.utils.data import RandomSampler


def make_loaders(train_set, test_set, batch_size):
    sampler = RandomSampler(train_set, replacement=True)
    return (
        DataLoader(train_set, batch_size=batch_size, sampler=sampler),
        DataLoader(test_set, batch_size=batch_size),
    )


# %% make_loaders: only_batches_shuffled
# help: You shuffle the order of the batches, but the same samples share a batch in every epoch. Shuffle
#   the samples, then cut them into batches.
def make_loaders(train_set, test_set, batch_size):
    class Batches:
        def __iter__(self):
            starts = range(0, len(train_set), batch_size)
            for i in torch.randperm(len(starts)).tolist():
                yield list(range(starts[i], min(starts[i] + batch_size, len(train_set))))

        def __len__(self):
            return -(-len(train_set) // batch_size)

    return DataLoader(train_set, batch_sampler=Batches()), DataLoader(test_set, batch_size=batch_size)


# %% normalize: own_statistics_for_the_test_set
# help: You measure the test images with their own mean and spread. Use the training set's for both:
#   tomorrow's images come one at a time.
def normalize(train_images, test_images):
    return (
        (train_images - train_images.mean()) / train_images.std(),
        (test_images - test_images.mean()) / test_images.std(),
    )


# %% normalize: statistics_of_both
# help: Mean and spread are taken over training and test images together. That is leakage: the test set
#   may not have a say in how it is measured.
def normalize(train_images, test_images):
    both = torch.cat([train_images, test_images])
    return (train_images - both.mean()) / both.std(), (test_images - both.mean()) / both.std()


# %% normalize: one_ruler_for_each_pixel
# help: You take a mean and a spread for each pixel (dim=0). Asked for are one mean and one spread, over
#   all images and all their pixels.
def normalize(train_images, test_images):
    mean, std = train_images.mean(dim=0), train_images.std(dim=0)
    return (train_images - mean) / (std + 1e-8), (test_images - mean) / (std + 1e-8)


# %% normalize: one_ruler_for_each_image
# help: Each image is measured with a mean and a spread of its own, so a faint image and a strong one come
#   out alike. Take two numbers from the whole training set.
def normalize(train_images, test_images):
    def each(images):
        flat = images.flatten(1)
        flat = (flat - flat.mean(dim=1, keepdim=True)) / (flat.std(dim=1, keepdim=True) + 1e-8)
        return flat.reshape(images.shape)

    return each(train_images), each(test_images)


# %% normalize: divided_by_variance
# help: You divide by the variance. The standard deviation is its square root.
def normalize(train_images, test_images):
    mean, var = train_images.mean(), train_images.var()
    return (train_images - mean) / var, (test_images - mean) / var


# %% normalize: only_shifted
# help: The mean is gone, but the spread is what it was: divide by the standard deviation too.
def normalize(train_images, test_images):
    mean = train_images.mean()
    return train_images - mean, test_images - mean


# %% normalize: only_scaled
# help: You divide by the standard deviation without subtracting the mean first.
def normalize(train_images, test_images):
    std = train_images.std()
    return train_images / std, test_images / std


# %% normalize: numbers_from_a_book
# help: 0.1307 and 0.3081 are MNIST's own mean and spread, copied from somewhere. Work them out from the
#   training images you are given.
def normalize(train_images, test_images):
    return (train_images - 0.1307) / 0.3081, (test_images - 0.1307) / 0.3081


# %% normalize: squeezed_into_zero_to_one
# help: You stretch the values to lie between 0 and 1. Asked for are mean 0 and spread 1.
def normalize(train_images, test_images):
    low, high = train_images.min(), train_images.max()
    return (train_images - low) / (high - low), (test_images - low) / (high - low)


# %% normalize: measured_after_the_change
# help: The test images come out as they went in: by the time you measure again, the training images
#   already have mean 0 and spread 1. Work out both numbers first.
def normalize(train_images, test_images):
    train_images = (train_images - train_images.mean()) / train_images.std()
    return train_images, (test_images - train_images.mean()) / train_images.std()


# %% normalize: in_place
# help: The numbers are right, but you wrote them into the tensors that somebody gave you. Make new ones.
def normalize(train_images, test_images):
    mean, std = train_images.mean(), train_images.std()
    train_images -= mean
    train_images /= std
    test_images -= mean
    test_images /= std
    return train_images, test_images


# %% normalize: always_float32
# help: float64 came in and float32 came out. There is nothing to convert; tensors keep their type.
def normalize(train_images, test_images):
    mean, std = train_images.mean(), train_images.std()
    return ((train_images - mean) / std).float(), ((test_images - mean) / std).float()


# %% mnist_classifier: relu_missing
# help: There is no ReLU between the second and the third linear layer. Two linear layers in a row are
#   one.
class MNISTClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.Linear(128, 10)
        )

    def forward(self, x):
        return self.layers(x)


# %% mnist_classifier: no_relu_at_all
# help: Three linear layers without anything between them are one linear layer. Put a ReLU after the first
#   two.
class MNISTClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(784, 256), nn.Linear(256, 128), nn.Linear(128, 10)
        )

    def forward(self, x):
        return self.layers(x)


# %% mnist_classifier: relu_after_the_last_layer
# help: Your logits are never negative: a ReLU stands behind the last layer. It cuts off every "no", and
#   where all ten are cut nothing is learned.
class MNISTClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10),
            nn.ReLU(),
        )  # fmt: skip

    def forward(self, x):
        return self.layers(x)


# %% mnist_classifier: softmax_at_the_end
# help: You return probabilities: each row sums to 1. Return the logits; cross-entropy does the softmax
#   itself.
class MNISTClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10)
        )

    def forward(self, x):
        return F.softmax(self.layers(x), dim=1)


# %% mnist_classifier: log_softmax_at_the_end
# help: You return log-probabilities. They train just as well, but asked for are the logits, before any
#   softmax.
class MNISTClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10)
        )

    def forward(self, x):
        return F.log_softmax(self.layers(x), dim=1)


# %% mnist_classifier: sizes_swapped
# help: Your hidden layers are 128 and then 256 wide. The table has 784 → 256 → 128 → 10.
class MNISTClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 256), nn.ReLU(), nn.Linear(256, 10)
        )

    def forward(self, x):
        return self.layers(x)


# %% mnist_classifier: one_hidden_layer
# help: One layer is missing: yours goes 784 → 256 → 10. Between 256 and 10 stand 128.
class MNISTClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))

    def forward(self, x):
        return self.layers(x)


# %% mnist_classifier: no_bias
# help: The biases are missing: 256 + 128 + 10 parameters too few. Leave the layers' bias on.
class MNISTClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.Linear(784, 256, bias=False), nn.ReLU(), nn.Linear(256, 128, bias=False), nn.ReLU(),
            nn.Linear(128, 10, bias=False),
        )  # fmt: skip

    def forward(self, x):
        return self.layers(x)


# %% mnist_classifier: layers_in_a_list
# help: Your layers sit in a Python list, where the module does not find them: it has no parameters at
#   all. Use nn.Sequential or nn.ModuleList.
class MNISTClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = [nn.Linear(784, 256), nn.Linear(256, 128), nn.Linear(128, 10)]

    def forward(self, x):
        x = x.flatten(1)
        x = F.relu(self.layers[0](x))
        return self.layers[2](F.relu(self.layers[1](x)))


# %% mnist_classifier: sigmoid_for_relu
# help: You bend with a sigmoid. The table says ReLU.
class MNISTClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(),
            nn.Linear(784, 256),
            nn.Sigmoid(),
            nn.Linear(256, 128),
            nn.Sigmoid(),
            nn.Linear(128, 10),
        )

    def forward(self, x):
        return self.layers(x)


# %% mnist_classifier: view_of_the_images
# help: `view` needs memory in one piece, and a transposed image is not. reshape or nn.Flatten copy where
#   they have to.
class MNISTClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10)
        )

    def forward(self, x):
        return self.layers(x.view(x.size(0), -1))


# %% mnist_classifier: batch_axis_lost
# help: A batch of one comes back without its first axis: (10,) instead of (1, 10). Flatten each image,
#   and leave the first axis alone.
class MNISTClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10)
        )

    def forward(self, x):
        return self.layers(x.reshape(len(x), -1)).squeeze()


# %% mnist_classifier: dropout_added
# help: In training mode your classifier gives other logits than in eval mode: there is a dropout in it. A
#   fine idea, but not the network of the table.
class MNISTClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Dropout(0.2), nn.Linear(256, 128), nn.ReLU(),
            nn.Linear(128, 10),
        )  # fmt: skip

    def forward(self, x):
        return self.layers(x)


# %% mnist_classifier: shared_layers
# help: All your classifiers share one set of layers, made once outside __init__: train one, and every
#   other has changed too.
_shared = nn.Sequential(
    nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10)
)


class MNISTClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = _shared

    def forward(self, x):
        return self.layers(x)


# %% mnist_classifier: float32_forced
# help: A float64 classifier cannot read your images: forward turns them into float32. Leave their type as
#   it is.
class MNISTClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10)
        )

    def forward(self, x):
        return self.layers(x.float())


# %% mnist_classifier: no_super
# help: nn.Module has not been set up when you assign the first layer. The first line of __init__ is
#   super().__init__().
class MNISTClassifier(nn.Module):
    def __init__(self):
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10)
        )

    def forward(self, x):
        return self.layers(x)


# %% evaluate: mean_of_batch_means
# help: You average the accuracies of the batches, and the last batch is smaller: its samples count for
#   more. Add up right answers and samples, and divide once.
def evaluate(model, loader):
    was_training = model.training
    model.eval()
    accuracies = []
    with torch.no_grad():
        for images, labels in loader:
            accuracies.append((model(images).argmax(dim=1) == labels).float().mean().item())
    model.train(was_training)
    return sum(accuracies) / len(accuracies)


# %% evaluate: answers_in_training_mode
# help: The model answers in training mode, where dropout and batch norm behave differently. Switch it to
#   eval mode first.
def evaluate(model, loader):
    right = total = 0
    with torch.no_grad():
        for images, labels in loader:
            right += (model(images).argmax(dim=1) == labels).sum().item()
            total += len(labels)
    return right / total


# %% evaluate: left_in_eval_mode
# help: You leave the model in eval mode. Whoever goes on training it would train without dropout and
#   never notice.
def evaluate(model, loader):
    model.eval()
    right = total = 0
    with torch.no_grad():
        for images, labels in loader:
            right += (model(images).argmax(dim=1) == labels).sum().item()
            total += len(labels)
    return right / total


# %% evaluate: always_back_to_training
# help: A model that came in eval mode leaves in training mode. Remember which mode it was in, and go back
#   to that.
def evaluate(model, loader):
    model.eval()
    right = total = 0
    with torch.no_grad():
        for images, labels in loader:
            right += (model(images).argmax(dim=1) == labels).sum().item()
            total += len(labels)
    model.train()
    return right / total


# %% evaluate: graph_kept
# help: Every batch builds a graph that nobody walks back: memory and time for nothing. Say
#   torch.no_grad() around the loop. (eval() does not do that.)
def evaluate(model, loader):
    was_training = model.training
    model.eval()
    right = total = 0
    for images, labels in loader:
        right += (model(images).argmax(dim=1) == labels).sum().item()
        total += len(labels)
    model.train(was_training)
    return right / total


# %% evaluate: gradients_switched_off_for_good
# help: You switch gradients off globally and leave them off: nothing learns after that. Use the context
#   manager, which puts back what it found.
def evaluate(model, loader):
    was_training = model.training
    model.eval()
    torch.set_grad_enabled(False)
    right = total = 0
    for images, labels in loader:
        right += (model(images).argmax(dim=1) == labels).sum().item()
        total += len(labels)
    model.train(was_training)
    return right / total


# %% evaluate: gradients_always_on_afterwards
# help: You switch gradients on at the end, also where the caller had switched them off. A context manager
#   puts back what it found.
def evaluate(model, loader):
    was_training = model.training
    model.eval()
    torch.set_grad_enabled(False)
    right = total = 0
    for images, labels in loader:
        right += (model(images).argmax(dim=1) == labels).sum().item()
        total += len(labels)
    model.train(was_training)
    torch.set_grad_enabled(True)
    return right / total


# %% evaluate: per_cent
# help: You return per cent. Asked for is a number between 0 and 1.
def evaluate(model, loader):
    was_training = model.training
    model.eval()
    right = total = 0
    with torch.no_grad():
        for images, labels in loader:
            right += (model(images).argmax(dim=1) == labels).sum().item()
            total += len(labels)
    model.train(was_training)
    return 100 * right / total


# %% evaluate: a_count
# help: You return how many are right. Divide by the number of samples.
def evaluate(model, loader):
    was_training = model.training
    model.eval()
    right = 0.0
    with torch.no_grad():
        for images, labels in loader:
            right += (model(images).argmax(dim=1) == labels).sum().item()
    model.train(was_training)
    return right


# %% evaluate: a_tensor
# help: The number is right, but it is still a tensor. Make a Python float of it.
def evaluate(model, loader):
    was_training = model.training
    model.eval()
    right = total = 0
    with torch.no_grad():
        for images, labels in loader:
            right += (model(images).argmax(dim=1) == labels).sum()
            total += len(labels)
    model.train(was_training)
    return right / total


# %% evaluate: last_batch_only
# help: Only the last batch counts: the counters start again inside the loop.
def evaluate(model, loader):
    was_training = model.training
    model.eval()
    with torch.no_grad():
        for images, labels in loader:
            right = total = 0
            right += (model(images).argmax(dim=1) == labels).sum().item()
            total += len(labels)
    model.train(was_training)
    return right / total


# %% evaluate: first_batch_only
# help: The return stands inside the loop: you come back after the first batch.
def evaluate(model, loader):
    was_training = model.training
    model.eval()
    right = total = 0
    with torch.no_grad():
        for images, labels in loader:
            right += (model(images).argmax(dim=1) == labels).sum().item()
            total += len(labels)
            model.train(was_training)
            return right / total


# %% evaluate: error_rate
# help: That is the share of wrong answers: 1 minus the accuracy.
def evaluate(model, loader):
    was_training = model.training
    model.eval()
    wrong = total = 0
    with torch.no_grad():
        for images, labels in loader:
            wrong += (model(images).argmax(dim=1) != labels).sum().item()
            total += len(labels)
    model.train(was_training)
    return wrong / total


# %% evaluate: batches_times_batch_size
# help: You take the number of batches times the size of the first batch for the number of samples. The
#   last batch may be smaller: count the labels.
def evaluate(model, loader):
    was_training = model.training
    model.eval()
    right, size = 0, None
    with torch.no_grad():
        for images, labels in loader:
            size = size or len(labels)
            right += (model(images).argmax(dim=1) == labels).sum().item()
    model.train(was_training)
    return right / (len(loader) * size)


# %% overfit_one_batch: gradients_never_cleared
# help: The gradients of earlier steps are still in .grad: backward adds, and nobody clears. On one batch it may get to zero all the
#   same, which makes this slip so hard to see.
def overfit_one_batch(model, x, y, steps=200):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(steps):
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
    return loss.item()



# %% overfit_one_batch: a_copy_is_trained
# help: You train a copy, and the model you were given stays as it was. Train the model itself.
import copy


def overfit_one_batch(model, x, y, steps=200):
    model = copy.deepcopy(model)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(steps):
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


# %% overfit_one_batch: one_step_short
# help: There is one update too few: the first or the last loss is computed without a step. `steps` counts
#   updates.
def overfit_one_batch(model, x, y, steps=200):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    loss = F.cross_entropy(model(x), y)
    for _ in range(steps - 1):
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss = F.cross_entropy(model(x), y)
    return loss.item()


# %% overfit_one_batch: one_step_too_many
# help: There is one update too many: `steps` counts updates. Look at where your loop begins and ends.
def overfit_one_batch(model, x, y, steps=200):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(steps + 1):
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


# %% overfit_one_batch: stops_early
# help: You stop as soon as the loss is small enough. Asked for are exactly `steps` updates.
def overfit_one_batch(model, x, y, steps=200):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-1)
    for _ in range(steps):
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if loss.item() < 0.009:
            break
    return loss.item()


# %% overfit_one_batch: steps_ignored
# help: You always make 200 updates. How many it should be comes in as the argument steps.
def overfit_one_batch(model, x, y, steps=200):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(200):
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


# %% overfit_one_batch: no_update
# help: The weights never move: backward fills .grad, but nobody steps.
def overfit_one_batch(model, x, y, steps=200):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(steps):
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
    return loss.item()


# %% overfit_one_batch: the_first_loss
# help: You return the loss of the first step. Asked for is the last.
def overfit_one_batch(model, x, y, steps=200):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    losses = []
    for _ in range(steps):
        loss = F.cross_entropy(model(x), y)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return losses[0]


# %% overfit_one_batch: a_tensor
# help: The number is right, but it is a tensor with the whole graph behind it. Make a Python float of it.
def overfit_one_batch(model, x, y, steps=200):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(steps):
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss


# %% overfit_one_batch: all_losses
# help: You return the list of all losses. Asked for is the last one.
def overfit_one_batch(model, x, y, steps=200):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    losses = []
    for _ in range(steps):
        loss = F.cross_entropy(model(x), y)
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return losses


# %% overfit_one_batch: sum_for_mean
# help: Your loss adds the examples up. Cross-entropy is their mean here.
def overfit_one_batch(model, x, y, steps=200):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(steps):
        loss = F.cross_entropy(model(x), y, reduction="sum")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


# %% overfit_one_batch: softmax_before_the_loss
# help: With a softmax before the loss it cannot get below 1.46: cross-entropy takes a softmax of its own.
#   Hand it the logits.
def overfit_one_batch(model, x, y, steps=200):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(steps):
        loss = F.cross_entropy(F.softmax(model(x), dim=1), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


# %% overfit_one_batch: too_small_a_step
# help: Everything is in place, but after 200 steps the batch is not learned: your steps are too small.
#   Try ten times the learning rate, and Adam rather than plain gradient descent.
def overfit_one_batch(model, x, y, steps=200):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-5)
    for _ in range(steps):
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


# %% overfit_one_batch: accuracy_returned
# help: You return the share of right answers. Asked for is the cross-entropy.
def overfit_one_batch(model, x, y, steps=200):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(steps):
        logits = model(x)
        loss = F.cross_entropy(logits, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return (logits.argmax(dim=1) == y).double().mean().item()


# %% overfit_one_batch: left_in_eval_mode
# help: You leave the model in eval mode, and it came in training mode.
def overfit_one_batch(model, x, y, steps=200):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(steps):
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        return F.cross_entropy(model(x), y).item()


# %% overfit_one_batch: only_the_last_layer
# help: Only the last of the model's parameters are handed to the optimizer; the others never move. Hand
#   it all of model.parameters().
def overfit_one_batch(model, x, y, steps=200):
    optimizer = torch.optim.Adam(list(model.parameters())[-1:], lr=1e-3)
    for _ in range(steps):
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


# %% train: gradients_never_cleared
# help: The gradients of earlier batches are still there in full: they add up, because nobody clears them
#   before backward.
def train(model, train_loader, epochs=5):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    accuracies = []
    for epoch in range(epochs):
        right = total = 0
        for images, labels in train_loader:
            logits = model(images)
            F.cross_entropy(logits, labels).backward()
            optimizer.step()
            right += (logits.argmax(dim=1) == labels).sum().item()
            total += len(labels)
        accuracies.append(right / total)
        print(f"epoch {epoch + 1}: {accuracies[-1]:.3f}")
    return accuracies


# %% train: softmax_before_the_loss
# help: The weights do not move the way cross-entropy of the logits moves them. Is there a softmax in front of
#   the loss? It takes one of its own. Or does the loss see other labels, or is it another loss?
def train(model, train_loader, epochs=5):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-5)
    accuracies = []
    for epoch in range(epochs):
        right = total = 0
        for images, labels in train_loader:
            logits = model(images)
            optimizer.zero_grad()
            F.cross_entropy(F.softmax(logits, dim=1), labels).backward()
            optimizer.step()
            right += (logits.argmax(dim=1) == labels).sum().item()
            total += len(labels)
        accuracies.append(right / total)
        print(f"epoch {epoch + 1}: {accuracies[-1]:.3f}")
    return accuracies


# %% train: plain_descent
# help: A weight with a small gradient moves little, and one with a large gradient moves far: that is
#   plain gradient descent. Asked for is Adam.
def train(model, train_loader, epochs=5):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.2)
    accuracies = []
    for epoch in range(epochs):
        right = total = 0
        for images, labels in train_loader:
            logits = model(images)
            optimizer.zero_grad()
            F.cross_entropy(logits, labels).backward()
            optimizer.step()
            right += (logits.argmax(dim=1) == labels).sum().item()
            total += len(labels)
        accuracies.append(right / total)
        print(f"epoch {epoch + 1}: {accuracies[-1]:.3f}")
    return accuracies


# %% train: step_forgotten
# help: Nothing moves: backward fills .grad, and nobody calls step.
def train(model, train_loader, epochs=5):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    accuracies = []
    for epoch in range(epochs):
        right = total = 0
        for images, labels in train_loader:
            logits = model(images)
            optimizer.zero_grad()
            F.cross_entropy(logits, labels).backward()
            right += (logits.argmax(dim=1) == labels).sum().item()
            total += len(labels)
        accuracies.append(right / total)
        print(f"epoch {epoch + 1}: {accuracies[-1]:.3f}")
    return accuracies


# %% train: too_small_a_step
# help: It goes in the right direction, but far too slowly. If the checks above hold, everything is in
#   place and the learning rate is too small: 0.001 is where people begin with Adam.
def train(model, train_loader, epochs=5):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-6)
    accuracies = []
    for epoch in range(epochs):
        right = total = 0
        for images, labels in train_loader:
            logits = model(images)
            optimizer.zero_grad()
            F.cross_entropy(logits, labels).backward()
            optimizer.step()
            right += (logits.argmax(dim=1) == labels).sum().item()
            total += len(labels)
        accuracies.append(right / total)
        print(f"epoch {epoch + 1}: {accuracies[-1]:.3f}")
    return accuracies


# %% train: a_copy_is_trained
# help: The model you were given never runs: you train a copy, or a new classifier, and it is gone when
#   the function returns.
import copy


def train(model, train_loader, epochs=5):
    model = copy.deepcopy(model)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    accuracies = []
    for epoch in range(epochs):
        right = total = 0
        for images, labels in train_loader:
            logits = model(images)
            optimizer.zero_grad()
            F.cross_entropy(logits, labels).backward()
            optimizer.step()
            right += (logits.argmax(dim=1) == labels).sum().item()
            total += len(labels)
        accuracies.append(right / total)
        print(f"epoch {epoch + 1}: {accuracies[-1]:.3f}")
    return accuracies


# %% train: weights_put_back
# help: You put back the weights the model had at the start: state_dict() is a view of the living weights,
#   or a copy taken too early. Leave the model trained.
import copy


def train(model, train_loader, epochs=5):
    before = copy.deepcopy(model.state_dict())
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    accuracies = []
    for epoch in range(epochs):
        right = total = 0
        for images, labels in train_loader:
            logits = model(images)
            optimizer.zero_grad()
            F.cross_entropy(logits, labels).backward()
            optimizer.step()
            right += (logits.argmax(dim=1) == labels).sum().item()
            total += len(labels)
        accuracies.append(right / total)
        print(f"epoch {epoch + 1}: {accuracies[-1]:.3f}")
    model.load_state_dict(before)
    return accuracies


# %% train: back_after_the_first_batch
# help: You come back after the very first batch: the return stands inside the loops. Look at how far it
#   is indented.
def train(model, train_loader, epochs=5):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    accuracies = []
    for epoch in range(epochs):
        right = total = 0
        for images, labels in train_loader:
            logits = model(images)
            optimizer.zero_grad()
            F.cross_entropy(logits, labels).backward()
            optimizer.step()
            right += (logits.argmax(dim=1) == labels).sum().item()
            total += len(labels)
            accuracies.append(right / total)
            print(f"epoch {epoch + 1}: {accuracies[-1]:.3f}")
            return accuracies


# %% train: first_batch_only
# help: Each epoch ends after its first batch. Go through the whole loader.
def train(model, train_loader, epochs=5):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    accuracies = []
    for epoch in range(epochs):
        images, labels = next(iter(train_loader))
        logits = model(images)
        optimizer.zero_grad()
        F.cross_entropy(logits, labels).backward()
        optimizer.step()
        accuracies.append((logits.argmax(dim=1) == labels).sum().item() / len(labels))
        print(f"epoch {epoch + 1}: {accuracies[-1]:.3f}")
    return accuracies


# %% train: epochs_ignored
# help: You always train for five epochs. How many it should be comes in as the argument epochs.
def train(model, train_loader, epochs=5):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    accuracies = []
    for epoch in range(5):
        right = total = 0
        for images, labels in train_loader:
            logits = model(images)
            optimizer.zero_grad()
            F.cross_entropy(logits, labels).backward()
            optimizer.step()
            right += (logits.argmax(dim=1) == labels).sum().item()
            total += len(labels)
        accuracies.append(right / total)
        print(f"epoch {epoch + 1}: {accuracies[-1]:.3f}")
    return accuracies


# %% train: mean_of_batch_means
# help: Your accuracy is the mean of the batches' accuracies, and the last batch is smaller. Count right
#   answers and samples over the epoch, and divide once.
def train(model, train_loader, epochs=5):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    accuracies = []
    for epoch in range(epochs):
        shares = []
        for images, labels in train_loader:
            logits = model(images)
            optimizer.zero_grad()
            F.cross_entropy(logits, labels).backward()
            optimizer.step()
            shares.append((logits.argmax(dim=1) == labels).double().mean().item())
        accuracies.append(sum(shares) / len(shares))
        print(f"epoch {epoch + 1}: {accuracies[-1]:.3f}")
    return accuracies


# %% train: per_cent_returned
# help: Your list is in per cent. Print them if you like; return numbers between 0 and 1.
def train(model, train_loader, epochs=5):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    accuracies = []
    for epoch in range(epochs):
        right = total = 0
        for images, labels in train_loader:
            logits = model(images)
            optimizer.zero_grad()
            F.cross_entropy(logits, labels).backward()
            optimizer.step()
            right += (logits.argmax(dim=1) == labels).sum().item()
            total += len(labels)
        accuracies.append(100 * right / total)
        print(f"epoch {epoch + 1}: {accuracies[-1]:.1f} %")
    return accuracies


# %% train: losses_returned
# help: You return the losses. Asked for is the accuracy of each epoch.
def train(model, train_loader, epochs=5):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    losses = []
    for epoch in range(epochs):
        right = total = 0
        summed = 0.0
        for images, labels in train_loader:
            logits = model(images)
            optimizer.zero_grad()
            loss = F.cross_entropy(logits, labels)
            loss.backward()
            optimizer.step()
            summed += loss.item() * len(labels)
            right += (logits.argmax(dim=1) == labels).sum().item()
            total += len(labels)
        losses.append(summed / total)
        print(f"epoch {epoch + 1}: {right / total:.3f}")
    return losses


# %% train: last_accuracy_repeated
# help: All your entries are the accuracy of the last epoch. Keep each epoch's own when it is over.
def train(model, train_loader, epochs=5):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for epoch in range(epochs):
        right = total = 0
        for images, labels in train_loader:
            logits = model(images)
            optimizer.zero_grad()
            F.cross_entropy(logits, labels).backward()
            optimizer.step()
            right += (logits.argmax(dim=1) == labels).sum().item()
            total += len(labels)
        print(f"epoch {epoch + 1}: {right / total:.3f}")
    return [right / total] * epochs


# %% train: nothing_printed
# help: The training is right; what is missing is a line after each epoch that says how it goes.
def train(model, train_loader, epochs=5):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    accuracies = []
    for _ in range(epochs):
        right = total = 0
        for images, labels in train_loader:
            logits = model(images)
            optimizer.zero_grad()
            F.cross_entropy(logits, labels).backward()
            optimizer.step()
            right += (logits.argmax(dim=1) == labels).sum().item()
            total += len(labels)
        accuracies.append(right / total)
    return accuracies


# %% train: left_in_eval_mode
# help: After the first epoch you measure in eval mode and never go back: from the second epoch on the
#   model is trained in eval mode, and so it leaves. Put it into training mode again.
def train(model, train_loader, epochs=5):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    accuracies = []
    model.train()
    for epoch in range(epochs):
        for images, labels in train_loader:
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()
        model.eval()
        right = total = 0
        with torch.no_grad():
            for images, labels in train_loader:
                right += (model(images).argmax(dim=1) == labels).sum().item()
                total += len(labels)
        accuracies.append(right / total)
        print(f"epoch {epoch + 1}: {accuracies[-1]:.3f}")
    return accuracies


# %% train: eval_mode_at_the_end
# help: You train in training mode, but the model leaves in eval mode, and it came in training mode.
#   Whoever goes on training it would not notice.
def train(model, train_loader, epochs=5):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    accuracies = []
    for epoch in range(epochs):
        model.train()
        for images, labels in train_loader:
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()
        model.eval()
        right = total = 0
        with torch.no_grad():
            for images, labels in train_loader:
                right += (model(images).argmax(dim=1) == labels).sum().item()
                total += len(labels)
        accuracies.append(right / total)
        print(f"epoch {epoch + 1}: {accuracies[-1]:.3f}")
    return accuracies


# %% confusion_matrix: transposed
# help: Rows and columns are swapped: the row is the true class, the column what the model said.
def confusion_matrix(model, loader, num_classes=10):
    was_training = model.training
    model.eval()
    counts = torch.zeros(num_classes, num_classes, dtype=torch.int64)
    with torch.no_grad():
        for images, labels in loader:
            for answer, label in zip(model(images).argmax(dim=1), labels):
                counts[answer, label] += 1
    model.train(was_training)
    return counts


# %% confusion_matrix: repeats_lost
# help: A pair that occurs twice in one batch is counted once: `counts[rows, columns] += 1` writes each
#   place once. Count the pairs, or go through them one by one.
def confusion_matrix(model, loader, num_classes=10):
    was_training = model.training
    model.eval()
    counts = torch.zeros(num_classes, num_classes, dtype=torch.int64)
    with torch.no_grad():
        for images, labels in loader:
            counts[labels, model(images).argmax(dim=1)] += 1
    model.train(was_training)
    return counts


# %% confusion_matrix: shares_for_counts
# help: Your rows sum to 1: those are shares. Asked for are counts, as int64.
def confusion_matrix(model, loader, num_classes=10):
    was_training = model.training
    model.eval()
    counts = torch.zeros(num_classes, num_classes)
    with torch.no_grad():
        for images, labels in loader:
            for answer, label in zip(model(images).argmax(dim=1), labels):
                counts[label, answer] += 1
    model.train(was_training)
    return counts / counts.sum(dim=1, keepdim=True).clamp(min=1)


# %% confusion_matrix: float_counts
# help: The counts are right, but they are floats. torch.zeros makes floats unless it is told otherwise;
#   counts are int64.
def confusion_matrix(model, loader, num_classes=10):
    was_training = model.training
    model.eval()
    counts = torch.zeros(num_classes, num_classes)
    with torch.no_grad():
        for images, labels in loader:
            for answer, label in zip(model(images).argmax(dim=1), labels):
                counts[label, answer] += 1
    model.train(was_training)
    return counts


# %% confusion_matrix: int32_counts
# help: The counts are right, but they are int32. Asked for is int64, torch's own integer.
def confusion_matrix(model, loader, num_classes=10):
    was_training = model.training
    model.eval()
    counts = torch.zeros(num_classes, num_classes, dtype=torch.int32)
    with torch.no_grad():
        for images, labels in loader:
            for answer, label in zip(model(images).argmax(dim=1), labels):
                counts[label, answer] += 1
    model.train(was_training)
    return counts


# %% confusion_matrix: last_batch_only
# help: Only the last batch is counted: the table is made anew for each batch. Make it once, before the
#   loop.
def confusion_matrix(model, loader, num_classes=10):
    was_training = model.training
    model.eval()
    with torch.no_grad():
        for images, labels in loader:
            counts = torch.zeros(num_classes, num_classes, dtype=torch.int64)
            for answer, label in zip(model(images).argmax(dim=1), labels):
                counts[label, answer] += 1
    model.train(was_training)
    return counts


# %% confusion_matrix: only_the_wrong_ones
# help: Your diagonal is empty: you count the mistakes only. What is right belongs in the table too.
def confusion_matrix(model, loader, num_classes=10):
    was_training = model.training
    model.eval()
    counts = torch.zeros(num_classes, num_classes, dtype=torch.int64)
    with torch.no_grad():
        for images, labels in loader:
            for answer, label in zip(model(images).argmax(dim=1), labels):
                if answer != label:
                    counts[label, answer] += 1
    model.train(was_training)
    return counts


# %% confusion_matrix: always_ten_classes
# help: Your table always has ten rows. How many there are comes in as num_classes.
def confusion_matrix(model, loader, num_classes=10):
    was_training = model.training
    model.eval()
    counts = torch.zeros(10, 10, dtype=torch.int64)
    with torch.no_grad():
        for images, labels in loader:
            for answer, label in zip(model(images).argmax(dim=1), labels):
                counts[label, answer] += 1
    model.train(was_training)
    return counts


# %% confusion_matrix: only_classes_that_occur
# help: Your table is as large as the largest class that occurs. Classes that never occur have a row and a
#   column of zeros: num_classes says how many there are.
def confusion_matrix(model, loader, num_classes=10):
    was_training = model.training
    model.eval()
    pairs = []
    with torch.no_grad():
        for images, labels in loader:
            pairs += zip(labels.tolist(), model(images).argmax(dim=1).tolist())
    model.train(was_training)
    size = 1 + max(max(pair) for pair in pairs)
    counts = torch.zeros(size, size, dtype=torch.int64)
    for label, answer in pairs:
        counts[label, answer] += 1
    return counts


# %% confusion_matrix: answers_in_training_mode
# help: You count what the model says in training mode. Switch to eval mode first.
def confusion_matrix(model, loader, num_classes=10):
    counts = torch.zeros(num_classes, num_classes, dtype=torch.int64)
    with torch.no_grad():
        for images, labels in loader:
            for answer, label in zip(model(images).argmax(dim=1), labels):
                counts[label, answer] += 1
    return counts


# %% confusion_matrix: left_in_eval_mode
# help: The counts are right, but the model leaves in eval mode. Remember its mode, and go back to it.
def confusion_matrix(model, loader, num_classes=10):
    model.eval()
    counts = torch.zeros(num_classes, num_classes, dtype=torch.int64)
    with torch.no_grad():
        for images, labels in loader:
            for answer, label in zip(model(images).argmax(dim=1), labels):
                counts[label, answer] += 1
    return counts


# %% confusion_matrix: always_back_to_training
# help: The counts are right, but a model that came in eval mode leaves in training mode.
def confusion_matrix(model, loader, num_classes=10):
    model.eval()
    counts = torch.zeros(num_classes, num_classes, dtype=torch.int64)
    with torch.no_grad():
        for images, labels in loader:
            for answer, label in zip(model(images).argmax(dim=1), labels):
                counts[label, answer] += 1
    model.train()
    return counts


# %% confusion_matrix: graph_kept
# help: Counting builds a graph for every batch. Say torch.no_grad() around the loop.
def confusion_matrix(model, loader, num_classes=10):
    was_training = model.training
    model.eval()
    counts = torch.zeros(num_classes, num_classes, dtype=torch.int64)
    for images, labels in loader:
        for answer, label in zip(model(images).argmax(dim=1), labels):
            counts[label, answer] += 1
    model.train(was_training)
    return counts


# %% make_loaders: an_iterator_for_a_loader
# help: What you return can be gone through once; the second epoch brings nothing. Return the DataLoader itself:
#   each loop over it begins anew.
def make_loaders(train_set, test_set, batch_size):
    train_loader = DataLoader(train_set, batch_size=batch_size, shuffle=True)
    return iter(train_loader), DataLoader(test_set, batch_size=batch_size)


# %% evaluate: ten_classes_only
# help: You look at the first ten logits only. How many classes there are is the model's affair.
def evaluate(model, loader):
    was = model.training
    model.eval()
    right = samples = 0
    with torch.no_grad():
        for images, labels in loader:
            right += (model(images)[:, :10].argmax(1) == labels).sum().item()
            samples += len(labels)
    model.train(was)
    return right / samples


# %% overfit_one_batch: stops_when_small
# help: Where the loss is small you leave the loop. Asked for are exactly as many updates as steps says.
def overfit_one_batch(model, x, y, steps=200):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(steps):
        loss = F.cross_entropy(model(x), y)
        if loss.item() < 0.005:
            break
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


# %% confusion_matrix: frozen_for_counting
# help: After your count the model's parameters no longer require grad. no_grad() needs no change of any flag.
def confusion_matrix(model, loader, num_classes=10):
    was = model.training
    model.eval().requires_grad_(False)
    matrix = torch.zeros(num_classes, num_classes, dtype=torch.int64)
    for images, labels in loader:
        for label, answer in zip(labels, model(images).argmax(1), strict=True):
            matrix[label, answer] += 1
    model.train(was)
    return matrix
