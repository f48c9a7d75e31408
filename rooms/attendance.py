"""Who was in a session's room, and for how long: the evidence for settlement."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings

from courses.models import CourseSession
from rooms import queries
from rooms.presence import NONE, Evidence, Stay, Watch

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Presence:
    """How long a person was there, of the `length` that was sold: `time` is known.

    `unknown` is how much longer it may have been in unwatched time. A person who was `removed`, or
    `shut_out` because the teacher had ended the session early, might have stayed longer.
    """

    time: timedelta
    length: timedelta
    unknown: timedelta = NONE
    removed: bool = False
    shut_out: bool = False

    @property
    def barred(self) -> bool:
        """Whether it was not this person's choice alone."""
        return self.removed or self.shut_out

    @property
    def minutes(self) -> int:
        """Whole minutes, known ones."""
        return self.time // MINUTE

    @property
    def suffices(self) -> bool:
        """Whether that counts as attendance: `ATTENDANCE_THRESHOLD_PERCENT`."""
        return self._reaches(self.time)

    @property
    def may_suffice(self) -> bool:
        """Whether it would with the unwatched time included."""
        return self._reaches(self.time + self.unknown)

    def __str__(self) -> str:
        """The minutes: `5`, or `5 to 55`."""
        most = -(-(self.time + self.unknown) // MINUTE)
        return f"{self.minutes} to {most}" if self.unknown else f"{self.minutes}"

    def _reaches(self, time: timedelta) -> bool:
        return time * 100 >= self.length * settings.ATTENDANCE_THRESHOLD_PERCENT


class Attended(dict[tuple[UUID, UUID], Presence]):
    """Presences by session and user, each of the length that is scheduled.

    `evidence` is what is known of each session.
    """

    def __init__(self, evidence: dict[UUID, Evidence], sessions: dict[UUID, CourseSession]) -> None:
        self.evidence = evidence
        super().__init__(
            ((key, user), self._presence(key, user, length_of(sessions[key])))
            for key, known in evidence.items()
            for user in known.people()
        )

    def of(self, session_id: UUID, user_id: UUID, minutes: int) -> Presence:
        """A user's presence in a session, measured against this many minutes."""
        return self._presence(session_id, user_id, minutes * MINUTE)

    def _presence(self, session: UUID, user: UUID, length: timedelta) -> Presence:
        known = self.evidence[session]
        time = known.least(user)
        return Presence(
            time,
            length,
            known.most(user) - time,
            removed=known.was_removed(user),
            shut_out=known.was_shut_out(user),
        )


def attendance_of(session: CourseSession) -> dict[UUID, Presence]:
    """Everyone's presence in a session, including the teacher's, by user; two statements."""
    return {user: presence for (_, user), presence in attendance_in([session]).items()}


def attendance_in(
    sessions: Iterable[CourseSession], users: Iterable[UUID] | None = None
) -> Attended:
    """Presences in these sessions, of everyone or only these users; two statements, if any."""
    known = {session.pk: session for session in sessions}
    if not known:
        return Attended({}, known)
    stays: defaultdict[UUID, list[tuple[UUID, Stay]]] = defaultdict(list)
    watches: defaultdict[UUID, list[Watch]] = defaultdict(list)
    keys = list(known)
    came = queries.stays_in(keys) if users is None else queries.stays_of(keys, [*users])
    for session, user, *stay in came:
        stays[session].append((user, Stay(*stay)))
    for session, *watch in queries.watches_in(keys):
        watches[session].append(Watch(*watch))
    evidence = {key: _evidence(one, stays[key], watches[key]) for key, one in known.items()}
    return Attended(evidence, known)


def length_of(session: CourseSession) -> timedelta:
    """A session's scheduled length."""
    return session.duration_minutes * MINUTE


def _evidence(
    session: CourseSession, stays: Iterable[tuple[UUID, Stay]], watches: Iterable[Watch]
) -> Evidence:
    return Evidence(
        stays,
        watches,
        start=session.starts_at,
        end=session.ends_at,
        changed_at=session.rescheduled_at,
        apart=timedelta(minutes=settings.POLLS_APART_MINUTES),
    )
