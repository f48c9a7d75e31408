"""Give a user credit, from the command line."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from uuid_utils.compat import uuid7

from accounts.models import User
from common.errors import InvalidAmount, Unavailable
from common.money import parse_amount
from payments.errors import KeyReused
from payments.models import Transfer
from payments.services.grants import grant_credit

LONGEST_REASON = Transfer._meta.get_field("note").max_length or 0


class Command(BaseCommand):
    help = "Gives a user credit (1 credit is 1 US dollar), for a stated reason."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("amount", help="Such as 12.50.")
        parser.add_argument("--reason", required=True)
        parser.add_argument(
            "--request-id", type=UUID, help="That of a try whose outcome is unknown: grants once."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        request_id = options["request_id"] or uuid7()
        made = self._grant(
            user=_find(options["email"]),
            amount=_parse(options["amount"]),
            reason=_check(options["reason"]),
            request_id=request_id,
        )
        amount = Transfer.objects.total_of(made.dedupe_key)
        self.stdout.write(f"Granted {amount} to {options['email']} ({made.dedupe_key}).")

    def _grant(self, *, request_id: UUID, **wanted: Any) -> Transfer:
        try:
            return grant_credit(request_id=request_id, **wanted)
        except KeyReused as error:
            raise CommandError(str(error)) from error
        except Unavailable as error:
            raise CommandError(
                f"The outcome is unknown. Try again with --request-id {request_id}"
            ) from error


def _find(email: str) -> User:
    try:
        return User.objects.get_by_natural_key(email)
    except User.DoesNotExist as error:
        raise CommandError(f"Nobody has the address {email}.") from error


def _parse(amount: str) -> Decimal:
    try:
        return parse_amount(amount)
    except InvalidAmount as error:
        raise CommandError(str(error)) from error


def _check(reason: str) -> str:
    reason = reason.strip()
    if not 1 <= len(reason) <= LONGEST_REASON:
        raise CommandError(f"Give a reason of 1 to {LONGEST_REASON} characters.")
    return reason
