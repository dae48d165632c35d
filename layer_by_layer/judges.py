"""Judges of properties that are no equality: a law of random numbers, an accuracy, a falling curve.

Each returns None where the property holds, else a finding: a short sentence, the same for the same mistake, so
that findings can be compared. All take plain data (NumPy arrays, numbers, lists), and all look at its form first
(`form`): a law of thousands of draws says nothing about two.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np

_NAMED = {
    0.5: "half", 2.0: "twice", math.sqrt(2): "√2 times", 1 / math.sqrt(2): "1/√2 of", math.sqrt(3): "√3 times",
    1 / math.sqrt(3): "1/√3 of", math.sqrt(6): "√6 times", 3.0: "three times", 1 / 3: "a third of",
}  # fmt: skip


#: Widest layer of a network that a judge multiplies by ten thousand images.
_WIDEST = 4096


def form(values: object, shape: Sequence[int], dtype: str = "float32") -> str | None:
    """Judge what every other judge asks first: an array of this shape and dtype, all of it finite."""
    if not isinstance(values, np.ndarray):
        return "it is no tensor or array"
    if values.shape != tuple(shape):
        return f"the shape is not ({', '.join(str(n) for n in shape)}{',' if len(shape) == 1 else ''})"
    if values.dtype != dtype:
        return f"the dtype is not {dtype}"
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        return "it holds nan or inf"
    return None


def _network(layers: object, inputs: int, outputs: int) -> str | None:
    """Judge the form of a network: [weight (out, in), bias (out,), weight, …] from `inputs` to `outputs`."""
    if not isinstance(layers, list) or not layers or len(layers) % 2:
        return "it is not the weight and bias of each layer"
    width = inputs
    for weight, bias in zip(layers[::2], layers[1::2], strict=True):
        if not isinstance(weight, np.ndarray) or weight.ndim != 2 or weight.shape[1] != width:
            return "the weights' shapes do not follow from the images"
        width = weight.shape[0]
        if not 0 < width <= _WIDEST:
            return f"a layer is empty, or wider than {_WIDEST}"
        for values, shape in ((weight, weight.shape), (bias, (width,))):
            if finding := form(values, shape, "float64" if getattr(values, "dtype", None) == np.float64 else "float32"):
                return "the weights are not finite" if finding == "it holds nan or inf" else finding
    return None if width == outputs else f"the network does not end in {outputs} numbers"


def use_held_out(folder: str | None) -> None:
    """Take held-out images from `folder` (a grader's, out of every run's sight); None for the course's test set."""
    from layer_by_layer import _held_out

    _held_out.folder = folder


def ratio_name(ratio: float, tolerance: float = 0.03) -> str:
    """Return `√2 times` and the like for a ratio near a telling constant, else the ratio to one digit."""
    for value, name in _NAMED.items():
        if abs(ratio / value - 1) < tolerance:
            return name
    if 0.85 < ratio < 1.2:
        return "a little less than" if ratio < 1 else "a little more than"
    return f"about {float(f'{ratio:.1g}'):g} times"


def spread(values: np.ndarray, std: float, sigmas: float = 6.0) -> str | None:
    """Judge the standard deviation of zero-mean samples: within `sigmas` standard errors of `std`.

    The standard error is that of a normal law, std/√(2n) (a uniform law's is smaller), so at 6 sigmas a right
    solution is refused less than once in 10 million times.
    """
    n = values.size
    if n < 2:
        return "there are too few values to judge a law by"
    found = float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))
    if not math.isfinite(found) or found == 0:
        return "the values are all zero or not finite"
    if abs(found / std - 1) <= sigmas / math.sqrt(2 * n):
        return None
    return f"the standard deviation is {ratio_name(found / std)} what it should be"


