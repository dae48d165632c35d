"""Where systemd and cgroup v2 are at hand, the kernel keeps the limits; elsewhere it is said what is missing."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from autograder import doctor
from autograder.sandbox import cgroup, trial
from autograder.sandbox import levels as isolation
from autograder.sandbox.host import Limits, SandboxBroke, Template
from autograder.sandbox.inside import Cell

here = pytest.mark.skipif(
    bool(trial.missing() or cgroup.missing()), reason=f"{trial.missing() or cgroup.missing()}"
)
#: 16 processes that touch 48 MiB each: no single one is large, and no watchdog with a limit of 3 GiB minds them.
MANY = """
import os, time
for _ in range(16):
    if os.fork() == 0:
        held = bytearray(os.urandom(2**20) * 48)
        time.sleep(20)
        os._exit(0)
held = bytearray(os.urandom(2**20) * 48)
time.sleep(20)
"""


class Small(Template):
    def cgroup_limits(self):
        return 512 * 2**20, 60


def run(template, source):
    return template.run(
        [Cell("hog", "student", source)], seed=0, forbidden={}, seconds=lambda _: 60.0, limits=Limits()
    )


def test_doctor_and_the_level_say_what_the_kernel_keeps(tmp_path):
    if trial.missing():
        assert isolation.level()[0] is False
        return
    findings = {finding.what: finding for finding in doctor.examine(tmp_path)}
    _, level = isolation.level()
    assert f"isolation level {level}" in findings
    if cgroup.missing():
        assert level == "bwrap+rlimits"
        assert cgroup.missing() in findings["memory limit kept by the kernel (cgroup v2)"].detail
    else:
        assert level == "bwrap+cgroup"
        assert findings["sandbox: no code inside outgrows its cgroup"].status == "ok"


def test_a_scope_is_asked_for_with_every_limit():
    command = cgroup.wrap(["bwrap", "python"], 1000, 7)
    assert command[0] == "systemd-run"
    assert command[-3:] == ["--", "bwrap", "python"]
    wanted = {"--scope", "MemoryMax=1000", "MemorySwapMax=0", "TasksMax=7", "OOMPolicy=continue", "CPUQuota=100%"}
    assert wanted <= set(command)


def test_the_kernels_own_sum_of_processor_time_is_read(monkeypatch, tmp_path):
    (tmp_path / "cpu.stat").write_text("usage_usec 2500000\nuser_usec 1\n")
    monkeypatch.setattr(cgroup, "folder_of", lambda pid: tmp_path)
    assert cgroup.cpu_seconds(1) == 2.5
    assert cgroup.cpu_seconds(1) == 2.5


def test_a_level_with_a_cgroup_is_not_claimed_where_the_limits_are_others(monkeypatch, tmp_path):
    monkeypatch.setattr(isolation, "_once", lambda template, root: [isolation.Canary("tries", True)])
    template = Template(sandbox=True, in_cgroup=True)  # never started: it is in no cgroup of its own
    with pytest.raises(SandboxBroke, match="outgrows its cgroup"):
        isolation.confirm(template, tmp_path)


@here
def test_many_small_processes_together_are_ended_by_the_kernel_and_the_next_run_is_fine():
    with Small(sandbox=True, in_cgroup=True) as template:
        template.wait_until_warm()
        started = time.monotonic()
        outcome = run(template, MANY)
        if outcome.reason is None:  # the kernel ended some of the others, and the first of them lived
            assert template.killed_for_memory() > 0
        else:
            assert "of memory" in outcome.reason
        assert time.monotonic() - started < 40
        assert run(template, "print(6 * 7)").frames["hog"]["output"] == "42\n"


@here
def test_one_process_that_takes_too_much_is_named_for_its_memory():
    with Small(sandbox=True, in_cgroup=True) as template:
        outcome = run(template, "held = bytearray(2**30)\nfor i in range(0, 2**30, 4096): held[i] = 1")
        assert outcome.stopped_in == "hog"
        assert "of memory" in outcome.reason
        assert run(template, "print(6 * 7)").frames["hog"]["output"] == "42\n"


@here
def test_threads_are_counted_and_the_scope_goes_with_its_template():
    with Small(sandbox=True, in_cgroup=True) as template:
        template.wait_until_warm()
        assert cgroup.limits_of(template.process.pid) == (str(512 * 2**20), "60")
        folder = cgroup.folder_of(template.process.pid)
        source = "import threading, time\nfor _ in range(200): threading.Thread(target=time.sleep, args=(9,)).start()"
        assert "can't start new thread" in run(template, source).frames["hog"]["error"]
    deadline = time.monotonic() + 10
    while Path(folder).exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not Path(folder).exists()
