"""What HAProxy answers by itself: what the application would say, written down for haproxy.cfg."""

import os
from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from common.errors import LengthRequired, SlowBody, Unavailable
from talkplatform import handlers
from talkplatform.bodies import too_large

# Who may be asking, as haproxy.cfg calls it, and an address that such a one asks for.
FACES = {"api": "/api/", "page": "/", "form": "/", "money": "/courses/"}
# Where a process was at work on it, nobody knows what became of a form.
IN_DOUBT = "502"
ANSWERS: dict[str, Callable[[HttpRequest], HttpResponse]] = {
    "408": lambda request: handlers.refuse(request, SlowBody()),
    "411": lambda request: handlers.refuse(request, LengthRequired()),
    "413": lambda request: handlers.refuse(request, too_large()),
    "503": lambda request: handlers.refuse(request, Unavailable()),
    IN_DOUBT: lambda request: handlers.refuse(request, Unavailable()),
}


def write(place: Path) -> None:
    """Write a file for each status with a line for each face, and whose scripts may read it.

    Each process does so before it serves: only there are templates and static files known.
    """
    for status, answer in ANSWERS.items():
        _put(place / status, [f"{face} {_line(status, answer, face)}" for face in FACES])
    _put(place / "origins", settings.CORS_ALLOWED_ORIGINS)


def _line(status: str, answer: Callable[[HttpRequest], HttpResponse], face: str) -> str:
    request = HttpRequest()
    request.path = FACES[face]
    sent = face in ("form", "money") and status == IN_DOUBT
    request.method = "POST" if sent else "GET"
    return " ".join(answer(request).content.decode().split())


def _put(path: Path, lines: list[str]) -> None:
    """Whole or not at all: others write the same at the same time."""
    new = path.with_name(f"{path.name}.{os.getpid()}")
    new.write_text("".join(f"{line}\n" for line in lines))
    new.replace(path)
