"""Chapter 2 against solutions that mean to get around it, and right ones that look as if they did."""

from __future__ import annotations

from collections import defaultdict
from itertools import zip_longest
from textwrap import dedent

import pytest

CHAPTER = "02_tensors"

NET, HOT, SAME, SLIDE = "tensor_loss_and_grads", "one_hot", "same_storage", "sliding_windows"
DISTS, NLL, MEAN, SCORES = "pairwise_sq_dists", "gather_nll", "masked_mean", "batched_scores"


def net(body: str, above: str = "") -> str:
    """Return a network whose gradients come from `body`, which sees `loss`, `f`, `a` and `b`."""
    head = """
    def tensor_loss_and_grads(x, y, w1, w2):
        def f(a, b):
            out = (x @ a).relu() @ b
            if out.shape != y.shape:
                raise ValueError("shapes")
            return (out - y).square().sum()

        with torch.enable_grad():
            a, b = w1.clone().requires_grad_(), w2.clone().requires_grad_()
            loss = f(a, b)
    """
    lines = "\n".join("        " + line for line in dedent(body).strip().split("\n"))
    return dedent(above).strip() + "\n" + dedent(head).strip() + "\n" + lines + "\n"


GUARDED_HOT = """
def one_hot(labels, num_classes):
    if labels.min() < 0 or labels.max() >= num_classes:
        raise ValueError("labels")
    return {call}.float()
"""


def hot(call: str, above: str = "") -> str:
    return dedent(above) + GUARDED_HOT.format(call=call)


def dists(expression: str, above: str = "") -> str:
    return dedent(above) + f"\ndef pairwise_sq_dists(a, b):\n    return {expression}\n"


def nll(expression: str, above: str = "") -> str:
    return dedent(above) + f"\ndef gather_nll(log_probs, labels):\n    return {expression}\n"


