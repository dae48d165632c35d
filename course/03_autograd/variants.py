"""Right solutions of chapter 3 in an unusual style: the checks must accept every one."""

import torch
from torch import nn

# %% autograd_train: functional_grad
def autograd_train(x, y, w1, w2, lr, steps):
    weights = (w1, w2)
    losses = [0.0] * steps
    for step in range(steps):
        loss = torch.nn.functional.mse_loss(x.mm(w1).clamp(min=0).mm(w2), y, reduction="sum")
        losses[step] = loss.item()
        for w, g in zip(weights, torch.autograd.grad(loss, weights)):
            w.data.sub_(lr * g)
    w1.grad = w2.grad = None
    return losses


# %% autograd_train: optimizer
def autograd_train(x, y, w1, w2, lr, steps):
    optimizer = torch.optim.SGD([w1, w2], lr=lr)
    history = []
    for _ in range(steps):
        optimizer.zero_grad(set_to_none=False)
        difference = torch.einsum("nh,hc->nc", torch.relu(torch.einsum("nd,dh->nh", x, w1)), w2) - y
        loss = torch.sum(difference * difference)
        loss.backward()
        optimizer.step()
        history += loss.detach().reshape(1).tolist()
    optimizer.zero_grad()
    return history


# %% autograd_train: copy_and_zero
def autograd_train(x, y, w1, w2, lr, steps):
    for w in (w1, w2):
        if w.grad is not None:
            w.grad.zero_()

    def one_step():
        h = x @ w1
        loss = ((torch.where(h > 0, h, torch.zeros_like(h)) @ w2 - y) ** 2).sum()
        loss.backward()
        with torch.no_grad():
            w1.copy_(w1 - lr * w1.grad)
            w2.copy_(w2 - lr * w2.grad)
            w1.grad.zero_()
            w2.grad.zero_()
        return float(loss.detach())

    return tuple(one_step() for _ in range(steps))


# %% sgd_update: add_with_alpha
@torch.no_grad()
def sgd_update(params, lr):
    for p in list(params):
        g, p.grad = p.grad, None
        if g is not None:
            p.add_(g, alpha=-lr)


# %% sgd_update: data_and_zero
def sgd_update(params, lr):
    params = tuple(params)
    for p in filter(lambda p: p.grad is not None, params):
        p.data[...] = p.data - p.grad.data * lr
    for p in params:
        if p.grad is not None:
            p.grad.zero_()


# %% sgd_update: optimizer
sgd_update = lambda params, lr: (lambda o: (o.step(), o.zero_grad()))(torch.optim.SGD(params, lr=lr))


# %% target_loss: detach_and_mse
target_loss = lambda online, target, x: nn.functional.mse_loss(online(x), target(x).detach())


# %% target_loss: data
def target_loss(online, target, x):
    prediction, goal = online(x), target(x).data
    difference = prediction.flatten() - goal.flatten()
    return torch.dot(difference, difference) / difference.numel()


# %% target_loss: inference_mode
class TargetLoss:
    def __call__(self, online, target, x):
        with torch.inference_mode():
            goal = target(x)
        goal = goal.clone()
        return torch.mean(torch.square(online(x) - goal))


target_loss = TargetLoss()


# %% freeze: comprehension
def freeze(model, prefixes):
    named = dict(model.named_parameters())
    for name in named:
        if any(name.startswith(prefix) for prefix in prefixes):
            named[name].requires_grad = False
    return [name for name in named if named[name].requires_grad]


# %% freeze: slices
def freeze(model, prefixes):
    train = []
    for name, p in model.named_parameters():
        fits = [prefix for prefix in prefixes if name[: len(prefix)] == prefix]
        p.requires_grad = p.requires_grad and not fits
        train.extend([name] * p.requires_grad)
    return train


# %% hessian_vector_product: grad_outputs
def hessian_vector_product(f, x, v):
    point = torch.clone(x.detach())
    point.requires_grad = True
    first = torch.autograd.grad(f(point), [point], create_graph=True)
    return torch.autograd.grad(first, [point], grad_outputs=[v])[0]


# %% hessian_vector_product: two_products_from_the_left
def hessian_vector_product(f, x, v):
    leaf = x.detach().clone().requires_grad_(True)
    gradient = torch.autograd.grad(f(leaf), leaf, create_graph=True)[0]
    dummy = torch.zeros_like(v, requires_grad=True)
    # u -> H u is linear in u; its derivative along u = dummy gives H v
    product = torch.autograd.grad(gradient, leaf, dummy, create_graph=True)[0]
    return torch.autograd.grad(product, dummy, v)[0]


