"""My notices over the API."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter
from rest_framework import exceptions, serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from common.errors import NotFound, Unavailable
from common.paging import LinkPagination
from common.rendering import RenderedModel, render
from common.schema import documented, documented_list
from notices.models import Notice
from notices.readers import reader_of
from notices.rendering import text_of
from notices.services.reading import acknowledge_notice, read_notice

TAGS = ["notices"]
UNREAD = OpenApiParameter("unread", bool, description="Only those that you have not read.")


class NoticeSerializer(RenderedModel):
    kind = serializers.CharField(help_text="Expect others than those you know.")
    text = serializers.SerializerMethodField(help_text="Times in it are in your time zone.")
    course_id = serializers.UUIDField(allow_null=True)
    session_id = serializers.UUIDField(allow_null=True)

    class Meta:
        model = Notice
        fields = [
            "id",
            "kind",
            "text",
            "created_at",
            "read_at",
            "acknowledged_at",
            "must_acknowledge",
            "course_id",
            "session_id",
        ]

    def get_text(self, notice: Notice) -> str:
        return text_of(notice)


class NewestNotices(LinkPagination):
    ordering = ("-created_at", "-id")


@documented_list(
    "list_notices",
    {200: NoticeSerializer(many=True)},
    parameters=[UNREAD],
    tags=TAGS,
    summary="My notices, newest first",
)
class NoticesView(ListAPIView):
    serializer_class = NoticeSerializer
    pagination_class = NewestNotices
    queryset = Notice.objects.none()

    def get_queryset(self) -> Any:
        mine = Notice.objects.shown_to(reader_of(self.request)).select_related("reader")
        return mine.unread() if _asks_for_unread(self.request) else mine


class ReadView(APIView):
    @documented(
        "read_notice",
        {200: NoticeSerializer},
        (NotFound, Unavailable),
        request=None,
        tags=TAGS,
        summary="Mark a notice as read",
        description="A repeat changes nothing.",
    )
    def post(self, request: Request, notice_id: UUID) -> Response:
        notice = read_notice(reader_id=reader_of(request), notice_id=notice_id)
        return Response(render(NoticeSerializer, notice))


class AcknowledgeView(APIView):
    @documented(
        "acknowledge_notice",
        {200: NoticeSerializer},
        (NotFound, Unavailable),
        request=None,
        tags=TAGS,
        summary="Acknowledge a notice",
        description="It counts as read as well. A repeat changes nothing.",
    )
    def post(self, request: Request, notice_id: UUID) -> Response:
        notice = acknowledge_notice(reader_id=reader_of(request), notice_id=notice_id)
        return Response(render(NoticeSerializer, notice))


def _asks_for_unread(request: Any) -> bool:
    asked = request.query_params.get("unread", "false")
    if asked not in ("true", "false"):
        raise exceptions.ValidationError({"unread": ["Choose true or false."]})
    return bool(asked == "true")
