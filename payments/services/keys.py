"""The key of a staff form, which whatever the form makes has as its own."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import IntegrityError

from payments.errors import KeyReused

# As MySQL and MariaDB number it. On SQLite one operation waits for another before it reads.
TAKEN = 1062


@contextmanager
def under_its_key() -> Iterator[None]:
    """What is inserted here has a key that nothing had when the caller looked, under a lock.

    A copy of the form waits for that lock, on the wallet of the user it is about, and finds what
    was made. So a key that is taken by now is that of another form, sent in the same moment: raises
    `KeyReused`, which undoes the operation.
    """
    try:
        yield
    except IntegrityError as error:
        if error.args[0] != TAKEN:
            raise
        raise KeyReused from error
