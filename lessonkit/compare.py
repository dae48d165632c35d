"""Compare two observations (plain data of `lessonkit.observe`) and say where and how they differ."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from lessonkit.observe import Plain, decode, decode_array, describe
from lessonkit.plain_text import printable

#: dtype -> (relative, absolute) tolerance where a check names none. The absolute one is measured against the largest
#: expected entry where that is above 1, so that another order of summation is never a mistake.
TOLERANCE = {
    "float16": (2e-2, 2e-2),
    "bfloat16": (4e-2, 4e-2),
    "float32": (1e-4, 1e-5),
    "float64": (1e-7, 1e-9),
}


class _How(NamedTuple):
    rtol: float | None
    atol: float | None
    exact: bool
    explain: bool


@dataclass(frozen=True)
class Mismatch:
    """Why two observations are not the same: what was expected, what came, where it is worst, what it looks like."""

    expected: str
    actual: str
    where: str = ""
    patterns: tuple[str, ...] = field(default=())


def compare(
    expected: Plain,
    actual: Plain,
    *,
    rtol: float | None = None,
    atol: float | None = None,
    exact: bool = False,
    explain: bool = True,
) -> Mismatch | None:
    """Return None where `actual` is `expected` within the tolerance of its dtype, else the first `Mismatch`.

    A number is right where |actual - expected| <= rtol |expected| + atol; an `atol` that is given is in the unit of
    the numbers, whatever their size. Lists and tuples are the same thing here; dtypes and shapes are not
    negotiable. With `exact`, every number has to be equal to the last bit. NaN equals NaN. Never raises on
    malformed `actual` data.
    """
    try:
        return _compare(expected, actual, _How(rtol, atol, exact, explain), "")
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
        return Mismatch(describe(expected), f"something that is not plain data ({type(error).__name__})")


def _compare(expected: Plain, actual: Plain, how: _How, at: str) -> Mismatch | None:
    kind = expected["kind"]
    if kind == "sequence" and actual.get("kind") == "sequence":
        return _compare_items(expected, actual, how, at)
    if kind == "mapping" and actual.get("kind") == "mapping":
        return _compare_mappings(expected, actual, how, at)
    if _is_number(expected) and _is_number(actual):
        if _number_kind(expected) != _number_kind(actual):
            return Mismatch(describe(expected), describe(actual), at, _another_type(expected, actual))
        return _compare_arrays(expected, actual, how, at)
    if kind != actual.get("kind"):
        return Mismatch(describe(expected), describe(actual), at)
    if kind == "none":
        return None
    if kind in ("bool", "int", "str") and expected["value"] == actual["value"]:
        return None
    return Mismatch(describe(expected), describe(actual), at)


def _is_number(plain: Plain) -> bool:
    return plain.get("kind") in ("float", "array", "tensor", "scalar")


def _number_kind(plain: Plain) -> str:
    """NumPy turns a float64 array of shape () into a float as it pleases, so those three count as one kind."""
    kind = plain["kind"]
    if kind == "float" or (
        kind in ("array", "scalar") and not plain["shape"] and plain["dtype"] == "float64"
    ):
        return "float64 number"
    if kind in ("array", "scalar") and not plain["shape"]:
        return f"{plain['dtype']} number"
    return str(kind)


def _compare_items(expected: Plain, actual: Plain, how: _How, at: str) -> Mismatch | None:
    wanted, found = expected["items"], actual["items"]
    if len(wanted) != len(found):
        return Mismatch(describe(expected), describe(actual), at)
    for i, (one, other) in enumerate(zip(wanted, found, strict=True)):
        here = f"{at}item {i + 1} of {len(wanted)}" if not at else f"{at}, item {i + 1} of {len(wanted)}"
        if mismatch := _compare(one, other, how, here):
            return mismatch
    return None


def _compare_mappings(expected: Plain, actual: Plain, how: _How, at: str) -> Mismatch | None:
    wanted, found = dict(expected["items"]), dict(actual["items"])
    if wanted.keys() != found.keys():
        return Mismatch(_keys(wanted), _keys(found), at)
    off = {key: mismatch for key, one in wanted.items() if (mismatch := _compare(one, found[key], how, ""))}
    if not off:
        return None
    key, first = next(iter(off.items()))
    here = ", ".join(filter(None, [at, f"entry {key!r}", first.where]))
    if len(wanted) > 2:
        names = ", ".join(map(repr, list(off)[:6])) + (", …" if len(off) > 6 else "")
        here = f"{len(wanted) - len(off)} of {len(wanted)} hold, not: {names}; {here}"
    return Mismatch(first.expected, first.actual, printable(here, 600), first.patterns)


def _keys(mapping: dict[str, Plain]) -> str:
    shown = f"keys {sorted(mapping)[:20]}"
    return printable(shown if len(mapping) <= 20 else f"{shown} and {len(mapping) - 20} more")


def _array_of(plain: Plain) -> np.ndarray:
    return np.asarray(decode(plain)) if plain["kind"] == "float" else decode_array(plain)


def _compare_arrays(expected: Plain, actual: Plain, how: _How, at: str) -> Mismatch | None:
    want, got = _array_of(expected), _array_of(actual)
    name = expected.get("dtype", "float64")
    same_dtype = name == actual.get("dtype", "float64")
    if want.shape != got.shape or not same_dtype:
        looks = () if not how.explain else patterns(want, got) if same_dtype else _another_type(expected, actual)
        return Mismatch(describe(expected), describe(actual), at, looks)
    if want.dtype.kind != "f":
        bad = want != got
        if not bad.any():
            return None
        return _worst(expected, actual, want, got, bad.astype(float), at) if how.explain else Mismatch("", "")
    default_r, default_a = TOLERANCE.get(name, TOLERANCE["float64"])
    rtol = default_r if how.rtol is None else how.rtol
    want, got = want.astype(np.float64), got.astype(np.float64)
    finite = np.isfinite(want)
    largest = float(np.abs(want[finite]).max()) if finite.any() else 1.0
    atol = default_a * max(1.0, largest) if how.atol is None else how.atol
    if how.exact:
        rtol = atol = 0.0
    with np.errstate(all="ignore"):
        allowed = rtol * np.abs(want) + atol
        gap = np.abs(want - got)
        same = np.where(finite, gap <= allowed, (want == got) | (np.isnan(want) & np.isnan(got)))
        if bool(np.all(same)):
            return None
        if not how.explain:
            return Mismatch("", "")
        gap = np.where(same, 0.0, np.where(np.isfinite(gap), gap, np.inf))
    return _worst(expected, actual, want, got, gap, at, allowed)


def _worst(
    expected: Plain, actual: Plain, want: np.ndarray, got: np.ndarray, gap: np.ndarray, at: str, allowed: np.ndarray | None = None
) -> Mismatch:
    looks = patterns(want, got) + (() if allowed is None else _exactness(want, gap, allowed))
    if want.ndim == 0:
        told = [(describe(expected, digits), describe(actual, digits)) for digits in (6, 9, 12, 17)]
        one, other = next((both for both in told if both[0] != both[1]), told[-1])
        return Mismatch(one, other, at, looks)
    index = np.unravel_index(int(np.argmax(gap)), gap.shape)
    name = f"[{', '.join(str(i) for i in index)}]"
    count = int((gap > 0).sum())
    one, other = _apart(want[index], got[index])
    where = f"{count} of {gap.size} entries differ, most at {name}: expected {one}, got {other}"
    return Mismatch(describe(expected), describe(actual), f"{at}: {where}" if at else where, looks)


def _exactness(want: np.ndarray, gap: np.ndarray, allowed: np.ndarray) -> tuple[str, ...]:
    """Say how exact a result has to be where the worst entry is off by less than a thousandth of the largest."""
    worst = np.unravel_index(int(np.argmax(gap)), gap.shape)
    largest = float(np.abs(want[np.isfinite(want)]).max(initial=0.0))
    if not 0 < float(gap[worst]) < 1e-3 * largest:
        return ()
    return (f"it is off by {gap[worst]:.1g}, and {allowed[worst]:.1g} is allowed",)


def _apart(one: np.generic, other: np.generic) -> tuple[str, str]:
    """Return two numbers with as many digits as it takes to tell them apart."""
    texts = [(f"{one:.{digits}g}", f"{other:.{digits}g}") for digits in (6, 9, 12, 17)]
    return next((both for both in texts if both[0] != both[1]), texts[-1])


def _another_type(expected: Plain, actual: Plain) -> tuple[str, ...]:
    """Name numbers that are right and come as something else: another dtype, NumPy for torch, an array for a float."""
    want, got = _array_of(expected), _array_of(actual)
    if want.shape != got.shape:
        return patterns(want, got)
    with np.errstate(all="ignore"):
        if {want.dtype.kind, got.dtype.kind} <= set("iuf") and _close(got, want):
            return (f"the numbers are right, only {'the dtype' if expected['kind'] == actual['kind'] else 'their type'} is another one",)
    return ()


def patterns(want: np.ndarray, got: np.ndarray) -> tuple[str, ...]:
    """Name what is recognisable about a wrong array: a transpose, a constant factor, a missing sum, all zeros.

    `want` and `got` are arrays of any shape; the answer is a tuple of short phrases, empty where nothing fits.
    """
    with np.errstate(all="ignore"):
        return tuple(phrase for phrase in (_shape_pattern(want, got), _value_pattern(want, got)) if phrase)


def _close(a: np.ndarray, b: np.ndarray) -> bool:
    return a.shape == b.shape and bool(
        np.allclose(a, b, rtol=1e-3, atol=1e-6 * max(1.0, float(np.abs(b).max(initial=0))))
    )


def _shape_pattern(want: np.ndarray, got: np.ndarray) -> str:
    if want.ndim == 2 and got.shape == want.T.shape and want.size > 1 and _close(got, want.T):
        return "it is the transpose of what was expected"
    if want.shape == got.shape:
        return ""
    if want.ndim == 2 and got.shape == want.T.shape:
        return "the two sizes of its shape are swapped"
    if got.ndim == want.ndim + 1 and got.size >= want.size > 0:
        for axis in range(got.ndim):
            if _close(got.sum(axis=axis), want):
                return f"a sum over axis {axis} is missing"
    return ""


def _value_pattern(want: np.ndarray, got: np.ndarray) -> str:
    if want.shape != got.shape or want.dtype.kind != "f" or want.size == 0:
        return ""
    if bad := int((~np.isfinite(got) & np.isfinite(want)).sum()):
        kind = "nan" if np.isnan(got).any() else "inf" if (got == np.inf).any() else "-inf"
        return f"it holds {kind}: {bad} of {got.size} entries" if want.size > 1 else f"it is {kind}"
    if not np.isfinite(want).all():
        return ""
    if not got.any() and want.any():
        return "it is zero everywhere"
    return _factor(want, got) or _nearly(want, got) or _shift(want, got)


def _factor(want: np.ndarray, got: np.ndarray) -> str:
    big = np.abs(want) > 1e-3 * np.abs(want).max()
    if not big.any():
        return ""
    ratios = got[big] / want[big]
    ratio = float(np.median(ratios))
    if abs(ratio) < 1e-6 or not np.allclose(ratios, ratio, rtol=1e-3) or abs(ratio - 1) < 1e-3:
        return ""
    if abs(ratio + 1) < 1e-3:
        return "the sign is reversed everywhere"
    if want.size > 1:
        return f"every entry is {ratio:.4g} times the expected one"
    # one number is some multiple of every other; only a simple one says anything
    halves = 2 * max(abs(ratio), 1 / abs(ratio))
    return f"it is {ratio:.4g} times the expected value" if abs(halves - round(halves)) < 1e-3 and halves < 200 else ""


def _nearly(want: np.ndarray, got: np.ndarray) -> str:
    """Name a result that is right but for its last digits."""
    gap = np.abs(got - want).max() / np.abs(want).max(initial=1e-300)
    if not 0 < gap < 1e-3:
        return ""
    return (
        f"it is right to about {int(-np.log10(gap))} digits: an epsilon that is missing or stands elsewhere, or numbers "
        "rounded on the way, make such a difference"
    )


def _shift(want: np.ndarray, got: np.ndarray) -> str:
    """Name a difference that is the same number everywhere, or one number for each index of one axis."""
    gap = got - want
    if want.size < 3 or not gap.any():
        return ""
    if np.allclose(gap, gap.flat[0], rtol=1e-3):
        return f"every entry is {abs(gap.flat[0]):.4g} too {'large' if gap.flat[0] > 0 else 'small'}"
    for axis in range(want.ndim if want.ndim > 1 else 0):
        rows = np.moveaxis(gap, axis, 0).reshape(gap.shape[axis], -1)
        if rows.shape[1] > 2 and np.allclose(rows, rows[:, :1], rtol=1e-3, atol=1e-6 * float(np.abs(want).max())):
            return f"what it is off by depends on axis {axis} only, as with a bias that is missing or added twice"
    return ""