def uniform(values: np.ndarray, bound: float, shape: Sequence[int], dtype: str = "float32") -> str | None:
    """Judge samples (of that shape and dtype) of the uniform law on (-bound, bound): range, centre, spread and form.

    The law's form is judged by the Kolmogorov–Smirnov distance at a false-alarm rate of 2·exp(-2·2.5²) ≈ 7e-6.
    """
    if finding := form(values, shape, dtype):
        return finding
    flat = np.sort(values.astype(np.float64).reshape(-1))
    if finding := spread(flat, bound / math.sqrt(3)):
        return finding
    if flat[0] >= 0 or flat[-1] <= 0:
        return "all values lie on one side of 0"
    if np.abs(flat).max() > bound * (1 + 1e-6):
        return "values lie outside the bound: not this uniform law"
    law = (flat + bound) / (2 * bound)
    return _kolmogorov(law, "the values are not uniform between the bounds")


def normal(values: np.ndarray, std: float, shape: Sequence[int], dtype: str = "float32") -> str | None:
    """Judge samples of the normal law with mean 0 and the given standard deviation, as `uniform` does."""
    if finding := form(values, shape, dtype):
        return finding
    flat = np.sort(values.astype(np.float64).reshape(-1))
    if finding := spread(flat, std):
        return finding
    law = np.array([0.5 * (1 + math.erf(v / (std * math.sqrt(2)))) for v in flat])
    return _kolmogorov(law, "the values are not normally distributed around 0")


def _kolmogorov(law: np.ndarray, finding: str) -> str | None:
    n = law.size
    steps = np.arange(1, n + 1) / n
    distance = max(float(np.max(steps - law)), float(np.max(law - steps + 1 / n)))
    return finding if distance > 2.5 / math.sqrt(n) else None


def order(seen: list[str], names: list[str], edges: list[list[int]]) -> str | None:
    """Judge a list of node names: does some order of the graph's nodes read so, each before all it points at?

    `names[i]` is the name of node i, `edges` are pairs [from, to] of numbers. Names may repeat, so every way to
    tell the nodes apart is followed; meant for graphs of a dozen nodes.
    """
    if not isinstance(seen, list) or not all(isinstance(name, str) for name in seen):
        return "it is no list of names"
    if any(seen.count(name) > names.count(name) for name in set(names)):
        return "a node stands there more than once"
    if any(seen.count(name) < names.count(name) for name in set(names)):
        return "a node is missing"
    if len(seen) > len(names):
        return "a name stands there that is no node's"
    above: list[set[int]] = [set() for _ in names]
    for start, end in edges:
        above[end].add(start)
    states: set[frozenset[int]] = {frozenset()}
    for name in seen:
        states = {
            done | {i}
            for done in states
            for i, own in enumerate(names)
            if own == name and i not in done and above[i] <= done
        }
        if not states:
            return "a node stands before one that points at it"
    return None


def dropout(outputs: np.ndarray, x: np.ndarray, p: float) -> str | None:
    """Judge the outputs of several calls of inverted dropout on one input, stacked (calls, *x.shape).

    `x` holds no zeros and 0 < p < 1. Judged are the mask (fresh in each call, every entry on its own, the
    share of zeros) and the scale. With some 60 calls on some 500 entries, a right solution is refused less than
    once in a million times: shares within 6 or 7 standard errors, the number of zeros a call by its chi-square.
    """
    out, x = np.asarray(outputs, dtype=np.float64), np.asarray(x, dtype=np.float64)
    if out.shape[1:] != x.shape:
        return "the output has another shape than the input"
    if out.size < 1_000:
        return "there are too few values to judge a law by"
    if not np.isfinite(out).all():
        return "the output holds nan or inf"
    kept = out != 0
    if kept.all() or not kept.any():
        return "nothing is dropped in training" if kept.all() else "everything is dropped"
    return _mask(kept, p) or _scale((out / x)[kept], p)


