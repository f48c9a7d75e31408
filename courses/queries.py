"""What locks read of courses, as SQL that is written once."""

from uuid import UUID

from django.db.models import QuerySet, Subquery

from common.prepared import prepared
from courses.models import Course, CourseSession


@prepared
def lock_course(key: UUID) -> QuerySet[Course]:
    """The course with this key, locked."""
    return Course.objects.filter(pk=key).locked()


@prepared
def lock_course_of(session: UUID) -> QuerySet[Course, tuple[UUID]]:
    """The key of a session's course, which is locked; the session is read without a lock."""
    key = CourseSession.objects.filter(pk=session).values("course_id")[:1]
    return Course.objects.filter(pk=Subquery(key)).locked().values_list("pk")
