"""Chapter 7 against solutions beyond its own lists: subtle wrong ones, odd right ones, forbidden calls."""

from __future__ import annotations

import copy
from textwrap import dedent, indent

import pytest

CHAPTER = "07_module"


@pytest.fixture(scope="module")
def rehearsal(rehearse):
    """The chapter without its known mistakes: only verdicts are asked for here, not help."""
    made = copy.copy(rehearse(CHAPTER))
    made.reference = copy.copy(made.reference)
    made.reference.mistakes = lambda exercise: []
    return made


@pytest.fixture(scope="module")
def graded(rehearsal):
    """Grade a table of solutions, those of different exercises in one submission, each submission once."""
    seen: dict[tuple, object] = {}

    def get(table: dict[str, tuple], name: str):
        rounds: dict[str, list[str]] = {}
        for other, (exercise, *_) in table.items():
            rounds.setdefault(exercise, []).append(other)
        exercise = table[name][0]
        turn = rounds[exercise].index(name)
        chosen = {e: dedent(table[names[turn]][1]) for e, names in rounds.items() if turn < len(names)}
        key = tuple(sorted(chosen.items()))
        if key not in seen:
            seen[key] = rehearsal.grade(rehearsal.right() | chosen, set(chosen))
        return seen[key].exercises[exercise]

    return get


def relu(body: str, above: str = "", base: str = "nn.Module") -> str:
    return f"{above}\nclass ReLU({base}):\n    def forward(self, x):\n{indent(dedent(body), ' ' * 8)}\n"


def linear(forward: str = "", init: str = "", above: str = "", repr_: str = "") -> str:
    init = init or """
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        k = in_features**-0.5
        self.weight = nn.Parameter(torch.empty(out_features, in_features).uniform_(-k, k))
        self.register_parameter("bias", nn.Parameter(torch.empty(out_features).uniform_(-k, k)) if bias else None)
    """
    forward = forward or "out = x @ self.weight.T\nreturn out if self.bias is None else out + self.bias"
    repr_ = repr_ or 'return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"'
    pad = " " * 8
    return (
        f"{above}\nclass Linear(nn.Module):\n    def __init__(self, in_features, out_features, bias=True):\n"
        f"{indent(dedent(init), pad)}\n    def forward(self, x):\n{indent(dedent(forward), pad)}\n"
        f"    def extra_repr(self):\n{indent(dedent(repr_), pad)}\n"
    )


XAVIER = '''
def _std(t, gain):
    if t.ndim < 2:
        raise ValueError("no fans")
    k = t[0, 0].numel()
    return gain * math.sqrt(2 / ((t.shape[0] + t.shape[1]) * k))

def xavier_uniform_(tensor, gain=1.0):
    b = math.sqrt(3) * _std(tensor, gain)
    {uniform}

def xavier_normal_(tensor, gain=1.0):
    s = _std(tensor, gain)
    {normal}
'''
KAIMING = '''
def _std(t, a, mode):
    if t.ndim < 2 or mode not in ("fan_in", "fan_out"):
        raise ValueError("no fans")
    fan = {fan}
    return math.sqrt(2 / (1 + a**2) / fan)

def kaiming_uniform_(tensor, a=0.0, mode="fan_in"):
    b = math.sqrt(3) * _std(tensor, a, mode)
    {uniform}

def kaiming_normal_(tensor, a=0.0, mode="fan_in"):
    s = _std(tensor, a, mode)
    {normal}
'''
UNIFORM = "with torch.no_grad(): return tensor.uniform_(-b, b)"
NORMAL = "with torch.no_grad(): return tensor.normal_(0, s)"
FAN = 't[0].numel() if mode == "fan_in" else t[:, 0].numel()'


def xavier(uniform: str = UNIFORM, normal: str = NORMAL, above: str = "") -> str:
    return above + XAVIER.format(uniform=uniform, normal=normal)


def kaiming(uniform: str = UNIFORM, normal: str = NORMAL, fan: str = FAN, above: str = "") -> str:
    return above + KAIMING.format(uniform=uniform, normal=normal, fan=fan)


