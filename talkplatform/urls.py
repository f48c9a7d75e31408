"""Every URL prefix, on one screen."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from talkplatform import health, media

urlpatterns = [
    # Prefixes are tried in turn, and this one is asked for most.
    path("api/", include("talkplatform.api")),
    path("", include("enrollments.urls")),
    path("teaching/", include("teaching.urls")),
    path("", include("calendars.urls")),
    path("", include("payments.urls")),
    path("", include("notices.urls")),
    path("", include("accounts.urls")),
    # Django's own page lets anybody who finds a session open guess the password for ever.
    path("admin/password_change/", RedirectView.as_view(pattern_name="accounts:change_password")),
    path("admin/", admin.site.urls),
    path("media/courses/<str:name>", media.picture, {"folder": "courses"}),
    path("media/teachers/<str:name>", media.picture, {"folder": "teachers"}),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
]

handler400 = "talkplatform.handlers.bad_request"
handler403 = "talkplatform.handlers.permission_denied"
handler404 = "talkplatform.handlers.page_not_found"
handler500 = "talkplatform.handlers.server_error"
