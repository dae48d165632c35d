"""Run a function on several ranks of a real `torch.distributed` group, from a notebook, and always come back.

    def work(rank):
        total = torch.tensor([float(rank)])
        dist.all_reduce(total)
        return float(total)

    ranks.run(work, 2)      # [1.0, 1.0]

Each rank is a process of its own: forked on Linux, started afresh elsewhere. They meet through a file, so that no port
has to be free, and speak gloo over the loopback interface. A rank that raises, dies or hangs ends the whole run with one
sentence that names it, and no process is left behind.
"""

from __future__ import annotations

import contextlib
import ctypes
import faulthandler
import io
import itertools
import multiprocessing
import os
import pickle
import re
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

from lessonkit import guard, show
from lessonkit.waiting import waited

#: Seconds that every rank may take, where the caller says nothing else.
SECONDS = 30.0
_AT_WORK, _FINISHED = "it is still at work", "it has finished and waits for the others"
#: How long others may still speak once one rank has failed, or its own watchdog has not ended it.
_GRACE = 1.0
#: On a busy machine ranks wait for a processor, which is no time of theirs; so many times their seconds at the most.
_PATIENCE = 8.0
#: A rank says what it is doing when it is asked to, before it is ended.
_CAN_ASK = hasattr(faulthandler, "register")
#: A fresh Python has to import torch before its time begins.
_START_SECONDS = 60.0
_PR_SET_PDEATHSIG = 1
#: Taken before a student's code runs: where an exercise is checked on its own (`lessonkit.lent`), nothing is loaded any more.
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None
_LEFT_ALONE = re.compile(r"connection (closed|reset|refused)|broken pipe|timed out|timeout|peer", re.IGNORECASE)


class RankFailed(RuntimeError):
    """A rank raised, died or hung. The message is one sentence, and names the rank."""

    def _render_traceback_(self) -> list[str]:
        return str(self).split("\n")


@dataclass
class _Rank:
    """What the notebook's process knows of one rank."""

    number: int
    process: Any
    pipe: Connection
    where: Path
    result: Any = None
    done: bool = False
    raised: str = ""
    said: str = ""
    used: list[str] = field(default_factory=list)
    #: it was gone before anybody ended it
    ended: bool = False

    @property
    def failure(self) -> str:
        """Return why the rank failed, '' where it gave a result or is still at work."""
        if self.raised:
            return f"rank {self.number} raised {self.raised}"
        if self.done:
            return ""
        if hung := _hung(self.where):
            return f"rank {self.number} did not come to an end in time: {hung}"
        if not self.ended:
            return ""
        code = self.process.exitcode
        how = f"it was ended by {signal.Signals(-code).name}" if code < 0 else f"it left with exit code {code}"
        return f"rank {self.number} died before it gave a result: {how}"


def run(
    function: Callable[..., Any], world: int, *arguments: Any, seconds: float = SECONDS, method: str | None = None
) -> list[Any]:
    """Return what `function(rank, *arguments)` gives on each of `world` ranks, in the order of ranks.

    Inside, the default process group (gloo) is there: call `torch.distributed` as in any program. Every rank starts with
    its own number as seed, one thread, and `seconds` to finish. What the function returns has to be picklable (tensors,
    numbers, lists, dictionaries). What ranks print is shown with their number. `method` is "fork" or "spawn", by default
    what the system does well. Raises RankFailed, with one sentence, where a rank
    raises, dies or does not finish, and NotImplementedError where one meets what is not written yet.
    """
    method = method or ("fork" if sys.platform == "linux" else "spawn")
    import torch.distributed

    if not torch.distributed.is_available() or not torch.distributed.is_gloo_available():
        raise RankFailed("this torch has no torch.distributed with gloo, so no ranks can be started here")
    if method == "fork":
        import torch._dynamo  # an optimizer's first step imports it: once here, not once in every rank
    with tempfile.TemporaryDirectory(prefix="ranks", ignore_cleanup_errors=True) as folder:
        group: list[_Rank] = []
        try:
            for number in range(world):
                group.append(_start(method, function, arguments, number, world, seconds, Path(folder)))
            _collect(group, seconds + _GRACE + (_START_SECONDS if method == "spawn" else 0.0))
        finally:
            _end(group)
        return _results(group)


