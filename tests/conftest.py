"""What every test finds."""

import pytest
from django.db import connection


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On SQLite the tests of locks are no part of the suite: left out, not skipped."""
    if connection.vendor == "mysql":
        return
    left_out = [item for item in items if item.get_closest_marker("mariadb")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("mariadb")]
