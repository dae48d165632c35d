"""Right solutions of chapter 4 in an unusual style: the checks must accept every one."""

import itertools

import numpy as np
import torch
import torch.nn.functional as F
from torch.autograd import Function


# %% my_relu: mask_kept_on_ctx
class MyReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.positive = x > 0
        return torch.where(ctx.positive, x, torch.zeros_like(x))

    @staticmethod
    def backward(ctx, *grads):
        result = grads[0].clone()
        result[~ctx.positive] = 0
        return result


# %% my_relu: setup_context
from torch.autograd import Function


class MyReLU(Function):
    @staticmethod
    def forward(x):
        return torch.relu(x)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(output)

    @staticmethod
    def vjp(ctx, g):
        return torch.where(ctx.saved_tensors[0] > 0, g, 0)


# %% my_relu: made_by_type
def _forward(ctx, x):
    ctx.save_for_backward(x)
    return (x + x.abs()) / 2


MyReLU = type(
    "MyReLU",
    (torch.autograd.Function,),
    {
        "forward": staticmethod(_forward),
        "backward": staticmethod(lambda ctx, g: (g * (ctx.saved_tensors[0] > 0),)),
    },
)


# %% mul_constant: tuple_on_ctx
class MulConstant(torch.autograd.Function):
    @staticmethod
    def forward(ctx, *arguments):
        ctx.arguments = arguments[1:]
        return torch.mul(arguments[0], arguments[1])

    @staticmethod
    def backward(ctx, grad):
        (c,) = ctx.arguments
        gradients = [None, None]
        if ctx.needs_input_grad[0]:
            gradients[0] = torch.mul(grad, c)
        return tuple(gradients)


# %% mul_constant: setup_context
class MulConstant(torch.autograd.Function):
    @staticmethod
    def forward(tensor, constant):
        return tensor.mul(constant)

    @staticmethod
    def setup_context(ctx, inputs, output):
        _, ctx.factor = inputs

    @staticmethod
    def backward(ctx, grad_output):
        return grad_output.mul(ctx.factor), None


# %% linear_function: einsum
class LinearFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias=None):
        ctx.save_for_backward(x, weight, bias)
        return F.linear(x, weight, bias)

    @staticmethod
    def backward(ctx, g):
        x, weight, bias = ctx.saved_tensors
        asked = ctx.needs_input_grad
        return (
            torch.einsum("...o,oi->...i", g, weight) if asked[0] else None,
            torch.einsum("...o,...i->oi", g, x) if asked[1] else None,
            torch.einsum("...o->o", g) if bias is not None and asked[2] else None,
        )


# %% linear_function: recomputed_by_autograd
class LinearFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias=None):
        ctx.tensors = [t for t in (x, weight, bias) if t is not None]
        return torch.nn.functional.linear(x, weight, bias)

    @staticmethod
    def backward(ctx, g):
        wanted = [i for i in range(len(ctx.tensors)) if ctx.needs_input_grad[i]]
        leaves = [t.detach().requires_grad_(i in wanted) for i, t in enumerate(ctx.tensors)]
        with torch.enable_grad():
            y = torch.nn.functional.linear(*leaves)
        found = dict(zip(wanted, torch.autograd.grad(y, [leaves[i] for i in wanted], g)))
        return tuple(found.get(i) for i in range(3))


# %% linear_function: row_by_row
class LinearFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias=None):
        ctx.save_for_backward(x, weight)
        ctx.with_bias = bias is not None
        y = torch.tensordot(x, weight, dims=([-1], [1]))
        if ctx.with_bias:
            y += bias
        return y

    @staticmethod
    def backward(ctx, grad_out):
        x, weight = ctx.saved_tensors
        grads = [None] * len(ctx.needs_input_grad)
        if ctx.needs_input_grad[0]:
            grads[0] = torch.matmul(grad_out, weight)
        if ctx.needs_input_grad[1]:
            total = torch.zeros_like(weight)
            for g, row in zip(
                grad_out.flatten(0, -2) if grad_out.dim() > 1 else [grad_out], x.reshape(-1, x.shape[-1])
            ):
                total += torch.outer(g, row)
            grads[1] = total
        if ctx.with_bias and ctx.needs_input_grad[2]:
            grads[2] = (
                grad_out.sum(dim=tuple(range(grad_out.dim() - 1))) if grad_out.dim() > 1 else grad_out.clone()
            )
        return tuple(grads)


