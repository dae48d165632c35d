# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3 (ipykernel)
#     language: python
#     name: python3
# ---

# %% [markdown]
r"""
# 8 · Ninety-five per cent

Until now the 64 examples of the running network were random numbers: there was nothing to find in them, and
the network learned them by heart. In this chapter it reads handwriting. At the end of the notebook a
network of yours, trained by a function of yours, recognises at least 95 of 100 digits **that it has never
seen**.

The network hardly changes. What is new is everything around it: where batches come from, how you measure
what was learned without fooling yourself, and how you *decide*: which learning rate, how many epochs, and
whether one result is better than another or only luckier. The chapter ends with a file: a model that you chose,
validated, tested once and saved. Chapter 11 ships it.
"""

# %% [markdown]
r"""
```
 images ──▶ make_loaders ──▶ batches ──▶ MNISTClassifier ──▶ logits ──▶ cross-entropy
   │                            ▲              ▲                             │
   └─ normalize                 │              └──────── Adam ◀── gradients ─┘
                                └── the next one, until the epoch is over: train

 validation images ──▶ evaluate ──▶ one number to decide by       confusion_matrix ──▶ a hundred
 test images ──▶ once, at the very end
```

**What hurt in chapter 7?** Layers became objects that own their weights, but the loop around them was still
written out by hand, for one batch that was always the same. Real data does not fit into one batch, and a
loss on the batch you have just trained on says little about tomorrow's digits.

*Needs: chapters 5 to 7 (layers, losses, optimizers, modules). Seven exercises, 82 minutes; with the reading and
the waiting, about two and a half hours. 8.1 to 8.6 and 8.7 to 8.10 make two good evenings.*
"""

# %% tags=["setup"] nbgrader={"grade": false, "grade_id": "setup", "locked": true, "schema_version": 3, "solution": false, "task": false}
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from layer_by_layer import artefact, data, judges, parts
from layer_by_layer.instruments import elsewhere
from layer_by_layer.instruments.stand_in import whose, yours_or_ours
from lessonkit import check, plot
from lessonkit.hints import hint

torch.manual_seed(8)
train_set, test_set = data.mnist()

# %% [markdown]
r"""
## What do you remember?

Four questions on what came before. Type a prediction in place of `None`, then run the cell. No points, and
nothing is kept.
"""

# %%
predicted = None  # chapter 5: the cross-entropy of ten equal logits, to two digits?
print(
    "you said", predicted, "- it is",
    round(float(F.cross_entropy(torch.zeros(1, 10), torch.tensor([3]))), 2),
)

# %%
# chapter 7: does a Dropout that sits inside a model drop after model.eval()? yes or no
predicted = None
inner = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.Dropout(0.5))).eval()
print("you said", predicted, "- the dropout's own .training is", inner[1][0].training)

# %%
# chapter 6: two backward passes, no zero_grad between. The gradient is that of one pass times
# which number?
predicted = None
w = torch.ones(1, requires_grad=True)
for _ in range(2):
    (3 * w).sum().backward()
print("you said", predicted, "- one pass gives 3, and now there is", w.grad.item())

# %%
# chapter 5: a (64, 1, 28, 28) batch goes through nn.Flatten(). Which shape comes out?
predicted = None
print("you said", predicted, "- it is", tuple(nn.Flatten()(torch.zeros(64, 1, 28, 28)).shape))

# %% [markdown]
r"""
The line of the setup cell says which digits you have: MNIST, or, without a network, a stand-in made from scikit-learn's
scanned digits. Both come in one form, and this chapter works the same with either.

A *data set* is a thing with a length and an index: `train_set[0]` is a pair of a float image (1, 28, 28)
with values in [0, 1] and a label from 0 to 9. The first axis of the image counts colours; here there is
one.

**Put the test set away.** `test_set` is for one number at the very end, in 8.10. Everything that you look at, compare and
choose on the way is measured on images held out of the *training* set: the **validation set**. Below the last fifth is cut off.
(A cut has to keep relatives apart. In the stand-in each scan occurs several times, moved a little; its last fifth comes from scans that
the rest never saw. Had copies of one scan landed on both sides, the validation number would have been a memory test.)
"""

# %% tags=["picture"]
held = len(train_set) // 5
fit_set = data.ArraySet(train_set.images[:-held], train_set.labels[:-held], source=train_set.source)
valid_set = data.ArraySet(train_set.images[-held:], train_set.labels[-held:], source=train_set.source)
print(f"{len(fit_set):,} images to learn from, {len(valid_set):,} to decide by, {len(test_set):,} for the end")

# %% tags=["picture"]
image, label = train_set[0]
print(f"{train_set}\nitem 0: an image {tuple(image.shape)} {image.dtype}, and the label {label}")
plot.images(
    torch.stack([train_set[i][0] for i in range(24)]), [train_set[i][1] for i in range(24)], columns=12
)

# %% [markdown]
r"""
## 8.1 From a data set to batches

The gradient of all images is the honest one, but it costs a pass over all of them for a single step. The
mean over 64 images drawn at random is hundreds of times cheaper. **On average** it is the same vector; a single one
is noisy, and may point far off. Below, the cosine between a batch's gradient and the full one: 1 is the same
direction, 0 a right angle. Guess how near to 1 it is, before training and after one epoch.
"""

# %% tags=["picture"]
def flat_gradient(model, images, labels):
    grads = torch.autograd.grad(F.cross_entropy(model(images), labels), list(model.parameters()))
    return torch.cat([grad.flatten() for grad in grads])


def cosines(model, images, labels, batches=40):
    whole = flat_gradient(model, images, labels)
    picked = torch.randperm(len(images))[: 64 * batches].split(64)
    return [float(F.cosine_similarity(flat_gradient(model, images[i], labels[i]), whole, dim=0)) for i in picked]


torch.manual_seed(1)
some, network = (fit_set.images[:6000], fit_set.labels[:6000]), parts.mnist_classifier(1)
found = {"fresh": cosines(network, *some)}
with parts.quietly():
    parts.train_classifier(network, parts.shuffled_loader(*some, 64, seed=1), epochs=1)
found["after an epoch"] = cosines(network, *some)
for name, values in found.items():
    print(f"{name:15} mean cosine {np.mean(values):.2f}, from {min(values):.2f} to {max(values):.2f}")

# %% [markdown]
r"""
So a step follows a direction that is right on average and wrong in detail, and many cheap steps beat one exact one. An
**epoch**, one walk over the whole set, becomes many small steps. By hand, that is a shuffled list of numbers, cut into
pieces:
"""

# %% tags=["picture"]
order = torch.randperm(len(train_set))
for start in (0, 4, 8):
    picked = order[start : start + 4]
    images = torch.stack([train_set[int(i)][0] for i in picked])
    labels = torch.tensor([train_set[int(i)][1] for i in picked])
    shape = tuple(images.shape)
    print(f"batch {start // 4}: samples {picked.tolist()}, images {shape}, labels {labels.tolist()}")

# %% [markdown]
r"""
**Why shuffled, and why afresh each epoch?** In the file the images may be sorted by writer or by class; a
batch of nothing but sevens pulls all the weights towards "seven". And where the same images share a batch
in every epoch, the noise of their gradients is the same every time.

`torch.utils.data.DataLoader` does all of that: it shuffles, fetches, stacks, and hands out the incomplete
last batch too. Looping over it once is one epoch. For testing, a shuffle is no help; left out, it lets
prediction i belong to sample i.
"""

# %% [markdown]
r"""
### Exercise 8.1 · `make_loaders`
*difficulty 1 of 3 · 8 minutes · about 3 lines*

Write `make_loaders(train_set, test_set, batch_size)` → `(train_loader, test_loader)`, two `DataLoader`s.

- Both give batches of `batch_size` samples, except perhaps the last one, and every sample once an epoch.
- The training loader shuffles anew for every epoch, so that other samples share a batch each time.
- The test loader goes through its set in order.
"""


# %% nbgrader={"grade": false, "grade_id": "make_loaders", "locked": false, "schema_version": 3, "solution": true, "task": false}
def make_loaders(train_set, test_set, batch_size):
    """two data sets, a number -> (shuffled loader of the first, ordered loader of the second)"""
    # about 3 lines
    ### BEGIN SOLUTION
    # shuffle=True draws a new order each time somebody starts to iterate: once an epoch
    train_loader = DataLoader(train_set, batch_size=batch_size, shuffle=True)
    test_loader = DataLoader(test_set, batch_size=batch_size)
    return train_loader, test_loader
    ### END SOLUTION


# %%
hint("make_loaders")


