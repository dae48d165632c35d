"""Right solutions of chapter 2 in an unusual style: the checks must accept every one."""

import torch

# %% tensor_loss_and_grads: einsum_and_where
@torch.no_grad()
def tensor_loss_and_grads(x, y, w1, w2):
    h = torch.einsum("nd,dh->nh", x, w1)
    a = torch.where(h > 0, h, torch.zeros_like(h))
    d = torch.einsum("nh,hc->nc", a, w2)
    if tuple(d.shape) != tuple(y.shape):
        raise ValueError
    d = d - y
    g = d + d
    back = torch.einsum("nc,hc->nh", g, w2)
    back[h <= 0] = 0
    return [torch.einsum("nc,nc->", d, d), torch.einsum("nd,nh->dh", x, back), torch.einsum("nh,nc->hc", a, g)]


# %% tensor_loss_and_grads: one_example_at_a_time
def tensor_loss_and_grads(x, y, w1, w2):
    if y.size() != torch.Size([x.size(0), w2.size(1)]):
        raise ValueError("shapes")
    loss = x.new_zeros(())
    g1, g2 = torch.zeros_like(w1), torch.zeros(w2.shape, dtype=w2.dtype, device=w2.device)
    for row, target in zip(x, y):
        h = row @ w1
        a = torch.maximum(h, torch.tensor(0.0, dtype=h.dtype, device=h.device))
        d = a @ w2 - target
        loss += d.dot(d)
        g2 += torch.outer(a, 2 * d)
        g1 += torch.outer(row, (w2 @ (2 * d)) * (h > 0).to(h.dtype))
    return loss, g1, g2


# %% tensor_loss_and_grads: layers_with_a_backward_of_their_own
import torch.nn.functional as F


class Dense:
    def __init__(self, weight):
        self.weight = weight

    def forward(self, x):
        self.x = x
        return F.linear(x, self.weight.T)

    def backward(self, grad):
        self.grad = torch.mm(self.x.t(), grad)
        return torch.mm(grad, self.weight.t())


class Rectifier:
    def forward(self, x):
        self.mask = x.gt(0)
        return F.relu(x)

    def backward(self, grad):
        return grad.masked_fill(~self.mask, 0.0)


def tensor_loss_and_grads(x, y, w1, w2):
    layers = [Dense(w1), Rectifier(), Dense(w2)]
    out = x
    for layer in layers:
        out = layer.forward(out)
    if out.shape != y.shape:
        raise ValueError(f"{out.shape} is not {y.shape}")
    loss, grad = F.mse_loss(out, y, reduction="sum"), (out - y).mul(2)
    for layer in reversed(layers):
        grad = layer.backward(grad)
    return loss, layers[0].grad, layers[2].grad


# %% tensor_loss_and_grads: by_way_of_lists
def tensor_loss_and_grads(x, y, w1, w2):
    device, dtype = x.device, x.dtype
    x, y, w1, w2 = (torch.tensor(t.tolist(), dtype=torch.float64) for t in (x, y, w1, w2))
    h = x.matmul(w1)
    a = h * (h > 0)
    p = a.matmul(w2)
    if p.shape != y.shape:
        raise ValueError("shapes")
    g = 2 * (p - y)
    results = torch.linalg.norm(p - y) ** 2, x.mT @ (g @ w2.mT * torch.sign(a)), a.mT @ g
    return tuple(r.to(device=device, dtype=dtype) for r in results)


# %% one_hot: scatter
def one_hot(labels, num_classes):
    if labels.min() < 0 or labels.max() > num_classes - 1:
        raise ValueError("no such class")
    return torch.zeros(*labels.shape, num_classes).scatter_(-1, labels[..., None], 1.0)


# %% one_hot: rows_of_the_identity
one_hot = lambda labels, num_classes: (
    torch.eye(num_classes, dtype=torch.float32)[labels]
    if torch.all((0 <= labels) & (labels < num_classes))
    else (_ for _ in ()).throw(ValueError("labels"))
)


# %% one_hot: in_a_loop
def one_hot(labels, num_classes):
    flat = labels.flatten().tolist()
    if not all(label in range(num_classes) for label in flat):
        raise ValueError(flat)
    rows = [[float(k == label) for k in range(num_classes)] for label in flat]
    return torch.tensor(rows).view(labels.shape + (num_classes,))


# %% one_hot: own_kind_of_error
class LabelError(ValueError):
    pass


