"""The words of teachers' names, kept so that a search finds them."""

from uuid import UUID

from django.db.models import F

from accounts.models import NameWord, User
from common.transactions import operation
from common.words import words_in


def write_name(user_id: UUID) -> bool:
    """Keep the words of a teacher's name; nobody else has any. A repeat changes nothing.

    Gives whether anything changed.

    Called in the transaction that has just changed the row of the user, and reads it again: beside
    a change of the name, someone may become a teacher.
    """
    found = User.objects.filter(pk=user_id, is_teacher=True)
    name = found.values_list("display_name", flat=True).first()
    wanted = words_in(name or "")
    kept = set(NameWord.objects.filter(user=user_id).values_list("word", flat=True))
    if gone := kept - wanted:
        NameWord.objects.filter(user=user_id, word__in=gone).delete()
    NameWord.objects.bulk_create(
        NameWord(user_id=user_id, word=word) for word in sorted(wanted - kept)
    )
    return wanted != kept


@operation
def rewrite_name(user_id: UUID) -> bool:
    """The same for a user who may have been changed by hand. Locks the user."""
    User.objects.filter(pk=user_id).update(display_name=F("display_name"))
    return write_name(user_id)
