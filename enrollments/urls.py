"""The pages of students."""

from django.urls import path

from enrollments.views import buying, cancelling, catalogue, joining, learning

app_name = "enrollments"
urlpatterns = [
    path("", catalogue.catalogue, name="catalogue"),
    path("courses/<uuid:course_id>/", catalogue.course, name="course"),
    path("courses/<uuid:course_id>/buy/", buying.buy_course, name="buy_course"),
    path("sessions/<uuid:session_id>/buy/", buying.buy_session, name="buy_session"),
    path("sessions/<uuid:session_id>/join/", joining.join, name="join"),
    path("learning/", learning.learning, name="learning"),
    path(
        "learning/courses/<uuid:enrollment_id>/cancel/",
        cancelling.cancel_enrollment,
        name="cancel_enrollment",
    ),
    path(
        "learning/courses/<uuid:enrollment_id>/sessions/<uuid:session_id>/hand-back/",
        cancelling.hand_back,
        name="hand_back",
    ),
    path(
        "learning/sessions/<uuid:purchase_id>/cancel/",
        cancelling.cancel_purchase,
        name="cancel_purchase",
    ),
]