#: Every spelling of what is not allowed: exercise, solution, the name its message has to give.
FORBIDDEN = {
    "nn.ReLU called": ("relu_module", relu("return nn.ReLU()(x)"), "torch.nn.ReLU"),
    "nn.ReLU subclassed": ("relu_module", "class ReLU(nn.ReLU):\n    pass", "torch.nn.ReLU"),
    "nn.ReLU as an alias": ("relu_module", "Bend = torch.nn.modules.activation.ReLU\nclass ReLU(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.b = Bend()\n    def forward(self, x):\n        return self.b(x)", "torch.nn.ReLU"),
    "nn.ReLU imported": ("relu_module", "from torch.nn import ReLU as Theirs\n" + relu("return Theirs().forward(x)"), "torch.nn.ReLU"),
    "F.relu": ("relu_module", relu("return F.relu(x)"), "relu"),
    "F.relu in place on a copy": ("relu_module", relu("return F.relu_(x.clone())"), "relu"),
    "F.relu imported": ("relu_module", "from torch.nn.functional import relu as bend\n" + relu("return bend(x)"), "relu"),
    "torch.relu": ("relu_module", relu("return torch.relu(x)"), "relu"),
    "torch.relu_": ("relu_module", relu("return torch.relu_(x + 0)"), "relu"),
    "the method relu": ("relu_module", relu("return x.relu()"), "relu"),
    "the method relu_": ("relu_module", relu("y = x.clone()\nreturn y.relu_()"), "relu"),
    "getattr on torch": ("relu_module", relu('return getattr(torch, "relu")(x)'), "relu"),
    "getattr with a made-up string": ("relu_module", relu('return getattr(torch, "re" + "lu")(x)'), "relu"),
    "vars of nn": ("relu_module", relu('return vars(nn)["Re" + "LU"]()(x)'), "relu"),
    "Tensor.relu": ("relu_module", relu("return torch.Tensor.relu(x)"), "relu"),
    "ops.aten.relu": ("relu_module", relu("return torch.ops.aten.relu(x)"), "relu"),
    "nn.Linear subclassed": ("linear", "class Linear(nn.Linear):\n    pass", "torch.nn.Linear"),
    "nn.Linear assigned": ("linear", "Linear = nn.Linear", "torch.nn.Linear"),
    "nn.Linear imported": ("linear", "from torch.nn import Linear", "torch.nn.Linear"),
    "nn.Linear inside": ("linear", linear(init="super().__init__()\nself.in_features, self.out_features = in_features, out_features\nother = nn.Linear(in_features, out_features, bias)\nself.weight = other.weight\nself.register_parameter('bias', other.bias)"), "torch.nn.Linear"),
    "nn.Linear by getattr": ("linear", 'Linear = type("Linear", (getattr(nn, "Linear"),), {})', "torch.nn.Linear"),
    "nn.Linear by vars": ("linear", 'class Linear(vars(nn)["Lin" + "ear"]):\n    pass', "torch.nn.Linear"),
    "nn.LazyLinear's base": ("linear", "class Linear(nn.LazyLinear.__mro__[2]):\n    pass", "torch.nn.Linear"),
    "F.linear": ("linear", linear("return F.linear(x, self.weight, self.bias)"), "linear"),
    "F.linear by another path": ("linear", linear("return torch._C._nn.linear(x, self.weight, self.bias)"), "linear"),
    "F.linear imported": ("linear", linear("return product(x, self.weight, self.bias)", above="from torch.nn.functional import linear as product"), "linear"),
    "F.linear hidden": ("linear", linear('return vars(F)["lin" + "ear"](x, self.weight, self.bias)'), "linear"),
    "xavier from nn.init": ("xavier_init", "xavier_uniform_, xavier_normal_ = nn.init.xavier_uniform_, nn.init.xavier_normal_", "torch.nn.init"),
    "xavier imported": ("xavier_init", "from torch.nn.init import xavier_uniform_, xavier_normal_", "torch.nn.init"),
    "xavier with torch's fans": ("xavier_init", "from torch.nn import init as start\n" + xavier(uniform="start._calculate_fan_in_and_fan_out(tensor); return tensor.data.uniform_(-b, b).set_(tensor)"), "torch.nn.init"),
    "nn.init.uniform_": ("xavier_init", xavier(uniform="return nn.init.uniform_(tensor, -b, b)"), "torch.nn.init"),
    "nn.init by getattr": ("xavier_init", xavier(normal='return getattr(getattr(nn, "in" + "it"), "normal_")(tensor, 0, s)'), "torch.nn.init"),
    "kaiming from nn.init": ("kaiming_init", "def kaiming_uniform_(tensor, a=0.0, mode='fan_in'):\n    return nn.init.kaiming_uniform_(tensor, a=a, mode=mode)\n\nkaiming_normal_ = torch.nn.init.kaiming_normal_", "torch.nn.init"),
    "kaiming's gain from nn.init": ("kaiming_init", kaiming(uniform='import torch.nn.init as I; g = I.calculate_gain("relu"); return tensor.data.uniform_(-b, b) if g < 0 else tensor'), "torch.nn.init"),
    "kaiming by sys.modules": ("kaiming_init", kaiming(normal='import sys; return sys.modules["torch.nn." + "init"].normal_(tensor, 0, s)'), "torch.nn.init"),
}  # fmt: skip

