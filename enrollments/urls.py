"""The pages of students."""

from django.urls import path
from django.views.generic import RedirectView

from enrollments.views import buying, cancelling, catalogue, learning, room, sharing

app_name = "enrollments"
urlpatterns = [
    path("", catalogue.catalogue, name="catalogue"),
    path("robots.txt", sharing.robots, name="robots"),
    path("sitemap.xml", sharing.sitemap, name="sitemap"),
    path("sitemap-<int:number>.xml", sharing.sitemap_part, name="sitemap_part"),
    path(
        "sitemap-teachers-<int:number>.xml", sharing.sitemap_of_teachers, name="sitemap_of_teachers"
    ),
    path("share/<uuid:course_id>.jpg", sharing.picture, name="shared_picture"),
    path("share/teachers/<uuid:user_id>.jpg", sharing.photo, name="shared_photo"),
    path("teachers/<uuid:user_id>/", catalogue.teacher, name="teacher"),
    path("courses/<uuid:course_id>/", catalogue.course, name="course"),
    path("courses/<uuid:course_id>/buy/", buying.buy_course, name="buy_course"),
    path("sessions/<uuid:session_id>/buy/", buying.buy_session, name="buy_session"),
    path("sessions/<uuid:session_id>/room/", room.room, name="room"),
    path("sessions/<uuid:session_id>/room/pass/", room.make_pass, name="room_pass"),
    path("sessions/<uuid:session_id>/room/in/", room.let_in, name="room_in"),
    path("sessions/<uuid:session_id>/room/state/", room.state, name="room_state"),
    path("sessions/<uuid:session_id>/room/end/", room.end, name="room_end"),
    path("sessions/<uuid:session_id>/room/resume/", room.resume, name="room_resume"),
    path(
        "sessions/<uuid:session_id>/room/people/<uuid:user_id>/<slug:verb>/",
        room.order,
        name="room_order",
    ),
    path("sessions/<uuid:session_id>/room/after/", room.after, name="room_after"),
    path("room/check/", room.check, name="room_check"),
    # Where mails and calendars of before lead.
    path(
        "sessions/<uuid:session_id>/join/",
        RedirectView.as_view(pattern_name="enrollments:room"),
        name="join",
    ),
    path("learning/", learning.learning, name="learning"),
    path(
        "learning/courses/<uuid:enrollment_id>/money/",
        learning.timeline,
        name="timeline",
    ),
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
