from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, connections, router


class Routes:
    read = write = "default"

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return self.read

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return self.write


@pytest.fixture
def routes(monkeypatch) -> Iterator[Routes]:
    """Where statements go: to `default`, or `other`, a connection that sees what is committed."""
    connections["other"] = connection.copy("other")
    routes = Routes()
    monkeypatch.setattr(router, "routers", [routes])
    yield routes
    connections["other"].close()
    del connections["other"]
