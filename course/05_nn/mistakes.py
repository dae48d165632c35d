"""Named mistakes of chapter 5: wrong solutions that the checks must reject, each with its own help."""

import torch
import torch.nn.functional as F
from torch import nn


# %% build_mlp: relu_at_the_end
# help: There is a ReLU behind the last layer, and it cuts every negative answer to 0. A ReLU stands
#   between two layers only.
def build_mlp(sizes):
    if len(sizes) < 2:
        raise ValueError("too few sizes")
    layers = []
    for i in range(len(sizes) - 1):
        d_in, d_out = sizes[i], sizes[i + 1]
        layers += [nn.Linear(d_in, d_out), nn.ReLU()]
    return nn.Sequential(*layers)


# %% build_mlp: no_relu
# help: Your layers follow each other without a bend. Linear after Linear is one Linear in two pieces; put
#   an nn.ReLU between every two.
def build_mlp(sizes):
    if len(sizes) < 2:
        raise ValueError("too few sizes")
    return nn.Sequential(*[nn.Linear(a, b) for a, b in [sizes[i : i + 2] for i in range(len(sizes) - 1)]])


# %% build_mlp: one_relu_only
# help: There is one ReLU in the whole network. Three layers want two, four want three: one between every
#   two neighbours.
def build_mlp(sizes):
    if len(sizes) < 2:
        raise ValueError("too few sizes")
    layers = [nn.Linear(a, b) for a, b in [sizes[i : i + 2] for i in range(len(sizes) - 1)]]
    if len(layers) > 1:
        layers.insert(1, nn.ReLU())
    return nn.Sequential(*layers)


# %% build_mlp: relu_first
# help: Your network begins with a ReLU: negative inputs are gone before the first layer sees them.
def build_mlp(sizes):
    if len(sizes) < 2:
        raise ValueError("too few sizes")
    layers = []
    for i in range(len(sizes) - 1):
        d_in, d_out = sizes[i], sizes[i + 1]
        layers += [nn.ReLU(), nn.Linear(d_in, d_out)]
    return nn.Sequential(*layers)


