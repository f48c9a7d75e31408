"""Refusals of the catalogue."""

from common.errors import DomainError


class NothingToSell(DomainError):
    code = "nothing_to_sell"
    message = "A published course has a price, at least one session, and a cent for each of them."
