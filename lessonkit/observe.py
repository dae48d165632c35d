"""Turn what a student's code returned into plain data: raw bytes, dtype, shape, numbers, strings.

Plain data is the only thing that ever leaves the process in which a student's code runs. It is never a
pickle, and it never calls a method that the student could have defined.
"""

from __future__ import annotations

import base64
import struct
import sys
from typing import Any

import numpy as np

#: More elements than this in one list, dict or tuple is no answer to any exercise.
MAX_ITEMS = 20_000
MAX_DEPTH = 8
MAX_BYTES = 64 * 2**20

Plain = dict[str, Any]


def encode(value: Any, depth: int = 0) -> Plain:
    """Return `value` as a JSON-ready dictionary whose `kind` says what it was.

    Kinds: `none`, `bool`, `int`, `float`, `str`, `sequence` (list or tuple), `mapping`, `array` (NumPy),
    `tensor` (torch, any device, bytes of a contiguous copy), `scalar` (a NumPy scalar), and `object`, which
    carries only the name of the type and equals nothing.
    """
    if depth > MAX_DEPTH:
        return {"kind": "object", "type": "something nested too deeply"}
    if value is None:
        return {"kind": "none"}
    if isinstance(value, bool):
        return {"kind": "bool", "value": value is True}
    if type(value) is np.bool_:
        return {"kind": "bool", "value": bool(value)}
    if isinstance(value, np.generic) and not isinstance(value, float):
        return _encode_array(np.asarray(value), "scalar")
    if isinstance(value, int):
        return {"kind": "int", "value": str(int.__index__(value))}
    if isinstance(value, float):
        # the eight bytes of the double itself, whatever a subclass claims to be
        return {"kind": "float", "value": struct.pack("<d", value).hex()}
    if isinstance(value, str):
        return {"kind": "str", "value": str.__str__(value)[:100_000].encode("utf-8", "replace").decode("utf-8")}
    if isinstance(value, (list, tuple)):
        items = list.__iter__(value) if isinstance(value, list) else tuple.__iter__(value)
        return {"kind": "sequence", "items": _encode_items(items, depth)}
    if isinstance(value, dict):
        pairs = list(dict.items(value))[:MAX_ITEMS]
        return {"kind": "mapping", "items": [[str(k)[:200], encode(v, depth + 1)] for k, v in pairs]}
    if isinstance(value, np.ndarray):
        return _encode_array(value, "array")
    torch = sys.modules.get("torch")
    if torch is not None:
        if isinstance(value, torch.Tensor):
            return _encode_tensor(value, torch)
        if isinstance(value, torch.dtype):
            return {"kind": "str", "value": str(value)}
        if isinstance(value, torch.Size):
            return {"kind": "sequence", "items": _encode_items(tuple.__iter__(value), depth)}
    return {"kind": "object", "type": type(value).__name__[:80]}


def _encode_items(items: Any, depth: int) -> list[Plain]:
    encoded = []
    for item in items:
        if len(encoded) >= MAX_ITEMS:
            encoded.append({"kind": "object", "type": f"more than {MAX_ITEMS} items"})
            break
        encoded.append(encode(item, depth + 1))
    return encoded


def _encode_array(array: np.ndarray, kind: str) -> Plain:
    array = np.asarray(array)  # drops subclasses and whatever they override
    if array.dtype.hasobject:
        return {"kind": "object", "type": "an array of Python objects"}
    if array.dtype.kind not in "biuf":
        return {"kind": "object", "type": f"an array of {array.dtype}"}
    if array.nbytes > MAX_BYTES:
        return {"kind": "object", "type": f"an array of {array.nbytes} bytes"}
    raw = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
    return _plain_array(kind, array.dtype.name, array.shape, raw)


