"""That a session runs now, wherever it is named."""

from collections.abc import Iterable
from uuid import UUID

from django import template
from django.utils import timezone

from courses.models import CourseSession
from notices.rendering import Said

register = template.Library()


@register.filter
def runs(session: CourseSession) -> bool:
    """Whether a session is running now."""
    return session.runs(timezone.now())


@register.simple_tag
def running_among(told: Iterable[Said]) -> set[UUID]:
    """The keys of the sessions that these notices name and that run now; one statement if any."""
    known = {said.notice.session_id for said in told if said.notice.session_id}
    if not known:
        return set()
    running = CourseSession.objects.running(timezone.now()).filter(pk__in=known)
    return set(running.values_list("pk", flat=True))
