"""Chapter 5 beyond mistakes and variants: forbidden calls in many spellings, subtle right and wrong pairs."""

from __future__ import annotations

import textwrap
from itertools import zip_longest

import pytest

CHAPTER = "05_nn"

SEQUENTIAL = """
    def __init__(self, *modules):
        super().__init__()
        for i, module in enumerate(modules):
            self.add_module(str(i), module)
    def __len__(self):
        return len(self._modules)
    def __getitem__(self, i):
        return list(self._modules.values())[i]
    def __iter__(self):
        return iter(self._modules.values())
"""
MSE = """
    def __init__(self, reduction="mean"):
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(reduction)
        self.reduction = reduction
"""
ENTROPY = """
    def __init__(self, ignore_index=-100):
        super().__init__()
        self.ignore_index = ignore_index
"""
DROPOUT = """
    def __init__(self, p=0.5):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError(p)
        self.p = p
"""
NORM = """
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))
"""
UPDATE = """
        if self.training:
            with torch.no_grad():
                self.running_mean.lerp_(x.mean(0), self.momentum)
                self.running_var.lerp_(x.var(0), self.momentum)
"""


def module(
    name: str, init: str, body: str, before: str = "", base: str = "nn.Module", arguments: str = "x"
) -> str:
    """Return a solution cell: a class with the usual __init__ and `body` as its forward."""
    forward = f"    def forward(self, {arguments}):\n" + textwrap.indent(
        textwrap.dedent(body).strip("\n"), " " * 8
    )
    return f"{textwrap.dedent(before)}\nclass {name}({base}):{init}\n{forward}\n"


def sequential(body: str, before: str = "", base: str = "nn.Module") -> str:
    return module("Sequential", SEQUENTIAL, body, before, base)


def mse(body: str, before: str = "", base: str = "nn.Module") -> str:
    return module("MSELoss", MSE, body, before, base, "a, b")


def entropy(body: str, before: str = "", base: str = "nn.Module") -> str:
    return module("CrossEntropyLoss", ENTROPY, body, before, base, "logits, labels")


def dropout(body: str, before: str = "", base: str = "nn.Module") -> str:
    return module("Dropout", DROPOUT, body, before, base)


def norm(body: str, update: str = UPDATE) -> str:
    return module("BatchNorm1d", NORM, update + textwrap.indent(textwrap.dedent(body), " " * 8))


def log_softmax(expression: str, before: str = "") -> str:
    return f"{before}\ndef log_softmax(x, dim):\n    return {expression}\n"


def train_step(maker: str, before: str = "") -> str:
    body = f"""
    def train_step(model, loss_fn, x, y, lr):
        optimizer = {maker}
        model.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()
    """
    return textwrap.dedent(before) + textwrap.dedent(body)


CHECKED_MSE = """
if a.shape != b.shape:
    raise ValueError
"""
KEPT = "keep = labels != self.ignore_index\n"
BATCH_NORM = (
    "(x, self.running_mean, self.running_var, self.weight, self.bias, self.training, self.momentum, self.eps)"
)
ATEN_NORM = BATCH_NORM[1:-1].replace(
    "self.running_mean, self.running_var, self.weight, self.bias",
    "self.weight, self.bias, self.running_mean, self.running_var",
)
RIGHT_NORM = """
mean, var = self.running_mean, self.running_var
if self.training:
    mean, var = x.mean(0), x.var(0, correction=0)
return (x - mean) / (var + self.eps).sqrt() * self.weight + self.bias
"""
CORRECTED = """
if not self.training or self.p == 0:
    return x
if self.p == 1:
    return x * 0
"""

