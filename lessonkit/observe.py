"""Turn what a student's code returned into plain data: raw bytes, dtype, shape, numbers, strings.

Plain data is the only thing that ever leaves the process in which a student's code runs. It is never a
pickle, and it never calls a method that the student could have defined.
"""

from __future__ import annotations

import base64
import math
import re
import struct
import sys
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any

import numpy as np

from lessonkit.plain_text import printable, sound

#: More elements than this in one list, dict or tuple is no answer to any exercise.
MAX_ITEMS = 20_000
MAX_DEPTH = 8
MAX_BYTES = 64 * 2**20
#: Axes of an array; entries that the other axes of an array without entries may stand for.
MAX_AXES, MAX_EMPTY = 16, 2**16
#: Values in one observation, however they are nested.
MAX_NODES = 25_000
MAX_DIGITS, MAX_TEXT, MAX_KEY, MAX_NAME = 400, 100_000, 200, 80
#: What an array, a NumPy scalar or a tensor may be made of, with the bytes of one entry as they are sent.
WIDTH = {
    "bool": 1, "int8": 1, "uint8": 1, "int16": 2, "uint16": 2, "int32": 4, "uint32": 4, "int64": 8, "uint64": 8,
    "float16": 2, "float32": 4, "float64": 8,
}  # fmt: skip
#: torch's small floats are sent as float32.
_WIDENED = {"float16": "float32", "bfloat16": "float32"}
_TENSOR_WIDTH = WIDTH | {"float16": 4, "bfloat16": 4}

Plain = dict[str, Any]


def encode(value: Any) -> Plain:
    """Return `value` as a JSON-ready dictionary whose `kind` says what it was.

    Kinds: `none`, `bool`, `int`, `float`, `str`, `sequence` (list or tuple), `mapping`, `array` (NumPy),
    `tensor` (torch, any device, bytes of a contiguous copy), `scalar` (a NumPy scalar), and `object`, which
    carries only the name of the type and equals nothing.
    """
    return _encode(value, 0, [MAX_NODES])


def _encode(value: Any, depth: int, room: list[int]) -> Plain:
    room[0] -= 1
    if depth > MAX_DEPTH:
        return _object("something nested too deeply")
    if room[0] < 0:
        return _object(f"more than {MAX_NODES} values")
    if value is None:
        return {"kind": "none"}
    if isinstance(value, bool):
        return {"kind": "bool", "value": value is True}
    if type(value) is np.bool_:
        return {"kind": "bool", "value": bool(value)}
    if isinstance(value, np.generic) and not isinstance(value, float):
        return _encode_array(np.asarray(value), "scalar")
    if isinstance(value, int):
        return _encode_int(int.__index__(value))
    if isinstance(value, float):
        # the eight bytes of the double itself, whatever a subclass claims to be
        return {"kind": "float", "value": struct.pack("<d", value).hex()}
    if isinstance(value, str):
        return {"kind": "str", "value": sound(str.__str__(value), MAX_TEXT)}
    if isinstance(value, (list, tuple)):
        items = list.__iter__(value) if isinstance(value, list) else tuple.__iter__(value)
        return {"kind": "sequence", "items": _encode_items(items, depth, room)}
    if isinstance(value, dict):
        pairs = islice(dict.items(value), min(MAX_ITEMS, max(0, room[0])))
        return {"kind": "mapping", "items": [[sound(str(k), MAX_KEY), _encode(v, depth + 1, room)] for k, v in pairs]}
    if isinstance(value, np.ndarray):
        return _encode_array(value, "array")
    torch = sys.modules.get("torch")
    if torch is not None:
        if isinstance(value, torch.Tensor):
            return _encode_tensor(value, torch)
        if isinstance(value, torch.dtype):
            return {"kind": "str", "value": str(value)}
        if isinstance(value, torch.Size):
            return {"kind": "sequence", "items": _encode_items(tuple.__iter__(value), depth, room)}
    return _object(type(value).__name__)


def _object(name: str) -> Plain:
    return {"kind": "object", "type": sound(name, MAX_NAME)}


def _encode_int(value: int) -> Plain:
    if value.bit_length() > MAX_DIGITS * 3:  # 1200 bits have at most 362 digits; Python refuses to write 4300
        return _object(f"an int of {value.bit_length()} bits")
    return {"kind": "int", "value": str(value)}