#: exercise, what is tried, its code, what the message has to name
FORBIDDEN = [
    (NET, "method", net("loss.backward()\nreturn loss.detach(), a.grad, b.grad"), "torch.Tensor.backward"),
    (
        NET,
        "unbound_method",
        net("torch.Tensor.backward(loss)\nreturn loss.detach(), a.grad, b.grad"),
        "backward",
    ),
    (
        NET,
        "method_by_getattr",
        net('getattr(loss, "backward")()\nreturn loss.detach(), a.grad, b.grad'),
        "backward",
    ),
    (
        NET,
        "method_under_another_name",
        net('go = getattr(loss, "back" + "ward")\ngo()\nreturn loss.detach(), a.grad, b.grad'),
        "backward",
    ),
    (
        NET,
        "autograd_grad",
        net("return (loss.detach(), *torch.autograd.grad(loss, (a, b)))"),
        "torch.autograd",
    ),
    (
        NET,
        "from_import",
        net("return (loss.detach(), *grad(loss, (a, b)))", "from torch.autograd import grad"),
        "torch.autograd",
    ),
    (
        NET,
        "alias",
        net("return (loss.detach(), *ag.grad(loss, (a, b)))", "import torch.autograd as ag"),
        "torch.autograd",
    ),
    (
        NET,
        "getattr_of_torch",
        net('return (loss.detach(), *getattr(torch, "autograd").grad(loss, (a, b)))'),
        "torch.autograd",
    ),
    (
        NET,
        "looked_up_at_run_time",
        net('return (loss.detach(), *vars(torch)["auto" + "grad"].grad(loss, (a, b)))'),
        "torch.autograd",
    ),
    (NET, "func", net("return (loss.detach(), *torch.func.grad(f, argnums=(0, 1))(w1, w2))"), "torch.func"),
    (
        NET,
        "func_from_import",
        net(
            "return (loss.detach(), *derive(f, argnums=(0, 1))(w1, w2))",
            "from torch.func import grad as derive",
        ),
        "torch.func",
    ),
    (
        NET,
        "functional_vjp",
        net("out, g = torch.autograd.functional.vjp(f, (w1, w2))\nreturn (out, *g)"),
        "torch.autograd",
    ),
    (
        NET,
        "function_subclass",
        net("""
        class Net(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x

        h = x @ w1
        g = 2 * (h.relu() @ w2 - y)
        return Net.apply(loss.detach()), x.T @ ((g @ w2.T) * (h > 0)), h.relu().T @ g
        """),
        "torch.autograd",
    ),
    (
        NET,
        "numpy_arrays",
        net(
            """
        q, r, s, t = (np.asarray(v.detach()) for v in (x, y, w1, w2))
        h = q @ s
        g = 2 * (np.maximum(h, 0) @ t - r)
        return loss.detach(), torch.from_numpy(q.T @ ((g @ t.T) * (h > 0))), torch.from_numpy(np.maximum(h, 0).T @ g)
        """,
            "import numpy as np",
        ),
        "numpy",
    ),
    (
        NET,
        "numpy_method",
        net("""
        h = (x @ w1).numpy()
        g = 2 * ((x @ w1).relu() @ w2 - y)
        return loss.detach(), x.T @ ((g @ w2.T) * torch.tensor(h > 0)), (x @ w1).relu().T @ g
        """),
        "numpy",
    ),
    (
        NET,
        "numpy_by_dunder",
        net("""
        h = (x @ w1).__array__()
        g = 2 * ((x @ w1).relu() @ w2 - y)
        return loss.detach(), x.T @ ((g @ w2.T) * torch.tensor(h > 0)), (x @ w1).relu().T @ g
        """),
        "__array__",
    ),
    (
        HOT,
        "usual_alias",
        hot("F.one_hot(labels, num_classes)", "import torch.nn.functional as F"),
        "torch.nn.functional.one_hot",
    ),
    (HOT, "full_name", hot("torch.nn.functional.one_hot(labels, num_classes)"), "one_hot"),
    (
        HOT,
        "from_import_as",
        hot("encode(labels, num_classes)", "from torch.nn.functional import one_hot as encode"),
        "one_hot",
    ),
    (
        HOT,
        "module_from_nn",
        hot("functional.one_hot(labels, num_classes)", "from torch.nn import functional"),
        "one_hot",
    ),
    (HOT, "getattr", hot('getattr(torch.nn.functional, "one_hot")(labels, num_classes)'), "one_hot"),
    (HOT, "passed_on", hot("encode(labels, num_classes)", "encode = torch.nn.functional.one_hot"), "one_hot"),
    (
        HOT,
        "partial",
        hot(
            "encode(num_classes=num_classes)(labels)",
            """
        from functools import partial
        def encode(**more): return partial(torch.nn.functional.one_hot, **more)
        """,
        ),
        "one_hot",
    ),
    (
        HOT,
        "looked_up_at_run_time",
        hot('vars(torch.nn.functional)["one_" + "hot"](labels, num_classes)'),
        "one_hot",
    ),
    (HOT, "aten", hot("torch.ops.aten.one_hot(labels, num_classes)"), "one_hot"),
    (HOT, "private", hot("torch._C._nn.one_hot(labels, num_classes)"), "one_hot"),
    (DISTS, "cdist", dists("torch.cdist(a, b) ** 2"), "torch.cdist"),
    (DISTS, "from_import", dists("cdist(a, b).square()", "from torch import cdist"), "torch.cdist"),
    (DISTS, "alias_of_torch", dists("t.cdist(a, b).square()", "import torch as t"), "torch.cdist"),
    (DISTS, "other_module", dists("torch.functional.cdist(a, b).square()"), "torch.cdist"),
    (DISTS, "looked_up_at_run_time", dists('getattr(torch, "cd" + "ist")(a, b).square()'), "cdist"),
    (DISTS, "its_inside", dists("torch._cdist_forward(a, b, 2.0, None).square()"), "cdist"),
    (DISTS, "private_twin", dists("torch._euclidean_dist(a, b).square()"), "_euclidean_dist"),
    (DISTS, "comprehension", dists("torch.stack([(row - b).square().sum(1) for row in a])"), "Python loop"),
    (DISTS, "generator", dists("torch.stack(tuple((row - b).square().sum(1) for row in a))"), "Python loop"),
    (
        DISTS,
        "dict",
        dists("torch.stack(list({i: (a[i] - b).square().sum(1) for i in range(len(a))}.values()))"),
        "Python loop",
    ),
    (
        DISTS,
        "for_loop",
        """
        def pairwise_sq_dists(a, b):
            out = a.new_zeros(len(a), len(b))
            for i in range(len(a)):
                out[i] = (a[i] - b).square().sum(1)
            return out
        """,
        "Python loop",
    ),
    (
        DISTS,
        "while_loop",
        """
        def pairwise_sq_dists(a, b):
            out, i = a.new_zeros(len(a), len(b)), 0
            while i < len(a):
                out[i], i = (a[i] - b).square().sum(1), i + 1
            return out
        """,
        "Python loop",
    ),
    (NLL, "function", nll("F.nll_loss(log_probs, labels)", "import torch.nn.functional as F"), "nll_loss"),
    (NLL, "cross_entropy", nll("torch.nn.functional.cross_entropy(log_probs, labels)"), "cross_entropy"),
    (
        NLL,
        "from_import_as",
        nll("loss(log_probs, labels)", "from torch.nn.functional import nll_loss as loss"),
        "nll_loss",
    ),
    (NLL, "class", nll("torch.nn.NLLLoss()(log_probs, labels)"), "torch.nn.NLLLoss"),
    (
        NLL,
        "class_from_import",
        nll("Loss()(log_probs, labels)", "from torch.nn import NLLLoss as Loss"),
        "torch.nn.NLLLoss",
    ),
    (
        NLL,
        "subclass",
        nll("Mine()(log_probs, labels)", "class Mine(torch.nn.NLLLoss):\n    pass\n"),
        "torch.nn.NLLLoss",
    ),
    (NLL, "other_class", nll("torch.nn.CrossEntropyLoss()(log_probs, labels)"), "torch.nn.CrossEntropyLoss"),
    (NLL, "getattr", nll('getattr(torch.nn.functional, "nll_loss")(log_probs, labels)'), "nll_loss"),
    (NLL, "looked_up_at_run_time", nll('vars(torch.nn)["NLL" + "Loss"]()(log_probs, labels)'), "NLLLoss"),
    (NLL, "aten", nll("torch.ops.aten.nll_loss(log_probs, labels)"), "nll_loss"),
    (NLL, "private", nll("torch._C._nn.nll_loss_nd(log_probs, labels)"), "nll_loss"),
    (
        NLL,
        "comprehension",
        nll("-sum(log_probs[i, k] for i, k in enumerate(labels)) / len(labels)"),
        "Python loop",
    ),
]