#: exercise -> name of the forbidden call that the message has to show -> solutions
FORBIDDEN = {
    "sequential": {
        "torch.nn.Sequential": [
            "Sequential = nn.Sequential",
            "class Sequential(nn.Sequential):\n    pass",
            "class Sequential(torch.nn.modules.container.Sequential):\n    pass",
            "from torch.nn import Sequential",
            "from torch.nn import *",
            "from torch.nn import Sequential\nclass Sequential(Sequential):\n    pass",
            "from torch.nn import Sequential as Chain\nclass Sequential(Chain):\n    pass",
            "class Sequential(getattr(nn, 'Sequential')):\n    pass",
            "class Sequential(vars(nn)['Sequ' + 'ential']):\n    pass",
            sequential("return nn.Sequential(*self)(x)"),
            sequential("return getattr(nn, 'Seq' + 'uential')(*self)(x)"),
        ],
    },
    "mse_loss": {
        "torch.nn.functional.mse_loss": [
            mse(CHECKED_MSE + "return F.mse_loss(a, b, reduction=self.reduction)"),
            mse(
                CHECKED_MSE + "return error(a, b, reduction=self.reduction)",
                "error = torch.nn.functional.mse_loss",
            ),
            mse(
                CHECKED_MSE + "return mse_loss(a, b, reduction=self.reduction)",
                "from torch.nn.functional import mse_loss",
            ),
            mse(CHECKED_MSE + "return getattr(F, 'mse_loss')(a, b, reduction=self.reduction)"),
            mse(CHECKED_MSE + "return getattr(F, 'mse' + '_loss')(a, b, reduction=self.reduction)"),
            mse(
                CHECKED_MSE
                + "return torch._C._nn.mse_loss(a, b, ['none', 'mean', 'sum'].index(self.reduction))"
            ),
        ],
        "torch.nn.MSELoss": [
            "class MSELoss(nn.MSELoss):\n    pass",
            "from torch.nn import MSELoss",
            mse(CHECKED_MSE + "return super().forward(a, b)", base="nn.MSELoss"),
            mse(CHECKED_MSE + "return nn.modules.loss.MSELoss(reduction=self.reduction)(a, b)"),
        ],
    },
    "log_softmax": {
        "log_softmax": [
            log_softmax("torch.log_softmax(x, dim)"),
            log_softmax("x.log_softmax(dim)"),
            log_softmax("torch.special.log_softmax(x, dim)"),
            log_softmax("getattr(x, 'log_' + 'softmax')(dim)"),
            log_softmax("torch._log_softmax(x, dim, False)"),
            "from torch import log_softmax",
        ],
        "torch.nn.functional.log_softmax": [log_softmax("F.log_softmax(x, dim=dim)")],
        "torch.nn.LogSoftmax": [log_softmax("nn.LogSoftmax(dim=dim)(x)")],
        "oftmax": [
            log_softmax("torch.softmax(x, dim).log()"),
            log_softmax("x.softmax(dim).log()"),
            log_softmax("nn.Softmax(dim)(x).log()"),
            log_softmax("F.softmin(-x, dim).log()"),
            log_softmax("smooth(x, dim=dim).log()", "from torch.nn.functional import softmax as smooth"),
        ],
        "torch.logsumexp": [
            log_softmax("x - torch.logsumexp(x, dim, keepdim=True)"),
            log_softmax("x - x.logsumexp(dim, True)"),
            log_softmax("x - torch.special.logsumexp(x, dim, True)"),
        ],
    },
    "cross_entropy": {
        "cross_entropy": [
            entropy("return F.cross_entropy(logits, labels, ignore_index=self.ignore_index)"),
            entropy(
                "return getattr(F, 'cross' + '_entropy')(logits, labels, ignore_index=self.ignore_index)"
            ),
            entropy(
                "return ce(logits, labels, ignore_index=self.ignore_index)",
                "from torch.nn.functional import cross_entropy as ce",
            ),
            entropy(
                "return torch._C._nn.cross_entropy_loss(logits, labels, None, 1, self.ignore_index, 0.0)"
            ),
        ],
        "nll_loss": [
            entropy("return F.nll_loss(log_softmax(logits, 1), labels, ignore_index=self.ignore_index)"),
            entropy(
                "return torch._C._nn.nll_loss(logits.log_softmax(1), labels, None, 1, self.ignore_index)"
            ),
        ],
        "torch.nn.CrossEntropyLoss": [
            "class CrossEntropyLoss(nn.CrossEntropyLoss):\n    pass",
            "from torch.nn import *",
            "class CrossEntropyLoss(vars(nn)['Cross' + 'EntropyLoss']):\n"
            "    def __init__(self, ignore_index=-100):\n        super().__init__(ignore_index=ignore_index)",
        ],
        "torch.nn.NLLLoss": [
            entropy("return nn.NLLLoss(ignore_index=self.ignore_index)(log_softmax(logits, 1), labels)"),
        ],
    },
    "train_step": {
        "torch.optim": [
            train_step("torch.optim.SGD(model.parameters(), lr=lr)"),
            train_step("SGD(model.parameters(), lr=lr)", "from torch.optim import SGD"),
            train_step("o.SGD(model.parameters(), lr=lr)", "import torch.optim as o"),
            train_step("optim.SGD(model.parameters(), lr=lr)", "from torch import optim"),
            train_step("getattr(torch, 'op' + 'tim').SGD(model.parameters(), lr=lr)"),
            train_step("Mine(model.parameters(), lr=lr)", "class Mine(torch.optim.SGD):\n    pass\n"),
        ],
    },
    "dropout": {
        "dropout": [
            dropout("return F.dropout(x, self.p, self.training)"),
            dropout("return torch.dropout(x, self.p, self.training)"),
            dropout("return torch.dropout_(x.clone(), self.p, self.training)"),
            dropout(
                "return noise(x, self.p, self.training)", "from torch.nn.functional import dropout as noise"
            ),
            dropout("return getattr(torch, 'drop' + 'out')(x, self.p, self.training)"),
            dropout("return torch.native_dropout(x, self.p, self.training)[0] if self.training else x"),
        ],
        "torch.nn.Dropout": [
            "class Dropout(nn.Dropout):\n    pass",
            "from torch.nn import Dropout",
            dropout("return nn.Dropout(self.p).train(self.training)(x)"),
        ],
    },
    "batch_norm": {
        "batch_norm": [
            norm(f"return F.batch_norm{BATCH_NORM}", update=""),
            norm(f"return torch.batch_norm({ATEN_NORM}, False)", update=""),
            norm(f"y = torch.native_batch_norm({ATEN_NORM})\nreturn y[0]", update=""),
            norm(f"return getattr(F, 'batch' + '_norm'){BATCH_NORM}", update=""),
        ],
        "torch.nn.BatchNorm1d": [
            "class BatchNorm1d(nn.BatchNorm1d):\n    pass",
            "from torch.nn import BatchNorm1d",
            "from torch.nn import BatchNorm1d as Base\nclass BatchNorm1d(Base):\n    pass",
        ],
        "_BatchNorm": [
            "class BatchNorm1d(nn.modules.batchnorm._BatchNorm):\n    def _check_input_dim(self, x): ...",
        ],
    },
}

