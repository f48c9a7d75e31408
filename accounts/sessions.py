"""The sessions of browsers, in the database."""

from copy import deepcopy
from typing import Any

from django.contrib.sessions.backends.db import SessionStore as DatabaseSessions


class SessionStore(DatabaseSessions):
    """Saves what differs from what it saved: logging in does so before there is an answer."""

    _saved: tuple[str | None, dict[str, Any]] | None = None

    def save(self, must_create: bool = False) -> None:
        if not must_create and self._saved == (self.session_key, dict(self.items())):
            return
        super().save(must_create)
        self._saved = self.session_key, deepcopy(dict(self.items()))
