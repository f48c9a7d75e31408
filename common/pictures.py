"""Pictures that people upload: of each only what it shows is kept."""

from io import BytesIO
from typing import Any
from uuid import uuid4

from django import forms
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from PIL import Image, ImageOps

MAX_PICTURE_BYTES = 2 * 1024 * 1024
# A small file can unfold into gigabytes of pixels.
MAX_PICTURE_PIXELS = 24_000_000
PICTURE_FORMATS = ("JPEG", "PNG", "WEBP")
# What Pillow raises for what it can't read, be it only the note of which way up it is.
UNREADABLE = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)


class PictureField(forms.FileField):
    """A picture, redrawn under a name of ours: within `size`, or cut to its proportions."""

    widget = forms.FileInput

    def __init__(self, *, size: tuple[int, int], cut: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.size, self.cut = size, cut

    def widget_attrs(self, widget: forms.Widget) -> dict[str, str]:
        return {"accept": "image/jpeg,image/png,image/webp"}

    def clean(self, data: object, initial: object = None) -> object:
        given = super().clean(data, initial)
        return self._redraw(given) if isinstance(given, UploadedFile) else given

    def _redraw(self, upload: UploadedFile) -> ContentFile:
        """The picture alone, as WebP: whatever else the file carried stays behind."""
        if (upload.size or 0) > MAX_PICTURE_BYTES:
            raise forms.ValidationError("The picture is larger than 2 MB. Choose a smaller one.")
        try:
            with Image.open(upload, formats=PICTURE_FORMATS) as picture:
                if picture.width * picture.height > MAX_PICTURE_PIXELS:
                    raise forms.ValidationError("The picture has too many pixels. Make it smaller.")
                return ContentFile(self._as_webp(picture), name=f"{uuid4().hex}.webp")
        except UNREADABLE as error:
            refusal = "We can't read this picture. Choose a JPEG, PNG or WebP file."
            raise forms.ValidationError(refusal) from error

    def _as_webp(self, picture: Image.Image) -> bytes:
        # Every copy at full size is a hundred megabytes: none that is not needed.
        ImageOps.exif_transpose(picture, in_place=True)
        mode = "RGBA" if picture.has_transparency_data else "RGB"
        upright = picture if picture.mode == mode else picture.convert(mode)
        if self.cut:
            width, height = self.size
            scale = min(1, upright.width / width, upright.height / height)
            whole = (max(1, round(width * scale)), max(1, round(height * scale)))
            upright = ImageOps.fit(upright, whole)
        upright.thumbnail(self.size)
        drawn = BytesIO()
        upright.save(drawn, "WEBP", quality=82)
        return drawn.getvalue()
