"""Play the events of a session's room against the running server, as LiveKit would send them."""

from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.addresses import normal_address
from accounts.models import User
from courses.models import CourseSession
from payments.models import HoldPart
from rooms import livekit
from rooms.rehearsal import Visits, conversation

THROUGHOUT: Visits = ((0, 1),)
WITH_A_BREAK: Visits = ((0.05, 0.4), (0.45, 0.95))
SECONDS = 10


class Command(BaseCommand):
    help = (
        "Plays a signed conversation of a session's room against the running server: everybody "
        "comes, a student leaves and comes back, the room closes, all at the scheduled times."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("session", type=UUID, help="Its id.")
        parser.add_argument("--url", default="http://127.0.0.1:8000", help="Where the server is.")
        parser.add_argument(
            "--absent", nargs="+", default=[], metavar="EMAIL", help="Who does not come."
        )
        parser.add_argument(
            "--no-teacher", action="store_true", help="The teacher does not come either."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not livekit.is_configured():
            raise CommandError("Set LIVEKIT_URL and its key, here and for the server: any will do.")
        session = _find(options["session"])
        people = _people(session, {normal_address(email) for email in options["absent"]})
        if options["no_teacher"]:
            people.pop(session.course.teacher)
        names = {str(user.pk): user.display_name for user in people}
        for event in conversation(session, people):
            who = names[event.connection.identity] if event.connection else ""
            status = _send(options["url"], event)
            self.stdout.write(f"{event.occurred_at:%H:%M:%S}  {event.kind:<20}  {who} ({status})")
        self.stdout.write(f"settle_sessions moves its money from {session.settles_at:%c} UTC on.")


def _find(key: UUID) -> CourseSession:
    session = CourseSession.objects.select_related("course__teacher").filter(pk=key).first()
    if session is None:
        raise CommandError("There is no such session.")
    return session


def _people(session: CourseSession, absent: set[str]) -> dict[User, Visits]:
    """The teacher and those who paid for the session, each with when they are there."""
    paid = HoldPart.objects.filter(session=session).exclude(status=HoldPart.Status.REFUNDED)
    students = User.objects.filter(holds__parts__in=paid).distinct().order_by("email")
    people: dict[User, Visits] = {session.course.teacher: THROUGHOUT}
    people |= {user: WITH_A_BREAK for user in students if user.email not in absent}
    if unknown := absent - {user.email for user in students}:
        raise CommandError(f"Not among its students: {', '.join(sorted(unknown))}.")
    return people


def _send(url: str, event: livekit.RoomEvent) -> int:
    """Post an event as LiveKit does; gives the status of the answer."""
    if not url.startswith(("http://", "https://")):
        raise CommandError("Give --url as http://127.0.0.1:8000")
    body = livekit.write(event)
    headers = {"Content-Type": "application/webhook+json", "Authorization": livekit.sign(body)}
    request = Request(f"{url.rstrip('/')}/api/webhooks/livekit", body.encode(), headers)  # noqa: S310
    try:
        with urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 - checked above
            return int(answer.status)
    except HTTPError as error:
        raise CommandError(f"Refused with {error.code}: {error.read().decode()}") from error
    except URLError as error:
        raise CommandError(f"The server does not answer: {error.reason}") from error
