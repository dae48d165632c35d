"""A round on a real JupyterHub: an instructor and two students, each an account of a machine, by the commands of docs/jupyterhub.md.

Put in the place of what the page says are the installation from the package indexes (the same packages, laid out as they would lie),
the clone (a copy of this tree) and the hub's ports. People log in through PAM with passwords, as on a hub without further settings.
"""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from autograder.course.chapter import Chapter, grade_id_of, is_solution
from tests.e2e import lab, own_machine
from tests.e2e.classroom import CHAPTER, ROOT, cell_of
from tests.e2e.own_machine import OwnMachine

PROXY = ROOT / ".hub" / "node_modules"  # where `make test-hub` puts it
PEOPLE = ("instructor", "student1", "student2")
QUESTION = "question_derivation"
#: The blocks of the page's section "A round", in their order.
HAND_OUT, TAKE_IN, GIVE_BACK = range(3)


def absent() -> str:
    """Return why no hub can be had here, "" where one can."""
    try:
        import jupyterhub  # noqa: F401
    except ImportError:
        return "jupyterhub is not installed: make test-hub installs it"
    if not (PROXY / "configurable-http-proxy").is_dir() or shutil.which("node") is None:
        return "configurable-http-proxy is not installed: make test-hub installs it where node and npm are"
    if lab.BROWSER is None:
        return "no Chromium"
    return own_machine.missing()


pytestmark = [pytest.mark.slow, pytest.mark.hub, pytest.mark.xdist_group("hub"), pytest.mark.skipif(bool(absent()), reason=absent() or "all there")]


def blocks() -> dict[str, list[tuple[str, str]]]:
    """Return the page's blocks by heading: (path, text) of a file, ("", text) of commands."""
    page = (ROOT / "docs" / "jupyterhub.md").read_text(encoding="utf-8")
    found: dict[str, list[tuple[str, str]]] = {}
    for title, path, text in re.findall(r"^## ([^\n]+)$|(?:^`(/[^`\n]+)`:\n\n)?^```\w+\n(.*?)^```$", page, re.M | re.S):
        if title:
            heading = found.setdefault(title, [])
        else:
            heading.append((path, text))
    return found


class Hub:
    """The machine with a hub on it, set up by the page."""

    def __init__(self, machine: OwnMachine, port: int) -> None:
        self.machine, self.address = machine, f"http://127.0.0.1:{port}"

    def do(self, heading: str, user: str, first: int = 0, last: int | None = None) -> str:
        """Do what a section's blocks say, from the first to before the last: write a file, or run commands."""
        said = ""
        for path, text in blocks()[heading][first:last]:
            if path:
                self.machine.write(path, text, user)
            else:
                said += self.machine.run(text, user)
        return said

    def round(self, number: int) -> str:
        return self.do("A round", "instructor", number, number + 1)


@pytest.fixture(scope="module")
def hub(tmp_path_factory) -> Iterator[Hub]:
    wheels = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, str(ROOT / "tools" / "wheels.py"), str(wheels)], check=True, capture_output=True, timeout=1_500)
    port, inner, api = lab.free_port(), lab.free_port(), lab.free_port()
    with OwnMachine([PROXY.resolve()]) as machine:
        install(machine, wheels)
        made = Hub(machine, port)
        made.do("The software, as root", "root", 1)
        *_, (_, start) = blocks()["Accounts and the exchange, as root"]
        made.do("Accounts and the exchange, as root", "root", 0, -1)
        machine.run("printf '%s\\n' " + " ".join(f"{name}:secret-of-{name}" for name in PEOPLE) + " | chpasswd")
        config = "/etc/jupyterhub/jupyterhub_config.py"
        ours = f"c.JupyterHub.bind_url = '{made.address}'\nc.JupyterHub.hub_port = {inner}\nc.ConfigurableHTTPProxy.api_url = 'http://127.0.0.1:{api}'\nc.Spawner.start_timeout = c.Spawner.http_timeout = 300\n"
        machine.run(f"printf %s \"{ours}\" >> {config}")
        log = (tmp_path_factory.mktemp("hub") / "hub.log").open("wb")
        served = subprocess.Popen(machine.command(start), stdout=log, stderr=subprocess.STDOUT)
        try:
            until_up(made.address, served, Path(log.name))
            bring_course(machine)
            made.do("The course, as the instructor, once", "instructor", 1)
            yield made
        finally:
            served.terminate()
            with suppress(subprocess.TimeoutExpired):
                served.wait(20)
            served.kill()
            served.wait()
            log.close()


def install(machine: OwnMachine, wheels: Path) -> None:
    """The page's installation: the two wheels that hold no answers, and the proxy."""
    machine.path("/srv/wheels").mkdir()
    for wheel in wheels.glob("*.whl"):
        if "answers" not in wheel.name:
            shutil.copy(wheel, machine.path("/srv/wheels"))
    machine.run("pip uninstall -q -y layer-by-layer 2>/dev/null || true; pip install -q --no-deps --no-index /srv/wheels/*.whl")
    machine.run(f"mkdir -p /srv/proxy && ln -s {PROXY.resolve()} /srv/proxy/node_modules")