def _start(
    method: str, function: Callable[..., Any], arguments: tuple[Any, ...], number: int, world: int, seconds: float, folder: Path
) -> _Rank:
    context: Any = multiprocessing.get_context(method)  # its type names no Process
    ours, theirs = context.Pipe(duplex=False)
    task: Any = (function, arguments)
    if method == "spawn":
        task = _portable(task)
    where = folder / f"rank{number}.txt"
    process = context.Process(
        target=_rank, args=(task, number, world, seconds, str(folder / "meeting"), str(where), theirs), daemon=True
    )
    process.start()
    theirs.close()
    return _Rank(number, process, ours, where)


def _portable(task: Any) -> bytes:
    """Return a notebook's function and its arguments as bytes that a fresh Python understands."""
    import cloudpickle

    return bytes(cloudpickle.dumps(task))


def _collect(group: list[_Rank], seconds: float) -> None:
    """Take what ranks send until all have spoken, one has failed, or the time is over."""
    began, deadline = time.monotonic(), float("inf")
    while time.monotonic() < deadline:
        open_ = [rank for rank in group if not rank.done and not rank.pipe.closed]
        if not open_:
            return
        for pipe in wait([rank.pipe for rank in open_], timeout=max(0.0, min(0.2, deadline - time.monotonic()))):
            _take(next(rank for rank in open_ if rank.pipe is pipe))
        if deadline == float("inf") and _is_over(open_, time.monotonic() - began, seconds):
            _ask(open_)
            deadline = time.monotonic() + _GRACE
        elif any(rank.failure for rank in group):
            deadline = min(deadline, time.monotonic() + _GRACE)  # the others may say what they saw, and no more


def _is_over(group: list[_Rank], elapsed: float, seconds: float) -> bool:
    """Return True where every rank had its seconds, not counting what it waited for a processor."""
    if elapsed <= seconds:
        return False
    lost = max((waited(rank.process.pid) for rank in group), default=0.0)
    return elapsed - lost > seconds or elapsed > _PATIENCE * seconds


def _ask(group: list[_Rank]) -> None:
    """Let ranks that did not come to an end write down where they are."""
    for rank in group:
        if _CAN_ASK:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(rank.process.pid, signal.SIGUSR1)


def _take(rank: _Rank) -> None:
    try:
        message = pickle.loads(rank.pipe.recv_bytes())
    except (EOFError, OSError):
        rank.pipe.close()
        rank.process.join(_GRACE)
        rank.ended = rank.process.exitcode is not None
        return
    except Exception as error:
        rank.raised = f"something that cannot be read back ({type(error).__name__}: {error})"
        return
    rank.raised, rank.said, rank.used = message["raised"], message["said"], message["used"]
    rank.result, rank.done = message["result"], not message["raised"]


def _end(group: list[_Rank]) -> None:
    """End every rank and whatever it started."""
    for rank in group:
        if rank.process.exitcode is None and rank.done:
            rank.process.join(_GRACE)
    for rank in group:
        with contextlib.suppress(ProcessLookupError, PermissionError, AttributeError):
            os.killpg(rank.process.pid, signal.SIGKILL)  # a rank leads a group of its own
        if rank.process.exitcode is None:
            rank.process.kill()
        rank.process.join(5)
        if not rank.pipe.closed:
            rank.pipe.close()


def _results(group: list[_Rank]) -> list[Any]:
    for rank in group:
        guard.add_used(rank.used)
        if rank.said and not show.recording():
            print("".join(f"rank {rank.number}: {line}\n" for line in rank.said.rstrip("\n").split("\n")), end="")
    failed = [rank for rank in group if not rank.done]
    if failed:
        first = min(failed, key=_innocence)
        if first.raised.startswith("NotImplementedError"):
            raise NotImplementedError(first.failure)
        raise RankFailed(f"{first.failure or f'rank {first.number} did not come to an end in time'}.")
    return [rank.result for rank in group]


