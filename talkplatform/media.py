"""Uploaded pictures, and of all that is uploaded nothing else."""

from pathlib import PurePath

from django.conf import settings
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.views.decorators.http import require_safe
from django.views.static import serve

# Django would guess a type from any name; what is no picture by its name is not served as one.
TYPES = {
    ".gif": "image/gif",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
}


@require_safe
def picture(request: HttpRequest, folder: str, name: str) -> HttpResponseBase:
    """A picture of a folder. It opens as a picture and, by its policy, can do nothing else."""
    kind = TYPES.get(PurePath(name).suffix.lower())
    if not kind or "\0" in name:
        raise Http404
    response = serve(request, f"{folder}/{name}", document_root=settings.MEDIA_ROOT)
    response.headers["Content-Type"] = kind
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response