def bring_course(machine: OwnMachine) -> None:
    """The page's clone: this tree as it is, in the instructor's home."""
    course = machine.path("/home/instructor/course101")
    course.mkdir()
    for name in ("course", "lessonkit", "layer_by_layer", "autograder", "release", "source"):
        shutil.copytree(ROOT / name, course / name, ignore=shutil.ignore_patterns("__pycache__", "*.before-pull"))
    for name in ("course.toml", "nbgrader_config.py", "pyproject.toml"):
        shutil.copy(ROOT / name, course / name)
    machine.run("chown -R instructor:instructor /home/instructor/course101")


def until_up(address: str, served: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + 400
    while True:
        with suppress(OSError):
            urllib.request.urlopen(f"{address}/hub/api", timeout=2)
            return
        assert served.poll() is None, log.read_text()[-3000:]
        assert time.monotonic() < deadline, log.read_text()[-3000:]
        time.sleep(0.3)


class Person:
    """Somebody at a browser, logged in to the hub."""

    def __init__(self, page, hub: Hub, name: str) -> None:
        self.page, self.name, self.base = page, name, f"{hub.address}/user/{name}"

    def call(self, method: str, path: str, body: object = None) -> tuple[int, object]:
        """Ask a server's own interface, as the pages of its extensions do."""
        return tuple(self.page.evaluate(
            """async ([method, url, body]) => {
                const token = (document.cookie.match(/_xsrf=([^;]+)/) || [])[1] || '';
                const options = {method, headers: {'X-XSRFToken': token, 'Content-Type': 'application/json'}};
                if (body !== null) options.body = JSON.stringify(body);
                const answer = await fetch(url, options);
                const text = await answer.text();
                let found = text;
                try { found = JSON.parse(text); } catch (error) { }
                return [answer.status, found];
            }""",
            [method, f"{self.base}/{path}", body],
        ))  # fmt: skip

    def assignments(self) -> list[dict]:
        status, found = self.call("GET", "assignments?course_id=layer_by_layer")
        assert status == 200, found
        assert found["success"], found
        return found["value"]

    def act(self, action: str) -> None:
        status, found = self.call("POST", f"assignments/{action}", {"course_id": "layer_by_layer", "assignment_id": CHAPTER})
        assert status == 200, found
        assert found["success"], found

    def save(self, notebook: dict) -> None:
        status, found = self.call("PUT", f"api/contents/{CHAPTER}/{CHAPTER}.ipynb", {"type": "notebook", "format": "json", "content": notebook})
        assert status in (200, 201), found


@contextmanager
def at_the_hub(hub: Hub, name: str) -> Iterator[Person]:
    """Log in by the hub's form and wait for one's own JupyterLab."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        chromium = play.chromium.launch(executable_path=lab.BROWSER, args=lab.FLAGS)
        page = chromium.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(180_000)
        try:
            page.goto(f"{hub.address}/hub/login")
            page.fill("#username_input", name)
            page.fill("#password_input", f"secret-of-{name}")
            page.click("#login_submit")
            page.wait_for_url(f"**/user/{name}/lab**", timeout=400_000)
            page.wait_for_selector(".jp-DirListing-content", timeout=400_000)
            yield Person(page, hub, name)
        finally:
            chromium.close()


def solved(**answers: str) -> dict:
    """Return the released notebook with the right solutions, and written answers by grade id."""
    source, found = Chapter(ROOT, CHAPTER).source, json.loads((ROOT / "release" / CHAPTER / f"{CHAPTER}.ipynb").read_bytes())
    right = {grade_id_of(cell): cell.source for cell in source.cells if is_solution(cell)}
    for grade_id, text in (right | answers).items():
        found["cells"][cell_of(found, grade_id)]["source"] = text
    return found


def grades(hub: Hub) -> dict[str, float]:
    """Return what the instructor exports: everybody's points with those given by hand."""
    text = hub.machine.run("cd course101; autograder export 01 2>/dev/null", "instructor")
    return {row["student_id"]: float(row["score"]) for row in csv.DictReader(io.StringIO(text))}


def assignment_list(person: Person) -> None:
    person.page.locator(".lm-MenuBar-itemLabel", has_text="Nbgrader").click()
    person.page.locator(".lm-Menu-itemLabel", has_text="Assignment List").click()


def test_a_round(hub, tmp_path):
    """Release, fetch, hand in, collect, grade, give points by hand, grade again, give back, read: each by who does it."""
    hub.round(HAND_OUT)
    with at_the_hub(hub, "student1") as ada:
        assignment_list(ada)
        ada.page.get_by_role("button", name="Fetch", exact=True).click()
        ada.page.get_by_role("button", name="Submit", exact=True).wait_for()
        ada.save(solved(**{QUESTION: "The gradient of $xW$ is $gW^T$."}))
        ada.page.get_by_role("button", name="Submit", exact=True).click()
        ada.page.locator("#submitted_assignments_list, .submitted_assignments, body").get_by_text("UTC").first.wait_for()
        ada.page.screenshot(path=str(tmp_path / "submitted.png"))
        assert [one["status"] for one in ada.assignments()] == ["fetched", "submitted"]
    with at_the_hub(hub, "student2") as bo:
        bo.act("fetch")
        bo.act("submit")
    said = hub.round(TAKE_IN)
    assert "bwrap" in said, "the instructor is an ordinary account, and the wall stands"
    assert grades(hub) == {"student1": 32.0, "student2": 0.0}

    with at_the_hub(hub, "instructor") as person:
        by_hand(person, tmp_path)
    assert grades(hub) == {"student1": 34.5, "student2": 0.0}
    with at_the_hub(hub, "student1") as ada:  # handed in again, as it was: there is a newer attempt, and its secret
        ada.act("submit")
    hub.round(TAKE_IN)
    assert grades(hub) == {"student1": 34.5, "student2": 0.0}, "points given by hand stay"

    hub.round(GIVE_BACK)
    with at_the_hub(hub, "student1") as ada:
        assignment_list(ada)
        ada.page.get_by_role("button", name="Fetch Feedback").first.click()
        ada.page.get_by_text("view feedback").first.wait_for()
        ada.page.screenshot(path=str(tmp_path / "fetched.png"))
        mine = feedback(ada)
        assert "well argued" in mine
        assert "34.5 of 37" in mine
    with at_the_hub(hub, "student2") as bo:
        bo.act("fetch_feedback")
        assert "well argued" not in feedback(bo)


def by_hand(person: Person, folder: Path) -> None:
    """Give 2.5 points and a comment for the written answer, in formgrader in a tab of its own."""
    page = person.page
    page.goto(f"{person.base}/formgrader/gradebook/{CHAPTER}/{CHAPTER}")
    page.locator("tbody a", has_text="Submission #1").click()
    page.locator(f"#{QUESTION}").fill("2.5")
    page.locator(f"#{QUESTION}-comment").fill("well argued")
    page.locator(f"#{QUESTION}").focus()
    page.wait_for_timeout(1_500)
    page.screenshot(path=str(folder / "formgrader.png"))


def feedback(person: Person) -> str:
    """Return the newest page that a student has fetched, as their server shows it."""
    times = person.call("GET", f"api/contents/{CHAPTER}/feedback")[1]["content"]
    newest = max(one["path"] for one in times)
    status, found = person.call("GET", f"api/contents/{newest}/{CHAPTER}.html?type=file&format=text")
    assert status == 200, found
    return found["content"]


def test_who_sees_which_extension(hub):
    with at_the_hub(hub, "student2") as bo:
        assert bo.call("GET", "formgrader")[0] == 404
        bo.page.locator(".lm-MenuBar-itemLabel", has_text="Nbgrader").click()
        # lines between a menu's items have a label too, without text
        assert [text for text in bo.page.locator(".lm-Menu-itemLabel").all_inner_texts() if text] == ["Assignment List"]
    with at_the_hub(hub, "instructor") as person:
        assert person.call("GET", "formgrader")[0] == 200
        person.page.locator(".lm-MenuBar-itemLabel", has_text="Nbgrader").click()
        assert {"Formgrader", "Create assignment"} <= set(person.page.locator(".lm-Menu-itemLabel").all_inner_texts())


def test_what_a_student_cannot_reach(hub):
    for closed in ("/home/instructor/course101", "/home/instructor", "/home/student1", "/srv/nbgrader/exchange/layer_by_layer/inbound"):
        hub.machine.run(f"ls {closed}", "student2", fails=True)
    # what all share holds no answer, and checks a notebook all the same
    found = hub.machine.run("grep -rlE '### BEGIN (SOLUTION|HIDDEN TESTS)' --include=*.ipynb --include=mistakes.py /srv/hub/lib/python3*/site-packages/l* || true", "student2")
    assert found == ""
    hub.machine.run("python -c 'import layer_by_layer, lessonkit; assert lessonkit.__file__.startswith(\"/srv/hub/\")'", "student2")
    with at_the_hub(hub, "student2") as bo:
        theirs = f"{hub.address}/user/student1/api/contents"
        assert bo.page.evaluate("async url => (await fetch(url)).status", theirs) in (403, 404)


def test_a_student_works_with_the_shared_software(hub, tmp_path):
    """The released notebook runs in a student's account: packages, kernel and checks are there."""
    hub.machine.write("/home/student2/work.ipynb", json.dumps(solved()), "student2")
    said = hub.machine.run("jupyter nbconvert --to notebook --execute --allow-errors --stdout work.ipynb 2>/dev/null | grep -c 'pass  '", "student2")
    assert int(said) >= 20