def _encode_tensor(tensor: Any, torch: Any) -> Plain:
    with torch._C.DisableTorchFunctionSubclass(), torch.no_grad():
        plain = torch.Tensor.detach(tensor)
        name = str(plain.dtype).removeprefix("torch.")
        if plain.is_sparse or plain.is_complex() or plain.is_quantized:
            return {"kind": "object", "type": f"a tensor of layout {plain.layout} and dtype {name}"}
        if plain.numel() * plain.element_size() > MAX_BYTES:
            return {"kind": "object", "type": f"a tensor of {plain.numel()} elements"}
        plain = plain.to("cpu").contiguous()
        if name in ("bfloat16", "float16"):
            raw = plain.to(torch.float32).numpy().tobytes()
        else:
            raw = plain.resolve_conj().resolve_neg().numpy().tobytes()
        return _plain_array("tensor", name, tuple(plain.shape), raw)


def _plain_array(kind: str, dtype: str, shape: tuple[int, ...], raw: bytes) -> Plain:
    return {"kind": kind, "dtype": dtype, "shape": list(shape), "data": base64.b64encode(raw).decode("ascii")}


def decode(plain: Plain) -> Any:
    """Return what a judge looks at: Python numbers, strings, lists, dicts and NumPy arrays (tensors too).

    Raises ValueError where the data is not what `encode` writes, and UnknownObject where it holds an `object`.
    """
    kind = plain.get("kind")
    if kind == "none":
        return None
    if kind == "bool":
        return plain["value"] is True
    if kind == "int":
        return int(plain["value"])
    if kind == "float":
        return struct.unpack("<d", bytes.fromhex(plain["value"]))[0]
    if kind == "str":
        return str(plain["value"])
    if kind == "sequence":
        return [decode(item) for item in plain["items"]]
    if kind == "mapping":
        return {str(key): decode(item) for key, item in plain["items"]}
    if kind in ("array", "tensor", "scalar"):
        return decode_array(plain)
    if kind == "object":
        raise UnknownObject(str(plain.get("type", "?")))
    raise ValueError(f"no such kind of plain data: {kind!r}")


def decode_array(plain: Plain) -> np.ndarray:
    """Return the NumPy array of an `array`, `tensor` or `scalar`; ValueError where bytes and shape disagree."""
    name = plain["dtype"]
    dtype = np.dtype({"bfloat16": "float32", "float16": "float32"}.get(name, name)).newbyteorder("<")
    if plain["kind"] != "tensor":
        dtype = np.dtype(name).newbyteorder("<")
    if dtype.hasobject:
        raise ValueError("an array of objects")
    raw = base64.b64decode(plain["data"], validate=True)
    return np.frombuffer(raw, dtype=dtype).reshape([int(n) for n in plain["shape"]]).copy()


class UnknownObject(ValueError):
    """The observation held an object that is neither number, string, list, dict, array nor tensor."""


def describe(plain: Plain, digits: int = 6) -> str:
    """Say in a few characters what plain data is: `float32[4,3]`, `float 0.25`, `a tuple or list of 2`.

    Single numbers are shown with `digits` significant digits.
    """
    kind = plain.get("kind")
    if kind == "none":
        return "None"
    if kind == "bool":
        return str(plain["value"])
    if kind == "int":
        return f"int {plain['value']}"
    if kind == "float":
        return f"float {decode(plain):.{digits}g}"
    if kind == "str":
        text = repr(plain["value"])
        return text if len(text) <= 80 else text[:77] + "..."
    if kind == "sequence":
        items = plain["items"]
        if 0 < len(items) <= 4:
            return "(" + ", ".join(describe(item, digits) for item in items) + ")"
        return f"a tuple or list of {len(items)}"
    if kind == "mapping":
        return f"a dict with keys {', '.join(repr(key) for key, _ in plain['items'][:6]) or '(none)'}"
    if kind in ("array", "tensor", "scalar"):
        owner = {"array": "NumPy ", "tensor": "", "scalar": "NumPy scalar "}[kind]
        shape = ",".join(str(n) for n in plain["shape"])
        text = f"{owner}{plain['dtype']}[{shape}]" if kind != "scalar" else f"{owner}{plain['dtype']}"
        array = decode_array(plain)
        if array.size == 1:
            text += f" {array.reshape(-1)[0]:.{digits}g}"
        return text
    return f"an object of type {plain.get('type', '?')}"
