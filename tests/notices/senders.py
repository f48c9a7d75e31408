"""A nursery of senders: for each line on its standard input a new process that sends mails.

    python -m tests.notices.senders

It answers with the process id. A line that says `unclaimed` makes one that claims nothing. They end
with the nursery, and that with its input.
"""

import os
import signal
import sys
import time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "talkplatform.settings")
django.setup()

from django.db.models import Q  # noqa: E402

from notices.sending import send_due  # noqa: E402
from notices.services import claiming  # noqa: E402

PAUSE_SECONDS = 0.02


def send_for_ever():
    nursery = os.getppid()
    while os.getppid() == nursery:
        for _ in send_due():
            pass
        time.sleep(PAUSE_SECONDS)


def claim_nothing():
    claiming._can_go = lambda: Q(pk__isnull=False)
    claiming._take = lambda _, reader, name: claiming.Claim(reader, name, time.monotonic() + 60)


if __name__ == "__main__":
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            if line.strip() == "unclaimed":
                claim_nothing()
            send_for_ever()
            break
        print(pid, flush=True)  # noqa: T201