# %% build_mlp: without_bias
# help: Your layers have no bias. Leave that argument of nn.Linear alone; its default is what the exercise
#   wants.
def build_mlp(sizes):
    if len(sizes) < 2:
        raise ValueError("too few sizes")
    layers = []
    for i in range(len(sizes) - 1):
        d_in, d_out = sizes[i], sizes[i + 1]
        layers += [nn.Linear(d_in, d_out, bias=False), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


# %% build_mlp: last_layer_missing
# help: One layer is missing: k + 1 sizes make k layers. Look at where your loop ends.
def build_mlp(sizes):
    if len(sizes) < 2:
        raise ValueError("too few sizes")
    layers = []
    for i in range(len(sizes) - 2):
        layers += [nn.Linear(sizes[i], sizes[i + 1]), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


# %% build_mlp: sizes_swapped
# help: nn.Linear takes the input size first, then the output size; yours are the other way round.
def build_mlp(sizes):
    if len(sizes) < 2:
        raise ValueError("too few sizes")
    layers = []
    for i in range(len(sizes) - 1):
        d_in, d_out = sizes[i], sizes[i + 1]
        layers += [nn.Linear(d_out, d_in), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


# %% build_mlp: hidden_layer_reused
# help: Layers of the same size are one and the same object in your network, so they share their weights.
#   Make a new nn.Linear for every place.
def build_mlp(sizes):
    if len(sizes) < 2:
        raise ValueError("too few sizes")
    made, layers = {}, []
    for i in range(len(sizes) - 1):
        pair = tuple(sizes[i : i + 2])
        made.setdefault(pair, nn.Linear(*pair))
        layers += [made[pair], nn.ReLU()]
    return nn.Sequential(*layers[:-1])


# %% build_mlp: no_error
# help: A list with fewer than two sizes gives an empty network in silence. Raise ValueError before you
#   build anything.
def build_mlp(sizes):
    layers = []
    for i in range(len(sizes) - 1):
        d_in, d_out = sizes[i], sizes[i + 1]
        layers += [nn.Linear(d_in, d_out), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


# %% build_mlp: plain_list
# help: You return a Python list of layers. A list cannot be called and knows no parameters: wrap the
#   layers in an nn.Sequential.
def build_mlp(sizes):
    if len(sizes) < 2:
        raise ValueError("too few sizes")
    layers = []
    for i in range(len(sizes) - 1):
        d_in, d_out = sizes[i], sizes[i + 1]
        layers += [nn.Linear(d_in, d_out), nn.ReLU()]
    return layers[:-1]


# %% build_mlp: single_layer_unwrapped
# help: For two sizes you return the bare nn.Linear. It is to be an nn.Sequential of one layer, so that
#   callers need not tell the cases apart.
def build_mlp(sizes):
    if len(sizes) < 2:
        raise ValueError("too few sizes")
    if len(sizes) == 2:
        return nn.Linear(*sizes)
    layers = []
    for i in range(len(sizes) - 1):
        d_in, d_out = sizes[i], sizes[i + 1]
        layers += [nn.Linear(d_in, d_out), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


# %% build_mlp: list_consumed
# help: You take the sizes out of the caller's list, and it is shorter afterwards. Read it without pop, or
#   work on a copy.
def build_mlp(sizes):
    if len(sizes) < 2:
        raise ValueError("too few sizes")
    layers, d_in = [], sizes.pop(0)
    while sizes:
        d_out = sizes.pop(0)
        layers += [nn.Linear(d_in, d_out), nn.ReLU()]
        d_in = d_out
    return nn.Sequential(*layers[:-1])


# %% build_mlp: assert_for_error
# help: An assert raises AssertionError, and disappears under `python -O`. The exercise asks for
#   ValueError: an if and a raise.
def build_mlp(sizes):
    assert len(sizes) >= 2
    layers = []
    for i in range(len(sizes) - 1):
        d_in, d_out = sizes[i], sizes[i + 1]
        layers += [nn.Linear(d_in, d_out), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


# %% build_mlp: softmax_at_the_end
# help: Your network ends in a softmax. Its last layer is a Linear: losses want raw numbers, as 5.5 will
#   show.
def build_mlp(sizes):
    if len(sizes) < 2:
        raise ValueError("too few sizes")
    layers = []
    for i in range(len(sizes) - 1):
        d_in, d_out = sizes[i], sizes[i + 1]
        layers += [nn.Linear(d_in, d_out), nn.ReLU()]
    return nn.Sequential(*layers[:-1], nn.Softmax(dim=-1))


# %% sequential: plain_list
# help: The modules lie in a plain Python list, where parameters() and state_dict() do not find them.
#   Register each under its number with add_module.
class Sequential(nn.Module):
    def __init__(self, *modules):
        super().__init__()
        self.layers = list(modules)

    def forward(self, x):
        for module in self.layers:
            x = module(x)
        return x

    def __len__(self):
        return len(self.layers)

    def __getitem__(self, index):
        return self.layers[index]

    def __iter__(self):
        return iter(self.layers)


# %% sequential: children_only_once
# help: children() and named_children() give each module once, so one that was passed twice runs only
#   once. Go through everything that was passed.
class Sequential(nn.Module):
    def __init__(self, *modules):
        super().__init__()
        for i, module in enumerate(modules):
            self.add_module(str(i), module)

    def forward(self, x):
        for module in self.children():
            x = module(x)
        return x

    def __len__(self):
        return len(list(self.children()))

    def __getitem__(self, index):
        return list(self.children())[index]

    def __iter__(self):
        return self.children()


# %% sequential: list_in_the_names
# help: The keys begin with the attribute's name, as in layers.0.weight. nn.Sequential registers the
#   modules on itself, so its keys begin with the number.
class Sequential(nn.Module):
    def __init__(self, *modules):
        super().__init__()
        self.layers = nn.ModuleList(modules)

    def forward(self, x):
        for module in self.layers:
            x = module(x)
        return x

    def __len__(self):
        return len(self.layers)

    def __getitem__(self, index):
        return self.layers[index]

    def __iter__(self):
        return iter(self.layers)


# %% sequential: counted_from_one
# help: Your names start at 1. The first module's keys are 0.weight and 0.bias.
class Sequential(nn.Module):
    def __init__(self, *modules):
        super().__init__()
        for i, module in enumerate(modules, 1):
            self.add_module(str(i), module)

    def forward(self, x):
        for module in self:
            x = module(x)
        return x

    def __len__(self):
        return len(self._modules)

    def __getitem__(self, index):
        return list(self._modules.values())[index]

    def __iter__(self):
        return iter(self._modules.values())


# %% sequential: names_with_a_word
# help: Your modules are registered under names such as layer0. The name is the bare number, as a string.
class Sequential(nn.Module):
    def __init__(self, *modules):
        super().__init__()
        for i, module in enumerate(modules):
            setattr(self, f"layer{i}", module)

    def forward(self, x):
        for module in self:
            x = module(x)
        return x

    def __len__(self):
        return len(self._modules)

    def __getitem__(self, index):
        return list(self._modules.values())[index]

    def __iter__(self):
        return iter(self._modules.values())


# %% sequential: no_negative_index
# help: s[-1] is looked up under the name "-1", which no module has. A list made of the modules counts
#   from the end by itself.
class Sequential(nn.Module):
    def __init__(self, *modules):
        super().__init__()
        for i, module in enumerate(modules):
            self.add_module(str(i), module)

    def forward(self, x):
        for module in self:
            x = module(x)
        return x

    def __len__(self):
        return len(self._modules)

    def __getitem__(self, index):
        return self._modules[str(index)]

    def __iter__(self):
        return iter(self._modules.values())


# %% sequential: names_for_modules
# help: A for loop over your container gives names, "0", "1", …, instead of the modules. Which half of the
#   dictionary is it?
class Sequential(nn.Module):
    def __init__(self, *modules):
        super().__init__()
        for i, module in enumerate(modules):
            self.add_module(str(i), module)

    def forward(self, x):
        for module in self._modules.values():
            x = module(x)
        return x

    def __len__(self):
        return len(self._modules)

    def __getitem__(self, index):
        return list(self._modules.values())[index]

    def __iter__(self):
        return iter(self._modules)


# %% sequential: input_for_everyone
# help: Every module gets the first input, and only the last one's answer comes out. Each has to get what
#   the one before it returned.
class Sequential(nn.Module):
    def __init__(self, *modules):
        super().__init__()
        for i, module in enumerate(modules):
            self.add_module(str(i), module)

    def forward(self, x):
        for module in self:
            out = module(x)
        return out

    def __len__(self):
        return len(self._modules)

    def __getitem__(self, index):
        return list(self._modules.values())[index]

    def __iter__(self):
        return iter(self._modules.values())


# %% sequential: returns_after_first
# help: Only the first module runs: the return stands inside the loop.
class Sequential(nn.Module):
    def __init__(self, *modules):
        super().__init__()
        for i, module in enumerate(modules):
            self.add_module(str(i), module)

    def forward(self, x):
        for module in self:
            x = module(x)
            return x

    def __len__(self):
        return len(self._modules)

    def __getitem__(self, index):
        return list(self._modules.values())[index]

    def __iter__(self):
        return iter(self._modules.values())


# %% sequential: backwards
# help: Your modules run from the last to the first. The one passed first runs first.
class Sequential(nn.Module):
    def __init__(self, *modules):
        super().__init__()
        for i, module in enumerate(modules):
            self.add_module(str(i), module)

    def forward(self, x):
        for module in reversed(list(self._modules.values())):
            x = module(x)
        return x

    def __len__(self):
        return len(self._modules)

    def __getitem__(self, index):
        return list(self._modules.values())[index]

    def __iter__(self):
        return iter(self._modules.values())


# %% sequential: no_super_init
# help: A module has to be set up before anything is registered on it: super().__init__() is the first
#   line of __init__.
class Sequential(nn.Module):
    def __init__(self, *modules):
        for i, module in enumerate(modules):
            self.add_module(str(i), module)

    def forward(self, x):
        for module in self:
            x = module(x)
        return x

    def __len__(self):
        return len(self._modules)

    def __getitem__(self, index):
        return list(self._modules.values())[index]

    def __iter__(self):
        return iter(self._modules.values())


# %% sequential: copies
# help: You register copies. A module that is passed twice then has two sets of weights, and s[0] is not
#   the module that was handed in.
class Sequential(nn.Module):
    def __init__(self, *modules):
        import copy

        super().__init__()
        for i, module in enumerate(modules):
            self.add_module(str(i), copy.deepcopy(module))

    def forward(self, x):
        for module in self:
            x = module(x)
        return x

    def __len__(self):
        return len(self._modules)

    def __getitem__(self, index):
        return list(self._modules.values())[index]

    def __iter__(self):
        return iter(self._modules.values())


# %% sequential: used_up_iterator
# help: Your container keeps one iterator and hands it out again and again: after the first walk it is
#   empty. Make a new iterator in each call.
class Sequential(nn.Module):
    def __init__(self, *modules):
        super().__init__()
        for i, module in enumerate(modules):
            self.add_module(str(i), module)
        self.walk = iter(modules)

    def forward(self, x):
        for module in self._modules.values():
            x = module(x)
        return x

    def __len__(self):
        return len(self._modules)

    def __getitem__(self, index):
        return list(self._modules.values())[index]

    def __iter__(self):
        return self.walk


# %% mse_loss: divided_by_the_batch
# help: Your mean divides by the number of rows. "mean" averages over all entries, rows times columns.
class MSELoss(nn.Module):
    def __init__(self, reduction="mean"):
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError("unknown reduction")
        self.reduction = reduction

    def forward(self, y_pred, y):
        if y_pred.shape != y.shape:
            raise ValueError("shapes differ")
        squares = (y_pred - y) ** 2
        if self.reduction == "none":
            return squares
        return squares.sum() if self.reduction == "sum" else squares.sum() / len(y)


# %% mse_loss: reduction_ignored
# help: "sum" and "none" give the mean too: the reduction is never looked at. Remember it in __init__ and
#   decide in forward.
class MSELoss(nn.Module):
    def __init__(self, reduction="mean"):
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError("unknown reduction")

    def forward(self, y_pred, y):
        if y_pred.shape != y.shape:
            raise ValueError("shapes differ")
        return ((y_pred - y) ** 2).mean()


# %% mse_loss: no_shape_check
# help: Two shapes that differ were broadcast, and out came a number that means nothing. Compare the
#   shapes first, and raise ValueError.
class MSELoss(nn.Module):
    def __init__(self, reduction="mean"):
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError("unknown reduction")
        self.reduction = reduction

    def forward(self, y_pred, y):
        squares = (y_pred - y) ** 2
        if self.reduction == "none":
            return squares
        return squares.sum() if self.reduction == "sum" else squares.mean()


# %% mse_loss: counts_compared
# help: You compare how many numbers there are, not the shapes: (4, 1) and (4,) hold four each and still
#   make a 4 by 4 table.
class MSELoss(nn.Module):
    def __init__(self, reduction="mean"):
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError("unknown reduction")
        self.reduction = reduction

    def forward(self, y_pred, y):
        if y_pred.numel() != y.numel():
            raise ValueError("shapes differ")
        squares = (y_pred - y) ** 2
        if self.reduction == "none":
            return squares
        return squares.sum() if self.reduction == "sum" else squares.mean()


# %% mse_loss: rows_compared
# help: You compare only the number of rows. (4, 3) against (4, 1) has the same, and is broadcast all the
#   same: compare whole shapes.
class MSELoss(nn.Module):
    def __init__(self, reduction="mean"):
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError("unknown reduction")
        self.reduction = reduction

    def forward(self, y_pred, y):
        if len(y_pred) != len(y):
            raise ValueError("shapes differ")
        squares = (y_pred - y) ** 2
        if self.reduction == "none":
            return squares
        return squares.sum() if self.reduction == "sum" else squares.mean()


# %% mse_loss: reshaped_to_fit
# help: You reshape the targets until they fit. A loss that repairs its input hides the mistake of whoever
#   called it: raise ValueError.
class MSELoss(nn.Module):
    def __init__(self, reduction="mean"):
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError("unknown reduction")
        self.reduction = reduction

    def forward(self, y_pred, y):
        if y_pred.numel() != y.numel():
            raise ValueError("shapes differ")
        squares = (y_pred - y.reshape(y_pred.shape)) ** 2
        if self.reduction == "none":
            return squares
        return squares.sum() if self.reduction == "sum" else squares.mean()


# %% mse_loss: unknown_reduction_accepted
# help: A reduction that does not exist is taken for the mean, in silence. Whoever mistypes it should hear
#   about it: ValueError.
class MSELoss(nn.Module):
    def __init__(self, reduction="mean"):
        super().__init__()
        self.reduction = reduction

    def forward(self, y_pred, y):
        if y_pred.shape != y.shape:
            raise ValueError("shapes differ")
        squares = (y_pred - y) ** 2
        if self.reduction == "none":
            return squares
        return squares.sum() if self.reduction == "sum" else squares.mean()


# %% mse_loss: python_number
# help: You return a Python number. It has left the graph, so nothing can flow back through it: return the
#   tensor.
class MSELoss(nn.Module):
    def __init__(self, reduction="mean"):
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError("unknown reduction")
        self.reduction = reduction

    def forward(self, y_pred, y):
        if y_pred.shape != y.shape:
            raise ValueError("shapes differ")
        squares = (y_pred - y) ** 2
        if self.reduction == "none":
            return squares
        return squares.sum().item() if self.reduction == "sum" else squares.mean().item()


# %% mse_loss: detached
# help: The value is right, but the graph is cut before the loss: detach, or no_grad, leaves nothing to go
#   backward through.
class MSELoss(nn.Module):
    def __init__(self, reduction="mean"):
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError("unknown reduction")
        self.reduction = reduction

    @torch.no_grad()
    def forward(self, y_pred, y):
        if y_pred.shape != y.shape:
            raise ValueError("shapes differ")
        squares = (y_pred - y) ** 2
        if self.reduction == "none":
            return squares
        return squares.sum() if self.reduction == "sum" else squares.mean()


# %% mse_loss: halved
# help: Everything is half of what it should be. Some books put 1/2 in front of the squares; this loss has
#   none.
class MSELoss(nn.Module):
    def __init__(self, reduction="mean"):
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError("unknown reduction")
        self.reduction = reduction

    def forward(self, y_pred, y):
        if y_pred.shape != y.shape:
            raise ValueError("shapes differ")
        squares = 0.5 * (y_pred - y) ** 2
        if self.reduction == "none":
            return squares
        return squares.sum() if self.reduction == "sum" else squares.mean()


# %% mse_loss: sum_by_default
# help: Without an argument your loss adds up. The default reduction is "mean".
class MSELoss(nn.Module):
    def __init__(self, reduction="sum"):
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError("unknown reduction")
        self.reduction = reduction

    def forward(self, y_pred, y):
        if y_pred.shape != y.shape:
            raise ValueError("shapes differ")
        squares = (y_pred - y) ** 2
        if self.reduction == "none":
            return squares
        return squares.sum() if self.reduction == "sum" else squares.mean()


# %% mse_loss: absolute
# help: You take absolute differences. This loss squares them.
class MSELoss(nn.Module):
    def __init__(self, reduction="mean"):
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError("unknown reduction")
        self.reduction = reduction

    def forward(self, y_pred, y):
        if y_pred.shape != y.shape:
            raise ValueError("shapes differ")
        errors = (y_pred - y).abs()
        if self.reduction == "none":
            return errors
        return errors.sum() if self.reduction == "sum" else errors.mean()


# %% mse_loss: root
# help: You take the square root of the mean. That is another measure (RMSE); the loss stops at the mean
#   of the squares.
class MSELoss(nn.Module):
    def __init__(self, reduction="mean"):
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError("unknown reduction")
        self.reduction = reduction

    def forward(self, y_pred, y):
        if y_pred.shape != y.shape:
            raise ValueError("shapes differ")
        squares = (y_pred - y) ** 2
        if self.reduction == "none":
            return squares
        return squares.sum() if self.reduction == "sum" else squares.mean().sqrt()


# %% mse_loss: prediction_overwritten
# help: You compute in place, and the caller's prediction now holds the differences. Write y_pred - y,
#   which makes a new tensor.
class MSELoss(nn.Module):
    def __init__(self, reduction="mean"):
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError("unknown reduction")
        self.reduction = reduction

    def forward(self, y_pred, y):
        if y_pred.shape != y.shape:
            raise ValueError("shapes differ")
        squares = y_pred.sub_(y) ** 2
        if self.reduction == "none":
            return squares
        return squares.sum() if self.reduction == "sum" else squares.mean()


# %% mse_loss: rows_averaged
# help: "none" leaves every entry as it is. Yours leaves one number a row.
class MSELoss(nn.Module):
    def __init__(self, reduction="mean"):
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError("unknown reduction")
        self.reduction = reduction

    def forward(self, y_pred, y):
        if y_pred.shape != y.shape:
            raise ValueError("shapes differ")
        squares = (y_pred - y) ** 2
        if self.reduction == "none":
            return squares.mean(-1)
        return squares.sum() if self.reduction == "sum" else squares.mean()


# %% mse_loss: no_module
# help: Your loss works, but it is no nn.Module: class MSELoss(nn.Module), and forward in place of __call__.
class MSELoss:
    def __init__(self, reduction="mean"):
        if reduction not in ("mean", "sum", "none"):
            raise ValueError("unknown reduction")
        self.reduction = reduction

    def __call__(self, y_pred, y):
        if y_pred.shape != y.shape:
            raise ValueError("shapes differ")
        squares = (y_pred - y) ** 2
        if self.reduction == "none":
            return squares
        return squares.sum() if self.reduction == "sum" else squares.mean()

    def parameters(self):
        return []


# %% log_softmax: no_shift
# help: exp overflows for large numbers. Take the largest along dim off before exp; it cancels.
def log_softmax(x, dim):
    return x - x.exp().sum(dim, keepdim=True).log()


# %% log_softmax: log_of_softmax
# help: A probability that has become 0 has the logarithm -inf. Never take the log of the quotient: it is
#   a difference.
def log_softmax(x, dim):
    e = (x - x.amax(dim, keepdim=True)).exp()
    return (e / e.sum(dim, keepdim=True)).log()


# %% log_softmax: log_of_softmax_unshifted
# help: Both cliffs at once: exp of a large number is inf, and the logarithm of a probability that became
#   0 is -inf. Use the right-hand form of 5.5.
def log_softmax(x, dim):
    e = x.exp()
    return (e / e.sum(dim, keepdim=True)).log()


# %% log_softmax: small_number_added
# help: Something keeps your probabilities away from 0 so that the log stays finite, and it makes the result
#   wrong there. Rewrite the quotient as a difference instead.
def log_softmax(x, dim):
    e = (x - x.amax(dim, keepdim=True)).exp()
    return (e / e.sum(dim, keepdim=True) + 1e-12).log()


# %% log_softmax: one_shift_for_all
# help: You take off the largest number of the whole tensor. For a row far below it every exp is 0: each
#   slice along dim has a largest of its own.
def log_softmax(x, dim):
    shifted = x - x.max()
    return shifted - shifted.exp().sum(dim, keepdim=True).log()


# %% log_softmax: dim_ignored
# help: You always work along the last axis. The argument dim says which one it is.
def log_softmax(x, dim):
    shifted = x - x.amax(-1, keepdim=True)
    return shifted - shifted.exp().sum(-1, keepdim=True).log()


# %% log_softmax: sum_along_last
# help: The largest is taken along dim, the sum along the last axis. Both belong to dim.
def log_softmax(x, dim):
    shifted = x - x.amax(dim, keepdim=True)
    return shifted - shifted.exp().sum(-1, keepdim=True).log()


# %% log_softmax: no_keepdim
# help: Without keepdim the axis is gone and the rest lines up with the wrong one; on a square matrix not
#   even an error tells you.
def log_softmax(x, dim):
    shifted = x - x.amax(dim, keepdim=True)
    return shifted - shifted.exp().sum(dim).log()


# %% log_softmax: summed_over_everything
# help: You sum over all entries. The entries along dim sum to 1, each slice for itself.
def log_softmax(x, dim):
    shifted = x - x.amax(dim, keepdim=True)
    return shifted - shifted.exp().sum().log()


# %% log_softmax: shift_not_returned
# help: The largest was taken off inside the sum only, and never put back: your result is too large by it.
#   Take it off everywhere, or add it to the log of the sum.
def log_softmax(x, dim):
    top = x.amax(dim, keepdim=True)
    return x - (x - top).exp().sum(dim, keepdim=True).log()


# %% log_softmax: softmax_returned
# help: These are the probabilities themselves. What is asked for is their logarithm.
def log_softmax(x, dim):
    e = (x - x.amax(dim, keepdim=True)).exp()
    return e / e.sum(dim, keepdim=True)


# %% log_softmax: sign_reversed
# help: Your sign is the other way round. The logarithm of a probability is negative; the minus of the
#   loss comes later.
def log_softmax(x, dim):
    shifted = x - x.amax(dim, keepdim=True)
    return shifted.exp().sum(dim, keepdim=True).log() - shifted


# %% log_softmax: base_two
# help: This is the logarithm to base 2. Softmax and cross-entropy use the natural one.
def log_softmax(x, dim):
    shifted = x - x.amax(dim, keepdim=True)
    return (shifted - shifted.exp().sum(dim, keepdim=True).log()) / 0.6931471805599453


# %% log_softmax: sum_off_the_tape
# help: The log of the sum is computed off the tape, so its part of the gradient is missing: yours does
#   not see the other entries.
def log_softmax(x, dim):
    with torch.no_grad():
        top = x.amax(dim, keepdim=True)
        log_sum = top + (x - top).exp().sum(dim, keepdim=True).log()
    return x - log_sum


# %% log_softmax: all_off_the_tape
# help: The result has no graph behind it: something detaches it, or it is computed under no_grad. A loss
#   has to send its gradient through here.
@torch.no_grad()
def log_softmax(x, dim):
    shifted = x - x.amax(dim, keepdim=True)
    return shifted - shifted.exp().sum(dim, keepdim=True).log()


# %% log_softmax: x_shifted_in_place
# help: You take the largest off in place, and the caller's x has changed. `x = x - …` makes a new tensor.
def log_softmax(x, dim):
    with torch.no_grad():
        x -= x.amax(dim, keepdim=True)
    return x - x.exp().sum(dim, keepdim=True).log()


# %% log_softmax: mean_shift
# help: You take off the mean. What is far above the mean still overflows: it has to be the largest.
def log_softmax(x, dim):
    shifted = x - x.mean(dim, keepdim=True)
    return shifted - shifted.exp().sum(dim, keepdim=True).log()


# %% log_softmax: float32_always
# help: float64 came in and float32 came out. Let torch keep the dtype of x; nothing needs converting.
def log_softmax(x, dim):
    x = x.float()
    shifted = x - x.amax(dim, keepdim=True)
    return shifted - shifted.exp().sum(dim, keepdim=True).log()


# %% cross_entropy: sum_for_mean
# help: You add the examples up. Cross-entropy is their mean, over the labels that count.
class CrossEntropyLoss(nn.Module):
    def __init__(self, ignore_index=-100):
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, logits, labels):
        counts = labels != self.ignore_index
        log_p = log_softmax(logits[counts], 1)
        return -log_p.gather(1, labels[counts][:, None]).sum()


# %% cross_entropy: ignored_ones_counted
# help: Ignored labels add nothing to your sum, but you divide by all N. Divide by how many labels count.
class CrossEntropyLoss(nn.Module):
    def __init__(self, ignore_index=-100):
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, logits, labels):
        counts = labels != self.ignore_index
        log_p = log_softmax(logits[counts], 1)
        return -log_p.gather(1, labels[counts][:, None]).sum() / len(labels)


# %% cross_entropy: nothing_ignored
# help: Every label is used as an index, also the one to ignore. Leave those rows out before you pick.
class CrossEntropyLoss(nn.Module):
    def __init__(self, ignore_index=-100):
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, logits, labels):
        log_p = log_softmax(logits, 1)
        return -log_p.gather(1, labels[:, None]).mean()


# %% cross_entropy: ignored_used_as_index
# help: A label that is to be ignored was used as an index. Leave those rows out before you pick.
class CrossEntropyLoss(nn.Module):
    def __init__(self, ignore_index=-100):
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, logits, labels):
        log_p = log_softmax(logits, 1)
        return -log_p[torch.arange(len(labels)), labels].mean()


# %% cross_entropy: small_number_added
# help: Something keeps your probabilities away from 0 so that the log stays finite, and a sure and wrong
#   answer costs too little. Use the one safe step of 5.5.
class CrossEntropyLoss(nn.Module):
    def __init__(self, ignore_index=-100):
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, logits, labels):
        counts = labels != self.ignore_index
        log_p = (logits[counts].softmax(1) + 1e-12).log()
        return -log_p.gather(1, labels[counts][:, None]).mean()


# %% cross_entropy: only_minus_100
# help: You always ignore -100, whatever the constructor was given. Remember ignore_index and compare with
#   it.
class CrossEntropyLoss(nn.Module):
    def __init__(self, ignore_index=-100):
        super().__init__()

    def forward(self, logits, labels):
        counts = labels != -100
        log_p = log_softmax(logits[counts], 1)
        return -log_p.gather(1, labels[counts][:, None]).mean()


# %% cross_entropy: negative_labels_ignored
# help: You leave out every negative label. What is left out is exactly ignore_index, which may be a
#   positive number as well.
class CrossEntropyLoss(nn.Module):
    def __init__(self, ignore_index=-100):
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, logits, labels):
        counts = labels >= 0
        log_p = log_softmax(logits[counts], 1)
        return -log_p.gather(1, labels[counts][:, None]).mean()


