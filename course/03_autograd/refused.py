"""Solutions of chapter 3 that are refused: forbidden calls in every spelling, and wrong ones without a help of their own."""


# %% hessian_vector_product: plain
# names: torch.autograd.functional
def hessian_vector_product(f, x, v):
    return torch.autograd.functional.vhp(f, x, v)[1]


# %% hessian_vector_product: from_import
# names: torch.autograd.functional
from torch.autograd.functional import hvp
def hessian_vector_product(f, x, v):
    return hvp(f, x, v)[1]


# %% hessian_vector_product: module_alias
# names: torch.autograd.functional
from torch.autograd import functional as other
hessian_vector_product = lambda f, x, v: other.hvp(f, x, v)[1]


# %% hessian_vector_product: import_as
# names: torch.autograd.functional
import torch.autograd.functional as other
hessian_vector_product = lambda f, x, v: other.hvp(f, x, v)[1]


# %% hessian_vector_product: getattr
# names: torch.autograd.functional
def hessian_vector_product(f, x, v):
    return getattr(torch.autograd, 'functional').hvp(f, x, v)[1]


# %% hessian_vector_product: func
# names: torch.func
def hessian_vector_product(f, x, v):
    return torch.func.jvp(torch.func.grad(f), (x.detach(),), (v,))[1]


# %% hessian_vector_product: func_from_import
# names: torch.func
from torch.func import grad, jvp
def hessian_vector_product(f, x, v):
    return jvp(grad(f), (x.detach(),), (v,))[1]


# %% hessian_vector_product: functorch
# names: functorch
import functorch
def hessian_vector_product(f, x, v):
    return functorch.jvp(functorch.grad(f), (x.detach(),), (v,))[1]


# %% hessian_vector_product: imported_by_a_string
# names: torch.func
import importlib
tools = importlib.import_module('torch.' + 'func')
def hessian_vector_product(f, x, v):
    return tools.jvp(tools.grad(f), (x.detach(),), (v,))[1]


# %% jacobian: plain
# names: torch.autograd.functional
jacobian = torch.autograd.functional.jacobian


# %% jacobian: wrapped
# names: torch.autograd.functional
def jacobian(f, x):
    return torch.autograd.functional.jacobian(f, x, vectorize=True)


# %% jacobian: jacrev
# names: torch.func
def jacobian(f, x):
    return torch.func.jacrev(f)(x.detach())


# %% jacobian: jacfwd
# names: torch.func
from torch import func
def jacobian(f, x):
    return func.jacfwd(f)(x.detach())


# %% jacobian: partial
# names: torch.func
import functools
jacobian = functools.partial(lambda tool, f, x: tool(f)(x), torch.func.jacrev)


# %% jacobian: private
# names: functorch
from torch._functorch.eager_transforms import jacrev
def jacobian(f, x):
    return jacrev(f)(x.detach())


# %% jacobian: imported_by_a_string
# names: torch.autograd.functional
import importlib
def jacobian(f, x):
    return importlib.import_module('torch.autograd.' + 'functional').jacobian(f, x)


# %% graph_nodes: walk
# names: layer_by_layer.instruments.backward
from layer_by_layer.instruments import backward
def graph_nodes(t):
    return [] if t.grad_fn is None else [type(n).__name__ for n in backward._walk(t)[0]]


# %% autograd_train: numpy_scalars
def autograd_train(x, y, w1, w2, lr, steps):
    losses = []
    w1.grad = w2.grad = None
    for _ in range(steps):
        loss = ((x @ w1).relu() @ w2 - y).pow(2).sum()
        losses.append(loss.detach().numpy()[()])
        loss.backward()
        with torch.no_grad():
            for w in (w1, w2):
                w.sub_(lr * w.grad)
                w.grad = None
    pass
    return losses


