"""Solutions of chapter 2 that are refused: forbidden calls in every spelling, and wrong ones without a help of their own."""


# %% tensor_loss_and_grads: method
# names: torch.Tensor.backward
def tensor_loss_and_grads(x, y, w1, w2):
    def f(a, b):
        out = (x @ a).relu() @ b
        if out.shape != y.shape:
            raise ValueError("shapes")
        return (out - y).square().sum()

    with torch.enable_grad():
        a, b = w1.clone().requires_grad_(), w2.clone().requires_grad_()
        loss = f(a, b)
        loss.backward()
        return loss.detach(), a.grad, b.grad


# %% tensor_loss_and_grads: unbound_method
# names: backward
def tensor_loss_and_grads(x, y, w1, w2):
    def f(a, b):
        out = (x @ a).relu() @ b
        if out.shape != y.shape:
            raise ValueError("shapes")
        return (out - y).square().sum()

    with torch.enable_grad():
        a, b = w1.clone().requires_grad_(), w2.clone().requires_grad_()
        loss = f(a, b)
        torch.Tensor.backward(loss)
        return loss.detach(), a.grad, b.grad


# %% tensor_loss_and_grads: method_by_getattr
# names: backward
def tensor_loss_and_grads(x, y, w1, w2):
    def f(a, b):
        out = (x @ a).relu() @ b
        if out.shape != y.shape:
            raise ValueError("shapes")
        return (out - y).square().sum()

    with torch.enable_grad():
        a, b = w1.clone().requires_grad_(), w2.clone().requires_grad_()
        loss = f(a, b)
        getattr(loss, "backward")()
        return loss.detach(), a.grad, b.grad


# %% tensor_loss_and_grads: method_under_another_name
# names: backward
def tensor_loss_and_grads(x, y, w1, w2):
    def f(a, b):
        out = (x @ a).relu() @ b
        if out.shape != y.shape:
            raise ValueError("shapes")
        return (out - y).square().sum()

    with torch.enable_grad():
        a, b = w1.clone().requires_grad_(), w2.clone().requires_grad_()
        loss = f(a, b)
        go = getattr(loss, "back" + "ward")
        go()
        return loss.detach(), a.grad, b.grad


# %% tensor_loss_and_grads: autograd_grad
# names: torch.autograd
def tensor_loss_and_grads(x, y, w1, w2):
    def f(a, b):
        out = (x @ a).relu() @ b
        if out.shape != y.shape:
            raise ValueError("shapes")
        return (out - y).square().sum()

    with torch.enable_grad():
        a, b = w1.clone().requires_grad_(), w2.clone().requires_grad_()
        loss = f(a, b)
        return (loss.detach(), *torch.autograd.grad(loss, (a, b)))


# %% tensor_loss_and_grads: from_import
# names: torch.autograd
from torch.autograd import grad
def tensor_loss_and_grads(x, y, w1, w2):
    def f(a, b):
        out = (x @ a).relu() @ b
        if out.shape != y.shape:
            raise ValueError("shapes")
        return (out - y).square().sum()

    with torch.enable_grad():
        a, b = w1.clone().requires_grad_(), w2.clone().requires_grad_()
        loss = f(a, b)
        return (loss.detach(), *grad(loss, (a, b)))


# %% tensor_loss_and_grads: alias
# names: torch.autograd
import torch.autograd as ag
def tensor_loss_and_grads(x, y, w1, w2):
    def f(a, b):
        out = (x @ a).relu() @ b
        if out.shape != y.shape:
            raise ValueError("shapes")
        return (out - y).square().sum()

    with torch.enable_grad():
        a, b = w1.clone().requires_grad_(), w2.clone().requires_grad_()
        loss = f(a, b)
        return (loss.detach(), *ag.grad(loss, (a, b)))


# %% tensor_loss_and_grads: getattr_of_torch
# names: torch.autograd
def tensor_loss_and_grads(x, y, w1, w2):
    def f(a, b):
        out = (x @ a).relu() @ b
        if out.shape != y.shape:
            raise ValueError("shapes")
        return (out - y).square().sum()

    with torch.enable_grad():
        a, b = w1.clone().requires_grad_(), w2.clone().requires_grad_()
        loss = f(a, b)
        return (loss.detach(), *getattr(torch, "autograd").grad(loss, (a, b)))