# %% cross_entropy: ignored_taken_for_class_0
# help: Ignored labels are replaced by class 0 and then counted like the others. They must add nothing and
#   not be counted.
class CrossEntropyLoss(nn.Module):
    def __init__(self, ignore_index=-100):
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, logits, labels):
        safe = labels.masked_fill(labels == self.ignore_index, 0)
        log_p = log_softmax(logits, 1)
        return -log_p.gather(1, safe[:, None]).mean()


# %% cross_entropy: labels_overwritten
# help: You write into the caller's labels to get rid of the ignored ones. Work on a copy, or leave the
#   rows out.
class CrossEntropyLoss(nn.Module):
    def __init__(self, ignore_index=-100):
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, logits, labels):
        counts = labels != self.ignore_index
        labels[~counts] = 0
        picked = log_softmax(logits, 1).gather(1, labels[:, None])[:, 0]
        return -picked[counts].mean()


# %% cross_entropy: probabilities_expected
# help: You take the log of the logits as if they were probabilities already. They are raw numbers:
#   log_softmax comes first.
class CrossEntropyLoss(nn.Module):
    def __init__(self, ignore_index=-100):
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, logits, labels):
        counts = labels != self.ignore_index
        log_p = logits[counts].log()
        return -log_p.gather(1, labels[counts][:, None]).mean()


