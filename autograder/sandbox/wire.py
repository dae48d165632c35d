"""Length-prefixed JSON over a file descriptor, with limits on what a reader accepts.

What a run sends is read by `autograder.sandbox.frames.admit`; what our own processes say to each other by `parse`.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Callable, Mapping
from typing import Any

from autograder.sandbox.frames import BadFrame, admit

FRAME_LIMIT = 96 * 2**20

__all__ = ["FRAME_LIMIT", "BadFrame", "Reader", "admit", "parse", "write"]


def write(fd: int, message: dict[str, Any]) -> None:
    """Write one frame to a blocking descriptor."""
    body = json.dumps(message, ensure_ascii=True).encode("ascii")
    view = memoryview(struct.pack("<I", len(body)) + body)
    while view:
        view = view[os.write(fd, view) :]


class Reader:
    """Collects bytes and gives back whole frames; BadFrame on anything else, or past `limit` bytes in all.

    `read` turns the bytes of one frame into data: `admit` where a run sent them, `parse` where a process of ours did.
    """

    def __init__(self, limit: int = 2 * FRAME_LIMIT, read: Callable[[bytes], Mapping[str, Any]] | None = None) -> None:
        self.buffer = bytearray()
        self.room, self.read = limit, read or parse

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        """Take bytes as they came and return the frames that are complete."""
        self.room -= len(data)
        if self.room < 0:
            raise BadFrame("more output than a submission may send")
        self.buffer += data
        frames = []
        while len(self.buffer) >= 4:
            (size,) = struct.unpack_from("<I", self.buffer)
            if size > FRAME_LIMIT:
                raise BadFrame(f"a frame of {size} bytes")
            if len(self.buffer) < 4 + size:
                break
            body = bytes(memoryview(self.buffer)[4 : 4 + size])
            del self.buffer[: 4 + size]
            frames.append(dict(self.read(body)))
        return frames


def parse(body: bytes) -> dict[str, Any]:
    """Return the object that bytes stand for; BadFrame where they are none."""
    try:
        frame = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadFrame(f"not JSON: {type(error).__name__}") from error
    if not isinstance(frame, dict):
        raise BadFrame("not an object")
    return frame
