"""Named mistakes of chapter 14: wrong solutions that the checks must reject, each with its own help."""

import math
from collections import Counter
from pathlib import Path

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import nn


# %% count_operations: everything_counts
# help: Inputs and outputs count too. Only nodes that call something are operations.
def count_operations(function, *inputs):
    """what torch.compile captures for function(*inputs): Counter of names"""
    counts = Counter()

    def backend(graph_module, example_inputs):
        for node in graph_module.graph.nodes:
            if node.op == "call_function":
                counts[node.target.__name__] += 1
            elif node.op == "call_method":
                counts[node.target] += 1
            else:
                counts[str(node.target)] += 1
        return graph_module.forward

    torch._dynamo.reset()
    torch.compile(function, backend=backend)(*inputs)
    return counts


# %% count_operations: functions_only
# help: Only call_function nodes count. Methods, such as x.relu(), are call_method.
def count_operations(function, *inputs):
    """what torch.compile captures for function(*inputs): Counter of names"""
    counts = Counter()

    def backend(graph_module, example_inputs):
        for node in graph_module.graph.nodes:
            if node.op == "call_function":
                counts[node.target.__name__] += 1
            elif node.op == "call_module":
                counts[type(graph_module.get_submodule(node.target)).__name__] += 1
        return graph_module.forward

    torch._dynamo.reset()
    torch.compile(function, backend=backend)(*inputs)
    return counts


# %% count_operations: methods_only
# help: Only methods count: what is written as torch.sin(x), or with an operator, is call_function.
def count_operations(function, *inputs):
    """what torch.compile captures for function(*inputs): Counter of names"""
    counts = Counter()

    def backend(graph_module, example_inputs):
        for node in graph_module.graph.nodes:
            if node.op == "call_method":
                counts[node.target] += 1
            elif node.op == "call_module":
                counts[type(graph_module.get_submodule(node.target)).__name__] += 1
        return graph_module.forward

    torch._dynamo.reset()
    torch.compile(function, backend=backend)(*inputs)
    return counts


# %% count_operations: no_reset
# help: From the ninth time on, Dynamo stops compiling what it has compiled too often. torch._dynamo.reset() forgets
#  what was.
def count_operations(function, *inputs):
    """what torch.compile captures for function(*inputs): Counter of names"""
    counts = Counter()

    def backend(graph_module, example_inputs):
        for node in graph_module.graph.nodes:
            if node.op == "call_function":
                counts[node.target.__name__] += 1
            elif node.op == "call_method":
                counts[node.target] += 1
            elif node.op == "call_module":
                counts[type(graph_module.get_submodule(node.target)).__name__] += 1
        return graph_module.forward

    torch.compile(function, backend=backend)(*inputs)
    return counts


# %% count_operations: names_of_nodes
# help: You count node.name, which is made unique: relu, relu_1. The name of what is called is the target's.
def count_operations(function, *inputs):
    """what torch.compile captures for function(*inputs): Counter of names"""
    counts = Counter()

    def backend(graph_module, example_inputs):
        for node in graph_module.graph.nodes:
            if node.op == "call_function":
                counts[node.name] += 1
            elif node.op == "call_method":
                counts[node.name] += 1
            elif node.op == "call_module":
                counts[type(graph_module.get_submodule(node.target)).__name__] += 1
        return graph_module.forward

    torch._dynamo.reset()
    torch.compile(function, backend=backend)(*inputs)
    return counts


# %% count_operations: once_each
# help: Each name counts once, however often it is called.
def count_operations(function, *inputs):
    """what torch.compile captures for function(*inputs): Counter of names"""
    counts = Counter()

    def backend(graph_module, example_inputs):
        for node in graph_module.graph.nodes:
            if node.op == "call_function":
                counts[node.target.__name__] = 1
            elif node.op == "call_method":
                counts[node.target] = 1
            elif node.op == "call_module":
                counts[type(graph_module.get_submodule(node.target)).__name__] += 1
        return graph_module.forward

    torch._dynamo.reset()
    torch.compile(function, backend=backend)(*inputs)
    return counts


# %% count_operations: last_graph_only
# help: Each graph starts the counter afresh: of a call that breaks, the last graph is left.
def count_operations(function, *inputs):
    """what torch.compile captures for function(*inputs): Counter of names"""
    counts = Counter()

    def backend(graph_module, example_inputs):
        counts.clear()
        for node in graph_module.graph.nodes:
            if node.op == "call_function":
                counts[node.target.__name__] += 1
            elif node.op == "call_method":
                counts[node.target] += 1
            elif node.op == "call_module":
                counts[type(graph_module.get_submodule(node.target)).__name__] += 1
        return graph_module.forward

    torch._dynamo.reset()
    torch.compile(function, backend=backend)(*inputs)
    return counts


# %% count_operations: first_graph_only
# help: Only the first graph counts. A call that breaks has several.
def count_operations(function, *inputs):
    """what torch.compile captures for function(*inputs): Counter of names"""
    counts = Counter()

    def backend(graph_module, example_inputs):
        if counts:
            return graph_module.forward
        for node in graph_module.graph.nodes:
            if node.op == "call_function":
                counts[node.target.__name__] += 1
            elif node.op == "call_method":
                counts[node.target] += 1
            elif node.op == "call_module":
                counts[type(graph_module.get_submodule(node.target)).__name__] += 1
        return graph_module.forward

    torch._dynamo.reset()
    torch.compile(function, backend=backend)(*inputs)
    return counts


# %% count_operations: never_called
# help: The function is compiled and not called. Nothing is captured before the first call.
def count_operations(function, *inputs):
    """what torch.compile captures for function(*inputs): Counter of names"""
    counts = Counter()

    def backend(graph_module, example_inputs):
        for node in graph_module.graph.nodes:
            if node.op == "call_function":
                counts[node.target.__name__] += 1
            elif node.op == "call_method":
                counts[node.target] += 1
            elif node.op == "call_module":
                counts[type(graph_module.get_submodule(node.target)).__name__] += 1
        return graph_module.forward

    torch._dynamo.reset()
    torch.compile(function, backend=backend)
    return counts


# %% count_operations: fullgraph
# help: fullgraph=True makes a break an error. The graphs of a broken call add up.
def count_operations(function, *inputs):
    """what torch.compile captures for function(*inputs): Counter of names"""
    counts = Counter()

    def backend(graph_module, example_inputs):
        for node in graph_module.graph.nodes:
            if node.op == "call_function":
                counts[node.target.__name__] += 1
            elif node.op == "call_method":
                counts[node.target] += 1
            elif node.op == "call_module":
                counts[type(graph_module.get_submodule(node.target)).__name__] += 1
        return graph_module.forward

    torch._dynamo.reset()
    torch.compile(function, backend=backend, fullgraph=True)(*inputs)
    return counts


# %% count_operations: returns_zeros
# help: Your backend does not run the graph but makes up its results, so what comes behind a break sees wrong values.
def count_operations(function, *inputs):
    """what torch.compile captures for function(*inputs): Counter of names"""
    counts = Counter()

    def backend(graph_module, example_inputs):
        for node in graph_module.graph.nodes:
            if node.op == "call_function":
                counts[node.target.__name__] += 1
            elif node.op == "call_method":
                counts[node.target] += 1
            elif node.op == "call_module":
                counts[type(graph_module.get_submodule(node.target)).__name__] += 1
        return lambda *args: tuple(torch.zeros_like(one) for one in graph_module(*args))

    torch._dynamo.reset()
    torch.compile(function, backend=backend)(*inputs)
    return counts


# %% count_operations: a_plain_dict
# help: You return a dict. A collections.Counter is asked for.
def count_operations(function, *inputs):
    """what torch.compile captures for function(*inputs): Counter of names"""
    counts = Counter()

    def backend(graph_module, example_inputs):
        for node in graph_module.graph.nodes:
            if node.op == "call_function":
                counts[node.target.__name__] += 1
            elif node.op == "call_method":
                counts[node.target] += 1
            elif node.op == "call_module":
                counts[type(graph_module.get_submodule(node.target)).__name__] += 1
        return graph_module.forward

    torch._dynamo.reset()
    torch.compile(function, backend=backend)(*inputs)
    return dict(counts)


# %% count_operations: strings_of_targets
# help: You count str(target), such as '<built-in method sin …>'. Its __name__ is the name.
def count_operations(function, *inputs):
    """what torch.compile captures for function(*inputs): Counter of names"""
    counts = Counter()

    def backend(graph_module, example_inputs):
        for node in graph_module.graph.nodes:
            if node.op == "call_function":
                counts[str(node.target).split(' at ')[0]] += 1
            elif node.op == "call_method":
                counts[node.target] += 1
            elif node.op == "call_module":
                counts[type(graph_module.get_submodule(node.target)).__name__] += 1
        return graph_module.forward

    torch._dynamo.reset()
    torch.compile(function, backend=backend)(*inputs)
    return counts


# %% count_operations: by_symbolic_trace
# help: torch.fx.symbolic_trace is another tracer: it has no values, and stops at a decision by the data.
def count_operations(function, *inputs):
    import torch.fx

    graph_module = torch.fx.symbolic_trace(function)
    counts = Counter()
    for node in graph_module.graph.nodes:
        if node.op == "call_function":
            counts[node.target.__name__] += 1
        elif node.op == "call_method":
            counts[node.target] += 1
        elif node.op == "call_module":
            counts[type(graph_module.get_submodule(node.target)).__name__] += 1
    return counts


# %% no_break: breaks_copied
# help: It is Breaks again: the decision and the print end the graph.
class NoBreak(nn.Module):
    """x (N, dim) -> (N, dim), as Breaks"""

    def __init__(self, dim):
        super().__init__()
        self.first = nn.Linear(dim, dim)
        self.second = nn.Linear(dim, dim)

    def forward(self, x):
        h = torch.relu(self.first(x))
        share = (h > 0).float().mean().item()
        if share > 0.5:
            print("busy")
            h = h / (1 + share)
        else:
            h = 2 * h
        rows = []
        for row in h:
            rows.append(row - row.mean())
        h = torch.stack(rows)
        return self.second(h)


# %% no_break: still_decides
# help: `if` on a tensor asks the data: the graph ends there. torch.where chooses without asking.
class NoBreak(nn.Module):
    """x (N, dim) -> (N, dim), as Breaks"""

    def __init__(self, dim):
        super().__init__()
        self.first = nn.Linear(dim, dim)
        self.second = nn.Linear(dim, dim)

    def forward(self, x):
        h = torch.relu(self.first(x))
        share = (h > 0).to(h.dtype).mean()
        if share > 0.5:
            h = h / (1 + share)
        else:
            h = 2 * h
        h = h - h.mean(dim=-1, keepdim=True)
        return self.second(h)


# %% no_break: still_prints
# help: The print breaks the graph. It is for people, and not part of the module.
class NoBreak(nn.Module):
    """x (N, dim) -> (N, dim), as Breaks"""

    def __init__(self, dim):
        super().__init__()
        self.first = nn.Linear(dim, dim)
        self.second = nn.Linear(dim, dim)

    def forward(self, x):
        h = torch.relu(self.first(x))
        share = (h > 0).to(h.dtype).mean()
        h = torch.where(share > 0.5, h / (1 + share), 2 * h)
        print('busy')
        h = h - h.mean(dim=-1, keepdim=True)
        return self.second(h)


# %% no_break: row_by_row
# help: The loop over rows is unrolled: every batch size is another graph. Subtract along the last axis at once.
class NoBreak(nn.Module):
    """x (N, dim) -> (N, dim), as Breaks"""

    def __init__(self, dim):
        super().__init__()
        self.first = nn.Linear(dim, dim)
        self.second = nn.Linear(dim, dim)

    def forward(self, x):
        h = torch.relu(self.first(x))
        share = (h > 0).to(h.dtype).mean()
        h = torch.where(share > 0.5, h / (1 + share), 2 * h)
        h = torch.stack([row - row.mean() for row in h])
        return self.second(h)