def _innocence(rank: _Rank) -> tuple[int, int]:
    """Order ranks that failed by who is to blame: whoever was only left alone by another comes last."""
    if rank.raised:
        return (4 if _LEFT_ALONE.search(rank.raised) else 0), rank.number
    hung = _hung(rank.where)
    if rank.ended and not hung:
        return 1, rank.number
    return (2 if _AT_WORK in hung else 5 if _FINISHED in hung or not hung else 3), rank.number


def _hung(where: Path) -> str:
    """Return what a rank was doing when its time was over, from the stack that its watchdog wrote; '' where none is."""
    try:
        stack = where.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    frames = re.findall(r'File "([^"]+)", line (\d+) in (\S+)', stack.rpartition("most recent call first")[2])
    if not frames:
        return ""
    inside = list(itertools.takewhile(lambda frame: frame[0] != __file__, frames))
    waits = [name for file, _, name in inside if Path(file).name == "distributed_c10d.py"]
    own = [(line, name) for file, line, name in inside if not guard.is_library(file)]
    if not own:
        return _FINISHED if waits else _AT_WORK
    if waits:
        return f"it waits in {waits[-1]}, called in line {own[0][0]} of {own[0][1]}, perhaps because not every rank calls it"
    return f"{_AT_WORK} in line {own[0][0]} of {own[0][1]}"


# from here on: what runs in a rank


def _rank(
    task: Any, number: int, world: int, seconds: float, meeting: str, where: str, pipe: Connection
) -> None:
    """Join the group, run the task, send what came of it: the whole life of a rank."""
    if hasattr(os, "setsid"):
        os.setsid()
    if _prctl is not None:
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)  # the notebook's end is this rank's
    message: dict[str, Any] = {"result": None, "raised": "", "said": "", "used": []}
    spoken = io.StringIO()
    with open(where, "w", encoding="utf-8") as file:
        try:
            with contextlib.redirect_stdout(spoken), contextlib.redirect_stderr(spoken):
                function, arguments = _unpacked(task)
                limit = seconds * (_PATIENCE if _CAN_ASK else 1.0)
                if _CAN_ASK:
                    faulthandler.register(signal.SIGUSR1, file=file)
                faulthandler.dump_traceback_later(limit, exit=True, file=file)
                message["result"] = _in_group(function, arguments, number, world, limit, meeting)
        except BaseException as error:
            message["raised"] = _told(error)
        finally:
            faulthandler.cancel_dump_traceback_later()
        message["said"], message["used"] = spoken.getvalue()[:20_000], guard.now_used()
        try:
            sent = pickle.dumps(message)
        except Exception as error:
            message["result"], message["raised"] = None, f"{type(error).__name__}: what it returns cannot be sent: {error}"
            sent = pickle.dumps(message)
        with contextlib.suppress(OSError):
            pipe.send_bytes(sent)
            pipe.close()
    os._exit(0)  # no clean-up of a notebook's kernel, of which this process may be a copy


def _unpacked(task: Any) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    function, arguments = pickle.loads(task) if isinstance(task, bytes) else task
    return function, arguments


def _in_group(
    function: Callable[..., Any], arguments: tuple[Any, ...], number: int, world: int, seconds: float, meeting: str
) -> Any:
    import torch
    import torch.distributed as dist

    if sys.platform != "win32":  # by name, so that nobody asks the network who this machine is
        os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo0" if sys.platform == "darwin" else "lo")
    torch.set_num_threads(1)
    torch.manual_seed(number)
    dist.init_process_group(
        "gloo", init_method=Path(meeting).as_uri(), rank=number, world_size=world, timeout=timedelta(seconds=seconds + 2 * _GRACE)
    )
    result = function(number, *arguments)
    dist.barrier()  # nobody leaves while another still needs it
    dist.destroy_process_group()
    return result


def _told(error: BaseException) -> str:
    """Return an exception as `ValueError: text (line 3 of work)`, in one line."""
    text = " ".join(str(error).split())[:300]
    own = [f for f in traceback.extract_tb(error.__traceback__) if not guard.is_library(f.filename)]
    at = f" (line {own[-1].lineno} of {own[-1].name})" if own else ""
    return f"{type(error).__name__}{': ' + text if text else ''}{at}"
