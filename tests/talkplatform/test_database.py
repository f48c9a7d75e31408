"""A database that cannot keep what people write is refused before anybody writes."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.conf import settings
from django.core import checks
from django.core.checks import run_checks
from django.db import connection

from tests.serving import url_of_test_database

pytestmark = pytest.mark.django_db(transaction=True)
mariadb = pytest.mark.mariadb


def execute(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@contextmanager
def undone(*statements: str, by: list[str]) -> Iterator[None]:
    execute(*statements)
    try:
        yield
    finally:
        execute(*by)


def problems() -> list[str]:
    """What the checks that `migrate` runs say about the database."""
    found = run_checks(tags=[checks.Tags.database], databases=["default"])
    return [error.msg for error in found if error.id == "talkplatform.E001"]


def ready(client) -> str:
    answer = client.get("/readyz")
    assert (answer.status_code == 200) == answer.text.startswith("ready")
    assert answer.status_code in {200, 503}
    return answer.text.partition("\n")[0]


def test_this_database_keeps_every_character_and_takes_changes(client):
    assert problems() == []
    assert ready(client) == "ready"


@mariadb
@pytest.mark.parametrize("characters", ["latin1", "utf8mb3"])
def test_a_column_of_other_characters_is_named(client, characters):
    change = "ALTER TABLE courses MODIFY description longtext CHARACTER SET {} NOT NULL"
    with undone(change.format(characters), by=[change.format("utf8mb4")]):
        named = f"courses.description ({characters})"
        assert ready(client) == f"the database is not utf8mb4: {named}"
        assert [named in problem for problem in problems()] == [True]
    assert ready(client) == "ready"


@mariadb
def test_a_table_of_somebody_else_is_theirs(client):
    create = "CREATE TABLE theirs (name varchar(9)) CHARACTER SET latin1"
    with undone(create, by=["DROP TABLE theirs"]):
        assert ready(client) == "ready"


@mariadb
def test_what_new_columns_would_be_like_counts(client):
    change = f"ALTER DATABASE {connection.settings_dict['NAME']} CHARACTER SET {{}}"
    with undone(change.format("latin1"), by=[change.format("utf8mb4")]):
        assert ready(client) == "the database is not utf8mb4: new columns (latin1)"
        assert len(problems()) == 1


@mariadb
def test_nothing_is_migrated_into_other_characters():
    name = f"{connection.settings_dict['NAME']}_latin"
    with undone(f"CREATE DATABASE {name} CHARACTER SET latin1", by=[f"DROP DATABASE {name}"]):
        url = url_of_test_database().replace(connection.settings_dict["NAME"], name)
        migrated = subprocess.run(
            [sys.executable, "manage.py", "migrate", "-v0"],
            cwd=settings.BASE_DIR,
            env={"DATABASE_URL": url, "ENV_FILE": "/dev/null", "SECRET_KEY": settings.SECRET_KEY},
            capture_output=True,
            text=True,
            check=False,
        )
        assert migrated.returncode == 1
        assert "Not utf8mb4: new columns (latin1)." in migrated.stderr
        with connection.cursor() as cursor:
            cursor.execute(f"SHOW TABLES IN {name}")
            assert cursor.fetchall() == ()


def test_a_connection_that_may_not_write_is_not_ready(client):
    off, on = {
        "mysql": ("SET SESSION TRANSACTION READ ONLY", "SET SESSION TRANSACTION READ WRITE"),
        "sqlite": ("PRAGMA query_only = ON", "PRAGMA query_only = OFF"),
    }[connection.vendor]
    with undone(off, by=[on]):
        assert ready(client) == "the database takes no changes"
    assert ready(client) == "ready"


@contextmanager
def without_privileges() -> Iterator[None]:
    """Connect as a site does: read_only does not hold for root."""
    options, root = connection.settings_dict, connection.settings_dict["USER"]
    user = f"site_{options['NAME']}"[:32]
    execute(
        f"CREATE USER {user}@localhost IDENTIFIED BY ''",
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON {options['NAME']}.* TO {user}@localhost",
    )
    connection.close()
    options["USER"] = user
    try:
        yield
    finally:
        connection.close()
        options["USER"] = root
        execute(f"DROP USER {user}@localhost")


@mariadb
def test_a_server_that_is_read_only_is_not_ready_and_busy(client):
    with undone("SET GLOBAL read_only = ON", by=["SET GLOBAL read_only = OFF"]):
        with without_privileges():
            assert ready(client) == "the database takes no changes"
            body = {"email": "a@example.com", "password": "x"}
            answer = client.post("/api/auth/token", body, content_type="application/json")
            assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert ready(client) == "ready"
