"""Staff screens of what people were told: what was sent to whom, when, or why not."""

from collections.abc import Sequence

from django import forms
from django.contrib import admin
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from common.admin import PeriodFilter, PersonFilter, ReadOnlyAdmin, badge
from common.admin.deciding import Answers, Deciding, Decision, Done, Prospect
from notices.errors import NoMailToSend
from notices.kinds import every_kind
from notices.models import Mailbox, MailServer, Notice
from notices.services.outbox import is_sendable, send_again, try_address_again

SEND = "notices.send_notice"
TONES = {"waiting": "warn", "sent": "good", "set_aside": "bad"}


class SendingAgain(Decision[Notice]):
    def is_offered(self, notice: Notice) -> bool:
        return is_sendable(notice)

    def prospects(self, rows: Sequence[Notice], actor: AbstractBaseUser) -> list[Prospect[Notice]]:
        return [
            Prospect(
                row=notice,
                name=f"{notice.kind} to {notice.reader}",
                facts=[notice.mail_note] if notice.mail_note else [],
                refusal=None if is_sendable(notice) else NoMailToSend(),
            )
            for notice in rows
        ]

    def deed(self, notice: Notice, actor: AbstractBaseUser, answers: Answers) -> Done:
        send_again(notice_id=notice.pk)
        return Done("will be sent again")


class TryingAgain(Decision[Mailbox]):
    def is_offered(self, mailbox: Mailbox) -> bool:
        return bool(mailbox.stopped_address)

    def prospects(
        self, rows: Sequence[Mailbox], actor: AbstractBaseUser
    ) -> list[Prospect[Mailbox]]:
        return [Prospect(row=m, name=str(m.reader), facts=[m.refusal]) for m in rows]

    def deed(self, mailbox: Mailbox, actor: AbstractBaseUser, answers: Answers) -> Done:
        try_address_again(reader_id=mailbox.pk)
        return Done("mails go there again")


class KindFilter(admin.SimpleListFilter):
    """By the kinds in the code, without reading the table for them."""

    title = parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [(kind.name, kind.name) for kind in every_kind()]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(kind=self.value()) if self.value() else queryset


class MailFilter(admin.SimpleListFilter):
    """What hasn't been sent: nearly all is sent, or has no email, so nothing is found by that."""

    title, parameter_name = "mail", "mail__exact"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        kinds = (Notice.Mail.WAITING, Notice.Mail.SET_ASIDE, Notice.Mail.DROPPED)
        return [(kind.value, str(kind.label)) for kind in kinds]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(mail=self.value()) if self.value() else queryset


class StoppedFilter(admin.SimpleListFilter):
    """The few that a mail server has refused."""

    title, parameter_name = "address", "stopped_at__isempty"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("0", "Stopped")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(stopped_at__isnull=False) if self.value() == "0" else queryset


@admin.register(Notice)
class NoticeAdmin(Deciding, ReadOnlyAdmin):
    list_display = ("id", "reader", "kind", "created_at", "state", "mailed_at", "mail_note")
    list_filter = (
        MailFilter, KindFilter, ("created_at", PeriodFilter), ("reader", PersonFilter),
    )  # fmt: skip
    joined = ("reader",)
    search_fields = ("^reader__email",)
    id_fields = ("pk", "reader")
    decisions = (
        SendingAgain(
            verb="send", label="Send again", rights=(SEND,), form=forms.Form, key="notice"
        ),
    )

    @admin.display(description="mail", ordering="mail")
    def state(self, notice: Notice) -> str:
        return badge(notice.get_mail_display().lower(), TONES.get(notice.mail, ""))


@admin.register(Mailbox)
class MailboxAdmin(Deciding, ReadOnlyAdmin):
    list_display = ("reader", "state", "refusal", "stopped_at", "failures", "rests_until")
    list_filter = (StoppedFilter, ("reader", PersonFilter))
    ordering = ("-stopped_at",)
    joined = ("reader",)
    search_fields = ("^reader__email", "=stopped_address")
    decisions = (
        TryingAgain(
            verb="try", label="Try the address again", rights=(SEND,), form=forms.Form,
            key="mailbox",
        ),
    )  # fmt: skip

    @admin.display(description="address")
    def state(self, mailbox: Mailbox) -> str:
        if not mailbox.stopped_address:
            return ""
        stopped = badge("stopped" if mailbox.is_stopped else "changed since")
        return format_html("{} {}", mailbox.stopped_address, stopped)


@admin.register(MailServer)
class MailServerAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "failures", "failing_since", "rests_until", "problem")