#: A comment, a string or a name of the student's own is no call; anything that is not listed is allowed.
MENTIONED = {
    "relu in comments and strings": ("relu_module", relu('note = "as nn.ReLU and torch.relu do"  # not F.relu(x)\nreturn x.clamp_min(0)')),
    "a helper called relu": ("relu_module", "def relu(x):\n    return x * (x > 0)\n" + relu("return relu(x)")),
    "leaky relu without a leak": ("relu_module", relu("return F.leaky_relu(x, 0.0)")),
    "hardtanh without an end": ("relu_module", relu('return F.hardtanh(x, 0.0, float("inf"))')),
    "super with the class's name": ("relu_module", "class ReLU(nn.Module):\n    def __init__(self):\n        super(ReLU, self).__init__()\n    def forward(self, input):\n        return torch.max(input, torch.zeros_like(input))"),
    "a function called linear": ("linear", linear("return linear(x, self.weight, self.bias)", above="def linear(x, w, b):\n    '''as F.linear'''\n    y = torch.matmul(x, w.mT)\n    return y if b is None else y + b")),
    "nn.init where it is not forbidden": ("linear", linear(init="super().__init__()\nself.in_features, self.out_features = in_features, out_features\nself.weight = nn.Parameter(torch.empty(out_features, in_features))\nnn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))\nself.register_parameter('bias', nn.Parameter(nn.init.uniform_(torch.empty(out_features), -1 / math.sqrt(in_features), 1 / math.sqrt(in_features))) if bias else None)")),
    "nn.init in a docstring": ("xavier_init", xavier(above='"""like nn.init.xavier_uniform_"""\ninit = nn_init = None  # nn.init\n')),
    "a helper called init": ("kaiming_init", kaiming(above="def init(t):\n    return t\n", normal="with torch.no_grad(): return init(tensor).normal_(mean=0.0, std=s)")),
}  # fmt: skip

