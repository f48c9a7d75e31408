"""JSON of courses as their buyers see them, and of what was bought."""

from rest_framework import serializers

from accounts.models import User
from common.parsers import Exact
from common.rendering import Money, Rendered, RenderedModel
from courses.models import Course, CourseSession
from enrollments.access import AccessReason
from enrollments.models import CourseEnrollment, EnrollmentType, SessionPurchase
from payments.api.serializers import ExpectedSum, HoldSerializer


class TeacherSerializer(RenderedModel):
    class Meta:
        model = User
        fields = ["id", "display_name"]


class CourseBriefSerializer(RenderedModel):
    teacher_id = serializers.UUIDField()
    teacher = TeacherSerializer()
    thumbnail = serializers.ImageField(use_url=True, allow_null=True)

    class Meta:
        model = Course
        fields = [
            "id",
            "teacher_id",
            "teacher",
            "title",
            "language",
            "level",
            "category",
            "thumbnail",
            "price_full_course",
            "price_per_session",
            "max_students",
            "status",
        ]


class SessionBriefSerializer(RenderedModel):
    course_id = serializers.UUIDField()

    class Meta:
        model = CourseSession
        fields = [
            "id",
            "course_id",
            "session_number",
            "title",
            "description",
            "starts_at",
            "duration_minutes",
            "status",
        ]


class EnrollmentSerializer(RenderedModel):
    user_id = serializers.UUIDField()
    course_id = serializers.UUIDField()
    course = CourseBriefSerializer()
    hold = HoldSerializer()

    class Meta:
        model = CourseEnrollment
        fields = [
            "id",
            "user_id",
            "course_id",
            "enrollment_type",
            "total_price_paid",
            "payment_status",
            "status",
            "enrolled_at",
            "cancelled_at",
            "refund_amount",
            "completion_percentage",
            "created_at",
            "updated_at",
            "course",
            "hold",
        ]


class PurchaseSerializer(RenderedModel):
    user_id = serializers.UUIDField()
    course_id = serializers.UUIDField()
    session_id = serializers.UUIDField()
    course = CourseBriefSerializer()
    session = SessionBriefSerializer()
    hold = HoldSerializer()

    class Meta:
        model = SessionPurchase
        fields = [
            "id",
            "user_id",
            "course_id",
            "session_id",
            "price_paid",
            "payment_status",
            "status",
            "purchased_at",
            "cancelled_at",
            "refund_amount",
            "attended",
            "attendance_duration_minutes",
            "created_at",
            "updated_at",
            "course",
            "session",
            "hold",
        ]


class PurchaseRequestSerializer(Exact):
    expected_price = ExpectedSum(
        required=False, help_text="The `price_now` that was shown: any other price is refused."
    )


class EnrollRequestSerializer(PurchaseRequestSerializer):
    enrollment_type = serializers.ChoiceField(
        choices=[EnrollmentType.FULL_COURSE.value], required=False
    )


class CancelRequestSerializer(Exact):
    reason = serializers.CharField(required=False, allow_blank=True, max_length=500)
    expected_refund = ExpectedSum(
        required=False, help_text="The refund that the preview showed: a lower one is refused."
    )


class CancellationSerializer(Rendered):
    message = serializers.CharField()
    refund_amount = Money()
    refunded_at = serializers.DateTimeField()


class EnrollmentCancellationSerializer(CancellationSerializer):
    enrollment = EnrollmentSerializer(source="booking")


class PurchaseCancellationSerializer(CancellationSerializer):
    purchase = PurchaseSerializer(source="booking")


class OutlookSerializer(Rendered):
    session_id = serializers.UUIDField()
    paid = Money()
    refund = Money()
    reason = serializers.CharField()


class PreviewSerializer(Rendered):
    refund_amount = Money()
    sessions = OutlookSerializer(many=True)
    allowed = serializers.BooleanField()
    code = serializers.CharField(allow_null=True)


class JoinSerializer(Rendered):
    url = serializers.CharField()
    token = serializers.CharField()


class AccessSerializer(Rendered):
    hasAccess = serializers.BooleanField(source="has_access")  # noqa: N815 - clients exist
    reason = serializers.ChoiceField(choices=AccessReason.choices)
    opens_at = serializers.DateTimeField()
    closes_at = serializers.DateTimeField()
    join = JoinSerializer(allow_null=True, default=None)


class SessionOfCourseSerializer(SessionBriefSerializer):
    seats_left = serializers.IntegerField(allow_null=True)
    my_access = AccessSerializer(allow_null=True)
    price_now = Money(allow_null=True)

    class Meta(SessionBriefSerializer.Meta):
        row = "session"
        beside = ("seats_left", "my_access", "price_now")
        fields = [*SessionBriefSerializer.Meta.fields, *beside]


class CourseRowSerializer(CourseBriefSerializer):
    sessions_count = serializers.IntegerField()
    next_session_starts_at = serializers.DateTimeField(allow_null=True)
    seats_left = serializers.IntegerField(allow_null=True)

    class Meta(CourseBriefSerializer.Meta):
        row = "course"
        beside: tuple[str, ...] = ("sessions_count", "next_session_starts_at", "seats_left")
        fields = [
            *CourseBriefSerializer.Meta.fields,
            "description",
            "current_students",
            *beside,
            "created_at",
            "updated_at",
        ]


class CourseDetailSerializer(CourseRowSerializer):
    sessions = SessionOfCourseSerializer(many=True)
    my_enrollment = EnrollmentSerializer(allow_null=True)
    price_now = Money(allow_null=True, help_text="The price of the sessions still to come.")
    already_held = Money(allow_null=True, help_text="What is already held for my single sessions.")

    class Meta(CourseRowSerializer.Meta):
        mine = ("sessions", "my_enrollment", "price_now", "already_held")
        beside = (*CourseRowSerializer.Meta.beside, *mine)
        fields = [*CourseRowSerializer.Meta.fields, *mine]
