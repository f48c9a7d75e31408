"""The sessions of browsers, in the database."""

from copy import deepcopy
from typing import Any

from django.contrib.sessions.backends.db import SessionStore as DatabaseSessions
from django.contrib.sessions.models import Session
from django.utils import timezone

from accounts.queries import sessions_by_key


class SessionStore(DatabaseSessions):
    """Saves what differs from what it saved: logging in does so before there is an answer."""

    _saved: tuple[str | None, dict[str, Any]] | None = None

    def _get_session_from_db(self) -> Session | None:
        """The row of this session, unless it is over; without one the key means nothing."""
        found = sessions_by_key(self.session_key or "", timezone.now())
        if not found:
            self._session_key = None
        return found[0] if found else None

    def save(self, must_create: bool = False) -> None:
        if not must_create and self._saved == (self.session_key, dict(self.items())):
            return
        super().save(must_create)
        self._saved = self.session_key, deepcopy(dict(self.items()))