def _encode_items(items: Iterable[Any], depth: int, room: list[int]) -> list[Plain]:
    encoded: list[Plain] = []
    for item in items:
        if len(encoded) >= MAX_ITEMS or room[0] <= 0:
            encoded.append(_object(f"more than {MAX_ITEMS} items"))
            break
        encoded.append(_encode(item, depth + 1, room))
    return encoded


def _encode_array(array: np.ndarray, kind: str) -> Plain:
    array = np.asarray(array)  # drops subclasses and whatever they override
    if array.dtype.hasobject:
        return _object("an array of Python objects")
    if array.dtype.name not in WIDTH:
        return _object(f"an array of {array.dtype}")
    if array.nbytes > MAX_BYTES:
        return _object(f"an array of {array.nbytes} bytes")
    if not _fits(array.shape):
        return _object(f"an array of {array.ndim} axes and {array.size} entries")
    raw = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
    return _plain_array(kind, array.dtype.name, array.shape, raw)


def _encode_tensor(tensor: Any, torch: Any) -> Plain:
    with torch._C.DisableTorchFunctionSubclass(), torch.no_grad():
        plain = torch.Tensor.detach(tensor)
        name = str(plain.dtype).removeprefix("torch.")
        if plain.layout is not torch.strided or plain.is_quantized or name not in _TENSOR_WIDTH:
            return _object(f"a tensor of layout {plain.layout} and dtype {name}")
        if plain.numel() * _TENSOR_WIDTH[name] > MAX_BYTES or not _fits(tuple(plain.shape)):
            return _object(f"a tensor of {plain.ndim} axes and {plain.numel()} elements")
        plain = plain.to("cpu").contiguous()
        if name in _WIDENED:
            raw = plain.to(torch.float32).numpy().tobytes()
        else:
            raw = plain.resolve_conj().resolve_neg().numpy().tobytes()
        return _plain_array("tensor", name, tuple(plain.shape), raw)


def _plain_array(kind: str, dtype: str, shape: tuple[int, ...], raw: bytes) -> Plain:
    return {"kind": kind, "dtype": dtype, "shape": list(shape), "data": base64.b64encode(raw).decode("ascii")}


def _fits(shape: Sequence[int]) -> bool:
    """Return True for a shape that nobody behind the border has to fear: few axes, and no axis of a million
    beside one of none, which costs no byte to send and gigabytes to sum over."""
    count = math.prod(shape)
    return len(shape) <= MAX_AXES and (count > 0 or math.prod(n for n in shape if n) <= MAX_EMPTY)


def admit(plain: object, depth: int = 0) -> Plain:
    """Return plain data that came from elsewhere; ValueError where it is anything that `encode` never writes.

    After this, kinds, types, depth, numbers of items, and bytes against shape and dtype are as they have to be, and
    whoever compares, describes or judges need not be careful.
    """
    if depth > MAX_DEPTH + 1 or type(plain) is not dict:
        raise ValueError("no plain data")
    kind = plain.get("kind")
    if type(kind) is not str:
        raise ValueError("no plain data")
    if kind == "none" and len(plain) == 1:
        return plain
    if kind in _ADMITTED and len(plain) == 2:
        return _ADMITTED[kind](plain, depth)
    if kind in ("array", "tensor", "scalar") and len(plain) == 4:
        return _admit_array(plain)
    raise ValueError("no such kind of plain data")


def text_of(value: object, limit: int) -> str:
    """Return a text that came from elsewhere; ValueError where it is none, is longer, or is not Unicode."""
    if type(value) is not str or len(value) > limit:
        raise ValueError("no text, or a longer one than may be")
    if not value.isascii():
        value.encode("utf-8")  # UnicodeEncodeError is a ValueError
    return value


def _admit_bool(plain: Plain, depth: int) -> Plain:
    if type(plain.get("value")) is not bool:
        raise ValueError("no flag")
    return plain


def _admit_int(plain: Plain, depth: int) -> Plain:
    if not re.fullmatch(r"-?[0-9]+", text_of(plain.get("value"), MAX_DIGITS + 1), re.ASCII):
        raise ValueError("no whole number")
    return plain


def _admit_float(plain: Plain, depth: int) -> Plain:
    if not re.fullmatch(r"[0-9a-f]{16}", text_of(plain.get("value"), 16), re.ASCII):
        raise ValueError("no double")
    return plain


