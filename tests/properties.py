"""How many examples a property is tried on: a few in the everyday suite, a hundred thousand in the long one."""

from __future__ import annotations

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

_QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
everyday = settings(max_examples=60, deadline=None, suppress_health_check=_QUIET)
thorough = settings(max_examples=100_000, deadline=None, suppress_health_check=_QUIET)

_scalars = st.none() | st.booleans() | st.integers(-(10**40), 10**40) | st.floats() | st.text(max_size=12)
#: Anything that JSON can say.
json_values = st.recursive(
    _scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4), max_leaves=12
)
_texts = st.text(st.characters(), max_size=10)
_shapes = st.lists(st.integers(0, 3) | st.sampled_from([10**9, -1, 2**40]), max_size=4)


def _array(draw: st.DrawFn) -> dict[str, object]:
    import base64
    import math

    from lessonkit.observe import WIDTH

    name = draw(st.sampled_from([*WIDTH, "bfloat16", "object", "complex64", "U8"]))
    shape = draw(_shapes)
    size = math.prod(shape) * WIDTH.get(name, 4)
    raw = draw(st.binary(min_size=size, max_size=size)) if 0 <= size <= 200 else draw(st.binary(max_size=20))
    kind = draw(st.sampled_from(["array", "tensor", "scalar"]))
    return {"kind": kind, "dtype": name, "shape": shape, "data": base64.b64encode(raw).decode()}


#: Plain data of `lessonkit.observe`, right and nearly right.
plain = st.recursive(
    st.one_of(
        st.just({"kind": "none"}),
        st.fixed_dictionaries({"kind": st.just("bool"), "value": st.booleans() | _scalars}),
        st.fixed_dictionaries({"kind": st.just("int"), "value": st.integers().map(str) | _texts | st.just("9" * 390)}),
        st.fixed_dictionaries({"kind": st.just("float"), "value": st.binary(min_size=8, max_size=8).map(bytes.hex) | _texts}),
        st.fixed_dictionaries({"kind": st.just("str"), "value": _texts | _scalars}),
        st.fixed_dictionaries({"kind": st.just("object"), "type": _texts | _scalars}),
        st.composite(_array)(),
        json_values,
    ),
    lambda inner: st.one_of(
        st.fixed_dictionaries({"kind": st.just("sequence"), "items": st.lists(inner, max_size=4)}),
        st.fixed_dictionaries({"kind": st.just("mapping"), "items": st.lists(st.tuples(_texts, inner).map(list), max_size=3)}),
    ),
    max_leaves=8,
)
