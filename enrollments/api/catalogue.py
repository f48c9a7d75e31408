"""The catalogue over the API."""

from collections.abc import Sequence
from functools import partial
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

from django.db.models import QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework.filters import OrderingFilter
from rest_framework.generics import ListAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.people import visitor
from common.conditions import Condition
from common.errors import NotFound
from common.paging import FirstPage, LinkPagination
from common.rendering import render
from common.schema import documented, documented_list
from courses import queries
from courses.models import Course
from courses.search import narrowed
from enrollments.api.serializers import CourseDetailSerializer, CourseRowSerializer
from enrollments.filters import CourseFilter, narrowing
from enrollments.shop.catalogue import listed, read_courses
from enrollments.shop.course import course_for


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
    queryset = Course.objects.listed()

    def get_queryset(self) -> QuerySet[Course]:
        """What a page is sorted by, and nothing else of its courses."""
        asked = self.request.query_params
        few, where = narrowing(asked)
        if "cursor" not in asked and "," not in asked.get("ordering", ""):
            return cast(QuerySet[Course], FirstPage(partial(first, few, where)))
        found = narrowed(Course.objects.listed(), few, where)
        return cast(QuerySet[Course], found.values_list("id", *self.ordering_fields, named=True))

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Found in the courses alone, by an index; then read with what is shown of them."""
        page = self.paginate_queryset(self.get_queryset()) or []
        courses = read_courses([course.id for course in page])
        rows = [render(CourseRowSerializer, row) for row in listed(courses)]
        return self.get_paginated_response(rows)


def first(
    few: Condition | None, where: Condition, order: Sequence[str], limit: int
) -> list[SimpleNamespace]:
    """What the first of those listed are sorted by, of those that are asked for; one statement."""
    if few:
        where = Condition.all_of([few, where])
    rows = queries.first_listed(tuple(order), limit, few=bool(few))(where)
    names = [name.lstrip("-") for name in order]
    return [SimpleNamespace(**dict(zip(names, row, strict=True))) for row in rows]


class CourseView(APIView):
    permission_classes = (AllowAny,)

    @documented(
        "get_course",
        {200: CourseDetailSerializer},
        (NotFound,),
        tags=["courses"],
        summary="One course, with its sessions and what I have of it",
    )
    def get(self, request: Request, course_id: UUID) -> Response:
        course = course_for(visitor(request), course_id)
        return Response(render(CourseDetailSerializer, course))