#: right, although something forbidden is mentioned or looks alike
MENTIONED = [
    (
        NET,
        "words_and_own_names",
        '''
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
        ''',
    ),
    (
        NET,
        "no_grad_from_autograd",
        """
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
        """,
    ),
    (
        HOT,
        "own_helper",
        """
        def F_one_hot(labels, n):
            '''like F.one_hot(labels, n), of our own'''
            return torch.eye(n).index_select(0, labels.reshape(-1)).reshape(*labels.shape, n)

        def one_hot(labels, num_classes):
            if not ((labels >= 0) & (labels < num_classes)).all():
                raise ValueError("torch.nn.functional.one_hot would say the same")
            return F_one_hot(labels, num_classes)  # not F.one_hot
        """,
    ),
    (
        DISTS,
        "own_cdist",
        """
        def cdist(a, b):
            # for every row of a, while no Python loop is running
            return (a[:, None] - b).pow(2).sum(-1)

        def pairwise_sq_dists(a, b):
            return cdist(a, b)
        """,
    ),
    (
        NLL,
        "own_nll_loss",
        """
        class Loss:
            def nll_loss(self, table, labels):
                "the mean of -table[i, k] for i, k in enumerate(labels)"
                return -torch.take_along_dim(table, labels[:, None], dim=1).mean()

        def gather_nll(log_probs, labels):
            nll = Loss()
            return nll.nll_loss(log_probs, labels)
        """,
    ),
]

