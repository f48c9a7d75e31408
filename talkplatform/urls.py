"""Every URL prefix, on one screen."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from talkplatform import health

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="docs"), name="home"),
    path("admin/", admin.site.urls),
    path("api/", include("talkplatform.api")),
    path("healthz", health.healthz),
    path("readyz", health.readyz),
]

handler400 = "talkplatform.handlers.bad_request"
handler403 = "talkplatform.handlers.permission_denied"
handler404 = "talkplatform.handlers.page_not_found"
handler500 = "talkplatform.handlers.server_error"
