"""Staff's lists: every link that they offer, and a few searches, one after the other."""

import re
import time
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.db import connection
from django.test import Client
from django.urls import reverse

from accounts.models import User
from benchmarks.platform import CLERK
from benchmarks.sites import Site

WORDS = ("student7", "student", "teacher1@load.example.com", "Course 7", "hold:")
SLOWEST = 10


def measure(_: Site) -> dict[str, Any]:
    """How long the ways through the lists take, and how many rows they read: the slowest."""
    browser = Client(headers={"host": "localhost"})
    browser.force_login(User.objects.get(email=CLERK))
    taken = [_visit(browser, way) for start in _lists() for way in _ways(browser, start)]
    taken.sort(key=lambda told: -told["seconds"])
    return {
        "links": len(taken),
        "above a second": sum(told["seconds"] > 1 for told in taken),
        "not shown": sum(told["status"] != 200 for told in taken),
        "most rows read": max(told["rows_read"] for told in taken),
        "slowest": taken[:SLOWEST],
    }


def _lists() -> Iterator[str]:
    for model in admin.site._registry:
        yield reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def _ways(browser: Client, start: str) -> Iterator[str]:
    yield start
    text = browser.get(start, secure=True).content.decode()
    yield from sorted({start + unescape(link) for link in re.findall(r'href="(\?[^"]+)"', text)})
    if 'name="q"' in text:
        yield from (f"{start}?{urlencode({'q': words})}" for words in WORDS)


def _visit(browser: Client, way: str) -> dict[str, Any]:
    before, began = _rows_read(), time.perf_counter()
    answer = browser.get(way, secure=True)
    seconds = time.perf_counter() - began
    read = _rows_read() - before
    return {"way": way, "seconds": seconds, "rows_read": read, "status": answer.status_code}


def _rows_read() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SHOW SESSION STATUS LIKE 'Handler_read%'")
        return sum(int(value) for _, value in cursor.fetchall())
