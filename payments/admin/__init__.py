"""Staff screens of the bank; Django finds them by importing this package."""

from payments.admin import books, debts, grants, refunds, texts, topups, users, withdrawals

__all__ = ["books", "debts", "grants", "refunds", "texts", "topups", "users", "withdrawals"]
