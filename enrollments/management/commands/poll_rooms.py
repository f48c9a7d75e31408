"""Ask LiveKit who is in the rooms now, in case the news of it is lost."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from common.errors import DomainError
from courses.models import MAX_SESSION_MINUTES, CourseSession
from enrollments.livekit import VideoUnreachable, connections_in
from enrollments.services.events import record_seen

LONGEST = timedelta(minutes=MAX_SESSION_MINUTES)


class Command(BaseCommand):
    help = "Notes who LiveKit says is in the rooms of running sessions. Run it every few minutes."

    def handle(self, *args: Any, **options: Any) -> None:
        running = {session.room_name: session for session in _running()}
        try:
            found = connections_in(list(running)) if running else {}
        except (DomainError, VideoUnreachable) as error:
            raise CommandError(str(error)) from error
        seen = sum(
            record_seen(running[name].pk, sid, people) for name, (sid, people) in found.items()
        )
        self.stdout.write(f"{len(found)} of {len(running)} rooms are open, {seen} people in them.")


def _running() -> list[CourseSession]:
    now = timezone.now()
    opens = now + timedelta(minutes=settings.JOIN_OPENS_MINUTES)
    near = CourseSession.objects.filter(
        status__in=CourseSession.OPEN, starts_at__range=(now - LONGEST, opens)
    )
    return [session for session in near if now < session.ends_at]