#: right solutions: a mention is no call, and another style is no mistake
RIGHT = {
    "build_mlp": [
        """
        class Layer(nn.Linear):
            pass
        def build_mlp(sizes):
            if len(sizes) < 2:
                raise ValueError
            blocks = [nn.Sequential(Layer(a, b), nn.ReLU()) for a, b in zip(sizes[:-2], sizes[1:-1])]
            return nn.Sequential(*blocks, Layer(*sizes[-2:]))
        """,
        """
        def build_mlp(sizes):
            match sizes:
                case [] | [_]:
                    raise ValueError(sizes)
            model = nn.Sequential(nn.Linear(sizes[0], sizes[1]))
            for i in range(2, len(sizes)):
                model = nn.Sequential(*model, nn.ReLU(), nn.Linear(sizes[i - 1], sizes[i]))
            return model
        """,
    ],
    "sequential": [
        sequential(
            '"""what nn.Sequential does"""\nwanted: nn.Sequential = None  # not torch.nn.Sequential\n'
            "if isinstance(x, nn.Sequential):\n    return None\n"
            "for m in self:\n    x = m(x)\nreturn x"
        ),
        "from torch.nn import Module, Sequential\n"
        + sequential("for m in self:\n    x = m(x)\nreturn x", base="Module"),
        """
        class Sequential(nn.ModuleDict):
            def __init__(self, *modules):
                super().__init__({str(i): m for i, m in enumerate(modules)})
            def __getitem__(self, key):
                return list(self._modules.values())[key]
            def __iter__(self):
                return iter(self._modules.values())
            def forward(self, x, position=0):
                return x if position == len(self) else self.forward(self[position](x), position + 1)
        """,
    ],
    "mse_loss": [
        mse(
            CHECKED_MSE + "self.mse_loss = (a - b).pow(2)  # F.mse_loss would do\n"
            "return getattr(self.mse_loss, {'none': 'clone'}.get(self.reduction, self.reduction))()"
        ),
        mse(
            CHECKED_MSE + "table = F.huber_loss(a, b, reduction='none', delta=1e9) * 2\n"
            "return table if self.reduction == 'none' else getattr(table, self.reduction)()"
        ),
        """
        class MSELoss(nn.L1Loss):
            def forward(self, y_pred, y):
                if y_pred.size() != y.size() or self.reduction not in {"mean", "sum", "none"}:
                    raise ValueError("nn.MSELoss would broadcast")
                squares = torch.einsum("...,...->...", y_pred - y, y_pred - y)
                return squares if self.reduction == "none" else getattr(torch, self.reduction)(squares)
        """,
    ],
    "log_softmax": [
        log_softmax(
            "(x.double() - _log_of_sum(x.double(), dim)).to(x.dtype)",
            textwrap.dedent("""
            def _log_of_sum(z, dim):
                top = torch.max(z, dim, keepdim=True)[0]
                return top + torch.log(torch.sum(torch.exp(z - top), dim, keepdim=True))
        """),
        ),
        "def softmax_free(z):\n    z = z - z.max()\n    return z - z.exp().sum().log()\n"
        + log_softmax(
            "torch.stack([softmax_free(r) for r in x.movedim(dim, -1).flatten(0, -2)])"
            ".reshape(x.movedim(dim, -1).shape).movedim(-1, dim) if x.ndim > 1 else softmax_free(x)"
        ),
    ],
    "cross_entropy": [
        entropy(
            KEPT + "self.nll_loss = -log_softmax(logits[keep], 1)[range(int(keep.sum())), labels[keep]]\n"
            "return self.nll_loss.mean()"
        ),
        entropy(
            KEPT + "truth = F.one_hot(labels[keep], logits.shape[-1]).to(logits.dtype)\n"
            "return F.kl_div(logits[keep].log_softmax(1), truth, reduction='batchmean')"
        ),
        entropy(
            KEPT + "z = logits[keep] - logits[keep].max(1, keepdim=True)[0]\n"
            "return (z.exp().sum(1).log() - z.take_along_dim(labels[keep][:, None], 1).squeeze(1)).mean(0)"
        ),
    ],
    "train_step": [
        """
        def train_step(model, loss_fn, x, y, lr):
            optim = "torch.optim.SGD"  # a mere mention of torch.optim
            named = {n: p for n, p in model.named_parameters() if p.requires_grad}
            loss = loss_fn(torch.func.functional_call(model, named, (x,)), y)
            grads = torch.autograd.grad(loss, list(named.values()), allow_unused=True, materialize_grads=True)
            with torch.no_grad():
                for p, g in zip(named.values(), grads):
                    p.sub_(g, alpha=lr)
            return loss.detach().item()
        """,
        """
        @torch.no_grad()
        def train_step(model, loss_fn, x, y, lr):
            was = model.training
            for p in model.parameters():
                p.grad = None
            with torch.enable_grad():
                loss = loss_fn(model(x), y)
                loss.backward()
            for p in filter(lambda p: p.grad is not None, model.parameters()):
                p.copy_(p - lr * p.grad)
            model.train(was)
            return loss.tolist()
        """,
    ],
    "dropout": [
        dropout(
            "# no F.dropout, torch.dropout or nn.Dropout\nself.dropout = self.p if self.training else 0\n"
            "if self.dropout == 1:\n    return torch.zeros_like(x)\n"
            "return x * (torch.rand(x.shape) >= self.dropout).to(x.dtype) / (1 - self.dropout)"
        ),
        dropout(
            "if not self.training:\n    return x\nkeep = 1 - self.p\nscale = 1 / keep if keep else 0.0\n"
            "values = [scale if random.random() < keep else 0.0 for _ in range(x.numel())]\n"
            "return x * torch.tensor(values, dtype=x.dtype).reshape(x.shape)",
            "import random",
        ),
        dropout(
            CORRECTED + "law = torch.distributions.Bernoulli(probs=torch.tensor(1 - self.p))\n"
            "return x.mul(law.sample(x.shape)).mul(1 / (1 - self.p))"
        ),
    ],
    "batch_norm": [
        norm(
            "# not F.batch_norm\nmean, var = (x.mean(0), x.var(0, correction=0)) if self.training else "
            "(self.running_mean, self.running_var)\nself.batch_norm = (x - mean) / (var + self.eps).sqrt()\n"
            "return torch.addcmul(self.bias, self.batch_norm, self.weight)"
        ),
        norm(
            "if not self.training:\n    mean, var = self.running_mean, self.running_var\nelse:\n"
            "    mean = sum(x.unbind(0)) / len(x)\n    var = sum((r - mean) ** 2 for r in x) / len(x)\n"
            "scale = self.weight * torch.rsqrt(var + self.eps)\n"
            "return torch.stack([(r - mean) * scale + self.bias for r in x])"
        ),
    ],
}