# %% nbgrader={"grade": true, "grade_id": "make_loaders__test", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("make_loaders__test")
def _():
    def numbered(first, n):
        values = torch.arange(first, first + n).reshape(n, 1, 1, 1).expand(n, 1, 28, 28) / 64
        return data.ArraySet(values, [(3 * i + 1) % 10 for i in range(first, first + n)])

    def read(n, batch_size):
        loader = make_loaders(numbered(40, 15), numbered(0, n), batch_size)[1]
        return [
            [[[round(float(x.max()) * 64), int(y)] for x, y in zip(*batch)] for batch in loader]
            for _ in range(2)
        ]

    def expected(n, batch_size):
        samples = [[i, (3 * i + 1) % 10] for i in range(n)]
        return [[samples[i : i + batch_size] for i in range(0, n, batch_size)]] * 2

    def sizes(n, batch_size):
        both = make_loaders(numbered(100, n), numbered(0, n), batch_size)
        training, test = ([len(labels) for _, labels in loader] for loader in both)
        return test if test == [4, 4, 2] else f"{test}, and {training} for training"

    def order(n, batch_size):
        both = make_loaders(numbered(100, n), numbered(0, n), batch_size)
        lies = [[round(float(x.max()) * 64) % 100 for batch, _ in loader for x in batch] == list(range(n)) for loader in both]
        return "as they lie" if lies[1] else "shuffled, and those for training as they lie" if lies[0] else "shuffled, as those for training"

    check.equal(
        "10 test samples come as batches of 4, 4 and 2", lambda: sizes(10, 4), expected=[4, 4, 2],
        advice="print the length of each batch of the test loader",
    )
    check.equal(
        "40 test samples come as they lie", lambda: order(40, 8), expected="as they lie",
        advice="which of the two loaders is for learning, and which for counting?",
    )
    check.equal(
        "the test loader goes through its own set in order, 4 at a time, and again the same way",
        lambda: read(10, 4),
        expected=lambda: expected(10, 4),
        advice="next(iter(test_loader)) is its first batch: which samples are in it?",
    )
    ### BEGIN HIDDEN TESTS
    check.equal("a batch larger than the test set", lambda: read(6, 50), expected=lambda: expected(6, 50))
    check.equal("test batches of twelve", lambda: read(21, 12), expected=lambda: expected(21, 12))
    check.equal("test batches of one", lambda: read(3, 1), expected=lambda: expected(3, 1))
    check.equal("a test set that divides evenly", lambda: read(21, 7), expected=lambda: expected(21, 7))
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "make_loaders__train", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("make_loaders__train")
def _():
    def numbered(first, n):
        values = torch.arange(first, first + n).reshape(n, 1, 1, 1).expand(n, 1, 28, 28) / 64
        return data.ArraySet(values, [(3 * i + 1) % 10 for i in range(first, first + n)])

    def read(n, batch_size):
        loader = make_loaders(numbered(0, n), numbered(40, 15), batch_size)[0]
        return [[[round(float(x.max()) * 64), int(y)] for x, y in zip(*batch)] for batch in loader]

    check.equal(
        "10 training samples come as batches of 4, 4 and 2",
        lambda: [len(batch) for batch in read(10, 4)],
        expected=[4, 4, 2],
        advice="is the last, incomplete batch there too?",
    )
    check.that(
        "every training sample comes exactly once an epoch, with its own label",
        lambda: [sample for batch in read(10, 4) for sample in batch],
        judge=lambda samples: (
            "these are not the training samples"
            if any(i > 9 for i, _ in samples)
            else "a sample comes twice"
            if len({i for i, _ in samples}) < len(samples)
            else "a sample is missing"
            if len(samples) < 10
            else "a label is not its image's"
            if any(y != (3 * i + 1) % 10 for i, y in samples)
            else None
        ),
        advice="collect the labels of one epoch and count them",
    )
    ### BEGIN HIDDEN TESTS
    check.equal(
        "training batches of 7", lambda: [len(batch) for batch in read(30, 7)], expected=[7, 7, 7, 7, 2]
    )
    check.equal("training batches of one", lambda: [len(batch) for batch in read(3, 1)], expected=[1, 1, 1])
    check.equal(
        "a batch larger than the training set",
        lambda: sorted(sample for batch in read(5, 9) for sample in batch),
        expected=[[i, (3 * i + 1) % 10] for i in range(5)],
    )
    check.equal(
        "an image keeps its shape",
        lambda: [list(x.shape) for x, _ in make_loaders(numbered(0, 5), numbered(0, 5), 2)[0]],
        expected=[[2, 1, 28, 28], [2, 1, 28, 28], [1, 1, 28, 28]],
    )
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "make_loaders__shuffled", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("make_loaders__shuffled")
def _():
    def epochs(n, batch_size, count, flat=True):
        values = torch.arange(n).reshape(n, 1, 1, 1).expand(n, 1, 28, 28) / 64
        numbered = data.ArraySet(values, [i % 10 for i in range(n)])
        loader = make_loaders(numbered, numbered, batch_size)[0]
        seen = [[[round(float(x.max()) * 64) for x in images] for images, _ in loader] for _ in range(count)]
        return [[i for batch in epoch for i in batch] for epoch in seen] if flat else seen

    check.that(
        "the training samples come in a new order every epoch",
        lambda: epochs(40, 8, 3),
        judge=lambda seen: (
            "an epoch does not bring every sample once"
            if any(sorted(epoch) != list(range(40)) for epoch in seen)
            else "they come in the order of the set"
            if seen[0] == sorted(seen[0])
            else "every epoch has the same order"
            if seen[0] in seen[1:]
            else "neighbours in the set come one after the other"
            if sum((b - a) % 40 == 1 for a, b in zip(seen[1], seen[1][1:])) > 30
            else None
        ),
        advice="write the first batch of two epochs side by side",
    )
    ### BEGIN HIDDEN TESTS
    check.that(
        "other samples share a batch in every epoch",
        lambda: epochs(48, 12, 2, flat=False),
        judge=lambda seen: (
            "the same samples share a batch every time"
            if {frozenset(batch) for batch in seen[0]} == {frozenset(batch) for batch in seen[1]}
            else None
        ),
    )
    ### END HIDDEN TESTS


# %% [markdown]
r"""
**See the shuffle.** Below, your two loaders over the first 200 samples: for each sample handed out, its
place in the set. A straight line is order; a cloud is a shuffle. The two epochs of the training loader
should be two different clouds.
"""

# %% tags=["picture"]
numbered = TensorDataset(torch.arange(200), torch.arange(200))
loaders = yours_or_ours("make_loaders", parts.make_loaders, lambda f: [len(x) for x, _ in f(numbered, numbered, 30)[0]])
shuffled, ordered = loaders(numbered, numbered, 20)
walks = {"training, epoch 1": shuffled, "training, epoch 2": shuffled, "test": ordered}
with plot.figure(
    f"The order in which {whose('make_loaders')} loaders hand out 200 samples: two different clouds for two epochs of training, "
    "a straight line for the test loader",
    columns=3,
    height=2.4,
) as axes:
    for ax, (name, loader) in zip(axes, walks.items()):
        ax.plot([int(i) for numbers, _ in loader for i in numbers], ".", markersize=3)
        ax.set_title(name)
        ax.set_xlabel("handed out as number")
    axes[0].set_ylabel("place in the set")

# %% [markdown]
r"""
## 8.2 One ruler for both sets

Raw pixels are never negative, and most of them are 0: what the first layer sees is mostly one large constant
and a little news. It spends its first steps on undoing that. Subtract the mean, divide by the standard
deviation, and the news is all there is.

Whose mean? The **training set's, for both sets**. A network that ships meets one image at a time; it cannot
ask tomorrow's images for their mean. If the test set is measured with a ruler of its own, you are using
something about the test that you will not have later. That has a name, *leakage*, and as a rule it makes
numbers look better than they are.
"""

# %% [markdown]
r"""
### Exercise 8.2 · `normalize`
*difficulty 1 of 3 · 8 minutes · about 3 lines*

Write `normalize(train_images, test_images)` → `(train_images, test_images)`, both shifted and scaled by the
**training** images' one mean and one standard deviation, taken over *all* their pixels (divided by n or by
n − 1, as you like).

Both are float tensors, (N, …) and (M, …) with the same shape after the first axis; the training images are
not all the same value. Shapes and dtype stay, and the inputs are left as they are.
"""


# %% nbgrader={"grade": false, "grade_id": "normalize", "locked": false, "schema_version": 3, "solution": true, "task": false}
def normalize(train_images, test_images):
    """(N, ...), (M, ...) -> the same shapes, both measured with the training set's mean and spread"""
    # about 3 lines
    ### BEGIN SOLUTION
    # two numbers, taken before anything changes; the minus makes new tensors, so the inputs stay
    mean, std = train_images.mean(), train_images.std()
    return (train_images - mean) / std, (test_images - mean) / std
    ### END SOLUTION


# %%
hint("normalize")


# %% nbgrader={"grade": true, "grade_id": "normalize__values", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("normalize__values")
def _():
    first = torch.tensor([[[[0.0, 2.0], [2.0, 4.0]]], [[[0.0, 0.0], [6.0, 2.0]]]]) / 3
    second = torch.tensor([[[[1.0, 4.0], [2.0, 0.0]]]])
    check.that(
        "two images of four pixels: the mean is 2/3, the variance 4/9 (or 32/63)",
        lambda: tuple(normalize(first, second)),
        judge=lambda seen, first, second: (
            None
            if any(
                np.allclose(seen[0], (first - 2 / 3) / d, atol=1e-3)
                and np.allclose(seen[1], (second - 2 / 3) / d, atol=1e-3)
                for d in (2 / 3, (32 / 63) ** 0.5)
            )
            else "the training images are not what they should be"
            if not any(np.allclose(seen[0], (first - 2 / 3) / d, atol=1e-3) for d in (2 / 3, (32 / 63) ** 0.5))
            else "the test images are measured with a ruler of their own"
            if abs(np.mean(seen[1])) < 1e-3
            else "the test images are not measured with the training set's ruler"
        ),
        given={"first": first, "second": second},
        advice="print the mean and the spread you use: each is one number, from the training images only",
    )
    ### BEGIN HIDDEN TESTS
    pixels, others = (
        check.tensor(21, 40, 1, 9, 8) * 0.3 + torch.linspace(0, 1, 8),
        check.tensor(22, 7, 1, 9, 8) * 2 + 5,
    )

    def ruler(values):
        return (values - pixels.mean()) / pixels.std()

    check.close(
        "the training images of any set",
        lambda: normalize(pixels, others)[0],
        expected=lambda: ruler(pixels),
        rtol=1e-3,
        atol=1e-3,
    )
    check.close(
        "the test images, by the training set's mean and spread",
        lambda: normalize(pixels, others)[1],
        expected=lambda: ruler(others),
        rtol=1e-3,
        atol=1e-3,
    )
    check.probes("what normalize promises besides its numbers", lambda: lambda train, test: normalize(train, test), check.tensor(951, 40, 1, 9, 8), check.tensor(952, 7, 1, 9, 8), promises=("memory that is not contiguous", "float64", "the same call twice", "inputs left alone"), rtol=1e-3, atol=1e-3, expected=lambda: lambda train, test: [(images - train.mean()) / train.std() for images in (train, test)])
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "normalize__care", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("normalize__care")
def _():
    pixels, others = check.tensor(23, 30, 1, 6, 5) + 0.5, check.tensor(24, 4, 1, 6, 5)
    check.unchanged(
        "the images you were given are left alone", lambda: normalize(pixels, others), pixels, others
    )
    check.equal(
        "shapes and dtype stay, also in float64",
        lambda: [
            (str(x.dtype), list(x.shape))
            for x in (*normalize(pixels, others), *normalize(pixels.double(), others.double()))
        ],
        expected=[(f"torch.float{bits}", [n, 1, 6, 5]) for bits in (32, 64) for n in (30, 4)],
    )
    ### BEGIN HIDDEN TESTS
    rows, strided = (
        check.tensor(25, 300, 16, dtype="float64") * 3 - 2,
        check.tensor(26, 300, 12, 7, strided=True),
    )
    one = rows[:1] * 2
    check.close(
        "one test image, a row of pixels, float64",
        lambda: normalize(rows, one)[1],
        expected=lambda: (one - rows.mean()) / rows.std(),
        rtol=1e-3,
        atol=1e-3,
    )
    check.close(
        "images whose memory is not in one piece",
        lambda: normalize(strided, strided[:5])[1],
        expected=lambda: (strided[:5] - strided.mean()) / strided.std(),
        rtol=1e-3,
        atol=1e-3,
    )
    ### END HIDDEN TESTS


