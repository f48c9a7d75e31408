"""Refusals to teachers."""

from common.errors import DomainError


class NobodyBooked(DomainError):
    code = "nobody_booked"
    message = "Nobody has booked this, so there is nobody to write to."


class OverlapsChanged(DomainError):
    code = "overlaps_changed"
    message = "Some sessions overlap. Check them, then confirm again."


class PreviewOutdated(DomainError):
    code = "preview_outdated"
    message = "Something changed since you looked. Check it, then confirm again."


class TooManyAnnouncements(DomainError):
    code = "too_many_announcements"
    message = "Messages to the students of a course are limited to %(limit)s in 24 hours."
    example = {"limit": 5}