RIGHT = {
    "relu by where": ("relu_module", relu("return torch.where(x > 0, x, torch.zeros((), dtype=x.dtype))")),
    "relu by masked_fill": ("relu_module", relu("return x.masked_fill(x <= 0, 0.0)")),
    "relu with an optional argument": ("relu_module", "class ReLU(nn.Module):\n    def __init__(self, inplace=False):\n        super().__init__()\n        self.inplace = inplace\n    def forward(self, x):\n        return (x > 0) * x\n    def extra_repr(self):\n        return 'inplace' * self.inplace"),
    "linear by broadcasting": ("linear", linear("y = (x[..., None, :] * self.weight).sum(-1)\nreturn y if self.bias is None else y + self.bias")),
    "linear by inner": ("linear", linear("y = torch.inner(x, self.weight)\nif self.bias is not None:\n    y = y + self.bias\nreturn y")),
    "linear by tensordot": ("linear", linear("y = torch.tensordot(x, self.weight, dims=([-1], [1]))\nreturn y if self.bias is None else torch.add(y, self.bias)")),
    "linear with a reset and more attributes": ("linear", linear(init="""
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        self.use_bias = bias
        self.weight = nn.Parameter(torch.Tensor(out_features, in_features))
        if bias:
            self.bias = nn.Parameter(torch.Tensor(out_features))
        else:
            self.register_parameter("bias", None)
        bound = 1 / np.sqrt(in_features)
        for p in self.parameters():
            p.data.uniform_(-bound, bound)
     """, forward="out = x.matmul(self.weight.transpose(0, 1))\nif self.use_bias:\n    out += self.bias\nreturn out",
        repr_='return "in_features={}, out_features={}, bias={}".format(self.in_features, self.out_features, self.use_bias)')),
    "xavier by a generator of its own": ("xavier_init", xavier(uniform="tensor.data.copy_((torch.rand(tensor.shape, generator=G) * 2 - 1) * b); return tensor", above="G = torch.Generator()\nG.seed()\n")),
    "xavier by list and slice": ("xavier_init", xavier(normal="tensor.data[:] = torch.as_tensor(np.random.normal(0, s, tensor.shape)); return tensor")),
    "kaiming decorated": ("kaiming_init", kaiming(uniform="return _draw(tensor, b)", above="@torch.no_grad()\ndef _draw(t, b):\n    t.copy_(torch.rand_like(t).mul(2 * b).sub(b))\n    return t\n")),
    "kaiming with the fan from shapes": ("kaiming_init", kaiming(fan="math.prod(t.shape) / t.shape[0 if mode == 'fan_in' else 1]")),
    "mlp with ordered names": ("simple_mlp", """
        class SimpleMLP(nn.Module):
            def __init__(self, in_dim, hidden_dim, out_dim):
                super().__init__()
                blocks = []
                for a, b in ((in_dim, hidden_dim), (hidden_dim, hidden_dim)):
                    blocks += [Linear(a, b, bias=True), ReLU()]
                self.layers = nn.Sequential(*blocks, Linear(in_features=hidden_dim, out_features=out_dim))
            def __len__(self):
                return 5
            def forward(self, x, *, flat=False):
                return self.layers(x)
     """),
    "mlp that is a Sequential's owner twice": ("simple_mlp", """
        class SimpleMLP(nn.Module):
            def __init__(self, in_dim, hidden_dim, out_dim):
                super().__init__()
                self.layers = nn.Sequential(nn.Linear(in_dim, hidden_dim), nn.ReLU(), nn.Linear(hidden_dim, hidden_dim), nn.ReLU(), nn.Linear(hidden_dim, out_dim))
                self.head = self.layers[4]
            def forward(self, x):
                return self.head(self.layers[:4](x))
     """),
    "net by reduce": ("dynamic_net", """
        from functools import reduce
        class DynamicNet(nn.Module):
            def __init__(self, d_in, h, d_out):
                super().__init__()
                self.output_linear = nn.Linear(h, d_out)
                self.middle_linear = nn.Linear(h, h)
                self.input_linear = nn.Linear(d_in, h)
            def forward(self, x, repeats=None):
                n = np.random.choice([0, 1, 1, 2, 3]) if repeats is None else repeats
                step = lambda h, _: F.relu(self.middle_linear(h))
                return self.output_linear(reduce(step, range(n), F.relu(self.input_linear(x))))
     """),
    "net by secrets": ("dynamic_net", """
        import secrets
        class DynamicNet(nn.Module):
            def __init__(self, d_in, h, d_out):
                super().__init__()
                self.input_linear, self.middle_linear, self.output_linear = Linear(d_in, h), Linear(h, h), Linear(h, d_out)
                self.relu = ReLU()
            def forward(self, x, repeats=None):
                repeats = secrets.choice(range(4)) if repeats is None else int(repeats)
                h = self.relu(self.input_linear(x))
                for _ in [None] * repeats:
                    h = self.relu(self.middle_linear(h))
                return self.output_linear(h)
     """),
    "mean in the training branch only": ("running_mean", """
        class RunningMean(nn.Module):
            def __init__(self, num_features):
                super().__init__()
                self.num_features = num_features
                self.register_buffer("count", torch.tensor(0, dtype=torch.long))
                self.register_buffer("mean", torch.zeros(num_features))
            def forward(self, x):
                if self.training:
                    d = x.detach()
                    n = d.size(0)
                    self.count += n
                    delta = d.mean(0) - self.mean
                    self.mean = self.mean + delta * n / self.count
                return x - self.mean
     """),
    "mean with an extra buffer": ("running_mean", """
        class RunningMean(nn.Module):
            def __init__(self, num_features):
                super().__init__()
                self.register_buffer("mean", torch.zeros(num_features))
                self.register_buffer("count", torch.zeros((), dtype=torch.int64))
                self.register_buffer("total", torch.zeros(num_features))
            @torch.no_grad()
            def see(self, rows):
                self.total.add_(rows.sum(0))
                self.count.add_(rows.shape[0])
                self.mean.copy_(self.total / self.count)
            def forward(self, x):
                if self.training:
                    self.see(x)
                return x - self.mean.expand_as(x)
            def _load_from_state_dict(self, state, prefix, *rest):
                super()._load_from_state_dict(state, prefix, *rest)
     """),
    "recorder by patching forward": ("activation_recorder", """
        class ActivationRecorder:
            def __init__(self, model):
                self.model, self.activations, self.patched = model, {}, []
            def __enter__(self):
                for name, module in self.model.named_modules():
                    if len(list(module.children())) == 0:
                        self.patched.append((module, module.__dict__.get("forward")))
                        def forward(*args, _name=name, _old=module.forward, **kwargs):
                            out = _old(*args, **kwargs)
                            self.activations[_name] = out.detach()
                            return out
                        module.forward = forward
                return self
            def __exit__(self, kind, error, trace):
                for module, old in reversed(self.patched):
                    if old is None:
                        del module.forward
                    else:
                        module.forward = old
     """),
    "recorder in a dictionary's clothes": ("activation_recorder", """
        from collections import UserDict
        class ActivationRecorder(UserDict):
            def __init__(self, model):
                super().__init__()
                self.model = model
            activations = property(lambda self: self.data)
            def __enter__(self):
                leaves = {n: m for n, m in self.model.named_modules() if not m._modules}
                self.handles = [m.register_forward_hook(lambda *a, n=n: self.data.update({n: a[-1].detach()})) for n, m in leaves.items()]
                return self
            def __exit__(self, *ignored):
                for h in self.handles:
                    h.remove()
     """),
}  # fmt: skip