RIGHT = [
    (
        NET,
        "nothing_but_numbers",
        """
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
        """,
    ),
    (
        NET,
        "in_place_on_its_own",
        """
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
        """,
    ),
    (
        HOT,
        "index_put",
        """
        def one_hot(labels, num_classes):
            if any(not 0 <= int(k) < num_classes for k in labels.reshape(-1)):
                raise ValueError
            out = torch.zeros(labels.numel(), num_classes)
            out[torch.arange(labels.numel()), labels.reshape(-1)] = 1.0
            return out.unflatten(0, labels.shape) if labels.dim() else out[0]
        """,
    ),
    (
        HOT,
        "class_with_call",
        """
        class Encoder:
            def __call__(self, labels, num_classes):
                bad = labels.lt(0).logical_or(labels.gt(num_classes - 1))
                if bad.sum().item():
                    raise ValueError(f"{int(bad.sum())} labels")
                return torch.stack([(labels == k) * 1.0 for k in range(num_classes)], dim=-1)

        one_hot = Encoder()
        """,
    ),
    (
        SAME,
        "typed_storage",
        """
        import warnings

        def same_storage(a, b):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return a.storage().data_ptr() == b.storage().data_ptr()
        """,
    ),
    (
        SAME,
        "same_python_storage",
        "same_storage = lambda a, b: a.untyped_storage()._cdata is not None and hash(a.untyped_storage()._cdata) == hash(b.untyped_storage()._cdata)",
    ),
    (
        SLIDE,
        "by_way_of_numpy",
        """
        import warnings
        from numpy.lib.stride_tricks import sliding_window_view

        def sliding_windows(x, size):
            if size < 1 or size > x.numel():
                raise ValueError
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return torch.from_numpy(sliding_window_view(x.numpy(), size))
        """,
    ),
    (
        SLIDE,
        "unfold_turned_twice",
        """
        def sliding_windows(x, size):
            if not 0 < size <= x.shape[0]:
                raise ValueError(f"{size=}")
            return x[None].unfold(1, x.shape[0] - size + 1, 1)[0].transpose(0, 1)
        """,
    ),
    (DISTS, "norms", dists("torch.linalg.vector_norm(a[:, None, :] - b[None, :, :], dim=-1) ** 2")),
    (
        DISTS,
        "pairwise_distance_of_a_grid",
        dists("(a.unsqueeze(1) - b.unsqueeze(0)).pow(2) @ a.new_ones(a.shape[1])"),
    ),
    (
        DISTS,
        "maximum_with_zero",
        dists(
            "torch.maximum(torch.addmm((a*a).sum(1, keepdim=True) + (b*b).sum(1), a, b.T, alpha=-2), torch.tensor(0.0, dtype=a.dtype))"
        ),
    ),
    (
        NLL,
        "scattered",
        nll("-(log_probs * torch.zeros_like(log_probs).scatter(1, labels.unsqueeze(1), 1)).sum(1).mean(0)"),
    ),
    (
        NLL,
        "where",
        nll(
            "torch.where(torch.arange(log_probs.shape[1]) == labels[:, None], -log_probs, 0.0).sum() / labels.shape[0]"
        ),
    ),
    (NLL, "squeezed", nll("log_probs.gather(-1, labels.reshape(-1, 1)).squeeze().mul(-1).mean()")),
    (
        MEAN,
        "nanmean_made_safe",
        """
        def masked_mean(x, mask, dim):
            weights = mask.to(x) / mask.to(x).sum(dim, keepdim=True).clamp(min=1.0)
            return torch.where(mask, x, torch.zeros_like(x)).mul(weights).sum(dim)
        """,
    ),
    (
        MEAN,
        "index_copy",
        """
        def masked_mean(x, mask, dim):
            safe = torch.zeros_like(x).masked_scatter(mask, x[mask])
            count = mask.sum(dim)
            return safe.sum(dim) / (count + (count == 0))
        """,
    ),
    (SCORES, "swapaxes", "batched_scores = lambda q, k: torch.matmul(q, k.swapaxes(-1, -2))"),
    (SCORES, "keys_first", "def batched_scores(q, k):\n    return (k @ q.mT).mT\n"),
    (
        SCORES,
        "vmap",
        """
        def batched_scores(q, k):
            f = lambda a, b: a @ b.t()
            n = q.dim() - 2
            while n:
                f, n = torch.vmap(f), n - 1
            return f(q, k)
        """,
    ),
]