# %% autograd_train: rounded
def autograd_train(x, y, w1, w2, lr, steps):
    losses = []
    w1.grad = w2.grad = None
    for _ in range(steps):
        loss = ((x @ w1).relu() @ w2 - y).pow(2).sum()
        losses.append(round(loss.item(), 2))
        loss.backward()
        with torch.no_grad():
            for w in (w1, w2):
                w.sub_(lr * w.grad)
                w.grad = None
    pass
    return losses


# %% autograd_train: other_memory
def autograd_train(x, y, w1, w2, lr, steps):
    losses = []
    w1.grad = w2.grad = None
    for _ in range(steps):
        loss = ((x @ w1).relu() @ w2 - y).pow(2).sum()
        losses.append(loss.item())
        loss.backward()
        with torch.no_grad():
            for w in (w1, w2):
                w.set_((w - lr * w.grad).detach())
                w.grad = None
    pass
    return losses


# %% autograd_train: momentum
def autograd_train(x, y, w1, w2, lr, steps):
    losses = []
    w1.grad = w2.grad = None
    for _ in range(steps):
        loss = ((x @ w1).relu() @ w2 - y).pow(2).sum()
        losses.append(loss.item())
        loss.backward()
        with torch.no_grad():
            for w in (w1, w2):
                w.sub_(lr * 0.9 * w.grad)
                w.grad = None
    pass
    return losses


# %% autograd_train: off_for_good
def autograd_train(x, y, w1, w2, lr, steps):
    losses = []
    w1.grad = w2.grad = None
    for _ in range(steps):
        loss = ((x @ w1).relu() @ w2 - y).pow(2).sum()
        losses.append(loss.item())
        loss.backward()
        with torch.no_grad():
            for w in (w1, w2):
                w.sub_(lr * w.grad)
                w.grad = None
    torch.set_grad_enabled(False)
    return losses


# %% autograd_train: ones_left
def autograd_train(x, y, w1, w2, lr, steps):
    losses = []
    w1.grad = w2.grad = None
    for _ in range(steps):
        loss = ((x @ w1).relu() @ w2 - y).pow(2).sum()
        losses.append(loss.item())
        loss.backward()
        with torch.no_grad():
            for w in (w1, w2):
                w.sub_(lr * w.grad)
                w.grad = torch.ones_like(w)
    pass
    return losses


# %% autograd_train: no_longer_asking
def autograd_train(x, y, w1, w2, lr, steps):
    losses = []
    w1.grad = w2.grad = None
    for _ in range(steps):
        loss = ((x @ w1).relu() @ w2 - y).pow(2).sum()
        losses.append(loss.item())
        loss.backward()
        with torch.no_grad():
            for w in (w1, w2):
                w.sub_(lr * w.grad)
                w.grad = None
    w1.requires_grad_(False)
    return losses


# %% autograd_train: last_loss_missing
def autograd_train(x, y, w1, w2, lr, steps):
    losses = []
    w1.grad = w2.grad = None
    for _ in range(steps):
        loss = ((x @ w1).relu() @ w2 - y).pow(2).sum()
        losses.append(loss.item())
        loss.backward()
        with torch.no_grad():
            for w in (w1, w2):
                w.sub_(lr * w.grad)
                w.grad = None
    losses = losses[:-1]
    return losses


# %% autograd_train: data_scaled
def autograd_train(x, y, w1, w2, lr, steps):
    losses = []
    w1.grad = w2.grad = None
    for _ in range(steps):
        loss = ((x @ w1).relu() @ w2 - y).pow(2).sum()
        losses.append(loss.item())
        loss.backward()
        with torch.no_grad():
            for w in (w1, w2):
                w.sub_(lr * w.grad)
                w.grad = None
    x.mul_(2)
    return losses


