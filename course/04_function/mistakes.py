"""Named mistakes of chapter 4: wrong solutions that the checks must reject, each with its own help."""

import numpy as np
import torch


# %% my_relu: mask_from_gradient
# help: Your mask is taken from the gradient that comes from above. Whether it passes depends on the forward
#  input: save x and ask that.
class MyReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out * (grad_out > 0)


# %% my_relu: no_mask
# help: The whole gradient goes through. Where x was negative the output did not move, so nothing may pass
#  there.
class MyReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out


# %% my_relu: upstream_ignored
# help: You return the slope, 0 or 1, and lose the gradient from above. The chain rule multiplies the two.
class MyReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, grad_out):
        (x,) = ctx.saved_tensors
        return (x > 0).to(grad_out.dtype)


# %% my_relu: passes_at_zero
# help: At x == 0 your gradient passes. Here it is fixed to 0 there: > and not >=.
class MyReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, grad_out):
        (x,) = ctx.saved_tensors
        return grad_out * (x >= 0)


# %% my_relu: upstream_in_place
# help: You write zeros into the upstream gradient itself. The engine, or whoever sent it, may still need
#  it: work on a new tensor.
class MyReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, grad_out):
        (x,) = ctx.saved_tensors
        grad_out[x <= 0] = 0
        return grad_out


# %% my_relu: input_in_place
# help: Your forward writes into x. The tensor belongs to the caller: the methods of torch that end in an
#  underscore change it.
class MyReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        x.clamp_(min=0)
        ctx.save_for_backward(x)
        return x.clone()

    @staticmethod
    def backward(ctx, grad_out):
        (x,) = ctx.saved_tensors
        return grad_out * (x > 0)


# %% my_relu: remembered_on_class
# help: The input is remembered on the class, and the class is shared: the second run overwrites what the
#  first one kept. Each run has its own ctx.
class MyReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        MyReLU.x = x
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out * (MyReLU.x > 0)


# %% my_relu: not_a_function
# help: This apply only calls torch's own ReLU, so it is torch's backward that runs. Subclass
#  torch.autograd.Function and write forward and backward.
class MyReLU:
    @staticmethod
    def forward(x):
        return x.clamp(min=0) * (x > 0)

    @staticmethod
    def backward(grad_out):
        return grad_out

    apply = forward


# %% my_relu: not_static
# help: It computes the right thing, but forward and backward are not static methods. They get a ctx instead
#  of a self: put @staticmethod above each.
class MyReLU(torch.autograd.Function):
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    def backward(ctx, grad_out):
        (x,) = ctx.saved_tensors
        return grad_out * (x > 0)


# %% my_relu: absolute_value
# help: Negative entries come out positive: that is the absolute value. They should come out 0.
class MyReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.abs()

    @staticmethod
    def backward(ctx, grad_out):
        (x,) = ctx.saved_tensors
        return grad_out * x.sign()


# %% my_relu: multiplied_by_input
# help: You multiply the gradient by relu(x). It is multiplied by the slope, which is 1 wherever x is
#  positive.
class MyReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, grad_out):
        (x,) = ctx.saved_tensors
        return grad_out * x.clamp(min=0)


# %% my_relu: used_up
# help: The first backward works and the second one finds nothing: what was kept on ctx is taken away on
#  first use. Read it, do not pop it.
class MyReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.kept = [x]
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out * (ctx.kept.pop() > 0)


# %% my_relu: leaky
# help: A little gets through where x is negative: that is the leaky ReLU. Here it is exactly 0, both ways.
class MyReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.where(x > 0, x, 0.01 * x)

    @staticmethod
    def backward(ctx, grad_out):
        (x,) = ctx.saved_tensors
        return torch.where(x > 0, grad_out, 0.01 * grad_out)


# %% my_relu: backward_in_float32
# help: For float64 your gradient has seven right digits only: somewhere in backward you go through float32.
class MyReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, grad_out):
        (x,) = ctx.saved_tensors
        return grad_out.float() * (x > 0).float()


# %% my_relu: half_at_zero
# help: At x == 0 half of the gradient passes. Here it is fixed to 0 there.
class MyReLU(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0)

    @staticmethod
    def backward(ctx, grad_out):
        (x,) = ctx.saved_tensors
        return grad_out * (torch.sign(x) + 1) / 2


# %% mul_constant: one_gradient
# help: forward has two arguments after ctx, and your backward returns one value. One for each: a number has
#  no gradient, and None says so.
class MulConstant(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, constant):
        ctx.constant = constant
        return x * constant

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out * ctx.constant


# %% mul_constant: upstream_ignored
# help: Your gradient is the constant itself, whatever comes from above. Multiply the two.
class MulConstant(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, constant):
        ctx.constant = constant
        return x * constant

    @staticmethod
    def backward(ctx, grad_out):
        return torch.full_like(grad_out, ctx.constant), None


# %% mul_constant: constant_forgotten_backward
# help: The gradient comes back as it went in. If x moves by 1, the output moves by the constant: the
#  gradient has that factor too.
class MulConstant(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, constant):
        ctx.constant = constant
        return x * constant

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out, None


# %% mul_constant: constant_on_class
# help: The constant is kept on the class, and the second run overwrites it: the first run's backward then
#  uses the wrong number. Keep it on ctx.
class MulConstant(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, constant):
        MulConstant.constant = constant
        return x * constant

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out * MulConstant.constant, None


# %% mul_constant: number_saved_as_tensor
# help: save_for_backward takes tensors, and the constant is a Python number. Any attribute of ctx will hold
#  it.
class MulConstant(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, constant):
        ctx.save_for_backward(constant)
        return x * constant

    @staticmethod
    def backward(ctx, grad_out):
        (constant,) = ctx.saved_tensors
        return grad_out * constant, None


# %% mul_constant: constant_in_float32
# help: In float64 the gradient is right to seven digits only: torch.tensor(a number) makes a float32. A
#  plain number on ctx keeps all its digits.
class MulConstant(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, constant):
        ctx.save_for_backward(torch.tensor(float(constant)))
        return x * constant

    @staticmethod
    def backward(ctx, grad_out):
        (constant,) = ctx.saved_tensors
        return grad_out * constant, None


# %% mul_constant: gradient_for_the_number
# help: A gradient stands in the constant's place. The answers follow the arguments of forward: x first,
#  then the constant, which is a plain number and gets None.
class MulConstant(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, constant):
        ctx.save_for_backward(x)
        ctx.constant = constant
        return x * constant

    @staticmethod
    def backward(ctx, grad_out):
        (x,) = ctx.saved_tensors
        return grad_out * ctx.constant, (grad_out * x).sum()


# %% mul_constant: upstream_in_place
# help: mul_ multiplies the upstream gradient in place. It is an input like any other: make a new tensor.
class MulConstant(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, constant):
        ctx.constant = constant
        return x * constant

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out.clone().mul_(ctx.constant) if grad_out.stride() == (0,) else grad_out.mul_(
            ctx.constant
        ), None


# %% mul_constant: input_in_place
# help: Your forward multiplies x itself, and the caller's tensor has changed. x * constant makes a new one.
class MulConstant(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, constant):
        ctx.constant = constant
        x.mul_(constant)
        return x.clone()

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out * ctx.constant, None


# %% mul_constant: divided
# help: You divide the gradient by the constant. Forward multiplies, and so does backward: a slope is not an
#  inverse.
class MulConstant(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, constant):
        ctx.constant = constant
        return x * constant

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out / ctx.constant, None


# %% mul_constant: added
# help: You add the constant. The exercise multiplies by it.
class MulConstant(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, constant):
        return x + constant

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out, None


