"""Kill it anywhere and run it again: the result equals the undisturbed run's. Parallel, serial, warm, cold: the same."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from autograder import engine
from autograder.books import gradebook, store
from autograder.course import solutions
from autograder.errors import BadNotebook
from autograder.grade import Grading, Options
from autograder.sandbox import trial
from autograder.sandbox.levels import level
from tests.e2e import attacks
from tests.e2e.classroom import ROOT, Classroom, cell_of, code

SANDBOXED, _ = level()

#: Minutes in all: in `make test-all`.
pytestmark = pytest.mark.slow


#: Attacks of every kind whose own score does not hang on luck; those that wait are left to `test_attacks`.
HOSTILE = [
    *({"solution": attacks.WRONG} | attack for name, attack in attacks.FORGED.items() if name not in attacks.RACES),
    *({"solution": attacks.WRONG, "before": source} for source in attacks.OUTLIVE.values()),
    *({"solution": attacks.WRONG, "before": source} for source in attacks.HARMLESS.values()),
    {"solution": attacks.WRONG, "before": attacks.SLOW["memory_hog"]["before"]},
    {"solution": attacks.WRONG, "before": attacks.SLOW["fork_bomb"]["before"]},
    {"solution": attacks.WRONG, "before": attacks.SLOW["disk_hog"]["before"]},
]


def a_class(room, size, hostile=0):
    """Hand in `size` notebooks: right, untouched, one of the known mistakes in turn; the hostile spread among them."""
    known = solutions.read(ROOT / "course" / room.name / "mistakes.py")
    every = size / hostile if hostile else 0
    evil = {int(n * every): n for n in range(hostile)}
    for i in range(size):
        student = f"s{i:04d}"
        if i in evil:
            attack = HOSTILE[evil[i] * 7 % len(HOSTILE)]
            notebook = room.notebook(room.right | {"relu": attack["solution"]})
            if "before" in attack:
                notebook["cells"].insert(cell_of(notebook, "relu__forward"), code(attack["before"]))
            if "first" in attack:
                notebook["cells"].insert(0, code(attack["first"]))
            room.submit(student, notebook)
        elif i % 3 == 0:
            room.submit(student)
        elif i % 3 == 1:
            room.submit(student, room.notebook())
        else:
            m = known[i % len(known)]
            room.submit(student, **{m.exercise: m.code})
    return {f"s{i:04d}" for i in evil}


def everything(room):
    """Return what is in the gradebook and in the records: what has to be equal."""
    with gradebook.open_gradebook(room.root) as books:
        scores = {s.id: gradebook.scores(books, room.chapter, s.id) for s in books.students}
    kept = store.Store(room.root)
    return scores, {s: store.to_record(kept.latest(room.name, s)) for s in scores}


def command(room, *more):
    arguments = [sys.executable, "-m", "autograder", "grade", room.name, "--root", str(room.root), *more]
    return arguments + ([] if SANDBOXED else ["--i-trust-these-students"])


def test_parallel_serial_and_cold_give_identical_records(tmp_path, grade):
    found = []
    for how in ({"jobs": 1}, {"jobs": 2}, {"jobs": 1, "warm": False}):
        room = Classroom(tmp_path / str(len(found)))
        a_class(room, 4)
        grade(room, **how)
        found.append(everything(room))
    assert found[0] == found[1] == found[2]
    assert len(found[0][0]) == 4


def test_a_fresh_process_without_fork_records_the_same(classroom):
    from autograder.rebuild.cells import reference_cells
    from autograder.sandbox.cold import ColdRunner
    from autograder.sandbox.host import Template

    cells = reference_cells(classroom.chapter.source)
    with Template(sandbox=False) as template:
        runs = [r.run(cells, seed=3, forbidden={}, seconds=lambda _: 60.0) for r in (template, ColdRunner())]
    first, second = ({i: frame["tests"] for i, frame in run.frames.items() if "tests" in frame} for run in runs)
    assert first == second
    assert len(first) > 15


def _chaos(tmp_path, size, hostile, kills, seed):
    calm, wild = Classroom(tmp_path / "calm"), Classroom(tmp_path / "wild")
    for room in (calm, wild):
        evil = a_class(room, size, hostile)
    subprocess.run(command(calm), check=True, capture_output=True)
    dice = random.Random(seed)
    for _ in range(kills):
        run = subprocess.Popen(
            command(wild), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        time.sleep(dice.uniform(1.0, 12.0))
        victims = _family(run.pid)
        victim = dice.choice([run.pid, *victims])
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)
        time.sleep(0.3)
        if victim != run.pid:
            continue_until = time.monotonic() + 5
            while run.poll() is None and time.monotonic() < continue_until:
                time.sleep(0.1)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    subprocess.run(command(wild), check=True, capture_output=True)
    return everything(calm), everything(wild), evil


def _family(pid):
    found = subprocess.run(["ps", "-eo", "pid,ppid"], capture_output=True, text=True).stdout.split("\n")[1:]
    pairs = [tuple(map(int, line.split())) for line in found if line.strip()]
    family, queue = [], [pid]
    while queue:
        parent = queue.pop()
        children = [p for p, q in pairs if q == parent]
        family += children
        queue += children
    return family


def honest(found, evil):
    scores, records = found
    return {n: v for n, v in scores.items() if n not in evil}, {n: v for n, v in records.items() if n not in evil}


def test_a_run_killed_twice_ends_as_one_that_was_not(tmp_path):
    calm, wild, evil = _chaos(tmp_path, 8, 2, 2, seed=1)
    assert honest(calm, evil) == honest(wild, evil)
    assert len(calm[0]) == 8
    assert len(honest(calm, evil)[0]) == 6


@pytest.mark.slow
def test_two_hundred_submissions_sixty_hostile_killed_five_times(tmp_path):
    seed = int(os.environ.get("CHAOS_SEED", "20"))
    calm, wild, evil = _chaos(tmp_path, 200, 60, 5, seed=seed)
    assert len(evil) == 60
    assert len(honest(calm, evil)[0]) == 140
    assert honest(calm, evil) == honest(wild, evil)
    # and they are what a class of the honest alone gets
    alone = Classroom(tmp_path / "alone")
    a_class(alone, 200, 60)
    subprocess.run(command(alone, *(word for name in sorted(set(calm[0]) - evil) for word in ("--student", name))), check=True, capture_output=True)
    assert honest(everything(alone), evil) == honest(calm, evil)
    hostile = {name: sum(v or 0 for v in calm[0][name].values()) for name in evil}
    assert max(hostile.values()) <= 29 + 0.01, hostile  # never the exercise that they attack


def test_a_worker_killed_in_the_middle_costs_nobody_anything(tmp_path):
    room = Classroom(tmp_path / "room")
    a_class(room, 6)
    grading = Grading(room.root, room.name, Options(jobs=2, trusting=not SANDBOXED))
    results = []
    for number, result in enumerate(grading.run()):
        if number == 0:
            for pid in _family(os.getpid()):
                try:
                    words = Path(f"/proc/{pid}/cmdline").read_bytes()
                except OSError:
                    continue
                if b"spawn_main" in words:
                    os.kill(pid, signal.SIGKILL)
                    break
        results.append(result)
    assert sorted(r.student for r in results) == [f"s{i:04d}" for i in range(6)]
    assert {r.status for r in results} == {"graded"}


def test_a_gradebook_locked_by_somebody_else_is_waited_for(classroom, grade):
    classroom.submit("ada")
    classroom.submit("bob")
    grade(classroom, students=["bob"])
    held = sqlite3.connect(classroom.root / "gradebook.db", timeout=0, isolation_level=None)
    held.execute("begin exclusive")
    run = subprocess.Popen(
        command(classroom, "--student", "ada", "--json"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(8)
    held.execute("rollback")
    held.close()
    out, err = run.communicate(timeout=120)
    assert run.returncode == 0, err
    assert '"score": 32.0' in out


def test_a_broken_machine_is_not_a_students_zero(classroom, grade, monkeypatch):
    classroom.submit("ada")
    assert grade(classroom)["ada"].score == 32
    from autograder.sandbox.host import SandboxBroke, Template

    def broken(*_, **__):
        raise SandboxBroke("the template died: out of memory")

    monkeypatch.setattr(Template, "run", broken)
    result = grade(classroom, force=True)["ada"]
    assert result.status == "error"
    assert "needs attention" in result.reason
    with gradebook.open_gradebook(classroom.root) as books:
        assert sum(v or 0 for v in gradebook.scores(books, classroom.chapter, "ada").values()) == 32


def test_grading_again_runs_nothing(classroom, grade, monkeypatch):
    classroom.submit("ada")
    first = grade(classroom)["ada"]
    monkeypatch.setattr(engine, "call", None)
    second = grade(classroom)["ada"]
    assert store.to_record(first) == store.to_record(second)


def test_workers_warm_up_before_the_gradebook_is_opened_and_only_where_something_runs(classroom, grade, monkeypatch):
    order = []
    prime, opened = engine.prime, gradebook.open_gradebook
    monkeypatch.setattr(engine, "prime", lambda setup: (order.append("prime"), prime(setup)))
    monkeypatch.setattr(gradebook, "open_gradebook", lambda root: (order.append("gradebook"), opened(root))[1])
    classroom.submit("ada")
    grade(classroom)
    assert order[:2] == ["prime", "gradebook"]
    order.clear()
    grade(classroom)
    assert "prime" not in order
    assert "gradebook" in order


def test_what_is_wrong_with_the_machine_is_said_by_the_first_call_not_by_the_warming_up(classroom):
    lost = engine.Setup(str(classroom.root / "nowhere"), classroom.name, False, "none")
    assert engine.prime(lost) is None
    with pytest.raises(BadNotebook, match="is missing"):
        engine.call(lost, engine.Job("ada", b"{}"))


@pytest.mark.skipif(trial.missing() is not None, reason="there is no sandbox to be tested")
def test_the_sandbox_holds_for_an_ordinary_user_too():
    """A process of another user and without any capability, as everybody's but root's is."""
    measure = (
        "import os, sys\nfrom pathlib import Path\nfrom autograder.sandbox import levels as isolation\nfrom autograder.sandbox.host import Template\n"
        "assert os.getuid() == int(sys.argv[1])\nassert 'CapEff:\\t0000000000000000' in open('/proc/self/status').read()\n"
        "with Template(sandbox=True) as t:\n"
        "    print([c.attempt for c in isolation.measure(t, Path('/tmp')) if not c.held])\n"
    )
    # a user id that a namespace maps to root outside would be root all the same: it has to be another one for real,
    # who may not look into root's home, where an interpreter may lie
    number, somebody = os.geteuid(), []
    if number == 0:
        number, home = 65534, Path.home()
        inside = [path for path in (Path(sys.base_prefix), Path(sys.prefix), ROOT) if path.is_relative_to(home)]
        somebody = ["bwrap", "--dev-bind", "/", "/", "--perms", "0755", "--tmpfs", str(home)]
        for path in inside:
            for parent in reversed([one for one in path.parents if one != home and one.is_relative_to(home)]):
                somebody += ["--perms", "0755", "--dir", str(parent)]
            somebody += ["--ro-bind", str(path), str(path)]
        somebody += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID", "--"]
        somebody += ["setpriv", f"--reuid={number}", f"--regid={number}", "--clear-groups", "--inh-caps=-all", "--"]
    done = subprocess.run(
        [*somebody, sys.executable, "-c", measure, str(number)], capture_output=True, text=True, cwd="/",
        env=os.environ | {"PYTHONPATH": str(ROOT), "HOME": "/tmp"},
    )  # fmt: skip
    assert done.stdout.strip() == "[]", done.stderr[-2000:]