# %% no_break: mean_of_everything
# help: You subtract one mean of the whole batch. Each row has its own.
class NoBreak(nn.Module):
    """x (N, dim) -> (N, dim), as Breaks"""

    def __init__(self, dim):
        super().__init__()
        self.first = nn.Linear(dim, dim)
        self.second = nn.Linear(dim, dim)

    def forward(self, x):
        h = torch.relu(self.first(x))
        share = (h > 0).to(h.dtype).mean()
        h = torch.where(share > 0.5, h / (1 + share), 2 * h)
        h = h - h.mean()
        return self.second(h)


# %% no_break: mean_of_columns
# help: The mean runs down the columns, over the batch. Breaks takes it row by row.
class NoBreak(nn.Module):
    """x (N, dim) -> (N, dim), as Breaks"""

    def __init__(self, dim):
        super().__init__()
        self.first = nn.Linear(dim, dim)
        self.second = nn.Linear(dim, dim)

    def forward(self, x):
        h = torch.relu(self.first(x))
        share = (h > 0).to(h.dtype).mean()
        h = torch.where(share > 0.5, h / (1 + share), 2 * h)
        h = h - h.mean(dim=0, keepdim=True)
        return self.second(h)


# %% no_break: branches_swapped
# help: The branches are swapped: more than half on divides by 1 + share.
class NoBreak(nn.Module):
    """x (N, dim) -> (N, dim), as Breaks"""

    def __init__(self, dim):
        super().__init__()
        self.first = nn.Linear(dim, dim)
        self.second = nn.Linear(dim, dim)

    def forward(self, x):
        h = torch.relu(self.first(x))
        share = (h > 0).to(h.dtype).mean()
        h = torch.where(share > 0.5, 2 * h, h / (1 + share))
        h = h - h.mean(dim=-1, keepdim=True)
        return self.second(h)


# %% no_break: only_the_busy_branch
# help: The busy branch is taken always.
class NoBreak(nn.Module):
    """x (N, dim) -> (N, dim), as Breaks"""

    def __init__(self, dim):
        super().__init__()
        self.first = nn.Linear(dim, dim)
        self.second = nn.Linear(dim, dim)

    def forward(self, x):
        h = torch.relu(self.first(x))
        share = (h > 0).to(h.dtype).mean()
        h = h / (1 + share)
        h = h - h.mean(dim=-1, keepdim=True)
        return self.second(h)


# %% no_break: only_the_quiet_branch
# help: The quiet branch is taken always.
class NoBreak(nn.Module):
    """x (N, dim) -> (N, dim), as Breaks"""

    def __init__(self, dim):
        super().__init__()
        self.first = nn.Linear(dim, dim)
        self.second = nn.Linear(dim, dim)

    def forward(self, x):
        h = torch.relu(self.first(x))
        share = (h > 0).to(h.dtype).mean()
        h = 2 * h
        h = h - h.mean(dim=-1, keepdim=True)
        return self.second(h)


# %% no_break: share_of_each_row
# help: Each row has a share of its own. Breaks takes one for the whole batch.
class NoBreak(nn.Module):
    """x (N, dim) -> (N, dim), as Breaks"""

    def __init__(self, dim):
        super().__init__()
        self.first = nn.Linear(dim, dim)
        self.second = nn.Linear(dim, dim)

    def forward(self, x):
        h = torch.relu(self.first(x))
        share = (h > 0).to(h.dtype).mean(dim=-1, keepdim=True)
        h = torch.where(share > 0.5, h / (1 + share), 2 * h)
        h = h - h.mean(dim=-1, keepdim=True)
        return self.second(h)


# %% no_break: share_of_inputs
# help: The share counts inputs above 0. It counts units that are on after ReLU.
class NoBreak(nn.Module):
    """x (N, dim) -> (N, dim), as Breaks"""

    def __init__(self, dim):
        super().__init__()
        self.first = nn.Linear(dim, dim)
        self.second = nn.Linear(dim, dim)

    def forward(self, x):
        h = torch.relu(self.first(x))
        share = (x > 0).to(h.dtype).mean()
        h = torch.where(share > 0.5, h / (1 + share), 2 * h)
        h = h - h.mean(dim=-1, keepdim=True)
        return self.second(h)


# %% no_break: no_relu
# help: The ReLU is missing.
class NoBreak(nn.Module):
    """x (N, dim) -> (N, dim), as Breaks"""

    def __init__(self, dim):
        super().__init__()
        self.first = nn.Linear(dim, dim)
        self.second = nn.Linear(dim, dim)

    def forward(self, x):
        h = self.first(x)
        share = (h > 0).to(h.dtype).mean()
        h = torch.where(share > 0.5, h / (1 + share), 2 * h)
        h = h - h.mean(dim=-1, keepdim=True)
        return self.second(h)


# %% no_break: other_names
# help: The layers have other names: a checkpoint of Breaks would not load.
class NoBreak(nn.Module):
    """x (N, dim) -> (N, dim), as Breaks"""

    def __init__(self, dim):
        super().__init__()
        self.layer1 = nn.Linear(dim, dim)
        self.layer2 = nn.Linear(dim, dim)

    def forward(self, x):
        h = torch.relu(self.layer1(x))
        share = (h > 0).to(h.dtype).mean()
        h = torch.where(share > 0.5, h / (1 + share), 2 * h)
        h = h - h.mean(dim=-1, keepdim=True)
        return self.layer2(h)


# %% no_break: detached_branch
# help: What torch.where chooses from is detached: no gradient passes.
class NoBreak(nn.Module):
    """x (N, dim) -> (N, dim), as Breaks"""

    def __init__(self, dim):
        super().__init__()
        self.first = nn.Linear(dim, dim)
        self.second = nn.Linear(dim, dim)

    def forward(self, x):
        h = torch.relu(self.first(x))
        share = (h > 0).to(h.dtype).mean()
        h = torch.where(share > 0.5, h / (1 + share), 2 * h).detach()
        h = h - h.mean(dim=-1, keepdim=True)
        return self.second(h)


# %% no_break: size_in_python
# help: A number of rows is fixed in Python by `int(x.shape[0])` and an `if` on it: another size is another graph.
class NoBreak(nn.Module):
    """x (N, dim) -> (N, dim), as Breaks"""

    def __init__(self, dim):
        super().__init__()
        self.first = nn.Linear(dim, dim)
        self.second = nn.Linear(dim, dim)

    def forward(self, x):
        h = torch.relu(self.first(x))
        share = (h > 0).to(h.dtype).mean()
        h = torch.where(share > 0.5, h / (1 + share), 2 * h)
        if x.shape[0] == 5:
            h = h + 0
        h = h - h.mean(dim=-1, keepdim=True)
        return self.second(h)


# %% attention_mods: one_too_wide
# help: The window is one too wide: width 1 sees the step before as well. q − k is less than width.
def sliding_window(width):
    """-> mask_mod(b, h, q, k): the last `width` steps, this one included"""
    def mask_mod(b, h, q, k):
        return (q >= k) & (q - k <= width)

    return mask_mod


def alibi(slopes):
    """-> score_mod(score, b, h, q, k): a penalty that grows with the distance"""
    def score_mod(score, b, h, q, k):
        return score - slopes[h] * (q - k)

    return score_mod


# %% attention_mods: one_too_narrow
# help: The window is one too narrow: it does not count the step itself.
def sliding_window(width):
    """-> mask_mod(b, h, q, k): the last `width` steps, this one included"""
    def mask_mod(b, h, q, k):
        return (q >= k) & (q - k < width - 1)

    return mask_mod


def alibi(slopes):
    """-> score_mod(score, b, h, q, k): a penalty that grows with the distance"""
    def score_mod(score, b, h, q, k):
        return score - slopes[h] * (q - k)

    return score_mod


# %% attention_mods: not_causal
# help: The window has no causal half: keys after the query have a negative distance, which is below width too.
def sliding_window(width):
    """-> mask_mod(b, h, q, k): the last `width` steps, this one included"""
    def mask_mod(b, h, q, k):
        return q - k < width

    return mask_mod


def alibi(slopes):
    """-> score_mod(score, b, h, q, k): a penalty that grows with the distance"""
    def score_mod(score, b, h, q, k):
        return score - slopes[h] * (q - k)

    return score_mod


# %% attention_mods: both_sides
# help: The window looks to both sides. Keys after the query are hidden.
def sliding_window(width):
    """-> mask_mod(b, h, q, k): the last `width` steps, this one included"""
    def mask_mod(b, h, q, k):
        return (q - k).abs() < width

    return mask_mod


def alibi(slopes):
    """-> score_mod(score, b, h, q, k): a penalty that grows with the distance"""
    def score_mod(score, b, h, q, k):
        return score - slopes[h] * (q - k)

    return score_mod


# %% attention_mods: window_only_forward
# help: The window looks ahead: the key is not after the query, q ≥ k.
def sliding_window(width):
    """-> mask_mod(b, h, q, k): the last `width` steps, this one included"""
    def mask_mod(b, h, q, k):
        return (q <= k) & (k - q < width)

    return mask_mod


def alibi(slopes):
    """-> score_mod(score, b, h, q, k): a penalty that grows with the distance"""
    def score_mod(score, b, h, q, k):
        return score - slopes[h] * (q - k)

    return score_mod


# %% attention_mods: width_ignored
# help: width plays no part: this is the causal mask.
def sliding_window(width):
    """-> mask_mod(b, h, q, k): the last `width` steps, this one included"""
    def mask_mod(b, h, q, k):
        return q >= k

    return mask_mod


def alibi(slopes):
    """-> score_mod(score, b, h, q, k): a penalty that grows with the distance"""
    def score_mod(score, b, h, q, k):
        return score - slopes[h] * (q - k)

    return score_mod


# %% attention_mods: strictly_before
# help: The step itself is hidden.
def sliding_window(width):
    """-> mask_mod(b, h, q, k): the last `width` steps, this one included"""
    def mask_mod(b, h, q, k):
        return (q > k) & (q - k < width)

    return mask_mod


def alibi(slopes):
    """-> score_mod(score, b, h, q, k): a penalty that grows with the distance"""
    def score_mod(score, b, h, q, k):
        return score - slopes[h] * (q - k)

    return score_mod


# %% attention_mods: python_and
# help: `and` asks one tensor for True or False. Index tensors are combined with &.
def sliding_window(width):
    """-> mask_mod(b, h, q, k): the last `width` steps, this one included"""
    def mask_mod(b, h, q, k):
        return q >= k and q - k < width

    return mask_mod


def alibi(slopes):
    """-> score_mod(score, b, h, q, k): a penalty that grows with the distance"""
    def score_mod(score, b, h, q, k):
        return score - slopes[h] * (q - k)

    return score_mod


# %% attention_mods: sign_reversed
# help: The slope rewards distance: it is taken off, score − slopes[h] · (q − k).
def sliding_window(width):
    """-> mask_mod(b, h, q, k): the last `width` steps, this one included"""
    def mask_mod(b, h, q, k):
        return (q >= k) & (q - k < width)

    return mask_mod


def alibi(slopes):
    """-> score_mod(score, b, h, q, k): a penalty that grows with the distance"""
    def score_mod(score, b, h, q, k):
        return score + slopes[h] * (q - k)

    return score_mod


# %% attention_mods: bias_alone
# help: The score is gone: you return the penalty alone.
def sliding_window(width):
    """-> mask_mod(b, h, q, k): the last `width` steps, this one included"""
    def mask_mod(b, h, q, k):
        return (q >= k) & (q - k < width)

    return mask_mod


def alibi(slopes):
    """-> score_mod(score, b, h, q, k): a penalty that grows with the distance"""
    def score_mod(score, b, h, q, k):
        return -slopes[h] * (q - k)

    return score_mod


# %% attention_mods: multiplied
# help: The score is multiplied by the penalty. It is taken off.
def sliding_window(width):
    """-> mask_mod(b, h, q, k): the last `width` steps, this one included"""
    def mask_mod(b, h, q, k):
        return (q >= k) & (q - k < width)

    return mask_mod


def alibi(slopes):
    """-> score_mod(score, b, h, q, k): a penalty that grows with the distance"""
    def score_mod(score, b, h, q, k):
        return score * (1 - slopes[h] * (q - k))

    return score_mod


# %% attention_mods: slope_of_the_batch
# help: You take slopes[b], the batch's index. Slopes belong to heads.
def sliding_window(width):
    """-> mask_mod(b, h, q, k): the last `width` steps, this one included"""
    def mask_mod(b, h, q, k):
        return (q >= k) & (q - k < width)

    return mask_mod


