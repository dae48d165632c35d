"""Observations survive the way out as plain data, and are compared without trusting them."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from lessonkit.compare import compare
from lessonkit.fingerprint import fingerprint, same
from lessonkit.observe import UnknownObject, decode, encode

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)
arrays = hnp.arrays(
    st.sampled_from(["float32", "float64", "int64", "bool", "uint8"]),
    hnp.array_shapes(min_dims=0, max_dims=4, max_side=4),
)


@settings(deadline=None)
@given(plain)
def test_plain_values_come_back(value):
    sent = json.loads(json.dumps(encode(value)))
    assert compare(encode(value), sent, exact=True) is None


@settings(deadline=None)
@given(arrays)
def test_arrays_and_tensors_come_back_bit_for_bit(array):
    for value in (array, torch.from_numpy(array.copy())):
        sent = json.loads(json.dumps(encode(value)))
        assert compare(encode(value), sent, exact=True) is None
        assert decode(sent).tobytes() == np.asarray(array).tobytes()


@settings(deadline=None)
@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=8) | st.floats(),
        lambda i: (
            st.lists(i, max_size=3)
            | st.dictionaries(
                st.sampled_from(["kind", "value", "items", "dtype", "shape", "data", "i"]), i, max_size=4
            )
        ),
        max_leaves=10,
    )
)
def test_malformed_records_are_a_mismatch_and_never_an_error(junk):
    for right in (encode(1.5), encode(np.ones((2, 2))), encode([1, {"a": "b"}]), encode(None)):
        found = compare(right, junk if isinstance(junk, dict) else {"kind": junk})
        assert found is None or found.expected


def test_objects_equal_nothing():
    class Liar:
        def __eq__(self, other):
            return True

        __hash__ = None

    assert compare(encode(Liar()), encode(Liar())) is not None
    with pytest.raises(UnknownObject):
        decode(encode([Liar()]))


def test_subclasses_do_not_get_to_lie():
    class F(float):
        def __eq__(self, other):
            return True

        def hex(self):
            return "0x0"

    class A(np.ndarray):
        def tobytes(self, order="C"):
            return b""

    assert decode(encode(F(2.0))) == 2.0
    assert decode(encode(np.ones(2).view(A))).tolist() == [1.0, 1.0]
    parameter = torch.nn.Parameter(torch.ones(2))
    assert compare(encode(parameter), encode(torch.ones(2))) is None


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ([1.0, 2.0], (1.0, 2.0), True),
        (np.float64(2.0), 2.0, True),
        (np.array(2.0), np.float64(2.0), True),
        (np.float32(2.0), 2.0, False),
        (True, 1, False),
        (1, 1.0, False),
        (float("nan"), float("nan"), True),
        (float("inf"), float("-inf"), False),
        (1.0, 1.0 + 1e-12, True),
        (1.0, 1.0 + 1e-5, False),
        (np.float32([1, 1000]), np.float32([1.005, 1000]), True),
        (np.float32([1, 2]), np.float32([1.005, 2]), False),
        (torch.zeros(0, 3), torch.zeros(0, 3), True),
        (torch.zeros(0, 3), torch.zeros(3, 0), False),
        (torch.zeros(2, 3).T, torch.zeros(3, 2), True),
    ],
)
def test_what_counts_as_the_same(one, other, equal):
    assert (compare(encode(one), encode(other)) is None) is equal


def test_fingerprints_agree_to_three_digits():
    one, other = ({"value": encode(np.linspace(0, 1, 99) * s)} for s in (1, 1 + 1e-6))
    assert same(fingerprint(one), fingerprint(other))
    assert not same(fingerprint(one), fingerprint({"value": encode(np.linspace(0, 1.01, 99))}))