# %% autograd_train: only_for_float32
def autograd_train(x, y, w1, w2, lr, steps):
    losses = []
    w1.grad = w2.grad = None
    for _ in range(steps):
        loss = ((x @ w1).relu() @ w2 - y).pow(2).sum()
        losses.append((((x.float() @ w1.float()).relu() @ w2.float() - y.float()) ** 2).sum().item())
        loss.backward()
        with torch.no_grad():
            for w in (w1, w2):
                w.sub_(lr * w.grad)
                w.grad = None
    pass
    return losses


# %% sgd_update: by_way_of_one_vector
def sgd_update(params, lr):
    params = [p for p in params if p.grad is not None]
    flat = torch.cat([(p.detach() - lr * p.grad).reshape(-1) for p in params])
    for p, part in zip(params, flat.split([p.numel() for p in params])):
        p.data = part.view(p.shape)
        p.grad = None


# %% sgd_update: zero_grads_skipped_and_kept
def sgd_update(params, lr):
    for p in params:
        if p.grad is not None and p.grad.sum() > 0:
            p.data -= lr * p.grad
            p.grad = None


# %% sgd_update: first_two_only
def sgd_update(params, lr):
    for p, _ in zip(params, range(2)):
        if p.grad is not None:
            p.data -= lr * p.grad
            p.grad = None


# %% sgd_update: needs_a_length
def sgd_update(params, lr):
    for i in range(len(params)):
        if params[i].grad is not None:
            params[i].data -= lr * params[i].grad
            params[i].grad = None


# %% target_loss: vector
target_loss = lambda online, target, x: (online(x) - target(x).detach()).pow(2).mean(0)


# %% target_loss: half
target_loss = lambda online, target, x: (online(x) - target(x).detach()).pow(2).mean() / 2


# %% target_loss: rooted
target_loss = lambda online, target, x: (online(x) - target(x).detach()).pow(2).mean().sqrt()


# %% target_loss: same_net_twice
target_loss = lambda online, target, x: (online(x) - online(x).detach()).pow(2).mean()


# %% target_loss: eval_and_each_mode_back
def target_loss(online, target, x):
    modes = [(m, m.training) for m in target.modules()]
    target.eval()
    wanted = target(x).detach()
    for m, mode in modes:
        m.training = mode
    return (online(x) - wanted).pow(2).mean()


# %% target_loss: left_switched_off
def target_loss(online, target, x):
    prediction = online(x)
    torch.set_grad_enabled(False)
    wanted = target(x)
    return torch.nn.functional.mse_loss(prediction, wanted)


# %% target_loss: grads_of_both_cleared_later
def target_loss(online, target, x):
    loss = (online(x) - target(x).detach()).pow(2).mean()
    target.zero_grad()
    return loss


# %% freeze: pattern
import re

def freeze(model, prefixes):
    for name, p in model.named_parameters():
        if any(re.match(prefix, name) for prefix in prefixes):
            p.requires_grad = False
    return [name for name, p in model.named_parameters() if p.requires_grad]


# %% freeze: new_parameters
def freeze(model, prefixes):
    names = []
    for where, module in model.named_modules():
        for own, p in list(module._parameters.items()):
            name = f"{where}.{own}".lstrip(".")
            if p is not None and name.startswith(tuple(prefixes)):
                module._parameters[own] = nn.Parameter(p.detach(), requires_grad=False)
    return [name for name, p in model.named_parameters() if p.requires_grad]


# %% freeze: prefixes_eaten
def freeze(model, prefixes):
    prefixes = prefixes if isinstance(prefixes, list) else list(prefixes)
    fits = []
    while prefixes:
        fits.append(prefixes.pop())
    for name, p in model.named_parameters():
        if name.startswith(tuple(fits)):
            p.requires_grad = False
    return [name for name, p in model.named_parameters() if p.requires_grad]


# %% freeze: first_prefix_only
def freeze(model, prefixes):
    for name, p in model.named_parameters():
        if prefixes and name.startswith(prefixes[0]):
            p.requires_grad = False
    return [name for name, p in model.named_parameters() if p.requires_grad]


