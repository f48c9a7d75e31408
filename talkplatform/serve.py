"""The production server: `python -m talkplatform.serve`. script/server makes all ready for it."""

import errno
import gc
import logging
import multiprocessing
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.urls import get_resolver
from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server import MPServer

from talkplatform import front
from talkplatform.children import Child
from talkplatform.environment import ROOT, env
from talkplatform.headers import policy_of

PATIENCE_SECONDS = 5
HEAD_SECONDS = 10
# Longer than a request may wait for a lock. A worker that does not stop is killed: losing its
# requests is safe, and their senders try again.
STOP_SECONDS = 7
# What a public server should know: without it, a slow sender or reader holds a process.
ALONE = """\
HAProxy 2.6 or newer is not here: a slow sender or reader will hold one of our processes.
On Debian and Ubuntu: sudo apt-get install haproxy"""


def main() -> None:
    """Serve on HOST and PORT until Ctrl-C; `--reload`: by Django's server, for developers."""
    try:
        haproxy = front.find(env.str("HAPROXY", default="haproxy"))
        trusted = env.int("TRUSTED_PROXIES", default=0)
        if haproxy:
            # It tells the processes who asks: the address that it saw, or that those before it did.
            os.environ["TRUSTED_PROXIES"] = "1"
        from talkplatform import settings
    except ImproperlyConfigured as error:
        sys.exit(f"The settings cannot be read: {error}")
    if "--reload" in sys.argv[1:]:
        develop(settings)
    address = wait_for_port(settings.HOST, settings.PORT)
    load()
    print(
        f"Serving {settings.ORIGIN}/ - the API and its documentation: {settings.ORIGIN}/api/docs",
        flush=True,
    )
    with beside(jobs_of(settings)) as jobs:
        if haproxy:
            serve_behind(haproxy, address, trusted, settings, jobs)
        else:
            if settings.HAPROXY:
                print(ALONE, flush=True)
            serve(settings, jobs, address=address, port=settings.PORT)


def jobs_of(settings: ModuleType, *words: str) -> Child | None:
    """What runs the jobs beside the server, in a process of its own; none where JOBS is off."""
    if not settings.JOBS:
        return None
    command = [sys.executable, str(ROOT / "manage.py"), "run_jobs", f"--parent={os.getpid()}"]
    return Child("The process of the jobs", [*command, *words], os.environ)


@contextmanager
def beside(child: Child | None) -> Iterator[Child | None]:
    """Have it run meanwhile."""
    if child:
        child.start()
    try:
        yield child
    finally:
        if child:
            child.stop(within=STOP_SECONDS)


def develop(settings: ModuleType) -> NoReturn:
    """Django's own server, which starts again when the code changes, and the jobs likewise."""
    os.environ |= {"DEBUG": "true", "HTTPS": "false"}
    place = settings.ORIGIN.removeprefix("http://")
    with beside(jobs_of(settings, "--reload")):
        server = subprocess.Popen([sys.executable, str(ROOT / "manage.py"), "runserver", place])
        # Ctrl-C at the terminal reaches it without us.
        signal.signal(signal.SIGINT, lambda *_: None)
        signal.signal(signal.SIGTERM, lambda *_: server.terminate())
        sys.exit(server.wait())


def serve_behind(
    haproxy: str, address: str, trusted: int, settings: ModuleType, jobs: Child | None
) -> None:
    """Serve at a socket that HAProxy alone can reach, with HAProxy at the address."""
    place = Path(tempfile.mkdtemp(prefix="talkplatform-serve-"))
    before = front_of(haproxy, place, address, trusted, settings)
    before.start()
    try:
        from talkplatform import faces

        faces.write(place)
        serve(
            settings,
            jobs,
            place=place,
            uds=place / front.SOCKET,
            uds_permissions=0o600,
            # A process takes only what it can work on at once: the rest is for those that are free.
            backpressure=settings.WEB_THREADS,
            http1_settings=HTTP1Settings(keep_alive=False),
        )
    finally:
        before.stop()
        shutil.rmtree(place, ignore_errors=True)
    if before.failed:
        sys.exit(1)


