"""What the first page of the admin says about emails."""

from django import template

from notices.models import Mailbox, MailServer, Notice

register = template.Library()


@register.inclusion_tag("admin/_mail.html")
def mail() -> dict[str, object]:
    """What keeps emails from their readers."""
    return {
        "server": MailServer.objects.filter(failures__gt=0).first(),
        "set_aside": Notice.objects.filter(mail=Notice.Mail.SET_ASIDE).count(),
        "stopped": Mailbox.objects.exclude(stopped_at=None).count(),
    }