# %% linear_function: broadcast_products
class LinearFunction(torch.autograd.Function):
    @staticmethod
    def forward(x, weight, bias=None):
        y = (x.unsqueeze(-2) * weight).sum(-1)
        return y if bias is None else torch.add(y, bias)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs[:2])

    @staticmethod
    def backward(ctx, g):
        x, w = ctx.saved_tensors
        needs = ctx.needs_input_grad + (False,) * (3 - len(ctx.needs_input_grad))
        gx = (g.unsqueeze(-1) * w).sum(-2) if needs[0] else None
        gw = (g.unsqueeze(-1) * x.unsqueeze(-2)).reshape(-1, *w.shape).sum(0) if needs[1] else None
        return (gx, gw, g.reshape(-1, g.shape[-1]).sum(0) if needs[2] else None)[: len(ctx.needs_input_grad)]


# %% my_exp: setup_context
class MyExp(torch.autograd.Function):
    @staticmethod
    def forward(x):
        return torch.exp(x)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx, grad):
        return torch.mul(grad, *ctx.saved_tensors)


# %% my_exp: out_argument
class MyExp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input):
        result = torch.empty_like(input)
        torch.exp(input, out=result)
        ctx.save_for_backward(result)
        return result

    @staticmethod
    def backward(ctx, grad_output):
        result = ctx.saved_tensors[0]
        return torch.einsum("...,...->...", grad_output, result)


# %% my_exp: through_numpy
class MyExp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = torch.as_tensor(np.exp(x.detach().numpy()))
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        return ctx.saved_tensors[0] * g