def front_of(
    haproxy: str, place: Path, address: str, trusted: int, settings: ModuleType
) -> front.Front:
    """HAProxy with the limits of the settings, its files in this place."""
    return front.Front(
        haproxy,
        place,
        settings.WEB_PROCESSES * settings.WEB_THREADS,
        ADDRESS=f"[{address}]:{settings.PORT}" if ":" in address else f"{address}:{settings.PORT}",
        TRUSTED_PROXIES=trusted,
        HEAD_SECONDS=HEAD_SECONDS,
        BODY_SECONDS=settings.BODY_SECONDS,
        LARGEST_BODY=settings.DATA_UPLOAD_MAX_MEMORY_SIZE,
        QUEUE_SECONDS=settings.QUEUE_SECONDS,
        QUEUE_LENGTH=settings.QUEUE_LENGTH,
        QUEUE_SHORT=settings.QUEUE_LENGTH // 5,
        POLICY=policy_of(settings.SECURE_CSP),
    )


class Server(MPServer):
    """Has the jobs end at the time when its own processes do, which it then waits for."""

    jobs: Child | None = None

    def shutdown(self, *args: Any) -> None:
        """End all."""
        if self.jobs:
            self.jobs.tell()
        super().shutdown(*args)


def serve(
    settings: ModuleType, jobs: Child | None, *, place: Path | None = None, **where: Any
) -> None:
    """Keep the processes running at this address or socket until Ctrl-C or SIGTERM."""
    server = Server(
        "talkplatform.wsgi",
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=settings.WEB_PROCESSES,
        blocking_threads=settings.WEB_THREADS,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_SECONDS,
        **where,
    )
    server.jobs = jobs
    logging.getLogger("_granian").addFilter(is_news)
    server.serve(target_loader=partial(begin_to_work, place))


def is_news(record: logging.LogRecord) -> bool:
    """Whether to print it: more processes than cores are on purpose (docs/performance.md)."""
    return not record.getMessage().startswith("Configured number of workers appears to be higher")


def wait_for_port(host: str, port: int) -> str:
    """The address to listen on, once nobody else does; ends the program if somebody goes on to.

    The server itself would not notice: it lets the kernel share one port out between strangers.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            family, *_, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
            socket.create_server(place, family=family).close()
            return str(place[0])
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                sys.exit(f"Cannot listen at {host!r}, port {port}: {error.strerror}.")
        time.sleep(0.2)


def begin_to_work(place: Path | None, _target: str) -> Callable[..., Any]:
    """In each worker: the application, after seeing to it that the worker ends with the server.

    Workers leave the terminal's group: two signals at once, Ctrl-C's own and the server's, hang
    them. While they load, SIGTERM ends them at once: the handler they came with is the server's.
    """
    os.setpgrp()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=end_with_server, args=(place,), daemon=True).start()
    load()
    from talkplatform.wsgi import application

    return application


def load() -> None:
    """Load the application with all its code, if it is not here: workers share their server's."""
    from talkplatform import wsgi  # noqa: F401

    get_resolver().url_patterns  # noqa: B018
    # A connection serves one process.
    connections.close_all()
    # All that stays for good: looking through it for garbage would hold requests up, and copy it.
    gc.collect()
    gc.freeze()


def end_with_server(place: Path | None) -> None:
    """End this process when the server that started it is gone; requests may finish meanwhile."""
    server = multiprocessing.parent_process()
    while server and os.getppid() == server.pid:
        time.sleep(0.2)
    if place:
        shutil.rmtree(place, ignore_errors=True)
    # The kernel's clock ends even a process whose interpreter is stuck.
    signal.alarm(PATIENCE_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
