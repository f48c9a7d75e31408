"""The production server: `python -m talkplatform.serve`. script/server makes all ready for it."""

import errno
import gc
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from granian import Granian
from granian.constants import Interfaces

from talkplatform.settings import env

PATIENCE_SECONDS = 5
# Longer than a request may wait for a lock. A worker that does not stop is killed: losing its
# requests is safe, and whoever sent them tries again.
STOP_SECONDS = 8


def main() -> None:
    """Serve on HOST and PORT until Ctrl-C; `--reload`: by Django's server, for developers."""
    host, port = env.str("HOST", default="127.0.0.1"), env.int("PORT", default=8000)
    origin = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if "--reload" in sys.argv[1:]:
        developing = os.environ | {"DEBUG": "true", "HTTPS": "false"}
        os.execve(sys.executable, [sys.executable, "manage.py", "runserver", origin], developing)
    address = wait_for_port(host, port)
    print(
        f"Serving http://{origin}/ - the API and its documentation: http://{origin}/api/docs",
        flush=True,
    )
    Granian(
        "talkplatform.wsgi",
        address=address,
        port=port,
        interface=Interfaces.WSGI,
        websockets=False,
        workers=env.int("WEB_PROCESSES", default=4),
        blocking_threads=env.int("WEB_THREADS", default=1),
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_SECONDS,
    ).serve(target_loader=load_application)


def wait_for_port(host: str, port: int) -> str:
    """The address to listen on, once nobody else does; ends the program if somebody goes on to.

    The server itself would not notice: it lets the kernel share one port out between strangers.
    """
    family, *_, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            socket.create_server(place, family=family).close()
            return str(place[0])
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                sys.exit(f"Cannot listen: {error.strerror}. Set another HOST or PORT.")
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
