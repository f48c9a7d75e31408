"""Staff screens of courses, their sessions, and what teachers write to students.

They are here, and not in the catalogue, because changing what may have been sold is.
"""

from typing import Any, cast

from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.widgets import AdminFileWidget
from django.core.files.uploadedfile import UploadedFile
from django.db.models import DateTimeField, Field, Model, PositiveIntegerField, QuerySet
from django.forms import BaseInlineFormSet
from django.http import HttpRequest, HttpResponse

from accounts.models import User
from accounts.people import signed_in
from common.admin import PeriodFilter, PersonFilter, ReadOnlyAdmin
from common.admin.deciding import Deciding
from common.errors import DomainError
from common.forms import AmountField, Cleaned, PlainMomentField, WholeNumberField
from common.shapes import Json
from common.transactions import operation
from courses import lists
from courses.descriptions import write_description
from courses.models import Announcement, Course, CourseSession
from enrollments.services.sessions import change_course
from enrollments.services.timetable import add_session
from teaching.admin.deciding import ON_COURSES, ON_SESSIONS
from teaching.forms import ListedField, picture_field

PLAIN: dict[type[Field], Json] = {
    PositiveIntegerField: {"form_class": WholeNumberField},
    DateTimeField: {"form_class": PlainMomentField},
}


class CourseForm(forms.ModelForm):
    language = ListedField(lists.languages)
    category = ListedField(lists.categories)
    thumbnail = picture_field(widget=AdminFileWidget)
    price_full_course = AmountField(required=False)
    price_per_session = AmountField(required=False)
    refusal = ""  # of the service that was called with this input before

    def clean_teacher(self) -> User:
        teacher = self.cleaned_data["teacher"]
        if not teacher.is_active_teacher:
            raise forms.ValidationError(
                "This user is deactivated." if teacher.is_teacher else "This user is not a teacher."
            )
        return teacher

    def clean(self) -> Cleaned | None:
        if self.refusal:
            raise forms.ValidationError(self.refusal)
        return super().clean()


class SessionInline(admin.TabularInline):
    """The sessions of a course; new ones while it is a draft."""

    model = CourseSession
    extra = 0
    formfield_overrides = PLAIN
    fields = ("session_number", "title", "description", "starts_at", "duration_minutes", "status")
    readonly_fields = ("session_number", "status")
    show_change_link = True

    def get_formset(
        self, request: HttpRequest, obj: Course | None = None, **wanted: object
    ) -> type[BaseInlineFormSet]:
        """One more than a course may have is refused in our words; Django makes no more than that.

        Left to itself, it makes two thousand rows for anybody who says that so many come.
        """
        most = settings.MAX_SESSIONS_PER_COURSE + (obj.sessions.count() if obj else 0)
        shown = most if self.has_add_permission(request, obj) else 0
        limits = {"max_num": shown, "absolute_max": most + 1}
        return super().get_formset(request, obj, **limits, **wanted)

    def has_add_permission(self, request: HttpRequest, obj: Course | None = None) -> bool:
        draft = obj is None or obj.status == Course.Status.DRAFT
        return draft and super().has_add_permission(request, obj)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Course)
class CourseAdmin(Deciding):
    decisions = ON_COURSES
    joined = ("teacher",)
    form = CourseForm
    formfield_overrides = PLAIN
    list_display = (
        "title", "teacher", "status", "price_full_course", "price_per_session",
        "current_students", "max_students", "created_at",
    )  # fmt: skip
    list_filter = ("status", "level", ("created_at", PeriodFilter), ("teacher", PersonFilter))
    search_fields = ("title", "^teacher__email")
    autocomplete_fields = ("teacher",)
    fields = (
        "teacher", "title", "description", "language", "level", "category", "thumbnail",
        "price_full_course", "price_per_session", "max_students", "by_link_only",
        "current_students", "status",
    )  # fmt: skip
    inlines = (SessionInline,)

    def get_readonly_fields(
        self, request: HttpRequest, obj: Model | None = None
    ) -> tuple[str, ...]:
        return ("current_students", "status", *(("teacher",) if obj else ()))

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def get_form(self, request: HttpRequest, *args: Any, **kwargs: Any) -> type[CourseForm]:
        form = cast(type[CourseForm], super().get_form(request, *args, **kwargs))
        form.refusal = getattr(request, "refusal", "")
        return form

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Save course and new sessions all or nothing; a refusal is an error of the form."""
        if request.method != "POST":
            return super().changeform_view(request, *args, **kwargs)
        try:
            return self.save_all(request, *args, **kwargs)
        except DomainError as error:
            request.refusal = str(error)  # type: ignore[attr-defined]
            for file in request.FILES.values():
                cast(UploadedFile, file).seek(0)  # it was read for the first try
            return self.save_all(request, *args, **kwargs)

    @operation
    def save_all(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: Json | None = None,
    ) -> HttpResponse:
        # Django's own changeform_view opens a transaction, in which no operation may begin.
        return self._changeform_view(request, object_id, form_url, extra_context)  # type: ignore[attr-defined]

    def save_model(self, request: HttpRequest, obj: Course, form: CourseForm, change: bool) -> None:
        if not change:
            obj.save()
            write_description(obj)
        elif changes := {name: getattr(obj, name) for name in form.changed_data}:
            change_course(course_id=obj.pk, actor=signed_in(request), **changes)

    def save_formset(
        self, request: HttpRequest, form: CourseForm, formset: BaseInlineFormSet, change: bool
    ) -> None:
        added = [row.cleaned_data for row in formset.extra_forms if row.has_changed()]
        names = ("title", "description", "starts_at", "duration_minutes")
        formset.changed_objects, formset.deleted_objects = [], []
        formset.new_objects = [
            add_session(
                course_id=form.instance.pk,
                actor=signed_in(request),
                **{name: row[name] for name in names},
            )
            for row in added
        ]


class AttentionFilter(admin.SimpleListFilter):
    """Sessions that staff have to see to: their teacher cannot call them off."""

    title = "attention"
    parameter_name = "attention"

    def lookups(self, request: HttpRequest, model_admin: admin.ModelAdmin) -> list[tuple[str, str]]:
        return [("no_teacher", "Teacher gone")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        sessions: Any = queryset
        return sessions.without_teacher() if self.value() == "no_teacher" else queryset


@admin.register(CourseSession)
class CourseSessionAdmin(Deciding, ReadOnlyAdmin):
    decisions = ON_SESSIONS
    list_display = ("title", "course", "session_number", "starts_at", "duration_minutes", "status")
    list_filter = (AttentionFilter, "status", ("starts_at", PeriodFilter))
    joined = ("course",)
    search_fields = ("title", "course__title", "^course__teacher__email")
    id_fields = ("pk", "course")


@admin.register(Announcement)
class AnnouncementAdmin(ReadOnlyAdmin):
    """What teachers write to their students: staff read it when somebody complains."""

    list_display = ("id", "author", "course", "session", "students", "created_at")
    list_filter = (("created_at", PeriodFilter), ("author", PersonFilter))
    joined = ("author", "course", "session")
    search_fields = ("^author__email", "course__title")
    id_fields = ("pk", "course", "session")
