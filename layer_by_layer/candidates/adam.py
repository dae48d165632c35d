"""Candidates for chapter 6's `judge_adam`: each claims to be its `Adam(params, lr, betas, eps)`.

The wrong ones show what is wrong with them as soon as the judge tries what their kind is about: two parameters of
one shape of which one sits a step out, betas and an eps of its own, a new lr, two optimizers one after the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor

from layer_by_layer.candidates.lineup import Candidate, Lineup
from lessonkit.lent import no_answer_to

CORRECTION, COUNT, EPS = "no or wrong bias correction", "one step count for all parameters", "eps in the wrong place"
BETAS, KEPT, SHARED = "betas swapped or hard-coded", "moments not kept", "moments shared"
GRADS, LR, ABSENT = "grads changed", "lr fixed at construction", "a grad of None that raises or counts as zeros"
SIGN, RAISES = "a wrong sign", "an exception"

State = dict[str, Any]


class _Adam:
    """A right one, in pieces that the wrong ones replace."""

    def __init__(self, params: Iterable[Tensor], lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8) -> None:
        self.params = list(params)
        self.lr, self.betas, self.eps = lr, betas, eps
        self.state: list[State] = self.fresh()

    def fresh(self) -> list[State]:
        return [{"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)} for p in self.params]

    def step(self) -> None:
        with torch.no_grad():
            self.begin()
            for p, state in zip(self.params, self.state, strict=True):
                if (slope := self.slope(p)) is not None:
                    self.count(state)
                    self.average(state, slope)
                    p.sub_(self.move(state))
            self.end()

    def zero_grad(self) -> None:
        for p in self.params:
            p.grad = None

    def begin(self) -> None:
        pass

    def end(self) -> None:
        pass

    def slope(self, p: Tensor) -> Tensor | None:
        return p.grad

    def count(self, state: State) -> None:
        state["t"] += 1

    def average(self, state: State, slope: Tensor) -> None:
        beta1, beta2 = self.betas
        state["m"].mul_(beta1).add_(slope, alpha=1 - beta1)
        state["v"].mul_(beta2).addcmul_(slope, slope, value=1 - beta2)

    def corrected(self, state: State) -> tuple[Tensor, Tensor]:
        beta1, beta2 = self.betas
        return state["m"] / (1 - beta1 ** state["t"]), state["v"] / (1 - beta2 ** state["t"])

    def move(self, state: State) -> Tensor:
        m, v = self.corrected(state)
        return self.lr * m / (v.sqrt() + self.eps)


def _with(**methods: Any) -> type[_Adam]:
    """Return Adam with some of its pieces replaced; the class has the same name as every other."""
    return type("Adam", (_Adam,), methods)


class _Torch(torch.optim.Adam):
    """torch's own, with `lr` as an attribute."""

    def __init__(self, params: Iterable[Tensor], lr: float = 1e-3, betas: tuple[float, float] = (0.9, 0.999), eps: float = 1e-8) -> None:
        super().__init__(params, lr=lr, betas=betas, eps=eps)
        self.lr = lr

    def step(self) -> None:  # type: ignore[override]
        self.param_groups[0]["lr"] = self.lr
        super().step()


def _one_fraction(self: _Adam, state: State) -> Tensor:
    """The form of the paper's section 2: both corrections in the step size, eps scaled to match."""
    beta1, beta2 = self.betas
    root = (1 - beta2 ** state["t"]) ** 0.5
    return self.lr * root / (1 - beta1 ** state["t"]) * state["m"] / (state["v"].sqrt() + self.eps * root)


def _step_of_lerp(self: _Adam, state: State, slope: Tensor) -> None:
    state["m"].lerp_(slope, 1 - self.betas[0])
    state["v"].lerp_(slope.square(), 1 - self.betas[1])


def _wide_state(self: _Adam) -> list[State]:
    return [{"t": 0, "m": torch.zeros_like(p).double(), "v": torch.zeros_like(p).double()} for p in self.params]


def _wide_average(self: _Adam, state: State, slope: Tensor) -> None:
    _Adam.average(self, state, slope.double())


def _zeroed(self: _Adam) -> None:
    for p in self.params:
        if p.grad is not None:
            p.grad.zero_()