def alibi(slopes):
    """-> score_mod(score, b, h, q, k): a penalty that grows with the distance"""
    def score_mod(score, b, h, q, k):
        return score - slopes[b] * (q - k)

    return score_mod


# %% attention_mods: distance_absolute
# help: The distance is taken without its sign. The statement has q − k; hiding what lies ahead is another's affair.
def sliding_window(width):
    """-> mask_mod(b, h, q, k): the last `width` steps, this one included"""
    def mask_mod(b, h, q, k):
        return (q >= k) & (q - k < width)

    return mask_mod


def alibi(slopes):
    """-> score_mod(score, b, h, q, k): a penalty that grows with the distance"""
    def score_mod(score, b, h, q, k):
        return score - slopes[h] * (q - k).abs()

    return score_mod


# %% attention_mods: alibi_hides_too
# help: alibi hides the future as well. It only takes off the penalty.
def sliding_window(width):
    """-> mask_mod(b, h, q, k): the last `width` steps, this one included"""
    def mask_mod(b, h, q, k):
        return (q >= k) & (q - k < width)

    return mask_mod


def alibi(slopes):
    """-> score_mod(score, b, h, q, k): a penalty that grows with the distance"""
    def score_mod(score, b, h, q, k):
        return torch.where(q >= k, score - slopes[h] * (q - k), float('-inf'))

    return score_mod


# %% attention_mods: all_slopes
# help: All slopes are used for every head: take the one of head h.
def sliding_window(width):
    """-> mask_mod(b, h, q, k): the last `width` steps, this one included"""
    def mask_mod(b, h, q, k):
        return (q >= k) & (q - k < width)

    return mask_mod


def alibi(slopes):
    """-> score_mod(score, b, h, q, k): a penalty that grows with the distance"""
    def score_mod(score, b, h, q, k):
        return score - slopes.mean() * (q - k)

    return score_mod


# %% average_gradients: summed
# help: The gradients are summed and not divided: the step is world times too long.
def broadcast_parameters(model):
    """rank 0's parameters and buffers on every rank"""
    for tensor in [*model.parameters(), *model.buffers()]:
        dist.broadcast(tensor.detach(), src=0)


def average_gradients(model):
    """.grad of every parameter becomes its mean over ranks"""
    for parameter in model.parameters():
        if parameter.grad is not None:
            dist.all_reduce(parameter.grad)


# %% average_gradients: divided_by_two
# help: You divide by 2. The number of ranks is dist.get_world_size().
def broadcast_parameters(model):
    """rank 0's parameters and buffers on every rank"""
    for tensor in [*model.parameters(), *model.buffers()]:
        dist.broadcast(tensor.detach(), src=0)


def average_gradients(model):
    """.grad of every parameter becomes its mean over ranks"""
    for parameter in model.parameters():
        if parameter.grad is not None:
            dist.all_reduce(parameter.grad)
            parameter.grad /= 2


# %% average_gradients: not_reduced
# help: Each rank divides its own gradient, and nothing of the others' arrives in it. all_reduce works in place: give it the gradient itself.
def broadcast_parameters(model):
    """rank 0's parameters and buffers on every rank"""
    for tensor in [*model.parameters(), *model.buffers()]:
        dist.broadcast(tensor.detach(), src=0)


def average_gradients(model):
    """.grad of every parameter becomes its mean over ranks"""
    for parameter in model.parameters():
        if parameter.grad is not None:
            parameter.grad /= dist.get_world_size()


# %% average_gradients: reduced_copy
# help: Each rank divides its own gradient, and nothing of the others' arrives in it. all_reduce works in place: give it the gradient itself.
def broadcast_parameters(model):
    """rank 0's parameters and buffers on every rank"""
    for tensor in [*model.parameters(), *model.buffers()]:
        dist.broadcast(tensor.detach(), src=0)


def average_gradients(model):
    """.grad of every parameter becomes its mean over ranks"""
    for parameter in model.parameters():
        if parameter.grad is not None:
            dist.all_reduce(parameter.grad.clone())
            parameter.grad /= dist.get_world_size()


# %% average_gradients: rank_zero_only
# help: `dist.reduce` gives the sum to rank 0 only. Every rank needs it.
def broadcast_parameters(model):
    """rank 0's parameters and buffers on every rank"""
    for tensor in [*model.parameters(), *model.buffers()]:
        dist.broadcast(tensor.detach(), src=0)


def average_gradients(model):
    """.grad of every parameter becomes its mean over ranks"""
    for parameter in model.parameters():
        if parameter.grad is not None:
            dist.reduce(parameter.grad, dst=0)
            parameter.grad /= dist.get_world_size()


# %% average_gradients: parameters_averaged
# help: The parameters are averaged instead of their gradients.
def broadcast_parameters(model):
    """rank 0's parameters and buffers on every rank"""
    for tensor in [*model.parameters(), *model.buffers()]:
        dist.broadcast(tensor.detach(), src=0)


def average_gradients(model):
    """.grad of every parameter becomes its mean over ranks"""
    for parameter in model.parameters():
        if parameter.grad is not None:
            dist.all_reduce(parameter.data)
            parameter.data /= dist.get_world_size()


# %% average_gradients: absent_made_zero
# help: An absent gradient becomes zeros. It stays None: an optimizer would decay what it should leave alone.
def broadcast_parameters(model):
    """rank 0's parameters and buffers on every rank"""
    for tensor in [*model.parameters(), *model.buffers()]:
        dist.broadcast(tensor.detach(), src=0)


def average_gradients(model):
    """.grad of every parameter becomes its mean over ranks"""
    for parameter in model.parameters():
        if parameter.grad is None:
            parameter.grad = torch.zeros_like(parameter)
        if True:
            dist.all_reduce(parameter.grad)
            parameter.grad /= dist.get_world_size()


# %% average_gradients: absent_not_expected
# help: A parameter without a gradient raises: `.grad` may be None.
def broadcast_parameters(model):
    """rank 0's parameters and buffers on every rank"""
    for tensor in [*model.parameters(), *model.buffers()]:
        dist.broadcast(tensor.detach(), src=0)


def average_gradients(model):
    """.grad of every parameter becomes its mean over ranks"""
    for parameter in model.parameters():
        if True:
            dist.all_reduce(parameter.grad)
            parameter.grad /= dist.get_world_size()


# %% average_gradients: buffers_forgotten
# help: Only parameters are broadcast. Running statistics and other buffers are the model too.
def broadcast_parameters(model):
    """rank 0's parameters and buffers on every rank"""
    for tensor in list(model.parameters()):
        dist.broadcast(tensor.detach(), src=0)


def average_gradients(model):
    """.grad of every parameter becomes its mean over ranks"""
    for parameter in model.parameters():
        if parameter.grad is not None:
            dist.all_reduce(parameter.grad)
            parameter.grad /= dist.get_world_size()


# %% average_gradients: parameters_forgotten
# help: Only buffers are broadcast.
def broadcast_parameters(model):
    """rank 0's parameters and buffers on every rank"""
    for tensor in list(model.buffers()):
        dist.broadcast(tensor.detach(), src=0)


def average_gradients(model):
    """.grad of every parameter becomes its mean over ranks"""
    for parameter in model.parameters():
        if parameter.grad is not None:
            dist.all_reduce(parameter.grad)
            parameter.grad /= dist.get_world_size()


# %% average_gradients: state_dict_only
# help: state_dict leaves out non-persistent buffers. Those are broadcast too.
def broadcast_parameters(model):
    """rank 0's parameters and buffers on every rank"""
    for tensor in list(model.state_dict().values()):
        dist.broadcast(tensor.detach(), src=0)


def average_gradients(model):
    """.grad of every parameter becomes its mean over ranks"""
    for parameter in model.parameters():
        if parameter.grad is not None:
            dist.all_reduce(parameter.grad)
            parameter.grad /= dist.get_world_size()


# %% average_gradients: frozen_left_out
# help: Parameters that are frozen are left out. They are part of the model, and have to be equal too.
def broadcast_parameters(model):
    """rank 0's parameters and buffers on every rank"""
    for tensor in [*(p for p in model.parameters() if p.requires_grad), *model.buffers()]:
        dist.broadcast(tensor.detach(), src=0)


def average_gradients(model):
    """.grad of every parameter becomes its mean over ranks"""
    for parameter in model.parameters():
        if parameter.grad is not None:
            dist.all_reduce(parameter.grad)
            parameter.grad /= dist.get_world_size()


# %% average_gradients: averaged_start
# help: The start is the mean of all ranks. It is rank 0's values.
def broadcast_parameters(model):
    """rank 0's parameters and buffers on every rank"""
    for tensor in [*model.parameters(), *model.buffers()]:
        if tensor.is_floating_point():
            dist.all_reduce(tensor.detach())
            tensor.detach().div_(dist.get_world_size())


def average_gradients(model):
    """.grad of every parameter becomes its mean over ranks"""
    for parameter in model.parameters():
        if parameter.grad is not None:
            dist.all_reduce(parameter.grad)
            parameter.grad /= dist.get_world_size()


# %% average_gradients: from_the_last_rank
# help: The last rank's values are broadcast. Rank 0 is the source.
def broadcast_parameters(model):
    """rank 0's parameters and buffers on every rank"""
    for tensor in [*model.parameters(), *model.buffers()]:
        dist.broadcast(tensor.detach(), src=dist.get_world_size() - 1)


def average_gradients(model):
    """.grad of every parameter becomes its mean over ranks"""
    for parameter in model.parameters():
        if parameter.grad is not None:
            dist.all_reduce(parameter.grad)
            parameter.grad /= dist.get_world_size()


# %% average_gradients: broadcast_of_a_copy
# help: The broadcast writes into a copy, and the model stays as it was.
def broadcast_parameters(model):
    """rank 0's parameters and buffers on every rank"""
    for tensor in [*model.parameters(), *model.buffers()]:
        dist.broadcast(tensor.detach().clone(), src=0)


def average_gradients(model):
    """.grad of every parameter becomes its mean over ranks"""
    for parameter in model.parameters():
        if parameter.grad is not None:
            dist.all_reduce(parameter.grad)
            parameter.grad /= dist.get_world_size()


# %% average_gradients: gradients_broadcast
# help: Every rank takes rank 0's gradient: the other shards count for nothing.
def broadcast_parameters(model):
    """rank 0's parameters and buffers on every rank"""
    for tensor in [*model.parameters(), *model.buffers()]:
        dist.broadcast(tensor.detach(), src=0)


def average_gradients(model):
    """.grad of every parameter becomes its mean over ranks"""
    for parameter in model.parameters():
        if parameter.grad is not None:
            dist.broadcast(parameter.grad, src=0)


# %% column_parallel: input_gradient_not_summed
# help: The input's gradient in the column layer is this rank's part only. Sum it over ranks in backward.
class SumBackward(torch.autograd.Function):
    """forward: x as it is; backward: the gradient summed over ranks"""

    @staticmethod
    def forward(ctx, x):
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out


class SumForward(torch.autograd.Function):
    """forward: x summed over ranks; backward: the gradient as it is"""

    @staticmethod
    def forward(ctx, x):
        total = x.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out