def one_hot(labels, num_classes):
    out = torch.zeros((labels.numel(), num_classes))
    for i, label in enumerate(labels.reshape(-1)):
        if not 0 <= label < num_classes:
            raise LabelError(int(label))
        out[i, label] = 1
    return out.reshape(tuple(labels.shape) + (num_classes,))


# %% same_storage: identity_of_storages
def same_storage(a, b):
    return a.untyped_storage()._cdata == b.untyped_storage()._cdata


# %% same_storage: counting_back
class Beginning:
    def __init__(self, tensor):
        self.address = tensor.data_ptr() - tensor.storage_offset() * tensor.element_size()

    def __eq__(self, other):
        return self.address == other.address


same_storage = lambda a, b: Beginning(a) == Beginning(b)


# %% same_storage: set_of_pointers
def same_storage(a, b):
    return len({t.detach().untyped_storage().data_ptr() for t in (a, b)}) == 1


# %% sliding_windows: unfold
def sliding_windows(x, size):
    (length,) = x.shape
    if size < 1 or size > length:
        raise ValueError(size)
    return x.unfold(dimension=-1, size=size, step=1)


# %% sliding_windows: set_storage
def sliding_windows(x, size):
    assert x.dim() == 1
    if size not in range(1, x.numel() + 1):
        raise ValueError
    out = torch.empty(0, dtype=x.dtype)
    return out.set_(x.untyped_storage(), x.storage_offset(), (x.numel() - size + 1, size), x.stride() * 2)


# %% sliding_windows: as_strided_function
def sliding_windows(x, size):
    count = x.shape[0] - size + 1
    if size <= 0 or count <= 0:
        raise ValueError("size")
    return torch.as_strided(x, size=[count, size], stride=[x.stride()[0]] * 2, storage_offset=x.storage_offset())


# %% pairwise_sq_dists: a_block_of_differences
def pairwise_sq_dists(a, b):
    difference = a.unsqueeze(1) - b.unsqueeze(0)
    return torch.einsum("nmd,nmd->nm", difference, difference)


# %% pairwise_sq_dists: one_large_product
def pairwise_sq_dists(a, b):
    left = torch.cat([a * -2, a.square().sum(1, keepdim=True), torch.ones_like(a[:, :1])], dim=1)
    right = torch.cat([b, torch.ones_like(b[:, :1]), b.square().sum(1, keepdim=True)], dim=1)
    return torch.relu(left @ right.T)


# %% pairwise_sq_dists: vmap
def pairwise_sq_dists(a, b):
    one = lambda p, q: torch.dot(p - q, p - q)
    return torch.vmap(lambda p: torch.vmap(lambda q: one(p, q))(b))(a)


# %% pairwise_sq_dists: in_place_on_its_own
def pairwise_sq_dists(a, b):
    table = torch.mm(a, b.t())
    table *= -2
    table += torch.linalg.vector_norm(a, dim=1).pow(2)[:, None]
    table += torch.linalg.vector_norm(b, dim=1).pow(2)[None, :]
    table[table < 0] = 0
    return table


# %% pairwise_sq_dists: absolute_value_of_what_is_left
def pairwise_sq_dists(a, b):
    # no for loop and no cdist: the word in a comment is no call
    return torch.abs(torch.add((a**2).sum(-1).view(-1, 1), (b**2).sum(-1).view(1, -1)) - 2 * torch.matmul(a, b.mT))


# %% gather_nll: pairs
def gather_nll(log_probs, labels):
    return log_probs[range(labels.numel()), labels].neg().mean()


# %% gather_nll: one_hot_product
def gather_nll(log_probs, labels):
    truth = labels.view(-1, 1).eq(torch.arange(log_probs.size(1)))
    return -(log_probs * truth).sum() / log_probs.size(0)


# %% gather_nll: take
def gather_nll(log_probs, labels):
    n, c = log_probs.shape
    flat = torch.arange(0, n * c, c) + labels
    return torch.take(log_probs, flat).sum() * (-1 / n)


# %% gather_nll: diagonal_of_columns
gather_nll = lambda log_probs, labels: -log_probs.index_select(1, labels).diagonal().mean()


# %% masked_mean: where_and_maximum
def masked_mean(x, mask, dim):
    n = torch.count_nonzero(mask, dim=dim)
    s = torch.sum(torch.where(mask, x, torch.zeros((), dtype=x.dtype)), dim)
    return s / torch.maximum(n, torch.ones_like(n))


# %% masked_mean: slice_by_slice
def masked_mean(x, mask, dim):
    def one(values, flags):
        real = values[flags]
        return real.mean() if len(real) else values.new_zeros(())

    x, mask = x.movedim(dim, -1), mask.movedim(dim, -1)
    flat = [one(v, f) for v, f in zip(x.reshape(-1, x.shape[-1]), mask.reshape(-1, mask.shape[-1]))]
    return torch.stack(flat).reshape(x.shape[:-1])