def _lazy_step(self: _Adam) -> None:
    """A step whose state is made when a parameter first has a gradient, found by the parameter itself."""
    found = self.__dict__.setdefault("found", {})
    for p in self.params:
        if p.grad is None:
            continue
        t, m, v = found.get(p, (0, 0.0, 0.0))
        g = p.grad.detach().clone()
        t, m, v = t + 1, self.betas[0] * m + (1 - self.betas[0]) * g, self.betas[1] * v + (1 - self.betas[1]) * g * g
        found[p] = t, m, v
        p.data -= self.lr * (m / (1 - self.betas[0] ** t)) / ((v / (1 - self.betas[1] ** t)) ** 0.5 + self.eps)


def _right() -> Iterator[Candidate]:
    yield Candidate(None, _with(), shown=True)
    yield Candidate(None, type("Adam", (_Torch,), {}), shown=True)
    yield Candidate(None, _with(move=_one_fraction), shown=True)
    yield Candidate(None, _with(average=_step_of_lerp))
    yield Candidate(None, _with(fresh=_wide_state, average=_wide_average))
    yield Candidate(None, _with(step=_lazy_step))
    yield Candidate(None, _with(zero_grad=_zeroed, move=_one_fraction, average=_step_of_lerp))


def _wrong_formulas() -> Iterator[Candidate]:
    def only_v(self: _Adam, state: State) -> tuple[Tensor, Tensor]:
        return state["m"], state["v"] / (1 - self.betas[1] ** state["t"])

    def only_m(self: _Adam, state: State) -> tuple[Tensor, Tensor]:
        return state["m"] / (1 - self.betas[0] ** state["t"]), state["v"]

    def late(self: _Adam, state: State) -> tuple[Tensor, Tensor]:
        return state["m"] / (1 - self.betas[0] ** (state["t"] + 1)), state["v"] / (1 - self.betas[1] ** (state["t"] + 1))

    def under(self: _Adam, state: State) -> Tensor:
        m, v = self.corrected(state)
        return self.lr * m / (v + self.eps).sqrt()

    def before(self: _Adam, state: State) -> Tensor:
        root = (1 - self.betas[1] ** state["t"]) ** 0.5
        return self.lr * self.corrected(state)[0] * root / (state["v"].sqrt() + self.eps)

    def outside(self: _Adam, state: State) -> Tensor:
        m, v = self.corrected(state)
        return self.lr * (m / v.sqrt().clamp(min=1e-30) + self.eps)

    yield Candidate(CORRECTION, _with(corrected=lambda self, state: (state["m"], state["v"])), shown=True)
    yield Candidate(CORRECTION, _with(corrected=only_v))
    yield Candidate(CORRECTION, _with(corrected=only_m))
    yield Candidate(CORRECTION, _with(corrected=late))
    yield Candidate(EPS, _with(move=under), shown=True)
    yield Candidate(EPS, _with(move=before))
    yield Candidate(EPS, _with(move=outside))
    yield Candidate(SIGN, _with(move=lambda self, state: -_Adam.move(self, state)), shown=True)
    yield Candidate(SIGN, _with(slope=lambda self, p: None if p.grad is None else -p.grad))
    yield Candidate(SIGN, _with(move=lambda self, state: _Adam.move(self, state).abs()))


def _betas(given: Any) -> Any:
    def __init__(self: _Adam, params: Iterable[Tensor], lr: float = 1e-3, betas: Any = (0.9, 0.999), eps: float = 1e-8) -> None:
        _Adam.__init__(self, params, lr, given(betas), eps)

    return __init__


def _wrong_settings() -> Iterator[Candidate]:
    def remember(self: _Adam, params: Iterable[Tensor], lr: float = 1e-3, betas: Any = (0.9, 0.999), eps: float = 1e-8) -> None:
        _Adam.__init__(self, params, lr, betas, eps)
        self.first = lr  # type: ignore[attr-defined]

    def fixed(self: Any, state: State) -> Tensor:
        m, v = self.corrected(state)
        return self.first * m / (v.sqrt() + self.eps)

    def of_the_first_step(self: Any) -> None:
        self.first = self.lr = self.__dict__.setdefault("first", self.lr)

    yield Candidate(BETAS, _with(__init__=_betas(lambda betas: betas[::-1])), shown=True)
    yield Candidate(BETAS, _with(__init__=_betas(lambda betas: (0.9, 0.999))))
    yield Candidate(BETAS, _with(__init__=_betas(lambda betas: (betas[0], 0.999))))
    yield Candidate(BETAS, _with(__init__=_betas(lambda betas: (0.9, betas[1]))))
    yield Candidate(LR, _with(__init__=remember, move=fixed), shown=True)
    yield Candidate(LR, _with(begin=of_the_first_step))
    yield Candidate(LR, _with(__init__=remember, begin=lambda self: setattr(self, "lr", self.first)))