# %% tags=["picture"]
def ruled_pixels(f):
    return [float(f(torch.arange(1000.0), torch.ones(2))[0].mean().abs() < 1e-3), list(f(torch.arange(9.0), torch.ones(2))[1].shape)]


ruler = yours_or_ours("normalize", parts.normalize, ruled_pixels)
raw = fit_set.images[:5000], valid_set.images[:5000]
ruled = tuple(ruler(*raw))
mean, spread = round(float(ruled[0].mean()), 2) + 0.0, float(ruled[0].std())
owner = "yours" if whose("normalize") == "your" else "the course's"
plot.histograms(
    {"training, raw": raw[0], "validation, raw": raw[1], f"training, {owner}": ruled[0], f"validation, {owner}": ruled[1]},
    alt=f"Histograms of pixels: raw ones lie between 0 and 1, mostly at 0; {owner} have mean {mean:.2f} "
    f"and standard deviation {spread:.2f} in training, and nearly but not exactly the same on the validation images",
)

# %% [markdown]
r"""
Look at the titles. The training pixels have mean 0 and standard deviation 1 by construction. The validation pixels come
close, and **they should not come out exact**: they were measured with somebody else's ruler.
"""

# %% [markdown]
r"""
## 8.3 The classifier

The two-layer network of chapter 1 grows one layer and gets its numbers from the task: 784 pixels come in,
ten scores go out, one for each digit. Between them the layers get narrower.

| layer | out | parameters |
|---|---|---|
| Flatten | (N, 784) | 0 |
| Linear 784 → 256, ReLU | (N, 256) | 784 · 256 + 256 = 200,960 |
| Linear 256 → 128, ReLU | (N, 128) | 256 · 128 + 128 = 32,896 |
| Linear 128 → 10 | (N, 10) | 128 · 10 + 10 = 1,290 |

The ten scores are **logits**: any real numbers. No softmax at the end, because cross-entropy does that
itself, and does it without overflowing.
"""

# %% [markdown]
r"""
### Exercise 8.3 · `mnist_classifier`
*difficulty 1 of 3 · 10 minutes · about 10 lines*

Write the `nn.Module` `MNISTClassifier()`: (N, 1, 28, 28) → logits (N, 10), through Flatten, 784 → 256,
ReLU, 256 → 128, ReLU, 128 → 10, every linear layer with its bias: 235,146 parameters in all.

Each new classifier has its own fresh weights. It works for N = 1, in float64 after `.double()`, for images
whose memory is not in one piece (a transposed view), and gives the same in training and eval mode.
"""


# %% nbgrader={"grade": false, "grade_id": "mnist_classifier", "locked": false, "schema_version": 3, "solution": true, "task": false}
class MNISTClassifier(nn.Module):
    """(N, 1, 28, 28) -> logits (N, 10)"""

    # about 10 lines
    ### BEGIN SOLUTION
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(),  # keeps the first axis, whatever its length, and copies where it has to
            nn.Linear(784, 256),
            nn.ReLU(),
            nn.Linear(256, 128),
            nn.ReLU(),
            nn.Linear(128, 10),  # logits: no ReLU, which would cut off every "no", and no softmax
        )

    def forward(self, x):
        return self.layers(x)

    ### END SOLUTION


# %%
hint("mnist_classifier")


# %% nbgrader={"grade": true, "grade_id": "mnist_classifier__parameters", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("mnist_classifier__parameters")
def _():
    def fresh():
        model = MNISTClassifier()
        model(torch.zeros(2, 1, 28, 28))
        return model

    check.equal(
        "there are 235,146 parameters, in three weights and three biases",
        lambda: (
            sum(p.numel() for p in fresh().parameters()),
            sorted(p.numel() for p in fresh().parameters()),
        ),
        expected=(235146, [10, 128, 256, 1280, 32768, 200704]),
        advice="print([tuple(p.shape) for p in MNISTClassifier().parameters()]) and compare with the table",
    )

    def shared():
        one, other = fresh(), fresh()
        with torch.no_grad():
            before = [p.detach().clone() for p in other.parameters()]
            for p in one.parameters():
                p.add_(1.0)
        return [bool(torch.equal(p, q)) for p, q in zip(other.parameters(), before)]

    check.equal("each classifier has weights of its own: changing one leaves the other", shared, expected=[True] * 6)
    ### BEGIN HIDDEN TESTS

    def reached():
        model = fresh()
        F.cross_entropy(
            model(check.tensor(31, 30, 1, 28, 28)), check.integers(32, 0, 10, 30, kind="torch")
        ).backward()
        return [bool(p.grad is not None and p.grad.abs().sum() > 0) for p in model.parameters()]

    check.equal("a gradient reaches every parameter of a fresh classifier", reached, expected=[True] * 6)
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "mnist_classifier__logits", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
@check.cell("mnist_classifier__logits")
def _():
    def answer(x, dtype="float32", training=False):
        model = parts.fill_classifier(MNISTClassifier(), 33).to(getattr(torch, dtype)).train(training)
        return model(x).detach()

    def expected(x):
        return parts.mnist_classifier(33).to(x.dtype)(x).detach()

    x = check.tensor(34, 5, 1, 28, 28)
    check.equal(
        "five images give five rows of ten logits", lambda: list(MNISTClassifier()(x).shape), expected=[5, 10]
    )
    check.close(
        "with weights set by this check, the logits are those of the network in the table",
        lambda: answer(x),
        expected=lambda: expected(x),
        advice="go through the table: which layer is followed by a ReLU, and what comes after the last?",
    )
    check.close("a single image", lambda: answer(x[:1]), expected=lambda: expected(x[:1]))
    turned = check.tensor(35, 4, 1, 28, 28).transpose(2, 3)
    check.close(
        "transposed images, whose memory is not in one piece",
        lambda: answer(turned), expected=lambda: expected(turned),
    )
    check.close(
        "float64 in, float64 out",
        lambda: answer(x.double(), "float64"), expected=lambda: expected(x.double()),
    )
    check.equal("training mode gives the same as eval mode", lambda: torch.allclose(answer(x, training=True), answer(x)), expected=True)
    ### BEGIN HIDDEN TESTS
    check.unchanged("the images are left alone", lambda: answer(x), x)
    big = check.tensor(36, 3, 1, 28, 28) * 40
    check.close("large inputs give large logits", lambda: answer(big), expected=lambda: expected(big))
    ### END HIDDEN TESTS


# %% [markdown]
r"""
**What does it say before it has learned anything?** Small random weights give small logits, and the softmax
of ten small numbers is about 0.1 each. So a fresh classifier is right about one time in ten, and its
cross-entropy is about $-\log 0.1 = \ln 10 \approx 2.30$. Remember that number; question A comes back to it.
"""