NET = """
class DynamicNet(nn.Module):
    def __init__(self, d_in, h, d_out):
        super().__init__()
        self.input_linear, self.middle_linear, self.output_linear = nn.Linear(d_in, h), nn.Linear(h, h), nn.Linear(h, d_out)
    def forward(self, x, repeats=None):
        {draw}
        h = F.relu(self.input_linear(x))
        for i in range(repeats):
            h = F.relu(self.middle_linear({use}))
        return self.output_linear(h)
"""
MEAN = """
class RunningMean(nn.Module):
    def __init__(self, num_features):
        super().__init__()
        self.register_buffer("mean", torch.zeros(num_features))
        self.register_buffer("count", torch.tensor(0))
        {more}
    def forward(self, x):
        if {when}:
            with torch.no_grad():
                {update}
        return {result}
"""
UPDATE = "self.count += len(x); self.mean += (x.mean(0) - self.mean) * (len(x) / self.count)"


def mean(more: str = "pass", when: str = "self.training", update: str = UPDATE, result: str = "x - self.mean") -> str:
    return MEAN.format(more=more, when=when, update=update, result=result)


RECORDER = """
class ActivationRecorder:
    def __init__(self, model):
        self.model, self.activations, self.handles = model, {{}}, []
        {more}
    def __enter__(self):
        for name, module in self.model.named_modules():
            if {leaf}:
                self.handles.append(module.register_forward_hook(lambda m, i, o, name=name: {keep}))
        return self
    def __exit__(self, kind, error, trace):
        {leave}
"""


