"""The database as tests find it, once one has committed: sooner than by Django's flush.

That deletes from every table, and then lays all content types and permissions anew.
"""

from functools import cache

from django.core.management.color import no_style
from django.db import connection

from payments.opening import open_system_accounts

# They come with the tables, and no test changes them.
LAID = {"django_content_type", "auth_permission"}


@cache
def tables() -> list[str]:
    names = connection.introspection.django_table_names(only_existing=True, include_views=False)
    return sorted({*names} - LAID)


def filled() -> list[str]:
    """The tables in which there are rows."""
    ask = (f"SELECT '{name}', EXISTS (SELECT 1 FROM {name})" for name in tables())
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(ask))
        return [name for name, found in cursor.fetchall() if found]


def empty() -> None:
    """Delete all rows, but for those that came with the tables."""
    statements = connection.ops.sql_flush(no_style(), filled())
    connection.ops.execute_sql_flush(statements)
    open_system_accounts(None, connection.alias)
