"""The server alone, beside a LiveKit: nobody starts a job, and all that is due is done."""

import os
import re
import signal
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from email import message_from_string
from email.header import decode_header, make_header

import pytest
from django.core.management import call_command
from django.utils import timezone

from enrollments.services.purchasing import purchase_session
from notices.models import Notice
from payments.earnings import available_to
from talkplatform.models import Job
from tests.conversations import CONFIGURED
from tests.factories import end_session, make_course, student_with_credit
from tests.livekit import LiveKit
from tests.livekit import serving as double_serving
from tests.serving import serving, wait_until_ready
from tests.test_running import PATIENCE, children, jobs_of, within

# Before that all of it has to be played: what nobody knows by then is left to staff.
ENDS_IN = timedelta(seconds=10)
pytestmark = [pytest.mark.once, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def livekit(settings):
    with double_serving(LiveKit()) as url:
        for name, value in (CONFIGURED | {"LIVEKIT_URL": url}).items():
            setattr(settings, name, value)
        yield CONFIGURED | {"LIVEKIT_URL": url}


@pytest.fixture
def purchase():
    """Of a session of two minutes."""
    session = make_course(sessions=1).sessions.get()
    bought = purchase_session(student=student_with_credit(), session_id=session.pk)
    type(session).objects.filter(pk=session.pk).update(duration_minutes=2)
    bought.hold.parts.update(sold_duration_minutes=2)
    Notice.objects.exclude(course_id=session.course_id).delete()
    bought.session.refresh_from_db()
    return bought


def test_a_session_is_settled_and_each_mail_printed_once(livekit, purchase, tmp_path):
    """By jobs that were killed, and are back in five seconds; with the server they end."""
    printed = tmp_path / "printed"
    alone = {"JOBS": "true", "JOB_SECONDS": "1", "WEB_PROCESSES": "1", "HAPROXY": ""}
    # A mail that the killed one was at is somebody's again after twice the seconds.
    grace = {"SETTLEMENT_GRACE_MINUTES": "0", "EMAIL_URL": "consolemail://", "MAIL_SECONDS": "3"}
    with printed.open("w") as output, serving(output, **alone, **grace, **livekit) as server:
        wait_until_ready(server)
        # Killed between printing a mail and noting that, they would print it again.
        assert within(PATIENCE, lambda: not mails_waiting()), printed.read_text()[-3000:]
        killed = jobs_of(server)
        os.kill(int(killed.name), signal.SIGKILL)
        assert within(5, lambda: children(server, "run_jobs") not in ([], [killed]))
        # What it was at would be taken over after thirty seconds.
        Job.objects.exclude(leased_until=None).update(leased_until=timezone.now())

        end_session(purchase.session, ago=-ENDS_IN)
        call_command("simulate_session", purchase.session_id, url=server.url, verbosity=0)
        assert within(PATIENCE, lambda: is_told(purchase)), printed.read_text()[-3000:]
        jobs = jobs_of(server)
        server.kill()
        assert within(PATIENCE, lambda: not jobs.exists())
    purchase.refresh_from_db()
    assert purchase.status == "attended"
    assert available_to(purchase.hold.teacher) == Decimal("11.20")
    assert Counter(subjects(printed.read_text())) == {
        "You're in: Spanish to go": 1,
        "Sold: 1. A lesson": 1,
        "Settled: 1. A lesson, $11.20": 1,
    }


def is_told(purchase):
    """Whether the teacher has been mailed of what was settled, and nothing more waits."""
    told = Notice.objects.filter(kind="teaching_settled", mail="sent")
    return told.exists() and not mails_waiting()


def mails_waiting():
    return Notice.objects.filter(mail="waiting").exists()


def subjects(printed):
    """Of the mails on a console, each of which begins with its type."""
    mails = re.findall(
        r"^Content-Type: multipart/.*?^-{79}$", printed, flags=re.MULTILINE | re.DOTALL
    )
    return [str(make_header(decode_header(message_from_string(m)["Subject"]))) for m in mails]
