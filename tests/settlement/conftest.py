from tests.conversations import configured
from tests.payments.conftest import books_are_clean

__all__ = ["books_are_clean", "configured"]
