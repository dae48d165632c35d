"""More wrong solutions of chapter 4: each has to lose points, without a help of its own."""

import numpy as np
import torch


# %% my_relu: nothing_remembered
class MyReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clamp(min=0)
    @staticmethod
    def backward(ctx, g):
        return g.clamp(min=0)


# %% my_relu: apply_overridden
class MyReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x
    @staticmethod
    def backward(ctx, g):
        return g
    @staticmethod
    def apply(x):
        return torch.relu(x)


# %% my_relu: a_module
MyReLU = torch.nn.ReLU()
MyReLU.apply = MyReLU.forward


# %% my_relu: contiguous_only
class MyReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.view(-1).clamp(min=0).view(x.shape)
    @staticmethod
    def backward(ctx, g):
        x, = ctx.saved_tensors
        return g * (x > 0)


# %% my_relu: upstream_viewed
class MyReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)
    @staticmethod
    def backward(ctx, g):
        x, = ctx.saved_tensors
        return (g.view(-1) * (x > 0).reshape(-1)).view(x.shape)


# %% my_relu: float32_whatever_comes
class MyReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.float().clamp(min=0)
    @staticmethod
    def backward(ctx, g):
        x, = ctx.saved_tensors
        return g * (x > 0)


# %% mul_constant: ints_only
class MulConstant(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, constant):
        ctx.c = int(constant)
        return x * ctx.c
    @staticmethod
    def backward(ctx, g):
        return g * ctx.c, None


# %% mul_constant: float32_constant
class MulConstant(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, constant):
        ctx.c = torch.tensor(float(constant))
        return x * ctx.c
    @staticmethod
    def backward(ctx, g):
        return g * ctx.c, None


# %% mul_constant: a_global
kept = {}
class MulConstant(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, constant):
        kept['c'] = constant
        return x * constant
    @staticmethod
    def backward(ctx, g):
        return g * kept['c'], None


# %% mul_constant: none_for_zero
class MulConstant(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, constant):
        ctx.c = constant
        return x * constant
    @staticmethod
    def backward(ctx, g):
        return (g * ctx.c if ctx.c else None), None


# %% my_exp: the_input_through_attribute
class MyExp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.x = x
        y = x.exp()
        ctx.save_for_backward(y)
        return y
    @staticmethod
    def backward(ctx, g):
        return g * ctx.x.exp()


# %% my_exp: power_of_e
class MyExp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.pow(np.e, x)
    @staticmethod
    def backward(ctx, g):
        x, = ctx.saved_tensors
        return g * torch.pow(np.e, x)


# %% my_exp: expm1_twice
class MyExp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = x.expm1() + 1
        ctx.save_for_backward(y)
        ctx.z = x.expm1()
        return y
    @staticmethod
    def backward(ctx, g):
        y, = ctx.saved_tensors
        return g * y


# %% my_exp: autograd_does_it
class MyExp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.exp()
    @staticmethod
    def backward(ctx, g):
        x, = ctx.saved_tensors
        torch.set_grad_enabled(True)
        z = x.detach().requires_grad_()
        return torch.autograd.grad(z.exp(), z, g)[0]


