"""The same calls on Dask with a worker killed in the middle, and the gradebook on PostgreSQL."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from autograder import engine
from autograder.books import gradebook
from autograder.grade import Grading, Options
from autograder.sandbox import trial
from autograder.sandbox.levels import level
from tests.e2e import attacks
from tests.e2e.classroom import ROOT, Classroom, code
from tests.e2e.lab import free_port
from tests.e2e.test_nothing_lost import a_class, everything

#: Minutes in all: in `make test-all`. Dask's and the database driver's warnings are theirs.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]


@contextlib.contextmanager
def cluster(folder):
    """A real scheduler and two workers on loopback."""
    pytest.importorskip("distributed")
    address = f"tcp://127.0.0.1:{free_port()}"
    environment = os.environ | {"PYTHONPATH": str(ROOT), "DASK_DISTRIBUTED__WORKER__DAEMON": "False"}
    log = (folder / "dask.log").open("wb")

    def start(module, *arguments):
        return subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{module}", *arguments], env=environment, cwd=folder, stdout=log, stderr=log
        )

    scheduler = start("dask_scheduler", "--host", address, "--no-dashboard")
    workers = [
        start("dask_worker", address, "--nthreads", "1", "--nworkers", "1", "--no-nanny", "--no-dashboard") for _ in range(2)
    ]
    try:
        yield address, workers
    finally:
        for process in (*workers, scheduler):
            process.kill()
            process.wait()
        log.close()


def test_dask_with_a_worker_killed_gives_the_same_records(tmp_path):
    here, there = Classroom(tmp_path / "here"), Classroom(tmp_path / "there")
    for room in (here, there):
        a_class(room, 6)
    sandboxed, _ = level()
    list(Grading(here.root, here.name, Options(jobs=1, trusting=not sandboxed)).run())
    with cluster(tmp_path) as (address, workers):
        options = Options(jobs=2, trusting=not sandboxed, dask=True, scheduler=address)
        results = []
        for result in Grading(there.root, there.name, options).run():
            if not results:
                workers[0].send_signal(signal.SIGKILL)
            results.append(result)
    assert sorted(r.student for r in results) == [f"s{i:04d}" for i in range(6)]
    assert {r.status for r in results} == {"graded"}
    assert everything(here) == everything(there)


def test_a_hostile_submission_on_one_dask_worker_leaves_the_others_as_they_are(tmp_path):
    here, there = Classroom(tmp_path / "here"), Classroom(tmp_path / "there")
    sandboxed, _ = level()
    for room in (here, there):
        a_class(room, 6)
    list(Grading(here.root, here.name, Options(jobs=1, trusting=not sandboxed)).run())
    for n, source in enumerate(("import os\nos.chmod('/dev', 0)", "import os\nos.kill(-1, 9)", attacks.SLOW["memory_hog"]["before"])):
        notebook = there.notebook(there.right | {"relu": attacks.WRONG})
        notebook["cells"].insert(0, code(source))
        there.submit(f"a{n}", notebook)
    with cluster(tmp_path) as (address, _):
        options = Options(jobs=2, trusting=not sandboxed, dask=True, scheduler=address)
        results = {result.student: result for result in Grading(there.root, there.name, options).run()}
    assert {r.status for r in results.values()} == {"graded"}
    assert {results[f"a{n}"].exercises["relu"].score for n in range(3)} == {0.0}
    scores, records = everything(there)
    assert ({s: v for s, v in scores.items() if s[0] != "a"}, {s: v for s, v in records.items() if s[0] != "a"}) == everything(here)


def _postgres() -> Path | None:
    for found in (shutil.which("initdb"), *sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)):
        if found and (Path(found).parent / "pg_ctl").exists() and (Path(found).parent / "postgres").exists():
            return Path(found).parent
    return None


@contextlib.contextmanager
def postgres(folder):
    """A real server on loopback, its data in `folder`, run by an ordinary user where we are root."""
    tools, port, data = _postgres(), free_port(), folder / "pg"
    data.mkdir()
    who = {}
    if os.getuid() == 0:
        import pwd

        user = next((n for n in ("postgres", "nobody") if n in {p.pw_name for p in pwd.getpwall()}), "nobody")
        entry = pwd.getpwnam(user)
        os.chown(data, entry.pw_uid, entry.pw_gid)
        for parent in data.parents:
            if parent == Path("/"):
                break
            with contextlib.suppress(PermissionError):
                parent.chmod(parent.stat().st_mode | 0o011)
        who = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    environment = os.environ | {"LC_ALL": "C.UTF-8", "HOME": str(data)}
    cluster = data / "cluster"
    subprocess.run(
        [tools / "initdb", "-D", cluster, "-U", "grader", "-A", "trust"], check=True, capture_output=True, cwd="/", env=environment, **who
    )
    server = subprocess.Popen(
        [tools / "postgres", "-D", cluster, "-p", str(port), "-h", "127.0.0.1", "-k", data],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", env=environment, **who,
    )  # fmt: skip
    try:
        _wait_for(port)
        yield f"postgresql+psycopg://grader@127.0.0.1:{port}/postgres"
    finally:
        server.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(20)
        server.kill()
        server.wait()


def _wait_for(port):
    import psycopg

    deadline = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(host="127.0.0.1", port=port, user="grader", dbname="postgres", connect_timeout=2).close()
            return
        except psycopg.OperationalError:
            assert time.monotonic() < deadline, "PostgreSQL did not start"
            time.sleep(0.2)


@pytest.mark.skipif(_postgres() is None, reason="no PostgreSQL server on this machine (Debian: postgresql)")
def test_the_gradebook_on_postgresql(tmp_path, cli):
    pytest.importorskip("psycopg")
    room = Classroom(tmp_path / "room")
    a_class(room, 3)
    with postgres(tmp_path) as url:
        config = (ROOT / "nbgrader_config.py").read_text() + f'c.CourseDirectory.db_url = "{url}"\n'
        (room.root / "nbgrader_config.py").write_text(config)
        trusting = [] if trial.missing() is None else ["--i-trust-these-students"]
        done = cli("grade", "01", "--jobs", "1", "--root", room.root, *trusting)
        assert done.exit_code == 0, done.output
        with gradebook.open_gradebook(room.root) as books:
            assert "postgresql" in str(books.engine.url)
            assert sum(v or 0 for v in gradebook.scores(books, room.chapter, "s0000").values()) == 32
        assert "s0000" in cli("export", "--root", room.root).output
        assert not (room.root / "gradebook.db").exists()


def test_jobs_say_how_many_run_at_once(tmp_path, monkeypatch):
    room = Classroom(tmp_path / "room")
    a_class(room, 4)
    sandboxed, _ = level()
    asked, real = [], engine.ProcessPoolExecutor
    monkeypatch.setattr(engine, "ProcessPoolExecutor", lambda jobs, **named: (asked.append(jobs), real(jobs, **named))[1])
    before = threading.active_count()
    workers = []
    for result in Grading(room.root, room.name, Options(jobs=2, trusting=not sandboxed)).run():
        workers.append(len(multiprocessing.active_children()))
        assert result.status == "graded"
    assert asked == [2]
    assert len(workers) == 4
    assert max(workers) == 2
    assert multiprocessing.active_children() == []
    assert threading.active_count() <= before
