"""The wire is a border: what a run sends is admitted as declared, bounded data, or refused; behind it nothing breaks."""

from __future__ import annotations

import base64
import json
import struct
import time
import tracemalloc
from contextlib import suppress

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from autograder.sandbox import wire
from autograder.sandbox.frames import BadFrame, admit
from lessonkit.compare import compare
from lessonkit.fingerprint import fingerprint
from lessonkit.observe import UnknownObject, decode, describe, encode
from lessonkit.observe import admit as admit_plain
from tests.properties import everyday, json_values, plain, thorough

RECORD = {"i": 0, "site": 0, "name": "it is right", "check": "close", "how": {"rtol": None, "atol": None}}


def frame(*records, **more):
    test = {"cell": "e__c", "records": list(records), "error": None, "used": []}
    return {"cell": "e__c", "seconds": 0.1, "output": "", "error": None, "tests": [test], **more}


def array(shape, data=b"", dtype="float32", kind="tensor"):
    return {"kind": kind, "dtype": dtype, "shape": shape, "data": base64.b64encode(data).decode()}


def with_value(value):
    return json.dumps(frame(RECORD | {"value": value})).encode()


def test_what_a_check_records_is_admitted_as_it_was():
    values = [None, True, 3, -(10**300), 2.5, float("nan"), "ü\ud800", [1, (2, [3])], {"a": 1, 2: "b"}, np.float32(1), np.ones((2, 3)),
              torch.ones(2, dtype=torch.bfloat16), torch.zeros(0, 5), np.zeros((0, 9000, 9000)), np.array(["x"]), object(),
              10**5000, [[[[[[[[[[1]]]]]]]]]], list(range(30_000)), torch.ones(3).to_sparse(), np.longdouble(1)]  # fmt: skip
    for value in values:
        assert admit_plain(json.loads(json.dumps(encode(value)))) is not None, value
    sent = json.dumps(frame(RECORD | {"value": encode(values[:12])}, cpu_seconds=0.5)).encode()
    assert admit(sent)["tests"][0]["records"][0]["value"]["kind"] == "sequence"
    assert admit(sent)["cpu_seconds"] == 0.5


REFUSED = {
    "not JSON": b"\xff\xfe",
    "a constant": b'{"begin": NaN}',
    "a list": b"[1]",
    "too deep": b"[" * 100_000,
    "deep values": json.dumps(frame(RECORD | {"value": json.loads('{"kind":"sequence","items":[' * 30 + "]}" * 30)})).encode(),
    "no bytes, and a billion sums": with_value(array([0, 30_000, 30_000])),
    "bytes and shape disagree": with_value(array([2, 2], b"abcd")),
    "a negative axis": with_value(array([-1], b"")),
    "an axis that is a flag": with_value(array([True], b"abcd")),
    "seventeen axes": with_value(array([1] * 17, b"abcd")),
    "a dtype of objects": with_value(array([1], b"abcdefgh", "object")),
    "not base64": with_value({"kind": "tensor", "dtype": "float32", "shape": [1], "data": "????????"}),
    "a lone surrogate in a value": with_value({"kind": "str", "value": "\ud800"}),
    "a key that is no text": with_value({"kind": "mapping", "items": [[1, {"kind": "none"}]]}),
    "an int of a million digits": with_value({"kind": "int", "value": "1" * 10**6}),
    "an int that is none": with_value({"kind": "int", "value": "٣"}),
    "a kind that is a list": with_value({"kind": [], "value": 1}),
    "more fields than a kind has": with_value({"kind": "none", "value": 1}),
    "two records of one number": json.dumps(frame(RECORD | {"value": {"kind": "none"}}, RECORD | {"value": {"kind": "none"}})).encode(),
    "neither value nor exception": json.dumps(frame(RECORD)).encode(),
    "both": json.dumps(frame(RECORD | {"value": {"kind": "none"}, "raised": ["E"]})).encode(),
    "a number that is no number": json.dumps(frame(RECORD | {"i": 1.5, "value": {"kind": "none"}})).encode(),
    "a huge number": json.dumps(frame(RECORD | {"i": 10**30, "value": {"kind": "none"}})).encode(),
    "records that are no list": json.dumps({"cell": "c", "tests": [{"cell": "c", "records": {}}]}).encode(),
    "no cell": b"{}",
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_what_no_check_writes_is_refused(name):
    with pytest.raises(BadFrame):
        admit(REFUSED[name])


def test_words_of_an_exception_end_no_run():
    sent = frame(RECORD | {"raised": ["E" * 5000, "Exception"], "message": "\ud800" * 5000}, error="\udfff", output="\ud800" * 99)
    found = admit(json.dumps(sent).encode())
    assert len(found["tests"][0]["records"][0]["message"]) <= 1000
    json.dumps(found, ensure_ascii=False).encode("utf-8")


def test_a_frame_of_40_megabytes_stays_small():
    body = b'{"cell": "c", "tests": [' + b"{}," * 13_000_000 + b"{}]}"
    tracemalloc.start()
    try:
        with pytest.raises(BadFrame):
            admit(body)
        assert tracemalloc.get_traced_memory()[1] < 50 * 2**20
    finally:
        tracemalloc.stop()


def test_the_reader_of_a_run_stands_at_the_border():
    from autograder.sandbox.host import Limits, Run
    from autograder.sandbox.inside import Cell

    run = Run([Cell("c", "student", "")], lambda _: 1.0, Limits())
    for message in ({"begin": "c"}, {"cell": "c", "tests": [{"cell": "c", "records": [7]}]}):
        body = json.dumps(message).encode()
        run.take(struct.pack("<I", len(body)) + body)
    assert "unreadable" in (run.reason or "")
    assert run.frames == {}


RIGHT = [encode(value) for value in (1.0, [1.0, 2], np.ones((2, 2), np.float32), {"a": torch.ones(2, 1)}, "x", None, True, 5)]


def behind_the_border(found):
    """Everything a judge does with an admitted observation."""
    started = time.monotonic()
    assert len(describe(found)) <= 300
    with suppress(UnknownObject):
        decode(found)
    fingerprint({"value": found})
    for right in RIGHT:
        compare(right, found)
        compare(right, found, exact=True, explain=False)
    assert time.monotonic() - started < 5


def one_frame(body, value):
    with suppress(BadFrame):
        admit(body)
    try:
        admit_plain(value)
    except ValueError:
        return
    behind_the_border(value)


@everyday
@given(st.binary(max_size=200) | json_values.map(lambda v: json.dumps(v).encode()), plain)
def test_any_frame_is_admitted_or_refused(body, value):
    one_frame(body, value)
    one_frame(with_value(value), value)


@pytest.mark.slow
@thorough
@given(json_values.map(lambda v: json.dumps(v).encode()), plain)
def test_any_of_a_hundred_thousand_frames_is_admitted_or_refused(body, value):
    one_frame(body, value)
    one_frame(with_value(value), value)


def test_frames_in_pieces_come_out_whole():
    reader, body = wire.Reader(read=admit), b'{"begin": "c"}'
    whole = struct.pack("<I", len(body)) + body
    found = [f for i in range(len(whole)) for f in reader.feed(whole[i : i + 1])]
    assert found == [{"begin": "c"}]