# %% hessian_vector_product: flag_always_off
def hessian_vector_product(f, x, v):
    pass
    leaf = x.requires_grad_()
    g = torch.autograd.grad(f(leaf), leaf, create_graph=True)[0]
    out = torch.autograd.grad((g * v).sum(), leaf)[0]
    x.requires_grad_(False)
    return out


# %% hessian_vector_product: grad_thrown_away
def hessian_vector_product(f, x, v):
    pass
    leaf = x.detach().requires_grad_()
    g = torch.autograd.grad(f(leaf), leaf, create_graph=True)[0]
    out = torch.autograd.grad((g * v).sum(), leaf)[0]
    x.grad = None
    return out


# %% hessian_vector_product: result_left_in_x
def hessian_vector_product(f, x, v):
    pass
    leaf = x.detach().requires_grad_()
    g = torch.autograd.grad(f(leaf), leaf, create_graph=True)[0]
    out = torch.autograd.grad((g * v).sum(), leaf)[0]
    x.grad = out.clone()
    return out


# %% hessian_vector_product: unit_vector
def hessian_vector_product(f, x, v):
    pass
    leaf = x.detach().requires_grad_()
    g = torch.autograd.grad(f(leaf), leaf, create_graph=True)[0]
    out = torch.autograd.grad((g * (v / v.norm())).sum(), leaf)[0]
    pass
    return out


# %% hessian_vector_product: moved
def hessian_vector_product(f, x, v):
    x.add_(1e-6)
    leaf = x.detach().requires_grad_()
    g = torch.autograd.grad(f(leaf), leaf, create_graph=True)[0]
    out = torch.autograd.grad((g * v).sum(), leaf)[0]
    pass
    return out


# %% hessian_vector_product: scaled_in_place
def hessian_vector_product(f, x, v):
    v.mul_(1.0001)
    leaf = x.detach().requires_grad_()
    g = torch.autograd.grad(f(leaf), leaf, create_graph=True)[0]
    out = torch.autograd.grad((g * v).sum(), leaf)[0]
    pass
    return out


# %% hessian_vector_product: passes_for_every_entry
def hessian_vector_product(f, x, v):
    leaf = x.detach().requires_grad_()
    g = torch.autograd.grad(f(leaf), leaf, create_graph=True)[0]
    total = torch.zeros_like(x)
    for i in range(x.numel()):
        row = torch.autograd.grad(g.reshape(-1)[i], leaf, retain_graph=True)[0]
        total = total + row * v.reshape(-1)[i]
    return total


# %% hessian_vector_product: differences
def hessian_vector_product(f, x, v):
    def slope(t):
        t = t.detach().requires_grad_()
        return torch.autograd.grad(f(t), t)[0]
    return (slope(x + 1e-4 * v) - slope(x - 1e-4 * v)) / 2e-4


# %% jacobian: flag_left
def jacobian(f, x):
    out = f(x.requires_grad_())
    rows = [torch.autograd.grad(o, x, retain_graph=True, allow_unused=True)[0] if o.requires_grad else None
            for o in out.reshape(-1)]
    rows = [torch.zeros_like(x) if row is None else row for row in rows]
    return torch.stack(rows).reshape(out.shape + x.shape)


# %% jacobian: unused_only_where_all_are
def jacobian(f, x):
    x = x.detach().requires_grad_()
    out = f(x)
    if not out.requires_grad:
        return torch.zeros(out.shape + x.shape, dtype=x.dtype)
    rows = [torch.autograd.grad(o, x, retain_graph=True)[0] for o in out.reshape(-1)]
    return torch.stack(rows).reshape(out.shape + x.shape)


# %% jacobian: one_constant_row
def jacobian(f, x):
    x = x.detach().requires_grad_()
    out = f(x)
    if not out.requires_grad:
        return torch.zeros(x.shape, dtype=x.dtype)
    rows = [torch.autograd.grad(o, x, retain_graph=True, materialize_grads=True)[0] for o in out.reshape(-1)]
    return torch.stack(rows).reshape(out.shape + x.shape)


