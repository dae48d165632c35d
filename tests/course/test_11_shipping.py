"""Chapter 11 beyond mistakes and variants: forbidden calls in many spellings, subtle right and wrong pairs."""

from __future__ import annotations

import importlib.util
import textwrap
from itertools import zip_longest

import pytest

from layer_by_layer import judges
from layer_by_layer.instruments import shipping as parts
from lessonkit import check

CHAPTER = "11_shipping"
EXTRA = all(importlib.util.find_spec(name) for name in ("onnx", "onnxruntime", "onnxscript"))


def bilinear(expression: str, before: str = "") -> str:
    return f"{before}\ndef batched_bilinear(x, w, y):\n    return {expression}\n"


def attention(expression: str, before: str = "") -> str:
    return f"{before}\ndef tiled_attention(q, k, v, block):\n    return {expression}\n"


def online(scores: str = "q @ k[i : i + block].T / math.sqrt(q.shape[1])", start: str = "-math.inf", before: str = "") -> str:
    """Return a solution cell with the usual loop, of which one line is another."""
    return f"""
def tiled_attention(q, k, v, block):
    {before}
    top = q.new_full((len(q), 1), {start})
    total, out = q.new_zeros(len(q), 1), q.new_zeros(len(q), v.shape[1])
    for i in range(0, len(k), block):
        scores = {scores}
        new = torch.maximum(top, scores.amax(1, keepdim=True))
        weights = torch.exp(scores - new)
        total = total * torch.exp(top - new) + weights.sum(1, keepdim=True)
        out = out * torch.exp(top - new) + weights @ v[i : i + block]
        top = new
    return out / total
"""


def profile(body: str, before: str = "") -> str:
    inner = textwrap.indent(textwrap.dedent(body).strip("\n"), " " * 4)
    return f"{before}\ndef profile_layer(layer, x, warmup=3, repeats=20):\n{inner}\n"


def operator(kernel: str, fake: str = "torch.empty_like(x)", back: str = "g * (x > 0) * s, g * x.relu() * s * (1 - s)") -> str:
    return f"""
@torch.library.custom_op("course::gated_relu", mutates_args=())
def gated_relu(x: torch.Tensor, gate: torch.Tensor) -> torch.Tensor:
    return {kernel}

@gated_relu.register_fake
def _(x, gate):
    return {fake}

def keep(ctx, inputs, output):
    ctx.save_for_backward(*inputs)

def back(ctx, g):
    x, gate = ctx.saved_tensors
    s = gate.sigmoid()
    return {back}

gated_relu.register_autograd(back, setup_context=keep)
"""


def door(
    kind: str = "isinstance(x, torch.Tensor)", floating: str = "x.is_floating_point()",
    shape: str = "x.dim() and x.shape[-1] == features and x.numel()", finite: str = "torch.isfinite(x).all()", give: str = "x",
) -> str:  # fmt: skip
    return f"""
def validate_input(x, features):
    if not ({kind}):
        raise TypeError(f"expected a floating tensor, got {{type(x)}}")
    if not ({floating}):
        raise TypeError(f"expected a floating tensor, got {{x.dtype}}")
    if not ({shape}):
        raise ValueError(f"expected (..., {{features}}) with a row or more, got {{tuple(x.shape)}}")
    if not ({finite}):
        raise ValueError("expected finite numbers")
    return {give}
"""


TIMES = "return {'median': sorted(t)[len(t) // 2], 'minimum': min(t), 'maximum': max(t)}"
BATCH = "({0: torch.export.Dim('b', min=1)},)"