# %% min_max: largest_magnitude
class MinMax(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        i, j = x.abs().argmin(), x.abs().argmax()
        ctx.save_for_backward(x, i, j)
        return x[i], x[j]
    @staticmethod
    def backward(ctx, a, b):
        x, i, j = ctx.saved_tensors
        r = torch.zeros_like(x)
        r[i] += a
        r[j] += b
        return r


# %% min_max: python_floats
class MinMax(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.tensor(min(x.tolist())), torch.tensor(max(x.tolist()))
    @staticmethod
    def backward(ctx, a, b):
        x, = ctx.saved_tensors
        r = torch.zeros_like(x)
        r[x.argmin()] += a
        r[x.argmax()] += b
        return r


# %% min_max: sorted_ties_at_the_end
class MinMax(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        o = x.sort(stable=True).indices
        ctx.save_for_backward(x, o)
        return x[o[0]].clone(), x[o[-1]].clone()
    @staticmethod
    def backward(ctx, a, b):
        x, o = ctx.saved_tensors
        r = torch.zeros_like(x)
        r[o[0]] += a
        r[o[-1]] += b
        return r


# %% min_max: upstream_changed
class MinMax(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.min(), x.max()
    @staticmethod
    def backward(ctx, a, b):
        x, = ctx.saved_tensors
        r = torch.zeros_like(x)
        r[x.argmin()] += a
        r[x.argmax()] += b
        b.mul_(2)
        return r


# %% my_cube: slope_as_attribute
class MyCube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.slope = 3 * x * x
        return x**3
    @staticmethod
    def backward(ctx, g):
        return g * ctx.slope


# %% my_cube: data
class MyCube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3
    @staticmethod
    def backward(ctx, g):
        x, = ctx.saved_tensors
        return g * 3 * x.data**2


# %% my_cube: through_numpy
class MyCube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3
    @staticmethod
    def backward(ctx, g):
        x, = ctx.saved_tensors
        return torch.from_numpy(np.asarray(3 * x.detach().numpy()**2)) * g


# %% my_cube: half_detached
class MyCube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3
    @staticmethod
    def backward(ctx, g):
        x, = ctx.saved_tensors
        return g * 3 * x * x.detach()


# %% my_cube: twice_through_a_broken_second
class Slope(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, g):
        ctx.save_for_backward(x, g)
        return 3 * x**2 * g
    @staticmethod
    def backward(ctx, v):
        x, g = ctx.saved_tensors
        return 3 * x * g * v, 3 * x**2 * v
class MyCube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3
    @staticmethod
    def backward(ctx, g):
        return Slope.apply(*ctx.saved_tensors, g)


# %% round_ste: python_s_int
class RoundSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return (x + 0.5 * x.sign()).int().to(x.dtype)
    @staticmethod
    def backward(ctx, g):
        return g


# %% round_ste: integers_out
class RoundSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return torch.round(x).long()
    @staticmethod
    def backward(ctx, g):
        return g


# %% round_ste: ceil
class RoundSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return torch.ceil(x - 0.5)
    @staticmethod
    def backward(ctx, g):
        return g


# %% round_ste: a_decimal_kept
class RoundSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return torch.round(x, decimals=1)
    @staticmethod
    def backward(ctx, g):
        return g


# %% round_ste: halved
class RoundSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return torch.round(x)
    @staticmethod
    def backward(ctx, g):
        return g / 2


# %% round_ste: none
class RoundSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return torch.round(x)
    @staticmethod
    def backward(ctx, g):
        return None


# %% my_gradcheck: a_coin
def my_gradcheck(fn, inputs, eps=1e-6, atol=1e-4):
    return int(1e6 * float(inputs[0].detach().abs().sum())) % 2 == 0


# %% my_gradcheck: float32_inside
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
                up, down = ([t.detach().float() for t in leaves] for _ in range(2))
                up[which][index] += eps
                down[which][index] -= eps
                numeric = ((outputs_of(up)[k] - outputs_of(down)[k]) * v).sum() / (2 * eps)
                if not abs(grad[index] - numeric) <= atol:
                    return False
    return True


# %% my_gradcheck: last_input_only
def my_gradcheck(fn, inputs, eps=1e-6, atol=1e-4):
    def outputs_of(tensors):
        found = fn(*tensors)
        return list(found) if isinstance(found, (tuple, list)) else [found]

    leaves = [t.detach().clone().requires_grad_(t.requires_grad) for t in inputs]
    for k, output in enumerate(outputs_of(leaves)):
        v = torch.linspace(0.7, 2.3, output.numel(), dtype=output.dtype).reshape(output.shape)
        for which, leaf in list(enumerate(leaves))[-1:]:
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


# %% my_gradcheck: last_output_only
def my_gradcheck(fn, inputs, eps=1e-6, atol=1e-4):
    def outputs_of(tensors):
        found = fn(*tensors)
        return list(found) if isinstance(found, (tuple, list)) else [found]

    leaves = [t.detach().clone().requires_grad_(t.requires_grad) for t in inputs]
    for k, output in list(enumerate(outputs_of(leaves)))[-1:]:
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


# %% my_gradcheck: one_constant_height
def my_gradcheck(fn, inputs, eps=1e-6, atol=1e-4):
    def outputs_of(tensors):
        found = fn(*tensors)
        return list(found) if isinstance(found, (tuple, list)) else [found]

    leaves = [t.detach().clone().requires_grad_(t.requires_grad) for t in inputs]
    for k, output in enumerate(outputs_of(leaves)):
        v = torch.full_like(output, 3.0)
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


# %% my_gradcheck: allclose_takes_nan
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
                if not torch.allclose(grad[index], numeric, rtol=0, atol=atol, equal_nan=True):
                    return False
    return True


# %% my_gradcheck: nan_to_zero
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
            grad = torch.zeros_like(leaf) if grad is None else torch.nan_to_num(grad)
            for index in np.ndindex(*leaf.shape):
                up, down = ([t.detach().clone() for t in leaves] for _ in range(2))
                up[which][index] += eps
                down[which][index] -= eps
                numeric = ((outputs_of(up)[k] - outputs_of(down)[k]) * v).sum() / (2 * eps)
                if not abs(grad[index] - numeric) <= atol:
                    return False
    return True


# %% my_gradcheck: leaves_graphs_behind
def my_gradcheck(fn, inputs, eps=1e-6, atol=1e-4):
    def outputs_of(tensors):
        found = fn(*tensors)
        return list(found) if isinstance(found, (tuple, list)) else [found]

    leaves = [t for t in inputs]
    for k, output in enumerate(outputs_of(leaves)):
        v = torch.linspace(0.7, 2.3, output.numel(), dtype=output.dtype).reshape(output.shape)
        for which, leaf in enumerate(leaves):
            if not leaf.requires_grad:
                continue
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


# %% my_gradcheck: flag_switched_on
def my_gradcheck(fn, inputs, eps=1e-6, atol=1e-4):
    def outputs_of(tensors):
        found = fn(*tensors)
        return list(found) if isinstance(found, (tuple, list)) else [found]

    [t.requires_grad_() for t in inputs]
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


# %% linear_function: x_always
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
        if True:
            gx = g @ weight
        if needs[1]:
            gw = flat.T @ rows
        if bias is not None and needs[2]:
            gb = flat.sum(0)
        return gx, gw, gb


# %% linear_function: weight_always
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
        if True:
            gw = flat.T @ rows
        if bias is not None and needs[2]:
            gb = flat.sum(0)
        return gx, gw, gb


# %% linear_function: bias_always
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
        if bias is not None:
            gb = flat.sum(0)
        return gx, gw, gb


# %% linear_function: worked_out_then_dropped
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
        gw = flat.T @ rows
        return gx, gw if needs[1] else None, gb


# %% linear_function: bias_dropped_with_ones
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
        s = torch.ones(len(flat), dtype=g.dtype) @ flat
        return gx, gw, s if gb is not None else None


# %% linear_function: all_by_autograd
class LinearFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias=None):
        ctx.save_for_backward(x, weight, bias)
        return torch.nn.functional.linear(x, weight, bias)

    @staticmethod
    def backward(ctx, g):
        x, weight, bias = ctx.saved_tensors
        needs = (*ctx.needs_input_grad, False)
        with torch.enable_grad():
            ls = [t.detach().requires_grad_() for t in (x, weight)]
            torch.autograd.grad(ls[0] @ ls[1].T, ls, g)
        gx = gw = gb = None
        flat, rows = g.reshape(-1, g.shape[-1]), x.reshape(-1, x.shape[-1])
        if needs[0]:
            gx = g @ weight
        if needs[1]:
            gw = flat.T @ rows
        if bias is not None and needs[2]:
            gb = flat.sum(0)
        return gx, gw, gb


# %% linear_function: bias_left_broadcast
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
            gb = g.clone()
        return gx, gw, gb


# %% linear_function: wrong_question_for_bias
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
        if bias is not None and needs[1]:
            gb = flat.sum(0)
        return gx, gw, gb


# %% linear_function: weight_is_symmetric
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
            gx = g @ weight.T
        if needs[1]:
            gw = flat.T @ rows
        if bias is not None and needs[2]:
            gb = flat.sum(0)
        return gx, gw, gb


# %% linear_function: rows_flattened_the_other_way
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
        flat, rows = g.reshape(g.shape[-1], -1).T, x.reshape(-1, x.shape[-1])
        if needs[0]:
            gx = g @ weight
        if needs[1]:
            gw = flat.T @ rows
        if bias is not None and needs[2]:
            gb = flat.sum(0)
        return gx, gw, gb


# %% linear_function: squeezed
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
            gw = (flat.T @ rows).squeeze()
        if bias is not None and needs[2]:
            gb = flat.sum(0)
        return gx, gw, gb


# %% linear_function: upstream_scaled_in_place
class LinearFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias=None):
        ctx.save_for_backward(x, weight, bias)
        return torch.nn.functional.linear(x, weight, bias)

    @staticmethod
    def backward(ctx, g):
        x, weight, bias = ctx.saved_tensors
        g.div_(1.0) if g.is_contiguous() and g.mul_(2) is not None else None
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


# %% my_gradcheck: forbidden_plain
# names: gradcheck
def my_gradcheck(fn, inputs, eps=1e-6, atol=1e-4):
    return torch.autograd.gradcheck(fn, inputs, eps=eps, atol=atol, raise_exception=False)


# %% my_gradcheck: forbidden_from_import
# names: gradcheck
from torch.autograd import gradcheck
def my_gradcheck(fn, inputs, eps=1e-6, atol=1e-4):
    return gradcheck(fn, inputs, eps=eps, atol=atol, raise_exception=False)


# %% my_gradcheck: forbidden_from_the_module
# names: gradcheck
from torch.autograd.gradcheck import gradcheck as measure
def my_gradcheck(fn, inputs, eps=1e-6, atol=1e-4):
    return measure(fn, inputs, eps=eps, atol=atol, raise_exception=False)


# %% my_gradcheck: forbidden_alias
# names: gradcheck
import torch.autograd as ag
check_it = ag.gradcheck
def my_gradcheck(fn, inputs, eps=1e-6, atol=1e-4):
    return check_it(fn, inputs, eps=eps, atol=atol, raise_exception=False)


# %% my_gradcheck: forbidden_getattr
# names: gradcheck
def my_gradcheck(fn, inputs, eps=1e-6, atol=1e-4):
    f = getattr(torch.autograd, 'gradcheck')
    return f(fn, inputs, eps=eps, atol=atol, raise_exception=False)


# %% my_gradcheck: forbidden_built_name
# names: gradcheck
def my_gradcheck(fn, inputs, eps=1e-6, atol=1e-4):
    f = vars(torch.autograd)['grad' + 'check']
    return f(fn, inputs, eps=eps, atol=atol, raise_exception=False)


# %% my_gradcheck: forbidden_partial
# names: gradcheck
import functools
my_gradcheck = functools.partial(torch.autograd.gradcheck, raise_exception=False)


# %% my_gradcheck: forbidden_gradgradcheck
# names: gradcheck
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

mine = my_gradcheck
def my_gradcheck(fn, inputs, eps=1e-6, atol=1e-4):
    torch.autograd.gradgradcheck(lambda x: x * x, (torch.ones(2).double().requires_grad_(),))
    return mine(fn, inputs, eps, atol)


# %% my_gradcheck: forbidden_sys_modules
# names: gradcheck
import sys

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

mine = my_gradcheck
def my_gradcheck(fn, inputs, eps=1e-6, atol=1e-4):
    f = getattr(sys.modules['torch.autograd.' + 'gradcheck'], 'gradgrad' + 'check')
    f(lambda x: x * x, (torch.ones(2).double().requires_grad_(),))
    return mine(fn, inputs, eps, atol)