# %% min_max: one_hot_rows
class MinMax(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        low, high = x.min(dim=0), x.max(dim=0)
        ctx.where = (low.indices, high.indices)
        ctx.length = x.shape[0]
        return low.values, high.values

    @staticmethod
    def backward(ctx, *upstream):
        rows = torch.nn.functional.one_hot(torch.stack(ctx.where), ctx.length)
        return torch.stack(upstream) @ rows.to(upstream[0].dtype)


# %% min_max: sorted_and_none
class MinMax(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.set_materialize_grads(False)
        order = torch.sort(x, stable=True).indices
        largest = int((x == x[order[-1]]).nonzero()[0])
        ctx.places = (int(order[0]), largest)
        ctx.save_for_backward(x)
        return tuple(x[i].clone() for i in ctx.places)

    @staticmethod
    def backward(ctx, low, high):
        (x,) = ctx.saved_tensors
        result = x.new_zeros(x.shape)
        for place, gradient in zip(ctx.places, (low, high)):
            if gradient is not None:
                result.index_put_((torch.tensor([place]),), gradient.reshape(1), accumulate=True)
        return result


# %% min_max: aminmax
class MinMax(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        low, high = torch.aminmax(x)
        values = x.tolist()
        ctx.i, ctx.j, ctx.n = values.index(low.item()), values.index(high.item()), len(values)
        return low, high

    @staticmethod
    def backward(ctx, a, b):
        eye = torch.eye(ctx.n, dtype=a.dtype)
        return eye[ctx.i] * a + eye[ctx.j] * b


# %% my_cube: products
class MyCube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx, g):
        x = ctx.saved_tensors[0]
        return torch.einsum("...,...,...->...", x, x, 3 * g)


# %% my_cube: backward_is_a_function_too
class CubeSlope(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, g):
        ctx.save_for_backward(x, g)
        return 3 * x.square() * g

    @staticmethod
    def backward(ctx, v):
        x, g = ctx.saved_tensors
        return 6 * x * g * v, 3 * x.square() * v


class MyCube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.pow(x, 3)

    @staticmethod
    def backward(ctx, g):
        return CubeSlope.apply(*ctx.saved_tensors, g)


# %% my_cube: kept_as_attribute
class MyCube(torch.autograd.Function):
    @staticmethod
    def forward(x):
        return x.pow(3)

    @staticmethod
    def setup_context(ctx, inputs, output):
        (ctx.x,) = inputs

    @staticmethod
    def backward(ctx, g):
        with torch.enable_grad():
            return g * (ctx.x**2 * 3)


# %% round_ste: copies
class RoundSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, *_):
        return x.round()

    @staticmethod
    def backward(ctx, g):
        return g.clone()


# %% round_ste: through_numpy
class RoundSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return torch.from_numpy(np.asarray(np.rint(x.detach().cpu().numpy())))

    @staticmethod
    def backward(ctx, *gradients):
        return gradients


# %% my_gradcheck: random_upstream
def my_gradcheck(fn, inputs, eps=1e-6, atol=1e-4):
    def run(values):
        result = fn(*values)
        return (result,) if torch.is_tensor(result) else tuple(result)

    copies = tuple(x.detach().clone().requires_grad_(x.requires_grad) for x in inputs)
    outs = run(copies)
    weights = [torch.randn_like(o) + 3 * torch.rand(()) for o in outs]
    watched = [i for i, x in enumerate(inputs) if x.requires_grad]
    for which, (o, w) in enumerate(zip(outs, weights)):
        grads = torch.autograd.grad(
            o, [copies[i] for i in watched], grad_outputs=w, retain_graph=True, allow_unused=True
        )
        for i, gradient in zip(watched, grads):
            gradient = torch.zeros_like(inputs[i]) if gradient is None else gradient
            numeric = torch.empty(inputs[i].shape, dtype=torch.float64)
            for at in itertools.product(*map(range, inputs[i].shape)):
                with torch.no_grad():
                    values = [x.detach().clone() for x in inputs]
                    centre = values[i][at].item()
                    values[i][at] = centre + eps
                    above = (run(values)[which] * w).sum()
                    values[i][at] = centre - eps
                    below = (run(values)[which] * w).sum()
                numeric[at] = (above - below) / (2 * eps)
            if not torch.allclose(gradient, numeric, rtol=0.0, atol=atol):
                return False
    return True


import itertools


# %% my_gradcheck: jacobians_of_torch
def my_gradcheck(fn, inputs, eps=1e-6, atol=1e-4):
    def scaled(*values):
        result = fn(*values)
        return tuple(2.5 * r for r in (result if isinstance(result, tuple) else (result,)))

    with torch.no_grad():
        count = len(scaled(*[x.detach() for x in inputs]))
    for k in range(count):
        for i, x in enumerate(inputs):
            if x.requires_grad:
                others = [y.detach().clone() for y in inputs]

                def one(z):
                    return scaled(*others[:i], z, *others[i + 1 :])[k]

                analytic = torch.autograd.functional.jacobian(one, x.detach().clone()).numpy()
                numeric = np.zeros_like(analytic)
                with torch.no_grad():
                    for at in np.ndindex(*x.shape):
                        step = torch.zeros(x.shape, dtype=x.dtype)
                        step[at] = eps
                        column = (one(x.detach() + step) - one(x.detach() - step)) / (2 * eps)
                        numeric[(..., *at)] = column.numpy()
                if not np.all(np.abs(analytic - numeric) / 2.5 <= atol):
                    return False
    return True


# %% my_gradcheck: in_place_with_a_way_back
def my_gradcheck(fn, inputs, eps=1e-6, atol=1e-4):
    gen = torch.Generator().manual_seed(3)

    def total(values, weights=None):
        result = fn(*values)
        result = [result] if isinstance(result, torch.Tensor) else list(result)
        if weights is None:
            weights = [torch.rand(r.shape, generator=gen, dtype=r.dtype) + 0.5 for r in result]
        return sum((r * w).sum() for r, w in zip(result, weights)), weights

    checked = [x for x in inputs if x.requires_grad]
    value, weights = total(inputs)
    analytic = torch.autograd.grad(value, checked, allow_unused=True)
    worst = 0.0
    for x, grad in zip(checked, analytic):
        for at in np.ndindex(*x.shape):
            ends = []
            with torch.no_grad():
                old = x.data[at].clone()
                for sign in (1, -1):
                    x.data[at] = old + sign * eps
                    ends.append(total(inputs, weights)[0].item())
                x.data[at] = old
            slope = (ends[0] - ends[1]) / (2 * eps)
            gap = abs((0.0 if grad is None else grad[at].item()) - slope)
            if gap != gap:
                return False
            worst = max(worst, gap)
    return worst <= atol


# %% my_relu: made_by_type
def _forward(ctx, x):
    mask = (x > 0).type_as(x)
    ctx.save_for_backward(mask)
    return x * mask


def _backward(ctx, *upstream):
    return tuple(g * ctx.saved_tensors[0] for g in upstream)


MyReLU = type("MyReLU", (torch.autograd.Function,), {"forward": staticmethod(_forward), "backward": staticmethod(_backward)})


# %% mul_constant: extra_answers_and_itself
class MulConstant(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, constant=1):
        ctx.constant = constant
        return torch.add(torch.zeros_like(x), x, alpha=constant)

    @staticmethod
    def backward(ctx, grad_out):
        return MulConstant.apply(grad_out, ctx.constant), None, None


# %% linear_function: asks_autograd
class LinearFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, *arguments):
        ctx.save_for_backward(*arguments)
        return torch.nn.functional.linear(*arguments)

    @staticmethod
    def backward(ctx, grad_out):
        wanted = [i for i, asked in enumerate(ctx.needs_input_grad) if asked]
        with torch.enable_grad():
            own = [None if t is None else t.detach().requires_grad_(i in wanted) for i, t in enumerate(ctx.saved_tensors)]
            out = torch.nn.functional.linear(*own)
        answers = [None] * len(ctx.needs_input_grad)
        for i, found in zip(wanted, torch.autograd.grad(out, [own[i] for i in wanted], grad_out)):
            answers[i] = found
        return tuple(answers)


