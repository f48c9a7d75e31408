"""The pages of what people are told."""

from django.urls import path

from notices import views

app_name = "notices"
urlpatterns = [
    path("notices/", views.notices, name="notices"),
    path("notices/read/", views.read_all, name="read_all"),
    path("notices/emails/", views.emails, name="emails"),
    path("unsubscribe/<str:token>/", views.turn_off, name="turn_off"),
    path("notices/<uuid:notice_id>/", views.follow, name="follow"),
    path("notices/<uuid:notice_id>/acknowledge/", views.acknowledge, name="acknowledge"),
]
