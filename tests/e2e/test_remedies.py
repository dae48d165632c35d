"""A machine without a wall says why in a sentence and what helps: stand-ins first on PATH, and real ones where they can be had."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autograder import doctor
from autograder.errors import NoSandbox
from autograder.sandbox import bwrap, cgroup, levels, nobody, remedies, trial
from tests.e2e.classroom import ROOT

SAYS = {
    "bwrap: setting up uid map: Permission denied": ("AppArmor", "/etc/apparmor.d/bwrap"),
    "bwrap: loopback: Failed RTM_NEWADDR: Operation not permitted": ("AppArmor", "apparmor_parser"),
    "bwrap: Can't mount proc on /newroot/proc: Operation not permitted": ("masked", "systempaths=unconfined"),
    "bwrap: Creating new namespace failed: No space left on device": ("limit of user namespaces is 0", "user.max_user_namespaces"),
    "bwrap: No permissions to creating new namespace, likely because the kernel does not allow non-privileged user namespaces.": (
        "forbids it to make namespaces", "seccomp=unconfined"),
    "bwrap: Creating new namespace failed: Operation not permitted": ("forbids it to make namespaces", "hostUsers"),
    "bwrap: Unknown option --dev-bind": ("too old", "0.4"),
    "inside bubblewrap, a run's own walls: unshare: Operation not permitted": ("each run needs", "bwrap-userns-restrict"),
    "inside bubblewrap, a run's own walls: mount: Operation not permitted": ("own mounts", "seccomp"),
    "bwrap: execvp /root/venv/bin/python: Permission denied": ("ordinary user", "chmod"),
}  # fmt: skip


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """Put a program of a name and text first on PATH, and let nothing be remembered of the real one."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    monkeypatch.setattr(nobody, "unnamed", lambda: None)  # root would start the real one in a root folder of its own
    trial.missing.cache_clear()
    cgroup.missing.cache_clear()

    def put(name, text):
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)

    yield put
    trial.missing.cache_clear()
    cgroup.missing.cache_clear()


@pytest.mark.parametrize("said", SAYS)
def test_each_refusal_has_its_sentence_and_its_remedy(stand_in, said, tmp_path):
    stand_in("bwrap", f'echo "{said}" >&2; exit 1')
    meaning, helps = SAYS[said]
    why_not = trial.missing()
    assert meaning in why_not
    assert helps in why_not
    assert said.split(": ")[-1][:40] in why_not  # the machine's own words are kept
    assert "install bubblewrap (" not in why_not
    finding = next(f for f in doctor.examine(tmp_path) if f.what == "sandbox")
    assert (finding.status, meaning in finding.detail) == ("missing", True)
    sandboxed, level = levels.level()
    assert not sandboxed
    assert helps in str(NoSandbox(level))
    assert levels.level(trusting=True) == (False, "none")


def test_the_sentence_for_no_bubblewrap_at_all(monkeypatch, tmp_path):
    trial.missing.cache_clear()
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "apt-get install bubblewrap" in trial.missing()
    trial.missing.cache_clear()


def test_what_no_row_knows_is_said_as_it_is(stand_in):
    stand_in("bwrap", 'echo "bwrap: something new" >&2; exit 1')
    assert trial.missing() == "bwrap: something new"


def test_no_remedy_is_unreachable():
    for row in [*remedies.TABLE, *remedies.SCOPES]:
        assert row.meaning[0].islower() or row.meaning[0] in "AB"
        assert row.helps


@pytest.mark.skipif(shutil.which("bwrap") is None, reason="no bubblewrap here")
def test_a_profile_that_forbids_namespaces_inside_is_found_by_the_trial(stand_in):
    # bubblewrap 0.8's own way to forbid them, in the place of Ubuntu's profile
    help_text = subprocess.run(["bwrap", "--help"], capture_output=True, text=True).stdout
    if "--disable-userns" not in help_text:
        pytest.skip("this bubblewrap cannot forbid them")
    stand_in("bwrap", f'exec {shutil.which("bwrap")} --disable-userns "$@"')
    assert "each run needs" in trial.missing()


def test_systemd_that_hangs_costs_seconds_and_is_named(stand_in, monkeypatch, tmp_path):
    (tmp_path / "cgroup.controllers").write_text("memory pids")
    monkeypatch.setattr(cgroup, "_ROOT", tmp_path)
    monkeypatch.setattr(cgroup, "_TRIAL_SECONDS", 1)
    monkeypatch.setattr(cgroup, "_session", lambda: True)
    stand_in("systemd-run", "exec sleep 60")
    started = time.monotonic()
    assert "does not answer" in cgroup.missing()
    assert time.monotonic() - started < 5