# %% linear_function: weight_not_transposed
# help: weight is (out, in) here, so x @ weight does not fit: turn the weight round. (In chapter 1 it was
#  stored the other way.)
class LinearFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias=None):
        ctx.save_for_backward(x, weight)
        y = x @ weight
        return y if bias is None else y + bias

    @staticmethod
    def backward(ctx, grad_out):
        x, weight = ctx.saved_tensors
        grad_x = grad_weight = grad_bias = None
        rows = grad_out.reshape(-1, grad_out.shape[-1])
        if ctx.needs_input_grad[0]:
            grad_x = grad_out @ weight.T
        if ctx.needs_input_grad[1]:
            grad_weight = x.reshape(-1, x.shape[-1]).T @ rows
        if any(ctx.needs_input_grad[2:]):
            grad_bias = rows.sum(0)
        return grad_x, grad_weight, grad_bias


# %% linear_function: weight_gradient_transposed
# help: grad_weight comes out as (in, out). It has the shape of weight, (out, in): upstream stands on the
#  left of the product, turned round.
class LinearFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias=None):
        ctx.save_for_backward(x, weight)
        y = x @ weight.T
        return y if bias is None else y + bias

    @staticmethod
    def backward(ctx, grad_out):
        x, weight = ctx.saved_tensors
        grad_x = grad_weight = grad_bias = None
        rows = grad_out.reshape(-1, grad_out.shape[-1])
        if ctx.needs_input_grad[0]:
            grad_x = grad_out @ weight
        if ctx.needs_input_grad[1]:
            grad_weight = x.reshape(-1, x.shape[-1]).T @ rows
        if any(ctx.needs_input_grad[2:]):
            grad_bias = rows.sum(0)
        return grad_x, grad_weight, grad_bias


# %% linear_function: needs_ignored
# help: The values are right, but every gradient is worked out on every call. Ask ctx.needs_input_grad first
#  and leave out the work, not just the result.
class LinearFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias=None):
        ctx.save_for_backward(x, weight)
        ctx.has_bias = bias is not None
        y = x @ weight.T
        return y if bias is None else y + bias

    @staticmethod
    def backward(ctx, grad_out):
        x, weight = ctx.saved_tensors
        rows = grad_out.reshape(-1, grad_out.shape[-1])
        grad_weight = rows.T @ x.reshape(-1, x.shape[-1])
        return (
            grad_out @ weight,
            grad_weight,
            rows.sum(0)
            if len(ctx.needs_input_grad) == 3 and ctx.needs_input_grad[2] is not None and ctx.has_bias
            else None,
        )


# %% linear_function: bias_always_summed
# help: grad_bias is worked out even where nobody asked for it: only the first two questions are guarded.
#  The third one needs an if as well.
class LinearFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias=None):
        ctx.has_bias = bias is not None
        ctx.save_for_backward(x, weight)
        y = x @ weight.T
        return y if bias is None else y + bias

    @staticmethod
    def backward(ctx, grad_out):
        x, weight = ctx.saved_tensors
        grad_x = grad_weight = grad_bias = None
        rows = grad_out.reshape(-1, grad_out.shape[-1])
        if ctx.needs_input_grad[0]:
            grad_x = grad_out @ weight
        if ctx.needs_input_grad[1]:
            grad_weight = rows.T @ x.reshape(-1, x.shape[-1])
        if ctx.has_bias:
            grad_bias = rows.sum(0)
        return grad_x, grad_weight, grad_bias


# %% linear_function: worked_out_and_thrown_away
# help: The values are right, but every gradient is worked out on every call. Ask ctx.needs_input_grad first
#  and leave out the work, not just the result.
class LinearFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias=None):
        ctx.save_for_backward(x, weight)
        out = x @ weight.T
        return out if bias is None else out + bias

    @staticmethod
    def backward(ctx, grad_out):
        x, weight = ctx.saved_tensors
        wanted = [*ctx.needs_input_grad, False][:3]
        rows, ins = grad_out.reshape(-1, weight.shape[0]), x.reshape(-1, weight.shape[1])
        grad_x, grad_weight, grad_bias = grad_out @ weight, rows.T @ ins, rows.sum(0)
        grad_x = grad_x if wanted[0] else None
        grad_weight = grad_weight if wanted[1] else None
        grad_bias = grad_bias if wanted[2] else None
        return (grad_x, grad_weight, grad_bias)[: len(ctx.needs_input_grad)]


# %% linear_function: weight_always_worked_out
# help: The gradient of weight is worked out even where nobody asked for it. A frozen layer has no use for it.
class LinearFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias=None):
        ctx.save_for_backward(x, weight)
        out = x @ weight.T
        return out if bias is None else out + bias

    @staticmethod
    def backward(ctx, grad_out):
        x, weight = ctx.saved_tensors
        wanted = [*ctx.needs_input_grad, False][:3]
        rows, ins = grad_out.reshape(-1, weight.shape[0]), x.reshape(-1, weight.shape[1])
        grad_x = grad_out @ weight if wanted[0] else None
        grad_weight = rows.T @ ins
        grad_bias = rows.sum(0) if wanted[2] else None
        return (grad_x, grad_weight, grad_bias)[: len(ctx.needs_input_grad)]


# %% linear_function: x_always_worked_out
# help: The gradient of x is worked out even where nobody asked for it, as for the data of a first layer: a whole product
#   for nothing.
class LinearFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias=None):
        ctx.save_for_backward(x, weight)
        out = x @ weight.T
        return out if bias is None else out + bias

    @staticmethod
    def backward(ctx, grad_out):
        x, weight = ctx.saved_tensors
        wanted = [*ctx.needs_input_grad, False][:3]
        rows, ins = grad_out.reshape(-1, weight.shape[0]), x.reshape(-1, weight.shape[1])
        grad_x = grad_out @ weight
        grad_weight = rows.T @ ins if wanted[1] else None
        grad_bias = rows.sum(0) if wanted[2] else None
        return (grad_x, grad_weight, grad_bias)[: len(ctx.needs_input_grad)]


# %% linear_function: no_axes_to_flatten
# help: flatten(0, -2) needs at least two axes. A single example, (in,), has one: reshape(-1, size) takes any number.
class LinearFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias=None):
        ctx.save_for_backward(x, weight)
        out = x @ weight.T
        return out if bias is None else out + bias

    @staticmethod
    def backward(ctx, grad_out):
        x, weight = ctx.saved_tensors
        wanted = [*ctx.needs_input_grad, False][:3]
        rows, ins = grad_out.reshape(-1, weight.shape[0]), x.reshape(-1, weight.shape[1])
        grad_x = grad_out @ weight if wanted[0] else None
        grad_weight = grad_out.flatten(0, -2).T @ x.flatten(0, -2) if wanted[1] else None
        grad_bias = rows.sum(0) if wanted[2] else None
        return (grad_x, grad_weight, grad_bias)[: len(ctx.needs_input_grad)]


# %% linear_function: bias_over_the_first_axis
# help: You add up over the first axis only. With more leading axes some are left, and with none you add up the outputs.
class LinearFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias=None):
        ctx.save_for_backward(x, weight)
        out = x @ weight.T
        return out if bias is None else out + bias

    @staticmethod
    def backward(ctx, grad_out):
        x, weight = ctx.saved_tensors
        wanted = [*ctx.needs_input_grad, False][:3]
        rows, ins = grad_out.reshape(-1, weight.shape[0]), x.reshape(-1, weight.shape[1])
        grad_x = grad_out @ weight if wanted[0] else None
        grad_weight = rows.T @ ins if wanted[1] else None
        grad_bias = grad_out.sum(0) if wanted[2] else None
        return (grad_x, grad_weight, grad_bias)[: len(ctx.needs_input_grad)]


# %% linear_function: third_answer_of_two
# help: ctx.needs_input_grad has one entry for each argument that apply got. Without a bias there are two,
#  and looking at the third raises IndexError.
class LinearFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias=None):
        ctx.save_for_backward(x, weight)
        y = x @ weight.T
        return y if bias is None else y + bias

    @staticmethod
    def backward(ctx, grad_out):
        x, weight = ctx.saved_tensors
        grad_x = grad_weight = grad_bias = None
        rows = grad_out.reshape(-1, grad_out.shape[-1])
        if ctx.needs_input_grad[0]:
            grad_x = grad_out @ weight
        if ctx.needs_input_grad[1]:
            grad_weight = rows.T @ x.reshape(-1, x.shape[-1])
        if ctx.needs_input_grad[2]:
            grad_bias = rows.sum(0)
        return grad_x, grad_weight, grad_bias


