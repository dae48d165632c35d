"""Write down the operations that run, below autograd, and what their inputs were made from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


@dataclass(frozen=True)
class Entry:
    """One operation: its name, the named tensors its inputs came from, the size of its result, is it a view?"""

    name: str
    sources: frozenset[str]
    numel: int
    is_view: bool


class Ledger(TorchDispatchMode):
    """Writes down each operation inside `with Ledger(x=x) as ledger:` in `ledger.lines`, forward and backward.

    Tensors are told apart by their storage, so a view belongs to what it looks at.
    """

    def __init__(self, **named: torch.Tensor) -> None:
        super().__init__()
        self.lines: list[Entry] = []
        self._kept: list[torch.Tensor] = list(named.values())  # alive, so that no later tensor gets an address
        self._made_from = {_where(t): frozenset([name]) for name, t in named.items()}

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = operation(*args, **(kwargs or {}))
        name = operation.overloadpacket.__name__
        seen = {_where(t) for t in _tensors((args, kwargs))}
        empty = name.endswith("_like") or name.startswith("new_")  # takes a shape and a dtype, no values
        sources = frozenset() if empty else frozenset().union(*(self._made_from.get(w, ()) for w in seen))
        for t in _tensors(result):
            where = _where(t)
            before = self._made_from.get(where, frozenset()) if where in seen else frozenset()
            self._made_from[where] = sources | before
            self._kept.append(t)
            self.lines.append(Entry(name, sources, t.numel(), where in seen))
        return result


#: Operations that only move numbers to another place.
COPIES = ("index", "index_select", "gather", "clone", "cat", "stack", "_to_copy", "copy_")
#: Operations that work out an exponential.
EXPONENTIALS = (
    "exp", "exp2", "expm1", "pow", "sigmoid", "softmax", "sinh", "cosh", "special_exp2", "foreach_exp",
)  # fmt: skip


def exponentials(run: Callable[[], Any]) -> tuple[int, Any]:
    """Run `run()` and return how many exponentials it worked out, and its result."""
    with Ledger() as ledger:
        result = run()
    return sum(1 for entry in ledger.lines if entry.name.strip("_") in EXPONENTIALS), result


def linear_work(
    layer: Callable[..., torch.Tensor], names: list[str], upstream: torch.Tensor, **inputs: torch.Tensor
) -> tuple[list[torch.Tensor], list[str]]:
    """Ask a linear layer's backward for the gradients of `names` and see what it worked on.

    `inputs` are x, weight and perhaps bias, in order. Returns the gradients asked for, and the names of those that
    were worked on without being asked for.
    """
    leaves = {name: t.detach().clone().requires_grad_(name in names) for name, t in inputs.items()}
    upstream, worked = upstream.clone(), set()
    with Ledger(upstream=upstream, **leaves) as ledger:
        grads = torch.autograd.grad(layer(*leaves.values()), [leaves[n] for n in names], upstream)
    for entry in ledger.lines:
        if {"upstream", "weight"} <= entry.sources:
            worked.add("x")
        if {"upstream", "x"} <= entry.sources:
            worked.add("weight")
        sums = entry.sources == {"upstream"} and entry.numel < upstream.numel() and not entry.is_view
        if sums and entry.name not in COPIES:
            worked.add("bias")
    return list(grads), sorted(worked - set(names))


def new_tensors(layer: Callable[..., torch.Tensor], names: list[str], upstream: torch.Tensor, **inputs: torch.Tensor) -> int:
    """Return how many operations of a layer's backward made a new tensor, where the gradients of `names` are asked for."""
    leaves = {name: t.detach().clone().requires_grad_(name in names) for name, t in inputs.items()}
    with Ledger(upstream=upstream, **leaves) as ledger:
        torch.autograd.grad(layer(*leaves.values()), [leaves[n] for n in names], upstream)
    return sum(1 for entry in ledger.lines if "upstream" in entry.sources and not entry.is_view)


def _where(tensor: torch.Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def _tensors(tree: Any) -> list[torch.Tensor]:
    return [t for t in tree_leaves(tree) if isinstance(t, torch.Tensor)]
