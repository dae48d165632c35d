"""Does the wall stand on this machine? Build it once, with everything a run has, and say what refused.

`python -m autograder.sandbox.trial FD isolate` runs in there, in the place of the template: the same command line,
the same namespaces inside namespaces, the same mounts, the same filter.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import asdict
from functools import cache

from autograder.sandbox import bwrap, remedies
from autograder.sandbox.follow import Limits

_STANDS = "the wall stands"
_SECONDS = 20


@cache
def missing(proc: bool = True, package: str = "") -> str | None:
    """Return why bubblewrap cannot be used on this machine and what helps, None where a trial wall stands.

    `proc` False tries the weaker wall of a container whose /proc is masked.
    """
    if sys.platform != "linux":
        return remedies.explain(f"{sys.platform} has no bubblewrap")
    if shutil.which("bwrap") is None:
        return remedies.explain("bubblewrap is not installed")
    command = bwrap.command(0, None, package, proc=proc, module=__spec__.name)
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=_SECONDS, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return remedies.explain(f"bubblewrap does not start: {error}")
    if _STANDS in done.stdout:
        return None
    return remedies.explain(done.stderr.strip()[-400:] or f"bubblewrap ended with status {done.returncode}")


def main() -> None:
    """Become a run of no cells, and say so where nothing refused."""
    from autograder.sandbox import child, linux, seccomp

    try:
        child.enter_namespaces()
        if inner := os.fork():
            os._exit(os.waitstatus_to_exitcode(os.waitpid(inner, 0)[1]))
        child.own_mounts(asdict(Limits()))
        linux.drop_capabilities()
        seccomp.install()
        print(_STANDS, flush=True)
    except OSError as error:
        print(f"inside bubblewrap, a run's own walls: {error}", file=sys.stderr, flush=True)
        os._exit(1)


if __name__ == "__main__":
    main()