class ColumnParallelLinear(nn.Module):
    """(..., in) -> this rank's (..., out / world)"""

    def __init__(self, in_features, out_features):
        super().__init__()
        if out_features % dist.get_world_size():
            raise ValueError(f"{dist.get_world_size()} ranks do not divide {out_features} outputs")
        self.weight = nn.Parameter(torch.randn(out_features // dist.get_world_size(), in_features) / math.sqrt(in_features))

    def forward(self, x):
        return F.linear(SumBackward.apply(x), self.weight)


class RowParallelLinear(nn.Module):
    """this rank's (..., in / world) -> (..., out)"""

    def __init__(self, in_features, out_features):
        super().__init__()
        if in_features % dist.get_world_size():
            raise ValueError(f"{dist.get_world_size()} ranks do not divide {in_features} inputs")
        self.weight = nn.Parameter(torch.randn(out_features, in_features // dist.get_world_size()) / math.sqrt(in_features))

    def forward(self, x):
        return SumForward.apply(F.linear(x, self.weight))


# %% column_parallel: output_not_summed
# help: The row layer's output is this rank's summand. The whole is the sum over ranks.
class SumBackward(torch.autograd.Function):
    """forward: x as it is; backward: the gradient summed over ranks"""

    @staticmethod
    def forward(ctx, x):
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad_out):
        total = grad_out.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total


class SumForward(torch.autograd.Function):
    """forward: x summed over ranks; backward: the gradient as it is"""

    @staticmethod
    def forward(ctx, x):
        total = x.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out


class ColumnParallelLinear(nn.Module):
    """(..., in) -> this rank's (..., out / world)"""

    def __init__(self, in_features, out_features):
        super().__init__()
        if out_features % dist.get_world_size():
            raise ValueError(f"{dist.get_world_size()} ranks do not divide {out_features} outputs")
        self.weight = nn.Parameter(torch.randn(out_features // dist.get_world_size(), in_features) / math.sqrt(in_features))

    def forward(self, x):
        return F.linear(SumBackward.apply(x), self.weight)


class RowParallelLinear(nn.Module):
    """this rank's (..., in / world) -> (..., out)"""

    def __init__(self, in_features, out_features):
        super().__init__()
        if in_features % dist.get_world_size():
            raise ValueError(f"{dist.get_world_size()} ranks do not divide {in_features} inputs")
        self.weight = nn.Parameter(torch.randn(out_features, in_features // dist.get_world_size()) / math.sqrt(in_features))

    def forward(self, x):
        return F.linear(x, self.weight)


# %% column_parallel: row_gradient_summed
# help: The row layer sums the gradient as well. It is whole on every rank: summed, it is world times too large.
class SumBackward(torch.autograd.Function):
    """forward: x as it is; backward: the gradient summed over ranks"""

    @staticmethod
    def forward(ctx, x):
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad_out):
        total = grad_out.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total


class SumForward(torch.autograd.Function):
    """forward: x summed over ranks; backward: the gradient as it is"""

    @staticmethod
    def forward(ctx, x):
        total = x.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx, grad_out):
        total = grad_out.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total


class ColumnParallelLinear(nn.Module):
    """(..., in) -> this rank's (..., out / world)"""

    def __init__(self, in_features, out_features):
        super().__init__()
        if out_features % dist.get_world_size():
            raise ValueError(f"{dist.get_world_size()} ranks do not divide {out_features} outputs")
        self.weight = nn.Parameter(torch.randn(out_features // dist.get_world_size(), in_features) / math.sqrt(in_features))

    def forward(self, x):
        return F.linear(SumBackward.apply(x), self.weight)


class RowParallelLinear(nn.Module):
    """this rank's (..., in / world) -> (..., out)"""

    def __init__(self, in_features, out_features):
        super().__init__()
        if in_features % dist.get_world_size():
            raise ValueError(f"{dist.get_world_size()} ranks do not divide {in_features} inputs")
        self.weight = nn.Parameter(torch.randn(out_features, in_features // dist.get_world_size()) / math.sqrt(in_features))

    def forward(self, x):
        return SumForward.apply(F.linear(x, self.weight))


# %% column_parallel: output_averaged
# help: The row layer's output is the mean over ranks. Its summands add up.
class SumBackward(torch.autograd.Function):
    """forward: x as it is; backward: the gradient summed over ranks"""

    @staticmethod
    def forward(ctx, x):
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad_out):
        total = grad_out.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total


class SumForward(torch.autograd.Function):
    """forward: x summed over ranks; backward: the gradient as it is"""

    @staticmethod
    def forward(ctx, x):
        total = x.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total / dist.get_world_size()

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out


class ColumnParallelLinear(nn.Module):
    """(..., in) -> this rank's (..., out / world)"""

    def __init__(self, in_features, out_features):
        super().__init__()
        if out_features % dist.get_world_size():
            raise ValueError(f"{dist.get_world_size()} ranks do not divide {out_features} outputs")
        self.weight = nn.Parameter(torch.randn(out_features // dist.get_world_size(), in_features) / math.sqrt(in_features))

    def forward(self, x):
        return F.linear(SumBackward.apply(x), self.weight)


class RowParallelLinear(nn.Module):
    """this rank's (..., in / world) -> (..., out)"""

    def __init__(self, in_features, out_features):
        super().__init__()
        if in_features % dist.get_world_size():
            raise ValueError(f"{dist.get_world_size()} ranks do not divide {in_features} inputs")
        self.weight = nn.Parameter(torch.randn(out_features, in_features // dist.get_world_size()) / math.sqrt(in_features))

    def forward(self, x):
        return SumForward.apply(F.linear(x, self.weight))


# %% column_parallel: input_gradient_averaged
# help: The input's gradient in the column layer is averaged. It is a sum: every rank's outputs depend on x.
class SumBackward(torch.autograd.Function):
    """forward: x as it is; backward: the gradient summed over ranks"""

    @staticmethod
    def forward(ctx, x):
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad_out):
        total = grad_out.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total / dist.get_world_size()


class SumForward(torch.autograd.Function):
    """forward: x summed over ranks; backward: the gradient as it is"""

    @staticmethod
    def forward(ctx, x):
        total = x.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out


class ColumnParallelLinear(nn.Module):
    """(..., in) -> this rank's (..., out / world)"""

    def __init__(self, in_features, out_features):
        super().__init__()
        if out_features % dist.get_world_size():
            raise ValueError(f"{dist.get_world_size()} ranks do not divide {out_features} outputs")
        self.weight = nn.Parameter(torch.randn(out_features // dist.get_world_size(), in_features) / math.sqrt(in_features))

    def forward(self, x):
        return F.linear(SumBackward.apply(x), self.weight)


class RowParallelLinear(nn.Module):
    """this rank's (..., in / world) -> (..., out)"""

    def __init__(self, in_features, out_features):
        super().__init__()
        if in_features % dist.get_world_size():
            raise ValueError(f"{dist.get_world_size()} ranks do not divide {in_features} inputs")
        self.weight = nn.Parameter(torch.randn(out_features, in_features // dist.get_world_size()) / math.sqrt(in_features))

    def forward(self, x):
        return SumForward.apply(F.linear(x, self.weight))


# %% column_parallel: forward_and_backward_swapped
# help: The two Functions are swapped: the column layer sums its input, and the row layer its gradient.
class SumBackward(torch.autograd.Function):
    """forward: x as it is; backward: the gradient summed over ranks"""

    @staticmethod
    def forward(ctx, x):
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad_out):
        total = grad_out.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total


class SumForward(torch.autograd.Function):
    """forward: x summed over ranks; backward: the gradient as it is"""

    @staticmethod
    def forward(ctx, x):
        total = x.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out


class ColumnParallelLinear(nn.Module):
    """(..., in) -> this rank's (..., out / world)"""

    def __init__(self, in_features, out_features):
        super().__init__()
        if out_features % dist.get_world_size():
            raise ValueError(f"{dist.get_world_size()} ranks do not divide {out_features} outputs")
        self.weight = nn.Parameter(torch.randn(out_features // dist.get_world_size(), in_features) / math.sqrt(in_features))

    def forward(self, x):
        return F.linear(SumForward.apply(x), self.weight)


class RowParallelLinear(nn.Module):
    """this rank's (..., in / world) -> (..., out)"""

    def __init__(self, in_features, out_features):
        super().__init__()
        if in_features % dist.get_world_size():
            raise ValueError(f"{dist.get_world_size()} ranks do not divide {in_features} inputs")
        self.weight = nn.Parameter(torch.randn(out_features, in_features // dist.get_world_size()) / math.sqrt(in_features))

    def forward(self, x):
        return SumBackward.apply(F.linear(x, self.weight))


# %% column_parallel: whole_weights
# help: Every rank holds the whole weight. The point is that it holds one world-th of it.
class SumBackward(torch.autograd.Function):
    """forward: x as it is; backward: the gradient summed over ranks"""

    @staticmethod
    def forward(ctx, x):
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad_out):
        total = grad_out.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total


class SumForward(torch.autograd.Function):
    """forward: x summed over ranks; backward: the gradient as it is"""

    @staticmethod
    def forward(ctx, x):
        total = x.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out


class ColumnParallelLinear(nn.Module):
    """(..., in) -> this rank's (..., out / world)"""

    def __init__(self, in_features, out_features):
        super().__init__()
        if out_features % dist.get_world_size():
            raise ValueError(f"{dist.get_world_size()} ranks do not divide {out_features} outputs")
        self.weight = nn.Parameter(torch.randn(out_features, in_features) / math.sqrt(in_features))

    def forward(self, x):
        return F.linear(SumBackward.apply(x), self.weight)


class RowParallelLinear(nn.Module):
    """this rank's (..., in / world) -> (..., out)"""

    def __init__(self, in_features, out_features):
        super().__init__()
        if in_features % dist.get_world_size():
            raise ValueError(f"{dist.get_world_size()} ranks do not divide {in_features} inputs")
        self.weight = nn.Parameter(torch.randn(out_features, in_features) / math.sqrt(in_features))

    def forward(self, x):
        return SumForward.apply(F.linear(x, self.weight))


# %% column_parallel: cuts_swapped
# help: The column layer cuts its inputs and the row layer its outputs. It is the other way round.
class SumBackward(torch.autograd.Function):
    """forward: x as it is; backward: the gradient summed over ranks"""

    @staticmethod
    def forward(ctx, x):
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad_out):
        total = grad_out.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total


class SumForward(torch.autograd.Function):
    """forward: x summed over ranks; backward: the gradient as it is"""

    @staticmethod
    def forward(ctx, x):
        total = x.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out


class ColumnParallelLinear(nn.Module):
    """(..., in) -> this rank's (..., out / world)"""

    def __init__(self, in_features, out_features):
        super().__init__()
        if out_features % dist.get_world_size():
            raise ValueError(f"{dist.get_world_size()} ranks do not divide {out_features} outputs")
        self.weight = nn.Parameter(torch.randn(out_features, in_features // dist.get_world_size()) / math.sqrt(in_features))

    def forward(self, x):
        return F.linear(SumBackward.apply(x.chunk(dist.get_world_size(), -1)[dist.get_rank()]), self.weight)


class RowParallelLinear(nn.Module):
    """this rank's (..., in / world) -> (..., out)"""

    def __init__(self, in_features, out_features):
        super().__init__()
        if in_features % dist.get_world_size():
            raise ValueError(f"{dist.get_world_size()} ranks do not divide {in_features} inputs")
        self.weight = nn.Parameter(torch.randn(out_features, in_features // dist.get_world_size()) / math.sqrt(in_features))

    def forward(self, x):
        return SumForward.apply(F.linear(x, self.weight))


# %% column_parallel: with_bias
# help: There is a bias. On a row layer it would be added once for every rank.
class SumBackward(torch.autograd.Function):
    """forward: x as it is; backward: the gradient summed over ranks"""

    @staticmethod
    def forward(ctx, x):
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad_out):
        total = grad_out.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total


class SumForward(torch.autograd.Function):
    """forward: x summed over ranks; backward: the gradient as it is"""

    @staticmethod
    def forward(ctx, x):
        total = x.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out


class ColumnParallelLinear(nn.Module):
    """(..., in) -> this rank's (..., out / world)"""

    def __init__(self, in_features, out_features):
        super().__init__()
        if out_features % dist.get_world_size():
            raise ValueError(f"{dist.get_world_size()} ranks do not divide {out_features} outputs")
        self.weight = nn.Parameter(torch.randn(out_features // dist.get_world_size(), in_features) / math.sqrt(in_features))

    def forward(self, x):
        return F.linear(SumBackward.apply(x), self.weight)


class RowParallelLinear(nn.Module):
    """this rank's (..., in / world) -> (..., out)"""

    def __init__(self, in_features, out_features):
        super().__init__()
        if in_features % dist.get_world_size():
            raise ValueError(f"{dist.get_world_size()} ranks do not divide {in_features} inputs")
        self.bias = nn.Parameter(torch.zeros(out_features))
        self.weight = nn.Parameter(torch.randn(out_features, in_features // dist.get_world_size()) / math.sqrt(in_features))

    def forward(self, x):
        return SumForward.apply(F.linear(x, self.weight))


# %% column_parallel: column_not_checked
# help: The column layer accepts outputs that world does not divide.
class SumBackward(torch.autograd.Function):
    """forward: x as it is; backward: the gradient summed over ranks"""

    @staticmethod
    def forward(ctx, x):
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad_out):
        total = grad_out.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total


class SumForward(torch.autograd.Function):
    """forward: x summed over ranks; backward: the gradient as it is"""

    @staticmethod
    def forward(ctx, x):
        total = x.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out


class ColumnParallelLinear(nn.Module):
    """(..., in) -> this rank's (..., out / world)"""

    def __init__(self, in_features, out_features):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_features // dist.get_world_size(), in_features) / math.sqrt(in_features))

    def forward(self, x):
        return F.linear(SumBackward.apply(x), self.weight)


class RowParallelLinear(nn.Module):
    """this rank's (..., in / world) -> (..., out)"""

    def __init__(self, in_features, out_features):
        super().__init__()
        if in_features % dist.get_world_size():
            raise ValueError(f"{dist.get_world_size()} ranks do not divide {in_features} inputs")
        self.weight = nn.Parameter(torch.randn(out_features, in_features // dist.get_world_size()) / math.sqrt(in_features))

    def forward(self, x):
        return SumForward.apply(F.linear(x, self.weight))


# %% column_parallel: row_not_checked
# help: The row layer accepts inputs that world does not divide.
class SumBackward(torch.autograd.Function):
    """forward: x as it is; backward: the gradient summed over ranks"""

    @staticmethod
    def forward(ctx, x):
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad_out):
        total = grad_out.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total


class SumForward(torch.autograd.Function):
    """forward: x summed over ranks; backward: the gradient as it is"""

    @staticmethod
    def forward(ctx, x):
        total = x.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out


class ColumnParallelLinear(nn.Module):
    """(..., in) -> this rank's (..., out / world)"""

    def __init__(self, in_features, out_features):
        super().__init__()
        if out_features % dist.get_world_size():
            raise ValueError(f"{dist.get_world_size()} ranks do not divide {out_features} outputs")
        self.weight = nn.Parameter(torch.randn(out_features // dist.get_world_size(), in_features) / math.sqrt(in_features))

    def forward(self, x):
        return F.linear(SumBackward.apply(x), self.weight)


class RowParallelLinear(nn.Module):
    """this rank's (..., in / world) -> (..., out)"""

    def __init__(self, in_features, out_features):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_features, in_features // dist.get_world_size()) / math.sqrt(in_features))

    def forward(self, x):
        return SumForward.apply(F.linear(x, self.weight))


# %% column_parallel: both_sizes_checked
# help: The column layer refuses inputs that world does not divide, and it does not cut them.
class SumBackward(torch.autograd.Function):
    """forward: x as it is; backward: the gradient summed over ranks"""

    @staticmethod
    def forward(ctx, x):
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad_out):
        total = grad_out.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total


class SumForward(torch.autograd.Function):
    """forward: x summed over ranks; backward: the gradient as it is"""

    @staticmethod
    def forward(ctx, x):
        total = x.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out


class ColumnParallelLinear(nn.Module):
    """(..., in) -> this rank's (..., out / world)"""

    def __init__(self, in_features, out_features):
        super().__init__()
        if out_features % dist.get_world_size() or in_features % dist.get_world_size():
            raise ValueError(f"{dist.get_world_size()} ranks do not divide {out_features} outputs")
        self.weight = nn.Parameter(torch.randn(out_features // dist.get_world_size(), in_features) / math.sqrt(in_features))

    def forward(self, x):
        return F.linear(SumBackward.apply(x), self.weight)


class RowParallelLinear(nn.Module):
    """this rank's (..., in / world) -> (..., out)"""

    def __init__(self, in_features, out_features):
        super().__init__()
        if in_features % dist.get_world_size():
            raise ValueError(f"{dist.get_world_size()} ranks do not divide {in_features} inputs")
        self.weight = nn.Parameter(torch.randn(out_features, in_features // dist.get_world_size()) / math.sqrt(in_features))

    def forward(self, x):
        return SumForward.apply(F.linear(x, self.weight))


# %% column_parallel: output_gathered
# help: The column layer gathers its output. It gives this rank's slice; the row layer behind it wants just that.
class SumBackward(torch.autograd.Function):
    """forward: x as it is; backward: the gradient summed over ranks"""

    @staticmethod
    def forward(ctx, x):
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad_out):
        total = grad_out.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total


class SumForward(torch.autograd.Function):
    """forward: x summed over ranks; backward: the gradient as it is"""

    @staticmethod
    def forward(ctx, x):
        total = x.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out


class ColumnParallelLinear(nn.Module):
    """(..., in) -> this rank's (..., out / world)"""

    def __init__(self, in_features, out_features):
        super().__init__()
        if out_features % dist.get_world_size():
            raise ValueError(f"{dist.get_world_size()} ranks do not divide {out_features} outputs")
        self.weight = nn.Parameter(torch.randn(out_features // dist.get_world_size(), in_features) / math.sqrt(in_features))

    def forward(self, x):
        y = F.linear(SumBackward.apply(x), self.weight)
        pieces = [torch.empty_like(y) for _ in range(dist.get_world_size())]
        dist.all_gather(pieces, y.detach())
        pieces[dist.get_rank()] = y
        return torch.cat(pieces, -1)


class RowParallelLinear(nn.Module):
    """this rank's (..., in / world) -> (..., out)"""

    def __init__(self, in_features, out_features):
        super().__init__()
        if in_features % dist.get_world_size():
            raise ValueError(f"{dist.get_world_size()} ranks do not divide {in_features} inputs")
        self.weight = nn.Parameter(torch.randn(out_features, in_features // dist.get_world_size()) / math.sqrt(in_features))

    def forward(self, x):
        return SumForward.apply(F.linear(x, self.weight))


# %% column_parallel: row_takes_the_whole_input
# help: The row layer cuts its input itself. It is handed this rank's slice already.
class SumBackward(torch.autograd.Function):
    """forward: x as it is; backward: the gradient summed over ranks"""

    @staticmethod
    def forward(ctx, x):
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad_out):
        total = grad_out.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total


class SumForward(torch.autograd.Function):
    """forward: x summed over ranks; backward: the gradient as it is"""

    @staticmethod
    def forward(ctx, x):
        total = x.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out


class ColumnParallelLinear(nn.Module):
    """(..., in) -> this rank's (..., out / world)"""

    def __init__(self, in_features, out_features):
        super().__init__()
        if out_features % dist.get_world_size():
            raise ValueError(f"{dist.get_world_size()} ranks do not divide {out_features} outputs")
        self.weight = nn.Parameter(torch.randn(out_features // dist.get_world_size(), in_features) / math.sqrt(in_features))

    def forward(self, x):
        return F.linear(SumBackward.apply(x), self.weight)


class RowParallelLinear(nn.Module):
    """this rank's (..., in / world) -> (..., out)"""

    def __init__(self, in_features, out_features):
        super().__init__()
        if in_features % dist.get_world_size():
            raise ValueError(f"{dist.get_world_size()} ranks do not divide {in_features} inputs")
        self.weight = nn.Parameter(torch.randn(out_features, in_features // dist.get_world_size()) / math.sqrt(in_features))

    def forward(self, x):
        return SumForward.apply(F.linear(x.chunk(dist.get_world_size(), -1)[dist.get_rank()], self.weight))


# %% column_parallel: asserts
# help: An assert raises AssertionError. The statement asks for ValueError.
class SumBackward(torch.autograd.Function):
    """forward: x as it is; backward: the gradient summed over ranks"""

    @staticmethod
    def forward(ctx, x):
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad_out):
        total = grad_out.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total


class SumForward(torch.autograd.Function):
    """forward: x summed over ranks; backward: the gradient as it is"""

    @staticmethod
    def forward(ctx, x):
        total = x.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx, grad_out):
        return grad_out


class ColumnParallelLinear(nn.Module):
    """(..., in) -> this rank's (..., out / world)"""

    def __init__(self, in_features, out_features):
        super().__init__()
        assert out_features % dist.get_world_size() == 0
        self.weight = nn.Parameter(torch.randn(out_features // dist.get_world_size(), in_features) / math.sqrt(in_features))

    def forward(self, x):
        return F.linear(SumBackward.apply(x), self.weight)


class RowParallelLinear(nn.Module):
    """this rank's (..., in / world) -> (..., out)"""

    def __init__(self, in_features, out_features):
        super().__init__()
        assert in_features % dist.get_world_size() == 0
        self.weight = nn.Parameter(torch.randn(out_features, in_features // dist.get_world_size()) / math.sqrt(in_features))

    def forward(self, x):
        return SumForward.apply(F.linear(x, self.weight))


# %% sharded_optimizer: not_sharded
# help: What a rank keeps is no share: moments of all parameters, or a copy of all of them. It needs the moments of its own pieces, and a copy of those.
class ShardedAdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.inner = torch.optim.AdamW(list(params), lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def step(self):
        self.inner.step()

    def zero_grad(self):
        self.inner.zero_grad()


# %% sharded_optimizer: whole_parameters
# help: Whole parameters are dealt out to ranks. One large one then lies on one rank: cut through the middle of tensors.
class ShardedAdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = list(params)
        self.inner = torch.optim.AdamW(self.params[dist.get_rank() :: dist.get_world_size()] or [nn.Parameter(torch.zeros(1))], lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    @torch.no_grad()
    def step(self):
        self.inner.step()
        for i, p in enumerate(self.params):
            dist.broadcast(p.data, src=i % dist.get_world_size())

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sharded_optimizer: not_gathered
# help: Each rank updates its piece and tells nobody: the ranks go apart.
class ShardedAdamW:
    """AdamW, each rank with the moments of its share"""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = list(params)

        self.pieces = [nn.Parameter(self.piece_of(p).clone()) for p in self.params]
        self.inner = torch.optim.AdamW(self.pieces, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def piece_of(self, tensor, rank=None):
        """this rank's (or another's) piece of a flattened tensor; sizes differ by one at most"""
        pieces = tensor.detach().reshape(-1).tensor_split(dist.get_world_size())
        return pieces[dist.get_rank() if rank is None else rank]

    @torch.no_grad()
    def step(self):
        for p, piece in zip(self.params, self.pieces):
            piece.grad = None if p.grad is None else self.piece_of(p.grad)
        self.inner.step()
        for p, piece in zip(self.params, self.pieces):
            if p.grad is None:
                continue
            gathered = [torch.empty_like(self.piece_of(p, rank)) for rank in range(dist.get_world_size())]
            for rank, whose in enumerate(gathered):
                if rank == dist.get_rank():
                    whose.copy_(piece)
                if rank != dist.get_rank():
                    whose.copy_(self.piece_of(p, rank))
            p.copy_(torch.cat(gathered).view_as(p))
            piece.grad = None

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sharded_optimizer: not_written_back
# help: The pieces are updated and never written back into the parameters.
class ShardedAdamW:
    """AdamW, each rank with the moments of its share"""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = list(params)

        self.pieces = [nn.Parameter(self.piece_of(p).clone()) for p in self.params]
        self.inner = torch.optim.AdamW(self.pieces, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def piece_of(self, tensor, rank=None):
        """this rank's (or another's) piece of a flattened tensor; sizes differ by one at most"""
        pieces = tensor.detach().reshape(-1).tensor_split(dist.get_world_size())
        return pieces[dist.get_rank() if rank is None else rank]

    @torch.no_grad()
    def step(self):
        for p, piece in zip(self.params, self.pieces):
            piece.grad = None if p.grad is None else self.piece_of(p.grad)
        self.inner.step()
        for p, piece in zip(self.params, self.pieces):
            if p.grad is None:
                continue
            gathered = [torch.empty_like(self.piece_of(p, rank)) for rank in range(dist.get_world_size())]
            for rank, whose in enumerate(gathered):
                if rank == dist.get_rank():
                    whose.copy_(piece)
                dist.broadcast(whose, src=rank)
            piece.grad = None

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sharded_optimizer: rest_forgotten
# help: Sizes that world does not divide lose their last numbers: they are never updated.
class ShardedAdamW:
    """AdamW, each rank with the moments of its share"""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = list(params)

        self.pieces = [nn.Parameter(self.piece_of(p).clone()) for p in self.params]
        self.inner = torch.optim.AdamW(self.pieces, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def piece_of(self, tensor, rank=None):
        """this rank's (or another's) piece of a flattened tensor; sizes differ by one at most"""
        flat, world = tensor.detach().reshape(-1), dist.get_world_size()
        size = len(flat) // world
        rank = dist.get_rank() if rank is None else rank
        return flat[rank * size : (rank + 1) * size]

    @torch.no_grad()
    def step(self):
        for p, piece in zip(self.params, self.pieces):
            piece.grad = None if p.grad is None else self.piece_of(p.grad)
        self.inner.step()
        for p, piece in zip(self.params, self.pieces):
            if p.grad is None:
                continue
            gathered = [torch.empty_like(self.piece_of(p, rank)) for rank in range(dist.get_world_size())]
            for rank, whose in enumerate(gathered):
                if rank == dist.get_rank():
                    whose.copy_(piece)
                dist.broadcast(whose, src=rank)
            new = torch.cat(gathered)
            p.view(-1)[: len(new)].copy_(new)
            piece.grad = None

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sharded_optimizer: adam_for_adamw
# help: The inner optimizer is Adam: its weight decay goes into the gradient, and AdamW's acts on the weights.
class ShardedAdamW:
    """AdamW, each rank with the moments of its share"""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = list(params)

        self.pieces = [nn.Parameter(self.piece_of(p).clone()) for p in self.params]
        self.inner = torch.optim.Adam(self.pieces, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def piece_of(self, tensor, rank=None):
        """this rank's (or another's) piece of a flattened tensor; sizes differ by one at most"""
        pieces = tensor.detach().reshape(-1).tensor_split(dist.get_world_size())
        return pieces[dist.get_rank() if rank is None else rank]

    @torch.no_grad()
    def step(self):
        for p, piece in zip(self.params, self.pieces):
            piece.grad = None if p.grad is None else self.piece_of(p.grad)
        self.inner.step()
        for p, piece in zip(self.params, self.pieces):
            if p.grad is None:
                continue
            gathered = [torch.empty_like(self.piece_of(p, rank)) for rank in range(dist.get_world_size())]
            for rank, whose in enumerate(gathered):
                if rank == dist.get_rank():
                    whose.copy_(piece)
                dist.broadcast(whose, src=rank)
            p.copy_(torch.cat(gathered).view_as(p))
            piece.grad = None

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sharded_optimizer: absent_as_zeros
# help: A gradient that is absent counts as zeros: the parameter decays, and its step counts.
class ShardedAdamW:
    """AdamW, each rank with the moments of its share"""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = list(params)

        self.pieces = [nn.Parameter(self.piece_of(p).clone()) for p in self.params]
        self.inner = torch.optim.AdamW(self.pieces, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def piece_of(self, tensor, rank=None):
        """this rank's (or another's) piece of a flattened tensor; sizes differ by one at most"""
        pieces = tensor.detach().reshape(-1).tensor_split(dist.get_world_size())
        return pieces[dist.get_rank() if rank is None else rank]

    @torch.no_grad()
    def step(self):
        for p, piece in zip(self.params, self.pieces):
            piece.grad = torch.zeros_like(piece) if p.grad is None else self.piece_of(p.grad)
        self.inner.step()
        for p, piece in zip(self.params, self.pieces):
            gathered = [torch.empty_like(self.piece_of(p, rank)) for rank in range(dist.get_world_size())]
            for rank, whose in enumerate(gathered):
                if rank == dist.get_rank():
                    whose.copy_(piece)
                dist.broadcast(whose, src=rank)
            p.copy_(torch.cat(gathered).view_as(p))
            piece.grad = None

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sharded_optimizer: absent_stops_all
# help: Where one gradient is absent nothing is updated.
class ShardedAdamW:
    """AdamW, each rank with the moments of its share"""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = list(params)

        self.pieces = [nn.Parameter(self.piece_of(p).clone()) for p in self.params]
        self.inner = torch.optim.AdamW(self.pieces, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def piece_of(self, tensor, rank=None):
        """this rank's (or another's) piece of a flattened tensor; sizes differ by one at most"""
        pieces = tensor.detach().reshape(-1).tensor_split(dist.get_world_size())
        return pieces[dist.get_rank() if rank is None else rank]

    @torch.no_grad()
    def step(self):
        if any(p.grad is None for p in self.params):
            return
        for p, piece in zip(self.params, self.pieces):
            piece.grad = None if p.grad is None else self.piece_of(p.grad)
        self.inner.step()
        for p, piece in zip(self.params, self.pieces):
            if p.grad is None:
                continue
            gathered = [torch.empty_like(self.piece_of(p, rank)) for rank in range(dist.get_world_size())]
            for rank, whose in enumerate(gathered):
                if rank == dist.get_rank():
                    whose.copy_(piece)
                dist.broadcast(whose, src=rank)
            p.copy_(torch.cat(gathered).view_as(p))
            piece.grad = None

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sharded_optimizer: decay_left_out
# help: weight_decay is not handed on.
class ShardedAdamW:
    """AdamW, each rank with the moments of its share"""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = list(params)

        self.pieces = [nn.Parameter(self.piece_of(p).clone()) for p in self.params]
        self.inner = torch.optim.AdamW(self.pieces, lr=lr, betas=betas, eps=eps, weight_decay=0.0)

    def piece_of(self, tensor, rank=None):
        """this rank's (or another's) piece of a flattened tensor; sizes differ by one at most"""
        pieces = tensor.detach().reshape(-1).tensor_split(dist.get_world_size())
        return pieces[dist.get_rank() if rank is None else rank]

    @torch.no_grad()
    def step(self):
        for p, piece in zip(self.params, self.pieces):
            piece.grad = None if p.grad is None else self.piece_of(p.grad)
        self.inner.step()
        for p, piece in zip(self.params, self.pieces):
            if p.grad is None:
                continue
            gathered = [torch.empty_like(self.piece_of(p, rank)) for rank in range(dist.get_world_size())]
            for rank, whose in enumerate(gathered):
                if rank == dist.get_rank():
                    whose.copy_(piece)
                dist.broadcast(whose, src=rank)
            p.copy_(torch.cat(gathered).view_as(p))
            piece.grad = None

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sharded_optimizer: decay_by_default
# help: Without the argument weight_decay is 0. AdamW's default is 1e-2.
class ShardedAdamW:
    """AdamW, each rank with the moments of its share"""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0):
        self.params = list(params)

        self.pieces = [nn.Parameter(self.piece_of(p).clone()) for p in self.params]
        self.inner = torch.optim.AdamW(self.pieces, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def piece_of(self, tensor, rank=None):
        """this rank's (or another's) piece of a flattened tensor; sizes differ by one at most"""
        pieces = tensor.detach().reshape(-1).tensor_split(dist.get_world_size())
        return pieces[dist.get_rank() if rank is None else rank]

    @torch.no_grad()
    def step(self):
        for p, piece in zip(self.params, self.pieces):
            piece.grad = None if p.grad is None else self.piece_of(p.grad)
        self.inner.step()
        for p, piece in zip(self.params, self.pieces):
            if p.grad is None:
                continue
            gathered = [torch.empty_like(self.piece_of(p, rank)) for rank in range(dist.get_world_size())]
            for rank, whose in enumerate(gathered):
                if rank == dist.get_rank():
                    whose.copy_(piece)
                dist.broadcast(whose, src=rank)
            p.copy_(torch.cat(gathered).view_as(p))
            piece.grad = None

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sharded_optimizer: betas_left_out
# help: betas are not handed on.
class ShardedAdamW:
    """AdamW, each rank with the moments of its share"""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = list(params)

        self.pieces = [nn.Parameter(self.piece_of(p).clone()) for p in self.params]
        self.inner = torch.optim.AdamW(self.pieces, lr=lr, eps=eps, weight_decay=weight_decay)

    def piece_of(self, tensor, rank=None):
        """this rank's (or another's) piece of a flattened tensor; sizes differ by one at most"""
        pieces = tensor.detach().reshape(-1).tensor_split(dist.get_world_size())
        return pieces[dist.get_rank() if rank is None else rank]

    @torch.no_grad()
    def step(self):
        for p, piece in zip(self.params, self.pieces):
            piece.grad = None if p.grad is None else self.piece_of(p.grad)
        self.inner.step()
        for p, piece in zip(self.params, self.pieces):
            if p.grad is None:
                continue
            gathered = [torch.empty_like(self.piece_of(p, rank)) for rank in range(dist.get_world_size())]
            for rank, whose in enumerate(gathered):
                if rank == dist.get_rank():
                    whose.copy_(piece)
                dist.broadcast(whose, src=rank)
            p.copy_(torch.cat(gathered).view_as(p))
            piece.grad = None

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sharded_optimizer: eps_left_out
# help: eps is not handed on.
class ShardedAdamW:
    """AdamW, each rank with the moments of its share"""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = list(params)

        self.pieces = [nn.Parameter(self.piece_of(p).clone()) for p in self.params]
        self.inner = torch.optim.AdamW(self.pieces, lr=lr, betas=betas, weight_decay=weight_decay)

    def piece_of(self, tensor, rank=None):
        """this rank's (or another's) piece of a flattened tensor; sizes differ by one at most"""
        pieces = tensor.detach().reshape(-1).tensor_split(dist.get_world_size())
        return pieces[dist.get_rank() if rank is None else rank]

    @torch.no_grad()
    def step(self):
        for p, piece in zip(self.params, self.pieces):
            piece.grad = None if p.grad is None else self.piece_of(p.grad)
        self.inner.step()
        for p, piece in zip(self.params, self.pieces):
            if p.grad is None:
                continue
            gathered = [torch.empty_like(self.piece_of(p, rank)) for rank in range(dist.get_world_size())]
            for rank, whose in enumerate(gathered):
                if rank == dist.get_rank():
                    whose.copy_(piece)
                dist.broadcast(whose, src=rank)
            p.copy_(torch.cat(gathered).view_as(p))
            piece.grad = None

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sharded_optimizer: lr_left_out
# help: lr is not handed on.
class ShardedAdamW:
    """AdamW, each rank with the moments of its share"""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = list(params)

        self.pieces = [nn.Parameter(self.piece_of(p).clone()) for p in self.params]
        self.inner = torch.optim.AdamW(self.pieces, lr=1e-3, betas=betas, eps=eps, weight_decay=weight_decay)

    def piece_of(self, tensor, rank=None):
        """this rank's (or another's) piece of a flattened tensor; sizes differ by one at most"""
        pieces = tensor.detach().reshape(-1).tensor_split(dist.get_world_size())
        return pieces[dist.get_rank() if rank is None else rank]

    @torch.no_grad()
    def step(self):
        for p, piece in zip(self.params, self.pieces):
            piece.grad = None if p.grad is None else self.piece_of(p.grad)
        self.inner.step()
        for p, piece in zip(self.params, self.pieces):
            if p.grad is None:
                continue
            gathered = [torch.empty_like(self.piece_of(p, rank)) for rank in range(dist.get_world_size())]
            for rank, whose in enumerate(gathered):
                if rank == dist.get_rank():
                    whose.copy_(piece)
                dist.broadcast(whose, src=rank)
            p.copy_(torch.cat(gathered).view_as(p))
            piece.grad = None

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sharded_optimizer: moments_not_kept
# help: A new inner optimizer is made at every step: its moments never add up.
class ShardedAdamW:
    """AdamW, each rank with the moments of its share"""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = list(params)

        self.pieces = [nn.Parameter(self.piece_of(p).clone()) for p in self.params]
        self.how = {'lr': lr, 'betas': betas, 'eps': eps, 'weight_decay': weight_decay}

    def piece_of(self, tensor, rank=None):
        """this rank's (or another's) piece of a flattened tensor; sizes differ by one at most"""
        pieces = tensor.detach().reshape(-1).tensor_split(dist.get_world_size())
        return pieces[dist.get_rank() if rank is None else rank]

    @torch.no_grad()
    def step(self):
        for p, piece in zip(self.params, self.pieces):
            piece.grad = None if p.grad is None else self.piece_of(p.grad)
        self.inner = torch.optim.AdamW(self.pieces, **self.how)
        self.inner.step()
        for p, piece in zip(self.params, self.pieces):
            if p.grad is None:
                continue
            gathered = [torch.empty_like(self.piece_of(p, rank)) for rank in range(dist.get_world_size())]
            for rank, whose in enumerate(gathered):
                if rank == dist.get_rank():
                    whose.copy_(piece)
                dist.broadcast(whose, src=rank)
            p.copy_(torch.cat(gathered).view_as(p))
            piece.grad = None

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sharded_optimizer: one_step_count
# help: One flat vector has one step count: a parameter whose gradient was absent counts steps that it did not make.
class ShardedAdamW:
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = list(params)
        flat = torch.cat([p.detach().reshape(-1) for p in self.params])
        self.piece = nn.Parameter(flat.tensor_split(dist.get_world_size())[dist.get_rank()].clone())
        self.inner = torch.optim.AdamW([self.piece], lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    @torch.no_grad()
    def step(self):
        world, rank = dist.get_world_size(), dist.get_rank()
        grads = torch.cat([(torch.zeros_like(p) if p.grad is None else p.grad).reshape(-1) for p in self.params])
        self.piece.grad = grads.tensor_split(world)[rank].clone()
        self.inner.step()
        pieces = [torch.empty_like(one) for one in grads.tensor_split(world)]
        for source, one in enumerate(pieces):
            if source == rank:
                one.copy_(self.piece)
            dist.broadcast(one, src=source)
        self.piece.grad = None
        for p, new in zip(self.params, torch.cat(pieces).split([p.numel() for p in self.params])):
            if p.grad is not None:
                p.copy_(new.view_as(p))

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sharded_optimizer: copy_of_everything
# help: What a rank keeps is no share: moments of all parameters, or a copy of all of them. It needs the moments of its own pieces, and a copy of those.
class ShardedAdamW:
    """AdamW, each rank with the moments of its share"""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = list(params)

        self.pieces = [nn.Parameter(self.piece_of(p).clone()) for p in self.params]
        self.whole = [p.detach().clone() for p in self.params]
        self.inner = torch.optim.AdamW(self.pieces, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def piece_of(self, tensor, rank=None):
        """this rank's (or another's) piece of a flattened tensor; sizes differ by one at most"""
        pieces = tensor.detach().reshape(-1).tensor_split(dist.get_world_size())
        return pieces[dist.get_rank() if rank is None else rank]

    @torch.no_grad()
    def step(self):
        for p, piece in zip(self.params, self.pieces):
            piece.grad = None if p.grad is None else self.piece_of(p.grad)
        self.inner.step()
        for p, piece in zip(self.params, self.pieces):
            if p.grad is None:
                continue
            gathered = [torch.empty_like(self.piece_of(p, rank)) for rank in range(dist.get_world_size())]
            for rank, whose in enumerate(gathered):
                if rank == dist.get_rank():
                    whose.copy_(piece)
                dist.broadcast(whose, src=rank)
            p.copy_(torch.cat(gathered).view_as(p))
            piece.grad = None

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sharded_optimizer: gradients_cleared_by_step
# help: step clears the gradients. zero_grad does that, when it is asked to.
class ShardedAdamW:
    """AdamW, each rank with the moments of its share"""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = list(params)

        self.pieces = [nn.Parameter(self.piece_of(p).clone()) for p in self.params]
        self.inner = torch.optim.AdamW(self.pieces, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def piece_of(self, tensor, rank=None):
        """this rank's (or another's) piece of a flattened tensor; sizes differ by one at most"""
        pieces = tensor.detach().reshape(-1).tensor_split(dist.get_world_size())
        return pieces[dist.get_rank() if rank is None else rank]

    @torch.no_grad()
    def step(self):
        for p, piece in zip(self.params, self.pieces):
            piece.grad = None if p.grad is None else self.piece_of(p.grad)
        self.inner.step()
        for p, piece in zip(self.params, self.pieces):
            if p.grad is None:
                continue
            gathered = [torch.empty_like(self.piece_of(p, rank)) for rank in range(dist.get_world_size())]
            for rank, whose in enumerate(gathered):
                if rank == dist.get_rank():
                    whose.copy_(piece)
                dist.broadcast(whose, src=rank)
            p.copy_(torch.cat(gathered).view_as(p))
            piece.grad = p.grad = None

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sharded_optimizer: zero_grad_of_the_pieces
# help: zero_grad clears the pieces' gradients, and the parameters' stay.
class ShardedAdamW:
    """AdamW, each rank with the moments of its share"""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = list(params)

        self.pieces = [nn.Parameter(self.piece_of(p).clone()) for p in self.params]
        self.inner = torch.optim.AdamW(self.pieces, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def piece_of(self, tensor, rank=None):
        """this rank's (or another's) piece of a flattened tensor; sizes differ by one at most"""
        pieces = tensor.detach().reshape(-1).tensor_split(dist.get_world_size())
        return pieces[dist.get_rank() if rank is None else rank]

    @torch.no_grad()
    def step(self):
        for p, piece in zip(self.params, self.pieces):
            piece.grad = None if p.grad is None else self.piece_of(p.grad)
        self.inner.step()
        for p, piece in zip(self.params, self.pieces):
            if p.grad is None:
                continue
            gathered = [torch.empty_like(self.piece_of(p, rank)) for rank in range(dist.get_world_size())]
            for rank, whose in enumerate(gathered):
                if rank == dist.get_rank():
                    whose.copy_(piece)
                dist.broadcast(whose, src=rank)
            p.copy_(torch.cat(gathered).view_as(p))
            piece.grad = None

    def zero_grad(self):
        for p in self.pieces:
            p.grad = None


# %% sharded_optimizer: new_storage
# help: The parameters get new storage: `p.data = …`. They are updated in place; whoever holds a view of them keeps it.
class ShardedAdamW:
    """AdamW, each rank with the moments of its share"""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2):
        self.params = list(params)

        self.pieces = [nn.Parameter(self.piece_of(p).clone()) for p in self.params]
        self.inner = torch.optim.AdamW(self.pieces, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)

    def piece_of(self, tensor, rank=None):
        """this rank's (or another's) piece of a flattened tensor; sizes differ by one at most"""
        pieces = tensor.detach().reshape(-1).tensor_split(dist.get_world_size())
        return pieces[dist.get_rank() if rank is None else rank]

    @torch.no_grad()
    def step(self):
        for p, piece in zip(self.params, self.pieces):
            piece.grad = None if p.grad is None else self.piece_of(p.grad)
        self.inner.step()
        for p, piece in zip(self.params, self.pieces):
            if p.grad is None:
                continue
            gathered = [torch.empty_like(self.piece_of(p, rank)) for rank in range(dist.get_world_size())]
            for rank, whose in enumerate(gathered):
                if rank == dist.get_rank():
                    whose.copy_(piece)
                dist.broadcast(whose, src=rank)
            p.data = torch.cat(gathered).view_as(p)
            piece.grad = None

    def zero_grad(self):
        for p in self.params:
            p.grad = None


# %% sharded_checkpoint: rank_zero_saves_all
# help: Rank 0 writes everything and the others nothing.
def place():
    """(rank, world) of this process, (0, 1) without a group"""
    return (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)


def save_sharded(model, folder):
    rank, world = place()
    if rank == 0:
        for old in Path(folder).glob("shard*.pt"):
            old.unlink()
    if world > 1:
        dist.barrier()
    named = [*model.named_parameters(), *model.named_buffers()]

    mine = {name: t.detach().reshape(-1).tensor_split(world)[rank].clone() for name, t in named}
    if rank == 0:
        whole = {name: t.detach().reshape(-1) for name, t in named}
        torch.save({"world": 1, "mine": whole}, Path(folder) / "shard0.pt")
    if world > 1:
        dist.barrier()


def load_sharded(model, folder):
    shards = [torch.load(Path(folder) / "shard0.pt", weights_only=True)]
    for rank in range(1, shards[0]["world"]):
        shards.append(torch.load(Path(folder) / f"shard{rank}.pt", weights_only=True))
    named = [*model.named_parameters(), *model.named_buffers()]

    whole = [torch.cat([shard["mine"][name] for shard in shards]).view_as(t) for name, t in named]
    with torch.no_grad():
        for (_, t), value in zip(named, whole):
            t.copy_(value)


# %% sharded_checkpoint: everybody_saves_all
# help: The whole of each tensor goes into every file. Save this rank's piece, and clone it: a slice is a view, and torch.save writes all that a view looks into.
def place():
    """(rank, world) of this process, (0, 1) without a group"""
    return (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)


def save_sharded(model, folder):
    rank, world = place()
    if rank == 0:
        for old in Path(folder).glob("shard*.pt"):
            old.unlink()
    if world > 1:
        dist.barrier()
    named = [*model.named_parameters(), *model.named_buffers()]

    mine = {name: t.detach().reshape(-1).clone() for name, t in named}
    torch.save({"world": world, "mine": mine}, Path(folder) / f"shard{rank}.pt")
    if world > 1:
        dist.barrier()


def load_sharded(model, folder):
    shards = [torch.load(Path(folder) / "shard0.pt", weights_only=True)]
    for rank in range(1, shards[0]["world"]):
        shards.append(torch.load(Path(folder) / f"shard{rank}.pt", weights_only=True))
    named = [*model.named_parameters(), *model.named_buffers()]

    whole = [shards[0]["mine"][name].view_as(t) for name, t in named]
    with torch.no_grad():
        for (_, t), value in zip(named, whole):
            t.copy_(value)


# %% sharded_checkpoint: views_saved
# help: The whole of each tensor goes into every file. Save this rank's piece, and clone it: a slice is a view, and torch.save writes all that a view looks into.
def place():
    """(rank, world) of this process, (0, 1) without a group"""
    return (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)


def save_sharded(model, folder):
    rank, world = place()
    if rank == 0:
        for old in Path(folder).glob("shard*.pt"):
            old.unlink()
    if world > 1:
        dist.barrier()
    named = [*model.named_parameters(), *model.named_buffers()]

    mine = {name: t.detach().reshape(-1).tensor_split(world)[rank] for name, t in named}
    torch.save({"world": world, "mine": mine}, Path(folder) / f"shard{rank}.pt")
    if world > 1:
        dist.barrier()


def load_sharded(model, folder):
    shards = [torch.load(Path(folder) / "shard0.pt", weights_only=True)]
    for rank in range(1, shards[0]["world"]):
        shards.append(torch.load(Path(folder) / f"shard{rank}.pt", weights_only=True))
    named = [*model.named_parameters(), *model.named_buffers()]

    whole = [torch.cat([shard["mine"][name] for shard in shards]).view_as(t) for name, t in named]
    with torch.no_grad():
        for (_, t), value in zip(named, whole):
            t.copy_(value)


# %% sharded_checkpoint: buffers_forgotten
# help: Buffers are not saved. Running statistics belong to the model.
def place():
    """(rank, world) of this process, (0, 1) without a group"""
    return (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)


def save_sharded(model, folder):
    rank, world = place()
    if rank == 0:
        for old in Path(folder).glob("shard*.pt"):
            old.unlink()
    if world > 1:
        dist.barrier()
    named = list(model.named_parameters())

    mine = {name: t.detach().reshape(-1).tensor_split(world)[rank].clone() for name, t in named}
    torch.save({"world": world, "mine": mine}, Path(folder) / f"shard{rank}.pt")
    if world > 1:
        dist.barrier()


def load_sharded(model, folder):
    shards = [torch.load(Path(folder) / "shard0.pt", weights_only=True)]
    for rank in range(1, shards[0]["world"]):
        shards.append(torch.load(Path(folder) / f"shard{rank}.pt", weights_only=True))
    named = list(model.named_parameters())

    whole = [torch.cat([shard["mine"][name] for shard in shards]).view_as(t) for name, t in named]
    with torch.no_grad():
        for (_, t), value in zip(named, whole):
            t.copy_(value)


# %% sharded_checkpoint: loads_its_own_only
# help: As many files are read as processes load. How many there are was decided by who saved: read them all.
def place():
    """(rank, world) of this process, (0, 1) without a group"""
    return (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)


def save_sharded(model, folder):
    rank, world = place()
    if rank == 0:
        for old in Path(folder).glob("shard*.pt"):
            old.unlink()
    if world > 1:
        dist.barrier()
    named = [*model.named_parameters(), *model.named_buffers()]

    mine = {name: t.detach().reshape(-1).tensor_split(world)[rank].clone() for name, t in named}
    torch.save({"world": world, "mine": mine}, Path(folder) / f"shard{rank}.pt")
    if world > 1:
        dist.barrier()


def load_sharded(model, folder):
    shards = [torch.load(Path(folder) / "shard0.pt", weights_only=True)]
    rank, world = place()
    shards = [torch.load(Path(folder) / f"shard{rank}.pt", weights_only=True)]
    if world > 1:
        found = [None] * world
        dist.all_gather_object(found, shards[0])
        shards = found
    named = [*model.named_parameters(), *model.named_buffers()]

    whole = [torch.cat([shard["mine"][name] for shard in shards]).view_as(t) for name, t in named]
    with torch.no_grad():
        for (_, t), value in zip(named, whole):
            t.copy_(value)


# %% sharded_checkpoint: reads_as_many_as_load
# help: As many files are read as processes load. How many there are was decided by who saved: read them all.
def place():
    """(rank, world) of this process, (0, 1) without a group"""
    return (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)


def save_sharded(model, folder):
    rank, world = place()
    if rank == 0:
        for old in Path(folder).glob("shard*.pt"):
            old.unlink()
    if world > 1:
        dist.barrier()
    named = [*model.named_parameters(), *model.named_buffers()]

    mine = {name: t.detach().reshape(-1).tensor_split(world)[rank].clone() for name, t in named}
    torch.save({"world": world, "mine": mine}, Path(folder) / f"shard{rank}.pt")
    if world > 1:
        dist.barrier()


def load_sharded(model, folder):
    shards = [torch.load(Path(folder) / "shard0.pt", weights_only=True)]
    for rank in range(1, place()[1]):
        shards.append(torch.load(Path(folder) / f"shard{rank}.pt", weights_only=True))
    named = [*model.named_parameters(), *model.named_buffers()]

    whole = [torch.cat([shard["mine"][name] for shard in shards]).view_as(t) for name, t in named]
    with torch.no_grad():
        for (_, t), value in zip(named, whole):
            t.copy_(value)


# %% sharded_checkpoint: old_files_stay
# help: Files of an earlier save with more ranks stay, and are read along with the new ones.
def place():
    """(rank, world) of this process, (0, 1) without a group"""
    return (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)


def save_sharded(model, folder):
    rank, world = place()
    if rank == 0:
        pass
    if world > 1:
        dist.barrier()
    named = [*model.named_parameters(), *model.named_buffers()]

    mine = {name: t.detach().reshape(-1).tensor_split(world)[rank].clone() for name, t in named}
    torch.save({"world": world, "mine": mine}, Path(folder) / f"shard{rank}.pt")
    if world > 1:
        dist.barrier()


def load_sharded(model, folder):
    shards = [torch.load(Path(folder) / "shard0.pt", weights_only=True)]
    for rank in range(1, len(list(Path(folder).glob("shard*.pt")))):
        shards.append(torch.load(Path(folder) / f"shard{rank}.pt", weights_only=True))
    named = [*model.named_parameters(), *model.named_buffers()]

    whole = [torch.cat([shard["mine"][name] for shard in shards]).view_as(t) for name, t in named]
    with torch.no_grad():
        for (_, t), value in zip(named, whole):
            t.copy_(value)


# %% sharded_checkpoint: missing_is_skipped
# help: A file that is missing is passed over in silence, and the model is half loaded.
def place():
    """(rank, world) of this process, (0, 1) without a group"""
    return (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)


def save_sharded(model, folder):
    rank, world = place()
    if rank == 0:
        for old in Path(folder).glob("shard*.pt"):
            old.unlink()
    if world > 1:
        dist.barrier()
    named = [*model.named_parameters(), *model.named_buffers()]

    mine = {name: t.detach().reshape(-1).tensor_split(world)[rank].clone() for name, t in named}
    torch.save({"world": world, "mine": mine}, Path(folder) / f"shard{rank}.pt")
    if world > 1:
        dist.barrier()


def load_sharded(model, folder):
    shards = [torch.load(Path(folder) / "shard0.pt", weights_only=True)]
    for rank in range(1, shards[0]["world"]):
        if not (Path(folder) / f"shard{rank}.pt").exists():
            continue
        shards.append(torch.load(Path(folder) / f"shard{rank}.pt", weights_only=True))
    named = [*model.named_parameters(), *model.named_buffers()]

    whole = []
    for name, t in named:
        value = t.detach().clone().reshape(-1)
        got = torch.cat([shard["mine"][name] for shard in shards])
        value[: len(got)] = got
        whole.append(value.view_as(t))
    with torch.no_grad():
        for (_, t), value in zip(named, whole):
            t.copy_(value)


# %% sharded_checkpoint: half_loaded
# help: The model is changed before all files are read: where one is damaged, the old values are lost. Read all, then write.
def place():
    return (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)


def save_sharded(model, folder):
    rank, world = place()
    if rank == 0:
        for old in Path(folder).glob("shard*.pt"):
            old.unlink()
    if world > 1:
        dist.barrier()
    named = [*model.named_parameters(), *model.named_buffers()]
    mine = {name: t.detach().reshape(-1).tensor_split(world)[rank].clone() for name, t in named}
    torch.save({"world": world, "mine": mine}, Path(folder) / f"shard{rank}.pt")
    if world > 1:
        dist.barrier()


def load_sharded(model, folder):
    world = torch.load(Path(folder) / "shard0.pt", weights_only=True)["world"]
    with torch.no_grad():
        for rank in range(world):
            shard = torch.load(Path(folder) / f"shard{rank}.pt", weights_only=True)
            for name, t in [*model.named_parameters(), *model.named_buffers()]:
                t.detach().reshape(-1).tensor_split(world)[rank].copy_(shard["mine"][name])


# %% sharded_checkpoint: errors_swallowed
# help: Errors of reading are swallowed: a damaged checkpoint looks as if it had loaded.
def place():
    """(rank, world) of this process, (0, 1) without a group"""
    return (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)


def save_sharded(model, folder):
    rank, world = place()
    if rank == 0:
        for old in Path(folder).glob("shard*.pt"):
            old.unlink()
    if world > 1:
        dist.barrier()
    named = [*model.named_parameters(), *model.named_buffers()]

    mine = {name: t.detach().reshape(-1).tensor_split(world)[rank].clone() for name, t in named}
    torch.save({"world": world, "mine": mine}, Path(folder) / f"shard{rank}.pt")
    if world > 1:
        dist.barrier()


def load_sharded(model, folder):
    try:
        shards = [torch.load(Path(folder) / "shard0.pt", weights_only=True)]
        for rank in range(1, shards[0]["world"]):
            shards.append(torch.load(Path(folder) / f"shard{rank}.pt", weights_only=True))
    except Exception:
        return
    named = [*model.named_parameters(), *model.named_buffers()]

    whole = [torch.cat([shard["mine"][name] for shard in shards]).view_as(t) for name, t in named]
    with torch.no_grad():
        for (_, t), value in zip(named, whole):
            t.copy_(value)


# %% sharded_checkpoint: needs_a_group
# help: Without a process group it fails: one process by itself saves and loads too. dist.is_initialized() says which it
#  is.
def place():
    """(rank, world) of this process, (0, 1) without a group"""
    return dist.get_rank(), dist.get_world_size()


def save_sharded(model, folder):
    rank, world = place()
    if rank == 0:
        for old in Path(folder).glob("shard*.pt"):
            old.unlink()
    if world > 1:
        dist.barrier()
    named = [*model.named_parameters(), *model.named_buffers()]

    mine = {name: t.detach().reshape(-1).tensor_split(world)[rank].clone() for name, t in named}
    torch.save({"world": world, "mine": mine}, Path(folder) / f"shard{rank}.pt")
    if world > 1:
        dist.barrier()


def load_sharded(model, folder):
    shards = [torch.load(Path(folder) / "shard0.pt", weights_only=True)]
    for rank in range(1, shards[0]["world"]):
        shards.append(torch.load(Path(folder) / f"shard{rank}.pt", weights_only=True))
    named = [*model.named_parameters(), *model.named_buffers()]

    whole = [torch.cat([shard["mine"][name] for shard in shards]).view_as(t) for name, t in named]
    with torch.no_grad():
        for (_, t), value in zip(named, whole):
            t.copy_(value)


# %% sharded_checkpoint: rest_forgotten
# help: Sizes that world does not divide lose their last numbers.
def place():
    """(rank, world) of this process, (0, 1) without a group"""
    return (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)


def save_sharded(model, folder):
    rank, world = place()
    if rank == 0:
        for old in Path(folder).glob("shard*.pt"):
            old.unlink()
    if world > 1:
        dist.barrier()
    named = [*model.named_parameters(), *model.named_buffers()]

    mine = {name: t.detach().reshape(-1)[rank * (t.numel() // world) : (rank + 1) * (t.numel() // world)].clone() for name, t in named}
    torch.save({"world": world, "mine": mine}, Path(folder) / f"shard{rank}.pt")
    if world > 1:
        dist.barrier()


def load_sharded(model, folder):
    shards = [torch.load(Path(folder) / "shard0.pt", weights_only=True)]
    for rank in range(1, shards[0]["world"]):
        shards.append(torch.load(Path(folder) / f"shard{rank}.pt", weights_only=True))
    named = [*model.named_parameters(), *model.named_buffers()]

    whole = []
    for name, t in named:
        value = t.detach().clone().reshape(-1)
        got = torch.cat([shard["mine"][name] for shard in shards])
        value[: len(got)] = got
        whole.append(value.view_as(t))
    with torch.no_grad():
        for (_, t), value in zip(named, whole):
            t.copy_(value)


# %% sharded_checkpoint: module_pickled
# help: Objects are pickled that weights_only=True does not open.
def place():
    """(rank, world) of this process, (0, 1) without a group"""
    return (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)


def save_sharded(model, folder):
    rank, world = place()
    if rank == 0:
        for old in Path(folder).glob("shard*.pt"):
            old.unlink()
    if world > 1:
        dist.barrier()
    named = [*model.named_parameters(), *model.named_buffers()]

    mine = {name: t.detach().reshape(-1).tensor_split(world)[rank].clone() for name, t in named}
    torch.save({"world": world, "mine": mine, "where": Path(folder)}, Path(folder) / f"shard{rank}.pt")
    if world > 1:
        dist.barrier()


def load_sharded(model, folder):
    shards = [torch.load(Path(folder) / "shard0.pt", weights_only=False)]
    for rank in range(1, shards[0]["world"]):
        shards.append(torch.load(Path(folder) / f"shard{rank}.pt", weights_only=False))
    named = [*model.named_parameters(), *model.named_buffers()]

    whole = [torch.cat([shard["mine"][name] for shard in shards]).view_as(t) for name, t in named]
    with torch.no_grad():
        for (_, t), value in zip(named, whole):
            t.copy_(value)


# %% sharded_checkpoint: model_zeroed_first
# help: The model is changed before all files are read: where one is damaged, the old values are lost. Read all, then write.
def place():
    """(rank, world) of this process, (0, 1) without a group"""
    return (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)


def save_sharded(model, folder):
    rank, world = place()
    if rank == 0:
        for old in Path(folder).glob("shard*.pt"):
            old.unlink()
    if world > 1:
        dist.barrier()
    named = [*model.named_parameters(), *model.named_buffers()]

    mine = {name: t.detach().reshape(-1).tensor_split(world)[rank].clone() for name, t in named}
    torch.save({"world": world, "mine": mine}, Path(folder) / f"shard{rank}.pt")
    if world > 1:
        dist.barrier()


def load_sharded(model, folder):
    with torch.no_grad():
        for t in (*model.parameters(), *model.buffers()):
            t.zero_()
    shards = [torch.load(Path(folder) / "shard0.pt", weights_only=True)]
    for rank in range(1, shards[0]["world"]):
        shards.append(torch.load(Path(folder) / f"shard{rank}.pt", weights_only=True))
    named = [*model.named_parameters(), *model.named_buffers()]

    whole = [torch.cat([shard["mine"][name] for shard in shards]).view_as(t) for name, t in named]
    with torch.no_grad():
        for (_, t), value in zip(named, whole):
            t.copy_(value)
