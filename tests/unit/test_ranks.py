"""Functions on real ranks: what they return, how they fail, and that no process is left."""

from __future__ import annotations

import multiprocessing
import os
import time

import pytest
import torch
import torch.distributed as dist

from lessonkit import ranks


def summed(rank, more=0.0):
    total = torch.tensor([float(rank) + more])
    dist.all_reduce(total)
    return float(total)


def hangs(rank):
    if rank == 0:
        dist.all_reduce(torch.ones(1))


def loops(rank):
    while rank == 1:
        pass


def leaves(rank):
    if rank == 1:
        os._exit(3)
    dist.barrier()


def is_killed(rank):
    if rank == 0:
        os.kill(os.getpid(), 9)
    dist.barrier()


def raises(rank):
    if rank == 1:
        raise ValueError("seven is not even")
    dist.barrier()


FAILURES = {
    hangs: "rank 0 did not come to an end in time: it waits in all_reduce, called in line",
    loops: "rank 1 did not come to an end in time: it is still at work in line",
    leaves: "rank 1 died before it gave a result: it left with exit code 3.",
    is_killed: "rank 0 died before it gave a result: it was ended by SIGKILL.",
    raises: "rank 1 raised ValueError: seven is not even (line",
}


@pytest.mark.parametrize("world", [1, 2, 3])
def test_results_come_back_in_the_order_of_ranks(world):
    assert ranks.run(summed, world, 0.5) == [sum(range(world)) + world / 2] * world
    assert ranks.run(lambda rank: {"rank": rank, "seed": torch.initial_seed()}, world) == [{"rank": r, "seed": r} for r in range(world)]


@pytest.mark.parametrize("function", FAILURES, ids=lambda function: function.__name__)
def test_a_failing_rank_ends_the_run_with_one_sentence(function):
    started = time.monotonic()
    with pytest.raises(ranks.RankFailed) as failed:
        ranks.run(function, 2, seconds=3)
    assert str(failed.value).startswith(FAILURES[function])
    assert "\n" not in str(failed.value)
    assert time.monotonic() - started < 30
    assert multiprocessing.active_children() == []


def test_what_a_rank_started_ends_with_it(tmp_path):
    def starts(rank):
        child = os.fork()
        if child == 0:
            time.sleep(600)
        (tmp_path / str(rank)).write_text(str(child))

    ranks.run(starts, 2)
    for file in tmp_path.iterdir():
        for _ in range(50):
            try:
                os.kill(int(file.read_text()), 0)
            except ProcessLookupError:
                break
            time.sleep(0.1)
        else:
            pytest.fail("a rank's child is still there")


def test_what_cannot_be_sent_is_said():
    with pytest.raises(ranks.RankFailed, match="what it returns cannot be sent"):
        ranks.run(lambda rank: (one for one in []), 1)


def test_an_unwritten_function_is_told_as_such():
    def stub(rank):
        raise NotImplementedError

    with pytest.raises(NotImplementedError):
        ranks.run(stub, 2)


def test_what_ranks_print_is_shown_with_their_number(capsys):
    ranks.run(lambda rank: print(f"I am {rank}"), 2)
    assert capsys.readouterr().out == "rank 0: I am 0\nrank 1: I am 1\n"


@pytest.mark.slow
def test_a_fresh_python_serves_as_well_as_a_fork():
    step = 0.25

    def closes_over(rank):
        return summed(rank, step)

    assert ranks.run(closes_over, 2, method="spawn") == [1.5, 1.5]