# %% cross_entropy: softmax_twice
# help: The softmax is taken twice: log_softmax already does it, and here it gets probabilities in place
#   of logits.
class CrossEntropyLoss(nn.Module):
    def __init__(self, ignore_index=-100):
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, logits, labels):
        counts = labels != self.ignore_index
        log_p = log_softmax(logits[counts].softmax(1), 1)
        return -log_p.gather(1, labels[counts][:, None]).mean()


# %% cross_entropy: log_of_softmax
# help: Large logits make your loss infinite: a sum of exp ran over, or a probability became 0 before its
#   log was taken. Use the one safe step of 5.5.
class CrossEntropyLoss(nn.Module):
    def __init__(self, ignore_index=-100):
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, logits, labels):
        counts = labels != self.ignore_index
        log_p = logits[counts].softmax(1).log()
        return -log_p.gather(1, labels[counts][:, None]).mean()


# %% cross_entropy: over_the_batch
# help: Your log_softmax runs down the batch, so examples compete with each other. The classes are axis 1.
class CrossEntropyLoss(nn.Module):
    def __init__(self, ignore_index=-100):
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, logits, labels):
        counts = labels != self.ignore_index
        log_p = log_softmax(logits[counts], 0)
        return -log_p.gather(1, labels[counts][:, None]).mean()


# %% cross_entropy: whole_columns_picked
# help: log_p[:, labels] picks whole columns, an N by N table, and you average all of it. One entry a row:
#   index rows and labels together.
class CrossEntropyLoss(nn.Module):
    def __init__(self, ignore_index=-100):
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, logits, labels):
        counts = labels != self.ignore_index
        log_p = log_softmax(logits[counts], 1)
        return -log_p[:, labels[counts]].mean()


# %% cross_entropy: sign_forgotten
# help: Your loss is negative, and going downhill on it makes the right class less likely. It is minus the
#   log.
class CrossEntropyLoss(nn.Module):
    def __init__(self, ignore_index=-100):
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, logits, labels):
        counts = labels != self.ignore_index
        log_p = log_softmax(logits[counts], 1)
        return log_p.gather(1, labels[counts][:, None]).mean()


# %% cross_entropy: python_number
# help: You return a Python float. The training step needs a tensor with its graph: leave .item() to
#   whoever prints it.
class CrossEntropyLoss(nn.Module):
    def __init__(self, ignore_index=-100):
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, logits, labels):
        counts = labels != self.ignore_index
        log_p = log_softmax(logits[counts], 1)
        return -log_p.gather(1, labels[counts][:, None]).mean().item()


# %% cross_entropy: divided_by_classes_too
# help: Your loss is C times too small: you average over the N × C table, in which only one entry a row is
#   not 0. Divide by the labels that count.
class CrossEntropyLoss(nn.Module):
    def __init__(self, ignore_index=-100):
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, logits, labels):
        counts = labels != self.ignore_index
        truth = F.one_hot(labels[counts], logits.shape[1])
        return -(log_softmax(logits[counts], 1) * truth).mean()


# %% cross_entropy: one_for_each
# help: You return one loss for each example. The last step, their mean, is missing.
class CrossEntropyLoss(nn.Module):
    def __init__(self, ignore_index=-100):
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, logits, labels):
        counts = labels != self.ignore_index
        log_p = log_softmax(logits[counts], 1)
        return -log_p.gather(1, labels[counts][:, None])[:, 0]


# %% train_step: stale_gradients
# help: Old gradients were added to the new ones: backward accumulates. Clear them before you go backward.
def train_step(model, loss_fn, x, y, lr):
    loss = loss_fn(model(x), y)
    loss.backward()
    with torch.no_grad():
        for p in model.parameters():
            if p.grad is not None:
                p -= lr * p.grad
    return loss.item()


# %% train_step: cleared_afterwards_only
# help: You clear the gradients at the end of the step. What somebody else left in .grad before your step
#   counts then: clear before backward.
def train_step(model, loss_fn, x, y, lr):
    loss = loss_fn(model(x), y)
    loss.backward()
    with torch.no_grad():
        for p in model.parameters():
            if p.grad is not None:
                p -= lr * p.grad
    model.zero_grad()
    return loss.item()


# %% train_step: uphill
# help: You add the gradient. It points uphill, and the loss grows: subtract it.
def train_step(model, loss_fn, x, y, lr):
    model.zero_grad()
    loss = loss_fn(model(x), y)
    loss.backward()
    with torch.no_grad():
        for p in model.parameters():
            if p.grad is not None:
                p += lr * p.grad
    return loss.item()


