"""The catalogue over the API."""

from typing import Any
from uuid import UUID

from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.filters import OrderingFilter
from rest_framework.generics import ListAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.people import visitor
from common.errors import NotFound
from common.paging import LinkPagination
from common.schema import documented, documented_list
from courses.models import Course
from enrollments.api.serializers import CourseDetailSerializer, CourseRowSerializer
from enrollments.filters import CourseFilter
from enrollments.shop import storefront


class CataloguePagination(LinkPagination):
    ordering = ("-created_at", "-id")


@documented_list(
    "list_courses",
    {200: CourseRowSerializer(many=True)},
    tags=["courses"],
    summary="The published courses",
)
class CatalogueView(ListAPIView):
    permission_classes = (AllowAny,)
    serializer_class = CourseRowSerializer
    pagination_class = CataloguePagination
    filter_backends = (DjangoFilterBackend, OrderingFilter)
    filterset_class = CourseFilter
    ordering_fields = ("created_at", "title", "price")
    ordering = ("-created_at",)
    queryset = Course.objects.none()

    def get_queryset(self) -> Any:
        return storefront.catalogue()

    def paginate_queryset(self, queryset: Any) -> Any:
        return storefront.describe(super().paginate_queryset(queryset) or [])


class CourseView(APIView):
    permission_classes = (AllowAny,)

    @documented(
        "get_course",
        {200: CourseDetailSerializer},
        (NotFound,),
        tags=["courses"],
        summary="One course, with its sessions and what is mine of it",
    )
    def get(self, request: Request, course_id: UUID) -> Response:
        course = storefront.course_for(visitor(request), course_id)
        return Response(CourseDetailSerializer(course, context={"request": request}).data)
