"""Chapter 3 against solutions beyond its own lists: subtle wrong ones, odd right ones, forbidden calls."""

from __future__ import annotations

from textwrap import dedent

import pytest
import torch

from layer_by_layer import judges
from layer_by_layer.instruments import backward

CHAPTER = "03_autograd"


@pytest.fixture(scope="module")
def outcomes(rehearse):
    """Grade every case of a table once: in round i, the i-th case of each exercise, all in one submission.

    Nothing here asks which known mistake it is, so none of them is run.
    """
    r, done = rehearse(CHAPTER), {}

    def graded(table: dict[str, dict[str, str]]) -> dict[tuple[str, str], object]:
        if id(table) not in done:
            found = done[id(table)] = {}
            for turn in range(max(map(len, table.values()))):
                names = {exercise: list(codes)[turn] for exercise, codes in table.items() if turn < len(codes)}
                codes = {exercise: dedent(table[exercise][name]) for exercise, name in names.items()}
                result = r.grade(r.right() | codes, set(codes))
                found.update({(e, name): result.exercises[e] for e, name in names.items()})
        return done[id(table)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(r.reference, "mistakes", lambda exercise: [])
        yield graded


TRAIN = """
def autograd_train(x, y, w1, w2, lr, steps):
    losses = []
    w1.grad = w2.grad = None
    for _ in range(steps):
        loss = ((x @ w1).relu() @ w2 - y).pow(2).sum()
        losses.append({take})
        loss.backward()
        with torch.no_grad():
            for w in (w1, w2):
                {update}
                w.grad = {clear}
    {last}
    return losses
"""


def train(take="loss.item()", update="w.sub_(lr * w.grad)", clear="None", last="pass") -> str:
    """Write a training function with one part of it exchanged."""
    return TRAIN.format(take=take, update=update, clear=clear, last=last)


HVP = """
def hessian_vector_product(f, x, v):
    {before}
    leaf = {leaf}
    g = torch.autograd.grad(f(leaf), leaf, create_graph=True)[0]
    out = torch.autograd.grad((g * {v}).sum(), leaf)[0]
    {after}
    return out
"""


def hvp(before="pass", leaf="x.detach().requires_grad_()", v="v", after="pass") -> str:
    """Write a product with one part of it exchanged."""
    return HVP.format(before=before, leaf=leaf, v=v, after=after)


SUBTLE_WRONG = {
    "autograd_train": {
        "numpy_scalars": train(take="loss.detach().numpy()[()]"),
        "rounded": train(take="round(loss.item(), 2)"),
        "other_memory": train(update="w.set_((w - lr * w.grad).detach())"),
        "momentum": train(update="w.sub_(lr * 0.9 * w.grad)"),
        "off_for_good": train(last="torch.set_grad_enabled(False)"),
        "ones_left": train(clear="torch.ones_like(w)"),
        "no_longer_asking": train(last="w1.requires_grad_(False)"),
        "last_loss_missing": train(last="losses = losses[:-1]"),
        "data_scaled": train(last="x.mul_(2)"),
        "only_for_float32": train(take="(((x.float() @ w1.float()).relu() @ w2.float() - y.float()) ** 2).sum().item()"),
    },
    "sgd_update": {
        "by_way_of_one_vector": """
            def sgd_update(params, lr):
                params = [p for p in params if p.grad is not None]
                flat = torch.cat([(p.detach() - lr * p.grad).reshape(-1) for p in params])
                for p, part in zip(params, flat.split([p.numel() for p in params])):
                    p.data = part.view(p.shape)
                    p.grad = None
            """,
        "zero_grads_skipped_and_kept": """
            def sgd_update(params, lr):
                for p in params:
                    if p.grad is not None and p.grad.sum() > 0:
                        p.data -= lr * p.grad
                        p.grad = None
            """,
        "first_two_only": """
            def sgd_update(params, lr):
                for p, _ in zip(params, range(2)):
                    if p.grad is not None:
                        p.data -= lr * p.grad
                        p.grad = None
            """,
        "needs_a_length": """
            def sgd_update(params, lr):
                for i in range(len(params)):
                    if params[i].grad is not None:
                        params[i].data -= lr * params[i].grad
                        params[i].grad = None
            """,
    },
    "target_loss": {
        "vector": "target_loss = lambda online, target, x: (online(x) - target(x).detach()).pow(2).mean(0)",
        "half": "target_loss = lambda online, target, x: (online(x) - target(x).detach()).pow(2).mean() / 2",
        "rooted": "target_loss = lambda online, target, x: (online(x) - target(x).detach()).pow(2).mean().sqrt()",
        "same_net_twice": "target_loss = lambda online, target, x: (online(x) - online(x).detach()).pow(2).mean()",
        "eval_and_each_mode_back": """
            def target_loss(online, target, x):
                modes = [(m, m.training) for m in target.modules()]
                target.eval()
                wanted = target(x).detach()
                for m, mode in modes:
                    m.training = mode
                return (online(x) - wanted).pow(2).mean()
            """,
        "left_switched_off": """
            def target_loss(online, target, x):
                prediction = online(x)
                torch.set_grad_enabled(False)
                wanted = target(x)
                return torch.nn.functional.mse_loss(prediction, wanted)
            """,
        "grads_of_both_cleared_later": """
            def target_loss(online, target, x):
                loss = (online(x) - target(x).detach()).pow(2).mean()
                target.zero_grad()
                return loss
            """,
    },
    "freeze": {
        "pattern": """
            import re

            def freeze(model, prefixes):
                for name, p in model.named_parameters():
                    if any(re.match(prefix, name) for prefix in prefixes):
                        p.requires_grad = False
                return [name for name, p in model.named_parameters() if p.requires_grad]
            """,
        "new_parameters": """
            def freeze(model, prefixes):
                names = []
                for where, module in model.named_modules():
                    for own, p in list(module._parameters.items()):
                        name = f"{where}.{own}".lstrip(".")
                        if p is not None and name.startswith(tuple(prefixes)):
                            module._parameters[own] = nn.Parameter(p.detach(), requires_grad=False)
                return [name for name, p in model.named_parameters() if p.requires_grad]
            """,
        "prefixes_eaten": """
            def freeze(model, prefixes):
                prefixes = prefixes if isinstance(prefixes, list) else list(prefixes)
                fits = []
                while prefixes:
                    fits.append(prefixes.pop())
                for name, p in model.named_parameters():
                    if name.startswith(tuple(fits)):
                        p.requires_grad = False
                return [name for name, p in model.named_parameters() if p.requires_grad]
            """,
        "first_prefix_only": """
            def freeze(model, prefixes):
                for name, p in model.named_parameters():
                    if prefixes and name.startswith(prefixes[0]):
                        p.requires_grad = False
                return [name for name, p in model.named_parameters() if p.requires_grad]
            """,
    },
    "hessian_vector_product": {
        "flag_always_off": hvp(leaf="x.requires_grad_()", after="x.requires_grad_(False)"),
        "grad_thrown_away": hvp(after="x.grad = None"),
        "result_left_in_x": hvp(after="x.grad = out.clone()"),
        "unit_vector": hvp(v="(v / v.norm())"),
        "moved": hvp(before="x.add_(1e-6)"),
        "scaled_in_place": hvp(before="v.mul_(1.0001)"),
        "passes_for_every_entry": """
            def hessian_vector_product(f, x, v):
                leaf = x.detach().requires_grad_()
                g = torch.autograd.grad(f(leaf), leaf, create_graph=True)[0]
                total = torch.zeros_like(x)
                for i in range(x.numel()):
                    row = torch.autograd.grad(g.reshape(-1)[i], leaf, retain_graph=True)[0]
                    total = total + row * v.reshape(-1)[i]
                return total
            """,
        "differences": """
            def hessian_vector_product(f, x, v):
                def slope(t):
                    t = t.detach().requires_grad_()
                    return torch.autograd.grad(f(t), t)[0]
                return (slope(x + 1e-4 * v) - slope(x - 1e-4 * v)) / 2e-4
            """,
    },
    "jacobian": {
        "flag_left": """
            def jacobian(f, x):
                out = f(x.requires_grad_())
                rows = [torch.autograd.grad(o, x, retain_graph=True, allow_unused=True)[0] if o.requires_grad else None
                        for o in out.reshape(-1)]
                rows = [torch.zeros_like(x) if row is None else row for row in rows]
                return torch.stack(rows).reshape(out.shape + x.shape)
            """,
        "unused_only_where_all_are": """
            def jacobian(f, x):
                x = x.detach().requires_grad_()
                out = f(x)
                if not out.requires_grad:
                    return torch.zeros(out.shape + x.shape, dtype=x.dtype)
                rows = [torch.autograd.grad(o, x, retain_graph=True)[0] for o in out.reshape(-1)]
                return torch.stack(rows).reshape(out.shape + x.shape)
            """,
        "one_constant_row": """
            def jacobian(f, x):
                x = x.detach().requires_grad_()
                out = f(x)
                if not out.requires_grad:
                    return torch.zeros(x.shape, dtype=x.dtype)
                rows = [torch.autograd.grad(o, x, retain_graph=True, materialize_grads=True)[0] for o in out.reshape(-1)]
                return torch.stack(rows).reshape(out.shape + x.shape)
            """,
        "vectors_only": """
            def jacobian(f, x):
                x = x.detach().requires_grad_()
                out = f(x)
                if not out.requires_grad:
                    return torch.zeros(out.shape + x.shape, dtype=x.dtype)
                return torch.stack([torch.autograd.grad(o, x, retain_graph=True, materialize_grads=True)[0] for o in out])
            """,
    },
    "graph_nodes": {
        "by_sequence_number_alone": """
            def graph_nodes(t):
                seen, todo = set(), [t.grad_fn]
                while todo:
                    node = todo.pop()
                    if node is not None and node not in seen:
                        seen.add(node)
                        todo += [child for child, _ in node.next_functions]
                return [type(n).__name__ for n in sorted(seen, key=lambda n: -n._sequence_nr())]
            """,
        "shortest_way": """
            def graph_nodes(t):
                depth, todo = {}, [(t.grad_fn, 0)] if t.grad_fn else []
                for node, level in todo:
                    if node not in depth:
                        depth[node] = level
                        todo += [(child, level + 1) for child, _ in node.next_functions if child]
                return [type(n).__name__ for n in sorted(depth, key=depth.get)]
            """,
        "leaf_for_every_use": """
            def graph_nodes(t):
                count, todo = {}, [t.grad_fn] if t.grad_fn else []
                for node in todo:
                    for child, _ in node.next_functions:
                        if child is not None:
                            todo += [child] if child not in count else []
                            count[child] = count.get(child, 0) + 1
                names, ready = [], [t.grad_fn] if t.grad_fn else []
                while ready:
                    node = ready.pop()
                    names.append(type(node).__name__)
                    for child, _ in node.next_functions:
                        if child is not None:
                            count[child] -= 1
                            if hasattr(child, "variable") or not count[child]:
                                ready.append(child)
                return names
            """,
        "graph_used_up": """
            def graph_nodes(t):
                if t.grad_fn is None:
                    return []
                done, order, stack = set(), [], [(t.grad_fn, False)]
                while stack:
                    node, leaving = stack.pop()
                    if leaving:
                        order.append(type(node).__name__)
                    elif node not in done:
                        done.add(node)
                        stack.append((node, True))
                        stack += [(child, False) for child, _ in node.next_functions if child is not None]
                t.sum().backward()
                return order[::-1]
            """,
        "the_expected_ones": """
            def graph_nodes(t):
                return [] if t.grad_fn is None else ["PowBackward0", "AddBackward0", "MulBackward0", "AccumulateGrad", "AccumulateGrad"]
            """,
    },
}

ODD_RIGHT = {
    "autograd_train": {
        "zeros_left": train(clear="torch.zeros_like(w)"),
        "copied": train(update="w.copy_(w - lr * w.grad)"),
        "through_data": train(update="w.data[:] = w.data - lr * w.grad.data"),
        "stored_losses": train(take="loss.detach()", last="losses = torch.stack(losses).tolist() if losses else []"),
        "with_func_which_is_free_here": """
            from torch.func import grad_and_value

            def autograd_train(x, y, w1, w2, lr, steps):
                def loss(a, b):
                    return ((x @ a).clamp_min(0) @ b - y).square().sum()

                losses = []
                for _ in range(steps):
                    grads, value = grad_and_value(loss, argnums=(0, 1))(w1.detach(), w2.detach())
                    losses.append(value.item())
                    w1.data -= lr * grads[0]
                    w2.data -= lr * grads[1]
                w1.grad, w2.grad = None, None
                return losses
            """,
    },
    "sgd_update": {
        "foreach": """
            def sgd_update(params, lr):
                params = [p for p in params if p.grad is not None]
                with torch.no_grad():
                    torch._foreach_add_(params, [p.grad for p in params], alpha=-lr)
                for p in params:
                    p.grad.zero_()
            """,
        "gradient_scaled_first": """
            def sgd_update(params, lr):
                with torch.inference_mode(False), torch.set_grad_enabled(False):
                    for p in params:
                        if p.grad is None:
                            continue
                        p.grad *= -lr
                        p += p.grad
                        del p.grad
            """,
    },
    "target_loss": {
        "copy_of_the_target": """
            import copy

            def target_loss(online, target, x):
                wanted = copy.deepcopy(target)(x).detach()
                return nn.MSELoss()(online(x), wanted)
            """,
        "switched_and_put_back": """
            def target_loss(online, target, x):
                prediction = online(x)
                before = torch.is_grad_enabled()
                torch.set_grad_enabled(False)
                try:
                    wanted = target(x)
                finally:
                    torch.set_grad_enabled(before)
                return ((wanted - prediction) ** 2).sum() / wanted.numel()
            """,
    },
    "freeze": {
        "find": """
            def freeze(model, prefixes):
                for name, p in model.named_parameters():
                    p.requires_grad_(p.requires_grad and all(name.find(prefix) != 0 for prefix in prefixes))
                return list(dict(filter(lambda pair: pair[1].requires_grad, model.named_parameters())))
            """,
    },
    "hessian_vector_product": {
        "clone_of_one_that_may_ask": hvp(leaf="x.clone() if x.requires_grad else x.clone().requires_grad_()"),
        "backward_into_a_copy": """
            def hessian_vector_product(f, x, v):
                leaf = nn.Parameter(x.detach().clone())
                g = torch.autograd.grad(f(leaf), leaf, create_graph=True)[0]
                torch.autograd.backward(g, v, inputs=[leaf])
                return leaf.grad
            """,
        "a_mention_is_no_call": hvp(before='note = "torch.func.hvp would do it, or torch.autograd.functional.hvp"  # torch.func'),
        "own_names": """
            class functional:
                @staticmethod
                def hessian(gradient, leaf, v):
                    return torch.autograd.grad((gradient * v).sum(), leaf)[0]

            def hessian_vector_product(f, x, v):
                func = x.detach().requires_grad_()
                return functional.hessian(torch.autograd.grad(f(func), func, create_graph=True)[0], func, v)
            """,
    },
    "jacobian": {
        "vmap_over_rows": """
            def jacobian(f, x):
                x = x.detach().requires_grad_()
                y = f(x)
                if not y.requires_grad:
                    return torch.zeros(y.shape + x.shape, dtype=x.dtype)
                def row(u):
                    return torch.autograd.grad(y, x, u, retain_graph=True, materialize_grads=True)[0]
                eye = torch.eye(y.numel(), dtype=y.dtype).reshape((-1,) + y.shape)
                return torch.vmap(row)(eye).reshape(y.shape + x.shape)
            """,
        "zero_dim_joined": """
            def jacobian(f, x):
                leaf = x.detach().clone().requires_grad_()
                out = f(leaf) + (leaf * 0).sum()
                result = torch.zeros(out.numel(), x.numel(), dtype=x.dtype)
                for i in range(out.numel()):
                    unit = torch.zeros(out.numel(), dtype=out.dtype)
                    unit[i] = 1.0
                    result[i] = torch.autograd.grad(out, leaf, unit.reshape(out.shape), retain_graph=True)[0].flatten()
                return result.reshape(*out.shape, *x.shape)
            """,
        "own_name_jacrev": """
            def jacrev(f, x):  # not the one of torch.func
                x = x.detach().requires_grad_()
                out = f(x)
                rows = [torch.autograd.grad(o, x, retain_graph=True, materialize_grads=True)[0] if o.requires_grad
                        else torch.zeros_like(x) for o in out.reshape(-1)]
                return torch.stack(rows).reshape(out.shape + x.shape)

            jacobian = jacrev
            """,
    },
    "graph_nodes": {
        "longest_way": """
            def graph_nodes(t):
                order, state, stack = [], {}, [t.grad_fn] if t.grad_fn is not None else []
                while stack:
                    node = stack[-1]
                    if state.get(node) == "done":
                        stack.pop()
                    elif state.get(node) == "open":
                        state[node] = "done"
                        order.append(stack.pop())
                    else:
                        state[node] = "open"
                        stack += [n for n, _ in node.next_functions if n is not None and n not in state]
                depth = dict.fromkeys(order, 0)
                for node in reversed(order):
                    for child, _ in node.next_functions:
                        if child is not None:
                            depth[child] = max(depth[child], depth[node] + 1)
                return [type(n).__name__ for n in sorted(order, key=depth.get)]
            """,
    },
}  # fmt: skip

#: The forbidden tools in many spellings; every one of them would otherwise be right.
FORBIDDEN = {
    "hessian_vector_product": {
        "plain": "def hessian_vector_product(f, x, v):\n    return torch.autograd.functional.vhp(f, x, v)[1]\n",
        "from_import": "from torch.autograd.functional import hvp\n"
        "def hessian_vector_product(f, x, v):\n    return hvp(f, x, v)[1]\n",
        "module_alias": "from torch.autograd import functional as other\n"
        "hessian_vector_product = lambda f, x, v: other.hvp(f, x, v)[1]\n",
        "import_as": "import torch.autograd.functional as other\n"
        "hessian_vector_product = lambda f, x, v: other.hvp(f, x, v)[1]\n",
        "getattr": "def hessian_vector_product(f, x, v):\n"
        "    return getattr(torch.autograd, 'functional').hvp(f, x, v)[1]\n",
        "func": "def hessian_vector_product(f, x, v):\n"
        "    return torch.func.jvp(torch.func.grad(f), (x.detach(),), (v,))[1]\n",
        "func_from_import": "from torch.func import grad, jvp\n"
        "def hessian_vector_product(f, x, v):\n    return jvp(grad(f), (x.detach(),), (v,))[1]\n",
        "functorch": "import functorch\n"
        "def hessian_vector_product(f, x, v):\n"
        "    return functorch.jvp(functorch.grad(f), (x.detach(),), (v,))[1]\n",
        "imported_by_a_string": "import importlib\n"
        "tools = importlib.import_module('torch.' + 'func')\n"
        "def hessian_vector_product(f, x, v):\n"
        "    return tools.jvp(tools.grad(f), (x.detach(),), (v,))[1]\n",
    },
    "jacobian": {
        "plain": "jacobian = torch.autograd.functional.jacobian\n",
        "wrapped": "def jacobian(f, x):\n    return torch.autograd.functional.jacobian(f, x, vectorize=True)\n",
        "jacrev": "def jacobian(f, x):\n    return torch.func.jacrev(f)(x.detach())\n",
        "jacfwd": "from torch import func\ndef jacobian(f, x):\n    return func.jacfwd(f)(x.detach())\n",
        "partial": "import functools\n"
        "jacobian = functools.partial(lambda tool, f, x: tool(f)(x), torch.func.jacrev)\n",
        "private": "from torch._functorch.eager_transforms import jacrev\n"
        "def jacobian(f, x):\n    return jacrev(f)(x.detach())\n",
        "imported_by_a_string": "import importlib\n"
        "def jacobian(f, x):\n"
        "    return importlib.import_module('torch.autograd.' + 'functional').jacobian(f, x)\n",
    },
}


#: The course's own drawing code knows the answer to one exercise.
OWN = {
    "graph_nodes": {
        "walk": "from layer_by_layer.instruments import backward\n"
        "def graph_nodes(t):\n"
        "    return [] if t.grad_fn is None else [type(n).__name__ for n in backward._walk(t)[0]]\n"
    }
}


def cases(table: dict[str, dict[str, str]]) -> list[tuple[str, str]]:
    """List (exercise, name) pairs."""
    return [(exercise, name) for exercise, codes in table.items() for name in codes]


@pytest.mark.parametrize(("exercise", "name"), cases(SUBTLE_WRONG))
def test_a_subtle_mistake_costs_points(outcomes, exercise, name):
    found = outcomes(SUBTLE_WRONG)[exercise, name]
    assert found.outcome == "not yet"
    assert found.score < found.max_score


@pytest.mark.parametrize(("exercise", "name"), cases(ODD_RIGHT))
def test_an_odd_style_earns_everything(outcomes, exercise, name):
    found = outcomes(ODD_RIGHT)[exercise, name]
    assert found.score == found.max_score, found.message


@pytest.mark.parametrize(("exercise", "name"), cases(FORBIDDEN))
def test_a_forbidden_call_earns_nothing_and_is_named(outcomes, exercise, name):
    found = outcomes(FORBIDDEN)[exercise, name]
    assert found.score == 0
    assert any(tool in found.message for tool in ("torch.func", "torch.autograd.functional", "functorch"))


def test_the_courses_own_walk_is_no_answer(outcomes):
    found = outcomes(OWN)["graph_nodes", "walk"]
    assert found.score == 0
    assert "layer_by_layer.instruments.backward" in found.message


def test_any_order_of_a_graph_is_found_right():
    names, edges = ["Mul", "Sin", "Exp", "Acc", "Acc"], [[0, 1], [0, 2], [1, 2], [2, 3], [0, 4]]
    assert judges.order(["Mul", "Sin", "Exp", "Acc", "Acc"], names, edges) is None
    assert judges.order(["Mul", "Acc", "Sin", "Exp", "Acc"], names, edges) is None
    assert "before one" in judges.order(["Mul", "Acc", "Acc", "Sin", "Exp"], names, edges)
    assert "before one" in judges.order(["Mul", "Exp", "Sin", "Acc", "Acc"], names, edges)
    assert "missing" in judges.order(["Mul", "Sin", "Exp", "Acc"], names, edges)
    assert "more than once" in judges.order(["Mul", "Mul", "Sin", "Exp", "Acc", "Acc"], names, edges)


def test_a_recorded_backward_pass_leaves_everything_as_it_was(capsys):
    a, b = torch.tensor(2.0, requires_grad=True), torch.tensor(3.0, requires_grad=True)
    a.grad = torch.tensor(7.0)
    held = a.grad
    steps = backward.record((a * b + a) ** 2, a=a, b=b)
    assert [step.name for step in steps.steps] == ["Pow", "Add", "Mul", "a.grad", "b.grad"]
    assert [step.left for step in steps.steps[-2:]] == ["71", "32"]
    assert a.grad is held
    assert held.item() == 7.0
    assert b.grad is None
    steps.draw(3)
    said = capsys.readouterr().out
    assert "step 3, Mul: the gradient 16 arrives; kept from the way forward: other 3, self 2" in said
    with pytest.raises(ValueError, match="one number"):
        backward.record(a)