# %% train_step: nothing_moves
# help: The loss is right, and no parameter has moved. Either `p = p - …` only made a new tensor called p
#   while the model keeps the old one, or the gradients were cleared between backward and the step.
def train_step(model, loss_fn, x, y, lr):
    model.zero_grad()
    loss = loss_fn(model(x), y)
    loss.backward()
    for p in model.parameters():
        if p.grad is not None:
            p = p - lr * p.grad
    return loss.item()


# %% train_step: loss_after_the_step
# help: You measure the loss again after the step. What is asked for is the loss the gradients came from.
def train_step(model, loss_fn, x, y, lr):
    model.zero_grad()
    loss_fn(model(x), y).backward()
    with torch.no_grad():
        for p in model.parameters():
            if p.grad is not None:
                p -= lr * p.grad
        return loss_fn(model(x), y).item()


# %% train_step: tensor_returned
# help: You return the loss as a tensor. A list of those keeps every graph of the training alive: return a
#   Python float.
def train_step(model, loss_fn, x, y, lr):
    model.zero_grad()
    loss = loss_fn(model(x), y)
    loss.backward()
    with torch.no_grad():
        for p in model.parameters():
            if p.grad is not None:
                p -= lr * p.grad
    return loss


# %% train_step: step_over_none
# help: A parameter that nothing flowed to has .grad None, and None cannot be multiplied. Leave such
#   parameters out.
def train_step(model, loss_fn, x, y, lr):
    model.zero_grad()
    loss = loss_fn(model(x), y)
    loss.backward()
    with torch.no_grad():
        for p in model.parameters():
            p -= lr * p.grad
    return loss.item()


# %% train_step: leaf_on_the_tape
# help: A leaf that requires grad cannot be changed in place while everything is recorded. The update
#   belongs under torch.no_grad().
def train_step(model, loss_fn, x, y, lr):
    model.zero_grad()
    loss = loss_fn(model(x), y)
    loss.backward()
    for p in model.parameters():
        if p.grad is not None:
            p -= lr * p.grad
    return loss.item()


# %% train_step: grad_mode_left_off
# help: You switch recording off for the update and leave it off: whatever runs next has no gradients. Use
#   `with torch.no_grad():`.
def train_step(model, loss_fn, x, y, lr):
    model.zero_grad()
    loss = loss_fn(model(x), y)
    loss.backward()
    torch.set_grad_enabled(False)
    for p in model.parameters():
        if p.grad is not None:
            p -= lr * p.grad
    return loss.item()


# %% train_step: mode_switched
# help: The model comes back in training mode though it was in evaluation mode. Who calls train_step
#   chooses the mode.
def train_step(model, loss_fn, x, y, lr):
    model.train()
    model.zero_grad()
    loss = loss_fn(model(x), y)
    loss.backward()
    with torch.no_grad():
        for p in model.parameters():
            if p.grad is not None:
                p -= lr * p.grad
    return loss.item()


# %% train_step: everything_thawed
# help: You set requires_grad for every parameter, and the frozen ones move too. Leave the flags as they
#   are.
def train_step(model, loss_fn, x, y, lr):
    for p in model.parameters():
        p.requires_grad_(True)
    model.zero_grad()
    loss = loss_fn(model(x), y)
    loss.backward()
    with torch.no_grad():
        for p in model.parameters():
            if p.grad is not None:
                p -= lr * p.grad
    return loss.item()


# %% train_step: only_trainable_cleared
# help: Only parameters that require grad are cleared, and a frozen one with an old gradient moves. Frozen
#   means: no step, whatever lies in .grad.
def train_step(model, loss_fn, x, y, lr):
    for p in model.parameters():
        if p.requires_grad:
            p.grad = None
    loss = loss_fn(model(x), y)
    loss.backward()
    with torch.no_grad():
        for p in model.parameters():
            if p.grad is not None:
                p -= lr * p.grad
    return loss.item()


# %% train_step: arguments_swapped
# help: loss_fn gets y first and the prediction second. The order is loss_fn(prediction, y), and not every
#   loss is symmetric.
def train_step(model, loss_fn, x, y, lr):
    model.zero_grad()
    loss = loss_fn(y, model(x))
    loss.backward()
    with torch.no_grad():
        for p in model.parameters():
            if p.grad is not None:
                p -= lr * p.grad
    return loss.item()


# %% train_step: divided_by_the_batch
# help: Your step is N times too short: you divide the gradient by the batch. How the loss averages is the
#   loss's own business.
def train_step(model, loss_fn, x, y, lr):
    model.zero_grad()
    loss = loss_fn(model(x), y)
    loss.backward()
    with torch.no_grad():
        for p in model.parameters():
            if p.grad is not None:
                p -= lr * p.grad / len(x)
    return loss.item()


# %% train_step: shared_weight_twice
# help: You walk through the modules and meet a shared weight in each of them, so it moves twice.
#   model.parameters() lists everything once.
def train_step(model, loss_fn, x, y, lr):
    model.zero_grad()
    loss = loss_fn(model(x), y)
    loss.backward()
    with torch.no_grad():
        for module in model.modules():
            for p in module.parameters(recurse=False):
                if p.grad is not None:
                    p -= lr * p.grad
    return loss.item()


# %% train_step: direct_layers_only
# help: Only parameters named weight move. model.parameters() lists the biases too.
def train_step(model, loss_fn, x, y, lr):
    model.zero_grad()
    loss = loss_fn(model(x), y)
    loss.backward()
    with torch.no_grad():
        for name, p in model.named_parameters():
            if name.endswith("weight") and p.grad is not None:
                p -= lr * p.grad
    return loss.item()


# %% dropout: never_drops
# help: Your layer hands everything through, in training too. While training each entry is dropped with
#   probability p.
class Dropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError("p is a probability")

    def forward(self, x):
        return x


# %% dropout: scaled_in_place
# help: The mask is multiplied into x itself. The caller's tensor is not yours to change: a multiplication
#   without a trailing underscore makes a new one.
class Dropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError("p is a probability")
        self.p = p

    def forward(self, x):
        if not self.training or self.p == 0:
            return x
        if self.p == 1:
            return torch.zeros_like(x)
        x.data *= (torch.rand_like(x) >= self.p) / (1 - self.p)
        return x


# %% dropout: normal_numbers_compared
# help: The share of zeros is not p. Compare uniform numbers with p itself.
class Dropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError("p is a probability")
        self.p = p

    def forward(self, x):
        if not self.training or self.p == 0:
            return x
        if self.p == 1:
            return torch.zeros_like(x)
        return x * (torch.randn_like(x) >= self.p) / (1 - self.p)


# %% dropout: not_scaled
# help: What is kept comes out as it went in, so the mean sinks while training. Divide it by the share
#   that is kept.
class Dropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError("p is a probability")
        self.p = p

    def forward(self, x):
        if not self.training:
            return x
        return x * (torch.rand_like(x) >= self.p)


# %% dropout: scaled_in_evaluation
# help: You scale in evaluation by 1 - p, the old way. Inverted dropout scales while training, so that
#   evaluation has nothing to do.
class Dropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError("p is a probability")
        self.p = p

    def forward(self, x):
        if not self.training:
            return x * (1 - self.p)
        return x * (torch.rand_like(x) >= self.p)


# %% dropout: active_in_evaluation
# help: Your layer drops in evaluation too. The mode is self.training, which train() and eval() set in the whole tree:
#  ask that flag, and no other.
class Dropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError("p is a probability")
        self.p = p

    def forward(self, x):
        if self.p == 1:
            return x * 0
        return x * (torch.rand_like(x) >= self.p) / (1 - self.p)


# %% dropout: modes_swapped
# help: Your layer drops in evaluation and does nothing in training: the question about self.training is
#   the wrong way round.
class Dropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError("p is a probability")
        self.p = p

    def forward(self, x):
        if self.training or self.p == 0:
            return x
        if self.p == 1:
            return x * 0
        return x * (torch.rand_like(x) >= self.p) / (1 - self.p)


# %% dropout: keeps_with_p
# help: You keep an entry with probability p. p is the probability to drop it: with p = 0.1 nine of ten
#   stay.
class Dropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError("p is a probability")
        self.p = p

    def forward(self, x):
        if not self.training or self.p == 0:
            return x
        if self.p == 1:
            return x * 0
        return x * (torch.rand_like(x) < self.p) / (1 - self.p)


# %% dropout: keeps_and_divides_by_p
# help: You take p for the probability to keep, all the way through: p = 0 then gives nan and p = 1 keeps
#   everything. p is the probability to drop.
class Dropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError("p is a probability")
        self.p = p

    def forward(self, x):
        if not self.training:
            return x
        return x * (torch.rand_like(x) < self.p) / self.p


# %% dropout: divided_by_p
# help: What is kept is divided by p. The mean stays if you divide by the share that is left over, 1 - p.
class Dropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError("p is a probability")
        self.p = p

    def forward(self, x):
        if not self.training or self.p == 0:
            return x
        return x * (torch.rand_like(x) >= self.p) / self.p


# %% dropout: multiplied
# help: What is kept is multiplied by 1 - p and gets smaller still. It has to grow, to make up for what is
#   missing: divide.
class Dropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError("p is a probability")
        self.p = p

    def forward(self, x):
        if not self.training or self.p == 0:
            return x
        return x * (torch.rand_like(x) >= self.p) * (1 - self.p)


