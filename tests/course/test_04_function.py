"""Chapter 4 against solutions beyond its own lists: subtle wrong ones, odd right ones, forbidden calls."""

from __future__ import annotations

import copy

import pytest

CHAPTER = "04_function"


@pytest.fixture(scope="module")
def rehearsal(rehearse):
    """The chapter without its known mistakes: only verdicts are asked for here, not help."""
    made = copy.copy(rehearse(CHAPTER))
    made.reference = copy.copy(made.reference)
    made.reference.mistakes = lambda exercise: []
    return made


def grade(rehearsal, exercise: str, code: str):
    return rehearsal.grade(rehearsal.right() | {exercise: code}, {exercise}).exercises[exercise]


def batches(table: dict[str, tuple[str, str]]) -> dict[str, dict[str, str]]:
    """Put solutions of different exercises into one submission: each name -> the submission it is in."""
    made: list[dict[str, str]] = []
    found = {}
    for name, (exercise, code) in table.items():
        home = next((one for one in made if exercise not in one), None)
        if home is None:
            home = {}
            made.append(home)
        home[exercise] = code
        found[name] = home
    return found


@pytest.fixture(scope="module")
def together(rehearsal):
    graded: dict[int, object] = {}

    def get(table: dict[str, tuple[str, str]], name: str):
        submission = batches(table)[name]
        key = hash((id(table), tuple(submission.items())))
        if key not in graded:
            graded[key] = rehearsal.grade(rehearsal.right() | submission, set(submission))
        return graded[key].exercises[table[name][0]]

    return get


def function(name: str, forward: str, backward: str, arguments: str = "x", upstream: str = "g") -> str:
    """A Function's source from the bodies of its two methods, one statement a `;`."""

    def body(text: str) -> str:
        return "".join(f"        {line.strip()}\n" for line in text.split(";"))

    return (
        f"class {name}(torch.autograd.Function):\n"
        f"    @staticmethod\n    def forward(ctx, {arguments}):\n{body(forward)}"
        f"    @staticmethod\n    def backward(ctx, {upstream}):\n{body(backward)}"
    )


MINE = """
def my_gradcheck(fn, inputs, eps=1e-6, atol=1e-4):
    def outputs_of(tensors):
        found = fn(*tensors)
        return list(found) if isinstance(found, (tuple, list)) else [found]

    leaves = [t.detach().clone().requires_grad_(t.requires_grad) for t in inputs]
    for k, output in enumerate(outputs_of(leaves)):
        v = torch.linspace(0.7, 2.3, output.numel(), dtype=output.dtype).reshape(output.shape)
        for which, leaf in enumerate(leaves):
            if not leaf.requires_grad:
                continue
            grad = torch.autograd.grad(output, leaf, v, retain_graph=True, allow_unused=True)[0]
            grad = torch.zeros_like(leaf) if grad is None else grad
            for index in np.ndindex(*leaf.shape):
                up, down = ([t.detach().clone() for t in leaves] for _ in range(2))
                up[which][index] += eps
                down[which][index] -= eps
                numeric = ((outputs_of(up)[k] - outputs_of(down)[k]) * v).sum() / (2 * eps)
                if not abs(grad[index] - numeric) <= atol:
                    return False
    return True
"""

ASKED = "            grad = torch.autograd.grad(output, leaf, v, retain_graph=True, allow_unused=True)[0]\n"
assert ASKED in MINE