def test_systemd_without_a_session_is_not_waited_for(stand_in, monkeypatch, tmp_path):
    (tmp_path / "cgroup.controllers").write_text("memory pids")
    monkeypatch.setattr(cgroup, "_ROOT", tmp_path)
    monkeypatch.setattr(cgroup.os, "geteuid", lambda: 1234)
    monkeypatch.setattr(cgroup.os, "getuid", lambda: 1234)
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "nowhere"))
    stand_in("systemd-run", "exec sleep 60")
    started = time.monotonic()
    assert "enable-linger" in cgroup.missing()
    assert time.monotonic() - started < 1


LOOK = "from autograder.sandbox import trial; print(trial.missing())"
MEASURE = """
from pathlib import Path
from autograder.sandbox import levels, trial
from autograder.sandbox.host import Template
print(trial.missing())
print(trial.missing(proc=False), levels.level(), levels.level(wall="bwrap-noproc"))
with Template(sandbox=True, proc=False) as template:
    print([c.attempt for c in levels.measure(template, Path("/nowhere")) if not c.held])
"""


def _inside(prepare: str, code: str, *unshare: str) -> subprocess.CompletedProcess[str]:
    script = f'{prepare} && exec "$0" -c "$1"'
    return subprocess.run(
        ["unshare", *unshare, "sh", "-c", script, sys.executable, code],
        capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}, timeout=300,
    )  # fmt: skip


root_only = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0 or shutil.which("unshare") is None or trial.missing() is not None,
    reason="only root can make such a machine out of this one",
)


@root_only
def test_a_limit_of_no_namespaces_for_real():
    done = _inside("echo 0 > /proc/sys/user/max_user_namespaces", LOOK, "--user", "--map-root-user")
    assert "limit of user namespaces is 0" in done.stdout, done


@root_only
def test_a_container_whose_proc_is_masked_for_real_and_the_weaker_wall_in_it():
    """Nothing is taken silently: the level is `none` until the weaker wall is asked for, and that one holds too."""
    mask = "mount -t tmpfs none /proc/acpi 2>/dev/null || mount -t tmpfs none /proc/fs; mount --bind /dev/null /proc/kcore; true"
    done = _inside(mask, MEASURE, "--mount")
    lines = done.stdout.splitlines()
    assert "masked" in lines[0], done
    assert "--wall bwrap-noproc" in lines[0]
    assert lines[1].startswith("None (False, "), done
    assert lines[1].endswith("(True, 'bwrap-noproc+rlimits')")
    assert lines[2] == "[]", done


def test_root_does_not_stay_root_and_a_path_in_a_closed_home_is_still_found(monkeypatch, tmp_path):
    monkeypatch.setattr(nobody, "unnamed", lambda: 0x70000001)
    monkeypatch.setattr(nobody, "_capable", lambda _: True)
    command = bwrap.command(3, tmp_path)
    assert str(0x70000001) in command[: command.index("--unshare-user")]
    assert command.count("bwrap") == 2
    monkeypatch.setattr(nobody, "unnamed", lambda: None)
    assert bwrap.command(3, tmp_path)[0] == "bwrap"


def test_ids_are_taken_only_where_they_are_mapped(monkeypatch):
    monkeypatch.setattr(nobody.os, "geteuid", lambda: 0)
    monkeypatch.setattr(nobody, "_capable", lambda _: True)
    monkeypatch.setattr(nobody, "_mapped", lambda number, kind: number == nobody.NOBODY)
    assert nobody.unnamed() == nobody.NOBODY
    monkeypatch.setattr(nobody, "_mapped", lambda number, kind: False)
    assert nobody.unnamed() is None


def test_each_template_of_a_process_has_an_id_of_its_own(monkeypatch):
    monkeypatch.setattr(nobody.os, "geteuid", lambda: 0)
    monkeypatch.setattr(nobody, "_capable", lambda _: True)
    monkeypatch.setattr(nobody, "_mapped", lambda number, kind: True)
    assert len({nobody.unnamed() for _ in range(16)}) == 16
    assert Path("/proc/self/uid_map").exists() or sys.platform != "linux"