#: exercise -> name of the forbidden call that the message has to show -> solutions
FORBIDDEN = {
    "batched_bilinear": {
        "torch.nn.functional.bilinear": [
            bilinear("F.bilinear(x, y, w)"),
            bilinear("torch.bilinear(x, y, w)"),
            bilinear("torch.nn.functional.bilinear(x, y, w)"),
            bilinear("both(x, y, w)", "from torch.nn.functional import bilinear as both"),
            bilinear("getattr(torch, 'bi' + 'linear')(x, y, w, None)"),
        ],
        "torch.nn.Bilinear": [
            """
            def batched_bilinear(x, w, y):
                layer = nn.Bilinear(w.shape[1], w.shape[2], w.shape[0], bias=False, dtype=w.dtype)
                layer.weight = nn.Parameter(w, requires_grad=False)
                return layer(x, y)
            """,
        ],
        "ython loop": [
            bilinear("torch.stack([a @ w @ c for a, c in zip(x, y)])"),
            bilinear("torch.stack(list((x @ m * y).sum(1) for m in w), 1)"),
            """
            def batched_bilinear(x, w, y):
                out = x.new_zeros(len(x), len(w))
                for b in range(len(x)):
                    out[b] = x[b] @ w @ y[b]
                return out
            """,
            """
            def batched_bilinear(x, w, y):
                out, o = x.new_zeros(len(x), len(w)), 0
                while o < len(w):
                    out[:, o] = (x @ w[o] * y).sum(1)
                    o += 1
                return out
            """,
        ],
    },
    "tiled_attention": {
        "scaled_dot_product_attention": [
            attention("F.scaled_dot_product_attention(q[None], k[None], v[None])[0]"),
            attention("att(q[None], k[None], v[None])[0]", "from torch.nn.functional import scaled_dot_product_attention as att"),
            attention("getattr(F, 'scaled_dot' + '_product_attention')(q[None], k[None], v[None])[0]"),
            attention("torch._C._nn.scaled_dot_product_attention(q[None], k[None], v[None])[0]"),
        ],
        "torch.nn.MultiheadAttention": [
            attention("nn.MultiheadAttention(1, 1)(q, k, v)[0]"),
            "from torch.nn import MultiheadAttention\n" + attention("MultiheadAttention(q.shape[1], 1)(q, k, v)[0]"),
        ],
    },
}  # fmt: skip

