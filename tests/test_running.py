"""What runs the project must leave nothing behind, even when it is killed."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from urllib.request import urlopen

import pytest
from django.conf import settings

from tests.cloning import clone_to
from tests.scratch import TOLD

SERVE = [sys.executable, "-m", "talkplatform.serve"]
# Seconds until something that does not happen is given up: more than a busy machine needs.
PATIENCE = 60

pytestmark = pytest.mark.once


@contextmanager
def start(
    command: list[str], *, cwd: Path = settings.BASE_DIR, **environment: str
) -> Iterator[subprocess.Popen[str]]:
    """The running command, in a session of its own; killed in the end."""
    with subprocess.Popen(
        command,
        cwd=cwd,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def within(seconds: float, happens: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + seconds
    while not happens():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def workers(server: subprocess.Popen[str]) -> list[int]:
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children")
    return [int(pid) for pid in children.read_text().split()]


def children(server: subprocess.Popen[str], word: str) -> list[Path]:
    """Where the kernel tells of those that were begun with this word, while they run."""
    tasks = Path(f"/proc/{server.pid}/task").glob("*/children")
    begun = [Path("/proc", pid) for task in tasks for pid in task.read_text().split()]
    return [child for child in begun if child.exists() and word in (child / "cmdline").read_text()]


def haproxy_of(server: subprocess.Popen[str]) -> Path:
    (found,) = children(server, "haproxy.cfg")
    return found


def jobs_of(server: subprocess.Popen[str]) -> Path:
    assert within(PATIENCE, lambda: len(children(server, "run_jobs")) == 1)
    return children(server, "run_jobs")[0]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as chosen:
        return int(chosen.getsockname()[1])


def is_answered(port: int, path: str = "healthz") -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/{path}", timeout=2) as response:
            return bool(response.status == 200)
    except OSError:
        return False


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def answers(port) -> Callable[..., bool]:
    return partial(is_answered, port)


@pytest.fixture
def database(tmp_path) -> str:
    """One that nobody has migrated: nothing here is about what is in it."""
    return f"sqlite:///{tmp_path}/db.sqlite3"


@contextmanager
def serving(port: int) -> Iterator[subprocess.Popen[str]]:
    # Where it keeps its socket: a short name, as the kernel demands.
    with tempfile.TemporaryDirectory(prefix="running-") as name:
        place = Path(name)
        places = {"PORT": str(port), "TMPDIR": name, "DATABASE_URL": f"sqlite:///{name}/db.sqlite3"}
        with start(SERVE, WEB_PROCESSES="2", **places) as process:
            assert within(PATIENCE, lambda: is_answered(port))
            yield process
        assert within(PATIENCE, lambda: not any(place.glob("talkplatform-serve-*")))


@pytest.fixture
def server(port) -> Iterator[subprocess.Popen[str]]:
    """One that the test ends."""
    with serving(port) as process:
        yield process


@pytest.fixture(scope="module")
def shared_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def shared(shared_port) -> Iterator[subprocess.Popen[str]]:
    """One that stands through the tests that leave it as it was."""
    with serving(shared_port) as process:
        yield process


def test_a_killed_server_takes_its_processes_along(server, answers):
    haproxy, jobs = haproxy_of(server), jobs_of(server)
    server.kill()
    assert within(PATIENCE, lambda: not answers() and not haproxy.exists() and not jobs.exists())


def test_ctrl_c_at_the_terminal_ends_the_server_soon(server, answers):
    haproxy, jobs = haproxy_of(server), jobs_of(server)
    os.killpg(server.pid, signal.SIGINT)
    assert server.wait(timeout=PATIENCE) == 0
    assert not answers()
    assert not haproxy.exists()
    assert not jobs.exists()


def test_jobs_that_die_are_back_in_five_seconds(shared):
    jobs = jobs_of(shared)
    os.kill(int(jobs.name), signal.SIGKILL)
    assert within(5, lambda: children(shared, "run_jobs") not in ([], [jobs]))


def test_what_hangs_ends_with_the_others_in_time(server, answers):
    jobs = jobs_of(server)
    hanging = [jobs, Path("/proc", str(workers(server)[0]))]
    for one in hanging:
        os.kill(int(one.name), signal.SIGSTOP)
        assert within(PATIENCE, lambda one=one: "T (stopped)" in (one / "status").read_text())
    started = time.monotonic()
    server.terminate()
    assert server.wait(timeout=PATIENCE) == 0
    # Eight, on a machine that is not busy; one wait after the other would be fourteen.
    assert time.monotonic() - started < 11
    assert not jobs.exists()
    assert not answers()


def test_jobs_that_run_apart_are_not_begun(port, answers, database):
    off = {"JOBS": "false", "WEB_PROCESSES": "1", "HAPROXY": "", "DATABASE_URL": database}
    with start(SERVE, PORT=str(port), **off) as server:
        assert within(PATIENCE, answers)
        assert children(server, "run_jobs") == []
        server.terminate()
        assert server.wait(timeout=PATIENCE) == 0


def test_developers_have_the_jobs_with_the_code_as_it_is(port, answers, database):
    with start([*SERVE, "--reload"], PORT=str(port), DATABASE_URL=database) as server:
        assert within(PATIENCE, answers)
        jobs = jobs_of(server)

        def begun_again() -> bool:
            # Once more each time: it has to have seen the file before.
            Path(settings.BASE_DIR, "talkplatform/runner.py").touch()
            return children(server, "run_jobs") not in ([], [jobs])

        assert within(PATIENCE, begun_again)
        jobs = jobs_of(server)
        server.terminate()
        server.wait(timeout=PATIENCE)
        assert not answers()
        assert not jobs.exists()


def test_haproxy_that_dies_is_started_again(shared, shared_port):
    haproxy = haproxy_of(shared)
    os.kill(int(haproxy.name), signal.SIGKILL)
    assert within(PATIENCE, lambda: not haproxy.exists())
    assert within(PATIENCE, lambda: is_answered(shared_port))


def test_haproxy_that_cannot_start_ends_the_server(port, answers, tmp_path):
    broken = tmp_path / "haproxy"
    broken.write_text("#!/bin/sh\n[ $1 = -v ] && echo version 2.6.1\n")
    broken.chmod(0o700)
    with start(SERVE, PORT=str(port), HAPROXY=str(broken), WEB_PROCESSES="1", JOBS="no") as server:
        assert "HAProxy did not start" in server.communicate(timeout=PATIENCE)[0]
    assert server.returncode == 1


@pytest.mark.parametrize("version", ["2.4.22", None])
def test_without_haproxy_the_processes_serve_alone_and_it_is_said(port, answers, tmp_path, version):
    old = tmp_path / "haproxy"
    if version:
        old.write_text(f"#!/bin/sh\necho version {version}\n")
        old.chmod(0o700)
    with start(SERVE, PORT=str(port), HAPROXY=str(old), WEB_PROCESSES="1", JOBS="no") as server:
        assert within(PATIENCE, answers)
        server.terminate()
        assert "apt-get install haproxy" in server.communicate(timeout=PATIENCE)[0]


def test_ctrl_c_at_the_terminal_reaches_no_worker(shared):
    assert workers(shared)
    assert within(PATIENCE, lambda: shared.pid not in map(os.getpgid, workers(shared)))


def test_workers_share_the_memory_of_the_code(shared):
    for worker in workers(shared):
        memory = Path(f"/proc/{worker}/smaps_rollup").read_text()
        kilobytes = {
            name: int(size) for name, size in re.findall(r"^(\w+): +(\d+)", memory, re.MULTILINE)
        }
        assert kilobytes["Private_Dirty"] < kilobytes["Rss"] / 2


def test_a_port_that_is_taken_is_not_shared(shared, shared_port):
    with start(SERVE, PORT=str(shared_port)) as second:
        assert "Address already in use" in second.communicate(timeout=PATIENCE)[0]
    assert second.returncode == 1


@pytest.mark.parametrize("wrong", [{"PORT": "99999"}, {"PORT": "abc"}, {"HOST": "nowhere.invalid"}])
def test_a_place_where_nobody_can_listen_is_one_clear_line(port, wrong):
    with start(SERVE, **{"PORT": str(port)} | wrong) as server:
        said = server.communicate(timeout=PATIENCE)[0]
    assert server.returncode == 1
    assert said.count("\n") == 1
    assert next(iter(wrong.values())) in said


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    return clone_to(tmp_path)


@pytest.mark.mariadb
def test_a_fresh_clone_serves_from_mariadb(clone, port, answers):
    command = ["env", "-u", "ENV_FILE", "-u", "SECRET_KEY", "script/with-mariadb", "script/server"]
    # A public site, so no demo world; and static files as they are, which takes no time.
    fresh = {"PORT": str(port), "HTTPS": "true", "DEBUG": "true", "MEDIA_ROOT": str(clone)}
    with start(command, cwd=clone, **fresh) as process:
        try:
            assert within(120, lambda: answers("readyz")), process.communicate()[0]
        finally:
            os.killpg(process.pid, signal.SIGTERM)


@pytest.mark.mariadb
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_a_private_database_goes_with_its_command(end):
    with tempfile.TemporaryDirectory() as place:
        command = ["script/with-mariadb", "bash", "-c", "echo $MARIADB_PID; exec sleep 60"]
        with start(command, TMPDIR=place) as process:
            assert process.stdout is not None
            server = Path("/proc", process.stdout.readline().strip(), "cmdline")
            assert place in server.read_text()
            try:
                process.send_signal(end)
                assert within(PATIENCE, lambda: not any(Path(place).iterdir()))
                assert not server.exists() or place not in server.read_text()
            finally:
                os.killpg(process.pid, signal.SIGKILL)


SUITE = """
import os, signal, subprocess, sys, pytest
import tests.settings as told
child = "import tests.settings as told; print(told.MEDIA_ROOT)"
command = [sys.executable, "-c", child]
print(told.MEDIA_ROOT, subprocess.check_output(command, text=True).strip(), flush=True)
os.kill(os.getpid(), getattr(signal, sys.argv[1]))
"""


def run_of_the_suite(place: Path, end: str) -> Path:
    """Where a run that came to this end kept its files, and what it started."""
    environment = {k: v for k, v in os.environ.items() if k not in (TOLD, "PYTEST_XDIST_WORKER")}
    ended = subprocess.run(
        [sys.executable, "-c", SUITE, end],
        cwd=settings.BASE_DIR,
        env=environment | {"TMPDIR": str(place)},
        capture_output=True,
        text=True,
        check=False,
    )
    own, childs = ended.stdout.split()
    assert own == childs
    return Path(own).parent.parent


def test_a_run_that_was_killed_is_cleared_away_by_the_next(tmp_path):
    """But not one that still runs."""
    running = tmp_path / f"talkplatform-tests-{os.getpid()}-runs"
    running.mkdir()
    killed = run_of_the_suite(tmp_path, "SIGKILL")
    assert killed.is_dir()
    assert not run_of_the_suite(tmp_path, "SIGCHLD").exists()
    assert [*tmp_path.iterdir()] == [running]
