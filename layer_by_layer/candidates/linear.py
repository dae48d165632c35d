"""Candidates for chapter 1's `judge_backward`: each claims to be `linear_backward(grad_out, x, w)`.

The wrong ones differ from a right one in one of the three gradients, or in how they treat their arguments, and
show it on any input in general position with at least two rows: no size of its own is needed to find them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from layer_by_layer.candidates.lineup import Candidate, Lineup
from lessonkit.lent import no_answer_to

Array = np.ndarray
Gradient = Callable[[Array, Array, Array], Array]
Backward = Callable[[Array, Array, Array], tuple[Array, Array, Array]]

TRANSPOSE, SUM, MEAN = "a transpose", "a missing or extra sum", "a mean for a sum"
FACTOR, SIGN, IGNORED = "a factor", "a sign", "an argument ignored"
SHAPE, IN_PLACE, RAISES = "a wrong shape", "an argument changed in place", "an exception"


def _grad_x(g: Array, x: Array, w: Array) -> Array:
    return g @ w.T


def _grad_w(g: Array, x: Array, w: Array) -> Array:
    return x.T @ g


def _grad_b(g: Array, x: Array, w: Array) -> Array:
    return g.sum(axis=0)


def _of(of_x: Gradient = _grad_x, of_w: Gradient = _grad_w, of_b: Gradient = _grad_b) -> Backward:
    def candidate(grad_out: Array, x: Array, w: Array) -> tuple[Array, Array, Array]:
        return of_x(grad_out, x, w), of_w(grad_out, x, w), of_b(grad_out, x, w)

    return candidate


def _then(spoil: Callable[[Array, Array, Array], object]) -> Backward:
    """Return a candidate with right gradients that does something to its arguments afterwards."""

    def candidate(grad_out: Array, x: Array, w: Array) -> tuple[Array, Array, Array]:
        gradients = _grad_x(grad_out, x, w), _grad_w(grad_out, x, w), _grad_b(grad_out, x, w)
        spoil(grad_out, x, w)
        return gradients

    return candidate


def _raising(error: type[Exception], text: str) -> Backward:
    def candidate(grad_out: Array, x: Array, w: Array) -> tuple[Array, Array, Array]:
        raise error(text)

    return candidate


def _row_by_row(g: Array, x: Array, w: Array) -> Array:
    total = np.zeros_like(w)
    for row, gradient in reversed(list(zip(x, g, strict=True))):
        total += np.outer(row, gradient)
    return total


def _in_long_double(g: Array, x: Array, w: Array) -> Array:
    return (x.astype(np.longdouble).T @ g.astype(np.longdouble)).astype(g.dtype)


def _into_a_wider_array(g: Array, x: Array, w: Array) -> Array:
    wide = np.zeros((g.shape[1], 2))
    wide[:, 0] = g.sum(axis=0)
    return wide[:, 0]  # every second number of its memory


def _right() -> Iterator[Candidate]:
    yield Candidate(None, _of(), shown=True)
    yield Candidate(
        None,
        _of(
            lambda g, x, w: np.einsum("no,io->ni", g, w),
            lambda g, x, w: np.einsum("ni,no->io", x, g),
            lambda g, x, w: np.einsum("no->o", g),
        ),
        shown=True,
    )
    yield Candidate(None, _of(of_w=_row_by_row), shown=True)
    yield Candidate(None, _of(of_b=lambda g, x, w: np.add.reduce(g)))
    yield Candidate(
        None,
        _of(
            lambda g, x, w: (w @ g.T).T,
            lambda g, x, w: (g.T @ x).T,
            lambda g, x, w: np.ones(len(g)) @ g,
        ),
    )
    yield Candidate(None, _of(of_x=lambda g, x, w: (g[:, None, :] * w).sum(axis=-1), of_w=_row_by_row))
    yield Candidate(None, _of(of_w=_in_long_double, of_b=lambda g, x, w: sum(reversed(g), np.zeros(g.shape[1]))))
    yield Candidate(None, _of(of_w=lambda g, x, w: np.asfortranarray(x.T @ g), of_b=_into_a_wider_array))
    yield Candidate(None, _of(of_w=lambda g, x, w: (x[:, :, None] * g[:, None, :]).sum(axis=0)))


def _wrong_products() -> Iterator[Candidate]:
    # a reshape has the right shape, and is no transpose
    yield Candidate(TRANSPOSE, _of(of_w=lambda g, x, w: (g.T @ x).reshape(w.shape)), shown=True)
    yield Candidate(TRANSPOSE, _of(of_w=lambda g, x, w: g.T @ x))
    yield Candidate(TRANSPOSE, _of(of_x=lambda g, x, w: g @ w.reshape(w.shape[::-1])))
    yield Candidate(TRANSPOSE, _of(of_w=lambda g, x, w: x.reshape(x.shape[::-1]) @ g))
    yield Candidate(SUM, _of(of_b=lambda g, x, w: g[0].copy()), shown=True)
    yield Candidate(SUM, _of(of_b=lambda g, x, w: np.full(g.shape[1], g.sum())))
    yield Candidate(SUM, _of(of_w=lambda g, x, w: np.outer(x[0], g[0])))
    yield Candidate(SUM, _of(of_x=lambda g, x, w: np.zeros_like(x) + (g @ w.T).sum(axis=0)))
    yield Candidate(MEAN, _of(of_w=lambda g, x, w: x.T @ g / len(g)), shown=True)
    yield Candidate(MEAN, _of(of_b=lambda g, x, w: g.mean(axis=0)))
    yield Candidate(MEAN, _of(of_x=lambda g, x, w: g @ w.T / len(g)))


def _wrong_numbers() -> Iterator[Candidate]:
    yield Candidate(FACTOR, _of(of_x=lambda g, x, w: 2 * (g @ w.T)), shown=True)
    yield Candidate(FACTOR, _of(of_w=lambda g, x, w: 0.5 * (x.T @ g)))
    yield Candidate(FACTOR, _of(of_b=lambda g, x, w: 1.25 * g.sum(axis=0)))
    yield Candidate(SIGN, _of(of_x=lambda g, x, w: -(g @ w.T)), shown=True)
    yield Candidate(SIGN, _of(of_b=lambda g, x, w: -g.sum(axis=0)))
    yield Candidate(SIGN, _of(of_w=lambda g, x, w: -(x.T @ g)))
    yield Candidate(IGNORED, _of(of_x=lambda g, x, w: np.ones_like(g) @ w.T), shown=True)
    yield Candidate(IGNORED, _of(of_w=lambda g, x, w: x.T @ np.ones_like(g)))
    yield Candidate(IGNORED, _of(of_b=lambda g, x, w: np.full(g.shape[1], float(len(g)))))
    yield Candidate(IGNORED, _of(of_x=lambda g, x, w: g @ np.ones_like(w).T))
    yield Candidate(IGNORED, _of(of_w=lambda g, x, w: np.ones_like(x).T @ g))


def _wrong_manners() -> Iterator[Candidate]:
    yield Candidate(SHAPE, _of(of_x=lambda g, x, w: (g @ w.T)[None]), shown=True)
    yield Candidate(SHAPE, _of(of_b=lambda g, x, w: g.sum(axis=0, keepdims=True)))
    yield Candidate(SHAPE, _of(of_b=lambda g, x, w: g.sum(axis=0)[:, None]))
    yield Candidate(SHAPE, _of(of_w=lambda g, x, w: (x.T @ g).reshape(-1)))
    yield Candidate(IN_PLACE, _then(lambda g, x, w: np.multiply(g, 2, out=g)), shown=True)
    yield Candidate(IN_PLACE, _then(lambda g, x, w: x.__setitem__(0, 0.0)))
    yield Candidate(IN_PLACE, _then(lambda g, x, w: np.subtract(w, 0.125, out=w)))
    yield Candidate(IN_PLACE, _then(lambda g, x, w: g.fill(0.0)))
    yield Candidate(RAISES, _raising(ValueError, "shapes do not fit"), shown=True)
    yield Candidate(RAISES, _raising(TypeError, "unsupported operand"))
    yield Candidate(RAISES, _raising(ZeroDivisionError, "division by zero"))
    yield Candidate(RAISES, _raising(AssertionError, "grad_b"))


@no_answer_to("judge_backward", material=True)
def _build() -> list[Candidate]:
    return [*_right(), *_wrong_products(), *_wrong_numbers(), *_wrong_manners()]


backward = Lineup(_build)
