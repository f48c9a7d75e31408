"""What requests ask of users, in SQL that is written once."""

from uuid import UUID

from django.db.models import QuerySet

from accounts.models import User
from common.prepared import prepared


@prepared
def users_by_key(key: UUID) -> QuerySet[User]:
    """The user with this key, if there is one."""
    return User.objects.filter(pk=key)