def _mask(kept: np.ndarray, p: float) -> str | None:
    if (kept == kept[:1]).all():
        return "every call drops the same entries"
    for axis in range(1, kept.ndim):
        if kept.shape[axis] > 1 and (kept == kept.take([0], axis=axis)).all():
            return f"one mask is shared along axis {axis - 1}: entries are not dropped on their own"
    variance, n = p * (1 - p), kept.size
    if abs(kept.mean() - (1 - p)) > 6 * math.sqrt(variance / n):
        swapped = abs(kept.mean() - p) <= 6 * math.sqrt(variance / n)
        return "p is taken for the probability to keep" if swapped else "the share of dropped entries is not p"
    for axis in range(kept.ndim):
        shares = kept.mean(axis=tuple(a for a in range(kept.ndim) if a != axis))
        if np.abs(shares - (1 - p)).max() > 7 * math.sqrt(variance * kept.shape[axis] / n):
            return "entries are not dropped on their own: some places lose more than others"
        if kept.shape[axis] > 1:
            alike = np.equal(*(np.delete(kept, end, axis=axis) for end in (0, -1)))
            chance = p * p + (1 - p) * (1 - p)  # neighbours agree by chance; 10 errors, as the pairs overlap
            if abs(alike.mean() - chance) > 10 * math.sqrt(chance * (1 - chance) / alike.size):
                return "entries are not dropped on their own: neighbours go together"
    counts = kept.reshape(len(kept), -1).sum(axis=1)
    spread = float(np.mean((counts - kept[0].size * (1 - p)) ** 2) / (kept[0].size * variance))
    if len(kept) >= 50 and not 0.25 < spread < 3:
        return "entries are not dropped on their own: the number of zeros varies too little or too much"
    return None


def _scale(ratio: np.ndarray, p: float) -> str | None:
    for scale, finding in (
        (1 / (1 - p), None),
        (1.0, "the kept entries are not scaled up"),
        (1 / p, "the kept entries are divided by p"),
        (1 - p, "the kept entries are multiplied by 1 - p"),
    ):
        if np.allclose(ratio, scale, rtol=1e-4):
            return finding
    return "the kept entries are not x / (1 - p)"


def at_least(value: float, least: float) -> str | None:
    """Judge a number from below."""
    return None if value >= least else f"it is below {least:g}"


def at_most(value: float, most: float) -> str | None:
    """Judge a number from above."""
    return None if value <= most else f"it is above {most:g}"


def mnist_accuracy(state: dict[str, np.ndarray], least: float, source: str = "", relabel: list[int] | None = None) -> str | None:
    """Judge the trained weights of a digit classifier by its share of right answers on held-out images.

    The images are read here and never enter a student's process: from the folder of `use_held_out`, and where there
    is none, from the course's own test set (of the stand-in where `source`, the training set's, says that it is
    one). See `layer_by_layer._held_out.accuracy` for `state` and `relabel`.
    """
    from layer_by_layer import _held_out

    if not isinstance(state, dict):
        return "it is no state_dict"
    if finding := _network(_held_out.layers_of(state), 784, 10 if relabel is None else max(relabel) + 1):
        return finding
    named = _held_out.folder is not None
    found = _held_out.accuracy(state, "standin" if "stand-in" in source and not named else "mnist", relabel)
    if found >= least:
        return None
    if found < 0.85:
        return "it has learned too little: on images it never saw it is far from the mark"
    return f"it has learned, but on images it never saw fewer than {least:.0%} are right"


def digits_accuracy(layers: list[np.ndarray], least: float, relabel: list[int] | None = None) -> str | None:
    """Judge a network for the 8 x 8 digits as `mnist_accuracy` does, on images the training never saw.

    `layers` are the weight (out, in) and bias of each linear layer in turn. With `relabel`, digit d counts as
    `relabel[d]`.
    """
    from layer_by_layer import _held_out

    if finding := _network(layers, 64, 10 if relabel is None else max(relabel) + 1):
        return finding
    state = {f"{i // 2}.{'bias' if i % 2 else 'weight'}": values for i, values in enumerate(layers)}
    found = _held_out.accuracy(state, "digits", relabel)
    if found >= least:
        return None
    if found < 0.3:
        return "on digits it never saw it does little better than guessing"
    return f"it has learned something, but on digits it never saw fewer than {least:.0%} are right"