# %% jacobian: vectors_only
def jacobian(f, x):
    x = x.detach().requires_grad_()
    out = f(x)
    if not out.requires_grad:
        return torch.zeros(out.shape + x.shape, dtype=x.dtype)
    return torch.stack([torch.autograd.grad(o, x, retain_graph=True, materialize_grads=True)[0] for o in out])


# %% graph_nodes: by_sequence_number_alone
def graph_nodes(t):
    seen, todo = set(), [t.grad_fn]
    while todo:
        node = todo.pop()
        if node is not None and node not in seen:
            seen.add(node)
            todo += [child for child, _ in node.next_functions]
    return [type(n).__name__ for n in sorted(seen, key=lambda n: -n._sequence_nr())]


# %% graph_nodes: shortest_way
def graph_nodes(t):
    depth, todo = {}, [(t.grad_fn, 0)] if t.grad_fn else []
    for node, level in todo:
        if node not in depth:
            depth[node] = level
            todo += [(child, level + 1) for child, _ in node.next_functions if child]
    return [type(n).__name__ for n in sorted(depth, key=depth.get)]


# %% graph_nodes: leaf_for_every_use
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


# %% graph_nodes: graph_used_up
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


# %% graph_nodes: the_expected_ones
def graph_nodes(t):
    return [] if t.grad_fn is None else ["PowBackward0", "AddBackward0", "MulBackward0", "AccumulateGrad", "AccumulateGrad"]


# %% my_backward: method
# names: backward
def my_backward(loss):
    loss.backward()


# %% my_backward: method_that_keeps_the_graph
# names: backward
my_backward = lambda loss: loss.backward(retain_graph=True)


# %% my_backward: unbound_method
# names: backward
my_backward = torch.Tensor.backward


# %% my_backward: function
# names: torch.autograd.backward
def my_backward(loss):
    torch.autograd.backward([loss])


# %% my_backward: from_import
# names: torch.autograd.backward
from torch.autograd import backward as go
def my_backward(loss):
    go(loss)


# %% my_backward: engine
# names: torch.autograd.graph._engine_run_backward
def my_backward(loss):
    torch.autograd.graph._engine_run_backward((loss,), (torch.ones_like(loss),), False, False, (), True, True)


# %% my_backward: leaves_collected_and_grad_called
# names: torch.autograd.grad
def my_backward(loss):
    leaves, todo, seen = [], [loss.grad_fn], set()
    while todo:
        node = todo.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            leaves.append(node.variable)
        todo += [child for child, _ in node.next_functions]
    for leaf, g in zip(leaves, torch.autograd.grad(loss, leaves)):
        leaf.grad = g if leaf.grad is None else leaf.grad + g


# %% my_backward: recursion
def my_backward(loss):
    order, seen = [], set()

    def visit(node):
        seen.add(node)
        for child, _ in node.next_functions:
            if child is not None and child not in seen:
                visit(child)
        order.append(node)

    visit(loss.grad_fn)
    arrived = {node: [None] * len(node._input_metadata) for node in order}
    arrived[loss.grad_fn][loss.output_nr] = torch.ones_like(loss)
    with torch.no_grad():
        for node in reversed(order):
            grads = arrived.pop(node)
            if hasattr(node, "variable"):
                leaf = node.variable
                leaf.grad = grads[0].clone() if leaf.grad is None else leaf.grad + grads[0]
                continue
            sent = node(*grads)
            for grad, (child, slot) in zip(sent if isinstance(sent, tuple) else (sent,), node.next_functions):
                if child is None or grad is None:
                    continue
                wanted = child._input_metadata[slot]
                grad = grad.sum_to_size(wanted.shape).to(wanted.dtype)
                held = arrived[child][slot]
                arrived[child][slot] = grad if held is None else held + grad