# %% dropout: same_mask_every_call
# help: Every call drops the same entries. Whatever fixes the mask (a seed inside the layer, or a mask
#   that is kept) has to go: draw anew each time.
class Dropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError("p is a probability")
        self.p = p

    def forward(self, x):
        if not self.training or self.p == 0:
            return x
        if self.p == 1:
            return x * 0
        numbers = torch.rand(x.shape, generator=torch.Generator().manual_seed(0))
        return x * (numbers >= self.p) / (1 - self.p)


# %% dropout: one_mask_for_the_batch
# help: One mask is drawn for a single row and serves the whole batch. Every entry of every row gets its
#   own draw: a mask of the shape of x.
class Dropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError("p is a probability")
        self.p = p

    def forward(self, x):
        if not self.training or self.p == 0:
            return x
        if self.p == 1:
            return x * 0
        return x * (torch.rand(x.shape[-1]) >= self.p) / (1 - self.p)


# %% dropout: whole_rows
# help: Whole rows are dropped at once. Every entry is dropped on its own: a mask of the shape of x, not
#   one number a row.
class Dropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError("p is a probability")
        self.p = p

    def forward(self, x):
        if not self.training or self.p == 0:
            return x
        if self.p == 1:
            return x * 0
        return x * (torch.rand(len(x)).reshape(-1, *[1] * (x.ndim - 1)) >= self.p) / (1 - self.p)


# %% dropout: fixed_number
# help: You drop the same number of entries in every call, only at other places. Each entry is dropped on
#   its own, so the number varies from call to call.
class Dropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError("p is a probability")
        self.p = p

    def forward(self, x):
        if not self.training or self.p == 0:
            return x
        if self.p == 1:
            return x * 0
        mask = (torch.randperm(x.numel()) >= round(self.p * x.numel())).reshape(x.shape)
        return x * mask / (1 - self.p)


# %% dropout: nan_at_one
# help: For p = 1 you divide 0 by 0 and get nan. With p = 1 everything is dropped: return zeros before you
#   divide.
class Dropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError("p is a probability")
        self.p = p

    def forward(self, x):
        if not self.training:
            return x
        return x * (torch.rand_like(x) >= self.p) / (1 - self.p)


# %% dropout: no_range_check
# help: p = 1.5 was accepted. A probability lies in [0, 1]; raise ValueError for anything else.
class Dropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        self.p = p

    def forward(self, x):
        if not self.training or self.p == 0:
            return x
        if self.p == 1:
            return x * 0
        return x * (torch.rand_like(x) >= self.p) / (1 - self.p)


# %% dropout: ends_refused
# help: p = 0 or p = 1 is refused. Both are probabilities, and both have a meaning: nothing is dropped,
#   everything is.
class Dropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        if not 0 < p < 1:
            raise ValueError("p is a probability")
        self.p = p

    def forward(self, x):
        if not self.training:
            return x
        return x * (torch.rand_like(x) >= self.p) / (1 - self.p)


# %% dropout: input_overwritten
# help: You write zeros into x itself. The caller's tensor is not yours to change: multiply by the mask,
#   which makes a new one.
class Dropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError("p is a probability")
        self.p = p

    def forward(self, x):
        if not self.training or self.p == 0:
            return x
        if self.p == 1:
            return x * 0
        with torch.no_grad():
            x[torch.rand_like(x) < self.p] = 0
        return x / (1 - self.p)


# %% dropout: own_flag
# help: Your layer drops in evaluation too. The mode is self.training, which train() and eval() set in the whole tree:
#  ask that flag, and no other.
class Dropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError("p is a probability")
        self.p = p
        self.is_training = True

    def forward(self, x):
        if not self.is_training or self.p == 0:
            return x
        if self.p == 1:
            return x * 0
        return x * (torch.rand_like(x) >= self.p) / (1 - self.p)

    def train(self, mode=True):
        self.is_training = True
        return super().train(mode)


# %% dropout: detached
# help: The values are right, but no gradient comes back: the product is computed off the tape. Only the
#   mask may be.
class Dropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError("p is a probability")
        self.p = p

    def forward(self, x):
        if not self.training or self.p == 0:
            return x
        if self.p == 1:
            return x * 0
        with torch.no_grad():
            return x * (torch.rand_like(x) >= self.p) / (1 - self.p)


# %% dropout: gradient_through_everything
# help: The values are masked and the gradient is not: your mask is put on with .data or a detached
#   difference. Multiply x itself by it.
class Dropout(nn.Module):
    def __init__(self, p=0.5):
        super().__init__()
        if not 0 <= p <= 1:
            raise ValueError("p is a probability")
        self.p = p

    def forward(self, x):
        if not self.training or self.p == 0:
            return x
        if self.p == 1:
            return x * 0
        out = x.clone()
        out.data = x.data * (torch.rand_like(x) >= self.p) / (1 - self.p)
        return out


