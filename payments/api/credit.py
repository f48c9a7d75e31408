"""My money over the API: balance, movements, holds."""

from django.db.models import QuerySet
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.serializers import AccountSerializer
from accounts.people import signed_in
from common.money import total
from common.paging import LinkPagination
from common.rendering import render
from common.schema import documented, documented_list
from payments.api.serializers import (
    BalancesSerializer,
    HoldWithTimelineSerializer,
    MeSerializer,
    TransferSerializer,
    WalletSerializer,
)
from payments.models import PaymentHold, Transfer
from payments.services.refunds import preview_refund
from payments.wallets import standing_of


class MeView(APIView):
    @documented("get_me", {200: MeSerializer}, tags=["auth"], summary="My profile and credit")
    def get(self, request: Request) -> Response:
        user = signed_in(request)
        wallet = render(BalancesSerializer, standing_of(user))
        return Response(render(AccountSerializer, user) | wallet)


class WalletView(APIView):
    @documented("get_wallet", {200: WalletSerializer}, tags=["payments"], summary="My credit")
    def get(self, request: Request) -> Response:
        user = signed_in(request)
        standing = standing_of(user)
        pieces = preview_refund(user, credit=standing.credit)
        refundable = total(piece.amount for piece in pieces)
        wallet = standing._asdict() | {"refundable": refundable}
        return Response(render(WalletSerializer, wallet))


class NewestTransfers(LinkPagination):
    ordering = ("-created_at", "-id")


class NewestHolds(LinkPagination):
    ordering = ("-held_at", "-id")


@documented_list(
    "list_transfers",
    {200: TransferSerializer(many=True)},
    tags=["payments"],
    summary="My movements, newest first",
)
class TransfersView(ListAPIView):
    serializer_class = TransferSerializer
    pagination_class = NewestTransfers
    queryset = Transfer.objects.none()

    def get_queryset(self) -> QuerySet[Transfer]:
        return Transfer.objects.as_seen_by(signed_in(self.request))


@documented_list(
    "list_holds",
    {200: HoldWithTimelineSerializer(many=True)},
    tags=["payments"],
    summary="What is held for me, with its timeline",
)
class HoldsView(ListAPIView):
    serializer_class = HoldWithTimelineSerializer
    pagination_class = NewestHolds
    queryset = PaymentHold.objects.none()

    def get_queryset(self) -> QuerySet[PaymentHold]:
        return PaymentHold.objects.of(signed_in(self.request)).with_parts()
