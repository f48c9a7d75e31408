"""The catalogue over the API."""

from datetime import datetime
from typing import Any, NamedTuple, cast
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
from common.errors import NotFound
from common.paging import FirstPage, LinkPagination
from common.rendering import render
from common.schema import documented, documented_list
from courses import queries
from courses.models import Course
from enrollments.api.serializers import CourseDetailSerializer, CourseRowSerializer
from enrollments.filters import CourseFilter, narrowed
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
        if {*self.request.query_params} <= {"limit"}:
            return cast(QuerySet[Course], FirstPage(newest))
        found = narrowed(Course.objects.listed(), self.request.query_params)
        return cast(QuerySet[Course], found.values_list("id", *self.ordering_fields, named=True))

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Found in the courses alone, by an index; then read with what is shown of them."""
        page = self.paginate_queryset(self.get_queryset()) or []
        courses = read_courses([course.id for course in page])
        rows = [render(CourseRowSerializer, row) for row in listed(courses)]
        return self.get_paginated_response(rows)


class Newest(NamedTuple):
    """What a page of the newest courses is sorted by."""

    id: UUID
    created_at: datetime


def newest(limit: int) -> list[Newest]:
    """The first of those listed; one statement."""
    return [Newest(*row) for row in queries.newest_listed(limit)()]


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