#: The forbidden instrument, spelled in many ways; a fallback keeps every one of them otherwise right.
FORBIDDEN = {
    "plain": "def my_gradcheck(fn, inputs, eps=1e-6, atol=1e-4):\n"
    "    return torch.autograd.gradcheck(fn, inputs, eps=eps, atol=atol, raise_exception=False)\n",
    "from_import": "from torch.autograd import gradcheck\n"
    "def my_gradcheck(fn, inputs, eps=1e-6, atol=1e-4):\n"
    "    return gradcheck(fn, inputs, eps=eps, atol=atol, raise_exception=False)\n",
    "from_the_module": "from torch.autograd.gradcheck import gradcheck as measure\n"
    "def my_gradcheck(fn, inputs, eps=1e-6, atol=1e-4):\n"
    "    return measure(fn, inputs, eps=eps, atol=atol, raise_exception=False)\n",
    "alias": "import torch.autograd as ag\ncheck_it = ag.gradcheck\n"
    "def my_gradcheck(fn, inputs, eps=1e-6, atol=1e-4):\n"
    "    return check_it(fn, inputs, eps=eps, atol=atol, raise_exception=False)\n",
    "getattr": "def my_gradcheck(fn, inputs, eps=1e-6, atol=1e-4):\n"
    "    f = getattr(torch.autograd, 'gradcheck')\n"
    "    return f(fn, inputs, eps=eps, atol=atol, raise_exception=False)\n",
    "built_name": "def my_gradcheck(fn, inputs, eps=1e-6, atol=1e-4):\n"
    "    f = vars(torch.autograd)['grad' + 'check']\n"
    "    return f(fn, inputs, eps=eps, atol=atol, raise_exception=False)\n",
    "partial": "import functools\n"
    "my_gradcheck = functools.partial(torch.autograd.gradcheck, raise_exception=False)\n",
    "gradgradcheck": MINE + "\nmine = my_gradcheck\n"
    "def my_gradcheck(fn, inputs, eps=1e-6, atol=1e-4):\n"
    "    torch.autograd.gradgradcheck(lambda x: x * x, (torch.ones(2).double().requires_grad_(),))\n"
    "    return mine(fn, inputs, eps, atol)\n",
    "sys_modules": "import sys\n" + MINE + "\nmine = my_gradcheck\n"
    "def my_gradcheck(fn, inputs, eps=1e-6, atol=1e-4):\n"
    "    f = getattr(sys.modules['torch.autograd.' + 'gradcheck'], 'gradgrad' + 'check')\n"
    "    f(lambda x: x * x, (torch.ones(2).double().requires_grad_(),))\n"
    "    return mine(fn, inputs, eps, atol)\n",
}


@pytest.mark.parametrize("spelling", FORBIDDEN)
def test_the_forbidden_instrument_earns_nothing_and_is_named(rehearsal, spelling):
    found = grade(rehearsal, "my_gradcheck", FORBIDDEN[spelling])
    assert found.score == 0
    assert "gradcheck" in found.message
    assert "your own work" in found.message


MENTIONED = {
    "comment": "# unlike torch.autograd.gradcheck, no relative tolerance\n" + MINE,
    "string": MINE.replace(
        "    def outputs_of", "    'like torch.autograd.gradcheck(fn, inputs)'\n    def outputs_of", 1
    ),
    "own_name": MINE.replace("my_gradcheck", "gradcheck") + "\nmy_gradcheck = gradcheck\n",
    "own_helper": "def gradgradcheck(a, b, atol):\n    return abs(a - b) <= atol\n"
    + MINE.replace("abs(grad[index] - numeric) <= atol", "gradgradcheck(grad[index], numeric, atol)"),
    "unused_import": "from torch.autograd import gradcheck\n" + MINE,
}


@pytest.mark.parametrize("mention", MENTIONED)
def test_a_mere_mention_costs_nothing(rehearsal, mention):
    found = grade(rehearsal, "my_gradcheck", MENTIONED[mention])
    assert found.score == found.max_score, found.message


