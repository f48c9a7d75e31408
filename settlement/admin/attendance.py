"""Who was in the sessions of a hold, for staff to read before they decide."""

from collections.abc import Iterable

from payments.models import HoldPart, PaymentHold
from rooms.attendance import Attended, attendance_in
from settlement.verdicts import presences_of


def attendance_for(holds: Iterable[PaymentHold]) -> Attended:
    """Who was in the sessions of these holds, which come with their parts; two statements."""
    parts = [part for hold in holds for part in hold.parts.all()]
    return attendance_in({part.session_id: part.session for part in parts}.values())


def presence(part: HoldPart, attended: Attended) -> str:
    """How long student and teacher were there, `5 to 60` where nobody knows; nothing before."""
    if not part.session.has_started():
        return ""
    teacher, student = presences_of(part, attended)
    return f"Student {student}, teacher {teacher} of {part.sold_duration_minutes} min"


def pending_parts(hold: PaymentHold) -> list[HoldPart]:
    """Those that are not settled, of a hold that comes with its parts."""
    return [part for part in hold.parts.all() if part.status == HoldPart.Status.PENDING]