# %% masked_mean: weights
def masked_mean(x, mask, dim):
    weights = mask.to(x.dtype)
    weights = weights / (weights.sum(dim, keepdim=True) + (~mask).all(dim, keepdim=True))
    return (x.masked_fill(mask.logical_not(), 0.0) * weights).sum(dim=dim)


# %% masked_mean: both_wheres
def masked_mean(x, mask, dim):
    some = mask.any(dim)
    count = torch.where(some, mask.sum(dim), 1)
    return torch.where(some, torch.where(mask, x, 0.0).sum(dim) / count, 0.0)


# %% masked_mean: chosen_twice
def masked_mean(x, mask, dim):
    # the division by 0 sends NaN back, and the inner where stops it: the gradient is finite after all
    count = mask.sum(dim)
    return torch.where(count > 0, torch.where(mask, x, 0).sum(dim) / count, 0)


# %% batched_scores: einsum
def batched_scores(q, k):
    return torch.einsum("...ld,...sd->...ls", q, k)


# %% batched_scores: multiplied_out
def batched_scores(q, k):
    return (q[..., :, None, :] * k[..., None, :, :]).sum(dim=-1)


# %% batched_scores: pair_after_pair
def batched_scores(q, k):
    if q.ndim > 2:
        return torch.stack([batched_scores(one, other) for one, other in zip(q, k)])
    return torch.stack([torch.mv(k, row) for row in q])


# %% batched_scores: flattened_for_bmm
def batched_scores(q, k):
    *lead, length, features = q.shape
    out = torch.bmm(q.reshape(-1, length, features), k.reshape(-1, *k.shape[-2:]).permute(0, 2, 1))
    return out.reshape(*lead, length, k.shape[-2])


# %% tensor_loss_and_grads: layers_with_a_backward_of_their_own
import numpy as np


class Product:
    def __init__(self, w):
        self.w = w

    def forward(self, x):
        self.x = x
        return x @ self.w

    def backward(self, grad):
        self.grad = self.x.t() @ grad
        return grad @ self.w.t()


class Bend:
    def forward(self, h):
        self.mask = h > 0
        return torch.relu(h)

    def backward(self, grad):
        return torch.where(self.mask, grad, 0)


def tensor_loss_and_grads(x: "torch.Tensor", y: "np.ndarray", w1, w2):
    # no loss.backward() here: each layer has a method of that name, and NumPy is imported for an annotation
    if isinstance(x, np.ndarray):
        raise TypeError
    with torch.inference_mode():
        layers = [Product(w1), Bend(), Product(w2)]
        out = x
        for layer in layers:
            out = layer.forward(out)
        if out.shape != y.shape:
            raise ValueError(out.shape)
        grad = 2 * (out - y)
        for layer in reversed(layers):
            grad = layer.backward(grad)
        return torch.nn.functional.mse_loss(out, y, reduction="sum"), layers[0].grad, layers[2].grad


# %% tensor_loss_and_grads: everything_from_torch
from torch import *


def tensor_loss_and_grads(x, y, w1, w2):
    h = matmul(x, w1)
    a = maximum(h, zeros_like(h))
    error = matmul(a, w2)
    if error.shape != y.shape:
        raise ValueError
    error = error - y
    back = where(h > 0, matmul(2 * error, w2.T), zeros_like(h))
    return sum(error * error), matmul(x.T, back), matmul(a.T, 2 * error)


# %% same_storage: within_its_bounds
def same_storage(a, b):
    storage = a.untyped_storage()
    start = storage.data_ptr()
    return start <= b.data_ptr() < start + storage.nbytes()


# %% pairwise_sq_dists: one_product_of_longer_rows
def pairwise_sq_dists(a, b):
    ones_a, ones_b = torch.ones_like(a[:, :1]), torch.ones_like(b[:, :1])
    left = torch.cat([-2 * a, a.square().sum(1, keepdim=True), ones_a], dim=1)
    right = torch.cat([b, ones_b, b.square().sum(1, keepdim=True)], dim=1)
    return torch.relu(left @ right.T)


# %% one_hot: nested_lists
def one_hot(labels, num_classes):
    def code(label):
        if isinstance(label, list):
            return [code(one) for one in label]
        if label not in range(num_classes):
            raise ValueError(label)
        return [float(k == label) for k in range(num_classes)]

    return torch.tensor(code(labels.tolist()), dtype=torch.float32).reshape(*labels.shape, num_classes)