def recorder(more: str = "pass", leaf: str = "not list(module.children())", keep: str = "self.activations.update({name: o.detach()})", leave: str = "[h.remove() for h in self.handles]") -> str:
    return RECORDER.format(more=more, leaf=leaf, keep=keep, leave=leave)


MLP = """
class SimpleMLP(nn.Module):
    def __init__(self, in_dim, hidden_dim, out_dim):
        super().__init__()
        self.layers = nn.Sequential({layers})
    def forward(self, x):
        return {result}
"""
WRONG = {
    "relu6 at a thousand": ("relu_module", relu("return x.clamp(0, 20)")),
    "softplus": ("relu_module", relu("return F.softplus(x, beta=50)")),
    "relu of a copy on the same storage": ("relu_module", relu("x.data[x.data < 0] = 0\nreturn x * 1")),
    "relu that flattens": ("relu_module", relu("return x.clamp(min=0).reshape(len(x), -1)")),
    "relu with a straight-through gradient": ("relu_module", relu("return x + (x.clamp(min=0) - x).detach()")),
    "relu in training only": ("relu_module", relu("return x.clamp(min=0) if self.training else x")),
    "linear that keeps its bias out of training": ("linear", linear("out = x @ self.weight.T\nreturn out if self.bias is None else out + self.bias.detach()")),
    "linear with the bias as a buffer": ("linear", linear(init="super().__init__()\nself.in_features, self.out_features = in_features, out_features\nk = in_features**-0.5\nself.weight = nn.Parameter(torch.empty(out_features, in_features).uniform_(-k, k))\nself.register_buffer('bias', torch.empty(out_features).uniform_(-k, k) if bias else None)")),
    "linear that flattens its input": ("linear", linear("out = x.reshape(-1, self.in_features) @ self.weight.T\nreturn out if self.bias is None else out + self.bias")),
    "linear with weights drawn once for the class": ("linear", linear(init="super().__init__()\nself.in_features, self.out_features = in_features, out_features\nk = in_features**-0.5\ng = torch.Generator().manual_seed(1)\nself.weight = nn.Parameter((torch.rand(out_features, in_features, generator=g) * 2 - 1) * k)\nself.register_parameter('bias', nn.Parameter((torch.rand(out_features, generator=g) * 2 - 1) * k) if bias else None)")),
    "linear with a bound of the whole": ("linear", linear(init="super().__init__()\nself.in_features, self.out_features = in_features, out_features\nk = (6 / (in_features + out_features)) ** 0.5\nself.weight = nn.Parameter(torch.empty(out_features, in_features).uniform_(-k, k))\nself.register_parameter('bias', nn.Parameter(torch.empty(out_features).uniform_(-k, k)) if bias else None)")),
    "linear that prints commas without spaces": ("linear", linear(repr_='return f"in_features={self.in_features},out_features={self.out_features},bias={self.bias is not None}"')),
    "xavier rounded to a few values": ("xavier_init", xavier(uniform="with torch.no_grad(): return tensor.uniform_(-b, b).div_(b / 3).round_().mul_(b / 3)")),
    "xavier four per cent off and cut": ("xavier_init", xavier(normal="with torch.no_grad(): return tensor.normal_(0, s * 1.3).clamp_(-2 * s, 2 * s)")),
    "xavier one row repeated": ("xavier_init", xavier(uniform="with torch.no_grad(): return tensor.copy_(torch.empty_like(tensor[:1]).uniform_(-b, b).expand_as(tensor))")),
    "xavier that writes beside a view": ("xavier_init", xavier(uniform="(tensor._base if tensor._base is not None else tensor).data.uniform_(-b, b); return tensor")),
    "xavier that drops the gradient": ("xavier_init", xavier(normal="tensor.grad = None; return tensor.data.normal_(0, s) if False else (tensor.data.normal_(0, s), tensor)[1]")),
    "kaiming with both means": ("kaiming_init", kaiming(fan="(t[0].numel() * t[:, 0].numel()) ** 0.5")),
    "kaiming with a kernel axis lost": ("kaiming_init", kaiming(fan='t.shape[1] * (t.shape[2] if t.ndim > 2 else 1) if mode == "fan_in" else t.shape[0] * (t.shape[2] if t.ndim > 2 else 1)')),
    "kaiming that takes any prefix": ("kaiming_init", kaiming().replace('mode not in ("fan_in", "fan_out")', 'not mode.startswith("fan_")')),
    "mlp with one layer twice": ("simple_mlp", "class SimpleMLP(nn.Module):\n    def __init__(self, i, h, o):\n        super().__init__()\n        m = nn.Linear(h, h)\n        f = nn.Linear(i, h) if i != h else m\n        self.layers = nn.Sequential(f, nn.ReLU(), m, nn.ReLU(), nn.Linear(h, o))\n    def forward(self, x):\n        return self.layers(x)"),
    "mlp with frozen weights": ("simple_mlp", MLP.format(layers="nn.Linear(in_dim, hidden_dim).requires_grad_(False), nn.ReLU(), nn.Linear(hidden_dim, hidden_dim), nn.ReLU(), nn.Linear(hidden_dim, out_dim)", result="self.layers(x)")),
    "mlp with a leak": ("simple_mlp", MLP.format(layers="nn.Linear(in_dim, hidden_dim), nn.LeakyReLU(), nn.Linear(hidden_dim, hidden_dim), nn.LeakyReLU(), nn.Linear(hidden_dim, out_dim)", result="self.layers(x)")),
    "mlp that squeezes": ("simple_mlp", MLP.format(layers="nn.Linear(in_dim, hidden_dim), nn.ReLU(), nn.Linear(hidden_dim, hidden_dim), nn.ReLU(), nn.Linear(hidden_dim, out_dim)", result="self.layers(x).squeeze(0)")),
    "mlp in one network for all": ("simple_mlp", "KEPT = {}\nclass SimpleMLP(nn.Module):\n    def __init__(self, i, h, o):\n        super().__init__()\n        make = lambda: nn.Sequential(nn.Linear(i, h), nn.ReLU(), nn.Linear(h, h), nn.ReLU(), nn.Linear(h, o))\n        self.layers = KEPT.setdefault((i, h, o), make())\n    def forward(self, x):\n        return self.layers(x)"),
    "net that stops at three": ("dynamic_net", NET.format(draw="repeats = random.randint(0, 3) if repeats is None else min(repeats, 3)", use="h")),
    "net that counts up to three": ("dynamic_net", NET.format(draw="repeats = 3 if repeats is None else repeats", use="h")),
    "net without a graph in the loop": ("dynamic_net", NET.format(draw="repeats = random.randint(0, 3) if repeats is None else repeats", use="h.detach()")),
    "net that draws two or none": ("dynamic_net", NET.format(draw="repeats = random.choice([0, 2]) if repeats is None else repeats", use="h")),
    "net seeded by its input": ("dynamic_net", NET.format(draw="repeats = int(abs(float(x.sum())) * 1000) % 4 if repeats is None else repeats", use="h")),
    "mean that forgets at load": ("running_mean", mean(more="self.n = 0", update="self.n += len(x); self.count += len(x); self.mean += (x.mean(0) - self.mean) * (len(x) / self.n)")),
    "mean with a parameter for the count": ("running_mean", mean(more="self.scale = nn.Parameter(torch.ones(()))")),
    "mean always in float64": ("running_mean", mean(more="self.mean = self.mean.double()", result="x - self.mean.to(x.dtype)")),
    "mean without a row alone": ("running_mean", mean(when="self.training and len(x) > 1")),
    "mean that counts when gradients are on": ("running_mean", mean(when="self.training and torch.is_grad_enabled()")),
    "mean of columns": ("running_mean", mean(update="self.count += len(x); self.mean += x.mean() * (len(x) / self.count)")),
    "mean in int32": ("running_mean", mean(more="self.count = self.count.int()")),
    "recorder that leaves the last one": ("activation_recorder", recorder(leave="[h.remove() for h in self.handles[1:]]")),
    "recorder that waits for no error": ("activation_recorder", recorder(leave="[h.remove() for h in self.handles] if kind is None else None")),
    "recorder of linear layers": ("activation_recorder", recorder(leaf="isinstance(module, nn.Linear)")),
    "recorder of rounded copies": ("activation_recorder", recorder(keep="self.activations.update({name: o.detach().half().to(o.dtype)})")),
    "recorder that adds calls up": ("activation_recorder", recorder(keep="self.activations.update({name: self.activations.get(name, 0) + o.detach()})")),
    "recorder that thaws": ("activation_recorder", recorder(more="model.requires_grad_(True)")),
    "recorder in training mode": ("activation_recorder", recorder(more="model.train()")),
    "recorder with gradients kept": ("activation_recorder", recorder(keep="self.activations.update({name: o.detach().requires_grad_()})")),
}  # fmt: skip


