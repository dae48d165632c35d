"""Chapter 12 against solutions beyond its own lists: subtle wrong ones, right ones in odd styles, torch by the back door."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from autograder.course import solutions

CHAPTER = "12_own_framework"
#: library -> exercise -> solution cell
LIBRARIES: dict[str, dict[str, str]] = {}
for found in solutions.read(Path(__file__).with_name("own_libraries.py")):
    LIBRARIES.setdefault(found.name, {})[found.exercise] = found.code


def grade(rehearse, exercise: str, code: str, **others: str):
    r = rehearse(CHAPTER)
    return r.grade(r.right() | others | {exercise: dedent(code)}, {exercise}).exercises[exercise]


def changed(rehearse, exercise: str, *pairs: tuple[str, str]) -> str:
    """The reference solution with some text replaced."""
    code = rehearse(CHAPTER).right()[exercise]
    for old, new in pairs:
        assert old in code, old
        code = code.replace(old, new)
    return code


TORCH = {
    "import": ("cross_entropy", "import torch\ndef cross_entropy(logits, labels):\n    return Tensor(torch.nn.functional.cross_entropy(torch.tensor(logits.data), torch.tensor(labels)).item())\n"),
    "import_as": ("unbroadcast", "import torch as t\ndef unbroadcast(grad, shape):\n    return t.from_numpy(grad).sum_to_size(shape).numpy()\n"),
    "from_import": ("unbroadcast", "from torch import from_numpy\ndef unbroadcast(grad, shape):\n    return from_numpy(grad).sum_to_size(shape).numpy()\n"),
    "inside_a_function": ("unbroadcast", "def unbroadcast(grad, shape):\n    import torch.nn\n    return torch.from_numpy(grad).sum_to_size(shape).numpy()\n"),
    "dunder_import": ("unbroadcast", "def unbroadcast(grad, shape):\n    return __import__('torch').from_numpy(grad.copy()).sum_to_size(shape).numpy()\n"),
    "importlib": ("unbroadcast", "import importlib\ndef unbroadcast(grad, shape):\n    lib = importlib.import_module('tor' + 'ch')\n    return getattr(lib, 'from_numpy')(grad.copy()).sum_to_size(shape).numpy()\n"),
    "beside_a_right_answer": ("no_grad", "import torch\nfrom contextlib import contextmanager\n@contextmanager\ndef no_grad():\n    before, Tensor.grad_enabled = Tensor.grad_enabled, False\n    try:\n        with torch.inference_mode():\n            yield\n    finally:\n        Tensor.grad_enabled = before\n"),
    "sys_modules": ("unbroadcast", "import sys\ndef unbroadcast(grad, shape):\n    return sys.modules['torch'].from_numpy(grad.copy()).sum_to_size(shape).numpy()\n"),
    "tensor_subclass": ("tensor", "import torch\nclass Tensor(torch.Tensor):\n    grad_enabled = True\n"),
    "module_subclass": ("module", "from torch import nn\nclass Module(nn.Module):\n    pass\nclass Parameter(nn.Parameter):\n    pass\n"),
    "optimizer": ("own_sgd", "from torch.optim import SGD as Theirs\nclass SGD(Theirs):\n    pass\n"),
    "no_grad": ("no_grad", "from torch import no_grad\n"),
    "tensor_around_one_of_torchs": ("tensor", "import sys\nthere = sys.modules['torch']\nclass Tensor:\n    grad_enabled = True\n    def __init__(self, data, requires_grad=False):\n        self.t = there.tensor(data, dtype=there.float64, requires_grad=requires_grad)\n    data = property(lambda self: self.t.detach().numpy())\n    shape = property(lambda self: tuple(self.t.shape))\n"),
    "scikit_learn": ("own_train", "from sklearn.neural_network import MLPClassifier\ndef fit(model, images, labels, epochs, lr, batch_size, rng):\n    MLPClassifier().fit(images, labels)\n"),
}


@pytest.mark.parametrize("spelling", TORCH)
def test_torch_earns_nothing_and_is_named(rehearse, spelling):
    exercise, code = TORCH[spelling]
    found = grade(rehearse, exercise, code)
    assert found.score == 0
    assert "your own work" in found.message
    assert "torch" in found.message or "sklearn" in found.message


@pytest.mark.parametrize("exercise", ["unbroadcast", "topological_order", "tensor", "no_grad", "cross_entropy", "module", "own_sgd"])
def test_the_stand_ins_are_no_answer(rehearse, exercise):
    by_name = f"from layer_by_layer.parts import own_framework as own_parts\nown_parts.stand_in(globals(), '{exercise}')\n"
    by_the_back_door = f"import sys\nsys.modules['layer_by_layer.parts.own_framework'].stand_in(globals(), '{exercise}')\n"
    assert grade(rehearse, exercise, by_name).score == 0
    assert grade(rehearse, exercise, by_the_back_door).score == 0


MENTIONED = {
    "comment": "# torch.Tensor.sum_to_size does this; import torch is not allowed\n",
    "string": "doc = 'import torch; torch.add(a, b)'\n",
    "own_name": "torch = 'a light'\nlamp = torch + '!'\n",
    "sizes_called_F_and_nn": "N, F = np.ones((2, 3)).shape\nnn = F * N\nrows = [F * nn for F in range(nn)]\n",
}


@pytest.mark.parametrize("mention", MENTIONED)
def test_a_mere_mention_costs_nothing(rehearse, mention):
    found = grade(rehearse, "unbroadcast", MENTIONED[mention] + rehearse(CHAPTER).right()["unbroadcast"])
    assert found.score == found.max_score, found.message


WRONG = {
    "unbroadcast: squeezed": ("unbroadcast", "def unbroadcast(grad, shape):\n    grad = grad.sum(axis=tuple(range(grad.ndim - len(shape))))\n    ones = tuple(i for i, n in enumerate(shape) if n == 1)\n    return np.squeeze(grad.sum(axis=ones, keepdims=True))\n"),
    "unbroadcast: first stretched axis only": ("unbroadcast", "def unbroadcast(grad, shape):\n    while grad.ndim > len(shape):\n        grad = grad.sum(0)\n    for i, n in enumerate(shape):\n        if n == 1:\n            return grad.sum(i, keepdims=True)\n    return grad\n"),
    "unbroadcast: in place": ("unbroadcast", "def unbroadcast(grad, shape):\n    out = grad.sum(axis=tuple(range(grad.ndim - len(shape))))\n    out = out.sum(axis=tuple(i for i, n in enumerate(shape) if n == 1), keepdims=True)\n    grad *= 0\n    return out\n"),
    "unbroadcast: reshaped": ("unbroadcast", "def unbroadcast(grad, shape):\n    size = int(np.prod(shape))\n    return grad.reshape(-1, size).sum(0).reshape(shape)\n"),
    "topological_order: by number": ("topological_order", "def topological_order(root):\n    seen, left = {root}, [root]\n    while left:\n        for p in left.pop().parents:\n            if p not in seen:\n                seen.add(p)\n                left.append(p)\n    return sorted(seen, key=lambda n: n.number)\n"),
    "topological_order: eats the parents": ("topological_order", "def topological_order(root):\n    order, seen, stack = [], set(), [(root, 0)]\n    while stack:\n        node, ready = stack.pop()\n        if ready:\n            order.append(node)\n        elif node not in seen:\n            seen.add(node)\n            stack.append((node, 1))\n            stack += [(p, 0) for p in node.parents]\n            node.parents = ()\n    return order\n"),
    "topological_order: distances without care": ("topological_order", "def topological_order(root):\n    depth, left = {root: 0}, [root]\n    while left:\n        node = left.pop(0)\n        for p in node.parents:\n            if p not in depth:\n                depth[p] = depth[node] + 1\n                left.append(p)\n    return sorted(depth, key=lambda n: -depth[n])\n"),
    "no_grad: only Exception types of its own": ("no_grad", "from contextlib import contextmanager\n@contextmanager\ndef no_grad():\n    before = Tensor.grad_enabled\n    Tensor.grad_enabled = False\n    try:\n        yield\n    except (KeyError, ValueError):\n        Tensor.grad_enabled = before\n        raise\n    Tensor.grad_enabled = before\n"),
    "no_grad: an instance shared by all": ("no_grad", "class Off:\n    def __enter__(self):\n        self.before = Tensor.grad_enabled\n        Tensor.grad_enabled = False\n    def __exit__(self, *e):\n        Tensor.grad_enabled = self.before\n_one = Off()\ndef no_grad():\n    return _one\n"),
    "cross_entropy: clipped": ("cross_entropy", "def cross_entropy(logits, labels):\n    n, c = logits.shape\n    z = logits - Tensor(logits.data.max(1, keepdims=True))\n    s = (z.exp() @ Tensor(np.ones((c, 1)))).log()\n    s = s + Tensor(np.clip(z.data, -700, 0) - z.data)\n    return -((z - s) * Tensor(np.eye(c)[labels])).sum() / n + Tensor(0.0) * 1\n".replace("(z - s)", "(Tensor(np.clip(z.data, -700, 0) - z.data) * 0 + (z - s))")),
    "cross_entropy: surrogate without value": ("cross_entropy", "def cross_entropy(logits, labels):\n    p = np.exp(logits.data - logits.data.max(1, keepdims=True))\n    p /= p.sum(1, keepdims=True)\n    return (logits * Tensor((p - np.eye(p.shape[1])[labels]) / len(p))).sum()\n"),
    "own_train: drawn with replacement": ("own_train", "def fit(model, images, labels, epochs, lr, batch_size, rng):\n    opt = SGD(model.parameters(), lr)\n    for _ in range(epochs):\n        for _ in range(-(-len(images) // batch_size)):\n            rows = rng.integers(0, len(images), batch_size)\n            loss = cross_entropy(model(Tensor(images[rows])), labels[rows])\n            opt.zero_grad()\n            loss.backward()\n            opt.step()\n"),
    "own_train: only the last layer": ("own_train", "def fit(model, images, labels, epochs, lr, batch_size, rng):\n    opt = SGD(list(model.parameters())[-1:], lr)\n    for _ in range(epochs):\n        order = rng.permutation(len(images))\n        for i in range(0, len(images), batch_size):\n            rows = order[i:i + batch_size]\n            loss = cross_entropy(model(Tensor(images[rows])), labels[rows])\n            opt.zero_grad()\n            loss.backward()\n            opt.step()\n"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_subtle_slip_is_seen(rehearse, name):
    exercise, code = WRONG[name]
    found = grade(rehearse, exercise, code)
    assert 0 <= found.score < found.max_score, name


#: The reference with one slip: exercise, then (old, new) pairs.
SLIPS = {
    "tensor: relu in place": ("tensor", ("Tensor.made(np.maximum(self.data, 0),", "Tensor.made(np.maximum(self.data, 0, out=self.data),")),
    "tensor: seeded with the loss": ("tensor", ("np.ones(self.shape)}", "self.data + 0.0}")),
    "tensor: sum keeps an axis": ("tensor", ("return Tensor.made(self.data.sum(),", "return Tensor.made(np.atleast_1d(self.data.sum()),")),
    "tensor: float32 inside": ("tensor", ("dtype=np.float64", "dtype=np.float32")),
    "tensor: grad is a list": ("tensor", ("node.grad = grad if node.grad is None else node.grad + grad", "node.grad = list(grad) if grad.ndim else grad")),
    "tensor: T is a method": ("tensor", ("    T = property(lambda self: Tensor.made(self.data.T, (self, lambda g: g.T)))", "    def T(self):\n        return Tensor.made(self.data.T, (self, lambda g: g.T))")),
    "tensor: shares the caller's array and writes to it": ("tensor", ("np.array(data, dtype=np.float64)", "np.asarray(data, dtype=np.float64)"), ("out = np.exp(self.data)", "out = np.exp(self.data, out=self.data)")),
    "tensor: no gradient for a constant's partner": ("tensor", ("if Tensor.grad_enabled and step[0].requires_grad]", "if Tensor.grad_enabled and all(s[0].requires_grad for s in steps)]")),
    "tensor: flag looked at in backward": ("tensor", ("if Tensor.grad_enabled and step[0].requires_grad]", "if step[0].requires_grad]"), ("    def backward(self):\n", "    def backward(self):\n        if not Tensor.grad_enabled:\n            return\n")),
    "tensor: flag read once": ("tensor", ("steps = [step for step in steps if Tensor.grad_enabled and", "steps = [step for step in steps if type(out)._flag and"), ("    grad_enabled = True\n", "    grad_enabled = True\n    _flag = grad_enabled\n")),
    "module: cached": ("module", ("        parts = list(vars(self).values())\n", "        if hasattr(self, 'kept'):\n            return self.kept\n        parts = list(vars(self).values())\n"), ("        return list({id(parameter): parameter for parameter in found}.values())  # a dict keeps the first place", "        self.kept = list({id(parameter): parameter for parameter in found}.values())\n        return self.kept")),
    "module: equal numbers are one": ("module", ("{id(parameter): parameter for parameter in found}", "{(parameter.shape, parameter.data.tobytes()): parameter for parameter in found}")),
    "module: bias as a column": ("module", ("x @ self.weight.T + self.bias", "(self.weight @ x.T + self.bias.reshape(-1, 1)).T if x.shape[0] > 1 else x @ self.weight.T")),
    "own_sgd: wrong sign of the momentum": ("own_sgd", ("self.momentum * self.velocity[i] + p.grad", "p.grad - self.momentum * self.velocity[i]")),
    "own_sgd: clears before it steps": ("own_sgd", ("    def step(self):\n", "    def step(self):\n        self.params = [p for p in self.params if p.grad is not None]\n")),
    "own_train: labels of the wrong rows": ("own_train", ("labels[batch])", "labels[start : start + batch_size])")),
}


@pytest.mark.parametrize("name", SLIPS)
def test_the_reference_with_one_slip_is_refused(rehearse, name):
    exercise, *pairs = SLIPS[name]
    found = grade(rehearse, exercise, changed(rehearse, exercise, *pairs))
    assert 0 <= found.score < found.max_score, name


RIGHT = {
    "topological_order: a higher limit of calls": ("topological_order", "import sys\nsys.setrecursionlimit(50_000)\ndef topological_order(root):\n    order, seen = [], set()\n    def visit(node):\n        if node not in seen:\n            seen.add(node)\n            for p in node.parents:\n                visit(p)\n            order.append(node)\n    visit(root)\n    return order\n"),
    "topological_order: waits until all parents stand": ("topological_order", "def topological_order(root):\n    order, placed, stack = [], set(), [root]\n    while stack:\n        node = stack[-1]\n        missing = [p for p in node.parents if id(p) not in placed]\n        if missing:\n            stack.append(missing[0])\n        else:\n            stack.pop()\n            if id(node) not in placed:\n                placed.add(id(node))\n                order.append(node)\n    return order\n"),
    "no_grad: mock": ("no_grad", "from unittest import mock\nno_grad = lambda: mock.patch.object(Tensor, 'grad_enabled', False)\n"),
    "no_grad: also a decorator": ("no_grad", "from contextlib import ContextDecorator\nclass no_grad(ContextDecorator):\n    def __init__(self):\n        self.before = []\n    def __enter__(self):\n        self.before += [Tensor.grad_enabled]\n        Tensor.grad_enabled = False\n        return self\n    def __exit__(self, t, v, b):\n        Tensor.grad_enabled = self.before.pop()\n        return None\n"),
    "cross_entropy: the plane through the loss": ("cross_entropy", "def cross_entropy(logits, labels):\n    z = np.array(logits.data)\n    top = z.max(1, keepdims=True)\n    p = np.exp(z - top)\n    loss = (np.log(p.sum(1)) + top[:, 0] - z[np.arange(len(z)), labels]).mean()\n    slope = (p / p.sum(1, keepdims=True) - np.eye(z.shape[1])[labels]) / len(z)\n    return (logits * Tensor(slope)).sum() + float(loss - (z * slope).sum())\n"),
    "own_sgd: by name": ("own_sgd", "class SGD:\n    def __init__(self, params, lr, momentum=0.0):\n        self.state = [{'p': p} for p in params]\n        self.lr, self.momentum = lr, momentum\n    def step(self):\n        for s in self.state:\n            p = s['p']\n            if p.grad is None:\n                continue\n            s['v'] = p.grad.copy() if 'v' not in s else s['v'] * self.momentum + p.grad\n            p.data[:] = p.data - self.lr * s['v']\n    def zero_grad(self):\n        for s in self.state:\n            s['p'].grad = None\n"),
}


@pytest.mark.parametrize("name", RIGHT)
def test_an_odd_right_solution_earns_everything(rehearse, name):
    exercise, code = RIGHT[name]
    found = grade(rehearse, exercise, code)
    assert found.score == found.max_score, found.message


def test_recursion_in_backward_is_right(rehearse):
    code = changed(rehearse, "tensor", ("reversed(topological_order(self))", "reversed(self.order())"), ("    def backward(self):", "    def order(self, seen=None):\n        seen = set() if seen is None else seen\n        if id(self) in seen:\n            return []\n        seen.add(id(self))\n        return [t for p in self.parents for t in p.order(seen)] + [self]\n\n    def backward(self):"))
    found = grade(rehearse, "tensor", code)
    assert found.score == found.max_score, found.message


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_library_written_from_the_contracts_alone_earns_everything(rehearse, name):
    result = rehearse(CHAPTER).grade(LIBRARIES[name])
    lost = {exercise: e.message for exercise, e in result.exercises.items() if e.score < e.max_score}
    assert not lost
    assert len(result.exercises) == len(LIBRARIES[name]) == 8


@pytest.mark.parametrize("shift", range(4))
def test_a_library_of_cells_from_four_libraries_earns_everything(rehearse, shift):
    names = list(LIBRARIES)
    exercises = list(LIBRARIES[names[0]])
    mixed = {e: LIBRARIES[names[(i + i // 4 + shift) % 4]][e] for i, e in enumerate(exercises)}
    result = rehearse(CHAPTER).grade(mixed)
    lost = {exercise: e.message for exercise, e in result.exercises.items() if e.score < e.max_score}
    assert not lost


@pytest.mark.parametrize("name", ["tape", "operations"])
def test_one_exercise_alone_in_an_untouched_notebook_earns_its_points(rehearse, name):
    for exercise, code in LIBRARIES[name].items():
        found = rehearse(CHAPTER).grade({exercise: code}, {exercise}).exercises[exercise]
        assert found.score == found.max_score, found.message


@pytest.mark.parametrize("exercise", ["no_grad", "cross_entropy", "module", "own_sgd", "own_train"])
def test_a_cell_that_brings_all_it_needs_earns_its_points(rehearse, exercise):
    library = LIBRARIES["tape"]
    needed = list(library)[: list(library).index(exercise) + 1]
    found = rehearse(CHAPTER).grade({exercise: "\n".join(library[e] for e in needed)}, {exercise}).exercises[exercise]
    assert found.score == found.max_score, found.message


NO_GRADIENTS = "class Tensor:\n    grad_enabled = True\n    def __init__(self, data, requires_grad=False):\n        self.data = data\n"
BROKEN = {
    "unbroadcast": "def unbroadcast(grad, shape):\n    return None\n",
    "topological_order": "def topological_order(root):\n    return [root]\n",
    "tensor": NO_GRADIENTS,
    "no_grad": "def no_grad():\n    raise KeyError('never')\n",
    "cross_entropy": "def cross_entropy(logits, labels):\n    return 0.0\n",
    "module": "class Module:\n    pass\nclass Parameter:\n    pass\nclass Linear:\n    pass\nclass ReLU:\n    pass\nclass Sequential:\n    pass\n",
    "own_sgd": "class SGD:\n    pass\n",
}


HALF = {
    "unbroadcast": "def unbroadcast(grad, shape):\n    while True:\n        pass\n",
    "tensor": NO_GRADIENTS,
    "module": "class Parameter(Tensor):\n    pass\nclass Module:\n    pass\nclass Linear(Module):\n    pass\nclass ReLU(Module):\n    pass\nclass Sequential(Module):\n    pass\n",
    "own_sgd": "class SGD:\n    def __init__(self, params, lr, momentum=0.0):\n        raise SystemExit\n",
}


def test_a_loop_without_end_a_half_built_module_and_an_exit_cost_only_their_own_points(rehearse):
    r = rehearse(CHAPTER)
    others = {"topological_order", "no_grad", "cross_entropy", "own_train"}
    result = r.grade(r.right() | HALF, others)
    lost = {name: result.exercises[name].message for name in others if result.exercises[name].score < result.exercises[name].max_score}
    assert not lost


def test_one_broken_part_costs_only_its_own_points(rehearse):
    r = rehearse(CHAPTER)
    for broken, code in BROKEN.items():
        others = {name for name in r.right() if name not in (broken, "own_train")}
        result = r.grade(r.right() | {broken: code}, others)
        lost = {name: result.exercises[name].message for name in others if result.exercises[name].score < result.exercises[name].max_score}
        assert not lost, f"a broken {broken} costs {lost}"


def test_all_broken_parts_together_leave_fit_its_points(rehearse):
    r = rehearse(CHAPTER)
    found = r.grade(r.right() | BROKEN, {"own_train"}).exercises["own_train"]
    assert found.score == found.max_score, found.message