# %% masked_mean: row_by_row
def masked_mean(x, mask, dim):
    x, mask = x.movedim(dim, -1), mask.movedim(dim, -1)
    rows = zip(x.reshape(-1, x.shape[-1]), mask.reshape(-1, mask.shape[-1]))
    means = [row[real].mean() if real.any() else row.new_zeros(()) for row, real in rows]
    return torch.stack(means).reshape(x.shape[:-1])


# %% batched_scores: recursion
def batched_scores(q, k):
    if q.dim() == 2:
        return torch.mm(q, k.t())
    return torch.stack([batched_scores(*pair) for pair in zip(q, k)])


# %% tensor_loss_and_grads: words_and_own_names
import math
NOTE = "no loss.backward(), no torch.autograd.grad, no numpy"

class Chain:
    """backward() here is a method of this class, and not autograd's"""
    def forward(self, x, w1, w2):
        self.x, self.w2, self.h = x, w2, x @ w1
        self.a = self.h * (self.h > 0)
        return self.a @ w2
    def backward(self, grad):
        return self.x.T @ ((grad @ self.w2.T) * (self.h > 0)), self.a.T @ grad

def tensor_loss_and_grads(x, y, w1, w2):
    # np.maximum became clamp; torch.func is not needed
    autograd = chain = Chain()
    with torch.no_grad():
        y_pred = chain.forward(x, w1, w2)
        if y_pred.shape != y.shape:
            raise ValueError("numpy would broadcast here")
        grads = autograd.backward(2 * (y_pred - y))
    return ((y_pred - y) ** 2).sum(), *grads


# %% tensor_loss_and_grads: no_grad_from_autograd
from torch.autograd import no_grad

@no_grad()
def tensor_loss_and_grads(x, y, w1, w2):
    h = x @ w1
    a = torch.relu(h)
    d = a @ w2
    if d.shape != y.shape:
        raise ValueError
    d = d - y
    return d.square().sum(), x.t() @ ((2 * d @ w2.t()) * torch.heaviside(h, torch.zeros_like(h))), a.t() @ (2 * d)


# %% one_hot: own_helper
def F_one_hot(labels, n):
    '''like F.one_hot(labels, n), of our own'''
    return torch.eye(n).index_select(0, labels.reshape(-1)).reshape(*labels.shape, n)

def one_hot(labels, num_classes):
    if not ((labels >= 0) & (labels < num_classes)).all():
        raise ValueError("torch.nn.functional.one_hot would say the same")
    return F_one_hot(labels, num_classes)  # not F.one_hot


# %% pairwise_sq_dists: own_cdist
def cdist(a, b):
    # for every row of a, while no Python loop is running
    return (a[:, None] - b).pow(2).sum(-1)

def pairwise_sq_dists(a, b):
    return cdist(a, b)


# %% gather_nll: own_nll_loss
class Loss:
    def nll_loss(self, table, labels):
        "the mean of -table[i, k] for i, k in enumerate(labels)"
        return -torch.take_along_dim(table, labels[:, None], dim=1).mean()

def gather_nll(log_probs, labels):
    nll = Loss()
    return nll.nll_loss(log_probs, labels)


# %% tensor_loss_and_grads: nothing_but_numbers
def tensor_loss_and_grads(x, y, w1, w2):
    n, c = y.shape if y.dim() == 2 else (0, 0)
    if (n, c) != (x.shape[0], w2.shape[1]):
        raise ValueError
    xs, ys, us, vs = x.tolist(), y.tolist(), w1.tolist(), w2.tolist()
    d, h = len(us), len(vs)
    g1, g2, loss = [[0.0] * h for _ in range(d)], [[0.0] * c for _ in range(h)], 0.0
    for row, target in zip(xs, ys):
        pre = [sum(row[i] * us[i][j] for i in range(d)) for j in range(h)]
        act = [max(p, 0.0) for p in pre]
        err = [sum(act[j] * vs[j][k] for j in range(h)) - target[k] for k in range(c)]
        loss += sum(e * e for e in err)
        for j in range(h):
            back = sum(2 * err[k] * vs[j][k] for k in range(c)) * (pre[j] > 0)
            for k in range(c):
                g2[j][k] += 2 * err[k] * act[j]
            for i in range(d):
                g1[i][j] += row[i] * back
    make = lambda values: torch.tensor(values, dtype=x.dtype, device=x.device)
    return make(loss), make(g1), make(g2)


