"""The description, its page, health, and calls from other origins."""

import re

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import override_settings
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator

ORIGIN = "https://app.example.com"


def test_the_schema_is_3_1_and_comes_without_warnings(client, capsys):
    with GENERATOR_STATS.silence():
        schema = SchemaGenerator().get_schema(request=None, public=True)
    assert not GENERATOR_STATS
    assert schema["openapi"].startswith("3.1")
    served = client.get("/api/schema").json()
    assert served["openapi"] == schema["openapi"]
    assert set(served["paths"]) == set(schema["paths"])


def test_the_schema_names_the_refusals(client):
    call = client.get("/api/schema").json()["paths"]["/api/enrollments/courses/{course_id}"]["post"]
    assert {"201", "402", "404", "409", "422", "503", "default"} <= set(call["responses"])
    assert "Idempotency-Key" in [parameter["name"] for parameter in call["parameters"]]


@pytest.mark.parametrize("path", ["/api/docs", "/api/docs?script="])
def test_the_docs_load_nothing_from_elsewhere(client, path):
    page = client.get(path).content.decode()
    for address in re.findall(r"""(?:src|href)=["']([^"']+)""", page):
        assert address.startswith("/"), address
        assert not address.startswith("//"), address
    assert not re.findall(r"https?://(?!testserver)", page)


def test_health(client, db):
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 200


def test_not_ready_before_every_migration_ran(client, db):
    MigrationRecorder(connection).migration_qs.filter(app="payments").delete()
    assert client.get("/readyz").status_code == 503
    assert client.get("/healthz").status_code == 200


@override_settings(CORS_ALLOWED_ORIGINS=[ORIGIN])
def test_a_configured_origin_may_call_and_read(client, db):
    answer = client.get("/api/courses", headers={"Origin": ORIGIN})
    assert answer["Access-Control-Allow-Origin"] == ORIGIN
    assert "Link" in answer["Access-Control-Expose-Headers"]
    asked = client.options(
        "/api/courses", headers={"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    )
    assert "idempotency-key" in asked["Access-Control-Allow-Headers"]
    assert "authorization" in asked["Access-Control-Allow-Headers"]


@override_settings(CORS_ALLOWED_ORIGINS=[ORIGIN])
@pytest.mark.parametrize("origin", ["https://evil.example.com", "null", ORIGIN + ".evil.com"])
def test_no_other_origin_may(client, db, origin):
    answer = client.get("/api/courses", headers={"Origin": origin})
    assert not answer.has_header("Access-Control-Allow-Origin")
