"""Ranks behind the wall: real gloo groups work at the everyday limits, and a run that misuses them harms nobody."""

from __future__ import annotations

import subprocess
import time

import pytest

from autograder.sandbox import trial
from autograder.sandbox.host import Template
from tests.e2e.test_walls import HONEST, run

#: Minutes in all: in `make test-all`.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(trial.missing() is not None, reason=f"no sandbox here: {trial.missing()}"),
]
WORK = """
import torch, torch.distributed as dist
from lessonkit import ranks
def work(rank):
    total = torch.tensor([float(rank)])
    dist.all_reduce(total)
    return float(total)
"""
#: What a submission may try with ranks. Each is a cell after WORK; none may keep the next run from an honest result.
MISUSE = {
    "a rank that forks and leaves": "def lost(rank):\n    import os, time\n    if os.fork() == 0:\n        os.setsid(); time.sleep(600)\n    return rank\nprint(ranks.run(lost, 2))",
    "ranks that nobody waits for": "import multiprocessing as m, time\nfor _ in range(5):\n    m.get_context('fork').Process(target=time.sleep, args=(600,)).start()",
    "ports opened and kept": "import socket, os, time\nfor _ in range(20):\n    s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); os.set_inheritable(s.fileno(), True); globals()[f's{_}'] = s\nif os.fork() == 0:\n    time.sleep(600)",
    "a store on the port of torchrun": "store = dist.TCPStore('127.0.0.1', 29500, 1, True)\nimport os, time\nif os.fork() == 0:\n    time.sleep(600)",
    "all processes used up": "import os, time\nfor _ in range(500):\n    try:\n        if os.fork() == 0:\n            time.sleep(600)\n    except OSError:\n        break\nprint(ranks.run(work, 2, seconds=5))",
    "a group of a hundred": "print(ranks.run(work, 100, seconds=5))",
    "a rank that hangs": "def hang(rank):\n    if rank == 0: dist.all_reduce(torch.ones(1))\nprint(ranks.run(hang, 2, seconds=2))",
    "a rank that kills its parent": "def kill(rank):\n    import os, signal\n    os.kill(os.getppid(), signal.SIGKILL)\nprint(ranks.run(kill, 2, seconds=5))",
}


@pytest.fixture(scope="module")
def template():
    with Template(sandbox=True, preload=("torch._dynamo", "torch.distributed"), package="layer_by_layer") as warm:
        warm.wait_until_warm()
        yield warm


def test_ranks_talk_at_the_everyday_limits_without_a_network(template):
    frame = run(template, WORK + "print(ranks.run(work, 2), ranks.run(work, 3))", seconds=60.0).frames["cell0"]
    assert frame["error"] is None, frame
    assert "[1.0, 1.0] [3.0, 3.0, 3.0]" in frame["output"]


@pytest.mark.parametrize("name", MISUSE)
def test_misuse_of_ranks_harms_nobody(template, name):
    started = time.monotonic()
    run(template, WORK + MISUSE[name], seconds=30.0)
    assert time.monotonic() - started < 120
    frame = run(template, HONEST).frames["honest"]
    assert (frame["error"], frame["output"]) == (None, "4999950000 True\n")
    frame = run(template, WORK + "print(ranks.run(work, 2))", seconds=60.0).frames["cell0"]
    assert (frame["error"], "[1.0, 1.0]" in frame["output"]) == (None, True)


def test_nothing_of_it_is_left_on_the_machine(template):
    marker = "def lost(rank):\n    import os\n    if os.fork() == 0:\n        os.setsid(); os.execvp('sleep', ['sleep', '47111'])\n    return rank\nranks.run(lost, 2)"
    run(template, WORK + marker, seconds=60.0)
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
    assert "sleep 47111" not in listed


def test_a_hanging_rank_is_told_in_one_sentence(template):
    frame = run(template, WORK + MISUSE["a rank that hangs"], seconds=60.0).frames["cell0"]
    assert frame["error"].startswith("RankFailed: rank 0 did not come to an end in time: it waits in all_reduce")
