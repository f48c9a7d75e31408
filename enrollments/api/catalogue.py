"""The catalogue over the API."""

from typing import Any
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
from common.paging import LinkPagination
from common.rendering import render
from common.schema import documented, documented_list
from courses.models import Course
from enrollments.api.serializers import CourseDetailSerializer, CourseRowSerializer
from enrollments.filters import CourseFilter
from enrollments.shop.catalogue import FoundCourse, catalogue, listed
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
    queryset = Course.objects.none()

    def get_queryset(self) -> QuerySet[FoundCourse]:
        return catalogue()

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        rows = [render(CourseRowSerializer, row) for row in listed(page or [])]
        return self.get_paginated_response(rows)


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