# %% tensor_loss_and_grads: in_place_on_its_own
def tensor_loss_and_grads(x, y, w1, w2):
    h = torch.mm(x, w1)
    live = h.gt(0)
    h.relu_()
    out = torch.mm(h, w2)
    if list(out.shape) != list(y.shape):
        raise ValueError
    out.sub_(y)
    loss = out.pow(2).sum()
    out.mul_(2)
    back = torch.mm(out, w2.t())
    back[~live] = 0
    return loss, torch.empty_like(w1).copy_(x.t().mm(back)), h.t().mm(out)


# %% one_hot: index_put
def one_hot(labels, num_classes):
    if any(not 0 <= int(k) < num_classes for k in labels.reshape(-1)):
        raise ValueError
    out = torch.zeros(labels.numel(), num_classes)
    out[torch.arange(labels.numel()), labels.reshape(-1)] = 1.0
    return out.unflatten(0, labels.shape) if labels.dim() else out[0]


# %% one_hot: class_with_call
class Encoder:
    def __call__(self, labels, num_classes):
        bad = labels.lt(0).logical_or(labels.gt(num_classes - 1))
        if bad.sum().item():
            raise ValueError(f"{int(bad.sum())} labels")
        return torch.stack([(labels == k) * 1.0 for k in range(num_classes)], dim=-1)

one_hot = Encoder()


# %% same_storage: typed_storage
import warnings

def same_storage(a, b):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return a.storage().data_ptr() == b.storage().data_ptr()


# %% same_storage: same_python_storage
same_storage = lambda a, b: a.untyped_storage()._cdata is not None and hash(a.untyped_storage()._cdata) == hash(b.untyped_storage()._cdata)


# %% sliding_windows: by_way_of_numpy
import warnings
from numpy.lib.stride_tricks import sliding_window_view

def sliding_windows(x, size):
    if size < 1 or size > x.numel():
        raise ValueError
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return torch.from_numpy(sliding_window_view(x.numpy(), size))


# %% sliding_windows: unfold_turned_twice
def sliding_windows(x, size):
    if not 0 < size <= x.shape[0]:
        raise ValueError(f"{size=}")
    return x[None].unfold(1, x.shape[0] - size + 1, 1)[0].transpose(0, 1)


# %% pairwise_sq_dists: norms
def pairwise_sq_dists(a, b):
    return torch.linalg.vector_norm(a[:, None, :] - b[None, :, :], dim=-1) ** 2


# %% pairwise_sq_dists: pairwise_distance_of_a_grid
def pairwise_sq_dists(a, b):
    return (a.unsqueeze(1) - b.unsqueeze(0)).pow(2) @ a.new_ones(a.shape[1])


# %% pairwise_sq_dists: maximum_with_zero
def pairwise_sq_dists(a, b):
    return torch.maximum(torch.addmm((a*a).sum(1, keepdim=True) + (b*b).sum(1), a, b.T, alpha=-2), torch.tensor(0.0, dtype=a.dtype))


# %% gather_nll: scattered
def gather_nll(log_probs, labels):
    return -(log_probs * torch.zeros_like(log_probs).scatter(1, labels.unsqueeze(1), 1)).sum(1).mean(0)


# %% gather_nll: where
def gather_nll(log_probs, labels):
    return torch.where(torch.arange(log_probs.shape[1]) == labels[:, None], -log_probs, 0.0).sum() / labels.shape[0]


# %% gather_nll: squeezed
def gather_nll(log_probs, labels):
    return log_probs.gather(-1, labels.reshape(-1, 1)).squeeze().mul(-1).mean()


# %% masked_mean: nanmean_made_safe
def masked_mean(x, mask, dim):
    weights = mask.to(x) / mask.to(x).sum(dim, keepdim=True).clamp(min=1.0)
    return torch.where(mask, x, torch.zeros_like(x)).mul(weights).sum(dim)


# %% masked_mean: index_copy
def masked_mean(x, mask, dim):
    safe = torch.zeros_like(x).masked_scatter(mask, x[mask])
    count = mask.sum(dim)
    return safe.sum(dim) / (count + (count == 0))


# %% batched_scores: swapaxes
batched_scores = lambda q, k: torch.matmul(q, k.swapaxes(-1, -2))


# %% batched_scores: keys_first
def batched_scores(q, k):
    return (k @ q.mT).mT


# %% batched_scores: vmap
def batched_scores(q, k):
    f = lambda a, b: a @ b.t()
    n = q.dim() - 2
    while n:
        f, n = torch.vmap(f), n - 1
    return f(q, k)