#: right solutions: a mention is no call, and another style is no mistake
RIGHT = {
    "validate_input": [
        door("type(x) is torch.Tensor or isinstance(x, torch.Tensor)", "x.dtype.is_floating_point", "x.shape[-1:] == (features,) and 0 not in x.shape", "(x - x == 0).all()"),
        door(finite="all(map(math.isfinite, x.detach().flatten().tolist()))"),
        door(finite="float(x.detach().abs().max()) < math.inf", shape="x.ndim >= 1 and x.size(-1) == features and min(x.shape) > 0"),
        "import sys\n" + door() + "\nassert sys is not None, 'an assert about something else'\n",
        """
        class Refused(TypeError): pass
        def _all(x, features):
            yield isinstance(x, torch.Tensor), Refused, lambda: f"{type(x)} is no tensor"
            yield x.is_floating_point(), Refused, lambda: f"{x.dtype} is no float"
            yield len(x.shape) and x.shape[-1] == features, ValueError, lambda: f"{[*x.shape]}, expected [..., {features}]"
            yield x.nelement(), ValueError, lambda: f"no rows in {[*x.shape]}, at least 1 of {features} expected"
            yield bool(x.isfinite().all()), ValueError, lambda: "NOT FINITE"
        def validate_input(x, features):
            for holds, kind, words in _all(x, features):
                assert holds or kind
                if not holds:
                    raise kind(words())
            return x
        """,
    ],
    "batched_bilinear": [
        bilinear("torch.bmm(x.unsqueeze(0).expand(len(w), -1, -1), w).mul(y).sum(2).t()"),
        bilinear("torch.einsum('oij,bj,bi->bo', w, y, x)  # F.bilinear(x, y, w), no for in sight"),
        bilinear("torch.tensordot(x[:, :, None] * y[:, None, :], w, dims=([1, 2], [1, 2]))"),
        bilinear("torch.func.vmap(lambda a, c: (w @ c) @ a)(x, y)"),
        bilinear("(w @ y.T).permute(2, 0, 1).matmul(x.unsqueeze(-1)).squeeze(-1)"),
        "bilinear = torch.einsum\n" + bilinear("bilinear('bi,oij,bj->bo', [x, w, y])"),
    ],
    "tiled_attention": [
        online(),
        online(start="torch.finfo(q.dtype).min"),
        online("torch.stack([k[i : i + block] @ row for row in q]) / q.shape[1] ** 0.5"),
        online("(q[:, None, :] * k[None, i : i + block]).sum(-1) / math.sqrt(q.shape[1])"),
        online("torch.einsum('ld,sd->ls', q, k[i : i + block])", before="q = q * q.shape[1] ** -0.5"),
        online(before="block = max(1, block // 2)  # fewer scores than allowed"),
        online(before="k, v = k.clone().contiguous(), v.flip(0).flip(0)  # not F.scaled_dot_product_attention"),
        """
        def tiled_attention(q, k, v, block):
            def merge(state, keys, values):
                m, z, a = state
                s = torch.baddbmm(q.new_zeros(1, len(q), len(keys)), q[None], keys.T[None])[0] / math.sqrt(q.size(1))
                n = torch.cat([s, m], dim=1).max(dim=1, keepdim=True)[0]
                p, c = (s - n).exp_(), (m - n).exp_()
                return n, z * c + p.sum(1, keepdim=True), torch.addmm(a * c, p, values)
            state = (torch.full_like(q[:, :1], -torch.inf), torch.zeros_like(q[:, :1]), q.new_zeros(len(q), v.shape[-1]))
            while len(k):
                state = merge(state, k[:block], v[:block])
                k, v = k[block:], v[block:]
            return state[2].div(state[1])
        """,
        """
        def tiled_attention(q, k, v, block):
            ones = torch.cat([v, v.new_ones(len(v), 1)], 1)
            m, a = None, None
            for ks, vs in zip(torch.split(k, block), torch.split(ones, block)):
                s = (q @ ks.transpose(0, 1)) / torch.tensor(q.shape[1], dtype=q.dtype).sqrt()
                n = s.max(1, keepdim=True).values if m is None else torch.max(m, s.max(1, keepdim=True).values)
                new = torch.exp(s - n) @ vs
                a, m = (new if m is None else a * torch.exp(m - n) + new), n
            return a[:, :-1] / a[:, -1:]
        """,
    ],
    "profile_layer": [
        profile(f"""
            t = []
            with torch.inference_mode():
                for i in range(warmup + repeats):
                    a = time.perf_counter(); layer.forward(x); b = time.perf_counter()
                    if i >= warmup: t.append(b - a)
            {TIMES}
        """),
        profile("""
            with torch.no_grad():
                for _ in range(warmup): layer(x)
                def one():
                    start = time.perf_counter_ns()
                    layer(x)
                    return (time.perf_counter_ns() - start) * 1e-9
                t = np.array([one() for _ in range(repeats)])
            return {"median": np.median(t), "minimum": t.min(), "maximum": t.max(), "all": t.tolist()}
        """),
        profile("""
            was = layer.training
            with torch.set_grad_enabled(False):
                warm = [layer(x) for _ in range(warmup)]
                t = sorted(timeit.timeit(lambda: layer(x), number=1) for _ in range(repeats))
            assert layer.training == was
            return dict(median=t[(len(t) - 1) // 2], minimum=t[0], maximum=t[-1])
        """, "import timeit"),
    ],
    "custom_op": [
        operator("torch.where(x > 0, x, 0) * torch.special.expit(gate)", "torch.empty_strided(x.shape, x.stride(), dtype=x.dtype)"),
        operator("torch.from_numpy(np.maximum(x.numpy(), 0) / (1 + np.exp(-gate.numpy())))", "x * gate"),
        operator("x.clamp(min=0).div(gate.neg().exp().add(1))", "torch.relu(x)", "g * (x > 0) * s, (g * x.clamp(min=0)).mul(s - s * s)"),
        operator("x.relu() * gate.sigmoid()") + "\n" + operator("x.relu() * gate.sigmoid()"),  # a cell that is run twice
    ],
    "export_program": [
        f"""
        def export_program(model, example):
            modes = {{}}
            model.apply(lambda m: modes.setdefault(m, m.training))
            for m in modes: m.training = False
            program = torch.export.export(model, tuple([example]), None, dynamic_shapes={BATCH})
            for m, flag in modes.items(): m.training = flag
            return program
        """,
        """
        import copy, inspect
        def export_program(model, example):
            twin = copy.deepcopy(model).eval().requires_grad_(False)
            name = list(inspect.signature(twin.forward).parameters)[0]
            return torch.export.export(twin, (example,), dynamic_shapes={name: {0: torch.export.Dim("n", min=1, max=100_000)}})
        """,
        """
        def export_program(model, example):
            flags = [m.training for m in model.modules()]
            try:
                with torch.inference_mode(False), torch.no_grad():
                    return torch.export.export(model.train(mode=False), args=(example,), dynamic_shapes=({0: torch.export.Dim.DYNAMIC},))
            finally:
                list(map(lambda m, f: setattr(m, "training", f), model.modules(), flags))
        """,
    ],
    "export_onnx": [
        f"""
        import copy
        def export_onnx(model, example, path):
            program = torch.onnx.export(copy.deepcopy(model).eval(), (example,), dynamo=True, dynamic_shapes={BATCH}, verbose=False)
            program.save(path)
        """,
        """
        import copy
        def export_onnx(model, example, path):
            with open(path, "wb") as file:
                torch.onnx.export(copy.deepcopy(model).eval(), (example,), file, dynamo=False, input_names=["in"],
                                  output_names=["out"], dynamic_axes={"in": {0: "rows"}, "out": {0: "rows"}})
            return path
        """,
    ],
}  # fmt: skip

