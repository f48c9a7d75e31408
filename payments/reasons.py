"""Why a part of a hold was settled as it was."""

from enum import nonmember

from django.db import models


class Reason(models.TextChoices):
    STUDENT_CANCELLED = "student_cancelled"
    SESSION_CANCELLED = "session_cancelled"
    SESSION_MOVED = "session_moved"
    FOLDED = "folded"
    ATTENDED = "attended"
    MISSED = "missed"
    TEACHER_ABSENT = "teacher_absent"
    STAFF_DECISION = "staff_decision"
    ENROLLMENT_ENDED = "enrollment_ended"

    # What attendance decides.
    BY_ATTENDANCE = nonmember((ATTENDED, MISSED, TEACHER_ABSENT))
    # What ends a part before anyone has to be there.
    WITHOUT_ATTENDANCE = nonmember(
        (STUDENT_CANCELLED, SESSION_CANCELLED, SESSION_MOVED, FOLDED, ENROLLMENT_ENDED)
    )
