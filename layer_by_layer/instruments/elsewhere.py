"""A device of the course's own, so that code can be seen to run elsewhere on a machine that has only a CPU.

    with elsewhere.device() as away:
        x = torch.ones(2, 3).to(away)
        y = x @ torch.ones(3, 2)        # RuntimeError: tensors on two devices
        elsewhere.fetch(x)              # an ordinary tensor again; what never left is returned as it is

Tensors there keep their numbers in ordinary memory and answer every operation, `.item()` included; they only
claim another device, and refuse what real devices refuse: operands from two of them (a number without axes from
the CPU may join in), and NumPy.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

#: A name torch knows as a device and this machine does not have; nothing in torch starts it up.
NAME = "lazy"
_MAY_MIX = {
    "aten::copy_",
    "aten::_to_copy",
    "aten::index_put_",
    "aten::index_put",
    "aten::index",
    "aten::_index_put_impl_",
}


class _Away(torch.Tensor):
    """An ordinary tensor in the clothes of another device."""

    inner: torch.Tensor

    @staticmethod
    def __new__(cls, inner: torch.Tensor) -> _Away:
        # an ordinary one under torch.inference_mode() too: a view shares the version counter of its base
        with torch.inference_mode(False):
            made = torch.Tensor._make_wrapper_subclass(
                cls, inner.shape, strides=inner.stride(), storage_offset=inner.storage_offset(),
                dtype=inner.dtype, device=torch.device(NAME, 0),
            )  # fmt: skip
        made.inner = inner
        return made

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {})

    __torch_function__ = torch._C._disabled_torch_function_impl

    def __repr__(self, **_: Any) -> str:
        return f"{self.inner!r} on {self.device}"

    def numpy(self, *_: Any, **__: Any) -> Any:
        """Refuse, as every device but the CPU does."""
        raise TypeError(f"can't convert {NAME}:0 device type tensor to numpy. Use Tensor.cpu() first.")

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        """Refuse in NumPy's own way of asking too, with the arguments that NumPy 2 hands over."""
        return self.numpy()

    def tolist(self) -> Any:
        """Return the numbers as Python's, which every device does."""
        return self.inner.tolist()


class _Here(TorchDispatchMode):
    """Makes `torch.zeros(2, device=away)` and `x.to(away)` work while it is on."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return _run(func, args, kwargs or {})


class _Made(TorchFunctionMode):
    """Makes `torch.tensor([1.0], device=away)` work, which fills its memory behind every other mode's back."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in _FROM_DATA and kwargs.get("device") is not None and _is_away(kwargs["device"]):
            made = func(*args, **kwargs | {"device": "cpu"})
            return made if isinstance(made, _Away) else _Away(made)
        if func is torch.Tensor.new_tensor and isinstance(args[0], _Away) and kwargs.get("device") is None:
            return _Away(args[0].inner.new_tensor(*args[1:], **kwargs))
        return func(*args, **kwargs)


_FROM_DATA = {torch.tensor, torch.as_tensor, torch.asarray, torch.scalar_tensor}


def _is_away(device: Any) -> bool:
    return device is not None and torch.device(device).type == NAME


def _run(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
    away = any(isinstance(leaf, _Away) for leaf in tensors)
    if (
        away
        and func._schema.name not in _MAY_MIX
        and any(not isinstance(t, _Away) and t.dim() for t in tensors)
    ):
        raise RuntimeError(
            f"Expected all tensors to be on the same device, but found at least two devices, cpu and {NAME}:0!"
        )
    if "device" in kwargs and kwargs["device"] is not None:
        away = _is_away(kwargs["device"])
        kwargs = kwargs | {"device": torch.device("cpu")} if away else kwargs
    plain_args, plain_kwargs = tree_map(_unwrap, (args, kwargs))
    result = func(*plain_args, **plain_kwargs)
    if func._schema.name.endswith("_") and args and isinstance(args[0], torch.Tensor):
        return args[0]
    return tree_map(lambda leaf: _Away(leaf) if away and isinstance(leaf, torch.Tensor) else leaf, result)


def _unwrap(leaf: Any) -> Any:
    return leaf.inner if isinstance(leaf, _Away) else leaf


@contextmanager
def device() -> Iterator[torch.device]:
    """Give the other device for as long as the block lasts; gradients are not tracked there."""
    with torch.no_grad(), _Made(), _Here():
        yield torch.device(NAME, 0)


def fetch(tensor: Any) -> Any:
    """Return a tensor from there as an ordinary one; anything else as it is."""
    return _unwrap(tensor)