# %% linear_function: two_axes_only
# help: Your code knows two axes only. x may have one, or three, or more: mm, t() and a sum over axis 0 mean
#  something else there, or nothing at all. Lay the leading axes flat first.
class LinearFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias=None):
        ctx.save_for_backward(x, weight)
        y = x @ weight.T
        return y if bias is None else y + bias

    @staticmethod
    def backward(ctx, grad_out):
        x, weight = ctx.saved_tensors
        grad_x = grad_weight = grad_bias = None
        if ctx.needs_input_grad[0]:
            grad_x = grad_out @ weight
        if ctx.needs_input_grad[1]:
            grad_weight = grad_out.t() @ x
        if any(ctx.needs_input_grad[2:]):
            grad_bias = grad_out.sum(0)
        return grad_x, grad_weight, grad_bias


# %% linear_function: the_old_documentation
# help: Your code knows two axes only. x may have one, or three, or more: mm, t() and a sum over axis 0 mean
#  something else there, or nothing at all. Lay the leading axes flat first.
class LinearFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, input, weight, bias=None):
        ctx.save_for_backward(input, weight, bias)
        output = input.mm(weight.t())
        if bias is not None:
            output += bias.unsqueeze(0).expand_as(output)
        return output

    @staticmethod
    def backward(ctx, grad_output):
        input, weight, bias = ctx.saved_tensors
        grad_input = grad_weight = grad_bias = None
        if ctx.needs_input_grad[0]:
            grad_input = grad_output.mm(weight)
        if ctx.needs_input_grad[1]:
            grad_weight = grad_output.t().mm(input)
        if bias is not None and ctx.needs_input_grad[2]:
            grad_bias = grad_output.sum(0)
        return grad_input, grad_weight, grad_bias


# %% linear_function: view_of_upstream
# help: view refuses a tensor whose memory does not allow it, and an upstream gradient may come through a
#  transpose. reshape copies where it must.
class LinearFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias=None):
        ctx.save_for_backward(x, weight)
        y = x @ weight.T
        return y if bias is None else y + bias

    @staticmethod
    def backward(ctx, grad_out):
        x, weight = ctx.saved_tensors
        grad_x = grad_weight = grad_bias = None
        rows = grad_out.view(-1, grad_out.shape[-1])
        if ctx.needs_input_grad[0]:
            grad_x = grad_out @ weight
        if ctx.needs_input_grad[1]:
            grad_weight = rows.T @ x.reshape(-1, x.shape[-1])
        if any(ctx.needs_input_grad[2:]):
            grad_bias = rows.sum(0)
        return grad_x, grad_weight, grad_bias


# %% linear_function: upstream_ignored
# help: Your gradients are those of the plain sum of all outputs: what comes from above is not in them.
class LinearFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias=None):
        ctx.save_for_backward(x, weight)
        y = x @ weight.T
        return y if bias is None else y + bias

    @staticmethod
    def backward(ctx, grad_out):
        x, weight = ctx.saved_tensors
        grad_x = grad_weight = grad_bias = None
        ones = torch.ones_like(grad_out)
        rows = ones.reshape(-1, grad_out.shape[-1])
        if ctx.needs_input_grad[0]:
            grad_x = ones @ weight
        if ctx.needs_input_grad[1]:
            grad_weight = rows.T @ x.reshape(-1, x.shape[-1])
        if any(ctx.needs_input_grad[2:]):
            grad_bias = rows.sum(0)
        return grad_x, grad_weight, grad_bias


# %% linear_function: order_of_the_answers
# help: The gradients of x and weight have changed places. They are returned in the order of forward's
#  arguments.
class LinearFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias=None):
        ctx.save_for_backward(x, weight)
        y = x @ weight.T
        return y if bias is None else y + bias

    @staticmethod
    def backward(ctx, grad_out):
        x, weight = ctx.saved_tensors
        grad_x = grad_weight = grad_bias = None
        rows = grad_out.reshape(-1, grad_out.shape[-1])
        if ctx.needs_input_grad[0]:
            grad_x = grad_out @ weight
        if ctx.needs_input_grad[1]:
            grad_weight = rows.T @ x.reshape(-1, x.shape[-1])
        if any(ctx.needs_input_grad[2:]):
            grad_bias = rows.sum(0)
        return grad_weight, grad_x, grad_bias


# %% linear_function: bias_required
# help: apply(x, weight) fails: forward insists on a third argument. Give bias a default.
class LinearFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias):
        ctx.save_for_backward(x, weight)
        y = x @ weight.T
        return y if bias is None else y + bias

    @staticmethod
    def backward(ctx, grad_out):
        x, weight = ctx.saved_tensors
        grad_x = grad_weight = grad_bias = None
        rows = grad_out.reshape(-1, grad_out.shape[-1])
        if ctx.needs_input_grad[0]:
            grad_x = grad_out @ weight
        if ctx.needs_input_grad[1]:
            grad_weight = rows.T @ x.reshape(-1, x.shape[-1])
        if any(ctx.needs_input_grad[2:]):
            grad_bias = rows.sum(0)
        return grad_x, grad_weight, grad_bias


# %% linear_function: bias_forgotten
# help: The bias never enters the forward pass.
class LinearFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias=None):
        ctx.save_for_backward(x, weight)
        return x @ weight.T

    @staticmethod
    def backward(ctx, grad_out):
        x, weight = ctx.saved_tensors
        grad_x = grad_weight = grad_bias = None
        rows = grad_out.reshape(-1, grad_out.shape[-1])
        if ctx.needs_input_grad[0]:
            grad_x = grad_out @ weight
        if ctx.needs_input_grad[1]:
            grad_weight = rows.T @ x.reshape(-1, x.shape[-1])
        if any(ctx.needs_input_grad[2:]):
            grad_bias = rows.sum(0)
        return grad_x, grad_weight, grad_bias


# %% linear_function: weight_mean
# help: grad_weight is too small by the number of rows: every row used the same weight, so the rows add up;
#  a mean is not asked for.
class LinearFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias=None):
        ctx.save_for_backward(x, weight)
        y = x @ weight.T
        return y if bias is None else y + bias

    @staticmethod
    def backward(ctx, grad_out):
        x, weight = ctx.saved_tensors
        grad_x = grad_weight = grad_bias = None
        rows = grad_out.reshape(-1, grad_out.shape[-1])
        if ctx.needs_input_grad[0]:
            grad_x = grad_out @ weight
        if ctx.needs_input_grad[1]:
            grad_weight = rows.T @ x.reshape(-1, x.shape[-1]) / len(rows)
        if any(ctx.needs_input_grad[2:]):
            grad_bias = rows.sum(0)
        return grad_x, grad_weight, grad_bias


# %% linear_function: input_gradient_transposed
# help: grad_x goes through weight.T. That only fits where weight is square, and there it is wrong: (…, out)
#  times (out, in) needs no transpose.
class LinearFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias=None):
        ctx.save_for_backward(x, weight)
        y = x @ weight.T
        return y if bias is None else y + bias

    @staticmethod
    def backward(ctx, grad_out):
        x, weight = ctx.saved_tensors
        grad_x = grad_weight = grad_bias = None
        rows = grad_out.reshape(-1, grad_out.shape[-1])
        if ctx.needs_input_grad[0]:
            grad_x = grad_out @ weight.T
        if ctx.needs_input_grad[1]:
            grad_weight = rows.T @ x.reshape(-1, x.shape[-1])
        if any(ctx.needs_input_grad[2:]):
            grad_bias = rows.sum(0)
        return grad_x, grad_weight, grad_bias


