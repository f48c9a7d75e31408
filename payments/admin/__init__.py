"""Staff screens of the bank; Django finds them by importing this package."""

from payments.admin import books, users, withdrawals

__all__ = ["books", "users", "withdrawals"]