def quantized_digits(
    after: list[np.ndarray], before: list[np.ndarray], least: float, gain: float, relabel: list[int] | None = None
) -> str | None:
    """Judge a digit network's weights after quantization-aware training, rounded to two bits here.

    `after` and `before` are weight (out, in) and bias of each layer in turn, in floating point; each weight is
    rounded to -1, 0 and 1 times its largest size. On held-out images of the stand-in the share of right answers
    has to reach `least`, and to be `gain` more than with the weights `before`. `relabel` as in `mnist_accuracy`.
    """
    from layer_by_layer import _held_out

    if not isinstance(after, list) or [getattr(v, "shape", None) for v in after] != [v.shape for v in before]:
        return "the model has other shapes than before"
    if finding := _network(after, 784, 10):
        return finding
    weights = [(one, other) for one, other in zip(after[::2], before[::2], strict=True)]
    still = [bool(np.array_equal(one, other)) for one, other in weights]
    if all(still):
        same = all(np.array_equal(one, other) for one, other in zip(after, before, strict=True))
        return "the model's weights are those it came with" if same else "only biases have changed"
    if any(still):
        return "one layer's weights are as before"
    moved = max(float(np.mean(_two_bits(one)[0] != _two_bits(other)[0])) for one, other in weights)
    if moved < 0.005:
        return "the weights have changed, but rounded they are nearly all as before"

    def share(values: list[np.ndarray], rounded: bool = True) -> float:
        kept = [np.multiply(*_two_bits(v)) if rounded and i % 2 == 0 else v for i, v in enumerate(values)]
        state = {f"{i // 2}.{'bias' if i % 2 else 'weight'}": v for i, v in enumerate(kept)}
        return _held_out.accuracy(state, "standin", relabel)

    found = share(after)
    if found >= least and found >= share(before) + gain:
        return None
    if max(float(np.abs(one).max() / np.abs(other).max()) for one, other in weights) > 20:
        return "the weights have become more than twenty times as large"
    if found < 0.05:
        return "rounded to two bits it is wrong nearly everywhere, worse than by chance"
    if found < 0.7 and share(after, rounded=False) >= 0.9:
        return "unrounded it would be right, but rounded to two bits it is not"
    if found < 0.5:
        return "rounded to two bits it is far from the mark on images it never saw"
    return f"rounded to two bits it has learned, but on images it never saw fewer than {least:.0%} are right"


def _two_bits(weight: np.ndarray) -> tuple[np.ndarray, float]:
    scale = float(np.abs(weight).max()) or 1.0
    return np.rint(weight / np.float32(scale)).astype(np.float32), scale