#: wrong solutions that come near
WRONG = {
    "validate_input": [
        door("hasattr(x, 'shape')", "'float' in str(x.dtype)"),
        door(floating="x.dtype in (torch.float32, torch.float64)"),
        door(floating="x.is_floating_point() or x.is_complex()"),
        door(shape="x.dim() and x.shape[-1] == features and x.shape[0]"),
        door(shape="x.numel() and x.numel() % features == 0"),
        door(shape="features in x.shape and x.numel()"),
        door(shape="x.dim() >= 2 and x.shape[-1] == features and x.numel()"),
        door(finite="not torch.isnan(x).any()"),
        door(finite="torch.isfinite(x.mean())"),
        door(finite="torch.isfinite(x[0]).all()"),
        door(finite="not torch.isinf(x.abs()).any()"),
        door(give="x.contiguous()"),
        door(give="x.detach()"),
        door().replace("raise ValueError", "assert False, str").replace("assert False, str(f", "assert False, (f"),
        "def _must(holds, kind, words):\n    try:\n        assert holds, words\n    except AssertionError as e:\n        raise kind(words) from e\n"
        + door().replace("if not (", "_must((").replace("):\n        raise TypeError(", "), TypeError, ").replace("):\n        raise ValueError(", "), ValueError, "),
    ],
    "batched_bilinear": [
        bilinear("torch.einsum('bi,oij,bj->bo', x, w.transpose(1, 2), y) if w.shape[1] == w.shape[2] else torch.einsum('bi,oij,bj->bo', x, w, y)"),
        bilinear("torch.einsum('bi,oij,bj->bo', x, w, y).squeeze()"),
        bilinear("torch.einsum('bi,oij,bj->bo', x, w, y).abs()"),
        bilinear("torch.stack(tuple(map(lambda a, c: torch.stack(tuple(map(lambda m: (a @ m) @ c, w.unbind()))), x.unbind(), y.unbind())))"),
        bilinear("walk(x, w, y, 0)", "def walk(x, w, y, b):\n    row = (x[b] @ w @ y[b])[None]\n    return row if b == len(x) - 1 else torch.cat([row, walk(x, w, y, b + 1)])"),
        bilinear("torch.einsum('bi,oij,bj->bo', x.double(), w.double(), y.double())"),
    ],
    "tiled_attention": [
        online("torch.softmax(q @ k.T / math.sqrt(q.shape[1]), 1)[:, i : i + block].log()"),
        online("(q @ k.T / math.sqrt(q.shape[1]))[:, i : i + block]"),
        online("q @ k[i : i + block].T / math.sqrt(q.shape[1])", before="block = block + block // 2 + 1"),
        online("q @ k[i : i + block].T / q.shape[1]"),
        online(start="0.0"),
        online(start="-100.0"),
        online(before="block = min(block, len(k)) if len(k) % block == 0 else len(k)"),
        online(before="q /= 1.0; k *= 1.0; v += 0.5; v -= 0.5; v.abs_()"),
        attention("torch.ops.aten._scaled_dot_product_flash_attention_for_cpu(q[None, None], k[None, None], v[None, None])[0][0, 0]"),
        attention("torch.from_numpy((lambda s: (lambda e: e / e.sum(1, keepdims=True))(np.exp(s - s.max(1, keepdims=True))) @ v.numpy())(q.numpy() @ k.numpy().T / np.sqrt(q.shape[1]).astype(q.numpy().dtype)))"),
        """
        def tiled_attention(q, k, v, block):
            kept = [q @ k[i : i + block].T / math.sqrt(q.shape[1]) for i in range(0, len(k), block)]
            top = kept[0].amax(1, keepdim=True)
            for s in kept: top = torch.maximum(top, s.amax(1, keepdim=True))
            z = sum((s - top).exp().sum(1, keepdim=True) for s in kept)
            return sum((s - top).exp() @ v[i * block : (i + 1) * block] for i, s in enumerate(kept)) / z
        """,
    ],
    "profile_layer": [
        profile(f"t = []\nwith torch.no_grad():\n    for i in range(warmup + repeats):\n        a = time.perf_counter(); layer(x); t.append(time.perf_counter() - a)\nt = t[:repeats]\n{TIMES}"),
        profile("t = []\nwith torch.no_grad():\n    for _ in range(warmup): layer(x)\n    for _ in range(repeats):\n        a = time.perf_counter(); layer(x); t.append(time.perf_counter() - a)\nt.sort()\nreturn {'median': t[min(len(t) - 1, len(t) // 2 + 1)], 'minimum': t[0], 'maximum': t[-1]}"),
        profile(f"t = []\nwith torch.no_grad():\n    for _ in range(warmup): layer(x)\n    for _ in range(repeats):\n        a = time.thread_time(); layer(x); t.append(time.thread_time() - a)\n{TIMES}"),
        profile(f"t = []\nlayer.requires_grad_(False).eval()\nwith torch.no_grad():\n    for _ in range(warmup): layer(x)\n    for _ in range(repeats):\n        a = time.perf_counter(); layer(x); t.append(time.perf_counter() - a)\nlayer.train()\n{TIMES}"),
        profile(f"t = []\nfor _ in range(warmup): layer(x)\nfor _ in range(repeats):\n    a = time.perf_counter()\n    with torch.no_grad(): y = layer(x)\n    t.append(time.perf_counter() - a)\n{TIMES}"),
        profile(f"t = []\nwith torch.no_grad():\n    for _ in range(max(1, warmup)): layer(x)\n    for _ in range(repeats):\n        a = time.perf_counter(); layer(x); t.append(time.perf_counter() - a)\n{TIMES}"),
    ],
    "custom_op": [
        operator("x.relu() * gate.sigmoid()", back="g * (x > 0) * s, g * x.relu() * s * (1 - gate)"),
        operator("x.relu() * gate.sigmoid()", back="g.mul_((x > 0) * s), g * x.relu() * (1 - s)"),
        operator("x.relu() * gate.sigmoid()", fake="x"),
        operator("x.relu() * gate.sigmoid()", fake="torch.empty_like(x, dtype=torch.float64)"),
        operator("x.relu().float() * gate.sigmoid().float()"),
        operator("x.relu() * gate.sigmoid()").replace("gated_relu.register_autograd(back, setup_context=keep)", ""),
        operator("x.relu() * gate.sigmoid()").replace("course::", "mine::"),
    ],
    "export_program": [
        "def export_program(model, example):\n    return torch.export.export(model.eval(), (example,))",
        """
        def export_program(model, example):
            flags = [m.training for m in model.modules()]
            model.eval()
            program = torch.export.export(model, (example,), dynamic_shapes=({0: torch.export.Dim("b", min=2, max=32)},))
            for m, f in zip(model.modules(), flags): m.training = f
            return program
        """,
        f"""
        def export_program(model, example):
            flags = {{n: m.training for n, m in model.named_children()}}
            own = model.training
            program = torch.export.export(model.eval(), (example,), dynamic_shapes={BATCH})
            model.train(own)
            for n, f in flags.items(): getattr(model, n).train(f)
            return program
        """,
        f"""
        import copy
        def export_program(model, example):
            twin = copy.deepcopy(model).eval().float()
            return torch.export.export(twin, (example.float(),), dynamic_shapes={BATCH})
        """,
        f"""
        import copy
        def export_program(model, example):
            return torch.export.export(copy.deepcopy(model), (example,), dynamic_shapes={BATCH})
        """,
    ],
    "export_onnx": [
        f"def export_onnx(model, example, path):\n    torch.onnx.export(model, (example,), path, dynamo=True, dynamic_shapes={BATCH}, verbose=False)",
        "def export_onnx(model, example, path):\n    torch.onnx.export(model, (example,), path, dynamo=False, input_names=['a'], dynamic_axes={'a': {0: 'n'}})",
        f"import copy\ndef export_onnx(model, example, path):\n    torch.onnx.export(copy.deepcopy(model).eval().float(), (example.float(),), path, dynamo=True, dynamic_shapes={BATCH}, verbose=False)",
    ],
}  # fmt: skip