# %% my_exp: in_place_on_a_copy
class MyExp(torch.autograd.Function):
    """One exp; torch.exp is only a word here."""

    @staticmethod
    def forward(ctx, x):
        exp = x.clone().exp_()
        ctx.save_for_backward(exp)
        ctx.set_materialize_grads(False)
        return exp

    @staticmethod
    def backward(ctx, grad_out):
        return None if grad_out is None else ctx.saved_tensors[0].mul(grad_out)


# %% min_max: python_lists
class MinMax(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        values = x.tolist()
        ctx.places, ctx.size = (values.index(min(values)), values.index(max(values))), len(values)
        return tuple(x[place].clone() for place in ctx.places)

    @staticmethod
    def backward(ctx, *upstream):
        grad = upstream[0].new_zeros(ctx.size)
        for place, g in zip(ctx.places, upstream):
            grad[place] += g
        return grad


# %% my_cube: a_function_for_its_backward
class _Slope(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, g):
        ctx.save_for_backward(x, g)
        return 3 * x * x * g

    @staticmethod
    def backward(ctx, v):
        x, g = ctx.saved_tensors
        return 6 * x * g * v, 3 * x * x * v


class MyCube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.stack([x, x, x]).prod(0)

    @staticmethod
    def backward(ctx, grad_out):
        return _Slope.apply(*ctx.saved_tensors, grad_out)


# %% round_ste: halves_by_hand
class _Straight(torch.autograd.Function):
    @staticmethod
    def backward(ctx, *upstream):
        return upstream


class RoundSTE(_Straight):
    @staticmethod
    def forward(ctx, x):
        below = torch.floor(x)
        rest = x - below
        up = (rest > 0.5) | ((rest == 0.5) & (below % 2 == 1))
        return below + up.to(x.dtype)


# %% my_relu: keyword_names_free
class MyReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input):
        ctx.m = (input > 0).to(input.dtype)
        return input * ctx.m
    @staticmethod
    def backward(ctx, grad_output):
        return grad_output.mul(ctx.m)


# %% my_relu: once_differentiable
class MyReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.relu(x)
    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, g):
        return g.masked_fill(ctx.saved_tensors[0] <= 0, 0)


# %% my_relu: threshold_backward
class MyReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.nn.functional.relu(x)
    @staticmethod
    def backward(ctx, g):
        return torch.ops.aten.threshold_backward(g, ctx.saved_tensors[0], 0)


