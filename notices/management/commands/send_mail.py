"""Send the emails that are waiting."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from common.passes import in_time
from notices.models import MailServer, Notice
from notices.sending import send_due


class Command(BaseCommand):
    help = "Sends the mails that wait, each reader's in order. Any number may run at once."

    def handle(self, *args: Any, **options: Any) -> None:
        done = sum(notice is not None for notice in in_time(send_due()))
        waiting = Notice.objects.filter(mail=Notice.Mail.WAITING).count()
        self.stdout.write(f"Mails: {done} done with, {waiting} waiting.")
        if server := MailServer.objects.filter(failures__gt=0).first():
            raise CommandError(f"The mail server fails: {server.problem}")
