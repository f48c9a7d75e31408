"""Refusals of the catalogue."""

from common.errors import DomainError


class NothingToSell(DomainError):
    code = "nothing_to_sell"
    message = (
        "To be on sale, a course needs a session to come and a price of at least $0.01 per session."
    )


class TeacherGone(DomainError):
    code = "teacher_gone"
    message = "The teacher of this course is no longer active, so it can't be sold."
