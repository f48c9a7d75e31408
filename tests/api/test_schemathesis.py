"""Requests made up from the schema: no defect, and every answer as the schema describes it."""

import pytest
import schemathesis
from django.core.wsgi import get_wsgi_application
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from payments.processors.rehearsal import Rehearsal
from payments.services import topups
from tests.api.conftest import client_of
from tests.conversations import CONFIGURED

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
# Not talkplatform.wsgi, which limits how long this process waits for the database.
SCHEMA = schemathesis.openapi.from_wsgi("/api/schema", get_wsgi_application())
OPERATIONS = [result.ok() for result in SCHEMA.get_all_operations()]


@pytest.fixture(autouse=True)
def _set_up(settings, monkeypatch):
    """Otherwise webhooks and top-ups say that they cannot serve."""
    for name, value in CONFIGURED.items():
        setattr(settings, name, value)
    settings.STRIPE_SECRET_KEY, settings.STRIPE_WEBHOOK_SECRETS = "sk_test_1", ["whsec_1"]
    # Either method is the rehearsal's: nobody else is asked.
    monkeypatch.setattr(topups, "processor_of", lambda method: Rehearsal())


# MariaDB holds texts and numbers to their columns. The application gives its connection back after
# each request, as it does when it serves.
@pytest.mark.mariadb
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("known", [True, False], ids=["known", "invented"])
@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_every_answer_is_as_described(operation, known, world):
    """Known rows may stand in for invented keys, so that calls get past 404."""
    keys = {
        "course_id": world.other.pk,
        "session_id": world.session.pk,
        "enrollment_id": world.enrollment.pk,
        "purchase_id": world.purchase.pk,
        "withdrawal_id": world.withdrawal.pk,
        "top_up_id": world.top_up.pk,
    }
    token = client_of(world.owner)._credentials["HTTP_AUTHORIZATION"]

    @settings(
        max_examples=12,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy())
    def ask(case):
        if known:
            names = case.path_parameters.keys() & keys.keys()
            case.path_parameters |= {name: str(keys[name]) for name in names}
        case.call_and_validate(headers={"Authorization": token}, checks=CHECKS)

    ask()