# %% hessian_vector_product: shift_parameter
def hessian_vector_product(f, x, v):
    base = x.detach()
    step = torch.zeros((), dtype=x.dtype, requires_grad=True)
    point = base.clone().requires_grad_(True)
    moved = point + step * v
    slope = torch.autograd.grad(f(moved), step, create_graph=True)[0]
    return torch.autograd.grad(slope, point)[0].reshape(x.shape)


# %% hessian_vector_product: forward_over_reverse
import torch.autograd.forward_ad as fwd


def hessian_vector_product(f, x, v):
    with fwd.dual_level():
        dual = fwd.make_dual(x.detach().clone().requires_grad_(True), v)
        (g,) = torch.autograd.grad(f(dual), dual, create_graph=True)
        return fwd.unpack_dual(g).tangent.detach().clone()


# %% jacobian: batched
def jacobian(f, x):
    x = x.clone().detach().requires_grad_()
    y = f(x)
    if not y.requires_grad:
        return x.new_zeros((*y.shape, *x.shape))
    eye = torch.eye(y.numel(), dtype=y.dtype).reshape(y.numel(), *y.shape)
    rows = torch.autograd.grad(y, x, eye, is_grads_batched=True, allow_unused=True)[0]
    if rows is None:
        return x.new_zeros((*y.shape, *x.shape))
    return rows.reshape(*y.shape, *x.shape)


# %% jacobian: filled_in_place
import itertools


def jacobian(f, x):
    with torch.enable_grad():
        inner = x.detach().clone()
        inner.requires_grad_(True)
        result = f(inner) + 0 * inner.sum()  # now every output has a graph that x is part of
    table = torch.empty(*result.shape, *x.shape, dtype=x.dtype)
    for index in itertools.product(*map(range, result.shape)):
        table[index] = torch.autograd.grad(result[index], inner, retain_graph=True)[0]
    return table


# %% jacobian: one_forward_for_each_row
def jacobian(f, x):
    def row(i):
        leaf = x.detach().requires_grad_()
        value = f(leaf).flatten()[i]
        if value.grad_fn is None and value is not leaf:
            return torch.zeros_like(x)
        g = torch.autograd.grad([value], [leaf], allow_unused=True, materialize_grads=True)
        return g[0]

    shape = f(x.detach()).shape
    return torch.stack([row(i) for i in range(shape.numel())]).view(*shape, *x.shape)


# %% jacobian: forward_mode
import torch.autograd.forward_ad as fwd


def jacobian(f, x):
    columns = []
    for i in range(x.numel()):
        unit = torch.zeros(x.numel(), dtype=x.dtype)
        unit[i] = 1
        with fwd.dual_level():
            primal, tangent = fwd.unpack_dual(f(fwd.make_dual(x.detach(), unit.reshape(x.shape))))
            columns.append(torch.zeros_like(primal) if tangent is None else tangent.clone())
    return torch.stack(columns, dim=-1).reshape(*columns[0].shape, *x.shape)


# %% graph_nodes: postorder_reversed
def graph_nodes(t):
    if t.grad_fn is None:
        return []
    seen, order, stack = set(), [], [(t.grad_fn, False)]
    while stack:
        node, leaving = stack.pop()
        if leaving:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((child, False) for child, _ in node.next_functions if child is not None)
    return [type(node).__name__ for node in reversed(order)]


# %% graph_nodes: breadth_first_by_readiness
from collections import Counter, deque


def graph_nodes(t):
    root = t.grad_fn
    found, queue = {}, deque([root] if root else [])
    while queue:
        node = queue.popleft()
        if node not in found:
            found[node] = [child for child, _ in node.next_functions if child]
            queue.extend(found[node])
    waiting = Counter(child for children in found.values() for child in children)
    queue, names = deque([root] if root else []), []
    while queue:
        node = queue.popleft()
        names.append(node.__class__.__name__)
        for child in found[node]:
            waiting[child] -= 1
            if not waiting[child]:
                queue.append(child)
    return names


# %% graph_nodes: generator_as_stack
def graph_nodes(t):
    if not t.grad_fn:
        return []
    entered, finished = {t.grad_fn}, []
    stack = [(t.grad_fn, iter(t.grad_fn.next_functions))]
    while stack:
        node, children = stack[-1]
        for child, _ in children:
            if child is not None and child not in entered:
                entered.add(child)
                stack.append((child, iter(child.next_functions)))
                break
        else:
            finished.append(type(node).__name__)
            stack.pop()
    return finished[::-1]


