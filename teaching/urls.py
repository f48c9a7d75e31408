"""The pages of teachers."""

from django.urls import path

from teaching.views import courses, scheduling, sessions, writing

app_name = "teaching"
urlpatterns = [
    path("", courses.courses, name="courses"),
    path("courses/new/", courses.create_course, name="create_course"),
    path("courses/<uuid:course_id>/", courses.course, name="course"),
    path("courses/<uuid:course_id>/edit/", courses.edit_course, name="edit_course"),
    path("courses/<uuid:course_id>/publish/", courses.publish, name="publish"),
    path("courses/<uuid:course_id>/archive/", courses.archive, name="archive"),
    path("courses/<uuid:course_id>/delete/", courses.delete_course, name="delete_course"),
    path("courses/<uuid:course_id>/sessions/new/", sessions.add_session, name="add_session"),
    path("courses/<uuid:course_id>/schedule/", scheduling.schedule, name="schedule"),
    path("courses/<uuid:course_id>/move/", scheduling.move_all, name="move_all"),
    path("courses/<uuid:course_id>/copy/", scheduling.copy, name="copy"),
    path("courses/<uuid:course_id>/attendance/", sessions.attendance, name="attendance"),
    path("courses/<uuid:course_id>/attendance.csv", sessions.attendance_csv, name="attendance_csv"),
    path("courses/<uuid:course_id>/write/", writing.write_about_course, name="write_about_course"),
    path("sessions/<uuid:session_id>/", sessions.roster, name="roster"),
    path("sessions/<uuid:session_id>/edit/", sessions.edit_session, name="edit_session"),
    path("sessions/<uuid:session_id>/cancel/", sessions.cancel_session, name="cancel_session"),
    path(
        "sessions/<uuid:session_id>/write/",
        writing.write_about_session,
        name="write_about_session",
    ),
    path("sessions/<uuid:session_id>/delete/", sessions.delete_session, name="delete_session"),
]