WRONG = [
    (
        NET,
        "leaves_gradients_off",
        """
        def tensor_loss_and_grads(x, y, w1, w2):
            torch.set_grad_enabled(False)
            h = x @ w1
            a = h.clamp(min=0)
            d = a @ w2
            if d.shape != y.shape:
                raise ValueError
            d = d - y
            return (d**2).sum(), x.T @ ((2 * d @ w2.T) * (h > 0)), a.T @ (2 * d)
        """,
    ),
    (
        NET,
        "remembers_its_first_answer",
        """
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
        """,
    ),
    (
        NET,
        "flat_targets_compared_by_count",
        """
        def tensor_loss_and_grads(x, y, w1, w2):
            h = x @ w1
            a = h.clamp(min=0)
            d = a @ w2
            if len(d) != len(y):
                raise ValueError
            d = d - y
            return (d**2).sum(), x.T @ ((2 * d @ w2.T) * (h > 0)), a.T @ (2 * d)
        """,
    ),
    (
        HOT,
        "other_error",
        """
        def one_hot(labels, num_classes):
            if labels.min() < 0 or labels.max() >= num_classes:
                raise IndexError("labels")
            return torch.eye(num_classes)[labels]
        """,
    ),
    (
        HOT,
        "first_label_checked",
        """
        def one_hot(labels, num_classes):
            first, last = labels.reshape(-1)[0], labels.reshape(-1)[-1]
            if min(first, last) < 0 or max(first, last) >= num_classes:
                raise ValueError
            return (labels.unsqueeze(-1) == torch.arange(num_classes)).float()
        """,
    ),
    (
        HOT,
        "always_an_axis",
        """
        def one_hot(labels, num_classes):
            if labels.min() < 0 or labels.max() >= num_classes:
                raise ValueError
            return torch.eye(num_classes)[torch.atleast_1d(labels)]
        """,
    ),
    (SAME, "always_true", "same_storage = lambda a, b: True"),
    (
        SAME,
        "number_for_bool",
        "same_storage = lambda a, b: int(a.untyped_storage().data_ptr() == b.untyped_storage().data_ptr())",
    ),
    (SAME, "is_set_to", "same_storage = lambda a, b: a.is_set_to(b)"),
    (
        SAME,
        "is_view",
        "same_storage = lambda a, b: a is b or (a._is_view() and a._base is b) or (b._is_view() and b._base is a)",
    ),
    (
        SAME,
        "numpy_overlap",
        "import numpy as np\nsame_storage = lambda a, b: bool(np.shares_memory(a.numpy(), b.numpy()))",
    ),
    (
        SLIDE,
        "cloned",
        "def sliding_windows(x, size):\n    if not 1 <= size <= len(x):\n        raise ValueError\n    return x.unfold(0, size, 1).clone()\n",
    ),
    (
        SLIDE,
        "copied_where_strided",
        """
        def sliding_windows(x, size):
            if not 1 <= size <= len(x):
                raise ValueError
            return (x if x.stride(0) == 1 else x.clone()).unfold(0, size, 1)
        """,
    ),
    (
        SLIDE,
        "square_only",
        """
        def sliding_windows(x, size):
            if not 1 <= size <= len(x):
                raise ValueError
            return x.unfold(0, len(x) - size + 1, 1)
        """,
    ),
    (
        SLIDE,
        "zero_allowed",
        "def sliding_windows(x, size):\n    if not 0 <= size <= len(x):\n        raise ValueError\n    return x.unfold(0, size, 1)\n",
    ),
    (
        DISTS,
        "single_precision_inside",
        dists("(a.float()[:, None] - b.float()[None]).square().sum(-1).to(a.dtype)"),
    ),
    (
        DISTS,
        "half_of_it_by_map",
        dists(
            "torch.stack(tuple(map(torch.dot, a, a)))[:, None].add((b * b).sum(1)).sub(2 * a @ b.T).clamp(min=0)"
        ),
    ),
    (
        DISTS,
        "recursion",
        dists(
            "(a[:1] - b).square().sum(-1)[None] if len(a) == 1 else torch.cat([(a[:1] - b).square().sum(-1)[None], pairwise_sq_dists(a[1:], b)])"
        ),
    ),
    (DISTS, "never_exactly_right", dists("((a[:, None] - b).square().sum(-1) + 1e-3)")),
    (NLL, "labels_in_order", nll("-log_probs[:, labels.sort().values].diagonal().mean()")),
    (
        NLL,
        "wrong_for_one",
        nll("-log_probs.gather(1, labels[:, None]).squeeze().sum() / max(len(labels), 2)"),
    ),
    (NLL, "absolute", nll("log_probs.gather(1, labels[:, None]).abs().mean()")),
    (
        MEAN,
        "a_little_added",
        """
        def masked_mean(x, mask, dim):
            return x.masked_fill(~mask, 0).sum(dim) / (mask.sum(dim) + 1e-6)
        """,
    ),
    (
        MEAN,
        "only_nan_removed",
        """
        def masked_mean(x, mask, dim):
            return (x.nan_to_num(nan=0.0, posinf=float("inf"), neginf=float("-inf")) * mask).sum(dim) / mask.sum(dim).clamp(min=1)
        """,
    ),
    (
        MEAN,
        "last_but_not_negative",
        """
        def masked_mean(x, mask, dim):
            dim = max(dim, 0)
            return x.masked_fill(~mask, 0).sum(dim) / mask.sum(dim).clamp(min=1)
        """,
    ),
    (
        MEAN,
        "graph_cut",
        """
        @torch.no_grad()
        def masked_mean(x, mask, dim):
            return x.masked_fill(~mask, 0).sum(dim) / mask.sum(dim).clamp(min=1)
        """,
    ),
    (SCORES, "inner", "def batched_scores(q, k):\n    return torch.inner(q, k)\n"),
    (
        SCORES,
        "three_axes_only",
        'def batched_scores(q, k):\n    return torch.einsum("bld,bsd->bls", q, k) if q.dim() == 3 else q @ k.T\n',
    ),
    (
        SCORES,
        "view_of_strided",
        """
        def batched_scores(q, k):
            lead, l, d, s = q.shape[:-2], q.shape[-2], q.shape[-1], k.shape[-2]
            return torch.bmm(q.view(-1, l, d), k.view(-1, s, d).mT).view(*lead, l, s)
        """,
    ),
]