#: wrong solutions that look right
WRONG = {
    "build_mlp": [
        """
        from functools import cache
        @cache
        def _build(sizes):
            layers = [m for i in range(len(sizes) - 1) for m in (nn.Linear(*sizes[i : i + 2]), nn.ReLU())]
            return nn.Sequential(*layers[:-1])
        def build_mlp(sizes):
            if len(sizes) < 2:
                raise ValueError
            return _build(tuple(sizes))
        """,
        """
        def build_mlp(sizes):
            if len(sizes) < 2:
                raise ValueError
            layers = [m for i in range(len(sizes) - 1) for m in (nn.Linear(*sizes[i : i + 2]), nn.ELU())]
            return nn.Sequential(*layers[:-1])
        """,
    ],
    "sequential": [
        sequential("for m in dict.fromkeys(self):\n    x = m(x)\nreturn x"),
        sequential("for m in self:\n    x = m(x)\nreturn x.detach()"),
        sequential("for m in self:\n    x = m(x)\nreturn x").replace(
            "return len(self._modules)", "return len(list(self.parameters())) // 2 + 1"
        ),
    ],
    "mse_loss": [
        mse("if a.ndim != b.ndim:\n    raise ValueError\nd = (a - b) ** 2\n"
            "return d if self.reduction == 'none' else getattr(d, self.reduction)()"),
        mse(CHECKED_MSE + "d = (a - b) ** 2\nreturn d.mean() if self.reduction == 'mean' else d.sum()"),
        mse(CHECKED_MSE + "d = (a.float() - b.float()) ** 2\n"
            "return d if self.reduction == 'none' else getattr(d, self.reduction)()"),
        mse("if a.shape != b.shape:\n    raise TypeError\nd = (a - b) ** 2\n"
            "return d if self.reduction == 'none' else getattr(d, self.reduction)()"),
    ],
    "log_softmax": [
        log_softmax("x.clamp(-80, 80) - x.clamp(-80, 80).exp().sum(dim, keepdim=True).log()"),
        log_softmax("(lambda z: z - z.exp().sum(dim, True).log())(x - x.abs().amax(dim, True))"),
        log_softmax("(lambda z: z - z.exp().sum(dim, True).log())((x - x.amax(dim, True)).detach())"),
        log_softmax("(lambda z: z - z.exp().sum(abs(dim), True).log())(x - x.amax(abs(dim), True))"),
    ],
    "cross_entropy": [
        entropy("picked = log_softmax(logits, 1)[range(len(labels)), labels.clamp(min=0)]\n"
                "counts = labels != self.ignore_index\nreturn -(picked * counts).sum() / counts.sum()"),
        entropy(KEPT + "return -log_softmax(logits[keep], 1).gather(1, labels[keep][:, None]).mean(0)"),
        entropy(KEPT + "return -log_softmax(logits[keep].data, 1).gather(1, labels[keep][:, None]).mean()"),
        entropy(KEPT + "p = logits[keep].double().softmax(1).clamp(min=1e-300).log().to(logits.dtype)\n"
                "return -p.gather(1, labels[keep][:, None]).mean()"),
    ],
    "train_step": [
        """
        import copy
        def train_step(model, loss_fn, x, y, lr):
            model = copy.deepcopy(model)
            model.zero_grad()
            loss = loss_fn(model(x), y)
            loss.backward()
            for p in model.parameters():
                if p.grad is not None:
                    p.data -= lr * p.grad
            return loss.item()
        """,
        """
        def train_step(model, loss_fn, x, y, lr):
            model.eval()
            model.zero_grad()
            loss = loss_fn(model(x), y)
            loss.backward()
            for p in model.parameters():
                if p.grad is not None:
                    p.data -= lr * p.grad
            return loss.item()
        """,
        """
        def train_step(model, loss_fn, x, y, lr):
            model.zero_grad()
            loss = loss_fn(model(x), y)
            loss.backward()
            for p in model.parameters():
                if p.grad is not None:
                    loss_fn(model(x), y)
                    p.requires_grad_(False).sub_(lr * p.grad)
            return loss.item()
        """,
        """
        def train_step(model, loss_fn, x, y, lr):
            model.zero_grad()
            total = 0.0
            for p in list(model.parameters()):
                loss = loss_fn(model(x), y)
                total = total or loss.item()
                if p.requires_grad:
                    (g,) = torch.autograd.grad(loss, p, allow_unused=True)
                    if g is not None:
                        p.data -= lr * g
            return total
        """,
    ],
    "dropout": [
        dropout(CORRECTED + "mask = torch.full_like(x, 1 - self.p).bernoulli()\nreturn x * mask / mask.mean()"),
        dropout(CORRECTED + "torch.manual_seed(0)\nreturn x * (torch.rand_like(x) >= self.p) / (1 - self.p)"),
        dropout(CORRECTED + "self.mask = getattr(self, 'mask', torch.rand_like(x)) \n"
                "return x * (self.mask >= self.p) / (1 - self.p)"),
        dropout(CORRECTED + "return (x * (torch.rand_like(x) >= self.p) / (1 - self.p)).float()"),
        dropout(CORRECTED + "return x + (x * (torch.rand_like(x) >= self.p) / (1 - self.p) - x).detach()"),
    ],
    "batch_norm": [
        norm(
            "many = self.training or len(x) > 1\nmean = x.mean(0) if many else self.running_mean\n"
            "var = x.var(0, correction=0) if many else self.running_var\n"
            "return (x - mean) / (var + self.eps).sqrt() * self.weight + self.bias"
        ),
        norm(
            "mean, var = (x.mean(0), x.var(0, correction=0).detach()) if self.training else "
            "(self.running_mean, self.running_var)\n"
            "return (x - mean) / (var + self.eps).sqrt() * self.weight + self.bias"
        ),
        norm(
            RIGHT_NORM
        ).replace("lerp_(x.var(0)", "lerp_(x.var(0) * (1 if len(x) > 3 else 0.9)"),
        norm(
            RIGHT_NORM
        ).replace("self.running_var.lerp_", "self.weight.data.mul_(1.01); self.running_var.lerp_"),
    ],
}  # fmt: skip


