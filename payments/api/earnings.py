"""Earnings and withdrawals over the API: parse, call one service, answer."""

import json
from functools import partial
from http import HTTPStatus
from uuid import UUID

from django.db.models import QuerySet
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.errors import TooManyAttempts, WrongPassword
from accounts.people import signed_in
from accounts.services import confirm_password
from accounts.throttling import client_address
from common.errors import InvalidAmount, NotFound, Unavailable
from common.paging import LinkPagination
from common.parsers import Exact, parsed
from common.schema import documented, documented_list
from payments import earnings
from payments.api import examples
from payments.api.answers import KEY_ERRORS, KEY_PARAMETER, MoneyView, answer, rendered
from payments.api.serializers import (
    EarningsSerializer,
    WithdrawalRequestSerializer,
    WithdrawalSerializer,
)
from payments.errors import BelowMinimum, InDebt, InsufficientBalance, WithdrawalDecided
from payments.models import Withdrawal
from payments.services.withdrawals import cancel_withdrawal, request_withdrawal

TAGS = ["payments"]


class LatestSessions(LinkPagination):
    ordering = ("-starts_at", "-id")


class NewestWithdrawals(LinkPagination):
    ordering = ("-requested_at", "-id")


class EarningsView(APIView):
    @documented(
        "get_earnings",
        {200: EarningsSerializer},
        parameters=examples.PAGES,
        tags=TAGS,
        summary="What I earned as a teacher and from referrals",
        description="The sessions, latest first, are paged like any list.",
        examples=examples.EARNINGS,
    )
    def get(self, request: Request) -> Response:
        user, pages = signed_in(request), LatestSessions()
        forecast = earnings.forecast_of(user)
        sessions = pages.paginate_queryset(earnings.sessions_of(user), request, self)
        rows = [earnings.earnings_of(session, forecast) for session in sessions]
        figures = earnings.figures_of(user, forecast)
        body = EarningsSerializer({"figures": figures, "sessions": rows}).data
        return pages.get_paginated_response(body)


@documented_list(
    "list_withdrawals",
    {200: WithdrawalSerializer(many=True)},
    tags=TAGS,
    summary="My withdrawals, newest first",
)
class WithdrawalsView(MoneyView, ListAPIView):
    serializer_class = WithdrawalSerializer
    pagination_class = NewestWithdrawals
    queryset = Withdrawal.objects.none()

    def get_queryset(self) -> QuerySet[Withdrawal]:
        return Withdrawal.objects.of(signed_in(self.request))

    @documented(
        "request_withdrawal",
        {201: WithdrawalSerializer},
        (
            InvalidAmount,
            WrongPassword,
            BelowMinimum,
            InsufficientBalance,
            InDebt,
            TooManyAttempts,
            Unavailable,
            *KEY_ERRORS,
        ),
        request=WithdrawalRequestSerializer,
        parameters=[KEY_PARAMETER],
        tags=TAGS,
        summary="Request a withdrawal",
        description="Requires the password again; a wrong one counts as it does when signing in, "
        "and may be corrected under the same key.",
        examples=examples.WITHDRAWAL,
    )
    def post(self, request: Request) -> Response:
        given, user = parsed(WithdrawalRequestSerializer, request), signed_in(request)
        password = given.pop("password")
        confirm_password(user=user, password=password, address=client_address(request))

        act = partial(request_withdrawal, user=user, **given)
        told = rendered(WithdrawalSerializer, HTTPStatus.CREATED)
        # Not the body: we never store a fast hash of the password.
        return answer(request, act, told, said=json.dumps(given, default=str).encode())


class WithdrawalView(MoneyView):
    @documented(
        "cancel_withdrawal",
        {200: WithdrawalSerializer},
        (NotFound, WithdrawalDecided, Unavailable, *KEY_ERRORS),
        request=None,
        parameters=[KEY_PARAMETER],
        tags=TAGS,
        summary="Cancel a withdrawal that has not been decided",
    )
    def delete(self, request: Request, withdrawal_id: UUID) -> Response:
        parsed(Exact, request)

        act = partial(cancel_withdrawal, user=signed_in(request), withdrawal_id=withdrawal_id)
        return answer(request, act, rendered(WithdrawalSerializer))