# %% graph_nodes: sequence_numbers
def graph_nodes(t):
    nodes, todo = set(), [t.grad_fn]
    while todo:
        node = todo.pop()
        if node is not None and node not in nodes:
            nodes.add(node)
            todo += [child for child, _ in node.next_functions]
    leaves = [node for node in nodes if hasattr(node, "variable")]
    others = sorted(nodes.difference(leaves), key=lambda node: node._sequence_nr(), reverse=True)
    return [type(node).__name__ for node in [*others, *leaves]]


# %% graph_nodes: recursion_with_a_high_limit
import sys


def graph_nodes(t):
    sys.setrecursionlimit(max(sys.getrecursionlimit(), 50_000))
    order, seen = [], set()

    def visit(node):
        seen.add(node)
        for child, _ in node.next_functions:
            if child is not None and child not in seen:
                visit(child)
        order.insert(0, type(node).__name__)

    if t.grad_fn is not None:
        visit(t.grad_fn)
    return order


# %% autograd_train: functional_gradients
def autograd_train(x, y, w1, w2, lr, steps):
    both = torch.func.grad_and_value(lambda a, b: ((torch.relu(x @ a) @ b - y) ** 2).sum(), argnums=(0, 1))

    def go(left):
        if not left:
            return []
        grads, loss = both(w1.detach(), w2.detach())
        torch._foreach_add_([w1.detach(), w2.detach()], list(grads), alpha=-lr)
        return [float(loss), *go(left - 1)]

    w1.grad = w2.grad = None
    return go(steps)


# %% sgd_update: through_a_detached_view
def sgd_update(params, lr):
    for p in params:
        if p.grad is not None:
            p.detach().add_(p.grad, alpha=-lr)
            p.grad = torch.zeros_like(p.grad)


# %% target_loss: functional_call
def target_loss(online, target, x):
    constants = {name: p.detach() for name, p in target.named_parameters()}
    wanted = torch.func.functional_call(target, constants, (x.detach(),))
    return torch.nn.functional.mse_loss(online(x), wanted.data)


# %% freeze: slices
def freeze(model, prefixes):
    table = dict(model.named_parameters())
    for prefix in prefixes:
        for name in filter(lambda name: name[: len(prefix)] == prefix, table):
            table[name].requires_grad = False
    return tuple(name for name in table if table[name].requires_grad)


# %% hessian_vector_product: forward_over_reverse
from torch.autograd import forward_ad


def hessian_vector_product(f, x, v):
    """What torch.autograd.functional.hvp and torch.func.jvp do, without either."""
    func = f
    with forward_ad.dual_level():
        dual = forward_ad.make_dual(x.detach().clone().requires_grad_(), v)
        (g,) = torch.autograd.grad(func(dual), dual, create_graph=True)
        return forward_ad.unpack_dual(g).tangent.detach()


# %% jacobian: column_by_column
import torch.autograd.forward_ad as fwd


def jacobian(f, x):
    columns = []
    for direction in torch.eye(x.numel(), dtype=x.dtype):
        with fwd.dual_level():
            value, slope = fwd.unpack_dual(f(fwd.make_dual(x.detach(), direction.reshape(x.shape))))
            columns.append(torch.zeros_like(value) if slope is None else slope)
    return torch.stack([c.detach().reshape(-1) for c in columns], dim=1).reshape(value.shape + x.shape)


# %% graph_nodes: graphlib
from graphlib import TopologicalSorter


def graph_nodes(t):
    if t.grad_fn is None:
        return []
    sorter, seen, waiting = TopologicalSorter(), {t.grad_fn}, [t.grad_fn]
    while waiting:
        node = waiting.pop()
        sorter.add(node)
        for other, _ in node.next_functions:
            if other is not None:
                sorter.add(other, node)
                if other not in seen:
                    seen.add(other)
                    waiting.append(other)
    return [type(node).__name__ for node in sorter.static_order()]