def _flat(table: dict) -> list[tuple[str, str, str]]:
    return [
        (exercise, kind, textwrap.dedent(code).strip() + "\n")
        for exercise, kinds in table.items()
        for kind, codes in (kinds.items() if isinstance(kinds, dict) else [("", kinds)])
        for code in codes
    ]


FORBIDDEN_CASES, RIGHT_CASES, WRONG_CASES = _flat(FORBIDDEN), _flat(RIGHT), _flat(WRONG)


@pytest.fixture(scope="module")
def graded(rehearse):
    """Grade all cases, one of each exercise a submission: exercises do not look at each other's solutions."""
    rehearsal = rehearse(CHAPTER)
    by_exercise: dict[str, list[str]] = {}
    for exercise, _, code in [*FORBIDDEN_CASES, *RIGHT_CASES, *WRONG_CASES]:
        by_exercise.setdefault(exercise, []).append(code)
    known, rehearsal.reference._mistakes = rehearsal.reference._mistakes, {name: [] for name in by_exercise}
    results = {}
    for codes in zip_longest(*by_exercise.values()):
        chosen = {name: code for name, code in zip(by_exercise, codes, strict=True) if code is not None}
        result = rehearsal.grade(rehearsal.right() | chosen, set(chosen))
        results.update({(name, code): result.exercises[name] for name, code in chosen.items()})
    rehearsal.reference._mistakes = (
        known  # nothing here looks at names of mistakes, and running them all takes long
    )
    return results


