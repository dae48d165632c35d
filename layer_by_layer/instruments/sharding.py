"""Count what a rank holds and what it writes, and draw who holds what."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from lessonkit import plot


def tensors_in(thing: Any, seen: set[int] | None = None) -> Iterator[Any]:
    """Yield every tensor that can be reached from an object through attributes, lists, tuples and dictionaries."""
    seen = set() if seen is None else seen
    if id(thing) in seen or isinstance(thing, (str, bytes, int, float, type)):
        return
    seen.add(id(thing))
    if isinstance(thing, torch.Tensor):
        yield thing
        if thing.grad is not None:
            yield from tensors_in(thing.grad, seen)
        return
    inner: list[Any] = []
    if isinstance(thing, dict):
        inner += [*thing.keys(), *thing.values()]
    elif isinstance(thing, (list, tuple, set)):
        inner += thing
    inner += vars(thing).values() if hasattr(thing, "__dict__") and not callable(thing) else []
    for one in inner:
        yield from tensors_in(one, seen)


def elements_of(tensors: Any, beside: Any = ()) -> int:
    """Return how many elements the storages of `tensors` have, each storage once, those of `beside` not counted."""
    known = {one.untyped_storage().data_ptr() for one in beside}
    count = 0
    for one in tensors:
        storage = one.untyped_storage()
        if storage.data_ptr() not in known and storage.nbytes():
            known.add(storage.data_ptr())
            count += storage.nbytes() // one.element_size()
    return count


def held_by(optimizer: Any, parameters: Any) -> int:
    """Return how many elements an optimizer holds beside the parameters and their gradients."""
    own = [*parameters, *(p.grad for p in parameters if p.grad is not None)]
    return elements_of(tensors_in(optimizer), own)


@contextmanager
def saved_elements() -> Iterator[list[int]]:
    """Note, for every torch.save inside the block, how many elements the storages that it writes have."""
    counts: list[int] = []
    save = torch.save

    def noting(thing: Any, *args: Any, **kwargs: Any) -> None:
        counts.append(elements_of(tensors_in(thing)))
        save(thing, *args, **kwargs)

    torch.save = noting
    try:
        yield counts
    finally:
        torch.save = save


def draw_devices(holds: dict[str, list[list[int]]], pieces: int, alt: str) -> None:
    """Draw devices side by side, a row a kind of thing: which of its `pieces` each device holds."""
    count = len(next(iter(holds.values())))
    with plot.figure(alt, columns=count, height=0.42 * len(holds) + 0.8) as axes:
        for device, ax in enumerate(axes if count > 1 else [axes]):
            for row, (name, owners) in enumerate(holds.items()):
                for piece in range(pieces):
                    mine = piece in owners[device]
                    colour = plot.PALETTE[piece % 6] if mine else "#EEEEEE"
                    ax.barh(-row, 0.92, left=piece, height=0.8, color=colour)
                if device == 0:
                    ax.text(-0.2, -row, name, ha="right", va="center", fontsize=8)
            ax.set_xlim(-0.1, pieces)
            ax.set_title(f"device {device}", fontsize=9)
            ax.set_axis_off()
