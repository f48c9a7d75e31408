"""The committed `openapi.json` is the contract: code keeps it, and examples in it are true."""

import json
from copy import deepcopy
from pathlib import Path

import jsonschema
import pytest

from accounts.api.views import CREDENTIALS
from accounts.services import register
from enrollments.services.sessions import move_session
from payments.processors.rehearsal import Rehearsal
from payments.services import topups
from talkplatform import contract
from tests.api.conftest import client_of
from tests.factories import DAY, top_up_of

ADA = {**CREDENTIALS, "display_name": "Ada"}
FILE = Path(__file__).resolve().parents[2] / "openapi.json"
CONTRACT = json.loads(FILE.read_text())


OPERATIONS = [
    pytest.param(path, method, operation, id=operation["operationId"])
    for path, methods in CONTRACT["paths"].items()
    for method, operation in methods.items()
]


def examples_in(holder):
    """Each example of a request or an answer, by its name."""
    content = holder.get("content", {}).get("application/json", {})
    return content.get("examples", {}).items()


REQUESTS = [
    pytest.param(path, method, example["value"], id=f"{operation['operationId']}-{name}")
    for path, method, operation in (param.values for param in OPERATIONS)
    for name, example in examples_in(operation.get("requestBody", {}))
]


def fits(value, schema):
    root = {"components": CONTRACT["components"], **schema}
    jsonschema.Draft202012Validator(root).validate(value)


def test_the_code_breaks_no_client_of_the_contract():
    now = contract.described()
    lines = contract.breaks(CONTRACT, now)
    assert not lines or contract.major(now) > contract.major(CONTRACT), "\n".join(lines)


def test_the_contract_says_what_the_code_does():
    assert contract.described() == CONTRACT, "Run: python manage.py export_schema"


def test_operations_have_names_of_their_own():
    names = [operation.values[2]["operationId"] for operation in OPERATIONS]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_codes_are_named_for_every_status(path, method, operation):
    for status, answer in operation["responses"].items():
        if status >= "400" and status != "default":
            assert answer["description"].startswith("`"), (method, path, status)


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS)
def test_answers_shown_are_answers_described(path, method, operation):
    for answer in operation["responses"].values():
        for _, example in examples_in(answer):
            fits(example["value"], answer["content"]["application/json"]["schema"])


@pytest.mark.parametrize(("path", "method", "body"), REQUESTS)
def test_requests_shown_are_taken(path, method, body, world, settings, monkeypatch):
    """As shown, but for the reader's own keys and tokens; at a Stripe that is only played."""
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example.org"]
    monkeypatch.setattr(topups, "processor_of", lambda method: Rehearsal())
    if not path.endswith("/register"):
        register(**ADA)
    if "refresh" in body:
        pair = client_of(None).post("/api/auth/token", CREDENTIALS).json()
        body = {"refresh": pair["refresh"]}
    keys = {"course_id": world.other.pk, "enrollment_id": world.enrollment.pk}
    keys |= {"purchase_id": world.purchase.pk, "session_id": world.other.sessions.last().pk}
    if method == "delete" and "session_id" in path:
        keys["session_id"] = moved(world.session).pk
    if path.endswith("/refunds"):
        settings.PAYMENTS = "rehearsal"
        top_up_of(world.owner, "50.00")
    answer = getattr(client_of(world.owner), method)(path.format(**keys), body)
    assert answer.status_code < 300, answer.content


def moved(session):
    """A session that its students may hand back."""
    times = {"starts_at": session.starts_at + DAY, "duration_minutes": session.duration_minutes}
    return move_session(session_id=session.pk, actor=session.course.teacher, **times)


def field_renamed(new):
    fields = new["components"]["schemas"]["Enrollment"]["properties"]
    fields["price"] = fields.pop("total_price_paid")


def path_removed(new):
    del new["paths"]["/api/payments/wallet"]


def method_removed(new):
    del new["paths"]["/api/enrollments/{enrollment_id}"]["delete"]


def code_changed(new):
    options = new["paths"]["/api/enrollments/courses/{course_id}"]["post"]["responses"]["409"]
    schema = options["content"]["application/json"]["schema"]["oneOf"]
    schema[:] = [o for o in schema if "SoldOut" not in o["$ref"]]


def input_required(new):
    new["components"]["schemas"]["EnrollRequest"]["required"] = ["enrollment_type"]


def parameter_required(new):
    operation = new["paths"]["/api/enrollments/courses/{course_id}"]["post"]
    next(p for p in operation["parameters"] if p["in"] == "header")["required"] = True


def type_narrowed(new):
    new["components"]["schemas"]["Registration"]["properties"]["display_name"]["maxLength"] = 5


def type_changed(new):
    new["components"]["schemas"]["Wallet"]["properties"]["held"] = {"type": "number"}


def field_may_be_missing(new):
    new["components"]["schemas"]["Wallet"]["required"].remove("held")


def status_gone(new):
    del new["paths"]["/api/enrollments/courses/{course_id}"]["post"]["responses"]["402"]


def nested_field_gone(new):
    del new["components"]["schemas"]["Teacher"]["properties"]["display_name"]


def renamed_operation(new):
    new["paths"]["/api/payments/wallet"]["get"]["operationId"] = "purse"


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (
            field_renamed,
            "POST /api/enrollments/courses/{course_id} 201 no longer has total_price_paid",
        ),
        (path_removed, "GET /api/payments/wallet is gone"),
        (method_removed, "DELETE /api/enrollments/{enrollment_id} is gone"),
        (code_changed, "POST /api/enrollments/courses/{course_id} 409 no longer is SoldOutError"),
        (
            input_required,
            "POST /api/enrollments/courses/{course_id} takes now requires enrollment_type",
        ),
        (
            parameter_required,
            "POST /api/enrollments/courses/{course_id} now requires the header parameter"
            " Idempotency-Key",
        ),
        (type_narrowed, "POST /api/auth/register takes less in display_name"),
        (type_changed, "GET /api/payments/wallet 200 held is now number, not decimal"),
        (field_may_be_missing, "GET /api/payments/wallet 200 may leave held out"),
        (status_gone, "POST /api/enrollments/courses/{course_id} no longer answers 402"),
        (
            nested_field_gone,
            "GET /api/enrollments/me 200[] course teacher no longer has display_name",
        ),
        (renamed_operation, "GET /api/payments/wallet is now called purse, not get_wallet"),
    ],
)
def test_what_would_break_clients_is_named(change, line):
    new = deepcopy(CONTRACT)
    change(new)
    assert line in contract.breaks(CONTRACT, new)


def test_what_only_adds_breaks_nobody():
    new = deepcopy(CONTRACT)
    new["paths"]["/api/news"] = new["paths"]["/api/payments/wallet"]
    new["components"]["schemas"]["Wallet"]["properties"]["currency"] = {"type": "string"}
    new["components"]["schemas"]["EnrollRequest"]["properties"]["gift"] = {"type": "boolean"}
    assert contract.breaks(CONTRACT, new) == []
    assert contract.breaks(CONTRACT, CONTRACT) == []