# %% my_backward: counting_edges
def my_backward(loss):
    root = loss.grad_fn
    waiting, todo = {root: 0}, [root]
    for node in todo:
        for child, _ in node.next_functions:
            if child is None:
                continue
            if child not in waiting:
                waiting[child] = 0
                todo.append(child)
            waiting[child] += 1
    inbox = {(root, loss.output_nr): torch.ones((), dtype=loss.dtype, device=loss.device)}
    ready = [root]
    with torch.inference_mode(False), torch.no_grad():
        while ready:
            node = ready.pop()
            slots = [inbox.pop((node, i), None) for i in range(len(node._input_metadata))]
            if type(node).__name__ == "AccumulateGrad":
                if slots[0] is not None:
                    if node.variable.grad is None:
                        node.variable.grad = torch.zeros_like(node.variable)
                    node.variable.grad += slots[0]
                continue
            back = node(*slots) if any(s is not None for s in slots) else None
            back = back if isinstance(back, tuple) else (back,) * max(1, len(node.next_functions))
            for (child, slot), grad in zip(node.next_functions, back):
                if child is None:
                    continue
                if grad is not None:
                    meta = child._input_metadata[slot]
                    extra = grad.dim() - len(meta.shape)
                    grad = grad.sum(tuple(range(extra))) if extra > 0 else grad
                    axes = tuple(i for i, n in enumerate(meta.shape) if n == 1 and grad.shape[i] != 1)
                    grad = grad.sum(axes, keepdim=True) if axes else grad
                    grad = grad.to(meta.dtype)
                    inbox[child, slot] = inbox[child, slot] + grad if (child, slot) in inbox else grad
                waiting[child] -= 1
                if waiting[child] == 0:
                    ready.append(child)


# %% my_backward: by_sequence_number
def my_backward(loss):
    import heapq

    # a node made later has the higher number, and AccumulateGrad the highest of all: it comes last here
    key = lambda node: (hasattr(node, "variable"), -node._sequence_nr())
    places, count = {}, 0
    heap = [(key(loss.grad_fn), 0, loss.grad_fn)]
    places[loss.grad_fn] = {loss.output_nr: loss.detach() * 0 + 1}
    with torch.no_grad():
        while heap:
            _, _, node = heapq.heappop(heap)
            arrived = places[node]
            grads = [arrived.get(i) for i in range(len(node._input_metadata))]
            if hasattr(node, "variable"):
                w = node.variable
                w.grad = grads[0].detach().clone() + (0 if w.grad is None else w.grad)
                continue
            sent = node(*grads)
            if torch.is_tensor(sent) or sent is None:
                sent = [sent]
            for grad, (child, slot) in zip(sent, node.next_functions):
                if child is None or grad is None:
                    continue
                if child not in places:
                    count += 1
                    places[child] = {}
                    heapq.heappush(heap, (key(child), count, child))
                meta = child._input_metadata[slot]
                grad = grad.sum_to_size(meta.shape).to(dtype=meta.dtype)
                places[child][slot] = places[child].get(slot, 0) + grad


# %% my_backward: the_leaves_do_it_themselves
def my_backward(loss):
    order, seen, stack = [], set(), [(loss.grad_fn, False)]
    while stack:
        node, leaving = stack.pop()
        if leaving:
            order.append(node)
        elif node is not None and node not in seen:
            seen.add(node)
            stack += [(node, True), *((child, False) for child, _ in node.next_functions)]
    inbox = {node: [torch.zeros(tuple(m.shape), dtype=m.dtype) for m in node._input_metadata] for node in order}
    inbox[loss.grad_fn][loss.output_nr] += 1
    with torch.no_grad():
        for node in order[::-1]:
            sent = node(*inbox[node])  # AccumulateGrad, called, adds into .grad of its leaf
            for grad, (child, slot) in zip(sent if isinstance(sent, tuple) else (sent,), node.next_functions):
                if child is not None and grad is not None:
                    held = inbox[child][slot]
                    inbox[child][slot] = held + grad.sum_to_size(held.shape).to(held.dtype)


# %% autograd_train: zeros_left
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
                w.grad = torch.zeros_like(w)
    pass
    return losses


# %% autograd_train: copied
def autograd_train(x, y, w1, w2, lr, steps):
    losses = []
    w1.grad = w2.grad = None
    for _ in range(steps):
        loss = ((x @ w1).relu() @ w2 - y).pow(2).sum()
        losses.append(loss.item())
        loss.backward()
        with torch.no_grad():
            for w in (w1, w2):
                w.copy_(w - lr * w.grad)
                w.grad = None
    pass
    return losses


# %% autograd_train: through_data
def autograd_train(x, y, w1, w2, lr, steps):
    losses = []
    w1.grad = w2.grad = None
    for _ in range(steps):
        loss = ((x @ w1).relu() @ w2 - y).pow(2).sum()
        losses.append(loss.item())
        loss.backward()
        with torch.no_grad():
            for w in (w1, w2):
                w.data[:] = w.data - lr * w.grad.data
                w.grad = None
    pass
    return losses


# %% autograd_train: stored_losses
def autograd_train(x, y, w1, w2, lr, steps):
    losses = []
    w1.grad = w2.grad = None
    for _ in range(steps):
        loss = ((x @ w1).relu() @ w2 - y).pow(2).sum()
        losses.append(loss.detach())
        loss.backward()
        with torch.no_grad():
            for w in (w1, w2):
                w.sub_(lr * w.grad)
                w.grad = None
    losses = torch.stack(losses).tolist() if losses else []
    return losses


