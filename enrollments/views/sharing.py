"""What search engines and messengers are told: which pages there are, and what a link shows."""

from io import BytesIO
from uuid import UUID

from django.conf import settings
from django.core.paginator import Paginator
from django.db.models.fields.files import ImageFieldFile
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from PIL import Image, ImageOps

from accounts.models import Introduction
from common.pictures import MAX_PICTURE_PIXELS, PICTURE_FORMATS, UNREADABLE
from courses.models import Course

PAGES_PER_SITEMAP = 10_000
# As messengers show it.
SHARED_SIZE = (1200, 630)
PHOTO_SIZE = (630, 630)

for_an_hour = cache_control(public=True, max_age=3600)
for_a_day = cache_control(public=True, max_age=86_400)


@require_safe
@for_a_day
def robots(request: HttpRequest) -> HttpResponse:
    """What programs that read everything leave alone, and where the list of pages is."""
    lines = ("User-agent: *", "Disallow: /admin/", "Disallow: /api/", "", f"Sitemap: {_sitemap()}")
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain")


@require_safe
@for_an_hour
def sitemap(request: HttpRequest) -> HttpResponse:
    """Where the parts are of the list of all pages that anyone may come across."""
    kinds = (("sitemap_part", _listed()), ("sitemap_of_teachers", _teachers()))
    addresses = [
        f"{settings.SITE_URL}{reverse(f'enrollments:{name}', args=[n])}"
        for name, found in kinds
        for n in found.page_range
    ]
    return _xml(request, "sitemaps", {"addresses": addresses})


@require_safe
@for_an_hour
def sitemap_part(request: HttpRequest, number: int) -> HttpResponse:
    """A part of it, ten thousand courses long; the first has the catalogue too."""
    found = _listed()
    if number not in found.page_range:
        raise Http404
    catalogue = f"{settings.SITE_URL}{reverse('enrollments:catalogue')}"
    pages = [(catalogue, None)] if number == 1 else []
    pages += [(address_of(key), changed) for key, changed in found.page(number)]
    return _xml(request, "sitemap", {"pages": pages})


@require_safe
@for_an_hour
def sitemap_of_teachers(request: HttpRequest, number: int) -> HttpResponse:
    """A part of it, of the teachers of these courses."""
    found = _teachers()
    if number not in found.page_range:
        raise Http404
    pages = [(address_of_teacher(key), None) for key in found.page(number)]
    return _xml(request, "sitemap", {"pages": pages})


@require_safe
@for_a_day
def picture(request: HttpRequest, course_id: UUID) -> HttpResponse:
    """A course's own picture as messengers want it, a JPEG; caches keep it, so none of a draft."""
    visible = Course.objects.visible_to(None).exclude(thumbnail="")
    return _as_jpeg(get_object_or_404(visible, pk=course_id).thumbnail, SHARED_SIZE)


@require_safe
@for_a_day
def photo(request: HttpRequest, user_id: UUID) -> HttpResponse:
    """A teacher's own photo, likewise."""
    shown = Introduction.objects.filter(user__is_active=True, user__is_teacher=True)
    return _as_jpeg(get_object_or_404(shown.exclude(photo=""), pk=user_id).photo, PHOTO_SIZE)


def address_of(course_id: UUID) -> str:
    """The one address of a course's page."""
    return f"{settings.SITE_URL}{reverse('enrollments:course', args=[course_id])}"


def address_of_teacher(user_id: UUID) -> str:
    """The same of a teacher's."""
    return f"{settings.SITE_URL}{reverse('enrollments:teacher', args=[user_id])}"


def photo_of(introduction: Introduction) -> str:
    """The address of what messengers show of a teacher; empty without a photo."""
    if not introduction.photo:
        return ""
    own = reverse("enrollments:shared_photo", args=[introduction.user_id])
    return f"{settings.SITE_URL}{own}"


def picture_of(course: Course | None = None) -> str:
    """The address of what messengers show: the course's own picture, or else that of the site."""
    own = course and course.thumbnail and reverse("enrollments:shared_picture", args=[course.pk])
    return f"{settings.SITE_URL}{own or static('img/share.png')}"


def _listed() -> Paginator:
    listed = Course.objects.listed().order_by("pk").values_list("pk", "updated_at")
    return Paginator(listed, PAGES_PER_SITEMAP)


def _teachers() -> Paginator:
    teachers = Course.objects.listed().order_by("teacher").values_list("teacher", flat=True)
    return Paginator(teachers.distinct(), PAGES_PER_SITEMAP, allow_empty_first_page=False)


def _as_jpeg(kept: ImageFieldFile, size: tuple[int, int]) -> HttpResponse:
    """Also of one that staff uploaded when theirs were kept as they came."""
    try:
        with kept.open() as file, Image.open(file, formats=PICTURE_FORMATS) as stored:
            if stored.width * stored.height > MAX_PICTURE_PIXELS:
                raise Http404
            drawn = ImageOps.fit(ImageOps.exif_transpose(stored).convert("RGB"), size)
    except UNREADABLE as error:  # not there, or not one of ours
        raise Http404 from error
    written = BytesIO()
    drawn.save(written, "JPEG", quality=82)
    return HttpResponse(written.getvalue(), content_type="image/jpeg")


def _sitemap() -> str:
    return f"{settings.SITE_URL}{reverse('enrollments:sitemap')}"


def _xml(request: HttpRequest, name: str, context: dict[str, object]) -> HttpResponse:
    return render(request, f"enrollments/{name}.xml", context, content_type="application/xml")