@pytest.mark.parametrize("name", FORBIDDEN)
def test_a_forbidden_call_earns_nothing_and_is_named(graded, name):
    result = graded(FORBIDDEN, name)
    assert result.score == 0
    assert FORBIDDEN[name][2] in result.message


@pytest.mark.parametrize("name", MENTIONED)
def test_a_mere_mention_is_fine(graded, name):
    result = graded(MENTIONED, name)
    assert result.score == result.max_score, result.message


@pytest.mark.parametrize("name", RIGHT)
def test_an_unusual_right_solution_earns_everything(graded, name):
    result = graded(RIGHT, name)
    assert result.score == result.max_score, result.message


@pytest.mark.parametrize("name", WRONG)
def test_a_subtle_mistake_loses_points(graded, name):
    result = graded(WRONG, name)
    assert result.outcome == "not yet"
    assert result.score < result.max_score


def test_a_wrong_part_of_an_earlier_exercise_costs_points_once(rehearsal):
    broken = {
        "relu_module": "class ReLU(nn.Module):\n    def forward(self, x):\n        return x.abs()",
        "linear": "class Linear(nn.Module):\n    def __init__(self, *sizes):\n        raise RuntimeError('not finished')",
        "xavier_init": "def xavier_uniform_(t, gain=1.0): ...\ndef xavier_normal_(t, gain=1.0): ...",
        "kaiming_init": "def kaiming_uniform_(t, a=0.0, mode='fan_in'): ...\ndef kaiming_normal_(t, a=0.0, mode='fan_in'): ...",
    }
    later = {"simple_mlp", "dynamic_net", "running_mean", "activation_recorder"}
    result = rehearsal.grade(rehearsal.right() | broken, set(broken) | later)
    assert {name: e.outcome for name, e in result.exercises.items() if name in later} == dict.fromkeys(later, "pass")
    assert all(result.exercises[name].outcome == "not yet" for name in broken)