# %% linear_function: all_or_nothing
# help: Nothing comes back unless x wants a gradient. The data of a first layer never does, and the weights
#  still have to learn: each question has its own if.
class LinearFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias=None):
        ctx.save_for_backward(x, weight)
        y = x @ weight.T
        return y if bias is None else y + bias

    @staticmethod
    def backward(ctx, grad_out):
        x, weight = ctx.saved_tensors
        grad_x = grad_weight = grad_bias = None
        rows = grad_out.reshape(-1, grad_out.shape[-1])
        if not ctx.needs_input_grad[0]:
            return None, None, None
        if ctx.needs_input_grad[0]:
            grad_x = grad_out @ weight
        if ctx.needs_input_grad[1]:
            grad_weight = rows.T @ x.reshape(-1, x.shape[-1])
        if any(ctx.needs_input_grad[2:]):
            grad_bias = rows.sum(0)
        return grad_x, grad_weight, grad_bias


# %% linear_function: bias_counts_rows
# help: grad_bias is the number of rows: you add up ones, and the upstream gradient is missing from it.
class LinearFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias=None):
        ctx.save_for_backward(x, weight)
        y = x @ weight.T
        return y if bias is None else y + bias

    @staticmethod
    def backward(ctx, grad_out):
        x, weight = ctx.saved_tensors
        grad_x = grad_weight = grad_bias = None
        rows = grad_out.reshape(-1, grad_out.shape[-1])
        if ctx.needs_input_grad[0]:
            grad_x = grad_out @ weight
        if ctx.needs_input_grad[1]:
            grad_weight = rows.T @ x.reshape(-1, x.shape[-1])
        if any(ctx.needs_input_grad[2:]):
            grad_bias = torch.ones_like(rows).sum(0)
        return grad_x, grad_weight, grad_bias


# %% linear_function: bias_saved_blindly
# help: With a bias of None the line that uses it fails. Without a bias there is nothing to add on the way
#  forward.
class LinearFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias=None):
        ctx.save_for_backward(x, weight)
        return x @ weight.T + bias

    @staticmethod
    def backward(ctx, grad_out):
        x, weight = ctx.saved_tensors
        grad_x = grad_weight = grad_bias = None
        rows = grad_out.reshape(-1, grad_out.shape[-1])
        if ctx.needs_input_grad[0]:
            grad_x = grad_out @ weight
        if ctx.needs_input_grad[1]:
            grad_weight = rows.T @ x.reshape(-1, x.shape[-1])
        if any(ctx.needs_input_grad[2:]):
            grad_bias = rows.sum(0)
        return grad_x, grad_weight, grad_bias


# %% linear_function: not_static
# help: Everything is right but the form: forward and backward lack @staticmethod.
class LinearFunction(torch.autograd.Function):
    def forward(ctx, x, weight, bias=None):
        ctx.save_for_backward(x, weight)
        y = x @ weight.T
        return y if bias is None else y + bias

    def backward(ctx, grad_out):
        x, weight = ctx.saved_tensors
        grad_x = grad_weight = grad_bias = None
        rows = grad_out.reshape(-1, grad_out.shape[-1])
        if ctx.needs_input_grad[0]:
            grad_x = grad_out @ weight
        if ctx.needs_input_grad[1]:
            grad_weight = rows.T @ x.reshape(-1, x.shape[-1])
        if any(ctx.needs_input_grad[2:]):
            grad_bias = rows.sum(0)
        return grad_x, grad_weight, grad_bias


# %% my_exp: keeps_the_input
# help: You keep x and compute the exponential a second time on the way back. The number you need is the one
#  forward returned: keep that.
class MyExp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.exp()

    @staticmethod
    def backward(ctx, grad_out):
        (x,) = ctx.saved_tensors
        return grad_out * x.exp()


# %% my_exp: kept_as_an_attribute
# help: The output is kept as an attribute of ctx. That works, but a tensor kept so is not watched by
#  autograd and may keep itself alive for ever: ctx.save_for_backward is the place.
class MyExp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.y = x.exp()
        return ctx.y

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out * ctx.y


# %% my_exp: slope_is_x
# help: You multiply by x. The slope of the exponential at x is the exponential of x, the value forward
#  returned.
class MyExp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.exp()

    @staticmethod
    def backward(ctx, grad_out):
        (x,) = ctx.saved_tensors
        return grad_out * x


# %% my_exp: upstream_ignored
# help: Your gradient is the output itself. Multiply it by what comes from above.
class MyExp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, grad_out):
        (y,) = ctx.saved_tensors
        return y


# %% my_exp: two_exponentials
# help: What you save is a second tensor, not the one you return: it costs its size once more. Give the output a name,
#  save that, and return it.
class MyExp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x.exp())
        return x.exp()

    @staticmethod
    def backward(ctx, grad_out):
        (y,) = ctx.saved_tensors
        return grad_out * y


# %% my_exp: keeps_both
# help: You keep x as well as the output, twice the memory. Backward needs one of them only.
class MyExp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(x, y)
        return y

    @staticmethod
    def backward(ctx, grad_out):
        x, y = ctx.saved_tensors
        return grad_out * y


# %% my_exp: keeps_a_copy
# help: What you save is a second tensor, not the one you return: it costs its size once more. Give the output a name,
#  save that, and return it.
class MyExp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y.clone())
        return y

    @staticmethod
    def backward(ctx, grad_out):
        (y,) = ctx.saved_tensors
        return grad_out * y


# %% my_exp: upstream_in_place
# help: mul_ writes into the upstream gradient. A plain product makes a new tensor.
class MyExp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, grad_out):
        (y,) = ctx.saved_tensors
        return grad_out.mul_(y) if grad_out.is_contiguous() else grad_out * y


# %% my_exp: input_in_place
# help: exp_ replaces x itself by its exponential. The caller's tensor has to stay as it was.
class MyExp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = x.exp_().clone()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, grad_out):
        (y,) = ctx.saved_tensors
        return grad_out * y


# %% my_exp: power_rule
# help: That is the power rule, x times e to the power x - 1. It is for x to a fixed power; here x is the
#  exponent, and the slope is the output.
class MyExp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.exp()

    @staticmethod
    def backward(ctx, grad_out):
        (x,) = ctx.saved_tensors
        return grad_out * x * (x - 1).exp()


# %% my_exp: exponential_of_the_output
# help: You save the right tensor and then take its exponential again. The saved output is the slope
#  already.
class MyExp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, grad_out):
        (y,) = ctx.saved_tensors
        return grad_out * y.exp()


# %% my_exp: divided
# help: You divide by the output. The slope is the output: multiply.
class MyExp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, grad_out):
        (y,) = ctx.saved_tensors
        return grad_out / y