# %% tensor_loss_and_grads: looked_up_at_run_time
# names: torch.autograd
def tensor_loss_and_grads(x, y, w1, w2):
    def f(a, b):
        out = (x @ a).relu() @ b
        if out.shape != y.shape:
            raise ValueError("shapes")
        return (out - y).square().sum()

    with torch.enable_grad():
        a, b = w1.clone().requires_grad_(), w2.clone().requires_grad_()
        loss = f(a, b)
        return (loss.detach(), *vars(torch)["auto" + "grad"].grad(loss, (a, b)))


# %% tensor_loss_and_grads: func
# names: torch.func
def tensor_loss_and_grads(x, y, w1, w2):
    def f(a, b):
        out = (x @ a).relu() @ b
        if out.shape != y.shape:
            raise ValueError("shapes")
        return (out - y).square().sum()

    with torch.enable_grad():
        a, b = w1.clone().requires_grad_(), w2.clone().requires_grad_()
        loss = f(a, b)
        return (loss.detach(), *torch.func.grad(f, argnums=(0, 1))(w1, w2))


# %% tensor_loss_and_grads: func_from_import
# names: torch.func
from torch.func import grad as derive
def tensor_loss_and_grads(x, y, w1, w2):
    def f(a, b):
        out = (x @ a).relu() @ b
        if out.shape != y.shape:
            raise ValueError("shapes")
        return (out - y).square().sum()

    with torch.enable_grad():
        a, b = w1.clone().requires_grad_(), w2.clone().requires_grad_()
        loss = f(a, b)
        return (loss.detach(), *derive(f, argnums=(0, 1))(w1, w2))


# %% tensor_loss_and_grads: functional_vjp
# names: torch.autograd
def tensor_loss_and_grads(x, y, w1, w2):
    def f(a, b):
        out = (x @ a).relu() @ b
        if out.shape != y.shape:
            raise ValueError("shapes")
        return (out - y).square().sum()

    with torch.enable_grad():
        a, b = w1.clone().requires_grad_(), w2.clone().requires_grad_()
        loss = f(a, b)
        out, g = torch.autograd.functional.vjp(f, (w1, w2))
        return (out, *g)


