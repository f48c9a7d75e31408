"""What I have booked, over the API."""

from typing import cast

from django.db.models import QuerySet
from rest_framework.generics import ListAPIView

from accounts.people import signed_in
from common.paging import FirstPage, LinkPagination
from common.schema import documented_list
from enrollments import queries
from enrollments.api.serializers import (
    EnrollmentSerializer,
    PurchaseSerializer,
)
from enrollments.models import CourseEnrollment, SessionPurchase

TAGS = ["enrollments"]


class NewestEnrollments(LinkPagination):
    ordering = ("-enrolled_at", "-id")


class NewestPurchases(LinkPagination):
    ordering = ("-purchased_at", "-id")


@documented_list(
    "list_my_enrollments",
    {200: EnrollmentSerializer(many=True)},
    tags=TAGS,
    summary="My enrolments, newest first",
)
class MyEnrollmentsView(ListAPIView):
    serializer_class = EnrollmentSerializer
    pagination_class = NewestEnrollments
    queryset = CourseEnrollment.objects.none()

    def get_queryset(self) -> QuerySet[CourseEnrollment]:
        user = signed_in(self.request)
        if "cursor" in self.request.query_params:
            return CourseEnrollment.objects.of(user).with_course().newest_first()
        newest = FirstPage(lambda _, limit: queries.newest_enrollments(limit)(user.pk))
        return cast(QuerySet[CourseEnrollment], newest)


@documented_list(
    "list_my_session_purchases",
    {200: PurchaseSerializer(many=True)},
    tags=TAGS,
    summary="My single sessions, newest first",
)
class MyPurchasesView(ListAPIView):
    serializer_class = PurchaseSerializer
    pagination_class = NewestPurchases
    queryset = SessionPurchase.objects.none()

    def get_queryset(self) -> QuerySet[SessionPurchase]:
        user = signed_in(self.request)
        return SessionPurchase.objects.of(user).with_course().newest_first()