# %% tags=["picture"]
class Ours(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = parts.mnist_classifier(int(torch.randint(10**6, ())))

    def forward(self, x):
        return self.layers(x)


classifier_class = yours_or_ours("MNISTClassifier", Ours, lambda kind: list(kind()(torch.zeros(2, 1, 28, 28)).shape))
torch.manual_seed(3)
fresh = classifier_class().eval()
image, label = valid_set[0]
with torch.no_grad():
    said = F.softmax(fresh(image[None]), dim=1)[0]
plot.bars(
    {f"digit {k}" + (" (the label)" if k == label else ""): float(said[k]) for k in range(10)},
    xlabel="probability",
    alt=f"What {whose('MNISTClassifier')} untrained classifier says of one image: every digit gets about 0.1, "
    f"the label {label} gets {float(said[label]):.3f}",
)

# %% [markdown]
r"""
## 8.4 How good is it?

The loss is what the optimizer looks at. People ask something simpler: of 100 images, how many are right?
The answer of a classifier is the place of its largest logit, and **accuracy** is the share of answers that
are right.

Three things go wrong here, all in silence. The *last batch is smaller*, so the mean of the batches'
accuracies is not the accuracy: each **sample** has to weigh the same. Dropout and batch norm behave
differently in *training mode*. And without `no_grad` each batch builds a graph that nobody will ever walk
back.
"""

# %% [markdown]
r"""
### Exercise 8.4 · `evaluate`
*difficulty 2 of 3 · 12 minutes · about 10 lines*

Write `evaluate(model, loader)` → the accuracy in [0, 1] as a Python `float`, each sample weighing the same.
`loader` gives pairs of images and labels; the model's answer is its largest logit (any number of classes).

The model answers in **eval mode** and **without building a graph**. On return, `model.training` is as it
was before, whichever it was (its submodules share it), and so are weights and the global grad mode.
"""


# %% nbgrader={"grade": false, "grade_id": "evaluate", "locked": false, "schema_version": 3, "solution": true, "task": false}
def evaluate(model, loader):
    """a classifier, an iterable of (images (B, ...), labels (B,)) -> accuracy: float in [0, 1]"""
    # about 10 lines
    ### BEGIN SOLUTION
    was_training = model.training
    model.eval()
    right = total = 0
    with torch.no_grad():
        for images, labels in loader:
            answers = model(images).argmax(dim=1)  # (B, C) -> (B,)
            right += (answers == labels).sum().item()  # count, and divide once at the end
            total += len(labels)
    model.train(was_training)  # train(False) is eval()
    return right / total
    ### END SOLUTION


# %%
hint("evaluate")


# %% nbgrader={"grade": true, "grade_id": "evaluate__value", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
@check.cell("evaluate__value")
def _():
    def accuracy(answers, labels, batch_size, classes=10, dtype="float32"):
        cards = parts.digit_cards(answers, labels, classes=classes, dtype=dtype)
        model = parts.digit_reader(classes).to(getattr(torch, dtype))
        with check.lend(evaluate, confusion_matrix=parts.count_confusions):
            return evaluate(model, DataLoader(cards, batch_size=batch_size))

    check.close(
        "5 of 7 answers are right, in batches of 4 and 3; the result is a Python float",
        lambda: accuracy([1, 2, 3, 4, 9, 9, 7], [1, 2, 3, 4, 5, 6, 7], 4),
        expected=5 / 7,
        rtol=1e-5,
        advice="count right answers and samples over all batches, and divide once",
    )
    check.close("everything right", lambda: accuracy([3, 1, 4, 1], [3, 1, 4, 1], 2), expected=1.0, rtol=1e-5)
    rows, meant = torch.eye(12)[[11, 3, 10]] - 2, torch.tensor([11, 3, 2])

    def twelve(images, labels, model):
        with check.lend(evaluate, confusion_matrix=lambda m, loader, num_classes=10: parts.count_confusions(m, loader, 12)):
            return evaluate(model, DataLoader(TensorDataset(images, labels), batch_size=4))

    check.close(
        "three rows of twelve logits, all negative: 2 of 3 are right",
        lambda: twelve(rows, meant, nn.Identity()), expected=2 / 3, rtol=1e-5,
        advice="how many classes there are follows from the logits",
    )
    ### BEGIN HIDDEN TESTS
    answers, labels = check.integers(41, 0, 10, 37), check.integers(42, 0, 10, 37)
    answers[::2] = labels[::2]
    for size in (1, 6, 37):
        check.close(
            f"37 samples in batches of {size}",
            lambda size=size: accuracy(answers, labels, size),
            expected=float((answers == labels).mean()),
            rtol=1e-5,
        )
    check.close(
        "three classes, float64, everything wrong",
        lambda: accuracy([0, 1, 2, 2], [1, 2, 0, 1], 3, 3, "float64"),
        expected=0.0,
    )
    check.close("a single sample", lambda: accuracy([6], [6], 8), expected=1.0)

    class Summed(nn.Module):
        def forward(self, x):
            return x.sum((2, 3))

    maps = check.tensor(43, 9, 12, 2, 2, dtype="float64") - 1
    said = maps.sum((2, 3)).argmax(1)
    meant = torch.where(torch.arange(9) % 3 == 0, (said + 1) % 12, said)
    check.close("twelve classes, logits of any sign", lambda: twelve(maps, meant, Summed()), expected=6 / 9, rtol=1e-5)
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "evaluate__mode", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("evaluate__mode")
def _():
    loader = DataLoader(parts.digit_cards([1, 2, 3, 4, 5], [1, 2, 3, 4, 0], [0, 0, 0, 0, 0]), batch_size=2)

    def look(training, grad_mode=True):
        model = parts.digit_reader().train(training)
        with check.lend(evaluate, confusion_matrix=parts.count_confusions), torch.set_grad_enabled(grad_mode):
            found = float(evaluate(model, loader))
            after = torch.is_grad_enabled()
        return {
            "accuracy": found,
            "modes": [m.training for m in model.modules()],
            "graph": any(g for _, g in model.notes),
            "grad mode": after,
            "weight": model.weight,
        }

    check.close(
        "this model is right 4 times of 5 in eval mode, and once in training mode",
        lambda: look(True)["accuracy"],
        expected=0.8,
        rtol=1e-5,
        advice="which mode is the model in while it answers?",
    )
    check.equal(
        "a model in training mode is in training mode again on return, its submodules too",
        lambda: look(True)["modes"],
        expected=[True, True, True],
    )
    check.equal("a model in eval mode stays in eval mode", lambda: look(False)["modes"], expected=[False] * 3)
    check.equal(
        "no graph is built",
        lambda: look(True)["graph"],
        expected=False,
        advice="do the outputs of the model require grad?",
    )
    check.equal(
        "the global grad mode is as before, on or off",
        lambda: [look(True, mode)["grad mode"] for mode in (True, False)],
        expected=[True, False],
    )
    ### BEGIN HIDDEN TESTS
    check.close(
        "once more, from eval mode",
        lambda: (look(False)["accuracy"], look(False)["weight"]),
        expected=(0.8, torch.zeros(10)),
        rtol=1e-5,
    )

    def grads():
        model = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(784), nn.Linear(784, 10))
        with check.lend(evaluate, confusion_matrix=parts.count_confusions):
            evaluate(model, loader)
        return [p.grad is None and p.requires_grad for p in model.parameters()], model[1].running_mean

    check.equal(
        "parameters, their flags and running averages are left alone",
        grads,
        expected=([True] * 4, torch.zeros(784)),
    )
    ### END HIDDEN TESTS


# %% [markdown]
r"""
## 8.5 First, sixteen images

Do not start with the whole set. Take **one batch of sixteen** and train on nothing else. A network with
235,146 parameters can learn sixteen images by heart, so the loss has to go to zero. If it does not, the bug
is in your code, and you have found it in a second instead of an evening.

| what you see | what it usually is |
|---|---|
| the loss stays at 2.30 | the optimizer has other parameters than the model, or nothing is updated |
| it falls, then sticks at 1.46 | a softmax before the loss |
| it jumps about | the learning rate is too large |
| it goes to zero | the machinery works: now the real data |

One famous bug it easily misses: gradients that are never cleared. On sixteen images the loss often gets to zero all the same, with old
gradients in every step. So the exercise asks for it by name, and its check looks into `.grad`.
"""

# %% [markdown]
r"""
### Exercise 8.5 · `overfit_one_batch`
*difficulty 2 of 3 · 12 minutes · about 8 lines*

Write `overfit_one_batch(model, x, y, steps=200)`: train `model` **in place** on the one batch of images `x`
and labels `y` with exactly `steps` updates, each from gradients of its own (those of earlier steps are cleared from `.grad`), and return the (mean)
cross-entropy after the last update, or at it, that is, just before it, as a Python `float`. Optimizer and learning
rate are up to you.

With a batch of 16 digits, a fresh classifier and 200 steps, the cross-entropy has to come out under 0.01.
The batch is left as it is, and a model that comes in training mode leaves in training mode.
"""


# %% nbgrader={"grade": false, "grade_id": "overfit_one_batch", "locked": false, "schema_version": 3, "solution": true, "task": false}
def overfit_one_batch(model, x, y, steps=200):
    """a classifier, (B, 1, 28, 28), (B,) -> the cross-entropy of the last step: float"""
    # about 8 lines
    ### BEGIN SOLUTION
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(steps):
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()  # anywhere between the last step and this backward
        loss.backward()
        optimizer.step()
    return loss.item()  # the loss at the last update; .item() lets go of the graph
    ### END SOLUTION


# %%
hint("overfit_one_batch")


