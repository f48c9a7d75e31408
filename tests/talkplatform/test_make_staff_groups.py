"""Support looks, finance decides; making the groups again changes nothing."""

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import CommandError, call_command

pytestmark = pytest.mark.django_db


def permissions(group: str) -> set[str]:
    return set(Group.objects.get(name=group).permissions.values_list("codename", flat=True))


def test_groups_are_made_once(capsys):
    for _ in range(2):
        call_command("make_staff_groups")
    assert "support and finance" in capsys.readouterr().out
    assert Group.objects.count() == 2
    decide = {"decide_paymenthold", "decide_withdrawal", "grant_credit", "refund_topup"}
    powers = decide | {"export_paymenthold"}
    assert permissions("finance") - permissions("support") == powers
    keep = {"add_category", "change_category", "delete_introduction"}
    keep |= {"audit_money", "send_notice"}
    assert all(name.startswith("view_") for name in permissions("support") - keep)


def test_what_was_changed_is_put_right():
    call_command("make_staff_groups")
    Group.objects.get(name="support").permissions.add(Permission.objects.get(codename="add_user"))
    call_command("make_staff_groups")
    assert "add_user" not in permissions("support")


def test_without_the_permissions_nothing_is_made():
    Permission.objects.filter(codename="grant_credit").delete()
    with pytest.raises(CommandError, match="Run migrate first"):
        call_command("make_staff_groups")
    assert not Group.objects.exists()
