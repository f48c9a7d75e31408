"""The two groups that staff are put into, with what each may do."""

from typing import Any

from django.contrib.auth.models import Group, Permission
from django.core.management.base import BaseCommand, CommandError

from common.transactions import operation

SUPPORT = {
    "accounts.delete_introduction",
    "accounts.view_introduction",
    "accounts.view_user",
    "courses.add_category",
    "courses.change_category",
    "courses.view_category",
    "courses.view_announcement",
    "courses.view_course",
    "courses.view_coursesession",
    "rooms.view_attendance",
    "notices.send_notice",
    "notices.view_mailbox",
    "notices.view_mailserver",
    "notices.view_notice",
    "enrollments.view_courseenrollment",
    "rooms.view_roomdeed",
    "rooms.view_roomwatch",
    "enrollments.view_sessionpurchase",
    "rooms.view_webhookevent",
    "payments.audit_money",
    "payments.view_debtwriteoff",
    "payments.view_dispute",
    "payments.view_grant",
    "payments.view_holdpart",
    "payments.view_ledgeraccount",
    "payments.view_paymenthold",
    "payments.view_processorevent",
    "payments.view_topup",
    "payments.view_topuprefund",
    "payments.view_transfer",
    "payments.view_withdrawal",
    "talkplatform.view_job",
}
FINANCE = SUPPORT | {
    "payments.decide_paymenthold",
    "payments.decide_withdrawal",
    "payments.export_paymenthold",
    "payments.grant_credit",
    "payments.refund_topup",
}
GROUPS = {"support": SUPPORT, "finance": FINANCE}


class Command(BaseCommand):
    help = "Makes the groups support (looks, keeps what is shown in order) and finance (money)."

    def handle(self, *args: Any, **options: Any) -> None:
        make_groups()
        self.stdout.write(f"The groups {' and '.join(GROUPS)} are in place.")


@operation
def make_groups() -> None:
    """Give each group exactly its permissions; a repeat changes nothing.

    Raises `CommandError` before the tables are migrated, which makes the permissions.
    """
    known = {
        f"{row.content_type.app_label}.{row.codename}": row
        for row in Permission.objects.select_related("content_type")
    }
    if missing := FINANCE - known.keys():
        raise CommandError(f"Run migrate first: there is no {', '.join(sorted(missing))}.")
    for name, permissions in GROUPS.items():
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.set(known[permission] for permission in permissions)
