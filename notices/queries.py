"""What every page asks of notices, as SQL that is written once."""

from uuid import UUID

from django.db.models import Count, QuerySet

from common.prepared import prepared
from notices.models import Notice


@prepared
def unread(reader: UUID) -> QuerySet[Notice, tuple[int]]:
    """How many notices a reader has not read, if any: one count, by an index alone."""
    mine = Notice.objects.shown_to(reader).unread().order_by()
    return mine.values("reader").annotate(unread=Count("*")).values_list("unread")