# %% nbgrader={"grade": true, "grade_id": "overfit_one_batch__steps", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("overfit_one_batch__steps")
def _():
    weight, x = check.tensor(51, 6, 10, dtype="float64"), check.tensor(52, 5, 1, 28, 28, dtype="float64") + 0.5
    y = check.integers(53, 0, 10, 5, kind="torch")

    def run(steps):
        model = parts.step_recorder(weight)
        # an optimizer that has nothing left to do, its loss being exactly 0, still takes its step
        with check.lend(overfit_one_batch, train=parts.train_classifier, evaluate=parts.evaluate_classifier), parts.optimizer_steps() as taken:
            loss = overfit_one_batch(model, x, y, steps) if steps != 200 else overfit_one_batch(model, x, y)
        seen = [weight for _, weight in model.seen] + [model.weight.detach().clone()]
        changes = [seen[i] for i in range(len(seen) - 1) if not torch.equal(seen[i], seen[i + 1])]
        last_two = torch.stack([*changes[-1:], seen[-1]])
        return {
            "updates": max(len(changes), len(taken)),
            "loss": loss,
            "first": seen[0],
            "last": last_two,
            "mode": model.training,
            "stale": parts.stale_gradients(model, x, y),
        }

    check.equal("3 steps are 3 updates", lambda: run(3)["updates"], expected=3, advice="how often does the optimizer step?")
    check.that(
        "the result is the cross-entropy at or after the last update, as a Python float",
        lambda: run(5),
        judge=lambda seen, x, y: (
            "it is not a Python float"
            if not isinstance(seen["loss"], float)
            else None
            if any(
                abs(seen["loss"] - judges.mean_cross_entropy(x @ w, y)) < 1e-5 * seen["loss"]
                for w in seen["last"]
            )
            else "it is the loss before the first update"
            if abs(seen["loss"] - judges.mean_cross_entropy(x @ seen["first"], y)) < 1e-5
            else "it is a sum over the batch"
            if any(abs(seen["loss"] / 5 - judges.mean_cross_entropy(x @ w, y)) < 1e-5 for w in seen["last"])
            else "it looks like a share of right answers"
            if seen["loss"] in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
            else "it is not the cross-entropy of this batch"
        ),
        given={"x": x.reshape(5, 784)[:, :6], "y": y},
        advice="return the loss of the last step, not of the first, and as a number, not as a tensor",
    )
    check.equal(
        "at no step is an older step's gradient still in .grad",
        lambda: run(4)["stale"], expected=0,
        advice="print the norm of a weight's .grad before and after each backward",
    )
    check.equal("a model that comes in training mode leaves in training mode", lambda: run(2)["mode"], expected=True)
    ### BEGIN HIDDEN TESTS
    check.equal("nor in a longer run", lambda: run(30)["stale"], expected=0)
    check.equal(
        "one step is one update, and without a number there are 200",
        lambda: [run(n)["updates"] for n in (1, 2, 17, 200)],
        expected=[1, 2, 17, 200],
    )
    check.unchanged("the batch is left alone", lambda: run(3), x, y)
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "overfit_one_batch__by_heart", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("overfit_one_batch__by_heart")
def _():
    def learn(first, seed):
        x, y = train_set.images[first : first + 16].clone(), train_set.labels[first : first + 16].clone()
        model = parts.mnist_classifier(seed)
        before = [p.detach().clone() for p in model.parameters()]
        with check.lend(overfit_one_batch, train=parts.train_classifier, evaluate=parts.evaluate_classifier):
            loss = overfit_one_batch(model, x, y)
        moved = [not torch.equal(p, q) for p, q in zip(model.parameters(), before, strict=True)]
        return {"loss": loss, "logits": model.eval()(x).detach(), "moved": moved}

    check.equal(
        "every weight and bias of the model moves", lambda: learn(0, 54)["moved"], expected=[True] * 6
    )
    check.that(
        "after 200 steps the cross-entropy of 16 digits is under 0.01: your number, and the model's own",
        lambda: learn(0, 54),
        judge=lambda seen, y: (
            "the model has not learned the batch"
            if not judges.mean_cross_entropy(seen["logits"], y) < 0.01
            else "your number is not under 0.01"
            if not float(seen["loss"]) < 0.01
            else None
        ),
        given={"y": train_set.labels[:16]},
        advice="print the loss every 20 steps: does it fall, and how far?",
    )
    # five samples that this weight knows already: the loss is 0.003 from the start
    known, y = torch.zeros(6, 10, dtype=torch.float64), torch.tensor([3, 0, 7, 7, 1])
    cards = torch.zeros(5, 1, 28, 28, dtype=torch.float64)
    for i in range(5):
        known[i, int(y[i])] = 1.0
        cards[i, 0, 0, i] = 8.0

    def known_already():
        model = parts.step_recorder(known)
        with check.lend(overfit_one_batch, train=parts.train_classifier, evaluate=parts.evaluate_classifier), parts.optimizer_steps() as taken:
            overfit_one_batch(model, cards, y, 4)
        seen = [weight for _, weight in model.seen] + [model.weight.detach().clone()]
        changes = sum(not torch.equal(seen[i], seen[i + 1]) for i in range(len(seen) - 1))
        return max(changes, len(taken)), cards.requires_grad

    check.equal(
        "a batch that is known already, its loss under 0.01 from the start, is trained on all the same: 4 updates",
        known_already, expected=(4, False), advice="steps says how many updates there are, whatever the loss is",
    )
    ### BEGIN HIDDEN TESTS
    check.that(
        "another sixteen digits",
        lambda: learn(160, 55),
        judge=lambda seen, y: (
            "the model has not learned the batch"
            if not judges.mean_cross_entropy(seen["logits"], y) < 0.01
            else "your number is not under 0.01"
            if not float(seen["loss"]) < 0.01
            else None
        ),
        given={"y": train_set.labels[160:176]},
    )
    ### END HIDDEN TESTS


# %% tags=["picture"]
import copy

sixteen = fit_set.images[:16], fit_set.labels[:16]
overfit = yours_or_ours(
    "overfit_one_batch", parts.overfit_one_batch, lambda f: float(f(parts.mnist_classifier(2), *sixteen, steps=60)) < 0.5
)
torch.manual_seed(4)
untrained, steps, falling = classifier_class(), [1, 2, 5, 10, 20, 50, 100, 200], []
for count in steps:
    learner = copy.deepcopy(untrained)
    falling.append(float(overfit(learner, *sixteen, steps=count)))
plot.curves(
    {"cross-entropy of 16 digits": (np.array(steps), falling)},
    log=True,
    ylabel="cross-entropy",
    alt=f"The loss of {whose('MNISTClassifier')} classifier on one batch, on a logarithmic axis: "
    f"{falling[0]:.3g} after one step, {falling[-1]:.3g} after 200",
)

# %% [markdown]
r"""
Sixteen images by heart. And the images it has never seen? Below, the accuracy of that classifier on both, by
your `evaluate`. **Learning is what happens to the images you did not train on.**
"""

# %% tags=["picture"]
answers = [(torch.eye(3)[[0, 1, 1]], torch.tensor([0, 1, 2])), (torch.eye(3)[:1], torch.tensor([0]))]
measure = yours_or_ours("evaluate", parts.evaluate_classifier, lambda f: f(nn.Identity(), answers))
known = measure(learner, DataLoader(TensorDataset(*sixteen), 16))
unknown = measure(learner, DataLoader(TensorDataset(valid_set.images, valid_set.labels), 256))
print(f"on its 16 images: {known:.0%}    on the validation set: {unknown:.1%}")

# %% [markdown]
r"""
## 8.6 The loop

Everything is in place: batches, a model, a loss, an optimizer, a measure. `train` is the function that you
will write, in one form or another, in every project from now on:

> for every epoch: for every batch: **forward, loss, clear, backward, step**; then say how it is going.

The order of the five matters less than it looks (clearing may come first), but each must be there, once.
And the cross-entropy wants **logits**: with a softmax in between, training limps and still reaches a decent
number, which makes that bug so hard to see.
"""

# %% [markdown]
r"""
### Exercise 8.6 · `train`
*difficulty 3 of 3 · 20 minutes · about 18 lines*

Write `train(model, train_loader, epochs=5)`: train `model` in place with **cross-entropy** and **Adam**,
one update a batch, at a learning rate of your choice. After each epoch print one line with the accuracy on
the training data. Return the list of the `epochs` accuracies, numbers in [0, 1], each sample weighing the
same, counted while the epoch runs or measured after it.

Your function is handed a fresh classifier of this chapter's shape in training mode, and leaves it in
training mode. Trained for four epochs on 24,000 training images (or all there are, where there are fewer),
it must be right on **at least 95 %** of images it never saw. The grader counts that itself, from the
trained weights.
"""


