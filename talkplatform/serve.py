"""The production server: `python -m talkplatform.serve`. script/server makes all ready for it."""

import errno
import gc
import logging
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from granian import Granian
from granian.constants import HTTPModes, Interfaces

PATIENCE_SECONDS = 5
# Longer than a request may wait for a lock. A worker that does not stop is killed: losing its
# requests is safe, and whoever sent them tries again.
STOP_SECONDS = 8


def main() -> None:
    """Serve on HOST and PORT until Ctrl-C; `--reload`: by Django's server, for developers."""
    try:
        from talkplatform import settings
    except ImproperlyConfigured as error:
        sys.exit(f"The settings cannot be read: {error}")
    if "--reload" in sys.argv[1:]:
        developing = os.environ | {"DEBUG": "true", "HTTPS": "false"}
        place = settings.ORIGIN.removeprefix("http://")
        os.execve(sys.executable, [sys.executable, "manage.py", "runserver", place], developing)
    address = wait_for_port(settings.HOST, settings.PORT)
    print(
        f"Serving {settings.ORIGIN}/ - the API and its documentation: {settings.ORIGIN}/api/docs",
        flush=True,
    )
    server = Granian(
        "talkplatform.wsgi",
        address=address,
        port=settings.PORT,
        interface=Interfaces.WSGI,
        http=HTTPModes.http1,
        websockets=False,
        workers=settings.WEB_PROCESSES,
        blocking_threads=settings.WEB_THREADS,
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_SECONDS,
    )
    logging.getLogger("_granian").addFilter(is_news)
    server.serve(target_loader=load_application)


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


def load_application(_target: str) -> Callable[..., Any]:
    """In each worker: the application, after seeing to it that the worker ends with the server.

    Workers leave the terminal's group: two signals at once, Ctrl-C's own and the server's, hang
    them. While they load, SIGTERM ends them at once: the handler they came with is the server's.
    """
    os.setpgrp()
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threading.Thread(target=end_with_server, daemon=True).start()
    from talkplatform.wsgi import application

    # All that stays for good: looking through it for garbage would hold requests up.
    gc.collect()
    gc.freeze()
    return application


def end_with_server() -> None:
    """End this process when the server that started it is gone; requests may finish meanwhile."""
    server = multiprocessing.parent_process()
    while server and os.getppid() == server.pid:
        time.sleep(0.2)
    # The kernel's clock ends even a process whose interpreter is stuck.
    signal.alarm(PATIENCE_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