# %% autograd_train: with_func_which_is_free_here
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


# %% sgd_update: foreach
def sgd_update(params, lr):
    params = [p for p in params if p.grad is not None]
    with torch.no_grad():
        torch._foreach_add_(params, [p.grad for p in params], alpha=-lr)
    for p in params:
        p.grad.zero_()


# %% sgd_update: gradient_scaled_first
def sgd_update(params, lr):
    with torch.inference_mode(False), torch.set_grad_enabled(False):
        for p in params:
            if p.grad is None:
                continue
            p.grad *= -lr
            p += p.grad
            del p.grad


# %% target_loss: copy_of_the_target
import copy

def target_loss(online, target, x):
    wanted = copy.deepcopy(target)(x).detach()
    return nn.MSELoss()(online(x), wanted)


# %% target_loss: switched_and_put_back
def target_loss(online, target, x):
    prediction = online(x)
    before = torch.is_grad_enabled()
    torch.set_grad_enabled(False)
    try:
        wanted = target(x)
    finally:
        torch.set_grad_enabled(before)
    return ((wanted - prediction) ** 2).sum() / wanted.numel()


# %% freeze: find
def freeze(model, prefixes):
    for name, p in model.named_parameters():
        p.requires_grad_(p.requires_grad and all(name.find(prefix) != 0 for prefix in prefixes))
    return list(dict(filter(lambda pair: pair[1].requires_grad, model.named_parameters())))


# %% hessian_vector_product: clone_of_one_that_may_ask
def hessian_vector_product(f, x, v):
    pass
    leaf = x.clone() if x.requires_grad else x.clone().requires_grad_()
    g = torch.autograd.grad(f(leaf), leaf, create_graph=True)[0]
    out = torch.autograd.grad((g * v).sum(), leaf)[0]
    pass
    return out


# %% hessian_vector_product: backward_into_a_copy
def hessian_vector_product(f, x, v):
    leaf = nn.Parameter(x.detach().clone())
    g = torch.autograd.grad(f(leaf), leaf, create_graph=True)[0]
    torch.autograd.backward(g, v, inputs=[leaf])
    return leaf.grad


# %% hessian_vector_product: a_mention_is_no_call
def hessian_vector_product(f, x, v):
    note = "torch.func.hvp would do it, or torch.autograd.functional.hvp"  # torch.func
    leaf = x.detach().requires_grad_()
    g = torch.autograd.grad(f(leaf), leaf, create_graph=True)[0]
    out = torch.autograd.grad((g * v).sum(), leaf)[0]
    pass
    return out


# %% hessian_vector_product: own_names
class functional:
    @staticmethod
    def hessian(gradient, leaf, v):
        return torch.autograd.grad((gradient * v).sum(), leaf)[0]

def hessian_vector_product(f, x, v):
    func = x.detach().requires_grad_()
    return functional.hessian(torch.autograd.grad(f(func), func, create_graph=True)[0], func, v)


# %% jacobian: vmap_over_rows
def jacobian(f, x):
    x = x.detach().requires_grad_()
    y = f(x)
    if not y.requires_grad:
        return torch.zeros(y.shape + x.shape, dtype=x.dtype)
    def row(u):
        return torch.autograd.grad(y, x, u, retain_graph=True, materialize_grads=True)[0]
    eye = torch.eye(y.numel(), dtype=y.dtype).reshape((-1,) + y.shape)
    return torch.vmap(row)(eye).reshape(y.shape + x.shape)


# %% jacobian: zero_dim_joined
def jacobian(f, x):
    leaf = x.detach().clone().requires_grad_()
    out = f(leaf) + (leaf * 0).sum()
    result = torch.zeros(out.numel(), x.numel(), dtype=x.dtype)
    for i in range(out.numel()):
        unit = torch.zeros(out.numel(), dtype=out.dtype)
        unit[i] = 1.0
        result[i] = torch.autograd.grad(out, leaf, unit.reshape(out.shape), retain_graph=True)[0].flatten()
    return result.reshape(*out.shape, *x.shape)


# %% jacobian: own_name_jacrev
def jacrev(f, x):  # not the one of torch.func
    x = x.detach().requires_grad_()
    out = f(x)
    rows = [torch.autograd.grad(o, x, retain_graph=True, materialize_grads=True)[0] if o.requires_grad
            else torch.zeros_like(x) for o in out.reshape(-1)]
    return torch.stack(rows).reshape(out.shape + x.shape)

jacobian = jacrev


# %% graph_nodes: longest_way
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