# %% nbgrader={"grade": false, "grade_id": "train", "locked": false, "schema_version": 3, "solution": true, "task": false}
def train(model, train_loader, epochs=5):
    """a classifier, batches of (images, labels) -> list of `epochs` training accuracies"""
    # about 18 lines
    ### BEGIN SOLUTION
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    accuracies = []
    for epoch in range(epochs):
        model.train()  # whoever looked at the model between two epochs may have left it in eval mode
        right = total = 0
        for images, labels in train_loader:
            logits = model(images)
            loss = F.cross_entropy(logits, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            # counted on the way: each batch is judged by the weights that it met
            right += (logits.argmax(dim=1) == labels).sum().item()
            total += len(labels)
        accuracies.append(right / total)
        print(f"epoch {epoch + 1} of {epochs}: {accuracies[-1]:.1%} of the training images right")
    return accuracies
    ### END SOLUTION


# %%
hint("train")


# %% nbgrader={"grade": true, "grade_id": "train__method", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("train__method")
def _():
    def moved(weight, batches, classes):
        with check.lend(train, evaluate=parts.evaluate_classifier, confusion_matrix=parts.count_confusions):
            return parts.weights_on_the_way(train, weight, batches, classes)

    # three equal batches of one image labelled 0 and one labelled 1; the model says 0.3 and 0.6
    logits = torch.log(torch.tensor([[0.3, 0.6] + [0.0125] * 8])) + 2
    check.that(
        "said 0.3 where half is right, the logit rises; said 0.6, it falls: that is cross-entropy of logits",
        lambda: moved(logits, [([1.0], [0, 1])] * 3, [0, 1]),
        judge=lambda seen: (
            "the model's weights do not move"
            if not np.any(seen[-1] != seen[0])
            else None
            if seen[-1][0, 0] > seen[0][0, 0] and seen[-1][0, 1] < seen[0][0, 1]
            else "the weights move another way"
        ),
        advice="cross-entropy takes the model's output as it is",
    )
    # pixel 0 is ten times fainter than pixel 1, and pixel 2 is there in the first batch only
    batches = [([0.05, 0.5, 0.5], [0, 0])] + [([0.05, 0.5, 0.0], [0, 0])] * 8
    check.that(
        "a faint pixel's weight moves as fast as a bright one's: that is Adam",
        lambda: moved(torch.zeros(3, 10), batches, [0]),
        judge=lambda seen: (
            "the model's weights do not move"
            if not np.any(seen[-1] != seen[0])
            else None
            if 0.8 < (seen[-1] - seen[0])[0, 0] / (seen[-1] - seen[0])[1, 0] < 1.25
            else "a smaller gradient makes a smaller step: plain gradient descent"
        ),
        advice="which optimizer divides each gradient by its own size?",
    )
    check.that(
        "eight batches later, the first batch's gradient has nearly faded",
        lambda: moved(torch.zeros(3, 10), batches, [0]),
        judge=lambda seen: (
            "the model's weights do not move"
            if not np.any(seen[8] != seen[7])
            else "it is gone at once: no Adam"
            if (seen[8] - seen[7])[2, 0] / (seen[8] - seen[7])[1, 0] < 0.01
            else "it is still there in full"
            if (seen[8] - seen[7])[2, 0] / (seen[8] - seen[7])[1, 0] > 0.6
            else None
        ),
    )
    ### BEGIN HIDDEN TESTS
    sure = torch.log(torch.tensor([[0.05, 0.85] + [0.0125] * 8])) + 4
    check.that(
        "said 0.85 where half is right, the logit falls; said 0.05, it rises",
        lambda: moved(sure, [([1.0], [0, 1])] * 2, [0, 1]),
        judge=lambda seen: (
            "the model's weights do not move"
            if not np.any(seen[-1] != seen[0])
            else None
            if seen[-1][0, 0] > seen[0][0, 0] and seen[-1][0, 1] < seen[0][0, 1]
            else "the weights move another way"
        ),
    )
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "train__report", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("train__report")
def _():
    import contextlib
    import io

    def report(answers, labels, epochs, dtype="float32", asleep=0):
        loader = DataLoader(parts.digit_cards(answers, labels, dtype=dtype), batch_size=4)
        model, text = parts.digit_reader(asleep=asleep).to(getattr(torch, dtype)), io.StringIO()
        with contextlib.redirect_stdout(text), check.lend(train, evaluate=parts.evaluate_classifier):
            result = train(model, loader) if epochs == 5 else train(model, loader, epochs=epochs)
        lines = [
            line for line in text.getvalue().replace("\r", "\n").split("\n") if any(c.isdigit() for c in line)
        ]
        return [float(accuracy) for accuracy in result], lines

    ten = [1, 2, 3, 4, 5, 6, 7, 0, 0, 0], [1, 2, 3, 4, 5, 6, 7, 8, 9, 9]
    check.close(
        "this model is right on 7 of 10, whatever it learns: two epochs give [0.7, 0.7]",
        lambda: report(*ten, 2)[0],
        expected=[0.7, 0.7],
        rtol=1e-5,
        advice="count right answers and samples over the whole epoch; the batches here hold 4, 4 and 2",
    )
    check.close(
        "this one is wrong until its weights have moved five times: of four epochs the first gives 0, the last 1",
        lambda: report(ten[1], ten[1], 4, asleep=5)[0][::3],
        expected=[0.0, 1.0],
        rtol=1e-5,
        advice="each entry is its own epoch's accuracy: do your counters start again?",
    )
    check.that(
        "one line with the accuracy is printed after each of three epochs",
        lambda: report(*ten, 3)[1],
        judge=lambda lines: (
            "nothing is printed"
            if not lines
            else "there are too few lines"
            if len(lines) < 3
            else "there are too many lines"
            if len(lines) > 8
            else "the accuracy is not in the lines"
            if sum("7" in line or "6.9" in line or "0.69" in line for line in lines) < 3
            else None
        ),
        advice="print inside the loop over epochs, after the loop over batches",
    )
    ### BEGIN HIDDEN TESTS
    check.close(
        "without a number there are five epochs", lambda: report(*ten, 5)[0], expected=[0.7] * 5, rtol=1e-5
    )
    nine = [4, 4, 4, 4, 4, 4, 4, 4, 1], [4, 0, 4, 0, 4, 4, 0, 0, 1]
    check.close("a last batch of one", lambda: report(*nine, 1)[0], expected=[5 / 9], rtol=1e-5)
    check.close(
        "float64 images and weights", lambda: report(*nine, 3, "float64")[0], expected=[5 / 9] * 3, rtol=1e-5
    )
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "train__mode", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("train__mode")
def _():
    def look(epochs):
        loader = DataLoader(parts.digit_cards([1, 2, 3, 4, 0], [1, 2, 3, 4, 5]), batch_size=2)
        model = parts.digit_reader()
        with check.lend(train, evaluate=parts.evaluate_classifier), parts.quietly():
            train(model, loader, epochs=epochs)
        learning = sum(training and graph for training, graph in model.notes)
        return {
            "modes": [m.training for m in model.modules()],
            "learning": learning,
            "grad mode": torch.is_grad_enabled(),
            "flags": [p.requires_grad for p in model.parameters()],
        }

    check.that(
        "three batches, two epochs: six times the model runs in training mode with a graph",
        lambda: look(2)["learning"],
        judge=lambda count: (
            None
            if count >= 6
            else "it does not run at all"
            if count == 0
            else "some batches are trained on in eval mode, or not at all"
        ),
        advice="if you measure after an epoch in eval mode, go back to training mode before the next",
    )
    check.equal(
        "a model in training mode leaves in training mode",
        lambda: look(2)["modes"],
        expected=[True, True, True],
    )
    ### BEGIN HIDDEN TESTS
    check.equal("gradients are on afterwards, as before", lambda: look(1)["grad mode"], expected=True)
    check.equal("the trained parameters still require grad", lambda: all(look(1)["flags"]), expected=True)
    ### END HIDDEN TESTS


# %% [markdown]
r"""
The checks above took a moment; **this one trains for real** and takes some seconds. It hands your function
a classifier of the course's own, so that only `train` is judged. Four epochs, and then images it never saw.
"""


# %% nbgrader={"grade": true, "grade_id": "train__learns", "locked": true, "points": 2, "schema_version": 3, "solution": false, "task": false}
@check.cell("train__learns")
def _():
    def trained(images, labels, batch_size, epochs):
        model = parts.mnist_classifier(61)
        loader = parts.shuffled_loader(images, labels, batch_size, seed=62)
        with check.lend(train, evaluate=parts.evaluate_classifier, confusion_matrix=parts.count_confusions):
            train(model, loader, epochs=epochs)
        return {name: value for name, value in model.state_dict().items()}

    check.that(
        "after four epochs a fresh classifier is right on at least 95 % of images it never saw",
        lambda: trained(train_set.images[:24000], train_set.labels[:24000], 32, 4),
        judge=lambda state, source: judges.mnist_accuracy(state, 0.95, source),
        given={"source": train_set.source},
        advice="far off: do the model's own weights move? Close: logits into the loss, all batches?",
    )
    ### BEGIN HIDDEN TESTS
    # every digit gets another's name: who does not look at the loader's labels is wrong everywhere
    cycle, relabel = check.rng(63).permutation(10), torch.zeros(10, dtype=torch.int64)
    relabel[cycle] = torch.from_numpy(np.roll(cycle, 1))
    check.that(
        "it learns from the loader it is given: the same images with other labels",
        lambda: trained(train_set.images[-6000:], relabel[train_set.labels[-6000:]], 32, 2),
        judge=lambda state, source, relabel: judges.mnist_accuracy(state, 0.6, source, relabel),
        given={"source": train_set.source, "relabel": relabel},
    )
    ### END HIDDEN TESTS


# %% [markdown]
r"""
**Now your own, end to end**: your ruler, your loaders, your classifier, your loop, your measure. To have
the validation accuracy after every epoch, `train` is called for one epoch at a time. (Adam forgets its averages
in between; for a picture that does no harm.)
"""

# %% tags=["picture"]
def one_epoch(f):
    with parts.quietly():
        return len(f(nn.Linear(3, 3), answers, epochs=1))


fit = yours_or_ours("train", parts.train_classifier, one_epoch)
torch.manual_seed(8)
ruled_fit, ruled_valid = ruler(fit_set.images, valid_set.images)
train_loader, valid_loader = loaders(
    TensorDataset(ruled_fit, fit_set.labels), TensorDataset(ruled_valid, valid_set.labels), 128
)
classifier, seen, unseen = classifier_class(), [], []
for epoch in range(4):
    seen += [float(accuracy) for accuracy in fit(classifier, train_loader, epochs=1)]
    unseen.append(measure(classifier, valid_loader))

# %% tags=["picture"]
epochs = np.arange(1, 5)
plot.curves(
    {"training images": (epochs, seen), "validation images": (epochs, unseen), "95 %": (epochs[::3], [0.95] * 2)},
    xlabel="epoch",
    ylabel="accuracy",
    alt=f"Accuracy over four epochs: on the training images from {seen[0]:.1%} to {seen[-1]:.1%}, "
    f"on the validation images from {unseen[0]:.1%} to {unseen[-1]:.1%}; a line marks 95 %",
)

# %% [markdown]
r"""
In the first epoch the validation images may do *better* than the training images: the training number was counted
while the network was still learning, the validation number after it. Later the training images come out ahead. How
far ahead is what has been learned by heart.
"""

# %% [markdown]
r"""
## 8.7 Which digits, and taken for which?

One number hides what you most want to know. The **confusion matrix** has a row for each true digit and a
column for each answer: `matrix[4, 9]` counts the fours that were called nine. What is right lies on the
diagonal, and everything beside it is a story.

A row sums to the number of images of that digit; all of it sums to the number of images; and the diagonal
divided by that is the accuracy. Three checks for free, whenever you print one.
"""

# %% [markdown]
r"""
### Exercise 8.7 · `confusion_matrix`
*difficulty 2 of 3 · 12 minutes · about 10 lines*

Write `confusion_matrix(model, loader, num_classes=10)` → an int64 tensor (num_classes, num_classes): rows
are the **true** class, columns the **predicted** one, entries counts over all batches. A class that never
occurs has a row or a column of zeros.

As in `evaluate`: eval mode, no graph, and the model's mode is as before on return.
"""


# %% nbgrader={"grade": false, "grade_id": "confusion_matrix", "locked": false, "schema_version": 3, "solution": true, "task": false}
def confusion_matrix(model, loader, num_classes=10):
    """a classifier, batches -> int64 (num_classes, num_classes): true x predicted"""
    # about 10 lines
    ### BEGIN SOLUTION
    was_training = model.training
    model.eval()
    counts = torch.zeros(num_classes * num_classes, dtype=torch.int64)
    with torch.no_grad():
        for images, labels in loader:
            # one number for each pair: row times the width plus column; bincount counts equal numbers
            pairs = labels * num_classes + model(images).argmax(dim=1)
            counts += torch.bincount(pairs, minlength=num_classes * num_classes)
    model.train(was_training)
    return counts.reshape(num_classes, num_classes)
    ### END SOLUTION


# %%
hint("confusion_matrix")


# %% nbgrader={"grade": true, "grade_id": "confusion_matrix__counts", "locked": true, "points": 3, "schema_version": 3, "solution": false, "task": false}
@check.cell("confusion_matrix__counts")
def _():
    def counts(answers, labels, batch_size, classes):
        loader = DataLoader(parts.digit_cards(answers, labels, classes=classes), batch_size=batch_size)
        with check.lend(confusion_matrix, evaluate=parts.evaluate_classifier):
            if classes == 10:
                return confusion_matrix(parts.digit_reader(), loader)
            return confusion_matrix(parts.digit_reader(classes), loader, num_classes=classes)

    check.equal(
        "seven samples of three classes: two zeros were called 1, and a one was called 2",
        lambda: counts([0, 1, 1, 1, 2, 2, 2], [0, 0, 0, 1, 1, 2, 2], 4, 3),
        expected=torch.tensor([[1, 2, 0], [0, 1, 1], [0, 0, 2]]),
        advice="sum your rows: they count the true classes, here 3, 2 and 2",
    )
    check.equal(
        "of four classes the last never occurs: it has a row and a column all the same",
        lambda: counts([0, 2, 2], [0, 1, 2], 2, 4),
        expected=torch.tensor([[1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 1, 0], [0, 0, 0, 0]]),
        advice="the size of the table does not depend on what comes in",
    )

    ### BEGIN HIDDEN TESTS
    def expected(answers, labels, classes):
        table = np.zeros((classes, classes), dtype=np.int64)
        np.add.at(table, (labels, answers), 1)
        return torch.from_numpy(table)

    answers, labels = check.integers(71, 0, 10, 60), check.integers(72, 0, 10, 60)
    answers[::2] = labels[::2]
    for size in (1, 9, 60):
        check.equal(
            f"sixty digits in batches of {size}",
            lambda size=size: counts(answers, labels, size, 10),
            expected=lambda: expected(answers, labels, 10),
        )
    check.equal(
        "digits that never occur",
        lambda: counts([7, 7, 3], [7, 3, 3], 2, 10),
        expected=lambda: expected(np.array([7, 7, 3]), np.array([7, 3, 3]), 10),
    )
    check.equal(
        "one sample of five classes",
        lambda: counts([4], [1], 3, 5),
        expected=lambda: expected(np.array([4]), np.array([1]), 5),
    )
    ### END HIDDEN TESTS


# %% nbgrader={"grade": true, "grade_id": "confusion_matrix__mode", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
@check.cell("confusion_matrix__mode")
def _():
    loader = DataLoader(parts.digit_cards([1, 0, 2, 1], [1, 0, 2, 2], [0, 0, 0, 0], classes=3), batch_size=3)

    def look(training, grad_mode=True):
        model = parts.digit_reader(3).train(training)
        with (
            check.lend(confusion_matrix, evaluate=parts.evaluate_classifier),
            torch.set_grad_enabled(grad_mode),
        ):
            found = confusion_matrix(model, loader, 3)
            after = torch.is_grad_enabled()
        return {
            "matrix": found,
            "modes": [m.training for m in model.modules()],
            "graph": any(g for _, g in model.notes),
            "grad mode": after,
            "flags": [p.requires_grad for p in model.parameters()],
        }

    check.equal(
        "this model answers 0 to everything in training mode, so count in eval mode",
        lambda: look(True)["matrix"],
        expected=torch.tensor([[1, 0, 0], [0, 1, 0], [0, 1, 1]]),
    )
    check.equal(
        "training mode and eval mode come back as they were",
        lambda: [look(mode)["modes"] for mode in (True, False)],
        expected=[[True] * 3, [False] * 3],
    )
    check.equal("counting builds no graph", lambda: look(True)["graph"], expected=False)
    check.equal(
        "the parameters still require grad",
        lambda: all(look(True)["flags"]),
        expected=True,
    )
    ### BEGIN HIDDEN TESTS
    check.equal(
        "the grad mode outside is as before",
        lambda: [look(False, mode)["grad mode"] for mode in (True, False)],
        expected=[True, False],
    )
    check.equal(
        "the same matrix from eval mode",
        lambda: look(False)["matrix"],
        expected=torch.tensor([[1, 0, 0], [0, 1, 0], [0, 1, 1]]),
    )
    ### END HIDDEN TESTS


# %% tags=["picture"]
counting = yours_or_ours("confusion_matrix", parts.count_confusions, lambda f: f(nn.Identity(), answers, 3))
matrix = counting(classifier, valid_loader)
plot.confusion(matrix)
share = matrix.diag() / matrix.sum(dim=1)
best, hardest = int(share.argmax()), int(share.argmin())
print(f"recognised best: {best} ({float(share[best]):.1%}), worst: {hardest} ({float(share[hardest]):.1%})")

# %% [markdown]
r"""
**Look at what it got wrong.** Not at random: at those it was *surest* of. Some you would get wrong
yourself, some are labelled wrongly, and some show what the network never understood. Ten minutes with this
picture beat an evening of turning knobs. (They are validation images. Whoever studies the *test* images that went wrong
has begun to build for them.)
"""

# %% tags=["picture"]
classifier.eval()
with torch.no_grad():
    probabilities = F.softmax(classifier(ruled_valid), dim=1)
sure, guesses = probabilities.max(dim=1)
wrong = (guesses != valid_set.labels).nonzero().flatten()
worst = wrong[sure[wrong].argsort(descending=True)][:16]
plot.images(valid_set.images[worst], valid_set.labels[worst], guesses[worst])

# %% [markdown]
r"""
**And what does it look at?** Each of the 256 values of the first layer is a weighted sum of the 784 pixels,
so its weights are an image too. Below, eight of them: bright pixels speak for, dark ones against. They are
no digits; they are strokes and edges that tell digits apart.
"""

# %% tags=["picture"]
first = next(p.detach() for p in classifier.parameters() if p.numel() == 784 * 256)
filters = (first if first.shape[0] == 256 else first.T).reshape(256, 784)
strongest = filters.norm(dim=1).argsort(descending=True)[:8]
plot.images(
    filters[strongest].reshape(-1, 28, 28),
    columns=8,
    alt="Weights of eight hidden units of the first layer as images: blots and strokes of light and dark "
    "in the middle, no digits",
)

# %% [markdown]
r"""
## 8.8 A decision

Which learning rate? How many epochs? No formula tells you; a procedure does. **Write down what you will try, try it, and keep what
does best on the validation set.** Two questions come first. Is a difference between two runs larger than luck? And what does the
loss curve of a run tell you?

Begin with luck. Two things are drawn at random in a run: the first weights and the order of the images. A **seed** fixes both. The
same seed gives the same run, to the last digit (on one machine, with one version); another seed gives another.
"""

# %% tags=["picture"]
small_fit = TensorDataset(ruled_fit[:4000], fit_set.labels[:4000])
small_valid = TensorDataset(ruled_valid[:4000], valid_set.labels[:4000])


def run(lr, seed, epochs=3, train_on=small_fit):
    """train a fresh classifier; return its validation loss and accuracy after each epoch, and its training loss"""
    model = parts.mnist_classifier(seed)
    optimizer, report = torch.optim.Adam(model.parameters(), lr=lr), {"training": [], "validation": [], "accuracy": []}
    images, labels = train_on.tensors
    order = torch.Generator().manual_seed(seed)
    for _ in range(epochs):
        total = 0.0
        for batch in torch.randperm(len(images), generator=order).split(64):
            loss = F.cross_entropy(model(images[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch) / len(images)
        with torch.no_grad():
            logits, truth = model(small_valid.tensors[0]), small_valid.tensors[1]
        report["training"].append(total)
        report["validation"].append(float(F.cross_entropy(logits, truth)))
        report["accuracy"].append(float((logits.argmax(1) == truth).float().mean()))
    return report

# %% tags=["picture"]
again = [run(1e-3, seed=0)["accuracy"][-1] for _ in range(2)]
others = [run(1e-3, seed=seed)["accuracy"][-1] for seed in (1, 2, 3)]
luck = float(np.std([again[0], *others], ddof=1))
counted = (again[0] * (1 - again[0]) / len(small_valid)) ** 0.5
print(f"seed 0 twice: {again[0]:.2%} and {again[1]:.2%}; seeds 1 to 3: {', '.join(f'{a:.2%}' for a in others)}")
print(f"from seed to seed the accuracy varies by {luck:.2%} (one standard deviation)")
print(f"and {len(small_valid):,} images know an accuracy no better than to ± {counted:.2%}: √(p(1 - p)/n)")

# %% [markdown]
r"""
A difference of that size is no difference. Whoever reports "97.3 beats 97.1" from one run each has reported two draws.

**A small sweep.** Learning rates differ by *factors*, so they are tried in factors: four of them, two seeds each. Predict the winner,
and what the largest will look like.
"""

# %% tags=["picture"]
rates = (1e-4, 1e-3, 1e-2, 1e-1)
sweep = {lr: [run(lr, seed)["accuracy"][-1] for seed in (0, 1)] for lr in rates}
best_lr = max(sweep, key=lambda lr: np.mean(sweep[lr]))
plot.bars(
    {f"lr {lr:g}, seed {seed}": value for lr, values in sweep.items() for seed, value in enumerate(values)},
    xlabel="validation accuracy after three epochs on 4,000 images",
    alt="Validation accuracy by learning rate, two seeds each: "
    + "; ".join(f"{lr:g}: {' and '.join(f'{v:.1%}' for v in values)}" for lr, values in sweep.items())
    + f". Best on average: {best_lr:g}",
)

# %% [markdown]
r"""
Where the best one lies at an end of the range, the range was too short: go on in that direction. And between the best and its
neighbour, compare the gap with the luck above before you call it a winner.

**A curve.** Now the number of epochs. To see in seconds what takes hours elsewhere, the network gets 500 images only, and forty
epochs. Two losses are drawn: on those images, and on the validation images. Guess at which epoch the second is lowest.
"""

# %% tags=["picture"]
few = TensorDataset(ruled_fit[:500], fit_set.labels[:500])
curve = run(best_lr, seed=0, epochs=40, train_on=few)
turn = int(np.argmin(curve["validation"])) + 1
plot.curves(
    {name: (np.arange(1, 41), curve[name]) for name in ("training", "validation")}, xlabel="epoch", ylabel="cross-entropy", log=True,
    alt=f"Loss over forty epochs on 500 images, logarithmic: in training it falls to {curve['training'][-1]:.1g}; on the validation "
    f"images it is lowest after epoch {turn}, {min(curve['validation']):.2f}, and {curve['validation'][-1]:.2f} at the end",
)
print(f"validation loss: {min(curve['validation']):.3f} after epoch {turn}, {curve['validation'][-1]:.3f} after epoch 40")
print(f"validation accuracy: {curve['accuracy'][turn - 1]:.1%} after epoch {turn}, {curve['accuracy'][-1]:.1%} after epoch 40")

# %% [markdown]
r"""
Read it from left to right. Both fall: it learns what digits have in common. Then the validation loss stops, and may turn, while the other
falls on, a hundredfold: from there it learns *these* images. The accuracy may hardly notice, because a wrong answer that grows surer is still one wrong answer.

| what you see | what to do |
|---|---|
| both still falling at the end | train longer |
| both flat and high | a larger network, or a larger learning rate |
| training falls, validation has turned | stop there (*early stopping*), more data, dropout, weight decay |
| both jump about | a smaller learning rate |
"""

# %% [markdown]
r"""
## 8.9 On another device

A GPU is a second machine with a memory of its own, and nothing travels by itself. Three lines in every program:

```python
device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
model = model.to(device)  # once: a module moves in place
images, labels = images.to(device), labels.to(device)  # every batch: a tensor comes back as a new one
```

For those who have no GPU, the course has a device of its own that claims to be elsewhere. Predict which line of the output is
an error.
"""

# %% tags=["picture"]
with elsewhere.device() as away:
    there, batch = parts.mnist_classifier(0).to(away), ruled_fit[:128]
    try:
        there(batch)
        print("model there, images here: no error")
    except RuntimeError as error:
        print("model there, images here:", str(error).splitlines()[0])
    logits = there(batch.to(away))
    print("model there, images there: logits on", logits.device, "and `batch` itself is still on", batch.device)
print(f"each batch carries {batch.numel() * batch.element_size() / 1e6:.2f} MB across; all training images would be {ruled_fit.numel() * 4 / 1e6:.0f} MB")

# %% [markdown]
r"""
What does it cost? A copy per batch, a little time for each call, and a *wait* wherever a number comes back: `.item()`, `float(loss)`,
`print(tensor)` stop until the device is done. A set that fits into the device's memory is best moved once. The measure is the same as
everywhere: time it. The cell times the copy and the step here, on what this machine has.
"""

# %% tags=["picture"]
import time


def seconds(action, times=20):
    action()
    begun = time.perf_counter()
    for _ in range(times):
        action()
    if torch.cuda.is_available():
        torch.cuda.synchronize()  # a GPU answers before it is done
    return (time.perf_counter() - begun) / times


here = torch.device("cuda" if torch.cuda.is_available() else "cpu")
model, moved = parts.mnist_classifier(0).to(here), batch.to(here)
copying = seconds(lambda: batch.to(here, copy=True))
stepping = seconds(lambda: F.cross_entropy(model(moved), fit_set.labels[:128].to(here)).backward())
print(f"on {here}: copying a batch {1e6 * copying:.0f} µs, forward and backward {1e6 * stepping:.0f} µs")

# %% [markdown]
r"""
## 8.10 Once, and saved

The decision is made: this network, your training, the learning rate of your `train`. The model to ship is the `classifier` that you
watched on the validation set. Now the test set comes out, **for one number**. Write down your guess first: the validation accuracy
is a fair one, and a little too kind where you chose by it.

Whatever the number is, it stays. Whoever goes back to tune after seeing it has turned the test set into a second validation set.
"""

# %%
predicted = None  # the test accuracy, in per cent

# %% tags=["picture"]
mean, std = float(fit_set.images.mean()), float(fit_set.images.std())
ruled_test = (test_set.images - mean) / std
tested = measure(classifier, DataLoader(TensorDataset(ruled_test, test_set.labels), 256))
print(f"you said {predicted}; validation {unseen[-1]:.2%}, test {tested:.2%}, and an accuracy counted on {len(test_set):,} images is known to ± {(tested * (1 - tested) / len(test_set)) ** 0.5:.2%}")

# %% [markdown]
r"""
**A model is more than its weights.** Without the mean and the standard deviation of 8.2 they are useless: an image that comes in must
be measured with the same ruler. So the file holds both, and a card that says what it was trained on and how good it was. Only tensors,
numbers and strings: it opens with `weights_only=True` (chapter 6). Then it is read back and asked the same questions: a file that was
never loaded is a hope.
"""

# %% tags=["picture"]
try:
    file = artefact.save(classifier, mean=mean, std=std, source=train_set.source, accuracy=tested)
    again, card = artefact.load(file)
    with torch.no_grad():
        same = bool((again(ruled_test[:500]).argmax(1) == classifier(ruled_test[:500]).argmax(1)).all())
    print(f"{file}: {file.stat().st_size / 1e6:.2f} MB, read back with the same answers: {same}\n{card}")
except OSError as error:
    print(f"this folder cannot be written to ({error}); chapter 11 will train one of its own")

# %% [markdown]
r"""
Chapter 11 begins with this file: it validates what comes in, profiles, compiles, exports and serves this very model.
"""

# %% [markdown]
r"""
## Two questions

These are read by a person. A few honest sentences are worth more than a page.
"""

# %% [markdown]
r"""
### Question A
A fresh classifier for C classes gives every image nearly the same small logits. Derive its cross-entropy
and its accuracy, and the gradient of the loss with respect to the logits of one image. Then explain what
each of these first lines of a training log would tell you: a loss of **2.30**, of **14.7**, and of **2.30
that stays** for a hundred steps.
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_first_loss", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
r"""
**Model answer.** Equal logits make softmax give $p_k = 1/C$ to every class, so each example costs
$-\log(1/C) = \ln C$, which is 2.30 for ten classes; the accuracy is the share of whichever class happens to
come out on top, about $1/C$. The gradient of the mean loss over N examples is $(p_k - [k =
\text{label}])/N$: $+0.1/N$ for the nine wrong classes, $-0.9/N$ for the label. A first loss of 2.30 is what
an untrained network should have. 14.7 means that it is *sure and wrong* before it has learned anything:
logits far too large, through weights that are too large or inputs that were never scaled. 2.30 that stays
means that the gradient, which is not zero, does not reach the weights: an optimizer with other parameters,
no step, a cut graph, or a learning rate that is far too small.

**Rubric.** 1 point: $\ln C$ from equal probabilities, with the accuracy $1/C$. 1 point: the gradient, right
in sign and size. 1 point: the three logs, each with a cause that fits.
"""

# %% [markdown]
r"""
### Question B
Somebody reports 98.4 % on the test set. On the way they (1) subtracted the mean of all images, training and
test together, (2) tried twelve learning rates and kept the one with the best test accuracy, (3) looked at
the test images that were wrong and removed three that "nobody could read". Which of these leak, in which
direction do they push the number, and what would you have done instead?
"""

# %% [markdown] nbgrader={"grade": true, "grade_id": "question_leakage", "locked": false, "points": 3, "schema_version": 3, "solution": true, "task": false}
r"""
**Model answer.** All three use the test set for something that is settled before the test. (1) leaks least:
two numbers about the test pixels enter training; with one mean over millions of pixels it hardly moves the
result, but the habit does in smaller sets. Take mean and spread from the training set. (2) leaks most: the
best of twelve noisy numbers is too high, because choosing rewards luck as well as merit. Hold out part of
the *training* set for choosing (a validation set), and touch the test set once. (3) changes the question:
the test no longer is what will come in, and the number rises by construction. Looking is fine for
understanding, but then the images stay and the number with them; clean labels by a rule fixed beforehand,
for all images, not only for those that were wrong. All three push the number up.

**Rubric.** 1 point: all three named as leaks that push upwards. 1 point: a validation set, or
cross-validation, for the choice in (2), with the reason that the best of many is too high. 1 point:
statistics from the training set only in (1), and a sound alternative for (3).
"""

# %% [markdown]
r"""
## Summary

| you wrote | now hidden behind the name |
|---|---|
| `make_loaders` | a data set has a length and an index; a loader makes shuffled batches of it |
| `normalize` | one ruler, the training set's, for everything that comes later |
| `mnist_classifier` | the network of chapter 1 with a third layer, as one object |
| `evaluate` | accuracy is a count over samples, in eval mode, without a graph |
| `overfit_one_batch` | the cheapest test of a training loop |
| `train` | forward, loss, clear, backward, step, for every batch of every epoch |
| `confusion_matrix` | what one number hides |
| a split, a sweep, a curve | decide on validation images, compare with luck, test once |
| `digits_classifier.pt` | weights, the ruler they need, and a card that says how good they are |

**What still hurts?** `nn.Flatten` threw away which pixel lies beside which: shuffle all pixels of all
images the same way, and this network learns just as well. A network that knows what lies beside what, in an
image or in a sentence, can do better with fewer weights. For that you need new kinds of layers.
"""

# %% [markdown]
r"""
## Where to go next

- *Next chapter:* `09_architectures`: attention, residual and gated blocks, from the parts you have.
- *In the library:* `torch/utils/data/dataloader.py` and, beside it, `sampler.py`: `RandomSampler.__iter__`
  calls `torch.randperm`, as you did in 8.1, and `default_collate` in `_utils/collate.py` does the stacking.
  What `model.train()` does to all submodules stands in `torch/nn/modules/module.py`.
- *Further:* Andrej Karpathy, *A Recipe for Training Neural Networks*, on overfitting one batch first; Yann
  LeCun and others, *Gradient-based learning applied to document recognition*, 1998, where MNIST comes from.
- *Try:* train on the raw pixels and on the normalised ones and compare the first epoch. Shuffle the 784
  pixels with one fixed permutation. Add a weight decay to the sweep, and look whether the curve turns later.
"""