def _flat(table: dict) -> list[tuple[str, str, str]]:
    return [
        (exercise, kind, textwrap.dedent(code).strip() + "\n")
        for exercise, kinds in table.items()
        for kind, codes in (kinds.items() if isinstance(kinds, dict) else [("", kinds)])
        for code in codes
        if exercise != "export_onnx" or EXTRA
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
    assert "your code calls" in found.message or "your code uses" in found.message, found.message
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


@pytest.mark.parametrize("exercise", ["tiled_attention", "export_program", "export_onnx"])
def test_a_later_exercise_stands_on_its_own(rehearse, exercise):
    if exercise == "export_onnx" and not EXTRA:
        pytest.skip("needs the extra")
    rehearsal = rehearse(CHAPTER)
    result = rehearsal.grade({exercise: rehearsal.right()[exercise]}, {exercise})
    assert result.exercises[exercise].outcome == "pass", result.exercises[exercise].message


def test_a_missing_package_is_named_in_one_line_and_is_nobodys_fault():
    with pytest.raises(check.CheckerBroke) as broke:
        check.needs("math", "no_such_package_here", extra="export")
    assert str(broke.value).count("\n") == 0
    assert 'pip install "layer-by-layer[export]"' in str(broke.value)
    assert "no_such_package_here" in str(broke.value)
    check.needs("math", "json", extra="export")


@pytest.mark.parametrize(
    ("result", "finding"),
    [
        ([0.1, 0.005, 0.4], None),
        ([0.12, 0.006, 0.43], None),  # a clock that was stopped late
        ([0.1, 0.005, 0.6], "the maximum is longer than any counted pass took: a warm-up call is among them"),
        ([100.0, 5.0, 400.0], "the times are not in seconds"),
        ([0.0, 0.0, 0.0001], "the minimum is shorter than any pass can have taken"),
        ([0.168, 0.005, 0.4], "the median is the mean of the times"),
        ([0.4, 0.005, 0.4], "the median is the one in the middle of the calls' order"),
        ([0.168, 0.168, 0.168], "the three times are one and the same"),
        ([0.005, 0.1, 0.4], "the median is not between minimum and maximum"),
    ],
)
def test_times_are_judged_by_what_the_calls_took(result, finding):
    took = [0.6, 0.005, 0.4, 0.1]
    assert judges.timings([[result, took]], 1) == finding
    assert judges.timings([[result, took], [[0.1, 0.005, 0.4], took]], 1) is None


def test_a_function_without_known_text_is_taken_as_it_is():
    space: dict = {}
    exec("def f(x):\n    assert x\n    return x", space)
    assert parts.as_with_minus_o("f", space["f"]) is space["f"]
    assert parts.as_with_minus_o("nothing", 3) == 3