def _wrong_memory() -> Iterator[Candidate]:
    def counted_by_steps(self: Any) -> None:
        self.steps = getattr(self, "steps", 0) + 1
        for state in self.state:
            state["t"] = self.steps

    def counted_by_updates(self: Any, state: State) -> None:
        self.steps = getattr(self, "steps", 0) + 1
        state["t"] = self.steps

    def forgets(*names: str) -> Any:
        def begin(self: _Adam) -> None:
            for state in self.state:
                for name in names:
                    state[name].zero_()

        return begin

    def by_shape(self: _Adam) -> list[State]:
        made: dict[Any, State] = {}
        return [
            {"t": 0, **made.setdefault(tuple(p.shape), {"m": torch.zeros_like(p), "v": torch.zeros_like(p)})}
            for p in self.params
        ]

    def one_v(self: _Adam) -> list[State]:
        made: dict[Any, Tensor] = {}
        return [
            {"t": 0, "m": torch.zeros_like(p), "v": made.setdefault(tuple(p.shape), torch.zeros_like(p))}
            for p in self.params
        ]

    def on_the_class() -> Any:
        made: dict[Any, State] = {}

        def fresh(self: _Adam) -> list[State]:
            return [
                made.setdefault((i, tuple(p.shape), p.dtype), {"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)})
                for i, p in enumerate(self.params)
            ]

        return fresh

    def v_on_the_class() -> Any:
        made: dict[Any, Tensor] = {}

        def fresh(self: _Adam) -> list[State]:
            return [
                {"t": 0, "m": torch.zeros_like(p), "v": made.setdefault((i, p.shape, p.dtype), torch.zeros_like(p))}
                for i, p in enumerate(self.params)
            ]

        return fresh

    yield Candidate(COUNT, _with(begin=counted_by_steps, count=lambda self, state: None), shown=True)
    yield Candidate(COUNT, _with(count=counted_by_updates))
    yield Candidate(KEPT, _with(begin=forgets("m", "v")), shown=True)
    yield Candidate(KEPT, _with(begin=forgets("m")))
    yield Candidate(KEPT, _with(begin=forgets("v")))
    yield Candidate(KEPT, _with(begin=lambda self: setattr(self, "state", self.fresh())))
    yield Candidate(SHARED, _with(fresh=by_shape), shown=True)
    yield Candidate(SHARED, _with(fresh=one_v))
    yield Candidate(SHARED, _with(fresh=v_on_the_class()), shown=True)
    yield Candidate(SHARED, _with(fresh=on_the_class()))


def _wrong_manners() -> Iterator[Candidate]:
    def scaled(self: _Adam) -> None:
        for p in self.params:
            if p.grad is not None:
                p.grad.mul_(0.5)

    def dropped(self: _Adam) -> None:
        for p in self.params:
            p.grad = None

    def averaged(self: _Adam, state: State, slope: Tensor) -> None:
        _Adam.average(self, state, slope)
        slope.copy_(state["m"])

    def insisting(self: _Adam, p: Tensor) -> Tensor:
        return p.grad + 0.0  # type: ignore[operator]  # None + 0.0 raises

    def stopping(self: _Adam) -> None:
        if any(p.grad is None for p in self.params):
            raise RuntimeError("a parameter has no gradient")

    def raising(error: Exception) -> Any:
        def begin(self: _Adam) -> None:
            raise error

        return begin

    def second(self: Any) -> None:
        self.steps = getattr(self, "steps", 0) + 1
        if self.steps == 2:
            raise IndexError("list index out of range")

    yield Candidate(GRADS, _with(end=scaled), shown=True)
    yield Candidate(GRADS, _with(end=_zeroed))
    yield Candidate(GRADS, _with(end=dropped))
    yield Candidate(GRADS, _with(average=averaged))
    yield Candidate(ABSENT, _with(slope=lambda self, p: torch.zeros_like(p) if p.grad is None else p.grad), shown=True)
    yield Candidate(ABSENT, _with(slope=insisting))
    yield Candidate(ABSENT, _with(begin=stopping))
    yield Candidate(RAISES, _with(begin=raising(TypeError("unsupported operand"))), shown=True)
    yield Candidate(RAISES, _with(begin=raising(ValueError("shapes do not fit"))))
    yield Candidate(RAISES, _with(begin=second))


@no_answer_to("judge_adam", material=True)
def _build() -> list[Candidate]:
    return [*_right(), *_wrong_formulas(), *_wrong_settings(), *_wrong_memory(), *_wrong_manners()]


adam = Lineup(_build)
