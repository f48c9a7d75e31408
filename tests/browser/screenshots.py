"""The pictures of the demo world in the README: script/screenshots takes them again."""

from io import BytesIO
from pathlib import Path

import pytest
from django.conf import settings
from django.urls import reverse
from PIL import Image

from accounts.models import User
from courses.models import Course

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PLACE = Path(settings.BASE_DIR, "docs", "img")
MAX_BYTES = 150_000
WIDE = {"viewport": {"width": 1280, "height": 860}}
PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 1.5}


def course(title):
    return Course.objects.get(title__startswith=title).pk


PICTURES = {
    "catalogue": ("aisha", WIDE, lambda: reverse("enrollments:catalogue")),
    "course": (
        "aisha",
        WIDE,
        lambda: reverse("enrollments:course", args=[course("Conversational")]),
    ),
    "learning": ("aisha", PHONE, lambda: reverse("enrollments:learning")),
    "credit": ("aisha", PHONE | {"color_scheme": "dark"}, lambda: reverse("payments:credit")),
    "earnings": ("james", WIDE, lambda: reverse("payments:earnings")),
    "holds": ("staff", WIDE, lambda: reverse("admin:payments_paymenthold_changelist")),
}


@pytest.mark.parametrize("name", PICTURES)
def test_take(world, open_page, name):
    reader, screen, find = PICTURES[name]
    page = open_page(User.objects.get(email=f"{reader}@example.com"), **screen)
    page.goto(find(), wait_until="networkidle")
    while (read := page.get_by_role("button", name="Got it")).count():
        read.first.click()  # what it covers is to be seen
        page.goto(find(), wait_until="networkidle")
    PLACE.mkdir(exist_ok=True)
    path = PLACE / f"{name}.png"
    seen = page.evaluate("() => [document.body.clientWidth, innerHeight]")
    clip = {"x": 0, "y": 0, "width": seen[0], "height": seen[1]}  # the scroll bar is left out
    shot = Image.open(BytesIO(page.screenshot(clip=clip)))
    shot.convert("RGB").quantize(256, dither=Image.Dither.NONE).save(path, optimize=True)
    assert path.stat().st_size < MAX_BYTES
