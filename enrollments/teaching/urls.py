"""The pages of teachers."""

from django.urls import path

from enrollments.teaching import session_views, views

app_name = "teaching"
urlpatterns = [
    path("", views.courses, name="courses"),
    path("courses/new/", views.create_course, name="create_course"),
    path("courses/<uuid:course_id>/", views.course, name="course"),
    path("courses/<uuid:course_id>/edit/", views.edit_course, name="edit_course"),
    path("courses/<uuid:course_id>/publish/", views.publish, name="publish"),
    path("courses/<uuid:course_id>/archive/", views.archive, name="archive"),
    path("courses/<uuid:course_id>/sessions/new/", session_views.add_session, name="add_session"),
    path("sessions/<uuid:session_id>/", session_views.roster, name="roster"),
    path("sessions/<uuid:session_id>/edit/", session_views.edit_session, name="edit_session"),
    path("sessions/<uuid:session_id>/cancel/", session_views.cancel_session, name="cancel_session"),
    path("sessions/<uuid:session_id>/delete/", session_views.delete_session, name="delete_session"),
]