SAVE = "ctx.save_for_backward(x)"
WRONG = {
    "my_relu: leaky": (
        "my_relu",
        function(
            "MyReLU",
            f"{SAVE}; return torch.where(x > 0, x, 0.01 * x)",
            "x, = ctx.saved_tensors; return g * torch.where(x > 0, 1.0, 0.01)",
        ),
    ),
    "my_relu: nothing remembered": (
        "my_relu",
        function("MyReLU", "return x.clamp(min=0)", "return g.clamp(min=0)"),
    ),
    "my_relu: apply overridden": (
        "my_relu",
        function("MyReLU", "return x", "return g")
        + "    @staticmethod\n    def apply(x):\n        return torch.relu(x)\n",
    ),
    "my_relu: a module": ("my_relu", "MyReLU = torch.nn.ReLU()\nMyReLU.apply = MyReLU.forward\n"),
    "my_relu: contiguous only": (
        "my_relu",
        function(
            "MyReLU",
            f"{SAVE}; return x.view(-1).clamp(min=0).view(x.shape)",
            "x, = ctx.saved_tensors; return g * (x > 0)",
        ),
    ),
    "my_relu: upstream viewed": (
        "my_relu",
        function(
            "MyReLU",
            f"{SAVE}; return x.clamp(min=0)",
            "x, = ctx.saved_tensors; return (g.view(-1) * (x > 0).reshape(-1)).view(x.shape)",
        ),
    ),
    "my_relu: float32 whatever comes": (
        "my_relu",
        function(
            "MyReLU", f"{SAVE}; return x.float().clamp(min=0)", "x, = ctx.saved_tensors; return g * (x > 0)"
        ),
    ),
    "mul_constant: ints only": (
        "mul_constant",
        function(
            "MulConstant", "ctx.c = int(constant); return x * ctx.c", "return g * ctx.c, None", "x, constant"
        ),
    ),
    "mul_constant: float32 constant": (
        "mul_constant",
        function(
            "MulConstant",
            "ctx.c = torch.tensor(float(constant)); return x * ctx.c",
            "return g * ctx.c, None",
            "x, constant",
        ),
    ),
    "mul_constant: a global": (
        "mul_constant",
        "kept = {}\n"
        + function(
            "MulConstant",
            "kept['c'] = constant; return x * constant",
            "return g * kept['c'], None",
            "x, constant",
        ),
    ),
    "mul_constant: None for zero": (
        "mul_constant",
        function(
            "MulConstant",
            "ctx.c = constant; return x * constant",
            "return (g * ctx.c if ctx.c else None), None",
            "x, constant",
        ),
    ),
    "my_exp: the input through attribute": (
        "my_exp",
        function(
            "MyExp", "ctx.x = x; y = x.exp(); ctx.save_for_backward(y); return y", "return g * ctx.x.exp()"
        ),
    ),
    "my_exp: power of e": (
        "my_exp",
        function(
            "MyExp",
            f"{SAVE}; return torch.pow(np.e, x)",
            "x, = ctx.saved_tensors; return g * torch.pow(np.e, x)",
        ),
    ),
    "my_exp: expm1 twice": (
        "my_exp",
        function(
            "MyExp",
            "y = x.expm1() + 1; ctx.save_for_backward(y); ctx.z = x.expm1(); return y",
            "y, = ctx.saved_tensors; return g * y",
        ),
    ),
    "my_exp: autograd does it": (
        "my_exp",
        function(
            "MyExp",
            f"{SAVE}; return x.exp()",
            "x, = ctx.saved_tensors; torch.set_grad_enabled(True); z = x.detach().requires_grad_(); "
            "return torch.autograd.grad(z.exp(), z, g)[0]",
        ),
    ),
    "min_max: largest magnitude": (
        "min_max",
        function(
            "MinMax",
            "i, j = x.abs().argmin(), x.abs().argmax(); ctx.save_for_backward(x, i, j); return x[i], x[j]",
            "x, i, j = ctx.saved_tensors; r = torch.zeros_like(x); r[i] += a; r[j] += b; return r",
            "x",
            "a, b",
        ),
    ),
    "min_max: python floats": (
        "min_max",
        function(
            "MinMax",
            f"{SAVE}; return torch.tensor(min(x.tolist())), torch.tensor(max(x.tolist()))",
            "x, = ctx.saved_tensors; r = torch.zeros_like(x); "
            "r[x.argmin()] += a; r[x.argmax()] += b; return r",
            "x",
            "a, b",
        ),
    ),
    "min_max: sorted, ties at the end": (
        "min_max",
        function(
            "MinMax",
            "o = x.sort(stable=True).indices; ctx.save_for_backward(x, o); "
            "return x[o[0]].clone(), x[o[-1]].clone()",
            "x, o = ctx.saved_tensors; r = torch.zeros_like(x); r[o[0]] += a; r[o[-1]] += b; return r",
            "x",
            "a, b",
        ),
    ),
    "min_max: upstream changed": (
        "min_max",
        function(
            "MinMax",
            f"{SAVE}; return x.min(), x.max()",
            "x, = ctx.saved_tensors; r = torch.zeros_like(x); "
            "r[x.argmin()] += a; r[x.argmax()] += b; b.mul_(2); return r",
            "x",
            "a, b",
        ),
    ),
    "my_cube: slope as attribute": (
        "my_cube",
        function("MyCube", "ctx.slope = 3 * x * x; return x**3", "return g * ctx.slope"),
    ),
    "my_cube: data": (
        "my_cube",
        function("MyCube", f"{SAVE}; return x**3", "x, = ctx.saved_tensors; return g * 3 * x.data**2"),
    ),
    "my_cube: through numpy": (
        "my_cube",
        function(
            "MyCube",
            f"{SAVE}; return x**3",
            "x, = ctx.saved_tensors; return torch.from_numpy(np.asarray(3 * x.detach().numpy()**2)) * g",
        ),
    ),
    "my_cube: half detached": (
        "my_cube",
        function("MyCube", f"{SAVE}; return x**3", "x, = ctx.saved_tensors; return g * 3 * x * x.detach()"),
    ),
    "my_cube: twice through a broken second": (
        "my_cube",
        function(
            "Slope",
            "ctx.save_for_backward(x, g); return 3 * x**2 * g",
            "x, g = ctx.saved_tensors; return 3 * x * g * v, 3 * x**2 * v",
            "x, g",
            "v",
        )
        + function("MyCube", f"{SAVE}; return x**3", "return Slope.apply(*ctx.saved_tensors, g)"),
    ),
    "round_ste: python's int": (
        "round_ste",
        function("RoundSTE", "return (x + 0.5 * x.sign()).int().to(x.dtype)", "return g"),
    ),
    "round_ste: integers out": (
        "round_ste",
        function("RoundSTE", "return torch.round(x).long()", "return g"),
    ),
    "round_ste: ceil": ("round_ste", function("RoundSTE", "return torch.ceil(x - 0.5)", "return g")),
    "round_ste: a decimal kept": (
        "round_ste",
        function("RoundSTE", "return torch.round(x, decimals=1)", "return g"),
    ),
    "round_ste: halved": ("round_ste", function("RoundSTE", "return torch.round(x)", "return g / 2")),
    "round_ste: none": ("round_ste", function("RoundSTE", "return torch.round(x)", "return None")),
    "my_gradcheck: always true": (
        "my_gradcheck",
        "def my_gradcheck(fn, inputs, eps=1e-6, atol=1e-4):\n    return True\n",
    ),
    "my_gradcheck: always false": (
        "my_gradcheck",
        "def my_gradcheck(fn, inputs, eps=1e-6, atol=1e-4):\n    return False\n",
    ),
    "my_gradcheck: a coin": (
        "my_gradcheck",
        "import random\n"
        "def my_gradcheck(fn, inputs, eps=1e-6, atol=1e-4):\n    return random.random() < 0.5\n",
    ),
    "my_gradcheck: float32 inside": (
        "my_gradcheck",
        MINE.replace("t.detach().clone() for t in leaves", "t.detach().float() for t in leaves"),
    ),
    "my_gradcheck: last input only": (
        "my_gradcheck",
        MINE.replace("enumerate(leaves):", "list(enumerate(leaves))[-1:]:"),
    ),
    "my_gradcheck: last output only": (
        "my_gradcheck",
        MINE.replace("enumerate(outputs_of(leaves)):", "list(enumerate(outputs_of(leaves)))[-1:]:"),
    ),
    "my_gradcheck: one constant height": (
        "my_gradcheck",
        MINE.replace(
            "torch.linspace(0.7, 2.3, output.numel(), dtype=output.dtype).reshape(output.shape)",
            "torch.full_like(output, 3.0)",
        ),
    ),
    "my_gradcheck: allclose takes nan": (
        "my_gradcheck",
        MINE.replace(
            "abs(grad[index] - numeric) <= atol",
            "torch.allclose(grad[index], numeric, rtol=0, atol=atol, equal_nan=True)",
        ),
    ),
    "my_gradcheck: nan to zero": (
        "my_gradcheck",
        MINE.replace(
            "torch.zeros_like(leaf) if grad is None else grad",
            "torch.zeros_like(leaf) if grad is None else torch.nan_to_num(grad)",
        ),
    ),
    "my_gradcheck: leaves graphs behind": (
        "my_gradcheck",
        MINE.replace(
            "t.detach().clone().requires_grad_(t.requires_grad) for t in inputs", "t for t in inputs"
        ).replace(
            ASKED,
            "            output.backward(v, retain_graph=True)\n            grad = leaf.grad\n",
        ),
    ),
    "my_gradcheck: flag switched on": (
        "my_gradcheck",
        MINE.replace("    leaves =", "    [t.requires_grad_() for t in inputs]\n    leaves ="),
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_solution_loses_points(together, name):
    found = together(WRONG, name)
    assert found.outcome == "not yet"
    assert found.score < found.max_score


LINEAR = """
class LinearFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias=None):
        ctx.save_for_backward(x, weight, bias)
        return torch.nn.functional.linear(x, weight, bias)

    @staticmethod
    def backward(ctx, g):
        x, weight, bias = ctx.saved_tensors
        needs = (*ctx.needs_input_grad, False)
        gx = gw = gb = None
        flat, rows = g.reshape(-1, g.shape[-1]), x.reshape(-1, x.shape[-1])
        if needs[0]:
            gx = g @ weight
        if needs[1]:
            gw = flat.T @ rows
        if bias is not None and needs[2]:
            gb = flat.sum(0)
        return gx, gw, gb
"""
LINEAR_WRONG = {
    "x always": ("if needs[0]:", "if True:"),
    "weight always": ("if needs[1]:", "if True:"),
    "bias always": ("bias is not None and needs[2]", "bias is not None"),
    "worked out, then dropped": (
        "        return gx, gw, gb",
        "        gw = flat.T @ rows\n        return gx, gw if needs[1] else None, gb",
    ),
    "bias dropped with ones": (
        "        return gx, gw, gb",
        "        s = torch.ones(len(flat), dtype=g.dtype) @ flat\n"
        "        return gx, gw, s if gb is not None else None",
    ),
    "all by autograd": (
        "        gx = gw = gb = None\n",
        "        with torch.enable_grad():\n"
        "            ls = [t.detach().requires_grad_() for t in (x, weight)]\n"
        "            torch.autograd.grad(ls[0] @ ls[1].T, ls, g)\n        gx = gw = gb = None\n",
    ),
    "bias left broadcast": ("gb = flat.sum(0)", "gb = g.clone()"),
    "wrong question for bias": ("needs[2]", "needs[1]"),
    "weight is symmetric": ("g @ weight", "g @ weight.T"),
    "rows flattened the other way": (
        "rows = g.reshape(-1, g.shape[-1]), x.reshape(-1, x.shape[-1])",
        "rows = g.reshape(g.shape[-1], -1).T, x.reshape(-1, x.shape[-1])",
    ),
    "squeezed": ("gw = flat.T @ rows", "gw = (flat.T @ rows).squeeze()"),
    "upstream scaled in place": (
        "        needs =",
        "        g.div_(1.0) if g.is_contiguous() and g.mul_(2) is not None else None\n        needs =",
    ),
}


@pytest.mark.parametrize("name", LINEAR_WRONG)
def test_wrong_linear_function_loses_points(rehearsal, name):
    old, new = LINEAR_WRONG[name]
    assert old in LINEAR
    found = grade(rehearsal, "linear_function", LINEAR.replace(old, new))
    assert found.outcome == "not yet"
    assert 0 < found.score < found.max_score


LINEAR_RIGHT = {
    "as it is": ("", ""),
    "addmm and a loop": ("gw = flat.T @ rows", "gw = sum(torch.outer(a, b) for a, b in zip(flat, rows))"),
    "filled in": ("gw = flat.T @ rows", "gw = torch.empty_like(weight); torch.mm(flat.T, rows, out=gw)"),
    "accumulated": ("gw = flat.T @ rows", "gw = torch.zeros_like(weight); gw.addmm_(flat.T, rows)"),
    "contiguous copies": ("flat, rows = g", "g = g.contiguous(); flat, rows = g"),
    "in the dtype of weight": ("gw = flat.T @ rows", "gw = (flat.T @ rows).type_as(weight).view_as(weight)"),
    "bias by a product": ("gb = flat.sum(0)", "gb = flat.T @ flat.new_ones(len(flat))"),
    "bias by einsum": ("gb = flat.sum(0)", "gb = torch.einsum('...o->o', g)"),
    "bias in two steps": ("gb = flat.sum(0)", "gb = g.sum(0) if g.dim() > 1 else g.clone()"),
    "row by row for x": (
        "gx = g @ weight",
        "gx = torch.stack([weight.T @ r for r in flat]).reshape(x.shape)",
    ),
    "loop over outputs": (
        "gx = g @ weight",
        "gx = sum(g[..., o, None] * weight[o] for o in range(len(weight)))",
    ),
    "zeros for the unasked": (
        "        return gx, gw, gb",
        "        return (torch.zeros_like(x) if gx is None else gx), gw, gb",
    ),
    "matmul of transposed": ("gw = flat.T @ rows", "gw = (rows.T @ flat).T"),
}


@pytest.mark.parametrize("name", LINEAR_RIGHT)
def test_right_linear_function_earns_everything(rehearsal, name):
    old, new = LINEAR_RIGHT[name]
    assert old in LINEAR
    found = grade(rehearsal, "linear_function", LINEAR.replace(old, new) if old else LINEAR)
    assert found.score == found.max_score, found.message


RIGHT = {
    "my_relu: keyword names free": (
        "my_relu",
        function(
            "MyReLU",
            "ctx.m = (input > 0).to(input.dtype); return input * ctx.m",
            "return grad_output.mul(ctx.m)",
            "input",
            "grad_output",
        ),
    ),
    "my_relu: once differentiable": (
        "my_relu",
        function(
            "MyReLU", f"{SAVE}; return torch.relu(x)", "return g.masked_fill(ctx.saved_tensors[0] <= 0, 0)"
        ).replace(
            "    @staticmethod\n    def backward",
            "    @staticmethod\n    @torch.autograd.function.once_differentiable\n    def backward",
        ),
    ),
    "my_relu: threshold_backward": (
        "my_relu",
        function(
            "MyReLU",
            f"{SAVE}; return torch.nn.functional.relu(x)",
            "return torch.ops.aten.threshold_backward(g, ctx.saved_tensors[0], 0)",
        ),
    ),
    "my_relu: inherited": (
        "my_relu",
        function(
            "Base",
            f"{SAVE}; return x.clamp_min(0)",
            "return g * torch.heaviside(ctx.saved_tensors[0], g.new_zeros(()))",
        )
        + "class MyReLU(Base):\n    pass\n",
    ),
    "mul_constant: dtype of x": (
        "mul_constant",
        function(
            "MulConstant",
            "ctx.c = torch.as_tensor(c, dtype=x.dtype); return x * ctx.c",
            "return torch.multiply(g, ctx.c), None",
            "x, c",
        ),
    ),
    "mul_constant: recomputed": (
        "mul_constant",
        function(
            "MulConstant",
            "ctx.f = lambda t: t * constant; return ctx.f(x)",
            "return ctx.f(g), *[None]",
            "x, constant",
        ),
    ),
    "my_exp: expm1": (
        "my_exp",
        function(
            "MyExp",
            "y = torch.expm1(x).add_(1); ctx.save_for_backward(y); return y",
            "return ctx.saved_tensors[0] * g",
        ),
    ),
    "my_exp: in place on a copy": (
        "my_exp",
        function(
            "MyExp",
            "y = x.clone().exp_(); ctx.save_for_backward(y); return y",
            "y = ctx.saved_tensors[0]; return y.mul(g)",
        ),
    ),
    "my_exp: to the power": (
        "my_exp",
        function(
            "MyExp",
            "y = torch.pow(np.e, x); ctx.save_for_backward(y); return y",
            "y, = ctx.saved_tensors; return g * y",
        ),
    ),
    "min_max: python positions": (
        "min_max",
        function(
            "MinMax",
            "v = x.tolist(); ctx.n = len(v); ctx.i = v.index(min(v)); ctx.j = v.index(max(v)); "
            "return x[ctx.i].clone(), x[ctx.j].clone()",
            "i = torch.arange(ctx.n); return a * (i == ctx.i) + b * (i == ctx.j)",
            "x",
            "a, b",
        ),
    ),
    "min_max: views returned": (
        "min_max",
        function(
            "MinMax",
            "ctx.i, ctx.j, ctx.n = int(x.argmin()), int(x.argmax()), x.numel(); return x.min(), x.max()",
            "r = a.new_zeros(ctx.n); r[ctx.i] = r[ctx.i] + a; r[ctx.j] = r[ctx.j] + b; return r",
            "x",
            "a, b",
        ),
    ),
    "my_cube: output over input": (
        "my_cube",
        function(
            "MyCube",
            f"{SAVE}; return x * x.square()",
            "x, = ctx.saved_tensors; return torch.mul(x, x).mul(g).mul(3)",
        ),
    ),
    "my_cube: autograd inside": (
        "my_cube",
        function(
            "MyCube",
            f"{SAVE}; return x**3",
            "x, = ctx.saved_tensors; square = x.pow(2); triple = 3 * square; return triple * g",
        ),
    ),
    "round_ste: rint and view": (
        "round_ste",
        function(
            "RoundSTE", "return torch.rint(x) if hasattr(torch, 'rint') else x.round()", "return g.view_as(g)"
        ),
    ),
    "round_ste: by hand": (
        "round_ste",
        function(
            "RoundSTE",
            "f = x.floor(); d = x - f; up = (d > 0.5) | ((d == 0.5) & (f % 2 == 1)); return f + up",
            "return 1 * g",
        ),
    ),
    "my_gradcheck: the spare one": ("my_gradcheck", MINE),
    "my_gradcheck: default rtol": (
        "my_gradcheck",
        MINE.replace("abs(grad[index] - numeric) <= atol", "torch.allclose(grad[index], numeric, atol=atol)"),
    ),
    "my_gradcheck: random heights": (
        "my_gradcheck",
        MINE.replace(
            "torch.linspace(0.7, 2.3, output.numel(), dtype=output.dtype).reshape(output.shape)",
            "torch.randn_like(output)",
        ),
    ),
    "my_gradcheck: uniform heights": (
        "my_gradcheck",
        MINE.replace(
            "torch.linspace(0.7, 2.3, output.numel(), dtype=output.dtype).reshape(output.shape)",
            "torch.rand_like(output) + 0.1",
        ),
    ),
    "my_gradcheck: backward on clones": (
        "my_gradcheck",
        MINE.replace(
            ASKED,
            "            leaf.grad = None\n            output.backward(v, retain_graph=True)\n"
            "            grad = leaf.grad\n",
        ),
    ),
    "my_gradcheck: inputs as a list inside": (
        "my_gradcheck",
        MINE.replace("    leaves =", "    inputs = list(inputs)\n    leaves ="),
    ),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_solution_earns_everything(together, name):
    found = together(RIGHT, name)
    assert found.score == found.max_score, found.message


def test_exercises_do_not_hurt_one_another(rehearsal):
    broken = dict.fromkeys(
        ("my_relu", "linear_function", "my_exp", "round_ste"), "raise RuntimeError('broken')"
    )
    result = rehearsal.grade(rehearsal.right() | broken).exercises
    for name, found in result.items():
        assert found.score == (0 if name in broken else found.max_score), name