# %% my_exp: passed_on
# help: The gradient comes back as it went in. The slope of the exponential is the output: multiply by it.
class MyExp(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out


# %% min_max: every_tie
# help: Where several entries are equally small, all of them get the gradient. Only the first one should.
class MinMax(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.min(), x.max()

    @staticmethod
    def backward(ctx, grad_low, grad_high):
        (x,) = ctx.saved_tensors
        return grad_low * (x == x.min()) + grad_high * (x == x.max())


# %% min_max: last_position
# help: The gradient goes to the last of several equal entries. It belongs to the first.
class MinMax(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        low, high = len(x) - 1 - x.flip(0).argmin(), len(x) - 1 - x.flip(0).argmax()
        ctx.save_for_backward(x, low, high)
        return x[low], x[high]

    @staticmethod
    def backward(ctx, grad_low, grad_high):
        x, low, high = ctx.saved_tensors
        grad = torch.zeros_like(x)
        grad[low] += grad_low
        grad[high] += grad_high
        return grad


# %% min_max: assigned_not_added
# help: In a vector of one entry, or of equal ones, minimum and maximum are in the same place, and your
#  second assignment wipes out the first. Add.
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
        grad[low] = grad_low
        grad[high] = grad_high
        return grad


# %% min_max: outputs_swapped
# help: The two outputs come in the wrong order: the minimum first.
class MinMax(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        low, high = x.argmin(), x.argmax()
        ctx.save_for_backward(x, low, high)
        return x[high], x[low]

    @staticmethod
    def backward(ctx, grad_low, grad_high):
        x, low, high = ctx.saved_tensors
        grad = torch.zeros_like(x)
        grad[high] += grad_low
        grad[low] += grad_high
        return grad


# %% min_max: axis_left
# help: Your outputs have shape (1,). Both should have no axis at all, shape ().
class MinMax(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x, x.argmin(), x.argmax())
        return x.min(0, keepdim=True).values, x.max(0, keepdim=True).values

    @staticmethod
    def backward(ctx, grad_low, grad_high):
        x, low, high = ctx.saved_tensors
        grad = torch.zeros_like(x)
        grad[low] += grad_low.reshape(())
        grad[high] += grad_high.reshape(())
        return grad


# %% min_max: one_upstream_expected
# help: Two outputs send two upstream gradients, and your backward takes one.
class MinMax(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        low, high = x.argmin(), x.argmax()
        ctx.save_for_backward(x, low, high)
        return x[low], x[high]

    @staticmethod
    def backward(ctx, grad_out):
        x, low, high = ctx.saved_tensors
        grad = torch.zeros_like(x)
        grad[low] += grad_out
        grad[high] += grad_out
        return grad


# %% min_max: ties_share
# help: Equal entries share the gradient between them. That is fair, and torch's own amin does it, but here
#  the first one gets it all.
class MinMax(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.min(), x.max()

    @staticmethod
    def backward(ctx, grad_low, grad_high):
        (x,) = ctx.saved_tensors
        low, high = x == x.min(), x == x.max()
        return grad_low * low / low.sum() + grad_high * high / high.sum()


# %% min_max: gradients_swapped
# help: The gradient of the minimum lands on the maximum and the other way round.
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
        grad[low] += grad_high
        grad[high] += grad_low
        return grad


# %% min_max: none_not_expected
# help: You asked for None instead of zeros where an output is unused (set_materialize_grads), and then add
#  it. Check for None, or let the engine send zeros.
class MinMax(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.set_materialize_grads(False)
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


# %% min_max: upstream_ignored
# help: Both places get a 1, whatever comes from above.
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
        grad[low] += 1
        grad[high] += 1
        return grad


# %% min_max: gradient_in_float32
# help: For float64 your gradient has seven right digits only: torch.zeros(n) is float32.
#  torch.zeros_like(x) takes the dtype of x.
class MinMax(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        low, high = x.argmin(), x.argmax()
        ctx.save_for_backward(x, low, high)
        return x[low], x[high]

    @staticmethod
    def backward(ctx, grad_low, grad_high):
        x, low, high = ctx.saved_tensors
        grad = torch.zeros(len(x))
        grad[low] += grad_low
        grad[high] += grad_high
        return grad


# %% min_max: two_gradients_returned
# help: You return two tensors, and forward has one argument. Both gradients go into one tensor of the shape
#  of x.
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
        other = grad.clone()
        grad[low] += grad_low
        other[high] += grad_high
        return grad, other


# %% min_max: only_one_at_a_time
# help: As soon as the gradient of the minimum is there, that of the maximum is dropped. Both outputs may be
#  used at once.
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
        if grad_low != 0:
            grad[low] += grad_low
        else:
            grad[high] += grad_high
        return grad


# %% min_max: only_the_maximum
# help: Only the maximum gets its gradient. Both outputs have one: add each at its own place.
class MinMax(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.at, ctx.size = int((x == x.max()).nonzero()[0]), x.numel()
        return x.min(), x.max()

    @staticmethod
    def backward(ctx, grad_low, grad_high):
        grad = grad_high.new_zeros(ctx.size)
        grad[ctx.at] += grad_high
        return grad


# %% min_max: one_tensor_of_two
# help: You return one tensor with two entries. Two outputs are asked for, a tuple of two tensors without axes.
class MinMax(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        low, high = x.min(), x.max()
        ctx.low, ctx.high = int((x == low).nonzero()[0]), int((x == high).nonzero()[0])
        ctx.size = x.numel()
        return torch.stack([low, high])

    @staticmethod
    def backward(ctx, grad_out):
        grad = grad_out.new_zeros(ctx.size)
        grad[ctx.low] += grad_out[0]
        grad[ctx.high] += grad_out[1]
        return grad


# %% my_cube: slope_cut_off_from_x
# help: Your first gradient is right, the second is missing: the slope is not connected to x. Was it
#  computed in forward, where nothing is recorded, or did a detach(), .data or NumPy cut it off? Save x
#  itself and compute with it in backward.
class MyCube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(3 * x**2)
        return x**3

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out * ctx.saved_tensors[0]


# %% my_cube: once_only
# help: once_differentiable forbids the second derivative, and this exercise wants it.
class MyCube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, grad_out):
        (x,) = ctx.saved_tensors
        return grad_out * 3 * x**2


# %% my_cube: not_recorded
# help: torch.no_grad in backward means that nobody can differentiate your gradient. Nothing there needs to
#  be switched off.
class MyCube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, grad_out):
        with torch.no_grad():
            (x,) = ctx.saved_tensors
            return grad_out * 3 * x**2


# %% my_cube: factor_missing
# help: The 3 is missing from the slope: it is 3x².
class MyCube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, grad_out):
        (x,) = ctx.saved_tensors
        return grad_out * x**2


# %% my_cube: upstream_ignored
# help: The gradient from above is not in your answer.
class MyCube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, grad_out):
        (x,) = ctx.saved_tensors
        return 3 * x**2


# %% my_cube: upstream_detached
# help: You detach the upstream gradient: with respect to x the second derivative is right, with respect to
#  the upstream gradient it is missing.
class MyCube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, grad_out):
        (x,) = ctx.saved_tensors
        return grad_out.detach() * 3 * x**2


# %% my_cube: exponent_forgotten
# help: Your slope is 3x. The exponent goes down by one, from 3 to 2.
class MyCube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, grad_out):
        (x,) = ctx.saved_tensors
        return grad_out * 3 * x


# %% my_cube: upstream_in_place
# help: The upstream gradient is multiplied in place. Make a new tensor: somebody may still need the old
#  one.
class MyCube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(ctx, grad_out):
        (x,) = ctx.saved_tensors
        if grad_out.is_contiguous() and not grad_out.requires_grad:
            return grad_out.mul_(3 * x**2)
        return grad_out * 3 * x**2


# %% my_cube: squared
# help: That is the square. The cube has one factor x more.
class MyCube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**2

    @staticmethod
    def backward(ctx, grad_out):
        (x,) = ctx.saved_tensors
        return grad_out * 2 * x


# %% my_cube: slope_from_the_output
# help: You go back through a root of the output. At 0 the slope of a root is infinite, and your second derivative is NaN
#   there: save x.
class MyCube(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = x**3
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, grad_out):
        (y,) = ctx.saved_tensors
        return 3 * y.abs() ** (2 / 3) * grad_out


# %% round_ste: half_up
# help: Adding 0.5 and rounding down sends every half upwards. torch.round sends it to the even neighbour:
#  0.5 to 0, 2.5 to 2.
class RoundSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return torch.floor(x + 0.5)

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out


# %% round_ste: true_derivative
# help: That is the true derivative of rounding, 0, and it stops everything. Here the gradient goes straight
#  through.
class RoundSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return torch.round(x)

    @staticmethod
    def backward(ctx, grad_out):
        return torch.zeros_like(grad_out)


# %% round_ste: truncated
# help: Cutting the fraction off is another rule: 0.7 should go to 1, not to 0.
class RoundSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return torch.trunc(x)

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out


# %% round_ste: upstream_ignored
# help: Ones are returned, whatever comes from above. Straight through means: what comes in goes out.
class RoundSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return torch.round(x)

    @staticmethod
    def backward(ctx, grad_out):
        return torch.ones_like(grad_out)


# %% round_ste: gradient_rounded
# help: You round the gradient as well. Only the way forward rounds.
class RoundSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return torch.round(x)

    @staticmethod
    def backward(ctx, grad_out):
        return torch.round(grad_out)


# %% round_ste: input_in_place
# help: round_ rounds the caller's own tensor. Return a new one.
class RoundSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.round_().clone()

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out


# %% round_ste: not_rounded
# help: Forward returns x as it is. The lie is in backward only: forward really rounds.
class RoundSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out


# %% round_ste: window
# help: Your gradient passes only where |x| is at most 1. That is another estimator (for signs, or with a
#  clip); this one lets everything through.
class RoundSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.round(x)

    @staticmethod
    def backward(ctx, grad_out):
        (x,) = ctx.saved_tensors
        return grad_out * (x.abs() <= 1)


# %% round_ste: rounded_down
# help: floor always goes down. To the nearest whole number, please.
class RoundSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return torch.floor(x)

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out


# %% round_ste: whole_number_type
# help: Your result is of an integer type. Round, and stay in the dtype of x: a whole number there is still floating.
class RoundSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.round().long()

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out


# %% round_ste: through_a_small_integer
# help: You go through an integer type on the way, and it is too small: 200 does not fit into int8, nor 3·10⁹ into int32.
#   torch.round needs no integers.
class RoundSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.round().to(torch.int32).to(x.dtype)

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out


# %% round_ste: nothing_comes_back
# help: backward returns None, so no gradient reaches x at all. Straight through: return what came from above.
class RoundSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.round()

    @staticmethod
    def backward(ctx, grad_out):
        return None


# %% round_ste: half_away_from_zero
# help: Your halves go away from zero, as in school. torch.round sends a half to its even neighbour: 0.5 to
#  0, 2.5 to 2, -0.5 to 0.
class RoundSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.sign() * torch.floor(x.abs() + 0.5)

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out


# %% round_ste: multiplied_by_the_output
# help: You multiply the gradient by the rounded value. Identity means that nothing happens to it.
class RoundSTE(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        y = torch.round(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out * ctx.saved_tensors[0]


# %% my_gradcheck: ones_only
# help: You only ever send ones from above. A backward that ignores the upstream gradient, or shuffles it,
#  looks right that way: send different numbers to different places.
def my_gradcheck(fn, inputs, eps=1e-6, atol=1e-4):
    def outputs_of(tensors):
        found = fn(*tensors)
        return list(found) if isinstance(found, (tuple, list)) else [found]

    leaves = [t.detach().clone().requires_grad_(t.requires_grad) for t in inputs]
    for k, output in enumerate(outputs_of(leaves)):
        v = torch.ones_like(output)
        for which, leaf in enumerate(leaves):
            if not leaf.requires_grad:
                continue
            grad = torch.autograd.grad(output, leaf, v, retain_graph=True, allow_unused=True)[0]
            if grad is None:
                grad = torch.zeros_like(leaf)
            for index in np.ndindex(*leaf.shape):
                up, down = ([t.detach().clone() for t in leaves] for _ in range(2))
                up[which][index] += eps
                down[which][index] -= eps
                numeric = ((outputs_of(up)[k] - outputs_of(down)[k]) * v).sum() / (2 * eps)
                if not abs(grad[index] - numeric) <= atol:
                    return False
    return True


# %% my_gradcheck: height_one
# help: One place at a time, but always with a 1: where the output is a single number, a backward that
#  ignores the upstream gradient still looks right. Send another height, and divide it out.
def my_gradcheck(fn, inputs, eps=1e-6, atol=1e-4):
    def outputs_of(tensors):
        found = fn(*tensors)
        return list(found) if isinstance(found, (tuple, list)) else [found]

    leaves = [t.detach().clone().requires_grad_(t.requires_grad) for t in inputs]
    outputs = outputs_of(leaves)
    for which, leaf in enumerate(leaves):
        if not leaf.requires_grad:
            continue
        columns = []
        for index in np.ndindex(*leaf.shape):
            up, down = ([t.detach().clone() for t in leaves] for _ in range(2))
            up[which][index] += eps
            down[which][index] -= eps
            columns.append([(a - b) / (2 * eps) for a, b in zip(outputs_of(up), outputs_of(down))])
        for k, output in enumerate(outputs):
            for place in np.ndindex(*output.shape):
                v = torch.zeros_like(output)
                v[place] = 1.0
                grad = torch.autograd.grad(output, leaf, v, retain_graph=True, allow_unused=True)[0]
                grad = torch.zeros_like(leaf) if grad is None else grad
                numeric = torch.stack([column[k][place] for column in columns])
                if not ((grad.reshape(-1) - numeric).abs() <= atol).all():
                    return False
    return True


# %% my_gradcheck: forward_difference
# help: One-sided: f(x + eps) - f(x) over eps is off by about eps/2 times the curvature. Take both sides.
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
            if grad is None:
                grad = torch.zeros_like(leaf)
            for index in np.ndindex(*leaf.shape):
                up, down = ([t.detach().clone() for t in leaves] for _ in range(2))
                up[which][index] += eps
                pass
                numeric = ((outputs_of(up)[k] - outputs_of(down)[k]) * v).sum() / eps
                if not abs(grad[index] - numeric) <= atol:
                    return False
    return True


# %% my_gradcheck: divided_by_eps
# help: Your numeric gradient is twice too large: the two ends are 2·eps apart.
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
            if grad is None:
                grad = torch.zeros_like(leaf)
            for index in np.ndindex(*leaf.shape):
                up, down = ([t.detach().clone() for t in leaves] for _ in range(2))
                up[which][index] += eps
                down[which][index] -= eps
                numeric = ((outputs_of(up)[k] - outputs_of(down)[k]) * v).sum() / eps
                if not abs(grad[index] - numeric) <= atol:
                    return False
    return True


# %% my_gradcheck: first_input_only
# help: Only the first input is checked. The second one's gradient may be anything.
def my_gradcheck(fn, inputs, eps=1e-6, atol=1e-4):
    def outputs_of(tensors):
        found = fn(*tensors)
        return list(found) if isinstance(found, (tuple, list)) else [found]

    leaves = [t.detach().clone().requires_grad_(t.requires_grad) for t in inputs]
    for k, output in enumerate(outputs_of(leaves)):
        v = torch.linspace(0.7, 2.3, output.numel(), dtype=output.dtype).reshape(output.shape)
        for which, leaf in enumerate(leaves[:1]):
            if not leaf.requires_grad:
                continue
            grad = torch.autograd.grad(output, leaf, v, retain_graph=True, allow_unused=True)[0]
            if grad is None:
                grad = torch.zeros_like(leaf)
            for index in np.ndindex(*leaf.shape):
                up, down = ([t.detach().clone() for t in leaves] for _ in range(2))
                up[which][index] += eps
                down[which][index] -= eps
                numeric = ((outputs_of(up)[k] - outputs_of(down)[k]) * v).sum() / (2 * eps)
                if not abs(grad[index] - numeric) <= atol:
                    return False
    return True


# %% my_gradcheck: first_output_only
# help: Only the first output is checked.
def my_gradcheck(fn, inputs, eps=1e-6, atol=1e-4):
    def outputs_of(tensors):
        found = fn(*tensors)
        return list(found) if isinstance(found, (tuple, list)) else [found]

    leaves = [t.detach().clone().requires_grad_(t.requires_grad) for t in inputs]
    for k, output in enumerate(outputs_of(leaves)[:1]):
        v = torch.linspace(0.7, 2.3, output.numel(), dtype=output.dtype).reshape(output.shape)
        for which, leaf in enumerate(leaves):
            if not leaf.requires_grad:
                continue
            grad = torch.autograd.grad(output, leaf, v, retain_graph=True, allow_unused=True)[0]
            if grad is None:
                grad = torch.zeros_like(leaf)
            for index in np.ndindex(*leaf.shape):
                up, down = ([t.detach().clone() for t in leaves] for _ in range(2))
                up[which][index] += eps
                down[which][index] -= eps
                numeric = ((outputs_of(up)[k] - outputs_of(down)[k]) * v).sum() / (2 * eps)
                if not abs(grad[index] - numeric) <= atol:
                    return False
    return True


# %% my_gradcheck: nan_passes
# help: nan slips through: every comparison with nan is False, so `gap > atol` never fires. Ask the other
#  way round: is the gap at most atol?
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
            if grad is None:
                grad = torch.zeros_like(leaf)
            for index in np.ndindex(*leaf.shape):
                up, down = ([t.detach().clone() for t in leaves] for _ in range(2))
                up[which][index] += eps
                down[which][index] -= eps
                numeric = ((outputs_of(up)[k] - outputs_of(down)[k]) * v).sum() / (2 * eps)
                if abs(grad[index] - numeric) > atol:
                    return False
    return True


# %% my_gradcheck: unused_input_raises
# help: An output that does not depend on an input makes torch.autograd.grad raise. allow_unused=True gives
#  None instead, and None counts as 0.
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
            grad = torch.autograd.grad(output, leaf, v, retain_graph=True)[0]
            if grad is None:
                grad = torch.zeros_like(leaf)
            for index in np.ndindex(*leaf.shape):
                up, down = ([t.detach().clone() for t in leaves] for _ in range(2))
                up[which][index] += eps
                down[which][index] -= eps
                numeric = ((outputs_of(up)[k] - outputs_of(down)[k]) * v).sum() / (2 * eps)
                if not abs(grad[index] - numeric) <= atol:
                    return False
    return True


# %% my_gradcheck: none_skipped
# help: Where the gradient is None you check nothing. None counts as 0, and if the output does move, that is
#  wrong.
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
            if grad is None:
                continue
            for index in np.ndindex(*leaf.shape):
                up, down = ([t.detach().clone() for t in leaves] for _ in range(2))
                up[which][index] += eps
                down[which][index] -= eps
                numeric = ((outputs_of(up)[k] - outputs_of(down)[k]) * v).sum() / (2 * eps)
                if not abs(grad[index] - numeric) <= atol:
                    return False
    return True


# %% my_gradcheck: eps_ignored
# help: The step is fixed in your code. The caller chooses it: use eps.
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
            if grad is None:
                grad = torch.zeros_like(leaf)
            for index in np.ndindex(*leaf.shape):
                up, down = ([t.detach().clone() for t in leaves] for _ in range(2))
                up[which][index] += 1e-6
                down[which][index] -= 1e-6
                numeric = ((outputs_of(up)[k] - outputs_of(down)[k]) * v).sum() / 2e-6
                if not abs(grad[index] - numeric) <= atol:
                    return False
    return True


# %% my_gradcheck: atol_ignored
# help: The limit is fixed in your code. The caller chooses it: use atol.
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
            if grad is None:
                grad = torch.zeros_like(leaf)
            for index in np.ndindex(*leaf.shape):
                up, down = ([t.detach().clone() for t in leaves] for _ in range(2))
                up[which][index] += eps
                down[which][index] -= eps
                numeric = ((outputs_of(up)[k] - outputs_of(down)[k]) * v).sum() / (2 * eps)
                if not abs(grad[index] - numeric) <= 1e-4:
                    return False
    return True


# %% my_gradcheck: relative_limit
# help: Your limit grows with the gradient. Here atol is an absolute distance, the same for large gradients
#  and small.
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
            if grad is None:
                grad = torch.zeros_like(leaf)
            for index in np.ndindex(*leaf.shape):
                up, down = ([t.detach().clone() for t in leaves] for _ in range(2))
                up[which][index] += eps
                down[which][index] -= eps
                numeric = ((outputs_of(up)[k] - outputs_of(down)[k]) * v).sum() / (2 * eps)
                if not abs(grad[index] - numeric) <= atol + 1e-3 * abs(numeric):
                    return False
    return True


# %% my_gradcheck: grad_left_behind
# help: You call backward on the caller's own tensors, so their .grad changes. torch.autograd.grad hands
#  gradients to you and stores nothing.
def my_gradcheck(fn, inputs, eps=1e-6, atol=1e-4):
    def outputs_of(tensors):
        found = fn(*tensors)
        return list(found) if isinstance(found, (tuple, list)) else [found]

    leaves = list(inputs)
    for k, output in enumerate(outputs_of(leaves)):
        v = torch.linspace(0.7, 2.3, output.numel(), dtype=output.dtype).reshape(output.shape)
        for which, leaf in enumerate(leaves):
            if not leaf.requires_grad:
                continue
            leaf.grad = None
            output.backward(v, retain_graph=True)
            grad = torch.zeros_like(leaf) if leaf.grad is None else leaf.grad.clone()
            for index in np.ndindex(*leaf.shape):
                up, down = ([t.detach().clone() for t in leaves] for _ in range(2))
                up[which][index] += eps
                down[which][index] -= eps
                numeric = ((outputs_of(up)[k] - outputs_of(down)[k]) * v).sum() / (2 * eps)
                if not abs(grad[index] - numeric) <= atol:
                    return False
    return True


# %% my_gradcheck: inputs_moved
# help: Adding eps and taking it away again does not always give the same bits, and it is the caller's own
#  tensor that you move. Nudge a copy.
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
            if grad is None:
                grad = torch.zeros_like(leaf)
            for index in np.ndindex(*leaf.shape):
                inputs[which].data[index] += eps
                up = outputs_of([t.detach() for t in inputs])[k].clone()
                inputs[which].data[index] -= 2 * eps
                down = outputs_of([t.detach() for t in inputs])[k].clone()
                inputs[which].data[index] += eps
                numeric = ((up - down) * v).sum() / (2 * eps)
                if not abs(grad[index] - numeric) <= atol:
                    return False
    return True


# %% my_gradcheck: flat_copy
# help: For an input that is not contiguous, reshape(-1) gives a copy, and your nudge never reaches fn: the
#  numeric gradient is 0 there.
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
            if grad is None:
                grad = torch.zeros_like(leaf)
            for i in range(leaf.numel()):
                up, down = ([t.detach().clone() for t in leaves] for _ in range(2))
                up[which].reshape(-1)[i] += eps
                down[which].reshape(-1)[i] -= eps
                numeric = ((outputs_of(up)[k] - outputs_of(down)[k]) * v).sum() / (2 * eps)
                if not abs(grad.reshape(-1)[i] - numeric) <= atol:
                    return False
    return True


# %% my_gradcheck: mean_of_the_gaps
# help: You compare the mean of the gaps with atol: one wrong element among many gets lost in it. Every
#  single one has to agree.
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
            if grad is None:
                grad = torch.zeros_like(leaf)
            gaps = []
            for index in np.ndindex(*leaf.shape):
                up, down = ([t.detach().clone() for t in leaves] for _ in range(2))
                up[which][index] += eps
                down[which][index] -= eps
                numeric = ((outputs_of(up)[k] - outputs_of(down)[k]) * v).sum() / (2 * eps)
                gaps.append(abs(grad[index] - numeric).item())
            if not np.mean(gaps) <= atol:
                return False
    return True


# %% my_gradcheck: every_input_checked
# help: You check inputs that do not require a gradient, too. Nobody will ever ask for those: only the
#  others count.
def my_gradcheck(fn, inputs, eps=1e-6, atol=1e-4):
    def outputs_of(tensors):
        found = fn(*tensors)
        return list(found) if isinstance(found, (tuple, list)) else [found]

    leaves = [t.detach().clone().requires_grad_() for t in inputs]
    for k, output in enumerate(outputs_of(leaves)):
        v = torch.linspace(0.7, 2.3, output.numel(), dtype=output.dtype).reshape(output.shape)
        for which, leaf in enumerate(leaves):
            if not leaf.requires_grad:
                continue
            grad = torch.autograd.grad(output, leaf, v, retain_graph=True, allow_unused=True)[0]
            if grad is None:
                grad = torch.zeros_like(leaf)
            for index in np.ndindex(*leaf.shape):
                up, down = ([t.detach().clone() for t in leaves] for _ in range(2))
                up[which][index] += eps
                down[which][index] -= eps
                numeric = ((outputs_of(up)[k] - outputs_of(down)[k]) * v).sum() / (2 * eps)
                if not abs(grad[index] - numeric) <= atol:
                    return False
    return True


# %% my_gradcheck: no_answer_for_wrong
# help: Where a gradient is wrong you return nothing, that is None. The answer is False.
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
            if grad is None:
                grad = torch.zeros_like(leaf)
            for index in np.ndindex(*leaf.shape):
                up, down = ([t.detach().clone() for t in leaves] for _ in range(2))
                up[which][index] += eps
                down[which][index] -= eps
                numeric = ((outputs_of(up)[k] - outputs_of(down)[k]) * v).sum() / (2 * eps)
                if not abs(grad[index] - numeric) <= atol:
                    return None
    return True


# %% my_gradcheck: tensor_for_an_answer
# help: Your answer is a tensor that holds True or False. A Python bool is asked for: bool(...) makes one.
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
            if grad is None:
                grad = torch.zeros_like(leaf)
            for index in np.ndindex(*leaf.shape):
                up, down = ([t.detach().clone() for t in leaves] for _ in range(2))
                up[which][index] += eps
                down[which][index] -= eps
                numeric = ((outputs_of(up)[k] - outputs_of(down)[k]) * v).sum() / (2 * eps)
                if not abs(grad[index] - numeric) <= atol:
                    return torch.tensor(False)
    return torch.tensor(True)


# %% my_gradcheck: asserts
# help: Where a gradient is wrong you raise an error. This instrument answers: True or False.
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
            if grad is None:
                grad = torch.zeros_like(leaf)
            for index in np.ndindex(*leaf.shape):
                up, down = ([t.detach().clone() for t in leaves] for _ in range(2))
                up[which][index] += eps
                down[which][index] -= eps
                numeric = ((outputs_of(up)[k] - outputs_of(down)[k]) * v).sum() / (2 * eps)
                if not abs(grad[index] - numeric) <= atol:
                    raise AssertionError("the gradients differ")
    return True


# %% my_gradcheck: always_true
# help: You say True to a backward that is wrong. Print the two numbers you compare for it: are they the same?
def my_gradcheck(fn, inputs, eps=1e-6, atol=1e-4):
    return True


# %% my_gradcheck: always_false
# help: You say False to everything, also to what is right. Print both numbers for the sine: where do they part?
def my_gradcheck(fn, inputs, eps=1e-6, atol=1e-4):
    return False


# %% my_gradcheck: one_output_expected
# help: fn may return a tuple of tensors, and you treat what it returns as one tensor. Make a list of
#  outputs first, of one where it is a single tensor.
def my_gradcheck(fn, inputs, eps=1e-6, atol=1e-4):
    def outputs_of(tensors):
        found = fn(*tensors)
        return [found]

    leaves = [t.detach().clone().requires_grad_(t.requires_grad) for t in inputs]
    for k, output in enumerate(outputs_of(leaves)):
        v = torch.linspace(0.7, 2.3, output.numel(), dtype=output.dtype).reshape(output.shape)
        for which, leaf in enumerate(leaves):
            if not leaf.requires_grad:
                continue
            grad = torch.autograd.grad(output, leaf, v, retain_graph=True, allow_unused=True)[0]
            if grad is None:
                grad = torch.zeros_like(leaf)
            for index in np.ndindex(*leaf.shape):
                up, down = ([t.detach().clone() for t in leaves] for _ in range(2))
                up[which][index] += eps
                down[which][index] -= eps
                numeric = ((outputs_of(up)[k] - outputs_of(down)[k]) * v).sum() / (2 * eps)
                if not abs(grad[index] - numeric) <= atol:
                    return False
    return True


# %% my_gradcheck: all_elements_at_once
# help: You nudge all elements together and compare the sum of the gradient: two errors of opposite sign, or
#  two gradients in each other's place, cancel out. One element at a time.
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
            if grad is None:
                grad = torch.zeros_like(leaf)
            for _ in range(1):
                up, down = ([t.detach().clone() for t in leaves] for _ in range(2))
                up[which] += eps
                down[which] -= eps
                numeric = ((outputs_of(up)[k] - outputs_of(down)[k]) * v).sum() / (2 * eps)
                if not abs(grad.sum() - numeric) <= atol:
                    return False
    return True


# %% my_gradcheck: answers_after_the_first
# help: `return True` stands inside your loop, so the answer is given after the very first element. Only
#  when all of them have been looked at is it True.
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
            if grad is None:
                grad = torch.zeros_like(leaf)
            for index in np.ndindex(*leaf.shape):
                up, down = ([t.detach().clone() for t in leaves] for _ in range(2))
                up[which][index] += eps
                down[which][index] -= eps
                numeric = ((outputs_of(up)[k] - outputs_of(down)[k]) * v).sum() / (2 * eps)
                if not abs(grad[index] - numeric) <= atol:
                    return False
                return True


# %% my_gradcheck: grad_mode_left_off
# help: You switch gradients off for the nudges and never on again: everything after you runs unrecorded.
#  `with torch.no_grad():` ends by itself.
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
            torch.set_grad_enabled(True)
            grad = torch.autograd.grad(output, leaf, v, retain_graph=True, allow_unused=True)[0]
            if grad is None:
                grad = torch.zeros_like(leaf)
            torch.set_grad_enabled(False)
            for index in np.ndindex(*leaf.shape):
                up, down = ([t.detach().clone() for t in leaves] for _ in range(2))
                up[which][index] += eps
                down[which][index] -= eps
                numeric = ((outputs_of(up)[k] - outputs_of(down)[k]) * v).sum() / (2 * eps)
                if not abs(grad[index] - numeric) <= atol:
                    return False
    return True


# %% linear_function: remembered_on_class
# help: x and weight are remembered on the class, and the next layer's run overwrites them. Each run has a
#  ctx of its own.
class LinearFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias=None):
        LinearFunction.kept = (x, weight)
        y = x @ weight.T
        return y if bias is None else y + bias

    @staticmethod
    def backward(ctx, grad_out):
        x, weight = LinearFunction.kept
        grad_x = grad_weight = grad_bias = None
        rows = grad_out.reshape(-1, grad_out.shape[-1])
        if ctx.needs_input_grad[0]:
            grad_x = grad_out @ weight
        if ctx.needs_input_grad[1]:
            grad_weight = rows.T @ x.reshape(-1, x.shape[-1])
        if any(ctx.needs_input_grad[2:]):
            grad_bias = rows.sum(0)
        return grad_x, grad_weight, grad_bias


# %% linear_function: bias_not_summed
# help: The bias gradient still has one row for each example. The engine adds the rows up for you and the
#  numbers come out right, but the sum belongs in your backward: every row felt the same bias.
class LinearFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, weight, bias=None):
        ctx.save_for_backward(x, weight)
        y = x @ weight.T
        return y if bias is None else y + bias

    @staticmethod
    def backward(ctx, grad_out):
        x, weight = ctx.saved_tensors
        grad_x = grad_weight = grad_bias = None
        rows = grad_out.reshape(-1, grad_out.shape[-1])
        if ctx.needs_input_grad[0]:
            grad_x = grad_out @ weight
        if ctx.needs_input_grad[1]:
            grad_weight = rows.T @ x.reshape(-1, x.shape[-1])
        if any(ctx.needs_input_grad[2:]):
            grad_bias = grad_out if grad_out.dim() > 1 else grad_out.clone()
        return grad_x, grad_weight, grad_bias
