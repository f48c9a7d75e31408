"""Ask LiveKit who is in the rooms now: note it, keep the doors, make the rooms that open."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from common.errors import DomainError
from common.passes import in_time
from rooms.livekit import VideoUnreachable
from settlement.services.polling import Count, poll_rooms


class Command(BaseCommand):
    help = (
        "Notes who LiveKit says is in the rooms, puts out who may not be there, closes what is "
        "over. Any number may run at once."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        done = Count()
        try:
            for count in in_time(poll_rooms()):
                done += count
        except (DomainError, VideoUnreachable) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(_line(done))
        if done.failed:
            raise CommandError(f"{done.failed} failed; the log says why.")


def _line(done: Count) -> str:
    rare = {"made": done.made, "put out": done.put_out, "closed": done.closed}
    parts = [f"{done.open} of {done.sessions} rooms are open, {done.people} people in them"]
    return ", ".join([*parts, *(f"{name} {n}" for name, n in rare.items() if n)])
