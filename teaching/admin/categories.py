"""Staff's screen of the categories that courses are filed under."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Max, Model
from django.http import HttpRequest, HttpResponse

from courses.categories import rename_category
from courses.models import LONGEST_CATEGORY, Category


class CategoryForm(forms.ModelForm):
    name = forms.CharField(
        max_length=LONGEST_CATEGORY,
        help_text="If you rename a category, its courses get the new name. With the name of "
        "another, the two become one.",
    )


@admin.register(Category)
class CategoryAdmin(admin.ModelAdmin):
    """Edited, ordered, and merged by giving one the name of another. None is deleted alone."""

    form = CategoryForm
    fields = ("name", "position")
    list_display = ("name", "position")

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """A new one comes last."""
        last = Category.objects.aggregate(last=Max("position"))["last"]
        return {"position": (last or 0) + 10} | super().get_changeform_initial_data(request)

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Without Django's own transaction, in which no operation may begin."""
        if request.method != "POST":
            return super().changeform_view(request, *args, **kwargs)
        given = dict(zip(("object_id", "form_url", "extra_context"), args, strict=False)) | kwargs
        whole = {"object_id": None, "form_url": "", "extra_context": None} | given
        return self._changeform_view(request, **whole)  # type: ignore[attr-defined]

    def save_model(
        self, request: HttpRequest, obj: Category, form: CategoryForm, change: bool
    ) -> None:
        before = Category.objects.filter(pk=obj.pk).first() or Category(name="", position=0)
        before.position = obj.position
        renamed = rename_category(before, obj.name)
        Category.objects.filter(pk=renamed.pk).update(position=obj.position)
        obj.pk, obj.name = renamed.pk, renamed.name
