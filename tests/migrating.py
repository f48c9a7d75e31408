"""A database of its own for migrations, and how it goes up and down."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.db import connection

from tests.copying import lay, tables

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def elsewhere(tmp_path, transactional_db):
    """The URL of an empty database of the kind that the tests run on."""
    if connection.vendor == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.sqlite3'}"
        return
    name = f"{connection.settings_dict['NAME']}_migrations"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE `{name}`")
    place, _, options = os.environ["DATABASE_URL"].partition("?")
    yield f"{place.rpartition('/')[0]}/{name}?{options}"
    with connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE `{name}`")


@pytest.fixture
def migrated(elsewhere, tmp_path):
    """The same, at the top: a copy of the tests' own database, which went all the way up."""
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM INTO %s", [str(tmp_path / "empty.sqlite3")])
    else:
        there = connection.copy()
        there.settings_dict["NAME"] += "_migrations"
        lay(tables(), there)
        there.close()
    return elsewhere


def manage(url: str, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url, "DJANGO_SETTINGS_MODULE": "talkplatform.settings"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def migrate(url: str, *steps: tuple[str, ...] | str, then: str = "") -> str:
    """Go to each target, and run what is code, in turn; gives what that prints.

    All in one process: to start one takes as long as a dozen migrations.
    """
    code = ["from django.core.management import call_command"]
    for step in (*steps, then):
        target = f"call_command('migrate', *{step!r}, verbosity=0)"
        code.append(step if isinstance(step, str) else target)
    return manage(url, "shell", "-v0", "-c", "\n".join(code))
