"""Staff screens of the bank; Django finds them by importing this package."""

from payments.admin import books, debts, texts, topups, users, withdrawals

__all__ = ["books", "debts", "texts", "topups", "users", "withdrawals"]
