"""What holds for every decision of staff, whatever it is about."""

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry

from common.admin.deciding import Deciding, Decision
from tests.factories import StaffFactory

pytestmark = [pytest.mark.django_db, pytest.mark.once]

SCREENS = [screen for screen in admin.site._registry.values() if isinstance(screen, Deciding)]
DECISIONS = [
    pytest.param(screen, decision, id=f"{screen.opts.model_name}-{decision.verb}")
    for screen in SCREENS
    for decision in screen.decisions
]


def where(screen: Deciding) -> str:
    return f"/admin/{screen.opts.app_label}/{screen.opts.model_name}/"


@pytest.mark.parametrize(("screen", "decision"), DECISIONS)
def test_it_is_kept_from_who_may_not_take_it(client, screen, decision: Decision):
    client.force_login(StaffFactory(is_superuser=False))
    page = screen.address_of(decision)
    assert client.get(page).status_code == (403 if decision.asks else 404)
    assert client.post(page, {"reason": "Mine"}).status_code == (403 if decision.asks else 404)
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize(("screen", "decision"), DECISIONS)
def test_what_asks_has_a_page_and_nothing_else_an_address(client, screen, decision: Decision):
    client.force_login(StaffFactory())
    page = client.get(screen.address_of(decision))
    assert page.status_code == (200 if decision.asks else 404)
    nothing = f"There is no such {decision.key}."
    assert (nothing in page.text) == bool(decision.asks and decision.key)


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.opts.model_name)
def test_each_verb_is_one_decision(screen):
    verbs = [decision.verb for decision in screen.decisions]
    assert sorted({*verbs}) == sorted(verbs)


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: screen.opts.model_name)
def test_the_list_offers_what_is_about_its_rows(rf, screen):
    request = rf.get(where(screen))
    request.user = StaffFactory()
    offered = set(screen.get_actions(request)) - {"delete_selected"}
    assert offered == {decision.verb for decision in screen.decisions if decision.key}
    request.user = StaffFactory(is_superuser=False)
    assert not screen.get_actions(request)