# %% tensor_loss_and_grads: function_subclass
# names: torch.autograd
def tensor_loss_and_grads(x, y, w1, w2):
    def f(a, b):
        out = (x @ a).relu() @ b
        if out.shape != y.shape:
            raise ValueError("shapes")
        return (out - y).square().sum()

    with torch.enable_grad():
        a, b = w1.clone().requires_grad_(), w2.clone().requires_grad_()
        loss = f(a, b)
        class Net(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x

        h = x @ w1
        g = 2 * (h.relu() @ w2 - y)
        return Net.apply(loss.detach()), x.T @ ((g @ w2.T) * (h > 0)), h.relu().T @ g


# %% tensor_loss_and_grads: numpy_arrays
# names: numpy
import numpy as np
def tensor_loss_and_grads(x, y, w1, w2):
    def f(a, b):
        out = (x @ a).relu() @ b
        if out.shape != y.shape:
            raise ValueError("shapes")
        return (out - y).square().sum()

    with torch.enable_grad():
        a, b = w1.clone().requires_grad_(), w2.clone().requires_grad_()
        loss = f(a, b)
        q, r, s, t = (np.asarray(v.detach()) for v in (x, y, w1, w2))
        h = q @ s
        g = 2 * (np.maximum(h, 0) @ t - r)
        return loss.detach(), torch.from_numpy(q.T @ ((g @ t.T) * (h > 0))), torch.from_numpy(np.maximum(h, 0).T @ g)


# %% tensor_loss_and_grads: numpy_method
# names: numpy
def tensor_loss_and_grads(x, y, w1, w2):
    def f(a, b):
        out = (x @ a).relu() @ b
        if out.shape != y.shape:
            raise ValueError("shapes")
        return (out - y).square().sum()

    with torch.enable_grad():
        a, b = w1.clone().requires_grad_(), w2.clone().requires_grad_()
        loss = f(a, b)
        h = (x @ w1).numpy()
        g = 2 * ((x @ w1).relu() @ w2 - y)
        return loss.detach(), x.T @ ((g @ w2.T) * torch.tensor(h > 0)), (x @ w1).relu().T @ g


# %% tensor_loss_and_grads: numpy_by_dunder
# names: __array__
def tensor_loss_and_grads(x, y, w1, w2):
    def f(a, b):
        out = (x @ a).relu() @ b
        if out.shape != y.shape:
            raise ValueError("shapes")
        return (out - y).square().sum()

    with torch.enable_grad():
        a, b = w1.clone().requires_grad_(), w2.clone().requires_grad_()
        loss = f(a, b)
        h = (x @ w1).__array__()
        g = 2 * ((x @ w1).relu() @ w2 - y)
        return loss.detach(), x.T @ ((g @ w2.T) * torch.tensor(h > 0)), (x @ w1).relu().T @ g


# %% one_hot: usual_alias
# names: torch.nn.functional.one_hot
import torch.nn.functional as F
def one_hot(labels, num_classes):
    if labels.min() < 0 or labels.max() >= num_classes:
        raise ValueError("labels")
    return F.one_hot(labels, num_classes).float()


# %% one_hot: full_name
# names: one_hot
def one_hot(labels, num_classes):
    if labels.min() < 0 or labels.max() >= num_classes:
        raise ValueError("labels")
    return torch.nn.functional.one_hot(labels, num_classes).float()


# %% one_hot: from_import_as
# names: one_hot
from torch.nn.functional import one_hot as encode
def one_hot(labels, num_classes):
    if labels.min() < 0 or labels.max() >= num_classes:
        raise ValueError("labels")
    return encode(labels, num_classes).float()


# %% one_hot: module_from_nn
# names: one_hot
from torch.nn import functional
def one_hot(labels, num_classes):
    if labels.min() < 0 or labels.max() >= num_classes:
        raise ValueError("labels")
    return functional.one_hot(labels, num_classes).float()


# %% one_hot: getattr
# names: one_hot
def one_hot(labels, num_classes):
    if labels.min() < 0 or labels.max() >= num_classes:
        raise ValueError("labels")
    return getattr(torch.nn.functional, "one_hot")(labels, num_classes).float()


# %% one_hot: passed_on
# names: one_hot
encode = torch.nn.functional.one_hot
def one_hot(labels, num_classes):
    if labels.min() < 0 or labels.max() >= num_classes:
        raise ValueError("labels")
    return encode(labels, num_classes).float()


# %% one_hot: partial
# names: one_hot
from functools import partial
def encode(**more): return partial(torch.nn.functional.one_hot, **more)

def one_hot(labels, num_classes):
    if labels.min() < 0 or labels.max() >= num_classes:
        raise ValueError("labels")
    return encode(num_classes=num_classes)(labels).float()


# %% one_hot: looked_up_at_run_time
# names: one_hot
def one_hot(labels, num_classes):
    if labels.min() < 0 or labels.max() >= num_classes:
        raise ValueError("labels")
    return vars(torch.nn.functional)["one_" + "hot"](labels, num_classes).float()


# %% one_hot: aten
# names: one_hot
def one_hot(labels, num_classes):
    if labels.min() < 0 or labels.max() >= num_classes:
        raise ValueError("labels")
    return torch.ops.aten.one_hot(labels, num_classes).float()


# %% one_hot: private
# names: one_hot
def one_hot(labels, num_classes):
    if labels.min() < 0 or labels.max() >= num_classes:
        raise ValueError("labels")
    return torch._C._nn.one_hot(labels, num_classes).float()


# %% pairwise_sq_dists: cdist
# names: torch.cdist
def pairwise_sq_dists(a, b):
    return torch.cdist(a, b) ** 2


# %% pairwise_sq_dists: from_import
# names: torch.cdist
from torch import cdist
def pairwise_sq_dists(a, b):
    return cdist(a, b).square()


# %% pairwise_sq_dists: alias_of_torch
# names: torch.cdist
import torch as t
def pairwise_sq_dists(a, b):
    return t.cdist(a, b).square()


# %% pairwise_sq_dists: other_module
# names: torch.cdist
def pairwise_sq_dists(a, b):
    return torch.functional.cdist(a, b).square()


# %% pairwise_sq_dists: looked_up_at_run_time
# names: cdist
def pairwise_sq_dists(a, b):
    return getattr(torch, "cd" + "ist")(a, b).square()


# %% pairwise_sq_dists: its_inside
# names: cdist
def pairwise_sq_dists(a, b):
    return torch._cdist_forward(a, b, 2.0, None).square()


# %% pairwise_sq_dists: private_twin
# names: _euclidean_dist
def pairwise_sq_dists(a, b):
    return torch._euclidean_dist(a, b).square()


# %% pairwise_sq_dists: comprehension
# names: Python loop
def pairwise_sq_dists(a, b):
    return torch.stack([(row - b).square().sum(1) for row in a])


# %% pairwise_sq_dists: generator
# names: Python loop
def pairwise_sq_dists(a, b):
    return torch.stack(tuple((row - b).square().sum(1) for row in a))


# %% pairwise_sq_dists: dict
# names: Python loop
def pairwise_sq_dists(a, b):
    return torch.stack(list({i: (a[i] - b).square().sum(1) for i in range(len(a))}.values()))


# %% pairwise_sq_dists: for_loop
# names: Python loop
def pairwise_sq_dists(a, b):
    out = a.new_zeros(len(a), len(b))
    for i in range(len(a)):
        out[i] = (a[i] - b).square().sum(1)
    return out


# %% pairwise_sq_dists: while_loop
# names: Python loop
def pairwise_sq_dists(a, b):
    out, i = a.new_zeros(len(a), len(b)), 0
    while i < len(a):
        out[i], i = (a[i] - b).square().sum(1), i + 1
    return out


# %% gather_nll: function
# names: nll_loss
import torch.nn.functional as F
def gather_nll(log_probs, labels):
    return F.nll_loss(log_probs, labels)


# %% gather_nll: cross_entropy
# names: cross_entropy
def gather_nll(log_probs, labels):
    return torch.nn.functional.cross_entropy(log_probs, labels)


# %% gather_nll: from_import_as
# names: nll_loss
from torch.nn.functional import nll_loss as loss
def gather_nll(log_probs, labels):
    return loss(log_probs, labels)


# %% gather_nll: class
# names: torch.nn.NLLLoss
def gather_nll(log_probs, labels):
    return torch.nn.NLLLoss()(log_probs, labels)


# %% gather_nll: class_from_import
# names: torch.nn.NLLLoss
from torch.nn import NLLLoss as Loss
def gather_nll(log_probs, labels):
    return Loss()(log_probs, labels)


# %% gather_nll: subclass
# names: torch.nn.NLLLoss
class Mine(torch.nn.NLLLoss):
    pass

def gather_nll(log_probs, labels):
    return Mine()(log_probs, labels)


# %% gather_nll: other_class
# names: torch.nn.CrossEntropyLoss
def gather_nll(log_probs, labels):
    return torch.nn.CrossEntropyLoss()(log_probs, labels)


# %% gather_nll: getattr
# names: nll_loss
def gather_nll(log_probs, labels):
    return getattr(torch.nn.functional, "nll_loss")(log_probs, labels)


# %% gather_nll: looked_up_at_run_time
# names: NLLLoss
def gather_nll(log_probs, labels):
    return vars(torch.nn)["NLL" + "Loss"]()(log_probs, labels)


# %% gather_nll: aten
# names: nll_loss
def gather_nll(log_probs, labels):
    return torch.ops.aten.nll_loss(log_probs, labels)


# %% gather_nll: private
# names: torch._C
def gather_nll(log_probs, labels):
    return torch._C._nn.nll_loss_nd(log_probs, labels)


# %% gather_nll: comprehension
# names: Python loop
def gather_nll(log_probs, labels):
    return -sum(log_probs[i, k] for i, k in enumerate(labels)) / len(labels)


# %% tensor_loss_and_grads: leaves_gradients_off
def tensor_loss_and_grads(x, y, w1, w2):
    torch.set_grad_enabled(False)
    h = x @ w1
    a = h.clamp(min=0)
    d = a @ w2
    if d.shape != y.shape:
        raise ValueError
    d = d - y
    return (d**2).sum(), x.T @ ((2 * d @ w2.T) * (h > 0)), a.T @ (2 * d)


# %% tensor_loss_and_grads: remembers_its_first_answer
import functools
seen = {}
def tensor_loss_and_grads(x, y, w1, w2):
    h = x @ w1
    a = h.clamp(min=0)
    d = a @ w2
    if d.shape != y.shape:
        raise ValueError
    d = d - y
    answer = (d**2).sum(), x.T @ ((2 * d @ w2.T) * (h > 0)), a.T @ (2 * d)
    return seen.setdefault(tuple(w1.shape), answer)


# %% tensor_loss_and_grads: flat_targets_compared_by_count
def tensor_loss_and_grads(x, y, w1, w2):
    h = x @ w1
    a = h.clamp(min=0)
    d = a @ w2
    if len(d) != len(y):
        raise ValueError
    d = d - y
    return (d**2).sum(), x.T @ ((2 * d @ w2.T) * (h > 0)), a.T @ (2 * d)


# %% one_hot: other_error
def one_hot(labels, num_classes):
    if labels.min() < 0 or labels.max() >= num_classes:
        raise IndexError("labels")
    return torch.eye(num_classes)[labels]


# %% one_hot: first_label_checked
def one_hot(labels, num_classes):
    first, last = labels.reshape(-1)[0], labels.reshape(-1)[-1]
    if min(first, last) < 0 or max(first, last) >= num_classes:
        raise ValueError
    return (labels.unsqueeze(-1) == torch.arange(num_classes)).float()


# %% one_hot: always_an_axis
def one_hot(labels, num_classes):
    if labels.min() < 0 or labels.max() >= num_classes:
        raise ValueError
    return torch.eye(num_classes)[torch.atleast_1d(labels)]


# %% same_storage: always_true
same_storage = lambda a, b: True


# %% same_storage: number_for_bool
same_storage = lambda a, b: int(a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr())


# %% same_storage: is_set_to
same_storage = lambda a, b: a.is_set_to(b)


# %% same_storage: is_view
same_storage = lambda a, b: a is b or (a._is_view() and a._base is b) or (b._is_view() and b._base is a)


# %% same_storage: numpy_overlap
import numpy as np
same_storage = lambda a, b: bool(np.shares_memory(a.numpy(), b.numpy()))


# %% sliding_windows: cloned
def sliding_windows(x, size):
    if not 1 <= size <= len(x):
        raise ValueError
    return x.unfold(0, size, 1).clone()


# %% sliding_windows: copied_where_strided
def sliding_windows(x, size):
    if not 1 <= size <= len(x):
        raise ValueError
    return (x if x.stride(0) == 1 else x.clone()).unfold(0, size, 1)


# %% sliding_windows: square_only
def sliding_windows(x, size):
    if not 1 <= size <= len(x):
        raise ValueError
    return x.unfold(0, len(x) - size + 1, 1)


# %% sliding_windows: zero_allowed
def sliding_windows(x, size):
    if not 0 <= size <= len(x):
        raise ValueError
    return x.unfold(0, size, 1)


# %% pairwise_sq_dists: single_precision_inside
def pairwise_sq_dists(a, b):
    return (a.float()[:, None] - b.float()[None]).square().sum(-1).to(a.dtype)


# %% pairwise_sq_dists: half_of_it_by_map
def pairwise_sq_dists(a, b):
    return torch.stack(tuple(map(torch.dot, a, a)))[:, None].add((b * b).sum(1)).sub(2 * a @ b.T).clamp(min=0)


# %% pairwise_sq_dists: recursion
def pairwise_sq_dists(a, b):
    return (a[:1] - b).square().sum(-1)[None] if len(a) == 1 else torch.cat([(a[:1] - b).square().sum(-1)[None], pairwise_sq_dists(a[1:], b)])


# %% pairwise_sq_dists: never_exactly_right
def pairwise_sq_dists(a, b):
    return ((a[:, None] - b).square().sum(-1) + 1e-3)


# %% gather_nll: labels_in_order
def gather_nll(log_probs, labels):
    return -log_probs[:, labels.sort().values].diagonal().mean()


# %% gather_nll: wrong_for_one
def gather_nll(log_probs, labels):
    return -log_probs.gather(1, labels[:, None]).squeeze().sum() / max(len(labels), 2)


# %% gather_nll: absolute
def gather_nll(log_probs, labels):
    return log_probs.gather(1, labels[:, None]).abs().mean()


# %% masked_mean: a_little_added
def masked_mean(x, mask, dim):
    return x.masked_fill(~mask, 0).sum(dim) / (mask.sum(dim) + 1e-6)


# %% masked_mean: only_nan_removed
def masked_mean(x, mask, dim):
    return (x.nan_to_num(nan=0.0, posinf=float("inf"), neginf=float("-inf")) * mask).sum(dim) / mask.sum(dim).clamp(min=1)


# %% masked_mean: last_but_not_negative
def masked_mean(x, mask, dim):
    dim = max(dim, 0)
    return x.masked_fill(~mask, 0).sum(dim) / mask.sum(dim).clamp(min=1)


# %% masked_mean: graph_cut
@torch.no_grad()
def masked_mean(x, mask, dim):
    return x.masked_fill(~mask, 0).sum(dim) / mask.sum(dim).clamp(min=1)


# %% batched_scores: inner
def batched_scores(q, k):
    return torch.inner(q, k)


# %% batched_scores: three_axes_only
def batched_scores(q, k):
    return torch.einsum("bld,bsd->bls", q, k) if q.dim() == 3 else q @ k.T


# %% batched_scores: view_of_strided
def batched_scores(q, k):
    lead, l, d, s = q.shape[:-2], q.shape[-2], q.shape[-1], k.shape[-2]
    return torch.bmm(q.view(-1, l, d), k.view(-1, s, d).mT).view(*lead, l, s)
