"""A reader's calendar: the page about it, its feed, and files."""

from django.urls import path

from calendars import views

app_name = "calendars"
urlpatterns = [
    path("calendar/", views.calendar, name="calendar"),
    path("calendar/renew/", views.renew, name="renew_feed"),
    path("calendar/<str:token>.ics", views.feed, name="feed"),
    path("sessions/<uuid:session_id>/calendar.ics", views.session_file, name="session_file"),
    path(
        "learning/courses/<uuid:enrollment_id>/calendar.ics",
        views.enrollment_file,
        name="enrollment_file",
    ),
]