def mean_cross_entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean cross-entropy of logits (N, C) for labels (N,): a number for judges to compare with."""
    wide = logits.astype(np.float64)
    return float(np.mean(np.logaddexp.reduce(wide, axis=1) - wide[np.arange(len(labels)), labels]))


def refusal(seen: list, kind: str, found: list[str] | None = None, expected: list[str] | None = None) -> str | None:
    """Judge a refusal, [names of the exception's class and its bases, message], as `parts.shipping.refusal` gives it.

    `kind` has to be among the names. `found` and `expected` are alternatives, one of which the message has to hold:
    a number as a number of its own, a word in any case.
    """
    raised, message = seen[0], seen[1]
    if not raised:
        return "nothing was raised"
    if kind not in raised:
        return f"{raised[0]} was raised, not {kind}"
    if not message.strip():
        return "the exception has no message"
    lacks = [words is not None and not any(_mentions(message, word) for word in words) for words in (found, expected)]
    if all(lacks):
        return "the message says neither what came nor what was expected"
    if lacks[0]:
        return "the message does not say what came"
    return "the message does not say what was expected" if lacks[1] else None


def _mentions(message: str, word: str) -> bool:
    if word.isdigit():
        return re.search(rf"(?<!\d){word}(?!\d)", message) is not None
    return word.lower() in message.lower()


#: A right solution's clock is stopped this many seconds after the layer is done, at the very worst.
_LATE = 0.055


def timings(attempts: list, warmup: int) -> str | None:
    """Judge [median, minimum, maximum] in seconds against the times the calls really took, in order.

    `attempts` are pairs (result, times of all calls, the `warmup` first ones too); one that fits is enough, because a
    busy machine may stop the clock late once. A pass measured from outside never takes less than the call inside did:
    the lower bounds are strict (2 % and a millisecond, for clocks of another make), the upper ones leave 55 ms.
    """
    findings = [_timing([float(v) for v in result], [float(t) for t in took], warmup) for result, took in attempts]
    return None if None in findings else findings[0]


def _timing(result: list[float], took: list[float], warmup: int) -> str | None:
    counted = sorted(took[warmup:])
    if not counted or not all(math.isfinite(v) for v in result):
        return "no forward pass was measured" if not counted else "a time is not a finite number"
    median, minimum, maximum = result
    n = len(counted)
    low, high = counted[(n - 1) // 2], counted[n // 2]

    def early(time: float, true: float) -> bool:
        return time < 0.98 * true - 1e-3

    if n > 1 and minimum == maximum:
        return "the three times are one and the same"
    if minimum > 50 * counted[0] and median > 50 * high and maximum > 50 * counted[-1]:
        return "the times are not in seconds"
    if not minimum <= median <= maximum:
        return "the median is not between minimum and maximum"
    if maximum > counted[-1] + _LATE:
        slowest = max(took)
        warm = slowest > counted[-1] + _LATE and not early(maximum, slowest) and maximum < slowest + _LATE
        return "the maximum is longer than any counted pass took" + (": a warm-up call is among them" if warm else "")
    if early(minimum, counted[0]):
        return "the minimum is shorter than any pass can have taken"
    if early(maximum, counted[-1]):
        return "the maximum is shorter than the longest pass took"
    if minimum > counted[0] + _LATE:
        return "the minimum is longer than the shortest pass took"
    if early(median, low) or median > high + _LATE:
        mean = sum(counted) / n
        at = {"the mean of the times": mean, "the one in the middle of the calls' order": took[warmup:][n // 2]}
        for what, value in at.items():
            if value <= median + 1e-3 and median <= value + _LATE / 2:
                return f"the median is {what}"
        return "the median is not the middle of the sorted times"
    return None


def blockwise(seen: dict, queries: int, keys: int, dim: int, values: int, block: int) -> str | None:
    """Judge what attention held (`parts.shipping.held`): never more than queries · block scores.

    A product of matrices is a block of scores, or a block's share of the output; copies of what was given, a few
    temporaries of the size of a block, and the running sums are everybody's own affair.
    """
    scores, own = queries * block, (keys + block) * (dim + values + 2)
    if seen["fused"]:
        return "torch's own attention did it"
    if seen["product"] >= queries * keys > scores:
        return "all L × S scores are computed at once"
    if seen["product"] > max(scores, queries * (values + 2)):
        return "a matrix of more than L × block scores is computed at once"
    if seen["largest"] > max(1.5 * scores, own, 1.5 * queries * (values + 2)):
        return "a tensor of more than L × block scores is held"
    if seen["peak"] > 9 * scores + 3 * own + 8 * queries * (values + 2):
        return "the blocks are all kept: together they are the whole matrix"
    if seen["bytes"] > max(7.3 * queries * keys, 350_000):
        return "more than L × block scores are held outside of torch"
    return None


def caught(verdicts: list[object], kinds: list[str | None]) -> str | None:
    """Judge a judge: what it said of each candidate, and what is wrong with each (None for a right one).

    Every right one has to be accepted before anything else counts. The finding says how many wrong ones were
    caught and which kinds got through.
    """
    if len(verdicts) != len(kinds):
        return "there is not one verdict for each candidate"
    if raised := sorted({verdict for verdict in verdicts if isinstance(verdict, str)}):
        return f"your judge {raised[0]} and gave no verdict: catch what a candidate raises"
    if not all(isinstance(verdict, bool) for verdict in verdicts):
        return "a verdict is no bool: return True or False"
    right = [verdict for verdict, kind in zip(verdicts, kinds, strict=True) if kind is None]
    if not all(right):
        return f"{right.count(False)} of {len(right)} right candidates are refused"
    wrong = [(verdict, kind) for verdict, kind in zip(verdicts, kinds, strict=True) if kind is not None]
    through = list(dict.fromkeys(kind for verdict, kind in sorted(wrong, key=lambda one: str(one[1])) if verdict))
    if not through:
        return None
    number = sum(verdict is False for verdict, _ in wrong)
    return f"{number} of {len(wrong)} wrong candidates are caught; what got through: {', '.join(through)}"


def shares(found: np.ndarray, wanted: list[float], draws: int, sigmas: float = 6.0) -> str | None:
    """Judge how often each of a few outcomes came up in `draws` independent draws: `found` shares against `wanted` ones.

    Each share may be off by `sigmas` standard errors √(p(1 − p)/draws): a right sampler is refused less than once in
    10 million times for each outcome.
    """
    law = np.asarray(wanted, dtype=np.float64)
    if found.shape != law.shape:
        return "there is another number of outcomes"
    if ((found > 0) & (law == 0)).any():
        return "something is drawn that should never be"
    off = np.abs(found.astype(np.float64) - law) > sigmas * np.sqrt(law * (1 - law) / draws) + 1e-6
    if not off.any():
        return None
    if found.max() > 0.999:
        return "one outcome is drawn every time"
    sharp, wide = float((found.astype(np.float64) ** 2).sum()), float((law**2).sum())
    if abs(sharp - 1 / (found > 0).sum()) < 0.01:
        return "all outcomes come up equally often"
    return "the likely outcomes come up too often" if sharp > wide else "the likely outcomes come up too rarely"


def left_as_found(seen: dict, answer: bool) -> str | None:
    """Judge what a function that only looks at a module left of it, and what it answered.

    `seen` has "answer", and "before" and "after" as `parts.state_of` gives them, with "grad mode" beside.
    """
    try:
        return _left_as_found(seen, answer)
    except (TypeError, KeyError, ValueError, AttributeError):
        return "it is no record of what was there before and after"


def _left_as_found(seen: dict, answer: bool) -> str | None:
    before, after = seen["before"], seen["after"]
    found = [] if seen["answer"] is answer else [f"the answer is {seen['answer']}"]
    if after["modes"] != before["modes"]:
        all_alike = {(True,): "in training", (False,): "in evaluation"}.get(tuple(set(after["modes"])))
        found.append(f"every submodule is {all_alike} afterwards" if all_alike else "a submodule's mode is another afterwards")
    if not _same_arrays(before["values"], after["values"]):
        found.append("weights or running statistics have changed")
    if not _same_arrays(before["grads"], after["grads"]):
        gone = any(one is None and other is not None for one, other in zip(after["grads"], before["grads"], strict=True))
        found.append("gradients are gone" if gone else "gradients have been written")
    for key, finding in (("flags", "requires_grad has changed"), ("hooks", "hooks are left"), ("grad mode", "the grad mode has changed")):
        if before[key] != after[key]:
            found.append(finding)
    return "; ".join(found) or None


def _same_arrays(before: list, after: list) -> bool:
    """Return True where two lists hold the same arrays, None beside None."""
    pairs = list(zip(before, after, strict=True))
    return all((one is None) == (other is None) and (one is None or np.array_equal(one, other)) for one, other in pairs)