def _ids(cases: list[tuple[str, str, str]]) -> list[str]:
    return [f"{exercise}-{number}" for number, (exercise, _, _) in enumerate(cases)]


@pytest.mark.parametrize(("exercise", "name", "code"), FORBIDDEN_CASES, ids=_ids(FORBIDDEN_CASES))
def test_forbidden_call_earns_nothing_and_is_named(graded, exercise, name, code):
    found = graded[exercise, code]
    assert found.score == 0, code
    assert "your code calls" in found.message, found.message
    assert name in found.message


@pytest.mark.parametrize(("exercise", "kind", "code"), RIGHT_CASES, ids=_ids(RIGHT_CASES))
def test_right_solution_earns_everything(graded, exercise, kind, code):
    found = graded[exercise, code]
    assert found.score == found.max_score, found.message


@pytest.mark.parametrize(("exercise", "kind", "code"), WRONG_CASES, ids=_ids(WRONG_CASES))
def test_wrong_solution_loses_points(graded, exercise, kind, code):
    found = graded[exercise, code]
    assert found.outcome == "not yet", code
    assert found.score < found.max_score
    assert "your code calls" not in found.message, found.message


@pytest.mark.parametrize("exercise", ["cross_entropy", "train_step", "batch_norm"])
def test_a_later_exercise_stands_on_its_own(rehearse, exercise):
    rehearsal = rehearse(CHAPTER)
    result = rehearsal.grade({exercise: rehearsal.right()[exercise]}, {exercise})
    assert result.exercises[exercise].outcome == "pass", result.exercises[exercise].message