ALL = {"forbidden": FORBIDDEN, "mentioned": MENTIONED, "right": RIGHT, "wrong": WRONG}


@pytest.fixture(scope="module")
def found(rehearse):
    """Grade every case, one of each exercise in a run, and return the results by (exercise, kind, name)."""
    rehearsal = rehearse(CHAPTER)
    waiting = defaultdict(list)
    for kind, cases in ALL.items():
        for exercise, name, code, *_ in cases:
            waiting[exercise].append(((exercise, kind, name), dedent(code)))
    results = {}
    for together in zip_longest(*waiting.values()):
        cases = {key[0]: (key, code) for key, code in filter(None, together)}
        graded = rehearsal.grade({e: code for e, (_, code) in cases.items()}, set(cases)).exercises
        results.update({key: graded[exercise] for exercise, (key, _) in cases.items()})
    return results


def named(kind: str) -> list:
    return [pytest.param(*case, id=f"{case[0]}-{case[1]}") for case in ALL[kind]]


@pytest.mark.parametrize(("exercise", "name", "code", "names"), named("forbidden"))
def test_forbidden_call_earns_nothing_and_is_named(found, exercise, name, code, names):
    result = found[exercise, "forbidden", name]
    assert result.score == 0, result.message
    assert names in result.message
    assert "it is your own work" in result.message


@pytest.mark.parametrize(("exercise", "name", "code"), named("mentioned"))
def test_a_mention_is_no_call(found, exercise, name, code):
    result = found[exercise, "mentioned", name]
    assert result.outcome == "pass", result.message


@pytest.mark.parametrize(("exercise", "name", "code"), named("right"))
def test_right_solution_is_accepted(found, exercise, name, code):
    result = found[exercise, "right", name]
    assert result.outcome == "pass", result.message


@pytest.mark.parametrize(("exercise", "name", "code"), named("wrong"))
def test_wrong_solution_is_rejected(found, exercise, name, code):
    result = found[exercise, "wrong", name]
    assert result.outcome == "not yet"
    assert result.score < result.max_score
