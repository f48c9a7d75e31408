"""Mails of a test: told, sent, and what became of them."""

from datetime import timedelta

from django.utils import timezone

from notices.models import Mailbox, MailServer, Notice
from notices.sending import send_due
from notices.services.outbox import put


def tell(kind, *readers, **options):
    """Something new to each of these readers."""
    before = Notice.objects.count()
    told = [
        kind.tell(reader.pk, about=before + n, facts={"title": f"{before + n}"}, **options)
        for n, reader in enumerate(readers)
    ]
    put(told)
    return told


def send():
    """A pass; what is the matter with whom is not waited for."""
    return [notice for notice in send_due() if notice]


def rested():
    """As if the pauses were over."""
    past = timezone.now() - timedelta(seconds=1)
    Mailbox.objects.exclude(rests_until=None).update(rests_until=past)
    MailServer.objects.exclude(rests_until=None).update(rests_until=past)


def became():
    return list(Notice.objects.order_by("pk").values_list("mail", flat=True))


def note():
    return Notice.objects.order_by("pk").first().mail_note