def _admit_str(plain: Plain, depth: int) -> Plain:
    text_of(plain.get("value"), MAX_TEXT)
    return plain


def _admit_object(plain: Plain, depth: int) -> Plain:
    text_of(plain.get("type"), MAX_NAME)
    return plain


def _admit_sequence(plain: Plain, depth: int) -> Plain:
    items = plain.get("items")
    if type(items) is not list or len(items) > MAX_ITEMS + 1:
        raise ValueError("no list, or a longer one than may be")
    for item in items:
        admit(item, depth + 1)
    return plain


def _admit_mapping(plain: Plain, depth: int) -> Plain:
    items = plain.get("items")
    if type(items) is not list or len(items) > MAX_ITEMS:
        raise ValueError("no mapping, or a longer one than may be")
    for pair in items:
        if type(pair) is not list or len(pair) != 2:
            raise ValueError("no pair")
        text_of(pair[0], MAX_KEY)
        admit(pair[1], depth + 1)
    return plain


def _admit_array(plain: Plain) -> Plain:
    shape, name, data = plain.get("shape"), plain.get("dtype"), plain.get("data")
    widths = _TENSOR_WIDTH if plain["kind"] == "tensor" else WIDTH
    if type(name) is not str or name not in widths or type(shape) is not list or type(data) is not str:
        raise ValueError("no array")
    if any(type(n) is not int or n < 0 for n in shape) or not _fits(shape) or (plain["kind"] == "scalar" and shape):
        raise ValueError("no shape, or one that no answer has")
    size = math.prod(shape) * widths[name]
    if size > MAX_BYTES or len(data) != 4 * ((size + 2) // 3) or len(base64.b64decode(data, validate=True)) != size:
        raise ValueError("bytes and shape disagree")
    return plain


_ADMITTED: dict[object, Callable[[Plain, int], Plain]] = {
    "bool": _admit_bool, "int": _admit_int, "float": _admit_float, "str": _admit_str, "object": _admit_object,
    "sequence": _admit_sequence, "mapping": _admit_mapping,
}  # fmt: skip


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
    if plain["kind"] == "tensor":
        name = _WIDENED.get(name, name)
    if name not in WIDTH:
        raise ValueError(f"an array of {name}")
    raw = base64.b64decode(plain["data"], validate=True)
    if name == "bool":  # any byte that is not 0 is true: a bool of value 2 is neither to NumPy
        flat = np.frombuffer(raw, np.uint8) != 0
    else:
        flat = np.frombuffer(raw, np.dtype(name).newbyteorder("<"))
    shaped: np.ndarray[Any, Any] = flat.reshape([int(n) for n in plain["shape"]]).copy()
    return shaped


class UnknownObject(ValueError):
    """The observation held an object that is neither number, string, list, dict, array nor tensor."""


def describe(plain: Plain, digits: int = 6) -> str:
    """Say in a few characters what plain data is: `float32[4,3]`, `float 0.25`, `a tuple or list of 2`.

    Single numbers are shown with `digits` significant digits.
    """
    return printable(_described(plain, digits))


def _described(plain: Plain, digits: int) -> str:
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
        text = repr(plain["value"][:100])
        return text if len(text) <= 80 else text[:77] + "..."
    if kind == "sequence":
        items = plain["items"]
        if 0 < len(items) <= 4:
            return "(" + ", ".join(_described(item, digits) for item in items) + ")"
        return f"a tuple or list of {len(items)}"
    if kind == "mapping":
        return f"a dict with keys {', '.join(repr(key) for key, _ in plain['items'][:6]) or '(none)'}"
    if kind in ("array", "tensor", "scalar"):
        return _described_array(plain, digits)
    return f"an object of type {plain.get('type', '?')}"


def _described_array(plain: Plain, digits: int) -> str:
    owner = {"array": "NumPy ", "tensor": "", "scalar": "NumPy scalar "}[plain["kind"]]
    shape = ",".join(str(n) for n in plain["shape"])
    text = f"{owner}{plain['dtype']}" if plain["kind"] == "scalar" else f"{owner}{plain['dtype']}[{shape}]"
    if math.prod(plain["shape"]) == 1:
        text += f" {decode_array(plain).reshape(-1)[0]:.{digits}g}"
    return text