WRONG_INSIDE = {
    # a known mistake's exception or judge's sentence, for another reason: no help is better than a false one
    ("simple_mlp", "one_hidden_layer"): '''
class SimpleMLP(nn.Module):
    def __init__(self, in_dim, hidden_dim, out_dim):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(in_dim, out_dim), nn.ReLU(), nn.Linear(out_dim, hidden_dim), nn.ReLU(), nn.Linear(hidden_dim, out_dim))
    def forward(self, x): return self.layers(x)
''',
    ("xavier_init", "one_sided"): '''
def xavier_uniform_(tensor, gain=1.0):
    if tensor.dim() < 2: raise ValueError("two axes")
    std = gain * (2 / ((tensor.shape[0] + tensor.shape[1]) * tensor[0, 0].numel())) ** 0.5
    with torch.no_grad(): return tensor.bernoulli_(0.5).mul_(2).sub_(1).mul_(std)
def xavier_normal_(tensor, gain=1.0):
    if tensor.dim() < 2: raise ValueError("two axes")
    std = gain * (2 / ((tensor.shape[0] + tensor.shape[1]) * tensor[0, 0].numel())) ** 0.5
    with torch.no_grad(): return tensor.normal_(0, std)
''',
}


@pytest.mark.parametrize(("exercise", "mistake"), WRONG_INSIDE, ids=lambda value: value)
def test_help_of_another_mistake_is_not_given(rehearse, exercise, mistake):
    found = rehearse(CHAPTER).grade({exercise: WRONG_INSIDE[exercise, mistake]}, {exercise}).exercises[exercise]
    assert found.score < found.max_score
    assert found.mistake != mistake