BORROWED = '''
_Q = getattr(nn, "Seq" + "uential")
class Sequential(nn.Module):
    def __init__(self, *modules):
        super().__init__()
        for i, m in enumerate(modules): self.add_module(str(i), m)
    forward, __len__, __iter__ = _Q.forward, _Q.__len__, _Q.__iter__
    __getitem__, _get_item_by_idx = _Q.__getitem__, _Q._get_item_by_idx
'''
NEVER_MASKED = '''
class Dropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        if not 0 <= p <= 1: raise ValueError("p")
    def forward(self, x): return x
'''
OWN_WORDS = '''
class MSELoss(nn.Module):
    def __init__(self, reduction="mean"):
        super().__init__()
        if reduction not in ("mean", "sum", "none"): raise ValueError("words that no known mistake uses")
        self.reduction = reduction
    def forward(self, a, b):
        d = (a - b) ** 2
        return d if self.reduction == "none" else getattr(d, self.reduction)()
'''


def test_a_borrowed_method_of_a_forbidden_class_is_seen(rehearse):
    found = rehearse(CHAPTER).grade({"sequential": BORROWED}, {"sequential"}).exercises["sequential"]
    assert found.score == 0
    assert "torch.nn.Sequential" in found.message


@pytest.mark.parametrize(
    ("exercise", "code", "mistake"),
    [("dropout", NEVER_MASKED, "never_drops"), ("mse_loss", OWN_WORDS, "no_shape_check")],
)
def test_help_is_that_of_this_mistake(rehearse, exercise, code, mistake):
    found = rehearse(CHAPTER).grade({exercise: code}, {exercise}).exercises[exercise]
    assert found.score < found.max_score
    assert found.mistake == mistake