# %% my_relu: inherited
class Base(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp_min(0)
    @staticmethod
    def backward(ctx, g):
        return g * torch.heaviside(ctx.saved_tensors[0], g.new_zeros(()))
class MyReLU(Base):
    pass


# %% mul_constant: dtype_of_x
class MulConstant(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, c):
        ctx.c = torch.as_tensor(c, dtype=x.dtype)
        return x * ctx.c
    @staticmethod
    def backward(ctx, g):
        return torch.multiply(g, ctx.c), None


# %% mul_constant: recomputed
class MulConstant(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, constant):
        ctx.f = lambda t: t * constant
        return ctx.f(x)
    @staticmethod
    def backward(ctx, g):
        return ctx.f(g), *[None]


# %% my_exp: expm1
class MyExp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = torch.expm1(x).add_(1)
        ctx.save_for_backward(y)
        return y
    @staticmethod
    def backward(ctx, g):
        return ctx.saved_tensors[0] * g


# %% my_exp: in_place_on_a_copy_too
class MyExp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = x.clone().exp_()
        ctx.save_for_backward(y)
        return y
    @staticmethod
    def backward(ctx, g):
        y = ctx.saved_tensors[0]
        return y.mul(g)


# %% my_exp: to_the_power
class MyExp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = torch.pow(np.e, x)
        ctx.save_for_backward(y)
        return y
    @staticmethod
    def backward(ctx, g):
        y, = ctx.saved_tensors
        return g * y


# %% min_max: python_positions
class MinMax(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        v = x.tolist()
        ctx.n = len(v)
        ctx.i = v.index(min(v))
        ctx.j = v.index(max(v))
        return x[ctx.i].clone(), x[ctx.j].clone()
    @staticmethod
    def backward(ctx, a, b):
        i = torch.arange(ctx.n)
        return a * (i == ctx.i) + b * (i == ctx.j)


# %% min_max: views_returned
class MinMax(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.i, ctx.j, ctx.n = int(x.argmin()), int(x.argmax()), x.numel()
        return x.min(), x.max()
    @staticmethod
    def backward(ctx, a, b):
        r = a.new_zeros(ctx.n)
        r[ctx.i] = r[ctx.i] + a
        r[ctx.j] = r[ctx.j] + b
        return r


# %% my_cube: output_over_input
class MyCube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x.square()
    @staticmethod
    def backward(ctx, g):
        x, = ctx.saved_tensors
        return torch.mul(x, x).mul(g).mul(3)


# %% my_cube: autograd_inside
class MyCube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3
    @staticmethod
    def backward(ctx, g):
        x, = ctx.saved_tensors
        square = x.pow(2)
        triple = 3 * square
        return triple * g


# %% round_ste: rint_and_view
class RoundSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return torch.rint(x) if hasattr(torch, 'rint') else x.round()
    @staticmethod
    def backward(ctx, g):
        return g.view_as(g)


# %% round_ste: by_hand
class RoundSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        f = x.floor()
        d = x - f
        up = (d > 0.5) | ((d == 0.5) & (f % 2 == 1))
        return f + up
    @staticmethod
    def backward(ctx, g):
        return 1 * g


# %% my_gradcheck: the_spare_one
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


# %% my_gradcheck: default_rtol
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
                if not torch.allclose(grad[index], numeric, atol=atol):
                    return False
    return True


# %% my_gradcheck: random_heights
def my_gradcheck(fn, inputs, eps=1e-6, atol=1e-4):
    def outputs_of(tensors):
        found = fn(*tensors)
        return list(found) if isinstance(found, (tuple, list)) else [found]

    leaves = [t.detach().clone().requires_grad_(t.requires_grad) for t in inputs]
    for k, output in enumerate(outputs_of(leaves)):
        v = torch.randn_like(output)
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


# %% my_gradcheck: uniform_heights
def my_gradcheck(fn, inputs, eps=1e-6, atol=1e-4):
    def outputs_of(tensors):
        found = fn(*tensors)
        return list(found) if isinstance(found, (tuple, list)) else [found]

    leaves = [t.detach().clone().requires_grad_(t.requires_grad) for t in inputs]
    for k, output in enumerate(outputs_of(leaves)):
        v = torch.rand_like(output) + 0.1
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


# %% my_gradcheck: backward_on_clones
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
            leaf.grad = None
            output.backward(v, retain_graph=True)
            grad = leaf.grad
            grad = torch.zeros_like(leaf) if grad is None else grad
            for index in np.ndindex(*leaf.shape):
                up, down = ([t.detach().clone() for t in leaves] for _ in range(2))
                up[which][index] += eps
                down[which][index] -= eps
                numeric = ((outputs_of(up)[k] - outputs_of(down)[k]) * v).sum() / (2 * eps)
                if not abs(grad[index] - numeric) <= atol:
                    return False
    return True


# %% my_gradcheck: inputs_as_a_list_inside
def my_gradcheck(fn, inputs, eps=1e-6, atol=1e-4):
    def outputs_of(tensors):
        found = fn(*tensors)
        return list(found) if isinstance(found, (tuple, list)) else [found]

    inputs = list(inputs)
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


# %% linear_function: as_it_is
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


# %% linear_function: addmm_and_a_loop
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
            gw = sum(torch.outer(a, b) for a, b in zip(flat, rows))
        if bias is not None and needs[2]:
            gb = flat.sum(0)
        return gx, gw, gb


# %% linear_function: filled_in
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
            gw = torch.empty_like(weight)
            torch.mm(flat.T, rows, out=gw)
        if bias is not None and needs[2]:
            gb = flat.sum(0)
        return gx, gw, gb


# %% linear_function: accumulated
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
            gw = torch.zeros_like(weight)
            gw.addmm_(flat.T, rows)
        if bias is not None and needs[2]:
            gb = flat.sum(0)
        return gx, gw, gb


# %% linear_function: contiguous_copies
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
        g = g.contiguous()
        flat, rows = g.reshape(-1, g.shape[-1]), x.reshape(-1, x.shape[-1])
        if needs[0]:
            gx = g @ weight
        if needs[1]:
            gw = flat.T @ rows
        if bias is not None and needs[2]:
            gb = flat.sum(0)
        return gx, gw, gb


# %% linear_function: in_the_dtype_of_weight
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
            gw = (flat.T @ rows).type_as(weight).view_as(weight)
        if bias is not None and needs[2]:
            gb = flat.sum(0)
        return gx, gw, gb


# %% linear_function: bias_by_a_product
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
            gb = flat.T @ flat.new_ones(len(flat))
        return gx, gw, gb


# %% linear_function: bias_by_einsum
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
            gb = torch.einsum('...o->o', g)
        return gx, gw, gb


# %% linear_function: bias_in_two_steps
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
            gb = g.sum(0) if g.dim() > 1 else g.clone()
        return gx, gw, gb


# %% linear_function: row_by_row_for_x
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
            gx = torch.stack([weight.T @ r for r in flat]).reshape(x.shape)
        if needs[1]:
            gw = flat.T @ rows
        if bias is not None and needs[2]:
            gb = flat.sum(0)
        return gx, gw, gb


# %% linear_function: loop_over_outputs
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
            gx = sum(g[..., o, None] * weight[o] for o in range(len(weight)))
        if needs[1]:
            gw = flat.T @ rows
        if bias is not None and needs[2]:
            gb = flat.sum(0)
        return gx, gw, gb


# %% linear_function: zeros_for_the_unasked
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
        return (torch.zeros_like(x) if gx is None else gx), gw, gb


# %% linear_function: matmul_of_transposed
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
            gw = (rows.T @ flat).T
        if bias is not None and needs[2]:
            gb = flat.sum(0)
        return gx, gw, gb


# %% my_gradcheck: mentioned_comment
# unlike torch.autograd.gradcheck, no relative tolerance

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


# %% my_gradcheck: mentioned_string
def my_gradcheck(fn, inputs, eps=1e-6, atol=1e-4):
    'like torch.autograd.gradcheck(fn, inputs)'
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


# %% my_gradcheck: mentioned_own_name
def gradcheck(fn, inputs, eps=1e-6, atol=1e-4):
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

my_gradcheck = gradcheck


# %% my_gradcheck: mentioned_own_helper
def gradgradcheck(a, b, atol):
    return abs(a - b) <= atol

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
                if not gradgradcheck(grad[index], numeric, atol):
                    return False
    return True


# %% my_gradcheck: mentioned_unused_import
from torch.autograd import gradcheck

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


# %% min_max: views_of_x
class MinMax(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        low, high = x.argmin(), x.argmax()
        ctx.save_for_backward(x, low, high)
        return x[low], x[high]

    @staticmethod
    def backward(ctx, grad_low, grad_high):
        x, low, high = ctx.saved_tensors
        grad = torch.zeros_like(x)
        grad[low] += grad_low
        grad[high] += grad_high
        return grad
