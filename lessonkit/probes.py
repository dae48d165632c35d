"""The inputs and moments at which solutions break that are right everywhere else, written once.

A contract promises some of them, `RULES` where it says nothing else; `check.probes` tries these and reports which hold:

    check.probes(
        "it keeps what it promises",
        lambda: relu,
        check.tensor(7, 4, 3),
        promises=("memory that is not contiguous", "no row", "one row", "float64"),
        expected=lambda: torch.relu,
    )

What is probed is made anew for each probe, from a function without arguments: `lambda: relu` for a function,
`lambda: Linear(3, 4)` for a layer. Inputs are NumPy arrays or tensors whose first axis is the rows. It is judged
against what `expected` makes, and when graded against the reference.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

Call = Callable[..., Any]
Make = Callable[[], Call]
Probe = Callable[[Make, tuple[Any, ...]], Any]


def of(make: Make, inputs: tuple[Any, ...], promises: tuple[str, ...]) -> dict[str, Any]:
    """Return what each promised probe gives, by its name; an exception is its type and words.

    LookupError where there is no probe of a name.
    """
    unknown = [name for name in promises if name not in PROBES]
    if unknown:
        raise LookupError(f"no probe {unknown[0]!r}; there are {', '.join(map(repr, PROBES))}")
    return {name: _tried(PROBES[name], make, inputs) for name in promises}


def right(make: Make, inputs: tuple[Any, ...], promises: tuple[str, ...]) -> dict[str, Any]:
    """Return what `of` does for a function that is right; ValueError where it raises, for then nothing is probed."""
    found = of(make, inputs, promises)
    for name, value in found.items():
        if isinstance(value, str) and value.startswith("raised "):
            raise ValueError(f"what is expected fails itself in the probe {name!r}: it {value}")
    return found


def _tried(probe: Probe, make: Make, inputs: tuple[Any, ...]) -> Any:
    try:
        return probe(make, tuple(_copy(x) for x in inputs))
    except NotImplementedError:
        raise
    except Exception as error:
        return f"raised {type(error).__name__}: {str(error).strip()[:120]}"


def _is_tensor(x: Any) -> bool:
    return hasattr(x, "requires_grad")


def _copy(x: Any) -> Any:
    return x.detach().clone() if _is_tensor(x) else np.array(x) if isinstance(x, np.ndarray) else x


def _mapped(change: Callable[[Any], Any], inputs: tuple[Any, ...]) -> list[Any]:
    return [change(x) if hasattr(x, "shape") else x for x in inputs]


def _strided(x: Any) -> Any:
    """Return the same numbers in another order in memory; a single axis with gaps."""
    if x.ndim >= 2 and _is_tensor(x):
        return x.transpose(-1, -2).contiguous().transpose(-1, -2)
    if x.ndim >= 2:
        return np.ascontiguousarray(np.swapaxes(x, -1, -2)).swapaxes(-1, -2)
    return x[:, None].repeat(1, 2)[:, 0] if _is_tensor(x) else np.repeat(x[:, None], 2, axis=1)[:, 0]


def _double(x: Any) -> Any:
    if _is_tensor(x):
        return x.double() if x.is_floating_point() else x
    return x.astype(np.float64) if x.dtype.kind == "f" else x


def _in_float64(make: Make, inputs: tuple[Any, ...]) -> Any:
    made = make()
    return (made.double() if hasattr(made, "double") else made)(*_mapped(_double, inputs))


def _twice(make: Make, inputs: tuple[Any, ...]) -> list[Any]:
    made = make()
    return [_copied(made(*inputs)), _copied(made(*inputs))]


def _copied(value: Any) -> Any:
    """Return a result that a later call cannot change."""
    if isinstance(value, (list, tuple)):
        return [_copied(one) for one in value]
    return _copy(value)


def _left_alone(make: Make, inputs: tuple[Any, ...]) -> list[Any]:
    make()(*inputs)
    return list(inputs)


def _both_modes(make: Make, inputs: tuple[Any, ...]) -> list[Any]:
    made: Any = make()
    return [_copied(made.train()(*inputs)), _copied(made.eval()(*inputs))]


def _untrained(make: Make, inputs: tuple[Any, ...]) -> Any:
    made: Any = make()
    return made.eval()(*inputs)


def _moved(module: Any) -> Any:
    """Return a module whose floating parameters and buffers are other numbers than before, in place."""
    import torch

    with torch.no_grad():
        for value in module.state_dict().values():
            if value.is_floating_point():
                value.add_(0.25)
    return module


def _saved_and_loaded(make: Make, inputs: tuple[Any, ...]) -> list[Any]:
    one, other = _moved(make()), make()
    other.load_state_dict(one.state_dict())  # type: ignore[attr-defined]
    return [_copied(one.eval()(*inputs)), _copied(other.eval()(*inputs)), sorted(one.state_dict())]  # type: ignore[attr-defined]


def _deep_copied(make: Make, inputs: tuple[Any, ...]) -> list[Any]:
    one: Any = make()
    other = copy.deepcopy(one)
    _moved(other)
    return [_copied(one.eval()(*inputs)), _copied(other.eval()(*inputs))]


#: What the rules for every exercise promise of a function or a layer, unless its contract says otherwise.
RULES = ("memory that is not contiguous", "one row", "float64", "the same call twice", "inputs left alone")

#: Each probe by the name that a contract promises it under.
PROBES: dict[str, Probe] = {
    "memory that is not contiguous": lambda make, inputs: make()(*_mapped(_strided, inputs)),
    "no row": lambda make, inputs: make()(*_mapped(lambda x: x[:0], inputs)),
    "one row": lambda make, inputs: make()(*_mapped(lambda x: x[:1], inputs)),
    "an axis of one": lambda make, inputs: make()(*_mapped(lambda x: x[..., :1], inputs)),
    "float64": _in_float64,
    "the same call twice": _twice,
    "inputs left alone": _left_alone,
    "training and evaluation": _both_modes,
    "before any training": _untrained,
    "state_dict there and back": _saved_and_loaded,
    "deepcopy": _deep_copied,
}
