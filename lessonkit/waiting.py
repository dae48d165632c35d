"""What a process waited for a processor: on a busy machine that is no time of its own."""

from __future__ import annotations

import contextlib


def waited(pid: int) -> float:
    """Return the seconds a process was ready to run and had no processor; 0 where the kernel does not tell."""
    with contextlib.suppress(OSError, ValueError, IndexError), open(f"/proc/{pid}/schedstat", "rb") as file:
        return int(file.read().split()[1]) / 1e9
    return 0.0
