"""What one run can do to the machine, tried kind by kind: nothing outlives it, memory is all memory, time is fair."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from autograder.judge.grade_one import observe
from autograder.sandbox import linux, seccomp, trial, usage
from autograder.sandbox.host import Limits, SandboxBroke, Template
from autograder.sandbox.inside import Cell
from tests.e2e import attacks

#: Minutes in all: in `make test-all`.
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(trial.missing() is not None, reason=f"no sandbox here: {trial.missing()}"),
]
SETUP = Cell("setup", "setup", "course = 1")
HONEST = Cell("honest", "student", "import os\nopen('/tmp/mine', 'w').close()\nprint(sum(range(10**5)), os.path.exists('/dev/null'))")


@pytest.fixture(scope="module")
def template():
    with Template(sandbox=True) as warm:
        warm.wait_until_warm()
        yield warm


def run(template, *cells, seconds=30.0, **limits):
    cells = [cell if isinstance(cell, Cell) else Cell(f"cell{n}", "student", cell) for n, cell in enumerate(cells)]
    return template.run([SETUP, *cells], seed=0, forbidden={}, seconds=lambda _: seconds, limits=Limits(**limits))


def test_nothing_that_a_run_does_is_found_by_the_next(template):
    for name, source in attacks.OUTLIVE.items():
        for _ in range(2):
            outcome = run(template, source)
            assert "LEAK" not in outcome.frames["cell0"]["output"], (name, outcome.frames["cell0"]["output"])
        frame = run(template, HONEST).frames["honest"]
        assert (frame["error"], frame["output"]) == (None, "4999950000 True\n"), name


def test_a_run_can_write_to_its_own_mounts_and_to_no_other(template):
    source = "with open('/proc/self/mountinfo') as f: print(f.read())"
    mounts = linux.mounts(run(template, source).frames["cell0"]["output"])
    assert len(mounts) > 15
    assert sorted(m.point for m in mounts if m.writable) == sorted(linux.OWN)
    assert all("nosuid" in m.options for m in mounts)


def test_mounts_are_read_as_the_kernel_writes_them():
    mine = linux.mounts("1 1 0:1 / /dev rw,nosuid - tmpfs tmpfs rw\n2 1 0:1 / /a\\040b ro - tmpfs tmpfs rw")
    assert [(m.point, m.writable) for m in mine] == [("/dev", True), ("/a b", False)]


@pytest.mark.parametrize("name", attacks.HOARD)
def test_all_memory_is_counted_or_refused(template, name):
    outcome = run(template, attacks.HOARD[name], memory=200 * 2**20, seconds=60.0)
    refused = outcome.frames.get("cell0", {}).get("error") or ""
    stopped = outcome.reason or ""
    assert "of memory" in stopped or "open files" in stopped or refused, (name, outcome)
    assert outcome.reason is None or outcome.stopped_in == "cell0"


def test_pages_shared_with_the_template_are_not_the_runs(template):
    source = "import os, time\nfor _ in range(20):\n    if os.fork() == 0:\n        time.sleep(9); os._exit(0)\ntime.sleep(1)"
    assert run(template, source, memory=300 * 2**20).reason is None


def test_every_call_on_the_list_is_refused(template):
    column = 0 if os.uname().machine == "x86_64" else 1
    numbers = {name: pair[column] for name, pair in seccomp.DENIED.items() if pair[column] >= 0}
    source = (
        "import ctypes\nlibc = ctypes.CDLL(None, use_errno=True)\n"
        f"for name, number in {numbers!r}.items():\n"
        "    ctypes.set_errno(0)\n"
        "    if libc.syscall(number, -1, 0, 0, 0, 0, 0) != -1 or ctypes.get_errno() != 1: print('LEAK', name, ctypes.get_errno())"
    )
    assert run(template, source).frames["cell0"]["output"] == ""
    assert len(numbers) > 50


def test_a_crash_starts_no_collector_of_core_dumps(template):
    source = (
        "import resource\nprint([line.split()[4:6] for line in open('/proc/self/limits') if 'core' in line])\n"
        "try: resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); print('LEAK')\nexcept (OSError, ValueError): pass\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))"
    )
    frame = run(template, source).frames["cell0"]
    assert (frame["error"], frame["output"]) == (None, "[['1', '1']]\n")


def test_other_programs_of_a_user_do_not_count_towards_a_runs_limit_of_processes():
    assert usage.threads_beside() > 0
    source = "import resource\nprint(resource.getrlimit(resource.RLIMIT_NPROC)[0])"
    with Template(sandbox=False) as plain:
        assert int(run(plain, source).frames["cell0"]["output"]) >= Limits().threads + 1
    apart = Template(sandbox=True)
    assert apart._threads_beside() == 0 or os.geteuid() != 0


def test_no_kind_of_socket_leads_out(template):
    source = (
        "import socket\nfor family in range(64):\n    for kind in (1, 2, 3, 5):\n"
        "        for make in (socket.socket, socket.socketpair):\n"
        "            try: make(family, kind); print(family)\n            except OSError as e:\n"
        "                if e.errno != 97 and family != 1: print('LEAK', family, e)"
    )
    assert set(run(template, source).frames["cell0"]["output"].split()) == {"1"}


def test_what_notebooks_do_still_works(template):
    source = (
        "import asyncio, multiprocessing, subprocess, numpy as np, torch\nawait asyncio.sleep(0)\n"
        "with multiprocessing.get_context('fork').Pool(2) as pool: print(pool.map(abs, [-1, 2]))\n"
        "print(torch.ones(2).share_memory_().sum().item(), subprocess.run(['echo', 'hi'], capture_output=True).stdout)\n"
        "torch.set_num_threads(32); print((torch.ones(300, 300) @ torch.ones(300, 300)).sum().item())\n"
        "get_ipython().system('tty')\nimport matplotlib.pyplot as plt; plt.plot([1, 2]); plt.savefig('x.png')\n"
        "print(open('/dev/zero', 'rb').read(2), open('/dev/null', 'w').write('x'))"
    )
    frame = run(template, source, seconds=60.0).frames["cell0"]
    assert frame["error"] is None
    assert frame["output"].split("\n")[:2] == ["[1, 2]", "2.0 b'hi\\n'"]
    assert "27000000.0" in frame["output"]
    assert "b'\\x00\\x00' 1" in frame["output"]


def test_a_death_before_the_first_line_is_the_machines_fault(template):
    with pytest.raises(SandboxBroke, match="before its first cell"):
        run(template, HONEST, disk=-1)  # the mount of /tmp is refused
    assert run(template, HONEST).frames["honest"]["error"] is None


def test_a_run_that_spins_is_stopped_by_the_time_it_used(template):
    outcome = run(template, "while True: pass", seconds=1.0)
    assert outcome.reason == "stopped after 1 s in `cell0`, an endless loop?"
    outcome = run(template, "import time; time.sleep(30)", seconds=1.0)
    assert "stopped after 1 s" in outcome.reason


def test_processor_time_of_all_processes_is_what_counts(template):
    shells = "import subprocess, time\nfor _ in range(20): subprocess.Popen(['sh', '-c', 'while :; do :; done'])\ntime.sleep(60)"
    started = time.monotonic()
    outcome = run(template, shells, seconds=4.0)
    assert "stopped after 4 s" in outcome.reason
    assert time.monotonic() - started < 30


SCRATCH = {
    "loops": "while True: pass",
    "sleeps": "import time; time.sleep(1.9)",
    "sleeps_for_ever": "import time; time.sleep(999)",
    "swallows": "import time\nwhile True:\n    try: time.sleep(1)\n    except BaseException: pass",
    "exits": "import os; os._exit(0)",
    "crashes": "import ctypes; ctypes.string_at(0)",
    "forks_and_waits": "import os\nif os.fork() == 0:\n    while True: pass\nos.wait()",
}


def notebook(scratch, count, exercises=3, body="42"):
    """Return the cells of exercises that are right, with plain cells before, between and after them."""
    cells = [SETUP]
    for n in range(exercises):
        cells += [Cell(f"plain-{n}-{i}", "student", scratch) for i in range(count)]
        cells.append(Cell(f"ex{n}", "student", f"def ex{n}():\n    return {body}", f"ex{n}"))
        test = f"from lessonkit import check\n@check.cell('ex{n}__t')\ndef _():\n    check.equal('it is so', lambda: ex{n}())"
        cells.append(Cell(f"ex{n}__t", "test", test, f"ex{n}"))
    return cells


def reference(seconds=2.0):
    return SimpleNamespace(seed=0, forbidden={}, seconds=lambda _: seconds)


@pytest.mark.parametrize("name", SCRATCH)
def test_scratch_that_is_slow_or_dies_costs_itself_only(template, name):
    cells = notebook(SCRATCH[name], 2)
    seen = observe(cells, reference(), template, Limits(scratch_seconds=3.0))
    for n in range(3):
        records = seen.frames[f"ex{n}__t"]["tests"][0]["records"]
        assert records[0]["value"]["kind"] == "int" or "42" in str(records[0]["value"]), (n, records)


def test_one_bound_holds_for_all_runs_of_a_submission(template):
    started = time.monotonic()
    cells = notebook("1", 1, exercises=8, body="ex_hang()")
    cells[1] = Cell("plain-0", "student", "import time\ndef ex_hang():\n    time.sleep(99)")
    seen = observe(cells, reference(2.0), template, Limits(wall_seconds=5.0))
    assert time.monotonic() - started < 12
    assert all(f"ex{n}__t" in seen.reasons for n in range(8))
    assert "whole notebook took more than 5 s" in seen.reasons["ex7__t"]


def test_what_was_observed_is_not_run_again(template):
    cells = [
        SETUP, Cell("count", "student", "import os, time\ntime.sleep(0.6)", "a"),
        Cell("a__t", "test", "import time\ntime.sleep(1.5)", "a"), Cell("b__t", "test", "import os\nos._exit(0)", "b"),
        Cell("c__t", "test", "import os\nos._exit(0)", "c"), Cell("d__t", "test", "x = 1", "d"),
    ]  # fmt: skip
    started = time.monotonic()
    seen = observe(cells, reference(20.0), template, Limits())
    assert "d__t" in seen.frames
    assert time.monotonic() - started < 8  # with it, 6.3 s of sleep and more
    assert set(seen.reasons) == {"b__t", "c__t"}


WORKER = """
import sys
from autograder import cores
from tests.e2e.test_walls import Template, run
print(cores.claim(), flush=True)
with Template(sandbox=True) as template:
    template.wait_until_warm()
    input()
    outcome = run(template, sys.argv[1], seconds=float(sys.argv[2]))
    print(outcome.reason, outcome.seconds)
"""


def test_one_students_storm_does_not_slow_anothers_verdict():
    """Two workers, each with its core: 55 shells on one, an honest second of work with a limit of three on the other."""
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("one core only")
    storm = "import subprocess, time\nfor _ in range(55): subprocess.Popen(['sh', '-c', 'while :; do :; done'])\ntime.sleep(60)"
    work = "import time\nwhile time.process_time() < 1.0: pass"
    both = [
        subprocess.Popen([sys.executable, "-c", WORKER, source, str(limit)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for source, limit in ((storm, 8.0), (work, 3.0))
    ]
    found = []
    for process in both:
        found.append([process.stdout.readline().strip()])
    for process in both:
        process.stdin.write("\n")
        process.stdin.flush()
    for process, said in zip(both, found, strict=True):
        said.append(process.communicate(timeout=120)[0].strip())
    assert "stopped after 8 s" in found[0][1], found
    assert found[1][1].startswith("None"), found
    assert found[0][0] != found[1][0] or "None" in (found[0][0], found[1][0])
