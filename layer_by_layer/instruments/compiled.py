"""What torch.compile did with a function: how many graphs it made, and flex_attention without its advice."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterable
from typing import Any

import torch


class Graphs:
    """A backend that runs each captured graph as it is and keeps them in the order in which they came."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    def __call__(self, module: Any, _: Any) -> Any:
        """Keep the graph and return what runs it."""
        self.seen.append(module)
        return module.forward

    def __len__(self) -> int:
        return len(self.seen)


def compiled_over(function: Callable[..., Any], inputs: Iterable[Any], **how: Any) -> tuple[list[Any], int]:
    """Compile `function` afresh, call it with each of `inputs`; return what it gave and how many graphs were made."""
    torch._dynamo.reset()
    graphs, log = Graphs(), logging.getLogger("torch._dynamo")
    compiled, level = torch.compile(function, backend=graphs, **how), log.level
    log.setLevel(logging.ERROR)  # what breaks a graph is counted here, and need not be told as a warning too
    try:
        with torch.no_grad():
            return [compiled(x) for x in inputs], len(graphs)
    finally:
        log.setLevel(level)


def flex(q: Any, k: Any, v: Any, score_mod: Any = None, mask_mod: Any = None) -> Any:
    """Return torch's flex_attention, run as it is: it advises to compile it, which takes long on a CPU."""
    from torch.nn.attention.flex_attention import create_block_mask, flex_attention

    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        mask = None if mask_mod is None else create_block_mask(mask_mod, None, None, q.shape[-2], k.shape[-2], device="cpu")
        return flex_attention(q, k, v, score_mod=score_mod, block_mask=mask)