# %% batch_norm: unbiased_for_the_output
# help: You normalise with the variance that divides by N - 1. For the output it divides by N; N - 1 is
#   for running_var.
class BatchNorm1d(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if self.training:
            mean, var = x.mean(0), x.var(0)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(var, self.momentum)
        else:
            mean, var = self.running_mean, self.running_var
        return (x - mean) / torch.sqrt(var + self.eps) * self.weight + self.bias


# %% batch_norm: biased_memory
# help: running_var gets the variance that divides by N. It is an estimate of the data behind the batch,
#   and divides by N - 1.
class BatchNorm1d(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if self.training:
            mean, var = x.mean(0), x.var(0, unbiased=False)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(var, self.momentum)
        else:
            mean, var = self.running_mean, self.running_var
        return (x - mean) / torch.sqrt(var + self.eps) * self.weight + self.bias


# %% batch_norm: momentum_swapped
# help: Your running statistics jump to nearly the batch's own: momentum is the weight of the new value,
#   not of the old.
class BatchNorm1d(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if self.training:
            mean, var = x.mean(0), x.var(0, unbiased=False)
            with torch.no_grad():
                self.running_mean.lerp_(mean, 1 - self.momentum)
                self.running_var.lerp_(x.var(0), 1 - self.momentum)
        else:
            mean, var = self.running_mean, self.running_var
        return (x - mean) / torch.sqrt(var + self.eps) * self.weight + self.bias


# %% batch_norm: momentum_fixed
# help: Your memory always takes a tenth of the new batch. The caller chooses the share: use the argument
#   momentum.
class BatchNorm1d(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if self.training:
            mean, var = x.mean(0), x.var(0, unbiased=False)
            with torch.no_grad():
                self.running_mean.lerp_(mean, 0.1)
                self.running_var.lerp_(x.var(0), 0.1)
        else:
            mean, var = self.running_mean, self.running_var
        return (x - mean) / torch.sqrt(var + self.eps) * self.weight + self.bias


# %% batch_norm: batch_statistics_always
# help: In evaluation you normalise with the batch's own mean and variance. Use the running ones there: the
#   answer for a row must not depend on its company.
class BatchNorm1d(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        mean, var = x.mean(0), x.var(0, unbiased=False)
        if self.training:
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var(0), self.momentum)
        return (x - mean) / torch.sqrt(var + self.eps) * self.weight + self.bias


# %% batch_norm: running_statistics_always
# help: In training too you normalise with the running statistics. While training the batch is normalised
#   by its own mean and variance.
class BatchNorm1d(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if self.training:
            with torch.no_grad():
                self.running_mean.lerp_(x.mean(0), self.momentum)
                self.running_var.lerp_(x.var(0), self.momentum)
        return (x - self.running_mean) / torch.sqrt(self.running_var + self.eps) * self.weight + self.bias


# %% batch_norm: never_remembers
# help: running_mean and running_var stay 0 and 1 whatever comes in. Training has to update them.
class BatchNorm1d(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if self.training:
            mean, var = x.mean(0), x.var(0, unbiased=False)
        else:
            mean, var = self.running_mean, self.running_var
        return (x - mean) / torch.sqrt(var + self.eps) * self.weight + self.bias


# %% batch_norm: updates_in_evaluation
# help: Your statistics move in evaluation as well: measuring changes the model. Update them in training
#   only.
class BatchNorm1d(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if self.training:
            mean, var = x.mean(0), x.var(0, unbiased=False)
        else:
            mean, var = self.running_mean.clone(), self.running_var.clone()
        if len(x) > 1:
            with torch.no_grad():
                self.running_mean.lerp_(x.mean(0), self.momentum)
                self.running_var.lerp_(x.var(0), self.momentum)
        return (x - mean) / torch.sqrt(var + self.eps) * self.weight + self.bias


# %% batch_norm: eps_outside_the_root
# help: eps is added to the standard deviation. It belongs to the variance, inside the root.
class BatchNorm1d(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if self.training:
            mean, var = x.mean(0), x.var(0, unbiased=False)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var(0), self.momentum)
        else:
            mean, var = self.running_mean, self.running_var
        return (x - mean) / (torch.sqrt(var) + self.eps) * self.weight + self.bias


# %% batch_norm: starts_with_the_first_batch
# help: Your running statistics jump to those of the first batch. They start at 0 and 1, and each batch moves
#   them by the share momentum, the first one too.
class BatchNorm1d(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum, self.seen = eps, momentum, False
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if self.training:
            mean, var = x.mean(0), x.var(0, unbiased=False)
            with torch.no_grad():
                share = self.momentum if self.seen else 1.0
                self.running_mean.lerp_(mean, share)
                self.running_var.lerp_(x.var(0), share)
                self.seen = True
        else:
            mean, var = self.running_mean, self.running_var
        return (x - mean) / torch.sqrt(var + self.eps) * self.weight + self.bias


# %% batch_norm: eps_fixed
# help: The eps that the caller chose has no effect. Add the argument eps, not a number of your own, to the
#   variance.
class BatchNorm1d(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.momentum = momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if self.training:
            mean, var = x.mean(0), x.var(0, unbiased=False)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var(0), self.momentum)
        else:
            mean, var = self.running_mean, self.running_var
        return (x - mean) / torch.sqrt(var + 1e-5) * self.weight + self.bias


# %% batch_norm: divided_by_the_variance
# help: You divide by the variance. The spread goes to 1 if you divide by its root, the standard deviation.
class BatchNorm1d(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if self.training:
            mean, var = x.mean(0), x.var(0, unbiased=False)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var(0), self.momentum)
        else:
            mean, var = self.running_mean, self.running_var
        return (x - mean) / (var + self.eps) * self.weight + self.bias


# %% batch_norm: along_the_features
# help: You normalise each row over its features. That is layer norm; here every column is normalised over
#   the batch, axis 0.
class BatchNorm1d(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if self.training:
            mean, var = x.mean(1, keepdim=True), x.var(1, unbiased=False, keepdim=True)
            with torch.no_grad():
                self.running_mean.lerp_(x.mean(0), self.momentum)
                self.running_var.lerp_(x.var(0), self.momentum)
        else:
            mean, var = self.running_mean, self.running_var
        return (x - mean) / torch.sqrt(var + self.eps) * self.weight + self.bias


# %% batch_norm: over_everything
# help: You take one mean and one variance of the whole batch. Every column has its own.
class BatchNorm1d(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if self.training:
            mean, var = x.mean(), x.var(unbiased=False)
            with torch.no_grad():
                self.running_mean.lerp_(x.mean(0), self.momentum)
                self.running_var.lerp_(x.var(0), self.momentum)
        else:
            mean, var = self.running_mean, self.running_var
        return (x - mean) / torch.sqrt(var + self.eps) * self.weight + self.bias


# %% batch_norm: weight_and_bias_unused
# help: weight and bias exist and are never used: the normalised batch comes out bare. Multiply by the one
#   and add the other.
class BatchNorm1d(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if self.training:
            mean, var = x.mean(0), x.var(0, unbiased=False)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var(0), self.momentum)
        else:
            mean, var = self.running_mean, self.running_var
        return (x - mean) / torch.sqrt(var + self.eps)


# %% batch_norm: statistics_as_parameters
# help: running_mean and running_var are parameters here, so an optimizer would train them. They are
#   buffers: register_buffer.
class BatchNorm1d(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.running_mean = nn.Parameter(torch.zeros(num_features), requires_grad=False)
        self.running_var = nn.Parameter(torch.ones(num_features), requires_grad=False)

    def forward(self, x):
        if self.training:
            mean, var = x.mean(0), x.var(0, unbiased=False)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var(0), self.momentum)
        else:
            mean, var = self.running_mean, self.running_var
        return (x - mean) / torch.sqrt(var + self.eps) * self.weight + self.bias


# %% batch_norm: plain_attributes
# help: running_mean and running_var are plain attributes: state_dict does not save them, and .double()
#   does not reach them. Register them as buffers.
class BatchNorm1d(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.running_mean = torch.zeros(num_features)
        self.running_var = torch.ones(num_features)

    def forward(self, x):
        if self.training:
            mean, var = x.mean(0), x.var(0, unbiased=False)
            with torch.no_grad():
                self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean
                self.running_var = (1 - self.momentum) * self.running_var + self.momentum * x.var(0)
        else:
            mean, var = self.running_mean, self.running_var
        return (x - mean) / torch.sqrt(var + self.eps) * self.weight + self.bias


# %% batch_norm: statistics_detached
# help: The batch's mean and variance are cut off the tape, so gradients ignore that every row moves them.
#   Only the memory is detached, not what the output uses.
class BatchNorm1d(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if self.training:
            with torch.no_grad():
                mean, var = x.mean(0), x.var(0, unbiased=False)
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var(0), self.momentum)
        else:
            mean, var = self.running_mean, self.running_var
        return (x - mean) / torch.sqrt(var + self.eps) * self.weight + self.bias


# %% batch_norm: memory_on_the_tape
# help: The memory is updated on the tape: running_mean then carries the graph of every batch it has seen.
#   Update it under torch.no_grad().
class BatchNorm1d(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if self.training:
            mean, var = x.mean(0), x.var(0, unbiased=False)
            self.running_mean = (1 - self.momentum) * self.running_mean + self.momentum * mean
            self.running_var = (1 - self.momentum) * self.running_var + self.momentum * x.var(0)
        else:
            mean, var = self.running_mean, self.running_var
        return (x - mean) / torch.sqrt(var + self.eps) * self.weight + self.bias


# %% batch_norm: variance_starts_at_zero
# help: running_var starts at 0, and an untrained layer divides by almost nothing in evaluation. It starts
#   at 1.
class BatchNorm1d(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.zeros(num_features))

    def forward(self, x):
        if self.training:
            mean, var = x.mean(0), x.var(0, unbiased=False)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.var(0), self.momentum)
        else:
            mean, var = self.running_mean, self.running_var
        return (x - mean) / torch.sqrt(var + self.eps) * self.weight + self.bias


# %% batch_norm: spread_remembered
# help: running_var keeps the standard deviation. It holds the variance, the square of that.
class BatchNorm1d(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum = eps, momentum
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if self.training:
            mean, var = x.mean(0), x.var(0, unbiased=False)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(x.std(0), self.momentum)
        else:
            mean, var = self.running_mean, self.running_var
        return (x - mean) / torch.sqrt(var + self.eps) * self.weight + self.bias


# %% judge_cross_entropy: accepts_everything
# help: You accept every loss that runs. Work out what it ought to give for a batch of yours, and compare.
def judge_cross_entropy(candidate):
    try:
        candidate()(torch.randn(4, 3), torch.tensor([0, 1, 2, 0]))
    except Exception:
        return False
    return True


# %% judge_cross_entropy: refuses_everything
# help: You refuse every loss, the right ones too. A judge earns nothing before it accepts what is right.
def judge_cross_entropy(candidate):
    return False


# %% judge_cross_entropy: one_batch
# help: You compare values and gradients, on one batch in which every label counts. What ignore_index does, no such
#  batch can tell.
def judge_cross_entropy(candidate):
    generator = torch.Generator().manual_seed(5)
    logits = torch.randn(5, 3, generator=generator, dtype=torch.float64)
    batches = [(logits, [0, 2, 1, 1, 0], -100), (logits.sign() * 1e4, [0, 1, 2, 1, 0], -100)]

    def ask(kind, rows, labels, ignored):
        leaf = rows.clone().requires_grad_()
        loss = kind(ignore_index=ignored)(leaf, torch.tensor(labels))
        return torch.cat([loss.detach().reshape(1), torch.autograd.grad(loss, leaf)[0].flatten()])

    try:
        return all(torch.allclose(ask(candidate, *b), ask(nn.CrossEntropyLoss, *b), atol=1e-6) for b in batches)
    except Exception:
        return False


# %% judge_cross_entropy: only_the_default_ignored
# help: You ignore -100 only, the default. A loss in which -100 is written down passes: give another ignore_index.
def judge_cross_entropy(candidate):
    generator = torch.Generator().manual_seed(5)
    logits = torch.randn(5, 3, generator=generator, dtype=torch.float64)
    batches = [
        (logits, [0, 2, 1, 1, 0]),
        (logits, [0, -100, 1, -100, 2]),
        (logits.sign() * 1e4, [0, 1, 2, 1, 0]),
    ]

    def ask(kind, rows, labels):
        leaf = rows.clone().requires_grad_()
        loss = kind()(leaf, torch.tensor(labels))
        return torch.cat([loss.detach().reshape(1), torch.autograd.grad(loss, leaf)[0].flatten()])

    try:
        return all(torch.allclose(ask(candidate, *b), ask(nn.CrossEntropyLoss, *b), atol=1e-6) for b in batches)
    except Exception:
        return False


# %% judge_cross_entropy: no_gradient_asked
# help: You compare values only. A loss that came off the tape has the right value, and nothing can be learned from it.
def judge_cross_entropy(candidate):
    generator = torch.Generator().manual_seed(5)
    logits = torch.randn(5, 3, generator=generator, dtype=torch.float64)
    batches = [
        (logits, [0, 2, 1, 1, 0], -100),
        (logits, [0, -100, 1, -100, 2], -100),
        (logits, [0, 2, 1, 0, 1], 0),
        (logits, [2, -3, 1, 1, -3], -3),
        (logits.sign() * 1e4, [0, 1, 2, 1, 0], -100),
    ]

    def ask(kind, rows, labels, ignored):
        return kind(ignore_index=ignored)(rows, torch.tensor(labels))

    try:
        return all(torch.allclose(ask(candidate, *b), ask(nn.CrossEntropyLoss, *b), atol=1e-6) for b in batches)
    except Exception:
        return False


# %% judge_cross_entropy: small_logits
# help: Your logits are all small. For those exp does not overflow and no probability is 0: try ±10,000 as well.
def judge_cross_entropy(candidate):
    generator = torch.Generator().manual_seed(5)
    logits = torch.randn(5, 3, generator=generator, dtype=torch.float64)
    batches = [
        (logits, [0, 2, 1, 1, 0], -100),
        (logits, [0, -100, 1, -100, 2], -100),
        (logits, [0, 2, 1, 0, 1], 0),
        (logits, [2, -3, 1, 1, -3], -3),
    ]

    def ask(kind, rows, labels, ignored):
        leaf = rows.clone().requires_grad_()
        loss = kind(ignore_index=ignored)(leaf, torch.tensor(labels))
        return torch.cat([loss.detach().reshape(1), torch.autograd.grad(loss, leaf)[0].flatten()])

    try:
        return all(torch.allclose(ask(candidate, *b), ask(nn.CrossEntropyLoss, *b), atol=1e-6) for b in batches)
    except Exception:
        return False


# %% judge_cross_entropy: exceptions_get_out
# help: A candidate that raises makes your judge raise. Expect any Exception: then the verdict is False.
def judge_cross_entropy(candidate):
    generator = torch.Generator().manual_seed(5)
    logits = torch.randn(5, 3, generator=generator, dtype=torch.float64)
    batches = [
        (logits, [0, 2, 1, 1, 0], -100),
        (logits, [0, -100, 1, -100, 2], -100),
        (logits, [0, 2, 1, 0, 1], 0),
        (logits, [2, -3, 1, 1, -3], -3),
        (logits.sign() * 1e4, [0, 1, 2, 1, 0], -100),
    ]

    def ask(kind, rows, labels, ignored):
        leaf = rows.clone().requires_grad_()
        loss = kind(ignore_index=ignored)(leaf, torch.tensor(labels))
        return torch.cat([loss.detach().reshape(1), torch.autograd.grad(loss, leaf)[0].flatten()])

    return all(torch.allclose(ask(candidate, *b), ask(nn.CrossEntropyLoss, *b), atol=1e-6) for b in batches)


# %% judge_cross_entropy: bits_compared
# help: You refuse a loss that is right up to rounding: two right ways of adding up differ in the last digits. Compare
#  within a tolerance.
def judge_cross_entropy(candidate):
    generator = torch.Generator().manual_seed(5)
    logits = torch.randn(5, 3, generator=generator)
    batches = [
        (logits, [0, 2, 1, 1, 0], -100),
        (logits, [0, -100, 1, -100, 2], -100),
        (logits, [0, 2, 1, 0, 1], 0),
        (logits, [2, -3, 1, 1, -3], -3),
        (logits.sign() * 1e4, [0, 1, 2, 1, 0], -100),
    ]

    def ask(kind, rows, labels, ignored):
        leaf = rows.clone().requires_grad_()
        loss = kind(ignore_index=ignored)(leaf, torch.tensor(labels))
        return torch.cat([loss.detach().reshape(1), torch.autograd.grad(loss, leaf)[0].flatten()])

    try:
        return all(torch.equal(ask(candidate, *b), ask(nn.CrossEntropyLoss, *b)) for b in batches)
    except Exception:
        return False


# %% judge_cross_entropy: every_row_the_same
# help: Your logits are the same in every row, or all zero. Then an average over rows cannot be told from any other, nor
#  one softmax from two: use numbers without a pattern.
def judge_cross_entropy(candidate):
    batches = [
        (torch.zeros(4, 3), [0, 2, 1, 1], -100),
        (torch.zeros(4, 3), [0, -100, 1, -100], -100),
        (torch.zeros(4, 3), [0, 2, 1, 0], 0),
        (torch.zeros(4, 3), [2, -3, 1, -3], -3),
    ]

    def ask(kind, rows, labels, ignored):
        return kind(ignore_index=ignored)(rows, torch.tensor(labels))

    try:
        return all(torch.allclose(ask(candidate, *b), ask(nn.CrossEntropyLoss, *b), atol=1e-5) for b in batches)
    except Exception:
        return False


# %% judge_cross_entropy: a_tensor_for_a_verdict
# help: Your verdict is a tensor. A verdict is True or False, a Python bool: bool(...) makes one.
def judge_cross_entropy(candidate):
    generator = torch.Generator().manual_seed(5)
    logits = torch.randn(5, 3, generator=generator, dtype=torch.float64)
    batches = [
        (logits, [0, 2, 1, 1, 0], -100),
        (logits, [0, -100, 1, -100, 2], -100),
        (logits, [0, 2, 1, 0, 1], 0),
        (logits, [2, -3, 1, 1, -3], -3),
        (logits.sign() * 1e4, [0, 1, 2, 1, 0], -100),
    ]

    def ask(kind, rows, labels, ignored):
        leaf = rows.clone().requires_grad_()
        loss = kind(ignore_index=ignored)(leaf, torch.tensor(labels))
        return torch.cat([loss.detach().reshape(1), torch.autograd.grad(loss, leaf)[0].flatten()])

    try:
        gaps = [(ask(candidate, *b) - ask(nn.CrossEntropyLoss, *b)).abs().max() for b in batches]
    except Exception:
        return False
    return torch.stack(gaps).max() < 1e-6


# %% sequential: forward_called
# help: You call module.forward(x). It computes the same and leaves out the hooks that others hung onto the module: call
#  the module itself, module(x).
class Sequential(nn.Module):
    def __init__(self, *modules):
        super().__init__()
        for position, module in enumerate(modules):
            self.add_module(str(position), module)

    def forward(self, x):
        for module in self._modules.values():
            x = module.forward(x)
        return x

    def __len__(self):
        return len(self._modules)

    def __getitem__(self, index):
        return list(self._modules.values())[index]

    def __iter__(self):
        return iter(self._modules.values())


# %% sequential: alphabetic_order
# help: You go through the modules in the alphabetic order of their names, and there "10" comes before "2". The dictionary
#  keeps the order in which they were registered.
class Sequential(nn.Module):
    def __init__(self, *modules):
        super().__init__()
        for position, module in enumerate(modules):
            self.add_module(str(position), module)

    def forward(self, x):
        for module in self:
            x = module(x)
        return x

    def __len__(self):
        return len(self._modules)

    def __getitem__(self, index):
        return [self._modules[name] for name in sorted(self._modules)][index]

    def __iter__(self):
        return iter([self._modules[name] for name in sorted(self._modules)])


# %% sequential: any_index
# help: Going through your Sequential never ends: without __iter__ Python asks for s[0], s[1], … until IndexError, and
#  your __getitem__ takes any index.
class Sequential(nn.Module):
    def __init__(self, *modules):
        super().__init__()
        for position, module in enumerate(modules):
            self.add_module(str(position), module)

    def forward(self, x):
        for module in self._modules.values():
            x = module(x)
        return x

    def __len__(self):
        return len(self._modules)

    def __getitem__(self, index):
        return self._modules[str(index % len(self._modules))]


# %% cross_entropy: smoothed
# help: You give a tenth of every label to the other classes: label smoothing. It is a fine loss and another one; here all
#  of the label is the right class's.
class CrossEntropyLoss(nn.Module):
    def __init__(self, ignore_index=-100, smoothing=0.1):
        super().__init__()
        self.ignore_index, self.smoothing = ignore_index, smoothing

    def forward(self, logits, labels):
        counts = labels != self.ignore_index
        log_p = log_softmax(logits[counts], 1)
        picked = -log_p.gather(1, labels[counts][:, None])[:, 0]
        return ((1 - self.smoothing) * picked - self.smoothing * log_p.mean(1)).mean()


# %% batch_norm: by_the_batch_before_any
# help: In evaluation you fall back on the batch where nothing was trained yet. A new layer knows something already:
#  mean 0 and variance 1.
class BatchNorm1d(nn.Module):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum, self.seen = eps, momentum, False
        self.weight = nn.Parameter(torch.ones(num_features))
        self.bias = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x):
        if self.training:
            mean, var = x.mean(0), x.var(0, unbiased=False)
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(var * len(x) / (len(x) - 1), self.momentum)
            self.seen = True
        elif self.seen or len(x) == 1:
            mean, var = self.running_mean, self.running_var
        else:
            mean, var = x.mean(0), x.var(0, unbiased=False)
        return (x - mean) / torch.sqrt(var + self.eps) * self.weight + self.bias
